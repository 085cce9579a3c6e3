import { scheduleProblem } from '../../config/schedule.ts'
import { type Advice, advise, credentials, examples, integrations, look } from './advice.ts'

/* What rows say. Their ids are shown, never a value. */

const named = `format('organization %s %s', i.organization_id, i.integration_type)`
const withoutCredential = `i.status = 'active' and not exists (
  select from public.organization_integration_credentials as c
  where c.integration_id = i.id and c.secret_id is not null and c.readable_until is null)`

const activeWithoutCredential = look<{ count: number; some: string[] | null }>({
  needs: [integrations, credentials],
  text: `
select count(*)::integer as count, to_json((array_agg(${named} order by i.organization_id, i.integration_type))[1:5]) as some
from public.organization_integrations as i
where ${withoutCredential}`,
  findings: ([row]) =>
    row === undefined || row.count === 0
      ? []
      : [
          advise({
            what: 'active without a credential',
            where: examples(row.some ?? [], row.count),
            expected: 'a credential for each active integration',
            found: `${row.count} without one`,
            fix: `update public.organization_integrations as i\nset status = 'pending_setup'\nwhere ${withoutCredential};`,
            hint: 'or store one with credentials.store',
          }),
        ],
})

const schedules = look<{ schedule: string; count: number; some: string[] }>({
  needs: [integrations],
  text: `
select i.sync_schedule as schedule, count(*)::integer as count,
  to_json((array_agg(${named} order by i.organization_id, i.integration_type))[1:5]) as some
from public.organization_integrations as i
where i.sync_schedule is not null
group by 1
order by 1
limit 10000`,
  findings: (rows) =>
    rows.flatMap(({ schedule, count, some }) => {
      const problem = scheduleProblem(schedule)
      return problem === null
        ? []
        : [
            advise({
              what: 'schedule that never fires',
              where: examples(some, count),
              expected: 'a schedule whose next run exists, or none',
              found: problem,
              hint: 'save one that fires, or null: integrations.update(…, { syncSchedule })',
            }),
          ]
    }),
})

const statistics = look<{ name: string; kilobytes: number }>({
  needs: [],
  // A small table needs none, and autovacuum comes to a larger one within minutes.
  text: `
select format('%I.%I', n.nspname, c.relname) as name, (pg_relation_size(c.oid) / 1024)::integer as kilobytes
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind = 'r' and c.reltuples < 0 and pg_relation_size(c.oid) > 65536
  and (n.nspname = 'integrations' or n.nspname = 'public' and c.relname in
    ('organization_integrations', 'organization_integration_credentials', 'organization_integration_events', 'organization_integration_changes', 'organization_integration_runs'))
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

export const rowAdvice: Advice[] = [activeWithoutCredential, schedules, statistics]
