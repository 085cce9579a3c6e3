import type { Queries } from '../admin/connection.ts'
import { IntegrationsDbError } from '../errors.ts'
import { projectOf } from '../migrations/index.ts'
import { hexLiteral } from '../util/literal.ts'
import { asWritten, fileName, type MigrationFile, recordedStatements } from './files.ts'

/*
 * Supabase's own history table, read and written as its CLI does, so that either can go on where the other stopped.
 */

/** What the history says of one version. Whoever marked it as applied by hand may have left the rest out. */
type HistoryRow = { version: string; name?: string | null; statements?: string[] | null }

/** How the history stands to a folder of migrations. */
export type Comparison = {
  applied: MigrationFile[]
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
  problem: 'changed' | 'gone' | 'out of order'
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

/** Fails with {@link overtaken} unless the history still has this version, or still lacks it; until the end of the transaction nobody else may ask. */
export function assertRecorded(version: string, recorded: boolean): string {
  return `
${alone}
do $integrations_db$
begin
  if exists (select from supabase_migrations.schema_migrations where version = ${hexLiteral(version)}) <> ${recorded} then
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

export function forget({ version }: MigrationFile): string {
  return `\ndelete from supabase_migrations.schema_migrations where version = ${hexLiteral(version)};`
}

/** Holds a folder against a history. A version that no file has is the host's, unless its text says it was one of ours. */
export async function compareHistory(files: MigrationFile[], history: HistoryRow[]): Promise<Comparison> {
  const recorded = new Map(history.map((row) => [row.version, row]))
  const versions = new Set(files.map(({ version }) => version))
  const projects = new Set(files.map(({ text }) => projectOf(text)))
  const isOurs = (row: HistoryRow) => {
    const project = projectOf(row.statements?.[0] ?? '')
    return project !== undefined && projects.has(project)
  }
  const applied = files.filter(({ version }) => recorded.has(version))
  const pending = files.filter(({ version }) => !recorded.has(version))
  const others = history.filter(({ version }) => !versions.has(version))
  const newest = applied.at(-1)
  const changes = await Promise.all(applied.map((file) => changed(file, recorded.get(file.version))))
  return {
    applied,
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

async function changed(file: MigrationFile, row: HistoryRow | undefined): Promise<Problem | undefined> {
  const { version } = file
  const problem = (message: string): Problem => ({ version, problem: 'changed', message })
  if (row?.name && row.name !== file.name) {
    return problem(
      `${version}: the history has it as ${row.name}, the file is ${fileName(file)}; one of them must get another version`,
    )
  }
  if (!row?.statements) return undefined
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
