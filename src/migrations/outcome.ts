import type { Key, State } from './state.ts'

/** What replaying a statement tells of it. */
export type Outcome = {
  /** It changes rows, whose former values no rollback brings back. */
  rows?: boolean
  /** What it does is not to be read from it. */
  unknown?: boolean
  /** It takes away what is not there; nothing is unknown where the same file took it away before. */
  missing?: Key
  /** The object that something unknown is about; nothing is unknown where the same file makes that. */
  about?: Key
}

/** What DROP does with what is not there: nothing with IF EXISTS, unless one that nobody can read may have made it. */
export const dropOfNothing = (state: State, key: Key, ifExists: boolean | undefined, ...names: string[]): Outcome =>
  ifExists && !state.mayHaveMade(...names) ? {} : { unknown: true, missing: key }
