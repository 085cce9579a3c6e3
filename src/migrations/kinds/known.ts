import type { Node } from 'libpg-query'
import { name } from '../../util/quote.ts'
import type { Outcome } from '../outcome.ts'
import { referencesOf } from '../references.ts'
import { type Key, type Other, relationKey, type State } from '../state.ts'
import type { Statement } from '../statements.ts'

/* Objects that are known by the statement that makes them. */

/** The statement without what makes it run twice. */
export const plain = (text: string) =>
  text
    .replace(/^(create\s+)or\s+replace\s+/i, '$1')
    .replace(/\s+if\s+not\s+exists\b/i, '')
    .replace(/(\bindex\s+)concurrently\s+/i, '$1')

/** Made once more, a view or a function has the options that it is made with. */
export function forgetOptions(state: State, key: Key): void {
  for (const one of state.owned(key, 'setting')) if (/^options? /.test(one.name)) state.remove(one.key)
}

/** An object that is known by its statement. */
export function other(
  state: State,
  statement: Statement,
  object: { word: string; key: Key; name: string; drop: string } & Partial<
    Pick<Other, 'schema' | 'on' | 'replaceable'>
  >,
  refs: Key[],
  exists: { replace?: boolean | undefined } = {},
): Outcome {
  const was = state.get(object.key)
  // What is there already stays; the guard says so where it is another one.
  if (was !== undefined && !exists.replace && !object.replaceable) return {}
  state.put({
    kind: 'object',
    ...object,
    text: plain(statement.text),
    refs: refs.filter((one) => one !== object.key && one !== object.on),
  })
  return {}
}

export function otherType(
  state: State,
  statement: Statement,
  parts: string[],
  word: 'domain' | 'type',
  tree: unknown,
): Outcome {
  const [called = '', schema = 'public'] = [...parts].reverse()
  const key = relationKey('type', schema || 'public', called)
  return other(
    state,
    statement,
    {
      word,
      key,
      name: called,
      schema: schema || 'public',
      drop: `DROP ${word.toUpperCase()} ${name(schema || 'public')}.${name(called)}`,
    },
    referencesOf(state, tree as Node[]),
  )
}
