import { customType, timestamp } from 'drizzle-orm/pg-core'

/** A transaction's number, which grows for as long as the server's files are the same. */
export const transactionId = customType<{ data: string }>({ dataType: () => 'xid8' })

/** `created_at` and `updated_at`; the latter belongs to the moddatetime trigger that `extras.ts` declares. */
export const timestamps = {
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
}
