import type { Nodes } from '../nodes.ts'
import type { Outcome } from '../outcome.ts'
import type { State, Thing } from '../state.ts'
import type { Statement } from '../statements.ts'

/** All that the generator knows of a kind of statement. */
export type Row<T> = {
  /** The form of it that can run twice; without one it runs once, by a mark. */
  guard?: Guard<T>
  /** What it does to a state; without one its rollback refuses until its author says how. */
  effect?: Effect<T>
  /** What it needs, makes and takes away, by name. */
  names?: (node: T) => Partial<Names>
  /** Why no file that runs in one transaction can hold it, and what to do instead. */
  impossible?: (node: T) => string | undefined
}
export type Rows = { [Kind in keyof Nodes]?: Row<Nodes[Kind]> }

/** Gives the form of a statement that can run twice. */
export type Guard<T> = (statement: Statement, node: T, around: Surroundings) => string

/** Runs a statement on a state; `replay` runs those that stand inside it. */
export type Effect<T> = (
  state: State,
  statement: Statement,
  node: T,
  replay: (state: State, statement: Statement) => Outcome,
) => Outcome

/** `table public.t`, `column public.t.c` or `type public.e`. */
type ObjectName = string
export type Names = { needs: ObjectName[]; makes: ObjectName[]; removes: ObjectName[] }

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
