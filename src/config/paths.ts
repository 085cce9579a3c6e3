/*
 * The path of a mapping: segments between dots. One that begins with a quote ends with the same, and holds a dot or
 * anything else; the quote itself is doubled in it. `"invoice.no"."say ""hi""".0` has three.
 */

const segment = /"((?:[^"]|"")*)"|'((?:[^']|'')*)'|([^."'][^.]*)/y

/**
 * The keys that a path names, in their order, or null where it cannot be read.
 *
 * @example
 * segmentsOf('"invoice.no".code') // ['invoice.no', 'code']
 */
export function segmentsOf(path: string): string[] | null {
  const segments: string[] = []
  for (segment.lastIndex = 0; ; segment.lastIndex++) {
    const match = segment.exec(path)
    if (match === null) return null
    const [, double, single, bare = ''] = match
    segments.push(double?.replaceAll('""', '"') ?? single?.replaceAll("''", "'") ?? bare)
    if (segment.lastIndex === path.length) return segments
    if (path[segment.lastIndex] !== '.') return null
  }
}
