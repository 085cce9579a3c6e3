/*
 * JSON whose numbers may have more digits than a double: what JavaScript would print otherwise is carried as a text that
 * no stored document can hold, and comes out as it went in.
 */

const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g
/** PostgreSQL's jsonb holds no NUL. */
const mark = '\\u0000'
const marked = /"\\u0000([^"]*)"/g

export function parseExactly(text: string): unknown {
  const isExact = (token: string) => token.startsWith('"') || String(Number(token)) === token
  return JSON.parse(text.replace(tokens, (token) => (isExact(token) ? token : `"${mark}${token}"`)))
}

export function printExactly(value: unknown): string {
  return JSON.stringify(value).replace(marked, '$1')
}
