import { dependents } from './dependents.ts'
import { isGuarded } from './do-blocks.ts'
import { objectKey } from './objects.ts'
import { commandOf, droppedNames, nodesOf, tableName, textOf } from './parse-tree.ts'
import type { Trace } from './replay.ts'
import { partKey, type State } from './state.ts'
import { isRename, type Statement } from './statements.ts'

/* Where a second run of a file finds names in another state than the first did, so that a statement runs once, by a mark. */

/** What a statement did, and the schema around it. */
export type Step = { before: State; trace: Trace; after: State }

/** Whether no catalog tells at a second run that this statement has run. */
export function isAmbiguous(statements: Statement[], steps: Step[], at: number, end: State): boolean {
  const [statement, step] = [statements[at] as Statement, steps[at] as Step]
  return (
    isRemade(steps, at, end) ||
    isCalledOtherwise(statements, steps, at) ||
    dropsWhatComes(statement, step.before, end) ||
    isDroppedForBlock(statements, at) ||
    isPassing(statement, step.after, end) ||
    ((isRename(statement) || 'DoStmt' in statement.node) &&
      [...step.trace.log.made].some((key) => end.get(key) === undefined))
  )
}

/**
 * Whether the statement takes away what a later one makes again under the same name as something else or as a part of
 * something: a second run would take that away, and nothing would make it again. Or what something rests on then that was not
 * there before: it would be in the way.
 */
function isRemade(steps: Step[], at: number, end: State): boolean {
  const traces = steps.map(({ trace }) => trace)
  return [...(traces[at]?.log.removed ?? [])].some((key) => {
    const [kind, path] = key.split(/ (.*)/)
    if (kind === 'type') return end.get(key) !== undefined
    // An identity column's sequence is called as the one that `serial` made.
    if (kind === 'sequence') return end.of('column', traces[at]?.lost.get(key)?.on)?.identity !== undefined
    if (!/^(constraint|index|table|view|sequence)$/.test(kind ?? '')) return false
    const name = traces[at]?.lost.get(key)?.name ?? ''
    const schema = path?.split('.')[0] ?? 'public'
    const last = end.get(key) ?? end.relation(schema, name)
    if (last === undefined) return false
    const maker = traces.findLast(({ log }) => log.made.has(last.key))
    // The statement that makes just this, as the same kind of thing, makes it again.
    return (
      maker !== undefined &&
      (last.key !== key ||
        [...maker.log.made].some((other) => !other.startsWith(`${kind} `)) ||
        (kind === 'view' && dependents(end, last).some((other) => steps[0]?.before.get(other.key) === undefined)))
    )
  })
}

/** Whether it makes what a later statement renames, and what no table takes along: a second run would make it once more. */
function isCalledOtherwise(statements: Statement[], steps: Step[], at: number): boolean {
  const { log, things } = (steps[at] as Step).trace
  const made = [...log.made].filter((key) => things.get(key)?.kind === 'object' && things.get(key)?.on === undefined)
  return statements.some(
    (other, i) => i > at && isRename(other) && made.some((key) => steps[i]?.trace.log.removed.has(key)),
  )
}

/** Whether it drops what a later block, which runs once, may make again: its text has the name. */
function isDroppedForBlock(statements: Statement[], at: number): boolean {
  const { node } = statements[at] as Statement
  const command = commandOf(node)
  const names =
    'DropStmt' in node ? droppedNames(node.DropStmt).map((parts) => textOf(parts.at(-1))) : [textOf(command?.name)]
  if (!('DropStmt' in node) && !/^AT_Drop(Constraint|Column)$/.test(textOf(command?.subtype))) return false
  return statements
    .slice(at + 1)
    .some((other) => 'DoStmt' in other.node && !isGuarded(other) && names.some((name) => other.text.includes(name)))
}

/** Whether it drops, where it is there, what only comes later in the file: a second run would find it. */
function dropsWhatComes({ node }: Statement, before: State, end: State): boolean {
  if (!('DropStmt' in node) || !/^OBJECT_(TYPE|TABLE|SEQUENCE|SCHEMA|DOMAIN)$/.test(textOf(node.DropStmt.removeType)))
    return false
  return nodesOf(node.DropStmt.objects).some((object) => {
    const key = objectKey(before, node.DropStmt.removeType, object)
    return before.get(key) === undefined && end.get(key) !== undefined
  })
}

/** Whether the type or default it gives a column is not the one that the column ends with: a second run would go through it again. */
function isPassing({ node }: Statement, after: State | undefined, end: State): boolean {
  const command = commandOf(node)
  if (!('AlterTableStmt' in node) || !/^AT_(AlterColumnType|ColumnDefault)$/.test(textOf(command?.subtype)))
    return false
  const key = partKey('column', `table ${tableName(node.AlterTableStmt.relation)}`, textOf(command?.name))
  const [then, last] = [after?.of('column', key), end.of('column', key)]
  if (then === undefined || last === undefined) return false
  const isSet = command?.subtype === 'AT_ColumnDefault' && command.def !== undefined
  return isSet ? then.default !== last.default : command?.subtype === 'AT_AlterColumnType' && then.type !== last.type
}
