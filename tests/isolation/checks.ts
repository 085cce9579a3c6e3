import assert from 'node:assert/strict'
import { type Attacked, attempt, type Outcome, type Persona, personas } from './attacked.ts'

/** One thing that must hold; `run` throws where it does not. Shared by the tests and by the mutation score. */
export type Check = { title: string; run(db: Attacked): Promise<void> }

const denied = '42501'
const all = Object.keys(personas) as Persona[]

/** What each persona gets, those not named getting `otherwise`. Only who is in `changes` may change a row. */
type Expected = Partial<Record<Persona, number | string>> & { otherwise: number | string; changes?: Persona[] }

const reading = { admin: 2, coordinator: 2, promoter: 2, service: 2, anon: denied, otherwise: 0 }
const writing = { admin: 2, service: 2, anon: denied, otherwise: 0, changes: ['admin', 'service'] } satisfies Expected
const adding = { admin: 1, service: 1, otherwise: denied, changes: ['admin', 'service'] } satisfies Expected
const refusedToAll = { otherwise: denied } satisfies Expected

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
    `select relname, relrowsecurity, relforcerowsecurity from pg_class where relname like 'organization\\_integration%' and relkind = 'r'`,
    [['organization_integrations', true, true]],
  ],
  [
    'each role has exactly its privileges on each table',
    `select relname, coalesce(nullif(grantee, 0)::regrole::text, 'public'), string_agg(lower(privilege_type), ' ' order by privilege_type), bool_or(is_grantable)
      from pg_class, aclexplode(relacl) where relname like 'organization\\_integration%' and relkind = 'r' and grantee <> relowner group by 1, 2 order by 1, 2`,
    [
      ['organization_integrations', 'authenticated', 'delete insert select update', false],
      ['organization_integrations', 'service_role', 'delete insert select update', false],
    ],
  ],
  [
    'no role has a privilege on a single column',
    `select attname from pg_attribute join pg_class on pg_class.oid = attrelid where relname like 'organization\\_integration%' and attacl is not null`,
    [],
  ],
  [
    'each policy is permissive, for its verb, and for authenticated alone',
    `select polname, polcmd, polpermissive, (select string_agg(coalesce(nullif(r, 0)::regrole::text, 'public'), ' ') from unnest(polroles) as r)
      from pg_policy join pg_class on pg_class.oid = polrelid where relname like 'organization\\_integration%' order by 1`,
    [
      ['admins_can_create_integrations', 'a', true, 'authenticated'],
      ['admins_can_delete_integrations', 'd', true, 'authenticated'],
      ['admins_can_update_integrations', 'w', true, 'authenticated'],
      ['org_members_can_read_own_integrations', 'r', true, 'authenticated'],
    ],
  ],
  [
    'every function of the private schema is a stable invoker with an empty search_path',
    `select proname, prosecdef, provolatile, proconfig::text from pg_proc where pronamespace = 'integrations'::regnamespace order by 1`,
    [
      ['current_organization_id', false, 's', '{"search_path=\\"\\""}'],
      ['current_organization_role', false, 's', '{"search_path=\\"\\""}'],
    ],
  ],
  [
    'each role may execute exactly its functions',
    `select proname, coalesce(nullif(grantee, 0)::regrole::text, 'public'), is_grantable from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))
      where pronamespace = 'integrations'::regnamespace and grantee <> proowner order by 1, 2`,
    [
      ['current_organization_id', 'authenticated', false],
      ['current_organization_id', 'service_role', false],
      ['current_organization_role', 'authenticated', false],
      ['current_organization_role', 'service_role', false],
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
        where ours.relname like 'organization\\_integration%' and not coalesce(reader.reloptions @> array['security_invoker=true'], false)
      union all
      select proname from pg_proc where prosecdef and prosrc ~ 'organization_integration' and pronamespace not in (select oid from pg_namespace where nspname ~ '^pg_')`,
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

export const checks: Check[] = [...matrix, ...unscoped, ...statics, ...oddClaims]
