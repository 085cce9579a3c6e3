import { ourIds } from '../ours.ts'
import { type Advice, advise, look } from './advice.ts'

/* Deleting an organization takes what is ours with it; a foreign key that does not cascade stops all of it. */

type Row = { name: string; table: string; parent: string; rule: string; ours: boolean; fix: string }

const columns = (table: string, numbers: string) => `(
    select string_agg(quote_ident(a.attname), ', ' order by k.position)
    from unnest(${numbers}) with ordinality as k (number, position)
    join pg_attribute as a on a.attrelid = ${table} and a.attnum = k.number)`

const blockers = look<Row>({
  needs: [],
  text: `
with recursive reached (oid, ours) as (
  select to_regclass('public.organizations')::oid, false
  union
  select o.oid, true from (${ourIds.tables}) as o
  union
  -- What goes when a row of these goes.
  select c.conrelid, r.ours
  from reached as r join pg_constraint as c on c.confrelid = r.oid and c.contype = 'f' and c.confdeltype = 'c'
)
select quote_ident(c.conname) as name, c.conrelid::regclass::text as table, c.confrelid::regclass::text as parent,
  case c.confdeltype when 'a' then 'no action' when 'r' then 'restrict' else 'set null, and a column that must not be null' end as rule,
  bool_or(r.ours) as ours,
  format('alter table %1$s drop constraint if exists %2$I;' || E'\\n'
    || 'alter table %1$s add constraint %2$I foreign key (%3$s) references %4$s (%5$s)%6$s%7$s on delete cascade%8$s%9$s;',
    c.conrelid::regclass, c.conname, ${columns('c.conrelid', 'c.conkey')}, c.confrelid::regclass, ${columns('c.confrelid', 'c.confkey')},
    case c.confmatchtype when 'f' then ' match full' end,
    case c.confupdtype when 'c' then ' on update cascade' when 'r' then ' on update restrict' when 'n' then ' on update set null' when 'd' then ' on update set default' end,
    case when c.condeferred then ' deferrable initially deferred' when c.condeferrable then ' deferrable' end,
    case when not c.convalidated then ' not valid' end) as fix
from pg_constraint as c join reached as r on r.oid = c.confrelid
where c.contype = 'f' and c.conparentid = 0 and c.conrelid not in (${ourIds.tables})
  and (c.confdeltype = 'r'
    -- Asked at the end of the statement, when what the same deletion took is gone.
    or c.confdeltype = 'a' and c.conrelid not in (select oid from reached)
    or c.confdeltype = 'n' and exists (
      select from pg_attribute as a
      where a.attrelid = c.conrelid and a.attnotnull and a.attnum = any (coalesce(c.confdelsetcols, c.conkey))))
group by c.oid, c.conname, c.conrelid, c.confrelid, c.confdeltype, c.conkey, c.confkey, c.confmatchtype, c.confupdtype, c.condeferred, c.condeferrable, c.convalidated
order by bool_or(r.ours) desc, 2, 1
limit 100`,
  findings: (rows) =>
    rows.map(({ name, table, parent, rule, ours, fix }) =>
      advise({
        // Between two tables of the host it may be what the host wants.
        severity: ours ? 'advice' : 'information',
        what: 'foreign key that stops the deletion of an organization',
        where: `${name} on ${table}`,
        expected: 'on delete cascade',
        found: `on delete ${rule}, of ${parent}`,
        fix,
        hint: 'or keep it, and delete its rows before the organization',
      }),
    ),
})

export const deletionAdvice: Advice[] = [blockers]
