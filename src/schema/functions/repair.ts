import { credentialText } from '../../config/rules.ts'
import { definerFunction } from '../../extras/functions.ts'
import { literal } from '../../util/quote.ts'
import { canonicalName, matches, namesCredential, scheduleRule } from './credential-rules.ts'

/*
 * What repair does to one organization, in one transaction of the server: documents do not pass through a client, where
 * a number could lose digits. Nobody but the owner may execute these.
 */

/** Of a jsonb printed as text: keys with their colon, texts, brackets, commas, and what else a value may be. */
const tokens = '("(?:[^"\\\\]|\\\\.)*"(?:: )?|[{}\\[\\]]|, |[^"{}\\[\\], ]+)'

export const repairFunctions = [
  // One walk over the printed document, without recursion: documents may be nested deeper than the stack is.
  definerFunction({
    name: 'integrations.redacted',
    parameters: 'document jsonb',
    returns: 'jsonb',
    stable: true,
    body: `\
declare
  token text;
  label text;
  kept text[] := '{}';
  depth integer := 0;
  hidden_at integer;
  is_credential boolean := false;
  renamed integer := 0;
begin
  for token in select t[1] from regexp_matches(document::text, ${literal(tokens)}, 'g') as t loop
    if hidden_at is not null then
      depth := depth + case when token in ('{', '[') then 1 when token in ('}', ']') then -1 else 0 end;
      if depth = hidden_at then
        hidden_at := null;
      end if;
      continue;
    end if;
    if is_credential then
      is_credential := false;
      if token in ('{', '[') then
        hidden_at := depth;
        depth := depth + 1;
      end if;
      token := '"[redacted]"';
    elsif token in ('{', '[') then
      depth := depth + 1;
    elsif token in ('}', ']') then
      depth := depth - 1;
    elsif token like '"%' then
      label := rtrim(token, ': ')::jsonb #>> '{}';
      if right(token, 2) = ': ' then
        is_credential := ${namesCredential(`(${canonicalName('label')})`)};
        if ${matches('label', credentialText)} then
          renamed := renamed + 1;
          token := format('"[redacted %s]": ', renamed);
        end if;
      elsif ${matches('label', credentialText)} then
        token := '"[redacted]"';
      end if;
    end if;
    kept := kept || token;
  end loop;
  return array_to_string(kept, '')::jsonb;
end`,
  }),

  // All of one organization's documents, and one alert for all of them, or for none where nothing was left to repair.
  definerFunction({
    name: 'integrations.repair_organization',
    parameters: 'organization_id uuid',
    returns: 'table (event_id uuid, integration_type text, document text)',
    body: `\
declare
  integration record;
  broken record;
  actor text := (select caller.actor from integrations.caller() as caller);
begin
  -- Two operators at once: the second waits, and finds nothing left.
  perform integrations.take_turn('repair ' || organization_id);
  for integration in
    select i.id, i.integration_type::text as type, i.field_mappings, i.excluded_features,
      ${scheduleRule('i.sync_schedule')} as schedule_rule
    from public.organization_integrations as i
    where i.organization_id = repair_organization.organization_id
      and (exists (select from integrations.config_violations(i.field_mappings, i.excluded_features))
        or ${scheduleRule('i.sync_schedule')} is not null)
    order by i.id
    for no key update
  loop
    for broken in
      select d.name, d.value, v.problems
      from (values
        ('field_mappings', integration.field_mappings, integration.field_mappings, '[]'::jsonb),
        ('excluded_features', integration.excluded_features, '{}'::jsonb, integration.excluded_features)
      ) as d (name, value, field_mappings, excluded_features)
      -- Summed up before it meets the document, of which each problem would otherwise carry a copy.
      cross join lateral (
        select string_agg(path || ': ' || rule, '; ' order by path collate "C", rule collate "C") as problems
        from integrations.config_violations(d.field_mappings, d.excluded_features)
      ) as v
      where v.problems is not null
      union all
      -- What names a credential need not look like one, so none of it is kept.
      select 'sync_schedule', '"[redacted]"', 'sync_schedule: ' || integration.schedule_rule
      where integration.schedule_rule is not null
      order by 1 desc
    loop
      event_id := gen_random_uuid();
      integration_type := integration.type;
      document := broken.name;
      insert into public.organization_integration_events
        (id, action, outcome, organization_id, integration_id, integration_type, reason, actor, quarantined)
      values (event_id, 'quarantine', 'ok', organization_id, integration.id, integration.type, left(broken.problems, 255),
        actor, jsonb_build_object(broken.name, integrations.redacted(broken.value)));
      update public.organization_integrations as i
      set status = 'error',
        field_mappings = case broken.name when 'field_mappings' then '{}' else i.field_mappings end,
        excluded_features = case broken.name when 'excluded_features' then '[]' else i.excluded_features end,
        sync_schedule = case when broken.name <> 'sync_schedule' then i.sync_schedule end
      where i.id = integration.id;
      return next;
    end loop;
  end loop;
  if event_id is not null then
    perform integrations.record_event('alert', 'ok', organization_id, null, null, null,
      'repair: documents that break a rule were reset; the quarantine events hold them');
  end if;
end`,
  }),
]
