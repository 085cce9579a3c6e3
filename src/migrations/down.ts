import { basename } from 'node:path'
import { block, literal } from '../util/quote.ts'
import { arrange } from './arrange.ts'
import { claimOf } from './claims.ts'
import { diff } from './diff.ts'
import type { DrizzleMigration } from './drizzle-folder.ts'
import { guardAll } from './guards.ts'
import { losses } from './losses.ts'
import { whileMarked } from './once.ts'
import { replayAll } from './replay.ts'
import { schedule } from './schedule.ts'
import type { Side } from './side.ts'
import type { Part } from './split.ts'
import type { Key } from './state.ts'
import { parseNow, parseStatements, type Statement, simplify } from './statements.ts'
import { remadeTypes, renamesIn, reversed } from './up.ts'

export type FileOrder = {
  migration: DrizzleMigration
  part: Part
  version: string
  from: Side
  to: Side
  unknown: Statement[]
  rows: Statement[]
}

export const markOf = (version: string) => `${version}.0`

type Down = { statements: string[]; losses: string[]; needsMark: boolean }

export async function planDown(
  { migration, part, version, from, to, unknown, rows }: FileOrder,
  made: Map<Key, unknown>,
): Promise<Down> {
  const origin = `rollback of ${migration.file}`
  const isMain = part.suffix === ''
  const written = isMain ? migration.rollback : undefined
  if (isMain && unknown[0] && written?.whole !== true) {
    return refusal(migration, `nobody but its author knows the reverse of ${basename(unknown[0].origin)}`)
  }
  const byHand = written ? await simplify(await parseStatements(written.sql, written.file)) : []
  const start = replayAll(to.state, byHand)
  const back = reversed(renamesIn(part.statements, from.state))
  const way = diff(start, from.state, back)
  if (way.unknown[0] && written?.whole !== true) {
    return refusal(
      migration,
      `nobody but its author knows what ${way.unknown[0].name} of ${way.unknown[0].on} was before`,
    )
  }
  const derived = schedule(parseNow(way.statements, origin), start, from.state, origin)
  const statements = [...byHand, ...derived]
  let needsMark = false
  const guarded = guardAll(
    statements,
    (text) => {
      needsMark = true
      return whileMarked(text, markOf(version))
    },
    to.state,
    { whereMade: (key, text) => (made.has(key) ? whileMarked(text, claimOf(version, key)) : undefined) },
  )
  return {
    statements: arrange(statements, guarded, to, from, remadeTypes(derived)),
    losses: [
      ...losses(start, from.state, back),
      ...deletions(byHand),
      ...(written || !isMain ? [] : rows.map(({ origin }) => `the rows as they were before ${basename(origin)}`)),
    ],
    needsMark,
  }
}

function refusal(migration: DrizzleMigration, reason: string): Down {
  const message = `${migration.tag} cannot be rolled back: ${reason}`
  const hint = `delete this rollback file, write ${migration.tag}.rollback.sql beside ${migration.tag}.sql and run integrations-db build`
  return {
    statements: [block(`  raise exception '%', ${literal(message)} using hint = ${literal(hint)};`)],
    losses: [],
    needsMark: false,
  }
}

/** What the author's rollback deletes is told in the author's words: only they say which rows. */
function deletions(byHand: Statement[]): string[] {
  return byHand.flatMap(({ node, text }) =>
    'DeleteStmt' in node || 'TruncateStmt' in node ? [`the rows that go with ${text}`] : [],
  )
}
