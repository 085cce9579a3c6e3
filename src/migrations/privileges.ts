import type { Node } from 'libpg-query'
import { name, relation } from '../util/quote.ts'
import type { Nodes } from './nodes.ts'
import { objectKey } from './objects.ts'
import { nodesOf, strings, textOf } from './parse-tree.ts'
import { relationOf } from './references.ts'
import { type Key, partKey, type State, type Thing } from './state.ts'
import type { Statement } from './statements.ts'
import type { Told } from './told.ts'

/*
 * GRANT and REVOKE on objects by their names: each privilege of each role on each object is a property of its own, so that
 * taking one of several away is known to leave the others.
 */

const words: Record<string, string> = {
  OBJECT_TABLE: '',
  OBJECT_SEQUENCE: 'SEQUENCE ',
  OBJECT_SCHEMA: 'SCHEMA ',
  OBJECT_FUNCTION: 'FUNCTION ',
  OBJECT_PROCEDURE: 'PROCEDURE ',
  OBJECT_TYPE: 'TYPE ',
}

/** What it says of each privilege, or as a whole where it names whole schemas or what has no row here. */
export const privileges = (state: State, node: Nodes['GrantStmt'], statement: Statement): Told | Told[] | undefined =>
  each(state, node, statement) ?? asAWhole(state, node, statement.text)

function each(state: State, node: Nodes['GrantStmt'], { text, words: all }: Statement): Told[] | undefined {
  const word = words[textOf(node.objtype)]
  if (word === undefined || node.targtype !== 'ACL_TARGET_OBJECT' || node.grant_option) return undefined
  const objects = nodesOf(node.objects)
  const found = objects.map((one) => {
    const key = 'RangeVar' in one ? relationOf(state, one.RangeVar) : objectKey(state, node.objtype, one)
    const sql = 'RangeVar' in one ? relation(one.RangeVar) : sqlIn(one)
    return key === undefined || sql === undefined ? undefined : { key, sql: `${word}${sql}` }
  })
  if (found.includes(undefined)) return undefined
  const rights = nodesOf(node.privileges).flatMap((one) => {
    if (!('AccessPriv' in one)) return []
    const columns = strings(one.AccessPriv.cols)
    const right = textOf(one.AccessPriv.priv_name).toUpperCase()
    return columns.length === 0 ? [right] : columns.map((column) => `${right} (${name(column)})`)
  })
  const revoke = (right: string, object: string, role: string) => `REVOKE ${right} ON ${object} FROM ${role}`
  const grant = (right: string, object: string, role: string) => `GRANT ${right} ON ${object} TO ${role}`
  return nodesOf(node.grantees).flatMap((grantee) =>
    found.flatMap((object) => {
      const role = rolesOf([grantee])
      const { key, sql } = object as { key: Key; sql: string }
      const facet = (right: string) => `privilege ${right} for ${role}`
      const isSet = (one: string) => state.get(`setting ${one} of ${key}`) !== undefined
      const held = state
        .owned(key, 'setting')
        .flatMap(({ name }) => (name.startsWith('privilege ') && name.endsWith(` for ${role}`) ? [name] : []))
      return (rights.length === 0 ? ['ALL'] : rights).flatMap((right): Told[] => {
        if (node.is_grant) {
          const taken = `privilege -${right} for ${role}`
          if (isSet(taken)) return [{ on: key, facet: taken, reset: undefined, gone: true }]
          if (right !== 'ALL' && isSet(facet('ALL'))) return []
          const isShared = state
            .all('setting')
            .some(({ name }) => name.startsWith('all ') && name.endsWith(`to ${role}`))
          const others = held.map((one) => state.of('setting', `setting ${one} of ${key}`)?.text ?? '')
          const option = text.match(/\s+with\s+grant\s+option\s*$/i)?.[0] ?? ''
          const reset = [revoke(right, sql, role), ...(right === 'ALL' ? others : [])].join('; ')
          return [
            {
              on: key,
              refs: columnsOf(right, key),
              facet: facet(right),
              text: grant(right, sql, role) + option,
              reset: isShared ? undefined : reset,
            },
          ]
        }
        const isHeld = held.some((one) => !one.startsWith('privilege -'))
        const going = right === 'ALL' ? held.filter(() => isHeld) : held.filter((one) => isOf(one, right, role))
        if (going.length > 0) return going.map((one): Told => ({ on: key, facet: one, reset: undefined, gone: true }))
        const byDefault = role === 'PUBLIC' ? toEverybody[textOf(node.objtype)] : undefined
        const isOurs = state.get(key) !== undefined
        if (isOurs && role === 'PUBLIC' && byDefault === undefined) return []
        const had =
          isOurs && byDefault !== undefined && (right === 'ALL' || right === byDefault)
            ? byDefault
            : isSet(facet('ALL'))
              ? right
              : undefined
        return [
          {
            on: key,
            facet: `privilege -${had ?? right} for ${role}`,
            text: revoke(right, sql, role),
            reset: had === undefined ? undefined : grant(had, sql, role),
          },
        ]
      })
    }),
  )

  /** An object that is no relation, as the statement has it; only one alone can be cut out. */
  function sqlIn(one: Node): string | undefined {
    if ('String' in one) return name(one.String.sval)
    if (objects.length > 1) return undefined
    const from = all.findIndex((word) => /^on$/i.test(word.text))
    const to = all.findLastIndex((word, i) => i > from && /^(to|from)$/i.test(word.text))
    return text
      .slice(all[from]?.end, all[to]?.start)
      .trim()
      .replace(/^(schema|function|procedure|type)\s+/i, '')
  }
}

/** The column of `SELECT ("a")`. */
const columnsOf = (right: string, on: Key): Key[] => {
  const column = /\("((?:[^"]|"")+)"\)$/.exec(right)?.[1]
  return column === undefined ? [] : [partKey('column', on, column.replaceAll('""', '"'))]
}

/** Of a column, too, what is taken away from the whole table. */
const isOf = (facet: string, right: string, role: string) =>
  facet === `privilege ${right} for ${role}` || facet.startsWith(`privilege ${right} (`)

/** What everybody may from the beginning. */
const toEverybody: Record<string, string> = {
  OBJECT_FUNCTION: 'EXECUTE',
  OBJECT_PROCEDURE: 'EXECUTE',
  OBJECT_TYPE: 'USAGE',
}

export function rolesOf(nodes: Node[] | undefined): string {
  return nodesOf(nodes)
    .map((one) => {
      if (!('RoleSpec' in one)) return ''
      const { roletype, rolename } = one.RoleSpec
      if (roletype === 'ROLESPEC_PUBLIC') return 'PUBLIC'
      if (roletype === 'ROLESPEC_CSTRING') return name(rolename)
      return textOf(roletype).replace('ROLESPEC_', '')
    })
    .join(', ')
}

function asAWhole(state: State, node: Nodes['GrantStmt'], text: string): Told | undefined {
  const grantees = rolesOf(node.grantees)
  const rights = nodesOf(node.privileges)
    .map((one) =>
      'AccessPriv' in one ? `${textOf(one.AccessPriv.priv_name)} ${strings(one.AccessPriv.cols).join(' ')}`.trim() : '',
    )
    .sort()
    .join(', ')
  const objects = nodesOf(node.objects).map((one) =>
    'RangeVar' in one ? relationOf(state, one.RangeVar) : objectKey(state, node.objtype, one),
  )
  if (objects.some((one) => one === undefined)) return undefined
  const whole = node.targtype !== 'ACL_TARGET_OBJECT'
  const on = whole
    ? `schema ${objects.map((one) => textOf(one).split(' ')[1]).join(', ')}`
    : objects.length === 1
      ? textOf(objects[0])
      : `objects ${objects.join(', ')}`
  const facet = `${whole ? `all ${node.objtype} ` : ''}grant ${rights || 'all'} to ${grantees}`
  const reset = text
    .replace(/^grant\b/i, 'REVOKE')
    .replace(/\bto\b(?!.*\bto\b)/is, 'FROM')
    .replace(/\s+with\s+grant\s+option$/i, '')
  // Taking privileges on everything away could take earlier, single ones along.
  const overlaps = state
    .all('setting')
    .some(
      (other) =>
        other.key !== `setting ${facet} of ${on}` &&
        ((/grant /.test(other.name) && other.name.endsWith(`to ${grantees}`) && (whole || other.on === on)) ||
          (other.name.startsWith('privilege ') &&
            other.name.endsWith(` for ${grantees}`) &&
            (whole ? isAmong(other, node.objtype, rights) : other.on === on))),
    )
  return { on, facet, reset: overlaps ? undefined : reset, gone: node.is_grant !== true }
}

/** Whether a single privilege is one of those that are given on everything of a kind. */
function isAmong({ on, name }: Thing, kind: string | undefined, rights: string): boolean {
  const among = { OBJECT_TABLE: /^(table|view) /, OBJECT_SEQUENCE: /^sequence /, OBJECT_FUNCTION: /^function / }
  const isOfKind = among[textOf(kind) as keyof typeof among]?.test(textOf(on)) ?? true
  const right = textOf(/^privilege -?(\w+)/.exec(name)?.[1]).toLowerCase()
  return isOfKind && (rights === '' || right === 'all' || rights.split(', ').some((one) => one.split(' ')[0] === right))
}
