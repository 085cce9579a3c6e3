import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { application, installed, program } from '../support/applications.ts'
import { sqlFiles } from '../support/files.ts'
import { hosting } from '../support/hosting.ts'
import { output } from '../support/packed.ts'

/*
 * An application that is bundled: its output runs in a folder of its own, far from node_modules, so that whatever it needs
 * has to be in it.
 */

const app = `
import { createIntegrationsDb, IntegrationsDbError, migrate, rollback, status } from '@org/integrations-db'
import { organizationIntegrations } from '@org/integrations-db/schema'

const told = (error) => (error instanceof IntegrationsDbError ? error.code + ': ' + error.message : String(error))

export async function main({ admin, scoped, organizationId, folder }) {
  const { applied } = await migrate({ url: admin })
  const { pending, problems } = await status({ url: admin })
  const db = createIntegrationsDb(scoped)
  const acme = db.forOrganization({ organizationId, role: 'admin' })
  const created = await acme.integrations.create({ integrationType: 'xledger' }).then(() => 'created', told)
  const rows = await acme.query((q) => q.select().from(organizationIntegrations)).catch(() => [])
  await db.end()
  const refused = await rollback({ url: admin, steps: applied.length }).then(() => 'not refused', told)
  const { rolledBack } = await rollback({ url: admin, steps: applied.length, acceptDataLoss: true })
  const parser = await migrate({ url: admin, supabase: folder }).then(() => 'parsed', told)
  return { applied: applied.length, pending, problems, created, systems: rows.map((row) => row.integrationType), refused, rolledBack: rolledBack.length, parser }
}`
const start = (words: string) => `import { main } from './app.mjs'
main(JSON.parse(${words})).then((report) => console.log(JSON.stringify(report)))`
const banner = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`

let project: string
let away: string
let bun: string
let deno: string

beforeAll(async () => {
  away = mkdtempSync(join(tmpdir(), 'integrations-db-bundled-'))
  project = await application('bundled', {
    'app.mjs': app,
    'run.mjs': start('process.argv.at(-1)'),
    'vite.config.mjs': `export default { build: { ssr: 'run.mjs', outDir: ${JSON.stringify(join(away, 'vite'))}, emptyOutDir: true }, ssr: { noExternal: true } }`,
    'webpack.config.cjs': `module.exports = { mode: 'production', target: 'node20', entry: './run.mjs', output: { path: ${JSON.stringify(join(away, 'webpack'))}, filename: 'run.cjs' }, optimization: { minimize: false } }`,
    'supabase/migrations/20200101000000_own.sql': 'select 1;',
  })
  bun = await binary('@oven', 'bin/bun')
  deno = await binary('@deno', 'deno')
}, 480_000)
afterAll(() => rmSync(away, { recursive: true, force: true }))

/** Of the platform's own package: the other only brings it into place, in an install script. */
async function binary(scope: string, path: string): Promise<string> {
  const packages = join(await installed(), 'node_modules', scope)
  const [platform = ''] = readdirSync(packages)
  const file = join(packages, platform, path)
  chmodSync(file, 0o755)
  return file
}

const bundle = (command: string, ...words: string[]) => output(project, command, words)
const esbuild = (format: string, file: string, ...words: string[]) =>
  bundle(
    'esbuild',
    'run.mjs',
    '--bundle',
    '--platform=node',
    `--format=${format}`,
    `--outfile=${join(away, file)}`,
    ...words,
  )

/** What the program says that lies in the other folder, on a database where nothing of ours has ever been. */
async function runs(folder: string, command: string, ...words: string[]): Promise<unknown> {
  return hosting(async (host) => {
    const { text } = await output(folder, command, [
      ...words,
      JSON.stringify({ ...host, folder: join(project, 'supabase') }),
    ])
    return text.startsWith('{') ? JSON.parse(text) : text
  })
}

const everything = {
  applied: sqlFiles('migrations').length,
  pending: [],
  problems: [],
  created: 'created',
  systems: ['xledger'],
  refused: expect.stringMatching(/^conflict: rolling back loses/),
  rolledBack: sqlFiles('migrations').length,
}
const bundled = { ...everything, parser: expect.stringMatching(/^unavailable: libpg-query.*npx integrations-db/) }

describe('scoped calls, migrate, status and rollback work in an application bundled by', { timeout: 60_000 }, () => {
  test.each([
    ['esbuild as an ES module', () => esbuild('esm', 'esm.mjs', `--banner:js=${banner}`), 'esm.mjs'],
    ['esbuild as CommonJS, shortened', () => esbuild('cjs', 'cjs.cjs', '--minify'), 'cjs.cjs'],
    ['Vite, for a server', async () => bundle(await program('vite'), 'build'), 'vite/run.js'],
    ['webpack', async () => bundle(await program('webpack')), 'webpack/run.cjs'],
    ['Bun', () => bundle(bun, 'build', 'run.mjs', '--target=node', '--outdir', join(away, 'bun')), 'bun/run.js'],
  ])('%s, and no optional package is warned of', async (_, build, file) => {
    const { code, text } = await build()
    expect(code, text).toBe(0)
    expect(text).not.toMatch(/\bwarn|can't resolve|could not resolve|\[plugin/i)
    expect(await runs(away, process.execPath, file)).toEqual(bundled)
  })

  test('Bun into one executable', async () => {
    const { code, text } = await bundle(bun, 'build', 'run.mjs', '--compile', '--outfile', join(away, 'executable'))
    expect(code, text).toBe(0)
    expect(await runs(away, join(away, 'executable'))).toEqual(bundled)
  })
})

test('Deno runs the application as it is, and bundled', async () => {
  const flags = ['run', '--allow-all', '--no-check', '--node-modules-dir=manual']
  const host = { ...everything, parser: 'parsed' }
  expect(await runs(project, deno, ...flags, 'run.mjs')).toEqual(host)
  await esbuild('esm', 'deno.mjs', `--banner:js=${banner}`)
  expect(await runs(away, deno, 'run', '--allow-all', '--no-check', 'deno.mjs')).toEqual(bundled)
}, 60_000)

test('an ES module without what CommonJS needs says in one sentence what to set, and its migrations run', async () => {
  await esbuild('esm', 'bare.mjs')
  expect(await runs(away, process.execPath, 'bare.mjs')).toEqual({
    ...bundled,
    systems: [],
    created: `unavailable: pg, the driver, cannot be loaded: Dynamic require of "events" is not supported; set the bundler's banner to: ${banner}`,
    refused: expect.stringMatching(/^conflict/),
  })
}, 60_000)
