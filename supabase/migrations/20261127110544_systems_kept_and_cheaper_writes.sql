-- 20261127110544_systems_kept_and_cheaper_writes
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 3 · part: 1/1 · source: 11d0a4e43da7a5c281e88d147dad53465fe6c6a0f46d120547427f624c98c9ae · body: 9aad10af21d40baa70d825860515a37ab1d4d796ebd6348b70a2860e75f97ab3
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

CREATE SCHEMA IF NOT EXISTS integrations_once;
CREATE TABLE IF NOT EXISTS integrations_once.statements (id text PRIMARY KEY);

-- What is there already was not made here, and a rollback leaves it.
INSERT INTO integrations_once.statements (id)
SELECT '20261127110544.' || made FROM (VALUES
  ('index public.organization_integration_runs_unfinished_idx', to_regclass('"public"."organization_integration_runs_unfinished_idx"') is not null)
) AS stated (made, is_there) WHERE NOT is_there
ON CONFLICT DO NOTHING;

create or replace function integrations.refuse_bad_configuration() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
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
  if (case when strpos(printed, '{') = 1 then new.field_mappings - array['$version', 'amount', 'account', 'date', 'currency', 'tax_code', 'cost_center', 'activity_code', 'employee_id', 'reference', 'first_name', 'last_name', 'email', 'course_code', 'completed_on', 'member_id', 'birth_date', 'group_code', 'participants', 'activity_date'] = '{}'
      and (octet_length(printed) <= 255 or octet_length(printed) <= 511
        and strpos(substr(printed, 129, 128), '"') > 0 and strpos(substr(printed, 256, 128), '"') > 0 )
      and (case when strpos(printed, '": {') = 0 then replace(replace(printed, '"$version": 1', '"v": "v"'), '"$version": 2', '"v": "v"')
        when strpos(printed, '"$version": 2') > 0 then replace(replace(replace(replace(replace(replace(replace(printed, '"$version": 2', '"v": "v"'), '{"path": "', '<"'), '{"const": "', '<"'), ', "default": ', ';'), ', "required": true', '?'), ', "required": false', '?'), ', "transform": "', '!')
        else replace(replace(replace(replace(printed, '"$version": 1', '"v": "v"'), '{"path": "', '<"'), ', "default": ', ';'), ', "transform": "', '!') end) collate "C" ~ E'^\\{("[A-IK-Za-z0-9_.]+": ("[A-IK-Za-z0-9_.]+"|<"[A-IK-Za-z0-9_.][A-IK-Za-z0-9_.";?!]*\\})(, )?)*\\}\\[("[a-z][a-z0-9_.]*"(, )?)*\\]$'
      and (strpos(printed, '"transform"') = 0 or not jsonb_path_exists(new.field_mappings, '$.*.transform ? (!(@ == "trim" || @ == "upper" || @ == "lower" || @ == "iso_date" || @ == "norwegian_date" || @ == "decimal_0" || @ == "decimal_2" || @ == "decimal_4" || @ == "decimal_nb" || @ == "decimal_0_nb" || @ == "decimal_2_nb" || @ == "decimal_4_nb" || @ == "decimal_en" || @ == "decimal_0_en" || @ == "decimal_2_en" || @ == "decimal_4_en"))'))
      and not printed collate "C" like any (array[E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_____\\_%', '%IA%', '%AIza%'])
      and octet_length(new.excluded_features::text) <= 64 and (new.excluded_features -> 1 is null or new.excluded_features -> 2 is null and new.excluded_features -> 0 <> new.excluded_features -> 1) else false end) and coalesce(new.sync_schedule !~ '[A-Za-z]', true) then
    return new;
  end if;
  violations := integrations.configuration_problems(
    case when tg_op = 'UPDATE' and new.field_mappings is not distinct from old.field_mappings then '{}' else new.field_mappings end,
    case when tg_op = 'UPDATE' and new.excluded_features is not distinct from old.excluded_features then '[]' else new.excluded_features end
  );
  if not coalesce(new.sync_schedule !~ '[A-Za-z]', true) and not (tg_op = 'UPDATE' and new.sync_schedule is not distinct from old.sync_schedule) then
    schedule_rule := case
      when (new.sync_schedule collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(new.sync_schedule collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store'
      when (('_' || regexp_replace(lower(regexp_replace(regexp_replace(new.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)?_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(new.sync_schedule collate "C",
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
  actor text := (
    select case when replace(replace(lower(caller.actor collate "C"), '"field_mappings"', ''), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%']) and (caller.actor collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(caller.actor collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then '[redacted]' else caller.actor end
    from integrations.caller() as caller
  );
  reason text := case tg_op when 'TRUNCATE' then 'its table was truncated' end;
begin
  if tg_op = 'INSERT' then
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when c.plain then c.changes else integrations.redacted_changes(c.changes) end
    from (
      select n.organization_id, n.id, n.integration_type, 'create' as action, jsonb_build_object('status', jsonb_build_object('new', n.status), 'field_mappings', jsonb_build_object('new', n.field_mappings), 'sync_schedule', jsonb_build_object('new', n.sync_schedule), 'excluded_features', jsonb_build_object('new', n.excluded_features)) as changes,
        (
          select coalesce(bool_or(t.tgname = 'configuration_check' and t.tgenabled in ('O', 'A'))
            and bool_and(t.tgname in ('configuration_check', 'touch_updated_at') or t.tgenabled = 'D'), false)
            and current_setting('session_replication_role') <> 'replica'
          from pg_trigger as t
          -- Before each row (3) that is created (4) or updated (16), in the order of their names.
          where t.tgrelid = tg_relid and not t.tgisinternal and t.tgtype & 3 = 3 and t.tgtype & 20 > 0 and t.tgname >= 'configuration_check'
        ) or (select (case when strpos(d.printed, '{') = 1 then d.mappings - array['$version', 'amount', 'account', 'date', 'currency', 'tax_code', 'cost_center', 'activity_code', 'employee_id', 'reference', 'first_name', 'last_name', 'email', 'course_code', 'completed_on', 'member_id', 'birth_date', 'group_code', 'participants', 'activity_date'] = '{}'
      and (octet_length(d.printed) <= 255 or octet_length(d.printed) <= 511
        and strpos(substr(d.printed, 129, 128), '"') > 0 and strpos(substr(d.printed, 256, 128), '"') > 0 )
      and (case when strpos(d.printed, '": {') = 0 then replace(replace(d.printed, '"$version": 1', '"v": "v"'), '"$version": 2', '"v": "v"')
        when strpos(d.printed, '"$version": 2') > 0 then replace(replace(replace(replace(replace(replace(replace(d.printed, '"$version": 2', '"v": "v"'), '{"path": "', '<"'), '{"const": "', '<"'), ', "default": ', ';'), ', "required": true', '?'), ', "required": false', '?'), ', "transform": "', '!')
        else replace(replace(replace(replace(d.printed, '"$version": 1', '"v": "v"'), '{"path": "', '<"'), ', "default": ', ';'), ', "transform": "', '!') end) collate "C" ~ E'^\\{("[A-IK-Za-z0-9_.]+": ("[A-IK-Za-z0-9_.]+"|<"[A-IK-Za-z0-9_.][A-IK-Za-z0-9_.";?!]*\\})(, )?)*\\}\\[("[a-z][a-z0-9_.]*"(, )?)*\\]$'
      and (strpos(d.printed, '"transform"') = 0 or not jsonb_path_exists(d.mappings, '$.*.transform ? (!(@ == "trim" || @ == "upper" || @ == "lower" || @ == "iso_date" || @ == "norwegian_date" || @ == "decimal_0" || @ == "decimal_2" || @ == "decimal_4" || @ == "decimal_nb" || @ == "decimal_0_nb" || @ == "decimal_2_nb" || @ == "decimal_4_nb" || @ == "decimal_en" || @ == "decimal_0_en" || @ == "decimal_2_en" || @ == "decimal_4_en"))'))
      and not d.printed collate "C" like any (array[E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_____\\_%', '%IA%', '%AIza%'])
      and octet_length(d.features::text) <= 64 and (d.features -> 1 is null or d.features -> 2 is null and d.features -> 0 <> d.features -> 1) else false end)
            and coalesce(n.sync_schedule !~ '[A-Za-z]', true)
          from (
            select n.field_mappings as mappings, n.excluded_features as features,
              n.field_mappings::text || n.excluded_features::text as printed
            offset 0 -- Printed once, however often it is looked at.
          ) as d) as plain
      from new_rows as n
      offset 0
    ) as c;
  elsif tg_op = 'UPDATE' then
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when c.plain then c.changes else integrations.redacted_changes(c.changes) end
    from (
      select coalesce(n.organization_id, o.organization_id) as organization_id, coalesce(n.id, o.id) as id,
        coalesce(n.integration_type, o.integration_type) as integration_type,
        case when o.id is null then 'create' when n.id is null then 'remove' else 'update' end as action,
        case when o.id is null then jsonb_build_object('status', jsonb_build_object('new', n.status), 'field_mappings', jsonb_build_object('new', n.field_mappings), 'sync_schedule', jsonb_build_object('new', n.sync_schedule), 'excluded_features', jsonb_build_object('new', n.excluded_features)) when n.id is null then jsonb_build_object('status', jsonb_build_object('old', o.status), 'field_mappings', jsonb_build_object('old', o.field_mappings), 'sync_schedule', jsonb_build_object('old', o.sync_schedule), 'excluded_features', jsonb_build_object('old', o.excluded_features))
          else case when o.status is distinct from n.status then jsonb_build_object('status', jsonb_build_object('old', o.status, 'new', n.status)) else '{}' end
          || case when o.field_mappings is distinct from n.field_mappings then jsonb_build_object('field_mappings', jsonb_build_object('old', o.field_mappings, 'new', n.field_mappings)) else '{}' end
          || case when o.sync_schedule is distinct from n.sync_schedule then jsonb_build_object('sync_schedule', jsonb_build_object('old', o.sync_schedule, 'new', n.sync_schedule)) else '{}' end
          || case when o.excluded_features is distinct from n.excluded_features then jsonb_build_object('excluded_features', jsonb_build_object('old', o.excluded_features, 'new', n.excluded_features)) else '{}' end
          || case when o.integration_type is distinct from n.integration_type then jsonb_build_object('integration_type', '{}'::jsonb) else '{}' end end as changes,
        not (o.field_mappings is distinct from n.field_mappings or o.sync_schedule is distinct from n.sync_schedule or o.excluded_features is distinct from n.excluded_features)
          or (o.id is null or (select (case when strpos(d.printed, '{') = 1 then d.mappings - array['$version', 'amount', 'account', 'date', 'currency', 'tax_code', 'cost_center', 'activity_code', 'employee_id', 'reference', 'first_name', 'last_name', 'email', 'course_code', 'completed_on', 'member_id', 'birth_date', 'group_code', 'participants', 'activity_date'] = '{}'
      and (octet_length(d.printed) <= 255 or octet_length(d.printed) <= 511
        and strpos(substr(d.printed, 129, 128), '"') > 0 and strpos(substr(d.printed, 256, 128), '"') > 0 )
      and (case when strpos(d.printed, '": {') = 0 then replace(replace(d.printed, '"$version": 1', '"v": "v"'), '"$version": 2', '"v": "v"')
        when strpos(d.printed, '"$version": 2') > 0 then replace(replace(replace(replace(replace(replace(replace(d.printed, '"$version": 2', '"v": "v"'), '{"path": "', '<"'), '{"const": "', '<"'), ', "default": ', ';'), ', "required": true', '?'), ', "required": false', '?'), ', "transform": "', '!')
        else replace(replace(replace(replace(d.printed, '"$version": 1', '"v": "v"'), '{"path": "', '<"'), ', "default": ', ';'), ', "transform": "', '!') end) collate "C" ~ E'^\\{("[A-IK-Za-z0-9_.]+": ("[A-IK-Za-z0-9_.]+"|<"[A-IK-Za-z0-9_.][A-IK-Za-z0-9_.";?!]*\\})(, )?)*\\}\\[("[a-z][a-z0-9_.]*"(, )?)*\\]$'
      and (strpos(d.printed, '"transform"') = 0 or not jsonb_path_exists(d.mappings, '$.*.transform ? (!(@ == "trim" || @ == "upper" || @ == "lower" || @ == "iso_date" || @ == "norwegian_date" || @ == "decimal_0" || @ == "decimal_2" || @ == "decimal_4" || @ == "decimal_nb" || @ == "decimal_0_nb" || @ == "decimal_2_nb" || @ == "decimal_4_nb" || @ == "decimal_en" || @ == "decimal_0_en" || @ == "decimal_2_en" || @ == "decimal_4_en"))'))
      and not d.printed collate "C" like any (array[E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_____\\_%', '%IA%', '%AIza%'])
      and octet_length(d.features::text) <= 64 and (d.features -> 1 is null or d.features -> 2 is null and d.features -> 0 <> d.features -> 1) else false end)
            and coalesce(o.sync_schedule !~ '[A-Za-z]', true)
          from (
            select o.field_mappings as mappings, o.excluded_features as features,
              o.field_mappings::text || o.excluded_features::text as printed
            offset 0 -- Printed once, however often it is looked at.
          ) as d)) and (n.id is null or o.id is not null and (
          select coalesce(bool_or(t.tgname = 'configuration_check' and t.tgenabled in ('O', 'A'))
            and bool_and(t.tgname in ('configuration_check', 'touch_updated_at') or t.tgenabled = 'D'), false)
            and current_setting('session_replication_role') <> 'replica'
          from pg_trigger as t
          -- Before each row (3) that is created (4) or updated (16), in the order of their names.
          where t.tgrelid = tg_relid and not t.tgisinternal and t.tgtype & 3 = 3 and t.tgtype & 20 > 0 and t.tgname >= 'configuration_check'
        ) or (select (case when strpos(d.printed, '{') = 1 then d.mappings - array['$version', 'amount', 'account', 'date', 'currency', 'tax_code', 'cost_center', 'activity_code', 'employee_id', 'reference', 'first_name', 'last_name', 'email', 'course_code', 'completed_on', 'member_id', 'birth_date', 'group_code', 'participants', 'activity_date'] = '{}'
      and (octet_length(d.printed) <= 255 or octet_length(d.printed) <= 511
        and strpos(substr(d.printed, 129, 128), '"') > 0 and strpos(substr(d.printed, 256, 128), '"') > 0 )
      and (case when strpos(d.printed, '": {') = 0 then replace(replace(d.printed, '"$version": 1', '"v": "v"'), '"$version": 2', '"v": "v"')
        when strpos(d.printed, '"$version": 2') > 0 then replace(replace(replace(replace(replace(replace(replace(d.printed, '"$version": 2', '"v": "v"'), '{"path": "', '<"'), '{"const": "', '<"'), ', "default": ', ';'), ', "required": true', '?'), ', "required": false', '?'), ', "transform": "', '!')
        else replace(replace(replace(replace(d.printed, '"$version": 1', '"v": "v"'), '{"path": "', '<"'), ', "default": ', ';'), ', "transform": "', '!') end) collate "C" ~ E'^\\{("[A-IK-Za-z0-9_.]+": ("[A-IK-Za-z0-9_.]+"|<"[A-IK-Za-z0-9_.][A-IK-Za-z0-9_.";?!]*\\})(, )?)*\\}\\[("[a-z][a-z0-9_.]*"(, )?)*\\]$'
      and (strpos(d.printed, '"transform"') = 0 or not jsonb_path_exists(d.mappings, '$.*.transform ? (!(@ == "trim" || @ == "upper" || @ == "lower" || @ == "iso_date" || @ == "norwegian_date" || @ == "decimal_0" || @ == "decimal_2" || @ == "decimal_4" || @ == "decimal_nb" || @ == "decimal_0_nb" || @ == "decimal_2_nb" || @ == "decimal_4_nb" || @ == "decimal_en" || @ == "decimal_0_en" || @ == "decimal_2_en" || @ == "decimal_4_en"))'))
      and not d.printed collate "C" like any (array[E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_____\\_%', '%IA%', '%AIza%'])
      and octet_length(d.features::text) <= 64 and (d.features -> 1 is null or d.features -> 2 is null and d.features -> 0 <> d.features -> 1) else false end)
            and coalesce(n.sync_schedule !~ '[A-Za-z]', true)
          from (
            select n.field_mappings as mappings, n.excluded_features as features,
              n.field_mappings::text || n.excluded_features::text as printed
            offset 0 -- Printed once, however often it is looked at.
          ) as d)) as plain
      -- Full, which is never a loop in a loop: a plan made for one row is kept, and must do for thousands.
      from old_rows as o full join new_rows as n on n.organization_id = o.organization_id and n.id = o.id
      where o.id is null or n.id is null or (o.status is distinct from n.status or o.field_mappings is distinct from n.field_mappings or o.sync_schedule is distinct from n.sync_schedule or o.excluded_features is distinct from n.excluded_features or o.integration_type is distinct from n.integration_type)
      offset 0
    ) as c;
  elsif tg_op = 'DELETE' then
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when c.plain then c.changes else integrations.redacted_changes(c.changes) end
    from (
      select o.organization_id, o.id, o.integration_type, 'remove' as action, jsonb_build_object('status', jsonb_build_object('old', o.status), 'field_mappings', jsonb_build_object('old', o.field_mappings), 'sync_schedule', jsonb_build_object('old', o.sync_schedule), 'excluded_features', jsonb_build_object('old', o.excluded_features)) as changes, (select (case when strpos(d.printed, '{') = 1 then d.mappings - array['$version', 'amount', 'account', 'date', 'currency', 'tax_code', 'cost_center', 'activity_code', 'employee_id', 'reference', 'first_name', 'last_name', 'email', 'course_code', 'completed_on', 'member_id', 'birth_date', 'group_code', 'participants', 'activity_date'] = '{}'
      and (octet_length(d.printed) <= 255 or octet_length(d.printed) <= 511
        and strpos(substr(d.printed, 129, 128), '"') > 0 and strpos(substr(d.printed, 256, 128), '"') > 0 )
      and (case when strpos(d.printed, '": {') = 0 then replace(replace(d.printed, '"$version": 1', '"v": "v"'), '"$version": 2', '"v": "v"')
        when strpos(d.printed, '"$version": 2') > 0 then replace(replace(replace(replace(replace(replace(replace(d.printed, '"$version": 2', '"v": "v"'), '{"path": "', '<"'), '{"const": "', '<"'), ', "default": ', ';'), ', "required": true', '?'), ', "required": false', '?'), ', "transform": "', '!')
        else replace(replace(replace(replace(d.printed, '"$version": 1', '"v": "v"'), '{"path": "', '<"'), ', "default": ', ';'), ', "transform": "', '!') end) collate "C" ~ E'^\\{("[A-IK-Za-z0-9_.]+": ("[A-IK-Za-z0-9_.]+"|<"[A-IK-Za-z0-9_.][A-IK-Za-z0-9_.";?!]*\\})(, )?)*\\}\\[("[a-z][a-z0-9_.]*"(, )?)*\\]$'
      and (strpos(d.printed, '"transform"') = 0 or not jsonb_path_exists(d.mappings, '$.*.transform ? (!(@ == "trim" || @ == "upper" || @ == "lower" || @ == "iso_date" || @ == "norwegian_date" || @ == "decimal_0" || @ == "decimal_2" || @ == "decimal_4" || @ == "decimal_nb" || @ == "decimal_0_nb" || @ == "decimal_2_nb" || @ == "decimal_4_nb" || @ == "decimal_en" || @ == "decimal_0_en" || @ == "decimal_2_en" || @ == "decimal_4_en"))'))
      and not d.printed collate "C" like any (array[E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_____\\_%', '%IA%', '%AIza%'])
      and octet_length(d.features::text) <= 64 and (d.features -> 1 is null or d.features -> 2 is null and d.features -> 0 <> d.features -> 1) else false end)
            and coalesce(o.sync_schedule !~ '[A-Za-z]', true)
          from (
            select o.field_mappings as mappings, o.excluded_features as features,
              o.field_mappings::text || o.excluded_features::text as printed
            offset 0 -- Printed once, however often it is looked at.
          ) as d) as plain
      from old_rows as o
      offset 0
    ) as c;
  else
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when c.plain then c.changes else integrations.redacted_changes(c.changes) end
    from (
      select o.organization_id, o.id, o.integration_type, 'remove' as action, jsonb_build_object('status', jsonb_build_object('old', o.status), 'field_mappings', jsonb_build_object('old', o.field_mappings), 'sync_schedule', jsonb_build_object('old', o.sync_schedule), 'excluded_features', jsonb_build_object('old', o.excluded_features)) as changes, (select (case when strpos(d.printed, '{') = 1 then d.mappings - array['$version', 'amount', 'account', 'date', 'currency', 'tax_code', 'cost_center', 'activity_code', 'employee_id', 'reference', 'first_name', 'last_name', 'email', 'course_code', 'completed_on', 'member_id', 'birth_date', 'group_code', 'participants', 'activity_date'] = '{}'
      and (octet_length(d.printed) <= 255 or octet_length(d.printed) <= 511
        and strpos(substr(d.printed, 129, 128), '"') > 0 and strpos(substr(d.printed, 256, 128), '"') > 0 )
      and (case when strpos(d.printed, '": {') = 0 then replace(replace(d.printed, '"$version": 1', '"v": "v"'), '"$version": 2', '"v": "v"')
        when strpos(d.printed, '"$version": 2') > 0 then replace(replace(replace(replace(replace(replace(replace(d.printed, '"$version": 2', '"v": "v"'), '{"path": "', '<"'), '{"const": "', '<"'), ', "default": ', ';'), ', "required": true', '?'), ', "required": false', '?'), ', "transform": "', '!')
        else replace(replace(replace(replace(d.printed, '"$version": 1', '"v": "v"'), '{"path": "', '<"'), ', "default": ', ';'), ', "transform": "', '!') end) collate "C" ~ E'^\\{("[A-IK-Za-z0-9_.]+": ("[A-IK-Za-z0-9_.]+"|<"[A-IK-Za-z0-9_.][A-IK-Za-z0-9_.";?!]*\\})(, )?)*\\}\\[("[a-z][a-z0-9_.]*"(, )?)*\\]$'
      and (strpos(d.printed, '"transform"') = 0 or not jsonb_path_exists(d.mappings, '$.*.transform ? (!(@ == "trim" || @ == "upper" || @ == "lower" || @ == "iso_date" || @ == "norwegian_date" || @ == "decimal_0" || @ == "decimal_2" || @ == "decimal_4" || @ == "decimal_nb" || @ == "decimal_0_nb" || @ == "decimal_2_nb" || @ == "decimal_4_nb" || @ == "decimal_en" || @ == "decimal_0_en" || @ == "decimal_2_en" || @ == "decimal_4_en"))'))
      and not d.printed collate "C" like any (array[E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_____\\_%', '%IA%', '%AIza%'])
      and octet_length(d.features::text) <= 64 and (d.features -> 1 is null or d.features -> 2 is null and d.features -> 0 <> d.features -> 1) else false end)
            and coalesce(o.sync_schedule !~ '[A-Za-z]', true)
          from (
            select o.field_mappings as mappings, o.excluded_features as features,
              o.field_mappings::text || o.excluded_features::text as printed
            offset 0 -- Printed once, however often it is looked at.
          ) as d) as plain
      from public.organization_integrations as o
      offset 0
    ) as c;
  end if;
  return null;
end
$function$;
revoke all on function integrations.record_changes() from public, anon, authenticated, service_role;

create or replace function integrations.refuse_rename() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if new.integration_type <> old.integration_type then
    perform from public.organization_integration_credentials as c
    where c.integration_id = new.id and c.secret_id is not null;
    if found then
      raise exception using errcode = 'check_violation', constraint = 'credential_keeps_system',
        message = 'integration_type: cannot change while a credential is stored; revoke it first';
    end if;
  end if;
  return null;
end
$function$;
revoke all on function integrations.refuse_rename() from public, anon, authenticated, service_role;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"public"."organization_integration_runs_unfinished_idx"') is not null and not exists (select from integrations_once.statements where id = '20261127110544.index public.organization_integration_runs_unfinished_idx') then
    create schema integrations_stated;
    create table integrations_stated."organization_integration_runs" (like "public"."organization_integration_runs");
    CREATE INDEX "organization_integration_runs_unfinished_idx" ON integrations_stated."organization_integration_runs" USING btree ("started_at") WHERE outcome is null;
    select 'differs' into differs where not exists (select from pg_index where indexrelid = to_regclass('"public"."organization_integration_runs_unfinished_idx"') and indisvalid and indrelid = to_regclass('"public"."organization_integration_runs"'))
        or (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('integrations_stated."organization_integration_runs_unfinished_idx"')) is distinct from (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('"public"."organization_integration_runs_unfinished_idx"'));
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% is another one: found %, expected %', 'index "public"."organization_integration_runs_unfinished_idx"', (select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end from pg_index where indexrelid = to_regclass('"public"."organization_integration_runs_unfinished_idx"')),
        'CREATE INDEX "organization_integration_runs_unfinished_idx" ON "organization_integration_runs" USING btree ("started_at") WHERE outcome is null' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_runs_unfinished_idx" ON "organization_integration_runs" USING btree ("started_at") WHERE outcome is null;

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
      odd := not (keys collate "C" ~ '^[A-Za-z_][A-Za-z0-9_]*("[A-Za-z_][A-Za-z0-9_]*)*$' and (length(keys) <= 63 or length(keys) <= 96 and strpos(substr(keys, 33, 32), '"') > 0
        or not keys collate "C" ~ '[^"]{64}')) or strpos(printed, E'\\"') > 0 or mappings ?| array['__proto__', 'prototype', 'constructor'];
      if not odd then
      named := replace(lower(keys collate "C"), '_', '') collate "C" like any (array['%pass%', '%hemmelig%', '%key%', '%kkel%', '%cred%', '%authori%', '%token%', '%secret%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%']);
      if named then
        words := replace(case when keys collate "C" ~ '[^a-z0-9_"]|__' then '_' || regexp_replace(lower(regexp_replace(regexp_replace(keys collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9"]+', '_', 'g') || '_' else '_' || keys || '_' end, '"', '_"_');
        bare := replace(words, '_', '');
        named := strpos(bare, 'pass') > 0 and (strpos(bare, 'password') > 0 and words collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d'
            or strpos(bare, 'passwd') > 0 and words collate "C" ~ 'p_?a_?s_?s_?w_?d'
            or strpos(bare, 'passphrase') > 0 and words collate "C" ~ 'p_?a_?s_?s_?p_?h_?r_?a_?s_?e'
            or strpos(bare, 'passord') > 0 and words collate "C" ~ 'passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])'
            or strpos(bare, 'passcode') > 0 and words collate "C" ~ '_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_')
          or strpos(bare, 'hemmelig') > 0 and (words collate "C" ~ 'h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_')
          or strpos(bare, 'key') > 0 and (strpos(bare, 'apikey') > 0 and words collate "C" ~ 'a_?p_?i_?k_?e_?y'
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
            or strpos(bare, 'consumerkey') > 0 and words collate "C" ~ '_consumer_?keys?_?[0-9]*_')
          or strpos(bare, 'kkel') > 0 and (words collate "C" ~ '_a_?p_?i_?n(o|oe)?_?k_?k_?e_?l')
          or strpos(bare, 'cred') > 0 and (words collate "C" ~ 'c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_')
          or strpos(bare, 'authori') > 0 and (words collate "C" ~ 'a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n')
          or strpos(bare, 'token') > 0 and (words collate "C" ~ 'tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_')
          or strpos(bare, 'secret') > 0 and (words collate "C" ~ 'c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_')
          or strpos(bare, 'pwd') > 0 and (words collate "C" ~ 'pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_')
          or strpos(bare, 'jwt') > 0 and (words collate "C" ~ 'jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_')
          or strpos(bare, 'pin') > 0 and (words collate "C" ~ '_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_')
          or strpos(bare, 'kodeord') > 0 and (words collate "C" ~ '_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_')
          or strpos(bare, 'bearer') > 0 and (words collate "C" ~ '_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_')
          or strpos(bare, 'otp') > 0 and (words collate "C" ~ '_o_?t_?p_?s?_?[0-9]*_');
      end if;
        odd := named;
      end if;
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
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)?_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(key collate "C",
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
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)?_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(entry collate "C",
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
        named := strpos(bare, 'pass') > 0 and (strpos(bare, 'password') > 0 and words collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d'
            or strpos(bare, 'passwd') > 0 and words collate "C" ~ 'p_?a_?s_?s_?w_?d'
            or strpos(bare, 'passphrase') > 0 and words collate "C" ~ 'p_?a_?s_?s_?p_?h_?r_?a_?s_?e'
            or strpos(bare, 'passord') > 0 and words collate "C" ~ 'passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])'
            or strpos(bare, 'passcode') > 0 and words collate "C" ~ '_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_')
          or strpos(bare, 'hemmelig') > 0 and (words collate "C" ~ 'h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_')
          or strpos(bare, 'key') > 0 and (strpos(bare, 'apikey') > 0 and words collate "C" ~ 'a_?p_?i_?k_?e_?y'
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
            or strpos(bare, 'consumerkey') > 0 and words collate "C" ~ '_consumer_?keys?_?[0-9]*_')
          or strpos(bare, 'kkel') > 0 and (words collate "C" ~ '_a_?p_?i_?n(o|oe)?_?k_?k_?e_?l')
          or strpos(bare, 'cred') > 0 and (words collate "C" ~ 'c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_')
          or strpos(bare, 'authori') > 0 and (words collate "C" ~ 'a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n')
          or strpos(bare, 'token') > 0 and (words collate "C" ~ 'tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_')
          or strpos(bare, 'secret') > 0 and (words collate "C" ~ 'c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_')
          or strpos(bare, 'pwd') > 0 and (words collate "C" ~ 'pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_')
          or strpos(bare, 'jwt') > 0 and (words collate "C" ~ 'jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_')
          or strpos(bare, 'pin') > 0 and (words collate "C" ~ '_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_')
          or strpos(bare, 'kodeord') > 0 and (words collate "C" ~ '_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_')
          or strpos(bare, 'bearer') > 0 and (words collate "C" ~ '_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_')
          or strpos(bare, 'otp') > 0 and (words collate "C" ~ '_o_?t_?p_?s?_?[0-9]*_');
      end if;
        if large or looks or named or not sound or lookup ?| array['__proto__', 'prototype', 'constructor'] then
          for entry, item in select l.key, l.value from jsonb_each(lookup) as l loop
      if large then bytes := bytes + octet_length(entry); end if;
      if looks then if entry collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key, 'map', entry); end if; end if;
      if entry = any (array['__proto__', 'prototype', 'constructor']) then found := found || jsonb_build_array('must not be a name that JavaScript reserves', 'field_mappings', key, 'map', entry); end if;
      if named then if (('_' || regexp_replace(lower(regexp_replace(regexp_replace(entry collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)?_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(entry collate "C",
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
      and not excluded_features::text collate "C" like any (array[E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_____\\_%', '%IA%', '%AIza%'])) then
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
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)?_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(label collate "C",
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
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)?_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(i.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ '_(count|limit|length|size|type|usage|used|budget|quota|cost|price|ttl|age|lifetime|expiry|expires|expires_at|expires_in|expired|status|policy|required|rate|created_at|changed_at|issued_at|rotated_at|per_minute|per_hour|per_day|per_request|antall|grense|lengde|storrelse|forbruk|kostnad|pris|levetid|utlop|utloper|brukt)_([0-9]+_)?$|^_(max|total|used|remaining|input|output|prompt|completion|maks)_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$|^_(number_of|count_of|num|antall)_') then 'must not name a credential; store it with credentials.store' end as schedule_rule
    from public.organization_integrations as i
    where i.organization_id = repair_organization.organization_id
      and (exists (select from integrations.config_violations(i.field_mappings, i.excluded_features))
        or case
      when (i.sync_schedule collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(i.sync_schedule collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store'
      when (('_' || regexp_replace(lower(regexp_replace(regexp_replace(i.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)?_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(i.sync_schedule collate "C",
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
  return (
    select jsonb_object_agg(c.key, coalesce((
      select jsonb_object_agg(side.key, case
        when length(side.value::text) > 131072 then to_jsonb(format('[%s characters]', length(side.value::text)))
        -- What names a credential need not look like one, so none of it is kept.
        when c.key = 'sync_schedule' then case when case
      when ((side.value #>> '{}') collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower((side.value #>> '{}') collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store'
      when (('_' || regexp_replace(lower(regexp_replace(regexp_replace((side.value #>> '{}') collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|_p_?a_?s_?s_?c_?o_?d_?e_?s?_?[0-9]*_|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|_h_?e_?m_?m_?e_?l_?i_?g_?s?_?[0-9]*_|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|_access_?keys?_?[0-9]*_|_secret_?keys?_?[0-9]*_|_signing_?keys?_?[0-9]*_|_encryption_?keys?_?[0-9]*_|_auth_?keys?_?[0-9]*_|_master_?keys?_?[0-9]*_|_ssh_?keys?_?[0-9]*_|_subscription_?keys?_?[0-9]*_|_shared_?keys?_?[0-9]*_|_consumer_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)?_?k_?k_?e_?l|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|_c_?r_?e_?d_?s?_?[0-9]*_|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|tokens?[0-9]*_|_t_?o_?k_?e_?n_?s?_?[0-9]*_|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|secrets?[0-9]*_|_s_?e_?c_?r_?e_?t_?s?_?[0-9]*_|pwds?[0-9]*_|_p_?w_?d_?s?_?[0-9]*_|jwts?[0-9]*_|_j_?w_?t_?s?_?[0-9]*_|_p_?i_?n_?s?_?[0-9]*_|_p_?i_?n_?c_?o_?d_?e_?s?_?[0-9]*_|_p_?i_?n_?k_?o_?d_?e_?s?_?[0-9]*_|_k_?o_?d_?e_?o_?r_?d_?s?_?[0-9]*_|_b_?e_?a_?r_?e_?r_?s?_?[0-9]*_|_o_?t_?p_?s?_?[0-9]*_' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace((side.value #>> '{}') collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ '_(count|limit|length|size|type|usage|used|budget|quota|cost|price|ttl|age|lifetime|expiry|expires|expires_at|expires_in|expired|status|policy|required|rate|created_at|changed_at|issued_at|rotated_at|per_minute|per_hour|per_day|per_request|antall|grense|lengde|storrelse|forbruk|kostnad|pris|levetid|utlop|utloper|brukt)_([0-9]+_)?$|^_(max|total|used|remaining|input|output|prompt|completion|maks)_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$|^_(number_of|count_of|num|antall)_') then 'must not name a credential; store it with credentials.store' end is null then side.value else '"[redacted]"' end
        when c.key = 'status'
          or c.key = 'field_mappings' and integrations.configuration_problems(side.value, '[]') = '{}'
          or c.key = 'excluded_features' and integrations.configuration_problems('{}', side.value) = '{}' then side.value
        else integrations.redacted(side.value) end)
      from jsonb_each(c.value) as side), '{}'))
    from jsonb_each(changes) as c
  );
end
$function$;
revoke all on function integrations.redacted_changes(changes jsonb) from public, anon, authenticated, service_role;

create or replace trigger "credential_keeps_system" after update on "public"."organization_integrations" for each row execute function integrations.refuse_rename();
