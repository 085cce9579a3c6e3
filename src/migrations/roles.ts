import { name } from '../util/quote.ts'
import type { Nodes } from './nodes.ts'
import { nodesOf, textOf } from './parse-tree.ts'
import type { State } from './state.ts'
import { parseNow } from './statements.ts'
import type { Told } from './told.ts'

const words: Record<string, string> = {
  superuser: 'SUPERUSER',
  inherit: 'INHERIT',
  createrole: 'CREATEROLE',
  createdb: 'CREATEDB',
  canlogin: 'LOGIN',
  isreplication: 'REPLICATION',
  bypassrls: 'BYPASSRLS',
}

type Options = Nodes['AlterRoleStmt']['options']

const read = (options: Options): Map<string, boolean> =>
  new Map(
    nodesOf(options).flatMap((one) => {
      if (!('DefElem' in one)) return []
      const { defname, arg } = one.DefElem
      return [[textOf(defname), arg !== undefined && 'Boolean' in arg && arg.Boolean.boolval === true] as const]
    }),
  )

/** What ALTER ROLE … WITH sets; undefined where nobody knows what it was before: another's role, or a password. */
export function roleOptions(state: State, node: Nodes['AlterRoleStmt']): Told[] | undefined {
  const key = `role ${node.role?.rolename}`
  const role = state.of('object', key)
  const options = read(node.options)
  if (role === undefined || [...options.keys()].some((option) => words[option] === undefined)) return undefined
  const [made] = parseNow([role.text], 'role')
  const before = made && 'CreateRoleStmt' in made.node ? read(made.node.CreateRoleStmt.options) : new Map()
  const alter = (option: string, is: boolean) =>
    `ALTER ROLE ${name(node.role?.rolename)} ${is ? '' : 'NO'}${words[option]}`
  return [...options].map(([option, is]) => ({
    on: key,
    facet: words[option] as string,
    text: alter(option, is),
    reset: alter(option, before.get(option) ?? option === 'inherit'),
  }))
}
