import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type postgres from 'postgres'

/* A page of docs/ as the steps a reader takes, and a place in which to take them. */

/** A fenced block: its language, its text without the list's indentation, and where it begins. */
type Block = { language: string; text: string; at: string }

/** Where a page's blocks run: a copy of the project, a database, and what the shell knows of it. */
type Place = { folder: string; admin?: postgres.Sql; env: Record<string, string> }

export function blocksOf(page: string): Block[] {
  const source = readFileSync(page, 'utf8')
  return [...source.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm)].map((match) => {
    const [, indent = '', language = '', text = ''] = match
    const line = source.slice(0, match.index).split('\n').length
    return { language, text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''), at: `${page}:${line}` }
  })
}

/** What npx finds it also finds on the PATH, without the second that npx takes to look. */
const npx = 'npx() { "$@"; }\n'

/**
 * Runs a page's blocks in their order. `text` is what the block before it prints; where that begins with `error:`, the
 * command must fail.
 */
export async function runPage(blocks: Block[], place: Place): Promise<void> {
  let printed = ''
  for (const [i, block] of blocks.entries()) {
    if (block.language === 'text') assertPrinted(block, printed)
    else printed = await run(block, blocks[i + 1], place)
  }
}

/** A file to be written, where a block of TypeScript begins with its path; any other is run. */
const fileOf = ({ language, text }: Block) => (language === 'ts' ? /^\/\/ (src\/\S+\.ts)\n/.exec(text)?.[1] : undefined)

/** Whether a block changes the source. */
export const isEdit = (block: Block) => block.language === 'diff' || fileOf(block) !== undefined

async function run(block: Block, next: Block | undefined, place: Place): Promise<string> {
  const file = fileOf(block)
  const refused = next?.language === 'text' && next.text.startsWith('error:')
  if (block.language === 'sh')
    return command(block, place, 'bash', ['-euo', 'pipefail', '-c', npx + block.text], refused)
  if (block.language === 'diff') {
    writeFileSync(join(place.folder, 'block.diff'), block.text)
    return command(block, place, 'git', ['apply', 'block.diff'], refused)
  }
  if (file !== undefined) {
    writeFileSync(join(place.folder, file), block.text)
    return ''
  }
  if (block.language === 'ts' || block.language === 'js') {
    const program = `block.${block.language}`
    writeFileSync(join(place.folder, program), block.text)
    const loader = block.language === 'ts' ? ['--import', 'tsx'] : []
    return command(block, place, process.execPath, [...loader, program], refused)
  }
  if (block.language === 'sql') {
    await place.admin?.unsafe(block.text).catch((error: Error) => {
      throw new Error(`${block.at}: ${error.message}`)
    })
    return ''
  }
  throw new Error(`${block.at}: nobody runs a block of language ${block.language || 'none'}`)
}

function command(block: Block, place: Place, name: string, words: string[], refused: boolean): Promise<string> {
  const bin = join(place.folder, 'node_modules', '.bin')
  const env = { ...process.env, PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}`, ...place.env }
  return new Promise((done, fail) => {
    execFile(name, words, { cwd: place.folder, env, encoding: 'utf8' }, (error, stdout, stderr) => {
      const printed = stdout + stderr
      if ((error !== null) === refused) done(printed)
      else fail(new Error(`${block.at}: ${refused ? 'was to fail and did not' : error?.message}\n${printed}`))
    })
  })
}

/** Each line of the page in its order; `…` stands for whatever differs from time to time. */
function assertPrinted({ text, at }: Block, printed: string): void {
  const lines = printed.split('\n')
  for (const line of text.trimEnd().split('\n')) {
    const pattern = new RegExp(`^${line.trim().split('…').map(escaped).join('.*')}$`)
    const found = lines.findIndex((candidate) => pattern.test(candidate.trim()))
    if (found === -1) throw new Error(`${at}: the page shows\n${line}\nand what followed was\n${lines.join('\n')}`)
    lines.splice(0, found + 1)
  }
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
