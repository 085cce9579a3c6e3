export * from './enums.ts'
export { integrations } from './namespace.ts'
export { type ExcludedFeatures, type FieldMappings, organizationIntegrations } from './organization-integrations.ts'
