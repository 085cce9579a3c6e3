// Tells people of alerts, by mail and by webhook: `npx tsx examples/alerts.ts`. At least once, in order per organization,
// and from where it was when it is killed. docs/alerts.md is about it.
import { setTimeout as pause } from 'node:timers/promises'
import { createTransport } from 'nodemailer'
import postgres from 'postgres'
import { createIntegrationsDb, type IntegrationEvent, type ServiceScope } from '../src/index.ts'

type Send = (alert: IntegrationEvent) => Promise<void>

/** Mails an organization's admins, whom your application knows. */
export function mailer(smtpUrl: string, admins: (organizationId: string) => Promise<string[]>): Send {
  const transport = createTransport(smtpUrl)
  return async (alert) => {
    const to = alert.organizationId === null ? [] : await admins(alert.organizationId)
    if (to.length === 0) return // Nobody to tell by mail; the webhook has it.
    await transport.sendMail({
      from: 'alerts@integrations.example',
      to,
      subject: `Integrations: ${alert.integrationType ?? 'all systems'}`,
      text: `${alert.reason ?? 'Something needs your attention.'}\n\n${alert.createdAt.toISOString()}, ${alert.actor}`,
      // The same for a mail that is sent again: readers show one.
      messageId: `<${alert.id}@integrations.example>`,
    })
  }
}

/** Posts an alert as JSON; its id tells the other side what it had before. */
export function webhook(url: string): Send {
  return async (alert) => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': alert.id }
    const signal = AbortSignal.timeout(10_000)
    const { ok, status } = await fetch(url, { method: 'POST', headers, body: JSON.stringify(alert), signal })
    if (!ok) throw new Error(`the webhook answered ${status}`)
  }
}

/**
 * Tells of what is pending, and acknowledges what was told. Where telling fails, the organization's later alerts wait for
 * the next round, so that they stay in order; other organizations do not wait.
 */
export async function tellPending(service: ServiceScope, send: Send): Promise<number> {
  const waiting = new Set<string | null>()
  let told = 0
  for await (const alert of pendingAlerts(service)) {
    if (waiting.has(alert.organizationId)) continue
    try {
      await send(alert)
      await service.alerts.acknowledge(alert.id)
      told++
    } catch (error) {
      waiting.add(alert.organizationId)
      console.error(`alert ${alert.id} waits: ${error instanceof Error ? error.message : 'unknown error'}`)
    }
  }
  return told
}

/** All of them, page by page: however many of one organization wait, the others come up. */
async function* pendingAlerts(service: ServiceScope, limit = 1000): AsyncGenerator<IntegrationEvent> {
  let page = await service.alerts.pending({ limit })
  while (page.length > 0) {
    yield* page
    page = page.length < limit ? [] : await service.alerts.pending({ limit, after: page.at(-1)?.id })
  }
}

if (process.argv[1] === import.meta.filename) {
  const { HOST_DATABASE_URL = '', SMTP_URL = '', WEBHOOK_URL = '' } = process.env
  const host = postgres(HOST_DATABASE_URL)
  // Your own table of people: who is told is your application's to say.
  const admins = async (organizationId: string) =>
    (
      await host`select email from members where organization_id = ${organizationId} and role = 'admin' order by email`
    ).map(({ email }) => String(email))
  const [mail, post] = [mailer(SMTP_URL, admins), webhook(WEBHOOK_URL)]
  const service = createIntegrationsDb().asService({ actor: 'alerts' })
  for (;;) {
    const told = await tellPending(service, async (alert) => {
      await mail(alert)
      await post(alert)
    }).catch((error) => console.error(error.message)) // A database that is away is asked again.
    if (!told) await pause(1000)
  }
}
