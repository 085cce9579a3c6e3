import { literal } from '../util/quote.ts'
import { isThere } from './presence.ts'
import { trace } from './replay.ts'
import { type Key, type State, schemaOf, type Thing } from './state.ts'
import { isRename, type Statement } from './statements.ts'

/*
 * A migration remembers what it makes: what was there before it is compared in full with what it states, and stays when
 * it is rolled back. Parts of a table that it makes go with the table.
 */

/** What statements make that is not there in `from`, in the form it has when it is made. */
export function madeBy(statements: Statement[], from: State): Map<Key, Thing> {
  const at = from.copy()
  const found = new Map<Key, Thing>()
  for (const statement of statements) {
    const { log, things } = trace(at, statement)
    // A new name of what an earlier file made is no new object.
    if (isRename(statement) && ![...log.removed].some((key) => found.has(key))) continue
    for (const key of log.made) {
      const thing = things.get(key) ?? at.get(key)
      if (
        thing !== undefined &&
        from.get(key) === undefined &&
        !isPart(thing, found, from) &&
        isThere(at, thing) !== undefined
      )
        found.set(key, thing)
    }
  }
  return found
}

/** Whether it belongs to what the same file makes, comes with a column, or takes the name of what an earlier file made. */
function isPart(thing: Thing, made: Map<Key, Thing>, from: State): boolean {
  const isNamed = /^(table|view|sequence|index)$/.test(thing.kind)
  return (
    (thing.on !== undefined && (made.has(thing.on) || thing.kind === 'sequence')) ||
    (isNamed && from.relation(schemaOf(from, thing), thing.name) !== undefined)
  )
}

/** Goes in front of a file: remembers which of what it makes is not there yet. */
export function claim(made: Map<Key, Thing>, from: State, version: string): string[] {
  if (made.size === 0) return []
  const rows = [...made.values()].map((thing) => `  (${literal(thing.key)}, ${isThere(from, thing)})`)
  return [
    `\
-- What is there already was not made here, and a rollback leaves it.
INSERT INTO integrations_once.statements (id)
SELECT ${literal(`${version}.`)} || made FROM (VALUES
${rows.join(',\n')}
) AS stated (made, is_there) WHERE NOT is_there
ON CONFLICT DO NOTHING;`,
  ]
}

export const claimOf = (version: string, key: Key) => `${version}.${key}`

/** Whether this migration made it, as an SQL condition. */
export const isClaimed = (id: string) => `exists (select from integrations_once.statements where id = ${literal(id)})`
