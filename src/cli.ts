#!/usr/bin/env node
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { asAdmin } from './admin.ts'
import { bootstrapSql } from './bootstrap.ts'
import { createLogin } from './create-login.ts'
import { IntegrationsDbError } from './errors.ts'
import { migrate, rollback } from './migrate.ts'
import { build } from './migrations/build.ts'

/* Thin on purpose: each command parses its words, calls one function and prints what that returned. */

const usage = `integrations-db <command>

  build [--drizzle DIR] [--supabase DIR] [--check]   drizzle-kit output → Supabase migrations and rollbacks
  migrate                                            applies what is pending
  rollback --steps N [--yes]                         runs rollback files, newest first
  bootstrap                                          roles and schema that plain PostgreSQL lacks
  login create NAME [--service]                      a login for backends; prints its password once

The database is --url or INTEGRATIONS_ADMIN_URL. --json prints one JSON document.
Exit status: 0 done, 1 refused or failed, 2 usage.
Example: integrations-db build --drizzle drizzle --supabase supabase`

const options = {
  drizzle: { type: 'string', default: 'drizzle' },
  supabase: { type: 'string' },
  check: { type: 'boolean', default: false },
  url: { type: 'string' },
  steps: { type: 'string' },
  yes: { type: 'boolean', default: false },
  service: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

class UsageError extends Error {}

const parsed = (() => {
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    console.error(`error: ${(error as Error).message}\n\n${usage}`)
    process.exit(2)
  }
})()
type Flags = typeof parsed.values

/** A command gives what `--json` prints, and the same as text. */
type Command = (flags: Flags, words: string[]) => Promise<{ report: object; text: string }>

const commands: Record<string, Command> = {
  async build({ drizzle, supabase = 'supabase', check }) {
    const report = await build({ drizzle, supabase, check })
    const text =
      report.written.length > 0
        ? `wrote\n  ${report.written.join('\n  ')}`
        : `${report.migrations} migrations, nothing to write`
    return { report, text }
  },
  async migrate(flags) {
    const report = await migrate({ url: adminUrl(flags), ...supabaseFolder(flags) })
    return {
      report,
      text: report.applied.length > 0 ? `applied\n  ${report.applied.join('\n  ')}` : 'nothing to apply',
    }
  },
  async rollback(flags) {
    const steps = Number(flags.steps)
    if (!Number.isInteger(steps) || steps < 1) throw new UsageError('rollback needs --steps N, a whole number from 1')
    const report = await rollback({ url: adminUrl(flags), ...supabaseFolder(flags), steps, acceptDataLoss: flags.yes })
    return {
      report,
      text: report.rolledBack.length > 0 ? `rolled back\n  ${report.rolledBack.join('\n  ')}` : 'nothing to roll back',
    }
  },
  async bootstrap(flags) {
    await asAdmin(adminUrl(flags), (sql) => sql.unsafe(bootstrapSql))
    return { report: { done: true }, text: 'roles anon, authenticated, service_role and schema extensions are there' }
  },
  async login(flags, [verb, name, ...more]) {
    if (verb !== 'create' || name === undefined || more.length > 0)
      throw new UsageError('login create NAME [--service]')
    const password = randomBytes(24).toString('base64url')
    await createLogin({ url: adminUrl(flags), name, password, service: flags.service })
    return { report: { name, password }, text: `login ${name} created; its password, shown this once: ${password}` }
  },
}

await run()

async function run(): Promise<void> {
  const [name, ...words] = parsed.positionals
  if (parsed.values.help) return console.log(usage)
  try {
    const command = commands[name ?? '']
    if (command === undefined)
      throw new UsageError(name === undefined ? 'a command is missing' : `unknown command ${name}`)
    if (name !== 'login' && words.length > 0)
      throw new UsageError(`${name} takes no further word, got ${words.join(' ')}`)
    const { report, text } = await command(parsed.values, words)
    console.log(parsed.values.json ? JSON.stringify(report) : text)
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`error: ${error.message}\n\n${usage}`)
      process.exitCode = 2
    } else if (error instanceof IntegrationsDbError) {
      const report = { error: { code: error.code, message: error.message } }
      if (parsed.values.json) console.log(JSON.stringify(report))
      else console.error(`error: ${error.message}`)
      process.exitCode = 1
    } else throw error
  }
}

function adminUrl(flags: Flags): string {
  const url = flags.url ?? process.env.INTEGRATIONS_ADMIN_URL
  if (url === undefined)
    throw new UsageError("the database is missing: --url or INTEGRATIONS_ADMIN_URL, an administrator's URL")
  return url
}

function supabaseFolder({ supabase }: Flags): { supabase?: string } {
  return supabase === undefined ? {} : { supabase }
}
