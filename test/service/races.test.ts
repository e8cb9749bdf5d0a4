import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isThorough } from '../store/thorough.ts'
import { authOf, databases, type Json, listIn, refusalOf, startWorld, type World } from '../support/service.ts'
import { withResolvers } from '../support/with-resolvers.ts'

/** The races of the store repeat what its statements can interleave. */
const rounds = isThorough ? 20 : 6

/** Invariants of the rows, whatever ran concurrently. */
async function expectSoundRows(world: World): Promise<void> {
  const {
    accounts = [],
    identities = [],
    sessions = [],
    grants = [],
  } = await world.dump('accounts', 'identities', 'sessions', 'grants')
  const key = (row: Json): string => `${row.provider} ${row.subject}`
  const known = new Set(identities.map(key))
  expect(
    grants.map(key).filter((grant) => !known.has(grant)),
    'a grant without an identity',
  ).toEqual([])
  const owners = new Set(identities.map(({ account_id }) => account_id))
  expect(
    accounts.filter(({ id }) => !owners.has(id)),
    'an account without a way in',
  ).toEqual([])
  const ways = new Set(identities.map(({ id }) => id))
  const live = sessions.filter(({ ended_at }) => ended_at === null)
  expect(
    live.filter(({ identity_id }) => !ways.has(identity_id)),
    'a session without what opened it',
  ).toEqual([])
  const proven = accounts.map((row) => row.verified_email_key).filter((address) => address !== null)
  expect(new Set(proven).size).toBe(proven.length)
}

describe.each(databases)('concurrent requests, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterAll(() => world.stop())

  const identityAt = async (token: string, provider: string): Promise<string> =>
    String(listIn(await world.call('GET', '/me/identities', { token })).find((one) => one.provider === provider)?.id)

  test('keep a browser signed in when all its tabs refresh with its cookie', async () => {
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    const tabs = Array.from({ length: 6 }, async () => {
      for (let n = 0; n < rounds; n++) {
        const answer = await browser.json('POST', '/auth/refresh')
        expect([answer.status, answer.body.code]).toEqual([200, undefined])
      }
    })
    await Promise.all(tabs)
    expect((await browser.json('GET', '/me')).status).toBe(200)
  })

  test('sign a device out that is signed out during its refresh', async () => {
    for (let round = 0; round < rounds; round++) {
      const { access_token: token, refresh_token } = await world.signIn('google', world.newcomer())
      const [refreshed, out] = await Promise.all([
        world.call('POST', '/auth/refresh', { body: { refresh_token } }),
        world.call('POST', '/auth/logout', { token }),
      ])
      expect(out.status).toBe(204)
      const given = refreshed.status === 200 ? refreshed.body : { access_token: token, refresh_token }
      expect(refusalOf(await world.call('GET', '/me', { token: String(given.access_token) }))).toEqual([
        401,
        'session_revoked',
      ])
      const again = await world.call('POST', '/auth/refresh', { body: { refresh_token: given.refresh_token } })
      expect(refusalOf(again)).toEqual([401, 'session_revoked'])
    }
  })

  test('leave an identity linked or unlinked, never half, when it signs in while it is unlinked', async () => {
    for (let round = 0; round < rounds; round++) {
      const who = world.newcomer()
      const { access_token: token } = await world.signIn('google', who)
      const other = world.newcomer()
      await world.enter('github', other, { intent: 'link', token })
      const id = await identityAt(token, 'github')
      const flow = await world.begin('github')
      const back = await world.approve(flow.url, other)
      const [response, unlinked] = await Promise.all([
        world.finish(flow, back),
        world.call('DELETE', `/me/identities/${id}`, { token }),
      ])
      expect(unlinked.status).toBe(204)
      expect([undefined, 'user_info_fetch_failed', 'account_linking_failed']).toContain(response.body.code)
    }
    await world.vinculum.runJob('revoke-at-provider')
    await expectSoundRows(world)
  })

  test('leave no account or a new one when a user signs in while the account is deleted', async () => {
    for (let round = 0; round < rounds; round++) {
      const who = world.newcomer()
      const { access_token: token, user } = await world.signIn('google', who)
      const flow = await world.begin('google')
      const back = await world.approve(flow.url, who)
      const [response, erased] = await Promise.all([world.finish(flow, back), world.call('DELETE', '/me', { token })])
      expect(erased.status).toBe(204)
      // The revocation may overtake the code exchange or UserInfo; the provider then reports an invalid token.
      expect([undefined, 'token_exchange_failed', 'user_info_fetch_failed', 'account_linking_failed']).toContain(
        response.body.code,
      )
      if (response.status === 200) {
        const auth = authOf(response)
        const me = await world.call('GET', '/me', { token: auth.access_token })
        expect([me.status, auth.user.id]).toEqual(auth.user.id === user.id ? [401, user.id] : [200, auth.user.id])
      }
    }
    await expectSoundRows(world)
  })

  /** A link whose provider responds only after something else has happened. */
  async function linkingMeanwhile(act: (token: string) => Promise<unknown>) {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    const flow = await world.begin('github', { intent: 'link', token })
    const back = await world.approve(flow.url, world.newcomer())
    const before = world.sandbox.journal.calls('github', 'token').length
    const { promise: until, resolve: release } = withResolvers()
    world.sandbox.fault({ provider: 'github', endpoint: 'token', times: 1 }, { kind: 'held', until })
    const linking = world.finish(flow, back, { token })
    await expect.poll(() => world.sandbox.journal.calls('github', 'token').length, { interval: 5 }).toBe(before + 1)
    await act(token)
    release()
    return { who, answer: await linking }
  }

  test('link nothing to an account that is deleted during a link', async () => {
    const { answer } = await linkingMeanwhile((token) => world.call('DELETE', '/me', { token }))
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(['session_revoked', 'account_linking_failed']).toContain(answer.body.code)
    await expectSoundRows(world)
  })

  test('link nothing from a device that is signed out during a link', async () => {
    for (const path of ['/auth/logout', '/auth/logout-all']) {
      const { who, answer } = await linkingMeanwhile((token) => world.call('POST', path, { token }))
      expect(refusalOf(answer)).toEqual([401, 'session_revoked'])
      const { access_token: token } = await world.signIn('google', who)
      expect(listIn(await world.call('GET', '/me/identities', { token }))).toHaveLength(1)
    }
    await expectSoundRows(world)
  })

  test('link one identity to one of two users', async () => {
    for (let round = 0; round < rounds; round++) {
      const people = await Promise.all([1, 2].map(() => world.signIn('google', world.newcomer())))
      const other = world.newcomer()
      const flows = await Promise.all(
        people.map(({ access_token }) => world.begin('github', { intent: 'link', token: access_token })),
      )
      const backs = await Promise.all(flows.map(({ url }) => world.approve(url, other)))
      const answers = await Promise.all(
        flows.map((flow, n) => world.finish(flow, backs[n] as URL, { token: people[n]?.access_token })),
      )
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
      expect(answers.map(({ body }) => body.code)).toContain('identity_already_linked')
    }
    await expectSoundRows(world)
  })
})
