import type { DrizzleMigration, Snapshot } from './drizzle-folder.ts'
import { diffExtras, type Extra } from './extras.ts'
import { guard } from './guards.ts'
import { parseStatements, type Statement } from './statements.ts'

/** One migration and its reverse, as statements that can run twice. */
export type MigrationPlan = {
  version: string
  name: string
  up: string[]
  down: string[]
  /** What the rollback cannot bring back, in words; empty where nothing is lost. */
  losses: string[]
}

/** A state of the schema: what drizzle-kit knows of it, and what it does not. */
export type SchemaState = { snapshot: Snapshot; extras: Extra[] }

/** drizzle-kit's own diff; with the snapshots swapped it is the way down. */
export type DiffSnapshots = (from: Snapshot, to: Snapshot) => Promise<string[]>

/** Plans one migration: drizzle-kit's statements up, its diff of the swapped snapshots down, extras around both. */
export async function planMigration(
  migration: DrizzleMigration,
  before: SchemaState,
  after: SchemaState,
  diff: DiffSnapshots,
): Promise<MigrationPlan> {
  const up = await parseStatements(migration.sql, migration.file)
  const reverse = await diff(after.snapshot, before.snapshot)
  const down = await parseStatements(
    reverse.map((text) => text.replace(/;?\s*$/, ';')).join('\n'),
    `rollback of ${migration.file}`,
  )
  return {
    version: migration.version,
    name: migration.name,
    up: arrange(up, before, after),
    down: arrange(down, after, before),
    losses: down.flatMap(lossOf),
  }
}

/** Schemas and types first, then what tables and policies need, tables, what hangs on them, and drops in reverse. */
function arrange(statements: Statement[], from: SchemaState, to: SchemaState): string[] {
  const extras = diffExtras(from.extras, to.extras, (object) => exists(to.snapshot, object))
  const guarded = (stage: Stage) => statements.filter((statement) => stageOf(statement) === stage).map(guard)
  return [
    ...extras.require,
    ...extras.dropAfter,
    ...guarded('first'),
    ...extras.createBefore,
    ...guarded('middle'),
    ...extras.createAfter,
    ...extras.dropBefore,
    ...guarded('last'),
  ]
}

type Stage = 'first' | 'middle' | 'last'

function stageOf({ node }: Statement): Stage {
  if ('CreateSchemaStmt' in node || 'CreateEnumStmt' in node) return 'first'
  if ('DropStmt' in node && ['OBJECT_TYPE', 'OBJECT_SCHEMA'].includes(node.DropStmt.removeType ?? '')) return 'last'
  return 'middle'
}

function exists(snapshot: Snapshot, object: string): boolean {
  const names = [...Object.values(snapshot.tables), ...Object.values(snapshot.enums)].map(
    (entity) => `${entity.schema || 'public'}.${entity.name}`,
  )
  return names.includes(object) || Object.values(snapshot.schemas).includes(object)
}

function lossOf({ node, text }: Statement): string[] {
  if ('DropStmt' in node && node.DropStmt.removeType === 'OBJECT_TABLE') {
    return [`every row of ${text.replace(/^drop\s+table\s+/i, '').replace(/\s+cascade$/i, '')}`]
  }
  if (!('AlterTableStmt' in node)) return []
  return (node.AlterTableStmt.cmds ?? []).flatMap((cmd) =>
    'AlterTableCmd' in cmd && cmd.AlterTableCmd.subtype === 'AT_DropColumn'
      ? [`the values of ${node.AlterTableStmt.relation?.relname}.${cmd.AlterTableCmd.name}`]
      : [],
  )
}
