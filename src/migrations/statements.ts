import type { Node } from 'libpg-query'
import { IntegrationsDbError } from '../errors.ts'
import { importAtRunTime } from '../util/at-run-time.ts'
import { nodesOf } from './parse-tree.ts'

/** One SQL statement, cut out of its file by PostgreSQL's own parser. */
export type Statement = {
  /** Where it came from, for messages: `file:line`. */
  origin: string
  /** Comment lines directly above it, without drizzle-kit's breakpoints. */
  comments: string
  /** The statement itself, without its `;`. */
  text: string
  /** Both as they stand in the file, which is how the Supabase CLI records a statement. */
  source: string
  /** The words of `text`, comments left out; offsets count characters. */
  words: Word[]
  node: Node
  /** Where `text` begins in what was parsed, in bytes: the tree's locations count from there. */
  base: number
}

/** Whether it gives something another name or place. */
export const isRename = ({ node }: Statement): boolean => 'RenameStmt' in node || 'AlterObjectSchemaStmt' in node

export type Word = { text: string; start: number; end: number }

/**
 * Splits a file into statements.
 *
 * Neither `;` nor `--> statement-breakpoint` can be split on: both occur inside string literals and function bodies.
 * The parser's offsets are UTF-8 bytes, so the cut is made in bytes.
 */
export async function parseStatements(sql: string, file: string): Promise<Statement[]> {
  if (sql.trim() === '') return []
  return cut(await loadParser(), sql, file)
}

function cut(parser: Parser, sql: string, file: string): Statement[] {
  const bytes = Buffer.from(sql)
  let [end, line, counted] = [0, 1, 0]
  return parse(parser, sql, file).map(({ stmt, stmt_location: from = 0, stmt_len: length }) => {
    // The parser's statement begins at its first word; what stands above it since the last one is its comments.
    const above = bytes.subarray(end, from).toString().replace(/^\s*;/, '')
    end = length ? from + length : bytes.length
    const cutOut = above + bytes.subarray(from, end).toString()
    const source = cutOut.replace(/[\s;]+$/, '').trimStart()
    const { comments, text } = splitLeadingComments(source)
    const ending = cutOut.length - cutOut.trimEnd().replace(/[\s;]+$/, '').length
    const base = end - Buffer.byteLength(cutOut.slice(cutOut.length - ending)) - Buffer.byteLength(text)
    line += lineBreaks(bytes.subarray(counted, Math.max(base, counted)).toString())
    counted = Math.max(base, counted)
    return { origin: `${file}:${line}`, comments, text, source, words: wordsOf(parser, text), node: stmt as Node, base }
  })
}

/** Statements of the generator's own making, parsed on the spot: a file was parsed before, so the parser is there. */
export function parseNow(texts: string[], origin: string): Statement[] {
  if (texts.length === 0) return []
  return cut(loaded as Parser, `${texts.map((text) => text.replace(/;?\s*$/, ';')).join('\n')}`, origin).map((one) => ({
    ...one,
    origin,
  }))
}

/** The words of any piece of SQL. */
export function wordsIn(text: string): Word[] {
  return wordsOf(loaded as Parser, text)
}

/** The place in a statement's text that the tree calls `location`. */
export function placeOf({ text, base }: Pick<Statement, 'text' | 'base'>, location: number | undefined): number {
  const bytes = Buffer.from(text)
  const offset = (location ?? 0) - base
  return bytes.length === text.length ? offset : bytes.subarray(0, offset).toString().length
}

/** What a file says below its last statement, or without any, without drizzle-kit's breakpoints. */
export async function closingComments(sql: string, file: string): Promise<string> {
  return splitLeadingComments(await closingText(sql, file)).comments
}

/** What stands below a file's last statement. */
export async function closingText(sql: string, file: string): Promise<string> {
  if (sql.trim() === '') return ''
  const last = parse(await loadParser(), sql, file).at(-1)
  const bytes = Buffer.from(sql)
  const end = last ? (last.stmt_len ? (last.stmt_location ?? 0) + last.stmt_len : bytes.length) : 0
  return bytes.subarray(end).toString().replace(/^\s*;/, '')
}

/** Statements of the generator's own making, one per text, told apart in messages by `origin`. */
export async function parseEach(texts: string[], origin: string): Promise<Statement[]> {
  const statements = await parseStatements(texts.map((text) => text.replace(/;?\s*$/, ';')).join('\n'), origin)
  return statements.map((statement) => ({ ...statement, origin }))
}

/**
 * Writes words into a statement behind the first of its words that reads `after`, unless they stand there already.
 * Quoted names and literals are words of their own, so nothing inside them is taken for syntax.
 */
export function insertAfter({ text, words }: Statement, after: string, insertion: string): string {
  const at = words.findIndex((word) => word.text.toLowerCase() === after)
  const found = words[at]
  if (found === undefined) throw new Error(`"${after}" does not occur in: ${text}`)
  const first = insertion.split(' ')[0]?.toLowerCase()
  if (words[at + 1]?.text.toLowerCase() === first) return text
  return `${text.slice(0, found.end)} ${insertion}${text.slice(found.end)}`
}

/**
 * Brings statements to the forms that guards know: one command per ALTER TABLE, and what drizzle-kit before 0.26 hid in
 * `DO $$ BEGIN … EXCEPTION WHEN duplicate_object THEN null; END $$` out in the open.
 */
export async function simplify(statements: Statement[]): Promise<Statement[]> {
  const simple = await Promise.all(statements.map(async (statement) => splitCommands(await unwrap(statement))))
  return simple.flat()
}

async function unwrap(statement: Statement): Promise<Statement> {
  if (!('DoStmt' in statement.node)) return statement
  const inner =
    /^do\s+(\$\w*\$)\s*begin\s+((?:create\s+type|alter\s+table)\b[^;]*);\s*exception\s+when\s+duplicate_object\s+then\s+null;\s*end;?\s*\1$/i.exec(
      statement.text,
    )?.[2]
  if (inner === undefined) return statement
  const [only] = (await parseStatements(`${inner};`, statement.origin)) as [Statement]
  return { ...only, origin: statement.origin, comments: statement.comments }
}

/** One ALTER TABLE for each of its commands. */
export function splitCommands(statement: Statement): Statement[] {
  const { node, text, words, origin, comments } = statement
  if (!('AlterTableStmt' in node) || nodesOf(node.AlterTableStmt.cmds).length < 2) return [statement]
  const cuts: number[] = []
  let depth = 0
  for (const word of words) {
    if (word.text === '(' || word.text === '[') depth++
    else if (word.text === ')' || word.text === ']') depth--
    else if (word.text === ',' && depth === 0) cuts.push(word.start)
  }
  const head = text.slice(0, words[headLength(words)]?.start)
  const starts = [head.length, ...cuts.map((cut) => cut + 1)]
  const commands = starts.map((start, i) => text.slice(start, cuts[i]).trim())
  const split = parseNow(
    commands.map((command) => `${head.trimEnd()} ${command}`),
    origin,
  )
  return split.map((part, i) => (i === 0 ? { ...part, comments } : part))
}

/** How many words `alter table [if exists] [only] name` takes. */
function headLength(words: Word[]): number {
  let at = 2
  if (words[at]?.text.toLowerCase() === 'if') at += 2
  if (words[at]?.text.toLowerCase() === 'only') at += 1
  while (words[at + 1]?.text === '.') at += 2
  return at + 1
}

function wordsOf(parser: Parser, text: string): Word[] {
  const bytes = Buffer.from(text)
  const ascii = bytes.length === text.length
  const characters = (offset: number) => (ascii ? offset : bytes.subarray(0, offset).toString().length)
  return parser
    .scanSync(text)
    .tokens.flatMap(({ tokenName, text: word, start, end }) =>
      tokenName.endsWith('_COMMENT') ? [] : [{ text: word, start: characters(start), end: characters(end) }],
    )
}

/** The error for a statement that the generator has no answer to. */
export function refuse(statement: Statement, what: string, hint: string): IntegrationsDbError {
  const excerpt = statement.text.length > 200 ? `${statement.text.slice(0, 200)}…` : statement.text
  return new IntegrationsDbError(
    'invalid_input',
    `${statement.origin}: ${what} has no form that can run twice: ${excerpt} (${hint})`,
  )
}

type Parser = typeof import('libpg-query')

let loaded: Parser | undefined

export async function loadParser(): Promise<Parser> {
  if (loaded !== undefined) return loaded
  const parser = (await importAtRunTime('libpg-query').catch(() => {
    throw new IntegrationsDbError(
      'unavailable',
      "libpg-query, PostgreSQL's parser, cannot be loaded, as in an application that is bundled; build, and what reads a Supabase folder, run from node_modules: npx integrations-db",
    )
  })) as Parser
  await parser.loadModule()
  loaded = parser
  return parser
}

function parse(parser: Parser, sql: string, file: string) {
  try {
    return parser.parseSync(sql).stmts ?? []
  } catch (error) {
    throw new IntegrationsDbError(
      'invalid_input',
      `${file}: PostgreSQL's parser refuses it: ${(error as Error).message}; correct it in that file (drizzle-kit leaves quotes inside some defaults as they are: double them)`,
    )
  }
}

function splitLeadingComments(piece: string): { comments: string; text: string } {
  const comments: string[] = []
  let rest = piece.trimStart()
  for (;;) {
    const comment = /^(?:--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)/.exec(rest)?.[0]
    if (comment === undefined) break
    if (!comment.startsWith('-->')) comments.push(comment.trimEnd())
    rest = rest.slice(comment.length).trimStart()
  }
  return { comments: comments.join('\n'), text: rest }
}

function lineBreaks(text: string): number {
  return text.split('\n').length - 1
}
