import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** How a process ended, and what it said. */
export type Outcome = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }
export type Running = { process: ChildProcess; ended: Promise<Outcome> }

/** The command line as it is installed: compiled, beside the migrations. */
export type CommandLine = {
  start(words: string[]): Running
  run(words: string[]): Promise<Outcome>
  /** Ends what still runs and removes the files. */
  remove(): void
}

export function installCommandLine(env: NodeJS.ProcessEnv = {}): CommandLine {
  const folder = mkdtempSync(join(tmpdir(), 'integrations-db-installed-'))
  const dist = join(folder, 'dist')
  // Types are checked elsewhere; without that it is compiled in a second.
  const flags = ['--noCheck', '--declaration', 'false', '--declarationMap', 'false', '--sourceMap', 'false']
  execFileSync(resolve('node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json', '--outDir', dist, ...flags])
  copyFileSync('package.json', join(folder, 'package.json'))
  for (const name of ['node_modules', 'supabase']) symlinkSync(resolve(name), join(folder, name))

  const running = new Set<ChildProcess>()
  const start = (words: string[]): Running => {
    const child = spawn(process.execPath, [join(dist, 'cli.js'), ...words], {
      env: { ...process.env, NO_COLOR: '1', ...env },
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
  return {
    start,
    run: (words) => start(words).ended,
    remove() {
      for (const child of running) child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
