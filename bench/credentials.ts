import { randomBytes, randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { createLogin } from '../src/admin/logins.ts'
import { migrate } from '../src/deployment/migrate.ts'
import type * as Package from '../src/index.ts'
import { addressOf, startProxy } from '../tests/support/proxy.ts'
import { installVault } from '../tests/support/vault-stand-in.ts'

const { createIntegrationsDb } = (await import(new URL('../dist/index.js', import.meta.url).href)) as typeof Package

/** What one call with a credential costs, warm. */
export type CredentialCost = { store: string; call: string; roundTrips: number; milliseconds: number }

/** Storing, rotating and retrieving in both stores, `oneWayMilliseconds` away: medians of 10, round trips by a proxy. */
export async function measureCredentials(
  adminUrl: string,
  hostSql: string,
  oneWayMilliseconds: number,
): Promise<CredentialCost[]> {
  const proxy = await startProxy(addressOf(adminUrl), oneWayMilliseconds)
  const costs: CredentialCost[] = []
  for (const store of ['vault', 'pgcrypto']) {
    const { organizations, ...logins } = await prepare(adminUrl, hostSql, store, proxy.through)
    const db = createIntegrationsDb({ ...logins, max: 1, encryptionKey: randomBytes(32).toString('hex') })
    const service = db.asService({ actor: 'bench' })
    await service.integrations.listScheduled() // Connects and has its login checked.
    const samples = new Map<string, number[]>()
    const bundle = { api_key: randomBytes(32).toString('hex'), base_url: 'https://api.xledger.net', company_id: '4711' }
    for (const organizationId of organizations) {
      const scope = db.forOrganization({ organizationId, role: 'admin' })
      await scope.integrations.create({ integrationType: 'xledger' })
      const retrieval = { organizationId, integrationType: 'xledger', reason: 'bench' } as const
      const calls: Record<string, () => Promise<unknown>> = {
        store: () => scope.credentials.store('xledger', bundle),
        rotate: () => scope.credentials.rotate('xledger', bundle),
        retrieve: () => service.credentials.retrieve(retrieval),
      }
      for (const [call, run] of Object.entries(calls)) {
        proxy.reset()
        const startedAt = performance.now()
        await run()
        const all = [...(samples.get(call) ?? []), performance.now() - startedAt].sort((a, b) => a - b)
        samples.set(call, all)
        const worst = costs.find((cost) => cost.store === store && cost.call === call)
        if (worst) worst.roundTrips = Math.max(worst.roundTrips, proxy.roundTrips)
        else costs.push({ store, call, roundTrips: proxy.roundTrips, milliseconds: 0 })
      }
    }
    for (const cost of costs.filter((one) => one.store === store)) {
      const all = samples.get(cost.call) ?? []
      cost.milliseconds = all[Math.floor(all.length / 2)] ?? 0
    }
    await db.end()
  }
  await proxy.stop()
  return costs
}

async function prepare(adminUrl: string, hostSql: string, store: string, through: (url: string) => string) {
  const server = postgres(adminUrl, { max: 1, onnotice: () => {} })
  await server.unsafe(`create database bench_${store}`)
  await server.end()
  const at = (login?: { name: string; password: string }) => {
    const url = new URL(adminUrl)
    url.pathname = `/bench_${store}`
    if (login) [url.username, url.password] = [login.name, login.password]
    return url.href
  }
  const admin = postgres(at(), { max: 1, onnotice: () => {} })
  await admin.unsafe(hostSql)
  if (store === 'vault') await installVault(admin)
  await migrate({ url: at() })
  const organizations = Array.from({ length: 11 }, () => randomUUID())
  await admin`insert into organizations (id) select unnest(${organizations}::uuid[])`
  await admin.end()
  const password = randomBytes(16).toString('hex')
  const [name, serviceName] = [`bench_${store}`, `bench_${store}_service`]
  await createLogin({ url: at(), name, password })
  await createLogin({ url: at(), name: serviceName, password, service: true })
  return {
    url: through(at({ name, password })),
    serviceUrl: through(at({ name: serviceName, password })),
    organizations,
  }
}
