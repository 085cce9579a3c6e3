import { command, folder, listed } from './command.ts'

export const buildCommand = command({
  name: 'build',
  usage: '[--drizzle DIR] [--supabase DIR] [--check]',
  summary: 'drizzle-kit output → Supabase migrations and rollbacks',
  example: 'integrations-db build --drizzle drizzle --supabase supabase',
  options: {
    ...folder,
    drizzle: { type: 'string', default: 'drizzle' },
    check: { type: 'boolean', default: false },
  },
  async run({ drizzle = 'drizzle', supabase = 'supabase', check = false }) {
    const { build } = await import('../migrations/index.ts')
    const report = await build({ drizzle, supabase, check })
    return { report, text: listed('wrote', report.written, `${report.migrations} migrations, nothing to write`) }
  },
})
