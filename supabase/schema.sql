-- What supabase/migrations produce, as pg_dump sees it. Written by npm run db:generate; never applied.

CREATE SCHEMA integrations;

CREATE SCHEMA integrations_api;

CREATE SCHEMA integrations_once;

CREATE TYPE public.integration_status_enum AS ENUM (
    'active',
    'inactive',
    'error',
    'pending_setup'
);

COMMENT ON TYPE public.integration_status_enum IS 'Labels must match the constants of the Flutter app''s Dart registry, letter for letter; adding or renaming one means changing both.';

CREATE TYPE public.integration_type_enum AS ENUM (
    'xledger',
    'dynamics',
    'cornerstone',
    'consio',
    'bufdir'
);

COMMENT ON TYPE public.integration_type_enum IS 'Labels must match the constants of the Flutter app''s Dart registry, letter for letter; adding or renaming one means changing both.';

CREATE FUNCTION integrations.acknowledge_alert(alert_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  insert into integrations.alert_acknowledgements (event_id, actor)
  select e.id, caller.actor
  from public.organization_integration_events as e, integrations.caller() as caller
  where e.id = alert_id and e.action = 'alert'
  on conflict do nothing;
  return exists (select from integrations.alert_acknowledgements as a where a.event_id = alert_id);
end
$$;

CREATE FUNCTION integrations.api_answer(code text, message text, details jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  answer jsonb := jsonb_build_object('code', code, 'message', message) || details;
begin
  if code <> 'ok' then
    perform set_config('response.status', case code when 'invalid_input' then '400' when 'permission_denied' then '403' when 'not_found' then '404' when 'already_exists' then '409' when 'conflict' then '409' when 'credential_missing' then '422' when 'unavailable' then '503' else '500' end, true);
  end if;
  return answer;
end
$$;

CREATE FUNCTION integrations.api_write(action text, integration_type text, bundle text, grace_seconds integer, reason text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

CREATE FUNCTION integrations.bundle_fields(bundle text) RETURNS text[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  parsed jsonb;
  fields text[];
begin
  if octet_length(bundle) <= 65536 then
    begin
      parsed := bundle::jsonb;
    exception when others then
      parsed := null;
    end;
  end if;
  if jsonb_typeof(parsed) = 'object' then
    select array_agg(key order by key) into fields from jsonb_object_keys(parsed) as key;
  end if;
  if fields is null then
    perform integrations.refuse('invalid_input', 'bundle: must be a JSON object with at least one field, of at most 65,536 bytes');
  elsif exists (select from unnest(fields) as field where (field collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(field collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))')) then
    perform integrations.refuse('invalid_input', 'bundle: a field''s name must not look like a credential; store it with credentials.store');
  end if;
  return fields;
end
$_$;

CREATE FUNCTION integrations.caller() RETURNS TABLE(is_service boolean, organization_id uuid, organization_role text, actor text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  claims jsonb;
begin
  begin
    claims := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
  exception when data_exception or statement_too_complex then
    claims := null;
  end;
  is_service := pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user), 'service_role', 'usage');
  if is_service then
    begin
      organization_id := (claims #>> '{app_metadata,organization_id}')::uuid;
    exception when data_exception then
      organization_id := null;
    end;
    actor := claims ->> 'actor';
  else
    organization_id := integrations.current_organization_id();
    organization_role := integrations.current_organization_role();
    actor := claims ->> 'sub';
  end if;
  actor := left(coalesce(actor, session_user), 255);
  return next;
end
$$;

CREATE FUNCTION integrations.can_decrypt(store text, secret_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform integrations.read_secret(store, secret_id);
  return true;
exception when sqlstate 'IDB01' then
  return false;
end
$$;

CREATE FUNCTION integrations.check_bundle(integration_type text, bundle text) RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

CREATE FUNCTION integrations.check_silence() RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

CREATE FUNCTION integrations.config_violations(field_mappings jsonb, excluded_features jsonb) RETURNS TABLE(path text, rule text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return query
  select split_part(v.violation, ': ', 1), substr(v.violation, strpos(v.violation, ': ') + 2)
  from unnest(integrations.configuration_problems(field_mappings, excluded_features)) as v (violation);
end
$$;

CREATE FUNCTION integrations.configuration_problems(field_mappings jsonb, excluded_features jsonb) RETURNS text[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

CREATE FUNCTION integrations.create_secret(store text, secret_name text, value text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  secret_id uuid;
  state text;
begin
  if store = 'vault' then
    begin
      execute 'select vault.create_secret($1, $2, $3)' into secret_id using value, secret_name, '';
    exception
      when unique_violation then
        perform integrations.refuse('conflict', format(
          'Vault holds a secret named %s that nothing refers to; remove it with: integrations-db credentials audit --apply', secret_name));
      when others then
        get stacked diagnostics state = returned_sqlstate;
        perform integrations.refuse('unavailable', format('Vault refused to store the secret (SQLSTATE %s)', state));
    end;
  else
    insert into integrations.encrypted_secrets (key_id, ciphertext)
    select e.key_id, e.ciphertext from integrations.encrypt_secret(value) as e
    returning id into secret_id;
  end if;
  if secret_id is null then
    perform integrations.refuse('unavailable', 'the store gave no id for the secret');
  end if;
  return secret_id;
end
$_$;

CREATE FUNCTION integrations.credential_store() RETURNS TABLE(store text, logs_always text, logs_sometimes text, time_limit_ms integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  silent boolean := current_setting('log_parameter_max_length', true) = '0';
  -- auto_explain prints values as arguments of a function (verbose), or since PostgreSQL 16 as parameters of their own.
  prints_arguments boolean := coalesce(current_setting('auto_explain.log_verbose', true), 'off') <> 'off';
  explains boolean := current_setting('auto_explain.sample_rate', true) is distinct from '0'
    and (prints_arguments or current_setting('auto_explain.log_parameter_max_length', true) is distinct from '0');
  explained_after numeric := case when explains then integrations.duration_ms('auto_explain.log_min_duration') end;
begin
  store := case when to_regclass('vault.secrets') is null then 'pgcrypto' else 'vault' end;
  select string_agg(s.name, ', ') filter (where s.after < 1000), string_agg(s.name, ', ') filter (where s.after >= 1000),
    least(min(s.after) filter (where s.after >= 1000 and s.after < 'infinity'), 2147483646) / 2
  into logs_always, logs_sometimes, time_limit_ms
  from (values
    ('log_statement = all', case when current_setting('log_statement') = 'all' and not silent then 0 end),
    ('log_transaction_sample_rate',
      case when current_setting('log_transaction_sample_rate', true)::numeric > 0 and not silent then 0 end),
    ('pgaudit.log_parameter', case when coalesce(current_setting('pgaudit.log_parameter', true), 'off') <> 'off' then 0 end),
    ('log_min_duration_statement = ' || current_setting('log_min_duration_statement'),
      case when not silent then integrations.duration_ms('log_min_duration_statement') end),
    ('log_min_duration_sample = ' || current_setting('log_min_duration_sample'),
      case when current_setting('log_statement_sample_rate')::numeric > 0 and not silent
        then integrations.duration_ms('log_min_duration_sample') end),
    ('log_parameter_max_length_on_error',
      case when current_setting('log_parameter_max_length_on_error') <> '0' then 'infinity'::numeric end),
    ('auto_explain.log_min_duration = ' || current_setting('auto_explain.log_min_duration', true),
      case when prints_arguments or explained_after is null or current_setting('server_version_num')::integer >= 160000
        then explained_after else 'infinity' end)
  ) as s (name, after);
  return next;
end
$$;

CREATE FUNCTION integrations.current_organization_id() RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  begin
    return (current_setting('request.jwt.claims', true)::jsonb #>> '{app_metadata,organization_id}')::uuid;
  exception when data_exception or statement_too_complex then
    return null;
  end
  $$;

COMMENT ON FUNCTION integrations.current_organization_id() IS 'The organization of the caller, from request.jwt.claims; null where there is none. Policies depend on it.';

CREATE FUNCTION integrations.current_organization_role() RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  begin
    return (current_setting('request.jwt.claims', true)::jsonb #>> '{app_metadata,role}')::text;
  exception when data_exception or statement_too_complex then
    return null;
  end
  $$;

COMMENT ON FUNCTION integrations.current_organization_role() IS 'The role of the caller in that organization, from request.jwt.claims; null where there is none. Policies depend on it.';

CREATE FUNCTION integrations.delete_credential(integration_id uuid, reason text) RETURNS TABLE(code text, message text, version bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  organization uuid;
  type text;
begin
  code := 'ok';
  begin
    if integration_id is null then
      perform integrations.refuse('invalid_input', 'integration_id: must not be null');
    end if;
    select i.organization_id, i.integration_type::text into organization, type
    from public.organization_integrations as i
    where i.id = integration_id
    for no key update;
    if not found then
      perform integrations.refuse('not_found', 'integration_id: there is no such integration');
    end if;
    version := integrations.end_credential(integration_id, 'pending_setup');
    if version is null then
      perform integrations.refuse('credential_missing',
        format('integration_id: the integration with %s has no credential to delete', type));
    end if;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  perform integrations.record_event('delete', code, organization, integration_id, type, version, reason);
  return next;
end
$$;

CREATE FUNCTION integrations.delete_secret() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  if old.secret_id is null or (tg_op = 'UPDATE' and new.secret_id is not distinct from old.secret_id) then
    return null;
  end if;
  if tg_op = 'DELETE' then
    perform integrations.record_event('delete', 'ok', i.organization_id, i.id, i.integration_type::text, old.version,
      'its reference was deleted')
    from public.organization_integrations as i where i.id = old.integration_id;
  end if;
  if old.store = 'pgcrypto' then
    delete from integrations.encrypted_secrets as s where s.id = old.secret_id;
  elsif to_regclass('vault.secrets') is not null then
    execute 'delete from vault.secrets where id = $1' using old.secret_id;
  end if;
  return null;
end
$_$;

CREATE FUNCTION integrations.delete_secrets() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform integrations.record_event('delete', 'ok', i.organization_id, i.id, i.integration_type::text, c.version,
    'its table was truncated')
  from public.organization_integration_credentials as c
  join public.organization_integrations as i on i.id = c.integration_id
  where c.secret_id is not null;
  update public.organization_integration_credentials as c set secret_id = null where c.secret_id is not null;
  return null;
end
$$;

CREATE FUNCTION integrations.describe_credential(integration_type text) RETURNS TABLE(version bigint, created_at timestamp with time zone, field_names text[], previous_version bigint, previous_readable_until timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return query
  select c.version, c.created_at, c.field_names, p.version, p.readable_until
  from integrations.caller() as caller
  join public.organization_integrations as i
    on i.organization_id = caller.organization_id and i.integration_type::text = describe_credential.integration_type
  join public.organization_integration_credentials as c
    on c.integration_id = i.id and c.secret_id is not null and c.readable_until is null
  left join public.organization_integration_credentials as p
    on p.integration_id = i.id and p.secret_id is not null and p.readable_until > clock_timestamp()
  where caller.is_service or caller.organization_role in ('admin', 'coordinator');
end
$$;

CREATE FUNCTION integrations.duration_ms(setting text) RETURNS numeric
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  value text := current_setting(setting, true);
begin
  if value is null or value = '' or value like '-%' then
    return null;
  end if;
  return 1000 * extract(epoch from value::interval);
exception when data_exception then
  return 'infinity';
end
$$;

CREATE FUNCTION integrations.encrypt_anew(secret_id uuid) RETURNS TABLE(code text, message text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  wanted text := integrations.encryption_key_id(current_setting('integrations.encryption_key', true));
  value text;
  kept record;
begin
  code := 'ok';
  begin
    perform from integrations.encrypted_secrets as s where s.id = secret_id and s.key_id is distinct from wanted for update;
    if found then
      value := integrations.read_secret('pgcrypto', secret_id);
      select * into kept from integrations.encrypt_secret(value);
      update integrations.encrypted_secrets as s set key_id = kept.key_id, ciphertext = kept.ciphertext where s.id = secret_id;
      if integrations.read_secret('pgcrypto', secret_id) is distinct from value then
        perform integrations.refuse('conflict', 'what the new key gives back is not what was put in; the old copy stays');
      end if;
    end if;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  return next;
end
$$;

CREATE FUNCTION integrations.encrypt_secret(value text) RETURNS TABLE(key_id text, ciphertext bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  key text := current_setting('integrations.encryption_key', true);
  state text;
begin
  if key is null or key !~ '^[0-9a-f]{64}$' then
    perform integrations.refuse('invalid_input',
      'INTEGRATIONS_ENCRYPTION_KEY: must be 64 hexadecimal digits; there is no Vault here, and nothing is stored without a key');
  end if;
  begin
    -- The key is random, so stretching it, which is for passwords, would only cost time.
    execute format('select %s.pgp_sym_encrypt($1, $2, ''cipher-algo=aes256, compress-algo=0, s2k-count=1024'')',
      integrations.pgcrypto_schema()) into ciphertext using value, key;
  exception
    when sqlstate 'IDB01' then raise;
    when others then
      get stacked diagnostics state = returned_sqlstate;
      perform integrations.refuse('unavailable', format('pgcrypto refused to encrypt (SQLSTATE %s)', state));
  end;
  key_id := integrations.encryption_key_id(key);
  return next;
end
$_$;

CREATE FUNCTION integrations.encryption_key_id(key text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return left(encode(sha256(convert_to('integrations-db key id ' || key, 'UTF8')), 'hex'), 16);
end
$$;

CREATE FUNCTION integrations.end_credential(integration uuid, new_status text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  current_version bigint;
begin
  select max(c.version) into current_version
  from public.organization_integration_credentials as c
  where c.integration_id = integration and c.secret_id is not null and c.readable_until is null;
  update public.organization_integration_credentials as c set secret_id = null
  where c.integration_id = integration and c.secret_id is not null;
  update public.organization_integrations as i set status = new_status::public.integration_status_enum
  where i.id = integration and (i.status = 'active' or (new_status = 'error' and i.status <> 'error'));
  return current_version;
end
$$;

CREATE FUNCTION integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer) RETURNS TABLE(code text, problem text, organization_id uuid, integration_type text, id uuid, integration_id uuid, due timestamp with time zone, started_at timestamp with time zone, finished_at timestamp with time zone, outcome text, message text, counts jsonb, attempt bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

CREATE FUNCTION integrations.has_credential(integration_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return exists (
    select from integrations.caller() as caller
    join public.organization_integrations as i
      on i.id = has_credential.integration_id and (caller.is_service
        or i.organization_id = caller.organization_id and caller.organization_role in ('admin', 'coordinator'))
    join public.organization_integration_credentials as c
      on c.integration_id = i.id and c.secret_id is not null and c.readable_until is null
  );
end
$$;

CREATE FUNCTION integrations.move_to_vault(integration_id uuid, version bigint) RETURNS TABLE(code text, message text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  credential record;
  value text;
  moved uuid;
begin
  code := 'ok';
  begin
    select c.store, c.secret_id, i.organization_id into credential
    from public.organization_integrations as i
    join public.organization_integration_credentials as c on c.integration_id = i.id
    where i.id = move_to_vault.integration_id and c.version = move_to_vault.version and c.secret_id is not null
    for update;
    -- Revoked, rotated or moved by somebody else meanwhile: nothing is left to do.
    if not found or credential.store = 'vault' then
      return next;
      return;
    end if;
    value := integrations.read_secret('pgcrypto', credential.secret_id);
    moved := integrations.create_secret('vault',
      format('integrations-db/%s/%s/%s', credential.organization_id, integration_id, version), value);
    if integrations.read_secret('vault', moved) is distinct from value then
      perform integrations.refuse('conflict', 'what Vault gives back is not what was put in; the old copy stays');
    end if;
    update public.organization_integration_credentials as c set store = 'vault', secret_id = moved
    where c.integration_id = move_to_vault.integration_id and c.version = move_to_vault.version;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  return next;
end
$$;

CREATE FUNCTION integrations.own_integration(integration_type text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  caller record;
  integration_id uuid;
begin
  select * into caller from integrations.caller();
  if integration_type is null or integration_type <> all (enum_range(null::public.integration_type_enum)::text[]) then
    perform integrations.refuse('invalid_input', format('integration_type: must be one of %s',
      array_to_string(enum_range(null::public.integration_type_enum), ', ')));
  elsif caller.organization_id is null then
    perform integrations.refuse('permission_denied', 'organization: the claims name none');
  elsif not caller.is_service and caller.organization_role is distinct from 'admin' then
    perform integrations.refuse('permission_denied', 'role: must be admin, the claims say otherwise');
  end if;
  select i.id into integration_id
  from public.organization_integrations as i
  where i.organization_id = caller.organization_id and i.integration_type::text = own_integration.integration_type
  for no key update;
  if integration_id is null then
    perform integrations.refuse('not_found',
      format('integration_type %s: the organization has no such integration; create it first', integration_type));
  end if;
  return integration_id;
end
$$;

CREATE TABLE public.organization_integration_events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    organization_id uuid,
    integration_id uuid,
    integration_type text,
    action text NOT NULL,
    outcome text NOT NULL,
    actor text NOT NULL,
    reason text,
    version bigint,
    quarantined jsonb,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    CONSTRAINT organization_integration_events_action_check CHECK ((action = ANY (ARRAY['store'::text, 'rotate'::text, 'retrieve'::text, 'revoke'::text, 'delete'::text, 'alert'::text, 'quarantine'::text, 'restore'::text])))
);

ALTER TABLE ONLY public.organization_integration_events FORCE ROW LEVEL SECURITY;

CREATE FUNCTION integrations.pending_alerts(most integer) RETURNS SETOF public.organization_integration_events
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return query
  select e.* from public.organization_integration_events as e
  where e.action = 'alert' and not exists (select from integrations.alert_acknowledgements as a where a.event_id = e.id)
  order by e.transaction_id, e.created_at, e.id
  limit most;
end
$$;

CREATE FUNCTION integrations.pgcrypto_schema() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  found_schema text := (select quote_ident(n.nspname) from pg_catalog.pg_extension as e
    join pg_catalog.pg_namespace as n on n.oid = e.extnamespace where e.extname = 'pgcrypto');
begin
  if found_schema is null then
    perform integrations.refuse('unavailable',
      'there is neither Supabase Vault nor the extension pgcrypto to keep a credential in; create one of them');
  end if;
  return found_schema;
end
$$;

CREATE FUNCTION integrations.planned_through(queue text, through timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if through is not null then
    insert into integrations.sync_plans as p (queue, planned_through)
    values (planned_through.queue, through)
    on conflict on constraint sync_plans_pkey do update set planned_through = excluded.planned_through
    where p.planned_through < excluded.planned_through;
  end if;
  return (select p.planned_through from integrations.sync_plans as p where p.queue = planned_through.queue);
end
$$;

CREATE FUNCTION integrations.prepare_credential(action text, integration_type text, reason text) RETURNS TABLE(code text, message text, store text, logs_always text, logs_sometimes text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  caller record;
  own_wait text := current_setting('lock_timeout');
  own_limit text := current_setting('statement_timeout');
  time_limit_ms integer;
begin
  select * into caller from integrations.caller();
  code := 'ok';
  begin
    if action is null or action not in ('store', 'rotate') then
      action := 'store';
      perform integrations.refuse('invalid_input', 'action: must be store or rotate');
    end if;
    if integrations.duration_ms('lock_timeout') not between 1 and 2000 then
      perform set_config('lock_timeout', '2s', true);
    end if;
    perform integrations.own_integration(integration_type);
    perform set_config('lock_timeout', own_wait, true);
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
    when lock_not_available then
      code := 'conflict';
      message := format('integration_type %s: somebody else has held its row locked for 2 s; try again', integration_type);
  end;
  if code <> 'ok' then
    perform integrations.record_event(action, code, caller.organization_id, null, integration_type, null, reason);
    return next;
    return;
  end if;
  select s.store, s.logs_always, s.logs_sometimes, s.time_limit_ms into store, logs_always, logs_sometimes, time_limit_ms
  from integrations.credential_store() as s;
  -- Where a value will not be sent, nothing may be left behind in the caller's transaction.
  if store = 'vault' and logs_always is null and time_limit_ms is not null then
    perform set_config('integrations.statement_timeout', own_limit, true);
    if integrations.duration_ms('statement_timeout') not between 1 and time_limit_ms then
      perform set_config('statement_timeout', time_limit_ms::text, true);
    end if;
  end if;
  return next;
end
$$;

CREATE FUNCTION integrations.prune_events(before timestamp with time zone, most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

CREATE FUNCTION integrations.prune_runs(before timestamp with time zone, most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

CREATE FUNCTION integrations.read_secret(store text, secret_id uuid) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  value text;
  setting text;
  secret record;
  state text;
begin
  begin
    if store = 'vault' then
      if to_regclass('vault.secrets') is not null then
        execute 'select decrypted_secret from vault.decrypted_secrets where id = $1' into value using secret_id;
      end if;
    else
      select s.key_id, s.ciphertext into secret from integrations.encrypted_secrets as s where s.id = secret_id;
      if found then
        foreach setting in array array['integrations.encryption_key', 'integrations.previous_encryption_key'] loop
          if integrations.encryption_key_id(current_setting(setting, true)) = secret.key_id then
            execute format('select %s.pgp_sym_decrypt($1, $2)', integrations.pgcrypto_schema())
              into value using secret.ciphertext, current_setting(setting, true);
            return value;
          end if;
        end loop;
        perform integrations.refuse('invalid_input', format(
          'INTEGRATIONS_ENCRYPTION_KEY: the secret was encrypted with key %s, given was %s; pass the former', secret.key_id,
          coalesce(integrations.encryption_key_id(nullif(current_setting('integrations.encryption_key', true), '')), 'none')));
      end if;
    end if;
  exception
    when sqlstate 'IDB01' then raise;
    when others then
      get stacked diagnostics state = returned_sqlstate;
      perform integrations.refuse('unavailable', format(
        'the secret cannot be decrypted (SQLSTATE %s): it was damaged, or the store''s own key was replaced; rotate the credential', state));
  end;
  if value is null then
    perform integrations.refuse('credential_missing',
      'the secret is gone from its store; see: integrations-db credentials audit');
  end if;
  return value;
end
$_$;

CREATE FUNCTION integrations.record_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

CREATE FUNCTION integrations.record_end() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform integrations.record_event('delete', 'ok', old.organization_id, old.id, old.integration_type::text, c.version,
    case when pg_trigger_depth() = 1 then 'the integration was deleted'
      else 'the integration was deleted along with what it belongs to' end)
  from public.organization_integration_credentials as c
  where c.integration_id = old.id and c.secret_id is not null
  order by c.version;
  return old;
end
$$;

CREATE FUNCTION integrations.record_event(action text, outcome text, organization_id uuid, integration_id uuid, integration_type text, version bigint, reason text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  event_id uuid := gen_random_uuid();
begin
  insert into public.organization_integration_events
    (id, action, outcome, organization_id, integration_id, integration_type, version, reason, actor)
  select event_id, record_event.action, record_event.outcome, record_event.organization_id, record_event.integration_id,
    (select label from unnest(enum_range(null::public.integration_type_enum)::text[]) as label
     where label = record_event.integration_type),
    record_event.version, left(record_event.reason, 255), caller.actor
  from integrations.caller() as caller;
  return event_id;
end
$$;

CREATE FUNCTION integrations.redacted(document jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

CREATE FUNCTION integrations.redacted_changes(changes jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

CREATE FUNCTION integrations.refuse(code text, message text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  raise exception using errcode = 'IDB01', message = message, hint = code;
end
$$;

CREATE FUNCTION integrations.refuse_activation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

CREATE FUNCTION integrations.refuse_bad_configuration() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

CREATE FUNCTION integrations.refuse_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  -- Its own transaction's turn: another's is not seen, and nobody but administrators can take it.
  if tg_op = 'DELETE' and exists (select from integrations.operator_turns as t where t.name = 'prune events') then
    return null;
  end if;
  raise exception '% is append-only: % is refused to everybody', tg_relid::regclass, lower(tg_op)
    using errcode = 'insufficient_privilege';
end
$$;

CREATE FUNCTION integrations.refuse_credentials() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  written jsonb := to_jsonb(new);
  kept jsonb := case tg_op when 'UPDATE' then to_jsonb(old) end;
  value jsonb;
  content text;
  rule text;
  violations text[] := '{}';
begin
  for i in 0 .. tg_nargs - 1 loop
    value := written -> tg_argv[i];
    continue when value = coalesce(kept -> tg_argv[i], 'null');
    content := case jsonb_typeof(value) when 'string' then value #>> '{}' end;
    rule := case
      when content is not null then case when (content collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(content collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store' end
      -- Of a document and a list: what repair would hide.
      when integrations.redacted(value) is distinct from value then 'must not hold a credential; store it with credentials.store' end;
    if rule is not null then
      violations := violations || (tg_argv[i] || ': ' || rule);
    end if;
  end loop;
  if violations <> '{}' then
    -- The constraint's name tells the application that the message is this function's, and holds no value.
    raise exception using errcode = 'check_violation', message = array_to_string(violations, '; '), constraint = 'credential_check';
  end if;
  return new;
end
$_$;

CREATE FUNCTION integrations.refuse_rename() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

CREATE FUNCTION integrations.repair_organization(organization_id uuid) RETURNS TABLE(event_id uuid, integration_type text, document text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

CREATE FUNCTION integrations.request_retrieval(integration_type text, wanted_version bigint, reason text) RETURNS TABLE(code text, message text, event_id uuid, request_id uuid, store text, logs_always text, logs_sometimes text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  caller record;
  integration uuid;
  found_version bigint;
  ended_version bigint;
begin
  select * into caller from integrations.caller();
  code := 'ok';
  begin
    if coalesce(btrim(reason), '') = '' then
      perform integrations.refuse('invalid_input', 'reason: must say what the secret is needed for');
    end if;
    integration := integrations.own_integration(integration_type);
    select c.version, c.store into found_version, store
    from public.organization_integration_credentials as c
    where c.integration_id = integration and c.secret_id is not null
      and (c.readable_until is null or (c.version = wanted_version and c.readable_until > clock_timestamp()))
      and c.version = coalesce(wanted_version, c.version);
    if found_version is null then
      perform integrations.refuse('credential_missing', format('integration_type %s: has no credential%s; store one first',
        integration_type, ' of version ' || wanted_version));
    end if;
    select s.logs_always, s.logs_sometimes into logs_always, logs_sometimes from integrations.credential_store() as s;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  -- What outlived its grace goes the next time somebody asks, also where the answer is no.
  for ended_version in
    update public.organization_integration_credentials as c set secret_id = null
    where c.integration_id = integration and c.secret_id is not null and c.readable_until <= clock_timestamp()
    returning c.version
  loop
    perform integrations.record_event('delete', 'ok', caller.organization_id, integration, integration_type, ended_version,
      'its grace has ended');
  end loop;
  event_id := integrations.record_event('retrieve', code, caller.organization_id, integration, integration_type,
    coalesce(found_version, wanted_version), reason);
  if code = 'ok' then
    insert into integrations.retrieval_requests
      (event_id, organization_id, actor, login, integration_id, version, transaction_id, created_at)
    values (gen_random_uuid(), caller.organization_id, caller.actor, session_user, integration, found_version,
      pg_current_xact_id()::text::bigint, clock_timestamp())
    returning retrieval_requests.event_id into request_id;
    delete from integrations.retrieval_requests as r
    where r.event_id in (
      select stale.event_id from integrations.retrieval_requests as stale
      where stale.created_at < clock_timestamp() - interval '1 hour'
      limit 100 for update skip locked
    );
  end if;
  return next;
end
$$;

CREATE FUNCTION integrations.retrieve_credential(request_id uuid) RETURNS TABLE(code text, message text, integration_type text, version bigint, bundle text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  caller record;
  request integrations.retrieval_requests;
  credential record;
  type text;
begin
  select * into caller from integrations.caller();
  code := 'ok';
  begin
    if request_id is null then
      perform integrations.refuse('invalid_input', 'request_id: must not be null');
    end if;
    select r.* into request from integrations.retrieval_requests as r where r.event_id = request_id for update;
    -- Somebody else's is answered like one that does not exist, and recorded where it was made.
    if request.event_id is null or request.organization_id is distinct from caller.organization_id
      or request.actor is distinct from caller.actor or request.login is distinct from session_user then
      perform integrations.refuse('not_found', 'request_id: there is no such request; make one with request_retrieval and commit it');
    end if;
    -- A rotation under way ends first, and none begins before the secret is read.
    select i.integration_type::text into type
    from public.organization_integrations as i where i.id = request.integration_id
    for share;
    if type is null then
      perform integrations.refuse('not_found', 'the integration was deleted since its credential was requested');
    end if;
    if request.transaction_id = pg_current_xact_id()::text::bigint then
      perform integrations.refuse('conflict', 'request_id: was made by this very transaction; commit it first, so that it is on record');
    elsif request.used_at is not null then
      perform integrations.refuse('conflict', 'request_id: was used; make another');
    elsif request.created_at < clock_timestamp() - interval '30 seconds' then
      perform integrations.refuse('conflict', 'request_id: is older than 30 s; make another');
    end if;
    select c.version, c.store, c.secret_id into credential
    from public.organization_integration_credentials as c
    where c.integration_id = request.integration_id and c.version = request.version and c.secret_id is not null
      and (c.readable_until is null or c.readable_until > clock_timestamp());
    if not found then
      if exists (select from public.organization_integration_credentials as c
        where c.integration_id = request.integration_id and c.version > request.version and c.secret_id is not null) then
        perform integrations.refuse('conflict', 'the credential was rotated since it was requested; request it again');
      end if;
      perform integrations.refuse('credential_missing', 'the credential was revoked since it was requested');
    end if;
    bundle := integrations.read_secret(credential.store, credential.secret_id);
    update integrations.retrieval_requests as r set used_at = clock_timestamp() where r.event_id = request_id;
    integration_type := type;
    version := credential.version;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
    bundle := null;
  end;
  if code <> 'ok' then
    perform integrations.record_event('retrieve', code, coalesce(request.organization_id, caller.organization_id),
      request.integration_id, type, request.version, null);
  end if;
  return next;
end
$$;

CREATE FUNCTION integrations.revoke_credential(integration_type text, reason text) RETURNS TABLE(code text, message text, version bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  caller record;
  integration uuid;
begin
  select * into caller from integrations.caller();
  code := 'ok';
  begin
    integration := integrations.own_integration(integration_type);
    version := integrations.end_credential(integration, 'pending_setup');
    if version is null then
      perform integrations.refuse('credential_missing',
        format('integration_type %s: has no credential to revoke', integration_type));
    end if;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  perform integrations.record_event('revoke', code, caller.organization_id, integration, integration_type, version, reason);
  return next;
end
$$;

CREATE FUNCTION integrations.revoke_organization(organization_id uuid, reason text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  integration record;
  revoked integer := 0;
begin
  -- Two operators at once: the second waits, and finds nothing left.
  perform integrations.take_turn('breach ' || organization_id);
  for integration in
    select i.id, i.integration_type::text as type
    from public.organization_integrations as i
    where i.organization_id = revoke_organization.organization_id
      and (i.status = 'active' or exists (
        select from public.organization_integration_credentials as c where c.integration_id = i.id and c.secret_id is not null))
    order by i.id
    for no key update
  loop
    perform integrations.record_event('revoke', 'ok', organization_id, integration.id, integration.type,
      integrations.end_credential(integration.id, 'error'), reason);
    revoked := revoked + 1;
  end loop;
  if revoked > 0 then
    perform integrations.record_event('alert', 'ok', organization_id, null, null, null, reason);
  end if;
  return revoked;
end
$$;

CREATE FUNCTION integrations.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) RETURNS TABLE(code text, message text, version bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return query select * from integrations.write_credential('rotate', integration_type, bundle, grace_seconds, reason);
end
$$;

CREATE FUNCTION integrations.start_run(organization_id uuid, integration_type text, due timestamp with time zone, retries boolean) RETURNS TABLE(code text, problem text, id uuid, integration_id uuid, started_at timestamp with time zone, attempt bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

CREATE FUNCTION integrations.store_credential(integration_type text, bundle text, reason text) RETURNS TABLE(code text, message text, version bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return query select * from integrations.write_credential('store', integration_type, bundle, 0, reason);
end
$$;

CREATE FUNCTION integrations.take_turn(turn text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  insert into integrations.operator_turns (name) values (turn) on conflict do nothing;
  delete from integrations.operator_turns as t where t.name = turn;
end
$$;

CREATE FUNCTION integrations.write_credential(action text, integration_type text, bundle text, grace_seconds integer, reason text) RETURNS TABLE(code text, message text, version bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  caller record;
  integration uuid;
  fields text[];
  current_version bigint;
  next_version bigint;
  destination text;
  secret uuid;
begin
  select * into caller from integrations.caller();
  code := 'ok';
  begin
    if grace_seconds is null or grace_seconds not between 0 and 2592000 then
      perform integrations.refuse('invalid_input', 'grace_seconds: must be 0 to 2592000 (30 days)');
    end if;
    integration := integrations.own_integration(integration_type);
    fields := integrations.bundle_fields(bundle);
    select c.version into current_version
    from public.organization_integration_credentials as c
    where c.integration_id = integration and c.secret_id is not null and c.readable_until is null;
    if action = 'store' and current_version is not null then
      perform integrations.refuse('already_exists',
        format('integration_type %s: has a credential, version %s; use rotate', integration_type, current_version));
    elsif action = 'rotate' and current_version is null then
      perform integrations.refuse('credential_missing',
        format('integration_type %s: has no credential to rotate; use store', integration_type));
    end if;
    select coalesce(max(c.version), 0) + 1 into next_version
    from public.organization_integration_credentials as c
    where c.integration_id = integration;
    select s.store into destination from integrations.credential_store() as s;
    secret := integrations.create_secret(destination,
      format('integrations-db/%s/%s/%s', caller.organization_id, integration, next_version), bundle);
    -- The version so far may stay readable for a while; whatever is older goes. A trigger deletes the secrets.
    update public.organization_integration_credentials as c
    set secret_id = case when grace_seconds > 0 and c.readable_until is null then c.secret_id end,
      readable_until = coalesce(c.readable_until, clock_timestamp() + make_interval(secs => grace_seconds))
    where c.integration_id = integration and c.secret_id is not null;
    insert into public.organization_integration_credentials (integration_id, version, store, secret_id, field_names)
    values (integration, next_version, destination, secret, fields);
    version := next_version;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  perform integrations.record_event(action, code, caller.organization_id, integration, integration_type, version, reason);
  -- For what follows in the caller's transaction; this statement's own limit is running.
  if current_setting('integrations.statement_timeout', true) <> '' then
    perform set_config('statement_timeout', current_setting('integrations.statement_timeout'), true),
      set_config('integrations.statement_timeout', '', true);
  end if;
  return next;
end
$$;

CREATE FUNCTION integrations_api.credential_store() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

CREATE FUNCTION integrations_api.describe_credential(integration_type text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

CREATE FUNCTION integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

CREATE FUNCTION integrations_api.revoke_credential(integration_type text, reason text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  answer jsonb;
begin
  select integrations.api_answer(r.code, r.message, jsonb_build_object('version', r.version)) into answer
  from integrations.revoke_credential(integration_type, reason) as r;
  return answer;
end
$$;

CREATE FUNCTION integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer DEFAULT 0, reason text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  answer jsonb := integrations.api_write('rotate', integration_type, bundle, grace_seconds, reason);
begin
  return answer;
end
$$;

CREATE FUNCTION integrations_api.store_credential(integration_type text, bundle text, reason text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  answer jsonb := integrations.api_write('store', integration_type, bundle, 0, reason);
begin
  return answer;
end
$$;

CREATE TABLE integrations.alert_acknowledgements (
    event_id uuid NOT NULL,
    actor text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY integrations.alert_acknowledgements FORCE ROW LEVEL SECURITY;

CREATE TABLE integrations.encrypted_secrets (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    key_id text NOT NULL,
    ciphertext bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY integrations.encrypted_secrets FORCE ROW LEVEL SECURITY;

CREATE TABLE integrations.operator_turns (
    name text NOT NULL
);

ALTER TABLE ONLY integrations.operator_turns FORCE ROW LEVEL SECURITY;

CREATE TABLE integrations.retrieval_requests (
    event_id uuid NOT NULL,
    integration_id uuid NOT NULL,
    version bigint NOT NULL,
    transaction_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    organization_id uuid,
    actor text,
    login text
);

ALTER TABLE ONLY integrations.retrieval_requests FORCE ROW LEVEL SECURITY;

CREATE TABLE integrations.revoked_grants (
    statement text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY integrations.revoked_grants FORCE ROW LEVEL SECURITY;

CREATE TABLE integrations.sync_plans (
    queue text NOT NULL,
    planned_through timestamp with time zone NOT NULL
);

ALTER TABLE ONLY integrations.sync_plans FORCE ROW LEVEL SECURITY;

CREATE TABLE integrations_once.statements (
    id text NOT NULL
);

CREATE TABLE public.organization_integration_changes (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    organization_id uuid,
    integration_id uuid,
    integration_type text,
    action text NOT NULL,
    actor text NOT NULL,
    reason text,
    changes jsonb,
    CONSTRAINT organization_integration_changes_action_check CHECK ((action = ANY (ARRAY['create'::text, 'update'::text, 'remove'::text, 'prune'::text])))
);

ALTER TABLE ONLY public.organization_integration_changes FORCE ROW LEVEL SECURITY;

CREATE TABLE public.organization_integration_credentials (
    integration_id uuid NOT NULL,
    version bigint NOT NULL,
    store text NOT NULL,
    secret_id uuid,
    field_names text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    readable_until timestamp with time zone,
    CONSTRAINT organization_integration_credentials_store_check CHECK ((store = ANY (ARRAY['vault'::text, 'pgcrypto'::text]))),
    CONSTRAINT organization_integration_credentials_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY public.organization_integration_credentials FORCE ROW LEVEL SECURITY;

CREATE TABLE public.organization_integration_runs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    integration_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    due timestamp with time zone NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    outcome text,
    message text,
    counts jsonb,
    attempt bigint DEFAULT 1 NOT NULL,
    CONSTRAINT organization_integration_runs_attempt_check CHECK ((attempt > 0)),
    CONSTRAINT organization_integration_runs_counts_check CHECK (((counts IS NULL) OR
CASE
    WHEN (jsonb_typeof(counts) = 'object'::text) THEN ((length((counts)::text) <= 4000) AND (NOT jsonb_path_exists(counts, 'strict $.*?(@.type() != "number")'::jsonpath)))
    ELSE false
END)),
    CONSTRAINT organization_integration_runs_message_check CHECK (((length(message) >= 1) AND (length(message) <= 1000))),
    CONSTRAINT organization_integration_runs_outcome_check CHECK (
CASE
    WHEN (outcome IS NULL) THEN (finished_at IS NULL)
    ELSE ((outcome = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])) AND (finished_at IS NOT NULL))
END)
);

ALTER TABLE ONLY public.organization_integration_runs FORCE ROW LEVEL SECURITY;

CREATE TABLE public.organization_integrations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    integration_type public.integration_type_enum NOT NULL,
    status public.integration_status_enum DEFAULT 'inactive'::public.integration_status_enum NOT NULL,
    field_mappings jsonb DEFAULT '{}'::jsonb NOT NULL,
    sync_schedule text,
    excluded_features jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.organization_integrations FORCE ROW LEVEL SECURITY;

ALTER TABLE ONLY integrations.alert_acknowledgements
    ADD CONSTRAINT alert_acknowledgements_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY integrations.encrypted_secrets
    ADD CONSTRAINT encrypted_secrets_pkey PRIMARY KEY (id);

ALTER TABLE ONLY integrations.operator_turns
    ADD CONSTRAINT operator_turns_pkey PRIMARY KEY (name);

ALTER TABLE ONLY integrations.retrieval_requests
    ADD CONSTRAINT retrieval_requests_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY integrations.revoked_grants
    ADD CONSTRAINT revoked_grants_pkey PRIMARY KEY (statement);

ALTER TABLE ONLY integrations.sync_plans
    ADD CONSTRAINT sync_plans_pkey PRIMARY KEY (queue);

ALTER TABLE ONLY integrations_once.statements
    ADD CONSTRAINT statements_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.organization_integration_changes
    ADD CONSTRAINT organization_integration_changes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.organization_integration_credentials
    ADD CONSTRAINT organization_integration_credentials_pkey PRIMARY KEY (integration_id, version);

ALTER TABLE ONLY public.organization_integration_events
    ADD CONSTRAINT organization_integration_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.organization_integration_runs
    ADD CONSTRAINT organization_integration_runs_integration_id_due_key UNIQUE (integration_id, due);

ALTER TABLE ONLY public.organization_integration_runs
    ADD CONSTRAINT organization_integration_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.organization_integrations
    ADD CONSTRAINT organization_integrations_organization_id_integration_type_key UNIQUE (organization_id, integration_type);

ALTER TABLE ONLY public.organization_integrations
    ADD CONSTRAINT organization_integrations_pkey PRIMARY KEY (id);

CREATE INDEX organization_integration_changes_organization_id_created_at_idx ON public.organization_integration_changes USING btree (organization_id, created_at);

CREATE INDEX organization_integration_changes_position_idx ON public.organization_integration_changes USING btree (transaction_id, created_at, id);

CREATE UNIQUE INDEX organization_integration_credentials_current_key ON public.organization_integration_credentials USING btree (integration_id) WHERE ((secret_id IS NOT NULL) AND (readable_until IS NULL));

CREATE INDEX organization_integration_events_alerts_idx ON public.organization_integration_events USING btree (transaction_id, created_at, id) WHERE (action = 'alert'::text);

CREATE INDEX organization_integration_events_organization_id_created_at_idx ON public.organization_integration_events USING btree (organization_id, created_at);

CREATE INDEX organization_integration_events_position_idx ON public.organization_integration_events USING btree (transaction_id, created_at, id);

CREATE INDEX organization_integration_runs_organization_id_due_idx ON public.organization_integration_runs USING btree (organization_id, due);

CREATE INDEX organization_integration_runs_unfinished_idx ON public.organization_integration_runs USING btree (started_at) WHERE (outcome IS NULL);

CREATE INDEX organization_integrations_field_mappings_idx ON public.organization_integrations USING gin (field_mappings);

CREATE INDEX organization_integrations_organization_id_idx ON public.organization_integrations USING btree (organization_id);

CREATE INDEX organization_integrations_scheduled_idx ON public.organization_integrations USING btree (id) WHERE ((status = 'active'::public.integration_status_enum) AND (sync_schedule IS NOT NULL));

CREATE TRIGGER alert_acknowledgements_credential_check BEFORE INSERT OR UPDATE ON integrations.alert_acknowledgements FOR EACH ROW WHEN ((replace(lower((((to_jsonb(new.*) - ARRAY['field_mappings'::text, 'excluded_features'::text, 'sync_schedule'::text]))::text COLLATE "C")), '_'::text, ''::text) ~~ ANY (ARRAY['%pass%'::text, '%hemmelig%'::text, '%key%'::text, '%secret%'::text, '%cred%'::text, '%authori%'::text, '%token%'::text, '%pwd%'::text, '%jwt%'::text, '%pin%'::text, '%kodeord%'::text, '%bearer%'::text, '%otp%'::text, '%kkel%'::text, '%basic%'::text, '%eyj%'::text, '%---begin%'::text, '%live%'::text, '%test%'::text, '%github%'::text, '%ghp%'::text, '%gho%'::text, '%ghu%'::text, '%ghs%'::text, '%ghr%'::text, '%glpat%'::text, '%xox%'::text, '%akia%'::text, '%asia%'::text, '%aiza%'::text, '%proto%'::text, '%construc%'::text]))) EXECUTE FUNCTION integrations.refuse_credentials('actor');

CREATE TRIGGER encrypted_secrets_credential_check BEFORE INSERT OR UPDATE ON integrations.encrypted_secrets FOR EACH ROW WHEN ((replace(lower((((to_jsonb(new.*) - ARRAY['field_mappings'::text, 'excluded_features'::text, 'sync_schedule'::text]))::text COLLATE "C")), '_'::text, ''::text) ~~ ANY (ARRAY['%pass%'::text, '%hemmelig%'::text, '%key%'::text, '%secret%'::text, '%cred%'::text, '%authori%'::text, '%token%'::text, '%pwd%'::text, '%jwt%'::text, '%pin%'::text, '%kodeord%'::text, '%bearer%'::text, '%otp%'::text, '%kkel%'::text, '%basic%'::text, '%eyj%'::text, '%---begin%'::text, '%live%'::text, '%test%'::text, '%github%'::text, '%ghp%'::text, '%gho%'::text, '%ghu%'::text, '%ghs%'::text, '%ghr%'::text, '%glpat%'::text, '%xox%'::text, '%akia%'::text, '%asia%'::text, '%aiza%'::text, '%proto%'::text, '%construc%'::text]))) EXECUTE FUNCTION integrations.refuse_credentials('key_id');

CREATE TRIGGER operator_turns_credential_check BEFORE INSERT OR UPDATE ON integrations.operator_turns FOR EACH ROW WHEN ((replace(lower((((to_jsonb(new.*) - ARRAY['field_mappings'::text, 'excluded_features'::text, 'sync_schedule'::text]))::text COLLATE "C")), '_'::text, ''::text) ~~ ANY (ARRAY['%pass%'::text, '%hemmelig%'::text, '%key%'::text, '%secret%'::text, '%cred%'::text, '%authori%'::text, '%token%'::text, '%pwd%'::text, '%jwt%'::text, '%pin%'::text, '%kodeord%'::text, '%bearer%'::text, '%otp%'::text, '%kkel%'::text, '%basic%'::text, '%eyj%'::text, '%---begin%'::text, '%live%'::text, '%test%'::text, '%github%'::text, '%ghp%'::text, '%gho%'::text, '%ghu%'::text, '%ghs%'::text, '%ghr%'::text, '%glpat%'::text, '%xox%'::text, '%akia%'::text, '%asia%'::text, '%aiza%'::text, '%proto%'::text, '%construc%'::text]))) EXECUTE FUNCTION integrations.refuse_credentials('name');

CREATE TRIGGER retrieval_requests_credential_check BEFORE INSERT OR UPDATE ON integrations.retrieval_requests FOR EACH ROW WHEN ((replace(lower((((to_jsonb(new.*) - ARRAY['field_mappings'::text, 'excluded_features'::text, 'sync_schedule'::text]))::text COLLATE "C")), '_'::text, ''::text) ~~ ANY (ARRAY['%pass%'::text, '%hemmelig%'::text, '%key%'::text, '%secret%'::text, '%cred%'::text, '%authori%'::text, '%token%'::text, '%pwd%'::text, '%jwt%'::text, '%pin%'::text, '%kodeord%'::text, '%bearer%'::text, '%otp%'::text, '%kkel%'::text, '%basic%'::text, '%eyj%'::text, '%---begin%'::text, '%live%'::text, '%test%'::text, '%github%'::text, '%ghp%'::text, '%gho%'::text, '%ghu%'::text, '%ghs%'::text, '%ghr%'::text, '%glpat%'::text, '%xox%'::text, '%akia%'::text, '%asia%'::text, '%aiza%'::text, '%proto%'::text, '%construc%'::text]))) EXECUTE FUNCTION integrations.refuse_credentials('actor', 'login');

CREATE TRIGGER revoked_grants_credential_check BEFORE INSERT OR UPDATE ON integrations.revoked_grants FOR EACH ROW WHEN ((replace(lower((((to_jsonb(new.*) - ARRAY['field_mappings'::text, 'excluded_features'::text, 'sync_schedule'::text]))::text COLLATE "C")), '_'::text, ''::text) ~~ ANY (ARRAY['%pass%'::text, '%hemmelig%'::text, '%key%'::text, '%secret%'::text, '%cred%'::text, '%authori%'::text, '%token%'::text, '%pwd%'::text, '%jwt%'::text, '%pin%'::text, '%kodeord%'::text, '%bearer%'::text, '%otp%'::text, '%kkel%'::text, '%basic%'::text, '%eyj%'::text, '%---begin%'::text, '%live%'::text, '%test%'::text, '%github%'::text, '%ghp%'::text, '%gho%'::text, '%ghu%'::text, '%ghs%'::text, '%ghr%'::text, '%glpat%'::text, '%xox%'::text, '%akia%'::text, '%asia%'::text, '%aiza%'::text, '%proto%'::text, '%construc%'::text]))) EXECUTE FUNCTION integrations.refuse_credentials('statement');

CREATE TRIGGER sync_plans_credential_check BEFORE INSERT OR UPDATE ON integrations.sync_plans FOR EACH ROW WHEN ((replace(lower((((to_jsonb(new.*) - ARRAY['field_mappings'::text, 'excluded_features'::text, 'sync_schedule'::text]))::text COLLATE "C")), '_'::text, ''::text) ~~ ANY (ARRAY['%pass%'::text, '%hemmelig%'::text, '%key%'::text, '%secret%'::text, '%cred%'::text, '%authori%'::text, '%token%'::text, '%pwd%'::text, '%jwt%'::text, '%pin%'::text, '%kodeord%'::text, '%bearer%'::text, '%otp%'::text, '%kkel%'::text, '%basic%'::text, '%eyj%'::text, '%---begin%'::text, '%live%'::text, '%test%'::text, '%github%'::text, '%ghp%'::text, '%gho%'::text, '%ghu%'::text, '%ghs%'::text, '%ghr%'::text, '%glpat%'::text, '%xox%'::text, '%akia%'::text, '%asia%'::text, '%aiza%'::text, '%proto%'::text, '%construc%'::text]))) EXECUTE FUNCTION integrations.refuse_credentials('queue');

CREATE TRIGGER active_needs_credential AFTER INSERT OR UPDATE ON public.organization_integrations FOR EACH ROW EXECUTE FUNCTION integrations.refuse_activation();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.organization_integration_events FOR EACH STATEMENT EXECUTE FUNCTION integrations.refuse_change();

CREATE TRIGGER changes_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.organization_integration_changes FOR EACH STATEMENT EXECUTE FUNCTION integrations.refuse_change();

CREATE TRIGGER configuration_check BEFORE INSERT OR UPDATE ON public.organization_integrations FOR EACH ROW EXECUTE FUNCTION integrations.refuse_bad_configuration();

CREATE TRIGGER credential_keeps_system AFTER UPDATE ON public.organization_integrations FOR EACH ROW EXECUTE FUNCTION integrations.refuse_rename();

CREATE TRIGGER delete_secret AFTER DELETE OR UPDATE ON public.organization_integration_credentials FOR EACH ROW EXECUTE FUNCTION integrations.delete_secret();

CREATE TRIGGER delete_secrets BEFORE TRUNCATE ON public.organization_integration_credentials FOR EACH STATEMENT EXECUTE FUNCTION integrations.delete_secrets();

CREATE TRIGGER organization_integration_changes_credential_check BEFORE INSERT OR UPDATE ON public.organization_integration_changes FOR EACH ROW WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION integrations.refuse_credentials('integration_type', 'action', 'actor', 'reason', 'changes');

CREATE TRIGGER organization_integration_credentials_credential_check BEFORE INSERT OR UPDATE ON public.organization_integration_credentials FOR EACH ROW WHEN ((replace(lower((((to_jsonb(new.*) - ARRAY['field_mappings'::text, 'excluded_features'::text, 'sync_schedule'::text]))::text COLLATE "C")), '_'::text, ''::text) ~~ ANY (ARRAY['%pass%'::text, '%hemmelig%'::text, '%key%'::text, '%secret%'::text, '%cred%'::text, '%authori%'::text, '%token%'::text, '%pwd%'::text, '%jwt%'::text, '%pin%'::text, '%kodeord%'::text, '%bearer%'::text, '%otp%'::text, '%kkel%'::text, '%basic%'::text, '%eyj%'::text, '%---begin%'::text, '%live%'::text, '%test%'::text, '%github%'::text, '%ghp%'::text, '%gho%'::text, '%ghu%'::text, '%ghs%'::text, '%ghr%'::text, '%glpat%'::text, '%xox%'::text, '%akia%'::text, '%asia%'::text, '%aiza%'::text, '%proto%'::text, '%construc%'::text]))) EXECUTE FUNCTION integrations.refuse_credentials('store', 'field_names');

CREATE TRIGGER organization_integration_events_credential_check BEFORE INSERT OR UPDATE ON public.organization_integration_events FOR EACH ROW WHEN ((replace(lower((((to_jsonb(new.*) - ARRAY['field_mappings'::text, 'excluded_features'::text, 'sync_schedule'::text]))::text COLLATE "C")), '_'::text, ''::text) ~~ ANY (ARRAY['%pass%'::text, '%hemmelig%'::text, '%key%'::text, '%secret%'::text, '%cred%'::text, '%authori%'::text, '%token%'::text, '%pwd%'::text, '%jwt%'::text, '%pin%'::text, '%kodeord%'::text, '%bearer%'::text, '%otp%'::text, '%kkel%'::text, '%basic%'::text, '%eyj%'::text, '%---begin%'::text, '%live%'::text, '%test%'::text, '%github%'::text, '%ghp%'::text, '%gho%'::text, '%ghu%'::text, '%ghs%'::text, '%ghr%'::text, '%glpat%'::text, '%xox%'::text, '%akia%'::text, '%asia%'::text, '%aiza%'::text, '%proto%'::text, '%construc%'::text]))) EXECUTE FUNCTION integrations.refuse_credentials('integration_type', 'action', 'outcome', 'actor', 'reason', 'quarantined');

CREATE TRIGGER organization_integration_runs_credential_check BEFORE INSERT OR UPDATE ON public.organization_integration_runs FOR EACH ROW WHEN ((replace(lower((((to_jsonb(new.*) - ARRAY['field_mappings'::text, 'excluded_features'::text, 'sync_schedule'::text]))::text COLLATE "C")), '_'::text, ''::text) ~~ ANY (ARRAY['%pass%'::text, '%hemmelig%'::text, '%key%'::text, '%secret%'::text, '%cred%'::text, '%authori%'::text, '%token%'::text, '%pwd%'::text, '%jwt%'::text, '%pin%'::text, '%kodeord%'::text, '%bearer%'::text, '%otp%'::text, '%kkel%'::text, '%basic%'::text, '%eyj%'::text, '%---begin%'::text, '%live%'::text, '%test%'::text, '%github%'::text, '%ghp%'::text, '%gho%'::text, '%ghu%'::text, '%ghs%'::text, '%ghr%'::text, '%glpat%'::text, '%xox%'::text, '%akia%'::text, '%asia%'::text, '%aiza%'::text, '%proto%'::text, '%construc%'::text]))) EXECUTE FUNCTION integrations.refuse_credentials('outcome', 'message', 'counts');

CREATE TRIGGER record_create AFTER INSERT ON public.organization_integrations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION integrations.record_changes();

CREATE TRIGGER record_end BEFORE DELETE ON public.organization_integrations FOR EACH ROW EXECUTE FUNCTION integrations.record_end();

CREATE TRIGGER record_remove AFTER DELETE ON public.organization_integrations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION integrations.record_changes();

CREATE TRIGGER record_truncate BEFORE TRUNCATE ON public.organization_integrations FOR EACH STATEMENT EXECUTE FUNCTION integrations.record_changes();

CREATE TRIGGER record_update AFTER UPDATE ON public.organization_integrations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION integrations.record_changes();

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.organization_integrations FOR EACH ROW EXECUTE FUNCTION extensions.moddatetime('updated_at');

ALTER TABLE ONLY public.organization_integration_credentials
    ADD CONSTRAINT organization_integration_credentials_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES public.organization_integrations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.organization_integration_runs
    ADD CONSTRAINT organization_integration_runs_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES public.organization_integrations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.organization_integrations
    ADD CONSTRAINT organization_integrations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE integrations.alert_acknowledgements ENABLE ROW LEVEL SECURITY;

ALTER TABLE integrations.encrypted_secrets ENABLE ROW LEVEL SECURITY;

ALTER TABLE integrations.operator_turns ENABLE ROW LEVEL SECURITY;

ALTER TABLE integrations.retrieval_requests ENABLE ROW LEVEL SECURITY;

ALTER TABLE integrations.revoked_grants ENABLE ROW LEVEL SECURITY;

ALTER TABLE integrations.sync_plans ENABLE ROW LEVEL SECURITY;

CREATE POLICY admins_can_create_integrations ON public.organization_integrations FOR INSERT TO authenticated WITH CHECK (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = 'admin'::text)));

CREATE POLICY admins_can_delete_integrations ON public.organization_integrations FOR DELETE TO authenticated USING (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = 'admin'::text)));

CREATE POLICY admins_can_read_own_changes ON public.organization_integration_changes FOR SELECT TO authenticated USING (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = 'admin'::text)));

CREATE POLICY admins_can_read_own_events ON public.organization_integration_events FOR SELECT TO authenticated USING (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = 'admin'::text)));

CREATE POLICY admins_can_update_integrations ON public.organization_integrations FOR UPDATE TO authenticated USING (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = 'admin'::text))) WITH CHECK (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = 'admin'::text)));

CREATE POLICY org_members_can_read_own_integrations ON public.organization_integrations FOR SELECT TO authenticated USING (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = ANY (ARRAY['admin'::text, 'coordinator'::text]))));

CREATE POLICY org_members_can_read_own_runs ON public.organization_integration_runs FOR SELECT TO authenticated USING (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = ANY (ARRAY['admin'::text, 'coordinator'::text]))));

ALTER TABLE public.organization_integration_changes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.organization_integration_credentials ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.organization_integration_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.organization_integration_runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.organization_integrations ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA integrations TO authenticated;
GRANT USAGE ON SCHEMA integrations TO service_role;

GRANT USAGE ON SCHEMA public TO anon;
GRANT USAGE ON SCHEMA public TO authenticated;
GRANT USAGE ON SCHEMA public TO service_role;

REVOKE ALL ON FUNCTION integrations.acknowledge_alert(alert_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.acknowledge_alert(alert_id uuid) TO service_role;

REVOKE ALL ON FUNCTION integrations.api_answer(code text, message text, details jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.api_write(action text, integration_type text, bundle text, grace_seconds integer, reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.bundle_fields(bundle text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.caller() FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.can_decrypt(store text, secret_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.check_bundle(integration_type text, bundle text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.check_silence() FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.config_violations(field_mappings jsonb, excluded_features jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.config_violations(field_mappings jsonb, excluded_features jsonb) TO authenticated;
GRANT ALL ON FUNCTION integrations.config_violations(field_mappings jsonb, excluded_features jsonb) TO service_role;

REVOKE ALL ON FUNCTION integrations.configuration_problems(field_mappings jsonb, excluded_features jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.create_secret(store text, secret_name text, value text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.credential_store() FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.credential_store() TO authenticated;
GRANT ALL ON FUNCTION integrations.credential_store() TO service_role;

REVOKE ALL ON FUNCTION integrations.current_organization_id() FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.current_organization_id() TO authenticated;
GRANT ALL ON FUNCTION integrations.current_organization_id() TO service_role;

REVOKE ALL ON FUNCTION integrations.current_organization_role() FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.current_organization_role() TO authenticated;
GRANT ALL ON FUNCTION integrations.current_organization_role() TO service_role;

REVOKE ALL ON FUNCTION integrations.delete_credential(integration_id uuid, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.delete_credential(integration_id uuid, reason text) TO service_role;

REVOKE ALL ON FUNCTION integrations.delete_secret() FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.delete_secrets() FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.describe_credential(integration_type text) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.describe_credential(integration_type text) TO authenticated;
GRANT ALL ON FUNCTION integrations.describe_credential(integration_type text) TO service_role;

REVOKE ALL ON FUNCTION integrations.duration_ms(setting text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.encrypt_anew(secret_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.encrypt_secret(value text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.encryption_key_id(key text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.end_credential(integration uuid, new_status text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer) TO service_role;

REVOKE ALL ON FUNCTION integrations.has_credential(integration_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.has_credential(integration_id uuid) TO authenticated;
GRANT ALL ON FUNCTION integrations.has_credential(integration_id uuid) TO service_role;

REVOKE ALL ON FUNCTION integrations.move_to_vault(integration_id uuid, version bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.own_integration(integration_type text) FROM PUBLIC;

GRANT SELECT ON TABLE public.organization_integration_events TO authenticated;
GRANT SELECT ON TABLE public.organization_integration_events TO service_role;

REVOKE ALL ON FUNCTION integrations.pending_alerts(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.pending_alerts(most integer) TO service_role;

REVOKE ALL ON FUNCTION integrations.pgcrypto_schema() FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.planned_through(queue text, through timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.planned_through(queue text, through timestamp with time zone) TO service_role;

REVOKE ALL ON FUNCTION integrations.prepare_credential(action text, integration_type text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.prepare_credential(action text, integration_type text, reason text) TO authenticated;
GRANT ALL ON FUNCTION integrations.prepare_credential(action text, integration_type text, reason text) TO service_role;

REVOKE ALL ON FUNCTION integrations.prune_events(before timestamp with time zone, most integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.prune_runs(before timestamp with time zone, most integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.read_secret(store text, secret_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.record_changes() FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.record_end() FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.record_event(action text, outcome text, organization_id uuid, integration_id uuid, integration_type text, version bigint, reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.redacted(document jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.redacted_changes(changes jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.refuse(code text, message text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.refuse_activation() FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.refuse_bad_configuration() FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.refuse_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.refuse_credentials() FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.refuse_rename() FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.repair_organization(organization_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.request_retrieval(integration_type text, wanted_version bigint, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.request_retrieval(integration_type text, wanted_version bigint, reason text) TO service_role;

REVOKE ALL ON FUNCTION integrations.retrieve_credential(request_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.retrieve_credential(request_id uuid) TO service_role;

REVOKE ALL ON FUNCTION integrations.revoke_credential(integration_type text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.revoke_credential(integration_type text, reason text) TO authenticated;
GRANT ALL ON FUNCTION integrations.revoke_credential(integration_type text, reason text) TO service_role;

REVOKE ALL ON FUNCTION integrations.revoke_organization(organization_id uuid, reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) TO authenticated;
GRANT ALL ON FUNCTION integrations.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) TO service_role;

REVOKE ALL ON FUNCTION integrations.start_run(organization_id uuid, integration_type text, due timestamp with time zone, retries boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.start_run(organization_id uuid, integration_type text, due timestamp with time zone, retries boolean) TO service_role;

REVOKE ALL ON FUNCTION integrations.store_credential(integration_type text, bundle text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.store_credential(integration_type text, bundle text, reason text) TO authenticated;
GRANT ALL ON FUNCTION integrations.store_credential(integration_type text, bundle text, reason text) TO service_role;

REVOKE ALL ON FUNCTION integrations.take_turn(turn text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations.write_credential(action text, integration_type text, bundle text, grace_seconds integer, reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION integrations_api.credential_store() FROM PUBLIC;
GRANT ALL ON FUNCTION integrations_api.credential_store() TO authenticated;

REVOKE ALL ON FUNCTION integrations_api.describe_credential(integration_type text) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations_api.describe_credential(integration_type text) TO authenticated;

REVOKE ALL ON FUNCTION integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text) TO authenticated;

REVOKE ALL ON FUNCTION integrations_api.revoke_credential(integration_type text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations_api.revoke_credential(integration_type text, reason text) TO authenticated;

REVOKE ALL ON FUNCTION integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) TO authenticated;

REVOKE ALL ON FUNCTION integrations_api.store_credential(integration_type text, bundle text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION integrations_api.store_credential(integration_type text, bundle text, reason text) TO authenticated;

GRANT SELECT ON TABLE public.organization_integration_changes TO authenticated;
GRANT SELECT ON TABLE public.organization_integration_changes TO service_role;

GRANT SELECT ON TABLE public.organization_integration_runs TO authenticated;
GRANT SELECT ON TABLE public.organization_integration_runs TO service_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.organization_integrations TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.organization_integrations TO service_role;
