import { createHash } from 'node:crypto'
import type { Extra } from '../extras/extra.ts'
import type { DrizzleMigration } from './drizzle-folder.ts'
import type { FilePlan } from './plan.ts'

/** Raised when the same source would give other bytes; files of an older generator stay as they are. */
export const generatorVersion = 3

/** First line of a file whose statements each run by themselves. */
export const noTransaction = '-- integrations-db: no transaction'

/** What a written file says about itself in its first lines. */
export type Header = { generator: number; part: number; parts: number; source: string; body: string }

/** What the files of one migration have in common: hashes of their sources, and whose they are. */
type Origin = { migration: string; rollback: string; project: string }

const timeouts = `\
-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';`

// Without a transaction there is nothing for LOCAL to be local to. A concurrent build waits for others and takes long.
const sessionTimeouts = [
  "set lock_timeout = '5s';\nset statement_timeout = '1h';",
  'reset lock_timeout;\nreset statement_timeout;',
]

/** The two files of a plan, as text. */
export function renderFile(plan: FilePlan, part: number, parts: number, { project, ...sources }: Origin) {
  const title = `${plan.version}_${plan.name}`
  const of = { generator: generatorVersion, part, parts, project }
  const losses = plan.losses.map((loss) => `-- data loss: ${oneLine(loss)}`)
  const [set = '', reset = ''] = sessionTimeouts
  return {
    migration: render(
      plan.transaction ? [`-- ${title}`] : [noTransaction, `-- ${title}`],
      plan.transaction ? [timeouts, ...plan.up] : [set, ...plan.up, reset],
      { ...of, source: sources.migration },
    ),
    rollback: render([`-- ${title}: rollback`, ...losses], [timeouts, ...plan.down], {
      ...of,
      source: sources.rollback,
    }),
  }
}

function render(
  title: string[],
  statements: string[],
  { generator, part, parts, source, project }: Omit<Header, 'body'> & { project: string },
): string {
  const body = `${statements.join('\n\n')}\n`
  return [
    ...title,
    '-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.',
    `-- generator: ${generator} · part: ${part}/${parts} · source: ${source} · body: ${hash(body)}`,
    `-- project: ${project}`,
    '',
    body,
  ].join('\n')
}

/** Everything a migration's files are derived from: the same for all parts of it. */
export function sourceHashes(migration: DrizzleMigration, extras: Extra[]): { migration: string; rollback: string } {
  const { rollback } = migration
  const source = hash(JSON.stringify([migration.source, extras]))
  return { migration: source, rollback: rollback === undefined ? source : hash(JSON.stringify([source, rollback.sql])) }
}

/** Reads the header back, and whether the body below it is still the one that was written. */
export function readHeader(text: string): (Header & { intact: boolean }) | undefined {
  const match =
    /^-- generator: (\d+) · part: (\d+)\/(\d+) · source: ([0-9a-f]{64}) · body: ([0-9a-f]{64})\n(?:-- project: .+\n)?\n/m.exec(
      text,
    )
  if (match === null) return undefined
  const [line, generator, part, parts, source = '', body = ''] = match
  return {
    generator: Number(generator),
    part: Number(part),
    parts: Number(parts),
    source,
    body,
    intact: hash(text.slice(match.index + line.length)) === body,
  }
}

/** A project is told by its first migration, which never changes: no name that could be given twice or taken back. */
export function projectId(first: DrizzleMigration | undefined, extras: Extra[]): string {
  return first === undefined ? '' : sourceHashes(first, extras).migration.slice(0, 16)
}

/** Whose a file is: what tells a database's history of one project from that of another. */
export function projectOf(text: string): string | undefined {
  return /^-- generator: .*\r?\n-- project: ([^\r\n]+)\r?$/m.exec(text)?.[1]
}

/** What a written file was called when it was written, and whose it is: the same whatever it is called where it was copied. */
export function signatureOf(text: string): string | undefined {
  const title = /^-- (\d{14}_\S+)\r?\n-- Written by `integrations-db build`/m.exec(text)?.[1]
  const project = projectOf(text)
  return title === undefined || project === undefined ? undefined : `${project} ${title}`
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

const oneLine = (text: string) => text.replace(/\s+/g, ' ')
