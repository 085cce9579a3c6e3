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
}

const date = 'must be a date such as 2026-11-24 or 24.11.2026'

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

/** Digits are rounded as they are written, half away from zero: as binary fractions 1.005 would become 1. */
function decimal(places: number): Transform {
  return {
    reads: 'must be a number such as 1234.5, 1234,5 or 1 234,50',
    apply(value) {
      if (!isWritten(value)) return undefined
      // Below a millionth numbers print with an exponent, and no decimal is left of them.
      const written = String(typeof value === 'number' && Math.abs(value) < 1e-6 ? 0 : value)
        .trim()
        .replace(/^\u2212/, '-')
        .replace(/(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))/g, '')
      const [, sign, whole = '', fraction = ''] = /^([+-]?)(\d+)(?:[.,](\d+))?$/.exec(written) ?? []
      if (sign === undefined) return undefined
      const digits = BigInt(whole + fraction.slice(0, places).padEnd(places, '0'))
      const rounded = digits + ((fraction[places] ?? '0') >= '5' ? 1n : 0n)
      // Beyond this a number no longer holds every cent.
      if (rounded > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
      const result = Number(rounded) / 10 ** places
      return sign === '-' && result !== 0 ? -result : result
    },
  }
}
