import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Integrations } from '../../src/client/integrations.ts'
import type { CallTimer } from '../../src/connection/call-timer.ts'
import type { Connection } from '../../src/connection/connection.ts'
import { Pool } from '../../src/connection/pool.ts'
import { organizationScope } from '../../src/connection/scope.ts'
import { inTransaction, unitSession } from '../../src/connection/session.ts'
import { statement } from '../../src/connection/statement.ts'
import type { IntegrationType } from '../../src/index.ts'
import { organizationIntegrations } from '../../src/schema/index.ts'
import { beforeRules, useDatabase } from '../support/database.ts'

const t = useDatabase()

const xledger = { amount: 'invoiceAmount', account: 'glObject1.code', currency: 'currency.code', tax: 'taxRule.code' }
const businessCentral = { employee_id: 'number', reference: 'externalDocumentNumber', date: 'invoiceDate' }

async function organization(role: 'admin' | 'coordinator' = 'admin', organizationId?: string) {
  const id = organizationId ?? (await t.organization())
  return { id, ...t.db.forOrganization({ organizationId: id, role, userId: randomUUID() }) }
}

/** The row as it lies in the table, past every policy. */
const stored = async (organizationId: string, type: IntegrationType = 'xledger') =>
  (
    await t.admin`select * from organization_integrations where organization_id = ${organizationId} and integration_type = ${type}`
  )[0]

describe('an admin of the organization', () => {
  test('creates an integration and gets the row back, camelCase, with dates and a revision', async () => {
    const acme = await organization()
    const row = await acme.integrations.create({
      integrationType: 'xledger',
      fieldMappings: xledger,
      syncSchedule: '0 2 * * *',
    })
    expect(row).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      organizationId: acme.id,
      integrationType: 'xledger',
      status: 'inactive',
      fieldMappings: xledger,
      syncSchedule: '0 2 * * *',
      excludedFeatures: [],
      createdAt: expect.any(Date),
      updatedAt: expect.any(Date),
      revision: expect.stringMatching(/^\d+$/),
      problems: [],
    })
    expect(await acme.integrations.get('xledger')).toEqual(row)
    expect(await acme.integrations.getById(row.id)).toEqual(row)
  })

  test('cannot create a second integration with the same system: already_exists, and the first is unchanged', async () => {
    const acme = await organization()
    const first = await acme.integrations.create({ integrationType: 'xledger', fieldMappings: xledger })
    await expect(acme.integrations.create({ integrationType: 'xledger', fieldMappings: {} })).rejects.toMatchObject({
      code: 'already_exists',
      message: expect.stringContaining('integrationType'),
    })
    expect(await acme.integrations.get('xledger')).toEqual(first)
  })

  test('lists oldest first, and by status', async () => {
    const acme = await organization()
    for (const integrationType of ['dynamics', 'bufdir', 'xledger'] as const)
      await acme.integrations.create({ integrationType })
    await acme.integrations.update('bufdir', { status: 'error' })
    expect((await acme.integrations.list()).map((row) => row.integrationType)).toEqual([
      'dynamics',
      'bufdir',
      'xledger',
    ])
    expect((await acme.integrations.list({ status: 'error' })).map((row) => row.integrationType)).toEqual(['bufdir'])
    expect(await acme.integrations.list({ status: 'active' })).toEqual([])
  })

  test('upserts: the first time it creates, then it keeps what is omitted', async () => {
    const acme = await organization()
    await acme.integrations.upsert({
      integrationType: 'xledger',
      syncSchedule: '0 2 * * *',
      excludedFeatures: ['payroll_sync'],
    })
    const row = await acme.integrations.upsert({
      integrationType: 'xledger',
      fieldMappings: { amount: 'invoiceAmount' },
    })
    expect(row).toMatchObject({
      syncSchedule: '0 2 * * *',
      excludedFeatures: ['payroll_sync'],
      fieldMappings: { amount: 'invoiceAmount' },
    })
    expect(await acme.integrations.upsert({ integrationType: 'xledger' })).toMatchObject({
      id: row.id,
      fieldMappings: { amount: 'invoiceAmount' },
    })
    expect(await acme.integrations.list()).toHaveLength(1)
  })

  test('updates the given fields only, and null clears a schedule', async () => {
    const acme = await organization()
    await acme.integrations.create({ integrationType: 'xledger', fieldMappings: xledger, syncSchedule: '0 2 * * *' })
    const row = await acme.integrations.update('xledger', {
      status: 'inactive',
      excludedFeatures: ['payroll_sync'],
      syncSchedule: null,
    })
    expect(row).toMatchObject({ fieldMappings: xledger, excludedFeatures: ['payroll_sync'], syncSchedule: null })
    expect(await stored(acme.id)).toMatchObject({ sync_schedule: null, excluded_features: ['payroll_sync'] })
  })

  test('deletes an integration and gets its last state; what was named and is missing is not_found', async () => {
    const acme = await organization()
    const row = await acme.integrations.create({ integrationType: 'xledger' })
    expect(await acme.integrations.delete('xledger')).toEqual(row)
    expect(await acme.integrations.get('xledger')).toBeNull()
    await expect(acme.integrations.delete('xledger')).rejects.toMatchObject({ code: 'not_found' })
    await expect(acme.integrations.update('xledger', { status: 'error' })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('finds integrations by a mapped field', async () => {
    const acme = await organization()
    await acme.integrations.create({ integrationType: 'xledger', fieldMappings: xledger })
    await acme.integrations.create({ integrationType: 'dynamics', fieldMappings: businessCentral })
    expect((await acme.integrations.findByMappedField('employee_id')).map((row) => row.integrationType)).toEqual([
      'dynamics',
    ])
    expect(await acme.integrations.findByMappedField('invoiceAmount')).toEqual([])
  })

  test('gets documents back as they were stored, whatever characters are in them', async () => {
    const acme = await organization()
    const awkward = {
      quote: `'; drop table organization_integrations; --`,
      dollar: '$1 $$ $guard$',
      backslash: "\\ \\0041 \\\" U&'\\0041'",
      unicode: 'blåbærsyltetøy 😀 \u2028 \u0085',
      nested: { path: 'a.b', default: -1e300, map: { 'a.b': '', __proto__x: '"' }, required: false },
    }
    await acme.integrations.create({ integrationType: 'xledger', fieldMappings: awkward })
    expect((await acme.integrations.get('xledger'))?.fieldMappings).toEqual(awkward)
    expect((await stored(acme.id))?.field_mappings).toEqual({ $version: 2, ...awkward })
  })

  test('writes any typed query in the same scope', async () => {
    const [acme, other] = [await organization(), await organization()]
    await acme.integrations.create({ integrationType: 'xledger', fieldMappings: xledger })
    await other.integrations.create({ integrationType: 'xledger' })
    const rows = await acme.query((q) =>
      q
        .select({ id: organizationIntegrations.organizationId, at: organizationIntegrations.createdAt })
        .from(organizationIntegrations),
    )
    expect(rows).toEqual([{ id: acme.id, at: expect.any(Date) }])
  })
})

describe('a saved change in between', () => {
  test('is a conflict that names both revisions, and nothing is overwritten', async () => {
    const acme = await organization()
    const read = await acme.integrations.create({ integrationType: 'xledger' })
    const saved = await acme.integrations.update('xledger', { status: 'error' }, { expectedRevision: read.revision })
    for (const attempt of [
      acme.integrations.update('xledger', { status: 'pending_setup' }, { expectedRevision: read.revision }),
      acme.integrations.delete('xledger', { expectedRevision: read.revision }),
    ]) {
      await expect(attempt).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining(`expected revision ${read.revision}, found ${saved.revision}`),
      })
    }
    expect(await acme.integrations.get('xledger')).toEqual(saved)
    await expect(acme.integrations.delete('xledger', { expectedRevision: saved.revision })).resolves.toEqual(saved)
  })

  test('lets exactly one of twenty savers of the same revision win', async () => {
    const acme = await organization()
    const { revision } = await acme.integrations.create({ integrationType: 'xledger' })
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        acme.integrations.update('xledger', { fieldMappings: { by: `saver ${i}` } }, { expectedRevision: revision }),
      ),
    )
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'conflict' })
  })
})

describe('a coordinator of the organization', () => {
  test('reads everything its admin reads', async () => {
    const acme = await organization()
    const row = await acme.integrations.create({ integrationType: 'xledger', fieldMappings: xledger })
    const coordinator = await organization('coordinator', acme.id)
    expect(await coordinator.integrations.list()).toEqual([row])
    expect(await coordinator.integrations.get('xledger')).toEqual(row)
    expect(await coordinator.integrations.findByMappedField('amount')).toEqual([row])
  })

  test('writes nothing: every writing verb is permission_denied and the row is as before', async () => {
    const acme = await organization()
    await acme.integrations.create({ integrationType: 'xledger' })
    const before = await stored(acme.id)
    const { integrations } = await organization('coordinator', acme.id)
    for (const attempt of [
      integrations.create({ integrationType: 'dynamics' }),
      integrations.upsert({ integrationType: 'xledger', fieldMappings: {} }),
      integrations.update('xledger', { status: 'error' }),
      integrations.delete('xledger'),
    ]) {
      await expect(attempt).rejects.toMatchObject({
        code: 'permission_denied',
        message: expect.stringContaining('admin'),
      })
    }
    expect(await stored(acme.id)).toEqual(before)
    expect(await t.admin`select from organization_integrations where organization_id = ${acme.id}`).toHaveLength(1)
  })

  test('writes nothing past the repository either: its own query changes no row', async () => {
    const acme = await organization()
    await acme.integrations.create({ integrationType: 'xledger' })
    const before = await stored(acme.id)
    const coordinator = await organization('coordinator', acme.id)
    expect(
      await coordinator.query((q) => q.update(organizationIntegrations).set({ status: 'error' }).returning()),
    ).toEqual([])
    expect(await coordinator.query((q) => q.delete(organizationIntegrations).returning())).toEqual([])
    await expect(
      coordinator.query((q) =>
        q.insert(organizationIntegrations).values({ organizationId: acme.id, integrationType: 'bufdir' }),
      ),
    ).rejects.toMatchObject({ code: 'permission_denied' })
    expect(await stored(acme.id)).toEqual(before)
  })
})

describe('another organization', () => {
  test('is never read, changed, deleted or written to', async () => {
    const [acme, other] = [await organization(), await organization()]
    const row = await other.integrations.create({ integrationType: 'xledger', fieldMappings: xledger })
    const before = await stored(other.id)
    expect(await acme.integrations.list()).toEqual([])
    expect(await acme.integrations.get('xledger')).toBeNull()
    expect(await acme.integrations.getById(row.id)).toBeNull()
    expect(await acme.integrations.findByMappedField('amount')).toEqual([])
    expect(await acme.query((q) => q.update(organizationIntegrations).set({ status: 'error' }).returning())).toEqual([])
    expect(await acme.query((q) => q.delete(organizationIntegrations).returning())).toEqual([])
    await expect(
      acme.query((q) =>
        q.insert(organizationIntegrations).values({ organizationId: other.id, integrationType: 'bufdir' }),
      ),
    ).rejects.toMatchObject({ code: 'permission_denied' })
    expect(await stored(other.id)).toEqual(before)
    expect(await stored(other.id, 'bufdir')).toBeUndefined()
  })

  test('is no place to move a row to', async () => {
    const [acme, other] = [await organization(), await organization()]
    await acme.integrations.create({ integrationType: 'xledger' })
    await expect(
      acme.query((q) => q.update(organizationIntegrations).set({ organizationId: other.id })),
    ).rejects.toMatchObject({ code: 'permission_denied' })
    expect(await stored(acme.id)).toBeDefined()
    expect(await stored(other.id)).toBeUndefined()
  })
})

describe('the service role', () => {
  test('reads and changes one organization at a time, named explicitly', async () => {
    const [acme, other] = [await organization(), await organization()]
    await acme.integrations.create({ integrationType: 'xledger' })
    await other.integrations.create({ integrationType: 'xledger' })
    const service = t.db.asService({ actor: 'nightly-sync' })
    await service.forOrganization(acme.id).integrations.update('xledger', { status: 'error' })
    expect((await service.forOrganization(acme.id).integrations.list()).map((row) => row.organizationId)).toEqual([
      acme.id,
    ])
    expect((await stored(acme.id))?.status).toBe('error')
    expect((await stored(other.id))?.status).toBe('inactive')
  })

  test('pages through every active scheduled integration exactly once, while rows come and go', async () => {
    const ids = await Promise.all(Array.from({ length: 25 }, () => t.organization()))
    const service = t.db.asService({ actor: 'nightly-sync' })
    // In one statement, so that all have the same created_at.
    await beforeRules(
      t.admin,
      `insert into organization_integrations (organization_id, integration_type, status, sync_schedule)
       select unnest($1::text::uuid[]), 'consio'::integration_type_enum, 'active'::integration_status_enum, '0 2 * * *'
       union all select $2::uuid, 'bufdir', 'inactive', '0 2 * * *' union all select $2::uuid, 'xledger', 'active', null`,
      [`{${ids}}`, ids[0] ?? ''],
    )
    const seen: string[] = []
    let after: string | null = null
    do {
      const page = await service.integrations.listScheduled({ limit: 7, after })
      seen.push(...page.rows.map((row) => row.id))
      await t.admin`delete from organization_integrations where id = ${page.rows[0]?.id ?? ''}`
      after = page.next
    } while (after !== null)
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toHaveLength(25)
  })

  test('finds who maps a field, in every organization, exactly once, and nobody else', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => t.organization()))
    await t.admin`insert into organization_integrations (organization_id, integration_type, field_mappings)
      select unnest(${ids}::uuid[]), 'consio', '{"course_code": "code"}'`
    await t.admin`insert into organization_integrations (organization_id, integration_type, field_mappings)
      values (${ids[0] ?? ''}, 'bufdir', '{"course": "course_code"}')`
    const { integrations } = t.db.asService({ actor: 'nightly-sync' })
    const seen: string[] = []
    let after: string | null = null
    do {
      const page = await integrations.findByMappedField('course_code', { limit: 5, after })
      seen.push(...page.rows.map((row) => row.organizationId))
      after = page.next
    } while (after !== null)
    expect(seen.toSorted()).toEqual(ids.toSorted())
    expect(await integrations.findByMappedField('nobody_maps_this')).toEqual({ rows: [], next: null })
    await expect(integrations.findByMappedField('')).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(integrations.findByMappedField('a', { after: 'x' })).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('gets a full last page without a cursor to an empty one', async () => {
    const service = t.db.asService({ actor: 'nightly-sync' })
    await t.admin`delete from organization_integrations`
    const id = await t.organization()
    await beforeRules(
      t.admin,
      `insert into organization_integrations (organization_id, integration_type, status, sync_schedule)
       values ($1, 'xledger', 'active', '0 2 * * *'), ($1, 'dynamics', 'active', '0 2 * * *')`,
      [id],
    )
    expect(await service.integrations.listScheduled({ limit: 2 })).toMatchObject({ rows: [{}, {}], next: null })
  })
})

describe('a transaction', () => {
  test('saves all of its calls or none', async () => {
    const acme = await organization()
    await acme.transaction(async (tx) => {
      await tx.integrations.create({ integrationType: 'xledger' })
      await tx.integrations.create({ integrationType: 'dynamics' })
      expect(await tx.integrations.list()).toHaveLength(2)
      expect(await acme.integrations.list()).toHaveLength(0)
    })
    expect(await acme.integrations.list()).toHaveLength(2)
    await expect(
      acme.transaction(async (tx) => {
        await tx.integrations.delete('xledger')
        await tx.integrations.create({ integrationType: 'dynamics' })
      }),
    ).rejects.toMatchObject({ code: 'already_exists' })
    await expect(
      acme.transaction(async (tx) => {
        await tx.integrations.delete('xledger')
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect(await acme.integrations.list()).toHaveLength(2)
  })

  test('does not call itself saved when its callback has swallowed a failure', async () => {
    const acme = await organization()
    await expect(
      acme.transaction(async (tx) => {
        await tx.integrations.create({ integrationType: 'xledger' })
        await tx.integrations.create({ integrationType: 'xledger' }).catch(() => {})
      }),
    ).rejects.toMatchObject({ code: 'already_exists' })
    expect(await acme.integrations.list()).toEqual([])
  })

  test('is a conflict, not a success, where the server answers its commit with ROLLBACK', async () => {
    let connection: Connection | undefined
    class OpenPool extends Pool {
      override withConnection<T>(timer: CallTimer, use: (connection: Connection) => Promise<T>): Promise<T> {
        return super.withConnection(timer, (lent) => {
          connection = lent
          return use(lent)
        })
      }
    }
    const pool = new OpenPool(t.url, { max: 1 })
    const scope = organizationScope({ organizationId: await t.organization(), role: 'admin' })
    const saved = inTransaction(pool, scope, async ({ run }) => {
      await new Integrations(run, scope).create({ integrationType: 'xledger' })
      await connection?.send([statement('select 1 / 0')()]).catch(() => {}) // Behind the transaction's back.
    })
    await expect(saved).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('ROLLBACK') })
    expect(await new Integrations(unitSession(async () => pool, scope).run, scope).list()).toEqual([])
    await pool.end()
  })

  test('takes no call after it has ended', async () => {
    const acme = await organization()
    const leaked = await acme.transaction(async (tx) => tx)
    await expect(leaked.integrations.list()).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('holds back nobody: more transactions than connections queue up and all get through', async () => {
    const db = t.connect({ max: 2 })
    const ids = await Promise.all(Array.from({ length: 12 }, () => t.organization()))
    await Promise.all(
      ids.map((organizationId) =>
        db.forOrganization({ organizationId, role: 'admin' }).transaction(async (tx) => {
          await tx.integrations.create({ integrationType: 'xledger' })
          expect((await tx.integrations.list()).map((row) => row.organizationId)).toEqual([organizationId])
        }),
      ),
    )
  })

  test('answers unavailable after the set wait where transactions hold every connection', async () => {
    const db = t.connect({ max: 1, acquireTimeoutSeconds: 0.2 })
    const acme = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await acme.transaction(async (tx) => {
      await tx.integrations.list()
      await expect(acme.integrations.list()).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('0.2 s'),
      })
    })
    expect(await acme.integrations.list()).toEqual([])
  })
})
