import { parseArgs } from 'node:util'
import { type Command, common, type Flags, type Options, UsageError } from './command.ts'
import { flag } from './usage.ts'

/* Arguments against the declaration. Messages name what is declared and never quote what was typed. */

/** `--version` alone needs no command. */
const global = { ...common, version: { type: 'boolean' } } as const

/** Finds the arguments that are no options, knowing every option of every command. */
export function words(commands: readonly Command[], args: string[]) {
  const all = commands.flatMap(({ options }) => Object.entries(options))
  // `--check` is a flag of one command and has a value in another: taken for a flag here, its value is one word too many.
  const sorted = all
    .sort(([, a]) => (a.type === 'string' ? -1 : 1))
    .map(([name, { type }]) => [name, { type }] as const)
  const { values, positionals } = parseArgs({
    args,
    options: { ...Object.fromEntries(sorted), ...Object.fromEntries(Object.entries(global).map(bare)) },
    strict: false,
  })
  const { json = false, debug = false, help = false, version = false } = values
  return { positionals, json: json === true, debug: debug === true, help: help === true, version: version === true }
}

/** The command's own flags and argument; refuses everything that is not declared. */
export function parse(
  command: Command,
  args: string[],
): { flags: Flags<Options> & { json: boolean }; argument: string } {
  const declared: Options = { ...command.options, ...common }
  const options = Object.fromEntries(Object.entries(declared).map(bare))
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true })
  const flags: Record<string, string | boolean | string[] | undefined> = {}
  for (const [name, option] of Object.entries(declared)) flags[name] = option.default
  const passed = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const read = value(declared, token)
    const isList = declared[token.name]?.many === true
    flags[token.name] = isList ? [...((flags[token.name] as string[] | undefined) ?? []), String(read)] : read
    // The last one alone would count: of two organizations to revoke, one would not be.
    if (passed.has(token.name) && declared[token.name]?.type === 'string' && !isList)
      throw new UsageError(`pass --${token.name} once`)
    passed.add(token.name)
  }
  assertTogether(command, passed)
  const positionals = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []))
  return { flags: flags as Flags<Options> & { json: boolean }, argument: argument(command, positionals) }
}

const bare = ([name, { type, short }]: [string, { type: 'string' | 'boolean'; short?: string }]) =>
  [name, short === undefined ? { type } : { type, short }] as const

type Token = { name: string; rawName: string; value: string | undefined; inlineValue: boolean | undefined }

function value(declared: Options, { name, rawName, value, inlineValue }: Token): string | boolean {
  const option = Object.hasOwn(declared, name) ? declared[name] : undefined
  // An option that is none may be anything, also a URL with its password.
  if (option === undefined)
    throw new UsageError(`unknown option${/^--?[a-z-]{1,30}$/.test(rawName) ? ` ${rawName}` : ''}`)
  if (option.type === 'boolean') {
    if (value !== undefined) throw new UsageError(`--${name} takes no value`)
    return true
  }
  const isOption = inlineValue === false && value !== undefined && /^-./.test(value)
  if (value === undefined || value === '' || isOption) {
    throw new UsageError(`--${name} needs a value: ${flag(name, option)}, such as ${option.example}`)
  }
  return value
}

function assertTogether({ options, choices = [] }: Command, passed: ReadonlySet<string>): void {
  const text = (name: string) => flag(name, options[name] as Options[string])
  for (const { of, required } of choices) {
    const count = of.filter((name) => passed.has(name)).length
    if (count > 1 || (required && count === 0)) throw new UsageError(`pass ${of.map(text).join(' or ')}, one of them`)
  }
  for (const [name, { required, needs }] of Object.entries(options)) {
    if (required && !passed.has(name)) throw new UsageError(`missing option ${text(name)}`)
    if (passed.has(name) && needs !== undefined && !passed.has(needs)) {
      throw new UsageError(`--${name} belongs to ${text(needs)}`)
    }
  }
}

function argument({ name, argument: declared }: Command, positionals: string[]): string {
  const [first, second] = positionals.slice(name.split(' ').length)
  if (declared === undefined) {
    if (first !== undefined) throw new UsageError('unexpected argument')
    return ''
  }
  if (first === undefined) throw new UsageError(`missing argument ${declared.name}`)
  if (second !== undefined) throw new UsageError(`unexpected argument after ${declared.name}`)
  return first
}
