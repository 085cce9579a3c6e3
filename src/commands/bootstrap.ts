import { adminUrl, command, database, given, listed } from './command.ts'

export const bootstrapCommand = command({
  name: 'bootstrap',
  summary: "Create Supabase's roles and a backend login on plain PostgreSQL.",
  details: 'Refused on a Supabase project. Changes nothing the second time; prints the password of a new login once.',
  example: 'integrations-db bootstrap --login integrations_backend',
  options: {
    ...database,
    login: {
      type: 'string',
      value: 'NAME',
      description: 'Name the login that backends connect with.',
      default: 'integrations_backend',
      example: '--login integrations_backend',
    },
    'no-login': { type: 'boolean', description: 'Create no login.', default: false, example: '--no-login' },
  },
  choices: [{ of: ['login', 'no-login'], required: false }],
  async run({ url, login, 'no-login': none }) {
    const { bootstrap } = await import('../admin/bootstrap.ts')
    const report = await bootstrap({ url: adminUrl({ url }), ...(none ? { login: false } : given({ login })) })
    const lines = [listed('created', report.created, 'nothing to create')]
    if (report.login?.password) {
      lines.push(`login ${report.login.name} created; its password, shown this once: ${report.login.password}`)
    } else if (report.login) lines.push(`login ${report.login.name} exists; its password was shown when it was made`)
    if (report.hint !== undefined) lines.push(report.hint)
    else if (report.created.length > 0 || report.revoked !== undefined) {
      lines.push('temporary objects: refused, except to whom the database grants TEMPORARY by name')
    }
    return { report, text: lines.join('\n') }
  },
})
