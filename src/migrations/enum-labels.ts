import { array, block, literal, name } from '../util/quote.ts'

type Named = { schema: string; name: string }
const sqlName = ({ schema, name: called }: Named) => (schema ? `${name(schema)}.${name(called)}` : name(called))

/** Makes a type anew with other labels, and its columns with it, which lose their defaults; rows keep what they hold. */
export function replaceEnum(
  type: Named & { values: string[] },
  columns: { table: Named; column: { name: string; type: string } }[],
): string {
  const labels = array(type.values)
  const known = sqlName(type)
  const temporary = `${type.name}__replaced`
  const checks = columns.map(({ table, column }) => {
    const at = name(column.name)
    const held = isArray(column) ? `(select unnest(t.${at})::text)` : `(select t.${at}::text)`
    return `
    select count(*), string_agg(distinct held.label, ', ') into used, found
    from ${sqlName(table)} as t, lateral ${held} as held (label) where held.label <> all (${labels});
    if used > 0 then
      raise exception '% rows of % hold what type % will not have: %', used, ${literal(`${sqlName(table)}.${at}`)}, ${literal(known)}, found
        using hint = 'change them, then run this again';
    end if;`
  })
  const alters = columns.map(({ table, column }) => {
    const at = name(column.name)
    const suffix = isArray(column) ? '[]' : ''
    return `
    alter table ${sqlName(table)} alter column ${at} drop default, alter column ${at} set data type ${known}${suffix} using ${at}::text${suffix}::${known}${suffix};`
  })
  return block(
    `\
  if ${labels} is distinct from (
    select array_agg(enumlabel::text order by enumsortorder) from pg_enum where enumtypid = to_regtype(${literal(known)})
  ) then
    perform set_config('row_security', 'off', true);${checks.join('')}
    alter type ${known} rename to ${name(temporary)};
    create type ${known} as enum (${type.values.map(literal).join(', ')});${alters.join('')}
    drop type ${sqlName({ ...type, name: temporary })};
  end if;`,
    ['used bigint', 'found text'],
  )
}

const isArray = (column: { type: string }) => column.type.endsWith(']')
