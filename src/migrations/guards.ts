import type { AlterTableCmd, Constraint, Node, RangeVar } from 'libpg-query'
import { IntegrationsDbError } from '../errors.ts'
import { literal, name, relation } from './quote.ts'
import type { Statement } from './statements.ts'

/*
 * One guard per kind of statement: the form of it that can run twice. A kind without a guard is refused, never passed
 * through. To teach the generator a new kind, add a row to `guards` or `alterations` and a golden pair to
 * `tests/guards.test.ts`.
 */

type Guard<T> = (text: string, node: T, statement: Statement) => string
type Nodes = {
  [Kind in Kinds<Node>]: Extract<Node, Record<Kind, unknown>>[Kind & keyof Extract<Node, Record<Kind, unknown>>]
}
type Kinds<T> = T extends T ? keyof T : never

const guards: { [Kind in keyof Nodes]?: Guard<Nodes[Kind]> } = {
  CreateSchemaStmt: (text) => insertAfter(text, /^create\s+schema/i, 'IF NOT EXISTS'),

  CreateStmt: (text) => insertAfter(text, /^create\s+table/i, 'IF NOT EXISTS'),

  // Labels that a later migration added may be there on a replay; those the statement names must be, in its order.
  CreateEnumStmt: (text, node) => {
    const type = literal(qualified(node.typeName))
    const labels = `array[${strings(node.vals).map(literal).join(', ')}]`
    return block(`\
  if to_regtype(${type}) is null then
    ${text};
  elsif ${labels} is distinct from (
    select array_agg(enumlabel::text order by enumsortorder) from pg_enum
    where enumtypid = to_regtype(${type}) and enumlabel = any (${labels})
  ) then
    raise exception 'type % exists with other labels: found %, expected %', ${type},
      (select array_agg(enumlabel order by enumsortorder) from pg_enum where enumtypid = to_regtype(${type})), ${labels};
  end if;`)
  },

  IndexStmt: (text, node, statement) => {
    if (!node.idxname) throw refuse(statement, 'an index without a name', 'name it in the Drizzle definition')
    if (node.concurrent)
      throw refuse(statement, 'CREATE INDEX CONCURRENTLY', 'it cannot run in a transaction; leave out .concurrently()')
    return insertAfter(text, /^create\s+(?:unique\s+)?index/i, 'IF NOT EXISTS')
  },

  // There is no CREATE OR REPLACE POLICY. Both statements commit together, so no reader sees the table without it.
  CreatePolicyStmt: (text, node) =>
    `DROP POLICY IF EXISTS ${name(node.policy_name)} ON ${relation(node.table)};\n${text};`,

  AlterTableStmt: (text, node, statement) => {
    const [command, ...more] = (node.cmds ?? []).flatMap((cmd) => ('AlterTableCmd' in cmd ? [cmd.AlterTableCmd] : []))
    if (command?.subtype === undefined || more.length > 0) {
      throw refuse(statement, 'ALTER TABLE with several commands', 'write one command per statement')
    }
    const alteration = alterations[command.subtype]
    if (alteration === undefined) throw refuse(statement, `ALTER TABLE (${command.subtype})`, extend)
    return alteration(text, { table: node.relation, command }, statement)
  },

  DropStmt: (text, node, statement) => {
    const kind = drops[node.removeType ?? '']
    if (kind === undefined) throw refuse(statement, `DROP (${node.removeType})`, extend)
    // drizzle-kit writes CASCADE everywhere. A rollback must not take a host's view along: without CASCADE PostgreSQL
    // names what is in the way and drops nothing.
    const restricted = text.replace(/\s+cascade$/i, '')
    return node.missing_ok ? restricted : insertAfter(restricted, kind, 'IF EXISTS')
  },
}

const drops: Record<string, RegExp> = {
  OBJECT_TABLE: /^drop\s+table/i,
  OBJECT_TYPE: /^drop\s+type/i,
  OBJECT_SCHEMA: /^drop\s+schema/i,
  OBJECT_POLICY: /^drop\s+policy/i,
  OBJECT_INDEX: /^drop\s+index/i,
}

type Alteration = { table: RangeVar | undefined; command: AlterTableCmd }

const alterations: Record<string, Guard<Alteration>> = {
  // These state an end, not a step: running them twice is the same as once.
  AT_EnableRowSecurity: (text) => text,
  AT_DisableRowSecurity: (text) => text.replace(/^alter\s+table(?!\s+if)/i, 'ALTER TABLE IF EXISTS'),
  AT_ColumnDefault: (text) => text,
  AT_SetNotNull: (text) => text,
  AT_DropNotNull: (text) => text,

  AT_AddColumn: (text) => insertAfter(text, /\sadd\s+column/i, 'IF NOT EXISTS'),
  AT_DropColumn: (text) => insertAfter(text, /\sdrop\s+column/i, 'IF EXISTS'),
  AT_DropConstraint: (text) => insertAfter(text, /\sdrop\s+constraint/i, 'IF EXISTS'),

  AT_AddConstraint: (text, { table, command }, statement) => {
    const constraint = (command.def as { Constraint?: Constraint } | undefined)?.Constraint?.conname
    if (!constraint) throw refuse(statement, 'a constraint without a name', 'name it in the Drizzle definition')
    return block(`\
  if not exists (
    select from pg_constraint
    where conname = ${literal(constraint)}
      and conrelid = to_regclass(${literal(relation(table))})
  ) then
    ${text};
  end if;`)
  },
}

const extend = 'add a guard for this kind in src/migrations/guards.ts and a golden pair in tests/guards.test.ts'

/** The form of a statement that can run twice, ending in `;`. */
export function guard(statement: Statement): string {
  const [kind, node] = Object.entries(statement.node)[0] ?? ['nothing', undefined]
  const apply = guards[kind as keyof Nodes] as Guard<unknown> | undefined
  if (apply === undefined) throw refuse(statement, kind, extend)
  const guarded = apply(statement.text, node, statement)
  return `${statement.comments ? `${statement.comments}\n` : ''}${guarded.endsWith(';') ? guarded : `${guarded};`}`
}

function refuse(statement: Statement, what: string, remedy: string): IntegrationsDbError {
  const excerpt = statement.text.length > 200 ? `${statement.text.slice(0, 200)}…` : statement.text
  return new IntegrationsDbError(
    'invalid_input',
    `${statement.origin}: ${what} has no form that can run twice: ${excerpt} (${remedy})`,
  )
}

/** A DO block around `body`, its quoting tag not occurring inside. */
export function block(body: string): string {
  let tag = '$guard$'
  for (let n = 1; body.includes(tag); n++) tag = `$guard${n}$`
  return `DO ${tag}\nBEGIN\n${body}\nEND ${tag};`
}

function insertAfter(text: string, head: RegExp, words: string): string {
  return new RegExp(`${head.source}\\s+${words.replaceAll(' ', '\\s+')}\\b`, 'i').test(text)
    ? text
    : text.replace(head, (match) => `${match} ${words}`)
}

function strings(nodes: Node[] | undefined): string[] {
  return (nodes ?? []).flatMap((node) => ('String' in node ? (node.String.sval ?? []) : []))
}

function qualified(nodes: Node[] | undefined): string {
  return strings(nodes).map(name).join('.')
}
