import { mkdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { IntegrationsDbError } from '../errors.ts'
import { writeWhole } from '../util/whole-files.ts'
import { fileName, type MigrationFile, packagedSupabase, readMigrationFiles } from './files.ts'

/** File names, oldest first: copied now, there already, and which of the host's own are newer than a copied one. */
export type ExportReport = { folder: string; copied: string[]; present: string[]; newerOfHost: string[] }

/**
 * Copies the migrations, not the rollbacks, into a host project, whose own `supabase db push` then applies them.
 *
 * @example
 * await exportMigrations({ directory: '../host' }) // into ../host/supabase/migrations
 *
 * Adds only what is missing. `directory` is the host's project folder, its `supabase` or its `supabase/migrations`.
 *
 * @throws IntegrationsDbError `conflict` where the host has another file of the same version, or an edited copy;
 * `not_found` where there is no such folder. Nothing is copied then.
 */
export async function exportMigrations({
  directory,
  supabase = packagedSupabase,
}: {
  directory: string
  supabase?: string
}): Promise<ExportReport> {
  const folder = await migrationsFolder(directory)
  const ours = await readMigrationFiles(join(supabase, 'migrations'))
  const theirs = await readMigrationFiles(folder).catch(() => [] as MigrationFile[])
  const missing = ours.filter((file) => !isThere(file, theirs))
  const versions = new Set(ours.map(({ version }) => version))
  const oldest = missing[0]?.version
  await mkdir(folder, { recursive: true })
  // Byte for byte.
  const contents = await Promise.all(missing.map(({ path }) => readFile(path)))
  await writeWhole(
    contents.map((content, i) => ({ path: join(folder, fileName(missing[i] as MigrationFile)), content })),
  )
  return {
    folder,
    copied: missing.map(fileName),
    present: ours.filter((file) => !missing.includes(file)).map(fileName),
    newerOfHost: theirs
      .filter(({ version }) => oldest !== undefined && version > oldest && !versions.has(version))
      .map(fileName),
  }
}

/** Whether the host has this file, byte for byte. */
function isThere(file: MigrationFile, theirs: MigrationFile[]): boolean {
  const found = theirs.find(({ version }) => version === file.version)
  if (found === undefined) return false
  if (found.name !== file.name) {
    throw new IntegrationsDbError(
      'conflict',
      `${found.path}: has the version of ${fileName(file)}; give the host's migration another version`,
    )
  }
  if (found.text !== file.text) {
    throw new IntegrationsDbError(
      'conflict',
      `${found.path}: was edited, ${found.text.length} characters where ours has ${file.text.length}; delete it to get ours again, and put your change into a migration of your own`,
    )
  }
  return true
}

async function migrationsFolder(directory: string): Promise<string> {
  if (basename(directory) === 'migrations') return directory
  if (!(await stat(directory).catch(() => undefined))?.isDirectory()) {
    throw new IntegrationsDbError('not_found', `${directory}: is no folder; name the host's project folder`)
  }
  return basename(directory) === 'supabase' ? join(directory, 'migrations') : join(directory, 'supabase', 'migrations')
}
