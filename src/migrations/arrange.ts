import { diffExtras } from '../extras/extra.ts'
import { textOf } from './parse-tree.ts'
import type { Side } from './side.ts'
import type { State } from './state.ts'
import type { Statement } from './statements.ts'

/** Extras around statements: functions once schemas and types are there, what hangs on tables last, drops in reverse. */
export function arrange(statements: Statement[], texts: string[], from: Side, to: Side, remade: Set<string>): string[] {
  const extras = diffExtras(
    from.extras,
    to.extras,
    (object) => exists(to.state, object),
    (object) => remade.has(object),
  )
  const made = statements.findLastIndex(({ node }) => 'CreateSchemaStmt' in node || 'CreateEnumStmt' in node) + 1
  const isLast = ({ node }: Statement) =>
    'DropStmt' in node && /^OBJECT_(TYPE|SCHEMA)$/.test(textOf(node.DropStmt.removeType))
  const last = statements.findLastIndex((statement) => !isLast(statement)) + 1
  const middle = Math.min(made, last)
  return [
    ...extras.require,
    ...extras.dropAfter,
    ...texts.slice(0, middle),
    ...extras.createBefore,
    ...texts.slice(middle, last),
    ...extras.createAfter,
    ...extras.dropBefore,
    ...texts.slice(last),
  ]
}

function exists(state: State, object: string): boolean {
  return ['table', 'type', 'schema'].some((kind) => state.get(`${kind} ${object}`) !== undefined)
}
