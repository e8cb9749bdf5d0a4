import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { TokenAuth } from '../../src/providers/provider.ts'
import { type Opened, openProviders, value } from './fixture.ts'
import { type Issuer, startIssuer } from './issuer.ts'

const place = '/.well-known/openid-configuration'
let issuer: Issuer
let opened: Opened
let now: Date

beforeEach(async () => {
  now = new Date('2026-11-20T12:00:00Z')
  issuer = await startIssuer()
  opened = openProviders([issuer.settings], () => now)
})
afterEach(async () => {
  await opened.providers.close()
  await issuer.close()
})

const acme = () => {
  const provider = opened.providers.get('acme')
  if (!provider) throw new Error('acme is configured')
  return provider
}
const begin = () => opened.providers.begin(acme(), { redirectUri: 'http://localhost:3000/cb', intent: 'login' })
const flow = { redirectUri: 'http://localhost:3000/cb', verifier: 'v'.repeat(43), nonce: 'n' }

describe('discovery', () => {
  test('is not needed at startup, and is retried once the issuer is back', async () => {
    expect(issuer.seen).toEqual([])
    expect([acme().authorizeOrigin(), acme().revokes]).toEqual([null, null])
    expect(await begin()).toMatchObject({ error: { code: 'provider_unavailable', params: { provider: 'Acme ID' } } })
    issuer.say(place, issuer.metadata)
    expect(value(await begin()).url.href).toMatch(`${issuer.url}/authorize?`)
    expect([acme().authorizeOrigin(), acme().revokes]).toEqual([issuer.url, false])
  })

  test('determines whether tokens can be revoked', async () => {
    issuer.say(place, () => ({ ...issuer.metadata(), revocation_endpoint: `${issuer.url}/revoke` }))
    value(await begin())
    expect(acme().revokes).toBe(true)
  })

  test('is requested once by concurrent callers, and again in the background after an hour', async () => {
    issuer.say(place, issuer.metadata)
    await Promise.all(Array.from({ length: 10 }, begin))
    expect(issuer.calls(place)).toHaveLength(1)
    now = new Date(now.getTime() + 3_600_000)
    issuer.say(place, () => undefined)
    value(await begin())
    expect(issuer.calls(place).length).toBeLessThanOrEqual(2)
  })

  test('that has changed takes effect from the second request after an hour', async () => {
    issuer.say(place, issuer.metadata)
    value(await begin())
    issuer.say(place, () => ({ ...issuer.metadata(), authorization_endpoint: `${issuer.url}/elsewhere` }))
    now = new Date(now.getTime() + 3_599_000)
    expect(value(await begin()).url.pathname).toBe('/authorize')
    expect(issuer.calls(place)).toHaveLength(1)
    now = new Date(now.getTime() + 1000)
    expect(value(await begin()).url.pathname).toBe('/authorize')
    await expect.poll(async () => value(await begin()).url.pathname).toBe('/elsewhere')
    expect(issuer.calls(place)).toHaveLength(2)
  })

  test('that fails does not affect sign-in while an earlier document is known', async () => {
    await opened.providers.close()
    opened = openProviders([issuer.settings], () => now, { breaker: { volume: 2 } })
    const isOpen = () => opened.providers.health().some(({ state }) => state === 'open')
    issuer.say(place, issuer.metadata)
    value(await begin())
    issuer.say(place, () => undefined)
    now = new Date(now.getTime() + 3_600_000)
    await expect.poll(async () => (await begin()).ok && isOpen()).toBe(true)
    expect(opened.providers.status(acme())).toBe('degraded')
  })

  test('that fails from the start makes the provider unavailable', async () => {
    await opened.providers.close()
    opened = openProviders([issuer.settings], () => now, { breaker: { volume: 1 } })
    await begin()
    expect(opened.providers.status(acme())).toBe('down')
  })

  test.each<[string, (metadata: Record<string, unknown>) => Record<string, unknown>, string]>([
    [
      'another issuer [discovery-issuer-mismatch]',
      (all) => ({ ...all, issuer: 'https://evil.example' }),
      'issuer_mismatch',
    ],
    ['an issuer with an added slash', (all) => ({ ...all, issuer: `${String(all.issuer)}/` }), 'issuer_mismatch'],
    ['no keys', ({ jwks_uri: _jwks, ...all }) => all, 'missing_endpoint'],
    ['no token endpoint', ({ token_endpoint: _token, ...all }) => all, 'missing_endpoint'],
    [
      'a token endpoint without encryption',
      (all) => ({ ...all, token_endpoint: 'http://idp.example/token' }),
      'missing_endpoint',
    ],
    [
      'userinfo without encryption',
      (all) => ({ ...all, userinfo_endpoint: 'http://idp.example/me' }),
      'unsafe_endpoint',
    ],
    [
      'a script URL for a page',
      (all) => ({ ...all, authorization_endpoint: 'javascript:alert(1)' }),
      'missing_endpoint',
    ],
    [
      'only unknown client authentication methods',
      (all) => ({ ...all, token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'] }),
      'token_auth_unsupported',
    ],
    [
      'no client authentication method',
      (all) => ({ ...all, token_endpoint_auth_methods_supported: [] }),
      'token_auth_unsupported',
    ],
  ])('that names %s is rejected', async (_name, change, reason) => {
    issuer.say(place, () => change(issuer.metadata()))
    expect(await begin()).toMatchObject({ error: { code: 'provider_unavailable', cause: { reason } } })
    expect(opened.heard('provider.call_failed')).toEqual([{ provider: 'acme', endpoint_type: 'discovery', reason }])
  })

  test('whose issuer differs by a trailing slash logs both names and the hint', async () => {
    issuer.say(place, () => ({ ...issuer.metadata(), issuer: `${issuer.url}/` }))
    await begin()
    expect(opened.heard('provider.issuer_mismatch')).toEqual([
      {
        provider: 'acme',
        endpoint_type: 'discovery',
        configured: issuer.url,
        received: `${issuer.url}/`,
        hint: 'configured_without_trailing_slash',
      },
    ])
  })

  test('accepts plain HTTP on this machine, but not in production', async () => {
    issuer.say(place, issuer.metadata)
    const production = openProviders([issuer.settings], () => now, { production: true })
    const provider = production.providers.get('acme')
    if (!provider) throw new Error('acme is configured')
    expect(
      await production.providers.begin(provider, { redirectUri: 'http://localhost:3000/cb', intent: 'login' }),
    ).toMatchObject({ error: { code: 'provider_unavailable' } })
    await production.providers.close()
  })
})

test('URLs set by the operator override discovered ones', async () => {
  issuer.say(place, issuer.metadata)
  const urls = { authorize: 'https://inside.example/authorize', revoke: 'https://inside.example/revoke' }
  const inside = openProviders([{ ...issuer.settings, urls }], () => now)
  const provider = inside.providers.get('acme') ?? acme()
  const begun = value(
    await inside.providers.begin(provider, { redirectUri: 'http://localhost:3000/cb', intent: 'login' }),
  )
  expect(begun.url.href).toMatch(/^https:\/\/inside\.example\/authorize\?/)
  expect(provider.revokes).toBe(true)
  await inside.providers.close()
})

describe('iss in the callback', () => {
  const exchange = (iss?: string) => opened.providers.exchange(acme(), { code: 'c', state: 's', iss }, flow)

  test('must equal the issuer exactly', async () => {
    issuer.say(place, issuer.metadata)
    for (const iss of [`${issuer.url}/`, 'https://evil.example', issuer.url.toUpperCase(), ''])
      expect(await exchange(iss)).toMatchObject({ error: { code: 'flow_mismatch' } })
    expect(issuer.calls('/token')).toEqual([])
  })

  test('is required when the issuer declares that it always sends it', async () => {
    issuer.say(place, () => ({ ...issuer.metadata(), authorization_response_iss_parameter_supported: true }))
    expect(await exchange()).toMatchObject({ error: { code: 'flow_mismatch' } })
    expect(issuer.calls('/token')).toEqual([])
    expect(await exchange(issuer.url)).toMatchObject({ error: { code: 'provider_unavailable' } })
    expect(issuer.calls('/token')).toHaveLength(1)
  })
})

describe('client authentication', () => {
  const trade = async (methods?: string[], tokenAuth?: TokenAuth) => {
    if (tokenAuth !== undefined) {
      await opened.providers.close()
      opened = openProviders([{ ...issuer.settings, tokenAuth }], () => now)
    }
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const at = now.getTime() / 1000
    const claims = { iss: issuer.url, aud: 'client', sub: 'ada', nonce: 'n', iat: at, exp: at + 60 }
    const id_token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
    const keys = [await exportJWK(publicKey)]
    issuer.say(place, () => ({ ...issuer.metadata(), token_endpoint_auth_methods_supported: methods }))
    issuer.say('/jwks', () => ({ keys }))
    issuer.say('/token', () => ({ access_token: 'at', token_type: 'bearer', id_token }))
    value(await opened.providers.exchange(acme(), { code: 'c', state: 's' }, flow))
    const call = issuer.calls('/token')[0]
    if (!call) throw new Error('the token endpoint was called')
    return call
  }

  test.each([[undefined], [['client_secret_basic', 'client_secret_post']]])(
    'uses a form-encoded header when the methods are %j [client-secret-basic]',
    async (methods) => {
      const { headers, body } = await trade(methods)
      const shown = Buffer.from(String(headers.authorization).slice('Basic '.length), 'base64').toString()
      expect(shown).toBe('client:s%3Ae%2Bc%25ret')
      expect(body.has('client_secret')).toBe(false)
      expect(Object.fromEntries(body)).toMatchObject({
        grant_type: 'authorization_code',
        code: 'c',
        code_verifier: flow.verifier,
        redirect_uri: flow.redirectUri,
      })
    },
  )

  test('uses the body when the issuer supports nothing else', async () => {
    const { headers, body } = await trade(['client_secret_post'])
    expect(headers).not.toHaveProperty('authorization')
    expect(Object.fromEntries(body)).toMatchObject({ client_id: 'client', client_secret: 's:e+c%ret' })
  })

  test.each<[TokenAuth, string[] | undefined]>([
    ['basic', ['client_secret_post']],
    ['basic', ['private_key_jwt']],
    ['post', ['client_secret_basic']],
    ['post', undefined],
  ])('uses %s where the operator says so, whatever the document offers: %j', async (tokenAuth, methods) => {
    const { headers, body } = await trade(methods, tokenAuth)
    expect('authorization' in headers).toBe(tokenAuth === 'basic')
    expect(body.has('client_secret')).toBe(tokenAuth === 'post')
  })
})
