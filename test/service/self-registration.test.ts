/** Applications register themselves (RFC 7591) and manage their registration (RFC 7592). */
import { generateKeyPairSync } from 'node:crypto'
import { decodeProtectedHeader } from 'jose'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, callback, follow, request } from '../support/applications.ts'
import { aboveStore, type Browser, type Json, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

/** Allows what the consent page asks for. Returns where the browser goes, and what the page said. */
async function consent(world: World, browser: Browser, url: URL) {
  const { page } = await follow(world, browser, url)
  const done = await browser.submit(page, page.url.pathname, { decision: 'allow' })
  const to = /url=([^"]*)"/.exec(done.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  return { left: new URL(to), text: page.text }
}

async function signedIn(world: World): Promise<Browser> {
  const browser = world.openBrowser()
  await browser.signIn('google', world.newcomer())
  return browser
}

const databases = aboveStore('PostgreSQL')
describe.each(databases)('applications that register themselves with a token, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  beforeAll(async () => {
    world = await startWorld({
      database,
      env: { APPLICATIONS_REGISTRATION: 'token', APPLICATIONS_ALLOW_PRIVATE_ADDRESSES: 'on' },
    })
    admin = await administratorOf(world)
  })
  afterAll(() => world.stop())

  async function initialToken(about: Json = {}): Promise<{ id: string; token: string }> {
    const made = await world.call('POST', '/registration-tokens', {
      token: await admin(),
      body: { name: 'Test', ...about },
    })
    expect(made.status, made.text).toBe(201)
    return { id: String(made.body.id), token: String(made.body.token) }
  }
  const asked = { client_name: 'Notes', redirect_uris: [callback] }
  const register = async (body: Json, token?: string) =>
    world.call('POST', '/oauth/register', { body, ...(token === undefined ? {} : { token }) })
  const registered = async (about: Json = {}) => {
    const answer = await register({ ...asked, ...about }, (await initialToken()).token)
    expect(answer.status, answer.text).toBe(201)
    return answer.body
  }

  test('sign people in with openid-client', async () => {
    const { token } = await initialToken()
    const config = await client.dynamicClientRegistration(
      new URL(world.base),
      {
        ...asked,
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_post',
      },
      undefined,
      {
        initialAccessToken: token,
        execute: [client.allowInsecureRequests],
        [client.customFetch]: (url, options) => world.send(url, options as RequestInit),
      },
    )
    const about = config.clientMetadata()
    expect(about).toMatchObject({ client_name: 'Notes', client_secret_expires_at: 0, subject_type: 'public' })
    const { url, redeem } = await request(config)
    const { left, text } = await consent(world, await signedIn(world), url)
    expect(text).toContain('Continue to Notes (shop.example.org)?')
    expect(text).toContain('Nobody here has checked')
    const tokens = await redeem(left)
    expect(tokens.claims()?.aud).toBe(about.client_id)
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect((await client.fetchUserInfo(config, next.access_token, tokens.claims()?.sub ?? '')).email).toBeTruthy()
  })

  test('sign people in with oauth4webapi, without a secret', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true }
    const as = await oauth
      .discoveryRequest(new URL(world.base), insecure)
      .then((response) => oauth.processDiscoveryResponse(new URL(world.base), response))
    expect(as.registration_endpoint).toBe(`${world.base}/oauth/register`)
    const about = await oauth
      .dynamicClientRegistrationRequest(
        as,
        { client_name: 'Tool', redirect_uris: ['http://127.0.0.1/callback'], token_endpoint_auth_method: 'none' },
        { ...insecure, initialAccessToken: (await initialToken()).token },
      )
      .then((response) => oauth.processDynamicClientRegistrationResponse(response))
    expect(about).toMatchObject({ application_type: 'native', scope: 'openid profile email' })
    expect(about.client_secret).toBeUndefined()
    const verifier = oauth.generateRandomCodeVerifier()
    const redirect = 'http://127.0.0.1:51004/callback'
    const url = new URL(as.authorization_endpoint ?? '')
    url.search = new URLSearchParams({
      client_id: about.client_id,
      redirect_uri: redirect,
      response_type: 'code',
      scope: 'openid',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString()
    const { left, text } = await consent(world, await signedIn(world), url)
    expect(text).toContain('Tool (127.0.0.1:51004)')
    const back = oauth.validateAuthResponse(as, about, left, oauth.expectNoState)
    const tokens = await oauth
      .authorizationCodeGrantRequest(as, about, oauth.None(), back, redirect, verifier, insecure)
      .then((response) => oauth.processAuthorizationCodeResponse(as, about, response))
    expect(oauth.getValidatedIdTokenClaims(tokens)?.aud).toBe(about.client_id)
    expect(tokens.refresh_token).toBeUndefined()
  })

  test.each<[Partial<client.ClientMetadata>, string]>([
    [{}, 'ES256'],
    [{ id_token_signed_response_alg: 'ES256' }, 'ES256'],
    [{ id_token_signed_response_alg: 'RS256' }, 'RS256'],
  ])('with %j have id_tokens with %s, and keep to it when they are replaced', async (about, algorithm) => {
    const initialAccessToken = (await initialToken()).token
    const config = await client.dynamicClientRegistration(
      new URL(world.base),
      { ...asked, token_endpoint_auth_method: 'client_secret_post', ...about },
      undefined,
      {
        initialAccessToken,
        execute: [client.allowInsecureRequests],
        [client.customFetch]: (url, options) => world.send(url, options as RequestInit),
      },
    )
    client.enableNonRepudiationChecks(config)
    const registration = config.clientMetadata()
    expect(registration.id_token_signed_response_alg).toBe(algorithm)
    const { url, redeem } = await request(config, { scope: 'openid' })
    const tokens = await redeem((await consent(world, await signedIn(world), url)).left)
    expect(decodeProtectedHeader(tokens.id_token ?? '').alg).toBe(algorithm)
    const id = registration.client_id
    const token = String(registration.registration_access_token)
    const replaced = await world.call('PUT', `/oauth/register/${id}`, {
      token,
      body: { ...asked, client_id: id, id_token_signed_response_alg: 'RS256' },
    })
    expect(replaced.body.id_token_signed_response_alg, replaced.text).toBe('RS256')
    const again = await world.call('PUT', `/oauth/register/${id}`, { token, body: { ...asked, client_id: id } })
    expect(again.body.id_token_signed_response_alg).toBe('ES256')
  })

  test('are one and the same row as others, marked, and never first-party', async () => {
    const { client_id: id } = await registered()
    const found = await world.call('GET', `/applications/${id}`, { token: await admin() })
    expect(found.body).toMatchObject({
      source: 'registration',
      first_party: false,
      kind: 'server',
      client_auth: 'client_secret_basic',
      cors_origins: [],
      created_by: null,
    })
    const trusted = await world.call('PATCH', `/applications/${id}`, {
      token: await admin(),
      body: { first_party: true },
    })
    expect([trusted.status, trusted.body.errors]).toEqual([400, [expect.objectContaining({ path: 'first_party' })]])
    expect((await world.trail()).map(({ event }) => event)).toContain('application.registered')
  })

  test('need a token, of which each use makes one application', async () => {
    const { id, token } = await initialToken({ uses: 2 })
    const wrong = async (given?: string) => {
      const answer = await register(asked, given)
      return [...refusalOf(answer), answer.body.error]
    }
    const refused = [401, 'registration_token_invalid', 'invalid_token']
    expect(await wrong()).toEqual(refused)
    expect(await wrong('x'.repeat(43))).toEqual(refused)
    expect(await wrong(id)).toEqual(refused)
    // A registration that is refused uses nothing up.
    expect((await register({ ...asked, redirect_uris: ['javascript:x'] }, token)).status).toBe(400)
    expect((await register(asked, token)).status).toBe(201)
    const tokens = listIn(await world.call('GET', '/registration-tokens', { token: await admin() }))
    expect(tokens).toContainEqual(expect.objectContaining({ id, uses_left: 1 }))
    expect(JSON.stringify(tokens)).not.toContain(token)
    expect((await register(asked, token)).status).toBe(201)
    expect(await wrong(token)).toEqual(refused)
    const expiring = await initialToken({ expires_in: 60 })
    world.turn(61)
    expect(await wrong(expiring.token)).toEqual(refused)
    const revoked = await initialToken()
    const revoke = async () => world.call('DELETE', `/registration-tokens/${revoked.id}`, { token: await admin() })
    expect((await revoke()).status).toBe(204)
    expect(await wrong(revoked.token)).toEqual(refused)
    expect(refusalOf(await revoke())).toEqual([404, 'registration_token_not_found'])
  })

  test('race for the last use of a token: one wins', async () => {
    const { token } = await initialToken()
    const all = await Promise.all(Array.from({ length: 8 }, () => register(asked, token)))
    expect(all.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(7).fill(401)])
  })

  const redirect = 'invalid_redirect_uri'
  const metadata = 'invalid_client_metadata'
  const native = { application_type: 'native', token_endpoint_auth_method: 'none' }
  const publicKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  const hostile: readonly (readonly [Json, string])[] = [
    [{ redirect_uris: ['javascript:alert(1)'] }, redirect],
    [{ redirect_uris: ['data:text/html,x'], ...native }, redirect],
    [{ redirect_uris: ['https://a.example/#x'] }, redirect],
    [{ redirect_uris: ['https://*.example/'] }, redirect],
    [{ redirect_uris: ['http://a.example/'] }, redirect],
    [{ redirect_uris: ['https://user@a.example/'] }, redirect],
    [{ redirect_uris: [callback, callback] }, redirect],
    [{ redirect_uris: [] }, redirect],
    [{ redirect_uris: undefined }, redirect],
    [{ redirect_uris: ['app:/callback'], ...native }, redirect],
    [{ redirect_uris: ['org.example.app:/callback'], application_type: 'web' }, redirect],
    [{ redirect_uris: [`https://a.example/${'x'.repeat(600)}`] }, redirect],
    [{ redirect_uris: Array.from({ length: 21 }, (_, n) => `https://a.example/${n}`) }, redirect],
    [{ redirect_uris: Array.from({ length: 3000 }, () => 'https://a.example/') }, metadata],
    [{ redirect_uris: 'https://a.example/' }, metadata],
    [{ redirect_uris: [7] }, metadata],
    [{ client_name: 'x'.repeat(81) }, metadata],
    [{ client_name: 'Bank\u202e' }, metadata],
    [{ client_name: 'Bank\nof' }, metadata],
    [{ grant_types: ['implicit'] }, metadata],
    [{ grant_types: ['client_credentials'] }, metadata],
    [{ response_types: ['token'] }, metadata],
    [{ token_endpoint_auth_method: 'client_secret_jwt' }, metadata],
    [{ token_endpoint_auth_method: 'private_key_jwt' }, metadata],
    [{ jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }, metadata],
    [{ jwks: { keys: [{ ...publicKey, kid: 'a\0' }] } }, metadata],
    [{ jwks: { keys: [{ ...publicKey, note: 'a\ud800' }] } }, metadata],
    [{ jwks_uri: 'http://10.0.0.1/keys' }, metadata],
    [{ jwks_uri: 'file:///etc/passwd' }, metadata],
    [{ backchannel_logout_uri: 'http://a.example/out' }, metadata],
    [{ post_logout_redirect_uris: ['https://*.example/'] }, metadata],
    [{ subject_type: 'pairwise', redirect_uris: [callback, 'https://other.example/'] }, metadata],
    ...['none', 'HS256', 'PS256', 'ES384', 'rs256', '', 7, ['RS256']].map(
      (alg) => [{ id_token_signed_response_alg: alg }, metadata] as const,
    ),
  ]
  test.each(hostile)('are refused with %j', async (change, error) => {
    const { token } = await initialToken()
    const answer = await register({ ...asked, ...change }, token)
    expect([answer.status, answer.body.error], answer.text).toEqual([400, error])
    expect((await register(asked, token)).status).toBe(201)
  })

  test('get what they may have, and what is unknown is ignored', async () => {
    const about = await registered({
      scope: 'openid email admin orders:read',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code', 'password'],
      software_statement: 'eyJhbGciOiJub25lIn0.e30.',
      first_party: true,
      client_id: 'app_own',
      client_secret: 'own',
      logo_uri: 'https://evil.example/logo.png',
      contacts: ['a@b.example'],
      client_uri: null,
      id_token_signed_response_alg: null,
    })
    expect(about.id_token_signed_response_alg).toBe('ES256')
    expect(about).toMatchObject({
      scope: 'openid email offline_access',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    })
    for (const name of ['software_statement', 'first_party', 'logo_uri', 'contacts'])
      expect(about).not.toHaveProperty(name)
    expect(about.client_id).not.toBe('app_own')
    expect(String(about.client_secret)).toMatch(/^[\w-]{43}$/)
  })

  const kinds: readonly (readonly [Json, string, string])[] = [
    [{ redirect_uris: ['org.example.app:/callback'] }, 'native', 'none'],
    [{ redirect_uris: ['http://localhost:3334/callback'], token_endpoint_auth_method: 'none' }, 'native', 'none'],
    [{ redirect_uris: ['http://localhost:3334/callback'] }, 'server', 'client_secret_basic'],
    [{ token_endpoint_auth_method: 'none' }, 'browser', 'none'],
    [{ token_endpoint_auth_method: 'none', application_type: 'native' }, 'native', 'none'],
    [{ application_type: 'native', redirect_uris: ['http://127.0.0.1/'] }, 'native', 'none'],
    [{}, 'server', 'client_secret_basic'],
  ]
  test.each(kinds)('are of a kind that follows from %j', async (change, kind, auth) => {
    const { client_id: id } = await registered(change)
    const { body } = await world.call('GET', `/applications/${id}`, { token: await admin() })
    expect([body.kind, body.client_auth]).toEqual([kind, auth])
  })

  test('cannot use the device flow, with which anyone could trick people', async () => {
    const { client_id: id } = await registered({ token_endpoint_auth_method: 'none', application_type: 'native' })
    const answer = await world.call('POST', '/oauth/device', { form: { client_id: String(id), scope: 'openid' } })
    expect(refusalOf(answer)).toEqual([400, 'client_not_allowed'])
  })

  test('show the host that this request returns to, whatever the first redirect URI is', async () => {
    const about = await registered({
      client_name: 'Vinculum',
      redirect_uris: ['https://bank.example/cb', 'https://evil.example/cb'],
    })
    const config = await client.discovery(new URL(world.base), String(about.client_id), undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    })
    const { url } = await request(config, { scope: 'openid', redirectUri: 'https://evil.example/cb' })
    const { left, text } = await consent(world, await signedIn(world), url)
    expect(left.host).toBe('evil.example')
    expect(text).toContain('Continue to Vinculum (evil.example)?')
    expect(text).not.toContain('bank.example')
  })

  describe('manage their registration', () => {
    const manage = async (method: 'GET' | 'PUT' | 'DELETE', about: Json, body?: Json, token?: string) => {
      const { pathname } = new URL(String(about.registration_client_uri))
      return world.call(method, pathname, {
        token: token ?? String(about.registration_access_token),
        ...(body ? { body } : {}),
      })
    }

    test('by reading, replacing and deleting it', async () => {
      const about = await registered({ scope: 'openid email' })
      const read = await manage('GET', about)
      const { client_secret: secret, ...rest } = about
      expect([read.status, read.body]).toEqual([200, rest])
      const body = { client_id: about.client_id, redirect_uris: ['https://shop.example.org/new'] }
      const replaced = await manage('PUT', about, { ...body, client_secret: secret })
      expect(replaced.body).toMatchObject({
        client_name: 'shop.example.org',
        redirect_uris: ['https://shop.example.org/new'],
        // No more than before, although one that registers without scopes gets `profile` as well.
        scope: 'openid email',
        registration_access_token: about.registration_access_token,
      })
      expect((await manage('DELETE', about)).status).toBe(204)
      expect(refusalOf(await manage('GET', about))).toEqual([401, 'registration_token_invalid'])
      const found = await world.call('GET', `/applications/${about.client_id}`, { token: await admin() })
      expect(found.status).toBe(404)
      const facts = (await world.trail()).map(({ event }) => event)
      expect(facts).toEqual(
        expect.arrayContaining(['application.registration_changed', 'application.registration_deleted']),
      )
    })

    test('only with their own token, and while they are enabled, unless they are deleted', async () => {
      const [one, other] = [await registered(), await registered()]
      const refused = [401, 'registration_token_invalid']
      const body = { ...asked, client_id: one.client_id }
      for (const token of [String(other.registration_access_token), 'x', (await initialToken()).token, await admin()])
        for (const method of ['GET', 'PUT', 'DELETE'] as const)
          expect(refusalOf(await manage(method, one, method === 'PUT' ? body : undefined, token))).toEqual(refused)
      const unknown = { ...one, registration_client_uri: `${world.base}/oauth/register/app_unknown` }
      expect(refusalOf(await manage('GET', unknown))).toEqual(refused)
      await world.call('POST', `/applications/${one.client_id}/disable`, { token: await admin() })
      expect(refusalOf(await manage('GET', one))).toEqual(refused)
      // An interrupted deletion leaves the application disabled: its request can be repeated.
      expect(refusalOf(await manage('DELETE', one, undefined, 'x'))).toEqual(refused)
      expect((await manage('DELETE', one)).status).toBe(204)
    })

    test.each([
      ['another client_id', { client_id: 'app_other' }],
      ['a secret that is not its own', { client_secret: 'x'.repeat(43) }],
      ['another kind', { token_endpoint_auth_method: 'none' }],
      ['a bad redirect URI', { redirect_uris: ['javascript:x'] }],
    ] as const)('is refused with %s, and nothing changes', async (_, change) => {
      const about = await registered()
      const answer = await manage('PUT', about, { ...asked, client_id: about.client_id, ...change })
      expect(answer.status, answer.text).toBe(400)
      expect(String(answer.body.error)).toMatch(/^invalid_(client_metadata|redirect_uri)$/)
      expect((await manage('GET', about)).body).toMatchObject(asked)
    })
  })
})

describe.each(databases)('applications that register themselves without a token, with %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database, env: { APPLICATIONS_REGISTRATION: 'open' } })
  })
  afterAll(() => world.stop())

  test('are limited per network', async () => {
    const body = { redirect_uris: [callback] }
    const token = 'x'.repeat(43)
    expect((await world.call('POST', '/oauth/register', { body, token })).status).toBe(401)
    for (let n = 0; n < 10; n++) expect((await world.call('POST', '/oauth/register', { body })).status).toBe(201)
    const over = await world.call('POST', '/oauth/register', { body })
    expect([...refusalOf(over), Number(over.headers.get('retry-after')) > 3000]).toEqual([429, 'rate_limited', true])
    world.turn(3601)
    expect((await world.call('POST', '/oauth/register', { body })).status).toBe(201)
  })
})

test('registration is off by default, and the metadata does not name it', async () => {
  const world = await startWorld()
  try {
    const answer = await world.call('POST', '/oauth/register', { body: { redirect_uris: [callback] } })
    expect(refusalOf(answer)).toEqual([404, 'registration_not_offered'])
    for (const name of ['openid-configuration', 'oauth-authorization-server']) {
      const { body } = await world.call('GET', `/.well-known/${name}`)
      expect(body).not.toHaveProperty('registration_endpoint')
    }
  } finally {
    await world.stop()
  }
})
