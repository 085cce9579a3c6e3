export {
  createIntegrationsDb,
  type IntegrationsDb,
  type IntegrationsDbOptions,
  type OrganizationCalls,
  type OrganizationScope,
  type ServiceScope,
} from './client/client.ts'
export type { CredentialBundle } from './client/credential-bundle.ts'
export type {
  CredentialDescription,
  CredentialOptions,
  Credentials,
  Retrieval,
  ServiceCredentials,
} from './client/credentials.ts'
export type { Events, IntegrationEvent } from './client/events.ts'
export type { FieldMappingsEdit, IntegrationPatch, NewIntegration, RevisionOptions } from './client/input.ts'
export type { Integration } from './client/integration-statements.ts'
export type { Integrations } from './client/integrations.ts'
export type { ScheduledIntegration, ScheduledPage, ServiceIntegrations } from './client/service-integrations.ts'
export { ExcludedFeatures, type FieldMapping, FieldMappings, type Scalar } from './config/documents.ts'
export { type Resolution, resolveFieldMappings } from './config/resolve.ts'
export { nextRuns } from './config/schedule.ts'
export { type Transform, transforms } from './config/transforms.ts'
export { configViolations, type Violation } from './config/violations.ts'
export type { CallEvent, ReplicaEvent } from './connection/diagnostics.ts'
export type { OrganizationRole } from './connection/scope.ts'
export type { ScopedQueries } from './connection/statement.ts'
export { migrate, rollback, status } from './deployment/index.ts'
export type { MigrateOptions, MigrateReport } from './deployment/migrate.ts'
export type { RollbackOptions, RollbackReport } from './deployment/rollback.ts'
export type { StatusReport } from './deployment/status.ts'
export { IntegrationsDbError, type IntegrationsDbErrorCode } from './errors.ts'
export {
  type Capability,
  type ConnectionField,
  type ConnectionFields,
  type MappingTarget,
  type System,
  systemOf,
  systems,
  unmappedRequiredTargets,
} from './registry/systems.ts'
export type { IntegrationStatus, IntegrationType } from './schema/enums.ts'
