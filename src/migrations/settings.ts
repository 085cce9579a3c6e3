import type { Effect } from './kinds/row.ts'
import type { Outcome } from './outcome.ts'
import type { State } from './state.ts'
import type { Statement } from './statements.ts'
import type { Told } from './told.ts'

/*
 * Statements that set properties of an object: a comment, an owner, a privilege, a storage parameter. The last one of a
 * kind holds; without any the property is what `reset` makes it.
 */

/** The effect of a statement that sets what `tell` reads from it; undefined where nobody knows. */
export const setting =
  <T>(tell: (state: State, node: T, statement: Statement) => Told | Told[] | undefined): Effect<T> =>
  (state, statement, node) => {
    const told = tell(state, node, statement)
    if (told === undefined) return { unknown: true }
    const outcomes = [told].flat().map((one) => set(state, one, statement))
    return outcomes.find(({ unknown }) => unknown) ?? {}
  }

export function set(state: State, told: Told, statement: Statement): Outcome {
  const key = `setting ${told.facet} of ${told.on}`
  const was = state.get(key)
  if (told.gone) {
    // What a migration made has none of these from the beginning.
    if (was === undefined && state.get(told.on) && /^(comment|cluster|enabled)$/.test(told.facet)) return {}
    if (was === undefined) return { unknown: true, about: told.on }
    state.remove(key)
    return {}
  }
  const text = told.text ?? statement.text
  if (was?.kind === 'setting' && was.text === text) return {}
  state.put({
    kind: 'setting',
    key,
    name: told.facet,
    on: told.on,
    refs: told.refs ?? [],
    text,
    ...(told.reset === undefined ? {} : { reset: told.reset }),
  })
  return told.reset === undefined && told.text !== undefined ? { unknown: true, about: told.on } : {}
}

/** Back to who migrates, as whom everything is made. */
export const ownerReset = (text: string): string => text.replace(/(\bowner\s+to\s+).*$/is, '$1CURRENT_USER')
