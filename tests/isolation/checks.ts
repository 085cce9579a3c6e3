import assert from 'node:assert/strict'
import { type Attacked, attempt, type Check, type Outcome, type Persona, personas } from './attacked.ts'
import { shadowChecks } from './shadows.ts'

const denied = '42501'
const all = Object.keys(personas) as Persona[]

/** What each persona gets, those not named getting `otherwise`. Only who is in `changes` may change a row. */
type Expected = Partial<Record<Persona, number | string>> & { otherwise: number | string; changes?: Persona[] }

const reading = { admin: 2, coordinator: 2, promoter: 2, service: 2, anon: denied, otherwise: 0 }
const writing = { admin: 2, service: 2, anon: denied, otherwise: 0, changes: ['admin', 'service'] } satisfies Expected
const adding = { admin: 1, service: 1, otherwise: denied, changes: ['admin', 'service'] } satisfies Expected
const refusedToAll = { otherwise: denied } satisfies Expected
/** Claims that name an organization and do not make one its admin, and claims that name none. */
const unfit = 'permission_denied'
const elsewhere = { stranger: 'not_found', thief: 'not_found' }

const attempts: [title: string, statement: (db: Attacked) => string, expected: Expected][] = [
  [
    "read the organization's rows",
    ({ acme }) => `select * from organization_integrations where organization_id = '${acme}'`,
    reading,
  ],
  [
    'read every row there is',
    () => 'select * from organization_integrations',
    { ...reading, stranger: 1, thief: 1, service: 3 },
  ],
  [
    'count every row there is',
    () => 'select id from organization_integrations group by id',
    { ...reading, stranger: 1, thief: 1, service: 3 },
  ],
  [
    'lock the rows',
    ({ acme }) => `select * from organization_integrations where organization_id = '${acme}' for update`,
    { ...writing, changes: [] },
  ],
  [
    'add a row',
    ({ acme }) =>
      `insert into organization_integrations (organization_id, integration_type) values ('${acme}', 'bufdir')`,
    adding,
  ],
  [
    'add a row and see it',
    ({ acme }) =>
      `insert into organization_integrations (organization_id, integration_type) values ('${acme}', 'bufdir') returning *`,
    adding,
  ],
  [
    'add a row of another organization',
    ({ empty }) =>
      `insert into organization_integrations (organization_id, integration_type) values ('${empty}', 'bufdir')`,
    { service: 1, otherwise: denied, changes: ['service'] },
  ],
  [
    'change the rows',
    ({ acme }) => `update organization_integrations set status = 'error' where organization_id = '${acme}'`,
    writing,
  ],
  [
    'change every row there is',
    () => `update organization_integrations set status = 'error'`,
    { ...writing, stranger: 1, thief: 1, service: 3, changes: ['admin', 'service', 'stranger', 'thief'] },
  ],
  [
    'move the rows to another organization',
    ({ acme, empty }) =>
      `update organization_integrations set organization_id = '${empty}' where organization_id = '${acme}'`,
    { ...writing, admin: denied, changes: ['service'] },
  ],
  [
    "take another organization's rows over",
    ({ acme, other }) =>
      `update organization_integrations set organization_id = '${other}' where organization_id = '${acme}' and integration_type = 'dynamics'`,
    { admin: denied, service: 1, anon: denied, otherwise: 0, changes: ['service'] },
  ],
  [
    'move every row there is to another organization, reading none',
    ({ empty }) => `update organization_integrations set organization_id = '${empty}'`,
    { admin: denied, stranger: denied, thief: denied, anon: denied, service: '23505', otherwise: 0 },
  ],
  [
    'save over a row that is there',
    ({ acme }) =>
      `insert into organization_integrations (organization_id, integration_type) values ('${acme}', 'xledger') on conflict (organization_id, integration_type) do update set status = 'error'`,
    adding,
  ],
  [
    'find out by ON CONFLICT DO NOTHING whether a row is there',
    ({ acme }) =>
      `insert into organization_integrations (organization_id, integration_type) values ('${acme}', 'xledger') on conflict do nothing`,
    { admin: 0, service: 0, otherwise: denied },
  ],
  ['delete the rows', ({ acme }) => `delete from organization_integrations where organization_id = '${acme}'`, writing],
  [
    'delete every row there is',
    () => 'delete from organization_integrations',
    { ...writing, stranger: 1, thief: 1, service: 3, changes: ['admin', 'service', 'stranger', 'thief'] },
  ],
  [
    'find out by a foreign key whether an organization exists',
    () =>
      `insert into organization_integrations (organization_id, integration_type) values ('00000000-0000-4000-8000-000000000000', 'xledger')`,
    { service: '23503', otherwise: denied },
  ],
  ['truncate the table', () => 'truncate organization_integrations', refusedToAll],
  ['truncate it through its parent', () => 'truncate organizations cascade', refusedToAll],
  ['read the references', () => 'select * from organization_integration_credentials', refusedToAll],
  [
    'write a reference',
    () =>
      `insert into organization_integration_credentials (integration_id, version, store, field_names) select id, 9, 'vault', '{}' from organization_integrations`,
    refusedToAll,
  ],
  ['change the references', () => 'update organization_integration_credentials set secret_id = null', refusedToAll],
  ['delete the references', () => 'delete from organization_integration_credentials', refusedToAll],
  ['read encrypted secrets', () => 'select * from integrations.encrypted_secrets', refusedToAll],
  ['read retrieval requests', () => 'select * from integrations.retrieval_requests', refusedToAll],
  [
    'forge a retrieval request',
    () =>
      `insert into integrations.retrieval_requests (event_id, integration_id, version, transaction_id, created_at) values (gen_random_uuid(), gen_random_uuid(), 1, 1, now())`,
    refusedToAll,
  ],
  ['hold up an operator', () => "insert into integrations.operator_turns (name) values ('breach')", refusedToAll],
  ['read what planners planned', () => 'select * from integrations.sync_plans', refusedToAll],
  ['read who was told of alerts', () => 'select * from integrations.alert_acknowledgements', refusedToAll],
  [
    'acknowledge an alert by hand',
    () => "insert into integrations.alert_acknowledgements (event_id, actor) values (md5('alert')::uuid, 'nobody')",
    refusedToAll,
  ],
  [
    "read the organization's runs",
    ({ acme }) => `select * from organization_integration_runs where organization_id = '${acme}'`,
    { admin: 1, coordinator: 1, promoter: 1, service: 1, anon: denied, otherwise: 0 },
  ],
  [
    'read every run there is',
    () => 'select * from organization_integration_runs',
    { admin: 1, coordinator: 1, promoter: 1, stranger: 1, thief: 1, service: 2, anon: denied, otherwise: 0 },
  ],
  [
    'write a run',
    ({ acme }) =>
      `insert into organization_integration_runs (integration_id, organization_id, due) values (md5('xledger ${acme}')::uuid, '${acme}', now())`,
    refusedToAll,
  ],
  ['change a run', () => `update organization_integration_runs set message = 'mine'`, refusedToAll],
  ['delete the runs', () => 'delete from organization_integration_runs', refusedToAll],
  ['truncate the runs', () => 'truncate organization_integration_runs', refusedToAll],
  [
    'start a run',
    ({ acme }) => `select code from integrations.start_run('${acme}', 'dynamics', '2026-01-02', false)`,
    { service: 'ok', otherwise: denied, changes: ['service'] },
  ],
  [
    'finish a run',
    ({ acme }) =>
      `select code from integrations.finish_run(md5('run ' || md5('xledger ${acme}')::uuid)::uuid, 1, 'failed', null, null, 1)`,
    { service: 'ok', otherwise: denied, changes: ['service'] },
  ],
  [
    'say what was planned',
    () =>
      `select case when integrations.planned_through('syncs', now()) is null then 'nothing' else 'planned' end as code`,
    { service: 'planned', otherwise: denied },
  ],
  ['read pending alerts', () => 'select * from integrations.pending_alerts(10)', { service: 1, otherwise: denied }],
  [
    'acknowledge an alert',
    () => `select case when integrations.acknowledge_alert(md5('alert')::uuid) then 'done' else 'none' end as code`,
    { service: 'done', otherwise: denied, changes: ['service'] },
  ],
  ['hide a lockdown', () => 'delete from integrations.revoked_grants', refusedToAll],
  [
    "read the organization's events",
    ({ acme }) => `select * from organization_integration_events where organization_id = '${acme}'`,
    { admin: 2, service: 2, anon: denied, otherwise: 0 },
  ],
  [
    'read every event there is',
    () => 'select * from organization_integration_events',
    { admin: 2, stranger: 1, thief: 1, service: 4, anon: denied, otherwise: 0 },
  ],
  [
    'forge an event',
    ({ acme }) =>
      `insert into organization_integration_events (organization_id, action, outcome, actor) values ('${acme}', 'retrieve', 'ok', 'nobody')`,
    refusedToAll,
  ],
  ['change an event', () => `update organization_integration_events set actor = 'somebody else'`, refusedToAll],
  ['delete the events', () => 'delete from organization_integration_events', refusedToAll],
  ['truncate the events', () => 'truncate organization_integration_events', refusedToAll],
  [
    "read the organization's changes",
    ({ acme }) => `select * from organization_integration_changes where organization_id = '${acme}'`,
    { admin: 2, service: 2, anon: denied, otherwise: 0 },
  ],
  [
    'read every change there is',
    () => 'select * from organization_integration_changes',
    { admin: 2, stranger: 1, thief: 1, service: 3, anon: denied, otherwise: 0 },
  ],
  [
    'forge a change',
    ({ acme }) =>
      `insert into organization_integration_changes (organization_id, action, actor) values ('${acme}', 'update', 'nobody')`,
    refusedToAll,
  ],
  ['change a change', () => `update organization_integration_changes set actor = 'somebody else'`, refusedToAll],
  ['delete the changes', () => 'delete from organization_integration_changes', refusedToAll],
  ['truncate the changes', () => 'truncate organization_integration_changes', refusedToAll],
  [
    'have an event recorded',
    ({ acme }) => `select integrations.record_event('alert', 'ok', '${acme}', null, null, null, null)`,
    refusedToAll,
  ],
  [
    'store a credential',
    () => `select code from integrations.store_credential('dynamics', '{"client_secret":"x"}', null)`,
    { admin: 'invalid_input', service: unfit, anon: denied, ...elsewhere, otherwise: unfit },
  ],
  [
    'rotate a credential',
    () => `select code from integrations.rotate_credential('dynamics', '{"client_secret":"x"}', 0, null)`,
    { admin: 'credential_missing', service: unfit, anon: denied, ...elsewhere, otherwise: unfit },
  ],
  [
    'prepare to store a credential, which locks the row',
    () => `select code from integrations.prepare_credential('store', 'xledger', null)`,
    { admin: 'ok', stranger: 'ok', thief: 'ok', service: unfit, anon: denied, otherwise: unfit },
  ],
  [
    'revoke a credential',
    () => `select code from integrations.revoke_credential('xledger', null)`,
    {
      admin: 'ok',
      stranger: 'ok',
      thief: 'ok',
      service: unfit,
      anon: denied,
      otherwise: unfit,
      changes: ['admin', 'stranger', 'thief'],
    },
  ],
  [
    "describe the organization's credential",
    () => `select * from integrations.describe_credential('xledger') where version = 1`,
    { admin: 1, coordinator: 1, promoter: 1, anon: denied, otherwise: 0 },
  ],
  [
    'describe whatever credential there is',
    () => `select * from integrations.describe_credential('xledger')`,
    { admin: 1, coordinator: 1, promoter: 1, stranger: 1, thief: 1, anon: denied, otherwise: 0 },
  ],
  [
    'find out by describing whether another organization has an integration',
    () => `select * from integrations.describe_credential('dynamics')`,
    { anon: denied, otherwise: 0 },
  ],
  [
    "ask whether another organization's integration has a credential",
    ({ other }) =>
      `select case when integrations.has_credential(md5('xledger ${other}')::uuid) then 'yes' else 'no' end as code`,
    { stranger: 'yes', thief: 'yes', service: 'yes', anon: denied, otherwise: 'no' },
  ],
  [
    "ask whether the organization's own integration has a credential",
    ({ acme }) =>
      `select case when integrations.has_credential(md5('xledger ${acme}')::uuid) then 'yes' else 'no' end as code`,
    { admin: 'yes', coordinator: 'yes', promoter: 'yes', service: 'yes', anon: denied, otherwise: 'no' },
  ],
  [
    'ask for a secret',
    () => `select code from integrations.request_retrieval('xledger', null, 'curiosity')`,
    { service: unfit, otherwise: denied },
  ],
  [
    'take a secret',
    () => `select code from integrations.retrieve_credential(gen_random_uuid())`,
    { service: 'not_found', otherwise: denied },
  ],
  [
    "delete an organization's credential",
    ({ acme }) => `select code from integrations.delete_credential(md5('xledger ${acme}')::uuid, 'malice')`,
    { service: 'ok', otherwise: denied, changes: ['service'] },
  ],
  ...[
    `create_secret('pgcrypto', 'x', 'y')`,
    `read_secret('pgcrypto', gen_random_uuid())`,
    `can_decrypt('pgcrypto', gen_random_uuid())`,
    `duration_ms('log_min_duration_statement')`,
    `encrypt_secret('x')`,
    'caller()',
    `own_integration('xledger')`,
    `write_credential('store', 'xledger', '{}', 0, null)`,
    `end_credential(gen_random_uuid(), 'error')`,
    `move_to_vault(gen_random_uuid(), 1)`,
    'encrypt_anew(gen_random_uuid())',
    `revoke_organization(gen_random_uuid(), 'x')`,
    `prune_events(now(), 1)`,
    `prune_runs(now(), 1)`,
  ].map((call): (typeof attempts)[number] => [
    `call what only its owner may: ${call}`,
    () => `select * from integrations.${call}`,
    refusedToAll,
  ]),
  [
    'turn row-level security off',
    () => 'alter table organization_integrations disable row level security',
    refusedToAll,
  ],
  ['add a policy', () => 'create policy mine on organization_integrations using (true)', refusedToAll],
  [
    'replace a claims function',
    () =>
      `create or replace function integrations.current_organization_role() returns text language sql as 'select ''admin'''`,
    refusedToAll,
  ],
  [
    'put a function into the private schema',
    () => `create function integrations.mine() returns int language sql as 'select 1'`,
    refusedToAll,
  ],
  [
    'grant the table on',
    () => 'grant select on organization_integrations to anon',
    {
      otherwise: denied,
      admin: 0,
      coordinator: 0,
      promoter: 0,
      member: 0,
      roleless: 0,
      homeless: 0,
      stranger: 0,
      thief: 0,
      squatter: 0,
      pretender: 0,
      forger: 0,
      nobody: 0,
      service: 0,
    },
  ],
]

const matrix: Check[] = attempts.flatMap(([title, statement, expected]) =>
  all.map((persona) => ({
    title: `${persona}: ${title}`,
    async run(db) {
      const wanted: Outcome = {
        result: expected[persona] ?? expected.otherwise,
        changed: expected.changes?.includes(persona) ?? false,
      }
      assert.deepEqual(await attempt(db, persona, statement(db)), wanted)
    },
  })),
)

/** What the login may do before it has a scope: nothing. */
const unscoped: Check[] = [
  'select * from organization_integrations',
  'select count(*) from organization_integrations',
  `insert into organization_integrations (organization_id, integration_type) values (gen_random_uuid(), 'xledger')`,
  `update organization_integrations set status = 'error'`,
  'delete from organization_integrations',
  'truncate organization_integrations',
  'set role service_role',
  'set role SUPERUSER',
  `select set_config('role', 'service_role', false)`,
  `select 'x' union all select set_config('role', 'service_role', true)`,
  'set session authorization SUPERUSER',
  'grant service_role to authenticated',
  'select integrations.current_organization_id()',
].map((statement) => ({
  title: `unscoped login: ${statement}`,
  async run(db) {
    const attack = db.login.unsafe(statement.replace('SUPERUSER', `"${db.superuser}"`))
    await assert.rejects(attack, { code: denied })
  },
}))

/** What behaviour alone cannot show. */
const facts: [title: string, query: string, expected: unknown[][]][] = [
  [
    'every table has row-level security enabled and forced',
    `select relname, relrowsecurity, relforcerowsecurity from pg_class where relkind in ('r', 'p')
      and (relname like 'organization\\_integration%' or relnamespace = 'integrations'::regnamespace) order by 1`,
    [
      ['alert_acknowledgements', true, true],
      ['encrypted_secrets', true, true],
      ['operator_turns', true, true],
      ['organization_integration_changes', true, true],
      ['organization_integration_credentials', true, true],
      ['organization_integration_events', true, true],
      ['organization_integration_runs', true, true],
      ['organization_integrations', true, true],
      ['retrieval_requests', true, true],
      ['revoked_grants', true, true],
      ['sync_plans', true, true],
    ],
  ],
  [
    'each role has exactly its privileges on each table',
    `select relname, coalesce(nullif(grantee, 0)::regrole::text, 'public'), string_agg(lower(privilege_type), ' ' order by privilege_type), bool_or(is_grantable)
      from pg_class, aclexplode(relacl) where (relname like 'organization\\_integration%' or relnamespace = 'integrations'::regnamespace)
        and relkind = 'r' and grantee <> relowner group by 1, 2 order by 1, 2`,
    [
      ['organization_integration_changes', 'authenticated', 'select', false],
      ['organization_integration_changes', 'service_role', 'select', false],
      ['organization_integration_events', 'authenticated', 'select', false],
      ['organization_integration_events', 'service_role', 'select', false],
      ['organization_integration_runs', 'authenticated', 'select', false],
      ['organization_integration_runs', 'service_role', 'select', false],
      ['organization_integrations', 'authenticated', 'delete insert select update', false],
      ['organization_integrations', 'service_role', 'delete insert select update', false],
    ],
  ],
  [
    'no role has a privilege on a single column',
    `select attname from pg_attribute join pg_class on pg_class.oid = attrelid where (relname like 'organization\\_integration%' or relnamespace = 'integrations'::regnamespace) and attacl is not null`,
    [],
  ],
  [
    'each policy is permissive, for its verb, and for authenticated alone',
    `select polname, polcmd, polpermissive, (select string_agg(coalesce(nullif(r, 0)::regrole::text, 'public'), ' ') from unnest(polroles) as r)
      from pg_policy join pg_class on pg_class.oid = polrelid where relname like 'organization\\_integration%' or relnamespace = 'integrations'::regnamespace order by 1`,
    [
      ['admins_can_create_integrations', 'a', true, 'authenticated'],
      ['admins_can_delete_integrations', 'd', true, 'authenticated'],
      ['admins_can_read_own_changes', 'r', true, 'authenticated'],
      ['admins_can_read_own_events', 'r', true, 'authenticated'],
      ['admins_can_update_integrations', 'w', true, 'authenticated'],
      ['org_members_can_read_own_integrations', 'r', true, 'authenticated'],
      ['org_members_can_read_own_runs', 'r', true, 'authenticated'],
    ],
  ],
  [
    // Their search_path is for `shadows.ts` to attack, not to be read.
    'the claims functions alone are invokers',
    `select proname from pg_proc where pronamespace = 'integrations'::regnamespace and not prosecdef order by 1`,
    [['current_organization_id'], ['current_organization_role']],
  ],
  [
    'functions that change something, or must see what was just changed, are volatile, and no other',
    `select string_agg(proname, ' ' order by proname) filter (where provolatile = 's'), bool_or(provolatile = 'i') from pg_proc where pronamespace = 'integrations'::regnamespace`,
    [
      [
        'bundle_fields caller config_violations configuration_problems credential_store current_organization_id current_organization_role describe_credential duration_ms encryption_key_id pending_alerts pgcrypto_schema redacted redacted_changes',
        false,
      ],
    ],
  ],
  [
    'each role may execute exactly its functions',
    `select coalesce(nullif(grantee, 0)::regrole::text, 'public'), string_agg(proname, ' ' order by proname), bool_or(is_grantable)
      from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))
      where pronamespace = 'integrations'::regnamespace and grantee <> proowner group by 1 order by 1`,
    [
      [
        'authenticated',
        'config_violations credential_store current_organization_id current_organization_role describe_credential has_credential prepare_credential revoke_credential rotate_credential store_credential',
        false,
      ],
      [
        'service_role',
        'acknowledge_alert config_violations credential_store current_organization_id current_organization_role delete_credential describe_credential finish_run has_credential pending_alerts planned_through prepare_credential request_retrieval retrieve_credential revoke_credential rotate_credential start_run store_credential',
        false,
      ],
    ],
  ],
  [
    'each role has exactly its rights on the private schema',
    `select coalesce(nullif(grantee, 0)::regrole::text, 'public'), lower(privilege_type) from pg_namespace, aclexplode(nspacl)
      where nspname = 'integrations' and grantee <> nspowner order by 1`,
    [
      ['authenticated', 'usage'],
      ['service_role', 'usage'],
    ],
  ],
  [
    'no view, rule or definer function reads around the policies',
    `select distinct reader.relname from pg_depend join pg_rewrite on pg_rewrite.oid = pg_depend.objid and classid = 'pg_rewrite'::regclass
        join pg_class as reader on reader.oid = ev_class join pg_class as ours on ours.oid = refobjid
        where (ours.relname like 'organization\\_integration%' or ours.relnamespace = 'integrations'::regnamespace) and not coalesce(reader.reloptions @> array['security_invoker=true'], false)
      union all
      select proname from pg_proc where prosecdef and prosrc ~ 'organization_integration|integrations\\.' and pronamespace not in (select oid from pg_namespace where nspname ~ '^pg_' or nspname = 'integrations')`,
    [],
  ],
]

const statics: Check[] = facts.map(([title, query, expected]) => ({
  title,
  async run(db) {
    assert.deepEqual(
      [...(await db.admin.unsafe(query).values())].map((row) => [...row]),
      expected,
    )
  },
}))

const roleOf = (role: unknown) => (id: string) => JSON.stringify({ app_metadata: { organization_id: id, role } })
const organizationOf = (organization: (id: string) => unknown) => (id: string) =>
  JSON.stringify({ app_metadata: { organization_id: organization(id), role: 'admin' } })

/** Claims that are odd rather than foreign, and what the two claims functions make of them. */
const oddClaims: Check[] = (
  [
    ['nothing', () => '', null, null],
    ['no JSON', () => 'not json', null, null],
    ['a number', () => '42', null, null],
    ['a hundred thousand brackets', () => '['.repeat(100_000), null, null],
    ['a NUL', () => '{"app_metadata":{"organization_id":"\\u0000","role":"\\u0000"}}', null, null],
    ['a scalar app_metadata', () => '{"app_metadata":7}', null, null],
    ['an organization that is no uuid', organizationOf(() => 'acme'), null, 'admin'],
    ['an organization with something behind it', organizationOf((id) => `${id}\n`), null, 'admin'],
    ['an organization in a list', organizationOf((id) => [id]), null, 'admin'],
    ['a role in a list', roleOf(['admin']), 'acme', '["admin"]'],
    ['a role in capitals', roleOf('ADMIN'), 'acme', 'ADMIN'],
    ['an empty role', roleOf(''), 'acme', ''],
    ['a role that is null', roleOf(null), 'acme', null],
  ] as const
).map(([what, claims, organizationId, role]) => ({
  title: `claims of ${what} show no row and raise no error`,
  async run(db) {
    const answers = await db.admin.begin(async (tx) => {
      await tx`select set_config('request.jwt.claims', ${claims(db.acme)}, true)`
      await tx`set local role authenticated`
      const [read] =
        await tx`select integrations.current_organization_id() as id, integrations.current_organization_role() as role`
      const rows = await tx`select * from organization_integrations`
      return [read?.id, read?.role, rows.length]
    })
    assert.deepEqual(answers, [organizationId === 'acme' ? db.acme : organizationId, role, 0])
  },
}))

/** With one transaction a secret could leave, and its event be rolled back. */
const oneTransaction: Check = {
  title: 'the service role cannot ask for a secret and take it in one transaction',
  async run(db) {
    const undone = new Error('undone')
    const taking = db.admin.begin(async (tx) => {
      const claims = { role: 'service_role', app_metadata: { organization_id: db.acme } }
      await tx`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`
      await tx`set local role service_role`
      const [request] = await tx`select code, request_id from integrations.request_retrieval('xledger', null, 'malice')`
      const [answer] = await tx`select code from integrations.retrieve_credential(${request?.request_id})`
      assert.deepEqual([request?.code, answer?.code], ['ok', 'conflict'])
      throw undone
    })
    await assert.rejects(taking, undone)
  },
}

// What the catalog tells first: it is the quickest to ask, and the mutation score asks a thousand times.
export const checks: Check[] = [...statics, ...shadowChecks, ...unscoped, ...matrix, oneTransaction, ...oddClaims]
