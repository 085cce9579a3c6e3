import type { Queries } from '../admin/connection.ts'
import { IntegrationsDbError } from '../errors.ts'
import { projectOf, signatureOf } from '../migrations/index.ts'
import { hexLiteral } from '../util/literal.ts'
import { literal } from '../util/quote.ts'
import { asWritten, fileName, type MigrationFile, recordedStatements } from './files.ts'
import { lostTables } from './lost-tables.ts'

/*
 * Supabase's own history table, read and written as its CLI does, so that either can go on where the other stopped.
 */

/** What the history says of one version. Whoever marked it as applied by hand may have left the rest out. */
type HistoryRow = { version: string; name?: string | null; statements?: string[] | null }

/** A file that is applied, and the versions that the history has it under: a copy of it may have one of its own. */
export type Applied = { file: MigrationFile; recordedAs: string[] }

/** How the history stands to a folder of migrations. */
export type Comparison = {
  applied: Applied[]
  pending: MigrationFile[]
  /** Versions that belong to the host application: counted, never touched. */
  hosts: number
  problems: Problem[]
}

/** Why the history and the files do not belong together; `message` has both values and the hint. */
export type Problem = {
  /** The version, 14 digits. */
  version: string
  /** What is wrong with it. */
  problem: 'changed' | 'gone' | 'out of order' | 'tables lost'
  /** The same in words, with both values and a hint. */
  message: string
}

export async function readHistory({ query }: Queries): Promise<HistoryRow[]> {
  const [found] = await query<{ there: boolean }>(
    `select to_regclass('supabase_migrations.schema_migrations') is not null as there`,
  )
  if (!found?.there) return []
  // As JSON: older CLIs made the table without the columns `name` and `statements`.
  const rows = await query<{ row: HistoryRow }>(
    'select to_jsonb(h) as row from supabase_migrations.schema_migrations as h order by version',
  )
  return rows.map(({ row }) => row)
}

/*
 * Two locks, of which no caller can hold either. Both end with their transaction.
 *
 * Whoever migrates or rolls back does so alone: COMMENT takes a lock on the schema itself that conflicts with nothing but
 * another COMMENT or DROP, and only its owner may. The comment stays as it is. Nothing of the CLI's waits for it, as it
 * would for a lock on the table.
 */
export const deploymentLock = `
do $integrations_db$
begin
  execute pg_catalog.format('comment on schema supabase_migrations is %L',
    pg_catalog.obj_description(pg_catalog.to_regnamespace('supabase_migrations'), 'pg_namespace'));
exception when insufficient_privilege then
  -- The schema is somebody else's: then each file is alone, and not all of them together.
  null;
end $integrations_db$`

// Without a connection of its own nobody can be alone for long, but each message can: until its transaction ends.
const alone = 'lock table supabase_migrations.schema_migrations in share update exclusive mode;'

/**
 * The table as the Supabase CLI makes it; of two that make it at once the second finds it made. Nothing is done where it is
 * there: to alter it would wait for every reader.
 */
export const createHistory = `
do $integrations_db$
declare
  history pg_catalog.regclass := pg_catalog.to_regclass('supabase_migrations.schema_migrations');
begin
  if history is null then
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key, statements text[], name text);
  elsif (select count(*) from pg_catalog.pg_attribute where attrelid = history and attname in ('statements', 'name')) < 2 then
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;
  end if;
exception when unique_violation or duplicate_schema or duplicate_table or duplicate_object then
  null;
end $integrations_db$;`

/** SQLSTATE of a file that somebody else applied, or rolled back, since the history was read. */
export const overtaken = 'IDB01'

/** Fails with {@link overtaken} unless the history still has these versions, or still lacks them; until the end of the transaction nobody else may ask. */
export function assertRecorded(versions: string[], recorded: boolean): string {
  return `
${alone}
do $integrations_db$
begin
  if exists (select from supabase_migrations.schema_migrations where version in (${versions.map(hexLiteral).join(', ')})) <> ${recorded} then
    raise exception 'modified concurrently' using errcode = '${overtaken}';
  end if;
end $integrations_db$;
`
}

export async function record(file: MigrationFile): Promise<string> {
  const statements = hexLiteral(await recordedStatements(file))
  return `
insert into supabase_migrations.schema_migrations (version, name, statements)
values (${hexLiteral(file.version)}, ${hexLiteral(file.name)}, array(select jsonb_array_elements_text(${statements}::text::jsonb)));`
}

export function forget(versions: string[]): string {
  return `\ndelete from supabase_migrations.schema_migrations where version in (${versions.map(hexLiteral).join(', ')});`
}

/** Holds files against a database: its history, and whether the tables are there that the history claims. */
export async function compareWith(database: Queries, files: MigrationFile[]): Promise<Comparison> {
  const comparison = await compareHistory(files, await readHistory(database))
  const lost = await lostTables(
    database,
    comparison.applied.map(({ file }) => file),
  )
  const problems = lost.map((one) => tablesLost(one, comparison.applied))
  return { ...comparison, problems: [...comparison.problems, ...problems] }
}

/**
 * Holds files against a history. A row is a file's by what its text says it was written as, for a copy may have another
 * version; else by its version. A row that is no file's is the host's, unless its text says it was one of ours.
 */
export async function compareHistory(files: MigrationFile[], history: HistoryRow[]): Promise<Comparison> {
  const signatures = new Set(files.flatMap(({ text }) => signatureOf(text) ?? []))
  const signed = history.map((row) => ({ row, signature: signatureOf(row.statements?.[0] ?? '') }))
  const keyed = files.map((file) => {
    const signature = signatureOf(file.text)
    const copies = signed.filter((one) => signature !== undefined && one.signature === signature)
    const same = signed.filter(({ row }) => row.version === file.version)
    // A row that another of these files accounts for says nothing about this one.
    const rows = copies.length > 0 ? copies : same.filter((one) => !signatures.has(one.signature ?? ''))
    return { file, rows: rows.map(({ row }) => row) }
  })
  const applied = keyed.filter(({ rows }) => rows.length > 0)
  const pending = keyed.filter(({ rows }) => rows.length === 0).map(({ file }) => file)
  const known = new Set(applied.flatMap(({ rows }) => rows))
  const others = history.filter((row) => !known.has(row))
  const projects = new Set(files.map(({ text }) => projectOf(text)))
  const isOurs = (row: HistoryRow) => {
    const project = projectOf(row.statements?.[0] ?? '')
    return project !== undefined && projects.has(project)
  }
  const newest = applied.at(-1)?.file
  const changes = await Promise.all(applied.flatMap(({ file, rows }) => rows.map((row) => changed(file, row))))
  return {
    applied: applied.map(({ file, rows }) => ({ file, recordedAs: rows.map(({ version }) => version) })),
    pending,
    hosts: others.filter((row) => !isOurs(row)).length,
    problems: [
      ...changes.flatMap((problem) => problem ?? []),
      ...others.filter(isOurs).map(gone),
      ...pending.flatMap((file) => (newest && file.version < newest.version ? [outOfOrder(file, newest)] : [])),
    ],
  }
}

/** Nothing runs on a history that does not belong to the files. */
export function assertSound(problems: Problem[]): void {
  if (problems.length > 0) throw new IntegrationsDbError('conflict', problems.map(({ message }) => message).join('\n'))
}

async function changed(file: MigrationFile, row: HistoryRow): Promise<Problem | undefined> {
  const { version } = file
  const problem = (message: string): Problem => ({ version, problem: 'changed', message })
  if (row.version === version && row.name && row.name !== file.name) {
    return problem(
      `${version}: the history has it as ${row.name}, the file is ${fileName(file)}; one of them must get another version`,
    )
  }
  if (!row.statements) return undefined
  const was = asWritten(row.statements.join(';\n'))
  const is = (await recordedStatements(file)).join(';\n')
  if (was === is) return undefined
  const at = firstDifference(was, is)
  return problem(
    `${fileName(file)}: was changed after it was applied: ${excerpt(was, at)} became ${excerpt(is, at)}; put the file back as it was and write a new migration`,
  )
}

function gone({ version, name }: HistoryRow): Problem {
  return {
    version,
    problem: 'gone',
    message: `${version}_${name ?? ''}.sql: is applied, and there is no such file; expected it among the migrations (a newer version of the package? a deleted file?): put it back, or roll back with the version that has it`,
  }
}

/** What made the table has to run again, and what changed it since; a file that has run already does nothing twice. */
function tablesLost({ file, tables }: { file: MigrationFile; tables: string[] }, applied: Applied[]): Problem {
  const { version } = file
  const again = applied.filter((one) => one.file.version >= version).flatMap(({ recordedAs }) => recordedAs)
  const are = tables.length === 1 ? 'is' : 'are'
  return {
    version,
    problem: 'tables lost',
    message: `${fileName(file)}: is applied, and ${tables.join(', ')} ${are} not there: dropped by other means (drizzle-kit push?); restore a backup, or make new, empty tables: delete from supabase_migrations.schema_migrations where version in (${again.map(literal).join(', ')}); and then migrate`,
  }
}

function outOfOrder(file: MigrationFile, newest: MigrationFile): Problem {
  return {
    version: file.version,
    problem: 'out of order',
    message: `${fileName(file)}: is not applied, though the newer ${fileName(newest)} is; give it a version after ${newest.version}, or roll back to before it first`,
  }
}

function firstDifference(a: string, b: string): number {
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  return at
}

/** Migrations hold no secrets, so a few words of one help more than a hash. */
function excerpt(text: string, at: number): string {
  const words = text.slice(Math.max(0, at - 20), at + 40).replace(/\s+/g, ' ')
  return text.length > 0 && at < text.length ? `"…${words}…"` : `"…${words}" and its end`
}
