/* What a host application does with the package, compiled and run in a project that has nothing else. */
import {
  createIntegrationsDb,
  IntegrationsDbError,
  migrate,
  nextRuns,
  rollback,
  status,
  systems,
} from '@org/integrations-db'
import { organizationIntegrations } from '@org/integrations-db/schema'
import { eq } from 'drizzle-orm'

export async function main(urls: { admin: string; scoped: string }, organizationId: string): Promise<object> {
  const { applied } = await migrate({ url: urls.admin })
  const { pending } = await status({ url: urls.admin })
  const db = createIntegrationsDb(urls.scoped)
  try {
    const acme = db.forOrganization({ organizationId, role: 'admin' })
    const created = await acme.integrations.create({ integrationType: 'xledger', syncSchedule: '0 2 * * *' })
    const revision: string = created.revision
    const rows = await acme.query((q) =>
      q
        .select({ system: organizationIntegrations.integrationType })
        .from(organizationIntegrations)
        .where(eq(organizationIntegrations.organizationId, organizationId)),
    )
    const names: string[] = rows.map(({ system }) => systems[system].name)
    const [next]: (Date | undefined)[] = nextRuns('0 2 * * *')
    const refusal = await rollback({ url: urls.admin, steps: applied.length }).catch((error: unknown) => error)
    return {
      applied: applied.length,
      pending,
      names,
      hasRevision: /^\d+$/.test(revision),
      isScheduled: next !== undefined,
      // Of a module that was loaded later: one class, or hosts could not tell our errors from others.
      refusal: refusal instanceof IntegrationsDbError && refusal.code,
    }
  } finally {
    await db.end()
  }
}
