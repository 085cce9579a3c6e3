import { type Statement, statement } from './statement.ts'

/*
 * What a caller's own SQL (`query`, `transaction`) may leave on a connection goes away before anybody else has it: all
 * that DISCARD ALL takes away, but for the plans of this package. Sent behind the end of the caller's transaction and
 * before the Sync, so that it costs no round trip and, behind a pooler, reaches the process that the caller's SQL ran in.
 */

/** Run in this order, outside any scope. Where one fails the connection is thrown away. */
export const resetStatements: readonly Statement[] = [
  'reset session authorization',
  'reset all',
  'close all',
  'unlisten *',
  'select pg_catalog.pg_advisory_unlock_all()',
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
