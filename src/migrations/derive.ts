import { name } from '../util/quote.ts'
import {
  dependentsIn,
  dependentsOf,
  dropDependent,
  dropDependents,
  dropPrimaryKey,
  mentions,
  mustStepAside,
  referenced,
  removeDependent,
  touchedColumns,
} from './dependents.ts'
import { replaceEnums } from './enum-labels.ts'
import { type Rename, renamed, renameStatements, reversed } from './renames.ts'
import { keyOf, type Snapshot, same, sqlName, type Table } from './snapshot.ts'

/*
 * The statements that lead from one snapshot to another, in an order that always works:
 *
 *   drop what hangs on columns → drop columns and tables → rename → replace enum types → alter and create → drop types and schemas
 *
 * drizzle-kit's own diff does "alter and create", the part it gets right. Handed both snapshots it would also drop, but a
 * column before the policy that reads it, and it would stop to ask whether something was renamed.
 */

/** drizzle-kit's diff of two snapshots. */
export type DiffSnapshots = (from: Snapshot, to: Snapshot) => Promise<string[]>

export type Derived = {
  statements: string[]
  /** Tables (`schema.name`) and columns (`schema.table.column`) that the way drops, in the names it starts from. */
  drops: { tables: string[]; columns: string[] }
  /** Tables and columns that come back without what they held. */
  restores: { tables: string[]; columns: string[] }
  /** Enum types that are made anew, so that what was said of the old one must be said again. */
  replaced: string[]
}

/** The way from `from` to `to`; `renames` were made on the way from `to` to `from`. */
export async function derive(from: Snapshot, to: Snapshot, renames: Rename[], diff: DiffSnapshots): Promise<Derived> {
  const target = renames.reduce(renamed, to)
  const touched = touchedColumns(from, target)
  const lean = structuredClone(from)
  for (const table of Object.values(lean.tables)) table.isRLSEnabled = isEnabled(table)
  const drops: string[] = []
  const dropped: Derived['drops'] = { tables: [], columns: [] }

  for (const [key, view] of Object.entries(from.views)) {
    if (view.isExisting || (same(view, target.views[key]) && !mentions(view, touched))) continue
    drops.unshift(`DROP ${view.materialized ? 'MATERIALIZED VIEW' : 'VIEW'} ${sqlName(view)}`)
    delete lean.views[key]
  }
  for (const [key, policy] of Object.entries(from.policies)) {
    if (same(policy, target.policies[key]) && !mentions(policy, touched)) continue
    drops.push(`DROP POLICY ${name(policy.name)} ON ${policy.on}`)
    delete lean.policies[key]
  }
  drops.push(...dropDependents(from, target, lean, touched))
  for (const [key, table] of Object.entries(from.tables)) {
    const other = target.tables[key]
    for (const column of other ? Object.values(table.columns) : []) {
      if (other?.columns[column.name] !== undefined) continue
      dropped.columns.push(`${key}.${column.name}`)
      drops.push(`ALTER TABLE ${sqlName(table)} DROP COLUMN ${name(column.name)}`)
      delete lean.tables[key]?.columns[column.name]
    }
  }
  for (const [key, table] of Object.entries(lean.tables)) {
    for (const column of Object.values(table.columns)) {
      const other = target.tables[key]?.columns[column.name]
      if (column.default === undefined || other === undefined || other.type === column.type) continue
      // The default may have no cast to the other type.
      drops.push(`ALTER TABLE ${sqlName(table)} ALTER COLUMN ${name(column.name)} DROP DEFAULT`)
      delete column.default
    }
  }
  for (const [key, table] of Object.entries(from.tables)) {
    if (target.tables[key] !== undefined) continue
    dropped.tables.push(key)
    drops.push(`DROP TABLE ${sqlName(table)}`)
    delete lean.tables[key]
  }
  drops.push(...takeAway(lean.sequences, target.sequences, (sequence) => `DROP SEQUENCE ${sqlName(sequence)}`))

  const back = reversed(renames)
  const isMaterialized = (view: { schema: string; name: string }) => from.views[keyOf(view)]?.materialized === true
  const enums = replaceEnums(lean, target, back)
  const last = [
    ...takeAway(lean.enums, target.enums, (type) => `DROP TYPE ${sqlName(type)}`),
    ...takeAway(lean.roles, target.roles, (role) => `DROP ROLE ${name(role.name)}`),
    ...takeAway(lean.schemas, target.schemas, (schema) => `DROP SCHEMA ${name(schema)}`),
  ]

  const start = back.reduce(renamed, lean)
  const alterAndCreate = await changes(start, to, diff)
  return {
    statements: [
      ...drops,
      ...back.flatMap((rename) => renameStatements(rename, isMaterialized)),
      ...enums.statements,
      ...new Set(alterAndCreate.map((statement) => statement.trim())),
      ...rowSecurity(start, to),
      ...nullableAgain(back.reduce(renamed, from), to),
      ...last,
    ],
    drops: dropped,
    restores: restored(start, to),
    replaced: enums.replaced,
  }
}

/** Takes out of `lean` what the target has not, and says how the database does. */
function takeAway<T>(lean: Record<string, T>, target: Record<string, T>, drop: (thing: T) => string): string[] {
  return Object.entries(lean).flatMap(([key, thing]) => {
    if (key in target) return []
    delete lean[key]
    return [drop(thing)]
  })
}

/** What has to stand around drizzle-kit's own statements, and which of them it takes the place of. */
type Aside = { drops: string[]; creates: string[]; keyDrops: string[]; replaces: (object: string) => boolean }

/**
 * What drizzle-kit's own statements forget on the way up: to take out of the way what reads a column whose type changes
 * or points at a table that goes (it says CASCADE), and to drop the primary key of one column (it leaves a comment).
 */
export async function stepAside(
  before: Snapshot,
  after: Snapshot,
  renames: Rename[],
  diff: DiffSnapshots,
): Promise<Aside> {
  const target = reversed(renames).reduce(renamed, after)
  const touched = touchedColumns(before, target)
  const drops = dependentsIn(before).filter(({ table, dependent }) => {
    const pointsAtNothing =
      dependent.kind === 'foreignKey' &&
      before.tables[referenced(dependent)] !== undefined &&
      target.tables[referenced(dependent)] === undefined
    return pointsAtNothing || (keyOf(table) in target.tables && mustStepAside(keyOf(table), dependent, touched))
  })
  const creates = dependentsIn(target).filter(
    ({ table, dependent }) => keyOf(table) in before.tables && mustStepAside(keyOf(table), dependent, touched),
  )
  const lean = creates.length === 0 ? target : structuredClone(target)
  for (const { table, dependent } of creates) removeDependent(lean.tables[keyOf(table)], dependent)
  const replaced = new Set(creates.map(({ dependent }) => dependent.name))
  const hasKey = (table: Table) => dependentsOf(table).some(({ kind }) => kind === 'primaryKey')
  return {
    drops: drops.map(({ table, dependent }) => dropDependent(table, dependent)),
    creates: creates.length === 0 ? [] : await changes(renames.reduce(renamed, lean), after, diff),
    keyDrops: Object.entries(before.tables).flatMap(([key, table]) => {
      const other = target.tables[key]
      return other && hasKey(table) && !hasKey(other) ? [dropPrimaryKey(table)] : []
    }),
    replaces: (object) => replaced.has(object),
  }
}

/** Row-level security as drizzle-kit means it: on where the flag is set or a policy exists. */
function isEnabled(table: Table): boolean {
  return table.isRLSEnabled === true || Object.keys(table.policies).length > 0
}

function rowSecurity(start: Snapshot, to: Snapshot): string[] {
  return Object.entries(start.tables).flatMap(([key, table]) => {
    const other = to.tables[key]
    if (other === undefined || table.isRLSEnabled === isEnabled(other)) return []
    return [`ALTER TABLE ${sqlName(other)} ${isEnabled(other) ? 'ENABLE' : 'DISABLE'} ROW LEVEL SECURITY`]
  })
}

/** A primary key of several columns makes them NOT NULL, which no snapshot says, and which stays when the key goes. */
export function nullableAgain(start: Snapshot, to: Snapshot): string[] {
  const keyColumns = ({ compositePrimaryKeys }: Table) =>
    Object.values(compositePrimaryKeys).flatMap((key) => (key as { columns: string[] }).columns)
  return Object.entries(start.tables).flatMap(([key, table]) => {
    const other = to.tables[key]
    if (other === undefined) return []
    return keyColumns(table).flatMap((column) => {
      const { notNull, primaryKey } = other.columns[column] ?? { notNull: true }
      if (notNull || primaryKey || keyColumns(other).includes(column)) return []
      return [`ALTER TABLE ${sqlName(other)} ALTER COLUMN ${name(column)} DROP NOT NULL`]
    })
  })
}

/**
 * drizzle-kit's statements between two snapshots. It is asked only of tables that differ, for it takes its time over each,
 * and not of what is settled elsewhere: row-level security of tables that stay, which it forgets or repeats, concurrent
 * builds, which no rollback can do, and the name of an identity column's sequence, which no rename changes.
 */
async function changes(start: Snapshot, to: Snapshot, diff: DiffSnapshots): Promise<string[]> {
  const sides: [Snapshot, Snapshot] = [
    { ...start, tables: { ...start.tables } },
    { ...to, tables: { ...to.tables } },
  ]
  for (const [key, table] of Object.entries(start.tables)) {
    const other = to.tables[key]
    const [own, its] = [settled(table), other && settled(other, table)]
    if (JSON.stringify(own) === JSON.stringify(its)) {
      delete sides[0].tables[key]
      delete sides[1].tables[key]
    } else if (its) {
      sides[0].tables[key] = own
      sides[1].tables[key] = its
    }
  }
  const content = ({ tables, enums, schemas, sequences, roles, policies, views }: Snapshot) =>
    JSON.stringify([tables, enums, schemas, sequences, roles, policies, views])
  return content(sides[0]) === content(sides[1]) ? [] : diff(...sides)
}

function settled(table: Table, former?: Table): Table {
  const built = Object.entries(table.indexes).map(([key, index]) => [key, { ...index, concurrently: false }])
  const columns = Object.entries(table.columns).map(([key, column]) => {
    const [identity, was] = [column.identity, former?.columns[key]?.identity] as ({ name?: string } | undefined)[]
    return [key, identity && was ? { ...column, identity: { ...identity, name: was.name } } : column]
  })
  return {
    ...table,
    isRLSEnabled: true,
    indexes: Object.fromEntries(built),
    columns: Object.fromEntries(columns),
  }
}

function restored(start: Snapshot, to: Snapshot): Derived['restores'] {
  const tables = Object.keys(to.tables).filter((key) => start.tables[key] === undefined)
  const columns = Object.entries(to.tables).flatMap(([key, table]) =>
    start.tables[key] === undefined
      ? []
      : Object.keys(table.columns)
          .filter((column) => start.tables[key]?.columns[column] === undefined && !table.columns[column]?.generated)
          .map((column) => `${key}.${column}`),
  )
  return { tables, columns }
}
