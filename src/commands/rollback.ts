import { adminUrl, command, database, folder, given, listed, UsageError } from './command.ts'
import { progressBar, waiting } from './progress.ts'

export const rollbackCommand = command({
  name: 'rollback',
  summary: 'Run rollback files, newest first.',
  example: 'integrations-db rollback --steps 1 --yes',
  options: {
    steps: {
      type: 'string',
      value: 'N',
      description: 'Roll back this many migrations.',
      example: '--steps 1',
    },
    to: {
      type: 'string',
      value: 'VERSION',
      description: 'Roll back to this version, 14 digits, which stays applied.',
      example: '--to 20261123195735',
    },
    yes: {
      type: 'boolean',
      description: 'Accept the loss of data that the rollback files announce.',
      default: false,
      example: '--yes',
    },
    ...folder,
    ...database,
  },
  choices: [{ of: ['steps', 'to'], required: true }],
  async run({ url, supabase, steps, to, yes }) {
    const { rollback } = await import('../deployment/index.ts')
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
