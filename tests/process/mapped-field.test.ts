import { beforeAll, describe, expect, test } from 'vitest'
import { statements } from '../../src/client/integration-statements.ts'
import type { Statement } from '../../src/connection/statement.ts'
import { useDatabase } from '../support/database.ts'
import { undone } from '../support/diagnosis.ts'

/* Which index answers who maps a field: the statements as they are sent, each as the role that sends it. */

const t = useDatabase()
const rows = 300_000
const rare = 7

beforeAll(async () => {
  await t.admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`insert into organizations (id, name) select md5(n::text)::uuid, 'many' from generate_series(1, ${rows}::int) as n`
    await tx`insert into organization_integrations (organization_id, integration_type, field_mappings)
      select md5(n::text)::uuid, 'xledger',
        case when n <= ${rare}::int then '{"course_code": "a", "amount": "b"}' else '{"amount": "b"}' end::jsonb
      from generate_series(1, ${rows}::int) as n`
  })
  await t.admin`vacuum analyze organization_integrations`
}, 600_000)

const first = '00000000-0000-0000-0000-000000000000'
const organizationId = 'c4ca4238-a0b9-2382-0dcc-509a6f75849b'

async function plan(role: string, statement: Statement): Promise<string> {
  const lines: string[] = []
  await undone(t.admin, async (tx) => {
    await tx`select set_config('request.jwt.claims', ${JSON.stringify({ app_metadata: { organization_id: organizationId, role: 'admin' } })}, true)`
    await tx.unsafe(`set local role ${role}`)
    const explained = await tx.unsafe<{ 'QUERY PLAN': string }[]>(
      `explain (analyze, costs off, timing off, summary off) ${statement.text}`,
      statement.values,
    )
    lines.push(...explained.map((line) => line['QUERY PLAN']))
  })
  return lines.join('\n')
}

describe(`at ${rows.toLocaleString('en')} rows`, () => {
  test('the GIN index answers the service who maps a field', async () => {
    const statement = statements.findByMappedFieldAnywhere({ field: 'course_code', after: first, limit: 501 })
    expect(await plan('service_role', statement)).toMatch(
      /Bitmap Index Scan on organization_integrations_field_mappings_idx \(actual rows=7/,
    )
    const { rows: found } = await t.db.asService({ actor: 'a test' }).integrations.findByMappedField('course_code')
    expect(found).toHaveLength(rare)
  })

  test('an organization is answered by the index on its id, and the policy stands before the look into documents', async () => {
    const answered = await plan('authenticated', statements.findByMappedField({ organizationId, field: 'course_code' }))
    expect(answered).toMatch(/Index Scan using organization_integrations_organization_id/)
    expect(answered).not.toContain('organization_integrations_field_mappings_idx')
  })
})
