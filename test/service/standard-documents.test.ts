/** The documents we publish, read by third-party parsers: a document only we can read is not a standard one. */
import { Validator } from '@seriousme/openapi-schema-validator'
import { createLocalJWKSet, importJWK, type JSONWebKeySet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import parsePrometheus from 'parse-prometheus-text-format'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { skewOf } from '../support/applications.ts'
import { startWorld, type World } from '../support/service.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

/** Every 401 has a challenge (contract §1), which these clients read before the body. */
const invalidGrant = [{ scheme: 'bearer', parameters: { error: 'invalid_grant' } }]
const insecure = { [oauth.allowInsecureRequests]: true }

/**
 * RFC 8414 §2, member by member, in the types that Model Context Protocol clients require. They also require
 * `authorization_endpoint`; the RFC requires it only where a grant needs it.
 */
const url = z.url({ protocol: /^https?$/ })
const names = z.array(z.string().min(1))
const Metadata = z
  .looseObject({
    issuer: url,
    authorization_endpoint: url.optional(),
    token_endpoint: url,
    jwks_uri: url.optional(),
    registration_endpoint: url.optional(),
    scopes_supported: names.optional(),
    response_types_supported: names,
    response_modes_supported: names.optional(),
    // When absent, it means authorization_code and implicit.
    grant_types_supported: names.default(['authorization_code', 'implicit']),
    token_endpoint_auth_methods_supported: names.optional(),
    revocation_endpoint: url.optional(),
    revocation_endpoint_auth_methods_supported: names.optional(),
    introspection_endpoint: url.optional(),
    introspection_endpoint_auth_methods_supported: names.optional(),
    service_documentation: url.optional(),
    code_challenge_methods_supported: names.optional(),
  })
  .superRefine((metadata, context) => {
    const here = metadata.authorization_endpoint !== undefined
    const redirects = new Set(['authorization_code', 'implicit'])
    if (!here && metadata.grant_types_supported.some((grant) => redirects.has(grant)))
      context.addIssue('a grant needs an authorization endpoint, and there is none')
    if (!here && metadata.response_types_supported.length > 0)
      context.addIssue('a response type is what an authorization endpoint answers, and there is none')
    if (!here && metadata.code_challenge_methods_supported !== undefined)
      context.addIssue('a code challenge is sent to an authorization endpoint, and there is none')
  })

describe('/.well-known/oauth-authorization-server', () => {
  test('is consistent', async () => {
    const { body } = await world.call('GET', '/.well-known/oauth-authorization-server')
    expect(Metadata.safeParse(body).error).toBeUndefined()
  })
  test('is the OpenID configuration: a client finds the same server with either standard', async () => {
    const { body } = await world.call('GET', '/.well-known/oauth-authorization-server')
    const { body: openid } = await world.call('GET', '/.well-known/openid-configuration')
    expect(body).toEqual(openid)
  })
  test('is discovered by oauth4webapi, which then verifies our access tokens with it', async () => {
    const issuer = new URL(world.base)
    const answer = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' })
    const server = await oauth.processDiscoveryResponse(issuer, answer)
    expect(server.issuer).toBe(world.base)
    const { access_token: token } = await world.signIn('google', world.newcomer())
    const { headers } = await world.call('GET', '/me', { token })
    expect(headers.get('x-request-id')).toMatch(/^req_/)
    const audience = String(z.looseObject({ aud: z.string() }).parse(claimsOf(token)).aud)
    const asked = new Request(`${world.base}/me`, { headers: { authorization: `Bearer ${token}` } })
    const claims = await oauth.validateJwtAccessToken(server, asked, audience, {
      ...insecure,
      [oauth.clockSkew]: skewOf(world),
    })
    expect(claims.sub).toMatch(/^usr_/)
  })
  test('lists only grants that openid-client can use', async () => {
    const config = await client.discovery(new URL(world.base), 'app', undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    })
    expect(config.serverMetadata().grant_types_supported).toEqual([
      'authorization_code',
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:device_code',
    ])
    // A client that is not registered is refused in the terms of RFC 6749 §5.2.
    await expect(client.refreshTokenGrant(config, 'nonsense')).rejects.toMatchObject({
      status: 401,
      cause: [{ scheme: 'basic' }],
    })
  })
})

const claimsOf = (token: string): unknown => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

test('/.well-known/jwks.json is read by jose, key by key, and verifies a token', async () => {
  const { body } = await world.call('GET', '/.well-known/jwks.json')
  const set = body as unknown as JSONWebKeySet
  expect(set.keys.length).toBeGreaterThan(0)
  for (const key of set.keys) {
    expect(await importJWK(key)).toMatchObject({ type: 'public' })
    expect(key).not.toHaveProperty('d')
  }
  const { access_token: token } = await world.signIn('google', world.newcomer())
  const options = { issuer: world.base, typ: 'at+jwt', algorithms: ['ES256'], currentDate: world.clock() }
  const { payload } = await jwtVerify(token, createLocalJWKSet(set), options)
  expect(payload.sub).toMatch(/^usr_/)
})

test('/openapi.json is an OpenAPI 3.1 document to a validator of the specification', async () => {
  const { body } = await world.call('GET', '/openapi.json')
  const validator = new Validator()
  const { valid, errors } = await validator.validate(structuredClone(body) as Record<string, unknown>)
  expect(errors ?? []).toEqual([])
  expect([valid, validator.version]).toEqual([true, '3.1'])
})

test('/metrics is parsed as Prometheus text, every sample of a declared type', async () => {
  await world.signIn('google', world.newcomer())
  const { text } = await world.call('GET', '/metrics')
  const families = parsePrometheus(text)
  expect(families.length).toBeGreaterThan(20)
  for (const { name, type, help, metrics } of families) {
    expect([name, ['COUNTER', 'GAUGE', 'HISTOGRAM', 'SUMMARY'].includes(type)]).toEqual([name, true])
    expect([name, help.length > 0, Array.isArray(metrics)]).toEqual([name, true, true])
  }
  const seconds = families.find(({ name }) => name === 'vinculum_authentication_duration_seconds')
  expect(seconds?.type).toBe('HISTOGRAM')
})

describe('an error response', () => {
  /** RFC 9457 §3.1: the types of the members. A client must ignore a member of another type. */
  const Problem = z.looseObject({
    type: url,
    title: z.string().min(1),
    status: z.int().min(400).max(599),
    detail: z.string().min(1),
    instance: z.string().optional(),
  })
  const refusals = [
    ['a 400', 'POST', '/auth/password/forgot', {}],
    ['a 401', 'GET', '/me', undefined],
    ['a 404', 'GET', '/nowhere', undefined],
    ['a 405', 'PUT', '/me', {}],
    ['a 415', 'POST', '/auth/token', 'not json'],
  ] as const
  test.each(refusals)('is a problem as RFC 9457 describes it: %s', async (_, method, path, body) => {
    const answer = await world.call(method, path, body === undefined ? {} : { body })
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(Problem.parse(answer.body).status).toBe(answer.status)
    expect((await fetch(String(answer.body.type))).status).toBe(200)
  })
  test('for a token is parsed by oauth4webapi, with its WWW-Authenticate challenge', async () => {
    const server = { issuer: world.base, token_endpoint: `${world.base}/auth/token` }
    const asked = oauth.protectedResourceRequest(
      'nonsense',
      'GET',
      new URL('/me', world.base),
      undefined,
      null,
      insecure,
    )
    const challenged = await asked.catch((error: unknown) => error)
    expect(challenged).toBeInstanceOf(oauth.WWWAuthenticateChallengeError)
    const [challenge] = (challenged as oauth.WWWAuthenticateChallengeError).cause
    expect(challenge).toMatchObject({ scheme: 'bearer', parameters: { error: 'invalid_token' } })
    const refresh = await oauth.refreshTokenGrantRequest(
      server,
      { client_id: 'app' },
      oauth.None(),
      'nonsense',
      insecure,
    )
    await expect(oauth.processRefreshTokenResponse(server, { client_id: 'app' }, refresh)).rejects.toMatchObject({
      status: 401,
      cause: invalidGrant,
    })
  })
})
