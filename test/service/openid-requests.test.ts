/** The parameters of authorization requests: which are refused, and what the optional ones do. */
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { administratorOf, callback, discovered, enter, follow, register, request } from '../support/applications.ts'
import { type Browser, type Json, refusalOf, startWorld, type World } from '../support/service.ts'

let world: World
let admin: () => Promise<string>
let browser: Browser
beforeAll(async () => {
  world = await startWorld({ kinds: ['google'] })
  admin = await administratorOf(world)
  browser = world.openBrowser()
  await browser.signIn('google', world.newcomer())
})
afterAll(() => world.stop())

const application = async (about: Json = {}) => discovered(world, await register(world, admin, about))
const claimsIn = (token: string) =>
  z
    .looseObject({ aud: z.string(), scope: z.string() })
    .parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()))

describe('a response type that is not supported', () => {
  test.each(['token', 'id_token', 'code token', 'code id_token token', 'none', 'unknown'])(
    '%s is refused with unsupported_response_type, at the registered redirect URI',
    async (type) => {
      const { url, state } = await request(await application())
      url.searchParams.set('response_type', type)
      const { left } = await follow(world, browser, url)
      expect(left?.origin + (left?.pathname ?? '')).toBe(callback)
      // An error of another response type is in the fragment, as its response would be.
      const answer = new URLSearchParams(left?.search || left?.hash.slice(1))
      expect([answer.get('error'), answer.get('state'), answer.get('iss')]).toEqual([
        'unsupported_response_type',
        state,
        world.base,
      ])
      expect(answer.has('code')).toBe(false)
    },
  )

  test('is refused on a page if the redirect URI is not registered', async () => {
    const { url } = await request(await application())
    url.searchParams.set('response_type', 'token')
    url.searchParams.set('redirect_uri', 'https://evil.example.org/')
    const { left, page } = await follow(world, browser, url)
    expect([left, page.status]).toEqual([undefined, 400])
    expect(page.text).toContain('authorization_request_invalid')
  })

  test('is refused when it is pushed', async () => {
    const { id, secret } = await register(world, admin, { client_auth: 'client_secret_post' })
    const form = { response_type: 'token', redirect_uri: callback, scope: 'openid' }
    const pushed = await world.call('POST', '/oauth/par', {
      form: { ...form, client_id: id, client_secret: secret ?? '' },
    })
    expect([pushed.status, pushed.body.error]).toEqual([400, 'unsupported_response_type'])
  })

  test('another response mode is refused as before', async () => {
    const { url } = await request(await application(), { more: { response_mode: 'fragment' } })
    expect((await follow(world, browser, url)).page.status).toBe(400)
  })
})

describe('our own URL as resource', () => {
  test('is what our metadata names, and means the same as no resource', async () => {
    const { resource } = (await world.call('GET', '/.well-known/oauth-protected-resource')).body
    expect(resource).toBe(world.base)
    for (const own of [world.base, `${world.base}/`, `${world.base}/me`]) {
      const config = await application({ first_party: false, name: 'Guest' })
      const { url, redeem } = await request(config, { more: { resource: own } })
      const { page } = await follow(world, browser, url)
      // The person is asked for nothing more than without a resource.
      expect(page.text).not.toContain(own)
      const done = await browser.submit(page, page.url.pathname, { decision: 'allow' })
      const to = /url=([^"]*)"/.exec(done.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
      const tokens = await redeem(new URL(to))
      const plain = await enter(world, browser, config)
      const [given, usual] = [claimsIn(tokens.access_token), claimsIn(plain.access_token)]
      expect([given.aud, given.scope]).toEqual([usual.aud, usual.scope])
      expect(tokens.claims()?.email).toEqual(plain.claims()?.email)
      for (const path of ['/me', '/oauth/userinfo'])
        expect((await world.call('GET', path, { token: tokens.access_token })).status).toBe(200)
      const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', { resource: own })
      expect(claimsIn(next.access_token).aud).toBe(usual.aud)
    }
  })

  test('may be named only in the token request, and when it is pushed', async () => {
    const { id, secret } = await register(world, admin, { client_auth: 'client_secret_post' })
    const credentials = { client_id: id, client_secret: secret ?? '' }
    const verifier = client.randomPKCECodeVerifier()
    const parameters = {
      response_type: 'code',
      redirect_uri: callback,
      scope: 'openid profile email',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    const redeem = async (left: URL | undefined) =>
      world.call('POST', '/oauth/token', {
        form: {
          ...credentials,
          grant_type: 'authorization_code',
          code: left?.searchParams.get('code') ?? '',
          code_verifier: verifier,
          redirect_uri: callback,
          resource: world.base,
        },
      })
    const at = (query: Record<string, string>) =>
      follow(world, browser, `${world.base}/oauth/authorize?${new URLSearchParams(query).toString()}`)
    const plain = await at({ ...parameters, client_id: id })
    const pushed = await world.call('POST', '/oauth/par', {
      form: { ...parameters, ...credentials, resource: world.base },
    })
    const ofPushed = await at({ client_id: id, request_uri: String(pushed.body.request_uri) })
    for (const { left } of [plain, ofPushed]) {
      const { status, body } = await redeem(left)
      expect([status, body.scope]).toEqual([200, 'openid profile email'])
      expect((await world.call('GET', '/me', { token: String(body.access_token) })).status).toBe(200)
    }
  })

  test('is a resource next to others, each with tokens of its own', async () => {
    const api = 'https://api.example.org/'
    const config = await application({
      resources: [api],
      scopes: ['openid', 'email', 'offline_access', 'orders:read'],
    })
    const { url, redeem } = await request(config, { scope: 'openid email offline_access orders:read' })
    url.searchParams.append('resource', api)
    url.searchParams.append('resource', world.base)
    const { left } = await follow(world, browser, url)
    const error = await redeem(left as URL).catch((thrown: unknown) => thrown)
    // Each token is for one resource, so the token request must name it.
    expect(error).toMatchObject({ error: 'invalid_target' })
    const again = await request(config, {
      scope: 'openid email offline_access orders:read',
      more: { resource: api },
    })
    const first = await again.redeem((await follow(world, browser, again.url)).left as URL)
    expect(claimsIn(first.access_token)).toMatchObject({ aud: api, scope: 'orders:read' })
    const own = await client.refreshTokenGrant(config, first.refresh_token ?? '', { resource: world.base })
    expect(claimsIn(own.access_token).scope).toBe('openid email offline_access')
    expect((await world.call('GET', '/oauth/userinfo', { token: own.access_token })).status).toBe(200)
    const other = await client.refreshTokenGrant(config, own.refresh_token ?? '', { resource: api })
    expect(refusalOf(await world.call('GET', '/me', { token: other.access_token }))).toEqual([401, 'token_invalid'])
  })

  test('a URL that only looks like ours is refused', async () => {
    const config = await application()
    for (const resource of [`${world.base}.evil.example.org`, `${world.base}/users`, `${world.base}/me/`]) {
      const { url } = await request(config, { more: { resource } })
      expect((await follow(world, browser, url)).left?.searchParams.get('error')).toBe('invalid_target')
    }
  })
})

describe('a refresh token (OpenID Connect Core §11)', () => {
  const third = { first_party: false, name: 'Guest' }
  const allowed = async (config: client.Configuration, scope: string, more: Record<string, string> = {}) => {
    const { url, redeem } = await request(config, { scope, more })
    const { page, left } = await follow(world, browser, url)
    if (left) return redeem(left)
    const done = await browser.submit(page, page.url.pathname, { decision: 'allow' })
    return redeem(new URL(/url=([^"]*)"/.exec(done.text)?.[1]?.replaceAll('&amp;', '&') ?? ''))
  }
  const introspected = async (token: string | undefined) => {
    const key = await world.call('POST', '/service-credentials', {
      token: await admin(),
      body: { name: 'API', scopes: ['introspect'] },
    })
    const authorization = `Basic ${Buffer.from(`${String(key.body.id)}:${String(key.body.secret)}`).toString('base64')}`
    return (await world.call('POST', '/oauth/introspect', { form: { token: token ?? '' }, headers: { authorization } }))
      .body
  }

  test('is issued to a third-party application only with offline_access', async () => {
    const config = await application(third)
    const without = await allowed(config, 'openid email')
    expect([without.scope, without.refresh_token]).toEqual(['openid email', undefined])
    const given = await allowed(config, 'openid email offline_access')
    expect(given.scope).toBe('openid email offline_access')
    const again = await allowed(config, 'openid email offline_access')
    expect(again.refresh_token).toBeTypeOf('string')
    expect((await allowed(config, 'openid email')).refresh_token).toBeUndefined()
  })

  test('is a permission that the consent page names, and that prompt=consent asks for again', async () => {
    const config = await application(third)
    const { url } = await request(config, { scope: 'openid offline_access' })
    expect((await follow(world, browser, url)).page.text).toContain('keep you signed in')
    const asked = await allowed(config, 'openid offline_access', { prompt: 'consent' })
    expect([asked.scope, typeof asked.refresh_token]).toEqual(['openid offline_access', 'string'])
  })

  test('belongs to the scope that every response and the stored sign-in name', async () => {
    for (const about of [{}, third]) {
      const config = await application(about)
      const first = await allowed(config, 'openid email offline_access')
      const next = await client.refreshTokenGrant(config, first.refresh_token ?? '')
      const scope = 'openid email offline_access'
      expect([first.scope, next.scope]).toEqual([scope, scope])
      expect(claimsIn(first.access_token).scope).toBe(scope)
      for (const token of [next.access_token, next.refresh_token])
        expect(await introspected(token)).toMatchObject({ active: true, scope })
    }
  })

  test('is issued to a first-party application that is registered for offline_access, even if it does not ask', async () => {
    const tokens = await enter(world, browser, await application(), { scope: 'openid email' })
    expect([tokens.scope, typeof tokens.refresh_token]).toEqual(['openid email', 'string'])
  })

  test('is never issued to an application that is not registered for offline_access', async () => {
    for (const about of [{}, third]) {
      const config = await application({ ...about, scopes: ['openid', 'email'] })
      const tokens = await allowed(config, 'openid email offline_access')
      expect([tokens.scope, tokens.refresh_token]).toEqual(['openid email', undefined])
    }
  })

  test('comes with a pushed request just the same', async () => {
    const config = await application({ ...third, client_auth: 'client_secret_basic' })
    await allowed(config, 'openid offline_access')
    const verifier = client.randomPKCECodeVerifier()
    const url = await client.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: callback,
      scope: 'openid offline_access',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const { left } = await follow(world, browser, url)
    const tokens = await client.authorizationCodeGrant(config, left as URL, { pkceCodeVerifier: verifier })
    expect([tokens.scope, typeof tokens.refresh_token]).toEqual(['openid offline_access', 'string'])
  })
})

describe('hints about the person', () => {
  /** The sign-in page that a stranger sees for a request. */
  const asked = async (more: Record<string, string>, visitor = world.openBrowser()) => {
    const { url } = await request(await application(), { more })
    const { page } = await follow(world, visitor, url)
    expect(page.url.pathname).toBe('/login')
    return { page, visitor }
  }
  const filledIn = (text: string, name: string) =>
    new RegExp(`<input[^>]*name="${name}"[^>]*>`).exec(text)?.[0].match(/ value="([^"]*)"/)?.[1]
  const languageOf = (text: string) => /<html lang="([^"]*)"/.exec(text)?.[1]

  test('login_hint fills in the email address on every page before a sign-in, and is in no URL', async () => {
    const { page, visitor } = await asked({ login_hint: 'pat@example.com' })
    expect(filledIn(page.text, 'username')).toBe('pat@example.com')
    expect(page.url.href).not.toContain('pat')
    for (const path of ['/register', '/login'])
      expect(
        filledIn(
          (await visitor.ask(`${world.base}${path}${page.url.search}`)).text,
          path === '/login' ? 'username' : 'email',
        ),
      ).toBe('pat@example.com')
    // Another browser that is sent to the same address sees nothing of it.
    const other = await world.openBrowser().ask(page.url)
    expect(filledIn(other.text, 'username') ?? '').toBe('')
  })

  test.each([
    '"><script>alert(1)</script>',
    'javascript:alert(1)',
    `${'x'.repeat(400)}@example.com`,
    'pat@example.com\r\nSet-Cookie: a=b',
    'pat\u202e@example.com',
    ' ',
    '+5511999999999',
  ])('login_hint %j is no email address, and is ignored', async (hint) => {
    const { page } = await asked({ login_hint: hint })
    expect([page.status, filledIn(page.text, 'username') ?? '']).toEqual([200, ''])
    expect(page.text).not.toContain('alert(1)')
  })

  test.each([
    ['pt-BR en', 'pt-BR'],
    ['pt', 'pt-BR'],
    ['fr de-CH en-GB pt', 'en'],
    ['fr', 'en'],
    ['', 'en'],
    ['"><script>', 'en'],
    [`${'xx '.repeat(350)}pt`, 'en'],
    ['pt;q=0', 'en'],
  ])('ui_locales %j chooses the language %s', async (locales, expected) => {
    const { page } = await asked({ ui_locales: locales })
    expect([page.status, languageOf(page.text)]).toEqual([200, expected])
  })

  test('ui_locales holds for every page of the interaction, and not beyond it', async () => {
    const who = world.newcomer()
    const config = await application({ first_party: false, name: 'Guest' })
    const { url } = await request(config, { scope: 'openid', more: { ui_locales: 'pt-BR' } })
    const visitor = world.openBrowser()
    const { page } = await follow(world, visitor, url)
    for (const path of ['/register', '/forgot-password'])
      expect(languageOf((await visitor.ask(`${world.base}${path}${page.url.search}`)).text)).toBe('pt-BR')
    const back = await visitor.signIn('google', who, { return_to: page.url.searchParams.get('return_to') ?? '' })
    const consent = await follow(world, visitor, new URL(back.headers.get('location') ?? '', world.base))
    expect(languageOf(consent.page.text)).toBe('pt-BR')
    await follow(
      world,
      visitor,
      (await visitor.submit(consent.page, consent.page.url.pathname, { decision: 'allow' })).url,
    )
    await visitor.ask(`${world.base}${consent.page.url.pathname.replace('interaction', 'authorize')}`)
    expect(languageOf((await visitor.ask(`${world.base}/login`)).text)).toBe('en')
  })

  test('a language that the person chose wins over ui_locales', async () => {
    const visitor = world.openBrowser()
    const start = await visitor.ask(`${world.base}/login`)
    await visitor.submit(start, '/language', { language: 'en' })
    expect(languageOf((await asked({ ui_locales: 'pt-BR' }, visitor)).page.text)).toBe('en')
  })

  test('the next request without ui_locales is in the language of the browser again', async () => {
    const { visitor } = await asked({ ui_locales: 'pt-BR' })
    expect(languageOf((await asked({}, visitor)).page.text)).toBe('en')
  })
})

describe('parameters about the sign-in itself', () => {
  const signedIn = async () => {
    const own = world.openBrowser()
    await own.signIn('google', world.newcomer())
    return own
  }
  const answerTo = async (own: Browser, config: client.Configuration, more: Record<string, string>) => {
    const { url } = await request(config, { more })
    const { left, page } = await follow(world, own, url)
    return left?.searchParams.get('error') ?? (left ? 'code' : page.url.pathname.replace(/[\w-]{20,}$/, ''))
  }

  test('max_age is measured by the clock that all nodes share', async () => {
    const [own, config] = [await signedIn(), await application()]
    world.turn(600)
    expect(await answerTo(own, config, { max_age: '601' })).toBe('code')
    expect(await answerTo(own, config, { max_age: '599' })).toBe('/login')
    expect(await answerTo(own, config, { max_age: '599', prompt: 'none' })).toBe('login_required')
    expect(await answerTo(own, config, { max_age: '0' })).toBe('/login')
  })

  test.each<[Record<string, string>, string]>([
    [{ max_age: '-1' }, 'invalid_request'],
    [{ max_age: 'soon' }, 'invalid_request'],
    [{ max_age: '1.5' }, 'invalid_request'],
    [{ max_age: '99999999999999999999' }, 'invalid_request'],
    [{ prompt: 'create' }, 'invalid_request'],
    [{ prompt: 'none login' }, 'invalid_request'],
    [{ prompt: 'login consent' }, '/login'],
    [{ prompt: 'select_account' }, '/login'],
    [{ prompt: 'none', acr_values: 'urn:vinculum:acr:two-factor' }, 'login_required'],
    [{ acr_values: 'urn:vinculum:acr:two-factor' }, '/login'],
    [{ acr_values: 'urn:example:other "><script>' }, 'code'],
    [{ id_token_hint: 'x' }, 'invalid_request'],
    [{ id_token_hint: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfMSJ9.' }, 'invalid_request'],
  ])('%j is answered with %s', async (more, expected) => {
    expect(await answerTo(await signedIn(), await application(), more)).toBe(expected)
  })

  test('an expired id_token is still a hint; the one of another person asks for a sign-in', async () => {
    const [own, other, config] = [await signedIn(), await signedIn(), await application()]
    const { id_token: hint = '' } = await enter(world, own, config)
    world.turn(3 * 3600)
    expect(await answerTo(own, config, { id_token_hint: hint })).toBe('code')
    expect(await answerTo(other, config, { id_token_hint: hint })).toBe('/login')
    expect(await answerTo(other, config, { id_token_hint: hint, prompt: 'none' })).toBe('login_required')
    const [head, body] = hint.split('.')
    expect(await answerTo(own, config, { id_token_hint: `${head}.${body}.${'A'.repeat(86)}` })).toBe('invalid_request')
  })

  test('prompt=consent shows the consent page again, also for a first-party application', async () => {
    const own = await signedIn()
    expect(await answerTo(own, await application({ first_party: false }), { prompt: 'consent' })).toBe(
      '/oauth/interaction/',
    )
    expect(await answerTo(own, await application(), { prompt: 'consent' })).toBe('/oauth/interaction/')
    expect(await answerTo(own, await application({ first_party: false }), { prompt: 'none' })).toBe('consent_required')
  })
})

describe('a pushed request', () => {
  test('is only for the application that pushed it', async () => {
    const [mine, other] = [await application({ name: 'A' }), await application({ name: 'B' })]
    const verifier = client.randomPKCECodeVerifier()
    const url = await client.buildAuthorizationUrlWithPAR(mine, {
      redirect_uri: callback,
      scope: 'openid',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const stolen = new URL(url)
    stolen.searchParams.set('client_id', other.clientMetadata().client_id)
    const { left } = await follow(world, browser, stolen)
    expect([left?.searchParams.get('error'), left?.searchParams.has('code')]).toEqual(['invalid_request_object', false])
    // It still works for its own application.
    const own = await follow(world, browser, url)
    expect(own.left?.searchParams.get('code')).toBeTypeOf('string')
  })
})

describe('a refused authorization request in the log', () => {
  const lines = () =>
    world.logged
      .map((line) => JSON.parse(line) as Json)
      .filter(({ event }) => event === 'application.request_refused')
      .map(({ level, application: id, error }) => [level, id, error])
  test('names the application if it is registered, the error, and nothing that the request chose', async () => {
    const { id } = await register(world, admin, { kind: 'browser' })
    const before = lines().length
    const ask = (query: Record<string, string>) =>
      follow(
        world,
        browser,
        `${world.base}/oauth/authorize?${new URLSearchParams({ response_type: 'code', scope: 'openid', client_id: id, redirect_uri: callback, ...query }).toString()}`,
      )
    const secret = 'hunter2-in-a-url'
    await ask({ redirect_uri: `https://evil.example.org/?${secret}`, state: secret })
    await ask({ client_id: secret })
    await ask({ response_mode: secret })
    await ask({ response_type: 'token', state: secret })
    await ask({ resource: `https://${secret}.example.org` })
    // What a person does, or has not done yet, is no fault of the request.
    await follow(world, world.openBrowser(), (await request(await application(), { more: { prompt: 'none' } })).url)
    expect(lines().slice(before)).toEqual([
      ['warn', id, 'invalid_redirect_uri'],
      ['warn', null, 'invalid_client'],
      ['warn', id, 'unsupported_response_mode'],
      ['warn', id, 'unsupported_response_type'],
      ['warn', id, 'invalid_request'],
    ])
    expect(world.logged.join('')).not.toContain(secret)
  })
})
