import {
  credentialText,
  credentialTextQuoted,
  credentialTextStems,
  limits,
  patterns,
  reservedNames,
  rules,
} from '../../config/rules.ts'
import { transforms } from '../../config/transforms.ts'
import type { DocumentVersion } from '../../config/versions/document-version.ts'
import { versions } from '../../config/versions.ts'
import { literal } from '../../util/quote.ts'
import { systems } from '../systems.ts'
import { canonicalName, matches, namesCredential, oneNamesCredential } from './credential-rules.ts'

/*
 * src/config/violations.ts in SQL: the same rules in the same order, as one walk. Where JavaScript reads a number as the
 * nearest it can hold, the database compares the number itself, and is the stricter of the two.
 *
 * An expression costs about its number of states, whatever it is tried against. So a credential's name is looked for in
 * all keys of an object at once and its look in the whole printed document, and key by key only where that finds one;
 * and what has a length is counted by length().
 */

const texts = (list: readonly string[]) => `array[${list.map(literal).join(', ')}]`
const reserved = texts(reservedNames)
/** Sound names of ours: what maps nothing else has no key to look at. */
const targets = texts([
  ...new Set(['$version', ...Object.values(systems).flatMap((system) => Object.keys(system.mappingTargets))]),
])

/** `^[a-z][a-z0-9_]{0,62}$` without the counted repetition. */
function fits(text: string, pattern: string): string {
  const [, start, most] = /^(.*)\{0,(\d+)\}\$$/.exec(pattern) ?? []
  return `(length(${text}) <= ${Number(most) + 1} and ${matches(text, `${start}*$`)})`
}

const known = (list: readonly DocumentVersion[]) =>
  list.map(({ version, fields }) => `when '${version}' then ${texts(fields)}`).join(' ')

const report = (path: string, rule: string) => `found := found || jsonb_build_array(${literal(rule)}, ${path});`

const when = (condition: string, path: string, rule: string) => `if ${condition} then ${report(path, rule)} end if;`

/**
 * Of a printed document: no text in it is empty or looks like a credential. Of one class of signs, in which no space
 * stands within a text, the few other looks are found by LIKE, in a third of an expression's time.
 */
const unsuspicious = (printed: string) =>
  `(${matches(printed, '^([A-IK-Za-z0-9_.{}"$]|\\[|\\]|[:,] )*$')} and not ${printed} collate "C" like any (${texts(['%""%', '%gh_\\_%', '%\\_pat\\_%', '%k\\_live\\_%', '%k\\_test\\_%', '%IA%', '%AIza%'])}))`

/** Sets `looks`: whether a text of the printed document may look like a credential. */
const lookAt = (document: string) => `
    printed := ${document}::text;
    if strpos(printed, ${literal('\\')}) > 0 then
      printed := regexp_replace(printed, ${literal('\\\\(u00..|.)')}, ' ', 'g');
    end if;
    looks := not ${unsuspicious('printed')} and ${matches('printed', credentialTextStems)} and ${matches('printed', credentialTextQuoted)};`

const checkText = (text: string, path: string) => `
      if large then bytes := bytes + octet_length(${text}); end if;
      if looks then ${when(matches(text, credentialText), path, rules.credential)} end if;`

const checkKey = (key: string, path: string) => `${checkText(key, path)}
      ${when(`${key} = any (${reserved})`, path, rules.reserved)}
      if names then ${when(namesCredential(`(${canonicalName(key)})`), path, rules.credentialName)} end if;`

const checkPath = (value: string, path: string) => `
      content := ${value} #>> '{}';
      ${when(`content = '' or length(content) > ${limits.pathCharacters}`, path, rules.path)}${checkText('content', path)}`

const checkScalar = (value: string, path: string) => `
      case jsonb_typeof(${value})
      when 'string' then
        content := ${value} #>> '{}';${checkText('content', path)}
      when 'boolean' then null;
      when 'number' then ${when(`abs(${value}::numeric) > ${limits.number}`, path, rules.number)}
      else ${report(path, rules.scalar)}
      end case;`

const checkMap = (map: string, path: string) => `
      if jsonb_typeof(${map}) <> 'object' then
        ${report(path, rules.object)}
      else
        select count(*), bool_and(jsonb_typeof(l.value) = 'string'), string_agg(translate(l.key, '"', '_'), '"')
        into entries, sound, keys from jsonb_each(${map}) as l;
        ${when(`entries > ${limits.mapEntries}`, path, rules.mapEntries)}
        names := ${oneNamesCredential('keys')};
        if large or looks or names or not sound or ${map} ?| ${reserved} then
          for entry, item in select l.key, l.value from jsonb_each(${map}) as l loop${checkKey('entry', `${path}, entry`)}
            if jsonb_typeof(item) = 'string' then
              content := item #>> '{}';${checkText('content', `${path}, entry`)}
            else
              ${report(`${path}, entry`, rules.text)}
            end if;
          end loop;
        end if;
      end if;`

/** Of the object `value`, which maps `key`. */
const checkMapping = (mapping: string) => `
      others := value - known;
      if large then
        bytes := bytes + (select coalesce(sum(octet_length(f.key)), 0) from jsonb_object_keys(value) as f (key) where f.key = any (known));
      end if;
      if others <> '{}' then
        names := true;
        for entry in select f.key from jsonb_object_keys(others) as f (key) loop${checkKey('entry', `${mapping}, entry`)}
          ${report(`${mapping}, entry`, rules.unknown)}
        end loop;
        value := value - array(select jsonb_object_keys(others));
      end if;
      item := value -> 'path';
      if item is not null then
        if jsonb_typeof(item) = 'string' then${checkPath('item', `${mapping}, 'path'`)}
        else ${report(`${mapping}, 'path'`, rules.text)}
        end if;
        ${when(`value ? 'const'`, `${mapping}, 'const'`, rules.beside)}
      elsif not value ? 'const' then
        ${report(`${mapping}, 'path'`, rules.missing)}
      end if;
      item := value -> 'const';
      if item is not null then${checkScalar('item', `${mapping}, 'const'`)}
      end if;
      item := value -> 'default';
      if item <> 'null' then${checkScalar('item', `${mapping}, 'default'`)}
      end if;
      item := value -> 'transform';
      if item is not null then
        content := case jsonb_typeof(item) when 'string' then item #>> '{}' end;
        ${when(`content is null or not ${fits('content', patterns.transform)}`, `${mapping}, 'transform'`, rules.transform)}
        if content is not null then${checkText('content', `${mapping}, 'transform'`)}
        end if;
      end if;
      ${when(`jsonb_typeof(value -> 'required') <> 'boolean'`, `${mapping}, 'required'`, rules.boolean)}
      lookup := value -> 'map';
      if lookup is not null then${checkMap('lookup', `${mapping}, 'map'`)}
      end if;`

/** At most two features, of which one look shows that they break no rule. */
const plainFeatures = (features: string, printed = `${features}::text`) =>
  `(${features} = '[]' or length(${printed}) <= ${limits.features} and ${matches(printed, '^\\["[a-z][a-z0-9_.]*"(, "[a-z][a-z0-9_.]*")?\\]$')}
      and ${unsuspicious(printed)} and ${features} -> 0 is distinct from ${features} -> 1)`

const plainVersions = versions.filter(({ fields }) =>
  ['path', 'transform', 'default'].every((one) => fields.includes(one)),
)

/** A field of a mapping and its value, as a jsonpath has them. */
const plainField = [
  '@.key == "path" && @.value.type() == "string"',
  `@.key == "transform" && @.value.type() == "string" && (${Object.keys(transforms)
    .map((one) => `@.value == "${one}"`)
    .join(' || ')})`,
  '@.key == "default" && @.value.type() != "object" && @.value.type() != "array"',
].join(' || ')

/**
 * Mappings of our own targets of which one look shows that they break no rule, which is so for most rows: what the
 * trigger asks first. `printed` are the documents as texts, where the caller has them.
 *
 * No text in them is too long: where 256 characters stand without a quote between them, one of the two pieces has none
 * either. Lax paths unwrap lists, so that there is none is asked first, by the types.
 */
export function plainConfiguration(row: string, printed?: { mappings: string; features: string }): string {
  const document = `${row}.field_mappings`
  const text = printed?.mappings ?? `${document}::text`
  const has = (path: string) => `jsonb_path_exists(${document} - '$version', ${literal(path)})`
  const plain = [
    `length(${text}) <= 511`,
    `${document} - ${targets} = '{}'`,
    `(length(${text}) <= 255 or strpos(substr(${text}, 129, 128), '"') > 0 and strpos(substr(${text}, 256, 128), '"') > 0)`,
    unsuspicious(text),
    `coalesce(${document} -> '$version', '1') in (${plainVersions.map(({ version }) => `'${version}'`).join(', ')})`,
    `not ${has('$.*.type() ? (@ != "string" && @ != "object")')}`,
    `(strpos(substr(${text}, 2), '{') = 0 or not ${has('$.* ? (@.type() == "object" && !(exists(@.path)))')}
        and not ${has(`$.* ? (@.type() == "object").keyvalue() ? (!(${plainField}))`)})`,
  ]
  // By CASE, which keeps its order: keys cannot be taken from a scalar, and a row may hold one from before there were rules.
  return `case when jsonb_typeof(${document}) = 'object' then (${document} = '{}' or ${plain.join('\n      and ')}) else false end
    and ${plainFeatures(`${row}.excluded_features`, printed?.features)}`
}

const root = literal('field_mappings')

const fieldMappings = `
  if field_mappings is null or jsonb_typeof(field_mappings) <> 'object' then
    ${report(root, rules.object)}
  elsif known is null then
    ${report(literal('field_mappings.$version'), rules.version)}
  elsif field_mappings <> '{}' then${lookAt('field_mappings')}
    -- Printed it is at least as long.
    large := octet_length(field_mappings::text) > ${limits.documentBytes};
    bytes := case when field_mappings ? '$version' then 8 else 0 end;
    familiar := field_mappings - ${targets} = '{}';
    if not familiar then
      select count(*), string_agg(translate(m.key, '"', '_'), '"')
      into entries, keys from jsonb_object_keys(field_mappings - '$version') as m (key);
      ${when(`entries > ${limits.keys}`, root, rules.keys)}
      named := ${oneNamesCredential('keys')};
    end if;
    for key, value in select m.key, m.value from jsonb_each(field_mappings - '$version') as m loop
      names := named;
      if large or not familiar then${checkKey('key', `${root}, key`)}
        ${when(`not ${fits('key', patterns.field)}`, `${root}, key`, rules.field)}
      end if;
      case jsonb_typeof(value)
      when 'string' then${checkPath('value', `${root}, key`)}
      when 'object' then${checkMapping(`${root}, key`)}
      else ${report(`${root}, key`, rules.mapping)}
      end case;
    end loop;
    ${when(`bytes > ${limits.documentBytes}`, root, rules.bytes)}
  end if;`

const features = literal('excluded_features')

const excludedFeatures = `
  if excluded_features is null or jsonb_typeof(excluded_features) <> 'array' then
    ${report(features, rules.array)}
  elsif not ${plainFeatures('excluded_features')} then${lookAt('excluded_features')}
    ${when(`jsonb_array_length(excluded_features) > ${limits.features}`, features, rules.features)}
    large := false;
    for item, place in select f.value, f.place - 1 from jsonb_array_elements(excluded_features) with ordinality as f (value, place) loop
      content := case jsonb_typeof(item) when 'string' then item #>> '{}' end;
      ${when(`content is null or not ${fits('content', patterns.feature)}`, `${features}, place`, rules.feature)}${checkText('content', `${features}, place`)}
    end loop;
    if jsonb_array_length(excluded_features) > 1 then
      found := found || array(
        select jsonb_build_array(${literal(rules.repeated)}, ${features}, f.place - 1)
        from (
          select e.value, e.place, row_number() over (partition by e.value order by e.place) as time
          from jsonb_array_elements(excluded_features) with ordinality as e (value, place)
        ) as f
        where f.time > 1 and jsonb_typeof(f.value) = 'string'
        order by f.place
      );
    end if;
  end if;`

const shown = (key: string) =>
  `case when length(${key}) <= 63 and ${matches(key, patterns.printable)} and not ${matches(key, credentialText)} then ${key} else '*' end`

/** `path: rule` of what {@link configViolations} finds in the application, for these versions; the empty array where it finds nothing. */
export function configurationProblemsBody(list = versions): string {
  return `\
declare
  version jsonb := coalesce(field_mappings -> '$version', '1');
  known text[] := case version ${known(list)} end;
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
begin${fieldMappings}${excludedFeatures}
  if found = '{}' then
    return '{}';
  end if;
  -- Each once: keys that are not printed share a path.
  return array(
    select v.violation
    from (
      select f.place, concat(f.problem ->> 1, (
        select string_agg('.' || case jsonb_typeof(p.part) when 'number' then p.part #>> '{}' else ${shown("(p.part #>> '{}')")} end, '' order by p.place)
        from jsonb_array_elements(f.problem) with ordinality as p (part, place) where p.place > 2
      ), ': ', f.problem ->> 0) as violation
      from unnest(found) with ordinality as f (problem, place)
    ) as v
    group by v.violation
    order by min(v.place)
  );
end`
}
