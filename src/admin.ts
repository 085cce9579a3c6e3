import postgres from 'postgres'
import { IntegrationsDbError } from './errors.ts'

/** An administrator's connection; never used for calls of the repository. */
export type Admin = postgres.Sql<Record<string, never>>

/** Lends one administrator connection and closes it, whatever happens. */
export async function asAdmin<T>(url: string, work: (sql: Admin) => Promise<T>): Promise<T> {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new IntegrationsDbError(
      'invalid_input',
      'url: must be a URL such as postgresql://login:password@host:5432/database',
    )
  }
  const sql = postgres(url, {
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
