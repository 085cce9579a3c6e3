import { is } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import { IntegrationsDbError } from '../src/errors.ts'
import { organizations } from '../src/schema/host.ts'
import * as schema from '../src/schema/index.ts'

/*
 * The tables of src/schema as a Mermaid diagram, kept in docs/schema.md between two markers. Lines are foreign keys: a
 * secret's id and an event's ids point at rows that may be gone.
 */

export const diagramPage = 'docs/schema.md'
const markers = {
  begin: '<!-- Written by npm run db:generate from src/schema. -->',
  end: '<!-- The end of what is written. -->',
}

/** A page with the diagram of today's schema between its markers. */
export function withDiagram(page: string): string {
  const [before, rest] = halves(page, markers.begin)
  const [, after] = halves(rest, markers.end)
  return `${before}${markers.begin}\n\n\`\`\`mermaid\n${erDiagram()}\`\`\`\n\n${markers.end}${after}`
}

function halves(text: string, marker: string): [string, string] {
  const at = text.indexOf(marker)
  if (at === -1) {
    throw new IntegrationsDbError(
      'invalid_input',
      `${diagramPage}: the diagram belongs between two lines, and one is missing; put it back: ${marker}`,
    )
  }
  return [text.slice(0, at), text.slice(at + marker.length)]
}

function erDiagram(): string {
  const tables = [organizations, ...Object.values(schema).filter((value) => is(value, PgTable))].map(getTableConfig)
  return ['erDiagram', ...tables.flatMap(lines), ...tables.map(entity), ''].join('\n')
}

type Table = ReturnType<typeof getTableConfig>

const lines = (table: Table) =>
  table.foreignKeys.map((key) => {
    const { columns, foreignTable } = key.reference()
    const names = columns.map(({ name }) => name).join(', ')
    return `  ${nameOf(getTableConfig(foreignTable))} ||--o{ ${nameOf(table)} : "${names}"`
  })

function entity(table: Table): string {
  const attributes = table.columns.map((column) => {
    const type = column.getSQLType().replace('timestamp with time zone', 'timestamptz')
    const comment = column.notNull ? '' : ' "null"'
    return `    ${type} ${column.name}${keysOf(table, column.name)}${comment}`
  })
  return [`  ${nameOf(table)} {`, ...attributes, '  }'].join('\n')
}

/** ` PK`, ` FK`, ` UK` or several of them, as far as one column is concerned. */
function keysOf(table: Table, name: string): string {
  const primary = table.primaryKeys.flatMap(({ columns }) => columns.map((column) => column.name))
  const foreign = table.foreignKeys.flatMap((key) => key.reference().columns.map((column) => column.name))
  const unique = table.uniqueConstraints.flatMap(({ columns }) => columns.map((column) => column.name))
  const isPrimary = primary.includes(name) || table.columns.some((column) => column.name === name && column.primary)
  const keys = [isPrimary && 'PK', foreign.includes(name) && 'FK', unique.includes(name) && 'UK']
  const said = keys.filter((key) => key !== false).join(', ')
  return said && ` ${said}`
}

/** Mermaid has no schemas: a dot is only allowed between quotes. */
const nameOf = ({ name, schema }: Table) => (schema === undefined ? name : `"${schema}.${name}"`)
