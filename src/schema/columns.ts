import { timestamp } from 'drizzle-orm/pg-core'

/** `created_at` and `updated_at`; the latter belongs to the moddatetime trigger that `extras.ts` declares. */
export const timestamps = {
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
}
