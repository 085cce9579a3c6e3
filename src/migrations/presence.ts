import { literal, name } from '../util/quote.ts'
import { sqlOf } from './make.ts'
import { argumentsOf } from './objects.ts'
import { type State, schemaOf, type Thing } from './state.ts'

const builtIn =
  /^(int[248]|float[48]|text|varchar|bpchar|bool|numeric|jsonb?|uuid|date|timetz?|timestamptz?|interval|bytea|name|oid|reg\w+|record|any\w*)(\[\])?$/

/** Whether a function of these types is there; before PostgreSQL 16 the question itself fails where one of them is not. */
export function routineThere(called: string, args: string[]): string {
  const there = `to_regprocedure(${literal(`${called}(${args.join(', ')})`)}) is not null`
  const types = [...new Set(args)].filter((type) => !builtIn.test(type))
  return types.length === 0
    ? there
    : `(case when ${types.map((type) => `to_regtype(${literal(type)}) is not null`).join(' and ')} then ${there} else false end)`
}

/** Whether an object is there, as an SQL condition; undefined of what no catalog tells by its name. */
export function isThere(state: State, thing: Thing): string | undefined {
  const own = literal(thing.name)
  const at = literal(sqlOf(state, thing.key))
  const on = `to_regclass(${literal(sqlOf(state, thing.on))})`
  const row = (catalog: string, condition: string) => `exists (select from ${catalog} where ${condition})`
  switch (thing.kind) {
    case 'schema':
      return `to_regnamespace(${literal(name(thing.name))}) is not null`
    case 'table':
    case 'view':
    case 'sequence':
    case 'index':
      return `to_regclass(${at}) is not null`
    case 'type':
      return `to_regtype(${at}) is not null`
    case 'column':
      return row('pg_attribute', `attrelid = ${on} and attname = ${own} and not attisdropped`)
    case 'constraint':
      return row('pg_constraint', `conrelid = ${on} and conname = ${own}`)
    case 'policy':
      return row('pg_policy', `polrelid = ${on} and polname = ${own}`)
    case 'setting':
      return undefined
    case 'object':
      break
  }
  const inSchema = `${name(schemaOf(state, thing))}.${name(thing.name)}`
  switch (thing.word) {
    case 'extension':
      return row('pg_extension', `extname = ${own}`)
    case 'role':
      return row('pg_roles', `rolname = ${own}`)
    case 'publication':
      return row('pg_publication', `pubname = ${own}`)
    case 'event_trigger':
      return row('pg_event_trigger', `evtname = ${own}`)
    case 'foreign_data_wrapper':
      return row('pg_foreign_data_wrapper', `fdwname = ${own}`)
    case 'server':
      return row('pg_foreign_server', `srvname = ${own}`)
    case 'function':
      return routineThere(inSchema, argumentsOf(thing.key))
    case 'trigger':
      return row('pg_trigger', `tgrelid = ${on} and tgname = ${own}`)
    case 'rule':
      return row('pg_rewrite', `ev_class = ${on} and rulename = ${own}`)
    case 'domain':
    case 'type':
      return `to_regtype(${literal(inSchema)}) is not null`
    case 'collation':
      return `to_regcollation(${literal(inSchema)}) is not null`
    case 'statistics':
      return row(
        'pg_statistic_ext',
        `stxname = ${own} and stxnamespace = to_regnamespace(${literal(name(thing.schema))})`,
      )
    default:
      return undefined
  }
}
