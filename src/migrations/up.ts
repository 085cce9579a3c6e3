import { type DiffSnapshots, derive, nullableAgain, stepAside } from './derive.ts'
import type { DrizzleMigration } from './drizzle-folder.ts'
import { commandOf, droppedNames, tableName } from './effects.ts'
import { textOf } from './parse-tree.ts'
import type { SchemaState } from './plan.ts'
import { renamed, renamesIn, reversed } from './renames.ts'
import { asksAboutRenames, keyOfParts, type Snapshot } from './snapshot.ts'
import { withLabelsOf } from './split.ts'
import { parseEach, parseStatements, type Statement, simplify } from './statements.ts'

/**
 * drizzle-kit's statements. The snapshots' difference takes their place where a file beside them says that something was
 * renamed, and where they are in an order that PostgreSQL refuses and nobody has mended it by hand.
 */
export async function upStatements(
  migration: DrizzleMigration,
  before: SchemaState,
  after: SchemaState,
  diff: DiffSnapshots,
): Promise<Statement[]> {
  if (migration.renames !== undefined && before.snapshot && after.snapshot) {
    const { statements } = await derive(before.snapshot, after.snapshot, reversed(migration.renames), diff)
    return inWorkingOrder(await parseEach(statements, migration.file))
  }
  const statements = inWorkingOrder(await simplify(await parseStatements(migration.sql, migration.file)))
  // drizzle-kit leaves the name of a primary key that goes to whoever reads the file.
  const keyIsLeftOpen = migration.sql.includes('"<constraint_name>"')
  if (before.snapshot === undefined || after.snapshot === undefined || (statements.length === 0 && !keyIsLeftOpen))
    return statements
  // A label that is only added stands in nobody's way.
  const remade = remadeTypes(statements)
  const added = Object.keys(before.snapshot.enums).filter((type) => !remade.has(type))
  const relabelled = withLabelsOf(before.snapshot, after.snapshot, added)
  const aside = await stepAside(relabelled, after.snapshot, renamesIn(statements), diff)
  const keys = keyIsLeftOpen ? aside.keyDrops : []
  const retypes = statements.some(({ node }) => commandOf(node)?.subtype === 'AT_AlterColumnType')
  const needsOrder = retypes || remade.size > 0 || keys.length > 0 || aside.drops.length > 0
  if (needsOrder && (await isUnedited(migration, before.snapshot, after.snapshot, diff))) {
    const { statements: derived } = await derive(before.snapshot, after.snapshot, [], diff)
    return inWorkingOrder(await parseEach(derived, migration.file))
  }
  const nullable = nullableAgain(renamesIn(statements).reduce(renamed, before.snapshot), after.snapshot)
  return [
    ...(await parseEach([...aside.drops, ...keys], migration.file)),
    ...statements.filter(({ node }) => !aside.replaces(dependentName(node))),
    ...(await parseEach([...aside.creates, ...nullable], migration.file)),
  ]
}

/** Whether the file is what drizzle-kit writes for these snapshots, so that any way between them is as good. */
async function isUnedited(
  { sql }: DrizzleMigration,
  before: Snapshot,
  after: Snapshot,
  diff: DiffSnapshots,
): Promise<boolean> {
  if (asksAboutRenames(before, after)) return false
  const words = (text: string) => text.replaceAll('--> statement-breakpoint', '').replace(/\s+/g, ' ').trim()
  return words(sql) === words((await diff(before, after)).join(' '))
}

/** The policy, constraint or index that a statement makes, alters or drops. */
function dependentName(node: Statement['node']): string {
  if ('CreatePolicyStmt' in node) return textOf(node.CreatePolicyStmt.policy_name)
  if ('AlterPolicyStmt' in node) return textOf(node.AlterPolicyStmt.policy_name)
  if ('IndexStmt' in node) return textOf(node.IndexStmt.idxname)
  if ('DropStmt' in node && /^OBJECT_(POLICY|INDEX)$/.test(textOf(node.DropStmt.removeType)))
    return textOf(droppedNames(node.DropStmt)[0]?.at(-1))
  const command = commandOf(node)
  if (command?.subtype === 'AT_DropConstraint') return textOf(command.name)
  return command?.subtype === 'AT_AddConstraint' && command.def && 'Constraint' in command.def
    ? textOf(command.def.Constraint.conname)
    : ''
}

/** drizzle-kit drops a policy after the column it reads, and sets a default of the type that the column gets next. */
export function inWorkingOrder(statements: Statement[]): Statement[] {
  const isDrop = ({ node }: Statement) => 'DropStmt' in node && node.DropStmt.removeType === 'OBJECT_POLICY'
  const at = statements.findIndex(({ node }) =>
    /^AT_(DropColumn|AlterColumnType)$/.test(textOf(commandOf(node)?.subtype)),
  )
  if (at < 0) return statements
  const late = statements.slice(at).filter(isDrop)
  const order = [...statements.slice(0, at), ...late, ...statements.slice(at).filter((one) => !late.includes(one))]
  for (const statement of statements) {
    const column = columnOf(statement, 'AT_ColumnDefault')
    if (column === undefined || commandOf(statement.node)?.def === undefined) continue
    const types = order.flatMap((other, i) => (columnOf(other, 'AT_AlterColumnType') === column ? [i] : []))
    const from = order.indexOf(statement)
    if (types[0] === undefined || types[0] < from) continue
    order.splice(types[0], 0, ...order.splice(from, 1))
  }
  return order
}

/** `schema.table.column` of a command on a column. */
function columnOf({ node }: Statement, subtype: string): string | undefined {
  const command = commandOf(node)
  return command?.subtype === subtype && 'AlterTableStmt' in node
    ? `${tableName(node.AlterTableStmt.relation)}.${command.name}`
    : undefined
}

/** Types that a file drops: where they are there afterwards, it made them anew. */
export function remadeTypes(statements: Statement[]): Set<string> {
  return new Set(
    statements.flatMap(({ node }) =>
      'DropStmt' in node && node.DropStmt.removeType === 'OBJECT_TYPE'
        ? droppedNames(node.DropStmt).map(keyOfParts)
        : [],
    ),
  )
}
