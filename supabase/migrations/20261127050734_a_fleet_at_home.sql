-- 20261127050734_a_fleet_at_home
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 3 · part: 1/1 · source: 9d01de4c34d067d3f527d1148c1d030f28b6d436d30770b3fa36a8f5bd91f165 · body: 5d8c30c8615d8c21189521f57f7cfbcbbd2562a8288f5ec70e48f9c11712326b
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

CREATE SCHEMA IF NOT EXISTS integrations_once;
CREATE TABLE IF NOT EXISTS integrations_once.statements (id text PRIMARY KEY);

-- What is there already was not made here, and a rollback leaves it.
INSERT INTO integrations_once.statements (id)
SELECT '20261127050734.' || made FROM (VALUES
  ('schema integrations_api', to_regnamespace('"integrations_api"') is not null),
  ('table integrations.alert_acknowledgements', to_regclass('"integrations"."alert_acknowledgements"') is not null),
  ('table public.organization_integration_changes', to_regclass('"public"."organization_integration_changes"') is not null),
  ('table public.organization_integration_runs', to_regclass('"public"."organization_integration_runs"') is not null),
  ('table integrations.sync_plans', to_regclass('"integrations"."sync_plans"') is not null),
  ('column public.organization_integration_events.transaction_id', exists (select from pg_attribute where attrelid = to_regclass('"public"."organization_integration_events"') and attname = 'transaction_id' and not attisdropped)),
  ('index public.organization_integration_events_position_idx', to_regclass('"public"."organization_integration_events_position_idx"') is not null),
  ('index public.organization_integration_events_alerts_idx', to_regclass('"public"."organization_integration_events_alerts_idx"') is not null),
  ('index public.organization_integrations_scheduled_idx', to_regclass('"public"."organization_integrations_scheduled_idx"') is not null)
) AS stated (made, is_there) WHERE NOT is_there
ON CONFLICT DO NOTHING;

CREATE SCHEMA IF NOT EXISTS "integrations_api";

revoke all on schema "integrations_api" from public, anon, authenticated, service_role;

create or replace function integrations.refuse_change() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- Its own transaction's turn: another's is not seen, and nobody but administrators can take it.
  if tg_op = 'DELETE' and exists (select from integrations.operator_turns as t where t.name = 'prune events') then
    return null;
  end if;
  raise exception '% is append-only: % is refused to everybody', tg_relid::regclass, lower(tg_op)
    using errcode = 'insufficient_privilege';
end
$function$;
revoke all on function integrations.refuse_change() from public, anon, authenticated, service_role;

create or replace function integrations.refuse_bad_configuration() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  unchanged boolean := tg_op = 'UPDATE';
  violations text[];
  mappings jsonb := new.field_mappings;
  features jsonb := new.excluded_features;
  printed text := mappings::text || features::text;
  schedule_rule text;
begin
  if not (case when strpos(printed, '{') = 1 then mappings - array['$version', 'amount', 'account', 'date', 'currency', 'tax_code', 'cost_center', 'activity_code', 'employee_id', 'reference', 'first_name', 'last_name', 'email', 'course_code', 'completed_on', 'member_id', 'birth_date', 'group_code', 'participants', 'activity_date'] = '{}'
      and (octet_length(printed) <= 255 or octet_length(printed) <= 511
        and strpos(substr(printed, 129, 128), '"') > 0 and strpos(substr(printed, 256, 128), '"') > 0 )
      and (case when strpos(printed, '": {') = 0 then replace(replace(printed, '"$version": 1', '"v": "v"'), '"$version": 2', '"v": "v"')
        when strpos(printed, '"$version": 2') > 0 then replace(replace(replace(replace(replace(replace(replace(printed, '"$version": 2', '"v": "v"'), '{"path": "', '<"'), '{"const": "', '<"'), ', "default": ', ';'), ', "required": true', '?'), ', "required": false', '?'), ', "transform": "', '!')
        else replace(replace(replace(replace(printed, '"$version": 1', '"v": "v"'), '{"path": "', '<"'), ', "default": ', ';'), ', "transform": "', '!') end) collate "C" ~ E'^\\{("[A-IK-Za-z0-9_.]+": ("[A-IK-Za-z0-9_.]+"|<[A-IK-Za-z0-9_.";?!]+\\})(, )?)*\\}\\[("[a-z][a-z0-9_.]*"(, )?)*\\]$'
      and (strpos(printed, '"transform"') = 0 or not jsonb_path_exists(mappings, '$.*.transform ? (!(@ == "trim" || @ == "upper" || @ == "lower" || @ == "iso_date" || @ == "norwegian_date" || @ == "decimal_0" || @ == "decimal_2" || @ == "decimal_4" || @ == "decimal_nb" || @ == "decimal_0_nb" || @ == "decimal_2_nb" || @ == "decimal_4_nb" || @ == "decimal_en" || @ == "decimal_0_en" || @ == "decimal_2_en" || @ == "decimal_4_en"))'))
      and not printed collate "C" like any (array['%""%', E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_____\\_%', '%IA%', '%AIza%'])
      and octet_length(features::text) <= 64 and (features -> 1 is null or features -> 2 is null and features -> 0 <> features -> 1) else false end) then
    violations := integrations.configuration_problems(
      case when unchanged and mappings is not distinct from old.field_mappings then '{}' else mappings end,
      case when unchanged and features is not distinct from old.excluded_features then '[]' else features end
    );
  end if;
  -- Nearly every schedule is digits and signs.
  if new.sync_schedule ~ '[A-Za-z]' and not (unchanged and new.sync_schedule is not distinct from old.sync_schedule) then
    schedule_rule := case
      when (new.sync_schedule collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(new.sync_schedule collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store'
      when (('_' || regexp_replace(lower(regexp_replace(regexp_replace(new.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(new.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ '_(count|limit|length|size|type|usage|used|budget|quota|cost|price|ttl|age|lifetime|expiry|expires|expires_at|expires_in|expired|status|policy|required|rate|created_at|changed_at|issued_at|rotated_at|per_minute|per_hour|per_day|per_request|antall|grense|lengde|storrelse|forbruk|kostnad|pris|levetid|utlop|utloper|brukt)_([0-9]+_)?$|^_(max|total|used|remaining|input|output|prompt|completion|maks)_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$|^_(number_of|count_of|num|antall)_') then 'must not name a credential; store it with credentials.store' end;
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
end
$function$;
revoke all on function integrations.refuse_bad_configuration() from public, anon, authenticated, service_role;

create or replace function integrations.record_changes() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  actor text := (select case when (caller.actor collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(caller.actor collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then '[redacted]' else caller.actor end from integrations.caller() as caller);
  reason text := case tg_op when 'TRUNCATE' then 'its table was truncated' end;
begin
  if tg_op = 'INSERT' then
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when pg_column_size(c.changes) > 262144 or replace(replace(lower(c.changes::text collate "C"), '"field_mappings"', ''), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])
        then integrations.redacted_changes(c.changes) else c.changes end
    from (
      select n.organization_id, n.id, n.integration_type, 'create' as action, jsonb_build_object('status', jsonb_build_object('new', n.status), 'field_mappings', jsonb_build_object('new', n.field_mappings), 'sync_schedule', jsonb_build_object('new', n.sync_schedule), 'excluded_features', jsonb_build_object('new', n.excluded_features)) as changes
      from new_rows as n
      offset 0 -- Computed once, however often it is looked at.
    ) as c;
  elsif tg_op = 'UPDATE' then
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when pg_column_size(c.changes) > 262144 or replace(replace(lower(c.changes::text collate "C"), '"field_mappings"', ''), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])
        then integrations.redacted_changes(c.changes) else c.changes end
    from (
      select r.organization_id, r.id, coalesce((r.n).integration_type, (r.o).integration_type) as integration_type,
        case when (r.o).id is null then 'create' when (r.n).id is null then 'remove' else 'update' end as action,
        case when (r.o).id is null then jsonb_build_object('status', jsonb_build_object('new', (r.n).status), 'field_mappings', jsonb_build_object('new', (r.n).field_mappings), 'sync_schedule', jsonb_build_object('new', (r.n).sync_schedule), 'excluded_features', jsonb_build_object('new', (r.n).excluded_features)) when (r.n).id is null then jsonb_build_object('status', jsonb_build_object('old', (r.o).status), 'field_mappings', jsonb_build_object('old', (r.o).field_mappings), 'sync_schedule', jsonb_build_object('old', (r.o).sync_schedule), 'excluded_features', jsonb_build_object('old', (r.o).excluded_features))
          else case when (r.o).status is distinct from (r.n).status then jsonb_build_object('status', jsonb_build_object('old', (r.o).status, 'new', (r.n).status)) else '{}' end
        || case when (r.o).field_mappings is distinct from (r.n).field_mappings then jsonb_build_object('field_mappings', jsonb_build_object('old', (r.o).field_mappings, 'new', (r.n).field_mappings)) else '{}' end
        || case when (r.o).sync_schedule is distinct from (r.n).sync_schedule then jsonb_build_object('sync_schedule', jsonb_build_object('old', (r.o).sync_schedule, 'new', (r.n).sync_schedule)) else '{}' end
        || case when (r.o).excluded_features is distinct from (r.n).excluded_features then jsonb_build_object('excluded_features', jsonb_build_object('old', (r.o).excluded_features, 'new', (r.n).excluded_features)) else '{}' end
        || case when (r.o).integration_type is distinct from (r.n).integration_type then jsonb_build_object('integration_type', '{}'::jsonb) else '{}' end end as changes
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
      where (r.o).id is null or (r.n).id is null or ((r.o).status is distinct from (r.n).status or (r.o).field_mappings is distinct from (r.n).field_mappings or (r.o).sync_schedule is distinct from (r.n).sync_schedule or (r.o).excluded_features is distinct from (r.n).excluded_features or (r.o).integration_type is distinct from (r.n).integration_type)
      offset 0 -- Computed once, however often it is looked at.
    ) as c;
  elsif tg_op = 'DELETE' then
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when pg_column_size(c.changes) > 262144 or replace(replace(lower(c.changes::text collate "C"), '"field_mappings"', ''), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])
        then integrations.redacted_changes(c.changes) else c.changes end
    from (
      select o.organization_id, o.id, o.integration_type, 'remove' as action, jsonb_build_object('status', jsonb_build_object('old', o.status), 'field_mappings', jsonb_build_object('old', o.field_mappings), 'sync_schedule', jsonb_build_object('old', o.sync_schedule), 'excluded_features', jsonb_build_object('old', o.excluded_features)) as changes
      from old_rows as o
      offset 0 -- Computed once, however often it is looked at.
    ) as c;
  else
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when pg_column_size(c.changes) > 262144 or replace(replace(lower(c.changes::text collate "C"), '"field_mappings"', ''), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])
        then integrations.redacted_changes(c.changes) else c.changes end
    from (
      select i.organization_id, i.id, i.integration_type, 'remove' as action, jsonb_build_object('status', jsonb_build_object('old', i.status), 'field_mappings', jsonb_build_object('old', i.field_mappings), 'sync_schedule', jsonb_build_object('old', i.sync_schedule), 'excluded_features', jsonb_build_object('old', i.excluded_features)) as changes
      from public.organization_integrations as i
      offset 0 -- Computed once, however often it is looked at.
    ) as c;
  end if;
  return null;
end
$function$;
revoke all on function integrations.record_changes() from public, anon, authenticated, service_role;

create or replace function integrations.refuse_activation() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if new.status = 'active' and (tg_op = 'INSERT' or old.status <> 'active') then
    perform from public.organization_integration_credentials as c
    where c.integration_id = new.id and c.secret_id is not null and c.readable_until is null
    for share;
    if not found then
      raise exception using errcode = 'check_violation', constraint = 'active_needs_credential',
        message = 'status: cannot be active without a credential; store one first, then set it active';
    end if;
  end if;
  return null;
end
$function$;
revoke all on function integrations.refuse_activation() from public, anon, authenticated, service_role;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"integrations"."alert_acknowledgements"') is not null and not exists (select from integrations_once.statements where id = '20261127050734.table integrations.alert_acknowledgements') then
    if exists (select from pg_class where oid = to_regclass('"integrations"."alert_acknowledgements"') and (relkind <> 'r' or relpersistence <> 'p')) then
      raise exception '% is there already, and is no such table', '"integrations"."alert_acknowledgements"';
    end if;
    create schema integrations_stated;
    create table integrations_stated."alert_acknowledgements" ("event_id" uuid NOT NULL, "actor" text NOT NULL, "created_at" timestamp with time zone DEFAULT now() NOT NULL);
    alter table integrations_stated."alert_acknowledgements" add constraint "alert_acknowledgements_pkey" PRIMARY KEY ("event_id");
    select string_agg(format('%I is %s instead of %s', attname, coalesce(found.words, 'missing'), coalesce(stated.words, 'not stated')), ', ' order by stated.attnum, found.attnum) into differs
      from (
        select attname, attnum, concat_ws(' ', format_type(atttypid, atttypmod),
          case when attcollation <> typcollation then 'collate ' || attcollation::regcollation end,
          case attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
          case when attgenerated <> '' then 'generated as' when adbin is not null then 'default' end,
          regexp_replace(pg_get_expr(adbin, adrelid), '^nextval\(.*\)$', 'nextval'),
          case when attnotnull then 'not null' end) as words
        from pg_attribute join pg_type on pg_type.oid = atttypid left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = to_regclass('integrations_stated."alert_acknowledgements"') and attnum > 0 and not attisdropped) as stated
      full join (
        select attname, attnum, concat_ws(' ', format_type(atttypid, atttypmod),
          case when attcollation <> typcollation then 'collate ' || attcollation::regcollation end,
          case attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
          case when attgenerated <> '' then 'generated as' when adbin is not null then 'default' end,
          regexp_replace(pg_get_expr(adbin, adrelid), '^nextval\(.*\)$', 'nextval'),
          case when attnotnull then 'not null' end) as words
        from pg_attribute join pg_type on pg_type.oid = atttypid left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = to_regclass('"integrations"."alert_acknowledgements"') and attnum > 0 and not attisdropped) as found using (attname)
      where found.words is distinct from stated.words;
    select nullif(concat_ws(', ', differs, string_agg(format('%I is %s instead of %s', stated.conname, coalesce(pg_get_constraintdef(found.oid), 'missing'), pg_get_constraintdef(stated.oid)), ', ')), '') into differs
      from pg_constraint as stated left join pg_constraint as found on found.conrelid = to_regclass('"integrations"."alert_acknowledgements"')
        and (found.conname = stated.conname or found.contype = 'p' and stated.contype = 'p')
      where stated.conrelid = to_regclass('integrations_stated."alert_acknowledgements"')
        and pg_get_constraintdef(found.oid) is distinct from pg_get_constraintdef(stated.oid)
        and pg_get_constraintdef(found.oid) is distinct from regexp_replace(pg_get_constraintdef(stated.oid), ' NOT VALID$', '');
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% exists, but %', '"integrations"."alert_acknowledgements"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "integrations"."alert_acknowledgements" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"actor" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE "integrations"."alert_acknowledgements" ENABLE ROW LEVEL SECURITY;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"public"."organization_integration_changes"') is not null and not exists (select from integrations_once.statements where id = '20261127050734.table public.organization_integration_changes') then
    if exists (select from pg_class where oid = to_regclass('"public"."organization_integration_changes"') and (relkind <> 'r' or relpersistence <> 'p')) then
      raise exception '% is there already, and is no such table', '"public"."organization_integration_changes"';
    end if;
    create schema integrations_stated;
    create table integrations_stated."organization_integration_changes" ("id" uuid DEFAULT gen_random_uuid() NOT NULL, "created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL, "transaction_id" "xid8" DEFAULT pg_current_xact_id() NOT NULL, "organization_id" uuid, "integration_id" uuid, "integration_type" text, "action" text NOT NULL, "actor" text NOT NULL, "reason" text, "changes" jsonb);
    alter table integrations_stated."organization_integration_changes" add constraint "organization_integration_changes_pkey" PRIMARY KEY ("id");
    alter table integrations_stated."organization_integration_changes" add constraint "organization_integration_changes_action_check" CHECK (action in ('create', 'update', 'remove', 'prune'));
    select string_agg(format('%I is %s instead of %s', attname, coalesce(found.words, 'missing'), coalesce(stated.words, 'not stated')), ', ' order by stated.attnum, found.attnum) into differs
      from (
        select attname, attnum, concat_ws(' ', format_type(atttypid, atttypmod),
          case when attcollation <> typcollation then 'collate ' || attcollation::regcollation end,
          case attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
          case when attgenerated <> '' then 'generated as' when adbin is not null then 'default' end,
          regexp_replace(pg_get_expr(adbin, adrelid), '^nextval\(.*\)$', 'nextval'),
          case when attnotnull then 'not null' end) as words
        from pg_attribute join pg_type on pg_type.oid = atttypid left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = to_regclass('integrations_stated."organization_integration_changes"') and attnum > 0 and not attisdropped) as stated
      full join (
        select attname, attnum, concat_ws(' ', format_type(atttypid, atttypmod),
          case when attcollation <> typcollation then 'collate ' || attcollation::regcollation end,
          case attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
          case when attgenerated <> '' then 'generated as' when adbin is not null then 'default' end,
          regexp_replace(pg_get_expr(adbin, adrelid), '^nextval\(.*\)$', 'nextval'),
          case when attnotnull then 'not null' end) as words
        from pg_attribute join pg_type on pg_type.oid = atttypid left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = to_regclass('"public"."organization_integration_changes"') and attnum > 0 and not attisdropped) as found using (attname)
      where found.words is distinct from stated.words;
    select nullif(concat_ws(', ', differs, string_agg(format('%I is %s instead of %s', stated.conname, coalesce(pg_get_constraintdef(found.oid), 'missing'), pg_get_constraintdef(stated.oid)), ', ')), '') into differs
      from pg_constraint as stated left join pg_constraint as found on found.conrelid = to_regclass('"public"."organization_integration_changes"')
        and (found.conname = stated.conname or found.contype = 'p' and stated.contype = 'p')
      where stated.conrelid = to_regclass('integrations_stated."organization_integration_changes"')
        and pg_get_constraintdef(found.oid) is distinct from pg_get_constraintdef(stated.oid)
        and pg_get_constraintdef(found.oid) is distinct from regexp_replace(pg_get_constraintdef(stated.oid), ' NOT VALID$', '');
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% exists, but %', '"public"."organization_integration_changes"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "organization_integration_changes" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"transaction_id" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"organization_id" uuid,
	"integration_id" uuid,
	"integration_type" text,
	"action" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text,
	"changes" jsonb,
	CONSTRAINT "organization_integration_changes_action_check" CHECK (action in ('create', 'update', 'remove', 'prune'))
);

ALTER TABLE "organization_integration_changes" ENABLE ROW LEVEL SECURITY;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"public"."organization_integration_runs"') is not null and not exists (select from integrations_once.statements where id = '20261127050734.table public.organization_integration_runs') then
    if exists (select from pg_class where oid = to_regclass('"public"."organization_integration_runs"') and (relkind <> 'r' or relpersistence <> 'p')) then
      raise exception '% is there already, and is no such table', '"public"."organization_integration_runs"';
    end if;
    create schema integrations_stated;
    create table integrations_stated."organization_integration_runs" ("id" uuid DEFAULT gen_random_uuid() NOT NULL, "integration_id" uuid NOT NULL, "organization_id" uuid NOT NULL, "due" timestamp with time zone NOT NULL, "started_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL, "finished_at" timestamp with time zone, "outcome" text, "message" text, "counts" jsonb, "attempt" bigint DEFAULT 1 NOT NULL);
    alter table integrations_stated."organization_integration_runs" add constraint "organization_integration_runs_pkey" PRIMARY KEY ("id");
    alter table integrations_stated."organization_integration_runs" add constraint "organization_integration_runs_integration_id_due_key" UNIQUE("integration_id","due");
    alter table integrations_stated."organization_integration_runs" add constraint "organization_integration_runs_outcome_check" CHECK (case when outcome is null then finished_at is null else outcome in ('succeeded', 'failed', 'cancelled') and finished_at is not null end);
    alter table integrations_stated."organization_integration_runs" add constraint "organization_integration_runs_attempt_check" CHECK (attempt > 0);
    alter table integrations_stated."organization_integration_runs" add constraint "organization_integration_runs_message_check" CHECK (length(message) between 1 and 1000);
    alter table integrations_stated."organization_integration_runs" add constraint "organization_integration_runs_counts_check" CHECK (counts is null or case when jsonb_typeof(counts) = 'object' then length(counts::text) <= 4000 and not jsonb_path_exists(counts, 'strict $.* ? (@.type() <> "number")') else false end);
    select string_agg(format('%I is %s instead of %s', attname, coalesce(found.words, 'missing'), coalesce(stated.words, 'not stated')), ', ' order by stated.attnum, found.attnum) into differs
      from (
        select attname, attnum, concat_ws(' ', format_type(atttypid, atttypmod),
          case when attcollation <> typcollation then 'collate ' || attcollation::regcollation end,
          case attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
          case when attgenerated <> '' then 'generated as' when adbin is not null then 'default' end,
          regexp_replace(pg_get_expr(adbin, adrelid), '^nextval\(.*\)$', 'nextval'),
          case when attnotnull then 'not null' end) as words
        from pg_attribute join pg_type on pg_type.oid = atttypid left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = to_regclass('integrations_stated."organization_integration_runs"') and attnum > 0 and not attisdropped) as stated
      full join (
        select attname, attnum, concat_ws(' ', format_type(atttypid, atttypmod),
          case when attcollation <> typcollation then 'collate ' || attcollation::regcollation end,
          case attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
          case when attgenerated <> '' then 'generated as' when adbin is not null then 'default' end,
          regexp_replace(pg_get_expr(adbin, adrelid), '^nextval\(.*\)$', 'nextval'),
          case when attnotnull then 'not null' end) as words
        from pg_attribute join pg_type on pg_type.oid = atttypid left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = to_regclass('"public"."organization_integration_runs"') and attnum > 0 and not attisdropped) as found using (attname)
      where found.words is distinct from stated.words;
    select nullif(concat_ws(', ', differs, string_agg(format('%I is %s instead of %s', stated.conname, coalesce(pg_get_constraintdef(found.oid), 'missing'), pg_get_constraintdef(stated.oid)), ', ')), '') into differs
      from pg_constraint as stated left join pg_constraint as found on found.conrelid = to_regclass('"public"."organization_integration_runs"')
        and (found.conname = stated.conname or found.contype = 'p' and stated.contype = 'p')
      where stated.conrelid = to_regclass('integrations_stated."organization_integration_runs"')
        and pg_get_constraintdef(found.oid) is distinct from pg_get_constraintdef(stated.oid)
        and pg_get_constraintdef(found.oid) is distinct from regexp_replace(pg_get_constraintdef(stated.oid), ' NOT VALID$', '');
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% exists, but %', '"public"."organization_integration_runs"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "organization_integration_runs" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"integration_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"due" timestamp with time zone NOT NULL,
	"started_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"finished_at" timestamp with time zone,
	"outcome" text,
	"message" text,
	"counts" jsonb,
	"attempt" bigint DEFAULT 1 NOT NULL,
	CONSTRAINT "organization_integration_runs_integration_id_due_key" UNIQUE("integration_id","due"),
	CONSTRAINT "organization_integration_runs_outcome_check" CHECK (case when outcome is null then finished_at is null else outcome in ('succeeded', 'failed', 'cancelled') and finished_at is not null end),
	CONSTRAINT "organization_integration_runs_attempt_check" CHECK (attempt > 0),
	CONSTRAINT "organization_integration_runs_message_check" CHECK (length(message) between 1 and 1000),
	CONSTRAINT "organization_integration_runs_counts_check" CHECK (counts is null or case when jsonb_typeof(counts) = 'object' then length(counts::text) <= 4000 and not jsonb_path_exists(counts, 'strict $.* ? (@.type() <> "number")') else false end)
);

ALTER TABLE "organization_integration_runs" ENABLE ROW LEVEL SECURITY;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"integrations"."sync_plans"') is not null and not exists (select from integrations_once.statements where id = '20261127050734.table integrations.sync_plans') then
    if exists (select from pg_class where oid = to_regclass('"integrations"."sync_plans"') and (relkind <> 'r' or relpersistence <> 'p')) then
      raise exception '% is there already, and is no such table', '"integrations"."sync_plans"';
    end if;
    create schema integrations_stated;
    create table integrations_stated."sync_plans" ("queue" text NOT NULL, "planned_through" timestamp with time zone NOT NULL);
    alter table integrations_stated."sync_plans" add constraint "sync_plans_pkey" PRIMARY KEY ("queue");
    select string_agg(format('%I is %s instead of %s', attname, coalesce(found.words, 'missing'), coalesce(stated.words, 'not stated')), ', ' order by stated.attnum, found.attnum) into differs
      from (
        select attname, attnum, concat_ws(' ', format_type(atttypid, atttypmod),
          case when attcollation <> typcollation then 'collate ' || attcollation::regcollation end,
          case attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
          case when attgenerated <> '' then 'generated as' when adbin is not null then 'default' end,
          regexp_replace(pg_get_expr(adbin, adrelid), '^nextval\(.*\)$', 'nextval'),
          case when attnotnull then 'not null' end) as words
        from pg_attribute join pg_type on pg_type.oid = atttypid left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = to_regclass('integrations_stated."sync_plans"') and attnum > 0 and not attisdropped) as stated
      full join (
        select attname, attnum, concat_ws(' ', format_type(atttypid, atttypmod),
          case when attcollation <> typcollation then 'collate ' || attcollation::regcollation end,
          case attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
          case when attgenerated <> '' then 'generated as' when adbin is not null then 'default' end,
          regexp_replace(pg_get_expr(adbin, adrelid), '^nextval\(.*\)$', 'nextval'),
          case when attnotnull then 'not null' end) as words
        from pg_attribute join pg_type on pg_type.oid = atttypid left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = to_regclass('"integrations"."sync_plans"') and attnum > 0 and not attisdropped) as found using (attname)
      where found.words is distinct from stated.words;
    select nullif(concat_ws(', ', differs, string_agg(format('%I is %s instead of %s', stated.conname, coalesce(pg_get_constraintdef(found.oid), 'missing'), pg_get_constraintdef(stated.oid)), ', ')), '') into differs
      from pg_constraint as stated left join pg_constraint as found on found.conrelid = to_regclass('"integrations"."sync_plans"')
        and (found.conname = stated.conname or found.contype = 'p' and stated.contype = 'p')
      where stated.conrelid = to_regclass('integrations_stated."sync_plans"')
        and pg_get_constraintdef(found.oid) is distinct from pg_get_constraintdef(stated.oid)
        and pg_get_constraintdef(found.oid) is distinct from regexp_replace(pg_get_constraintdef(stated.oid), ' NOT VALID$', '');
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% exists, but %', '"integrations"."sync_plans"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "integrations"."sync_plans" (
	"queue" text PRIMARY KEY NOT NULL,
	"planned_through" timestamp with time zone NOT NULL
);

ALTER TABLE "integrations"."sync_plans" ENABLE ROW LEVEL SECURITY;

DO $guard$
DECLARE
  differs text;
BEGIN
  if exists (select from pg_attribute where attrelid = to_regclass('"public"."organization_integration_events"') and attname = 'transaction_id' and not attisdropped) and not exists (select from integrations_once.statements where id = '20261127050734.column public.organization_integration_events.transaction_id') then
    create schema integrations_stated;
    create table integrations_stated."organization_integration_events" (like "public"."organization_integration_events");
    alter table integrations_stated."organization_integration_events" drop column "transaction_id";
    alter table integrations_stated."organization_integration_events" add column "transaction_id" "xid8" DEFAULT pg_current_xact_id() NOT NULL;
    select string_agg(format('%I is %s instead of %s', attname, coalesce(found.words, 'missing'), coalesce(stated.words, 'not stated')), ', ' order by stated.attnum, found.attnum) into differs
      from (
        select attname, attnum, concat_ws(' ', format_type(atttypid, atttypmod),
          case when attcollation <> typcollation then 'collate ' || attcollation::regcollation end,
          case attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
          case when attgenerated <> '' then 'generated as' when adbin is not null then 'default' end,
          regexp_replace(pg_get_expr(adbin, adrelid), '^nextval\(.*\)$', 'nextval'),
          case when attnotnull then 'not null' end) as words
        from pg_attribute join pg_type on pg_type.oid = atttypid left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = to_regclass('integrations_stated."organization_integration_events"') and attnum > 0 and not attisdropped and attname = 'transaction_id') as stated
      full join (
        select attname, attnum, concat_ws(' ', format_type(atttypid, atttypmod),
          case when attcollation <> typcollation then 'collate ' || attcollation::regcollation end,
          case attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
          case when attgenerated <> '' then 'generated as' when adbin is not null then 'default' end,
          regexp_replace(pg_get_expr(adbin, adrelid), '^nextval\(.*\)$', 'nextval'),
          case when attnotnull then 'not null' end) as words
        from pg_attribute join pg_type on pg_type.oid = atttypid left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = to_regclass('"public"."organization_integration_events"') and attnum > 0 and not attisdropped and attname = 'transaction_id') as found using (attname)
      where found.words is distinct from stated.words;
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% exists, but %', '"public"."organization_integration_events"', differs;
    end if;
  end if;
END $guard$;
ALTER TABLE "organization_integration_events" ADD COLUMN IF NOT EXISTS "transaction_id" "xid8" DEFAULT pg_current_xact_id() NOT NULL;

DO $guard$
DECLARE
  differs text;
BEGIN
  if exists (select from pg_constraint where conrelid = to_regclass('"public"."organization_integration_runs"') and conname = 'organization_integration_runs_integration_id_fkey') and not exists (select from integrations_once.statements where id = '20261127050734.table public.organization_integration_runs') then
    create schema integrations_stated;
    create table integrations_stated."organization_integration_runs" (like "public"."organization_integration_runs");
    alter table integrations_stated."organization_integration_runs" add constraint "organization_integration_runs_integration_id_fkey" FOREIGN KEY ("integration_id") REFERENCES "public"."organization_integrations"("id") ON DELETE cascade ON UPDATE no action;
    select nullif(concat_ws(', ', differs, string_agg(format('%I is %s instead of %s', stated.conname, coalesce(pg_get_constraintdef(found.oid), 'missing'), pg_get_constraintdef(stated.oid)), ', ')), '') into differs
      from pg_constraint as stated left join pg_constraint as found on found.conrelid = to_regclass('"public"."organization_integration_runs"')
        and (found.conname = stated.conname or found.contype = 'p' and stated.contype = 'p')
      where stated.conrelid = to_regclass('integrations_stated."organization_integration_runs"')
        and pg_get_constraintdef(found.oid) is distinct from pg_get_constraintdef(stated.oid)
        and pg_get_constraintdef(found.oid) is distinct from regexp_replace(pg_get_constraintdef(stated.oid), ' NOT VALID$', '');
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% has another constraint of this name: found %, expected %', '"public"."organization_integration_runs"', (select format('%I %s', conname, pg_get_constraintdef(oid)) from pg_constraint where conrelid = to_regclass('"public"."organization_integration_runs"') and conname = 'organization_integration_runs_integration_id_fkey'),
        'ALTER TABLE "organization_integration_runs" ADD CONSTRAINT "organization_integration_runs_integration_id_fkey" FOREIGN KEY ("integration_id") REFERENCES "public"."organization_integrations"("id") ON DELETE cascade ON UPDATE no action' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
DO $guard$
BEGIN
  if not exists (select from pg_constraint where conname = 'organization_integration_runs_integration_id_fkey' and conrelid = to_regclass('"organization_integration_runs"')) then
    ALTER TABLE "organization_integration_runs" ADD CONSTRAINT "organization_integration_runs_integration_id_fkey" FOREIGN KEY ("integration_id") REFERENCES "public"."organization_integrations"("id") ON DELETE cascade ON UPDATE no action;
  end if;
END $guard$;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"public"."organization_integration_changes_organization_id_created_at_idx"') is not null and not exists (select from integrations_once.statements where id = '20261127050734.table public.organization_integration_changes') then
    create schema integrations_stated;
    create table integrations_stated."organization_integration_changes" (like "public"."organization_integration_changes");
    CREATE INDEX "organization_integration_changes_organization_id_created_at_idx" ON integrations_stated."organization_integration_changes" USING btree ("organization_id","created_at");
    select 'differs' into differs where not exists (select from pg_index where indexrelid = to_regclass('"public"."organization_integration_changes_organization_id_created_at_idx"') and indisvalid and indrelid = to_regclass('"public"."organization_integration_changes"'))
        or (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('integrations_stated."organization_integration_changes_organization_id_created_at_idx"')) is distinct from (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('"public"."organization_integration_changes_organization_id_created_at_idx"'));
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% is another one: found %, expected %', 'index "public"."organization_integration_changes_organization_id_created_at_idx"', (select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end from pg_index where indexrelid = to_regclass('"public"."organization_integration_changes_organization_id_created_at_idx"')),
        'CREATE INDEX "organization_integration_changes_organization_id_created_at_idx" ON "organization_integration_changes" USING btree ("organization_id","created_at")' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_changes_organization_id_created_at_idx" ON "organization_integration_changes" USING btree ("organization_id","created_at");

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"public"."organization_integration_changes_position_idx"') is not null and not exists (select from integrations_once.statements where id = '20261127050734.table public.organization_integration_changes') then
    create schema integrations_stated;
    create table integrations_stated."organization_integration_changes" (like "public"."organization_integration_changes");
    CREATE INDEX "organization_integration_changes_position_idx" ON integrations_stated."organization_integration_changes" USING btree ("transaction_id","created_at","id");
    select 'differs' into differs where not exists (select from pg_index where indexrelid = to_regclass('"public"."organization_integration_changes_position_idx"') and indisvalid and indrelid = to_regclass('"public"."organization_integration_changes"'))
        or (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('integrations_stated."organization_integration_changes_position_idx"')) is distinct from (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('"public"."organization_integration_changes_position_idx"'));
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% is another one: found %, expected %', 'index "public"."organization_integration_changes_position_idx"', (select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end from pg_index where indexrelid = to_regclass('"public"."organization_integration_changes_position_idx"')),
        'CREATE INDEX "organization_integration_changes_position_idx" ON "organization_integration_changes" USING btree ("transaction_id","created_at","id")' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_changes_position_idx" ON "organization_integration_changes" USING btree ("transaction_id","created_at","id");

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"public"."organization_integration_runs_organization_id_due_idx"') is not null and not exists (select from integrations_once.statements where id = '20261127050734.table public.organization_integration_runs') then
    create schema integrations_stated;
    create table integrations_stated."organization_integration_runs" (like "public"."organization_integration_runs");
    CREATE INDEX "organization_integration_runs_organization_id_due_idx" ON integrations_stated."organization_integration_runs" USING btree ("organization_id","due");
    select 'differs' into differs where not exists (select from pg_index where indexrelid = to_regclass('"public"."organization_integration_runs_organization_id_due_idx"') and indisvalid and indrelid = to_regclass('"public"."organization_integration_runs"'))
        or (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('integrations_stated."organization_integration_runs_organization_id_due_idx"')) is distinct from (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('"public"."organization_integration_runs_organization_id_due_idx"'));
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% is another one: found %, expected %', 'index "public"."organization_integration_runs_organization_id_due_idx"', (select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end from pg_index where indexrelid = to_regclass('"public"."organization_integration_runs_organization_id_due_idx"')),
        'CREATE INDEX "organization_integration_runs_organization_id_due_idx" ON "organization_integration_runs" USING btree ("organization_id","due")' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_runs_organization_id_due_idx" ON "organization_integration_runs" USING btree ("organization_id","due");

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"public"."organization_integration_events_position_idx"') is not null and not exists (select from integrations_once.statements where id = '20261127050734.index public.organization_integration_events_position_idx') then
    create schema integrations_stated;
    create table integrations_stated."organization_integration_events" (like "public"."organization_integration_events");
    CREATE INDEX "organization_integration_events_position_idx" ON integrations_stated."organization_integration_events" USING btree ("transaction_id","created_at","id");
    select 'differs' into differs where not exists (select from pg_index where indexrelid = to_regclass('"public"."organization_integration_events_position_idx"') and indisvalid and indrelid = to_regclass('"public"."organization_integration_events"'))
        or (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('integrations_stated."organization_integration_events_position_idx"')) is distinct from (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('"public"."organization_integration_events_position_idx"'));
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% is another one: found %, expected %', 'index "public"."organization_integration_events_position_idx"', (select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end from pg_index where indexrelid = to_regclass('"public"."organization_integration_events_position_idx"')),
        'CREATE INDEX "organization_integration_events_position_idx" ON "organization_integration_events" USING btree ("transaction_id","created_at","id")' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_events_position_idx" ON "organization_integration_events" USING btree ("transaction_id","created_at","id");

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"public"."organization_integration_events_alerts_idx"') is not null and not exists (select from integrations_once.statements where id = '20261127050734.index public.organization_integration_events_alerts_idx') then
    create schema integrations_stated;
    create table integrations_stated."organization_integration_events" (like "public"."organization_integration_events");
    CREATE INDEX "organization_integration_events_alerts_idx" ON integrations_stated."organization_integration_events" USING btree ("transaction_id","created_at","id") WHERE action = 'alert';
    select 'differs' into differs where not exists (select from pg_index where indexrelid = to_regclass('"public"."organization_integration_events_alerts_idx"') and indisvalid and indrelid = to_regclass('"public"."organization_integration_events"'))
        or (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('integrations_stated."organization_integration_events_alerts_idx"')) is distinct from (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('"public"."organization_integration_events_alerts_idx"'));
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% is another one: found %, expected %', 'index "public"."organization_integration_events_alerts_idx"', (select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end from pg_index where indexrelid = to_regclass('"public"."organization_integration_events_alerts_idx"')),
        'CREATE INDEX "organization_integration_events_alerts_idx" ON "organization_integration_events" USING btree ("transaction_id","created_at","id") WHERE action = ''alert''' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_events_alerts_idx" ON "organization_integration_events" USING btree ("transaction_id","created_at","id") WHERE action = 'alert';

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"public"."organization_integrations_scheduled_idx"') is not null and not exists (select from integrations_once.statements where id = '20261127050734.index public.organization_integrations_scheduled_idx') then
    create schema integrations_stated;
    create table integrations_stated."organization_integrations" (like "public"."organization_integrations");
    CREATE INDEX "organization_integrations_scheduled_idx" ON integrations_stated."organization_integrations" USING btree ("id") WHERE status = 'active' and sync_schedule is not null;
    select 'differs' into differs where not exists (select from pg_index where indexrelid = to_regclass('"public"."organization_integrations_scheduled_idx"') and indisvalid and indrelid = to_regclass('"public"."organization_integrations"'))
        or (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('integrations_stated."organization_integrations_scheduled_idx"')) is distinct from (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('"public"."organization_integrations_scheduled_idx"'));
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% is another one: found %, expected %', 'index "public"."organization_integrations_scheduled_idx"', (select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end from pg_index where indexrelid = to_regclass('"public"."organization_integrations_scheduled_idx"')),
        'CREATE INDEX "organization_integrations_scheduled_idx" ON "organization_integrations" USING btree ("id") WHERE status = ''active'' and sync_schedule is not null' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integrations_scheduled_idx" ON "organization_integrations" USING btree ("id") WHERE status = 'active' and sync_schedule is not null;

DO $guard$
DECLARE
  differs text;
BEGIN
  if exists (select from pg_policy where polrelid = to_regclass('"public"."organization_integration_changes"') and polname = 'admins_can_read_own_changes') and not exists (select from integrations_once.statements where id = '20261127050734.table public.organization_integration_changes') then
    create schema integrations_stated;
    create table integrations_stated."organization_integration_changes" (like "public"."organization_integration_changes");
    CREATE POLICY "admins_can_read_own_changes" ON integrations_stated."organization_integration_changes" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');
    select 'differs' into differs where (select concat_ws(' ', polcmd, polpermissive, (select string_agg(role::regrole::text, ', ' order by role) from unnest(polroles) as role), pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid)) from pg_policy where polrelid = to_regclass('integrations_stated."organization_integration_changes"') and polname = 'admins_can_read_own_changes') is distinct from (select concat_ws(' ', polcmd, polpermissive, (select string_agg(role::regrole::text, ', ' order by role) from unnest(polroles) as role), pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid)) from pg_policy where polrelid = to_regclass('"public"."organization_integration_changes"') and polname = 'admins_can_read_own_changes');
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% is another one: found %, expected %', 'policy "admins_can_read_own_changes" of "public"."organization_integration_changes"', (select string_agg(concat_ws(' ', polcmd, polpermissive, (select string_agg(role::regrole::text, ', ' order by role) from unnest(polroles) as role), pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid)), '') from pg_policy where polrelid = to_regclass('"public"."organization_integration_changes"') and polname = 'admins_can_read_own_changes'),
        'CREATE POLICY "admins_can_read_own_changes" ON "organization_integration_changes" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = ''admin'')' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
DROP POLICY IF EXISTS "admins_can_read_own_changes" ON "organization_integration_changes";
CREATE POLICY "admins_can_read_own_changes" ON "organization_integration_changes" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');

DO $guard$
DECLARE
  differs text;
BEGIN
  if exists (select from pg_policy where polrelid = to_regclass('"public"."organization_integration_runs"') and polname = 'org_members_can_read_own_runs') and not exists (select from integrations_once.statements where id = '20261127050734.table public.organization_integration_runs') then
    create schema integrations_stated;
    create table integrations_stated."organization_integration_runs" (like "public"."organization_integration_runs");
    CREATE POLICY "org_members_can_read_own_runs" ON integrations_stated."organization_integration_runs" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) in ('admin', 'coordinator'));
    select 'differs' into differs where (select concat_ws(' ', polcmd, polpermissive, (select string_agg(role::regrole::text, ', ' order by role) from unnest(polroles) as role), pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid)) from pg_policy where polrelid = to_regclass('integrations_stated."organization_integration_runs"') and polname = 'org_members_can_read_own_runs') is distinct from (select concat_ws(' ', polcmd, polpermissive, (select string_agg(role::regrole::text, ', ' order by role) from unnest(polroles) as role), pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid)) from pg_policy where polrelid = to_regclass('"public"."organization_integration_runs"') and polname = 'org_members_can_read_own_runs');
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% is another one: found %, expected %', 'policy "org_members_can_read_own_runs" of "public"."organization_integration_runs"', (select string_agg(concat_ws(' ', polcmd, polpermissive, (select string_agg(role::regrole::text, ', ' order by role) from unnest(polroles) as role), pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid)), '') from pg_policy where polrelid = to_regclass('"public"."organization_integration_runs"') and polname = 'org_members_can_read_own_runs'),
        'CREATE POLICY "org_members_can_read_own_runs" ON "organization_integration_runs" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) in (''admin'', ''coordinator''))' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
DROP POLICY IF EXISTS "org_members_can_read_own_runs" ON "organization_integration_runs";
CREATE POLICY "org_members_can_read_own_runs" ON "organization_integration_runs" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) in ('admin', 'coordinator'));

alter table "integrations"."alert_acknowledgements" force row level security;

revoke all on table "integrations"."alert_acknowledgements" from public, anon, authenticated, service_role;

alter table "integrations"."sync_plans" force row level security;

revoke all on table "integrations"."sync_plans" from public, anon, authenticated, service_role;

alter table "public"."organization_integration_changes" force row level security;

revoke all on table "public"."organization_integration_changes" from public, anon, authenticated, service_role;
grant select on table "public"."organization_integration_changes" to authenticated;
grant select on table "public"."organization_integration_changes" to service_role;

alter table "public"."organization_integration_runs" force row level security;

revoke all on table "public"."organization_integration_runs" from public, anon, authenticated, service_role;
grant select on table "public"."organization_integration_runs" to authenticated;
grant select on table "public"."organization_integration_runs" to service_role;

create or replace trigger "changes_append_only" before update or delete or truncate on "public"."organization_integration_changes" for each statement execute function integrations.refuse_change();

drop function if exists integrations.configuration_problems(field_mappings jsonb, excluded_features jsonb);
create function integrations.configuration_problems(field_mappings jsonb, excluded_features jsonb) returns text[]
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  version jsonb := coalesce(field_mappings -> '$version', '1');
  known text[] := case version when '1' then array['path', 'transform', 'default'] when '2' then array['path', 'transform', 'default', 'map', 'required', 'const'] end;
  mappings jsonb;
  printed text;
  large boolean;
  looks boolean;
  odd boolean := false;
  closely boolean;
  named boolean;
  bytes integer;
  names text[];
  key text;
  value jsonb;
  others jsonb;
  lookup jsonb;
  entry text;
  item jsonb;
  place integer;
  content text;
  entries integer;
  sound boolean;
  keys text;
  words text;
  bare text;
  -- Null until there is one: an array's variable costs as much as a rule.
  found jsonb[];
begin
  if field_mappings is null or jsonb_typeof(field_mappings) <> 'object' then
    found := found || jsonb_build_array('must be an object', 'field_mappings');
  elsif known is null then
    found := found || jsonb_build_array('must be a version that this package knows', 'field_mappings.$version');
  elsif field_mappings <> '{}' then
    printed := field_mappings::text;
    looks := printed collate "C" ~ E'[Rr][ \\\\\\u00a0]|[Cc][ \\\\]|yJ|-----B|k_[lt]|h[pousr]_|_pat_|lpat-|ox[a-z]-|I[Az]';
    if looks then
      -- Nothing that is escaped makes or breaks a look, but a quote.
      looks := regexp_replace(printed, E'\\\\(u00..|.)', ' ', 'g') collate "C" ~ E'("|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|("|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*"|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}';
    end if;
    mappings := case when field_mappings ? '$version' then field_mappings - '$version' else field_mappings end;
    -- Printed it is at least as long.
    large := octet_length(printed) > 65536;
    bytes := case when field_mappings ? '$version' then 8 else 0 end;
    if mappings - array['$version', 'amount', 'account', 'date', 'currency', 'tax_code', 'cost_center', 'activity_code', 'employee_id', 'reference', 'first_name', 'last_name', 'email', 'course_code', 'completed_on', 'member_id', 'birth_date', 'group_code', 'participants', 'activity_date'] <> '{}' then
      names := array(select jsonb_object_keys(mappings));
      if cardinality(names) > 200 then found := found || jsonb_build_array('must have at most 200 keys', 'field_mappings'); end if;
      keys := array_to_string(names, '"');
      named := keys collate "C" ~ '[^A-Za-z0-9_"]' or replace(lower(keys collate "C"), '_', '') collate "C" like any (array['%pass%', '%hemmelig%', '%key%', '%kkel%', '%cred%', '%authori%', '%token%', '%secret%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%']);
      if named then
        words := replace(case when keys collate "C" ~ '[^a-z0-9_"]|__' then '_' || regexp_replace(lower(regexp_replace(regexp_replace(keys collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9"]+', '_', 'g') || '_' else '_' || keys || '_' end, '"', '_"_');
        bare := replace(words, '_', '');
        named := strpos(bare, 'password') > 0 and words collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d'
          or strpos(bare, 'passwd') > 0 and words collate "C" ~ 'p_?a_?s_?s_?w_?d'
          or strpos(bare, 'passphrase') > 0 and words collate "C" ~ 'p_?a_?s_?s_?p_?h_?r_?a_?s_?e'
          or strpos(bare, 'passord') > 0 and words collate "C" ~ 'passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])'
          or strpos(bare, 'passcode') > 0 and words collate "C" ~ '_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_'
          or strpos(bare, 'hemmelig') > 0 and words collate "C" ~ 'h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_'
          or strpos(bare, 'apikey') > 0 and words collate "C" ~ 'a_?p_?i_?k_?e_?y'
          or strpos(bare, 'privatekey') > 0 and words collate "C" ~ 'p_?r_?i_?v_?a_?t_?e_?k_?e_?y'
          or strpos(bare, 'accesskey') > 0 and words collate "C" ~ '_access_?keys?_?[0-9]*_'
          or strpos(bare, 'secretkey') > 0 and words collate "C" ~ '_secret_?keys?_?[0-9]*_'
          or strpos(bare, 'signingkey') > 0 and words collate "C" ~ '_signing_?keys?_?[0-9]*_'
          or strpos(bare, 'encryptionkey') > 0 and words collate "C" ~ '_encryption_?keys?_?[0-9]*_'
          or strpos(bare, 'authkey') > 0 and words collate "C" ~ '_auth_?keys?_?[0-9]*_'
          or strpos(bare, 'masterkey') > 0 and words collate "C" ~ '_master_?keys?_?[0-9]*_'
          or strpos(bare, 'sshkey') > 0 and words collate "C" ~ '_ssh_?keys?_?[0-9]*_'
          or strpos(bare, 'subscriptionkey') > 0 and words collate "C" ~ '_subscription_?keys?_?[0-9]*_'
          or strpos(bare, 'sharedkey') > 0 and words collate "C" ~ '_shared_?keys?_?[0-9]*_'
          or strpos(bare, 'consumerkey') > 0 and words collate "C" ~ '_consumer_?keys?_?[0-9]*_'
          or strpos(bare, 'kkel') > 0 and words collate "C" ~ '_a_?p_?i_?n(o|oe)_?k_?k_?e_?l'
          or strpos(bare, 'cred') > 0 and words collate "C" ~ 'c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_'
          or strpos(bare, 'authori') > 0 and words collate "C" ~ 'a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n'
          or strpos(bare, 'token') > 0 and words collate "C" ~ 'tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_'
          or strpos(bare, 'secret') > 0 and words collate "C" ~ 'c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_'
          or strpos(bare, 'pwd') > 0 and words collate "C" ~ 'pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_'
          or strpos(bare, 'jwt') > 0 and words collate "C" ~ 'jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_'
          or strpos(bare, 'pin') > 0 and words collate "C" ~ '_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_'
          or strpos(bare, 'kodeord') > 0 and words collate "C" ~ '_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_'
          or strpos(bare, 'bearer') > 0 and words collate "C" ~ '_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_'
          or strpos(bare, 'otp') > 0 and words collate "C" ~ '_o_?t_?p_?s?_?[0-9]*_';
      end if;
      odd := named or strpos(printed, E'\\"') > 0 or mappings ?| array['__proto__', 'prototype', 'constructor'] or not (keys collate "C" ~ '^[A-Za-z_][A-Za-z0-9_]*("[A-Za-z_][A-Za-z0-9_]*)*$' and (length(keys) <= 63 or not keys collate "C" ~ '[^"]{64}'));
    end if;
    closely := large or looks or odd;
    if closely
      or not (octet_length(printed) <= 255 or octet_length(printed) <= 511
        and strpos(substr(printed, 129, 128), '"') > 0 and strpos(substr(printed, 256, 128), '"') > 0 or not printed collate "C" ~ '[^"]{255}')
      or not (case when strpos(printed, '": {') = 0 then replace(replace(printed, '"$version": 1', '"v": "v"'), '"$version": 2', '"v": "v"')
        when strpos(printed, '"$version": 2') > 0 then replace(replace(replace(replace(replace(replace(replace(printed, '"$version": 2', '"v": "v"'), '{"path": "', '<"'), '{"const": "', '<"'), ', "default": ', ';'), ', "required": true', '?'), ', "required": false', '?'), ', "transform": "', '!')
        else replace(replace(replace(replace(printed, '"$version": 1', '"v": "v"'), '{"path": "', '<"'), ', "default": ', ';'), ', "transform": "', '!') end) collate "C" ~ E'^\\{("[^"]+": ("[^"\\\\]+"|<("[^"\\\\]+"|[-;?.0-9a-z]|![a-z0-9_]+")+\\})(, )?)*\\}$'
      or not (strpos(printed, '"transform"') = 0 or not jsonb_path_exists(mappings, '$.*.transform ? (!(@ == "trim" || @ == "upper" || @ == "lower" || @ == "iso_date" || @ == "norwegian_date" || @ == "decimal_0" || @ == "decimal_2" || @ == "decimal_4" || @ == "decimal_nb" || @ == "decimal_0_nb" || @ == "decimal_2_nb" || @ == "decimal_4_nb" || @ == "decimal_en" || @ == "decimal_0_en" || @ == "decimal_2_en" || @ == "decimal_4_en"))')) then
    for key, value in
      select m.key, m.value from jsonb_each(mappings) as m
      where closely or jsonb_typeof(m.value) <> 'string' or m.value = '""' or octet_length(m.value::text) > 255
    loop
      named := odd;
      if closely then
      if large then bytes := bytes + octet_length(key); end if;
      if looks then if key collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key); end if; end if;
      if key = any (array['__proto__', 'prototype', 'constructor']) then found := found || jsonb_build_array('must not be a name that JavaScript reserves', 'field_mappings', key); end if;
      if named then if (('_' || regexp_replace(lower(regexp_replace(regexp_replace(key collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(key collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ '_(count|limit|length|size|type|usage|used|budget|quota|cost|price|ttl|age|lifetime|expiry|expires|expires_at|expires_in|expired|status|policy|required|rate|created_at|changed_at|issued_at|rotated_at|per_minute|per_hour|per_day|per_request|antall|grense|lengde|storrelse|forbruk|kostnad|pris|levetid|utlop|utloper|brukt)_([0-9]+_)?$|^_(max|total|used|remaining|input|output|prompt|completion|maks)_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$|^_(number_of|count_of|num|antall)_') then found := found || jsonb_build_array('must not name a credential; store it with credentials.store', 'field_mappings', key); end if; end if;
        if not (length(key) <= 63 and key collate "C" ~ '^[A-Za-z_][A-Za-z0-9_]*$') then found := found || jsonb_build_array('must be a letter or _, then letters, digits or _, at most 63 of them', 'field_mappings', key); end if;
      end if;
      case jsonb_typeof(value)
      when 'string' then
      content := value #>> '{}';
      if content = '' or length(content) > 255 then found := found || jsonb_build_array('must have 1 to 255 characters', 'field_mappings', key); end if;
      if large then bytes := bytes + octet_length(content); end if;
      if looks then if content collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key); end if; end if;
      when 'object' then
      others := value - known;
      if large then
        bytes := bytes + (select coalesce(sum(octet_length(f.key)), 0) from jsonb_object_keys(value) as f (key) where f.key = any (known));
      end if;
      if others <> '{}' then
        named := true;
        for entry in select f.key from jsonb_object_keys(others) as f (key) loop
      if large then bytes := bytes + octet_length(entry); end if;
      if looks then if entry collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key, entry); end if; end if;
      if entry = any (array['__proto__', 'prototype', 'constructor']) then found := found || jsonb_build_array('must not be a name that JavaScript reserves', 'field_mappings', key, entry); end if;
      if named then if (('_' || regexp_replace(lower(regexp_replace(regexp_replace(entry collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(entry collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ '_(count|limit|length|size|type|usage|used|budget|quota|cost|price|ttl|age|lifetime|expiry|expires|expires_at|expires_in|expired|status|policy|required|rate|created_at|changed_at|issued_at|rotated_at|per_minute|per_hour|per_day|per_request|antall|grense|lengde|storrelse|forbruk|kostnad|pris|levetid|utlop|utloper|brukt)_([0-9]+_)?$|^_(max|total|used|remaining|input|output|prompt|completion|maks)_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$|^_(number_of|count_of|num|antall)_') then found := found || jsonb_build_array('must not name a credential; store it with credentials.store', 'field_mappings', key, entry); end if; end if;
          found := found || jsonb_build_array('is no part of a mapping in this version', 'field_mappings', key, entry);
        end loop;
        value := value - array(select jsonb_object_keys(others));
      end if;
      item := value -> 'path';
      if item is not null then
        if jsonb_typeof(item) = 'string' then
      content := item #>> '{}';
      if content = '' or length(content) > 255 then found := found || jsonb_build_array('must have 1 to 255 characters', 'field_mappings', key, 'path'); end if;
      if large then bytes := bytes + octet_length(content); end if;
      if looks then if content collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key, 'path'); end if; end if;
        else found := found || jsonb_build_array('must be a text', 'field_mappings', key, 'path');
        end if;
        if value ? 'const' then found := found || jsonb_build_array('must stand in place of a path, not beside one', 'field_mappings', key, 'const'); end if;
      elsif not value ? 'const' then
        found := found || jsonb_build_array('is missing', 'field_mappings', key, 'path');
      end if;
      item := value -> 'const';
      if item is not null then
      case jsonb_typeof(item)
      when 'string' then
        content := item #>> '{}';
      if large then bytes := bytes + octet_length(content); end if;
      if looks then if content collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key, 'const'); end if; end if;
      when 'boolean' then null;
      when 'number' then if abs(item::numeric) > 1e+308 then found := found || jsonb_build_array('must be within ±1e308', 'field_mappings', key, 'const'); end if;
      else found := found || jsonb_build_array('must be a text, a number, true or false', 'field_mappings', key, 'const');
      end case;
      end if;
      item := value -> 'default';
      if item <> 'null' then
      case jsonb_typeof(item)
      when 'string' then
        content := item #>> '{}';
      if large then bytes := bytes + octet_length(content); end if;
      if looks then if content collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key, 'default'); end if; end if;
      when 'boolean' then null;
      when 'number' then if abs(item::numeric) > 1e+308 then found := found || jsonb_build_array('must be within ±1e308', 'field_mappings', key, 'default'); end if;
      else found := found || jsonb_build_array('must be a text, a number, true or false', 'field_mappings', key, 'default');
      end case;
      end if;
      item := value -> 'transform';
      if item is not null then
        content := case jsonb_typeof(item) when 'string' then item #>> '{}' end;
        if content is null or not (length(content) <= 63 and content collate "C" ~ '^[a-z][a-z0-9_]*$') then found := found || jsonb_build_array('must be the name of a transform, such as decimal_2', 'field_mappings', key, 'transform'); end if;
        if content is not null then
      if large then bytes := bytes + octet_length(content); end if;
      if looks then if content collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key, 'transform'); end if; end if;
        end if;
      end if;
      if jsonb_typeof(value -> 'required') <> 'boolean' then found := found || jsonb_build_array('must be true or false', 'field_mappings', key, 'required'); end if;
      lookup := value -> 'map';
      if lookup is not null then
      if jsonb_typeof(lookup) <> 'object' then
        found := found || jsonb_build_array('must be an object', 'field_mappings', key, 'map');
      else
        select count(*), bool_and(jsonb_typeof(l.value) = 'string'), string_agg(translate(l.key, '"', ' '), '"')
        into entries, sound, keys from jsonb_each(lookup) as l;
        if entries > 200 then found := found || jsonb_build_array('must have at most 200 entries', 'field_mappings', key, 'map'); end if;
      named := keys collate "C" ~ '[^A-Za-z0-9_"]' or replace(lower(keys collate "C"), '_', '') collate "C" like any (array['%pass%', '%hemmelig%', '%key%', '%kkel%', '%cred%', '%authori%', '%token%', '%secret%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%']);
      if named then
        words := replace(case when keys collate "C" ~ '[^a-z0-9_"]|__' then '_' || regexp_replace(lower(regexp_replace(regexp_replace(keys collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9"]+', '_', 'g') || '_' else '_' || keys || '_' end, '"', '_"_');
        bare := replace(words, '_', '');
        named := strpos(bare, 'password') > 0 and words collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d'
          or strpos(bare, 'passwd') > 0 and words collate "C" ~ 'p_?a_?s_?s_?w_?d'
          or strpos(bare, 'passphrase') > 0 and words collate "C" ~ 'p_?a_?s_?s_?p_?h_?r_?a_?s_?e'
          or strpos(bare, 'passord') > 0 and words collate "C" ~ 'passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])'
          or strpos(bare, 'passcode') > 0 and words collate "C" ~ '_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_'
          or strpos(bare, 'hemmelig') > 0 and words collate "C" ~ 'h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_'
          or strpos(bare, 'apikey') > 0 and words collate "C" ~ 'a_?p_?i_?k_?e_?y'
          or strpos(bare, 'privatekey') > 0 and words collate "C" ~ 'p_?r_?i_?v_?a_?t_?e_?k_?e_?y'
          or strpos(bare, 'accesskey') > 0 and words collate "C" ~ '_access_?keys?_?[0-9]*_'
          or strpos(bare, 'secretkey') > 0 and words collate "C" ~ '_secret_?keys?_?[0-9]*_'
          or strpos(bare, 'signingkey') > 0 and words collate "C" ~ '_signing_?keys?_?[0-9]*_'
          or strpos(bare, 'encryptionkey') > 0 and words collate "C" ~ '_encryption_?keys?_?[0-9]*_'
          or strpos(bare, 'authkey') > 0 and words collate "C" ~ '_auth_?keys?_?[0-9]*_'
          or strpos(bare, 'masterkey') > 0 and words collate "C" ~ '_master_?keys?_?[0-9]*_'
          or strpos(bare, 'sshkey') > 0 and words collate "C" ~ '_ssh_?keys?_?[0-9]*_'
          or strpos(bare, 'subscriptionkey') > 0 and words collate "C" ~ '_subscription_?keys?_?[0-9]*_'
          or strpos(bare, 'sharedkey') > 0 and words collate "C" ~ '_shared_?keys?_?[0-9]*_'
          or strpos(bare, 'consumerkey') > 0 and words collate "C" ~ '_consumer_?keys?_?[0-9]*_'
          or strpos(bare, 'kkel') > 0 and words collate "C" ~ '_a_?p_?i_?n(o|oe)_?k_?k_?e_?l'
          or strpos(bare, 'cred') > 0 and words collate "C" ~ 'c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_'
          or strpos(bare, 'authori') > 0 and words collate "C" ~ 'a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n'
          or strpos(bare, 'token') > 0 and words collate "C" ~ 'tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_'
          or strpos(bare, 'secret') > 0 and words collate "C" ~ 'c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_'
          or strpos(bare, 'pwd') > 0 and words collate "C" ~ 'pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_'
          or strpos(bare, 'jwt') > 0 and words collate "C" ~ 'jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_'
          or strpos(bare, 'pin') > 0 and words collate "C" ~ '_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_'
          or strpos(bare, 'kodeord') > 0 and words collate "C" ~ '_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_'
          or strpos(bare, 'bearer') > 0 and words collate "C" ~ '_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_'
          or strpos(bare, 'otp') > 0 and words collate "C" ~ '_o_?t_?p_?s?_?[0-9]*_';
      end if;
        if large or looks or named or not sound or lookup ?| array['__proto__', 'prototype', 'constructor'] then
          for entry, item in select l.key, l.value from jsonb_each(lookup) as l loop
      if large then bytes := bytes + octet_length(entry); end if;
      if looks then if entry collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key, 'map', entry); end if; end if;
      if entry = any (array['__proto__', 'prototype', 'constructor']) then found := found || jsonb_build_array('must not be a name that JavaScript reserves', 'field_mappings', key, 'map', entry); end if;
      if named then if (('_' || regexp_replace(lower(regexp_replace(regexp_replace(entry collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(entry collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ '_(count|limit|length|size|type|usage|used|budget|quota|cost|price|ttl|age|lifetime|expiry|expires|expires_at|expires_in|expired|status|policy|required|rate|created_at|changed_at|issued_at|rotated_at|per_minute|per_hour|per_day|per_request|antall|grense|lengde|storrelse|forbruk|kostnad|pris|levetid|utlop|utloper|brukt)_([0-9]+_)?$|^_(max|total|used|remaining|input|output|prompt|completion|maks)_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$|^_(number_of|count_of|num|antall)_') then found := found || jsonb_build_array('must not name a credential; store it with credentials.store', 'field_mappings', key, 'map', entry); end if; end if;
            if jsonb_typeof(item) = 'string' then
              content := item #>> '{}';
      if large then bytes := bytes + octet_length(content); end if;
      if looks then if content collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key, 'map', entry); end if; end if;
            else
              found := found || jsonb_build_array('must be a text', 'field_mappings', key, 'map', entry);
            end if;
          end loop;
        end if;
      end if;
      end if;
      else found := found || jsonb_build_array('must be a path, or an object with one', 'field_mappings', key);
      end case;
    end loop;
    end if;
    if bytes > 65536 then found := found || jsonb_build_array('must have at most 65,536 bytes of keys and texts', 'field_mappings'); end if;
  end if;
  if excluded_features is null or jsonb_typeof(excluded_features) <> 'array' then
    found := found || jsonb_build_array('must be an array', 'excluded_features');
  elsif not (octet_length(excluded_features::text) <= 64 and (excluded_features -> 1 is null or excluded_features -> 2 is null and excluded_features -> 0 <> excluded_features -> 1) and excluded_features::text collate "C" ~ E'^\\[("[a-z][a-z0-9_.]*"(, )?)*\\]$'
      and not excluded_features::text collate "C" like any (array['%""%', E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_____\\_%', '%IA%', '%AIza%'])) then
    printed := excluded_features::text;
    looks := printed collate "C" ~ E'[Rr][ \\\\\\u00a0]|[Cc][ \\\\]|yJ|-----B|k_[lt]|h[pousr]_|_pat_|lpat-|ox[a-z]-|I[Az]';
    if looks then
      -- Nothing that is escaped makes or breaks a look, but a quote.
      looks := regexp_replace(printed, E'\\\\(u00..|.)', ' ', 'g') collate "C" ~ E'("|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|("|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*"|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}';
    end if;
    if jsonb_array_length(excluded_features) > 64 then found := found || jsonb_build_array('must have at most 64 entries', 'excluded_features'); end if;
    large := false;
    for item, place in select f.value, f.place - 1 from jsonb_array_elements(excluded_features) with ordinality as f (value, place) loop
      content := case jsonb_typeof(item) when 'string' then item #>> '{}' end;
      if content is null or not (length(content) <= 64 and content collate "C" ~ '^[a-z][a-z0-9_.-]*$') then found := found || jsonb_build_array('must be a lower-case letter, then lower-case letters, digits, _, . or -, at most 64 of them', 'excluded_features', place); end if;
      if large then bytes := bytes + octet_length(content); end if;
      if looks then if content collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'excluded_features', place); end if; end if;
    end loop;
    if jsonb_array_length(excluded_features) > 1 then
      found := found || array(
        select jsonb_build_array('must not repeat an earlier one', 'excluded_features', f.place - 1)
        from (
          select e.value, e.place, row_number() over (partition by e.value order by e.place) as time
          from jsonb_array_elements(excluded_features) with ordinality as e (value, place)
        ) as f
        where f.time > 1 and jsonb_typeof(f.value) = 'string'
        order by f.place
      );
    end if;
  end if;
  if found is null or found = '{}' then
    return '{}';
  end if;
  -- Each once: keys that are not printed share a path.
  return array(
    select v.violation
    from (
      select f.place, concat(f.problem ->> 1, (
        select string_agg('.' || case jsonb_typeof(p.part) when 'number' then p.part #>> '{}' else case when length((p.part #>> '{}')) <= 63 and (p.part #>> '{}') collate "C" ~ '^[A-Za-z_]{1,63}$|^[A-Za-z_]*([0-9]+[A-Za-z_]+){0,3}[0-9]{0,4}$' and not (p.part #>> '{}') collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then (p.part #>> '{}') else '*' end end, '' order by p.place)
        from jsonb_array_elements(f.problem) with ordinality as p (part, place) where p.place > 2
      ), ': ', f.problem ->> 0) as violation
      from unnest(found) with ordinality as f (problem, place)
    ) as v
    group by v.violation
    order by min(v.place)
  );
end
$function$;
revoke all on function integrations.configuration_problems(field_mappings jsonb, excluded_features jsonb) from public, anon, authenticated, service_role;

drop function if exists integrations.redacted(document jsonb);
create function integrations.redacted(document jsonb) returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  token text;
  label text;
  kept text[] := '{}';
  depth integer := 0;
  hidden_at integer;
  is_credential boolean := false;
  renamed integer := 0;
begin
  for token in select t[1] from regexp_matches(document::text, E'("(?:[^"\\\\]|\\\\.)*"(?:: )?|[{}\\[\\]]|, |[^"{}\\[\\], ]+)', 'g') as t loop
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
        is_credential := (('_' || regexp_replace(lower(regexp_replace(regexp_replace(label collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(label collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ '_(count|limit|length|size|type|usage|used|budget|quota|cost|price|ttl|age|lifetime|expiry|expires|expires_at|expires_in|expired|status|policy|required|rate|created_at|changed_at|issued_at|rotated_at|per_minute|per_hour|per_day|per_request|antall|grense|lengde|storrelse|forbruk|kostnad|pris|levetid|utlop|utloper|brukt)_([0-9]+_)?$|^_(max|total|used|remaining|input|output|prompt|completion|maks)_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$|^_(number_of|count_of|num|antall)_');
        if label collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then
          renamed := renamed + 1;
          token := format('"[redacted %s]": ', renamed);
        end if;
      elsif label collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then
        token := '"[redacted]"';
      end if;
    end if;
    kept := kept || token;
  end loop;
  return array_to_string(kept, '')::jsonb;
end
$function$;
revoke all on function integrations.redacted(document jsonb) from public, anon, authenticated, service_role;

drop function if exists integrations.repair_organization(organization_id uuid);
create function integrations.repair_organization(organization_id uuid) returns table (event_id uuid, integration_type text, document text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  integration record;
  broken record;
  actor text := (select caller.actor from integrations.caller() as caller);
begin
  -- Two operators at once: the second waits, and finds nothing left.
  perform integrations.take_turn('repair ' || organization_id);
  for integration in
    select i.id, i.integration_type::text as type, i.field_mappings, i.excluded_features,
      case
      when (i.sync_schedule collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(i.sync_schedule collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store'
      when (('_' || regexp_replace(lower(regexp_replace(regexp_replace(i.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(i.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ '_(count|limit|length|size|type|usage|used|budget|quota|cost|price|ttl|age|lifetime|expiry|expires|expires_at|expires_in|expired|status|policy|required|rate|created_at|changed_at|issued_at|rotated_at|per_minute|per_hour|per_day|per_request|antall|grense|lengde|storrelse|forbruk|kostnad|pris|levetid|utlop|utloper|brukt)_([0-9]+_)?$|^_(max|total|used|remaining|input|output|prompt|completion|maks)_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$|^_(number_of|count_of|num|antall)_') then 'must not name a credential; store it with credentials.store' end as schedule_rule
    from public.organization_integrations as i
    where i.organization_id = repair_organization.organization_id
      and (exists (select from integrations.config_violations(i.field_mappings, i.excluded_features))
        or case
      when (i.sync_schedule collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(i.sync_schedule collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store'
      when (('_' || regexp_replace(lower(regexp_replace(regexp_replace(i.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(i.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ '_(count|limit|length|size|type|usage|used|budget|quota|cost|price|ttl|age|lifetime|expiry|expires|expires_at|expires_in|expired|status|policy|required|rate|created_at|changed_at|issued_at|rotated_at|per_minute|per_hour|per_day|per_request|antall|grense|lengde|storrelse|forbruk|kostnad|pris|levetid|utlop|utloper|brukt)_([0-9]+_)?$|^_(max|total|used|remaining|input|output|prompt|completion|maks)_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$|^_(number_of|count_of|num|antall)_') then 'must not name a credential; store it with credentials.store' end is not null)
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
end
$function$;
revoke all on function integrations.repair_organization(organization_id uuid) from public, anon, authenticated, service_role;

drop function if exists integrations.redacted_changes(changes jsonb);
create function integrations.redacted_changes(changes jsonb) returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return integrations.redacted((
    select jsonb_object_agg(c.key, coalesce((
      select jsonb_object_agg(side.key, case
        when length(side.value::text) > 131072 then to_jsonb(format('[%s characters]', length(side.value::text)))
        -- What names a credential need not look like one, so none of it is kept.
        when c.key = 'sync_schedule' and case
      when ((side.value #>> '{}') collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower((side.value #>> '{}') collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store'
      when (('_' || regexp_replace(lower(regexp_replace(regexp_replace((side.value #>> '{}') collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace((side.value #>> '{}') collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ '_(count|limit|length|size|type|usage|used|budget|quota|cost|price|ttl|age|lifetime|expiry|expires|expires_at|expires_in|expired|status|policy|required|rate|created_at|changed_at|issued_at|rotated_at|per_minute|per_hour|per_day|per_request|antall|grense|lengde|storrelse|forbruk|kostnad|pris|levetid|utlop|utloper|brukt)_([0-9]+_)?$|^_(max|total|used|remaining|input|output|prompt|completion|maks)_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$|^_(number_of|count_of|num|antall)_') then 'must not name a credential; store it with credentials.store' end is not null then '"[redacted]"'
        else side.value end)
      from jsonb_each(c.value) as side), '{}'))
    from jsonb_each(changes) as c
  ));
end
$function$;
revoke all on function integrations.redacted_changes(changes jsonb) from public, anon, authenticated, service_role;

create or replace trigger "record_create" after insert on "public"."organization_integrations" referencing new table as new_rows for each statement execute function integrations.record_changes();

create or replace trigger "record_update" after update on "public"."organization_integrations" referencing old table as old_rows new table as new_rows for each statement execute function integrations.record_changes();

create or replace trigger "record_remove" after delete on "public"."organization_integrations" referencing old table as old_rows for each statement execute function integrations.record_changes();

create or replace trigger "record_truncate" before truncate on "public"."organization_integrations" for each statement execute function integrations.record_changes();

drop function if exists integrations.start_run(organization_id uuid, integration_type text, due timestamptz, retries boolean);
create function integrations.start_run(organization_id uuid, integration_type text, due timestamptz, retries boolean) returns table (code text, problem text, id uuid, integration_id uuid, started_at timestamptz, attempt bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  code := 'ok';
  begin
    if due is null then
      perform integrations.refuse('invalid_input', 'due: must not be null');
    end if;
    select i.id into integration_id
    from public.organization_integrations as i
    where i.organization_id = start_run.organization_id and i.integration_type::text = start_run.integration_type
    for key share;
    if integration_id is null then
      perform integrations.refuse('not_found', 'integrationType: the organization has no such integration');
    end if;
    insert into public.organization_integration_runs as r (integration_id, organization_id, due)
    values (start_run.integration_id, start_run.organization_id, start_run.due)
    on conflict on constraint organization_integration_runs_integration_id_due_key do update
    set attempt = r.attempt + 1, started_at = clock_timestamp(),
      finished_at = null, outcome = null, message = null, counts = null
    where retries and (r.outcome = 'failed' or r.outcome is null)
    returning r.id, r.started_at, r.attempt into id, started_at, attempt;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, problem = message_text;
  end;
  return next;
end
$function$;
revoke all on function integrations.start_run(organization_id uuid, integration_type text, due timestamptz, retries boolean) from public, anon, authenticated, service_role;
grant execute on function integrations.start_run(organization_id uuid, integration_type text, due timestamptz, retries boolean) to service_role;

drop function if exists integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer);
create function integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer) returns table (code text, problem text, organization_id uuid, integration_type text, id uuid, integration_id uuid, due timestamptz, started_at timestamptz, finished_at timestamptz, outcome text, message text, counts jsonb, attempt bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  known public.organization_integration_runs;
begin
  code := 'ok';
  begin
    if run_outcome is null or run_outcome not in ('succeeded', 'failed', 'cancelled') then
      perform integrations.refuse('invalid_input', 'outcome: must be succeeded, failed, cancelled');
    end if;
    -- The integration's row first, as whoever deletes it takes the locks.
    select i.integration_type::text into integration_type
    from public.organization_integration_runs as r
    join public.organization_integrations as i on i.id = r.integration_id
    where r.id = run_id
    for no key update of i;
    select r.* into known from public.organization_integration_runs as r where r.id = run_id for no key update;
    if known.id is null then
      perform integrations.refuse('not_found', 'id: there is no such run');
    elsif known.attempt <> run_attempt then
      perform integrations.refuse('conflict', format('attempt %s: attempt %s has taken the run over', run_attempt, known.attempt));
    elsif known.outcome is not null then
      perform integrations.refuse('conflict', format('id: the run is over: %s', known.outcome));
    end if;
    update public.organization_integration_runs as r
    set finished_at = clock_timestamp(), outcome = run_outcome, message = run_message, counts = run_counts
    where r.id = run_id
    returning r.* into known;
    organization_id := known.organization_id;
    id := known.id;
    integration_id := known.integration_id;
    due := known.due;
    started_at := known.started_at;
    finished_at := known.finished_at;
    outcome := known.outcome;
    message := known.message;
    counts := known.counts;
    attempt := known.attempt;
    if run_outcome = 'failed' and error_after = (
      select count(*) filter (where latest.outcome = 'failed') from (
        select r.outcome from public.organization_integration_runs as r
        where r.integration_id = known.integration_id and r.outcome in ('succeeded', 'failed')
        order by r.due desc
        limit error_after
      ) as latest
    ) then
      update public.organization_integrations as i set status = 'error' where i.id = known.integration_id and i.status = 'active';
      if found then
        perform integrations.record_event('alert', 'ok', i.organization_id, i.id, i.integration_type::text, null,
          format('%s runs in a row failed, so the integration was set to error%s', error_after, ': ' || run_message))
        from public.organization_integrations as i where i.id = known.integration_id;
      end if;
    end if;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, problem = message_text;
  end;
  return next;
end
$function$;
revoke all on function integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer) from public, anon, authenticated, service_role;
grant execute on function integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer) to service_role;

drop function if exists integrations.planned_through(queue text, through timestamptz);
create function integrations.planned_through(queue text, through timestamptz) returns timestamptz
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if through is not null then
    insert into integrations.sync_plans as p (queue, planned_through)
    values (planned_through.queue, through)
    on conflict on constraint sync_plans_pkey do update set planned_through = excluded.planned_through
    where p.planned_through < excluded.planned_through;
  end if;
  return (select p.planned_through from integrations.sync_plans as p where p.queue = planned_through.queue);
end
$function$;
revoke all on function integrations.planned_through(queue text, through timestamptz) from public, anon, authenticated, service_role;
grant execute on function integrations.planned_through(queue text, through timestamptz) to service_role;

drop function if exists integrations.prune_runs(before timestamptz, most integer);
create function integrations.prune_runs(before timestamptz, most integer) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  pruned integer;
begin
  delete from public.organization_integration_runs as r
  where r.id in (
    select old.id from public.organization_integration_runs as old
    where old.due < before and exists (select from public.organization_integration_runs as newer
      where newer.integration_id = old.integration_id and newer.due > old.due)
    limit most
  );
  get diagnostics pruned = row_count;
  return pruned;
end
$function$;
revoke all on function integrations.prune_runs(before timestamptz, most integer) from public, anon, authenticated, service_role;

drop function if exists integrations.pending_alerts(most integer);
create function integrations.pending_alerts(most integer) returns setof public.organization_integration_events
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
  select e.* from public.organization_integration_events as e
  where e.action = 'alert' and not exists (select from integrations.alert_acknowledgements as a where a.event_id = e.id)
  order by e.transaction_id, e.created_at, e.id
  limit most;
end
$function$;
revoke all on function integrations.pending_alerts(most integer) from public, anon, authenticated, service_role;
grant execute on function integrations.pending_alerts(most integer) to service_role;

drop function if exists integrations.acknowledge_alert(alert_id uuid);
create function integrations.acknowledge_alert(alert_id uuid) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  insert into integrations.alert_acknowledgements (event_id, actor)
  select e.id, caller.actor
  from public.organization_integration_events as e, integrations.caller() as caller
  where e.id = alert_id and e.action = 'alert'
  on conflict do nothing;
  return exists (select from integrations.alert_acknowledgements as a where a.event_id = alert_id);
end
$function$;
revoke all on function integrations.acknowledge_alert(alert_id uuid) from public, anon, authenticated, service_role;
grant execute on function integrations.acknowledge_alert(alert_id uuid) to service_role;

drop function if exists integrations.prune_events(before timestamptz, most integer);
create function integrations.prune_events(before timestamptz, most integer) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  pruned integer;
begin
  -- The turn is what the trigger that refuses deletion asks for: nobody but administrators can take it.
  insert into integrations.operator_turns (name) values ('prune events') on conflict do nothing;
  with events as (
    delete from public.organization_integration_events as old
    where old.id in (
      select e.id from public.organization_integration_events as e
      where e.created_at < before and (e.action <> 'alert' or exists (select from integrations.alert_acknowledgements as a where a.event_id = e.id))
      order by e.transaction_id, e.created_at, e.id
      limit most
    )
    returning old.id
  ), acknowledgements as (
    delete from integrations.alert_acknowledgements as a using events where a.event_id = events.id
  ), changes as (
    delete from public.organization_integration_changes as old
    where old.id in (
      select c.id from public.organization_integration_changes as c
      where c.created_at < before
      order by c.transaction_id, c.created_at, c.id
      limit most
    )
    returning old.id
  )
  select (select count(*) from events) + (select count(*) from changes) into pruned;
  delete from integrations.operator_turns as t where t.name = 'prune events';
  if pruned > 0 then
    insert into public.organization_integration_changes (action, actor, reason)
    select 'prune', caller.actor, format('%s events before %s', pruned, before) from integrations.caller() as caller;
  end if;
  return pruned;
end
$function$;
revoke all on function integrations.prune_events(before timestamptz, most integer) from public, anon, authenticated, service_role;

create or replace trigger "alert_acknowledgements_credential_check" before insert or update on "integrations"."alert_acknowledgements" for each row when (replace(lower((to_jsonb(new) - array['field_mappings', 'excluded_features', 'sync_schedule'])::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('actor');

create or replace trigger "sync_plans_credential_check" before insert or update on "integrations"."sync_plans" for each row when (replace(lower((to_jsonb(new) - array['field_mappings', 'excluded_features', 'sync_schedule'])::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('queue');

create or replace trigger "organization_integration_changes_credential_check" before insert or update on "public"."organization_integration_changes" for each row when (pg_trigger_depth() = 0) execute function integrations.refuse_credentials('integration_type', 'action', 'actor', 'reason', 'changes');

create or replace trigger "organization_integration_runs_credential_check" before insert or update on "public"."organization_integration_runs" for each row when (replace(lower((to_jsonb(new) - array['field_mappings', 'excluded_features', 'sync_schedule'])::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('outcome', 'message', 'counts');

create or replace trigger "active_needs_credential" after insert or update on "public"."organization_integrations" for each row execute function integrations.refuse_activation();

drop function if exists integrations.api_answer(code text, message text, details jsonb);
create function integrations.api_answer(code text, message text, details jsonb) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  answer jsonb := jsonb_build_object('code', code, 'message', message) || details;
begin
  if code <> 'ok' then
    perform set_config('response.status', case code when 'invalid_input' then '400' when 'permission_denied' then '403' when 'not_found' then '404' when 'already_exists' then '409' when 'conflict' then '409' when 'credential_missing' then '422' when 'unavailable' then '503' else '500' end, true);
  end if;
  return answer;
end
$function$;
revoke all on function integrations.api_answer(code text, message text, details jsonb) from public, anon, authenticated, service_role;

drop function if exists integrations.check_bundle(integration_type text, bundle text);
create function integrations.check_bundle(integration_type text, bundle text) returns void
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  rules jsonb := '{"xledger":{"api_key":{"type":"text","required":true,"pattern":"[^ ]"},"base_url":{"type":"url","required":true,"pattern":"^https?://[^ ]+$"},"company_id":{"type":"text","required":true,"pattern":"^[^ ](.*[^ ])?$"}},"dynamics":{"client_secret":{"type":"text","required":true,"pattern":"[^ ]"},"tenant_id":{"type":"text","required":true,"pattern":"^[^ ](.*[^ ])?$"},"client_id":{"type":"text","required":true,"pattern":"^[^ ](.*[^ ])?$"},"resource_url":{"type":"url","required":true,"pattern":"^https?://[^ ]+$"}},"cornerstone":{"api_key":{"type":"text","required":true,"pattern":"[^ ]"},"subdomain":{"type":"text","required":true,"pattern":"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$"}},"consio":{"api_key":{"type":"text","required":true,"pattern":"[^ ]"},"base_url":{"type":"url","required":true,"pattern":"^https?://[^ ]+$"}},"bufdir":{"org_id":{"type":"text","required":true,"pattern":"^[0-9]{9}$"},"report_year":{"type":"year","required":true,"pattern":"^[12][0-9]{3}$"},"api_endpoint":{"type":"url","required":true,"pattern":"^https?://[^ ]+$"}}}'::jsonb -> integration_type;
  given text[] := integrations.bundle_fields(bundle);
  problems text[];
begin
  select array_agg(p.problem order by p.place) into problems
  from (
    select 0 as place, 'bundle: has a field that the system does not take' as problem
    where exists (select from unnest(given) as field where not rules ? field)
    union all
    select row_number() over (order by rule.key), format('bundle.%s: %s', rule.key, case
        when value.kind is null then case when (rule.value ->> 'required')::boolean then 'is missing' end
        when value.kind <> 'string' and not (value.kind = 'number' and rule.value ->> 'type' = 'year') then 'must be a text'
        when value.content = '' then 'must not be empty'
        when length(value.content) > 16384 then 'must have at most 16,384 characters'
        when value.content ~ E'[\\u0001-\\u001f\\u007f-\\u009f]' then 'must not hold control characters'
        when value.content !~ (rule.value ->> 'pattern') then 'must match ' || (rule.value ->> 'pattern') end)
    from jsonb_each(rules) as rule
    cross join lateral (
      select jsonb_typeof(bundle::jsonb -> rule.key) as kind, bundle::jsonb ->> rule.key as content) as value
  ) as p
  where p.problem !~ ': $';
  if problems is not null then
    perform integrations.refuse('invalid_input', format('%s; %s takes %s', array_to_string(problems, '; '), integration_type,
      (select string_agg(field, ', ') from jsonb_object_keys(rules) as field)));
  end if;
end
$function$;
revoke all on function integrations.check_bundle(integration_type text, bundle text) from public, anon, authenticated, service_role;

drop function if exists integrations.check_silence();
create function integrations.check_silence() returns void
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  store record;
begin
  select * into store from integrations.credential_store();
  -- Two seconds at most go by in waiting for the row: what is logged sooner than after four is logged.
  if store.logs_always is not null or store.logs_sometimes is not null and (store.store <> 'vault'
    or store.logs_sometimes like '%on_error%' or coalesce(store.time_limit_ms, 0) < 2000) then
    perform integrations.refuse('unavailable', format(
      'the server logs parameters (%s), and a secret would stand in its log; set log_parameter_max_length = 0 there, and replace a value that was sent',
      concat_ws(', ', store.logs_always, store.logs_sometimes)));
  end if;
end
$function$;
revoke all on function integrations.check_silence() from public, anon, authenticated, service_role;

drop function if exists integrations.api_write(action text, integration_type text, bundle text, grace_seconds integer, reason text);
create function integrations.api_write(action text, integration_type text, bundle text, grace_seconds integer, reason text) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  caller record;
  prepared record;
  written record;
  code text := 'ok';
  message text;
begin
  select * into prepared from integrations.prepare_credential(action, integration_type, reason);
  if prepared.code <> 'ok' then
    return integrations.api_answer(prepared.code, prepared.message, '{}');
  end if;
  begin
    perform integrations.check_silence();
    perform integrations.check_bundle(integration_type, bundle);
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  if code <> 'ok' then
    select * into caller from integrations.caller();
    perform integrations.record_event(action, code, caller.organization_id, null, integration_type, null, reason);
    return integrations.api_answer(code, message, '{}');
  end if;
  select * into written from integrations.write_credential(action, integration_type, bundle, grace_seconds, reason);
  return integrations.api_answer(written.code, written.message, jsonb_build_object('version', written.version));
end
$function$;
revoke all on function integrations.api_write(action text, integration_type text, bundle text, grace_seconds integer, reason text) from public, anon, authenticated, service_role;

drop function if exists integrations_api.credential_store();
create function integrations_api.credential_store() returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  code text := 'ok';
  message text;
begin
  begin
    perform integrations.check_silence();
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  return integrations.api_answer(code, message, '{}');
end
$function$;
revoke all on function integrations_api.credential_store() from public, anon, authenticated, service_role;
grant execute on function integrations_api.credential_store() to authenticated;

drop function if exists integrations_api.store_credential(integration_type text, bundle text, reason text);
create function integrations_api.store_credential(integration_type text, bundle text, reason text default null) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  answer jsonb := integrations.api_write('store', integration_type, bundle, 0, reason);
begin
  return answer;
end
$function$;
revoke all on function integrations_api.store_credential(integration_type text, bundle text, reason text) from public, anon, authenticated, service_role;
grant execute on function integrations_api.store_credential(integration_type text, bundle text, reason text) to authenticated;

drop function if exists integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text);
create function integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer default 0, reason text default null) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  answer jsonb := integrations.api_write('rotate', integration_type, bundle, grace_seconds, reason);
begin
  return answer;
end
$function$;
revoke all on function integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) from public, anon, authenticated, service_role;
grant execute on function integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) to authenticated;

drop function if exists integrations_api.revoke_credential(integration_type text, reason text);
create function integrations_api.revoke_credential(integration_type text, reason text default null) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  answer jsonb;
begin
  select integrations.api_answer(r.code, r.message, jsonb_build_object('version', r.version)) into answer
  from integrations.revoke_credential(integration_type, reason) as r;
  return answer;
end
$function$;
revoke all on function integrations_api.revoke_credential(integration_type text, reason text) from public, anon, authenticated, service_role;
grant execute on function integrations_api.revoke_credential(integration_type text, reason text) to authenticated;

drop function if exists integrations_api.describe_credential(integration_type text);
create function integrations_api.describe_credential(integration_type text) returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  credential jsonb;
begin
  select jsonb_build_object('version', d.version, 'created_at', d.created_at, 'field_names', d.field_names,
    'previous', case when d.previous_version is not null
      then jsonb_build_object('version', d.previous_version, 'readable_until', d.previous_readable_until) end)
  into credential
  from integrations.describe_credential(integration_type) as d;
  return integrations.api_answer('ok', null, jsonb_build_object('credential', credential));
end
$function$;
revoke all on function integrations_api.describe_credential(integration_type text) from public, anon, authenticated, service_role;
grant execute on function integrations_api.describe_credential(integration_type text) to authenticated;

drop function if exists integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text);
create function integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text default null) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  integration uuid;
  stored record;
  merged jsonb;
  broken text;
  code text := 'ok';
  message text;
  details jsonb := '{}';
begin
  begin
    if jsonb_typeof(field_mappings) is distinct from 'object' then
      perform integrations.refuse('invalid_input', 'field_mappings: must be an object');
    end if;
    integration := integrations.own_integration(integration_type);
    select i.field_mappings as document, i.xmin::text as revision into stored
    from public.organization_integrations as i where i.id = integration;
    if expected_revision <> stored.revision then
      perform integrations.refuse('conflict', format(
        'expected revision %s, found %s; read the row again and repeat the change', left(expected_revision, 20), stored.revision));
    end if;
    if exists (
      select from (values (stored.document), (field_mappings)) as v (document)
      where jsonb_typeof(v.document) <> 'object'
        or coalesce(v.document -> '$version', '1') not in ('1', '2')
    ) then
      perform integrations.refuse('invalid_input', 'field_mappings: must be of a version that is known; save all of it');
    end if;
    select coalesce(jsonb_object_agg(e.key, e.value), '{}') into merged
    from jsonb_each(stored.document || field_mappings) as e
    where e.key <> '$version' and e.value <> 'null';
    if merged <> '{}' then
      merged := merged || '{"$version": 2}';
    end if;
    update public.organization_integrations as i set field_mappings = merged where i.id = integration
    returning jsonb_build_object('field_mappings', i.field_mappings, 'revision', i.xmin::text) into details;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
    when check_violation then
      get stacked diagnostics broken = constraint_name, message = message_text;
      if broken <> 'configuration_check' then
        raise;
      end if;
      code := 'invalid_input';
  end;
  return integrations.api_answer(code, message, details);
end
$function$;
revoke all on function integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text) from public, anon, authenticated, service_role;
grant execute on function integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text) to authenticated;
