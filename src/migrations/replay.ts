import type { Node } from 'libpg-query'
import { name, relation } from '../util/quote.ts'
import { removeDependents } from './dependents.ts'
import { effectOfBlock, guardedStatements, validations } from './do-blocks.ts'
import type { Nodes } from './kinds.ts'
import { implicitName } from './names.ts'
import { objectKey, signatureOf } from './objects.ts'
import type { Outcome } from './outcome.ts'
import { itemsOf, nodesOf, partsOf, strings, textOf } from './parse-tree.ts'
import { each, functionsCalled, placeOfTable, referencesOf, relationOf, typeKeyOf } from './references.ts'
import { renameLabel, renameObject, renameOf } from './rename-state.ts'
import { commands, createTable, sequenceOptions } from './replay-tables.ts'
import { setting } from './settings.ts'
import { type Key, type Other, type Policy, partKey, relationKey, type State } from './state.ts'
import { isRename, parseNow, type Statement } from './statements.ts'

/* What a statement does to a state, by its kind. */

type Effect<T> = (state: State, statement: Statement, node: T) => Outcome

const rows: Effect<unknown> = () => ({ rows: true })
const nothing: Effect<unknown> = () => ({})
const unknown: Effect<unknown> = () => ({ unknown: true })

/** Runs a statement on a state. */
export function replay(state: State, statement: Statement): Outcome {
  const [kind, node] = Object.entries(statement.node)[0] ?? ['', undefined]
  const effect = effects[kind as keyof Nodes] as Effect<unknown> | undefined
  return (effect ?? unknown)(state, statement, node)
}

export function replayAll(state: State, statements: Statement[]): State {
  const copy = state.copy()
  for (const statement of statements) replay(copy, statement)
  return copy
}

const isThere = (state: State, { node }: Statement) =>
  'RenameStmt' in node && state.get(renameOf(state, node.RenameStmt)?.from) !== undefined

const qualified = (nodes: Node[] | undefined) => strings(nodes).map(name).join('.')
/** The statement without what makes it run twice. */
export const plain = (text: string) =>
  text
    .replace(/^(create\s+)or\s+replace\s+/i, '$1')
    .replace(/\s+if\s+not\s+exists\b/i, '')
    .replace(/(\bindex\s+)concurrently\s+/i, '$1')

/** Made once more, a view or a function has the options that it is made with. */
function forgetOptions(state: State, key: Key): void {
  for (const one of state.owned(key, 'setting')) if (/^options? /.test(one.name)) state.remove(one.key)
}

/** An object that is known by its statement. */
function other(
  state: State,
  statement: Statement,
  object: { word: string; key: Key; name: string; drop: string } & Partial<
    Pick<Other, 'schema' | 'on' | 'replaceable'>
  >,
  refs: Key[],
  exists: { replace?: boolean | undefined } = {},
): Outcome {
  const was = state.get(object.key)
  // What is there already stays; the guard says so where it is another one.
  if (was !== undefined && !exists.replace && !object.replaceable) return {}
  state.put({
    kind: 'object',
    ...object,
    text: plain(statement.text),
    refs: refs.filter((one) => one !== object.key && one !== object.on),
  })
  return {}
}

const effects: { [Kind in keyof Nodes]?: Effect<Nodes[Kind]> } = {
  InsertStmt: rows,
  UpdateStmt: rows,
  DeleteStmt: rows,
  MergeStmt: rows,
  TruncateStmt: rows,
  SelectStmt: rows,
  CopyStmt: rows,
  CallStmt: rows,
  DoStmt: (state, statement) => {
    const inner = guardedStatements(statement)
    if (inner === undefined) {
      for (const one of validations(statement)) replay(state, one)
      return effectOfBlock(statement)
    }
    const outcomes = inner.map((one) => (isRename(one) && !isThere(state, one) ? {} : replay(state, one)))
    if (outcomes.some(({ unknown, missing }) => unknown && missing === undefined)) return { unknown: true }
    return outcomes.some(({ rows }) => rows) ? { rows: true } : {}
  },

  VariableSetStmt: nothing,
  LockStmt: nothing,
  RefreshMatViewStmt: nothing,
  TransactionStmt: nothing,
  ReindexStmt: nothing,
  VacuumStmt: nothing,
  ClusterStmt: nothing,
  NotifyStmt: nothing,
  DiscardStmt: nothing,
  ConstraintsSetStmt: nothing,
  ExplainStmt: nothing,
  CheckPointStmt: nothing,
  VariableShowStmt: nothing,

  CreateSchemaStmt: (state, _statement, node) => {
    const called = textOf(node.schemaname)
    if (state.get(`schema ${called}`) === undefined)
      state.put({ kind: 'schema', key: `schema ${called}`, name: called, refs: [] })
    return {}
  },
  CreateExtensionStmt: (state, statement, node) =>
    other(
      state,
      statement,
      {
        word: 'extension',
        key: `extension ${node.extname}`,
        name: textOf(node.extname),
        drop: `DROP EXTENSION ${name(node.extname)}`,
      },
      nodesOf(node.options).flatMap((one) =>
        'DefElem' in one && one.DefElem.defname === 'schema' && one.DefElem.arg && 'String' in one.DefElem.arg
          ? [`schema ${one.DefElem.arg.String.sval}`]
          : [],
      ),
    ),
  CreateSeqStmt: (state, _statement, node) => {
    const [schema, called] = placeOfTable(node.sequence)
    const key = relationKey('sequence', schema, called)
    if (state.get(key)) return {}
    const given = nodesOf(node.options).flatMap((one) => ('DefElem' in one ? [one.DefElem] : []))
    const owner = ownedBy(state, given)
    state.put({
      kind: 'sequence',
      key,
      schema,
      name: called,
      options: sequenceOptions(given),
      refs: [],
      serial: false,
      ...(owner ? { on: owner } : {}),
    })
    return {}
  },
  AlterSeqStmt: (state, _statement, node) => {
    const [schema, called] = placeOfTable(node.sequence)
    const sequence = state.of('sequence', relationKey('sequence', schema, called))
    if (sequence === undefined) return node.missing_ok ? {} : { unknown: true }
    const given = nodesOf(node.options).flatMap((one) => ('DefElem' in one ? [one.DefElem] : []))
    const owner = ownedBy(state, given)
    const next = { ...sequence, options: { ...sequence.options, ...sequenceOptions(given) } }
    if (owner) next.on = owner
    else if (given.some(({ defname }) => defname === 'owned_by')) delete next.on
    if (JSON.stringify(next) !== JSON.stringify(sequence)) state.put(next)
    return given.some(({ defname }) => defname === 'restart') ? { rows: true } : {}
  },
  CreateStatsStmt: (state, statement, node) => {
    const called = textOf(strings(node.defnames).at(-1))
    const schema = strings(node.defnames).length > 1 ? textOf(strings(node.defnames)[0]) : 'public'
    const [first] = nodesOf(node.relations)
    const on = first && 'RangeVar' in first ? relationOf(state, first.RangeVar) : undefined
    return other(
      state,
      statement,
      {
        word: 'statistics',
        key: `statistic ${schema}.${called}`,
        name: called,
        schema,
        drop: `DROP STATISTICS ${name(schema)}.${name(called)}`,
        ...(on ? { on } : {}),
      },
      [
        ...referencesOf(state, node.exprs, on),
        ...nodesOf(node.exprs).flatMap((one) =>
          on && 'StatsElem' in one && one.StatsElem.name ? [partKey('column', on, one.StatsElem.name)] : [],
        ),
      ],
    )
  },

  CreateStmt: createTable,
  CreateTableAsStmt: (state, statement, node) => {
    const [schema, called] = placeOfTable(node.into?.rel)
    const materialized = node.objtype === 'OBJECT_MATVIEW'
    const key = relationKey(materialized ? 'view' : 'table', schema, called)
    if (state.get(key)) return {}
    const refs = referencesOf(state, node.query)
    if (materialized)
      state.put({ kind: 'view', key, schema, name: called, materialized, text: plain(statement.text), refs })
    else
      state.put({
        kind: 'table',
        key,
        schema,
        name: called,
        refs: [],
        tail: '',
        unlogged: false,
        whole: plain(statement.text),
        rowSecurity: false,
        forced: false,
      })
    return {}
  },
  ViewStmt: (state, statement, node) => {
    const [schema, called] = placeOfTable(node.view)
    const key = relationKey('view', schema, called)
    const was = state.get(key)
    forgetOptions(state, key)
    const next = {
      kind: 'view' as const,
      key,
      schema,
      name: called,
      materialized: false,
      text: plain(statement.text),
      refs: referencesOf(state, node.query),
    }
    if (JSON.stringify(was) !== JSON.stringify(next)) state.put(next)
    return {}
  },
  CreateEnumStmt: (state, _statement, node) => {
    const key = typeKeyOf({ names: node.typeName } as never)
    if (state.get(key)) return {}
    state.put({
      kind: 'type',
      key,
      schema: key.slice(5).split('.')[0] as string,
      name: textOf(strings(node.typeName).at(-1)),
      labels: strings(node.vals),
      refs: [],
    })
    return {}
  },
  CreateDomainStmt: (state, statement, node) =>
    otherType(state, statement, strings(node.domainname), 'domain', [node.typeName, node.constraints]),
  CompositeTypeStmt: (state, statement, node) =>
    otherType(state, statement, placeOfTable(node.typevar), 'type', node.coldeflist),
  CreateRangeStmt: (state, statement, node) => otherType(state, statement, strings(node.typeName), 'type', node.params),
  AlterEnumStmt: (state, _statement, node) => {
    const type = state.of('type', typeKeyOf({ names: node.typeName } as never))
    if (type === undefined) return { unknown: true }
    const labels = [...type.labels]
    if (node.oldVal !== undefined) {
      renameLabel(state, { type: type.key, from: node.oldVal, to: textOf(node.newVal) })
      return {}
    }
    if (!labels.includes(textOf(node.newVal))) {
      const at =
        node.newValNeighbor === undefined
          ? labels.length
          : labels.indexOf(node.newValNeighbor) + (node.newValIsAfter ? 1 : 0)
      labels.splice(at, 0, textOf(node.newVal))
    } else return {}
    state.put({ ...type, labels })
    return {}
  },

  IndexStmt: (state, statement, node) => {
    const on = relationOf(state, node.relation)
    const [schema] = placeOfTable(node.relation)
    const elements = nodesOf(node.indexParams).flatMap((one) => ('IndexElem' in one ? [one.IndexElem] : []))
    const named = elements.map(
      (one) =>
        one.name ?? (one.expr && 'FuncCall' in one.expr ? textOf(strings(one.expr.FuncCall.funcname).at(-1)) : 'expr'),
    )
    const called =
      node.idxname ??
      implicitName(textOf(node.relation?.relname), named, 'idx', (one) => state.relation(schema, one) !== undefined)
    const key = relationKey('index', schema, called)
    if (state.get(key)) return {}
    const included = nodesOf(node.indexIncludingParams).flatMap((one) =>
      'IndexElem' in one && one.IndexElem.name ? [one.IndexElem.name] : [],
    )
    const columns = elements.flatMap((one) => (one.name ? [one.name] : []))
    const expressions = [...elements.map(({ expr }) => expr), node.whereClause].filter((one) => one !== undefined)
    const text = plain(statement.text)
    state.put({
      kind: 'index',
      key,
      schema,
      name: called,
      on,
      // By its name, which would be another one when its table is called otherwise.
      text: node.idxname
        ? text
        : text.replace(/^(create\s+(?:unique\s+)?index\s+)/i, `$1${name(called).replaceAll('$', '$$$$')} `),
      unique: node.unique === true,
      columns,
      plain:
        expressions.length === 0 &&
        (node.accessMethod ?? 'btree') === 'btree' &&
        elements.every(({ opclass }) => nodesOf(opclass).length === 0),
      refs: [
        ...new Set([
          ...[...columns, ...included].map((one) => partKey('column', on, one)),
          ...referencesOf(state, expressions, on),
        ]),
      ],
    })
    return {}
  },

  CreatePolicyStmt: (state, statement, node) => {
    const on = relationOf(state, node.table)
    const key = partKey('policy', on, textOf(node.policy_name))
    const pieces = policyPieces(statement)
    state.put({
      kind: 'policy',
      key,
      name: textOf(node.policy_name),
      on,
      head: pieces.head,
      roles: pieces.roles ?? 'public',
      ...(pieces.using === undefined ? {} : { using: pieces.using }),
      ...(pieces.check === undefined ? {} : { check: pieces.check }),
      refs: [...rolesIn(node.roles), ...referencesOf(state, [node.qual, node.with_check] as Node[], on)],
    })
    return {}
  },
  AlterPolicyStmt: (state, statement, node) => {
    const on = relationOf(state, node.table)
    const policy = state.of('policy', partKey('policy', on, textOf(node.policy_name)))
    if (policy === undefined) return { unknown: true }
    const { head: _head, ...pieces } = policyPieces(statement)
    const given = Object.fromEntries(Object.entries(pieces).filter(([, text]) => text !== undefined))
    const next = { ...policy, ...given } as Policy
    const both = parseExpressions(next)
    const roles = node.roles === undefined ? policy.refs.filter((ref) => ref.startsWith('role ')) : rolesIn(node.roles)
    state.put({ ...next, refs: [...roles, ...referencesOf(state, both, on)] })
    return {}
  },

  CreateFunctionStmt: (state, statement, node) => {
    const { schema, name: called, args } = signatureOf(strings(node.funcname), node.parameters)
    const key = `function ${schema}.${called}(${args})`
    const word = node.is_procedure ? 'PROCEDURE' : 'FUNCTION'
    // Each table and view is a type too.
    const types = [...each(node.parameters, 'argType'), ...each(node, 'returnType')].flatMap((type) => {
      const key = typeKeyOf(type as never)
      return [key, key.replace('type', 'table'), key.replace('type', 'view')]
    })
    forgetOptions(state, key)
    return other(
      state,
      statement,
      {
        word: 'function',
        key,
        name: called,
        schema,
        drop: `DROP ${word} ${name(schema)}.${name(called)}(${args})`,
        replaceable: true,
      },
      [...types, ...referencesOf(state, node.sql_body)],
      { replace: node.replace },
    )
  },
  CreateTrigStmt: (state, statement, node) => {
    const on = relationOf(state, node.relation)
    const called = textOf(node.trigname)
    const columns = strings(node.columns).map((one) => partKey('column', on, one))
    const parts = strings(node.funcname)
    const { schema, name: own } = signatureOf(parts, [])
    return other(
      state,
      statement,
      {
        word: 'trigger',
        key: partKey('trigger', on, called),
        name: called,
        on,
        drop: `DROP TRIGGER ${name(called)} ON ${relation(node.relation)}`,
        replaceable: !node.isconstraint,
      },
      [...columns, ...referencesOf(state, node.whenClause, on), `function ${schema}.${own}()`],
      { replace: node.replace },
    )
  },
  RuleStmt: (state, statement, node) => {
    const on = relationOf(state, node.relation)
    const called = textOf(node.rulename)
    return other(
      state,
      statement,
      {
        word: 'rule',
        key: partKey('rule', on, called),
        name: called,
        on,
        drop: `DROP RULE ${name(called)} ON ${relation(node.relation)}`,
      },
      referencesOf(state, [node.whereClause, node.actions] as Node[], on),
      { replace: node.replace },
    )
  },
  CreateRoleStmt: (state, statement, node) =>
    other(
      state,
      statement,
      { word: 'role', key: `role ${node.role}`, name: textOf(node.role), drop: `DROP ROLE ${name(node.role)}` },
      [],
    ),
  DropRoleStmt: (state, _statement, node) => {
    for (const role of nodesOf(node.roles)) if ('RoleSpec' in role) state.remove(`role ${role.RoleSpec.rolename}`)
    return {}
  },
  CreatePublicationStmt: (state, statement, node) =>
    other(
      state,
      statement,
      {
        word: 'publication',
        key: `publication ${node.pubname}`,
        name: textOf(node.pubname),
        drop: `DROP PUBLICATION ${name(node.pubname)}`,
      },
      [],
    ),
  DefineStmt: (state, statement, node) => {
    const called = textOf(strings(node.defnames).at(-1))
    if (node.kind === 'OBJECT_AGGREGATE') {
      const { schema, args } = signatureOf(strings(node.defnames), itemsOf(node.args?.[0]))
      const types = [...each(node.args, 'argType'), ...each(node.definition, 'TypeName')]
      const functions = types.flatMap(({ names }) => functionsCalled(state, strings(names as Node[])))
      return other(
        state,
        statement,
        {
          word: 'function',
          key: `function ${schema}.${called}(${args})`,
          name: called,
          schema,
          drop: `DROP AGGREGATE ${name(schema)}.${name(called)}(${args})`,
          replaceable: true,
        },
        [...types.map((type) => typeKeyOf(type as never)), ...functions],
        { replace: node.replace },
      )
    }
    const words = defined[textOf(node.kind)]
    if (words === undefined) return { unknown: true }
    const word = textOf(node.kind).replace('OBJECT_', '').toLowerCase()
    return other(
      state,
      statement,
      {
        word,
        key: `${word} ${strings(node.defnames).join('.')}`,
        name: called,
        drop: `DROP ${words} ${qualified(node.defnames)}`,
      },
      [],
    )
  },
  CreateEventTrigStmt: (state, statement, node) => {
    const { schema, name: own } = signatureOf(strings(node.funcname), [])
    return other(
      state,
      statement,
      {
        word: 'event_trigger',
        key: `event_trigger ${node.trigname}`,
        name: textOf(node.trigname),
        drop: `DROP EVENT TRIGGER ${name(node.trigname)}`,
      },
      [`function ${schema}.${own}()`],
    )
  },

  AlterTableStmt: (state, statement, node) => {
    const [first] = nodesOf(node.cmds)
    const command = first && 'AlterTableCmd' in first ? first.AlterTableCmd : undefined
    const run = node.objtype === 'OBJECT_TABLE' ? commands[textOf(command?.subtype)] : undefined
    const table = relationOf(state, node.relation)
    if (node.missing_ok && state.get(table) === undefined) return {}
    if (run && command) return run(state, table, command, statement)
    return setting(state, statement)
  },
  RenameStmt: (state, _statement, node) => renameObject(state, node),
  AlterObjectSchemaStmt: (state, _statement, node) => renameObject(state, node),
  DropStmt: (state, _statement, node) => {
    let lost: Key | undefined
    for (const object of nodesOf(node.objects)) {
      const key = objectKey(state, node.removeType, object)
      if (key === undefined || state.get(key) === undefined) lost = node.missing_ok ? lost : (key ?? '')
      else {
        if (node.behavior === 'DROP_CASCADE') removeDependents(state, key)
        state.remove(key)
      }
    }
    return lost === undefined ? {} : { unknown: true, missing: lost }
  },

  CommentStmt: setting,
  GrantStmt: setting,
  GrantRoleStmt: setting,
  AlterDefaultPrivilegesStmt: setting,
  AlterFunctionStmt: setting,
  AlterOwnerStmt: setting,
  AlterRoleStmt: setting,
  AlterRoleSetStmt: setting,
  AlterPublicationStmt: setting,
  AlterDomainStmt: setting,
  AlterStatsStmt: setting,
}

/** What CREATE … (…) makes that is known by its statement alone. */
const defined: Record<string, string> = {
  OBJECT_COLLATION: 'COLLATION',
  OBJECT_TSDICTIONARY: 'TEXT SEARCH DICTIONARY',
  OBJECT_TSCONFIGURATION: 'TEXT SEARCH CONFIGURATION',
  OBJECT_TSPARSER: 'TEXT SEARCH PARSER',
  OBJECT_TSTEMPLATE: 'TEXT SEARCH TEMPLATE',
}

function ownedBy(state: State, options: { defname?: string; arg?: Node }[]): Key | undefined {
  const parts = partsOf(options.find(({ defname }) => defname === 'owned_by')?.arg)
  if (parts.length < 2) return undefined
  const [column = '', table = '', schema = 'public'] = [...parts].reverse()
  return partKey('column', relationOf(state, { schemaname: schema, relname: table } as never), column)
}

function otherType(
  state: State,
  statement: Statement,
  parts: string[],
  word: 'domain' | 'type',
  tree: unknown,
): Outcome {
  const [called = '', schema = 'public'] = [...parts].reverse()
  const key = relationKey('type', schema || 'public', called)
  return other(
    state,
    statement,
    {
      word,
      key,
      name: called,
      schema: schema || 'public',
      drop: `DROP ${word.toUpperCase()} ${name(schema || 'public')}.${name(called)}`,
    },
    referencesOf(state, tree as Node[]),
  )
}

/** What AS, FOR, TO, USING and WITH CHECK of a policy say. */
export function policyPieces({ text, words }: Statement) {
  const cuts: { word: string; start: number; end: number }[] = []
  let depth = 0
  const on = words.findIndex((word) => /^on$/i.test(word.text))
  for (const [i, word] of words.entries()) {
    if (word.text === '(') depth++
    if (word.text === ')') depth--
    if (depth > 0 || i <= on + 1) continue
    if (/^(as|for|to|using)$/i.test(word.text))
      cuts.push({ word: word.text.toLowerCase(), start: word.start, end: word.end })
    if (/^with$/i.test(word.text) && /^check$/i.test(words[i + 1]?.text ?? ''))
      cuts.push({ word: 'check', start: word.start, end: words[i + 1]?.end ?? word.end })
  }
  const piece = (word: string) => {
    const at = cuts.findIndex((cut) => cut.word === word)
    return at < 0 ? undefined : text.slice(cuts[at]?.end, cuts[at + 1]?.start).trim()
  }
  const [as, command] = [piece('as'), piece('for')]
  return {
    head: [...(as ? [`AS ${as}`] : []), ...(command ? [`FOR ${command}`] : [])].join(' '),
    roles: piece('to'),
    using: piece('using'),
    check: piece('check'),
  }
}

const rolesIn = (roles: Node[] | undefined): Key[] =>
  nodesOf(roles).flatMap((one) => ('RoleSpec' in one && one.RoleSpec.rolename ? [`role ${one.RoleSpec.rolename}`] : []))

function parseExpressions({ using, check }: Policy): Node[] {
  const pieces = [using, check].filter((one) => one !== undefined)
  return parseNow(
    pieces.map((one) => `SELECT ${one}`),
    'policy',
  ).map(({ node }) => node)
}
