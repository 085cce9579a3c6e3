import { nodesOf } from '../parse-tree.ts'
import { anEnd, passing } from './forms.ts'
import type { Rows } from './row.ts'

/* What concerns a session, a transaction or the server, and leaves the schema as it is. */

export const session: Rows = {
  VariableSetStmt: passing,
  LockStmt: passing,
  RefreshMatViewStmt: passing,
  ClusterStmt: passing,
  ConstraintsSetStmt: passing,
  ExplainStmt: passing,
  CheckPointStmt: passing,
  VariableShowStmt: passing,

  NotifyStmt: { effect: () => ({}) },
  ListenStmt: anEnd,
  UnlistenStmt: anEnd,
  LoadStmt: anEnd,
  // The file is one transaction; one inside it would end that half-way.
  TransactionStmt: { ...passing, guard: ({ text }) => `-- ${text}: left out, the file is one transaction.` },
  VacuumStmt: {
    ...passing,
    impossible: (node) =>
      node.is_vacuumcmd ? 'VACUUM runs in no transaction: leave it to autovacuum, or run it by hand' : undefined,
  },
  ReindexStmt: {
    ...passing,
    impossible: (node) =>
      nodesOf(node.params).some((one) => 'DefElem' in one && one.DefElem.defname === 'concurrently')
        ? 'it runs in no transaction: run it by hand, or without CONCURRENTLY'
        : undefined,
  },
  DiscardStmt: { effect: () => ({}), impossible: () => 'it ends what the session prepared: leave it out' },

  CreatedbStmt: { impossible: () => 'a database is made before its migrations run' },
  DropdbStmt: { impossible: () => 'a database outlives its migrations' },
  CreateTableSpaceStmt: { impossible: () => 'a tablespace belongs to the server: make it there' },
  DropTableSpaceStmt: { impossible: () => 'a tablespace belongs to the server: drop it there' },
  AlterTableSpaceOptionsStmt: { impossible: () => 'a tablespace belongs to the server: change it there' },
  AlterSystemStmt: {
    impossible: () => 'it changes the server: set it there, or with ALTER DATABASE or ALTER ROLE … SET',
  },
  CreateSubscriptionStmt: { impossible: () => 'it connects to another server: run it by hand' },
  AlterSubscriptionStmt: { impossible: () => 'it connects to another server: run it by hand' },
  DropSubscriptionStmt: { impossible: () => 'it connects to another server: run it by hand' },
  PrepareStmt: { impossible: () => 'it lasts for a session only: write the statement itself' },
  ExecuteStmt: { impossible: () => 'it needs a prepared statement: write the statement itself' },
  DeallocateStmt: { impossible: () => 'it needs a prepared statement: leave it out' },
  DeclareCursorStmt: { impossible: () => 'it lasts for a transaction only: write a DO block' },
  FetchStmt: { impossible: () => 'it needs a cursor: write a DO block' },
  ClosePortalStmt: { impossible: () => 'it needs a cursor: write a DO block' },
}
