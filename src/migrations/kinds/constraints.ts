import type { AlterTableCmd, Constraint } from 'libpg-query'
import { block, literal, name, relation } from '../../util/quote.ts'
import { deferralOf, readConstraint } from '../definitions.ts'
import { removeDependents } from '../dependents.ts'
import { dropOfNothing, type Outcome } from '../outcome.ts'
import { commandOf, textOf } from '../parse-tree.ts'
import { type Key, partKey, relationKey, type State } from '../state.ts'
import { parseNow, type Statement } from '../statements.ts'
import { putConstraint } from '../table-state.ts'
import { type Alteration, type AlterationRows, without, wordAt } from './alteration.ts'
import { asIs } from './forms.ts'
import type { Surroundings } from './row.ts'

/* The commands of ALTER TABLE that work on a constraint. */

export const constraints: AlterationRows = {
  AT_AddConstraint: {
    guard: addConstraint,
    effect: (state, table, command, statement) => {
      const node = (command.def as { Constraint: Constraint }).Constraint
      if (node.conname && state.get(partKey('constraint', table, node.conname))) return {}
      if (node.indexname) return ofIndex(state, table, node, statement)
      putConstraint(state, table, readConstraint(statement, node))
      return {}
    },
  },
  AT_AddIndexConstraint: { guard: addConstraint },
  AT_DropConstraint: {
    guard: without('constraint'),
    effect: (state, table, { name: called, missing_ok, behavior }) => {
      const key = partKey('constraint', table, textOf(called))
      if (state.get(key) === undefined)
        return dropOfNothing(state, key, missing_ok, textOf(called), state.get(table)?.name ?? '')
      if (behavior === 'DROP_CASCADE') removeDependents(state, key)
      state.remove(key)
      return {}
    },
  },
  AT_AlterConstraint: {
    guard: asIs,
    effect: (state, table, { def }) => {
      const said = def && 'ATAlterConstraint' in def ? def.ATAlterConstraint : undefined
      const constraint = state.of('constraint', partKey('constraint', table, textOf(said?.conname)))
      if (constraint === undefined || !said?.alterDeferrability) return { unknown: true }
      const when = said.deferrable ? ` DEFERRABLE${said.initdeferred ? ' INITIALLY DEFERRED' : ''}` : ''
      const definition = deferralOf(constraint.definition).rest + when
      if (definition !== constraint.definition) state.put({ ...constraint, definition })
      return {}
    },
  },
  AT_ValidateConstraint: {
    guard: asIs,
    effect: (state, table, { name: called }) => {
      const constraint = state.of('constraint', partKey('constraint', table, textOf(called)))
      if (constraint && !constraint.valid) state.put({ ...constraint, valid: true })
      return {}
    },
  },
}

function addConstraint(statement: Statement, { table, command }: Alteration, around: Surroundings): string {
  const constraint = (command.def as { Constraint?: Constraint } | undefined)?.Constraint
  const primary = constraint?.contype === 'CONSTR_PRIMARY'
  if (constraint === undefined || (!constraint.conname && !primary)) {
    const end = statement.words[wordAt(statement, 'add')]?.end ?? 0
    const named = `${statement.text.slice(0, end)} CONSTRAINT ${name(around.made?.name)}${statement.text.slice(end)}`
    const [again] = parseNow([named], statement.origin) as [Statement]
    return addConstraint(again, { table, command: commandOf(again.node) as AlterTableCmd }, around)
  }
  // A table has one primary key at most, whatever its name.
  const same = primary ? `contype = 'p'` : `conname = ${literal(constraint.conname)}`
  return block(`\
  if not exists (select from pg_constraint where ${same} and conrelid = to_regclass(${literal(relation(table))})) then
    ${statement.text};
  end if;`)
}

/** A constraint that takes an index over. */
function ofIndex(state: State, table: Key, node: Constraint, statement: Statement): Outcome {
  const schema = state.of('table', table)?.schema ?? state.home
  const index = state.of('index', relationKey('index', schema, textOf(node.indexname)))
  if (index === undefined) return { unknown: true }
  const word = node.contype === 'CONSTR_PRIMARY' ? 'PRIMARY KEY' : 'UNIQUE'
  const tail = /using\s+index\s+(?:"(?:[^"]|"")+"|[^\s"]+)(.*)$/is.exec(statement.text)?.[1] ?? ''
  state.remove(index.key)
  const definition = `${word} (${index.columns.map(name).join(', ')})${tail}`
  putConstraint(state, table, {
    node: { ...node, conname: node.conname || textOf(node.indexname) },
    definition,
    columns: index.columns,
  })
  return {}
}
