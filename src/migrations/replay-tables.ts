import type { AlterTableCmd, ColumnDef, Constraint as ConstraintNode, DefElem, Node } from 'libpg-query'
import { name } from '../util/quote.ts'
import { type ColumnPieces, type ConstraintPieces, readColumn, readConstraint } from './definitions.ts'
import { removeDependents } from './dependents.ts'
import type { Nodes } from './kinds.ts'
import { implicitName } from './names.ts'
import type { Outcome } from './outcome.ts'
import { nodesOf, strings, textOf } from './parse-tree.ts'
import { placeOfTable, referencesOf, relationOf, typeKeyOf } from './references.ts'
import { type Column, type Constraint, type Key, partKey, pathOf, relationKey, type State, schemaOf } from './state.ts'
import { placeOf, type Statement } from './statements.ts'

/* What CREATE TABLE and the commands of ALTER TABLE do to a state. */

export const serials: Record<string, string> = { smallserial: 'smallint', serial: 'integer', bigserial: 'bigint' }

export function createTable(state: State, statement: Statement, node: Nodes['CreateStmt']): Outcome {
  const [schema, called] = placeOfTable(node.relation)
  const key = relationKey('table', schema, called)
  if (state.get(key) !== undefined) return {}
  const elements = nodesOf(node.tableElts)
  const whole = node.partbound !== undefined || elements.some((one) => 'TableLikeClause' in one) || node.ofTypename
  const close = closeOf(statement, elements)
  state.put({
    kind: 'table',
    key,
    schema,
    name: called,
    refs:
      node.partbound || nodesOf(node.inhRelations).length > 0
        ? nodesOf(node.inhRelations).flatMap((one) => ('RangeVar' in one ? [relationOf(state, one.RangeVar)] : []))
        : [],
    tail: whole || close === undefined ? '' : statement.text.slice(close + 1).trim(),
    unlogged: node.relation?.relpersistence === 'u',
    ...(whole ? { whole: statement.text } : {}),
    rowSecurity: false,
    forced: false,
  })
  const later: ConstraintPieces[] = []
  for (const element of elements) {
    if ('ColumnDef' in element) later.push(...addColumn(state, key, readColumn(statement, element.ColumnDef)))
    if ('Constraint' in element) later.push(readConstraint(statement, element.Constraint))
  }
  for (const pieces of merged(later)) addConstraint(state, key, pieces)
  return {}
}

/** PostgreSQL makes one index of two keys that say the same; it is the primary key if one is, and called as the first that has a name. */
function merged(all: ConstraintPieces[]): ConstraintPieces[] {
  const isKey = ({ node }: ConstraintPieces) => /^CONSTR_(PRIMARY|UNIQUE)$/.test(textOf(node.contype))
  const saying = ({ node, columns }: ConstraintPieces) =>
    JSON.stringify([columns, node.including, node.nulls_not_distinct, node.deferrable, node.initdeferred])
  const kept: ConstraintPieces[] = []
  for (const pieces of [...all].sort((a, b) => Number(isPrimary(b)) - Number(isPrimary(a)))) {
    const at = isKey(pieces) ? kept.findIndex((one) => isKey(one) && saying(one) === saying(pieces)) : -1
    const prior = kept[at]
    if (prior === undefined) kept.push(pieces)
    else if (prior.node.conname === undefined && pieces.node.conname !== undefined)
      kept[at] = { ...prior, node: { ...prior.node, conname: pieces.node.conname } }
  }
  return kept
}

const isPrimary = ({ node }: ConstraintPieces) => node.contype === 'CONSTR_PRIMARY'

/** The parenthesis that closes the list of columns. */
function closeOf({ words }: Statement, elements: Node[]): number | undefined {
  if (elements.length === 0 && !words.some(({ text }) => text === '(')) return undefined
  let depth = 0
  for (const word of words) {
    if (word.text === '(') depth++
    if (word.text === ')' && --depth === 0) return word.start
  }
  return undefined
}

function addColumn(state: State, table: Key, pieces: ColumnPieces): ConstraintPieces[] {
  const called = textOf(pieces.node.colname)
  const key = partKey('column', table, called)
  const type = strings(pieces.node.typeName?.names)
  const serial = type.length === 1 ? serials[textOf(type[0])] : undefined
  const refs = [
    ...(serial ? [] : [typeKeyOf(pieces.node.typeName)]),
    ...referencesOf(state, [pieces.default?.node, pieces.generated?.node] as Node[], table),
  ].filter((one) => one !== key)
  const column: Column = {
    kind: 'column',
    key,
    name: called,
    on: table,
    refs,
    type: serial ?? pieces.type,
    collate: pieces.collate,
    notNull: pieces.notNull || serial !== undefined || pieces.identity !== undefined,
    ...(pieces.default ? { default: pieces.default.text } : {}),
    ...(pieces.generated ? { generated: pieces.generated.text } : {}),
    ...(pieces.identity ? { identity: { always: pieces.identity.always, options: pieces.identity.options } } : {}),
  }
  state.put(column)
  if (serial !== undefined) beSerial(state, column, serial)
  return pieces.constraints
}

/** The sequence that `serial` makes, which its column owns. */
export function beSerial(state: State, column: Column, type: string): void {
  const schema = schemaOf(state, column)
  const table = state.get(column.on)?.name ?? pathOf(column.on).split('.').at(-1) ?? ''
  const called = implicitName(table, [column.name], 'seq', (one) => state.relation(schema, one) !== undefined)
  const key = relationKey('sequence', schema, called)
  state.put({
    kind: 'sequence',
    key,
    name: called,
    schema,
    on: column.key,
    refs: [],
    options: type === 'bigint' ? {} : { as: type },
    serial: true,
  })
  state.put({ ...column, serial: key, notNull: true, refs: [...column.refs, key] })
}

export function addConstraint(state: State, table: Key, { node, definition, columns }: ConstraintPieces): Constraint {
  const type = letters[textOf(node.contype)] ?? 'c'
  const schema = state.of('table', table)?.schema ?? state.home
  const owner = state.get(table)?.name ?? pathOf(table).slice(pathOf(table).indexOf('.') + 1)
  const expression =
    type === 'c'
      ? referencesOf(state, node.raw_expr, table)
      : type === 'x'
        ? referencesOf(state, [node.exclusions, node.where_clause] as unknown as Node[], table)
        : []
  const of = (names: string[], on = table) => names.map((one) => partKey('column', on, one))
  const own = state.columns(table).filter(({ key }) => expression.includes(key))
  const label = { p: 'pkey', u: 'key', f: 'fkey', c: 'check', x: 'excl' }[type]
  const named = type === 'p' ? [] : type === 'c' ? (own.length === 1 ? [textOf(own[0]?.name)] : []) : columns
  const isTaken = (one: string) =>
    state.all('constraint').some((other) => other.name === one && schemaOf(state, other) === schema) ||
    ('pux'.includes(type) && state.relation(schema, one) !== undefined)
  const called = node.conname ?? implicitName(owner, named, label, isTaken)
  const target = type === 'f' ? relationOf(state, node.pktable) : undefined
  const stated = strings(node.pk_attrs)
  const targetColumns =
    target === undefined || stated.length > 0 ? stated : (primaryKeyOf(state, target)?.columns ?? [])
  const constraint: Constraint = {
    kind: 'constraint',
    key: partKey('constraint', table, called),
    name: called,
    on: table,
    type,
    definition,
    columns: type === 'c' || type === 'x' ? own.map(({ name }) => name) : columns,
    valid: node.skip_validation !== true,
    refs: [...of(columns), ...expression, ...(target === undefined ? [] : [target, ...of(targetColumns, target)])],
    ...(target === undefined ? {} : { target: { table: target, columns: targetColumns } }),
  }
  // A table has one primary key: the statement means this one.
  const former = type === 'p' ? primaryKeyOf(state, table) : undefined
  if (former !== undefined && former.key !== constraint.key) state.remove(former.key)
  state.put(constraint)
  if (type === 'p')
    for (const key of of(columns))
      if (!state.of('column', key)?.notNull) change(state, key, { notNull: true, byKey: true })
  return constraint
}

const letters: Record<string, Constraint['type']> = {
  CONSTR_PRIMARY: 'p',
  CONSTR_UNIQUE: 'u',
  CONSTR_FOREIGN: 'f',
  CONSTR_CHECK: 'c',
  CONSTR_EXCLUSION: 'x',
}

export const primaryKeyOf = (state: State, table: Key): Constraint | undefined =>
  state.owned(table, 'constraint').find(({ type }) => type === 'p')

type Changes = { [Property in keyof Column]?: Column[Property] | undefined }

function change(state: State, key: Key, properties: Changes): Outcome {
  const column = state.of('column', key)
  if (column === undefined) return { unknown: true, about: key }
  state.log.touched.add(key)
  const next = { ...column, ...properties } as Column
  for (const property of Object.keys(properties) as (keyof Column)[])
    if (next[property] === undefined) delete next[property]
  if (JSON.stringify(next) !== JSON.stringify(column)) state.put(next)
  return {}
}

/** One command of an ALTER TABLE; a kind that is missing here is a property set by its statement (`settings.ts`). */
type Command = (state: State, table: Key, command: AlterTableCmd, statement: Statement) => Outcome

const onColumn =
  (properties: Changes): Command =>
  (state, table, { name: called }) =>
    change(state, partKey('column', table, textOf(called)), properties)

export const commands: Record<string, Command> = {
  AT_AddColumn: (state, table, command, statement) => {
    const column = (command.def as { ColumnDef: ColumnDef }).ColumnDef
    if (state.get(partKey('column', table, textOf(column.colname)))) return {}
    for (const pieces of addColumn(state, table, readColumn(statement, column))) addConstraint(state, table, pieces)
    return {}
  },
  AT_DropColumn: (state, table, { name: called, missing_ok, behavior }) => {
    const key = partKey('column', table, textOf(called))
    if (state.get(key) === undefined) return missing_ok ? {} : { unknown: true, missing: key }
    if (behavior === 'DROP_CASCADE') removeDependents(state, key)
    dropColumn(state, table, key)
    return {}
  },
  AT_AlterColumnType: (state, table, command, statement) => {
    const definition = (command.def as { ColumnDef: ColumnDef }).ColumnDef
    const key = partKey('column', table, textOf(command.name))
    const column = state.of('column', key)
    if (column === undefined) return { unknown: true, about: key }
    const [only = ''] = strings(definition.typeName?.names)
    const refs = [...column.refs.filter((one) => !one.startsWith('type ')), typeKeyOf(definition.typeName)]
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
  AT_ColumnDefault: (state, table, command, statement) => {
    const key = partKey('column', table, textOf(command.name))
    const column = state.of('column', key)
    if (column === undefined) return { unknown: true, about: key }
    const at = statement.words.findLastIndex(({ text }) => /^default$/i.test(text))
    const text = command.def === undefined ? undefined : statement.text.slice(statement.words[at]?.end).trim()
    const kept = column.refs.filter((one) => one.startsWith('type '))
    const refs = [...kept, ...referencesOf(state, command.def, table)]
    return change(state, key, { default: text, refs, serial: undefined })
  },
  AT_SetNotNull: onColumn({ notNull: true, byKey: undefined }),
  AT_DropNotNull: (state, table, command, statement) => {
    const key = primaryKeyOf(state, table)
    // drizzle-kit leaves the drop of the key to whoever reads the file.
    if (key?.columns.includes(textOf(command.name))) state.remove(key.key)
    return onColumn({ notNull: false, byKey: undefined })(state, table, command, statement)
  },
  AT_DropExpression: onColumn({ generated: undefined }),
  AT_SetExpression: (state, table, command, statement) => {
    const at = statement.text.indexOf('(', statement.words.find(({ text }) => /^as$/i.test(text))?.start)
    const key = partKey('column', table, textOf(command.name))
    const own = state.of('column', key)?.refs.filter((one) => one.startsWith('type ')) ?? []
    return change(state, key, {
      generated: statement.text.slice(at).trim(),
      refs: [...own, ...referencesOf(state, command.def, table)],
    })
  },
  AT_AddIdentity: (state, table, command, statement) => {
    const node = (command.def as { Constraint: ConstraintNode }).Constraint
    const at = statement.words.findIndex(({ text }) => /^identity$/i.test(text))
    const options = statement.text.slice(statement.words[at]?.end).replace(/\s+/g, ' ').trim()
    return change(state, partKey('column', table, textOf(command.name)), {
      identity: { always: node.generated_when === 'a', options },
    })
  },
  AT_DropIdentity: onColumn({ identity: undefined }),
  AT_SetIdentity: (state, table, command, statement) => {
    const key = partKey('column', table, textOf(command.name))
    const identity = state.of('column', key)?.identity
    if (identity === undefined) return { unknown: true }
    const given = nodesOf((command.def as { List?: { items?: Node[] } } | undefined)?.List?.items).flatMap((one) =>
      'DefElem' in one ? [one.DefElem] : [],
    )
    const always = given.find(({ defname }) => defname === 'generated')?.arg
    const options = { ...optionsIn(identity.options), ...sequenceOptions(given) }
    return change(state, key, {
      identity: {
        always: always && 'Integer' in always ? String.fromCharCode(always.Integer.ival ?? 0) === 'a' : identity.always,
        options: statement && identityOptions(options),
      },
    })
  },
  AT_AddConstraint: (state, table, command, statement) => {
    const node = (command.def as { Constraint: ConstraintNode }).Constraint
    if (node.conname && state.get(partKey('constraint', table, node.conname))) return {}
    if (node.indexname) return ofIndex(state, table, node, statement)
    addConstraint(state, table, readConstraint(statement, node))
    return {}
  },
  AT_DropConstraint: (state, table, { name: called, missing_ok, behavior }) => {
    const key = partKey('constraint', table, textOf(called))
    if (state.get(key) === undefined) return missing_ok ? {} : { unknown: true, missing: key }
    if (behavior === 'DROP_CASCADE') removeDependents(state, key)
    state.remove(key)
    return {}
  },
  AT_ValidateConstraint: (state, table, { name: called }) => {
    const constraint = state.of('constraint', partKey('constraint', table, textOf(called)))
    if (constraint && !constraint.valid) state.put({ ...constraint, valid: true })
    return {}
  },
  AT_EnableRowSecurity: onTable({ rowSecurity: true }),
  AT_DisableRowSecurity: onTable({ rowSecurity: false }),
  AT_ForceRowSecurity: onTable({ forced: true }),
  AT_NoForceRowSecurity: onTable({ forced: false }),
}

/** A constraint that takes an index over. */
function ofIndex(state: State, table: Key, node: ConstraintNode, statement: Statement): Outcome {
  const schema = state.of('table', table)?.schema ?? state.home
  const index = state.of('index', relationKey('index', schema, textOf(node.indexname)))
  if (index === undefined) return { unknown: true }
  const word = node.contype === 'CONSTR_PRIMARY' ? 'PRIMARY KEY' : 'UNIQUE'
  const tail = /using\s+index\s+(?:"(?:[^"]|"")+"|[^\s"]+)(.*)$/is.exec(statement.text)?.[1] ?? ''
  state.remove(index.key)
  const definition = `${word} (${index.columns.map(name).join(', ')})${tail}`
  addConstraint(state, table, {
    node: { ...node, conname: node.conname || textOf(node.indexname) },
    definition,
    columns: index.columns,
  })
  return {}
}

function onTable(properties: { rowSecurity?: boolean; forced?: boolean }): Command {
  return (state, key) => {
    const table = state.of('table', key)
    if (table === undefined) return { unknown: true }
    const next = { ...table, ...properties }
    if (next.rowSecurity !== table.rowSecurity || next.forced !== table.forced) state.put(next)
    return {}
  }
}

/** A column goes with the indexes and constraints of its table that it is in. */
export function dropColumn(state: State, table: Key, key: Key): void {
  for (const part of [...state.owned(table, 'index'), ...state.owned(table, 'constraint')])
    if (part.refs.includes(key)) state.remove(part.key)
  for (const setting of state.owned(table, 'setting')) if (setting.refs.includes(key)) state.remove(setting.key)
  for (const object of state.owned(table, 'object'))
    if (object.word === 'statistics' && object.refs.includes(key)) state.remove(object.key)
  state.remove(key)
}

function typeText(statement: Statement, definition: ColumnDef): string {
  const from = placeOf(statement, definition.typeName?.location)
  const end = statement.words.find(({ text, start }) => start > from && /^(using|collate)$/i.test(text))?.start
  return statement.text.slice(from, end).trim()
}

/** The options of a sequence, by the parser's names for them; what is given as NO is given as `''`. */
export function sequenceOptions(options: DefElem[]): Record<string, string> {
  return Object.fromEntries(
    options.flatMap(({ defname, arg }): [string, string][] => {
      const option = textOf(defname)
      if (!/^(as|increment|minvalue|maxvalue|start|cache|cycle)$/.test(option)) return []
      if (arg === undefined) return [[option, '']]
      if ('Boolean' in arg) return [[option, arg.Boolean.boolval ? 'CYCLE' : '']]
      if ('TypeName' in arg) return [[option, textOf(strings(arg.TypeName.names).at(-1))]]
      if ('Integer' in arg) return [[option, String(arg.Integer.ival ?? 0)]]
      return 'Float' in arg ? [[option, textOf(arg.Float.fval)]] : []
    }),
  )
}

const optionWords: Record<string, string> = {
  increment: 'INCREMENT BY',
  minvalue: 'MINVALUE',
  maxvalue: 'MAXVALUE',
  start: 'START WITH',
  cache: 'CACHE',
}

/** Options as CREATE and ALTER take them; drizzle-kit pull rounds the greatest bigint up. */
export function optionsText(options: Record<string, string>, prefix = ''): string {
  const most = 9223372036854775807n
  const words = Object.entries(optionWords).flatMap(([option, word]) => {
    const value = options[option]
    if (value === undefined) return []
    if (value === '') return option === 'minvalue' || option === 'maxvalue' ? [`${prefix}NO ${word}`] : []
    return [`${prefix}${word} ${/^\d+$/.test(value) && BigInt(value) > most ? most : value}`]
  })
  return [
    ...words,
    ...(options.cycle === undefined ? [] : [`${prefix}${options.cycle === '' ? 'NO ' : ''}CYCLE`]),
  ].join(' ')
}

function identityOptions(options: Record<string, string>): string {
  const sequence = options.name ? `SEQUENCE NAME ${options.name} ` : ''
  const text = `${sequence}${optionsText(options)}`.trim()
  return text === '' ? '' : `(${text})`
}

/** The options of an identity column, read back from how they were written. */
export function optionsIn(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  const one = (option: string, pattern: RegExp) => {
    const value = pattern.exec(text)?.[1]
    if (value !== undefined) found[option] = value
  }
  one('name', /sequence name ((?:(?:"(?:[^"]|"")+"|[\w$]+)\.?)+)/i)
  one('increment', /increment(?: by)? (-?\d+)/i)
  one('minvalue', /(?<!no )minvalue (-?\d+)/i)
  one('maxvalue', /(?<!no )maxvalue (-?\d+)/i)
  one('start', /start(?: with)? (-?\d+)/i)
  one('cache', /cache (\d+)/i)
  if (/(?<!no )cycle/i.test(text)) found.cycle = 'CYCLE'
  return found
}
