import { name } from '../util/quote.ts'
import { diff } from './diff.ts'
import type { DrizzleMigration } from './drizzle-folder.ts'
import { sqlOf } from './make.ts'
import { commandOf, droppedNames, tableName } from './parse-tree.ts'
import { each, relationOf } from './references.ts'
import { isVouched } from './refusals.ts'
import { applyRename, type Rename, renameOf } from './rename-state.ts'
import { replay, replayAll, trace } from './replay.ts'
import { schedule } from './schedule.ts'
import type { Snapshot } from './snapshot.ts'
import { stateOf } from './snapshot-sql.ts'
import { type Column, partKey, pathOf, type State, type Thing } from './state.ts'
import { parseNow, parseStatements, refuse, type Statement, simplify } from './statements.ts'
import { primaryKeyOf } from './table-state.ts'

/** A migration's statements in an order that works, and what of them no state shows. */
export type Up = {
  statements: Statement[]
  /** Statements whose effect nobody can read from them. */
  unknown: Statement[]
  /** Statements that change rows. */
  rows: Statement[]
}

/**
 * What the file says, in an order that works. Where a file beside it says that something was renamed, the way between the
 * two states takes the place of the statements that drop and create.
 */
export async function upStatements(migration: DrizzleMigration, before: State): Promise<Up> {
  const statements = requiredFirst(await simplify(await parseStatements(migration.sql, migration.file)), before)
  for (const statement of statements)
    if (each(statement.node, 'ParamRef').next().value)
      throw refuse(statement, 'a parameter ($1)', 'write the value into the Drizzle definition: sql`…`')
  const target = before.copy()
  target.later = replayAll(before, statements)
  const traces = statements.map((statement) => trace(target, statement))
  const wasRemoved = (key: string, before: number) => traces.slice(0, before).some(({ log }) => log.removed.has(key))
  const found = (does: 'unknown' | 'rows') =>
    statements.filter((_, i): boolean | undefined => {
      const { missing, about, ...outcome } = traces[i]?.outcome ?? {}
      const isMadeHere = about !== undefined && before.get(about) === undefined && target.get(about) !== undefined
      return (
        !isVouched(statements[i] as Statement) &&
        outcome[does] &&
        !(missing !== undefined && wasRemoved(missing, i)) &&
        !(does === 'unknown' && isMadeHere)
      )
    })
  if (migration.renames !== undefined && migration.snapshot !== undefined) {
    const [was, is] = [
      migration.previous === undefined ? before : stateOf(migration.previous),
      stateOf(migration.snapshot),
    ]
    const renamed = was.copy()
    for (const rename of migration.renames) applyRename(renamed, rename)
    keepImplicitNames(renamed, is)
    const derived = parseNow(diff(was, is, migration.renames).statements, migration.file)
    return { statements: schedule(derived, before, replayAll(before, derived), migration.file), unknown: [], rows: [] }
  }
  // What a column takes along that is dropped and made anew comes back with it.
  for (const [i, { lost }] of traces.entries())
    for (const [key, thing] of commandOf((statements[i] as Statement).node)?.subtype === 'AT_DropColumn' ? lost : []) {
      const column = [...lost.values()].find((one) => one.kind === 'column' && target.get(one.key) !== undefined)
      if (
        column &&
        thing !== column &&
        target.get(key) === undefined &&
        thing.refs.every((ref) => before.get(ref) === undefined || target.get(ref) !== undefined)
      )
        target.put(thing)
    }
  target.later = undefined
  statements.push(...parseNow(asTheSnapshotSays(statements, before, target, migration.snapshot), migration.file))
  return {
    statements: schedule(statements, before, replayed(target), migration.file, isDrizzles(migration)),
    unknown: found('unknown'),
    rows: found('rows'),
  }

  function replayed(state: State): State {
    for (const statement of statements.slice(traces.length)) replay(state, statement)
    return state
  }
}

/** PostgreSQL makes a column an identity only where it is NOT NULL, which drizzle-kit writes afterwards or not at all. */
function requiredFirst(statements: Statement[], before: State): Statement[] {
  // One more run through the file, where it is needed.
  if (!statements.some(({ node }) => commandOf(node)?.subtype === 'AT_AddIdentity')) return statements
  const now = before.copy()
  const out: Statement[] = []
  for (const statement of statements) {
    const command = commandOf(statement.node)
    if (command?.subtype === 'AT_AddIdentity' && 'AlterTableStmt' in statement.node) {
      const table = relationOf(now, statement.node.AlterTableStmt.relation)
      const column = now.of('column', partKey('column', table, command.name ?? ''))
      const text = `ALTER TABLE ${sqlOf(now, table)} ALTER COLUMN ${name(command.name)} SET NOT NULL`
      if (column !== undefined && !column.notNull) out.push(...parseNow([text], statement.origin))
    }
    out.push(statement)
    replay(now, statement)
  }
  return out
}

/**
 * What drizzle-kit knows may be recreated. A view or trigger by hand is its author's: where it is in the way
 * PostgreSQL says so, as it does of the file itself.
 */
function isDrizzles({ previous, snapshot }: DrizzleMigration): (thing: Thing) => boolean {
  if (previous === undefined && snapshot === undefined) return () => true
  return (thing) => {
    if (thing.kind === 'view') return [previous, snapshot].some((one) => one?.views[pathOf(thing.key)] !== undefined)
    return thing.kind !== 'object'
  }
}

/**
 * What drizzle-kit forgets to write: a default of `0` or `false` beside a new type, and that columns take NULL again which
 * a primary key made NOT NULL.
 */
function asTheSnapshotSays(
  statements: Statement[],
  before: State,
  target: State,
  snapshot: Snapshot | undefined,
): string[] {
  const told = (column: Column) => {
    const table = snapshot?.tables[pathOf(column.on)]
    return table?.columns[column.name] as { default?: unknown; notNull?: boolean } | undefined
  }
  const isSet = (column: Column) =>
    statements.some(({ node }) => {
      const command = commandOf(node)
      return (
        command?.subtype === 'AT_ColumnDefault' &&
        command.name === column.name &&
        'AlterTableStmt' in node &&
        `table ${tableName(node.AlterTableStmt.relation)}` === column.on
      )
    })
  // Of a sequence that cycles no more it says nothing.
  const cycling = target.all('sequence').flatMap((sequence) => {
    const wanted = snapshot?.sequences[pathOf(sequence.key)] as { cycle?: boolean } | undefined
    const isAltered = before.get(sequence.key) !== undefined && before.get(sequence.key) !== sequence
    return isAltered && sequence.options.cycle === 'CYCLE' && wanted?.cycle === false
      ? [`ALTER SEQUENCE ${sqlOf(target, sequence.key)} NO CYCLE`]
      : []
  })
  const columns = target.all('column').flatMap((column) => {
    const was = before.of('column', column.key)
    const wanted = told(column)
    const alter = `ALTER TABLE ${sqlOf(target, column.on)} ALTER COLUMN ${name(column.name)}`
    const isFalsy = (wanted?.default === 0 || wanted?.default === false) && column.default !== String(wanted.default)
    const freed =
      column.byKey && wanted?.notNull === false && !primaryKeyOf(target, column.on)?.columns.includes(column.name)
    return [
      ...(was && was.type !== column.type && isFalsy && !isSet(column)
        ? [`${alter} SET DEFAULT ${wanted?.default}`]
        : []),
      ...(was && was !== column && freed ? [`${alter} DROP NOT NULL`] : []),
      ...(was && was === column && freed && primaryKeyOf(before, column.on)?.columns.includes(column.name)
        ? [`${alter} DROP NOT NULL`]
        : []),
    ]
  })
  return [...cycling, ...columns]
}

/** The state a migration leads to, without the files for it. */
export async function stateAfter(migration: DrizzleMigration, before: State): Promise<State> {
  return replayAll(before, (await upStatements(migration, before)).statements)
}

/** A table that is renamed keeps what its primary key and sequences are called. */
function keepImplicitNames(renamed: State, target: State): void {
  for (const key of renamed.all('constraint')) {
    const other = target.all('constraint').find((one) => one.on === key.on && one.type === 'p')
    if (key.type === 'p' && other && other.key !== key.key) {
      target.remove(other.key)
      target.put({ ...other, key: key.key, name: key.name })
    }
  }
  for (const column of renamed.all('column')) {
    const other = target.of('column', column.key)
    const sequence = renamed.of('sequence', column.serial)
    if (other?.serial === undefined || sequence === undefined || other.serial === sequence.key) continue
    target.remove(other.serial)
    target.put(sequence)
    target.put({ ...other, serial: sequence.key, refs: column.refs })
  }
}

/** The renames that statements spell out, in their order, from a state. */
export function renamesIn(statements: Statement[], from: State): Rename[] {
  const at = from.copy()
  return statements.flatMap((statement): Rename[] => {
    const { node } = statement
    const rename =
      'RenameStmt' in node
        ? renameOf(at, node.RenameStmt)
        : 'AlterObjectSchemaStmt' in node
          ? renameOf(at, node.AlterObjectSchemaStmt)
          : undefined
    const known = rename !== undefined && at.get(rename.from) !== undefined
    trace(at, statement)
    if (known) return [rename]
    if (!('AlterEnumStmt' in node) || node.AlterEnumStmt.oldVal === undefined) return []
    const [type] = at.log.changed
    return type === undefined ? [] : [{ type, from: node.AlterEnumStmt.oldVal, to: node.AlterEnumStmt.newVal ?? '' }]
  })
}

/** The renames that lead back, newest first. */
export function reversed(renames: Rename[]): Rename[] {
  return renames.map((rename): Rename => ({ ...rename, from: rename.to, to: rename.from })).reverse()
}

/** Types that a file drops: where they are there afterwards, it made them anew. */
export function remadeTypes(statements: Statement[]): Set<string> {
  return new Set(
    statements.flatMap(({ node }) =>
      'DropStmt' in node && node.DropStmt.removeType === 'OBJECT_TYPE'
        ? droppedNames(node.DropStmt).map((parts) => (parts.length > 1 ? parts.join('.') : `public.${parts[0]}`))
        : [],
    ),
  )
}
