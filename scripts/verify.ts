/*
 * `npm run verify`: types, lint and unit tests, side by side: each leaves a core idle for half of its time. What each says
 * is printed whole, the one that fails last.
 */
import { spawn } from 'node:child_process'

const checks = [
  ['npm', 'run', '--silent', 'typecheck'],
  ['npm', 'run', '--silent', 'lint'],
  ['npx', 'vitest', 'run', '--project', 'unit'],
] as const

type Outcome = { words: string; code: number; said: string }

function outcomeOf([program, ...words]: readonly [string, ...string[]]): Promise<Outcome> {
  const child = spawn(program, words, { shell: process.platform === 'win32', stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text))
  return new Promise((done) => {
    child.once('error', (error) => done({ words: program, code: 1, said: error.message }))
    child.once('close', (code) => done({ words: [program, ...words].join(' '), code: code ?? 1, said }))
  })
}

const outcomes = await Promise.all(checks.map(outcomeOf))
outcomes.sort((a, b) => Number(a.code !== 0) - Number(b.code !== 0))
for (const { words, code, said } of outcomes)
  console.log(`${code === 0 ? 'passed' : 'FAILED'}: ${words}\n${said.trim()}\n`)
process.exitCode = outcomes.some(({ code }) => code !== 0) ? 1 : 0
