-- 20261127042817_fleet
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 2 · part: 1/1 · source: 8b8e0964662fbafdeff751a2e6aa7db4449308681a65cdd2fe47ec0baaa346bc · body: e4f56b3f37bde0d7fe67389137d0d9f3b96f2840e2b061693aaebc684f3eeb24
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

create or replace function integrations.refuse_change() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- Its own transaction's turn: another's is not seen, and nobody but administrators can take it.
  if tg_op = 'DELETE' and exists (select from integrations.operator_turns as t where t.name = 'prune events') then
    return null;
  end if;
  raise exception '% is append-only: % is refused to everybody', tg_relid::regclass, lower(tg_op)
    using errcode = 'insufficient_privilege';
end
$function$;
revoke all on function integrations.refuse_change() from public, anon, authenticated, service_role;

create or replace function integrations.record_changes() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  actor text := (select case when (caller.actor collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(caller.actor collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then '[redacted]' else caller.actor end from integrations.caller() as caller);
  reason text := case tg_op when 'TRUNCATE' then 'its table was truncated' end;
begin
  if tg_op = 'INSERT' then
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when pg_column_size(c.changes) > 262144 or replace(replace(lower(c.changes::text collate "C"), '"field_mappings"', ''), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])
        then integrations.redacted_changes(c.changes) else c.changes end
    from (
      select n.organization_id, n.id, n.integration_type, 'create' as action, jsonb_build_object('status', jsonb_build_object('new', n.status), 'field_mappings', jsonb_build_object('new', n.field_mappings), 'sync_schedule', jsonb_build_object('new', n.sync_schedule), 'excluded_features', jsonb_build_object('new', n.excluded_features)) as changes
      from new_rows as n
      offset 0 -- Computed once, however often it is looked at.
    ) as c;
  elsif tg_op = 'UPDATE' then
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when pg_column_size(c.changes) > 262144 or replace(replace(lower(c.changes::text collate "C"), '"field_mappings"', ''), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])
        then integrations.redacted_changes(c.changes) else c.changes end
    from (
      select r.organization_id, r.id, coalesce((r.n).integration_type, (r.o).integration_type) as integration_type,
        case when (r.o).id is null then 'create' when (r.n).id is null then 'remove' else 'update' end as action,
        case when (r.o).id is null then jsonb_build_object('status', jsonb_build_object('new', (r.n).status), 'field_mappings', jsonb_build_object('new', (r.n).field_mappings), 'sync_schedule', jsonb_build_object('new', (r.n).sync_schedule), 'excluded_features', jsonb_build_object('new', (r.n).excluded_features)) when (r.n).id is null then jsonb_build_object('status', jsonb_build_object('old', (r.o).status), 'field_mappings', jsonb_build_object('old', (r.o).field_mappings), 'sync_schedule', jsonb_build_object('old', (r.o).sync_schedule), 'excluded_features', jsonb_build_object('old', (r.o).excluded_features))
          else case when (r.o).status is distinct from (r.n).status then jsonb_build_object('status', jsonb_build_object('old', (r.o).status, 'new', (r.n).status)) else '{}' end
        || case when (r.o).field_mappings is distinct from (r.n).field_mappings then jsonb_build_object('field_mappings', jsonb_build_object('old', (r.o).field_mappings, 'new', (r.n).field_mappings)) else '{}' end
        || case when (r.o).sync_schedule is distinct from (r.n).sync_schedule then jsonb_build_object('sync_schedule', jsonb_build_object('old', (r.o).sync_schedule, 'new', (r.n).sync_schedule)) else '{}' end
        || case when (r.o).excluded_features is distinct from (r.n).excluded_features then jsonb_build_object('excluded_features', jsonb_build_object('old', (r.o).excluded_features, 'new', (r.n).excluded_features)) else '{}' end
        || case when (r.o).integration_type is distinct from (r.n).integration_type then jsonb_build_object('integration_type', '{}'::jsonb) else '{}' end end as changes
      from (
        -- Not a join: its plan, made for one row, would be kept and take for ever for thousands.
        select u.organization_id, u.id, (array_agg(u.written) filter (where not u.is_new))[1] as o,
          (array_agg(u.written) filter (where u.is_new))[1] as n
        from (
          select o.organization_id, o.id, false as is_new, row(o.*)::public.organization_integrations as written from old_rows as o
          union all
          select n.organization_id, n.id, true, row(n.*)::public.organization_integrations from new_rows as n
        ) as u
        group by 1, 2
      ) as r
      where (r.o).id is null or (r.n).id is null or ((r.o).status is distinct from (r.n).status or (r.o).field_mappings is distinct from (r.n).field_mappings or (r.o).sync_schedule is distinct from (r.n).sync_schedule or (r.o).excluded_features is distinct from (r.n).excluded_features or (r.o).integration_type is distinct from (r.n).integration_type)
      offset 0 -- Computed once, however often it is looked at.
    ) as c;
  elsif tg_op = 'DELETE' then
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when pg_column_size(c.changes) > 262144 or replace(replace(lower(c.changes::text collate "C"), '"field_mappings"', ''), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])
        then integrations.redacted_changes(c.changes) else c.changes end
    from (
      select o.organization_id, o.id, o.integration_type, 'remove' as action, jsonb_build_object('status', jsonb_build_object('old', o.status), 'field_mappings', jsonb_build_object('old', o.field_mappings), 'sync_schedule', jsonb_build_object('old', o.sync_schedule), 'excluded_features', jsonb_build_object('old', o.excluded_features)) as changes
      from old_rows as o
      offset 0 -- Computed once, however often it is looked at.
    ) as c;
  else
    insert into public.organization_integration_changes
      (organization_id, integration_id, integration_type, action, actor, reason, changes)
    select c.organization_id, c.id, c.integration_type::text, c.action, actor, reason,
      case when pg_column_size(c.changes) > 262144 or replace(replace(lower(c.changes::text collate "C"), '"field_mappings"', ''), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])
        then integrations.redacted_changes(c.changes) else c.changes end
    from (
      select i.organization_id, i.id, i.integration_type, 'remove' as action, jsonb_build_object('status', jsonb_build_object('old', i.status), 'field_mappings', jsonb_build_object('old', i.field_mappings), 'sync_schedule', jsonb_build_object('old', i.sync_schedule), 'excluded_features', jsonb_build_object('old', i.excluded_features)) as changes
      from public.organization_integrations as i
      offset 0 -- Computed once, however often it is looked at.
    ) as c;
  end if;
  return null;
end
$function$;
revoke all on function integrations.record_changes() from public, anon, authenticated, service_role;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"integrations"."alert_acknowledgements"') is not null then
    select string_agg(format('%I is %s instead of %s', column_name, coalesce(format_type(atttypid, atttypmod), 'missing'),
      coalesce(to_regtype(type_name)::text, type_name) || coalesce(modifier, '')), ', ') into differs
    from (values ('event_id', 'uuid', ''), ('actor', 'text', ''), ('created_at', 'timestamptz', '')) as stated (column_name, type_name, modifier)
    left join pg_attribute on attrelid = to_regclass('"integrations"."alert_acknowledgements"') and attname = column_name and not attisdropped
    where atttypid is distinct from to_regtype(type_name)
      or modifier <> coalesce(substring(format_type(atttypid, atttypmod) from '\(.*\)'), '');
    if differs is not null then
      raise exception '% exists, but %', '"integrations"."alert_acknowledgements"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "integrations"."alert_acknowledgements" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"actor" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE "integrations"."alert_acknowledgements" ENABLE ROW LEVEL SECURITY;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"organization_integration_changes"') is not null then
    select string_agg(format('%I is %s instead of %s', column_name, coalesce(format_type(atttypid, atttypmod), 'missing'),
      coalesce(to_regtype(type_name)::text, type_name) || coalesce(modifier, '')), ', ') into differs
    from (values ('id', 'uuid', ''), ('created_at', 'timestamptz', ''), ('transaction_id', 'xid8', ''), ('organization_id', 'uuid', ''), ('integration_id', 'uuid', ''), ('integration_type', 'text', ''), ('action', 'text', ''), ('actor', 'text', ''), ('reason', 'text', ''), ('changes', 'jsonb', '')) as stated (column_name, type_name, modifier)
    left join pg_attribute on attrelid = to_regclass('"organization_integration_changes"') and attname = column_name and not attisdropped
    where atttypid is distinct from to_regtype(type_name)
      or modifier <> coalesce(substring(format_type(atttypid, atttypmod) from '\(.*\)'), '');
    if differs is not null then
      raise exception '% exists, but %', '"organization_integration_changes"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "organization_integration_changes" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"transaction_id" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"organization_id" uuid,
	"integration_id" uuid,
	"integration_type" text,
	"action" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text,
	"changes" jsonb,
	CONSTRAINT "organization_integration_changes_action_check" CHECK (action in ('create', 'update', 'remove', 'prune'))
);

ALTER TABLE "organization_integration_changes" ENABLE ROW LEVEL SECURITY;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"organization_integration_runs"') is not null then
    select string_agg(format('%I is %s instead of %s', column_name, coalesce(format_type(atttypid, atttypmod), 'missing'),
      coalesce(to_regtype(type_name)::text, type_name) || coalesce(modifier, '')), ', ') into differs
    from (values ('id', 'uuid', ''), ('integration_id', 'uuid', ''), ('organization_id', 'uuid', ''), ('due', 'timestamptz', ''), ('started_at', 'timestamptz', ''), ('finished_at', 'timestamptz', ''), ('outcome', 'text', ''), ('message', 'text', ''), ('counts', 'jsonb', ''), ('attempt', 'int8', '')) as stated (column_name, type_name, modifier)
    left join pg_attribute on attrelid = to_regclass('"organization_integration_runs"') and attname = column_name and not attisdropped
    where atttypid is distinct from to_regtype(type_name)
      or modifier <> coalesce(substring(format_type(atttypid, atttypmod) from '\(.*\)'), '');
    if differs is not null then
      raise exception '% exists, but %', '"organization_integration_runs"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "organization_integration_runs" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"integration_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"due" timestamp with time zone NOT NULL,
	"started_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"finished_at" timestamp with time zone,
	"outcome" text,
	"message" text,
	"counts" jsonb,
	"attempt" bigint DEFAULT 1 NOT NULL,
	CONSTRAINT "organization_integration_runs_integration_id_due_key" UNIQUE("integration_id","due"),
	CONSTRAINT "organization_integration_runs_outcome_check" CHECK (case when outcome is null then finished_at is null else outcome in ('succeeded', 'failed', 'cancelled') and finished_at is not null end),
	CONSTRAINT "organization_integration_runs_attempt_check" CHECK (attempt > 0),
	CONSTRAINT "organization_integration_runs_message_check" CHECK (length(message) between 1 and 1000),
	CONSTRAINT "organization_integration_runs_counts_check" CHECK (counts is null or case when jsonb_typeof(counts) = 'object' then length(counts::text) <= 4000 and not jsonb_path_exists(counts, 'strict $.* ? (@.type() <> "number")') else false end)
);

ALTER TABLE "organization_integration_runs" ENABLE ROW LEVEL SECURITY;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"integrations"."sync_plans"') is not null then
    select string_agg(format('%I is %s instead of %s', column_name, coalesce(format_type(atttypid, atttypmod), 'missing'),
      coalesce(to_regtype(type_name)::text, type_name) || coalesce(modifier, '')), ', ') into differs
    from (values ('queue', 'text', ''), ('planned_through', 'timestamptz', '')) as stated (column_name, type_name, modifier)
    left join pg_attribute on attrelid = to_regclass('"integrations"."sync_plans"') and attname = column_name and not attisdropped
    where atttypid is distinct from to_regtype(type_name)
      or modifier <> coalesce(substring(format_type(atttypid, atttypmod) from '\(.*\)'), '');
    if differs is not null then
      raise exception '% exists, but %', '"integrations"."sync_plans"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "integrations"."sync_plans" (
	"queue" text PRIMARY KEY NOT NULL,
	"planned_through" timestamp with time zone NOT NULL
);

ALTER TABLE "integrations"."sync_plans" ENABLE ROW LEVEL SECURITY;

DO $guard$
DECLARE
  differs text;
BEGIN
  select string_agg(format('%I is %s instead of %s', column_name, coalesce(format_type(atttypid, atttypmod), 'missing'),
    coalesce(to_regtype(type_name)::text, type_name) || coalesce(modifier, '')), ', ') into differs
  from (values ('transaction_id', 'xid8', '')) as stated (column_name, type_name, modifier)
  join pg_attribute on attrelid = to_regclass('"organization_integration_events"') and attname = column_name and not attisdropped
  where atttypid is distinct from to_regtype(type_name)
    or modifier <> coalesce(substring(format_type(atttypid, atttypmod) from '\(.*\)'), '');
  if differs is not null then
    raise exception '% exists, but %', '"organization_integration_events"', differs;
  end if;
END $guard$;
ALTER TABLE "organization_integration_events" ADD COLUMN IF NOT EXISTS "transaction_id" "xid8" DEFAULT pg_current_xact_id() NOT NULL;

DO $guard$
BEGIN
  if not exists (select from pg_constraint where conname = 'organization_integration_runs_integration_id_fkey' and conrelid = to_regclass('"organization_integration_runs"')) then
    ALTER TABLE "organization_integration_runs" ADD CONSTRAINT "organization_integration_runs_integration_id_fkey" FOREIGN KEY ("integration_id") REFERENCES "public"."organization_integrations"("id") ON DELETE cascade ON UPDATE no action;
  elsif not exists (
    select from pg_constraint where conname = 'organization_integration_runs_integration_id_fkey' and conrelid = to_regclass('"organization_integration_runs"')
      and contype = 'f' and confrelid = to_regclass('"public"."organization_integrations"')
      and array(
        select coalesce(attname::text, '(expression)') from unnest(conkey) with ordinality as key (number, position)
        left join pg_attribute on attrelid = conrelid and attnum = number order by position) = array['integration_id']::text[] and array(
        select coalesce(attname::text, '(expression)') from unnest(confkey) with ordinality as key (number, position)
        left join pg_attribute on attrelid = confrelid and attnum = number order by position) = array['id']::text[]
      and confdeltype = 'c' and confupdtype = 'a'
  ) then
    raise exception '% has another constraint of this name: found %, expected %', '"organization_integration_runs"',
      (select format('%I %s', conname, pg_get_constraintdef(oid)) from pg_constraint where conname = 'organization_integration_runs_integration_id_fkey' and conrelid = to_regclass('"organization_integration_runs"')),
      'ALTER TABLE "organization_integration_runs" ADD CONSTRAINT "organization_integration_runs_integration_id_fkey" FOREIGN KEY ("integration_id") REFERENCES "public"."organization_integrations"("id") ON DELETE cascade ON UPDATE no action';
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('"organization_integration_changes_organization_id_created_at_idx"') is not null then
    if not exists (
      select from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
      where indexrelid = to_regclass('"organization_integration_changes_organization_id_created_at_idx"')
        and indisvalid
        and indrelid = to_regclass('"organization_integration_changes"')
        and amname = 'btree'
        and indisunique = false
        and (indpred is not null) = false
        and array(
          select coalesce(attname::text, '(expression)') from unnest(indkey) with ordinality as key (number, position)
          left join pg_attribute on attrelid = indrelid and attnum = number order by position) = array['organization_id', 'created_at']::text[]
        and array(select unnest(indoption)) = array[0, 0]::int2[]
    ) then
      raise exception 'index % is another one: found %, expected %', '"organization_integration_changes_organization_id_created_at_idx"', (
        select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end
        from pg_index where indexrelid = to_regclass('"organization_integration_changes_organization_id_created_at_idx"')
      ), 'CREATE INDEX "organization_integration_changes_organization_id_created_at_idx" ON "organization_integration_changes" USING btree ("organization_id","created_at")' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_changes_organization_id_created_at_idx" ON "organization_integration_changes" USING btree ("organization_id","created_at");

DO $guard$
BEGIN
  if to_regclass('"organization_integration_changes_position_idx"') is not null then
    if not exists (
      select from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
      where indexrelid = to_regclass('"organization_integration_changes_position_idx"')
        and indisvalid
        and indrelid = to_regclass('"organization_integration_changes"')
        and amname = 'btree'
        and indisunique = false
        and (indpred is not null) = false
        and array(
          select coalesce(attname::text, '(expression)') from unnest(indkey) with ordinality as key (number, position)
          left join pg_attribute on attrelid = indrelid and attnum = number order by position) = array['transaction_id', 'created_at', 'id']::text[]
        and array(select unnest(indoption)) = array[0, 0, 0]::int2[]
    ) then
      raise exception 'index % is another one: found %, expected %', '"organization_integration_changes_position_idx"', (
        select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end
        from pg_index where indexrelid = to_regclass('"organization_integration_changes_position_idx"')
      ), 'CREATE INDEX "organization_integration_changes_position_idx" ON "organization_integration_changes" USING btree ("transaction_id","created_at","id")' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_changes_position_idx" ON "organization_integration_changes" USING btree ("transaction_id","created_at","id");

DO $guard$
BEGIN
  if to_regclass('"organization_integration_runs_organization_id_due_idx"') is not null then
    if not exists (
      select from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
      where indexrelid = to_regclass('"organization_integration_runs_organization_id_due_idx"')
        and indisvalid
        and indrelid = to_regclass('"organization_integration_runs"')
        and amname = 'btree'
        and indisunique = false
        and (indpred is not null) = false
        and array(
          select coalesce(attname::text, '(expression)') from unnest(indkey) with ordinality as key (number, position)
          left join pg_attribute on attrelid = indrelid and attnum = number order by position) = array['organization_id', 'due']::text[]
        and array(select unnest(indoption)) = array[0, 0]::int2[]
    ) then
      raise exception 'index % is another one: found %, expected %', '"organization_integration_runs_organization_id_due_idx"', (
        select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end
        from pg_index where indexrelid = to_regclass('"organization_integration_runs_organization_id_due_idx"')
      ), 'CREATE INDEX "organization_integration_runs_organization_id_due_idx" ON "organization_integration_runs" USING btree ("organization_id","due")' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_runs_organization_id_due_idx" ON "organization_integration_runs" USING btree ("organization_id","due");

DO $guard$
BEGIN
  if to_regclass('"organization_integration_events_position_idx"') is not null then
    if not exists (
      select from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
      where indexrelid = to_regclass('"organization_integration_events_position_idx"')
        and indisvalid
        and indrelid = to_regclass('"organization_integration_events"')
        and amname = 'btree'
        and indisunique = false
        and (indpred is not null) = false
        and array(
          select coalesce(attname::text, '(expression)') from unnest(indkey) with ordinality as key (number, position)
          left join pg_attribute on attrelid = indrelid and attnum = number order by position) = array['transaction_id', 'created_at', 'id']::text[]
        and array(select unnest(indoption)) = array[0, 0, 0]::int2[]
    ) then
      raise exception 'index % is another one: found %, expected %', '"organization_integration_events_position_idx"', (
        select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end
        from pg_index where indexrelid = to_regclass('"organization_integration_events_position_idx"')
      ), 'CREATE INDEX "organization_integration_events_position_idx" ON "organization_integration_events" USING btree ("transaction_id","created_at","id")' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_events_position_idx" ON "organization_integration_events" USING btree ("transaction_id","created_at","id");

DO $guard$
BEGIN
  if to_regclass('"organization_integration_events_alerts_idx"') is not null then
    if not exists (
      select from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
      where indexrelid = to_regclass('"organization_integration_events_alerts_idx"')
        and indisvalid
        and indrelid = to_regclass('"organization_integration_events"')
        and amname = 'btree'
        and indisunique = false
        and (indpred is not null) = true
        and array(
          select coalesce(attname::text, '(expression)') from unnest(indkey) with ordinality as key (number, position)
          left join pg_attribute on attrelid = indrelid and attnum = number order by position) = array['transaction_id', 'created_at', 'id']::text[]
        and array(select unnest(indoption)) = array[0, 0, 0]::int2[]
    ) then
      raise exception 'index % is another one: found %, expected %', '"organization_integration_events_alerts_idx"', (
        select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end
        from pg_index where indexrelid = to_regclass('"organization_integration_events_alerts_idx"')
      ), 'CREATE INDEX "organization_integration_events_alerts_idx" ON "organization_integration_events" USING btree ("transaction_id","created_at","id") WHERE action = ''alert''' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_events_alerts_idx" ON "organization_integration_events" USING btree ("transaction_id","created_at","id") WHERE action = 'alert';

DO $guard$
BEGIN
  if to_regclass('"organization_integrations_scheduled_idx"') is not null then
    if not exists (
      select from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
      where indexrelid = to_regclass('"organization_integrations_scheduled_idx"')
        and indisvalid
        and indrelid = to_regclass('"organization_integrations"')
        and amname = 'btree'
        and indisunique = false
        and (indpred is not null) = true
        and array(
          select coalesce(attname::text, '(expression)') from unnest(indkey) with ordinality as key (number, position)
          left join pg_attribute on attrelid = indrelid and attnum = number order by position) = array['id']::text[]
        and array(select unnest(indoption)) = array[0]::int2[]
    ) then
      raise exception 'index % is another one: found %, expected %', '"organization_integrations_scheduled_idx"', (
        select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end
        from pg_index where indexrelid = to_regclass('"organization_integrations_scheduled_idx"')
      ), 'CREATE INDEX "organization_integrations_scheduled_idx" ON "organization_integrations" USING btree ("id") WHERE status = ''active'' and sync_schedule is not null' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integrations_scheduled_idx" ON "organization_integrations" USING btree ("id") WHERE status = 'active' and sync_schedule is not null;

DROP POLICY IF EXISTS "admins_can_read_own_changes" ON "organization_integration_changes";
CREATE POLICY "admins_can_read_own_changes" ON "organization_integration_changes" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');

DROP POLICY IF EXISTS "org_members_can_read_own_runs" ON "organization_integration_runs";
CREATE POLICY "org_members_can_read_own_runs" ON "organization_integration_runs" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) in ('admin', 'coordinator'));

alter table "integrations"."alert_acknowledgements" force row level security;

revoke all on table "integrations"."alert_acknowledgements" from public, anon, authenticated, service_role;

alter table "integrations"."sync_plans" force row level security;

revoke all on table "integrations"."sync_plans" from public, anon, authenticated, service_role;

alter table "public"."organization_integration_changes" force row level security;

revoke all on table "public"."organization_integration_changes" from public, anon, authenticated, service_role;
grant select on table "public"."organization_integration_changes" to authenticated;
grant select on table "public"."organization_integration_changes" to service_role;

alter table "public"."organization_integration_runs" force row level security;

revoke all on table "public"."organization_integration_runs" from public, anon, authenticated, service_role;
grant select on table "public"."organization_integration_runs" to authenticated;
grant select on table "public"."organization_integration_runs" to service_role;

create or replace trigger "changes_append_only" before update or delete or truncate on "public"."organization_integration_changes" for each statement execute function integrations.refuse_change();

drop function if exists integrations.redacted_changes(changes jsonb);
create function integrations.redacted_changes(changes jsonb) returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return integrations.redacted((
    select jsonb_object_agg(c.key, coalesce((
      select jsonb_object_agg(side.key, case
        when length(side.value::text) > 131072 then to_jsonb(format('[%s characters]', length(side.value::text)))
        -- What names a credential need not look like one, so none of it is kept.
        when c.key = 'sync_schedule' and case
      when ((side.value #>> '{}') collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower((side.value #>> '{}') collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store'
      when (('_' || regexp_replace(lower(regexp_replace(regexp_replace((side.value #>> '{}') collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l' and not ('_' || regexp_replace(lower(regexp_replace(regexp_replace((side.value #>> '{}') collate "C",
      '([a-z0-9])([A-Z])', E'\\1_\\2', 'g'), '([A-Z])([A-Z][a-z])', E'\\1_\\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ '_(count|limit|length|size|type|usage|used|budget|quota|cost|price|ttl|age|lifetime|expiry|expires|expires_at|expires_in|expired|status|policy|required|rate|created_at|changed_at|issued_at|rotated_at|per_minute|per_hour|per_day|per_request|antall|grense|lengde|storrelse|forbruk|kostnad|pris|levetid|utlop|utloper|brukt)_([0-9]+_)?$|^_(max|total|used|remaining|input|output|prompt|completion|maks)_([a-z0-9]+_)*(token|secret|password|credential|pin|otp|jwt)s_$|^_(number_of|count_of|num|antall)_') then 'must not name a credential; store it with credentials.store' end is not null then '"[redacted]"'
        else side.value end)
      from jsonb_each(c.value) as side), '{}'))
    from jsonb_each(changes) as c
  ));
end
$function$;
revoke all on function integrations.redacted_changes(changes jsonb) from public, anon, authenticated, service_role;

create or replace trigger "record_create" after insert on "public"."organization_integrations" referencing new table as new_rows for each statement execute function integrations.record_changes();

create or replace trigger "record_update" after update on "public"."organization_integrations" referencing old table as old_rows new table as new_rows for each statement execute function integrations.record_changes();

create or replace trigger "record_remove" after delete on "public"."organization_integrations" referencing old table as old_rows for each statement execute function integrations.record_changes();

create or replace trigger "record_truncate" before truncate on "public"."organization_integrations" for each statement execute function integrations.record_changes();

drop function if exists integrations.start_run(organization_id uuid, integration_type text, due timestamptz, retries boolean);
create function integrations.start_run(organization_id uuid, integration_type text, due timestamptz, retries boolean) returns table (code text, problem text, id uuid, integration_id uuid, started_at timestamptz, attempt bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  code := 'ok';
  begin
    if due is null then
      perform integrations.refuse('invalid_input', 'due: must not be null');
    end if;
    select i.id into integration_id
    from public.organization_integrations as i
    where i.organization_id = start_run.organization_id and i.integration_type::text = start_run.integration_type
    for key share;
    if integration_id is null then
      perform integrations.refuse('not_found', 'integrationType: the organization has no such integration');
    end if;
    insert into public.organization_integration_runs as r (integration_id, organization_id, due)
    values (start_run.integration_id, start_run.organization_id, start_run.due)
    on conflict on constraint organization_integration_runs_integration_id_due_key do update
    set attempt = r.attempt + 1, started_at = clock_timestamp(),
      finished_at = null, outcome = null, message = null, counts = null
    where retries and (r.outcome = 'failed' or r.outcome is null)
    returning r.id, r.started_at, r.attempt into id, started_at, attempt;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, problem = message_text;
  end;
  return next;
end
$function$;
revoke all on function integrations.start_run(organization_id uuid, integration_type text, due timestamptz, retries boolean) from public, anon, authenticated, service_role;
grant execute on function integrations.start_run(organization_id uuid, integration_type text, due timestamptz, retries boolean) to service_role;

drop function if exists integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer);
create function integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer) returns table (code text, problem text, organization_id uuid, integration_type text, id uuid, integration_id uuid, due timestamptz, started_at timestamptz, finished_at timestamptz, outcome text, message text, counts jsonb, attempt bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  known public.organization_integration_runs;
begin
  code := 'ok';
  begin
    if run_outcome is null or run_outcome not in ('succeeded', 'failed', 'cancelled') then
      perform integrations.refuse('invalid_input', 'outcome: must be succeeded, failed, cancelled');
    end if;
    -- The integration's row first, as whoever deletes it takes the locks.
    select i.integration_type::text into integration_type
    from public.organization_integration_runs as r
    join public.organization_integrations as i on i.id = r.integration_id
    where r.id = run_id
    for no key update of i;
    select r.* into known from public.organization_integration_runs as r where r.id = run_id for no key update;
    if known.id is null then
      perform integrations.refuse('not_found', 'id: there is no such run');
    elsif known.attempt <> run_attempt then
      perform integrations.refuse('conflict', format('attempt %s: attempt %s has taken the run over', run_attempt, known.attempt));
    elsif known.outcome is not null then
      perform integrations.refuse('conflict', format('id: the run is over: %s', known.outcome));
    end if;
    update public.organization_integration_runs as r
    set finished_at = clock_timestamp(), outcome = run_outcome, message = run_message, counts = run_counts
    where r.id = run_id
    returning r.* into known;
    organization_id := known.organization_id;
    id := known.id;
    integration_id := known.integration_id;
    due := known.due;
    started_at := known.started_at;
    finished_at := known.finished_at;
    outcome := known.outcome;
    message := known.message;
    counts := known.counts;
    attempt := known.attempt;
    if run_outcome = 'failed' and error_after = (
      select count(*) filter (where latest.outcome = 'failed') from (
        select r.outcome from public.organization_integration_runs as r
        where r.integration_id = known.integration_id and r.outcome in ('succeeded', 'failed')
        order by r.due desc
        limit error_after
      ) as latest
    ) then
      update public.organization_integrations as i set status = 'error' where i.id = known.integration_id and i.status = 'active';
      if found then
        perform integrations.record_event('alert', 'ok', i.organization_id, i.id, i.integration_type::text, null,
          format('%s runs in a row failed, so the integration was set to error%s', error_after, ': ' || run_message))
        from public.organization_integrations as i where i.id = known.integration_id;
      end if;
    end if;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, problem = message_text;
  end;
  return next;
end
$function$;
revoke all on function integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer) from public, anon, authenticated, service_role;
grant execute on function integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer) to service_role;

drop function if exists integrations.planned_through(queue text, through timestamptz);
create function integrations.planned_through(queue text, through timestamptz) returns timestamptz
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if through is not null then
    insert into integrations.sync_plans as p (queue, planned_through)
    values (planned_through.queue, through)
    on conflict on constraint sync_plans_pkey do update set planned_through = excluded.planned_through
    where p.planned_through < excluded.planned_through;
  end if;
  return (select p.planned_through from integrations.sync_plans as p where p.queue = planned_through.queue);
end
$function$;
revoke all on function integrations.planned_through(queue text, through timestamptz) from public, anon, authenticated, service_role;
grant execute on function integrations.planned_through(queue text, through timestamptz) to service_role;

drop function if exists integrations.prune_runs(before timestamptz, most integer);
create function integrations.prune_runs(before timestamptz, most integer) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  pruned integer;
begin
  delete from public.organization_integration_runs as r
  where r.id in (
    select old.id from public.organization_integration_runs as old
    where old.due < before and exists (select from public.organization_integration_runs as newer
      where newer.integration_id = old.integration_id and newer.due > old.due)
    limit most
  );
  get diagnostics pruned = row_count;
  return pruned;
end
$function$;
revoke all on function integrations.prune_runs(before timestamptz, most integer) from public, anon, authenticated, service_role;

drop function if exists integrations.pending_alerts(most integer);
create function integrations.pending_alerts(most integer) returns setof public.organization_integration_events
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
  select e.* from public.organization_integration_events as e
  where e.action = 'alert' and not exists (select from integrations.alert_acknowledgements as a where a.event_id = e.id)
  order by e.transaction_id, e.created_at, e.id
  limit most;
end
$function$;
revoke all on function integrations.pending_alerts(most integer) from public, anon, authenticated, service_role;
grant execute on function integrations.pending_alerts(most integer) to service_role;

drop function if exists integrations.acknowledge_alert(alert_id uuid);
create function integrations.acknowledge_alert(alert_id uuid) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  insert into integrations.alert_acknowledgements (event_id, actor)
  select e.id, caller.actor
  from public.organization_integration_events as e, integrations.caller() as caller
  where e.id = alert_id and e.action = 'alert'
  on conflict do nothing;
  return exists (select from integrations.alert_acknowledgements as a where a.event_id = alert_id);
end
$function$;
revoke all on function integrations.acknowledge_alert(alert_id uuid) from public, anon, authenticated, service_role;
grant execute on function integrations.acknowledge_alert(alert_id uuid) to service_role;

drop function if exists integrations.prune_events(before timestamptz, most integer);
create function integrations.prune_events(before timestamptz, most integer) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  pruned integer;
begin
  -- The turn is what the trigger that refuses deletion asks for: nobody but administrators can take it.
  insert into integrations.operator_turns (name) values ('prune events') on conflict do nothing;
  with events as (
    delete from public.organization_integration_events as old
    where old.id in (
      select e.id from public.organization_integration_events as e
      where e.created_at < before and (e.action <> 'alert' or exists (select from integrations.alert_acknowledgements as a where a.event_id = e.id))
      order by e.transaction_id, e.created_at, e.id
      limit most
    )
    returning old.id
  ), acknowledgements as (
    delete from integrations.alert_acknowledgements as a using events where a.event_id = events.id
  ), changes as (
    delete from public.organization_integration_changes as old
    where old.id in (
      select c.id from public.organization_integration_changes as c
      where c.created_at < before
      order by c.transaction_id, c.created_at, c.id
      limit most
    )
    returning old.id
  )
  select (select count(*) from events) + (select count(*) from changes) into pruned;
  delete from integrations.operator_turns as t where t.name = 'prune events';
  if pruned > 0 then
    insert into public.organization_integration_changes (action, actor, reason)
    select 'prune', caller.actor, format('%s events before %s', pruned, before) from integrations.caller() as caller;
  end if;
  return pruned;
end
$function$;
revoke all on function integrations.prune_events(before timestamptz, most integer) from public, anon, authenticated, service_role;

create or replace trigger "alert_acknowledgements_credential_check" before insert or update on "integrations"."alert_acknowledgements" for each row when (replace(lower((to_jsonb(new) - array['field_mappings', 'excluded_features', 'sync_schedule'])::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('actor');

create or replace trigger "sync_plans_credential_check" before insert or update on "integrations"."sync_plans" for each row when (replace(lower((to_jsonb(new) - array['field_mappings', 'excluded_features', 'sync_schedule'])::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('queue');

create or replace trigger "organization_integration_changes_credential_check" before insert or update on "public"."organization_integration_changes" for each row when (pg_trigger_depth() = 0) execute function integrations.refuse_credentials('integration_type', 'action', 'actor', 'reason', 'changes');

create or replace trigger "organization_integration_runs_credential_check" before insert or update on "public"."organization_integration_runs" for each row when (replace(lower((to_jsonb(new) - array['field_mappings', 'excluded_features', 'sync_schedule'])::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('outcome', 'message', 'counts');
