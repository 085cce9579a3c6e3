import type { Nodes } from './kinds.ts'
import { nodesOf } from './parse-tree.ts'
import type { Statement } from './statements.ts'

/** What no file that runs in one transaction can hold, and what to do instead. */
export const impossible: { [Kind in keyof Nodes]?: (node: Nodes[Kind]) => string | undefined } = {
  CreatedbStmt: () => 'a database is made before its migrations run',
  DropdbStmt: () => 'a database outlives its migrations',
  CreateTableSpaceStmt: () => 'a tablespace belongs to the server: make it there',
  DropTableSpaceStmt: () => 'a tablespace belongs to the server: drop it there',
  AlterTableSpaceOptionsStmt: () => 'a tablespace belongs to the server: change it there',
  AlterSystemStmt: () => 'it changes the server: set it there, or with ALTER DATABASE or ALTER ROLE … SET',
  CreateSubscriptionStmt: () => 'it connects to another server: run it by hand',
  AlterSubscriptionStmt: () => 'it connects to another server: run it by hand',
  DropSubscriptionStmt: () => 'it connects to another server: run it by hand',
  VacuumStmt: (node) =>
    node.is_vacuumcmd ? 'VACUUM runs in no transaction: leave it to autovacuum, or run it by hand' : undefined,
  ReindexStmt: (node) =>
    nodesOf(node.params).some((one) => 'DefElem' in one && one.DefElem.defname === 'concurrently')
      ? 'it runs in no transaction: run it by hand, or without CONCURRENTLY'
      : undefined,
  CopyStmt: (node) =>
    node.is_from && !node.filename && !node.is_program ? 'its rows follow outside SQL: write INSERT' : undefined,
  DiscardStmt: () => 'it ends what the session prepared: leave it out',
  PrepareStmt: () => 'it lasts for a session only: write the statement itself',
  ExecuteStmt: () => 'it needs a prepared statement: write the statement itself',
  DeallocateStmt: () => 'it needs a prepared statement: leave it out',
  DeclareCursorStmt: () => 'it lasts for a transaction only: write a DO block',
  FetchStmt: () => 'it needs a cursor: write a DO block',
  ClosePortalStmt: () => 'it needs a cursor: write a DO block',
}

/** What an author can do about a statement that has no form of its own. */
export const vouch =
  'write one of the statements it consists of, or put the comment `-- integrations-db: runs twice` in front of it where it can run twice as it is'

/** Whether its author says that it can run twice as it is. */
export const isVouched = ({ comments }: Statement) => /^\s*--\s*integrations-db:\s*runs twice\s*$/im.test(comments)
