import { access, command, folder, given, listed, project } from './command.ts'
import { progressBar, waiting } from './progress.ts'

export const migrateCommand = command({
  name: 'migrate',
  usage: '[--project-ref REF] [--to VERSION] [--dry-run]',
  summary: 'applies what is pending',
  example: 'integrations-db migrate --dry-run',
  options: { ...project, ...folder, to: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
  async run({ supabase, to, 'dry-run': dryRun = false, ...flags }) {
    const { migrate } = await import('../deployment/migrate.ts')
    const options = { ...given({ supabase, to }), dryRun, onProgress: progressBar() }
    const report = await migrate({ ...access(flags), ...options, onWait: waiting })
    const text = dryRun
      ? listed('would apply', report.pending, 'nothing to apply')
      : listed('applied', report.applied, 'nothing to apply')
    return { report, text }
  },
})
