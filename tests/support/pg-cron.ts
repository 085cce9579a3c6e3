/*
 * What pg_cron makes of a schedule: its parser (src/cron.c, entry.c of Vixie cron, as it came to PostgreSQL) written down
 * as a function, in UTC. What it would refuse throws.
 */

type Bits = ReadonlySet<number>

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

function bitsOf(text: string, low: number, high: number, names: readonly string[] = []): Bits {
  const number = (word: string) => {
    const named = names.indexOf(word.toLowerCase())
    const value = named >= 0 ? named + low : /^\d+$/.test(word) ? Number(word) : Number.NaN
    if (!(value >= low && value <= high)) throw new Error(`pg_cron refuses "${text}"`)
    return value
  }
  const bits = new Set<number>()
  for (const entry of text.split(',')) {
    const [range = '', step, ...more] = entry.split('/')
    const [first = '', last, ...others] = range.split('-')
    if (more.length > 0 || others.length > 0) throw new Error(`pg_cron refuses "${text}"`)
    // A single number takes no step.
    if (range !== '*' && last === undefined && step !== undefined) throw new Error(`pg_cron refuses "${text}"`)
    const [from, to] = range === '*' ? [low, high] : [number(first), number(last ?? first)]
    const by = step === undefined ? 1 : Number(step)
    if (!(by >= 1 && by <= high) || from > to) throw new Error(`pg_cron refuses "${text}"`)
    for (let value = from; value <= to; value += by) bits.add(value)
  }
  return bits
}

/** The minutes from `from` until `to` at which it would run. */
export function pgCronRuns(schedule: string, from: Date, to: Date): Date[] {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = schedule.split(/ +/)
  const minutes = [...bitsOf(minute, 0, 59)].sort((a, b) => a - b)
  const hours = [...bitsOf(hour, 0, 23)].sort((a, b) => a - b)
  const days = bitsOf(day, 1, 31)
  const months = bitsOf(month, 1, 12, monthNames)
  const weekdays = new Set([...bitsOf(weekday, 0, 7, weekdayNames)].map((one) => one % 7))
  // DOM_STAR and DOW_STAR are set by the first character alone, also of */2.
  const isStarred = day.startsWith('*') || weekday.startsWith('*')
  const runs: Date[] = []
  for (let at = new Date(from); at < to; at = new Date(at.getTime() + 86_400_000)) {
    if (!months.has(at.getUTCMonth() + 1)) continue
    const [onDay, onWeekday] = [days.has(at.getUTCDate()), weekdays.has(at.getUTCDay())]
    if (isStarred ? !(onDay && onWeekday) : !(onDay || onWeekday)) continue
    for (const h of hours) for (const m of minutes) runs.push(new Date(at.getTime() + (h * 60 + m) * 60_000))
  }
  return runs
}
