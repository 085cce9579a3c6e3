import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { describe, expect, test } from 'vitest'
import { organizationIntegrations as table } from '../../src/schema/index.ts'
import { beforeRules, useDatabase } from '../support/database.ts'

const t = useDatabase()
const encryptionKey = randomBytes(32).toString('hex')
const bundle = { api_key: 'k', base_url: 'https://api.xledger.net', company_id: '1' }

/** An organization with an integration, and a credential where it is to have one. */
async function connected({ stored }: { stored: boolean }) {
  const organizationId = await t.organization()
  const acme = t.connect({ encryptionKey }).forOrganization({ organizationId, role: 'admin' })
  await acme.integrations.create({ integrationType: 'xledger' })
  if (stored) await acme.credentials.store('xledger', bundle)
  return { organizationId, acme }
}

const statusOf = async (organizationId: string) => {
  const [row] =
    await t.admin`select status from organization_integrations where organization_id = ${organizationId} and integration_type = 'xledger'`
  return row?.status
}

/** As one role, with an admin's claims, in a transaction that is kept. */
async function as(role: string, organizationId: string, statement: string, isolation = 'read committed') {
  const claims = JSON.stringify({ app_metadata: { organization_id: organizationId, role: 'admin' } })
  return t.admin.begin(`isolation level ${isolation}`, async (tx) => {
    await tx`select set_config('request.jwt.claims', ${claims}, true)`
    await tx.unsafe(`set local role ${role}`)
    return tx.unsafe(statement)
  })
}

const writers = ['authenticated', 'service_role', 'none']
const ways = {
  update: (id: string) => `update organization_integrations set status = 'active' where organization_id = '${id}'`,
  'insert … on conflict': (id: string) =>
    `insert into organization_integrations (organization_id, integration_type, status) values ('${id}', 'xledger', 'active')
     on conflict (organization_id, integration_type) do update set status = excluded.status`,
  merge: (id: string) =>
    `merge into organization_integrations as i using (select '${id}'::uuid as id) as v on i.organization_id = v.id
     when matched then update set status = 'active'`,
}

describe.each(writers)('%s sets no integration active without a credential, and any with one', (role) => {
  test.each(Object.entries(ways))('by %s', async (_way, statement) => {
    const [bare, equipped] = [await connected({ stored: false }), await connected({ stored: true })]
    await expect(as(role, bare.organizationId, statement(bare.organizationId))).rejects.toMatchObject({
      code: '23514',
      constraint_name: 'active_needs_credential',
    })
    expect(await statusOf(bare.organizationId)).toBe('inactive')
    await as(role, equipped.organizationId, statement(equipped.organizationId))
    expect(await statusOf(equipped.organizationId)).toBe('active')
  })

  test('by a new row', async () => {
    const organizationId = await t.organization()
    const insert = (status: string) =>
      as(
        role,
        organizationId,
        `insert into organization_integrations (organization_id, integration_type, status) values ('${organizationId}', 'xledger', '${status}')`,
      )
    await expect(insert('active')).rejects.toMatchObject({ constraint_name: 'active_needs_credential' })
    expect(await statusOf(organizationId)).toBeUndefined()
    await insert('pending_setup')
    expect(await statusOf(organizationId)).toBe('pending_setup')
  })

  test('nor takes a credential for a schedule', async () => {
    const { organizationId } = await connected({ stored: false })
    const set = (schedule: string) =>
      as(
        role,
        organizationId,
        `update organization_integrations set sync_schedule = '${schedule}' where organization_id = '${organizationId}'`,
      )
    for (const schedule of ['Bearer abcdefghijklmnop', 'apiKey', 'password=hunter2'])
      await expect(set(schedule)).rejects.toMatchObject({ constraint_name: 'configuration_check' })
    await set('0 2 * * 1-5')
    const [row] =
      await t.admin`select sync_schedule from organization_integrations where organization_id = ${organizationId}`
    expect(row?.sync_schedule).toBe('0 2 * * 1-5')
  })
})

describe.each(writers)('%s moves no integration that has a credential to another system', (role) => {
  const rename = (id: string) =>
    `update organization_integrations set integration_type = 'cornerstone' where organization_id = '${id}'`

  test.each(['active', 'inactive', 'error'] as const)('%s or not, until it is revoked', async (status) => {
    const { organizationId, acme } = await connected({ stored: true })
    await acme.integrations.update('xledger', { status })
    await expect(as(role, organizationId, rename(organizationId))).rejects.toMatchObject({
      code: '23514',
      constraint_name: 'credential_keeps_system',
    })
    expect(await statusOf(organizationId)).toBe(status)
    await acme.credentials.revoke('xledger')
    await as(role, organizationId, rename(organizationId))
    expect(await acme.integrations.list()).toMatchObject([{ integrationType: 'cornerstone' }])
  })

  test('nor one whose credential was replaced and can still be read', async () => {
    const { organizationId, acme } = await connected({ stored: true })
    await acme.credentials.rotate('xledger', bundle, { graceSeconds: 60 })
    await expect(as(role, organizationId, rename(organizationId))).rejects.toMatchObject({ code: '23514' })
  })

  test('and one without a credential as ever', async () => {
    const { organizationId } = await connected({ stored: false })
    await as(role, organizationId, rename(organizationId))
    expect(await statusOf(organizationId)).toBeUndefined()
  })
})

test('and a query of the caller that would is answered with conflict', async () => {
  const { organizationId, acme } = await connected({ stored: true })
  const rename = acme.query((q) => q.update(table).set({ integrationType: 'bufdir' }).where(sql`true`))
  await expect(rename).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('revoke it first') })
  expect(await statusOf(organizationId)).toBe('inactive')
})

test('a query of the caller is answered with credential_missing', async () => {
  const { organizationId, acme } = await connected({ stored: false })
  const activate = acme.query((q) => q.update(table).set({ status: 'active' }).where(sql`true`))
  await expect(activate).rejects.toMatchObject({
    code: 'credential_missing',
    message: expect.stringContaining('credentials.store'),
  })
  expect(await statusOf(organizationId)).toBe('inactive')
})

test('one that was active before the rule can be changed, and switched off, and not on again', async () => {
  const organizationId = await t.organization()
  await beforeRules(
    t.admin,
    `insert into organization_integrations (organization_id, integration_type, status) values ($1, 'xledger', 'active')`,
    [organizationId],
  )
  const acme = t.db.forOrganization({ organizationId, role: 'admin' })
  expect(await acme.integrations.update('xledger', { syncSchedule: '0 2 * * *' })).toMatchObject({ status: 'active' })
  await as('none', organizationId, ways.update(organizationId))
  await acme.integrations.update('xledger', { status: 'inactive' })
  await expect(as('none', organizationId, ways.update(organizationId))).rejects.toMatchObject({ code: '23514' })
  expect(await statusOf(organizationId)).toBe('inactive')
})

describe('a credential that ends while somebody activates its integration', () => {
  test.each([
    ['read committed', 'active_needs_credential', '23514'],
    ['repeatable read', undefined, '40001'],
  ])('leaves none active at %s', async (isolation, constraint, code) => {
    const { organizationId } = await connected({ stored: true })
    const other = postgres(t.adminUrl, { max: 1, onnotice: () => {} })
    try {
      let activation: Promise<unknown> | undefined
      await t.admin.begin(async (tx) => {
        // By an administrator's hand, without the row's lock that the functions take.
        await tx`update organization_integration_credentials as c set secret_id = null
          from organization_integrations as i where i.id = c.integration_id and i.organization_id = ${organizationId}`
        activation = other
          .begin(`isolation level ${isolation}`, async (rival) => {
            await rival`select from organization_integrations`
            await rival.unsafe(ways.update(organizationId))
          })
          .catch((error) => error)
        for (let waits = 0; waits < 100; waits++) {
          // A transaction sees the activity of when it first looked, unless it is told to forget that.
          await tx`select pg_stat_clear_snapshot()`
          const waiting =
            await tx`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
          if (waiting.length > 0) break
          await tx`select pg_sleep(0.02)`
        }
      })
      const error = (await activation) as { code?: string; constraint_name?: string }
      expect([error.code, error.constraint_name]).toEqual([code, constraint])
      expect(await statusOf(organizationId)).toBe('inactive')
    } finally {
      await other.end()
    }
  })
})
