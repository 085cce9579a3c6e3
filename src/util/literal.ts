import { IntegrationsDbError } from '../errors.ts'

/**
 * A value as the text that PostgreSQL reads it from, null for null and undefined.
 *
 * @throws IntegrationsDbError `invalid_input` for text that PostgreSQL cannot hold: NUL, or half a surrogate pair.
 */
export function textValue(value: unknown): string | null {
  if (value === null || value === undefined) return null
  const text = typeof value === 'string' ? value : toText(value)
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new IntegrationsDbError(
      'invalid_input',
      'a text holds a NUL character or half a surrogate pair, which PostgreSQL cannot store; remove it',
    )
  }
  return text
}

function toText(value: unknown): string {
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  if (typeof value === 'object') return JSON.stringify(value)
  return String(value)
}

/**
 * A run-time value as an SQL literal that holds nothing but hexadecimal digits and backslashes between its quotes, for
 * administrators' statements that must be text alone.
 *
 * @example
 * hexLiteral('a😀') // U&'\0061\D83D\DE00'
 *
 * No value can end its own literal, so there is nothing to escape and nothing to forget. The literal has no type, like
 * a bound parameter: PostgreSQL infers one from where it stands. The server must run with
 * `standard_conforming_strings = on` (the default since 9.1); it refuses the literal otherwise.
 *
 * @throws IntegrationsDbError `invalid_input` for text that PostgreSQL cannot hold: NUL, or half a surrogate pair.
 */
export function hexLiteral(value: unknown): string {
  const text = textValue(value)
  if (text === null) return 'null'
  let digits = ''
  for (let i = 0; i < text.length; i++) digits += `\\${text.charCodeAt(i).toString(16).padStart(4, '0')}`
  return `U&'${digits}'`
}
