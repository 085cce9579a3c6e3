import { command, folder, given, listed } from './command.ts'

export const exportCommand = command({
  name: 'export',
  argument: { name: 'DIR', description: "Your project's folder, which holds supabase/migrations." },
  summary: "Copy our migrations into your project's supabase/migrations.",
  example: 'integrations-db export ../host',
  options: { ...folder },
  async run({ supabase }, directory) {
    const { exportMigrations } = await import('../deployment/index.ts')
    const report = await exportMigrations({ directory, ...given({ supabase }) })
    const lines = [listed(`copied into ${report.folder}`, report.copied, `${report.folder} has all of them`)]
    if (report.newerOfHost.length > 0) {
      lines.push(
        listed('older than these of your project: push with supabase db push --include-all', report.newerOfHost, ''),
      )
    }
    return { report, text: lines.join('\n') }
  },
})
