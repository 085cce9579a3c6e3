/*
 * The limits and patterns of configuration documents: read here by the application, and written from here into the
 * database's function, so there is one list. A pattern uses only what JavaScript and PostgreSQL read alike: no \d, \w or
 * \b, no flags, and it is matched against what `canonicalName` made of a key, or against a text as it is.
 */

export const limits = {
  /** Keys and texts of field_mappings together, in UTF-8. */
  documentBytes: 65_536,
  keys: 200,
  mapEntries: 200,
  /** Unicode code points, not UTF-16 units. */
  pathCharacters: 255,
  number: 1e308,
  features: 64,
} as const

export const patterns = {
  field: '^[A-Za-z_][A-Za-z0-9_]{0,62}$',
  transform: '^[a-z][a-z0-9_]{0,62}$',
  feature: '^[a-z][a-z0-9_.-]{0,63}$',
  /** A key that may be printed: with more digits it may be a credential that was pasted where a field's name belongs. */
  printable: '^[A-Za-z_]{1,63}$|^[A-Za-z_]*([0-9]+[A-Za-z_]+){0,3}[0-9]{0,4}$',
} as const

export const reservedNames = ['__proto__', 'prototype', 'constructor'] as const

/** Rules, as errors, `problems`, repair and the database state them. */
export const rules = {
  object: 'must be an object',
  array: 'must be an array',
  text: 'must be a text',
  boolean: 'must be true or false',
  unicode: 'must be Unicode without NUL',
  bytes: 'must have at most 65,536 bytes of keys and texts',
  keys: 'must have at most 200 keys',
  version: 'must be a version that this package knows',
  field: 'must be a letter or _, then letters, digits or _, at most 63 of them',
  reserved: 'must not be a name that JavaScript reserves',
  credentialName: 'must not name a credential; store it with credentials.store',
  credential: 'must not look like a credential; store it with credentials.store',
  redacted: 'must not hold a credential; store it with credentials.store',
  mapping: 'must be a path, or an object with one',
  path: 'must have 1 to 255 characters',
  missing: 'is missing',
  beside: 'must stand in place of a path, not beside one',
  unknown: 'is no part of a mapping in this version',
  transform: 'must be the name of a transform, such as decimal_2',
  scalar: 'must be a text, a number, true or false',
  number: 'must be within ±1e308',
  mapEntries: 'must have at most 200 entries',
  features: 'must have at most 64 entries',
  feature: 'must be a lower-case letter, then lower-case letters, digits, _, . or -, at most 64 of them',
  repeated: 'must not repeat an earlier one',
} as const

/** A word however it was taken apart: `api_key`, `apiKey`, `a_pi_Key`. */
const spelled = (word: string) => word.split('').join('_?')

/**
 * What makes a name the measure of a credential, in English or Norwegian: a word at the end (`token_count`,
 * `passord_lengde`), or one before a plural (`max_output_tokens`, `antall_passord`). Not `min`, which is Norwegian for "my".
 */
export const measures = {
  last: [
    ...['count', 'limit', 'length', 'size', 'type', 'usage', 'used', 'budget', 'quota', 'cost', 'price', 'ttl', 'age'],
    ...['lifetime', 'expiry', 'expires', 'expires_at', 'expires_in', 'expired', 'status', 'policy', 'required', 'rate'],
    ...['created_at', 'changed_at', 'issued_at', 'rotated_at', 'per_minute', 'per_hour', 'per_day', 'per_request'],
    ...[
      'antall',
      'grense',
      'lengde',
      'storrelse',
      'forbruk',
      'kostnad',
      'pris',
      'levetid',
      'utlop',
      'utloper',
      'brukt',
    ],
  ],
  /** Before a plural in English. */
  beforePlural: ['max', 'total', 'used', 'remaining', 'input', 'output', 'prompt', 'completion', 'maks'],
  /** Before any. */
  before: ['number_of', 'count_of', 'num', 'antall'],
} as const

/** Canonical names that are no credential although {@link credentialName} is in them: asked for those alone. */
export const credentialMeasure = [
  `_(${measures.last.join('|')})_([0-9]+_)?$`,
  `^_(${measures.beforePlural.join('|')})_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$`,
  `^_(${measures.before.join('|')})_`,
].join('|')

/** Wherever it stands in a name. */
const anywhere = spelled
/** Where a word ends with it: `accesstoken`, but not `tokenizer` or `secretary`. */
const ending = (word: string) => `${word}s?[0-9]*_`
/** Where it is all of a word: `pin`, not `pinned`. */
const whole = (word: string) => `_${spelled(word)}_?s?_?[0-9]*_`
const keyKinds = [
  'access',
  'secret',
  'signing',
  'encryption',
  'auth',
  'master',
  'ssh',
  'subscription',
  'shared',
  'consumer',
]
const either = (...expressions: string[]) => expressions.join('|')

/**
 * What a canonical name (`_client_secret_`) is tried against, by what it holds in lower case and without `_` where the
 * expression finds something.
 */
export const credentialNames: Readonly<Record<string, string>> = {
  password: anywhere('password'),
  passwd: anywhere('passwd'),
  passphrase: anywhere('passphrase'),
  // Not "compass_order".
  passord: either('passord($|[^e]|e[^r])', `_${spelled('passord')}($|[^e]|e[^r])`),
  passcode: whole('passcode'),
  hemmelig: either(anywhere('hemmelighet'), whole('hemmelig')),
  apikey: anywhere('apikey'),
  privatekey: anywhere('privatekey'),
  ...Object.fromEntries(keyKinds.map((kind) => [`${kind}key`, `_${kind}_?keys?_?[0-9]*_`])),
  // Of ø a canonical name keeps `_` alone.
  kkel: `_${spelled('api')}_?n(o|oe)?_?${spelled('kkel')}`,
  cred: either(anywhere('credential'), whole('cred')),
  authori: `${spelled('authori')}_?[sz]_?${spelled('ation')}`,
  token: either(ending('token'), whole('token')),
  secret: either(anywhere('clientsecret'), ending('secret'), whole('secret')),
  pwd: either(ending('pwd'), whole('pwd')),
  jwt: either(ending('jwt'), whole('jwt')),
  pin: either(...['pin', 'pincode', 'pinkode'].map(whole)),
  kodeord: whole('kodeord'),
  bearer: whole('bearer'),
  otp: whole('otp'),
}

/** One of them every name of {@link credentialNames} holds: rather too much than too little. */
export const credentialNameStems = [
  ...[
    'pass',
    'hemmelig',
    'key',
    'kkel',
    'cred',
    'authori',
    'token',
    'secret',
    'pwd',
    'jwt',
    'pin',
    'kodeord',
    'bearer',
  ],
  'otp',
] as const

/** All of {@link credentialNames}. */
export const credentialName = either(...Object.values(credentialNames))

const credentialLooks = (start: string, end: string) =>
  [
    // As a header's whole value, or behind the header's name.
    `(${start}|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]`,
    `(${start}|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*${end}`,
    'eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]',
    '-----BEGIN [A-Z0-9 ]+',
    '(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]',
    '(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}',
    '(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]',
    '(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]',
    '(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]',
    '(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}',
    '(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}',
  ].join('|')

/** What a text is tried against, as it is. */
export const credentialText = credentialLooks('^', '$')
/** The same for a printed document, without escapes, in which a text stands between quotes. */
export const credentialTextQuoted = credentialLooks('"', '"')
/** What every look holds, in a printed document, whose tabs are `\t`: rather too much than too little, in few states. */
export const credentialTextStems =
  '[Rr][ \\\\\\u00a0]|[Cc][ \\\\]|yJ|-----B|k_[lt]|h[pousr]_|_pat_|lpat-|ox[a-z]-|I[Az]'

/** What an ASCII lower-case text is tried against, beside {@link credentialText}: a credential's name and its value. */
export const credentialAssigned = [
  '(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt',
  'api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key',
  `(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["']?[ \\t]*`,
]
  .join('|')
  // Prose has colons too ("token: expired"): behind one and a space, a value is quoted or has a digit.
  .concat(`(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["'][^ "']|[^ \\t]*[0-9]))`)
