import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

/** A folder that outlives the run, for what a newcomer's `npm ci` does not pay for. */
export function keptFolder(name: string): string {
  const folder = join(tmpdir(), 'integrations-db-matrix', name)
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Installs packages into a folder of their own; the second time out of npm's cache. */
export function installInto(folder: string, ...packages: string[]): Promise<void> {
  const quiet = ['--no-save', '--silent', '--no-audit', '--no-fund', '--prefer-offline']
  return run('npm', ['install', '--prefix', folder, ...quiet, ...packages])
}

/** Not synchronously: somebody has to read the server's log meanwhile, or it stops when the pipe is full. */
export function run(
  command: string,
  words: string[],
  { environment = {}, folder = '.' }: { environment?: NodeJS.ProcessEnv; folder?: string } = {},
): Promise<void> {
  const child = spawn(command, words, {
    stdio: 'inherit',
    cwd: folder,
    shell: process.platform === 'win32',
    env: { ...process.env, ...environment },
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${words.join(' ')}: exit ${code}`)),
    )
  })
}

/** A test file by its name, whichever project it belongs to. */
export function testFile(name: string): string {
  const found = readdirSync('tests', { recursive: true, encoding: 'utf8' }).filter(
    (file) => basename(file) === `${name}.test.ts`,
  )
  const [only] = found
  if (only === undefined || found.length > 1) throw new Error(`tests: ${found.length} files are named ${name}.test.ts`)
  return join('tests', only)
}
