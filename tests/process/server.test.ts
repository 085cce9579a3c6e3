import { spawnSync } from 'node:child_process'
import postgres from 'postgres'
import { expect, inject, test, vi } from 'vitest'
import { bootstrapSql } from '../../src/admin/bootstrap.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { status } from '../../src/deployment/status.ts'
import { sqlFiles } from '../support/files.ts'
import { databaseUrl } from '../support/global-setup.ts'
import { containerImage, startContainer, startServer } from '../support/server.ts'

const image = await containerImage()

test.skipIf(image === undefined)(
  `the migrations apply in a container of @testcontainers/postgresql${image ? ` (${image})` : ' - skipped: Docker does not answer, or has no image and cannot pull one'}`,
  async () => {
    // Where Docker answers every test runs in a container, this one too; a second would only take its time.
    const given = inject('server')
    if (given.kind.startsWith('Testcontainers')) return expectMigrated(databaseUrl(given, given.migratedTemplate))
    const server = await startContainer(image ?? '')
    const sql = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
    try {
      await sql.unsafe(`${bootstrapSql} create table organizations (id uuid primary key)`)
      expect((await migrate({ url: server.adminUrl })).applied).toHaveLength(sqlFiles('migrations').length)
      await expectMigrated(server.adminUrl)
    } finally {
      await sql.end()
      await server.stop()
    }
  },
  120_000,
)

async function expectMigrated(url: string): Promise<void> {
  expect(await status({ url })).toMatchObject({ applied: sqlFiles('migrations').map(({ name }) => name), pending: [] })
}

test('TEST_DATABASE_URL is refused unless its database is called a test', async () => {
  vi.stubEnv('TEST_DATABASE_URL', 'postgresql://postgres@127.0.0.1/production')
  await expect(startServer()).rejects.toThrow(/names database "production".*contains "test"/)
  vi.unstubAllEnvs()
})

test('a run that failed says so in its exit status, though it used the embedded server', () => {
  const script = `import('./tests/support/embedded.ts').then(async ({ startEmbedded }) => {
    const server = await startEmbedded()
    await server.stop()
    process.exitCode = 3
  })`
  const run = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script])
  expect(run.status).toBe(3)
})
