import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jwtVerify } from 'jose'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createIntegrationsDb } from '../../src/index.ts'
import { startTestDatabase, type TestDatabase } from '../../src/testing/index.ts'
import { dataFolderOf } from '../testing/servers.ts'

const bundle = { api_key: 'k', base_url: 'https://api.xledger.net', company_id: '4711' }

let t: TestDatabase
let admin: postgres.Sql
beforeAll(async () => {
  // A host with more than organizations: what refers to them, and what does not.
  const prepare = async (adminUrl: string) => {
    const sql = postgres(adminUrl, { max: 1 })
    await sql.unsafe(`
      create table organizations (id uuid primary key, name text not null, members int not null);
      create table invoices (
        id int generated always as identity primary key,
        organization_id uuid references organizations on delete restrict
      );
      create table countries (code text primary key);
      insert into countries values ('NO');`)
    await sql.end()
  }
  t = await startTestDatabase({ prepare })
  admin = postgres(t.adminUrl, { max: 1, onnotice: () => {} })
})
afterAll(async () => {
  await admin?.end()
  await t?.stop()
})

const organization = () => t.organization({ name: 'Lions Bergen', members: 12 })

/** Rows in every table this package's calls write, and in the host's that refer to an organization. */
async function fill(): Promise<string> {
  const organizationId = await organization()
  await admin`insert into invoices (organization_id) values (${organizationId})`
  const lions = t.forOrganization({ organizationId })
  await lions.integrations.create({ integrationType: 'xledger' })
  await lions.credentials.store('xledger', bundle)
  await lions.credentials.rotate('xledger', bundle, { graceSeconds: 60 })
  const service = t.db.asService({ actor: 'worker' })
  await service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason: 'run 42' })
  await lions.integrations.update('xledger', { status: 'active' })
  const due = new Date('2026-01-01T02:00:00Z')
  const run = await service.runs.start({ organizationId, integrationType: 'xledger', due })
  await service.runs.finish(run?.id ?? '', { outcome: 'failed', errorAfter: 1 })
  for (const { id } of await service.alerts.pending()) await service.alerts.acknowledge(id)
  await admin`select integrations.planned_through('syncs', ${due})`
  return organizationId
}

/** Every table of the database that has a row. */
async function tablesWithRows(): Promise<string[]> {
  const tables = await admin<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')
    order by name`
  const filled = await Promise.all(
    tables.map(async ({ name }) => ((await admin.unsafe(`select from ${name} limit 1`)).length > 0 ? [name] : [])),
  )
  return filled.flat()
}

describe('a test database', () => {
  test('fails with an IntegrationsDbError, whatever is handed in', async () => {
    const throws = () => {
      throw new TypeError('a getter')
    }
    const hostile = [
      Object.defineProperty({}, 'role', { enumerable: true, get: throws }),
      new Proxy({}, { ownKeys: throws, get: throws }),
      { organizationId: 1n, userId: Symbol('a') },
      { name: { toString: throws, toJSON: throws } },
    ] as never[]
    for (const value of hostile) {
      for (const door of [
        () => t.forOrganization(value),
        () => t.token(value),
        () => t.claims(value),
        () => t.organization(value),
      ]) {
        // What an error of it would be, or nothing: a claim of any type is there to be refused.
        const error = await Promise.resolve()
          .then((): unknown => door())
          .catch((reason) => reason)
        if (error instanceof Error) expect(error).toMatchObject({ name: 'IntegrationsDbError' })
      }
    }
  })

  test('shows each organization what it saved and nothing of another, on the logins a backend would have', async () => {
    const [lions, scouts] = [await organization(), await organization()]
    await t.forOrganization({ organizationId: lions }).integrations.create({ integrationType: 'xledger' })
    expect(await t.forOrganization({ organizationId: lions }).integrations.list()).toHaveLength(1)
    expect(await t.forOrganization({ organizationId: scouts }).integrations.list()).toEqual([])
    const coordinator = t.forOrganization({ organizationId: lions, role: 'coordinator' })
    await expect(coordinator.integrations.delete('xledger')).rejects.toMatchObject({ code: 'permission_denied' })

    const { url, serviceUrl, encryptionKey } = t
    const db = createIntegrationsDb({ url, serviceUrl, encryptionKey })
    const host = db.forClaims(t.claims({ organizationId: lions }))
    await host.credentials.store('xledger', bundle)
    const service = db.asService({ actor: 'worker' })
    const read = { organizationId: lions, integrationType: 'xledger', reason: 'run 42' } as const
    expect((await service.credentials.retrieve(read)).api_key).toBe('k')
    await db.end()
  })

  test('an organization that the table refuses is an error, and none is added', async () => {
    const count = async () => (await admin`select from organizations`).length
    const before = await count()
    await expect(t.organization({ name: 'no members' })).rejects.toMatchObject({ code: 'invalid_input' })
    expect(await count()).toBe(before)
  })

  test('without a table of organizations it does not start, says what to do, and leaves nothing behind', async () => {
    let folder = ''
    const prepare = async (adminUrl: string) => {
      folder = await dataFolderOf(adminUrl)
    }
    await expect(startTestDatabase({ prepare })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/^prepare: found no table public\.organizations .* create it there$/),
    })
    expect(existsSync(folder)).toBe(false)
  })
})

describe('a token', () => {
  const key = () => new TextEncoder().encode(t.jwtSecret)

  test('is one that a backend can verify, of the organization, role and user it was asked for', async () => {
    const who = { organizationId: '7d9f0a52-6a4e-4c0e-9d5b-6a1f6a1f6a1f', role: 'coordinator', userId: 'kari' }
    const { payload } = await jwtVerify(t.token(who), key(), { algorithms: ['HS256'], audience: 'authenticated' })
    expect(payload).toEqual({ ...t.claims(who), iat: payload.iat, exp: payload.exp })
    expect(payload).toMatchObject({
      sub: 'kari',
      role: 'authenticated',
      app_metadata: { organization_id: who.organizationId, role: 'coordinator' },
    })
  })

  test('is refused where it has expired, or its secret is another', async () => {
    const expired = t.token({ expiresInSeconds: -1 })
    await expect(jwtVerify(expired, key())).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' })
    const other = new TextEncoder().encode(`${t.jwtSecret}x`)
    await expect(jwtVerify(t.token({}), other)).rejects.toMatchObject({ code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
  })

  test('of a role without rights, or of no organization, opens no scope', async () => {
    const organizationId = await organization()
    for (const claims of [t.claims({ organizationId, role: 'treasurer' }), t.claims({})]) {
      expect(() => t.db.forClaims(claims)).toThrow(expect.objectContaining({ code: 'permission_denied' }))
    }
  })
})

describe('reset', () => {
  test('leaves no organization, nothing that refers to one and nothing of this package; the rest and connections stay', async () => {
    await fill()
    expect(await tablesWithRows()).toEqual([
      'integrations.alert_acknowledgements',
      'integrations.encrypted_secrets',
      'integrations.retrieval_requests',
      'integrations.sync_plans',
      'integrations_once.statements',
      'public.countries',
      'public.invoices',
      'public.organization_integration_changes',
      'public.organization_integration_credentials',
      'public.organization_integration_events',
      'public.organization_integration_runs',
      'public.organization_integrations',
      'public.organizations',
      'supabase_migrations.schema_migrations',
    ])
    const connections = () => admin`select pid from pg_stat_activity where usename like 'test_%' order by pid`
    const before = await connections()
    await t.reset()
    expect(await tablesWithRows()).toEqual([
      'integrations_once.statements',
      'public.countries',
      'supabase_migrations.schema_migrations',
    ])
    await fill()
    expect(await connections()).toEqual(before)
    expect(await admin`select id from invoices`).toEqual([{ id: 1 }])
  })

  test('events are append-only again after it', async () => {
    await t.reset()
    await fill()
    await expect(admin`delete from organization_integration_events`).rejects.toThrow('append-only')
    await expect(admin`truncate organization_integration_events`).rejects.toThrow('append-only')
  })

  test('costs less than 50 ms', async () => {
    const milliseconds: number[] = []
    for (let i = 0; i < 21; i++) {
      await fill()
      const start = performance.now()
      await t.reset()
      milliseconds.push(performance.now() - start)
    }
    // The median: what a busy machine adds to single ones is not the reset's.
    const median = milliseconds.sort((a, b) => a - b)[10]
    console.log(`reset: ${median?.toFixed(1)} ms, median of ${milliseconds.length}`)
    expect(median).toBeLessThan(50)
  })

  test('where a transaction is left open it says so instead of waiting for ever, and nothing is emptied', async () => {
    await t.reset()
    await organization()
    const other = postgres(t.adminUrl, { max: 1 })
    await other.begin(async (tx) => {
      await tx`select from organizations`
      await expect(t.reset()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('end it') })
    })
    await other.end()
    expect(await admin`select from organizations`).toHaveLength(1)
  })
})

test('nothing that a backend imports reaches it', async () => {
  const source = fileURLToPath(new URL('../../src', import.meta.url))
  const files = (await readdir(source, { recursive: true })).filter((file) => file.endsWith('.ts'))
  const outside = files.filter((file) => !file.startsWith('testing'))
  for (const file of outside) {
    expect(await readFile(join(source, file), 'utf8'), file).not.toMatch(/(from|import\() ?'[^']*\/testing\//)
  }
  expect(outside.length).toBeGreaterThan(50)
})
