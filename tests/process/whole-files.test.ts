import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { runCli } from '../support/command-line.ts'

/* Commands that write files, on a disk that takes no more. A limit on the size of files stands in for a full one. */

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'integrations-db-whole-'))
  folders.push(folder)
  return folder
}

/** Every file below a folder, with its text. */
function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    names.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'utf8')]),
  )
}

function withFilesOf(kilobytes: number, words: string[]) {
  const command = [process.execPath, join(inject('dist'), 'cli.js'), ...words].map((word) => `'${word}'`).join(' ')
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env
  return spawnSync('bash', ['-c', `ulimit -f ${kilobytes}; exec ${command}`], { encoding: 'utf8', env })
}

const commands: [string, (folder: string) => string[], (folder: string) => void][] = [
  [
    'build',
    (folder) => ['build', '--supabase', folder],
    (folder) => cpSync(join('supabase', 'extras'), join(folder, 'extras'), { recursive: true }),
  ],
  [
    'export',
    (folder) => ['export', folder],
    (folder) => {
      const migrations = join(folder, 'supabase', 'migrations')
      mkdirSync(migrations, { recursive: true })
      writeFileSync(
        join(migrations, '20200101000000_own.sql'),
        'create table public.organizations (id uuid primary key);',
      )
    },
  ],
  [
    'registry',
    (folder) => ['registry', '--dart', join(folder, 'registry.dart')],
    (folder) => writeFileSync(join(folder, 'registry.dart'), 'what was there'),
  ],
]

// Windows has no such limit.
describe.runIf(process.platform !== 'win32')('on a disk that is full half-way', () => {
  test.each(commands)(
    '%s leaves what was there and names the file, and the next run writes all of it',
    async (name, words, prepare) => {
      const folder = emptyFolder()
      prepare(folder)
      const before = filesIn(folder)
      // Some files are smaller than this, and would be there.
      const { status, stderr } = withFilesOf(4, words(folder))
      expect(stderr).toMatch(/^error: \/.*\.(sql|dart): cannot be written \(EFBIG\), and nothing was; raise the limit/)
      expect(status).toBe(1)
      expect(filesIn(folder)).toEqual(before)
      expect(await runCli(words(folder))).toMatchObject({ code: 0 })
      const written = Object.keys(filesIn(folder)).filter((file) => before[file] === undefined || name === 'registry')
      expect(written.length).toBeGreaterThan(0)
      expect(written.filter((file) => !/\.(sql|dart)$/.test(file))).toEqual([])
    },
  )
})

test('a folder where nothing can be made is named, and where a file should stand a link or a device is kept', async () => {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'taken'), '')
  expect(await runCli(['registry', '--dart', join(folder, 'taken', 'registry.dart')])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${join(folder, 'taken', 'registry.dart')}: cannot be written (`),
  })
  mkdirSync(join(folder, 'elsewhere'))
  symlinkSync(join('elsewhere', 'registry.dart'), join(folder, 'link.dart'))
  expect(await runCli(['registry', '--dart', join(folder, 'link.dart')])).toMatchObject({ code: 0 })
  expect(readFileSync(join(folder, 'elsewhere', 'registry.dart'), 'utf8')).toContain('xledger')
  expect(readdirSync(folder).sort()).toEqual(['elsewhere', 'link.dart', 'taken'])
  expect((await runCli(['registry', '--dart', '/dev/null'])).code).toBe(0)
})
