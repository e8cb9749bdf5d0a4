import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createConflicts } from '../../src/accounts/conflicts.ts'
import { createReconcile } from '../../src/accounts/reconcile.ts'
import { createVault } from '../../src/connections/vault.ts'
import { fail } from '../../src/errors/catalogue.ts'
import { type Arrival, arriveFromProvider, type Callback } from '../../src/flows/arrive-from-provider.ts'
import { beginWithProvider } from '../../src/flows/begin-with-provider.ts'
import { finishSignIn } from '../../src/flows/finish-sign-in.ts'
import { postedCallback } from '../../src/flows/posted-callback.ts'
import { resolveConflict } from '../../src/flows/resolve-conflict.ts'
import { settleIdentity } from '../../src/flows/settle-identity.ts'
import { signInWithProvider } from '../../src/flows/sign-in-with-provider.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { ok } from '../../src/kernel/result.ts'
import { stateHashOf } from '../../src/kernel/state.ts'
import type { Provider, TokenGrant } from '../../src/providers/provider.ts'
import { createSignIn } from '../../src/sessions/sign-in.ts'
import { everywhereKnown } from '../support/familiarity.ts'
import { openedStore } from '../support/opened-store.ts'
import { anAccount, anIdentity, from } from '../support/people.ts'
import { providerStandIn } from '../support/provider-stand-in.ts'
import { newSealer } from '../support/sealers.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

const policy = { autoRegister: true, linkByVerifiedEmail: true }
const app = new URL('https://app.example.com/in')

async function story(autoRegister = true, rules = { acceptsIdentity: () => true, requireVerifiedEmail: false }) {
  const { clock, turn } = createStoppedClock()
  const opened = await openedStore({ tag: 'sqlite', file: ':memory:' }, clock)
  const { accounts, pendingAuthorizations, grants, sessions, pendingSignIns, audit, conflicts: asked } = opened.store
  const standIn = providerStandIn(['google', 'github'])
  const [sealer, random] = [newSealer(), systemRandom]
  const { ids, events } = opened
  const vault = createVault({ grants, sealer, clock, ids, random: systemRandom, provider: () => undefined })
  const mailed: [string, string | null][] = []
  const meanwhile: { happens?: () => Promise<unknown> } = {}
  const parts = {
    providers: standIn.providers,
    pendingAuthorizations,
    reconcile: createReconcile({ accounts, events, clock, ids, policy: { ...policy, autoRegister } }),
    conflicts: createConflicts({ conflicts: asked, clock, ids, random, sealer }),
    accounts,
    vault: {
      ...vault,
      keep: async (...given: Parameters<typeof vault.keep>) => {
        await meanwhile.happens?.()
        return vault.keep(...given)
      },
    },
    signIn: createSignIn({
      sessions,
      pendingSignIns,
      requireVerifiedEmail: false,
      mayReturn: () => true,
      isEnabled: () => true,
      familiarity: everywhereKnown,
      clock,
      ids,
      random,
      lifetimes: { refreshTtlSeconds: 3600, refreshAbsoluteTtlSeconds: 7200 },
    }),
    audit,
    events,
    sessionLives: () => Promise.resolve(true),
    clock,
    ids,
    random,
    sealer,
    policy: { stateTtlSeconds: 300, returnToAllowed: [app], publicUrl: new URL('https://id.example.com') },
    mayReturn: () => true,
    managed: standIn,
    autoRegister,
    rules,
    opensByMail: async () => true,
    sendSignIn: async ({ email, onward }: { email: { address: string }; onward: { returnTo: string | null } }) => {
      mailed.push([email.address, onward.returnTo])
      return ok({ binding: 'b', expiresIn: 600 })
    },
    mail: true,
  }
  const begin = beginWithProvider(parts)
  const dropped: string[] = []
  const drop = async ({ tokens }: TokenGrant): Promise<void> => void dropped.push(tokens.accessToken)
  const { proceed } = parts.signIn
  const signIn = {
    ...parts.signIn,
    proceed: async (...given: Parameters<typeof proceed>) => {
      await meanwhile.happens?.()
      return proceed(...given)
    },
  }
  const finish = finishSignIn({ ...parts, signIn, revokeUnused: drop })
  return {
    ...opened,
    clock,
    turn,
    standIn,
    vault,
    /** The addresses that receive sign-in codes, and the account each opens. */
    mailed,
    /** What another request does after the identity is settled, before its tokens are stored. */
    meanwhile,
    begin,
    /** Access tokens of failed sign-ins, which must be revoked. */
    dropped,
    enter: signInWithProvider({
      ...parts,
      arrive: arriveFromProvider(parts),
      posted: postedCallback({ ...parts, draftOf: async () => undefined }),
      settle: settleIdentity({ ...parts, stillOffers: async () => true, revokeUnused: drop }),
      finish,
      connect: async () => fail('jira_not_available'),
      tryDraft: async () => fail('flow_mismatch'),
    }),
    resolve: resolveConflict({ ...parts, finish }),
    async begun(given: Partial<Parameters<typeof begin>[0]> = {}) {
      const begun = await begin({ provider: 'google', ...given })
      if (!begun.ok) throw new Error(`the flow did not begin: ${begun.error.code}`)
      return begun.value
    },
    async member(given: Parameters<typeof anAccount>[0] = {}) {
      const account = anAccount(given)
      await accounts.create(account, anIdentity(account.id, { provider: 'github' }), { separate: true }, [])
      return account
    },

    /** A session of the account. */
    async device(accountId: string): Promise<string> {
      const [identity] = await accounts.identitiesOf(accountId)
      const started = await parts.signIn.proceed(
        anAccount({ id: accountId }),
        {
          opener: { tag: 'identity', id: identity?.id ?? '' },
          provider: 'github',
          providerUserId: '42',
          action: 'login_existing',
          amr: ['fed'],
        },
        { origin: from, browser: false, replaces: null, returnTo: null, codeChallenge: null },
      )
      opened.told.length = 0
      return started.ok ? started.value.session.id : ''
    },
  }
}
type Story = Awaited<ReturnType<typeof story>>

let at: Story
beforeEach(async () => {
  at = await story()
})
afterEach(() => at.store.close())

const arriving = (binding: string | undefined, given: Partial<Arrival> = {}): Arrival => ({
  binding,
  origin: from,
  browser: true,
  who: null,
  ...given,
})
/** The audit entries, and nothing else. */
const trail = (): string[] => at.told.flatMap((event) => ('accountId' in event ? [event.name] : []))

describe('a sign-in', () => {
  test('creates an account, a session and a vault entry, each with its fact', async () => {
    const { state, binding } = await at.begun()
    const outcome = await at.enter('google', { code: 'c', state }, arriving(binding))
    expect(outcome).toMatchObject({
      ok: true,
      value: { tag: 'signed_in', action: 'created_new_user', cookie: expect.stringMatching(/^[\w-]{43}$/) },
    })
    expect(trail()).toEqual(['account.created', 'authentication.succeeded'])
    expect(at.standIn.exchanged).toEqual([
      {
        provider: 'google',
        code: 'c',
        verifier: 'verifier-1',
        redirectUri: 'https://id.example.com/auth/google/callback',
      },
    ])
  })

  test('ends the browser’s previous session, which prevents session fixation', async () => {
    const first = await at.begun()
    const before = await at.enter('google', { code: 'c', state: first.state }, arriving(first.binding))
    if (!before.ok || before.value.tag !== 'signed_in') throw new Error('the first sign-in was to succeed')
    const { session, cookie, account } = before.value
    const second = await at.begun()
    const who = { accountId: account.id, sessionId: session.id }
    const after = await at.enter('google', { code: 'c', state: second.state }, arriving(second.binding, { who }))
    expect(after.ok && after.value.tag === 'signed_in' && after.value.cookie).not.toBe(cookie)
    expect(await at.store.sessions.find(session.id)).toMatchObject({ endReason: 'replaced' })
  })

  const grantOf = async (accountId: string) => {
    const [identity] = await at.store.accounts.identitiesOf(accountId)
    if (!identity) throw new Error('the account has no identity')
    const { provider, issuer, subject } = identity
    return at.store.grants.find({ provider, issuer, clientId: `${provider}-client`, subject, holder: 'person' })
  }

  test('whose account is disabled before its session starts stores no tokens, and has them revoked', async () => {
    const known = await at.begun()
    const before = await at.enter('google', { code: 'c', state: known.state }, arriving(known.binding))
    if (!before.ok || before.value.tag !== 'signed_in') throw new Error('the first sign-in was to succeed')
    const { account } = before.value
    const stored = await grantOf(account.id)
    expect(stored).toMatchObject({ fence: 1 })
    const { state, binding } = await at.begun()
    at.meanwhile.happens = async () => {
      const { accounts } = at.driver.tables
      await at.driver.write(at.driver.db.update(accounts).set({ disabledAt: at.clock() }))
    }
    expect(await at.enter('google', { code: 'c', state }, arriving(binding))).toMatchObject({
      error: { code: 'account_linking_failed' },
    })
    expect(await grantOf(account.id)).toEqual(stored)
    expect(at.dropped).toEqual(['at'])
  })

  test('that waits for the second factor has stored its tokens', async () => {
    const known = await at.begun()
    const before = await at.enter('google', { code: 'c', state: known.state }, arriving(known.binding))
    if (!before.ok || before.value.tag !== 'signed_in') throw new Error('the first sign-in was to succeed')
    const { account } = before.value
    const { accounts } = at.driver.tables
    await at.driver.write(at.driver.db.update(accounts).set({ secondFactorAt: at.clock() }))
    const { state, binding } = await at.begun()
    expect(await at.enter('google', { code: 'c', state }, arriving(binding))).toMatchObject({
      error: { code: 'second_factor_required' },
    })
    expect(await grantOf(account.id)).toMatchObject({ fence: 2 })
    expect(at.dropped).toEqual([])
  })

  test('works ten times concurrently in one browser', async () => {
    const flows = await Promise.all(Array.from({ length: 10 }, () => at.begun()))
    expect(new Set(flows.map(({ handle }) => handle)).size).toBe(10)
    const outcome = await Promise.all(
      flows.map(({ state, binding }) => at.enter('google', { code: 'c', state }, arriving(binding))),
    )
    expect(outcome.every(({ ok }) => ok)).toBe(true)
  })

  test('is finished once, under any number of concurrent callbacks', async () => {
    const { state, binding } = await at.begun()
    const outcome = await Promise.all(
      Array.from({ length: 8 }, () => at.enter('google', { code: 'c', state }, arriving(binding))),
    )
    expect(outcome.map((one) => (one.ok ? 'signed in' : one.error.code)).sort()).toEqual([
      'signed in',
      ...Array(7).fill('state_already_used'),
    ])
    expect(at.standIn.exchanged).toHaveLength(1)
  })
})

describe('a sign-in during which the settings change', () => {
  const trusting = { emailTrust: 'verified', secondFactor: 'trusted' } as const
  const cautious = { emailTrust: 'never', secondFactor: 'ask' } as const
  const signIn = async (before: Partial<Provider>, after: Partial<Provider>) => {
    at.standIn.becomes('google', { ...before, version: 'pvr_1' })
    const { state, binding } = await at.begun()
    at.standIn.becomes('google', { ...after, version: 'pvr_2' })
    return { binding, outcome: await at.enter('google', { code: 'c', state }, arriving(binding)) }
  }

  test.each([
    ['those of the start only', trusting, cautious],
    ['those of now only', cautious, trusting],
  ])('proves no email address and no second factor if %s trust the provider', async (_, before, after) => {
    expect((await signIn(before, after)).outcome).toMatchObject({
      ok: true,
      value: { action: 'created_new_user', account: { emailVerified: false }, session: { amr: ['fed'] } },
    })
  })

  test('proves both if both trust the provider', async () => {
    expect((await signIn(trusting, trusting)).outcome).toMatchObject({
      ok: true,
      value: { account: { emailVerified: true }, session: { amr: ['fed', 'mfa'] } },
    })
  })

  test('ends in a conflict that proves nothing either, when it is resolved with the settings of now', async () => {
    await at.member({ email: 'ada@example.com', emailVerified: true })
    const { outcome, binding } = await signIn(cautious, trusting)
    if (outcome.ok) throw new Error('there was to be a question')
    const ticket = String(outcome.error.extra?.conflict_ticket)
    const shown = await at.resolve.show(ticket, binding, null)
    // All methods, whatever the account has: this user did not prove the address.
    expect(shown.ok && shown.value.methods.map(({ type }) => type)).toContain('password')
    const answered = await at.resolve.answer(ticket, 'create', { ...arriving(binding), recent: false })
    expect(answered).toMatchObject({
      ok: true,
      value: { action: 'created_new_user', account: { emailVerified: false }, session: { amr: ['fed'] } },
    })
  })
})

describe('an invalid callback', () => {
  const session = { accountId: 'usr_1', sessionId: 'ses_1' }
  test.each<[string, string, (flow: { state: string; binding: string }) => readonly [string, Callback, Arrival]]>([
    ['without a state', 'invalid_state', ({ binding }) => ['google', { code: 'c' }, arriving(binding)]],
    [
      'with a forged state',
      'invalid_state',
      ({ binding }) => ['google', { code: 'c', state: 'made up' }, arriving(binding)],
    ],
    ['in another browser', 'flow_mismatch', ({ state }) => ['google', { code: 'c', state }, arriving('another')]],
    [
      'in a browser without the cookie',
      'flow_mismatch',
      ({ state }) => ['google', { code: 'c', state }, arriving(undefined)],
    ],
    [
      'at another provider',
      'flow_mismatch',
      ({ state, binding }) => ['github', { code: 'c', state }, arriving(binding)],
    ],
    [
      'where the user denied consent',
      'access_denied',
      ({ state, binding }) => ['google', { state, error: 'access_denied' }, arriving(binding)],
    ],
    [
      'where the provider was temporarily unavailable',
      'provider_unavailable',
      ({ state, binding }) => ['google', { state, error: 'server_error' }, arriving(binding)],
    ],
    [
      'where the provider refused',
      'token_exchange_failed',
      ({ state, binding }) => ['google', { state, error: 'invalid_scope' }, arriving(binding)],
    ],
    ['without a code', 'invalid_request', ({ state, binding }) => ['google', { state }, arriving(binding)]],
  ])('%s is %s: no request to the provider, no change and one audit entry', async (_, code, made) => {
    const [provider, callback, arrival] = made(await at.begun())
    expect(await at.enter(provider, callback, { ...arrival, who: session })).toMatchObject({
      ok: false,
      error: { code },
    })
    expect(at.standIn.exchanged).toEqual([])
    expect(at.heard('authentication.failed').map(({ data }) => data)).toEqual([{ provider, code, intent: 'login' }])
    expect(trail()).toHaveLength(1)
    expect(await at.store.accounts.findByEmail('ada@example.com')).toEqual([])
  })

  test.each([
    ['redirect_uri_mismatch', 'redirect_uri_mismatch'],
    ['user_cancelled_authorize', 'user_cancelled_authorize'],
    ['user_cancelled_login', 'user_cancelled_login'],
    ['<script>alert(1)</script>', 'other'],
    ['toString', 'other'],
  ])('with the error %s is reported as %s, once its pending authorization is known', async (said, told) => {
    const { state, binding } = await at.begun()
    await at.enter('google', { state: 'made-up', error: said }, arriving(binding))
    expect(at.heard('oauth.callback_refused')).toEqual([])
    await at.enter('google', { state, error: said }, arriving(binding))
    expect(at.heard('oauth.callback_refused').map(({ data }) => data)).toEqual([{ provider: 'google', error: told }])
  })

  test.each(['access_denied', 'user_cancelled_authorize', 'user_cancelled_login'])(
    'with the error %s is access_denied: the user declined',
    async (error) => {
      const { state, binding } = await at.begun()
      expect(await at.enter('google', { state, error }, arriving(binding))).toMatchObject({
        error: { code: 'access_denied' },
      })
    },
  )

  test('after expiry is state_expired', async () => {
    const { state, binding } = await at.begun()
    at.turn(300)
    expect(await at.enter('google', { code: 'c', state }, arriving(binding))).toMatchObject({
      error: { code: 'state_expired' },
    })
    expect(at.standIn.exchanged).toEqual([])
  })

  test('stays used after the exchange failed', async () => {
    at.standIn.refusesCodes(fail('token_exchange_failed', { provider: 'Google' }))
    const { state, binding } = await at.begun()
    expect(await at.enter('google', { code: 'c', state }, arriving(binding))).toMatchObject({
      error: { code: 'token_exchange_failed' },
    })
    expect(await at.enter('google', { code: 'c', state }, arriving(binding))).toMatchObject({
      error: { code: 'state_already_used' },
    })
    expect(at.standIn.exchanged).toHaveLength(1)
  })

  test('of an unknown provider is refused as such', async () => {
    expect(await at.enter('facebook', { code: 'c', state: 's' }, arriving('b'))).toMatchObject({
      error: { code: 'provider_not_found' },
    })
  })
})

describe('linking an identity', () => {
  test.each<[string, Partial<Arrival>]>([
    ['signed out', { who: null }],
    ['as another user', { who: { accountId: 'usr_eve', sessionId: 'ses_1' } }],
    ['in another session', { who: { accountId: 'usr_ada', sessionId: 'ses_2' } }],
  ])('that was begun by one user and is finished %s links nothing', async (_, given) => {
    const account = await at.member({ id: 'usr_ada' })
    const { state, binding } = await at.begun({ visitor: { accountId: account.id, sessionId: 'ses_1' } })
    expect(await at.enter('google', { code: 'c', state }, arriving(binding, given))).toMatchObject({
      error: { code: 'flow_mismatch' },
    })
    expect(at.standIn.exchanged).toEqual([])
    expect(await at.store.accounts.identitiesOf(account.id)).toHaveLength(1)
  })

  test('adds the identity with any email address, and starts no session', async () => {
    const account = await at.member()
    const who = { accountId: account.id, sessionId: await at.device(account.id) }
    at.standIn.says({ email: 'somebody.else@example.com', emailVerified: false })
    const { state, binding } = await at.begun({ visitor: who })
    expect(await at.enter('google', { code: 'c', state }, arriving(binding, { who }))).toMatchObject({
      ok: true,
      value: { tag: 'linked', action: 'linked_new' },
    })
    expect(trail()).toEqual(['identity.link_started', 'identity.linked'])
    expect(await at.store.sessions.list(account.id, new Date(0))).toHaveLength(1)
  })

  test('links nothing when its session ends at the moment of the write', async () => {
    const account = await at.member()
    const who = { accountId: account.id, sessionId: await at.device(account.id) }
    const { state, binding } = await at.begun({ visitor: who })
    // The flow considers the session live throughout: only the write itself can tell.
    await at.store.sessions.end({ id: who.sessionId, accountId: account.id }, 'revoked', at.clock(), [])
    expect(await at.enter('google', { code: 'c', state }, arriving(binding, { who }))).toMatchObject({
      error: { code: 'account_linking_failed' },
    })
    expect(await at.store.accounts.identitiesOf(account.id)).toHaveLength(1)
  })

  test('stores no token of an identity that is unlinked before its tokens are stored', async () => {
    const account = await at.member()
    const who = { accountId: account.id, sessionId: await at.device(account.id) }
    const { state, binding } = await at.begun({ visitor: who })
    at.meanwhile.happens = async () => {
      const linked = (await at.store.accounts.identitiesOf(account.id)).find(({ provider }) => provider === 'google')
      const of = { accountId: account.id, identityId: linked?.id ?? '', keepSession: null, at: at.clock() }
      expect(
        await at.store.accounts.unlink(
          of,
          () => true,
          () => [],
        ),
      ).toBe('unlinked')
    }
    const outcome = await at.enter('google', { code: 'c', state }, arriving(binding, { who }))
    expect(outcome).toMatchObject({ ok: false, error: { code: 'account_linking_failed' } })
    expect(at.dropped).toEqual(['at'])
  })
})

describe('an account conflict', () => {
  /** A sign-in that ends in an account conflict. */
  const question = async () => {
    const flow = await at.begun()
    const answer = await at.enter('google', { code: 'c', state: flow.state }, arriving(flow.binding))
    if (answer.ok || answer.error.code !== 'account_conflict') throw new Error('there was to be a question')
    return { ticket: String(answer.error.extra?.conflict_ticket), binding: flow.binding }
  }
  const answering = (binding: string, given: Partial<Arrival & { recent: boolean }> = {}) => ({
    ...arriving(binding),
    recent: false,
    ...given,
  })

  test('is shown with a masked email address, and only to the browser it was opened in', async () => {
    await at.member({ email: 'ada@example.com' })
    const { ticket, binding } = await question()
    expect(await at.resolve.show(ticket, binding, null)).toMatchObject({
      ok: true,
      value: { email: 'a•••@example.com', canCreate: true, proven: false },
    })
    for (const other of ['another', '', undefined])
      expect(await at.resolve.show(ticket, other, null)).toMatchObject({ error: { code: 'conflict_not_found' } })
  })

  test('offers the methods of the account, except the provider of the new identity', async () => {
    const account = await at.member({ email: 'ada@example.com' })
    await at.store.accounts.link(anIdentity(account.id, { provider: 'google' }), null, [])
    const { ticket, binding } = await question()
    expect(await at.resolve.show(ticket, binding, null)).toMatchObject({
      ok: true,
      value: { methods: [{ type: 'provider', provider: 'github' }, { type: 'email' }] },
    })
  })

  test('offers every method except that provider to a user who did not prove the email address', async () => {
    await at.member({ email: 'ada@example.com' })
    at.standIn.says({ emailVerified: false })
    const { ticket, binding } = await question()
    const shown = await at.resolve.show(ticket, binding, null)
    expect(shown.ok && shown.value.methods.map(({ type }) => type)).toEqual([
      'provider',
      'password',
      'passkey',
      'email',
    ])
  })

  test('offers no identity that is not allowed to sign in', async () => {
    await at.store.close()
    at = await story(true, { acceptsIdentity: () => false, requireVerifiedEmail: false })
    await at.member({ email: 'ada@example.com' })
    const { ticket, binding } = await question()
    const shown = await at.resolve.show(ticket, binding, null)
    expect(shown.ok && shown.value.methods).toEqual([{ type: 'email' }])
  })

  test('sends a code only to its own email address and for its own browser', async () => {
    await at.member({ email: 'ada@example.com' })
    const { ticket, binding } = await question()
    const send = (by: string | undefined) =>
      at.resolve.sendProof(ticket, { binding: by, origin: from, returnTo: '/auth/conflicts/t' })
    for (const other of ['another', '', undefined])
      expect(await send(other)).toMatchObject({ error: { code: 'conflict_not_found' } })
    expect(at.mailed).toEqual([])
    expect(await send(binding)).toMatchObject({ ok: true, value: { binding: 'b' } })
    expect(at.mailed).toEqual([['ada@example.com', '/auth/conflicts/t']])
    expect(await at.resolve.answer(ticket, 'create', answering(binding))).toMatchObject({ ok: true })
    expect(await send(binding)).toMatchObject({ error: { code: 'conflict_not_found' } })
  })

  test('is resolved once, under any number of concurrent requests', async () => {
    await at.member({ email: 'ada@example.com' })
    const { ticket, binding } = await question()
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => at.resolve.answer(ticket, 'create', answering(binding))),
    )
    expect(answers.map((one) => (one.ok ? one.value.action : one.error.code)).sort()).toEqual([
      ...Array(4).fill('conflict_not_found'),
      'created_new_user',
    ])
    expect(at.heard('conflict.resolved')).toHaveLength(1)
  })

  test('is open for ten minutes', async () => {
    await at.member({ email: 'ada@example.com' })
    const { ticket, binding } = await question()
    at.turn(600)
    expect(await at.resolve.answer(ticket, 'create', answering(binding))).toMatchObject({
      error: { code: 'conflict_not_found' },
    })
  })

  test('is linked only for a user who just proved the existing account', async () => {
    const account = await at.member({ email: 'ada@example.com' })
    const eve = await at.member({ email: 'eve@example.com' })
    const { ticket, binding } = await question()
    const refused = { ok: false, error: { code: 'proof_required' } }
    const who = { accountId: account.id, sessionId: await at.device(account.id) }
    expect(await at.resolve.answer(ticket, 'link', answering(binding))).toMatchObject(refused)
    expect(await at.resolve.answer(ticket, 'link', answering(binding, { who, recent: false }))).toMatchObject(refused)
    expect(
      await at.resolve.answer(
        ticket,
        'link',
        answering(binding, { who: { accountId: eve.id, sessionId: 'ses_2' }, recent: true }),
      ),
    ).toMatchObject(refused)
    expect(await at.store.accounts.identitiesOf(account.id)).toHaveLength(1)
    expect(await at.resolve.answer(ticket, 'link', answering(binding, { who, recent: true }))).toMatchObject({
      ok: true,
      value: { tag: 'signed_in', action: 'linked_existing', account: { id: account.id } },
    })
  })

  test('links nothing for a user who was signed out in the meantime', async () => {
    const account = await at.member({ email: 'ada@example.com' })
    const { ticket, binding } = await question()
    const who = { accountId: account.id, sessionId: 'ses_over' }
    expect(await at.resolve.answer(ticket, 'link', answering(binding, { who, recent: true }))).toMatchObject({
      ok: false,
      error: { code: 'account_linking_failed' },
    })
    expect(await at.store.accounts.identitiesOf(account.id)).toHaveLength(1)
    expect(at.heard('conflict.resolved')).toEqual([])
  })

  test('keeps the time of its sign-in as proof when resolved later, and the profile is requested again', async () => {
    await at.member({ email: 'ada@example.com' })
    const { ticket, binding } = await question()
    const asked = at.clock()
    at.turn(540)
    const answer = await at.resolve.answer(ticket, 'create', answering(binding))
    if (!answer.ok || answer.value.tag !== 'signed_in') throw new Error('nobody was signed in')
    expect(answer.value.session.authTime).toEqual(asked)
    expect(answer.value.session.createdAt).toEqual(at.clock())
    expect(at.standIn.forgotten).toEqual([`google:${answer.value.identity.subject}`])
  })

  test('is recorded as resolved once when the identity became known in the meantime', async () => {
    const account = await at.member({ email: 'ada@example.com' })
    const subject = 'the-same-person'
    at.standIn.says({ subject })
    const { ticket, binding } = await question()
    await at.store.accounts.link(anIdentity(account.id, { provider: 'google', subject }), null, [])
    const who = { accountId: account.id, sessionId: await at.device(account.id) }
    expect(await at.resolve.answer(ticket, 'link', answering(binding, { who, recent: true }))).toMatchObject({
      ok: true,
      value: { tag: 'signed_in', action: 'login_existing', account: { id: account.id } },
    })
    expect(at.heard('conflict.resolved')).toMatchObject([
      { accountId: account.id, data: { provider: 'google', action: 'link' } },
    ])
    expect((await at.store.audit.list(account.id, { before: null, limit: 50 })).map(({ event }) => event)).toContain(
      'conflict.resolved',
    )
  })

  test('that cannot be resolved is recorded in the audit log', async () => {
    const account = await at.member({ email: 'ada@example.com' })
    const other = await at.member()
    const subject = 'the-same-person'
    at.standIn.says({ subject })
    const { ticket, binding } = await question()
    await at.store.accounts.link(anIdentity(other.id, { provider: 'google', subject }), null, [])
    const who = { accountId: account.id, sessionId: 'ses_1' }
    expect(await at.resolve.answer(ticket, 'link', answering(binding, { who, recent: true }))).toMatchObject({
      ok: false,
      error: { code: 'identity_already_linked' },
    })
    expect(at.heard('authentication.failed').map(({ data }) => data.code)).toEqual(['identity_already_linked'])
  })
})

describe('beginning a sign-in', () => {
  test.each<[Partial<Parameters<Story['begin']>[0]>, string]>([
    [{ provider: 'facebook' }, 'provider_not_found'],
    [{ redirectUriKey: 'desktop' }, 'redirect_uri_key_not_found'],
    [{ redirectUriKey: 'constructor' }, 'redirect_uri_key_not_found'],
    [{ returnTo: '//evil.example' }, 'return_to_not_allowed'],
    [{ returnTo: '' }, 'return_to_not_allowed'],
    [{ returnTo: app.href }, 'invalid_request'],
  ])('with %j is refused: %s', async (given, code) => {
    expect(await at.begin({ provider: 'google', ...given, origin: from })).toMatchObject({ ok: false, error: { code } })
    // The name of an unknown provider is the caller's text, so nothing is recorded about it.
    const recorded = code === 'provider_not_found' ? [] : [[{ provider: 'google', code, intent: 'login' }, from]]
    expect(at.heard('authentication.failed').map(({ data, origin }) => [data, origin])).toEqual(recorded)
  })

  test('that a provider makes impossible is recorded with the account that links it', async () => {
    at.standIn.cannotBegin(fail('provider_unavailable', { provider: 'Google' }))
    const visitor = { accountId: (await at.member()).id, sessionId: 'ses_1' }
    expect(await at.begin({ provider: 'google', visitor })).toMatchObject({ error: { code: 'provider_unavailable' } })
    expect(at.heard('authentication.failed')).toMatchObject([
      { accountId: visitor.accountId, data: { provider: 'google', code: 'provider_unavailable', intent: 'link' } },
    ])
  })

  test('stores neither state, binding nor verifier in plain text', async () => {
    const { state, binding } = await at.begun({
      returnTo: app.href,
      codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    })
    const row = await at.store.pendingAuthorizations.find(stateHashOf(state))
    expect(row).toMatchObject({ returnTo: app.href, provider: 'google', intent: 'login' })
    const text = JSON.stringify(row)
    for (const secret of [state, binding, 'verifier-1']) expect(text).not.toContain(`"${secret}"`)
    expect(row?.verifier).toMatch(/^v1\.k1\./)
  })
})
