import type { AlterTableCmd, ColumnDef, Constraint, Node, RangeVar } from 'libpg-query'
import { array, block, literal, name, relation } from '../util/quote.ts'
import { commandOf, tableName } from './effects.ts'
import { assertColumns, columnDeclarations, isConstraint } from './end-state.ts'
import type { Guard } from './guards.ts'
import { strings, textOf, typeKey } from './parse-tree.ts'
import { insertAfter, refuse, type Statement } from './statements.ts'
import { columnType, isOfType } from './types.ts'

/** One command of an ALTER TABLE, and the table. */
type Alteration = { table: RangeVar | undefined; command: AlterTableCmd }

const asIs: Guard<Alteration> = ({ text }) => text
/** Nothing is left to be taken away from a table that is gone. */
const ifThere: Guard<Alteration> = (statement) =>
  insertAfter(statement, textOf(statement.words[1]?.text.toLowerCase()), 'IF EXISTS')
const without =
  (word: string): Guard<Alteration> =>
  (statement, node, around) => {
    const text = insertAfter(statement, word, 'IF EXISTS')
    // Written back to front, so that the positions of the words in front still hold.
    return ifThere({ ...statement, text }, node, around)
  }

/** The guards of ALTER TABLE, by command. */
export const alterations: Record<string, Guard<Alteration>> = {
  // These state an end, not a step: running them twice is the same as once.
  AT_EnableRowSecurity: asIs,
  AT_ForceRowSecurity: asIs,
  AT_NoForceRowSecurity: ifThere,
  AT_DisableRowSecurity: ifThere,
  AT_ColumnDefault: (statement, node, around) =>
    node.command.def === undefined ? ifColumn(statement, node) : asIs(statement, node, around),
  AT_SetNotNull: asIs,
  AT_DropNotNull: asIs,
  AT_SetStatistics: asIs,
  AT_SetStorage: asIs,
  AT_SetCompression: asIs,
  AT_SetOptions: asIs,
  AT_SetRelOptions: asIs,
  AT_ResetRelOptions: asIs,
  AT_SetIdentity: asIs,
  AT_ReplicaIdentity: asIs,
  AT_ChangeOwner: asIs,
  AT_ClusterOn: asIs,
  AT_SetLogged: asIs,
  AT_SetUnLogged: asIs,
  AT_SetTableSpace: asIs,
  AT_SetAccessMethod: asIs,
  AT_ValidateConstraint: asIs,
  AT_EnableTrig: asIs,
  AT_EnableTrigAll: asIs,
  AT_EnableTrigUser: asIs,
  AT_DisableTrig: asIs,
  AT_DisableTrigAll: asIs,
  AT_DisableTrigUser: asIs,
  AT_SetExpression: asIs,

  AT_AddColumn: (statement, { table, command }, { changedLater }) => {
    const column = (command.def as { ColumnDef?: ColumnDef } | undefined)?.ColumnDef
    const last = /^(column)$/i.test(textOf(statement.words[addAt(statement) + 1]?.text)) ? 'column' : 'add'
    const add = insertAfter(statement, last, 'IF NOT EXISTS')
    if (column === undefined || changedLater(`column ${tableName(table)}.${column.colname}`)) return add
    return `${block(assertColumns(table, [column], 'present'), columnDeclarations)}\n${add}`
  },
  AT_DropColumn: (statement, node, around) =>
    without(/^column$/i.test(textOf(statement.words[dropAt(statement) + 1]?.text)) ? 'column' : 'drop')(
      statement,
      node,
      around,
    ),
  AT_DropConstraint: without('constraint'),
  AT_DropIdentity: without('identity'),
  AT_DropExpression: without('expression'),

  AT_AddIdentity: ({ text }, { table, command }) =>
    block(`\
  if exists (
    select from pg_attribute
    where attrelid = to_regclass(${literal(relation(table))}) and attname = ${literal(command.name)} and attidentity = ''
  ) then
    ${text};
  end if;`),

  AT_AddConstraint: addConstraint,
  AT_AddIndexConstraint: addConstraint,

  AT_AlterColumnType: setType,
}

function addConstraint(statement: Statement, { table, command }: Alteration): string {
  const constraint = (command.def as { Constraint?: Constraint } | undefined)?.Constraint
  const of = `conrelid = to_regclass(${literal(relation(table))})`
  const primary = constraint?.contype === 'CONSTR_PRIMARY'
  if (constraint === undefined || (!constraint.conname && !primary))
    throw refuse(statement, 'a constraint without a name', 'name it in the Drizzle definition')
  // A table has one primary key at most, whatever its name.
  const same = primary ? `contype = 'p'` : `conname = ${literal(constraint.conname)}`
  const stated = command.subtype === 'AT_AddIndexConstraint' ? 'true' : isConstraint(constraint)
  return block(`\
  if not exists (select from pg_constraint where ${same} and ${of}) then
    ${statement.text};
  elsif not exists (
    select from pg_constraint where ${same} and ${of}
      and ${stated}
  ) then
    raise exception '% has another constraint of this name: found %, expected %', ${literal(relation(table))},
      (select format('%I %s', conname, pg_get_constraintdef(oid)) from pg_constraint where ${same} and ${of}),
      ${literal(statement.text)};
  end if;`)
}

/**
 * Where the column has its type already nothing happens: a USING expression would be applied to its own result.
 * drizzle-kit writes none, and PostgreSQL casts by itself only where nothing can go wrong; the cast goes without the
 * length, for `::varchar(20)` would cut values off where assigning them is an error. Between types that have no cast the
 * way leads through text, which either reads the values or names the one that it cannot.
 */
function setType(
  statement: Statement,
  { table, command }: Alteration,
  around: { later: Statement[]; labels: Map<string, string[]> },
): string {
  const definition = (command.def as { ColumnDef?: ColumnDef } | undefined)?.ColumnDef
  const type = columnType(definition?.typeName)
  const casts = isCastOf(definition?.raw_default, textOf(command.name))
  const text = casts ? beforeUsing(statement) : statement.text
  const column = name(command.name)
  const attribute = `attrelid = to_regclass(${literal(relation(table))}) and attname = ${literal(command.name)} and not attisdropped`
  // The old default may have no cast to the new type; drizzle-kit states the new one in the next statement.
  const head = around.later.some((other) => setsDefault(other, table, textOf(command.name)))
    ? insertCommand({ ...statement, text }, `ALTER COLUMN ${column} DROP DEFAULT,`)
    : text
  const labels = around.labels.get(typeKey(definition?.typeName?.names))
  const refuseOthers =
    labels === undefined
      ? ''
      : `
    perform set_config('row_security', 'off', true);
    select count(*), string_agg(distinct t.${column}::text, ', ') into used, found from ${relation(table)} as t where t.${column}::text <> all (${array(labels)});
    if used > 0 then
      raise exception '% rows of % hold what type % does not have: %', used, ${literal(`${relation(table)}.${column}`)}, ${literal(type.name)}, found
        using hint = 'change them, then run this again';
    end if;`
  const byHand = definition?.raw_default !== undefined && !casts
  // Where the catalog cannot tell that it is done already, casting to the same type again changes nothing.
  const isDone = type.modifier === undefined && !byHand ? 'false' : isOfType(type)
  const change = byHand
    ? `    ${head};`
    : `\
    if exists (select from pg_attribute where ${attribute} and atttypid = to_regtype(${literal(type.name)})) then
      ${head};
    elsif exists (select from pg_attribute join pg_cast on castsource = atttypid and casttarget = to_regtype(${literal(type.name)}) where ${attribute}) then
      ${head} USING ${column}::${castName(type.name)};
    else
      ${head} USING ${column}::text::${castName(type.name)};
    end if;`
  return block(
    `\
  if exists (select from pg_attribute where ${attribute} and not (${isDone})) then${refuseOthers}
${change}
  end if;`,
    labels === undefined ? [] : ['used bigint', 'found text'],
  )
}

/** Whether USING only casts the column, as drizzle-kit writes it where it writes any: from some types that is no cast. */
function isCastOf(node: Node | undefined, column: string): boolean {
  if (node === undefined) return false
  if ('TypeCast' in node) return isCastOf(node.TypeCast.arg, column)
  return 'ColumnRef' in node && strings(node.ColumnRef.fields).join('.') === column
}

function beforeUsing({ text, words }: Statement): string {
  return text.slice(0, words.findLast((word) => word.text.toLowerCase() === 'using')?.start).trimEnd()
}

const castName = (type: string) => (type === 'bpchar' ? 'varchar' : type)

function setsDefault({ node }: Statement, table: RangeVar | undefined, column: string): boolean {
  const command = commandOf(node)
  return (
    'AlterTableStmt' in node &&
    tableName(node.AlterTableStmt.relation) === tableName(table) &&
    command?.subtype === 'AT_ColumnDefault' &&
    command.name === column
  )
}

/** DROP DEFAULT of a column that may be gone. */
function ifColumn({ text }: Statement, { table, command }: Alteration): string {
  return block(`\
  if exists (select from pg_attribute where attrelid = to_regclass(${literal(relation(table))}) and attname = ${literal(command.name)} and not attisdropped) then
    ${text};
  end if;`)
}

function insertCommand({ text, words }: Statement, command: string): string {
  const at = words.findIndex((word, i) => i > 1 && /^alter$/i.test(word.text))
  const start = words[at]?.start ?? 0
  return `${text.slice(0, start)}${command} ${text.slice(start)}`
}

function addAt({ words }: Statement): number {
  return words.findIndex((word, i) => i > 1 && /^add$/i.test(word.text))
}

function dropAt({ words }: Statement): number {
  return words.findIndex((word, i) => i > 1 && /^drop$/i.test(word.text))
}
