import type { RangeVar, RenameStmt } from 'libpg-query'
import { block, literal, name, relation } from '../util/quote.ts'
import { partsOf, textOf } from './parse-tree.ts'

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
  OBJECT_SCHEMA: (_node, called) => `to_regnamespace(${literal(name(called))}) is not null`,
  OBJECT_ROLE: (_node, called) => `exists (select from pg_roles where rolname = ${literal(called)})`,
}

function classCalled({ relation: table }: RenameStmt, called: string): string {
  return `to_regclass(${literal(relation({ ...table, relname: called } as RangeVar))}) is not null`
}

export function previousName(node: RenameStmt): string {
  if (node.subname) return node.subname
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
