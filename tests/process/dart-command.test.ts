import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { runCli } from '../support/command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'integrations-db-dart-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const cli = (...words: string[]) => runCli(['registry', ...words])

describe('integrations-db registry', { timeout: 120_000 }, () => {
  test('--dart writes the file, --check agrees with it; what differs is exit 1, and --json lists it', async () => {
    const file = join(folder, 'registry.dart')
    expect(await cli('--dart', file)).toMatchObject({ code: 0, stdout: `wrote ${file}\n` })
    expect(await cli('--check', file)).toMatchObject({ code: 0, stdout: `${file} has the labels of both enums\n` })
    writeFileSync(file, readFileSync(file, 'utf8').replace("consio = 'consio'", "consio = 'Consio'"))
    const wrong = await cli('--check', file, '--json')
    expect(wrong.code).toBe(1)
    expect(JSON.parse(wrong.stdout)).toEqual({
      findings: [
        {
          where: 'line 8, IntegrationType.consio',
          expected: 'consio',
          found: 'Consio',
          hint: "give it the value 'consio', a label of integration_type_enum",
          remedy: "give it the value 'consio', a label of integration_type_enum",
        },
      ],
    })
  })

  test('a file that cannot be read is exit 1, and a missing or doubled option exit 2', async () => {
    expect(await cli('--check', join(folder, 'none.dart'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be read (ENOENT)'),
    })
    for (const words of [[], ['--check'], ['--dart', 'a', '--check', 'b'], ['a.dart']]) {
      expect((await cli(...words)).code).toBe(2)
    }
  })
})
