import postgres from 'postgres'
import { databaseUrl } from './input.ts'

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
