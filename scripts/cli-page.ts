import { common, type Option, type Options } from '../src/commands/command.ts'
import { defaultOf, exitStatuses } from '../src/commands/help.ts'
import { groups } from '../src/commands/index.ts'
import { flag, title, usage } from '../src/commands/usage.ts'

/** docs/cli.md, from the declarations that the command line itself reads. */
export function cliPage(): string {
  const lines = [
    '<!-- Written by npm run docs:generate from src/commands. -->',
    '',
    '# Command line',
    '',
    "`npx integrations-db <command>`. The database is `--url` or `INTEGRATIONS_ADMIN_URL`, an administrator's URL.",
    '`integrations-db <command> --help` prints the same for one command.',
    '',
    `Exit status: ${exitStatuses.map((status) => status.replace(/^\d+/, '`$&`')).join(', ')}.`,
    '',
    'With `--json` a failure is one document too: `{ "error": { "code", "message" } }`, with a [code](errors.md), `usage` or',
    '`unexpected`.',
    '',
    '## Options of every command',
    '',
    ...table(common),
  ]
  for (const { heading, commands } of groups) {
    lines.push('', `## ${heading}`)
    for (const command of commands) {
      const { summary, details, argument, options, example } = command
      lines.push('', `### ${title(command)}`, '', summary)
      if (details !== undefined) lines.push('', details)
      lines.push('', '```sh', example, '```', '', '```text', usage(command).join(' '), '```', '')
      if (argument !== undefined) lines.push(`\`${argument.name}\`: ${argument.description}`, '')
      lines.push(...table(options))
    }
  }
  return `${lines.join('\n')}\n`
}

function table(options: Options): string[] {
  const rows = Object.entries(options).map(([name, option]) => [
    code(flag(name, option)),
    option.description,
    option.required ? 'required' : shownDefault(option),
    code(option.example),
  ])
  return [['option', 'description', 'default', 'example'], ['---', '---', '---', '---'], ...rows].map(
    // A table's cell ends at a bar, inside code too.
    (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  )
}

function shownDefault(option: Option): string {
  if (option.type === 'boolean') return 'off'
  const value = defaultOf(option)
  if (value === undefined) return 'none'
  return option.fallback === undefined || /^[A-Z_]+$/.test(value) ? code(value) : value
}

const code = (text: string) => `\`${text}\``
