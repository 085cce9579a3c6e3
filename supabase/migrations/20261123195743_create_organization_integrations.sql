-- 20261123195743_create_organization_integrations
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 1 · part: 1/1 · source: e0de41317cd3ba55b1753cc6290c334b7c11d8b0156f283871a77de21dee59de · body: bce5a067dfb0dfaa81e71c713549d9e7ae1b734092d486461f42fe9c0ca095e6
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

DO $guard$
BEGIN
  if to_regclass('public.organizations') is null then
    raise exception 'table public.organizations does not exist, and ours references public.organizations(id uuid)'
      using hint = 'it belongs to the host application: apply the migration that creates it first';
  elsif not exists (
    select from pg_attribute
    where attrelid = to_regclass('public.organizations') and attname = 'id'
      and format_type(atttypid, atttypmod) = 'uuid' and not attisdropped
  ) then
    raise exception 'expected column public.organizations.id of type uuid, found %', coalesce(
      (select format_type(atttypid, atttypmod) from pg_attribute
       where attrelid = to_regclass('public.organizations') and attname = 'id' and not attisdropped), 'no such column')
      using hint = 'it belongs to the host application: change it there';
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regtype('"public"."integration_status_enum"') is null then
    CREATE TYPE "public"."integration_status_enum" AS ENUM('active', 'inactive', 'error', 'pending_setup');
  elsif array['active', 'inactive', 'error', 'pending_setup']::text[] is distinct from (
    select array_agg(enumlabel::text order by enumsortorder) from pg_enum
    where enumtypid = to_regtype('"public"."integration_status_enum"') and enumlabel = any (array['active', 'inactive', 'error', 'pending_setup']::text[])
  ) then
    raise exception 'type % exists with other labels: found %, expected %', '"public"."integration_status_enum"',
      (select array_agg(enumlabel order by enumsortorder) from pg_enum where enumtypid = to_regtype('"public"."integration_status_enum"')), array['active', 'inactive', 'error', 'pending_setup']::text[];
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regtype('"public"."integration_type_enum"') is null then
    CREATE TYPE "public"."integration_type_enum" AS ENUM('xledger', 'dynamics', 'cornerstone', 'consio', 'bufdir');
  elsif array['xledger', 'dynamics', 'cornerstone', 'consio', 'bufdir']::text[] is distinct from (
    select array_agg(enumlabel::text order by enumsortorder) from pg_enum
    where enumtypid = to_regtype('"public"."integration_type_enum"') and enumlabel = any (array['xledger', 'dynamics', 'cornerstone', 'consio', 'bufdir']::text[])
  ) then
    raise exception 'type % exists with other labels: found %, expected %', '"public"."integration_type_enum"',
      (select array_agg(enumlabel order by enumsortorder) from pg_enum where enumtypid = to_regtype('"public"."integration_type_enum"')), array['xledger', 'dynamics', 'cornerstone', 'consio', 'bufdir']::text[];
  end if;
END $guard$;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"organization_integrations"') is not null then
    select string_agg(format('%I is %s instead of %s', column_name, coalesce(format_type(atttypid, atttypmod), 'missing'),
      coalesce(to_regtype(type_name)::text, type_name) || coalesce(modifier, '')), ', ') into differs
    from (values ('id', 'uuid', ''), ('organization_id', 'uuid', ''), ('integration_type', 'integration_type_enum', ''), ('status', 'integration_status_enum', ''), ('field_mappings', 'jsonb', ''), ('sync_schedule', 'text', ''), ('excluded_features', 'jsonb', ''), ('created_at', 'timestamptz', ''), ('updated_at', 'timestamptz', '')) as stated (column_name, type_name, modifier)
    left join pg_attribute on attrelid = to_regclass('"organization_integrations"') and attname = column_name and not attisdropped
    where atttypid is distinct from to_regtype(type_name)
      or modifier <> coalesce(substring(format_type(atttypid, atttypmod) from '\(.*\)'), '');
    if differs is not null then
      raise exception '% exists, but %', '"organization_integrations"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "organization_integrations" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"integration_type" "integration_type_enum" NOT NULL,
	"status" "integration_status_enum" DEFAULT 'inactive' NOT NULL,
	"field_mappings" jsonb DEFAULT '{}'::jsonb,
	"sync_schedule" text,
	"excluded_features" jsonb DEFAULT '[]'::jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "organization_integrations_organization_id_integration_type_key" UNIQUE("organization_id","integration_type")
);

ALTER TABLE "organization_integrations" ENABLE ROW LEVEL SECURITY;

DO $guard$
BEGIN
  if not exists (select from pg_constraint where conname = 'organization_integrations_organization_id_fkey' and conrelid = to_regclass('"organization_integrations"')) then
    ALTER TABLE "organization_integrations" ADD CONSTRAINT "organization_integrations_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;
  elsif not exists (
    select from pg_constraint where conname = 'organization_integrations_organization_id_fkey' and conrelid = to_regclass('"organization_integrations"')
      and contype = 'f' and confrelid = to_regclass('"public"."organizations"')
      and array(
        select coalesce(attname::text, '(expression)') from unnest(conkey) with ordinality as key (number, position)
        left join pg_attribute on attrelid = conrelid and attnum = number order by position) = array['organization_id']::text[] and array(
        select coalesce(attname::text, '(expression)') from unnest(confkey) with ordinality as key (number, position)
        left join pg_attribute on attrelid = confrelid and attnum = number order by position) = array['id']::text[]
      and confdeltype = 'c' and confupdtype = 'a'
  ) then
    raise exception '% has another constraint of this name: found %, expected %', '"organization_integrations"',
      (select format('%I %s', conname, pg_get_constraintdef(oid)) from pg_constraint where conname = 'organization_integrations_organization_id_fkey' and conrelid = to_regclass('"organization_integrations"')),
      'ALTER TABLE "organization_integrations" ADD CONSTRAINT "organization_integrations_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action';
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('"organization_integrations_organization_id_idx"') is not null then
    if not exists (
      select from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
      where indexrelid = to_regclass('"organization_integrations_organization_id_idx"')
        and indisvalid
        and indrelid = to_regclass('"organization_integrations"')
        and amname = 'btree'
        and indisunique = false
        and (indpred is not null) = false
        and array(
          select coalesce(attname::text, '(expression)') from unnest(indkey) with ordinality as key (number, position)
          left join pg_attribute on attrelid = indrelid and attnum = number order by position) = array['organization_id']::text[]
        and array(select unnest(indoption)) = array[0]::int2[]
    ) then
      raise exception 'index % is another one: found %, expected %', '"organization_integrations_organization_id_idx"', (
        select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end
        from pg_index where indexrelid = to_regclass('"organization_integrations_organization_id_idx"')
      ), 'CREATE INDEX "organization_integrations_organization_id_idx" ON "organization_integrations" USING btree ("organization_id")' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integrations_organization_id_idx" ON "organization_integrations" USING btree ("organization_id");

DO $guard$
BEGIN
  if to_regclass('"organization_integrations_field_mappings_idx"') is not null then
    if not exists (
      select from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
      where indexrelid = to_regclass('"organization_integrations_field_mappings_idx"')
        and indisvalid
        and indrelid = to_regclass('"organization_integrations"')
        and amname = 'gin'
        and indisunique = false
        and (indpred is not null) = false
        and array(
          select coalesce(attname::text, '(expression)') from unnest(indkey) with ordinality as key (number, position)
          left join pg_attribute on attrelid = indrelid and attnum = number order by position) = array['field_mappings']::text[]
        and not exists (select from unnest(array['jsonb_ops']::text[], indclass::oid[]) as stated (name, class) join pg_opclass on pg_opclass.oid = class where name <> opcname)
    ) then
      raise exception 'index % is another one: found %, expected %', '"organization_integrations_field_mappings_idx"', (
        select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end
        from pg_index where indexrelid = to_regclass('"organization_integrations_field_mappings_idx"')
      ), 'CREATE INDEX "organization_integrations_field_mappings_idx" ON "organization_integrations" USING gin ("field_mappings" jsonb_ops)' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integrations_field_mappings_idx" ON "organization_integrations" USING gin ("field_mappings" jsonb_ops);

DROP POLICY IF EXISTS "org_members_can_read_own_integrations" ON "organization_integrations";
CREATE POLICY "org_members_can_read_own_integrations" ON "organization_integrations" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) in ('admin', 'coordinator'));

DROP POLICY IF EXISTS "admins_can_create_integrations" ON "organization_integrations";
CREATE POLICY "admins_can_create_integrations" ON "organization_integrations" AS PERMISSIVE FOR INSERT TO "authenticated" WITH CHECK (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');

DROP POLICY IF EXISTS "admins_can_update_integrations" ON "organization_integrations";
CREATE POLICY "admins_can_update_integrations" ON "organization_integrations" AS PERMISSIVE FOR UPDATE TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin') WITH CHECK (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');

DROP POLICY IF EXISTS "admins_can_delete_integrations" ON "organization_integrations";
CREATE POLICY "admins_can_delete_integrations" ON "organization_integrations" AS PERMISSIVE FOR DELETE TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');

alter table "public"."organization_integrations" force row level security;

revoke all on table "public"."organization_integrations" from public, anon, authenticated, service_role;
grant select, insert, update, delete on table "public"."organization_integrations" to authenticated;
grant select, insert, update, delete on table "public"."organization_integrations" to service_role;

DO $guard$
BEGIN
  execute (
    select format(
      'create or replace trigger %s before update on %s for each row execute function %I.moddatetime(%L)',
      '"touch_updated_at"', '"public"."organization_integrations"', nspname, 'updated_at'
    )
    from pg_proc
    join pg_namespace on pg_namespace.oid = pronamespace
    left join pg_depend on classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e'
    where proname = 'moddatetime' and pronargs = 0 and prorettype = 'trigger'::regtype
    -- The extension's own function first, wherever it lives; then the one that took its place.
    order by objid is null, nspname <> 'extensions', nspname
    limit 1
  );
END $guard$;

comment on type "public"."integration_type_enum" is 'Labels must match the constants of the Flutter app''s Dart registry, letter for letter; adding or renaming one means changing both.';

comment on type "public"."integration_status_enum" is 'Labels must match the constants of the Flutter app''s Dart registry, letter for letter; adding or renaming one means changing both.';
