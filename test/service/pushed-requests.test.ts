/** Pushed authorization requests (RFC 9126), also signed (RFC 9101), as oauth4webapi sends them. */
import { type CryptoKey, exportJWK, generateKeyPair } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, callback, follow, register, skewOf } from '../support/applications.ts'
import { aboveStore, type Browser, startWorld, type World } from '../support/service.ts'

const bye = 'https://shop.example.org/bye'

describe.each(aboveStore('PostgreSQL'))('pushed authorization requests, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  let pair: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey }
  let server: oauth.AuthorizationServer
  beforeAll(async () => {
    world = await startWorld({ database, kinds: ['google'] })
    admin = await administratorOf(world)
    pair = await generateKeyPair('ES256', { extractable: true })
    const issuer = new URL(world.base)
    server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
  })
  afterAll(() => world.stop())

  /** Every response is also checked against the API description. */
  const options = {
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url: string, init: object) => world.send(url, init as RequestInit),
  } as const
  const key = () => ({ key: pair.privateKey as oauth.CryptoKey, kid: 'one' })

  /** An application that signs its assertions, and its requests. */
  async function application() {
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'one', use: 'sig', alg: 'ES256' }
    const { id } = await register(world, admin, {
      client_auth: 'private_key_jwt',
      jwks: { keys: [jwk] },
      post_logout_redirect_uris: [bye],
    })
    const client: oauth.Client = { client_id: id, [oauth.clockSkew]: skewOf(world) }
    return { client, auth: oauth.PrivateKeyJwt(key()) }
  }
  type Application = Awaited<ReturnType<typeof application>>

  async function push({ client, auth }: Application, { isSigned = false, scope = 'openid email offline_access' } = {}) {
    const [verifier, state, nonce] = [
      oauth.generateRandomCodeVerifier(),
      oauth.generateRandomState(),
      oauth.generateRandomNonce(),
    ]
    const asked = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: callback,
      response_type: 'code',
      scope,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })
    const parameters = isSigned
      ? new URLSearchParams({
          client_id: client.client_id,
          // In real time, as oidc-provider checks it: without the difference of the clocks.
          request: await oauth.issueRequestObject(server, { client_id: client.client_id }, asked, key()),
        })
      : asked
    const response = await oauth.pushedAuthorizationRequest(server, client, auth, parameters, options)
    const { request_uri: requestUri, expires_in: expiresIn } = await oauth.processPushedAuthorizationResponse(
      server,
      client,
      response,
    )
    return { requestUri, expiresIn, verifier, state, nonce }
  }
  const addressOf = ({ client }: Application, requestUri: string, more: Record<string, string> = {}): URL => {
    const url = new URL(server.authorization_endpoint ?? '')
    url.search = new URLSearchParams({ client_id: client.client_id, request_uri: requestUri, ...more }).toString()
    return url
  }
  const signedIn = async (): Promise<{ browser: Browser; who: string }> => {
    const [browser, who] = [world.openBrowser(), world.newcomer()]
    await browser.signIn('google', who)
    return { browser, who }
  }
  const redeem = async ({ client, auth }: Application, pushed: Awaited<ReturnType<typeof push>>, left: URL) => {
    const parameters = oauth.validateAuthResponse(server, client, left, pushed.state)
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      auth,
      parameters,
      callback,
      pushed.verifier,
      options,
    )
    return oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: pushed.nonce,
      requireIdToken: true,
    })
  }
  const codeAt = async (browser: Browser, url: URL): Promise<string | null> =>
    (await follow(world, browser, url)).left?.searchParams.get('code') ?? null

  test.each([
    ['plain', false],
    ['signed', true],
  ])('a %s one signs a person in, who refreshes and signs out', async (_, isSigned) => {
    const shop = await application()
    const pushed = await push(shop, { isSigned })
    expect(pushed.expiresIn).toBeLessThanOrEqual(60)
    const [browser, who] = [world.openBrowser(), world.newcomer()]
    const { page } = await follow(world, browser, addressOf(shop, pushed.requestUri))
    expect(page.url.pathname).toBe('/login')
    const back = await browser.signIn('google', who, { return_to: page.url.searchParams.get('return_to') ?? '' })
    const { left } = await follow(world, browser, new URL(back.headers.get('location') ?? '', world.base))
    const tokens = await redeem(shop, pushed, left as URL)
    expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({ email: world.emailOf(who) })

    const refresh = async (token: string | undefined) =>
      oauth.processRefreshTokenResponse(
        server,
        shop.client,
        await oauth.refreshTokenGrantRequest(server, shop.client, shop.auth, token ?? '', options),
      )
    const next = await refresh(tokens.refresh_token)
    expect(next.refresh_token).not.toBe(tokens.refresh_token)
    const out = new URL(server.end_session_endpoint ?? '')
    out.search = new URLSearchParams({
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: bye,
    }).toString()
    expect((await follow(world, browser, out)).left?.href).toBe(bye)
    await expect(refresh(next.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' })
    // Used once, by whichever browser.
    expect(await codeAt((await signedIn()).browser, addressOf(shop, pushed.requestUri))).toBeNull()
  })

  test('is used once, also by many browsers at the same time', async () => {
    const shop = await application()
    const { requestUri } = await push(shop)
    const browsers = await Promise.all(Array.from({ length: 6 }, async () => (await signedIn()).browser))
    const codes = await Promise.all(browsers.map((browser) => codeAt(browser, addressOf(shop, requestUri))))
    expect(codes.filter((code) => code !== null)).toHaveLength(1)
  })

  test('is good for a minute, for its application, and as it was pushed', async () => {
    const [shop, other] = [await application(), await application()]
    const { browser } = await signedIn()
    const { requestUri } = await push(shop, { scope: 'openid' })
    expect(await codeAt(browser, addressOf(other, requestUri))).toBeNull()
    expect(await codeAt(browser, addressOf(shop, `${requestUri}x`))).toBeNull()

    // Parameters outside of it are ignored.
    const pushed = await push(shop, { scope: 'openid' })
    const evil = { redirect_uri: 'https://evil.example.org/', scope: 'openid email profile' }
    const { left } = await follow(world, browser, addressOf(shop, pushed.requestUri, evil))
    expect(left?.origin).toBe(new URL(callback).origin)
    expect(await redeem(shop, pushed, left as URL)).toMatchObject({ scope: 'openid' })

    const late = await push(shop)
    world.turn(61)
    expect(await codeAt(browser, addressOf(shop, late.requestUri))).toBeNull()
  })
})
