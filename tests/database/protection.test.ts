import { sql } from 'drizzle-orm'
import { integer, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { beforeAll, describe, expect, test } from 'vitest'
import type { OrganizationScope } from '../../src/index.ts'
import { organizationIntegrations as table } from '../../src/schema/index.ts'
import { useDatabase } from '../support/database.ts'
import { addressOf, startProxy } from '../support/proxy.ts'

/* Queries on an application's own tables: what a scope filters, and what it does not. */

const t = useDatabase()
let acme: OrganizationScope
let organizationId: string

const invoices = pgTable('invoices', { id: integer('id'), organizationId: uuid('organization_id'), note: text('note') })
const countries = pgTable('countries', { id: integer('id'), name: text('name') })
const secrets = pgTable('closed', { id: integer('id') })

const own = `organization_id = (select integrations.current_organization_id())`
const schema = `
  create table public.countries (id integer, name text);
  insert into public.countries values (1, 'Norway');
  create table public.invoices (id integer, organization_id uuid, note text);
  alter table public.invoices enable row level security;
  create policy own on public.invoices to authenticated using (${own}) with check (${own});
  create table public.silent (id integer);
  alter table public.silent enable row level security;
  create table public.closed (id integer);
  alter table public.closed enable row level security;
  create view public.open_view as select * from public.invoices;
  create view public.safe_view with (security_invoker) as select * from public.invoices;
  create view public.mixed_view with (security_invoker = on) as select i.id from public.invoices as i, public.countries as c;
  create view public.view_of_view with (security_invoker = true) as select * from public.open_view;
  create materialized view public.summary as select 1 as id;
  create table public.parted (id integer, organization_id uuid) partition by list (id);
  create table public.parted_1 partition of public.parted for values in (1);
  alter table public.parted enable row level security;
  create policy own on public.parted to authenticated using (${own});
  create table public.mine (id integer);
  alter table public.mine enable row level security;
  alter table public.mine owner to authenticated;
  create table public."Odd name" (id integer);
  create schema app;
  create table app.things (id integer);
  grant usage on schema app to authenticated;
  create function public.unprotected_ids() returns setof integer language sql security definer
    set search_path = pg_catalog, pg_temp as 'select id from public.countries';
  grant select, insert, update, delete on public.countries, public.invoices, public.silent, public.open_view, public.safe_view,
    public.mixed_view, public.view_of_view, public.summary, public.parted, public.parted_1, public."Odd name", app.things to authenticated;`

beforeAll(async () => {
  // What Supabase grants by default is taken away: a table without a grant is one.
  await t.admin.unsafe(`alter default privileges in schema public revoke all on tables from authenticated; ${schema}
    revoke all on public.closed from authenticated`)
  organizationId = await t.organization()
  const other = await t.organization()
  await t.admin`insert into public.invoices values (1, ${organizationId}, 'ours'), (2, ${other}, 'theirs')`
  await t.admin`insert into public.parted values (1, ${organizationId}), (1, ${other})`
  acme = t.db.forOrganization({ organizationId, role: 'admin' })
})

const raw = (statement: string, options?: { unprotected?: boolean }, scope: Pick<OrganizationScope, 'query'> = acme) =>
  scope.query((q) => q.execute(sql.raw(statement)), options)
const refused = (relation: string) => ({
  code: 'permission_denied',
  message: expect.stringContaining(`query: ${relation} `),
})

describe('a query that names what no policy filters is refused, and runs where the caller says so', () => {
  const cases: [statement: string, relation: string][] = [
    ['select * from countries', 'public.countries'],
    ['select i.id from invoices as i join countries as c on c.id = i.id', 'public.countries'],
    ['select * from invoices where id in (select id from public.countries)', 'public.countries'],
    ['with c as (select * from countries) select * from c', 'public.countries'],
    ['with countries as (select * from countries) select * from countries', 'public.countries'],
    ['with c as (select 1), countries as (select * from countries) select * from countries', 'public.countries'],
    ['with countries as (select 1 as n) select * from countries, public.countries as p', 'public.countries'],
    [
      'with invoices as (select 1 as n) select * from (with countries as (select 1) select 1) as s, countries',
      'public.countries',
    ],
    ['with recursive c as (select id from countries union select id from c) select * from c', 'public.countries'],
    ["select * from json_to_record('{}') as (n int), countries", 'public.countries'],
    [
      "with c as (select 1) select * from c, json_to_record('{}') as countries(n int), countries as d",
      'public.countries',
    ],
    ['select (select name from countries limit 1) from invoices', 'public.countries'],
    ['select * from invoices, countries', 'public.countries'],
    ['select id from invoices union all select id from countries', 'public.countries'],
    [`insert into countries values (2, 'Sweden')`, 'public.countries'],
    [`update countries set name = 'Norge'`, 'public.countries'],
    ['delete from countries where id = 9', 'public.countries'],
    ['update invoices set note = c.name from countries as c where c.id = invoices.id', 'public.countries'],
    ['merge into countries as c using invoices as i on false when matched then delete', 'public.countries'],
    ['table countries', 'public.countries'],
    ['select * from open_view', 'public.open_view'],
    ['select * from mixed_view', 'public.countries'],
    ['select * from view_of_view', 'public.open_view'],
    ['select * from summary', 'public.summary'],
    ['select * from parted_1', 'public.parted_1'],
    ['select * from mine', 'public.mine'],
    ['select * from "Odd name"', 'public."Odd name"'],
    ['select * from app.things', 'app.things'],
  ]
  test.each(cases)('%s', async (statement, relation) => {
    const before = await t.admin`select * from public.countries`
    await expect(raw(statement)).rejects.toMatchObject(refused(relation))
    await expect(raw(statement, { unprotected: false })).rejects.toMatchObject(refused(relation))
    expect([...(await t.admin`select * from public.countries`)]).toEqual([...before])
    await acme
      .transaction(async (tx) => {
        await raw(statement, { unprotected: true }, tx)
        throw new Error('undone')
      })
      .catch((error: Error) => expect(error.message).toBe('undone'))
  })

  test('built with Drizzle, with a fragment of SQL in it, and in a transaction', async () => {
    await expect(acme.query((q) => q.select().from(countries))).rejects.toMatchObject(refused('public.countries'))
    const joined = acme.query((q) =>
      q
        .select({ id: invoices.id })
        .from(invoices)
        .where(sql`exists (select from ${countries} where ${countries.id} = ${invoices.id})`),
    )
    await expect(joined).rejects.toMatchObject(refused('public.countries'))
    await expect(
      acme.transaction((tx) => tx.query((q) => q.insert(countries).values({ id: 3, name: 'x' }))),
    ).rejects.toMatchObject(refused('public.countries'))
    expect(await acme.query((q) => q.select().from(countries), { unprotected: true })).toEqual([
      { id: 1, name: 'Norway' },
    ])
  })
})

describe('a query that names what policies filter runs as it is', () => {
  test.each([
    ['select note from invoices', 1],
    ['select note from public.invoices as i', 1],
    ['select note from safe_view', 1],
    ['select id from parted', 1],
    ['with x as (select * from invoices) select * from x, lateral (select 1) as y', 1],
    ['with countries as (select * from invoices) select * from countries', 1],
    [
      'with x (id) as materialized (select id from invoices), y as (select * from x) select * from y join x using (id)',
      1,
    ],
    // Row-level security without a policy lets nobody see a row.
    ['select * from silent', 0],
    ['select 1 from pg_catalog.pg_class limit 1', 1],
    ['select table_name from information_schema.tables limit 1', 1],
    ['select * from organization_integrations', 0],
    ['select extract(year from now()), x from (values (1)) as v (x)', 1],
    // What a function reads is its author's matter.
    ['select * from unprotected_ids()', 1],
  ])('%s', async (statement, rows) => {
    expect(await raw(statement)).toHaveLength(rows)
  })

  test('by a scope of the service role, which passes every policy', async () => {
    const service = t.db.asService({ actor: 'sync' }).forOrganization(organizationId)
    await t.admin`grant select on public.countries to service_role`
    expect(await service.query((q) => q.select().from(countries))).toHaveLength(1)
  })

  test('once a table has row-level security: no refusal is remembered', async () => {
    await t.admin`create table public.later (id integer)`
    await t.admin`grant select on public.later to authenticated`
    await expect(raw('select * from later')).rejects.toMatchObject(refused('public.later'))
    await t.admin`alter table public.later enable row level security`
    expect(await raw('select * from later')).toEqual([])
  })
})

describe('what the server refuses is named', () => {
  test('the table that a grant is missing on', async () => {
    await expect(acme.query((q) => q.select().from(secrets))).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('table closed'),
    })
    await expect(raw('delete from closed', { unprotected: true })).rejects.toMatchObject({
      message: expect.stringContaining('table closed'),
    })
  })

  test('the column and the table that do not exist', async () => {
    const missing = pgTable('invoices', { due: text('due_on') })
    await expect(acme.query((q) => q.select().from(missing))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('column due_on does not exist'),
    })
    await expect(raw('select i.due_on from invoices as i')).rejects.toMatchObject({
      message: expect.stringContaining('column i.due_on'),
    })
    await expect(acme.query((q) => q.insert(missing).values({ due: 'x' }))).rejects.toMatchObject({
      message: expect.stringContaining('column due_on'),
    })
    await expect(raw('select * from nowhere')).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('table nowhere'),
    })
  })

  test('and a value that stands where a name belongs is not repeated', async () => {
    for (const statement of ['select * from invoices where note = "hunter2"', 'select * from "s3cret value"'])
      await expect(raw(statement)).rejects.toMatchObject({ message: expect.not.stringMatching(/hunter2|s3cret/) })
  })
})

test.each([
  [{ unprotected: 'yes' }, 'unprotected: must be true or false'],
  [{ unprotect: true }, 'options: query takes unprotected alone'],
])('options that are none are refused: %j', async (options, message) => {
  await expect(raw('select 1', options as object)).rejects.toMatchObject({ code: 'invalid_input', message })
})

test('costs one round trip more the first time that a table is named, and none for tables of ours', async () => {
  const proxy = await startProxy(addressOf(t.url))
  const scope = t.connect({ url: proxy.through(t.url), max: 1 }).forOrganization({ organizationId, role: 'admin' })
  const trips = async (work: () => Promise<unknown>) => {
    const before = proxy.roundTrips
    await work()
    return proxy.roundTrips - before
  }
  await scope.integrations.list()
  expect(await trips(() => scope.query((q) => q.select().from(table)))).toBe(1)
  expect(await trips(() => scope.query((q) => q.select().from(invoices)))).toBe(2)
  expect(await trips(() => scope.query((q) => q.select().from(invoices)))).toBe(1)
  expect(await trips(() => scope.query((q) => q.select({ id: invoices.id }).from(invoices)))).toBe(1)
  expect(await trips(() => scope.query((q) => q.select().from(countries), { unprotected: true }))).toBe(1)
  await proxy.stop()
})
