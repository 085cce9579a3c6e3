#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { bootstrapCommand } from './commands/bootstrap.ts'
import { buildCommand } from './commands/build.ts'
import { type Command, common, UsageError } from './commands/command.ts'
import { credentialCommands } from './commands/credentials.ts'
import { doctorCommand } from './commands/doctor.ts'
import { exportCommand } from './commands/export.ts'
import { helpOf, overview, red, version } from './commands/help.ts'
import { lockdownCommand } from './commands/lockdown.ts'
import { loginCommand } from './commands/login.ts'
import { mappingsPreviewCommand } from './commands/mappings.ts'
import { migrateCommand } from './commands/migrate.ts'
import { registryCommand } from './commands/registry.ts'
import { repairCommand } from './commands/repair.ts'
import { rollbackCommand } from './commands/rollback.ts'
import { statusCommand } from './commands/status.ts'
import { IntegrationsDbError, presentable, withoutPasswords } from './errors.ts'

/* Finds the command, prints what it says, and turns every outcome into an exit status. */

const commands: readonly Command[] = [
  buildCommand,
  migrateCommand,
  rollbackCommand,
  statusCommand,
  exportCommand,
  doctorCommand,
  repairCommand,
  ...credentialCommands,
  mappingsPreviewCommand,
  registryCommand,
  bootstrapCommand,
  loginCommand,
  lockdownCommand,
]
const given = process.argv.slice(2)
const global = { ...common, version: { type: 'boolean' } } as const

// Every transaction is whole or not there, so stopping at once leaves nothing half-done.
process.once('SIGINT', () => {
  console.error('\ninterrupted; what was under way is done or undone as a whole: run it again to go on')
  process.exit(130)
})

process.exitCode = await run()

async function run(): Promise<number> {
  const { values: flags, positionals: words } = loosely()
  if (flags.version) return say(version())
  if (words[0] === 'help') return help(words.slice(1))
  if (flags.help) return help(words)
  const command = find(words)
  try {
    assertUrlsInPlace()
    if (command === undefined) throw new UsageError(missing(words))
    const { report, text, findings = false } = await call(command)
    say(flags.json ? JSON.stringify(report) : text)
    return findings ? 1 : 0
  } catch (error) {
    return failed(error, command, flags)
  }
}

/** The longest name that the words begin with. */
function find(words: string[]): Command | undefined {
  return [2, 1].flatMap((length) => {
    const name = words.slice(0, length).join(' ')
    return commands.filter((one) => one.name === name)
  })[0]
}

function call(command: Command): ReturnType<Command['run']> {
  const { values, positionals } = strictly(command)
  const words = positionals.slice(command.name.split(' ').length)
  const expected = command.word === undefined ? 0 : 1
  if (words.length !== expected) {
    throw new UsageError(expected === 1 ? `takes one word, ${command.word}` : 'takes no further word')
  }
  return command.run(values, words[0] ?? '')
}

/** With every option of any command, to tell words from values; each command then takes its own alone. */
function loosely() {
  const all = commands.flatMap(({ options }) => Object.entries(options))
  // What is a flag to one command and has a value to another is taken for a flag: the value is then a word too many here.
  const options = Object.fromEntries([
    ...all.sort(([, a]) => (a.type === 'string' ? -1 : 1)),
    ...Object.entries(global),
  ])
  return parseArgs({ args: given, options, strict: false })
}

/** A database's URL belongs behind --url: anywhere else it would be taken for a name, and named in what is said of it. */
function assertUrlsInPlace(): void {
  const misplaced = given.some((word, i) => {
    const elsewhere = word.replace(/^--url=/, '')
    return /postgres(ql)?:\//i.test(word) && elsewhere === word && given[i - 1] !== '--url'
  })
  if (misplaced) throw new UsageError("a database's URL stands where none belongs; pass it as --url URL")
}

function strictly({ options }: Command) {
  try {
    return parseArgs({ args: given, options: { ...common, ...options }, allowPositionals: true })
  } catch (error) {
    const [problem = ''] = (error as Error).message.split('. ')
    // What was meant for a flag may be anything that was glued to one.
    throw new UsageError(
      /^[^']*('-{1,2}[a-z][a-z-]{0,20}( <value>)?'[^']*)*$/.test(problem) ? problem : 'unknown option',
    )
  }
}

function missing(words: string[]): string {
  const [first = ''] = words
  const group = commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []))
  if (words.length === 0) return 'a command is missing'
  if (group.length > 0) return `${first} takes one of ${group.join(', ')}`
  // A word that is no command may be anything, also a URL with its password.
  return `unknown command${/^[a-z-]{1,20}$/.test(first) ? ` ${first}` : ''}`
}

function help(words: string[]): number {
  const command = find(words)
  const asked = command === undefined ? commands.filter(({ name }) => name.startsWith(`${words[0]} `)) : [command]
  return say(asked.length > 0 ? asked.map(helpOf).join('\n\n') : overview(commands))
}

function failed(error: unknown, command: Command | undefined, { json, debug }: Record<string, unknown>): number {
  const usage = error instanceof UsageError
  const { code, message: all } = usage
    ? { code: 'usage', message: error.message }
    : told(error as NodeJS.ErrnoException)
  const message = presentable(all)
  if (json) say(JSON.stringify({ error: { code, message } }))
  else console.error(`${red('error:')} ${command && usage ? `${command.name}: ` : ''}${message}`)
  if (debug) console.error(withoutPasswords(String((error as Error).stack)))
  else if (usage) console.error(`\n${command === undefined ? overview(commands) : helpOf(command)}`)
  else if (code === 'unexpected') console.error('this should not happen; --debug shows where it did')
  return usage ? 2 : 1
}

function told(error: IntegrationsDbError | NodeJS.ErrnoException): { code: string; message: string } {
  if (error instanceof IntegrationsDbError) return error
  const { path, code, message } = error
  if (path === undefined) return { code: 'unexpected', message }
  return { code: 'invalid_input', message: `${path}: cannot be read or written (${code}); name a path that can` }
}

function say(text: string): number {
  console.log(text)
  return 0
}
