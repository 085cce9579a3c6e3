import type { RangeVar, RenameStmt } from 'libpg-query'
import { block, literal, name, relation } from '../util/quote.ts'
import { nodesOf, partsOf, strings, textOf } from './parse-tree.ts'
import { routineThere } from './presence.ts'
import { columnType } from './types.ts'

type IsThere = (node: RenameStmt, called: string) => string

const row = (catalog: string, condition: string) => `exists (select from ${catalog} where ${condition})`
const inCatalog =
  (catalog: string, named: string): IsThere =>
  (_node, called) =>
    row(catalog, `${named} = ${literal(called)}`)
const onTable =
  (catalog: string, owner: string, named: string, besides = ''): IsThere =>
  ({ relation: table }, called) =>
    row(catalog, `${owner} = to_regclass(${literal(relation(table))}) and ${named} = ${literal(called)}${besides}`)
const byName =
  (lookUp: string): IsThere =>
  ({ object }, called) =>
    `${lookUp}(${literal([...partsOf(object).slice(0, -1), called].map(name).join('.'))}) is not null`
const classCalled: IsThere = ({ relation: table }, called) =>
  `to_regclass(${literal(relation({ ...table, relname: called } as RangeVar))}) is not null`

/** Whether the object of a RENAME exists under a name. */
export const renames: Record<string, IsThere> = {
  OBJECT_TABLE: classCalled,
  OBJECT_VIEW: classCalled,
  OBJECT_MATVIEW: classCalled,
  OBJECT_SEQUENCE: classCalled,
  OBJECT_INDEX: classCalled,
  OBJECT_FOREIGN_TABLE: classCalled,
  OBJECT_COLUMN: onTable('pg_attribute', 'attrelid', 'attname', ' and not attisdropped'),
  OBJECT_ATTRIBUTE: onTable('pg_attribute', 'attrelid', 'attname', ' and not attisdropped'),
  OBJECT_TABCONSTRAINT: onTable('pg_constraint', 'conrelid', 'conname'),
  OBJECT_POLICY: onTable('pg_policy', 'polrelid', 'polname'),
  OBJECT_TRIGGER: onTable('pg_trigger', 'tgrelid', 'tgname'),
  OBJECT_RULE: onTable('pg_rewrite', 'ev_class', 'rulename'),
  OBJECT_TYPE: byName('to_regtype'),
  OBJECT_DOMAIN: byName('to_regtype'),
  OBJECT_COLLATION: byName('to_regcollation'),
  OBJECT_FUNCTION: routineCalled,
  OBJECT_PROCEDURE: routineCalled,
  OBJECT_ROUTINE: routineCalled,
  OBJECT_AGGREGATE: routineCalled,
  OBJECT_DOMCONSTRAINT: ({ object }, called) =>
    row(
      'pg_constraint',
      `contypid = to_regtype(${literal(partsOf(object).map(name).join('.'))}) and conname = ${literal(called)}`,
    ),
  OBJECT_STATISTIC_EXT: ({ object }, called) =>
    row(
      'pg_statistic_ext',
      `stxname = ${literal(called)} and stxnamespace = to_regnamespace(${literal(name(partsOf(object).length > 1 ? partsOf(object)[0] : 'public'))})`,
    ),
  OBJECT_PUBLICATION: inCatalog('pg_publication', 'pubname'),
  OBJECT_EVENT_TRIGGER: inCatalog('pg_event_trigger', 'evtname'),
  OBJECT_FOREIGN_SERVER: inCatalog('pg_foreign_server', 'srvname'),
  OBJECT_FDW: inCatalog('pg_foreign_data_wrapper', 'fdwname'),
  OBJECT_ROLE: inCatalog('pg_roles', 'rolname'),
  OBJECT_SCHEMA: (_node, called) => `to_regnamespace(${literal(name(called))}) is not null`,
}

/** A function by its name and what it takes. */
function routineCalled({ object }: Pick<RenameStmt, 'object'>, called: string): string {
  if (object === undefined || !('ObjectWithArgs' in object)) return 'false'
  const { objname, objargs, args_unspecified } = object.ObjectWithArgs
  const parts = strings(objname)
  const own = [...parts.slice(0, -1), called].map(name).join('.')
  if (args_unspecified) return `to_regproc(${literal(own)}) is not null`
  const types = nodesOf(objargs).map((node) => ('TypeName' in node ? columnType(node.TypeName).name : ''))
  return routineThere(own, types)
}

export function previousName(node: RenameStmt): string {
  if (node.subname) return node.subname
  if (node.object && 'String' in node.object) return textOf(node.object.String.sval)
  if (node.object && 'ObjectWithArgs' in node.object) return textOf(strings(node.object.ObjectWithArgs.objname).at(-1))
  return textOf(partsOf(node.object).at(-1) ?? node.relation?.relname)
}

export function renameBlock(
  text: string,
  from: string,
  to: string,
  names: { what: string; from: string; to: string },
): string {
  return block(`\
  if ${from} and not ${to} then
    ${text};
  elsif (${from}) = (${to}) then
    raise exception 'cannot rename % to % (${names.what.replaceAll("'", "''").replaceAll('%', '%%')}): expected exactly one of the two to exist', ${literal(names.from)}, ${literal(names.to)};
  end if;`)
}
