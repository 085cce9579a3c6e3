import { getTableConfig } from 'drizzle-orm/pg-core'
import { definerFunction, trigger } from '../../extras/functions.ts'
import { organizationIntegrations } from '../organization-integrations.ts'
import { plainConfiguration, plainSchedule } from './configuration-walk.ts'
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
const differ = (names: readonly string[]) =>
  `(${names.map((name) => `o.${name} is distinct from n.${name}`).join(' or ')})`
const changed = (name: string, change: string) =>
  `case when o.${name} is distinct from n.${name} then jsonb_build_object('${name}', ${change}) else '{}' end`
const between = [
  ...configuration.map((name) => changed(name, `jsonb_build_object('old', o.${name}, 'new', n.${name})`)),
  ...others.map((name) => changed(name, `'{}'::jsonb`)),
].join('\n          || ')

/** What the rules allow a document to print as, and more: of documents from before there were rules. */
const mostCharacters = 131_072

/**
 * Whether the rules' trigger has looked at what this statement wrote, so that no new value holds a credential by the same
 * rules. Not where it is disabled, does not fire (a replica's session), or where a trigger that fires after it could have
 * written something else: then new values are looked at like old ones.
 */
const checked = `(
          select coalesce(bool_or(t.tgname = 'configuration_check' and t.tgenabled in ('O', 'A'))
            and bool_and(t.tgname in ('configuration_check', 'touch_updated_at') or t.tgenabled = 'D'), false)
            and current_setting('session_replication_role') <> 'replica'
          from pg_trigger as t
          -- Before each row (3) that is created (4) or updated (16), in the order of their names.
          where t.tgrelid = tg_relid and not t.tgisinternal and t.tgtype & 3 = 3 and t.tgtype & 20 > 0 and t.tgname >= 'configuration_check'
        )`

/** Whether one look at a row shows that the rules refuse nothing in it, which is so for most. */
const plain = (row: string) => `(select ${plainConfiguration('d.mappings', 'd.features', 'd.printed')}
            and ${plainSchedule(`${row}.sync_schedule`)}
          from (
            select ${row}.field_mappings as mappings, ${row}.excluded_features as features,
              ${row}.field_mappings::text || ${row}.excluded_features::text as printed
            offset 0 -- Printed once, however often it is looked at.
          ) as d)`

/** From a row's `c.action`, `c.changes`, and whether these are `c.plain`; otherwise they may hold anything. */
const recordFrom = (rows: string) => `\
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when c.plain then c.changes else integrations.redacted_changes(c.changes) end
    from (
${rows}
      offset 0
    ) as c`

/** Of whole rows of a table, all of them removed. */
const recordRemoved = (table: string) =>
  recordFrom(`\
      select o.organization_id, o.id, o.integration_type, 'remove' as action, ${sideOf('o', 'old')} as changes, ${plain('o')} as plain
      from ${table} as o`)

export const changeFunctions = [
  // What the rules find no fault with holds no credential, which is quicker to find out than to redact it.
  definerFunction({
    name: 'integrations.redacted_changes',
    parameters: 'changes jsonb',
    returns: 'jsonb',
    stable: true,
    body: `\
begin
  return (
    select jsonb_object_agg(c.key, coalesce((
      select jsonb_object_agg(side.key, case
        when length(side.value::text) > ${mostCharacters} then to_jsonb(format('[%s characters]', length(side.value::text)))
        -- What names a credential need not look like one, so none of it is kept.
        when c.key = 'sync_schedule' then case when ${scheduleRule("(side.value #>> '{}')")} is null then side.value else '"[redacted]"' end
        when c.key = 'status'
          or c.key = 'field_mappings' and integrations.configuration_problems(side.value, '[]') = '{}'
          or c.key = 'excluded_features' and integrations.configuration_problems('{}', side.value) = '{}' then side.value
        else integrations.redacted(side.value) end)
      from jsonb_each(c.value) as side), '{}'))
    from jsonb_each(changes) as c
  );
end`,
  }),

  // By id and organization: a row that moves is removed from the one and created in the other, and neither is told more.
  definerFunction({
    name: 'integrations.record_changes',
    returns: 'trigger',
    body: `\
declare
  actor text := (
    select case when ${suspicious('caller.actor')} and ${looksLikeCredential('caller.actor')} then '[redacted]' else caller.actor end
    from integrations.caller() as caller
  );
  reason text := case tg_op when 'TRUNCATE' then 'its table was truncated' end;
begin
  if tg_op = 'INSERT' then
${recordFrom(`\
      select n.organization_id, n.id, n.integration_type, 'create' as action, ${sideOf('n', 'new')} as changes,
        ${checked} or ${plain('n')} as plain
      from new_rows as n`)};
  elsif tg_op = 'UPDATE' then
${recordFrom(`\
      select coalesce(n.organization_id, o.organization_id) as organization_id, coalesce(n.id, o.id) as id,
        coalesce(n.integration_type, o.integration_type) as integration_type,
        case when o.id is null then 'create' when n.id is null then 'remove' else 'update' end as action,
        case when o.id is null then ${sideOf('n', 'new')} when n.id is null then ${sideOf('o', 'old')}
          else ${between} end as changes,
        not ${differ(configuration.filter((name) => name !== 'status'))}
          or (o.id is null or ${plain('o')}) and (n.id is null or o.id is not null and ${checked} or ${plain('n')}) as plain
      -- Full, which is never a loop in a loop: a plan made for one row is kept, and must do for thousands.
      from old_rows as o full join new_rows as n on n.organization_id = o.organization_id and n.id = o.id
      where o.id is null or n.id is null or ${differ([...configuration, ...others])}`)};
  elsif tg_op = 'DELETE' then
${recordRemoved('old_rows')};
  else
${recordRemoved('public.organization_integrations')};
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
