import { diffExtras } from '../extras/extra.ts'
import { arrange } from './arrange.ts'
import { claim, claimOf, madeBy } from './claims.ts'
import { type FileOrder, markOf, planDown } from './down.ts'
import type { DrizzleMigration } from './drizzle-folder.ts'
import { guardAll } from './guards.ts'
import { mark, once, prepareMarks, removeMarks } from './once.ts'
import { replayAll } from './replay.ts'
import type { Side } from './side.ts'
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

/** Plans the files of one migration, and gives the state they lead to. */
export async function planMigration(
  migration: DrizzleMigration,
  before: Side,
  extras: Side['extras'],
  previousVersion: string | undefined,
): Promise<{ plans: FilePlan[]; after: Side }> {
  const { statements, unknown, rows } = await upStatements(migration, before.state)
  const changedExtras = diffExtras(before.extras, extras, () => true)
  const parts = await split(statements, [...changedExtras.createBefore, ...changedExtras.createAfter], before.state)

  const plans: FilePlan[] = []
  let from = before
  for (const part of parts) {
    const version = laterThan(plans.at(-1)?.version ?? previousVersion, migration.stamp)
    const isMain = part.suffix === ''
    const to: Side = { state: replayAll(from.state, part.statements), extras: isMain ? extras : from.extras }
    plans.push(await planFile({ migration, part, version, from, to, unknown, rows }))
    from = to
  }
  return { plans, after: from }
}

async function planFile(order: FileOrder): Promise<FilePlan> {
  const { migration, part, version, from, to } = order
  const made = madeBy(part.statements, from.state)
  const down = await planDown(order, made)
  let marks = down.needsMark || made.size > 0
  const guarded = guardAll(
    part.statements,
    (text, at) => {
      marks = true
      return once(text, `${version}.${at + 1}`)
    },
    from.state,
    { made: { things: made, mark: (key) => claimOf(version, key) } },
  )
  const up = arrange(part.statements, guarded, from, to, remadeTypes(part.statements))
  const closing = part.suffix === '' ? await closingComments(migration.sql, migration.file) : ''
  return {
    version,
    name: `${migration.name}${part.suffix}`,
    transaction: part.transaction,
    up: [
      ...(marks ? [prepareMarks] : []),
      ...claim(made, from.state, version),
      ...up,
      ...(closing === '' ? [] : [closing]),
      ...(down.needsMark ? [mark(markOf(version))] : []),
    ],
    down: [...down.statements, ...(marks ? [removeMarks(version)] : [])],
    losses: down.losses,
  }
}
