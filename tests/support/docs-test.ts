import { execFile, execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { testFile } from '../../scripts/temporary.ts'
import { type TestDatabase, useDatabase } from './database.ts'
import { blocksOf, isEdit, runPage } from './docs-page.ts'

/*
 * What the documentation tells people to type is typed here: in a copy of the project, with the built command line, on a
 * migrated database of the page's own. A page that ends in a commit has a test file of its own: each takes a minute or two.
 */

/** What must be in the database before a reader comes to a page, as variables of the environment. */
export type Preparation = (t: TestDatabase) => Promise<Record<string, string>>

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'integrations-db-docs-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const git = (cwd: string, ...words: string[]) => execFileSync('git', words, { cwd, encoding: 'utf8' })

/** The project as one commit; node_modules is linked, but for the command that only a host would find in it. */
function copyOf(name: string, dist?: string): string {
  const copy = join(folder, name)
  const files = git('.', 'ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0').filter(Boolean)
  for (const file of files.filter((one) => existsSync(one))) cpSync(file, join(copy, file))
  git(copy, 'init', '--quiet')
  for (const setting of ['user.name=Reader', 'user.email=reader@example.no', 'core.autocrlf=false'])
    git(copy, 'config', ...setting.split('='))
  git(copy, 'add', '--all')
  git(copy, 'commit', '--quiet', '--message', 'As it is')
  // What runs a page's blocks lies beside them.
  appendFileSync(join(copy, '.git', 'info', 'exclude'), 'block.*\n')
  linkModules(copy)
  if (dist === undefined) return copy
  cpSync(dist, join(copy, 'dist'), { recursive: true })
  chmodSync(join(copy, 'dist', 'cli.js'), 0o755) // As npm does with a package's commands.
  symlinkSync(join(copy, 'dist', 'cli.js'), join(copy, 'node_modules', '.bin', 'integrations-db'))
  return copy
}

function linkModules(copy: string): void {
  mkdirSync(join(copy, 'node_modules', '.bin'), { recursive: true })
  for (const from of ['node_modules', join('node_modules', '.bin')]) {
    for (const entry of readdirSync(from))
      if (entry !== '.bin') symlinkSync(resolve(from, entry), join(copy, from, entry))
  }
}

/** Everything that CI runs, but what takes many minutes of its own: of the tests, those that read the schema. Units are verify's. */
const checks = (/^for script in (.*); do$/m.exec(readFileSync('.ci/run', 'utf8'))?.[1] ?? '')
  .split(' ')
  .filter((script) => !script.startsWith('test'))

async function run(cwd: string, command: string, ...words: string[]): Promise<void> {
  await promisify(execFile)(command, words, { cwd, encoding: 'utf8' }).catch((error: Error & { stdout: string }) => {
    throw new Error(`${command} ${words.join(' ')}: ${error.message}\n${error.stdout}`)
  })
}

/** The page does what it says, fits the source and hides nothing from this test. */
export function testPage(name: string, prepared: Preparation, afterwards = async (_t: TestDatabase) => {}): void {
  const page = join('docs', `${name}.md`)

  describe(`docs/${name}.md`, () => {
    const t = useDatabase()
    afterAll(() => afterwards(t))

    test('works as written: each block runs, in order, and prints what the page shows', async () => {
      const env = { INTEGRATIONS_ADMIN_URL: t.adminUrl, ...(await prepared(t)) }
      const blocks = blocksOf(page)
      expect(blocks.length).toBeGreaterThan(0)
      await runPage(blocks, { folder: copyOf(name, inject('dist')), admin: t.admin, env })
    }, 180_000)

    test('shows edits that fit the source as it is', async () => {
      const edits = blocksOf(page).filter(isEdit)
      if (edits.length > 0) await runPage(edits, { folder: copyOf(`${name}-edits`), env: {} })
    })

    test('has no command outside of its blocks, where nobody would run it', () => {
      const text = readFileSync(page, 'utf8')
      expect(text.match(/^ *```/gm)).toHaveLength(2 * blocksOf(page).length)
      expect(text.match(/`npx [^`]*`/g)).toBeNull()
    })
  })
}

/** After {@link testPage}: what the reader has committed by then, with the tests that read the schema. */
export function testCommit(name: string, tests: string[] = ['table', 'registry', 'integrations']): void {
  test(`docs/${name}.md leaves a commit that passes the checks of CI in a clone of it`, async () => {
    expect(checks).toEqual(expect.arrayContaining(['verify', 'docs:check', 'build', 'quickstart', 'db:check']))
    const clone = join(folder, `${name}-clone`)
    git(folder, 'clone', '--quiet', join(folder, name), clone)
    linkModules(clone)
    for (const script of checks) await run(clone, 'npm', 'run', script)
    await run(clone, join('node_modules', '.bin', 'vitest'), 'run', ...tests.map(testFile))
  }, 600_000)
}
