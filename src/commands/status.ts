import { command, databases, folder, given, listed, projectOrUrl } from './command.ts'
import { inEach } from './several.ts'

export const statusCommand = command({
  name: 'status',
  summary: "List applied and pending migrations, and count your application's own.",
  details: 'Exits 1 where an applied file was changed, is gone, or is older than the newest applied one.',
  example: 'integrations-db status --json',
  options: { ...folder, ...databases },
  choices: projectOrUrl,
  async run({ supabase, ...flags }) {
    const { status } = await import('../deployment/index.ts')
    return inEach(flags, async (database) => {
      const report = await status({ ...database, ...given({ supabase }) })
      const { applied, pending, host, problems } = report
      const lines = [
        listed('applied', applied, 'nothing is applied'),
        listed('pending', pending, 'nothing is pending'),
        `${host} of the host's own`,
        ...problems.map(({ message }) => `problem: ${message}`),
      ]
      return { report, text: lines.join('\n'), findings: problems.length > 0 }
    })
  },
})
