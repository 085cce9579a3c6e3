// The pages. forms.ts says which inputs there are, layout.ts how one looks.
import { html } from 'hono/html'
import {
  type CredentialDescription,
  type FieldMappings,
  type Integration,
  type IntegrationEvent,
  type IntegrationType,
  type IntegrationWithLastRun,
  nextRuns,
  type Run,
  systemOf,
  systems,
  unmappedRequiredTargets,
} from '../../src/index.ts'
import {
  connectionControls,
  mappingControls,
  mappingsOf,
  type Problem,
  type Settings,
  settingsControls,
  wordsOf,
} from './forms.ts'
import { eventList, runLine } from './history.ts'
import { chip, confirmation, type Html, input, layout, time, type View } from './layout.ts'

const dones: Readonly<Record<string, string>> = {
  created: 'The integration was set up. It is inactive until you store a credential and set it active.',
  settings: 'Settings saved.',
  mappings: 'Field mappings saved.',
  credential: 'Credential stored. It is not shown again.',
  revoked: 'Credential revoked.',
  deleted: 'Integration deleted.',
}
export const doneNotice = (done: string | undefined) =>
  done !== undefined && Object.hasOwn(dones, done) ? html`<p class="notice" role="status">${dones[done]}</p>` : null

export const signInPage = (problem: string | null): Html =>
  layout(
    'Sign in',
    null,
    html`${problem && html`<p class="notice" role="alert">${problem}</p>`}
<section aria-label="Sign in"><form method="post" action="/sign-in">
${input({ name: 'token', label: 'Token', type: 'password', required: true, hint: 'As your application issues it.' })}
<button>Sign in</button>
</form></section>`,
  )

export const messagePage = (title: string, message: string, view: View | null): Html =>
  layout(title, view, html`<p class="notice" role="alert">${message}</p><p><a href="/">To your integrations</a></p>`)

/** When it runs next, as the workers reckon: only an active integration is synced. */
function nextRun({ status, syncSchedule }: Settings, view: View, count = 1): Html {
  if (syncSchedule === null) return html`No schedule`
  if (status !== 'active') return html`None until it is active`
  try {
    const times = nextRuns(syncSchedule, { timeZone: view.timeZone, count }).map((run) => time(run, view))
    return html`${times.map((one, i) => html`${i > 0 && html`<br>`}${one}`)}`
  } catch {
    return html`<span class="problem">Never: the schedule cannot be read</span>` // The Data API takes any text.
  }
}

const problemList = ({ problems }: Integration) =>
  problems.length > 0 &&
  html`<p class="problem">Stored documents break a rule: ${problems.map(({ path, rule }) => `${path}: ${rule}`).join('; ')}</p>`

export function integrationsPage(
  rows: readonly IntegrationWithLastRun[],
  alerts: readonly IntegrationEvent[],
  view: View,
  done: string | undefined,
) {
  const missing = Object.keys(systems).filter((type) => !rows.some((row) => row.integrationType === type))
  return layout(
    'Integrations',
    view,
    html`${doneNotice(done)}
${alerts.length > 0 && html`<section aria-labelledby="alerts"><h2 id="alerts">Latest alerts</h2>${eventList(alerts, view)}<p><a href="/events?action=alert">All alerts</a></p></section>`}
<ul class="cards">${rows.map(
      (row) => html`<li class="card">
<div><h2><a href="/integrations/${row.integrationType}">${systemOf(row.integrationType).name}</a></h2></div>
<dl><dt>Next run</dt><dd>${nextRun(row, view)}</dd><dt>Last run</dt><dd>${row.lastRun === null ? 'None yet' : runLine(row.lastRun, view)}</dd></dl>
<div>${chip(row.status)}</div>${problemList(row)}</li>`,
    )}</ul>
${
  missing.length > 0 &&
  html`<section aria-labelledby="others"><h2 id="others">Not connected</h2><ul>${missing.map((type) => {
    const { name } = systemOf(type)
    return html`<li>${view.isAdmin ? html`<a href="/integrations/${type}">${name}</a>` : name}</li>`
  })}</ul></section>`
}`,
  )
}

export type Detail = {
  type: IntegrationType
  row: Integration
  credential: CredentialDescription | null
  runs: readonly Run[]
  events: readonly IntegrationEvent[]
  done: string | undefined
  /** What was refused, and what the forms show instead of what is stored: what was typed. */
  refused: Refusal | null
}
export type Refusal = { message: string; problems: readonly Problem[]; settings?: Settings; mappings?: FieldMappings }

export const setUpPage = (type: IntegrationType, view: View, done: string | undefined): Html =>
  layout(
    systemOf(type).name,
    view,
    html`${doneNotice(done)}<section><p>Not connected.</p>
${view.isAdmin && html`<form method="post" action="/integrations/${type}/create"><button>Set up</button></form>`}</section>`,
  )

export function integrationPage(detail: Detail, view: View): Html {
  const { type, row, refused, runs, events } = detail
  return layout(
    systemOf(type).name,
    view,
    html`${doneNotice(detail.done)}${refused && refusal(refused)}
${stateSection(detail, view)}
${view.isAdmin ? html`${settingsForm(detail, view)}${mappingsForm(detail)}${credentialForms(detail)}` : mappingsList(row)}
<section aria-labelledby="runs"><h2 id="runs">Runs</h2>${
      runs.length === 0
        ? html`<p>None yet.</p>`
        : html`<ul class="plain">${runs.map((run) => html`<li>${runLine(run, view)}</li>`)}</ul>`
    }</section>
${view.isAdmin && html`<section aria-labelledby="events"><h2 id="events">Events</h2>${eventList(events, view)}</section>`}
${view.isAdmin && deleteForm(detail)}`,
  )
}

/** Takes the focus, so that keyboards and screen readers begin at what is wrong. */
const refusal = ({ message, problems }: Refusal) =>
  html`<div class="notice" role="alert" tabindex="-1" autofocus><p>Not saved. ${problems.length === 0 && message}</p>
<ul>${problems.map(({ field, rule }) => html`<li>${wordsOf(field.replaceAll('.', ' '))}: ${rule}</li>`)}</ul></div>`

function stateSection({ type, row, credential, runs }: Detail, view: View): Html {
  const unmapped = unmappedRequiredTargets(type, mappingsOf(row))
  const targets: Readonly<Record<string, { label: string }>> = systemOf(type).mappingTargets
  return html`<section aria-labelledby="state"><h2 id="state">State</h2><dl>
<dt>Status</dt><dd>${chip(row.status)}</dd>
<dt>Next runs</dt><dd>${nextRun(row, view, 3)}</dd>
<dt>Last run</dt><dd>${runs[0] === undefined ? 'None yet' : runLine(runs[0], view)}</dd>
<dt>Credential</dt><dd>${
    credential === null
      ? 'None stored'
      : html`Version ${credential.version}, stored ${time(credential.createdAt, view)}: ${credential.fieldNames.map(wordsOf).join(', ')}`
  }</dd>
${unmapped.length > 0 && html`<dt>Not mapped yet</dt><dd>${unmapped.map((target) => targets[target]?.label ?? target).join(', ')}</dd>`}
</dl>${problemList(row)}</section>`
}

const revisionOf = ({ revision }: Integration) => html`<input type="hidden" name="revision" value="${revision}">`

function settingsForm({ type, row, refused }: Detail, view: View): Html {
  return html`<section aria-labelledby="settings"><h2 id="settings">Settings</h2>
<form method="post" action="/integrations/${type}/settings">${revisionOf(row)}
${settingsControls(refused?.settings ?? row, view.timeZone).map((control) => input(control, refused?.problems))}
<button>Save settings</button></form></section>`
}

function mappingsForm({ type, row, refused }: Detail): Html {
  const controls = mappingControls(type, refused?.mappings ?? mappingsOf(row))
  return html`<section aria-labelledby="mappings"><h2 id="mappings">Field mappings</h2>
<form method="post" action="/integrations/${type}/mappings">${revisionOf(row)}
${controls.map(
  ({
    label,
    required,
    path,
    options,
  }) => html`<fieldset><legend>${label}${required && ' (needed)'}</legend>${input(path, refused?.problems)}
<details${options.some(({ value }) => value !== '') && html` open`}><summary>More for ${label}</summary>${options.map((one) => input(one, refused?.problems))}</details></fieldset>`,
)}
${otherMappings({ type, row })}
<button>Save field mappings</button></form></section>`
}

const pathOf = (mapping: unknown) => (typeof mapping === 'string' ? mapping : JSON.stringify(mapping))
/** What stands beside the system's targets stays as it is: the application has put it there. */
function otherMappings({ type, row }: Pick<Detail, 'type' | 'row'>): Html | false {
  const others = Object.keys(mappingsOf(row)).filter((name) => !Object.hasOwn(systemOf(type).mappingTargets, name))
  return others.length > 0 && html`<p class="hint">Kept as they are: ${others.join(', ')}.</p>`
}

const mappingsList = (row: Integration) =>
  html`<section aria-labelledby="mappings"><h2 id="mappings">Field mappings</h2><dl>${Object.entries(
    mappingsOf(row),
  ).map(([name, mapping]) => html`<dt>${wordsOf(name)}</dt><dd>${pathOf(mapping)}</dd>`)}</dl></section>`

function credentialForms({ type, credential, refused }: Detail): Html {
  const path = `/integrations/${type}/credential`
  return html`<section aria-labelledby="credential"><h2 id="credential">Credential</h2>
<p>${credential === null ? 'Stored once, and never shown again.' : 'What is stored is never shown. To replace it, fill in all of it.'}</p>
<form method="post" action="${path}">
${connectionControls(type).map((control) => input(control, refused?.problems))}
<button>${credential === null ? 'Store credential' : 'Replace credential'}</button></form>
${
  credential &&
  html`<hr><form method="post" action="${path}/revoke">${confirmation('revoke', 'Yes, delete the stored credential: syncs stop')}
<button class="danger">Revoke credential</button></form>`
}</section>`
}

const deleteForm = ({ type, row }: Detail) =>
  html`<section aria-labelledby="deletion"><h2 id="deletion">Delete</h2>
<form method="post" action="/integrations/${type}/delete">${revisionOf(row)}
${confirmation('delete', 'Yes, delete this integration with its settings, mappings and credential')}
<button class="danger">Delete integration</button></form></section>`
