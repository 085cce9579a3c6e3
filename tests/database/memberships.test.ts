import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../support/database.ts'

const t = useDatabase()
const documented = /```sql\n([\s\S]*?)```/.exec(readFileSync('docs/memberships.md', 'utf8'))?.[1] ?? ''
const [user, acme] = [randomUUID(), randomUUID()]

/** The statements of docs/memberships.md, on a host with 100,000 memberships. */
beforeAll(async () => {
  await t.admin.unsafe(documented)
  await t.admin.unsafe(`
    insert into organizations (id, name) select gen_random_uuid(), 'many' from generate_series(1, 1000);
    insert into memberships select gen_random_uuid(), id, 'admin' from organizations, generate_series(1, 100)`)
  await t.admin`insert into organizations (id, name) values (${acme}, 'acme')`
  await t.admin`insert into memberships values (${user}, ${acme}, 'admin')`
  await t.admin`vacuum analyze memberships`
})

describe('a host that keeps memberships in a table', () => {
  const as = (userId: string) => t.db.forOrganization({ organizationId: acme, role: 'admin', userId })

  test('lets a member in by the role in the table', async () => {
    await as(user).integrations.create({ integrationType: 'xledger' })
    expect(await as(user).integrations.list()).toHaveLength(1)
  })

  test('shows nothing to a token that claims to be an admin and is no member', async () => {
    const stranger = as(randomUUID())
    expect(await stranger.integrations.list()).toEqual([])
    await expect(stranger.integrations.create({ integrationType: 'dynamics' })).rejects.toMatchObject({
      code: 'permission_denied',
    })
    await expect(as('no uuid').integrations.list()).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('takes a role away at once', async () => {
    await t.admin`update memberships set role = 'coordinator' where user_id = ${user}`
    await expect(as(user).integrations.update('xledger', { status: 'error' })).rejects.toMatchObject({
      code: 'not_found',
    })
    expect(await as(user).integrations.list()).toHaveLength(1)
    await t.admin`update memberships set role = 'admin' where user_id = ${user}`
  })

  test('finds the membership among 100,000 without a sequential scan', async () => {
    const scans = await t.admin.begin(async (tx) => {
      // Counters reach the view with a delay; a session can ask for its own at once.
      const read = async () => {
        const [row] =
          await tx`select seq_scan + pg_stat_get_xact_numscans('memberships'::regclass) as scans, idx_scan from pg_stat_user_tables where relname = 'memberships'`
        return Number(row?.scans)
      }
      const before = await read()
      await tx`select set_config('request.jwt.claims', ${JSON.stringify({ sub: user, app_metadata: { organization_id: acme } })}, true)`
      await tx`set local role authenticated`
      expect(await tx`select * from organization_integrations`).toHaveLength(1)
      await tx`reset role`
      return (await read()) - before
    })
    expect(scans).toBe(0)
    const plan = await t.admin.unsafe(
      `explain select role from memberships where user_id = '${user}' and organization_id = '${acme}'`,
    )
    expect(plan[0]?.['QUERY PLAN']).toContain('Index Scan')
  })
})
