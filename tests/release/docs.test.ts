import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { testFile } from '../../scripts/temporary.ts'
import { signToken, tokenClaims } from '../../src/testing/tokens.ts'
import { startDataApi } from '../support/data-api.ts'
import { type TestDatabase, useDatabase } from '../support/database.ts'
import { blocksOf, isEdit, runPage } from '../support/docs-page.ts'
import { addressOf } from '../support/proxy.ts'
import { caFile, startTlsProxy } from '../support/tls-proxy.ts'
import { installVault } from '../support/vault-stand-in.ts'

/*
 * What the documentation tells people to type is typed here: in a copy of the project, with the built command line, on a
 * migrated database of the page's own.
 */

/** The pages, and what must be in the database before a reader comes to them. */
const pages: Record<string, (t: TestDatabase) => Promise<Record<string, string>>> = {
  'add-a-column': async (t) => ({ ORGANIZATION: await t.organization(), INTEGRATIONS_DATABASE_URL: t.url }),
  'add-a-system': async (t) => ({
    ORGANIZATION: await t.organization(),
    INTEGRATIONS_DATABASE_URL: t.url,
    INTEGRATIONS_SERVICE_URL: t.serviceUrl,
    INTEGRATIONS_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
  }),
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
  runs: async (t) => {
    const organization = await t.organization()
    const acme = t.db.forOrganization({ organizationId: organization, role: 'admin' })
    await acme.integrations.create({ integrationType: 'xledger', syncSchedule: '* * * * *' })
    return {
      ORGANIZATION: organization,
      INTEGRATIONS_DATABASE_URL: t.url,
      INTEGRATIONS_SERVICE_URL: t.serviceUrl,
    }
  },
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
  'data-api': async (t) => {
    await installVault(t.admin)
    const [organizationId, jwtSecret] = [await t.organization(), randomBytes(32).toString('hex')]
    const api = await startDataApi({ url: t.combinedUrl, jwtSecret, schemas: ['public', 'integrations_api'] })
    stops.push(() => void api.stop())
    return {
      SUPABASE_URL: api.url,
      SUPABASE_ANON_KEY: signToken({ role: 'anon' }, jwtSecret),
      USER_TOKEN: signToken(tokenClaims({ organizationId }), jwtSecret),
      ORGANIZATION: organizationId,
    }
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

const git = (cwd: string, ...words: string[]) => execFileSync('git', words, { cwd, encoding: 'utf8' })

/** The project as one commit; node_modules is linked, but for the command that only a host would find in it. */
function copyOf(name: string, dist?: string): string {
  const copy = join(folder, name)
  const files = git('.', 'ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0').filter(Boolean)
  for (const file of files.filter((one) => existsSync(one))) cpSync(file, join(copy, file))
  git(copy, 'init', '--quiet')
  for (const setting of ['user.name=Reader', 'user.email=reader@example.no', 'core.autocrlf=false'])
    git(copy, 'config', ...setting.split('='))
  git(copy, 'add', '--all')
  git(copy, 'commit', '--quiet', '--message', 'As it is')
  // What runs a page's blocks lies beside them.
  appendFileSync(join(copy, '.git', 'info', 'exclude'), 'block.*\n')
  linkModules(copy)
  if (dist === undefined) return copy
  cpSync(dist, join(copy, 'dist'), { recursive: true })
  chmodSync(join(copy, 'dist', 'cli.js'), 0o755) // As npm does with a package's commands.
  symlinkSync(join(copy, 'dist', 'cli.js'), join(copy, 'node_modules', '.bin', 'integrations-db'))
  return copy
}

function linkModules(copy: string): void {
  mkdirSync(join(copy, 'node_modules', '.bin'), { recursive: true })
  for (const from of ['node_modules', join('node_modules', '.bin')]) {
    for (const entry of readdirSync(from))
      if (entry !== '.bin') symlinkSync(resolve(from, entry), join(copy, from, entry))
  }
}

/** Everything that CI runs, but what takes many minutes of its own: of the tests, those that read the schema. Units are verify's. */
const checks = (/^for script in (.*); do$/m.exec(readFileSync('.ci/run', 'utf8'))?.[1] ?? '')
  .split(' ')
  .filter((script) => !script.startsWith('test'))
const readers = ['table', 'registry', 'integrations']
/** It lists every table by hand, so that a new one makes somebody think. */
const listing = ['isolation']

async function run(cwd: string, command: string, ...words: string[]): Promise<void> {
  await promisify(execFile)(command, words, { cwd, encoding: 'utf8' }).catch((error: Error & { stdout: string }) => {
    throw new Error(`${command} ${words.join(' ')}: ${error.message}\n${error.stdout}`)
  })
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

  test.runIf(name.startsWith('add-'))(
    'leaves a commit that passes the checks of CI in a clone of it',
    async () => {
      expect(checks).toEqual(expect.arrayContaining(['verify', 'docs:check', 'build', 'quickstart', 'db:check']))
      const clone = join(folder, `${name}-clone`)
      git(folder, 'clone', '--quiet', join(folder, name), clone)
      linkModules(clone)
      const tests = name === 'add-a-table' ? readers : [...readers, ...listing]
      for (const script of checks) await run(clone, 'npm', 'run', script)
      await run(clone, join('node_modules', '.bin', 'vitest'), 'run', ...tests.map(testFile))
    },
    600_000,
  )
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
