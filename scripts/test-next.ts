/*
 * `npm run test:next`: an application of Next.js with the packed package in it, which Next bundles, started as it builds by
 * default and as its standalone output: scoped calls, migrate, status and rollback. A script of its own, for Next alone is
 * as large as all else that is tested.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import postgres from 'postgres'
import { migrate } from '../src/deployment/index.ts'
import { freePort } from '../src/testing/embedded.ts'
import { startTestDatabase } from '../src/testing/index.ts'
import { pack } from '../tests/support/packed.ts'
import { installInto, run } from './temporary.ts'

const folder = mkdtempSync(join(tmpdir(), 'integrations-db-next-'))
const app = join(folder, 'app-of-next')
const files = {
  'app/layout.js': 'export default ({ children }) => <html><body>{children}</body></html>',
  'app/page.js': 'export default () => <p>Integrations</p>',
  'app/api/run/route.js': `
import { createIntegrationsDb, migrate, rollback, status } from '@org/integrations-db'
export const dynamic = 'force-dynamic'
export async function GET(request) {
  const { admin, scoped, organizationId } = JSON.parse(new URL(request.url).searchParams.get('host'))
  const { rolledBack } = await rollback({ url: admin, steps: 99, acceptDataLoss: true })
  const { applied } = await migrate({ url: admin })
  const { pending, problems } = await status({ url: admin })
  const db = createIntegrationsDb(scoped)
  const acme = db.forOrganization({ organizationId, role: 'admin' })
  await acme.integrations.create({ integrationType: 'xledger' })
  const [row] = await acme.integrations.list()
  await db.end()
  return Response.json([rolledBack.length, applied.length, pending, problems, row.integrationType])
}`,
  'next.config.mjs': "export default process.env.STANDALONE ? { output: 'standalone' } : {}",
}

const t = await startTestDatabase()
const { applied } = await allOf()
let server: ChildProcess | undefined
try {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(app, name)), { recursive: true })
    writeFileSync(join(app, name), text)
  }
  writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true }))
  await installInto(app, await pack(folder), 'drizzle-orm@0.45', 'next@16.4.6', 'react@19', 'react-dom@19')
  await build({})
  await answers(app, [join('node_modules', 'next', 'dist', 'bin', 'next'), 'start'])
  await build({ STANDALONE: 'yes' })
  const standalone = join(folder, 'standalone')
  cpSync(join(app, '.next', 'standalone'), standalone, { recursive: true })
  await answers(standalone, ['server.js'])
  console.log('Next.js, default and standalone: scoped calls, migrate, status and rollback work')
} finally {
  server?.kill()
  await t.stop()
  rmSync(folder, { recursive: true, force: true })
}

/** How many migrations there are; the database has all of them. */
async function allOf(): Promise<{ applied: number }> {
  await migrate({ url: t.adminUrl })
  const sql = postgres(t.adminUrl, { max: 1 })
  const [row] = await sql`select count(*)::int as applied from supabase_migrations.schema_migrations`
  await sql.end()
  return { applied: row?.applied }
}

function build(environment: NodeJS.ProcessEnv): Promise<void> {
  return run('npx', ['next', 'build'], { folder: app, environment: { ...environment, NEXT_TELEMETRY_DISABLED: '1' } })
}

async function answers(cwd: string, words: string[]): Promise<void> {
  const port = await freePort()
  const env = { ...process.env, PORT: String(port), HOSTNAME: '127.0.0.1', NEXT_TELEMETRY_DISABLED: '1' }
  server = spawn(process.execPath, words, { cwd, env, stdio: 'inherit' })
  const host = JSON.stringify({
    admin: t.adminUrl,
    scoped: t.url,
    organizationId: await t.organization({ name: 'acme' }),
  })
  const url = `http://127.0.0.1:${port}/api/run?host=${encodeURIComponent(host)}`
  let answer: Response | undefined
  for (let tries = 0; answer === undefined && tries < 150; tries++) {
    answer = await fetch(url).catch(() => pause(200).then(() => undefined))
  }
  const text = await answer?.text()
  const expected = JSON.stringify([applied, applied, [], [], 'xledger'])
  if (text !== expected) throw new Error(`expected ${expected}, found ${text}`)
  server.kill()
}
