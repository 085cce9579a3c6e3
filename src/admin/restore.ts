import { scheduleProblem } from '../config/schedule.ts'
import { configViolations, type Violation } from '../config/violations.ts'
import { IntegrationsDbError } from '../errors.ts'
import { uuid } from '../util/checks.ts'
import { withAttempts } from './holders.ts'
import { planSeconds } from './steps.ts'

type Quarantine = {
  organizationId: string
  integrationId: string
  integrationType: string
  quarantined: Record<string, unknown>
  redacted: boolean
}

/** What was put back, and where. */
export type RestoreReport = { organizationId: string; integrationType: string; document: string }

/**
 * Puts a quarantined document back, or `document`, a corrected copy of it, once it breaks no rule.
 *
 * @example
 * await restore({ url, event: '…', document: { $version: 2, amount: 'invoiceAmount' } })
 *
 * The integration keeps its status. What somebody saved since the repair is never overwritten.
 *
 * @throws IntegrationsDbError `not_found`; `invalid_input` with paths and rules; `conflict` where somebody saved since.
 */
export async function restore({
  url,
  event,
  document: fixed,
}: {
  url: string
  event: string
  document?: unknown
}): Promise<RestoreReport> {
  const id = uuid('event', event)
  return withAttempts(url, {}, (_, attempt) =>
    attempt(planSeconds, async (tx): Promise<RestoreReport> => {
      const [quarantine] = await tx<Quarantine[]>`
        select organization_id as "organizationId", integration_id as "integrationId", integration_type as "integrationType",
          quarantined, quarantined::text like '%"[redacted%' as redacted
        from public.organization_integration_events where id = ${id} and action = 'quarantine'`
      if (quarantine === undefined) throw refusal('not_found', `event ${id}: there is no quarantine event with this id`)
      const { integrationId, organizationId, integrationType } = quarantine
      const [column = '', kept] = Object.entries(quarantine.quarantined)[0] ?? []
      if (quarantine.redacted && fixed === undefined) {
        throw refusal(
          'invalid_input',
          `event ${id}: credentials in its document were redacted; hand in a copy without them with --document FILE`,
        )
      }
      const document = fixed ?? kept
      const problems = problemsOf(column, document)
      if (problems.length > 0) {
        const stated = problems.map(({ path, rule }) => `${path}: ${rule}`).join('; ')
        throw refusal('invalid_input', `${stated}; hand in a corrected copy with --document FILE`)
      }
      const [row] = await tx<{ reset: boolean }[]>`
        select case ${column} when 'field_mappings' then field_mappings = '{}' when 'excluded_features' then excluded_features = '[]'
          else sync_schedule is null end as reset
        from public.organization_integrations where id = ${integrationId} for no key update`
      if (row === undefined) throw refusal('not_found', `integration ${integrationId}: it is gone; create it first`)
      if (!row.reset) {
        throw refusal(
          'conflict',
          `integration ${integrationId}: expected the ${column} that repair left, found what somebody saved since; it stays`,
        )
      }
      // What was kept does not come back by way of JavaScript, where a number could lose digits.
      const text = fixed === undefined ? null : JSON.stringify(fixed)
      const restored = tx`coalesce(${text}::text::jsonb, e.quarantined -> ${column}::text)`
      const value = column === 'sync_schedule' ? tx`${restored} #>> '{}'` : restored
      await tx`
        update public.organization_integrations as i
        set ${tx(column)} = ${value}
        from public.organization_integration_events as e
        where i.id = ${integrationId} and e.id = ${id}`
      await tx`select integrations.record_event('restore', 'ok', ${organizationId}::uuid, ${integrationId}::uuid,
        ${integrationType}::text, null, ${`${column} of event ${id}`})`
      return { organizationId, integrationType, document: column }
    }),
  )
}

function problemsOf(column: string, document: unknown): Violation[] {
  if (column === 'field_mappings') return configViolations(document, [])
  if (column === 'excluded_features') return configViolations({}, document)
  const rule = typeof document === 'string' ? scheduleProblem(document) : 'must be a text'
  return rule === null ? [] : [{ path: 'sync_schedule', rule }]
}

function refusal(code: 'not_found' | 'invalid_input' | 'conflict', message: string): IntegrationsDbError {
  return new IntegrationsDbError(code, message)
}
