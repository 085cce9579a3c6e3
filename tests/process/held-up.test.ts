import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterEach, describe, expect, test } from 'vitest'
import { bootstrap, bootstrapSql } from '../../src/admin/bootstrap.ts'
import { moveToVault, revokeCredentials } from '../../src/admin/credentials.ts'
import { liftLockdown, lockdown } from '../../src/admin/lockdown.ts'
import { createLogin, newPassword } from '../../src/admin/logins.ts'
import { repair } from '../../src/admin/repair.ts'
import { deploymentLock } from '../../src/deployment/history.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { rollback } from '../../src/deployment/rollback.ts'
import { doctor } from '../../src/doctor/doctor.ts'
import { runCli } from '../support/command-line.ts'
import { type TestDatabase, useDatabase } from '../support/database.ts'
import { startEmbedded } from '../support/embedded.ts'
import { databaseUrl } from '../support/global-setup.ts'
import { installVault } from '../support/vault-stand-in.ts'

/*
 * Attackers who have a login, and leave transactions open: whatever they hold, an administrator's command ends, says who
 * holds it, and does for everybody else what it is there for.
 */

const attackers: postgres.Sql[] = []
afterEach(async () => {
  await Promise.all(attackers.splice(0).map((sql) => sql.end({ timeout: 0 })))
})

type Attacker = { pid: number; login: string; sql: postgres.Sql }

/** A session of one of the package's logins, in a transaction as the role that it may become, with any claims it likes. */
async function attacker(url: string, organizationId: string = randomUUID()): Promise<Attacker> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  attackers.push(sql)
  const claims = JSON.stringify({ app_metadata: { organization_id: organizationId, role: 'admin' } })
  const role = new URL(url).username.endsWith('_service') ? 'service_role' : 'authenticated'
  await sql.unsafe('begin')
  const [row] = await sql<{ pid: number; login: string }[]>`
    select pg_backend_pid() as pid, session_user::text as login, set_config('role', ${role}, true),
      set_config('request.jwt.claims', ${claims}, true)`
  return { pid: row?.pid ?? 0, login: row?.login ?? '', sql }
}

/** Organizations with an active integration whose secret is in the fallback's table. */
async function fill(t: Pick<TestDatabase, 'admin'>, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID()).sort()
  await t.admin`insert into organizations (id, name) select unnest(${ids}::uuid[]), 'attacked'`
  await t.admin`
    with made as (
      insert into organization_integrations (organization_id, integration_type, status)
      select unnest(${ids}::uuid[]), 'xledger', 'active' returning id
    ), secrets as (
      insert into integrations.encrypted_secrets (id, key_id, ciphertext) select id, '0', '\\x00' from made
    )
    insert into organization_integration_credentials (integration_id, version, store, secret_id, field_names)
    select id, 1, 'pgcrypto', id, '{api_key}' from made`
  return ids
}

async function alertsOf(t: Pick<TestDatabase, 'admin'>, ids: string[]): Promise<number[]> {
  const rows = await t.admin`
    select count(e.id)::int as alerts from unnest(${ids}::uuid[]) as o (id)
    left join organization_integration_events as e on e.organization_id = o.id and e.action = 'alert' group by o.id`
  return rows.map(({ alerts }) => alerts)
}

const holdRow = (sql: postgres.Sql) => sql`select id from public.organization_integrations for update`
const organization = (id: string) => `organization ${id}`

describe('a breach under locks', () => {
  const t = useDatabase()

  test('of 500 organizations, those that attackers hold are named with who holds them, and all others are revoked; the next run completes', async () => {
    const ids = await fill(t, 500)
    const every25th = ids.filter((_, i) => i % 25 === 0)
    const held = await Promise.all(
      every25th.map(async (id) => {
        const one = await attacker(t.url, id)
        await holdRow(one.sql)
        return { ...one, id }
      }),
    )
    // One in the middle of a rotation that it never ends.
    const rotating = ids[7] ?? ''
    const half = { ...(await attacker(t.url, rotating)), id: rotating }
    await half.sql`select integrations.revoke_credential('xledger', 'never committed')`
    // Every key that a command of this package has ever locked.
    const { sql: greedy } = await attacker(t.url)
    const keys = [
      ...ids.flatMap((id) => [`integrations-db breach ${id}`, `integrations-db repair ${id}`]),
      '@org/integrations-db lockdown',
    ]
    await greedy`select pg_advisory_lock(hashtextextended(key, 0)) from unnest(${keys}::text[]) as key`

    const started = performance.now()
    const { code, stdout } = await runCli(['credentials', 'revoke', '--all', '--apply', '--json', '--url', t.adminUrl])
    expect((performance.now() - started) / 1000).toBeLessThan(75)
    const { failures, organizations } = JSON.parse(stdout)
    expect(code).toBe(1)
    expect(organizations).toHaveLength(500)
    const expected = [...held, half].toSorted((a, b) => (a.id < b.id ? -1 : 1))
    const sorted = failures.toSorted((a: { what: string }, b: { what: string }) => (a.what < b.what ? -1 : 1))
    expect(sorted).toEqual(
      expected.map(({ id, pid, login }) => ({
        what: organization(id),
        message: expect.stringMatching(`^held up: pid ${pid} \\(login ${login}, since \\d{4}-\\d\\d-\\d\\dT`),
        holders: [{ pid, login, since: expect.stringMatching(/Z$/), prepared: null, ended: false }],
      })),
    )
    const left = new Set(expected.map(({ id }) => id))
    expect(await alertsOf(t, [...left])).toEqual(Array(21).fill(0))
    expect(
      await alertsOf(
        t,
        ids.filter((id) => !left.has(id)),
      ),
    ).toEqual(Array(479).fill(1))

    await Promise.all([...held, half].map(({ sql }) => sql.unsafe('rollback')))
    const next = await runCli(['credentials', 'revoke', '--all', '--apply', '--url', t.adminUrl])
    expect(next).toMatchObject({ code: 0, stdout: expect.stringContaining('revoked') })
    expect(await alertsOf(t, ids)).toEqual(Array(500).fill(1))
    expect(await t.admin`select from integrations.encrypted_secrets`).toHaveLength(0)
  }, 180_000)

  test('killed at any of its organizations, beside another operator and attackers, it leaves one alert each', async () => {
    const ids = await fill(t, 30)
    const holders = await Promise.all([3, 11, 19].map((i) => attacker(t.url, ids[i])))
    for (const { sql } of holders) await holdRow(sql)
    const run = (killAt: number) =>
      revokeCredentials({
        url: t.adminUrl,
        organizationId: 'all',
        apply: true,
        onProgress: (done) => {
          if (done === killAt) throw new Error('killed')
        },
      })
    for (const killAt of [1, 5, 9]) {
      const operators = [run(killAt), run(killAt + 1)]
      for (const ended of await Promise.allSettled(operators)) expect(ended).toMatchObject({ status: 'rejected' })
    }
    for (const { sql } of holders) await sql.unsafe('rollback')
    expect((await run(Number.NaN)).failures).toEqual([])
    expect(await alertsOf(t, ids)).toEqual(Array(30).fill(1))
  }, 120_000)

  test('--terminate ends who holds a row, those who queue for it after them, and nobody else', async () => {
    const ids = await fill(t, 3)
    const [first] = ids
    const queue = await Promise.all(Array.from({ length: 6 }, () => attacker(t.url, first)))
    const waiting = queue.map(({ sql }) =>
      holdRow(sql)
        .then(
          () => sql.unsafe('select pg_sleep(600)'),
          () => {},
        )
        .catch(() => {}),
    )
    const bystander = await attacker(t.url, ids[1])
    await bystander.sql`select from public.organization_integrations`
    await expect
      .poll(() => t.admin`select from pg_stat_activity where wait_event_type = 'Lock' and datname = ${t.name}`)
      .toHaveLength(5)

    const words = ['credentials', 'revoke', '--all', '--apply', '--terminate', '--json', '--url', t.adminUrl]
    const { code, stdout } = await runCli(words)
    const { failures, ended } = JSON.parse(stdout)
    expect({ code, failures }).toEqual({ code: 0, failures: [] })
    const ours = new Set(queue.map(({ pid }) => pid))
    expect(ended.length).toBeGreaterThan(0)
    expect(ended.every((one: { pid: number; ended: boolean }) => ours.has(one.pid) && one.ended)).toBe(true)
    expect(await alertsOf(t, ids)).toEqual([1, 1, 1])
    await bystander.sql`select from public.organization_integrations`
    await Promise.all(queue.map(({ sql }) => sql.end({ timeout: 0 })))
    await Promise.all(waiting)
  }, 60_000)

  test('a table that an attacker locks as a whole ends the command with the attacker named; --terminate revokes', async () => {
    const ids = await fill(t, 4)
    for (const mode of ['access exclusive', 'share row exclusive']) {
      const { sql, pid, login } = await attacker(t.url)
      await sql.unsafe(`lock table public.organization_integrations in ${mode} mode`)
      const report = await revokeCredentials({ url: t.adminUrl, organizationId: 'all', apply: true })
      expect(report.failures.length).toBeGreaterThan(0)
      for (const { holders } of report.failures) expect(holders).toMatchObject([{ pid, login }])
      const since = report.failures[0]?.holders?.[0]?.since
      expect(Date.now() - (since?.getTime() ?? 0)).toBeLessThan(60_000)
      expect(await alertsOf(t, ids)).toEqual([0, 0, 0, 0])
      await sql.unsafe('rollback')
    }
    const { sql, pid } = await attacker(t.url)
    await sql.unsafe('lock table public.organization_integrations in access exclusive mode')
    const target = { url: t.adminUrl, organizationId: 'all', apply: true, terminate: true }
    expect(await revokeCredentials(target)).toMatchObject({ failures: [], ended: [{ pid, ended: true }] })
    expect(await alertsOf(t, ids)).toEqual([1, 1, 1, 1])
  }, 60_000)

  test('doctor asks no longer than its patience, and changes nothing', async () => {
    const { sql } = await attacker(t.url)
    await sql.unsafe('lock table public.organization_integrations in access exclusive mode')
    const { code, stderr } = await runCli(['doctor', '--url', t.adminUrl])
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('locked by somebody else') })
    await sql.unsafe('rollback')
    expect((await doctor({ url: t.adminUrl })).healthy).toBe(true)
  }, 60_000)

  test('repair, too, names who holds a document and repairs the others; with terminate all of them', async () => {
    const ids = await fill(t, 3)
    await t.admin`alter table organization_integrations disable trigger configuration_check`
    await t.admin`update organization_integrations set field_mappings = '7' where organization_id = any(${ids}::uuid[])`
    await t.admin`alter table organization_integrations enable trigger configuration_check`
    const { sql, pid, login } = await attacker(t.url, ids[0])
    await holdRow(sql)
    const { failures, quarantined } = await repair({ url: t.adminUrl, apply: true })
    expect(failures).toMatchObject([{ what: organization(ids[0] ?? ''), holders: [{ pid, login }] }])
    expect(quarantined.map(({ organizationId }) => organizationId)).toEqual(ids.slice(1))
    const again = await repair({ url: t.adminUrl, apply: true, terminate: true })
    expect(again).toMatchObject({ failures: [], quarantined: [{ organizationId: ids[0] }], ended: [{ pid }] })
  }, 60_000)
})

describe('a breach under a prepared transaction, which no session has', () => {
  test('names it and its owner, and --terminate rolls it back', async () => {
    const server = await startEmbedded(undefined, ['-c', 'max_prepared_transactions=5'])
    try {
      const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
      attackers.push(admin)
      await admin.unsafe(`${bootstrapSql} create table public.organizations (id uuid primary key, name text not null)`)
      await migrate({ url: server.adminUrl })
      const password = newPassword()
      await createLogin({ url: server.adminUrl, name: 'attacker', password })
      const [id = ''] = await fill({ admin }, 1)
      const { sql } = await attacker(databaseUrl(server, 'postgres', { name: 'attacker', password }), id)
      await holdRow(sql)
      await sql.unsafe(`prepare transaction 'mine''s'`)
      await sql.end()
      const target = { url: server.adminUrl, organizationId: 'all', apply: true }
      const [failure] = (await revokeCredentials(target)).failures
      expect(failure?.holders).toMatchObject([{ pid: null, login: 'authenticated', prepared: "mine's", ended: false }])
      expect(failure?.message).toContain("the prepared transaction mine's (login authenticated, since 2")
      const { failures, ended } = await revokeCredentials({ ...target, terminate: true })
      expect({ failures, ended }).toMatchObject({ failures: [], ended: [{ prepared: "mine's", ended: true }] })
      expect(await alertsOf({ admin }, [id])).toEqual([1])
      expect(await admin`select from pg_prepared_xacts`).toHaveLength(0)
    } finally {
      await Promise.all(attackers.splice(0).map((one) => one.end({ timeout: 0 })))
      await server.stop()
    }
  }, 60_000)
})

describe('a breach under locks on Vault', () => {
  const t = useDatabase()

  test('a service login that holds secrets or all of Vault is named, and does not stop what is not in Vault', async () => {
    await installVault(t.admin)
    const ids = await fill(t, 3)
    const scope = t.db.forOrganization({ organizationId: ids[0] ?? '', role: 'admin' })
    await scope.credentials.rotate('xledger', { api_key: 'k', base_url: 'https://api.xledger.net', company_id: '1' })
    const { sql, pid, login } = await attacker(t.serviceUrl)
    await sql`delete from vault.secrets`
    const { failures } = await revokeCredentials({ url: t.adminUrl, organizationId: 'all', apply: true })
    expect(failures).toMatchObject([{ what: organization(ids[0] ?? ''), holders: [{ pid, login }] }])
    expect((await alertsOf(t, ids)).toSorted()).toEqual([0, 1, 1])

    await sql.unsafe('lock table vault.secrets in access exclusive mode')
    const more = await fill(t, 2)
    const report = await revokeCredentials({ url: t.adminUrl, organizationId: 'all', apply: true })
    expect(report.failures.map(({ what }) => what)).toContain('orphaned secrets')
    expect(await alertsOf(t, more)).toEqual([1, 1])
    await sql.unsafe('rollback')
    expect((await revokeCredentials({ url: t.adminUrl, organizationId: 'all', apply: true })).failures).toEqual([])
    expect(await alertsOf(t, [...ids, ...more])).toEqual([1, 1, 1, 1, 1])
    expect(await t.admin`select from vault.secrets`).toHaveLength(0)
  }, 60_000)

  test('moving credentials names who holds one, and moves it once they are gone', async () => {
    const [id = ''] = await fill(t, 1)
    const key = randomBytes(32).toString('hex')
    const db = t.connect({ encryptionKey: key })
    await t.admin`delete from organization_integration_credentials`
    await t.admin`alter table vault.secrets rename to hidden`
    const bundle = { api_key: 'k', base_url: 'https://api.xledger.net', company_id: '1' }
    await db.forOrganization({ organizationId: id, role: 'admin' }).credentials.store('xledger', bundle)
    await t.admin`alter table vault.hidden rename to secrets`
    const { sql, pid, login } = await attacker(t.url, id)
    await holdRow(sql)
    const settings = {
      url: t.adminUrl,
      encryptionKey: key,
      previousEncryptionKey: undefined,
      allowParameterLogging: false,
    }
    const { failures } = await moveToVault({ ...settings, apply: true })
    expect(failures).toMatchObject([{ holders: [{ pid, login }] }])
    await sql.unsafe('rollback')
    expect(await moveToVault({ ...settings, apply: true })).toMatchObject({ secrets: 1, failures: [] })
  }, 60_000)
})

describe('lockdown', () => {
  const t = useDatabase()

  test('waits for nobody, names who still reads what they opened before, and with --terminate ends them', async () => {
    await fill(t, 20)
    const reader = await attacker(t.serviceUrl)
    await reader.sql.unsafe('declare before cursor for select * from public.organization_integrations')
    const locker = await attacker(t.url)
    await locker.sql.unsafe('lock table public.organization_integrations in share row exclusive mode')
    await locker.sql`select pg_advisory_lock(hashtextextended('@org/integrations-db lockdown', 0))`
    const { code, stdout } = await runCli(['lockdown', '--json', '--url', t.adminUrl])
    expect(code).toBe(1)
    const { grants, stillOpen } = JSON.parse(stdout)
    expect(grants).toBeGreaterThan(10)
    const named = [reader, locker].map(({ pid, login }) => expect.objectContaining({ pid, login, ended: false }))
    expect(stillOpen).toHaveLength(2)
    expect(stillOpen).toEqual(expect.arrayContaining(named))
    // Why it is told: privileges are asked for when a cursor is opened, not when it goes on.
    expect(await reader.sql.unsafe('fetch 5 from before')).toHaveLength(5)

    const again = await runCli(['lockdown', '--terminate', '--url', t.adminUrl])
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining(`ended: pid ${reader.pid} (login `) })
    await expect(reader.sql.unsafe('fetch 5 from before')).rejects.toThrow()
    expect((await lockdown({ url: t.adminUrl })).stillOpen).toEqual([])
    expect((await liftLockdown({ url: t.adminUrl })).grants).toBe(grants)
  }, 60_000)

  test('names the administrator who holds its own table, changes nothing, and works once they are gone', async () => {
    const other = postgres(t.adminUrl, { max: 1 })
    attackers.push(other)
    await other.unsafe('begin; lock table integrations.revoked_grants in share row exclusive mode')
    const [row] = await other`select pg_backend_pid() as pid`
    const { code, stderr } = await runCli(['lockdown', '--url', t.adminUrl])
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`held up: pid ${row?.pid} (login `) })
    await other.unsafe('rollback')
    await lockdown({ url: t.adminUrl })
    await liftLockdown({ url: t.adminUrl })
  }, 60_000)
})

describe('locks of our own', () => {
  const t = useDatabase()
  const host = useDatabase('host')

  test('can be taken by no login that is not an administrator', async () => {
    for (const url of [t.url, t.serviceUrl]) {
      for (const statement of [
        `insert into integrations.operator_turns (name) values ('x')`,
        `select integrations.take_turn('x')`,
        'lock table integrations.revoked_grants in access share mode',
        'lock table supabase_migrations.schema_migrations in access share mode',
        'comment on schema supabase_migrations is null',
      ]) {
        const { sql } = await attacker(url)
        await expect(sql.unsafe(statement), statement).rejects.toMatchObject({ code: '42501' })
      }
      // It swallows the refusal, so whatever it asked for it would hold: it holds nothing.
      const { sql } = await attacker(url)
      await sql.unsafe(deploymentLock)
      const locks =
        await t.admin`select from pg_locks where locktype = 'object' and objid = to_regnamespace('supabase_migrations')`
      expect(locks).toHaveLength(0)
    }
  })

  test('leave nothing behind, and no function takes an advisory one', async () => {
    expect(await t.admin`select from integrations.operator_turns`).toHaveLength(0)
    const functions = await t.admin`
      select proname from pg_proc where pronamespace = 'integrations'::regnamespace and prosrc ~ 'advisory'`
    expect(functions).toHaveLength(0)
  })

  test('so bootstrap, migrate and rollback end, whatever advisory locks a login holds', async () => {
    const { sql } = await attacker(host.url)
    const keys = ['bootstrap', 'migrations', 'migration file', 'lockdown'].map((name) => `@org/integrations-db ${name}`)
    await sql`select pg_advisory_lock(hashtextextended(key, 0)) from unnest(${keys}::text[]) as key`
    await bootstrap({ url: host.adminUrl, login: false })
    expect((await migrate({ url: host.adminUrl })).applied.length).toBeGreaterThan(0)
    expect((await rollback({ url: host.adminUrl, steps: 1, acceptDataLoss: true })).rolledBack).toHaveLength(1)
  })

  test('a comment that somebody gave the history survives migrate and rollback', async () => {
    await host.admin`comment on schema supabase_migrations is 'it''s the host''s'`
    await migrate({ url: host.adminUrl })
    await rollback({ url: host.adminUrl, steps: 1, acceptDataLoss: true })
    const [row] =
      await host.admin`select obj_description(to_regnamespace('supabase_migrations'), 'pg_namespace') as comment`
    expect(row?.comment).toBe("it's the host's")
  })

  test('migrate works for a login that may write the history and does not own its schema', async () => {
    const name = `${t.name}_deployer`
    const url = new URL(t.adminUrl)
    url.username = name
    url.password = randomUUID()
    const supabase = mkdtempSync(join(tmpdir(), 'integrations-db-deployer-'))
    mkdirSync(join(supabase, 'migrations'))
    writeFileSync(join(supabase, 'migrations', '20270101000000_nothing.sql'), 'select 1;')
    await t.admin.unsafe(`create role ${name} login password '${url.password}';
      grant usage on schema supabase_migrations to ${name};
      grant all on supabase_migrations.schema_migrations to ${name}`)
    try {
      const reports = await Promise.all([1, 2, 3].map(() => migrate({ url: url.href, supabase })))
      expect(reports.flatMap(({ applied }) => applied)).toEqual(['20270101000000_nothing.sql'])
    } finally {
      rmSync(supabase, { recursive: true })
      await t.admin.unsafe(`drop owned by ${name}; drop role ${name}`)
    }
  })
})
