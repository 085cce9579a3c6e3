import { describe, test } from 'vitest'
import { chosen, expectToHold, type History } from '../support/histories.ts'

/* Parts of objects: partitions, attributes, a view's columns, a domain's constraints, and how they are kept. */

const histories: History[] = [
  [
    'how a column’s values are stored, said twice and forgotten with the column',
    'create table t (id int primary key, a text, n numeric, m int[]);',
    'alter table t alter a set storage external; alter table t alter n set storage external;',
    'alter table t alter a set storage main; alter table t alter m set storage plain;',
    'alter table t drop column a;',
  ],
  [
    'when a foreign key is checked',
    'create table p (id int primary key); create table t (id int primary key, p int constraint t_p references p);',
    'alter table t alter constraint t_p deferrable initially deferred;',
    'alter table t alter constraint t_p deferrable initially immediate; alter table t rename constraint t_p to t_q;',
    'alter table t alter constraint t_q not deferrable; alter table t drop constraint t_q;',
  ],
  [
    'a domain’s constraint that is validated later and called otherwise',
    'create domain d as int constraint d_small check (value < 100); create table t (id int primary key, n d);',
    'alter domain d add constraint d_pos check (value > 0) not valid;',
    'alter domain d validate constraint d_pos;',
    'alter domain d rename constraint d_pos to d_positive; alter domain d rename constraint d_small to d_max;',
    'alter domain d drop constraint d_positive;',
  ],
  [
    'columns of a view called otherwise, and the view made anew with them',
    'create table t (id int primary key, a text); create view v as select id, a from t; create view w (x) as select id from t;',
    'alter view v rename column a to b; alter view w rename column x to y;',
    "alter view v rename column b to c; comment on column v.c is 'c';",
    'create or replace view v as select id, a as c from t where id > 0;',
    'drop view v;',
  ],
  [
    'a table that is attached as a partition and detached, rows and all',
    `create table p (id int not null, at date not null) partition by range (at); create table c (id int not null, at date not null);
     create table d partition of p for values from ('2030-01-01') to ('2031-01-01'); insert into d values (1, '2030-05-05');`,
    `alter table p attach partition c for values from ('2020-01-01') to ('2021-01-01');`,
    'alter table p detach partition c; alter table p detach partition d;',
    'alter table p attach partition c default;',
    'drop table c;',
  ],
  [
    'a partition with the indexes of its parent',
    `create table p (id int not null, at date not null, primary key (id, at)) partition by range (at); create index p_at on p (at);
     create table c (id int not null, at date not null, primary key (id, at)); create index c_at on c (at);
     create table l (like p including all);`,
    `alter table p attach partition c for values from ('2020-01-01') to ('2021-01-01'); alter table p attach partition l for values from ('2021-01-01') to ('2022-01-01');`,
    'alter table p detach partition l;',
  ],
  [
    'partitions that go with their parent',
    `create table p (id int not null, at date not null) partition by range (at); create table c (id int not null, at date not null);
     create table d partition of p default;`,
    `alter table p attach partition c for values from ('2020-01-01') to ('2021-01-01');`,
    'drop table p;',
  ],
  [
    'a table that inherits, and no more',
    'create table p (id int, a text); create table c (id int, a text, b int); create table e (x int) inherits (p);',
    'alter table c inherit p; alter table e no inherit p;',
    'alter table c no inherit p; alter table e inherit p;',
    'drop table c; drop table e; drop table p;',
  ],
  [
    'attributes of a composite type, in their order',
    'create type ct as (a int, b text);',
    'alter type ct add attribute c numeric(10, 2), alter attribute a type bigint;',
    'alter type ct rename attribute b to bb;',
    'alter type ct drop attribute c; alter type ct add attribute d date;',
    'alter type ct rename attribute d to e; alter type ct alter attribute e type timestamptz;',
    'drop type ct;',
  ],
  [
    'a foreign data wrapper and its server',
    'create foreign data wrapper w;',
    `create server s foreign data wrapper w options (host 'a'); comment on server s is 'x';`,
    'alter server s rename to s2;',
    'drop server s2; drop foreign data wrapper w;',
  ],
  [
    'a table that is attached and dropped in one file',
    `create schema s; create table s.p (id int not null) partition by list (id); create table s.c (id int not null);`,
    `alter table s.p attach partition s.c for values in (1, 2); drop table s.c;`,
  ],
  [
    'partitions of a partition, with values in quotes',
    `create table p (id int not null, k text not null) partition by list (id);`,
    `create table q (id int not null, k text not null) partition by list (k); create table r partition of q for values in ('a)', 'b''c'); alter table p attach partition q for values in (1);`,
    `alter table q detach partition r; alter table p detach partition q;`,
    `drop table q; drop table r;`,
  ],
  [
    'a view’s columns called otherwise twice in one file, and one more of them',
    `create table t (id int primary key, a text); create view v with (security_barrier) as select t.id, t.a as z from t;`,
    `alter view v rename column z to b; alter view v rename column b to c; create or replace view v as select id, a as c, 1 as more from t;`,
  ],
  [
    'a materialized view’s column called otherwise, and an index on it',
    `create table t (id int primary key, a text); create materialized view v as select id, a from t;`,
    `alter materialized view v rename column a to b; create index v_b on v (b);`,
    `drop materialized view v;`,
  ],
  [
    'an attribute that comes, is called otherwise and goes in one file',
    `create type ct as (a int);`,
    `alter type ct add attribute b text; alter type ct rename attribute b to c; alter type ct drop attribute c;`,
    `alter type ct add attribute b text; drop type ct;`,
  ],
  [
    'attributes that change before their type goes, and after it is called otherwise',
    `create type ct as (a int, z text);`,
    `alter type ct alter attribute z type varchar(9); alter type ct drop attribute z;`,
    `alter type ct rename to ct2; alter type ct2 add attribute q int;`,
  ],
  [
    'a foreign key of a column, checked otherwise twice and gone in one file',
    `create table p (id int primary key); create table t (id int primary key, p int references p on delete cascade deferrable);`,
    `alter table t alter constraint t_p_fkey not deferrable; alter table t alter constraint t_p_fkey deferrable initially deferred;`,
    `alter table t alter constraint t_p_fkey initially immediate; alter table t drop constraint t_p_fkey;`,
  ],
  [
    'a domain’s constraint, added, validated and called otherwise in one file',
    `create domain d as int; create table t (n d);`,
    `alter domain d add constraint c check (value > 0) not valid; alter domain d validate constraint c; alter domain d rename constraint c to e;`,
    `alter domain d rename constraint e to f; alter domain d drop constraint f;`,
  ],
  [
    'storage that a new type makes its own',
    `create table t (id int primary key, a text, b text);`,
    `alter table t alter a set storage external; alter table t alter a type bytea using a::bytea; alter table t alter b set storage main;`,
    `alter table t alter b type varchar(20); alter table t rename a to aa;`,
    `alter table t alter aa set storage plain;`,
  ],
  [
    'a table that inherits from two',
    `create table p (id int); create table q (a text); create table c (id int, a text);`,
    `alter table c inherit p, inherit q;`,
    `alter table c no inherit p; drop table q cascade;`,
  ],
  [
    'a foreign data wrapper that is made anew and called otherwise in one file',
    `create foreign data wrapper w; create server s foreign data wrapper w;`,
    `drop server s; drop foreign data wrapper w; `,
    `create foreign data wrapper w; alter foreign data wrapper w rename to w2; create server s foreign data wrapper w2;`,
  ],
  [
    'a partition and its parent, called otherwise',
    `create table p (id int not null) partition by list (id); create table c (id int not null);`,
    `alter table p attach partition c for values in (1); alter table c rename to d; alter table p rename to pp;`,
    `alter table pp detach partition d;`,
  ],
  [
    'a partition key’s column, a parent and a table that is like it, called otherwise',
    `create table p (id int not null, at date) partition by range (id); create table d partition of p default; create table h (x int); create table i (y int) inherits (h); create table l (like h including all);`,
    `alter table p rename column id to nr; alter table p rename to pp; alter table h rename to hh; drop table l;`,
    `drop table pp; drop table i;`,
    `drop table hh;`,
  ],
]

describe('runs twice, rolls back twice, and ends as its own files end:', () => {
  test.each(chosen(histories))('%s', (_what, ...steps) => expectToHold(...steps))
})
