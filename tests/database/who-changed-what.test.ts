import { beforeAll, describe, expect, inject, test } from 'vitest'
import type { OrganizationScope, ServiceScope } from '../../src/index.ts'
import { beforeRules, useDatabase } from '../support/database.ts'

/* Who changed what, whichever way it was changed. */

const administrator = new URL(inject('server').adminUrl).username
const t = useDatabase()
let organizationId: string
let acme: OrganizationScope
let service: ServiceScope

beforeAll(() => {
  service = t.db.asService({ actor: 'nightly-sync' })
})

async function begin(): Promise<void> {
  organizationId = await t.organization()
  acme = t.db.forOrganization({ organizationId, role: 'admin', userId: 'kari' })
}
const changes = async (scope = acme) =>
  (await scope.events.list({ limit: 1000 }))
    .filter((event) => event.changes !== null)
    .map(({ action, actor, changes }) => [action, actor, changes])

describe('who changed what is an event', () => {
  test('each create, update and remove, with the columns that changed, before and after', async () => {
    await begin()
    await acme.integrations.create({ integrationType: 'xledger', fieldMappings: { amount: 'a' } })
    await acme.integrations.update('xledger', { syncSchedule: '0 2 * * *', fieldMappings: { amount: 'b' } })
    await acme.integrations.update('xledger', { status: 'inactive' })
    await acme.integrations.delete('xledger')
    const [before, after] = [
      { $version: 2, amount: 'a' },
      { $version: 2, amount: 'b' },
    ]
    const all = { status: 'inactive', field_mappings: after, sync_schedule: '0 2 * * *', excluded_features: [] }
    expect(await changes()).toEqual([
      ['remove', 'kari', Object.fromEntries(Object.entries(all).map(([name, value]) => [name, { old: value }]))],
      [
        ...['update', 'kari'],
        { field_mappings: { old: before, new: after }, sync_schedule: { old: null, new: '0 2 * * *' } },
      ],
      [
        ...['create', 'kari'],
        {
          ...{ status: { new: 'inactive' }, field_mappings: { new: before } },
          ...{ sync_schedule: { new: null }, excluded_features: { new: [] } },
        },
      ],
    ])
  })

  const ways: [string, string, () => Promise<unknown>][] = [
    [
      'the Data API with a token',
      'ola',
      () =>
        t.admin.begin(async (sql) => {
          const claims = {
            sub: 'ola',
            role: 'authenticated',
            app_metadata: { organization_id: organizationId, role: 'admin' },
          }
          await sql`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`
          await sql`set local role authenticated`
          await sql`update organization_integrations set status = 'error'`
        }),
    ],
    [
      'a service',
      'nightly-sync',
      () => service.forOrganization(organizationId).integrations.update('xledger', { status: 'error' }),
    ],
    [
      'SQL by hand',
      administrator,
      () => t.admin`update organization_integrations set status = 'error' where organization_id = ${organizationId}`,
    ],
    [
      'a revocation',
      'kari',
      async () => {
        await beforeRules(
          t.admin,
          `update organization_integrations set status = 'active' where organization_id = $1`,
          [organizationId],
        )
        const [row] = await t.admin`select id from organization_integrations where organization_id = ${organizationId}`
        await t.admin`insert into organization_integration_credentials (integration_id, version, store, secret_id, field_names)
          values (${row?.id}, 1, 'pgcrypto', gen_random_uuid(), '{api_key}')`
        await acme.credentials.revoke('xledger')
      },
    ],
  ]
  test.each(ways)('by %s', async (_, actor, change) => {
    await begin()
    await acme.integrations.create({ integrationType: 'xledger' })
    await change()
    const [latest] = await changes()
    expect(latest).toMatchObject(['update', actor, { status: { new: expect.stringMatching(/error|pending_setup/) } }])
  })

  test('also of a removal along with the organization, and of a truncation', async () => {
    await begin()
    await acme.integrations.create({ integrationType: 'xledger' })
    await t.admin`delete from organizations where id = ${organizationId}`
    const told = () =>
      t.admin`select action, reason from organization_integration_changes where organization_id = ${organizationId} order by created_at desc limit 1`
    expect([...(await told())]).toEqual([{ action: 'remove', reason: null }])
    await begin()
    await acme.integrations.create({ integrationType: 'xledger' })
    await t.admin`truncate organizations cascade`
    expect([...(await told())]).toEqual([{ action: 'remove', reason: 'its table was truncated' }])
  })

  test('none where nothing changed, and one for each of many rows of a statement', async () => {
    await begin()
    await acme.integrations.create({ integrationType: 'xledger' })
    await acme.integrations.update('xledger', { status: 'inactive' })
    await t.admin`update organization_integrations set updated_at = now() where false`
    expect(await changes()).toHaveLength(1)
    await t.admin`insert into organization_integrations (organization_id, integration_type)
      select ${organizationId}, unnest('{dynamics,cornerstone,consio,bufdir}'::integration_type_enum[])`
    await t.admin`update organization_integrations set sync_schedule = '0 2 * * *' where organization_id = ${organizationId}`
    expect((await changes()).map(([action]) => action)).toEqual([
      ...Array(5).fill('update'),
      ...Array(5).fill('create'),
    ])
  })

  test('of a row that moves, to each organization what it lost or got', async () => {
    await begin()
    const before = acme
    const from = organizationId
    await before.integrations.create({ integrationType: 'xledger' })
    await begin()
    await t.admin`update organization_integrations set organization_id = ${organizationId}, status = 'error' where organization_id = ${from}`
    expect(await changes(before)).toMatchObject([
      ['remove', administrator, { status: { old: 'inactive' } }],
      ['create', 'kari', {}],
    ])
    expect(await changes()).toMatchObject([['create', administrator, { status: { new: 'error' } }]])
    await t.admin`update organization_integrations set id = gen_random_uuid() where organization_id = ${organizationId}`
    expect((await changes()).map(([action]) => action).sort()).toEqual(['create', 'create', 'remove'])
  })

  test('what changed is rolled back with its change', async () => {
    await begin()
    await acme
      .transaction(async (tx) => {
        await tx.integrations.create({ integrationType: 'xledger' })
        throw new Error('undone')
      })
      .catch(() => {})
    expect(await changes()).toEqual([])
  })

  test('is asked for by action and system, page by page, by admins alone', async () => {
    await begin()
    await acme.integrations.create({ integrationType: 'xledger' })
    await acme.integrations.create({ integrationType: 'consio' })
    for (const syncSchedule of ['0 1 * * *', '0 2 * * *', '0 3 * * *'])
      await acme.integrations.update('xledger', { syncSchedule })
    const updates = await acme.events.list({ action: 'update', integrationType: 'xledger' })
    expect(updates.map(({ changes }) => changes?.sync_schedule?.new)).toEqual(['0 3 * * *', '0 2 * * *', '0 1 * * *'])
    expect(await acme.events.list({ action: 'update', integrationType: 'consio' })).toEqual([])
    expect(await acme.events.list({ action: 'update', limit: 1, after: updates[0]?.id })).toEqual([updates[1]])
    expect(await acme.events.list({ action: 'update', limit: 1, before: updates[0]?.id })).toEqual([updates[1]])
    const id = updates[0]?.id
    await expect(acme.events.list({ after: id, before: id })).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(acme.events.list({ action: 'nothing' as never })).rejects.toThrow(/^action: /)
    const coordinator = t.db.forOrganization({ organizationId, role: 'coordinator' })
    await expect(coordinator.events.list()).rejects.toMatchObject({ code: 'permission_denied' })
  })
})

describe('no credential of a document from before there were rules ends up in an event', () => {
  const written = async (column: string, value: unknown) => {
    await begin()
    await t.admin.begin(async (sql) => {
      await sql.unsafe('alter table organization_integrations disable trigger user')
      await sql.unsafe(
        `insert into organization_integrations (organization_id, integration_type, ${column}) values ($1, 'xledger', $2)`,
        [organizationId, value as string],
      )
      await sql.unsafe('alter table organization_integrations enable trigger user')
    })
    await t.admin`delete from organization_integrations where organization_id = ${organizationId}`
    return (await changes())[0]?.[2] as Record<string, { old?: unknown }>
  }

  test.each([
    ['field_mappings', { ourApiKey: 'hunter2', amount: 'a' }, { ourApiKey: '[redacted]', amount: 'a' }],
    ['field_mappings', { amount: 'Bearer abcdefghijklmnop' }, { amount: '[redacted]' }],
    ['field_mappings', { amount: { password: { deep: 'hunter2' } } }, { amount: { password: '[redacted]' } }],
    ['excluded_features', ['ghp_abcdefghijklmnopqrstuvwxyz0123456789'], ['[redacted]']],
    ['sync_schedule', 'myPin', '[redacted]'],
    ['sync_schedule', 'Bearer abcdefghijklmnop', '[redacted]'],
    ['field_mappings', { keyboard: 'live_date' }, { keyboard: 'live_date' }],
  ])('%s: %j', async (column, value, kept) => {
    expect((await written(column, value))[column]).toEqual({ old: kept })
  })

  test('one that is larger than the rules allow is told of by its size', async () => {
    const { field_mappings } = await written('field_mappings', { amount: 'x'.repeat(300_000) })
    expect(field_mappings).toEqual({ old: '[300014 characters]' })
  })

  const good = '{"amount": "invoiceAmount"}'
  const bad = '{"ourApiKey": "hunter2", "amount": "a", "date": "Bearer abcdefghijklmnop"}'
  const kept = { ourApiKey: '[redacted]', amount: 'a', date: '[redacted]' }
  /** What the log says of one statement, which a transaction that is undone prepared and ran. */
  const latest = (preparation: string, document: string, statement: string) =>
    t.admin
      .begin(async (sql) => {
        await sql`insert into organization_integrations (organization_id, integration_type, field_mappings)
          values (${organizationId}, 'consio', ${good}::text::jsonb)`
        await sql.unsafe(preparation)
        await sql.unsafe(statement.replaceAll('$1', `'${document}'`).replaceAll('$2', `'${organizationId}'`))
        const rows = await sql`select changes from organization_integration_changes
          where organization_id = ${organizationId} and action in ('create', 'update') order by created_at desc, id limit 1`
        throw Object.assign(new Error('undone'), { told: rows[0]?.changes.field_mappings })
      })
      .catch((error) => (error.message === 'undone' ? error.told : Promise.reject(error)))
  const insert = `insert into organization_integrations (organization_id, integration_type, field_mappings) values ($2, 'xledger', $1)`
  const update = `update organization_integrations set field_mappings = $1 where organization_id = $2`

  test.each([
    ['is disabled', 'alter table organization_integrations disable trigger configuration_check'],
    [
      'does not fire in a replica',
      `alter table organization_integrations enable always trigger record_create;
       alter table organization_integrations enable always trigger record_update; set local session_replication_role = replica`,
    ],
    [
      'was asked before another wrote what it did not see',
      `create function public.rewrite() returns trigger language plpgsql as $$ begin new.field_mappings := '${bad}'; return new; end $$;
       create trigger rewrite before insert or update on organization_integrations for each row execute function public.rewrite()`,
    ],
    ['is gone', 'drop trigger configuration_check on organization_integrations'],
  ])('nor of a new one that no rule was asked about, because their trigger %s', async (_, preparation) => {
    await begin()
    const document = preparation.includes('rewrite') ? good : bad
    expect(await latest(preparation, document, insert)).toEqual({ new: kept })
    expect(await latest(preparation, document, update)).toEqual({ old: { amount: 'invoiceAmount' }, new: kept })
  })

  test('nor of one that is replaced by a good one, which is kept, or that moves along with its row', async () => {
    await begin()
    const written = `set local session_replication_role = replica; update organization_integrations set field_mappings = '${bad}'
      where organization_id = '${organizationId}'; set local session_replication_role = origin`
    expect(await latest(written, good, update)).toEqual({ old: kept, new: { amount: 'invoiceAmount' } })
    const moved = 'update organization_integrations set id = gen_random_uuid() where organization_id = $2'
    expect(await latest(written, good, moved)).toEqual({ new: kept })
  })

  test('a document that the rules allow is kept as it is, whatever words are in it', async () => {
    await begin()
    const fine = { keyboard: 'live_date', passport_number: 'tokenizer', pinned_at: { path: 'test_group', default: 0 } }
    await acme.integrations.create({ integrationType: 'xledger', fieldMappings: fine })
    await acme.integrations.update('xledger', { fieldMappings: { pinned_at: 'secretary' } })
    await acme.integrations.delete('xledger')
    expect((await changes()).map(([, , change]) => (change as Record<string, unknown>).field_mappings)).toEqual([
      { old: { $version: 2, pinned_at: 'secretary' } },
      { old: { $version: 2, ...fine }, new: { $version: 2, pinned_at: 'secretary' } },
      { new: { $version: 2, ...fine } },
    ])
  })

  test('nor of whoever changed it, and an administrator is refused one as in any other table', async () => {
    await begin()
    const claims = { sub: 'Bearer abcdefghijklmnop', app_metadata: { organization_id: organizationId, role: 'admin' } }
    await t.admin.begin(async (sql) => {
      await sql`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`
      await sql`set local role authenticated`
      await sql`insert into organization_integrations (organization_id, integration_type) values (${organizationId}, 'xledger')`
    })
    expect((await changes())[0]?.[1]).toBe('[redacted]')
    await expect(
      t.admin`insert into organization_integration_changes (action, actor, changes) values ('update', 'x', '{"status": {"new": "Bearer abcdefghijklmnop"}}')`,
    ).rejects.toThrow(/^changes: must not hold a credential/)
  })
})
