import {
  credentialAssigned,
  credentialMeasure,
  credentialName,
  credentialNameStems,
  credentialNames,
  credentialText,
  rules,
} from '../../config/rules.ts'
import { literal } from '../../util/quote.ts'

/* What names or looks like a credential, in SQL: the patterns of src/config/rules.ts, so there is one list. */

/** ASCII alone: what a locale makes of other letters differs between servers, and from JavaScript. */
export const matches = (text: string, pattern: string) => `${text} collate "C" ~ ${literal(pattern)}`

const between = literal('\\1_\\2')

export const canonicalName = (key: string) =>
  `'_' || regexp_replace(lower(regexp_replace(regexp_replace(${key} collate "C",
      '([a-z0-9])([A-Z])', ${between}, 'g'), '([A-Z])([A-Z][a-z])', ${between}, 'g')), '[^a-z0-9]+', '_', 'g') || '_'`

/** Of one canonical name, exactly. */
export const namesCredential = (name: string) =>
  `(${matches(name, credentialName)} and not ${matches(name, credentialMeasure)})`

/** Whether one of these stands in a text; as patterns of LIKE, which cost less than an expression. */
export const holdsAny = (text: string, list: readonly string[]) =>
  `${text} collate "C" like any (array[${list.map((one) => literal(`%${one.replace(/[\\_%]/g, '\\$&')}%`)).join(', ')}])`

const holds = (stem: string) => `strpos(bare, ${literal(stem)}) > 0`
/** Those that hold the same stem behind one look for it. */
const tried = credentialNameStems
  .map((stem) => {
    const first = Object.entries(credentialNames).filter(
      ([held]) => credentialNameStems.find((one) => held.includes(one)) === stem,
    )
    const each = first.map(([held, name]) => `${held === stem ? '' : `${holds(held)} and `}${matches('words', name)}`)
    return `${holds(stem)} and (${each.join('\n            or ')})`
  })
  .join('\n          or ')

/**
 * Sets `named`: whether one of many keys may name a credential. `keys` are all of them with `"` in between, which none of
 * them may hold. Nearly all hold nothing that a credential's name holds, and are canonical as they are. `strange`: whether
 * they hold a sign that no field of ours has.
 */
export const lookForNames = (strange: string) => `
      named := ${strange}${holdsAny(`replace(lower(keys collate "C"), '_', '')`, credentialNameStems)};
      if named then
        words := replace(case when ${matches('keys', '[^a-z0-9_"]|__')} then ${canonicalName('keys').replace('[^a-z0-9]', '[^a-z0-9"]')} else '_' || keys || '_' end, '"', '_"_');
        bare := replace(words, '_', '');
        named := ${tried};
      end if;`

/** What `credentialProblem` says in the application. */
export const looksLikeCredential = (text: string) =>
  `(${matches(text, credentialText)} or ${matches(`lower(${text} collate "C")`, credentialAssigned)})`

/** What `scheduleCredentialProblem` says in the application. */
export const scheduleRule = (text: string) => `case
      when ${looksLikeCredential(text)} then ${literal(rules.credential)}
      when ${namesCredential(`(${canonicalName(text)})`)} then ${literal(rules.credentialName)} end`

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

/** Of a document printed as text: whether it is worth a look. Its own key `field_mappings` holds `pin` and is none. */
export const suspicious = (text: string) =>
  `replace(replace(lower(${text} collate "C"), '"field_mappings"', ''), '_', '') like any (${stems})`
