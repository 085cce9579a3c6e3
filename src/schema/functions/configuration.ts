import { definerFunction, trigger } from '../../extras/functions.ts'
import { organizationIntegrations } from '../organization-integrations.ts'
import { configurationProblemsBody, plainConfiguration } from './configuration-walk.ts'
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
  unchanged boolean := tg_op = 'UPDATE';
  violations text[];
  mappings jsonb := new.field_mappings;
  features jsonb := new.excluded_features;
  printed text := mappings::text || features::text;
  schedule_rule text;
begin
  if not ${plainConfiguration()} then
    violations := integrations.configuration_problems(
      case when unchanged and mappings is not distinct from old.field_mappings then '{}' else mappings end,
      case when unchanged and features is not distinct from old.excluded_features then '[]' else features end
    );
  end if;
  -- Nearly every schedule is digits and signs.
  if new.sync_schedule ~ '[A-Za-z]' and not (unchanged and new.sync_schedule is not distinct from old.sync_schedule) then
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
