import { literal, name } from '../util/quote.ts'
import { sqlOf } from './make.ts'
import { type State, schemaOf, type Thing } from './state.ts'

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
    case 'function':
      return `to_regprocedure(${literal(inSchema + thing.key.slice(thing.key.indexOf('(')))}) is not null`
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
