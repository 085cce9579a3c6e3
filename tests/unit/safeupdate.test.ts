import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sqlFiles } from '../support/files.ts'

/*
 * Supabase's Data API and many projects run with safeupdate, which refuses an UPDATE or DELETE without a WHERE, also
 * inside functions and also an administrator's.
 */

/** Where a statement begins that changes rows of a table: not `on update`, `for update`, `do update`, nor a trigger's event. */
const change =
  /(?<!\b(?:on|for|do|before|after|or|no key|for each) )\b(?:delete from|update)\s+(?:only\s+)?["\w$.{}]+(?:\s+as\s+\w+)?\s*(?=\bset\b|\bwhere\b|\breturning\b|\busing\b|;|`|$)/gi

/** Statements without a WHERE before their end: a semicolon, or that of the text in which they stand. */
function unsafeStatements(text: string): string[] {
  return [...text.matchAll(change)].flatMap(({ 0: begin, index }) => {
    const rest = text.slice(index)
    const statement = rest.slice(0, /;|`|\n\n/.exec(rest)?.index ?? rest.length)
    return /\bwhere\b/i.test(statement) ? [] : [statement.trim() || begin]
  })
}

const pages = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].map((name) => ({
  name,
  text: [...readFileSync(name, 'utf8').matchAll(/```(?:sql|diff|ts|js)\n([\s\S]*?)```/g)]
    .map(([, text]) => text)
    .join('\n\n'),
}))
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name: join('src', name), text: withoutComments(readFileSync(join('src', name), 'utf8')) }))

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*(?:\/\/|--).*$/gm, '')
}

test('no UPDATE and no DELETE of ours is without a WHERE, so all of it works where safeupdate is on', () => {
  const files = [...sources, ...pages, ...sqlFiles('migrations'), ...sqlFiles('rollbacks')]
  const found = files.flatMap(({ name, text }) => unsafeStatements(text).map((statement) => `${name}: ${statement}`))
  expect(found).toEqual([])
  // It looks at what there is, and sees what there must not be.
  expect(sources.flatMap(({ text }) => [...text.matchAll(change)]).length).toBeGreaterThan(15)
  for (const bad of [
    'delete from integrations.revoked_grants returning statement`',
    'update public.t as i set a = 1; select 1 where true',
    'DELETE FROM "public"."t";',
  ])
    expect(unsafeStatements(bad), bad).toHaveLength(1)
  for (const good of [
    'delete from t where statement is not null returning statement`',
    'update t as i\n set a = 1\n from u where i.id = u.id;',
    'after update or delete on t for each row',
    'insert into t values (1) on conflict do update set a = 1',
  ])
    expect(unsafeStatements(good), good).toEqual([])
})
