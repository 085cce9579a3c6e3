export type { ExcludedFeatures, FieldMappings } from '../config/documents.ts'
export type { FieldMapping } from '../config/field-mapping.ts'
export * from './enums.ts'
export { integrations } from './namespace.ts'
export { organizationIntegrationChanges } from './organization-integration-changes.ts'
export { organizationIntegrationCredentials } from './organization-integration-credentials.ts'
export { organizationIntegrationEvents } from './organization-integration-events.ts'
export { organizationIntegrationRuns } from './organization-integration-runs.ts'
export { organizationIntegrations } from './organization-integrations.ts'
export {
  alertAcknowledgements,
  encryptedSecrets,
  operatorTurns,
  retrievalRequests,
  revokedGrants,
  syncPlans,
} from './private-tables.ts'
