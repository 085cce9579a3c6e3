import { getTableConfig } from 'drizzle-orm/pg-core'
import { definerFunction, trigger } from '../../extras/functions.ts'
import { organizationIntegrations } from '../organization-integrations.ts'
import { looksLikeCredential, scheduleRule, suspicious } from './credential-rules.ts'

/*
 * Who changed what: an event for each integration that is created, updated or removed, whichever way. By statement and
 * not by row: an import of thousands pays for one more insert of as many.
 */

/** Columns whose values are kept. Of others it is said that they changed. */
const configuration = ['status', 'field_mappings', 'sync_schedule', 'excluded_features']
/** Its key, which no event of an update is about, and what changes with every update. */
const unsaid = ['id', 'organization_id', 'created_at', 'updated_at']
const others = getTableConfig(organizationIntegrations)
  .columns.map(({ name }) => name)
  .filter((name) => !configuration.includes(name) && !unsaid.includes(name))

const sideOf = (row: string, side: 'old' | 'new') =>
  `jsonb_build_object(${configuration.map((name) => `'${name}', jsonb_build_object('${side}', ${row}.${name})`).join(', ')})`
const changed = (name: string, change: string) =>
  `case when (r.o).${name} is distinct from (r.n).${name} then jsonb_build_object('${name}', ${change}) else '{}' end`
const between = [
  ...configuration.map((name) => changed(name, `jsonb_build_object('old', (r.o).${name}, 'new', (r.n).${name})`)),
  ...others.map((name) => changed(name, `'{}'::jsonb`)),
].join('\n        || ')
const differ = `(${[...configuration, ...others].map((name) => `(r.o).${name} is distinct from (r.n).${name}`).join(' or ')})`

/** What the rules allow two documents, and more: of documents from before there were rules. */
const mostBytes = 262_144

/** From a row's `c.action` and `c.changes`; these may hold anything where its document is from before there were rules. */
const recordFrom = (rows: string) => `\
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when pg_column_size(c.changes) > ${mostBytes} or ${suspicious('c.changes::text')}
        then integrations.redacted_changes(c.changes) else c.changes end
    from (
${rows}
      offset 0 -- Computed once, however often it is looked at.
    ) as c`

export const changeFunctions = [
  definerFunction({
    name: 'integrations.redacted_changes',
    parameters: 'changes jsonb',
    returns: 'jsonb',
    stable: true,
    body: `\
begin
  return integrations.redacted((
    select jsonb_object_agg(c.key, coalesce((
      select jsonb_object_agg(side.key, case
        when length(side.value::text) > ${mostBytes / 2} then to_jsonb(format('[%s characters]', length(side.value::text)))
        -- What names a credential need not look like one, so none of it is kept.
        when c.key = 'sync_schedule' and ${scheduleRule("(side.value #>> '{}')")} is not null then '"[redacted]"'
        else side.value end)
      from jsonb_each(c.value) as side), '{}'))
    from jsonb_each(changes) as c
  ));
end`,
  }),

  // By id and organization: a row that moves is removed from the one and created in the other, and neither is told more.
  definerFunction({
    name: 'integrations.record_changes',
    returns: 'trigger',
    body: `\
declare
  actor text := (select case when ${looksLikeCredential('caller.actor')} then '[redacted]' else caller.actor end from integrations.caller() as caller);
  reason text := case tg_op when 'TRUNCATE' then 'its table was truncated' end;
begin
  if tg_op = 'INSERT' then
${recordFrom(`\
      select n.organization_id, n.id, n.integration_type, 'create' as action, ${sideOf('n', 'new')} as changes
      from new_rows as n`)};
  elsif tg_op = 'UPDATE' then
${recordFrom(`\
      select r.organization_id, r.id, coalesce((r.n).integration_type, (r.o).integration_type) as integration_type,
        case when (r.o).id is null then 'create' when (r.n).id is null then 'remove' else 'update' end as action,
        case when (r.o).id is null then ${sideOf('(r.n)', 'new')} when (r.n).id is null then ${sideOf('(r.o)', 'old')}
          else ${between} end as changes
      from (
        -- Not a join: its plan, made for one row, would be kept and take for ever for thousands.
        select u.organization_id, u.id, (array_agg(u.written) filter (where not u.is_new))[1] as o,
          (array_agg(u.written) filter (where u.is_new))[1] as n
        from (
          select o.organization_id, o.id, false as is_new, row(o.*)::public.organization_integrations as written from old_rows as o
          union all
          select n.organization_id, n.id, true, row(n.*)::public.organization_integrations from new_rows as n
        ) as u
        group by 1, 2
      ) as r
      where (r.o).id is null or (r.n).id is null or ${differ}`)};
  elsif tg_op = 'DELETE' then
${recordFrom(`\
      select o.organization_id, o.id, o.integration_type, 'remove' as action, ${sideOf('o', 'old')} as changes
      from old_rows as o`)};
  else
${recordFrom(`\
      select i.organization_id, i.id, i.integration_type, 'remove' as action, ${sideOf('i', 'old')} as changes
      from public.organization_integrations as i`)};
  end if;
  return null;
end`,
  }),
  ...[
    ['record_create', 'after insert on {table} referencing new table as new_rows'],
    ['record_update', 'after update on {table} referencing old table as old_rows new table as new_rows'],
    ['record_remove', 'after delete on {table} referencing old table as old_rows'],
    ['record_truncate', 'before truncate on {table}'],
  ].map(([name = '', when = '']) =>
    trigger(organizationIntegrations, {
      name,
      when: `${when} for each statement`,
      function: 'integrations.record_changes',
    }),
  ),
]
