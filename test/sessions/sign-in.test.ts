import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Account } from '../../src/kernel/account.ts'
import { BusyError } from '../../src/kernel/busy.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import type { Opener, Proof } from '../../src/sessions/ports.ts'
import { createSignIn, type Familiarity, type SignInRequest } from '../../src/sessions/sign-in.ts'
import { everywhereKnown } from '../support/familiarity.ts'
import { openedStore } from '../support/opened-store.ts'
import { anAccount, anIdentity, from } from '../support/people.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

const entering: SignInRequest = { origin: from, browser: true, replaces: null, returnTo: '/x', codeChallenge: null }
/** A verified second factor. */
const otp = { by: ['otp'], using: [] }

let opened: Awaited<ReturnType<typeof openedStore>>
let turn: (seconds: number) => void
let clock: () => Date
let signIn: ReturnType<typeof createSignIn>
let person: Account
let familiarity: Familiarity
let identityId: string

beforeEach(async () => {
  const stopped = createStoppedClock()
  ;({ turn, clock } = stopped)
  opened = await openedStore({ tag: 'sqlite', file: ':memory:' }, clock)
  familiarity = { ...everywhereKnown }
  signIn = createSignIn({
    ...opened.store,
    clock,
    ids: opened.ids,
    random: systemRandom,
    lifetimes: { refreshTtlSeconds: 3600, refreshAbsoluteTtlSeconds: 7200 },
    requireVerifiedEmail: false,
    mayReturn: () => true,
    isEnabled: () => true,
    familiarity,
  })
  person = anAccount()
  const identity = anIdentity(person.id)
  identityId = identity.id
  await opened.store.accounts.create(person, identity, { separate: true }, [])
})

const proof = (given: Partial<Proof> = {}): Proof => ({
  opener: { tag: 'identity', id: identityId },
  provider: 'github',
  providerUserId: '42',
  action: 'login_existing',
  amr: ['fed'],
  ...given,
})
const asked = (): Account => ({ ...person, secondFactorAt: new Date(0) })
/** The ticket of a sign-in that waits for its second factor. */
async function waiting(given: Partial<SignInRequest> = {}): Promise<string> {
  const answer = await signIn.proceed(asked(), proof(), { ...entering, ...given })
  if (answer.ok) throw new Error('the second factor was to be asked for')
  return String(answer.error.extra?.second_factor_ticket)
}
const pendingOf = async (ticket: string) => {
  const pending = await signIn.pending(ticket)
  if (!pending) throw new Error('nothing is pending')
  return pending
}
const sessions = () => opened.store.sessions.list(person.id, clock())

test('a sign-in succeeds if its device cannot be remembered now: its session has started', async () => {
  familiarity.trust = () => Promise.reject(new BusyError('the database', 1))
  const entered = await signIn.proceed(person, proof(), entering)
  expect(entered).toMatchObject({ ok: true, value: { device: null } })
  expect(await sessions()).toHaveLength(1)
  familiarity.trust = () => Promise.reject(new Error('a defect'))
  await expect(signIn.proceed(person, proof(), entering)).rejects.toThrow('a defect')
})

describe('a sign-in that needs a second factor', () => {
  test('starts no session, and stores the methods used so far under a ticket', async () => {
    const ticket = await waiting({ returnTo: '/account', replaces: 'ses_before' })
    expect(await sessions()).toEqual([])
    expect(await pendingOf(ticket)).toMatchObject({
      accountId: person.id,
      proof: proof(),
      browser: true,
      replaces: 'ses_before',
      returnTo: '/account',
      provenAt: clock(),
    })
    expect(await signIn.pending('made up')).toBeUndefined()
  })

  test('is completed once, with both methods in its session and the time of the first', async () => {
    const firstProof = clock()
    const pending = await pendingOf(await waiting())
    turn(60)
    const done = await signIn.complete(pending, person, otp, from)
    if (!done.ok) throw new Error('it was to be completed')
    expect(done.value.session).toMatchObject({ amr: ['fed', 'otp', 'mfa'], authTime: firstProof, createdAt: clock() })
    expect(done.value.cookie).toMatch(/^[\w-]{43}$/)
    expect(await signIn.complete(pending, person, otp, from)).toMatchObject({
      error: { code: 'sign_in_overtaken' },
    })
    expect(await sessions()).toHaveLength(1)
  })

  test('is completed once, under any number of concurrent requests', async () => {
    const pending = await pendingOf(await waiting())
    const answers = await Promise.all(Array.from({ length: 8 }, () => signIn.complete(pending, person, otp, from)))
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
    expect(await sessions()).toHaveLength(1)
  })

  test('expires after ten minutes, to the second', async () => {
    const ticket = await waiting()
    turn(599)
    const pending = await pendingOf(ticket)
    turn(1)
    expect(await signIn.pending(ticket)).toBeUndefined()
    expect(await signIn.complete(pending, person, otp, from)).toMatchObject({
      error: { code: 'sign_in_overtaken' },
    })
  })
})

describe('an account with a second factor', () => {
  const amr = fc.subarray(['pwd', 'fed', 'otp', 'hwk', 'mfa'])
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('enter' as const), amr, stale: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('complete' as const), by: fc.subarray(['otp', 'hwk']) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('turn on' as const) }) },
    fc.record({ do: fc.constantFrom('turn off' as const, 'disable' as const, 'enable' as const) }),
  )

  const ended = { name: 'session.ended', origin: from } as const

  test('has no session without it, except where it was enabled, after any sequence of actions', async () => {
    const { accounts, secondFactors, users, sessions: devices } = opened.store
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 14 }), async (acts) => {
        person = anAccount()
        const { id: accountId } = person
        const identity = anIdentity(accountId)
        await accounts.create(person, identity, { separate: true }, [])
        const opener = { tag: 'identity', id: identity.id } as const
        const tickets: string[] = []
        /** The sessions in which a second factor was enabled: adding one proves nothing. */
        const turnedOnIn = new Set<string>()
        /** The account as an action that is still in progress read it. */
        let before = person
        for (const one of acts) {
          const now = (await accounts.find(accountId)) as Account
          const [session] = await sessions()
          const changing = { accountId, sessionId: session?.id ?? 'ses_none', at: clock() }
          if (one.do === 'enter') {
            const outcome = await signIn.proceed(one.stale ? before : now, proof({ opener, amr: one.amr }), entering)
            if (!outcome.ok) tickets.push(String(outcome.error.extra?.second_factor_ticket))
          } else if (one.do === 'complete') {
            const pending = await signIn.pending(tickets.pop() ?? '')
            if (pending) await signIn.complete(pending, person, { by: one.by, using: [] }, from)
          } else if (one.do === 'turn on') {
            await secondFactors.begin(
              { accountId, secret: 's', createdAt: clock(), confirmedAt: null, lastStep: 0 },
              [],
            )
            const confirmed = await secondFactors.confirm(
              { ...changing, createdAt: clock(), step: 1 },
              [{ id: opened.ids('rec'), codeHash: opened.ids('rec') }],
              [],
            )
            if (confirmed) turnedOnIn.add(changing.sessionId)
          } else if (one.do === 'turn off') await secondFactors.stop(changing, [])
          else if (one.do === 'disable')
            await users.disable(accountId, clock(), [], (id) => ({
              ...ended,
              accountId,
              data: { session: id, reason: 'account_disabled' },
            }))
          else await users.enable(accountId, clock(), [])
          if (one.do !== 'enter') before = now
          const { secondFactorAt, disabledAt } = (await accounts.find(accountId)) as Account
          const live = await devices.list(accountId, clock())
          if (disabledAt !== null) expect(live).toEqual([])
          if (secondFactorAt !== null)
            for (const { id, amr: shown } of live) if (!turnedOnIn.has(id)) expect(shown).toContain('mfa')
        }
      }),
      { numRuns: 150 },
    )
  })
})

describe('a method removed during a sign-in', () => {
  test.each<[string, Opener]>([
    ['an identity', { tag: 'identity', id: 'idn_unlinked' }],
    ['a password', { tag: 'password', changedAt: 1 }],
    ['a passkey', { tag: 'passkey', id: 'psk_removed' }],
  ])('no longer signs in: %s', async (_, opener) => {
    expect(await signIn.proceed(person, proof({ opener }), entering)).toMatchObject({
      error: { code: 'sign_in_overtaken' },
    })
    expect(await sessions()).toEqual([])
  })

  test('does not sign in between the two factors either', async () => {
    const pending = await pendingOf(await waiting())
    const of = { accountId: person.id, identityId, keepSession: null, at: clock() }
    expect(
      await opened.store.accounts.unlink(
        of,
        () => true,
        () => [],
      ),
    ).toBe('unlinked')
    expect(await signIn.complete(pending, person, otp, from)).toMatchObject({
      error: { code: 'sign_in_overtaken' },
    })
    expect(await sessions()).toEqual([])
  })
})
