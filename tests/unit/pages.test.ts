import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { statuses } from '../../examples/backend.ts'

/* The pages themselves: links, sizes, and what must agree with the source. What they tell people to type: docs.test.ts. */

const read = (file: string) => readFileSync(file, 'utf8').replaceAll('\r\n', '\n')
const pages = [
  ...readdirSync('.').filter((name) => name.endsWith('.md')),
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]
const manifest = JSON.parse(read('package.json')) as { repository: { url: string }; scripts: Record<string, string> }
const repository = manifest.repository.url.replace(/^git\+/, '').replace(/\.git$/, '')
/** Where GitHub has a file as it is: for pictures, which npm shows too. */
const rawFiles = `${repository.replace('github.com', 'raw.githubusercontent.com')}/main/`
const prose = (text: string) => text.replaceAll(/^( *)```.*\n[\s\S]*?^\1```$/gm, '').replaceAll(/`[^`\n]*`/g, '')

/** Where a page's links lead: inline and by reference. */
function links(text: string): string[] {
  const found = [...prose(text).matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm)]
  return found.map(([, inline, reference]) => inline ?? reference ?? '')
}

/** The anchors that GitHub gives a page's headings. */
function anchors(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** A link into this repository that leads nowhere. */
function isBroken(page: string, link: string): boolean {
  const ours = `${repository}/blob/main/`
  if (link.startsWith(rawFiles)) return !existsSync(link.slice(rawFiles.length))
  if (/^https?:/.test(link) && !link.startsWith(ours)) return false
  const [path = '', anchor] = link.startsWith(ours) ? link.slice(ours.length).split('#') : link.split('#')
  const file = link.startsWith(ours) ? path : path === '' ? page : join(dirname(page), path)
  return !existsSync(file) || (anchor !== undefined && !anchors(file).includes(anchor))
}

describe('every page', () => {
  test.each(pages)('%s: its links lead to files and headings that exist', (page) => {
    expect(links(read(page)).filter((link) => isBroken(page, link))).toEqual([])
  })

  test('the check sees a link that leads nowhere', () => {
    const broken = [
      'gone.md',
      'errors.md#gone',
      `${repository}/blob/main/docs/gone.md`,
      `${rawFiles}docs/gone.png`,
      '#gone',
    ]
    expect(broken.filter((link) => isBroken('docs/cli.md', link))).toEqual(broken)
    const sound = [
      'errors.md',
      'errors.md#errors',
      `${repository}/blob/main/docs/cli.md#migrate`,
      `${rawFiles}docs/images/admin.png`,
      'https://example.org',
    ]
    expect(sound.filter((link) => isBroken('docs/cli.md', link))).toEqual([])
  })

  test.each(pages.filter((page) => page !== 'CHANGELOG.md'))('%s: names scripts and files that there are', (page) => {
    const text = read(page)
    const scripts = [...text.matchAll(/\bnpm run ([a-z:-]+)/g)].map(([, name = '']) => name)
    expect(scripts.filter((name) => manifest.scripts[name] === undefined)).toEqual([])
    const files = [...text.matchAll(/`((?:src|tests|docs|examples|scripts|bench)\/[\w./-]+)`/g)].map(
      ([, path = '']) => path,
    )
    expect(files.filter((path) => !existsSync(path))).toEqual([])
  })

  test('is named on the way from the README', () => {
    const reached = new Set(['README.md'])
    for (const page of reached) {
      for (const link of links(read(page))) {
        const path = link.replace(`${repository}/blob/main/`, '').split('#')[0] ?? ''
        const file = link.startsWith('http') ? path : join(dirname(page), path)
        if (pages.includes(file)) reached.add(file)
      }
    }
    expect(pages.filter((page) => !reached.has(page))).toEqual([])
  })
})

describe('README.md', () => {
  const text = read('README.md')

  test('is read in one go: at most 150 lines, none outside of code longer than 120 characters', () => {
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(150)
    const source = text.replaceAll(/^```.*\n[\s\S]*?^```$/gm, '').split('\n')
    expect(source.filter((line) => line.length > 120)).toEqual([])
  })

  test('has links that work on npm too: each is absolute', () => {
    expect(links(text).length).toBeGreaterThan(20)
    expect(links(text).filter((link) => !link.startsWith('https://'))).toEqual([])
    const references = [...text.matchAll(/^\[([^\]]+)\]: /gm)].map(([, label]) => label)
    const used = [...prose(text).matchAll(/(?<!!)\[([^\]]+)\](?![(:])/g)].map(([, label]) => label)
    expect(new Set(used)).toEqual(new Set(references))
  })

  test('tells within its first forty lines how to install, and for which systems and versions', () => {
    const top = text.split('\n').slice(0, 40).join('\n')
    for (const words of [
      'npm install',
      'Xledger',
      'Business Central',
      'Cornerstone',
      'Consio',
      'Bufdir',
      'Node',
      '15, 16',
    ])
      expect(top).toContain(words)
  })
})

test('docs/errors.md names each code of errors.ts once, with the HTTP status of the example backend', () => {
  const [, union = ''] = /IntegrationsDbErrorCode =\n((?: {2}\| '\w+'\n)+)/.exec(read('src/errors.ts')) ?? []
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code)
  const rows = [...read('docs/errors.md').matchAll(/^\| `(\w+)` +\| (\d+) +\| (.+) \| (.+) \|$/gm)]
  expect(rows.map(([, code]) => code).sort()).toEqual(codes.sort())
  expect(Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)]))).toEqual(statuses)
})

test('docs/decisions.md: each decision has the next number and the day it was taken', () => {
  const text = read(join('docs', 'decisions.md'))
  const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)
  expect(headings.length).toBeGreaterThan(20)
  headings.forEach((heading, i) => {
    expect(heading).toMatch(new RegExp(`^${i + 1}\\. [A-Z]?`))
  })
  expect(text.match(/^## \d+\. .*\n\n20\d\d-\d\d-\d\d\n\n/gm)).toHaveLength(headings.length)
})
