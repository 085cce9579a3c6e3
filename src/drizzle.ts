import { is } from 'drizzle-orm/entity'
import { PgDialect } from 'drizzle-orm/pg-core'
import { drizzle, type PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import { Param, Placeholder, type SQLWrapper } from 'drizzle-orm/sql'
import { IntegrationsDbError } from './errors.ts'
import { hexLiteral } from './literal.ts'

/*
 * Drizzle is the language here, not the driver: its builders give the text of one statement, with every value as a hex
 * literal, and `scope.ts` sends it.
 */

/** The rows of one statement: values in column order, dates and JSON still as text. */
export type Rows = { names: string[]; values: unknown[][] }

/** Sends one statement in a scope; one that only reads may be sent again where the connection was lost. */
export type Run = (statement: string, options?: { reads: boolean }) => Promise<Rows>

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
    const { names, values } = await run(assertOneStatement(statement))
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

/** A query's text with room for its placeholders' values. */
export type CompiledStatement = (values: Record<string, unknown>) => string

/** Builds a query's text once; each call only fills in its placeholders' values. */
export function compile(query: SQLWrapper): CompiledStatement {
  const pieces = dialect.sqlToQuery(query.getSQL()).sql.split(mark)
  return (values) => {
    let text = ''
    for (let i = 0; i < pieces.length; i++) text += i % 2 === 0 ? pieces[i] : hexLiteral(values[pieces[i] ?? ''])
    return text
  }
}

const dataStatement = /^[\s(]*(select|insert|update|delete|merge|with|values|table)\b/i

/**
 * A unit holds one statement of the caller's, and one that cannot outlive it: a `begin` would keep the transaction, and
 * with it the claims, open on a connection that others use next. Values never contain a `;` (they are hex), so one in
 * the text means that somebody stacked a second statement behind the first, or concatenated data into SQL.
 */
function assertOneStatement(statement: string): string {
  const problem =
    (statement.includes(';') && 'contains ";"; send one statement per query, and pass data as values') ||
    (!dataStatement.test(statement) &&
      'must begin with select, insert, update, delete, merge, with, values or table') ||
    (statement.includes(mark) && 'has a placeholder, which has no value here; pass the value itself')
  if (problem) throw new IntegrationsDbError('invalid_input', `query: the SQL text ${problem}`)
  return statement
}
