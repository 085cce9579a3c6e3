/* What `besideIntegrations` shows to drizzle-kit's push: our types, which no filter of its own leaves alone. */
export { integrationStatus, integrationType } from '../schema/enums.ts'
