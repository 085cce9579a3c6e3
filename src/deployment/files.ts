import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { IntegrationsDbError } from '../errors.ts'

/** A file of `supabase/migrations` or `supabase/rollbacks`. */
export type MigrationFile = {
  /** 14 digits. */
  version: string
  name: string
  path: string
  text: string
  /** Where each recorded statement begins and ends in the text: known of those that the package carries. */
  cuts?: readonly (readonly [start: number, end: number])[]
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

/**
 * The statements of a file as the Supabase CLI records them: a comment below the last one is one more to it. PostgreSQL's
 * parser is loaded where it is needed, for files that are not the package's own.
 */
export async function recordedStatements({ text, path, cuts }: MigrationFile): Promise<string[]> {
  if (cuts !== undefined) return cuts.map(([start, end]) => text.slice(start, end))
  const { closingText, parseStatements } = await import('../migrations/index.ts')
  const statements = await parseStatements(text, path)
  const own = statements.find(({ node }) => 'TransactionStmt' in node)
  if (own !== undefined) {
    throw new IntegrationsDbError(
      'invalid_input',
      `${own.origin}: holds ${own.text}, and a file is one transaction together with its history row; take it out`,
    )
  }
  const closing = (await closingText(text, path)).replace(/[\s;]+$/, '').trimStart()
  return [...statements.map(({ source }) => source), ...(closing === '' ? [] : [closing])]
}
