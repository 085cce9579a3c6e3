import { name } from '../util/quote.ts'
import type { Nodes } from './nodes.ts'
import { partsOf, strings, textOf } from './parse-tree.ts'
import { relationKey, type State } from './state.ts'
import type { Told } from './told.ts'

/* ALTER DOMAIN: its default, NOT NULL and each constraint are properties; what its CREATE says stays in its own text. */

export function domainChange(state: State, node: Nodes['AlterDomainStmt'], text: string): Told[] | undefined {
  const parts = strings(node.typeName)
  const [own = '', schema = 'public'] = [...parts].reverse()
  const on = relationKey('type', schema, own)
  const domain = state.of('object', on)
  if (domain === undefined) return undefined
  const head = `ALTER DOMAIN ${parts.map(name).join('.')}`
  const property = (facet: string, reset: string): Told[] => [{ on, facet, text, reset }]
  const without = (facet: string): Told[] | undefined =>
    state.get(`setting ${facet} of ${on}`) === undefined ? undefined : [{ on, facet, reset: undefined, gone: true }]
  // What its constraints ask stands in parentheses.
  const said = domain.text.replace(/'(?:[^']|'')*'/g, "''").replace(/\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)/g, '()')
  const isRequired = /\bnot\s+null\b/i.test(said)
  switch (node.subtype) {
    case 'T':
      // The default that its CREATE gave is nowhere by itself.
      if (/\bdefault\b/i.test(said)) return undefined
      return node.def === undefined ? (without('default') ?? []) : property('default', `${head} DROP DEFAULT`)
    case 'O':
      return isRequired ? (without('not null') ?? []) : property('not null', `${head} DROP NOT NULL`)
    case 'N':
      return isRequired ? property('not null', `${head} SET NOT NULL`) : (without('not null') ?? [])
    case 'C': {
      const called = node.def && 'Constraint' in node.def ? node.def.Constraint.conname : undefined
      return called === undefined
        ? undefined
        : property(`constraint ${called}`, `${head} DROP CONSTRAINT ${name(called)}`)
    }
    case 'X':
      return without(`constraint ${textOf(node.name)}`)
    case 'V': {
      const facet = `constraint ${node.name}`
      const added = state.of('setting', `setting ${facet} of ${on}`)
      if (added?.reset === undefined) return []
      return [{ on, facet, text: added.text.replace(/\s+not\s+valid\s*$/i, ''), reset: added.reset }]
    }
    default:
      return undefined
  }
}

/** RENAME CONSTRAINT of a domain: one that was added is added by its new name, one of its CREATE is renamed. */
export function domainConstraintRenamed(state: State, node: Nodes['RenameStmt']): Told[] | undefined {
  const parts = partsOf(node.object)
  const [own = '', schema = 'public'] = [...parts].reverse()
  const on = relationKey('type', schema, own)
  if (state.of('object', on) === undefined) return undefined
  const [from, to] = [textOf(node.subname), textOf(node.newname)]
  const head = `ALTER DOMAIN ${parts.map(name).join('.')}`
  const added = state.of('setting', `setting constraint ${from} of ${on}`)
  if (added === undefined) {
    const facet = `renamed ${state.owned(on, 'setting').length}`
    return [{ on, facet, reset: `${head} RENAME CONSTRAINT ${name(to)} TO ${name(from)}` }]
  }
  const text = added.text.replace(/(\badd\s+constraint\s+)("(?:[^"]|"")+"|[\w$]+)/i, (_, add) => add + name(to))
  return [
    { on, facet: `constraint ${from}`, reset: undefined, gone: true },
    { on, facet: `constraint ${to}`, text, reset: `${head} DROP CONSTRAINT ${name(to)}` },
  ]
}
