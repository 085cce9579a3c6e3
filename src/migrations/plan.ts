import { diffExtras, type Extra } from '../extras/extra.ts'
import { arrange } from './arrange.ts'
import type { DiffSnapshots } from './derive.ts'
import { type FileOrder, markOf, planDown } from './down.ts'
import type { DrizzleMigration } from './drizzle-folder.ts'
import { guardAll } from './guards.ts'
import { mark, once, prepareMarks, removeMarks } from './once.ts'
import { renamesIn } from './renames.ts'
import type { Snapshot } from './snapshot.ts'
import { split } from './split.ts'
import { closingComments } from './statements.ts'
import { remadeTypes, upStatements } from './up.ts'
import { laterThan } from './versions.ts'

/** One file and its reverse, as statements that can run twice. */
export type FilePlan = {
  version: string
  name: string
  /** Whether the file runs in one transaction; only concurrent index builds do not. */
  transaction: boolean
  up: string[]
  down: string[]
  /** What the rollback cannot bring back, in words; empty where nothing is lost. */
  losses: string[]
}

/** A state of the schema: what drizzle-kit knows of it, and what it does not. */
export type SchemaState = { snapshot: Snapshot | undefined; extras: Extra[] }

/** Plans the files of one migration: drizzle-kit's statements up, the snapshots' difference down, extras around both. */
export async function planMigration(
  migration: DrizzleMigration,
  before: SchemaState,
  after: SchemaState,
  previousVersion: string | undefined,
  diff: DiffSnapshots,
): Promise<FilePlan[]> {
  const statements = await upStatements(migration, before, after, diff)
  const renames = migration.renames ?? renamesIn(statements)
  const changedExtras = diffExtras(before.extras, after.extras, () => true)
  const parts = await split(statements, [...changedExtras.createBefore, ...changedExtras.createAfter])

  const plans: FilePlan[] = []
  let state = before
  for (const part of parts) {
    const version = laterThan(plans.at(-1)?.version ?? previousVersion, migration.stamp)
    const isMain = part.suffix === ''
    const reached: SchemaState = {
      snapshot: before.snapshot && after.snapshot && part.reached(before.snapshot, after.snapshot),
      extras: isMain ? after.extras : state.extras,
    }
    plans.push(
      await planFile({ migration, part, version, from: state, to: reached, renames: isMain ? renames : [], diff }),
    )
    state = reached
  }
  return plans
}

async function planFile({ migration, part, version, from, to, renames, diff }: FileOrder): Promise<FilePlan> {
  const down = await planDown({ migration, part, version, from, to, renames, diff })
  let marks = down.needsMark
  const up = arrange(
    part.statements,
    guardAll(part.statements, (text, at) => {
      marks = true
      return once(text, `${version}.${at + 1}`)
    }),
    from,
    to,
    remadeTypes(part.statements),
  )
  const closing = part.suffix === '' ? await closingComments(migration.sql) : ''
  return {
    version,
    name: `${migration.name}${part.suffix}`,
    transaction: part.transaction,
    up: [
      ...(marks ? [prepareMarks] : []),
      ...up,
      ...(closing === '' ? [] : [closing]),
      ...(down.needsMark ? [mark(markOf(version))] : []),
    ],
    down: [...down.statements, ...(marks ? [removeMarks(version)] : [])],
    losses: down.losses,
  }
}
