import type { Extra } from '../extras/extra.ts'
import type { State } from './state.ts'

/** One side of a file: the schema, and what is declared beside it. */
export type Side = { state: State; extras: Extra[] }
