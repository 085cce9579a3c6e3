import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nameOf, relationsIn } from '../../src/connection/relations.ts'

const named = (text: string) => relationsIn(text).map(nameOf).sort()

describe('the tables that a statement names are found', () => {
  test.each([
    ['select * from users', ['users']],
    ['select * from "Users" u, Public.Accounts AS a', ['Users', 'public.accounts']],
    ['select * from only users', ['users']],
    ['select * from a join b on a.x = b.x, c left join d using (x, y)', ['a', 'b', 'c', 'd']],
    ['select (select count(*) from a), x from (select * from b) as s, (c cross join d)', ['a', 'b', 'c', 'd']],
    ['with x as (select * from a), y as materialized (table b) select * from x natural join y', ['a', 'b']],
    // What is written to is never a CTE.
    ['with x as (select * from a) insert into x select * from x', ['a', 'x']],
    ['with x as (select 1) delete from x', ['x']],
    ['with x as (select 1) update x set y = 1', ['x']],
    // A name before its definition's end is a table's.
    ['with x as (select * from x) select * from x', ['x']],
    ['insert into a with x as (select 1) select * from x', ['a', 'x']],
    ['select * from x() as (a int), y() as (b int), x', ['x']],
    ['select 1 where exists (select from a) and 1 in (select b.x from b)', ['a', 'b']],
    ['select * from a where x = any (select y from b) union all select * from c', ['a', 'b', 'c']],
    ['insert into a (x, y) select x, y from b', ['a', 'b']],
    ['insert into a values (1, 2), (3, 4) on conflict (x) do update set y = excluded.y returning z', ['a']],
    ['update a set x = b.x, y = 1 from b where a.id = b.id', ['a', 'b']],
    ['delete from a using b, c where a.id = b.id', ['a', 'b', 'c']],
    [
      'merge into a using b on a.id = b.id when matched then update set x = 1 when not matched then insert (x) values (1)',
      ['a', 'b'],
    ],
    ['select * from unnest($1::text[]) as t (a, b), users', ['users']],
    ['select * from a, lateral f(a.x) as g, b for update of a', ['a', 'b']],
    ['select * from a tablesample system (1), b', ['a', 'b']],
    ['table a', ['a']],
    ['select * from "a""b"', ['a"b']],
    ['select * from a -- from b\n, c', ['a', 'c']],
    ['select * from a /* from b /* from c */ from d */, e', ['a', 'e']],
    ["select 'from b', E'\\' from c', $$ from d $$, $x$ from e $x$, \"from f\" from a", ['a']],
  ])('%s', (text, tables) => {
    expect(named(text)).toEqual(tables)
  })
})

describe('what is no table is not taken for one', () => {
  test.each([
    ["select extract(year from created_at), substring(x from 1 for 2), trim(both 'a' from y) from a", ['a']],
    ['select a, b, "c" from t order by role, x limit 1', ['t']],
    ['select * from t where x is distinct from y and z is not distinct from w', ['t']],
    ['select * from t for no key update', ['t']],
    ['select * from t where x in ($1, $2) group by a, b having count(*) > 1', ['t']],
    ['select 1', []],
    ['', []],
  ])('%s', (text, tables) => {
    expect(named(text)).toEqual(tables)
  })
})

test('any text is read to its end', () => {
  const signs = fc.constantFrom(
    "'",
    '"',
    '$$',
    '/*',
    '*/',
    '--',
    '(',
    ')',
    ',',
    'from ',
    'a',
    ' ',
    '\\',
    '$1',
    '\n',
    'é',
    '😀',
  )
  fc.assert(
    fc.property(fc.array(signs), (parts) => {
      expect(Array.isArray(relationsIn(parts.join('')))).toBe(true)
    }),
  )
})
