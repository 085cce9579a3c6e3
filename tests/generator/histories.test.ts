import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { chosen, expectToHold, type History } from '../support/histories.ts'
import { built, inDatabase, runFile, tryFiles, writeProject } from '../support/projects.ts'

/* What real folders did that nobody here would have written: each runs up, up, down, down, up and all the way down. */

const base = `
  create table t (id integer primary key, a text not null, b integer);
  create table child (id integer primary key, t integer references t (id));
  create index t_b on t (b);`

const histories: History[] = [
  [
    'a column that is renamed, filled from, and dropped',
    base,
    'alter table t rename column b to c; alter table t add column d integer; update t set d = c; alter table t drop column c;',
  ],
  [
    'a table swapped for another, its sequence kept',
    'create table log (id bigserial primary key, a text); create index log_a on log (a);',
    `alter sequence log_id_seq owned by none;
     alter table log rename to log_old;
     alter table log_old rename constraint log_pkey to log_old_pkey;
     create table log (id bigint default nextval('log_id_seq') not null, a text, constraint log_pkey primary key (id));
     alter sequence log_id_seq owned by log.id;
     insert into log select id, a from log_old;
     drop table log_old;
     create index log_a on log (a);`,
  ],
  [
    'a type without one of its labels, its old form renamed out of the way, and with another one again',
    `create type mood as enum ('a', 'b', 'c');
     create table t (id integer primary key, mood mood not null default 'a', moods mood[] default '{a,b}', constraint t_mood check (mood <> 'b'));
     create index t_mood_idx on t (mood) where mood = 'a';
     insert into t (id) values (1);`,
    `alter table t drop constraint t_mood;
     drop index t_mood_idx;
     alter table t alter column mood drop default, alter column moods drop default;
     alter type mood rename to mood_old;
     create type mood as enum ('a', 'b');
     alter table t alter column mood type mood using mood::text::mood, alter column moods type mood[] using moods::text[]::mood[];
     alter table t alter column mood set default 'a', alter column moods set default '{b}';
     drop type mood_old;
     create index t_mood_idx on t (mood);`,
    `alter type mood rename to mood_before;
     create type mood as enum ('b', 'a', 'd');
     alter table t alter column mood drop default;
     alter table t alter column mood type mood using mood::text::mood;
     alter table t alter column mood set default 'a';
     alter table t alter column moods drop default;
     alter table t alter column moods type mood[] using moods::text[]::mood[];
     drop type mood_before;`,
  ],
  [
    'a domain and a sequence renamed out of the way of new ones',
    `create domain small as integer check (value < 10);
     create sequence counted start 5;
     create table t (id integer primary key, n small default 1, c bigint default nextval('counted'));
     insert into t (id) values (1);`,
    `alter table t alter column c drop default;
     alter sequence counted rename to counted_old;
     create sequence counted start 50 increment 2;
     alter table t alter column c set default nextval('counted');
     drop sequence counted_old;
     alter domain small rename to small_old;
     create domain small as integer check (value < 100);
     alter table t alter column n type small;
     drop domain small_old;`,
  ],
  [
    'a table that becomes a view, and a table again',
    base,
    'drop table child; create view child as select id, id as t from t;',
    'drop view child; create table child (id integer primary key);',
  ],
  [
    'a unique constraint that becomes an index of its name, and back',
    'create table t (id integer primary key, a text, constraint t_a unique (a));',
    'alter table t drop constraint t_a; create unique index t_a on t (a);',
    'drop index t_a; alter table t add constraint t_a unique (a);',
  ],
  [
    'a schema, types and a table that later files move there',
    base,
    `create schema own; create type own.mood as enum ('x'); alter table child set schema own; alter table own.child add column m own.mood default 'x';`,
    'create table own.late (id integer references own.child (id)); alter table own.child rename to kid;',
  ],
  [
    'columns called as the table and the type that are moved and renamed',
    `create type mood as enum ('a', 'b');
     create table t (id integer primary key, t integer references t (id), mood mood default 'a', constraint t_mood check (mood <> 'b'));
     create table child (t integer references t (id), mood mood);
     create index child_t on child (t);
     create view shown as select t, mood from child;`,
    'create schema far; alter table t set schema far; alter type mood rename to temper; alter table child rename to kid;',
    'drop view shown; drop table kid; alter table far.t drop column t;',
  ],
  [
    'a label with another name, which an index, a check, a policy and defaults are about, and one in front of it',
    `create type mood as enum ('a', 'b');
     create table t (id integer, m mood default 'b', n text default 'b', ms mood[] default '{b}', constraint t_m check (m <> 'b' or n = 'b'));
     create index t_b on t (id) where m = 'b';
     create policy p on t using (m in ('a', 'b') and n <> 'b' and 'b'::mood = m);`,
    `alter type mood rename value 'b' to 'bee';`,
    `alter type mood add value 'c' before 'bee'; alter table t add column k mood default 'a';`,
  ],
  [
    'views on views over a column that is renamed, and a materialized one that is made anew with its index',
    `create table t (id integer primary key, a text);
     create materialized view middle as select id, a from t;
     create view top as select id, a from middle;`,
    `drop view top; drop materialized view middle; alter table t rename column a to b;
     create materialized view middle as select id, b from t; create unique index middle_id on middle (id); create view top as select id, b from middle;`,
    `drop view top; drop materialized view middle; create materialized view middle as select id, b, 1 as n from t; create unique index middle_id on middle (id);`,
  ],
  [
    'a sequence that a default counts by, owned and not',
    'create table t (id integer primary key, name text, n integer);',
    `create sequence guest; alter table t alter column name set default 'guest_' || nextval('guest')::text;
     create sequence t_n owned by t.n; alter table t alter column n set default nextval('t_n');`,
    'alter table t drop column n;',
  ],
  [
    'a primary key that is unique as well, which PostgreSQL makes one of',
    'create table t (id text primary key, a text, b text, constraint t_id_unique unique (id), unique (a, b), constraint t_ab unique (a, b));',
    'drop table t;',
  ],
  [
    'comments behind what they are about',
    `create table t (
       id integer primary key, -- the key
       a text default 'x', -- an example
       b integer check (b > 0), -- never negative
       unique (a) -- one each
     );`,
    'alter table t drop column a; alter table t drop column b;',
    'drop table t;',
  ],
  [
    'constraints that blocks make again after they were dropped',
    base,
    `alter table child drop constraint if exists child_t_fkey;
     do $$ begin
       if not exists (select 1 from pg_constraint where conname = 'child_t_fkey') then
         alter table child add constraint child_t_fkey foreign key (t) references t (id) on delete cascade not valid;
       end if;
     end $$;
     do $$ begin
       if not (select convalidated from pg_constraint where conname = 'child_t_fkey') then
         alter table child validate constraint child_t_fkey;
       end if;
     end $$;`,
  ],
  [
    'blocks that make what is missing, whatever they ask',
    base,
    `do $$ begin alter table t add column c text default 'x'; exception when duplicate_column then /* there */ null; end $$;
     do $$ begin
       if to_regclass('public.extra') is null then
         create table extra (id integer primary key, t integer);
         alter table extra add constraint extra_t foreign key (t) references t (id), add column n integer;
       end if;
       if exists (select 1 from information_schema.columns where table_name = 't' and column_name = 'b') then
         alter table t rename column b to bb;
       end if;
     end $$;`,
    'drop index if exists t_b; drop table extra;',
  ],
  [
    'an index, a constraint, a policy and a trigger on columns that the same file drops',
    base,
    `alter table child rename column t to parent;
     alter table child add constraint child_parent foreign key (parent) references t (id), add column n integer;
     create index child_n on child (n) where parent is not null;
     create policy p on child using (parent > 0);
     drop policy p on child;
     alter table t add column z integer;
     alter table t add constraint t_z unique (z), add constraint t_positive check (z > 0);
     alter table child drop column parent; alter table child drop column n; alter table t drop column z;`,
  ],
  [
    'privileges of several roles, taken away one by one and all at once, and what everybody may from the beginning',
    `${['of_a', 'of_b', 'of_c'].map((role) => `do $$ begin create role ${role}; exception when duplicate_object then null; end $$;`).join(' ')}
     create table t (id integer primary key, a text); create sequence s;
     grant select, insert, update (a) on t to of_a, of_b; grant usage on sequence s to of_a;
     create function f(a integer) returns integer language sql as 'select 1'; create function g() returns integer language sql as 'select 1';
     revoke all on function g() from public, of_a; grant all on t to of_c;`,
    `revoke insert on t from of_a; revoke update (a) on t from of_b; revoke all on function f(integer) from public;
     revoke all on t from public; revoke all on function g() from public; grant delete on t to of_a; revoke all on t from of_b;
     grant execute on function g() to of_b; revoke select on t from of_c; revoke usage on sequence s from of_a;`,
    'revoke all on t from of_c; grant all on t to of_a; drop function f(integer);',
  ],
  [
    'a role with its options, its privileges and a policy, which all go with it',
    `create role of_history with createdb; create table t (id integer primary key); grant select on t to of_history;
     create policy p on t to of_history using (true); alter role of_history with createrole noinherit;`,
    'alter role of_history with nocreatedb inherit;',
    'drop policy p on t; revoke select on t from of_history; drop role of_history;',
  ],
  [
    'a key with one more column, and what points at it',
    `create table t (a integer not null, b integer not null, constraint t_pk primary key (a, b));
     create table u (a integer, b integer, constraint u_t foreign key (a, b) references t (a, b));`,
    `alter table u drop constraint u_t; alter table t add column c integer not null default 0, drop constraint t_pk; alter table u add column c integer;
     alter table t add constraint t_pk primary key (a, b, c); alter table u add constraint u_t foreign key (a, b, c) references t (a, b, c);`,
  ],
  [
    'an interval with fields, a sequence that grows with its column, a child that inherits, a table in a publication',
    `create table t (id integer primary key, i interval); create sequence t_id_seq owned by t.id; alter table t alter id set default nextval('t_id_seq');
     create table kid (n integer) inherits (t); create table alone (id integer primary key); create publication of_history for table alone;`,
    'alter table t alter i type interval day; alter publication of_history add table kid; alter table t add b serial;',
    'drop publication of_history; drop table kid;',
  ],
  [
    'a type that a block makes and that takes the place of another',
    `create type mood as enum ('a', 'b'); create table t (id integer, m mood default 'a');`,
    `do $$ begin if not exists (select 1 from pg_type where typname = 'mood_v2') then create type mood_v2 as enum ('a'); end if; end $$;
     alter table t alter m drop default, alter m type mood_v2 using m::text::mood_v2, alter m set default 'a';
     drop type if exists mood; alter type mood_v2 rename to mood;`,
  ],
  [
    'blocks that only look, and blocks that only fill',
    base,
    `do $$ begin if exists (select 1 from t where b < 0) then raise exception 'drop table t'; end if; end $$;
     do $$ declare r record; begin for r in select id from t loop update t set b = 0 where id = r.id; end loop; end $$;
     alter table t add column c integer;`,
  ],
]

describe('runs twice, rolls back twice, and ends as its own files end:', () => {
  test.each(chosen(histories))('%s', (_what, ...steps) => expectToHold(...steps))
})

test('the drop of a primary key that drizzle-kit leaves in a comment is its author’s: the key stays, and what points at it', async () => {
  const shelf = (id: object) => pgTable('shelf', { id, room: integer('room') } as never)
  const project = await writeProject([
    { schema: { shelf: shelf(integer('id').primaryKey()) } },
    { schema: { shelf: shelf(integer('id').notNull()), book: pgTable('book', { title: text('title') }) } },
  ])
  const files = await built(project)
  project.remove()
  await inDatabase(async (db) => {
    expect((await tryFiles(db, files)).problems).toEqual([])
    await runFile(db, files[0]?.up ?? '')
    await db`create table book_of (shelf integer references shelf)`
    await runFile(db, files[1]?.up ?? '')
    expect(await db`select from pg_constraint where conname = 'shelf_pkey'`).toHaveLength(1)
  })
})

test('what a file drops and a block of its own making makes again is there after a second run', async () => {
  const project = await writeProject([
    { sql: base },
    {
      sql: `alter table child drop constraint child_t_fkey;
        do $$ begin execute 'alter table child add constraint child_t_fkey foreign key (t) references t (id)'; end $$;`,
    },
  ])
  const [first, second] = await built(project)
  project.remove()
  await inDatabase(async (db) => {
    for (const up of [first?.up, second?.up, second?.up]) await runFile(db, up ?? '')
    expect(await db`select from pg_constraint where conname = 'child_t_fkey'`).toHaveLength(1)
    await expect(runFile(db, second?.down ?? '')).rejects.toThrow(
      /nobody but its author knows the reverse of 0001_step.sql/,
    )
  })
})

test('a constraint that a block validates, which nobody can read otherwise, comes back valid', async () => {
  const project = await writeProject([
    { sql: base },
    {
      sql: `alter table t add constraint t_b_check check (b > 0) not valid;
        alter table t add constraint t_a_check check (a <> '') not valid;`,
    },
    {
      sql: `do $$ declare n int; begin select count(*) into n from t where b <= 0; if n > 0 then raise exception 'alter table t validate constraint t_a_check'; end if;
        if not (select convalidated from pg_constraint where conname = 't_b_check') then alter table "t" validate constraint "t_b_check"; end if; end $$;`,
    },
    { sql: 'alter table t drop constraint t_b_check; alter table t drop constraint t_a_check;' },
  ])
  const files = await built(project)
  project.remove()
  await inDatabase(async (db) => {
    for (const { up } of files) await runFile(db, up)
    await runFile(db, files.at(-1)?.down ?? '')
    expect(
      await db`select conname, convalidated from pg_constraint where conname in ('t_a_check', 't_b_check') order by 1`,
    ).toEqual([
      { conname: 't_a_check', convalidated: false },
      { conname: 't_b_check', convalidated: true },
    ])
  })
})

test('views that stand in the file above what they read are made after it', async () => {
  const project = await writeProject([
    {
      sql: `create view top as select id from middle;
        create materialized view middle as select id from t;
        create table t (id integer primary key);
        create unique index middle_id on middle (id);`,
    },
  ])
  const files = await built(project)
  project.remove()
  await inDatabase(async (db) => expect((await tryFiles(db, files)).problems).toEqual([]))
})

test('what a column that went had in it comes back as NULL, and not as a default that its check, key or reference refuses', async () => {
  const project = await writeProject([
    {
      sql: `create table parent (id uuid primary key);
        create table t (
          id integer primary key, a text default 'sad' check (a <> 'sad'), b integer default 7 unique,
          c uuid default '00000000-0000-0000-0000-000000000000' references parent (id), d text not null default 'here'
        );
        insert into t (id, a, b, c) values (1, 'ok', 1, null), (2, null, 2, null);`,
    },
    { sql: 'alter table t drop column a, drop column b, drop column c, drop column d;' },
  ])
  const files = await built(project)
  project.remove()
  await inDatabase(async (db) => {
    for (const { up } of files) await runFile(db, up)
    for (let time = 0; time < 2; time++) await runFile(db, files.at(-1)?.down ?? '')
    expect(await db`select * from t order by id`).toEqual([
      { id: 1, a: null, b: null, c: null, d: 'here' },
      { id: 2, a: null, b: null, c: null, d: 'here' },
    ])
    expect(await db`insert into t (id) values (3) returning a`.catch(({ code }) => code)).toBe('23514')
  })
})

test('a column that drizzle-kit retypes before it adds it is no unknown, and the file has its rollback', async () => {
  const project = await writeProject([
    { sql: `create type mood as enum ('a', 'b'); create table t (id integer primary key, q mood default 'a');` },
    {
      sql: `alter table t alter column q set data type text;
        alter table t alter column q set default 'a'::text;
        alter table t alter column "R r" set data type text;
        drop type mood;
        create type mood as enum ('a');
        alter table t alter column q set default 'a'::mood;
        alter table t alter column q set data type mood using q::mood;
        alter table t alter column "R r" set data type mood[] using "R r"::mood[];
        alter table t add column "R r" mood[];`,
    },
  ])
  const files = await built(project)
  project.remove()
  await inDatabase(async (db) => expect((await tryFiles(db, files)).problems).toEqual([]))
})

test('what an unreadable block may have made is not dropped as if it had never been: its author must say how it comes back', async () => {
  const made = [
    { sql: 'create table t (id integer primary key, a text); create index other on t (a);' },
    {
      sql: `drop index gone; do $$ begin execute 'create index ' || 't_a' || ' on t (a)'; perform 'alter table t add column b text'; end $$;`,
    },
  ]
  const last = async (sql: string) => {
    const project = await writeProject([...made, { sql }])
    const files = await built(project)
    project.remove()
    return files.at(-1)?.down ?? ''
  }
  for (const sql of ['drop index if exists t_a;', 'alter table t drop column if exists b;'])
    expect(await last(sql)).toContain('nobody but its author knows the reverse')
  for (const sql of [
    'drop index if exists nowhere;',
    'drop index if exists gone;',
    'alter table t drop column if exists c;',
    'drop index if exists other;',
  ])
    expect(await last(sql)).not.toContain('nobody but its author')
})
