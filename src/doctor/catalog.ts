import type { Queries } from '../admin/connection.ts'
import { packaged } from '../deployment/index.ts'
import { catalogText } from './catalog-sql.ts'

/** Something in the database: its names as a statement writes them, and what can differ about it. */
export type CatalogObject = {
  kind: string
  name: string
  /** The table it belongs to. */
  on?: string
  /** Keys of what must be there first. */
  needs?: string[]
  /** `owner` is only there where it is not the catalog's. */
  aspects: Readonly<Record<string, Aspect>>
}
export type Aspect = string | readonly string[]

export type Catalog = {
  /** The owner of most objects: whoever migrated. */
  owner: string
  objects: CatalogObject[]
}

/** What an object is called within a catalog. */
export function keyOf({ kind, on, name }: Pick<CatalogObject, 'kind' | 'on' | 'name'>): string {
  return [kind, on, name].filter((part) => part !== undefined).join(' ')
}

/** An aspect as a list: of lines, labels, privileges. */
export function lines(aspect: Aspect | undefined): string[] {
  return aspect === undefined ? [] : typeof aspect === 'string' ? [aspect] : [...aspect]
}

/** The live catalog: our objects and what others have attached to them. Writes nothing. */
export async function readCatalog(database: Queries): Promise<Catalog> {
  const [row] = await database.query<{ catalog: string | null }>(catalogText)
  const objects = JSON.parse(row?.catalog ?? '[]') as CatalogObject[]
  const owner = mostFrequent(objects.flatMap(({ aspects }) => (typeof aspects.owner === 'string' ? aspects.owner : [])))
  return {
    owner,
    objects: objects.map(({ aspects, ...object }) => {
      const { owner: own, ...others } = aspects
      return { ...object, aspects: own === undefined || own === owner ? others : { ...others, owner: own } }
    }),
  }
}

function mostFrequent(names: string[]): string {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'current_user'
}

/** What the packaged migrations produce: `supabase/catalog.json`, written by `npm run db:generate`. */
export async function expectedCatalog(): Promise<CatalogObject[]> {
  return JSON.parse((await packaged()).catalog) as CatalogObject[]
}
