import type { RangeVar } from 'libpg-query'
import { textOf } from '../migrations/parse-tree.ts'

/*
 * Quoting for generated files. Names and labels come out of PostgreSQL's parse tree of a reviewed migration, not from
 * callers; run-time values never pass through here (see `src/util/literal.ts`).
 */

export function name(identifier: string | undefined): string {
  return `"${textOf(identifier).replaceAll('"', '""')}"`
}

export function relation(table: RangeVar | undefined): string {
  return table?.schemaname ? `${name(table.schemaname)}.${name(table.relname)}` : name(table?.relname)
}

/** PostgreSQL's parser leaves out what is empty, so undefined is the empty string. */
export function literal(value: string | undefined = ''): string {
  const quoted = `'${value.replaceAll("'", "''")}'`
  return value.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

export function array(values: string[]): string {
  return `array[${values.map(literal).join(', ')}]::text[]`
}

/** A DO block around `body`, its quoting tag not occurring inside. */
export function block(body: string, declarations: string[] = []): string {
  const tag = freeTag('guard', body)
  const declare = declarations.map((declaration) => `  ${declaration};\n`).join('')
  return `DO ${tag}\n${declare ? `DECLARE\n${declare}` : ''}BEGIN\n${body}\nEND ${tag};`
}

/** A statement as a dollar-quoted string. */
export function dollarQuoted(text: string): string {
  const tag = freeTag('statement', text)
  return `${tag}${text}${tag}`
}

function freeTag(word: string, body: string): string {
  let tag = `$${word}$`
  for (let n = 1; body.includes(tag); n++) tag = `$${word}${n}$`
  return tag
}
