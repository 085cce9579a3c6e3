import { applyRename, type Rename } from './rename-state.ts'
import { type Column, pathOf, type State } from './state.ts'

/* What a rollback cannot bring back, in words. */

/** What is lost on the rollback from `after` to `before`, and what the way there lost already. */
export function losses(after: State, before: State, back: Rename[]): string[] {
  const at = after.copy()
  for (const rename of back) applyRename(at, rename)
  const now = (key: string) => originOf(key, back)
  const gone = at.all('table').filter(({ key }) => before.get(key) === undefined)
  const lost = at
    .all('column')
    .filter(
      ({ key, on, generated }) =>
        before.get(on) !== undefined && before.get(key) === undefined && generated === undefined,
    )
  const tables = before.all('table').filter(({ key }) => at.get(key) === undefined)
  const columns = before
    .all('column')
    .filter(
      (column) =>
        at.get(column.on) !== undefined &&
        column.generated === undefined &&
        (at.get(column.key) === undefined || at.of('column', column.key)?.generated !== undefined),
    )
  const changed = before.all('column').filter((column) => {
    const other = at.of('column', column.key)
    return (
      other !== undefined &&
      other.generated === undefined &&
      column.generated === undefined &&
      (narrows(typeOf(other), typeOf(column)) || narrows(typeOf(column), typeOf(other)))
    )
  })
  const sequences = before.all('sequence').filter(({ key, serial }) => at.get(key) === undefined && !serial)
  return [
    ...gone.map(({ key }) => `every row of ${pathOf(now(key))}`),
    ...lost.map(({ key }) => `the values of ${pathOf(now(key))}`),
    ...tables.map(({ key }) => `the rows ${pathOf(key)} had before it was dropped`),
    ...columns.map(({ key }) => `the values ${pathOf(key)} had before it was dropped`),
    ...changed.map(
      (column) =>
        `what the values of ${pathOf(column.key)} have in ${narrows(typeOf(column), typeOf(at.of('column', column.key) as Column)) ? `type ${column.type} and not in ${at.of('column', column.key)?.type}` : `type ${at.of('column', column.key)?.type} and not in ${column.type}`}`,
    ),
    ...sequences.map(({ key }) => `the value that sequence ${pathOf(key)} had reached`),
  ]
}

/** The name something has before the rollback renames it. */
function originOf(key: string, back: Rename[]): string {
  return back.reduceRight(
    (at, rename) =>
      'type' in rename
        ? at
        : at === rename.to
          ? rename.from
          : at.startsWith(`column ${pathOf(rename.to)}.`)
            ? at.replace(`column ${pathOf(rename.to)}.`, `column ${pathOf(rename.from)}.`)
            : at,
    key,
  )
}

type Type = { base: string; modifiers: number[]; array: boolean }

function typeOf({ type }: Column): Type {
  const text = type.replace(/"/g, '').replace(/\s+/g, ' ').trim().toLowerCase()
  const modifiers = /\(([\d\s,]+)\)/.exec(text)?.[1]?.split(',').map(Number) ?? []
  const base = text
    .replace(/\([\d\s,]*\)/, '')
    .replace(/\[\d*\]/g, '')
    .replace(/ without time zone$/, '')
    .replace(/^(pg_catalog|public)\./, '')
    .trim()
  return { base: names[base] ?? base, modifiers, array: text.includes('[') }
}

const names: Record<string, string> = {
  int: 'integer',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  decimal: 'numeric',
  float4: 'real',
  float8: 'double precision',
  float: 'double precision',
  bool: 'boolean',
  'character varying': 'text',
  varchar: 'text',
  char: 'character',
  bpchar: 'character',
  'timestamp with time zone': 'timestamptz',
  'time with time zone': 'timetz',
}
const whole = ['smallint', 'integer', 'bigint']
const times = ['timestamp', 'timestamptz', 'time', 'timetz', 'interval']
/** Types that take any value of these others exactly as it is, or fail; text takes all. */
const takes: Record<string, string[]> = {
  smallint: whole,
  integer: [...whole, 'boolean'],
  bigint: whole,
  numeric: whole,
  'double precision': ['smallint', 'integer', 'real'],
  real: ['smallint'],
  timestamp: ['date', 'timestamptz'],
  timestamptz: ['date', 'timestamp'],
  interval: ['time'],
  json: ['jsonb'],
  inet: ['cidr'],
  ...Object.fromEntries(
    ['boolean', 'date', 'time', 'timetz', 'jsonb', 'uuid', 'bytea', 'cidr', 'character'].map((type) => [type, []]),
  ),
}

/** Whether values change on the way from one type to another without an error. */
function narrows(from: Type, to: Type): boolean {
  if (from.array !== to.array) return to.array
  const [before, after] = [from.modifiers, to.modifiers]
  if (times.includes(from.base) && times.includes(to.base) && (after[0] ?? 6) < (before[0] ?? 6)) return true
  if (from.base === to.base) {
    const scale = before.length === 0 ? Number.POSITIVE_INFINITY : (before[1] ?? 0)
    return from.base === 'numeric' && after.length > 0 && (after[1] ?? 0) < scale
  }
  const isKnown = (base: string) => base === 'text' || base in takes
  return isKnown(from.base) && isKnown(to.base) && to.base !== 'text' && !takes[to.base]?.includes(from.base)
}
