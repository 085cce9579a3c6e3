import { pgSchema } from 'drizzle-orm/pg-core'

/** Our private schema: functions that policies and definers call. The Data API does not expose it. */
export const integrations = pgSchema('integrations')

/** What the Data API may expose, once it is switched on: functions alone. */
export const integrationsApi = pgSchema('integrations_api')
