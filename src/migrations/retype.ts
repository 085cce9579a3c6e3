import type { ColumnDef, Node, RangeVar } from 'libpg-query'
import { array, block, literal, name, relation } from '../util/quote.ts'
import type { Alteration } from './kinds/alteration.ts'
import type { Surroundings } from './kinds/row.ts'
import { implicitName } from './names.ts'
import { commandOf, nodesOf, strings, tableName, textOf, typeKey } from './parse-tree.ts'
import { serials } from './sequence-options.ts'
import { partKey } from './state.ts'
import type { Statement } from './statements.ts'
import { columnType, isOfType } from './types.ts'

/* ALTER COLUMN … TYPE in a form that can run twice. */

/**
 * Where the column has its type already nothing happens: a USING expression would be applied to its own result.
 * drizzle-kit writes none, and PostgreSQL casts by itself only where nothing can go wrong; the cast goes without the
 * length, for `::varchar(20)` would cut values off where assigning them is an error. Between types that have no cast the
 * way leads through text, which either reads the values or names the one that it cannot.
 */
export function setType(statement: Statement, { table, command }: Alteration, around: Surroundings): string {
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

function insertCommand({ text, words }: Statement, command: string): string {
  const at = words.findIndex((word, i) => i > 1 && /^alter$/i.test(word.text))
  const start = words[at]?.start ?? 0
  return `${text.slice(0, start)}${command} ${text.slice(start)}`
}
