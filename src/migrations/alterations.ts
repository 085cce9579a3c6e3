import type { AlterTableCmd, ColumnDef, Constraint, Node, RangeVar } from 'libpg-query'
import { array, block, literal, name, relation } from '../util/quote.ts'
import { commandOf, tableName } from './effects.ts'
import type { Guard } from './guard.ts'
import { implicitName } from './names.ts'
import { nodesOf, strings, textOf, typeKey } from './parse-tree.ts'
import { serials } from './replay-tables.ts'
import { partKey, type State } from './state.ts'
import { insertAfter, parseNow, type Statement } from './statements.ts'
import { columnType, isOfType } from './types.ts'

type Around = Parameters<Guard<Alteration>>[2]
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

/** A rollback gives a sequence limits that its numbers may have left since: it starts anew then. */
export function orAnew({ text, origin }: Statement): string {
  if (!origin.startsWith('rollback of ') || !/\b(min|max)value\b/i.test(text)) return text
  return block(`\
  ${text};
exception when invalid_parameter_value then
  ${text} RESTART;`)
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
  AT_SetIdentity: orAnew,
  AT_ReplicaIdentity: asIs,
  AT_ChangeOwner: asIs,
  AT_ClusterOn: asIs,
  AT_SetLogged: asIs,
  AT_SetUnLogged: asIs,
  AT_SetTableSpace: asIs,
  AT_SetAccessMethod: asIs,
  AT_ValidateConstraint: asIs,
  AT_EnableTrig: asIs,
  AT_EnableAlwaysTrig: asIs,
  AT_EnableReplicaTrig: asIs,
  AT_EnableTrigAll: asIs,
  AT_EnableTrigUser: asIs,
  AT_DisableTrig: asIs,
  AT_DisableTrigAll: asIs,
  AT_DisableTrigUser: asIs,
  AT_EnableRule: asIs,
  AT_DisableRule: asIs,
  AT_SetExpression: asIs,

  AT_AddColumn: (statement) => {
    const last = /^(column)$/i.test(textOf(statement.words[addAt(statement) + 1]?.text)) ? 'column' : 'add'
    return insertAfter(statement, last, 'IF NOT EXISTS')
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
    -- It counts on from what is there.
    perform set_config('row_security', 'off', true);
    perform setval(pg_get_serial_sequence(${literal(relation(table))}, ${literal(command.name)}), max(t.${name(command.name)}))
    from ${relation(table)} as t having max(t.${name(command.name)}) > 0;
  end if;`),

  AT_AddConstraint: addConstraint,
  AT_AddIndexConstraint: addConstraint,

  AT_AlterColumnType: setType,
}

function addConstraint(statement: Statement, { table, command }: Alteration, around: Around): string {
  const constraint = (command.def as { Constraint?: Constraint } | undefined)?.Constraint
  const primary = constraint?.contype === 'CONSTR_PRIMARY'
  if (constraint === undefined || (!constraint.conname && !primary)) {
    const at = statement.words.findIndex(({ text }, i) => i > 1 && /^add$/i.test(text))
    const end = statement.words[at]?.end ?? 0
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

/**
 * Where the column has its type already nothing happens: a USING expression would be applied to its own result.
 * drizzle-kit writes none, and PostgreSQL casts by itself only where nothing can go wrong; the cast goes without the
 * length, for `::varchar(20)` would cut values off where assigning them is an error. Between types that have no cast the
 * way leads through text, which either reads the values or names the one that it cannot.
 */
function setType(
  statement: Statement,
  { table, command }: Alteration,
  around: { later: Statement[]; labels: Map<string, string[]>; after: State },
): string {
  const definition = (command.def as { ColumnDef?: ColumnDef } | undefined)?.ColumnDef
  const own = around.after.of('column', partKey('column', `table ${tableName(table)}`, textOf(command.name)))
  const type = columnType(definition?.typeName)
  if (isSerial(definition))
    return toSerial(
      { table, command },
      type.name,
      textOf(definition?.typeName && strings(definition.typeName.names)[0]),
      own && around.after.get(own.serial)?.name,
    )
  // A generated column is computed anew.
  if (own?.generated !== undefined) return statement.text
  const casts = isCastOf(definition?.raw_default, textOf(command.name))
  const text = casts ? beforeUsing(statement) : statement.text
  const column = name(command.name)
  const attribute = `attrelid = to_regclass(${literal(relation(table))}) and attname = ${literal(command.name)} and not attisdropped`
  // The old default may have no cast to the new type; drizzle-kit states the new one in the next statement.
  const isSetLater = around.later.some((other) => setsDefault(other, table, textOf(command.name)))
  const head = isSetLater ? insertCommand({ ...statement, text }, `ALTER COLUMN ${column} DROP DEFAULT,`) : text
  // Without a cast that PostgreSQL makes by itself the default stays behind, and is said again.
  const reset =
    isSetLater || own?.default === undefined ? '' : `, ALTER COLUMN ${column} SET DEFAULT ${bare(own.default)}`
  const apart = reset === '' ? head : insertCommand({ ...statement, text }, `ALTER COLUMN ${column} DROP DEFAULT,`)
  const labels = around.labels.get(typeKey(definition?.typeName?.names))
  const isArray = nodesOf(definition?.typeName?.arrayBounds).length > 0
  const refuseOthers =
    labels === undefined
      ? ''
      : `
    perform set_config('row_security', 'off', true);
    select count(*), string_agg(distinct held.label, ', ') into used, found
    from ${relation(table)} as t, lateral ${isArray ? `(select unnest(t.${column}::text::text[]))` : `(select t.${column}::text)`} as held (label) where held.label <> all (${array(labels)});
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
    elsif exists (select from pg_attribute join pg_cast on castsource = atttypid and casttarget = to_regtype(${literal(type.name)}) where ${attribute}${reset === '' ? '' : ` and castcontext <> 'e'`}) then
      ${head} USING ${column}::${castName(type.name)};${
        reset === ''
          ? ''
          : `
    elsif exists (select from pg_attribute join pg_cast on castsource = atttypid and casttarget = to_regtype(${literal(type.name)}) where ${attribute}) then
      ${apart} USING ${column}::${castName(type.name)}${reset};`
      }
    else
      ${apart} USING ${column}::text::${castName(type.name)}${reset};
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

/** A default without the casts to the type that its column had. */
function bare(text: string): string {
  const [, constant] = /^('(?:[^']|'')*')\s*::[^']*$/.exec(text) ?? []
  return constant ?? text
}

function isSerial(definition: ColumnDef | undefined): boolean {
  const names = strings(definition?.typeName?.names)
  return names.length === 1 && textOf(names[0]) in serials
}

/** `serial` is no type: an integer, a sequence that its column owns, and a default. */
function toSerial({ table, command }: Alteration, type: string, word: string, sequence: string | undefined): string {
  const [called, column] = [relation(table), name(command.name)]
  const own = `${table?.schemaname ? `${name(table.schemaname)}.` : ''}${name(sequence ?? implicitName(textOf(table?.relname), [textOf(command.name)], 'seq', () => false))}`
  const has = `exists (select from pg_depend join pg_class on pg_class.oid = objid and relkind = 'S' join pg_attribute on attrelid = refobjid and attnum = refobjsubid where refobjid = to_regclass(${literal(called)}) and attname = ${literal(command.name)} and deptype = 'a')`
  const alter = `ALTER TABLE ${called} ALTER COLUMN ${column}`
  return block(`\
  if exists (select from pg_attribute where attrelid = to_regclass(${literal(called)}) and attname = ${literal(command.name)} and atttypid <> to_regtype(${literal(type)})) then
    if not ${has} then
      ${alter} DROP DEFAULT;
    end if;
    ${alter} SET DATA TYPE ${serials[word]} USING ${column}::text::${serials[word]};
  end if;
  if not ${has} then
    CREATE SEQUENCE ${own} AS ${serials[word]} OWNED BY ${called}.${column};
    perform set_config('row_security', 'off', true);
    perform setval(${literal(own)}, max(t.${column})) from ${called} as t having max(t.${column}) > 0;
    ${alter} SET DEFAULT nextval(${literal(own)}::regclass), ALTER COLUMN ${column} SET NOT NULL;
  else
    ALTER SEQUENCE ${own} AS ${serials[word]};
  end if;`)
}

const castName = (type: string) => ({ bpchar: 'varchar', bit: 'varbit' })[type] ?? type

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
  if exists (select from pg_attribute where attrelid = to_regclass(${literal(relation(table))}) and attname = ${literal(command.name)} and attidentity = '' and not attisdropped) then
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
