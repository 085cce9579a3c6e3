import { randomUUID } from 'node:crypto'
import postgres from 'postgres'

/** The organization everybody is after; fixed, so that a mutant can name it. */
export const acmeId = 'acacacac-0000-4000-8000-000000000000'

/** A database under attack: two organizations with rows, one without, and ways in. */
export type Attacked = {
  /** Past every policy. */
  admin: postgres.Sql
  /** For connections of an attack's own. */
  adminUrl: string
  /** The scoped login as it is before any scope: it must have no rights of its own. */
  login: postgres.Sql
  /** The name of the administrator, whom a login would most like to become. */
  superuser: string
  acme: string
  other: string
  empty: string
  end(): Promise<void>
}

/** One thing that must hold; `run` throws where it does not. Shared by the tests and by the mutation score. */
export type Check = {
  title: string
  /** The statements around which it plants objects that PostgreSQL might take for its own. */
  shadows?: string
  run(db: Attacked): Promise<void>
}

/** Opens a migrated database and gives it organizations to fight over. */
export async function openAttacked(adminUrl: string, loginUrl: string): Promise<Attacked> {
  const options = { max: 1, fetch_types: false, onnotice: () => {} }
  const admin = postgres(adminUrl, options)
  const login = postgres(loginUrl, options)
  const [acme, other, empty] = [acmeId, randomUUID(), randomUUID()]
  await admin`insert into organizations (id, name) values (${acme}, 'acme'), (${other}, 'other'), (${empty}, 'empty')`
  // Ids that a check can name.
  await admin`insert into organization_integrations (id, organization_id, integration_type)
    select md5(type || ' ' || organization)::uuid, organization, type::integration_type_enum
    from (values (${acme}::uuid, 'xledger'), (${acme}, 'dynamics'), (${other}, 'xledger')) as v (organization, type)`
  await admin`insert into organization_integration_credentials (integration_id, version, store, secret_id, field_names)
    select id, case organization_id when ${acme}::uuid then 1 else 2 end, 'pgcrypto', gen_random_uuid(), '{api_key}'
    from organization_integrations where integration_type = 'xledger'`
  await admin`insert into organization_integration_events (organization_id, integration_id, integration_type, action, outcome, actor)
    select organization_id, id, integration_type, 'store', 'ok', 'somebody' from organization_integrations`
  await admin`insert into organization_integration_runs (id, integration_id, organization_id, due)
    select md5('run ' || id)::uuid, id, organization_id, '2026-01-01' from organization_integrations where integration_type = 'xledger'`
  await admin`insert into organization_integration_events (id, organization_id, action, outcome, actor)
    values (md5('alert')::uuid, ${empty}, 'alert', 'ok', 'somebody')`
  // bootstrap takes this away. Here the first wall is down: the second must hold by itself.
  await admin.unsafe(
    `do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$`,
  )
  return {
    admin,
    adminUrl,
    login,
    superuser: decodeURIComponent(new URL(adminUrl).username),
    acme,
    other,
    empty,
    async end() {
      await admin.end()
      await login.end()
    },
  }
}

/** Who attacks: a role, and the claims it comes with. `acme` and `other` stand for the organizations' ids. */
export const personas = {
  admin: { role: 'authenticated', claims: { app_metadata: { organization_id: 'acme', role: 'admin' } } },
  coordinator: { role: 'authenticated', claims: { app_metadata: { organization_id: 'acme', role: 'coordinator' } } },
  member: { role: 'authenticated', claims: { app_metadata: { organization_id: 'acme', role: 'member' } } },
  roleless: { role: 'authenticated', claims: { app_metadata: { organization_id: 'acme' } } },
  homeless: { role: 'authenticated', claims: { app_metadata: { role: 'admin' } } },
  stranger: { role: 'authenticated', claims: { app_metadata: { organization_id: 'other', role: 'admin' } } },
  // Users can write their own user_metadata.
  forger: {
    role: 'authenticated',
    claims: {
      app_metadata: {},
      user_metadata: { organization_id: 'acme', role: 'admin' },
      organization_id: 'acme',
    },
  },
  promoter: {
    role: 'authenticated',
    claims: {
      app_metadata: { organization_id: 'acme', role: 'coordinator' },
      user_metadata: { role: 'admin' },
      role: 'admin',
    },
  },
  squatter: {
    role: 'authenticated',
    claims: { app_metadata: { role: 'admin' }, user_metadata: { organization_id: 'acme' }, organization_id: 'acme' },
  },
  pretender: {
    role: 'authenticated',
    claims: { app_metadata: { organization_id: 'acme' }, user_metadata: { role: 'admin' }, role: 'admin' },
  },
  thief: {
    role: 'authenticated',
    claims: {
      app_metadata: { organization_id: 'other', role: 'admin' },
      user_metadata: { organization_id: 'acme' },
      organization_id: 'acme',
    },
  },
  nobody: { role: 'authenticated', claims: null },
  anon: { role: 'anon', claims: { app_metadata: { organization_id: 'acme', role: 'admin' } } },
  service: { role: 'service_role', claims: null },
} as const
export type Persona = keyof typeof personas

/**
 * How an attempt ended: rows touched or seen, a definer function's code, or PostgreSQL's SQLSTATE; and whether any
 * integration, reference or run changed, or an alert is pending no more.
 */
export type Outcome = { result: number | string; changed: boolean }

/** What `migrate --data-api on` does. */
export const switchedOn = 'grant usage on schema integrations_api to authenticated;'

/** What no attempt may change without a right to: all that a persona could be after, past every policy. */
async function everything(sql: postgres.ISql): Promise<string> {
  const [row] = await sql`
    select md5(coalesce((select string_agg(t::text, ' ' order by id) from organization_integrations as t), '')
      || coalesce((select string_agg(c::text, ' ' order by integration_id, version) from organization_integration_credentials as c), '')
      || coalesce((select string_agg(r::text, ' ' order by id) from organization_integration_runs as r), '')
      || (select count(*) from integrations.alert_acknowledgements)) as sum`
  return row?.sum
}

/** Read once of each database: every attempt is undone. */
const untouched = new WeakMap<Attacked, string>()

/** One attempt by one persona, and whether it changed what it should not; always undone. */
export async function attempt(db: Attacked, persona: Persona, statement: string): Promise<Outcome> {
  const { role, claims } = personas[persona]
  const token =
    claims === null
      ? ''
      : JSON.stringify(claims).replaceAll('"acme"', `"${db.acme}"`).replaceAll('"other"', `"${db.other}"`)
  const before = untouched.get(db) ?? (await everything(db.admin))
  untouched.set(db, before)
  const undone = new Error('undone')
  let outcome: Outcome = { result: 'nothing', changed: false }
  await db.admin
    .begin(async (tx) => {
      await tx`select set_config('request.jwt.claims', ${token}, true)`
      if (statement.includes('integrations_api.')) await tx.unsafe(switchedOn)
      const result = await tx
        .savepoint(async (nested) => {
          await nested.unsafe(`set local role ${role}`)
          const answer = await nested.unsafe(statement)
          return answer[0]?.code ?? answer.count ?? 0
        })
        .catch((error: { code?: string }) => error.code ?? 'no code')
      await tx`reset role`
      outcome = { result, changed: before !== (await everything(tx)) }
      throw undone
    })
    .catch((error) => {
      if (error !== undone) throw error
    })
  return outcome
}
