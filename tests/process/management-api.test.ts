import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { projectQueries } from '../../src/admin/management-api.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { status } from '../../src/deployment/status.ts'
import { readCatalog } from '../support/catalog.ts'
import { sqlFiles } from '../support/files.ts'
import {
  lookAlikeRef,
  lookAlikeToken,
  type ManagementApiLookAlike,
  startLookAlike,
} from '../support/management-api-look-alike.ts'
import { inDatabase, refusal, urlOf } from '../support/projects.ts'

/* The real client of the Management API, against a server that answers with the API's shapes. */

const names = sqlFiles('migrations').map(({ name }) => name)
let api: ManagementApiLookAlike
afterEach(() => api.stop())

type Sql = Parameters<Parameters<typeof inDatabase>[0]>[0]

const project = (changes = {}) => ({
  projectRef: lookAlikeRef,
  accessToken: lookAlikeToken,
  apiUrl: api.apiUrl,
  firstPauseSeconds: 0.01,
  ...changes,
})

function onProject(work: (sql: Sql, url: string) => Promise<void>): Promise<void> {
  return inDatabase(async (sql) => {
    api = await startLookAlike(urlOf(sql))
    await work(sql, urlOf(sql))
  })
}

const historyOf = async (sql: Sql) => [
  ...(await sql`select * from supabase_migrations.schema_migrations order by version`),
]

describe('a hosted project without a direct connection', () => {
  test('is migrated to the same database and the same history as one that is reached directly', () =>
    onProject(async (sql) => {
      expect(await migrate(project())).toEqual({ applied: names, pending: [] })
      await inDatabase(async (direct) => {
        await migrate({ url: urlOf(direct) })
        expect(await readCatalog(sql)).toEqual(await readCatalog(direct))
        expect(await historyOf(sql)).toEqual(await historyOf(direct))
      })
      expect(await migrate(project())).toEqual({ applied: [], pending: [] })
      expect(await status(project())).toEqual({ applied: names, pending: [], host: 0, problems: [] })
    }))

  test('goes on where a direct connection stopped, and the other way round', () =>
    onProject(async (_, url) => {
      await migrate({ url, to: '20261123195743' })
      expect((await migrate(project({ to: '20261124060023' }))).applied).toEqual([names[2]])
      expect((await migrate({ url })).applied).toEqual(names.slice(3))
    }))

  test('that several migrate at once gets every file once', () =>
    onProject(async (sql) => {
      const reports = await Promise.all(Array.from({ length: 3 }, () => migrate(project())))
      expect(reports.flatMap(({ applied }) => applied).sort()).toEqual(names)
      expect(await historyOf(sql)).toHaveLength(names.length)
    }))
})

describe('an answer of the Management API', () => {
  test('of too many requests or of a failing server is asked for again, each time after a longer pause', () =>
    onProject(async (sql) => {
      api.faults.push({ status: 429 }, { status: 500 }, { status: 502 }, { status: 503 })
      await migrate(project({ firstPauseSeconds: 0.05 }))
      const at = api.requests.map(({ atMilliseconds }) => atMilliseconds)
      const pauses = at.slice(1, 5).map((time, i) => time - (at[i] ?? 0))
      for (const [i, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual(50 * 2 ** i - 5)
      expect(await historyOf(sql)).toHaveLength(names.length)
    }))

  test('that says when to come back is asked for then, not before', () =>
    onProject(async () => {
      api.faults.push({ status: 429, retryAfterSeconds: 1 })
      await (await projectQueries(project())).query('select 1')
      const [first, second] = api.requests
      expect((second?.atMilliseconds ?? 0) - (first?.atMilliseconds ?? 0)).toBeGreaterThanOrEqual(995)
    }))

  test('that is lost after the file was applied does not apply it twice', () =>
    onProject(async (sql) => {
      // History's existence, its table, then the first file.
      api.faults.push(undefined, undefined, 'answer lost')
      await migrate(project())
      expect(await historyOf(sql)).toHaveLength(names.length)
      expect(await status(project())).toMatchObject({ applied: names, problems: [] })
    }))

  test('that stays out in the middle ends with what was applied before, and the next run completes it', () =>
    onProject(async (sql) => {
      api.faults.push(undefined, undefined, undefined, ...Array.from({ length: 6 }, () => ({ status: 503 })))
      expect(await refusal(migrate(project()))).toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(
          /create_organization_integrations\.sql: the Management API answers HTTP 503, 6 times.*applied before it: .*create_integrations_schema\.sql/,
        ),
      })
      expect(await historyOf(sql)).toHaveLength(1)
      expect((await migrate(project())).applied).toEqual(names.slice(1))
    }))

  test.each([
    [
      'a token it does not know',
      { accessToken: 'sbp_canary_wrong' },
      'permission_denied',
      /SUPABASE_ACCESS_TOKEN.*401/,
    ],
    ['a project it does not know', { projectRef: 'q'.repeat(20) }, 'not_found', /projectRef.*404/],
    ['a reference that is none', { projectRef: '../other' }, 'invalid_input', /20 lower-case letters/],
    ['no token', { accessToken: '' }, 'invalid_input', /SUPABASE_ACCESS_TOKEN: is missing/],
    ['no server', { apiUrl: 'http://127.0.0.1:1' }, 'unavailable', /cannot be reached, 6 times/],
  ])('to %s is an error that says so, without the token', (_, changes, code, message) =>
    onProject(async () => {
      const error = await refusal(status(project(changes)))
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
      expect(error.message).not.toMatch(/sbp_/)
    }),
  )
})

describe('a file that the server refuses through the Management API', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'integrations-db-api-'))
    cpSync('supabase', folder, { recursive: true })
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test("is named with PostgreSQL's own words, and nothing of it stays", () =>
    onProject(async (sql) => {
      writeFileSync(join(folder, 'migrations', '20270101000000_broken.sql'), 'create table halfway ();\nselect 1 / 0;')
      expect(await refusal(migrate(project({ supabase: folder })))).toMatchObject({
        code: 'invalid_input',
        sqlState: '22012',
        message: expect.stringMatching(
          /20270101000000_broken\.sql: division by zero; nothing of this file was applied/,
        ),
      })
      expect(await sql`select from pg_tables where tablename = 'halfway'`).toHaveLength(0)
    }))
})
