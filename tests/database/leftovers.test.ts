import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { IntegrationsDb, OrganizationScope } from '../../src/index.ts'
import { useDatabase } from '../support/database.ts'
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts'
import { addressOf, startProxy, type TcpProxy } from '../support/proxy.ts'

/*
 * One connection, and behind it one server process: whatever a caller leaves there, the next caller would meet. The
 * database lets everybody create temporary objects, as PostgreSQL does by default and bootstrap does not.
 */

const t = useDatabase()

/** Many a host has such a function; with it a select runs any statement. */
const runSql = `create function public.run_sql(statement text) returns text language plpgsql as $$
  begin execute statement; return 'ran'; end $$;
  create sequence public.numbers;
  grant usage on sequence public.numbers to authenticated`
// Several statements in one text: `query` refuses a semicolon of the caller's own.
const ran = (statement: string) =>
  `select public.run_sql(replace('${statement.replaceAll("'", "''").replaceAll(';', '§')}', '§', chr(59)))`

const settings: [name: string, value: string][] = [
  ['statement_timeout', '1ms'],
  ['lock_timeout', '1ms'],
  ['idle_in_transaction_session_timeout', '1ms'],
  ['default_transaction_read_only', 'on'],
  ['default_transaction_isolation', 'serializable'],
  ['standard_conforming_strings', 'off'],
  ['transform_null_equals', 'on'],
  ['DateStyle', 'German, DMY'],
  ['TimeZone', 'Asia/Kathmandu'],
  ['IntervalStyle', 'sql_standard'],
  ['client_encoding', 'LATIN1'],
  ['bytea_output', 'escape'],
  ['extra_float_digits', '-15'],
  ['row_security', 'off'],
  ['synchronous_commit', 'off'],
  ['enable_indexscan', 'off'],
  ['log_parameter_max_length_on_error', '-1'],
  ['debug_print_plan', 'on'],
  ['plpgsql.extra_errors', 'all'],
  ['application_name', 'somebody else'],
  ['integrations.encryption_key', '0'.repeat(64)],
  ['request.jwt.claims', '{"app_metadata": {"role": "admin"}}'],
  ['search_path', 'pg_temp'],
  ['role', 'authenticated'],
]

/** What a caller leaves, as one statement each. */
const leftovers: [what: string, statement: string][] = [
  ['a temporary table called like a type', 'select 1 as a into temp "uuid"'],
  ['a temporary table called like ours', 'select 1 as id into temp organization_integrations'],
  [
    'a temporary type',
    ran('create domain pg_temp.jsonb as pg_catalog.jsonb check (pg_catalog.length(value::pg_catalog.text) = 0)'),
  ],
  ['a temporary function', ran(`create function pg_temp.now() returns int language sql as 'select 1'`)],
  [
    'a temporary operator',
    ran('create operator pg_temp.= (leftarg = uuid, rightarg = uuid, function = pg_catalog.uuid_ne)'),
  ],
  ['a temporary view', ran('create temp view organization_integration_events as select 1 as id')],
  ['a prepared statement', ran('prepare mine as select 1')],
  ['a cursor that outlives its transaction', ran('declare mine cursor with hold for select 1')],
  ['a channel it listens to', ran('listen integration_events')],
  ['a lock of the session', 'select pg_advisory_lock(42)'],
  ['a shared lock of the session', 'select pg_advisory_lock_shared(42, 42)'],
  ...settings.map(([name, value]): [string, string] => [
    `the setting ${name}`,
    `select set_config('${name}', '${value}', false)`,
  ]),
]

/** All that can be seen of a session. What a scope itself sets is the same each time. */
const state = sql`
  select json_build_object(
    'temporary', (select json_agg(relname) from pg_class where relnamespace = pg_my_temp_schema()),
    'types', (select json_agg(typname) from pg_type where typnamespace = pg_my_temp_schema()),
    'functions', (select json_agg(proname) from pg_proc where pronamespace = pg_my_temp_schema()),
    'operators', (select json_agg(oprname) from pg_operator where oprnamespace = pg_my_temp_schema()),
    'prepared', (select json_agg(name) from pg_prepared_statements where not name like 'integrations\\_db\\_%'),
    'cursors', (select json_agg(name) from pg_cursors where is_holdable),
    'channels', (select json_agg(c) from pg_listening_channels() as c),
    'locks', (select json_agg(objid) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory'),
    'settings', (select json_object_agg(name, setting order by name) from pg_settings)) as state`

describe.each(['straight to PostgreSQL', 'behind PgBouncer'])('%s, a caller leaves nothing to the next', (where) => {
  const through = where === 'behind PgBouncer'
  let stop = async () => {}
  let url: string
  let db: IntegrationsDb
  let hostile: OrganizationScope
  let victim: OrganizationScope

  beforeAll(async () => {
    if (through && hasPgBouncer) {
      const bouncer = await startPgBouncer(t.url, 'transaction', 1)
      stop = bouncer.stop
      const pooled = new URL(t.url)
      pooled.host = `${bouncer.address.host}:${bouncer.address.port}`
      url = pooled.href
    } else url = t.url
    if (!through) await t.admin.unsafe(`${runSql}; grant temporary on database ${t.name} to public`)
    db = t.connect({ url, max: 1 })
    hostile = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    victim = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await victim.integrations.create({ integrationType: 'xledger', fieldMappings: { amount: 'invoiceAmount' } })
  })
  afterAll(async () => {
    await db.end()
    await stop()
  })

  const stateNow = async () => {
    const [row] = (await victim.query((q) => q.execute(state))) as unknown as [{ state: string }]
    return JSON.parse(row.state) as object
  }
  const run = (scope: Pick<OrganizationScope, 'query'>, statement: string) =>
    scope.query((q) => q.execute(sql.raw(statement)))
  /** The next caller, straight after: it gets what it always gets. */
  const expectNothing = async (before: object) => {
    expect(await victim.integrations.list()).toMatchObject([{ integrationType: 'xledger' }])
    expect(await victim.integrations.update('xledger', { syncSchedule: '0 2 * * *' })).toMatchObject({
      createdAt: expect.any(Date),
    })
    expect(await stateNow()).toEqual(before)
  }

  describe.skipIf(through && !hasPgBouncer)(
    through && !hasPgBouncer ? 'skipped: pgbouncer is not installed' : '',
    () => {
      let before: object
      beforeEach(async () => {
        before = await stateNow()
      })

      test.each(leftovers)('%s, out of query', async (_what, statement) => {
        await run(hostile, statement)
        await expectNothing(before)
      })

      test.each(leftovers)('%s, out of a transaction', async (_what, statement) => {
        await hostile
          .transaction(async (tx) => {
            await run(tx, statement)
            await tx.integrations.list().catch(() => {})
          })
          .catch(() => {})
        await expectNothing(before)
      })

      test.each(leftovers)('%s, out of a transaction that is given up', async (_what, statement) => {
        const given = hostile.transaction(async (tx) => {
          await run(tx, statement)
          throw new Error('given up')
        })
        await expect(given).rejects.toThrow('given up')
        await expectNothing(before)
      })

      test.each([
        ['a lock of the session', 'pg_try_advisory_lock(43)'],
        ['a prepared statement', `${ran('prepare another as select 1').replace('select ', '')} = 'ran'`],
      ])('%s, out of a query that fails', async (_what, condition) => {
        const failing = `select case when ${condition} then 1 / (select count(*) from pg_class where relname = 'none') end`
        await expect(run(hostile, failing)).rejects.toMatchObject({ sqlState: '22012' })
        await expectNothing(before)
        await expect(hostile.transaction((tx) => run(tx, failing))).rejects.toMatchObject({ sqlState: '22012' })
        await expectNothing(before)
      })

      test('the seed of random()', async () => {
        await run(hostile, 'select setseed(0.5)')
        const drawn = () => run(victim, 'select random() as drawn') as unknown as Promise<{ drawn: number }[]>
        const [first] = await drawn()
        await run(hostile, 'select setseed(0.5)')
        expect(await drawn()).not.toEqual([first])
      })

      test("a sequence's last value", async () => {
        await run(hostile, `select nextval('public.numbers')`)
        await expect(run(victim, 'select lastval()')).rejects.toMatchObject({ sqlState: '55000' })
      })

      test('a statement of its own under the name of ours, prepared in its place', async () => {
        await victim.integrations.list()
        await run(
          hostile,
          ran(`do $do$ declare name text; begin
          for name in select p.name from pg_prepared_statements as p where p.name like 'integrations%' loop
            execute format('deallocate %I', name);
            execute format('prepare %I as select 1', name);
          end loop; end $do$`),
        )
        await expectNothing(before)
      })

      test('a deferred trigger fires under the role and the claims of who wrote', async () => {
        await t.admin.unsafe(`
        create table if not exists public.notes (claim text);
        grant insert, select on public.notes to authenticated;
        create or replace function public.note() returns trigger language plpgsql as $$ begin
          insert into public.notes values (current_user || ' ' || integrations.current_organization_role()); return null; end $$;
        create constraint trigger note after update on public.organization_integrations
          deferrable initially deferred for each row execute function public.note()`)
        await run(victim, 'update organization_integrations set sync_schedule = null')
        await t.admin.unsafe('drop trigger note on public.organization_integrations')
        expect([...(await t.admin`delete from public.notes returning claim`)]).toEqual([
          { claim: 'authenticated admin' },
        ])
      })
    },
  )
})

describe.skipIf(!hasPgBouncer)('behind PgBouncer, another client of the same login', () => {
  let pooled: string
  let stop: () => Promise<void>
  beforeAll(async () => {
    // What a connection of the pooler's own resets to.
    await t.admin.unsafe(`alter database ${t.name} set client_encoding = 'LATIN1'`)
    const bouncer = await startPgBouncer(t.url, 'transaction', 1)
    stop = bouncer.stop
    const url = new URL(t.url)
    url.host = `${bouncer.address.host}:${bouncer.address.port}`
    pooled = url.href
  })
  afterAll(async () => {
    await stop()
    await t.admin.unsafe(`alter database ${t.name} reset client_encoding`)
  })

  test('finds neither role, claims nor path of a caller, and both keep their encoding', async () => {
    const bare = postgres(pooled, { max: 1, prepare: false, fetch_types: false })
    const db = t.connect({ url: pooled, max: 1 })
    const acme = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    const look = () => bare`select current_user = session_user as itself, current_setting('role') as role,
      coalesce(current_setting('request.jwt.claims', true), '') as claims, current_setting('search_path') as path`
    const before = [...(await look())]
    for (const [name, value] of settings.slice(-3)) {
      await acme.query((q) => q.execute(sql.raw(`select set_config('${name}', '${value}', false)`)))
      expect([...(await look())], name).toEqual(before)
    }
    const word = 'blåbærsyltetøy €'
    await acme.integrations.create({ integrationType: 'xledger', fieldMappings: { amount: word } })
    await acme.query((q) => q.execute(sql.raw('select 1')))
    expect(await acme.integrations.get('xledger')).toMatchObject({ fieldMappings: { amount: word } })
    expect(await acme.query((q) => q.execute(sql`select ${word} as word`))).toEqual([{ word }])
    await db.end()
    await bare.end()
  })
})

describe('through a shared pooler, what a login leaves that does not come through the package', () => {
  const shadows = [
    'create temp table organization_integrations (id int)',
    'create temp table pg_roles (rolname name)',
    'create temp table pg_class (oid oid)',
    'create domain pg_temp.uuid as pg_catalog.uuid check (false)',
    'create domain pg_temp.text as pg_catalog.text check (false)',
    'create domain pg_temp.jsonb as pg_catalog.jsonb check (false)',
    `select set_config('search_path', 'pg_temp', false)`,
    `select set_config('request.jwt.claims', '{"app_metadata": {"role": "admin"}}', false)`,
    'set role authenticated',
  ]

  test.skipIf(!hasPgBouncer)('is nothing that the package takes for its own: names, claims and role', async () => {
    const bouncer = await startPgBouncer(t.url, 'transaction', 1)
    const pooled = new URL(t.url)
    pooled.host = `${bouncer.address.host}:${bouncer.address.port}`
    const bare = postgres(pooled.href, { max: 1, prepare: false, fetch_types: false })
    for (const statement of shadows) await bare.unsafe(statement)
    const db = t.connect({ url: pooled.href, max: 1, encryptionKey: randomBytes(32).toString('hex') })
    const acme = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await acme.integrations.create({ integrationType: 'xledger', fieldMappings: { amount: 'invoiceAmount' } })
    await acme.credentials.store('xledger', { api_key: 'k', base_url: 'https://x.example', company_id: '1' })
    expect(await acme.integrations.update('xledger', { status: 'active' })).toMatchObject({ status: 'active' })
    expect(await acme.integrations.list()).toHaveLength(1)
    const stranger = db.forOrganization({ organizationId: randomUUID(), role: 'admin' })
    expect(await stranger.integrations.list()).toEqual([])
    await db.end()
    await bare.end()
    await bouncer.stop()
  })
})

describe('the price', () => {
  let proxy: TcpProxy
  afterAll(() => proxy.stop())

  test('is paid by query and transaction alone, and is no round trip: the repository sends nothing of it', async () => {
    proxy = await startProxy(addressOf(t.adminUrl))
    const db = t.connect({ url: proxy.through(t.url), max: 1 })
    const acme = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await acme.integrations.list()
    proxy.reset()
    await acme.integrations.list()
    await acme.transaction((tx) => tx.integrations.list())
    expect(Buffer.concat(proxy.sent).toString('latin1')).not.toMatch(/discard|reset all/i)
    proxy.reset()
    await run1(acme)
    expect(proxy.roundTrips).toBe(1)
    expect(Buffer.concat(proxy.sent).toString('latin1')).toMatch(/discard temp/i)
  })
  const run1 = (scope: OrganizationScope) => scope.query((q) => q.execute(sql.raw('select 1')))
})
