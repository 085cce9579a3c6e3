import type { ColumnDef, Constraint, IndexElem, IndexStmt, Node, RangeVar } from 'libpg-query'
import { array, block, literal, name, relation } from '../util/quote.ts'
import { nodesOf, strings, textOf } from './parse-tree.ts'
import { columnType } from './types.ts'

/*
 * IF NOT EXISTS looks at a name and accepts whatever bears it. These are the questions that tell whether it is what the
 * statement states: SQL conditions for `guards.ts` to raise on.
 */

/** Statements of plpgsql that fail where a column has another type, or is missing unless only `present` ones count. */
export function assertColumns(
  table: RangeVar | undefined,
  columns: ColumnDef[],
  which: 'all' | 'present' = 'all',
): string {
  const rows = columns.map(({ colname, typeName }) => {
    const type = columnType(typeName)
    const modifier = type.modifier === undefined ? 'null' : literal(type.modifier)
    return `(${literal(colname)}, ${literal(type.name)}, ${modifier})`
  })
  return `\
  select string_agg(format('%I is %s instead of %s', column_name, coalesce(format_type(atttypid, atttypmod), 'missing'),
    coalesce(to_regtype(type_name)::text, type_name) || coalesce(modifier, '')), ', ') into differs
  from (values ${rows.join(', ')}) as stated (column_name, type_name, modifier)
  ${which === 'all' ? 'left join' : 'join'} pg_attribute on attrelid = to_regclass(${literal(relation(table))}) and attname = column_name and not attisdropped
  where atttypid is distinct from to_regtype(type_name)
    or modifier <> coalesce(substring(format_type(atttypid, atttypmod) from '\\(.*\\)'), '');
  if differs is not null then
    raise exception '% exists, but %', ${literal(relation(table))}, differs;
  end if;`
}

/** Whether the row of `pg_index` joined with `pg_class` and `pg_am` is the valid index that the statement states. */
export function isIndex(index: IndexStmt): string {
  const keys = elements(index.indexParams)
  const included = elements(index.indexIncludingParams)
  const method = textOf(index.accessMethod)
  const conditions = [
    'indisvalid',
    `indrelid = to_regclass(${literal(relation(index.relation))})`,
    `amname = ${literal(method)}`,
    `indisunique = ${index.unique ?? false}`,
    `(indpred is not null) = ${index.whereClause !== undefined}`,
    `${attributeNames('indrelid', 'indkey')} = ${array([...keys, ...included].map(({ name }) => name ?? '(expression)'))}`,
  ]
  if (method === 'btree')
    conditions.push(`array(select unnest(indoption)) = array[${keys.map(option).join(', ')}]::int2[]`)
  const classes = keys.map(({ opclass }) => strings(opclass).at(-1))
  if (classes.some((opclass) => opclass !== undefined)) {
    const stated = classes.map((opclass) => (opclass === undefined ? 'null' : literal(opclass))).join(', ')
    conditions.push(
      `not exists (select from unnest(array[${stated}]::text[], indclass::oid[]) as stated (name, class) join pg_opclass on pg_opclass.oid = class where name <> opcname)`,
    )
  }
  return conditions.join('\n      and ')
}

/** Sort order as `pg_index.indoption` keeps it: 1 for descending, 2 for nulls first. */
function option({ ordering, nulls_ordering }: IndexElem): number {
  const descending = ordering === 'SORTBY_DESC'
  const nullsFirst = nulls_ordering === 'SORTBY_NULLS_FIRST' || (descending && nulls_ordering !== 'SORTBY_NULLS_LAST')
  return (descending ? 1 : 0) + (nullsFirst ? 2 : 0)
}

/**
 * Whether the row of `pg_constraint` is the constraint that the statement states. Of an expression its columns are
 * compared: PostgreSQL keeps it in words of its own.
 */
export function isConstraint(constraint: Constraint): string {
  const keys = strings(constraint.keys)
  switch (constraint.contype) {
    case 'CONSTR_FOREIGN': {
      const target = constraint.pk_attrs
        ? ` and ${attributeNames('confrelid', 'confkey')} = ${array(strings(constraint.pk_attrs))}`
        : ''
      return `contype = 'f' and confrelid = to_regclass(${literal(relation(constraint.pktable))})
      and ${attributeNames('conrelid', 'conkey')} = ${array(strings(constraint.fk_attrs))}${target}
      and confdeltype = '${textOf(constraint.fk_del_action)}' and confupdtype = '${textOf(constraint.fk_upd_action)}'`
    }
    case 'CONSTR_UNIQUE':
    case 'CONSTR_PRIMARY': {
      const type = constraint.contype === 'CONSTR_UNIQUE' ? 'u' : 'p'
      // With USING INDEX the columns are the index's, and the index's name is all that is stated.
      const columns = keys.length > 0 ? ` and ${attributeNames('conrelid', 'conkey')} = ${array(keys)}` : ''
      return `contype = '${type}'${columns}`
    }
    case 'CONSTR_CHECK': {
      const columns = [...new Set(columnsOf(constraint.raw_expr))].sort()
      return `contype = 'c' and ${attributeNames('conrelid', 'conkey', 'attname::text collate "C"')} = ${array(columns)}`
    }
    case 'CONSTR_EXCLUSION':
      return `contype = 'x'`
    default:
      return 'true'
  }
}

function attributeNames(table: string, numbers: string, order = 'position'): string {
  return `array(
        select coalesce(attname::text, '(expression)') from unnest(${numbers}) with ordinality as key (number, position)
        left join pg_attribute on attrelid = ${table} and attnum = number order by ${order})`
}

/** Every column that an expression names. */
function columnsOf(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(columnsOf)
  if (typeof node !== 'object' || node === null) return []
  if ('ColumnRef' in node) {
    const { fields } = node.ColumnRef as { fields?: Node[] }
    return strings(fields).slice(-1)
  }
  return Object.values(node).flatMap(columnsOf)
}

function elements(nodes: Node[] | undefined): IndexElem[] {
  return nodesOf(nodes).flatMap((node) => ('IndexElem' in node ? [node.IndexElem] : []))
}

/** `assertColumns` as a block of its own. */
export const columnDeclarations = ['differs text']

/** The columns that CREATE TABLE states. */
export function statedColumns(elements: Node[] | undefined): ColumnDef[] {
  return nodesOf(elements).flatMap((node) => ('ColumnDef' in node && node.ColumnDef.typeName ? [node.ColumnDef] : []))
}

/** `"schema"."index"`: an index lives beside its table. */
export function indexName(index: IndexStmt): string {
  return index.relation?.schemaname ? `${name(index.relation.schemaname)}.${name(index.idxname)}` : name(index.idxname)
}

/** Asked only of a table or index that is there: where IF NOT EXISTS finds none, it makes what the statement states. */
export function ifThere(called: string, assertion: string, declarations: string[] = []): string {
  return block(
    `  if to_regclass(${literal(called)}) is not null then\n${assertion.replace(/^/gm, '  ')}\n  end if;`,
    declarations,
  )
}
