import type { Node } from 'libpg-query'
import { IntegrationsDbError } from '../errors.ts'

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
  node: Node
}

/**
 * Splits a file into statements.
 *
 * Neither `;` nor `--> statement-breakpoint` can be split on: both occur inside string literals and function bodies.
 * The parser's offsets are UTF-8 bytes, so the cut is made in bytes.
 */
export async function parseStatements(sql: string, file: string): Promise<Statement[]> {
  if (sql.trim() === '') return []
  const parser = await loadParser()
  const bytes = Buffer.from(sql)
  let end = 0
  return parse(parser, sql, file).map(({ stmt, stmt_location: from = 0, stmt_len: length }) => {
    // The parser's statement begins at its first word; what stands above it since the last one is its comments.
    const above = bytes.subarray(end, from).toString().replace(/^\s*;/, '')
    end = length ? from + length : bytes.length
    const source = (above + bytes.subarray(from, end).toString()).replace(/[\s;]+$/, '').trimStart()
    const { comments, text } = splitLeadingComments(source)
    const line = bytes.subarray(0, end).toString().trimEnd().split('\n').length - lineBreaks(text)
    return { origin: `${file}:${line}`, comments, text, source, node: stmt as Node }
  })
}

type Parser = typeof import('libpg-query')

async function loadParser(): Promise<Parser> {
  const parser = await import('libpg-query')
  await parser.loadModule()
  return parser
}

function parse(parser: Parser, sql: string, file: string) {
  try {
    return parser.parseSync(sql).stmts ?? []
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new IntegrationsDbError('invalid_input', `${file}: PostgreSQL's parser refuses it: ${message}`)
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
