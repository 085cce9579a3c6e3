/*
 * What goes over a connection. A unit is one or more statements before one Sync:
 *
 *   [Parse] Bind Execute   select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true), …
 *   [Parse] Bind Execute   select … from "organization_integrations" where …
 *   Sync
 *
 * PostgreSQL runs it as one implicit transaction: the settings end with it, and where one statement fails or is cancelled
 * it skips everything up to the Sync. So no statement runs without the scope before it. One round trip, warm or cold,
 * and nothing that a pooler in transaction mode would have to remember. A second statement in one text is refused by the
 * protocol. Where the server is reached directly, its plans are kept under each statement's name.
 *
 * node-postgres sends a Sync behind each query of its own; an object with a method `submit` says itself what is sent
 * (pg-cursor and pg-query-stream are such objects).
 */
import type { Connection as Wire } from 'pg'
import { isPlanLost } from './server-errors.ts'
import type { Rows, Statement } from './statement.ts'

/** What one statement answered: its rows, and the command's tag, such as `COMMIT` or `SELECT 2`. */
export type Answer = Rows & { tag: string }

/** The columns of a statement's rows, and those whose values are more than text. */
export type Columns = { names: string[]; parsed: (readonly [index: number, parse: (text: string) => unknown])[] }

const noColumns: Columns = { names: [], parsed: [] }

/** As Drizzle's columns expect them; dates and JSON they parse from text themselves. */
const parsers: Record<number, (text: string) => unknown> = {
  16: (text) => text === 't',
  17: (text) => Buffer.from(text.slice(2), 'hex'),
  21: Number,
  23: Number,
  26: Number,
  700: Number,
  701: Number,
}

function columnsOf(fields: readonly { name: string; dataTypeID: number }[]): Columns {
  return {
    names: fields.map(({ name }) => name),
    parsed: fields.flatMap(({ dataTypeID }, i) => {
      const parse = parsers[dataTypeID]
      return parse === undefined ? [] : [[i, parse] as const]
    }),
  }
}

/** What the statements answered until one failed, if one did. */
export type Outcome = { answers: Answer[]; error: Error | undefined }

/** Statements before one Sync, as node-postgres takes them: what is sent, and what the server answers. */
export class Unit {
  readonly #statements: readonly Statement[]
  /** Those that the server keeps for this connection; undefined where it shall keep none. */
  readonly #plans: Map<string, Columns> | undefined
  readonly #settle: (outcome: Outcome) => void
  readonly #answers: Answer[] = []
  #columns: Columns
  #rows: unknown[][] = []
  #failure: Error | undefined

  constructor(
    statements: readonly Statement[],
    plans: Map<string, Columns> | undefined,
    settle: (outcome: Outcome) => void,
  ) {
    this.#statements = statements
    this.#plans = plans
    this.#settle = settle
    this.#columns = this.#known()
  }

  submit(wire: Wire): void {
    wire.stream.cork()
    try {
      for (const one of this.#statements) this.#write(wire, one)
      wire.sync()
    } finally {
      wire.stream.uncork()
    }
  }

  #write(wire: Wire, { text, values, name = '' }: Statement): void {
    const kept = this.#plans === undefined ? '' : name
    if (kept === '' || !this.#plans?.has(kept)) {
      // Whether an earlier attempt got as far as this is unknown, and closing what is not there is no error.
      if (kept !== '') wire.close({ type: 'S', name: kept }, true)
      wire.parse({ name: kept, text, types: [] }, true)
      wire.bind({ statement: kept, values }, true)
      wire.describe({ type: 'P' }, true)
    } else wire.bind({ statement: kept, values }, true)
    wire.execute(null, true)
  }

  handleRowDescription({ fields }: { fields: { name: string; dataTypeID: number }[] }): void {
    this.#columns = columnsOf(fields)
  }

  handleDataRow({ fields }: { fields: unknown[] }): void {
    const { parsed } = this.#columns
    if (parsed.length > 0) {
      for (const [i, parse] of parsed) if (fields[i] !== null) fields[i] = parse(fields[i] as string)
    }
    this.#rows.push(fields)
  }

  handleCommandComplete({ text }: { text: string }): void {
    const name = this.#statements[this.#answers.length]?.name
    if (name !== undefined) this.#plans?.set(name, this.#columns)
    this.#answers.push({ names: this.#columns.names, values: this.#rows, tag: text })
    this.#rows = []
    this.#columns = this.#known()
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' })
  }

  /** An error of the server is settled once it is ready again; whatever ends the connection comes through `fail`. */
  handleError(error: Error & { severity?: string; code?: string }, wire: Wire): void {
    if (error.severity === undefined) {
      this.fail(error)
      return
    }
    if (isPlanLost(error)) this.#plans?.clear()
    this.#failure = error
    wire.once('readyForQuery', () => this.fail(error))
  }

  handleReadyForQuery(): void {
    this.#settle({ answers: this.#answers, error: undefined })
  }

  handleCopyInResponse(wire: Wire & { sendCopyFail(reason: string): void }): void {
    wire.sendCopyFail('COPY is not supported here')
  }

  handleCopyData(): void {}

  handlePortalSuspended(): void {}

  fail(error: Error): void {
    this.#settle({ answers: this.#answers, error: this.#failure ?? error })
  }

  #known(): Columns {
    const name = this.#statements[this.#answers.length]?.name
    return (name === undefined ? undefined : this.#plans?.get(name)) ?? noColumns
  }
}
