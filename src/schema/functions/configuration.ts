import { definerFunction, trigger } from '../../extras/functions.ts'
import { organizationIntegrations } from '../organization-integrations.ts'
import { configurationProblemsBody, plainConfiguration, plainSchedule } from './configuration-walk.ts'
import { scheduleRule } from './credential-rules.ts'

export const configurationFunctions = [
  // An array, and no table: what calls this for every row pays for a call, and not for a query.
  definerFunction({
    name: 'integrations.configuration_problems',
    parameters: 'field_mappings jsonb, excluded_features jsonb',
    returns: 'text[]',
    stable: true,
    body: configurationProblemsBody(),
  }),

  definerFunction({
    name: 'integrations.config_violations',
    parameters: 'field_mappings jsonb, excluded_features jsonb',
    returns: 'table (path text, rule text)',
    stable: true,
    executors: ['authenticated', 'service_role'],
    body: `\
begin
  return query
  select split_part(v.violation, ': ', 1), substr(v.violation, strpos(v.violation, ': ') + 2)
  from unnest(integrations.configuration_problems(field_mappings, excluded_features)) as v (violation);
end`,
  }),

  // What did not change is not looked at: an old bad row must still be able to change its status.
  definerFunction({
    name: 'integrations.refuse_bad_configuration',
    returns: 'trigger',
    body: `\
declare
  printed text;
  schedule_rule text;
  violations text[];
begin
  if tg_op = 'UPDATE' and new.field_mappings is not distinct from old.field_mappings
    and new.excluded_features is not distinct from old.excluded_features and new.sync_schedule is not distinct from old.sync_schedule then
    return new;
  end if;
  printed := new.field_mappings::text || new.excluded_features::text;
  if ${plainConfiguration('new.field_mappings', 'new.excluded_features')} and ${plainSchedule('new.sync_schedule')} then
    return new;
  end if;
  violations := integrations.configuration_problems(
    case when tg_op = 'UPDATE' and new.field_mappings is not distinct from old.field_mappings then '{}' else new.field_mappings end,
    case when tg_op = 'UPDATE' and new.excluded_features is not distinct from old.excluded_features then '[]' else new.excluded_features end
  );
  if not ${plainSchedule('new.sync_schedule')} and not (tg_op = 'UPDATE' and new.sync_schedule is not distinct from old.sync_schedule) then
    schedule_rule := ${scheduleRule('new.sync_schedule')};
    if schedule_rule is not null then
      violations := 'sync_schedule: ' || schedule_rule || violations;
    end if;
  end if;
  if violations <> '{}' then
    -- The constraint's name tells the application that the message is this function's, and holds no value.
    raise exception using errcode = 'check_violation', constraint = 'configuration_check', message = (
      select string_agg(v.violation, '; ' order by split_part(v.violation, ': ', 1) collate "C", v.violation collate "C")
      from unnest(violations[1:20]) as v (violation)
    );
  end if;
  return new;
end`,
  }),
  trigger(organizationIntegrations, {
    name: 'configuration_check',
    when: 'before insert or update on {table} for each row',
    function: 'integrations.refuse_bad_configuration',
  }),
]
