/**
 * What the modules of the OpenID conformance suite do, for Basic OP and Config OP. Each test has the name of its module:
 * see the table in `docs/applications.md`.
 */
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
import { aboveStore, type Browser, type Json, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('SQLite'))('the conformance modules of Basic OP and Config OP, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  let browser: Browser
  let who: string
  let shop: { id: string; secret: string | null }
  let config: client.Configuration
  beforeAll(async () => {
    world = await startWorld({ database })
    admin = await administratorOf(world)
    ;[browser, who] = [world.openBrowser(), world.newcomer()]
    await browser.signIn('google', who)
    shop = await register(world, admin)
    config = await discovered(world, shop)
  })
  afterAll(() => world.stop())

  const isOver = { error: 'invalid_grant' }
  /** The parameters that return to the application; `undefined` if the browser stayed on a page. */
  async function answerTo(from: URL, of = browser): Promise<URLSearchParams | undefined> {
    const { left } = await follow(world, of, from)
    if (!left) return undefined
    expect(left.origin + left.pathname).toBe(callback)
    return left.searchParams
  }
  const codeOf = async () => {
    const { url, redeem } = await request(config)
    const { left } = await follow(world, browser, url)
    return { redeem: () => redeem(left as URL), tokens: await redeem(left as URL) }
  }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = (claims: Json) =>
    `${encode({ alg: 'none' })}.${encode({ iss: shop.id, aud: world.base, client_id: shop.id, ...claims })}.`

  test('oidcc-server', async () => {
    const { url, redeem, state } = await request(config)
    const { left } = await follow(world, browser, url)
    expect([left?.searchParams.get('state'), left?.searchParams.get('iss')]).toEqual([state, world.base])
    const tokens = await redeem(left as URL)
    expect([tokens.token_type, typeof tokens.expires_in]).toEqual(['bearer', 'number'])
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', world.base))
    const { payload } = await jwtVerify(tokens.id_token ?? '', keys, { issuer: world.base, audience: shop.id })
    expect(payload).toMatchObject({ nonce: url.searchParams.get('nonce'), sub: expect.stringMatching(/^usr_/) })
    expect(await client.fetchUserInfo(config, tokens.access_token, payload.sub ?? '')).toMatchObject({
      sub: payload.sub,
    })
  })

  test('oidcc-response-type-missing', async () => {
    const { url } = await request(config)
    url.searchParams.delete('response_type')
    expect((await answerTo(url))?.get('error')).toBe('invalid_request')
  })

  test('oidcc-idtoken-signature', async () => {
    const { keys } = (await world.call('GET', '/.well-known/jwks.json')).body as { keys: readonly Json[] }
    const { id_token: usual = '' } = await enter(world, browser, config)
    expect(decodeProtectedHeader(usual)).toMatchObject({ alg: 'ES256', kid: expect.any(String) })
    expect(keys).toContainEqual(expect.objectContaining({ kid: decodeProtectedHeader(usual).kid }))
    // The module asks for RS256, which Core §15.1 demands.
    const other = await register(world, admin, { id_token_signed_response_alg: 'RS256' })
    const { id_token: token = '' } = await enter(world, browser, await discovered(world, other))
    const published = createRemoteJWKSet(new URL('/.well-known/jwks.json', world.base))
    const { protectedHeader } = await jwtVerify(token, published, { issuer: world.base, audience: other.id })
    expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: expect.any(String) })
  })

  test('oidcc-idtoken-unsigned', async () => {
    const { body } = await world.call('GET', '/.well-known/openid-configuration')
    // With this, the module is skipped, which certification accepts.
    expect(body.id_token_signing_alg_values_supported).toEqual(['ES256', 'RS256'])
  })

  test.each(['oidcc-userinfo-get', 'oidcc-userinfo-post-header', 'oidcc-userinfo-post-body'])('%s', async (name) => {
    const tokens = await enter(world, browser, config)
    const { access_token: token } = tokens
    if (name === 'oidcc-userinfo-post-body') {
      // RFC 6750 §2.2 leaves the form open. A token in a form or in a URL is easily logged.
      const refused = await world.call('POST', '/oauth/userinfo', { form: { access_token: token } })
      return expect(refused.status).toBe(401)
    }
    const { status, body } = await world.call(name === 'oidcc-userinfo-get' ? 'GET' : 'POST', '/oauth/userinfo', {
      token,
    })
    expect([status, body.sub, body.email]).toEqual([200, tokens.claims()?.sub, world.emailOf(who)])
  })

  test('oidcc-ensure-request-without-nonce-succeeds-for-code-flow', async () => {
    const verifier = client.randomPKCECodeVerifier()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: 'openid',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const { left } = await follow(world, browser, url)
    const tokens = await client.authorizationCodeGrant(config, left as URL, { pkceCodeVerifier: verifier })
    expect(tokens.claims()).not.toHaveProperty('nonce')
    expect(left?.searchParams.has('state')).toBe(false)
  })

  test.each<[string, string, readonly string[], readonly string[]]>([
    ['oidcc-scope-profile', 'openid profile', ['name', 'updated_at'], ['email']],
    ['oidcc-scope-email', 'openid email', ['email', 'email_verified'], ['name']],
    ['oidcc-scope-address', 'openid address', [], ['address', 'name', 'email']],
    ['oidcc-scope-phone', 'openid phone', [], ['phone_number', 'name', 'email']],
    ['oidcc-scope-all', 'openid profile email address phone', ['name', 'email'], ['address', 'phone_number']],
    ['oidcc-ensure-other-scope-order-succeeds', 'email openid', ['email'], ['name']],
  ])('%s', async (_, scope, present, absent) => {
    const tokens = await enter(world, browser, config, { scope })
    const { sub = '' } = tokens.claims() ?? {}
    const claims: Json = await client.fetchUserInfo(config, tokens.access_token, sub)
    for (const name of present) expect(claims).toHaveProperty(name)
    for (const name of absent) expect(claims).not.toHaveProperty(name)
  })

  test.each<[string, Record<string, string>]>([
    ['oidcc-display-page', { display: 'page' }],
    ['oidcc-display-popup', { display: 'popup' }],
    ['oidcc-login-hint', { login_hint: 'pat@example.com' }],
    ['oidcc-ui-locales', { ui_locales: 'se' }],
    ['oidcc-claims-locales', { claims_locales: 'se' }],
    ['oidcc-ensure-request-with-unknown-parameter-succeeds', { extra: 'foobar' }],
    ['oidcc-ensure-request-with-acr-values-succeeds', { acr_values: '1 2' }],
    ['oidcc-claims-essential', { claims: '{"userinfo":{"name":{"essential":true}}}' }],
  ])('%s', async (_, more) => {
    const tokens = await enter(world, browser, config, { more })
    expect(tokens.claims()).toMatchObject({ sub: expect.stringMatching(/^usr_/), name: expect.any(String) })
  })

  test.each<[string, Record<string, string>]>([
    ['oidcc-prompt-login', { prompt: 'login' }],
    ['oidcc-max-age-1', { max_age: '1' }],
  ])('%s', async (_, more) => {
    const first = (await enter(world, browser, config, { more: { max_age: '15000' } })).claims()
    world.turn(2)
    const { url, redeem } = await request(config, { more })
    const asked = await follow(world, browser, url)
    expect([asked.left, asked.page.url.pathname]).toEqual([undefined, '/login'])
    const { left } = await signInAgain(world, browser, who, asked.page.url)
    const second = (await redeem(left as URL)).claims()
    expect([second?.sub, Number(second?.auth_time) > Number(first?.auth_time)]).toEqual([first?.sub, true])
  })

  test('oidcc-max-age-10000', async () => {
    const first = (await enter(world, browser, config)).claims()
    world.turn(1)
    const second = (await enter(world, browser, config, { more: { max_age: '10000' } })).claims()
    expect([second?.sub, second?.auth_time]).toEqual([first?.sub, first?.auth_time])
    expect(first?.auth_time).toEqual(expect.any(Number))
  })

  test('oidcc-prompt-none-not-logged-in', async () => {
    const { url, state } = await request(config, { more: { prompt: 'none' } })
    const answer = await answerTo(url, world.openBrowser())
    expect([answer?.get('error'), answer?.get('state')]).toEqual(['login_required', state])
  })

  test('oidcc-prompt-none-logged-in', async () => {
    const first = (await enter(world, browser, config)).claims()
    const second = (await enter(world, browser, config, { more: { prompt: 'none' } })).claims()
    expect([second?.sub, second?.auth_time]).toEqual([first?.sub, first?.auth_time])
  })

  test('oidcc-id-token-hint', async () => {
    const { id_token: hint = '', claims } = await enter(world, browser, config)
    const more = { prompt: 'none', id_token_hint: hint }
    expect((await enter(world, browser, config, { more })).claims()?.sub).toBe(claims()?.sub)
  })

  test('oidcc-codereuse', async () => {
    const { redeem } = await codeOf()
    await expect(redeem()).rejects.toMatchObject(isOver)
  })

  test('oidcc-codereuse-30seconds', async () => {
    const { redeem, tokens } = await codeOf()
    world.turn(30)
    await expect(redeem()).rejects.toMatchObject(isOver)
    // Our access tokens are signed, and are refused here although they have not expired.
    expect((await world.call('GET', '/oauth/userinfo', { token: tokens.access_token })).status).toBe(401)
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject(isOver)
  })

  test('oidcc-ensure-registered-redirect-uri', async () => {
    const { url } = await request(config, { redirectUri: `${callback}/not-registered` })
    const { left, page } = await follow(world, browser, url)
    expect([left, page.status]).toEqual([undefined, 400])
    expect(page.text).toContain('authorization_request_invalid')
  })

  test('oidcc-ensure-post-request-succeeds', async () => {
    const { url, redeem } = await request(config)
    const posted = await world.send(new URL(url.pathname, url), {
      method: 'POST',
      headers: { origin: 'https://shop.example.org', 'sec-fetch-site': 'cross-site' },
      body: url.searchParams,
      redirect: 'manual',
    })
    expect(posted.status).toBe(303)
    const { left } = await follow(world, browser, new URL(posted.headers.get('location') ?? '', url))
    expect((await redeem(left as URL)).claims()?.sub).toMatch(/^usr_/)
  })

  test('oidcc-server-client-secret-post', async () => {
    const { id, secret } = await register(world, admin, { client_auth: 'client_secret_post' })
    const posting = await client.discovery(new URL(world.base), id, undefined, client.ClientSecretPost(secret ?? ''), {
      execute: [client.allowInsecureRequests],
    })
    posting[client.customFetch] = (url, options) => world.send(url, options as RequestInit)
    expect((await enter(world, browser, posting)).claims()?.aud).toBe(id)
    await expect(enter(world, browser, await discovered(world, { id, secret }))).rejects.toMatchObject({ status: 401 })
  })

  test('oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported', async () => {
    const { url } = await request(config, { more: { request_uri: 'https://shop.example.org/request' } })
    expect((await answerTo(url))?.get('error')).toBe('request_uri_not_supported')
  })

  test('oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported', async () => {
    const { url } = await request(config)
    url.searchParams.set('request', unsigned(Object.fromEntries(url.searchParams)))
    expect((await answerTo(url))?.get('error')).toBe('invalid_request_object')
  })

  test('oidcc-ensure-request-object-with-redirect-uri', async () => {
    const { url } = await request(config)
    url.searchParams.set('request', unsigned({ redirect_uri: 'https://evil.example.org/callback' }))
    const { left } = await follow(world, browser, url)
    expect([left?.origin === 'https://evil.example.org', left?.searchParams.has('code')]).toEqual([false, false])
  })

  test('oidcc-refresh-token', async () => {
    const first = await enter(world, browser, config)
    const other = await discovered(world, await register(world, admin))
    const theirs = await enter(world, browser, other)
    const second = await client.refreshTokenGrant(config, first.refresh_token ?? '')
    expect(second.refresh_token).toMatch(/^[\x20-\x7e]+$/)
    // Core §12.2: the response need not contain an id_token. The first one stays the one of this sign-in.
    expect(second).not.toHaveProperty('id_token')
    expect(await client.fetchUserInfo(config, second.access_token, first.claims()?.sub ?? '')).toHaveProperty('email')
    await expect(client.refreshTokenGrant(config, theirs.refresh_token ?? '')).rejects.toMatchObject(isOver)
  })

  test('oidcc-ensure-request-with-valid-pkce-succeeds', async () => {
    const { url, redeem } = await request(config)
    expect(url.searchParams.get('code_challenge_method')).toBe('S256')
    const { left } = await follow(world, browser, url)
    expect((await redeem(left as URL)).claims()?.aud).toBe(shop.id)
  })

  test('oidcc-discovery-endpoint-verification', async () => {
    const { body: metadata, status } = await world.call('GET', '/.well-known/openid-configuration')
    expect(status).toBe(200)
    expect(metadata).toMatchObject({
      issuer: world.base,
      response_types_supported: ['code'],
      subject_types_supported: ['public', 'pairwise'],
      grant_types_supported: expect.arrayContaining(['authorization_code', 'refresh_token']),
      claims_supported: expect.arrayContaining(['sub', 'name', 'email']),
      claims_parameter_supported: false,
      request_parameter_supported: true,
      request_uri_parameter_supported: false,
      code_challenge_methods_supported: ['S256'],
    })
    const endpoints = Object.entries(metadata).filter(([name]) => /_(endpoint|uri)$/.test(name))
    expect(endpoints.length).toBeGreaterThan(8)
    for (const [name, url] of endpoints) {
      const answers = await Promise.all(
        ['GET', 'POST'].map((method) => world.send(String(url), { method, redirect: 'manual' })),
      )
      expect([name, answers.some((answer) => answer.status !== 404)]).toEqual([name, true])
    }
    for (const scope of metadata.scopes_supported as string[])
      expect(['openid', 'profile', 'email', 'offline_access', 'teams', 'metadata']).toContain(scope)
    const { keys } = (await world.call('GET', '/.well-known/jwks.json')).body as unknown as { keys: Json[] }
    for (const { kty, ...key } of keys)
      expect([kty, key.alg, 'd' in key, 'k' in key, 'p' in key]).toEqual(
        kty === 'RSA' ? ['RSA', 'RS256', false, false, false] : ['EC', 'ES256', false, false, false],
      )
  })
})
