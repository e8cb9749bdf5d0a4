/**
 * An operator moves a provider ID to another issuer. A subject is unique only within its issuer, so the same subject at
 * the new issuer is another person.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { aboveStore, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('SQLite'))('after a provider’s issuer changed, on %s', (database) => {
  let world: World
  let elsewhere: Sandbox
  let moved: Awaited<ReturnType<World['another']>>
  let basic: string
  beforeAll(async () => {
    world = await startWorld({ database })
    elsewhere = await startSandbox({ clock: world.clock })
    moved = await world.another({ ACME_ISSUER: String(elsewhere.env.ACME_ISSUER) })
    const admin = await world.signIn('google', world.newcomer())
    await world.vinculum.makeAdministrator(admin.user.id)
    const made = await world.call('POST', '/service-credentials', {
      token: admin.access_token,
      body: { name: 'Shop', scopes: ['connections:token'] },
    })
    basic = Buffer.from(`${made.body.id}:${made.body.secret}`).toString('base64')
  })
  afterEach(() => world.calm())
  afterAll(async () => {
    await world.stop()
    await elsewhere.close()
  })

  const ada = async () => {
    const { access_token: token, user } = await world.signIn('acme', world.newcomer())
    const [identity] = listIn(await world.call('GET', '/me/identities', { token }))
    return { token, id: user.id, identity: String(identity?.id) }
  }
  const lent = (userId: string, at?: string) =>
    world.call('POST', '/connections/token', {
      body: { user_id: userId, provider: 'acme' },
      headers: { authorization: `Basic ${basic}` },
      ...(at === undefined ? {} : { at }),
    })

  test('tokens and profiles of the old issuer are not lent, shown or renewed', async () => {
    const { token, id, identity } = await ada()
    expect((await lent(id)).status).toBe(200)
    const before = elsewhere.journal.calls('oidc').length
    expect(refusalOf(await lent(id, moved.base))).toEqual([404, 'not_connected'])
    const profile = await world.call('GET', `/me/identities/${identity}/profile`, { token, at: moved.base })
    expect(refusalOf(profile)).toEqual([503, 'provider_unavailable'])
    const [shown] = listIn(await world.call('GET', '/me/identities', { token, at: moved.base }))
    expect(shown).toMatchObject({ id: identity, token_status: 'none' })
    world.turn(3600)
    await moved.vinculum.runJob('renew-provider-tokens')
    expect(elsewhere.journal.calls('oidc').slice(before)).toEqual([])
  })

  test('identities of the old issuer are not sign-in methods, so the last working method cannot be removed', async () => {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    expect((await world.enter('acme', who, { intent: 'link', token })).status).toBe(200)
    const methods = listIn(await world.call('GET', '/me/methods', { token, at: moved.base }))
    const usable = Object.fromEntries(methods.map(({ provider, usable }) => [provider, usable]))
    expect(usable).toEqual({ google: true, acme: false })
    const google = listIn(await world.call('GET', '/me/identities', { token })).find(
      ({ provider }) => provider === 'google',
    )
    const unlinked = await world.call('DELETE', `/me/identities/${google?.id}`, { token, at: moved.base })
    expect(refusalOf(unlinked)).toEqual([409, 'last_login_method'])
  })

  test('the new issuer receives no authorization code of a sign-in that began at the old one', async () => {
    const begun = await world.begin('acme')
    const back = await world.approve(begun.url, world.newcomer())
    const before = elsewhere.journal.calls('oidc').length
    expect(refusalOf(await world.finish(begun, back, { at: moved.base }))).toEqual([400, 'flow_mismatch'])
    expect(elsewhere.journal.calls('oidc').slice(before)).toEqual([])
  })

  test('the new issuer receives no token of the old one for revocation', async () => {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    expect((await world.enter('acme', who, { intent: 'link', token })).status).toBe(200)
    const acme = listIn(await world.call('GET', '/me/identities', { token })).find(
      ({ provider }) => provider === 'acme',
    )
    const before = elsewhere.journal.calls('oidc').length
    expect((await world.call('DELETE', `/me/identities/${acme?.id}`, { token, at: moved.base })).status).toBe(204)
    await moved.vinculum.runJob('revoke-at-provider')
    expect(elsewhere.journal.calls('oidc').slice(before)).toEqual([])
    // Where the issuer is still the old one, the token is revoked there.
    world.turn(120)
    await world.vinculum.runJob('revoke-at-provider')
    const calls = world.sandbox.journal.calls('oidc', 'revoke')
    expect(calls.length).toBeGreaterThan(0)
  })

  test('an older node queues revocations without an issuer; they are sent only to a provider that has no issuer', async () => {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    for (const provider of ['github', 'acme'] as const)
      expect((await world.enter(provider, who, { intent: 'link', token })).status).toBe(200)
    const linked = listIn(await world.call('GET', '/me/identities', { token }))
    const calls = () => [
      world.sandbox.journal.calls('github', 'revoke').length,
      world.sandbox.journal.calls('oidc', 'revoke').length,
    ]
    const [github = 0, acme = 0] = calls()
    await world.operator("update grants set issuer = ''")
    for (const { id, provider } of linked)
      if (provider !== 'google') await world.call('DELETE', `/me/identities/${id}`, { token, at: moved.base })
    world.turn(120)
    await moved.vinculum.runJob('revoke-at-provider')
    expect(calls()).toEqual([github + 1, acme])
  })
})
