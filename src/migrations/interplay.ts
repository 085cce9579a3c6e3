import { kindOf } from './kinds/index.ts'
import type { Names } from './kinds/row.ts'
import { commandOf } from './parse-tree.ts'
import type { Statement } from './statements.ts'

/*
 * What a statement needs, makes and takes away, by name. A guard looks at one statement; these tell where a second run
 * of the file would meet a name in another state than the first run did.
 */

export function namesOf(statement: Statement): Names {
  const { row, node } = kindOf(statement)
  return { needs: [], makes: [], removes: [], ...row.names?.(node) }
}

/** How the statements of one file bear on each other when the file runs again. */
type Interplay = {
  /** Names that a later statement removes: gone on a second run. */
  goneLater: string[]
  /** Whether names pass from one object to another around this statement, so that none tells whether it has run. */
  ambiguous: boolean
  /** Whether a later statement changes the object further, so that its stated form is not the end state. */
  changedLater: (object: string) => boolean
}

export function interplay(statements: Statement[], names: Names[], at: number): Interplay {
  const own = names[at] as Names
  const later = names.slice(at + 1).map((names, i) => ({ statement: statements[at + 1 + i] as Statement, names }))
  const removedLater = new Set(later.flatMap(({ names }) => names.removes))
  const madeLater = new Set(later.flatMap(({ names }) => names.makes))
  const renamedLater = new Set(later.flatMap(({ names }) => (names.makes.length > 0 ? names.removes : [])))
  return {
    goneLater: own.needs.filter((object) => removedLater.has(object)),
    ambiguous:
      own.makes.some((object) => renamedLater.has(object) || (own.removes.length > 0 && removedLater.has(object))) ||
      own.removes.some((object) => madeLater.has(object)),
    changedLater: (object) => {
      const column = object.replace(/^table /, 'column ')
      return later.some(({ statement, names }) => {
        const retyped = commandOf(statement.node)?.subtype === 'AT_AlterColumnType' ? names.needs : []
        return [...names.removes, ...retyped].some(
          (name) => name === object || (name.startsWith('column ') && name.startsWith(`${column}.`)),
        )
      })
    },
  }
}
