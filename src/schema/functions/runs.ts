import { definerFunction } from '../../extras/functions.ts'
import { literal } from '../../util/quote.ts'
import { runOutcomes } from '../organization-integration-runs.ts'

/*
 * A due time has one run. Whoever starts it first has it; a retry, which only who knows that the attempt before is over
 * may ask for, takes it on as its next attempt; and an attempt that was taken from ends nothing.
 */

const run =
  'id uuid, integration_id uuid, due timestamptz, started_at timestamptz, finished_at timestamptz, outcome text, message text, counts jsonb, attempt bigint'

/** Of a run `old`: the newest of each integration stays, as it says from when on a due time has not had its run. */
export const isSuperseded = `exists (select from public.organization_integration_runs as newer
      where newer.integration_id = old.integration_id and newer.due > old.due)`

export const runFunctions = [
  // Answers without an id where that due time has its run.
  definerFunction({
    name: 'integrations.start_run',
    parameters: 'organization_id uuid, integration_type text, due timestamptz, retries boolean',
    returns: 'table (code text, problem text, id uuid, integration_id uuid, started_at timestamptz, attempt bigint)',
    executors: ['service_role'],
    body: `\
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
end`,
  }),

  // "error_after": so many failed runs in a row, and the integration is set to error, with one alert. Those that were
  // cancelled do not count.
  definerFunction({
    name: 'integrations.finish_run',
    parameters:
      'run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer',
    returns: `table (code text, problem text, organization_id uuid, integration_type text, ${run})`,
    executors: ['service_role'],
    body: `\
declare
  known public.organization_integration_runs;
begin
  code := 'ok';
  begin
    if run_outcome is null or run_outcome not in (${runOutcomes.map(literal).join(', ')}) then
      perform integrations.refuse('invalid_input', 'outcome: must be ${runOutcomes.join(', ')}');
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
end`,
  }),

  // Null asks, and a time is kept where it is later than the one before.
  definerFunction({
    name: 'integrations.planned_through',
    parameters: 'queue text, through timestamptz',
    returns: 'timestamptz',
    executors: ['service_role'],
    body: `\
begin
  if through is not null then
    insert into integrations.sync_plans as p (queue, planned_through)
    values (planned_through.queue, through)
    on conflict on constraint sync_plans_pkey do update set planned_through = excluded.planned_through
    where p.planned_through < excluded.planned_through;
  end if;
  return (select p.planned_through from integrations.sync_plans as p where p.queue = planned_through.queue);
end`,
  }),

  definerFunction({
    name: 'integrations.prune_runs',
    parameters: 'before timestamptz, most integer',
    returns: 'integer',
    body: `\
declare
  pruned integer;
begin
  delete from public.organization_integration_runs as r
  where r.id in (
    select old.id from public.organization_integration_runs as old
    where old.due < before and ${isSuperseded}
    limit most
  );
  get diagnostics pruned = row_count;
  return pruned;
end`,
  }),
]
