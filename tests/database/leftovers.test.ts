import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IntegrationsDb, OrganizationScope } from '../../src/index.ts'
import { useDatabase } from '../support/database.ts'
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts'

/* What a caller's own SQL may leave on a connection, and what the next caller finds there. */

const t = useDatabase()

beforeAll(async () => {
  // As applications have one, for their own administration.
  await t.admin.unsafe(`create function run(text) returns text language plpgsql as 'begin execute $1; return $1; end';
    create sequence tickets; grant usage on sequence tickets to authenticated;
    grant temporary on database ${t.name} to public`)
})

const leaving: Record<string, string> = {
  'a session setting': `select set_config('application.user', 'eve', false)`,
  'a search path': `select set_config('search_path', 'pg_temp', false)`,
  'a time zone': `select set_config('timezone', 'Asia/Tokyo', false)`,
  'a role': `select set_config('role', 'authenticated', false)`,
  'an advisory lock': 'select pg_advisory_lock(4711)',
  'a temporary table': 'select 1 as a into temp organization_integrations',
  'a temporary type': `select run('create domain pg_temp.jsonb as text')`,
  'a temporary function': `select run('create function pg_temp.f() returns int language sql as ''select 1''')`,
  'a notification channel': `select run('listen integration_events')`,
  'a held cursor': `select run('declare c cursor with hold for select 1')`,
  'a value of a sequence': `select nextval('tickets')`,
  'a prepared statement': `select run('prepare p as select 1')`,
}

/** Everything of a session that is not as a new connection has it. */
const left = `
  select coalesce(string_agg(what, ', '), 'nothing') as left from (
    select name from pg_settings where source = 'session' and name not in ('role', 'search_path', 'application_name')
    union all select 'setting' where coalesce(current_setting('application.user', true), '') <> ''
    union all select 'role' where session_user <> current_user and current_setting('request.jwt.claims', true) = ''
    union all select 'path' where current_setting('search_path') not like '%public%'
    union all select 'lock' from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
    union all select relname::text from pg_class where relnamespace = pg_my_temp_schema()
    union all select typname::text from pg_type where typnamespace = pg_my_temp_schema()
    union all select proname::text from pg_proc where pronamespace = pg_my_temp_schema()
    union all select pg_listening_channels()
    union all select name from pg_cursors where is_holdable
    union all select name from pg_prepared_statements where from_sql
  ) as found (what)`

/** How a caller gets at it, and whether its statement succeeds. */
const doors: [string, (acme: OrganizationScope, text: string) => Promise<unknown>][] = [
  ['query', (acme, text) => acme.query((q) => q.execute(sql.raw(text)))],
  ['transaction', (acme, text) => acme.transaction((tx) => tx.query((q) => q.execute(sql.raw(text))))],
  [
    'a query that fails behind it',
    (acme, text) =>
      acme.query((q) =>
        q.execute(
          sql.raw(
            `with x as materialized (${text.replace(' into temp organization_integrations', '')}) select 1 / (count(*) - 1) from x`,
          ),
        ),
      ),
  ],
  [
    'a transaction that is given up',
    (acme, text) =>
      acme.transaction(async (tx) => {
        await tx.query((q) => q.execute(sql.raw(text)))
        throw new Error('changed my mind')
      }),
  ],
]

const ways: [string, boolean][] = [
  ['straight to PostgreSQL', true],
  ['through PgBouncer in transaction mode', hasPgBouncer],
]

for (const [way, possible] of ways) {
  describe.skipIf(!possible)(`${way}${possible ? '' : ' - skipped: pgbouncer is not installed'}`, () => {
    let url = ''
    let stop = async () => {}
    let db: IntegrationsDb
    /** The login itself, on the server connection that its callers had. */
    let bare: postgres.Sql
    beforeAll(async () => {
      url = t.url
      if (way !== ways[0]?.[0]) {
        const bouncer = await startPgBouncer(t.url, 'transaction', 1)
        const pooled = new URL(t.url)
        pooled.host = `${bouncer.address.host}:${bouncer.address.port}`
        url = pooled.href
        stop = bouncer.stop
        bare = postgres(url, { max: 1, fetch_types: false })
      }
      db = t.connect({ url, max: 1 })
    })
    afterAll(async () => {
      await db?.end()
      await bare?.end()
      await stop()
    })

    test.each(
      doors.flatMap(([door, leave]) =>
        Object.entries(leaving).map(([what, text]) => [what, door, text, leave] as const),
      ),
    )('%s is left by %s to nobody', async (_what, _door, text, leave) => {
      const acme = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
      await leave(acme, text).catch(() => {})
      const found = bare === undefined ? await acme.query((q) => q.execute(sql.raw(left))) : await bare.unsafe(left)
      expect([...found]).toEqual([{ left: 'nothing' }])
      await expect(acme.query((q) => q.execute(sql`select currval('public.tickets')`))).rejects.toMatchObject({
        sqlState: '55000',
      })
      expect(await t.admin`select from pg_locks where locktype = 'advisory' and objid = 4711`).toHaveLength(0)
      expect(await acme.integrations.list()).toEqual([])
    })
  })
}

test('plans of the package survive, and what takes the rest away costs no round trip', async () => {
  const db = t.connect({ max: 1 })
  const acme = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
  for (let i = 0; i < 3; i++) await acme.integrations.list()
  const kept = () => acme.query((q) => q.execute(sql`select count(*)::int as n from pg_prepared_statements`))
  const [before] = await kept()
  const [after] = await kept()
  expect(before?.n).toBeGreaterThan(1)
  expect(after?.n).toBeGreaterThanOrEqual(before?.n as number)
})
