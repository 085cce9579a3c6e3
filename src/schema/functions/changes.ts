import { getTableConfig } from 'drizzle-orm/pg-core'
import { definerFunction, trigger } from '../../extras/functions.ts'
import { organizationIntegrationChanges } from '../organization-integration-changes.ts'
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
  `case when (c.o).${name} is distinct from (c.n).${name} then jsonb_build_object('${name}', ${change}) else '{}' end`
const between = [
  ...configuration.map((name) => changed(name, `jsonb_build_object('old', (c.o).${name}, 'new', (c.n).${name})`)),
  ...others.map((name) => changed(name, `'{}'::jsonb`)),
].join('\n        || ')
const differ = `(${[...configuration, ...others].map((name) => `(c.o).${name} is distinct from (c.n).${name}`).join(' or ')})`

/** What the rules allow two documents, and more: of documents from before there were rules. */
const mostBytes = 262_144

const recorded = `\
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)`

export const changeFunctions = [
  // By id and organization: a row that moves is removed from the one and created in the other, and neither is told more.
  definerFunction({
    name: 'integrations.record_changes',
    returns: 'trigger',
    body: `\
declare
  actor text := (select caller.actor from integrations.caller() as caller);
begin
  if tg_op = 'INSERT' then
${recorded}
    select n.organization_id, n.id, n.integration_type::text, 'create', actor, null, ${sideOf('n', 'new')}
    from new_rows as n;
  elsif tg_op = 'UPDATE' then
${recorded}
    select c.organization_id, c.id, coalesce((c.n).integration_type, (c.o).integration_type)::text, c.action, actor, null,
      case c.action when 'create' then ${sideOf('(c.n)', 'new')} when 'remove' then ${sideOf('(c.o)', 'old')}
        else ${between} end
    from (
      select r.organization_id, r.id, r.o, r.n,
        case when (r.o).id is null then 'create' when (r.n).id is null then 'remove' else 'update' end as action
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
    ) as c
    where c.action <> 'update' or ${differ};
  elsif tg_op = 'DELETE' then
${recorded}
    select o.organization_id, o.id, o.integration_type::text, 'remove', actor, null, ${sideOf('o', 'old')}
    from old_rows as o;
  else
${recorded}
    select i.organization_id, i.id, i.integration_type::text, 'remove', actor, 'its table was truncated', ${sideOf('i', 'old')}
    from public.organization_integrations as i;
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

  // Whoever writes one. A document of before there were rules may be of any size, and hold anything: refused, as in other
  // tables, a row that is there could not be changed.
  definerFunction({
    name: 'integrations.redact_changes',
    returns: 'trigger',
    body: `\
begin
  -- Not as the trigger's condition: each statement would parse that anew.
  if coalesce(pg_column_size(new.changes), 0) <= ${mostBytes} and not (${suspicious(
    "concat_ws(' ', new.actor, new.reason, new.integration_type, new.changes::text)",
  )}) then
    return new;
  end if;
  new.changes := (
    select jsonb_object_agg(c.key, coalesce((
      select jsonb_object_agg(side.key, case
        when length(side.value::text) > ${mostBytes / 2} then to_jsonb(format('[%s characters]', length(side.value::text)))
        -- What names a credential need not look like one, so none of it is kept.
        when c.key = 'sync_schedule' and ${scheduleRule("(side.value #>> '{}')")} is not null then '"[redacted]"'
        else side.value end)
      from jsonb_each(c.value) as side), '{}'))
    from jsonb_each(new.changes) as c
  );
  new.changes := case when new.changes is not null then integrations.redacted(new.changes) end;
${['actor', 'reason', 'integration_type']
  .map(
    (name) =>
      `  new.${name} := case when ${looksLikeCredential(`new.${name}`)} then '[redacted]' else new.${name} end;`,
  )
  .join('\n')}
  return new;
end`,
  }),
  trigger(organizationIntegrationChanges, {
    name: 'redact_changes',
    when: 'before insert on {table} for each row',
    function: 'integrations.redact_changes',
  }),
]
