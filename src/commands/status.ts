import { access, command, folder, given, listed, project } from './command.ts'

export const statusCommand = command({
  name: 'status',
  usage: '[--project-ref REF]',
  summary: "applied, pending, and how many of the history's versions are the host's",
  example: 'integrations-db status --json',
  options: { ...project, ...folder },
  async run({ supabase, ...flags }) {
    const { status } = await import('../deployment/status.ts')
    const report = await status({ ...access(flags), ...given({ supabase }) })
    const { applied, pending, host, problems } = report
    const lines = [
      listed('applied', applied, 'nothing is applied'),
      listed('pending', pending, 'nothing is pending'),
      `${host} of the host's own`,
      ...problems.map(({ message }) => `problem: ${message}`),
    ]
    return { report, text: lines.join('\n'), findings: problems.length > 0 }
  },
})
