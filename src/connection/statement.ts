import { createHash } from 'node:crypto'
import { is } from 'drizzle-orm/entity'
import { PgDialect } from 'drizzle-orm/pg-core'
import { drizzle, type PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import { Param, Placeholder, type SQLWrapper } from 'drizzle-orm/sql'
import { IntegrationsDbError } from '../errors.ts'
import { lazily } from '../util/lazily.ts'
import { hexLiteral } from '../util/literal.ts'

/*
 * Drizzle is the language here, not the driver: its builders give the text of one statement, with every value as a hex
 * literal, and `scope.ts` sends it.
 */

/** The rows of one statement: values in column order, dates and JSON still as text. */
export type Rows = { names: string[]; values: unknown[][] }

/** One statement of a unit. */
export type Statement = {
  /** All of it, values as hex literals. */
  text(): string
  /** The same for a server that keeps its plan: what it prepares once, and the call with the values. */
  plan?: { name: string; prepare: string; execute(): string }
}

/** Sends one statement in a scope. */
export type Run = (statement: Statement, options?: Effect) => Promise<Rows>

/** What is known of a statement's effect. */
export type Effect = {
  /** None: a replica may answer it, and it may be sent again where the connection was lost. */
  reads?: boolean
  /** None on a replica, which refuses to write; on the primary a function that it calls may, so it is sent once. */
  selects?: boolean
  /** Written by the caller, so it may leave something on its connection (leftovers.ts). */
  byCaller?: boolean
}

/** Drizzle's typed builders within one scope. Awaiting a query runs it as one unit of its own. */
export type ScopedQueries = Omit<PgRemoteDatabase, 'transaction' | 'query' | '_query' | 'session' | '$cache'>

const mark = '\u0001'

class HexDialect extends PgDialect {
  // Drizzle passes the value as a second argument that its declaration does not mention.
  override escapeParam(_index: number, value?: unknown): string {
    const placeholder = is(value, Param) ? value.value : value
    return is(placeholder, Placeholder) ? `${mark}${placeholder.name}${mark}` : hexLiteral(value)
  }

  override escapeString(text: string): string {
    return hexLiteral(text)
  }
}

const dialect = new HexDialect()

/** Drizzle's builders over a way to send statements. */
export function scopedQueries(run: Run): ScopedQueries {
  const send = async (statement: string, _params: unknown[], method: 'all' | 'execute') => {
    assertOneStatement(statement)
    const { names, values } = await run(
      { text: () => statement },
      { selects: method === 'all' && selects(statement), byCaller: true },
    )
    const rows =
      method === 'all' ? values : values.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])))
    return { rows }
  }
  return drizzle(send, {}, () => dialect)
}

/** Builders whose queries are compiled, never awaited. */
export const builder: ScopedQueries = scopedQueries(() => {
  throw new Error('a compiled query has no connection')
})

/** A query with room for its placeholders' values. */
export type CompiledStatement = (values: Record<string, unknown>) => Statement

/** Builds a query's text once, when it is first called; each call only fills in its placeholders' values. */
export function compile(query: () => SQLWrapper): CompiledStatement {
  const compiled = lazily(() => compileNow(query()))
  return (values) => compiled()(values)
}

function compileNow(query: SQLWrapper): CompiledStatement {
  const pieces = dialect.sqlToQuery(query.getSQL()).sql.split(mark)
  const fill = (placeholder: (name: string) => string) =>
    pieces.map((piece, i) => (i % 2 === 0 ? piece : placeholder(piece))).join('')
  const names = [...new Set(pieces.filter((_, i) => i % 2 === 1))]
  const definition = fill((name) => `$${names.indexOf(name) + 1}`)
  // Named by what it is: wherever a plan of this name turns up, it is this statement's.
  const name = `integrations_db_${createHash('sha256').update(definition).digest('hex').slice(0, 32)}`
  const prepare = `prepare ${name} as ${definition};\n`
  return (values) => ({
    text: () => fill((name) => hexLiteral(values[name])),
    plan: {
      name,
      prepare,
      execute: () => `execute ${name}(${names.map((name) => hexLiteral(values[name])).join(', ')})`,
    },
  })
}

/**
 * Whether a replica could answer what Drizzle has built. Text that a caller has written by hand (`execute`) may take a
 * lock or set something, which would be done in the wrong place. A name that reads like a verb only costs a detour.
 */
function selects(statement: string): boolean {
  return /^[\s(]*(select|with)\b/i.test(statement) && !/\b(insert|update|delete|merge|into|share)\b/i.test(statement)
}

const dataStatement = /^[\s(]*(select|insert|update|delete|merge|with|values|table)\b/i

/**
 * A unit holds one statement of the caller's, and one that cannot outlive it: a `begin` would keep the transaction, and
 * with it the claims, open on a connection that others use next. Values never contain a `;` (they are hex), so one in
 * the text means that somebody stacked a second statement behind the first, or concatenated data into SQL.
 */
function assertOneStatement(statement: string): void {
  const problem =
    (statement.includes(';') && 'contains ";"; send one statement per query, and pass data as values') ||
    (!dataStatement.test(statement) &&
      'must begin with select, insert, update, delete, merge, with, values or table') ||
    (statement.includes(mark) && 'has a placeholder, which has no value here; pass the value itself')
  if (problem) throw new IntegrationsDbError('invalid_input', `query: the SQL text ${problem}`)
}
