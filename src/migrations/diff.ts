import { name } from '../util/quote.ts'
import { columnChanges, isDomain, renameStatement, same, tableChanges, typeMadeAnew } from './changes.ts'
import { deferralOf } from './definitions.ts'
import { gone, made, sequenceChange, sqlOf } from './make.ts'
import { sameSql } from './references.ts'
import { applyRename, type Rename } from './rename-state.ts'
import type { Column, Key, State, Thing } from './state.ts'

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
  'foreign_data_wrapper',
  'server',
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
    // A view that is made anew has no columns to forget the comments of.
    .filter((thing) => !(thing.name.startsWith('comment of ') && isOtherView(at.get(thing.on), to.get(thing.on))))
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
    const [was, is] = [deferralOf(from.definition), deferralOf(thing.definition)]
    if (thing.type === 'f' && thing.valid === from.valid && sameSql(was.rest, is.rest) && !sameSql(was.when, is.when))
      return [`ALTER TABLE ${sqlOf(to, thing.on)} ALTER CONSTRAINT ${name(thing.name)} ${is.when}`]
    if (!same([thing.columns, thing.type], [from.columns, from.type]) || !sameSql(thing.definition, from.definition)) {
      // Found again where it only refers to what has another name.
    } else if (thing.valid === from.valid) return []
    // One whose column is made anew comes back in its last form.
    else if (thing.valid && thing.refs.every((ref) => !isMadeAnew(at, to, ref)))
      return [`ALTER TABLE ${sqlOf(to, thing.on)} VALIDATE CONSTRAINT ${name(thing.name)}`]
  }
  if ('text' in thing && 'text' in from && sameSql(thing.text, from.text)) return []
  if (thing.kind === 'setting')
    return from.kind === 'setting' && /^(constraint|parent) /.test(thing.name) && from.reset
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

const isOtherView = (from: Thing | undefined, to: Thing | undefined) =>
  from?.kind === 'view' && to?.kind === 'view' && !sameSql(from.text, to.text)

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

const squeezed = (text: string) => text.replace(/\s+/g, ' ').trim()
const resultOf = (text: string) =>
  squeezed(
    /\breturns\b(.*?)\b(?:language|as|stable|volatile|immutable|security|set|begin|strict|return)\b/is.exec(
      text,
    )?.[1] ?? '',
  ).toLowerCase()
