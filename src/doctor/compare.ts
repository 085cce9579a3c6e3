import { hostMark } from '../extras/functions.ts'
import { claimsFunctions } from '../schema/claims.ts'
import { type Aspect, type Catalog, type CatalogObject, keyOf, lines } from './catalog.ts'
import type { LookAlike } from './look-alikes.ts'

/** One way in which the live catalog is not the expected one, with what follows from it. */
export type Difference = {
  change: 'missing' | 'extra' | 'renamed' | 'differs' | 'host'
  /** As expected; the live one where nothing was expected. */
  object: CatalogObject
  live: CatalogObject | undefined
  /** What differs about it. */
  aspect?: string
  consequences: Difference[]
}

type Comparison = {
  expected: readonly CatalogObject[]
  live: Catalog
  locked?: boolean
  /** Where missing tables and types are instead. */
  moved?: readonly LookAlike[]
}

/** Of what a lockdown takes privileges. */
const taken = ['schema', 'table', 'column', 'function']

/**
 * Every difference, in the order in which they can be fixed. What is missing or reads otherwise only because something
 * it needs does is a consequence of that, and no difference of its own.
 */
export function compare({ expected, live, locked = false, moved = [] }: Comparison): Difference[] {
  const found = new Map(live.objects.map((object) => [keyOf(object), object]))
  const wanted = new Map(expected.map((object) => [keyOf(object), object]))
  const differences = expected.flatMap((object) => differencesOf(object, found.get(keyOf(object)), locked))
  // What hangs on a table that nobody expected is not said again.
  const extras = live.objects.filter(
    (object) => !wanted.has(keyOf(object)) && (object.on === undefined || wanted.has(`table ${object.on}`)),
  )
  const renamed = differences.map((one) => renamedPart(movedObject(one, moved), differences, extras))
  const claimed = new Set(renamed.flatMap((one) => (one.change === 'renamed' ? [one.live] : [])))
  return [
    ...withConsequences(renamed, wanted),
    ...extras
      .filter((object) => !claimed.has(object))
      .map((object): Difference => ({ change: 'extra', object, live: object, consequences: [] })),
  ]
}

function differencesOf(object: CatalogObject, live: CatalogObject | undefined, locked: boolean): Difference[] {
  const one = { object, live, consequences: [] }
  if (live === undefined) return [{ ...one, change: 'missing' }]
  if (object.kind === 'function' && claimsFunctions.includes(object.name) && live.aspects.comment === hostMark) {
    return [{ ...one, change: 'host' }]
  }
  const names = [...new Set([...Object.keys(object.aspects), ...Object.keys(live.aspects)])].sort()
  return names.flatMap((aspect): Difference[] => {
    const stated = object.aspects[aspect]
    const kept = locked && aspect === 'privileges' && taken.includes(object.kind) ? ofOwner(stated) : stated
    const right = aspect === 'privileges' ? withSwitch(object, kept, live.aspects[aspect]) : kept
    if (same(right, live.aspects[aspect])) return []
    // PostgreSQL writes the default of a column in the words of its type.
    if (aspect === 'default' && !same(object.aspects.type, live.aspects.type)) return []
    const expected = right === stated ? object : { ...object, aspects: { ...object.aspects, [aspect]: right ?? [] } }
    return [{ ...one, object: expected, change: 'differs', aspect }]
  })
}

function movedObject(one: Difference, moved: readonly LookAlike[]): Difference {
  const found = moved.find(({ key }) => one.change === 'missing' && key === keyOf(one.object))
  if (found === undefined) return one
  const live = { kind: one.object.kind, name: `${found.schema}.${found.name}`, aspects: {} }
  return { ...one, change: 'renamed', live }
}

const likeness: Record<string, string[]> = { column: ['type', 'null', 'default'], constraint: ['definition'] }

/** A missing column or constraint and exactly one surplus one that is like it: it was renamed. */
function renamedPart(one: Difference, all: readonly Difference[], extras: readonly CatalogObject[]): Difference {
  const aspects = likeness[one.object.kind]
  if (one.change !== 'missing' || aspects === undefined) return one
  const alike = (object: CatalogObject) =>
    object.kind === one.object.kind &&
    object.on === one.object.on &&
    aspects.every((aspect) => same(object.aspects[aspect], one.object.aspects[aspect]))
  const candidates = extras.filter(alike)
  const claims = all.filter(({ change, object }) => change === 'missing' && alike(object))
  return candidates.length === 1 && claims.length === 1 ? { ...one, change: 'renamed', live: candidates[0] } : one
}

function withConsequences(differences: Difference[], wanted: Map<string, CatalogObject>): Difference[] {
  const broken = new Map<string, Difference>()
  for (const one of differences) if (breaks(one)) broken.set(keyOf(one.object), one)
  const roots: Difference[] = []
  const rootOf = new Map<Difference, Difference>()
  for (const one of differences) {
    const cause = needsOf(one.object, wanted)
      .map((key) => broken.get(key))
      .findLast((need) => need !== undefined && explains(need, one))
    // Needs come first in the catalog, so theirs is known.
    const root = cause && (rootOf.get(cause) ?? cause)
    if (root === undefined) roots.push(one)
    else {
      rootOf.set(one, root)
      root.consequences.push(one)
    }
  }
  return roots
}

/** Whether what needs this is missing or reads otherwise because of it. */
function breaks({ change, aspect }: Difference): boolean {
  return change === 'missing' || change === 'renamed' || aspect === 'type' || aspect === 'labels'
}

function explains(need: Difference, one: Difference): boolean {
  // What is on a table or of a type that has another name was not even looked for.
  if (need.change === 'renamed' && ['table', 'type'].includes(need.object.kind)) return true
  if (one.change === 'missing' || one.change === 'renamed') return need.change === 'missing'
  return one.change === 'differs' && ['definition', 'default'].includes(one.aspect ?? '')
}

/** Everything an object stands on, what comes first in the catalog first. */
function needsOf(object: CatalogObject, wanted: Map<string, CatalogObject>): string[] {
  const all = new Set<string>()
  const visit = ({ needs = [], on }: CatalogObject) => {
    for (const key of [...needs, ...(on === undefined ? [] : [`table ${on}`])]) {
      const need = wanted.get(key)
      if (need === undefined || all.has(key)) continue
      all.add(key)
      visit(need)
    }
  }
  visit(object)
  const order = [...wanted.keys()]
  return [...all].sort((a, b) => order.indexOf(a) - order.indexOf(b))
}

function ofOwner(privileges: Aspect | undefined): Aspect | undefined {
  const own = [...(privileges ?? [])].filter((entry) => entry.startsWith('owner='))
  return own.length > 0 ? own : undefined
}

/** What `migrate --data-api on` grants may be there and may be missing. */
function withSwitch(object: CatalogObject, right: Aspect | undefined, found: Aspect | undefined): Aspect | undefined {
  const grant = 'authenticated=USAGE'
  if (keyOf(object) !== 'schema integrations_api' || !lines(found).includes(grant)) return right
  return [...lines(right), grant].sort()
}

export function same(a: Aspect | undefined, b: Aspect | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
