import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { embeddedOf, majors } from '../../scripts/majors.ts'
import { bootstrapSql } from '../../src/admin/bootstrap.ts'
import { createLogin, newPassword } from '../../src/admin/logins.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { doctor } from '../../src/doctor/doctor.ts'
import { createIntegrationsDb } from '../../src/index.ts'
import { readRows } from '../support/catalog.ts'
import { blocksOf, runPage } from '../support/docs-page.ts'
import { type EmbeddedServer, startEmbedded } from '../support/embedded.ts'
import { databaseUrl } from '../support/global-setup.ts'

/*
 * docs/restore.md with a real pg_dump and pg_restore, by a superuser and by an owner as a hosted project has it, of a
 * database in which a document is older than the rules. On a server of the version that the installed pg_dump reads.
 */

const [, major = ''] = /(\d+)/.exec(spawnSync('pg_dump', ['--version'], { encoding: 'utf8' }).stdout ?? '') ?? []
const owner = { name: 'hosted', password: newPassword() }
const key = randomBytes(32).toString('hex')
const bundle = { api_key: 'k', base_url: 'https://api.xledger.net', company_id: '1' }
const organizationId = '11111111-1111-4111-8111-111111111111'
const page = 'docs/restore.md'
const hostSql = `
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public grant all on functions to anon, authenticated, service_role;`

describe.skipIf(majors[major] === undefined)(
  'dump and restore (skipped unless pg_dump 15 to 18 is installed: apt-get install postgresql-client)',
  () => {
    let server: EmbeddedServer
    let folder: string
    const opened: postgres.Sql[] = []
    const logins = { url: newPassword(), serviceUrl: newPassword() }
    const as = (database: string, who: string) => databaseUrl(server, database, who === 'owner' ? owner : undefined)

    function connect(url: string): postgres.Sql {
      const sql = postgres(url, { max: 1, onnotice: () => {} })
      opened.push(sql)
      return sql
    }

    /** A database of the owner's: empty, or migrated. */
    async function database(name: string, migrated: boolean): Promise<postgres.Sql> {
      await connect(server.adminUrl).unsafe(`create database ${name} owner hosted`)
      const sql = connect(as(name, 'owner'))
      // Roles are the server's, and what a host's project grants on new tables is there before anything is restored.
      await sql.unsafe(hostSql)
      if (!migrated) return sql
      await sql.unsafe(`${bootstrapSql} create table public.organizations (id uuid primary key, name text not null)`)
      await migrate({ url: as(name, 'owner') })
      return sql
    }

    function client(name: string) {
      const login = (user: string, password: string) => databaseUrl(server, name, { name: user, password })
      return createIntegrationsDb({
        url: login('backend', logins.url),
        serviceUrl: login('worker', logins.serviceUrl),
        encryptionKey: key,
      })
    }

    beforeAll(async () => {
      server = await startEmbedded(await embeddedOf(major))
      folder = mkdtempSync(join(tmpdir(), 'integrations-db-restore-'))
      cpSync(inject('dist'), join(folder, 'dist'), { recursive: true })
      chmodSync(join(folder, 'dist', 'cli.js'), 0o755)
      for (const name of ['package.json', 'supabase']) symlinkSync(resolve(name), join(folder, name))
      mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true })
      for (const name of ['postgres', 'drizzle-orm', 'zod', 'croner', 'libpg-query'])
        symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name))
      symlinkSync(join(folder, 'dist', 'cli.js'), join(folder, 'node_modules', '.bin', 'integrations-db'))

      const admin = connect(server.adminUrl)
      await admin.unsafe('create database roles')
      await admin.unsafe(`create role hosted login bypassrls createrole password '${owner.password}'`)
      await connect(databaseUrl(server, 'roles')).unsafe(bootstrapSql)
      await createLogin({ url: server.adminUrl, name: 'backend', password: logins.url })
      await createLogin({ url: server.adminUrl, name: 'worker', password: logins.serviceUrl, service: true })

      const source = await database('source', true)
      await source`insert into organizations values (${organizationId}, 'Acme')`
      const db = client('source')
      const acme = db.forOrganization({ organizationId, role: 'admin' })
      await acme.integrations.create({ integrationType: 'xledger' })
      await acme.credentials.store('xledger', bundle)
      await acme.integrations.update('xledger', { status: 'active' })
      const service = db.asService({ actor: 'worker' })
      const due = new Date('2026-01-01T02:00:00Z')
      const run = await service.runs.start({ organizationId, integrationType: 'xledger', due })
      await service.runs.finish(run?.id ?? '', { outcome: 'failed', message: 'no answer', errorAfter: 1 })
      for (const { id } of await service.alerts.pending()) await service.alerts.acknowledge(id)
      await acme.integrations.create({ integrationType: 'consio', fieldMappings: { amount: 'invoiceAmount' } })
      await db.end()
      await source.unsafe(`alter table organization_integrations disable trigger configuration_check;
        update organization_integrations set field_mappings = '["no object"]' where integration_type = 'xledger';
        alter table organization_integrations enable trigger configuration_check`)
    }, 180_000)

    afterAll(async () => {
      await Promise.all(opened.map((sql) => sql.end({ timeout: 1 })))
      await server?.stop()
      if (folder) rmSync(folder, { recursive: true, force: true })
    })

    const restore = (...words: string[]) => spawnSync('pg_restore', words, { cwd: folder, encoding: 'utf8' })
    const drift = async (url: string) => (await doctor({ url })).findings.filter(({ severity }) => severity === 'drift')
    /** Whatever is in no dump of rows: what migrations ran. */
    const rowsOf = async (sql: postgres.Sql) => {
      const rows = await readRows(sql)
      delete rows['integrations_once.statements']
      return rows
    }

    /** What the page changes and nothing else: the numbers that the source's transactions gave its events. */
    const settled = (rows: Record<string, unknown>) =>
      Object.fromEntries(
        Object.entries(rows).map(([at, of]) => [
          at,
          typeof of === 'string' ? of.replaceAll(/"transaction_id": "\d+"/g, '"transaction_id": "0"') : of,
        ]),
      )

    const grantsOf = async (sql: postgres.Sql) => [
      ...(await sql`select defaclrole::regrole::text, defaclobjtype, defaclacl::text from pg_default_acl order by 1, 2`),
    ]

    describe.each(['superuser', 'owner'])('by the %s', (who) => {
      const [whole, rows] = [`whole_${who}`, `rows_${who}`]

      test('docs/restore.md works as written, loses no row, and doctor finds no drift', async () => {
        const empty = await database(whole, false)
        const migrated = await database(rows, true)
        const before = await rowsOf(migrated)
        const env = { SOURCE_URL: as('source', who), EMPTY_URL: as(whole, who), INTEGRATIONS_ADMIN_URL: as(rows, who) }
        const source = connect(as('source', who))
        const blocks = blocksOf(page)
        const rowsAlone = blocks.findIndex(({ text }) => text.includes('--file=rows.dump'))
        const repairs = blocks.findIndex(({ text }) => text.includes('repair --apply'))
        const place = { folder, admin: connect(as(rows, who)), env }
        await runPage(blocks.slice(0, rowsAlone), { ...place, admin: connect(as(whole, who)) })
        await runPage(blocks.slice(rowsAlone, repairs), place)
        expect(await rowsOf(migrated)).not.toEqual(before)
        for (const [table, restored] of Object.entries(await rowsOf(migrated)))
          if (table.startsWith('public.')) expect(restored, table).not.toBeNull()
        expect(await rowsOf(migrated)).toEqual(settled(await rowsOf(source)))
        expect(await readRows(empty)).toEqual(settled(await readRows(source)))
        expect(await grantsOf(empty)).toEqual(await grantsOf(source))
        for (const name of [whole, rows]) expect(await drift(as(name, who))).toEqual([])
        await runPage(blocks.slice(repairs), place)
        expect(await migrated`select from organization_integrations where field_mappings = '{}'`).toHaveLength(1)
        for (const name of [whole, rows]) {
          const db = client(name)
          const retrieval = { organizationId, integrationType: 'xledger', reason: 'after the restore' } as const
          expect({ ...(await db.asService({ actor: 'reader' }).credentials.retrieve(retrieval)) }).toEqual(bundle)
          await db.end()
        }
      }, 120_000)

      test('otherwise one malformed document costs the whole table, which single-transaction says and undoes', async () => {
        const name = `naive_${who}`
        const sql = await database(name, true)
        const careless = restore('--data-only', `--dbname=${as(name, who)}`, 'rows.dump')
        expect(careless).toMatchObject({ status: 1, stderr: expect.stringContaining('must be an object') })
        expect(await sql`select from organizations`).toHaveLength(1)
        expect(await sql`select from organization_integrations`).toHaveLength(0)
        const undone = await database(`undone_${who}`, true)
        const [flag, place] = ['--single-transaction', `--dbname=${as(`undone_${who}`, who)}`]
        expect(restore(flag, place, 'rows.dump')).toMatchObject({
          status: 1,
          stderr: expect.stringContaining('must be an object'),
        })
        expect(await undone`select from organizations`).toHaveLength(0)
      })

      test('doctor names every trigger that stays disabled, and its SQL enables it', async () => {
        const sql = connect(as(rows, who))
        const triggers = await sql`
          select tgname from pg_trigger join pg_class on pg_class.oid = tgrelid
          where not tgisinternal and relnamespace = 'public'::regnamespace`
        for (const { text } of blocksOf(page)) if (/disable trigger/.test(text)) await sql.unsafe(text)
        const found = await drift(as(rows, who))
        expect(found).toHaveLength(triggers.length)
        for (const { tgname } of triggers)
          expect(
            found.some(({ where }) => where.includes(tgname)),
            tgname,
          ).toBe(true)
        for (const { fix } of found) await sql.unsafe(fix ?? '')
        expect(await drift(as(rows, who))).toEqual([])
      })
    })

    test('a whole restore past the default privileges of a project opens our tables, and doctor closes them', async () => {
      const sql = await database('opened', false)
      expect(restore('--single-transaction', `--dbname=${as('opened', 'owner')}`, 'whole.dump').status).toBe(0)
      const found = await drift(as('opened', 'owner'))
      expect(found.map(({ where }) => where)).toContain('public.organization_integration_credentials')
      for (const { fix } of found) await sql.unsafe(fix ?? '')
      expect(await drift(as('opened', 'owner'))).toEqual([])
    })

    test("a superuser's data-only restore of a whole dump loses nothing with --disable-triggers; the owner's is refused", async () => {
      for (const who of ['superuser', 'owner']) {
        const name = `all_${who}`
        const sql = await database(name, true)
        const flags = ['--data-only', '--disable-triggers', '--single-transaction']
        const places = ['--schema=public', '--schema=integrations', `--dbname=${as(name, who)}`]
        const { status, stderr } = restore(...flags, ...places, 'whole.dump')
        if (who === 'owner') {
          expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('is a system trigger') })
          continue
        }
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
        expect(await rowsOf(sql)).toEqual(await rowsOf(connect(as('source', who))))
        expect(await drift(as(name, who))).toEqual([])
      }
    })
  },
)
