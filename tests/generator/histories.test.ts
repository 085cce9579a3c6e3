import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { built, inDatabase, runFile, type Step, schemaOf, tryFiles, writeProject } from '../support/projects.ts'

/* What real folders did that nobody here would have written: each runs up, up, down, down, up and all the way down. */

const base = `
  create table t (id integer primary key, a text not null, b integer);
  create table child (id integer primary key, t integer references t (id));
  create index t_b on t (b);`

const histories: [what: string, ...steps: string[]][] = [
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
]

describe('runs twice, rolls back twice, and ends as its own files end:', () => {
  test.each(histories)('%s', async (_what, ...steps) => {
    const project = await writeProject(steps.map((sql): Step => ({ sql })))
    const files = await built(project)
    project.remove()
    const raw = await inDatabase(async (db) => {
      for (const step of steps) await db.unsafe(step)
      return schemaOf(db)
    })
    await inDatabase(async (db) => {
      expect((await tryFiles(db, files)).problems).toEqual([])
      for (const { up } of files) await runFile(db, up)
      await db.unsafe('drop schema if exists integrations_once cascade')
      expect(await schemaOf(db)).toEqual(raw)
    })
  })
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
