import { describe, expect, test } from 'vitest'
import { dueTimes } from '../../src/pg-boss/due-times.ts'
import { jobId } from '../../src/pg-boss/queue.ts'
import { isUuid } from '../../src/util/checks.ts'

/* What a planner enqueues: pure, so that a year's outage costs no year. */

const at = (text: string) => new Date(`2026-03-${text}Z`)
const times = (schedule: string, since: string, now: string, until: string, missed: 'newest' | 'all') =>
  dueTimes(schedule, { timeZone: 'Europe/Oslo', since: at(since), now: at(now), until: at(until), missed }).map((due) =>
    due.toISOString().slice(8, 16),
  )

describe('what is due between two looks of a planner', () => {
  test('is each time once, whatever windows the time is cut into', () => {
    const cuts = ['10T00:00:00', '10T00:07:30', '10T00:07:30', '10T01:00:00', '10T06:59:59.999', '10T07:00:00']
    const cut = cuts.slice(1).flatMap((now, i) => times('*/5 * * * *', cuts[i] ?? '', now, now, 'all'))
    expect(cut).toEqual(times('*/5 * * * *', '10T00:00:00', '10T07:00:00', '10T07:00:00', 'all'))
    expect(cut).toHaveLength(84)
  })

  test.each([
    ['all that was missed', 'all', ['10T01:00', '11T01:00', '12T01:00', '13T01:00']],
    ['the newest that was missed', 'newest', ['12T01:00', '13T01:00']],
  ] as const)('is %s, and what comes', (_, missed, expected) => {
    expect(times('0 2 * * *', '09T12:00:00', '12T12:00:00', '13T12:00:00', missed)).toEqual(expected)
    expect(times('0 2 * * *', '12T01:00:00', '12T12:00:00', '12T13:00:00', missed)).toEqual([])
  })

  test('follows the clock of the time zone over the night in which it changes', () => {
    expect(times('30 2 * * *', '28T12:00:00', '30T12:00:00', '30T12:00:00', 'all')).toEqual(['29T01:00', '30T00:30'])
  })

  test('is found for a year of missed minutes as quickly as for one', () => {
    const now = at('10T00:00:30')
    const since = new Date(now.getTime() - 366 * 86_400_000)
    const startedAt = performance.now()
    const [newest, ...more] = dueTimes('* * * * *', { timeZone: 'UTC', since, now, until: now, missed: 'newest' })
    expect([newest, more]).toEqual([at('10T00:00:00'), []])
    expect(performance.now() - startedAt).toBeLessThan(500)
  })
})

test('a job has the same id for the same integration and due time, a uuid, and another one for another', () => {
  const id = jobId('00000000-0000-4000-8000-000000000000', '2026-03-10T00:00:00.000Z')
  expect(id).toBe(jobId('00000000-0000-4000-8000-000000000000', '2026-03-10T00:00:00.000Z'))
  expect(isUuid(id)).toBe(true)
  expect(id).not.toBe(jobId('00000000-0000-4000-8000-000000000001', '2026-03-10T00:00:00.000Z'))
  expect(id).not.toBe(jobId('00000000-0000-4000-8000-000000000000', '2026-03-10T00:01:00.000Z'))
})
