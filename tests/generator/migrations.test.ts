import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { migrate } from '../../src/deployment/migrate.ts'
import { rollback } from '../../src/deployment/rollback.ts'
import { readCatalog } from '../support/catalog.ts'
import { onServer } from '../support/database.ts'
import { sqlFiles } from '../support/files.ts'
import { databaseUrl } from '../support/global-setup.ts'

const migrations = sqlFiles('migrations')
const rollbacks = sqlFiles('rollbacks')
const made: string[] = []
let url: string
let sql: postgres.Sql

/** Every test starts from a host's database in which nothing of ours has ever been. */
beforeEach(async () => {
  await sql?.end()
  const server = inject('server')
  const name = `test_${randomBytes(6).toString('hex')}`
  await onServer(`create database ${name} template ${server.hostTemplate}`)
  made.push(name)
  url = databaseUrl(server, name)
  sql = postgres(url, { max: 1, onnotice: () => {} })
})

afterAll(async () => {
  await sql?.end()
  for (const name of made) await onServer(`drop database ${name} with (force)`)
})

const run = (text: string) => sql.begin((tx) => tx.unsafe(text))

describe('every migration', () => {
  test('applies from scratch, and leaves its tables, both enum types, and their policies, indexes and triggers', async () => {
    const { applied } = await migrate({ url })
    expect(applied).toEqual(migrations.map(({ name }) => name))
    const catalog = await readCatalog(sql)
    expect(catalog.tables?.map((table) => (table as string[])[1])).toEqual([
      'alert_acknowledgements',
      'encrypted_secrets',
      'operator_turns',
      'retrieval_requests',
      'revoked_grants',
      'sync_plans',
      // Marks of what changes rows: the backfill runs once.
      'statements',
      'organization_integration_changes',
      'organization_integration_credentials',
      'organization_integration_events',
      'organization_integration_runs',
      'organization_integrations',
    ])
    expect(catalog.types).toHaveLength(2)
    expect(catalog.policies).toHaveLength(7)
    expect(catalog.triggers).toHaveLength(23)
    expect(catalog.indexes).toHaveLength(25)
  })

  test('can run twice in a row, and the second run changes nothing', async () => {
    for (const { text } of migrations) {
      await run(text)
      const once = await readCatalog(sql)
      await run(text)
      expect(await readCatalog(sql)).toEqual(once)
    }
  })

  test('can be replayed as a whole sequence, with rows in the table, and nothing changes', async () => {
    for (const { text } of migrations) await run(text)
    await sql`with host as (insert into organizations (name) values ('a') returning id)
      insert into organization_integrations (organization_id, integration_type) select id, 'xledger' from host`
    const [once, rows] = [await readCatalog(sql), await sql`select *, xmin from organization_integrations`]
    for (const { text } of migrations) await run(text)
    expect(await readCatalog(sql)).toEqual(once)
    expect([...(await sql`select *, xmin from organization_integrations`)]).toEqual([...rows])
  })

  test('applies whole or not at all: without public.organizations it says so and creates nothing', async () => {
    await sql`drop table organizations`
    await expect(migrate({ url })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(
        /create_organization_integrations\.sql: table public\.organizations does not exist.*host application/,
      ),
    })
    const catalog = await readCatalog(sql)
    expect([catalog.tables, catalog.types]).toEqual([[], []])
  })

  test('refuses an organizations table whose id is no uuid, naming the type it found and the one it needs', async () => {
    await sql`alter table organizations alter column id drop default, alter column id type text`
    await expect(migrate({ url })).rejects.toThrow(/expected column public\.organizations\.id of type uuid, found text/)
  })

  test('refuses an enum type that exists with other labels, naming both', async () => {
    await sql`create type integration_type_enum as enum ('xledger', 'sap')`
    await expect(migrate({ url })).rejects.toThrow(
      /integration_type_enum.*found \{xledger,sap\}, expected \{xledger,dynamics/,
    )
  })

  test('leaves a claims function alone that the host has replaced and marked', async () => {
    await migrate({ url })
    await sql.unsafe(`create or replace function integrations.current_organization_id() returns uuid
      language sql stable set search_path = '' as 'select null::uuid';
      comment on function integrations.current_organization_id() is 'integrations-db: host'`)
    const before = await readCatalog(sql)
    for (const { text } of migrations) await run(text)
    expect(await readCatalog(sql)).toEqual(before)
  })
})

describe('every rollback', () => {
  test('removes the table and both enum types and restores the catalog exactly, one step at a time', async () => {
    const states = [await readCatalog(sql)]
    for (const { text } of migrations) {
      await run(text)
      states.push(await readCatalog(sql))
    }
    for (const { text } of [...rollbacks].reverse()) {
      states.pop()
      await run(text)
      expect(await readCatalog(sql)).toEqual(states.at(-1))
    }
    const left = await readCatalog(sql)
    expect([left.tables, left.types, left.functions]).toEqual([[], [], []])
  })

  test('can run twice in a row', async () => {
    for (const { text } of migrations) await run(text)
    for (const { text } of [...rollbacks].reverse()) {
      await run(text)
      const once = await readCatalog(sql)
      await run(text)
      expect(await readCatalog(sql)).toEqual(once)
    }
  })

  test('states what data it loses, and runs only when that is accepted', async () => {
    await migrate({ url })
    const before = await readCatalog(sql)
    await expect(rollback({ url, steps: migrations.length })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(
        /every row of public\.organization_integration_credentials.*every row of public\.organization_integrations/,
      ),
    })
    expect(await readCatalog(sql)).toEqual(before)
    await rollback({ url, steps: migrations.length, acceptDataLoss: true })
    expect([...(await sql`select version from supabase_migrations.schema_migrations`)]).toEqual([])
  })

  test('refuses to take a host view along that reads the table', async () => {
    await migrate({ url })
    await sql`create view host_report as select count(*) from organization_integrations`
    await expect(rollback({ url, steps: migrations.length, acceptDataLoss: true })).rejects.toThrow(
      /other objects depend on it/,
    )
    expect(await sql`select * from host_report`).toHaveLength(1)
  })

  test('leaves moddatetime and schema extensions to others', async () => {
    await migrate({ url })
    await rollback({ url, steps: migrations.length, acceptDataLoss: true })
    expect(await sql`select from pg_proc where proname = 'moddatetime'`).toHaveLength(1)
    expect(await sql`select from pg_namespace where nspname = 'extensions'`).toHaveLength(1)
  })
})

describe('updated_at', () => {
  const touched = async () => {
    const [row] = await sql`with host as (insert into organizations (name) values ('a') returning id)
      insert into organization_integrations (organization_id, integration_type, updated_at)
      select id, 'xledger', '2000-01-01' from host returning id, updated_at`
    const [after] =
      await sql`update organization_integrations set updated_at = '1999-01-01' where id = ${row?.id} returning updated_at > now() - interval '1 minute' as moved`
    return after?.moved
  }
  const triggerFunction = async () =>
    (await sql`select tgfoid::regproc::text as name from pg_trigger where tgname = 'touch_updated_at'`)[0]?.name

  test('is kept by a shared moddatetime wherever it lives, and no second one is made', async () => {
    await sql`create schema shared`
    await sql`create extension moddatetime schema shared`
    await migrate({ url })
    expect(await triggerFunction()).toBe('shared.moddatetime')
    expect(await sql`select from pg_proc where proname = 'moddatetime'`).toHaveLength(1)
    expect(await touched()).toBe(true)
  })

  test('is kept by the extension in schema extensions where there was none', async () => {
    await migrate({ url })
    expect(await triggerFunction()).toBe('extensions.moddatetime')
    expect(await sql`select from pg_extension where extname = 'moddatetime'`).toHaveLength(1)
    expect(await touched()).toBe(true)
  })

  test('is kept by a function that does the same where the extension is not to be had', async () => {
    // A role that may do everything the migrations need, but may not create an untrusted extension.
    const name = new URL(url).pathname.slice(1)
    const role = `${name}_owner`
    await sql.unsafe(`create role ${role} bypassrls; grant create on database ${name} to ${role}; grant all on schema public, extensions to ${role};
      grant references, select, insert on organizations to ${role}; alter schema extensions owner to ${role}`)
    await sql.unsafe(`set role ${role}`)
    for (const { text } of migrations) await run(text)
    await sql.unsafe('reset role')
    expect(await sql`select from pg_extension where extname = 'moddatetime'`).toHaveLength(0)
    expect(await triggerFunction()).toBe('extensions.moddatetime')
    expect(await touched()).toBe(true)
    await sql.unsafe(`drop owned by ${role} cascade; drop role ${role}`)
  })
})
