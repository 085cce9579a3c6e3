import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../support/database.ts'
import { docstringsOf } from '../support/docstrings.ts'
import { sqlFiles } from '../support/files.ts'
import { compile, install, loadedBy, output, pack } from '../support/packed.ts'

/* The tarball that npm would publish, and what a project sees of it that has nothing else. */

let folder: string
let tarball: string
let consumer: string
let installed: string
let diagnostics: Awaited<ReturnType<typeof compile>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'integrations-db-package-'))
  tarball = await pack(folder)
  consumer = await install(folder, tarball)
  installed = join(consumer, 'node_modules', '@org', 'integrations-db')
  diagnostics = await compile(consumer)
}, 180_000)

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Files of the installed package, by their path in it. */
async function packed(ending = ''): Promise<{ name: string; text: string }[]> {
  const entries = await readdir(installed, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(
    paths
      .filter((path) => path.endsWith(ending))
      .map(async (path) => ({ name: relative(installed, path), text: await readFile(path, 'utf8') })),
  )
}

describe('the tarball', () => {
  test('holds the build, every migration and its rollback, and nothing that only we need', async () => {
    expect((await readdir(installed)).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json', 'supabase'])
    const names = (await packed('.sql')).map(({ name }) => name).sort()
    const expected = (['migrations', 'rollbacks'] as const).flatMap((kind) =>
      sqlFiles(kind).map(({ name }) => join('supabase', kind, name)),
    )
    expect(names).toEqual(expected.sort())
  })

  test('is sound to publint, and its types to attw', async () => {
    const lint = await output(folder, 'publint', [tarball, '--strict'])
    expect(lint.code, lint.text).toBe(0)
    expect(lint.text).toContain('All good!')
    const types = await output(folder, 'attw', [tarball, '--profile', 'esm-only', '--no-definitely-typed'])
    expect(types.code, types.text).toBe(0)
  })

  test('has a source map for every module, with the sources in it and no path of the machine that built it', async () => {
    const modules = await packed('.js')
    expect(modules.length).toBeGreaterThan(3)
    for (const { name, text } of modules) {
      const [, map = ''] = /^\/\/# sourceMappingURL=(\S+)$/m.exec(text) ?? []
      const { sources, sourcesContent } = JSON.parse(await readFile(join(installed, dirname(name), map), 'utf8'))
      for (const [i, source] of (sources as string[]).entries()) {
        const file = join(dirname(name), source)
        expect(file).toMatch(/^src[\\/]/)
        expect(sourcesContent[i]).toBe(await readFile(file, 'utf8'))
      }
    }
    for (const { name, text } of await packed()) {
      expect(
        [folder, process.cwd()].filter((path) => text.includes(path)),
        name,
      ).toEqual([])
    }
  })
})

describe('a project that has nothing but the package', () => {
  const database = useDatabase('host')

  test('compiles under strict and nodenext', () => {
    expect(diagnostics.filter(({ file }) => file !== 'types.ts')).toEqual([])
  })

  test('migrates a database with it, writes and reads its rows, and knows its errors', async () => {
    const program = `const { main } = await import('./program.js')
      const [urls, organizationId] = process.argv.slice(1)
      console.log(JSON.stringify(await main(JSON.parse(urls), organizationId)))`
    const urls = JSON.stringify({ admin: database.adminUrl, scoped: database.url })
    const organizationId = await database.organization()
    const { text } = await output(consumer, process.execPath, [
      '--input-type=module',
      ...['--eval', program, urls, organizationId],
    ])
    expect(JSON.parse(text)).toEqual({
      applied: sqlFiles('migrations').length,
      pending: [],
      names: ['Xledger'],
      hasRevision: true,
      isScheduled: true,
      refusal: 'conflict',
    })
  })

  test('has the command line, which finds the migrations and its version', async () => {
    const status = await output(consumer, 'npx', ['integrations-db', 'status', '--json', '--url', database.adminUrl])
    expect(JSON.parse(status.text).applied).toHaveLength(sqlFiles('migrations').length)
    const { version } = JSON.parse(await readFile('package.json', 'utf8'))
    expect((await output(consumer, 'npx', ['integrations-db', '--version'])).text.trim()).toBe(version)
  })

  test('loads no driver, parser, command line or migration with an import and a client, which the first call needs', async () => {
    const client = `const { createIntegrationsDb } = await import('@org/integrations-db')
      createIntegrationsDb('postgresql://login@127.0.0.1:1/database')`
    const packages = (names: string[]) => names.filter((name) => !name.startsWith('dist'))
    expect(packages(await loadedBy(consumer, client))).toEqual(['croner', 'drizzle-orm', 'zod'])
    expect(packages(await loadedBy(consumer, "await import('@org/integrations-db/schema')"))).toEqual(['drizzle-orm'])
  })
})

describe('the types', async () => {
  const lines = (await readFile('tests/consumer/types.ts', 'utf8')).split('\n')
  const starts = lines.flatMap((line, i) => (line.startsWith('// guarantee: ') ? [i + 1] : []))

  test.each(starts.map((start) => ({ title: lines[start - 1]?.slice('// guarantee: '.length), start })))(
    '$title',
    ({ start }) => {
      const end = starts.find((next) => next > start) ?? Number.POSITIVE_INFINITY
      expect(diagnostics.filter(({ file, line }) => file === 'types.ts' && line > start && line < end)).toEqual([])
    },
  )

  test('are asked for where the package has them', () => {
    expect(starts.length).toBeGreaterThan(8)
    expect(diagnostics.filter(({ file, line }) => file === 'types.ts' && line < (starts[0] ?? 0))).toEqual([])
  })
})

describe('the docstrings of what is exported', () => {
  let all: ReturnType<typeof docstringsOf>
  beforeAll(async () => {
    const files = new Map((await packed('.d.ts')).map(({ name, text }) => [name.replaceAll('\\', '/'), text]))
    all = docstringsOf(files.get('dist/index.d.ts') ?? '', (file) => files.get(`dist/${file}`) ?? '')
    expect(all.length).toBeGreaterThan(60)
  })
  const without = (wanted: RegExp, which: (one: (typeof all)[number]) => boolean = () => true) =>
    all.filter((one) => which(one) && !wanted.test(one.text)).map(({ name }) => name)

  test('say in a sentence what each is', () => {
    expect(without(/\/\*\*[\s*]+[^@\s]/)).toEqual([])
  })

  test('show an example of each call', () => {
    expect(without(/@example\n/, ({ isCall }) => isCall)).toEqual([])
  })

  test('state of each call that is awaited the SQL it sends, or that it sends none, and what it throws', () => {
    expect(without(/SQL: |[Ss]ends nothing/, ({ isAwaited }) => isAwaited)).toEqual([])
    expect(without(/@throws /, ({ isAwaited }) => isAwaited)).toEqual([])
  })
})
