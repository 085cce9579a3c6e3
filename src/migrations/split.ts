import type { Constraint } from 'libpg-query'
import { block, literal, name, relation } from '../util/quote.ts'
import { commandOf, droppedNames, effectsOf, tableName } from './effects.ts'
import { strings, textOf } from './parse-tree.ts'
import { keyOfParts, type Snapshot } from './snapshot.ts'
import { parseEach, refuse, type Statement } from './statements.ts'

/** A file of its own, cut off one migration. */
export type Part = {
  /** What the file's name ends in; nothing for the migration itself. */
  suffix: string
  statements: Statement[]
  transaction: boolean
  /** The schema once this part has run, from the schemas before and after the whole migration. */
  reached: (before: Snapshot, after: Snapshot) => Snapshot
  /** Constraints that this part leaves NOT VALID, for a later one to validate. */
  unvalidated?: { table: string; constraint: string; validate: string }[]
  /** The way back where snapshots cannot tell it. */
  down?: string[]
}

/**
 * Cuts a migration where PostgreSQL or a busy table demands it: enum labels that are used right away come first,
 * indexes that are built concurrently and the validation of constraints come last.
 */
export async function split(statements: Statement[], extras: string[]): Promise<Part[]> {
  const added = addedLabels(statements, extras)
  const labels = added.map(({ statement }) => statement)
  const types = added.map(({ type }) => type)
  const concurrent = statements.filter(isConcurrent)
  const { rewritten, validations } = await deferValidation(
    statements.filter((statement) => !labels.includes(statement) && !concurrent.includes(statement)),
  )
  const indexes = concurrent.map(({ node }) => textOf(concurrentIndex(node)))
  const main: Part = {
    suffix: '',
    statements: rewritten,
    transaction: true,
    unvalidated: validations,
    reached: (before, after) => indexes.reduceRight((at, index) => withIndexOf(at, before, index), after),
  }
  return [
    ...(labels.length === 0
      ? []
      : [
          {
            suffix: '_enum_values',
            statements: labels,
            transaction: true,
            reached: (before: Snapshot, after: Snapshot) => withLabelsOf(before, after, types),
          },
        ]),
    main,
    ...concurrent.map((statement, i) => ({
      suffix: concurrent.length === 1 ? '_concurrently' : `_concurrently_${i + 1}`,
      statements: [statement],
      transaction: false,
      reached: (before: Snapshot, after: Snapshot) =>
        indexes.slice(i + 1).reduceRight((at, index) => withIndexOf(at, before, index), after),
    })),
    ...(validations.length === 0
      ? []
      : [
          {
            suffix: '_validate',
            statements: validations.map(({ statement }) => statement),
            transaction: true,
            reached: (_before: Snapshot, after: Snapshot) => after,
            down: validations.map(({ invalidate }) => invalidate),
          },
        ]),
  ]
}

type AddedLabel = { statement: Statement; type: string; label: string }

/** ADD VALUE of labels that the same migration uses: PostgreSQL lets no transaction use a label it adds itself. */
function addedLabels(statements: Statement[], extras: string[]): AddedLabel[] {
  const added = statements.flatMap((statement): AddedLabel[] => {
    if (!('AlterEnumStmt' in statement.node)) return []
    const { typeName, oldVal, newVal } = statement.node.AlterEnumStmt
    return oldVal === undefined ? [{ statement, type: keyOfParts(strings(typeName)), label: textOf(newVal) }] : []
  })
  const created = statements.flatMap(({ node }) =>
    'CreateEnumStmt' in node ? [keyOfParts(strings(node.CreateEnumStmt.typeName))] : [],
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
  return isUsed ? toExisting : []
}

/** Whether the label stands there as a literal, or within one, as in `'{"a","b"}'`. A file that was not needed does no harm. */
function mentionsLabel(text: string, label: string): boolean {
  const literals = text.match(/'(?:[^']|'')*'/g) ?? []
  // A label with a backslash is written as an escape string, whose inside reads otherwise.
  return text.includes(literal(label)) || literals.some((one) => one.replaceAll("''", "'").includes(label))
}

function isConcurrent({ node }: Statement): boolean {
  return concurrentIndex(node) !== undefined
}

/** The index that a statement builds or drops beside other work. */
function concurrentIndex(node: Statement['node']): string | undefined {
  if ('IndexStmt' in node && node.IndexStmt.concurrent) return node.IndexStmt.idxname
  return 'DropStmt' in node && node.DropStmt.concurrent ? droppedNames(node.DropStmt)[0]?.at(-1) : undefined
}

/** The schema with an index as it was before. */
function withIndexOf(after: Snapshot, before: Snapshot, index: string): Snapshot {
  const copy = structuredClone(after)
  for (const [key, table] of Object.entries(copy.tables)) {
    const was = before.tables[key]?.indexes[index]
    if (was) table.indexes[index] = was
    else delete table.indexes[index]
  }
  return copy
}

/** The schema with enum types labelled as they are afterwards. */
export function withLabelsOf(before: Snapshot, after: Snapshot, types: string[]): Snapshot {
  const enums = { ...before.enums }
  for (const type of types) if (after.enums[type]) enums[type] = after.enums[type]
  return { ...before, enums }
}

type Validation = { table: string; constraint: string; statement: Statement; validate: string; invalidate: string }

/**
 * A foreign key or check on a table that may hold rows is added NOT VALID, which looks at none, and validated in the
 * following file, which looks at them without keeping writers out.
 */
async function deferValidation(
  statements: Statement[],
): Promise<{ rewritten: Statement[]; validations: Validation[] }> {
  const made = new Set(statements.flatMap((statement) => effectsOf(statement).makes))
  const validations: Validation[] = []
  const rewritten: Statement[] = []
  for (const statement of statements) {
    const constraint = addedConstraint(statement)
    const table = 'AlterTableStmt' in statement.node ? statement.node.AlterTableStmt.relation : undefined
    if (constraint === undefined || made.has(`table ${tableName(table)}`)) {
      rewritten.push(statement)
      continue
    }
    const own = name(constraint.conname)
    const [added, validate] = (await parseEach(
      [`${statement.text} NOT VALID`, `ALTER TABLE ${relation(table)} VALIDATE CONSTRAINT ${own}`],
      statement.origin,
    )) as [Statement, Statement]
    rewritten.push({ ...added, comments: statement.comments })
    const valid = `conname = ${literal(constraint.conname)} and conrelid = to_regclass(${literal(relation(table))}) and convalidated`
    const invalidate = block(`\
  if exists (select from pg_constraint where ${valid}) then
    ALTER TABLE ${relation(table)} DROP CONSTRAINT ${own};
    ${added.text};
  end if;`)
    validations.push({
      table: tableName(table),
      constraint: textOf(constraint.conname),
      statement: validate,
      validate: validate.text,
      invalidate,
    })
  }
  // A constraint that the same migration drops again, or a table it renames, is not there to be validated.
  const lost = rewritten.some(
    ({ node }) => 'RenameStmt' in node && /TABLE|CONSTRAINT/.test(textOf(node.RenameStmt.renameType)),
  )
  return lost && validations.length > 0 ? { rewritten: statements, validations: [] } : { rewritten, validations }
}

function addedConstraint({ node }: Statement): Constraint | undefined {
  const command = commandOf(node)
  if (command?.subtype !== 'AT_AddConstraint') return undefined
  const constraint = (command.def as { Constraint?: Constraint } | undefined)?.Constraint
  const slow = constraint?.contype === 'CONSTR_FOREIGN' || constraint?.contype === 'CONSTR_CHECK'
  return slow && constraint.conname && !constraint.skip_validation ? constraint : undefined
}
