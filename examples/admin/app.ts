// Pages for an organization's admins and coordinators, to copy from: `npm run example:admin`. Rendered on the server, without
// a script or a build step. What a page shows and saves goes through the scope of the token, so a path, a form or a cookie
// that was made up reaches nothing of another organization.
import { readFileSync } from 'node:fs'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import {
  type EventPageOptions,
  IntegrationsDbError,
  type IntegrationsDbErrorCode,
  type IntegrationType,
} from '../../src/index.ts'
import { statuses } from '../backend.ts'
import { type Form, isSystem, mappingsOf, problemsOf, readConnection, readMappings, readSettings } from './forms.ts'
import { eventsPage } from './history.ts'
import type { View } from './layout.ts'
import { integrationPage, integrationsPage, messagePage, type Refusal, setUpPage, signInPage } from './pages.ts'
import { type Env, type SessionOptions, sessions } from './session.ts'

export type AdminOptions = SessionOptions & {
  /** Its name for people; the table of organizations is yours. */
  organizationName: (organizationId: string) => Promise<string>
  timeZone?: string
}

const style = readFileSync(new URL('style.css', import.meta.url), 'utf8')
const contentSecurityPolicy = {
  defaultSrc: ["'none'"],
  styleSrc: ["'self'"],
  formAction: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
}
/**
 * These a person can put right: they are told in the form, in words of the page where the library's are for who calls it.
 * The others end at a page of their own.
 */
const told: Partial<Record<IntegrationsDbErrorCode, string>> = {
  invalid_input: '',
  credential_missing: 'It needs a credential to be active. Store one below, then set it active.',
  already_exists: 'It is there already.',
  conflict: 'Somebody else changed it meanwhile. This is how it is now; please make your change again.',
}
const eventsPerPage = 50

export function createAdmin(options: AdminOptions) {
  const { organizationName, timeZone = 'Europe/Oslo' } = options
  const { origin } = new URL(options.origin)
  const { signedIn, signIn, signOut } = sessions(options)
  const app = new Hono<Env>()
  const viewOf = async (c: Context<Env>): Promise<View> => {
    const { organizationId, isAdmin } = c.var.member
    return { organization: await organizationName(organizationId), isAdmin, timeZone }
  }

  app.onError(async (error, c) => {
    const view = c.var.member === undefined ? null : await viewOf(c).catch(() => null)
    if (error instanceof IntegrationsDbError)
      return c.html(messagePage('That did not work', error.message, view), statuses[error.code])
    if (error instanceof HTTPException) return error.getResponse()
    console.error(`${c.req.method} ${c.req.routePath}: ${error.name}`) // Not its message, which may quote the request.
    return c.html(messagePage('That did not work', 'Something went wrong here.', view), 500)
  })
  app.notFound(async (c) => c.html(messagePage('Not found', 'There is no such page.', null), 404))

  app.use(secureHeaders({ contentSecurityPolicy, xFrameOptions: 'DENY', referrerPolicy: 'same-origin' }))
  app.use(bodyLimit({ maxSize: 256 * 1024 }), fromOwnPages(origin))
  app.get('/style.css', (c) => c.body(style, 200, { 'content-type': 'text/css; charset=utf-8' }))
  app.get('/favicon.ico', (c) => c.body(null, 204))
  app.use(async (c, next) => {
    await next()
    c.header('cache-control', 'no-store')
  })

  app.get('/sign-in', (c) => c.html(signInPage(null)))
  app.post('/sign-in', async (c) => {
    const refused = await signIn(c, (await formOf(c)).token?.trim() ?? '')
    if (refused === null) return c.redirect('/', 303)
    const why =
      refused === 401
        ? 'is not valid, has expired, or is longer than a cookie can hold'
        : 'names no organization, or no role that may look at this'
    return c.html(signInPage(`This token ${why}.`), refused)
  })
  app.post('/sign-out', (c) => {
    signOut(c)
    return c.redirect('/sign-in', 303)
  })
  app.use(signedIn)

  app.get('/', async (c) => {
    const { scope, isAdmin } = c.var.member
    const alerts = isAdmin ? scope.events.list({ action: 'alert', limit: 5 }) : []
    const [rows, latest] = await Promise.all([scope.integrations.listWithLastRun(), alerts])
    return c.html(integrationsPage(rows, latest, await viewOf(c), c.req.query('done')))
  })
  app.get('/events', async (c) => {
    const { action = '', system = '', after } = c.req.query()
    const filter = { action: action || undefined, integrationType: system || undefined } as EventPageOptions
    const events = await c.var.member.scope.events.list({ ...filter, limit: eventsPerPage, after })
    const next = new URLSearchParams({ action, system, after: events.at(-1)?.id ?? '' })
    const older = events.length === eventsPerPage ? `/events?${next}` : null
    return c.html(eventsPage(events, { action, system }, await viewOf(c), older))
  })

  /** One integration, as it is or with what was refused. */
  async function show(c: Context<Env>, type: IntegrationType, refused: Refusal | null = null) {
    const { scope, isAdmin } = c.var.member
    const latest = { integrationType: type, limit: 10 }
    const [row, credential, runs, events] = await Promise.all([
      scope.integrations.get(type),
      scope.credentials.describe(type),
      scope.runs.list(latest),
      isAdmin ? scope.events.list(latest) : [],
    ])
    const done = refused === null ? c.req.query('done') : undefined
    const view = await viewOf(c)
    return row === null
      ? setUpPage(type, view, done)
      : integrationPage({ type, row, credential, runs, events, done, refused }, view)
  }
  app.get('/integrations/:system', async (c) => c.html(await show(c, systemOf(c))))

  /** Saves a form and goes back to the page, or shows the page with what was refused. */
  function saves(path: string, done: string, save: (call: Call) => Promise<unknown>, to = '/integrations/:system') {
    app.post(`/integrations/:system/${path}`, async (c) => {
      const type = systemOf(c)
      const typed: Partial<Refusal> = {}
      try {
        await save({ type, form: await formOf(c), scope: c.var.member.scope, typed })
      } catch (error) {
        if (!(error instanceof IntegrationsDbError)) throw error
        const { code, message } = error
        const words = told[code]
        if (words === undefined) throw error
        // What looks like a credential is not sent back, and what somebody else saved meanwhile is shown instead.
        const echoed = code === 'invalid_input' && !message.includes('credential') ? typed : {}
        return c.html(
          await show(c, type, { ...echoed, message: words || message, problems: problemsOf(message) }),
          statuses[code],
        )
      }
      return c.redirect(`${to.replace(':system', type)}?done=${done}`, 303)
    })
  }
  saves('create', 'created', ({ scope, type }) => scope.integrations.create({ integrationType: type }))
  saves('settings', 'settings', ({ scope, type, form, typed }) => {
    typed.settings = readSettings(form)
    return scope.integrations.update(type, typed.settings, { expectedRevision: form.revision ?? '' })
  })
  saves('mappings', 'mappings', async ({ scope, type, form, typed }) => {
    const row = await scope.integrations.get(type)
    typed.mappings = readMappings(type, row === null ? {} : mappingsOf(row), form)
    return scope.integrations.update(type, { fieldMappings: typed.mappings }, { expectedRevision: form.revision ?? '' })
  })
  saves('credential', 'credential', async ({ scope, type, form }) => {
    const bundle = readConnection(type, form)
    const stored = await scope.credentials.describe(type)
    // What a worker began with the credential before, it can finish within five minutes.
    if (stored === null) await scope.credentials.store(type, bundle as never)
    else await scope.credentials.rotate(type, bundle as never, { graceSeconds: 300 })
  })
  saves('credential/revoke', 'revoked', ({ scope, type, form }) => {
    assertConfirmed(form)
    return scope.credentials.revoke(type)
  })
  saves(
    'delete',
    'deleted',
    ({ scope, type, form }) => {
      assertConfirmed(form)
      return scope.integrations.delete(type, { expectedRevision: form.revision ?? '' })
    },
    '/',
  )
  return app
}

type Call = { type: IntegrationType; form: Form; scope: Env['Variables']['member']['scope']; typed: Partial<Refusal> }

function systemOf(c: Context): IntegrationType {
  const name = c.req.param('system') ?? ''
  if (isSystem(name)) return name
  throw new IntegrationsDbError('not_found', 'There is no such system.')
}

/**
 * Refuses what no page of ours has sent, whatever it is made of. Browsers name the origin of every POST, unless a referrer
 * policy of `no-referrer` makes them hide it.
 */
const fromOwnPages =
  (origin: string): MiddlewareHandler =>
  async (c, next) => {
    if (['GET', 'HEAD'].includes(c.req.method) || c.req.header('origin') === origin) return next()
    return c.html(messagePage('Refused', 'This was not sent by a page of this site.', null), 403)
  }

/** The texts of a form; files are none. */
async function formOf(c: Context): Promise<Form> {
  const body = await c.req.parseBody().catch(() => {
    throw new IntegrationsDbError('invalid_input', 'This is no form that can be read.')
  })
  const texts = Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.assign(Object.create(null), Object.fromEntries(texts))
}

function assertConfirmed(form: Form): void {
  if (form.confirmed !== 'yes') throw new IntegrationsDbError('invalid_input', 'Tick the box to confirm.')
}
