import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLogin } from '../../src/admin/logins.ts'
import { useDatabase } from '../support/database.ts'

const t = useDatabase()
const made: string[] = []
const password = randomBytes(16).toString('hex')
let hosted: string

function named(kind: string): string {
  const name = `test_${kind}_${randomBytes(4).toString('hex')}`
  made.push(name)
  return name
}

function urlAs(name: string): string {
  const url = new URL(t.adminUrl)
  url.username = name
  url.password = password
  return url.href
}

/** As `postgres` is on a hosted project: no superuser, but CREATEROLE, BYPASSRLS and admin of the API roles. */
beforeAll(async () => {
  const name = named('hosted')
  await t.admin.unsafe(`
    create role ${name} login createrole createdb bypassrls password '${password}';
    grant anon, authenticated, service_role to ${name} with admin option`)
  hosted = urlAs(name)
})
afterAll(async () => {
  for (const name of made.reverse()) await t.admin.unsafe(`drop owned by ${name}; drop role ${name}`)
})

describe('login create', () => {
  for (const rights of ['a superuser', "a hosted project's postgres"]) {
    const admin = () => (rights === 'a superuser' ? t.adminUrl : hosted)

    test(`by ${rights} makes a scoped login that works, and may become authenticated and nothing else`, async () => {
      const name = named('scoped')
      await createLogin({ url: admin(), name, password })
      const organizationId = await t.organization()
      const acme = t.connect({ url: urlAs(name) }).forOrganization({ organizationId, role: 'admin' })
      expect(await acme.integrations.create({ integrationType: 'xledger' })).toMatchObject({ organizationId })
      const [rights] = await t.admin`
        select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit as any_right,
          (select array_agg(roleid::regrole::text) from pg_auth_members where member = pg_roles.oid) as may_become
        from pg_roles where rolname = ${name}`
      expect(rights).toEqual({ any_right: false, may_become: ['authenticated'] })
    })

    test(`by ${rights} with service makes one that may become service_role and nothing else`, async () => {
      const name = named('service')
      await createLogin({ url: admin(), name, password, service: true })
      const service = t.connect({ serviceUrl: urlAs(name) }).asService({ actor: 'test' })
      expect(await service.integrations.listScheduled()).toMatchObject({ next: null })
      await expect(
        t
          .connect({ url: urlAs(name) })
          .forOrganization({ organizationId: await t.organization(), role: 'admin' })
          .integrations.list(),
      ).rejects.toMatchObject({ code: 'permission_denied' })
    })
  }

  test('sends a verifier, never the password: the server could not log it', async () => {
    const name = named('verifier')
    await createLogin({ url: t.adminUrl, name, password })
    const [row] = await t.admin`select rolpassword from pg_authid where rolname = ${name}`
    expect(row?.rolpassword).toMatch(/^SCRAM-SHA-256\$4096:/)
    const error = await createLogin({ url: t.adminUrl, name, password }).catch((error) => error)
    expect(error).toMatchObject({ code: 'already_exists' })
    expect(String(error.stack)).not.toContain(password)
  })

  test.each([
    [{ name: 'Robert"; drop role x' }, /^name: /],
    [{ name: 'x'.repeat(64) }, /^name: /],
    [{ password: 'short' }, /^password: must be at least 16/],
    [{ password: 'not ascii at all: æøå' }, /^password: /],
  ])('refuses %j before anything is sent', async (options, message) => {
    const attempt = createLogin({ url: 'postgresql://nobody@127.0.0.1:1/x', name: 'fine', password, ...options })
    await expect(attempt).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringMatching(message) })
  })
})
