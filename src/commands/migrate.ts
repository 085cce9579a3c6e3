import { migrate } from '../deployment/migrate.ts'
import { adminUrl, command, database, folder, given, listed } from './command.ts'
import { progressBar, waiting } from './progress.ts'

export const migrateCommand = command({
  name: 'migrate',
  usage: '[--to VERSION] [--dry-run]',
  summary: 'applies what is pending',
  example: 'integrations-db migrate --dry-run',
  options: { ...database, ...folder, to: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
  async run({ url, supabase, to, 'dry-run': dryRun = false }) {
    const options = { ...given({ supabase, to }), dryRun, onProgress: progressBar() }
    const report = await migrate({ url: adminUrl({ url }), ...options, onWait: waiting })
    const text = dryRun
      ? listed('would apply', report.pending, 'nothing to apply')
      : listed('applied', report.applied, 'nothing to apply')
    return { report, text }
  },
})
