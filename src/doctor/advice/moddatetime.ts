import { moddatetimeStandIn } from '../../extras/kinds.ts'
import { extras } from '../../schema/extras.ts'
import { block } from '../../util/quote.ts'
import { type Advice, advise, look } from './advice.ts'

/*
 * The function behind touch_updated_at may be the host's: a shared moddatetime() is reused, wherever it lives. Doctor
 * changes no row, so it cannot try one; it reads whether the function can do what it is for.
 */

type Row = { table: string; function: string; language: string; column: string; source: string; known: boolean }

const touching = look<Row>({
  needs: ['extension moddatetime'],
  text: `
select g.tgrelid::regclass::text as table, format('%I.%I()', n.nspname, p.proname) as function, l.lanname as language,
  encode(g.tgargs, 'escape') as column, p.prosrc as source,
  l.lanname = 'c' and p.prosrc = 'moddatetime' as known
from pg_trigger as g
join pg_proc as p on p.oid = g.tgfoid
join pg_namespace as n on n.oid = p.pronamespace
join pg_language as l on l.oid = p.prolang
where g.tgname = 'touch_updated_at' and g.tgrelid = to_regclass('public.organization_integrations')`,
  findings: (rows) =>
    rows.flatMap((row) => {
      const found = row.known ? null : shortcoming(row)
      if (found === null) return []
      return [
        advise({
          severity: found === cannotTell ? 'advice' : 'drift',
          what: 'moddatetime() that does something else',
          where: row.function,
          expected: `it sets ${argument(row.column)} of ${row.table} to the time of the transaction`,
          found,
          fix: [ours, extras.find(({ key }) => key === `trigger ${row.table} touch_updated_at`)?.create].join('\n'),
          hint: 'yours stays for your own triggers, unless it lives in schema extensions',
        }),
      ]
    }),
})

const cannotTell = 'a function that names the column, and that cannot be told to set it'

/** What a function's text gives away; null where it sets the column, as far as can be read. */
function shortcoming({ source, column, language }: Row): string | null {
  const code = source.replace(/\/\*[\s\S]*?\*\/|--.*/g, ' ').toLowerCase()
  const names = code.includes(argument(column)) || /\btg_argv\b/.test(code)
  if (!names) return `a function in ${language} that does not name the column`
  const time =
    '(pg_catalog\\.)?(now|clock_timestamp|transaction_timestamp|statement_timestamp)\\(\\)|current_timestamp|localtimestamp'
  const sets = new RegExp(
    `new\\s*\\.\\s*"?${argument(column)}"?\\s*:?=\\s*(${time})|jsonb_build_object\\(\\s*tg_argv\\s*\\[0\\]\\s*,\\s*(${time})`,
  )
  return sets.test(code) && /\breturn\s+new\b/.test(code) ? null : cannotTell
}

/** The first of a trigger's arguments, each of which ends with a NUL. */
function argument(column: string): string {
  return column.split('\\000')[0] ?? ''
}

/** The extension's function in schema extensions, or the one that takes its place. */
const ours = block(`\
  create schema if not exists extensions;
  if to_regprocedure('extensions.moddatetime()') is null
    and exists (select from pg_available_extensions where name = 'moddatetime' and installed_version is null) then
    begin
      create extension moddatetime with schema extensions;
      return;
    exception when insufficient_privilege then
      raise notice 'extension moddatetime may not be created here; a function that does the same takes its place';
    end;
  end if;
  if not exists (
    select from pg_proc as p join pg_language as l on l.oid = p.prolang
    where p.proname = 'moddatetime' and p.prosrc = 'moddatetime' and l.lanname = 'c') then
    ${moddatetimeStandIn.replace('create function', 'create or replace function')}
  end if;`)

export const moddatetimeAdvice: Advice[] = [touching]
