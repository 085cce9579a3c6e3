import { adminUrl, command, database, given, listed, UsageError } from './command.ts'

export const bootstrapCommand = command({
  name: 'bootstrap',
  usage: '[--login NAME | --no-login]',
  summary: 'what Supabase has and plain PostgreSQL lacks, and a login for backends; refused on a Supabase project',
  example: 'integrations-db bootstrap --login backend',
  options: { ...database, login: { type: 'string' }, 'no-login': { type: 'boolean', default: false } },
  async run({ url, login, 'no-login': none = false }) {
    const { bootstrap } = await import('../admin/bootstrap.ts')
    if (none && login !== undefined) throw new UsageError('--login NAME or --no-login, one of them')
    const report = await bootstrap({ url: adminUrl({ url }), ...(none ? { login: false } : given({ login })) })
    const lines = [listed('created', report.created, 'nothing to create')]
    if (report.login?.password) {
      lines.push(`login ${report.login.name} created; its password, shown this once: ${report.login.password}`)
    } else if (report.login) lines.push(`login ${report.login.name} exists; its password was shown when it was made`)
    return { report, text: lines.join('\n') }
  },
})
