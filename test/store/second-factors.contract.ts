import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CredentialChange, TotpFactor } from '../../src/credentials/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import type { Account } from '../../src/kernel/account.ts'
import type { Session } from '../../src/sessions/ports.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { type Backend, later, newcomer, newId, now, type Opened, open, origin, session, signedIn } from './people.ts'

const rounds = 15
const factor = (accountId: string, given: Partial<TotpFactor> = {}): TotpFactor => ({
  accountId,
  secret: `v1.k.${newId('rec')}`,
  createdAt: now,
  confirmedAt: null,
  lastStep: 0,
  ...given,
})
const codes = (...hashes: string[]) => hashes.map((codeHash) => ({ id: newId('rec'), codeHash }))
const added = (accountId: string): Fact => ({
  name: 'second_factor.added',
  data: { factor: 'totp' },
  accountId,
  origin,
})
const started = (accountId: string): Fact => ({
  name: 'second_factor.started',
  data: { factor: 'totp' },
  accountId,
  origin,
})
const cancelled = (accountId: string): Fact => ({
  name: 'second_factor.cancelled',
  data: { factor: 'totp' },
  accountId,
  origin,
})
const removed = (accountId: string): Fact => ({
  name: 'second_factor.removed',
  data: { factor: 'totp' },
  accountId,
  origin,
})

/** What every store promises about second factors. */
export function secondFactorsContract({ name, emptied }: Pick<Backend, 'name' | 'emptied'>): void {
  describe(`${name} keeps second factors:`, () => {
    let config: StoreConfig
    let opened: Opened
    let store: Opened['store']
    let person: Account
    let mine: Session
    let change: CredentialChange

    beforeEach(async () => {
      config = await emptied()
      opened = await open(config)
      store = opened.store
      person = (await newcomer(opened)).account
      mine = await signedIn(opened, person.id, { amr: ['fed'] })
      change = { accountId: person.id, sessionId: mine.id, at: now }
      opened.told.length = 0
    })
    afterEach(() => store.close())

    const since = async () => (await store.accounts.find(person.id))?.secondFactorAt
    const begin = async (createdAt = now): Promise<TotpFactor> => {
      const begun = factor(person.id, { createdAt })
      expect(await store.secondFactors.begin(begun, [started(person.id)])).toBe(true)
      return begun
    }
    const confirm = ({ createdAt }: TotpFactor, given: Partial<CredentialChange> = {}, hashes = ['a', 'b', 'c']) =>
      store.secondFactors.confirm({ ...change, ...given, createdAt, step: 100 }, codes(...hashes), [added(person.id)])
    const enrolled = async (): Promise<TotpFactor> => {
      const begun = await begin()
      expect(await confirm(begun)).toBe(true)
      return begun
    }
    const sealAgain = () => {
      const { db, tables, write } = opened.driver
      return write(db.update(tables.totpFactors).set({ secret: `v1.other.${newId('rec')}` }))
    }
    const names = () => opened.told.splice(0).map(({ name: fact }) => fact)

    test('an unconfirmed app is replaced by another, a confirmed one is not', async () => {
      const first = await begin()
      const second = await begin(later(1))
      expect((await store.secondFactors.find(person.id)).totp).toEqual(second)
      expect(await confirm(first)).toBe(false)
      expect(await since()).toBe(null)
      expect(await confirm(second)).toBe(true)
      opened.told.length = 0
      expect(await store.secondFactors.begin(factor(person.id), [started(person.id)])).toBe(false)
      expect(names()).toEqual([])
      expect(await store.secondFactors.find(person.id)).toEqual({
        totp: { ...second, confirmedAt: now, lastStep: 100 },
        recoveryCodesLeft: 3,
      })
    })

    test('the first code enables the second factor with its recovery codes', async () => {
      const other = await signedIn(opened, person.id)
      await store.pendingSignIns.begin({
        id: newId('psi'),
        ticketHash: 'waiting',
        accountId: person.id,
        browser: false,
        replaces: null,
        proof: {
          opener: { tag: 'email' },
          provider: 'email',
          providerUserId: person.id,
          action: 'login_existing',
          amr: ['otp'],
        },
        returnTo: null,
        codeChallenge: null,
        provenAt: now,
        expiresAt: later(600),
        claimedAt: null,
      })
      const begun = await begin()
      names()
      expect(await confirm(begun)).toBe(true)
      expect(await since()).toEqual(now)
      // Adding a factor does not count as using it.
      expect((await store.sessions.find(mine.id))?.amr).toEqual(['fed'])
      expect(await store.sessions.find(other.id)).toMatchObject({ endedAt: now, endReason: 'second_factor_added' })
      expect(await store.pendingSignIns.find('waiting', now)).toBeUndefined()
      expect(names()).toEqual(['second_factor.added', 'session.ended'])
    })

    test.each([
      ['has ended', { endedAt: now, endReason: 'logout' as const }],
      ['is too old', { absoluteExpiresAt: now }],
    ])('nothing is enabled or disabled from a session that %s', async (_, given) => {
      const over = await signedIn(opened, person.id, given)
      const begun = await begin()
      expect(await confirm(begun, { sessionId: over.id })).toBe(false)
      expect(await since()).toBe(null)
      await confirm(begun)
      const from = { ...change, sessionId: over.id }
      expect(await store.secondFactors.remove(from, [], [])).toBe(false)
      expect(await store.secondFactors.stop(from, [])).toBe(false)
      expect(await store.secondFactors.replaceCodes(from, codes('x'), [])).toBe(false)
      const { account: stranger } = await newcomer(opened)
      const theirs = await signedIn(opened, stranger.id)
      expect(await store.secondFactors.stop({ ...change, sessionId: theirs.id }, [])).toBe(false)
      expect((await store.secondFactors.find(person.id)).recoveryCodesLeft).toBe(3)
      expect(await since()).toEqual(now)
    })

    test('a time step is accepted once, and no earlier one afterwards', async () => {
      const { createdAt } = await enrolled()
      const take = (step: number) => store.secondFactors.taking({ accountId: person.id, createdAt, step }).make()
      expect([await take(100), await take(99), await take(102), await take(101), await take(102)]).toEqual([
        false,
        false,
        true,
        false,
        false,
      ])
      expect(await store.secondFactors.taking({ accountId: person.id, createdAt: later(1), step: 200 }).make()).toBe(
        false,
      )
    })

    test('a code is accepted although the secret was encrypted with another key after it was read', async () => {
      const begun = await begin()
      await sealAgain()
      expect(await confirm(begun)).toBe(true)
      await sealAgain()
      const { createdAt } = begun
      expect(await store.secondFactors.taking({ accountId: person.id, createdAt, step: 101 }).make()).toBe(true)
    })

    test('no time step of an unconfirmed app is accepted', async () => {
      const { createdAt } = await begin()
      expect(await store.secondFactors.taking({ accountId: person.id, createdAt, step: 5 }).make()).toBe(false)
    })

    test('a recovery code is accepted once, for its account, and counted', async () => {
      await enrolled()
      const { account: stranger } = await newcomer(opened)
      const left: number[] = []
      const use = (accountId: string, ...hashes: string[]) =>
        store.secondFactors
          .usingCode({ accountId, hashes, at: now }, (count) => {
            left.push(count)
            return [{ name: 'recovery_code.used', data: { left: count }, accountId, origin }]
          })
          .make()
      expect([await use(person.id, 'x', 'a'), await use(person.id, 'a'), await use(stranger.id, 'b')]).toEqual([
        true,
        false,
        false,
      ])
      expect(await store.secondFactors.hasCode({ accountId: person.id, hashes: ['a'] })).toBe(false)
      expect(await store.secondFactors.hasCode({ accountId: person.id, hashes: ['x', 'b'] })).toBe(true)
      expect(await use(person.id, 'b')).toBe(true)
      expect(left).toEqual([2, 1])
      expect(await store.secondFactors.replaceCodes(change, codes('d', 'e'), [])).toBe(true)
      expect(await use(person.id, 'c')).toBe(false)
      expect((await store.secondFactors.find(person.id)).recoveryCodesLeft).toBe(2)
    })

    test('removing the app disables the second factor and its recovery codes when it was the last one', async () => {
      await enrolled()
      const other = await signedIn(opened, person.id)
      names()
      expect(await store.secondFactors.remove(change, [removed(person.id)], [cancelled(person.id)])).toBe(true)
      expect(await store.secondFactors.find(person.id)).toEqual({ totp: undefined, recoveryCodesLeft: 0 })
      expect(await since()).toBe(null)
      expect(await store.sessions.find(other.id)).toMatchObject({ endReason: 'second_factor_removed' })
      expect(names()).toEqual(['second_factor.removed', 'session.ended'])
      expect(await store.secondFactors.remove(change, [removed(person.id)], [cancelled(person.id)])).toBe(false)
      expect(await store.secondFactors.replaceCodes(change, codes('x'), [])).toBe(false)
    })

    test('an unconfirmed app is canceled, and nothing else changes', async () => {
      const other = await signedIn(opened, person.id)
      await begin()
      expect(names()).toEqual(['second_factor.started'])
      expect(await store.secondFactors.remove(change, [removed(person.id)], [cancelled(person.id)])).toBe(true)
      expect(names()).toEqual(['second_factor.cancelled'])
      expect((await store.sessions.find(other.id))?.endedAt).toBe(null)
    })

    test('a session without the factor is not started once it is enabled', async () => {
      await enrolled()
      const start = (amr: readonly string[]) =>
        store.sessions.start(
          session(person.id, { amr }),
          { opener: { tag: 'email' }, cookieHash: null, replaces: null },
          [],
        )
      expect([await start(['fed']), await start(['fed', 'otp', 'mfa'])]).toEqual([false, true])
    })

    describe('under concurrency,', () => {
      let others: Opened[]
      beforeEach(async () => {
        others = await Promise.all([open(config), open(config)])
      })
      afterEach(() => Promise.all(others.map((one) => one.store.close())))
      const race = <T>(ask: (at: Opened['store'], runner: number) => Promise<T>): Promise<T[]> =>
        Promise.all([opened, ...others, opened, ...others].map((one, runner) => ask(one.store, runner)))
      const wins = (answers: readonly boolean[]) => answers.filter(Boolean).length

      test('one request uses a time step, and one a recovery code', async () => {
        const { createdAt } = await enrolled()
        for (let round = 0; round < rounds; round++) {
          const step = 200 + round
          expect(
            wins(await race((at) => at.secondFactors.taking({ accountId: person.id, createdAt, step }).make())),
          ).toBe(1)
          await store.secondFactors.replaceCodes(change, codes('one', 'two'), [])
          const used = await race((at) =>
            at.secondFactors.usingCode({ accountId: person.id, hashes: ['one'], at: now }, () => []).make(),
          )
          expect(wins(used)).toBe(1)
        }
      })

      test('no sign-in without the factor survives its activation, except the session that enabled it', async () => {
        for (let round = 0; round < rounds; round++) {
          const begun = await begin()
          const [confirmed] = await Promise.all([
            confirm(begun),
            race((at) =>
              at.sessions.start(
                session(person.id, { amr: ['fed'] }),
                { opener: { tag: 'email' }, cookieHash: null, replaces: null },
                [],
              ),
            ),
          ])
          expect(confirmed).toBe(true)
          const alive = await store.sessions.list(person.id, now)
          expect(alive.filter(({ id, amr }) => !amr.includes('mfa') && id !== mine.id)).toEqual([])
          expect(await store.secondFactors.stop(change, [])).toBe(true)
        }
      })
    })
  })
}
