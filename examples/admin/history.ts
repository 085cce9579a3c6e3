// What happened: runs, events and alerts.
import { html } from 'hono/html'
import { type EventAction, type IntegrationEvent, type Run, systems } from '../../src/index.ts'
import { type Control, wordsOf } from './forms.ts'
import { chip, type Html, input, layout, time, type View } from './layout.ts'

/** What was done, in words; an action that is added to the package does not compile without its own. */
const actions = {
  alert: 'Alert',
  create: 'Integration created',
  update: 'Integration changed',
  remove: 'Integration deleted',
  store: 'Credential stored',
  rotate: 'Credential replaced',
  retrieve: 'Credential read',
  revoke: 'Credential revoked',
  delete: 'Credential deleted',
  quarantine: 'Document reset',
  restore: 'Document restored',
  prune: 'Old events deleted',
} as const satisfies Record<EventAction, string>

const systemNames = Object.fromEntries(Object.entries(systems).map(([type, { name }]) => [type, name]))

export const runLine = ({ due, outcome, attempt, message, counts }: Run, view: View) => {
  const counted = Object.entries(counts ?? {}).map(([name, count]) => `${count} ${wordsOf(name).toLowerCase()}`)
  const words = [attempt > 1 && `attempt ${attempt}`, ...counted, message].filter(Boolean)
  return html`${time(due, view)} ${chip(outcome ?? 'running')} ${words.join(' · ')}`
}

export function eventList(events: readonly IntegrationEvent[], view: View): Html {
  return html`<ul class="plain">${events.map((event) => {
    const { integrationType, version, reason, outcome, changes } = event
    const system = integrationType !== null && (systemNames[integrationType] ?? integrationType)
    const words = [system, version !== null && `version ${version}`, reason, outcome !== 'ok' && outcome]
    return html`<li>${time(event.createdAt, view)} <strong>${actions[event.action] ?? event.action}</strong> by ${event.actor}: ${words.filter(Boolean).join(' · ')}${changes && changeList(changes)}</li>`
  })}</ul>`
}

const changeList = (changes: NonNullable<IntegrationEvent['changes']>) =>
  html`<details><summary>What changed</summary><dl>${Object.entries(changes).map(
    ([column, { old, new: now }]) =>
      html`<dt>${wordsOf(column)}</dt><dd>${[old, now].map((value) => JSON.stringify(value) ?? '–').join(' → ')}</dd>`,
  )}</dl></details>`

export type EventFilter = { action: string; system: string }

export function eventsPage(events: readonly IntegrationEvent[], filter: EventFilter, view: View, older: string | null) {
  const controls: Control[] = [
    { name: 'action', label: 'What was done', value: filter.action, options: { '': 'Everything', ...actions } },
    { name: 'system', label: 'System', value: filter.system, options: { '': 'All', ...systemNames } },
  ]
  return layout(
    'Events',
    view,
    html`<section aria-label="Filter"><form method="get" action="/events">${controls.map((one) => input(one))}<button>Filter</button></form></section>
<section aria-label="Events">${events.length === 0 ? html`<p>None.</p>` : eventList(events, view)}
${older && html`<p><a href="${older}">Older events</a></p>`}</section>`,
  )
}
