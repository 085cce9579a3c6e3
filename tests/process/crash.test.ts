import type { ChildProcess } from 'node:child_process'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Case, cases, type State } from '../crash/cases.ts'
import { type Copy, encryptionKey, inCopy, makeTemplates } from '../crash/databases.ts'
import { pgDump } from '../crash/dump.ts'
import { listenTo, type Moment, randomMoment, randomNumbers, strikeAt } from '../crash/moments.ts'
import { type Outcome, runCli, startCli } from '../support/command-line.ts'
import { type EmbeddedServer, startEmbedded } from '../support/embedded.ts'
import { databaseUrl } from '../support/global-setup.ts'
import { runFile } from '../support/projects.ts'
import { addressOf, startProxy, type TcpProxy } from '../support/proxy.ts'

/*
 * kill -9 of the command line and of the server, and Ctrl-C, while a command changes a database that holds several
 * organizations. Right after the blow nothing is half-done, and the next run leaves what a run leaves that nobody
 * disturbed.
 *
 * CRASHES is how many kills there are; SEED draws the same moments again.
 */

const commands = Object.keys(cases)
const environment = { INTEGRATIONS_ENCRYPTION_KEY: encryptionKey }
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
const wanted = Number(process.env.CRASHES)
const kills = Math.ceil(wanted / (2 * commands.length))
const interrupts = Math.ceil(kills / 2)
/** Where fewer kills are wanted than there are commands to kill, some commands are drawn. */
const drawn = (many: number) => commands.filter((_, i) => (i + seed) % commands.length < Math.ceil(many))

let server: EmbeddedServer
let proxy: TcpProxy
let hasPgDump: boolean

beforeAll(async () => {
  server = await startEmbedded()
  proxy = await startProxy(addressOf(server.adminUrl))
  await makeTemplates(server)
  hasPgDump = pgDump(databaseUrl(server, 'newest')) !== undefined
  if (!hasPgDump)
    console.log('no pg_dump for this version is installed: schemas are compared by tests/support/catalog.ts alone')
}, 300_000)

afterAll(async () => {
  await proxy?.stop()
  await server?.stop()
})

/** What ends a command in the middle, and how it must end then. */
type Blow = { number: number; strike(command: ChildProcess): unknown; expectEnd(outcome: Outcome): void }

const stackTrace = /^\s+at /m

const processKilled: Blow = {
  number: 0,
  strike: (command) => command.kill('SIGKILL'),
  expectEnd: ({ signal }) => expect(signal).toBe('SIGKILL'),
}
const serverKilled: Blow = {
  number: 1,
  strike: () => server.kill().then(() => server.start()),
  expectEnd({ code, stderr }) {
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^error: /) })
    expect(stderr).not.toMatch(stackTrace)
  },
}
const interrupted: Blow = {
  number: 2,
  strike: (command) => command.kill('SIGINT'),
  expectEnd({ code, signal, stderr }) {
    expect({ code, signal }).toEqual({ code: 130, signal: null })
    expect(stderr).not.toMatch(stackTrace)
  },
}

describe('nothing is half-done and nothing lost, and the next run completes what was left, after kill -9 at a random moment', () => {
  test.each(drawn(wanted / 2))('of %s', (command) => strikes(command, processKilled, kills), (1 + kills) * 60_000)
  test.each(drawn(wanted / 2))(
    'of the server under %s',
    (command) => strikes(command, serverKilled, kills),
    (1 + kills) * 60_000,
  )
})

describe('Ctrl-C at a random moment ends with status 130 and no stack trace, and leaves nothing half-done for the next run', () => {
  test.each(drawn(wanted / 4))('%s', (command) => strikes(command, interrupted, interrupts), (1 + interrupts) * 60_000)
})

async function strikes(command: string, blow: Blow, times: number): Promise<void> {
  const random = randomNumbers(seed + blow.number)
  const inTurn = cases[command] ?? []
  let late = 0
  for (let struck = 0; struck < times; ) {
    const one = inTurn[struck % inTurn.length] as Case
    const moment = randomMoment((await undisturbed(one)).pauses, random)
    const at = `SEED=${seed}, blow ${struck + 1}, ${moment.milliseconds} ms after message ${moment.messages}`
    // A blow that comes when the command is done is none, and another moment is drawn.
    if (await inCopy(server, one.template, (copy) => strike(one, blow, { copy, moment, at }))) struck++
    else expect(++late, `${at}: most blows come too late`).toBeLessThan(times + 10)
  }
  console.log(`${command}: ${times} in time, ${late} too late; SEED=${seed}`)
}

/** One blow, and what came of it; false where the command was done before. */
async function strike(one: Case, blow: Blow, { copy, moment, at }: Attempt): Promise<boolean> {
  const { url, db } = copy
  const { states, dump } = await undisturbed(one)
  const command = startCli([...one.words, '--url', proxy.through(url)], environment)
  let struck: unknown
  const callOff = strikeAt(moment, proxy, () => {
    struck = blow.strike(command.process)
  })
  const outcome = await command.ended
  callOff()
  await struck
  if (outcome.code !== 0) blow.expectEnd(outcome)

  await serverIsDone(db)
  const left = await one.read(db)
  for (const part of Object.keys(states[0] ?? {})) {
    const whole = states.map((state) => state[part])
    if (!whole.some((state) => isDeepStrictEqual(state, left[part])))
      expect(left[part], `${at}: ${part}, before the next run`).toEqual(whole.at(-1))
  }
  expect(await runCli([...one.words, '--url', url], environment), at).toMatchObject({ code: 0, stderr: '' })
  expect(await one.read(db), `${at}: after the next run`).toEqual(states.at(-1))
  if (dump !== undefined) expect(pgDump(url), `${at}: pg_dump after the next run`).toEqual(dump)
  await one.check(copy, server)
  return outcome.code !== 0
}

type Attempt = { copy: Copy; moment: Moment; at: string }

/** The server's side of a killed command finishes the statement it is in. */
async function serverIsDone(db: Copy['db']): Promise<void> {
  const others = () => db`select from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`
  await expect.poll(others, { interval: 5, timeout: 20_000 }).toHaveLength(0)
}

type Undisturbed = { states: State[]; dump: string | undefined; pauses: number[] }
const known = new Map<Case, Promise<Undisturbed>>()

/** The states that a case goes through, first to last, and the pauses between its messages. */
function undisturbed(one: Case): Promise<Undisturbed> {
  const found = known.get(one) ?? observe(one)
  known.set(one, found)
  return found
}

async function observe(one: Case): Promise<Undisturbed> {
  const between = one.steps.length > 0 ? await inCopy(server, one.template, (copy) => walk(one, copy)) : []
  return inCopy(server, one.template, async (copy) => {
    const { url, db } = copy
    const first = await one.read(db)
    const pauses = await listenTo(proxy, async () => {
      expect(await runCli([...one.words, '--url', proxy.through(url)], environment)).toMatchObject({
        code: 0,
        stderr: '',
      })
    })
    const last = await one.read(db)
    // Where the files say where it ends, the command is not asked.
    expect(last).toEqual(between.at(-1) ?? last)
    await one.check(copy, server)
    return { states: [first, ...between, last], dump: hasPgDump ? pgDump(url) : undefined, pauses }
  })
}

/** The states after each step, without the command. */
async function walk(one: Case, { db }: Copy): Promise<State[]> {
  const states: State[] = []
  for (const step of one.steps) {
    await runFile(db, step)
    states.push(await one.read(db))
  }
  return states
}
