import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootstrapSql } from '../../src/admin/bootstrap.ts'
import { auditCredentials, rotateEncryptionKey } from '../../src/admin/credentials.ts'
import { createLogin } from '../../src/admin/logins.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { createIntegrationsDb, type IntegrationsDbOptions } from '../../src/index.ts'
import { type EmbeddedServer, startEmbedded } from '../support/embedded.ts'
import { addressOf, startProxy, type TcpProxy } from '../support/proxy.ts'
import { installVault } from '../support/vault-stand-in.ts'

/*
 * The server's real log, under every setting that could put a value into it. What is sure to log a call is refused before
 * the value is sent; under all others a credential is stored, rotated, made slow, cancelled, refused and retrieved, and
 * the log searched for it.
 */

const key = randomBytes(32).toString('hex')

/** A value as a log may print it: as it is, in hexadecimal, and byte by byte as debug_print_plan does. */
function found(log: string, word: string): string[] {
  const bytes = Buffer.from(word)
  return [word, bytes.toString('hex'), [...bytes].join(' ')].filter((form) => log.includes(form))
}

/** Since which PostgreSQL the settings are sure to log a call that is none of the slow ones. */
type Configuration = { settings: Record<string, string>; refusedSince: number }
const refused = (settings: Record<string, string>): Configuration => ({ settings, refusedSince: 0 })
const refusedSince16 = (settings: Record<string, string>): Configuration => ({ settings, refusedSince: 160000 })
const kept = (settings: Record<string, string>): Configuration => ({ settings, refusedSince: Number.POSITIVE_INFINITY })
const explained = (settings: Record<string, string>) => ({ 'auto_explain.log_min_duration': '0', ...settings })

const configurations: Configuration[] = [
  refused({ log_statement: 'all' }),
  refused({ log_statement: 'all', log_parameter_max_length: '6' }),
  refused({ log_min_duration_statement: '0' }),
  refused({ log_min_duration_statement: '1ms' }),
  refused({ log_min_duration_statement: '250ms' }),
  refused({ log_min_duration_sample: '0' }),
  refused({ log_min_duration_sample: '0', log_statement_sample_rate: '0.5' }),
  refused({ log_min_duration_sample: '100ms' }),
  refused({ log_transaction_sample_rate: '1' }),
  refused({ log_transaction_sample_rate: '0.01' }),
  refusedSince16(explained({})),
  refusedSince16(explained({ 'auto_explain.log_nested_statements': 'on' })),
  refused(explained({ 'auto_explain.log_nested_statements': 'on', 'auto_explain.log_verbose': 'on' })),
  refused(explained({ 'auto_explain.log_parameter_max_length': '0', 'auto_explain.log_verbose': 'on' })),
  refusedSince16(explained({ 'auto_explain.log_format': 'json', 'auto_explain.log_analyze': 'on' })),
  refusedSince16(explained({ 'auto_explain.log_min_duration': '300ms' })),
  refused({ log_statement: 'all', log_duration: 'on', log_error_verbosity: 'verbose' }),
  refused({ 'pgaudit.log': 'all', 'pgaudit.log_parameter': 'on' }),
  kept({}),
  kept({ log_statement: 'mod', log_duration: 'on' }),
  kept({ log_statement: 'ddl', log_min_duration_statement: '-1' }),
  kept({ log_statement: 'all', log_parameter_max_length: '0' }),
  kept({ log_min_duration_statement: '0', log_parameter_max_length: '0' }),
  kept({ log_transaction_sample_rate: '1', log_parameter_max_length: '0' }),
  kept({ log_min_duration_sample: '0', log_statement_sample_rate: '0' }),
  kept(explained({ 'auto_explain.log_parameter_max_length': '0', 'auto_explain.log_nested_statements': 'on' })),
  kept(explained({ 'auto_explain.sample_rate': '0', 'auto_explain.log_verbose': 'on' })),
  kept({ debug_print_plan: 'on' }),
  kept({ debug_print_parse: 'on', debug_print_rewritten: 'on', debug_print_plan: 'on', debug_pretty_print: 'off' }),
  kept({ log_min_messages: 'debug5', log_error_verbosity: 'verbose' }),
  kept({ log_lock_waits: 'on', deadlock_timeout: '10ms', log_temp_files: '0', log_min_error_statement: 'debug5' }),
]

/** These log slow or failing calls alone: Vault's are kept out all the same, the fallback refuses for its key's sake. */
const slow: Record<string, string>[] = [
  { log_min_duration_statement: '1s' },
  { log_min_duration_statement: '1200ms', statement_timeout: '0' },
  { log_min_duration_sample: '1s' },
  explained({ 'auto_explain.log_min_duration': '1s', 'auto_explain.log_verbose': 'on' }),
  explained({
    'auto_explain.log_min_duration': '1s',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_verbose': 'on',
  }),
  { log_parameter_max_length_on_error: '-1' },
  { log_parameter_max_length_on_error: '-1', log_lock_waits: 'on', deadlock_timeout: '10ms' },
]

const named = (settings: Record<string, string>) => JSON.stringify(settings).replace(/[{}"]/g, '') || 'the defaults'

describe.each(['vault', 'pgcrypto'] as const)('with secrets kept in %s', (store) => {
  let server: EmbeddedServer
  let admin: postgres.Sql
  let version: number
  let proxy: TcpProxy
  let url: string
  let serviceUrl: string
  const secretsTable = store === 'vault' ? 'vault.secrets' : 'integrations.encrypted_secrets'

  beforeAll(async () => {
    server = await startEmbedded(undefined, ['-c', 'session_preload_libraries=auto_explain'])
    admin = postgres(server.adminUrl, { max: 4, onnotice: () => {} })
    version = Number((await admin`show server_version_num`)[0]?.server_version_num)
    await admin.unsafe(`${bootstrapSql} create table organizations (id uuid primary key default gen_random_uuid())`)
    if (store === 'vault') await installVault(admin)
    await migrate({ url: server.adminUrl })
    const login = async (name: string, service: boolean) => {
      const as = new URL(server.adminUrl)
      as.username = name
      as.password = randomBytes(16).toString('hex')
      await createLogin({ url: server.adminUrl, name, password: as.password, service })
      return as.href
    }
    proxy = await startProxy(addressOf(server.adminUrl))
    url = proxy.through(await login('backend', false))
    serviceUrl = proxy.through(await login('worker', true))
    // What makes the store slow or refuse, where a test says so.
    await admin.unsafe(`
      create table public.hindrance (wait float8 not null, fails boolean not null);
      insert into public.hindrance values (0, false);
      create function public.hinder() returns trigger language plpgsql security definer as $$ begin
        perform pg_sleep(wait) from public.hindrance;
        if (select fails from public.hindrance) then raise exception 'no' using errcode = '53100'; end if;
        return new;
      end $$;
      create trigger hinder before insert on ${secretsTable} for each row execute function public.hinder()`)
  }, 120_000)
  afterAll(async () => {
    await admin.end()
    await proxy.stop()
    await server.stop()
  })

  const hindered = async <T>(wait: number, fails: boolean, work: () => Promise<T>): Promise<T> => {
    await admin`update public.hindrance set wait = ${wait}, fails = ${fails}`
    try {
      return await work()
    } finally {
      await admin`update public.hindrance set wait = 0, fails = false`
    }
  }

  /** Both logins under these settings, as `alter role` or a hosted dashboard makes them. */
  async function under<T>(settings: Record<string, string>, work: (tools: Tools) => Promise<T>, more = {}): Promise<T> {
    for (const role of ['backend', 'worker']) {
      for (const [name, value] of Object.entries(settings)) {
        if (version < 160000 && name === 'auto_explain.log_parameter_max_length') continue
        await admin.unsafe(`alter role ${role} set ${name} = '${value}'`)
      }
    }
    const db = createIntegrationsDb({ url, serviceUrl, encryptionKey: key, max: 2, ...more } as IntegrationsDbOptions)
    const organizationId = randomUUID()
    await admin`insert into organizations (id) values (${organizationId})`
    const word = `canary${randomBytes(6).toString('hex')}`
    const from = server.log().length
    try {
      const acme = db.forOrganization({ organizationId, role: 'admin' })
      await acme.integrations.create({ integrationType: 'xledger' })
      return await work({ db, organizationId, acme, word, bundle: bundleOf(word), log: () => logSince(from) })
    } finally {
      await db.end()
      for (const role of ['backend', 'worker']) await admin.unsafe(`alter role ${role} reset all`)
    }
  }
  type Tools = {
    db: ReturnType<typeof createIntegrationsDb>
    organizationId: string
    acme: ReturnType<ReturnType<typeof createIntegrationsDb>['forOrganization']>
    word: string
    bundle: { api_key: string; base_url: string; company_id: string }
    log: () => Promise<string>
  }
  const bundleOf = (word: string) => ({ api_key: word, base_url: `https://${word}.no`, company_id: word })
  /** What was logged since: the server writes to a pipe, so a message of our own says that all before it has come. */
  const logSince = async (from: number) => {
    const mark = randomUUID()
    await admin`select ${mark}::text::integer`.catch(() => {})
    await admin.unsafe(`do $$ begin raise log '${mark}'; end $$`)
    while (!server.log().slice(from).includes(mark)) await pause(5)
    return server.log().slice(from)
  }
  const sent = () => Buffer.concat(proxy.sent).toString('latin1')

  /** Everything that becomes of a credential, the ways in which it fails included. */
  async function everything({ db, organizationId, acme, bundle }: Tools): Promise<number> {
    let failures = 0
    const attempt = (work: () => Promise<unknown>) =>
      work().catch((error) => {
        failures++
        expect(['unavailable', 'conflict', 'invalid_input', 'already_exists']).toContain(error.code)
      })
    await acme.credentials.store('xledger', bundle)
    await attempt(() => acme.credentials.store('xledger', bundle))
    await acme.credentials.rotate('xledger', bundle, { graceSeconds: 60 })
    await hindered(0, true, () => attempt(() => acme.credentials.rotate('xledger', bundle)))
    await hindered(2.5, false, async () => {
      const rotation = attempt(() => acme.credentials.rotate('xledger', bundle))
      await pause(150)
      await admin`select pg_cancel_backend(pid) from pg_stat_activity where usename = 'backend' and wait_event = 'PgSleep'`
      await rotation
    })
    const service = db.asService({ actor: 'worker' })
    const retrieval = { organizationId, integrationType: 'xledger', reason: 'log' } as const
    expect((await service.credentials.retrieve(retrieval)).api_key).toBe(bundle.api_key)
    return failures
  }

  test.each(configurations.map((one) => [named(one.settings), one] as const))(
    'what is sure to be logged is refused before it is sent, and what is sent is kept out: %s',
    async (_, { settings, refusedSince }) => {
      await under(settings, async (tools) => {
        proxy.reset()
        if (version >= refusedSince) {
          for (const verb of ['store', 'rotate'] as const) {
            await expect(tools.acme.credentials[verb]('xledger', tools.bundle)).rejects.toMatchObject({
              code: 'unavailable',
              message: expect.stringMatching(/^the server logs parameters \(/),
            })
          }
          expect(found(sent(), tools.word)).toEqual([])
          expect(found(sent(), key)).toEqual([])
        } else {
          // The fallback's key is worth more: it is not sent where a module might log it.
          if (store === 'pgcrypto' && version < 160000 && 'auto_explain.log_min_duration' in settings) return
          expect(await everything(tools)).toBe(3)
          // So the search would find it.
          expect(found(sent(), tools.word)).not.toEqual([])
        }
        const log = await tools.log()
        expect(found(log, tools.word)).toEqual([])
        expect(found(log, key)).toEqual([])
      })
    },
  )

  test.each(slow.map((settings) => [named(settings), settings] as const))(
    store === 'vault'
      ? 'a credential is kept out under %s, however slow the store is made'
      : 'a credential is refused under %s, for the sake of its key',
    async (_, settings) => {
      await under(settings, async (tools) => {
        proxy.reset()
        if (store === 'pgcrypto') {
          await expect(tools.acme.credentials.store('xledger', tools.bundle)).rejects.toMatchObject({
            code: 'unavailable',
            message: expect.stringMatching(/^the server logs parameters \(/),
          })
          expect(found(sent(), tools.word)).toEqual([])
        } else {
          expect(await everything(tools)).toBe(3)
          const logsSlow = Object.keys(settings).some((name) => name.includes('duration'))
          if (logsSlow) {
            // Longer than what is logged: cancelled at half of that.
            await hindered(1.5, false, () =>
              expect(tools.acme.credentials.rotate('xledger', tools.bundle)).rejects.toMatchObject({
                code: 'unavailable',
                sqlState: '57014',
              }),
            )
            expect(await tools.log()).toContain('canceling statement due to statement timeout')
          }
        }
        const log = await tools.log()
        expect(found(log, tools.word)).toEqual([])
        expect(found(log, key)).toEqual([])
      })
    },
  )

  test.each([
    { log_statement: 'all' },
    { log_min_duration_statement: '0' },
    { log_transaction_sample_rate: '1' },
    explained({}),
    explained({ 'auto_explain.log_parameter_max_length': '0', 'auto_explain.log_verbose': 'on' }),
  ] as Record<string, string>[])(
    'allowParameterLogging accepts that the log has it, which shows that the search finds it: %j',
    async (settings) => {
      await under(
        settings,
        async (tools) => {
          await tools.acme.credentials.store('xledger', tools.bundle)
          const silent = version < 160000 && named(settings) === named(explained({}))
          expect(found(await tools.log(), tools.word).length > 0).toBe(!silent)
        },
        { allowParameterLogging: true },
      )
    },
  )

  test('what another caller switched on for the session is off again', async () => {
    await under(
      {},
      async (tools) => {
        await tools.acme.query((q) =>
          q.execute(
            `select set_config('debug_print_plan', 'on', false), set_config('log_parameter_max_length_on_error', '-1', false)`,
          ),
        )
        await everything(tools)
        expect(found(await tools.log(), tools.word)).toEqual([])
      },
      { max: 1 },
    )
  })

  test("an administrator's audit and move leave no value in the log, whatever plans the server prints", async () => {
    await under({}, async ({ acme, bundle, word, log }) => {
      await acme.credentials.store('xledger', bundle)
      const database = new URL(server.adminUrl).pathname.slice(1)
      for (const tree of ['parse', 'rewritten', 'plan']) {
        await admin.unsafe(`alter database ${database} set debug_print_${tree} = on`)
      }
      try {
        const target = { url: server.adminUrl, encryptionKey: key, allowParameterLogging: false }
        expect((await auditCredentials(target)).findings).toEqual([])
        if (store === 'pgcrypto') await rotateEncryptionKey({ ...target, apply: true })
      } finally {
        await admin.unsafe(`alter database ${database} reset all`)
      }
      expect(await log()).toContain('PLANNEDSTMT')
      expect(found(await log(), word)).toEqual([])
      expect(found(await log(), key)).toEqual([])
    })
  })

  test('a member who holds the row stops no value on its way: it is a conflict after 2 s, before the value is sent', async () => {
    await under({}, async (tools) => {
      const { acme, db, organizationId } = tools
      await acme.credentials.store('xledger', tools.bundle)
      const other = { ...tools.bundle, api_key: 'another-canary' }
      proxy.reset()
      await db.forOrganization({ organizationId, role: 'coordinator' }).integrations.list()
      await db.forOrganization({ organizationId, role: 'admin' }).transaction(async (tx) => {
        await tx.integrations.update('xledger', { syncSchedule: '0 3 * * *' })
        const started = performance.now()
        await expect(acme.credentials.rotate('xledger', other)).rejects.toMatchObject({
          code: 'conflict',
          message: expect.stringMatching(/^integrationType xledger: .*locked for 2 s; try again$/),
        })
        expect(performance.now() - started).toBeLessThan(4000)
        expect(sent()).not.toContain('another-canary')
      })
      expect((await acme.events.list()).map(({ action, outcome }) => [action, outcome])).toEqual([
        ['rotate', 'conflict'],
        ['update', 'ok'],
        ['store', 'ok'],
        ['create', 'ok'],
      ])
      expect(await acme.credentials.rotate('xledger', other)).toEqual({ version: 2 })
    })
  })

  test('the row stays locked until the value is kept, and the limits of the caller are back afterwards', async () => {
    const settings = { log_min_duration_statement: '10s', log_parameter_max_length: store === 'vault' ? '-1' : '0' }
    await under(settings, async ({ acme, bundle }) => {
      const limits = (tx: Pick<typeof acme, 'query'>) =>
        tx.query((q) =>
          q.execute(
            `select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement`,
          ),
        )
      const [before] = (await limits(acme)) as unknown[]
      await acme.transaction(async (tx) => {
        await tx.credentials.store('xledger', bundle)
        expect((await limits(tx)) as unknown[]).toEqual([before])
        await tx.credentials.rotate('xledger', bundle)
        expect((await limits(tx)) as unknown[]).toEqual([before])
      })
      let waited: Promise<unknown> = Promise.resolve()
      await hindered(0.5, false, async () => {
        const rotation = acme.credentials.rotate('xledger', bundle)
        await pause(150)
        waited = admin`select from organization_integrations for no key update nowait`.then(
          () => 'free',
          (error) => error.code,
        )
        expect(await waited).toBe('55P03')
        await rotation
      })
    })
  })
})
