/** Applications sign people in through this service, as third-party clients do it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  administratorOf,
  callback,
  discovered,
  enter,
  follow,
  register,
  request,
  signInAgain,
} from '../support/applications.ts'
import { aboveStore, type Browser, type Json, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('PostgreSQL'))('an OpenID provider, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  beforeAll(async () => {
    world = await startWorld({ database, env: { APPLICATIONS_ALLOW_PRIVATE_ADDRESSES: 'on' } })
    admin = await administratorOf(world)
  })
  afterAll(() => world.stop())

  /** A browser in which a new person is signed in. */
  async function signedIn(): Promise<{ browser: Browser; who: string }> {
    const who = world.newcomer()
    const browser = world.openBrowser()
    await browser.signIn('google', who)
    return { browser, who }
  }
  const application = async (about: Json = {}) => discovered(world, await register(world, admin, about))
  const refresh = (config: client.Configuration, token: string | undefined, more: Record<string, string> = {}) =>
    client.refreshTokenGrant(config, token ?? '', more)
  const isOver = { error: 'invalid_grant' }
  const bearer = (token: string) => ({ token })
  test('signs people in on our own pages, refreshes and signs out, with openid-client', async () => {
    const shop = await register(world, admin, { post_logout_redirect_uris: ['https://shop.example.org/bye'] })
    const config = await discovered(world, shop)
    const who = world.newcomer()
    const browser = world.openBrowser()
    const { url, redeem } = await request(config)
    const asked = await follow(world, browser, url)
    expect([asked.left, asked.page.url.pathname]).toEqual([undefined, '/login'])
    const { left } = await signInAgain(world, browser, who, asked.page.url)
    expect(left?.origin).toBe('https://shop.example.org')
    expect(left?.searchParams.get('iss')).toBe(world.base)
    const tokens = await redeem(left as URL)

    const claims = tokens.claims()
    expect(claims).toMatchObject({ iss: world.base, aud: shop.id, email: world.emailOf(who), email_verified: true })
    expect(claims?.sid).toMatch(/^ses_/)
    expect(claims?.auth_time).toEqual(expect.any(Number))
    expect(claims?.amr).toEqual(expect.any(Array))
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', world.base))
    const { protectedHeader } = await jwtVerify(tokens.id_token ?? '', keys, { issuer: world.base, audience: shop.id })
    expect(protectedHeader.alg).toBe('ES256')
    const person = await client.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '')
    expect(person).toMatchObject({ sub: claims?.sub, email: world.emailOf(who) })

    const refreshed = await refresh(config, tokens.refresh_token)
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
    expect((await client.fetchUserInfo(config, refreshed.access_token, claims?.sub ?? '')).sub).toBe(claims?.sub)

    const out = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'https://shop.example.org/bye',
      state: 'kept',
    })
    expect((await follow(world, browser, out)).left?.href).toBe('https://shop.example.org/bye?state=kept')
    await expect(refresh(config, refreshed.refresh_token)).rejects.toMatchObject(isOver)
    expect((await browser.ask(`${world.base}/account`)).headers.get('location')).toMatch(/^\/login/)
  })

  test('answers an application on another port of our host, whose browser sends our cookies', async () => {
    const { id } = await register(world, admin, { kind: 'browser' })
    const { browser } = await signedIn()
    const fields = { grant_type: 'refresh_token', client_id: id, refresh_token: 'unknown', token: 'unknown' }
    for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/par']) {
      const { status, text } = await browser.ask(new URL(path, world.base), {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: { origin: 'http://localhost:5173', 'sec-fetch-site': 'same-site', accept: 'application/json' },
      })
      expect([path, status], text).not.toEqual([path, 403])
    }
  })

  describe('a person who is signed in', () => {
    test('continues at once, and no page is shown with prompt=none', async () => {
      const config = await application({ kind: 'browser' })
      const { browser } = await signedIn()
      const first = await enter(world, browser, config)
      const silent = await enter(world, browser, config, { more: { prompt: 'none' } })
      expect(silent.claims()?.sid).toBe(first.claims()?.sid)
      const stranger = await request(config, { more: { prompt: 'none' } })
      const { left } = await follow(world, world.openBrowser(), stranger.url)
      expect(left?.searchParams.get('error')).toBe('login_required')
    })

    test.each(['login', 'select_account'])(
      'signs in again with prompt=%s, and stays in other applications',
      async (prompt) => {
        const [config, other] = [await application(), await application()]
        const { browser, who } = await signedIn()
        const before = await enter(world, browser, other)
        world.turn(5)
        const { url, redeem } = await request(config, { more: { prompt } })
        const asked = await follow(world, browser, url)
        expect(asked.page.url.pathname).toBe('/login')
        const { left } = await signInAgain(world, browser, who, asked.page.url)
        const claims = (await redeem(left as URL)).claims()
        expect(claims?.sid).not.toBe(before.claims()?.sid)
        expect(Number(claims?.auth_time)).toBeGreaterThan(Number(before.claims()?.auth_time))
        const kept = await refresh(other, before.refresh_token)
        expect(await client.fetchUserInfo(other, kept.access_token, claims?.sub ?? '')).toMatchObject({
          sub: claims?.sub,
        })
      },
    )

    test('signs in again if the sign-in is older than max_age, and not otherwise', async () => {
      const config = await application()
      const { browser } = await signedIn()
      await enter(world, browser, config, { more: { max_age: '3600' } })
      const { url } = await request(config, { more: { max_age: '0' } })
      expect((await follow(world, browser, url)).page.url.pathname).toBe('/login')
    })

    test('must be the one of id_token_hint', async () => {
      const config = await application()
      const [ann, bob] = [await signedIn(), await signedIn()]
      const { id_token: hint = '' } = await enter(world, ann.browser, config)
      const more = { prompt: 'none', id_token_hint: hint }
      expect((await enter(world, ann.browser, config, { more })).claims()?.sub).toMatch(/^usr_/)
      const { url } = await request(config, { more })
      const { left } = await follow(world, bob.browser, url)
      expect(left?.searchParams.get('error')).toBe('login_required')
    })

    test('is asked for two factors once with acr_values, and acr says what was done', async () => {
      const config = await application()
      const { browser, who } = await signedIn()
      const { url, redeem } = await request(config, { more: { acr_values: 'urn:vinculum:acr:two-factor' } })
      const asked = await follow(world, browser, url)
      expect(asked.page.url.pathname).toBe('/login')
      const { left } = await signInAgain(world, browser, who, asked.page.url)
      expect((await redeem(left as URL)).claims()).not.toHaveProperty('acr')
    })
  })

  describe('consent', () => {
    const third = { first_party: false, name: 'Guest' }
    test('is asked in words, remembered, and asked again only for more', async () => {
      const config = await application(third)
      const { browser } = await signedIn()
      const { url, redeem } = await request(config, { scope: 'openid email' })
      const { page, left } = await follow(world, browser, url)
      expect(left).toBeUndefined()
      expect(page.text).toContain('Guest')
      expect(page.text).toContain('see your email address')
      expect(page.text).toContain('shop.example.org')
      expect(page.text).not.toContain('see your name')
      const { pathname } = page.url
      const done = await browser.submit(page, pathname, { decision: 'allow' })
      const to = /url=([^"]*)"/.exec(done.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
      expect((await redeem(new URL(to))).claims()?.email).toEqual(expect.any(String))
      await enter(world, browser, config, { scope: 'openid email' })
      const more = await request(config, { scope: 'openid email profile' })
      expect((await follow(world, browser, more.url)).page.text).toContain('see your name')
    })
    test('that is refused is reported to the application', async () => {
      const config = await application(third)
      const { browser } = await signedIn()
      const { url } = await request(config)
      const { page } = await follow(world, browser, url)
      const done = await browser.submit(page, page.url.pathname, { decision: 'refuse' })
      expect(done.text).toContain('error=access_denied')
    })
    test('is given only in the browser and by the person that the application asked', async () => {
      const config = await application(third)
      const { browser } = await signedIn()
      const { url } = await request(config)
      const { page } = await follow(world, browser, url)
      const other = await signedIn()
      expect((await other.browser.ask(page.url)).status).toBe(400)
      const resumed = page.url.pathname.replace('interaction', 'authorize')
      expect((await other.browser.ask(`${world.base}${resumed}`)).status).toBe(400)
    })
  })

  describe('a refresh', () => {
    test('sent fifty times at once has one successor and fifty equal answers', async () => {
      const config = await application({ kind: 'browser' })
      const { browser } = await signedIn()
      const { refresh_token: first } = await enter(world, browser, config)
      const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(config, first)))
      expect(new Set(answers.map((answer) => answer.refresh_token)).size).toBe(1)
      const { application_sessions: rows = [] } = await world.dump('application_sessions')
      const claims = client.skipSubjectCheck && answers[0]
      expect(claims?.refresh_token).not.toBe(first)
      expect(rows.filter((row) => Number(row.generation) === 2).length).toBeGreaterThan(0)
      expect(
        rows.some((row) => Number(row.generation) > 2 && row.application_id === config.clientMetadata().client_id),
      ).toBe(false)
    })
    test('whose response was lost can be repeated, until the new tokens were used', async () => {
      const config = await application({ kind: 'browser' })
      const { browser } = await signedIn()
      const { refresh_token: first } = await enter(world, browser, config)
      const second = await refresh(config, first)
      world.turn(600)
      expect((await refresh(config, first)).refresh_token).toBe(second.refresh_token)
      await client.fetchUserInfo(config, second.access_token, client.skipSubjectCheck)
      await expect(refresh(config, first)).rejects.toMatchObject(isOver)
    })
    test.each(['access_token', 'refresh_token'] as const)(
      'is refused with the previous token once a resource server introspected the new %s',
      async (kind) => {
        const config = await application({ kind: 'browser' })
        const made = await world.call('POST', '/service-credentials', {
          token: await admin(),
          body: { name: 'API', scopes: ['introspect'] },
        })
        const [asked, unasked] = [(await signedIn()).browser, (await signedIn()).browser]
        const first = await enter(world, asked, config)
        const other = await enter(world, unasked, config)
        const second = await refresh(config, first.refresh_token)
        await refresh(config, other.refresh_token)
        const { body } = await world.call('POST', '/oauth/introspect', {
          form: { token: second[kind] ?? '' },
          token: `${String(made.body.id)}.${String(made.body.secret)}`,
        })
        expect(body.active).toBe(true)
        world.turn(11)
        expect(await refresh(config, other.refresh_token)).toHaveProperty('access_token')
        await expect(refresh(config, first.refresh_token)).rejects.toMatchObject(isOver)
      },
    )
    test('with a stolen token ends this application on this device, and nothing else', async () => {
      const [config, other] = [await application({ kind: 'browser' }), await application()]
      const who = world.newcomer()
      const [here, there] = [world.openBrowser(), world.openBrowser()]
      for (const browser of [here, there]) await browser.signIn('google', who)
      const first = await enter(world, here, config)
      const tab = await enter(world, here, config)
      const [elsewhere, neighbor] = [await enter(world, there, config), await enter(world, here, other)]
      const second = await refresh(config, first.refresh_token)
      const third = await refresh(config, second.refresh_token)
      world.turn(60)
      await expect(refresh(config, first.refresh_token)).rejects.toMatchObject(isOver)
      for (const token of [third, tab]) await expect(refresh(config, token.refresh_token)).rejects.toMatchObject(isOver)
      expect(await refresh(config, elsewhere.refresh_token)).toHaveProperty('access_token')
      expect(await refresh(other, neighbor.refresh_token)).toHaveProperty('access_token')
      expect((await here.ask(`${world.base}/account`)).status).toBe(200)
      const ended = (await world.trail()).filter(({ event }) => event === 'application.signed_out')
      expect(JSON.stringify(ended.at(-1)?.data)).toContain('token_reused')
    })
    test('needs the application that the token was issued to', async () => {
      const [config, other] = [await application(), await application()]
      const { browser } = await signedIn()
      const { refresh_token: token } = await enter(world, browser, config)
      await expect(refresh(other, token)).rejects.toMatchObject(isOver)
      expect(refusalOf(await world.call('POST', '/auth/refresh', { body: { refresh_token: token } }))).toEqual([
        401,
        'token_invalid',
      ])
      expect(await refresh(config, token)).toHaveProperty('access_token')
    })
    test('can ask for fewer scopes, never for more', async () => {
      const config = await application()
      const { browser } = await signedIn()
      const { refresh_token: first } = await enter(world, browser, config, { scope: 'openid email offline_access' })
      const narrow = await refresh(config, first, { scope: 'openid' })
      expect(await client.fetchUserInfo(config, narrow.access_token, client.skipSubjectCheck)).not.toHaveProperty(
        'email',
      )
      await expect(refresh(config, narrow.refresh_token, { scope: 'openid teams' })).rejects.toMatchObject({
        error: 'invalid_scope',
      })
      expect((await refresh(config, narrow.refresh_token)).scope).toContain('email')
    })
  })

  describe('the end of a session ends the tokens of its applications at once', () => {
    const endings: readonly (readonly [string, (browser: Browser, account: string) => Promise<unknown>])[] = [
      ['signing out', (browser) => browser.json('POST', '/auth/logout')],
      ['signing out everywhere', (browser) => browser.json('POST', '/auth/logout-all')],
      [
        'disabling the account',
        async (_, account) => world.call('POST', `/users/${account}/disable`, { token: await admin() }),
      ],
      ['deleting the account', (browser) => browser.json('DELETE', '/me')],
    ]
    test.each(endings)('by %s', async (_, end) => {
      const config = await application()
      const { browser } = await signedIn()
      const tokens = await enter(world, browser, config)
      expect(await end(browser, tokens.claims()?.sub ?? '')).toMatchObject({
        status: expect.toSatisfy((status: number) => status < 300),
      })
      await expect(refresh(config, tokens.refresh_token)).rejects.toMatchObject(isOver)
      expect((await world.call('GET', '/oauth/userinfo', bearer(tokens.access_token))).status).toBeGreaterThanOrEqual(
        401,
      )
      const { application_sessions: rows = [] } = await world.dump('application_sessions')
      const own = rows.filter(({ application_id: id }) => id === config.clientMetadata().client_id)
      expect(own.every(({ ended_at: ended }) => ended !== null)).toBe(true)
    })
  })

  describe('a back-channel logout notice', () => {
    /** An application that receives notices, and refuses them until it should answer otherwise. */
    async function startReceiver() {
      const received: string[] = []
      let status = 503
      const receiver = createServer((incoming, response) => {
        let text = ''
        incoming.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        incoming.on('end', () => {
          received.push(new URLSearchParams(text).get('logout_token') ?? '')
          response.writeHead(status).end()
        })
      })
      await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
      const { port } = receiver.address() as AddressInfo
      return {
        received,
        uri: `http://127.0.0.1:${port}/logout`,
        answer: (next: number): void => {
          status = next
        },
        close: (): unknown => receiver.close(),
      }
    }

    test('is delivered, and repeated until the application accepts it', async () => {
      const { received, answer, uri, close } = await startReceiver()
      try {
        const shop = await register(world, admin, { backchannel_logout_uri: uri })
        const config = await discovered(world, shop)
        const { browser } = await signedIn()
        const claims = (await enter(world, browser, config)).claims()
        await enter(world, browser, config)
        await browser.json('POST', '/auth/logout')
        await world.vinculum.runJob('send-logout-notices')
        expect(received).toHaveLength(1)
        answer(200)
        await world.vinculum.runJob('send-logout-notices')
        expect(received).toHaveLength(1)
        world.turn(60)
        await world.vinculum.runJob('send-logout-notices')
        expect(received).toHaveLength(2)
        const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', world.base))
        const { payload, protectedHeader } = await jwtVerify(received[1] ?? '', keys, {
          issuer: world.base,
          audience: shop.id,
          currentDate: world.clock(),
        })
        expect(protectedHeader.typ).toBe('logout+jwt')
        expect(payload).toMatchObject({
          sub: claims?.sub,
          sid: claims?.sid,
          events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        })
        expect(payload).not.toHaveProperty('nonce')
        expect((await world.dump('logout_notices')).logout_notices).toEqual([])
      } finally {
        close()
      }
    })

    test('that fails leaves those to the same application for later, and they arrive', async () => {
      const { received, answer, uri, close } = await startReceiver()
      try {
        const config = await application({ backchannel_logout_uri: uri })
        for (let device = 0; device < 6; device++) {
          const { browser } = await signedIn()
          await enter(world, browser, config)
          await browser.json('POST', '/auth/logout')
        }
        await world.vinculum.runJob('send-logout-notices')
        const refused = received.length
        expect(refused).toBeLessThan(6)
        answer(200)
        world.turn(60)
        await world.vinculum.runJob('send-logout-notices')
        expect(received).toHaveLength(refused + 6)
        expect((await world.dump('logout_notices')).logout_notices).toEqual([])
      } finally {
        close()
      }
    })
  })

  describe('an access token', () => {
    const [a, b] = ['https://a.example.org/', 'https://b.example.org/']
    const api = { resources: [a, b], scopes: ['openid', 'profile', 'email', 'offline_access', 'orders:read'] }
    const audienceOf = (token: string): unknown =>
      z
        .object({ aud: z.string(), scope: z.string() })
        .parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()))

    test('without a resource reads /me and UserInfo, and does nothing else for the person', async () => {
      const config = await application()
      const { browser } = await signedIn()
      const { access_token: token } = await enter(world, browser, config)
      expect((await world.call('GET', '/me', { token })).status).toBe(200)
      const forbidden = [
        ['DELETE', '/me'],
        ['GET', '/me/sessions'],
        ['POST', '/auth/logout'],
        ['GET', '/teams'],
        ['POST', '/auth/google/authorize'],
        ['GET', '/me/export'],
      ] as const
      for (const [method, path] of forbidden)
        expect([
          path,
          ...refusalOf(await world.call(method, path, { token, ...(method === 'POST' ? { body: {} } : {}) })),
        ]).toEqual([path, 403, 'application_not_allowed'])
      const narrow = await enter(world, browser, config, { scope: 'openid' })
      expect(refusalOf(await world.call('GET', '/me', { token: narrow.access_token }))).toEqual([
        403,
        'application_not_allowed',
      ])
      expect((await world.call('GET', '/oauth/userinfo', { token: narrow.access_token })).body).toEqual({
        sub: narrow.claims()?.sub,
      })
    })

    test('for a resource is for nothing else', async () => {
      const config = await application(api)
      const { browser } = await signedIn()
      const scope = 'openid email offline_access orders:read'
      const tokens = await enter(world, browser, config, { scope, more: { resource: a } })
      expect(audienceOf(tokens.access_token)).toEqual({ aud: a, scope: 'orders:read' })
      for (const path of ['/me', '/oauth/userinfo'])
        expect(refusalOf(await world.call('GET', path, { token: tokens.access_token }))).toEqual([401, 'token_invalid'])
      const next = await refresh(config, tokens.refresh_token)
      expect(audienceOf(next.access_token)).toEqual({ aud: a, scope: 'orders:read' })
      await expect(refresh(config, next.refresh_token, { resource: b })).rejects.toMatchObject({
        error: 'invalid_target',
      })
      const { url } = await request(config, { scope, more: { resource: 'https://c.example.org/' } })
      expect((await follow(world, browser, url)).left?.searchParams.get('error')).toBe('invalid_target')
    })

    test('is not for an API or a scope that an administrator withdrew, from the next refresh on', async () => {
      const shop = await register(world, admin, api)
      const config = await discovered(world, shop)
      const { browser } = await signedIn()
      const scope = 'openid email offline_access orders:read'
      const enterFor = (resource: string) => enter(world, browser, config, { scope, more: { resource } })
      const [ofA, ofB] = [await enterFor(a), await enterFor(b)]
      const made = await world.call('POST', '/service-credentials', {
        token: await admin(),
        body: { name: 'API', scopes: ['introspect'] },
      })
      const key = `Basic ${Buffer.from(`${String(made.body.id)}:${String(made.body.secret)}`).toString('base64')}`
      const isActive = async (token: string) => {
        const of = { form: { token }, headers: { authorization: key } }
        return (await world.call('POST', '/oauth/introspect', of)).body.active
      }
      expect([await isActive(ofA.access_token), await isActive(ofB.access_token)]).toEqual([true, true])
      const change = async (body: Json) => {
        const answer = await world.call('PATCH', `/applications/${shop.id}`, { token: await admin(), body })
        expect(answer.status, answer.text).toBe(200)
      }

      await change({ resources: [b] })
      expect([await isActive(ofA.access_token), await isActive(ofB.access_token)]).toEqual([false, true])
      const generations = async () => {
        const { application_sessions: rows = [] } = await world.dump('application_sessions')
        return rows.filter((row) => row.application_id === shop.id).map(({ generation }) => Number(generation))
      }
      await expect(refresh(config, ofA.refresh_token, { resource: a })).rejects.toMatchObject({
        error: 'invalid_target',
      })
      // What is refused is not rotated.
      expect(await generations()).toEqual([1, 1])
      const own = await refresh(config, ofA.refresh_token)
      expect(audienceOf(own.access_token)).toEqual({ aud: world.base, scope: 'openid email offline_access' })
      const next = await refresh(config, ofB.refresh_token)
      expect(audienceOf(next.access_token)).toEqual({ aud: b, scope: 'orders:read' })

      await change({ resources: [], scopes: ['openid', 'offline_access'] })
      await expect(refresh(config, next.refresh_token, { scope: 'orders:read' })).rejects.toMatchObject({
        error: 'invalid_scope',
      })
      for (const { refresh_token: token } of [own, next])
        expect(audienceOf((await refresh(config, token)).access_token)).toEqual({
          aud: world.base,
          scope: 'openid offline_access',
        })
      expect(await isActive(next.access_token)).toBe(false)
    })

    test('is introspected by a resource server, and is inactive once the session ends', async () => {
      const config = await application(api)
      const { browser } = await signedIn()
      const made = await world.call('POST', '/service-credentials', {
        token: await admin(),
        body: { name: 'API', scopes: ['introspect'] },
      })
      const key = `Basic ${Buffer.from(`${String(made.body.id)}:${String(made.body.secret)}`).toString('base64')}`
      const { access_token: token, refresh_token: other = '' } = await enter(world, browser, config, {
        scope: 'openid orders:read',
        more: { resource: a },
      })
      const look = (given: string, path: string) =>
        world.call('POST', path, { form: { token: given }, headers: { authorization: key } })
      for (const path of ['/oauth/introspect', '/auth/introspect'])
        expect((await look(token, path)).body).toMatchObject({
          active: true,
          aud: a,
          scope: 'orders:read',
          client_id: config.clientMetadata().client_id,
          token_use: 'access_token',
        })
      expect((await look(other, '/oauth/introspect')).body).toMatchObject({ active: true, token_use: 'refresh_token' })
      await browser.json('POST', '/auth/logout')
      for (const given of [token, other])
        expect((await look(given, '/oauth/introspect')).body).toEqual({ active: false })
    })
  })

  describe('a code', () => {
    test('works once: its second use ends what came from it', async () => {
      const config = await application()
      const { browser } = await signedIn()
      const { url, redeem } = await request(config)
      const { left } = await follow(world, browser, url)
      const tokens = await refresh(config, (await redeem(left as URL)).refresh_token)
      await expect(redeem(left as URL)).rejects.toMatchObject(isOver)
      await expect(refresh(config, tokens.refresh_token)).rejects.toMatchObject(isOver)
      expect((await browser.ask(`${world.base}/account`)).status).toBe(200)
    })
    test('sent again while nobody has used its tokens is refused, and for ten seconds ends nothing', async () => {
      const config = await application()
      const { browser } = await signedIn()
      const redeemTwice = async (seconds: number) => {
        const { url, redeem } = await request(config)
        const { left } = await follow(world, browser, url)
        const { refresh_token: token } = await redeem(left as URL)
        world.turn(seconds)
        await expect(redeem(left as URL)).rejects.toMatchObject(isOver)
        return refresh(config, token)
      }
      expect(await redeemTwice(10)).toMatchObject({ token_type: 'bearer' })
      await expect(redeemTwice(11)).rejects.toMatchObject(isOver)
    })
    test('redeemed twenty times at once gives at most one sign-in', async () => {
      const config = await application()
      const { browser } = await signedIn()
      const { url, redeem } = await request(config)
      const { left } = await follow(world, browser, url)
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => redeem(left as URL)))
      expect(results.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1)
    })
    test('is bound to the verifier, the redirect URI, the application and its session', async () => {
      const shop = await register(world, admin, { kind: 'browser' })
      const config = await discovered(world, shop)
      const { browser } = await signedIn()
      const code = async () => {
        const { url, verifier } = await request(config)
        const { left } = await follow(world, browser, url)
        return { code: left?.searchParams.get('code') ?? '', verifier }
      }
      const redeem = async (change: Record<string, string>) => {
        const { code: given, verifier } = await code()
        const form = { grant_type: 'authorization_code', code: given, code_verifier: verifier, redirect_uri: callback }
        return world.call('POST', '/oauth/token', { form: { ...form, client_id: shop.id, ...change } })
      }
      expect((await redeem({})).status).toBe(200)
      const wrong = [
        { code_verifier: 'x'.repeat(43) },
        { redirect_uri: 'https://shop.example.org/other' },
        { code: 'x' },
      ]
      for (const change of wrong) expect(refusalOf(await redeem(change))).toEqual([400, 'grant_invalid'])
      const other = await register(world, admin, { kind: 'browser' })
      expect(refusalOf(await redeem({ client_id: other.id }))).toEqual([400, 'grant_invalid'])
      expect(refusalOf(await redeem({ client_id: 'app_none' }))).toEqual([401, 'invalid_client'])
      const late = await code()
      await browser.json('POST', '/auth/logout')
      const form = { grant_type: 'authorization_code', code: late.code, code_verifier: late.verifier }
      const refused = await world.call('POST', '/oauth/token', {
        form: { ...form, redirect_uri: callback, client_id: shop.id },
      })
      expect(refusalOf(refused)).toEqual([400, 'grant_invalid'])
    })
    test('is never sent to a URL that is not registered, and a public client needs PKCE', async () => {
      const shop = await register(world, admin, { kind: 'browser' })
      const { browser } = await signedIn()
      const ask = (query: Record<string, string>) =>
        browser.ask(
          `${world.base}/oauth/authorize?${new URLSearchParams({ response_type: 'code', scope: 'openid', client_id: shop.id, redirect_uri: callback, code_challenge: 'x'.repeat(43), code_challenge_method: 'S256', ...query }).toString()}`,
        )
      for (const uri of [
        `${callback}/`,
        `${callback}?a`,
        'https://shop.example.org.evil.test/callback',
        'javascript:alert(1)',
        `${callback}#x`,
      ]) {
        const visit = await ask({ redirect_uri: uri })
        expect([uri, visit.status, visit.headers.get('location')]).toEqual([uri, 400, null])
        expect(visit.text).toContain('authorization_request_invalid')
      }
      expect((await ask({ client_id: 'app_none' })).status).toBe(400)
      for (const change of [{ code_challenge: '' }, { code_challenge_method: 'plain' }, { response_type: 'token' }]) {
        const to = (await ask(change)).headers.get('location') ?? ''
        expect(to.startsWith(callback), JSON.stringify(change)).toBe(true)
        expect(new URL(to).searchParams.get('code')).toBeNull()
      }
      expect((await ask({ response_mode: 'form_post' })).status).toBe(400)
    })
  })

  test('a pushed authorization request is used once', async () => {
    const config = await application()
    const { browser } = await signedIn()
    const verifier = client.randomPKCECodeVerifier()
    const url = await client.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: callback,
      scope: 'openid',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    expect(url.searchParams.get('request_uri')).toMatch(/^urn:ietf:params:oauth:request_uri:/)
    const { left } = await follow(world, browser, url)
    expect(
      (await client.authorizationCodeGrant(config, left as URL, { pkceCodeVerifier: verifier })).access_token,
    ).toBeTruthy()
    expect((await follow(world, browser, url)).left?.searchParams.get('code') ?? null).toBeNull()
  })

  test('a token is revoked by its application only, and the person stays signed in', async () => {
    const [config, other] = [await application(), await application()]
    const { browser } = await signedIn()
    const tokens = await enter(world, browser, config)
    await client.tokenRevocation(other, tokens.refresh_token ?? '')
    const next = await refresh(config, tokens.refresh_token)
    expect((await world.call('POST', '/auth/revoke', { form: { token: next.access_token } })).status).toBe(200)
    expect((await browser.ask(`${world.base}/account`)).status).toBe(200)
    await client.tokenRevocation(config, next.refresh_token ?? '')
    await expect(refresh(config, next.refresh_token)).rejects.toMatchObject(isOver)
    expect((await world.call('GET', '/oauth/userinfo', { token: next.access_token })).status).toBe(401)
    expect((await browser.ask(`${world.base}/account`)).status).toBe(200)
  })

  test('a sign-out without the id_token of the person is confirmed first', async () => {
    await register(world, admin)
    const { browser } = await signedIn()
    const stranger = await follow(
      world,
      browser,
      `${world.base}/oauth/logout?post_logout_redirect_uri=https%3A%2F%2Fevil.test`,
    )
    expect([stranger.left, stranger.page.status]).toEqual([undefined, 200])
    expect((await browser.ask(`${world.base}/account`)).status).toBe(200)
    const done = await browser.submit(stranger.page, '/oauth/logout/confirm')
    expect(done.url.href).not.toContain('evil')
    expect((await browser.ask(`${world.base}/account`)).status).toBe(303)
  })

  test('people export what is stored about their applications, and nothing secret', async () => {
    const config = await application()
    const { browser } = await signedIn()
    const tokens = await enter(world, browser, config)
    const { text } = await browser.json('GET', '/me/export')
    const exported = JSON.parse(text) as Record<string, Json[]>
    expect(exported.application_sessions?.[0]).toMatchObject({ application: 'Shop' })
    for (const secret of [tokens.refresh_token, tokens.access_token, tokens.id_token])
      expect(text).not.toContain(secret)
    expect(JSON.stringify(await world.dump())).not.toContain(tokens.refresh_token)
  })
})
