import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { auditCredentials, moveToVault, revokeCredentials, rotateEncryptionKey } from '../../src/admin/credentials.ts'
import { liftLockdown, lockdown } from '../../src/admin/lockdown.ts'
import type { IntegrationsDb } from '../../src/index.ts'
import { readRows } from '../support/catalog.ts'
import { runCli } from '../support/command-line.ts'
import { type TestDatabase, useDatabase } from '../support/database.ts'
import { installVault } from '../support/vault-stand-in.ts'

const encryptionKey = randomBytes(32).toString('hex')
const bundle = { api_key: 'k', base_url: 'https://api.xledger.net', company_id: '1' }

/** An organization with an active integration and its credential. */
async function connected(t: TestDatabase, db: IntegrationsDb, rotated = false): Promise<string> {
  const organizationId = await t.organization()
  const scope = db.forOrganization({ organizationId, role: 'admin' })
  await scope.integrations.create({ integrationType: 'xledger' })
  await scope.credentials.store('xledger', bundle)
  if (rotated) await scope.credentials.rotate('xledger', bundle, { graceSeconds: 600 })
  await scope.integrations.update('xledger', { status: 'active' })
  return organizationId
}

async function alertsOf(t: TestDatabase): Promise<Record<string, number>> {
  const rows = await t.admin`select organization_id, count(*)::int as alerts from organization_integration_events
    where action = 'alert' group by 1`
  return Object.fromEntries(rows.map((row) => [row.organization_id, row.alerts]))
}

async function secretsIn(t: TestDatabase): Promise<number> {
  const tables = await t.admin`select to_regclass('vault.secrets') is not null as vault`
  const [row] = await t.admin.unsafe(
    `select (select count(*) from integrations.encrypted_secrets)::int ${tables[0]?.vault ? '+ (select count(*) from vault.secrets)::int' : ''} as secrets`,
  )
  return row?.secrets
}

describe.each(['vault', 'pgcrypto'] as const)('the breach drill, secrets kept in %s', (store) => {
  const t = useDatabase()
  let db: IntegrationsDb
  const organizations: string[] = []

  beforeAll(async () => {
    if (store === 'vault') await installVault(t.admin)
    db = t.connect(store === 'vault' ? {} : { encryptionKey })
    for (let i = 0; i < 5; i++) organizations.push(await connected(t, db, i % 2 === 0))
    // What years leave behind: documents that no rule would let in, an active row without a credential, a secret nobody refers to.
    await t.admin`alter table organization_integrations disable trigger user`
    await t.admin`update organization_integrations set field_mappings = '["no object"]', excluded_features = '{"no": "array"}'
      where organization_id = ${organizations[0] ?? ''}`
    const bare = await t.organization()
    organizations.push(bare)
    await t.admin`insert into organization_integrations (organization_id, integration_type, status, field_mappings)
      values (${bare}, 'consio', 'active', '7')`
    await t.admin`alter table organization_integrations enable trigger user`
    if (store === 'vault') await t.admin`select vault.create_secret('left', 'integrations-db/left/behind/1')`
    else
      await t.admin`update integrations.encrypted_secrets set ciphertext = '\\x00' where id = (select min(id::text)::uuid from integrations.encrypted_secrets)`
  })

  test('plans first, and changes nothing', async () => {
    const before = await readRows(t.admin)
    const report = await revokeCredentials({ url: t.adminUrl, organizationId: 'all' })
    expect(report).toMatchObject({ applied: false, failures: [], orphanedSecrets: store === 'vault' ? 1 : 0 })
    expect(report.organizations.map((one) => one.organizationId).sort()).toEqual([...organizations].sort())
    expect(await readRows(t.admin)).toEqual(before)
  })

  test('one organization alone is revoked, and no other is touched', async () => {
    const [first = ''] = organizations
    await revokeCredentials({ url: t.adminUrl, organizationId: first, apply: true })
    expect(await alertsOf(t)).toEqual({ [first]: 1 })
    expect((await revokeCredentials({ url: t.adminUrl, organizationId: 'all' })).organizations).toHaveLength(5)
    await expect(
      revokeCredentials({ url: t.adminUrl, organizationId: '00000000-0000-4000-8000-000000000000', apply: true }),
    ).rejects.toMatchObject({ code: 'not_found' })
  })

  test('killed in the middle, it goes on where it was; an organization that cannot be done does not stop the others', async () => {
    const [, , third = ''] = organizations
    await t.admin.unsafe(`create function public.obstacle() returns trigger language plpgsql as $$ begin
        if new.organization_id = '${third}' then raise exception 'obstacle'; end if; return new; end $$;
      create trigger obstacle before update on organization_integrations for each row execute function public.obstacle()`)
    const killed = revokeCredentials({
      url: t.adminUrl,
      organizationId: 'all',
      apply: true,
      onProgress: (done) => {
        if (done === 2) throw new Error('killed')
      },
    })
    await expect(killed).rejects.toThrow()
    const { failures } = await revokeCredentials({ url: t.adminUrl, organizationId: 'all', apply: true })
    expect(failures).toMatchObject([{ what: `organization ${third}` }])
    await t.admin.unsafe('drop trigger obstacle on organization_integrations; drop function public.obstacle()')
    expect(Object.keys(await alertsOf(t))).toHaveLength(organizations.length - 1)
  })

  test('two operators at once record one alert per organization', async () => {
    await Promise.all([1, 2].map(() => revokeCredentials({ url: t.adminUrl, organizationId: 'all', apply: true })))
    expect(await alertsOf(t)).toEqual(Object.fromEntries(organizations.map((id) => [id, 1])))
  })

  test('after it nothing can be decrypted, every integration is in error, and repeating it finds nothing', async () => {
    expect(await secretsIn(t)).toBe(0)
    const service = db.asService({ actor: 'thief' })
    for (const organizationId of organizations.slice(0, 5)) {
      await expect(
        service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason: 'theft' }),
      ).rejects.toMatchObject({ code: 'credential_missing' })
    }
    expect(await t.admin`select from organization_integrations where status <> 'error'`).toHaveLength(0)
    const before = await readRows(t.admin)
    const again = await revokeCredentials({ url: t.adminUrl, organizationId: 'all', apply: true })
    expect(again).toMatchObject({ organizations: [], orphanedSecrets: 0, failures: [] })
    expect(await readRows(t.admin)).toEqual(before)
  })
})

describe('lockdown', () => {
  const t = useDatabase()
  const privileges = async () => {
    const rows = await t.admin`
      select relname::text as name, grantee::regrole::text as grantee, privilege_type::text as privilege, is_grantable
      from pg_class, aclexplode(relacl) where relname like 'organization\\_integration%' or relnamespace = 'integrations'::regnamespace
      union all select relname || '.' || attname, grantee::regrole::text, privilege_type, is_grantable
      from pg_attribute join pg_class on pg_class.oid = attrelid, aclexplode(attacl) where relname like 'organization\\_integration%'
      union all select proname, grantee::regrole::text, privilege_type, is_grantable
      from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) where pronamespace in ('integrations'::regnamespace, 'integrations_api'::regnamespace)
      union all select nspname, grantee::regrole::text, privilege_type, is_grantable
      from pg_namespace, aclexplode(nspacl) where nspname in ('integrations', 'integrations_api')
      order by 1, 2, 3`
    return [...rows]
  }

  test('leaves nobody but administrators a way in, and lift gives back exactly what was there', async () => {
    const organizationId = await connected(t, t.connect({ encryptionKey }))
    // What a host may have granted besides.
    await t.admin.unsafe('grant select (status) on organization_integrations to anon')
    const before = await privileges()
    const report = await lockdown({ url: t.adminUrl })
    expect(report.grants).toBeGreaterThan(10)
    const db = t.connect({ encryptionKey })
    const acme = db.forOrganization({ organizationId, role: 'admin' })
    const service = db.asService({ actor: 'w' })
    for (const attempt of [
      () => acme.integrations.list(),
      () => acme.integrations.update('xledger', { syncSchedule: null }),
      () => acme.credentials.describe('xledger'),
      () => acme.credentials.rotate('xledger', bundle),
      () => acme.events.list(),
      () => service.integrations.listScheduled(),
      () => service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason: 'x' }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'permission_denied' })
    }
    expect(await t.admin`select from organization_integrations`).toHaveLength(1)
    await lockdown({ url: t.adminUrl })
    await liftLockdown({ url: t.adminUrl })
    expect(await privileges()).toEqual(before)
    expect(await acme.integrations.list()).toHaveLength(1)
    expect(await t.admin`select from integrations.revoked_grants`).toHaveLength(0)
  })
})

describe('credentials audit', () => {
  const t = useDatabase()

  test('finds orphaned secrets, references without a secret and versions past their grace, and fixes them', async () => {
    await installVault(t.admin)
    const [kept, dangling, late] = [await connected(t, t.db), await connected(t, t.db), await connected(t, t.db, true)]
    await t.admin`select vault.create_secret('left behind', 'integrations-db/a/b/1')`
    await t.admin`select vault.create_secret('the host''s own', 'stripe')`
    await t.admin`delete from vault.secrets where name like ${`integrations-db/${dangling}/%`}`
    await t.admin`update organization_integration_credentials set readable_until = now() where readable_until > now()`
    const { findings, fixed } = await auditCredentials({ url: t.adminUrl })
    expect(fixed).toBe(false)
    expect(findings.map(({ finding }) => finding).sort()).toEqual([
      'orphaned secret',
      'reference without a secret',
      'secret past its grace',
    ])
    await auditCredentials({ url: t.adminUrl, apply: true })
    expect((await auditCredentials({ url: t.adminUrl })).findings).toEqual([])
    const names = await t.admin`select name from vault.secrets order by 1`
    expect(names.map(({ name }) => name.split('/')[1] ?? name).sort()).toEqual([kept, late, 'stripe'].sort())
    const admin = t.db.forOrganization({ organizationId: dangling, role: 'admin' })
    expect(await admin.integrations.get('xledger')).toMatchObject({ status: 'error' })
    const reason = 'audit: the secret is gone from its store'
    const told = (await admin.events.list()).filter((event) => event.reason === reason)
    expect(told).toMatchObject([{ action: 'revoke', integrationType: 'xledger', version: 1 }])
  })
})

describe('credentials audit of secrets that cannot be decrypted any more', () => {
  const vault = useDatabase()
  const fallback = useDatabase()
  const unreadable = (store: string, integrationId: unknown) => [
    { finding: 'secret that cannot be decrypted', store, integrationId, version: 1 },
  ]
  const idOf = async (t: TestDatabase, organizationId: string) =>
    (await t.admin`select id from organization_integrations where organization_id = ${organizationId}`)[0]?.id

  test('finds them in Vault, leaves them as they are, and exits 1 until they are rotated', async () => {
    await installVault(vault.admin)
    const [kept, lost] = [await connected(vault, vault.db), await connected(vault, vault.db)]
    // As after a restore into a project with another root key.
    await vault.admin`update vault.secrets set secret = encode('another root key', 'base64') where name like ${`integrations-db/${lost}/%`}`
    const before = await readRows(vault.admin)
    const id = await idOf(vault, lost)
    expect(await auditCredentials({ url: vault.adminUrl })).toEqual({
      findings: unreadable('vault', id),
      fixed: false,
    })
    const cli = await runCli(['credentials', 'audit', '--apply', '--url', vault.adminUrl])
    expect([cli.code, cli.stdout]).toEqual([
      1,
      expect.stringContaining(`cannot be decrypted: vault, integration ${id}`),
    ])
    expect(await readRows(vault.admin)).toEqual(before)
    await vault.db.forOrganization({ organizationId: lost, role: 'admin' }).credentials.rotate('xledger', bundle)
    expect((await auditCredentials({ url: vault.adminUrl })).findings).toEqual([])
    const service = vault.db.asService({ actor: 'test' })
    for (const organizationId of [kept, lost]) {
      await service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason: 'kept' })
    }
  })

  test('finds those of the fallback that neither key opens, where keys are given, and those that are damaged', async () => {
    const organizationId = await connected(fallback, fallback.connect({ encryptionKey }))
    const id = await idOf(fallback, organizationId)
    const other = randomBytes(32).toString('hex')
    const audit = async (keys: object) => (await auditCredentials({ url: fallback.adminUrl, ...keys })).findings
    expect(await audit({})).toEqual([])
    expect(await audit({ encryptionKey })).toEqual([])
    expect(await audit({ encryptionKey: other, previousEncryptionKey: encryptionKey })).toEqual([])
    expect(await audit({ encryptionKey: other })).toEqual(unreadable('pgcrypto', id))
    await fallback.admin`update integrations.encrypted_secrets
      set ciphertext = set_byte(ciphertext, 40, get_byte(ciphertext, 40) # 255)`
    expect(await audit({ encryptionKey })).toEqual(unreadable('pgcrypto', id))
  })
})

describe('credentials audit without Vault', () => {
  const t = useDatabase()

  test('deletes what nothing refers to and keeps what something does', async () => {
    const db = t.connect({ encryptionKey })
    const organizationId = await connected(t, db)
    await t.admin`insert into integrations.encrypted_secrets (key_id, ciphertext) values ('0', '\\x00')`
    const { findings } = await auditCredentials({ url: t.adminUrl, apply: true })
    expect(findings).toMatchObject([{ finding: 'orphaned secret', store: 'pgcrypto' }])
    expect((await auditCredentials({ url: t.adminUrl })).findings).toEqual([])
    const service = db.asService({ actor: 'test' })
    const kept = await service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason: 'kept' })
    expect(kept.api_key).toBe(bundle.api_key)
  })
})

describe('moving and re-encrypting', () => {
  const t = useDatabase()
  const newKey = randomBytes(32).toString('hex')
  const organizations: string[] = []
  const settings = { encryptionKey: newKey, previousEncryptionKey: encryptionKey, allowParameterLogging: false }
  const readAll = async () => {
    const service = t.connect(settings).asService({ actor: 'reader' })
    for (const organizationId of organizations) {
      const got = await service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason: 'compare' })
      expect({ ...got }).toEqual(bundle)
    }
  }
  /** Stops after some secrets, as a kill between two transactions would. */
  const stopAfter = (wanted: number) => (done: number) => {
    if (done === wanted) throw new Error('killed')
  }

  beforeAll(async () => {
    const db = t.connect({ encryptionKey })
    for (let i = 0; i < 4; i++) organizations.push(await connected(t, db, i === 0))
  })

  test('rotate-key plans, goes on after a kill, and nothing is lost at any point', async () => {
    const options = { url: t.adminUrl, ...settings }
    expect(await rotateEncryptionKey(options)).toMatchObject({ applied: false, secrets: 5 })
    await expect(rotateEncryptionKey({ ...options, apply: true, onProgress: stopAfter(2) })).rejects.toThrow()
    await readAll()
    expect(await rotateEncryptionKey({ ...options, apply: true })).toMatchObject({ secrets: 3, failures: [] })
    expect(await rotateEncryptionKey(options)).toMatchObject({ secrets: 0 })
    await readAll()
    const [row] = await t.admin`select count(distinct key_id)::int as keys from integrations.encrypted_secrets`
    expect(row?.keys).toBe(1)
  })

  test('rotate-key with a wrong previous key changes nothing and says which key is meant', async () => {
    const wrong = randomBytes(32).toString('hex')
    const { failures } = await rotateEncryptionKey({
      url: t.adminUrl,
      encryptionKey: wrong,
      allowParameterLogging: false,
      apply: true,
    })
    expect(failures).toHaveLength(5)
    expect(failures[0]?.message).toMatch(/was encrypted with key [0-9a-f]{16}/)
    expect(JSON.stringify(failures)).not.toContain(wrong)
    await readAll()
  })

  test('move refuses where there is no Vault, and without the key', async () => {
    await expect(moveToVault({ url: t.adminUrl, ...settings })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^vault: /),
    })
    await installVault(t.admin)
    await expect(moveToVault({ url: t.adminUrl, allowParameterLogging: false })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/^INTEGRATIONS_ENCRYPTION_KEY/),
    })
  })

  test('move plans, goes on after a kill, and keeps the old copy where Vault does not give back what was put in', async () => {
    const options = { url: t.adminUrl, ...settings }
    expect(await moveToVault(options)).toMatchObject({ applied: false, secrets: 5 })
    await expect(moveToVault({ ...options, apply: true, onProgress: stopAfter(2) })).rejects.toThrow()
    await readAll()
    await t.admin.unsafe(`create function public.spoil() returns trigger language plpgsql as $$ begin
        new.secret := encode('spoilt', 'base64'); return new; end $$;
      create trigger spoil before update on vault.secrets for each row execute function public.spoil()`)
    const spoilt = await moveToVault({ ...options, apply: true })
    expect(spoilt.failures).toHaveLength(3)
    await t.admin.unsafe('drop trigger spoil on vault.secrets; drop function public.spoil()')
    await readAll()
    expect(await moveToVault({ ...options, apply: true })).toMatchObject({ secrets: 3, failures: [] })
    await readAll()
    expect(await t.admin`select from integrations.encrypted_secrets`).toHaveLength(0)
    expect(await t.admin`select from vault.secrets`).toHaveLength(5)
    expect((await auditCredentials({ url: t.adminUrl })).findings).toEqual([])
  })
})
