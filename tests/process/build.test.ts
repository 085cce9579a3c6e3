import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { diffExtras, type Extra } from '../../src/extras/extra.ts'
import { build, readExtras } from '../../src/migrations/build.ts'
import { readDrizzleFolder } from '../../src/migrations/drizzle-folder.ts'
import { extras as declared } from '../../src/schema/extras.ts'
import { builtFiles, inDatabase, runFile, schemaOf } from '../support/projects.ts'

let folder: string
let options: { drizzle: string; supabase: string }

/** A copy of this project's own folders, to be spoilt. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'integrations-db-build-'))
  options = { drizzle: join(folder, 'drizzle'), supabase: join(folder, 'supabase') }
  cpSync('drizzle', options.drizzle, { recursive: true })
  cpSync('supabase', options.supabase, { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const snapshot = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name), 'utf8')])
const newest = (kind: 'migrations' | 'rollbacks') =>
  join(options.supabase, kind, readdirSync(join(options.supabase, kind)).sort().at(-1) ?? '')
const edit = (file: string, change: (text: string) => string) => writeFileSync(file, change(readFileSync(file, 'utf8')))
const refusal = async (check = false) => {
  const before = snapshot(folder)
  const error = await build({ ...options, check }).catch((error) => error)
  expect(snapshot(folder)).toEqual(before)
  return error
}

describe('integrations-db build', () => {
  test('writes from drizzle/ alone the same bytes every time, and migrations that lead where the committed ones lead', async () => {
    const fromNothing = async () => {
      rmSync(join(options.supabase, 'migrations'), { recursive: true })
      rmSync(join(options.supabase, 'rollbacks'), { recursive: true })
      const { written } = await build(options)
      expect(written).toHaveLength(2 * readdirSync('supabase/migrations').length)
      return snapshot(options.supabase)
    }
    const ledTo = (supabase: string) =>
      inDatabase(async (db) => {
        for (const { up } of builtFiles(supabase)) await runFile(db, up)
        return schemaOf(db)
      })
    const committed = await ledTo(options.supabase)
    const first = await fromNothing()
    expect(await ledTo(options.supabase)).toEqual(committed)
    expect(await fromNothing()).toEqual(first)
  })

  test('has nothing to do the second time', async () => {
    expect((await build(options)).written).toEqual([])
    expect((await build({ ...options, check: true })).written).toEqual([])
  })

  test('names every migration and rollback alike, so that each has its reverse', () => {
    const names = (kind: string) => readdirSync(join('supabase', kind))
    expect(names('migrations')).toEqual(names('rollbacks'))
    for (const name of names('migrations')) expect(name).toMatch(/^\d{14}_[a-z_]+\.sql$/)
  })

  test.each(['migrations', 'rollbacks'] as const)('refuses a file of %s that was edited by hand', async (kind) => {
    edit(newest(kind), (text) => text.replace(/'1min'/, "'9min'"))
    expect(await refusal()).toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/edited by hand.*restore it/),
    })
  })

  test('refuses a drizzle migration that changed after its file was written', async () => {
    const name =
      readdirSync(options.drizzle).find((file) => file.endsWith('create_organization_integrations.sql')) ?? ''
    edit(join(options.drizzle, name), (text) => text.replace("DEFAULT 'inactive'", "DEFAULT 'error'"))
    expect(await refusal()).toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/built from a source with hash .* now have .*generate a new migration/),
    })
  })

  test('refuses extras that changed after their file was written', async () => {
    const file = join(options.supabase, 'extras', readdirSync(join(options.supabase, 'extras')).at(-1) ?? '')
    edit(file, (text) => text.replace('grant select on', 'grant truncate on'))
    expect(await refusal()).toMatchObject({ code: 'conflict' })
  })

  test('refuses with --check what is missing, and writes nothing', async () => {
    rmSync(join(options.supabase, 'migrations'), { recursive: true })
    rmSync(join(options.supabase, 'rollbacks'), { recursive: true })
    await build(options)
    rmSync(newest('rollbacks'))
    expect(await refusal(true)).toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/missing.*run integrations-db build/),
    })
  })

  test('refuses a file of ours that follows from no migration', async () => {
    cpSync(newest('migrations'), join(options.supabase, 'migrations', '20990101000000_stray.sql'))
    expect(await refusal()).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('20990101000000_stray.sql'),
    })
  })

  test("leaves another project's files alone, which export put beside its own", async () => {
    const theirs = (text: string) => text.replace(/^-- project: .*$/m, '-- project: 0123456789abcdef')
    for (const kind of ['migrations', 'rollbacks'] as const) {
      const copy = join(options.supabase, kind, '20990101000000_theirs.sql')
      cpSync(newest(kind), copy)
      edit(copy, theirs)
    }
    expect(await build({ ...options, check: true })).toMatchObject({ written: [] })
  })

  test('refuses a statement that no file can hold, naming file, line, statement and reason, and writes nothing', async () => {
    const tag = '20990101000000_odd'
    const journal = join(options.drizzle, 'meta', '_journal.json')
    const parsed = JSON.parse(readFileSync(journal, 'utf8'))
    const last = parsed.entries.at(-1)
    parsed.entries.push({ ...last, idx: last.idx + 1, tag })
    writeFileSync(journal, JSON.stringify(parsed))
    cpSync(
      join(options.drizzle, 'meta', `${last.tag.slice(0, 14)}_snapshot.json`),
      join(options.drizzle, 'meta', '20990101000000_snapshot.json'),
    )
    writeFileSync(
      join(options.drizzle, `${tag}.sql`),
      'CREATE SCHEMA "fine";\n--> statement-breakpoint\nCREATE DATABASE other;',
    )
    expect(await refusal()).toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(
        /20990101000000_odd\.sql:3: CREATE DATABASE has no form that can run twice.*before its migrations run/,
      ),
    })
  })

  test('refuses a folder that is none of drizzle-kit', async () => {
    await expect(build({ ...options, drizzle: join(folder, 'nothing') })).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('drizzle-kit generate'),
    })
    writeFileSync(join(options.drizzle, 'meta', '_journal.json'), '{')
    await expect(build(options)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('is not JSON'),
    })
    writeFileSync(join(options.drizzle, 'meta', '_journal.json'), '{"dialect":"mysql","entries":[]}')
    await expect(build(options)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('"mysql"'),
    })
  })

  test('gives each migration 14 digits, later than its predecessor, from the prefix or else from the journal', async () => {
    const journal = join(options.drizzle, 'meta', '_journal.json')
    const { entries, ...rest } = JSON.parse(readFileSync(journal, 'utf8'))
    const renamed = entries.map((entry: { tag: string }, i: number) => {
      const tag = `000${i}_${entry.tag.slice(15)}`
      cpSync(join(options.drizzle, `${entry.tag}.sql`), join(options.drizzle, `${tag}.sql`))
      cpSync(
        join(options.drizzle, 'meta', `${entry.tag.slice(0, 14)}_snapshot.json`),
        join(options.drizzle, 'meta', `000${i}_snapshot.json`),
      )
      return { ...entry, tag, when: Date.UTC(2025, 11, 31, 23, 59, 59) }
    })
    writeFileSync(journal, JSON.stringify({ ...rest, entries: renamed }))
    const supabase = join(folder, 'other')
    await build({ ...options, supabase })
    const names = readdirSync(join('supabase', 'migrations')).map((name) => name.slice(15))
    const versions = ['20251231235959', ...names.map((_, i) => String(20260101000000 + i))]
    expect(readdirSync(join(supabase, 'migrations'))).toEqual(names.map((name, i) => `${versions[i]}_${name}`))
  })
})

/** Other tests read this project; these change one. */
function copyOfProject(): string {
  const copy = join(folder, 'project')
  const files = ['docs/schema.md', 'tests/support/registry.dart', 'package.json', 'tsconfig.json', 'drizzle.config.ts']
  for (const path of ['src', 'scripts', 'drizzle', 'supabase', ...files]) {
    cpSync(path, join(copy, path), { recursive: true })
  }
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'), 'junction')
  return copy
}

const generate = (folder: string, ...words: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'scripts/generate.ts', ...words], { cwd: folder, encoding: 'utf8' })

describe('npm run db:check', () => {
  test('fails with a word for each of what follows from src/schema no longer: migrations, extras, diagram', () => {
    const copy = copyOfProject()
    for (const [file, from, to] of [
      ['src/schema/organization-integrations.ts', "text('sync_schedule')", "text('sync_plan')"],
      ['src/schema/extras.ts', "service_role: ['select', ", 'service_role: ['],
    ] as const) {
      edit(join(copy, file), (text) => {
        expect(text).toContain(from)
        return text.replace(from, to)
      })
    }
    const { status, stderr } = generate(copy, '--check')
    expect(status).toBe(1)
    for (const what of ['drizzle/', 'supabase/extras'])
      expect(stderr).toContain(`${what} does not follow from src/schema`)
    expect(stderr).toContain('docs/schema.md: the diagram is not of src/schema')
  })
})

describe('npm run db:generate', () => {
  test('fails where drizzle-kit wants to know whether something was renamed, and says how to answer', () => {
    const copy = copyOfProject()
    edit(join(copy, 'src/schema/organization-integrations.ts'), (text) =>
      text.replace("text('sync_schedule')", "text('sync_plan')"),
    )
    const before = snapshot(join(copy, 'supabase'))
    const { status, stderr } = generate(copy, '--name', 'rename_schedule')
    expect(status).toBe(1)
    expect(stderr).toMatch(/drizzle-kit wrote no file.*npx drizzle-kit generate in a terminal and answer/)
    expect(snapshot(join(copy, 'supabase'))).toEqual(before)
  })
})

describe('extras', () => {
  const extra = (key: string, phase: Extra['phase'], create = `create ${key}`, more: Partial<Extra> = {}): Extra => ({
    key,
    phase,
    create,
    drop: `drop ${key}`,
    ...more,
  })
  const kept = () => true

  test('of this package are those that its newest migration was built from', async () => {
    const built = await Promise.all((await readDrizzleFolder('drizzle')).map((one) => readExtras('supabase', one)))
    expect(built.findLast((list) => list !== undefined)).toEqual(JSON.parse(JSON.stringify(declared)))
  })

  test('that did not change give no statement', () => {
    const same = [extra('f', 'before'), extra('g', 'after')]
    expect(Object.values(diffExtras(same, same, kept)).flat()).toEqual([])
  })

  test('that changed alone give their new form up, and their old form down', () => {
    const [old, now] = [[extra('f', 'before', 'body 1')], [extra('f', 'before', 'body 2')]]
    expect(diffExtras(old, now, kept).createBefore).toEqual(['body 2'])
    expect(diffExtras(now, old, kept).createBefore).toEqual(['body 1'])
  })

  test('are dropped in reverse, and not at all where their table goes with them', () => {
    const from = [
      extra('f', 'before'),
      extra('g', 'before'),
      extra('t', 'after', 'x', { on: 'public.gone' }),
      extra('u', 'after', 'x', { on: 'public.stays' }),
    ]
    const diff = diffExtras(from, [], (object) => object === 'public.stays')
    expect(diff.dropBefore).toEqual(['drop g', 'drop f'])
    expect(diff.dropAfter).toEqual(['drop u'])
  })
})
