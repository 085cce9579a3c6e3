import { literal, name } from '../util/quote.ts'
import { partsOf, strings, textOf } from './parse-tree.ts'
import { columnsOfType, keyOf, type Snapshot, sqlName, type Table } from './snapshot.ts'
import type { Statement } from './statements.ts'

/** What a migration calls by another name; snapshots know only before and after. */
export type Rename =
  | { kind: 'table' | 'type' | 'sequence' | 'view' | 'index'; from: Qualified; to: Qualified }
  | { kind: 'column' | 'policy' | 'constraint'; table: Qualified; from: string; to: string }
  | { kind: 'label'; type: Qualified; from: string; to: string }
  | { kind: 'schema' | 'role'; from: string; to: string }

type Qualified = { schema: string; name: string }

/** The renames that a migration's statements spell out, in their order. */
export function renamesIn(statements: Statement[]): Rename[] {
  return statements.flatMap(({ node }): Rename[] => {
    if ('AlterEnumStmt' in node && node.AlterEnumStmt.oldVal !== undefined) {
      const { typeName, oldVal, newVal = '' } = node.AlterEnumStmt
      return [{ kind: 'label', type: qualified(strings(typeName)), from: oldVal, to: newVal }]
    }
    if ('AlterObjectSchemaStmt' in node) {
      const { objectType, object, relation, newschema = 'public' } = node.AlterObjectSchemaStmt
      const kind = kinds[textOf(objectType)]
      if (kind === undefined) return []
      const from = relation
        ? qualified([textOf(relation.schemaname), textOf(relation.relname)])
        : qualified(partsOf(object))
      return [{ kind, from, to: { ...from, schema: newschema } }]
    }
    if (!('RenameStmt' in node)) return []
    const { renameType, relationType, relation, object, subname = '', newname = '' } = node.RenameStmt
    const table = qualified([textOf(relation?.schemaname), textOf(relation?.relname)])
    if (renameType === 'OBJECT_COLUMN' && relationType === 'OBJECT_TABLE')
      return [{ kind: 'column', table, from: subname, to: newname }]
    if (renameType === 'OBJECT_POLICY') return [{ kind: 'policy', table, from: subname, to: newname }]
    if (renameType === 'OBJECT_TABCONSTRAINT') return [{ kind: 'constraint', table, from: subname, to: newname }]
    if (renameType === 'OBJECT_SCHEMA') return [{ kind: 'schema', from: subname, to: newname }]
    if (renameType === 'OBJECT_ROLE') return [{ kind: 'role', from: subname, to: newname }]
    const kind = kinds[textOf(renameType)]
    if (kind === undefined) return []
    const from = kind === 'type' ? qualified(partsOf(object)) : table
    return [{ kind, from, to: { ...from, name: newname } }]
  })
}

const kinds: Record<string, 'table' | 'type' | 'sequence' | 'view' | 'index'> = {
  OBJECT_INDEX: 'index',
  OBJECT_TABLE: 'table',
  OBJECT_TYPE: 'type',
  OBJECT_SEQUENCE: 'sequence',
  OBJECT_VIEW: 'view',
  OBJECT_MATVIEW: 'view',
}

/** The renames that lead back, newest first. */
export function reversed(renames: Rename[]): Rename[] {
  return renames.map((rename) => ({ ...rename, from: rename.to, to: rename.from }) as Rename).reverse()
}

/** A rename as SQL. */
export function renameStatements(rename: Rename, materialized: (view: Qualified) => boolean): string[] {
  switch (rename.kind) {
    case 'column':
      return [`ALTER TABLE ${sqlName(rename.table)} RENAME COLUMN ${name(rename.from)} TO ${name(rename.to)}`]
    case 'policy':
      return [`ALTER POLICY ${name(rename.from)} ON ${sqlName(rename.table)} RENAME TO ${name(rename.to)}`]
    case 'constraint':
      return [`ALTER TABLE ${sqlName(rename.table)} RENAME CONSTRAINT ${name(rename.from)} TO ${name(rename.to)}`]
    case 'label':
      return [`ALTER TYPE ${sqlName(rename.type)} RENAME VALUE ${literal(rename.from)} TO ${literal(rename.to)}`]
    case 'schema':
    case 'role':
      return [`ALTER ${rename.kind.toUpperCase()} ${name(rename.from)} RENAME TO ${name(rename.to)}`]
    default: {
      const { from, to } = rename
      const keyword = rename.kind === 'view' && materialized(from) ? 'MATERIALIZED VIEW' : rename.kind.toUpperCase()
      return [
        ...(from.name === to.name ? [] : [`ALTER ${keyword} ${sqlName(from)} RENAME TO ${name(to.name)}`]),
        ...(from.schema === to.schema
          ? []
          : [`ALTER ${keyword} ${sqlName({ ...from, name: to.name })} SET SCHEMA ${name(to.schema)}`]),
      ]
    }
  }
}

/** The snapshot with one thing called by its other name, wherever it is named. */
export function renamed(snapshot: Snapshot, rename: Rename): Snapshot {
  const copy = structuredClone(snapshot)
  switch (rename.kind) {
    case 'table':
      return renameTable(copy, rename.from, rename.to)
    case 'column':
      return renameColumn(copy, rename.table, rename.from, rename.to)
    case 'policy': {
      const table = copy.tables[keyOf(rename.table)]
      if (table) table.policies = rekeyed(table.policies, rename.from, rename.to)
      return copy
    }
    case 'constraint': {
      const table = copy.tables[keyOf(rename.table)]
      if (table === undefined) return copy
      table.foreignKeys = rekeyed(table.foreignKeys, rename.from, rename.to)
      table.checkConstraints = rekeyed(table.checkConstraints, rename.from, rename.to)
      table.uniqueConstraints = rekeyed(table.uniqueConstraints, rename.from, rename.to)
      table.compositePrimaryKeys = rekeyed(table.compositePrimaryKeys, rename.from, rename.to)
      return copy
    }
    case 'index':
      for (const table of Object.values(copy.tables)) {
        if ((table.schema || 'public') === rename.from.schema)
          table.indexes = rekeyed(table.indexes, rename.from.name, rename.to.name)
      }
      return copy
    case 'label': {
      const type = copy.enums[keyOf(rename.type)]
      if (type) type.values = type.values.map((label) => (label === rename.from ? rename.to : label))
      for (const { column } of columnsOfType(copy, rename.type)) {
        if (column.default === literal(rename.from)) column.default = literal(rename.to)
      }
      return copy
    }
    case 'type': {
      for (const { column } of columnsOfType(copy, rename.from)) {
        column.type = column.type.replace(rename.from.name, rename.to.name)
        column.typeSchema = rename.to.schema
      }
      copy.enums = moved(copy.enums, rename.from, rename.to)
      return copy
    }
    case 'sequence':
      return { ...copy, sequences: moved(copy.sequences, rename.from, rename.to) }
    case 'view':
      return { ...copy, views: moved(copy.views, rename.from, rename.to) }
    case 'role':
      return { ...copy, roles: rekeyed(copy.roles, rename.from, rename.to) }
    case 'schema':
      return renameSchema(copy, rename.from, rename.to)
  }
}

function renameTable(snapshot: Snapshot, from: Qualified, to: Qualified): Snapshot {
  // Of tables alone a snapshot leaves schema "public" unsaid.
  const schema = to.schema === 'public' ? '' : to.schema
  const tables = moved(snapshot.tables, from, to)
  for (const table of Object.values(tables)) {
    for (const key of Object.values(table.foreignKeys)) {
      if (keyOf({ schema: textOf(key.schemaTo), name: key.tableTo }) !== keyOf(from)) continue
      key.tableTo = to.name
      if (schema) key.schemaTo = schema
      else delete key.schemaTo
    }
  }
  const table = tables[keyOf(to)]
  if (table) {
    table.schema = schema
    for (const key of Object.values(table.foreignKeys)) key.tableFrom = to.name
  }
  return replaceInExpressions({ ...snapshot, tables }, `${name(from.name)}.`, `${name(to.name)}.`)
}

function renameColumn(snapshot: Snapshot, at: Qualified, from: string, to: string): Snapshot {
  const table = snapshot.tables[keyOf(at)]
  if (table === undefined) return snapshot
  const swap = (columns: string[]) => columns.map((column) => (column === from ? to : column))
  table.columns = rekeyed(table.columns, from, to)
  for (const index of Object.values(table.indexes)) {
    for (const part of index.columns) if (!part.isExpression && part.expression === from) part.expression = to
  }
  for (const key of [...Object.values(table.uniqueConstraints), ...Object.values(table.compositePrimaryKeys)]) {
    key.columns = swap(key.columns)
  }
  for (const key of Object.values(table.foreignKeys)) key.columnsFrom = swap(key.columnsFrom)
  for (const other of Object.values(snapshot.tables)) {
    for (const key of Object.values(other.foreignKeys)) {
      if (keyOf({ schema: textOf(key.schemaTo), name: key.tableTo }) === keyOf(at)) key.columnsTo = swap(key.columnsTo)
    }
  }
  return replaceInExpressions(snapshot, `${name(at.name)}.${name(from)}`, `${name(at.name)}.${name(to)}`)
}

function renameSchema(snapshot: Snapshot, from: string, to: string): Snapshot {
  const inSchema = <T extends { schema: string; name: string }>(entities: Record<string, T>) =>
    Object.fromEntries(
      Object.values(entities).map((entity) => {
        const at = entity.schema === from ? { ...entity, schema: to } : entity
        return [keyOf(at), at]
      }),
    ) as Record<string, T>
  const tables = inSchema(snapshot.tables)
  for (const table of Object.values(tables)) {
    for (const column of Object.values(table.columns)) if (column.typeSchema === from) column.typeSchema = to
    for (const key of Object.values(table.foreignKeys)) if (key.schemaTo === from) key.schemaTo = to
  }
  const schemas = Object.fromEntries(Object.keys(snapshot.schemas).map((key) => (key === from ? [to, to] : [key, key])))
  const renamedAll = {
    ...snapshot,
    tables,
    schemas,
    enums: inSchema(snapshot.enums),
    sequences: inSchema(snapshot.sequences),
    views: inSchema(snapshot.views),
  }
  return replaceInExpressions(renamedAll, `${name(from)}.`, `${name(to)}.`)
}

/** PostgreSQL keeps expressions by number and follows a rename by itself; their text here has to be told. */
function replaceInExpressions(snapshot: Snapshot, from: string, to: string): Snapshot {
  const tables = Object.fromEntries(
    Object.entries(snapshot.tables).map(([key, table]) => {
      const { checkConstraints, policies, indexes, columns, ...rest }: Table = table
      const expressions = JSON.stringify({ checkConstraints, policies, indexes, columns })
      const inJson = (part: string) => JSON.stringify(part).slice(1, -1)
      return [
        key,
        { ...rest, ...(JSON.parse(expressions.replaceAll(inJson(from), inJson(to))) as Partial<Table>) } as Table,
      ]
    }),
  )
  return { ...snapshot, tables }
}

function moved<T extends { schema: string; name: string }>(
  entities: Record<string, T>,
  from: Qualified,
  to: Qualified,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(entities).map(([key, entity]) =>
      key === keyOf(from) ? [keyOf(to), { ...entity, ...to }] : [key, entity],
    ),
  )
}

function rekeyed<T extends { name: string }>(entities: Record<string, T>, from: string, to: string): Record<string, T> {
  return Object.fromEntries(
    Object.entries(entities).map(([key, entity]) => (key === from ? [to, { ...entity, name: to }] : [key, entity])),
  )
}

function qualified(parts: string[]): Qualified {
  const [name = '', schema = ''] = [...parts].reverse()
  return { schema: schema || 'public', name }
}
