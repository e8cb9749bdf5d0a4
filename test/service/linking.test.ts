import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answer,
  aboveStore,
  answerOf,
  authOf,
  cookiesOf,
  type Json,
  listIn,
  type ProviderName,
  providers,
  refusalOf,
  sandboxName,
  startWorld,
  type World,
} from '../support/service.ts'

describe.each(aboveStore('PostgreSQL'))('linking and unlinking identities, on %s:', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  const identities = async (token: string): Promise<readonly Json[]> =>
    listIn(await world.call('GET', '/me/identities', { token }))
  const providersOf = async (token: string) => (await identities(token)).map(({ provider }) => provider).sort()
  const identityAt = async (token: string, provider: ProviderName): Promise<string> =>
    String((await identities(token)).find((one) => one.provider === provider)?.id)
  const link = (provider: ProviderName, as: string, token: string) =>
    world.enter(provider, as, { intent: 'link', token })
  const unlink = (id: string, token: string, at = world.base) =>
    world.call('DELETE', `/me/identities/${id}`, { token, at })

  /** A user with these identities, the first of which created the account. */
  async function somebody(first: ProviderName, ...others: readonly ProviderName[]) {
    const who = world.newcomer()
    const auth = await world.signIn(first, who)
    for (const provider of others) {
      const linked = await link(provider, who, auth.access_token)
      expect(linked.status, linked.text).toBe(200)
    }
    return { who, ...auth, token: auth.access_token }
  }

  describe.each(providers)('with %s', (provider) => {
    const first = provider === 'google' ? 'github' : 'google'

    test('an app links an identity with any email address, and no second session begins', async () => {
      const { token, user } = await somebody(first)
      const before = (await world.dump('sessions')).sessions?.length
      const other = world.newcomer({ verified: false })
      const linked = await link(provider, other, token)
      expect([linked.status, linked.body.action]).toEqual([200, 'linked_new'])
      expect(linked.body).toEqual({
        user: expect.objectContaining({ id: user.id, email: user.email }),
        provider_info: { provider, provider_user_id: expect.any(String) },
        action: 'linked_new',
      })
      expect((await world.dump('sessions')).sessions).toHaveLength(before ?? 0)
      const again = await world.signIn(provider, other)
      expect([again.action, again.user.id]).toEqual(['login_existing', user.id])
    })

    test('a browser links an identity from its account page', async () => {
      const who = world.newcomer()
      const browser = world.openBrowser()
      await browser.signIn(first, who)
      const cookie = (await browser.json('GET', '/me/sessions')).text
      const page = await browser.ask(`${world.base}/account/sign-in`)
      const to = await submitUntilProvider(browser, page, provider)
      const back = await browser.ask(await world.approve(to, world.newcomer()))
      expect([back.status, new URL(back.headers.get('location') ?? '', world.base).pathname]).toEqual([303, '/account'])
      expect(Object.keys(cookiesOf(back.headers))).not.toContain('vinculum_session')
      expect(listIn(await browser.json('GET', '/me/identities'))).toHaveLength(2)
      expect((await browser.json('GET', '/me/sessions')).text).toBe(cookie)
    })
  })

  type Browser = ReturnType<World['openBrowser']>
  /** The link form of the account page; returns the provider URL it leads to. */
  async function submitUntilProvider(browser: Browser, page: Awaited<ReturnType<Browser['ask']>>, provider: string) {
    const forms = [...page.text.matchAll(/<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)]
    const form = forms.find(([, action]) => action === `/auth/${provider}/link`)
    expect(form, `no form for ${provider}`).toBeDefined()
    const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(form?.[2] ?? '') ?? []
    const sent = await browser.ask(`${world.base}/auth/${provider}/link`, {
      method: 'POST',
      body: new URLSearchParams({ csrf }),
      headers: { origin: world.base, 'sec-fetch-site': 'same-origin' },
    })
    expect(sent.status, sent.text).toBe(303)
    return sent.headers.get('location') ?? ''
  }

  test('a form without the CSRF token, or from another site, links nothing', async () => {
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    const begun = (await world.dump('flows')).flows?.length
    const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec((await browser.ask(`${world.base}/account`)).text) ?? []
    const attempts: readonly [Record<string, string>, Record<string, string>][] = [
      [{}, { origin: world.base, 'sec-fetch-site': 'same-origin' }],
      [{ csrf: 'made-up' }, { origin: world.base, 'sec-fetch-site': 'same-origin' }],
      [{ csrf }, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
      [{ csrf }, { origin: 'http://localhost:1', 'sec-fetch-site': 'same-site' }],
    ]
    for (const [fields, headers] of attempts) {
      const answer = await browser.ask(`${world.base}/auth/github/link`, {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: { ...headers, accept: 'application/json' },
      })
      expect(refusalOf(answerOf(answer))).toEqual([403, 'csrf_failed'])
    }
    expect((await world.dump('flows')).flows).toHaveLength(begun ?? 0)
  })

  test('linking requires a recent sign-in', async () => {
    const nobody = await world.call('POST', '/auth/github/authorize', { body: { intent: 'link' } })
    expect(refusalOf(nobody)).toEqual([401, 'authentication_required'])
    expect(nobody.headers.get('www-authenticate')).toMatch(/^Bearer resource_metadata="[^"]+"$/)

    const { token } = await somebody('google')
    world.turn(600)
    const begun = await world.call('POST', '/auth/github/authorize', { body: { intent: 'link' }, token })
    expect(begun.status).toBe(200)
    world.turn(1)
    const late = await world.call('POST', '/auth/github/authorize', { body: { intent: 'link' }, token })
    expect(refusalOf(late)).toEqual([403, 'reauthentication_required'])
    expect(late.headers.get('www-authenticate')).toContain('insufficient_user_authentication')

    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    world.turn(601)
    const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec((await browser.ask(`${world.base}/account`)).text) ?? []
    const form = { method: 'POST', body: new URLSearchParams({ csrf }), headers: { origin: world.base } }
    const page = await browser.ask(`${world.base}/auth/github/link`, form)
    expect(page.status).toBe(403)
    expect(page.text).toMatch(/href="\/login/)
  })

  test('linking an identity the account already has changes nothing', async () => {
    const { who, token } = await somebody('google', 'github')
    const before = await world.dump('accounts', 'sessions', 'identities')
    const again = await link('github', who, token)
    expect([again.status, again.body.action]).toEqual([200, 'login_existing'])
    const after = await world.dump('accounts', 'sessions', 'identities')
    for (const table of ['accounts', 'sessions']) expect(after[table]).toEqual(before[table])
    expect(after.identities).toHaveLength(before.identities?.length ?? 0)
  })

  test('an identity of another account is refused, and nothing moves', async () => {
    const other = await somebody('github')
    const { token } = await somebody('google')
    expect(await providersOf(token)).toEqual(['google'])
    const before = await world.dump('accounts', 'identities', 'sessions', 'grants')
    expect(refusalOf(await link('github', other.who, token))).toEqual([409, 'identity_already_linked'])
    const after = await world.dump('accounts', 'identities', 'sessions', 'grants')
    for (const table of ['accounts', 'identities', 'sessions', 'grants'])
      expect([table, after[table]]).toEqual([table, before[table]])
    expect(await providersOf(token)).toEqual(['google'])
    expect((await world.signIn('github', other.who)).user.id).toBe(other.user.id)
  })

  test('two identities of one provider can be linked to one account', async () => {
    const { token } = await somebody('github')
    expect((await link('github', world.newcomer(), token)).body.action).toBe('linked_new')
    expect(await providersOf(token)).toEqual(['github', 'github'])
  })

  describe('a link begun by one user and finished by another', () => {
    const calls = () => world.sandbox.journal.filter(({ endpoint }) => endpoint === 'token').length
    type Arrival = (back: URL, flowToken: string) => Promise<Answer>
    /** The attacker begins the link, and the victim consents and follows the callback. */
    async function attack(victim: () => Promise<Arrival>) {
      const attacker = await somebody('google')
      const arrive = await victim()
      const flow = await world.begin('github', { intent: 'link', token: attacker.token })
      const back = await world.approve(flow.url, world.newcomer())
      const [before, asked] = [await world.dump('accounts', 'identities', 'grants', 'sessions'), calls()]
      expect(refusalOf(await arrive(back, flow.flowToken))).toEqual([400, 'flow_mismatch'])
      const after = await world.dump('accounts', 'identities', 'grants', 'sessions')
      for (const table of ['accounts', 'identities', 'grants'])
        expect([table, after[table]]).toEqual([table, before[table]])
      expect(after.sessions).toHaveLength(before.sessions?.length ?? 0)
      expect(calls()).toBe(asked)
      expect(await providersOf(attacker.token)).toEqual(['google'])
      expect((await world.trail()).at(-1)).toMatchObject({ event: 'authentication.failed' })
    }
    const json = { headers: { accept: 'application/json' } }

    test('does not attach the victim’s identity to the attacker’s account in the victim’s browser', () =>
      attack(async () => {
        const victim = world.openBrowser()
        await victim.signIn('google', world.newcomer())
        return async (back) => answerOf(await victim.ask(back, json))
      }))
    test('is refused in a browser where nobody is signed in', () =>
      attack(async () => async (back) => answerOf(await world.openBrowser().ask(back, json))))
    test('is refused to another user who holds the flow_token', () =>
      attack(async () => {
        const { token } = await somebody('google')
        return (back, flowToken) =>
          world.call('POST', '/auth/github/callback', { body: world.handedIn(back, { flowToken }), token })
      }))
    test('is refused without a user', () =>
      attack(
        async () => (back, flowToken) =>
          world.call('POST', '/auth/github/callback', { body: world.handedIn(back, { flowToken }) }),
      ))
  })

  test('a link is finished in the session that began it, not in another session of the same user', async () => {
    const { who, token } = await somebody('google')
    const flow = await world.begin('github', { intent: 'link', token })
    const back = await world.approve(flow.url, who)
    const other = await world.signIn('google', who)
    expect(refusalOf(await world.finish(flow, back, { token: other.access_token }))).toEqual([400, 'flow_mismatch'])
    // The attempt claimed it.
    expect(refusalOf(await world.finish(flow, back, { token }))).toEqual([400, 'state_already_used'])
  })

  test('a link is refused after its session ended', async () => {
    const { who, token } = await somebody('google')
    const flow = await world.begin('github', { intent: 'link', token })
    const back = await world.approve(flow.url, who)
    expect((await world.call('POST', '/auth/logout', { token })).status).toBe(204)
    expect((await world.finish(flow, back, { token })).status).toBe(401)
    expect(refusalOf(await world.finish(flow, back))).toEqual([400, 'flow_mismatch'])
  })

  test('a sign-in callback does not link, and a link callback does not sign in', async () => {
    const { token } = await somebody('google')
    const other = world.newcomer()
    const login = await world.begin('github')
    const signedIn = authOf(await world.finish(login, await world.approve(login.url, other), { token }))
    expect(signedIn.action).toBe('created_new_user')
    expect(await providersOf(token)).toEqual(['google'])
  })

  test('linking an identity that proves a claimed email address verifies it and ends the claims of other accounts', async () => {
    const email = `claimed-${database.toLowerCase()}@example.com`
    const who = world.newcomer({ email })
    const mine = await world.signIn('beta', who)
    expect(mine.user).toMatchObject({ email, email_verified: false })
    const asked = await world.enter('acme', world.newcomer({ email }))
    const body = { action: 'create', flow_token: asked.flow.flowToken }
    const theirs = authOf(await world.call('POST', `/auth/conflicts/${asked.body.conflict_ticket}`, { body }))
    expect(theirs.user).toMatchObject({ email, email_verified: false })

    const linked = await link('google', who, mine.access_token)
    expect(linked.body).toMatchObject({ action: 'linked_new', user: { id: mine.user.id, email, email_verified: true } })
    expect((await world.call('GET', '/me', { token: mine.access_token })).status).toBe(200)
    expect(refusalOf(await world.call('GET', '/me', { token: theirs.access_token }))).toEqual([401, 'session_revoked'])
  })

  test('unlinking removes an identity once; a missing or foreign identity is not found', async () => {
    const { token } = await somebody('google', 'github', 'acme')
    const stranger = await somebody('google', 'github')
    const id = await identityAt(token, 'github')
    expect(refusalOf(await unlink(id, stranger.token))).toEqual([404, 'not_linked'])
    expect((await unlink(id, token)).status).toBe(204)
    expect(refusalOf(await unlink(id, token))).toEqual([404, 'not_linked'])
    expect(refusalOf(await unlink('idn_made-up', token))).toEqual([404, 'not_linked'])
    expect(await providersOf(token)).toEqual(['acme', 'google'])
    const { body } = await world.call('GET', '/me/activity', { token })
    expect((body.items as Json[]).map(({ event }) => event)).toEqual(
      expect.arrayContaining(['identity.unlinked', 'identity.unlink_refused']),
    )
  })

  test('the last sign-in method cannot be removed, and the error lists the remaining methods', async () => {
    const { token } = await somebody('google')
    const refused = await unlink(await identityAt(token, 'google'), token)
    expect(refusalOf(refused)).toEqual([409, 'last_login_method'])
    expect(refused.body.remaining_methods).toEqual([{ type: 'provider', provider: 'google', usable: true }])
    expect(listIn(await world.call('GET', '/me/methods', { token }))).toEqual([
      { type: 'provider', provider: 'google', identity_id: await identityAt(token, 'google'), usable: true },
    ])
  })

  test('of two concurrent unlinks that would leave no sign-in method, one is refused', async () => {
    for (let round = 0; round < 20; round++) {
      const { token } = await somebody('google', 'github')
      const ids = [await identityAt(token, 'google'), await identityAt(token, 'github')]
      const answers = await Promise.all(ids.map((id) => unlink(id, token)))
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 409])
      expect(await identities(token)).toHaveLength(1)
    }
  })

  test('unlinking ends the sessions that were signed in with that identity, except the current one', async () => {
    const { who, token } = await somebody('google', 'github')
    const through = await world.signIn('github', who)
    const browser = world.openBrowser()
    await browser.signIn('github', who)
    const kept = await world.signIn('google', who)
    expect((await unlink(await identityAt(token, 'github'), token)).status).toBe(204)
    for (const answer of [
      await world.call('GET', '/me', { token: through.access_token }),
      await world.call('POST', '/auth/refresh', { body: { refresh_token: through.refresh_token } }),
      await browser.json('GET', '/me'),
    ])
      expect(refusalOf(answer)).toEqual([401, 'session_revoked'])
    expect((await world.call('GET', '/me', { token: kept.access_token })).status).toBe(200)
    // The email address still belongs to the account, and GitHub still proves it: signing in leads to the same account.
    expect((await world.signIn('github', who)).action).toBe('linked_existing')
  })

  describe('our permission at the provider', () => {
    const revocations = (provider: ProviderName) => world.sandbox.journal.calls(sandboxName[provider], 'revoke')
    const waiting = async (provider: ProviderName) =>
      ((await world.dump('revocations')).revocations ?? []).filter((row) => row.provider === provider)
    const work = () => world.vinculum.runJob('revoke-at-provider')

    test.each(['google', 'github', 'beta', 'acme'] as const)(
      'is revoked at %s, and its tokens are erased here',
      async (provider) => {
        const first = provider === 'google' ? 'github' : 'google'
        const { token, who } = await somebody(first, provider)
        const before = revocations(provider).length
        const grants = (await world.dump('grants')).grants?.length ?? 0
        expect((await unlink(await identityAt(token, provider), token)).status).toBe(204)
        await work()
        expect(revocations(provider).length - before).toBe(1)
        expect(revocations(provider).at(-1)?.status).toBeLessThan(300)
        expect((await world.dump('grants')).grants).toHaveLength(grants - 1)
        expect(await waiting(provider)).toEqual([])
        // The provider itself rejects the token.
        expect(world.sandbox.killAccessTokens(sandboxName[provider], who)).toBe(0)
        expect((await world.trail()).filter(({ event }) => event === 'provider_token.revoked').at(-1)?.data).toSatisfy(
          (data: unknown) => JSON.stringify(data).includes('revoked'),
        )
      },
    )

    test('is revoked later, and shown as pending, when the provider does not respond now', async () => {
      const { token } = await somebody('google', 'beta')
      world.sandbox.fault({ provider: 'oauth2', endpoint: 'revoke' }, { kind: 'status', status: 503 })
      expect((await unlink(await identityAt(token, 'beta'), token)).status).toBe(204)
      await work()
      const tried = revocations('beta').length
      expect(await waiting('beta')).toHaveLength(1)
      expect((await world.call('GET', '/metrics')).text).toMatch(
        /^vinculum_job_backlog\{job="revoke-at-provider"\} 1$/m,
      )
      await work()
      expect(revocations('beta')).toHaveLength(tried)

      world.turn(60)
      await work()
      expect(revocations('beta')).toHaveLength(tried + 1)
      expect(await waiting('beta')).toHaveLength(1)
      world.sandbox.clearFaults()
      world.turn(120)
      await work()
      expect(revocations('beta')).toHaveLength(tried + 2)
      expect(await waiting('beta')).toEqual([])
    })

    test('is kept when the user linked again in the meantime', async () => {
      const { token, who } = await somebody('google', 'github')
      world.sandbox.fault({ provider: 'github', endpoint: 'revoke' }, { kind: 'status', status: 503 })
      expect((await unlink(await identityAt(token, 'github'), token)).status).toBe(204)
      await work()
      const tried = revocations('github').length
      world.sandbox.clearFaults()
      expect((await link('github', who, token)).status).toBe(200)
      world.turn(3600)
      await work()
      expect(revocations('github')).toHaveLength(tried)
      expect(await waiting('github')).toEqual([])
      const back = await world.signIn('google', who)
      const id = await identityAt(back.access_token, 'github')
      expect((await world.call('GET', `/me/identities/${id}/profile`, { token: back.access_token })).status).toBe(200)
    })

    test('is revoked once, however many workers run', async () => {
      const { token } = await somebody('google', 'beta')
      const before = revocations('beta').length
      expect((await unlink(await identityAt(token, 'beta'), token)).status).toBe(204)
      await Promise.all([work(), work(), work()])
      expect(revocations('beta').length - before).toBe(1)
    })
  })
})

test('of two concurrent unlinks on two nodes that would leave no sign-in method, one is refused', async () => {
  const world = await startWorld({ database: 'PostgreSQL' })
  try {
    const { base: other } = await world.another()
    for (let round = 0; round < 6; round++) {
      const who = world.newcomer()
      await world.signIn('google', who)
      const { access_token: token } = await world.signIn('github', who)
      const ids = listIn(await world.call('GET', '/me/identities', { token })).map(({ id }) => String(id))
      const answers = await Promise.all(
        ids.map((id, n) => world.call('DELETE', `/me/identities/${id}`, { token, at: n === 0 ? world.base : other })),
      )
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 409])
    }
  } finally {
    await world.stop()
  }
})

test('an identity of a disabled provider is not a sign-in method, so the other one cannot be removed', async () => {
  const first = await startWorld()
  const who = first.newcomer()
  const { access_token } = await first.signIn('google', who)
  await first.enter('acme', who, { intent: 'link', token: access_token })
  // The same database, opened by a service for which Acme is not enabled.
  const second = await first.another({ OAUTH_ENABLED_PROVIDERS: 'google,github' })
  const at = second.base
  const methods = listIn(await first.call('GET', '/me/methods', { token: access_token, at }))
  expect(methods.map(({ provider, usable }) => `${provider} ${usable}`).sort()).toEqual(['acme false', 'google true'])
  const google = methods.find(({ provider }) => provider === 'google')?.identity_id
  const refused = await first.call('DELETE', `/me/identities/${google}`, { token: access_token, at })
  expect(refusalOf(refused)).toEqual([409, 'last_login_method'])
  await first.stop()
})
