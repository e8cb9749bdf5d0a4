import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SignInMethods } from '../../src/accounts/ports.ts'
import type { CredentialChange, Passkey } from '../../src/credentials/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import type { Account } from '../../src/kernel/account.ts'
import type { Session } from '../../src/sessions/ports.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { type Backend, later, newcomer, newId, now, type Opened, open, origin, signedIn } from './people.ts'

const rounds = 15
const passkey = (accountId: string, given: Partial<Passkey> = {}): Passkey => ({
  id: newId('psk'),
  accountId,
  credentialId: newId('psk'),
  publicKey: 'cose',
  counter: 0,
  transports: ['internal', 'hybrid'],
  backedUp: true,
  aaguid: null,
  name: 'My phone',
  createdAt: now,
  lastUsedAt: null,
  ...given,
})
const facts =
  (name: 'second_factor.added' | 'second_factor.removed') =>
  (accountId: string): Fact => ({ name, data: { factor: 'passkey' }, accountId, origin })
const [added, removed] = [facts('second_factor.added'), facts('second_factor.removed')]

/** What every store promises about passkeys. */
export function passkeysContract({ name, emptied }: Pick<Backend, 'name' | 'emptied'>): void {
  describe(`${name} keeps passkeys: a passkey`, () => {
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
    })
    afterEach(() => store.close())

    const add = (one: Passkey, given: Partial<CredentialChange> = {}) =>
      store.passkeys.add(one, { ...change, ...given }, [added(person.id)])
    const remove = (
      id: string,
      mayGo: (left: SignInMethods) => boolean = () => true,
      given: Partial<CredentialChange> = {},
    ) => store.passkeys.remove({ ...change, ...given, id }, mayGo, [removed(person.id)])
    const since = async () => (await store.accounts.find(person.id))?.secondFactorAt

    test('is read back as it was stored, oldest first', async () => {
      const [first, second] = [passkey(person.id), passkey(person.id, { createdAt: later(1), counter: 7 })]
      expect([await add(second), await add(first)]).toEqual([true, true])
      expect(await store.passkeys.list(person.id)).toEqual([first, second])
      expect(await store.passkeys.findByCredential(second.credentialId)).toEqual(second)
      expect(await store.passkeys.findByCredential('unknown')).toBeUndefined()
    })

    test('belongs to one account', async () => {
      const one = passkey(person.id)
      await add(one)
      expect(await add(passkey(person.id, { credentialId: one.credentialId }))).toBe(false)
      const { account: other } = await newcomer(opened)
      const theirs = await signedIn(opened, other.id, { amr: ['fed'] })
      const again = passkey(other.id, { credentialId: one.credentialId })
      const of = { accountId: other.id, sessionId: theirs.id, at: now }
      expect(await store.passkeys.add(again, of, [])).toBe(false)
      expect((await store.sessions.find(theirs.id))?.amr).toEqual(['fed'])
    })

    test('that is added ends the other sessions, without counting as used in this one or enabling a second factor', async () => {
      const other = await signedIn(opened, person.id)
      await add(passkey(person.id))
      expect((await store.sessions.find(mine.id))?.amr).toEqual(['fed'])
      expect(await store.sessions.find(other.id)).toMatchObject({ endReason: 'second_factor_added' })
      expect(await since()).toBe(null)
    })

    test('is one of fifty at most for an account', async () => {
      for (let at = 0; at < 50; at++) expect(await add(passkey(person.id))).toBe(true)
      expect(await add(passkey(person.id))).toBe(false)
      expect(await store.passkeys.list(person.id)).toHaveLength(50)
    })

    test('is not added or removed from an ended session', async () => {
      const over = await signedIn(opened, person.id, { endedAt: now, endReason: 'logout' })
      expect(await add(passkey(person.id), { sessionId: over.id })).toBe(false)
      const one = passkey(person.id)
      await add(one)
      expect(await remove(one.id, undefined, { sessionId: over.id })).toBe('session_revoked')
      expect(await store.passkeys.list(person.id)).toEqual([one])
    })

    test('has a counter that only increases, unless its device does not count', async () => {
      const [counts, counts0] = [passkey(person.id, { counter: 5 }), passkey(person.id)]
      await add(counts)
      await add(counts0)
      const used = ({ id }: Passkey, counter: number) =>
        store.passkeys.using(id, { counter, backedUp: false, at: later(9) }).make()
      expect([await used(counts, 5), await used(counts, 4), await used(counts, 0)]).toEqual([false, false, false])
      expect([await used(counts, 6), await used(counts, 6)]).toEqual([true, false])
      expect([await used(counts0, 0), await used(counts0, 0), await used(counts0, 1)]).toEqual([true, true, true])
      expect(await store.passkeys.findByCredential(counts.credentialId)).toEqual({
        ...counts,
        counter: 6,
        backedUp: false,
        lastUsedAt: later(9),
      })
    })

    test('is renamed by its account only', async () => {
      const one = passkey(person.id)
      await add(one)
      const { account: other } = await newcomer(opened)
      expect(await store.passkeys.rename({ id: one.id, accountId: other.id }, 'Theirs', [])).toBe(false)
      expect(await store.passkeys.rename({ id: one.id, accountId: person.id }, 'Key', [])).toBe(true)
      expect(await store.passkeys.list(person.id)).toMatchObject([{ name: 'Key' }])
    })

    test('that is removed passes the remaining methods to the policy, and ends the other sessions', async () => {
      const [first, second] = [passkey(person.id), passkey(person.id, { createdAt: later(1) })]
      await add(first)
      await add(second)
      const left: SignInMethods[] = []
      const refuse = (ways: SignInMethods) => {
        left.push(ways)
        return false
      }
      expect(await remove(first.id, refuse)).toBe('last_login_method')
      expect(left).toMatchObject([{ password: null, passkeys: [{ id: second.id }], identities: [{}] }])
      expect(await remove('psk_unknown')).toBe('passkey_not_found')
      const other = await signedIn(opened, person.id)
      expect(await remove(first.id)).toBe('removed')
      expect(await store.passkeys.list(person.id)).toEqual([second])
      expect(await store.sessions.find(other.id)).toMatchObject({ endReason: 'second_factor_removed' })
    })

    test('of another account is not found', async () => {
      const { account: other } = await newcomer(opened)
      const theirs = await signedIn(opened, other.id)
      const one = passkey(other.id)
      await store.passkeys.add(one, { accountId: other.id, sessionId: theirs.id, at: now }, [])
      expect(await remove(one.id)).toBe('passkey_not_found')
    })

    test('used as the second factor is required while there is one', async () => {
      const ask = () =>
        store.secondFactors.ask(change, [{ id: newId('rec'), codeHash: newId('rec') }], [added(person.id)])
      expect(await ask()).toBe(false)
      const [first, second] = [passkey(person.id), passkey(person.id)]
      await add(first)
      await add(second)
      expect([await ask(), await ask()]).toEqual([true, false])
      expect(await since()).toEqual(now)
      await remove(first.id)
      expect(await since()).toEqual(now)
      await remove(second.id)
      expect(await since()).toBe(null)
      expect((await store.secondFactors.find(person.id)).recoveryCodesLeft).toBe(0)
    })

    test('stays as the last sign-in method when two are removed concurrently', async () => {
      const others = await Promise.all([open(config), open(config)])
      const mayGo = ({ passkeys }: SignInMethods) => passkeys.length > 0
      for (let round = 0; round < rounds; round++) {
        const [first, second] = [passkey(person.id), passkey(person.id)]
        await add(first)
        await add(second)
        const outcomes = await Promise.all(
          [first, second].map(({ id }, at) => others[at]?.store.passkeys.remove({ ...change, id }, mayGo, [])),
        )
        expect(outcomes.sort()).toEqual(['last_login_method', 'removed'])
        for (const { id } of await store.passkeys.list(person.id)) await remove(id)
      }
      await Promise.all(others.map((one) => one.store.close()))
    })

    test('accepts one of concurrent responses with the same counter', async () => {
      const others = await Promise.all([open(config), open(config)])
      const one = passkey(person.id, { counter: 1 })
      await add(one)
      for (let counter = 2; counter < 2 + rounds; counter++) {
        const answers = await Promise.all(
          [opened, ...others, opened].map((at) =>
            at.store.passkeys.using(one.id, { counter, backedUp: true, at: now }).make(),
          ),
        )
        expect(answers.filter(Boolean)).toHaveLength(1)
      }
      await Promise.all(others.map((at) => at.store.close()))
    })
  })
}
