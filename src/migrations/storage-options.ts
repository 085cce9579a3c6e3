import type { AlterTableCmd, DefElem } from 'libpg-query'
import { literal } from '../util/quote.ts'
import { typeNamed } from './objects.ts'
import { itemsOf, strings, textOf } from './parse-tree.ts'
import type { Key, State } from './state.ts'
import type { Told } from './told.ts'

/*
 * SET (…) and RESET (…) of a table, a view or an index: each option is a property of its own. One that the statement which
 * made it gave goes back to that, any other to what it is by default.
 */

export function storageOptions(
  state: State,
  on: Key,
  head: string,
  { subtype, def }: AlterTableCmd,
): Told[] | undefined {
  const thing = state.get(on)
  if (thing === undefined) return undefined
  const stated = optionsOf(thing.kind === 'table' ? (thing.whole ?? thing.tail) : 'text' in thing ? thing.text : '')
  return itemsOf(def).flatMap((one): Told[] => {
    if (!('DefElem' in one)) return []
    const parts = [one.DefElem.defnamespace, one.DefElem.defname].flatMap((part) => part ?? [])
    const called = typeNamed(...parts)
    const facet = `option ${called}`
    const was = stated.get(parts.join('.'))
    const reset = was === undefined ? `${head} RESET (${called})` : `${head} SET (${called}${was})`
    if (subtype === 'AT_SetRelOptions')
      return [{ on, facet, text: `${head} SET (${called}${settingOf(one.DefElem)})`, reset }]
    if (was !== undefined) return [{ on, facet, text: `${head} RESET (${called})`, reset }]
    return state.get(`setting ${facet} of ${on}`) === undefined ? [] : [{ on, facet, reset: undefined, gone: true }]
  })
}

function settingOf({ arg }: DefElem): string {
  if (arg === undefined) return ''
  if ('Integer' in arg) return ` = ${arg.Integer.ival ?? 0}`
  if ('Float' in arg) return ` = ${arg.Float.fval}`
  return ` = ${literal('String' in arg ? textOf(arg.String.sval) : 'TypeName' in arg ? textOf(strings(arg.TypeName.names).at(-1)) : '')}`
}

/** The options that a CREATE gives, by name, each with ` = ` and its value. */
function optionsOf(text: string): Map<string, string> {
  const [, list = ''] = /\bwith\s*\(([^)]*)\)/i.exec(text) ?? []
  return new Map(
    list.split(',').flatMap((one) => {
      const [, called, value] = /^\s*([\w.]+)\s*(?:=\s*(.+?)\s*)?$/s.exec(one) ?? []
      return called === undefined ? [] : [[called.toLowerCase(), value === undefined ? '' : ` = ${value}`] as const]
    }),
  )
}
