/** The modules of the OpenID conformance suite that no other test covers: see the table in `docs/applications.md`. */
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, callback, discovered, enter, follow, register, request } from '../support/applications.ts'
import { type Browser, databases, type Json, startWorld, type World } from '../support/service.ts'

describe.each(databases)('the conformance modules, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  let browser: Browser
  let shop: { id: string; secret: string | null }
  let config: client.Configuration
  const home = 'https://shop.example.org/bye'
  beforeAll(async () => {
    world = await startWorld({ database })
    admin = await administratorOf(world)
    browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    shop = await register(world, admin, { post_logout_redirect_uris: [home] })
    config = await discovered(world, shop)
  })
  afterAll(() => world.stop())

  test.each<[string, string, readonly string[], readonly string[]]>([
    ['openid', 'oidcc-server', ['sub'], ['name', 'email', 'teams']],
    ['openid profile', 'oidcc-scope-profile', ['sub', 'name', 'updated_at'], ['email', 'teams']],
    ['openid email', 'oidcc-scope-email', ['sub', 'email', 'email_verified'], ['name', 'teams']],
    ['email openid', 'oidcc-ensure-other-scope-order-succeeds', ['sub', 'email'], ['name']],
    ['openid profile email teams', 'oidcc-scope-all', ['sub', 'name', 'email', 'teams'], []],
  ])('the scope %s has its claims and no others (%s)', async (scope, _module, present, absent) => {
    const about = await discovered(
      world,
      await register(world, admin, { scopes: ['openid', 'profile', 'email', 'teams'] }),
    )
    const tokens = await enter(world, browser, about, { scope })
    const { sub = '' } = tokens.claims() ?? {}
    const claims: Json = await client.fetchUserInfo(about, tokens.access_token, sub)
    for (const name of present) expect(claims).toHaveProperty(name)
    for (const name of absent) expect(claims).not.toHaveProperty(name)
  })

  test.each<[string, Record<string, string>]>([
    ['oidcc-display-page', { display: 'page' }],
    ['oidcc-display-popup', { display: 'popup' }],
    ['oidcc-login-hint', { login_hint: 'pat@example.com' }],
    ['oidcc-ui-locales', { ui_locales: 'pt-BR en' }],
    ['oidcc-claims-locales', { claims_locales: 'pt-BR' }],
    ['oidcc-ensure-request-with-unknown-parameter-succeeds', { extra: 'foobar' }],
    ['oidcc-ensure-request-with-acr-values-succeeds', { acr_values: 'urn:example:acr' }],
    ['oidcc-max-age-10000', { max_age: '10000' }],
    ['oidcc-scope-phone', { scope: 'openid phone' }],
    ['oidcc-claims-essential', { claims: '{"userinfo":{"name":{"essential":true}}}' }],
  ])('a parameter that is optional does not stop a sign-in (%s)', async (_module, more) => {
    const tokens = await enter(world, browser, config, { more })
    expect(tokens.claims()?.sub).toMatch(/^usr_/)
  })

  test('a request without nonce, and one without state, succeed (oidcc-ensure-request-without-nonce-…)', async () => {
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

  test.each<[string, (url: URL) => void, string]>([
    ['oidcc-response-type-missing', (url) => url.searchParams.delete('response_type'), 'invalid_request'],
    ['oidcc-response-type-token', (url) => url.searchParams.set('response_type', 'token'), 'unsupported_response_type'],
    ['oidcc-prompt-none-with-login', (url) => url.searchParams.set('prompt', 'none login'), 'invalid_request'],
    ['oidcc-request-uri', (url) => url.searchParams.set('request_uri', 'https://shop.example.org/r'), ''],
  ])(
    'a faulty request is reported to the application, with state and iss, or refused (%s)',
    async (_module, change, error) => {
      const { url, state } = await request(config)
      change(url)
      const { left, page } = await follow(world, browser, url)
      if (left === undefined)
        return expect([page.status, error === '' || error === 'invalid_request']).toEqual([400, true])
      expect(left.origin + left.pathname).toBe(callback)
      // An error of another response type is in the fragment, as its response would be.
      const parameters = new URLSearchParams(left.search || left.hash.slice(1))
      expect(parameters.has('code')).toBe(false)
      if (error !== '') expect(parameters.get('error')).toBe(error)
      expect([parameters.get('state'), parameters.get('iss')]).toEqual([state, world.base])
    },
  )

  test('UserInfo takes the token in the header, by GET and POST, and nowhere else (oidcc-userinfo-…)', async () => {
    const { access_token: token } = await enter(world, browser, config)
    const get = await world.call('GET', '/oauth/userinfo', { token })
    const post = await world.call('POST', '/oauth/userinfo', { token })
    expect([get.status, post.status]).toEqual([200, 200])
    expect(post.body).toEqual(get.body)
    const inBody = await world.call('POST', '/oauth/userinfo', { form: { access_token: token } })
    const inQuery = await world.call('GET', `/oauth/userinfo?access_token=${token}`)
    for (const refused of [inBody, inQuery]) expect(refused.status).toBeGreaterThanOrEqual(400)
  })

  test('a client may authenticate with client_secret_post if it is registered so', async () => {
    const { id, secret } = await register(world, admin, { client_auth: 'client_secret_post' })
    const posting = await client.discovery(new URL(world.base), id, undefined, client.ClientSecretPost(secret ?? ''), {
      execute: [client.allowInsecureRequests],
    })
    posting[client.customFetch] = (url, options) => world.send(url, options as RequestInit)
    expect((await enter(world, browser, posting)).claims()?.aud).toBe(id)
    await expect(enter(world, browser, await discovered(world, { id, secret }))).rejects.toMatchObject({ status: 401 })
  })

  test('the metadata is complete, and what it names exists (oidcc-discovery-endpoint-verification)', async () => {
    const metadata = (await world.call('GET', '/.well-known/openid-configuration')).body
    expect(metadata.issuer).toBe(world.base)
    const endpoints = Object.entries(metadata).filter(([name]) => /_(endpoint|uri)$/.test(name))
    expect(endpoints.length).toBeGreaterThan(8)
    for (const [name, url] of endpoints) {
      const { pathname } = new URL(String(url))
      const answers = await Promise.all(
        ['GET', 'POST'].map((method) => world.send(String(url), { method, redirect: 'manual' })),
      )
      expect([name, pathname, answers.some(({ status }) => status !== 404)]).toEqual([name, pathname, true])
    }
    expect(metadata).toMatchObject({
      response_types_supported: ['code'],
      subject_types_supported: ['public', 'pairwise'],
    })
    for (const scope of metadata.scopes_supported as string[])
      expect(['openid', 'profile', 'email', 'offline_access', 'teams']).toContain(scope)
  })

  describe('RP-initiated logout', () => {
    const signedIn = async () => {
      const own = world.openBrowser()
      await own.signIn('google', world.newcomer())
      const { id_token: hint = '' } = await enter(world, own, config)
      return { own, hint }
    }
    const isSignedIn = async (own: Browser) => (await own.ask(`${world.base}/account`)).status === 200
    const rows: readonly (readonly [
      string,
      (hint: string) => Record<string, string>,
      { left: string | undefined; ends: boolean },
    ])[] = [
      ['no-state', (hint) => ({ id_token_hint: hint, post_logout_redirect_uri: home }), { left: home, ends: true }],
      [
        'bad-post-logout-redirect-uri',
        (hint) => ({ id_token_hint: hint, post_logout_redirect_uri: 'https://evil.example.org/' }),
        { left: undefined, ends: true },
      ],
      [
        'query-added-to-post-logout-redirect-uri',
        (hint) => ({ id_token_hint: hint, post_logout_redirect_uri: `${home}?next=//evil` }),
        { left: undefined, ends: true },
      ],
      [
        'modified-id-token-hint',
        (hint) => ({ id_token_hint: `${hint.slice(0, -4)}AAAA`, post_logout_redirect_uri: home }),
        { left: undefined, ends: false },
      ],
      [
        'bad-id-token-hint',
        () => ({ id_token_hint: 'x', post_logout_redirect_uri: home }),
        { left: undefined, ends: false },
      ],
      ['no-params', () => ({}), { left: undefined, ends: false }],
      ['only-state', () => ({ state: 'kept' }), { left: undefined, ends: false }],
    ]
    test.each(rows)('oidcc-rp-initiated-logout-%s', async (_module, parameters, { left: to, ends }) => {
      const { own, hint } = await signedIn()
      const { left } = await follow(
        world,
        own,
        `${world.base}/oauth/logout?${new URLSearchParams(parameters(hint)).toString()}`,
      )
      expect(left?.href).toBe(to)
      expect(await isSignedIn(own)).toBe(!ends)
    })
  })
})
