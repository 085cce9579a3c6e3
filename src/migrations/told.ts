import type { Key } from './state.ts'

/** What a statement says of one property of an object. */
export type Told = {
  on: Key
  /** What it goes with besides: the column of a privilege on one. */
  refs?: Key[]
  facet: string
  /** The statement that sets it, where that is not the whole one. */
  text?: string
  reset: string | undefined
  /** The property is gone, not set. */
  gone?: boolean
}
