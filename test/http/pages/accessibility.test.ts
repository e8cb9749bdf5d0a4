/**
 * Every page, as every role with access sees it. The list comes from the service: a new page that is not visited here
 * fails the test.
 */
import { TOTP } from 'otpauth'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { discovered, register, request } from '../../support/applications.ts'
import { sharedBrowser, visit, type Watched } from '../../support/browser.ts'
import {
  depthOf,
  expectCopyInOrder,
  inspect,
  isComplete,
  type Language,
  looksOf,
  schemesIn,
} from '../../support/inspect.ts'
import { ACME_SITE, INITECH_SITE, jiraIn } from '../../support/jira.ts'
import { registered } from '../../support/registered.ts'
import { startWorld, type World } from '../../support/service.ts'

type Role = 'visitor' | 'person' | 'administrator'
const everybody = ['visitor', 'person', 'administrator'] as const

/** Path parameters that only this run knows. */
const known = {
  user: '',
  identity: '',
  question: '',
  letter: '',
  verify: '',
  change: '',
  reset: '',
  signIn: '',
  team: '',
  guest: '',
  invitation: '',
  accept: '',
  consent: '',
  application: '',
}

/** The URL of each page, and who may see it. Everyone else sees the sign-in page or an error page. */
const visits: Readonly<Record<string, readonly [at: () => string, shownTo: readonly Role[]]>> = {
  '/login': [() => '/login', everybody],
  '/login/email': [() => '/login/email', everybody],
  '/login/email/code': [() => '/login/email/code', everybody],
  '/login/email/link': [() => `/login/email/link?ticket=${known.signIn}`, everybody],
  '/login/second-factor': [() => '/login/second-factor', ['visitor']],
  '/auth/conflicts/{ticket}': [() => `/auth/conflicts/${known.question}`, ['visitor']],
  '/register': [() => '/register', everybody],
  '/forgot-password': [() => '/forgot-password', everybody],
  '/reset-password': [() => `/reset-password?ticket=${known.reset}`, everybody],
  '/verify-email': [() => `/verify-email?ticket=${known.verify}`, ['person', 'administrator']],
  '/change-email': [() => `/change-email?ticket=${known.change}`, ['person', 'administrator']],
  '/account': [() => '/account', ['person', 'administrator']],
  '/account/sign-in': [() => '/account/sign-in', ['person', 'administrator']],
  '/account/devices': [() => '/account/devices', ['person', 'administrator']],
  '/account/permissions': [() => '/account/permissions', ['person', 'administrator']],
  '/account/data': [() => '/account/data', ['person', 'administrator']],
  '/account/activity': [() => '/account/activity', ['person', 'administrator']],
  '/account/delete': [() => '/account/delete', ['person', 'administrator']],
  '/account/email': [() => '/account/email', ['person', 'administrator']],
  '/account/identities/{id}': [() => `/account/identities/${known.identity}`, ['person']],
  '/account/identities/{id}/withdraw': [() => `/account/identities/${known.identity}/withdraw`, ['person']],
  '/account/identities/{id}/unlink': [() => `/account/identities/${known.identity}/unlink`, ['person']],
  '/account/link/{provider}': [() => '/account/link/atlassian', ['person', 'administrator']],
  '/account/passkeys': [() => '/account/passkeys', ['person', 'administrator']],
  '/account/password': [() => '/account/password', ['person', 'administrator']],
  '/account/second-factor': [() => '/account/second-factor', ['person', 'administrator']],
  '/account/teams': [() => '/account/teams', ['person', 'administrator']],
  '/account/teams/{id}': [() => `/account/teams/${known.team}`, ['person']],
  '/account/teams/{id}/delete': [() => `/account/teams/${known.team}/delete`, ['person']],
  '/account/teams/{id}/members/{user_id}/remove': [
    () => `/account/teams/${known.team}/members/${known.guest}/remove`,
    ['person'],
  ],
  '/account/teams/{id}/integrations': [() => `/account/teams/${known.team}/integrations`, ['person']],
  '/account/teams/{id}/integrations/jira/sites': [
    () => `/account/teams/${known.team}/integrations/jira/sites`,
    ['person'],
  ],
  '/account/teams/{id}/integrations/jira/disconnect': [
    () => `/account/teams/${known.team}/integrations/jira/disconnect`,
    ['person'],
  ],
  '/account/teams/{id}/integrations/jira/queues': [
    () => `/account/teams/${known.team}/integrations/jira/queues`,
    ['person'],
  ],
  '/invitation': [() => `/invitation?ticket=${known.invitation}`, everybody],
  '/accept-invitation': [() => `/accept-invitation?ticket=${known.accept}`, everybody],
  '/admin': [() => '/admin', ['administrator']],
  '/admin/users': [() => '/admin/users', ['administrator']],
  '/admin/audit': [() => '/admin/audit', ['administrator']],
  '/admin/jobs': [() => '/admin/jobs', ['administrator']],
  '/admin/service-credentials': [() => '/admin/service-credentials', ['administrator']],
  '/admin/providers': [() => '/admin/providers', ['administrator']],
  '/admin/providers/{id}': [() => '/admin/providers/staff', ['administrator']],
  '/admin/providers/{id}/edit': [() => '/admin/providers/staff/edit', ['administrator']],
  '/admin/providers/{id}/disable': [() => '/admin/providers/staff/disable', ['administrator']],
  '/admin/providers/{id}/delete': [() => '/admin/providers/staff/delete', ['administrator']],
  '/admin/new-provider': [() => '/admin/new-provider', ['administrator']],
  '/admin/new-provider/{kind}': [() => '/admin/new-provider/oauth2', ['administrator']],
  '/admin/branding': [() => '/admin/branding', ['administrator']],
  '/admin/applications': [() => '/admin/applications', ['administrator']],
  '/admin/registration-tokens': [() => '/admin/registration-tokens', ['administrator']],
  '/admin/applications/{id}': [() => `/admin/applications/${known.application}`, ['administrator']],
  '/admin/applications/{id}/edit': [() => `/admin/applications/${known.application}/edit`, ['administrator']],
  '/admin/applications/{id}/users': [() => `/admin/applications/${known.application}/users`, ['administrator']],
  '/admin/new-application': [() => '/admin/new-application', ['administrator']],
  '/admin/new-application/{kind}': [() => '/admin/new-application/browser', ['administrator']],
  '/admin/users/new': [() => '/admin/users/new', ['administrator']],
  '/admin/users/{id}': [() => `/admin/users/${known.user}`, ['administrator']],
  '/admin/users/{id}/delete': [() => `/admin/users/${known.user}/delete`, ['administrator']],
  '/oauth/interaction/{uid}': [() => known.consent, ['person']],
  '/device': [() => '/device', ['person', 'administrator']],
  '/oauth/logout': [() => '/oauth/logout', ['person', 'administrator']],
  '/mailbox': [() => '/mailbox', everybody],
  '/mailbox/{id}': [() => `/mailbox/${known.letter}`, everybody],
  '/docs/errors': [() => '/docs/errors', everybody],
  '/docs/errors/{code}': [() => '/docs/errors/account_conflict', everybody],
  '/docs/events': [() => '/docs/events', everybody],
}

/**
 * Most of the API reference is the markup of Swagger UI: see `reference.browser.test.ts` for what it holds to.
 * `/oauth/authorize/{uid}` has a page only for an instant: it leads the browser to the application (`onward.tsx`).
 */
const elsewhere = ['/docs', '/oauth/authorize/{uid}']

let world: World
const opened: Watched[] = []
/** Every role has a browser of its own in each language. */
let people: Readonly<Record<Role, { readonly en: Page; readonly pt: Page }>>

async function newPage(locale: string): Promise<Page> {
  const context = await visit(await sharedBrowser(), [world.base, world.sandbox.url], { baseURL: world.base, locale })
  opened.push(context)
  return context.newPage()
}
const newPages = async () => ({ en: await newPage('en-GB'), pt: await newPage('pt-BR') })

/** Signs in at the sandbox provider; returns the final page. */
async function come(page: Page, who: string, provider = 'google'): Promise<string> {
  world.sandbox.as(who)
  await page.goto(`/auth/${provider}`)
  world.sandbox.as('click')
  return new URL(page.url()).pathname
}
const has = async (page: Page, cookie: string): Promise<void> => {
  const [name = '', value = ''] = cookie.split('=')
  await page.context().addCookies([{ name, value, url: world.base }])
}
/** The ticket in the newest message to an email address. */
async function ticketFor(address: string): Promise<string> {
  const [message] = await world.mailTo(address)
  const [, ticket] = /[?&]ticket=(\S+)/.exec(message?.text ?? '') ?? []
  if (!message || ticket === undefined) throw new Error(`nothing to follow was sent to ${address}`)
  known.letter = message.id
  return ticket
}

/** Two screens of a common phone. */
const longest = 2 * 740
/** A page of an account is short, and needs no horizontal scrolling at 200 % zoom or with text of twice the size. */
async function expectShortAndZoomable(page: Page, path: string): Promise<void> {
  const before = page.viewportSize()
  const overflow = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  await page.setViewportSize({ width: 360, height: 740 })
  expect(await page.evaluate(() => document.documentElement.scrollHeight), path).toBeLessThan(longest)
  await page.setViewportSize({ width: 640, height: 400 })
  expect([path, await overflow()]).toEqual([path, 0])
  await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'))
  expect([path, await overflow()]).toEqual([path, 0])
  await page.evaluate(() => document.documentElement.style.removeProperty('font-size'))
  if (before) await page.setViewportSize(before)
}

beforeAll(async () => {
  world = await startWorld()
  people = { visitor: await newPages(), person: await newPages(), administrator: await newPages() }

  const boss = world.newcomer({ name: 'Bo Ss' })
  const administrator = await world.signIn('google', boss)
  await world.vinculum.makeAdministrator(administrator.user.id)
  for (const page of Object.values(people.administrator)) expect(await come(page, boss)).toBe('/account')
  const credential = { name: 'Shop', scopes: ['introspect'] }
  const made = await world.call('POST', '/service-credentials', { token: administrator.access_token, body: credential })
  expect(made.status, made.text).toBe(201)

  const settings = {
    CLIENT_ID: 'i'.repeat(80),
    CLIENT_SECRET: 's'.repeat(40),
    ISSUER: 'https://login.example.com/staff',
  }
  const staff = { id: 'staff', kind: 'oidc', settings }
  const added = await world.call('POST', '/providers', { token: administrator.access_token, body: staff })
  expect(added.status, added.text).toBe(201)

  // A user with a password, a provider and the longest unverified email address. A ticket is valid until its reader's
  // sign-in methods change, so the messages come last.
  const person = await registered(world, 'ada.augusta.king.countess.of.lovelace@subdomain.of.example.com')
  const name = 'Ada Augusta King-Noel, Countess of Lovelace, and Enchantress-of-Numbers-Everywhere'
  await world.call('PATCH', '/me', { token: person.token, body: { name } })
  const linked = await world.enter('github', world.newcomer(), { intent: 'link', token: person.token })
  expect(linked.status, linked.text).toBe(200)
  const [identity] = JSON.parse((await world.call('GET', '/me/identities', { token: person.token })).text)
  known.identity = identity.id
  known.user = person.id
  for (const page of Object.values(people.person)) await has(page, person.cookie)
  // The request belongs to the browser that sent it.
  const named = { name: 'Enchantress'.repeat(5), first_party: false }
  const application = await register(world, async () => administrator.access_token, named)
  known.application = application.id
  const { url } = await request(await discovered(world, application), { scope: 'openid profile email' })
  await people.person.en.goto(url.href)
  known.consent = new URL(people.person.en.url()).pathname
  expect(known.consent).toMatch(/^\/oauth\/interaction\//)
  await people.person.pt.context().addCookies(await people.person.en.context().cookies())
  await world.call('POST', '/me/email/verify', { token: person.token })
  known.verify = await ticketFor(person.email)
  await world.call('PUT', '/me/email', { token: person.token, body: { email: 'elsewhere@example.com' } })
  known.change = await ticketFor('elsewhere@example.com')

  // A team with long names, another member and an invitation.
  const guest = await registered(world, 'guest@example.com', { verified: true })
  const owner = await registered(world, 'owner@example.com', { verified: true })
  const { body: team } = await world.call('POST', '/teams', {
    token: owner.token,
    body: { name: 'Enchantress'.repeat(7) },
  })
  const ask = async (to: string, role: string): Promise<string> => {
    const path = `/teams/${String(team.id)}/invitations`
    const invited = await world.call('POST', path, { token: owner.token, body: { email: to, role } })
    expect(invited.status, invited.text).toBe(201)
    return ticketFor(to)
  }
  for (const [one, role] of [
    [person, 'owner'],
    [guest, 'member'],
  ] as const) {
    const to = `${one.id}@example.com`
    const joined = await world.call('POST', '/invitations/accept', {
      token: one.token,
      body: { token: await ask(to, role) },
    })
    expect(joined.status, joined.text).toBe(200)
  }
  known.team = String(team.id)
  known.guest = guest.id
  // It uses two sites with the longest names, one of which the user may not read.
  const long = 'international-department-of-customer-happiness'
  const sites = [
    {
      ...ACME_SITE,
      name: long,
      desks: ACME_SITE.desks.map((desk) => ({ ...desk, projectName: 'Happiness'.repeat(9) })),
    },
    INITECH_SITE,
  ]
  const connected = await jiraIn(world).connect(known.team, {
    who: world.newcomer({}, { atlassian: { sites } }),
    id: owner.id,
    token: owner.token,
    email: owner.email,
  })
  expect(connected.status, connected.text).toBe(200)
  const chosen = await world.call('PUT', `/teams/${known.team}/integrations/jira/sites`, {
    token: owner.token,
    body: { cloud_ids: sites.map(({ id }) => id) },
  })
  expect(chosen.status, chosen.text).toBe(200)
  known.invitation = await ask('somebody.with.a.very.long.address@subdomain.of.example.com', 'admin')

  // The pages open to a visitor: emailed links, a second factor, an account conflict.
  const { email } = await registered(world, 'forgetful@example.com', { verified: true })
  await world.call('POST', '/auth/password/forgot', { body: { email } })
  known.reset = await ticketFor(email)
  const invited = 'a.person.with.a.very.long.address@subdomain.of.example.com'
  const adding = { token: administrator.access_token, body: { email: invited, name } }
  expect((await world.call('POST', '/users', adding)).status).toBe(201)
  known.accept = await ticketFor(invited)
  await world.call('POST', '/auth/email', { body: { email } })
  known.signIn = await ticketFor(email)
  const careful = world.newcomer()
  const { access_token: token } = await world.signIn('google', careful)
  const { body } = await world.call('POST', '/me/second-factor/totp', { token })
  const code = new TOTP({ secret: String(body.secret) }).generate({ timestamp: world.clock().getTime() })
  const confirmed = await world.call('POST', '/me/second-factor/totp/confirm', { token, body: { code } })
  expect(confirmed.status, confirmed.text).toBe(200)
  const claimant = world.newcomer({ email, verified: false })
  for (const page of Object.values(people.visitor)) {
    expect(await come(page, careful)).toBe('/login/second-factor')
  }
  known.question = (await come(people.visitor.en, claimant, 'atlassian')).split('/').at(-1) ?? ''
  const flows = (await people.visitor.en.context().cookies()).filter((cookie) => cookie.name.includes('flow_'))
  await people.visitor.pt.context().addCookies(flows)
})

afterAll(async () => {
  await Promise.all(opened.map((context) => context.close()))
  await world?.stop()
})

test('the list of visited pages is complete', () => {
  const documented = Object.entries(world.document.paths).flatMap(([path, { get }]) =>
    get?.responses['200']?.content?.['text/html'] ? [path] : [],
  )
  expect([...Object.keys(visits), ...elsewhere].sort()).toEqual(documented.sort())
})

/** The pages that were inspected, by their looks. */
const looked = new Set<string>()

describe.each(everybody)('as seen by %s,', (role) => {
  test.each(Object.entries(visits).map(([path, [at, shownTo]], nth) => [path, { at, shownTo, nth }] as const))(
    '%s is accessible',
    async (path, { at, shownTo, nth }) => {
      for (const [language, page] of Object.entries(people[role]) as [Language, Page][]) {
        const answer = await page.request.get(at(), { headers: { accept: 'text/html' } })
        const hasStayed = new URL(answer.url()).pathname === new URL(at(), world.base).pathname
        expect([hasStayed && answer.status() === 200], answer.url()).toEqual([shownTo.includes(role)])
        const html = await answer.text()
        expect(html).toContain(`<html lang="${language === 'en' ? 'en' : 'pt-BR'}"`)
        // Most paths that a role may not see show it the same page.
        const looks = looksOf(html)
        if (looked.has(looks)) continue
        const depth = depthOf(nth, language)
        const isTurn = depth === 'inspect' ? shownTo[0] === role : shownTo.at(-1) === role
        if (!isTurn && hasStayed && !isComplete) continue
        looked.add(looks)
        const name = `${role}-${path.slice(1).replaceAll(/[/{}]+/g, '-')}-${language}`
        if (depth === 'measure') {
          await expectCopyInOrder(await sharedBrowser(), html, answer.url(), name)
          continue
        }
        await page.goto(at())
        await inspect(page, name, schemesIn(language))
        if (hasStayed && path.startsWith('/account')) await expectShortAndZoomable(page, path)
      }
    },
  )
})

test('no browser reported an error', () => {
  expect(opened.flatMap(({ complaints }) => complaints)).toEqual([])
})
