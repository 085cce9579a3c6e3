import { selfGuarded } from './guards.ts'
import { array, block, literal, name } from './quote.ts'
import { type Rename, renamed, renameStatements, reversed } from './renames.ts'
import {
  type Column,
  columnsOfType,
  type Enum,
  type ForeignKey,
  type Index,
  isOf,
  keyOf,
  type Named,
  type Snapshot,
  same,
  type Table,
} from './snapshot.ts'

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

type Dependent = {
  kind: 'policy' | 'foreignKey' | 'check' | 'unique' | 'primaryKey' | 'index'
  name: string
  definition: unknown
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
    drops.unshift(`DROP ${view.materialized ? 'MATERIALIZED VIEW' : 'VIEW'} ${sql(view)}`)
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
      drops.push(`ALTER TABLE ${sql(table)} DROP COLUMN ${name(column.name)}`)
      delete lean.tables[key]?.columns[column.name]
    }
  }
  for (const [key, table] of Object.entries(lean.tables)) {
    for (const column of Object.values(table.columns)) {
      const other = target.tables[key]?.columns[column.name]
      if (column.default === undefined || other === undefined || other.type === column.type) continue
      // The default may have no cast to the other type.
      drops.push(`ALTER TABLE ${sql(table)} ALTER COLUMN ${name(column.name)} DROP DEFAULT`)
      delete column.default
    }
  }
  for (const [key, table] of Object.entries(from.tables)) {
    if (target.tables[key] !== undefined) continue
    dropped.tables.push(key)
    drops.push(`DROP TABLE ${sql(table)}`)
    delete lean.tables[key]
  }
  for (const [key, sequence] of Object.entries(from.sequences)) {
    if (target.sequences[key] !== undefined) continue
    drops.push(`DROP SEQUENCE ${sql(sequence)}`)
    delete lean.sequences[key]
  }

  const last: string[] = []
  const isMaterialized = ({ schema, name }: { schema: string; name: string }) =>
    from.views[keyOf({ schema, name })]?.materialized === true
  const enums = replaceEnums(lean, target, reversed(renames))
  for (const [key, type] of Object.entries(lean.enums)) {
    if (target.enums[key] !== undefined) continue
    last.push(`DROP TYPE ${sql(type)}`)
    delete lean.enums[key]
  }
  for (const role of Object.keys(lean.roles)) {
    if (target.roles[role] !== undefined) continue
    last.push(`DROP ROLE ${name(role)}`)
    delete lean.roles[role]
  }
  for (const schema of Object.keys(lean.schemas)) {
    if (target.schemas[schema] !== undefined) continue
    last.push(`DROP SCHEMA ${name(schema)}`)
    delete lean.schemas[schema]
  }

  const back = reversed(renames)
  const start = back.reduce(renamed, lean)
  const alterAndCreate = await changes(start, to, diff)
  return {
    statements: [
      ...drops,
      ...back.flatMap((rename) => renameStatements(rename, isMaterialized)),
      ...enums.statements,
      ...new Set(alterAndCreate.map((statement) => statement.trim())),
      ...rowSecurity(start, to),
      ...last,
    ],
    drops: dropped,
    restores: restored(start, to),
    replaced: enums.replaced,
  }
}

/** Columns that stay but change their type or what generates them, by table: what reads them must step aside. */
type Touched = Map<string, Set<string>>

function touchedColumns(from: Snapshot, target: Snapshot): Touched {
  const relabelled = Object.values(from.enums).filter((type) => {
    const other = target.enums[keyOf(type)]
    return other !== undefined && !same(type.values, other.values)
  })
  return new Map(
    Object.entries(from.tables).map(([key, table]) => {
      const columns = Object.values(table.columns).filter((column) => {
        const other = target.tables[key]?.columns[column.name]
        if (other === undefined) return false
        const definition = ({ type, typeSchema, generated }: Column) => [type, typeSchema ?? '', generated]
        return (
          JSON.stringify(definition(column)) !== JSON.stringify(definition(other)) ||
          relabelled.some((type) => isOf(column, type))
        )
      })
      return [key, new Set(columns.map(({ name }) => name))]
    }),
  )
}

/** What has to stand around drizzle-kit's own statements, and which of them it takes the place of. */
export type Aside = { drops: string[]; creates: string[]; keyDrops: string[]; replaces: (object: string) => boolean }

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
  const lean = structuredClone(target)
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

function dependentsIn({ tables }: Snapshot): { table: Table; dependent: Dependent }[] {
  return Object.values(tables).flatMap((table) => dependentsOf(table).map((dependent) => ({ table, dependent })))
}

/** Whether a definition's text names one of the columns; of all tables where it may read any of them. */
function mentions(definition: unknown, touched: Touched, table?: string): boolean {
  const columns =
    table === undefined ? [...touched.values()].flatMap((names) => [...names]) : [...(touched.get(table) ?? [])]
  if (columns.length === 0) return false
  const words = new Set(JSON.stringify(definition).match(/[\p{L}\p{N}_$]+/gu))
  return columns.some((column) => words.has(column))
}

/** Drops policies, constraints and indexes that are not the same on the other side, foreign keys first. */
function dropDependents(from: Snapshot, target: Snapshot, lean: Snapshot, touched: Touched): string[] {
  const nothingTouched = [...touched.values()].every((columns) => columns.size === 0)
  const found = Object.entries(from.tables).flatMap(([key, table]) => {
    const other = target.tables[key]
    if (nothingTouched && JSON.stringify(table) === JSON.stringify(other)) return []
    return dependentsOf(table)
      .filter((dependent) => {
        // What hangs on a table goes with it; only what another table could stumble over has to go first.
        if (other === undefined) return dependent.kind === 'policy' || dependent.kind === 'foreignKey'
        return !keeps(other, dependent) || mustStepAside(key, dependent, touched)
      })
      .map((dependent) => ({ table, dependent }))
  })
  // A foreign key rests on the unique index or primary key it points at.
  const keysGone = new Set(found.flatMap(({ table, dependent }) => (isKey(dependent) ? [keyOf(table)] : [])))
  for (const table of keysGone.size === 0 ? [] : Object.values(from.tables)) {
    for (const dependent of dependentsOf(table)) {
      const rests = dependent.kind === 'foreignKey' && keysGone.has(referenced(dependent))
      const known = found.some((other) => other.table === table && same(other.dependent, dependent))
      if (rests && !known) found.push({ table, dependent })
    }
  }
  for (const { table, dependent } of found) removeDependent(lean.tables[keyOf(table)], dependent)
  const order: Dependent['kind'][] = ['policy', 'foreignKey', 'check', 'index', 'unique', 'primaryKey']
  return order.flatMap((kind) =>
    found
      .filter(({ dependent }) => dependent.kind === kind)
      .map(({ table, dependent }) => dropDependent(table, dependent)),
  )
}

function isKey({ kind, definition }: Dependent): boolean {
  return kind === 'unique' || kind === 'primaryKey' || (kind === 'index' && (definition as Index).isUnique === true)
}

function keeps(other: Table, dependent: Dependent): boolean {
  return dependentsOf(other).some((its) => same(its, dependent))
}

/** A plain index or key follows its column's type by itself; an expression does not. */
function mustStepAside(table: string, dependent: Dependent, touched: Touched): boolean {
  switch (dependent.kind) {
    case 'policy':
      return mentions(dependent.definition, touched)
    case 'foreignKey': {
      const { columnsFrom, columnsTo } = dependent.definition as ForeignKey
      return mentions(columnsFrom, touched, table) || mentions(columnsTo, touched, referenced(dependent))
    }
    case 'check':
      return mentions(dependent.definition, touched, table)
    case 'index':
      return isExpressive(dependent) && mentions(dependent.definition, touched, table)
    default:
      return false
  }
}

function referenced({ definition }: Dependent): string {
  const { schemaTo = '', tableTo } = definition as ForeignKey
  return keyOf({ schema: schemaTo, name: tableTo })
}

function dependentsOf(table: Table): Dependent[] {
  const of = (kind: Dependent['kind'], entities: Record<string, Named | object>) =>
    Object.entries(entities).map(([key, definition]) => ({ kind, name: (definition as Named).name ?? key, definition }))
  const single = Object.values(table.columns).filter(({ primaryKey }) => primaryKey)
  return [
    ...of('policy', table.policies),
    ...of('foreignKey', table.foreignKeys),
    ...of('check', table.checkConstraints),
    ...of('unique', table.uniqueConstraints),
    ...of('index', table.indexes),
    ...of('primaryKey', table.compositePrimaryKeys),
    ...single.map(({ name }) => ({ kind: 'primaryKey' as const, name: '', definition: { columns: [name] } })),
  ]
}

function isExpressive({ definition }: Dependent): boolean {
  const { columns = [], where } = definition as { columns?: { isExpression?: boolean }[]; where?: string }
  return where !== undefined || columns.some(({ isExpression }) => isExpression)
}

function removeDependent(table: Table | undefined, { kind, name, definition }: Dependent): void {
  if (table === undefined) return
  if (kind === 'policy') delete table.policies[name]
  if (kind === 'foreignKey') delete table.foreignKeys[name]
  if (kind === 'check') delete table.checkConstraints[name]
  if (kind === 'unique') delete table.uniqueConstraints[name]
  if (kind === 'index') delete table.indexes[name]
  if (kind !== 'primaryKey') return
  delete table.compositePrimaryKeys[name]
  for (const column of name === '' ? (definition as { columns: string[] }).columns : []) {
    const own = table.columns[column]
    if (own) own.primaryKey = false
  }
}

function dropDependent(table: Table, { kind, name: called }: Dependent): string {
  if (kind === 'policy') return `DROP POLICY ${name(called)} ON ${sql(table)}`
  if (kind === 'index') return `DROP INDEX ${table.schema ? `${name(table.schema)}.` : ''}${name(called)}`
  if (kind !== 'primaryKey' || called !== '') return `ALTER TABLE ${sql(table)} DROP CONSTRAINT ${name(called)}`
  // drizzle-kit keeps no name for the primary key of one column; a table has one at most.
  return dropPrimaryKey(table)
}

function dropPrimaryKey(table: Table): string {
  const key = `select format('alter table %s drop constraint %I', conrelid::regclass, conname)
    from pg_constraint where contype = 'p' and conrelid = to_regclass(${literal(sql(table))})`
  return `${selfGuarded}\n${block('  if statement is not null then\n    execute statement;\n  end if;', [`statement text := (${key})`])}`
}

/** Types whose labels differ are made anew: PostgreSQL has no way to drop a label, and a new one cannot be used at once. */
function replaceEnums(lean: Snapshot, target: Snapshot, back: Rename[]): { statements: string[]; replaced: string[] } {
  const statements: string[] = []
  const replaced: string[] = []
  for (const [key, type] of Object.entries(lean.enums)) {
    const labels = target.enums[key]?.values
    if (labels === undefined || same(labels, type.values)) continue
    for (const { column } of columnsOfType(lean, type)) delete column.default
    type.values = labels
    // Renames come first, so the type is made anew under the name it goes back to.
    const start = back.reduce(renamed, lean)
    const moved = back.find((rename) => rename.kind === 'type' && keyOf(rename.from) === key)
    const now = start.enums[moved?.kind === 'type' ? keyOf(moved.to) : key] ?? type
    statements.push(replaceEnum(now, columnsOfType(start, now)))
    replaced.push(keyOf(now))
  }
  return { statements, replaced }
}

function replaceEnum(type: Enum, columns: { table: Table; column: Column }[]): string {
  const labels = array(type.values)
  const known = sql(type)
  const temporary = `${type.name}__replaced`
  const checks = columns.map(({ table, column }) => {
    const at = name(column.name)
    const held = isArray(column) ? `(select unnest(${at})::text)` : `(select ${at}::text)`
    return `
    select count(*), string_agg(distinct label, ', ') into used, found
    from ${sql(table)}, lateral ${held} as held (label) where label <> all (${labels});
    if used > 0 then
      raise exception '% rows of % hold what type % will not have: %', used, ${literal(`${sql(table)}.${at}`)}, ${literal(known)}, found
        using hint = 'change them, then run this again';
    end if;`
  })
  const alters = columns.map(({ table, column }) => {
    const at = name(column.name)
    const suffix = isArray(column) ? '[]' : ''
    return `
    alter table ${sql(table)} alter column ${at} drop default, alter column ${at} set data type ${known}${suffix} using ${at}::text${suffix}::${known}${suffix};`
  })
  return `${selfGuarded}\n${block(
    `\
  if ${labels} is distinct from (
    select array_agg(enumlabel::text order by enumsortorder) from pg_enum where enumtypid = to_regtype(${literal(known)})
  ) then
    perform set_config('row_security', 'off', true);${checks.join('')}
    alter type ${known} rename to ${name(temporary)};
    create type ${known} as enum (${type.values.map(literal).join(', ')});${alters.join('')}
    drop type ${sql({ ...type, name: temporary })};
  end if;`,
    ['used bigint', 'found text'],
  )}`
}

const isArray = (column: Column) => column.type.endsWith(']')

/** Row-level security as drizzle-kit means it: on where the flag is set or a policy exists. */
function isEnabled(table: Table): boolean {
  return table.isRLSEnabled === true || Object.keys(table.policies).length > 0
}

function rowSecurity(start: Snapshot, to: Snapshot): string[] {
  return Object.entries(start.tables).flatMap(([key, table]) => {
    const other = to.tables[key]
    if (other === undefined || table.isRLSEnabled === isEnabled(other)) return []
    return [`ALTER TABLE ${sql(other)} ${isEnabled(other) ? 'ENABLE' : 'DISABLE'} ROW LEVEL SECURITY`]
  })
}

/** drizzle-kit's statements between two snapshots, asked of what differs alone: it takes its time over each table. */
async function changes(start: Snapshot, to: Snapshot, diff: DiffSnapshots): Promise<string[]> {
  const sides = comparable(start, to)
  for (const [key, table] of Object.entries(sides[0].tables)) {
    if (JSON.stringify(table) !== JSON.stringify(sides[1].tables[key])) continue
    delete sides[0].tables[key]
    delete sides[1].tables[key]
  }
  const content = ({ tables, enums, schemas, sequences, roles, policies, views }: Snapshot) =>
    JSON.stringify([tables, enums, schemas, sequences, roles, policies, views])
  return content(sides[0]) === content(sides[1]) ? [] : diff(...sides)
}

/**
 * Both snapshots without what drizzle-kit's diff is not asked for: row-level security of tables that stay, which it
 * forgets or repeats, and the name of an identity column's sequence, which no rename changes.
 */
function comparable(start: Snapshot, to: Snapshot): [Snapshot, Snapshot] {
  const sides = [structuredClone(start), structuredClone(to)] as [Snapshot, Snapshot]
  for (const [key, table] of Object.entries(sides[0].tables)) {
    const other = sides[1].tables[key]
    if (other === undefined) continue
    table.isRLSEnabled = other.isRLSEnabled = true
    for (const own of Object.values(other.indexes)) own.concurrently = false
    for (const column of Object.values(table.columns)) {
      const [own, its] = [column.identity, other.columns[column.name]?.identity] as { name?: string }[]
      if (own && its) own.name = its.name ?? ''
    }
  }
  return sides
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

function sql({ schema, name: called }: { schema?: string; name: string }): string {
  return schema ? `${name(schema)}.${name(called)}` : name(called)
}
