import { IntegrationsDbError } from '../errors.ts'
import type { IntegrationType } from '../schema/enums.ts'
import type { Integration } from './integration-statements.ts'

/* What is said where a statement touched no row. */

/** Why: `current` is the row as it is now, null where there is none or nobody looked. */
export function noRowAffected(
  integrationType: IntegrationType,
  asked: { current: Integration | null; expectedRevision: string | undefined; activates: boolean },
): IntegrationsDbError {
  const { current, expectedRevision, activates } = asked
  if (current !== null && expectedRevision !== undefined && current.revision !== expectedRevision) {
    return new IntegrationsDbError(
      'conflict',
      `integrationType ${integrationType}: expected revision ${expectedRevision}, found ${current.revision}; read the row again and repeat the change`,
    )
  }
  if (current !== null && activates) return credentialMissing(integrationType)
  return new IntegrationsDbError(
    'not_found',
    `integrationType ${integrationType}: the organization has no such integration; create it first`,
  )
}

export function credentialMissing(integrationType: IntegrationType): IntegrationsDbError {
  return new IntegrationsDbError(
    'credential_missing',
    `status: ${integrationType} cannot be active without a credential; store one with credentials.store, then set it active`,
  )
}
