import { array, block, literal, name } from '../util/quote.ts'
import { isClaimed } from './claims.ts'
import { columnText, policyMade, sequenceMade, sqlOf } from './make.ts'
import { commandOf } from './parse-tree.ts'
import { isThere } from './presence.ts'
import type { Trace } from './replay.ts'
import type { Column, Constraint, Key, State, Table, Thing } from './state.ts'
import { isRename, type Statement, wordsIn } from './statements.ts'

/*
 * IF NOT EXISTS looks at a name and accepts whatever bears it. What was there before a migration is compared with what
 * the migration states: that is made a second time, empty, in a schema of its own, and PostgreSQL's own words for the
 * two are compared.
 */

/** Made for the comparison and gone with it. */
const stated = 'integrations_stated'

type Stated = {
  thing: Thing
  /** Constraints that the same statement states. */
  parts: Constraint[]
  /** What it says, for the message. */
  text: string
  /** Whether the statement takes an object that is there as it is: IF NOT EXISTS, OR REPLACE. */
  lenient: boolean
  /** An index whose build may have been interrupted: it is dropped and built anew. */
  concurrent: boolean
  state: State
}

/** Fails where something that this migration did not make is there and is not what it states. */
function adoption({ isMine, ...of }: Stated & { isMine: string }): string | undefined {
  const condition = isThere(of.state, of.thing)
  const body = condition === undefined ? undefined : comparison(of)
  if (body === undefined) return undefined
  const whole = of.concurrent
    ? ` and exists (select from pg_index where indexrelid = to_regclass(${literal(sqlOf(of.state, of.thing.key))}) and indisvalid)`
    : ''
  return block(
    `  if ${condition}${whole} and not ${isMine} then\n${body.replace(/^(?=.)/gm, '  ')}\n  end if;`,
    /\bdiffers\b/.test(body) ? ['differs text'] : [],
  )
}

function comparison(of: Stated): string | undefined {
  const { thing, state, lenient } = of
  switch (thing.kind) {
    case 'schema':
      return undefined
    case 'table':
      return thing.whole !== undefined ? (lenient ? undefined : refusal(of)) : compareTable(of, thing)
    case 'column':
      return compareColumn(of, thing)
    case 'index':
      return compareIndex(of, thing)
    case 'constraint':
      return compareConstraint(of, thing)
    case 'policy':
      return unlessSame(
        [
          shadow(state, thing),
          policyMade(thing, shadowOf(state, thing)),
          differs(policyRow(shadowOf(state, thing), thing.name), policyRow(sqlOf(state, thing.on), thing.name)),
        ],
        'is another one',
        `policy ${name(thing.name)} of ${sqlOf(state, thing.on)}`,
        `select string_agg(${policyWords}, '') from pg_policy where polrelid = to_regclass(${literal(sqlOf(state, thing.on))}) and polname = ${literal(thing.name)}`,
        of.text,
      )
    case 'sequence':
      return unlessSame(
        [
          sequenceMade(`${stated}.${name(thing.name)}`, thing.options),
          differs(sequenceRow(`${stated}.${name(thing.name)}`), sequenceRow(sqlOf(state, thing.key))),
        ],
        'is another one',
        `sequence ${sqlOf(state, thing.key)}`,
        sequenceRow(sqlOf(state, thing.key)),
        of.text,
      )
    case 'type':
      return `\
  if ${array(thing.labels)} is distinct from (${labelsOf(sqlOf(state, thing.key))}) then
    raise exception 'type % exists with other labels: found %, expected %', ${literal(sqlOf(state, thing.key))},
      (${labelsOf(sqlOf(state, thing.key))}), ${array(thing.labels)};
  end if;`
    default:
      if (
        lenient ||
        (thing.kind === 'object' && /^(extension|role|statistics|collation|publication)$/.test(thing.word))
      )
        return undefined
      return refusal(of)
  }
}

const labelsOf = (type: string) =>
  `select array_agg(enumlabel::text order by enumsortorder) from pg_enum where enumtypid = to_regtype(${literal(type)})`

/** Of what can only be made again, such as a view or a trigger. */
function refusal({ thing }: Stated): string {
  const what = thing.kind === 'object' ? thing.word : thing.kind
  return `\
  raise exception '% is there already, and no migration made it', ${literal(`${what} ${thing.name}`)}
    using hint = 'drop it or give it another name, or write IF NOT EXISTS or OR REPLACE where this statement may take it over';`
}

/** The name of the empty table that stands for the one that something belongs to: a row as a whole is called by it. */
const shadowOf = (state: State, { on }: Thing) => `${stated}.${name(state.get(on)?.name ?? bareName(on))}`
const bareName = (key = '') => key.slice(key.indexOf('.') + 1)
const shadow = (state: State, thing: Thing) =>
  `create table ${shadowOf(state, thing)} (like ${sqlOf(state, thing.on)});`

/** Statements in a schema that goes with them. */
const inSchema = (statements: string[]) =>
  [`create schema ${stated}`, ...statements, `drop schema ${stated} cascade`]
    .map((one) => one.replace(/;?\s*$/, ';').replace(/^/gm, '  '))
    .join('\n')

/** Makes what is stated, compares it with what is there, and fails with both. */
function unlessSame(statements: string[], message: string, what: string, found: string, expected: string): string {
  return `${inSchema(statements)}
  if differs is not null then
    raise exception '% ${message}: found %, expected %', ${literal(what)}, (${found}),
      ${literal(expected)} using hint = 'drop it, then run this again';
  end if;`
}

const differs = (is: string, was: string) => `select 'differs' into differs where (${is}) is distinct from (${was})`

const policyWords = `concat_ws(' ', polcmd, polpermissive, (select string_agg(role::regrole::text, ', ' order by role) from unnest(polroles) as role), pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid))`
const policyRow = (table: string, policy: string) =>
  `select ${policyWords} from pg_policy where polrelid = to_regclass(${literal(table)}) and polname = ${literal(policy)}`
const sequenceRow = (sequence: string) =>
  `select concat_ws(' ', seqtypid::regtype, 'start', seqstart, 'increment', seqincrement, 'minvalue', seqmin, 'maxvalue', seqmax, 'cache', seqcache, 'cycle', seqcycle) from pg_sequence where seqrelid = to_regclass(${literal(sequence)})`

/** PostgreSQL's words for the columns of a table. */
const columnsOf = (table: string, which = '') => `
    select attname, attnum, concat_ws(' ', format_type(atttypid, atttypmod),
      case when attcollation <> typcollation then 'collate ' || attcollation::regcollation end,
      case attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
      case when attgenerated <> '' then 'generated as' when adbin is not null then 'default' end,
      regexp_replace(pg_get_expr(adbin, adrelid), '^nextval\\(.*\\)$', 'nextval'),
      case when attnotnull then 'not null' end) as words
    from pg_attribute join pg_type on pg_type.oid = atttypid left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attrelid = to_regclass(${literal(table)}) and attnum > 0 and not attisdropped${which}`

function columnsDiffer(shadow: string, table: string, which: string, lenient: boolean): string {
  return `\
select string_agg(format('%I is %s instead of %s', attname, coalesce(found.words, 'missing'), coalesce(stated.words, 'not stated')), ', ' order by stated.attnum, found.attnum) into differs
  from (${columnsOf(shadow, which)}) as stated
  ${lenient ? 'left' : 'full'} join (${columnsOf(table, which)}) as found using (attname)
  where found.words is distinct from stated.words`
}

/** What is said of a constraint; one that is to be validated later may be valid already. */
const constraintWords = (words: string) => `regexp_replace(${words}, ' NOT VALID$', '')`

function constraintsDiffer(shadow: string, table: string): string {
  return `\
select nullif(concat_ws(', ', differs, string_agg(format('%I is %s instead of %s', stated.conname, coalesce(pg_get_constraintdef(found.oid), 'missing'), pg_get_constraintdef(stated.oid)), ', ')), '') into differs
  from pg_constraint as stated left join pg_constraint as found on found.conrelid = to_regclass(${literal(table)})
    and (found.conname = stated.conname or found.contype = 'p' and stated.contype = 'p')
  where stated.conrelid = to_regclass(${literal(shadow)})
    and pg_get_constraintdef(found.oid) is distinct from pg_get_constraintdef(stated.oid)
    and pg_get_constraintdef(found.oid) is distinct from ${constraintWords('pg_get_constraintdef(stated.oid)')}`
}

const added = (table: string, { name: called, definition, valid }: Constraint) =>
  `alter table ${table} add constraint ${name(called)} ${definition}${valid ? '' : ' not valid'};`

function compared(of: Stated, table: string, make: string[], which: string): string {
  const shadow = shadowOf(of.state, of.thing.kind === 'table' ? { ...of.thing, on: of.thing.key } : of.thing)
  const constraints =
    of.parts.length === 0 ? [] : [...of.parts.map((one) => added(shadow, one)), constraintsDiffer(shadow, table)]
  const all = [
    ...make,
    ...constraints.slice(0, -1),
    columnsDiffer(shadow, table, which, of.lenient),
    ...constraints.slice(-1),
  ]
  return `${inSchema(all)}
  if differs is not null then
    raise exception '% exists, but %', ${literal(table)}, differs;
  end if;`
}

function compareTable(of: Stated, table: Table): string {
  const { state } = of
  const called = sqlOf(state, table.key)
  const columns = state.columns(table.key).map((column) => columnText(column, []))
  const kind = table.tail.toLowerCase().startsWith('partition') ? 'p' : 'r'
  const make = `create ${table.unlogged ? 'unlogged ' : ''}table ${stated}.${name(table.name)} (${columns.join(', ')})`
  return `\
  if exists (select from pg_class where oid = to_regclass(${literal(called)}) and (relkind <> '${kind}' or relpersistence <> '${table.unlogged ? 'u' : 'p'}')) then
    raise exception '% is there already, and is no such table', ${literal(called)};
  end if;
${compared(of, called, [make], '')}`
}

function compareColumn(of: Stated, column: Column): string {
  const shadow = shadowOf(of.state, column)
  const make = [
    `create table ${shadow} (like ${sqlOf(of.state, column.on)})`,
    `alter table ${shadow} drop column ${name(column.name)}`,
    `alter table ${shadow} add column ${columnText(column, [])}`,
  ]
  return compared(of, sqlOf(of.state, column.on), make, ` and attname = ${literal(column.name)}`)
}

function compareIndex(of: Stated, index: Extract<Thing, { kind: 'index' }>): string {
  const { state } = of
  const [at, shadow] = [sqlOf(state, index.key), shadowOf(state, index)]
  const words = (called: string) =>
    `select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass(${literal(called)})`
  return unlessSame(
    [
      `create table ${shadow} (like ${sqlOf(state, index.on)})`,
      onTable(index.text, shadow),
      `select 'differs' into differs where not exists (select from pg_index where indexrelid = to_regclass(${literal(at)}) and indisvalid and indrelid = to_regclass(${literal(sqlOf(state, index.on))}))
    or (${words(`${stated}.${name(index.name)}`)}) is distinct from (${words(at)})`,
    ],
    'is another one',
    `index ${at}`,
    `select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end from pg_index where indexrelid = to_regclass(${literal(at)})`,
    of.text,
  )
}

/** The statement that builds an index, on another table. */
function onTable(text: string, table: string): string {
  const words = wordsIn(text)
  const on = words.findIndex((word) => /^on$/i.test(word.text))
  let first = on + 1
  if (/^only$/i.test(words[first]?.text ?? '')) first++
  let last = first
  while (words[last + 1]?.text === '.') last += 2
  return `${text.slice(0, words[first]?.start)}${table}${text.slice(words[last]?.end)}`
}

function compareConstraint(of: Stated, constraint: Constraint): string {
  const { state } = of
  const [table, shadow] = [sqlOf(state, constraint.on), shadowOf(state, constraint)]
  const of1 = `conrelid = to_regclass(${literal(table)}) and ${constraint.type === 'p' ? `contype = 'p'` : `conname = ${literal(constraint.name)}`}`
  return unlessSame(
    [`create table ${shadow} (like ${table})`, added(shadow, constraint), constraintsDiffer(shadow, table)],
    'has another constraint of this name',
    table,
    `select format('%I %s', conname, pg_get_constraintdef(oid)) from pg_constraint where ${of1}`,
    of.text,
  )
}

/** How what a file makes is remembered. */
export type Remembered = {
  /** What it makes, with the mark it leaves: for a migration. */
  made?: { things: Map<Key, Thing>; mark: (key: Key) => string }
  /** What takes an object away only where its mark is: for a rollback. */
  whereMade?: (key: Key, text: string) => string | undefined
}

/** What compares the objects that a statement makes with those that are there. */
export function adoptions(
  statement: Statement,
  { log, things }: Trace,
  state: State,
  { things: remembered, mark }: NonNullable<Remembered['made']>,
): string[] {
  const [node] = Object.values(statement.node) as { if_not_exists?: boolean; replace?: boolean }[]
  if (isRename(statement) || 'DoStmt' in statement.node) return []
  const lenient =
    node?.if_not_exists === true || node?.replace === true || commandOf(statement.node)?.missing_ok === true
  const made = [...log.made].flatMap((key) => things.get(key) ?? [])
  const whole = made.find(({ kind }) => kind === 'table') ?? made.find(({ kind }) => kind === 'column')
  const parts = made.filter((one) => one.kind === 'constraint')
  return (whole ? [whole] : made).flatMap((thing) => {
    const mine = [thing.key, thing.on].find((key) => key !== undefined && remembered.has(key))
    if (mine === undefined) return []
    const check = adoption({
      thing,
      parts: whole ? parts : [],
      text: statement.text,
      lenient,
      state,
      isMine: isClaimed(mark(mine)),
      concurrent: 'IndexStmt' in statement.node && statement.node.IndexStmt.concurrent === true,
    })
    return check === undefined ? [] : [check]
  })
}
