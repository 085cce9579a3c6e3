#!/usr/bin/env node
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { asAdmin, type Failure } from './admin.ts'
import { bootstrapSql } from './bootstrap.ts'
import { options, usage } from './cli-options.ts'
import { createLogin } from './create-login.ts'
import {
  auditCredentials,
  moveToVault,
  revokeCredentials,
  rotateEncryptionKey,
  type SecretsReport,
} from './credential-upkeep.ts'
import { dartSource } from './dart.ts'
import { dartFindings } from './dart-check.ts'
import { IntegrationsDbError } from './errors.ts'
import { encryptionKey } from './input.ts'
import { liftLockdown, lockdown } from './lockdown.ts'
import { migrate, rollback } from './migrate.ts'
import { build } from './migrations/build.ts'
import { progressBar } from './progress.ts'
import { repair } from './repair.ts'
import { restore } from './restore.ts'

/* Thin on purpose: each command parses its words, calls one function and prints what that returned. */

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

/** A command gives what `--json` prints, and the same as text; `findings` is exit status 1. */
type Outcome = { report: object; text: string; findings?: boolean }
type Command = (flags: Flags, words: string[]) => Promise<Outcome>

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
  async credentials(flags, [verb, ...more]) {
    const command = credentialCommands[verb ?? '']
    if (command === undefined || more.length > 0) {
      throw new UsageError(`credentials takes one of ${Object.keys(credentialCommands).join(', ')}`)
    }
    return command(flags, [])
  },
  async repair(flags) {
    if (flags.restore !== undefined) return restored(flags, flags.restore)
    if (flags.document !== undefined) throw new UsageError('--document belongs to repair --restore EVENT')
    const report = await repair({ url: adminUrl(flags), ...applying(flags) })
    const { malformed, quarantined, outdated, failures } = report
    const lines = [
      ...malformed.findings.map((one) => `${one.organizationId} ${one.integrationType} ${one.path}: ${one.rule}`),
      ...quarantined.map(
        (one) => `quarantined ${one.organizationId} ${one.integrationType} ${one.document}: event ${one.event}`,
      ),
      `${report.rows} integrations, ${malformed.rows} with malformed documents, ${outdated} of an earlier version`,
    ]
    const left = malformed.rows + outdated
    const outcome = summary({ lines, done: 'repaired', failures, left }, flags)
    return { report, ...outcome, findings: outcome.findings || (!flags.apply && malformed.rows > 0) }
  },
  async registry(flags, words) {
    const [file, ...more] = words
    if (
      (flags.dart === undefined) === (file === undefined) ||
      flags.check !== (file !== undefined) ||
      more.length > 0
    ) {
      throw new UsageError('registry needs --dart OUT.dart or --check FILE.dart, one of them')
    }
    if (flags.dart !== undefined) {
      writeFileSync(flags.dart, dartSource())
      return { report: { written: flags.dart }, text: `wrote ${flags.dart}` }
    }
    const findings = dartFindings(readText(file ?? ''))
    const lines = findings.map(
      ({ where, expected, found, remedy }) => `${where}: expected ${expected}, found ${found}; ${remedy}`,
    )
    return {
      report: { findings },
      text: lines.length > 0 ? lines.join('\n') : `${file} has the labels of both enums`,
      findings: findings.length > 0,
    }
  },
  async lockdown(flags) {
    const target = { url: adminUrl(flags) }
    const report = await (flags.lift ? liftLockdown(target) : lockdown(target))
    const change = flags.lift ? `gave back ${report.grants} privileges` : `took ${report.grants} privileges away`
    return { report, text: `${change}; who can read or write by themselves: ${report.stillAllowed.join(', ')}` }
  },
}

const credentialCommands: Record<string, Command> = {
  async audit(flags) {
    const report = await auditCredentials({ url: adminUrl(flags), apply: flags.apply })
    const { findings, mended } = report
    const lines = findings.map((found) =>
      found.finding === 'secret without a reference'
        ? `${found.finding}: ${found.store} ${found.id} ${found.name ?? ''}`
        : `${found.finding}: ${found.store}, integration ${found.integrationId} version ${found.version}`,
    )
    const summary = findings.length === 0 ? 'nothing found' : mended ? 'mended all of it' : planned
    return { report, text: [...lines, summary].join('\n'), findings: findings.length > 0 && !mended }
  },
  async revoke(flags) {
    if ((flags.organization === undefined) !== flags.all) {
      throw new UsageError('credentials revoke needs --organization ID or --all, one of them')
    }
    const organizationId = flags.organization ?? 'all'
    const report = await revokeCredentials({ url: adminUrl(flags), organizationId, ...applying(flags) })
    const { organizations, strays, failures } = report
    const lines = [
      ...organizations.map((one) => `organization ${one.organizationId}: ${one.integrations} integrations`),
      `${strays} secrets without a reference`,
    ]
    const left = organizations.length + strays
    return { report, ...summary({ lines, done: 'revoked', failures, left }, flags) }
  },
  async move(flags) {
    if (flags.to !== 'vault') throw new UsageError('credentials move needs --to vault')
    const report = await moveToVault({ url: adminUrl(flags), ...encryptionKeys(flags), ...applying(flags) })
    return { report, ...walked(report, 'moved into Vault', flags) }
  },
  async 'rotate-key'(flags) {
    const report = await rotateEncryptionKey({ url: adminUrl(flags), ...encryptionKeys(flags), ...applying(flags) })
    return { report, ...walked(report, 'encrypted with the new key', flags) }
  },
}

async function restored(flags: Flags, event: string): Promise<Outcome> {
  const document = flags.document === undefined ? {} : { document: readJson(flags.document) }
  const report = await restore({ url: adminUrl(flags), event, ...document })
  return {
    report,
    text: `${report.document} of ${report.integrationType}, organization ${report.organizationId}, is back`,
  }
}

function readJson(file: string): unknown {
  const text = readText(file)
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the text.
    throw new IntegrationsDbError('invalid_input', `${file}: cannot be read as a document: is no JSON`)
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new IntegrationsDbError(
      'not_found',
      `${file}: cannot be read (${(error as { code?: string }).code}); name a file that is there`,
    )
  }
}

const planned = 'nothing was changed; say --apply to do it'

/** `left` is how much there was to do. */
function summary(
  { lines, done, failures, left }: { lines: string[]; done: string; failures: Failure[]; left: number },
  { apply }: Flags,
): Omit<Outcome, 'report'> {
  const failed = failures.map(({ what, message }) => `failed: ${what}: ${message}`)
  const end = left === 0 ? 'nothing left to do' : apply ? done : planned
  const text = [...lines, ...failed, failures.length > 0 ? 'the others were done; run it again' : end].join('\n')
  return { text, findings: failures.length > 0 }
}

function walked({ secrets, failures }: SecretsReport, done: string, flags: Flags): Omit<Outcome, 'report'> {
  return summary({ lines: [`${secrets} secrets`], done, failures, left: secrets }, flags)
}

function applying({ apply }: Flags) {
  return { apply, onProgress: progressBar() }
}

function encryptionKeys(flags: Flags) {
  return {
    encryptionKey: encryptionKey('INTEGRATIONS_ENCRYPTION_KEY'),
    previousEncryptionKey: encryptionKey('INTEGRATIONS_PREVIOUS_ENCRYPTION_KEY'),
    allowParameterLogging: flags['allow-parameter-logging'],
  }
}

await run()

async function run(): Promise<void> {
  const [name, ...words] = parsed.positionals
  if (parsed.values.help) return console.log(usage)
  try {
    const command = commands[name ?? '']
    if (command === undefined)
      throw new UsageError(name === undefined ? 'a command is missing' : `unknown command ${name}`)
    if (!['login', 'credentials', 'registry'].includes(name ?? '') && words.length > 0)
      throw new UsageError(`${name} takes no further word, got ${words.join(' ')}`)
    const { report, text, findings = false } = await command(parsed.values, words)
    console.log(parsed.values.json ? JSON.stringify(report) : text)
    if (findings) process.exitCode = 1
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
