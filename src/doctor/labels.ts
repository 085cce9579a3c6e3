import { replaceEnum } from '../migrations/index.ts'
import { block, literal } from '../util/quote.ts'
import type { CatalogObject } from './catalog.ts'

/* Labels of an enum type, from those that are to those that should be. */

/** Labels added or renamed, where that leads there; null where the type has to be made anew. */
export function relabelled(type: string, found: readonly string[], wanted: readonly string[]): string[] | null {
  const surplus = found.filter((label) => !wanted.includes(label))
  if (surplus.length === 0 && isSubsequence(found, wanted)) {
    return wanted.flatMap((label, i) => (found.includes(label) ? [] : [added(type, label, found, wanted[i - 1])]))
  }
  const renames = wanted.flatMap((label, i) => (found[i] === label ? [] : [{ from: found[i] ?? '', to: label }]))
  const inPlace = renames.every(({ from, to }) => !wanted.includes(from) && !found.includes(to))
  return found.length === wanted.length && inPlace ? renames.map(({ from, to }) => renamed(type, from, to)) : null
}

function added(type: string, label: string, found: readonly string[], previous: string | undefined): string {
  const place = previous === undefined ? found[0] && `before ${literal(found[0])}` : `after ${literal(previous)}`
  return `alter type ${type} add value if not exists ${literal(label)}${place ? ` ${place}` : ''};`
}

function renamed(type: string, from: string, to: string): string {
  return block(`\
  if exists (select from pg_enum where enumtypid = to_regtype(${literal(type)}) and enumlabel = ${literal(from)}) then
    alter type ${type} rename value ${literal(from)} to ${literal(to)};
  end if;`)
}

/** The type made anew, and its columns with it, which lose their defaults. Rows that hold what goes stop it. */
export function madeAnew(type: string, values: string[], columns: readonly CatalogObject[]): string {
  const described = columns.map(({ on, name }) => ({ table: parts(on ?? ''), column: { name, type } }))
  return replaceEnum({ ...parts(type), values }, described)
}

function isSubsequence(short: readonly string[], long: readonly string[]): boolean {
  let at = 0
  for (const one of long) if (one === short[at]) at++
  return at === short.length
}

function parts(path: string): { schema: string; name: string } {
  const [schema = '', name = ''] = path.split('.')
  return { schema, name }
}
