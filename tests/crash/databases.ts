import { randomBytes, randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { bootstrapSql } from '../../src/admin/bootstrap.ts'
import { createLogin } from '../../src/admin/logins.ts'
import { createIntegrationsDb } from '../../src/index.ts'
import { runCli } from '../support/command-line.ts'
import type { EmbeddedServer } from '../support/embedded.ts'
import { databaseUrl } from '../support/global-setup.ts'
import { builtFiles, runFile } from '../support/projects.ts'
import { installVault } from '../support/vault-stand-in.ts'

/*
 * What the killed commands work on: databases with several organizations in them, their credentials stored through the
 * package, and documents that no rule would let in today.
 */

/** The host's tables alone, two of our migrations applied, and all of them. */
export type Template = 'host' | 'earlier' | 'newest'

export const encryptionKey = randomBytes(32).toString('hex')
const password = randomBytes(16).toString('hex')
export const files = builtFiles('supabase')
/** How many of them `earlier` has. */
export const earlierFiles = 2

const connected = Array.from({ length: 6 }, () => randomUUID())
const outdated = Array.from({ length: 2 }, () => randomUUID())
const malformed = [
  { type: 'consio', mappings: '{"amount": 1, "account": "a"}', features: '["payroll_sync"]', documents: 1 },
  { type: 'bufdir', mappings: '["no object"]', features: '{"no": "array"}', documents: 2 },
]
/** What each of the organizations with credentials must come out of a repair with. */
export const repaired = {
  organizations: connected,
  quarantined: malformed.reduce((sum, { documents }) => sum + documents, 0),
}

/** The bundles, by organization: what has to be retrieved again, whatever was killed. */
export const bundles = new Map(
  connected.map((id, i) => [
    id,
    { api_key: `key ${i} of ${id}`, base_url: 'https://api.xledger.net', company_id: `${i}` },
  ]),
)

export const recordFile = ({ name }: { name: string }) => `
  create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
  insert into supabase_migrations.schema_migrations (version, name) values ('${name.slice(0, 14)}', '${name.slice(15, -4)}');`
export const forgetFile = ({ name }: { name: string }) =>
  `delete from supabase_migrations.schema_migrations where version = '${name.slice(0, 14)}';`

export async function makeTemplates(server: EmbeddedServer): Promise<void> {
  await within(server.adminUrl, async (admin) => {
    await admin.unsafe('create database host')
    await within(databaseUrl(server, 'host'), async (db) => {
      await db.unsafe(`${bootstrapSql} create table organizations (id uuid primary key, name text not null)`)
      for (const id of [...connected, ...outdated])
        await db`insert into organizations values (${id}, ${`host of ${id}`})`
    })
    await createLogin({ url: server.adminUrl, name: 'backend', password })
    await createLogin({ url: server.adminUrl, name: 'worker', password, service: true })
    await admin.unsafe('create database newest template host')
    await fill(server)
    await admin.unsafe('create database earlier template newest')
    await within(databaseUrl(server, 'earlier'), async (db) => {
      for (const file of files.slice(earlierFiles).reverse()) await runFile(db, file.down + forgetFile(file))
    })
  })
}

async function fill(server: EmbeddedServer): Promise<void> {
  const { code, stderr } = await runCli(['migrate', '--url', databaseUrl(server, 'newest')])
  if (code !== 0) throw new Error(stderr)
  const client = clientOf(server, 'newest')
  for (const [i, [organizationId, bundle]] of [...bundles].entries()) {
    const scope = client.forOrganization({ organizationId, role: 'admin' })
    await scope.integrations.create({ integrationType: 'xledger', fieldMappings: { amount: 'invoiceAmount' } })
    await scope.credentials.store('xledger', { ...bundle, api_key: 'the one before' })
    await scope.credentials.rotate('xledger', bundle, { graceSeconds: i % 2 === 0 ? 86_400 : 0 })
    await scope.integrations.update('xledger', { status: 'active' })
  }
  await client.end()
  await within(databaseUrl(server, 'newest'), async (db) => {
    await db.begin(async (tx) => {
      // As they were written before there were rules.
      await tx`set local session_replication_role = replica`
      for (const id of connected)
        for (const { type, mappings, features } of malformed)
          await tx`insert into organization_integrations (organization_id, integration_type, status, field_mappings, excluded_features)
            values (${id}, ${type}, 'active', ${mappings}::text::jsonb, ${features}::text::jsonb)`
      for (const id of outdated)
        await tx`insert into organization_integrations (organization_id, integration_type, field_mappings)
          values (${id}, 'cornerstone', '{"employee_id": "id"}')`
    })
    await installVault(db)
  })
}

/** A client of the package on the two safe logins. */
export function clientOf(server: EmbeddedServer, database: string) {
  const as = (name: string) => databaseUrl(server, database, { name, password })
  return createIntegrationsDb({ url: as('backend'), serviceUrl: as('worker'), encryptionKey })
}

/** A copy of a template, thrown away afterwards; its connection is made anew where the server was killed meanwhile. */
export async function inCopy<T>(
  { adminUrl }: EmbeddedServer,
  template: Template,
  work: (copy: Copy) => Promise<T>,
): Promise<T> {
  const name = `crash_${randomBytes(6).toString('hex')}`
  return within(adminUrl, async (admin) => {
    await admin.unsafe(`create database ${name} template ${template}`)
    try {
      const url = databaseUrl({ adminUrl }, name)
      return await within(url, (db) => work({ name, url, db }))
    } finally {
      await admin.unsafe(`drop database ${name} with (force)`)
    }
  })
}

export type Copy = { name: string; url: string; db: postgres.Sql }

export async function within<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
