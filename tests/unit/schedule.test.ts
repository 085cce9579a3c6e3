import { Cron } from 'croner'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scheduleProblem } from '../../src/config/schedule.ts'
import { type IntegrationsDbError, nextRuns } from '../../src/index.ts'
import { pgCronRuns } from '../support/pg-cron.ts'

const iso = (dates: Date[]) => dates.map((date) => date.toISOString().replace(':00.000Z', 'Z'))
const oslo = (schedule: string, after: string, count: number) =>
  iso(nextRuns(schedule, { count, timeZone: 'Europe/Oslo', after: new Date(after) }))

describe('a schedule is taken', () => {
  test.each([
    '0 2 * * *',
    '*/15 * * * *',
    '*/59 */23 */31 */12 *',
    '0 0 * * */7',
    '0 0 1-31/2 * 1',
    '0 0 1,15 * 0-6/2',
    '0,30 8-16 1,15 jan-jun mon-fri',
    '0 0 * * 7',
    '0 0 * * 5-7',
    '01 02 03 04 05',
    '10-10 2 * * *',
    '0-30/5,45 2 * * *',
    '0    2 *  * *',
    '0 0 29 2 *',
    '0 0 30 2 1',
    '0 0 1 JAN Sun',
  ])('%s', (schedule) => expect(scheduleProblem(schedule)).toBeNull())
})

describe('a schedule is refused with the field and what to write instead', () => {
  test.each([
    ['', /five fields separated by spaces/],
    ['* * * *', /five fields separated by spaces/],
    ['0 0 2 * * *', /has 6; leave out seconds/],
    ['0 0 2 * * * 2030', /has 7; leave out seconds and year/],
    [' 0 2 * * *', /no space before/],
    ['0 2 * * * ', /no space before the first or after the last/],
    ['0\t2 * * *', /not by tabs/],
    ['@daily', /write 0 0 \* \* \* instead of @daily/],
    ['@HOURLY', /write 0 \* \* \* \*/],
    ['@reboot', /five fields/],
    ['60 2 * * *', /^minute "60" must be 0 to 59/],
    ['0 24 * * *', /^hour "24" must be 0 to 23/],
    ['0 0 0 * *', /^day of month "0" must be 1 to 31/],
    ['0 0 1 13 *', /^month "13" must be 1 to 12, or three letters such as feb/],
    ['0 0 * * 8', /^weekday "8" must be 0 to 7, or three letters such as mon/],
    ['0 0 * january *', /^month must be 1 to 12/],
    ['0 mon * * *', /^hour must be 0 to 23/],
    ['*/60 * * * *', /^minute "\*\/60" must have a step of 1 to 59; for once in all, write 0/],
    ['0 */24 * * *', /^hour "\*\/24" must have a step of 1 to 23/],
    ['*/0 * * * *', /^minute "\*\/0" must have a step of 1 to 59/],
    ['0 0 */32 * *', /step of 1 to 31; for once in all, write 1/],
    ['5/15 * * * *', /write 5-59\/15/],
    ['0 22-2 * * *', /^hour "22-2" must be ascending; write 22-23,0-2/],
    ['0 0 * * sat-mon', /^weekday must be ascending; write 6-6,0-1/],
    ['0 0 * * fri-sun', /^weekday must be ascending; write 5-7$/],
    ['0 0 * * 0-sun', /^weekday must not lead to a name of Sunday, .*; write 0$/],
    ['0 0 * * sun-sun/2', /write 0$/],
    ['0 0 * * 7-1', /^weekday "7-1" must be ascending; write 0-1$/],
    ['0 22-3/2 * * *', /^hour "22-3\/2" must be ascending; write 0,2,22$/],
    ['*/100 * * * *', /^minute "\*\/100" must have a step of 1 to 59; for once in all, write 0$/],
    ['5/99 * * * *', /^minute "5\/99" must have a step of 1 to 59; for once in all, write 5$/],
    ['0 0 */2 * 1', /^day of month "\*\/2" must not stand beside a weekday, .*; write 1-31\/2$/],
    ['0 0 1 * */2', /^weekday "\*\/2" must not stand beside a day of month, .*; write 0-6\/2$/],
    ['0 0 */1 * */7', /^day of month "\*\/1" must not stand beside a weekday/],
    ['0 0 L * *', /^day of month is not of this grammar: L is not supported; run daily/],
    ['0 0 15W * *', /W is not supported; write 1-5 as the weekday/],
    ['0 0 * * 1#2', /# is not supported; write the weekday alone/],
    ['0 0 * * 5L', /L is not supported/],
    ['0 0 ? * *', /write \* instead of \?/],
    ['H 2 * * *', /^minute is not of this grammar: H is Jenkins’ own; write a number/],
    ['H(0-29) 2 * * *', /write a number/],
    ['*,5 2 * * *', /not in a list/],
    ['*/5,10 2 * * *', /not in a list/],
    ['1,,2 2 * * *', /^minute "1,,2" must be 0 to 59/],
    ['1-2-3 2 * * *', /a-b or a-b\/n/],
    ['-1 2 * * *', /^minute "-1" must be 0 to 59/],
    ['1- 2 * * *', /^minute "1-" must be 0 to 59/],
    ['001 2 * * *', /^minute "001" must be 0 to 59/],
    ['1.5 2 * * *', /^minute must be 0 to 59/],
    ['0 0 30 2 *', /^day of month never comes/],
    ['0 0 31 2,4,6,9,11 *', /^day of month never comes/],
  ])('%s', (schedule, problem) => {
    expect(scheduleProblem(schedule)).toMatch(problem)
    expect(() => nextRuns(schedule)).toThrow(/^schedule: /)
  })

  test('one of 1,000 characters, of which pg_cron reads 999', () => {
    for (const schedule of [`${'0,'.repeat(496)}0 2 * * *`, `0${' '.repeat(992)}2 * * *`])
      expect(scheduleProblem(schedule)).toBe('must have at most 999 characters')
    expect(scheduleProblem(`${'0,'.repeat(495)}0 2 * * *`)).toBeNull()
  })

  test('a text that is no schedule at all is never printed', () => {
    for (const pasted of ['hunter2 a b c d', 'a sk_live_4242424242424242 c d e', 'Bearer abc def ghi jkl']) {
      for (const word of pasted.split(' ').filter((part) => part.length > 1))
        expect(scheduleProblem(pasted)).not.toContain(word)
    }
  })
})

test('whatever text is handed in, croner runs what is taken, and nothing else is thrown', () => {
  const piece = fc.constantFrom(
    '*',
    '/',
    '-',
    ',',
    '0',
    '1',
    '5',
    '7',
    '12',
    '23',
    '59',
    '60',
    'mon',
    'JAN',
    'L',
    '?',
    '@',
    '#',
  )
  const field = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(fc.array(field, { minLength: 4, maxLength: 6 }), (parts) => {
      const schedule = parts.join(' ')
      if (scheduleProblem(schedule) !== null) return
      expect(new Cron(schedule, { mode: '5-part', paused: true }).nextRun()).not.toBeNull()
    }),
    { numRuns: Number(process.env.SCHEDULES) },
  )
})

/** A field as people write them, and as nobody should. */
const value = (max: number, names: readonly string[]) =>
  fc.oneof(fc.integer({ min: 0, max: max + 2 }).map(String), fc.constantFrom('01', ...names))
const anyField = (max: number, names: readonly string[] = []) => {
  const step = fc.oneof(fc.integer({ min: 0, max: max + 2 }), fc.constantFrom(1, 2, 100)).map((n) => `/${n}`)
  const range = fc.tuple(value(max, names), value(max, names)).map((ends) => ends.join('-'))
  const entry = fc.oneof(
    value(max, names),
    range,
    fc.tuple(range, step).map((parts) => parts.join('')),
    fc.tuple(value(max, names), step).map((parts) => parts.join('')),
  )
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant('*') },
    { weight: 2, arbitrary: step.map((n) => `*${n}`) },
    { weight: 3, arbitrary: entry },
    { weight: 2, arbitrary: fc.array(entry, { minLength: 2, maxLength: 3 }).map((entries) => entries.join()) },
  )
}
const anySchedule = fc
  .tuple(anyField(59), anyField(23), anyField(31), anyField(12, ['feb', 'DEC']), anyField(7, ['sun', 'Mon', 'sat']))
  .map((parts) => parts.join(' '))

test('what a refusal says to write is not refused in turn', () => {
  const names = ['minute', 'hour', 'day of month', 'month', 'weekday']
  const followed = new Set<string>()
  fc.assert(
    fc.property(anySchedule, (schedule) => {
      let written = schedule
      // One entry at a time, as somebody would follow it.
      for (let tries = 0; tries < 20; tries++) {
        const problem = scheduleProblem(written)
        const advice = /write ([0-9,/-]+)$/.exec(problem ?? '')?.[1]
        const at = names.findLastIndex((name) => problem?.startsWith(name))
        if (problem === null || advice === undefined) return
        const parts = written.split(' ')
        const entries = (parts[at] ?? '').split(',')
        const isAccepted = (entry: string) => {
          const alone = ['0', '0', '*', '*', '*'].with(at, entry).join(' ')
          return scheduleProblem(alone) === null
        }
        expect(isAccepted(advice), `${problem} of ${written}`).toBe(true)
        const bad = entries.length === 1 ? 0 : entries.findIndex((entry) => !isAccepted(entry))
        parts[at] = entries.with(bad, advice).join(',')
        written = parts.join(' ')
        followed.add(advice)
      }
      expect.unreachable(`${schedule} came to ${written}, which is still refused: ${scheduleProblem(written)}`)
    }),
    { numRuns: Number(process.env.SCHEDULES) },
  )
  expect(followed.size).toBeGreaterThan(50)
})

describe('over a year, to croner and to pg_cron the same', () => {
  const [from, to] = [new Date('2027-01-01T00:00:00Z'), new Date('2028-01-01T00:00:00Z')]
  const ours = (schedule: string) => {
    const runs: Date[] = []
    for (let after = new Date(from.getTime() - 1); ; ) {
      const more = nextRuns(schedule, { count: 1000, after }).filter((run) => run < to)
      runs.push(...more)
      if (more.length < 1000) return runs
      after = more.at(-1) as Date
    }
  }

  test.each([
    '0 2 * * *',
    '*/59 */23 */31 */12 *',
    '0 0 * * 7',
    '0 0 * * 5-7',
    '0 0 * * */7',
    '0 0 * * 1-7/2',
    '0 0 * * */5',
    '0 0 1 JAN Sun',
    '0 0 30 2 1',
    '0 0 1-31/2 * 1',
    '0 0 1,15 * 0-6/2',
    '0-30/5,45 2 */9 * *',
  ])('%s', (schedule) => expect(ours(schedule)).toEqual(pgCronRuns(schedule, from, to)))

  test('and so any that is taken', () => {
    const days = fc
      .tuple(
        fc.constantFrom('0 0', '5 4-8/2'),
        anyField(31),
        anyField(12, ['feb', 'DEC']),
        anyField(7, ['sun', 'Mon', 'sat']),
      )
      .map((parts) => parts.join(' '))
    const times = fc.tuple(anyField(59), anyField(23)).map((parts) => `${parts.join(' ')} 7 3 *`)
    fc.assert(
      fc.property(fc.oneof(days, times), (schedule) => {
        fc.pre(scheduleProblem(schedule) === null)
        expect(iso(ours(schedule)), schedule).toEqual(iso(pgCronRuns(schedule, from, to)))
      }),
      // Of those that are taken: too many in a row that are not fail it.
      { numRuns: Math.ceil(Number(process.env.SCHEDULES) / 64), maxSkipsPerRun: 1000 },
    )
  }, 60_000)

  test('those that pg_cron reads as both days at once would not be, so they are refused', () => {
    for (const schedule of ['0 0 */2 * 1', '0 0 1 * */2', '0 0 */2 * */3']) {
      const croner = new Cron(schedule, { mode: '5-part', timezone: 'UTC', paused: true })
      const runs = croner.nextRuns(400, new Date(from.getTime() - 1)).filter((run) => run < to)
      expect(runs.length).not.toBe(pgCronRuns(schedule, from, to).length)
      expect(scheduleProblem(schedule)).toMatch(/where cron dialects read it differently/)
    }
  })
})

describe('in Oslo', () => {
  test('the night that has no 02:30 runs at 03:00, once, and the next night at 02:30 again', () => {
    expect(oslo('30 2 * * *', '2026-03-27T12:00:00Z', 3)).toEqual([
      '2026-03-28T01:30Z',
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ])
  })

  test('the night that has 02:30 twice runs once', () => {
    expect(oslo('30 2 * * *', '2026-10-24T12:00:00Z', 2)).toEqual(['2026-10-25T00:30Z', '2026-10-26T01:30Z'])
  })

  test('several fixed times run once each on both nights', () => {
    expect(oslo('0 2,4 * * *', '2026-10-24T12:00:00Z', 3)).toEqual([
      '2026-10-25T00:00Z',
      '2026-10-25T03:00Z',
      '2026-10-26T01:00Z',
    ])
    expect(oslo('0 2,4 * * *', '2026-03-28T12:00:00Z', 3)).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-29T02:00Z',
      '2026-03-30T00:00Z',
    ])
  })

  test('every half hour stays every half hour through both nights', () => {
    for (const after of ['2026-03-28T22:00:00Z', '2026-10-24T22:00:00Z']) {
      const runs = nextRuns('*/30 * * * *', { count: 20, timeZone: 'Europe/Oslo', after: new Date(after) })
      const minutes = runs.map((run, i) => (run.getTime() - (runs[i - 1] ?? new Date(after)).getTime()) / 60_000)
      expect(new Set(minutes)).toEqual(new Set([30]))
    }
  })

  test('noon is noon all year', () => {
    const noon = nextRuns('0 12 * * *', {
      count: 365,
      timeZone: 'Europe/Oslo',
      after: new Date('2026-01-01T00:00:00Z'),
    })
    const clock = new Intl.DateTimeFormat('nb', { timeZone: 'Europe/Oslo', timeStyle: 'short' })
    expect(new Set(noon.map((run) => clock.format(run)))).toEqual(new Set(['12:00']))
    expect(new Set(noon.map((run) => run.toISOString().slice(0, 10))).size).toBe(365)
  })
})

test('the next runs are after the time given, one in UTC unless told otherwise', () => {
  expect(iso(nextRuns('0 2 * * *', { after: new Date('2026-05-01T02:00:00Z') }))).toEqual(['2026-05-02T02:00Z'])
  expect(iso(nextRuns('0 0 29 2 *', { count: 2, after: new Date('2026-05-01T00:00:00Z') }))).toEqual([
    '2028-02-29T00:00Z',
    '2032-02-29T00:00Z',
  ])
  const [soon] = nextRuns('* * * * *')
  expect(soon?.getTime()).toBeGreaterThan(Date.now())
})

test.each([
  [{ count: 0 }, 'count: must be'],
  [{ count: 1.5 }, 'count: must be'],
  [{ count: 1001 }, 'count: must be'],
  [{ timeZone: 'Oslo' }, 'timeZone: must be an IANA name'],
  [{ after: new Date('x') }, 'after: must be'],
])('%j is invalid_input', (options, message) => {
  try {
    nextRuns('0 2 * * *', options)
    expect.unreachable()
  } catch (error) {
    expect(error as IntegrationsDbError).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(message),
    })
  }
})
