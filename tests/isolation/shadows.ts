import assert from 'node:assert/strict'
import postgres from 'postgres'
import { type Attacked, acmeId, type Check, switchedOn } from './attacked.ts'

/*
 * Whoever may create temporary objects can give them PostgreSQL's names. A function of ours that takes one for the real
 * thing runs the attacker's code, with its owner's rights where it is a definer.
 */

/** As `authenticated`: every type of PostgreSQL as a domain that calls home, and tables in the place of relations. */
export const plant = `
set role authenticated;
create function pg_temp.evil() returns boolean language plpgsql as $$
begin
  raise notice 'evil as %', current_user;
  return true;
end $$;
do $$
declare
  shadowed pg_catalog.name;
begin
  for shadowed in
    select t.typname from pg_catalog.pg_type as t
    where t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace and t.typtype in ('b', 'r') and t.typelem = 0
  loop
    execute pg_catalog.format('create domain pg_temp.%I as pg_catalog.%I check (pg_temp.evil())', shadowed, shadowed);
  end loop;
  for shadowed in
    select c.relname from pg_catalog.pg_class as c
    where c.relkind in ('r', 'v') and c.relnamespace in ('public'::pg_catalog.regnamespace, 'pg_catalog'::pg_catalog.regnamespace)
      and c.relname not like 'pg\\_toast%'
  loop
    execute pg_catalog.format('create temporary table %I (planted pg_catalog.bool)', shadowed);
  end loop;
end $$;
create type pg_temp.record as (planted pg_catalog.bool);
create operator pg_temp.= (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = pg_catalog.textne);
reset role;`

/** Statements of one transaction, as one role: what each attack calls, with nothing in it that could be mistaken. */
type Story = { title: string; role: 'authenticated' | 'service_role' | 'none'; before?: string; statements: string[] }

const dynamics = `pg_catalog.md5('dynamics ${acmeId}')::pg_catalog.uuid`
const xledger = `pg_catalog.md5('xledger ${acmeId}')::pg_catalog.uuid`
const run = `pg_catalog.md5('run ' || ${xledger})::pg_catalog.uuid`
const alert = `pg_catalog.md5('alert')::pg_catalog.uuid`
const aKey = `select pg_catalog.set_config('integrations.encryption_key', pg_catalog.repeat('0', 64), true)`
/** Without a path of its own: it sees what its caller's names mean. */
const spy = (signature: string, returns: string) =>
  `create or replace function ${signature} returns ${returns} language plpgsql as $$ begin perform null::jsonb; return; end $$;`
const triggerSpy = (table: string, verb: string) => `
  create function public.spy() returns trigger language plpgsql as $$ begin perform null::jsonb; return coalesce(new, old); end $$;
  create trigger spy before ${verb} on ${table} for each row execute function public.spy();`

const stories: Story[] = [
  {
    title: 'reads and changes rows',
    role: 'authenticated',
    statements: [
      `select from integrations.config_violations('{"a": {"path": "b", "default": 1}}', '["a"]')`,
      'select from public.organization_integrations',
      'select from public.organization_integration_events',
      `update public.organization_integrations set field_mappings = '{"password": "x"}'`,
      `update public.organization_integrations set sync_schedule = 'myPin'`,
      `select path from integrations.config_violations('{"ourApiKey": "x", "b": "Bearer abcdefghijklmnop"}', '[]')`,
      'delete from public.organization_integrations',
    ],
  },
  {
    title: 'keeps credentials',
    role: 'authenticated',
    statements: [
      aKey,
      `select code from integrations.store_credential('dynamics', '{"client_secret": "x"}', null)`,
      `select code from integrations.store_credential('dynamics', '{"client_secret": "x"}', null)`,
      `select code from integrations.rotate_credential('dynamics', '{"client_secret": "y"}', 60, null)`,
      `select field_names from integrations.describe_credential('dynamics')`,
      `select integrations.has_credential(${dynamics})`,
      `select code from integrations.revoke_credential('dynamics', null)`,
    ],
  },
  {
    title: 'calls the Data API',
    role: 'authenticated',
    before: switchedOn,
    statements: [
      aKey,
      `select integrations_api.credential_store()::pg_catalog.text`,
      `select integrations_api.store_credential('dynamics', '{"client_secret": "x", "tenant_id": "a", "client_id": "b", "resource_url": "https://c.no"}')::pg_catalog.text`,
      `select integrations_api.store_credential('dynamics', '{"client_secret": "x"}')::pg_catalog.text`,
      `select integrations_api.rotate_credential('dynamics', '{"client_secret": "y"}', 60, 'attack')::pg_catalog.text`,
      `select integrations_api.describe_credential('dynamics') #>> '{credential,field_names}'`,
      `update public.organization_integrations set status = 'active' where integration_type = 'dynamics'`,
      `update public.organization_integrations set integration_type = 'bufdir' where integration_type = 'dynamics'`,
      `select integrations_api.revoke_credential('dynamics')::pg_catalog.text`,
      `update public.organization_integrations set status = 'active' where integration_type = 'dynamics'`,
      `select integrations_api.merge_field_mappings('xledger', '{"a": {"path": "b", "default": null}, "c": null}') ->> 'field_mappings'`,
      `select integrations_api.merge_field_mappings('xledger', '{"password": "x"}')::pg_catalog.text`,
      `select integrations_api.merge_field_mappings('xledger', '[]', '1')::pg_catalog.text`,
    ],
  },
  {
    title: 'takes credentials as the service',
    role: 'service_role',
    statements: [
      aKey,
      `select code from integrations.request_retrieval('xledger', null, 'attack')`,
      'select code from integrations.retrieve_credential(pg_catalog.gen_random_uuid())',
      `select code from integrations.delete_credential(${xledger}, 'attack')`,
    ],
  },
  {
    title: 'runs and finishes as the service',
    role: 'service_role',
    statements: [
      `select code, attempt from integrations.start_run('${acmeId}', 'xledger', '2026-01-02', false)`,
      `select code, attempt from integrations.start_run('${acmeId}', 'xledger', '2026-01-02', true)`,
      `select code, status from integrations.finish_run(${run}, 1, 'failed', 'attack', '{"a": 1}', 1) as f
        join public.organization_integrations as i on i.id = f.integration_id`,
      `select integrations.planned_through('syncs', '2026-01-01T00:00:00Z')`,
      `select integrations.planned_through('syncs', null)`,
      'select reason from integrations.pending_alerts(10)',
      `select integrations.acknowledge_alert(${alert})`,
    ],
  },
  {
    title: 'writes what a trigger tells of',
    role: 'service_role',
    statements: [
      `insert into public.organization_integrations (organization_id, integration_type, field_mappings, sync_schedule)
        values ('${acmeId}', 'bufdir', '{"keyboard": "a"}', '0 2 * * *')`,
      `update public.organization_integrations set field_mappings = '{"passport_number": "b"}'`,
      `delete from public.organization_integrations where integration_type = 'bufdir'`,
      `select action, actor, changes::pg_catalog.text from public.organization_integration_changes
        order by action, integration_type, organization_id, changes::pg_catalog.text`,
    ],
  },
  {
    title: "is the administrator's, with objects in the way that are not",
    role: 'none',
    statements: [
      // Each by itself: another function's path would be inherited, and what is compiled stays compiled.
      'select is_service from integrations.caller()',
      `select integrations.api_answer('conflict', 'x', '{}')::pg_catalog.text`,
      'select integrations.pgcrypto_schema()',
      `select integrations.configuration_problems('{"a": {"path": "b", "default": 1}, "ourApiKey": "x"}', '["a"]')`,
      `select integrations.duration_ms('lock_timeout')`,
      `select code from integrations.prepare_credential('store', 'dynamics', 'attack')`,
      `select integrations.bundle_fields('{"a": 1}')`,
      `select integrations.own_integration('xledger')`,
      `select from integrations.encrypt_secret('x')`,
      aKey,
      `select from integrations.encrypt_secret('x')`,
      `select pg_catalog.length(integrations.create_secret('pgcrypto', 'x', 'y')::pg_catalog.text)`,
      `select from integrations.record_event('alert', 'ok', '${acmeId}', null, null, null, null)`,
      `select code from integrations.write_credential('store', 'dynamics', '{"client_secret": "x"}', 0, null)`,
      'select from integrations.check_silence()',
      `select from integrations.check_bundle('bufdir', '{"org_id": "1", "report_year": 2026, "other": 1}')`,
      `select integrations.api_write('store', 'dynamics', '{"client_secret": "x"}', 0, null)::pg_catalog.text`,
      `update public.organization_integration_events set actor = 'nobody'`,
      `select integrations.redacted('{"a": 1, "ourApiKey": ["x", {"b": "A"}], "c": "Bearer abcdefghijklmnop"}')::pg_catalog.text`,
      `select integrations.redacted_changes('{"sync_schedule": {"old": "myPin"}, "a": {"new": "Bearer abcdefghijklmnop"}}')::pg_catalog.text`,
      `select from integrations.read_secret('pgcrypto', pg_catalog.gen_random_uuid())`,
      'select code from integrations.move_to_vault(pg_catalog.gen_random_uuid(), 1)',
      'select code from integrations.encrypt_anew(pg_catalog.gen_random_uuid())',
      // What the rules' trigger would not let in stands there from before it.
      `select pg_catalog.set_config('session_replication_role', 'replica', true)`,
      `update public.organization_integrations set sync_schedule = 'myPin' where organization_id = '${acmeId}'`,
      `select pg_catalog.set_config('session_replication_role', 'origin', true)`,
      `select document from integrations.repair_organization('${acmeId}')`,
      `select integrations.revoke_organization('${acmeId}', 'attack')`,
      `select integrations.prune_runs('2027-01-01', 10)`,
      `select integrations.prune_events('2020-01-01', 10)`,
      `update public.organization_integration_changes set actor = 'nobody'`,
      `insert into public.organization_integration_changes (action, actor, changes)
        values ('update', 'x', '{"sync_schedule": {"old": "myPin"}, "a": {"new": "Bearer abcdefghijklmnop"}}') returning changes::pg_catalog.text`,
      'truncate public.organizations cascade',
    ],
  },
  // What a function calls without a path of its own looks names up in its caller's.
  {
    title: 'stores through a function that has no path of its own',
    role: 'authenticated',
    before: spy(
      'integrations.write_credential(action text, integration_type text, bundle text, grace_seconds integer, reason text)',
      'table (code text, message text, version bigint)',
    ),
    statements: [
      `select code from integrations.store_credential('dynamics', '{"client_secret": "x"}', null)`,
      `select code from integrations.rotate_credential('dynamics', '{"client_secret": "x"}', 0, null)`,
    ],
  },
  {
    title: 'asks through a function that has no path of its own',
    role: 'authenticated',
    before: spy(
      'integrations.caller()',
      'table (is_service boolean, organization_id uuid, organization_role text, actor text)',
    ),
    statements: [`select integrations.has_credential(${xledger})`],
  },
  {
    title: "fires a host's trigger when a credential ends",
    role: 'none',
    before: triggerSpy('public.organization_integrations', 'update'),
    statements: [
      `update public.organization_integrations set status = 'error' where false`,
      `select integrations.end_credential(${xledger}, 'error')`,
    ],
  },
  {
    title: "fires a host's trigger when a secret goes",
    role: 'none',
    before: `
      insert into integrations.encrypted_secrets (id, key_id, ciphertext)
      select c.secret_id, 'k', '' from public.organization_integration_credentials as c;
      ${triggerSpy('integrations.encrypted_secrets', 'delete')}`,
    statements: ['delete from public.organization_integration_credentials'],
  },
  {
    title: 'checks documents through a function that has no path of its own',
    role: 'authenticated',
    before: `create or replace function integrations.configuration_problems(field_mappings jsonb, excluded_features jsonb)
      returns text[] language plpgsql as $$ begin perform null::jsonb; return null; end $$;`,
    statements: [`select from integrations.config_violations('{"a": "b"}', '[]')`],
  },
  {
    title: 'reads a secret through a function that has no path of its own',
    role: 'none',
    before: `create or replace function integrations.read_secret(store text, secret_id uuid) returns text
      language plpgsql as $$ begin perform null::jsonb; return null; end $$;`,
    statements: [`select integrations.can_decrypt('pgcrypto', pg_catalog.gen_random_uuid())`],
  },
  {
    title: "fires a host's trigger when operators take turns",
    role: 'none',
    before: triggerSpy('integrations.operator_turns', 'insert'),
    statements: [`select integrations.take_turn('attack')`],
  },
  {
    title: "fires a host's trigger when all references go",
    role: 'none',
    before: `
      insert into integrations.encrypted_secrets (id, key_id, ciphertext)
      select c.secret_id, 'k', '' from public.organization_integration_credentials as c;
      ${triggerSpy('integrations.encrypted_secrets', 'delete')}`,
    statements: ['truncate public.organization_integration_credentials'],
  },
  ...(
    [
      [
        'a run starts',
        'public.organization_integration_runs',
        'insert',
        `select from integrations.start_run('${acmeId}', 'dynamics', '2026-01-02Z', false)`,
      ],
      [
        'a run ends',
        'public.organization_integration_runs',
        'update',
        `select from integrations.finish_run(${run}, 1, 'failed', null, null, 1)`,
      ],
      [
        'runs go',
        'public.organization_integration_runs',
        'delete',
        `select integrations.prune_runs('2027-01-01Z', 10)`,
      ],
      [
        'a plan is kept',
        'integrations.sync_plans',
        'insert',
        `select integrations.planned_through('syncs', '2026-01-01Z')`,
      ],
      [
        'an alert is acknowledged',
        'integrations.alert_acknowledgements',
        'insert',
        `select integrations.acknowledge_alert(${alert})`,
      ],
      [
        'events go',
        'public.organization_integration_events',
        'delete',
        `select integrations.prune_events('2100-01-01Z', 10)`,
      ],
      [
        'a change is recorded',
        'public.organization_integration_changes',
        'insert',
        `update public.organization_integrations set status = 'error'`,
      ],
    ] as const
  ).map(
    ([what, table, verb, statement]): Story => ({
      title: `fires a host's trigger when ${what}`,
      role: 'none',
      before:
        (what === 'runs go'
          ? `insert into public.organization_integration_runs (integration_id, organization_id, due) values (${xledger}, '${acmeId}', '2026-06-01Z');`
          : '') + triggerSpy(table, verb),
      statements: [statement],
    }),
  ),
  {
    title: 'writes what looks like a credential',
    role: 'none',
    statements: [`insert into integrations.operator_turns (name) values ('Bearer abcdefghijklmnop')`],
  },
]

/** What any login may set, and what decides how texts, nulls and values are read. */
const hostileSettings = Object.entries({
  standard_conforming_strings: 'off',
  escape_string_warning: 'off',
  backslash_quote: 'on',
  transform_null_equals: 'on',
  array_nulls: 'off',
  bytea_output: 'escape',
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kathmandu',
  extra_float_digits: '-15',
  xmloption: 'document',
  'plpgsql.extra_errors': 'all',
  'plpgsql.print_strict_params': 'on',
  plan_cache_mode: 'force_generic_plan',
})
  .map(([name, value]) => `set ${name} = '${value}';`)
  .join(' ')

/** What a story's statements answer on a connection that was prepared so, and what ran that should not have. */
async function tell(db: Attacked, story: Story, preparation: string): Promise<{ answers: unknown[]; evil: string[] }> {
  const evil: string[] = []
  const sql = postgres(db.adminUrl, {
    max: 1,
    fetch_types: false,
    onnotice: ({ message = '' }) => message.startsWith('evil') && evil.push(message),
  })
  try {
    await sql.unsafe(preparation)
    const claims = JSON.stringify({
      role: story.role,
      app_metadata: { organization_id: acmeId, role: 'admin' },
    })
    const answers: unknown[] = []
    const undone = new Error('undone')
    await sql
      .begin(async (tx) => {
        await tx.unsafe(
          `set local search_path = pg_catalog, pg_temp; ${story.before ?? ''} set local search_path to default;
            select pg_catalog.set_config('request.jwt.claims', '${claims}', true); set local role ${story.role}`,
        )
        for (const statement of story.statements) {
          const answer = await tx
            .savepoint((nested) => nested.unsafe(statement))
            .then((rows) => [...rows])
            .catch((error: { code?: string }) => error.code)
          answers.push(answer)
        }
        throw undone
      })
      .catch((error) => {
        if (error !== undone) throw error
      })
    return { answers, evil }
  } finally {
    await sql.end()
  }
}

const planted: Check[] = stories.map((story) => ({
  title: `nobody's temporary type, table or operator is taken for PostgreSQL's where a caller ${story.title}`,
  shadows: story.statements.join(),
  async run(db) {
    const [fair, attacked] = [await tell(db, story, ''), await tell(db, story, plant)]
    assert.deepEqual(attacked.evil, [])
    assert.deepEqual(attacked.answers, fair.answers)
  },
}))

const unsettled: Check[] = stories.map((story) => ({
  title: `no setting of a caller's changes what a function answers where it ${story.title}`,
  async run(db) {
    assert.deepEqual((await tell(db, story, hostileSettings)).answers, (await tell(db, story, '')).answers)
  },
}))

export const shadowChecks: Check[] = [...planted, ...unsettled]
