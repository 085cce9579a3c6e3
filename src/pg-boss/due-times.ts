import { nextRuns } from '../config/schedule.ts'

/** What a planner looks at: what was missed since the last one, and what comes until the next one. */
export type Window = {
  timeZone: string
  /** Up to when planners before have planned. */
  since: Date
  now: Date
  /** Up to when to plan ahead. */
  until: Date
  /** Of the due times between `since` and `now`: the newest one or all. */
  missed: 'newest' | 'all'
}

/** The due times of a schedule in a window, the earliest first. */
export function dueTimes(schedule: string, { timeZone, since, now, until, missed }: Window): Date[] {
  const between = (after: Date, through: Date) => runsBetween(schedule, timeZone, after, through)
  const behind = missed === 'all' ? between(since, now) : newestBetween(between, since, now)
  return [...behind, ...between(now, until)]
}

/** In steps that grow: most schedules have none or one. */
function runsBetween(schedule: string, timeZone: string, after: Date, through: Date): Date[] {
  const found: Date[] = []
  let from = after
  for (let count = 2; ; count = Math.min(2 * count, 1000)) {
    const runs = nextRuns(schedule, { timeZone, after: from, count })
    const within = runs.filter((run) => run <= through)
    found.push(...within)
    const last = within.at(-1)
    if (last === undefined || within.length < count) return found
    from = last
  }
}

/** Looks back further and further, so that a year of missed minutes is not walked through for its last one. */
function newestBetween(between: (after: Date, through: Date) => Date[], since: Date, now: Date): Date[] {
  for (let width = 60_000; ; width *= 4) {
    const from = new Date(Math.max(since.getTime(), now.getTime() - width))
    const newest = between(from, now).slice(-1)
    if (newest.length > 0 || from <= since) return newest
  }
}
