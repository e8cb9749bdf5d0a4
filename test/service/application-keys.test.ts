/** Applications that prove who they are with keys: assertions, DPoP and request objects, as third-party clients send them. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
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
  skewOf,
} from '../support/applications.ts'
import { aboveStore, type Browser, type Json, refusalOf, startWorld, type World } from '../support/service.ts'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const [resourceA, scopeA] = ['https://a.example.org/', 'orders:read'] as const

describe.each(aboveStore('PostgreSQL'))('an application with keys, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  let pair: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey }
  let publicJwk: Json
  let server: Server
  let served: { keys: unknown[] }
  let fetched: number
  let keysAt: string
  beforeAll(async () => {
    world = await startWorld({ database, env: { APPLICATIONS_ALLOW_PRIVATE_ADDRESSES: 'on', TRUST_PROXY_HOPS: '1' } })
    admin = await administratorOf(world)
    pair = await generateKeyPair('ES256', { extractable: true })
    publicJwk = { ...(await exportJWK(pair.publicKey)), kid: 'one', use: 'sig', alg: 'ES256' }
    ;[served, fetched] = [{ keys: [publicJwk] }, 0]
    server = createServer((_, response) => {
      fetched += 1
      response.setHeader('content-type', 'application/json').end(JSON.stringify(served))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    keysAt = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  })
  afterAll(async () => {
    server.close()
    await world.stop()
  })

  const signedIn = async (): Promise<Browser> => {
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    return browser
  }
  const keyed = (about: Json = {}) =>
    register(world, admin, { client_auth: 'private_key_jwt', jwks: { keys: [publicJwk] }, ...about })
  /** The application as openid-client sees it, which signs an assertion for each request. */
  const clientOf = async (id: string, key = pair.privateKey, kid = 'one', skew = skewOf(world)) => {
    const metadata = { [client.clockSkew]: skew }
    const config = await client.discovery(new URL(world.base), id, metadata, client.PrivateKeyJwt({ key, kid }), {
      execute: [client.allowInsecureRequests],
    })
    config[client.customFetch] = (url, options) => world.send(url, options as RequestInit)
    return config
  }
  const signed = (claims: JWTPayload, header: Json = {}, key: CryptoKey = pair.privateKey) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'one', ...header }).sign(key)
  const seconds = () => Math.floor(world.clock().getTime() / 1000)
  const refresh = (config: client.Configuration, token: string | undefined, options?: client.DPoPOptions) =>
    client.refreshTokenGrant(config, token ?? '', undefined, options)

  describe('that authenticates with private_key_jwt', () => {
    test('signs people in, refreshes, pushes requests and revokes, with openid-client', async () => {
      const { id, secret } = await keyed()
      expect(secret).toBeNull()
      const config = await clientOf(id)
      const tokens = await enter(world, await signedIn(), config)
      const next = await refresh(config, tokens.refresh_token)
      const verifier = client.randomPKCECodeVerifier()
      const pushed = await client.buildAuthorizationUrlWithPAR(config, {
        redirect_uri: callback,
        scope: 'openid',
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      expect(pushed.searchParams.get('request_uri')).toMatch(/^urn:/)
      await client.tokenRevocation(config, next.refresh_token ?? '')
      await expect(refresh(config, next.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' })
    })

    test('is refused without its own assertion, made for this service, and sent once', async () => {
      const { id } = await keyed()
      const other = await keyed()
      const stranger = await generateKeyPair('ES256')
      const good = (): JWTPayload => ({
        iss: id,
        sub: id,
        aud: world.base,
        exp: seconds() + 60,
        jti: crypto.randomUUID(),
      })
      // Each from a network of its own: wrong assertions are limited by network.
      let networks = 0
      const fromElsewhere = () => ({ 'x-forwarded-for': `198.51.100.${++networks}` })
      const send = async (assertion: string, more: Record<string, string> = {}) =>
        refusalOf(
          await world.call('POST', '/oauth/revoke', {
            headers: fromElsewhere(),
            form: { token: 'x', client_assertion_type: assertionType, client_assertion: assertion, ...more },
          }),
        )
      const refused = [401, 'invalid_client']
      const statusOf = async (assertion: string) => {
        const sent = await world.call('POST', '/oauth/revoke', {
          headers: fromElsewhere(),
          form: { token: 'x', client_assertion_type: assertionType, client_assertion: assertion },
        })
        return sent.status
      }
      const once = await signed(good())
      expect(await statusOf(once)).toBe(200)
      expect(await send(once), 'a second use').toEqual(refused)
      expect(await statusOf(await signed({ ...good(), aud: `${world.base}/oauth/token` }))).toBe(200)
      const tables: readonly (readonly [string, JWTPayload, Json?, CryptoKey?])[] = [
        ['another key', good(), {}, stranger.privateKey],
        ['another application as subject', { ...good(), sub: other.id }],
        ['another issuer', { ...good(), iss: other.id }],
        ['another audience', { ...good(), aud: 'https://other.example.org' }],
        ['another audience beside ours', { ...good(), aud: [world.base, 'https://other.example.org'] }],
        ['no audience', { ...good(), aud: undefined as never }],
        ['no expiry', { ...good(), exp: undefined as never }],
        ['an expiry in the past', { ...good(), exp: seconds() - 120 }],
        ['an expiry in a week', { ...good(), exp: seconds() + 604_800 }],
        ['no ID', { ...good(), jti: undefined as never }],
        ['an unknown extension', good(), { crit: ['x'], x: 1 }],
      ]
      for (const [name, claims, header, key] of tables) {
        const assertion = await signed(claims, header, key).catch(() => 'a.b.c')
        expect([name, ...(await send(assertion))]).toEqual([name, ...refused])
      }
      const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      expect(await send(`${encode({ alg: 'none' })}.${encode(good())}.`), 'alg none').toEqual(refused)
      expect(await send(await signed(good()), { client_id: other.id }), 'another client_id').toEqual(refused)
      expect(await send(await signed(good()), { client_secret: 'x' }), 'two mechanisms').toEqual(refused)
      expect(
        refusalOf(await world.call('POST', '/oauth/revoke', { form: { token: 'x', client_id: id } })),
        'no assertion',
      ).toEqual(refused)
      const twenty = await signed(good())
      const results = await Promise.all(Array.from({ length: 20 }, () => statusOf(twenty)))
      expect(results.filter((status) => status === 200)).toHaveLength(1)
    })

    test('is registered with public keys only, given in one way', async () => {
      const token = await admin()
      const privateJwk = await exportJWK(pair.privateKey)
      const faulty: readonly Json[] = [
        {},
        { jwks: { keys: [privateJwk] } },
        { jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } },
        { jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] } },
        { jwks: { keys: [] } },
        { jwks: { keys: [publicJwk] }, jwks_uri: 'https://shop.example.org/jwks' },
        { jwks_uri: 'http://shop.example.org/jwks' },
        { jwks_uri: 'file:///etc/passwd' },
      ]
      for (const about of faulty) {
        const body = {
          name: 'Shop',
          kind: 'server',
          redirect_uris: [callback],
          client_auth: 'private_key_jwt',
          ...about,
        }
        const answer = await world.call('POST', '/applications', { token, body })
        expect([about, ...refusalOf(answer)]).toEqual([about, 400, 'invalid_request'])
      }
    })

    test('publishes its keys at a URL, which is fetched seldom, and again for a new key', async () => {
      const { id } = await keyed({ jwks: null, jwks_uri: keysAt })
      const tokens = await enter(world, await signedIn(), await clientOf(id))
      const before = fetched
      const next = await refresh(await clientOf(id), tokens.refresh_token)
      expect(fetched).toBe(before)
      const newer = await generateKeyPair('ES256')
      served = { keys: [{ ...(await exportJWK(newer.publicKey)), kid: 'two' }] }
      const rotated = await clientOf(id, newer.privateKey, 'two')
      await expect(refresh(rotated, next.refresh_token)).rejects.toMatchObject({ status: 401 })
      world.turn(31)
      const last = await refresh(rotated, next.refresh_token)
      await expect(refresh(await clientOf(id), last.refresh_token)).rejects.toMatchObject({ status: 401 })
      expect(fetched).toBeLessThanOrEqual(before + 2)
      served = { keys: [publicJwk] }
    })
  })

  describe('that uses DPoP', () => {
    const dpop = async (config: client.Configuration) => {
      const keys = await client.randomDPoPKeyPair('ES256')
      return {
        handle: client.getDPoPHandle(config, keys),
        jkt: await calculateJwkThumbprint(await exportJWK(keys.publicKey)),
      }
    }
    const start = async (about: Json = {}, more: Record<string, string> = {}) => {
      const shop = await register(world, admin, { kind: 'browser', ...about })
      const config = await discovered(world, shop)
      const { handle, jkt } = await dpop(config)
      const browser = await signedIn()
      const { url, verifier, state } = await request(config, { more: { ...more } })
      const { left } = await follow(world, browser, url)
      const redeem = (options: client.DPoPOptions | null = { DPoP: handle }) =>
        client.authorizationCodeGrant(
          config,
          left as URL,
          { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: url.searchParams.get('nonce') ?? '' },
          more.resource === undefined ? undefined : { resource: more.resource },
          options ?? undefined,
        )
      return { shop, config, handle, jkt, redeem }
    }

    test('gets tokens that are invalid without its key', async () => {
      const { config, handle, jkt, redeem } = await start()
      const tokens = await redeem()
      expect(tokens.token_type).toBe('dpop')
      const { sub = '' } = tokens.claims() ?? {}
      const person = await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP: handle })
      expect(person.sub).toBe(sub)
      const me = await client.fetchProtectedResource(
        config,
        tokens.access_token,
        new URL('/me', world.base),
        'GET',
        undefined,
        undefined,
        { DPoP: handle },
      )
      expect(me.status).toBe(200)

      const plain = await world.call('GET', '/me', { token: tokens.access_token })
      expect(refusalOf(plain)).toEqual([401, 'dpop_proof_required'])
      expect(plain.headers.get('www-authenticate')).toMatch(/^DPoP algs="ES256/)
      const thief = await dpop(config)
      const other = await client
        .fetchUserInfo(config, tokens.access_token, sub, { DPoP: thief.handle })
        .catch((error: unknown) => error)
      expect(other).toMatchObject({ status: 401 })
      await expect(refresh(config, tokens.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' })
      await expect(refresh(config, tokens.refresh_token, { DPoP: thief.handle })).rejects.toMatchObject({
        error: 'invalid_grant',
      })
      const next = await refresh(config, tokens.refresh_token, { DPoP: handle })
      expect(next.token_type).toBe('dpop')
      const made = await world.call('POST', '/service-credentials', {
        token: await admin(),
        body: { name: 'API', scopes: ['introspect'] },
      })
      const key = `Basic ${Buffer.from(`${String(made.body.id)}:${String(made.body.secret)}`).toString('base64')}`
      const seen = await world.call('POST', '/oauth/introspect', {
        form: { token: next.access_token },
        headers: { authorization: key },
      })
      expect(seen.body).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt } })
    })

    test('and sends a proof twice, or for another request, is refused', async () => {
      const { config, redeem } = await start()
      const keys = await generateKeyPair('ES256', { extractable: true })
      const jwk = await exportJWK(keys.publicKey)
      const proof = async (change: JWTPayload = {}, header: Json = {}) =>
        new SignJWT({
          htm: 'POST',
          htu: `${world.base}/oauth/token`,
          jti: crypto.randomUUID(),
          iat: seconds(),
          ...change,
        })
          .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })
          .sign(keys.privateKey)
      const tokens = await redeem(null)
      const send = async (dpopProof: string | [string, string]) => {
        const { client_id: id = '' } = config.clientMetadata()
        return world.call('POST', '/oauth/token', {
          form: { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '', client_id: id },
          headers: { DPoP: dpopProof as string },
        })
      }
      const once = await proof()
      const first = await send(once)
      expect([first.status, first.body.token_type]).toEqual([200, 'DPoP'])
      const refused = [400, 'dpop_proof_invalid']
      const wrong: readonly (readonly [string, string])[] = [
        ['a second use', once],
        ['another method', await proof({ htm: 'GET' })],
        ['another URL', await proof({ htu: `${world.base}/me` })],
        ['another host', await proof({ htu: 'https://other.example.org/oauth/token' })],
        ['an old proof', await proof({ iat: seconds() - 700 })],
        ['a proof from the future', await proof({ iat: seconds() + 700 })],
        ['no ID', await proof({ jti: undefined as never })],
        ['another type', await proof({}, { typ: 'JWT' })],
        ['a private key in the header', await proof({}, { jwk: await exportJWK(keys.privateKey) })],
        ['no key', await proof({}, { jwk: undefined })],
        ['text', 'x'],
      ]
      for (const [name, given] of wrong) {
        const answer = await send(given)
        expect([name, ...refusalOf(answer)]).toEqual([name, ...refused])
        expect(answer.body.error).toBe('invalid_dpop_proof')
      }
      const results = await (async () => {
        const same = await proof({ htu: `${world.base}/oauth/token?x#y` })
        return Promise.all(Array.from({ length: 20 }, () => send(same)))
      })()
      expect(results.filter(({ status }) => status === 200)).toHaveLength(1)
    })

    test('as its registration requires gets no token without a proof', async () => {
      const { redeem } = await start({ dpop_bound_access_tokens: true })
      await expect(redeem(null)).rejects.toMatchObject({ error: expect.any(String) })
    })

    test('gets a code that only its key redeems, if it named the key before', async () => {
      const shop = await register(world, admin, { kind: 'browser' })
      const config = await discovered(world, shop)
      const { handle, jkt } = await dpop(config)
      const thief = await dpop(config)
      const browser = await signedIn()
      for (const [options, isGood] of [
        [{ DPoP: thief.handle }, false],
        [undefined, false],
        [{ DPoP: handle }, true],
      ] as const) {
        const { url, verifier, state } = await request(config, { more: { dpop_jkt: jkt } })
        const { left } = await follow(world, browser, url)
        const checks = {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: url.searchParams.get('nonce') ?? '',
        }
        const done = client.authorizationCodeGrant(config, left as URL, checks, undefined, options)
        if (isGood) expect((await done).token_type).toBe('dpop')
        else await expect(done).rejects.toMatchObject({ error: 'invalid_grant' })
      }
    })

    test('authenticates by itself, and may refresh with another key, but never without one', async () => {
      const shop = await register(world, admin)
      const config = await discovered(world, shop)
      const [one, two] = [await dpop(config), await dpop(config)]
      const browser = await signedIn()
      const { url, verifier, state } = await request(config)
      const { left } = await follow(world, browser, url)
      const checks = {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: url.searchParams.get('nonce') ?? '',
      }
      const tokens = await client.authorizationCodeGrant(config, left as URL, checks, undefined, { DPoP: one.handle })
      await expect(refresh(config, tokens.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' })
      expect((await refresh(config, tokens.refresh_token, { DPoP: two.handle })).token_type).toBe('dpop')
    })
  })

  describe('that signs its authorization requests', () => {
    test('has its parameters taken from the request object only', async () => {
      const { id } = await keyed({ scopes: ['openid', 'email', scopeA], resources: [resourceA] })
      const config = await clientOf(id)
      const browser = await signedIn()
      const verifier = client.randomPKCECodeVerifier()
      const url = await client.buildAuthorizationUrlWithJAR(
        // Request objects are checked in real time.
        await clientOf(id, pair.privateKey, 'one', 0),
        {
          redirect_uri: callback,
          scope: 'openid',
          state: 'signed',
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        },
        { key: pair.privateKey, kid: 'one' },
      )
      url.searchParams.set('scope', 'openid email')
      url.searchParams.set('redirect_uri', 'https://evil.example.org/')
      const { left } = await follow(world, browser, url)
      expect([left?.origin, left?.searchParams.get('state')]).toEqual(['https://shop.example.org', 'signed'])
      const tokens = await client.authorizationCodeGrant(config, left as URL, {
        pkceCodeVerifier: verifier,
        expectedState: 'signed',
      })
      expect(tokens.claims()).not.toHaveProperty('email')
    })

    test('is refused with a request object that is unsigned, signed with another key, or at a URL', async () => {
      const { id } = await keyed()
      const browser = await signedIn()
      const stranger = await generateKeyPair('ES256')
      const claims = (): JWTPayload => ({
        iss: id,
        aud: world.base,
        client_id: id,
        response_type: 'code',
        redirect_uri: callback,
        scope: 'openid',
        exp: Math.floor(Date.now() / 1000) + 60,
      })
      const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const objects: readonly (readonly [string, Record<string, string>])[] = [
        ['alg none', { request: `${encode({ alg: 'none' })}.${encode(claims())}.` }],
        ['another key', { request: await signed(claims(), {}, stranger.privateKey) }],
        ['another audience', { request: await signed({ ...claims(), aud: 'https://other.example.org' }) }],
        ['another issuer', { request: await signed({ ...claims(), iss: 'app_other' }) }],
        ['another application inside', { request: await signed({ ...claims(), client_id: 'app_other' }) }],
        ['a URL inside', { request: await signed({ ...claims(), request_uri: 'https://shop.example.org/r' }) }],
        ['expired', { request: await signed({ ...claims(), exp: 1000 }) }],
        ['a URL', { request_uri: keysAt }],
        ['a mode of the engine', { request: await signed({ ...claims(), response_mode: 'form_post' }) }],
      ]
      const before = fetched
      for (const [name, given] of objects) {
        const query = new URLSearchParams({ client_id: id, response_type: 'code', scope: 'openid', ...given })
        query.set('redirect_uri', callback)
        const visit = await browser.ask(`${world.base}/oauth/authorize?${query.toString()}`)
        const to = visit.headers.get('location')
        const code = to === null ? null : new URL(to, world.base).searchParams.get('code')
        expect([name, code]).toEqual([name, null])
        expect([name, visit.status < 500]).toEqual([name, true])
        expect([name, visit.text.includes('<script')]).toEqual([name, false])
      }
      expect(fetched).toBe(before)
    })
  })

  describe('that acts for itself', () => {
    const machine = (about: Json = {}) => ({
      kind: 'machine',
      first_party: false,
      redirect_uris: [],
      resources: [resourceA, 'https://b.example.org/'],
      scopes: [scopeA, 'orders:write'],
      ...about,
    })
    const claimsOf = (token: string): Json =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Json

    test('gets a token for one resource, which none of our routes accepts', async () => {
      const job = await register(world, admin, machine())
      const config = await discovered(world, job)
      const tokens = await client.clientCredentialsGrant(config, { resource: resourceA, scope: scopeA })
      expect(tokens).not.toHaveProperty('refresh_token')
      expect(tokens).not.toHaveProperty('id_token')
      expect([tokens.token_type, tokens.scope]).toEqual(['bearer', scopeA])
      const claims = claimsOf(tokens.access_token)
      expect(claims).toMatchObject({ iss: world.base, aud: resourceA, sub: job.id, client_id: job.id, scope: scopeA })
      expect(claims).not.toHaveProperty('sid')
      for (const path of ['/me', '/oauth/userinfo', '/applications'])
        expect(refusalOf(await world.call('GET', path, { token: tokens.access_token }))).toEqual([401, 'token_invalid'])
      const issued = (await world.trail()).filter(({ event }) => event === 'application.token_issued')
      const data = issued.at(-1)?.data
      expect(typeof data === 'string' ? JSON.parse(data) : data).toEqual({
        application: job.id,
        resource: resourceA,
        scope: scopeA,
      })
      expect(JSON.stringify(await world.dump())).not.toContain(tokens.access_token)
    })

    test('gets only what it is registered for, and always names one of several resources', async () => {
      const config = await discovered(world, await register(world, admin, machine()))
      const get = (parameters: Record<string, string>) => client.clientCredentialsGrant(config, parameters)
      await expect(get({})).rejects.toMatchObject({ error: 'invalid_target' })
      await expect(get({ resource: 'https://c.example.org/' })).rejects.toMatchObject({ error: 'invalid_target' })
      await expect(get({ resource: world.base })).rejects.toMatchObject({ error: 'invalid_target' })
      await expect(get({ resource: resourceA, scope: 'openid' })).rejects.toMatchObject({ error: 'invalid_scope' })
      await expect(get({ resource: resourceA, scope: 'users:write' })).rejects.toMatchObject({ error: 'invalid_scope' })
      const people = await discovered(
        world,
        await register(world, admin, { resources: [resourceA], scopes: ['openid', scopeA] }),
      )
      await expect(client.clientCredentialsGrant(people, { resource: resourceA })).rejects.toMatchObject({
        error: 'unauthorized_client',
      })
    })

    test('authenticates with a key and binds its token to another', async () => {
      const { id } = await register(
        world,
        admin,
        machine({ client_auth: 'private_key_jwt', jwks: { keys: [publicJwk] }, dpop_bound_access_tokens: true }),
      )
      const config = await clientOf(id)
      await expect(client.clientCredentialsGrant(config, { resource: resourceA })).rejects.toMatchObject({
        error: 'invalid_dpop_proof',
      })
      const keys = await client.randomDPoPKeyPair('ES256')
      const handle = client.getDPoPHandle(config, keys)
      const tokens = await client.clientCredentialsGrant(config, { resource: resourceA }, { DPoP: handle })
      expect(tokens.token_type).toBe('dpop')
      expect(claimsOf(tokens.access_token).cnf).toEqual({
        jkt: await calculateJwkThumbprint(await exportJWK(keys.publicKey)),
      })
    })

    test('is introspected while its application may have the token, and no person can sign in to it', async () => {
      const job = await register(world, admin, machine())
      const config = await discovered(world, job)
      const { access_token: token } = await client.clientCredentialsGrant(config, { resource: resourceA })
      const made = await world.call('POST', '/service-credentials', {
        token: await admin(),
        body: { name: 'API', scopes: ['introspect'] },
      })
      const key = `Basic ${Buffer.from(`${String(made.body.id)}:${String(made.body.secret)}`).toString('base64')}`
      const look = async () =>
        (await world.call('POST', '/oauth/introspect', { form: { token }, headers: { authorization: key } })).body
      expect(await look()).toMatchObject({ active: true, sub: job.id, client_id: job.id, aud: resourceA })
      const visit = await world
        .openBrowser()
        .ask(
          `${world.base}/oauth/authorize?response_type=code&client_id=${job.id}&redirect_uri=${callback}&scope=openid`,
        )
      expect(visit.status).toBe(400)
      await world.call('POST', `/applications/${job.id}/disable`, { token: await admin() })
      expect(await look()).toEqual({ active: false })
      await expect(client.clientCredentialsGrant(config, { resource: resourceA })).rejects.toMatchObject({
        status: 401,
      })
    })

    test('is registered with resources and their scopes only', async () => {
      const token = await admin()
      const faulty: readonly Json[] = [
        { redirect_uris: [callback] },
        { resources: [], scopes: [] },
        { scopes: ['openid'] },
        { client_auth: 'none' },
        { backchannel_logout_uri: 'https://shop.example.org/logout' },
      ]
      for (const about of faulty) {
        const answer = await world.call('POST', '/applications', { token, body: { name: 'Job', ...machine(about) } })
        expect([about, ...refusalOf(answer)]).toEqual([about, 400, 'invalid_request'])
      }
    })
  })

  test('finds out from the API alone where to get tokens', async () => {
    const refused = await world.call('GET', '/me')
    const at = /^Bearer resource_metadata="([^"]+)"$/.exec(refused.headers.get('www-authenticate') ?? '')?.[1] ?? ''
    const metadata = (await world.call('GET', new URL(at).pathname)).body
    expect(metadata).toMatchObject({ resource: world.base, authorization_servers: [world.base] })
    const bad = await world.call('GET', '/me', { token: 'x' })
    expect(bad.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token".*, resource_metadata="/)
  })

  test('is described truly in the metadata', async () => {
    const documents = await Promise.all(
      ['openid-configuration', 'oauth-authorization-server'].map(
        async (name) => (await world.call('GET', `/.well-known/${name}`)).body,
      ),
    )
    expect(documents[0]).toEqual(documents[1])
    expect(documents[0]).toMatchObject({
      grant_types_supported: expect.arrayContaining(['authorization_code', 'refresh_token', 'client_credentials']),
      token_endpoint_auth_methods_supported: expect.arrayContaining(['private_key_jwt']),
      token_endpoint_auth_signing_alg_values_supported: expect.arrayContaining(['ES256', 'RS256']),
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      request_parameter_supported: true,
      request_uri_parameter_supported: false,
      request_object_signing_alg_values_supported: expect.not.arrayContaining(['none', 'HS256']),
    })
  })
})
