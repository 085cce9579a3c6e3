import { afterEach, describe, expect, test } from 'vitest'
import { repair } from '../../src/admin/repair.ts'
import { restore } from '../../src/admin/restore.ts'
import { brokenRows } from '../support/broken-rows.ts'
import { runCli } from '../support/command-line.ts'
import { useDatabase } from '../support/database.ts'

const t = useDatabase()
const canary = 'sk_live_4242424242424242'
// Repair looks at all rows, so each test has the table to itself.
afterEach(() => t.admin`delete from organization_integrations`)

const row = brokenRows(t)

const stored = (organizationId: string) =>
  t.admin`select integration_type as type, status, field_mappings as mappings, excluded_features as features
    from organization_integrations where organization_id = ${organizationId} order by 1`
const eventsOf = (organizationId: string) =>
  t.admin`select action, integration_type as type, reason, quarantined from organization_integration_events
    where organization_id = ${organizationId} order by created_at`
const quarantinedOf = async (mappings: string) => {
  const id = await row(mappings)
  await repair({ url: t.adminUrl, apply: true })
  return (
    await t.admin`select quarantined ->> 'field_mappings' as text from organization_integration_events
    where organization_id = ${id} and action = 'quarantine'`
  )[0]?.text as string
}

const cli = (...words: string[]) => runCli([...words, '--url', t.adminUrl])

describe('a repair', () => {
  test('plans without changing anything: organization, system, path and rule, never a value', async () => {
    const id = await row(`{"amount": 1, "note": "${canary}"}`, '["A"]')
    const outdated = await row('{"amount": "a"}')
    const report = await repair({ url: t.adminUrl })
    const of = { organizationId: id, integrationType: 'xledger' }
    expect(report).toMatchObject({
      applied: false,
      rows: 2,
      malformed: { rows: 1 },
      outdated: { rows: 1, documents: [{ organizationId: outdated, integrationType: 'xledger' }] },
      quarantined: [],
      failures: [],
    })
    expect(report.malformed.findings.toSorted((a, b) => a.path.localeCompare(b.path))).toEqual([
      { ...of, path: 'excluded_features.0', rule: expect.stringContaining('lower-case letter') },
      { ...of, path: 'field_mappings.amount', rule: 'must be a path, or an object with one' },
      { ...of, path: 'field_mappings.note', rule: expect.stringContaining('must not look like a credential') },
    ])
    expect(JSON.stringify(report)).not.toContain(canary)
    expect([...(await stored(id))]).toEqual([
      { type: 'xledger', status: 'active', mappings: { amount: 1, note: canary }, features: ['A'] },
    ])
    expect(await eventsOf(id)).toHaveLength(0)
  })

  test('resets only the broken column, keeps the whole old document, sets status error and alerts once per organization', async () => {
    const id = await row('{"amount": 1, "account": "a"}', '["payroll_sync"]')
    await row('{"$version": 2, "amount": "a"}', '["A", 7]', id, 'consio')
    await row('[]', '"none"', id, 'bufdir')
    const sound = await row('{"$version": 2, "amount": "a"}')
    const report = await repair({ url: t.adminUrl, apply: true })
    expect(report).toMatchObject({
      applied: true,
      rows: 4,
      malformed: { rows: 3 },
      outdated: { rows: 0 },
      failures: [],
    })
    expect([...(await stored(id))]).toEqual([
      { type: 'xledger', status: 'error', mappings: {}, features: ['payroll_sync'] },
      { type: 'consio', status: 'error', mappings: { $version: 2, amount: 'a' }, features: [] },
      { type: 'bufdir', status: 'error', mappings: {}, features: [] },
    ])
    expect((await stored(sound))[0]?.status).toBe('active')
    const events = await eventsOf(id)
    const kept = events.filter(({ action }) => action === 'quarantine')
    expect(kept.map(({ type, quarantined }) => [type, quarantined])).toEqual(
      expect.arrayContaining([
        ['xledger', { field_mappings: { amount: 1, account: 'a' } }],
        ['consio', { excluded_features: ['A', 7] }],
        ['bufdir', { field_mappings: [] }],
        ['bufdir', { excluded_features: 'none' }],
      ]),
    )
    expect(kept.find(({ type }) => type === 'xledger')?.reason).toBe(
      'field_mappings.amount: must be a path, or an object with one',
    )
    expect(events.map(({ action }) => action)).toEqual([
      'quarantine',
      'quarantine',
      'quarantine',
      'quarantine',
      'alert',
    ])
    expect(report.quarantined).toHaveLength(4)
  })

  test('repeated, finds nothing, and records nothing; two at once do what one does', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => row('{"amount": 1}')))
    await Promise.all([repair({ url: t.adminUrl, apply: true }), repair({ url: t.adminUrl, apply: true })])
    const again = await repair({ url: t.adminUrl, apply: true })
    expect(again).toMatchObject({ malformed: { rows: 0 }, quarantined: [], failures: [] })
    for (const id of ids) expect((await eventsOf(id)).map(({ action }) => action)).toEqual(['quarantine', 'alert'])
  })

  test('rewrites sound documents of an earlier version in the current one, with the same meaning', async () => {
    const first = { amount: 'a', date: { path: 'd', transform: 'iso_date', default: null } }
    const ids = await Promise.all(Array.from({ length: 120 }, () => row(JSON.stringify(first))))
    const precise = await row('{"amount": {"path": "a", "default": 12345678901234567890}}')
    const empty = await row('{}')
    const report = await repair({ url: t.adminUrl, apply: true })
    expect(report).toMatchObject({ outdated: { rows: 121 }, malformed: { rows: 0 }, failures: [] })
    for (const id of ids) {
      expect([...(await stored(id))]).toEqual([
        { type: 'xledger', status: 'active', mappings: { $version: 2, ...first }, features: [] },
      ])
    }
    expect((await stored(empty))[0]?.mappings).toEqual({})
    const [left] =
      await t.admin`select field_mappings::text as text from organization_integrations where organization_id = ${precise}`
    // No number passes through JavaScript.
    expect(left?.text).toBe('{"amount": {"path": "a", "default": 12345678901234567890}, "$version": 2}')
  })

  test('goes on with the other organizations where one fails', async () => {
    const [stuck, fine] = [await row('{"amount": 1}'), await row('{"amount": 1}')]
    await t.admin`create function stuck() returns trigger language plpgsql as $$ begin
      if new.organization_id = tg_argv[0]::uuid then raise exception 'stuck'; end if; return new; end $$`
    await t.admin.unsafe(
      `create trigger stuck before update on organization_integrations for each row execute function stuck('${stuck}')`,
    )
    const report = await repair({ url: t.adminUrl, apply: true })
    await t.admin`drop function stuck cascade`
    expect(report.failures).toEqual([{ what: `organization ${stuck}`, message: expect.any(String) }])
    expect((await stored(stuck))[0]).toMatchObject({ status: 'active', mappings: { amount: 1 } })
    expect(await eventsOf(stuck)).toHaveLength(0)
    expect((await stored(fine))[0]).toMatchObject({ status: 'error', mappings: {} })
  })
})

describe('sixteen kinds of broken rows', () => {
  const many = (count: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'x'])))
  const kinds: [mappings: string, features?: string, schedule?: string][] = [
    ['["a"]'],
    ['{"amount": 1, "$version": 2}'],
    ['{"amount": "a", "$version": 9}'],
    ['{"api_key": "hunter2"}'],
    [`{"amount": "${canary}"}`],
    [`{"${canary}": "a", "__proto__": "b"}`],
    [many(201)],
    [JSON.stringify({ $version: 2, a: { path: 'x', map: { ab: 'å'.repeat(40_000) } } })],
    [`{"a": ${'['.repeat(1000)}${']'.repeat(1000)}}`],
    ['{"$version": 2, "a": {"path": "x", "default": 1e400}}'],
    ['{"$version": 2, "amount": "a"}', '"none"'],
    ['{"$version": 2, "amount": "a"}', '["a", "a", 7]'],
    ['{"$version": 2, "amount": "a"}', '[]', 'api_key 12'],
    // Sound mappings of version 1 beside what is not.
    ['{"amount": "a", "$version": 1}', `["${canary}"]`],
    ['{"amount": {"path": "a", "default": 12345678901234567890}}', '[]', `Bearer ${canary}`],
    ['{"amount": {"path": "a", "default": 0.10000000000000000000001}, "tax": {"path": "b", "default": -1.10}}'],
  ]

  test('are repaired in one pass: the second finds nothing, and no number lost a digit', async () => {
    const ids: string[] = []
    for (const [mappings, features, schedule] of kinds)
      ids.push(await row(mappings, features, undefined, 'consio', schedule))
    const planned = await repair({ url: t.adminUrl })
    expect(planned).toMatchObject({ applied: false, rows: 16, malformed: { rows: 15 }, outdated: { rows: 3 } })
    const first = await repair({ url: t.adminUrl, apply: true })
    expect({ ...first, applied: false, quarantined: [] }).toEqual(planned)
    expect(first.quarantined).toHaveLength(15)

    const second = await repair({ url: t.adminUrl, apply: true })
    expect(second).toMatchObject({ malformed: { rows: 0 }, outdated: { rows: 0 }, quarantined: [], failures: [] })
    const numbers = await t.admin`select field_mappings::text as text from organization_integrations
      where organization_id in ${t.admin(ids.slice(14))} order by length(field_mappings::text)`
    expect(numbers.map(({ text }) => text)).toEqual([
      '{"amount": {"path": "a", "default": 12345678901234567890}, "$version": 2}',
      '{"tax": {"path": "b", "default": -1.10}, "amount": {"path": "a", "default": 0.10000000000000000000001}, "$version": 2}',
    ])
    expect(await cli('repair', '--apply')).toMatchObject({
      code: 0,
      stdout: '16 integrations, 0 with malformed documents, 0 of an earlier version\nnothing left to do\n',
    })
  }, 60_000)

  test('stand in the plan by organization and system, in order, and once they are repaired nothing is left to a person', async () => {
    for (const [mappings, features, schedule] of kinds) {
      const id = await row('{"amount": "a"}', '[]', undefined, 'dynamics')
      await row(mappings, features, id, 'bufdir', schedule)
    }
    const plan = await cli('repair')
    const lines = plan.stdout.split('\n').filter((line) => /^[0-9a-f-]{36} /.test(line))
    expect(lines).toEqual(lines.toSorted())
    expect(lines.filter((line) => / dynamics field_mappings: of an earlier version/.test(line))).toHaveLength(16)
    const { findings } = (await repair({ url: t.adminUrl })).malformed
    const keys = findings.map(({ organizationId, path, rule }) => `${organizationId} ${path} ${rule}`)
    expect(keys).toEqual(keys.toSorted())
    expect(plan.code).toBe(1)
    expect((await cli('repair', '--apply')).code).toBe(0)
    expect((await cli('repair', '--apply')).code).toBe(0)
  }, 120_000)

  test('of another version alone are no finding: a repair can see to them without anybody', async () => {
    const id = await row('{"amount": "a"}')
    expect(await cli('repair')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`${id} xledger field_mappings: of an earlier version`),
    })
  }, 60_000)
})

describe('no credential is in the event', () => {
  test.each([
    ['under its name, a text', `{"api_key": "hunter2", "amount": 1}`, '{"amount": 1, "api_key": "[redacted]"}'],
    ['under its name, a number', '{"x": {"path": "a", "pin": 1234}}', '{"x": {"pin": "[redacted]", "path": "a"}}'],
    [
      'under its name, a whole object',
      '{"credentials": {"user": "u", "deep": [{"p": "hunter2"}]}, "y": 1}',
      '{"y": 1, "credentials": "[redacted]"}',
    ],
    [
      'under its name, a list',
      '{"clientSecret": ["hunter2", {}, []], "y": "b"}',
      '{"y": "b", "clientSecret": "[redacted]"}',
    ],
    ['by its look, anywhere', `{"a": [1, {"b": "${canary}"}]}`, '{"a": [1, {"b": "[redacted]"}]}'],
    ['as a key', `{"${canary}": 1, "${canary}1": "x"}`, '{"[redacted 1]": 1, "[redacted 2]": "x"}'],
    ['as the whole document', `"Bearer ${canary}"`, '[redacted]'],
    [
      'with quotes and backslashes around it',
      '{"pass\\u0077ord": "a\\"b\\\\", "x": "\\"{[,: "}',
      '{"x": "\\"{[,: ", "password": "[redacted]"}',
    ],
  ])('%s', async (_, document, kept) => {
    expect(await quarantinedOf(document)).toBe(kept)
  })

  test('however deep it lies, and every other character and digit is kept', async () => {
    const depth = 1500
    const document = `${'{"a": ['.repeat(depth)}"${canary}"${', 1e400, 0.10000000000000000000001]}'.repeat(depth)}`
    const [exact] = await t.admin`select ${document}::text::jsonb::text as text`
    expect(await quarantinedOf(document)).toBe(exact?.text.replace(canary, '[redacted]'))
  })
})

describe('restore', () => {
  async function quarantined(mappings: string, features = '[]') {
    const id = await row(mappings, features)
    const { quarantined } = await repair({ url: t.adminUrl, apply: true })
    return { id, event: quarantined.find((one) => one.organizationId === id)?.event ?? '' }
  }

  test('puts a corrected copy back, keeps the status, and records it', async () => {
    const { id, event } = await quarantined('{"amount": 1, "account": "a"}')
    const document = { $version: 2, amount: { const: 1 }, account: 'a' }
    expect(await restore({ url: t.adminUrl, event, document })).toEqual({
      organizationId: id,
      integrationType: 'xledger',
      document: 'field_mappings',
    })
    expect((await stored(id))[0]).toEqual({ type: 'xledger', status: 'error', mappings: document, features: [] })
    expect((await eventsOf(id)).at(-1)).toMatchObject({ action: 'restore', reason: `field_mappings of event ${event}` })
  })

  test('puts the kept document back, to the last digit, where the rules have come to allow it', async () => {
    const document = '{"amount": {"path": "a", "default": 12345678901234567890.10}, "$version": 2}'
    const id = await row('{}', '["payroll_sync"]')
    const [event] =
      await t.admin`insert into organization_integration_events (organization_id, integration_id, integration_type, action, outcome, actor, quarantined)
      select organization_id, id, 'xledger', 'quarantine', 'ok', 'a test', ${`{"field_mappings": ${document}}`}::text::jsonb
      from organization_integrations where organization_id = ${id} returning id`
    await restore({ url: t.adminUrl, event: event?.id })
    const [back] =
      await t.admin`select field_mappings::text as text, excluded_features as features from organization_integrations where organization_id = ${id}`
    expect(back).toEqual({ text: document, features: ['payroll_sync'] })
  })

  test.each([
    ['a document that still breaks a rule', undefined, 'field_mappings.amount: must be a path'],
    ['a copy that breaks one', { amount: 'a', api_key: 'b' }, 'field_mappings.api_key: must not name a credential'],
  ])('refuses %s, with path, rule and hint', async (_, document, message) => {
    const { id, event } = await quarantined('{"amount": 1}')
    await expect(restore({ url: t.adminUrl, event, ...(document && { document }) })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(new RegExp(`^${message}.*--document FILE$`)),
    })
    expect((await stored(id))[0]?.mappings).toEqual({})
  })

  test('refuses a document whose credentials were redacted, what was saved since, and what is gone', async () => {
    const redacted = await quarantined(`{"amount": "${canary}"}`)
    await expect(restore({ url: t.adminUrl, event: redacted.event })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('were redacted; hand in a copy without them'),
    })
    const document = { amount: 'a' }
    await t.admin`update organization_integrations set field_mappings = '{"account": "b"}' where organization_id = ${redacted.id}`
    await expect(restore({ url: t.adminUrl, event: redacted.event, document })).rejects.toMatchObject({
      code: 'conflict',
    })
    expect((await stored(redacted.id))[0]?.mappings).toEqual({ account: 'b' })
    await t.admin`delete from organization_integrations where organization_id = ${redacted.id}`
    for (const event of [redacted.event, '00000000-0000-4000-8000-000000000000'])
      await expect(restore({ url: t.adminUrl, event, document })).rejects.toMatchObject({ code: 'not_found' })
    await expect(restore({ url: t.adminUrl, event: 'x' })).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('puts features back as well', async () => {
    const { id, event } = await quarantined('{}', '["A"]')
    await restore({ url: t.adminUrl, event, document: ['a'] })
    expect((await stored(id))[0]).toMatchObject({ mappings: {}, features: ['a'] })
  })
})
