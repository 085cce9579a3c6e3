import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type IntegrationType, systems } from '../../src/index.ts'

/* What an editor offers: the language server of TypeScript is asked, over the protocol that editors speak. */

const file = resolve('tests/completions/sample.ts')
const uri = pathToFileURL(file).href
const text = readFileSync(file, 'utf8')

let server: ChildProcess
let last = 0
const answers = new Map<number, (result: unknown) => void>()

function send(message: object): void {
  const body = JSON.stringify({ jsonrpc: '2.0', ...message })
  server.stdin?.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

function ask<T>(method: string, params: object): Promise<T> {
  const id = ++last
  return new Promise((done) => {
    answers.set(id, done as (result: unknown) => void)
    send({ id, method, params })
  })
}

/** Reads whole messages; what the server asks of the editor gets an empty answer. */
function listen(stream: NodeJS.ReadableStream): void {
  let read = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    read = Buffer.concat([read, chunk])
    for (;;) {
      const header = /^Content-Length: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n/i.exec(read.toString('latin1'))
      const end = header === null ? Number.POSITIVE_INFINITY : header[0].length + Number(header[1])
      if (header === null || read.length < end) return
      const { id, method, params, result } = JSON.parse(read.toString('utf8', header[0].length, end))
      read = read.subarray(end)
      if (method === undefined) answers.get(id)?.(result)
      else if (id !== undefined)
        send({ id, result: method === 'workspace/configuration' ? params.items.map(() => null) : null })
    }
  })
}

beforeAll(async () => {
  server = spawn(join('node_modules', '.bin', 'tsc'), ['--lsp', '--stdio'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    shell: process.platform === 'win32',
  })
  if (server.stdout !== null) listen(server.stdout)
  await ask('initialize', { processId: process.pid, rootUri: pathToFileURL(resolve('.')).href, capabilities: {} })
  send({ method: 'initialized', params: {} })
  send({
    method: 'textDocument/didOpen',
    params: { textDocument: { uri, languageId: 'typescript', version: 1, text } },
  })
})
afterAll(() => server.kill())

async function offered(where: string): Promise<string[]> {
  const before = text.slice(0, text.indexOf(`/* here: ${where} */`)).split('\n')
  expect(before.length, where).toBeGreaterThan(1)
  const position = { line: before.length - 1, character: before.at(-1)?.length ?? 0 }
  type List = { items: { label: string }[] }
  const { items } = await ask<List>('textDocument/completion', { textDocument: { uri }, position })
  return items.map(({ label }) => label.replace(/\?$/, ''))
}

describe('an editor offers the mapping targets of the system that is named', () => {
  test.each<[where: string, IntegrationType]>([
    ['setFieldMappings', 'xledger'],
    ['update', 'bufdir'],
    ['create', 'consio'],
    ['upsert', 'cornerstone'],
    ['in a transaction', 'dynamics'],
    ['service', 'bufdir'],
  ])('in %s of %s, all of them but those that stand there, and none of another system', async (where, system) => {
    const ours = Object.keys(systems[system].mappingTargets)
    const others = Object.values(systems).flatMap(({ mappingTargets }) => Object.keys(mappingTargets))
    const labels = await offered(where)
    const there = where === 'setFieldMappings' ? ['amount'] : where === 'service' ? ['participants'] : []
    expect(ours.filter((target) => !labels.includes(target))).toEqual(there)
    expect(others.filter((target) => labels.includes(target) && !ours.includes(target))).toEqual([])
  })
})
