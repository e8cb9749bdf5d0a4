import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { registered } from '../support/registered.ts'
import {
  type Answer,
  aboveStore,
  type Json,
  listIn,
  type ProviderName,
  providers,
  refusalOf,
  sandboxName,
  startWorld,
  type World,
} from '../support/service.ts'

describe.each(aboveStore('SQLite'))('the user’s own account, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  const ask = (path: string, token: string): Promise<Answer> => world.call('GET', path, { token })
  const identityAt = async (provider: ProviderName, token: string): Promise<Json> => {
    const found = listIn(await ask('/me/identities', token)).find((one) => one.provider === provider)
    if (!found) throw new Error(`${provider} is not linked`)
    return found
  }

  test('is returned in full and with no other fields', async () => {
    const who = world.newcomer()
    const { access_token: token, user } = await world.signIn('google', who)
    const { body } = await ask('/me', token)
    expect(body).toEqual({
      ...user,
      locale: null,
      time_zone: null,
      created_at: world.clock().toISOString(),
      role: 'user',
      metadata: { public: {} },
    })
  })

  describe('the language of a new account', () => {
    const languages = [
      [undefined, null],
      ['*', null],
      ['fr', null],
      ['en-US,en;q=0.9', 'en'],
      ['fr, pt-BR;q=0.5', 'pt-BR'],
    ] as const
    let people = 0
    const password = 'a wholly new password'
    const linkIn = (text = '', path: string) => new RegExp(`${path}\\?ticket=([\\w-]+)`).exec(text)?.[1] ?? ''
    type Headers = Readonly<Record<string, string>>
    type Way = (headers: Headers, email: string) => Promise<string>
    const post = (path: string, body: object, headers: Headers = {}) => world.call('POST', path, { body, headers })
    /** Another account claims the email address, without proof. Anyone who proves it gets an account of their own. */
    const claim = async (email: string) => {
      await post('/auth/register', { email, password }, { 'accept-language': 'en' })
      await world.operator(`update accounts set role = 'auditor' where email = '${email}'`)
    }
    /** Each way to create an account: returns its email address. */
    const ways: Readonly<Record<string, Way>> = {
      'by registration': async (headers, email) => {
        expect((await post('/auth/register', { email, password }, headers)).status).toBe(201)
        return email
      },
      'by an app with a provider': async (headers) => {
        const who = world.newcomer()
        const flow = await world.begin('google')
        const back = await world.approve(flow.url, who)
        expect((await world.finish(flow, back, { headers })).status).toBe(200)
        return world.emailOf(who)
      },
      'by a browser with a provider': async (headers) => {
        const who = world.newcomer()
        const browser = world.openBrowser()
        const back = await browser.toProvider('google', who)
        expect((await browser.ask(back, { headers: { ...headers } })).status).toBe(303)
        return world.emailOf(who)
      },
      'by a code from an email': async (headers, email) => {
        await claim(email)
        const { body } = await post('/auth/email', { email })
        const codes = (await world.mailTo(email)).flatMap(({ text }) => /^ {4}(\d{8})$/m.exec(text)?.[1] ?? [])
        const done = await post('/auth/email/finish', { flow_token: body.flow_token, code: codes[0] }, headers)
        expect(done.status, done.text).toBe(200)
        return email
      },
      'by a password reset': async (headers, email) => {
        await claim(email)
        await post('/auth/password/forgot', { email })
        const message = (await world.mailTo(email)).find(({ text }) => text.includes('/reset-password?'))
        const ticket = linkIn(message?.text, '/reset-password')
        expect((await post('/auth/password/reset', { ticket, password }, headers)).status).toBe(204)
        return email
      },
    }
    test.each(Object.keys(ways))('%s is that of the request, and unknown if it states none', async (way) => {
      for (const [language, expected] of languages) {
        const headers: Headers = language === undefined ? {} : { 'accept-language': language }
        const email = await ways[way]?.(headers, `language${++people}@example.org`)
        const { accounts = [] } = await world.dump('accounts')
        const rows = accounts.filter(
          (row) => row.email === email && (row.verified_email_key || way === 'by registration'),
        )
        expect([language, rows.map(({ locale }) => locale)]).toEqual([language, [expected]])
      }
    })

    test('leaves pages in the language of the browser, and email in that of the request or in English', async () => {
      const email = `language${++people}@example.org`
      await post('/auth/register', { email, password })
      expect((await world.mailTo(email)).map(({ subject }) => subject)).toEqual(['Verify your email address'])
      await post('/auth/password/forgot', { email }, { 'accept-language': 'pt-BR' })
      const [message] = await world.mailTo(email)
      expect(message?.text).toContain('senha')
      const { cookie } = await registered(world, `language${++people}@example.org`)
      const page = async (language: string) =>
        (
          await world.call('GET', '/account/devices', {
            headers: { cookie, accept: 'text/html', 'accept-language': language },
          })
        ).text
      expect(await page('pt-BR')).toContain('<html lang="pt-BR">')
      expect(await page('en')).toContain('<html lang="en">')
    })
  })

  describe('a profile update', () => {
    test('sets or clears the name and the picture', async () => {
      const { access_token: token } = await world.signIn('google', world.newcomer())
      const change = (body: object) => world.call('PATCH', '/me', { token, body })
      expect((await change({ name: '  Zoë 🦊 ' })).body.name).toBe('Zoë 🦊')
      expect((await change({ picture: 'https://pictures.example/a.png' })).body).toMatchObject({
        name: 'Zoë 🦊',
        picture: 'https://pictures.example/a.png',
      })
      expect((await change({ name: null, picture: null })).body).toMatchObject({ name: null, picture: null })
      expect((await ask('/me', token)).body).toMatchObject({ name: null, picture: null })
      const { body } = await ask('/me/activity', token)
      expect((body.items as Json[]).filter(({ event }) => event === 'account.updated')).toHaveLength(3)
      // A profile fetched later does not overwrite what the user chose.
      expect((await ask('/me', token)).body.name).toBe(null)
    })

    test('sets the language and the time zone of pages, also on a device that is new', async () => {
      const { token, cookie } = await registered(world, `zone-${database}@example.com`)
      const change = (body: object) => world.call('PATCH', '/me', { token, body })
      const saved = await change({ locale: 'pt-BR', time_zone: 'america/sao_paulo' })
      expect(saved.body).toMatchObject({ locale: 'pt-BR', time_zone: 'America/Sao_Paulo' })
      const page = async (headers: Record<string, string> = {}) =>
        (
          await world.call('GET', '/account/devices', {
            headers: { cookie, accept: 'text/html', 'accept-language': 'en', ...headers },
          })
        ).text
      const first = await page()
      expect(first).toContain('<html lang="pt-BR">')
      // Noon in UTC is nine in the morning in São Paulo. The page says which zone it is, and no script changes it.
      expect(first).toMatch(/<time datetime="[^"]+" title="[^"]+ BRT"|<time datetime="[^"]+" title="[^"]+ GMT-3"/)
      expect(first).not.toContain('data-zone')
      // A language that was chosen on this device wins.
      expect(await page({ cookie: `${cookie}; vinculum_language=en` })).toContain('<html lang="en">')
      expect((await change({ time_zone: null })).body).toMatchObject({ time_zone: null })
      expect(await page()).toMatch(/title="[^"]+ UTC" data-zone="title"/)
      // A program gets the language that it asks for.
      const refused = await world.call('PATCH', '/me', {
        token,
        headers: { 'accept-language': 'en' },
        body: { name: '' },
      })
      expect(refused.headers.get('content-language')).toBe('en')
    })

    test('rejects every other field, names it in the caller’s language and changes nothing', async () => {
      const { access_token: token } = await world.signIn('google', world.newcomer())
      const before = await ask('/me', token)
      const refused: readonly [unknown, string, string][] = [
        [{ email: 'me@evil.example' }, 'email', 'unknown_field'],
        [{ name: 'A', role: 'administrator' }, 'role', 'unknown_field'],
        [{ name: 'A', id: 'usr_other' }, 'id', 'unknown_field'],
        [{ email_verified: true }, 'email_verified', 'unknown_field'],
        [{ name: 7 }, 'name', 'wrong_type'],
        [{ name: ['A'] }, 'name', 'wrong_type'],
        [{ name: { a: 1 } }, 'name', 'wrong_type'],
        [{ name: '' }, 'name', 'too_short'],
        [{ name: 'a'.repeat(201) }, 'name', 'too_long'],
        [{ picture: 'javascript:alert(1)' }, 'picture', 'invalid_format'],
        [{ time_zone: 'Mars/Olympus' }, 'time_zone', 'invalid_format'],
        [{ time_zone: '+03:00' }, 'time_zone', 'invalid_format'],
        [{ time_zone: '' }, 'time_zone', 'invalid_format'],
        [{ time_zone: 3 }, 'time_zone', 'wrong_type'],
        [{ locale: 'fr' }, 'locale', 'invalid_value'],
        [{ picture: 'http://plain.example/a.png' }, 'picture', 'invalid_format'],
        [[], '', 'wrong_type'],
        ['text', '', 'wrong_type'],
        [null, '', 'wrong_type'],
      ]
      for (const [body, path, code] of refused) {
        for (const language of ['en', 'pt-BR']) {
          const headers = { 'accept-language': language }
          const answer = await world.call('PATCH', '/me', { token, headers, body: JSON.stringify(body) })
          expect([body, ...refusalOf(answer)]).toEqual([body, 400, 'invalid_request'])
          expect([body, answer.body.errors]).toEqual([body, [{ path, code, detail: expect.any(String) }]])
        }
      }
      expect(refusalOf(await world.call('PATCH', '/me', { token, body: {} }))).toEqual([400, 'invalid_request'])
      expect(refusalOf(await world.call('PATCH', '/me', { token, body: '{"name":' }))).toEqual([400, 'malformed_body'])
      expect(refusalOf(await world.call('PATCH', '/me', { token }))).toEqual([400, 'malformed_body'])
      expect(refusalOf(await world.call('PATCH', '/me', { token, form: { name: 'A' } }))).toEqual([
        415,
        'unsupported_media_type',
      ])
      const large = { name: 'a'.repeat(65_536) }
      expect(refusalOf(await world.call('PATCH', '/me', { token, body: large }))).toEqual([413, 'payload_too_large'])
      const polluted = '{"name":"A","__proto__":{"role":"administrator"}}'
      expect(refusalOf(await world.call('PATCH', '/me', { token, body: polluted }))).toEqual([400, 'invalid_request'])
      expect((await ask('/me', token)).body).toEqual(before.body)
    })
  })

  test('is deleted with all its data, and our permissions are revoked at the providers', async () => {
    const who = world.newcomer({ name: 'Unmistakable Person' })
    const agent = `unmistakable-agent/${database}`
    const headers = { 'user-agent': agent }
    const person = world.sandbox.identities.get(who)
    const { access_token: token, refresh_token, user } = await world.signIn('google', who)
    for (const provider of ['github', 'acme', 'atlassian', 'beta'] as const)
      expect((await world.enter(provider, who, { intent: 'link', token })).status).toBe(200)
    // From a device with a user agent, with a failed attempt and an open conflict.
    const flow = await world.begin('google')
    await world.finish(flow, await world.approve(flow.url, who), { headers })
    await world.finish(flow, await world.approve(flow.url, who), { headers })
    await world.call('PATCH', '/me', { token, headers, body: { name: 'Unmistakable Person' } })

    const remains = async (): Promise<readonly string[]> => {
      const strings = [
        world.emailOf(who),
        'Unmistakable Person',
        String(person?.google?.sub),
        `"${person?.github?.id}"`,
        String(person?.atlassian?.account_id),
        String(person?.oidc?.sub),
        `"${person?.oauth2?.uid}"`,
      ]
      const rows = Object.entries(await world.dump()).flatMap(([table, all]) =>
        all.map((row) => `${table} ${JSON.stringify(row)}`),
      )
      return rows.filter(
        (row) => strings.some((text) => row.includes(text)) || (row.includes(user.id) && row.includes(agent)),
      )
    }
    expect((await remains()).length).toBeGreaterThan(6)
    const asked = (provider: ProviderName) => world.sandbox.journal.calls(sandboxName[provider], 'revoke').length
    const before = providers.map(asked)
    expect((await world.call('DELETE', '/me', { token, headers })).status).toBe(204)
    await world.vinculum.runJob('revoke-at-provider')
    await world.vinculum.runJob('revoke-at-provider')
    expect(await remains()).toEqual([])
    expect(providers.map(asked).map((calls, n) => calls - (before[n] ?? 0))).toEqual([1, 1, 1, 1, 1])

    expect(refusalOf(await ask('/me', token))).toEqual([401, 'user_not_found'])
    expect(refusalOf(await world.call('POST', '/auth/refresh', { body: { refresh_token } }))).toEqual([
      401,
      'user_not_found',
    ])
    expect((await world.trail()).filter((row) => row.account_id === user.id).map(({ event }) => event)).toContain(
      'account.deleted',
    )
    const secondSignIn = await world.signIn('google', who)
    expect([secondSignIn.action, secondSignIn.user.id === user.id]).toEqual(['created_new_user', false])
  })

  test('is deleted only after a recent sign-in', async () => {
    const { access_token: token } = await world.signIn('google', world.newcomer())
    world.turn(601)
    expect(refusalOf(await world.call('DELETE', '/me', { token }))).toEqual([403, 'reauthentication_required'])
    expect((await ask('/me', token)).status).toBe(200)
  })

  test('is refused everywhere at once while disabled, until it is enabled again', async () => {
    const who = world.newcomer()
    const { access_token: token, refresh_token, user } = await world.signIn('google', who)
    const browsers = [world.openBrowser(), world.openBrowser()] as const
    for (const browser of browsers) await browser.signIn('google', who)
    const at = database === 'SQLite' ? '1' : 'now()'
    await world.operator(`update accounts set disabled_at = ${at} where id = '${user.id}'`)
    for (const answer of [
      await ask('/me', token),
      await world.call('POST', '/auth/refresh', { body: { refresh_token } }),
      await world.call('POST', '/auth/google/authorize', { body: { intent: 'link' }, token }),
      await browsers[0].json('GET', '/me'),
      await browsers[1].json('POST', '/auth/refresh'),
      await world.enter('google', who),
      // By email address, too.
      await world.enter('github', who),
    ])
      expect(refusalOf(answer)).toEqual([403, 'user_disabled'])
    await world.operator(`update accounts set disabled_at = null where id = '${user.id}'`)
    expect((await world.call('POST', '/auth/refresh', { body: { refresh_token } })).body.token_type).toBe('bearer')
  })

  test('lists the devices it is signed in on', async () => {
    const who = world.newcomer()
    const flow = await world.begin('google')
    const back = await world.approve(flow.url, who)
    const headers = {
      'user-agent': 'Mozilla/5.0 \u0007(Test) <b>x</b>'.replace('\u0007', ''),
      'x-forwarded-for': '203.0.113.9',
    }
    const first = await world.finish(flow, back, { headers })
    world.turn(120)
    const second = await world.signIn('github', who)
    const devices = listIn(await ask('/me/sessions', second.access_token))
    expect(devices).toEqual([
      {
        id: expect.stringMatching(/^ses_/),
        name: null,
        created_at: world.clock().toISOString(),
        last_seen_at: world.clock().toISOString(),
        ip: '127.0.0.1',
        user_agent: 'node',
        amr: ['fed'],
        provider: 'github',
        current: true,
      },
      expect.objectContaining({
        user_agent: headers['user-agent'],
        ip: '127.0.0.1',
        provider: 'google',
        current: false,
      }),
    ])
    world.turn(120)
    expect((await ask('/me', String(first.body.access_token))).status).toBe(200)
    // The entry is written after the response, so it may appear a moment later.
    await expect
      .poll(
        async () =>
          listIn(await ask('/me/sessions', second.access_token)).find(({ current }) => !current)?.last_seen_at,
      )
      .toBe(world.clock().toISOString())
  })

  test('shows its activity to its owner only, newest first, page by page', async () => {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    for (let n = 0; n < 6; n++) {
      world.turn(1)
      await world.call('PATCH', '/me', { token, body: { name: `Name ${n}` } })
    }
    const all = (await ask('/me/activity?limit=100', token)).body
    const events = (all.items as Json[]).map(({ event }) => event)
    expect(events).toEqual([
      ...Array.from({ length: 6 }, () => 'account.updated'),
      'authentication.succeeded',
      'account.created',
    ])
    expect(all.next_cursor).toBe(null)
    const times = (all.items as Json[]).map(({ at }) => String(at))
    expect(times).toEqual([...times].sort().reverse())

    const paged: Json[] = []
    let cursor: unknown = ''
    while (cursor !== null) {
      const { body } = await ask(`/me/activity?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`, token)
      paged.push(...(body.items as Json[]))
      cursor = body.next_cursor
    }
    expect(paged).toEqual(all.items)

    const stranger = await world.signIn('google', world.newcomer())
    const theirs = (all.items as Json[])[0]?.id
    expect((await ask(`/me/activity?cursor=${theirs}`, stranger.access_token)).body.items).toEqual([])
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'limit=1&limit=2', 'unknown=1'])
      expect(refusalOf(await ask(`/me/activity?${query}`, token))).toEqual([400, 'invalid_request'])
  })

  test('shows the permissions each provider granted', async () => {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    world.turn(1)
    await world.enter('atlassian', who, { intent: 'link', token })
    const [google, atlassian] = listIn(await ask('/me/identities', token))
    expect(google).toEqual({
      id: expect.stringMatching(/^idn_/),
      provider: 'google',
      provider_user_id: world.sandbox.identities.get(who)?.google?.sub,
      provider_email: world.emailOf(who),
      linked_at: expect.any(String),
      last_used_at: expect.any(String),
      asked_scopes: ['openid', 'email', 'profile'],
      scopes: expect.arrayContaining(['openid']),
      // Google's long scope names mean the same as the short ones.
      missing_scopes: [],
      token_status: 'healthy',
      token_expires_at: expect.any(String),
      token_last_used_at: expect.any(String),
      consent_ends_at: null,
      last_error: null,
    })
    expect(atlassian).toMatchObject({
      provider: 'atlassian',
      linked_at: world.clock().toISOString(),
      scopes: ['read:me', 'offline_access'],
      // For up to a year, whatever happens in the meantime.
      consent_ends_at: new Date(world.clock().getTime() + 365 * 86_400_000).toISOString(),
    })
  })

  describe('a profile from a provider', () => {
    const calls = (provider: ProviderName) => world.sandbox.journal.calls(sandboxName[provider], 'userinfo').length
    async function linked(provider: ProviderName) {
      const who = world.newcomer()
      const { access_token: token } = await world.signIn(provider, who)
      const { id } = await identityAt(provider, token)
      return { who, token, path: `/me/identities/${id}/profile` }
    }

    test.each(providers)('is requested from %s once and cached for an hour', async (provider) => {
      const { token, path } = await linked(provider)
      const before = calls(provider)
      const first = await ask(path, token)
      expect([first.status, first.body.from_cache, first.body.stale]).toEqual([200, false, false])
      expect(first.body.fetched_at).toBe(world.clock().toISOString())
      expect(Object.keys(Object(first.body.profile)).length).toBeGreaterThan(0)
      world.turn(60)
      const again = await Promise.all([ask(path, token), ask(path, token)])
      for (const { body } of again) expect(body).toEqual({ ...first.body, from_cache: true })
      expect(calls(provider) - before).toBe(1)
      expect(first.text).not.toMatch(/"(access|refresh|id)_token"/)
    })

    test('is requested once for concurrent callers', async () => {
      const { token, path } = await linked('github')
      const before = calls('github')
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(path, token)))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect(calls('github') - before).toBe(1)
    })

    test('is served from the cache and marked as stale while the provider is down; without a cached profile the request fails', async () => {
      const { token, path, who } = await linked('github')
      const first = await ask(path, token)
      world.turn(3601)
      world.sandbox.fault({ provider: 'github', endpoint: 'userinfo' }, { kind: 'status', status: 503 })
      const { access_token: now } = await world.signIn('google', who)
      const stale = await ask(path, now)
      expect(stale.body).toEqual({ ...first.body, from_cache: true, stale: true })

      const other = await world.signIn('google', world.newcomer())
      world.sandbox.clearFaults()
      const whose = world.newcomer()
      await world.enter('github', whose, { intent: 'link', token: other.access_token })
      world.sandbox.fault({ provider: 'github', endpoint: 'userinfo' }, { kind: 'status', status: 503 })
      const { id } = await identityAt('github', other.access_token)
      const down = await ask(`/me/identities/${id}/profile`, other.access_token)
      expect(refusalOf(down)).toEqual([503, 'provider_unavailable'])
      expect(Number(down.headers.get('retry-after'))).toBeGreaterThan(0)
    })

    test('cannot be read by another user', async () => {
      const { path } = await linked('google')
      const { access_token: stranger } = await world.signIn('google', world.newcomer())
      expect(refusalOf(await ask(path, stranger))).toEqual([404, 'not_linked'])
    })

    /** A Google account with Atlassian linked, an hour later, when Atlassian's access token is dead. */
    async function anHourLater() {
      const who = world.newcomer()
      const { access_token, refresh_token } = await world.signIn('google', who)
      const linking = await world.enter('atlassian', who, { intent: 'link', token: access_token })
      expect(linking.status, linking.text).toBe(200)
      world.turn(3601)
      const { body } = await world.call('POST', '/auth/refresh', { body: { refresh_token } })
      const token = String(body.access_token)
      const { id } = await identityAt('atlassian', token)
      return { who, token, path: `/me/identities/${id}/profile` }
    }
    const renewals = () =>
      world.sandbox.journal.calls('atlassian', 'token').filter(({ body }) => body.grant_type === 'refresh_token')

    test('is fetched with a renewed token after the old one expires; concurrent callers renew it once', async () => {
      const { token, path } = await anHourLater()
      const before = renewals().length
      const answers = await Promise.all(Array.from({ length: 4 }, () => ask(path, token)))
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      expect(renewals()).toHaveLength(before + 1)
      expect((await identityAt('atlassian', token)).token_status).toBe('healthy')
    })

    test('requires a new consent when the refresh token is dead; the provider is asked only once', async () => {
      const { token, path, who } = await anHourLater()
      expect(world.sandbox.killRefreshTokens('atlassian', who)).toBeGreaterThan(0)
      const before = renewals().length
      for (let n = 0; n < 3; n++) expect(refusalOf(await ask(path, token))).toEqual([409, 'needs_reauthorization'])
      expect(renewals()).toHaveLength(before + 1)
      expect((await identityAt('atlassian', token)).token_status).toBe('needs_reauthorization')
      expect((await world.trail()).map(({ event }) => event)).toContain('provider_token.needs_reauthorization')
      // Signing in with Atlassian again is enough.
      expect((await world.signIn('atlassian', who)).action).toBe('login_existing')
      expect((await identityAt('atlassian', token)).token_status).toBe('healthy')
      expect((await ask(path, token)).status).toBe(200)
    })

    test('keeps its consent when the provider is temporarily unable to renew the token', async () => {
      const { token, path } = await anHourLater()
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'token' }, { kind: 'status', status: 503 })
      expect(refusalOf(await ask(path, token))).toEqual([503, 'provider_unavailable'])
      expect((await identityAt('atlassian', token)).token_status).toBe('degraded')
      world.sandbox.clearFaults()
      world.turn(120)
      expect((await ask(path, token)).status).toBe(200)
      expect((await identityAt('atlassian', token)).token_status).toBe('healthy')
    })
  })
})
