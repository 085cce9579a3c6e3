import { is } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import { literal } from '../util/quote.ts'
import * as schema from './index.ts'

/* Which tables there are, for whatever must miss none of them, those to come included. */

export const tables: readonly PgTable[] = Object.values<unknown>(schema).flatMap((one) =>
  is(one, PgTable) ? [one] : [],
)

/** Each with its schema, which drizzle-kit leaves out where it is public. */
export const tableNames: readonly { schema: string; name: string }[] = tables.map((table) => {
  const { schema = 'public', name } = getTableConfig(table)
  return { schema, name }
})

/** Those of schema public; the others lie behind their schema. How a module lists its exports differs, so sorted. */
export const publicTables: readonly string[] = tableNames
  .filter(({ schema }) => schema === 'public')
  .map(({ name }) => name)
  .sort()

const publicLiterals = publicTables.map(literal).join(', ')

/** SQL, for statements that read a catalog: whether what is called so, in a schema called so, is one of ours. */
export const isOurs = (schema: string, name: string) =>
  `(${schema} = 'integrations' or ${schema} = 'public' and ${name} in (${publicLiterals}))`
