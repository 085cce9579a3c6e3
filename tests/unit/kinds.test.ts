import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { families as ofTables } from '../../src/migrations/kinds/alter-table.ts'
import { families } from '../../src/migrations/kinds/index.ts'

/* The generator's table of kinds of statements. */

const repeated = (names: string[]) => names.filter((name, i) => names.indexOf(name) !== i)

test('a kind of statement has one row, and so has a command of ALTER TABLE', () => {
  const kinds = families.flatMap((family) => Object.keys(family))
  expect(kinds.length).toBeGreaterThan(90)
  expect(repeated(kinds)).toEqual([])
  expect(repeated(ofTables.flatMap((family) => Object.keys(family)))).toEqual([])
})

test('the row that CONTRIBUTING.md shows is one of them, word for word', () => {
  const plain = (text: string) => text.replaceAll(/^\s+/gm, '').replaceAll('\r', '').trim()
  const [, shown = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync('CONTRIBUTING.md', 'utf8')) ?? []
  expect(plain(shown)).toContain('guard')
  const folder = 'src/migrations/kinds'
  const files = readdirSync(folder).map((name) => plain(readFileSync(`${folder}/${name}`, 'utf8')))
  expect(files.filter((text) => text.includes(plain(shown)))).toHaveLength(1)
})
