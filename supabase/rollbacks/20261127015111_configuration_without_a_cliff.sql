-- 20261127015111_configuration_without_a_cliff: rollback
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 2 · part: 1/1 · source: 012931a04413e18354741c022469b9681d7fc5921e0eebf6dd8c9fff492e8334 · body: 4065dc66e60f15d435c18914a56dfa155e8411e7f30eeee30ac0c9feaacf7970
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

drop function if exists integrations.configuration_problems(field_mappings jsonb, excluded_features jsonb);

create or replace function integrations.refuse_bad_configuration() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  unchanged boolean := tg_op = 'UPDATE';
  violations text;
begin
  select string_agg(path || ': ' || rule, '; ' order by path collate "C", rule collate "C") into violations
  from (
    select * from integrations.config_violations(
      case when unchanged and new.field_mappings is not distinct from old.field_mappings then '{}' else new.field_mappings end,
      case when unchanged and new.excluded_features is not distinct from old.excluded_features then '[]' else new.excluded_features end
    ) limit 20
  ) as v;
  if violations is not null then
    -- The constraint's name tells the application that the message is this function's, and holds no value.
    raise exception using errcode = 'check_violation', message = violations, constraint = 'configuration_check';
  end if;
  return new;
end
$function$;
revoke all on function integrations.refuse_bad_configuration() from public, anon, authenticated, service_role;

create or replace function integrations.refuse_credentials() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
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
      when tg_argv[i] = 'sync_schedule' then case
      when (content collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(content collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store'
      when ('_' || regexp_replace(lower(regexp_replace(regexp_replace(content collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l' then 'must not name a credential; store it with credentials.store' end
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
$function$;
revoke all on function integrations.refuse_credentials() from public, anon, authenticated, service_role;

drop function if exists integrations.config_violations(field_mappings jsonb, excluded_features jsonb);
create function integrations.config_violations(field_mappings jsonb, excluded_features jsonb) returns table (path text, rule text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  version jsonb := coalesce(field_mappings -> '$version', '1');
  known text[] := case version when '1' then array['path', 'transform', 'default'] when '2' then array['path', 'transform', 'default', 'map', 'required', 'const'] end;
begin
  if field_mappings is null or jsonb_typeof(field_mappings) <> 'object' then
    return query select 'field_mappings', 'must be an object';
  elsif known is null then
    return query select 'field_mappings.$version', 'must be a version that this package knows';
  elsif field_mappings <> '{}' then
    return query
    with mappings as materialized (
      select m.key, m.value, jsonb_typeof(m.value) as type, 'field_mappings.' || case when length(m.key) <= 63 and m.key collate "C" ~ '^[A-Za-z_]{1,63}$|^[A-Za-z_]*([0-9]+[A-Za-z_]+){0,3}[0-9]{0,4}$' and not m.key collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then m.key else '*' end as path
      from jsonb_each(field_mappings) as m where m.key <> '$version'
    ), fields as materialized (
      select f.key, f.value, jsonb_typeof(f.value) as type, m.path || '.' || case when length(f.key) <= 63 and f.key collate "C" ~ '^[A-Za-z_]{1,63}$|^[A-Za-z_]*([0-9]+[A-Za-z_]+){0,3}[0-9]{0,4}$' and not f.key collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then f.key else '*' end as path, m.path as mapping
      from mappings as m cross join lateral jsonb_each(case jsonb_typeof(m.value) when 'object' then m.value else '{}' end) as f
    ), lookups as materialized (
      select l.key, l.value, jsonb_typeof(l.value) as type, f.path || '.' || case when length(l.key) <= 63 and l.key collate "C" ~ '^[A-Za-z_]{1,63}$|^[A-Za-z_]*([0-9]+[A-Za-z_]+){0,3}[0-9]{0,4}$' and not l.key collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then l.key else '*' end as path
      from fields as f cross join lateral jsonb_each(case jsonb_typeof(f.value) when 'object' then f.value else '{}' end) as l where f.key = 'map' and f.key = any (known)
    ), keys as materialized (
      select k.key, k.path, '_' || regexp_replace(lower(regexp_replace(regexp_replace(k.key collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_' as name
      from (select m.key, m.path from mappings as m union all select f.key, f.path from fields as f union all select l.key, l.path from lookups as l) as k
    ), paths as (
      select m.value #>> '{}' as text, m.type, m.path from mappings as m where m.type = 'string'
      union all select f.value #>> '{}', f.type, f.path from fields as f where f.key = 'path'
    ), scalars as (
      select f.value, f.type, f.path from fields as f
      where f.key = any (known) and (f.key = 'const' or f.key = 'default' and f.type <> 'null')
    ), texts as materialized (
      select p.text, p.path from paths as p where p.type = 'string'
      union all select s.value #>> '{}', s.path from scalars as s where s.type = 'string'
      union all select f.value #>> '{}', f.path from fields as f where f.key = 'transform' and f.type = 'string'
      union all select l.value #>> '{}', l.path from lookups as l where l.type = 'string'
      union all select k.key, k.path from keys as k
    )
    select 'field_mappings', 'must have at most 200 keys' from mappings having count(*) > 200
    union select 'field_mappings', 'must have at most 65,536 bytes of keys and texts' from texts
      having sum(octet_length(text)) > 65536 - case when field_mappings ? '$version' then 8 else 0 end
    union select m.path, 'must be a letter or _, then letters, digits or _, at most 63 of them' from mappings as m where not m.key collate "C" ~ '^[A-Za-z_][A-Za-z0-9_]{0,62}$'
    union select m.path, 'must be a path, or an object with one' from mappings as m where m.type not in ('string', 'object')
    union select f.path, 'is no part of a mapping in this version' from fields as f where f.key <> all (known)
    union select m.path || '.path', 'is missing' from mappings as m
      where m.type = 'object' and not m.value ? 'path' and not ('const' = any (known) and m.value ? 'const')
    union select m.path || '.const', 'must stand in place of a path, not beside one' from mappings as m
      where m.type = 'object' and 'const' = any (known) and m.value ?& '{path,const}'
    union select p.path, 'must be a text' from paths as p where p.type <> 'string'
    union select p.path, 'must have 1 to 255 characters' from paths as p
      where p.type = 'string' and length(p.text) not between 1 and 255
    union select s.path, 'must be a text, a number, true or false' from scalars as s where s.type not in ('string', 'number', 'boolean')
    union select s.path, 'must be within ±1e308' from scalars as s
      where case s.type when 'number' then abs(s.value::numeric) > 1e+308 end
    union select f.path, 'must be the name of a transform, such as decimal_2' from fields as f
      where f.key = 'transform' and f.key = any (known) and not (f.type = 'string' and (f.value #>> '{}') collate "C" ~ '^[a-z][a-z0-9_]{0,62}$')
    union select f.path, 'must be true or false' from fields as f
      where f.key = 'required' and f.key = any (known) and f.type <> 'boolean'
    union select f.path, 'must be an object' from fields as f
      where f.key = 'map' and f.key = any (known) and f.type <> 'object'
    union select f.path, 'must have at most 200 entries' from fields as f cross join lateral jsonb_each(case jsonb_typeof(f.value) when 'object' then f.value else '{}' end)
      where f.key = 'map' and f.key = any (known) group by f.path, f.value having count(*) > 200
    union select l.path, 'must be a text' from lookups as l where l.type <> 'string'
    union select k.path, 'must not be a name that JavaScript reserves' from keys as k where k.key in ('__proto__', 'prototype', 'constructor')
    union select k.path, 'must not name a credential; store it with credentials.store' from keys as k where k.name collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l'
    union select t.path, 'must not look like a credential; store it with credentials.store' from texts as t where t.text collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}';
  end if;
  if excluded_features is null or jsonb_typeof(excluded_features) <> 'array' then
    return query select 'excluded_features', 'must be an array';
  elsif excluded_features <> '[]' then
    return query
    with features as materialized (
      select f.value #>> '{}' as text, jsonb_typeof(f.value) as type, 'excluded_features.' || f.position - 1 as path, f.position
      from jsonb_array_elements(excluded_features) with ordinality as f (value, position)
    )
    select 'excluded_features', 'must have at most 64 entries' from features having count(*) > 64
    union select f.path, 'must be a lower-case letter, then lower-case letters, digits, _, . or -, at most 64 of them' from features as f
      where not (f.type = 'string' and f.text collate "C" ~ '^[a-z][a-z0-9_.-]{0,63}$')
    union select f.path, 'must not look like a credential; store it with credentials.store' from features as f where f.type = 'string' and f.text collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}'
    union select f.path, 'must not repeat an earlier one' from (
      select e.path, row_number() over (partition by e.text collate "C" order by e.position) as time from features as e where e.type = 'string'
    ) as f where f.time > 1;
  end if;
end
$function$;
revoke all on function integrations.config_violations(field_mappings jsonb, excluded_features jsonb) from public, anon, authenticated, service_role;
grant execute on function integrations.config_violations(field_mappings jsonb, excluded_features jsonb) to authenticated, service_role;

create or replace trigger "configuration_check" before insert or update on "public"."organization_integrations" for each row when (not ((new.field_mappings = '{}' or length(new.field_mappings::text) <= 2000 and replace(replace(replace(replace(new.field_mappings::text, '"$version": 2', '$'), '{"path": ', '<'), '"default": ', '='), '"transform": ', '~') collate "C" ~ E'^\\{(("[A-Za-z_][A-Za-z0-9_]*": ("[^"\\\\]+"|<"[^"\\\\]+"(, =("[^"\\\\]*"|[0-9a-z.-]+))?(, ~"[a-z][a-z0-9_]*")?\\})|[$])(, |\\}$))*$' and not new.field_mappings::text collate "C" ~ '[^"]{64}'
      and not replace(lower(new.field_mappings::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%']))
    and (new.excluded_features = '[]' or length(new.excluded_features::text) < 64 and new.excluded_features::text collate "C" ~ E'^\\["[a-z][a-z0-9_.-]*"\\]$'
      and not new.excluded_features::text collate "C" like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])))) execute function integrations.refuse_bad_configuration();

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
        is_credential := ('_' || regexp_replace(lower(regexp_replace(regexp_replace(label collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l';
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
      when ('_' || regexp_replace(lower(regexp_replace(regexp_replace(i.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l' then 'must not name a credential; store it with credentials.store' end as schedule_rule
    from public.organization_integrations as i
    where i.organization_id = repair_organization.organization_id
      and (exists (select from integrations.config_violations(i.field_mappings, i.excluded_features))
        or case
      when (i.sync_schedule collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(i.sync_schedule collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store'
      when ('_' || regexp_replace(lower(regexp_replace(regexp_replace(i.sync_schedule collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l' then 'must not name a credential; store it with credentials.store' end is not null)
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

create or replace trigger "encrypted_secrets_credential_check" before insert or update on "integrations"."encrypted_secrets" for each row when (replace(lower(to_jsonb(new)::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('key_id');

create or replace trigger "operator_turns_credential_check" before insert or update on "integrations"."operator_turns" for each row when (replace(lower(to_jsonb(new)::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('name');

create or replace trigger "retrieval_requests_credential_check" before insert or update on "integrations"."retrieval_requests" for each row when (replace(lower(to_jsonb(new)::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('actor', 'login');

create or replace trigger "revoked_grants_credential_check" before insert or update on "integrations"."revoked_grants" for each row when (replace(lower(to_jsonb(new)::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('statement');

create or replace trigger "organization_integration_credentials_credential_check" before insert or update on "public"."organization_integration_credentials" for each row when (replace(lower(to_jsonb(new)::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('store', 'field_names');

create or replace trigger "organization_integration_events_credential_check" before insert or update on "public"."organization_integration_events" for each row when (replace(lower(to_jsonb(new)::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('integration_type', 'action', 'outcome', 'actor', 'reason', 'quarantined');

create or replace trigger "organization_integrations_credential_check" before insert or update on "public"."organization_integrations" for each row when (to_jsonb(new) ->> 'sync_schedule' ~ '[A-Za-z]') execute function integrations.refuse_credentials('sync_schedule');
