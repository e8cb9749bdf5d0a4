/** Applications whose id_tokens are signed with RS256, as third-party clients see them. */
import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, discovered, enter, follow, register, request } from '../support/applications.ts'
import { aboveStore, type Browser, type Json, listIn, startWorld, type World } from '../support/service.ts'

const bye = 'https://shop.example.org/bye'

describe.each(aboveStore('PostgreSQL'))('an application that verifies only RS256, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  let received: URLSearchParams[]
  const server = createServer((incoming, response) => {
    let text = ''
    incoming.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    incoming.on('end', () => {
      received.push(new URLSearchParams(text))
      response.writeHead(200).end()
    })
  })
  beforeAll(async () => {
    world = await startWorld({ database, env: { APPLICATIONS_ALLOW_PRIVATE_ADDRESSES: 'on' } })
    admin = await administratorOf(world)
    received = []
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    server.close()
    await world.stop()
  })

  const published = async () => {
    const { keys } = (await world.call('GET', '/.well-known/jwks.json')).body as {
      keys: readonly (JsonWebKey & { readonly kid: string; readonly alg: string })[]
    }
    return keys
  }
  const algorithms = async () => (await published()).map(({ alg }) => alg)
  const rs256 = { id_token_signed_response_alg: 'RS256', post_logout_redirect_uris: [bye] }
  /** A client that accepts no other algorithm. */
  async function strict({ id, secret }: { readonly id: string; readonly secret: string | null }) {
    const auth = client.ClientSecretBasic(secret ?? '')
    const config = await client.discovery(new URL(world.base), id, { id_token_signed_response_alg: 'RS256' }, auth, {
      execute: [client.allowInsecureRequests],
    })
    client.enableNonRepudiationChecks(config)
    config[client.customFetch] = (url, options) => world.send(url, options as RequestInit)
    return config
  }
  async function signedIn(): Promise<Browser> {
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    return browser
  }
  const update = async (id: string, body: Json) =>
    world.call('PATCH', `/applications/${id}`, { token: await admin(), body })
  const verified = (token: string | undefined, audience: string, alg = 'RS256') => {
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', world.base))
    const options = { issuer: world.base, audience, algorithms: [alg], currentDate: world.clock() }
    return jwtVerify(token ?? '', keys, options)
  }
  const signOut = (browser: Browser, parameters: Record<string, string>) =>
    follow(world, browser, `${world.base}/oauth/logout?${new URLSearchParams(parameters).toString()}`)

  test('causes a key when it is registered, and no application before does', async () => {
    const { id } = await register(world, admin)
    expect(await algorithms()).toEqual(['ES256'])
    const refused = await update(id, { id_token_signed_response_alg: 'HS256' })
    expect([refused.status, refused.body.errors]).toEqual([
      400,
      [expect.objectContaining({ path: 'id_token_signed_response_alg' })],
    ])
    for (const alg of ['none', 'PS256', 'rs256', '', null])
      expect((await update(id, { id_token_signed_response_alg: alg })).status).toBe(400)
    const machine = await world.call('POST', '/applications', {
      token: await admin(),
      body: {
        name: 'Robot',
        kind: 'machine',
        redirect_uris: [],
        resources: ['https://a.test/'],
        scopes: ['x'],
        ...rs256,
      },
    })
    expect(machine.body.errors).toContainEqual(
      expect.objectContaining({ path: 'id_token_signed_response_alg', code: 'invalid' }),
    )
    expect(await algorithms()).toEqual(['ES256'])
    const shop = await register(world, admin, rs256)
    expect(shop.id_token_signed_response_alg).toBe('RS256')
    expect(await algorithms()).toEqual(['ES256', 'RS256'])
    const listed = await world.call('GET', '/applications', { token: await admin() })
    const byId = listIn(listed).map((one) => [one.id, one.id_token_signed_response_alg])
    expect(Object.fromEntries(byId)).toEqual({ [shop.id]: 'RS256', [id]: 'ES256' })
    for (const path of ['openid-configuration', 'oauth-authorization-server'])
      expect((await world.call('GET', `/.well-known/${path}`)).body).toMatchObject({
        id_token_signing_alg_values_supported: ['ES256', 'RS256'],
      })
    // One key is enough for all of them.
    await register(world, admin, rs256)
    expect(await algorithms()).toEqual(['ES256', 'RS256'])
  })

  test('signs people in with openid-client, which verifies signatures, refreshes and signs out', async () => {
    const shop = await register(world, admin, rs256)
    const config = await strict(shop)
    const browser = await signedIn()
    const tokens = await enter(world, browser, config)
    const { protectedHeader, payload } = await verified(tokens.id_token, shop.id)
    expect(protectedHeader).toEqual({ alg: 'RS256', kid: expect.any(String) })
    expect(payload).toMatchObject({ sub: expect.stringMatching(/^usr_/), sid: expect.stringMatching(/^ses_/) })
    expect(payload.amr).toEqual(expect.any(Array))
    // Our own API verifies access tokens as before.
    expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect((await client.fetchUserInfo(config, next.access_token, payload.sub ?? '')).email).toBeTruthy()
    const other = await register(world, admin)
    const { id_token: usual } = await enter(world, browser, await discovered(world, other))
    await verified(usual, other.id, 'ES256')
    await expect(verified(usual, other.id)).rejects.toThrow()
    const url = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: bye,
    })
    expect((await follow(world, browser, url)).left?.href).toBe(bye)
    await expect(client.refreshTokenGrant(config, next.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  test('gets logout tokens with the same algorithm', async () => {
    const { port } = server.address() as AddressInfo
    for (const alg of ['RS256', 'ES256']) {
      const shop = await register(world, admin, {
        ...rs256,
        id_token_signed_response_alg: alg,
        backchannel_logout_uri: `http://127.0.0.1:${port}/logout`,
      })
      const browser = await signedIn()
      const { id_token: hint } = await enter(world, browser, await discovered(world, shop))
      received = []
      expect((await browser.json('POST', '/auth/logout')).status).toBe(204)
      await world.vinculum.runJob('send-logout-notices')
      await expect.poll(() => received.length).toBe(1)
      const token = received[0]?.get('logout_token') ?? ''
      const { protectedHeader, payload } = await verified(token, shop.id, alg)
      expect(protectedHeader).toMatchObject({ alg, typ: 'logout+jwt', kid: decodeProtectedHeader(hint ?? '').kid })
      expect(payload).toMatchObject({ sid: expect.stringMatching(/^ses_/) })
    }
  })

  test('can change its algorithm: the next sign-in has the other one, and old id_tokens stay hints', async () => {
    const shop = await register(world, admin, { post_logout_redirect_uris: [bye] })
    const browser = await signedIn()
    const { id_token: before = '' } = await enter(world, browser, await discovered(world, shop))
    expect((await update(shop.id, { id_token_signed_response_alg: 'RS256' })).status).toBe(200)
    const config = await strict(shop)
    const more = { prompt: 'none', id_token_hint: before }
    const { id_token: after = '' } = await enter(world, browser, config, { more })
    expect([before, after].map((token) => decodeProtectedHeader(token).alg)).toEqual(['ES256', 'RS256'])
    expect((await update(shop.id, { id_token_signed_response_alg: 'ES256' })).status).toBe(200)
    await enter(world, browser, await discovered(world, shop), { more: { prompt: 'none', id_token_hint: after } })
    const { left } = await signOut(browser, { id_token_hint: after, post_logout_redirect_uri: bye })
    expect(left?.href).toBe(bye)
  })

  test('has only the id_tokens that we signed as hints', async () => {
    const shop = await register(world, admin, rs256)
    const other = await register(world, admin, rs256)
    const browser = await signedIn()
    const { id_token: hint = '' } = await enter(world, browser, await strict(shop))
    const { id_token: foreign = '' } = await enter(world, browser, await strict(other))
    const config = await discovered(world, shop)
    const { access_token: access } = await enter(world, browser, config)
    const keys = await published()
    const [, payload = '', signature = ''] = hint.split('.')
    const header = decodeProtectedHeader(hint)
    const pem = createPublicKey({ key: keys.find(({ kid }) => kid === header.kid) ?? {}, format: 'jwk' })
    const withHeader = (change: Json) => Buffer.from(JSON.stringify({ ...header, ...change })).toString('base64url')
    const hmac = (head: string) =>
      createHmac('sha256', pem.export({ type: 'spki', format: 'pem' }))
        .update(`${head}.${payload}`)
        .digest('base64url')
    const elliptic = keys.find(({ alg }) => alg === 'ES256')?.kid
    const hostile: Readonly<Record<string, string>> = {
      'no algorithm': `${withHeader({ alg: 'none' })}.${payload}.`,
      'no signature': `${withHeader({})}.${payload}.`,
      'the public key as a secret': `${withHeader({ alg: 'HS256' })}.${payload}.${hmac(withHeader({ alg: 'HS256' }))}`,
      'the other algorithm': `${withHeader({ alg: 'ES256' })}.${payload}.${signature}`,
      'the other algorithm and its key': `${withHeader({ alg: 'ES256', kid: elliptic })}.${payload}.${signature}`,
      'the key of ES256 as one of RS256': `${withHeader({ kid: elliptic })}.${payload}.${signature}`,
      'an unknown key': `${withHeader({ kid: 'key_x' })}.${payload}.${signature}`,
      'an access token': access,
      'no token': 'x',
    }
    for (const [what, token] of Object.entries({ ...hostile, 'another application': foreign })) {
      const { url } = await request(config, { more: { prompt: 'none', id_token_hint: token } })
      const { left } = await follow(world, browser, url)
      expect([what, left?.searchParams.get('error')]).toEqual([what, 'invalid_request'])
    }
    for (const [what, token] of Object.entries(hostile)) {
      const { left, page } = await signOut(browser, { id_token_hint: token, post_logout_redirect_uri: bye })
      expect([what, left, page.status]).toEqual([what, undefined, 200])
    }
    // Nobody was signed out, and the hint as it was issued is accepted.
    await enter(world, browser, config, { more: { prompt: 'none', id_token_hint: hint } })
  })

  test('notices no rotation: not while it signs in, and not afterwards', async () => {
    const shop = await register(world, admin, rs256)
    const config = await strict(shop)
    const browser = await signedIn()
    const first = await enter(world, browser, config)
    const kidOf = (token: string | undefined) => decodeProtectedHeader(token ?? '').kid
    const began = await request(config)
    const { left } = await follow(world, browser, began.url)
    const before = (await published()).length
    await world.vinculum.rotateSigningKeys()
    const keys = await published()
    expect(keys.length - before).toBe(2)
    const during = await began.redeem(left as URL)
    expect(kidOf(during.id_token)).toBe(kidOf(first.id_token))
    await verified(during.id_token, shop.id)
    world.turn(481)
    const after = await enter(world, await signedIn(), await discovered(world, shop))
    expect(kidOf(after.id_token)).not.toBe(kidOf(first.id_token))
    // Published before it signed.
    expect(keys.map(({ kid }) => kid)).toContain(kidOf(after.id_token))
    await verified(after.id_token, shop.id)
    const more = { prompt: 'none', id_token_hint: first.id_token ?? '' }
    await enter(world, browser, await discovered(world, shop), { more })
  })
})
