import { block, literal } from '../../util/quote.ts'
import { insertAfter } from '../statements.ts'
import type { Guard, Row } from './row.ts'

/* Forms that many kinds share. */

export const asIs: Guard<unknown> = ({ text }) => text
export const ifNotExists =
  (after: string): Guard<unknown> =>
  (statement) =>
    insertAfter(statement, after, 'IF NOT EXISTS')
export const orReplace: Guard<unknown> = (statement) => insertAfter(statement, 'create', 'OR REPLACE')

export const unless = (text: string, condition: string): string =>
  block(`\
  if not ${condition} then
    ${text};
  end if;`)

export const unlessType = (text: string, type: string): string =>
  unless(text, `to_regtype(${literal(type)}) is not null`)

/** It states an end, not a step: running it twice is the same as once. */
export const anEnd: Row<unknown> = { guard: asIs }
/** The same, and it leaves the schema as it is. */
export const passing: Row<unknown> = { guard: asIs, effect: () => ({}) }
/** It changes rows, by a mark only once. */
export const ofRows: Row<unknown> = { effect: () => ({ rows: true }) }
