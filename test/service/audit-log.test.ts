import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registered } from '../support/registered.ts'
import { type Answer, databases, type Json, listIn, startWorld, type World } from '../support/service.ts'

describe.each(databases)('the audit log also records requests and reads, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    const env = {
      GOOGLE_OPTIONAL_SCOPES: 'https://example.com/more',
      RETURN_TO_ALLOWED: 'https://app.example.com/in',
    }
    world = await startWorld({ database, env })
  })
  afterAll(() => world.stop())

  const agent = 'A browser of theirs'
  const dataOf = ({ data }: Json): Json => (typeof data === 'string' ? JSON.parse(data) : data) as Json
  /** The audit entries written by an action, and the accounts they are about. */
  async function writtenBy(act: () => Promise<Answer>, status: number): Promise<readonly Json[]> {
    const before = (await world.trail()).length
    const answer = await act()
    expect(answer.status, answer.text).toBe(status)
    return (await world.trail()).slice(before)
  }
  const shownOf = (rows: readonly Json[]) => rows.map((row) => [row.event, row.account_id, row.user_agent, dataOf(row)])
  async function somebody() {
    const who = world.newcomer()
    const { user, access_token: token } = await world.signIn('google', who)
    const call = (method: string, path: string, body?: object): Promise<Answer> =>
      world.call(method, path, { token, headers: { 'user-agent': agent }, ...(body === undefined ? {} : { body }) })
    return { who, id: user.id, email: world.emailOf(who), token, call }
  }
  /** Shown for a caller who is not signed in. */
  const post = (path: string, body: object): Promise<Answer> =>
    world.call('POST', path, { body, headers: { 'user-agent': agent } })

  test.each([
    ['/auth/password/forgot', 'password.reset_requested'],
    ['/auth/email', 'authentication.email_requested'],
  ])('%s, at most five times an hour for one email address, however many requests arrive', async (path, event) => {
    const { id, email } = await somebody()
    const rows: Json[] = []
    for (let at = 0; at < 12; at++) rows.push(...(await writtenBy(() => post(path, { email }), 202)))
    expect(shownOf(rows)).toEqual(Array(5).fill([event, id, agent, {}]))
    // An unknown email address gives the same result: neither the response time nor any log reveals which one exists.
    const nobody = `${crypto.randomUUID()}@example.com`
    expect(shownOf(await writtenBy(() => post(path, { email: nobody }), 202))).toEqual([[event, null, agent, {}]])
  })

  test('a requested email address change, and a requested verification message', async () => {
    const { id, call } = await somebody()
    const email = `${crypto.randomUUID()}@example.com`
    expect(shownOf(await writtenBy(() => call('PUT', '/me/email', { email }), 202))).toEqual([
      ['account.email_change_requested', id, agent, {}],
    ])
    const claimed = await registered(world, `${crypto.randomUUID()}@example.com`)
    const again = (): Promise<Answer> => world.call('POST', '/me/email/verify', { token: claimed.token })
    const [row] = await writtenBy(again, 202)
    expect([row?.event, row?.account_id]).toEqual(['account.email_verification_requested', claimed.id])
  })

  test('an authenticator app setup that begins and is canceled', async () => {
    const { id, call } = await somebody()
    const data = { factor: 'totp' }
    expect(shownOf(await writtenBy(() => call('POST', '/me/second-factor/totp'), 200))).toEqual([
      ['second_factor.started', id, agent, data],
    ])
    expect(shownOf(await writtenBy(() => call('DELETE', '/me/second-factor/totp'), 204))).toEqual([
      ['second_factor.cancelled', id, agent, data],
    ])
    expect(await writtenBy(() => call('DELETE', '/me/second-factor/totp'), 409)).toEqual([])
  })

  test('a link that begins, from an app and from a page, and a request for more permissions', async () => {
    const { who, id, call, token } = await somebody()
    const link = () => call('POST', '/auth/github/authorize', { intent: 'link' })
    expect(shownOf(await writtenBy(link, 200))).toEqual([
      ['identity.link_started', id, agent, { provider: 'github', purpose: 'link' }],
    ])
    const [identity] = listIn(await world.call('GET', '/me/identities', { token }))
    const more = () =>
      call('POST', `/me/identities/${identity?.id}/authorize`, { scopes: ['https://example.com/more'] })
    expect(shownOf(await writtenBy(more, 200))).toEqual([
      ['identity.link_started', id, agent, { provider: 'google', purpose: 'more' }],
    ])
    const browser = world.openBrowser()
    await browser.signIn('google', who)
    const page = await browser.ask(`${world.base}/account/link/beta`)
    const [, csrf = ''] = /action="\/auth\/beta\/link"[\s\S]*?name="csrf" value="([^"]+)"/.exec(page.text) ?? []
    const rows = await writtenBy(async () => {
      const { status, headers, text } = await browser.ask(`${world.base}/auth/beta/link`, {
        method: 'POST',
        body: new URLSearchParams({ csrf }),
        headers: { origin: world.base, 'sec-fetch-site': 'same-origin' },
      })
      return { status, headers, text, body: {} }
    }, 303)
    expect(rows.map(({ event, account_id }) => [event, account_id])).toEqual([['identity.link_started', id]])
    // A sign-in that begins belongs to no account yet.
    expect(await writtenBy(() => post('/auth/github/authorize', {}), 200)).toEqual([])
  })

  test('reads by an administrator: of sessions in their owner’s log, of the log itself in the reader’s', async () => {
    const [ada, eve] = [await somebody(), await somebody()]
    await world.vinculum.makeAdministrator(ada.id)
    expect(shownOf(await writtenBy(() => ada.call('GET', `/users/${eve.id}/sessions`), 200))).toEqual([
      // Without the IP address: that is the administrator's own data.
      ['account.sessions_read', eve.id, null, { by: ada.id }],
    ])
    const mine = (await eve.call('GET', '/me/activity')).body.items as Json[]
    expect(mine[0]).toMatchObject({ event: 'account.sessions_read', data: { by: 'administrator' } })
    for (const [query, account] of [
      ['', null],
      ['?event=account.created', null],
      [`?account=${eve.id}`, eve.id],
    ])
      expect(shownOf(await writtenBy(() => ada.call('GET', `/audit${query}`), 200))).toEqual([
        ['audit.read', ada.id, agent, { account }],
      ])

    const browser = world.openBrowser()
    await browser.signIn('google', ada.who)
    const visit = async (path: string): Promise<Answer> => ({
      ...(await browser.ask(`${world.base}${path}`)),
      body: {},
    })
    const about = async (path: string, status = 200) =>
      (await writtenBy(() => visit(path), status)).map((row) => [row.event, row.account_id, dataOf(row)])
    expect(await about('/admin/audit')).toEqual([['audit.read', ada.id, { account: null }]])
    expect(await about(`/admin/audit?account=${encodeURIComponent('What <is> this?')}`)).toEqual([
      ['audit.read', ada.id, { account: null }],
    ])
    expect((await about(`/admin/users/${eve.id}`)).sort()).toEqual([
      ['account.sessions_read', eve.id, { by: ada.id }],
      ['audit.read', ada.id, { account: eve.id }],
    ])
    expect(await about('/admin/users/usr_nobody', 404)).toEqual([])

    // A caller without the permission is refused, and only the refusal is recorded.
    const refused = await writtenBy(() => eve.call('GET', '/audit'), 403)
    expect(refused.map(({ event }) => event)).toEqual(['access.refused'])
  })

  test('the request ID, so that an error or response leads to its entries', async () => {
    const [ada, eve] = [await somebody(), await somebody()]
    await world.vinculum.makeAdministrator(ada.id)
    const refused = await eve.call('GET', '/audit')
    const id = String(refused.body.request_id)
    expect(refused.headers.get('x-request-id')).toBe(id)
    const found = await ada.call('GET', `/audit?request_id=${id}`)
    expect(found.body).toMatchObject({
      items: [{ event: 'access.refused', account: eve.id, request_id: id }],
      next_cursor: null,
    })
    const other = await ada.call('GET', `/audit?request_id=${id}&account=${ada.id}`)
    expect(other.body.items).toEqual([])
    // One request that wrote two entries, read one entry a page.
    const changed = await ada.call('GET', `/users/${eve.id}/sessions`)
    const two = `/audit?limit=1&request_id=${changed.headers.get('x-request-id')}`
    expect((await ada.call('GET', two)).body.items).toMatchObject([{ event: 'account.sessions_read' }])
    for (const wrong of ['', 'req_1', id.toUpperCase(), `${id}0`, '%27', `${id}%20`]) {
      const { status, body } = await ada.call('GET', `/audit?request_id=${wrong}`)
      expect([wrong, status, body.code]).toEqual([wrong, 400, 'invalid_request'])
      expect(body.errors).toMatchObject([{ path: 'request_id' }])
    }

    const browser = world.openBrowser()
    await browser.signIn('google', ada.who)
    const visit = (query: string) => browser.ask(`${world.base}/admin/audit?${query}`)
    const shown = await visit(`account=&event=&request_id=+${id}+`)
    expect(shown.status).toBe(200)
    expect(shown.text.match(/<code>[a-z_]+\.[a-z_]+<\/code>/g)).toEqual(['<code>access.refused</code>'])
    expect(shown.text).toContain(`<a href="/admin/audit?request_id=${id}">${id}</a>`)
    const malformed = await visit('request_id=req_1')
    expect(malformed.status).toBe(400)
    expect(malformed.text).toMatch(/role="alert"[\s\S]*A request ID is req_/)
    expect((await visit('account=&event=&request_id=')).status).toBe(200)
  })

  test('a sign-in that is refused before the redirect, under the request ID of its response', async () => {
    const { id, token } = await somebody()
    await world.vinculum.makeAdministrator(id)
    const bad = 'return_to=https://evil.example'
    const html = { accept: 'text/html', 'user-agent': agent }
    const page = (path: string) => world.call('GET', path, { headers: html })
    world.sandbox.fault({ provider: 'oidc', endpoint: 'discovery' }, { kind: 'status', status: 503 })
    const refusals: [Answer, string, string][] = [
      [await page(`/auth/google?${bad}`), 'google', 'return_to_not_allowed'],
      [await page('/auth/google?return_to=https://app.example.com/in'), 'google', 'invalid_request'],
      [await page('/auth/google?redirect_uri_key=nowhere'), 'google', 'redirect_uri_key_not_found'],
      [await world.call('POST', '/auth/acme/authorize', { body: {} }), 'acme', 'provider_unavailable'],
      [await page(`/login?${bad}`), 'none', 'return_to_not_allowed'],
      [await page(`/register?${bad}`), 'none', 'return_to_not_allowed'],
      [await page(`/login/email?${bad}`), 'none', 'return_to_not_allowed'],
      [await post('/auth/email', { email: 'ada@example.com', return_to: '//evil' }), 'none', 'return_to_not_allowed'],
    ]
    world.sandbox.clearFaults()
    for (const [answer, provider, code] of refusals) {
      const requestId = answer.headers.get('x-request-id')
      const { body } = await world.call('GET', `/audit?request_id=${requestId}`, { token })
      expect(body.items, `${provider} ${code} ${answer.status}`).toMatchObject([
        { event: 'authentication.failed', account: null, data: { provider, code, intent: 'login' } },
      ])
    }
  })

  test('a password reset sent by an administrator, once and not attributed to the user', async () => {
    const [ada, eve] = [await somebody(), await somebody()]
    await world.vinculum.makeAdministrator(ada.id)
    expect(shownOf(await writtenBy(() => ada.call('POST', `/users/${eve.id}/password-reset`), 202))).toEqual([
      ['password.reset_started', eve.id, null, { by: ada.id }],
    ])
  })
})
