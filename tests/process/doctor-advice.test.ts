import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { liftLockdown, lockdown } from '../../src/admin/lockdown.ts'
import { createLogin } from '../../src/admin/logins.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { diagnose, doctor, examine } from '../../src/doctor/doctor.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { doctorText, report } from '../../src/doctor/report.ts'
import { useDatabase } from '../support/database.ts'
import { findings, findingsOfMigrated, queries, undone, withoutLogins } from '../support/diagnosis.ts'
import { lookAlikeRef, lookAlikeToken, startLookAlike } from '../support/management-api-look-alike.ts'
import { installVault } from '../support/vault-stand-in.ts'

const t = useDatabase()
/** Where something has to be committed to be looked at; each test leaves it as it was. */
const kept = useDatabase()
const withVault = useDatabase()

beforeAll(async () => {
  await installVault(withVault.admin)
})

const all = async (url: string) => withoutLogins((await doctor({ url })).findings)
/** As it could be written before a trigger refused it. */
const insertActive = `
  set local session_replication_role = replica;
  with host as (insert into public.organizations (name) values ('a') returning id)
  insert into public.organization_integrations (organization_id, integration_type, status) select id, 'xledger', 'active' from host;
  set local session_replication_role to default`

/** A piece of advice: how it comes about, and what it says. */
type Case = { sql: string; what: string; where?: RegExp; found: RegExp }

describe('advice is one finding of its own, fixed by its SQL, and no drift', () => {
  const cases: Case[] = [
    {
      sql: insertActive,
      what: 'active without a credential',
      where: /^organization [0-9a-f-]{36} xledger$/,
      found: /^1 without one$/,
    },
    {
      sql: "insert into integrations.encrypted_secrets (key_id, ciphertext) values (1, '\\x00')",
      what: 'orphaned secrets',
      where: /^integrations\.encrypted_secrets$/,
      found: /^1 without one$/,
    },
    {
      sql: `insert into public.organization_integration_events (action, outcome, actor)
        select 'store', 'ok', repeat('a', 200) from generate_series(1, 1000)`,
      what: 'table without statistics',
      where: /^public\.organization_integration_events$/,
      found: /^\d+ kB, never analyzed$/,
    },
  ]

  test.each(cases)('$what', async ({ sql, what, where, found }) => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(sql)
      const [finding, ...others] = await findingsOfMigrated(tx)
      expect([finding, others]).toMatchObject([{ severity: 'advice', what, found: expect.stringMatching(found) }, []])
      expect(finding?.where).toMatch(where ?? /./)
      await tx.unsafe(finding?.fix ?? '')
      await tx.unsafe(finding?.fix ?? '')
      expect(await findingsOfMigrated(tx)).toEqual([])
    })
  })

  test('everybody may create temporary objects, and a role or a login that calls', async () => {
    const login = `login_${randomBytes(4).toString('hex')}`
    await undone(t.admin, async (tx) => {
      await tx.unsafe(`create role ${login} login noinherit; grant authenticated to ${login}; create role ${login}_else login;
        grant temporary on database ${t.name} to public, service_role, ${login}, ${login}_else`)
      const [finding, ...others] = await findingsOfMigrated(tx)
      expect([finding, others]).toMatchObject([
        {
          severity: 'advice',
          what: 'temporary objects',
          where: `database ${t.name}`,
          found: `TEMPORARY granted to ${login}, public, service_role`,
        },
        [],
      ])
      await tx.unsafe(`${finding?.fix} ${finding?.fix}`)
      expect(await findingsOfMigrated(tx)).toEqual([])
      const [row] = await tx`select has_database_privilege(${`${login}_else`}, ${t.name}, 'temporary') as may`
      expect(row?.may).toBe(true)
    })
  })

  test("a function of another trigger on our tables, the place of moddatetime's included, that takes temporary objects for real ones", async () => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(`create function public.audit() returns trigger language plpgsql as 'begin return new; end';
        create trigger audit after insert on public.organization_integrations for each row execute function public.audit()`)
      const advice = async () => (await findingsOfMigrated(tx)).filter(({ severity }) => severity === 'advice')
      for (const [path, fixed] of [
        ['', 'pg_catalog, public, pg_temp'],
        [`set search_path = ''`, 'pg_catalog, pg_temp'],
        ['set search_path = public', 'public, pg_temp'],
        ['set search_path = pg_temp, "a b", public', '"a b", public, pg_temp'],
      ]) {
        await tx.unsafe(
          `alter function public.audit() reset search_path; ${path ? `alter function public.audit() ${path}` : ''}`,
        )
        const [finding, ...others] = await advice()
        expect([finding, others]).toMatchObject([{ what: 'search_path of a function', where: 'public.audit()' }, []])
        expect(finding?.fix).toBe(`alter function public.audit() set search_path = ${fixed};`)
        await tx.unsafe(`${finding?.fix} ${finding?.fix}`)
        expect(await advice()).toEqual([])
      }
    })
  })

  test('a schedule that never fires is named by organization and system, with what to write, and not shown', async () => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(`with host as (insert into public.organizations (name) values ('a') returning id)
        insert into public.organization_integrations (organization_id, integration_type, sync_schedule)
        select id, v.type::public.integration_type_enum, v.schedule from host,
          (values ('xledger', '0 0 30 2 *'), ('dynamics', '0 2 * * *'), ('consio', 'hunter2 * * * *')) as v (type, schedule)`)
      const found = await findingsOfMigrated(tx)
      expect(found.map(({ what, fix }) => [what, fix])).toEqual(Array(2).fill(['schedule that never fires', null]))
      expect(found.map(({ where }) => where.split(' ')[2])).toEqual(['xledger', 'consio'])
      expect(JSON.stringify(found)).not.toMatch(/hunter2|30 2/)
    })
  })

  test('a reference whose secret is gone', async () => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(`${insertActive};
        insert into public.organization_integration_credentials (integration_id, version, store, secret_id, field_names)
        select id, 1, 'pgcrypto', gen_random_uuid(), '{api_key}' from public.organization_integrations`)
      expect(await findingsOfMigrated(tx)).toMatchObject([
        {
          what: 'references without a secret',
          found: '1 whose secret is gone',
          hint: 'integrations-db credentials audit --apply',
        },
      ])
    })
  })

  test('a server that logs parameters is told what to set', async () => {
    await kept.admin.unsafe(`alter database ${kept.name} set log_statement = 'all'`)
    const [finding, ...others] = await all(kept.adminUrl)
    expect([finding, others]).toMatchObject([
      { severity: 'advice', what: 'server logs parameters', found: 'log_statement = all' },
      [],
    ])
    await kept.admin.unsafe(finding?.fix ?? '')
    expect(await all(kept.adminUrl)).toEqual([])
    await kept.admin.unsafe(`alter database ${kept.name} reset all`)
  })
})

describe('auto_explain, as the role postgres of a hosted project, which is no superuser', () => {
  const hosted = useDatabase('host')
  const [owner, login] = ['hosted', 'backend'].map((name) => `${name}_${randomBytes(4).toString('hex')}`) as [
    string,
    string,
  ]
  const password = randomBytes(16).toString('hex')
  const as = (name: string, database = hosted) => {
    const url = new URL(database.adminUrl)
    url.username = name
    url.password = password
    return url.href
  }
  const logging = async () =>
    (await doctor({ url: as(owner) })).findings.filter(({ what }) => what === 'server logs parameters')

  beforeAll(async () => {
    // Supabase lets its postgres set what auto_explain logs; here a grant does.
    await hosted.admin.unsafe(`
      create role ${owner} login createrole createdb bypassrls password '${password}';
      grant authenticated, service_role to ${owner} with admin option;
      alter database ${hosted.name} owner to ${owner};
      alter table public.organizations owner to ${owner};
      grant create, usage on schema public, extensions to ${owner};
      alter database ${hosted.name} set session_preload_libraries = 'auto_explain';
      grant set on parameter "auto_explain.log_min_duration" to ${owner}`)
    await migrate({ url: as(owner) })
    await createLogin({ url: as(owner), name: login, password })
  })
  afterAll(async () => {
    await hosted.admin.unsafe(`
      reassign owned by ${owner} to current_user;
      drop owned by ${owner};
      revoke set on parameter "auto_explain.log_min_duration" from ${owner};
      drop role ${login};
      revoke authenticated, service_role from ${owner} cascade;
      drop role ${owner}`)
  })

  test.each(['10s', '0'])(
    'the SQL that doctor says fixes it for every login, and it may run it: log_min_duration = %s',
    async (duration) => {
      await hosted.admin.unsafe(`alter database ${hosted.name} set auto_explain.log_min_duration = '${duration}'`)
      expect(await logging()).toMatchObject([
        { severity: 'advice', found: expect.stringContaining(`auto_explain.log_min_duration = ${duration}`) },
      ])
      const [finding] = await logging()
      const sql = postgres(as(owner), { max: 1 })
      await sql.unsafe(finding?.fix ?? '')
      await sql.end()
      expect(await logging()).toEqual([])
      const backend = postgres(as(login), { max: 1 })
      expect([...(await backend`show auto_explain.log_min_duration`)]).toEqual([
        { 'auto_explain.log_min_duration': '-1' },
      ])
      await backend.end()
      for (const role of [owner, login]) await hosted.admin.unsafe(`alter role ${role} reset all`)
    },
  )
})

describe('logins', () => {
  const login = `login_${randomBytes(4).toString('hex')}`
  const about = async (sql: string) => {
    let mine: Finding[] = []
    await undone(t.admin, async (tx) => {
      await tx.unsafe(sql)
      mine = (await diagnose(queries(tx))).filter(({ where }) => where === `login ${login}`)
    })
    return mine
  }

  test('that may become both authenticated and service_role are advice', async () => {
    const both = `create role ${login} login noinherit; grant authenticated, service_role to ${login};`
    expect(await about(both)).toMatchObject([{ severity: 'advice', what: 'login that may become both' }])
    expect(await about(`${both} revoke service_role from ${login}`)).toEqual([])
  })

  test('that have rights without becoming anybody are advice', async () => {
    expect(await about(`create role ${login} login inherit; grant authenticated to ${login}`)).toMatchObject([
      {
        severity: 'advice',
        what: 'login with rights of its own',
        found: expect.stringContaining('organization_integrations'),
      },
    ])
  })

  test.each([
    ['has them', 'create role analyst; grant pg_read_all_data to analyst'],
    ['passes every policy', 'create role analyst bypassrls'],
  ])('that may become a role which %s are advice, and the SQL takes the membership away', async (_, sql) => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(`${sql}; create role ${login} login noinherit; grant authenticated, analyst to ${login}`)
      const found = async () =>
        (await examine(queries(tx))).filter(
          ({ where, severity }) => where === `login ${login}` && severity === 'advice',
        )
      const [finding] = await found()
      expect(finding).toMatchObject({
        what: 'login with rights of its own',
        found: expect.stringMatching(/^may become analyst, which may reach .*organization_integrations/),
      })
      await tx.unsafe(finding?.fix ?? '')
      expect(await found()).toEqual([])
    })
  })

  test.each([
    ['authenticated', 'bypassrls', 'nobypassrls'],
    ['authenticated', 'superuser', 'nosuperuser nobypassrls'],
    ['anon', 'bypassrls', 'nobypassrls'],
    ['service_role', 'nobypassrls', 'bypassrls'],
    ['service_role', 'superuser', 'nosuperuser bypassrls'],
  ])('become %s, and where that is %s it is drift, which its SQL fixes', async (role, attribute, expected) => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(`alter role ${role} ${attribute}`)
      const found = await findingsOfMigrated(tx)
      expect(found).toMatchObject([{ severity: 'drift', what: 'role: attributes', where: `role ${role}`, expected }])
      await tx.unsafe(found[0]?.fix ?? '')
      expect(await findingsOfMigrated(tx)).toEqual([])
    })
  })

  test.each([
    ['authenticated', 'service_role', 'grant service_role to authenticated'],
    ['anon', 'authenticated', 'grant authenticated to anon'],
    ['authenticated', 'reader', 'create role reader bypassrls; grant reader to authenticated'],
    ['authenticated', 'boss', 'create role boss superuser; grant boss to authenticated'],
  ])('become %s, and where that may become %s it is drift, which its SQL fixes', async (role, other, sql) => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(sql)
      const found = await findingsOfMigrated(tx)
      expect(found).toMatchObject([
        { severity: 'drift', what: 'role: member of another', where: `role ${role}`, found: `may become ${other}` },
      ])
      await tx.unsafe(found[0]?.fix ?? '')
      expect(await findingsOfMigrated(tx)).toEqual([])
    })
  })

  test('that own our functions and do not pass row-level security are advice', async () => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(`create role sightless; grant sightless to current_user`)
      const owned = await tx`
        select format('function %s', p.oid::regprocedure) as name from pg_proc as p where pronamespace = any ('{integrations,integrations_api}'::regnamespace[])
        union all select format('table %s', oid::regclass) from pg_class
          where relkind = 'r' and (relname like 'organization\\_%' or relnamespace = any ('{integrations,integrations_once}'::regnamespace[]))
        union all select format('type %s', oid::regtype) from pg_type where typtype = 'e' and typname like 'integration\\_%'
        union all select format('schema %I', nspname) from pg_namespace where nspname in ('integrations', 'integrations_api', 'integrations_once')`
      await tx.unsafe(owned.map(({ name }) => `alter ${name} owner to sightless`).join(';'))
      const found = await findingsOfMigrated(tx)
      expect(found).toMatchObject([{ severity: 'advice', what: 'owner that sees no row', where: 'role sightless' }])
      await tx.unsafe(found[0]?.fix ?? '')
      expect(await findingsOfMigrated(tx)).toEqual([])
    })
  })

  test('that login create makes are none', async () => {
    const ours = (await diagnose(queries(t.admin))).filter(({ where }) =>
      /^login test_\w+_(scoped|service)$/.test(where),
    )
    expect(ours).toEqual([])
  })
})

describe('Vault', () => {
  test('in reach gives no advice; that the service role reads past our record is information', async () => {
    expect(await findingsOfMigrated(withVault.admin)).toMatchObject([
      { severity: 'information', what: 'secrets can be read unrecorded', where: 'vault.decrypted_secrets' },
    ])
  })

  const direct = 'secrets can be read unrecorded'

  test('out of reach of the owner of our functions is advice, and its SQL brings it back', async () => {
    await undone(withVault.admin, async (tx) => {
      // Superusers are asked for nothing, so the functions go to somebody who is none.
      await tx.unsafe(`create role vaultless bypassrls; grant all on schema integrations to vaultless;
        reassign owned by vaultless to vaultless`)
      await tx.unsafe('alter function integrations.create_secret(text, text, text) owner to vaultless')
      const found = (await findingsOfMigrated(tx)).filter(({ what }) => what === 'Vault out of reach')
      expect(found).toMatchObject([{ severity: 'advice', expected: expect.stringContaining('vaultless') }])
      await tx.unsafe(`${found[0]?.fix}; ${found[0]?.fix}`)
      expect((await findingsOfMigrated(tx)).filter(({ what }) => what === 'Vault out of reach')).toEqual([])
    })
  })

  test('secrets of ours that nothing refers to are advice; those of the host are not ours to judge', async () => {
    await undone(withVault.admin, async (tx) => {
      await tx`select vault.create_secret('s', 'integrations-db/a/b/1'), vault.create_secret('s', 'of the host')`
      const [orphans] = (await findingsOfMigrated(tx)).filter(({ what }) => what !== direct)
      expect(orphans).toMatchObject({
        severity: 'advice',
        what: 'orphaned secrets',
        where: 'vault.secrets',
        found: '1 without one',
      })
      await tx.unsafe(`${orphans?.fix} ${orphans?.fix}`)
      expect((await findingsOfMigrated(tx)).filter(({ what }) => what !== direct)).toEqual([])
      expect(await tx`select name from vault.secrets`).toMatchObject([{ name: 'of the host' }])
    })
  })

  test('or pgcrypto: a database with neither is advised to have one', async () => {
    await undone(t.admin, async (tx) => {
      // As on a server that offers no pgcrypto: what is not to be had is not expected.
      await tx.unsafe('drop extension pgcrypto')
      const offered = queries(tx)
      const without = await diagnose({
        query: (text) =>
          offered.query(
            text.replaceAll('pg_available_extensions', '(select null::text as name) as pg_available_extensions'),
          ),
      })
      expect(withoutLogins(without)).toMatchObject([{ severity: 'advice', what: 'no store for credentials' }])
    })
  })
})

describe("a claims function of the host's own", () => {
  const documented = /```sql\n([\s\S]*?)```/.exec(readFileSync('docs/memberships.md', 'utf8'))?.[1] ?? ''
  const role = 'integrations.current_organization_role()'

  test('is information when it is marked, and drift when it is not', async () => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(documented)
      expect(await findingsOfMigrated(tx)).toMatchObject([
        { severity: 'information', what: "function of the host's own", where: role },
      ])
      await tx.unsafe(`comment on function ${role} is null`)
      const unmarked = await findingsOfMigrated(tx)
      expect(unmarked.filter(({ severity }) => severity === 'drift')).toMatchObject([
        { what: 'another function', where: role },
      ])
    })
  })

  test('is what the mark is for: on no other function it hides anything', async () => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(`alter function integrations.retrieve_credential(uuid) security invoker;
        comment on function integrations.retrieve_credential(uuid) is 'integrations-db: host'`)
      expect((await findingsOfMigrated(tx)).map(({ severity, what }) => [severity, what])).toEqual([
        ['information', 'function: comment'],
        ['drift', 'another function'],
      ])
    })
  })

  test.each([
    ['without a search_path of its own', `alter function ${role} reset search_path`, /search_path/],
    ['with an empty search_path', `alter function ${role} set search_path = ''`, /^""$/],
    ['with pg_temp first', `alter function ${role} set search_path = pg_temp, public`, /^pg_temp, public$/],
    [
      'that does not say when temporary objects count',
      `alter function ${role} set search_path = "$user", public`,
      /public$/,
    ],
    ['that is volatile', `alter function ${role} volatile`, /^volatile$/],
    ['that authenticated may not execute', `revoke execute on function ${role} from authenticated`, /may not execute/],
  ])('%s is advice, with the SQL that fixes it', async (_, sql, found) => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(`${documented}; ${sql}`)
      const advice = async () => (await findingsOfMigrated(tx)).filter(({ severity }) => severity === 'advice')
      const [finding, ...others] = await advice()
      expect([finding, others]).toMatchObject([{ where: role, found: expect.stringMatching(found) }, []])
      await tx.unsafe(`${finding?.fix} ${finding?.fix}`)
      expect(await advice()).toEqual([])
    })
  })

  test('that raises, or knows a role where there are no claims, is advice, without its words', async () => {
    const replace = (body: string) =>
      kept.admin.unsafe(`create or replace function ${role} returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$ begin ${body} end $$;
        comment on function ${role} is 'integrations-db: host'`)
    const [before] =
      await kept.admin`select pg_get_functiondef(${role}::regprocedure) as text, obj_description(${role}::regprocedure) as comment`
    const answers: string[] = []
    for (const body of ["raise exception 'hunter2';", "return 'admin';"]) {
      await replace(body)
      const advice = (await all(kept.adminUrl)).filter(({ severity }) => severity === 'advice')
      expect(JSON.stringify(advice)).not.toMatch(/hunter2|admin"/)
      answers.push(...advice.map(({ found }) => found))
    }
    expect(answers).toEqual(['an error (SQLSTATE P0001)', 'an answer'])
    await kept.admin.unsafe(`${before?.text}; comment on function ${role} is '${before?.comment}'`)
    expect(await all(kept.adminUrl)).toEqual([])
  })
})

describe('a state that is one finding, whatever hangs on it', () => {
  test('a lockdown is one, with the command that lifts it, and what was granted since is another', async () => {
    await lockdown({ url: kept.adminUrl })
    const locked = { severity: 'drift', what: 'locked down', hint: 'integrations-db lockdown --lift', fix: null }
    expect(await all(kept.adminUrl)).toMatchObject([locked])
    await kept.admin`grant select on organization_integrations to anon`
    expect(await all(kept.adminUrl)).toMatchObject([locked, { what: 'table: privileges', found: 'anon: select' }])
    await kept.admin`revoke select on organization_integrations from anon`
    await liftLockdown({ url: kept.adminUrl })
    expect(await all(kept.adminUrl)).toEqual([])
  })

  const empty = useDatabase('host')

  test('pending migrations are one, with the command that applies them', async () => {
    const pending = {
      severity: 'drift',
      what: 'pending migrations',
      hint: expect.stringContaining('integrations-db migrate'),
    }
    expect(await all(empty.adminUrl)).toMatchObject([pending])
    await undone(t.admin, async (tx) => {
      const [newest] = await tx`delete from supabase_migrations.schema_migrations
        where version = (select max(version) from supabase_migrations.schema_migrations) returning version`
      expect(await findings(tx)).toMatchObject([
        { ...pending, found: expect.stringMatching(`^1 missing: ${newest?.version}_`) },
      ])
    })
  })
})

describe('a history that is not the packaged one', () => {
  test('of a newer package is one finding, and nothing is compared with the older', async () => {
    await undone(t.admin, async (tx) => {
      await tx`insert into supabase_migrations.schema_migrations (version, name, statements)
        select '20990101000000', 'newer', array[replace(statements[1], version || '_' || name, '20990101000000_newer')]
        from supabase_migrations.schema_migrations order by version desc limit 1`
      await tx`drop function integrations.refuse(text, text)`
      expect(await findings(tx)).toMatchObject([
        { severity: 'drift', what: 'migration gone', found: 'version 20990101000000', fix: null },
      ])
    })
  })
})

describe('a hosted project, through the Supabase Management API', () => {
  test('gives what a direct connection gives, and what its security advisors say', async () => {
    const api = await startLookAlike(kept.adminUrl)
    try {
      const project = { projectRef: lookAlikeRef, accessToken: lookAlikeToken, apiUrl: api.apiUrl }
      await kept.admin`alter table organization_integrations disable row level security`
      const { healthy, findings } = await doctor(project)
      const advisor = { severity: 'information', what: 'security advisor: rls_disabled_in_public' }
      expect(healthy).toBe(false)
      expect(withoutLogins(findings)).toMatchObject([...(await all(kept.adminUrl)), advisor])
      expect(withoutLogins(findings)).toHaveLength(2)
    } finally {
      await kept.admin`alter table organization_integrations enable row level security`
      await api.stop()
    }
  })
})

describe('what a report says', () => {
  const finding = (severity: Finding['severity']): Finding => ({
    severity,
    what: 'missing index',
    where: 'public.i on public.t',
    expected: 'the index',
    found: 'nothing',
    fix: 'create index i on t (a);\nanalyze t;',
    hint: null,
  })

  test.each([
    ['drift', false, false],
    ['drift', true, false],
    ['advice', false, true],
    ['advice', true, false],
    ['information', true, true],
  ] as const)('%s with strict %s is healthy: %s', (severity, strict, healthy) => {
    expect(report([finding(severity)], strict).healthy).toBe(healthy)
  })

  test('is what, where, expected, found and the SQL, one below the other', () => {
    expect(doctorText(report([finding('drift')]))).toBe(`\
drift: missing index: public.i on public.t
  expected  the index
  found     nothing
  fix       create index i on t (a);
            analyze t;

1 drift, 0 advice, 0 information`)
    expect(doctorText(report([]))).toBe('as the migrations make it; nothing to advise')
  })

  test('holds no value out of the database, wherever somebody has left a secret', async () => {
    const word = `canary${randomBytes(6).toString('hex')}`
    const table = 'public.organization_integrations'
    await undone(withVault.admin, async (tx) => {
      await tx.unsafe(`
        insert into public.organizations (name) values ('${word}');
        set local session_replication_role = replica;
        insert into ${table} (organization_id, integration_type, status, sync_schedule, field_mappings)
          select id, 'xledger', 'active', '${word}', '{"a": "${word}"}' from public.organizations;
        set local session_replication_role to default;
        select vault.create_secret('${word}', 'integrations-db/a/b/1', '${word}');
        insert into integrations.encrypted_secrets (key_id, ciphertext) values ('${word}', '${word}');
        alter table ${table} alter column sync_schedule set default '${word}';
        alter table ${table} add column host text not null default '${word}';
        alter table ${table} add constraint host check (sync_schedule <> 'it''s ${word}' and status <> 'error');
        create unique index host on ${table} (sync_schedule) where sync_schedule = E'\\\\${word}';
        create policy host on ${table} for select to anon using (sync_schedule = '${word}');
        alter policy admins_can_read_own_events on public.organization_integration_events using (actor = '${word}');
        create trigger host before update on ${table} for each row when (new.sync_schedule = '${word}')
          execute function extensions.moddatetime('${word}');
        create or replace trigger append_only before delete on public.organization_integration_events for each statement
          execute function integrations.refuse_change('${word}');
        create rule host as on delete to ${table} where old.sync_schedule = '${word}' do instead nothing;
        create or replace function integrations.refuse(code text, message text) returns void language plpgsql
          set search_path = '${word}' as $$ begin /* ${word} */ perform '${word}'; end $$;
        create function integrations.host(a text default '${word}') returns text language sql as $$ select '${word}' $$;
        comment on table ${table} is '${word}';
        comment on column ${table}.id is '${word}';
        create view public.host_view as select '${word}' as word, id from ${table}`)
      const found = await diagnose(queries(tx))
      expect(found.length).toBeGreaterThan(15)
      expect(JSON.stringify(found) + doctorText(report(found))).not.toContain(word)
    })
  })
})
