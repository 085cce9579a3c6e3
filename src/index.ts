export {
  createIntegrationsDb,
  type IntegrationsDb,
  type IntegrationsDbOptions,
  type OrganizationCalls,
  type OrganizationScope,
  type ServiceScope,
} from './client.ts'
export { ExcludedFeatures, type FieldMapping, FieldMappings, type Scalar } from './config/documents.ts'
export { type PreviewedRecord, previewMappings } from './config/preview.ts'
export { type Resolution, resolveFieldMappings } from './config/resolve.ts'
export { nextRuns } from './config/schedule.ts'
export { type Transform, transforms } from './config/transforms.ts'
export { configViolations, type Violation } from './config/violations.ts'
export type { CredentialBundle } from './credential-bundle.ts'
export type {
  CredentialDescription,
  CredentialOptions,
  Credentials,
  Retrieval,
  ServiceCredentials,
} from './credentials.ts'
export { migrate, rollback, status } from './deployment/index.ts'
export type { MigrateOptions, MigrateReport } from './deployment/migrate.ts'
export type { RollbackOptions, RollbackReport } from './deployment/rollback.ts'
export type { StatusReport } from './deployment/status.ts'
export type { CallEvent, ReplicaEvent } from './diagnostics.ts'
export type { ScopedQueries } from './drizzle.ts'
export { IntegrationsDbError, type IntegrationsDbErrorCode } from './errors.ts'
export type { Events, IntegrationEvent } from './events.ts'
export type { FieldMappingsEdit, IntegrationPatch, NewIntegration, RevisionOptions } from './input.ts'
export type { Integration } from './integration-statements.ts'
export type { Integrations } from './integrations.ts'
export { documentSchemas, type JsonSchema, systemSchemas } from './json-schema.ts'
export { type ConnectionFields, systemOf, unmappedRequiredTargets } from './registry.ts'
export type { IntegrationStatus } from './schema/enums.ts'
export {
  type Capability,
  type ConnectionField,
  type IntegrationType,
  type MappingTarget,
  type System,
  systems,
  type TargetOf,
} from './schema/systems.ts'
export type { OrganizationRole } from './scope.ts'
export type { ScheduledIntegration, ScheduledPage, ServiceIntegrations } from './service-integrations.ts'
