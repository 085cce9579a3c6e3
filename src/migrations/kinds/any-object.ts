import type { Node, RangeVar } from 'libpg-query'
import { array, block, literal, name, relation } from '../../util/quote.ts'
import { removeDependents } from '../dependents.ts'
import { domainConstraintRenamed } from '../domains.ts'
import type { Nodes } from '../nodes.ts'
import { objectKey } from '../objects.ts'
import { dropOfNothing } from '../outcome.ts'
import { droppedNames, nodesOf, partsOf, strings, tableName, textOf } from '../parse-tree.ts'
import { renameObject } from '../rename-state.ts'
import { previousName, renameBlock, renames } from '../renaming.ts'
import { setting } from '../settings.ts'
import { type Key, relationKey, type State } from '../state.ts'
import { insertAfter, type Statement } from '../statements.ts'
import { renameViewColumn } from '../view-columns.ts'
import { attributeRenamed } from './attributes.ts'
import { anEnd, asIs } from './forms.ts'
import type { Names, Rows } from './row.ts'

/* Statements that work on objects of any kind: DROP, RENAME, SET SCHEMA, COMMENT. */

export const anyObject: Rows = {
  DropStmt: {
    guard: (statement, node, { before }) => {
      // drizzle-kit writes CASCADE everywhere. A host's view must not be taken along: without CASCADE PostgreSQL names
      // what is in the way and drops nothing.
      const words = statement.text.replace(/\s+cascade$/i, '')
      const restricted = {
        ...statement,
        text: node.removeType === 'OBJECT_TABLE' || node.removeType === 'OBJECT_POLICY' ? words : statement.text,
      }
      const after = node.concurrent ? 'concurrently' : lastWordOf(node.removeType)
      if (node.removeType === 'OBJECT_TABLE' && statement.origin.startsWith('rollback of '))
        return ifOurs(restricted, before)
      return node.missing_ok ? restricted.text : insertAfter(restricted, after, 'IF EXISTS')
    },
    effect: (state, _statement, node) => {
      let lost: Key | undefined
      for (const object of nodesOf(node.objects)) {
        const key = objectKey(state, node.removeType, object)
        if (key === undefined || state.get(key) === undefined)
          lost = dropOfNothing(state, key ?? '', node.missing_ok, key?.split('.').at(-1) ?? '').missing ?? lost
        else {
          if (node.behavior === 'DROP_CASCADE') removeDependents(state, key)
          for (const one of partitionsOf(state, key)) state.remove(one)
          state.remove(key)
        }
      }
      return lost === undefined ? {} : { unknown: true, missing: lost }
    },
    names: dropNames,
  },
  RenameStmt: {
    guard: (statement, node, { once }) => {
      const catalog = renames[textOf(node.renameType)]
      if (catalog === undefined) return once(statement.text)
      const [from, to] = [catalog(node, previousName(node)), catalog(node, textOf(node.newname))]
      const what = `${textOf(node.renameType)
        .replace(/^OBJECT_(TAB)?/, '')
        .toLowerCase()} of ${relation(node.relation)}`
      return renameBlock(statement.text, from, to, { what, from: previousName(node), to: textOf(node.newname) })
    },
    effect: (state, statement, node, replay) => {
      if (node.renameType === 'OBJECT_DOMCONSTRAINT')
        return setting(domainConstraintRenamed)(state, statement, node, replay)
      if (node.renameType === 'OBJECT_ATTRIBUTE') return setting(attributeRenamed)(state, statement, node, replay)
      if (node.renameType === 'OBJECT_COLUMN' && /^OBJECT_(MAT)?VIEW$/.test(textOf(node.relationType)))
        return renameViewColumn(state, node)
      return renameObject(state, node)
    },
    names: renameNames,
  },
  AlterObjectSchemaStmt: {
    guard: (statement, node, { once }) => {
      const moved = (schema: string | undefined): string => {
        const parts = node.object && 'List' in node.object ? strings(node.object.List.items) : []
        const own = node.relation?.relname ?? parts.at(-1)
        const at = schema
          ? `${name(schema)}.${name(own)}`
          : node.relation
            ? relation(node.relation)
            : parts.map(name).join('.')
        return `${node.objectType === 'OBJECT_TYPE' ? 'to_regtype' : 'to_regclass'}(${literal(at)}) is not null`
      }
      if (!/^OBJECT_(TABLE|TYPE|SEQUENCE|VIEW|MATVIEW)$/.test(textOf(node.objectType))) return once(statement.text)
      return renameBlock(statement.text, moved(undefined), moved(node.newschema), {
        what: 'schema of it',
        from: node.relation?.schemaname ?? 'public',
        to: textOf(node.newschema),
      })
    },
    effect: (state, _statement, node) => renameObject(state, node),
    names: moveNames,
  },
  CommentStmt: {
    // These state an end, not a step: running them twice is the same as once.
    guard: asIs,
    effect: setting((state, node, { text, words }) => {
      const { objtype, object, comment } = node
      const on = objectKey(state, objtype, object)
      if (on === undefined) return undefined
      const at = words.findLastIndex((word) => /^is$/i.test(word.text))
      // A view's columns are known by its text alone.
      const [column, view = '', schema = 'public'] = objtype === 'OBJECT_COLUMN' ? partsOf(object).reverse() : []
      const owner = relationKey('view', schema, view)
      const said = { reset: `${text.slice(0, words[at]?.end)} NULL`, gone: comment === undefined }
      return column !== undefined && state.get(owner)
        ? { on: owner, facet: `comment of ${column}`, ...said }
        : { on, facet: 'comment', ...said }
    }),
  },
  SecLabelStmt: anEnd,
  AlterObjectDependsStmt: anEnd,
}

/** The word behind which IF EXISTS stands: the last one in front of the name. */
function lastWordOf(kind: string | undefined): string {
  const word = textOf(kind).replace(/^OBJECT_(TS)?/, '')
  const others = { MATVIEW: 'view', STATISTIC_EXT: 'statistics', OPCLASS: 'class', OPFAMILY: 'family', FDW: 'wrapper' }
  return others[word as keyof typeof others] ?? word.replace(/^.*_/, '').toLowerCase()
}

/** What goes with a partitioned table, its partitions' partitions first. */
function partitionsOf(state: State, key: Key): Key[] {
  const table = state.of('table', key)
  if (table === undefined || !/\bpartition\s+by\b/i.test(table.whole ?? table.tail)) return []
  const parts = state.all('table').filter(({ refs }) => refs.includes(key))
  return parts.flatMap((part) => [...partitionsOf(state, part.key), part.key])
}

/** A rollback drops a table that its migration made. One with other columns was there before, or holds more than ours. */
function ifOurs(statement: Statement, before: State): string {
  const drop = insertAfter(statement, 'table', 'IF EXISTS')
  const [parts = []] = 'DropStmt' in statement.node ? droppedNames(statement.node.DropStmt) : []
  const key = `table ${parts.length > 1 ? parts.join('.') : `public.${parts[0]}`}`
  const own = before.columns(key)
  if (own.length === 0) return drop
  const table = literal(parts.map(name).join('.'))
  const parents = before.get(key)?.refs ?? []
  // What it inherits is its own too, once it did not inherit for a while.
  const columns = [...new Set([key, ...parents].flatMap((one) => before.columns(one)).map(({ name }) => name))]
  return block(
    `\
  select string_agg(quote_ident(attname), ', ') into others from pg_attribute
  where attrelid = to_regclass(${table}) and attnum > 0 and not attisdropped${parents.length > 0 ? ' and attislocal' : ''} and attname <> all (${array(columns)});
  if others is null then
    ${drop};
  else
    raise warning '% has columns that no migration made, so it stays: %', ${table}, others;
  end if;`,
    ['others text'],
  )
}

/** What can be renamed and moved, by the parser's word for it. */
const movable: Record<string, string> = {
  OBJECT_TABLE: 'table',
  OBJECT_TYPE: 'type',
  OBJECT_SEQUENCE: 'sequence',
  OBJECT_VIEW: 'view',
  OBJECT_MATVIEW: 'view',
}

/** Schema and name of a relation, or of a type, which is a list of names. */
function placeOf(relation: RangeVar | undefined, object: Node | undefined): [schema: string, name: string] {
  if (relation !== undefined) return [relation.schemaname || 'public', textOf(relation.relname)]
  const parts = object && 'List' in object ? strings(object.List.items) : []
  return [parts.length > 1 ? textOf(parts[0]) : 'public', textOf(parts.at(-1))]
}

function renameNames(rename: Nodes['RenameStmt']): Partial<Names> {
  const table = tableName(rename.relation)
  const kind = movable[textOf(rename.renameType)]
  if (kind !== undefined) {
    const [schema, own] = placeOf(rename.relation, rename.object)
    return { makes: [`${kind} ${schema}.${rename.newname}`], removes: [`${kind} ${schema}.${own}`] }
  }
  if (/^OBJECT_(COLUMN|ATTRIBUTE)$/.test(textOf(rename.renameType))) {
    return {
      needs: rename.relationType === 'OBJECT_TABLE' ? [`table ${table}`] : [],
      makes: [`column ${table}.${rename.newname}`],
      removes: [`column ${table}.${rename.subname}`],
    }
  }
  const onTable = ['OBJECT_TABCONSTRAINT', 'OBJECT_POLICY', 'OBJECT_TRIGGER'].includes(textOf(rename.renameType))
  return onTable ? { needs: [`table ${table}`] } : {}
}

function moveNames({ objectType, relation, object, newschema }: Nodes['AlterObjectSchemaStmt']): Partial<Names> {
  const kind = movable[textOf(objectType)]
  if (kind === undefined) return {}
  const [schema, own] = placeOf(relation, object)
  return { removes: [`${kind} ${schema}.${own}`], makes: [`${kind} ${newschema}.${own}`] }
}

function dropNames(drop: Nodes['DropStmt']): Partial<Names> {
  if (drop.removeType !== 'OBJECT_TABLE') return {}
  return {
    removes: droppedNames(drop).map((parts) => `table ${parts.length > 1 ? parts.join('.') : `public.${parts[0]}`}`),
  }
}
