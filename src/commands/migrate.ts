import { command, databases, folder, given, listed, projectOrUrl, UsageError } from './command.ts'
import { progressBar, waiting } from './progress.ts'
import { inEach } from './several.ts'

export const migrateCommand = command({
  name: 'migrate',
  summary: 'Apply pending migrations.',
  details: "Writes Supabase's own history; any number may start at once, one works and the others wait.",
  example: 'integrations-db migrate --dry-run',
  options: {
    to: {
      type: 'string',
      value: 'VERSION',
      description: 'Stop behind this version, 14 digits.',
      fallback: 'the newest',
      example: '--to 20261124060023',
    },
    'dry-run': {
      type: 'boolean',
      description: 'Print what would be applied and change nothing.',
      default: false,
      example: '--dry-run',
    },
    'data-api': {
      type: 'string',
      value: 'on|off',
      description: 'Open the functions of schema integrations_api to the users of your Data API, or close them.',
      fallback: 'as it is; closed in a new database',
      example: '--data-api on',
    },
    ...folder,
    ...databases,
  },
  choices: projectOrUrl,
  async run({ supabase, to, 'dry-run': dryRun, 'data-api': dataApi, ...flags }) {
    if (dataApi !== undefined && !['on', 'off'].includes(dataApi)) throw new UsageError('pass --data-api on or off')
    const { migrate } = await import('../deployment/index.ts')
    const switched = dataApi === undefined ? {} : { dataApi: dataApi === 'on' }
    return inEach(flags, async (database) => {
      const options = { ...given({ supabase, to }), ...switched, dryRun, onProgress: progressBar() }
      const report = await migrate({ ...database, ...options, onWait: waiting })
      const text = dryRun
        ? listed('would apply', report.pending, 'nothing to apply')
        : listed('applied', report.applied, 'nothing to apply')
      return { report, text: dataApi === undefined || dryRun ? text : `${text}\nData API functions: ${dataApi}` }
    })
  },
})
