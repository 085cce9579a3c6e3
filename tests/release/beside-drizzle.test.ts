import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrate } from '../../src/deployment/migrate.ts'
import { status } from '../../src/deployment/status.ts'
import { besideIntegrations } from '../../src/drizzle-kit/index.ts'
import { freePort } from '../../src/testing/embedded.ts'
import { application, program } from '../support/applications.ts'
import { readCatalog } from '../support/catalog.ts'
import { useDatabase } from '../support/database.ts'
import { blocksOf } from '../support/docs-page.ts'
import { output } from '../support/packed.ts'

/* An application with a Drizzle schema of its own, as docs/beside-drizzle.md shows it, and the real drizzle-kit. */

const t = useDatabase('host')
let project: string
let studio: ChildProcess | undefined

beforeAll(async () => {
  const page = blocksOf(join('docs', 'beside-drizzle.md')).map(({ text }) => text)
  const file = (name: string) => page.find((text) => text.startsWith(`// ${name}\n`)) ?? `throw new Error('${name}')`
  const config = file('drizzle.config.ts')
  project = await application('beside-drizzle', {
    ...Object.fromEntries(['schema.ts', 'drizzle.config.ts', 'db.ts', 'seed.ts'].map((name) => [name, file(name)])),
    'pull.config.ts': config.replace('./drizzle', './pulled'),
    'pulled.config.ts': config.replace('./drizzle', './pulled').replace('./schema.ts', './pulled/schema.ts'),
    'bare.config.ts': config.replace('besideIntegrations({', '({').replace(/^import .*besideIntegrations.*$/m, ''),
    'rows.ts': `
import { organizationIntegrations } from '@org/integrations-db/schema'
import { createInsertSchema, createSelectSchema } from 'drizzle-zod'
import { randomUUID } from 'node:crypto'
import { db } from './db.ts'
const [row] = await db.select().from(organizationIntegrations)
const insert = createInsertSchema(organizationIntegrations)
const problems = (value: object) => insert.safeParse({ organizationId: randomUUID(), ...value }).error?.issues.map(({ path }) => path.join('.')) ?? []
console.log(JSON.stringify({
  notes: await db.query.syncNotes.findMany({ with: { integration: true } }),
  selected: createSelectSchema(organizationIntegrations).safeParse({ ...row, id: randomUUID(), organizationId: randomUUID() }).success,
  good: problems({ integrationType: 'xledger' }),
  bad: problems({ integrationType: 'sap' }),
}))
await db.$client.end()`,
  })
  process.env.DATABASE_URL = t.adminUrl
  await migrate({ url: t.adminUrl })
  await kit('push', '--force')
}, 480_000)
afterAll(() => {
  studio?.kill()
  delete process.env.DATABASE_URL
})

async function run(name: string, ...words: string[]): Promise<string> {
  const { code, text } = await output(project, await program(name), words)
  expect(code, text).toBe(0)
  return text
}
const kit = (...words: string[]) => run('drizzle-kit', ...words)
const sqlOf = (folder: string) =>
  readdirSync(join(project, folder))
    .filter((name) => name.endsWith('.sql'))
    .map((name) => readFileSync(join(project, folder, name), 'utf8'))

describe('beside an application’s own Drizzle schema', { timeout: 60_000 }, () => {
  test('push makes its tables, with a foreign key to ours, then finds nothing to do, and ours stay as they were', async () => {
    const keys = await t.admin`select from pg_constraint
      where confrelid = 'organization_integrations'::regclass and conrelid = 'sync_notes'::regclass`
    expect(keys).toHaveLength(1)
    const before = await readCatalog(t.admin)
    expect(await kit('push', '--force', '--verbose')).toContain('No changes detected')
    expect(await readCatalog(t.admin)).toEqual(before)
    expect((await status({ url: t.adminUrl })).problems).toEqual([])
  })

  test('generate writes its tables and none of ours, check finds that sound, and generate then has nothing to add', async () => {
    await kit('generate', '--name', 'first')
    const [text = ''] = sqlOf('drizzle')
    expect([...text.matchAll(/CREATE (?:TABLE|TYPE) (\S+)/g)].map(([, name]) => name)).toEqual([
      '"public"."plan"',
      '"organizations"',
      '"sync_notes"',
    ])
    expect(text).toContain('REFERENCES "public"."organization_integrations"("id")')
    expect(await kit('check')).toContain('Everything')
    expect(await kit('generate')).toContain('No schema changes')
  })

  test('pull writes its tables and our types; with our tables imported, push and generate find nothing to change', async () => {
    await kit('pull', '--config', 'pull.config.ts')
    const schema = join(project, 'pulled', 'schema.ts')
    const text = readFileSync(schema, 'utf8')
    expect([...text.matchAll(/pg(?:Table|Enum)\("(\w+)"/g)].map(([, name]) => name).sort()).toEqual([
      ...['integration_status_enum', 'integration_type_enum', 'organizations', 'plan', 'sync_notes'],
    ])
    writeFileSync(schema, `import { organizationIntegrations } from '@org/integrations-db/schema'\n${text}`)
    expect(await kit('generate', '--config', 'pulled.config.ts')).toContain('No schema changes')
    expect(await kit('push', '--force', '--config', 'pulled.config.ts')).toContain('No changes detected')
  })

  test('studio shows its schema and ours', async () => {
    const port = await freePort()
    studio = spawn(await program('drizzle-kit'), ['studio', '--port', String(port)], { cwd: project })
    const ask = () => fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: '{"type":"init"}' })
    const headers = { 'content-type': 'application/json' }
    let answer: Response | undefined
    while (answer === undefined) answer = await ask().catch(() => pause(200).then(() => undefined))
    const { schemaFiles } = (await answer.json()) as { schemaFiles: { content: string }[] }
    expect(schemaFiles.map(({ content }) => content).join()).toMatch(/sync_notes.*organizationIntegrations/s)
  })

  test('drizzle-seed fills our table, relations lead from its tables to ours, and drizzle-zod knows our labels', async () => {
    await run('tsx', 'seed.ts')
    const { notes, ...zod } = JSON.parse(await run('tsx', 'rows.ts'))
    expect(notes).toHaveLength(40)
    for (const { integrationId, integration } of notes) {
      expect(integration).toMatchObject({ id: integrationId, fieldMappings: {}, status: 'inactive' })
    }
    expect(zod).toEqual({ selected: true, good: [], bad: ['integrationType'] })
    expect(await t.admin`select from organization_integrations`).toHaveLength(20)
  })

  test('a tablesFilter of its own is kept; what would take our tables, or cannot be told, is refused', () => {
    const config = (tablesFilter: string | string[]) =>
      besideIntegrations({ dialect: 'postgresql', tablesFilter, schemaFilter: ['public', 'app', 'integrations'] })
    const ours = ['!organization_integrations', '!organization_integration_*']
    expect(config('!spatial_ref_sys').tablesFilter).toEqual(['!spatial_ref_sys', ...ours])
    expect(config('*').tablesFilter).toEqual(ours)
    expect(config(['app_*', '!app_old']).tablesFilter).toEqual(['app_*', '!app_old'])
    expect(config([]).schemaFilter).toEqual(['public', 'app'])
    for (const pattern of ['organization*', '*_integrations', 'organization_integration_event?']) {
      expect(() => config(pattern)).toThrow(/tablesFilter: .* takes our tables too/)
    }
    expect(() => config('{organization,app}_*')).toThrow(/cannot be read here/)
    expect(() => besideIntegrations({ dialect: 'sqlite' })).toThrow(/dialect: is sqlite/)
  })

  // Last: afterwards nothing of ours is left.
  test('without it push drops ours, and status says so', async () => {
    await t.admin`delete from organizations`
    await kit('push', '--force', '--config', 'bare.config.ts')
    const { problems } = await status({ url: t.adminUrl })
    expect(problems.map(({ problem }) => problem)).toEqual(Array(3).fill('tables lost'))
  })
})
