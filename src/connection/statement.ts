import { createHash } from 'node:crypto'
import { Column } from 'drizzle-orm/column'
import { is } from 'drizzle-orm/entity'
import { PgDialect } from 'drizzle-orm/pg-core'
import { drizzle, type PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import { Param, Placeholder, type SQLWrapper } from 'drizzle-orm/sql'
import { IntegrationsDbError } from '../errors.ts'
import { lazily } from '../util/lazily.ts'
import { textValue } from '../util/literal.ts'

/*
 * Drizzle is the language here, not the driver: its builders give the text of one statement and its values, and
 * `session.ts` sends them.
 */

/** One statement and the values that are bound to its `$1`, `$2`, …, as text. */
export type Statement = {
  text: string
  values: (string | null)[]
  /** What a connection keeps its plan under; without one it is planned anew. */
  name?: string
  /** Its last column is the process that answers. */
  tellsProcess?: true
}

/** The rows of one statement: values in column order, dates and JSON still as text. */
export type Rows = { names: string[]; values: unknown[][] }

/** Sends one statement in a scope. */
export type Run = (statement: Statement, options?: Effect) => Promise<Rows>

/** What is known of a statement's effect. */
export type Effect = {
  /** None: a replica may answer it, and it may be sent again where the connection was lost. */
  reads?: boolean
  /** None on a replica, which refuses to write; on the primary a function that it calls may, so it is sent once. */
  selects?: boolean
  /** It is the caller's own SQL, which may leave something on its connection. */
  custom?: boolean
}

/** Drizzle's typed builders within one scope. Awaiting a query runs it as one unit of its own. */
export type ScopedQueries = Omit<PgRemoteDatabase, 'transaction' | 'query' | '_query' | 'session' | '$cache'>

/** How Drizzle spells columns whose name in the database is not given; as it is in the code by default. */
export type Casing = 'snake_case' | 'camelCase'

/** Drizzle's builders over a way to send statements; `check` sees each text before it is sent. */
export function scopedQueries(run: Run, casing?: Casing, check?: (text: string) => Promise<void>): ScopedQueries {
  const send = async (text: string, params: unknown[], method: 'all' | 'execute') => {
    assertDataStatement(text)
    await check?.(text)
    const values = params.map(textValue)
    const effect = { selects: method === 'all' && selects(text), custom: true }
    const rows = await run({ text, values }, effect)
    return { rows: method === 'all' ? rows.values : toObjects(rows) }
  }
  return drizzle(send, {}, () => new PgDialect(casing === undefined ? {} : { casing }))
}

export function toObjects({ names, values }: Rows): Record<string, unknown>[] {
  return values.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])))
}

/**
 * Reads a table's columns, in their order, out of a row: dates as `Date`, documents parsed. One object, filled once.
 *
 * Most columns' values are what the server's text says, and are not looked at.
 */
export function rowReader(columns: Record<string, Column>): (row: unknown[]) => Record<string, unknown> {
  const names = Object.keys(columns)
  const readers = Object.values(columns).map((column) =>
    column.mapFromDriverValue === Column.prototype.mapFromDriverValue
      ? undefined
      : (value: unknown) => column.mapFromDriverValue(value),
  )
  return (row) => {
    const object: Record<string, unknown> = {}
    for (let i = 0; i < names.length; i++) {
      const [value, read] = [row[i], readers[i]]
      object[names[i] as string] = value === null || read === undefined ? value : read(value)
    }
    return object
  }
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
  const { sql: text, params } = new PgDialect().sqlToQuery(query.getSQL())
  const name = planName(text)
  const sources = params.map(sourceOf)
  return (values) => ({ text, name, values: sources.map((source) => source(values)) })
}

/** Where a parameter's value comes from: the call, under its placeholder's name, or the query itself. */
function sourceOf(param: unknown): (values: Record<string, unknown>) => string | null {
  const inner = is(param, Param) ? param.value : param
  if (is(inner, Placeholder)) return (values) => textValue(values[inner.name])
  const constant = textValue(inner)
  return () => constant
}

/** A statement in SQL of ours, which takes its values in the order of `$1`, `$2`, …. */
export function statement(text: string): (...values: unknown[]) => Statement {
  const name = planName(text)
  return (...values) => ({ text, name, values: values.map(textValue) })
}

/** Named by what it is: wherever a plan of this name turns up, it is this statement's. */
function planName(text: string): string {
  return `integrations_db_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
}

/**
 * Whether a replica could answer what Drizzle has built. Text that a caller has written by hand (`execute`) may take a
 * lock or set something, which would be done in the wrong place. A name that reads like a verb only costs a detour.
 */
function selects(text: string): boolean {
  return /^[\s(]*(select|with)\b/i.test(text) && !/\b(insert|update|delete|merge|into|share)\b/i.test(text)
}

const dataStatement = /^[\s(]*(select|insert|update|delete|merge|with|values|table)\b/i

/**
 * The protocol refuses a second statement in a text. The one it holds must not outlive the call: a `commit` would end
 * the transaction that its scope belongs to.
 */
function assertDataStatement(text: string): void {
  const problem =
    (!dataStatement.test(text) && 'must begin with select, insert, update, delete, merge, with, values or table') ||
    ((text.includes('\0') || !text.isWellFormed()) && 'holds a NUL character or half a surrogate pair')
  if (problem) throw new IntegrationsDbError('invalid_input', `query: the SQL text ${problem}`)
}
