import { type Statement, statement } from './statement.ts'

/*
 * What a caller's own SQL (`query`, `transaction`) may leave on a connection goes away before anybody else has it: all
 * that DISCARD ALL takes away, but for the plans of this package. Sent behind the end of the caller's transaction and
 * before the Sync, so that it costs no round trip and, behind a pooler, reaches the process that the caller's SQL ran in.
 */

/** Run in this order, outside any scope. Where one fails the connection is thrown away. */
export function resetStatements(applicationName: string): readonly Statement[] {
  return [...reset, named(applicationName)]
}

// Behind a pooler the server resets to what the pooler connected with, neither our name nor the encoding of the driver.
const named = statement(
  `select pg_catalog.set_config('application_name', $1, false), pg_catalog.set_config('client_encoding', 'UTF8', false)`,
)

const reset: readonly Statement[] = [
  'reset session authorization',
  'reset all',
  'close all',
  'unlisten *',
  'select pg_catalog.pg_advisory_unlock_all()',
  // The seed of random(): what is drawn next must not be known to who drew before.
  `select pg_catalog.setseed(pg_catalog.hashtextextended(pg_catalog.gen_random_uuid()::pg_catalog.text, 0)
    operator(pg_catalog./) 9223372036854775808.0)`,
  'discard sequences',
  'discard temp',
  // Those that SQL has prepared: a function of the database can, perhaps under the name of one of ours.
  `do $$
  declare
    prepared record;
  begin
    for prepared in select name from pg_catalog.pg_prepared_statements where from_sql loop
      execute pg_catalog.format('deallocate %I', prepared.name);
    end loop;
  end $$`,
].map((text) => statement(text)())
