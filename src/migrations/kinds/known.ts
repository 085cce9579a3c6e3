import type { Node } from 'libpg-query'
import { name } from '../../util/quote.ts'
import { referencesOf } from '../references.ts'
import { type Key, type Other, relationKey, type State } from '../state.ts'
import type { Effect } from './row.ts'

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

type Known = Pick<Other, 'word' | 'name'> &
  Partial<Pick<Other, 'key' | 'drop' | 'schema' | 'on' | 'replaceable' | 'refs'>> & { replace?: boolean | undefined }

/** The effect of a statement that makes an object by which alone it is known; undefined where it is not read. */
export const known =
  <T>(read: (node: T, state: State) => Known | undefined): Effect<T> =>
  (state, { text }, node) => {
    const found = read(node, state)
    if (found === undefined) return { unknown: true }
    const { refs = [], replace, ...object } = found
    const { word, name: called, key = `${word} ${called}` } = object
    // What is there already stays; the guard says so where it is another one.
    if (state.get(key) !== undefined && !replace && !object.replaceable) return {}
    state.put({
      kind: 'object',
      drop: `DROP ${word.replaceAll('_', ' ').toUpperCase()} ${name(called)}`,
      ...object,
      key,
      text: plain(text),
      refs: refs.filter((one) => one !== key && one !== object.on),
    })
    return {}
  }

/** A domain, a composite or a range type. */
export function typeKnown(state: State, parts: string[], word: 'domain' | 'type', tree: unknown): Known {
  const [called = '', schema = 'public'] = [...parts].reverse()
  const drop = `DROP ${word.toUpperCase()} ${name(schema)}.${name(called)}`
  const key = relationKey('type', schema, called)
  return { word, key, name: called, schema, drop, refs: referencesOf(state, tree as Node[]) }
}
