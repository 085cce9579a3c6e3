import type { Scalar } from './field-mapping.ts'

/** What a mapping's `transform` names: code of the application's, never of a document's. */
export type Transform = {
  /** What it takes, as a problem states it: `must be …`. */
  readonly reads: string
  /**
   * The value in its new form, or undefined where it is not what `reads` says.
   *
   * @example
   * transforms.decimal_2.apply('1 234,5') // 1234.5
   */
  apply(value: Scalar): Scalar | undefined
  /**
   * What to do about a value that `apply` refuses, where there is more to say than `reads`. It must not quote the value.
   *
   * @default none: `reads` says it
   */
  hint?(value: Scalar): string | undefined
}

const date = 'must be a date such as 2026-11-24 or 24.11.2026'

// One kind of sign between thousands, in groups of three, or none. No group is led by a zero: `0.125` is no thousand.
const anySign = /^([+-]?)(\d+|[1-9]\d{0,2}(?:[ \u00a0\u202f]\d{3})+)(?:[.,](\d+))?$/
const norwegian = {
  example: '1.234,5, 1 234,5 or 1234,5',
  form: /^([+-]?)(\d+|[1-9]\d{0,2}(?:\.\d{3})+|[1-9]\d{0,2}(?:[ \u00a0\u202f]\d{3})+)(?:,(\d+))?$/,
}
const english = {
  example: '1,234.5, 1 234.5 or 1234.5',
  form: /^([+-]?)(\d+|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,2}(?:[ \u00a0\u202f]\d{3})+)(?:\.(\d+))?$/,
}

/**
 * The transforms there are; add your own beside them.
 *
 * @example
 * const mine = { ...transforms, cents: { reads: 'must be a number', apply: (value) => Number(value) * 100 } }
 * resolveFieldMappings(mappings, record, { transforms: mine })
 */
export const transforms = Object.freeze({
  trim: text((value) => value.trim()),
  upper: text((value) => value.toUpperCase()),
  lower: text((value) => value.toLowerCase()),
  /** A date of either spelling, midnight behind it or not, as `2026-11-24`. Of another time the day depends on the clock. */
  iso_date: { reads: date, apply: (value) => dateParts(value)?.join('-') },
  /** The same as `24.11.2026`. */
  norwegian_date: { reads: date, apply: (value) => dateParts(value)?.toReversed().join('.') },
  decimal_0: decimal(0),
  decimal_2: decimal(2),
  decimal_4: decimal(4),
  /** Of `1.234,50`: dots or spaces between thousands, a comma before decimals, which are all kept. */
  decimal_nb: localDecimal(norwegian),
  decimal_0_nb: localDecimal(norwegian, 0),
  decimal_2_nb: localDecimal(norwegian, 2),
  decimal_4_nb: localDecimal(norwegian, 4),
  /** Of `1,234.50`: commas or spaces between thousands, a dot before decimals, which are all kept. */
  decimal_en: localDecimal(english),
  decimal_0_en: localDecimal(english, 0),
  decimal_2_en: localDecimal(english, 2),
  decimal_4_en: localDecimal(english, 4),
} as const satisfies Record<string, Transform>)

/** A record may hold anything. */
function isWritten(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

function text(change: (value: string) => string): Transform {
  return {
    reads: 'must be a text or a number',
    apply: (value) => (isWritten(value) ? change(String(value)) : undefined),
  }
}

/** Year, month and day of a date that the calendar has. */
function dateParts(value: Scalar): [string, string, string] | undefined {
  if (typeof value !== 'string') return undefined
  const iso = /^(\d{4})-(\d\d)-(\d\d)(?:T00:00:00(?:\.0+)?Z?)?$/.exec(value.trim())
  const norwegian = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(value.trim())
  const [year = '', month = '', day = ''] = iso?.slice(1) ?? norwegian?.slice(1).reverse() ?? []
  const parts: [string, string, string] = [year, month.padStart(2, '0'), day.padStart(2, '0')]
  const time = new Date(`${parts.join('-')}T00:00:00Z`)
  // The 31st of February is a date to the parser, in March.
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(parts.join('-')) ? parts : undefined
}

/** A number in which one dot or comma can only be the decimal sign. */
function decimal(places: number): Transform {
  const which = `decimal_${places}_nb where the comma is the decimal sign, decimal_${places}_en where the dot is`
  return {
    reads: 'must be a number such as 1234.5, 1234,5 or 1 234,50',
    apply: (value) => (isAmbiguous(value) ? undefined : numberOf(value, anySign, places)),
    hint: (value) => (isAmbiguous(value) ? `must say which sign is which: use ${which}` : undefined),
  }
}

function localDecimal({ example, form }: { example: string; form: RegExp }, places?: number): Transform {
  return { reads: `must be a number such as ${example}`, apply: (value) => numberOf(value, form, places) }
}

/** `1.234` and `1,234` are a thousand and more to one reader, less than two to another; `0,125` and `1234.567` are not. */
function isAmbiguous(value: Scalar): boolean {
  return typeof value === 'string' && /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/.test(signed(value))
}

const signed = (text: string) => text.trim().replace(/^\u2212/, '-')

/** As far as a number holds what is written; rounded half away from zero, as binary fractions 1.005 would become 1. */
function numberOf(value: Scalar, form: RegExp, places?: number): number | undefined {
  // A number has no sign to be unsure of.
  if (typeof value === 'number') {
    return places === undefined ? value + 0 : rounded(/^(-?)(\d+)(?:\.(\d+))?$/.exec(plainly(value)), places)
  }
  return typeof value === 'string' ? rounded(form.exec(signed(value)), places) : undefined
}

/** Below a millionth numbers print with an exponent, and no decimal is left of them. */
const plainly = (value: number) => String(Math.abs(value) < 1e-6 ? 0 : value)

function rounded(match: RegExpExecArray | null, wanted: number | undefined): number | undefined {
  if (match === null) return undefined
  const [, sign, written = '', decimals = ''] = match
  const whole = written.replace(/\D/g, '')
  const fraction = decimals.replace(/0+$/, '')
  const places = wanted ?? fraction.length
  const digits = BigInt(whole + fraction.slice(0, places).padEnd(places, '0'))
  const units = digits + ((fraction[places] ?? '0') >= '5' ? 1n : 0n)
  // Beyond this a number no longer holds every digit.
  if (units > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  const result = Number(`${units}e-${places}`)
  return sign === '-' && result !== 0 ? -result : result
}
