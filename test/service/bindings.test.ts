/** Providers that bind a code less strictly than usual, or have no UserInfo, end to end. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { switchesAtStart } from '../../sandbox/providers/index.ts'
import { authOf, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe('sign-in with an OpenID provider', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterEach(() => {
    Object.assign(world.sandbox.switches.oidc, switchesAtStart().oidc)
    world.calm()
  })
  afterAll(() => world.stop())

  test('without PKCE is protected by the nonce', async () => {
    world.sandbox.switches.oidc.pkce = 'refused'
    const { base } = await world.another({ ACME_PKCE: 'off' })
    const who = world.newcomer()
    authOf(await world.enter('acme', who, { at: base }))
    expect(authOf(await world.enter('acme', who, { at: base })).action).toBe('login_existing')
    expect(refusalOf(await world.enter('acme', who))).toEqual([502, 'token_exchange_failed'])
  })

  test('without a nonce is protected by PKCE', async () => {
    world.sandbox.switches.oidc.nonce = false
    const { base } = await world.another({ ACME_NONCE: 'off' })
    const who = world.newcomer()
    authOf(await world.enter('acme', who, { at: base }))
    expect(refusalOf(await world.enter('acme', who))).toEqual([502, 'token_exchange_failed'])
  })

  test('without UserInfo works, and no profile is available', async () => {
    world.sandbox.switches.oidc.userinfo = 'refused'
    const { base } = await world.another({ ACME_USERINFO: 'off' })
    world.sandbox.clearJournal()
    const { access_token: token, user } = authOf(await world.enter('acme', world.newcomer(), { at: base }))
    expect(user.name).toMatch(/^Person/)
    const [identity] = listIn(await world.call('GET', '/me/identities', { token, at: base }))
    const profile = await world.call('GET', `/me/identities/${identity?.id}/profile`, { token, at: base })
    expect(refusalOf(profile)).toEqual([502, 'user_info_fetch_failed'])
    expect(world.sandbox.journal.calls('oidc', 'userinfo')).toEqual([])
  })
})
