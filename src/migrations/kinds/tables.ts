import { tableName } from '../parse-tree.ts'
import { placeOfTable, referencesOf } from '../references.ts'
import { relationKey } from '../state.ts'
import { insertAfter } from '../statements.ts'
import { createTable } from '../table-state.ts'
import { alterTable } from './alter-table.ts'
import { ifNotExists, orReplace } from './forms.ts'
import { forgetOptions, plain } from './known.ts'
import type { Rows } from './row.ts'

/* Tables and views. */

export const tables: Rows = {
  CreateStmt: {
    guard: ifNotExists('table'),
    effect: createTable,
    names: ({ relation }) => ({ makes: [`table ${tableName(relation)}`] }),
  },
  CreateTableAsStmt: {
    guard: (statement, node) =>
      insertAfter(statement, node.objtype === 'OBJECT_MATVIEW' ? 'view' : 'table', 'IF NOT EXISTS'),
    effect: (state, statement, node) => {
      const [schema, called] = placeOfTable(node.into?.rel)
      const materialized = node.objtype === 'OBJECT_MATVIEW'
      const key = relationKey(materialized ? 'view' : 'table', schema, called)
      if (state.get(key)) return {}
      const refs = referencesOf(state, node.query)
      if (materialized)
        state.put({ kind: 'view', key, schema, name: called, materialized, text: plain(statement.text), refs })
      else
        state.put({
          kind: 'table',
          key,
          schema,
          name: called,
          refs: [],
          tail: '',
          unlogged: false,
          whole: plain(statement.text),
          rowSecurity: false,
          forced: false,
        })
      return {}
    },
  },
  ViewStmt: {
    guard: orReplace,
    effect: (state, statement, node) => {
      const [schema, called] = placeOfTable(node.view)
      const key = relationKey('view', schema, called)
      const was = state.get(key)
      forgetOptions(state, key)
      const next = {
        kind: 'view' as const,
        key,
        schema,
        name: called,
        materialized: false,
        text: plain(statement.text),
        refs: referencesOf(state, node.query),
      }
      if (JSON.stringify(was) !== JSON.stringify(next)) state.put(next)
      return {}
    },
  },
  AlterTableStmt: alterTable,
}
