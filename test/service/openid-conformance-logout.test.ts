/**
 * What the modules of the OpenID conformance suite do, for RP-initiated and back-channel logout. Each test has the name
 * of its module: see the table in `docs/applications.md`.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import type { Configuration } from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, discovered, enter, follow, register, request } from '../support/applications.ts'
import { aboveStore, type Browser, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('SQLite'))('the conformance modules of logout, with %s', (database) => {
  let world: World
  let server: Server
  let received: string[]
  let shop: { id: string; secret: string | null }
  let config: Configuration
  const home = 'https://shop.example.org/bye'
  beforeAll(async () => {
    world = await startWorld({ database, env: { APPLICATIONS_ALLOW_PRIVATE_ADDRESSES: 'on' } })
    received = []
    server = createServer((incoming, response) => {
      let text = ''
      incoming.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      incoming.on('end', () => {
        received.push(text)
        response.writeHead(200).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    shop = await register(world, await administratorOf(world), {
      post_logout_redirect_uris: [home],
      backchannel_logout_uri: `http://127.0.0.1:${port}/logout`,
    })
    config = await discovered(world, shop)
  })
  afterAll(async () => {
    server.close()
    await world.stop()
  })

  async function signedIn() {
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    const tokens = await enter(world, browser, config)
    return { browser, claims: tokens.claims(), hint: tokens.id_token ?? '' }
  }
  const signOut = (browser: Browser, parameters: Record<string, string>) =>
    follow(world, browser, `${world.base}/oauth/logout?${new URLSearchParams(parameters).toString()}`)
  /** Whether an authorization request without a page still gets a code. */
  async function isSignedIn(browser: Browser): Promise<boolean> {
    const { left } = await follow(world, browser, (await request(config, { more: { prompt: 'none' } })).url)
    const error = left?.searchParams.get('error') ?? null
    expect([null, 'login_required']).toContain(error)
    return error === null
  }
  /** Another key than ours: the module signs an id_token itself. */
  async function forged(claims: object): Promise<string> {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const { x } = await exportJWK(publicKey)
    return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid: String(x) }).sign(privateKey)
  }
  const withoutSignature = (token: string) =>
    `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`

  test.each([
    'oidcc-rp-initiated-logout-discovery-endpoint-verification',
    'oidcc-backchannel-logout-discovery-endpoint-verification',
  ])('%s', async () => {
    expect((await world.call('GET', '/.well-known/openid-configuration')).body).toMatchObject({
      end_session_endpoint: `${world.base}/oauth/logout`,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    })
  })

  test.each<[string, Record<string, string>]>([
    ['oidcc-rp-initiated-logout', { state: 'kept' }],
    ['oidcc-rp-initiated-logout-no-state', {}],
  ])('%s', async (_, more) => {
    const { browser, hint } = await signedIn()
    const { left } = await signOut(browser, { id_token_hint: hint, post_logout_redirect_uri: home, ...more })
    expect([left?.href, await isSignedIn(browser)]).toEqual([
      more.state === undefined ? home : `${home}?state=kept`,
      false,
    ])
  })

  test('oidcc-rp-initiated-logout-no-post-logout-redirect-uri', async () => {
    const { browser, hint } = await signedIn()
    const { left, page } = await signOut(browser, { id_token_hint: hint, state: 'kept' })
    expect([left, page.url.pathname, await isSignedIn(browser)]).toEqual([undefined, '/login', false])
    expect(page.text).toContain('signed out')
  })

  // The browser must not return to this URL. The person is signed out at once: the id_token is their own.
  test.each([
    ['oidcc-rp-initiated-logout-bad-post-logout-redirect-uri', 'https://evil.example.org/'],
    ['oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri', `${home}?foo=bar`],
  ])('%s', async (_, uri) => {
    const { browser, hint } = await signedIn()
    const { left, page } = await signOut(browser, { id_token_hint: hint, post_logout_redirect_uri: uri, state: 'kept' })
    expect([left, page.url.pathname, await isSignedIn(browser)]).toEqual([undefined, '/login', false])
  })

  // Anyone could send people to such a URL: they are asked first, and do not return.
  test.each<[string, (hint: string, claims: object) => Promise<Record<string, string>> | Record<string, string>]>([
    [
      'oidcc-rp-initiated-logout-modified-id-token-hint',
      (hint) => ({ id_token_hint: withoutSignature(hint), post_logout_redirect_uri: home, state: 'kept' }),
    ],
    [
      'oidcc-rp-initiated-logout-bad-id-token-hint',
      async (_, claims) => ({ id_token_hint: await forged(claims), post_logout_redirect_uri: home, state: 'kept' }),
    ],
    ['oidcc-rp-initiated-logout-no-id-token-hint', () => ({ post_logout_redirect_uri: home, state: 'kept' })],
    ['oidcc-rp-initiated-logout-no-params', () => ({})],
    ['oidcc-rp-initiated-logout-only-state', () => ({ state: 'kept' })],
  ])('%s', async (_, parametersOf) => {
    const { browser, hint, claims = {} } = await signedIn()
    const { left, page } = await signOut(browser, await parametersOf(hint, claims))
    expect([left, page.status, await isSignedIn(browser)]).toEqual([undefined, 200, true])
    const done = await browser.submit(page, '/oauth/logout/confirm')
    expect([done.url.origin, await isSignedIn(browser)]).toEqual([world.base, false])
  })

  test('a form of an application signs out as well (RP-Initiated Logout 1.0 §2)', async () => {
    const { browser, hint } = await signedIn()
    const posted = await world.send(`${world.base}/oauth/logout`, {
      method: 'POST',
      headers: { origin: 'https://shop.example.org', 'sec-fetch-site': 'cross-site' },
      body: new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: home }),
      redirect: 'manual',
    })
    expect([posted.status, await isSignedIn(browser)]).toEqual([303, true])
    const { left } = await follow(world, browser, new URL(posted.headers.get('location') ?? '', world.base))
    expect([left?.href, await isSignedIn(browser)]).toEqual([home, false])
  })

  test('oidcc-backchannel-rp-initiated-logout', async () => {
    await world.vinculum.runJob('send-logout-notices')
    received.length = 0
    const { browser, claims, hint } = await signedIn()
    const { left } = await signOut(browser, { id_token_hint: hint, post_logout_redirect_uri: home, state: 'kept' })
    expect(left?.href).toBe(`${home}?state=kept`)
    await world.vinculum.runJob('send-logout-notices')
    expect(received).toHaveLength(1)
    const form = [...new URLSearchParams(received[0])]
    expect(form.map(([name]) => name)).toEqual(['logout_token'])
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', world.base))
    const { payload } = await jwtVerify(form[0]?.[1] ?? '', keys, {
      issuer: world.base,
      audience: shop.id,
      currentDate: world.clock(),
      requiredClaims: ['iat', 'jti'],
    })
    expect(payload).toMatchObject({
      sub: claims?.sub,
      sid: claims?.sid,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    })
    expect(payload).not.toHaveProperty('nonce')
    expect(await isSignedIn(browser)).toBe(false)
  })
})
