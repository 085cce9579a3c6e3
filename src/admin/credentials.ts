import { type CredentialSettings, secretSettings, silence } from '../connection/secret-settings.ts'
import type { Statement } from '../connection/statement.ts'
import { IntegrationsDbError } from '../errors.ts'
import { uuid } from '../util/checks.ts'
import type { Admin } from './connection.ts'
import { type Attempt, type Holder, withAttempts } from './holders.ts'
import { each, type Failure, failureOf, planSeconds, type Step, type Target } from './steps.ts'

/*
 * What administrators do with all credentials at once. Each command plans, changes nothing without `apply`, works in small
 * transactions, and goes on where it was stopped: what is done no longer turns up in its plan.
 */

/** What `credentials audit` finds. `id` is a secret's uuid, never its value. */
export type AuditFinding =
  | { finding: 'orphaned secret'; store: string; id: string; name: string | null }
  | { finding: 'reference without a secret'; store: string; integrationId: string; version: number }
  | { finding: 'secret past its grace'; store: string; integrationId: string; version: number }
  | { finding: 'secret that cannot be decrypted'; store: string; integrationId: string; version: number }

/**
 * Secrets that nothing refers to, references whose secret is gone, versions kept longer than their grace, and secrets
 * that cannot be decrypted any more: after a restore with another root key of Vault, with another key of the fallback, or
 * damaged. Those of the fallback are tried where `encryptionKey` is passed.
 *
 * @example
 * const { findings } = await auditCredentials({ url }) // with apply: true they are fixed
 *
 * An orphaned secret is deleted. A reference without a secret ends, and its integration, where active, is set
 * to `error`. One that cannot be decrypted is left as it is, and `fixed` false: its key may come back, or a rotation
 * replaces it.
 */
export async function auditCredentials({
  url,
  apply = false,
  terminate = false,
  ...settings
}: Target & Partial<CredentialSettings>): Promise<{ findings: AuditFinding[]; fixed: boolean }> {
  return withAttempts(url, { terminate }, async (_, attempt) => {
    const findings = await attempt(planSeconds, async (tx) => [
      ...(await unreferenced(tx)),
      ...(await unusable(tx, settings)),
    ])
    if (!apply) return { findings, fixed: false }
    await attempt(planSeconds, async (tx) => {
      for (const finding of findings) await fix(tx, finding)
    })
    return { findings, fixed: findings.every(({ finding }) => finding !== 'secret that cannot be decrypted') }
  })
}

async function unusable(tx: Admin, settings: Partial<CredentialSettings>): Promise<AuditFinding[]> {
  const exists = secretExists(tx, await hasVault(tx))
  const [encrypted] = await tx`select from integrations.encrypted_secrets limit 1`
  const keyed = encrypted !== undefined && settings.encryptionKey !== undefined
  const keys = keyed ? await secretKeys(tx, { allowParameterLogging: false, ...settings }) : [silence]
  for (const { text, values } of keys) await tx.unsafe(text, values)
  return tx<AuditFinding[]>`
    select finding, store, "integrationId", version
    from (
      select case
          when not ${exists} then 'reference without a secret'
          when c.readable_until <= clock_timestamp() then 'secret past its grace'
          when c.store = 'pgcrypto' and not ${keyed} then null
          when not integrations.can_decrypt(c.store, c.secret_id) then 'secret that cannot be decrypted'
        end as finding,
        c.store, c.integration_id as "integrationId", c.version::integer
      from public.organization_integration_credentials as c
      where c.secret_id is not null
      offset 0
    ) as looked
    where finding is not null
    order by 3, 4`
}

async function fix(sql: Admin, finding: AuditFinding): Promise<void> {
  if (finding.finding === 'secret that cannot be decrypted') return
  if (finding.finding === 'orphaned secret') return deleteSecret(sql, finding)
  const { integrationId, version } = finding
  await sql`update public.organization_integration_credentials set secret_id = null
    where integration_id = ${integrationId} and version = ${version}`
  const late = finding.finding === 'secret past its grace'
  const [action, reason] = late
    ? ['delete', 'its grace has ended']
    : ['revoke', 'audit: the secret is gone from its store']
  if (!late) {
    await sql`update public.organization_integrations as i set status = 'error'
      where id = ${integrationId} and status = 'active' and not integrations.has_credential(id)`
  }
  await sql`select integrations.record_event(${action ?? ''}, 'ok', i.organization_id, i.id, i.integration_type::text,
      ${version}::bigint, ${reason ?? ''})
    from public.organization_integrations as i where i.id = ${integrationId}`
}

type OrphanedSecret = Extract<AuditFinding, { finding: 'orphaned secret' }>

async function unreferenced(sql: Admin, organizationId?: string): Promise<OrphanedSecret[]> {
  const referenced = sql`exists (select from public.organization_integration_credentials as c where c.secret_id = s.id)`
  const prefix = organizationId === undefined ? 'integrations-db/%' : `integrations-db/${organizationId}/%`
  const inVault = (await hasVault(sql))
    ? await sql<OrphanedSecret[]>`select 'orphaned secret' as finding, 'vault' as store, s.id, s.name
        from vault.secrets as s where s.name like ${prefix} and not ${referenced} order by s.name`
    : []
  // Those of the fallback have no name that would tell whose they were.
  if (organizationId !== undefined) return [...inVault]
  const encrypted = await sql<
    OrphanedSecret[]
  >`select 'orphaned secret' as finding, 'pgcrypto' as store, s.id, null as name
    from integrations.encrypted_secrets as s where not ${referenced} order by s.id`
  return [...inVault, ...encrypted]
}

async function deleteSecret(sql: Admin, { store, id }: OrphanedSecret): Promise<void> {
  if (store === 'vault') await sql`delete from vault.secrets where id = ${id}`
  else await sql`delete from integrations.encrypted_secrets where id = ${id}`
}

/** A condition on the reference `c`: its secret is in its store. Not async: awaiting a fragment would run it. */
function secretExists(sql: Admin, vault: boolean) {
  const encrypted = sql`c.store = 'pgcrypto' and exists (select from integrations.encrypted_secrets as e where e.id = c.secret_id)`
  if (!vault) return sql`(${encrypted})`
  return sql`((${encrypted}) or (c.store = 'vault' and exists (select from vault.secrets as v where v.id = c.secret_id)))`
}

async function hasVault(sql: Admin): Promise<boolean> {
  const [row] = await sql<{ there: boolean }[]>`select to_regclass('vault.secrets') is not null as there`
  return row?.there === true
}

/** What a breach's revocation does, or did. */
export type RevocationReport = {
  applied: boolean
  organizations: { organizationId: string; integrations: number }[]
  /** Secrets that nothing refers to any more, and that are deleted too. */
  orphanedSecrets: number
  /** What was not done, and who was in the way. */
  failures: Failure[]
  /** Sessions that `terminate` ended. */
  ended: Holder[]
}

/**
 * Ends every credential of one organization, or of all: secrets deleted, integrations set to `error`, one alert each.
 *
 * @example
 * await revokeCredentials({ url, organizationId: 'all', apply: true, terminate: true })
 *
 * One transaction per organization: what was killed in the middle goes on with those that are left, and an organization
 * that fails does not stop the next. Repeated, it finds nothing, and records no second alert. None waits long for a lock;
 * who held it is in `failures`, and with `terminate` that session is ended.
 */
export async function revokeCredentials({
  url,
  organizationId,
  apply = false,
  terminate = false,
  onProgress = () => {},
}: Target & { organizationId: string | 'all' }): Promise<RevocationReport> {
  const one = organizationId === 'all' ? undefined : uuid('organizationId', organizationId)
  return withAttempts(url, { terminate }, async (_, attempt, ended) => {
    if (one !== undefined) await attempt(planSeconds, (tx) => assertOrganization(tx, one))
    let exposed: RevocationReport['organizations'] = []
    let orphanedSecrets: OrphanedSecret[] = []
    // A table that is locked as a whole hides its part of the plan, and no more.
    const plan: Step[] = [
      { what: 'credentials of organizations', run: async (tx) => (exposed = await exposedOrganizations(tx, one)) },
      { what: 'orphaned secrets', run: async (tx) => (orphanedSecrets = await unreferenced(tx, one)) },
    ]
    const failures: Failure[] = []
    for (const step of plan) failures.push(...[(await failureOf(attempt, step, planSeconds)) ?? []].flat())
    if (apply) {
      const steps = [
        ...exposed.map(({ organizationId: id }) => ({
          what: `organization ${id}`,
          run: (tx: Admin) =>
            tx`select integrations.revoke_organization(${id}::uuid, 'breach: credentials revoked by an operator')`,
        })),
        ...orphanedSecrets.map((secret) => ({
          what: `secret ${secret.id}`,
          run: (tx: Admin) => deleteSecret(tx, secret),
        })),
      ]
      failures.push(...(await each(attempt, { terminate }, steps, onProgress)))
    }
    return { applied: apply, organizations: exposed, orphanedSecrets: orphanedSecrets.length, failures, ended }
  })
}

async function assertOrganization(sql: Admin, id: string): Promise<void> {
  const found = await sql`select from public.organizations where id = ${id}`
  if (found.length > 0) return
  throw new IntegrationsDbError('not_found', `organization ${id}: there is none in public.organizations`)
}

async function exposedOrganizations(sql: Admin, one: string | undefined): Promise<RevocationReport['organizations']> {
  const rows = await sql<RevocationReport['organizations']>`
    select i.organization_id as "organizationId", count(*)::integer as integrations
    from public.organization_integrations as i
    where (${one ?? null}::uuid is null or i.organization_id = ${one ?? null}::uuid)
      and (i.status = 'active' or exists (
        select from public.organization_integration_credentials as c where c.integration_id = i.id and c.secret_id is not null))
    group by 1 order by 1`
  return [...rows]
}

/** What a walk over secrets does, or did. */
export type SecretsReport = { applied: boolean; secrets: number; failures: Failure[]; ended: Holder[] }

/**
 * Moves what the fallback holds into Vault: each secret created there, read back and compared before its old copy goes,
 * in a transaction of its own. The values never leave the server.
 *
 * @example
 * await moveToVault({ url, encryptionKey, apply: true })
 */
export async function moveToVault({
  url,
  apply = false,
  terminate = false,
  onProgress = () => {},
  ...settings
}: Target & CredentialSettings): Promise<SecretsReport> {
  return withAttempts(url, { terminate }, async (sql, attempt, ended) => {
    if (!(await hasVault(sql))) {
      throw new IntegrationsDbError(
        'unavailable',
        'vault: this database has none; on Supabase enable it, elsewhere: create extension supabase_vault',
      )
    }
    const kept = await attempt(
      planSeconds,
      (tx) => tx<{ integration: string; version: number }[]>`
        select integration_id as integration, version::integer from public.organization_integration_credentials
        where store = 'pgcrypto' and secret_id is not null order by 1, 2`,
    )
    const keys = await secretKeys(sql, settings)
    return walk({ attempt, keys, apply, terminate, onProgress, ended }, kept, ({ integration, version }) => ({
      what: `integration ${integration}, version ${version}`,
      text: 'select code, message from integrations.move_to_vault($1::uuid, $2::bigint)',
      values: [integration, String(version)],
    }))
  })
}

/**
 * Encrypts with `encryptionKey` what the fallback holds under another key, which is `previousEncryptionKey`.
 *
 * @example
 * await rotateEncryptionKey({ url, encryptionKey, previousEncryptionKey, apply: true })
 */
export async function rotateEncryptionKey({
  url,
  apply = false,
  terminate = false,
  onProgress = () => {},
  ...settings
}: Target & CredentialSettings): Promise<SecretsReport> {
  return withAttempts(url, { terminate }, async (sql, attempt, ended) => {
    const keys = await secretKeys(sql, settings)
    const old = await attempt(planSeconds, async (tx) => {
      for (const { text, values } of keys) await tx.unsafe(text, values)
      return tx<{ id: string }[]>`select id from integrations.encrypted_secrets
        where key_id is distinct from integrations.encryption_key_id(current_setting('integrations.encryption_key')) order by 1`
    })
    return walk({ attempt, keys, apply, terminate, onProgress, ended }, old, ({ id }) => ({
      what: `secret ${id}`,
      text: 'select code, message from integrations.encrypt_anew($1::uuid)',
      values: [id],
    }))
  })
}

async function secretKeys(sql: Admin, settings: CredentialSettings): Promise<Statement[]> {
  const [store] = await sql`select logs_always, logs_sometimes from integrations.credential_store()`
  return secretSettings({ ...store, store: 'pgcrypto' }, settings)
}

type Walk = Required<Omit<Target, 'url'>> & { attempt: Attempt; keys: Statement[]; ended: Holder[] }

async function walk<T>(
  { attempt, keys, apply, terminate, onProgress, ended }: Walk,
  items: readonly T[],
  statementFor: (item: T) => Statement & { what: string },
): Promise<SecretsReport> {
  if (!apply) return { applied: false, secrets: items.length, failures: [], ended }
  const steps = items.map((item) => {
    const { what, text, values } = statementFor(item)
    const run = async (tx: Admin) => {
      for (const key of keys) await tx.unsafe(key.text, key.values)
      const [answer] = await tx.unsafe<{ code: string; message: string }[]>(text, values)
      if (answer?.code !== 'ok') throw new IntegrationsDbError('conflict', String(answer?.message))
    }
    return { what, run }
  })
  const failures = await each(attempt, { terminate }, steps, onProgress)
  return { applied: true, secrets: items.length, failures, ended }
}
