import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { inspect } from 'node:util'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IntegrationsDb, OrganizationScope, ServiceScope } from '../../src/index.ts'
import { organizationIntegrations } from '../../src/schema/index.ts'
import { useDatabase } from '../support/database.ts'
import { addressOf, startProxy, type TcpProxy } from '../support/proxy.ts'
import { installVault } from '../support/vault-stand-in.ts'

const encryptionKey = randomBytes(32).toString('hex')
const bundle = { api_key: 'first', base_url: 'https://api.xledger.net', company_id: '4711' }

describe.each(['vault', 'pgcrypto'] as const)('kept in %s', (store) => {
  const t = useDatabase()
  let db: IntegrationsDb
  let organizationId: string
  let acme: OrganizationScope
  let service: ServiceScope

  const retrieve = (version?: number) =>
    service.credentials.retrieve({
      organizationId,
      integrationType: 'xledger',
      reason: 'test',
      ...(version === undefined ? {} : { version }),
    })
  const secrets = async () => {
    const [row] = await t.admin.unsafe(
      store === 'vault'
        ? 'select count(*)::int as secrets from vault.secrets'
        : 'select count(*)::int as secrets from integrations.encrypted_secrets',
    )
    return row?.secrets as number
  }
  const events = async () =>
    (await acme.events.list())
      .filter(({ changes }) => changes === null)
      .map(({ action, outcome, version }) => [action, outcome, version])

  beforeAll(async () => {
    if (store === 'vault') console.log(`Vault: ${await installVault(t.admin)}`)
    db = t.connect(store === 'vault' ? {} : { encryptionKey })
    service = db.asService({ actor: 'nightly-sync' })
  })
  const begin = async () => {
    organizationId = await t.organization()
    acme = db.forOrganization({ organizationId, role: 'admin', userId: 'kari' })
    await acme.integrations.create({ integrationType: 'xledger' })
  }

  test('a stored bundle comes back whole, and its table holds a reference and field names alone', async () => {
    await begin()
    expect(await acme.credentials.describe('xledger')).toBeNull()
    expect(await acme.credentials.store('xledger', bundle, { reason: 'onboarding' })).toEqual({ version: 1 })
    expect({ ...(await retrieve()) }).toEqual(bundle)
    expect(await acme.credentials.describe('xledger')).toEqual({
      version: 1,
      createdAt: expect.any(Date),
      fieldNames: ['api_key', 'base_url', 'company_id'],
      previous: null,
    })
    const references =
      await t.admin`select store, secret_id from organization_integration_credentials where secret_id is not null`
    expect([...references]).toEqual([{ store, secret_id: expect.stringMatching(/^[0-9a-f-]{36}$/) }])
  })

  test('storing over a bundle is already_exists, rotating or revoking without one is credential_missing', async () => {
    await begin()
    await expect(acme.credentials.rotate('xledger', bundle)).rejects.toMatchObject({ code: 'credential_missing' })
    await expect(acme.credentials.revoke('xledger')).rejects.toMatchObject({ code: 'credential_missing' })
    await expect(retrieve()).rejects.toMatchObject({ code: 'credential_missing' })
    await acme.credentials.store('xledger', bundle)
    await expect(acme.credentials.store('xledger', bundle)).rejects.toMatchObject({
      code: 'already_exists',
      message: expect.stringMatching(/^integrationType xledger: has a credential, version 1; use rotate$/),
    })
    expect(await events()).toEqual([
      ['store', 'already_exists', null],
      ['store', 'ok', 1],
      ['retrieve', 'credential_missing', null],
      ['revoke', 'credential_missing', null],
      ['rotate', 'credential_missing', null],
    ])
  })

  test('rotating deletes the version before in the same transaction', async () => {
    await begin()
    await acme.credentials.store('xledger', bundle)
    const before = await secrets()
    expect(await acme.credentials.rotate('xledger', { ...bundle, api_key: 'second' })).toEqual({ version: 2 })
    expect((await retrieve()).api_key).toBe('second')
    expect(await secrets()).toBe(before)
    await expect(retrieve(1)).rejects.toMatchObject({ code: 'credential_missing' })
  })

  test('with graceSeconds the version before stays readable that long and no longer', async () => {
    await begin()
    await acme.credentials.store('xledger', bundle)
    await acme.credentials.rotate('xledger', { ...bundle, api_key: 'second' }, { graceSeconds: 1 })
    expect((await retrieve(1)).api_key).toBe('first')
    expect(await acme.credentials.describe('xledger')).toMatchObject({ version: 2, previous: { version: 1 } })
    const before = await secrets()
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await expect(retrieve(1)).rejects.toMatchObject({ code: 'credential_missing' })
    expect(await secrets()).toBe(before - 1)
    expect((await retrieve()).api_key).toBe('second')
  })

  test('revoking deletes every version, takes an active integration to pending_setup, and its numbers are not used again', async () => {
    await begin()
    await acme.credentials.store('xledger', bundle)
    await acme.credentials.rotate('xledger', bundle, { graceSeconds: 60 })
    await acme.integrations.update('xledger', { status: 'active' })
    const before = await secrets()
    expect(await acme.credentials.revoke('xledger', { reason: 'contract ended' })).toEqual({ version: 2 })
    expect(await secrets()).toBe(before - 2)
    expect(await acme.integrations.get('xledger')).toMatchObject({ status: 'pending_setup' })
    await expect(retrieve()).rejects.toMatchObject({ code: 'credential_missing' })
    expect(await acme.credentials.store('xledger', bundle)).toEqual({ version: 3 })
  })

  test('an integration is set active only with a bundle, by whatever call', async () => {
    await begin()
    const missing = { code: 'credential_missing', message: expect.stringMatching(/^status: xledger cannot be active/) }
    const attempts = () => [
      () => acme.integrations.update('xledger', { status: 'active' }),
      () => acme.integrations.upsert({ integrationType: 'xledger', status: 'active' }),
      () => acme.transaction((tx) => tx.integrations.update('xledger', { status: 'active' })),
      () => service.forOrganization(organizationId).integrations.update('xledger', { status: 'active' }),
    ]
    for (const attempt of attempts()) await expect(attempt()).rejects.toMatchObject(missing)
    await expect(acme.integrations.create({ integrationType: 'bufdir', status: 'active' })).rejects.toMatchObject({
      code: 'credential_missing',
    })
    await expect(acme.integrations.update('consio', { status: 'active' })).rejects.toMatchObject({ code: 'not_found' })
    await acme.credentials.store('xledger', bundle)
    for (const attempt of attempts()) expect(await attempt()).toMatchObject({ status: 'active' })
    const { revision } = await acme.integrations.update('xledger', { syncSchedule: '0 3 * * *' })
    await expect(
      acme.integrations.update('xledger', { status: 'active' }, { expectedRevision: '1' }),
    ).rejects.toMatchObject({ code: 'conflict' })
    expect(
      await acme.integrations.update('xledger', { status: 'active' }, { expectedRevision: revision }),
    ).toMatchObject({ status: 'active' })
  })

  test('an update to active that waited for a revocation sees it', async () => {
    await begin()
    await acme.credentials.store('xledger', bundle)
    const other = t
      .connect(store === 'vault' ? {} : { encryptionKey })
      .forOrganization({ organizationId, role: 'admin' })
    let activation: Promise<unknown> = Promise.resolve()
    await acme.transaction(async (tx) => {
      await tx.credentials.revoke('xledger')
      await tx.integrations.update('xledger', { syncSchedule: null })
      activation = other.integrations.update('xledger', { status: 'active' }).catch((error) => error)
      await waitUntilBlocked()
    })
    expect(await activation).toMatchObject({ code: 'credential_missing' })
  })

  const waitUntilBlocked = async () => {
    for (let i = 0; i < 200; i++) {
      const [row] = await t.admin`select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`
      if (row?.waiting > 0) return
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    throw new Error('nobody waits')
  }

  test('deleting an integration or an organization deletes its secrets and keeps its events', async () => {
    await begin()
    await acme.credentials.store('xledger', bundle)
    await acme.integrations.create({ integrationType: 'consio' })
    await acme.credentials.store('consio', { api_key: 'x', base_url: 'https://consio.example' })
    const before = await secrets()
    await acme.integrations.delete('consio')
    expect(await secrets()).toBe(before - 1)
    await t.admin`delete from organizations where id = ${organizationId}`
    expect(await secrets()).toBe(before - 2)
    const kept = await t.admin`select action, integration_type, version::int, actor, reason
      from organization_integration_events where organization_id = ${organizationId} order by created_at`
    expect(kept.slice(2)).toEqual([
      {
        action: 'delete',
        integration_type: 'consio',
        version: 1,
        actor: 'kari',
        reason: 'the integration was deleted',
      },
      {
        action: 'delete',
        integration_type: 'xledger',
        version: 1,
        actor: new URL(t.adminUrl).username,
        reason: 'the integration was deleted along with what it belongs to',
      },
    ])
  })

  test('each end of a credential is one event, whatever ends it; what has none ends without one', async () => {
    const ends: [string, (id: string) => Promise<unknown>, number[]][] = [
      ['its grace', () => pause(1100).then(() => retrieve(1)), [1]],
      ['a delete of the integration', () => acme.integrations.delete('xledger'), [1, 2]],
      ['any query', () => acme.query((q) => q.delete(organizationIntegrations)), [1, 2]],
      ['the service role', () => service.forOrganization(organizationId).integrations.delete('xledger'), [1, 2]],
      ['SQL by hand', (id) => t.admin`delete from organization_integrations where id = ${id}`, [1, 2]],
      ['its organization', () => t.admin`delete from organizations where id = ${organizationId}`, [1, 2]],
      [
        'its reference',
        (id) => t.admin`delete from organization_integration_credentials where integration_id = ${id}`,
        [1, 2],
      ],
      ['a truncation', () => t.admin`truncate organizations cascade`, [1, 2]],
    ]
    for (const [what, end, versions] of ends) {
      await begin()
      await acme.integrations.create({ integrationType: 'dynamics' })
      await acme.credentials.store('xledger', bundle)
      await acme.credentials.rotate('xledger', bundle, { graceSeconds: 1 })
      const { id } = (await acme.integrations.get('xledger')) as { id: string }
      await end(id).catch((error) => error)
      const told = await t.admin`select version::int from organization_integration_events
        where integration_id = ${id} and action = 'delete' and outcome = 'ok' order by version`
      expect([what, told.map(({ version }) => version)]).toEqual([what, versions])
      const [left] = await t.admin`select count(*)::int as deletions from organization_integration_events
        where organization_id = ${organizationId} and action = 'delete'`
      expect([what, left?.deletions]).toEqual([what, versions.length])
    }
    expect(await secrets()).toBe(0)
  })

  describe('between the two round trips of a retrieval', () => {
    let proxy: TcpProxy
    let worker: ServiceScope
    beforeAll(async () => {
      proxy = await startProxy(addressOf(t.adminUrl))
      const options = store === 'vault' ? {} : { encryptionKey }
      // Without plans each message says what it is.
      worker = t
        .connect({ serviceUrl: proxy.through(t.serviceUrl), max: 1, keepPlans: false, ...options })
        .asService({ actor: 'worker' })
    })
    afterAll(() => proxy.stop())

    const done: Promise<unknown>[] = []
    /** A retrieval; each time its second message is on its way, the next of these happens first. */
    const overtaken = async (meanwhile: (() => Promise<unknown>)[], version?: number) => {
      await begin()
      await acme.credentials.store('xledger', bundle)
      const rest = [...meanwhile]
      proxy.hold = (chunk) => (chunk.includes('integrations.retrieve_credential') ? rest.shift()?.() : undefined)
      const retrieval = { organizationId, integrationType: 'xledger', reason: 'race' } as const
      const retrieved = await worker.credentials
        .retrieve({ ...retrieval, ...(version === undefined ? {} : { version }) })
        .catch((error) => error)
      await Promise.all(done.splice(0))
      proxy.hold = undefined
      expect(rest).toEqual([])
      return retrieved.code ?? retrieved.api_key
    }
    const rotate = (api_key: string) => () => acme.credentials.rotate('xledger', { ...bundle, api_key })

    test('a rotation without grace: it asks again, once, and is a conflict after a second one, or where it named the version', async () => {
      expect(await overtaken([rotate('second')])).toBe('second')
      expect(await overtaken([rotate('second'), rotate('third')])).toBe('conflict')
      expect(await overtaken([rotate('second')], 1)).toBe('conflict')
    })

    test('a rotation that is under way: it waits for its end', async () => {
      const slowly = () =>
        new Promise<void>((resolve) => {
          const rotation = acme.transaction(async (tx) => {
            await tx.credentials.rotate('xledger', { ...bundle, api_key: 'second' })
            resolve()
            await pause(300)
          })
          done.push(rotation)
        })
      expect(await overtaken([slowly])).toBe('second')
    })

    test('a rotation with grace: it gets the version it asked for', async () => {
      const gracefully = () => acme.credentials.rotate('xledger', { ...bundle, api_key: 'new' }, { graceSeconds: 60 })
      expect(await overtaken([gracefully])).toBe('first')
    })

    test('a revocation is credential_missing, a deletion not_found, each recorded', async () => {
      expect(await overtaken([() => acme.credentials.revoke('xledger')])).toBe('credential_missing')
      expect((await events())[0]).toEqual(['retrieve', 'credential_missing', 1])
      expect(await overtaken([() => acme.integrations.delete('xledger')])).toBe('not_found')
      expect((await events())[0]).toEqual(['retrieve', 'not_found', 1])
    })
  })

  test('one version has grace at a time: a second rotation ends that of the first at once, and a revocation every one', async () => {
    for (const second of [{}, { graceSeconds: 60 }]) {
      await begin()
      await acme.credentials.store('xledger', bundle)
      await acme.credentials.rotate('xledger', { ...bundle, api_key: 'second' }, { graceSeconds: 60 })
      expect((await retrieve(1)).api_key).toBe('first')
      await acme.credentials.rotate('xledger', { ...bundle, api_key: 'third' }, second)
      await expect(retrieve(1)).rejects.toMatchObject({ code: 'credential_missing' })
      if (second.graceSeconds === undefined)
        await expect(retrieve(2)).rejects.toMatchObject({ code: 'credential_missing' })
      else expect((await retrieve(2)).api_key).toBe('second')
      expect((await retrieve()).api_key).toBe('third')
      expect((await acme.credentials.describe('xledger'))?.previous?.version).toBe(second.graceSeconds && 2)
      await acme.credentials.revoke('xledger')
      for (const version of [1, 2, 3]) {
        await expect(retrieve(version)).rejects.toMatchObject({ code: 'credential_missing' })
      }
    }
  })

  test('ten at once: one stores, the others are told, and one secret is there', async () => {
    await begin()
    const before = await secrets()
    const codes = await Promise.all(
      Array.from({ length: 10 }, () =>
        acme.credentials.store('xledger', bundle).then(
          () => 'ok',
          (error) => error.code,
        ),
      ),
    )
    expect(codes.sort()).toEqual([...Array(9).fill('already_exists'), 'ok'])
    expect(await secrets()).toBe(before + 1)
  })

  test('another organization cannot store, rotate, revoke or describe it, and a coordinator may only describe', async () => {
    await begin()
    await acme.credentials.store('xledger', bundle)
    const stranger = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    for (const verb of ['store', 'rotate'] as const) {
      await expect(stranger.credentials[verb]('xledger', bundle)).rejects.toMatchObject({ code: 'not_found' })
    }
    await expect(stranger.credentials.revoke('xledger')).rejects.toMatchObject({ code: 'not_found' })
    expect(await stranger.credentials.describe('xledger')).toBeNull()
    expect(await stranger.events.list()).toHaveLength(3)
    const coordinator = db.forOrganization({ organizationId, role: 'coordinator' })
    for (const call of [
      () => coordinator.credentials.store('xledger', bundle),
      () => coordinator.credentials.rotate('xledger', bundle),
      () => coordinator.credentials.revoke('xledger'),
      () => coordinator.events.list(),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'permission_denied' })
    }
    expect(await coordinator.credentials.describe('xledger')).toMatchObject({ version: 1 })
  })

  test('in a transaction the same calls share its fate', async () => {
    await begin()
    const before = await secrets()
    const undone = acme.transaction(async (tx) => {
      await tx.credentials.store('xledger', bundle)
      expect(await tx.integrations.update('xledger', { status: 'active' })).toMatchObject({ status: 'active' })
      throw new Error('changed my mind')
    })
    await expect(undone).rejects.toThrow('changed my mind')
    expect([await secrets(), await events()]).toEqual([before, []])
    await acme.transaction(async (tx) => {
      await tx.credentials.store('xledger', bundle)
      await tx.integrations.update('xledger', { status: 'active' })
    })
    expect({ ...(await retrieve()) }).toEqual(bundle)
  })

  test('storing, rotating and retrieving cost two round trips each, describing and revoking one', async () => {
    await begin()
    const proxy = await startProxy(addressOf(t.adminUrl))
    const near = t.connect({
      url: proxy.through(t.url),
      serviceUrl: proxy.through(t.serviceUrl),
      max: 1,
      ...(store === 'vault' ? {} : { encryptionKey }),
    })
    const scope = near.forOrganization({ organizationId, role: 'admin' })
    const worker = near.asService({ actor: 'w' })
    // Both logins are connected and checked.
    await scope.integrations.list()
    await worker.integrations.listScheduled()
    const cost = async (call: () => Promise<unknown>) => {
      proxy.reset()
      await call()
      return proxy.roundTrips
    }
    const retrieval = { organizationId, integrationType: 'xledger', reason: 'count' } as const
    expect([
      await cost(() => scope.credentials.store('xledger', bundle)),
      await cost(() => scope.credentials.rotate('xledger', bundle)),
      await cost(() => worker.credentials.retrieve(retrieval)),
      await cost(() => scope.credentials.describe('xledger')),
      await cost(() => scope.credentials.revoke('xledger')),
    ]).toEqual([2, 2, 2, 1, 1])
    await near.end()
    await proxy.stop()
  })

  test('a retrieved bundle reads like an object, and prints, inspects and stringifies as [secret]', async () => {
    await begin()
    await acme.credentials.store('xledger', bundle)
    const secret = await retrieve()
    const { api_key } = secret
    expect([api_key, 'base_url' in secret, Object.keys(secret)]).toEqual(['first', true, Object.keys(bundle).sort()])
    expect(
      [
        `${secret}`,
        String(secret),
        inspect(secret),
        inspect({ nested: [secret] }, { depth: 9, showHidden: true }),
        JSON.stringify({ secret }),
        inspect(new Error('boom', { cause: secret })),
      ].join(),
    ).not.toMatch(/first|4711/)
    expect([String(secret), inspect(secret), JSON.stringify(secret)]).toEqual(['[secret]', '[secret]', '"[secret]"'])
    expect(() => Object.assign(secret, { api_key: 'changed' })).toThrow(TypeError)
  })

  test('no other role of the organization is told whether there is a credential', async () => {
    const told = (role: string, id: string) =>
      t.admin.begin(async (tx) => {
        const claims = { role: 'authenticated', app_metadata: { organization_id: organizationId, role } }
        await tx`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`
        await tx`set local role authenticated`
        return (await tx`select integrations.has_credential(${id}) as told`)[0]?.told
      })
    await begin()
    await acme.credentials.store('xledger', bundle)
    const [row] = await t.admin`select id from organization_integrations where organization_id = ${organizationId}`
    const answers = ['admin', 'coordinator', 'viewer'].map((role) => told(role, row?.id))
    expect(await Promise.all(answers)).toEqual([true, true, false])
  })

  describe('retrieving', () => {
    const asService = <T>(
      work: (sql: typeof t.admin) => Promise<T>,
      { actor = 'by hand', organization = organizationId, login = t.admin } = {},
    ) =>
      login.begin(async (tx) => {
        const claims = { role: 'service_role', actor, app_metadata: { organization_id: organization } }
        await tx`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
          set_config('integrations.encryption_key', ${encryptionKey}, true)`
        await tx`set local role service_role`
        return work(tx as unknown as typeof t.admin)
      }) as Promise<T>
    const request = (sql: typeof t.admin) =>
      sql`select code, event_id, request_id from integrations.request_retrieval('xledger', null, 'by hand')`
    const take = (sql: typeof t.admin, id: unknown) =>
      sql`select code, message, bundle is null as empty from integrations.retrieve_credential(${id as string})`
    beforeAll(async () => {
      await begin()
      await acme.credentials.store('xledger', bundle)
    })

    test('is refused for an id that the same transaction wrote, also within a savepoint', async () => {
      const [answer] = await asService(async (tx) => take(tx, (await request(tx))[0]?.request_id))
      expect(answer).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('commit it first'),
        empty: true,
      })
      const [nested] = await asService(async (tx) => {
        const [asked] = await (tx as unknown as { savepoint: typeof tx.begin }).savepoint((s) => request(s as never))
        return take(tx, asked?.request_id)
      })
      expect(nested).toMatchObject({ code: 'conflict', empty: true })
    })

    test('is refused for an id that was used, that is older than 30 s, that is unknown, and for null', async () => {
      const [asked] = await asService(request)
      expect((await asService((tx) => take(tx, asked?.request_id)))[0]).toMatchObject({ code: 'ok', empty: false })
      expect((await asService((tx) => take(tx, asked?.request_id)))[0]).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('was used'),
        empty: true,
      })
      const [old] = await asService(request)
      await t.admin`update integrations.retrieval_requests set created_at = created_at - interval '31 s' where event_id = ${old?.request_id}`
      expect((await asService((tx) => take(tx, old?.request_id)))[0]).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('older than 30 s'),
        empty: true,
      })
      expect((await asService((tx) => take(tx, randomUUID())))[0]).toMatchObject({ code: 'not_found', empty: true })
      expect((await asService((tx) => take(tx, null)))[0]).toMatchObject({ code: 'invalid_input', empty: true })
      const failed =
        await t.admin`select outcome from organization_integration_events where action = 'retrieve' and outcome <> 'ok' and actor = 'by hand'`
      expect(failed.length).toBeGreaterThanOrEqual(4)
    })

    test('is worth nothing to another actor, with the claims of another organization, over another login, or by the id of its event', async () => {
      const [asked] = await asService(request)
      const other = postgres(t.serviceUrl, { max: 1 })
      const neighbour = await t.organization()
      const strangers = [
        { actor: 'somebody else' },
        { organization: neighbour },
        { organization: null as never },
        { login: other },
      ]
      for (const stranger of strangers) {
        const [answer] = await asService((tx) => take(tx, asked?.request_id), stranger)
        expect(answer).toMatchObject({ code: 'not_found', empty: true })
      }
      await other.end()
      expect(asked?.request_id).not.toBe(asked?.event_id)
      expect((await asService((tx) => take(tx, asked?.event_id)))[0]).toMatchObject({ code: 'not_found', empty: true })
      // The organization whose ticket was tried is told, and by whom.
      const told = await t.admin`select actor, organization_id from organization_integration_events
        where action = 'retrieve' and outcome = 'not_found' order by created_at desc limit 5`
      expect(told.filter((event) => event.organization_id === organizationId)).toHaveLength(5)
      expect(told.map(({ actor }) => actor)).toContain('somebody else')
      expect((await asService((tx) => take(tx, asked?.request_id)))[0]).toMatchObject({ code: 'ok', empty: false })
    })

    test('two at once with one id: one gets the secret', async () => {
      const [asked] = await asService(request)
      const answers = await Promise.all([1, 2].map(() => asService((tx) => take(tx, asked?.request_id))))
      expect(answers.map(([answer]) => answer?.code).sort()).toEqual(['conflict', 'ok'])
    })

    test('leaves its event, whatever becomes of the transaction that took the secret', async () => {
      const [asked] = await asService(request)
      await asService(async (tx) => {
        await take(tx, asked?.request_id)
        throw new Error('roll back')
      }).catch(() => {})
      expect(
        await t.admin`select from organization_integration_events where id = ${asked?.event_id} and outcome = 'ok'`,
      ).toHaveLength(1)
    })

    test('needs a reason', async () => {
      await expect(
        service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason: '' }),
      ).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringMatching(/^reason: /) })
    })
  })

  describe('the functions called by hand refuse with a message and a recorded event', () => {
    test.each([
      [`store_credential(null, '{"a":1}', null)`, 'invalid_input', /^integration_type: must be one of xledger/],
      [`store_credential('sap', '{"a":1}', null)`, 'invalid_input', /^integration_type: must be one of xledger/],
      [`store_credential('xledger', null, null)`, 'invalid_input', /^bundle: must be a JSON object/],
      [`store_credential('xledger', 'no json', null)`, 'invalid_input', /^bundle: must be a JSON object/],
      [`store_credential('xledger', '{}', null)`, 'invalid_input', /^bundle: must be a JSON object/],
      [`store_credential('xledger', '["a"]', null)`, 'invalid_input', /^bundle: must be a JSON object/],
      [`rotate_credential('xledger', '{"a":1}', null, null)`, 'invalid_input', /^grace_seconds: must be 0 to/],
      [`rotate_credential('xledger', '{"a":1}', -1, null)`, 'invalid_input', /^grace_seconds: must be 0 to/],
      [`revoke_credential(null, null)`, 'invalid_input', /^integration_type/],
      [`delete_credential(null, null)`, 'invalid_input', /^integration_id: must not be null/],
      [`delete_credential('${randomUUID()}', null)`, 'not_found', /^integration_id: there is no such/],
      [`request_retrieval(null, null, 'x')`, 'invalid_input', /^integration_type/],
      [`request_retrieval('xledger', null, null)`, 'invalid_input', /^reason: /],
    ])('%s', async (call, code, message) => {
      await begin()
      const claims = { role: 'service_role', app_metadata: { organization_id: organizationId } }
      const [answer] = await t.admin.begin(async (tx) => {
        await tx`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`
        await tx`set local role service_role`
        return tx.unsafe(`select * from integrations.${call}`)
      })
      expect(answer).toMatchObject({ code, message: expect.stringMatching(message) })
      const [event] =
        await t.admin`select outcome from organization_integration_events order by created_at desc limit 1`
      expect(event).toEqual({ outcome: code })
    })
  })

  test('delete_credential ends a credential of any organization and records that', async () => {
    await begin()
    await acme.credentials.store('xledger', bundle)
    const row = await acme.integrations.get('xledger')
    const [answer] =
      await t.admin`select code, version::int from integrations.delete_credential(${row?.id ?? ''}, 'offboarding')`
    expect(answer).toEqual({ code: 'ok', version: 1 })
    expect((await events())[0]).toEqual(['delete', 'ok', 1])
  })
})

describe('events', () => {
  const t = useDatabase()
  let acme: OrganizationScope

  beforeAll(async () => {
    const db = t.connect({ encryptionKey })
    acme = db.forOrganization({ organizationId: await t.organization(), role: 'admin', userId: 'kari' })
    await acme.integrations.create({ integrationType: 'xledger' })
  })

  test('say who, what, why and which version, newest first, page by page', async () => {
    await acme.credentials.store('xledger', bundle, { reason: 'onboarding' })
    await acme.credentials.rotate('xledger', bundle)
    await acme.credentials.revoke('xledger')
    const all = await acme.events.list()
    expect(all.map(({ action }) => action)).toEqual(['revoke', 'rotate', 'store', 'create'])
    expect(all[2]).toMatchObject({
      actor: 'kari',
      reason: 'onboarding',
      version: 1,
      outcome: 'ok',
      integrationType: 'xledger',
    })
    const [first] = await acme.events.list({ limit: 1 })
    expect(first).toEqual(all[0])
    expect(await acme.events.list({ before: first?.id ?? '' })).toEqual(all.slice(1))
  })

  test('cannot be changed, deleted or truncated, not even by an administrator', async () => {
    for (const statement of [
      `update organization_integration_events set actor = 'nobody'`,
      'delete from organization_integration_events',
      'truncate organization_integration_events',
    ]) {
      await expect(t.admin.unsafe(statement)).rejects.toMatchObject({
        code: '42501',
        message: expect.stringContaining('append-only'),
      })
    }
  })

  test('are told to nobody who listens: any login may, to any channel', async () => {
    const heard: unknown[] = []
    const channels = await t.admin`select distinct (regexp_matches(prosrc, 'notify[^;]*', 'gi'))[1] as channel
      from pg_proc where pronamespace = 'integrations'::regnamespace`
    expect([...channels]).toEqual([])
    const login = postgres(t.url, { max: 1 })
    await login.listen('integration_events', (payload) => heard.push(payload))
    await acme.credentials.store('xledger', bundle, { reason: 'heard by nobody' })
    await acme.credentials.rotate('xledger', bundle)
    await acme.integrations.delete('xledger')
    await login`select 1`
    await login.end()
    expect(heard).toEqual([])
  })
})

describe('what is handed in', () => {
  const t = useDatabase()
  let acme: OrganizationScope
  let sent: Awaited<ReturnType<typeof startProxy>>

  beforeAll(async () => {
    sent = await startProxy(addressOf(t.adminUrl))
    const db = t.connect({ url: sent.through(t.url), encryptionKey })
    acme = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await acme.integrations.create({ integrationType: 'xledger' })
  })
  afterAll(() => sent.stop())

  test.each([
    [
      'xledger',
      { base_url: bundle.base_url, company_id: '1' },
      /^bundle\.api_key: is missing; xledger takes api_key, base_url, company_id$/,
    ],
    ['xledger', { ...bundle, api_key: '' }, /^bundle\.api_key: must not be empty/],
    ['xledger', { ...bundle, api_key: 7 }, /^bundle\.api_key: must be a text/],
    ['xledger', { ...bundle, base_url: 'canary' }, /^bundle\.base_url: must be a URL/],
    ['xledger', { ...bundle, base_url: 'file:///etc/passwd' }, /^bundle\.base_url: must be a URL/],
    ['xledger', { ...bundle, base_url: 'https://a.no/b c' }, /^bundle\.base_url: must be a URL/],
    ['xledger', { ...bundle, base_url: `https://a.no/${'x'.repeat(20_000)}` }, /^bundle\.base_url: must have at most/],
    ['xledger', { ...bundle, api_key: 'canary\r\nX-Admin: 1' }, /^bundle\.api_key: must not hold control/],
    ['xledger', { ...bundle, token: 'canary' }, /^bundle: has no such field: "token"; xledger takes/],
    ['xledger', { ...bundle, sk_live_canary9: '' }, /^bundle: has no such field: \(a name that is not printed here\)/],
    ['xledger', 'canary', /^bundle: must be an object/],
    ['xledger', null, /^bundle: must be an object/],
    [
      'dynamics',
      { client_secret: 'canary' },
      /^bundle\.tenant_id: is missing; bundle\.client_id: is missing; bundle\.resource_url: is missing/,
    ],
    [
      'bufdir',
      { org_id: '971277882', report_year: 'canary', api_endpoint: 'https://x.no' },
      /^bundle\.report_year: must be a year/,
    ],
    ['sap', bundle, /^integrationType: /],
  ])('is refused before anything is sent, naming the field and never a value: %s %j', async (type, wrong, message) => {
    sent.reset()
    for (const verb of ['store', 'rotate'] as const) {
      const error = await acme.credentials[verb](type as 'xledger', wrong as never).catch((error) => error)
      expect(error).toMatchObject({ code: 'invalid_input', message: expect.stringMatching(message) })
      expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('canary')
    }
    expect(sent.sent).toEqual([])
  })

  test('fits every system', async () => {
    const bundles = {
      dynamics: {
        client_secret: 's',
        tenant_id: 't',
        client_id: 'c',
        resource_url: 'https://api.businesscentral.dynamics.com',
      },
      cornerstone: { api_key: 'k', subdomain: 'lions' },
      consio: { api_key: 'k', base_url: 'https://consio.example' },
      bufdir: { org_id: '971277882', report_year: 2026, api_endpoint: 'https://bufdir.example' },
    } as const
    const stored = { version: 1 }
    for (const type of ['dynamics', 'cornerstone', 'consio', 'bufdir'] as const) {
      await acme.integrations.create({ integrationType: type })
      expect(await acme.credentials.store(type, bundles[type] as never)).toEqual(stored)
    }
  })
})

describe('the fallback', () => {
  const t = useDatabase()
  let organizationId: string
  const scope = (db: IntegrationsDb) => db.forOrganization({ organizationId, role: 'admin' })
  const retrieval = () => ({ organizationId, integrationType: 'xledger', reason: 'test' }) as const

  beforeAll(async () => {
    organizationId = await t.organization()
    await scope(t.db).integrations.create({ integrationType: 'xledger' })
  })

  test('refuses without a key, and sends no value', async () => {
    const proxy = await startProxy(addressOf(t.adminUrl))
    const error = await scope(t.connect({ url: proxy.through(t.url) }))
      .credentials.store('xledger', { ...bundle, api_key: 'canary' })
      .catch((error) => error)
    expect(error).toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/^INTEGRATIONS_ENCRYPTION_KEY: is missing/),
    })
    expect(Buffer.concat(proxy.sent).toString('latin1')).not.toContain('canary')
    await proxy.stop()
  })

  test('refuses a key that is not 64 hexadecimal digits where the client is made, and does not print it', () => {
    for (const key of ['canary', `${encryptionKey}0`, 'g'.repeat(64)]) {
      expect(() => t.connect({ encryptionKey: key })).toThrow(
        /^INTEGRATIONS_ENCRYPTION_KEY: must be 64 hexadecimal digits; make/,
      )
    }
  })

  test('keeps neither key nor value: with another key it names both by their ids, with the previous one it reads', async () => {
    const db = t.connect({ encryptionKey })
    await scope(db).credentials.store('xledger', bundle)
    const otherKey = randomBytes(32).toString('hex')
    const other = t.connect({ encryptionKey: otherKey }).asService({ actor: 'other' })
    const error = await other.credentials.retrieve(retrieval()).catch((error) => error)
    expect(error).toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/was encrypted with key [0-9a-f]{16}, given was [0-9a-f]{16}/),
    })
    expect(error.message).not.toContain(otherKey)
    const both = t
      .connect({ encryptionKey: otherKey, previousEncryptionKey: encryptionKey })
      .asService({ actor: 'both' })
    expect((await both.credentials.retrieve(retrieval())).api_key).toBe('first')
  })

  test('leaves no key behind on its connection', async () => {
    const db = t.connect({ encryptionKey, max: 1 })
    await scope(db).credentials.rotate('xledger', bundle)
    const left = await scope(db).query((q) =>
      q.execute(`select current_setting('integrations.encryption_key', true) as key`),
    )
    expect(left).toEqual([{ key: '' }])
  })

  test('says so where a ciphertext was damaged, and where it is gone', async () => {
    const service = t.connect({ encryptionKey }).asService({ actor: 'test' })
    await t.admin`update integrations.encrypted_secrets set ciphertext = set_byte(ciphertext, 40, get_byte(ciphertext, 40) # 255)`
    await expect(service.credentials.retrieve(retrieval())).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('cannot be decrypted'),
    })
    await t.admin`delete from integrations.encrypted_secrets`
    await expect(service.credentials.retrieve(retrieval())).rejects.toMatchObject({
      code: 'credential_missing',
      message: expect.stringContaining('audit'),
    })
  })

  const settings = [
    ['log_statement', 'all'],
    ['log_min_duration_statement', '0'],
    ['log_min_duration_statement', '5000'],
    ['log_transaction_sample_rate', '0.5'],
    ['log_min_duration_sample', '100'],
    ['log_parameter_max_length_on_error', '-1'],
    ['auto_explain.log_min_duration', '10000'],
    ['pgaudit.log_parameter', 'on'],
  ] as const
  test.each(settings)(
    'refuses where the server would log the key, and says which setting: %s = %s',
    async (name, value) => {
      const login = new URL(t.url).username
      await t.admin.unsafe(`alter role ${login} in database ${t.name} set ${name} = '${value}'`)
      const proxy = await startProxy(addressOf(t.adminUrl))
      try {
        const url = proxy.through(t.url)
        const error = await scope(t.connect({ url, encryptionKey }))
          .credentials.rotate('xledger', { ...bundle, api_key: 'canary' })
          .catch((error) => error)
        expect(error).toMatchObject({
          code: 'unavailable',
          message: expect.stringContaining(`logs parameters (${name}`),
        })
        expect(Buffer.concat(proxy.sent).toString('latin1')).not.toMatch(new RegExp(`canary|${encryptionKey}`))
        const accepting = scope(t.connect({ url, encryptionKey, allowParameterLogging: true }))
        await expect(
          accepting.credentials.revoke('xledger').then(() => accepting.credentials.store('xledger', bundle)),
        ).resolves.toMatchObject({})
      } finally {
        await t.admin.unsafe(`alter role ${login} in database ${t.name} reset all`)
        await proxy.stop()
      }
    },
  )

  test('goes on where log_parameter_max_length = 0 keeps parameters out of the log', async () => {
    const login = new URL(t.url).username
    await t.admin.unsafe(
      `alter role ${login} in database ${t.name} set log_statement = 'all'; alter role ${login} in database ${t.name} set log_parameter_max_length = 0`,
    )
    try {
      expect(await scope(t.connect({ encryptionKey })).credentials.rotate('xledger', bundle)).toMatchObject({})
    } finally {
      await t.admin.unsafe(`alter role ${login} in database ${t.name} reset all`)
    }
  })
})

describe('Vault', () => {
  const t = useDatabase()
  let acme: OrganizationScope
  let service: ServiceScope
  let organizationId: string

  beforeAll(async () => {
    await installVault(t.admin)
    organizationId = await t.organization()
    acme = t.db.forOrganization({ organizationId, role: 'admin' })
    service = t.db.asService({ actor: 'test' })
    await acme.integrations.create({ integrationType: 'xledger' })
  })

  test('names a secret by organization, integration and version, without a description', async () => {
    await acme.credentials.store('xledger', bundle)
    const row = await acme.integrations.get('xledger')
    expect([...(await t.admin`select name, description from vault.secrets`)]).toEqual([
      { name: `integrations-db/${organizationId}/${row?.id}/1`, description: '' },
    ])
  })

  test('a name that is taken, as after db reset, is a conflict that says how to fix it, and nothing changes', async () => {
    const row = await acme.integrations.get('xledger')
    await t.admin`select vault.create_secret('left behind', ${`integrations-db/${organizationId}/${row?.id}/2`})`
    await expect(acme.credentials.rotate('xledger', bundle)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('credentials audit --apply'),
    })
    expect(await acme.credentials.describe('xledger')).toMatchObject({ version: 1 })
  })

  test('a secret that cannot be decrypted is said to be so, and can be rotated all the same', async () => {
    await t.admin`delete from vault.secrets where name like '%/2'`
    await t.admin`update vault.secrets set secret = encode('damaged', 'base64')`
    const retrieval = { organizationId, integrationType: 'xledger', reason: 'test' } as const
    await expect(service.credentials.retrieve(retrieval)).rejects.toMatchObject({ code: 'unavailable' })
    await acme.credentials.rotate('xledger', bundle)
    expect((await service.credentials.retrieve(retrieval)).api_key).toBe('first')
  })

  test('an id that Vault does not know is credential_missing', async () => {
    await t.admin`delete from vault.secrets`
    await expect(
      service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason: 'test' }),
    ).rejects.toMatchObject({ code: 'credential_missing', message: expect.stringContaining('audit') })
  })

  test('is refused only where every call is sure to be logged with its parameters', async () => {
    const login = new URL(t.url).username
    const rotate = () =>
      t.connect().forOrganization({ organizationId, role: 'admin' }).credentials.rotate('xledger', bundle)
    try {
      await t.admin.unsafe(`alter role ${login} in database ${t.name} set auto_explain.log_min_duration = '10s'`)
      expect(await rotate()).toMatchObject({})
      await t.admin.unsafe(`alter role ${login} in database ${t.name} set log_statement = 'all'`)
      await expect(rotate()).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('log_statement = all'),
      })
    } finally {
      await t.admin.unsafe(`alter role ${login} in database ${t.name} reset all`)
    }
  })

  test('a login that may read decrypted secrets by itself is refused', async () => {
    const login = new URL(t.url).username
    await t.admin.unsafe(`grant usage on schema vault to ${login}; grant select on vault.decrypted_secrets to ${login}`)
    try {
      await expect(
        t.connect().forOrganization({ organizationId, role: 'admin' }).integrations.list(),
      ).rejects.toMatchObject({
        code: 'permission_denied',
        message: expect.stringContaining('decrypted_secrets'),
      })
    } finally {
      await t.admin.unsafe(
        `revoke all on vault.decrypted_secrets from ${login}; revoke usage on schema vault from ${login}`,
      )
    }
  })
})
