import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { queriesOf, withAdminConnection, withExclusiveAdmin } from '../../src/admin/connection.ts'
import { exportMigrations } from '../../src/deployment/export.ts'
import { createHistory, deploymentLock } from '../../src/deployment/history.ts'
import { applyPending, migrate } from '../../src/deployment/migrate.ts'
import { rollback } from '../../src/deployment/rollback.ts'
import { status } from '../../src/deployment/status.ts'
import { readCatalog } from '../support/catalog.ts'
import { sqlFiles } from '../support/files.ts'
import { inDatabase, refusal, schemaOf, urlOf } from '../support/projects.ts'

const names = sqlFiles('migrations').map(({ name }) => name)
const versions = names.map((name) => name.slice(0, 14))
const [first = '', second = '', third = ''] = versions
const newest = versions.at(-1) ?? ''

let folder: string
let supabase: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'integrations-db-deployment-'))
  supabase = join(folder, 'supabase')
  cpSync('supabase', supabase, { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const migrationFile = (version: string) =>
  join(supabase, 'migrations', names.find((name) => name.startsWith(version)) ?? '')

/** A host's database, in which nothing of ours has ever been. */
function onHost(work: (sql: postgres.Sql, url: string) => Promise<void>): Promise<void> {
  return inDatabase((sql) => work(sql, urlOf(sql)))
}

const history = async (sql: postgres.Sql) =>
  (await sql`select version from supabase_migrations.schema_migrations order by version`).map(({ version }) => version)

/** Whatever a refusal may have touched. */
const stateOf = async (sql: postgres.Sql) => [await readCatalog(sql), await history(sql)]

describe('migrate', () => {
  test('20 at once: one applies every file, the others wait and find nothing to do', () =>
    onHost(async (sql, url) => {
      const reports = await Promise.all(Array.from({ length: 20 }, () => migrate({ url })))
      expect(reports.filter(({ applied }) => applied.length > 0)).toEqual([{ applied: names, pending: [] }])
      expect(await history(sql)).toEqual(versions)
    }))

  test('says that it waits while somebody else migrates, and then goes on', () =>
    onHost(async (_, url) => {
      let other: ReturnType<typeof migrate> | undefined
      await withAdminConnection(url, (admin) => queriesOf(admin).query(createHistory))
      await withExclusiveAdmin(url, deploymentLock, async () => {
        await new Promise<void>((resolve) => {
          other = migrate({ url, onWait: resolve })
        })
        expect((await status({ url })).applied).toEqual([])
      })
      expect((await other)?.applied).toEqual(names)
    }))

  test('passes over a file that somebody else applies at that very moment, by other means', () =>
    onHost(async (sql, url) => {
      await withAdminConnection(url, async (admin) => {
        const database = queriesOf(admin)
        let raced = false
        const report = await applyPending(
          {
            async query(text) {
              if (!raced && text.includes('integrations_db$')) {
                raced = true
                await migrate({ url, to: first })
              }
              return database.query(text)
            },
          },
          {},
        )
        expect(report.applied).toEqual(names.slice(1))
      })
      expect(await history(sql)).toEqual(versions)
    }))

  test('with dryRun says what it would apply and leaves the database as it was', () =>
    onHost(async (sql, url) => {
      expect(await migrate({ url, dryRun: true })).toEqual({ applied: [], pending: names })
      expect(await migrate({ url, to: second, dryRun: true })).toEqual({ applied: [], pending: names.slice(0, 2) })
      expect(await sql`select from pg_namespace where nspname in ('integrations', 'supabase_migrations')`).toHaveLength(
        0,
      )
    }))

  test('stops at the version it is told, goes on from there, and refuses one that no file has', () =>
    onHost(async (sql, url) => {
      expect(await migrate({ url, to: second })).toEqual({ applied: names.slice(0, 2), pending: names.slice(2) })
      expect(await history(sql)).toEqual([first, second])
      expect(await refusal(migrate({ url, to: '20200101000000' }))).toMatchObject({
        code: 'not_found',
        message: expect.stringMatching(/20200101000000.*there are .*/),
      })
      expect((await migrate({ url })).applied).toEqual(names.slice(2))
    }))

  test("counts the host's versions, whatever they look like, and never touches them", () =>
    onHost(async (sql, url) => {
      await migrate({ url, to: first })
      await sql`insert into supabase_migrations.schema_migrations (version, name, statements) values
        ('1', null, null), ('20200101000000', 'organizations', '{select 1}'), ('29990101000000', 'later', '{}')`
      const before =
        await sql`select * from supabase_migrations.schema_migrations where version not in ${sql(versions)}`
      await migrate({ url })
      expect(await status({ url })).toEqual({ applied: names, pending: [], host: 3, problems: [] })
      await rollback({ url, steps: 99, acceptDataLoss: true })
      expect([...(await sql`select * from supabase_migrations.schema_migrations`)]).toEqual([...before])
    }))

  test("takes versions that another project's build wrote for the host's", () =>
    onHost(async (sql, url) => {
      await migrate({ url })
      const theirs = readFileSync(migrationFile(first), 'utf8').replace(/^-- project: .*$/m, '-- project: host')
      await sql`insert into supabase_migrations.schema_migrations (version, name, statements) values ('20250101000000', 'theirs', ${[theirs]})`
      expect(await status({ url })).toMatchObject({ host: 1, problems: [] })
    }))

  test('goes on where a history row was entered by hand, without name and statements', () =>
    onHost(async (sql, url) => {
      await migrate({ url, to: first })
      await sql`update supabase_migrations.schema_migrations set name = null, statements = null`
      expect((await migrate({ url })).applied).toEqual(names.slice(1))
    }))

  const refusals: [string, (sql: postgres.Sql) => Promise<void> | void, RegExp][] = [
    [
      'a file that was changed after it was applied',
      () => appendFileSync(migrationFile(first), '\nselect 4711;\n'),
      /create_integrations_schema\.sql: was changed after it was applied: .* became .*select 4711.*write a new migration/,
    ],
    [
      'an applied file that is gone',
      () => rmSync(migrationFile(second)),
      /20261123195743_create_organization_integrations\.sql: is applied, and there is no such file.*put it back/,
    ],
    [
      'a version that the host gave to a migration of its own',
      async (sql) => {
        await sql`update supabase_migrations.schema_migrations set name = 'theirs' where version = ${first}`
      },
      /the history has it as theirs, the file is 20261123195735_create_integrations_schema\.sql/,
    ],
    [
      'a file older than the newest applied one',
      () => writeFileSync(join(supabase, 'migrations', '20261123200000_late.sql'), 'select 1;'),
      /20261123200000_late\.sql: is not applied, though the newer 20261124060023_create_credentials\.sql is; give it a version after/,
    ],
  ]
  test.each(refusals)('refuses %s, with both values and the hint, and applies nothing', (_, spoil, message) =>
    onHost(async (sql, url) => {
      await migrate({ url, supabase, to: third })
      await spoil(sql)
      const before = await stateOf(sql)
      expect(await refusal(migrate({ url, supabase }))).toMatchObject({
        code: 'conflict',
        message: expect.stringMatching(message),
      })
      expect(await stateOf(sql)).toEqual(before)
      expect((await status({ url, supabase })).problems).toHaveLength(1)
    }),
  )

  test('leaves nothing of a file that fails, and says which were applied before it', () =>
    onHost(async (sql, url) => {
      writeFileSync(
        join(supabase, 'migrations', '20270101000000_broken.sql'),
        'create table halfway ();\nselect 1 / 0;',
      )
      expect(await refusal(migrate({ url, supabase }))).toMatchObject({
        code: 'invalid_input',
        message: expect.stringMatching(
          /20270101000000_broken\.sql: division by zero; nothing of this file was applied; applied before it: .*create_credentials/,
        ),
      })
      expect(await sql`select from pg_tables where tablename = 'halfway'`).toHaveLength(0)
      expect(await history(sql)).toEqual(versions)
    }))

  test('refuses a file that ends its own transaction: its history row would not be part of it', () =>
    onHost(async (sql, url) => {
      writeFileSync(join(supabase, 'migrations', '20270101000000_own.sql'), 'create table own ();\ncommit;')
      expect(await refusal(migrate({ url, supabase }))).toMatchObject({
        message: expect.stringMatching(/20270101000000_own\.sql:2: holds commit.*take it out/),
      })
      expect(await sql`select from pg_tables where tablename = 'own'`).toHaveLength(0)
    }))

  test('builds an index concurrently while others wait for their turn', () =>
    onHost(async (sql, url) => {
      writeFileSync(
        join(supabase, 'migrations', '20270101000000_slow_concurrently.sql'),
        '-- integrations-db: no transaction\ncreate index concurrently if not exists slow on public.organizations (name);\nselect pg_sleep(0.3);\n',
      )
      const reports = await Promise.all(Array.from({ length: 8 }, () => migrate({ url, supabase })))
      expect(reports.filter(({ applied }) => applied.length > 0)).toHaveLength(1)
      expect(await sql`select from pg_index where indexrelid = 'public.slow'::regclass and indisvalid`).toHaveLength(1)
    }))
})

describe('rollback', () => {
  test('goes back to a version, which stays, and removes the history rows of the others', () =>
    onHost(async (sql, url) => {
      await migrate({ url, to: second })
      const before = await stateOf(sql)
      await migrate({ url })
      const report = await rollback({ url, to: second, acceptDataLoss: true })
      expect(report.rolledBack).toEqual(names.slice(2).reverse())
      expect(report.losses.join()).toContain('organization_integration_events')
      expect(await stateOf(sql)).toEqual(before)
    }))

  test('states what data goes and loses none of it unless told', () =>
    onHost(async (sql, url) => {
      await migrate({ url })
      const before = await stateOf(sql)
      expect(await refusal(rollback({ url, to: second }))).toMatchObject({
        code: 'conflict',
        message: expect.stringMatching(/organization_integration_credentials.*--yes/s),
      })
      expect(await stateOf(sql)).toEqual(before)
    }))

  test('refuses where the rollback is missing, or belongs to another file than was applied, and undoes nothing', () =>
    onHost(async (sql, url) => {
      await migrate({ url, supabase })
      const before = await stateOf(sql)
      const way = join(supabase, 'rollbacks', names.find((name) => name.startsWith(third)) ?? '')
      const text = readFileSync(way, 'utf8')
      rmSync(way)
      const back = () => refusal(rollback({ url, supabase, to: first, acceptDataLoss: true }))
      expect(await back()).toMatchObject({ code: 'not_found', message: expect.stringContaining(`${way}: is missing`) })
      writeFileSync(way, text)
      appendFileSync(migrationFile(newest), '\nselect 1;')
      expect(await back()).toMatchObject({ code: 'conflict', message: expect.stringContaining('was changed') })
      expect(await stateOf(sql)).toEqual(before)
    }))

  test('refuses a version that is not applied', () =>
    onHost(async (_, url) => {
      await migrate({ url, to: second })
      expect(await refusal(rollback({ url, to: newest }))).toMatchObject({ code: 'not_found' })
    }))
})

describe('status', () => {
  test('of a database that nobody migrated says that all is pending and creates nothing', () =>
    onHost(async (sql, url) => {
      expect(await status({ url })).toEqual({ applied: [], pending: names, host: 0, problems: [] })
      expect(await sql`select from pg_namespace where nspname = 'supabase_migrations'`).toHaveLength(0)
    }))
})

const organizations = 'create table public.organizations (id uuid primary key, name text);'

describe('export', () => {
  const host = () => join(folder, 'host')
  const exported = () => readdirSync(join(host(), 'supabase', 'migrations')).sort()
  const write = (name: string, text: string) => writeFileSync(join(host(), 'supabase', 'migrations', name), text)
  const own = '20200101000000_organizations.sql'
  beforeEach(() => {
    mkdirSync(join(host(), 'supabase', 'migrations'), { recursive: true })
    write(own, organizations)
  })
  /** Every state of the folder that a refusal may have touched. */
  const contents = () => exported().map((name) => [name, readFileSync(join(host(), 'supabase', 'migrations', name))])

  test.each([
    ['the project', ''],
    ['its supabase', 'supabase'],
    ['its migrations', 'supabase/migrations'],
  ])(
    'copies every migration, byte for byte, and no rollback into the folder of %s, and then nothing more',
    async (_, path) => {
      const directory = join(host(), path)
      expect(await exportMigrations({ directory })).toMatchObject({ copied: names, present: [], problems: [] })
      expect(exported()).toEqual([own, ...names])
      for (const { name, text } of sqlFiles('migrations')) {
        expect(readFileSync(join(host(), 'supabase', 'migrations', name), 'utf8')).toBe(text)
      }
      expect(await exportMigrations({ directory })).toMatchObject({ copied: [], present: names })
    },
  )

  test("gives copies versions behind all that is there: behind the organizations they need, and the host's latest", async () => {
    rmSync(join(host(), 'supabase', 'migrations', own))
    write('20990101235958_organizations.sql', organizations)
    const { copied } = await exportMigrations({ directory: host() })
    expect(copied.slice(0, 2)).toEqual([
      `20990101235959_${names[0]?.slice(15)}`,
      `20990102000000_${names[1]?.slice(15)}`,
    ])
    expect(exported()).toEqual(['20990101235958_organizations.sql', ...copied])
    expect(await exportMigrations({ directory: host() })).toMatchObject({ copied: [], present: copied, problems: [] })
  })

  test("keeps apart from a migration of the host's that has the version of one of ours", async () => {
    write(`${second}_theirs.sql`, 'select 1;')
    const { copied } = await exportMigrations({ directory: host() })
    expect(copied.every((name) => name > `${second}_theirs.sql`)).toBe(true)
    expect(new Set(exported().map((name) => name.slice(0, 14))).size).toBe(names.length + 2)
  })

  test('brings a copy back to its place among the others, also where they have versions of their own', async () => {
    write('20990101000000_later.sql', 'select 1;')
    const { copied } = await exportMigrations({ directory: host() })
    const all = contents()
    rmSync(join(host(), 'supabase', 'migrations', copied[1] ?? ''))
    expect(await exportMigrations({ directory: host() })).toMatchObject({ copied: [copied[1]], problems: [] })
    expect(contents()).toEqual(all)
  })

  test('--check says what is missing and --dry-run what it would copy; neither writes', async () => {
    const before = contents()
    for (const how of [{ check: true }, { dryRun: true }]) {
      expect(await exportMigrations({ directory: host(), ...how })).toMatchObject({ copied: names, problems: [] })
      expect(contents()).toEqual(before)
    }
  })

  test('takes a copy whose line ends git changed for the same', async () => {
    await exportMigrations({ directory: host() })
    for (const { name, text } of sqlFiles('migrations')) write(name, text.replaceAll('\n', '\r\n'))
    expect(await exportMigrations({ directory: host(), check: true })).toMatchObject({ copied: [], problems: [] })
  })

  const mistakes: [string, () => void, RegExp][] = [
    [
      'an edited copy',
      () => appendFileSync(join(host(), 'supabase', 'migrations', names[1] ?? ''), 'select 1;'),
      /was edited, \d+ characters where ours has \d+/,
    ],
    [
      'another file under the name of a copy',
      () => write(names[1] ?? '', 'select 1;'),
      /was edited, 9 characters where ours has \d+/,
    ],
    [
      'a copy that is there twice',
      () => write('20980101000000_again.sql', sqlFiles('migrations')[1]?.text ?? ''),
      /20980101000000_again\.sql: is there as .*create_organization_integrations\.sql too; delete one/,
    ],
    [
      'copies that sort before the organizations they need',
      () => {
        rmSync(join(host(), 'supabase', 'migrations', own))
        write('20980101000000_organizations.sql', organizations)
      },
      /create_organization_integrations\.sql: sorts before 20980101000000_organizations\.sql, which creates the organizations/,
    ],
    [
      'a copy that sorts before another it needs',
      () => {
        rmSync(join(host(), 'supabase', 'migrations', names[1] ?? ''))
        write('20980101000000_moved.sql', sqlFiles('migrations')[1]?.text ?? '')
      },
      /create_credentials\.sql: sorts before 20980101000000_moved\.sql, which it needs/,
    ],
    [
      'a copy of a later version of the package',
      () =>
        write(
          '20980101000000_later.sql',
          (sqlFiles('migrations')[0]?.text ?? '').replace(/^-- \d{14}_\S+/m, '-- 20980101000000_later'),
        ),
      /20980101000000_later\.sql: is a copy that this version of the package does not have; install the version that wrote it/,
    ],
  ]
  test.each(mistakes)('refuses %s and writes nothing; --check reports it', async (_, spoil, message) => {
    await exportMigrations({ directory: host() })
    expect((await exportMigrations({ directory: host(), check: true })).problems).toEqual([])
    spoil()
    const before = contents()
    expect(await refusal(exportMigrations({ directory: host() }))).toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(message),
    })
    const { problems } = await exportMigrations({ directory: host(), check: true })
    expect(problems.join('\n')).toMatch(message)
    expect(contents()).toEqual(before)
  })

  test.each([
    ['nothing at all', ''],
    ['a table of that name in another schema', 'create table app.organizations (id uuid primary key);'],
    ['other tables', 'create table organizations_archive (id uuid); create table my_organizations (id uuid);'],
    ['a comment', '-- create table organizations (id uuid)\n/* create table organizations () */ select 1;'],
    ['a table that is dropped again', `${organizations} drop table if exists organizations;`],
    ['a table that is renamed', `${organizations} alter table public.organizations rename to tenants;`],
    ['a temporary table', 'create temp table organizations (id uuid primary key);'],
  ])('refuses a project that has %s and no organizations', async (_, text) => {
    write(own, text)
    expect(await refusal(exportMigrations({ directory: host() }))).toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/no migration creates public\.organizations.*supabase db pull/),
    })
    expect(exported()).toEqual([own])
  })

  test.each([
    'CREATE TABLE IF NOT EXISTS "public"."organizations" ("id" uuid NOT NULL);',
    'create unlogged table organizations(id uuid);',
    'create table tenants (id uuid primary key); alter table tenants rename to organizations;',
    'create table app.organizations (id uuid primary key); alter table app.organizations set schema public;',
    'do $$ begin if true then create table organizations (id uuid primary key); end if; end $$;',
    'create table public.organizations as select 1;',
    `drop table if exists organizations; ${organizations}`,
  ])('knows what creates organizations: %s', async (text) => {
    write(own, text)
    expect((await exportMigrations({ directory: host() })).copied).toEqual(names)
  })

  test('refuses a folder that is not there', async () => {
    expect(await refusal(exportMigrations({ directory: join(folder, 'nowhere') }))).toMatchObject({ code: 'not_found' })
  })
})

describe('copies under versions of their own', () => {
  /** As the host's `supabase db push` runs and records them. */
  async function push(url: string, supabase: string): Promise<void> {
    await migrate({ url, supabase })
  }
  const hosted = () => join(folder, 'host', 'supabase')
  beforeEach(() => {
    mkdirSync(join(hosted(), 'migrations'), { recursive: true })
    writeFileSync(
      join(hosted(), 'migrations', '20990101000000_organizations.sql'),
      `${organizations}`.replace('table', 'table if not exists'),
    )
  })

  test('are known by status, migrate, rollback and the history of the folder itself', () =>
    onHost(async (sql, url) => {
      const { copied } = await exportMigrations({ directory: hosted() })
      expect(copied.every((name) => name.startsWith('20990101'))).toBe(true)
      await push(url, hosted())
      expect(await status({ url })).toEqual({ applied: names, pending: [], host: 1, problems: [] })
      expect(await migrate({ url })).toEqual({ applied: [], pending: [] })
      expect(await status({ url, supabase: hosted() })).toMatchObject({ pending: [], host: 0, problems: [] })

      const { rolledBack } = await rollback({ url, to: second, acceptDataLoss: true })
      expect(rolledBack).toEqual(names.slice(2).reverse())
      expect(await history(sql)).toEqual(['20990101000000', ...copied.slice(0, 2).map((name) => name.slice(0, 14))])
      await push(url, hosted())
      expect(await status({ url })).toMatchObject({ applied: names, problems: [] })
    }))

  test('are found changed, gone or out of order as the originals are', () =>
    onHost(async (sql, url) => {
      await exportMigrations({ directory: hosted() })
      await push(url, hosted())
      const [row] =
        await sql`select version from supabase_migrations.schema_migrations where name = 'create_credentials'`
      await sql`update supabase_migrations.schema_migrations set statements = statements || '{select 4711}'
        where version = ${row?.version}`
      expect((await status({ url })).problems).toMatchObject([{ version: third, problem: 'changed' }])
      await sql`delete from supabase_migrations.schema_migrations where version = ${row?.version}`
      expect((await status({ url })).problems).toMatchObject([{ version: third, problem: 'out of order' }])
      rmSync(migrationFile(newest))
      expect((await status({ url, supabase })).problems).toMatchObject([{ problem: 'gone' }, { version: third }])
    }))

  test('an upgrade of the package, with migrations of the host in between, ends in one state by push and by reset', async () => {
    const older = join(folder, 'older')
    cpSync(supabase, older, { recursive: true })
    for (const name of names.slice(3)) rmSync(join(older, 'migrations', name))
    const view =
      'create view public.systems as select organization_id, integration_type from public.organization_integrations;'
    const files = () => readdirSync(join(hosted(), 'migrations'))
    let pushed: unknown
    await onHost(async (sql, url) => {
      await exportMigrations({ directory: hosted(), supabase: older })
      await push(url, hosted())
      writeFileSync(join(hosted(), 'migrations', '20990201000000_systems.sql'), view)
      await push(url, hosted())
      const { copied, present } = await exportMigrations({ directory: hosted() })
      expect([present.length, copied.length]).toEqual([3, names.length - 3])
      // Behind what the host has pushed meanwhile: db push takes them without --include-all.
      expect(files().sort().slice(-copied.length)).toEqual(copied)
      await push(url, hosted())
      expect(await status({ url })).toEqual({ applied: names, pending: [], host: 2, problems: [] })
      pushed = await schemaOf(sql)
    })
    await onHost(async (sql, url) => {
      await sql.unsafe('drop table public.organizations')
      await push(url, hosted())
      expect(await schemaOf(sql)).toEqual(pushed)
    })
  })
})

describe('a history that claims tables which are gone', () => {
  test('is said by status and stops migrate and rollback, with the statement after which migrate makes them anew', () =>
    onHost(async (sql, url) => {
      await migrate({ url, to: versions.at(-2) ?? '' })
      await sql.unsafe('drop table public.organization_integration_events, public.organization_integrations cascade')
      const message = (name: string, table: string) =>
        expect.stringMatching(
          new RegExp(`${name}\\.sql: is applied, and public\\.${table} is not there.*drizzle-kit push.*delete from`),
        )
      const { problems } = await status({ url })
      expect(problems).toEqual([
        {
          version: second,
          problem: 'tables lost',
          message: message('create_organization_integrations', 'organization_integrations'),
        },
        {
          version: third,
          problem: 'tables lost',
          message: message('create_credentials', 'organization_integration_events'),
        },
      ])
      const before = await history(sql)
      expect(await refusal(migrate({ url }))).toMatchObject({ code: 'conflict' })
      expect(await refusal(rollback({ url, steps: 1, acceptDataLoss: true }))).toMatchObject({ code: 'conflict' })
      expect(await history(sql)).toEqual(before)

      await sql.unsafe(/delete from [^;]*/.exec(problems[0]?.message ?? '')?.[0] ?? '')
      expect((await migrate({ url })).applied).toEqual(names.slice(1))
      expect((await status({ url })).problems).toEqual([])
      const fixed = await schemaOf(sql)
      await onHost(async (fresh, its) => {
        await migrate({ url: its })
        expect(fixed).toEqual(await schemaOf(fresh))
      })
    }))
})
