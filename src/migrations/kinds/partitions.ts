import type { AlterTableCmd, RangeVar } from 'libpg-query'
import { literal, relation } from '../../util/quote.ts'
import { sqlOf } from '../make.ts'
import type { Outcome } from '../outcome.ts'
import { relationOf, sameSql } from '../references.ts'
import { set } from '../settings.ts'
import { type Key, pathOf, type Setting, type State, type Table } from '../state.ts'
import type { Statement } from '../statements.ts'
import type { Alteration, AlterationRows } from './alteration.ts'
import { unless } from './forms.ts'

/*
 * ATTACH and DETACH PARTITION, INHERIT and NO INHERIT: what a table is a part of. That its own statement says so is in the
 * table; what was said later is a property of it.
 */

const partitionOf = ({ def }: AlterTableCmd): RangeVar | undefined =>
  def && 'PartitionCmd' in def ? def.PartitionCmd.name : undefined
const parentOf = ({ def }: AlterTableCmd): RangeVar | undefined => (def && 'RangeVar' in def ? def.RangeVar : undefined)

const isPart = (child: RangeVar | undefined, parent: RangeVar | undefined) =>
  `exists (select from pg_inherits where inhrelid = to_regclass(${literal(relation(child))}) and inhparent = to_regclass(${literal(relation(parent))}))`

const attach = ({ text }: Statement, { table, command }: Alteration) =>
  unless(text, isPart(partitionOf(command), table))
const detach = ({ text }: Statement, { table, command }: Alteration) =>
  unless(text, `not ${isPart(partitionOf(command), table)}`)

export const partitions: AlterationRows = {
  AT_AttachPartition: {
    guard: attach,
    effect: (state, parent, command, statement) => {
      const child = relationOf(state, partitionOf(command))
      const back = `ALTER TABLE ${sqlOf(state, parent)} DETACH PARTITION ${sqlOf(state, child)}`
      return joined(state, child, parent, statement, hasIndexesOf(state, child, parent) ? back : undefined)
    },
  },
  AT_DetachPartition: {
    guard: detach,
    effect: (state, parent, command, statement) => {
      const child = relationOf(state, partitionOf(command))
      const bound = boundOf(state.of('table', child))
      const back = `ALTER TABLE ${sqlOf(state, parent)} ATTACH PARTITION ${sqlOf(state, child)} ${bound}`
      return parted(state, child, parent, statement, bound && back)
    },
  },
  AT_AddInherit: {
    guard: ({ text }, { table, command }) => unless(text, isPart(table, parentOf(command))),
    effect: (state, child, command, statement) => {
      const parent = relationOf(state, parentOf(command))
      const back = `ALTER TABLE ${sqlOf(state, child)} NO INHERIT ${sqlOf(state, parent)}`
      return joined(state, child, parent, statement, back)
    },
  },
  AT_DropInherit: {
    guard: ({ text }, { table, command }) => unless(text, `not ${isPart(table, parentOf(command))}`),
    effect: (state, child, command, statement) => {
      const parent = relationOf(state, parentOf(command))
      const back = `ALTER TABLE ${sqlOf(state, child)} INHERIT ${sqlOf(state, parent)}`
      return parted(state, child, parent, statement, back)
    },
  },
}

/** What was said of a table and a parent, which may be called otherwise since. */
const said = (state: State, child: Key, parent: Key) =>
  state.owned(child, 'setting').find((one) => one.name.startsWith('parent ') && one.refs.includes(parent))
const property = (child: Key, parent: Key, was: Setting | undefined) => ({
  on: child,
  facet: was?.name ?? `parent ${pathOf(parent)}`,
  refs: [parent],
})

function joined(state: State, child: Key, parent: Key, statement: Statement, back: string | undefined): Outcome {
  const table = state.of('table', child)
  if (table === undefined || state.get(parent) === undefined) return { unknown: true, about: child }
  if (table.refs.includes(parent)) return {}
  state.put({ ...table, refs: [...table.refs, parent] })
  const was = said(state, child, parent)
  const one = property(child, parent, was)
  if (was === undefined) return set(state, { ...one, reset: back }, statement)
  // It was taken from what its own statement made it a part of, and is given back: as it was, or otherwise.
  if (sameSql(was.reset, statement.text)) return set(state, { ...one, reset: undefined, gone: true }, statement)
  const reset = back && was.reset ? `${back}; ${was.reset}` : undefined
  return set(state, { ...one, text: `${was.text}; ${statement.text}`, reset }, statement)
}

function parted(state: State, child: Key, parent: Key, statement: Statement, back: string | undefined): Outcome {
  const table = state.of('table', child)
  const was = said(state, child, parent)
  if (table === undefined || !table.refs.includes(parent) || was?.text.includes('; '))
    return { unknown: true, about: child }
  state.put({ ...table, refs: table.refs.filter((ref) => ref !== parent) })
  const one = property(child, parent, was)
  return set(state, { ...one, reset: was ? undefined : back, gone: was !== undefined }, statement)
}

const list = String.raw`\((?:[^()']|'(?:[^']|'')*'|\((?:[^()']|'(?:[^']|'')*')*\))*\)`
const bound = new RegExp(
  String.raw`\bpartition\s+of\b[\s\S]*?\b(default|for\s+values\s+(?:in|with|from)\s*${list}(?:\s*to\s*${list})?)\s*(?:$|partition\b|using\b|with\b|tablespace\b)`,
  'i',
)

/** FOR VALUES … or DEFAULT of a table that was made as a partition. */
const boundOf = (table: Table | undefined): string | undefined => bound.exec(table?.whole ?? '')?.[1]

/** Whether a table has what its parent's indexes and keys want: PostgreSQL would make what is missing, and leave it there. */
function hasIndexesOf(state: State, child: Key, parent: Key): boolean {
  const table = state.of('table', child)
  const keys = state.owned(parent, 'constraint').filter(({ type }) => type !== 'c')
  const indexes = state.owned(parent, 'index')
  if (/\blike\b[\s\S]*\bincluding\s+(all|indexes)\b/i.test(table?.whole ?? ''))
    return keys.every(({ type }) => type !== 'f')
  return (
    keys.every((key) =>
      state.owned(child, 'constraint').some((one) => one.type === key.type && sameSql(one.definition, key.definition)),
    ) &&
    indexes.every((index) => state.owned(child, 'index').some((one) => sameSql(shape(one.text), shape(index.text))))
  )
}

/** What an index is, without its name and table. */
const shape = (text: string) => text.replace(/^([\s\S]*?\bindex\b)[\s\S]*?(?=\(|\busing\b)/i, '$1 ')
