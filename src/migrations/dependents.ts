import { block, literal, name } from '../util/quote.ts'
import { selfGuarded } from './guards.ts'
import { textOf } from './parse-tree.ts'
import {
  type Column,
  type ForeignKey,
  type Index,
  isOf,
  keyOf,
  type Named,
  type Snapshot,
  same,
  sqlName,
  type Table,
} from './snapshot.ts'

/*
 * What hangs on a table: policies, constraints, indexes. It has to go before the column it reads goes or changes its
 * type, and in an order: a foreign key before the unique index it rests on.
 */

type Dependent = {
  kind: 'policy' | 'foreignKey' | 'check' | 'unique' | 'primaryKey' | 'index'
  name: string
  definition: unknown
}

/** Columns that stay but change their type or what generates them, by table: what reads them must step aside. */
type Touched = Map<string, Set<string>>

export function touchedColumns(from: Snapshot, target: Snapshot): Touched {
  const relabelled = Object.values(from.enums).filter((type) => {
    const other = target.enums[keyOf(type)]
    return other !== undefined && !same(type.values, other.values)
  })
  return new Map(
    Object.entries(from.tables).map(([key, table]) => {
      const columns = Object.values(table.columns).filter((column) => {
        const other = target.tables[key]?.columns[column.name]
        if (other === undefined) return false
        const definition = ({ type, typeSchema, generated }: Column) => [type, textOf(typeSchema), generated]
        return (
          JSON.stringify(definition(column)) !== JSON.stringify(definition(other)) ||
          relabelled.some((type) => isOf(column, type))
        )
      })
      return [key, new Set(columns.map(({ name }) => name))]
    }),
  )
}

export function dependentsIn({ tables }: Snapshot): { table: Table; dependent: Dependent }[] {
  return Object.values(tables).flatMap((table) => dependentsOf(table).map((dependent) => ({ table, dependent })))
}

/** Whether a definition's text names one of the columns; of all tables where it may read any of them. */
export function mentions(definition: unknown, touched: Touched, table?: string): boolean {
  const columns =
    table === undefined ? [...touched.values()].flatMap((names) => [...names]) : [...(touched.get(table) ?? [])]
  if (columns.length === 0) return false
  const words = new Set(JSON.stringify(definition).match(/[\p{L}\p{N}_$]+/gu))
  return columns.some((column) => words.has(column))
}

/** Drops policies, constraints and indexes that are not the same on the other side, foreign keys first. */
export function dropDependents(from: Snapshot, target: Snapshot, lean: Snapshot, touched: Touched): string[] {
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
export function mustStepAside(table: string, dependent: Dependent, touched: Touched): boolean {
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

export function referenced({ definition }: Dependent): string {
  const { schemaTo = '', tableTo } = definition as ForeignKey
  return keyOf({ schema: schemaTo, name: tableTo })
}

export function dependentsOf(table: Table): Dependent[] {
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

export function removeDependent(table: Table | undefined, { kind, name, definition }: Dependent): void {
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

export function dropDependent(table: Table, { kind, name: called }: Dependent): string {
  if (kind === 'policy') return `DROP POLICY ${name(called)} ON ${sqlName(table)}`
  if (kind === 'index') return `DROP INDEX ${table.schema ? `${name(table.schema)}.` : ''}${name(called)}`
  if (kind !== 'primaryKey' || called !== '') return `ALTER TABLE ${sqlName(table)} DROP CONSTRAINT ${name(called)}`
  // drizzle-kit keeps no name for the primary key of one column; a table has one at most.
  return dropPrimaryKey(table)
}

export function dropPrimaryKey(table: Table): string {
  const key = `select format('alter table %s drop constraint %I', conrelid::regclass, conname)
    from pg_constraint where contype = 'p' and conrelid = to_regclass(${literal(sqlName(table))})`
  return `${selfGuarded}\n${block('  if statement is not null then\n    execute statement;\n  end if;', [`statement text := (${key})`])}`
}
