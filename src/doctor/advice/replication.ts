import { block, literal } from '../../util/quote.ts'
import { ourIds } from '../ours.ts'
import { type Advice, advise, look } from './advice.ts'

/* What carries rows of ours away, or brings some in past the triggers. One of our tables by its name is the host's own decision. */

const publications = look<{
  name: string
  text: string
  owner: string
  schema: string | null
  schemaText: string | null
}>({
  needs: [],
  text: `
select quote_ident(p.pubname) as name, p.pubname as text, quote_ident(pg_get_userbyid(p.pubowner)) as owner,
  quote_ident(n.nspname) as schema, n.nspname as "schemaText"
from pg_publication as p
left join pg_publication_namespace as s on s.pnpubid = p.oid
  and exists (select from pg_class as o where o.relnamespace = s.pnnspid and o.oid in (${ourIds.tables}))
left join pg_namespace as n on n.oid = s.pnnspid
where p.puballtables or n.oid is not null
order by 1, 3`,
  findings: (rows) =>
    rows.map(({ name, text, owner, schema, schemaText }) =>
      advise({
        what: 'publication of every table',
        where: `publication ${name}`,
        expected: 'a list of tables that ours are not on',
        found: schema === null ? 'all tables, ours among them' : `all tables of schema ${schema}, ours among them`,
        fix: schemaText === null ? listed(name, text, owner) : listedOf(name, text, schema ?? '', schemaText),
        hint: 'it then names today’s other tables; add later ones by hand, and refresh its subscriptions',
      }),
    ),
})

/** A publication of all tables cannot be altered into another. */
function listed(name: string, text: string, owner: string): string {
  return block(
    `\
  if not exists (select from pg_catalog.pg_publication where pubname = ${literal(text)} and puballtables) then
    return;
  end if;
  select string_agg(format('%I.%I', t.schemaname, t.tablename), ', ') into others
  from pg_catalog.pg_publication_tables as t
  where t.pubname = ${literal(text)} and format('%I.%I', t.schemaname, t.tablename)::regclass not in (${ourIds.tables});
  select format('publish = %L, publish_via_partition_root = %s', concat_ws(', ', case when pubinsert then 'insert' end,
    case when pubupdate then 'update' end, case when pubdelete then 'delete' end, case when pubtruncate then 'truncate' end), pubviaroot::text)
  into options from pg_catalog.pg_publication where pubname = ${literal(text)};
  drop publication ${name};
  execute concat_ws(' ', ${literal(`create publication ${name}`)}, 'for table ' || others, 'with (' || options || ')');
  alter publication ${name} owner to ${owner};`,
    ['others text', 'options text'],
  )
}

function listedOf(name: string, text: string, schema: string, schemaText: string): string {
  return block(
    `\
  if not exists (
    select from pg_catalog.pg_publication_namespace as s join pg_catalog.pg_publication as p on p.oid = s.pnpubid
    where p.pubname = ${literal(text)} and s.pnnspid = to_regnamespace(${literal(schema)})) then
    return;
  end if;
  select string_agg(c.oid::regclass::text, ', ') into others
  from pg_catalog.pg_class as c
  where c.relnamespace = to_regnamespace(${literal(schema)}) and c.relkind in ('r', 'p') and c.relpersistence = 'p'
    and not c.relispartition and c.oid not in (${ourIds.tables})
    and not exists (
      select from pg_catalog.pg_publication_rel as r join pg_catalog.pg_publication as p on p.oid = r.prpubid
      where p.pubname = ${literal(text)} and r.prrelid = c.oid);
  execute format(${literal(`alter publication ${name} drop tables in schema %I`)}, ${literal(schemaText)});
  if others is not null then
    execute ${literal(`alter publication ${name} add table `)} || others;
  end if;`,
    ['others text'],
  )
}

// What a subscription brings is written as on a replica: no trigger of ours looks at it.
const subscriptions = look<{ name: string; tables: string }>({
  needs: [],
  text: `
select quote_ident(s.subname) as name, string_agg(r.srrelid::regclass::text, ', ' order by r.srrelid::regclass::text) as tables
from pg_subscription as s join pg_subscription_rel as r on r.srsubid = s.oid
where s.subdbid = (select oid from pg_database where datname = current_database())
  and s.subenabled and r.srrelid in (${ourIds.tables})
group by 1
order by 1`,
  findings: (rows) =>
    rows.map(({ name, tables }) =>
      advise({
        severity: 'drift',
        what: 'subscription that writes our tables',
        where: `subscription ${name}`,
        expected: 'none: what it brings passes policies and triggers',
        found: `writes ${tables}`,
        fix: `alter subscription ${name} disable;`,
        hint: 'then take our tables off its publication, refresh and enable it',
      }),
    ),
})

export const replicationAdvice: Advice[] = [publications, subscriptions]
