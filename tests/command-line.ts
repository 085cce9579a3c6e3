import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'vitest'

/** The package as it is installed: compiled, beside the migrations. Once per run of the tests. */
export type Installed = { dist: string; remove(): void }

export async function install(): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), 'integrations-db-installed-'))
  const dist = join(folder, 'dist')
  // Types are checked elsewhere; without that it is compiled in a second.
  const flags = ['--noCheck', '--declaration', 'false', '--declarationMap', 'false', '--sourceMap', 'false']
  await promisify(execFile)(
    resolve('node_modules', '.bin', 'tsc'),
    ['-p', 'tsconfig.build.json', '--outDir', dist, ...flags],
    { shell: process.platform === 'win32' },
  )
  copyFileSync('package.json', join(folder, 'package.json'))
  for (const name of ['node_modules', 'supabase']) symlinkSync(resolve(name), join(folder, name), 'junction')
  return { dist, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** How a process ended, and what it said. */
export type Outcome = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }
export type Running = { process: ChildProcess; ended: Promise<Outcome> }

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts `integrations-db`. Nothing of it outlives the tests. */
export function startCli(words: string[], environment: NodeJS.ProcessEnv = {}): Running {
  const { FORCE_COLOR: _, NO_COLOR: __, ...inherited } = process.env
  const child = spawn(process.execPath, [join(inject('dist'), 'cli.js'), ...words], {
    env: { ...inherited, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => {
    said.stdout += text
  })
  child.stderr.on('data', (text) => {
    said.stderr += text
  })
  const ended = new Promise<Outcome>((done) => {
    child.once('close', (code, signal) => {
      running.delete(child)
      done({ code, signal, ...said })
    })
  })
  return { process: child, ended }
}

export const runCli = (words: string[], environment: NodeJS.ProcessEnv = {}) => startCli(words, environment).ended
