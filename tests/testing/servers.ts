import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'

/* What is to be seen of a server from outside. */

export async function dataFolderOf(adminUrl: string): Promise<string> {
  const sql = postgres(adminUrl, { max: 1 })
  const [row] = await sql<{ folder: string }[]>`select current_setting('data_directory') as folder`
  await sql.end()
  return row?.folder ?? ''
}

/** Its first process, which has all others. */
export async function postmaster(folder: string): Promise<number> {
  return Number.parseInt(await readFile(join(folder, 'postmaster.pid'), 'utf8'), 10)
}

export async function answers(adminUrl: string): Promise<boolean> {
  const sql = postgres(adminUrl, { max: 1, connect_timeout: 2 })
  return sql`select 1`
    .then(
      () => true,
      () => false,
    )
    .finally(() => sql.end())
}
