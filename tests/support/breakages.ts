import type { Finding } from '../../src/doctor/finding.ts'
import { integrationType } from '../../src/schema/enums.ts'

/** One thing wrong with a fresh database, and the one finding that it is. Every name is qualified. */
type Breakage = {
  sql: string
  what: string
  where: string
  severity?: Finding['severity']
}

const drift = (sql: string, what: string, where: string): Breakage => ({ sql, what, where })
const harmless = (sql: string, what: string, where: string): Breakage => ({ sql, what, where, severity: 'information' })
const table = 'public.organization_integrations'
const credentials = 'public.organization_integration_credentials'
const events = 'public.organization_integration_events'
const scheduled = 'public.organization_integrations_scheduled_idx'
const policy = 'org_members_can_read_own_integrations'
const role = 'integrations.current_organization_role()'
const type = 'public.integration_type_enum'
const status = 'public.integration_status_enum'
const refuse = 'integrations.refuse(text,text)'

const labels: readonly string[] = integrationType.enumValues
const mustMatch =
  "'Labels must match the constants of the Flutter app''s Dart registry, letter for letter; adding or renaming one means changing both.'"
/** A type made anew with other labels, as a person would do it. */
const relabelled = (...labels: string[]) => `
  alter type ${type} rename to old_enum;
  create type ${type} as enum (${labels.map((label) => `'${label}'`).join(', ')});
  comment on type ${type} is ${mustMatch};
  alter table ${table} alter column integration_type type ${type} using integration_type::text::${type};
  drop type public.old_enum`

export const breakages: Breakage[] = [
  // Tables and their row-level security.
  drift(`alter table ${table} disable row level security`, 'table: row-level security', table),
  drift(
    `alter table ${credentials} no force row level security`,
    'table: row-level security for the owner',
    credentials,
  ),
  drift(`drop table ${events} cascade`, 'missing table', events),
  drift(`drop table ${credentials}`, 'missing table', credentials),
  drift(`drop table ${table} cascade`, 'missing table', table),
  drift('drop table integrations.retrieval_requests cascade', 'missing table', 'integrations.retrieval_requests'),
  drift(`alter table ${events} set unlogged`, 'table: persistence', events),
  harmless('create table integrations.host (id uuid primary key)', 'extra table', 'integrations.host'),
  harmless(`alter table ${table} set (autovacuum_enabled = false)`, 'table: settings', table),
  harmless(`comment on table ${table} is 'ours'`, 'table: comment', table),
  drift('drop schema integrations cascade', 'missing schema', 'integrations'),
  drift('drop schema integrations_once cascade', 'missing schema', 'integrations_once'),

  // Columns.
  drift(`alter table ${table} drop column sync_schedule`, 'missing column', `${table}.sync_schedule`),
  drift(`alter table ${table} drop column organization_id cascade`, 'missing column', `${table}.organization_id`),
  drift(`alter table ${table} rename column sync_schedule to schedule`, 'renamed column', `${table}.sync_schedule`),
  drift(`alter table ${table} rename column organization_id to org_id`, 'renamed column', `${table}.organization_id`),
  drift(`alter table ${table} alter column sync_schedule type varchar(40)`, 'column: type', `${table}.sync_schedule`),
  drift(
    `drop index ${scheduled};
     alter table ${table} alter column status type text;
     create index organization_integrations_scheduled_idx on ${table} (id) where status = 'active' and sync_schedule is not null`,
    'column: type',
    `${table}.status`,
  ),
  drift(
    `drop policy admins_can_read_own_events on ${events};
     alter table ${events} alter column organization_id type text;
     create policy admins_can_read_own_events on ${events} for select to authenticated using (
       organization_id::uuid = (select integrations.current_organization_id())
       and (select integrations.current_organization_role()) = 'admin')`,
    'column: type',
    `${events}.organization_id`,
  ),
  drift(`alter table ${credentials} alter column store type varchar(20)`, 'column: type', `${credentials}.store`),
  drift(
    `alter table ${table} alter column sync_schedule type text collate "C"`,
    'column: type',
    `${table}.sync_schedule`,
  ),
  drift(`alter table ${table} alter column organization_id drop not null`, 'column: null', `${table}.organization_id`),
  drift(
    `alter table ${table} alter column field_mappings drop not null;
     insert into public.organizations (id, name) values ('00000000-0000-4000-8000-00000000000b', 'Lions');
     insert into ${table} (organization_id, integration_type) values ('00000000-0000-4000-8000-00000000000b', 'xledger');
     alter table ${table} disable trigger configuration_check;
     update ${table} set field_mappings = null;
     alter table ${table} enable trigger configuration_check`,
    'column: null',
    `${table}.field_mappings`,
  ),
  drift(`alter table ${table} alter column sync_schedule set not null`, 'column: null', `${table}.sync_schedule`),
  drift(`alter table ${table} alter column status set default 'active'`, 'column: default', `${table}.status`),
  drift(`alter table ${table} alter column field_mappings drop default`, 'column: default', `${table}.field_mappings`),
  drift(
    `alter table ${table} alter column sync_schedule set default '* * * * *'`,
    'column: default',
    `${table}.sync_schedule`,
  ),
  drift(
    `alter table integrations.retrieval_requests alter column version add generated always as identity`,
    'column: default',
    'integrations.retrieval_requests.version',
  ),
  drift(`alter table ${table} add column host_code text not null`, 'extra column', `${table}.host_code`),
  harmless(`alter table ${table} add column host_note text`, 'extra column', `${table}.host_note`),
  harmless(
    `alter table ${table} alter column field_mappings set statistics 500`,
    'column: settings',
    `${table}.field_mappings`,
  ),

  // Constraints and indexes.
  drift(
    `alter table ${table} drop constraint organization_integrations_organization_id_fkey`,
    'missing constraint',
    `organization_integrations_organization_id_fkey on ${table}`,
  ),
  drift(
    `alter table ${table} drop constraint organization_integrations_pkey cascade`,
    'missing constraint',
    `organization_integrations_pkey on ${table}`,
  ),
  drift(
    `alter table ${table} drop constraint organization_integrations_organization_id_integration_type_key`,
    'missing constraint',
    `organization_integrations_organization_id_integration_type_key on ${table}`,
  ),
  drift(
    `alter table ${table} drop constraint organization_integrations_organization_id_fkey,
      add constraint organization_integrations_organization_id_fkey foreign key (organization_id) references public.organizations (id)`,
    'another constraint',
    `organization_integrations_organization_id_fkey on ${table}`,
  ),
  drift(
    `alter table ${credentials} drop constraint organization_integration_credentials_version_check,
      add constraint organization_integration_credentials_version_check check (version > 0) not valid`,
    'constraint: valid',
    `organization_integration_credentials_version_check on ${credentials}`,
  ),
  drift(
    `alter table ${credentials} drop constraint organization_integration_credentials_store_check,
      add constraint organization_integration_credentials_store_check check (store in ('vault', 'pgcrypto', 'plain'))`,
    'another constraint',
    `organization_integration_credentials_store_check on ${credentials}`,
  ),
  drift(
    `alter table ${table} add constraint host_check check (status <> 'error')`,
    'extra constraint',
    `host_check on ${table}`,
  ),
  drift(
    'drop index public.organization_integrations_organization_id_idx',
    'missing index',
    `public.organization_integrations_organization_id_idx on ${table}`,
  ),
  drift(
    `drop index public.organization_integrations_field_mappings_idx;
     create index organization_integrations_field_mappings_idx on ${table} using gin (field_mappings jsonb_path_ops)`,
    'another index',
    `public.organization_integrations_field_mappings_idx on ${table}`,
  ),
  drift(
    `drop index public.organization_integrations_field_mappings_idx;
     create index organization_integrations_field_mappings_idx on ${table} (field_mappings)`,
    'another index',
    `public.organization_integrations_field_mappings_idx on ${table}`,
  ),
  {
    // As a build that was cancelled leaves it.
    sql: `update pg_catalog.pg_index set indisvalid = false where indexrelid = 'public.organization_integrations_organization_id_idx'::pg_catalog.regclass`,
    what: 'index: valid',
    where: `public.organization_integrations_organization_id_idx on ${table}`,
  },
  drift(
    `drop index public.organization_integration_credentials_current_key;
     create unique index organization_integration_credentials_current_key on ${credentials} (integration_id)`,
    'another index',
    `public.organization_integration_credentials_current_key on ${credentials}`,
  ),
  drift(`create unique index host_key on ${table} (sync_schedule)`, 'extra index', `public.host_key on ${table}`),
  harmless(`create index host_idx on ${table} (status)`, 'extra index', `public.host_idx on ${table}`),

  // Foreign keys are triggers of the server's own; those who may stop all triggers stop them too.
  drift(
    `alter table ${credentials} disable trigger all; alter table ${credentials} enable trigger user`,
    'constraint: enforced',
    `organization_integration_credentials_integration_id_fkey on ${credentials}`,
  ),
  drift(
    'alter table public.organizations disable trigger all',
    'constraint: enforced',
    `organization_integrations_organization_id_fkey on ${table}`,
  ),

  // Names and places.
  drift(
    `alter table ${table} rename constraint organization_integrations_pkey to other_pkey`,
    'renamed constraint',
    `organization_integrations_pkey on ${table}`,
  ),
  drift(
    `alter table ${table} rename constraint organization_integrations_organization_id_fkey to other_fkey`,
    'renamed constraint',
    `organization_integrations_organization_id_fkey on ${table}`,
  ),
  drift(`alter table ${table} rename to others`, 'renamed table', table),
  drift(`alter table ${events} rename to "Other events"`, 'renamed table', events),
  drift(`create schema archive; alter table ${table} set schema archive`, 'renamed table', table),
  drift(
    `create schema archive; alter table ${credentials} set schema archive; alter table archive.organization_integration_credentials rename to old`,
    'renamed table',
    credentials,
  ),
  drift(`alter type ${type} rename to other_type`, 'renamed type', type),
  drift(`create schema archive; alter type ${type} set schema archive`, 'renamed type', type),

  // Policies, and ways past them.
  drift(`drop policy ${policy} on ${table}`, 'missing policy', `${policy} on ${table}`),
  drift(`alter policy ${policy} on ${table} using (true)`, 'another policy', `${policy} on ${table}`),
  drift(
    `alter policy admins_can_update_integrations on ${table} with check (true)`,
    'another policy',
    `admins_can_update_integrations on ${table}`,
  ),
  drift(`alter policy ${policy} on ${table} to public`, 'another policy', `${policy} on ${table}`),
  drift(
    `drop policy ${policy} on ${table};
     create policy ${policy} on ${table} as restrictive for select to authenticated using
       (organization_id = (select integrations.current_organization_id()) and (select ${role}) in ('admin', 'coordinator'))`,
    'another policy',
    `${policy} on ${table}`,
  ),
  drift(`create policy everybody on ${table} for select to anon using (true)`, 'extra policy', `everybody on ${table}`),
  drift(`create rule quiet as on delete to ${table} do instead nothing`, 'extra rule', `quiet on ${table}`),
  drift(
    `create view public.around as select * from ${table}; grant select on public.around to anon`,
    'extra view past the policies',
    `public.around on ${table}`,
  ),
  harmless(
    `create view public.around as select * from ${table}; revoke all on public.around from anon, authenticated, service_role`,
    'extra view',
    `public.around on ${table}`,
  ),
  drift(
    `create materialized view public.around as select * from ${table}; grant select on public.around to authenticated`,
    'extra materialized view past the policies',
    `public.around on ${table}`,
  ),
  drift(
    `create function public.around() returns setof ${table} language sql security definer as 'select * from ${table}'`,
    'extra definer function past the policies',
    `public.around() on ${table}`,
  ),

  // Privileges and owners.
  drift(`grant truncate on ${table} to anon`, 'table: privileges', table),
  drift(`grant all on ${credentials} to public`, 'table: privileges', credentials),
  drift(`revoke update on ${table} from service_role`, 'table: privileges', table),
  drift(`revoke insert on ${events} from current_user`, 'table: privileges', events),
  drift(`grant select on ${table} to authenticated with grant option`, 'table: privileges', table),
  drift(
    `grant select (secret_id) on ${credentials} to authenticated`,
    'column: privileges',
    `${credentials}.secret_id`,
  ),
  {
    sql: `grant select on ${table} to pg_monitor`,
    what: 'table: privileges of others',
    where: table,
    severity: 'advice',
  },
  drift(`grant execute on function ${refuse} to anon`, 'function: privileges', refuse),
  drift(`revoke execute on function ${role} from authenticated`, 'function: privileges', role),
  drift('revoke usage on schema integrations from authenticated', 'schema: privileges', 'integrations'),
  drift('grant create on schema integrations to public', 'schema: privileges', 'integrations'),
  drift(`revoke usage on type ${type} from public`, 'type: privileges', type),
  drift(`alter table ${table} owner to pg_monitor`, 'table: owner', table),
  drift(`alter function ${refuse} owner to pg_monitor`, 'function: owner', refuse),
  drift(`alter type ${type} owner to pg_monitor`, 'type: owner', type),
  drift('alter schema integrations owner to pg_monitor', 'schema: owner', 'integrations'),

  // Functions and triggers.
  drift(`drop function ${refuse}`, 'missing function', refuse),
  drift(`drop function ${role} cascade`, 'missing function', role),
  drift('drop function integrations.refuse_change() cascade', 'missing function', 'integrations.refuse_change()'),
  drift(
    `create or replace function ${role} returns text language sql stable set search_path = '' return 'admin'`,
    'another function',
    role,
  ),
  drift(
    `create or replace function ${role} returns text language plpgsql stable set search_path = '' as $$ begin return 'admin'; end $$`,
    'another function',
    role,
  ),
  drift(
    'alter function integrations.create_secret(text, text, text) security invoker',
    'another function',
    'integrations.create_secret(text,text,text)',
  ),
  drift(`alter function ${refuse} reset search_path`, 'another function', refuse),
  drift(`alter function ${refuse} set search_path = public`, 'another function', refuse),
  drift(`alter function ${refuse} set search_path = ''`, 'another function', refuse),
  drift(`alter function ${refuse} set search_path = pg_catalog`, 'another function', refuse),
  drift(`alter function ${refuse} set search_path = pg_temp, pg_catalog`, 'another function', refuse),
  drift(`alter function ${role} volatile`, 'another function', role),
  drift(
    `drop function ${refuse};
     create function integrations.refuse(what text, message text) returns void language plpgsql as 'begin end';
     revoke all on function ${refuse} from public`,
    'another function',
    refuse,
  ),
  drift(
    `create function integrations.refuse(text) returns void language sql set search_path = '' as 'select'`,
    'extra function',
    'integrations.refuse(text)',
  ),
  drift(`drop trigger configuration_check on ${table}`, 'missing trigger', `configuration_check on ${table}`),
  drift(`drop trigger touch_updated_at on ${table}`, 'missing trigger', `touch_updated_at on ${table}`),
  drift(`alter table ${events} disable trigger append_only`, 'trigger: fires', `append_only on ${events}`),
  drift(
    `alter table ${table} enable always trigger configuration_check`,
    'trigger: fires',
    `configuration_check on ${table}`,
  ),
  drift(
    `create or replace trigger append_only before delete on ${events} for each statement execute function integrations.refuse_change()`,
    'another trigger',
    `append_only on ${events}`,
  ),
  drift(
    `create trigger host_hook before update on ${table} for each row execute function extensions.moddatetime('created_at')`,
    'extra trigger',
    `host_hook on ${table}`,
  ),

  // Types and extensions.
  drift(`alter type ${type} add value 'fortnox'`, 'type: labels', type),
  drift(`alter type ${type} rename value 'consio' to 'konsio'`, 'type: labels', type),
  drift(relabelled(...labels.filter((label) => label !== 'cornerstone')), 'type: labels', type),
  drift(
    `drop index ${scheduled};
     alter type ${status} rename to old_enum;
     create type ${status} as enum ('inactive', 'active', 'error');
     comment on type ${status} is ${mustMatch};
     alter table ${table} alter column status drop default, alter column status type ${status} using status::text::${status},
       alter column status set default 'inactive';
     drop type public.old_enum;
     create index organization_integrations_scheduled_idx on ${table} (id) where status = 'active' and sync_schedule is not null`,
    'type: labels',
    status,
  ),
  drift(relabelled(...labels.slice(1, 2), ...labels.slice(0, 1), ...labels.slice(2)), 'type: labels', type),
  harmless(`comment on type ${type} is null`, 'type: comment', type),
  drift('drop extension moddatetime cascade', 'missing extension', 'moddatetime'),
  drift('drop extension pgcrypto', 'missing extension', 'pgcrypto'),
  harmless(`create publication host_changes for table ${table}`, 'extra publication', `host_changes on ${table}`),
  harmless(
    `create statistics public.host_statistics on status, sync_schedule from ${table}`,
    'extra statistics',
    `public.host_statistics on ${table}`,
  ),
]
