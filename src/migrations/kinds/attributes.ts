import { literal, name, relation } from '../../util/quote.ts'
import { readColumn } from '../definitions.ts'
import type { Nodes } from '../nodes.ts'
import { commandOf, nodesOf, tableName, textOf } from '../parse-tree.ts'
import type { Key, State } from '../state.ts'
import { insertAfter, parseNow, type Statement } from '../statements.ts'
import type { Told } from '../told.ts'
import type { AlterationRows, Place } from './alteration.ts'
import { asIs, unless } from './forms.ts'

/*
 * The commands of ALTER TYPE on the attributes of a composite type. Each is a property of its own, in their order: the type
 * is what its CREATE and they make of it.
 */

const typeKey = (table: Parameters<typeof tableName>[0]): Key => `type ${tableName(table)}`

export const attributes: AlterationRows = {
  AT_AddColumn: {
    guard: ({ text }, { table, command }) => {
      const called = command.def && 'ColumnDef' in command.def ? command.def.ColumnDef.colname : undefined
      const there = `attrelid = to_regclass(${literal(relation(table))}) and attname = ${literal(called)} and not attisdropped`
      return unless(text, `exists (select from pg_attribute where ${there})`)
    },
    property: (place) => {
      const { def } = place.command
      const called = def && 'ColumnDef' in def ? def.ColumnDef.colname : undefined
      return told(place.state, place.on, `${place.head} DROP ATTRIBUTE ${name(called)}`)
    },
  },
  AT_DropColumn: {
    guard: (statement) => insertAfter(statement, 'attribute', 'IF EXISTS'),
    property: ({ state, on, head, command }) => {
      const called = textOf(command.name)
      const last = chain(state, on).at(-1)
      if (last?.reset === `${head} DROP ATTRIBUTE ${name(called)}`)
        return { on, facet: last.name, reset: undefined, gone: true }
      // An attribute that is added stands behind all others.
      const attribute = attributesOf(state, on)?.at(-1)
      const reset = attribute?.name === called ? `${head} ADD ATTRIBUTE ${name(called)} ${attribute.type}` : undefined
      return told(state, on, reset)
    },
  },
  AT_AlterColumnType: {
    guard: asIs,
    property: ({ state, on, head, command }: Place) => {
      const attribute = attributesOf(state, on)?.find((one) => one.name === command.name)
      return told(state, on, attribute && `${head} ALTER ATTRIBUTE ${name(attribute.name)} TYPE ${attribute.type}`)
    },
  },
}

/** RENAME ATTRIBUTE. */
export function attributeRenamed(
  state: State,
  { relation: type, subname, newname }: Nodes['RenameStmt'],
): Told | undefined {
  const on = typeKey(type)
  if (state.get(on) === undefined) return undefined
  return told(state, on, `ALTER TYPE ${relation(type)} RENAME ATTRIBUTE ${name(newname)} TO ${name(subname)}`)
}

const chain = (state: State, on: Key) => state.owned(on, 'setting').filter((one) => one.name.startsWith('attribute '))

const told = (state: State, on: Key, reset: string | undefined): Told => ({
  on,
  facet: `attribute ${chain(state, on).length}`,
  reset,
})

type Attribute = { name: string; type: string }

/** The attributes as they are by now; undefined where the type is not known. */
function attributesOf(state: State, on: Key): Attribute[] | undefined {
  const type = state.of('object', on)
  if (type === undefined) return undefined
  const statements = parseNow([type.text, ...chain(state, on).map(({ text }) => text)], 'type')
  return statements.reduce<Attribute[]>(changed, [])
}

function changed(all: Attribute[], statement: Statement): Attribute[] {
  const { node } = statement
  if ('CompositeTypeStmt' in node)
    return nodesOf(node.CompositeTypeStmt.coldeflist).flatMap((one) =>
      'ColumnDef' in one ? [attribute(statement, one.ColumnDef)] : [],
    )
  if ('RenameStmt' in node) {
    const { subname, newname } = node.RenameStmt
    return all.map((one) => (one.name === subname ? { ...one, name: textOf(newname) } : one))
  }
  const command = commandOf(node)
  if (command?.subtype === 'AT_DropColumn') return all.filter((one) => one.name !== command.name)
  if (command?.def === undefined || !('ColumnDef' in command.def)) return all
  if (command.subtype === 'AT_AddColumn') return [...all, attribute(statement, command.def.ColumnDef)]
  const type = statement.text.replace(/^[\s\S]*?\btype\s+[\s\S]*?\btype\s+/i, '').replace(/\s+(cascade|restrict)$/i, '')
  return all.map((one) => (one.name === command.name ? { ...one, type } : one))
}

function attribute(statement: Statement, node: Parameters<typeof readColumn>[1]): Attribute {
  const { type, collate } = readColumn(statement, node)
  return { name: textOf(node.colname), type: `${type} ${collate}`.trim() }
}
