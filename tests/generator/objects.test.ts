import { describe, test } from 'vitest'
import { chosen, expectToHold, type History } from '../support/histories.ts'

/* Objects besides tables, what hangs on them, and what goes along with them. */

const histories: History[] = [
  [
    'options of a view, set, taken back and made anew',
    'create table t (id int primary key, a text); create view v with (security_barrier) as select * from t;',
    'alter view v set (security_invoker = true); alter view v reset (security_barrier);',
    'create or replace view v as select * from t;',
    'drop view v; create view v as select id from t;',
  ],
  [
    'options of a table and an index, those that they were made with too',
    `create table t (id int primary key, a text) with (fillfactor = 70, autovacuum_enabled = off);
     create index i on t (a) with (fillfactor = 60);`,
    'alter table t set (fillfactor = 50, toast_tuple_target = 256); alter index i reset (fillfactor);',
    'alter table t reset (fillfactor, autovacuum_enabled, toast_tuple_target); alter index i set (fillfactor = 80);',
    'drop table t;',
  ],
  [
    'a materialized view whose options are set before it is renamed',
    `create table t (id int primary key, a text);
     create materialized view m as select * from t; create unique index m_i on m (id);`,
    'alter materialized view m set (fillfactor = 50); alter materialized view m rename to m2; alter index m_i rename to m2_i;',
    'drop materialized view m2; create materialized view m2 as select id from t with no data;',
  ],
  [
    'a domain’s constraints, default and NOT NULL',
    'create domain d as int; create table t (id int primary key, n d default 3); insert into t values (1, 5);',
    'alter domain d add constraint d_pos check (value > 0); alter domain d set default 4; alter domain d set not null;',
    'alter domain d drop constraint d_pos; alter domain d add constraint d_pos check (value > 1);',
    'alter domain d drop constraint d_pos; alter domain d drop not null; alter domain d drop default;',
    'alter domain d rename to e;',
  ],
  [
    'a domain that was made with NOT NULL and a default',
    `create domain d as text default 'x' not null constraint d_c check (value <> '');
     create table t (id int primary key, d d); insert into t values (1, 'y');`,
    'alter domain d drop not null; alter domain d add constraint d_len check (length(value) < 9);',
    'alter domain d drop constraint d_len; alter table t alter d type text; drop domain d;',
  ],
  [
    'a domain whose constraint asks for what NOT NULL would',
    `create domain d as text constraint d_there check (value is not null and (length(value) > 0 or value = '(not null')); create table t (id int primary key, d d);`,
    'alter domain d set not null;',
    'alter domain d drop not null;',
  ],
  [
    'comments and privileges of types that are made anew',
    `create role of_types; create type m as enum ('a', 'b'); comment on type m is 'moods'; grant usage on type m to of_types;
     create domain d as int; comment on domain d is 'small'; create table t (id int primary key, m m default 'a', d d);`,
    `alter type m rename to m_old; create type m as enum ('a', 'b', 'c');
     alter table t alter m drop default, alter m type m using m::text::m, alter m set default 'a'; drop type m_old;`,
    `alter type m add value 'd'; comment on type m is null;`,
    'drop table t; drop type m; drop domain d; drop role of_types;',
  ],
  [
    'functions that take types with names in quotes, and what those are called later',
    `create type "UserRole" as enum ('a', 'b'); create table "User" (id int primary key, role "UserRole" default 'a');
     create function "isAdmin"(r "UserRole") returns boolean language sql as 'select true';
     create function f2(u "User", xs "UserRole"[]) returns int language sql as 'select 1';`,
    `comment on function "isAdmin"("UserRole") is 'x'; drop function f2("User", "UserRole"[]); alter type "UserRole" add value 'c';`,
    'alter type "UserRole" rename to "Role"; drop function "isAdmin"("Role"); drop table "User"; drop type "Role";',
  ],
  [
    'a function’s options, kept over its new name and gone with its new body',
    `create function f(a int) returns int language sql stable as 'select a'; alter function f(int) security definer;`,
    'alter function f(int) immutable; alter function f(int) set search_path = pg_catalog; alter function f(int) rename to g; alter function g(int) cost 50;',
    `create or replace function g(a int) returns int language sql as 'select a + 1'; alter function g(int) stable;`,
    'alter function g(int) volatile; drop function g;',
  ],
  [
    'a function of a composite type of its file',
    `create type ct as (a int); create function ct_int(ct) returns int language sql as 'select $1.a';`,
    'alter type ct add attribute b text;',
    'drop function ct_int(ct); drop type ct;',
  ],
  [
    'an event trigger and a text search configuration',
    `create function ev() returns event_trigger language plpgsql as 'begin end'; create text search configuration tsc (copy = simple);`,
    `create event trigger et on ddl_command_end when tag in ('CREATE SEQUENCE') execute function ev();`,
    'drop event trigger et; drop text search configuration tsc;',
    'drop function ev();',
  ],
  [
    'what is commented before it is called otherwise',
    `create table t (id int primary key, a text); create function f(int) returns int language sql as 'select 1';
     create type m as enum ('a'); create sequence s; create view v as select * from t; create schema z; create domain d as int;`,
    `comment on function f(int) is 'x'; alter function f(int) rename to g; comment on type m is 'y'; alter type m rename to n;
     comment on sequence s is 'z'; alter sequence s rename to s2; comment on view v is 'v'; alter view v rename to w;
     comment on schema z is 'zz'; alter schema z rename to zz; comment on domain d is 'dd'; alter domain d rename to dd;
     comment on column t.a is 'c'; alter table t rename column a to b; comment on table t is 't'; alter table t rename to u;
     comment on constraint t_pkey on u is 'k'; alter table u rename constraint t_pkey to u_pkey;`,
  ],
  [
    'what is changed before it is dropped',
    `create table t (id int primary key, a text check (a <> '')); create function f() returns trigger language plpgsql as 'begin return new; end';
     create type m as enum ('a'); create sequence s; create view v as select * from t; create domain d as int;
     create trigger tr before insert on t for each row execute function f(); create policy p on t using (true); create index i on t (a);`,
    `alter policy p on t using (false); drop policy p on t; alter table t disable trigger tr; drop trigger tr on t;
     alter function f() security definer; drop function f(); alter type m add value 'b'; drop type m; alter sequence s increment 4; drop sequence s;
     alter view v set (security_invoker = on); drop view v; alter domain d set default 4; drop domain d;
     alter index i set (fillfactor = 50); drop index i; alter table t validate constraint t_a_check; alter table t drop constraint t_a_check;
     comment on column t.a is 'x'; alter table t drop column a;`,
  ],
  [
    'what CASCADE takes along: defaults, columns, views, policies, functions, keys',
    `create sequence s; create type m as enum ('a'); create function df() returns int language sql volatile as 'select 1'; create domain d as int;
     create table t (id int primary key, a int default nextval('s'), b m default 'a', c int default df(), e d, f text);
     create view v as select b, id from t; create view vv as select id from v;
     create function uses(m) returns int language sql as 'select 1'; create policy p on t using (df() > 0);
     create table c (id int primary key, t int references t (id));`,
    'drop sequence s cascade;',
    'drop function df() cascade;',
    'drop type m cascade;',
    'drop domain d cascade;',
    'alter table t drop constraint t_pkey cascade;',
    'alter table t drop column f cascade; drop table t cascade;',
  ],
  [
    'a schema dropped with all that is in it, and made again',
    `create schema z; create type z.m as enum ('a'); create table z.t (id serial primary key, m z.m default 'a'); create index on z.t (m);
     create view z.v as select * from z.t; create function z.f(z.m) returns int language sql as 'select 1';`,
    'drop schema z cascade;',
    'create schema z; create table z.t (id int);',
  ],
  [
    'tables, types, functions and sequences that move out of a schema, which is dropped then',
    `create schema a; create schema b; create type a.m as enum ('x'); create table a.t (id serial primary key, m a.m default 'x', u text unique);
     create index t_i on a.t (m); create function a.f(a.m) returns int language sql as 'select 1'; create sequence a.s;
     create policy p on a.t using (m = 'x');`,
    'alter table a.t set schema b; alter type a.m set schema b; alter function a.f(b.m) set schema b; alter sequence a.s set schema b; drop schema a;',
    'alter schema b rename to c; alter table c.t rename to tt; alter type c.m rename to mm;',
    'create schema a; alter table c.tt set schema a; drop function c.f(c.mm); drop sequence c.s; alter type c.mm set schema a; drop schema c;',
  ],
  [
    'a column that takes NULL and becomes an identity column',
    'create table t (id int primary key, n int);',
    `alter table t alter n set not null; alter table t alter n add generated always as identity;`,
    'alter table t alter n drop identity; alter table t alter n drop not null;',
  ],
  [
    'a sequence that starts anew while its options change',
    `create sequence s as smallint increment 2 minvalue 2 maxvalue 100 start 4 cache 3 cycle;
     create table t (id int generated by default as identity (start 10 increment 5), b int default nextval('s'));`,
    'alter sequence s no cycle maxvalue 50 restart 6; alter table t alter id set generated always set increment 7 restart 20;',
    'alter sequence s as bigint no maxvalue; alter sequence s owned by t.b;',
    'alter table t alter id drop identity; drop sequence s cascade;',
  ],
  [
    'a sequence and an identity column whose limits go back under numbers that they gave since',
    `create sequence s minvalue 1 start 1; create table t (id int generated by default as identity (minvalue 1 maxvalue 50), n int);`,
    'alter sequence s minvalue -100 start -50 restart; alter table t alter id set minvalue 1 set maxvalue 900 restart 600;',
    'alter table t alter id set generated always;',
  ],
  [
    'statistics, their target, and the column that takes them along',
    'create table t (id int primary key, a text, b int); create statistics st on a, b from t;',
    'alter statistics st set statistics 10; alter statistics st rename to st2;',
    'drop statistics st2; create statistics st2 (ndistinct) on a, b from t;',
    'alter table t drop column b;',
  ],
  [
    'rules and triggers, switched off before they are called otherwise',
    `create table t (id int primary key, a text); create table l (id int); create rule r as on insert to t do also insert into l values (new.id);
     create function f() returns trigger language plpgsql as 'begin return new; end'; create trigger tr before insert on t for each row execute function f();`,
    'alter table t disable rule r; alter table t disable trigger tr;',
    'alter table t enable replica trigger tr; alter trigger tr on t rename to tr2; alter rule r on t rename to r2;',
    'drop rule r2 on t; drop trigger tr2 on t;',
  ],
  [
    'a policy whose kind changes, and one that reads a table made after its own',
    `create table t (id int primary key, o int); create table l (id int); create policy p on t using (o > 1);
     create policy reads on t using (exists (select from l where l.id = t.id));`,
    'alter policy p on t using (o > 2) with check (o > 3); alter policy p on t rename to q; alter policy q on t to public;',
    'drop policy q on t; create policy q on t as restrictive for select using (id > o);',
  ],
]

describe('runs twice, rolls back twice, and ends as its own files end:', () => {
  test.each(chosen(histories))('%s', (_what, ...steps) => expectToHold(...steps))
})
