import type { Statement } from './statements.ts'

/** What an author can do about a statement that has no form of its own. */
export const vouch =
  'write one of the statements it consists of, or put the comment `-- integrations-db: runs twice` in front of it where it can run twice as it is'

/** Whether its author says that it can run twice as it is. */
export const isVouched = ({ comments }: Statement) => /^\s*--\s*integrations-db:\s*runs twice\s*$/im.test(comments)
