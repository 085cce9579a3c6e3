import type { Node, RangeVar } from 'libpg-query'
import { name, relation } from '../../util/quote.ts'
import { objectKey, signatureOf } from '../objects.ts'
import { itemsOf, qualified, strings, tableName, textOf } from '../parse-tree.ts'
import { each, functionsCalled, referencesOf, relationOf, typeKeyOf } from '../references.ts'
import { setting } from '../settings.ts'
import { type Key, partKey, type State } from '../state.ts'
import { insertAfter } from '../statements.ts'
import { asIs, orReplace, unlessType } from './forms.ts'
import { forgetOptions, known } from './known.ts'
import type { Rows } from './row.ts'

/* Functions, aggregates, triggers and rules. */

export const routines: Rows = {
  CreateFunctionStmt: {
    guard: orReplace,
    effect: known((node, state) => {
      const { schema, name: called, args } = signatureOf(strings(node.funcname), node.parameters)
      const key = `function ${schema}.${called}(${args})`
      // Each table and view is a type too.
      const types = [...each(node.parameters, 'argType'), ...each(node, 'returnType')].flatMap((type) => {
        const key = typeKeyOf(type as never)
        return [key, key.replace('type', 'table'), key.replace('type', 'view')]
      })
      forgetOptions(state, key)
      return {
        word: 'function',
        key,
        name: called,
        schema,
        drop: `DROP ${node.is_procedure ? 'PROCEDURE' : 'FUNCTION'} ${name(schema)}.${name(called)}(${args})`,
        replaceable: true,
        refs: [...types, ...referencesOf(state, node.sql_body)],
      }
    }),
  },
  AlterFunctionStmt: {
    guard: asIs,
    effect: setting((state, node, { text }) => {
      const on = objectKey(state, 'OBJECT_FUNCTION', node.func && { ObjectWithArgs: node.func })
      const made = state.of('object', on)
      if (on === undefined || made === undefined) return undefined
      // Making the function again sets all its options back, those that an earlier ALTER set too.
      const earlier = state.owned(on, 'setting').flatMap((one) => (one.name.startsWith('options') ? [one.text] : []))
      const reset = [made.text.replace(/^create\s+/i, 'CREATE OR REPLACE '), ...earlier].join('; ')
      return { on, facet: `options ${text}`, reset }
    }),
  },
  CreateTrigStmt: {
    guard: (statement, node) =>
      node.isconstraint
        ? `DROP TRIGGER IF EXISTS ${name(node.trigname)} ON ${relation(node.relation)};\n${statement.text};`
        : insertAfter(statement, 'create', 'OR REPLACE'),
    effect: known((node, state) => {
      const part = ofTable(state, 'trigger', node.relation, node.trigname)
      const columns = strings(node.columns).map((one) => partKey('column', part.on, one))
      return {
        ...part,
        replaceable: !node.isconstraint,
        replace: node.replace,
        refs: [...columns, ...referencesOf(state, node.whenClause, part.on), triggered(node.funcname)],
      }
    }),
    names: ({ relation }) => ({ needs: [`table ${tableName(relation)}`] }),
  },
  RuleStmt: {
    guard: orReplace,
    effect: known((node, state) => {
      const part = ofTable(state, 'rule', node.relation, node.rulename)
      const refs = referencesOf(state, [node.whereClause, node.actions] as Node[], part.on)
      return { ...part, replace: node.replace, refs }
    }),
  },
  DefineStmt: {
    guard: (statement, node, { once }) => {
      if (node.kind === 'OBJECT_COLLATION') return insertAfter(statement, 'collation', 'IF NOT EXISTS')
      if (node.kind === 'OBJECT_AGGREGATE') return insertAfter(statement, 'create', 'OR REPLACE')
      return node.kind === 'OBJECT_TYPE' ? unlessType(statement.text, qualified(node.defnames)) : once(statement.text)
    },
    effect: known((node, state) => {
      const called = textOf(strings(node.defnames).at(-1))
      if (node.kind === 'OBJECT_AGGREGATE') {
        const { schema, args } = signatureOf(strings(node.defnames), itemsOf(node.args?.[0]))
        const types = [...each(node.args, 'argType'), ...each(node.definition, 'TypeName')]
        const functions = types.flatMap(({ names }) => functionsCalled(state, strings(names as Node[])))
        return {
          word: 'function',
          key: `function ${schema}.${called}(${args})`,
          name: called,
          schema,
          drop: `DROP AGGREGATE ${name(schema)}.${name(called)}(${args})`,
          replaceable: true,
          refs: [...types.map((type) => typeKeyOf(type as never)), ...functions],
        }
      }
      const words = defined[textOf(node.kind)]
      if (words === undefined) return undefined
      const word = textOf(node.kind).replace('OBJECT_', '').toLowerCase()
      const key = `${word} ${strings(node.defnames).join('.')}`
      return { word, key, name: called, drop: `DROP ${words} ${qualified(node.defnames)}` }
    }),
  },
  CreateEventTrigStmt: {
    effect: known(({ trigname, funcname }) => ({
      word: 'event_trigger',
      name: textOf(trigname),
      refs: [triggered(funcname)],
    })),
  },
}

function ofTable(state: State, word: 'trigger' | 'rule', table: RangeVar | undefined, own: string | undefined) {
  const [on, called] = [relationOf(state, table), textOf(own)]
  const drop = `DROP ${word.toUpperCase()} ${name(called)} ON ${relation(table)}`
  return { word, key: partKey(word, on, called), name: called, on, drop }
}

/** The function that a trigger calls. */
function triggered(called: Node[] | undefined): Key {
  const { schema, name: own } = signatureOf(strings(called), [])
  return `function ${schema}.${own}()`
}

/** What CREATE … (…) makes that is known by its statement alone. */
const defined: Record<string, string> = {
  OBJECT_COLLATION: 'COLLATION',
  OBJECT_TSDICTIONARY: 'TEXT SEARCH DICTIONARY',
  OBJECT_TSCONFIGURATION: 'TEXT SEARCH CONFIGURATION',
  OBJECT_TSPARSER: 'TEXT SEARCH PARSER',
  OBJECT_TSTEMPLATE: 'TEXT SEARCH TEMPLATE',
}
