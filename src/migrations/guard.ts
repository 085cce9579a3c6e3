import type { State, Thing } from './state.ts'
import type { Statement } from './statements.ts'

/** What a guard may know of the file its statement stands in. */
export type Surroundings = {
  /** Whether a later statement of the file changes this object further. */
  changedLater: (object: string) => boolean
  /** Statements of the file after this one. */
  later: Statement[]
  /** Labels of the enum types that the file creates, by `typeKey`. */
  labels: Map<string, string[]>
  /** The schema once the statement has run, and at the end of the file. */
  before: State
  after: State
  end: State
  /** What the statement makes first of all. */
  made: Thing | undefined
  /** Makes a statement run once where no catalog tells whether it has. */
  once: (text: string) => string
}

/** Gives the form of a statement that can run twice. */
export type Guard<T> = (statement: Statement, node: T, around: Surroundings) => string
