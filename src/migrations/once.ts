import { block, dollarQuoted, literal } from '../util/quote.ts'

/*
 * What changes rows, or runs code of its own, has no end state in the catalog that could be asked for. Such a statement
 * leaves a mark in a table of its own, in the same transaction; where the mark is, it does not run again. A rollback
 * takes its migration's marks away, and the table with the last one.
 */

const marks = 'integrations_once.statements'

/** Goes before the first statement of a file that leaves a mark. */
export const prepareMarks = `\
CREATE SCHEMA IF NOT EXISTS integrations_once;
CREATE TABLE IF NOT EXISTS integrations_once.statements (id text PRIMARY KEY);`

/** The statement, run where `id` is not marked yet. */
export function once(text: string, id: string): string {
  return block(`\
  if not exists (select from ${marks} where id = ${literal(id)}) then
    execute ${dollarQuoted(text)};
    insert into ${marks} values (${literal(id)});
  end if;`)
}

/** Marks a migration as run, for a rollback that changes rows itself. */
export function mark(id: string): string {
  return `INSERT INTO ${marks} VALUES (${literal(id)}) ON CONFLICT DO NOTHING;`
}

/** A rollback's statement, run where the migration's mark still is. */
export function whileMarked(text: string, id: string): string {
  return block(`\
  if to_regclass('${marks}') is not null then
    if exists (select from ${marks} where id = ${literal(id)}) then
      execute ${dollarQuoted(text)};
    end if;
  end if;`)
}

/** Ends the rollback of a migration that leaves marks. */
export function removeMarks(migration: string): string {
  return block(`\
  if to_regclass('${marks}') is not null then
    delete from ${marks} where id like ${literal(`${migration}.%`)};
    if not exists (select from ${marks}) then
      drop table ${marks};
      drop schema integrations_once;
    end if;
  end if;`)
}
