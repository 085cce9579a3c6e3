import { basename } from 'node:path'
import { type Derived, type DiffSnapshots, derive, stepAside } from './derive.ts'
import type { DrizzleMigration } from './drizzle-folder.ts'
import { commandOf, droppedNames, effectsOf, tableName } from './effects.ts'
import { diffExtras, type Extra } from './extras.ts'
import { guardAll } from './guards.ts'
import { mark, once, prepareMarks, removeMarks, whileMarked } from './once.ts'
import { outsideOf } from './outside.ts'
import { block, literal } from './quote.ts'
import { type Rename, renamesIn, reversed } from './renames.ts'
import { asksAboutRenames, emptySnapshot, keyOf, type Snapshot } from './snapshot.ts'
import { type Part, split, withLabelsOf } from './split.ts'
import { closingComments, parseEach, parseStatements, type Statement, simplify } from './statements.ts'
import { laterThan } from './versions.ts'

/** One file and its reverse, as statements that can run twice. */
export type FilePlan = {
  version: string
  name: string
  /** Whether the file runs in one transaction; only concurrent index builds do not. */
  transaction: boolean
  up: string[]
  down: string[]
  /** What the rollback cannot bring back, in words; empty where nothing is lost. */
  losses: string[]
}

/** A state of the schema: what drizzle-kit knows of it, and what it does not. */
export type SchemaState = { snapshot: Snapshot | undefined; extras: Extra[] }

/** Plans the files of one migration: drizzle-kit's statements up, the snapshots' difference down, extras around both. */
export async function planMigration(
  migration: DrizzleMigration,
  before: SchemaState,
  after: SchemaState,
  previousVersion: string | undefined,
  diff: DiffSnapshots,
): Promise<FilePlan[]> {
  const statements = await upStatements(migration, before, after, diff)
  const renames = migration.renames ?? renamesIn(statements)
  const changedExtras = diffExtras(before.extras, after.extras, () => true)
  const parts = await split(statements, [...changedExtras.createBefore, ...changedExtras.createAfter])

  const plans: FilePlan[] = []
  let state = before
  for (const part of parts) {
    const version = laterThan(plans.at(-1)?.version ?? previousVersion, migration.stamp)
    const isMain = part.suffix === ''
    const reached: SchemaState = {
      snapshot: before.snapshot && after.snapshot && part.reached(before.snapshot, after.snapshot),
      extras: isMain ? after.extras : state.extras,
    }
    plans.push(
      await planFile({ migration, part, version, from: state, to: reached, renames: isMain ? renames : [], diff }),
    )
    state = reached
  }
  return plans
}

type FileOrder = {
  migration: DrizzleMigration
  part: Part
  version: string
  from: SchemaState
  to: SchemaState
  renames: Rename[]
  diff: DiffSnapshots
}

async function planFile({ migration, part, version, from, to, renames, diff }: FileOrder): Promise<FilePlan> {
  const down = await planDown({ migration, part, version, from, to, renames, diff })
  let marks = down.needsMark
  const up = arrange(
    part.statements,
    guardAll(part.statements, (text, at) => {
      marks = true
      return once(text, `${version}.${at + 1}`)
    }),
    from,
    to,
    remadeTypes(part.statements),
  )
  const closing = await closingComments(migration.sql)
  return {
    version,
    name: `${migration.name}${part.suffix}`,
    transaction: part.transaction,
    up: [
      ...(marks ? [prepareMarks] : []),
      ...up,
      ...(part.suffix === '' && closing !== '' ? [closing] : []),
      ...(down.needsMark ? [mark(markOf(version))] : []),
    ],
    down: [...down.statements, ...(marks ? [removeMarks(version)] : [])],
    losses: down.losses,
  }
}

const markOf = (version: string) => `${version}.0`

/**
 * drizzle-kit's statements. The snapshots' difference takes their place where a file beside them says that something was
 * renamed, and where they are in an order that PostgreSQL refuses and nobody has mended it by hand.
 */
async function upStatements(
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
  return [
    ...(await parseEach([...aside.drops, ...keys], migration.file)),
    ...statements.filter(({ node }) => !aside.replaces(dependentName(node))),
    ...(await parseEach(aside.creates, migration.file)),
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
  if ('CreatePolicyStmt' in node) return node.CreatePolicyStmt.policy_name ?? ''
  if ('AlterPolicyStmt' in node) return node.AlterPolicyStmt.policy_name ?? ''
  if ('IndexStmt' in node) return node.IndexStmt.idxname ?? ''
  if ('DropStmt' in node && /^OBJECT_(POLICY|INDEX)$/.test(node.DropStmt.removeType ?? ''))
    return droppedNames(node)[0]?.at(-1) ?? ''
  const command = commandOf(node)
  if (command?.subtype === 'AT_DropConstraint') return command.name ?? ''
  return command?.subtype === 'AT_AddConstraint' && command.def && 'Constraint' in command.def
    ? (command.def.Constraint.conname ?? '')
    : ''
}

/** drizzle-kit drops a policy after the column it reads, and sets a default of the type that the column gets next. */
function inWorkingOrder(statements: Statement[]): Statement[] {
  const isDrop = ({ node }: Statement) => 'DropStmt' in node && node.DropStmt.removeType === 'OBJECT_POLICY'
  const at = statements.findIndex(({ node }) =>
    /^AT_(DropColumn|AlterColumnType)$/.test(commandOf(node)?.subtype ?? ''),
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

type Down = { statements: string[]; losses: string[]; needsMark: boolean }

async function planDown({ migration, part, version, from, to, renames, diff }: FileOrder): Promise<Down> {
  if (part.down) return { statements: part.down, losses: [], needsMark: false }
  const origin = `rollback of ${migration.file}`
  if (from.snapshot === undefined || to.snapshot === undefined) {
    return refusal(migration, "drizzle-kit's snapshot of it, or of the migration before it, is missing")
  }
  const outside = outsideOf(part.statements, from.snapshot, to.snapshot)
  const written = part.suffix === '' ? migration.rollback : undefined
  if (outside.unknown[0] && written === undefined) {
    return refusal(migration, `nobody but its author knows the reverse of ${basename(outside.unknown[0].origin)}`)
  }
  const way = await derive(to.snapshot, from.snapshot, renames, diff)
  const foreign = written === undefined ? notMadeHere(way, part.statements, renames) : undefined
  if (foreign !== undefined) {
    return refusal(
      migration,
      `it would drop ${foreign}, which ${migration.tag}.sql does not create; if that was renamed, say so in ${migration.tag}.renames.json`,
    )
  }
  const byHand = written
    ? await simplify(await parseStatements(written.sql, written.file))
    : await parseEach(outside.inverse, origin)
  const derived = inWorkingOrder(await parseEach(way.statements, origin))
  // What the way up took aside and put back is NOT VALID until the following file; the way back does not touch it.
  const tables = from.snapshot.tables
  const again = (part.unvalidated ?? []).filter(({ table, constraint }) => {
    const { checkConstraints = {}, foreignKeys = {} } = tables[table] ?? {}
    return constraint in checkConstraints || constraint in foreignKeys
  })
  const revalidated = await parseEach(
    again.map(({ validate }) => validate),
    origin,
  )
  const statements = [...byHand, ...derived, ...revalidated]
  let needsMark = false
  const guarded = guardAll(statements, (text) => {
    needsMark = true
    return whileMarked(text, markOf(version))
  })
  return {
    statements: arrange(statements, guarded, to, from, new Set(way.replaced)),
    losses: [
      ...lossesOf(way),
      ...(written ? [] : outside.rows.map(({ origin }) => `the rows as they were before ${basename(origin)}`)),
    ],
    needsMark,
  }
}

/** A table or column that the way back would drop though this migration did not make it. */
function notMadeHere(way: Derived, statements: Statement[], renames: Rename[]): string | undefined {
  const made = new Set(statements.flatMap((statement) => effectsOf(statement).makes))
  const renamed = renames.flatMap((rename) => (rename.kind === 'table' ? [`table ${keyOf(rename.to)}`] : []))
  const table = way.drops.tables.find((key) => !made.has(`table ${key}`) && !renamed.includes(`table ${key}`))
  if (table !== undefined) return `table ${table}`
  const column = way.drops.columns.find((key) => !made.has(`column ${key}`))
  return column === undefined ? undefined : `column ${column}`
}

function refusal(migration: DrizzleMigration, reason: string): Down {
  const message = `${migration.tag} cannot be rolled back: ${reason}`
  const remedy = `delete this rollback file, write ${migration.tag}.rollback.sql beside ${migration.tag}.sql and run integrations-db build`
  return {
    statements: [block(`  raise exception '%', ${literal(message)} using hint = ${literal(remedy)};`)],
    losses: [],
    needsMark: false,
  }
}

function lossesOf({ drops, restores }: Derived): string[] {
  return [
    ...drops.tables.map((table) => `every row of ${table}`),
    ...drops.columns.map((column) => `the values of ${column}`),
    ...restores.tables.map((table) => `the rows ${table} had before it was dropped`),
    ...restores.columns.map((column) => `the values ${column} had before it was dropped`),
  ]
}

/** Types that a file drops and makes anew. */
function remadeTypes(statements: Statement[]): Set<string> {
  const dropped = new Set(
    statements.flatMap(({ node }) =>
      'DropStmt' in node && node.DropStmt.removeType === 'OBJECT_TYPE'
        ? droppedNames(node).map((parts) => qualified(parts))
        : [],
    ),
  )
  return dropped
}

const qualified = (parts: string[]) => (parts.length > 1 ? parts.join('.') : `public.${parts[0]}`)

/** Extras around statements: functions once schemas and types are there, what hangs on tables last, drops in reverse. */
function arrange(
  statements: Statement[],
  texts: string[],
  from: SchemaState,
  to: SchemaState,
  remade: Set<string>,
): string[] {
  const extras = diffExtras(
    from.extras,
    to.extras,
    (object) => exists(to.snapshot ?? emptySnapshot, object),
    (object) => remade.has(object),
  )
  const made = statements.findLastIndex(({ node }) => 'CreateSchemaStmt' in node || 'CreateEnumStmt' in node) + 1
  const isLast = ({ node }: Statement) =>
    'DropStmt' in node && /^OBJECT_(TYPE|SCHEMA)$/.test(node.DropStmt.removeType ?? '')
  const last = statements.findLastIndex((statement) => !isLast(statement)) + 1
  const middle = Math.min(made, last)
  return [
    ...extras.require,
    ...extras.dropAfter,
    ...texts.slice(0, middle),
    ...extras.createBefore,
    ...texts.slice(middle, last),
    ...extras.createAfter,
    ...extras.dropBefore,
    ...texts.slice(last),
  ]
}

function exists(snapshot: Snapshot, object: string): boolean {
  return object in snapshot.tables || object in snapshot.enums || object in snapshot.schemas
}
