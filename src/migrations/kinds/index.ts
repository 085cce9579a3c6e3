import type { Statement } from '../statements.ts'
import { anyObject } from './any-object.ts'
import { indexes } from './indexes.ts'
import { others } from './others.ts'
import { policies } from './policies.ts'
import { roles } from './roles.ts'
import { routines } from './routines.ts'
import type { Row, Rows } from './row.ts'
import { rows } from './rows.ts'
import { sequences } from './sequences.ts'
import { session } from './session.ts'
import { tables } from './tables.ts'
import { types } from './types.ts'

/* The one table of kinds of statements; to teach the generator a kind, add a row to its family. */

export const families: Rows[] = [
  tables,
  types,
  sequences,
  indexes,
  policies,
  routines,
  roles,
  anyObject,
  rows,
  session,
  others,
]
const kinds: Rows = Object.assign({}, ...families)

/** What is known of a statement's kind, and what it holds; of a kind without a row nothing is. */
export function kindOf({ node }: Statement): { row: Row<unknown>; node: unknown } {
  const [kind, held] = Object.entries(node)[0] ?? ['nothing', undefined]
  return { row: (kinds[kind as keyof Rows] as Row<unknown> | undefined) ?? {}, node: held }
}
