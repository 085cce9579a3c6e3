/*
 * `npm run docs:generate`: docs/cli.md from the declarations of the commands, docs/api from the types that the package
 * exports. `npm run docs:check` (`--check`) exits 1 where a page is not what would be written.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { apiReports } from './api-report.ts'
import { cliPage } from './cli-page.ts'

const { values } = parseArgs({ options: { check: { type: 'boolean' } } })
const pages = new Map([[join('docs', 'cli.md'), cliPage()]])
for (const [name, report] of apiReports()) pages.set(join('docs', 'api', name), report)

const stale = [...pages].filter(([file, text]) => current(file) !== text)
if (values.check && stale.length > 0) {
  const names = stale.map(([file]) => file).join(', ')
  console.error(`error: ${names}: not what src says; run npm run docs:generate and read the diff`)
  process.exitCode = 1
} else if (stale.length === 0) console.log(`${[...pages.keys()].join(', ')} follow from src`)
else for (const [file, text] of stale) write(file, text)

function current(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').replaceAll('\r\n', '\n')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  console.log(`wrote ${file}`)
}
