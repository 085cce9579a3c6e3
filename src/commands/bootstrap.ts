import { asAdmin } from '../admin.ts'
import { bootstrapSql } from '../bootstrap.ts'
import { adminUrl, command, database } from './command.ts'

export const bootstrapCommand = command({
  name: 'bootstrap',
  usage: '',
  summary: 'roles and schema that plain PostgreSQL lacks',
  example: 'integrations-db bootstrap',
  options: { ...database },
  async run({ url }) {
    await asAdmin(adminUrl({ url }), (sql) => sql.unsafe(bootstrapSql))
    return { report: { done: true }, text: 'roles anon, authenticated, service_role and schema extensions are there' }
  },
})
