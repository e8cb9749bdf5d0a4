import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answer,
  aboveStore,
  type Json,
  listIn,
  type ProviderName,
  refusalOf,
  sandboxName,
  startWorld,
  type World,
} from '../support/service.ts'
import { withResolvers } from '../support/with-resolvers.ts'

const files = 'https://www.googleapis.com/auth/drive.readonly'
const calendar = 'https://www.googleapis.com/auth/calendar.readonly'

describe.each(aboveStore('SQLite'))('provider permissions, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    const env = { GOOGLE_OPTIONAL_SCOPES: `${files} ${calendar}`, GITHUB_OPTIONAL_SCOPES: 'gist' }
    world = await startWorld({ database, env })
  })
  afterEach(async () => {
    world.calm()
    // Revocations left over from one test are not counted in the next.
    world.turn(3600)
    for (let n = 0; n < 3; n++) await round()
  })
  afterAll(() => world.stop())

  async function somebody(provider: ProviderName = 'google') {
    const who = world.newcomer()
    const { access_token: token, user } = await world.signIn(provider, who)
    return { who, token, id: user.id }
  }
  async function identityOf(token: string, provider: ProviderName = 'google', subject?: unknown): Promise<Json> {
    const all = listIn(await world.call('GET', '/me/identities', { token }))
    const found = all.find(
      (one) => one.provider === provider && [undefined, one.provider_user_id].includes(subject as string),
    )
    if (!found) throw new Error(`${provider} is not linked`)
    return found
  }
  const ask = (identity: Json, token: string, scopes: readonly string[]): Promise<Answer> =>
    world.call('POST', `/me/identities/${identity.id}/authorize`, { token, body: { scopes } })
  /** Goes to the provider as `who`, and returns with the decision made there. */
  async function answer(begun: Answer, token: string, who: string, provider: ProviderName = 'google'): Promise<Answer> {
    expect(begun.status, begun.text).toBe(200)
    const back = await world.approve(String(begun.body.authorize_url), who)
    const flow = { provider, url: '', state: String(begun.body.state), flowToken: String(begun.body.flow_token) }
    return world.finish(flow, back, { token })
  }
  const events = async (accountId: string) =>
    (await world.trail()).filter((row) => row.account_id === accountId).map(({ event }) => event)
  const asked = (provider: ProviderName) => world.sandbox.journal.calls(sandboxName[provider], 'revoke').length
  const round = () => world.vinculum.runJob('revoke-at-provider')
  const waiting = async (token: string) => listIn(await world.call('GET', '/me/revocations', { token }))
  const grantsOf = async (subject: unknown) =>
    ((await world.dump('grants')).grants ?? []).filter((row) => row.subject === subject)

  describe('can be extended', () => {
    test('with a consent that asks for all of them', async () => {
      const eve = await somebody()
      const identity = await identityOf(eve.token)
      const begun = await ask(identity, eve.token, [files])
      const url = new URL(String(begun.body.authorize_url))
      expect(url.searchParams.get('scope')?.split(' ')).toEqual(['openid', 'email', 'profile', files])
      expect(Object.fromEntries(url.searchParams)).toMatchObject({
        prompt: 'consent',
        include_granted_scopes: 'true',
        access_type: 'offline',
        login_hint: identity.provider_user_id,
      })
      const done = await answer(begun, eve.token, eve.who)
      expect([done.status, done.body.action], done.text).toEqual([200, 'login_existing'])
      const after = await identityOf(eve.token)
      expect(after).toMatchObject({ asked_scopes: ['openid', 'email', 'profile', files], missing_scopes: [] })
      expect(after.scopes).toContain(files)
      expect(await events(eve.id)).toContain('provider_token.extended')

      // The scopes granted before are requested again, together with the new ones.
      const more = new URL(String((await ask(after, eve.token, [calendar])).body.authorize_url))
      expect(new Set(more.searchParams.get('scope')?.split(' '))).toEqual(
        new Set(['openid', 'email', 'profile', files, calendar]),
      )
    })

    test('and remain extended after a regular sign-in', async () => {
      const eve = await somebody()
      await answer(await ask(await identityOf(eve.token), eve.token, [files]), eve.token, eve.who)
      world.turn(60)
      const again = await world.signIn('google', eve.who)
      expect(again.action).toBe('login_existing')
      const kept = await identityOf(again.access_token)
      expect([kept.token_status, kept.missing_scopes]).toEqual(['healthy', []])
      expect(kept.scopes).toContain(files)
      // Linked once more, the permissions are the same.
      await world.enter('google', eve.who, { intent: 'link', token: again.access_token })
      expect((await identityOf(again.access_token)).scopes).toContain(files)
      // An hour later the token is renewed with all scopes.
      world.turn(3601)
      const later = await world.signIn('google', eve.who)
      const { id } = await identityOf(later.access_token)
      expect((await world.call('GET', `/me/identities/${id}/profile`, { token: later.access_token })).status).toBe(200)
      expect((await identityOf(later.access_token)).scopes).toContain(files)
    })

    test('or not: a scope the user left unticked is reported as missing, and nothing else is lost', async () => {
      const eve = await somebody()
      world.sandbox.switches.google.unticked = [files]
      const done = await answer(
        await ask(await identityOf(eve.token), eve.token, [files, calendar]),
        eve.token,
        eve.who,
      )
      world.sandbox.switches.google.unticked = []
      expect(done.status).toBe(200)
      const after = await identityOf(eve.token)
      expect([after.token_status, after.missing_scopes]).toEqual(['healthy', [files]])
      expect(after.scopes).toContain(calendar)
      expect(after.scopes).not.toContain(files)

      const before = await identityOf(eve.token)
      world.sandbox.deny(true)
      const refused = await answer(await ask(before, eve.token, [files]), eve.token, eve.who)
      world.sandbox.deny(false)
      expect(refusalOf(refused)).toEqual([400, 'access_denied'])
      expect(await identityOf(eve.token)).toEqual(before)
    })

    test('and an unused consent is revoked, unless something here depends on it', async () => {
      const eve = await somebody()
      const identity = await identityOf(eve.token)
      const [stranger, taken] = [world.newcomer(), await somebody()]
      const before = asked('google')
      for (const who of [stranger, taken.who])
        expect(refusalOf(await answer(await ask(identity, eve.token, [files]), eve.token, who))).toEqual([
          409,
          'another_identity',
        ])
      // While the user is at Google, the revocation waits.
      world.turn(61)
      await round()
      await round()
      expect([asked('google') - before, await waiting(eve.token)]).toEqual([1, []])
      const results = (await world.trail())
        .filter(({ event, account_id }) => event === 'provider_token.revoked' && account_id === eve.id)
        .map(({ data }) => (typeof data === 'string' ? JSON.parse(data) : data).result)
      expect(results.sort()).toEqual(['revoked', 'still_needed'])
      const profile = async ({ token }: { token: string }) => {
        const { id } = await identityOf(token)
        return (await world.call('GET', `/me/identities/${id}/profile`, { token })).status
      }
      expect([await profile(eve), await profile(taken)]).toEqual([200, 200])
    })

    test('only for the requested identity: with any other identity nothing changes', async () => {
      const eve = await somebody()
      const identity = await identityOf(eve.token)
      const [stranger, taken, second] = [world.newcomer(), await somebody(), world.newcomer()]
      await world.enter('google', second, { intent: 'link', token: eve.token })
      const before = await world.call('GET', '/me/identities', { token: eve.token })
      const grants = (await world.dump('grants')).grants
      for (const who of [stranger, taken.who, second]) {
        const begun = await ask(identity, eve.token, [files])
        expect(refusalOf(await answer(begun, eve.token, who))).toEqual([409, 'another_identity'])
      }
      expect((await world.call('GET', '/me/identities', { token: eve.token })).text).toBe(before.text)
      expect((await world.dump('grants')).grants).toEqual(grants)
      // Nor by unlinking it in the meantime: the callback would link it again.
      const begun = await ask(identity, eve.token, [files])
      expect((await world.call('DELETE', `/me/identities/${identity.id}`, { token: eve.token })).status).toBe(204)
      world.turn(1)
      expect(refusalOf(await answer(begun, eve.token, eve.who))).toEqual([409, 'another_identity'])
      expect(listIn(await world.call('GET', '/me/identities', { token: eve.token }))).toHaveLength(1)
    })

    test('only by the user who requested it, in the same session, after a recent sign-in', async () => {
      const [eve, mallory] = [await somebody(), await somebody()]
      const identity = await identityOf(eve.token)
      expect(refusalOf(await ask(identity, mallory.token, [files]))).toEqual([404, 'not_linked'])
      const begun = await ask(identity, eve.token, [files])
      expect(refusalOf(await answer(begun, mallory.token, eve.who))).toEqual([400, 'flow_mismatch'])
      const elsewhere = await world.signIn('google', eve.who)
      const other = await ask(identity, eve.token, [files])
      expect(refusalOf(await answer(other, elsewhere.access_token, eve.who))).toEqual([400, 'flow_mismatch'])
      expect((await identityOf(eve.token)).scopes).not.toContain(files)
      world.turn(601)
      expect(refusalOf(await ask(identity, eve.token, [files]))).toEqual([403, 'reauthentication_required'])
    })

    test('only to scopes that are offered', async () => {
      const eve = await somebody()
      const identity = await identityOf(eve.token)
      for (const scopes of [['https://mail.google.com/'], ['openid'], [files, 'gist']])
        expect([scopes, ...refusalOf(await ask(identity, eve.token, scopes))]).toEqual([
          scopes,
          400,
          'scopes_not_offered',
        ])
      for (const scopes of [[], ['a b'], 'gist'])
        expect(refusalOf(await ask(identity, eve.token, scopes as string[]))).toEqual([400, 'invalid_request'])
      const atlassian = await somebody('atlassian')
      const none = await identityOf(atlassian.token, 'atlassian')
      expect(refusalOf(await ask(none, atlassian.token, ['read:jira-work']))).toEqual([400, 'scopes_not_offered'])
    })

    test('at a provider that renames the scopes it grants', async () => {
      const eve = await somebody('github')
      const done = await answer(
        await ask(await identityOf(eve.token, 'github'), eve.token, ['gist']),
        eve.token,
        eve.who,
        'github',
      )
      expect(done.status, done.text).toBe(200)
      const { scopes, missing_scopes } = await identityOf(eve.token, 'github')
      expect([scopes, missing_scopes]).toEqual([expect.arrayContaining(['gist', 'user:email']), []])
    })
  })

  describe('are withdrawn', () => {
    test('here at once, and at the provider; signing in still works with the minimum scopes', async () => {
      const eve = await somebody()
      await answer(await ask(await identityOf(eve.token), eve.token, [files]), eve.token, eve.who)
      const identity = await identityOf(eve.token)
      const before = asked('google')
      const path = `/me/identities/${identity.id}/grant`
      expect((await world.call('DELETE', path, { token: eve.token })).status).toBe(204)
      expect(await identityOf(eve.token)).toMatchObject({
        id: identity.id,
        token_status: 'revoked',
        asked_scopes: [],
        scopes: [],
        missing_scopes: [],
        token_expires_at: null,
        consent_ends_at: null,
      })
      const [row] = await grantsOf(identity.provider_user_id)
      expect([row?.access_token, row?.refresh_token]).toEqual([null, null])
      await round()
      expect(asked('google') - before).toBe(1)
      expect(await waiting(eve.token)).toEqual([])
      const said = await world.call('GET', `/me/identities/${identity.id}/profile`, { token: eve.token })
      expect(refusalOf(said)).toEqual([409, 'needs_reauthorization'])
      // A second request changes nothing.
      expect((await world.call('DELETE', path, { token: eve.token })).status).toBe(204)
      await round()
      expect(asked('google') - before).toBe(1)
      expect((await events(eve.id)).filter((event) => event === 'provider_token.withdrawn')).toHaveLength(1)

      const again = await world.signIn('google', eve.who)
      expect([again.action, again.user.id]).toEqual(['login_existing', eve.id])
      const renewed = await identityOf(again.access_token)
      expect([renewed.token_status, renewed.missing_scopes]).toEqual(['healthy', []])
      expect(renewed.scopes).not.toContain(files)
      await round()
      expect(
        (await world.call('GET', `/me/identities/${renewed.id}/profile`, { token: again.access_token })).status,
      ).toBe(200)
    })

    test('by their owner only', async () => {
      const [eve, mallory] = [await somebody(), await somebody()]
      const identity = await identityOf(eve.token)
      const refused = await world.call('DELETE', `/me/identities/${identity.id}/grant`, { token: mallory.token })
      expect(refusalOf(refused)).toEqual([404, 'not_linked'])
      expect((await identityOf(eve.token)).token_status).toBe('healthy')
    })

    test('completely, with the sessions ended, where the user asks for that', async () => {
      for (const path of ['/auth/logout', '/auth/logout-all']) {
        const eve = await somebody()
        await world.enter('github', eve.who, { intent: 'link', token: eve.token })
        const plain = await world.signIn('google', eve.who)
        expect((await world.call('POST', '/auth/logout', { token: plain.access_token })).status).toBe(204)
        expect((await identityOf(eve.token)).token_status).toBe('healthy')
        const [google, github] = [asked('google'), asked('github')]
        const out = await world.call('POST', path, { token: eve.token, body: { revoke_provider_tokens: true } })
        expect(out.status, out.text).toBe(204)
        await round()
        expect([asked('google') - google, asked('github') - github]).toEqual([1, 1])
        const refused = await world.call('GET', '/me', { token: eve.token })
        expect(refusalOf(refused)).toEqual([401, 'session_revoked'])
        const again = await world.signIn('google', eve.who)
        expect((await identityOf(again.access_token)).token_status).toBe('healthy')
        expect((await identityOf(again.access_token, 'github')).token_status).toBe('revoked')
      }
    })

    test('even during a renewal: tokens the provider issues in the meantime are revoked as well', async () => {
      const eve = await somebody('atlassian')
      const identity = await identityOf(eve.token, 'atlassian')
      await world.enter('github', eve.who, { intent: 'link', token: eve.token })
      world.turn(3601)
      const { access_token: token } = await world.signIn('github', eve.who)
      const { promise: until, resolve: release } = withResolvers()
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'token' }, { kind: 'held', until })
      const before = asked('atlassian')
      const reading = world.call('GET', `/me/identities/${identity.id}/profile`, { token })
      await expect
        .poll(() => world.sandbox.journal.calls('atlassian', 'token').at(-1)?.body.grant_type)
        .toBe('refresh_token')
      expect((await world.call('DELETE', `/me/identities/${identity.id}/grant`, { token })).status).toBe(204)
      release()
      expect(refusalOf(await reading)).toEqual([409, 'needs_reauthorization'])
      await round()
      expect(asked('atlassian') - before).toBe(2)
      const [row] = await grantsOf(identity.provider_user_id)
      expect([row?.status, row?.access_token, row?.refresh_token]).toEqual(['revoked', null, null])
    })
  })

  describe('wait to be revoked', () => {
    test('visibly, until the provider has revoked them', async () => {
      const eve = await somebody()
      const { id } = await identityOf(eve.token)
      world.sandbox.fault({ provider: 'google', endpoint: 'revoke' }, { kind: 'status', status: 503 })
      await world.call('DELETE', `/me/identities/${id}/grant`, { token: eve.token })
      await round()
      await expect.poll(async () => (await waiting(eve.token))[0]?.attempts).toBe(1)
      const [one] = await waiting(eve.token)
      expect(one).toEqual({
        provider: 'google',
        team_id: null,
        queued_at: world.clock().toISOString(),
        attempts: 1,
        next_attempt_at: expect.any(String),
        last_error: 'transient',
      })
      expect(Date.parse(String(one?.next_attempt_at))).toBeGreaterThan(world.clock().getTime())
      const mallory = await somebody()
      expect(await waiting(mallory.token)).toEqual([])
      world.sandbox.clearFaults()
      world.turn(60)
      await round()
      expect(await waiting(eve.token)).toEqual([])
      expect(await events(eve.id)).toContain('provider_token.revoked')
    })

    test('but stay when the user signs in again in the meantime: the new consent is kept', async () => {
      const eve = await somebody()
      const { id } = await identityOf(eve.token)
      world.sandbox.fault({ provider: 'google', endpoint: 'revoke' }, { kind: 'status', status: 503 })
      await world.call('DELETE', `/me/identities/${id}/grant`, { token: eve.token })
      await round()
      const again = await world.signIn('google', eve.who)
      world.sandbox.clearFaults()
      world.turn(60)
      const before = asked('google')
      await round()
      expect(asked('google')).toBe(before)
      expect(await waiting(again.access_token)).toEqual([])
      const said = await world.call('GET', `/me/identities/${id}/profile`, { token: again.access_token })
      expect(said.status).toBe(200)
      expect((await identityOf(again.access_token)).token_status).toBe('healthy')
    })
  })

  describe('are checked when the provider rejects a token', () => {
    const killAt = (provider: ProviderName, who: string, kinds: readonly ('access' | 'refresh')[]) => {
      const at = sandboxName[provider]
      if (kinds.includes('access')) expect(world.sandbox.killAccessTokens(at, who)).toBeGreaterThan(0)
      if (kinds.includes('refresh')) world.sandbox.killRefreshTokens(at, who)
    }
    const profile = (identity: Json, token: string) =>
      world.call('GET', `/me/identities/${identity.id}/profile`, { token })

    test.each([
      ['google', ['access', 'refresh']],
      ['atlassian', ['access', 'refresh']],
      ['github', ['access']],
    ] as const)('and found revoked: %s', async (provider, kinds) => {
      const eve = await somebody(provider)
      const identity = await identityOf(eve.token, provider)
      killAt(provider, eve.who, kinds)
      for (let n = 0; n < 2; n++)
        expect(refusalOf(await profile(identity, eve.token))).toEqual([409, 'needs_reauthorization'])
      expect((await identityOf(eve.token, provider)).token_status).toBe('needs_reauthorization')
      expect((await events(eve.id)).filter((name) => name === 'provider_token.needs_reauthorization')).toHaveLength(1)
    })

    test('and a new token is fetched once', async () => {
      const eve = await somebody('atlassian')
      const identity = await identityOf(eve.token, 'atlassian')
      killAt('atlassian', eve.who, ['access'])
      const said = await profile(identity, eve.token)
      expect(said.status, said.text).toBe(200)
      expect((await identityOf(eve.token, 'atlassian')).token_status).toBe('healthy')
    })
  })
})
