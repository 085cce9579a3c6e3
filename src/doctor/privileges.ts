import type { CatalogObject } from './catalog.ts'

/* Privileges as the catalog lists them: `authenticated=SELECT`, with `*` behind what may be passed on. */

type Privilege = { role: string; verb: string; passable: boolean }

function parse(entry: string): Privilege {
  const [, role = '', verb = '', star] = /^(.*)=([A-Z ]+)(\*)?$/.exec(entry) ?? []
  return { role, verb: verb.toLowerCase(), passable: star !== undefined }
}

/** What leads from the privileges that are to those that should be. */
export function privilegeStatements(
  object: CatalogObject,
  found: readonly string[],
  wanted: readonly string[],
  owner: string,
): string[] {
  const [surplus, missing] = [without(found, wanted), without(wanted, found)]
  const target = object.kind === 'column' ? `table ${object.on}` : `${object.kind} ${object.name}`
  const verbs = (privileges: Privilege[]) =>
    privileges.map(({ verb }) => (object.kind === 'column' ? `${verb} (${object.name})` : verb)).join(', ')
  const name = (role: string) => (role === 'owner' ? owner : role)
  return [
    ...byRole(surplus).map(([role, list]) => `revoke ${verbs(list)} on ${target} from ${name(role)} cascade;`),
    ...byRole(missing).map(([role, list]) => `grant ${verbs(list)} on ${target} to ${name(role)};`),
  ]
}

/** All privileges of the roles for which two lists differ, in words. */
export function privilegeWords(of: readonly string[], other: readonly string[]): string {
  const roles = new Set([...without(of, other), ...without(other, of)].map((entry) => parse(entry).role))
  const words = [...roles].sort().map((role) => {
    const list = of.map(parse).filter((privilege) => privilege.role === role)
    const verbs = list.map(({ verb, passable }) => (passable ? `${verb} with grant option` : verb))
    return `${role === 'owner' ? 'the owner' : role}: ${verbs.join(', ') || 'nothing'}`
  })
  return words.join('; ')
}

function without(some: readonly string[], others: readonly string[]): string[] {
  return some.filter((entry) => !others.includes(entry))
}

function byRole(entries: readonly string[]): [string, Privilege[]][] {
  const all = entries.map(parse)
  return [...new Set(all.map(({ role }) => role))].map((role) => [role, all.filter((one) => one.role === role)])
}
