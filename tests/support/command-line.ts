import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { inject } from 'vitest'
import { bundle } from '../../scripts/bundle.ts'

/** The package as it is installed: compiled, beside the migrations. Once per run of the tests. */
export type Installed = { dist: string; remove(): void }

export async function install(): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), 'integrations-db-installed-'))
  const dist = join(folder, 'dist')
  await bundle(dist)
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

/** Starts `integrations-db`, with `input` on its standard input. Nothing of it outlives the tests. */
export function startCli(words: string[], environment: NodeJS.ProcessEnv = {}, input?: string): Running {
  const { FORCE_COLOR: _, NO_COLOR: __, ...inherited } = process.env
  const child = spawn(process.execPath, [join(inject('dist'), 'cli.js'), ...words], {
    env: { ...inherited, ...environment },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  child.stdin?.end(input)
  running.add(child)
  const said = { stdout: '', stderr: '' }
  child.stdout?.on('data', (text) => {
    said.stdout += text
  })
  child.stderr?.on('data', (text) => {
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

export const runCli = (words: string[], environment: NodeJS.ProcessEnv = {}, input?: string) =>
  startCli(words, environment, input).ended
