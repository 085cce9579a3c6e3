import { setTimeout as pause } from 'node:timers/promises'
import { toIntegrationsDbError } from '../connection/server-errors.ts'
import { type Admin, withAdmin } from './connection.ts'

/** An alert that nobody acknowledged. */
export type PendingAlert = {
  id: string
  createdAt: string
  organizationId: string | null
  integrationType: string | null
  actor: string
  reason: string | null
}

const page = 1000

/** The alerts that nobody acknowledged, the oldest first, a thousand at most, and whether there are more. */
export async function pendingAlerts(url: string): Promise<{ alerts: PendingAlert[]; more: boolean }> {
  const alerts = await withAdmin(url, (sql) => readPendingAlerts(sql, page + 1))
  return { alerts: alerts.slice(0, page), more: alerts.length > page }
}

/** The oldest of them, on a connection that is there. Reads, and acknowledges nothing. */
export async function readPendingAlerts(sql: Admin, most = page): Promise<PendingAlert[]> {
  const rows = await sql<PendingAlert[]>`
    select id, created_at::text as "createdAt", organization_id as "organizationId", integration_type as "integrationType", actor, reason
    from integrations.pending_alerts(${most})`
  return rows.map(({ createdAt, ...alert }) => ({ ...alert, createdAt: new Date(createdAt).toISOString() }))
}

/** Each pending alert once, those that come as well. A server that is away is asked again. */
export async function* followAlerts(url: string, everySeconds = 2): AsyncGenerator<PendingAlert> {
  let told = new Set<string>()
  for (let first = true; ; first = false) {
    try {
      // Those that were told are still pending, and in front.
      const most = told.size + page
      const alerts = await withAdmin(url, (sql) => readPendingAlerts(sql, most))
      yield* alerts.filter(({ id }) => !told.has(id))
      told = new Set(alerts.map(({ id }) => id))
      if (alerts.length === most) continue
    } catch (error) {
      // What is wrong from the start is said; later a server may be restarting.
      if (first || toIntegrationsDbError(error).code !== 'unavailable') throw error
    }
    await pause(everySeconds * 1000)
  }
}
