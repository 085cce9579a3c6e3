import type { Node } from 'libpg-query'
import { partsOf } from '../parse-tree.ts'
import { placeOfTable, relationOf } from '../references.ts'
import { optionsOf, orAnew, sequenceOptions } from '../sequence-options.ts'
import { type Key, partKey, relationKey, type State } from '../state.ts'
import { ifNotExists } from './forms.ts'
import type { Rows } from './row.ts'

/* Sequences. */

export const sequences: Rows = {
  CreateSeqStmt: {
    guard: ifNotExists('sequence'),
    effect: (state, _statement, node) => {
      const [schema, called] = placeOfTable(node.sequence)
      const key = relationKey('sequence', schema, called)
      if (state.get(key)) return {}
      const given = optionsOf(node.options)
      const owner = ownedBy(state, given)
      state.put({
        kind: 'sequence',
        key,
        schema,
        name: called,
        options: sequenceOptions(given),
        refs: [],
        serial: false,
        ...(owner ? { on: owner } : {}),
      })
      return {}
    },
  },
  AlterSeqStmt: {
    guard: orAnew,
    effect: (state, _statement, node) => {
      const [schema, called] = placeOfTable(node.sequence)
      const sequence = state.of('sequence', relationKey('sequence', schema, called))
      if (sequence === undefined) return node.missing_ok ? {} : { unknown: true }
      const given = optionsOf(node.options)
      const owner = ownedBy(state, given)
      const next = { ...sequence, options: { ...sequence.options, ...sequenceOptions(given) } }
      if (owner) next.on = owner
      else if (given.some(({ defname }) => defname === 'owned_by')) delete next.on
      if (JSON.stringify(next) !== JSON.stringify(sequence)) state.put(next)
      return given.some(({ defname }) => defname === 'restart') ? { rows: true } : {}
    },
  },
}

function ownedBy(state: State, options: { defname?: string; arg?: Node }[]): Key | undefined {
  const parts = partsOf(options.find(({ defname }) => defname === 'owned_by')?.arg)
  if (parts.length < 2) return undefined
  const [column = '', table = '', schema = 'public'] = [...parts].reverse()
  return partKey('column', relationOf(state, { schemaname: schema, relname: table } as never), column)
}
