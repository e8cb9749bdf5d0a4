import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Claims } from '../../src/providers/provider.ts'
import { nothing, type Promised, providerContract } from './contract.ts'
import { enter, named, openProviders, startWorld, type TestWorld, value, visit } from './fixture.ts'
import { startIssuer } from './issuer.ts'

const person =
  (key: string, more: Partial<Claims>) =>
  (subject: string): Claims => ({
    subject,
    email: 'ada@example.com',
    emailVerified: true,
    emailAuthoritative: false,
    name: 'Ada Example',
    picture: `https://lh3.googleusercontent.com/a/sandbox-${key}=s96-c`,
    ...more,
  })

const promised: Promised = {
  acceptTokenAuth({ switches }, tokenAuth) {
    switches.oidc.tokenAuth = `client_secret_${tokenAuth}`
  },
  claims: {
    ada: person('ada', {}),
    linus: person('linus', { name: 'Linus Private', email: null, emailVerified: false }),
    mallory: person('mallory', { name: 'Mallory Example', emailVerified: false }),
  },
  spoilt: nothing,
  withoutSubject: ({ sub: _sub, ...body }) => body,
}
providerContract('oidc', promised)
providerContract('oidc', {
  ...promised,
  // Its issuer and its client are claims as well.
  spoilt: 'nobody',
  registered: {
    as: 'an OpenID provider with signed UserInfo',
    arrange: ({ switches }) => {
      switches.oidc.userinfo = 'signed'
    },
  },
})

test('an OpenID provider is asked for `openid` once, whatever scopes the operator adds', async () => {
  const issuer = await startIssuer()
  issuer.say('/.well-known/openid-configuration', issuer.metadata)
  for (const scopes of [['email'], ['openid', 'email']]) {
    const { providers } = openProviders([{ ...issuer.settings, scopes }], () => new Date())
    const [acme] = providers.list()
    if (!acme) throw new Error('acme is configured')
    const { url } = value(await providers.begin(acme, { redirectUri: 'http://localhost:3000/cb', intent: 'login' }))
    expect(url.searchParams.get('scope')).toBe('openid email')
    await providers.close()
  }
  await issuer.close()
})

/** A certified provider whose keys and id_tokens look like those of real issuers. */
describe('Acme', () => {
  let world: TestWorld
  beforeAll(async () => {
    world = await startWorld()
  })
  afterEach(() => world.reset())
  afterAll(() => world.close())

  const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
  test.each(algorithms.flatMap((alg) => [[alg, 'plain'] as const, [alg, 'crowded'] as const]))(
    'signs with %s, its key set %s, and users can sign in',
    async (alg, keySet) => {
      Object.assign(world.sandbox.switches.oidc, { alg, keySet })
      const { providers } = world.open()
      const { exchanged, claims } = await enter(world.sandbox, providers, named(providers, 'oidc'))
      expect([exchanged.idToken?.sub, claims.email]).toEqual([claims.subject, 'ada@example.com'])
    },
  )

  test('may rotate its keys during sign-ins', async () => {
    world.sandbox.switches.oidc.keySet = 'crowded'
    const { providers } = world.open()
    const provider = named(providers, 'oidc')
    await enter(world.sandbox, providers, provider)
    const { callback, flow } = await visit(providers, provider)
    world.sandbox.rotateKeys('oidc')
    expect(await providers.exchange(provider, callback, flow)).toMatchObject({ ok: true })
  })

  test.each<[string, Record<string, unknown>, Record<string, unknown>, string | null]>([
    [
      'groups larger than a header',
      { groups: Array.from({ length: 400 }, (_, n) => `group-${n}`.padEnd(36, 'x')) },
      {},
      null,
    ],
    ['fractions in its times', { iat: Date.now() / 1000 - 0.5 }, {}, null],
    ['another spelling of its type', {}, { typ: 'ID+JWT' }, null],
    ['the type of an access token', {}, { typ: 'at+jwt' }, 'id_token_typ'],
    ['a critical extension', {}, { crit: ['ext'], ext: 1 }, 'id_token_crit'],
    ['a number for a subject', { sub: 7 }, {}, 'id_token_sub'],
    ['an additional audience', { aud: ['vinculum', 'other'] }, {}, 'id_token_aud'],
    ['its time as text', { exp: '4102444800' }, {}, 'id_token_exp'],
  ])('may send an id_token with %s', async (_name, claims, header, reason) => {
    const { providers } = world.open()
    const provider = named(providers, 'oidc')
    world.sandbox.as('ada')
    const { callback, flow } = await visit(providers, provider)
    world.sandbox.fault({ provider: 'oidc', endpoint: 'token' }, { kind: 'id-token', claims, header })
    const exchanged = await providers.exchange(provider, callback, flow)
    expect(exchanged.ok ? null : exchanged.error).toEqual(
      reason === null ? null : expect.objectContaining({ cause: expect.objectContaining({ reason }) }),
    )
  })
})
