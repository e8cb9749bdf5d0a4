import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { opensByMail } from '../../src/credentials/mail-opens.ts'
import type { Ticket } from '../../src/credentials/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import type { Account } from '../../src/kernel/account.ts'
import { mail } from './mails.contract.ts'
import { account, identity, later, newId, now, type Opened, origin, session } from './people.ts'
import { ticket } from './tickets.contract.ts'

const key = 'ada@example.com'
const fact = (name: 'password.reset' | 'password.removed' | 'account.email_changed', accountId: string): Fact => ({
  ...{ name, accountId, origin, data: {} },
})

/** What every store promises of addresses that are proven by mail. */
export function addressesContract(opened: () => Opened): void {
  const addresses = () => opened().store.addresses
  const find = (id: string): Promise<Account | undefined> => opened().store.accounts.find(id)

  /** Somebody with an address, and a password for it. */
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

  describe('an address', () => {
    test('has holders: who they are, and what else opens their account', async () => {
      const one = await person({ locale: 'pt-BR' })
      const two = await person({}, { password: false })
      const { db, tables, write } = opened().driver
      await write(db.insert(tables.identities).values(identity(two.id)))
      await person({ email: 'other@example.com' })
      const about = { address: key, verified: false, role: 'user' }
      expect([...(await addresses().holders(key))].sort((a) => (a.accountId === one.id ? -1 : 1))).toEqual([
        { ...about, accountId: one.id, locale: 'pt-BR', password: true, otherWays: false },
        { ...about, accountId: two.id, locale: null, password: false, otherWays: true },
      ])
      expect(await addresses().holders('nobody@example.com')).toEqual([])
    })

    test('gets a ticket and its letters together', async () => {
      const [one, letter] = [ticket(), mail()]
      await addresses().send(one, [letter])
      expect(await opened().store.mails.backlog()).toBe(1)
      expect(await opened().store.tickets.use(one.id, now)).toBe(true)
      // Neither, if one of them cannot be.
      const again = ticket({ id: one.id })
      await expect(addresses().send(again, [mail()])).rejects.toThrow()
      await expect(addresses().send(ticket(), [letter])).rejects.toThrow()
      expect(await opened().store.mails.backlog()).toBe(1)
    })
  })

  describe('a sign-in by mail', () => {
    test('starts no session once the address it went to is no longer the account’s', async () => {
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

  describe('verifying', () => {
    const proven = (accountId: string): Fact => ({
      ...{ name: 'account.email_verified', accountId, origin, data: { provider: 'email' } },
    })

    test('makes the claim the account’s own, ends others’, and takes the ticket', async () => {
      const [mine, other] = [await person({}, { password: false }), await person()]
      const one = await issued({ purpose: 'verify_email', accountId: mine.id })
      expect(await addresses().verify(one, now, [proven(mine.id)])).toBe(true)
      expect((await find(mine.id))?.emailVerified).toBe(true)
      expect(await find(other.id)).toBeUndefined()
      expect(opened().told).toContainEqual(proven(mine.id))
      expect(await addresses().verify(one, now, [])).toBe(false)
    })

    test('proves nothing for an account that has another address by now, or where somebody holds it', async () => {
      const moved = await person({ email: 'new@example.com' })
      expect(await addresses().verify(await issued({ accountId: moved.id }), now, [proven(moved.id)])).toBe(false)
      await person({ emailVerified: true })
      const late = await person({}, { password: false })
      expect(await addresses().verify(await issued({ accountId: late.id }), now, [proven(late.id)])).toBe(false)
      expect(opened().told).toEqual([])
    })
  })

  describe('changing', () => {
    const change = (one: Ticket, keepSession = 'ses_none') =>
      addresses().change(
        one,
        { keepSession, at: now },
        [fact('account.email_changed', one.accountId ?? '')],
        (before) => [mail({ to: before.email ?? 'none', params: { verified: String(before.verified) } })],
      )

    test('moves the password along, ends other devices and every ticket, and tells both', async () => {
      const mine = await person({ email: 'old@example.com', emailVerified: true })
      const [here, there] = [await signedIn(mine.id), await signedIn(mine.id)]
      const other = await issued({ accountId: mine.id, email: 'old@example.com' })
      const one = await issued({ purpose: 'change_email', accountId: mine.id, email: 'Ada@example.com' })
      expect(await change(one, here)).toBe(true)
      expect(await find(mine.id)).toMatchObject({ email: 'Ada@example.com', emailVerified: true })
      expect(await passwords()).toMatchObject([{ accountId: mine.id, emailKey: key, hash: 'old' }])
      expect([await ended(here), await ended(there)]).toEqual([null, 'email_changed'])
      expect(await opened().store.tickets.use(other.id, now)).toBe(false)
      const sent = await opened().store.mails.take(9, now, later(60))
      expect(sent).toMatchObject([{ to: 'old@example.com', params: { verified: 'true' } }])
    })

    test('ends a mere claim to the new address with its password, and does nothing where it is held', async () => {
      const mine = await person({ email: 'old@example.com' })
      const claimant = await person()
      expect(await change(await issued({ accountId: mine.id }))).toBe(true)
      expect(await find(claimant.id)).toBeUndefined()
      expect(await passwords()).toMatchObject([{ accountId: mine.id, emailKey: key }])
      const late = await person({ email: 'late@example.com' })
      expect(await change(await issued({ accountId: late.id }))).toBe(false)
      expect(await find(late.id)).toMatchObject({ email: 'late@example.com', emailVerified: false })
    })

    test('has one winner of two accounts at once', async () => {
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

  describe('what a mail opens', () => {
    const enter = (one: Ticket) =>
      addresses().enter(one, opensByMail, now, [fact('password.removed', one.accountId ?? '')])
    const reset = (one: Ticket) =>
      addresses().reset(one, { hash: 'new', at: now }, opensByMail, [fact('password.reset', one.accountId ?? '')])

    test('is the holder’s account as it is', async () => {
      const mine = await person({ emailVerified: true, secondFactorAt: now })
      const device = await signedIn(mine.id)
      const one = await issued({ accountId: mine.id })
      expect(await enter(one)).toEqual(mine)
      expect(await enter(one)).toBeUndefined()
      expect([await ended(device), (await passwords()).length, opened().told]).toEqual([null, 1, []])
    })

    test('is taken over from whoever never proved it, with nothing left to come back by', async () => {
      const squatted = await person({ secondFactorAt: now })
      const { db, tables, write, read } = opened().driver
      const accountId = squatted.id
      await write(
        db.insert(tables.totpFactors).values({ accountId, secret: 's', createdAt: now, confirmedAt: now, lastStep: 1 }),
      )
      await write(
        db.insert(tables.recoveryCodes).values({ id: newId('rec'), accountId, codeHash: 'h', createdAt: now }),
      )
      await write(
        db.insert(tables.trustedDevices).values({
          ...{ id: newId('dev'), accountId, secretHash: 'h', createdAt: now, lastSeenAt: now, expiresAt: later(60) },
        }),
      )
      const device = await signedIn(accountId)
      const theirs = await issued({ accountId, purpose: 'verify_email' })
      const entered = await enter(await issued({ accountId }))
      expect(entered).toMatchObject({ id: accountId, emailVerified: true, secondFactorAt: null })
      expect(await ended(device)).toBe('email_claim_ended')
      for (const table of [tables.passwords, tables.totpFactors, tables.recoveryCodes, tables.trustedDevices])
        expect(await read(db.select().from(table))).toEqual([])
      expect(await opened().store.tickets.use(theirs.id, now)).toBe(false)
      expect(opened().told.map(({ name }) => name)).toEqual([
        'account.email_verified',
        'second_factor.removed',
        'session.ended',
        'password.removed',
      ])
    })

    test('is decided when the ticket is used, not when it was asked for', async () => {
      const squatted = await person()
      const one = await issued({ accountId: squatted.id })
      const { db, tables, write } = opened().driver
      await write(db.insert(tables.identities).values(identity(squatted.id)))
      expect(await enter(one)).toBeUndefined()
      expect(await find(squatted.id)).toMatchObject({ emailVerified: false })
      expect(await passwords()).toHaveLength(1)
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
      // The person is written to.
      expect(await opened().store.mails.take(9, now, later(60))).toMatchObject([
        { template: 'password.reset', to: key },
      ])
    })

    test('is left alone where the account is disabled', async () => {
      const { db, tables, write } = opened().driver
      const mine = await person()
      await write(db.update(tables.accounts).set({ disabledAt: now }).where(eq(tables.accounts.id, mine.id)))
      expect(await enter(await issued({ accountId: mine.id }))).toMatchObject({ disabledAt: now, emailVerified: false })
      expect(await reset(await issued({ accountId: mine.id }))).toMatchObject({ disabledAt: now })
      expect(await passwords()).toMatchObject([{ hash: 'old' }])
    })

    test('is taken over once of many at once', async () => {
      for (let round = 0; round < 8; round++) {
        const email = `s${round}@example.com`
        const squatted = await person({ email })
        const tickets = await Promise.all(Array.from({ length: 4 }, () => issued({ accountId: squatted.id, email })))
        const entered = await Promise.all(tickets.map(enter))
        // Taking it over ends the other tickets.
        expect(entered.filter(Boolean)).toHaveLength(1)
      }
    })
  })
}
