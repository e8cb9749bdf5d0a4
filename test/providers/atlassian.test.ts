import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Claims } from '../../src/providers/provider.ts'
import { providerContract } from './contract.ts'
import { enter, named, startWorld, type TestWorld, value, visit } from './fixture.ts'

const person =
  (more: Partial<Claims>) =>
  (subject: string): Claims => ({
    subject,
    email: 'ada@example.com',
    emailVerified: true,
    emailAuthoritative: false,
    name: 'Ada Example',
    picture: 'https://secure.gravatar.com/avatar/b5fc85e55755f9e0d030a10ab4429b6b',
    ...more,
  })

providerContract('atlassian', {
  arrangeRevocation({ switches }) {
    switches.atlassian.revoke = 200
  },
  claims: {
    ada: person({}),
    linus: (subject) => ({
      ...person({ name: 'Linus Private', email: null, emailVerified: false })(subject),
      picture: expect.stringContaining('gravatar.com'),
    }),
    mallory: person({ name: 'Mallory Example', emailVerified: false }),
  },
  // A user who is not marked as active is inactive.
  spoilt: 'nobody',
  withoutSubject: ({ account_id: _id, ...body }) => body,
})

describe('with Atlassian,', () => {
  let world: TestWorld
  beforeAll(async () => {
    world = await startWorld()
  })
  afterEach(() => world.reset())
  afterAll(() => world.close())
  const open = () => {
    const { providers } = world.open()
    return { providers, provider: named(providers, 'atlassian') }
  }

  test('a sign-in is requested with its audience and with prompt=consent, which it requires', async () => {
    const { providers, provider } = open()
    const { url } = await visit(providers, provider)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      audience: 'api.atlassian.com',
      prompt: 'consent',
      scope: 'read:me offline_access',
    })
    expect(url.searchParams.has('nonce')).toBe(false)
  })

  test.each([
    ['inactive', { account_status: 'inactive' }],
    ['closed', { account_status: 'closed' }],
    ['an app', { account_type: 'app' }],
    ['a customer', { account_type: 'customer' }],
  ])('an account that is %s does not sign in', async (_name, changes) => {
    world.sandbox.addIdentity(
      { key: 'eve', name: 'Eve', email: 'eve@example.com', verified: true },
      { atlassian: changes },
    )
    world.sandbox.as('eve')
    const { providers, provider } = open()
    const { callback, flow } = await visit(providers, provider)
    const exchanged = value(await providers.exchange(provider, callback, flow))
    expect(await providers.identify(provider, exchanged)).toMatchObject({ error: { code: 'user_info_fetch_failed' } })
  })

  test.each([undefined, false, 'true', 1, null])(
    'an email address is verified by `true` only, not by %s',
    async (said) => {
      const { providers, provider } = open()
      const change = (body: Record<string, unknown>) => ({ ...body, email_verified: said })
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'userinfo' }, { kind: 'mutate', change })
      const { claims } = await enter(world.sandbox, providers, provider)
      expect(claims).toMatchObject({ email: 'ada@example.com', emailVerified: false })
    },
  )

  test('its email addresses are not trusted, unless the operator says so', async () => {
    const { providers, provider } = open()
    const { claims } = await enter(world.sandbox, providers, provider)
    expect(claims.emailVerified).toBe(true)
    expect(providers.trusts(provider, claims)).toBe(false)
    const trusting = world.open({}, (one) => ({ ...one, emailTrust: 'verified' })).providers
    expect(trusting.trusts(named(trusting, 'atlassian'), claims)).toBe(true)
    expect(trusting.trusts(named(trusting, 'atlassian'), { ...claims, emailVerified: false })).toBe(false)
  })

  test.each(['observed', 'documented'] as const)(
    'a dead refresh token, returned as %s, needs a new consent',
    async (deadRefresh) => {
      Object.assign(world.sandbox.switches.atlassian, { deadRefresh })
      const { providers, provider } = open()
      const { tokens } = (await enter(world.sandbox, providers, provider)).exchanged
      world.sandbox.killRefreshTokens('atlassian')
      expect(await providers.refresh(provider, String(tokens.refreshToken))).toMatchObject({
        tag: 'needs_reauthorization',
      })
    },
  )

  test.each(['access_denied', 'invalid_client'] as const)(
    'a wrong client secret, returned as %s, does not count as the user’s denial',
    async (wrongSecret) => {
      Object.assign(world.sandbox.switches.atlassian, { wrongSecret })
      const right = open()
      const { tokens } = (await enter(world.sandbox, right.providers, right.provider)).exchanged
      const { providers } = world.open({}, (one) => ({ ...one, clientSecret: 'wrong' }))
      const provider = named(providers, 'atlassian')
      expect(await providers.refresh(provider, String(tokens.refreshToken))).toEqual({
        tag: 'client_config',
        reason: wrongSecret,
      })
      const { callback, flow } = await visit(providers, provider)
      expect(await providers.exchange(provider, callback, flow)).toMatchObject({
        error: { code: 'token_exchange_failed', cause: { code: wrongSecret } },
      })
    },
  )

  test.each([
    ['current', 'invalid_request'],
    ['legacy', 'invalid_grant'],
  ] as const)('an invalid code, returned as %s, is a refusal', async (deadCode, code) => {
    world.sandbox.switches.atlassian.deadCode = deadCode
    const { providers, provider } = open()
    const { callback, flow } = await visit(providers, provider)
    expect(await providers.exchange(provider, { ...callback, code: 'spent' }, flow)).toMatchObject({
      error: { code: 'token_exchange_failed', cause: { kind: 'refused', code } },
    })
  })

  test('a refresh returns a new refresh token', async () => {
    const { providers, provider } = open()
    const { tokens } = (await enter(world.sandbox, providers, provider)).exchanged
    const refreshed = await providers.refresh(provider, String(tokens.refreshToken))
    if (refreshed.tag !== 'refreshed') throw new Error(refreshed.reason)
    expect(refreshed.tokens.refreshToken).not.toBe(tokens.refreshToken)
    expect(refreshed.tokens).toMatchObject({ scopes: ['read:me', 'offline_access'], expiresAt: expect.any(Date) })
  })

  test('tokens cannot be revoked without a revocation endpoint', async () => {
    const { providers, provider } = open()
    const { tokens } = (await enter(world.sandbox, providers, provider)).exchanged
    expect(provider.revokes).toBeNull()
    expect(await providers.revoke(provider, tokens)).toEqual({ tag: 'not_supported' })
    const { providers: plain } = world.open({}, (one) => {
      const { revoke: _revoke, ...urls } = one.urls
      return { ...one, urls }
    })
    world.sandbox.clearJournal()
    expect(named(plain, 'atlassian').revokes).toBe(false)
    expect(await plain.revoke(named(plain, 'atlassian'), tokens)).toEqual({ tag: 'not_supported' })
    expect(world.sandbox.journal).toHaveLength(0)
  })

  test('its rate limit ends at the time it names', async () => {
    const { providers, provider } = open()
    const { exchanged } = await enter(world.sandbox, providers, provider)
    const reset = new Date(world.clock().getTime() + 60_000).toISOString()
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }
    world.sandbox.fault(
      { provider: 'atlassian', endpoint: 'userinfo', times: 1 },
      { kind: 'status', status: 429, headers },
    )
    expect(await providers.identify(provider, exchanged)).toMatchObject({
      error: { retryAfter: expect.closeTo(60, -1) },
    })
    expect(await providers.identify(provider, exchanged)).toMatchObject({ error: { cause: { reason: 'held_off' } } })
    world.turn(61)
    value(await providers.identify(provider, exchanged))
  })
})
