import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, inject, test } from 'vitest'
import { migrate } from '../../src/deployment/migrate.ts'
import { type Catalog, expectedCatalog, readCatalog } from '../../src/doctor/catalog.ts'
import { doctor } from '../../src/doctor/doctor.ts'
import { parseStatements } from '../../src/migrations/statements.ts'
import { mutantsOf } from '../isolation/mutants.ts'
import { useDatabase } from '../support/database.ts'
import { findings, findingsOfMigrated, queries, undone, withoutLogins } from '../support/diagnosis.ts'
import { databaseUrl } from '../support/global-setup.ts'

const t = useDatabase()
const host = useDatabase('host')

/** One in so many of a long list, from a place that differs from day to day. */
function sample<T>(all: T[], every: number): T[] {
  const start = Math.floor(Date.now() / 86_400_000) % every
  return all.filter((_, i) => i % every === start)
}

describe('a database that is as the migrations make it gives no drift', () => {
  const drift = async (url: string) => withoutLogins((await doctor({ url })).findings)

  test('where Supabase grants everything on new objects', async () => {
    expect(await drift(t.adminUrl)).toEqual([])
    expect((await doctor({ url: t.adminUrl })).healthy).toBe(true)
  })

  test('whatever search_path the administrator has, and however the server quotes names', async () => {
    await undone(t.admin, async (tx) => {
      await tx`set local search_path = integrations, public, extensions`
      await tx`set local quote_all_identifiers = on`
      expect(await findings(tx)).toEqual([])
    })
  })

  test('and doctor writes nothing: a read-only transaction is enough', async () => {
    await undone(t.admin, async (tx) => {
      await tx`set transaction read only`
      expect(await findings(tx)).toEqual([])
    })
  })

  test('where moddatetime lives in another schema, and a lost trigger is fixed with that one', async () => {
    await host.admin.unsafe('create schema "own shared"; create extension moddatetime schema "own shared"')
    await migrate({ url: host.adminUrl })
    expect(await drift(host.adminUrl)).toEqual([])
    await host.admin`drop trigger touch_updated_at on organization_integrations`
    const [lost] = await drift(host.adminUrl)
    await host.admin.unsafe(lost?.fix ?? '')
    expect(await drift(host.adminUrl)).toEqual([])
    expect(
      await host.admin`select tgfoid::regproc::text as name from pg_trigger where tgname = 'touch_updated_at'`,
    ).toMatchObject([{ name: '"own shared".moddatetime' }])
  })
})

describe('an administrator who is no superuser', () => {
  const own = useDatabase('host')

  test('migrates with BYPASSRLS and the right to create, then sees no drift, what is broken, and how to fix it', async () => {
    const login = { name: `${own.name}_owner`, password: randomBytes(16).toString('hex') }
    await own.admin.unsafe(`create role ${login.name} login bypassrls password '${login.password}';
      grant create on database ${own.name} to ${login.name}; grant all on schema public, extensions to ${login.name};
      grant references, select, insert on organizations to ${login.name}; alter schema extensions owner to ${login.name}`)
    const url = databaseUrl(inject('server'), own.name, login)
    try {
      await migrate({ url })
      const all = async () => withoutLogins((await doctor({ url })).findings)
      expect(await all()).toEqual([])
      await own.admin`alter table organization_integrations no force row level security`
      await own.admin`drop function integrations.caller()`
      const broken = await all()
      expect(broken.map(({ what }) => what)).toEqual(['table: row-level security for the owner', 'missing function'])
      await own.admin.unsafe(`set role ${login.name}; ${broken.map(({ fix }) => fix).join('\n')}; reset role`)
      expect(await all()).toEqual([])
    } finally {
      await own.admin.unsafe(`drop owned by ${login.name} cascade; drop role ${login.name}`)
    }
  })
})

describe('what pg_dump shows of our objects, doctor reads', () => {
  const dumped = useDatabase('host')
  /** The dump in git lacks extensions, and what pg_dump takes for granted is what plain PostgreSQL grants. */
  const before = `
    set local check_function_bodies = off;
    alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
    alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;
    create extension moddatetime schema extensions;`
  const statements = async () =>
    (await parseStatements(readFileSync('supabase/schema.sql', 'utf8'), 'schema.sql')).map(({ text }) => text)
  const reading = ({ objects }: Catalog) => objects.map(({ needs, ...object }) => object)

  test('a database restored from the dump is to doctor the one that the migrations make', async () => {
    await undone(dumped.admin, async (tx) => {
      await tx.unsafe(before)
      await tx.unsafe((await statements()).join(';\n'))
      await tx.unsafe('create extension if not exists pgcrypto schema extensions')
      expect((await readCatalog(queries(tx))).objects).toEqual(await expectedCatalog())
    })
  })

  test('a statement left out of the dump stops the restore, or changes what doctor reads', {
    timeout: 300_000,
  }, async () => {
    const all = await statements()
    const unseen: string[] = []
    await undone(dumped.admin, async (tx) => {
      await tx.unsafe(before)
      const whole = JSON.stringify(await expectedCatalog().then((objects) => reading({ owner: '', objects })))
      // Schema public is the host's.
      const ours = [...all.keys()].filter((i) => !all[i]?.includes(' ON SCHEMA public '))
      const wanted = sample(ours, Number(process.env.DUMP_EVERY))
      for (const [i, statement] of all.entries()) {
        if (wanted.includes(i)) {
          // Each time the rest is restored without it; a rest that cannot be restored needs no doctor to say so.
          await tx
            .savepoint(async (attempt) => {
              await attempt.unsafe(
                [...all.slice(i + 1), 'create extension if not exists pgcrypto schema extensions'].join(';\n'),
              )
              if (JSON.stringify(reading(await readCatalog(queries(attempt)))) === whole) unseen.push(statement)
              throw new Error('undo')
            })
            .catch(() => {})
        }
        await tx.unsafe(statement)
      }
    })
    expect(unseen).toEqual([])
  })
})

describe('every way to get isolation wrong that the mutation suite knows', () => {
  test('is drift to doctor', { timeout: 1_200_000 }, async () => {
    const all = await mutantsOf(t.admin)
    console.log(`${all.length} ways, one in ${process.env.MUTANT_EVERY} tried`)
    const mutants = sample(all, Number(process.env.MUTANT_EVERY))
    const unseen: string[] = []
    for (const { name, sql } of mutants) {
      await undone(t.admin, async (tx) => {
        await tx.unsafe(sql)
        if (!(await findingsOfMigrated(tx)).some(({ severity }) => severity === 'drift')) unseen.push(name)
      })
    }
    expect(all.length).toBeGreaterThan(200)
    expect(mutants.length).toBeGreaterThan(all.length / 200)
    expect(unseen).toEqual([])
  })
})
