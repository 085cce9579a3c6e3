import type { RangeVar } from 'libpg-query'

/*
 * Quoting for generated files. Names and labels come out of PostgreSQL's parse tree of a reviewed migration, not from
 * callers; run-time values never pass through here (see `src/literal.ts`).
 */

export function name(identifier: string | undefined): string {
  return `"${(identifier ?? '').replaceAll('"', '""')}"`
}

export function relation(table: RangeVar | undefined): string {
  return table?.schemaname ? `${name(table.schemaname)}.${name(table.relname)}` : name(table?.relname)
}

export function literal(value: string): string {
  const quoted = `'${value.replaceAll("'", "''")}'`
  return value.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}
