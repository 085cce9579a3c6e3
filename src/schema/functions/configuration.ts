import {
  credentialMeasure,
  credentialName,
  credentialText,
  limits,
  patterns,
  reservedNames,
  rules,
} from '../../config/rules.ts'
import type { DocumentVersion } from '../../config/versions/document-version.ts'
import { currentVersion, versions } from '../../config/versions.ts'
import { definerFunction, trigger } from '../../migrations/extra-functions.ts'
import { literal } from '../../migrations/quote.ts'
import { organizationIntegrations } from '../organization-integrations.ts'

/*
 * The rules of src/config, in SQL: what they say is interpolated, so there is one list. Where JavaScript reads a number
 * as the nearest it can hold, the database compares the number itself, and is the stricter of the two.
 */

/** ASCII alone: what a locale makes of other letters differs between servers, and from JavaScript. */
export const matches = (text: string, pattern: string) => `${text} collate "C" ~ ${literal(pattern)}`

/** Of a canonical name. */
export const namesCredential = (name: string) =>
  `(${matches(name, credentialName)} and not ${matches(name, credentialMeasure)})`

const between = literal('\\1_\\2')

export const canonicalName = (key: string) =>
  `'_' || regexp_replace(lower(regexp_replace(regexp_replace(${key} collate "C",
      '([a-z0-9])([A-Z])', ${between}, 'g'), '([A-Z])([A-Z][a-z])', ${between}, 'g')), '[^a-z0-9]+', '_', 'g') || '_'`

const shown = (key: string) =>
  `case when length(${key}) <= 63 and ${matches(key, patterns.printable)} and not ${matches(key, credentialText)} then ${key} else '*' end`

const entries = (object: string) =>
  `jsonb_each(case jsonb_typeof(${object}) when 'object' then ${object} else '{}' end)`

const known = (list: readonly DocumentVersion[]) =>
  list.map(({ version, fields }) => `when '${version}' then array[${fields.map(literal).join(', ')}]`).join(' ')

/** What {@link configViolations} says in the application, for these versions. */
export function configViolationsBody(list = versions): string {
  return `\
declare
  version jsonb := coalesce(field_mappings -> '$version', '1');
  known text[] := case version ${known(list)} end;
begin
  if field_mappings is null or jsonb_typeof(field_mappings) <> 'object' then
    return query select 'field_mappings', ${literal(rules.object)};
  elsif known is null then
    return query select 'field_mappings.$version', ${literal(rules.version)};
  elsif field_mappings <> '{}' then
    return query
    with mappings as materialized (
      select m.key, m.value, jsonb_typeof(m.value) as type, 'field_mappings.' || ${shown('m.key')} as path
      from jsonb_each(field_mappings) as m where m.key <> '$version'
    ), fields as materialized (
      select f.key, f.value, jsonb_typeof(f.value) as type, m.path || '.' || ${shown('f.key')} as path, m.path as mapping
      from mappings as m cross join lateral ${entries('m.value')} as f
    ), lookups as materialized (
      select l.key, l.value, jsonb_typeof(l.value) as type, f.path || '.' || ${shown('l.key')} as path
      from fields as f cross join lateral ${entries('f.value')} as l where f.key = 'map' and f.key = any (known)
    ), keys as materialized (
      select k.key, k.path, ${canonicalName('k.key')} as name
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
    select 'field_mappings', ${literal(rules.keys)} from mappings having count(*) > ${limits.keys}
    union select 'field_mappings', ${literal(rules.bytes)} from texts
      having sum(octet_length(text)) > ${limits.documentBytes} - case when field_mappings ? '$version' then 8 else 0 end
    union select m.path, ${literal(rules.field)} from mappings as m where not ${matches('m.key', patterns.field)}
    union select m.path, ${literal(rules.mapping)} from mappings as m where m.type not in ('string', 'object')
    union select f.path, ${literal(rules.unknown)} from fields as f where f.key <> all (known)
    union select m.path || '.path', ${literal(rules.missing)} from mappings as m
      where m.type = 'object' and not m.value ? 'path' and not ('const' = any (known) and m.value ? 'const')
    union select m.path || '.const', ${literal(rules.beside)} from mappings as m
      where m.type = 'object' and 'const' = any (known) and m.value ?& '{path,const}'
    union select p.path, ${literal(rules.text)} from paths as p where p.type <> 'string'
    union select p.path, ${literal(rules.path)} from paths as p
      where p.type = 'string' and length(p.text) not between 1 and ${limits.pathCharacters}
    union select s.path, ${literal(rules.scalar)} from scalars as s where s.type not in ('string', 'number', 'boolean')
    union select s.path, ${literal(rules.number)} from scalars as s
      where case s.type when 'number' then abs(s.value::numeric) > ${limits.number} end
    union select f.path, ${literal(rules.transform)} from fields as f
      where f.key = 'transform' and f.key = any (known) and not (f.type = 'string' and ${matches("(f.value #>> '{}')", patterns.transform)})
    union select f.path, ${literal(rules.boolean)} from fields as f
      where f.key = 'required' and f.key = any (known) and f.type <> 'boolean'
    union select f.path, ${literal(rules.object)} from fields as f
      where f.key = 'map' and f.key = any (known) and f.type <> 'object'
    union select f.path, ${literal(rules.mapEntries)} from fields as f cross join lateral ${entries('f.value')}
      where f.key = 'map' and f.key = any (known) group by f.path, f.value having count(*) > ${limits.mapEntries}
    union select l.path, ${literal(rules.text)} from lookups as l where l.type <> 'string'
    union select k.path, ${literal(rules.reserved)} from keys as k where k.key in (${reservedNames.map(literal).join(', ')})
    union select k.path, ${literal(rules.credentialName)} from keys as k where ${namesCredential('k.name')}
    union select t.path, ${literal(rules.credential)} from texts as t where ${matches('t.text', credentialText)};
  end if;
  if excluded_features is null or jsonb_typeof(excluded_features) <> 'array' then
    return query select 'excluded_features', ${literal(rules.array)};
  elsif excluded_features <> '[]' then
    return query
    with features as materialized (
      select f.value #>> '{}' as text, jsonb_typeof(f.value) as type, 'excluded_features.' || f.position - 1 as path, f.position
      from jsonb_array_elements(excluded_features) with ordinality as f (value, position)
    )
    select 'excluded_features', ${literal(rules.features)} from features having count(*) > ${limits.features}
    union select f.path, ${literal(rules.feature)} from features as f
      where not (f.type = 'string' and ${matches('f.text', patterns.feature)})
    union select f.path, ${literal(rules.credential)} from features as f where f.type = 'string' and ${matches('f.text', credentialText)}
    union select f.path, ${literal(rules.repeated)} from (
      select e.path, row_number() over (partition by e.text collate "C" order by e.position) as time from features as e where e.type = 'string'
    ) as f where f.time > 1;
  end if;
end`
}

/**
 * Whether one look at both texts shows that no rule is broken, which is so for nearly every row: the trigger's condition,
 * so that nothing is called for them.
 *
 * Every part of the expression costs about its number of states, so what is long and always the same is first replaced by
 * one sign; without a backslash in it, no text holds what stands between two. Nothing is repeated a counted number of
 * times: in 2,000 characters no limit of size can be passed (a mapping takes at least ten), and names and paths have
 * fewer than 64.
 */
export function plainConfiguration(row: string, list = versions): string {
  const [mappings, features] = [`${row}.field_mappings::text`, `${row}.excluded_features::text`]
  const signs = [
    [`"$version": ${currentVersion(list)}`, '$'],
    ['{"path": ', '<'],
    ['"default": ', '='],
    ['"transform": ', '~'],
  ]
  const signed = signs.reduce(
    (text, [long = '', sign = '']) => `replace(${text}, ${literal(long)}, '${sign}')`,
    mappings,
  )
  const path = '"[^"\\\\]+"'
  // Of a document that is JSON, so that all other values are numbers, true, false or null.
  const optional = (field: string, pattern: string) =>
    list.every(({ fields }) => fields.includes(field)) ? `(, ${pattern})?` : ''
  const object = `<${path}${optional('default', '=("[^"\\\\]*"|[0-9a-z.-]+)')}${optional('transform', '~"[a-z][a-z0-9_]*"')}\\}`
  const whole = `^\\{(("[A-Za-z_][A-Za-z0-9_]*": (${path}|${object})|[$])(, |\\}$))*$`
  // Several features are taken apart: they must differ.
  return `(${row}.field_mappings = '{}' or length(${mappings}) <= 2000 and ${matches(signed, whole)} and not ${matches(mappings, '[^"]{64}')}
      and not replace(lower(${mappings} collate "C"), '_', '') like any (${stems}))
    and (${row}.excluded_features = '[]' or length(${features}) < 64 and ${matches(features, '^\\["[a-z][a-z0-9_.-]*"\\]$')}
      and not ${features} collate "C" like any (${stems}))`
}

/**
 * One of these every credential's name or look holds, in lower case and without `_`: rather too much than too little.
 * As patterns of LIKE, which on short texts take a third of the time of an expression.
 */
export const stems = `array[${[
  ...[
    'pass',
    'hemmelig',
    'key',
    'secret',
    'cred',
    'authori',
    'token',
    'pwd',
    'jwt',
    'pin',
    'kodeord',
    'bearer',
    'otp',
    'kkel',
  ],
  ...[
    'basic',
    'eyj',
    '---begin',
    'live',
    'test',
    'github',
    'ghp',
    'gho',
    'ghu',
    'ghs',
    'ghr',
    'glpat',
    'xox',
    'akia',
    'asia',
    'aiza',
    'proto',
    'construc',
  ],
]
  .map((stem) => literal(`%${stem}%`))
  .join(', ')}]`

export const configurationFunctions = [
  definerFunction({
    name: 'integrations.config_violations',
    parameters: 'field_mappings jsonb, excluded_features jsonb',
    returns: 'table (path text, rule text)',
    stable: true,
    executors: ['authenticated', 'service_role'],
    body: configViolationsBody(),
  }),

  // What did not change is not looked at: an old bad row must still be able to change its status.
  definerFunction({
    name: 'integrations.refuse_bad_configuration',
    returns: 'trigger',
    body: `\
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
end`,
  }),
  trigger(organizationIntegrations, {
    name: 'configuration_check',
    when: `before insert or update on {table} for each row when (not (${plainConfiguration('new')}))`,
    function: 'integrations.refuse_bad_configuration',
  }),
]
