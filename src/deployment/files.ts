import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { IntegrationsDbError } from '../errors.ts'
import { packageFolder } from '../util/package-folder.ts'

/** This package's own `supabase/`. */
export const packagedSupabase = join(packageFolder, 'supabase')

/** A file of `supabase/migrations` or `supabase/rollbacks`. */
export type MigrationFile = {
  /** 14 digits. */
  version: string
  name: string
  path: string
  text: string
}

/** Every migration of a folder, oldest first. Other files, which the Supabase CLI passes over too, are left out. */
export async function readMigrationFiles(folder: string): Promise<MigrationFile[]> {
  const entries = await readdir(folder).catch(() => {
    throw new IntegrationsDbError('not_found', `${folder}: cannot be read; run integrations-db build first`)
  })
  const files = entries.sort().flatMap((entry) => {
    const [, version, name] = /^(\d{14})_(.*)\.sql$/.exec(entry) ?? []
    return version && name ? [{ version, name, path: join(folder, entry) }] : []
  })
  return Promise.all(files.map(async (file) => ({ ...file, text: asWritten(await readFile(file.path, 'utf8')) })))
}

/** A text as it was written: Git gives it other line ends on Windows, and editors a byte order mark. */
export const asWritten = (text: string): string => text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')

export function fileName({ path }: MigrationFile): string {
  return basename(path)
}

/** The statements of a file, each as the Supabase CLI records it. The parser is loaded where it is needed. */
export async function statementsOf({ text, path }: MigrationFile): Promise<string[]> {
  const { parseStatements } = await import('../migrations/index.ts')
  const statements = await parseStatements(text, path)
  const own = statements.find(({ node }) => 'TransactionStmt' in node)
  if (own !== undefined) {
    throw new IntegrationsDbError(
      'invalid_input',
      `${own.origin}: holds ${own.text}, and a file is one transaction together with its history row; take it out`,
    )
  }
  return statements.map(({ source }) => source)
}

/** The same as the Supabase CLI records them: a comment below the last statement is one more to it. */
export async function recordedStatements(file: MigrationFile): Promise<string[]> {
  const { closingText } = await import('../migrations/index.ts')
  const closing = (await closingText(file.text, file.path)).replace(/[\s;]+$/, '').trimStart()
  return [...(await statementsOf(file)), ...(closing === '' ? [] : [closing])]
}
