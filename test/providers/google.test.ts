import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { google } from '../../src/providers/definitions/google.ts'
import type { Claims, ProviderSettings } from '../../src/providers/provider.ts'
import { nothing, providerContract } from './contract.ts'
import { enter, named, startWorld, type TestWorld, value, visit } from './fixture.ts'

const person =
  (key: string, more: Partial<Claims>) =>
  (subject: string): Claims => ({
    subject,
    email: 'ada@example.com',
    emailVerified: true,
    emailAuthoritative: true,
    name: 'Ada Example',
    picture: `https://lh3.googleusercontent.com/a/sandbox-${key}=s96-c`,
    ...more,
  })

providerContract('google', {
  // Google's revocation endpoint authenticates no client.
  authenticatesRevocation: false,
  claims: {
    ada: person('ada', { hostedDomain: 'example.com' }),
    linus: person('linus', { name: 'Linus Private', email: null, emailVerified: false, emailAuthoritative: false }),
    mallory: person('mallory', { name: 'Mallory Example', emailVerified: false, emailAuthoritative: false }),
  },
  // The signed id_token determines the account.
  spoilt: { ...nothing, hostedDomain: 'example.com' },
  withoutSubject: ({ sub: _sub, ...body }) => body,
})

describe('Google', () => {
  let world: TestWorld
  beforeAll(async () => {
    world = await startWorld()
    await world.warm('google')
  })
  afterEach(() => world.reset())
  afterAll(() => world.close())
  const open = (change?: (settings: ProviderSettings) => ProviderSettings) => {
    const { providers } = world.open({}, change)
    return { providers, provider: named(providers, 'google') }
  }
  const settings: ProviderSettings = {
    id: 'google',
    kind: 'google',
    name: 'Google',
    clientId: 'id',
    clientSecret: 'secret',
    redirectUris: {},
    urls: {},
    breaker: { timeoutMs: 1, errorThresholdPercent: 1, volume: 1, resetMs: 1 },
  }
  const read = (json: Record<string, unknown>) => google.claims({ id: '', _json: { sub: '1', ...json } }, settings)

  test('hosts the mailboxes of gmail.com and of hosted domains, and no others', () => {
    const proven = { email_verified: true }
    expect(read({ email: 'grace@gmail.com', ...proven })).toMatchObject({ emailAuthoritative: true })
    expect(read({ email: 'ada@corp.example', hd: 'corp.example', ...proven })).toMatchObject({
      emailAuthoritative: true,
    })
    expect(read({ email: 'ada@elsewhere.example', ...proven })).toMatchObject({ emailAuthoritative: false })
    expect(read({ email: 'eve@notgmail.com', ...proven })).toMatchObject({ emailAuthoritative: false })
    expect(read({ email: 'eve@gmail.com.example', ...proven })).toMatchObject({ emailAuthoritative: false })
    expect(read({ email: 'grace@gmail.com', email_verified: 'true' })).toMatchObject({ emailAuthoritative: false })
  })

  test.each([
    [undefined, null],
    [['corp.example'], 'corp.example'],
    [['corp.example', 'other.example'], '*'],
  ])('with hosted domains %j limits its account chooser: hd %s', async (hostedDomains, hd) => {
    const { providers, provider } = open((one) => ({ ...one, ...(hostedDomains && { hostedDomains }) }))
    const redirectUri = String(provider.redirectUris.default)
    const { url } = value(await providers.begin(provider, { redirectUri, intent: 'login' }))
    expect(url.searchParams.get('hd')).toBe(hd)
  })

  test('proves the hosted domain in the signed id_token, whatever userinfo says', async () => {
    const { providers, provider } = open((one) => ({ ...one, hostedDomains: ['corp.example'] }))
    world.sandbox.fault(
      { provider: 'google', endpoint: 'userinfo' },
      { kind: 'mutate', change: (body) => ({ ...body, hd: 'corp.example' }) },
    )
    for (const [who, hostedDomain] of [
      ['ada', 'example.com'],
      ['zoe', undefined],
    ] as const) {
      const { claims } = await enter(world.sandbox, providers, provider, who)
      expect(claims.hostedDomain).toBe(hostedDomain)
      expect(providers.admits(provider, claims)).toMatchObject({ error: { code: 'sign_in_restricted' } })
    }
  })

  test('has subjects of 21 digits, beyond a safe integer', async () => {
    const { providers, provider } = open()
    const { claims } = await enter(world.sandbox, providers, provider, 'zoe')
    expect(claims).toMatchObject({ subject: '998877665544332211009', name: 'Zoë 🦊' })
    expect(read({ sub: 998877665544332211009n.toString() })).toMatchObject({ subject: '998877665544332211009' })
    expect(read({ sub: 42 })).toEqual({ unreadable: 'no_subject' })
  })

  test('is asked for offline access by parameter, with a nonce, and without the scope that it rejects', async () => {
    const { providers, provider } = open((one) => ({ ...one, scopes: ['openid', 'email', 'offline_access'] }))
    const redirectUri = String(provider.redirectUris.default)
    const login = value(await providers.begin(provider, { redirectUri, intent: 'login' }))
    expect(Object.fromEntries(login.url.searchParams)).toMatchObject({
      access_type: 'offline',
      nonce: login.nonce,
      scope: 'openid email',
    })
    // Google allows a hundred refresh tokens for each account and client: forced consent at every sign-in would end the
    // oldest.
    expect(login.url.searchParams.has('prompt')).toBe(false)
    const link = value(await providers.begin(provider, { redirectUri, intent: 'link' }))
    expect(link.url.searchParams.get('prompt')).toBe('select_account')
  })

  test.each(['https://accounts.google.com', 'accounts.google.com'] as const)(
    'may use the issuer %s',
    async (issuer) => {
      world.sandbox.switches.google.issuer = issuer
      const { providers, provider } = open()
      const { exchanged } = await enter(world.sandbox, providers, provider)
      expect(exchanged.idToken?.iss).toBe(issuer)
    },
  )

  test('is refused without an id_token, unless `openid` was not requested', async () => {
    world.sandbox.switches.google.idToken = false
    const { providers, provider } = open()
    const { callback, flow } = await visit(providers, provider)
    expect(await providers.exchange(provider, callback, flow)).toMatchObject({
      error: { code: 'token_exchange_failed', cause: { reason: 'id_token_missing' } },
    })
    // The scopes of this request count, not the provider's usual ones.
    const more = await visit(providers, provider)
    const scopes = [...provider.scopes, 'https://www.googleapis.com/auth/calendar.readonly']
    expect(await providers.exchange(provider, more.callback, { ...more.flow, scopes })).toMatchObject({
      error: { cause: { reason: 'id_token_missing' } },
    })
    const plain = open((one) => ({ ...one, scopes: ['email', 'profile'] }))
    const { exchanged, claims } = await enter(world.sandbox, plain.providers, plain.provider)
    expect([exchanged.idToken, claims.email]).toEqual([null, 'ada@example.com'])
  })

  test('with other URLs is another issuer with other users', async () => {
    const issuer = `${world.sandbox.url}/google`
    world.sandbox.switches.google.issuer = issuer
    const { providers, provider } = open((one) => ({ ...one, issuer }))
    expect((await enter(world.sandbox, providers, provider)).exchanged.idToken?.iss).toBe(issuer)
    expect(provider.issuer).toBe(issuer)
    expect(provider.authorizeOrigin()).toBe(world.sandbox.url)
    for (const itself of ['https://accounts.google.com', 'accounts.google.com']) {
      world.sandbox.switches.google.issuer = itself
      const { callback, flow } = await visit(providers, provider)
      expect(await providers.exchange(provider, callback, flow)).toMatchObject({ error: { code: 'flow_mismatch' } })
      const unnamed = { code: callback.code, state: callback.state }
      expect(await providers.exchange(provider, unnamed, flow)).toMatchObject({
        error: { cause: { reason: 'id_token_iss' } },
      })
    }
    // Configuring the default value explicitly changes nobody's identity.
    expect(open((one) => ({ ...one, issuer: 'https://accounts.google.com' })).provider.issuer).toBe('google')
  })

  test('may change its keys between two sign-ins, and during one', async () => {
    const { providers, provider } = open()
    await enter(world.sandbox, providers, provider)
    const under = await visit(providers, provider)
    world.sandbox.rotateKeys('google')
    value(await providers.exchange(provider, under.callback, under.flow))
    await enter(world.sandbox, providers, provider)
    expect(world.sandbox.journal.calls('google', 'jwks')).toHaveLength(2)
  })

  test('may omit iss in the callback, but not send another', async () => {
    const { providers, provider } = open()
    const { callback, flow } = await visit(providers, provider)
    expect(callback.iss).toBe('https://accounts.google.com')
    const elsewhere = { ...callback, iss: 'https://accounts.google.com/' }
    expect(await providers.exchange(provider, elsewhere, flow)).toMatchObject({ error: { code: 'flow_mismatch' } })
    expect(world.sandbox.journal.calls('google', 'token')).toEqual([])
    value(await providers.exchange(provider, { code: callback.code, state: callback.state }, flow))
  })

  test('may omit the profile from the id_token, and scopes from the consent', async () => {
    world.sandbox.switches.google.idTokenProfile = false
    const { providers, provider } = open()
    expect((await enter(world.sandbox, providers, provider)).claims).toMatchObject({
      email: 'ada@example.com',
      name: 'Ada Example',
    })
    world.sandbox.switches.google.unticked = ['email']
    const { claims, exchanged } = await enter(world.sandbox, providers, provider)
    expect(claims).toMatchObject({ email: null, emailVerified: false, emailAuthoritative: false })
    expect(exchanged.tokens.scopes).not.toContain('https://www.googleapis.com/auth/userinfo.email')
  })

  test('returns a refresh token at the first consent only, and none at a refresh', async () => {
    const { providers, provider } = open()
    const first = (await enter(world.sandbox, providers, provider)).exchanged.tokens
    expect((await enter(world.sandbox, providers, provider)).exchanged.tokens.refreshToken).toBeNull()
    const again = await providers.refresh(provider, String(first.refreshToken))
    expect(again).toMatchObject({ tag: 'refreshed', tokens: { refreshToken: null, accessToken: expect.any(String) } })
  })

  test('needs no keys when the operator changed the token endpoint, but its claims are checked', async () => {
    const { providers, provider } = open((one) => {
      const { jwks: _jwks, ...urls } = one.urls
      return { ...one, urls }
    })
    await enter(world.sandbox, providers, provider)
    expect(world.sandbox.journal.calls('google', 'jwks')).toEqual([])
    const { callback, flow } = await visit(providers, provider)
    world.sandbox.fault(
      { provider: 'google', endpoint: 'token' },
      { kind: 'id-token', claims: { aud: 'somebody-else' } },
    )
    expect(await providers.exchange(provider, callback, flow)).toMatchObject({
      error: { code: 'token_exchange_failed', cause: { reason: 'id_token_aud' } },
    })
  })

  test.each([
    ['a dead refresh token', { status: 400, body: { error: 'invalid_grant' } }, 'needs_reauthorization'],
    [
      'a session policy',
      { status: 400, body: { error: 'invalid_grant', error_subtype: 'invalid_rapt' } },
      'needs_reauthorization',
    ],
    ['a wrong secret', { status: 401, body: { error: 'invalid_client' } }, 'client_config'],
    ['a deleted client', { status: 401, body: { error: 'deleted_client' } }, 'client_config'],
    ['an HTML page', { status: 403, body: '<h1>Forbidden</h1>' }, 'transient'],
    ['an outage', { status: 502 }, 'transient'],
  ] as const)('that refuses a refresh for %s is classified', async (_name, answer, tag) => {
    const { providers, provider } = open()
    world.sandbox.fault({ provider: 'google', endpoint: 'token' }, { kind: 'status', ...answer })
    expect(await providers.refresh(provider, '1//0gone')).toMatchObject({ tag })
    expect(world.sandbox.journal.calls('google', 'token')).toHaveLength(1)
  })
})
