/** Pages in states that a visit to each path does not reach: with many entries, with pictures, right after an act. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { discovered, enter, register, request } from '../../support/applications.ts'
import { depthOf, inspect, type Language, languages } from '../../support/inspect.ts'
import { startWorld, type World } from '../../support/service.ts'
import { giveSession, visitors } from '../../support/visitors.ts'

let world: World
const visit = visitors()
const known = { boss: '', ada: '', invited: '', person: '', consent: '' }

const logo = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 24"><rect width="48" height="24" rx="6" fill="#0a7d5a"/><circle cx="12" cy="12" r="6" fill="#fff"/></svg>',
)

/** A page of the administrator, or of a person who uses many applications. */
async function pageOf(who: 'boss' | 'ada', language: Language): Promise<Page> {
  const locale = language === 'en' ? 'en-GB' : 'pt-BR'
  const page = await (await visit([world.base, world.sandbox.url], { baseURL: world.base, locale })).newPage()
  await giveSession(world, page.context(), known[who])
  return page
}

beforeAll(async () => {
  world = await startWorld()
  const boss = world.newcomer({ name: 'Bo Ss' })
  const { user } = await world.signIn('google', boss)
  await world.vinculum.makeAdministrator(user.id)
  known.boss = boss
  const token = async () => (await world.signIn('google', boss)).access_token

  const who = world.newcomer({ name: 'Ada Example' })
  known.ada = who
  const browser = world.openBrowser()
  await browser.signIn('google', who)
  known.person = (await world.signIn('google', who)).user.id
  const names = ['Shop', 'Mail', 'Calendar', 'Wiki', 'Tickets', 'Payroll', 'Photos', 'Maps', 'Reports', 'Chat']
  for (const name of names) {
    const application = await register(world, token, { name })
    await enter(world, browser, await discovered(world, application))
  }
  const third = await register(world, token, { name: 'Reading room', first_party: false })
  const uploaded = await world.send(`${world.base}/applications/${third.id}/logo`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${await token()}`, 'content-type': 'image/svg+xml' },
    body: logo,
  })
  expect(uploaded.status).toBe(200)
  const added = await world.call('POST', '/users', {
    token: await token(),
    body: { email: 'invited@example.com', name: 'Grace Invited' },
  })
  expect(added.status, added.text).toBe(201)
  known.invited = String(added.body.id)
  const metadata = { public: { plan: 'team', seats: 12, features: { reports: true, exports: ['csv', 'json'] } } }
  const changed = await world.call('PATCH', `/users/${known.person}`, { token: await token(), body: { metadata } })
  expect(changed.status, changed.text).toBe(200)
  const { url } = await request(await discovered(world, third), { scope: 'openid profile email' })
  known.consent = url.href
})
afterAll(async () => {
  await world?.stop()
})

/** A state with its number: the suite looks at each in one language, `npm run bench:pages` in both. */
const state = (nth: number, name: string, look: (language: Language) => Promise<void>): void => {
  for (const language of languages.filter((each) => depthOf(nth, each) === 'inspect'))
    test(`${name} (${language})`, () => look(language))
}

state(0, 'many applications stay a short page, and each opens to what it may do', async (language) => {
  const page = await pageOf('ada', language)
  await page.goto('/account/permissions')
  const height = async (): Promise<number> => {
    await page.setViewportSize({ width: 360, height: 740 })
    return page.evaluate(() => document.documentElement.scrollHeight)
  }
  expect(await height()).toBeLessThan(2 * 740)
  await inspect(page, `states/many-applications-${language}`, ['dark'])
  await page.locator('#applications + .rows > li summary').first().click()
  await inspect(page, `states/one-application-${language}`, ['dark'])
})

state(1, 'consent shows the logo of the application', async (language) => {
  const page = await pageOf('ada', language)
  await page.goto(known.consent)
  expect(await page.locator('.app-logo').evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0)
  await inspect(page, `states/consent-${language}`, ['dark'])
})

state(2, 'a token is shown once, with a button that copies it', async (language) => {
  const page = await pageOf('boss', language)
  await page.goto('/admin/registration-tokens')
  expect(await page.locator('.side [aria-current]').getAttribute('href')).toBe('/admin/applications')
  await page.locator('#name').fill(`CI ${language}`)
  await page.locator('main form button.primary').click()
  await expect.poll(() => page.locator('.once button:visible').count()).toBe(2)
  await inspect(page, `states/token-${language}`, ['dark'])
  await page.locator('main .actions .primary').click()
  await page.locator('.rows h3', { hasText: `CI ${language}` }).waitFor()
  await inspect(page, `states/tokens-${language}`, ['dark'])
})

state(3, 'an account with metadata and applications, and an invited one', async (language) => {
  const page = await pageOf('boss', language)
  for (const name of ['person', 'invited'] as const) {
    await page.goto(`/admin/users/${known[name]}`)
    await inspect(page, `states/user-${name}-${language}`, ['dark'])
  }
})

state(4, 'a refused provider says which settings, at the top and at each', async (language) => {
  const page = await pageOf('boss', language)
  await page.goto('/admin/new-provider/oidc')
  await page.locator('main form button.primary').click()
  const links = page.getByRole('alert').getByRole('link')
  await links.first().waitFor()
  expect(await links.first().textContent()).toMatch(/^Client ID: /)
  expect(await page.locator('[id="settings.CLIENT_ID"]').getAttribute('aria-invalid')).toBe('true')
  expect(await page.title()).toMatch(/^(Error|Erro): /)
  await inspect(page, `states/refused-provider-${language}`, ['dark'])
})
