import { definerFunction } from '../../extras/functions.ts'

/* Alerts that nobody was told of yet, and how events that are old go. */

/** An alert that somebody was told of; others are never pruned. */
const acknowledged = 'exists (select from integrations.alert_acknowledgements as a where a.event_id = e.id)'
/** Of an event `e`. */
export const mayGo = `(e.action <> 'alert' or ${acknowledged})`

export const alertFunctions = [
  // Not bound to what is settled: whoever keeps a transaction open must not keep an alert from being told.
  definerFunction({
    name: 'integrations.pending_alerts',
    parameters: 'most integer',
    returns: 'setof public.organization_integration_events',
    stable: true,
    executors: ['service_role'],
    body: `\
begin
  return query
  select e.* from public.organization_integration_events as e
  where e.action = 'alert' and not ${acknowledged}
  order by e.transaction_id, e.created_at, e.id
  limit most;
end`,
  }),

  // Again is no error: who was killed before the answer came asks again.
  definerFunction({
    name: 'integrations.acknowledge_alert',
    parameters: 'alert_id uuid',
    returns: 'boolean',
    executors: ['service_role'],
    body: `\
begin
  insert into integrations.alert_acknowledgements (event_id, actor)
  select e.id, caller.actor
  from public.organization_integration_events as e, integrations.caller() as caller
  where e.id = alert_id and e.action = 'alert'
  on conflict do nothing;
  return exists (select from integrations.alert_acknowledgements as a where a.event_id = alert_id);
end`,
  }),

  definerFunction({
    name: 'integrations.prune_events',
    parameters: 'before timestamptz, most integer',
    returns: 'integer',
    body: `\
declare
  pruned integer;
begin
  -- The turn is what the trigger that refuses deletion asks for: nobody but administrators can take it.
  insert into integrations.operator_turns (name) values ('prune events') on conflict do nothing;
  with events as (
    delete from public.organization_integration_events as old
    where old.id in (
      select e.id from public.organization_integration_events as e
      where e.created_at < before and ${mayGo}
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
end`,
  }),
]
