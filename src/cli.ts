#!/usr/bin/env node
import { parse, words } from './commands/arguments.ts'
import { type Command, type Outcome, UsageError } from './commands/command.ts'
import { helpOf, overview, red, usageOf, version } from './commands/help.ts'
import { commands, groups } from './commands/index.ts'
import { IntegrationsDbError, presentable, withoutPasswords } from './errors.ts'

/* Finds the command, prints its outcome, and turns every outcome into an exit status. */

const args = process.argv.slice(2)

// Every transaction is whole or not there, so stopping at once leaves nothing half-done.
process.once('SIGINT', () => {
  console.error('\ninterrupted; each transaction is done or undone as a whole: run it again to go on')
  process.exit(130)
})

process.exitCode = await run()

async function run(): Promise<number> {
  const { positionals, ...flags } = words(commands, args)
  if (flags.version) return print(flags.json ? JSON.stringify({ version: version() }) : version())
  if (positionals[0] === 'help') return help(positionals.slice(1))
  if (flags.help) return help(positionals)
  const command = find(positionals)
  try {
    assertUrlsInPlace()
    if (command === undefined) throw new UsageError(missing(positionals))
    const { flags: own, argument } = parse(command, args)
    const { findings = false, more, ...first } = await command.run(own, argument)
    const show = ({ report, text }: Pick<Outcome, 'report' | 'text'>) =>
      print(flags.json ? JSON.stringify(report) : text)
    if (more === undefined) show(first)
    else for await (const one of more) show(one)
    return findings ? 1 : 0
  } catch (error) {
    return failed(error, command, flags)
  }
}

/** The longest name that the arguments begin with. */
function find(positionals: string[]): Command | undefined {
  return [2, 1].flatMap((length) => {
    const name = positionals.slice(0, length).join(' ')
    return commands.filter((one) => one.name === name)
  })[0]
}

/** A database's URL belongs behind --url: anywhere else it would be taken for a name, and named in what is said of it. */
function assertUrlsInPlace(): void {
  const misplaced = args.some((word, i) => {
    const elsewhere = word.replace(/^--url=/, '')
    return /postgres(ql)?:\//i.test(word) && elsewhere === word && args[i - 1] !== '--url'
  })
  if (misplaced) throw new UsageError("a database's URL stands where none belongs; pass it as --url URL")
}

function missing([first]: string[]): string {
  if (first === undefined) return 'missing command'
  const group = commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []))
  if (group.length > 0) return `${first} takes one of ${group.join(', ')}`
  // An argument that is no command may be anything, also a URL with its password.
  return `unknown command${/^[a-z-]{1,20}$/.test(first) ? ` ${first}` : ''}`
}

function help(positionals: string[]): number {
  const command = find(positionals)
  const asked = command === undefined ? commands.filter(({ name }) => name.startsWith(`${positionals[0]} `)) : [command]
  return print(asked.length > 0 ? asked.map(helpOf).join('\n\n') : overview(groups))
}

function failed(error: unknown, command: Command | undefined, { json, debug }: Record<string, unknown>): number {
  const usage = error instanceof UsageError
  const { code, message: all } = usage
    ? { code: 'usage', message: error.message }
    : told(error as NodeJS.ErrnoException)
  const message = presentable(all)
  if (json) print(JSON.stringify({ error: { code, message } }))
  else console.error(`${red('error:')} ${command && usage ? `${command.name}: ` : ''}${message}`)
  if (debug) console.error(withoutPasswords(String((error as Error).stack)))
  else if (usage) console.error(`\n${command === undefined ? overview(groups) : usageOf(command)}`)
  else if (code === 'unexpected') console.error('unexpected error; rerun with --debug for the stack trace')
  return usage ? 2 : 1
}

function told(error: IntegrationsDbError | NodeJS.ErrnoException): { code: string; message: string } {
  if (error instanceof IntegrationsDbError) return error
  const { path, code, message } = error
  if (path === undefined) return { code: 'unexpected', message }
  return { code: 'invalid_input', message: `${path}: cannot be read or written (${code}); name a path that can` }
}

function print(text: string): number {
  console.log(text)
  return 0
}
