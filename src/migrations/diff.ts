import { literal, name } from '../util/quote.ts'
import { constraintMade, gone, identityChange, made, sequenceChange, sqlOf } from './make.ts'
import { sameSql } from './references.ts'
import { applyRename, type Rename } from './rename-state.ts'
import { serials } from './sequence-options.ts'
import { type Column, type EnumType, type Key, type Other, pathOf, type State, type Thing } from './state.ts'

/*
 * The statements that lead from one state to another. `schedule.ts` brings them into an order that works and takes out of
 * the way what they stumble over; here each change stands for itself.
 */

export type Difference = {
  statements: string[]
  /** What changed and nobody knows how to change back. */
  unknown: Thing[]
}

/** Kinds in the order in which they are made; they go in the reverse. */
const order = [
  'role',
  'schema',
  'extension',
  'collation',
  'type',
  'sequence',
  'table',
  'column',
  'function',
  'primary',
  'index',
  'constraint',
  'foreign',
  'view',
  'statistics',
  'rule',
  'trigger',
  'policy',
  'publication',
  'setting',
]
const rankOf = (thing: Thing): number => {
  if (thing.kind === 'constraint')
    return order.indexOf(thing.type === 'p' ? 'primary' : thing.type === 'f' ? 'foreign' : 'constraint')
  if (thing.kind !== 'object') return order.indexOf(thing.kind)
  return order.indexOf(thing.word === 'domain' ? 'type' : thing.word)
}
export const byRank = (a: Thing, b: Thing) => rankOf(a) - rankOf(b)

/** These go when all that could use them is changed. */
const lastToGo = (thing: Thing) =>
  thing.kind === 'type' ||
  thing.kind === 'schema' ||
  thing.kind === 'sequence' ||
  (thing.kind === 'object' && /^(domain|type|role|extension|function|collation)$/.test(thing.word))

/** The way from `from` to `to`; `renames` are made first. */
export function diff(from: State, to: State, renames: Rename[] = []): Difference {
  const at = from.copy()
  const first: string[] = []
  const unknown: Thing[] = []
  const drop = (thing: Thing, statements: string[]) => {
    const statement = gone(at, thing)
    if (statement === undefined) unknown.push(thing)
    else statements.push(statement)
  }
  for (const rename of renames) {
    const inTheWay = 'type' in rename ? undefined : at.get(rename.to)
    // What was renamed out of the way of a new one and then dropped: columns hang on the new one, which changes in place.
    if (inTheWay && lastToGo(inTheWay) && !('type' in rename) && at.get(rename.from) === undefined) continue
    if (inTheWay) drop(inTheWay, first)
    if (inTheWay) at.remove(inTheWay.key)
    // What goes back into a schema that the migration dropped finds it there.
    const schema = 'type' in rename ? undefined : to.of('schema', `schema ${schemaIn(to, rename.to)}`)
    if (schema && at.get(schema.key) === undefined && !renames.some((other) => other.to === schema.key)) {
      first.push(...made(to, schema))
      at.put(schema)
    }
    first.push(...renameStatement(at, rename))
    applyRename(at, rename)
  }
  const things = [...at.things.values()]
  const going = things
    .filter(
      (thing) =>
        to.get(thing.key) === undefined &&
        (thing.on === undefined || at.get(thing.on) === undefined || to.get(thing.on) !== undefined),
    )
    // A serial column's sequence goes with its default.
    .filter((thing) => !(thing.kind === 'sequence' && thing.serial))
    .sort(byRank)
    .reverse()
  const drops: string[] = []
  const last: string[] = []
  const coming = [...to.things.values()].filter((thing) => at.get(thing.key) === undefined)
  // Of two functions of one name a call could mean either.
  const makesWay = (thing: Thing) =>
    /^function /.test(thing.key) && coming.some(({ key, name }) => /^function /.test(key) && name === thing.name)
  for (const thing of going) drop(thing, lastToGo(thing) && !makesWay(thing) ? last : drops)
  const alters: string[] = []
  const afterwards: string[] = []
  const creates: { thing: Thing; statements: string[] }[] = []
  for (const thing of coming) {
    const withOwner = thing.kind === 'column' && coming.includes(to.get(thing.on) as Thing)
    const bySerial = thing.kind === 'sequence' && thing.serial
    const owner = thing.kind === 'sequence' && !bySerial ? to.of('column', thing.on) : undefined
    if (!withOwner && !bySerial)
      creates.push({ thing, statements: made(to, owner ? ({ ...thing, on: undefined } as never) : thing) })
    // The column that owns it may take its default from it: both are there first.
    if (owner)
      creates.push({
        thing: { ...thing, kind: 'setting' } as never,
        statements: [ownedBy(to, thing.key, owner)],
      })
    if (thing.kind === 'table')
      creates.push({
        thing: { ...thing, kind: 'setting' } as never,
        statements: tableChanges(to, { rowSecurity: false, forced: false, unlogged: thing.unlogged }, thing),
      })
  }
  // A foreign key goes before the key it rests on, on a second run too.
  const comesFirst = (thing: Thing) =>
    thing.kind === 'type' || isDomain(thing) || (thing.kind === 'constraint' && thing.type === 'f')
  for (const thing of [...things.filter(comesFirst), ...things.filter((one) => !comesFirst(one))]) {
    const other = to.get(thing.key)
    if (other === undefined || other === thing || JSON.stringify(other) === JSON.stringify(thing)) continue
    // A default may call a function that comes back.
    const callsWhatComes =
      other.kind === 'column' &&
      other.refs.some((ref) => coming.some(({ key }) => key === ref && /^function /.test(key)))
    const statements = changed(at, to, thing, other, drops, creates)
    if (callsWhatComes) afterwards.push(...statements)
    else alters.push(...statements)
  }
  creates.sort((a, b) => byRank(a.thing, b.thing))
  const early = creates.filter(({ thing }) => rankOf(thing) < order.indexOf('table'))
  const late = creates.filter((one) => !early.includes(one))
  const texts = (list: typeof creates) => list.flatMap(({ statements }) => statements)
  return {
    statements: [...first, ...drops, ...texts(early), ...alters, ...texts(late), ...afterwards, ...last],
    unknown,
  }
}

function changed(
  at: State,
  to: State,
  from: Thing,
  thing: Thing,
  drops: string[],
  creates: { thing: Thing; statements: string[] }[],
): string[] {
  if (thing.kind === 'column' && from.kind === 'column') return columnChanges(at, to, from, thing)
  if (thing.kind === 'table' && from.kind === 'table') return tableChanges(to, from, thing)
  if (thing.kind === 'type' && from.kind === 'type')
    return same(from.labels, thing.labels) ? [] : typeMadeAnew(at, to, thing)
  if (thing.kind === 'sequence' && from.kind === 'sequence') {
    const head = `ALTER SEQUENCE ${sqlOf(to, thing.key)}`
    const type = thing.options.as === from.options.as ? '' : ` AS ${thing.options.as ?? 'bigint'}`
    const owner = to.of('column', thing.on)
    const owned = thing.on === from.on ? [] : [ownedBy(to, thing.key, owner)]
    return [...(same(thing.options, from.options) ? [] : [sequenceChange(`${head}${type}`, thing.options)]), ...owned]
  }
  if (thing.kind === 'constraint' && from.kind === 'constraint') {
    if (!same([thing.columns, thing.type], [from.columns, from.type]) || !sameSql(thing.definition, from.definition)) {
      // Found again where it only refers to what has another name.
    } else if (thing.valid === from.valid) return []
    // One whose column is made anew comes back in its last form.
    else if (thing.valid && thing.refs.every((ref) => !isMadeAnew(at, to, ref)))
      return [`ALTER TABLE ${sqlOf(to, thing.on)} VALIDATE CONSTRAINT ${name(thing.name)}`]
  }
  if ('text' in thing && 'text' in from && sameSql(thing.text, from.text)) return []
  if (thing.kind === 'setting')
    return from.kind === 'setting' && thing.name.startsWith('constraint ') && from.reset
      ? [from.reset, thing.text]
      : [thing.text]
  if (
    thing.kind === 'policy' &&
    from.kind === 'policy' &&
    (['head', 'roles', 'using', 'check'] as const).every((piece) => sameSql(thing[piece], from[piece]))
  )
    return []
  if (thing.kind === 'schema') return []
  if (
    thing.kind === 'object' &&
    thing.replaceable &&
    from.kind === 'object' &&
    resultOf(thing.text) === resultOf(from.text)
  ) {
    creates.push({ thing, statements: [thing.text.replace(/^create\s+/i, 'CREATE OR REPLACE ')] })
    return []
  }
  if (isDomain(thing)) return typeMadeAnew(at, to, thing)
  const statement = gone(at, from)
  if (statement !== undefined) drops.push(statement)
  creates.push({ thing, statements: made(to, thing) })
  for (const owned of to.owned(thing.key))
    if (at.get(owned.key)) creates.push({ thing: owned, statements: made(to, owned) })
  return []
}

const schemaIn = (state: State, key: Key) => {
  const thing = state.get(key)
  return thing && 'schema' in thing ? thing.schema : undefined
}

const isMadeAnew = (at: State, to: State, key: Key) => {
  const [from, column] = [at.of('column', key), to.of('column', key)]
  return from !== undefined && column?.generated !== undefined && !sameSql(column.generated, from.generated)
}

const ownedBy = (to: State, sequence: Key, owner: Column | undefined) =>
  `ALTER SEQUENCE ${sqlOf(to, sequence)} OWNED BY ${owner ? `${sqlOf(to, owner.on)}.${name(owner.name)}` : 'NONE'}`

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
const squeezed = (text: string) => text.replace(/\s+/g, ' ').trim()
const resultOf = (text: string) =>
  squeezed(
    /\breturns\b(.*?)\b(?:language|as|stable|volatile|immutable|security|set|begin|strict|return)\b/is.exec(
      text,
    )?.[1] ?? '',
  ).toLowerCase()

function tableChanges(
  to: State,
  from: { rowSecurity: boolean; forced: boolean; unlogged: boolean },
  table: { key: Key; rowSecurity: boolean; forced: boolean; unlogged: boolean },
): string[] {
  const head = `ALTER TABLE ${sqlOf(to, table.key)}`
  return [
    ...(from.rowSecurity === table.rowSecurity
      ? []
      : [`${head} ${table.rowSecurity ? 'ENABLE' : 'DISABLE'} ROW LEVEL SECURITY`]),
    ...(from.forced === table.forced ? [] : [`${head} ${table.forced ? '' : 'NO '}FORCE ROW LEVEL SECURITY`]),
    ...(from.unlogged === table.unlogged ? [] : [`${head} SET ${table.unlogged ? 'UNLOGGED' : 'LOGGED'}`]),
  ]
}

function columnChanges(at: State, to: State, from: Column, column: Column): string[] {
  const table = `ALTER TABLE ${sqlOf(to, column.on)}`
  const alter = `${table} ALTER COLUMN ${name(column.name)}`
  // An expression can be dropped and, before PostgreSQL 17, not set.
  if (column.generated !== undefined && !sameSql(column.generated, from.generated))
    return [`${table} DROP COLUMN ${name(column.name)}`, ...made(to, column)]
  const isRelabelled = from.refs.some((key) => column.refs.includes(key) && isOtherType(at.get(key), to.get(key)))
  const retyped = !sameSql(column.type, from.type) || column.collate !== from.collate
  const type = `${alter} SET DATA TYPE ${column.type}${column.collate ? ` ${column.collate}` : ''}`
  const serial = Object.entries(serials).find(([, one]) => one === column.type)?.[0]
  return [
    ...(from.generated !== undefined && column.generated === undefined ? [`${alter} DROP EXPRESSION`] : []),
    ...(from.identity && !column.identity ? [`${alter} DROP IDENTITY`] : []),
    ...(from.serial && !column.serial ? [`${alter} DROP DEFAULT`, `DROP SEQUENCE ${sqlOf(to, from.serial)}`] : []),
    ...(retyped && !isRelabelled && !(column.serial && serial) ? [type] : []),
    ...(column.serial && serial && (!from.serial || retyped) ? [`${alter} SET DATA TYPE ${serial}`] : []),
    // An identity column is NOT NULL before it is one.
    ...(column.notNull && !from.notNull ? [`${alter} SET NOT NULL`] : []),
    ...(column.identity && !from.identity
      ? [
          `${alter} ADD GENERATED ${column.identity.always ? 'ALWAYS' : 'BY DEFAULT'} AS IDENTITY ${column.identity.options}`,
        ]
      : []),
    ...(column.identity && from.identity ? identityChanges(alter, from, column) : []),
    // The default follows its column's type with a cast of its own; said again, it is what it was.
    ...((sameSql(column.default, from.default) && !(retyped && column.default !== undefined)) || isRelabelled
      ? []
      : [
          column.default === undefined
            ? column.serial || from.default === undefined
              ? ''
              : `${alter} DROP DEFAULT`
            : `${alter} SET DEFAULT ${column.default}`,
        ]),
    ...(from.notNull && !column.notNull ? [`${alter} DROP NOT NULL`] : []),
  ].filter((one) => one !== '')
}

function identityChanges(alter: string, from: Column, to: Column): string[] {
  const [was, is] = [from.identity, to.identity]
  if (was === undefined || is === undefined) return []
  return [
    ...(was.always === is.always ? [] : [`${alter} SET GENERATED ${is.always ? 'ALWAYS' : 'BY DEFAULT'}`]),
    ...(identityChange(was.options) === identityChange(is.options) ? [] : [`${alter}${identityChange(is.options)}`]),
  ]
}

const isDomain = (thing: Thing): thing is Other => thing.kind === 'object' && thing.word === 'domain'

const isOtherType = (from: Thing | undefined, to: Thing | undefined) =>
  from?.kind === 'type' && to?.kind === 'type'
    ? !same(from.labels, to.labels)
    : from !== undefined && to !== undefined && isDomain(from) && isDomain(to) && !sameSql(from.text, to.text)

/**
 * A type with other labels and a domain with other rules are made anew, and their columns pass through text: PostgreSQL
 * cannot drop a label, and what a domain is was said in one statement.
 */
function typeMadeAnew(at: State, to: State, type: EnumType | Other): string[] {
  const columns = at
    .all('column')
    .filter(({ key, refs }) => refs.includes(type.key) && to.of('column', key)?.refs.includes(type.key))
  const alter = (column: Column) => `ALTER TABLE ${sqlOf(to, column.on)} ALTER COLUMN ${name(column.name)}`
  const array = (column: Column) => (/\]\s*$/.test(column.type) ? '[]' : '')
  const called = sqlOf(to, type.key)
  const plain = columns.filter((column) => column.generated === undefined)
  return [
    ...plain.flatMap((column) => (column.default === undefined ? [] : [`${alter(column)} DROP DEFAULT`])),
    ...plain.map((column) => `${alter(column)} SET DATA TYPE text${array(column)}`),
    `DROP ${type.kind === 'type' ? 'TYPE' : 'DOMAIN'} ${called}`,
    ...made(to, type),
    ...to.owned(type.key, 'setting').flatMap((one) => (at.get(one.key) ? made(to, one) : [])),
    ...plain.map((column) => {
      const type = `${called}${array(to.of('column', column.key) as Column)}`
      return `${alter(column)} SET DATA TYPE ${type} USING ${name(column.name)}::${type}`
    }),
    ...plain.flatMap((column) => {
      const text = to.of('column', column.key)?.default
      return text === undefined ? [] : [`${alter(column)} SET DEFAULT ${text}`]
    }),
  ]
}

export function renameStatement(state: State, rename: Rename): string[] {
  if ('type' in rename)
    return [`ALTER TYPE ${sqlOf(state, rename.type)} RENAME VALUE ${literal(rename.from)} TO ${literal(rename.to)}`]
  const thing = state.get(rename.from)
  if (thing === undefined) return []
  const path = pathOf(rename.to)
  const before = pathOf(thing.key)
  if (thing.kind === 'column' || thing.kind === 'constraint')
    return [
      `ALTER TABLE ${sqlOf(state, thing.on)} RENAME ${thing.kind.toUpperCase()} ${name(thing.name)} TO ${name(path.slice(before.length - thing.name.length))}`,
    ]
  if (thing.on !== undefined && (thing.kind === 'policy' || (thing.kind === 'object' && thing.word !== 'statistics')))
    return [
      `ALTER ${thing.kind === 'policy' ? 'POLICY' : thing.word.toUpperCase()} ${name(thing.name)} ON ${sqlOf(state, thing.on)} RENAME TO ${name(path.slice(before.length - thing.name.length))}`,
    ]
  if (thing.kind === 'schema' || (thing.kind === 'object' && thing.schema === undefined))
    return [
      `ALTER ${thing.kind === 'schema' ? 'SCHEMA' : (thing as { word: string }).word.toUpperCase()} ${name(thing.name)} RENAME TO ${name(path)}`,
    ]
  const args = thing.kind === 'object' && thing.word === 'function' ? thing.key.slice(thing.key.indexOf('(')) : ''
  const word = wordOf(thing)
  const bare = args === '' ? path : path.slice(0, path.indexOf('('))
  const [schema, called] = [bare.slice(0, bare.indexOf('.')), bare.slice(bare.indexOf('.') + 1)]
  const old = schemaName(thing)
  return [
    ...(thing.name === called ? [] : [`ALTER ${word} ${sqlOf(state, thing.key)}${args} RENAME TO ${name(called)}`]),
    ...(old === schema ? [] : [`ALTER ${word} ${name(old)}.${name(called)}${args} SET SCHEMA ${name(schema)}`]),
  ]
}

const schemaName = (thing: Thing) => ('schema' in thing && thing.schema) || 'public'

function wordOf(thing: Thing): string {
  if (thing.kind === 'view' && thing.materialized) return 'MATERIALIZED VIEW'
  if (thing.kind === 'object') return /^DROP (PROCEDURE)/.exec(thing.drop)?.[1] ?? thing.word.toUpperCase()
  return thing.kind.toUpperCase()
}

export { constraintMade }
