import postgres from 'postgres'
import { IntegrationsDbError } from './errors.ts'
import { databaseUrl } from './input.ts'
import { toIntegrationsDbError } from './server-errors.ts'

/** An administrator's connection; never used for calls of the repository. */
export type Admin = postgres.Sql<Record<string, never>>

/** Lends one administrator connection and closes it, whatever happens. */
export async function asAdmin<T>(url: string, work: (sql: Admin) => Promise<T>): Promise<T> {
  const sql = postgres(databaseUrl('url', url), {
    max: 1,
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'integrations-db' },
  }) as Admin
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** A database, its administrator's URL; without `apply` nothing is changed. */
export type Target = { url: string; apply?: boolean; onProgress?: Progress }
/** Told after each step how many of all are done. */
export type Progress = (done: number, all: number) => void
/** One step that did not work; the others went on. */
export type Failure = { what: string; message: string }

/** One after the other; a step that fails does not stop the next, a server that is gone does. */
export async function each(
  steps: { what: string; run: () => PromiseLike<unknown> }[],
  onProgress: Progress,
): Promise<Failure[]> {
  const failures: Failure[] = []
  for (const [i, { what, run }] of steps.entries()) {
    try {
      await run()
    } catch (error) {
      const { message, sqlState } = toIntegrationsDbError(error)
      if (sqlState === undefined && !(error instanceof IntegrationsDbError)) throw error
      failures.push({ what, message })
    }
    onProgress(i + 1, steps.length)
  }
  return failures
}

/** {@link asAdmin}, with every error in this package's words. */
export async function administrate<T>(url: string, work: (sql: Admin) => Promise<T>): Promise<T> {
  return asAdmin(url, async (sql) => {
    try {
      return await work(sql)
    } catch (error) {
      throw toIntegrationsDbError(error)
    }
  })
}
