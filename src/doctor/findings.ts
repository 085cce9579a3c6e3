import { type Aspect, type CatalogObject, lines } from './catalog.ts'
import type { Difference } from './compare.ts'
import type { Finding } from './finding.ts'
import { fix } from './fix.ts'
import { privilegeWords } from './privileges.ts'

/** Differences between the expected and a live catalog, of whose objects `owner` has most, as findings. */
export function driftFindings(
  differences: readonly Difference[],
  { expected, owner }: { expected: readonly CatalogObject[]; owner: string },
): Finding[] {
  const known = literalsOf(expected)
  return differences.map((difference) => ({
    severity: severityOf(difference),
    what: whatOf(difference),
    where: placeOf(difference.object),
    ...bothValues(difference, owner, known),
    fix: isHarmlessExtra(difference) ? null : fix(difference, { owner, objects: expected }),
    hint: hintOf(difference),
  }))
}

/**
 * What others attached to our tables is drift where it can open them, or refuse or change what we write. An index or a
 * nullable column can do neither: its host knows what it is for.
 */
function severityOf({ change, object, aspect }: Difference): Finding['severity'] {
  if (change === 'host' || isHarmlessExtra({ change, object })) return 'information'
  if (aspect === 'comment' || aspect === 'settings') return 'information'
  return aspect === 'privileges of others' ? 'advice' : 'drift'
}

function isHarmlessExtra({ change, object: { kind, aspects } }: Pick<Difference, 'change' | 'object'>): boolean {
  if (change !== 'extra') return false
  switch (kind) {
    case 'index':
      return !lines(aspects.definition).join().startsWith('CREATE UNIQUE')
    case 'column':
      return aspects.null === 'null' || aspects.default !== undefined
    case 'view':
    case 'materialized view':
    case 'definer function':
      return aspects['open to'] === undefined
    default:
      return ['publication', 'statistics', 'type', 'table', 'relation', 'schema', 'extension'].includes(kind)
  }
}

function whatOf({ change, object: { kind, aspects }, aspect }: Difference): string {
  if (change === 'differs') return aspect === 'definition' ? `another ${kind}` : `${kind}: ${aspect}`
  if (change === 'host') return `${kind} of the host's own`
  const past = aspects['open to'] === undefined ? '' : ' past the policies'
  return `${change} ${kind}${past}`
}

function placeOf({ kind, name, on }: Pick<CatalogObject, 'kind' | 'name' | 'on'>): string {
  if (on === undefined) return name
  return kind === 'column' ? `${on}.${name}` : `${name} on ${on}`
}

function hintOf({ change, object, aspect, live }: Difference): string | null {
  if (change === 'host') return "its comment marks it as the host's; no migration touches it"
  if (change === 'extra' && object.kind === 'function') {
    return 'or, where it is yours, move it into a schema of yours: alter function … set schema …'
  }
  if (
    change === 'missing' &&
    object.kind === 'column' &&
    object.aspects.null === 'not null' &&
    !object.aspects.default
  ) {
    return 'where the table has rows, add the column without not null and fill it first'
  }
  if (aspect === 'null' && object.aspects.null === 'not null' && !object.aspects.default) {
    return 'rows that have none stop it; fill or delete them first'
  }
  if (aspect === 'enforced') return 'rows that refer to nothing stop it; fix or delete them first'
  if (
    aspect === 'labels' &&
    lines(live?.aspects.labels).some((label) => !lines(object.aspects.labels).includes(label))
  ) {
    return 'rows that hold a label which goes stop it; change them first'
  }
  return null
}

function bothValues(
  difference: Difference,
  owner: string,
  known: ReadonlySet<string>,
): Pick<Finding, 'expected' | 'found'> {
  const { change, object, aspect = '', live, consequences } = difference
  switch (change) {
    case 'missing': {
      const gone = consequences.map(({ object }) => `${object.kind} ${placeOf(object)}`)
      return {
        expected: `the ${object.kind}`,
        found: `nothing${gone.length > 0 ? `; so ${gone.join(', ')} went or changed with it` : ''}`,
      }
    }
    case 'renamed':
      return { expected: object.name, found: `${live?.name}, which is like it` }
    case 'host':
      return { expected: 'the function that comes with this package', found: "the host's" }
    case 'extra':
      return { expected: 'nothing', found: extraWords(object, known) }
  }
  const [wanted, found] = [object.aspects[aspect], live?.aspects[aspect]]
  if (aspect === 'definition') return definitionWords(object.kind, lines(wanted), lines(found), known)
  if (aspect === 'comment') return { expected: wanted ? `"${wanted}"` : 'none', found: found ? 'another one' : 'none' }
  if (aspect.startsWith('privileges')) {
    return { expected: privilegeWords(lines(wanted), lines(found)), found: privilegeWords(lines(found), lines(wanted)) }
  }
  const words = (value: Aspect | undefined) => (value === undefined ? 'none' : lines(value).join(', '))
  return { expected: aspect === 'owner' ? owner : words(wanted), found: masked(words(found), known) }
}

function extraWords(object: CatalogObject, known: ReadonlySet<string>): string {
  const { aspects, kind } = object
  if (['view', 'materialized view', 'definer function'].includes(kind)) {
    return `a ${kind}, which reads as its owner, open to ${aspects['open to'] ?? 'nobody of the API'}`
  }
  if (kind === 'function' || kind === 'rule') return `a ${kind}`
  const words = [...lines(aspects.type), ...lines(aspects.null), ...lines(aspects.definition)]
  if (aspects.default !== undefined) words.push('with a default')
  return excerpt(masked(words.join(' '), known), 0) || `a ${kind}`
}

/** Where two definitions part. A function's body is not shown: it is long, and a host's may hold anything. */
function definitionWords(kind: string, wanted: string[], found: string[], known: ReadonlySet<string>) {
  const [a, b] = kind === 'function' ? [header(wanted), header(found)] : [wanted, found]
  const at = a.findIndex((line, i) => line !== b[i])
  if (kind === 'function' && at < 0 && a.length === b.length) {
    const line = wanted.findIndex((text, i) => text !== found[i])
    const number = (line < 0 ? wanted.length : line) - a.length + 1
    return { expected: `its body, ${wanted.length - a.length} lines`, found: `another body from line ${number} on` }
  }
  const mine = a.filter((line) => !b.includes(line)).join(' ')
  const theirs = masked(b.filter((line) => !a.includes(line)).join(' '), known)
  const start = [...mine].findIndex((character, i) => character !== theirs[i])
  return { expected: excerpt(mine, start) || 'nothing more', found: excerpt(theirs, start) || 'nothing' }
}

function header(lines: string[]): string[] {
  const body = lines.findIndex((line) => /^(AS \$|BEGIN ATOMIC| RETURN)/.test(line))
  return (body < 0 ? lines : lines.slice(0, body)).map((line) => line.trim())
}

const shownCharacters = 240

/** A long text around the place that matters. */
function excerpt(text: string, at: number): string {
  if (text.length <= shownCharacters) return text
  const from = Math.max(0, Math.min(at, text.length - shownCharacters) - 40)
  return `${from > 0 ? '…' : ''}${text.slice(from, from + shownCharacters)}${from + shownCharacters < text.length ? '…' : ''}`
}

function literalsOf(objects: readonly CatalogObject[]): Set<string> {
  const texts = objects.flatMap(({ aspects }) => [...lines(aspects.definition), ...lines(aspects.default)])
  return new Set(texts.flatMap((text) => text.match(quoted) ?? []))
}

const quoted = /'(?:[^']|'')*'?/g

/** What stands between quotes in the live catalog and nowhere in the expected one is not shown: it could be a secret. */
function masked(text: string, known: ReadonlySet<string>): string {
  return text.replace(quoted, (literal) => (known.has(literal) ? literal : "'…'"))
}
