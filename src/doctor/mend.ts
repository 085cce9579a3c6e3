import { replaceEnum } from '../migrations/enum-labels.ts'
import { apiRoles } from '../migrations/extra-kinds.ts'
import { selfGuarded } from '../migrations/guards.ts'
import { block, literal } from '../migrations/quote.ts'
import { extras } from '../schema/extras.ts'
import type { Aspect, CatalogObject } from './catalog.ts'
import type { Difference } from './compare.ts'
import { privilegeStatements } from './privileges.ts'

/*
 * The statements that lead from what is to what should be. Each can run twice. Names come out of the catalog as the
 * server quotes them; of what was found nothing but names is ever written.
 */

type Expected = { owner: string; objects: readonly CatalogObject[] }

/** The SQL that mends a difference and what follows from it; null where nobody but a person can. */
export function mend(difference: Difference, { owner, objects }: Expected): string | null {
  const own = mendOne(difference, { owner, objects })
  // A column that has its name back is back in every expression.
  if (own.length === 0 || difference.change === 'renamed') return own.join('\n') || null
  return [...own, ...difference.consequences.flatMap((one) => mendOne(one, { owner, objects }))].join('\n')
}

function mendOne(difference: Difference, expected: Expected): string[] {
  const { change, object, aspect, live } = difference
  if (change === 'host') return []
  if (change === 'extra') return removals[object.kind]?.(object) ?? []
  if (change === 'renamed') return rename(object, live?.name ?? '')
  if (change === 'missing' || aspect === undefined) {
    const others = Object.keys(object.aspects).filter((one) => !inCreation.includes(one))
    return [
      ...create(object, expected),
      ...others.flatMap((one) => aspectMends[one]?.({ object, live: undefined, expected }) ?? []),
      ...(ownable.includes(object.kind) ? (aspectMends.owner?.({ object, live: undefined, expected }) ?? []) : []),
    ]
  }
  return aspectMends[aspect]?.({ object, live, expected }) ?? []
}

const ownable = ['schema', 'type', 'table', 'function']
/** What `create` already says. */
const inCreation = ['definition', 'labels', 'type', 'null', 'default', 'settings', 'persistence', 'valid', 'fires']

function create(object: CatalogObject, { objects }: Expected): string[] {
  const { kind, name, on, aspects } = object
  const definition = lines(aspects.definition)
  switch (kind) {
    case 'schema':
      return [`create schema if not exists ${name};`]
    case 'extension':
      return [fromExtras(`extension ${name}`)]
    case 'type': {
      const labels = lines(aspects.labels).map(literal).join(', ')
      return [
        block(
          `  if to_regtype(${literal(name)}) is null then\n    create type ${name} as enum (${labels});\n  end if;`,
        ),
      ]
    }
    case 'table':
      // Its columns follow.
      return [`create table if not exists ${name} ();`]
    case 'column':
      return [
        `alter table ${on} add column if not exists ${name} ${aspects.type}${aspects.default ? ` default ${aspects.default}` : ''} ${aspects.null};`,
      ]
    case 'function':
      return [`${definition.join('\n')};`]
    case 'constraint':
      return [
        block(
          `  if not exists (select from pg_constraint where conrelid = to_regclass(${literal(on ?? '')}) and quote_ident(conname) = ${literal(name)}) then\n    alter table ${on} add constraint ${name} ${definition.join(' ')};\n  end if;`,
        ),
      ]
    case 'index':
      return [`drop index if exists ${name};`, `${definition.join(' ')};`]
    case 'policy':
      return [`drop policy if exists ${name} on ${on};`, `create policy ${name} on ${on} ${definition.join(' ')};`]
    case 'trigger':
      // The function that several share may live in any schema.
      if (definition.join(' ').includes('extensions.moddatetime(')) return [fromExtras(`trigger ${on} ${name}`)]
      return [`${definition.join(' ').replace(/^CREATE TRIGGER/, 'CREATE OR REPLACE TRIGGER')};`]
    default:
      throw new Error(`no migration of ours makes a ${kind}: ${name}, beside ${objects.length} others`)
  }
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
    `alter table ${on} alter column ${name} ${aspects.null === 'null' ? 'drop' : 'set'} not null;`,
  ],
  default: ({ object: { on, name, aspects }, live }) => [
    ...(live?.aspects.default === 'identity'
      ? [`alter table ${on} alter column ${name} drop identity if exists;`]
      : []),
    ...(String(live?.aspects.default).startsWith('generated (')
      ? [`alter table ${on} alter column ${name} drop expression if exists;`]
      : []),
    `alter table ${on} alter column ${name} ${aspects.default ? `set default ${aspects.default}` : 'drop default'};`,
  ],
  valid: ({ object, expected }) =>
    object.kind === 'index'
      ? create(object, expected)
      : [`alter table ${object.on} validate constraint ${object.name};`],
  fires: ({ object: { on, name } }) => [`alter table ${on} enable trigger ${name};`],
  'row-level security': ({ object: { name, aspects } }) => [
    `alter table ${name} ${aspects['row-level security'] === 'enabled' ? 'enable' : 'disable'} row level security;`,
  ],
  'row-level security for the owner': ({ object: { name, aspects } }) => [
    `alter table ${name} ${aspects['row-level security for the owner'] === 'forced' ? 'force' : 'no force'} row level security;`,
  ],
  persistence: ({ object: { name } }) => [`alter table ${name} set logged;`],
  owner: ({ object, expected }) => [`alter ${statementName(object)} owner to ${expected.owner};`],
  comment: ({ object }) => [
    `comment on ${statementName(object)} is ${object.aspects.comment ? literal(String(object.aspects.comment)) : 'null'};`,
  ],
  privileges: ({ object, live, expected }) =>
    live === undefined
      ? [
          // Whatever default privileges gave it.
          ...(object.kind === 'column'
            ? []
            : [`revoke all on ${statementName(object)} from public, ${apiRoles.join(', ')};`]),
          ...privilegeStatements(object, [], lines(object.aspects.privileges), expected.owner),
        ]
      : privilegeStatements(object, lines(live.aspects.privileges), lines(object.aspects.privileges), expected.owner),
  'privileges of others': ({ object, live, expected }) =>
    privilegeStatements(object, lines(live?.aspects['privileges of others']), [], expected.owner),
}

function redefine({ object, live, expected }: Wrong): string[] {
  if (object.kind === 'constraint') {
    return [`alter table ${object.on} drop constraint if exists ${object.name};`, ...create(object, expected)]
  }
  if (object.kind !== 'function' || sameResult(object, live)) return create(object, expected)
  // PostgreSQL replaces no function that returns something else, or whose parameters have other names.
  const { comment, privileges } = aspectMends
  const wrong = { object, live: undefined, expected }
  return [
    `drop function if exists ${object.name};`,
    ...create(object, expected),
    ...(privileges?.(wrong) ?? []),
    ...(object.aspects.comment ? (comment?.(wrong) ?? []) : []),
    `alter function ${object.name} owner to ${expected.owner};`,
  ]
}

/** The first two lines of pg_get_functiondef: names of parameters, and what is returned. */
function sameResult(object: CatalogObject, live: CatalogObject | undefined): boolean {
  const signature = (one: CatalogObject | undefined) => lines(one?.aspects.definition).slice(0, 2).join('\n')
  return signature(object) === signature(live)
}

/** Adds or renames labels where that leads there, and makes the type anew where it does not. */
function relabel({ object, live, expected }: Wrong): string[] {
  const { name } = object
  const wanted = lines(object.aspects.labels)
  const found = lines(live?.aspects.labels)
  const surplus = found.filter((label) => !wanted.includes(label))
  if (surplus.length === 0 && isSubsequence(found, wanted)) {
    return wanted.flatMap((label, i) => {
      if (found.includes(label)) return []
      const place = i === 0 ? `before ${literal(found[0] ?? '')}` : `after ${literal(wanted[i - 1] ?? '')}`
      return [`alter type ${name} add value if not exists ${literal(label)} ${found.length > 0 || i > 0 ? place : ''};`]
    })
  }
  const renames = wanted.flatMap((label, i) => (found[i] === label ? [] : [{ from: found[i] ?? '', to: label }]))
  if (
    found.length === wanted.length &&
    renames.every(({ from, to }) => !wanted.includes(from) && !found.includes(to))
  ) {
    return renames.map(({ from, to }) =>
      block(
        `  if exists (select from pg_enum where enumtypid = to_regtype(${literal(name)}) and enumlabel = ${literal(from)}) then\n    alter type ${name} rename value ${literal(from)} to ${literal(to)};\n  end if;`,
      ),
    )
  }
  return rebuilt(object, wanted, expected)
}

function rebuilt(object: CatalogObject, values: string[], expected: Expected): string[] {
  const columns = expected.objects.filter(({ kind, aspects }) => kind === 'column' && aspects.type === object.name)
  const described = columns.map(({ on, name }) => ({ table: parts(on ?? ''), column: { name, type: object.name } }))
  const anew = replaceEnum({ ...parts(object.name), values }, described).replace(`${selfGuarded}\n`, '')
  const wrong = { object, live: undefined, expected }
  return [
    anew,
    ...columns.flatMap((column) =>
      column.aspects.default ? (aspectMends.default?.({ ...wrong, object: column }) ?? []) : [],
    ),
    ...['comment', 'owner'].flatMap((aspect) => aspectMends[aspect]?.(wrong) ?? []),
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
  column: ({ on, name, aspects }) =>
    aspects.null === 'null' || aspects.default !== undefined
      ? []
      : [`alter table ${on} alter column ${name} drop not null;`],
  view: ({ name }) => [`alter view if exists ${name} set (security_invoker = true);`],
  'materialized view': ({ name }) => [`revoke all on table ${name} from public, ${apiRoles.join(', ')};`],
  'function over it': ({ name }) => [`revoke all on function ${name} from public, ${apiRoles.join(', ')};`],
}

function rename({ on, name }: CatalogObject, found: string): string[] {
  const there = `exists (select from pg_attribute where attrelid = to_regclass(${literal(on ?? '')}) and quote_ident(attname) = ${literal(found)} and not attisdropped)`
  return [block(`  if ${there} then\n    alter table ${on} rename column ${found} to ${name};\n  end if;`)]
}

/** How a statement says which object it means. */
function statementName({ kind, name, on }: CatalogObject): string {
  if (kind === 'column') return `column ${on}.${name}`
  return ['constraint', 'policy', 'trigger'].includes(kind) ? `${kind} ${name} on ${on}` : `${kind} ${name}`
}

function fromExtras(key: string): string {
  return extras.find((extra) => extra.key === key)?.create ?? ''
}

function isSubsequence(short: string[], long: string[]): boolean {
  let at = 0
  for (const one of long) if (one === short[at]) at++
  return at === short.length
}

function parts(path: string): { schema: string; name: string } {
  const [schema = '', name = ''] = path.split('.')
  return { schema, name }
}

export function lines(aspect: Aspect | undefined): string[] {
  return aspect === undefined ? [] : typeof aspect === 'string' ? [aspect] : [...aspect]
}
