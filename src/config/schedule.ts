import { Cron } from 'croner'
import { IntegrationsDbError } from '../errors.ts'
import { readable } from '../util/readable.ts'
import { scheduleCredentialProblem } from './violations.ts'

/*
 * Schedules are five-field cron strings that croner, cron-parser and pg_cron read alike; what one of them would read
 * otherwise (seconds, `L`, wrapped ranges, steps beyond a field) is refused, with what to write instead.
 */

type Field = { name: string; min: number; max: number; names?: readonly string[] }

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const fields: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: months },
  { name: 'weekday', min: 0, max: 7, names: weekdays },
]

const macros: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** pg_cron reads no more. */
const longest = 999

/** What other dialects have and these five fields have not. */
const foreign: readonly [RegExp, string][] = [
  [/^\?$/, 'write * instead of ?'],
  [/^h([^a-z]|$)/i, 'H is Jenkins’ own; write a number'],
  [/#/, '# is not supported; write the weekday alone and choose the week in the application'],
  [/^l$|\dl$|^l-\d/i, 'L is not supported; run daily and choose the day in the application'],
  [/\dw$|^lw$|^w$/i, 'W is not supported; write 1-5 as the weekday, or choose the day in the application'],
]

/**
 * What is wrong with a schedule and what to write instead, or null.
 *
 * @example
 * scheduleProblem('0 24 * * *') // 'hour "24" must be 0 to 23'
 */
export function scheduleProblem(schedule: string): string | null {
  const credential = scheduleCredentialProblem(schedule)
  if (credential !== null) return credential
  const macro = macros[schedule.toLowerCase()]
  if (macro !== undefined) return `must have five fields; write ${macro} instead of ${schedule.toLowerCase()}`
  if (schedule !== schedule.trim()) return 'must have no space before the first or after the last of its five fields'
  if (schedule.length > longest) return `must have at most ${longest} characters`
  const parts = schedule.split(/ +/)
  if (/[^\S ]/.test(schedule)) return 'must have five fields separated by spaces, not by tabs or line breaks'
  if (parts.length === 6 || parts.length === 7) {
    return `must have five fields and has ${parts.length}; leave out ${parts.length === 6 ? 'seconds' : 'seconds and year'}: the first one is the minute`
  }
  if (parts.length !== 5) return 'must have five fields separated by spaces, such as "0 2 * * *"'
  for (const [i, field] of fields.entries()) {
    const problem = fieldProblem(parts[i] ?? '', field)
    if (problem !== null) return problem
  }
  const days = dayProblem(parts)
  if (days !== null) return days
  if (cron(schedule, 'UTC').nextRun() !== null) return null
  return 'day of month never comes in these months; write a day that one of them has'
}

/**
 * With both days restricted a run takes one of them, but pg_cron takes a field that begins with `*` for unrestricted, and
 * then wants both. Written as a range it is none.
 */
function dayProblem(parts: readonly string[]): string | null {
  const days = [2, 4].map((i) => ({ text: parts[i] ?? '', field: fields[i] as Field }))
  const stepped = days.find(({ text }) => text.startsWith('*/'))
  if (stepped === undefined || days.some(({ text }) => text === '*')) return null
  const { text, field } = stepped
  const other = days.find((day) => day !== stepped)?.field.name
  return `${field.name} "${text}" must not stand beside a ${other}, where cron dialects read it differently; write ${field.min}-${lastOf(field)}${text.slice(1)}`
}

/** The last value that no other one means too. */
const lastOf = ({ max, names }: Field) => (names === weekdays ? 6 : max)

function fieldProblem(text: string, field: Field): string | null {
  const refuse = (rule: string) => `${field.name}${/^[\d*,/-]{1,12}$/.test(text) ? ` "${text}"` : ''} ${rule}`
  const hint = foreign.find(([pattern]) => pattern.test(text))?.[1]
  if (hint !== undefined) return refuse(`is not of this grammar: ${hint}`)
  const step = /^\*\/([^,]*)$/.exec(text)?.[1]
  if (text === '*') return null
  const rule =
    step !== undefined
      ? stepProblem(step, field)
      : text
          .split(',')
          .map((entry) => entryProblem(entry, field))
          .find((problem) => problem !== null)
  return rule === null || rule === undefined ? null : refuse(rule)
}

/** A value, `a-b` or `a-b/n`. */
function entryProblem(entry: string, field: Field): string | null {
  const [range = '', step, ...more] = entry.split('/')
  const [from = '', to, ...others] = range.split('-')
  if (range.startsWith('*')) return 'must have * or */n alone, not in a list'
  if (more.length > 0 || others.length > 0)
    return 'must be *, */n, values, a-b or a-b/n, and lists of these with commas'
  const first = numberOf(from, field)
  const last = to === undefined ? first : numberOf(to, field)
  if (first === null || last === null) {
    const names = field.names === undefined ? '' : `, or three letters such as ${field.names[1]}`
    return `must be ${field.min} to ${field.max}${names}`
  }
  if (first === 0 && last === 0 && field.names === weekdays && to !== undefined && to !== '0')
    return 'must not lead to a name of Sunday, which dialects read as 0 or as 7; write 0'
  const badStep = step === undefined ? null : stepProblem(step, field, first)
  if (badStep !== null) return badStep
  if (first > last) return `must be ascending; write ${unwrapped(first, last, Number(step ?? 1), field)}`
  return step === undefined || to !== undefined
    ? null
    : `must have a step after a range; write ${first}-${field.max}/${step}`
}

/** A range across the end of its field, as dialects read it that know such. */
function unwrapped(first: number, last: number, step: number, field: Field): string {
  const end = lastOf(field)
  const values: number[] = []
  for (let value = first % (end + 1) || field.min; value <= end + last + 1 - field.min; value += step)
    values.push(value > end ? value - end - 1 + field.min : value)
  if (step > 1) return values.sort((a, b) => a - b).join()
  if (first > end) return `${field.min}-${last}`
  return last === 0 && field.names === weekdays ? `${first}-7` : `${first}-${end},${field.min}-${last}`
}

function stepProblem(step: string, { max, min }: Field, first = min): string | null {
  if (/^\d{1,2}$/.test(step) && Number(step) >= 1 && Number(step) <= max) return null
  return `must have a step of 1 to ${max}; for once in all, write ${first}`
}

function numberOf(text: string, { min, max, names }: Field): number | null {
  const named = names?.indexOf(text.toLowerCase()) ?? -1
  if (named >= 0) return named + min
  const value = /^\d{1,2}$/.test(text) ? Number(text) : -1
  return value >= min && value <= max ? value : null
}

/** Fixed times, listed ones too, run once on the days the clock changes, as with Vixie cron; others follow the clock. */
function cron(schedule: string, timeZone: string): Cron {
  return new Cron(schedule, { mode: '5-part', timezone: timeZone, fixedTimeRule: 'no-wildcard', paused: true })
}

/** Which runs of a schedule. */
export type NextRunsOptions = {
  /**
   * How many, 1 to 1000.
   *
   * @default 1
   */
  count?: number | undefined
  /**
   * The IANA name of the clock that the schedule follows.
   *
   * @default 'UTC'
   */
  timeZone?: string | undefined
  /**
   * The time after which they run.
   *
   * @default now
   */
  after?: Date | undefined
}

/**
 * The next runs of a schedule.
 *
 * A time that the clock skips runs at the first one after it; a time it shows twice runs once. Where the hour or the
 * minute is `*` or has a step, skipped times are left out and repeated ones run twice, so that "every half hour" stays so.
 *
 * @example
 * nextRuns('30 2 * * *', { count: 2, timeZone: 'Europe/Oslo', after: new Date('2026-03-28T12:00:00Z') })
 * // 2026-03-29T01:00:00Z, because 02:30 is skipped that night, and 2026-03-30T00:30:00Z
 *
 * @throws IntegrationsDbError `invalid_input` that names the field and what to write instead.
 */
export function nextRuns(schedule: string, options: NextRunsOptions = {}): Date[] {
  const { count, timeZone, after } = readable('options', () => {
    const { count = 1, timeZone = 'UTC', after = new Date() } = options
    return { count, timeZone, after: after instanceof Date ? new Date(after.getTime()) : undefined }
  })
  const refuse = (message: string) => new IntegrationsDbError('invalid_input', message)
  const problem = typeof schedule === 'string' ? scheduleProblem(schedule) : 'must be a text'
  if (problem !== null) throw refuse(`schedule: ${problem}`)
  if (!Number.isInteger(count) || count < 1 || count > 1000)
    throw refuse('count: must be a whole number from 1 to 1000')
  if (!isTimeZone(timeZone)) throw refuse('timeZone: must be an IANA name such as Europe/Oslo')
  if (after === undefined || Number.isNaN(after.getTime())) throw refuse('after: must be a valid Date')
  return cron(schedule, timeZone).nextRuns(count, after)
}

/** The last time before `at` at which a schedule was to run; null for one that cannot be read, or never ran. */
export function lastRunBefore(schedule: string, { timeZone, at }: { timeZone: string; at: Date }): Date | null {
  return scheduleProblem(schedule) === null ? (cron(schedule, timeZone).previousRuns(1, at)[0] ?? null) : null
}

export function isTimeZone(name: unknown): name is string {
  try {
    return typeof name === 'string' && Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}
