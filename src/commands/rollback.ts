import { adminUrl, command, database, folder, given, listed, UsageError } from './command.ts'
import { progressBar, waiting } from './progress.ts'

export const rollbackCommand = command({
  name: 'rollback',
  usage: '(--steps N | --to VERSION) [--yes]',
  summary: 'runs rollback files, newest first; VERSION stays applied, --yes accepts what is lost',
  example: 'integrations-db rollback --steps 1 --yes',
  options: {
    ...database,
    ...folder,
    steps: { type: 'string' },
    to: { type: 'string' },
    yes: { type: 'boolean', default: false },
  },
  async run({ url, supabase, steps, to, yes = false }) {
    const { rollback } = await import('../deployment/rollback.ts')
    if ((steps === undefined) === (to === undefined)) throw new UsageError('--steps N or --to VERSION, one of them')
    if (steps !== undefined && !/^[1-9]\d{0,5}$/.test(steps)) throw new UsageError('--steps N: a whole number from 1')
    const report = await rollback({
      url: adminUrl({ url }),
      ...given({ supabase }),
      ...(to === undefined ? { steps: Number(steps) } : { to }),
      acceptDataLoss: yes,
      onProgress: progressBar(),
      onWait: waiting,
    })
    const lost = listed('lost with it', report.losses, '')
    const text = listed('rolled back', report.rolledBack, 'nothing to roll back')
    return { report, text: lost === '' ? text : `${text}\n${lost}` }
  },
})
