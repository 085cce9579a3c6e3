import type { Node } from 'libpg-query'
import { array, block, literal, name, relation } from '../util/quote.ts'
import { adoptions, type Remembered } from './adoption.ts'
import { alterations, orAnew } from './alterations.ts'
import { commandOf, droppedNames, effectsOf, interplay, tableName } from './effects.ts'
import type { Guard, Surroundings } from './guard.ts'
import type { Nodes } from './kinds.ts'
import { nodesOf, strings, textOf, typeKey } from './parse-tree.ts'
import { isThere } from './presence.ts'
import { impossible, isVouched, vouch } from './refusals.ts'
import { previousName, renameBlock, renames } from './renaming.ts'
import { type Trace, trace } from './schedule.ts'
import { isAmbiguous, isGuarded } from './second-run.ts'
import { partKey, State } from './state.ts'
import { insertAfter, isRename, parseNow, refuse, type Statement } from './statements.ts'

/*
 * One guard per kind of statement: the form of it that can run twice. A kind without a row runs once, by a mark; what no
 * transaction can hold is refused. To teach the generator a better form, add a row to `guards` here (or to `alterations` for
 * ALTER TABLE) and a golden pair to `tests/generator/guards.test.ts`.
 */

const asIs: Guard<unknown> = ({ text }) => text
const onlyOnce: Guard<unknown> = ({ text }, _node, { once }) => once(text)
const ifNotExists =
  (after: string): Guard<unknown> =>
  (statement) =>
    insertAfter(statement, after, 'IF NOT EXISTS')
const orReplace: Guard<unknown> = (statement) => insertAfter(statement, 'create', 'OR REPLACE')

const guards: { [Kind in keyof Nodes]?: Guard<Nodes[Kind]> } = {
  CreateSchemaStmt: ifNotExists('schema'),
  CreateExtensionStmt: ifNotExists('extension'),
  CreateSeqStmt: ifNotExists('sequence'),
  CreateStatsStmt: ifNotExists('statistics'),

  CreateStmt: ifNotExists('table'),
  CreateTableAsStmt: (statement, node) =>
    insertAfter(statement, node.objtype === 'OBJECT_MATVIEW' ? 'view' : 'table', 'IF NOT EXISTS'),

  CreateEnumStmt: ({ text }, node) => unlessType(text, qualified(node.typeName)),
  CreateDomainStmt: ({ text }, node) => unlessType(text, qualified(node.domainname)),
  CompositeTypeStmt: ({ text }, node) => unlessType(text, relation(node.typevar)),
  AlterEnumStmt: (statement, node) => {
    if (node.oldVal === undefined) return insertAfter(statement, 'value', 'IF NOT EXISTS')
    const label = (value: string | undefined) =>
      `exists (select from pg_enum where enumtypid = to_regtype(${literal(qualified(node.typeName))}) and enumlabel = ${literal(value)})`
    return renameBlock(statement.text, label(node.oldVal), label(node.newVal), {
      what: `label of type ${qualified(node.typeName)}`,
      from: node.oldVal,
      to: textOf(node.newVal),
    })
  },

  IndexStmt: (statement, node, around) => {
    const { made } = around
    if (!node.idxname) {
      const called = made?.name
      const words = statement.words.findIndex(({ text }) => /^on$/i.test(text))
      const at = statement.words[words]?.start ?? 0
      const [named] = parseNow(
        [`${statement.text.slice(0, at)}${name(called)} ${statement.text.slice(at)}`],
        statement.origin,
      )
      return guardOne(named as Statement, around)
    }
    const create = insertAfter(statement, node.concurrent ? 'concurrently' : 'index', 'IF NOT EXISTS')
    if (!node.concurrent) return create
    // A build that was interrupted leaves an invalid index behind, which IF NOT EXISTS would take for the real one.
    const at = node.relation?.schemaname
      ? `${name(node.relation.schemaname)}.${name(node.idxname)}`
      : name(node.idxname)
    const dropInvalid = block(`\
  if exists (select from pg_index where indexrelid = to_regclass(${literal(at)}) and not indisvalid) then
    DROP INDEX ${at};
  end if;`)
    return `${dropInvalid}\n${create}`
  },

  // There is no CREATE OR REPLACE POLICY. Both statements commit together, so no reader sees the table without it.
  CreatePolicyStmt: ({ text }, node) =>
    `DROP POLICY IF EXISTS ${name(node.policy_name)} ON ${relation(node.table)};\n${text};`,
  AlterPolicyStmt: asIs,

  CreateFunctionStmt: orReplace,
  CreateTrigStmt: (statement, node) =>
    node.isconstraint
      ? `DROP TRIGGER IF EXISTS ${name(node.trigname)} ON ${relation(node.relation)};\n${statement.text};`
      : orReplace(statement, node, undefined as never),
  ViewStmt: orReplace,
  RuleStmt: orReplace,
  RefreshMatViewStmt: asIs,

  CreateRoleStmt: ({ text }, node) =>
    unless(text, `exists (select from pg_roles where rolname = ${literal(node.role)})`),
  AlterRoleStmt: asIs,
  AlterRoleSetStmt: asIs,
  DropRoleStmt: (statement) => insertAfter(statement, textOf(statement.words[1]?.text.toLowerCase()), 'IF EXISTS'),
  CreatePublicationStmt: ({ text }, node) =>
    unless(text, `exists (select from pg_publication where pubname = ${literal(node.pubname)})`),
  AlterPublicationStmt: onlyOnce,

  AlterTableStmt: (statement, node, around) => {
    if (node.objtype === 'OBJECT_TYPE') return around.once(statement.text)
    const command = commandOf(statement.node)
    if (command?.subtype === undefined || nodesOf(node.cmds).length > 1) {
      throw refuse(statement, 'ALTER TABLE with several commands', vouch)
    }
    const alteration = alterations[command.subtype]
    if (alteration === undefined) return around.once(statement.text)
    return alteration(statement, { table: node.relation, command }, around)
  },

  RenameStmt: (statement, node, { once }) => {
    const catalog = renames[textOf(node.renameType)]
    if (catalog === undefined) return once(statement.text)
    const [from, to] = [catalog(node, previousName(node)), catalog(node, textOf(node.newname))]
    const what = `${textOf(node.renameType)
      .replace(/^OBJECT_(TAB)?/, '')
      .toLowerCase()} of ${relation(node.relation)}`
    return renameBlock(statement.text, from, to, { what, from: previousName(node), to: textOf(node.newname) })
  },

  AlterObjectSchemaStmt: (statement, node, { once }) => {
    const moved = (schema: string | undefined): string => {
      const parts = node.object && 'List' in node.object ? strings(node.object.List.items) : []
      const own = node.relation?.relname ?? parts.at(-1)
      const at = schema
        ? `${name(schema)}.${name(own)}`
        : node.relation
          ? relation(node.relation)
          : parts.map(name).join('.')
      return `${node.objectType === 'OBJECT_TYPE' ? 'to_regtype' : 'to_regclass'}(${literal(at)}) is not null`
    }
    if (!/^OBJECT_(TABLE|TYPE|SEQUENCE|VIEW|MATVIEW)$/.test(textOf(node.objectType))) return once(statement.text)
    return renameBlock(statement.text, moved(undefined), moved(node.newschema), {
      what: 'schema of it',
      from: node.relation?.schemaname ?? 'public',
      to: textOf(node.newschema),
    })
  },

  DropStmt: (statement, node, around) => {
    const { once } = around
    const kind = drops[textOf(node.removeType)]
    if (kind === undefined) return once(statement.text)
    // drizzle-kit writes CASCADE everywhere. A host's view must not be taken along: without CASCADE PostgreSQL names
    // what is in the way and drops nothing.
    const words = statement.text.replace(/\s+cascade$/i, '')
    const restricted = {
      ...statement,
      text: node.removeType === 'OBJECT_TABLE' || node.removeType === 'OBJECT_POLICY' ? words : statement.text,
    }
    const after = node.concurrent ? 'concurrently' : kind
    if (node.removeType === 'OBJECT_TABLE' && statement.origin.startsWith('rollback of '))
      return ifOurs(restricted, around.before)
    return node.missing_ok ? restricted.text : insertAfter(restricted, after, 'IF EXISTS')
  },

  InsertStmt: onlyOnce,
  UpdateStmt: onlyOnce,
  DeleteStmt: onlyOnce,
  MergeStmt: onlyOnce,
  TruncateStmt: onlyOnce,
  SelectStmt: onlyOnce,
  DoStmt: (statement, _node, { once }) => (isGuarded(statement) ? statement.text : once(statement.text)),
  CallStmt: onlyOnce,

  // These state an end, not a step: running them twice is the same as once.
  CommentStmt: asIs,
  GrantStmt: asIs,
  GrantRoleStmt: asIs,
  VacuumStmt: asIs,
  ReindexStmt: asIs,
  ClusterStmt: asIs,
  CheckPointStmt: asIs,
  ConstraintsSetStmt: asIs,
  ListenStmt: asIs,
  UnlistenStmt: asIs,
  LoadStmt: asIs,
  ExplainStmt: asIs,
  VariableShowStmt: asIs,
  SecLabelStmt: asIs,
  AlterExtensionStmt: asIs,
  AlterEventTrigStmt: asIs,
  AlterTypeStmt: asIs,
  AlterOperatorStmt: asIs,
  AlterStatsStmt: asIs,
  AlterCollationStmt: asIs,
  AlterDatabaseStmt: asIs,
  AlterDatabaseSetStmt: asIs,
  AlterObjectDependsStmt: asIs,
  AlterTSDictionaryStmt: asIs,
  ReassignOwnedStmt: asIs,
  DropOwnedStmt: asIs,
  CreatePLangStmt: orReplace,
  CreateTransformStmt: orReplace,
  CreateForeignServerStmt: ifNotExists('server'),
  CreateForeignTableStmt: ifNotExists('table'),
  CreateUserMappingStmt: ifNotExists('mapping'),
  DropUserMappingStmt: (statement) => insertAfter(statement, 'mapping', 'IF EXISTS'),
  CreateRangeStmt: ({ text }, node) => unlessType(text, qualified(node.typeName)),
  DefineStmt: (statement, node, { once }) => {
    if (node.kind === 'OBJECT_COLLATION') return insertAfter(statement, 'collation', 'IF NOT EXISTS')
    if (node.kind === 'OBJECT_AGGREGATE') return insertAfter(statement, 'create', 'OR REPLACE')
    return node.kind === 'OBJECT_TYPE' ? unlessType(statement.text, qualified(node.defnames)) : once(statement.text)
  },
  AlterDefaultPrivilegesStmt: asIs,
  AlterFunctionStmt: asIs,
  AlterOwnerStmt: asIs,
  AlterSeqStmt: orAnew,
  VariableSetStmt: asIs,
  LockStmt: asIs,
  // The file is one transaction; one inside it would end that half-way.
  TransactionStmt: ({ text }) => `-- ${text}: left out, the file is one transaction.`,
}

const drops: Record<string, string> = {
  OBJECT_TABLE: 'table',
  OBJECT_TYPE: 'type',
  OBJECT_DOMAIN: 'domain',
  OBJECT_SCHEMA: 'schema',
  OBJECT_POLICY: 'policy',
  OBJECT_INDEX: 'index',
  OBJECT_TRIGGER: 'trigger',
  OBJECT_VIEW: 'view',
  OBJECT_MATVIEW: 'view',
  OBJECT_SEQUENCE: 'sequence',
  OBJECT_FUNCTION: 'function',
  OBJECT_PROCEDURE: 'procedure',
  OBJECT_EXTENSION: 'extension',
  OBJECT_RULE: 'rule',
  OBJECT_PUBLICATION: 'publication',
  OBJECT_STATISTIC_EXT: 'statistics',
  OBJECT_AGGREGATE: 'aggregate',
  OBJECT_ROUTINE: 'routine',
  OBJECT_CAST: 'cast',
  OBJECT_COLLATION: 'collation',
  OBJECT_CONVERSION: 'conversion',
  OBJECT_OPERATOR: 'operator',
  OBJECT_OPCLASS: 'class',
  OBJECT_OPFAMILY: 'family',
  OBJECT_EVENT_TRIGGER: 'trigger',
  OBJECT_FDW: 'wrapper',
  OBJECT_FOREIGN_SERVER: 'server',
  OBJECT_FOREIGN_TABLE: 'table',
  OBJECT_LANGUAGE: 'language',
  OBJECT_TRANSFORM: 'transform',
  OBJECT_ACCESS_METHOD: 'method',
  OBJECT_TSCONFIGURATION: 'configuration',
  OBJECT_TSDICTIONARY: 'dictionary',
  OBJECT_TSPARSER: 'parser',
  OBJECT_TSTEMPLATE: 'template',
}

/** A rollback drops a table that its migration made. One with other columns was there before, or holds more than ours. */
function ifOurs(statement: Statement, before: State): string {
  const drop = insertAfter(statement, 'table', 'IF EXISTS')
  const [parts = []] = 'DropStmt' in statement.node ? droppedNames(statement.node.DropStmt) : []
  const key = `table ${parts.length > 1 ? parts.join('.') : `public.${parts[0]}`}`
  const columns = before.columns(key).map(({ name }) => name)
  if (columns.length === 0) return drop
  const table = literal(parts.map(name).join('.'))
  const inherits = (before.get(key)?.refs.length ?? 0) > 0
  return block(
    `\
  select string_agg(quote_ident(attname), ', ') into others from pg_attribute
  where attrelid = to_regclass(${table}) and attnum > 0 and not attisdropped${inherits ? ' and attislocal' : ''} and attname <> all (${array(columns)});
  if others is null then
    ${drop};
  else
    raise warning '% has columns that no migration made, so it stays: %', ${table}, others;
  end if;`,
    ['others text'],
  )
}

function unless(text: string, condition: string): string {
  return block(`\
  if not ${condition} then
    ${text};
  end if;`)
}

function unlessType(text: string, type: string): string {
  return unless(text, `to_regtype(${literal(type)}) is not null`)
}

/** The forms of a file's statements that can run twice, each ending in `;`. */
export function guardAll(
  statements: Statement[],
  once: (text: string, at: number) => string,
  from: State = new State(),
  { made, whereMade }: Remembered = {},
): string[] {
  const end = from.copy()
  let before = from
  const steps = statements.map((statement) => {
    const step = { before, trace: trace(end, statement), after: end.copy() }
    before = step.after
    return step
  })
  const labels = new Map(
    statements.flatMap(({ node }) =>
      'CreateEnumStmt' in node
        ? [[typeKey(node.CreateEnumStmt.typeName), strings(node.CreateEnumStmt.vals)] as const]
        : [],
    ),
  )
  const effects = statements.map(effectsOf)
  return statements.map((statement, at) => {
    if (isVouched(statement))
      return `-- Runs as it is: its author vouches for it in ${statement.origin.replace(/^.*\//, '')}.\n${statement.comments}\n${statement.text};`
    const play = interplay(statements, effects, at)
    const ambiguous = play.ambiguous || isAmbiguous(statements, steps, at, end)
    const text = ambiguous
      ? once(statement.text, at)
      : guardOne(statement, {
          changedLater: play.changedLater,
          later: statements.slice(at + 1),
          labels,
          before: steps[at]?.before ?? from,
          after: steps[at]?.after ?? end,
          end,
          made: steps[at]?.trace.things.values().next().value,
          once: (text) => once(text, at),
        })
    const terminated = /(;|^--.*)$/.test(text) ? text : `${text};`
    const { trace, after } = steps[at] as (typeof steps)[number]
    const goneLater = [...new Set([...play.goneLater, ...goneOf(statement, trace, after, end)])]
    const guarded = goneLater.length > 0 && !ambiguous ? whileThere(terminated, goneLater, after) : terminated
    const checks = made && !ambiguous ? adoptions(statement, trace, after, made) : []
    const [removed] = trace.log.removed
    const kept = removed === undefined || isRename(statement) ? guarded : (whereMade?.(removed, guarded) ?? guarded)
    return [...(statement.comments ? [statement.comments] : []), ...checks, kept].join('\n')
  })
}

function guardOne(statement: Statement, around: Surroundings): string {
  const [kind, node] = Object.entries(statement.node)[0] ?? ['nothing', undefined]
  const apply = guards[kind as keyof Nodes] as Guard<unknown> | undefined
  const reason = (impossible[kind as keyof Nodes] as ((node: unknown) => string | undefined) | undefined)?.(node)
  if (reason !== undefined)
    throw refuse(
      statement,
      statement.words
        .slice(0, 2)
        .map(({ text }) => text.toUpperCase())
        .join(' '),
      reason,
    )
  // What has no end that a catalog tells runs once.
  return (apply ?? onlyOnce)(statement, node, around)
}

/** What a statement makes something of, or changes, and what a later one takes away or calls otherwise. */
function goneOf({ node }: Statement, { log, things }: Trace, after: State, end: State): string[] {
  const made = [...log.made].flatMap((key) => things.get(key) ?? [])
  if (made.some(({ kind }) => kind === 'table' || kind === 'column')) return []
  const changes = 'DropStmt' in node || 'RenameStmt' in node || 'AlterObjectSchemaStmt' in node ? [] : [...log.changed]
  const changed = changes.flatMap((key) => {
    const thing = after.get(key)
    return thing === undefined || thing.kind === 'table' || thing.kind === 'column' ? [] : [thing]
  })
  const about = [...made, ...changed.filter(({ kind }) => kind === 'setting')].flatMap(({ on, refs }) => [
    ...(on === undefined ? [] : [on]),
    ...refs,
  ])
  // What is as the statement would make it is not changed, and goes all the same.
  const command = commandOf(node)
  const [, part] = /(Constraint|Trig|Rule)$/.exec(textOf(command?.subtype)) ?? []
  if (part && command?.name && 'AlterTableStmt' in node)
    about.push(
      partKey(
        { Constraint: 'constraint', Trig: 'trigger', Rule: 'rule' }[part] ?? '',
        `table ${tableName(node.AlterTableStmt.relation)}`,
        command.name,
      ),
    )
  return [...about, ...changed.flatMap(({ kind, key }) => (kind === 'setting' ? [] : [key]))].filter(
    (key) => after.get(key) !== undefined && end.get(key) === undefined,
  )
}

/** A statement whose object a later one takes away: on a second run there is nothing left to do it to. */
function whileThere(text: string, objects: string[], state: State): string {
  const conditions = objects.flatMap((object) => {
    const thing = state.get(object)
    if (thing !== undefined) return isThere(state, thing) ?? []
    const [kind, path = ''] = object.split(/ (.*)/)
    if (kind === 'role') return `exists (select from pg_roles where rolname = ${literal(path)})`
    const [schema, table, ...column] = path.split('.')
    const regclass = `to_regclass(${literal(`${name(schema)}.${name(table)}`)})`
    return kind === 'table'
      ? `${regclass} is not null`
      : `exists (select from pg_attribute where attrelid = ${regclass} and attname = ${literal(column.join('.'))} and not attisdropped)`
  })
  if (conditions.length === 0) return text
  return block(`  if ${conditions.join(' and ')} then\n    ${text}\n  end if;`)
}

function qualified(nodes: Node[] | undefined): string {
  return strings(nodes).map(name).join('.')
}
