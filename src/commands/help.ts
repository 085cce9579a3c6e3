import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { packageFolder } from '../util/package-folder.ts'
import { type Command, signature } from './command.ts'

/** Heavy on a terminal, plain everywhere else and under NO_COLOR. */
function heavy(text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText('bold', text, { stream })
}

export function red(text: string, stream: NodeJS.WriteStream = process.stderr): string {
  return styleText('red', text, { stream })
}

/** One command's help. */
export function helpOf(command: Command): string {
  const { summary, example, options } = command
  const lines = [heavy(`integrations-db ${signature(command)}`), '', `  ${summary}`, '']
  if ('url' in options) lines.push('The database is --url or INTEGRATIONS_ADMIN_URL.')
  if ('project-ref' in options) {
    lines.push('--project-ref REF goes through the Supabase Management API, with SUPABASE_ACCESS_TOKEN.')
  }
  if ('supabase' in options)
    lines.push("--supabase DIR is the folder of the migrations; this package's own unless told.")
  if ('allow-parameter-logging' in options) {
    lines.push('--allow-parameter-logging goes on although the server writes parameters, and so keys, into its log.')
  }
  if ('apply' in options) lines.push('Without --apply it prints its plan and changes nothing.')
  lines.push('--json prints one JSON document, --debug the stack of an error.', '', `Example: ${example}`)
  return lines.join('\n')
}

/** Every command in a line. */
export function overview(commands: readonly Command[]): string {
  const lines = commands.map((command) => {
    const call = signature(command)
    const { summary } = command
    return call.length < 46 ? `  ${call.padEnd(46)} ${summary}` : `  ${call}\n  ${' '.repeat(46)} ${summary}`
  })
  return [
    heavy('integrations-db <command>'),
    '',
    ...lines,
    '',
    'The database is --url or INTEGRATIONS_ADMIN_URL. --json prints one JSON document.',
    'Without --apply, credentials and repair print their plan and change nothing.',
    'Exit status: 0 done, 1 findings, refused or failed, 2 usage, 130 interrupted.',
    'More, with an example: integrations-db <command> --help',
  ].join('\n')
}

export function version(): string {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'))
  return version
}
