import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { packageFolder } from '../util/package-folder.ts'
import { type Command, common, type Option, type Options } from './command.ts'
import { flag, title, usage } from './usage.ts'

/* Help for a terminal of 80 columns; no word is broken. */

const columns = 80

export const exitStatuses = ['0 done', '1 findings, refused or failed', '2 wrong usage', '130 interrupted'] as const

/** Bold on a terminal, plain everywhere else and under NO_COLOR. */
export function bold(text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText('bold', text, { stream })
}

export function red(text: string, stream: NodeJS.WriteStream = process.stderr): string {
  return styleText('red', text, { stream })
}

/** One command's help. */
export function helpOf(command: Command): string {
  const { summary, details, argument, options, example } = command
  const paragraphs = [summary, ...(details === undefined ? [] : [details])].map((text) =>
    wrapped(words(text), '  ', '  '),
  )
  const listed = { ...options, ...common }
  const width = Math.max(...Object.entries(listed).map(([name, option]) => flag(name, option).length)) + 2
  return [
    usageOf(command),
    '',
    paragraphs.join('\n\n'),
    '',
    ...(argument === undefined ? [] : [bold('Argument:'), entry(argument.name, argument.description, width), '']),
    bold('Options:'),
    ...optionEntries(listed, width),
    '',
    wrapped(words(`Example: ${example}`), '', '    '),
  ].join('\n')
}

/** How one command is called. */
export function usageOf(command: Command): string {
  const [call = '', ...rest] = usage(command)
  return wrapped([bold(call), ...rest], '', '    ', (text) => text.replaceAll(styling, '').length)
}

/** Every command in a line. */
export function overview(groups: readonly { heading: string; commands: readonly Command[] }[]): string {
  const width = Math.max(...groups.flatMap(({ commands }) => commands.map((one) => title(one).length))) + 2
  return [
    `${bold('integrations-db <command>')} [options]`,
    ...groups.flatMap(({ heading, commands }) => [
      '',
      bold(`${heading}:`),
      ...commands.map((one) => entry(title(one), one.summary, width)),
    ]),
    '',
    bold('Options of every command:'),
    ...optionEntries(common, width),
    '',
    wrapped(words('The database is --url or INTEGRATIONS_ADMIN_URL.'), '', ''),
    wrapped(words(`Exit status: ${exitStatuses.join(', ')}.`), '', ''),
    'Options of one command: integrations-db <command> --help',
  ].join('\n')
}

export function version(): string {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'))
  return version
}

/** What holds where an option is not passed; nothing for a flag. */
export function defaultOf({ type, default: value, fallback }: Option): string | undefined {
  if (type === 'boolean') return undefined
  return fallback ?? value?.toString()
}

function optionEntries(options: Options, width: number): string[] {
  return Object.entries(options).map(([name, option]) => {
    const value = defaultOf(option)
    const notes = [
      ...(option.type === 'boolean' ? [] : [`Example: ${option.example}`]),
      ...(value === undefined ? [] : [`Default: ${value}`]),
    ]
    const indent = ' '.repeat(width + 2)
    return [
      entry(flag(name, option), option.description, width),
      ...notes.map((note) => wrapped(words(note), indent, indent)),
    ].join('\n')
  })
}

function entry(name: string, text: string, width: number): string {
  return wrapped(words(text), `  ${name.padEnd(width)}`, ' '.repeat(width + 2))
}

const words = (text: string) => text.split(' ')
const styling = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')

/** Words in lines of at most 80 columns; a longer word has a line of its own. */
function wrapped(words: string[], first: string, indent: string, size = (text: string) => text.length): string {
  const lines = [first]
  let isEmpty = true
  for (const word of words) {
    const line = lines.at(-1) ?? ''
    const longer = isEmpty ? `${line}${word}` : `${line} ${word}`
    if (isEmpty || size(longer) <= columns) lines[lines.length - 1] = longer
    else lines.push(`${indent}${word}`)
    isEmpty = false
  }
  return lines.join('\n')
}
