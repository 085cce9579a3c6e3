import { effectOfBlock, guardedStatements, isGuarded, validations } from '../do-blocks.ts'
import { renameOf } from '../rename-state.ts'
import type { State } from '../state.ts'
import { isRename, type Statement } from '../statements.ts'
import { ofRows } from './forms.ts'
import type { Rows } from './row.ts'

/* Statements that change rows, and blocks of them. */

export const rows: Rows = {
  InsertStmt: ofRows,
  UpdateStmt: ofRows,
  DeleteStmt: ofRows,
  MergeStmt: ofRows,
  TruncateStmt: ofRows,
  SelectStmt: ofRows,
  CallStmt: ofRows,
  CopyStmt: {
    ...ofRows,
    impossible: (node) =>
      node.is_from && !node.filename && !node.is_program ? 'its rows follow outside SQL: write INSERT' : undefined,
  },
  DoStmt: {
    guard: (statement, _node, { once }) => (isGuarded(statement) ? statement.text : once(statement.text)),
    effect: (state, statement, _node, replay) => {
      const inner = guardedStatements(statement)
      if (inner === undefined) {
        for (const one of validations(statement)) replay(state, one)
        return effectOfBlock(statement)
      }
      const outcomes = inner.map((one) => (isRename(one) && !isThere(state, one) ? {} : replay(state, one)))
      if (outcomes.some(({ unknown, missing }) => unknown && missing === undefined)) return { unknown: true }
      return outcomes.some(({ rows }) => rows) ? { rows: true } : {}
    },
  },
}

const isThere = (state: State, { node }: Statement) =>
  'RenameStmt' in node && state.get(renameOf(state, node.RenameStmt)?.from) !== undefined
