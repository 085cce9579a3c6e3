import { spawnSync } from 'node:child_process'
import postgres from 'postgres'
import { expect, test, vi } from 'vitest'
import { bootstrapSql } from '../src/bootstrap.ts'
import { migrate } from '../src/deployment/migrate.ts'
import { sqlFiles } from './files.ts'
import { containerImage, startContainer, startServer } from './server.ts'

const image = await containerImage()

test.skipIf(image === undefined)(
  `the migrations apply in a container of @testcontainers/postgresql${image ? ` (${image})` : ' - skipped: Docker does not answer, or has no image and cannot pull one'}`,
  async () => {
    const server = await startContainer(image ?? '')
    const sql = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
    try {
      await sql.unsafe(`${bootstrapSql} create table organizations (id uuid primary key)`)
      expect((await migrate({ url: server.adminUrl })).applied).toHaveLength(sqlFiles('migrations').length)
      const [row] = await sql`select relforcerowsecurity from pg_class where relname = 'organization_integrations'`
      expect(row?.relforcerowsecurity).toBe(true)
    } finally {
      await sql.end()
      await server.stop()
    }
  },
  120_000,
)

test('TEST_DATABASE_URL is refused unless its database is called a test', async () => {
  vi.stubEnv('TEST_DATABASE_URL', 'postgresql://postgres@127.0.0.1/production')
  await expect(startServer()).rejects.toThrow(/names database "production".*contains "test"/)
  vi.unstubAllEnvs()
})

test('a run that failed says so in its exit status, though it used the embedded server', () => {
  const script = `import('./tests/embedded.ts').then(async ({ startEmbedded }) => {
    const server = await startEmbedded()
    await server.stop()
    process.exitCode = 3
  })`
  const { status } = spawnSync('npx', ['tsx', '--eval', script], { shell: process.platform === 'win32' })
  expect(status).toBe(3)
})
