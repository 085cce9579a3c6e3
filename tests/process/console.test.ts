import { spawn } from 'node:child_process'
import { describe, expect, test } from 'vitest'

/* `npm run console`, as a script uses it: lines on standard input, answers on standard output. */

type Answer = { code: number | null; stdout: string; stderr: string }

function piped(lines: string[]): Promise<Answer> {
  const child = spawn('npm', ['run', '--silent', 'console'], { shell: process.platform === 'win32' })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => {
    said.stdout += text
  })
  child.stderr.on('data', (text) => {
    said.stderr += text
  })
  child.stdin.end(lines.join('\n'))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...said })))
}

describe('npm run console', () => {
  test('prints the answer to each piped line, in order, and exits 0', async () => {
    const { code, stdout, stderr } = await piped([
      'await acme.integrations.list()',
      'const [row] = await sql`select count(*)::int from organization_integrations`',
      'row.count',
      'const names = (rows) => {',
      '  return rows.map((one) => one.integrationType)',
      '}',
      'names(await lions.integrations.list())',
      'names((await service.integrations.listScheduled()).rows)',
      "await db.forOrganization({ organizationId: lionsId, role: 'coordinator' }).integrations.get('xledger')",
      "await service.credentials.retrieve({ organizationId: acmeId, integrationType: 'xledger', reason: 'console' })",
    ])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const answers = [
      /integrationType: 'xledger',[\s\S]*?problems: \[\]\s+\}\s+\]\n/,
      /2\n/,
      /\[ 'dynamics' \]\n/,
      /\[ 'xledger' \]\n/,
    ]
    expect(stdout).toMatch(new RegExp(`${answers.map(({ source }) => source).join('')}null\\n\\[secret\\]\\n$`))
  })

  test('exits 1 where a line fails, says why, and still answers the lines behind it', async () => {
    const { code, stdout } = await piped(["await coordinator.integrations.delete('xledger')", '1 + 1'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^Uncaught[\s\S]*IntegrationsDbError: delete: role coordinator may only read[\s\S]*\n2\n$/)
  })
})
