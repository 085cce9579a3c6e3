import { definerFunction, trigger } from '../../extras/functions.ts'
import { organizationIntegrationChanges } from '../organization-integration-changes.ts'
import { organizationIntegrationEvents } from '../organization-integration-events.ts'

/**
 * The one way an event comes to be, and why none ever goes. None is announced with NOTIFY: any login may LISTEN, to the
 * activity of all organizations, and one that listens and never reads stops every write once the queue is full.
 */
export const eventFunctions = [
  // What is no label of the enum is not kept: it may be anything, a pasted credential too.
  definerFunction({
    name: 'integrations.record_event',
    parameters:
      'action text, outcome text, organization_id uuid, integration_id uuid, integration_type text, version bigint, reason text',
    returns: 'uuid',
    body: `\
declare
  event_id uuid := gen_random_uuid();
begin
  insert into public.organization_integration_events
    (id, action, outcome, organization_id, integration_id, integration_type, version, reason, actor)
  select event_id, record_event.action, record_event.outcome, record_event.organization_id, record_event.integration_id,
    (select label from unnest(enum_range(null::public.integration_type_enum)::text[]) as label
     where label = record_event.integration_type),
    record_event.version, left(record_event.reason, 255), caller.actor
  from integrations.caller() as caller;
  return event_id;
end`,
  }),

  definerFunction({
    name: 'integrations.refuse_change',
    returns: 'trigger',
    body: `\
begin
  -- Its own transaction's turn: another's is not seen, and nobody but administrators can take it.
  if tg_op = 'DELETE' and exists (select from integrations.operator_turns as t where t.name = 'prune events') then
    return null;
  end if;
  raise exception '% is append-only: % is refused to everybody', tg_relid::regclass, lower(tg_op)
    using errcode = 'insufficient_privilege';
end`,
  }),
  ...(
    [
      [organizationIntegrationEvents, 'append_only'],
      [organizationIntegrationChanges, 'changes_append_only'],
    ] as const
  ).map(([table, name]) =>
    trigger(table, {
      name,
      when: 'before update or delete or truncate on {table} for each statement',
      function: 'integrations.refuse_change',
    }),
  ),
]
