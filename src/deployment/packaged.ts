import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageFolder } from '../util/package-folder.ts'
import { type MigrationFile, readMigrationFiles } from './files.ts'

/** What the package carries: its files, oldest first, and the catalog that they make, as JSON. */
export type Packaged = { migrations: MigrationFile[]; rollbacks: MigrationFile[]; catalog: string }

/**
 * Read from `supabase/` in a checkout. `npm run build` puts what this returns in place of the module (scripts/packaged.ts):
 * what is installed has to work bundled too, where no file lies beside it.
 */
export async function readPackaged(): Promise<Packaged> {
  const supabase = join(packageFolder, 'supabase')
  const [migrations, rollbacks, catalog] = await Promise.all([
    readMigrationFiles(join(supabase, 'migrations')),
    readMigrationFiles(join(supabase, 'rollbacks')),
    readFile(join(supabase, 'catalog.json'), 'utf8'),
  ])
  return { migrations, rollbacks, catalog }
}
