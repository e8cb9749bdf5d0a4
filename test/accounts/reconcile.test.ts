import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Identity } from '../../src/accounts/ports.ts'
import { createReconcile, type ReconcileRequest } from '../../src/accounts/reconcile.ts'
import { type Account, mostClaims } from '../../src/kernel/account.ts'
import { readEmail } from '../../src/kernel/email.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createSignIn } from '../../src/sessions/sign-in.ts'
import { databases } from '../support/databases.ts'
import { everywhereKnown } from '../support/familiarity.ts'
import { type OpenedStore, openedStore } from '../support/opened-store.ts'
import { aGrant, anAccount, anIdentity, from } from '../support/people.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

const policy = { autoRegister: true, linkByVerifiedEmail: true }
const lifetimes = { refreshTtlSeconds: 3600, refreshAbsoluteTtlSeconds: 7200 }

describe.each(databases)('account matching on $name', ({ place }) => {
  const { clock } = createStoppedClock()
  let opened: OpenedStore
  /** Two nodes, each with connections of its own, for real concurrency. */
  let nodes: readonly [Node, Node]
  type Node = { ask: ReturnType<typeof createReconcile>; opened: OpenedStore }

  beforeAll(async () => {
    const config = await place()
    const node = async (): Promise<Node> => {
      const opened = await openedStore(config, clock)
      return {
        opened,
        ask: createReconcile({
          accounts: opened.store.accounts,
          events: opened.events,
          clock,
          ids: opened.ids,
          policy,
        }),
      }
    }
    nodes = [await node(), await node()]
    opened = nodes[0].opened
  })
  afterAll(async () => {
    for (const { opened } of nodes) await opened.store.close()
  })

  let asked = 0
  const newAddress = (): string => `ada${++asked}@example.com`
  const question = (grant: ReconcileRequest['grant'], given: Partial<ReconcileRequest> = {}): ReconcileRequest => ({
    grant,
    providerName: grant.provider,
    trusted: true,
    origin: from,
    ...given,
  })
  const newcomer = async (given: Partial<Account> = {}, by: Partial<Identity> = {}) => {
    const account = anAccount(given)
    const identity = anIdentity(account.id, by)
    expect(await opened.store.accounts.create(account, identity, { separate: true }, [])).toBe(true)
    return { account, identity }
  }
  const namesakes = (email: string) => opened.store.accounts.findByEmail(readEmail(email)?.key ?? '')
  const signedIn = async (accountId: string, identityId: string) => {
    const signIn = createSignIn({
      ...opened.store,
      clock,
      ids: opened.ids,
      random: systemRandom,
      lifetimes,
      requireVerifiedEmail: false,
      mayReturn: () => true,
      isEnabled: () => true,
      familiarity: everywhereKnown,
    })
    const started = await signIn.proceed(
      anAccount({ id: accountId }),
      {
        opener: { tag: 'identity', id: identityId },
        provider: 'github',
        providerUserId: '42',
        action: 'login_existing',
        amr: ['fed'],
      },
      { origin: from, browser: false, replaces: null, returnTo: null, codeChallenge: null },
    )
    if (!started.ok) throw new Error('the sign-in was refused')
    return started.value
  }

  test('creates an account for an unknown user with the provider’s claims, and finds it again', async () => {
    const grant = aGrant('google', { email: 'Ada.New@Example.com', name: 'Ada', picture: 'https://example.com/a.png' })
    const first = await nodes[0].ask(question(grant))
    expect(first).toMatchObject({
      ok: true,
      value: {
        action: 'created_new_user',
        account: { email: 'Ada.New@example.com', emailVerified: true, name: 'Ada', role: 'user' },
        identity: { provider: 'google', issuer: 'google', subject: grant.claims.subject, scopes: ['openid'] },
      },
    })
    const again = await nodes[1].ask(question(grant))
    expect(again).toMatchObject({
      ok: true,
      value: { action: 'login_existing', account: first.ok && { id: first.value.account.id } },
    })
  })

  test('keeps the account and its key when the email address changes at the provider', async () => {
    const grant = aGrant('google', { email: newAddress() })
    const first = await nodes[0].ask(question(grant))
    const moved = await nodes[0].ask(question({ ...grant, claims: { ...grant.claims, email: newAddress() } }))
    if (!first.ok || !moved.ok) throw new Error('both were to enter')
    expect(moved.value.account).toEqual(first.value.account)
    expect(moved.value.identity.id).toBe(first.value.identity.id)
  })

  test('does not sign in to the account with the same email address under another subject', async () => {
    const email = newAddress()
    await nodes[0].ask(question(aGrant('google', { email })))
    expect(await nodes[0].ask(question(aGrant('google', { email })))).toMatchObject({
      ok: false,
      error: { code: 'account_conflict' },
    })
  })

  test('opens a conflict for an administrator instead of linking', async () => {
    const email = newAddress()
    await newcomer({ email, emailVerified: true, role: 'administrator' })
    expect(await nodes[0].ask(question(aGrant('google', { email })))).toMatchObject({
      ok: false,
      error: { code: 'account_conflict' },
    })
  })

  describe('with a second verified email address', () => {
    const github = (
      otherEmails: string[],
      given: Partial<ReconcileRequest> = {},
      email: string | null = newAddress(),
    ) => nodes[0].ask(question(aGrant('github', { email, otherEmails }), { othersTrusted: true, ...given }))

    test('finds the account that holds it, which keeps its own address', async () => {
      const email = newAddress()
      const { account } = await newcomer({ email, emailVerified: true }, { provider: 'google' })
      const spelling = email.toUpperCase().replace('@EXAMPLE.COM', '@Example.com')
      expect(await github([newAddress(), spelling])).toMatchObject({
        ok: true,
        value: { action: 'linked_existing', account: { id: account.id, email, emailVerified: true } },
      })
    })

    test('opens a conflict when two accounts hold the addresses', async () => {
      const [one, two] = [newAddress(), newAddress()]
      await newcomer({ email: one, emailVerified: true }, { provider: 'google' })
      await newcomer({ email: two, emailVerified: true }, { provider: 'google' })
      const conflict = { ok: false, error: { code: 'account_conflict' } }
      expect(await github([one, two])).toMatchObject(conflict)
      expect(await github([two], {}, one)).toMatchObject(conflict)
    })

    test('opens a conflict when the provider is not trusted for it', async () => {
      const email = newAddress()
      await newcomer({ email, emailVerified: true }, { provider: 'google' })
      expect(await github([email], { othersTrusted: false })).toMatchObject({ error: { code: 'account_conflict' } })
    })

    test('verifies the claim of the account it is linked to on request', async () => {
      const email = newAddress()
      const { account } = await newcomer({ email }, { provider: 'google' })
      expect(await github([email], { visitorId: account.id })).toMatchObject({
        ok: true,
        value: { action: 'linked_new', account: { id: account.id, email, emailVerified: true } },
      })
    })

    test('verifies the claim of its own account at a later sign-in', async () => {
      const email = newAddress()
      const { identity, account } = await newcomer({ email }, { provider: 'github' })
      const grant = aGrant('github', { subject: identity.subject, email: newAddress(), otherEmails: [email] })
      expect(await nodes[0].ask(question(grant, { othersTrusted: true }))).toMatchObject({
        ok: true,
        value: { action: 'login_existing', account: { id: account.id, emailVerified: true } },
      })
    })

    test('never makes it the address of a new account: that is the primary one, or none', async () => {
      const [primary, other] = [newAddress(), newAddress()]
      expect(await github([other], {}, primary)).toMatchObject({
        ok: true,
        value: { action: 'created_new_user', account: { email: primary, emailVerified: true } },
      })
      expect(await github([newAddress()], {}, null)).toMatchObject({
        ok: true,
        value: { action: 'created_new_user', account: { email: null, emailVerified: false } },
      })
      expect(await namesakes(other)).toEqual([])
    })

    test('requires the account to hold it when the link is written, or gathers the evidence again', async () => {
      const email = newAddress()
      const { account } = await newcomer({ email, emailVerified: true }, { provider: 'google' })
      const { accounts } = nodes[0].opened.store
      let raced = false
      const between = {
        ...accounts,
        link: async (...args: Parameters<typeof accounts.link>) => {
          if (!raced) expect(await accounts.remove(account.id, clock(), [])).toBe(true)
          raced = true
          return accounts.link(...args)
        },
      }
      const ask = createReconcile({ accounts: between, events: opened.events, clock, ids: opened.ids, policy })
      const grant = aGrant('github', { email: newAddress(), otherEmails: [email] })
      expect(await ask(question(grant, { othersTrusted: true }))).toMatchObject({
        ok: true,
        value: { action: 'created_new_user' },
      })
    })
  })

  test('creates one account for concurrent first sign-ins of one identity', async () => {
    for (let round = 0; round < 5; round++) {
      const grant = aGrant('google', { email: newAddress() })
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, n) => nodes[n % 2 === 0 ? 0 : 1].ask(question(grant))),
      )
      const accepted = answers.flatMap((answer) => (answer.ok ? [answer.value] : []))
      expect(accepted).toHaveLength(12)
      expect(new Set(accepted.map(({ account }) => account.id)).size).toBe(1)
      expect(accepted.filter(({ action }) => action === 'created_new_user')).toHaveLength(1)
      expect(await namesakes(grant.claims.email ?? '')).toHaveLength(1)
    }
  })

  test('signs a double click in to the account that was created between its reads', async () => {
    const grant = aGrant('google', { email: newAddress() })
    const { accounts } = nodes[0].opened.store
    let looked = 0
    const between = {
      ...accounts,
      // The identity is read while none exists; the address only after the account exists.
      findByIdentity: async (...key: Parameters<typeof accounts.findByIdentity>) =>
        ++looked === 1 ? undefined : accounts.findByIdentity(...key),
      findByEmail: async (emailKey: string) => {
        await nodes[1].ask(question(grant))
        return accounts.findByEmail(emailKey)
      },
    }
    const ask = createReconcile({ accounts: between, events: opened.events, clock, ids: opened.ids, policy })
    expect(await ask(question(grant))).toMatchObject({ ok: true, value: { action: 'login_existing' } })
  })

  test('creates one account with two identities for two providers with one new verified address', async () => {
    for (let round = 0; round < 25; round++) {
      const email = newAddress()
      const answers = await Promise.all([
        nodes[0].ask(question(aGrant('google', { email }))),
        nodes[1].ask(question(aGrant('github', { email }))),
      ])
      expect(answers.map((answer) => answer.ok && answer.value.action).sort()).toEqual([
        'created_new_user',
        'linked_existing',
      ])
      const found = await namesakes(email)
      expect(found).toHaveLength(1)
      expect(found[0]?.account.emailVerified).toBe(true)
      expect(found[0]?.identities.map(({ provider }) => provider).sort()).toEqual(['github', 'google'])
    }
  })

  test('ends concurrent unverified and verified first sign-ins with one address in one account and one conflict', async () => {
    for (let round = 0; round < 10; round++) {
      const email = newAddress()
      const answers = await Promise.all([
        nodes[0].ask(question(aGrant('google', { email }))),
        nodes[1].ask(question(aGrant('atlassian', { email }), { trusted: false })),
      ])
      expect(answers.map((answer) => (answer.ok ? answer.value.action : answer.error.code)).sort()).toEqual([
        'account_conflict',
        'created_new_user',
      ])
      expect(await namesakes(email)).toHaveLength(1)
    }
  })

  test('gives an identity linked by two users at once to one, and reports it to the other', async () => {
    for (let round = 0; round < 10; round++) {
      const people = [await newcomer(), await newcomer()]
      const grant = aGrant('google', { email: null })
      const answers = await Promise.all(
        people.map(({ account }, n) => nodes[n === 0 ? 0 : 1].ask(question(grant, { visitorId: account.id }))),
      )
      expect(answers.map((answer) => (answer.ok ? answer.value.action : answer.error.code)).sort()).toEqual([
        'identity_already_linked',
        'linked_new',
      ])
    }
  })

  test('leaves no identity behind when an account is deleted during a link', async () => {
    for (let round = 0; round < 15; round++) {
      const { account } = await newcomer()
      const grant = aGrant('google', { email: null })
      const [linked, removed] = await Promise.all([
        nodes[0].ask(question(grant, { visitorId: account.id })),
        nodes[1].opened.store.accounts.remove(account.id, clock(), []),
      ])
      expect(removed).toBe(true)
      if (!linked.ok) expect(linked.error.code).toBe('account_linking_failed')
      expect(await opened.store.accounts.findByIdentity('google', grant.claims.subject)).toBeUndefined()
    }
  })

  test('creates no account when linking to a deleted one', async () => {
    const grant = aGrant('google', { email: newAddress() })
    expect(await nodes[0].ask(question(grant, { visitorId: 'usr_gone' }))).toMatchObject({
      ok: false,
      error: { code: 'account_linking_failed' },
    })
    expect(await namesakes(grant.claims.email ?? '')).toEqual([])
  })

  describe('after a conflict', () => {
    test('moves the address from a claimant to the user who verified it, and ends the claimant’s sessions', async () => {
      const email = newAddress()
      const { account: squatter, identity } = await newcomer({ email })
      const { session } = await signedIn(squatter.id, identity.id)
      const bystander = await newcomer()
      const { session: elsewhere } = await signedIn(bystander.account.id, bystander.identity.id)
      const grant = aGrant('google', { email })
      expect(await nodes[0].ask(question(grant))).toMatchObject({ ok: false, error: { code: 'account_conflict' } })

      const answer = await nodes[0].ask(question(grant, { resolving: 'create' }))
      expect(answer).toMatchObject({
        ok: true,
        value: { action: 'created_new_user', account: { email, emailVerified: true } },
      })
      expect(await opened.store.accounts.find(squatter.id)).toMatchObject({
        email: null,
        emailVerified: false,
        name: squatter.name,
      })
      expect(await opened.store.accounts.identitiesOf(squatter.id)).toHaveLength(1)
      expect(await opened.store.sessions.find(session.id)).toMatchObject({
        endReason: 'email_claim_ended',
        endedAt: clock(),
      })
      expect(await opened.store.sessions.find(elsewhere.id)).toMatchObject({ endedAt: null })
      expect(
        opened.heard('account.email_claim_ended').filter(({ accountId }) => accountId === squatter.id),
      ).toHaveLength(1)
    })

    test('leaves a verified address with its account, and the new account claims it', async () => {
      const email = newAddress()
      const { account: holder } = await newcomer({ email, emailVerified: true, role: 'administrator' })
      const answer = await nodes[0].ask(question(aGrant('google', { email }), { resolving: 'create' }))
      expect(answer).toMatchObject({ ok: true, value: { account: { email, emailVerified: false } } })
      expect(await opened.store.accounts.find(holder.id)).toMatchObject({ email, emailVerified: true })
    })

    test('leaves an unverified address as a claim of both accounts', async () => {
      const email = newAddress()
      const { account: first } = await newcomer({ email })
      const answer = await nodes[0].ask(
        question(aGrant('atlassian', { email }), { trusted: false, resolving: 'create' }),
      )
      expect(answer).toMatchObject({ ok: true, value: { account: { email, emailVerified: false } } })
      expect(await opened.store.accounts.find(first.id)).toMatchObject({ email })
    })

    test('never makes more than ten accounts claim an address, on any number of nodes', async () => {
      const email = newAddress()
      const answers = await Promise.all(
        Array.from({ length: 14 }, (_, n) =>
          nodes[n % 2 === 0 ? 0 : 1].ask(
            question(aGrant('atlassian', { email, subject: `${email} ${n}` }), { trusted: false, resolving: 'create' }),
          ),
        ),
      )
      const emails = answers.map((answer) => answer.ok && answer.value.account.email)
      expect(emails.filter((one) => one === email)).toHaveLength(mostClaims)
      expect(emails.filter((one) => one === null)).toHaveLength(4)
      expect(await opened.store.accounts.findByEmail(email)).toHaveLength(mostClaims)
    })

    test('links the identity to the account that was proved, and verifies its claim', async () => {
      const email = newAddress()
      const { account } = await newcomer({ email })
      const answer = await nodes[0].ask(
        question(aGrant('google', { email }), { resolving: 'link', visitorId: account.id }),
      )
      expect(answer).toMatchObject({
        ok: true,
        value: { action: 'linked_existing', account: { id: account.id, emailVerified: true } },
      })
    })
  })

  test('neither signs in nor links a disabled account', async () => {
    const email = newAddress()
    const { account, identity } = await newcomer({ email, emailVerified: true, disabledAt: new Date(0) })
    const refused = { ok: false, error: { code: 'user_disabled' } }
    expect(await nodes[0].ask(question(aGrant('github', { subject: identity.subject })))).toMatchObject(refused)
    expect(await nodes[0].ask(question(aGrant('google', { email })))).toMatchObject(refused)
    expect(await nodes[0].ask(question(aGrant('google', { email: null }), { visitorId: account.id }))).toMatchObject(
      refused,
    )
    expect(await opened.store.accounts.identitiesOf(account.id)).toHaveLength(1)
  })

  test('signs in and links existing accounts while sign-up is closed', async () => {
    const ask = createReconcile({
      accounts: opened.store.accounts,
      events: opened.events,
      clock,
      ids: opened.ids,
      policy: { ...policy, autoRegister: false },
    })
    const email = newAddress()
    const { account, identity } = await newcomer({ email, emailVerified: true })
    expect(await ask(question(aGrant('github', { subject: identity.subject, email })))).toMatchObject({
      ok: true,
      value: { action: 'login_existing' },
    })
    expect(await ask(question(aGrant('google', { email })))).toMatchObject({
      ok: true,
      value: { action: 'linked_existing', account: { id: account.id } },
    })
    expect(await ask(question(aGrant('google', { email: newAddress() })))).toMatchObject({
      ok: false,
      error: { code: 'user_creation_disabled' },
    })
  })
})
