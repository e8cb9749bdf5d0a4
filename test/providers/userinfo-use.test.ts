/** How much a sign-in needs the UserInfo endpoint (`USERINFO`), and what a signed response must prove. */
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Fault } from '../../sandbox/sandbox.ts'
import type { ProviderSettings, UserinfoUse } from '../../src/providers/provider.ts'
import { enter, named, openProviders, startWorld, type TestWorld, value, visit } from './fixture.ts'
import { type Issuer, startIssuer } from './issuer.ts'

let world: TestWorld
beforeAll(async () => {
  world = await startWorld()
  await world.warm('oidc')
})
afterEach(() => world.reset())
afterAll(() => world.close())

const open = (more: Partial<ProviderSettings> = {}, kind: 'oidc' | 'google' = 'oidc') => {
  const opened = world.open({}, (one) => (one.kind === kind ? { ...one, ...more } : one))
  return { ...opened, provider: named(opened.providers, kind) }
}
const arrive = async (userinfo?: UserinfoUse, kind: 'oidc' | 'google' = 'oidc') => {
  const opened = open(userinfo === undefined ? {} : { userinfo }, kind)
  const { callback, flow } = await visit(opened.providers, opened.provider)
  return { ...opened, exchanged: value(await opened.providers.exchange(opened.provider, callback, flow)) }
}
const userinfoCalls = (kind: 'oidc' | 'google' = 'oidc') => world.sandbox.journal.calls(kind, 'userinfo').length
const failed = (cause: object) => ({ ok: false, error: { code: 'user_info_fetch_failed', cause } })
const fault = (what: Fault) => world.sandbox.fault({ provider: 'oidc', endpoint: 'userinfo' }, what)

describe('UserInfo that the provider always refuses', () => {
  beforeEach(() => {
    world.sandbox.switches.oidc.userinfo = 'refused'
  })

  test.each([undefined, 'required'] as const)('ends the sign-in when it is %s', async (userinfo) => {
    const { providers, provider, exchanged } = await arrive(userinfo)
    expect(await providers.identify(provider, exchanged)).toMatchObject(failed({ kind: 'refused', status: 401 }))
  })

  test('is skipped when it is optional', async () => {
    const { providers, provider, exchanged } = await arrive('optional')
    expect(value(await providers.identify(provider, exchanged))).toMatchObject({
      subject: exchanged.idToken?.sub,
      email: 'ada@example.com',
      emailVerified: true,
      name: 'Ada Example',
    })
    expect(userinfoCalls()).toBe(1)
  })

  test('is never called when it is off', async () => {
    const { providers, provider, exchanged, heard } = await arrive('off')
    expect(value(await providers.identify(provider, exchanged))).toMatchObject({ email: 'ada@example.com' })
    expect(userinfoCalls()).toBe(0)
    expect(
      providers.health().filter(({ endpointType, provider: id }) => id === provider.id && endpointType === 'userinfo'),
    ).toEqual([])
    // There is no profile to show later, which needs no token and is no failure of the provider.
    const token = async (): Promise<never> => {
      throw new Error('no token is needed')
    }
    expect(await providers.profile(provider, { issuer: provider.issuer, subject: 'ada' }, token)).toMatchObject(
      failed({ reason: 'no_userinfo' }),
    )
    expect([heard('provider.call_failed'), heard('provider.call_refused')]).toEqual([[], []])
  })
})

describe('optional UserInfo', () => {
  test('is used when it responds', async () => {
    fault({ kind: 'mutate', change: (body) => ({ ...body, name: 'Countess' }) })
    const { providers, provider, exchanged } = await arrive('optional')
    expect(value(await providers.identify(provider, exchanged))).toMatchObject({ name: 'Countess' })
  })

  test.each<[string, Fault]>([
    ['about another user', { kind: 'mutate', change: (body) => ({ ...body, sub: 'eve' }) }],
    ['without a subject', { kind: 'mutate', change: ({ sub: _sub, ...body }) => body }],
    ['that is an HTML page', { kind: 'html' }],
    ['that redirects', { kind: 'redirect', to: 'http://127.0.0.1:9/' }],
  ])('must be valid when it responds: one %s is refused', async (_name, what) => {
    fault(what)
    const { providers, provider, exchanged } = await arrive('optional')
    expect(await providers.identify(provider, exchanged)).toMatchObject(failed({ kind: 'garbage' }))
  })

  test('that is down is skipped when the id_token has the email address', async () => {
    const { providers, provider, exchanged } = await arrive('optional')
    fault({ kind: 'status', status: 503 })
    expect(value(await providers.identify(provider, exchanged))).toMatchObject({ email: 'ada@example.com' })
  })

  test('that is down delays the sign-in when only it has the email address, to avoid a second account', async () => {
    world.sandbox.fault({ provider: 'oidc', endpoint: 'token' }, { kind: 'id-token', claims: { email: null } })
    const { providers, provider, exchanged } = await arrive('optional')
    expect(value(await providers.identify(provider, exchanged))).toMatchObject({ email: 'ada@example.com' })
    fault({ kind: 'status', status: 503 })
    expect(await providers.identify(provider, exchanged)).toMatchObject({ error: { code: 'provider_unavailable' } })
  })

  test.each([
    ['required', 'down'],
    ['optional', 'degraded'],
  ] as const)('that is %s and fails leaves the provider %s', async (userinfo, status) => {
    const opened = world.open({ breaker: { volume: 1 } }, (one) => (one.kind === 'oidc' ? { ...one, userinfo } : one))
    const provider = named(opened.providers, 'oidc')
    const { callback, flow } = await visit(opened.providers, provider)
    const exchanged = value(await opened.providers.exchange(provider, callback, flow))
    fault({ kind: 'status', status: 500 })
    for (let n = 0; n < 2; n += 1) await opened.providers.identify(provider, exchanged)
    expect(opened.providers.status(provider)).toBe(status)
  })

  test('cannot be skipped where no id_token was sent', async () => {
    const opened = world.open({}, (one) => ({ ...one, scopes: ['email'], userinfo: 'optional' }))
    const provider = named(opened.providers, 'google')
    const { exchanged } = await enter(world.sandbox, opened.providers, provider)
    expect(exchanged.idToken).toBeNull()
    world.sandbox.fault({ provider: 'google', endpoint: 'userinfo' }, { kind: 'status', status: 401 })
    expect(await opened.providers.identify(provider, exchanged)).toMatchObject(failed({ kind: 'refused' }))
  })
})

test('Google without UserInfo is identified by its id_token, and no other call is made', async () => {
  const { providers, provider, exchanged } = await arrive('off', 'google')
  expect(value(await providers.identify(provider, exchanged))).toMatchObject({
    email: 'ada@example.com',
    emailVerified: true,
    emailAuthoritative: true,
  })
  expect(userinfoCalls('google')).toBe(0)
})

describe('signed UserInfo', () => {
  beforeEach(() => {
    world.sandbox.switches.oidc.userinfo = 'signed'
  })

  test.each<[string, Fault, string]>([
    ['with another issuer', { kind: 'id-token', claims: { iss: 'https://evil.example' } }, 'userinfo_jwt_iss'],
    ['without an issuer', { kind: 'id-token', claims: { iss: null } }, 'userinfo_jwt_iss'],
    ['for another client', { kind: 'id-token', claims: { aud: 'somebody-else' } }, 'userinfo_jwt_aud'],
    ['without an audience', { kind: 'id-token', claims: { aud: null } }, 'userinfo_jwt_aud'],
    ['that has expired', { kind: 'id-token', claims: { exp: 1 } }, 'userinfo_jwt_exp'],
    ['with an infinite expiry', { kind: 'id-token', claims: { exp: 2 ** 53 } }, 'userinfo_jwt_exp'],
    ['with a word for an expiry', { kind: 'id-token', claims: { exp: 'tomorrow' } }, 'userinfo_jwt_exp'],
    ['about another user', { kind: 'id-token', claims: { sub: 'eve' } }, 'sub_mismatch'],
    ['without a subject', { kind: 'id-token', claims: { sub: null } }, 'sub_mismatch'],
    ['without a signature', { kind: 'id-token', alg: 'none' }, 'userinfo_jwt_alg'],
    ['signed with the client secret', { kind: 'id-token', alg: 'HS256' }, 'userinfo_jwt_alg'],
    ['signed by an unpublished key', { kind: 'id-token', kid: 'strange' }, 'userinfo_jwt_unknown_key'],
    ['signed under the ID of a published key', { kind: 'id-token', kid: 'acme-rs256-1' }, 'userinfo_jwt_signature'],
  ])('%s is refused', async (_name, what, reason) => {
    fault(what)
    for (const userinfo of ['required', 'optional'] as const) {
      const { providers, provider, exchanged, heard } = await arrive(userinfo)
      expect(await providers.identify(provider, exchanged)).toMatchObject(failed({ kind: 'garbage', reason }))
      expect(heard('provider.call_failed')).toEqual([{ provider: provider.id, endpoint_type: 'userinfo', reason }])
    }
  })

  test('without an expiry is valid, and so is one for several audiences', async () => {
    fault({ kind: 'id-token', claims: { exp: null, aud: ['other', named(open().providers, 'oidc').clientId] } })
    const { providers, provider, exchanged } = await arrive()
    expect(value(await providers.identify(provider, exchanged))).toMatchObject({ name: 'Ada Example' })
  })

  test('may be signed by a key created after the sign-in began', async () => {
    const { providers, provider, exchanged } = await arrive()
    world.turn(60)
    world.sandbox.rotateKeys('oidc')
    expect(value(await providers.identify(provider, exchanged))).toMatchObject({ name: 'Ada Example' })
  })

  test('that is encrypted is refused, and the log names the reason', async () => {
    world.sandbox.switches.oidc.userinfo = 'encrypted'
    const { providers, provider, exchanged, heard } = await arrive()
    const reason = 'userinfo_jwt_encrypted'
    expect(await providers.identify(provider, exchanged)).toMatchObject(failed({ reason }))
    expect(heard('provider.call_failed')).toEqual([{ provider: provider.id, endpoint_type: 'userinfo', reason }])
  })

  test('is shown as a profile, too', async () => {
    const { providers, provider, exchanged } = await arrive()
    const { subject } = value(await providers.identify(provider, exchanged))
    const token = async () => ({ ok: true as const, value: exchanged.tokens.accessToken })
    expect(value(await providers.profile(provider, { issuer: provider.issuer, subject }, token)).profile).toMatchObject(
      { name: 'Ada Example' },
    )
  })
})

describe('UserInfo with the type application/jwt', () => {
  let issuer: Issuer
  let key: JWK
  let sign: (payload: Record<string, unknown> | string, header?: Record<string, unknown>) => Promise<string>
  const now = new Date('2026-11-20T12:00:00Z')
  const at = now.getTime() / 1000

  beforeEach(async () => {
    issuer = await startIssuer()
    const pair = await generateKeyPair('ES256')
    key = { ...(await exportJWK(pair.publicKey)), kid: 'k' }
    sign = (payload, header = {}) =>
      new SignJWT(payload as Record<string, unknown>)
        .setProtectedHeader({ alg: 'ES256', kid: 'k', ...header })
        .sign(pair.privateKey)
    issuer.say('/.well-known/openid-configuration', issuer.metadata)
    issuer.say('/jwks', () => ({ keys: [key] }))
    const id_token = await sign({ iss: issuer.url, aud: 'client', sub: 'ada', nonce: 'n', iat: at, exp: at + 60 })
    issuer.say('/token', () => ({ access_token: 'at', token_type: 'Bearer', id_token }))
  })
  afterEach(() => issuer.close())

  const identify = async (answer: string, type = 'application/jwt') => {
    issuer.say('/userinfo', () => answer, type)
    const { providers } = openProviders([issuer.settings], () => now)
    const [provider] = providers.list()
    if (!provider) throw new Error('acme is configured')
    const flow = { redirectUri: 'http://localhost:3000/cb', verifier: 'v'.repeat(43), nonce: 'n' }
    const exchanged = value(await providers.exchange(provider, { code: 'c', state: 's' }, flow))
    const claims = await providers.identify(provider, exchanged)
    await providers.close()
    return claims
  }
  const claims = (more: Record<string, unknown> = {}) => ({
    iss: issuer.url,
    aud: 'client',
    sub: 'ada',
    name: 'Ada',
    ...more,
  })
  const reason = (text: string) => failed({ kind: 'garbage', reason: text })

  test('may have it in upper case and with a charset', async () => {
    expect(value(await identify(await sign(claims()), 'Application/JWT; charset=utf-8'))).toMatchObject({ name: 'Ada' })
  })

  test('may name no key when the issuer has several', async () => {
    const other = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'other' }
    issuer.say('/jwks', () => ({ keys: [other, key] }))
    const id_token = await sign({ iss: issuer.url, aud: 'client', sub: 'ada', nonce: 'n', iat: at, exp: at + 60 })
    issuer.say('/token', () => ({ access_token: 'at', token_type: 'Bearer', id_token }))
    expect(value(await identify(await sign(claims(), { kid: undefined })))).toMatchObject({ name: 'Ada' })
  })

  test('must be a complete JWT, not JSON', async () => {
    for (const answer of [JSON.stringify(claims()), 'eyJ.eyJ', '', 'a.b.c', (await sign(claims())).slice(0, -3)])
      expect(await identify(answer), answer).toMatchObject(failed({ kind: 'garbage' }))
  })

  test('is rejected under any other type', async () => {
    for (const type of ['application/json', 'text/plain', 'application/jwt-ish'])
      expect(await identify(await sign(claims()), type)).toMatchObject(reason('not_json'))
  })

  test('is refused with a critical header', async () => {
    const token = await sign(claims())
    const [, payload, signature] = token.split('.')
    for (const [more, fault] of [
      [{ b64: false }, 'b64'],
      [{ crit: ['b64'], b64: true }, 'b64'],
      [{ crit: ['exp'] }, 'crit'],
    ] as const) {
      const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'k', ...more })).toString('base64url')
      expect(await identify(`${header}.${payload}.${signature}`)).toMatchObject(reason(`userinfo_jwt_${fault}`))
    }
  })
})
