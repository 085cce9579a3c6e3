import { kindOf } from './kinds/index.ts'
import type { Outcome } from './outcome.ts'
import type { State } from './state.ts'
import type { Statement } from './statements.ts'

/** Runs a statement on a state, by the row of its kind in `kinds/`. */
export function replay(state: State, statement: Statement): Outcome {
  const { row, node } = kindOf(statement)
  return row.effect?.(state, statement, node, replay) ?? { unknown: true }
}

export function replayAll(state: State, statements: Statement[]): State {
  const copy = state.copy()
  for (const statement of statements) replay(copy, statement)
  return copy
}
