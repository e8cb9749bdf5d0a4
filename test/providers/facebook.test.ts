import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { CLIENTS } from '../../sandbox/providers/index.ts'
import type { Fault } from '../../sandbox/sandbox.ts'
import { facebook } from '../../src/providers/definitions/facebook.ts'
import type { ProviderSettings } from '../../src/providers/provider.ts'
import { nothing, personWith, providerContract } from './contract.ts'
import { enter, value, visit, worldOf } from './fixture.ts'

const person = personWith(() => ({
  emailVerified: false,
  picture: expect.stringContaining('https://platform-lookaside.fbsbx.com/'),
}))

providerContract('facebook', {
  claims: {
    ada: person({}),
    linus: person({ name: 'Linus Private', email: null, picture: null }),
    mallory: person({ name: 'Mallory Example' }),
  },
  spoilt: nothing,
  withoutSubject: ({ id: _id, ...body }) => body,
  tokenAuths: ['post'],
  authenticatesRevocation: false,
})

const at = worldOf('facebook')
const numbered = (code: number, more = {}, status = 400): Fault => ({
  kind: 'status',
  status,
  body: { error: { message: 'A message.', type: 'OAuthException', code, fbtrace_id: 'x', ...more } },
})
const read = (json: object) => facebook.claims({ id: '', _json: { id: '10158', ...json } }, {} as ProviderSettings)

test.each([
  [
    { name: 'Ada', email: 'ada@example.com' },
    { name: 'Ada', email: 'ada@example.com', emailVerified: false },
  ],
  // People who signed up with a telephone number have none.
  [{ name: 'Ada' }, { email: null, emailVerified: false }],
  // No flag of another provider is believed.
  [{ email: 'ada@example.com', verified: true, email_verified: true }, { emailVerified: false }],
  [{ picture: { data: { url: 'https://x.example/1', is_silhouette: false } } }, { picture: 'https://x.example/1' }],
  [{ picture: { data: { url: 'https://x.example/1', is_silhouette: true } } }, { picture: null }],
  [{ picture: { data: [] } }, { picture: null }],
  [{ picture: 'https://x.example/1' }, { picture: null }],
  [{ id: 10158 }, { unreadable: 'no_subject' }],
])('Facebook’s user %j is read as %j', (json, claims) => expect(read(json)).toMatchObject(claims))

test('its calls prove that they come from our server', async () => {
  at.sandbox.switches.facebook.requireProof = true
  const { providers, provider } = at.open()
  const { exchanged } = await enter(at.sandbox, providers, provider)
  expect(await providers.revoke(provider, exchanged.tokens)).toEqual({ tag: 'revoked' })
  const { accessToken } = exchanged.tokens
  const proof = createHmac('sha256', CLIENTS.facebook.secret).update(accessToken).digest('hex')
  const calls = ['userinfo', 'revoke'] as const
  for (const call of calls.flatMap((endpoint) => at.sandbox.journal.calls('facebook', endpoint))) {
    expect(call.query.appsecret_proof).toBe(proof)
    expect(JSON.stringify(call.query)).not.toContain(accessToken)
    expect(call.headers.authorization).toBe(`Bearer ${accessToken}`)
  }
})

test('a revocation ends the whole consent at Facebook', async () => {
  const { providers, provider } = at.open()
  const first = (await enter(at.sandbox, providers, provider)).exchanged
  const second = (await enter(at.sandbox, providers, provider)).exchanged
  await providers.revoke(provider, first.tokens)
  expect(await providers.identify(provider, second)).toMatchObject({ error: { code: 'user_info_fetch_failed' } })
})

test('its token lasts about sixty days and cannot be refreshed', async () => {
  const { providers, provider } = at.open()
  const { tokens } = (await enter(at.sandbox, providers, provider)).exchanged
  expect((Number(tokens.expiresAt) - at.clock().getTime()) / 86_400_000).toBeCloseTo(60, 0)
  expect(tokens).toMatchObject({ refreshToken: null, scopes: null })
})

test('a user who declines the email address can sign in, and is asked again only when adding permissions', async () => {
  at.sandbox.switches.facebook.unticked = ['email']
  const { providers, provider } = at.open()
  const { claims } = await enter(at.sandbox, providers, provider)
  expect(claims).toMatchObject({ email: null, name: 'Ada Example' })
  for (const [intent, asked] of [
    ['login', null],
    ['link', null],
    ['extend', 'rerequest'],
  ] as const) {
    const { url } = value(await providers.begin(provider, { redirectUri: 'http://localhost/cb', intent }))
    expect(url.searchParams.get('auth_type')).toBe(asked)
  }
})

describe('an error of Facebook with the number', () => {
  const exchangeWith = async (fault: Fault, change = {}) => {
    const { providers, provider } = at.open(change)
    const { callback, flow } = await visit(providers, provider)
    at.sandbox.fault({ provider: 'facebook', endpoint: 'token' }, fault)
    return providers.exchange(provider, callback, flow)
  }

  test.each<[number, object, string]>([
    [100, { error_subcode: 36009 }, 'invalid_grant'],
    [101, {}, 'invalid_client'],
    [1, { message: 'Error validating client secret.' }, 'invalid_client'],
    [190, { error_subcode: 463 }, 'invalid_token'],
    [200, {}, 'unknown_error'],
    [2500, {}, 'unknown_error'],
  ])('%d and %j refuses the exchange with %s', async (code, more, known) => {
    expect(await exchangeWith(numbered(code, more))).toMatchObject({
      error: { code: 'token_exchange_failed', cause: { kind: 'refused', status: 400, code: known } },
    })
  })

  // Facebook throttles with 400 and 403, and reports outages with 400.
  test.each([
    [1, 400, 'server_error'],
    [2, 400, 'temporarily_unavailable'],
    [4, 403, 'slow_down'],
    [17, 400, 'slow_down'],
    [32, 400, 'slow_down'],
    [613, 400, 'slow_down'],
  ])('%d and the status %d means to try again later', async (code, status, reason) => {
    expect(await exchangeWith(numbered(code, {}, status))).toMatchObject({
      error: { code: 'provider_unavailable', cause: { reason } },
    })
  })

  test.each<object>([{ error: { code: '1' } }, { error: 'x' }, { error: null }, { error: { code: 4.5 } }, {}])(
    'in another form refuses the exchange: %j',
    async (body) => {
      expect(await exchangeWith({ kind: 'status', status: 400, body })).toMatchObject({
        error: { code: 'token_exchange_failed' },
      })
    },
  )

  test('190 and the status 400 makes us ask for another token', async () => {
    const { providers, provider } = at.open()
    const { claims } = await enter(at.sandbox, providers, provider)
    const used: (string | undefined)[] = []
    at.sandbox.fault({ provider: 'facebook', endpoint: 'userinfo' }, numbered(190, { error_subcode: 460 }))
    await providers.profile(provider, { issuer: provider.issuer, subject: claims.subject }, async (refused) => {
      used.push(refused)
      return { ok: true, value: 'a-token' }
    })
    expect(used).toEqual([undefined, 'a-token'])
  })
})

test('a code is used up by an exchange with another redirect URI', async () => {
  const { providers, provider } = at.open()
  const { callback, flow } = await visit(providers, provider)
  await providers.exchange(provider, callback, { ...flow, redirectUri: 'http://localhost:9/elsewhere' })
  expect(await providers.exchange(provider, callback, flow)).toMatchObject({ error: { code: 'token_exchange_failed' } })
})
