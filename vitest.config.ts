import { defineConfig } from 'vitest/config'

/** How much of what could go on for ever: in `npm test`, in CI beside it, and in `npm run test:all`. */
const sizes = {
  small: {
    STORM_CALLS: '2000',
    SEQUENCES: '4',
    // Every nth statement, change, statement of the dump, mutant.
    KILL_EVERY: '100',
    CHANGES_EVERY: '4',
    DUMP_EVERY: '40',
    MUTANT_EVERY: '100',
    CRASHES: '2',
    DOCUMENTS: '2000',
    REPAIR_ROWS: '10000',
  },
  long: {
    STORM_CALLS: '2000',
    SEQUENCES: '12',
    KILL_EVERY: '4',
    CHANGES_EVERY: '1',
    DUMP_EVERY: '8',
    MUTANT_EVERY: '40',
    CRASHES: '16',
    DOCUMENTS: '20000',
    REPAIR_ROWS: '10000',
  },
  full: {
    STORM_CALLS: '200000',
    SEQUENCES: '400',
    KILL_EVERY: '1',
    CHANGES_EVERY: '1',
    DUMP_EVERY: '1',
    MUTANT_EVERY: '1',
    CRASHES: '200',
    DOCUMENTS: '40000',
    REPAIR_ROWS: '1000000',
  },
}
/** What installs packages or starts server after server, CLI after CLI: `npm run test:long`, as CI does. */
const slow = [
  'package',
  'embedded',
  'testing',
  'example-backend',
  'bootstrap',
  'docs',
  'dump',
  'supabase-cli',
  'fail-closed',
].map((name) => `tests/${name}.test.ts`)
const given = Object.fromEntries(
  Object.keys(sizes.small).flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
)

export default defineConfig(({ mode }) => ({
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: ['full', 'long', 'matrix'].includes(mode) ? [] : slow,
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // The server has cores of its own to wait for; vitest alone would leave one idle.
    maxWorkers: 2,
    // Modules are loaded once per worker, not once per file: that alone was a quarter of the time. No test mocks one.
    isolate: false,
    // `npm run test:coverage`. What runs in a process of its own, as the command line does, is not counted.
    coverage: {
      include: ['src/**/*.ts'],
      reporter: ['text', 'json-summary'],
      thresholds: {
        'src/connection/**': { lines: 95, branches: 95 },
        'src/migrations/**': { lines: 95, branches: 95 },
        'src/credential*.ts': { lines: 95, branches: 95 },
      },
    },
    env: { ...sizes[mode === 'full' || mode === 'long' ? mode : 'small'], ...given },
  },
}))
