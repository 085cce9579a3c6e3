import { literal, relation } from '../../util/quote.ts'
import { domainChange } from '../domains.ts'
import { qualified, strings, textOf } from '../parse-tree.ts'
import { placeOfTable, typeKeyOf } from '../references.ts'
import { renameLabel } from '../rename-state.ts'
import { renameBlock } from '../renaming.ts'
import { setting } from '../settings.ts'
import { insertAfter } from '../statements.ts'
import { unlessType } from './forms.ts'
import { known, typeKnown } from './known.ts'
import type { Rows } from './row.ts'

/* Enums, domains, composite and range types. */

export const types: Rows = {
  CreateEnumStmt: {
    guard: ({ text }, node) => unlessType(text, qualified(node.typeName)),
    effect: (state, _statement, node) => {
      const key = typeKeyOf({ names: node.typeName } as never)
      if (state.get(key)) return {}
      state.put({
        kind: 'type',
        key,
        schema: key.slice(5).split('.')[0] as string,
        name: textOf(strings(node.typeName).at(-1)),
        labels: strings(node.vals),
        refs: [],
      })
      return {}
    },
  },
  AlterEnumStmt: {
    guard: (statement, node) => {
      if (node.oldVal === undefined) return insertAfter(statement, 'value', 'IF NOT EXISTS')
      const label = (value: string | undefined) =>
        `exists (select from pg_enum where enumtypid = to_regtype(${literal(qualified(node.typeName))}) and enumlabel = ${literal(value)})`
      return renameBlock(statement.text, label(node.oldVal), label(node.newVal), {
        what: `label of type ${qualified(node.typeName)}`,
        from: node.oldVal,
        to: textOf(node.newVal),
      })
    },
    effect: (state, _statement, node) => {
      const type = state.of('type', typeKeyOf({ names: node.typeName } as never))
      if (type === undefined) return { unknown: true }
      const labels = [...type.labels]
      if (node.oldVal !== undefined) {
        renameLabel(state, { type: type.key, from: node.oldVal, to: textOf(node.newVal) })
        return {}
      }
      if (!labels.includes(textOf(node.newVal))) {
        const at =
          node.newValNeighbor === undefined
            ? labels.length
            : labels.indexOf(node.newValNeighbor) + (node.newValIsAfter ? 1 : 0)
        labels.splice(at, 0, textOf(node.newVal))
      } else return {}
      state.put({ ...type, labels })
      return {}
    },
  },
  CreateDomainStmt: {
    guard: ({ text }, node) => unlessType(text, qualified(node.domainname)),
    effect: known((node, state) =>
      typeKnown(state, strings(node.domainname), 'domain', [node.typeName, node.constraints]),
    ),
  },
  AlterDomainStmt: { effect: setting((state, node, { text }) => domainChange(state, node, text)) },
  CompositeTypeStmt: {
    guard: ({ text }, node) => unlessType(text, relation(node.typevar)),
    effect: known((node, state) => typeKnown(state, placeOfTable(node.typevar), 'type', node.coldeflist)),
  },
  CreateRangeStmt: {
    guard: ({ text }, node) => unlessType(text, qualified(node.typeName)),
    effect: known((node, state) => typeKnown(state, strings(node.typeName), 'type', node.params)),
  },
}
