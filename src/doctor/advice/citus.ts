import { ourIds } from '../ours.ts'
import { type Advice, advise, look } from './advice.ts'

/*
 * Citus spreads tables over workers. Foreign keys do not reach from a table that is local to one that is distributed, and
 * row-level security by a setting does not reach a worker: ours stay local.
 */

/** Distributed by hash, append or range; or a reference table, of which each worker has a copy. */
const spread = `p.partmethod in ('h', 'a', 'r') or p.partmethod = 'n' and p.repmodel = 't'`

const distributed = look<{ name: string; isOurs: boolean; way: string }>({
  needs: ['citus'],
  text: `
select format('%I.%I', n.nspname, c.relname) as name, c.oid in (${ourIds.tables}) as "isOurs",
  case when p.partmethod = 'n' then 'a reference table' else 'distributed' end as way
from pg_catalog.pg_dist_partition as p
join pg_class as c on c.oid = p.logicalrelid
join pg_namespace as n on n.oid = c.relnamespace
where (${spread}) and (c.oid in (${ourIds.tables}) or c.oid = to_regclass('public.organizations') and p.partmethod <> 'n')
order by 2, 1`,
  findings: (rows) =>
    rows.map(({ name, isOurs, way }) =>
      isOurs
        ? advise({
            severity: 'drift',
            what: 'table that Citus spreads',
            where: name,
            expected: 'local, on the coordinator: the setting that policies read does not reach a worker',
            found: way,
            fix: `select undistribute_table('${name}');`,
          })
        : advise({
            what: 'organizations are distributed',
            where: name,
            expected: 'local or a reference table: deleting an organization deletes its integrations',
            found: `${way} by Citus: the cascade never fires`,
            hint: 'delete the rows of public.organization_integrations before the organization; docs/scale.md',
          }),
    ),
})

export const citusAdvice: Advice[] = [distributed]
