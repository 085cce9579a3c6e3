import { literal, name } from '../util/quote.ts'
import { replayAll } from './replay.ts'
import type { Column, Snapshot, Table } from './snapshot.ts'
import { State } from './state.ts'
import { parseNow } from './statements.ts'

/* drizzle-kit's snapshot as a state: the statements that make what it describes, run. */

const at = ({ schema, name: called }: { schema?: string; name: string }) =>
  `${name(schema || 'public')}.${name(called)}`

/** The state that a snapshot describes, or only the tables and types it is asked for. */
export function stateOf(snapshot: Snapshot, wanted: (key: string) => boolean = () => true): State {
  const tables = Object.entries(snapshot.tables).flatMap(([key, table]) => (wanted(`table ${key}`) ? [table] : []))
  const of = <T extends object>(kind: string, entities: Record<string, T>) =>
    Object.entries(entities).flatMap(([key, entity]) => (wanted(`${kind} ${key}`) ? [entity] : []))
  return replayAll(
    new State(),
    parseNow(
      [
        ...of('schema', Object.fromEntries(Object.keys(snapshot.schemas).map((one) => [one, { one }]))).map(
          ({ one }) => `CREATE SCHEMA ${name(one)}`,
        ),
        ...of('role', snapshot.roles).map((role) => `CREATE ROLE ${name(role.name)}`),
        ...of('type', snapshot.enums).map(
          (type) => `CREATE TYPE ${at(type)} AS ENUM (${type.values.map(literal).join(', ')})`,
        ),
        ...of('sequence', snapshot.sequences).map(
          (sequence) => `CREATE SEQUENCE ${at(sequence)} ${sequenceOptions(sequence as never)}`,
        ),
        ...tables.map(createTable),
        ...tables.flatMap(constraints),
        ...tables.flatMap(foreignKeys),
        ...tables.flatMap(indexes),
        ...of('view', snapshot.views).flatMap((view) =>
          view.isExisting || view.definition === undefined
            ? []
            : [`CREATE ${view.materialized ? 'MATERIALIZED ' : ''}VIEW ${at(view)} AS (${view.definition})`],
        ),
        ...tables.flatMap((table) => Object.values(table.policies).map((policy) => policySql(policy, at(table)))),
        ...tables.flatMap((table) =>
          table.isRLSEnabled === true || Object.keys(table.policies).length > 0
            ? [`ALTER TABLE ${at(table)} ENABLE ROW LEVEL SECURITY`]
            : [],
        ),
      ],
      'snapshot',
    ),
  )
}

function createTable(table: Table): string {
  const columns = Object.values(table.columns).map((column) => `  ${columnSql(column)}`)
  return `CREATE TABLE ${at(table)} (\n${columns.join(',\n')}\n)`
}

function columnSql(column: Column): string {
  const { generated, identity, notNull } = column as {
    generated?: { as: string }
    identity?: Record<string, unknown>
    notNull?: boolean
  }
  const type = column.typeSchema ? typeName(column.type, column.typeSchema) : column.type
  return [
    name(column.name),
    type,
    column.primaryKey ? 'PRIMARY KEY' : '',
    column.default === undefined ? '' : `DEFAULT ${column.default}`,
    generated ? `GENERATED ALWAYS AS (${generated.as}) STORED` : '',
    identity
      ? `GENERATED ${identity.type === 'always' ? 'ALWAYS' : 'BY DEFAULT'} AS IDENTITY (sequence name ${name(String(identity.name))} ${sequenceOptions(identity)})`
      : '',
    notNull && !identity ? 'NOT NULL' : '',
  ]
    .filter((part) => part !== '')
    .join(' ')
}

const typeName = (type: string, schema: string) => {
  const [, base = type, array = ''] = /^(.*?)((?:\[\d*\])*)$/.exec(type) ?? []
  return `${name(schema)}.${name(base)}${array}`
}

function sequenceOptions(options: {
  increment?: string
  minValue?: string
  maxValue?: string
  startWith?: string
  cache?: string
  cycle?: boolean
}): string {
  return [
    options.increment ? `INCREMENT BY ${options.increment}` : '',
    options.minValue ? `MINVALUE ${options.minValue}` : '',
    options.maxValue ? `MAXVALUE ${options.maxValue}` : '',
    options.startWith ? `START WITH ${options.startWith}` : '',
    options.cache ? `CACHE ${options.cache}` : '',
    options.cycle ? 'CYCLE' : '',
  ].join(' ')
}

const list = (columns: string[]) => columns.map(name).join(', ')

function constraints(table: Table): string[] {
  const add = (called: string, definition: string) =>
    `ALTER TABLE ${at(table)} ADD CONSTRAINT ${name(called)} ${definition}`
  return [
    ...Object.values(table.compositePrimaryKeys).map((key) => add(key.name, `PRIMARY KEY(${list(key.columns)})`)),
    ...Object.values(table.uniqueConstraints).map((key) =>
      add(
        key.name,
        `UNIQUE${(key as { nullsNotDistinct?: boolean }).nullsNotDistinct ? ' NULLS NOT DISTINCT' : ''}(${list(key.columns)})`,
      ),
    ),
    ...Object.values(table.checkConstraints).map((check) => add(check.name, `CHECK (${check.value})`)),
  ]
}

function foreignKeys(table: Table): string[] {
  return Object.values(table.foreignKeys).map((key) => {
    const { onDelete, onUpdate } = key as { onDelete?: string; onUpdate?: string }
    const target = at({ schema: key.schemaTo || table.schema, name: key.tableTo })
    const actions = `${onDelete ? ` ON DELETE ${onDelete}` : ''}${onUpdate ? ` ON UPDATE ${onUpdate}` : ''}`
    return `ALTER TABLE ${at(table)} ADD CONSTRAINT ${name(key.name)} FOREIGN KEY (${list(key.columnsFrom)}) REFERENCES ${target}(${list(key.columnsTo)})${actions}`
  })
}

function indexes(table: Table): string[] {
  return Object.values(table.indexes).map((index) => {
    const { method = 'btree', with: parameters } = index as { method?: string; with?: Record<string, unknown> }
    const columns = index.columns.map((column) => {
      const { asc = true, nulls, opclass } = column as { asc?: boolean; nulls?: string; opclass?: string }
      const order =
        method === 'btree'
          ? `${asc ? '' : ' DESC'}${nulls && !(asc && nulls === 'last') ? ` NULLS ${nulls.toUpperCase()}` : ''}`
          : ''
      return `${column.isExpression ? column.expression : name(column.expression)}${opclass ? ` ${opclass}` : ''}${order}`
    })
    const options = Object.entries(parameters ?? {}).map(([key, value]) => `${key}=${value}`)
    return `CREATE ${index.isUnique ? 'UNIQUE ' : ''}INDEX ${name(index.name)} ON ${at(table)} USING ${method} (${columns.join(', ')})${options.length > 0 ? ` WITH (${options.join(', ')})` : ''}${index.where ? ` WHERE ${index.where}` : ''}`
  })
}

function policySql(policy: { name: string } & Record<string, unknown>, table: string): string {
  const {
    as = 'PERMISSIVE',
    for: command = 'ALL',
    to = ['public'],
    using,
    withCheck,
  } = policy as { as?: string; for?: string; to?: string[]; using?: string; withCheck?: string }
  const roles = to.map((role) => (/^(public|current_user|current_role|session_user)$/.test(role) ? role : name(role)))
  return `CREATE POLICY ${name(policy.name)} ON ${table} AS ${as} FOR ${command} TO ${roles.join(', ')}${using === undefined ? '' : ` USING (${using})`}${withCheck === undefined ? '' : ` WITH CHECK (${withCheck})`}`
}
