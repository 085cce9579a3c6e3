import { command, folder, given, listed } from './command.ts'

export const exportCommand = command({
  name: 'export',
  argument: { name: 'DIR', description: "Your project's folder, which holds supabase/migrations." },
  summary: "Copy our migrations into your project's supabase/migrations.",
  details:
    'A copy sorts behind everything that is there, under a later version where its own is too early, and is known by its first lines.',
  example: 'integrations-db export ../host',
  options: {
    check: {
      type: 'boolean',
      description: 'Write nothing; exit 1 where a copy is missing, edited, or sorts before what it needs.',
      default: false,
      example: '--check',
    },
    'dry-run': {
      type: 'boolean',
      description: 'Print what would be copied and write nothing.',
      default: false,
      example: '--dry-run',
    },
    ...folder,
  },
  choices: [{ of: ['check', 'dry-run'], required: false }],
  async run({ supabase, check, 'dry-run': dryRun }, directory) {
    const { exportMigrations } = await import('../deployment/index.ts')
    const report = await exportMigrations({ directory, check, dryRun, ...given({ supabase }) })
    const { folder, copied, problems } = report
    const heading = check ? 'missing from' : dryRun ? 'would copy into' : 'copied into'
    const lines = [
      ...(copied.length > 0 || problems.length === 0
        ? [listed(`${heading} ${folder}`, copied, `${folder} has all of them`)]
        : []),
      ...problems.map((problem) => `problem: ${problem}`),
    ]
    return { report, text: lines.join('\n'), findings: check && copied.length + problems.length > 0 }
  },
})
