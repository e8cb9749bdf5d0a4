import { createPrivateKey, createPublicKey } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { apple } from '../../src/providers/definitions/apple.ts'
import type { Claims, ProviderSettings } from '../../src/providers/provider.ts'
import { nothing, providerContract } from './contract.ts'
import { enter, named, startWorld, type TestWorld, value, visit } from './fixture.ts'

const person =
  (more: Partial<Claims>) =>
  (subject: string): Claims => ({ ...nothing, subject, email: 'ada@example.com', emailVerified: true, ...more })

providerContract('apple', {
  claims: {
    ada: person({}),
    linus: person({ email: 'q7x2m9k4tz@privaterelay.appleid.com', emailAuthoritative: true }),
    mallory: person({ emailVerified: false }),
  },
  spoilt: nothing,
  withoutSubject: ({ sub: _sub, ...body }) => body,
})

const sixMonths = 15_777_000

describe('Apple', () => {
  let world: TestWorld
  beforeAll(async () => {
    world = await startWorld()
    await world.warm('apple')
  })
  afterEach(() => world.reset())
  afterAll(() => world.close())
  const open = (change?: (settings: ProviderSettings) => ProviderSettings) => {
    const { providers } = world.open({}, change)
    return { providers, provider: named(providers, 'apple') }
  }
  const settings = { id: 'apple', kind: 'apple' } as ProviderSettings
  const read = (json: Record<string, unknown>) =>
    apple.claims({ id: '', _json: { sub: '000817.a', ...json } }, settings)
  const secretsSent = (): string[] =>
    world.sandbox.journal.calls('apple').flatMap(({ body }) => (body.client_secret ? [String(body.client_secret)] : []))

  test('is asked for a form, with a nonce', async () => {
    const { providers, provider } = open((one) => ({ ...one, scopes: ['email'] }))
    const redirectUri = String(provider.redirectUris.default)
    const { url, nonce } = value(await providers.begin(provider, { redirectUri, intent: 'login' }))
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_mode: 'form_post',
      scope: 'openid email',
      nonce,
    })
    expect(provider.formPost).not.toBeNull()
  })

  test('gets a new client secret for each call, for the code, a refresh and a revocation', async () => {
    let key = ''
    const { providers, provider } = open((one) => {
      key = one.privateKey ?? key
      return one
    })
    const { exchanged } = await enter(world.sandbox, providers, provider)
    // Half a year later, none of the earlier secrets would be accepted.
    world.turn(sixMonths + 60)
    const refreshToken = String(exchanged.tokens.refreshToken)
    expect(await providers.refresh(provider, refreshToken)).toMatchObject({ tag: 'refreshed' })
    expect(await providers.revoke(provider, exchanged.tokens)).toEqual({ tag: 'revoked' })
    const secrets = secretsSent()
    expect(secrets).toHaveLength(3)
    expect(new Set(secrets).size).toBe(3)
    const publicKey = createPublicKey(createPrivateKey(key))
    for (const [at, secret] of secrets.entries()) {
      expect(decodeProtectedHeader(secret)).toEqual({ alg: 'ES256', kid: 'SANDBOX1KY' })
      const currentDate = at === 0 ? new Date() : world.clock()
      const { payload } = await jwtVerify(secret, publicKey, { currentDate })
      expect(payload).toMatchObject({ iss: 'SANDBOX1TM', sub: provider.clientId, aud: 'https://appleid.apple.com' })
      expect(Number(payload.exp) - Number(payload.iat)).toBeLessThanOrEqual(600)
    }
    for (const { headers, body } of world.sandbox.journal.calls('apple', 'token')) {
      expect(headers.authorization).toBeUndefined()
      expect(body.client_id).toBe(provider.clientId)
    }
  })

  test.each([
    ['of another team', (one: ProviderSettings) => ({ ...one, teamId: 'ANOTHER1TM' })],
    ['of an unknown key', (one: ProviderSettings) => ({ ...one, keyId: 'ANOTHER1KY' })],
  ])('rejects a secret %s as a wrong client', async (_, change) => {
    const { providers, provider } = open(change)
    const { callback, flow } = await visit(providers, provider)
    expect(await providers.exchange(provider, callback, flow)).toMatchObject({
      error: { code: 'token_exchange_failed', cause: { kind: 'refused', code: 'invalid_client' } },
    })
    expect(await providers.examine(provider)).toMatchObject({ client: { tag: 'rejected', code: 'invalid_client' } })
    expect(await providers.refresh(provider, 'r')).toMatchObject({ tag: 'client_config' })
  })

  test('accepts the client when the doctor tests it', async () => {
    const { providers, provider } = open()
    expect(await providers.examine(provider)).toMatchObject({ client: { tag: 'accepted', code: 'invalid_grant' } })
  })

  test('needs no UserInfo, and its state does not depend on it', async () => {
    const { providers, provider } = open()
    await enter(world.sandbox, providers, provider)
    expect(world.sandbox.journal.calls('apple', 'userinfo')).toEqual([])
    expect(
      providers
        .health()
        .filter((one) => one.provider === 'apple')
        .map(({ endpointType }) => endpointType),
    ).toEqual(['token', 'revoke', 'jwks'])
  })

  test('has access tokens that are never due for renewal, and refresh tokens without an end', async () => {
    const { providers, provider } = open()
    const { tokens } = (await enter(world.sandbox, providers, provider)).exchanged
    expect(tokens).toMatchObject({ expiresAt: null, refreshExpiresAt: null, refreshToken: expect.any(String) })
    expect(provider.lifetime).toEqual({})
    const again = await providers.refresh(provider, String(tokens.refreshToken))
    expect(again).toMatchObject({ tag: 'refreshed', tokens: { refreshToken: null, expiresAt: null } })
  })

  test('must repeat the nonce, whether it supports nonces or not', async () => {
    world.sandbox.switches.apple.nonce = false
    const { providers, provider } = open()
    const { callback, flow } = await visit(providers, provider)
    expect(await providers.exchange(provider, callback, flow)).toMatchObject({
      error: { code: 'token_exchange_failed', cause: { reason: 'id_token_nonce' } },
    })
  })

  test.each(['text', 'boolean'] as const)('may send its booleans as %s', async (booleans) => {
    world.sandbox.switches.apple.booleans = booleans
    const { providers, provider } = open()
    expect((await enter(world.sandbox, providers, provider, 'ada')).claims).toMatchObject({ emailVerified: true })
    expect((await enter(world.sandbox, providers, provider, 'mallory')).claims).toMatchObject({ emailVerified: false })
    expect((await enter(world.sandbox, providers, provider, 'linus')).claims).toMatchObject({
      emailAuthoritative: true,
    })
  })

  test('hosts the mailboxes of its own domains and relay addresses, and no others', () => {
    const hosts = (email: string, more: Record<string, unknown> = {}) =>
      (read({ email, email_verified: true, ...more }) as Claims).emailAuthoritative
    for (const domain of ['icloud.com', 'me.com', 'mac.com', 'privaterelay.appleid.com', 'ICLOUD.com'])
      expect(hosts(`a@${domain}`), domain).toBe(true)
    for (const domain of ['example.com', 'noticloud.com', 'icloud.com.example', 'appleid.com', 'x.icloud.com'])
      expect(hosts(`a@${domain}`), domain).toBe(false)
    expect(hosts('a@relay.example', { is_private_email: 'true' })).toBe(true)
    expect(hosts('a@relay.example', { is_private_email: 'false' })).toBe(false)
    expect(hosts('a@icloud.com', { email_verified: 'false' })).toBe(false)
    for (const wrong of [1, 'yes', 'TRUE', null, {}]) {
      expect(read({ email: 'a@icloud.com', email_verified: wrong })).toMatchObject({ emailVerified: false })
      expect(hosts('a@relay.example', { is_private_email: wrong })).toBe(false)
    }
  })

  test('has no use for the subject that a user had with another team', async () => {
    world.sandbox.switches.apple.transferSub = '000817.of-another-team'
    const { providers, provider } = open()
    const { claims } = await enter(world.sandbox, providers, provider)
    expect(JSON.stringify(claims)).not.toContain('another-team')
  })

  const nameOf = (user: unknown) => apple.formPost?.nameOf(typeof user === 'string' ? user : JSON.stringify(user))

  test('returns the name in the form', () => {
    expect(nameOf({ name: { firstName: 'Ada', lastName: 'Example' }, email: 'ada@example.com' })).toBe('Ada Example')
    expect(nameOf({ name: { firstName: 'Ada' } })).toBe('Ada')
    expect(nameOf({ name: { firstName: '', lastName: ' Example ' } })).toBe('Example')
    expect(nameOf({ name: { firstName: 'Zoë 🦊', lastName: '' } })).toBe('Zoë 🦊')
  })

  test.each([
    ['no JSON', 'Ada'],
    ['half of its JSON', '{"name":{"firstName":"Ada"'],
    ['null', null],
    ['a list', ['Ada']],
    ['no name', { email: 'ada@example.com' }],
    ['text for the name', { name: 'Ada' }],
    ['other types', { name: { firstName: 7, lastName: { a: 1 } } }],
    ['nothing but white space', { name: { firstName: ' ', lastName: '\n' } }],
    ['too much', { name: { firstName: 'a'.repeat(3000) } }],
  ])('returns no name for %s', (_, user) => expect(nameOf(user)).toBeNull())

  test('returns a name on one line, without what could mislead, and not too long', () => {
    expect(nameOf({ name: { firstName: 'A\r\nda', lastName: '\u202eelpmaxE' } })).toBe('A da elpmaxE')
    expect([...String(nameOf({ name: { firstName: 'a'.repeat(900), lastName: 'b'.repeat(900) } }))]).toHaveLength(256)
  })
})
