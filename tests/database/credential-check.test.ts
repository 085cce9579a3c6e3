import { afterEach, describe, expect, test } from 'vitest'
import { repair } from '../../src/admin/repair.ts'
import { restore } from '../../src/admin/restore.ts'
import { credentialProblem, scheduleCredentialProblem } from '../../src/config/violations.ts'
import { IntegrationsDbError } from '../../src/index.ts'
import { looksLikeCredential, scheduleRule } from '../../src/schema/functions/credential-rules.ts'
import { useDatabase } from '../support/database.ts'
import { undone } from '../support/diagnosis.ts'

const t = useDatabase()
afterEach(() => t.admin`delete from organization_integrations`)

const canary = 'canary4242424242'
/** By their look, or with their name before them. */
const credentials = [
  `Bearer eyJ${canary}`,
  `eyJ${canary}.${canary}.${canary}`,
  `-----BEGIN PRIVATE KEY-----\n${canary}`,
  `sk_live_${canary}`,
  `see ghp_${canary}`,
  `password=${canary}`,
  `apiKey: ${canary}`,
  `{"client_secret": "${canary}"}`,
]
const harmless = [
  'sync run 42',
  'nightly-sync',
  'the api key was in a mail',
  'token: expired',
  'secretary=Kari',
  'rotate the password every quarter',
  'field_mappings.api_key: must not name a credential; store it with credentials.store',
]

type Refusal = { code: string; message: string; constraint_name: string; detail?: string; hint?: string }

async function refusal(work: Promise<unknown>): Promise<Refusal> {
  const error = await work.then(
    () => undefined,
    (reason: Refusal) => reason,
  )
  const words = JSON.stringify({ ...error, message: error?.message, query: null, parameters: null, args: null })
  expect(words).not.toContain(canary)
  return error as Refusal
}

describe('the database refuses a credential', () => {
  test('in every text and document of every table of ours, with path and rule alone', async () => {
    // The marks of the generator (integrations_once) are written by migrations alone, and hold a version and a number.
    const columns = await t.admin<{ table: string; name: string; type: string }[]>`
      select c.oid::regclass::text as table, quote_ident(a.attname) as name, format_type(a.atttypid, a.atttypmod) as type
      from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relkind = 'r' and (c.relnamespace = 'integrations'::regnamespace
          or c.relnamespace = 'public'::regnamespace and c.relname like 'organization\\_integration%')
        and a.atttypid in ('text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text[]'::regtype, 'name'::regtype)`
    expect(columns.length).toBeGreaterThan(12)
    for (const { table, name, type } of columns) {
      for (const credential of credentials) {
        // A list of names, and what a document holds, is refused for its look alone.
        if (type !== 'text' && /password|apiKey|client_secret/.test(credential)) continue
        const document = name === 'excluded_features' ? [credential] : { a: { path: credential } }
        const value = type === 'jsonb' ? JSON.stringify(document) : credential
        const cast = type === 'text[]' ? 'array[$1::text]' : `$1::text::${type}`
        const refused = await refusal(t.admin.unsafe(`insert into ${table} (${name}) values (${cast})`, [value]))
        expect(refused, `${table}.${name} ${credential}`).toMatchObject({
          code: '23514',
          message: expect.stringMatching(
            new RegExp(
              `^${name}[^ ]*: must not (look like|hold) a credential`.replace(
                '^excluded_features',
                '^excluded_features.*',
              ),
            ),
          ),
        })
      }
    }
  })

  test('on update too, where a table can be updated', async () => {
    const id = await withSchedule('0 2 * * *')
    await t.admin`insert into organization_integration_credentials (integration_id, version, store, field_names)
      select id, 1, 'pgcrypto', '{api_key}' from organization_integrations where organization_id = ${id}`
    await t.admin`insert into integrations.encrypted_secrets (key_id, ciphertext) values ('k', 'c')`
    await t.admin`insert into integrations.revoked_grants (statement) values ('grant select on a to b')`
    for (const [table, change, column] of [
      ['organization_integration_credentials', 'store = $1', 'store'],
      ['organization_integration_credentials', 'field_names = field_names || $1::text', 'field_names'],
      ['integrations.encrypted_secrets', 'key_id = $1', 'key_id'],
      ['integrations.revoked_grants', 'statement = $1', 'statement'],
    ]) {
      const refused = await refusal(t.admin.unsafe(`update ${table} set ${change}`, [`sk_live_${canary}`]))
      expect(refused.message, column).toMatch(new RegExp(`^${column}: must not (look like|hold) a credential`))
    }
    await t.admin`delete from integrations.revoked_grants`
    await t.admin`delete from integrations.encrypted_secrets`
  })

  test.each(['authenticated', 'service_role', 'an administrator'])('whoever writes: %s', async (role) => {
    const organization = await t.organization()
    const claims = JSON.stringify({ app_metadata: { organization_id: organization, role: 'admin' } })
    await t.admin`insert into organization_integrations (organization_id, integration_type) values (${organization}, 'xledger')`
    const statements = [
      `update organization_integrations set sync_schedule = $1`,
      `insert into organization_integrations (organization_id, integration_type, sync_schedule) values ('${organization}', 'consio', $1)`,
      `insert into organization_integrations (organization_id, integration_type, sync_schedule) values ('${organization}', 'xledger', $1)
         on conflict (organization_id, integration_type) do update set sync_schedule = excluded.sync_schedule`,
      `merge into organization_integrations as i using (select $1::text as s) as n on i.organization_id = '${organization}'
         when matched then update set sync_schedule = n.s`,
      // NOT NULL and CHECK would print the row.
      `update organization_integrations set sync_schedule = $1, updated_at = null`,
      `insert into organization_integrations (organization_id, integration_type, sync_schedule) values (null, 'consio', $1)`,
    ]
    for (const statement of statements) {
      await undone(t.admin, async (tx) => {
        await tx`select set_config('request.jwt.claims', ${claims}, true)`
        if (role !== 'an administrator') await tx.unsafe(`set local role ${role}`)
        const refused = await refusal(tx.savepoint((inner) => inner.unsafe(statement, [`Bearer eyJ${canary}`])))
        expect(refused, statement).toMatchObject({
          code: '23514',
          constraint_name: 'configuration_check',
          message: 'sync_schedule: must not look like a credential; store it with credentials.store',
        })
        expect(refused.detail).toBeUndefined()
      })
    }
    expect(
      await t.admin`select sync_schedule from organization_integrations where organization_id = ${organization}`,
    ).toEqual([{ sync_schedule: null }])
  })

  test.each(['api_key', 'my Password', 'p a s s o r d', 'token 12', 'clientSecret'])(
    'in a schedule by its name alone: %s',
    async (schedule) => {
      const organization = await t.organization()
      const refused = await refusal(
        t.admin`insert into organization_integrations (organization_id, integration_type, sync_schedule) values (${organization}, 'xledger', ${schedule})`,
      )
      expect(refused.message).toBe('sync_schedule: must not name a credential; store it with credentials.store')
    },
  )

  test('in a document of an event: what repair would have hidden; hidden it is kept', async () => {
    const insert = (document: string) =>
      t.admin`insert into organization_integration_events (action, outcome, actor, quarantined)
        values ('quarantine', 'ok', 'a test', ${document}::text::jsonb)`
    for (const document of [
      `{"field_mappings": {"api_key": "${canary}"}}`,
      `{"a": [[{"pin": 1234}]]}`,
      `{"sk_live_${canary}": 1}`,
    ]) {
      expect((await refusal(insert(document))).message).toBe(
        'quarantined: must not hold a credential; store it with credentials.store',
      )
    }
    await insert('{"field_mappings": {"api_key": "[redacted]", "pinned": [1, {"path": "a token"}]}}')
  })

  test('in the name of a field of a bundle, and keeps none of it', async () => {
    const organizationId = await t.organization()
    await t.db.forOrganization({ organizationId, role: 'admin' }).integrations.create({ integrationType: 'xledger' })
    await undone(t.admin, async (tx) => {
      await tx`select set_config('request.jwt.claims', ${JSON.stringify({ app_metadata: { organization_id: organizationId, role: 'admin' } })}, true)`
      await tx`set local role authenticated`
      const [answer] =
        await tx`select code, message from integrations.store_credential('xledger', ${`{"sk_live_${canary}": "a"}`}, null)`
      expect(answer).toEqual({
        code: 'invalid_input',
        message: "bundle: a field's name must not look like a credential; store it with credentials.store",
      })
    })
  })

  test('and nothing else: schedules of any format, reasons that speak of credentials, names of fields', async () => {
    const organizationId = await t.organization()
    for (const [i, schedule] of ['0 2 * * MON-FRI', '@daily', 'whenever', 'hunter2 * * * *'].entries()) {
      await t.admin`insert into organization_integrations (organization_id, integration_type, sync_schedule)
        values (${organizationId}, ${(['xledger', 'dynamics', 'consio', 'bufdir'] as const)[i] ?? ''}, ${schedule})`
    }
    for (const reason of harmless) {
      await t.admin`insert into organization_integration_events (action, outcome, actor, reason) values ('revoke', 'ok', ${reason}, ${reason})`
    }
    await t
      .connect({ encryptionKey: 'a'.repeat(63).concat('b') })
      .forOrganization({ organizationId, role: 'admin' })
      .credentials.store('xledger', { api_key: canary, base_url: 'https://x.example', company_id: '1' })
  })

  test('but a row from before can still be changed where it is sound', async () => {
    const organizationId = await withSchedule(`Bearer eyJ${canary}`)
    await t.admin`update organization_integrations set status = 'error' where organization_id = ${organizationId}`
    await t.admin`update organization_integrations set sync_schedule = '0 2 * * *' where organization_id = ${organizationId}`
  })
})

describe('the application refuses a credential before anything is sent', () => {
  const refusedBy = async (call: () => unknown) => {
    const error = await Promise.resolve()
      .then(call)
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(IntegrationsDbError)
    expect(String(error)).not.toContain(canary)
    return `${(error as IntegrationsDbError).code} ${(error as Error).message}`
  }

  test('in a schedule, a reason, an actor and a user id', async () => {
    const organizationId = await t.organization()
    const credential = `Bearer eyJ${canary}`
    const unreachable = t.connect({
      url: 'postgresql://nobody:x@127.0.0.1:1/none',
      serviceUrl: 'postgresql://nobody:x@127.0.0.1:1/none',
    })
    const acme = unreachable.forOrganization({ organizationId, role: 'admin' })
    const refusals = [
      ['syncSchedule', () => acme.integrations.create({ integrationType: 'xledger', syncSchedule: credential })],
      ['patch.syncSchedule', () => acme.integrations.update('xledger', { syncSchedule: credential })],
      ['reason', () => acme.credentials.revoke('xledger', { reason: credential })],
      ['userId', () => unreachable.forOrganization({ organizationId, role: 'admin', userId: credential })],
      ['actor', () => unreachable.asService({ actor: credential })],
      [
        'reason',
        async () =>
          (await unreachable.asService({ actor: 'a' })).credentials.retrieve({
            organizationId,
            integrationType: 'xledger',
            reason: credential,
          }),
      ],
    ] as const
    for (const [field, call] of refusals) {
      expect(await refusedBy(call)).toBe(
        `invalid_input ${field}: must not look like a credential; store it with credentials.store`,
      )
    }
  })

  test('and what only the database sees is invalid_input with its path and rule', async () => {
    const organizationId = await t.organization()
    const acme = t.db.forOrganization({ organizationId, role: 'admin' })
    await acme.integrations.create({ integrationType: 'xledger' })
    const words = await refusedBy(() =>
      acme.query((q) => q.execute(`update organization_integrations set sync_schedule = 'sk_live_${canary}'`)),
    )
    expect(words).toBe('invalid_input sync_schedule: must not look like a credential; store it with credentials.store')
  })

  test('and says of each text what the database says', async () => {
    const texts = [
      ...credentials,
      ...harmless,
      ...[
        'api_key',
        'PassWord',
        'PİN',
        'pin',
        'pin: 1',
        'pins=1',
        'TOKEN\t=\tx',
        'ｔoken=1',
        'jwt:a',
        'a=Basic abcdefgh',
        '',
      ],
      ...['otp : 1234', 'shop: 1', "'pwd':'x'", 'master-key=a', 'masterkey', 'cred2=1', 'bearer:x', 'hemmelig: a1'],
    ]
    for (const text of texts) {
      const [said] = await t.admin.unsafe(
        `select ${looksLikeCredential('s.text')} as looks, ${scheduleRule('s.text')} as rule from (select $1::text as text) as s`,
        [text],
      )
      expect([text, said?.looks, said?.rule]).toEqual([
        text,
        credentialProblem(text) !== null,
        scheduleCredentialProblem(text),
      ])
    }
    expect(credentials.map(credentialProblem)).not.toContain(null)
    expect(harmless.map(credentialProblem)).toEqual(harmless.map(() => null))
  })
})

/** As a row from before the rule. */
async function withSchedule(schedule: string, mappings = '{}'): Promise<string> {
  const id = await t.organization()
  await t.admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`insert into organization_integrations (organization_id, integration_type, status, sync_schedule, field_mappings)
      values (${id}, 'xledger', 'active', ${schedule}, ${mappings}::text::jsonb)`
  })
  return id
}

describe('repair of a schedule that names or looks like a credential', () => {
  const url = () => ({ url: t.adminUrl })
  const stored = async (id: string) => [
    ...(await t.admin`select status, sync_schedule as schedule, field_mappings as mappings from organization_integrations where organization_id = ${id}`),
  ]
  const eventsOf = async (id: string) =>
    t.admin`select action, reason, quarantined from organization_integration_events where organization_id = ${id} order by created_at`

  test.each([
    [`Bearer eyJ${canary}`, 'must not look like a credential'],
    [`password ${canary}`, 'must not name a credential'],
  ])('%s: planned, then quarantined without it, reset and alerted, once', async (schedule, rule) => {
    const id = await withSchedule(schedule)
    const sound = await withSchedule('0 2 * * MON')
    const plan = await repair(url())
    expect(plan).toMatchObject({ rows: 2, malformed: { rows: 1, findings: [{ path: 'sync_schedule' }] } })
    expect(plan.malformed.findings[0]?.rule).toContain(rule)
    expect(await stored(id)).toMatchObject([{ status: 'active', schedule }])

    const done = await repair({ ...url(), apply: true })
    expect(done).toMatchObject({ quarantined: [{ organizationId: id, document: 'sync_schedule' }], failures: [] })
    expect(await stored(id)).toEqual([{ status: 'error', schedule: null, mappings: {} }])
    expect(await stored(sound)).toMatchObject([{ status: 'active', schedule: '0 2 * * MON' }])
    const events = await eventsOf(id)
    expect(events).toMatchObject([
      { action: 'quarantine', reason: expect.stringContaining(rule), quarantined: { sync_schedule: '[redacted]' } },
      { action: 'alert' },
    ])
    expect(JSON.stringify([plan, done, events])).not.toContain(canary)
    expect(await repair({ ...url(), apply: true })).toMatchObject({ malformed: { rows: 0 }, quarantined: [] })
    expect(await eventsOf(id)).toHaveLength(2)
  })

  test('beside a broken document: two quarantines, one alert, and each column put back by a document of its own', async () => {
    const id = await withSchedule(`sk_live_${canary}`, '{"amount": 1}')
    const { quarantined } = await repair({ ...url(), apply: true })
    expect(quarantined.map(({ document }) => document).sort()).toEqual(['field_mappings', 'sync_schedule'])
    expect((await eventsOf(id)).map(({ action }) => action).sort()).toEqual(['alert', 'quarantine', 'quarantine'])
    const event = quarantined.find(({ document }) => document === 'sync_schedule')?.event ?? ''
    await expect(restore({ ...url(), event })).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(restore({ ...url(), event, document: `sk_live_${canary}` })).rejects.toMatchObject({
      message: expect.stringMatching(/^sync_schedule: must not look like a credential/),
    })
    await expect(restore({ ...url(), event, document: ['a'] })).rejects.toMatchObject({ code: 'invalid_input' })
    await restore({ ...url(), event, document: '0 2 * * *' })
    expect(await stored(id)).toEqual([{ status: 'error', schedule: '0 2 * * *', mappings: {} }])
    await expect(restore({ ...url(), event, document: '0 3 * * *' })).rejects.toMatchObject({ code: 'conflict' })
  })

  test('converges whatever the documents hold: what it writes down is never refused itself', async () => {
    const words = [
      ...credentials,
      ...harmless,
      'api_key',
      'token',
      'pin1',
      'eyJabcdefg',
      'AKIAABCDEFGHIJKLMNOP',
      '[redacted]',
      'a: "b',
      '\\',
      '',
    ]
    const values = [1, null, [], ...words].map((value) => JSON.stringify(value))
    const documents = words.flatMap((key, i) => {
      const [a, b, c] = [0, 1, 2].map((n) => values[(i * 3 + n) % values.length])
      const [k, l] = [JSON.stringify(key), JSON.stringify(words[(i * 5 + 1) % words.length])]
      return [
        `{${k}: ${a}, ${l}: {${k}: ${b}, "map": {${l}: ${c}, ${k}: [${a}, {${l}: ${b}}]}}}`,
        `[${a}, ${b}, {${k}: {${l}: ${c}}}]`,
      ]
    })
    for (const [i, document] of documents.entries()) await withSchedule(words[i % words.length] ?? '', document)
    const first = await repair({ ...url(), apply: true })
    expect(first.failures).toEqual([])
    expect(first.quarantined.length).toBeGreaterThan(documents.length)
    expect(await repair({ ...url(), apply: true })).toMatchObject({
      malformed: { rows: 0 },
      quarantined: [],
      failures: [],
    })
    const kept = await t.admin`select e::text as text from organization_integration_events as e`
    // A value that neither its name nor its look gives away is kept: "password=…" in the middle of a path.
    expect(kept.filter(({ text }) => /sk_live_canary|eyJcanary|ghp_canary|BEGIN/.test(text))).toEqual([])
  })
})
