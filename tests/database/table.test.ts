import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { statements } from '../../src/client/integration-statements.ts'
import { useDatabase } from '../support/database.ts'
import { sqlFiles } from '../support/files.ts'

const t = useDatabase()

describe('organization_integrations', () => {
  test('has exactly the columns, types, defaults and nullability of the specification', async () => {
    const columns = await t.admin`
      select column_name, udt_name, is_nullable, column_default from information_schema.columns
      where table_name = 'organization_integrations' order by ordinal_position`
    expect(columns.map((column) => Object.values(column))).toEqual([
      ['id', 'uuid', 'NO', 'gen_random_uuid()'],
      ['organization_id', 'uuid', 'NO', null],
      ['integration_type', 'integration_type_enum', 'NO', null],
      ['status', 'integration_status_enum', 'NO', "'inactive'::integration_status_enum"],
      ['field_mappings', 'jsonb', 'NO', "'{}'::jsonb"],
      ['sync_schedule', 'text', 'YES', null],
      ['excluded_features', 'jsonb', 'NO', "'[]'::jsonb"],
      ['created_at', 'timestamptz', 'NO', 'now()'],
      ['updated_at', 'timestamptz', 'NO', 'now()'],
    ])
  })

  test('refuses a second row for the same organization and system', async () => {
    const organizationId = await t.organization()
    const insert = () =>
      t.admin`insert into organization_integrations (organization_id, integration_type) values (${organizationId}, 'xledger')`
    await insert()
    await expect(insert()).rejects.toMatchObject({ code: '23505' })
    expect(await t.admin`select from organization_integrations where organization_id = ${organizationId}`).toHaveLength(
      1,
    )
  })

  test('loses its rows with their organization, and only those', async () => {
    const [gone, stays] = [await t.organization(), await t.organization()]
    for (const id of [gone, stays]) {
      await t.admin`insert into organization_integrations (organization_id, integration_type) values (${id}, 'bufdir'), (${id}, 'consio')`
    }
    await t.admin`delete from organizations where id = ${gone}`
    const left =
      await t.admin`select organization_id from organization_integrations where organization_id in (${gone}, ${stays})`
    expect(left.map((row) => row.organization_id)).toEqual([stays, stays])
  })

  test('refuses a row of an organization that does not exist', async () => {
    await expect(
      t.admin`insert into organization_integrations (organization_id, integration_type) values (${randomUUID()}, 'xledger')`,
    ).rejects.toMatchObject({ code: '23503' })
  })

  test('refuses a status or a system outside its enum', async () => {
    const id = await t.organization()
    await expect(
      t.admin`insert into organization_integrations (organization_id, integration_type, status) values (${id}, 'xledger', 'paused')`,
    ).rejects.toMatchObject({ code: '22P02' })
    await expect(
      t.admin`insert into organization_integrations (organization_id, integration_type) values (${id}, 'sap')`,
    ).rejects.toMatchObject({ code: '22P02' })
  })

  test('moves updated_at on every UPDATE, even when the statement sets it', async () => {
    const id = await t.organization()
    await t.admin`insert into organization_integrations (organization_id, integration_type) values (${id}, 'xledger')`
    const update = (set: string) =>
      t.admin.unsafe(
        `update organization_integrations set ${set} where organization_id = '${id}' returning updated_at::text as at, created_at::text as made`,
      )
    const [first] = await update(`status = 'error'`)
    const [second] = await update(`updated_at = '2000-01-01'`)
    const [third] = await update('updated_at = default, status = status')
    const [at1, at2, at3] = [first?.at, second?.at, third?.at]
    expect(at1 > first?.made).toBe(true)
    expect(at2 > at1).toBe(true)
    expect(at3 > at2).toBe(true)
    expect(third?.made).toBe(first?.made)
  })

  test('answers organization_id = $1 and field_mappings ? key from an index', async () => {
    await t.admin`insert into organizations (id, name) select gen_random_uuid(), 'many' from generate_series(1, 5000)`
    await t.admin`insert into organization_integrations (organization_id, integration_type, field_mappings)
      select id, 'xledger', jsonb_build_object('key_' || row_number() over (), 'x') from organizations where name = 'many'`
    // VACUUM, because rows that wait in the GIN index's pending list make the planner prefer a scan.
    await t.admin`vacuum analyze organization_integrations`
    const plan = async (where: string) =>
      (await t.admin.unsafe(`explain select * from organization_integrations where ${where}`))
        .map((row) => row['QUERY PLAN'])
        .join('\n')
    expect(await plan(`organization_id = '${randomUUID()}'`)).toMatch(
      /Index Scan using organization_integrations_organization_id/,
    )
    expect(await plan(`field_mappings ? 'key_17'`)).toContain('organization_integrations_field_mappings_idx')
  })

  test('gives a page of what is scheduled from a partial index, which is as small as what is scheduled', async () => {
    await t.admin`insert into organizations select gen_random_uuid(), 'many' from generate_series(1, 20000)`
    await t.admin.begin(async (sql) => {
      await sql`alter table organization_integrations disable trigger user`
      await sql`insert into organization_integrations (organization_id, integration_type, status, sync_schedule)
        select id, 'dynamics', case when row_number() over () % 200 = 0 then 'active' else 'inactive' end::integration_status_enum, '0 2 * * *'
        from organizations where name = 'many'`
      await sql`alter table organization_integrations enable trigger user`
    })
    await t.admin`analyze organization_integrations`
    const { text, values } = statements.listScheduled({ limit: 20, after: '00000000-0000-0000-0000-000000000000' })
    const [row] = await t.admin.unsafe(`explain (analyze, buffers, format json) ${text}`, values as never)
    const plan = JSON.stringify(row)
    expect(plan).toContain('organization_integrations_scheduled_idx')
    expect(plan).not.toMatch(/Seq Scan|"Sort"|Rows Removed by Filter/)
    // As the service role, on a statement that has been prepared and run so often that its plan no longer knows the values.
    await t.admin.begin(async (sql) => {
      await sql.unsafe(`set local role service_role; prepare page as ${text}`)
      const [middle] = await sql`select id from organization_integrations
        where status = 'active' and sync_schedule is not null order by id offset 50 limit 1`
      for (const after of [values[0], middle?.id]) {
        const execute = `execute page ('${after}', 20)`
        for (let i = 0; i < 7; i++) expect(await sql.unsafe(execute)).toHaveLength(20)
        const lines = (await sql.unsafe(`explain ${execute}`)).map((one) => one['QUERY PLAN']).join('\n')
        expect(lines).toMatch(/Index Scan using organization_integrations_scheduled_idx/)
        expect(lines).not.toMatch(/Seq Scan|Sort/)
      }
      const [{ generic } = { generic: 0 }] =
        await sql`select generic_plans::int as generic from pg_prepared_statements where name = 'page'`
      expect(generic).toBeGreaterThan(0)
      await sql`deallocate page`
    })
    const [size] = await t.admin`select pg_relation_size('organization_integrations_scheduled_idx')::int as bytes`
    expect(size?.bytes).toBeLessThan(65_536)
  })

  test('has an index of its own for organization_id, and a GIN index of the operator class that serves ?', async () => {
    const indexes =
      await t.admin`select indexname, indexdef from pg_indexes where tablename = 'organization_integrations'`
    const definitions = Object.fromEntries(indexes.map((row) => [row.indexname, row.indexdef]))
    expect(definitions.organization_integrations_organization_id_idx).toMatch(/USING btree \(organization_id\)$/)
    expect(definitions.organization_integrations_field_mappings_idx).toMatch(/USING gin \(field_mappings\)$/)
  })

  test('has row-level security on before any policy exists, and forced on its owner', async () => {
    const create =
      sqlFiles('migrations').find(({ name }) => name.endsWith('create_organization_integrations.sql'))?.text ?? ''
    const enabled = create.indexOf('ENABLE ROW LEVEL SECURITY')
    expect(enabled).toBeGreaterThan(0)
    expect(create.indexOf('CREATE POLICY')).toBeGreaterThan(enabled)
    const [flags] =
      await t.admin`select relrowsecurity, relforcerowsecurity from pg_class where relname = 'organization_integrations'`
    expect(flags).toEqual({ relrowsecurity: true, relforcerowsecurity: true })
  })

  test('has no column that could hold a credential by name', async () => {
    const columns =
      await t.admin`select attname from pg_attribute where attrelid = 'organization_integrations'::regclass and attnum > 0`
    const suspicious = /passw|passord|pwd|secret|hemmelig|token|key|credential|auth|jwt|pin\b|cert|bearer/i
    expect(columns.map((column) => column.attname).filter((name) => suspicious.test(name))).toEqual([])
  })

  test('grants exactly what each role needs: anon nothing, nobody TRUNCATE, REFERENCES or TRIGGER', async () => {
    const grants = await t.admin`
      select coalesce(grantee::regrole::text, 'public') as role, string_agg(lower(privilege_type), ' ' order by privilege_type) as verbs
      from pg_class, aclexplode(relacl) where relname = 'organization_integrations' and grantee <> relowner group by 1 order by 1`
    expect(grants.map((row) => [row.role, row.verbs])).toEqual([
      ['authenticated', 'delete insert select update'],
      ['service_role', 'delete insert select update'],
    ])
  })

  test('tells on both enum types that the labels are a contract with the Dart registry', async () => {
    const comments = await t.admin`
      select obj_description(oid, 'pg_type') as comment from pg_type where typname in ('integration_type_enum', 'integration_status_enum')`
    expect(comments.map((row) => row.comment)).toEqual([
      expect.stringContaining('Dart registry'),
      expect.stringContaining('Dart registry'),
    ])
  })
})
