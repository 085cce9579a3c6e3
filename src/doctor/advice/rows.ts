import { scheduleProblem } from '../../config/schedule.ts'
import { isOurs } from '../../schema/tables.ts'
import { literal } from '../../util/quote.ts'
import type { Finding } from '../finding.ts'
import { type Advice, advise, counted, credentials, examples, integrations, look, number } from './advice.ts'

/* What rows say. Their ids are shown, never a value. */

const named = `format('organization %s %s', organization_id, integration_type)`
const withoutCredential = `i.status = 'active' and not exists (
  select from public.organization_integration_credentials as c
  where c.integration_id = i.id and c.secret_id is not null and c.readable_until is null)`

const activeWithoutCredential = look<{ count: number; some: string[] }>({
  needs: [integrations, credentials],
  through: 'active integrations',
  text: counted(
    `select i.organization_id, i.integration_type from public.organization_integrations as i where ${withoutCredential}`,
    named,
  ),
  findings: ([row]) =>
    row === undefined || row.count === 0
      ? []
      : [
          advise({
            what: 'active without a credential',
            where: examples(row.some, row.count),
            expected: 'a credential for each active integration',
            found: `${number(row.count)} without one`,
            fix: `update public.organization_integrations as i\nset status = 'pending_setup'\nwhere ${withoutCredential};`,
            hint: 'or store one with credentials.store',
          }),
        ],
})

/** Each schedule once, however many have it. */
const schedules = `
select i.sync_schedule as schedule, count(*)::integer as count
from public.organization_integrations as i
where i.sync_schedule is not null
group by 1
order by 1
limit 10000`

/** Where some schedules are: one pass that ends early. */
const places = (some: readonly string[]) => `
select i.sync_schedule as schedule, ${named} as name
from public.organization_integrations as i
where i.sync_schedule in (${some.map(literal).join(', ')})
limit 1000`

type Schedule = { schedule: string; count: number }

/** Schedules whose next run never comes. */
export const scheduleAdvice = {
  needs: [integrations],
  through: 'schedules',
  async findings(query: <Row extends object>(text: string) => Promise<Row[]>): Promise<Finding[]> {
    const wrong = (await query<Schedule>(schedules)).flatMap((row) => {
      const problem = scheduleProblem(row.schedule)
      return problem === null ? [] : [{ ...row, problem }]
    })
    if (wrong.length === 0) return []
    const found = await query<{ schedule: string; name: string }>(places(wrong.map(({ schedule }) => schedule)))
    return wrong.map(({ schedule, count, problem }) =>
      advise({
        what: 'schedule that never fires',
        where: examples(found.flatMap((one) => (one.schedule === schedule ? [one.name] : [])).sort(), count),
        expected: 'a schedule whose next run exists, or none',
        found: problem,
        hint: 'save one that fires, or null: integrations.update(…, { syncSchedule })',
      }),
    )
  },
}

const statistics = look<{ name: string; kilobytes: number }>({
  needs: [],
  // A small table needs none, and autovacuum comes to a larger one within minutes.
  text: `
select format('%I.%I', n.nspname, c.relname) as name, (pg_relation_size(c.oid) / 1024)::integer as kilobytes
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind = 'r' and c.reltuples < 0 and pg_relation_size(c.oid) > 65536
  and ${isOurs('n.nspname', 'c.relname')}
order by 1`,
  findings: (rows) =>
    rows.map(({ name, kilobytes }) =>
      advise({
        what: 'table without statistics',
        where: name,
        expected: 'analyzed since it was filled',
        found: `${kilobytes} kB, never analyzed`,
        fix: `analyze ${name};`,
      }),
    ),
})

export const rowAdvice: Advice[] = [activeWithoutCredential, statistics]
