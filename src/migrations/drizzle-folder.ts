import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { IntegrationsDbError } from '../errors.ts'
import type { Rename } from './rename-state.ts'
import type { Snapshot } from './snapshot.ts'
import { versionAt } from './versions.ts'

/*
 * The only module that knows how drizzle-kit 0.31 lays out its folder: `<tag>.sql` beside
 * `meta/_journal.json` and `meta/<prefix>_snapshot.json`. drizzle-kit 1.0 writes a folder per migration and no journal;
 * it needs a sibling of this file and nothing else. Beside `<tag>.sql` two files may be written by hand:
 * `<tag>.rollback.sql` and `<tag>.renames.json`.
 */

/** One migration as drizzle-kit wrote it, and what was written by hand beside it. */
export type DrizzleMigration = {
  /** drizzle-kit's name of it, unique in the folder. */
  tag: string
  /** 14 digits: the prefix where it has them, else the journal's time in UTC. */
  stamp: string
  name: string
  /** Path of the SQL file, for messages. */
  file: string
  sql: string
  /** All that was read, as it was read: what the files' hashes are of. */
  source: string
  /** Absent where drizzle-kit's file of it is: then nothing tells the rollback. */
  snapshot: Snapshot | undefined
  /** The snapshot of the migration before it. */
  previous: Snapshot | undefined
  rollback: { file: string; sql: string; whole: boolean } | undefined
  /** What `<tag>.renames.json` says was renamed, though the statements drop and create. */
  renames: Rename[] | undefined
}

type JournalEntry = { when: number; tag: string }

/** Reads every migration of a drizzle-kit folder, oldest first. */
export async function readDrizzleFolder(folder: string): Promise<DrizzleMigration[]> {
  const journalFile = join(folder, 'meta', '_journal.json')
  const journal = parseJson<{ dialect: string; entries: JournalEntry[] }>(await read(journalFile), journalFile)
  // drizzle-kit's first versions called it "pg", and its `up` leaves the journal as it is.
  if (journal.dialect !== 'postgresql' && journal.dialect !== 'pg') {
    throw new IntegrationsDbError(
      'invalid_input',
      `${journalFile}: dialect is "${journal.dialect}", only "postgresql" can become Supabase migrations`,
    )
  }
  // A merge can leave an entry twice; drizzle-kit runs each file once.
  const entries = [...new Map(journal.entries.map((entry) => [entry.tag, entry])).values()]
  const migrations = await Promise.all(entries.map((entry) => readMigration(folder, entry)))
  return migrations.map((migration, i) => ({ ...migration, previous: migrations[i - 1]?.snapshot }))
}

/** SQL that nothing leads to, each with what to do about it: left out without a word it would be missed. */
export async function unreadFiles(folder: string, migrations: DrizzleMigration[]): Promise<string[]> {
  const known = new Set(
    migrations.flatMap(({ tag, sql }) => [
      `${tag}.sql`,
      `${tag}.rollback.sql`,
      `${tag}.renames.json`,
      ...undoneBy(sql),
    ]),
  )
  const names = await readdir(folder)
  return names
    .filter((name) => /\.(sql|renames\.json)$/.test(name) && !known.has(name))
    .sort()
    .map((name) => {
      const what = /\.(rollback\.sql|renames\.json)$/.test(name)
        ? 'lies beside no migration of that name, so nothing reads it; rename it after one'
        : 'is in no journal, so drizzle-kit would not run it and it is left out; move it elsewhere, or make it a migration with drizzle-kit generate --custom'
      return `${join(folder, name)}: ${what}`
    })
}

/** What `drizzle-kit generate --custom` writes where a person is to write. */
const placeholder = /^-- Custom SQL migration file, put your code below! --\n?/m

async function readMigration(folder: string, { tag, when }: JournalEntry): Promise<DrizzleMigration> {
  const [, prefix = tag, name = tag] = /^([^_]+)_(.+)$/.exec(tag) ?? []
  const beside = (suffix: string) => join(folder, `${tag}${suffix}`)
  const snapshotFile = join(folder, 'meta', `${prefix}_snapshot.json`)
  const sql = (await read(beside('.sql'))).replaceAll('\r\n', '\n')
  const snapshotText = await readIfThere(snapshotFile)
  const snapshot = snapshotText === undefined ? undefined : parseSnapshot(snapshotText, snapshotFile)
  const rollback = await readRollback(folder, sql, beside('.sql'), beside('.rollback.sql'))
  const renames = await readIfThere(beside('.renames.json'))
  return {
    tag,
    stamp: /^\d{14}$/.test(prefix) ? prefix : versionAt(when),
    name: name.replace(/[^A-Za-z0-9_-]/g, '_'),
    file: beside('.sql'),
    sql: fixQuotes(sql.replace(placeholder, ''), snapshot),
    source: JSON.stringify([
      tag,
      sql,
      snapshotText && parseJson(snapshotText, snapshotFile),
      renames?.replaceAll('\r\n', '\n'),
    ]),
    previous: undefined,
    snapshot: snapshot === undefined ? undefined : fixDefaults(snapshot),
    rollback,
    renames: renames === undefined ? undefined : parseRenames(renames, beside('.renames.json')),
  }
}

/** The files that `-- integrations-db: undone by <file>` names. */
const undoneBy = (sql: string) =>
  [...sql.matchAll(/^\s*--\s*integrations-db:\s*undone by\s+(\S+)\s*$/gim)].map(([, file = '']) => file)

/** What the author wrote for the rollback: for the whole migration, or for the statements that name a file. */
async function readRollback(
  folder: string,
  sql: string,
  own: string,
  beside: string,
): Promise<DrizzleMigration['rollback']> {
  const whole = await readIfThere(beside)
  const parts = await Promise.all(
    undoneBy(sql).map(async (name) => {
      const text = await readIfThere(join(folder, name))
      if (text === undefined)
        throw new IntegrationsDbError(
          'not_found',
          `${own}: names ${name} as what undoes a statement, and ${join(folder, name)} cannot be read; write it there`,
        )
      return text
    }),
  )
  if (whole === undefined && parts.length === 0) return undefined
  const text = [...parts.reverse(), ...(whole === undefined ? [] : [whole])].join('\n')
  return { file: whole === undefined ? own : beside, sql: text.replaceAll('\r\n', '\n'), whole: whole !== undefined }
}

function parseSnapshot(text: string, file: string): Snapshot {
  const snapshot = parseJson<Snapshot>(text, file)
  if (snapshot.version !== '7') {
    throw new IntegrationsDbError(
      'invalid_input',
      `${file}: is of version ${snapshot.version}, drizzle-kit 0.31 writes 7; run drizzle-kit up`,
    )
  }
  return complete(snapshot)
}

/** Version 7 grew: drizzle-kit's first writers of it knew no policies, checks, views, sequences or roles. */
function complete(snapshot: Snapshot): Snapshot {
  const tables = Object.entries(snapshot.tables).map(([key, table]) => {
    const parts = { indexes: {}, foreignKeys: {}, compositePrimaryKeys: {}, uniqueConstraints: {} }
    return [key, { ...parts, checkConstraints: {}, policies: {}, isRLSEnabled: false, ...(table as object) }]
  })
  const kinds = { enums: {}, schemas: {}, sequences: {}, roles: {}, policies: {}, views: {} }
  return { ...kinds, ...snapshot, tables: Object.fromEntries(tables) }
}

/**
 * A `<tag>.renames.json` lists what was renamed, each by its former and its new name:
 * `{ "tables": { "public.a": "b" }, "columns": { "public.t.a": "b" }, "labels": { "public.mood.a": "b" } }`.
 */
function parseRenames(text: string, file: string): Rename[] {
  const lists = parseJson<Record<string, Record<string, string>>>(text, file)
  return Object.entries(lists).flatMap(([list, names]) =>
    Object.entries(names).map(([path, to]): Rename => {
      const [schema, name, part] = path.split('.')
      if (schema && name && part === undefined && list === 'tables')
        return { from: `table ${path}`, to: `table ${schema}.${to}` }
      if (schema && name && part && list === 'columns')
        return { from: `column ${path}`, to: `column ${schema}.${name}.${to}` }
      if (schema && name && part && list === 'labels') return { type: `type ${schema}.${name}`, from: part, to }
      throw new IntegrationsDbError(
        'invalid_input',
        `${file}: "${list}": {"${path}": "${to}"} is none of "tables": {"schema.table": "new"}, "columns": {"schema.table.column": "new"}, "labels": {"schema.type.label": "new"}`,
      )
    }),
  )
}

/** drizzle-kit 0.31 leaves quotes inside JSON defaults and added enum labels as they are, which is no SQL. */
function fixQuotes(sql: string, snapshot: Snapshot | undefined): string {
  let fixed = sql
  for (const table of Object.values(snapshot?.tables ?? {})) {
    for (const { default: text } of Object.values(table.columns)) {
      if (typeof text === 'string' && fix(text) !== text)
        fixed = fixed.replaceAll(`DEFAULT ${text}`, () => `DEFAULT ${fix(text)}`)
    }
  }
  for (const label of Object.values(snapshot?.enums ?? {}).flatMap(({ values }) => values)) {
    if (!label.includes("'")) continue
    const quoted = `'${label.replaceAll("'", "''")}'`
    fixed = fixed.replace(/(ADD VALUE|BEFORE) '[^;]*;/g, (part) => part.replaceAll(`'${label}'`, () => quoted))
  }
  return fixed
}

function fixDefaults(snapshot: Snapshot): Snapshot {
  for (const table of Object.values(snapshot.tables)) {
    for (const column of Object.values(table.columns)) {
      if (typeof column.default === 'string') column.default = fix(column.default)
    }
  }
  return snapshot
}

/** Doubles the quotes inside a default that is one JSON document or array and has a quote standing alone. */
function fix(text: string): string {
  const [, inside, cast = ''] = /^'([\s\S]*)'(::[\w "[\]]+)?$/.exec(text) ?? []
  if (inside === undefined || !inside.replaceAll("''", '').includes("'")) return text
  // Quotes and backslashes inside its elements drizzle-kit leaves as they are too: that is nobody's guess.
  const isArray =
    /^\{(?:"(?:[^"\\]|\\.)*"|[^"\\{},]*|[{},])*\}$/.test(inside) &&
    !/"[^,}"]+"[^,}]/.test(inside.replaceAll(/"(?:[^"\\]|\\.)*"(?=[,}])/g, '')) &&
    !/::jsonb?$/.test(cast)
  return isArray || isJson(inside) ? `'${inside.replaceAll("'", "''")}'${cast}` : text
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function parseJson<T>(text: string, file: string): T {
  try {
    return JSON.parse(text) as T
  } catch {
    throw new IntegrationsDbError('invalid_input', `${file} is not JSON; restore it from version control`)
  }
}

async function read(file: string): Promise<string> {
  const text = await readIfThere(file)
  if (text === undefined) {
    throw new IntegrationsDbError(
      'not_found',
      `${file} cannot be read; run drizzle-kit generate, or point --drizzle at its output folder`,
    )
  }
  return text
}

async function readIfThere(file: string): Promise<string | undefined> {
  // Editors of Windows put a mark in front.
  return readFile(file, 'utf8')
    .then((text) => text.replace(/^\uFEFF/, ''))
    .catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
      throw error
    })
}
