import { randomBytes } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type TestDatabase, useDatabase } from '../support/database.ts'
import { blocksOf, isEdit, runPage } from '../support/docs-page.ts'
import { addressOf } from '../support/proxy.ts'
import { caFile, startTlsProxy } from '../support/tls-proxy.ts'

/*
 * What the documentation tells people to type is typed here: in a copy of the project, with the built command line, on a
 * migrated database of the page's own.
 */

/** The pages, and what must be in the database before a reader comes to them. */
const pages: Record<string, (t: TestDatabase) => Promise<Record<string, string>>> = {
  'add-a-column': async () => ({}),
  'add-a-table': async (t) => {
    await t.organization()
    return { ORGANIZATION: await t.organization(), INTEGRATIONS_DATABASE_URL: t.url }
  },
  'roll-back': async () => ({}),
  memberships: async () => ({}),
  recipes: async (t) => ({
    ORGANIZATION: await t.organization(),
    INTEGRATIONS_DATABASE_URL: t.url,
    INTEGRATIONS_SERVICE_URL: t.serviceUrl,
    INTEGRATIONS_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
  }),
  connections: async (t) => {
    const organization = await t.organization()
    await t.db
      .forOrganization({ organizationId: organization, role: 'admin' })
      .integrations.create({ integrationType: 'xledger' })
    const proxy = await startTlsProxy(addressOf(t.url))
    stops.push(proxy.stop)
    const url = new URL(t.url)
    url.host = `localhost:${proxy.port}`
    return { ORGANIZATION: organization, INTEGRATIONS_DATABASE_URL: url.href, CA_FILE: caFile }
  },
  breach: async (t) => {
    const db = t.connect({ encryptionKey: randomBytes(32).toString('hex') })
    const acme = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await acme.integrations.create({ integrationType: 'cornerstone' })
    await acme.credentials.store('cornerstone', { api_key: 'known to somebody', subdomain: 'acme' })
    return { NEW_LOGIN: newLogin }
  },
}
const newLogin = `test_docs_${randomBytes(4).toString('hex')}`

let folder: string
const stops: (() => void)[] = []
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'integrations-db-docs-'))
})
afterAll(() => {
  for (const stop of stops) stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The project without its history; node_modules is linked, but for the command that only a host would find in it. */
function copyOf(name: string, dist?: string): string {
  const copy = join(folder, name)
  const parts = [
    'src',
    'scripts',
    'drizzle',
    'supabase',
    join('docs', 'schema.md'),
    'package.json',
    'drizzle.config.ts',
    'tsconfig.json',
    'tsconfig.build.json',
  ]
  for (const part of parts) cpSync(part, join(copy, part), { recursive: true })
  const bin = join(copy, 'node_modules', '.bin')
  mkdirSync(bin, { recursive: true })
  for (const from of ['node_modules', join('node_modules', '.bin')]) {
    for (const entry of readdirSync(from))
      if (entry !== '.bin') symlinkSync(resolve(from, entry), join(copy, from, entry))
  }
  if (dist === undefined) return copy
  cpSync(dist, join(copy, 'dist'), { recursive: true })
  chmodSync(join(copy, 'dist', 'cli.js'), 0o755) // As npm does with a package's commands.
  symlinkSync(join(copy, 'dist', 'cli.js'), join(bin, 'integrations-db'))
  return copy
}

describe.each(Object.keys(pages))('docs/%s.md', (name) => {
  const t = useDatabase()
  afterAll(async () => {
    if (name === 'breach') await t.admin.unsafe(`drop role if exists ${newLogin}`)
  })

  test('works as written: each block runs, in order, and prints what the page shows', async () => {
    const env = { INTEGRATIONS_ADMIN_URL: t.adminUrl, ...(await pages[name]?.(t)) }
    const blocks = blocksOf(join('docs', `${name}.md`))
    expect(blocks.length).toBeGreaterThan(0)
    await runPage(blocks, { folder: copyOf(name, inject('dist')), admin: t.admin, env })
  }, 180_000)
})

describe.each(Object.keys(pages))('docs/%s.md', (name) => {
  const page = join('docs', `${name}.md`)

  test('shows edits that fit the source as it is', async () => {
    const edits = blocksOf(page).filter(isEdit)
    if (edits.length > 0) await runPage(edits, { folder: copyOf(`${name}-edits`), env: {} })
  })

  test('has no command outside of its blocks, where nobody would run it', () => {
    const text = readFileSync(page, 'utf8')
    expect(text.match(/^ *```/gm)).toHaveLength(2 * blocksOf(page).length)
    expect(text.match(/`npx [^`]*`/g)).toBeNull()
  })
})
