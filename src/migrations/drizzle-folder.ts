import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { IntegrationsDbError } from '../errors.ts'

/*
 * The only module that knows how drizzle-kit 0.31 lays out its folder: `<tag>.sql` beside
 * `meta/_journal.json` and `meta/<prefix>_snapshot.json`. drizzle-kit 1.0 writes a folder per migration and no journal;
 * it needs a sibling of this file and nothing else.
 */

/** drizzle-kit's own description of a schema; only its own diff looks inside. */
export type Snapshot = {
  version: string
  id: string
  tables: Record<string, { name: string; schema: string }>
  enums: Record<string, { name: string; schema: string }>
  schemas: Record<string, string>
} & Record<string, unknown>

/** One migration as drizzle-kit wrote it. */
export type DrizzleMigration = {
  /** 14 digits, strictly increasing. */
  version: string
  name: string
  /** Path of the SQL file, for messages and headers. */
  file: string
  sql: string
  snapshot: Snapshot
}

type JournalEntry = { idx: number; when: number; tag: string }

/** What a schema looks like before the first migration. */
export const emptySnapshot: Snapshot = {
  version: '7',
  dialect: 'postgresql',
  id: '00000000-0000-0000-0000-000000000000',
  prevId: '',
  tables: {},
  enums: {},
  schemas: {},
  sequences: {},
  roles: {},
  policies: {},
  views: {},
  _meta: { schemas: {}, tables: {}, columns: {} },
}

/** Reads every migration of a drizzle-kit folder, oldest first. */
export async function readDrizzleFolder(folder: string): Promise<DrizzleMigration[]> {
  const journal = await readJson<{ dialect: string; entries: JournalEntry[] }>(join(folder, 'meta', '_journal.json'))
  if (journal.dialect !== 'postgresql') {
    throw new IntegrationsDbError(
      'invalid_input',
      `${join(folder, 'meta', '_journal.json')}: dialect is "${journal.dialect}", only "postgresql" can become Supabase migrations`,
    )
  }
  const migrations: DrizzleMigration[] = []
  for (const entry of [...journal.entries].sort((a, b) => a.idx - b.idx)) {
    const [, prefix, name] = /^([^_]+)_(.+)$/.exec(entry.tag) ?? [undefined, entry.tag, entry.tag]
    const file = join(folder, `${entry.tag}.sql`)
    migrations.push({
      version: versionOf(prefix ?? '', entry.when, migrations.at(-1)?.version),
      name: name ?? entry.tag,
      file,
      sql: (await read(file)).replaceAll('\r\n', '\n'),
      snapshot: await readJson<Snapshot>(join(folder, 'meta', `${prefix}_snapshot.json`)),
    })
  }
  return migrations
}

/** drizzle's own 14 digits where it has them, else the journal's time in UTC; always later than its predecessor. */
function versionOf(prefix: string, whenMilliseconds: number, previous: string | undefined): string {
  const own = /^\d{14}$/.test(prefix) ? prefix : digits(new Date(whenMilliseconds))
  return previous === undefined || own > previous ? own : secondAfter(previous)
}

function secondAfter(version: string): string {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(version)?.map(Number) ?? []
  return digits(new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, (second ?? 0) + 1)))
}

function digits(date: Date): string {
  return date.toISOString().replace(/\D/g, '').slice(0, 14)
}

async function readJson<T>(file: string): Promise<T> {
  try {
    return JSON.parse(await read(file)) as T
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new IntegrationsDbError(
        'invalid_input',
        `${file} is not JSON; restore it from version control, drizzle-kit owns it`,
      )
    }
    throw error
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    throw new IntegrationsDbError(
      'not_found',
      `${file} cannot be read; run drizzle-kit generate, or point --drizzle at its output folder`,
    )
  }
}
