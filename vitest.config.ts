import { defineConfig } from 'vitest/config'

// `--mode full` is npm run test:all: everything at its full size.
export default defineConfig(({ mode }) => ({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    env: { STORM_CALLS: mode === 'full' ? '200000' : '2000' },
  },
}))
