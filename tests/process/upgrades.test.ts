import { randomBytes, randomUUID } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { migrate } from '../../src/deployment/migrate.ts'
import { rollback } from '../../src/deployment/rollback.ts'
import { createIntegrationsDb } from '../../src/index.ts'
import { readCatalog, readRows } from '../support/catalog.ts'
import { useDatabase } from '../support/database.ts'
import { sqlFiles } from '../support/files.ts'
import { databaseUrl } from '../support/global-setup.ts'
import { inDatabase } from '../support/projects.ts'
import { installVault } from '../support/vault-stand-in.ts'

/*
 * Every earlier state of supabase/migrations, as somebody has it in production: with rows in each of its tables, written
 * as they were written then. It is migrated to the newest state and rolled back again.
 */

const host = useDatabase('host')
const names = sqlFiles('migrations').map(({ name }) => name)
const encryptionKey = randomBytes(32).toString('hex')
const bundle = { api_key: 'of an earlier state', base_url: 'https://api.xledger.net', company_id: '4711' }

type Row = Record<string, unknown>
type Rows = Record<string, Row[]>

const folders = mkdtempSync(join(tmpdir(), 'integrations-db-upgrades-'))
afterAll(() => rmSync(folders, { recursive: true, force: true }))

/** A Supabase project that has the first so many of our files. */
function projectOf(count: number): string {
  const project = join(folders, String(count))
  for (const kind of ['migrations', 'rollbacks']) {
    mkdirSync(join(project, kind), { recursive: true })
    for (const name of names.slice(0, count)) cpSync(join('supabase', kind, name), join(project, kind, name))
  }
  return project
}

async function rowsOf(sql: postgres.Sql): Promise<Rows> {
  const texts = Object.entries(await readRows(sql))
  const rows = texts.map(([table, text]) => [table, JSON.parse(String(text ?? '[]')) as Row[]] as const)
  // Marks that the migrations leave for themselves are no data.
  return Object.fromEntries(rows.filter(([table]) => table !== 'integrations_once.statements'))
}

/** Runs as a caller of the Data API would: a role, its claims, and the key of the fallback store. */
function as(
  sql: postgres.Sql,
  role: string,
  organizationId: string,
  work: (tx: postgres.TransactionSql) => Promise<unknown>,
) {
  const claims = {
    sub: 'kari',
    actor: 'nightly-sync',
    app_metadata: { organization_id: organizationId, role: 'admin' },
  }
  return sql.begin(async (tx) => {
    await tx`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true), set_config('role', ${role}, true),
      set_config('integrations.encryption_key', ${encryptionKey}, true)`
    return work(tx)
  })
}

const has = async (sql: postgres.Sql, name: string) =>
  (await sql`select from pg_proc where pronamespace = to_regnamespace('integrations') and proname = ${name}`).length > 0

/** Integrations of two organizations: good documents, and what the state lets pass besides. */
async function fillIntegrations(sql: postgres.Sql, [acme, other]: [string, string]): Promise<void> {
  await sql`insert into organizations (id, name) values (${acme}, 'acme'), (${other}, 'other')`
  if ((await sql`select from pg_tables where tablename = 'organization_integrations'`).length === 0) return
  await sql`insert into organization_integrations
      (organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features)
    values (${acme}, 'xledger', 'inactive', '{"amount": "invoiceAmount"}', '0 2 * * *', '["payroll_sync"]'),
      (${acme}, 'dynamics', 'pending_setup', '{"reference": {"path": "externalDocumentNumber"}}', null, '[]'),
      (${other}, 'xledger', 'error', '{}', null, '[]')`
  if (await has(sql, 'config_violations')) await quarantine(sql, acme)
  else {
    await sql`insert into organization_integrations (organization_id, integration_type, field_mappings, excluded_features)
      values (${acme}, 'consio', null, '["leave_tracking"]'), (${acme}, 'bufdir', '{"amount": "a"}', null),
        (${other}, 'consio', null, null), (${other}, 'cornerstone', '["malformed", 1]', '{"malformed": true}')`
  }
}

/** A row that was bad before there was validation, and that repair has dealt with since. */
async function quarantine(sql: postgres.Sql, organizationId: string): Promise<void> {
  await sql.unsafe('alter table organization_integrations disable trigger configuration_check')
  await sql`insert into organization_integrations (organization_id, integration_type, field_mappings)
    values (${organizationId}, 'bufdir', '["malformed"]')`
  await sql.unsafe('alter table organization_integrations enable trigger configuration_check')
  await sql`select from integrations.repair_organization(${organizationId})`
}

/** Credentials through the functions of that state: kept by pgcrypto, then, once the host has it, in Vault. */
async function fillCredentials(sql: postgres.Sql, [acme, other]: [string, string]): Promise<void> {
  const text = JSON.stringify(bundle)
  await as(sql, 'authenticated', acme, async (tx) => {
    await tx`select from integrations.store_credential('xledger', '{"api_key": "first"}', 'set up')`
    await tx`select from integrations.rotate_credential('xledger', ${text}, 86400, 'yearly')`
    await tx`select from integrations.store_credential('dynamics', '{"client_secret": "gone"}', null)`
    await tx`select from integrations.revoke_credential('dynamics', 'contract ended')`
  })
  const ask = (tx: postgres.TransactionSql) =>
    tx`select * from integrations.request_retrieval('xledger', null, 'sync run 42')`
  // At first an event was its own ticket.
  const [{ event_id, request_id = event_id }] = (await as(sql, 'service_role', acme, ask)) as [Record<string, string>]
  await as(sql, 'service_role', acme, (tx) => tx`select from integrations.retrieve_credential(${request_id ?? ''})`)
  await installVault(sql)
  await as(sql, 'authenticated', other, (tx) => tx`select from integrations.store_credential('xledger', ${text}, null)`)
  await sql`insert into integrations.revoked_grants (statement) values ('grant usage on schema integrations to authenticated')`
}

/** A sync that ran, an alert that somebody was told of, and a planner that has planned. */
async function fillFleet(sql: postgres.Sql, organizationId: string): Promise<void> {
  await sql`insert into organization_integration_runs
      (integration_id, organization_id, due, started_at, finished_at, outcome, message, counts, attempt)
    select id, organization_id, '2026-11-01T02:00:00Z', '2026-11-01T02:00:01Z', '2026-11-01T02:00:09Z', 'failed',
      'the system was away', '{"read": 12, "written": 0}', 2
    from organization_integrations where organization_id = ${organizationId} and integration_type = 'xledger'`
  await sql`insert into integrations.alert_acknowledgements (event_id, actor)
    select id, 'on-call' from organization_integration_events where organization_id = ${organizationId} limit 1`
  await sql`insert into integrations.sync_plans (queue, planned_through) values ('sync', '2026-11-01T02:05:00Z')`
}

/** Rows in every table there is; a table that is left empty is one that nobody thought of here. */
async function fill(sql: postgres.Sql): Promise<[string, string]> {
  const organizations: [string, string] = [randomUUID(), randomUUID()]
  await fillIntegrations(sql, organizations)
  if (await has(sql, 'store_credential')) await fillCredentials(sql, organizations)
  else await installVault(sql)
  if ((await sql`select from pg_tables where tablename = 'sync_plans'`).length > 0)
    await fillFleet(sql, organizations[0])
  const empty = Object.entries(await rowsOf(sql)).filter(
    // A turn leaves no row behind.
    ([table, rows]) => rows.length === 0 && !table.startsWith('vault.') && table !== 'integrations.operator_turns',
  )
  expect(empty.map(([table]) => table)).toEqual([])
  return organizations
}

/** What every stored version decrypts to, in whichever store it lies. */
async function secrets(sql: postgres.Sql): Promise<unknown[]> {
  if (!(await has(sql, 'read_secret'))) return []
  return sql.begin(async (tx) => {
    await tx`select set_config('integrations.encryption_key', ${encryptionKey}, true)`
    return [
      ...(await tx`select store, version, integrations.read_secret(store, secret_id) as bundle
      from organization_integration_credentials where secret_id is not null order by store, version`),
    ]
  })
}

/** What the migrations do to rows, and nothing else: a document that was NULL is empty, and so its row was touched. */
function backfilled(rows: Rows): Rows {
  const table = 'public.organization_integrations'
  const fixed = rows[table]?.map((row) => ({
    ...row,
    field_mappings: row.field_mappings ?? {},
    excluded_features: row.excluded_features ?? [],
    updated_at: row.field_mappings === null || row.excluded_features === null ? 'touched' : row.updated_at,
  }))
  return fixed ? { ...rows, [table]: fixed } : rows
}

/** The same rows as far as an earlier state had them: its tables, its columns. */
function asIn(earlier: Rows, rows: Rows): Rows {
  return Object.fromEntries(
    Object.entries(earlier).map(([table, kept]) => {
      const touched = new Set(kept.filter((row) => row.updated_at === 'touched').map(({ id }) => id))
      const columns = Object.keys(kept[0] ?? {})
      const found = (rows[table] ?? []).map((row) =>
        Object.fromEntries(
          columns.map((column) => [column, column === 'updated_at' && touched.has(row.id) ? 'touched' : row[column]]),
        ),
      )
      return [table, sorted(found)]
    }),
  )
}

const sorted = (rows: Row[]) => rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

const inOrder = (rows: Rows): Rows =>
  Object.fromEntries(Object.entries(rows).map(([table, all]) => [table, sorted([...all])]))

/** The rows without what the headers of the rollbacks say that goes. */
async function without(losses: string[], sql: postgres.Sql): Promise<Rows> {
  await sql.unsafe('begin')
  for (const loss of losses) {
    const [, deletion, table] = /^the rows that go with (DELETE FROM (\S+) .*)$/.exec(loss) ?? []
    if (deletion !== undefined) await sql.unsafe(`alter table ${table} disable trigger user; ${deletion}`)
  }
  const left = await rowsOf(sql)
  await sql.unsafe('rollback')
  for (const loss of losses) {
    const [, table] = /^every row of (\S+)$/.exec(loss) ?? []
    const [, at, column] = /^the values of (\S+)\.([^.]+)$/.exec(loss) ?? []
    if (table !== undefined) delete left[table]
    else if (at !== undefined && column !== undefined) for (const row of left[at] ?? []) delete row[column]
    else if (!loss.startsWith('the rows that go with ')) throw new Error(`this test cannot take out: ${loss}`)
  }
  return left
}

const lossesDownTo = (count: number) =>
  names.slice(count).flatMap((name) => {
    const text = readFileSync(join('supabase', 'rollbacks', name), 'utf8')
    return [...text.matchAll(/^-- data loss: (.*)$/gm)].map((match) => String(match[1]))
  })

describe('an upgrade', () => {
  let newest: unknown
  beforeAll(async () => {
    newest = await inDatabase(async (sql) => {
      await migrate({ url: databaseUrl(inject('server'), sql.options.database) })
      await installVault(sql)
      return readCatalog(sql)
    })
  })

  test.each(names.slice(0, -1).map((name, i) => [name, i + 1] as const))(
    'from the state of %s keeps every row, and the rollback loses what its rollbacks say and nothing else',
    async (_, count) => {
      await inDatabase(async (sql) => {
        const server = inject('server')
        const url = databaseUrl(server, sql.options.database)
        await migrate({ url, supabase: projectOf(count) })
        const [acme, other] = await fill(sql)
        const earlier = {
          catalog: await readCatalog(sql),
          rows: backfilled(await rowsOf(sql)),
          secrets: await secrets(sql),
        }

        expect((await migrate({ url, supabase: 'supabase' })).applied).toEqual(names.slice(count))
        expect(await readCatalog(sql)).toEqual(newest)
        expect(asIn(earlier.rows, await rowsOf(sql))).toEqual(asIn(earlier.rows, earlier.rows))
        expect(await secrets(sql)).toEqual(earlier.secrets)

        // In use: what was stored before is retrieved, and what only the newest state can hold is there too.
        const login = { name: server.logins.service, password: server.logins.password }
        const db = createIntegrationsDb({ serviceUrl: databaseUrl(server, sql.options.database, login), encryptionKey })
        const service = db.asService({ actor: 'after the upgrade' })
        for (const organizationId of earlier.secrets.length > 0 ? [acme, other] : []) {
          const retrieved = await service.credentials.retrieve({
            organizationId,
            integrationType: 'xledger',
            reason: 'check',
          })
          expect({ ...retrieved }).toEqual(bundle)
        }
        await db.end()
        await quarantine(sql, other)
        const later = await without(lossesDownTo(count), sql)

        await rollback({ url, supabase: 'supabase', steps: names.length - count, acceptDataLoss: true })
        expect(await readCatalog(sql)).toEqual(earlier.catalog)
        // A column that is gone takes its part in the order with it.
        expect(inOrder(await rowsOf(sql))).toEqual(inOrder(later))
        expect(await secrets(sql)).toEqual(earlier.secrets)
      })
    },
  )
})

test('the migration that brings the rules backfills NULL, keeps what is bad for repair, and can be undone and repeated', async () => {
  const target = { url: host.adminUrl }
  const back = { ...target, to: '20261124060023', acceptDataLoss: true }
  await migrate(target)
  expect((await rollback(back)).rolledBack.join()).toContain('validate_configuration')
  const organizationId = await host.organization()
  await host.admin`insert into organization_integrations (organization_id, integration_type, field_mappings, excluded_features)
    values (${organizationId}, 'xledger', null, null), (${organizationId}, 'consio', '{"amount": 1, "pin": "1234"}', '{"not": "a list"}')`
  await migrate(target)
  const rows = () =>
    host.admin`select field_mappings, excluded_features from organization_integrations order by integration_type`
  const expected = [
    { field_mappings: {}, excluded_features: [] },
    { field_mappings: { amount: 1, pin: '1234' }, excluded_features: { not: 'a list' } },
  ]
  expect([...(await rows())]).toEqual(expected)
  await host.admin`select integrations.record_event('alert', 'ok', ${organizationId}, null, null, null, 'kept')`
  await host.admin`insert into organization_integration_events (organization_id, action, outcome, actor, quarantined)
    values (${organizationId}, 'quarantine', 'ok', 'a test', '{"field_mappings": 1}')`
  await rollback(back)
  expect([...(await rows())]).toEqual(expected)
  expect([...(await host.admin`select action from organization_integration_events`)]).toEqual([{ action: 'alert' }])
  await migrate(target)
  expect([...(await rows())]).toEqual(expected)
})
