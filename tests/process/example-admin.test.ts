import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAdmin } from '../../examples/admin/app.ts'
import { type IntegrationType, nextRuns, type RunEnd } from '../../src/index.ts'
import { startTestDatabase, type TestDatabase, type TokenOptions } from '../../src/testing/index.ts'
import { hasChromium, startChromium } from '../support/chromium.ts'

/* The pages in a real Chromium. tests/process/example-admin-requests.test.ts sends what no browser would. */

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const widths = { desktop: { width: 1200, height: 800 }, phone: { width: 360, height: 740 } }
let t: TestDatabase
let server: ServerType
let origin: string
let browser: Browser
let lions: string
let scouts: string
const names = new Map<string, string>()
const contexts: BrowserContext[] = []
/** What a page complained of: errors and warnings on its console, failures, requests that a policy blocked. */
let complaints: string[] = []

beforeAll(async () => {
  if (!hasChromium) return
  ;[t, browser] = await Promise.all([startTestDatabase(), startChromium()])
  const app = { fetch: (_: Request): Response | Promise<Response> => new Response() }
  const { port } = await new Promise<AddressInfo>((resolve) => {
    server = serve({ fetch: (request) => app.fetch(request), port: 0, hostname: '127.0.0.1' }, resolve)
  })
  origin = `http://127.0.0.1:${port}`
  const organizationName = async (id: string) => names.get(id) ?? id
  app.fetch = createAdmin({ ...t, origin, organizationName }).fetch
})
afterAll(async () => {
  await browser?.close()
  server?.close()
  await t?.stop()
})
beforeEach(async () => {
  complaints = []
  lions = await t.organization({ name: 'Lions Bergen' })
  scouts = await t.organization({ name: 'Speiderne i Tromsø' })
  names.set(lions, 'Lions Bergen').set(scouts, 'Speiderne i Tromsø')
})
afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()))
  expect(complaints).toEqual([])
})

type Visit = { width?: keyof typeof widths; javaScriptEnabled?: boolean; refused?: number }

/** A window of a member who has signed in, or of nobody. */
async function windowOf(
  who: TokenOptions | null,
  { width = 'desktop', javaScriptEnabled = true, refused }: Visit = {},
) {
  const context = await browser.newContext({ viewport: widths[width], javaScriptEnabled })
  contexts.push(context)
  context.setDefaultTimeout(15_000)
  if (who !== null)
    await context.addCookies([
      { name: 'session', value: t.token(who), url: origin, httpOnly: true, sameSite: 'Strict' },
    ])
  const page = await context.newPage()
  const expected = `Failed to load resource: the server responded with a status of ${refused} `
  page.on('console', (message) => {
    const isExpected = refused !== undefined && message.text().startsWith(expected)
    if (['error', 'warning'].includes(message.type()) && !isExpected) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`))
  return page
}

// Texts, because the types of a browser are not those of Node.
const nameOf = `const nameOf = (element) => (element.labels?.[0] ?? element).textContent.trim();`
const focusedName = `(() => { ${nameOf} return nameOf(document.activeElement) })()`
/** How many presses of Tab lead to what is called so, where the order is that of the page. */
const pressesTo = (name: string) => `(() => {
  ${nameOf}
  const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary, [tabindex]')]
  const reached = all.filter((one) => one.checkVisibility() && (one.tabIndex >= 0 || one === document.activeElement))
  const from = reached.indexOf(document.activeElement)
  return reached.findIndex((one, i) => i > from && nameOf(one) === ${JSON.stringify(name)}) - from
})()`
const findFaults = `(async () => (await axe.run()).violations.map(({ id }) => id))()`
const isTooWide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth'

/** Presses Tab until what is called so has the focus, as somebody does who has no mouse. */
async function tabTo(page: Page, name: string): Promise<void> {
  const presses = Number(await page.evaluate(pressesTo(name)))
  await Promise.all(Array.from({ length: presses }, () => page.keyboard.press('Tab')))
  expect(await page.evaluate(focusedName)).toBe(name)
}
async function typeInto(page: Page, name: string, text: string): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.type(text)
}
async function press(page: Page, name: string): Promise<void> {
  await tabTo(page, name)
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')])
}

const of = (organizationId: string) => t.forOrganization({ organizationId })
async function connected(organizationId: string) {
  const { integrations, credentials } = of(organizationId)
  const fieldMappings = { amount: `of-${organizationId}`, account: 'glObject1.code', date: 'invoiceDate' }
  await integrations.create({ integrationType: 'xledger', fieldMappings })
  const bundle = { api_key: 'canary-8d1f2b', base_url: 'https://api.xledger.net', company_id: '4711' }
  await credentials.store('xledger', bundle, { reason: 'The contract was signed' })
  const row = await integrations.update('xledger', { status: 'active', syncSchedule: '0 2 * * *' })
  await ran(organizationId, 'xledger', { outcome: 'succeeded', counts: { invoices: 12 } })
  return row
}

/** Its run of so many nights ago. */
async function ran(organizationId: string, integrationType: IntegrationType, end: RunEnd, nights = 1) {
  const { runs } = t.db.asService({ actor: 'nightly-sync' })
  const after = new Date(Date.now() - nights * 86_400_000)
  const due = nextRuns('0 2 * * *', { timeZone: 'Europe/Oslo', after })[0] as Date
  const run = await runs.start({ organizationId, integrationType, due })
  await runs.finish(run?.id ?? '', end)
}

/** An organization with one system that works, one that does not, and one that waits. */
async function sample() {
  await connected(lions)
  const { integrations, credentials } = of(lions)
  await integrations.create({ integrationType: 'cornerstone', syncSchedule: '30 5 * * 1-5' })
  await credentials.store('cornerstone', { api_key: 'k', subdomain: 'lions' })
  await integrations.update('cornerstone', { status: 'active' })
  const failed = { outcome: 'failed', message: 'Cornerstone answered 503', errorAfter: 3 } as const
  for (const nights of [3, 2, 1]) await ran(lions, 'cornerstone', failed, nights)
  await integrations.create({ integrationType: 'bufdir', status: 'pending_setup' })
}

describe.skipIf(!hasChromium)('the admin example in a browser', () => {
  test.each(['desktop', 'phone'] as const)(
    'at %s width an admin connects a system with the keyboard alone and without JavaScript',
    async (width) => {
      const page = await windowOf(null, { width, javaScriptEnabled: false })
      await page.goto(origin)
      await typeInto(page, 'Token', t.token({ organizationId: lions }))
      await page.keyboard.press('Enter')
      await page.waitForURL(`${origin}/`)
      await press(page, 'Consio')
      await press(page, 'Set up')
      await typeInto(page, 'API key', 'canary-8d1f2b')
      await typeInto(page, 'Base URL', 'https://api.consio.no')
      await press(page, 'Store credential')
      await typeInto(page, 'Field in Consio', 'medlemsnummer')
      await tabTo(page, 'More for Member')
      await page.keyboard.press('Enter')
      await typeInto(page, 'Transform', 'Trim')
      await press(page, 'Save field mappings')
      await typeInto(page, 'Status', 'Active')
      await typeInto(page, 'Schedule', '30 2 * * 1')
      await press(page, 'Save settings')

      expect(await page.getByRole('status').textContent()).toBe('Settings saved.')
      const [next] = nextRuns('30 2 * * 1', { timeZone: 'Europe/Oslo' })
      expect(await page.locator('dd time').first().getAttribute('datetime')).toBe(next?.toISOString())
      expect(await of(lions).integrations.get('consio')).toMatchObject({
        status: 'active',
        syncSchedule: '30 2 * * 1',
        fieldMappings: { member_id: { path: 'medlemsnummer', transform: 'trim' } },
      })
      expect(await of(lions).credentials.describe('consio')).toMatchObject({ version: 1 })
      expect(await page.content()).not.toContain('canary')
      await press(page, 'Sign out')
      await page.goBack()
      await page.goto(`${origin}/integrations/consio`)
      expect(page.url()).toBe(`${origin}/sign-in`)
    },
  )

  test('an admin who may not do something is told in words of the page, and no function of ours is named', async () => {
    await of(lions).integrations.create({ integrationType: 'xledger' })
    const told = async (refused: number, fill: (page: Page) => Promise<unknown>, button: string) => {
      const page = await windowOf({ organizationId: lions }, { refused })
      await page.goto(`${origin}/integrations/xledger`)
      await fill(page)
      await page.getByRole('button', { name: button }).click()
      const html = await page.content()
      for (const word of ['canary', 'credentials.store']) expect(html).not.toContain(word)
      return page.getByRole('alert').textContent()
    }
    const mapping = (page: Page) => page.getByLabel('Field in Xledger').first().fill('Bearer canary-8d1f2b')
    expect(await told(400, mapping, 'Save field mappings')).toContain(
      'Field mappings amount: must not look like a credential; store it below, as a credential',
    )
    expect(await told(422, (page) => page.getByLabel('Status').selectOption('active'), 'Save settings')).toContain(
      'It needs a credential to be active. Store one below, then set it active.',
    )
  })

  test('each page has labels and contrast that axe finds no fault in, and fits a desktop and a phone', async () => {
    await connected(lions)
    const paths = {
      nobody: ['/sign-in'],
      admin: ['/', '/integrations/xledger', '/integrations/bufdir', '/events'],
      coordinator: ['/', '/integrations/xledger'],
    }
    for (const [role, pages] of Object.entries(paths)) {
      const page = await windowOf(role === 'nobody' ? null : { organizationId: lions, role })
      for (const path of pages) {
        await page.setViewportSize(widths.desktop)
        await page.goto(`${origin}${path}`)
        expect(await faults(page), `${role} ${path}`).toEqual([])
        for (const width of Object.values(widths)) {
          await page.setViewportSize(width)
          expect(await page.evaluate(isTooWide), `${role} ${path} at ${width.width}`).toBe(false)
        }
      }
    }
  })

  test('axe sees a label that is missing', async () => {
    const page = await windowOf(null)
    await page.goto(`${origin}/sign-in`)
    await page.evaluate(`document.querySelector('label').remove()`)
    expect(await faults(page)).toContain('label')
  })

  test('a refusal takes the focus, marks its field and keeps what was typed', async () => {
    await connected(lions)
    const page = await windowOf({ organizationId: lions }, { refused: 400 })
    await page.goto(`${origin}/integrations/xledger`)
    await page.getByLabel('Schedule').fill('0 24 * * *')
    await page.getByLabel('Excluded features').fill('payroll_sync')
    await page.getByRole('button', { name: 'Save settings' }).click()
    expect(await page.locator(':focus').textContent()).toContain('hour "24" must be 0 to 23')
    const schedule = page.getByLabel('Schedule')
    expect(await schedule.inputValue()).toBe('0 24 * * *')
    expect(await page.getByLabel('Excluded features').inputValue()).toBe('payroll_sync')
    expect(await schedule.getAttribute('aria-invalid')).toBe('true')
    expect(await page.locator('#syncSchedule-problem').textContent()).toBe('hour "24" must be 0 to 23')
    expect(await schedule.getAttribute('aria-describedby')).toBe('syncSchedule-hint syncSchedule-problem')
    expect(await faults(page)).toEqual([])
    expect(await of(lions).integrations.get('xledger')).toMatchObject({ syncSchedule: '0 2 * * *' })
  })

  test('of two windows the second to save is shown what the first one saved, and overwrites nothing', async () => {
    await connected(lions)
    const [first, second] = [
      await windowOf({ organizationId: lions }),
      await windowOf({ organizationId: lions }, { refused: 409 }),
    ]
    for (const page of [first, second]) await page.goto(`${origin}/integrations/xledger`)
    for (const [page, path] of [
      [first, 'first'],
      [second, 'second'],
    ] as const) {
      await page.getByRole('group', { name: 'Amount' }).getByLabel('Field in Xledger').fill(path)
      await page.getByRole('button', { name: 'Save field mappings' }).click()
    }
    expect(await second.getByRole('alert').textContent()).toContain('Somebody else changed it meanwhile')
    expect(await second.getByRole('group', { name: 'Amount' }).getByLabel('Field in Xledger').inputValue()).toBe(
      'first',
    )
    expect(await of(lions).integrations.get('xledger')).toMatchObject({ fieldMappings: { amount: 'first' } })
  })

  test('two organizations in one browser: each window shows its own, and no cookie is readable', async () => {
    for (const organization of [lions, scouts]) await connected(organization)
    for (const [mine, theirs] of [
      [lions, scouts],
      [scouts, lions],
    ] as const) {
      const page = await windowOf({ organizationId: mine })
      for (const path of ['/', '/integrations/xledger', '/events']) {
        await page.goto(`${origin}${path}`)
        const text = await page.content()
        expect(text).toContain(names.get(mine))
        expect(text).not.toContain(names.get(theirs))
        expect(text).not.toContain(theirs)
        expect(text).not.toContain('canary')
      }
      expect(await page.evaluate('document.cookie')).toBe('')
    }
  })

  test('a page of another site that posts with the session of this one changes nothing', async () => {
    const { revision } = await connected(lions)
    const evil = createServer((_, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(`<form method="post" action="${origin}/integrations/xledger/delete">
        <input name="confirmed" value="yes"><input name="revision" value="${revision}"><button>Win a prize</button></form>`)
    })
    await new Promise<void>((resolve) => evil.listen(0, resolve))
    const page = await windowOf({ organizationId: lions }, { refused: 403 })
    await page.goto(`http://localhost:${(evil.address() as AddressInfo).port}/`)
    await page.getByRole('button').click()
    expect(await page.getByRole('alert').textContent()).toBe('This was not sent by a page of this site.')
    evil.close()
    expect(await of(lions).integrations.get('xledger')).toMatchObject({ revision })
  })

  test('what is stored is text on a page, whatever it says', async () => {
    const attack = `"'><img src=x onerror=alert(1)><script>alert(2)</script>`
    await of(lions).integrations.create({
      integrationType: 'xledger',
      fieldMappings: { amount: attack, other: { const: attack } },
    })
    await of(lions).credentials.store(
      'xledger',
      { api_key: 'k', base_url: 'https://x.no', company_id: '1' },
      { reason: attack },
    )
    names.set(lions, attack)
    for (const role of ['admin', 'coordinator']) {
      const page = await windowOf({ organizationId: lions, role })
      for (const path of ['/', '/integrations/xledger', ...(role === 'admin' ? ['/events'] : [])]) {
        await page.goto(`${origin}${path}`)
        expect(await page.locator('script, img').count(), path).toBe(0)
        expect(await page.locator('body').textContent()).toContain(attack)
      }
    }
  })

  test('an admin finds what went wrong last night, a coordinator when it runs again', async () => {
    await sample()
    const admin = await windowOf({ organizationId: lions })
    await admin.goto(origin)
    const card = admin.getByRole('listitem').filter({ has: admin.getByRole('heading', { name: 'Cornerstone' }) })
    expect(await card.textContent()).toMatch(/Last run.*Failed Cornerstone answered 503/s)
    const alerts = admin.getByRole('region', { name: 'Latest alerts' })
    expect(await alerts.textContent()).toContain('Cornerstone')
    await admin.getByRole('link', { name: 'All alerts' }).click()
    expect(await admin.getByLabel('What was done').inputValue()).toBe('alert')

    const coordinator = await windowOf({ organizationId: lions, role: 'coordinator' })
    await coordinator.goto(`${origin}/integrations/xledger`)
    const state = coordinator.getByRole('region', { name: 'State' })
    const times = await state.locator('time').evaluateAll((all) => all.map((one) => one.getAttribute('datetime')))
    const next = nextRuns('0 2 * * *', { timeZone: 'Europe/Oslo', count: 3 }).map((run) => run.toISOString())
    expect(times.slice(0, 3)).toEqual(next)
    expect(await coordinator.getByRole('region', { name: 'Runs' }).textContent()).toContain('Succeeded 12 invoices')
    expect(await coordinator.locator('form').count()).toBe(1) // To sign out.
  })

  test('the pictures of the documentation are small', async () => {
    await sample()
    for (const [name, path, width] of [
      ['admin', '/', 'desktop'],
      ['admin-phone', '/integrations/xledger', 'phone'],
    ] as const) {
      const page = await windowOf({ organizationId: lions }, { width })
      await page.goto(`${origin}${path}`)
      const picture = await page.screenshot({ fullPage: name === 'admin' })
      expect(picture.length).toBeLessThan(100_000)
      // Not on every run: its dates are of the day, so each day would be a change.
      if (process.env.SCREENSHOTS) writeFileSync(`docs/images/${name}.png`, picture)
    }
  })
})

/** What axe finds wrong, by the ids of its rules. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate(findFaults)
}
