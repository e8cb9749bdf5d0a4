import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { createEmailAccessRule, freshAccount } from '../../src/credentials/email-access.ts'
import type { Ticket } from '../../src/credentials/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import type { Account } from '../../src/kernel/account.ts'
import { takeDue } from '../support/take-due.ts'
import { mail } from './mails.contract.ts'
import { account, identity, later, newId, now, type Opened, origin, session, trailOf } from './people.ts'
import { ticket } from './tickets.contract.ts'

const key = 'ada@example.com'
const fact = (name: 'password.reset' | 'password.removed' | 'account.email_changed', accountId: string): Fact => ({
  name,
  accountId,
  origin,
  data: {},
})

/** What every store promises about email addresses that are verified by mail. */
export function addressesContract(opened: () => Opened): void {
  const addresses = () => opened().store.addresses
  const find = (id: string): Promise<Account | undefined> => opened().store.accounts.find(id)

  /** A user with an email address and a password for it. */
  async function person(given: Partial<Account> = {}, { password = true } = {}): Promise<Account> {
    const { db, tables, write } = opened().driver
    const { emailVerified, ...row } = account({ email: key, ...given })
    const emailKey = row.email?.toLowerCase() ?? null
    await write(
      db.insert(tables.accounts).values({ ...row, emailKey, verifiedEmailKey: emailVerified ? emailKey : null }),
    )
    if (password && emailKey)
      await write(db.insert(tables.passwords).values({ accountId: row.id, emailKey, hash: 'old', changedAt: now }))
    return { ...row, emailVerified }
  }
  const passwords = () => opened().driver.read(opened().driver.db.select().from(opened().driver.tables.passwords))
  const sent = (row: Ticket, latestOnly = false) => ({ row, latestOnly })
  const issued = async (of: Partial<Ticket>): Promise<Ticket> => {
    const one = ticket({ purpose: 'email_sign_in', email: key, ...of })
    await opened().store.tickets.issue(one)
    return one
  }
  const signedIn = async (accountId: string): Promise<string> => {
    const device = session(accountId)
    const how = { opener: { tag: 'email' }, cookieHash: null, replaces: null } as const
    await opened().store.sessions.start(device, how, [])
    return device.id
  }
  const ended = async (id: string) => (await opened().store.sessions.find(id))?.endReason

  describe('an email address', () => {
    test('has holders, each with its other sign-in methods', async () => {
      const one = await person({ locale: 'pt-BR' })
      const two = await person({}, { password: false })
      const { db, tables, write } = opened().driver
      await write(db.insert(tables.identities).values(identity(two.id)))
      await person({ email: 'other@example.com' })
      const about = { address: key, verified: false, role: 'user', invited: false }
      expect([...(await addresses().holders(key))].sort((a) => (a.accountId === one.id ? -1 : 1))).toEqual([
        { ...about, accountId: one.id, locale: 'pt-BR', password: true, otherWays: false },
        { ...about, accountId: two.id, locale: null, password: false, otherWays: true },
      ])
      expect(await addresses().holders('nobody@example.com')).toEqual([])
    })

    test('stores a ticket, its messages and its fact together', async () => {
      const [one, message] = [ticket(), mail()]
      const asked: Fact = { name: 'password.reset_requested', accountId: one.accountId, origin, data: {} }
      opened().told.length = 0
      await addresses().send(sent(one), [message], [asked])
      expect(opened().told).toEqual([asked])
      expect(await opened().store.mails.backlog()).toBe(1)
      expect(await opened().store.tickets.using(one.id, now).make()).toBe(true)
      // Neither is stored if one of them cannot be.
      const again = ticket({ id: one.id })
      await expect(addresses().send(sent(again), [mail()], [asked])).rejects.toThrow()
      await expect(addresses().send(sent(ticket()), [message], [asked])).rejects.toThrow()
      expect(await opened().store.mails.backlog()).toBe(1)
      expect(opened().told).toEqual([asked])
      expect((await trailOf(opened())).filter(({ event }) => event === asked.name)).toHaveLength(1)
    })

    test('ends older unused tickets of the same purpose and account only, where only the latest counts', async () => {
      const { tickets } = opened().store
      const [one, two] = [await person(), await person({}, { password: false })]
      const older = await issued({ purpose: 'reset_password', accountId: one.id })
      const kept = [
        await issued({ purpose: 'reset_password', accountId: two.id }),
        await issued({ purpose: 'reset_password' }),
        await issued({ purpose: 'email_sign_in', accountId: one.id }),
      ]
      const isGood = async ({ purpose, secretHash }: Ticket) =>
        (await tickets.find({ purpose, secretHash }, now)) !== undefined
      await addresses().send(sent(ticket({ purpose: 'reset_password', email: key, accountId: one.id })), [], [])
      expect(await isGood(older)).toBe(true)
      const newest = ticket({ purpose: 'reset_password', email: key, accountId: one.id })
      await addresses().send(sent(newest, true), [], [])
      expect([await isGood(older), await isGood(newest)]).toEqual([false, true])
      expect(await Promise.all(kept.map(isGood))).toEqual([true, true, true])

      const [noAccount, elsewhere] = [kept[1], await issued({ purpose: 'reset_password', email: 'bob@example.com' })]
      await addresses().send(sent(ticket({ purpose: 'reset_password', email: key }), true), [], [])
      expect([noAccount && (await isGood(noAccount)), await isGood(elsewhere)]).toEqual([false, true])
    })

    test('keeps one of many tickets issued concurrently, where only the latest counts', async () => {
      const { id: accountId } = await person()
      const asked = Array.from({ length: 8 }, () => ticket({ purpose: 'reset_password', email: key, accountId }))
      await Promise.all(asked.map((row) => addresses().send(sent(row, true), [], [])))
      const { tickets } = opened().store
      const found = await Promise.all(
        asked.map(({ purpose, secretHash }) => tickets.find({ purpose, secretHash }, now)),
      )
      expect(found.filter((one) => one !== undefined)).toHaveLength(1)
    })
  })

  describe('a sign-in by email', () => {
    test('starts no session once the account has another email address', async () => {
      const { id } = await person({ emailVerified: true })
      const start = (emailKey: string) =>
        opened().store.sessions.start(
          session(id),
          { opener: { tag: 'email', emailKey }, cookieHash: null, replaces: null },
          [],
        )
      expect(await start(key)).toBe(true)
      const moved = await issued({ accountId: id, purpose: 'change_email', email: 'new@example.com' })
      expect(await addresses().change(moved, { keepSession: '', at: now }, [], () => [])).toBe(true)
      expect([await start(key), await start('new@example.com')]).toEqual([false, true])
    })
  })

  describe('verifying an email address', () => {
    const proven = (accountId: string): Fact => ({
      name: 'account.email_verified',
      accountId,
      origin,
      data: { provider: 'email' },
    })

    test('marks it as verified, ends other claims and consumes the ticket', async () => {
      const [mine, other] = [await person({}, { password: false }), await person()]
      const one = await issued({ purpose: 'verify_email', accountId: mine.id })
      expect(await addresses().verify(one, now, [proven(mine.id)])).toBe(true)
      expect((await find(mine.id))?.emailVerified).toBe(true)
      expect(await find(other.id)).toBeUndefined()
      expect(opened().told).toContainEqual(proven(mine.id))
      expect(await addresses().verify(one, now, [])).toBe(false)
    })

    test('fails for an account that has another email address by now, or where another account holds it', async () => {
      const moved = await person({ email: 'new@example.com' })
      expect(await addresses().verify(await issued({ accountId: moved.id }), now, [proven(moved.id)])).toBe(false)
      await person({ emailVerified: true })
      const late = await person({}, { password: false })
      expect(await addresses().verify(await issued({ accountId: late.id }), now, [proven(late.id)])).toBe(false)
      expect(opened().told).toEqual([])
    })
  })

  describe('changing an email address', () => {
    const change = (one: Ticket, keepSession = 'ses_none') =>
      addresses().change(
        one,
        { keepSession, at: now },
        [fact('account.email_changed', one.accountId ?? '')],
        (before) => [mail({ to: before.email ?? 'none', params: { verified: String(before.verified) } })],
      )

    test('moves the password along, ends other sessions and every ticket, and notifies the old address', async () => {
      const mine = await person({ email: 'old@example.com', emailVerified: true })
      const [here, there] = [await signedIn(mine.id), await signedIn(mine.id)]
      const other = await issued({ accountId: mine.id, email: 'old@example.com' })
      const one = await issued({ purpose: 'change_email', accountId: mine.id, email: 'Ada@example.com' })
      expect(await change(one, here)).toBe(true)
      expect(await find(mine.id)).toMatchObject({ email: 'Ada@example.com', emailVerified: true })
      expect(await passwords()).toMatchObject([{ accountId: mine.id, emailKey: key, hash: 'old' }])
      expect([await ended(here), await ended(there)]).toEqual([null, 'email_changed'])
      expect(await opened().store.tickets.using(other.id, now).make()).toBe(false)
      const sent = await takeDue(opened().store.mails, 9, now, later(60))
      expect(sent).toMatchObject([{ to: 'old@example.com', params: { verified: 'true' } }])
    })

    test('ends an unverified claim to the new address with its password, and fails where it is held', async () => {
      const mine = await person({ email: 'old@example.com' })
      const claimant = await person()
      expect(await change(await issued({ accountId: mine.id }))).toBe(true)
      expect(await find(claimant.id)).toBeUndefined()
      expect(await passwords()).toMatchObject([{ accountId: mine.id, emailKey: key }])
      const late = await person({ email: 'late@example.com' })
      expect(await change(await issued({ accountId: late.id }))).toBe(false)
      expect(await find(late.id)).toMatchObject({ email: 'late@example.com', emailVerified: false })
    })

    test('succeeds for one of two concurrent accounts', async () => {
      for (let round = 0; round < 8; round++) {
        const wanted = `w${round}@example.com`
        const people = [
          await person({ email: `a${round}@example.com` }),
          await person({ email: `b${round}@example.com` }),
        ]
        const tickets = await Promise.all(people.map(({ id }) => issued({ accountId: id, email: wanted })))
        const changed = await Promise.all(tickets.map((one) => change(one)))
        expect(changed.filter(Boolean)).toHaveLength(1)
        expect((await addresses().holders(wanted)).map(({ verified }) => verified)).toEqual([true])
      }
    })
  })

  describe('the account an emailed ticket opens', () => {
    const coming = ({ autoRegister = true } = {}) => ({
      opens: createEmailAccessRule({ autoRegister }),
      fresh: freshAccount(newId('usr'), { address: key, key }, 'pt-BR', now),
      at: now,
    })
    const created = (accountId: string): Fact => ({
      name: 'account.created',
      accountId,
      origin,
      data: { via: 'email' },
    })
    const come = (one: Ticket, how: { autoRegister?: boolean } = {}) => {
      const with_ = coming(how)
      return addresses().open(one, with_, (tag) => [
        tag === 'fresh' ? created(with_.fresh.id) : fact('password.removed', one.accountId ?? ''),
      ])
    }
    const enter = async (one: Ticket, how: { autoRegister?: boolean } = {}) => (await come(one, how))?.account
    const reset = async (one: Ticket, keepDevice: string | null = null) => {
      const with_ = coming()
      const came = await addresses().reset(one, { ...with_, hash: 'new', keepDevice }, (tag) =>
        tag === 'fresh' ? [created(with_.fresh.id)] : [fact('password.reset', one.accountId ?? '')],
      )
      return came?.account
    }
    /** A registered account with further sign-in methods that keep it from being taken over. */
    const decorated = async (email = key): Promise<Account> => {
      const one = await person({ email })
      const { db, tables, write } = opened().driver
      await write(db.insert(tables.identities).values(identity(one.id)))
      return one
    }
    const trusted = async (accountId: string): Promise<string> => {
      const { db, tables, write } = opened().driver
      const id = newId('dev')
      await write(
        db.insert(tables.trustedDevices).values({
          id,
          accountId,
          secretHash: id,
          createdAt: now,
          lastSeenAt: now,
          expiresAt: later(60),
        }),
      )
      return id
    }

    test('is the verified holder’s account, unchanged', async () => {
      const mine = await person({ emailVerified: true, secondFactorAt: now })
      const device = await signedIn(mine.id)
      const one = await issued({ accountId: mine.id })
      expect(await enter(one)).toEqual(mine)
      expect(await enter(one)).toBeUndefined()
      expect([await ended(device), (await passwords()).length, opened().told]).toEqual([null, 1, []])
    })

    test('is taken over from a claimant who never verified it, and nothing lets that claimant return', async () => {
      const squatted = await person({ secondFactorAt: now })
      const { db, tables, write, read } = opened().driver
      const accountId = squatted.id
      await write(
        db.insert(tables.totpFactors).values({ accountId, secret: 's', createdAt: now, confirmedAt: now, lastStep: 1 }),
      )
      await write(
        db.insert(tables.recoveryCodes).values({ id: newId('rec'), accountId, codeHash: 'h', createdAt: now }),
      )
      await trusted(accountId)
      const device = await signedIn(accountId)
      const theirs = await issued({ accountId, purpose: 'verify_email' })
      const response = await enter(await issued({ accountId }))
      expect(response).toMatchObject({ id: accountId, emailVerified: true, secondFactorAt: null })
      expect(await ended(device)).toBe('email_claim_ended')
      for (const table of [tables.passwords, tables.totpFactors, tables.recoveryCodes, tables.trustedDevices])
        expect(await read(db.select().from(table))).toEqual([])
      expect(await opened().store.tickets.using(theirs.id, now).make()).toBe(false)
      expect(opened().told.map(({ name }) => name)).toEqual([
        'account.email_verified',
        'second_factor.removed',
        'session.ended',
        'password.removed',
      ])
    })

    test('is determined when the ticket is used, not when it was issued', async () => {
      const squatted = await person()
      const one = await issued({ accountId: squatted.id })
      const { db, tables, write } = opened().driver
      await write(db.insert(tables.identities).values(identity(squatted.id)))
      expect(await enter(one, { autoRegister: false })).toBeUndefined()
      expect(await find(squatted.id)).toMatchObject({ emailVerified: false })
      expect(await passwords()).toHaveLength(1)
      // Sign-in methods the claimant added in the meantime do not lock the reader out: they get another account.
      expect((await enter(await issued({ accountId: squatted.id })))?.id).not.toBe(squatted.id)
    })

    test('is a new account where others claim the address without proof, and their claims end', async () => {
      const claimant = await decorated()
      const device = await signedIn(claimant.id)
      const came = await come(await issued({}))
      expect(came).toMatchObject({ tag: 'fresh', account: { email: key, emailVerified: true, locale: 'pt-BR' } })
      expect(await find(came?.account.id ?? '')).toEqual(came?.account)
      expect(await find(claimant.id)).toMatchObject({ email: null, emailVerified: false })
      expect([await ended(device), await passwords()]).toEqual(['email_claim_ended', []])
      expect(opened().told.map(({ name }) => name)).toEqual([
        'account.created',
        'account.email_claim_ended',
        'session.ended',
      ])
    })

    test('is a new account with the password of a reset', async () => {
      await decorated()
      const account = await reset(await issued({}))
      expect(await passwords()).toMatchObject([{ accountId: account?.id, emailKey: key, hash: 'new' }])
      expect(account).toMatchObject({ emailVerified: true })
    })

    test('does not exist where nobody claims the address any more, or another account verified it in the meantime', async () => {
      expect(await enter(await issued({}))).toBeUndefined()
      const [claimant, other] = [await decorated(), await issued({})]
      const verifying = await issued({ purpose: 'verify_email', accountId: claimant.id })
      expect(await addresses().verify(verifying, now, [])).toBe(true)
      expect(await enter(other)).toBeUndefined()
      expect(await reset(await issued({}))).toBeUndefined()
      expect(await addresses().holders(key)).toMatchObject([{ accountId: claimant.id, verified: true }])
    })

    test('is one new account for concurrent tickets, even when the claim is verified in the meantime', async () => {
      for (let round = 0; round < 8; round++) {
        const email = `f${round}@example.com`
        const claimant = await decorated(email)
        const verifying = await issued({ purpose: 'verify_email', accountId: claimant.id, email })
        const tickets = await Promise.all(Array.from({ length: 4 }, () => issued({ email })))
        const [proven, ...response] = await Promise.all([
          addresses().verify(verifying, now, []),
          ...tickets.map((one, at) => (at % 2 ? enter(one) : reset(one))),
        ])
        expect([proven, ...response].filter(Boolean)).toHaveLength(1)
        const holders = await addresses().holders(email)
        expect(holders).toMatchObject([{ verified: true }])
        expect(holders.some(({ accountId }) => accountId === claimant.id)).toBe(proven)
      }
    })

    test('is reset with a password that ends everything before it', async () => {
      const mine = await person({ emailVerified: true, secondFactorAt: now })
      const device = await signedIn(mine.id)
      const [one, two] = [await issued({ accountId: mine.id }), await issued({ accountId: mine.id })]
      expect(await reset(one)).toMatchObject({ id: mine.id, secondFactorAt: now })
      expect(await passwords()).toMatchObject([{ accountId: mine.id, emailKey: key, hash: 'new', changedAt: now }])
      expect(await ended(device)).toBe('password_reset')
      expect(await reset(two)).toBeUndefined()
      expect(opened().told.map(({ name }) => name)).toEqual(['password.reset', 'session.ended'])
      // The user is notified.
      expect(await takeDue(opened().store.mails, 9, now, later(60))).toMatchObject([
        { template: 'password.reset', to: key },
      ])
    })

    test('keeps trust only in the device that resets the password, and only if the address was verified', async () => {
      const { db, tables, read } = opened().driver
      const mine = await person({ emailVerified: true })
      const [here] = [await trusted(mine.id), await trusted(mine.id)]
      await reset(await issued({ accountId: mine.id }), here)
      expect(await read(db.select().from(tables.trustedDevices))).toMatchObject([{ id: here }])
      const squatted = await person({ email: 'else@example.com' })
      const theirs = await trusted(squatted.id)
      expect(await reset(await issued({ accountId: squatted.id, email: 'else@example.com' }), theirs)).toBeDefined()
      expect(await read(db.select().from(tables.trustedDevices))).toMatchObject([{ id: here }])
    })

    test('is left unchanged where it is disabled', async () => {
      const { db, tables, write } = opened().driver
      const mine = await person()
      await write(db.update(tables.accounts).set({ disabledAt: now }).where(eq(tables.accounts.id, mine.id)))
      expect(await enter(await issued({ accountId: mine.id }))).toMatchObject({ disabledAt: now, emailVerified: false })
      expect(await reset(await issued({ accountId: mine.id }))).toMatchObject({ disabledAt: now })
      expect(await passwords()).toMatchObject([{ hash: 'old' }])
    })

    test('is taken over once by concurrent tickets', async () => {
      for (let round = 0; round < 8; round++) {
        const email = `s${round}@example.com`
        const squatted = await person({ email })
        const tickets = await Promise.all(Array.from({ length: 4 }, () => issued({ accountId: squatted.id, email })))
        const response = await Promise.all(tickets.map((one) => enter(one)))
        // Taking the account over ends the other tickets.
        expect(response.filter(Boolean)).toHaveLength(1)
      }
    })
  })
}
