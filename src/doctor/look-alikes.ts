import type { Queries } from '../admin/connection.ts'
import { array, literal } from '../util/quote.ts'
import { type Catalog, type CatalogObject, keyOf, lines } from './catalog.ts'

/** Where a missing object is instead, as a statement would write it. */
export type LookAlike = { key: string; schema: string; name: string }

/**
 * Tables and types that are missing under their name while exactly one other has the same columns or labels: renamed, or
 * moved to another schema. A new one in its place would pass for it, without its rows.
 */
export async function lookAlikes(
  database: Queries,
  expected: readonly CatalogObject[],
  live: Catalog,
): Promise<LookAlike[]> {
  const there = new Set(live.objects.map(keyOf))
  const missing = expected.filter((one) => ['table', 'type'].includes(one.kind) && !there.has(keyOf(one)))
  if (missing.length === 0) return []
  const found = await database.query<LookAlike>(missing.map((one) => looksLike(one, expected)).join('\nunion all\n'))
  return found.filter(({ key }) => found.filter((one) => one.key === key).length === 1)
}

function looksLike(object: CatalogObject, expected: readonly CatalogObject[]): string {
  const key = literal(keyOf(object))
  const elsewhere = `n.nspname <> 'pg_catalog' and format('%I.%I', n.nspname, c.name) <> ${literal(object.name)}`
  if (object.kind === 'type') {
    return `
select ${key} as key, quote_ident(n.nspname) as schema, quote_ident(c.name) as name
from (select oid, typname as name, typnamespace as namespace from pg_type where typtype = 'e') as c
join pg_namespace as n on n.oid = c.namespace
where ${elsewhere} and ${array(lines(object.aspects.labels))} = (
  select array_agg(e.enumlabel::text order by e.enumsortorder) from pg_enum as e where e.enumtypid = c.oid)`
  }
  const columns = expected.filter(({ kind, on }) => kind === 'column' && on === object.name).map(({ name }) => name)
  return `
select ${key} as key, quote_ident(n.nspname) as schema, quote_ident(c.name) as name
from (select oid, relname as name, relnamespace as namespace from pg_class where relkind in ('r', 'p')) as c
join pg_namespace as n on n.oid = c.namespace
where ${elsewhere} and ${array(columns)} = (
  select array_agg(quote_ident(a.attname) order by a.attnum) from pg_attribute as a
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`
}
