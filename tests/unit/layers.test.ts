import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { expect, test } from 'vitest'

/*
 * The folders of src as floors of a house. An import points to a lower floor, to its own folder, or to a neighbour of the
 * same floor that stands further right. CONTRIBUTING.md draws it.
 */
const floors = [
  ['index.ts', 'cli.ts', 'commands', 'testing', 'drizzle-kit', 'pg-boss'],
  ['doctor', 'deployment', 'admin'],
  ['client'],
  ['connection', 'migrations'],
  ['registry', 'schema', 'config', 'extras'],
  ['util', 'errors.ts'],
]
/** Folders with one door: from outside only this file is imported. */
const doors = ['migrations', 'deployment']
/** Neighbours that do not know each other, though the floor would allow it. */
const strangers = [
  ['connection', 'migrations'],
  ['config', 'extras'],
  ['admin', 'client'],
]

type Import = { from: string; to: string }

const importSpecifier = /(?:\bfrom\s*|\bimport\s*\(?\s*)'(\.{1,2}\/[^']+)'/g

function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(importSpecifier)].map(([, specifier = '']) => ({
    from: file,
    to: normalize(join(dirname(file), specifier))
      .split(sep)
      .join('/'),
  }))
}

const room = (file: string) => file.split('/')[1] ?? ''
const floorOf = (name: string) => floors.findIndex((floor) => floor.includes(name))

/** What is wrong with an import, or undefined. */
function problem({ from, to }: Import): string | undefined {
  const [source, target] = [room(from), room(to)]
  if (source === target) return undefined
  const say = (rule: string) => `${from} imports ${to}: ${rule}`
  const [above, below] = [floorOf(source), floorOf(target)]
  if (above < 0 || below < 0) return say(`${above < 0 ? source : target} has no floor; give it one in this test`)
  if (doors.includes(target) && to !== `src/${target}/index.ts`) return say(`enter by src/${target}/index.ts`)
  if (strangers.some((pair) => pair.includes(source) && pair.includes(target))) {
    return say(`${source} and ${target} do not know each other`)
  }
  if (above > below) return say(`${source} is below ${target}; imports point down`)
  const floor = floors[above] ?? []
  if (above === below && floor.indexOf(source) > floor.indexOf(target)) {
    return say(`${source} stands right of ${target} on their floor; imports point right`)
  }
  return undefined
}

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join('src', name).split(sep).join('/'))

test('every import of src points down the floors and enters folders by their door', () => {
  const imports = sources.flatMap((file) => importsOf(file, readFileSync(file, 'utf8')))
  expect(imports.length).toBeGreaterThan(100)
  expect(imports.flatMap((found) => problem(found) ?? [])).toEqual([])
})

test("src's root holds the entries and the errors, and nothing else", () => {
  expect(sources.filter((file) => file.split('/').length === 2)).toEqual([
    'src/cli.ts',
    'src/errors.ts',
    'src/index.ts',
  ])
})

test.each([
  [
    'an import upwards',
    'src/util/a.ts',
    `import { b } from '../client/b.ts'`,
    'util is below client; imports point down',
  ],
  [
    'a lazy one',
    'src/connection/a.ts',
    `await import('../admin/b.ts')`,
    'connection is below admin; imports point down',
  ],
  ['a type', 'src/config/a.ts', `import type { B } from '../schema/b.ts'`, 'config stands right of schema'],
  [
    'a way past a door',
    'src/commands/a.ts',
    `export { b } from '../migrations/b.ts'`,
    'enter by src/migrations/index.ts',
  ],
  ['two strangers', 'src/admin/a.ts', `import { b } from '../client/b.ts'`, 'admin and client do not know each other'],
  ['a folder nobody placed', 'src/index.ts', `import { b } from './attic/b.ts'`, 'attic has no floor'],
])('%s is refused with both files and the rule', (_, file, text, rule) => {
  const [found] = importsOf(file, text)
  const said = found && problem(found)
  expect(said).toContain(`${file} imports ${found?.to}`)
  expect(said).toContain(rule)
})
