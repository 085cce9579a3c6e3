import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exportMigrations } from '../../src/deployment/export.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { rollback } from '../../src/deployment/rollback.ts'
import { status } from '../../src/deployment/status.ts'
import { readCatalog } from '../support/catalog.ts'
import { useDatabase } from '../support/database.ts'
import { sqlFiles } from '../support/files.ts'

/*
 * The real CLI, on a database with Supabase's roles and default privileges. It asks nobody on the network: telemetry
 * off, the database given by URL.
 */

const pushed = useDatabase('host')
const migrated = useDatabase('host')
const shared = useDatabase('host')
const reset = useDatabase('host')
const hosted = useDatabase('host')
const names = sqlFiles('migrations').map(({ name }) => name)
let folder: string
let project: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'integrations-db-cli-'))
  project = folder
  cpSync('supabase', join(project, 'supabase'), { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function supabase(url: string, ...words: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(
    resolve('node_modules', '.bin', 'supabase'),
    [...words, `--remote=${url}`, '--yes'],
    {
      cwd: project,
      shell: process.platform === 'win32',
      env: { ...process.env, SUPABASE_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', NO_COLOR: '1' },
    },
  )
  return stdout + stderr
}

const version = (at: number) => String(names[at]?.slice(0, 14))

/** Local and remote version of each row of `migration list`. */
async function listed(url: string): Promise<string[][]> {
  const rows = (await supabase(url, 'migration', 'list')).matchAll(/^ *`(\d{14}| )` *\| *`(\d{14}| )`/gm)
  return [...rows].map(([, local = '', remote = '']) => [local.trim(), remote.trim()])
}

const history = (sql: typeof pushed.admin) =>
  sql`select version, name, statements from supabase_migrations.schema_migrations order by version`

// Each call of the CLI takes seconds where others are busy too.
describe('the Supabase CLI', { timeout: 180_000 }, () => {
  test('pushes every file and records it by version and name', async () => {
    await supabase(pushed.adminUrl, 'db', 'push')
    expect((await history(pushed.admin)).map((row) => `${row.version}_${row.name}.sql`)).toEqual(names)
    expect(await supabase(pushed.adminUrl, 'db', 'push', '--dry-run')).toMatch(/up to date|nothing/i)
  })

  test('finds nothing to do after integrations-db migrate, which leaves the same database and the same history', async () => {
    await migrate({ url: migrated.adminUrl })
    expect(await supabase(migrated.adminUrl, 'db', 'push', '--dry-run')).toMatch(/up to date|nothing/i)
    expect([...(await history(migrated.admin))]).toEqual([...(await history(pushed.admin))])
    expect(await readCatalog(migrated.admin)).toEqual(await readCatalog(pushed.admin))
    expect((await migrate({ url: pushed.adminUrl })).applied).toEqual([])
  })

  test('goes on where integrations-db stopped, and the other way round, forwards and back', async () => {
    const url = shared.adminUrl
    await migrate({ url, to: version(0) })
    await supabase(url, 'db', 'push')
    expect(await listed(url)).toEqual(names.map((_, i) => [version(i), version(i)]))
    expect(await status({ url })).toEqual({ applied: names, pending: [], host: 0, problems: [] })

    await rollback({ url, to: version(0), acceptDataLoss: true })
    expect(await listed(url)).toEqual(names.map((_, i) => [version(i), i === 0 ? version(i) : '']))
    await supabase(url, 'db', 'push')
    expect([...(await history(shared.admin))]).toEqual([...(await history(pushed.admin))])
    expect(await readCatalog(shared.admin)).toEqual(await readCatalog(pushed.admin))
  })

  test("pushes a host's project that has files older and newer than ours, without --include-all, and nothing is left to migrate", async () => {
    const host = join(project, 'host')
    const own = [
      '20200101000000_organizations.sql',
      `${Number(version(0)) + 1}_between.sql`,
      '20300101000000_after.sql',
    ]
    mkdirSync(join(host, 'supabase', 'migrations'), { recursive: true })
    cpSync('supabase/config.toml', join(host, 'supabase', 'config.toml'))
    for (const [i, name] of own.entries()) {
      writeFileSync(
        join(host, 'supabase', 'migrations', name),
        `create table if not exists public.organizations (id uuid primary key);\ncreate table public.hosts_${i} (id int);\n`,
      )
    }
    project = host
    await supabase(hosted.adminUrl, 'db', 'push')
    const { copied } = await exportMigrations({ directory: host })
    const last = '20310101000000_last.sql'
    writeFileSync(
      join(host, 'supabase', 'migrations', last),
      'create table public.hosts_3 (id int);\n-- The end of it; as it is.\n',
    )
    await supabase(hosted.adminUrl, 'db', 'push')
    const all = [...own, ...copied, last].map((name) => name.slice(0, 14))
    expect(await listed(hosted.adminUrl)).toEqual(all.map((each) => [each, each]))
    expect(await migrate({ url: hosted.adminUrl })).toEqual({ applied: [], pending: [] })
    expect(await status({ url: hosted.adminUrl })).toMatchObject({ host: 4, problems: [] })
    // As the CLI recorded them, comments below the last statement too.
    const whole = { url: hosted.adminUrl, supabase: join(host, 'supabase') }
    expect(await status(whole)).toMatchObject({ host: 0, pending: [], problems: [] })
    await hosted.admin`delete from supabase_migrations.schema_migrations where version = '20310101000000'`
    await hosted.admin`drop table public.hosts_3`
    await migrate(whole)
    expect(await supabase(hosted.adminUrl, 'db', 'push', '--dry-run')).toMatch(/up to date|nothing/i)
    expect((await history(hosted.admin)).at(-1)?.statements).toEqual([
      'create table public.hosts_3 (id int)',
      '-- The end of it; as it is.',
    ])
  })

  test('resets a host project whose organizations are newer than our files twice in a row, with the same outcome', async () => {
    const host = join(project, 'host')
    const migrations = join(host, 'supabase', 'migrations')
    mkdirSync(migrations, { recursive: true })
    cpSync('supabase/config.toml', join(host, 'supabase', 'config.toml'))
    const own = '20300101000000_create_organizations.sql'
    writeFileSync(
      join(migrations, own),
      'create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null);\nalter table public.organizations enable row level security;\n',
    )
    const { copied } = await exportMigrations({ directory: host })
    project = host
    const outcomes = []
    for (let round = 0; round < 2; round++) {
      await supabase(reset.adminUrl, 'db', 'reset')
      expect((await history(reset.admin)).map((row) => `${row.version}_${row.name}.sql`)).toEqual([own, ...copied])
      outcomes.push(await readCatalog(reset.admin))
    }
    expect(outcomes[1]).toEqual(outcomes[0])
    expect(await status({ url: reset.adminUrl })).toEqual({ applied: names, pending: [], host: 1, problems: [] })
  })

  test('advises nothing against the result, though it does against a table without row-level security', async () => {
    const advise = () => supabase(reset.adminUrl, 'db', 'advisors', '--level', 'warn', '--fail-on', 'warn')
    expect(await advise()).toMatch(/no issues found/i)
    await reset.admin`create table public.unprotected (id uuid primary key)`
    await expect(advise()).rejects.toMatchObject({ stdout: expect.stringContaining('rls_disabled') })
  })
})
