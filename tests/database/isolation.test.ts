import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { organizationIntegrations } from '../../src/schema/index.ts'
import { type Attacked, openAttacked } from '../isolation/attacked.ts'
import { checks } from '../isolation/checks.ts'
import { useDatabase } from '../support/database.ts'

const t = useDatabase()
let db: Attacked

beforeAll(async () => {
  db = await openAttacked(t.adminUrl, t.url)
})
afterAll(() => db.end())

describe('by persona, verb and table, with every row read again afterwards', () => {
  test.each(checks.map((check) => [check.title, check] as const))('%s', (_title, check) => check.run(db))
})

describe('an SQL injection in the host, on a scoped connection', () => {
  const inject = (statement: string) =>
    t.db
      .forOrganization({ organizationId: db.acme, role: 'admin' })
      .query((q) => q.execute(sql.raw(statement.replace('SUPERUSER', db.superuser))))

  test.each([
    `select id::text from organization_integrations union all select set_config('role', 'service_role', true)`,
    `select id::text from organization_integrations union all select set_config('role', 'SUPERUSER', true)`,
    `select set_config('role', 'service_role', false)`,
    `select set_config('session_authorization', 'SUPERUSER', true)`,
    `with x as (select set_config('role', 'service_role', true)) select * from x, organization_integrations`,
  ])('cannot become another role: %s', async (statement) => {
    await expect(inject(statement)).rejects.toMatchObject({ code: 'permission_denied' })
  })

  test.each([
    `select 1; set role service_role`,
    'begin',
    'commit',
    `/* */ begin`,
    `set request.jwt.claims = '{}'`,
    'reset role',
    `do $$ begin end $$`,
    'listen integration_events',
    'create temp table organization_integrations (id uuid)',
    'copy organization_integrations to stdout',
    'discard all',
  ])('cannot leave the one statement it is in, nor outlive it: %s', async (statement) => {
    await expect(inject(statement)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/^query: /),
    })
  })

  test('sees no more by giving up its role', async () => {
    const rows = await inject(
      `select organization_id from organization_integrations where set_config('role', 'none', true) is not null`,
    )
    for (const row of rows as { organization_id: string }[]) expect(row.organization_id).toBe(db.acme)
    await expect(inject('select * from pg_authid')).rejects.toMatchObject({ code: 'permission_denied' })
  })

  test('can set other claims, as docs/security.md says, but not for the next call on its connection', async () => {
    const client = t.connect({ max: 1 })
    const acme = client.forOrganization({ organizationId: db.acme, role: 'admin' })
    const claims = JSON.stringify({ app_metadata: { organization_id: db.other, role: 'admin' } })
    await acme.query((q) =>
      q.execute(
        sql.raw(
          `select set_config('request.jwt.claims', '${claims}', false), set_config('search_path', 'pg_temp', false), set_config('role', 'authenticated', false)`,
        ),
      ),
    )
    expect((await acme.integrations.list()).map((row) => row.organizationId)).toEqual([db.acme, db.acme])
    expect(await client.forOrganization({ organizationId: db.empty, role: 'admin' }).integrations.list()).toEqual([])
  })

  test('cannot put a temporary table in the place of ours', async () => {
    const client = t.connect({ max: 1 })
    const acme = client.forOrganization({ organizationId: db.acme, role: 'admin' })
    await acme.query((q) =>
      q.execute(sql.raw('select * into temp organization_integrations from organization_integrations limit 0')),
    )
    expect(await acme.integrations.list()).toHaveLength(2)
    expect(await acme.query((q) => q.select().from(organizationIntegrations))).toHaveLength(2)
  })
})
