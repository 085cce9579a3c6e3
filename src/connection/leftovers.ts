import { type Connection, toRows } from './pool.ts'
import type { Rows, Statement } from './statement.ts'

/*
 * What a caller's own SQL (`query`, alone or in a transaction) may leave on a connection that others use next, and how it
 * goes. In the caller's transaction, because behind a pooler the next message may reach another server process; in the
 * same message, so that it costs no round trip. The repository's statements leave nothing and do not pay for this.
 */

/** How the server lists our connections. */
export const applicationName = 'integrations-db'

/**
 * DISCARD ALL, which refuses to run in a transaction, as its parts; and the seed of random().
 *
 * Deferred triggers fire first, while role and claims are still the caller's. Behind a pooler the server resets to what
 * the pooler connected with, which is neither our name nor the encoding that the driver speaks.
 */
export const takeLeftovers = `\
set constraints all immediate;
close all;
set session authorization default;
reset all;
set client_encoding = 'UTF8';
set application_name = '${applicationName}';
deallocate all;
unlisten *;
discard temp;
discard sequences;
discard plans;
select pg_catalog.pg_advisory_unlock_all(),
  pg_catalog.setseed(pg_catalog.hashtextextended(pg_catalog.gen_random_uuid()::pg_catalog.text, 0) operator(pg_catalog./) 9223372036854775808.0);
`

/** Runs a caller's own statement as one unit that leaves nothing. */
export async function runCallersOwn(connection: Connection, settings: string, statement: Statement): Promise<Rows> {
  try {
    const [answers = []] = await connection.pipeline([
      `begin;\n${settings}${statement.text()};\n${takeLeftovers}commit`,
    ])
    connection.forgetPlans()
    const answer = answers.at(-2)
    return answer === undefined ? { names: [], values: [] } : toRows(answer)
  } catch (error) {
    await rollBackCallersOwn(connection)
    throw error
  }
}

/**
 * Ends a failed transaction and takes what a rollback leaves: locks of the session, prepared statements. While the
 * transaction is open a pooler keeps its server connection, so this reaches the right one.
 */
export async function rollBackCallersOwn(connection: Connection): Promise<void> {
  connection.forgetPlans()
  try {
    await connection.send(`rollback;\n${takeLeftovers}`)
  } catch {
    connection.reusable = false // What is left on it is unknown.
  }
}
