import { uuid } from '../client/input.ts'
import { configViolations } from '../config/violations.ts'
import { IntegrationsDbError } from '../errors.ts'
import { administrate } from './connection.ts'

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
 * Puts a quarantined document back, or `document`, a mended copy of it, once it breaks no rule.
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
  document: mended,
}: {
  url: string
  event: string
  document?: unknown
}): Promise<RestoreReport> {
  const id = uuid('event', event)
  return administrate(url, (sql) =>
    sql.begin(async (tx): Promise<RestoreReport> => {
      const [quarantine] = await tx<Quarantine[]>`
        select organization_id as "organizationId", integration_id as "integrationId", integration_type as "integrationType",
          quarantined, quarantined::text like '%"[redacted%' as redacted
        from public.organization_integration_events where id = ${id} and action = 'quarantine'`
      if (quarantine === undefined) throw refusal('not_found', `event ${id}: there is no quarantine event with this id`)
      const { integrationId, organizationId, integrationType } = quarantine
      const [column = '', kept] = Object.entries(quarantine.quarantined)[0] ?? []
      if (quarantine.redacted && mended === undefined) {
        throw refusal(
          'invalid_input',
          `event ${id}: credentials in its document were redacted; hand in a copy without them with --document FILE`,
        )
      }
      const document = mended ?? kept
      const isMappings = column === 'field_mappings'
      const problems = isMappings ? configViolations(document, []) : configViolations({}, document)
      if (problems.length > 0) {
        const stated = problems.map(({ path, rule }) => `${path}: ${rule}`).join('; ')
        throw refusal('invalid_input', `${stated}; hand in a mended copy with --document FILE`)
      }
      const [row] = await tx<{ reset: boolean }[]>`
        select case ${column} when 'field_mappings' then field_mappings = '{}' else excluded_features = '[]' end as reset
        from public.organization_integrations where id = ${integrationId} for no key update`
      if (row === undefined) throw refusal('not_found', `integration ${integrationId}: it is gone; create it first`)
      if (!row.reset) {
        throw refusal(
          'conflict',
          `integration ${integrationId}: expected the ${column} that repair left, found what somebody saved since; it stays`,
        )
      }
      // What was kept does not come back by way of JavaScript, where a number could lose digits.
      const text = mended === undefined ? null : JSON.stringify(mended)
      await tx`
        update public.organization_integrations as i set ${tx(column)} = coalesce(${text}::text::jsonb, e.quarantined -> ${column}::text)
        from public.organization_integration_events as e
        where i.id = ${integrationId} and e.id = ${id}`
      await tx`select integrations.record_event('restore', 'ok', ${organizationId}::uuid, ${integrationId}::uuid,
        ${integrationType}::text, null, ${`${column} of event ${id}`})`
      return { organizationId, integrationType, document: column }
    }),
  )
}

function refusal(code: 'not_found' | 'invalid_input' | 'conflict', message: string): IntegrationsDbError {
  return new IntegrationsDbError(code, message)
}
