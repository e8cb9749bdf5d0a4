/** Applications whose ID is the URL of a document about them (draft-ietf-oauth-client-id-metadata-document). */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, callback, discovered, follow, request, skewOf } from '../support/applications.ts'
import { aboveStore, type Browser, type Json, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('SQLite'))('an application with a metadata document, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  let host: string
  let requests = 0
  const pages = new Map<string, (response: ServerResponse) => void>()
  const server = createServer(({ url = '' }, response) => {
    requests += 1
    const page = pages.get(url)
    if (page) return page(response)
    response.writeHead(404).end()
  })
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    world = await startWorld({
      database,
      env: { APPLICATIONS_METADATA_DOCUMENTS: 'on', APPLICATIONS_ALLOW_PRIVATE_ADDRESSES: 'on' },
    })
    admin = await administratorOf(world)
  })
  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await world.stop()
  })

  let count = 0
  const sends =
    (body: string, { status = 200, type = 'application/json' } = {}) =>
    (response: ServerResponse): void =>
      void response.writeHead(status, { 'content-type': type }).end(body)
  /** Publishes a document, and returns the ID of its application. */
  function publish(about: Json = {}, path = `/client-${++count}.json`): string {
    const id = `http://${host}${path}`
    pages.set(
      path,
      sends(JSON.stringify({ client_id: id, client_name: 'Editor', redirect_uris: [callback], ...about })),
    )
    return id
  }
  const configOf = (id: string) => discovered(world, { id, secret: null })
  async function signedIn(): Promise<Browser> {
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    return browser
  }
  async function allow(browser: Browser, url: URL) {
    const { page } = await follow(world, browser, url)
    const { pathname } = page.url
    expect(pathname, page.text).toMatch(/^\/oauth\/interaction\//)
    const done = await browser.submit(page, pathname, { decision: 'allow' })
    return { text: page.text, done, to: /url=([^"]*)"/.exec(done.text)?.[1]?.replaceAll('&amp;', '&') }
  }
  /** What an authorization request of an application that cannot be used ends with. */
  async function refusalOfRequest(id: string): Promise<string> {
    const { url } = await request(await configOf(id), { scope: 'openid' })
    const { page, left } = await follow(world, await signedIn(), url)
    expect(left).toBeUndefined()
    return page.text.includes('invalid_client') ? 'invalid_client' : page.text.slice(0, 300)
  }

  // Before the clock is turned: the client writes its own time into what it signs.
  test('can sign with a key in its document', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const id = publish({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [await exportJWK(publicKey)] } })
    const config = await client.discovery(new URL(world.base), id, undefined, client.PrivateKeyJwt(privateKey), {
      execute: [client.allowInsecureRequests],
    })
    const { url, redeem } = await request(config, { scope: 'openid' })
    const { to } = await allow(await signedIn(), url)
    expect((await redeem(new URL(to ?? ''))).claims()?.aud).toBe(id)
  })

  test('signs people in, refreshes, and is read once in ten minutes', async () => {
    const id = publish({ grant_types: ['authorization_code', 'refresh_token'] })
    const config = await configOf(id)
    expect(config.serverMetadata().client_id_metadata_document_supported).toBe(true)
    const before = requests
    const browser = await signedIn()
    const { url, redeem } = await request(config)
    const { text, to } = await allow(browser, url)
    expect(text).toContain(`Continue to Editor (${host})?`)
    expect(text).toContain('shop.example.org')
    const tokens = await redeem(new URL(to ?? ''))
    expect(tokens.claims()?.aud).toBe(id)
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect((await client.fetchUserInfo(config, next.access_token, tokens.claims()?.sub ?? '')).email).toBeTruthy()
    // The consent is remembered.
    const again = await request(config)
    expect((await follow(world, browser, again.url)).left?.searchParams.get('code')).toBeTruthy()
    expect(requests - before).toBe(1)
    world.turn(601)
    await follow(world, browser, (await request(config)).url)
    expect(requests - before).toBe(2)
    const found = await world.call('GET', `/applications/${encodeURIComponent(id)}`, { token: await admin() })
    expect(found.body).toMatchObject({ id, source: 'document', first_party: false, kind: 'browser', cors_origins: [] })
    const changed = await world.call('PATCH', `/applications/${encodeURIComponent(id)}`, {
      token: await admin(),
      body: { name: 'Mine' },
    })
    expect(changed.status).toBe(400)
  })

  test('signs people in with oauth4webapi, refreshes with rotation, and has RS256 if its document says so', async () => {
    const id = publish({
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'RS256',
      scope: 'openid email',
    })
    const insecure = { [oauth.allowInsecureRequests]: true }
    const as = await oauth
      .discoveryRequest(new URL(world.base), insecure)
      .then((response) => oauth.processDiscoveryResponse(new URL(world.base), response))
    const about: oauth.Client = {
      client_id: id,
      id_token_signed_response_alg: 'RS256',
      [oauth.clockSkew]: skewOf(world),
    }
    const verifier = oauth.generateRandomCodeVerifier()
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
    const url = new URL(as.authorization_endpoint ?? '')
    url.search = new URLSearchParams({
      client_id: id,
      redirect_uri: callback,
      response_type: 'code',
      scope: 'openid email offline_access',
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString()
    const { to } = await allow(await signedIn(), url)
    const back = oauth.validateAuthResponse(as, about, new URL(to ?? ''), state)
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      about,
      oauth.None(),
      back,
      callback,
      verifier,
      insecure,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(as, about, response, { expectedNonce: nonce })
    await oauth.validateApplicationLevelSignature(as, response, insecure)
    const claims = oauth.getValidatedIdTokenClaims(tokens)
    expect([claims?.aud, decodeProtectedHeader(tokens.id_token ?? '').alg]).toEqual([id, 'RS256'])
    const refresh = (token: string | undefined) =>
      oauth
        .refreshTokenGrantRequest(as, about, oauth.None(), token ?? '', insecure)
        .then((answer) => oauth.processRefreshTokenResponse(as, about, answer))
    const next = await refresh(tokens.refresh_token)
    expect(next.refresh_token).not.toBe(tokens.refresh_token)
    // A lost response is repeated.
    expect((await refresh(tokens.refresh_token)).refresh_token).toBe(next.refresh_token)
    const person = await oauth
      .userInfoRequest(as, about, next.access_token, insecure)
      .then((answer) => oauth.processUserInfoResponse(as, about, claims?.sub ?? '', answer))
    expect(person.email).toBeTruthy()
    const last = await refresh(next.refresh_token)
    world.turn(60)
    // An older one is a stolen one.
    await expect(refresh(tokens.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' })
    await expect(refresh(last.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' })
  })

  test('signs people out, with the URL as its client ID', async () => {
    const bye = 'https://shop.example.org/bye'
    const id = publish({
      grant_types: ['authorization_code', 'refresh_token'],
      post_logout_redirect_uris: [bye],
      backchannel_logout_uri: `http://${host}/logout`,
    })
    const notices: string[] = []
    pages.set('/logout', (response) => {
      notices.push('received')
      response.writeHead(200).end()
    })
    const config = await configOf(id)
    const browser = await signedIn()
    const { url, redeem } = await request(config)
    const tokens = await redeem(new URL((await allow(browser, url)).to ?? ''))
    const signOut = async (parameters: Record<string, string>) =>
      follow(world, browser, `${world.base}/oauth/logout?${new URLSearchParams(parameters).toString()}`)
    // Without the id_token of this application, the person is asked first.
    const asked = await signOut({ client_id: id, post_logout_redirect_uri: bye })
    expect([asked.left, asked.page.status]).toEqual([undefined, 200])
    const foreign = await signOut({
      client_id: `${id}x`,
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: bye,
    })
    expect(foreign.left).toBeUndefined()
    expect((await browser.ask(`${world.base}/account`)).status).toBe(200)
    const { left } = await signOut({
      client_id: id,
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: bye,
      state: 'kept',
    })
    expect(left?.href).toBe(`${bye}?state=kept`)
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    expect((await browser.ask(`${world.base}/account`)).status).toBe(303)
    await world.vinculum.runJob('send-logout-notices')
    await expect.poll(() => notices).toEqual(['received'])
  })

  test('is ended by a person like every other application', async () => {
    const id = publish({ grant_types: ['authorization_code', 'refresh_token'] })
    const config = await configOf(id)
    const browser = await signedIn()
    const { url, redeem } = await request(config)
    const tokens = await redeem(new URL((await allow(browser, url)).to ?? ''))
    const mine = await browser.json('GET', '/me/applications')
    expect(mine.text).toContain(id)
    const { status } = await browser.json('DELETE', `/me/applications/${encodeURIComponent(id)}`)
    expect(status).toBe(204)
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  test('asks again once its document says something else', async () => {
    const id = publish()
    const path = new URL(id).pathname
    const config = await configOf(id)
    const browser = await signedIn()
    await allow(browser, (await request(config, { scope: 'openid' })).url)
    publish({ redirect_uris: [callback, 'https://evil.example/cb'] }, path)
    const asked = async () => {
      const { page, left } = await follow(world, browser, (await request(config, { scope: 'openid' })).url)
      return left === undefined && page.text.includes('Editor')
    }
    expect(await asked()).toBe(false)
    world.turn(601)
    expect(await asked()).toBe(true)
  })

  test('is allowed only as the page showed it', async () => {
    const id = publish()
    const config = await configOf(id)
    const browser = await signedIn()
    const { page } = await follow(world, browser, (await request(config, { scope: 'openid' })).url)
    const text = page.text.replace(/(name="document" value=")[\w-]+/, `$1${'x'.repeat(43)}`)
    expect(text).not.toBe(page.text)
    const done = await browser.submit({ ...page, text }, page.url.pathname, { decision: 'allow' })
    expect(done.headers.get('location') ?? done.text).toContain('/oauth/interaction/')
  })

  test('keeps working for a day while its host does not answer, and no longer', async () => {
    const id = publish()
    const config = await configOf(id)
    const browser = await signedIn()
    await allow(browser, (await request(config, { scope: 'openid' })).url)
    pages.delete(new URL(id).pathname)
    world.turn(3600)
    const enter = async () => (await follow(world, browser, (await request(config, { scope: 'openid' })).url)).left
    expect((await enter())?.searchParams.get('code')).toBeTruthy()
    world.turn(86_400)
    const { page } = await follow(world, browser, (await request(config, { scope: 'openid' })).url)
    expect(page.text).toContain('invalid_client')
  })

  const invalid: readonly (readonly [string, Json])[] = [
    ['another client_id', { client_id: 'https://other.example/client.json' }],
    ['no client_id', { client_id: undefined }],
    ['a secret', { client_secret: 'x' }],
    ['an expiring secret', { client_secret_expires_at: 0 }],
    ['a method with a secret', { token_endpoint_auth_method: 'client_secret_post' }],
    ['a key method without keys', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['keys elsewhere', { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://a.example/keys' }],
    ['a script', { redirect_uris: ['javascript:alert(1)'] }],
    ['a wildcard', { redirect_uris: ['https://*.example/'] }],
    ['a fragment', { redirect_uris: ['https://a.example/#x'] }],
    ['no redirect URIs', { redirect_uris: [] }],
    ['a hidden name', { client_name: 'Bank\u202e' }],
    ['a long document', { note: 'x'.repeat(9000) }],
    ['no signature of id_tokens', { id_token_signed_response_alg: 'none' }],
    ['a signature of id_tokens with a secret', { id_token_signed_response_alg: 'HS256' }],
  ]
  test.each(invalid)('is refused if its document has %s', async (_, about) => {
    expect(await refusalOfRequest(publish(about))).toBe('invalid_client')
  })

  const answers: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ['not JSON', sends('<p>', { type: 'text/html' })],
    ['broken JSON', sends('{"client_id":')],
    ['an array', sends('[]')],
    ['another status', sends('{}', { status: 500 })],
    ['a redirect', (response) => void response.writeHead(302, { location: '/client-1.json' }).end()],
    [
      'a byte at a time',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        const timer = setInterval(() => response.write(' '), 200)
        response.on('close', () => clearInterval(timer))
      },
    ],
  ]
  test.each(answers)('is refused if its URL answers with %s', async (_, answer) => {
    const path = `/answer-${++count}.json`
    pages.set(path, answer)
    expect(await refusalOfRequest(`http://${host}${path}`)).toBe('invalid_client')
  })

  test('is read once for concurrent first requests, and not again at once after a failure', async () => {
    const [id, broken] = [publish(), publish({ client_id: 'https://other.example/client.json' })]
    const before = requests
    const { url } = await request(await configOf(id), { scope: 'openid' })
    const browsers = await Promise.all(Array.from({ length: 4 }, () => signedIn()))
    const shown = await Promise.all(browsers.map((browser) => follow(world, browser, url)))
    expect(shown.map(({ page }) => page.text.includes('Continue to Editor'))).toEqual([true, true, true, true])
    expect(requests - before).toBe(1)
    for (let n = 0; n < 3; n++) expect(await refusalOfRequest(broken)).toBe('invalid_client')
    expect(requests - before).toBe(2)
    pages.set(new URL(broken).pathname, sends(JSON.stringify({ client_id: broken, redirect_uris: [callback] })))
    world.turn(31)
    const { page } = await follow(world, await signedIn(), (await request(await configOf(broken))).url)
    expect(page.url.pathname).toContain('/oauth/interaction/')
  })

  test('is not read for a token or a device, nor while it is disabled', async () => {
    const id = publish()
    const before = requests
    for (const path of ['/oauth/device', '/oauth/token']) {
      const form = { client_id: id, grant_type: 'authorization_code', code: 'x', scope: 'openid' }
      expect(refusalOf(await world.call('POST', path, { form }))).toEqual([401, 'invalid_client'])
    }
    expect(requests).toBe(before)
    const { url } = await request(await configOf(id), { scope: 'openid' })
    await follow(world, await signedIn(), url)
    const device = await world.call('POST', '/oauth/device', { form: { client_id: id, scope: 'openid' } })
    expect(refusalOf(device)).toEqual([400, 'client_not_allowed'])
    await world.call('POST', `/applications/${encodeURIComponent(id)}/disable`, { token: await admin() })
    world.turn(601)
    expect(await refusalOfRequest(id)).toBe('invalid_client')
    expect(requests - before).toBe(1)
  })

  test('is refused if a key has text that a database cannot store', async () => {
    const { publicKey } = await generateKeyPair('ES256')
    for (const kid of ['a\0', 'a\ud800']) {
      const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid }] }
      const id = publish({ token_endpoint_auth_method: 'private_key_jwt', jwks })
      expect(await refusalOfRequest(id)).toBe('invalid_client')
    }
  })

  test('is not requested if its URL cannot be that of a document', async () => {
    const before = requests
    for (const id of [
      `http://${host}/`,
      `http://${host}`,
      `http://${host}/a/../client-1.json`,
      `http://${host}/a/%2e%2e/client-1.json`,
      `http://${host}/client-1.json#x`,
      `http://${host}/client-1.json?x=1`,
      `http://user@${host}/client-1.json`,
      `http://${host}/${'x'.repeat(300)}`,
      `http://${host}/a\\b`,
      'http://elsewhere.example/client.json',
      `${world.base}/client.json`,
      'file:///etc/passwd',
    ])
      expect([id, await refusalOfRequest(id)]).toEqual([id, 'invalid_client'])
    expect(requests).toBe(before)
  })
})

test('documents are off by default, and private addresses are never called', async () => {
  for (const env of [{}, { APPLICATIONS_METADATA_DOCUMENTS: 'on' }]) {
    let isCalled = false
    const server = createServer((_, response) => {
      isCalled = true
      response.end('{}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const world = await startWorld({ env })
    try {
      const { port } = server.address() as AddressInfo
      const id = `http://127.0.0.1:${port}/client.json`
      const { url } = await request(await discovered(world, { id, secret: null }))
      const { page } = await follow(world, world.openBrowser(), url)
      expect([page.text.includes('invalid_client'), isCalled]).toEqual([true, false])
    } finally {
      server.close()
      await world.stop()
    }
  }
})

test('two nodes agree on a document, and one network causes 60 readings in an hour', async () => {
  let requests = 0
  const server = createServer(({ url = '' }, response) => {
    requests += 1
    const { port } = server.address() as AddressInfo
    const about = url.startsWith('/good') ? { client_id: `http://127.0.0.1:${port}${url}` } : {}
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ redirect_uris: [callback], ...about }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = { APPLICATIONS_METADATA_DOCUMENTS: 'on', APPLICATIONS_ALLOW_PRIVATE_ADDRESSES: 'on' }
  const world = await startWorld({ database: 'PostgreSQL', env })
  try {
    const other = await world.another()
    const push = async (at: string, id: string) => {
      const challenge = { code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }
      const form = { client_id: id, redirect_uri: callback, response_type: 'code', scope: 'openid', ...challenge }
      return (await world.call('POST', '/oauth/par', { at, form })).status
    }
    const good = `${host}/good.json`
    const both = [world.base, other.base, world.base, other.base]
    expect(await Promise.all(both.map((at) => push(at, good)))).toEqual([201, 201, 201, 201])
    expect(requests).toBeLessThanOrEqual(2)
    const token = await (await administratorOf(world))()
    expect(listIn(await world.call('GET', '/applications', { token })).map(({ id }) => id)).toEqual([good])
    world.turn(3601)
    requests = 0
    for (let n = 0; n < 62; n++) expect(await push(both[n % 2] ?? '', `${host}/bad-${n}.json`)).toBe(401)
    expect(requests).toBe(60)
  } finally {
    server.close()
    await world.stop()
  }
})
