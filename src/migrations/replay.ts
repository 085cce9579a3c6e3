import { kindOf } from './kinds/index.ts'
import type { Outcome } from './outcome.ts'
import { emptyLog, type Key, type Log, type State, type Thing } from './state.ts'
import type { Statement } from './statements.ts'

/** Runs a statement on a state, by the row of its kind in `kinds/`. */
export function replay(state: State, statement: Statement): Outcome {
  const { row, node } = kindOf(statement)
  const outcome = row.effect?.(state, statement, node, replay) ?? { unknown: true }
  // What takes away what is not there makes nothing.
  if (outcome.unknown && outcome.missing === undefined) state.unread = [...state.unread, statement.text]
  return outcome
}

export function replayAll(state: State, statements: Statement[]): State {
  const copy = state.copy()
  for (const statement of statements) replay(copy, statement)
  return copy
}

/** What a statement did, in the order of its file. */
export type Trace = { log: Log; outcome: Outcome; things: Map<Key, Thing>; lost: Map<Key, Thing> }

export function trace(state: State, statement: Statement): Trace {
  const before = new Map(state.things)
  state.log = emptyLog()
  const outcome = replay(state, statement)
  const { log } = state
  const things = new Map<Key, Thing>()
  for (const key of [...log.made, ...log.changed, ...log.touched]) {
    const thing = state.get(key)
    if (thing) things.set(key, thing)
  }
  const lost = new Map(
    [...log.removed].flatMap((key): [Key, Thing][] => {
      const thing = before.get(key)
      return thing === undefined ? [] : [[key, thing]]
    }),
  )
  return { log, outcome, things, lost }
}
