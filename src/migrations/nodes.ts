import type { Node } from 'libpg-query'

type Kinds<T> = T extends T ? keyof T : never
/** The parser's statements and what each holds. */
export type Nodes = {
  [Kind in Kinds<Node>]: Extract<Node, Record<Kind, unknown>>[Kind & keyof Extract<Node, Record<Kind, unknown>>]
}
