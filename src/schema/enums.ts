import { pgEnum } from 'drizzle-orm/pg-core'
import { integrationTypes } from './systems.ts'

/**
 * The labels of `systems.ts`.
 *
 * The labels must match the string constants of the Flutter app's Dart registry, letter for letter: the app reads and
 * writes them as plain strings. `extras.ts` repeats this on the database type, where the next person will look.
 */
export const integrationType = pgEnum('integration_type_enum', integrationTypes)

/** Where an integration stands. Same contract with the Dart registry as {@link integrationType}. */
export const integrationStatus = pgEnum('integration_status_enum', ['active', 'inactive', 'error', 'pending_setup'])

export type { IntegrationType } from './systems.ts'
/** A label of {@link integrationStatus}. */
export type IntegrationStatus = (typeof integrationStatus.enumValues)[number]
