import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CallEvent, CallTrace } from '../../src/index.ts'
import { organizationIntegrations } from '../../src/schema/index.ts'
import { useDatabase } from '../support/database.ts'

const t = useDatabase()
let events: CallEvent[]
const listen = (message: unknown) => events.push(message as CallEvent)

beforeEach(() => {
  events = []
  subscribe('integrations-db:call', listen)
})
afterEach(() => {
  unsubscribe('integrations-db:call', listen)
})

describe('every call is announced on integrations-db:call', () => {
  test('with method, role, organization, milliseconds and rows', async () => {
    const organizationId = await t.organization()
    const acme = t.db.forOrganization({ organizationId, role: 'admin' })
    await acme.integrations.create({ integrationType: 'xledger' })
    await acme.integrations.list()
    await acme.integrations.get('dynamics')
    await acme.query((q) => q.select().from(organizationIntegrations))
    await acme.transaction((tx) => tx.integrations.delete('xledger'))
    const service = t.db.asService({ actor: 'nightly-sync' })
    await service.integrations.listScheduled()
    const common = { organizationId, role: 'admin', errorCode: null, replica: false, milliseconds: expect.any(Number) }
    expect(events).toEqual([
      { ...common, method: 'integrations.create', rows: 1 },
      { ...common, method: 'integrations.list', rows: 1 },
      { ...common, method: 'integrations.get', rows: 0 },
      { ...common, method: 'query', rows: 1 },
      { ...common, method: 'integrations.delete', rows: 1 },
      { ...common, method: 'transaction', rows: 1 },
      { ...common, method: 'integrations.listScheduled', rows: 0, role: 'service_role', organizationId: null },
    ])
    for (const event of events) expect(event.milliseconds).toBeGreaterThan(0)
  })

  test('that fails, with its code, also where nothing was sent', async () => {
    const organizationId = await t.organization()
    const coordinator = t.db.forOrganization({ organizationId, role: 'coordinator' })
    await coordinator.integrations.delete('xledger').catch(() => {})
    await coordinator.integrations.getById('x').catch(() => {})
    await coordinator.transaction(() => Promise.reject(new Error('mine'))).catch(() => {})
    expect(events.map(({ method, errorCode, rows }) => [method, errorCode, rows])).toEqual([
      ['integrations.delete', 'permission_denied', null],
      ['integrations.getById', 'invalid_input', null],
      ['transaction', 'unknown', null],
    ])
  })

  test('without any value, claim or statement in it', async () => {
    const acme = t.db.forOrganization({ organizationId: await t.organization(), role: 'admin', userId: 'canary-user' })
    await acme.integrations.create({ integrationType: 'xledger', fieldMappings: { canary_field: 'canary_value' } })
    await acme.integrations.findByMappedField('canary_field')
    expect(events).toHaveLength(2)
    expect(JSON.stringify(events)).not.toContain('canary')
  })
})

describe('every call is traced on tracing:integrations-db:call', () => {
  const traced = tracingChannel<unknown, CallTrace>('integrations-db:call')
  const parents = new AsyncLocalStorage<CallTrace>()
  const known = new Map<CallTrace, CallTrace | undefined>()
  const ended: CallTrace[] = []
  const onEnd = (trace: unknown) => ended.push(trace as CallTrace)
  beforeEach(() => {
    known.clear()
    ended.length = 0
    traced.start.bindStore(parents, (trace) => {
      known.set(trace, parents.getStore())
      return trace
    })
    traced.asyncEnd.subscribe(onEnd)
  })
  afterEach(() => {
    traced.start.unbindStore(parents)
    traced.asyncEnd.unsubscribe(onEnd)
  })
  const pairs = () => ended.map((trace) => [trace.method, known.get(trace)?.method, trace.errorCode])

  test('so that what is bound to its start is there for the calls within a transaction, and gone after it', async () => {
    const acme = t.db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await acme.transaction(async (tx) => {
      await tx.integrations.create({ integrationType: 'xledger' })
      await Promise.all([tx.integrations.list(), tx.query((q) => q.select().from(organizationIntegrations))])
    })
    await acme.integrations.list()
    expect(pairs()).toEqual([
      ['integrations.create', 'transaction', null],
      ['integrations.list', 'transaction', null],
      ['query', 'transaction', null],
      ['transaction', undefined, null],
      ['integrations.list', undefined, null],
    ])
    expect(parents.getStore()).toBeUndefined()
  })

  test('with the failure of each, and without any answer', async () => {
    const acme = t.db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await acme.integrations.create({ integrationType: 'xledger', fieldMappings: { canary_field: 'canary_value' } })
    const work = acme.transaction(async (tx) => {
      await tx.integrations.list()
      await tx.integrations.update('dynamics', { status: 'inactive' })
    })
    await expect(work).rejects.toMatchObject({ code: 'not_found' })
    expect(pairs().slice(1)).toEqual([
      ['integrations.list', 'transaction', null],
      ['integrations.update', 'transaction', 'not_found'],
      ['transaction', undefined, 'not_found'],
    ])
    for (const trace of ended) {
      expect(trace.milliseconds).toBeGreaterThan(0)
      expect(JSON.stringify(trace)).not.toContain('canary')
    }
  })
})
