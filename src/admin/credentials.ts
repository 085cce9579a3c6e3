import { type CredentialSettings, secretSettings } from '../client/credentials.ts'
import { uuid } from '../client/input.ts'
import type { Statement } from '../connection/statement.ts'
import { IntegrationsDbError } from '../errors.ts'
import { type Admin, administrate, each, type Failure, type Progress, type Target } from './connection.ts'

/*
 * What administrators do with all credentials at once. Each command plans, changes nothing without `apply`, works in small
 * transactions, and goes on where it was stopped: what is done no longer turns up in its plan.
 */

/** What `credentials audit` finds. `id` is a secret's uuid, never its value. */
export type AuditFinding =
  | { finding: 'secret without a reference'; store: string; id: string; name: string | null }
  | { finding: 'reference without a secret'; store: string; integrationId: string; version: number }
  | { finding: 'secret past its grace'; store: string; integrationId: string; version: number }

/**
 * Secrets that nothing refers to, references whose secret is gone, and versions kept longer than their grace.
 *
 * @example
 * const { findings } = await auditCredentials({ url }) // with apply: true they are mended
 *
 * A secret without a reference is deleted. A reference without a secret ends, and its integration, where active, is set
 * to `error`.
 */
export async function auditCredentials({
  url,
  apply = false,
}: Target): Promise<{ findings: AuditFinding[]; mended: boolean }> {
  return administrate(url, async (sql) => {
    const exists = secretExists(sql, await hasVault(sql))
    const findings = [
      ...(await unreferenced(sql)),
      ...(await sql<AuditFinding[]>`
        select case when ${exists} then 'secret past its grace' else 'reference without a secret' end as finding,
          c.store, c.integration_id as "integrationId", c.version::integer
        from public.organization_integration_credentials as c
        where c.secret_id is not null and (c.readable_until <= clock_timestamp() or not ${exists})
        order by 3, 4`),
    ]
    if (!apply) return { findings, mended: false }
    await sql.begin(async (tx) => {
      for (const finding of findings) await mend(tx as unknown as Admin, finding)
    })
    return { findings, mended: true }
  })
}

async function mend(sql: Admin, finding: AuditFinding): Promise<void> {
  if (finding.finding === 'secret without a reference') return deleteSecret(sql, finding)
  const { integrationId, version } = finding
  await sql`update public.organization_integration_credentials set secret_id = null
    where integration_id = ${integrationId} and version = ${version}`
  if (finding.finding === 'secret past its grace') return
  await sql`update public.organization_integrations as i set status = 'error'
    where id = ${integrationId} and status = 'active' and not integrations.has_credential(id)`
  await sql`select integrations.record_event('revoke', 'ok', i.organization_id, i.id, i.integration_type::text, ${version}::bigint,
      'audit: the secret is gone from its store')
    from public.organization_integrations as i where i.id = ${integrationId}`
}

type Orphan = Extract<AuditFinding, { finding: 'secret without a reference' }>

async function unreferenced(sql: Admin, organizationId?: string): Promise<Orphan[]> {
  const referenced = sql`exists (select from public.organization_integration_credentials as c where c.secret_id = s.id)`
  const prefix = organizationId === undefined ? 'integrations-db/%' : `integrations-db/${organizationId}/%`
  const inVault = (await hasVault(sql))
    ? await sql<Orphan[]>`select 'secret without a reference' as finding, 'vault' as store, s.id, s.name
        from vault.secrets as s where s.name like ${prefix} and not ${referenced} order by s.name`
    : []
  // Those of the fallback have no name that would tell whose they were.
  if (organizationId !== undefined) return [...inVault]
  const encrypted = await sql<
    Orphan[]
  >`select 'secret without a reference' as finding, 'pgcrypto' as store, s.id, null as name
    from integrations.encrypted_secrets as s where not ${referenced} order by s.id`
  return [...inVault, ...encrypted]
}

async function deleteSecret(sql: Admin, { store, id }: Orphan): Promise<void> {
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
  strays: number
  failures: Failure[]
}

/**
 * Ends every credential of one organization, or of all: secrets deleted, integrations set to `error`, one alert each.
 *
 * @example
 * await revokeCredentials({ url, organizationId: 'all', apply: true })
 *
 * One transaction per organization: what was killed in the middle goes on with those that are left, and an organization
 * that fails does not stop the next. Repeated, it finds nothing, and records no second alert.
 */
export async function revokeCredentials({
  url,
  organizationId,
  apply = false,
  onProgress = () => {},
}: Target & { organizationId: string | 'all' }): Promise<RevocationReport> {
  const one = organizationId === 'all' ? undefined : uuid('organizationId', organizationId)
  return administrate(url, async (sql) => {
    if (one !== undefined && (await sql`select from public.organizations where id = ${one}`).length === 0) {
      throw new IntegrationsDbError('not_found', `organization ${one}: there is none in public.organizations`)
    }
    const exposed = await sql<{ organizationId: string; integrations: number }[]>`
      select i.organization_id as "organizationId", count(*)::integer as integrations
      from public.organization_integrations as i
      where (${one ?? null}::uuid is null or i.organization_id = ${one ?? null}::uuid)
        and (i.status = 'active' or exists (
          select from public.organization_integration_credentials as c where c.integration_id = i.id and c.secret_id is not null))
      group by 1 order by 1`
    const strays = await unreferenced(sql, one)
    const report: RevocationReport = {
      applied: apply,
      organizations: [...exposed],
      strays: strays.length,
      failures: [],
    }
    if (!apply) return report
    const steps = [
      ...exposed.map(({ organizationId: id }) => ({
        what: `organization ${id}`,
        run: () =>
          sql`select integrations.revoke_organization(${id}::uuid, 'breach: credentials revoked by an operator')`,
      })),
      ...strays.map((stray) => ({ what: `secret ${stray.id}`, run: () => deleteSecret(sql, stray) })),
    ]
    report.failures = await each(steps, onProgress)
    return report
  })
}

/** What a walk over secrets does, or did. */
export type SecretsReport = { applied: boolean; secrets: number; failures: Failure[] }

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
  onProgress = () => {},
  ...settings
}: Target & CredentialSettings): Promise<SecretsReport> {
  return administrate(url, async (sql) => {
    if (!(await hasVault(sql))) {
      throw new IntegrationsDbError(
        'unavailable',
        'vault: this database has none; on Supabase enable it, elsewhere: create extension supabase_vault',
      )
    }
    const kept = await sql<{ integration: string; version: number }[]>`
      select integration_id as integration, version::integer from public.organization_integration_credentials
      where store = 'pgcrypto' and secret_id is not null order by 1, 2`
    const keys = await secretKeys(sql, settings)
    return walk(sql, keys, { apply, onProgress }, kept, ({ integration, version }) => ({
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
  onProgress = () => {},
  ...settings
}: Target & CredentialSettings): Promise<SecretsReport> {
  return administrate(url, async (sql) => {
    const keys = await secretKeys(sql, settings)
    const old = await sql.begin(async (tx) => {
      for (const { text, values } of keys) await tx.unsafe(text, values)
      return tx<{ id: string }[]>`select id from integrations.encrypted_secrets
        where key_id is distinct from integrations.encryption_key_id(current_setting('integrations.encryption_key')) order by 1`
    })
    return walk(sql, keys, { apply, onProgress }, old, ({ id }) => ({
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

async function walk<T>(
  sql: Admin,
  keys: Statement[],
  { apply, onProgress }: { apply: boolean; onProgress: Progress },
  items: readonly T[],
  statementFor: (item: T) => Statement & { what: string },
): Promise<SecretsReport> {
  if (!apply) return { applied: false, secrets: items.length, failures: [] }
  const steps = items.map((item) => {
    const { what, text, values } = statementFor(item)
    const run = () =>
      sql.begin(async (tx) => {
        for (const key of keys) await tx.unsafe(key.text, key.values)
        const [answer] = await tx.unsafe<{ code: string; message: string }[]>(text, values)
        if (answer?.code !== 'ok') throw new IntegrationsDbError('conflict', String(answer?.message))
      })
    return { what, run }
  })
  return { applied: true, secrets: items.length, failures: await each(steps, onProgress) }
}
