import type postgres from 'postgres'
import type { Queries } from '../../src/admin/connection.ts'
import { diagnose, examine } from '../../src/doctor/doctor.ts'
import type { Finding } from '../../src/doctor/finding.ts'

/* Doctor on a connection of the test's own, so that what was broken can be undone. */

type Connection = postgres.Sql | postgres.TransactionSql

export function queries(sql: Connection): Queries {
  // Prepared: the same few statements are sent hundreds of times.
  return {
    query: async <Row>(text: string) => [...(await sql.unsafe(text, [], { prepare: true }))] as unknown as Row[],
  }
}

/** What doctor finds, without what it says of logins, which belong to the server and so to all test files at once. */
export async function findings(sql: Connection): Promise<Finding[]> {
  return withoutLogins(await diagnose(queries(sql)))
}

/** {@link findings} of a database that is migrated, which need not be asked each time. */
export async function findingsOfMigrated(sql: Connection): Promise<Finding[]> {
  return withoutLogins(await examine(queries(sql)))
}

export function withoutLogins(all: Finding[]): Finding[] {
  return all.filter(({ where }) => !where.startsWith('login '))
}

/** Opens a transaction of which nothing is kept. */
export async function undone(sql: postgres.Sql, work: (tx: postgres.TransactionSql) => Promise<void>): Promise<void> {
  const undo = new Error('undo')
  await sql
    .begin(async (tx) => {
      await work(tx)
      throw undo
    })
    .catch((error) => {
      if (error !== undo) throw error
    })
}
