import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { migrate } from '../src/deployment/migrate.ts'
import { readCatalog } from './catalog.ts'
import { useDatabase } from './database.ts'
import { sqlFiles } from './files.ts'

/*
 * The real CLI, on a database with Supabase's roles and default privileges. It asks nobody on the network: telemetry
 * off, the database given by URL.
 */

const pushed = useDatabase('host')
const migrated = useDatabase('host')
const reset = useDatabase('host')
const names = sqlFiles('migrations').map(({ name }) => name)
let project: string

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'integrations-db-cli-'))
  cpSync('supabase', join(project, 'supabase'), { recursive: true })
})
afterEach(() => rmSync(project, { recursive: true, force: true }))

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

const history = (sql: typeof pushed.admin) =>
  sql`select version, name, statements from supabase_migrations.schema_migrations order by version`

describe('the Supabase CLI', () => {
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

  test('resets a host project that carries copies of our files twice in a row, with the same outcome', async () => {
    const migrations = join(project, 'supabase', 'migrations')
    mkdirSync(migrations, { recursive: true })
    writeFileSync(
      join(migrations, '20200101000000_create_organizations.sql'),
      'create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null);\nalter table public.organizations enable row level security;\n',
    )
    const outcomes = []
    for (let round = 0; round < 2; round++) {
      await supabase(reset.adminUrl, 'db', 'reset')
      expect((await history(reset.admin)).map((row) => `${row.version}_${row.name}.sql`)).toEqual([
        '20200101000000_create_organizations.sql',
        ...names,
      ])
      outcomes.push(await readCatalog(reset.admin))
    }
    expect(outcomes[1]).toEqual(outcomes[0])
  })

  test('advises nothing against the result, though it does against a table without row-level security', async () => {
    const advise = () => supabase(reset.adminUrl, 'db', 'advisors', '--level', 'warn', '--fail-on', 'warn')
    expect(await advise()).toMatch(/no issues found/i)
    await reset.admin`create table public.unprotected (id uuid primary key)`
    await expect(advise()).rejects.toMatchObject({ stdout: expect.stringContaining('rls_disabled') })
  })
})
