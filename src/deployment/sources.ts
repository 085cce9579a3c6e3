import { join } from 'node:path'
import { type MigrationFile, readMigrationFiles } from './files.ts'
import type { Packaged } from './packaged.ts'

/** What this package carries, loaded where it is needed. */
export async function packaged(): Promise<Packaged> {
  return (await import('./packaged.ts')).readPackaged()
}

/** A Supabase folder's migrations, or without one the package's own. */
export async function migrationFiles(supabase: string | undefined): Promise<MigrationFile[]> {
  return supabase === undefined ? (await packaged()).migrations : readMigrationFiles(join(supabase, 'migrations'))
}

/** The same of its rollbacks. */
export async function rollbackFiles(supabase: string | undefined): Promise<MigrationFile[]> {
  return supabase === undefined ? (await packaged()).rollbacks : readMigrationFiles(join(supabase, 'rollbacks'))
}
