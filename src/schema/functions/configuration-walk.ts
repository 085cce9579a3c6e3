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
import { canonicalName, lookForNames, matches, namesCredential } from './credential-rules.ts'

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

/** `^[a-z][a-z0-9_]{0,62}$` taken apart: what it repeats is counted by length(). */
function partsOf(pattern: string): { letters: string; most: number } {
  const [, start, most] = /^\^(.*)\{0,(\d+)\}\$$/.exec(pattern) ?? []
  return { letters: `${start}*`, most: Number(most) + 1 }
}

function fits(text: string, pattern: string): string {
  const { letters, most } = partsOf(pattern)
  return `(length(${text}) <= ${most} and ${matches(text, `^${letters}$`)})`
}

/** Of texts with `"` in between: none is longer. Where so many stand without one, a piece of half as many has none either. */
function allShort(list: string, most: number): string {
  const half = (most + 1) / 2
  const piece = (from: number) => `strpos(substr(${list}, ${from}, ${half}), '"') > 0`
  return `(length(${list}) <= ${most} or length(${list}) <= ${3 * half} and ${piece(half + 1)}
        or not ${matches(list, `[^"]{${most + 1}}`)})`
}

/** Of texts with `"` in between. */
function allFit(list: string, pattern: string): string {
  const { letters, most } = partsOf(pattern)
  return `(${matches(list, `^${letters}("${letters})*$`)} and ${allShort(list, most)})`
}

const known = (list: readonly DocumentVersion[]) =>
  list.map(({ version, fields }) => `when '${version}' then ${texts(fields)}`).join(' ')

const report = (path: string, rule: string) => `found := found || jsonb_build_array(${literal(rule)}, ${path});`

const when = (condition: string, path: string, rule: string) => `if ${condition} then ${report(path, rule)} end if;`

/** Sets `looks`: whether a text of the printed document may look like a credential. */
const lookAt = (document: string) => `
    printed := ${document}::text;
    looks := ${matches('printed', credentialTextStems)};
    if looks then
      -- Nothing that is escaped makes or breaks a look, but a quote.
      looks := ${matches(`regexp_replace(printed, ${literal('\\\\(u00..|.)')}, ' ', 'g')`, credentialTextQuoted)};
    end if;`

const checkText = (text: string, path: string) => `
      if large then bytes := bytes + octet_length(${text}); end if;
      if looks then ${when(matches(text, credentialText), path, rules.credential)} end if;`

const checkKey = (key: string, path: string) => `${checkText(key, path)}
      ${when(`${key} = any (${reserved})`, path, rules.reserved)}
      if named then ${when(namesCredential(`(${canonicalName(key)})`), path, rules.credentialName)} end if;`

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
        select count(*), bool_and(jsonb_typeof(l.value) = 'string'), string_agg(translate(l.key, '"', ' '), '"')
        into entries, sound, keys from jsonb_each(${map}) as l;
        ${when(`entries > ${limits.mapEntries}`, path, rules.mapEntries)}${lookForNames(`${matches('keys', '[^A-Za-z0-9_"]')} or `)}
        if large or looks or named or not sound or ${map} ?| ${reserved} then
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
        named := true;
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

/**
 * A printed document with its fields as one sign each, of which an expression is quick to read: where one stood that this
 * version has not, or that {@link plainly} does not expect there, its name is left.
 */
function abridged(printed: string): string {
  const signs: readonly (readonly [field: string, text: string, sign: string])[] = [
    ['path', '{"path": "', '<"'],
    ['const', '{"const": "', '<"'],
    ['default', ', "default": ', ';'],
    ['required', ', "required": true', '?'],
    ['required', ', "required": false', '?'],
    ['transform', ', "transform": "', '!'],
  ]
  const replaced = (list: readonly (readonly [from: string, to: string])[]) =>
    list.reduce((text, [from, to]) => `replace(${text}, ${literal(from)}, ${literal(to)})`, printed)
  const sign = (version: number) => [`"$version": ${version}`, '"v": "v"'] as const
  const inVersion = ({ version, fields }: DocumentVersion) =>
    replaced([
      sign(version),
      ...signs.filter(([field]) => fields.includes(field)).map(([, from, to]) => [from, to] as const),
    ])
  const [first, ...later] = versions as [DocumentVersion, ...DocumentVersion[]]
  return `case when strpos(${printed}, '": {') = 0 then ${replaced(versions.map(({ version }) => sign(version)))}
        ${later.map((one) => `when strpos(${printed}, '"$version": ${one.version}') > 0 then ${inVersion(one)}`).join('\n        ')}
        else ${inVersion(first)} end`
}

/**
 * Mappings as {@link abridged} prints them: each a text, or an object that begins with a path or a constant. Its fields
 * stand in the order of jsonb, each once, and one that was not abridged has a colon.
 */
const plainly = (key: string, text: string, inside: string) => `\\{("${key}+": (${text}|<${inside}\\})(, )?)*\\}`

/**
 * Of a printed document: no text in it is too long. Where 256 characters stand without a quote between them, one of the two
 * pieces looked at has none either.
 */
const shortTexts = (printed: string, otherwise = '') =>
  `(octet_length(${printed}) <= ${limits.pathCharacters} or octet_length(${printed}) <= 511
        and strpos(substr(${printed}, 129, 128), '"') > 0 and strpos(substr(${printed}, 256, 128), '"') > 0 ${otherwise})`

/** Of mappings that are {@link plainly} mapped: every transform is one of ours. */
const ourTransforms = (mappings: string, printed: string) =>
  `(strpos(${printed}, '"transform"') = 0 or not jsonb_path_exists(${mappings}, ${literal(
    `$.*.transform ? (!(${Object.keys(transforms)
      .map((one) => `@ == "${one}"`)
      .join(' || ')}))`,
  )}))`

/** Features of which one look shows that they break no rule: two at most. */
const plainFeatures = (features: string) =>
  `octet_length(${features}::text) <= ${limits.features} and (${features} -> 1 is null or ${features} -> 2 is null and ${features} -> 0 <> ${features} -> 1)`
const printedFeatures = '\\[("[a-z][a-z0-9_.]*"(, )?)*\\]'

/** Of these signs alone no other look of a credential can be made than those below. */
const harmless = 'A-IK-Za-z0-9_.'
const otherLooks = ['%gh_\\_%', '%\\_pat\\_%', '%k\\_____\\_%', '%IA%', '%AIza%']

/**
 * Mappings of our own targets of which one look shows that they break no rule, which is so for most rows: what the
 * trigger asks first. `printed` is one document behind the other.
 */
export function plainConfiguration(mappings = 'mappings', features = 'features', printed = 'printed'): string {
  // By CASE, which keeps its order: keys cannot be taken from a scalar, and a row may hold one from before there were rules.
  return `(case when strpos(${printed}, '{') = 1 then ${mappings} - ${targets} = '{}'
      and ${shortTexts(printed)}
      and ${matches(`(${abridged(printed)})`, `^${plainly(`[${harmless}]`, `"[${harmless}]+"`, `"[${harmless}][${harmless}";?!]*`)}${printedFeatures}$`)}
      and ${ourTransforms(mappings, printed)}
      and not ${printed} collate "C" like any (${texts(otherLooks)})
      and ${plainFeatures(features)} else false end)`
}

/** Nearly every schedule is digits and signs, which name no credential and make no look of one. */
export const plainSchedule = (schedule: string) => `coalesce(${schedule} !~ '[A-Za-z]', true)`

const root = literal('field_mappings')
/** In print, without an escape. */
const text = '"[^"\\\\]+"'

const fieldMappings = `
  if field_mappings is null or jsonb_typeof(field_mappings) <> 'object' then
    ${report(root, rules.object)}
  elsif known is null then
    ${report(literal('field_mappings.$version'), rules.version)}
  elsif field_mappings <> '{}' then${lookAt('field_mappings')}
    mappings := case when field_mappings ? '$version' then field_mappings - '$version' else field_mappings end;
    -- Printed it is at least as long.
    large := octet_length(printed) > ${limits.documentBytes};
    bytes := case when field_mappings ? '$version' then 8 else 0 end;
    if mappings - ${targets} <> '{}' then
      names := array(select jsonb_object_keys(mappings));
      ${when(`cardinality(names) > ${limits.keys}`, root, rules.keys)}
      keys := array_to_string(names, '"');
      odd := not ${allFit('keys', patterns.field)} or strpos(printed, ${literal('\\"')}) > 0 or mappings ?| ${reserved};
      if not odd then${lookForNames('')}
        odd := named;
      end if;
    end if;
    closely := large or looks or odd;
    if closely
      or not ${shortTexts('printed', `or not ${matches('printed', `[^"]{${limits.pathCharacters}}`)}`)}
      or not ${matches(`(${abridged('printed')})`, `^${plainly('[^"]', text, `(${text}|[-;?.0-9a-z]|![a-z0-9_]+")+`)}$`)}
      or not ${ourTransforms('mappings', 'printed')} then
    for key, value in
      select m.key, m.value from jsonb_each(mappings) as m
      where closely or jsonb_typeof(m.value) <> 'string' or m.value = '""' or octet_length(m.value::text) > ${limits.pathCharacters}
    loop
      named := odd;
      if closely then${checkKey('key', `${root}, key`)}
        ${when(`not ${fits('key', patterns.field)}`, `${root}, key`, rules.field)}
      end if;
      case jsonb_typeof(value)
      when 'string' then${checkPath('value', `${root}, key`)}
      when 'object' then${checkMapping(`${root}, key`)}
      else ${report(`${root}, key`, rules.mapping)}
      end case;
    end loop;
    end if;
    ${when(`bytes > ${limits.documentBytes}`, root, rules.bytes)}
  end if;`

const features = literal('excluded_features')

const excludedFeatures = `
  if excluded_features is null or jsonb_typeof(excluded_features) <> 'array' then
    ${report(features, rules.array)}
  elsif not (${plainFeatures('excluded_features')} and ${matches('excluded_features::text', `^${printedFeatures}$`)}
      and not excluded_features::text collate "C" like any (${texts(otherLooks)})) then${lookAt('excluded_features')}
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
begin${fieldMappings}${excludedFeatures}
  if found is null or found = '{}' then
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
