/** Microsoft Entra ID for any tenant, Azure AD B2C and LinkedIn: what their settings allow, and what stays refused. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DISCOVERY, issuersAt, TENANTS } from '../../sandbox/providers/oidc-guises.ts'
import type { Claims, ProviderSettings } from '../../src/providers/provider.ts'
import { providerContract } from './contract.ts'
import { enter, named, startWorld, type TestWorld, value, visit } from './fixture.ts'

const oidc = (sandboxUrl: string, like: 'entra' | 'b2c') => ({
  issuer: issuersAt(sandboxUrl)[like],
  discoveryUrl: `${sandboxUrl}/oidc${DISCOVERY[like]}`,
})
const person =
  (key: string, more: Partial<Claims>) =>
  (subject: string): Claims => ({
    subject,
    email: 'ada@example.com',
    // Microsoft never marks an email address as verified.
    emailVerified: false,
    emailAuthoritative: false,
    name: 'Ada Example',
    picture: `https://lh3.googleusercontent.com/a/sandbox-${key}=s96-c`,
    ...more,
  })

providerContract('oidc', {
  acceptTokenAuth({ switches }, tokenAuth) {
    switches.oidc.tokenAuth = `client_secret_${tokenAuth}`
  },
  claims: {
    ada: person('ada', {}),
    linus: person('linus', { name: 'Linus Private', email: null }),
    mallory: person('mallory', { name: 'Mallory Example' }),
  },
  spoilt: { email: null, emailVerified: false, emailAuthoritative: false, name: null, picture: null },
  withoutSubject: ({ sub: _sub, ...body }) => body,
  revokes: false,
  registered: {
    as: 'Entra ID for any tenant',
    arrange: ({ switches }) => {
      switches.oidc.like = 'entra'
    },
    configure: (one, { url }) => ({ ...one, ...oidc(url, 'entra'), tenants: 'any' }),
  },
})

let world: TestWorld
beforeAll(async () => {
  world = await startWorld()
  await world.warm('oidc')
})
afterEach(() => world.reset())
afterAll(() => world.close())

const open = (more: Partial<ProviderSettings> = {}) => {
  const opened = world.open({}, (one) => (one.kind === 'oidc' ? { ...one, ...more } : one))
  return { ...opened, provider: named(opened.providers, 'oidc') }
}
const exchange = async ({ providers, provider }: ReturnType<typeof open>) => {
  const { callback, flow } = await visit(providers, provider)
  return providers.exchange(provider, callback, flow)
}
const refused = (reason: string) => ({ ok: false, error: { code: 'token_exchange_failed', cause: { reason } } })

describe('Entra ID for any tenant', () => {
  beforeEach(() => {
    world.sandbox.switches.oidc.like = 'entra'
    const mallory = world.sandbox.identities.get('mallory')?.oidc
    if (mallory) mallory.tid = TENANTS.fabrikam
  })
  const entra = (tenants: ProviderSettings['tenants'] = 'any', more: Partial<ProviderSettings> = {}) =>
    open({ ...oidc(world.sandbox.url, 'entra'), ...(tenants === undefined ? {} : { tenants }), ...more })
  const issuerOf = (tenant: string) => issuersAt(world.sandbox.url).entra.replace('{tenantid}', tenant)
  const inToken = (claims: Record<string, unknown>) =>
    world.sandbox.fault({ provider: 'oidc', endpoint: 'token' }, { kind: 'id-token', claims })

  test('has users of many issuers, each under the one the id_token proved', async () => {
    const { providers, provider } = entra()
    const ada = (await enter(world.sandbox, providers, provider, 'ada')).exchanged
    const mallory = (await enter(world.sandbox, providers, provider, 'mallory')).exchanged
    expect([ada.issuer, mallory.issuer]).toEqual([issuerOf(TENANTS.contoso), issuerOf(TENANTS.fabrikam)])
    expect(ada.idToken?.iss).toBe(ada.issuer)
    for (const { issuer } of [ada, mallory]) expect(provider.speaksFor(issuer)).toBe(true)
    for (const issuer of [provider.issuer, issuerOf('common'), `${ada.issuer}/`, 'https://evil.example', provider.id])
      expect(provider.speaksFor(issuer)).toBe(false)
  })

  test('with a list of tenants admits only users of those', async () => {
    const opened = entra([TENANTS.contoso])
    await enter(world.sandbox, opened.providers, opened.provider, 'ada')
    world.sandbox.as('mallory')
    expect(await exchange(opened)).toMatchObject({ ok: false, error: { code: 'sign_in_restricted' } })
    // Otherwise anyone with an account elsewhere could make the provider look unhealthy.
    expect(opened.heard('provider.call_failed')).toEqual([])
    expect(opened.provider.speaksFor(issuerOf(TENANTS.fabrikam))).toBe(false)
  })

  test.each<[string, (tenant: string) => Record<string, unknown>, string]>([
    ['names one tenant and comes from another', () => ({ tid: TENANTS.fabrikam }), 'id_token_tenant'],
    ['names no tenant', () => ({ tid: null }), 'id_token_tenant'],
    ['names the template', () => ({ iss: issuersAt(world.sandbox.url).entra, tid: '{tenantid}' }), 'id_token_tenant'],
    ['names an alias', () => ({ iss: issuerOf('common'), tid: 'common' }), 'id_token_iss'],
    ['has its tenant in upper case', (tenant) => ({ iss: issuerOf(tenant.toUpperCase()) }), 'id_token_iss'],
    ['has an issuer on another host', (tenant) => ({ iss: `https://evil.example/${tenant}/v2.0` }), 'id_token_iss'],
    ['has no issuer', () => ({ iss: null }), 'id_token_iss'],
    ['is for another client', () => ({ aud: 'other' }), 'id_token_aud'],
    ['has another nonce', () => ({ nonce: 'other' }), 'id_token_nonce'],
  ])('refuses an id_token that %s', async (_name, claims, reason) => {
    inToken(claims(TENANTS.contoso))
    expect(await exchange(entra())).toMatchObject(refused(reason))
  })

  test('rejects a tenant’s token that was signed by a key for personal accounts', async () => {
    world.sandbox.switches.oidc.keyIssuer = issuerOf(TENANTS.personal)
    expect(await exchange(entra())).toMatchObject(refused('id_token_unknown_key'))
    const ada = world.sandbox.identities.get('ada')?.oidc
    if (ada) ada.tid = TENANTS.personal
    expect(value(await exchange(entra())).issuer).toBe(issuerOf(TENANTS.personal))
  })

  test('may rotate its keys', async () => {
    const opened = entra()
    value(await exchange(opened))
    world.sandbox.rotateKeys('oidc')
    value(await exchange(opened))
  })

  test('never verifies an email address, whatever it sends and whatever is configured', async () => {
    inToken({ email_verified: true })
    const { providers, provider } = entra('any', { emailTrust: 'verified', emailDomains: ['example.com'] })
    const { claims } = await enter(world.sandbox, providers, provider)
    expect(claims).toMatchObject({ email: 'ada@example.com', emailVerified: false })
    expect(providers.trusts(provider, claims)).toBe(false)
    expect(providers.admits(provider, claims)).toMatchObject({ ok: false })
  })

  test('may name a tenant in the callback, which must match the id_token', async () => {
    const { providers, provider } = entra()
    const go = async (iss: string) => {
      const { callback, flow } = await visit(providers, provider)
      expect(callback.iss).toBeUndefined()
      return providers.exchange(provider, { ...callback, iss }, flow)
    }
    value(await go(issuerOf(TENANTS.contoso)))
    const mismatch = { error: { code: 'flow_mismatch' } }
    expect(await go(issuerOf(TENANTS.fabrikam))).toMatchObject(mismatch)
    const calls = world.sandbox.journal.calls('oidc', 'token').length
    for (const iss of [provider.issuer, issuerOf('common'), 'https://evil.example'])
      expect(await go(iss)).toMatchObject(mismatch)
    expect(world.sandbox.journal.calls('oidc', 'token')).toHaveLength(calls)
  })

  test('renews tokens for the same user of the same tenant only', async () => {
    const { providers, provider } = entra()
    const { exchanged, claims } = await enter(world.sandbox, providers, provider)
    const of = { issuer: exchanged.issuer, subject: claims.subject }
    const renewed = await providers.refresh(provider, String(exchanged.tokens.refreshToken), of)
    if (renewed.tag !== 'refreshed') throw new Error(renewed.reason)
    inToken({ iss: issuerOf(TENANTS.fabrikam), tid: TENANTS.fabrikam })
    expect(await providers.refresh(provider, String(renewed.tokens.refreshToken), of)).toEqual({
      tag: 'needs_reauthorization',
      reason: 'id_token_tenant',
    })
  })

  test('is discovered only under the exact template that is configured', async () => {
    const { providers, provider } = entra('any', { issuer: 'https://login.example/{tenantid}/v2.0' })
    const begun = await providers.begin(provider, { redirectUri: 'http://localhost:3000/cb', intent: 'login' })
    expect(begun).toMatchObject({ error: { cause: { reason: 'issuer_mismatch' } } })
  })

  test('admits nobody without the setting', async () => {
    expect(await exchange(open(oidc(world.sandbox.url, 'entra')))).toMatchObject(refused('id_token_iss'))
  })
})

describe('Azure AD B2C', () => {
  beforeEach(() => {
    world.sandbox.switches.oidc.like = 'b2c'
  })

  test('is discovered under its user flow, and identified by its issuer', async () => {
    const settings = oidc(world.sandbox.url, 'b2c')
    const { providers, provider, heard } = open(settings)
    const { exchanged, claims } = await enter(world.sandbox, providers, provider)
    expect([exchanged.issuer, exchanged.idToken?.iss]).toEqual([settings.issuer, settings.issuer])
    expect(claims).toMatchObject({ email: 'ada@example.com', name: 'Ada Example' })
    expect(provider.revokes).toBe(false)
    // It has no UserInfo, so there is no profile to show later. That is not reported as a failure.
    const token = async (): Promise<never> => {
      throw new Error('no token is needed')
    }
    expect(
      await providers.profile(provider, { issuer: exchanged.issuer, subject: claims.subject }, token),
    ).toMatchObject({ error: { code: 'user_info_fetch_failed', cause: { reason: 'no_userinfo' } } })
    expect(heard('provider.call_failed')).toEqual([])
  })

  test('is not discovered under its issuer', async () => {
    const { issuer } = oidc(world.sandbox.url, 'b2c')
    const { providers, provider } = open({ issuer })
    const begun = await providers.begin(provider, { redirectUri: 'http://localhost:3000/cb', intent: 'login' })
    expect(begun).toMatchObject({ ok: false, error: { code: 'provider_unavailable' } })
  })

  test('must name the configured issuer in a document at another URL', async () => {
    const { discoveryUrl, issuer } = oidc(world.sandbox.url, 'b2c')
    for (const other of [`${world.sandbox.url}/oidc`, issuer.slice(0, -1), discoveryUrl]) {
      const { providers, provider } = open({ discoveryUrl, issuer: other })
      const begun = await providers.begin(provider, { redirectUri: 'http://localhost:3000/cb', intent: 'login' })
      expect(begun, other).toMatchObject({ error: { cause: { reason: 'issuer_mismatch' } } })
    }
  })
})

describe('a provider that returns no nonce', () => {
  beforeEach(() => {
    world.sandbox.switches.oidc.nonce = false
  })

  test('is refused without the setting', async () => {
    expect(await exchange(open())).toMatchObject(refused('id_token_nonce'))
  })

  test('gets no nonce with the setting, and PKCE binds the code', async () => {
    const { providers, provider } = open({ nonce: 'off' })
    const visited = await visit(providers, provider)
    expect([visited.nonce, visited.url.searchParams.has('nonce')]).toEqual([null, false])
    expect(visited.url.searchParams.get('code_challenge_method')).toBe('S256')
    const stolen = { ...visited.flow, verifier: 'x'.repeat(43) }
    expect(await providers.exchange(provider, visited.callback, stolen)).toMatchObject({
      error: { code: 'token_exchange_failed', cause: { kind: 'refused' } },
    })
    value(await providers.exchange(provider, visited.callback, visited.flow))
  })

  test('must not return the nonce of another request', async () => {
    const fault = { kind: 'id-token', claims: { nonce: 'of another request' } } as const
    world.sandbox.fault({ provider: 'oidc', endpoint: 'token' }, fault)
    expect(await exchange(open({ nonce: 'off' }))).toMatchObject(refused('id_token_nonce'))
  })

  test('must still return a nonce that was sent before the setting changed', async () => {
    const { providers, provider } = open()
    const { callback, flow } = await visit(providers, provider)
    const after = open({ nonce: 'off' })
    expect(await after.providers.exchange(after.provider, callback, flow)).toMatchObject(refused('id_token_nonce'))
  })
})

describe('a provider that rejects PKCE with a secret', () => {
  beforeEach(() => {
    world.sandbox.switches.oidc.pkce = 'refused'
  })

  test('refuses us without the setting, as if the secret were wrong', async () => {
    expect(await exchange(open())).toMatchObject({
      error: { code: 'token_exchange_failed', cause: { status: 401, code: 'invalid_client' } },
    })
  })

  test('gets no PKCE where it is off, and the nonce binds the code', async () => {
    const { providers, provider } = open({ pkce: 'off' })
    const visited = await visit(providers, provider)
    expect([...visited.url.searchParams.keys()].filter((name) => name.startsWith('code_challenge'))).toEqual([])
    expect([visited.verifier, visited.nonce]).toEqual(['', expect.stringMatching(/^.{43}$/)])
    const exchanged = value(await providers.exchange(provider, visited.callback, visited.flow))
    expect(exchanged.idToken?.nonce).toBe(visited.nonce)
    expect(world.sandbox.journal.calls('oidc', 'token')[0]?.body).not.toHaveProperty('code_verifier')
    const victim = await visit(providers, provider)
    expect(await providers.exchange(provider, victim.callback, visited.flow)).toMatchObject(refused('id_token_nonce'))
  })

  test('gets no code without a verifier once PKCE is required again', async () => {
    const { providers, provider } = open({ pkce: 'off' })
    const { callback, flow } = await visit(providers, provider)
    const after = open()
    expect(await after.providers.exchange(after.provider, callback, flow)).toMatchObject({ ok: false })
    expect(world.sandbox.journal.calls('oidc', 'token')).toEqual([])
  })

  test('like LinkedIn, which returns no nonce either, gets PKCE without the secret', async () => {
    Object.assign(world.sandbox.switches.oidc, { nonce: false, tokenAuth: 'none' })
    const { providers, provider } = open({ nonce: 'off', pkce: 'without_secret', clientSecret: '' })
    const { exchanged } = await enter(world.sandbox, providers, provider)
    const renewed = await providers.refresh(provider, String(exchanged.tokens.refreshToken))
    if (renewed.tag !== 'refreshed') throw new Error(renewed.reason)
    expect(await providers.revoke(provider, renewed.tokens)).toEqual({ tag: 'revoked' })
    const { journal } = world.sandbox
    const calls = [...journal.calls('oidc', 'token'), ...journal.calls('oidc', 'revoke')]
    expect(calls).toHaveLength(3)
    for (const { headers, body } of calls) {
      expect(headers).not.toHaveProperty('authorization')
      expect(body).not.toHaveProperty('client_secret')
      expect(body.client_id).toBe(provider.clientId)
    }
    const visited = await visit(providers, provider)
    const stolen = { ...visited.flow, verifier: 'x'.repeat(43) }
    expect(await providers.exchange(provider, visited.callback, stolen)).toMatchObject({
      error: { code: 'token_exchange_failed', cause: { kind: 'refused' } },
    })
  })
})
