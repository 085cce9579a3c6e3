import type { Node } from 'libpg-query'
import { name, relation } from '../util/quote.ts'
import { commandOf, droppedNames, effectsOf, tableName } from './effects.ts'
import { indexName } from './end-state.ts'
import { selfGuarded } from './guards.ts'
import { nodesOf, partsOf, strings, textOf } from './parse-tree.ts'
import { keyOfParts, type Snapshot } from './snapshot.ts'
import type { Statement } from './statements.ts'

/*
 * What was written by hand into a migration and is in no snapshot. A plain CREATE fails where the thing exists, so
 * dropping it is its exact reverse; OR REPLACE, IF NOT EXISTS, GRANT and the like may have found something there.
 */

export type Outside = {
  /** Statements that undo what can be undone, newest first. */
  inverse: string[]
  /** Statements nobody can undo but their author. */
  unknown: Statement[]
  /** Statements that change rows, whose former values no rollback brings back. */
  rows: Statement[]
}

const changesRows = ['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'TruncateStmt', 'SelectStmt', 'CallStmt']
/** These leave nothing in the catalog that a rollback would have to take away. */
const leavesNothing = [
  'VariableSetStmt',
  'LockStmt',
  'RefreshMatViewStmt',
  'TransactionStmt',
  'RenameStmt',
  'AlterObjectSchemaStmt',
]

export function outsideOf(statements: Statement[], before: Snapshot, after: Snapshot): Outside {
  const made = new Set(statements.flatMap((statement) => effectsOf(statement).makes))
  const found: Outside = { inverse: [], unknown: [], rows: [] }
  for (const statement of statements) {
    if (statement.comments === selfGuarded) continue
    const [kind = ''] = Object.keys(statement.node)
    if (changesRows.includes(kind)) found.rows.push(statement)
    else if (
      !leavesNothing.includes(kind) &&
      !isKnown(statement.node, before, after) &&
      !goesWithItsTable(statement.node, made)
    ) {
      const inverse = inverseOf(statement.node)
      if (inverse === undefined) found.unknown.push(statement)
      else if (inverse !== '') found.inverse.unshift(inverse)
    }
  }
  return found
}

/** Whether a snapshot knows the statement's object, so that comparing snapshots undoes it. */
function isKnown(node: Node, before: Snapshot, after: Snapshot): boolean {
  const some = (has: (snapshot: Snapshot) => boolean) => has(before) || has(after)
  const inTable = (table: string, has: (table: Snapshot['tables'][string]) => boolean) =>
    some(({ tables }) => (tables[table] ? has(tables[table]) : false))

  if ('CreateStmt' in node) return some(({ tables }) => tableName(node.CreateStmt.relation) in tables)
  if ('CreateEnumStmt' in node) return some(({ enums }) => keyOfParts(strings(node.CreateEnumStmt.typeName)) in enums)
  if ('AlterEnumStmt' in node) return some(({ enums }) => keyOfParts(strings(node.AlterEnumStmt.typeName)) in enums)
  if ('CreateSchemaStmt' in node) return some(({ schemas }) => textOf(node.CreateSchemaStmt.schemaname) in schemas)
  if ('CreateRoleStmt' in node) return some(({ roles }) => textOf(node.CreateRoleStmt.role) in roles)
  if ('AlterRoleStmt' in node) return some(({ roles }) => textOf(node.AlterRoleStmt.role?.rolename) in roles)
  if ('CreateSeqStmt' in node) return some(({ sequences }) => tableName(node.CreateSeqStmt.sequence) in sequences)
  if ('AlterSeqStmt' in node) return some(({ sequences }) => tableName(node.AlterSeqStmt.sequence) in sequences)
  if ('ViewStmt' in node) return some(({ views }) => tableName(node.ViewStmt.view) in views)
  if ('CreateTableAsStmt' in node) return some(({ views }) => tableName(node.CreateTableAsStmt.into?.rel) in views)
  if ('IndexStmt' in node)
    return inTable(tableName(node.IndexStmt.relation), ({ indexes }) => textOf(node.IndexStmt.idxname) in indexes)
  if ('CreatePolicyStmt' in node || 'AlterPolicyStmt' in node) {
    const policy = 'CreatePolicyStmt' in node ? node.CreatePolicyStmt : node.AlterPolicyStmt
    const called = textOf(policy.policy_name)
    return (
      inTable(tableName(policy.table), ({ policies }) => called in policies) ||
      some(({ policies }) => called in policies)
    )
  }
  if ('AlterTableStmt' in node) {
    const table = tableName(node.AlterTableStmt.relation)
    const command = commandOf(node)
    const subtype = textOf(command?.subtype)
    if (node.AlterTableStmt.objtype !== 'OBJECT_TABLE') return some(({ views }) => table in views)
    if (/^AT_(Enable|Disable)RowSecurity$/.test(subtype)) return some(({ tables }) => table in tables)
    if (subtype === 'AT_ValidateConstraint') return true
    if (subtype === 'AT_AddConstraint' || subtype === 'AT_DropConstraint' || subtype === 'AT_AddIndexConstraint') {
      const constraint = command?.def && 'Constraint' in command.def ? command.def.Constraint : undefined
      const called = constraint?.conname ?? textOf(command?.name)
      const isPrimary = constraint?.contype === 'CONSTR_PRIMARY' || called.endsWith('_pkey') || called.endsWith('_pk')
      return inTable(
        table,
        (its) =>
          [its.foreignKeys, its.checkConstraints, its.uniqueConstraints, its.compositePrimaryKeys, its.indexes].some(
            (names) => called in names,
          ) || isPrimary,
      )
    }
    if (
      /^AT_(AddColumn|DropColumn|AlterColumnType|ColumnDefault|SetNotNull|DropNotNull|AddIdentity|DropIdentity|SetIdentity|DropExpression|SetExpression)$/.test(
        subtype,
      )
    ) {
      const column =
        command?.def && 'ColumnDef' in command.def && subtype === 'AT_AddColumn'
          ? command.def.ColumnDef.colname
          : command?.name
      return inTable(table, ({ columns }) => textOf(column) in columns)
    }
    return false
  }
  if ('DropRoleStmt' in node) {
    return nodesOf(node.DropRoleStmt.roles).every(
      (role) => 'RoleSpec' in role && some(({ roles }) => textOf(role.RoleSpec.rolename) in roles),
    )
  }
  if ('DropStmt' in node) {
    return droppedNames(node.DropStmt).every((parts) => {
      switch (node.DropStmt.removeType) {
        case 'OBJECT_TABLE':
          return some(({ tables }) => keyOfParts(parts) in tables)
        case 'OBJECT_TYPE':
          return some(({ enums }) => keyOfParts(parts) in enums)
        case 'OBJECT_SCHEMA':
          return some(({ schemas }) => textOf(parts[0]) in schemas)
        case 'OBJECT_SEQUENCE':
          return some(({ sequences }) => keyOfParts(parts) in sequences)
        case 'OBJECT_VIEW':
        case 'OBJECT_MATVIEW':
          return some(({ views }) => keyOfParts(parts) in views)
        case 'OBJECT_INDEX':
          return some(({ tables }) => Object.values(tables).some(({ indexes }) => textOf(parts.at(-1)) in indexes))
        case 'OBJECT_POLICY':
          return some(
            ({ tables, policies }) =>
              textOf(parts.at(-1)) in policies ||
              Object.values(tables).some((table) => textOf(parts.at(-1)) in table.policies),
          )
        default:
          return false
      }
    })
  }
  return false
}

/** What hangs on a table that the migration makes goes with it. */
function goesWithItsTable(node: Node, made: Set<string>): boolean {
  const isMade = (table: Parameters<typeof tableName>[0]) => made.has(`table ${tableName(table)}`)
  if ('AlterTableStmt' in node) return isMade(node.AlterTableStmt.relation)
  if ('IndexStmt' in node) return isMade(node.IndexStmt.relation)
  if ('CreateTrigStmt' in node) return isMade(node.CreateTrigStmt.relation)
  if ('CreatePolicyStmt' in node) return isMade(node.CreatePolicyStmt.table)
  if ('GrantStmt' in node)
    return nodesOf(node.GrantStmt.objects).every((object) => 'RangeVar' in object && isMade(object.RangeVar))
  if ('CommentStmt' in node) {
    const { object, objtype } = node.CommentStmt
    const parts = partsOf(object)
    const table = objtype === 'OBJECT_TABLE' ? parts : objtype === 'OBJECT_COLUMN' ? parts.slice(0, -1) : undefined
    return table !== undefined && made.has(`table ${keyOfParts(table)}`)
  }
  return false
}

/** The exact reverse of a statement, `''` where there is nothing to reverse, undefined where nobody knows it. */
function inverseOf(node: Node): string | undefined {
  const qualified = (nodes: Node[] | undefined) => strings(nodes).map(name).join('.')
  if ('CreateStmt' in node && !node.CreateStmt.if_not_exists) return `DROP TABLE ${relation(node.CreateStmt.relation)}`
  if ('CreateEnumStmt' in node) return `DROP TYPE ${qualified(node.CreateEnumStmt.typeName)}`
  if ('CreateDomainStmt' in node) return `DROP DOMAIN ${qualified(node.CreateDomainStmt.domainname)}`
  if ('CreateSchemaStmt' in node && !node.CreateSchemaStmt.if_not_exists)
    return `DROP SCHEMA ${name(node.CreateSchemaStmt.schemaname)}`
  if ('CreateSeqStmt' in node && !node.CreateSeqStmt.if_not_exists)
    return `DROP SEQUENCE ${relation(node.CreateSeqStmt.sequence)}`
  if ('ViewStmt' in node && !node.ViewStmt.replace) return `DROP VIEW ${relation(node.ViewStmt.view)}`
  if ('CreateTableAsStmt' in node && !node.CreateTableAsStmt.if_not_exists)
    return `DROP ${node.CreateTableAsStmt.objtype === 'OBJECT_MATVIEW' ? 'MATERIALIZED VIEW' : 'TABLE'} ${relation(node.CreateTableAsStmt.into?.rel)}`
  if ('IndexStmt' in node && !node.IndexStmt.if_not_exists && node.IndexStmt.idxname)
    return `DROP INDEX ${indexName(node.IndexStmt)}`
  if ('CreatePolicyStmt' in node)
    return `DROP POLICY ${name(node.CreatePolicyStmt.policy_name)} ON ${relation(node.CreatePolicyStmt.table)}`
  if ('CreateTrigStmt' in node && !node.CreateTrigStmt.replace)
    return `DROP TRIGGER ${name(node.CreateTrigStmt.trigname)} ON ${relation(node.CreateTrigStmt.relation)}`
  if (
    'CreateFunctionStmt' in node &&
    !node.CreateFunctionStmt.replace &&
    nodesOf(node.CreateFunctionStmt.parameters).length === 0
  )
    return `DROP FUNCTION ${qualified(node.CreateFunctionStmt.funcname)}()`
  // An extension that was there before belongs to somebody else, and one more harms nobody.
  if ('CreateExtensionStmt' in node)
    return node.CreateExtensionStmt.if_not_exists ? '' : `DROP EXTENSION ${name(node.CreateExtensionStmt.extname)}`
  if ('AlterTableStmt' in node) {
    const table = relation(node.AlterTableStmt.relation)
    const command = commandOf(node)
    if (
      command?.subtype === 'AT_AddConstraint' &&
      command.def &&
      'Constraint' in command.def &&
      command.def.Constraint.conname
    )
      return `ALTER TABLE ${table} DROP CONSTRAINT ${name(command.def.Constraint.conname)}`
    if (command?.subtype === 'AT_AddColumn' && !command.missing_ok && command.def && 'ColumnDef' in command.def)
      return `ALTER TABLE ${table} DROP COLUMN ${name(command.def.ColumnDef.colname)}`
    if (command?.subtype === 'AT_ForceRowSecurity') return `ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY`
  }
  return undefined
}
