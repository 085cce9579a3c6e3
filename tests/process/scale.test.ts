import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repair } from '../../src/admin/repair.ts'
import { doctor } from '../../src/doctor/doctor.ts'
import { useDatabase } from '../support/database.ts'
import { findingsOfMigrated, undone } from '../support/diagnosis.ts'

/* Many rows and little memory: what administrators run must not grow with the table. */

const t = useDatabase()
const organizations = 60_000
const rows = 5 * organizations

beforeAll(async () => {
  const [index] =
    await t.admin`select pg_get_indexdef('organization_integrations_field_mappings_idx'::regclass) as made`
  await t.admin.begin(async (tx) => {
    await tx`drop index organization_integrations_field_mappings_idx`
    // As they were before there were rules, and quickly.
    await tx`set local session_replication_role = replica`
    await tx`insert into public.organizations (id, name) select gen_random_uuid(), 'o' from generate_series(1, ${organizations})`
    await tx`insert into public.organization_integrations (organization_id, integration_type, status, sync_schedule, field_mappings)
      select o.id, t.type, 'active', case when t.type = 'bufdir' then '0 0 30 2 *' else '0 2 * * *' end, '{"$version": 2, "amount": "sum"}'
      from public.organizations as o, unnest(enum_range(null::public.integration_type_enum)) as t (type)`
    await tx`insert into public.organization_integration_credentials (integration_id, version, store, secret_id, field_names)
      select id, 1, 'pgcrypto', gen_random_uuid(), '{api_key}' from public.organization_integrations where integration_type <> 'xledger'`
    await tx.unsafe(index?.made)
  })
  await t.admin.unsafe('analyze public.organization_integrations; analyze public.organization_integration_credentials')
  // As little as PostgreSQL allows.
  await t.admin.unsafe(`alter database ${t.name} set work_mem = '64kB'`)
}, 180_000)
afterAll(() => t.admin.unsafe(`alter database ${t.name} reset work_mem`))

describe(`${rows} integrations, where a statement may use 64 kB`, () => {
  test('doctor looks at all of them in time, names a few and counts no further than ten thousand', async () => {
    const began = performance.now()
    const { findings } = await doctor({ url: t.adminUrl })
    expect((performance.now() - began) / 1000).toBeLessThan(30)
    const found = (what: string) => findings.find((one) => one.what === what)
    expect(found('active without a credential')).toMatchObject({
      found: 'more than 10000 without one',
      where: expect.stringMatching(/^(organization \S+ xledger, ){4}organization \S+ xledger and more than \d+ more$/),
    })
    expect(found('references without a secret')?.found).toBe('more than 10000 whose secret is gone')
    expect(found('schedule that never fires')?.where).toMatch(
      /^(organization \S+ bufdir(, )?){5} and more than \d+ more$/,
    )
    expect(found('look that took too long')).toBeUndefined()
  })

  test('a look that the server cancels is said to be missing, and the others are made', async () => {
    const sql = postgres(t.adminUrl, { max: 1, onnotice: () => {} })
    try {
      await sql`set statement_timeout = '60ms'`
      const text = (all: { what: string }[]) => all.map(({ what }) => what)
      const found = text(await findingsOfMigrated(sql).catch(() => [{ what: 'catalog' }]))
      // A slow machine may not even read the catalog in that time.
      expect(found.includes('look that took too long') || found.includes('catalog')).toBe(true)
    } finally {
      await sql.end()
    }
  })

  test("repair's plan reads each row once, and has only those sent that there is something to do about", async () => {
    await t.admin`alter table public.organization_integrations disable trigger user`
    await t.admin`update public.organization_integrations set field_mappings = '{"password": "x"}' where id in (select id from public.organization_integrations limit 3)`
    await t.admin`alter table public.organization_integrations enable trigger user`
    const began = performance.now()
    const report = await repair({ url: t.adminUrl })
    expect([report.rows, report.malformed.rows, report.malformed.findings.length]).toEqual([rows, 3, 3])
    expect((performance.now() - began) / 1000).toBeLessThan(60)
  })
})

describe('where Citus is', () => {
  /** Its catalog, which is all of it that doctor reads. */
  const citus = (rows: string) => `
    set local allow_system_table_mods = on;
    create table pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char", partkey text, colocationid integer, repmodel "char");
    insert into pg_catalog.pg_dist_partition values ${rows}`

  test('distributed organizations are advice: the cascade never fires; our tables stay local', async () => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(citus(`('public.organizations', 'h', 'id', 1, 's')`))
      const found = (await findingsOfMigrated(tx)).filter(({ what }) => /Citus|distributed/.test(what))
      expect(found).toMatchObject([
        { severity: 'advice', where: 'public.organizations', found: 'distributed by Citus: the cascade never fires' },
      ])
    })
    await undone(t.admin, async (tx) => {
      await tx.unsafe(
        citus(`('public.organizations', 'n', null, 1, 't'), ('public.organization_integrations', 'n', null, 1, 't'),
          ('public.organization_integration_events', 'n', null, 0, 's')`),
      )
      const found = (await findingsOfMigrated(tx)).filter(({ what }) => /Citus|distributed/.test(what))
      expect(found).toMatchObject([
        { severity: 'drift', where: 'public.organization_integrations', found: 'a reference table' },
      ])
    })
  })
})
