import type { Nodes } from '../nodes.ts'
import { commandOf, nodesOf, tableName, textOf } from '../parse-tree.ts'
import { relationOf } from '../references.ts'
import { vouch } from '../refusals.ts'
import { setting } from '../settings.ts'
import type { State } from '../state.ts'
import { refuse } from '../statements.ts'
import { type AlterationRow, type AlterationRows, placeOf } from './alteration.ts'
import { attributes } from './attributes.ts'
import { columns } from './columns.ts'
import { constraints } from './constraints.ts'
import { partitions } from './partitions.ts'
import type { Row } from './row.ts'
import { tableProperties } from './table-properties.ts'

/* ALTER TABLE, and what else the parser calls so: one command each, by the table of commands. */

export const families: AlterationRows[] = [columns, constraints, partitions, tableProperties]
const alterations: AlterationRows = Object.assign({}, ...families)

const rowOf = ({ objtype }: Nodes['AlterTableStmt'], subtype: string | undefined): AlterationRow =>
  (objtype === 'OBJECT_TYPE' ? attributes : alterations)[textOf(subtype)] ?? {}

export const alterTable: Row<Nodes['AlterTableStmt']> = {
  guard: (statement, node, around) => {
    const command = commandOf(statement.node)
    if (node.objtype !== 'OBJECT_TYPE' && (command?.subtype === undefined || nodesOf(node.cmds).length > 1))
      throw refuse(statement, 'ALTER TABLE with several commands', vouch)
    const { guard } = rowOf(node, command?.subtype)
    if (guard === undefined || command === undefined) return around.once(statement.text)
    return guard(statement, { table: node.relation, command }, around)
  },
  effect: (state, statement, node, replay) => {
    const command = commandOf(statement.node)
    const { effect, property } = rowOf(node, command?.subtype)
    const table = relationOf(state, node.relation)
    if (node.missing_ok && state.get(table) === undefined) return {}
    if (effect && command && node.objtype === 'OBJECT_TABLE') return effect(state, table, command, statement)
    const tell = (state: State) => command && property?.(placeOf(state, node, command, statement.text))
    return setting(tell)(state, statement, node, replay)
  },
  impossible: (node) => {
    const { subtype, def } = commandOf({ AlterTableStmt: node }) ?? {}
    if (subtype === 'AT_DetachPartitionFinalize') return 'it ends what was begun by hand: run it by hand'
    return def && 'PartitionCmd' in def && def.PartitionCmd.concurrent
      ? 'it runs in no transaction: run it by hand, or without CONCURRENTLY'
      : undefined
  },
  names: (node) => {
    if (!/^OBJECT_(TABLE|TYPE)$/.test(textOf(node.objtype))) return {}
    const table = tableName(node.relation)
    const command = commandOf({ AlterTableStmt: node })
    const column = command?.name ? [`column ${table}.${command.name}`] : []
    if (command?.subtype === 'AT_AddColumn' && command.def && 'ColumnDef' in command.def)
      return { needs: [`table ${table}`], makes: [`column ${table}.${command.def.ColumnDef.colname}`] }
    if (command?.subtype === 'AT_DropColumn') return { removes: column }
    if (command?.subtype === 'AT_DropConstraint') return {}
    const named = /ValidateConstraint|Trig|Rule/.test(textOf(command?.subtype))
    return { needs: [`table ${table}`, ...(named ? [] : column)] }
  },
}
