/**
 * Every form of the pages for people, as the pages show it: where a refusal leads, and whether an act that takes
 * something away asks first. The forms come from the pages, so that a new one is tested without being named here.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pageRoutes } from '../../src/http/pages/index.ts'
import { createAuthenticator } from '../support/authenticator.ts'
import { registered } from '../support/registered.ts'
import { type Answer, listIn, startWorld, type World } from '../support/service.ts'

type Form = {
  readonly page: string
  readonly action: string
  readonly hidden: Readonly<Record<string, string>>
  /** The fields that a person types into. */
  readonly typed: readonly string[]
  /** What stands before it on the page. */
  readonly before: string
}

let world: World
let cookie = ''
const forms: Form[] = []

const plain = (text: string): string => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"')
const attribute = (tag: string, name: string): string | undefined => {
  const found = new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1]
  return found === undefined ? undefined : plain(found)
}
const open = (page: string, cookies: string): Promise<Answer> =>
  world.call('GET', page, { headers: { cookie: cookies, accept: 'text/html', 'accept-language': 'en' } })

/** The forms of a page; those that a script fills in are left to browsers. */
async function formsOn(page: string, cookies: string): Promise<void> {
  const { status, text } = await open(page, cookies)
  expect([page, status], text).toEqual([page, 200])
  for (const found of text.matchAll(/<form method="post" action="([^"]+)">([\s\S]*?)<\/form>/g)) {
    const [, action = '', content = ''] = found
    const inputs = [...content.matchAll(/<input [^>]*>/g)].map(([tag]) => tag)
    const named = inputs.filter((tag) => attribute(tag, 'name') !== undefined)
    const isHidden = (tag: string): boolean => attribute(tag, 'type') === 'hidden'
    forms.push({
      page,
      action: plain(action),
      hidden: Object.fromEntries(
        named.filter(isHidden).map((tag) => [attribute(tag, 'name') ?? '', attribute(tag, 'value') ?? '']),
      ),
      typed: named
        .filter((tag) => ['text', 'email', 'password'].includes(attribute(tag, 'type') ?? ''))
        .map((tag) => attribute(tag, 'name') ?? ''),
      before: text.slice(0, found.index),
    })
  }
}

let visitor = ''
beforeAll(async () => {
  world = await startWorld({ kinds: ['github'] })
  const me = await registered(world, 'me@example.com', { verified: true })
  cookie = me.cookie
  const make = async (path: string, body: object): Promise<string> => {
    const made = await world.call('POST', path, { token: me.token, body })
    expect(made.status, made.text).toBeLessThan(300)
    return String(made.body.id)
  }
  const linked = await world.enter('github', world.newcomer(), { intent: 'link', token: me.token })
  expect(linked.status, linked.text).toBe(200)
  const [identity] = listIn(await world.call('GET', '/me/identities', { token: me.token }))
  const { body } = await world.call('POST', '/me/passkeys/options', { token: me.token, body: {} })
  const response = createAuthenticator(world.base).create(body.options as Record<string, unknown>)
  await make('/me/passkeys', { flow_token: body.flow_token, response })
  await world.call('POST', '/auth/token', { body: { username: 'me@example.com', password: 'correct horse battery' } })
  const team = await make('/teams', { name: 'Team' })
  await make(`/teams/${team}/invitations`, { email: 'guest@example.com', role: 'member' })
  const other = await registered(world, 'other@example.com', { verified: true })
  await make(`/teams/${team}/invitations`, { email: 'other@example.com', role: 'owner' })
  const [message] = await world.mailTo('other@example.com')
  const [, token] = /[?&]ticket=(\S+)/.exec(message?.text ?? '') ?? []
  const joined = await world.call('POST', '/invitations/accept', { token: other.token, body: { token } })
  expect(joined.status, joined.text).toBe(200)

  await formsOn('/account/second-factor', cookie)
  await make('/me/second-factor/totp', {})
  for (const page of [
    '/account',
    '/account/sign-in',
    '/account/password',
    '/account/passkeys',
    '/account/email',
    '/account/second-factor',
    '/account/devices',
    '/account/activity',
    '/account/permissions',
    '/account/teams',
    `/account/teams/${team}`,
    `/account/teams/${team}/members/${me.id}/remove`,
    `/account/teams/${team}/delete`,
    `/account/teams/${team}/integrations`,
    `/account/identities/${identity?.id}`,
    `/account/identities/${identity?.id}/unlink`,
    `/account/identities/${identity?.id}/withdraw`,
    '/account/data',
    '/account/delete',
  ])
    await formsOn(page, cookie)
  const first = await open('/login', '')
  visitor = `vinculum_csrf=${/vinculum_csrf=([^;]+)/.exec(first.headers.get('set-cookie') ?? '')?.[1]}`
  for (const page of ['/login', '/login/email', '/register', '/forgot-password']) await formsOn(page, visitor)
})
afterAll(() => world.stop())

const send = ({ page, action, hidden }: Form, fields: Record<string, string>): Promise<Answer> =>
  world.call('POST', action, {
    headers: {
      cookie: page.startsWith('/account') ? cookie : visitor,
      accept: 'text/html',
      'accept-language': 'en',
      origin: world.base,
      'sec-fetch-site': 'same-origin',
    },
    form: { ...hidden, ...fields },
  })

describe('a refused form', () => {
  test('is shown again on its page, with the error next to the field that has the focus', async () => {
    const tried = new Set<string>()
    for (const form of forms)
      for (const name of form.typed) {
        const fields = Object.fromEntries(form.typed.map((one) => [one, one === name ? 'x'.repeat(5000) : 'abc']))
        const answer = await send(form, fields)
        const what = [form.action, name]
        const { status, text } = answer
        expect([...what, status >= 400 && status < 500], text).toEqual([...what, true])
        expect([...what, /<title>Error: /.test(text)], text).toEqual([...what, true])
        const [, id] = /<div class="refused" role="alert">[\s\S]*?<a href="#([^"]+)">/.exec(text) ?? []
        expect([...what, id !== undefined], text).toEqual([...what, true])
        const field = [...text.matchAll(/<input [^>]*>/g)]
          .map(([tag]) => tag)
          .find((tag) => attribute(tag, 'id') === id)
        expect([...what, field], text).toEqual([
          ...what,
          expect.stringMatching(new RegExp(`^(?=.* autofocus)(?=.* aria-invalid="true").* name="${name}"`)),
        ])
        // It can be corrected, and a secret is not sent back.
        expect(text).toContain(`action="${form.action}"`)
        const isSecret = /password$|^one-time-code$/.test(attribute(field ?? '', 'autocomplete') ?? '')
        expect([...what, text.includes('xxxxxxxx')]).toEqual([...what, !isSecret])
        tried.add(`${form.action.replaceAll(/\w+_[0-9a-f]{8,}/g, ':id')} ${name}`)
      }
    for (const one of [
      '/account/profile name',
      '/account/passkeys/:id/name name',
      '/account/sessions/:id/name name',
      '/account/teams name',
      '/account/teams/:id/name name',
      '/account/teams/:id/invitations email',
      '/account/email email',
      '/account/password new_password',
      '/account/second-factor/totp/confirm code',
      '/login/password username',
      '/register email',
      '/forgot-password email',
    ])
      expect([...tried].sort()).toContain(one)
  })

  test('of which several are on a page is open, and the others are unchanged', async () => {
    const renames = forms.filter(({ action }) => /^\/account\/sessions\/\w+\/name$/.test(action))
    const [first] = renames
    if (!first) throw new Error('no device can be renamed')
    const { text } = await send(first, { name: 'y'.repeat(61) })
    expect(text).toContain('<h1>')
    expect(text.match(/<details class="ask" open/g)).toHaveLength(1)
    expect(text.match(/aria-invalid/g)).toHaveLength(1)
    expect(text.match(/yyyyyyy[^"]*"/g)).toHaveLength(1)
  })

  test('about something that is gone is answered by its page, which says so', async () => {
    const gone = forms.find(({ action }) => /^\/account\/sessions\/\w+\/end$/.test(action))
    if (!gone) throw new Error('no device can be signed out')
    expect((await send(gone, {})).status).toBe(303)
    const { status, text } = await send(gone, {})
    expect([status, /<title>Error: /.test(text)]).toEqual([404, true])
    expect(text).toContain('<h1>Devices')
  })

  test('is an error with a code for a program', async () => {
    const [form] = forms.filter(({ action }) => action === '/account/profile')
    if (!form) throw new Error('the profile has no form')
    const answer = await world.call('POST', form.action, {
      headers: { cookie, accept: 'application/json', origin: world.base, 'sec-fetch-site': 'same-origin' },
      form: { ...form.hidden, name: 'x'.repeat(5000) },
    })
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
  })
})

/** Acts that take something away although their API route does not delete. */
const alsoTakesAway: readonly string[] = ['/account/second-factor/recovery-codes']
/** Their question needs what this world does not have: each has a test in the file that is named. */
const askedElsewhere: Readonly<Record<string, string>> = {
  '/account/permissions/applications/:id/end': 'service/my-applications.test.ts',
  '/account/second-factor/recovery-codes': 'pages/second-factor.test.ts',
  '/account/second-factor/stop': 'pages/second-factor.test.ts',
  '/account/teams/:id/integrations/jira/disconnect': 'pages/jira.browser.test.ts',
}

describe('an act that takes something away', () => {
  const patternOf = (action: string): string | undefined =>
    pageRoutes.find(
      ({ method, path }) =>
        method === 'post' && new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`).test(action.split('?')[0] ?? ''),
    )?.path
  const taking = pageRoutes
    .filter(
      ({ path, act }) => path.startsWith('/account') && (act?.method === 'delete' || alsoTakesAway.includes(path)),
    )
    .map(({ path }): string => path)

  test('asks first and says what will happen, on every page that offers it', () => {
    const asked = new Set<string>()
    for (const { page, action, before } of forms) {
      const pattern = patternOf(action)
      if (pattern === undefined || !taking.includes(pattern)) continue
      const onItsOwnPage = page === action
      const behindAQuestion =
        /<details class="ask"( open)?><summary>[^<]+(<span class="unseen">[^<]*<\/span>)?<\/summary><div><p>[^<]{20,}<\/p>$/
      expect([page, action, onItsOwnPage || behindAQuestion.test(before)]).toEqual([page, action, true])
      asked.add(pattern)
    }
    expect([...asked, ...Object.keys(askedElsewhere)].sort()).toEqual([...taking].sort())
  })
})
