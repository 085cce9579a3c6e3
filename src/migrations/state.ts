/*
 * The schema as the statements of all files so far leave it: every object by a key, with the SQL that makes it, whom it
 * belongs to and what it refers to. Two states give the changes between them (`diff.ts`), and a state tells what a
 * statement stumbles over (`schedule.ts`).
 */

/** `table public.t`, `column public.t.c`, `constraint public.t.c_fk`, … */
export type Key = string

type Of<Kind extends string> = {
  kind: Kind
  key: Key
  name: string
  /** What takes it along when it goes: a column's table, a comment's object. */
  on?: Key
  /** What it reads or rests on. */
  refs: Key[]
}

export type Table = Of<'table'> & {
  schema: string
  /** What stands behind the columns: INHERITS, PARTITION BY, WITH. */
  tail: string
  unlogged: boolean
  /** The whole statement, where it states no columns: LIKE, PARTITION OF, AS. */
  whole?: string
  rowSecurity: boolean
  forced: boolean
}
export type Identity = { always: boolean; options: string; sequence?: string }
export type Column = Of<'column'> & {
  on: Key
  /** As it was written, `serial` as the integer it is. */
  type: string
  collate: string
  notNull: boolean
  /** NOT NULL because a primary key made it so, and stays so when the key goes. */
  byKey?: true
  default?: string
  generated?: string
  identity?: Identity
  /** The sequence that `serial` made. */
  serial?: Key
}
export type Constraint = Of<'constraint'> & {
  on: Key
  type: 'p' | 'u' | 'f' | 'c' | 'x'
  /** What stands behind the name. */
  definition: string
  columns: string[]
  valid: boolean
  /** Of a foreign key: what it points at; without columns at the primary key. */
  target?: { table: Key; columns: string[] }
}
export type Index = Of<'index'> & {
  on: Key
  schema: string
  /** The statement that builds it, without CONCURRENTLY and IF NOT EXISTS. */
  text: string
  unique: boolean
  columns: string[]
  /** Whether it follows a column’s type by itself: a btree without expression, condition or operator class. */
  plain: boolean
}
export type Sequence = Of<'sequence'> & { schema: string; options: Record<string, string>; serial: boolean }
export type EnumType = Of<'type'> & { schema: string; labels: string[] }
export type View = Of<'view'> & { schema: string; materialized: boolean; text: string }
export type Policy = Of<'policy'> & {
  on: Key
  /** AS and FOR, which no ALTER changes. */
  head: string
  roles: string
  using?: string
  check?: string
}
export type Schema = Of<'schema'>
/** What is known by the statement that makes it and the one that takes it away. */
export type Other = Of<'object'> & {
  /** `function`, `trigger`, `domain`, … */
  word: string
  schema?: string
  text: string
  drop: string
  /** Whether CREATE OR REPLACE can change it. */
  replaceable?: boolean
}
/** A property of an object that one statement sets: a comment, an owner, a storage parameter, a privilege. */
export type Setting = Of<'setting'> & {
  on: Key
  text: string
  /** The statement that sets it back to what it is without; undefined where nobody knows. */
  reset?: string
}

export type Thing = Table | Column | Constraint | Index | Sequence | EnumType | View | Policy | Schema | Other | Setting
export type Kind = Thing['kind']

/** What happened to keys while statements ran. */
export type Log = { made: Set<Key>; removed: Set<Key>; changed: Set<Key>; touched: Set<Key> }

export const emptyLog = (): Log => ({ made: new Set(), removed: new Set(), changed: new Set(), touched: new Set() })

export class State {
  readonly things: Map<Key, Thing>
  log: Log = emptyLog()
  /** The search path's first schema. */
  readonly home = 'public'
  /** The state that is led to: it tells of what kind a relation is that a later statement makes. */
  later: State | undefined
  /** Statements of which nobody can read what they did: what they name may be of their making. */
  unread: readonly string[] = []

  constructor(things: Iterable<[Key, Thing]> = []) {
    this.things = new Map(things)
  }

  copy(): State {
    const copy = new State(this.things)
    copy.later = this.later
    copy.unread = this.unread
    return copy
  }

  /** Whether one that nobody can read names all of these. */
  mayHaveMade(...names: string[]): boolean {
    const isIn = (text: string, one: string) =>
      /^\w+$/.test(one) ? new RegExp(`\\b${one}\\b`).test(text) : one !== '' && text.includes(one)
    return this.unread.some((text) => names.every((one) => isIn(text, one)))
  }

  get(key: Key | undefined): Thing | undefined {
    return key === undefined ? undefined : this.things.get(key)
  }

  of<K extends Kind>(kind: K, key: Key | undefined): Extract<Thing, { kind: K }> | undefined {
    const thing = this.get(key)
    return thing?.kind === kind ? (thing as Extract<Thing, { kind: K }>) : undefined
  }

  all<K extends Kind>(kind: K): Extract<Thing, { kind: K }>[] {
    return [...this.things.values()].filter((thing) => thing.kind === kind) as Extract<Thing, { kind: K }>[]
  }

  /** What belongs to an object: a table's columns, constraints, policies, comments. */
  owned<K extends Kind>(on: Key, kind?: K): Extract<Thing, { kind: K }>[] {
    return [...this.things.values()].filter(
      (thing) => thing.on === on && (kind === undefined || thing.kind === kind),
    ) as Extract<Thing, { kind: K }>[]
  }

  put(thing: Thing): void {
    const was = this.things.get(thing.key)
    if (was === undefined) this.log.made.add(thing.key)
    else this.log.changed.add(thing.key)
    this.things.set(thing.key, thing)
  }

  /** Takes an object away with all that belongs to it. */
  remove(key: Key): void {
    if (!this.things.delete(key)) return
    this.log.removed.add(key)
    for (const thing of [...this.things.values()]) if (thing.on === key) this.remove(thing.key)
  }

  /** The table, view, sequence, index or index of a constraint that bears a name: they share one name space. */
  relation(schema: string, name: string): Thing | undefined {
    for (const kind of ['table', 'view', 'sequence', 'index']) {
      const found = this.things.get(`${kind} ${schema}.${name}`)
      if (found) return found
    }
    return this.all('constraint').find(
      (one) => one.name === name && 'pux'.includes(one.type) && schemaOf(this, one) === schema,
    )
  }

  columns(table: Key): Column[] {
    return this.owned(table, 'column')
  }
}

export function schemaOf(state: State, thing: Thing): string {
  if ('schema' in thing && thing.schema !== undefined) return thing.schema
  const owner = state.get(thing.on)
  return owner === undefined ? state.home : schemaOf(state, owner)
}

/** Whether a column can be of it: an enum, a domain, a composite or range type. */
export const isType = (thing: Thing): boolean =>
  thing.kind === 'type' || (thing.kind === 'object' && /^(domain|type)$/.test(thing.word))

/** A key without its kind. */
export const pathOf = (key: Key): string => key.slice(key.indexOf(' ') + 1)
export const relationKey = (
  kind: 'table' | 'view' | 'sequence' | 'index' | 'type',
  schema: string,
  name: string,
): Key => `${kind} ${schema}.${name}`
export const partKey = (kind: string, on: Key, name: string): Key => `${kind} ${pathOf(on)}.${name}`
