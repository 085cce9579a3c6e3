import { pgTable, uuid } from 'drizzle-orm/pg-core'

/**
 * The host application's table, as far as our foreign keys need it.
 *
 * Never re-exported by `schema/index.ts`: drizzle-kit creates what the entry exports, and this table is not ours to
 * create, alter or drop.
 */
export const organizations = pgTable('organizations', { id: uuid('id').primaryKey() })
