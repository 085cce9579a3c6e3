import { randomBytes } from 'node:crypto'
import type postgres from 'postgres'
import { describe, expect, test } from 'vitest'
import { useDatabase } from '../support/database.ts'
import { findingsOfMigrated, undone } from '../support/diagnosis.ts'

/*
 * What stands around our tables and changes what they are: each case is broken on a real server, found, fixed twice by the
 * finding's own SQL, and clean.
 */

const t = useDatabase()
const name = `around_${randomBytes(4).toString('hex')}`
const table = 'public.organization_integrations'
const like = `(like ${table} including all)`
const noop = 'language plpgsql set search_path = pg_catalog, pg_temp as $$ begin return new; end $$'

type Case = { title: string; sql: string; severity?: string; what: string; where: string; found?: RegExp }

const cases: Case[] = [
  {
    title: 'our table inherits from another, which shows its rows past the policies',
    sql: `create table public.parent ${like}; alter table ${table} inherit public.parent`,
    severity: 'drift',
    what: 'extra parent',
    where: `public.parent on ${table}`,
  },
  {
    title: 'another inherits from our table',
    sql: `create table public.child () inherits (${table})`,
    severity: 'drift',
    what: 'extra child',
    where: `public.child on ${table}`,
  },
  {
    title: 'our table is a partition of another',
    sql: `create table public.parent (like public.organization_integration_events including defaults) partition by range (created_at);
      create trigger of_the_parent before update on public.parent for each row execute function extensions.moddatetime('created_at');
      alter table public.parent attach partition public.organization_integration_events default`,
    severity: 'drift',
    what: 'extra parent',
    where: 'public.parent on public.organization_integration_events',
  },
  {
    title: 'a cast makes another type of our enum by itself',
    sql: `create function public.casting(public.integration_type_enum) returns integer language sql immutable as 'select 1';
      create cast (public.integration_type_enum as integer) with function public.casting(public.integration_type_enum) as implicit`,
    severity: 'drift',
    what: 'extra cast',
    where: 'public.integration_type_enum as integer',
  },
  {
    title: 'an operator compares our enum',
    sql: `create function public.same(public.integration_type_enum, text) returns boolean language sql immutable as 'select true';
      create operator public.= (leftarg = public.integration_type_enum, rightarg = text, function = public.same)`,
    severity: 'drift',
    what: 'extra operator',
    where: 'public.=(public.integration_type_enum,text)',
  },
  ...(
    [
      ['session_replication_role', 'replica', 'drift'],
      ['row_security', 'off', 'drift'],
      ['search_path', `${name}, public`, 'advice'],
      ['search_path', "''", 'advice'],
      ['role', 'service_role', 'drift'],
      ['request.jwt.claims', '{"app_metadata": {"role": "admin"}}', 'drift'],
      ['integrations.encryption_key', 'ab', 'drift'],
    ] as const
  ).flatMap(([setting, value, severity]) =>
    (
      [
        ['database {db}', 'database {db}'],
        [`role ${name}`, `role ${name}`],
        [`role ${name} in database {db}`, `role ${name} in database {db}`],
        ['role all', 'all roles'],
      ] as const
    ).map(([of, place]): Case => {
      const bound = setting === 'search_path' ? value : `'${value}'`
      return {
        title: `${setting} = ${value} for ${place}`,
        sql: `create schema ${name}; create role ${name} login noinherit; grant authenticated to ${name};
          alter ${of} set ${setting} = ${bound}`,
        severity,
        what: 'setting that stands before every session',
        where: `${setting} of ${place}`,
      }
    }),
  ),
  {
    title: 'session_replication_role = replica for a login that has nothing to do with ours',
    sql: `create role ${name} login; alter role ${name} set session_replication_role = replica`,
    what: 'setting that stands before every session',
    where: `session_replication_role of role ${name}`,
  },
  ...['authenticated', 'public'].map(
    (grantee): Case => ({
      title: `${grantee} may switch triggers off`,
      sql: `grant set on parameter session_replication_role to ${grantee}`,
      severity: 'drift',
      what: 'right to switch triggers off',
      where: `session_replication_role for ${grantee}`,
    }),
  ),
  ...(
    [
      ['anon', 'login'],
      ['authenticated', 'createrole replication'],
      ['service_role', 'login'],
    ] as const
  ).map(
    ([role, attributes]): Case => ({
      title: `${role} has ${attributes}`,
      sql: `alter role ${role} ${attributes}`,
      severity: 'drift',
      what: 'role: attributes',
      where: `role ${role}`,
    }),
  ),
  {
    title: 'everybody may create in schema public',
    sql: 'grant create on schema public to public',
    what: 'everybody may create',
    where: 'schema public',
  },
  {
    title: 'everybody may create schemas',
    sql: 'grant create on database {db} to public',
    what: 'everybody may create',
    where: 'database {db}',
  },
  ...(
    [
      ['anon', 'in schema integrations', 'tables', 'select'],
      ['authenticated', 'in schema integrations', 'functions', 'execute'],
      ['public', 'in schema integrations', 'sequences', 'usage'],
      ['anon', '', 'tables', 'select, insert'],
      ['public', '', 'tables', 'select'],
      ['authenticated', '', 'schemas', 'usage'],
    ] as const
  ).map(
    ([grantee, place, objects, verbs]): Case => ({
      title: `new ${objects} are open to ${grantee} ${place || 'everywhere'}`,
      sql: `create role ${name}; alter default privileges for role ${name} ${place} grant ${verbs} on ${objects} to ${grantee}`,
      what: 'default privileges',
      where: `new ${objects} of ${name} ${place || 'in every schema'}`,
      found: new RegExp(`^${grantee}: `),
    }),
  ),
  {
    title: 'a publication of all tables',
    sql: `create table public.mine (id int primary key); create publication "All of it" for all tables with (publish = 'insert, update')`,
    what: 'publication of every table',
    where: 'publication "All of it"',
    found: /^all tables, ours among them$/,
  },
  {
    title: 'a publication of all tables in schema public',
    sql: 'create table public.mine (id int primary key); create publication part for tables in schema public',
    what: 'publication of every table',
    where: 'publication part',
    found: /^all tables of schema public, ours/,
  },
  {
    title: 'a publication of all tables in schema integrations, which then holds nothing',
    sql: 'create publication part for tables in schema integrations',
    what: 'publication of every table',
    where: 'publication part',
  },
  {
    title: 'a subscription that writes our tables',
    sql: `create subscription bringing connection 'host=127.0.0.1 port=1' publication p with (connect = false, slot_name = none);
      insert into pg_catalog.pg_subscription_rel (srsubid, srrelid, srsubstate) select oid, '${table}'::regclass, 'r' from pg_subscription where subname = 'bringing';
      update pg_catalog.pg_subscription set subenabled = true where subname = 'bringing'`,
    severity: 'drift',
    what: 'subscription that writes our tables',
    where: 'subscription bringing',
  },
  {
    title: 'an event trigger',
    sql: `create function public.watching() returns event_trigger language plpgsql as 'begin end';
      create event trigger "Watching" on ddl_command_end execute function public.watching()`,
    what: 'event trigger',
    where: 'event trigger "Watching"',
  },
  ...(
    [
      ['integration_id uuid references {table}', /^on delete no action, of public\.organization_integrations$/],
      [
        'integration_id uuid references {table} on delete restrict on update cascade deferrable initially deferred',
        /^on delete restrict/,
      ],
      ['integration_id uuid not null references {table} on delete set null', /^on delete set null/],
    ] as const
  ).map(
    ([column, found]): Case => ({
      title: `a foreign key stops an organization's deletion: ${column}`,
      sql: `create table public.notes (id int, ${column.replace('{table}', table)})`,
      what: 'foreign key that stops the deletion of an organization',
      where: 'notes_integration_id_fkey on public.notes',
      found,
    }),
  ),
  {
    title: "a foreign key stops an organization's deletion at the second step",
    sql: `create table public.notes (id int primary key, integration_id uuid references ${table} on delete cascade);
      create table public.lines (note int references public.notes)`,
    what: 'foreign key that stops the deletion of an organization',
    where: 'lines_note_fkey on public.lines',
  },
  {
    title: "a foreign key stops an organization's deletion between tables of the host alone",
    sql: 'create table public.invoices (organization_id uuid references public.organizations)',
    severity: 'information',
    what: 'foreign key that stops the deletion of an organization',
    where: 'invoices_organization_id_fkey on public.invoices',
  },
  ...(
    [
      ['does nothing', noop, 'drift'],
      [
        'does nothing and says otherwise',
        'language plpgsql set search_path = pg_catalog, pg_temp as $$ begin /* new.updated_at := now() */ return new; end $$',
        'drift',
      ],
      [
        'sets another column',
        'language plpgsql set search_path = pg_catalog, pg_temp as $$ begin new.created_at := now(); return new; end $$',
        'drift',
      ],
      [
        'keeps the old time',
        'language plpgsql set search_path = pg_catalog, pg_temp as $$ begin new.updated_at := old.updated_at; return new; end $$',
        'advice',
      ],
    ] as const
  ).map(
    ([title, body, severity]): Case => ({
      title: `a moddatetime() of the host ${title}`,
      sql: `drop extension moddatetime cascade; create function public.moddatetime() returns trigger ${body};
        create trigger touch_updated_at before update on ${table} for each row execute function public.moddatetime('updated_at')`,
      severity,
      what: 'moddatetime() that does something else',
      where: 'public.moddatetime()',
    }),
  ),
  {
    title: 'a moddatetime() of the host in the place of the extension does nothing',
    sql: `drop extension moddatetime cascade; create function extensions.moddatetime() returns trigger ${noop};
      create trigger touch_updated_at before update on ${table} for each row execute function extensions.moddatetime('updated_at')`,
    severity: 'drift',
    what: 'moddatetime() that does something else',
    where: 'extensions.moddatetime()',
  },
  {
    title: 'a replica identity',
    sql: `alter table ${table} replica identity full`,
    severity: 'information',
    what: 'table: settings',
    where: table,
  },
]

const inDatabase = (text: string) => text.replaceAll('{db}', t.name)

describe('one finding, and its SQL, run twice, fixes it', () => {
  test.each(cases)('$title', async ({ sql, severity = 'advice', what, where, found = /./ }) => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(inDatabase(sql))
      const all = await findingsOfMigrated(tx)
      expect(all).toMatchObject([{ severity, what, where: inDatabase(where), found: expect.stringMatching(found) }])
      expect(all[0]?.found).not.toContain('app_metadata')
      await tx.unsafe(all[0]?.fix ?? 'no SQL')
      await tx.unsafe(all[0]?.fix ?? '')
      expect(await findingsOfMigrated(tx)).toEqual([])
    })
  })
})

describe('what the SQL leaves', () => {
  async function fixed(sql: string, check: (tx: postgres.TransactionSql) => Promise<void>) {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(sql)
      const [finding] = await findingsOfMigrated(tx)
      await tx.unsafe(finding?.fix ?? 'no SQL')
      await check(tx)
    })
  }

  test('of a publication: its options, its owner and the other tables', async () => {
    await fixed(
      `create role ${name} superuser; create table public.mine (id int primary key); create publication p for all tables with (publish = 'insert, update', publish_via_partition_root = true);
       alter publication p owner to ${name}`,
      async (tx) => {
        const [publication] =
          await tx`select pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot, pubowner::regrole::text as owner from pg_publication where pubname = 'p'`
        expect(publication).toEqual({
          pubinsert: true,
          pubupdate: true,
          pubdelete: false,
          pubtruncate: false,
          pubviaroot: true,
          owner: name,
        })
        const tables = await tx`select tablename from pg_publication_tables where pubname = 'p' order by 1`
        expect(tables.map(({ tablename }) => tablename)).toEqual(['mine', 'organizations', 'schema_migrations'])
      },
    )
  })

  test("of a foreign key: everything else it said; and an organization's deletion goes through", async () => {
    await fixed(
      `create table public.notes (integration_id uuid references ${table} match full on delete restrict on update cascade deferrable initially deferred);
       insert into public.organizations (id, name) values ('00000000-0000-4000-8000-0000000000ee', 'a');
       insert into ${table} (organization_id, integration_type) values ('00000000-0000-4000-8000-0000000000ee', 'xledger');
       insert into public.notes select id from ${table};
       set constraints all immediate`,
      async (tx) => {
        const [key] =
          await tx`select pg_get_constraintdef(oid) as text from pg_constraint where conname = 'notes_integration_id_fkey'`
        expect(key?.text).toMatch(
          /^FOREIGN KEY \(integration_id\) REFERENCES (public\.)?organization_integrations\(id\) MATCH FULL ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED$/,
        )
        await tx`delete from public.organizations`
        expect(await tx`select from public.notes`).toHaveLength(0)
      },
    )
  })

  test('of a moddatetime() that does nothing: updated_at moves again, and the function stays for other triggers', async () => {
    await fixed(
      `drop extension moddatetime cascade; create function public.moddatetime() returns trigger ${noop};
       create trigger touch_updated_at before update on ${table} for each row execute function public.moddatetime('updated_at')`,
      async (tx) => {
        await tx`insert into public.organizations (id, name) values ('00000000-0000-4000-8000-0000000000ee', 'a')`
        await tx`insert into public.organization_integrations (organization_id, integration_type, updated_at) values ('00000000-0000-4000-8000-0000000000ee', 'xledger', '2000-01-01')`
        const [row] =
          await tx`update public.organization_integrations set status = 'error' returning updated_at > '2001-01-01' as moved`
        expect(row).toEqual({ moved: true })
        expect(await tx`select to_regprocedure('public.moddatetime()') is not null as there`).toEqual([{ there: true }])
      },
    )
  })
})

describe('no finding', () => {
  const sound: [string, string][] = [
    [
      'for what a Supabase project has of its own',
      `create role supabase_admin superuser; create role supabase_auth_admin login; create role authenticator login noinherit;
       grant anon, authenticated, service_role to authenticator;
       create role supabase_storage_admin login; grant authenticated, service_role to supabase_storage_admin;
       create function extensions.set_graphql_placeholder() returns event_trigger language plpgsql as 'begin end';
       create function extensions.pgrst_ddl_watch() returns event_trigger language plpgsql as 'begin end';
       create function public.rls_auto_enable() returns event_trigger language plpgsql as 'begin end';
       create event trigger issue_graphql_placeholder on sql_drop execute function extensions.set_graphql_placeholder();
       create event trigger issue_pg_cron_access on ddl_command_end execute function extensions.set_graphql_placeholder();
       create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();
       create event trigger of_supabase on ddl_command_end execute function extensions.pgrst_ddl_watch();
       alter event trigger of_supabase owner to supabase_admin;
       create event trigger ensure_rls on ddl_command_end execute function public.rls_auto_enable();
       create publication supabase_realtime; create schema realtime; create table realtime.messages (id int primary key);
       create publication supabase_realtime_messages_publication for table realtime.messages;
       create publication of_the_host for tables in schema realtime;
       alter role supabase_admin set search_path = "$user", public, auth, extensions;
       alter role supabase_auth_admin set search_path = auth;
       alter role supabase_storage_admin set search_path = storage;
       alter role authenticator set statement_timeout = '8s'; alter role authenticator set search_path = "$user", public, extensions;
       alter role anon set statement_timeout = '3s'; alter role authenticated set statement_timeout = '8s';
       alter database {db} set search_path = "$user", public, extensions; alter database {db} set "app.settings.jwt_exp" = '3600';
       alter default privileges for role supabase_admin in schema public grant all on tables to anon, authenticated, service_role;
       alter default privileges for role supabase_admin in schema realtime grant all on tables to service_role;
       alter default privileges revoke execute on functions from public`,
    ],
    [
      'for foreign keys that let an organization go',
      `create table public.a (id int primary key, organization_id uuid references public.organizations on delete cascade, integration_id uuid references ${table});
       create table public.b (integration_id uuid references ${table} on delete set null, a int references public.a on delete cascade)`,
    ],
    [
      'for a moddatetime() of the host that does what it is for',
      `drop extension moddatetime cascade; create function public.moddatetime() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
         begin
           -- always
           NEW.updated_at = now();
           return NEW;
         end $$;
       create trigger touch_updated_at before update on ${table} for each row execute function public.moddatetime('updated_at')`,
    ],
    [
      'for settings that change nothing, of others, and of other databases',
      `create role ${name} login; alter role ${name} set search_path = ${name}; alter role ${name} set role = 'pg_monitor';
       alter role all set row_security = on; alter database {db} set session_replication_role = origin;
       alter database postgres set search_path = other; alter database {db} set role = none`,
    ],
    [
      'for an event trigger that is switched off, and casts between types of the host',
      `create function public.watching() returns event_trigger language plpgsql as 'begin end';
       create event trigger watching on ddl_command_end execute function public.watching(); alter event trigger watching disable;
       create type public.mine as enum ('a'); create cast (public.mine as text) with inout as implicit`,
    ],
  ]

  test.each(sound)('%s', async (_, sql) => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(inDatabase(sql))
      expect(await findingsOfMigrated(tx)).toEqual([])
    })
  })
})

test('a security label on a table or a function of ours is advice', async () => {
  await undone(t.admin, async (tx) => {
    // No provider comes with the server, so the label stands in the catalog as one would have put it there.
    await tx`insert into pg_catalog.pg_seclabel values (${table}::regclass, 'pg_class'::regclass, 0, 'anon', 'MASKED')`
    expect(await findingsOfMigrated(tx)).toMatchObject([
      { severity: 'advice', what: 'security label', fix: `security label for anon on table ${table} is null;` },
    ])
  })
})
