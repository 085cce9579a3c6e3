import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import type { TestProject } from 'vitest/node'
import { bootstrapSql } from '../../src/admin/bootstrap.ts'
import { createLogin } from '../../src/admin/logins.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { install } from './command-line.ts'
import { startServer } from './server.ts'

/** What every test file needs to make a database of its own. */
type TestServer = {
  adminUrl: string
  kind: string
  version: string
  /** A migrated database, and one that has only what Supabase and the host bring. */
  migratedTemplate: string
  hostTemplate: string
  logins: { scoped: string; service: string; combined: string; password: string }
}

declare module 'vitest' {
  interface ProvidedContext {
    server: TestServer
    /** Where the package lies compiled, as it would be installed. */
    dist: string
  }
}

/** What a hosted project has and our migrations must cope with: everything on new objects is granted to all three roles. */
const supabaseSql = `
  grant all on schema public to anon, authenticated, service_role;
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
  alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;`

const hostSql = 'create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null);'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [server, installed] = await Promise.all([startServer(), install()])
  const run = `test_${randomBytes(4).toString('hex')}`
  const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
  const [row] = await admin<{ version: string }[]>`select current_setting('server_version') as version`
  const test: TestServer = {
    adminUrl: server.adminUrl,
    kind: server.kind,
    version: row?.version ?? 'unknown',
    hostTemplate: `${run}_host`,
    migratedTemplate: `${run}_migrated`,
    logins: {
      scoped: `${run}_scoped`,
      service: `${run}_service`,
      combined: `${run}_combined`,
      password: randomBytes(16).toString('hex'),
    },
  }
  console.log(`PostgreSQL ${test.version}, ${test.kind}`)

  await admin.unsafe(`create database ${test.hostTemplate}`)
  await runIn(test, test.hostTemplate, bootstrapSql + supabaseSql + hostSql)
  await admin.unsafe(`create database ${test.migratedTemplate} template ${test.hostTemplate}`)
  await migrate({ url: databaseUrl(test, test.migratedTemplate) })
  const { scoped, service, combined, password } = test.logins
  await createLogin({ url: test.adminUrl, name: scoped, password })
  await createLogin({ url: test.adminUrl, name: service, password, service: true })
  await createLogin({ url: test.adminUrl, name: combined, password })
  await admin.unsafe(`grant service_role to ${combined}`)
  project.provide('server', test)
  project.provide('dist', installed.dist)

  return async () => {
    await admin.unsafe(`drop database ${test.migratedTemplate}`)
    await admin.unsafe(`drop database ${test.hostTemplate}`)
    for (const login of [scoped, service, combined]) await admin.unsafe(`drop role ${login}`)
    await admin.end()
    await server.stop()
    installed.remove()
  }
}

async function runIn(server: TestServer, database: string, statements: string): Promise<void> {
  const sql = postgres(databaseUrl(server, database), { max: 1, onnotice: () => {} })
  await sql.unsafe(statements)
  await sql.end()
}

export function databaseUrl(
  server: { adminUrl: string },
  database: string,
  login?: { name: string; password: string },
): string {
  const url = new URL(server.adminUrl)
  url.pathname = `/${database}`
  if (login) {
    url.username = login.name
    url.password = login.password
  }
  return url.href
}
