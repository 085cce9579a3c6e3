import { createHash } from 'node:crypto'
import type { DrizzleMigration } from './drizzle-folder.ts'
import type { Extra } from './extras.ts'
import type { MigrationPlan } from './plan.ts'

/** Raised when the same source would give other bytes; files of an older generator stay as they are. */
export const generatorVersion = 1

/** What a written file says about itself in its first lines. */
export type Header = { generator: number; source: string; body: string }

const timeouts = `\
-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';`

/** The two files of one migration, as text. */
export function renderMigration(plan: MigrationPlan, migration: DrizzleMigration, extras: Extra[]) {
  const source = sourceHash(migration, extras)
  const losses = plan.losses.map((loss) => `-- data loss: ${loss}`)
  return {
    migration: render([`-- ${plan.version}_${plan.name}`], plan.up, source),
    rollback: render([`-- ${plan.version}_${plan.name}: rollback`, ...losses], plan.down, source),
  }
}

function render(title: string[], statements: string[], source: string): string {
  const body = `${[timeouts, ...statements].join('\n\n')}\n`
  return [
    ...title,
    '-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.',
    `-- generator: ${generatorVersion} · source: ${source} · body: ${hash(body)}`,
    '',
    body,
  ].join('\n')
}

/** Everything a migration's two files are derived from. */
export function sourceHash(migration: DrizzleMigration, extras: Extra[]): string {
  return hash(JSON.stringify([migration.sql, migration.snapshot, extras]))
}

/** Reads the header back, and whether the body below it is still the one that was written. */
export function readHeader(text: string): (Header & { intact: boolean }) | undefined {
  const match = /^-- generator: (\d+) · source: ([0-9a-f]{64}) · body: ([0-9a-f]{64})\n\n/m.exec(text)
  if (match === null) return undefined
  const [line, generator, source = '', body = ''] = match
  return {
    generator: Number(generator),
    source,
    body,
    intact: hash(text.slice(match.index + line.length)) === body,
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
