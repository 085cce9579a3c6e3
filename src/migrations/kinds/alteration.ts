import type { AlterTableCmd, RangeVar } from 'libpg-query'
import { name, relation } from '../../util/quote.ts'
import type { Nodes } from '../nodes.ts'
import type { Outcome } from '../outcome.ts'
import { textOf } from '../parse-tree.ts'
import { relationOf } from '../references.ts'
import { type Key, partKey, pathOf, type State } from '../state.ts'
import { insertAfter, type Statement } from '../statements.ts'
import type { Told } from '../told.ts'
import { asIs } from './forms.ts'
import type { Guard } from './row.ts'

/* What a row of a command of ALTER TABLE holds. */

/** One command of an ALTER TABLE, and the table. */
export type Alteration = { table: RangeVar | undefined; command: AlterTableCmd }

export type AlterationRow = {
  /** The form of it that can run twice; without one it runs once, by a mark. */
  guard?: Guard<Alteration>
  /** What it does to a table. */
  effect?: AlterationEffect
  /** Else, what property of a table, view, index or type it sets. */
  property?: (place: Place) => Told | Told[] | undefined
}
export type AlterationEffect = (state: State, table: Key, command: AlterTableCmd, statement: Statement) => Outcome
export type AlterationRows = Record<string, AlterationRow>

/** Where a property is set: on the column that the command names, if it names one. */
export type Place = {
  state: State
  table: Key
  on: Key
  /** `ALTER TABLE t`, and with `ALTER COLUMN c`. */
  head: string
  column: string
  command: AlterTableCmd
  text: string
}

export function placeOf(state: State, node: Nodes['AlterTableStmt'], command: AlterTableCmd, text: string): Place {
  const word = textOf(node.objtype).replace('OBJECT_', '').replace('MATVIEW', 'MATERIALIZED VIEW').replace('_', ' ')
  const head = `ALTER ${word} ${relation(node.relation)}`
  const table = relationOf(state, node.relation)
  const on = node.objtype === 'OBJECT_TYPE' ? `type ${pathOf(table)}` : table
  return {
    state,
    table,
    on: command.name && on === table ? partKey('column', table, command.name) : on,
    head,
    column: command.name ? `${head} ALTER COLUMN ${name(command.name)}` : head,
    command,
    text,
  }
}

/** It sets a property, and running it twice is the same as once. */
export const sets = (property: NonNullable<AlterationRow['property']>): AlterationRow => ({ guard: asIs, property })

/** Nothing is left to be taken away from a table that is gone. */
export const ifThere: Guard<Alteration> = (statement) =>
  insertAfter(statement, textOf(statement.words[1]?.text.toLowerCase()), 'IF EXISTS')
export const without =
  (word: string): Guard<Alteration> =>
  (statement, node, around) => {
    const text = insertAfter(statement, word, 'IF EXISTS')
    // Written back to front, so that the positions of the words in front still hold.
    return ifThere({ ...statement, text }, node, around)
  }

/** Where the command of an ALTER TABLE begins. */
export const wordAt = ({ words }: Statement, word: 'add' | 'drop'): number =>
  words.findIndex(({ text }, i) => i > 1 && text.toLowerCase() === word)
