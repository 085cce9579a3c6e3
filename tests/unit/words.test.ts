import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { helpOf, overview } from '../../src/commands/help.ts'
import { commands, groups } from '../../src/commands/index.ts'

/* One word for one thing, and it is the field's: docs/glossary.md has the others. */

const oldWords: readonly (readonly [old: RegExp, instead: string])[] = [
  [/\bmend(s|ed|ing)?\b/i, 'fix, fix SQL'],
  [/\bremed(y|ies)\b/i, 'hint'],
  [/\bway back\b/i, 'rollback'],
  [/\blanes?\b/i, 'pooled connection'],
  [/\bconverse\b|\bConversation\b/, 'inTwoSteps'],
  [/stepAside|\bsteps? aside\b/i, 'recreate dependents'],
  [/\boutside\.ts\b|\bOutside\b/, 'custom SQL'],
  [/upkeep/i, 'maintenance'],
  [/aloneAsAdmin|\basAdmin\b|\badministrate\b/, 'withExclusiveAdmin, withAdmin'],
  [/\bstrays?\b|\bOrphan\b|secrets? without a reference/i, 'orphaned secret'],
  [/\bits noes\b|\buntouched\(/, 'noRowAffected'],
  [/no further word|a command is missing/, 'unexpected argument; missing command'],
  [/\bsay --/, 'pass --yes, pass --apply'],
  [/what is pending|the Dart side|what Supabase has and plain/i, 'Apply pending migrations, and the like'],
  [/should not happen/, 'unexpected error; rerun with --debug'],
  [/somebody (else )?was faster/, 'modified concurrently'],
  [/unless told/, '@default'],
  [/in every way we could list/, 'mutation testing'],
  [/was not at hand/, 'tested against a local server'],
]

const folders = { src: /\.ts$/, docs: /\.md$/ }
const texts = [
  ...Object.entries(folders).flatMap(([folder, kind]) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => kind.test(name))
      .map((name) => join(folder, name)),
  ),
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
]
  // The names that reports once had, kept for programs that read them.
  .filter((name) => name !== join('src', 'commands', 'old-names.ts'))
  .map((name) => ({ name, text: readFileSync(name, 'utf8') }))
const help = [
  { name: '--help', text: overview(groups) },
  ...commands.map((one) => ({ name: `${one.name} --help`, text: helpOf(one) })),
]

describe('source, documentation and help', () => {
  test.each(oldWords)('say it in the field’s words: not %s', (old, instead) => {
    const found = [...texts, ...help].flatMap(({ name, text }) =>
      text.split('\n').flatMap((line, i) => (old.test(line) ? [`${name}:${i + 1}: ${line.trim()}`] : [])),
    )
    expect(found, `write: ${instead}`).toEqual([])
  })

  test('in documentation the application around us is yours, not a host', () => {
    const pages = texts.filter(({ name }) => name.endsWith('.md') && !name.startsWith(join('docs', 'api')))
    const found = pages.flatMap(({ name, text }) =>
      text
        .split('\n')
        .flatMap((line) =>
          /\bhost's\b|\bthe host\b|\b[Aa] host (that|whose|has)\b/.test(line) ? [`${name}: ${line}`] : [],
        ),
    )
    expect(found).toEqual([])
    expect(pages.length).toBeGreaterThan(30)
  })

  test('are read: each of the old words would be found', () => {
    expect(texts.length).toBeGreaterThan(100)
    for (const sentence of ['doctor mends it', 'the remedy', 'a lane', 'say --apply', '10 unless told'])
      expect(
        oldWords.some(([old]) => old.test(sentence)),
        sentence,
      ).toBe(true)
  })
})
