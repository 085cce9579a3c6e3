import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { cliPage } from '../../scripts/cli-page.ts'
import { parse, words } from '../../src/commands/arguments.ts'
import { type Command, common, type Options } from '../../src/commands/command.ts'
import { helpOf, overview, usageOf } from '../../src/commands/help.ts'
import { commands, groups } from '../../src/commands/index.ts'
import { flag, title } from '../../src/commands/usage.ts'

/* The declarations of the command line, and what is read from them. No process, no server. */

const declared = (name: string): Command => {
  const found = commands.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no command ${name}`)
  return found
}
const all = commands.map((one) => ({ name: one.name, one }))
const plain = (text: string) => text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '')

describe('each command', () => {
  test.each(all)(
    '$name has a summary, an example of its own and a description with an example of each option',
    ({ one }) => {
      expect(one.summary).toMatch(/^[A-Z].*\.$/)
      for (const [name, option] of Object.entries(one.options)) {
        expect(option.description, name).toMatch(/^[A-Z].*[^.]\.$/)
        expect(option.type === 'string', name).toBe(option.value !== undefined)
        const [first, ...rest] = option.example.split(' ')
        expect(first, name).toBe(`--${name}`)
        expect(rest.length, name).toBe(option.type === 'string' ? 1 : 0)
        expect(Object.keys(common), name).not.toContain(name)
      }
    },
  )

  test.each(all)('$name: its example, and each of its options, is what it accepts', ({ one }) => {
    const [program, ...example] = one.example.split(' ')
    expect(program).toBe('integrations-db')
    expect(words(commands, example).positionals.join(' ')).toMatch(new RegExp(`^${one.name}\\b`))
    parse(one, example)
    for (const [name, option] of Object.entries(one.options)) {
      const needed = option.needs === undefined ? [] : (one.options[option.needs]?.example.split(' ') ?? [])
      const { flags } = parse(one, [...bareCall(one, name), ...needed, ...option.example.split(' ')])
      const value = option.type === 'boolean' ? true : option.example.split(' ')[1]
      expect(flags[name], name).toEqual(option.many ? [value] : value)
    }
  })

  test.each(all)('$name --help fits 80 columns, breaks no word and names every option and its default', ({ one }) => {
    const help = plain(helpOf(one))
    assertFits(help)
    const text = help.replaceAll(/\s+/g, ' ')
    for (const [name, option] of Object.entries({ ...one.options, ...common } as Options)) {
      expect(text).toContain(`${flag(name, option)} ${option.description}`)
      if (option.type === 'string') expect(text).toContain(`Example: ${option.example}`)
      const value = option.fallback ?? option.default
      if (option.type === 'string' && value !== undefined) expect(text).toContain(`Default: ${value}`)
    }
    expect(text).toContain(`Example: ${one.example}`)
    expect(text.startsWith(usageOf(one).replaceAll(/\s+/g, ' '))).toBe(true)
  })

  test('is in the overview, which fits 80 columns', () => {
    const text = plain(overview(groups))
    assertFits(text)
    for (const one of commands) {
      expect(text).toContain(`  ${title(one)} `)
      expect(text.replaceAll(/\s+/g, ' ')).toContain(one.summary)
    }
  })
})

/** A line of more than 80 columns is a single word; a word that was broken would miss from what is declared. */
function assertFits(text: string): void {
  for (const line of text.split('\n')) if (line.length > 80) expect(line.trim()).not.toContain(' ')
}

/** The fewest arguments that it accepts beside the option that is named. */
function bareCall(one: Command, beside = ''): string[] {
  const choices = (one.choices ?? []).filter(({ of, required }) => required && !of.includes(beside))
  const required = Object.entries(one.options).filter(([name, option]) => option.required && name !== beside)
  return [
    ...one.name.split(' '),
    ...(one.argument === undefined ? [] : ['something']),
    ...choices.flatMap(({ of: [first = ''] }) => one.options[first]?.example.split(' ') ?? []),
    ...required.flatMap(([, option]) => option.example.split(' ')),
  ]
}

test('docs/cli.md is what the declarations say', () => {
  expect(readFileSync('docs/cli.md', 'utf8').replaceAll('\r\n', '\n'), 'run npm run docs:generate').toBe(cliPage())
})

describe('usage', () => {
  test.each([
    ['rollback', '(--steps N | --to VERSION) [--yes] [--supabase DIR] [--url URL]'],
    ['credentials move', '--to vault [--apply] [--terminate] [--allow-parameter-logging] [--url URL]'],
    ['repair', '[--apply] [--terminate] [--restore EVENT [--document FILE]] [--url URL]'],
    ['migrate', '[--to VERSION] [--dry-run] [--data-api on|off] [--supabase DIR] [--url URL | --project-ref REF]'],
  ])('of %s follows from its declaration', (name, options) => {
    expect(plain(usageOf(declared(name))).replaceAll(/\n +/g, ' ')).toBe(`integrations-db ${name} ${options}`)
  })
})

const secret = 'postgresql://me:canary-password@host/x'

describe('arguments', () => {
  test.each<[string, string[], string]>([
    ['migrate', ['--fast'], 'unknown option --fast'],
    ['migrate', ['-f'], 'unknown option -f'],
    ['migrate', ['--yes'], 'unknown option --yes'],
    ['migrate', ['--no-json'], 'unknown option --no-json'],
    ['migrate', ['--__proto__'], 'unknown option'],
    ['migrate', [`--${secret}`], 'unknown option'],
    ['migrate', [`--fast=${secret}`], 'unknown option --fast'],
    ['migrate', [`--json=${secret}`], '--json takes no value'],
    ['migrate', [`-${secret}`], 'unknown option -p'],
    ['migrate', [secret], 'unexpected argument'],
    ['migrate', ['--', secret], 'unexpected argument'],
    ['migrate', ['--to'], '--to needs a value: --to VERSION, such as --to 20261124060023'],
    ['migrate', ['--to', '--dry-run'], '--to needs a value: --to VERSION, such as --to 20261124060023'],
    ['migrate', ['--to='], '--to needs a value: --to VERSION, such as --to 20261124060023'],
    ['migrate', ['--url', secret, '--project-ref', 'x'], 'pass --url URL or --project-ref REF, one of them'],
    ['rollback', [], 'pass --steps N or --to VERSION, one of them'],
    ['rollback', ['--steps', '1', '--to', '1'], 'pass --steps N or --to VERSION, one of them'],
    ['credentials revoke', [], 'pass --organization ID or --all, one of them'],
    ['credentials move', [], 'missing option --to vault'],
    ['rollback', ['--url', 'a', '--url', 'b'], 'pass --url once'],
    ['credentials revoke', ['--organization', 'a', '--organization', 'b'], 'pass --organization once'],
    ['repair', ['--document', 'x'], '--document belongs to --restore EVENT'],
    ['login create', [], 'missing argument NAME'],
    ['login create', ['backend', secret], 'unexpected argument after NAME'],
  ])('%s %j is refused with what to pass, and without what was typed', (name, args, message) => {
    expect(() => parse(declared(name), [...name.split(' '), ...args])).toThrow(new Error(message))
    expect(message).not.toContain('canary')
  })

  test('options stand before, between and behind the words of a command', () => {
    const args = ['--url', 'u', 'login', '--json', 'create', 'backend', '--service']
    expect(words(commands, args)).toMatchObject({ positionals: ['login', 'create', 'backend'], json: true })
    expect(parse(declared('login create'), args)).toEqual({
      flags: { url: 'u', json: true, debug: false, help: false, service: true },
      argument: 'backend',
    })
  })

  test('a value may begin with a dash behind an equals sign, and an option that is not passed has its default', () => {
    const build = declared('build')
    expect(parse(build, ['build', '--drizzle=-odd']).flags).toMatchObject({ drizzle: '-odd', supabase: 'supabase' })
  })
})
