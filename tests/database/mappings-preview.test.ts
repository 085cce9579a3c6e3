import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FieldMappings, previewMappings, resolveFieldMappings } from '../../src/index.ts'
import { runCli } from '../support/command-line.ts'
import { useDatabase } from '../support/database.ts'

const t = useDatabase()
let folder: string
let organization: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'integrations-db-preview-'))
  organization = await t.organization()
  await t.db
    .forOrganization({ organizationId: organization, role: 'admin' })
    .integrations.create({ integrationType: 'xledger', fieldMappings: mappings })
})
afterAll(() => rmSync(folder, { recursive: true }))

const mappings: FieldMappings = {
  amount: { path: 'invoiceAmount', transform: 'decimal_2', required: true },
  account: '"gl.object".code',
  source: { const: 'xledger' },
}
const good = { invoiceAmount: '1 234,50', 'gl.object': { code: '4000' } }
const ambiguous = { invoiceAmount: '1.234' }

function fileOf(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

const preview = (file: string, ...more: string[]) =>
  runCli([
    'mappings',
    'preview',
    '--organization',
    organization,
    '--type',
    'xledger',
    '--records',
    file,
    '--url',
    t.adminUrl,
    ...more,
  ])

const everything = async () =>
  t.admin`select i.*, i.xmin::text, (select count(*) from organization_integration_events) as events from organization_integrations as i`

describe('mappings preview', () => {
  test('shows values and problems of each record in a table, exits 1 for a problem, and writes nothing', async () => {
    const before = await everything()
    const file = fileOf('mixed.jsonl', [good, ambiguous, {}].map((record) => JSON.stringify(record)).join('\n'))
    const { code, stdout, stderr } = await preview(file)
    expect([code, stderr]).toEqual([1, ''])
    expect(stdout.split('\n').slice(0, 5)).toEqual([
      'record  amount  source   account  problems',
      '1       1234.5  xledger  4000',
      expect.stringMatching(/^2 +amount: must say which sign is which: .* for decimal_2$/),
      expect.stringMatching(/^3 +amount: is required, and nothing is at its path$/),
      '3 records, 2 with problems',
    ])
    expect(await everything()).toEqual(before)
  })

  test('gives one JSON document with --json, the same as the function over the records', async () => {
    const records = [good, good]
    const { code, stdout } = await preview(
      fileOf('good.jsonl', records.map((one) => JSON.stringify(one)).join('\n')),
      '--json',
    )
    expect(code).toBe(0)
    const expected = []
    for await (const one of previewMappings(mappings, records)) expected.push(one)
    expect(JSON.parse(stdout)).toEqual({
      organizationId: organization,
      integrationType: 'xledger',
      problems: [],
      failed: 0,
      records: expected,
    })
  })

  test('reads CRLF, a byte order mark, empty lines and a line without an end, and numbers records by their line', async () => {
    const file = fileOf('windows.jsonl', `\ufeff${JSON.stringify(good)}\r\n\r\n${JSON.stringify(good)}`)
    const { records } = JSON.parse((await preview(file, '--json')).stdout)
    expect(records.map(({ record, problems }: { record: number; problems: object[] }) => [record, problems])).toEqual([
      [1, []],
      [3, []],
    ])
    expect(JSON.parse((await preview(fileOf('empty.jsonl', ''), '--json')).stdout)).toMatchObject({
      failed: 0,
      records: [],
    })
  })

  test('a line that is no JSON, or no object, is a problem of that line alone, and is not quoted', async () => {
    const file = fileOf('broken.jsonl', `canary4242 {\n[1]\n"canary4242"\n${JSON.stringify(good)}\n`)
    const { code, stdout, stderr } = await preview(file, '--json')
    expect(code).toBe(1)
    expect(stdout + stderr).not.toContain('canary')
    const { records, failed } = JSON.parse(stdout)
    expect(failed).toBe(3)
    expect(records.map(({ problems }: { problems: { rule: string }[] }) => problems[0]?.rule)).toEqual([
      'must be one JSON document on a line',
      expect.stringContaining('must have a path that can be reached'),
      'must be an object',
      undefined,
    ])
  })

  test('reads a file of any length, and standard input', async () => {
    const line = `${JSON.stringify(good)}\n`
    const { code, stdout } = await preview(fileOf('long.jsonl', line.repeat(150_000)))
    expect(code).toBe(0)
    expect(stdout.slice(-70)).toContain('150000 records, 0 with problems\n')

    const words = ['--organization', organization, '--type', 'xledger', '--records', '-', '--url', t.adminUrl]
    const piped = await runCli(['mappings', 'preview', ...words], {}, `${line}{}\n`)
    expect([piped.code, piped.stdout]).toEqual([1, expect.stringContaining('2 records, 1 with problems')])
  }, 60_000)

  test('prints nothing that a terminal would obey, and cuts what is long', async () => {
    const record = { ...good, 'gl.object': { code: `\u001b[31m\u202e${'x'.repeat(100)}` } }
    const { stdout } = await preview(fileOf('terminal.jsonl', JSON.stringify(record)))
    for (const sign of ['\u001b', '\u202e']) expect(stdout).not.toContain(sign)
    expect(stdout).toMatch(/\\u\{1b\}\[31m\\u\{202e\}x+…/)
  })

  test('a stored document that breaks a rule is said once, and no record is read', async () => {
    const id = await t.organization()
    await t.admin.begin(async (tx) => {
      await tx`set local session_replication_role = replica`
      await tx`insert into organization_integrations (organization_id, integration_type, field_mappings) values (${id}, 'consio', '{"a-b": "x"}')`
    })
    const words = [
      'mappings',
      'preview',
      '--organization',
      id,
      '--type',
      'consio',
      '--records',
      'nowhere',
      '--url',
      t.adminUrl,
    ]
    expect(await runCli(words)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^field_mappings\.\*: must be a letter/),
    })
  })

  test.each<[string, string[], number, RegExp]>([
    ['no --records', ['--organization', 'ORG', '--type', 'xledger'], 2, /--records/],
    [
      'no organization’s id',
      ['--organization', 'acme', '--type', 'xledger', '--records', 'x'],
      1,
      /organization: must be a uuid/,
    ],
    ['an unknown system', ['--organization', 'ORG', '--type', 'sap', '--records', 'x'], 1, /type: must be one of/],
    [
      'a system that is not connected',
      ['--organization', 'ORG', '--type', 'bufdir', '--records', 'x'],
      1,
      /has no such integration/,
    ],
    [
      'a file that is not there',
      ['--organization', 'ORG', '--type', 'xledger', '--records', 'nowhere'],
      1,
      /^error: records nowhere: cannot be read \(ENOENT\); name a file/,
    ],
    [
      'a folder',
      ['--organization', 'ORG', '--type', 'xledger', '--records', tmpdir()],
      1,
      /records .*: cannot be read \(EISDIR\); name a file/,
    ],
  ])('refuses %s', async (_, words, code, message) => {
    const given = words.map((word) => (word === 'ORG' ? organization : word))
    expect(await runCli(['mappings', 'preview', ...given, '--url', t.adminUrl])).toMatchObject({
      code,
      stderr: expect.stringMatching(message),
    })
  })
})

test('the function takes any iterable, one record at a time, with transforms of your own, and throws what it throws', async () => {
  let made = 0
  async function* stream() {
    for (;;) {
      made += 1
      if (made === 3) throw new Error('the stream ended')
      yield { n: made }
    }
  }
  const double = { reads: 'must be a number', apply: (value: unknown) => Number(value) * 2 }
  const seen: unknown[] = []
  const read = async () => {
    for await (const one of previewMappings({ n: { path: 'n', transform: 'double' } }, stream(), {
      transforms: { double },
    })) {
      expect(one.record).toBe(made)
      seen.push(one.values.n)
    }
  }
  await expect(read()).rejects.toThrow('the stream ended')
  expect(seen).toEqual([2, 4])
  for await (const { record, ...resolution } of previewMappings(mappings, new Set([good, ambiguous, null])))
    expect(resolution).toEqual(resolveFieldMappings(mappings, [good, ambiguous, null][record - 1]))
})
