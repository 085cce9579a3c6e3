import { randomBytes, randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootstrapSql } from '../../src/admin/bootstrap.ts'
import { createLogin } from '../../src/admin/logins.ts'
import { createIntegrationsDatabases, type IntegrationsDatabases } from '../../src/index.ts'
import { runCli } from '../support/command-line.ts'
import { useDatabase } from '../support/database.ts'
import { startEmbedded } from '../support/embedded.ts'
import { databaseUrl } from '../support/global-setup.ts'

/* An application that is split by organization, on two servers. */

const north = useDatabase('host')
const password = randomBytes(12).toString('hex')
const south = { adminUrl: '', scoped: '', service: '', stop: async () => {} }
const [inNorth, inSouth] = [randomUUID(), randomUUID()]
let databases: IntegrationsDatabases<'north' | 'south'>
const cli = (...args: string[]) => runCli(args)
const urls = () => ['--url', north.adminUrl, '--url', south.adminUrl]

beforeAll(async () => {
  const server = await startEmbedded()
  Object.assign(south, { adminUrl: server.adminUrl, stop: server.stop })
  const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
  await admin.unsafe(`${bootstrapSql} create table public.organizations (id uuid primary key, name text)`)
  await admin.end()
})
afterAll(async () => {
  await databases?.end()
  await south.stop()
})

describe('two databases on two servers', () => {
  test('are migrated and examined one after the other, each under its own name', async () => {
    const migrated = await cli('migrate', '--data-api', 'off', '--json', ...urls())
    expect(migrated.code).toBe(0)
    const { databases } = JSON.parse(migrated.stdout)
    expect(databases.map(({ database }: { database: string }) => database)).toEqual(
      [north.adminUrl, south.adminUrl].map((url) => new URL(url).host + new URL(url).pathname),
    )
    for (const { applied, pending } of databases) expect([applied.length > 5, pending]).toEqual([true, []])
    expect(await cli('migrate', ...urls())).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/nothing to apply[\s\S]*nothing to apply/),
    })
    const doctor = await cli('doctor', '--json', ...urls())
    expect(JSON.parse(doctor.stdout).databases).toHaveLength(2)
    expect(migrated.stdout + doctor.stdout).not.toContain('postgresql://')
  })

  test('one that cannot be reached does not stop the next, and is told with exit status 1', async () => {
    const gone = new URL(south.adminUrl)
    gone.pathname = '/nowhere'
    const status = await cli('status', '--json', '--url', gone.href, '--url', south.adminUrl)
    expect(status.code).toBe(1)
    expect(JSON.parse(status.stdout).databases).toMatchObject([{ error: { code: 'unavailable' } }, { pending: [] }])
    expect(await cli('status', '--url', south.adminUrl, '--url', south.adminUrl)).toMatchObject({ code: 2 })
  })

  test('each organization is read and written where it is, and nowhere else', async () => {
    await createLogin({ url: south.adminUrl, name: 'south_scoped', password })
    await createLogin({ url: south.adminUrl, name: 'south_service', password, service: true })
    const as = (name: string) =>
      databaseUrl({ adminUrl: south.adminUrl }, new URL(south.adminUrl).pathname.slice(1), { name, password })
    databases = createIntegrationsDatabases({
      databases: {
        north: { url: north.url, serviceUrl: north.serviceUrl },
        south: { url: as('south_scoped'), serviceUrl: as('south_service') },
      },
      placeOf: (organizationId) =>
        organizationId === inNorth ? 'north' : organizationId === inSouth ? 'south' : ('west' as 'south'),
    })
    const admin = postgres(south.adminUrl, { max: 1 })
    await north.admin`insert into public.organizations (id, name) values (${inNorth}, 'north')`
    await admin`insert into public.organizations (id, name) values (${inSouth}, 'south')`
    for (const organizationId of [inNorth, inSouth])
      await databases
        .forOrganization({ organizationId, role: 'admin' })
        .integrations.create({ integrationType: 'xledger' })
    const stored = async (sql: postgres.Sql) =>
      (await sql`select organization_id as id from public.organization_integrations`).map(({ id }) => id)
    expect([await stored(north.admin), await stored(admin)]).toEqual([[inNorth], [inSouth]])
    const claims = { role: 'authenticated', app_metadata: { organization_id: inSouth, role: 'coordinator' } }
    expect(await databases.forClaims(claims).integrations.list()).toHaveLength(1)
    const service = databases.of(inSouth).asService({ actor: 'sync' })
    expect(await service.forOrganization(inSouth).integrations.list()).toHaveLength(1)
    expect(Object.keys(databases.clients)).toEqual(['north', 'south'])
    await admin.end()
  })

  test('an organization without a place is refused, and so is a database without its own URLs', () => {
    expect(() => databases.of(randomUUID())).toThrow(expect.objectContaining({ code: 'not_found' }))
    expect(() => databases.of('acme')).toThrow(expect.objectContaining({ code: 'invalid_input' }))
    process.env.INTEGRATIONS_SERVICE_URL = north.serviceUrl
    try {
      expect(() => createIntegrationsDatabases({ databases: { north: north.url }, placeOf: () => 'north' })).toThrow(
        expect.objectContaining({ message: expect.stringContaining('databases.north: has no serviceUrl') }),
      )
    } finally {
      delete process.env.INTEGRATIONS_SERVICE_URL
    }
    expect(() => createIntegrationsDatabases({ databases: {}, placeOf: () => 'x' as never })).toThrow(
      'must name at least one',
    )
  })
})
