export type {
  AlertPageOptions,
  EventFeedOptions,
  EventPageOptions,
  FieldMappingsEdit,
  IntegrationPatch,
  ListFilter,
  NewIntegration,
  PageOptions,
  QueryOptions,
  RevisionOptions,
  RunEnd,
  RunPageOptions,
  RunStart,
  SchedulePageOptions,
} from './client/call-options.ts'
export {
  createIntegrationsDb,
  type IntegrationsDb,
  type ScopeOptions,
  type ServiceOptions,
  type ServiceScope,
} from './client/client.ts'
export type { CredentialBundle } from './client/credential-bundle.ts'
export type {
  CredentialDescription,
  CredentialOptions,
  Credentials,
  CredentialVersion,
  PreviousCredential,
  Retrieval,
  RotationOptions,
  ServiceCredentials,
} from './client/credentials.ts'
export {
  createIntegrationsDatabases,
  type IntegrationsDatabases,
  type IntegrationsDatabasesOptions,
} from './client/databases.ts'
export type { EventAction, IntegrationEvent } from './client/event-statements.ts'
export type { EventFeed, Events, ServiceAlerts, ServiceEvents } from './client/events.ts'
export type { Integration, IntegrationWithLastRun } from './client/integration-statements.ts'
export type { Integrations } from './client/integrations.ts'
export type { IntegrationsDbOptions } from './client/options.ts'
export type { OrganizationCalls, OrganizationScope } from './client/organization-scope.ts'
export type { Run, Runs, ServiceRuns } from './client/runs.ts'
export type {
  MappedFieldPage,
  ScheduledIntegration,
  ScheduledPage,
  ServiceIntegrations,
} from './client/service-integrations.ts'
export { ExcludedFeatures, FieldMappings } from './config/documents.ts'
export type { FieldMapping, Scalar } from './config/field-mapping.ts'
export { type PreviewedRecord, previewMappings } from './config/preview.ts'
export { type Resolution, type ResolveOptions, resolveFieldMappings } from './config/resolve.ts'
export { type NextRunsOptions, nextRuns } from './config/schedule.ts'
export { type Transform, transforms } from './config/transforms.ts'
export { configViolations, type Violation } from './config/violations.ts'
export type { CallEvent, CallTrace, ReplicaEvent } from './connection/diagnostics.ts'
export type { OrganizationRole } from './connection/scope.ts'
export type { ScopedQueries } from './connection/statement.ts'
export {
  type MigrateOptions,
  type MigrateReport,
  migrate,
  type RollbackOptions,
  type RollbackReport,
  rollback,
  type StatusReport,
  status,
} from './deployment/index.ts'
export { IntegrationsDbError, type IntegrationsDbErrorCode } from './errors.ts'
export type { ConnectionFields, ConnectionFieldsBySystem } from './registry/connection-fields.ts'
export { documentSchemas, type JsonSchema, systemSchemas } from './registry/json-schema.ts'
export { systemOf, unmappedRequiredTargets } from './registry/systems.ts'
export type { IntegrationStatus } from './schema/enums.ts'
export type { ColumnChange } from './schema/organization-integration-changes.ts'
export type { RunOutcome } from './schema/organization-integration-runs.ts'
export {
  type Capability,
  type ConnectionField,
  type IntegrationType,
  type MappingTarget,
  type System,
  systems,
  type TargetOf,
} from './schema/systems.ts'
