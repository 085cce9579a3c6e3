import type postgres from 'postgres'
import { expect } from 'vitest'
import { readRows } from '../support/catalog.ts'
import type { EmbeddedServer } from '../support/embedded.ts'
import { type BuiltFile, schemaOf } from '../support/projects.ts'
import {
  bundles,
  type Copy,
  clientOf,
  earlierFiles,
  encryptionKey,
  files,
  forgetFile,
  recordFile,
  repaired,
  type Template,
} from './databases.ts'

/** What a command does as a whole or not at all, by name: a database, an organization, a credential. */
export type State = Record<string, unknown>

/** A command that may be killed. */
export type Case = {
  template: Template
  words: string[]
  read(db: postgres.Sql): Promise<State>
  /** Files that lead from the first state to the last, where there are states in between. */
  steps: string[]
  /** What must hold once it is done, besides the state being the last one. */
  check(copy: Copy, server: EmbeddedServer): Promise<void>
}

const later = files.slice(earlierFiles)

const migrating = (template: Template, pending: BuiltFile[]): Case => ({
  template,
  words: ['migrate'],
  read: async (db) => ({
    database: { history: await historyOf(db), schema: await schemaOf(db), rows: await readRows(db) },
  }),
  steps: pending.map((file) => file.up + recordFile(file)),
  check: async ({ db }) => expect(await historyOf(db)).toEqual(files.map(({ name }) => name)),
})

const rollingBack: Case = {
  ...migrating('newest', []),
  words: ['rollback', '--to', String(files[earlierFiles - 1]?.name.slice(0, 14)), '--yes'],
  steps: [...later].reverse().map((file) => file.down + forgetFile(file)),
  check: async ({ db }) => {
    expect(await historyOf(db)).toEqual(files.slice(0, earlierFiles).map(({ name }) => name))
    expect(await db`select from organization_integrations`).not.toHaveLength(0)
  },
}

/**
 * By organization, without what a run makes up itself: ids and times. Of transactions it counts which rows share one, and
 * in which order they came, not their numbers.
 */
async function organizationsOf(db: postgres.Sql): Promise<State> {
  const organizations = await db<{ id: string; rows: unknown }[]>`
    with recorded as (
      select organization_id, transaction_id, to_jsonb(e) as event from organization_integration_events as e
      union all select organization_id, transaction_id, to_jsonb(c) from organization_integration_changes as c
    ), events as (
      select organization_id, event - 'id' - 'created_at' || jsonb_build_object('transaction_id',
        dense_rank() over (partition by organization_id order by transaction_id)) as event
      from recorded
    )
    select o.id, jsonb_build_array(
      (select jsonb_agg(to_jsonb(i) - 'updated_at' order by i.id)
        from organization_integrations as i where i.organization_id = o.id),
      (select jsonb_agg(to_jsonb(c) || jsonb_build_object('kept', exists (
          select from integrations.encrypted_secrets as s where s.id = c.secret_id)) order by c.integration_id, c.version)
        from organization_integration_credentials as c join organization_integrations as i on i.id = c.integration_id
        where i.organization_id = o.id),
      (select jsonb_agg(e.event order by e.event) from events as e where e.organization_id = o.id)) as rows
    from organizations as o`
  return { schema: await schemaOf(db), ...Object.fromEntries(organizations.map(({ id, rows }) => [id, rows])) }
}

const revoking: Case = {
  template: 'newest',
  words: ['credentials', 'revoke', '--all', '--apply'],
  read: organizationsOf,
  steps: [],
  check: async ({ db }) => {
    const alerts = await db`
      select organization_id as id, count(*)::int as alerts from organization_integration_events
      where action = 'alert' group by 1 order by 1`
    expect([...alerts]).toEqual(repaired.organizations.toSorted().map((id) => ({ id, alerts: 1 })))
    expect(await db`select from integrations.encrypted_secrets`).toHaveLength(0)
    expect(await db`select from integrations.operator_turns`).toHaveLength(0)
  },
}

const repairing: Case = {
  template: 'newest',
  words: ['repair', '--apply'],
  read: organizationsOf,
  steps: [],
  check: async ({ db }) => {
    const counts = await db`
        select organization_id as id, count(*) filter (where action = 'alert')::int as alerts,
          count(*) filter (where action = 'quarantine')::int as quarantined,
          count(distinct (integration_id, quarantined)) filter (where action = 'quarantine')::int as documents
        from organization_integration_events where action in ('alert', 'quarantine') group by 1 order by 1`
    const { organizations, quarantined } = repaired
    const one = { alerts: 1, quarantined, documents: quarantined }
    expect([...counts]).toEqual(organizations.toSorted().map((id) => ({ id, ...one })))
  },
}

/** Where references and secrets are: compared by what they amount to. */
const holders = ['public.organization_integration_credentials', 'vault.secrets', 'integrations.encrypted_secrets']

const moving: Case = {
  template: 'newest',
  words: ['credentials', 'move', '--to', 'vault', '--apply'],
  read: (db) =>
    db.begin(async (tx) => {
      await tx`select set_config('integrations.encryption_key', ${encryptionKey}, true)`
      const credentials = await tx<{ name: string; at: string; value: string }[]>`
        select format('%s, version %s', integration_id, version) as name, store as at,
          integrations.read_secret(store, secret_id) as value
        from public.organization_integration_credentials where secret_id is not null`
      const orphans = await tx`
        select s.id from (select id from vault.secrets union all select id from integrations.encrypted_secrets) as s
        where not exists (select from organization_integration_credentials as c where c.secret_id = s.id)`
      const rows = await readRows(tx as unknown as postgres.Sql)
      for (const table of holders) delete rows[table]
      return {
        schema: await schemaOf(tx as unknown as postgres.Sql),
        rows,
        orphans: orphans.length,
        ...Object.fromEntries(credentials.map(({ name, ...credential }) => [name, credential])),
      }
    }),
  steps: [],
  check: async ({ db, name }, server) => {
    expect(await db`select from integrations.encrypted_secrets`).toHaveLength(0)
    const client = clientOf(server, name)
    try {
      const service = client.asService({ actor: 'reader' })
      for (const [organizationId, bundle] of bundles) {
        const got = await service.credentials.retrieve({
          organizationId,
          integrationType: 'xledger',
          reason: 'compare',
        })
        expect({ ...got }).toEqual(bundle)
      }
    } finally {
      await client.end()
    }
  },
}

/** By command; several cases take turns. */
export const cases: Record<string, Case[]> = {
  migrate: [migrating('earlier', later), migrating('host', files)],
  rollback: [rollingBack],
  repair: [repairing],
  'credentials move': [moving],
  'credentials revoke': [revoking],
}

/** Files of which the history says that they were applied. */
async function historyOf(db: postgres.Sql): Promise<string[]> {
  const [there] = await db`select to_regclass('supabase_migrations.schema_migrations') is not null as history`
  if (!there?.history) return []
  const rows = await db`select version, name from supabase_migrations.schema_migrations order by 1`
  return rows.map(({ version, name }) => `${version}_${name}.sql`)
}
