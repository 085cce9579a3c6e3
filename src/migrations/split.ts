import type { Constraint } from 'libpg-query'
import { literal, name, relation } from '../util/quote.ts'
import { namesOf } from './interplay.ts'
import { commandOf, droppedNames, tableName, textOf, typeKey } from './parse-tree.ts'
import { trace } from './replay.ts'
import type { State } from './state.ts'
import { parseEach, refuse, type Statement } from './statements.ts'

/** A file of its own, cut off one migration. */
export type Part = {
  /** What the file's name ends in; nothing for the migration itself. */
  suffix: string
  statements: Statement[]
  transaction: boolean
}

/**
 * Cuts a migration where PostgreSQL or a busy table demands it: enum labels that are used right away come first,
 * indexes that are built concurrently and the validation of constraints come last.
 */
export async function split(statements: Statement[], extras: string[], before: State): Promise<Part[]> {
  const labels = addedLabels(statements, extras)
  const rest = statements.filter((statement) => !labels.includes(statement))
  const { main, concurrent, after } = aroundConcurrent(rest, before)
  const { rewritten, validations } = await deferValidation(main, [...concurrent, ...after])
  const part = (suffix: string, statements: Statement[], transaction = true): Part[] =>
    statements.length === 0 ? [] : [{ suffix, statements, transaction }]
  return [
    ...part('_enum_values', labels),
    { suffix: '', statements: rewritten, transaction: true },
    ...concurrent.flatMap((statement, i) =>
      part(concurrent.length === 1 ? '_concurrently' : `_concurrently_${i + 1}`, [statement], false),
    ),
    ...part('_afterwards', after),
    ...part('_validate', validations),
  ]
}

/** What runs beside other work, and what later statements do with what it made or dropped. */
function aroundConcurrent(statements: Statement[], before: State) {
  const state = before.copy()
  const traces = statements.map((statement) => trace(state, statement))
  const concurrent = statements.filter(isConcurrent)
  const names = new Set<string>()
  const after: Statement[] = []
  for (const [i, statement] of statements.entries()) {
    const { log, things } = traces[i] as (typeof traces)[number]
    const refs = [...things.values()].flatMap((thing) => [thing.on, ...thing.refs])
    const depends = [...log.made, ...log.removed, ...log.changed, ...refs].some(
      (key) => key !== undefined && names.has(key),
    )
    if (concurrent.includes(statement) || depends) for (const key of [...log.made, ...log.removed]) names.add(key)
    if (depends && !concurrent.includes(statement)) after.push(statement)
  }
  return { main: statements.filter((one) => !concurrent.includes(one) && !after.includes(one)), concurrent, after }
}

/** ADD VALUE of labels that the same migration uses: PostgreSQL lets no transaction use a label it adds itself. */
function addedLabels(statements: Statement[], extras: string[]): Statement[] {
  const added = statements.flatMap((statement) => {
    if (!('AlterEnumStmt' in statement.node)) return []
    const { typeName, oldVal, newVal } = statement.node.AlterEnumStmt
    return oldVal === undefined ? [{ statement, type: typeKey(typeName), label: textOf(newVal) }] : []
  })
  const created = statements.flatMap(({ node }) =>
    'CreateEnumStmt' in node ? [typeKey(node.CreateEnumStmt.typeName)] : [],
  )
  const others = statements.filter((one) => !added.some(({ statement }) => statement === one)).map(({ text }) => text)
  const toExisting = added.filter(({ type }) => !created.includes(type))
  const isUsed = toExisting.some(({ label }) => [...others, ...extras].some((text) => mentionsLabel(text, label)))
  const moved = statements.find(
    ({ node }) =>
      ('RenameStmt' in node && node.RenameStmt.renameType === 'OBJECT_TYPE') ||
      ('AlterObjectSchemaStmt' in node && node.AlterObjectSchemaStmt.objectType === 'OBJECT_TYPE'),
  )
  if (isUsed && moved !== undefined)
    throw refuse(moved, 'a type renamed or moved where labels are added and used', 'generate two migrations')
  return isUsed ? toExisting.map(({ statement }) => statement) : []
}

/** Whether the label stands there as a literal, or within one, as in `'{"a","b"}'`. A file that was not needed does no harm. */
function mentionsLabel(text: string, label: string): boolean {
  const literals = text.match(/'(?:[^']|'')*'/g) ?? []
  // A label with a backslash is written as an escape string, whose inside reads otherwise.
  return text.includes(literal(label)) || literals.some((one) => one.replaceAll("''", "'").includes(label))
}

function isConcurrent({ node }: Statement): boolean {
  return (
    ('IndexStmt' in node && node.IndexStmt.concurrent === true) ||
    ('DropStmt' in node && node.DropStmt.concurrent === true)
  )
}

/**
 * A foreign key or check on a table that may hold rows is added NOT VALID, which looks at none, and validated in the
 * following file, which looks at them without keeping writers out.
 */
async function deferValidation(
  statements: Statement[],
  later: Statement[],
): Promise<{ rewritten: Statement[]; validations: Statement[] }> {
  const made = new Set(statements.flatMap((statement) => namesOf(statement).makes))
  const validations: Statement[] = []
  const rewritten: Statement[] = []
  for (const [i, statement] of statements.entries()) {
    const constraint = addedConstraint(statement)
    const table = 'AlterTableStmt' in statement.node ? statement.node.AlterTableStmt.relation : undefined
    const isLost = [...statements.slice(i + 1), ...later].some((other) =>
      takesName(other, tableName(table), constraint),
    )
    if (constraint === undefined || made.has(`table ${tableName(table)}`) || isLost) {
      rewritten.push(statement)
      continue
    }
    const own = name(constraint.conname)
    const [added, validate] = (await parseEach(
      [`${statement.text} NOT VALID`, `ALTER TABLE ${relation(table)} VALIDATE CONSTRAINT ${own}`],
      statement.origin,
    )) as [Statement, Statement]
    rewritten.push({ ...added, comments: statement.comments })
    validations.push(validate)
  }
  return { rewritten, validations }
}

/** Whether a later statement of the migration takes the constraint away again, or gives it or its table another name. */
function takesName({ node }: Statement, table: string, constraint: Constraint | undefined): boolean {
  const command = commandOf(node)
  if ('RenameStmt' in node) return /TABLE|CONSTRAINT|SCHEMA/.test(textOf(node.RenameStmt.renameType))
  if ('AlterObjectSchemaStmt' in node) return true
  if ('DropStmt' in node && node.DropStmt.removeType === 'OBJECT_TABLE')
    return droppedNames(node.DropStmt).some(
      (parts) => (parts.length > 1 ? parts.join('.') : `public.${parts[0]}`) === table,
    )
  return (
    ((command?.subtype === 'AT_DropConstraint' && command.name === constraint?.conname) ||
      (command?.subtype === 'AT_DropColumn' &&
        JSON.stringify(constraint ?? {}).includes(JSON.stringify(command.name)))) &&
    'AlterTableStmt' in node &&
    tableName(node.AlterTableStmt.relation) === table
  )
}

function addedConstraint({ node }: Statement): Constraint | undefined {
  const command = commandOf(node)
  if (command?.subtype !== 'AT_AddConstraint') return undefined
  const constraint = (command.def as { Constraint?: Constraint } | undefined)?.Constraint
  const slow = constraint?.contype === 'CONSTR_FOREIGN' || constraint?.contype === 'CONSTR_CHECK'
  return slow && constraint.conname && !constraint.skip_validation ? constraint : undefined
}
