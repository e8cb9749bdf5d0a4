import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { oauth2 } from '../../src/providers/definitions/oauth2.ts'
import type { ProviderSettings } from '../../src/providers/provider.ts'
import { nothing, personWith, providerContract } from './contract.ts'
import { enter, named, startWorld, type TestWorld, visit } from './fixture.ts'

const person = personWith(() => ({}))

providerContract('oauth2', {
  acceptTokenAuth({ switches }, tokenAuth) {
    switches.oauth2.tokenAuth = tokenAuth
  },
  claims: {
    ada: person({ subject: '7' }),
    linus: person({ name: 'Linus Private', email: null, emailVerified: false }),
    mallory: person({ name: 'Mallory Example', emailVerified: false }),
  },
  spoilt: nothing,
  withoutSubject: () => ({ data: { user: { label: 'Nobody' } } }),
})

describe('a plain OAuth 2.0 server', () => {
  const paths = { id: 'data.0.id', email: 'data.0.mail', emailVerified: 'data.0.ok', name: 'data.0.name' }
  const settings: ProviderSettings = {
    id: 'beta',
    kind: 'oauth2',
    name: 'Beta',
    clientId: 'id',
    clientSecret: 'secret',
    redirectUris: {},
    urls: {},
    paths,
    breaker: { timeoutMs: 1, errorThresholdPercent: 1, volume: 1, resetMs: 1 },
  }
  const read = (json: Record<string, unknown>, changed = paths) =>
    oauth2.claims({ id: '', _json: json }, { ...settings, paths: changed })

  test('returns the user in the field the operator configured', () => {
    expect(read({ data: [{ id: 42, mail: 'a@b.example', ok: true, name: ' Ada\u0000 ' }] })).toEqual({
      subject: '42',
      email: 'a@b.example',
      emailVerified: true,
      emailAuthoritative: false,
      name: 'Ada',
      picture: null,
    })
  })

  test.each([
    ['nobody', { data: [] }],
    ['an empty ID', { data: [{ id: ' ' }] }],
    ['an object for an ID', { data: [{ id: {} }] }],
    ['true for an ID', { data: [{ id: true }] }],
    ['a fraction', { data: [{ id: 1.5 }] }],
    ['an unsafe integer', { data: [{ id: 9_007_199_254_740_992 }] }],
    ['an ID that is too long', { data: [{ id: 'x'.repeat(256) }] }],
    ['an ID with a line break', { data: [{ id: 'a\nb' }] }],
  ])('that returns %s has no user', (_name, json) => {
    expect(read(json)).toEqual({ unreadable: 'no_subject' })
  })

  test('is read by its configured fields only', () => {
    expect(read({}, { ...paths, id: 'constructor.name' })).toEqual({ unreadable: 'no_subject' })
    expect(read({ data: 'text' }, { ...paths, id: 'data.length' })).toEqual({ unreadable: 'no_subject' })
  })

  describe('in the sandbox', () => {
    let world: TestWorld
    beforeAll(async () => {
      world = await startWorld()
    })
    afterEach(() => world.reset())
    afterAll(() => world.close())

    test('with a wrong client secret reports it', async () => {
      const { providers } = world.open({}, (one) => ({ ...one, clientSecret: 'wrong' }))
      const provider = named(providers, 'oauth2')
      const { callback, flow } = await visit(providers, provider)
      expect(await providers.exchange(provider, callback, flow)).toMatchObject({
        error: { code: 'token_exchange_failed', cause: { status: 401, code: 'invalid_client' } },
      })
    })

    test.each([
      { status: 404 },
      { status: 405 },
      { status: 501 },
      { status: 400, body: { error: 'unsupported_token_type' } },
    ])('may have no revocation endpoint: $status', async (answer) => {
      world.sandbox.fault({ provider: 'oauth2', endpoint: 'revoke' }, { kind: 'status', ...answer })
      const { providers } = world.open()
      const provider = named(providers, 'oauth2')
      const { tokens } = (await enter(world.sandbox, providers, provider)).exchanged
      expect(await providers.revoke(provider, tokens)).toEqual({ tag: 'not_supported' })
    })

    test('never acts as a similarly named OpenID provider', async () => {
      const { providers } = world.open()
      const provider = named(providers, 'oauth2')
      const { callback, flow } = await visit(providers, provider)
      const iss = `${world.sandbox.url}/oidc`
      expect(await providers.exchange(provider, { ...callback, iss }, flow)).toMatchObject({
        error: { code: 'flow_mismatch' },
      })
      expect(world.sandbox.journal.calls('oauth2', 'token')).toEqual([])
    })
  })
})
