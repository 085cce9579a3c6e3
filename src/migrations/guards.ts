import { block, literal, name } from '../util/quote.ts'
import { adoptions, type Remembered } from './adoption.ts'
import { interplay, namesOf } from './interplay.ts'
import { kindOf } from './kinds/index.ts'
import type { Surroundings } from './kinds/row.ts'
import { commandOf, strings, tableName, textOf, typeKey } from './parse-tree.ts'
import { isThere } from './presence.ts'
import { isVouched } from './refusals.ts'
import { type Trace, trace } from './replay.ts'
import { isAmbiguous } from './second-run.ts'
import { partKey, State } from './state.ts'
import { isRename, refuse, type Statement } from './statements.ts'

/* The forms of a file's statements that can run twice: each by the row of its kind in `kinds/`, in the light of the others. */

/** The forms of a file's statements that can run twice, each ending in `;`. */
export function guardAll(
  statements: Statement[],
  once: (text: string, at: number) => string,
  from: State = new State(),
  { made, whereMade }: Remembered = {},
): string[] {
  const end = from.copy()
  let before = from
  const steps = statements.map((statement) => {
    const step = { before, trace: trace(end, statement), after: end.copy() }
    before = step.after
    return step
  })
  const labels = new Map(
    statements.flatMap(({ node }) =>
      'CreateEnumStmt' in node
        ? [[typeKey(node.CreateEnumStmt.typeName), strings(node.CreateEnumStmt.vals)] as const]
        : [],
    ),
  )
  const names = statements.map(namesOf)
  return statements.map((statement, at) => {
    if (isVouched(statement))
      return `-- Runs as it is: its author vouches for it in ${statement.origin.replace(/^.*\//, '')}.\n${statement.comments}\n${statement.text};`
    const play = interplay(statements, names, at)
    const ambiguous = play.ambiguous || isAmbiguous(statements, steps, at, end)
    const text = ambiguous
      ? once(statement.text, at)
      : guardOne(statement, {
          changedLater: play.changedLater,
          later: statements.slice(at + 1),
          labels,
          before: steps[at]?.before ?? from,
          after: steps[at]?.after ?? end,
          end,
          made: steps[at]?.trace.things.values().next().value,
          once: (text) => once(text, at),
        })
    const terminated = /(;|^--.*)$/.test(text) ? text : `${text};`
    const { trace, after } = steps[at] as (typeof steps)[number]
    const goneLater = [...new Set([...play.goneLater, ...goneOf(statement, trace, after, end)])]
    const guarded = goneLater.length > 0 && !ambiguous ? whileThere(terminated, goneLater, after) : terminated
    const checks = made && !ambiguous ? adoptions(statement, trace, after, made) : []
    const [removed] = trace.log.removed
    const kept = removed === undefined || isRename(statement) ? guarded : (whereMade?.(removed, guarded) ?? guarded)
    return [...(statement.comments ? [statement.comments] : []), ...checks, kept].join('\n')
  })
}

function guardOne(statement: Statement, around: Surroundings): string {
  const { row, node } = kindOf(statement)
  const reason = row.impossible?.(node)
  if (reason !== undefined)
    throw refuse(
      statement,
      statement.words
        .slice(0, 2)
        .map(({ text }) => text.toUpperCase())
        .join(' '),
      reason,
    )
  // What has no end that a catalog tells runs once.
  return row.guard?.(statement, node, around) ?? around.once(statement.text)
}

/** What a statement makes something of, or changes, and what a later one takes away or calls otherwise. */
function goneOf({ node }: Statement, { log, things }: Trace, after: State, end: State): string[] {
  const made = [...log.made].flatMap((key) => things.get(key) ?? [])
  if (made.some(({ kind }) => kind === 'table' || kind === 'column')) return []
  const isKnownAnew = log.made.size > 0 && ('RenameStmt' in node || 'AlterObjectSchemaStmt' in node)
  const changes = 'DropStmt' in node || isKnownAnew ? [] : [...log.changed]
  const changed = changes.flatMap((key) => {
    const thing = after.get(key)
    return thing === undefined || thing.kind === 'table' || thing.kind === 'column' ? [] : [thing]
  })
  const about = [...made, ...changed.filter(({ kind }) => kind === 'setting')].flatMap(({ on, refs }) => [
    ...(on === undefined ? [] : [on]),
    ...refs,
  ])
  // What is as the statement would make it is not changed, and goes all the same.
  const command = commandOf(node)
  const [, part] = /(Constraint|Trig|Rule)$/.exec(textOf(command?.subtype)) ?? []
  if (part && command?.name && 'AlterTableStmt' in node)
    about.push(
      partKey(
        { Constraint: 'constraint', Trig: 'trigger', Rule: 'rule' }[part] ?? '',
        `table ${tableName(node.AlterTableStmt.relation)}`,
        command.name,
      ),
    )
  return [...about, ...changed.flatMap(({ kind, key }) => (kind === 'setting' ? [] : [key]))].filter(
    (key) => after.get(key) !== undefined && end.get(key) === undefined,
  )
}

/** A statement whose object a later one takes away: on a second run there is nothing left to do it to. */
function whileThere(text: string, objects: string[], state: State): string {
  const conditions = objects.flatMap((object) => {
    const thing = state.get(object)
    if (thing !== undefined) return isThere(state, thing) ?? []
    const [kind, path = ''] = object.split(/ (.*)/)
    if (kind === 'role') return `exists (select from pg_roles where rolname = ${literal(path)})`
    const [schema, table, ...column] = path.split('.')
    const regclass = `to_regclass(${literal(`${name(schema)}.${name(table)}`)})`
    return kind === 'table'
      ? `${regclass} is not null`
      : `exists (select from pg_attribute where attrelid = ${regclass} and attname = ${literal(column.join('.'))} and not attisdropped)`
  })
  if (conditions.length === 0) return text
  return block(`  if ${conditions.join(' and ')} then\n    ${text}\n  end if;`)
}
