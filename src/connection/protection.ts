import { IntegrationsDbError } from '../errors.ts'
import { tableNames } from '../schema/tables.ts'
import { nameOf, type RelationName, relationsIn } from './relations.ts'
import { type Run, statement } from './statement.ts'

/*
 * A scope filters rows where a table has row-level security and nowhere else. What a caller's own SQL names is looked up
 * before it runs, once per text and table; of our own tables nobody needs to ask.
 */

const ours = tableNames.flatMap(({ schema, name }) => [...(schema === 'public' ? [name] : []), `${schema}.${name}`])

/** SQL: whether a view with such options reads as its caller. */
export const readsAsCaller = (options: string) =>
  `exists (select from pg_catalog.unnest(${options}) as o where o ~* '^security_invoker=(t|true|on|y|yes|1)$')`

/**
 * Of names, those through which rows are seen that no policy filters for this role: a table without row-level security, or
 * one that its owner reads; what cannot have any; a view that reads as its owner. A view that reads as its caller is what
 * it reads. `name` is what was asked for, `relation` what it comes down to.
 */
const look = statement(`\
with recursive asked as (
  select a ->> 0 as schema, a ->> 1 as name from pg_catalog.jsonb_array_elements($1::pg_catalog.jsonb) as a
),
path as (
  select s.name, s.place from pg_catalog.unnest(pg_catalog.current_schemas(true)) with ordinality as s (name, place)
),
reached as (
  select a.schema, a.name, c.oid, c.relkind, c.reloptions
  from asked as a
  cross join lateral (
    select c.oid, c.relkind, c.reloptions
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    left join path as p on p.name = n.nspname
    where c.relname = a.name and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and (n.nspname = a.schema or a.schema is null and p.place is not null)
    order by p.place limit 1
  ) as c
  union
  select r.schema, r.name, c.oid, c.relkind, c.reloptions
  from reached as r
  join pg_catalog.pg_rewrite as w on w.ev_class = r.oid
  join pg_catalog.pg_depend as d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid
    and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid <> r.oid
  join pg_catalog.pg_class as c on c.oid = d.refobjid and c.relkind in ('r', 'p', 'v', 'm', 'f')
  where r.relkind = 'v' and ${readsAsCaller('r.reloptions')}
)
select r.schema, r.name, pg_catalog.format('%I.%I', n.nspname, c.relname) as relation, r.relkind as kind
from reached as r
join pg_catalog.pg_class as c on c.oid = r.oid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and case when r.relkind in ('r', 'p') then not pg_catalog.row_security_active(r.oid)
    when r.relkind = 'v' then not ${readsAsCaller('r.reloptions')}
    else true end
order by 3
limit 1`)

const mostKept = 2_000

/** What is known to be protected: texts as a whole, and names that were looked up. One per client. */
export class Protection {
  readonly #texts = new Set<string>()
  readonly #names = new Set<string>(ours)

  /**
   * Passes a text whose tables all have row-level security for the role, and names of no table.
   *
   * @throws IntegrationsDbError `permission_denied` that names the first table that has none.
   */
  async assert(text: string, run: Run): Promise<void> {
    if (this.#texts.has(text)) return
    const unknown = relationsIn(text).filter((relation) => !this.#names.has(nameOf(relation)))
    if (unknown.length > 0) await this.#ask(unknown, run)
    if (this.#texts.size >= mostKept) this.#texts.clear()
    this.#texts.add(text)
  }

  async #ask(unknown: RelationName[], run: Run): Promise<void> {
    const names = unknown.map(({ schema, name }) => [schema, name])
    const { values } = await run(look(JSON.stringify(names)), { reads: true })
    const [row] = values
    if (row !== undefined) throw refusal(String(row[2]), String(row[3]))
    if (this.#names.size >= mostKept) for (const name of this.#names) if (!ours.includes(name)) this.#names.delete(name)
    for (const relation of unknown) this.#names.add(nameOf(relation))
  }
}

const reasons: Record<string, string> = {
  v: 'is a view that reads as its owner; make it security_invoker',
  m: 'is a materialized view, which can have no row-level security; read what it is made of',
  f: 'is a foreign table, which can have no row-level security',
}

function refusal(relation: string, kind: string): IntegrationsDbError {
  const reason =
    reasons[kind] ??
    `has no row-level security for this role; enable it (alter table ${relation} enable row level security)`
  return new IntegrationsDbError(
    'permission_denied',
    `query: ${relation} ${reason}, or pass { unprotected: true } to see every row that the grants allow: the organization's scope filters nothing there`,
  )
}
