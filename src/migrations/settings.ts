import type { AlterTableCmd } from 'libpg-query'
import { name, relation } from '../util/quote.ts'
import { domainChange } from './domains.ts'
import { commandOf } from './effects.ts'
import type { Nodes } from './kinds.ts'
import { objectKey } from './objects.ts'
import type { Outcome } from './outcome.ts'
import { itemsOf, nodesOf, partsOf, strings, textOf } from './parse-tree.ts'
import { privileges, rolesOf } from './privileges.ts'
import { placeOfTable, relationOf } from './references.ts'
import { roleOptions } from './roles.ts'
import { partKey, relationKey, type State, type Thing } from './state.ts'
import type { Statement } from './statements.ts'
import { storageOptions } from './storage-options.ts'
import type { Told } from './told.ts'

/*
 * Statements that set one property of an object: a comment, an owner, a privilege, a storage parameter. The last one of a
 * kind holds; without any the property is what `reset` makes it.
 */

export function setting(state: State, statement: Statement): Outcome {
  const { node } = statement
  const several =
    'GrantStmt' in node
      ? privileges(state, node.GrantStmt, statement)
      : 'AlterRoleStmt' in node
        ? roleOptions(state, node.AlterRoleStmt)
        : 'AlterDomainStmt' in node
          ? domainChange(state, node.AlterDomainStmt, statement.text)
          : 'AlterTableStmt' in node
            ? optionsOfTable(state, node.AlterTableStmt)
            : undefined
  if (several !== undefined) {
    const outcomes = several.map((told) => set(state, told, statement))
    return outcomes.find(({ unknown }) => unknown) ?? {}
  }
  const told = tell(state, statement)
  return told === undefined ? { unknown: true } : set(state, told, statement)
}

function set(state: State, told: Told, statement: Statement): Outcome {
  const key = `setting ${told.facet} of ${told.on}`
  const was = state.get(key)
  if (told.gone) {
    // What a migration made has none of these from the beginning.
    if (was === undefined && state.get(told.on) && /^(comment|cluster|enabled)$/.test(told.facet)) return {}
    if (was === undefined) return { unknown: true, about: told.on }
    state.remove(key)
    return {}
  }
  const text = told.text ?? statement.text
  if (was?.kind === 'setting' && was.text === text) return {}
  state.put({
    kind: 'setting',
    key,
    name: told.facet,
    on: told.on,
    refs: told.refs ?? [],
    text,
    ...(told.reset === undefined ? {} : { reset: told.reset }),
  })
  return told.reset === undefined && told.text !== undefined ? { unknown: true, about: told.on } : {}
}

function tell(state: State, { node, text, words }: Statement): Told | undefined {
  if ('CommentStmt' in node) {
    const { objtype, object, comment } = node.CommentStmt
    const on = objectKey(state, objtype, object)
    if (on === undefined) return undefined
    const at = words.findLastIndex((word) => /^is$/i.test(word.text))
    // A view's columns are known by its text alone.
    const [column, view = '', schema = 'public'] = objtype === 'OBJECT_COLUMN' ? partsOf(object).reverse() : []
    const owner = relationKey('view', schema, view)
    const said = { reset: `${text.slice(0, words[at]?.end)} NULL`, gone: comment === undefined }
    return column !== undefined && state.get(owner)
      ? { on: owner, facet: `comment of ${column}`, ...said }
      : { on, facet: 'comment', ...said }
  }
  if ('GrantStmt' in node) return grant(state, node.GrantStmt, text)
  if ('GrantRoleStmt' in node) {
    const { is_grant, granted_roles, grantee_roles } = node.GrantRoleStmt
    const roles = nodesOf(granted_roles).map((one) => ('AccessPriv' in one ? one.AccessPriv.priv_name : ''))
    const members = rolesOf(grantee_roles)
    return {
      on: 'roles',
      facet: `membership of ${members} in ${roles.join(', ')}`,
      reset: `REVOKE ${roles.map(name).join(', ')} FROM ${members}`,
      gone: is_grant !== true,
    }
  }
  if ('AlterDefaultPrivilegesStmt' in node) {
    const isGrant = node.AlterDefaultPrivilegesStmt.action?.is_grant === true
    const facet = text
      .replace(/\s+/g, ' ')
      .replace(/ (grant|revoke) /i, ' ')
      .replace(/ (to|from) (?=\S+$)/i, ' ')
    const reset = text
      .replace(/\bgrant\b/i, 'REVOKE')
      .replace(/\bto\b(?!.*\bto\b)/is, 'FROM')
      .replace(/\s+with\s+grant\s+option$/i, '')
    return { on: 'privileges', facet, reset, gone: !isGrant }
  }
  if ('AlterOwnerStmt' in node) {
    const { objectType, object, relation } = node.AlterOwnerStmt
    const on = objectKey(state, objectType, object, relation)
    return on === undefined ? undefined : { on, facet: 'owner', reset: ownerReset(text) }
  }
  if ('AlterFunctionStmt' in node) {
    const on = objectKey(
      state,
      'OBJECT_FUNCTION',
      node.AlterFunctionStmt.func && { ObjectWithArgs: node.AlterFunctionStmt.func },
    )
    const made = state.of('object', on)
    if (on === undefined || made === undefined) return undefined
    // Making the function again sets all its options back, those that an earlier ALTER set too.
    const earlier = state.owned(on, 'setting').flatMap((one) => (one.name.startsWith('options') ? [one.text] : []))
    const reset = [made.text.replace(/^create\s+/i, 'CREATE OR REPLACE '), ...earlier].join('; ')
    return { on, facet: `options ${text}`, reset }
  }
  if ('AlterStatsStmt' in node) {
    const parts = strings(node.AlterStatsStmt.defnames)
    const [own, schema = 'public'] = [...parts].reverse()
    const reset = `ALTER STATISTICS ${parts.map(name).join('.')} SET STATISTICS -1`
    return { on: `statistic ${schema}.${own}`, facet: 'statistics', reset }
  }
  if ('AlterPublicationStmt' in node) {
    const { pubname, pubobjects, action } = node.AlterPublicationStmt
    const [only, ...others] = nodesOf(pubobjects).flatMap((one) =>
      'PublicationObjSpec' in one && one.PublicationObjSpec.pubtable?.relation ? [one.PublicationObjSpec.pubtable] : [],
    )
    if (only === undefined || others.length > 0 || !/^AP_(Add|Drop)Objects$/.test(textOf(action))) return undefined
    return {
      on: relationOf(state, only.relation),
      facet: `publication ${pubname}`,
      reset: `ALTER PUBLICATION ${name(pubname)} DROP TABLE ${relation(only.relation)}`,
      gone: action === 'AP_DropObjects',
    }
  }
  if ('AlterTableStmt' in node) return ofTable(state, node.AlterTableStmt, text)
  if ('AlterRoleSetStmt' in node) {
    const { role, database, setstmt } = node.AlterRoleSetStmt
    const on = `role ${role?.rolename ?? 'all'}`
    const at = database ? ` IN DATABASE ${name(database)}` : ''
    return {
      on,
      facet: `${setstmt?.name}${at}`,
      reset: `ALTER ROLE ${role?.rolename ? name(role.rolename) : 'ALL'}${at} RESET ${setstmt?.name}`,
      gone: setstmt?.kind === 'VAR_RESET',
    }
  }
  return undefined
}

const ownerReset = (text: string) => text.replace(/(\bowner\s+to\s+).*$/is, '$1CURRENT_USER')

function grant(state: State, node: Nodes['GrantStmt'], text: string): Told | undefined {
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

function headOf({ objtype, relation: table }: Nodes['AlterTableStmt']): string {
  const word = textOf(objtype).replace('OBJECT_', '').replace('MATVIEW', 'MATERIALIZED VIEW').replace('_', ' ')
  return `ALTER ${word} ${relation(table)}`
}

function optionsOfTable(state: State, node: Nodes['AlterTableStmt']): Told[] | undefined {
  const command = commandOf({ AlterTableStmt: node })
  return command && /^AT_(Set|Reset)RelOptions$/.test(textOf(command.subtype))
    ? storageOptions(state, relationOf(state, node.relation), headOf(node), command)
    : undefined
}

/** Of a composite type, what was added to it. */
function ofAttribute(
  node: Nodes['AlterTableStmt'],
  command: AlterTableCmd | undefined,
  head: string,
): Told | undefined {
  const [schema, own] = placeOfTable(node.relation)
  const on = relationKey('type', schema, own)
  if (command?.subtype === 'AT_DropColumn')
    return { on, facet: `attribute ${command.name}`, reset: undefined, gone: true }
  if (command?.subtype !== 'AT_AddColumn' || !(command.def && 'ColumnDef' in command.def)) return undefined
  const called = textOf(command.def.ColumnDef.colname)
  return { on, facet: `attribute ${called}`, reset: `${head} DROP ATTRIBUTE ${name(called)}` }
}

function ofTable(state: State, node: Nodes['AlterTableStmt'], text: string): Told | undefined {
  const command = commandOf({ AlterTableStmt: node })
  const table = relationOf(state, node.relation)
  const head = headOf(node)
  if (node.objtype === 'OBJECT_TYPE') return ofAttribute(node, command, head)
  const column = command?.name ? `${head} ALTER COLUMN ${name(command.name)}` : head
  const on = command?.name ? partKey('column', table, command.name) : table
  const options = () => itemsOf(command?.def).flatMap((one) => ('DefElem' in one ? [textOf(one.DefElem.defname)] : []))
  switch (command?.subtype) {
    case 'AT_SetStatistics':
      return { on, facet: 'statistics', reset: `${column} SET STATISTICS -1` }
    case 'AT_SetStorage':
      return { on, facet: 'storage', reset: undefined }
    case 'AT_SetCompression':
      return { on, facet: 'compression', reset: `${column} SET COMPRESSION default` }
    case 'AT_SetOptions':
      return { on, facet: `options ${options().join(', ')}`, reset: `${column} RESET (${options().join(', ')})` }
    case 'AT_ReplicaIdentity':
      return { on: table, facet: 'replica identity', reset: `${head} REPLICA IDENTITY DEFAULT` }
    case 'AT_ChangeOwner':
      return { on: table, facet: 'owner', reset: ownerReset(text) }
    case 'AT_ClusterOn':
      return { on: table, facet: 'cluster', reset: `${head} SET WITHOUT CLUSTER` }
    case 'AT_DropCluster':
      return { on: table, facet: 'cluster', reset: undefined, gone: true }
    case 'AT_SetLogged':
      return { on: table, facet: 'logged', reset: `${head} SET UNLOGGED` }
    case 'AT_SetUnLogged':
      return { on: table, facet: 'logged', reset: `${head} SET LOGGED` }
    case 'AT_EnableTrig':
    case 'AT_DisableTrig':
    case 'AT_EnableAlwaysTrig':
    case 'AT_EnableReplicaTrig':
      return {
        on: partKey('trigger', table, textOf(command.name)),
        facet: 'enabled',
        reset: `${head} ENABLE TRIGGER ${name(command.name)}`,
        gone: command.subtype === 'AT_EnableTrig',
      }
    case 'AT_EnableRule':
    case 'AT_DisableRule':
    case 'AT_EnableAlwaysRule':
    case 'AT_EnableReplicaRule':
      return {
        on: partKey('rule', table, textOf(command.name)),
        facet: 'enabled',
        reset: `${head} ENABLE RULE ${name(command.name)}`,
        gone: command.subtype === 'AT_EnableRule',
      }
    case 'AT_EnableTrigAll':
    case 'AT_EnableTrigUser':
    case 'AT_DisableTrigAll':
    case 'AT_DisableTrigUser': {
      const all = /All/.test(command.subtype) ? 'ALL' : 'USER'
      return {
        on: table,
        facet: `triggers ${all}`,
        reset: `${head} ENABLE TRIGGER ${all}`,
        gone: /Enable/.test(command.subtype),
      }
    }
    default:
      return undefined
  }
}
