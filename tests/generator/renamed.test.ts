import { describe, test } from 'vitest'
import { chosen, expectToHold, type History } from '../support/histories.ts'

/* What is called otherwise, and all that names it: in text, in keys, in privileges, in quotes. */

const histories: History[] = [
  [
    'foreign keys whose columns and tables are called otherwise, own and referenced ones of one name',
    `create table a (id int primary key, k int unique);
     create table b (id int primary key, a int references a on delete cascade on update set null, k int references a (k) match full deferrable initially immediate, a2 int references a);`,
    `alter table b drop constraint b_a_fkey;
     alter table b add constraint b_a_fkey foreign key (a) references a (id) on delete set null not valid;
     alter table b validate constraint b_a_fkey;`,
    'alter table b rename constraint b_k_fkey to bk; alter table a rename to aa; alter table aa rename column k to kk;',
    'alter table b rename column k to kkk; alter table aa rename column id to aid;',
    'drop table aa cascade;',
  ],
  [
    'a column called otherwise, beside columns of its name in other tables that the same view and policy read',
    `create table a (id int primary key, n text);
     create table b (id int primary key, n text, a int);
     create view v as select a.id, x.n as bn, a.n from a join b as x on x.a = a.id where x.n is not null and a.n <> '';
     create policy p on a using (exists (select from b where b.n = a.n and b.id = a.id));
     create view w as select b.n from b, a aa where aa.n = b.n;`,
    'alter table a rename column n to name;',
    'alter table b rename column n to title; alter table a rename column id to key;',
    'drop view v; drop view w; drop policy p on a;',
  ],
  [
    'a column called otherwise that a recursive view, a CTE and a query in parentheses hand on',
    `create table n (id int primary key, parent int references n, name text);
     create recursive view tree (id, depth) as select id, 0 from n where parent is null union all select n.id, depth + 1 from n join tree on n.parent = tree.id;
     create view cte as with x as (select id, name from n) select x.id, y.name from x cross join lateral (select name from n where n.id = x.id) y;`,
    'alter table n rename column name to title; alter table n rename column parent to up;',
    'drop view cte; drop view tree; alter table n drop column title;',
  ],
  [
    'two columns that swap names under checks, keys, expressions and policies',
    `create table t (id int primary key, a int, b int, constraint c check (a > 0 and b < a), constraint u unique (a, b), exclude using btree (a with =));
     create index i on t ((a + b)) where b > 0;
     create policy p on t using (a = 1 or b = 2);`,
    'alter table t rename column a to tmp; alter table t rename column b to a; alter table t rename column tmp to b;',
    'alter table t drop constraint c, drop constraint u;',
    'alter table t drop column a cascade;',
  ],
  [
    'an enum with another name and label in defaults, arrays, checks, indexes, views, functions and policies',
    `create type e as enum ('a', 'b', 'c');
     create table t (id int primary key, x e default 'a', y e[] default array['a', 'b']::e[], z text generated always as (case when id > 0 then 'p' else 'n' end) stored, check (x <> 'b'), check ('a' = any (y)));
     create index i on t (x) where x = 'a';
     create view v as select id from t where x in ('a', 'c');
     create function f(p e default 'b') returns e language sql as 'select p';
     create policy po on t using (x = 'a'::e);`,
    `alter type e rename value 'a' to 'aa';
     alter type e add value 'd' after 'aa';`,
    'alter type e rename to ee; ',
    `drop view v;
     drop policy po on t;
     drop function f(ee);
     alter table t drop constraint t_x_check;
     drop index i;
     alter table t alter x drop default, alter x type text using x::text;`,
  ],
  [
    'implicit names cut to 63 bytes, of a table and a column that are called otherwise',
    `create table a_table_with_a_very_long_name_that_is_close_to_the_limit_of_63b (id int primary key, a_column_with_a_very_long_name_that_is_close_to_the_limit_of_63 int unique references a_table_with_a_very_long_name_that_is_close_to_the_limit_of_63b (id));
     create index on a_table_with_a_very_long_name_that_is_close_to_the_limit_of_63b (a_column_with_a_very_long_name_that_is_close_to_the_limit_of_63, id);`,
    'alter table a_table_with_a_very_long_name_that_is_close_to_the_limit_of_63b rename to short;',
    `alter table short rename column a_column_with_a_very_long_name_that_is_close_to_the_limit_of_63 to c;
     create index on short (c);`,
    'drop table short;',
  ],
  [
    'schemas, tables, types, columns and policies whose names need quotes, called otherwise one after the other',
    `create schema "My Schema";
     create type "My Schema"."St.ate" as enum ('a''b', 'c"d');
     create table "My Schema"."T.able" ("I d" int primary key, "st-ate" "My Schema"."St.ate" default 'a''b', "Ä" text check ("Ä" <> 'x'));
     create index "i x" on "My Schema"."T.able" ("st-ate", lower("Ä"));
     create view "My Schema"."V" as select "I d", "Ä" as "B" from "My Schema"."T.able";
     create policy "p q" on "My Schema"."T.able" using ("Ä" = 'y');
     comment on column "My Schema"."T.able"."Ä" is 'it''s';`,
    `alter table "My Schema"."T.able" rename column "Ä" to "Ö";
     alter type "My Schema"."St.ate" rename to "State";
     alter index "My Schema"."i x" rename to "i y";
     alter table "My Schema"."T.able" rename to "Table";`,
    `alter type "My Schema"."State" add value 'e';
     alter schema "My Schema" rename to "other";`,
    `drop view other."V";
     drop table other."Table";
     drop type other."State";
     drop schema other;`,
  ],
  [
    'privileges on columns, which go with a column and come back with it',
    `create role zz_c;
     create table t (id int primary key, a text, b text);
     grant select (id, a), update (a) on t to zz_c;`,
    'alter table t rename column a to z;',
    'alter table t drop column z;',
    'revoke select (id) on t from zz_c;',
  ],
  [
    'privileges on all tables at once, beside single ones',
    `create role zz_api;
     create table t (id int primary key);
     create table u (id int primary key);
     grant usage on schema public to zz_api;
     grant select on all tables in schema public to zz_api;
     grant insert on t to zz_api;`,
    'create table w (id int primary key); grant select, update (id) on w to zz_api;',
    'revoke insert on t from zz_api; revoke update (id) on w from zz_api;',
  ],
  [
    'a function in place of another of its name, which a view, a default and a check call',
    `create function f(a int, b text default 'x') returns int language sql as 'select a';
     create view v as select f(1) as x;
     create table t (id int primary key, n int default f(2), check (f(n) > 0));`,
    `drop view v;
     create or replace function f(a int, b text default 'x') returns int language sql as 'select a + 1';
     create view v as select f(1) as x;`,
    `drop view v;
     alter table t alter n drop default;
     alter table t drop constraint t_n_check;
     drop function f(int, text);
     create function f(a int) returns bigint language sql as 'select 1::bigint';
     create view v as select f(1) as x;`,
    'alter function f rename to g;',
  ],
  [
    'triggers on columns, with conditions and deferred, and their function dropped under them',
    `create table t (id int primary key, a text, b int);
     create function f() returns trigger language plpgsql as 'begin return new; end';
     create trigger tr after update of a on t for each row when (old.a is distinct from new.a) execute function f();
     create constraint trigger ct after insert on t deferrable initially deferred for each row execute function f();`,
    'alter table t rename column a to z; alter table t drop column b;',
    'drop function f() cascade;',
    'alter table t alter column z type varchar(9);',
  ],
  [
    'a profile table as Supabase’s guides write it, every statement with its IF EXISTS',
    `create table if not exists public.profiles (id uuid primary key default gen_random_uuid(), full_name text, created_at timestamptz default now());
alter table public.profiles enable row level security;
drop policy if exists "Users read own" on public.profiles;
     create policy "Users read own" on public.profiles for select to authenticated using (id = '00000000-0000-0000-0000-000000000000');
create or replace function public.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$ begin insert into public.profiles (id) values (new.id); return new; end; $$;
revoke execute on function public.handle_new_user() from public;
     grant execute on function public.handle_new_user() to service_role;
drop trigger if exists touch on public.profiles;
     create trigger touch before update on public.profiles for each row execute procedure public.handle_new_user();`,
    `alter table if exists public.profiles add column if not exists avatar text;
     alter policy "Users read own" on public.profiles rename to "own";
     create or replace function public.handle_new_user() returns trigger language plpgsql as $$ begin return new; end; $$;
drop trigger if exists touch on public.profiles;
     create trigger touch before insert or update on public.profiles for each row execute procedure public.handle_new_user(); notify pgrst, 'reload schema';`,
    `drop trigger touch on public.profiles;
     drop function public.handle_new_user();
     alter table public.profiles alter column full_name set not null, alter column full_name set default '';`,
  ],
  [
    'serial, identity and plain columns, one after the other',
    `create table t (id serial primary key, n int);
     create table u (id int generated always as identity primary key);
     insert into t (n) values (1);
     insert into u default values;`,
    'alter table t alter id type bigint; alter sequence t_id_seq as bigint; alter table u alter id drop identity;',
    `alter table u alter id add generated by default as identity (start with 100);
     alter table t alter id drop default;
     drop sequence t_id_seq;
     alter table t alter id add generated always as identity;`,
    'alter table t rename to tt; alter table tt rename id to tid;',
  ],
  [
    'procedures and aggregates, made anew',
    `create procedure p(a int) language sql as 'select 1';
     create function plus(a int, b int) returns int language sql immutable as 'select a + b';
     create aggregate total(int) (sfunc = plus, stype = int, initcond = '0');`,
    `drop procedure p(int);
     drop aggregate total(int);
     create aggregate total(int) (sfunc = plus, stype = int, initcond = '1');`,
    `comment on aggregate total(int) is 'sum';
     create or replace procedure p(a int, b int) language sql as 'select 2';`,
    'drop aggregate total(int); drop function plus(int, int); drop procedure p;',
  ],
  [
    'a column made NOT NULL by way of a constraint',
    'create table t (id int primary key, a int); insert into t values (1, 5);',
    `alter table t add constraint t_a_nn check (a is not null) not valid;
     alter table t validate constraint t_a_nn;
     alter table t alter a set not null;
     alter table t drop constraint t_a_nn;`,
    'alter table t alter a drop not null; alter table t alter a set default 7;',
  ],
  [
    'constraints made of indexes, and a primary key of more columns',
    'create table t (id int primary key, a int, b int); create unique index t_ab on t (a, b);',
    'alter table t add constraint t_ab unique using index t_ab;',
    'alter table t drop constraint t_ab; create unique index t_ab2 on t (a) nulls not distinct;',
    `alter table t add constraint t_u unique nulls not distinct (b);
     alter table t drop constraint t_pkey;
     alter table t add primary key (id, a);`,
  ],
]

describe('runs twice, rolls back twice, and ends as its own files end:', () => {
  test.each(chosen(histories))('%s', (_what, ...steps) => expectToHold(...steps))
})
