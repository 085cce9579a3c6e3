import { array, block, literal, name } from '../util/quote.ts'
import { selfGuarded } from './guards.ts'
import { type Rename, renamed } from './renames.ts'
import { type Column, columnsOfType, type Enum, keyOf, type Snapshot, same, sqlName, type Table } from './snapshot.ts'

/** Types whose labels differ are made anew: PostgreSQL has no way to drop a label, and a new one cannot be used at once. */
export function replaceEnums(
  lean: Snapshot,
  target: Snapshot,
  back: Rename[],
): { statements: string[]; replaced: string[] } {
  const statements: string[] = []
  const replaced: string[] = []
  for (const [key, type] of Object.entries(lean.enums)) {
    const labels = target.enums[key]?.values
    if (labels === undefined || same(labels, type.values)) continue
    for (const { column } of columnsOfType(lean, type)) delete column.default
    type.values = labels
    // Renames come first, so the type is made anew under the name it goes back to.
    const start = back.reduce(renamed, lean)
    const [moved = key] = back.flatMap((rename) =>
      rename.kind === 'type' && keyOf(rename.from) === key ? [keyOf(rename.to)] : [],
    )
    const now = start.enums[moved] as Enum
    statements.push(replaceEnum(now, columnsOfType(start, now)))
    replaced.push(keyOf(now))
  }
  return { statements, replaced }
}

/** Makes a type anew with other labels, and its columns with it, which lose their defaults; rows keep what they hold. */
export function replaceEnum(
  type: Enum,
  columns: { table: Pick<Table, 'schema' | 'name'>; column: Pick<Column, 'name' | 'type'> }[],
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
  return `${selfGuarded}\n${block(
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
  )}`
}

const isArray = (column: Pick<Column, 'type'>) => column.type.endsWith(']')
