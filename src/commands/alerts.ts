import type { PendingAlert } from '../admin/alerts.ts'
import { adminUrl, command, database, type Outcome } from './command.ts'

export const alertsCommand = command({
  name: 'alerts',
  summary: 'List the alerts that nobody acknowledged.',
  details:
    'Acknowledges none, and lists the oldest thousand. With --follow each is printed once, those that come as well, until the command is interrupted; with --json as one document a line.',
  example: 'integrations-db alerts --follow',
  options: {
    follow: {
      type: 'boolean',
      description: 'Go on, and print each alert when it comes.',
      default: false,
      example: '--follow',
    },
    ...database,
  },
  async run({ url, follow }) {
    const { followAlerts, pendingAlerts } = await import('../admin/alerts.ts')
    const target = adminUrl({ url })
    if (follow) return { report: {}, text: '', more: shown(followAlerts(target)) }
    const { alerts, more } = await pendingAlerts(target)
    const count = `${more ? 'more than ' : ''}${alerts.length} pending`
    return { report: { alerts, more }, text: [...alerts.map(alertLine), count].join('\n') }
  },
})

async function* shown(alerts: AsyncIterable<PendingAlert>): AsyncGenerator<Outcome> {
  for await (const alert of alerts) yield { report: alert, text: alertLine(alert) }
}

export function alertLine({ createdAt, organizationId, integrationType, actor, reason }: PendingAlert): string {
  const where = `organization ${organizationId ?? 'none'}${integrationType === null ? '' : ` ${integrationType}`}`
  return printable(`${createdAt}  ${where}: ${reason ?? 'no reason stated'} (${actor})`)
}

/** A reason, or a name, may hold what a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
}
