/*
 * drizzle-kit's description of a schema, as JSON. The files are the truth; a snapshot
 * says what they leave out.
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
