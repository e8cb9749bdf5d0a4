/** The callback of a provider that returns the browser with a form (Apple): POST /auth/:provider/callback. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readFormPost } from '../../sandbox/form-post.ts'
import { aboveStore, type Browser, cookiesOf, type Json, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('SQLite'))('a callback that arrives as a form, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database, kinds: ['apple', 'google'] })
  })
  afterEach(() => {
    world.sandbox.deny(false)
    world.calm()
  })
  afterAll(() => world.stop())

  type Form = { readonly action: URL; readonly fields: Record<string, string> }
  const html = { accept: 'text/html,application/xhtml+xml' }

  /** Starts in the browser, signs in at the provider, and returns the form that its page sends. */
  async function formOf(browser: Browser, who: string): Promise<Form> {
    world.sandbox.as(who)
    const begun = await browser.ask(new URL('/auth/apple', world.base))
    const page = await (await fetch(begun.headers.get('location') ?? '')).text()
    const form = readFormPost(page)
    if (!form) throw new Error(`no form: ${page}`)
    return form
  }
  /** Sends a form from the page of another site: without cookies, as browsers do. */
  const post = (fields: Record<string, string> | string, headers: Record<string, string> = {}, path = 'apple') =>
    world.send(new URL(`/auth/${path}/callback`, world.base), {
      method: 'POST',
      redirect: 'manual',
      headers: {
        ...html,
        origin: 'https://appleid.apple.com',
        'sec-fetch-site': 'cross-site',
        'content-type': 'application/x-www-form-urlencoded',
        ...headers,
      },
      body: typeof fields === 'string' ? fields : new URLSearchParams(fields),
    })
  const addressIn = (response: Response): URL => new URL(response.headers.get('location') ?? '', world.base)
  const me = async (browser: Browser): Promise<Json> => (await browser.json('GET', '/me')).body

  test('signs in with the browser’s own cookie, and takes the name from the first form', async () => {
    const [who, browser] = [world.newcomer({ name: 'Ida Rhodes' }), world.openBrowser()]
    const { fields } = await formOf(browser, who)
    expect(JSON.parse(fields.user ?? '')).toMatchObject({ name: { firstName: 'Ida', lastName: 'Rhodes' } })
    const relayed = await post(fields)
    expect(relayed.status).toBe(303)
    const address = addressIn(relayed)
    expect([address.origin, address.pathname]).toEqual([world.base, '/auth/apple/callback'])
    expect([...address.searchParams.keys()]).toEqual(['state', 'posted'])
    for (const secret of [fields.code, fields.user, 'Ida', 'Rhodes']) expect(address.href).not.toContain(secret)
    const done = await browser.ask(address, { headers: html })
    expect([done.status, done.headers.get('location')]).toEqual([303, '/account'])
    expect(await me(browser)).toMatchObject({ name: 'Ida Rhodes', email: world.emailOf(who), picture: null })

    // The second form has no name. What is known stays.
    const again = world.openBrowser()
    const second = await formOf(again, who)
    expect(second.fields).not.toHaveProperty('user')
    await again.ask(addressIn(await post(second.fields)), { headers: html })
    expect(await me(again)).toMatchObject({ name: 'Ida Rhodes' })
    const { identities = [] } = await world.dump('identities')
    expect(identities.filter(({ provider, name }) => provider === 'apple' && name === 'Ida Rhodes')).toHaveLength(1)
  })

  test('changes nothing by itself: it reads and sets no cookie', async () => {
    const [who, browser] = [world.newcomer(), world.openBrowser()]
    const { fields } = await formOf(browser, who)
    const before = await world.dump()
    // A browser may send cookies all the same, valid or not.
    for (const cookie of ['vinculum_session=stale', 'vinculum_session=stale; vinculum_csrf=x']) {
      const relayed = await post(fields, { cookie, authorization: 'Basic eA==' })
      expect([relayed.status, relayed.headers.getSetCookie()]).toEqual([303, []])
    }
    expect(await world.dump()).toEqual(before)
  })

  test('can be sent again, and still works once', async () => {
    const [who, browser] = [world.newcomer(), world.openBrowser()]
    const { fields } = await formOf(browser, who)
    const addresses = [addressIn(await post(fields)), addressIn(await post(fields))]
    expect(new Set(addresses.map(({ href }) => href)).size).toBe(2)
    const answers = []
    for (const address of addresses) answers.push(await browser.ask(address, { headers: html }))
    expect(answers.map(({ status }) => status)).toEqual([303, 400])
    expect(await me(browser)).toMatchObject({ email: world.emailOf(who) })
  })

  test('does not sign in another browser', async () => {
    const [attacker, victim] = [world.openBrowser(), world.openBrowser()]
    const { fields } = await formOf(attacker, world.newcomer())
    const answer = await victim.ask(addressIn(await post(fields)), { headers: { accept: 'application/json' } })
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([400, 'flow_mismatch'])
    expect(cookiesOf(answer.headers)).toEqual({})
    // The round trip stays with the browser that started it.
    expect((await attacker.ask(addressIn(await post(fields)), { headers: html })).status).toBe(303)
  })

  test.each<[string, (address: URL, other: URL) => void]>([
    [
      'changed',
      (address) => address.searchParams.set('posted', `${address.searchParams.get('posted')?.slice(0, -4)}AAAA`),
    ],
    ['not ours', (address) => address.searchParams.set('posted', 'v1.k1.AAAA')],
    [
      'of another round trip',
      (address, other) => address.searchParams.set('posted', String(other.searchParams.get('posted'))),
    ],
    ['missing', (address) => address.searchParams.delete('posted')],
    ['repeated', (address) => address.searchParams.append('posted', 'x')],
    ['not text of a sealer', (address) => address.searchParams.set('posted', 'é')],
  ])('ends with an error page if the sealed part is %s', async (_, change) => {
    const browser = world.openBrowser()
    const address = addressIn(await post((await formOf(browser, world.newcomer())).fields))
    const other = addressIn(await post((await formOf(world.openBrowser(), world.newcomer())).fields))
    change(address, other)
    const answer = await browser.ask(address, { headers: { accept: 'application/json' } })
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([400, 'invalid_request'])
    expect(world.sandbox.journal.calls('apple', 'token').filter(({ status }) => status >= 500)).toEqual([])
  })

  test('reports a denial', async () => {
    world.sandbox.deny()
    const browser = world.openBrowser()
    const begun = await browser.ask(new URL('/auth/apple', world.base))
    const form = readFormPost(await (await fetch(begun.headers.get('location') ?? '')).text())
    expect(form?.fields).toMatchObject({ error: 'user_cancelled_authorize', state: expect.any(String) })
    const page = await browser.ask(addressIn(await post(form?.fields ?? {})), {
      headers: { ...html, 'accept-language': 'pt-BR' },
    })
    expect(page.status).toBe(400)
    expect(page.text).toContain('Apple')
  })

  test.each<[string, string, string]>([
    ['no field', '', 'invalid_state'],
    ['an unknown state', 'state=x&code=y', 'invalid_state'],
    ['only unknown fields', 'foo=bar&id_token=x', 'invalid_state'],
  ])('with %s ends with an error page', async (_, body, code) => {
    const answer = await world
      .openBrowser()
      .ask(addressIn(await post(body)), { headers: { accept: 'application/json' } })
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([400, code])
  })

  test.each([
    ['a repeated field', 'state=a&state=b', 400],
    ['invalid UTF-8', 'state=%ff', 303],
    ['too large a body', `state=a&code=${'x'.repeat(70_000)}`, 413],
  ])('with %s is answered without a defect', async (_, body, status) => {
    const answer = await post(body)
    expect(answer.status).toBe(status)
    if (status >= 400) expect(answer.headers.get('content-type')).toContain('text/html')
  })

  test('takes no name, or one without markup or more than one line, from a forged field', async () => {
    for (const [user, name] of [
      [
        '{"name":{"firstName":"<b>Eve</b>\\r\\nx","lastName":"\\u202eevE"},"email":"ada@example.com"}',
        '<b>Eve</b> x evE',
      ],
      ['not json', null],
      [`{"name":{"firstName":"${'x'.repeat(4000)}"}}`, null],
    ] as const) {
      const [who, browser] = [world.newcomer(), world.openBrowser()]
      const { fields } = await formOf(browser, who)
      await browser.ask(addressIn(await post({ ...fields, user })), { headers: html })
      expect(await me(browser)).toMatchObject({ name, email: world.emailOf(who) })
    }
  })

  test('is not accepted for a provider that redirects, or that is unknown', async () => {
    expect((await post({ state: 'x', code: 'y' }, {}, 'google')).status).toBe(415)
    expect((await post({ state: 'x', code: 'y' }, {}, 'nobody')).status).toBe(404)
  })

  test('leaves the callback of apps as it is', async () => {
    const who = world.newcomer()
    const begun = await world.call('POST', '/auth/apple/authorize', { body: {} })
    const back = await world.approve(String(begun.body.authorize_url), who)
    const { code, state } = Object.fromEntries(back.searchParams)
    const body = { code, state, flow_token: begun.body.flow_token }
    const auth = await world.call('POST', '/auth/apple/callback', { body })
    expect([auth.status, auth.body.action]).toEqual([200, 'created_new_user'])
  })

  test('does not reveal the code or the name in the log', async () => {
    const [who, browser] = [world.newcomer({ name: 'Loretta Logless' }), world.openBrowser()]
    const { fields } = await formOf(browser, who)
    await browser.ask(addressIn(await post(fields)), { headers: html })
    const log = world.logged.join('\n')
    for (const secret of [fields.code, fields.state, 'Loretta', 'Logless']) expect(log).not.toContain(secret)
  })

  test('creates a separate account for a relay address, whatever other accounts the person has', async () => {
    const hidden = { apple: { relay: `r${Date.now()}@privaterelay.appleid.com` } }
    const who = world.newcomer({}, hidden)
    const google = await world.signIn('google', who)
    const browser = world.openBrowser()
    const { fields } = await formOf(browser, who)
    await browser.ask(addressIn(await post(fields)), { headers: html })
    const account = await me(browser)
    expect(account).toMatchObject({ email: hidden.apple.relay, email_verified: true })
    expect(account.id).not.toBe(google.user.id)
  })
})
