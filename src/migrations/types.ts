import type { TypeName } from 'libpg-query'
import { literal, name } from '../util/quote.ts'
import { nodesOf, strings } from './parse-tree.ts'

/** A column's type, in a form that can be compared with the catalog's. */
type ColumnType = {
  /** For `to_regtype`. */
  name: string
  /** `(10,2)`, `''` where there is none, undefined where the catalog writes it in too many ways to compare. */
  modifier: string | undefined
}

const serials: Record<string, string> = { smallserial: 'int2', serial: 'int4', bigserial: 'int8' }

/** Reads a type out of the parse tree. `serial` is no type but a column of an integer type with a default. */
export function columnType(type: TypeName | undefined): ColumnType {
  const parts = strings(type?.names)
  const [only = ''] = parts.slice(-1)
  const plain = parts.length === 1 || parts[0] === 'pg_catalog'
  const base = plain && /^[a-z_][a-z0-9_]*$/.test(only) ? (serials[only] ?? only) : parts.map(name).join('.')
  return { name: `${base}${'[]'.repeat(type?.arrayBounds?.length ? 1 : 0)}`, modifier: modifierOf(type, only) }
}

function modifierOf(type: TypeName | undefined, base: string): string | undefined {
  const modifiers = nodesOf(type?.typmods).map((node) =>
    'A_Const' in node && node.A_Const.ival ? (node.A_Const.ival.ival ?? 0) : undefined,
  )
  if (modifiers.length === 0) return ''
  // An interval's is a bit mask, an extension's whatever it likes.
  if (base === 'interval' || modifiers.includes(undefined)) return undefined
  if (base === 'numeric' && modifiers.length === 1) modifiers.push(0)
  return `(${modifiers.join(',')})`
}

/** Whether `pg_attribute` in the query at hand has this type. */
export function isOfType(type: ColumnType): string {
  const same = `atttypid = to_regtype(${literal(type.name)})`
  if (type.modifier === undefined) return same
  // `interval day` has a modifier that stands in no parentheses.
  return type.modifier === '' && type.name.startsWith('interval')
    ? `${same} and atttypmod = -1`
    : `${same} and coalesce(substring(format_type(atttypid, atttypmod) from '\\(.*\\)'), '') = ${literal(type.modifier)}`
}
