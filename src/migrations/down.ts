import { basename } from 'node:path'
import { block, literal } from '../util/quote.ts'
import { arrange } from './arrange.ts'
import { type Derived, type DiffSnapshots, derive } from './derive.ts'
import type { DrizzleMigration } from './drizzle-folder.ts'
import { effectsOf } from './effects.ts'
import { guardAll } from './guards.ts'
import { whileMarked } from './once.ts'
import { outsideOf } from './outside.ts'
import type { SchemaState } from './plan.ts'
import type { Rename } from './renames.ts'
import { keyOf } from './snapshot.ts'
import type { Part } from './split.ts'
import { parseEach, parseStatements, type Statement, simplify } from './statements.ts'
import { inWorkingOrder } from './up.ts'

export type FileOrder = {
  migration: DrizzleMigration
  part: Part
  version: string
  from: SchemaState
  to: SchemaState
  renames: Rename[]
  diff: DiffSnapshots
}

export const markOf = (version: string) => `${version}.0`

type Down = { statements: string[]; losses: string[]; needsMark: boolean }

export async function planDown({ migration, part, version, from, to, renames, diff }: FileOrder): Promise<Down> {
  if (part.down) return { statements: part.down, losses: [], needsMark: false }
  const origin = `rollback of ${migration.file}`
  if (from.snapshot === undefined || to.snapshot === undefined) {
    return refusal(migration, "drizzle-kit's snapshot of it, or of the migration before it, is missing")
  }
  const outside = outsideOf(part.statements, from.snapshot, to.snapshot)
  const written = part.suffix === '' ? migration.rollback : undefined
  if (outside.unknown[0] && written === undefined) {
    return refusal(migration, `nobody but its author knows the reverse of ${basename(outside.unknown[0].origin)}`)
  }
  const way = await derive(to.snapshot, from.snapshot, renames, diff)
  const foreign = notMadeHere(way, part.statements, renames)
  if (foreign !== undefined && written === undefined) {
    return refusal(
      migration,
      `it would drop ${foreign}, which ${migration.tag}.sql does not create; if that was renamed, say so in ${migration.tag}.renames.json`,
    )
  }
  const byHand = written
    ? await simplify(await parseStatements(written.sql, written.file))
    : await parseEach(outside.inverse, origin)
  // Where the snapshots would drop what was there before, the author's statements alone are the way back.
  const derived = foreign === undefined ? inWorkingOrder(await parseEach(way.statements, origin)) : []
  // What the way up took aside and put back is NOT VALID until the following file; the way back does not touch it.
  const tables = from.snapshot.tables
  const again = (part.unvalidated ?? []).filter(({ table, constraint }) => {
    const { checkConstraints = {}, foreignKeys = {} } = tables[table] ?? {}
    return constraint in checkConstraints || constraint in foreignKeys
  })
  const revalidated = await parseEach(
    again.map(({ validate }) => validate),
    origin,
  )
  const statements = [...byHand, ...derived, ...revalidated]
  let needsMark = false
  const guarded = guardAll(statements, (text) => {
    needsMark = true
    return whileMarked(text, markOf(version))
  })
  return {
    statements: arrange(statements, guarded, to, from, new Set(foreign === undefined ? way.replaced : [])),
    losses: [
      ...(foreign === undefined ? lossesOf(way) : []),
      ...deletions(written ? byHand : []),
      ...(written ? [] : outside.rows.map(({ origin }) => `the rows as they were before ${basename(origin)}`)),
    ],
    needsMark,
  }
}

/** A table or column that the way back would drop though this migration did not make it. */
function notMadeHere(way: Derived, statements: Statement[], renames: Rename[]): string | undefined {
  const made = new Set(statements.flatMap((statement) => effectsOf(statement).makes))
  const renamed = renames.flatMap((rename) => (rename.kind === 'table' ? [`table ${keyOf(rename.to)}`] : []))
  const table = way.drops.tables.find((key) => !made.has(`table ${key}`) && !renamed.includes(`table ${key}`))
  if (table !== undefined) return `table ${table}`
  const column = way.drops.columns.find((key) => !made.has(`column ${key}`))
  return column === undefined ? undefined : `column ${column}`
}

function refusal(migration: DrizzleMigration, reason: string): Down {
  const message = `${migration.tag} cannot be rolled back: ${reason}`
  const remedy = `delete this rollback file, write ${migration.tag}.rollback.sql beside ${migration.tag}.sql and run integrations-db build`
  return {
    statements: [block(`  raise exception '%', ${literal(message)} using hint = ${literal(remedy)};`)],
    losses: [],
    needsMark: false,
  }
}

/** What the author's way back deletes is told in the author's words: only they say which rows. */
function deletions(byHand: Statement[]): string[] {
  return byHand.flatMap(({ node, text }) =>
    'DeleteStmt' in node || 'TruncateStmt' in node ? [`the rows that go with ${text}`] : [],
  )
}

function lossesOf({ drops, restores }: Derived): string[] {
  return [
    ...drops.tables.map((table) => `every row of ${table}`),
    ...drops.columns.map((column) => `the values of ${column}`),
    ...restores.tables.map((table) => `the rows ${table} had before it was dropped`),
    ...restores.columns.map((column) => `the values ${column} had before it was dropped`),
  ]
}
