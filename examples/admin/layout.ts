// What every page is made of. Every value goes through Hono's `html`, which escapes it; no page needs a script.
import { html } from 'hono/html'
import { type Control, type Problem, wordsOf } from './forms.ts'

export type Html = ReturnType<typeof html>
/** Whose pages they are, and the clock that they and the schedules follow. */
export type View = { organization: string; isAdmin: boolean; timeZone: string }

export function layout(title: string, view: View | null, main: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}${view && ` · ${view.organization}`}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
${
  view &&
  html`<header>
<strong>${view.organization}</strong>
<nav aria-label="Pages"><a href="/">Integrations</a>${view.isAdmin && html` · <a href="/events">Events</a>`}</nav>
<span>${view.isAdmin ? 'Admin' : 'Coordinator, reads only'}</span>
<form class="inline" method="post" action="/sign-out"><button class="quiet">Sign out</button></form>
</header>`
}
<main id="main" tabindex="-1">
<h1>${title}</h1>
${main}
</main>
</body>
</html>`
}

/** A label, its input, what it takes and what is wrong with it, tied together for screen readers. */
export function input(control: Control, problems: readonly Problem[] = []): Html {
  const { name, label, value = '', hint, options, type = 'text', required, pattern, maxLength } = control
  const wrong = problems.find(({ field }) => field === name || field.startsWith(`${name}.`) || `${field}.path` === name)
  const described = [hint && `${name}-hint`, wrong && `${name}-problem`].filter(Boolean).join(' ')
  const attributes = html`id="${name}" name="${name}"${described && html` aria-describedby="${described}"`}${
    wrong && html` aria-invalid="true"`
  }${required && html` required`}`
  return html`<div class="control"><label for="${name}">${label}</label>
${hint && html`<span class="hint" id="${name}-hint">${hint}</span>`}
${wrong && html`<span class="problem" id="${name}-problem">${wrong.rule}</span>`}
${
  options === undefined
    ? html`<input ${attributes} type="${type}" value="${value}" autocomplete="off" spellcheck="false"${
        pattern && html` pattern="${pattern}"`
      }${maxLength && html` maxlength="${maxLength}"`}>`
    : html`<select ${attributes}>${Object.entries(options).map(
        ([one, words]) => html`<option value="${one}"${one === value && html` selected`}>${words}</option>`,
      )}</select>`
}</div>`
}

export const confirmation = (id: string, label: string) =>
  html`<div><input type="checkbox" id="${id}" name="confirmed" value="yes" required> <label for="${id}">${label}</label></div>`

export const chip = (state: string) => html`<span class="status ${state}">${wordsOf(state)}</span>`
export const time = (date: Date, { timeZone }: View) => {
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone })
  return html`<time datetime="${date.toISOString()}">${format.format(date)}</time>`
}
