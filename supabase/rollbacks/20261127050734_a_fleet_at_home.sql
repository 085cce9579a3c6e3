-- 20261127050734_a_fleet_at_home: rollback
-- data loss: every row of integrations.alert_acknowledgements
-- data loss: every row of public.organization_integration_changes
-- data loss: every row of public.organization_integration_runs
-- data loss: every row of integrations.sync_plans
-- data loss: the values of public.organization_integration_events.transaction_id
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 3 · part: 1/1 · source: 9d01de4c34d067d3f527d1148c1d030f28b6d436d30770b3fa36a8f5bd91f165 · body: 67d08cdaac1f355bbd871c6998f07b5d3414b50c06382c75f8a48d998e6ff962
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

drop function if exists integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text);

drop function if exists integrations_api.describe_credential(integration_type text);

drop function if exists integrations_api.revoke_credential(integration_type text, reason text);

drop function if exists integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text);

drop function if exists integrations_api.store_credential(integration_type text, bundle text, reason text);

drop function if exists integrations_api.credential_store();

drop function if exists integrations.api_write(action text, integration_type text, bundle text, grace_seconds integer, reason text);

drop function if exists integrations.check_silence();

drop function if exists integrations.check_bundle(integration_type text, bundle text);

drop function if exists integrations.api_answer(code text, message text, details jsonb);

drop trigger if exists "active_needs_credential" on "public"."organization_integrations";

drop function if exists integrations.prune_events(before timestamptz, most integer);

drop function if exists integrations.acknowledge_alert(alert_id uuid);

drop function if exists integrations.pending_alerts(most integer);

drop function if exists integrations.prune_runs(before timestamptz, most integer);

drop function if exists integrations.planned_through(queue text, through timestamptz);

drop function if exists integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer);

drop function if exists integrations.start_run(organization_id uuid, integration_type text, due timestamptz, retries boolean);

drop trigger if exists "record_truncate" on "public"."organization_integrations";

drop trigger if exists "record_remove" on "public"."organization_integrations";

drop trigger if exists "record_update" on "public"."organization_integrations";

drop trigger if exists "record_create" on "public"."organization_integrations";

drop function if exists integrations.redacted_changes(changes jsonb);

create or replace function integrations.refuse_change() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
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
  violations text[] := '{}';
  mappings_text text := new.field_mappings::text;
  features_text text := new.excluded_features::text;
  schedule_rule text;
begin
  if not (case when jsonb_typeof(new.field_mappings) = 'object' then (new.field_mappings = '{}' or length(mappings_text) <= 511
      and new.field_mappings - array['$version', 'amount', 'account', 'date', 'currency', 'tax_code', 'cost_center', 'activity_code', 'employee_id', 'reference', 'first_name', 'last_name', 'email', 'course_code', 'completed_on', 'member_id', 'birth_date', 'group_code', 'participants', 'activity_date'] = '{}'
      and (length(mappings_text) <= 255 or strpos(substr(mappings_text, 129, 128), '"') > 0 and strpos(substr(mappings_text, 256, 128), '"') > 0)
      and (mappings_text collate "C" ~ E'^([A-IK-Za-z0-9_.{}"$]|\\[|\\]|[:,] )*$' and not mappings_text collate "C" like any (array['%""%', E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_live\\_%', E'%k\\_test\\_%', '%IA%', '%AIza%']))
      and coalesce(new.field_mappings -> '$version', '1') in ('1', '2')
      and not jsonb_path_exists(new.field_mappings - '$version', '$.*.type() ? (@ != "string" && @ != "object")')
      and (strpos(substr(mappings_text, 2), '{') = 0 or not jsonb_path_exists(new.field_mappings - '$version', '$.* ? (@.type() == "object" && !(exists(@.path)))')
        and not jsonb_path_exists(new.field_mappings - '$version', '$.* ? (@.type() == "object").keyvalue() ? (!(@.key == "path" && @.value.type() == "string" || @.key == "transform" && @.value.type() == "string" && (@.value == "trim" || @.value == "upper" || @.value == "lower" || @.value == "iso_date" || @.value == "norwegian_date" || @.value == "decimal_0" || @.value == "decimal_2" || @.value == "decimal_4" || @.value == "decimal_nb" || @.value == "decimal_0_nb" || @.value == "decimal_2_nb" || @.value == "decimal_4_nb" || @.value == "decimal_en" || @.value == "decimal_0_en" || @.value == "decimal_2_en" || @.value == "decimal_4_en") || @.key == "default" && @.value.type() != "object" && @.value.type() != "array"))'))) else false end
    and (new.excluded_features = '[]' or length(features_text) <= 64 and features_text collate "C" ~ E'^\\["[a-z][a-z0-9_.]*"(, "[a-z][a-z0-9_.]*")?\\]$'
      and (features_text collate "C" ~ E'^([A-IK-Za-z0-9_.{}"$]|\\[|\\]|[:,] )*$' and not features_text collate "C" like any (array['%""%', E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_live\\_%', E'%k\\_test\\_%', '%IA%', '%AIza%'])) and new.excluded_features -> 0 is distinct from new.excluded_features -> 1)) then
    violations := integrations.configuration_problems(
      case when unchanged and new.field_mappings is not distinct from old.field_mappings then '{}' else new.field_mappings end,
      case when unchanged and new.excluded_features is not distinct from old.excluded_features then '[]' else new.excluded_features end
    );
  end if;
  -- Nearly every schedule is digits and signs.
  if new.sync_schedule ~ '[A-Za-z]' and not (unchanged and new.sync_schedule is not distinct from old.sync_schedule) then
    schedule_rule := case
      when (new.sync_schedule collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(new.sync_schedule collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store'
      when (('_' || regexp_replace(lower(regexp_replace(regexp_replace(new.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(new.sync_schedule collate "C",
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

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127050734.index public.organization_integrations_scheduled_idx') then
      execute $statement$DROP INDEX IF EXISTS "public"."organization_integrations_scheduled_idx";$statement$;
    end if;
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127050734.index public.organization_integration_events_alerts_idx') then
      execute $statement$DROP INDEX IF EXISTS "public"."organization_integration_events_alerts_idx";$statement$;
    end if;
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127050734.index public.organization_integration_events_position_idx') then
      execute $statement$DROP INDEX IF EXISTS "public"."organization_integration_events_position_idx";$statement$;
    end if;
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127050734.column public.organization_integration_events.transaction_id') then
      execute $statement$ALTER TABLE IF EXISTS "public"."organization_integration_events" DROP COLUMN IF EXISTS "transaction_id";$statement$;
    end if;
  end if;
END $guard$;

DO $guard1$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127050734.table integrations.sync_plans') then
      execute $statement$DO $guard$
DECLARE
  others text;
BEGIN
  select string_agg(quote_ident(attname), ', ') into others from pg_attribute
  where attrelid = to_regclass('"integrations"."sync_plans"') and attnum > 0 and not attisdropped and attname <> all (array['queue', 'planned_through']::text[]);
  if others is null then
    DROP TABLE IF EXISTS "integrations"."sync_plans";
  else
    raise warning '% has columns that no migration made, so it stays: %', '"integrations"."sync_plans"', others;
  end if;
END $guard$;$statement$;
    end if;
  end if;
END $guard1$;

DO $guard1$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127050734.table public.organization_integration_runs') then
      execute $statement$DO $guard$
DECLARE
  others text;
BEGIN
  select string_agg(quote_ident(attname), ', ') into others from pg_attribute
  where attrelid = to_regclass('"public"."organization_integration_runs"') and attnum > 0 and not attisdropped and attname <> all (array['id', 'integration_id', 'organization_id', 'due', 'started_at', 'finished_at', 'outcome', 'message', 'counts', 'attempt']::text[]);
  if others is null then
    DROP TABLE IF EXISTS "public"."organization_integration_runs";
  else
    raise warning '% has columns that no migration made, so it stays: %', '"public"."organization_integration_runs"', others;
  end if;
END $guard$;$statement$;
    end if;
  end if;
END $guard1$;

DO $guard1$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127050734.table public.organization_integration_changes') then
      execute $statement$DO $guard$
DECLARE
  others text;
BEGIN
  select string_agg(quote_ident(attname), ', ') into others from pg_attribute
  where attrelid = to_regclass('"public"."organization_integration_changes"') and attnum > 0 and not attisdropped and attname <> all (array['id', 'created_at', 'transaction_id', 'organization_id', 'integration_id', 'integration_type', 'action', 'actor', 'reason', 'changes']::text[]);
  if others is null then
    DROP TABLE IF EXISTS "public"."organization_integration_changes";
  else
    raise warning '% has columns that no migration made, so it stays: %', '"public"."organization_integration_changes"', others;
  end if;
END $guard$;$statement$;
    end if;
  end if;
END $guard1$;

DO $guard1$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127050734.table integrations.alert_acknowledgements') then
      execute $statement$DO $guard$
DECLARE
  others text;
BEGIN
  select string_agg(quote_ident(attname), ', ') into others from pg_attribute
  where attrelid = to_regclass('"integrations"."alert_acknowledgements"') and attnum > 0 and not attisdropped and attname <> all (array['event_id', 'actor', 'created_at']::text[]);
  if others is null then
    DROP TABLE IF EXISTS "integrations"."alert_acknowledgements";
  else
    raise warning '% has columns that no migration made, so it stays: %', '"integrations"."alert_acknowledgements"', others;
  end if;
END $guard$;$statement$;
    end if;
  end if;
END $guard1$;

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
  printed text;
  large boolean;
  looks boolean;
  familiar boolean;
  named boolean := false;
  names boolean;
  bytes integer;
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
  found jsonb[] := '{}';
begin
  if field_mappings is null or jsonb_typeof(field_mappings) <> 'object' then
    found := found || jsonb_build_array('must be an object', 'field_mappings');
  elsif known is null then
    found := found || jsonb_build_array('must be a version that this package knows', 'field_mappings.$version');
  elsif field_mappings <> '{}' then
    printed := field_mappings::text;
    if strpos(printed, E'\\') > 0 then
      printed := regexp_replace(printed, E'\\\\(u00..|.)', ' ', 'g');
    end if;
    looks := not (printed collate "C" ~ E'^([A-IK-Za-z0-9_.{}"$]|\\[|\\]|[:,] )*$' and not printed collate "C" like any (array['%""%', E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_live\\_%', E'%k\\_test\\_%', '%IA%', '%AIza%'])) and printed collate "C" ~ E'[-\\u00a0]|yJ|I[Az]|h[pousr]_|_pat_|k_[lt]|[RrCc] ' and printed collate "C" ~ E'("|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|("|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*"|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}';
    -- Printed it is at least as long.
    large := octet_length(field_mappings::text) > 65536;
    bytes := case when field_mappings ? '$version' then 8 else 0 end;
    familiar := field_mappings - array['$version', 'amount', 'account', 'date', 'currency', 'tax_code', 'cost_center', 'activity_code', 'employee_id', 'reference', 'first_name', 'last_name', 'email', 'course_code', 'completed_on', 'member_id', 'birth_date', 'group_code', 'participants', 'activity_date'] = '{}';
    if not familiar then
      select count(*), string_agg(translate(m.key, '"', '_'), '"')
      into entries, keys from jsonb_object_keys(field_mappings - '$version') as m (key);
      if entries > 200 then found := found || jsonb_build_array('must have at most 200 keys', 'field_mappings'); end if;
      named := (translate(lower(keys collate "C"), '_', '') collate "C" ~ '[^a-z0-9"]|pass([wco]|ph)|hemmel|(ss|et|ng|on|th|er|sh|ed|pi|te)key|secret|cred|authori|token|pwd|jwt|pin|kodeord|bearer|otp|kkel'
      and replace(case when keys collate "C" ~ '[^a-z0-9_"]'
        then '_' || regexp_replace(lower(regexp_replace(regexp_replace(keys collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9"]+', '_', 'g') || '_' else '_' || keys || '_' end, '"', '_"_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l');
    end if;
    for key, value in select m.key, m.value from jsonb_each(field_mappings - '$version') as m loop
      names := named;
      if large or not familiar then
      if large then bytes := bytes + octet_length(key); end if;
      if looks then if key collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key); end if; end if;
      if key = any (array['__proto__', 'prototype', 'constructor']) then found := found || jsonb_build_array('must not be a name that JavaScript reserves', 'field_mappings', key); end if;
      if names then if (('_' || regexp_replace(lower(regexp_replace(regexp_replace(key collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(key collate "C",
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
        names := true;
        for entry in select f.key from jsonb_object_keys(others) as f (key) loop
      if large then bytes := bytes + octet_length(entry); end if;
      if looks then if entry collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key, entry); end if; end if;
      if entry = any (array['__proto__', 'prototype', 'constructor']) then found := found || jsonb_build_array('must not be a name that JavaScript reserves', 'field_mappings', key, entry); end if;
      if names then if (('_' || regexp_replace(lower(regexp_replace(regexp_replace(entry collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(entry collate "C",
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
        select count(*), bool_and(jsonb_typeof(l.value) = 'string'), string_agg(translate(l.key, '"', '_'), '"')
        into entries, sound, keys from jsonb_each(lookup) as l;
        if entries > 200 then found := found || jsonb_build_array('must have at most 200 entries', 'field_mappings', key, 'map'); end if;
        names := (translate(lower(keys collate "C"), '_', '') collate "C" ~ '[^a-z0-9"]|pass([wco]|ph)|hemmel|(ss|et|ng|on|th|er|sh|ed|pi|te)key|secret|cred|authori|token|pwd|jwt|pin|kodeord|bearer|otp|kkel'
      and replace(case when keys collate "C" ~ '[^a-z0-9_"]'
        then '_' || regexp_replace(lower(regexp_replace(regexp_replace(keys collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9"]+', '_', 'g') || '_' else '_' || keys || '_' end, '"', '_"_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l');
        if large or looks or names or not sound or lookup ?| array['__proto__', 'prototype', 'constructor'] then
          for entry, item in select l.key, l.value from jsonb_each(lookup) as l loop
      if large then bytes := bytes + octet_length(entry); end if;
      if looks then if entry collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then found := found || jsonb_build_array('must not look like a credential; store it with credentials.store', 'field_mappings', key, 'map', entry); end if; end if;
      if entry = any (array['__proto__', 'prototype', 'constructor']) then found := found || jsonb_build_array('must not be a name that JavaScript reserves', 'field_mappings', key, 'map', entry); end if;
      if names then if (('_' || regexp_replace(lower(regexp_replace(regexp_replace(entry collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(entry collate "C",
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
    if bytes > 65536 then found := found || jsonb_build_array('must have at most 65,536 bytes of keys and texts', 'field_mappings'); end if;
  end if;
  if excluded_features is null or jsonb_typeof(excluded_features) <> 'array' then
    found := found || jsonb_build_array('must be an array', 'excluded_features');
  elsif not (excluded_features = '[]' or length(excluded_features::text) <= 64 and excluded_features::text collate "C" ~ E'^\\["[a-z][a-z0-9_.]*"(, "[a-z][a-z0-9_.]*")?\\]$'
      and (excluded_features::text collate "C" ~ E'^([A-IK-Za-z0-9_.{}"$]|\\[|\\]|[:,] )*$' and not excluded_features::text collate "C" like any (array['%""%', E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_live\\_%', E'%k\\_test\\_%', '%IA%', '%AIza%'])) and excluded_features -> 0 is distinct from excluded_features -> 1) then
    printed := excluded_features::text;
    if strpos(printed, E'\\') > 0 then
      printed := regexp_replace(printed, E'\\\\(u00..|.)', ' ', 'g');
    end if;
    looks := not (printed collate "C" ~ E'^([A-IK-Za-z0-9_.{}"$]|\\[|\\]|[:,] )*$' and not printed collate "C" like any (array['%""%', E'%gh_\\_%', E'%\\_pat\\_%', E'%k\\_live\\_%', E'%k\\_test\\_%', '%IA%', '%AIza%'])) and printed collate "C" ~ E'[-\\u00a0]|yJ|I[Az]|h[pousr]_|_pat_|k_[lt]|[RrCc] ' and printed collate "C" ~ E'("|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|("|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*"|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}';
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
  if found = '{}' then
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
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(label collate "C",
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
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(i.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ '_(count|limit|length|size|type|usage|used|budget|quota|cost|price|ttl|age|lifetime|expiry|expires|expires_at|expires_in|expired|status|policy|required|rate|created_at|changed_at|issued_at|rotated_at|per_minute|per_hour|per_day|per_request|antall|grense|lengde|storrelse|forbruk|kostnad|pris|levetid|utlop|utloper|brukt)_([0-9]+_)?$|^_(max|total|used|remaining|input|output|prompt|completion|maks)_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$|^_(number_of|count_of|num|antall)_') then 'must not name a credential; store it with credentials.store' end as schedule_rule
    from public.organization_integrations as i
    where i.organization_id = repair_organization.organization_id
      and (exists (select from integrations.config_violations(i.field_mappings, i.excluded_features))
        or case
      when (i.sync_schedule collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(i.sync_schedule collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store'
      when (('_' || regexp_replace(lower(regexp_replace(regexp_replace(i.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace(i.sync_schedule collate "C",
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

drop function if exists integrations.refuse_activation();

drop function if exists integrations.record_changes();

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127050734.schema integrations_api') then
      execute $statement$DROP SCHEMA IF EXISTS "integrations_api";$statement$;
    end if;
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    delete from integrations_once.statements where id like '20261127050734.%';
    if not exists (select from integrations_once.statements) then
      drop table integrations_once.statements;
      drop schema integrations_once;
    end if;
  end if;
END $guard$;
