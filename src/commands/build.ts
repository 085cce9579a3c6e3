import { command, listed } from './command.ts'
import { progressBar } from './progress.ts'

export const buildCommand = command({
  name: 'build',
  summary: "Turn drizzle-kit's output into Supabase migrations and rollbacks.",
  details:
    'Works for any PostgreSQL project of drizzle-kit 0.31. Migrations that are written already stay as they are.',
  example: 'integrations-db build --drizzle drizzle --supabase supabase',
  options: {
    drizzle: {
      type: 'string',
      value: 'DIR',
      description: "Read drizzle-kit's output folder.",
      default: 'drizzle',
      example: '--drizzle drizzle',
    },
    supabase: {
      type: 'string',
      value: 'DIR',
      description: 'Write migrations/ and rollbacks/ in this folder.',
      default: 'supabase',
      example: '--supabase supabase',
    },
    check: {
      type: 'boolean',
      description: 'Write nothing; exit 1 where a file is missing or not what would be written.',
      default: false,
      example: '--check',
    },
  },
  async run({ drizzle, supabase, check }) {
    const { build } = await import('../migrations/index.ts')
    const report = await build({ drizzle, supabase, check, onProgress: progressBar() })
    const text = listed('wrote', report.written, `${report.migrations} migrations, nothing to write`)
    return { report, text: [text, ...report.notes.map((note) => `note: ${note}`)].join('\n') }
  },
})
