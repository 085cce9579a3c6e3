import type { RangeVar, RenameStmt, TypeName } from 'libpg-query'
import { block, literal, name, relation } from '../util/quote.ts'
import { nodesOf, partsOf, strings, textOf } from './parse-tree.ts'
import { routineThere } from './presence.ts'
import { columnType } from './types.ts'

/** Whether the object of a RENAME exists under a name. */
export const renames: Record<string, (node: RenameStmt, called: string) => string> = {
  OBJECT_TABLE: classCalled,
  OBJECT_VIEW: classCalled,
  OBJECT_MATVIEW: classCalled,
  OBJECT_SEQUENCE: classCalled,
  OBJECT_INDEX: classCalled,
  OBJECT_COLUMN: ({ relation: table }, called) =>
    `exists (select from pg_attribute where attrelid = to_regclass(${literal(relation(table))}) and attname = ${literal(called)} and not attisdropped)`,
  OBJECT_TABCONSTRAINT: ({ relation: table }, called) =>
    `exists (select from pg_constraint where conrelid = to_regclass(${literal(relation(table))}) and conname = ${literal(called)})`,
  OBJECT_POLICY: ({ relation: table }, called) =>
    `exists (select from pg_policy where polrelid = to_regclass(${literal(relation(table))}) and polname = ${literal(called)})`,
  OBJECT_TRIGGER: ({ relation: table }, called) =>
    `exists (select from pg_trigger where tgrelid = to_regclass(${literal(relation(table))}) and tgname = ${literal(called)})`,
  OBJECT_TYPE: ({ object }, called) => {
    const parts = partsOf(object)
    return `to_regtype(${literal([...parts.slice(0, -1), called].map(name).join('.'))}) is not null`
  },
  OBJECT_DOMAIN: ({ object }, called) => {
    const parts = partsOf(object)
    return `to_regtype(${literal([...parts.slice(0, -1), called].map(name).join('.'))}) is not null`
  },
  OBJECT_FUNCTION: routineCalled,
  OBJECT_PROCEDURE: routineCalled,
  OBJECT_ROUTINE: routineCalled,
  OBJECT_AGGREGATE: routineCalled,
  OBJECT_RULE: ({ relation: table }, called) =>
    `exists (select from pg_rewrite where ev_class = to_regclass(${literal(relation(table))}) and rulename = ${literal(called)})`,
  OBJECT_FOREIGN_TABLE: classCalled,
  OBJECT_ATTRIBUTE: ({ relation: type }, called) =>
    `exists (select from pg_attribute where attrelid = to_regclass(${literal(relation(type))}) and attname = ${literal(called)} and not attisdropped)`,
  OBJECT_DOMCONSTRAINT: ({ object }, called) =>
    `exists (select from pg_constraint where contypid = to_regtype(${literal(partsOf(object).map(name).join('.'))}) and conname = ${literal(called)})`,
  OBJECT_PUBLICATION: (_node, called) => `exists (select from pg_publication where pubname = ${literal(called)})`,
  OBJECT_EVENT_TRIGGER: (_node, called) => `exists (select from pg_event_trigger where evtname = ${literal(called)})`,
  OBJECT_FOREIGN_SERVER: (_node, called) => `exists (select from pg_foreign_server where srvname = ${literal(called)})`,
  OBJECT_FDW: (_node, called) => `exists (select from pg_foreign_data_wrapper where fdwname = ${literal(called)})`,
  OBJECT_STATISTIC_EXT: ({ object }, called) =>
    `exists (select from pg_statistic_ext where stxname = ${literal(called)} and stxnamespace = to_regnamespace(${literal(name(partsOf(object).length > 1 ? partsOf(object)[0] : 'public'))}))`,
  OBJECT_COLLATION: ({ object }, called) =>
    `to_regcollation(${literal([...partsOf(object).slice(0, -1), called].map(name).join('.'))}) is not null`,
  OBJECT_SCHEMA: (_node, called) => `to_regnamespace(${literal(name(called))}) is not null`,
  OBJECT_ROLE: (_node, called) => `exists (select from pg_roles where rolname = ${literal(called)})`,
}

/** A function by its name and what it takes. */
function routineCalled({ object }: Pick<RenameStmt, 'object'>, called: string): string {
  if (object === undefined || !('ObjectWithArgs' in object)) return 'false'
  const { objname, objargs, args_unspecified } = object.ObjectWithArgs
  const parts = strings(objname)
  const own = [...parts.slice(0, -1), called].map(name).join('.')
  if (args_unspecified) return `to_regproc(${literal(own)}) is not null`
  const types = nodesOf(objargs).map((node) => ('TypeName' in node ? typeInSql(node.TypeName) : ''))
  return routineThere(own, types)
}

/** A type as `to_regprocedure` reads it. */
function typeInSql(type: TypeName): string {
  const { name: base } = columnType(type)
  return base
}

function classCalled({ relation: table }: RenameStmt, called: string): string {
  return `to_regclass(${literal(relation({ ...table, relname: called } as RangeVar))}) is not null`
}

export function previousName(node: RenameStmt): string {
  if (node.subname) return node.subname
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
