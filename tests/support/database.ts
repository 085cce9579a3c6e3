import { randomBytes, randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, beforeAll, inject } from 'vitest'
import { createIntegrationsDb, type IntegrationsDb, type IntegrationsDbOptions } from '../../src/index.ts'
import { databaseUrl } from './global-setup.ts'

/** A database of a test file's own, and ways into it. */
export type TestDatabase = {
  name: string
  adminUrl: string
  url: string
  serviceUrl: string
  combinedUrl: string
  /** An administrator's connection, past every policy. */
  admin: postgres.Sql
  /** A client of the package on the two safe logins. */
  db: IntegrationsDb
  connect(options?: IntegrationsDbOptions): IntegrationsDb
  /** A new organization; nobody truncates. */
  organization(name?: string): Promise<string>
}

/** Opens a copy of a template before a file's tests and drops it after them. */
export function useDatabase(template: 'migrated' | 'host' = 'migrated'): TestDatabase {
  const test = {} as TestDatabase
  const clients: IntegrationsDb[] = []
  beforeAll(async () => {
    const server = inject('server')
    const name = `test_${randomBytes(6).toString('hex')}`
    const source = template === 'migrated' ? server.migratedTemplate : server.hostTemplate
    await onServer(`create database ${name} template ${source}`)
    // What a database lets everybody do is not copied with it.
    await onServer(`revoke temporary on database ${name} from public`)
    const as = (login: string) => databaseUrl(server, name, { name: login, password: server.logins.password })
    const adminUrl = databaseUrl(server, name)
    const admin = postgres(adminUrl, { max: 4, onnotice: () => {} })
    const connect = (options: IntegrationsDbOptions = {}) => {
      const client = createIntegrationsDb({ url: test.url, serviceUrl: test.serviceUrl, ...options })
      clients.push(client)
      return client
    }
    Object.assign(test, {
      name,
      adminUrl,
      url: as(server.logins.scoped),
      serviceUrl: as(server.logins.service),
      combinedUrl: as(server.logins.combined),
      admin,
      connect,
      async organization(label = 'Test organization') {
        const id = randomUUID()
        await admin`insert into public.organizations (id, name) values (${id}, ${label})`
        return id
      },
    })
    test.db = connect()
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end()))
    await test.admin?.end()
    await onServer(`drop database if exists ${test.name} with (force)`)
  })
  return test
}

/** Runs a statement as if no rule of ours were there yet: no trigger looks at what it writes. */
export async function beforeRules(admin: postgres.Sql, text: string, values: string[] = []): Promise<void> {
  await admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx.unsafe(text, values)
  })
}

/** One connection for all that a worker makes and drops: connecting costs more than either. It closes when it idles. */
let serverAdmin: postgres.Sql | undefined

export async function onServer(statement: string): Promise<void> {
  serverAdmin ??= postgres(inject('server').adminUrl, { max: 1, idle_timeout: 5, onnotice: () => {} })
  await serverAdmin.unsafe(statement)
}
