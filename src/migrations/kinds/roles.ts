import { literal, name } from '../../util/quote.ts'
import { objectKey } from '../objects.ts'
import { nodesOf, textOf } from '../parse-tree.ts'
import { privileges, rolesOf } from '../privileges.ts'
import { each } from '../references.ts'
import { roleOptions } from '../roles.ts'
import { ownerReset, setting } from '../settings.ts'
import { insertAfter } from '../statements.ts'
import { anEnd, asIs, unless } from './forms.ts'
import { known } from './known.ts'
import type { Names, Rows } from './row.ts'

/* Roles, what they may, and what they own. */

export const roles: Rows = {
  CreateRoleStmt: {
    guard: ({ text }, node) => unless(text, `exists (select from pg_roles where rolname = ${literal(node.role)})`),
    effect: known(({ role }) => ({ word: 'role', name: textOf(role) })),
  },
  AlterRoleStmt: { guard: asIs, effect: setting(roleOptions) },
  AlterRoleSetStmt: {
    guard: asIs,
    effect: setting((_state, node) => {
      const { role, database, setstmt } = node
      const on = `role ${role?.rolename ?? 'all'}`
      const at = database ? ` IN DATABASE ${name(database)}` : ''
      return {
        on,
        facet: `${setstmt?.name}${at}`,
        reset: `ALTER ROLE ${role?.rolename ? name(role.rolename) : 'ALL'}${at} RESET ${setstmt?.name}`,
        gone: setstmt?.kind === 'VAR_RESET',
      }
    }),
  },
  DropRoleStmt: {
    guard: (statement) => insertAfter(statement, textOf(statement.words[1]?.text.toLowerCase()), 'IF EXISTS'),
    effect: (state, _statement, node) => {
      for (const role of nodesOf(node.roles)) if ('RoleSpec' in role) state.remove(`role ${role.RoleSpec.rolename}`)
      return {}
    },
    names: (node) => ({ removes: rolesNamed(node) }),
  },
  GrantStmt: { guard: asIs, effect: setting(privileges), names: (node) => ({ needs: rolesNamed(node) }) },
  GrantRoleStmt: {
    guard: asIs,
    effect: setting((_state, node) => {
      const { is_grant, granted_roles, grantee_roles } = node
      const roles = nodesOf(granted_roles).map((one) => ('AccessPriv' in one ? one.AccessPriv.priv_name : ''))
      const members = rolesOf(grantee_roles)
      return {
        on: 'roles',
        facet: `membership of ${members} in ${roles.join(', ')}`,
        reset: `REVOKE ${roles.map(name).join(', ')} FROM ${members}`,
        gone: is_grant !== true,
      }
    }),
    names: (node) => ({ needs: rolesNamed(node) }),
  },
  AlterDefaultPrivilegesStmt: {
    guard: asIs,
    effect: setting((_state, node, { text }) => {
      const isGrant = node.action?.is_grant === true
      const facet = text
        .replace(/\s+/g, ' ')
        .replace(/ (grant|revoke) /i, ' ')
        .replace(/ (to|from) (?=\S+$)/i, ' ')
      const reset = text
        .replace(/\bgrant\b/i, 'REVOKE')
        .replace(/\bto\b(?!.*\bto\b)/is, 'FROM')
        .replace(/\s+with\s+grant\s+option$/i, '')
      return { on: 'privileges', facet, reset, gone: !isGrant }
    }),
    names: (node) => ({ needs: rolesNamed(node) }),
  },
  AlterOwnerStmt: {
    guard: asIs,
    effect: setting((state, node, { text }) => {
      const { objectType, object, relation } = node
      const on = objectKey(state, objectType, object, relation)
      return on === undefined ? undefined : { on, facet: 'owner', reset: ownerReset(text) }
    }),
  },
  ReassignOwnedStmt: anEnd,
  DropOwnedStmt: anEnd,
}

const rolesNamed = (node: object): Names['needs'] =>
  [...each(node, 'RoleSpec')].flatMap(({ rolename }) => (rolename ? [`role ${rolename}`] : []))
