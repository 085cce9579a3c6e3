import type { Queries } from '../admin/connection.ts'
import { projectOf } from '../migrations/index.ts'
import { hexLiteral } from '../util/literal.ts'
import type { MigrationFile } from './files.ts'
import { packaged } from './sources.ts'

/** Tables that an applied file of this package made, that no later one dropped, and that are not there. */
export async function lostTables(
  database: Queries,
  applied: MigrationFile[],
): Promise<{ file: MigrationFile; tables: string[] }[]> {
  const made = await tablesOf(applied)
  if (made.size === 0) return []
  const rows = await database.query<{ name: string }>(`
select name from pg_catalog.jsonb_array_elements_text(${hexLiteral([...made.keys()])}::text::jsonb) as name
where pg_catalog.to_regclass(name) is null`)
  const lost = rows.map(({ name }) => ({ file: made.get(name), table: name.replaceAll('"', '') }))
  return applied.flatMap((file) => {
    const tables = lost.flatMap((one) => (one.file === file ? [one.table] : []))
    return tables.length > 0 ? [{ file, tables }] : []
  })
}

/** Our own files alone: how others make and drop their tables is not known here. */
async function tablesOf(applied: MigrationFile[]): Promise<Map<string, MigrationFile>> {
  const ours = projectOf((await packaged()).migrations[0]?.text ?? '')
  const made = new Map<string, MigrationFile>()
  for (const file of applied.filter(({ text }) => projectOf(text) === ours)) {
    for (const [, verb, name = ''] of file.text.matchAll(statement)) {
      if (verb === 'DROP') made.delete(qualified(name))
      else made.set(qualified(name), file)
    }
  }
  return made
}

/** As the generator writes it. */
const statement = /^ *(CREATE|DROP) TABLE IF (?:NOT )?EXISTS ((?:"[^"]+"\.)?"[^"]+")/gm

const qualified = (name: string) => (name.includes('.') ? name : `"public".${name}`)
