import type { PruneReport } from '../admin/prune.ts'
import { adminUrl, apply, command, database, type Options } from './command.ts'
import { planned } from './maintenance.ts'

const old = {
  before: {
    type: 'string',
    value: 'DATE',
    description: 'Delete what is older: a date, which begins at midnight UTC, or a time.',
    example: '--before 2026-01-31',
    required: true,
  },
  ...apply,
  ...database,
} as const satisfies Options

export const pruneCommands = [
  command({
    name: 'events prune',
    summary: 'Delete old events, and record that.',
    details: 'Alerts that nobody acknowledged stay. Nothing else ever deletes an event.',
    example: 'integrations-db events prune --before 2026-01-31 --apply',
    options: old,
    async run({ url, before, apply }) {
      const { pruneEvents } = await import('../admin/prune.ts')
      return told('events', await pruneEvents({ url: adminUrl({ url }), before, apply }))
    },
  }),
  command({
    name: 'runs prune',
    summary: 'Delete old runs.',
    details: 'The latest run of each integration stays.',
    example: 'integrations-db runs prune --before 2026-01-31 --apply',
    options: old,
    async run({ url, before, apply }) {
      const { pruneRuns } = await import('../admin/prune.ts')
      return told('runs', await pruneRuns({ url: adminUrl({ url }), before, apply }))
    },
  }),
]

function told(what: string, report: PruneReport) {
  const { applied, before, rows } = report
  const lines = [`${rows} ${what} from before ${before}`, applied ? 'deleted' : planned]
  return { report, text: lines.join('\n') }
}
