import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Queries } from '../admin.ts'

const migrations = fileURLToPath(new URL('../../supabase/migrations', import.meta.url))

/** Versions of the packaged migrations that Supabase's history does not have. */
export async function pendingVersions(database: Queries): Promise<string[]> {
  const [history] = await database.query<{ there: boolean }>(
    `select exists (
      select from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname = 'supabase_migrations' and c.relname = 'schema_migrations') as there`,
  )
  const rows = history?.there
    ? await database.query<{ version: string }>('select version from supabase_migrations.schema_migrations')
    : []
  const recorded = new Set(rows.map(({ version }) => version))
  const packaged = (await readdir(migrations)).flatMap((file) => /^(\d{14})_.*\.sql$/.exec(file)?.[1] ?? [])
  return packaged.sort().filter((version) => !recorded.has(version))
}
