import { type Statement, statement } from './statement.ts'
import type { Answer } from './unit.ts'

/*
 * What a caller's own SQL (`query`, `transaction`) may leave on a connection goes away before anybody else has it: all
 * that DISCARD ALL takes away, but for the plans of this package, whose names say what they are plans of. Sent behind
 * the end of the caller's transaction and before the Sync, so that it costs no round trip and, behind a pooler, reaches the
 * process that the caller's SQL ran in.
 */

/** Run in this order, outside any scope. */
export const resetStatements: readonly Statement[] = [
  'reset session authorization',
  'reset all',
  'close all',
  'unlisten *',
  'select pg_catalog.pg_advisory_unlock_all()',
  'discard sequences',
  'discard temp',
  // Only a function of the database could have prepared one, perhaps under the name of one of ours.
  `select pg_catalog.count(*)::int as prepared from pg_catalog.pg_prepared_statements where from_sql`,
].map((text) => statement(text)())

/** Whether nothing is left; what was prepared in SQL cannot be taken away alone. */
export function wasReset(answers: readonly Answer[]): boolean {
  return answers.at(-1)?.values[0]?.[0] === 0
}
