import { isPgEnum } from 'drizzle-orm/pg-core'
import { names } from '../extras/kinds.ts'
import * as schema from '../schema/index.ts'
import { tables } from '../schema/tables.ts'
import { literal, name } from '../util/quote.ts'
import { list } from './catalog-expressions.ts'

/* Which objects of a database belong to this package, for statements that read a catalog. */

/** As literals. */
export const ourSchemas = ['integrations', 'integrations_api', 'integrations_once'].map(literal).join(', ')

/** As statements write them, those of schema public too. */
export const ourTables = tables.map((table) => names(table).quoted)

export const ourTypes = Object.values(schema)
  .filter((one) => isPgEnum(one))
  .map((type) => `${name(type.schema ?? 'public')}.${name(type.enumName)}`)

/** Ids of schemas, tables and types, as subqueries. */
export const ourIds = {
  schemas: `select oid from pg_namespace where nspname in (${ourSchemas})`,
  tables: `select c.oid from pg_class as c where c.relkind in ('r', 'p') and (
    c.oid in (select to_regclass(path) from unnest(${list(ourTables)}) as path)
    or c.relnamespace in (select oid from pg_namespace where nspname in (${ourSchemas})))`,
  types: `select to_regtype(path) from unnest(${list(ourTypes)}) as path`,
}
