import { name } from '../util/quote.ts'
import { textOf } from './parse-tree.ts'

/*
 * drizzle-kit's description of a schema, as JSON. Every migration has one; their differences are the way down.
 */

export type Column = {
  name: string
  type: string
  typeSchema?: string
  primaryKey: boolean
  default?: unknown
} & Record<string, unknown>
export type ForeignKey = {
  name: string
  tableFrom: string
  tableTo: string
  schemaTo?: string
  columnsFrom: string[]
  columnsTo: string[]
}
export type Index = {
  name: string
  columns: { expression: string; isExpression: boolean }[]
  where?: string
  concurrently?: boolean
  isUnique?: boolean
}
export type Named = { name: string } & Record<string, unknown>

export type Table = {
  name: string
  schema: string
  columns: Record<string, Column>
  indexes: Record<string, Index>
  foreignKeys: Record<string, ForeignKey>
  compositePrimaryKeys: Record<string, { name: string; columns: string[] }>
  uniqueConstraints: Record<string, { name: string; columns: string[] }>
  checkConstraints: Record<string, { name: string; value: string }>
  policies: Record<string, Named>
  isRLSEnabled?: boolean
}
export type Enum = { name: string; schema: string; values: string[] }
type View = { name: string; schema: string; definition?: string; materialized?: boolean; isExisting?: boolean }

export type Snapshot = {
  version: string
  dialect: string
  id: string
  prevId: string
  tables: Record<string, Table>
  enums: Record<string, Enum>
  schemas: Record<string, string>
  sequences: Record<string, { name: string; schema: string }>
  roles: Record<string, { name: string }>
  policies: Record<string, Named & { on?: string }>
  views: Record<string, View>
} & Record<string, unknown>

/** What a schema looks like before the first migration. */
export const emptySnapshot: Snapshot = {
  version: '7',
  dialect: 'postgresql',
  id: '00000000-0000-0000-0000-000000000000',
  prevId: '',
  tables: {},
  enums: {},
  schemas: {},
  sequences: {},
  roles: {},
  policies: {},
  views: {},
  _meta: { schemas: {}, tables: {}, columns: {} },
}

/** `schema.name`, by which snapshots key tables, types, sequences and views. */
export const keyOf = ({ schema, name }: { schema?: string; name: string }): string => `${schema || 'public'}.${name}`

/** The key of a name as the parser gives its parts. */
export function keyOfParts(parts: string[]): string {
  return keyOf({ schema: parts.length > 1 ? textOf(parts.at(-2)) : '', name: textOf(parts.at(-1)) })
}

/** A thing's name in SQL, as drizzle-kit writes it: without a schema where the snapshot has none. */
export function sqlName({ schema, name: called }: { schema?: string; name: string }): string {
  return schema ? `${name(schema)}.${name(called)}` : name(called)
}

/** Whether two parts of snapshots say the same, whatever the order of their keys. */
export function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (key, part) => {
    if (key === 'concurrently') return undefined
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** The columns of an enum type, each with its table. */
export function columnsOfType(
  snapshot: Snapshot,
  type: { schema: string; name: string },
): { table: Table; column: Column }[] {
  return Object.values(snapshot.tables).flatMap((table) =>
    Object.values(table.columns)
      .filter((column) => isOf(column, type))
      .map((column) => ({ table, column })),
  )
}

export function isOf(column: Column, type: { schema: string; name: string }): boolean {
  return (
    column.typeSchema !== undefined &&
    keyOf({ schema: column.typeSchema, name: column.type.replace(/(\[\d*\])+$/, '') }) === keyOf(type)
  )
}

/** Whether drizzle-kit would ask if something was renamed: it does where one thing of a kind goes and another comes. */
export function asksAboutRenames(before: Snapshot, after: Snapshot): boolean {
  const swaps = (was: object, is: object) =>
    Object.keys(was).some((key) => !(key in is)) && Object.keys(is).some((key) => !(key in was))
  const kinds = ['tables', 'enums', 'schemas', 'sequences', 'roles', 'policies', 'views'] as const
  return (
    kinds.some((kind) => swaps(before[kind], after[kind])) ||
    Object.entries(before.tables).some(([key, table]) => {
      const other = after.tables[key]
      return other !== undefined && (swaps(table.columns, other.columns) || swaps(table.policies, other.policies))
    })
  )
}
