import type { ColumnDef, Constraint } from 'libpg-query'
import { block, literal, name, relation } from '../../util/quote.ts'
import { readColumn } from '../definitions.ts'
import { removeDependents } from '../dependents.ts'
import { dropOfNothing } from '../outcome.ts'
import { itemsOf, strings, tableName, textOf } from '../parse-tree.ts'
import { referencesOf, typeKeyOf } from '../references.ts'
import { setType } from '../retype.ts'
import { identityOptions, optionsIn, optionsOf, orAnew, sequenceOptions, serials } from '../sequence-options.ts'
import { partKey } from '../state.ts'
import { insertAfter, placeOf, type Statement } from '../statements.ts'
import { addColumn, beSerial, type Changes, change, dropColumn, primaryKeyOf, putConstraint } from '../table-state.ts'
import { type Alteration, type AlterationEffect, type AlterationRows, sets, without, wordAt } from './alteration.ts'
import { asIs } from './forms.ts'

/* The commands of ALTER TABLE that work on a column. */

const onColumn =
  (properties: Changes): AlterationEffect =>
  (state, table, { name: called }) =>
    change(state, partKey('column', table, textOf(called)), properties)

export const columns: AlterationRows = {
  AT_AddColumn: {
    guard: (statement) => {
      const last = /^(column)$/i.test(textOf(statement.words[wordAt(statement, 'add') + 1]?.text)) ? 'column' : 'add'
      return insertAfter(statement, last, 'IF NOT EXISTS')
    },
    effect: (state, table, command, statement) => {
      const column = (command.def as { ColumnDef: ColumnDef }).ColumnDef
      if (state.get(partKey('column', table, textOf(column.colname)))) return {}
      for (const pieces of addColumn(state, table, readColumn(statement, column))) putConstraint(state, table, pieces)
      return {}
    },
  },
  AT_DropColumn: {
    guard: (statement, node, around) =>
      without(/^column$/i.test(textOf(statement.words[wordAt(statement, 'drop') + 1]?.text)) ? 'column' : 'drop')(
        statement,
        node,
        around,
      ),
    effect: (state, table, { name: called, missing_ok, behavior }) => {
      const key = partKey('column', table, textOf(called))
      if (state.get(key) === undefined)
        return dropOfNothing(state, key, missing_ok, textOf(called), state.get(table)?.name ?? '')
      if (behavior === 'DROP_CASCADE') removeDependents(state, key)
      dropColumn(state, table, key)
      return {}
    },
  },
  AT_AlterColumnType: {
    guard: setType,
    effect: (state, table, command, statement) => {
      const definition = (command.def as { ColumnDef: ColumnDef }).ColumnDef
      const key = partKey('column', table, textOf(command.name))
      const column = state.of('column', key)
      if (column === undefined) return { unknown: true, about: key }
      const [only = ''] = strings(definition.typeName?.names)
      const refs = [...column.refs.filter((one) => !one.startsWith('type ')), typeKeyOf(definition.typeName)]
      // Values of the new type are stored as is usual for it.
      state.remove(`setting storage of ${key}`)
      change(state, key, { type: serials[only] ?? typeText(statement, definition), refs })
      const next = state.of('column', key)
      if (serials[only] && next && next.serial === undefined) beSerial(state, next, serials[only])
      const sequence = serials[only] ? state.of('sequence', next?.serial) : undefined
      if (sequence && (sequence.options.as ?? 'bigint') !== serials[only]) {
        const { as: _, ...options } = sequence.options
        state.put({ ...sequence, options: only === 'bigserial' ? options : { ...options, as: textOf(serials[only]) } })
      }
      return {}
    },
  },
  AT_ColumnDefault: {
    guard: (statement, node, around) =>
      node.command.def === undefined ? ifColumn(statement, node) : asIs(statement, node, around),
    effect: (state, table, command, statement) => {
      const key = partKey('column', table, textOf(command.name))
      const column = state.of('column', key)
      if (column === undefined) return { unknown: true, about: key }
      const at = statement.words.findLastIndex(({ text }) => /^default$/i.test(text))
      const text = command.def === undefined ? undefined : statement.text.slice(statement.words[at]?.end).trim()
      const kept = column.refs.filter((one) => one.startsWith('type '))
      const refs = [...kept, ...referencesOf(state, command.def, table)]
      return change(state, key, { default: text, refs, serial: undefined })
    },
  },
  AT_SetNotNull: { guard: asIs, effect: onColumn({ notNull: true, byKey: undefined }) },
  AT_DropNotNull: {
    guard: asIs,
    effect: (state, table, command) => {
      const key = primaryKeyOf(state, table)
      // drizzle-kit leaves the drop of the key to whoever reads the file.
      if (key?.columns.includes(textOf(command.name))) state.remove(key.key)
      return change(state, partKey('column', table, textOf(command.name)), { notNull: false, byKey: undefined })
    },
  },
  AT_SetExpression: {
    guard: asIs,
    effect: (state, table, command, statement) => {
      const at = statement.text.indexOf('(', statement.words.find(({ text }) => /^as$/i.test(text))?.start)
      const key = partKey('column', table, textOf(command.name))
      const own = state.of('column', key)?.refs.filter((one) => one.startsWith('type ')) ?? []
      return change(state, key, {
        generated: statement.text.slice(at).trim(),
        refs: [...own, ...referencesOf(state, command.def, table)],
      })
    },
  },
  AT_DropExpression: { guard: without('expression'), effect: onColumn({ generated: undefined }) },
  AT_AddIdentity: {
    guard: ({ text }, { table, command }) =>
      block(`\
  if exists (
    select from pg_attribute
    where attrelid = to_regclass(${literal(relation(table))}) and attname = ${literal(command.name)} and attidentity = ''
  ) then
    ${text};
    -- It counts on from what is there.
    perform set_config('row_security', 'off', true);
    perform setval(pg_get_serial_sequence(${literal(relation(table))}, ${literal(command.name)}), max(t.${name(command.name)}))
    from ${relation(table)} as t having max(t.${name(command.name)}) > 0;
  end if;`),
    effect: (state, table, command, statement) => {
      const node = (command.def as { Constraint: Constraint }).Constraint
      const at = statement.words.findIndex(({ text }) => /^identity$/i.test(text))
      const options = statement.text.slice(statement.words[at]?.end).replace(/\s+/g, ' ').trim()
      return change(state, partKey('column', table, textOf(command.name)), {
        identity: { always: node.generated_when === 'a', options },
      })
    },
  },
  AT_SetIdentity: {
    guard: orAnew,
    effect: (state, table, command) => {
      const key = partKey('column', table, textOf(command.name))
      const identity = state.of('column', key)?.identity
      if (identity === undefined) return { unknown: true }
      const given = optionsOf(itemsOf(command.def))
      const always = given.find(({ defname }) => defname === 'generated')?.arg
      const options = { ...optionsIn(identity.options), ...sequenceOptions(given) }
      return change(state, key, {
        identity: {
          always:
            always && 'Integer' in always ? String.fromCharCode(always.Integer.ival ?? 0) === 'a' : identity.always,
          options: identityOptions(options),
        },
      })
    },
  },
  AT_DropIdentity: { guard: without('identity'), effect: onColumn({ identity: undefined }) },

  AT_SetStatistics: sets(({ on, column }) => ({ on, facet: 'statistics', reset: `${column} SET STATISTICS -1` })),
  AT_SetStorage: {
    // A later type has a storage of its own.
    guard: ({ text }, { table, command }, { changedLater, once }) =>
      changedLater(`column ${tableName(table)}.${command.name}`) ? once(text) : text,
    property: ({ state, on, column }) => {
      const usual = usualStorage(state.of('column', on)?.type)
      return { on, facet: 'storage', reset: usual && `${column} SET STORAGE ${usual}` }
    },
  },
  AT_SetCompression: sets(({ on, column }) => ({
    on,
    facet: 'compression',
    reset: `${column} SET COMPRESSION default`,
  })),
  AT_SetOptions: sets(({ on, column, command }) => {
    const options = optionsOf(itemsOf(command.def)).map(({ defname }) => textOf(defname))
    return { on, facet: `options ${options.join(', ')}`, reset: `${column} RESET (${options.join(', ')})` }
  }),
}

/** How values of a type are stored by default, which only PostgreSQL 16 has a word for; undefined of types that are not built in. */
function usualStorage(type = ''): string | undefined {
  if (/\]\s*$|^(text|varchar|char(acter)?|bpchar|jsonb?|bytea|xml|tsvector|(var)?bit)\b/i.test(type)) return 'EXTENDED'
  if (/^(numeric|decimal|inet|cidr)\b/i.test(type)) return 'MAIN'
  return /^((small|big)?int(eger)?|int[248]|bool(ean)?|real|float[48]?|double precision|date|time(stamp)?(tz)?|interval|uuid|oid|money)\b/i.test(
    type,
  )
    ? 'PLAIN'
    : undefined
}

function typeText(statement: Statement, definition: ColumnDef): string {
  const from = placeOf(statement, definition.typeName?.location)
  const end = statement.words.find(({ text, start }) => start > from && /^(using|collate)$/i.test(text))?.start
  return statement.text.slice(from, end).trim()
}

/** DROP DEFAULT of a column that may be gone. */
function ifColumn({ text }: Statement, { table, command }: Alteration): string {
  return block(`\
  if exists (select from pg_attribute where attrelid = to_regclass(${literal(relation(table))}) and attname = ${literal(command.name)} and attidentity = '' and not attisdropped) then
    ${text};
  end if;`)
}
