import { apiRoles } from '../extras/kinds.ts'
import { extras } from '../schema/extras.ts'
import { block, literal } from '../util/quote.ts'
import { type Aspect, type CatalogObject, keyOf, lines } from './catalog.ts'
import type { Difference } from './compare.ts'
import { madeAnew, relabelled } from './labels.ts'
import { privilegeStatements } from './privileges.ts'

/*
 * The statements that lead from what is to what should be. Each can run twice. Names come out of the catalog as the
 * server quotes them; of what was found nothing but names is ever written.
 */

type Expected = { owner: string; objects: readonly CatalogObject[] }

/** The SQL that fixes a difference and what follows from it; null where nobody but a person can. */
export function fix(difference: Difference, expected: Expected): string | null {
  const own = fixOne(difference, expected)
  // A column that has its name back is back in every expression.
  if (own.length === 0 || difference.change === 'renamed') return own.join('\n') || null
  const dropped = inTheWay(difference, expected)
  const others = difference.consequences.filter(({ object }) => !dropped.includes(keyOf(object)))
  const anew = expected.objects.filter((one) => dropped.includes(keyOf(one)))
  return [
    ...anew.flatMap((one) => removals[one.kind]?.(one) ?? []),
    ...own,
    ...anew.flatMap(create),
    ...others.flatMap((one) => fixOne(one, expected)),
  ].join('\n')
}

/**
 * Keys of what compares a column with a value of its type, which stops the column from getting another one: policies and
 * triggers always, an index or a check where it was rewritten for the type that is there, or where that is made anew.
 */
function inTheWay({ object, aspect, live, consequences }: Difference, { objects }: Expected): string[] {
  const anew =
    aspect === 'labels' && relabelled(object.name, lines(live?.aspects.labels), lines(object.aspects.labels)) === null
  if (aspect !== 'type' && !anew) return []
  const kinds = ['policy', 'trigger', ...(anew ? ['index'] : [])]
  const using = objects.filter(({ kind, needs = [] }) => kinds.includes(kind) && needs.includes(keyOf(object)))
  const rewritten = consequences.flatMap((one) => (['index', 'constraint'].includes(one.object.kind) ? one.object : []))
  return [...using, ...rewritten].map(keyOf)
}

function fixOne({ change, object, aspect, live }: Difference, expected: Expected): string[] {
  switch (change) {
    case 'host':
      return []
    case 'extra':
      return removals[object.kind]?.(object) ?? []
    case 'renamed':
      return rename(object, live?.name ?? '')
    case 'missing':
      return [...create(object), ...describe(object, expected)]
    case 'differs':
      return aspectMends[aspect ?? '']?.({ object, live, expected }) ?? []
  }
}

function create({ kind, name, on, aspects }: CatalogObject): string[] {
  const definition = lines(aspects.definition)
  switch (kind) {
    case 'schema':
      return [`create schema if not exists ${name};`]
    case 'extension':
      return [fromExtras(`extension ${name}`)]
    case 'type': {
      const labels = lines(aspects.labels).map(literal).join(', ')
      return [unless(`to_regtype(${literal(name)}) is not null`, `create type ${name} as enum (${labels});`)]
    }
    case 'table':
      // Its columns follow.
      return [`create table if not exists ${name} ();`]
    case 'column': {
      const byDefault = aspects.default === undefined ? '' : ` default ${aspects.default}`
      return [`alter table ${on} add column if not exists ${name} ${aspects.type}${byDefault} ${aspects.null};`]
    }
    case 'function':
      return [`${definition.join('\n')};`]
    case 'constraint': {
      const there = `exists (select from pg_constraint where conrelid = to_regclass(${literal(on ?? '')}) and quote_ident(conname) = ${literal(name)})`
      return [unless(there, `alter table ${on} add constraint ${name} ${definition.join(' ')};`)]
    }
    case 'index':
      return [`drop index if exists ${name};`, `${definition.join(' ')};`]
    case 'policy':
      return [`drop policy if exists ${name} on ${on};`, `create policy ${name} on ${on} ${definition.join(' ')};`]
    case 'trigger':
      // The function that several share may live in any schema.
      if (definition.join(' ').includes('extensions.moddatetime(')) return [fromExtras(`trigger ${on} ${name}`)]
      return [`${definition.join(' ').replace(/^CREATE TRIGGER/, 'CREATE OR REPLACE TRIGGER')};`]
    default:
      throw new Error(`no migration of ours makes a ${kind}`)
  }
}

/** What is said of an object once it is there: owner, privileges, row-level security, comment. */
function describe(object: CatalogObject, expected: Expected): string[] {
  const wrong = { object, live: undefined, expected }
  const said = ['owner', 'privileges', 'row-level security', 'row-level security for the owner', 'comment']
  const owned = ['schema', 'type', 'table', 'function'].includes(object.kind)
  return said.flatMap((aspect) =>
    aspect in object.aspects || (aspect === 'owner' && owned) ? (aspectMends[aspect]?.(wrong) ?? []) : [],
  )
}

type Wrong = { object: CatalogObject; live: CatalogObject | undefined; expected: Expected }

const aspectMends: Record<string, (wrong: Wrong) => string[]> = {
  definition: redefine,
  labels: relabel,
  type: ({ object: { on, name, aspects } }) => [
    `alter table ${on} alter column ${name} drop default;`,
    `alter table ${on} alter column ${name} type ${aspects.type} using ${name}::${String(aspects.type).replace(/ collate .*/, '')};`,
    ...(aspects.default ? [`alter table ${on} alter column ${name} set default ${aspects.default};`] : []),
  ],
  null: ({ object: { on, name, aspects } }) => [
    ...(aspects.null === 'not null' && aspects.default
      ? [`update ${on} set ${name} = ${aspects.default} where ${name} is null;`]
      : []),
    `alter table ${on} alter column ${name} ${aspects.null === 'null' ? 'drop' : 'set'} not null;`,
  ],
  default: ({ object: { on, name, aspects }, live }) => {
    const column = `alter table ${on} alter column ${name}`
    const found = String(live?.aspects.default)
    return [
      ...(found === 'identity' ? [`${column} drop identity if exists;`] : []),
      ...(found.startsWith('generated (') ? [`${column} drop expression if exists;`] : []),
      `${column} ${aspects.default ? `set default ${aspects.default}` : 'drop default'};`,
    ]
  },
  valid: ({ object }) =>
    object.kind === 'index' ? create(object) : [`alter table ${object.on} validate constraint ${object.name};`],
  // Its triggers belong to the server, and one of the tables may be the host's: a key made anew has them, and is checked.
  enforced: redefine,
  fires: ({ object: { on, name } }) => [`alter table ${on} enable trigger ${name};`],
  'row-level security': ({ object: { name, aspects } }) => [
    `alter table ${name} ${aspects['row-level security'] === 'enabled' ? 'enable' : 'disable'} row level security;`,
  ],
  'row-level security for the owner': ({ object: { name, aspects } }) => [
    `alter table ${name} ${aspects['row-level security for the owner'] === 'forced' ? 'force' : 'no force'} row level security;`,
  ],
  // Of what a table is stored like: a column's and an index's tuning is left to its host.
  settings: ({ object: { kind, name, aspects }, live }) =>
    kind !== 'table'
      ? []
      : lines(live?.aspects.settings).flatMap((setting) => {
          if (lines(aspects.settings).includes(setting)) return []
          if (setting.startsWith('replica identity')) return [`alter table ${name} replica identity default;`]
          return setting.includes('=') ? [`alter table ${name} reset (${setting.split('=')[0]});`] : []
        }),
  persistence: ({ object: { name } }) => [`alter table ${name} set logged;`],
  owner: ({ object, expected }) => [`alter ${statementName(object)} owner to ${expected.owner};`],
  comment: ({ object }) => [
    `comment on ${statementName(object)} is ${object.aspects.comment ? literal(String(object.aspects.comment)) : 'null'};`,
  ],
  privileges: ({ object, live, expected }) => {
    const wanted = lines(object.aspects.privileges)
    if (live !== undefined) return privilegeStatements(object, lines(live.aspects.privileges), wanted, expected.owner)
    // Whatever default privileges gave it.
    const nothing = `revoke all on ${statementName(object)} from public, ${apiRoles.join(', ')};`
    return [nothing, ...privilegeStatements(object, [], wanted, expected.owner)]
  },
  'privileges of others': ({ object, live, expected }) =>
    privilegeStatements(object, lines(live?.aspects['privileges of others']), [], expected.owner),
}

function redefine({ object, live, expected }: Wrong): string[] {
  if (object.kind === 'constraint') {
    return [`alter table ${object.on} drop constraint if exists ${object.name};`, ...create(object)]
  }
  if (object.kind !== 'function' || sameResult(object, live)) return create(object)
  // PostgreSQL replaces no function that returns something else, or whose parameters have other names.
  return [`drop function if exists ${object.name};`, ...create(object), ...describe(object, expected)]
}

/** The first two lines of pg_get_functiondef: names of parameters, and what is returned. */
function sameResult(object: CatalogObject, live: CatalogObject | undefined): boolean {
  const signature = (one: CatalogObject | undefined) => lines(one?.aspects.definition).slice(0, 2).join('\n')
  return signature(object) === signature(live)
}

function relabel({ object, live, expected }: Wrong): string[] {
  const wanted = lines(object.aspects.labels)
  const statements = relabelled(object.name, lines(live?.aspects.labels), wanted)
  if (statements !== null) return statements
  const columns = expected.objects.filter(({ kind, aspects }) => kind === 'column' && aspects.type === object.name)
  const defaults = columns.filter(({ aspects }) => aspects.default !== undefined)
  return [
    madeAnew(object.name, wanted, columns),
    ...defaults.flatMap((column) => aspectMends.default?.({ object: column, live: undefined, expected }) ?? []),
    ...describe(object, expected),
  ]
}

const removals: Record<string, (object: CatalogObject) => string[]> = {
  policy: ({ on, name }) => [`drop policy if exists ${name} on ${on};`],
  trigger: ({ on, name }) => [`drop trigger if exists ${name} on ${on};`],
  rule: ({ on, name }) => [`drop rule if exists ${name} on ${on};`],
  function: ({ name }) => [`drop function if exists ${name};`],
  constraint: ({ on, name }) => [`alter table ${on} drop constraint if exists ${name};`],
  index: ({ name }) => [`drop index if exists ${name};`],
  // Its values are the host's; our rows need not have any.
  column: ({ on, name }) => [`alter table ${on} alter column ${name} drop not null;`],
  view: ({ name }) => [`alter view if exists ${name} set (security_invoker = true);`],
  'materialized view': ({ name }) => [`revoke all on table ${name} from public, ${apiRoles.join(', ')};`],
  parent: ({ on, name, aspects }) => [detached(name, on ?? '', aspects.by)],
  child: ({ on, name, aspects }) => [detached(on ?? '', name, aspects.by)],
  cast: ({ name }) => [`drop cast if exists (${name});`],
  operator: ({ name }) => [`drop operator if exists ${name};`],
  'definer function': ({ name }) => [`revoke all on function ${name} from public, ${apiRoles.join(', ')};`],
}

function detached(parent: string, child: string, by: Aspect | undefined): string {
  const gone = `not exists (select from pg_inherits where inhparent = to_regclass(${literal(parent)}) and inhrelid = to_regclass(${literal(child)}))`
  return unless(
    gone,
    by === 'partition'
      ? `alter table ${parent} detach partition ${child};`
      : `alter table ${child} no inherit ${parent};`,
  )
}

function rename({ kind, on, name }: CatalogObject, found: string): string[] {
  if (on === undefined) return [moveBack(kind, name, found)]
  const gone =
    kind === 'column'
      ? `not exists (select from pg_attribute where attrelid = to_regclass(${literal(on)}) and quote_ident(attname) = ${literal(found)} and not attisdropped)`
      : `not exists (select from pg_constraint where conrelid = to_regclass(${literal(on)}) and quote_ident(conname) = ${literal(found)})`
  return [unless(gone, `alter table ${on} rename ${kind} ${found} to ${name};`)]
}

/** A table or type under another name, in another schema, or both. */
function moveBack(kind: string, name: string, found: string): string {
  const [schema = '', plain = ''] = parts(name)
  const [foundSchema, foundName = ''] = parts(found)
  const there = kind === 'table' ? `to_regclass(${literal(found)})` : `to_regtype(${literal(found)})`
  const statements = [
    ...(foundSchema === schema ? [] : [`alter ${kind} ${found} set schema ${schema};`]),
    ...(foundName === plain ? [] : [`alter ${kind} ${schema}.${foundName} rename to ${plain};`]),
  ]
  return unless(`${there} is null`, statements.join('\n    '))
}

/** Schema and name as a statement writes them. */
const parts = (path: string) => path.match(/"(?:[^"]|"")*"|[^.]+/g) ?? []

function unless(condition: string, statement: string): string {
  return block(`  if not (${condition}) then\n    ${statement}\n  end if;`)
}

/** How a statement says which object it means. */
function statementName({ kind, name, on }: CatalogObject): string {
  if (kind === 'column') return `column ${on}.${name}`
  return ['constraint', 'policy', 'trigger'].includes(kind) ? `${kind} ${name} on ${on}` : `${kind} ${name}`
}

function fromExtras(key: string): string {
  return extras.find((extra) => extra.key === key)?.create ?? ''
}
