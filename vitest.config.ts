import { defineConfig } from 'vitest/config'

/** `--mode`: how much of what could go on for ever. `small` by itself, `ci` in `.ci/run`, `full` before a release. */
const sizes = {
  small: {
    SCHEDULES: '320',
    STORM_CALLS: '2000',
    SEQUENCES: '3',
    // Every nth statement, change, history, statement of the dump, mutant.
    KILL_EVERY: '100',
    CHANGES_EVERY: '16',
    HISTORIES_EVERY: '8',
    DUMP_EVERY: '40',
    MUTANT_EVERY: '100',
    CRASHES: '2',
    DOCUMENTS: '1000',
    REPAIR_ROWS: '10000',
    // Integrations, planners, workers, kills.
    FLEET: '100 2 2 2',
  },
  ci: {
    SCHEDULES: '5000',
    STORM_CALLS: '2000',
    SEQUENCES: '12',
    KILL_EVERY: '8',
    CHANGES_EVERY: '1',
    HISTORIES_EVERY: '1',
    DUMP_EVERY: '8',
    MUTANT_EVERY: '40',
    CRASHES: '16',
    DOCUMENTS: '20000',
    REPAIR_ROWS: '10000',
    FLEET: '200 2 3 4',
  },
  full: {
    SCHEDULES: '20000',
    STORM_CALLS: '200000',
    SEQUENCES: '400',
    KILL_EVERY: '1',
    CHANGES_EVERY: '1',
    HISTORIES_EVERY: '1',
    DUMP_EVERY: '1',
    MUTANT_EVERY: '1',
    CRASHES: '200',
    DOCUMENTS: '40000',
    REPAIR_ROWS: '1000000',
    FLEET: '2000 4 8 20',
  },
}
// A single number can be set by its own name: `STORM_CALLS=200000 npx vitest run tests/process/storm.test.ts`.
const chosen = (mode: string) =>
  Object.fromEntries(
    Object.entries(sizes[mode as keyof typeof sizes] ?? sizes.small).map(([name, value]) => [
      name,
      process.env[name] ?? value,
    ]),
  )

export default defineConfig(({ mode }) => {
  const project = (name: string, globalSetup: string[] = ['tests/support/global-setup.ts']) => ({
    extends: true as const,
    test: { name, include: [`tests/${name}/**/*.test.ts`], globalSetup, env: chosen(mode) },
  })
  return {
    test: {
      testTimeout: 60_000,
      hookTimeout: 120_000,
      // The server has cores of its own to wait for; vitest alone would leave one idle.
      maxWorkers: 2,
      // Modules are loaded once per worker, not once per file: that alone was a quarter of the time. No test mocks one.
      isolate: false,
      // CONTRIBUTING.md says what each folder holds.
      projects: [
        project('unit', []),
        project('database'),
        project('generator'),
        project('process'),
        project('release'),
      ],
      // `npm run test:coverage`. What runs in a process of its own, as the command line does, is not counted.
      coverage: {
        include: ['src/**/*.ts'],
        reporter: ['text', 'json-summary'],
        thresholds: {
          'src/connection/**': { lines: 95, branches: 95 },
          'src/migrations/**': { lines: 95, branches: 95 },
          'src/client/credential*.ts': { lines: 95, branches: 95 },
          'src/admin/credentials.ts': { lines: 95, branches: 95 },
        },
      },
    },
  }
})
