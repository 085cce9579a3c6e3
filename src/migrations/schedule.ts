import type { ColumnDef } from 'libpg-query'
import { dependents, readers, rested, serves } from './dependents.ts'
import { byRank } from './diff.ts'
import { gone, made } from './make.ts'
import { commandOf, strings, textOf } from './parse-tree.ts'
import { relationOf } from './references.ts'
import { replay, type Trace, trace } from './replay.ts'
import { type Constraint, emptyLog, type Key, partKey, type State, type Thing } from './state.ts'
import { isRename, parseNow, type Statement } from './statements.ts'

/*
 * An order that works. Each statement runs where it stands, unless it needs what a later one makes, makes what a later one
 * takes away first, or takes away or retypes what something else still reads: then that one comes first, or what reads
 * it is dropped and recreated at the end.
 */

/** The statements in an order that works, with those around them that take what is in the way aside and bring it back. */
export function schedule(
  statements: Statement[],
  from: State,
  target: State,
  origin: string,
  /** Whether something may be dropped for a while that the file says nothing of. */
  mayRecreate: (thing: Thing) => boolean = () => true,
): Statement[] {
  const lenient = from.copy()
  lenient.later = target
  const traces = statements.map((statement) => trace(lenient, statement))
  const now = from.copy()
  now.later = target
  return new Schedule(statements, traces, now, target, origin, mayRecreate).all()
}

class Schedule {
  private readonly out: Statement[] = []
  private readonly started = new Set<number>()

  constructor(
    private readonly statements: Statement[],
    private readonly traces: Trace[],
    private readonly now: State,
    private readonly target: State,
    private readonly origin: string,
    private readonly mayRecreate: (thing: Thing) => boolean,
  ) {}

  all(): Statement[] {
    for (const i of this.statements.keys()) this.run(i)
    for (let again = true; again; ) {
      const missing = [...this.target.things.values()]
        .filter((thing) => this.now.get(thing.key) === undefined && this.isAside(thing))
        .sort(byRank)
      again = missing.some((thing) => this.now.get(thing.key) === undefined && this.restore(thing))
    }
    return this.out
  }

  /** What was taken out of the way, by its key. */
  private readonly aside = new Set<Key>()
  private isAside(thing: Thing): boolean {
    return this.aside.has(thing.key)
  }

  private run(i: number): void {
    if (this.started.has(i)) return
    this.started.add(i)
    const statement = this.statements[i] as Statement
    const trace = this.traces[i] as Trace
    if (this.isAbsorbed(trace)) return
    for (const key of this.needs(statement, trace)) {
      if (this.now.get(key) !== undefined) continue
      const maker = this.pending(i, ({ log }) => log.made.has(key))
      if (maker !== undefined) this.run(maker)
      else this.restoreKey(key)
    }
    for (const thing of trace.things.values()) {
      if (thing.kind !== 'constraint' || thing.target === undefined || rested(this.now, thing) !== undefined) continue
      const maker = this.pending(i, ({ things }) => [...things.values()].some((other) => serves(other, thing)))
      if (maker !== undefined) this.run(maker)
    }
    for (const key of trace.log.made) {
      const taken = this.nameTaken(trace.things.get(key))
      if (this.now.get(key) === undefined && (taken === undefined || trace.log.removed.has(taken.key))) continue
      const remover = this.pending(-1, ({ log }) => log.removed.has(key) || log.removed.has(taken?.key ?? key))
      if (remover !== undefined) this.run(remover)
    }
    this.companions(i, statement)
    if (!isRename(statement)) for (const key of trace.log.removed) this.freeType(i, key)
    for (const blocker of this.blockers(statement, trace))
      this.takeAside(blocker, i, /\bcascade\s*$/i.test(statement.text))
    this.emit(statement)
  }

  private emit(statement: Statement, isOwn = false): void {
    this.out.push(statement)
    this.now.log = emptyLog()
    replay(this.now, statement)
    // What the file itself makes again is changed by its later statements.
    if (!isOwn) for (const key of this.now.log.made) this.aside.delete(key)
    // A column that is dropped and comes back takes along what is in it, and that comes back too.
    for (const key of isRename(statement) ? [] : this.now.log.removed)
      if (
        this.target.get(key) !== undefined &&
        this.now.get(key) === undefined &&
        !(isOwn && key.startsWith('sequence '))
      )
        this.aside.add(key)
  }

  private statement(text: string): void {
    for (const one of parseNow([text], this.origin)) this.emit(one, true)
  }

  /** Whether it changes only what has stepped aside, which comes back in its last form. */
  private isAbsorbed({ log, things }: Trace): boolean {
    const keys = [...log.changed, ...log.touched, ...[...log.made].filter((key) => key.startsWith('setting '))]
    if (keys.length === 0 || [...log.made].some((key) => !key.startsWith('setting ')) || log.removed.size > 0)
      return false
    return keys.every((key) => {
      const on = things.get(key)?.on
      return this.aside.has(key) || (on !== undefined && this.aside.has(on) && this.now.get(on) === undefined)
    })
  }

  private pending(i: number, does: (trace: Trace) => boolean): number | undefined {
    const at = this.traces.findIndex((trace, j) => j > i && !this.started.has(j) && does(trace))
    return at < 0 ? undefined : at
  }

  private needs(statement: Statement, { things, log }: Trace): Key[] {
    const keys = new Set<Key>()
    for (const thing of things.values()) {
      if (thing.on !== undefined) keys.add(thing.on)
      for (const ref of thing.refs) keys.add(ref)
      if (thing.kind === 'constraint' && thing.target) {
        const rest = this.restsOn(thing)
        if (rest !== undefined) keys.add(rest)
      }
    }
    const { node } = statement
    if ('AlterTableStmt' in node) keys.add(relationOf(this.now, node.AlterTableStmt.relation))
    for (const key of log.made) keys.delete(key)
    return [...keys].filter((key) => key !== undefined)
  }

  /** A unique constraint or index that a foreign key could rest on and that is not there yet. */
  private restsOn(key: Constraint): Key | undefined {
    if (rested(this.now, key) !== undefined) return undefined
    const later = this.traces.flatMap((trace, j) => (this.started.has(j) ? [] : [...trace.things.values()]))
    return (
      later.find((thing) => serves(thing, key)) ?? [...this.target.things.values()].find((thing) => serves(thing, key))
    )?.key
  }

  private nameTaken(thing: Thing | undefined): Thing | undefined {
    if (thing === undefined) return undefined
    const isRelation =
      /^(table|view|index|sequence)$/.test(thing.kind) || (thing.kind === 'constraint' && 'pux'.includes(thing.type))
    if (!isRelation) return undefined
    const schema = 'schema' in thing ? (thing.schema as string) : (this.now.of('table', thing.on)?.schema ?? 'public')
    return this.now.relation(schema, thing.name)
  }

  /** Columns leave a type before it goes. */
  private freeType(i: number, key: Key): void {
    if (this.now.of('type', key) === undefined) return
    for (const column of this.now.all('column')) {
      if (!column.refs.includes(key)) continue
      const leaves = this.pending(
        i,
        ({ log, things }) =>
          log.removed.has(column.key) ||
          (log.changed.has(column.key) && things.get(column.key)?.refs.includes(key) === false),
      )
      if (leaves !== undefined) this.run(leaves)
    }
  }

  /** Statements on the same column that PostgreSQL wants to run first. */
  private companions(i: number, statement: Statement): void {
    const own = commandOn(this.now, statement)
    if (own === undefined) return
    const first = (subtypes: string[], when: (other: Statement) => boolean = () => true) => {
      const at = this.statements.findIndex((other, j) => {
        if (j <= i || this.started.has(j)) return false
        const its = commandOn(this.now, other)
        return its?.key === own.key && subtypes.includes(its.subtype) && when(other)
      })
      if (at >= 0) this.run(at)
    }
    if (own.subtype === 'AT_AlterColumnType') {
      first(['AT_DropIdentity'])
      first(['AT_ColumnDefault'], (other) => commandOn(this.now, other)?.unset === true)
      this.endSerial(own)
    }
    // drizzle-kit states a default of the type that the column gets next.
    if (own.subtype === 'AT_ColumnDefault' && !own.unset && !this.wasRetyped(own.key)) first(['AT_AlterColumnType'])
    if (own.subtype === 'AT_AddIdentity') {
      first(['AT_AlterColumnType'])
      this.endSerial(own)
    }
    if (own.subtype === 'AT_SetNotNull')
      first(['AT_ColumnDefault'], (other) => commandOn(this.now, other)?.unset !== true)
  }

  private wasRetyped(key: Key): boolean {
    return this.out.some((other) => {
      const its = commandOn(this.now, other)
      return its?.key === key && its.subtype === 'AT_AlterColumnType'
    })
  }

  /** `serial` gives way to a type that counts no more, or to an identity. */
  private endSerial({ key, subtype, type }: Command): void {
    const column = this.now.of('column', key)
    if (
      column?.serial === undefined ||
      (subtype === 'AT_AlterColumnType' && /^(small|big)?(serial|int\w*)$/.test(type))
    )
      return
    const sequence = this.now.get(column.serial)
    const table = gone(this.now, { ...column } as Thing)?.replace(/ DROP COLUMN /, ' ALTER COLUMN ')
    this.statement(`${table} DROP DEFAULT`)
    if (sequence && this.target.get(sequence.key) !== undefined) this.statement(gone(this.now, sequence) as string)
    else if (sequence) {
      const dropper = this.pending(-1, ({ log }) => log.removed.has(sequence.key))
      if (dropper === undefined) this.statement(gone(this.now, sequence) as string)
    }
  }

  private takeAside(blocker: Thing, by: number, cascade: boolean): void {
    if (this.now.get(blocker.key) === undefined) return
    const remover = this.pending(by, ({ log }) => log.removed.has(blocker.key))
    if (remover !== undefined && this.isFree(remover, by)) {
      this.run(remover)
      return
    }
    const last = this.target.get(blocker.key)
    // What would read something that is gone for good is its author's: PostgreSQL says so.
    if (last !== undefined && !cascade && last.refs.some((ref) => isGoneFor(ref, this.now, this.target))) return
    if (last !== undefined && !this.mayRecreate(blocker)) return
    for (const other of dependents(this.now, blocker)) this.takeAside(other, by, cascade)
    const statement = gone(this.now, blocker)
    if (statement === undefined || this.now.get(blocker.key) === undefined) return
    if (last !== undefined) {
      for (const owned of [blocker, ...ownedBy(this.now, blocker.key)]) this.aside.add(owned.key)
    }
    this.statement(statement)
  }

  /** Whether a later statement can come first: it needs nothing that the ones before it make. */
  private isFree(later: number, by: number): boolean {
    const trace = this.traces[later] as Trace
    return this.needs(this.statements[later] as Statement, trace).every(
      (key) => this.now.get(key) !== undefined || this.pending(by, ({ log }) => log.made.has(key)) === undefined,
    )
  }

  private blockers(statement: Statement, trace: Trace): Thing[] {
    const found = new Map<Key, Thing>()
    // CASCADE takes along what has to be said, for the guard leaves it out; what belongs to the object goes by itself.
    const goesAlong = (thing: Thing): boolean =>
      thing.on !== undefined && (trace.log.removed.has(thing.on) || goesAlong(this.now.get(thing.on) ?? ({} as Thing)))
    const add = (things: Thing[]) => {
      for (const thing of things) if (!goesAlong(thing)) found.set(thing.key, thing)
    }
    if (!isRename(statement))
      for (const key of trace.log.removed) {
        const thing = this.now.get(key)
        // A primary key that another one takes the place of, or that forbids DROP NOT NULL.
        if (thing?.kind === 'constraint' && thing.type === 'p' && replacesKey(statement)) found.set(key, thing)
        else if (thing) add(dependents(this.now, thing))
      }
    const own = commandOn(this.now, statement)
    if (own?.subtype === 'AT_AlterColumnType') add(readers(this.now, own.key))
    return [...found.values()]
  }

  private restoreKey(key: Key): void {
    const thing = this.target.get(key)
    if (thing !== undefined && this.aside.has(key)) this.restore(thing)
  }

  /** Makes again what stepped aside, once all it refers to is there. */
  private restore(thing: Thing): boolean {
    if (this.now.get(thing.key) !== undefined) return false
    const refs = [...thing.refs, ...(thing.on === undefined ? [] : [thing.on])].filter(
      (key) => this.target.get(key) !== undefined,
    )
    for (const key of refs) if (this.now.get(key) === undefined) this.restoreKey(key)
    if (refs.some((key) => this.now.get(key) === undefined)) return false
    if (thing.kind === 'constraint' && thing.target && rested(this.now, thing) === undefined) {
      const rest = [...this.target.things.values()].find((one) => serves(one, thing))
      if (rest && this.now.get(rest.key) === undefined) {
        if (this.aside.has(rest.key)) this.restore(rest)
        else return false
      }
    }
    for (const text of made(this.target, thing)) this.statement(text)
    return this.now.get(thing.key) !== undefined
  }
}

type Command = { key: Key; subtype: string; unset: boolean; type: string }

/** A command on a column. */
function commandOn(state: State, { node }: Statement): Command | undefined {
  if (!('AlterTableStmt' in node)) return undefined
  const command = commandOf(node)
  if (command?.name === undefined) return undefined
  const definition = (command.def as { ColumnDef?: ColumnDef } | undefined)?.ColumnDef
  return {
    key: partKey('column', relationOf(state, node.AlterTableStmt.relation), command.name),
    subtype: textOf(command.subtype),
    unset: command.def === undefined,
    type: textOf(strings(definition?.typeName?.names).at(-1)),
  }
}

const replacesKey = ({ node }: Statement): boolean =>
  /^AT_(AddConstraint|AddIndexConstraint|AddColumn|DropNotNull)$/.test(textOf(commandOf(node)?.subtype))

function ownedBy(state: State, key: Key): Thing[] {
  return state.owned(key).flatMap((thing) => [thing, ...ownedBy(state, thing.key)])
}

const isGoneFor = (key: Key, now: State, target: State) => now.get(key) !== undefined && target.get(key) === undefined
