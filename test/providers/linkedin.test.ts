import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { pictureOf } from '../../sandbox/openid-kind.ts'
import type { ProviderSettings } from '../../src/providers/provider.ts'
import { providerContract, standardClaims } from './contract.ts'
import { enter, named, startWorld, type TestWorld, visit } from './fixture.ts'

providerContract('linkedin', { ...standardClaims(pictureOf), revokes: false, usesPkce: false })

describe('LinkedIn', () => {
  let world: TestWorld
  beforeAll(async () => {
    world = await startWorld()
  })
  afterEach(() => world.reset())
  afterAll(() => world.close())

  const withPkce = (one: ProviderSettings): ProviderSettings =>
    one.kind === 'linkedin' ? { ...one, pkce: 'without_secret', clientSecret: '' } : one
  const open = (change = (one: ProviderSettings) => one) => {
    const { providers } = world.open({}, change)
    return { providers, provider: named(providers, 'linkedin') }
  }

  test('with PKCE authorizes at another address, and redeems the code without a secret', async () => {
    world.sandbox.switches.linkedin.pkce = true
    const { providers, provider } = open(withPkce)
    const { claims } = await enter(world.sandbox, providers, provider)
    expect(claims.email).toBe('ada@example.com')
    const [authorized] = world.sandbox.journal.calls('linkedin', 'authorize')
    const [exchanged] = world.sandbox.journal.calls('linkedin', 'token')
    expect(authorized?.path).toMatch(/\/native-pkce\/authorization$/)
    expect(exchanged?.body).not.toHaveProperty('client_secret')
    expect(exchanged?.body).toHaveProperty('code_verifier')
  })

  test('with PKCE that it has not enabled is refused', async () => {
    const { providers, provider } = open(withPkce)
    const { callback, flow } = await visit(providers, provider)
    expect(await providers.exchange(provider, callback, flow)).toMatchObject({
      error: { code: 'token_exchange_failed', cause: { code: 'invalid_client' } },
    })
  })

  test('with a wrong code and no verifier shows the doctor that the client is accepted', async () => {
    const { providers, provider } = open()
    expect(await providers.examine(provider)).toMatchObject({ client: { tag: 'accepted', code: 'invalid_request' } })
    expect(world.sandbox.journal.calls('linkedin', 'token')[0]?.body).not.toHaveProperty('code_verifier')
  })

  test('sends no nonce, and a token with one is refused: it answers another request', async () => {
    const { providers, provider } = open()
    const { callback, flow, url } = await visit(providers, provider)
    expect([flow.nonce, url.searchParams.get('nonce')]).toEqual([null, null])
    world.sandbox.fault({ provider: 'linkedin', endpoint: 'token' }, { kind: 'id-token', claims: { nonce: 'n' } })
    expect(await providers.exchange(provider, callback, flow)).toMatchObject({
      error: { cause: { reason: 'id_token_nonce' } },
    })
  })

  // https://github.com/nextauthjs/next-auth/issues/8831: the issuer changed to this one, and clients broke.
  test('with its former issuer is refused', async () => {
    const { providers, provider } = open()
    const { callback, flow } = await visit(providers, provider)
    const claims = { iss: 'https://www.linkedin.com' }
    world.sandbox.fault({ provider: 'linkedin', endpoint: 'token' }, { kind: 'id-token', claims })
    expect(await providers.exchange(provider, callback, flow)).toMatchObject({
      error: { cause: { reason: 'id_token_iss' } },
    })
  })

  test('verifies an address in text, as the id_token says it', async () => {
    const { providers, provider } = open((one) => (one.kind === 'linkedin' ? { ...one, userinfo: 'off' } : one))
    expect((await enter(world.sandbox, providers, provider)).claims.emailVerified).toBe(true)
    expect((await enter(world.sandbox, providers, provider, 'mallory')).claims.emailVerified).toBe(false)
  })
})
