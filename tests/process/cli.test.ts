import { randomUUID } from 'node:crypto'
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { status } from '../../src/deployment/status.ts'
import { runCli } from '../support/command-line.ts'
import { beforeRules, useDatabase } from '../support/database.ts'

const t = useDatabase()
const host = useDatabase('host')
const logins: string[] = []

afterAll(async () => {
  for (const name of logins) await t.admin.unsafe(`drop role if exists ${name}`)
})

const cli = (...words: string[]) => runCli(words)

describe('integrations-db', () => {
  test('migrates, finds nothing to do, refuses to lose data, and rolls back when told to', async () => {
    const url = ['--url', host.adminUrl]
    expect((await cli('migrate', ...url)).stdout).toMatch(/^applied\n.*create_organization_integrations\.sql/s)
    expect(await cli('migrate', ...url, '--json')).toMatchObject({
      code: 0,
      stdout: '{"applied":[],"pending":[]}\n',
      stderr: '',
    })
    expect(await cli('rollback', '--to', '20261123195735', ...url)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('pass --yes'),
    })
    expect(await cli('rollback', '--steps', '9', '--yes', ...url)).toMatchObject({ code: 0 })
    expect(await host.admin`select from pg_tables where tablename = 'organization_integrations'`).toHaveLength(0)
  })

  test('records of its own migrations what the parser reads in their files', async () => {
    const url = host.adminUrl
    expect(await cli('migrate', '--url', url)).toMatchObject({ code: 0 })
    // From the sources, whose statements are not cut yet; the build has them cut.
    expect((await status({ url, supabase: 'supabase' })).problems).toEqual([])
    expect(await cli('rollback', '--steps', '99', '--yes', '--url', url)).toMatchObject({ code: 0 })
  })

  test('export exits 1 with --check where a copy is missing or edited, and 0 once it has written them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'integrations-db-export-'))
    const migrations = join(folder, 'supabase', 'migrations')
    try {
      mkdirSync(migrations, { recursive: true })
      expect(await cli('export', folder)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('supabase db pull'),
      })
      writeFileSync(join(migrations, '20990101000000_own.sql'), 'create table organizations (id uuid primary key);')
      expect(await cli('export', folder, '--check')).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^missing/),
      })
      expect(await cli('export', folder, '--dry-run')).toMatchObject({ code: 0 })
      expect(readdirSync(migrations)).toHaveLength(1)
      expect(await cli('export', folder)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^copied into/) })
      expect(await cli('export', folder, '--check')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('has all'),
      })
      appendFileSync(join(migrations, readdirSync(migrations).at(-1) ?? ''), '-- mine')
      const { code, stdout } = await cli('export', folder, '--check', '--json')
      expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 1, copied: [], problems: [expect.any(String)] })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('makes a login that can do what the client needs and nothing by itself', async () => {
    for (const [flags, field] of [
      [[], 'url'],
      [['--service'], 'serviceUrl'],
    ] as const) {
      const name = `test_login_${randomUUID().slice(0, 8)}`
      logins.push(name)
      const { code, stdout } = await cli('login', 'create', name, ...flags, '--url', t.adminUrl, '--json')
      expect(code).toBe(0)
      const login = new URL(t.adminUrl)
      login.username = name
      login.password = JSON.parse(stdout).password
      const db = t.connect({ [field]: login.href })
      const organizationId = await t.organization()
      const scope =
        field === 'url'
          ? db.forOrganization({ organizationId, role: 'admin' })
          : db.asService({ actor: 'test' }).forOrganization(organizationId)
      expect(await scope.integrations.list()).toEqual([])
      expect(
        await t.admin`select from pg_roles where rolname = ${name} and not rolinherit and not rolsuper and not rolbypassrls`,
      ).toHaveLength(1)
      expect(await cli('login', 'create', name, '--url', t.adminUrl)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`role ${name} exists`),
      })
    }
  })

  test('builds, and says with --check that nothing is missing', async () => {
    expect(await cli('build', '--check')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+ migrations, nothing to write\n$/),
    })
  })

  test('bootstraps twice, shows a login its password the first time, and makes none where told so', async () => {
    const login = `test_login_${randomUUID().slice(0, 8)}`
    logins.push(login)
    const url = ['--url', host.adminUrl]
    const first = await cli('bootstrap', '--login', login, ...url)
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/its password, shown this once: \S{32}/) })
    expect(await cli('bootstrap', '--login', login, ...url)).toMatchObject({
      code: 0,
      stdout: `nothing to create\nlogin ${login} exists; its password was shown when it was made\n`,
    })
    expect(JSON.parse((await cli('bootstrap', '--no-login', '--json', ...url)).stdout)).toEqual({
      created: [],
      login: null,
    })
  })

  test('revokes after a plan, audits, locks down and lifts, with one JSON document where it is asked for', async () => {
    const url = ['--url', t.adminUrl]
    const organizationId = await t.organization()
    await beforeRules(
      t.admin,
      `insert into organization_integrations (organization_id, integration_type, status) values ($1, 'xledger', 'active')`,
      [organizationId],
    )
    const plan = await cli('credentials', 'revoke', '--all', ...url)
    expect(plan).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('dry run: pass --apply to make these changes'),
    })
    expect(plan.stdout).toContain(`organization ${organizationId}: 1 integrations`)
    const done = await cli('credentials', 'revoke', '--organization', organizationId, '--apply', '--json', ...url)
    expect(JSON.parse(done.stdout)).toMatchObject({ applied: true, failures: [] })
    expect(await cli('credentials', 'revoke', '--all', '--apply', ...url)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nothing left to do'),
    })
    expect(await cli('credentials', 'audit', ...url)).toMatchObject({ code: 0, stdout: 'nothing found\n' })
    await t.admin`insert into integrations.encrypted_secrets (key_id, ciphertext) values ('k', '')`
    expect(await cli('credentials', 'audit', ...url)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('orphaned secret'),
    })
    expect((await cli('lockdown', ...url)).stdout).toMatch(/^took \d+ privileges away; who can read or write/)
    expect((await cli('lockdown', '--lift', ...url)).stdout).toMatch(/^gave back \d+ privileges/)
  })

  test.each([
    [[], /missing command/],
    [['fly'], /unknown command fly/],
    [['migrate', 'now'], /unexpected argument/],
    [['migrate', '--steps', '1'], /unknown option --steps/],
    [['rollback'], /--steps N or --to VERSION/],
    [['rollback', '--steps', '0'], /--steps N: a whole number from 1/],
    [['login', 'create'], /missing argument NAME/],
    [['export'], /missing argument DIR/],
    [['build', '--fast'], /--fast/],
    [['credentials'], /takes one of audit, revoke, move, rotate-key/],
    [['credentials', 'revoke'], /--organization ID or --all, one of them/],
    [['credentials', 'move'], /--to vault/],
  ])('answers wrong usage %j with exit 2 and the usage', async (words, message) => {
    const { code, stderr } = await cli(
      ...words,
      ...(['build', 'export'].includes(words[0] ?? '') ? [] : ['--url', t.adminUrl]),
    )
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).toContain('integrations-db')
  })

  test.each(['migrate', 'rollback', 'status', 'export', 'login create', 'credentials move'])(
    'says with --help what %s does, with an example',
    async (name) => {
      const { code, stdout } = await cli(...name.split(' '), '--help')
      expect(code).toBe(0)
      expect(stdout).toContain(`Example: integrations-db ${name}`)
      expect(stdout).not.toContain('\u001b')
    },
  )

  test('paints only where it is read on a terminal, and never under NO_COLOR', async () => {
    const painted = (environment: NodeJS.ProcessEnv) => runCli(['--help'], environment)
    expect((await painted({ FORCE_COLOR: '1' })).stdout).toContain('\u001b[1m')
    expect((await painted({})).stdout).not.toContain('\u001b')
    expect((await painted({ NO_COLOR: '1' })).stdout).not.toContain('\u001b')
  })

  test('reports status as a person reads it, and as one JSON document', async () => {
    const url = ['--url', t.adminUrl]
    const { code, stdout } = await cli('status', ...url)
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^applied\n.*create_organization_integrations\.sql.*nothing is pending\n0 of the host's own\n$/s,
    )
    expect(JSON.parse((await cli('status', '--json', ...url)).stdout)).toMatchObject({
      pending: [],
      host: 0,
      problems: [],
    })
  })

  test('shows no stack of an error unless asked with --debug', async () => {
    const gone = ['migrate', '--supabase', 'nowhere', '--url', t.adminUrl]
    expect(await cli(...gone)).toMatchObject({ code: 1, stdout: '', stderr: expect.not.stringContaining('    at ') })
    const { stderr } = await cli(...gone, '--debug')
    expect(stderr).toMatch(/^ {4}at .*file:\/\/\/.*\.js:\d+:\d+/m)
    expect(stderr).not.toContain('…@')
  })

  test('says its version as a text, and as one JSON document', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect((await cli('--version')).stdout).toBe(`${version}\n`)
    expect(JSON.parse((await cli('--version', '--json')).stdout)).toEqual({ version })
  })

  test('names the folder that export was given, and the argument where it is empty', async () => {
    for (const [given, named] of [
      ['', 'DIR'],
      ['nowhere', 'nowhere'],
    ] as const)
      expect(await cli('export', given)).toMatchObject({
        code: 1,
        stderr: `error: ${named}: is no folder; name your project's folder\n`,
      })
  })

  test.each([
    ['where a word was expected to be a command', []],
    ['where --url was forgotten', ['status']],
    ['where the login has an argument too many', ['login', 'create', 'backend']],
  ])('never prints a URL %s', async (_, words) => {
    const { code, stdout, stderr } = await cli(...words, 'postgresql://me:canary-password@127.0.0.1:1/x')
    expect(code).toBe(2)
    expect(stdout + stderr).not.toContain('canary-password')
  })

  test('never prints the password of a URL, also not when the server is unreachable', async () => {
    const { code, stdout, stderr } = await cli('migrate', '--url', 'postgresql://me:canary-password@127.0.0.1:1/x')
    expect(code).toBe(1)
    expect(stderr).toContain('cannot be reached')
    expect(stdout + stderr).not.toContain('canary-password')
  })
})
