import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import type { Fact } from '../../src/events/catalogue.ts'
import { mostClaims } from '../../src/kernel/account.ts'
import {
  account,
  deleted,
  identity,
  insertSessions,
  later,
  newcomer,
  newId,
  now,
  type Opened,
  origin,
  rowsOf,
  session,
  sweptIn,
  trailOf,
} from './people.ts'
import { ticket } from './tickets.contract.ts'
import { watched } from './watched.ts'

/** What every store promises when it erases a long-lived account. */
export function erasingContract(opened: () => Opened): void {
  const some = async <T>(count: number, row: (n: number) => T, insert: (rows: T[]) => PromiseLike<unknown>) => {
    const rows = Array.from({ length: count }, (_, n) => row(n))
    for (let from = 0; from < count; from += 100) await opened().driver.write(insert(rows.slice(from, from + 100)))
  }

  /** An account with thousands of rows of its own: of each kind, more than one statement deletes. */
  async function veteran(): Promise<string> {
    const { driver } = opened()
    const { db, tables } = driver
    const { account } = await newcomer(opened())
    const accountId = account.id
    await some(
      650,
      () => ({ ...session(accountId, { endedAt: later(-60), endReason: 'logout' }), cookieHash: null }),
      (rows) => db.insert(tables.sessions).values(rows),
    )
    await insertSessions(driver, accountId, 550)
    const devices = Array.from({ length: 550 }, () => newId('dev'))
    await some(
      550,
      (n) => ({
        id: devices[n] ?? '',
        accountId,
        secretHash: newId('dev'),
        createdAt: now,
        lastSeenAt: now,
        expiresAt: later(600),
      }),
      (rows) => db.insert(tables.trustedDevices).values(rows),
    )
    await some(
      550,
      (n) => ({ key: `device:${devices[n]}`, failures: 1, lastAt: now, blockedUntil: now }),
      (rows) => db.insert(tables.guesses).values(rows),
    )
    await some(
      1600,
      // Rows of one moment as well: paging must not get stuck in the middle of them.
      (n) => ({
        id: newId('aud'),
        at: later(-Math.max(0, 9000 - 2 * n)),
        ordinal: n,
        event: 'account.updated',
        accountId,
        ip: origin.ip,
        userAgent: origin.userAgent,
        requestId: null,
        data: {},
      }),
      (rows) => db.insert(tables.audit).values(rows),
    )
    return accountId
  }

  describe('a claim to an email address that its owner proves', () => {
    const email = 'ada@example.com'
    const proves = { address: email, key: email }
    const event = async (name: string) => (await trailOf(opened())).filter((entry) => entry.event === name)

    /** An account that a stranger registered with the address, and used for so long. */
    async function squatter(rows: number): Promise<string> {
      const { driver, store } = opened()
      const { db, tables, write } = driver
      const { account: person } = await newcomer(opened(), { email })
      const accountId = person.id
      await write(db.delete(tables.identities).where(eq(tables.identities.accountId, accountId)))
      const set = {
        accountId,
        emailKey: email,
        hash: 'h',
        expected: null,
        at: now,
        keepSession: null,
        keepDevice: null,
      }
      expect(await store.passwords.set(set, [])).toBe(true)
      await some(
        rows,
        () => ({ ...session(accountId, { endedAt: later(-60), endReason: 'session_limit' }), cookieHash: null }),
        (rows) => db.insert(tables.sessions).values(rows),
      )
      await some(
        rows,
        (n) => ({
          ...{ id: newId('aud'), at: later(-9000), ordinal: n, event: 'session.started', accountId },
          ...rest,
        }),
        (rows) => db.insert(tables.audit).values(rows),
      )
      await insertSessions(driver, accountId, 100)
      return accountId
    }
    const rest = { ip: origin.ip, userAgent: origin.userAgent, requestId: null, data: {} }

    /** Another account proves the address, and what that took. */
    async function proven() {
      const { account: owner } = await newcomer(opened(), { email })
      const { store, statements, transactions } = watched(opened())
      expect(await store.accounts.proveEmail(owner.id, proves, now, [])).toBe(true)
      expect(await store.accounts.findByEmail(email)).toMatchObject([
        { account: { id: owner.id, emailVerified: true } },
      ])
      return { statements: statements.length, rows: Math.max(...transactions.map(({ rows }) => rows)) }
    }

    test('ends at once, however long the history of the claimant; a sweep erases that in batches', async () => {
      const claimant = await squatter(2000)
      const { statements, rows } = await proven()
      expect(statements).toBeLessThan(50)
      expect(rows).toBeLessThan(500)
      // Nothing of the history was erased while the owner waited, and the claimant has nothing left.
      expect((await rowsOf(opened(), 'sessions')).length).toBe(2100)
      expect((await event('session.started')).filter(({ ip }) => ip !== null)).toHaveLength(2000)
      expect(await opened().store.sessions.list(claimant, now)).toEqual([])
      expect(await opened().store.passwords.findOf(claimant)).toBeUndefined()
      const left = await opened().store.accounts.find(claimant)
      expect(left).toMatchObject({ email: null, disabledAt: now })
      expect((await event('account.email_claim_ended'))[0]?.data).toEqual({ deletion: 'later' })

      const sweeping = watched(opened())
      expect(await sweptIn(sweeping.store, 'endedClaims', now)).toBe(1)
      expect(Math.max(...sweeping.statements.map((one) => one.rows))).toBeLessThanOrEqual(500)
      expect(await opened().store.accounts.find(claimant)).toBeUndefined()
      expect(await rowsOf(opened(), 'sessions')).toEqual([])
      expect((await event('session.started')).filter(({ ip, userAgent }) => ip ?? userAgent)).toEqual([])
      expect(await event('account.deleted')).toMatchObject([{ accountId: claimant, ip: null }])
      expect(await sweptIn(opened().store, 'endedClaims', now)).toBe(0)
    })

    test('is found again after the sweep was interrupted, and an account with a sign-in method is never deleted', async () => {
      const { account: linked } = await newcomer(opened(), { email })
      const claimant = await squatter(600)
      await proven()
      const { store, dieAt } = watched(opened())
      dieAt(/^delete from "accounts"/i)
      await expect(sweptIn(store, 'endedClaims', now)).rejects.toThrow('the process died')
      expect(await opened().store.accounts.find(claimant)).toMatchObject({ email: null })
      // One entry is a batch of its own, so that the sweep goes on after it.
      expect(await sweptIn(opened().store, 'endedClaims', later(3600), 1)).toBe(1)
      expect(await opened().store.accounts.find(claimant)).toBeUndefined()
      expect(await opened().store.accounts.find(linked.id)).toMatchObject({ email: null, disabledAt: null })
    })

    test('deletes a claimant with a short history at once', async () => {
      const claimant = await squatter(20)
      await proven()
      expect(await opened().store.accounts.find(claimant)).toBeUndefined()
      expect((await trailOf(opened())).filter(({ accountId, ip }) => accountId === claimant && ip !== null)).toEqual([])
    })

    test('is one of ten at most', async () => {
      const { store } = opened()
      const claim = (emailVerified: boolean) => {
        const person = account({ email, emailVerified })
        return store.accounts.create(person, identity(person.id), { separate: true }, [])
      }
      for (let n = 0; n < mostClaims; n++) expect(await claim(false)).toBe(true)
      expect(await claim(false)).toBe(false)
      const registering = { account: account({ email }), emailKey: email, hash: 'h', ticket: ticket() }
      expect(await store.passwords.register(registering, [], { opened: [], taken: [] })).toBe(false)
      expect(await store.accounts.findByEmail(email)).toHaveLength(mostClaims)
      expect(await claim(true)).toBe(true)
      expect(await store.accounts.findByEmail(email)).toHaveLength(1)
      expect(await event('account.email_claim_ended')).toHaveLength(mostClaims)
    })

    test('is read as one row, however many sign-in methods its account has', async () => {
      const { account: person } = await newcomer(opened(), { email })
      for (let n = 0; n < 5; n++) await opened().store.accounts.link(identity(person.id), null, [])
      const { driver } = opened()
      const passkeys = Array.from({ length: 5 }, () => ({
        ...{ id: newId('psk'), accountId: person.id, credentialId: newId('psk'), publicKey: 'k', counter: 0 },
        ...{ transports: [], backedUp: false, aaguid: null, name: 'Key', createdAt: now, lastUsedAt: null },
      }))
      await driver.write(driver.db.insert(driver.tables.passkeys).values(passkeys))
      const asked = ticket({ purpose: 'email_sign_in', accountId: null, email })
      await opened().store.tickets.issue(asked)
      const { store, statements } = watched(opened())
      await store.addresses.open(asked, { opens: () => undefined, fresh: account(), at: now }, () => [])
      const reading = statements.filter(({ sql }) =>
        /^select .* from "accounts" where "accounts"."email_key"/i.test(sql),
      )
      expect(reading.map(({ rows }) => rows)).toEqual([1])
      expect(await store.addresses.holders(email)).toMatchObject([{ accountId: person.id, otherWays: true }])
    })
  })

  describe('deleting an application that many people use', () => {
    /** An application with so many consents, sign-ins and logout notices. */
    async function popular(rows: number, source: 'administrator' | 'registration'): Promise<string> {
      const { db, tables, write } = opened().driver
      const id = newId('app')
      const known = { id, name: 'Shop', kind: 'server', firstParty: false, clientAuth: 'none', source } as const
      const lists = { redirectUris: [], postLogoutRedirectUris: [], scopes: [], resources: [] }
      const application = { ...known, ...lists, createdAt: later(-60), updatedAt: now, lastUsedAt: later(-60) }
      await write(db.insert(tables.applications).values(application))
      const people = Array.from({ length: rows }, () => account())
      await some(
        rows,
        (n) => ({ ...(people[n] ?? account()), emailKey: null, verifiedEmailKey: null }),
        (rows) => db.insert(tables.accounts).values(rows),
      )
      const of = (n: number) => ({ accountId: people[n]?.id ?? '', applicationId: id, createdAt: now })
      await some(
        rows,
        (n) => ({ ...of(n), id: newId('cns'), scopes: [], resources: [], updatedAt: now }),
        (rows) => db.insert(tables.applicationConsents).values(rows),
      )
      const generation = { generation: 0, rotatedAt: now, usedGeneration: -1 }
      const ends = { idleExpiresAt: later(60), absoluteExpiresAt: later(60), authTime: now }
      const session = { sessionId: 'ses', sid: 'sid', scope: '', resources: [], amr: [] }
      await some(
        rows,
        (n) => ({ ...of(n), ...session, ...generation, ...ends, id: newId('aps') }),
        (rows) => db.insert(tables.applicationSessions).values(rows),
      )
      await some(
        rows,
        (n) => ({ ...of(n), id: newId('lgt'), sid: 'sid', attempts: 0, nextAttemptAt: now }),
        (rows) => db.insert(tables.logoutNotices).values(rows),
      )
      return id
    }
    const left = async () => {
      const { db, tables, read } = opened().driver
      const used = [tables.applicationConsents, tables.applicationSessions, tables.logoutNotices]
      return Promise.all(used.map(async (table) => (await read(db.select({ id: table.id }).from(table))).length))
    }
    const gone = (application: string): Fact => ({
      ...{ name: 'application.registration_deleted', accountId: null, origin, data: { application } },
    })

    test('erases what belongs to it in batches, before its row; a second call continues what was interrupted', async () => {
      const id = await popular(1100, 'administrator')
      const { store, statements, dieAt } = watched(opened())
      dieAt(/^delete from "applications"/i)
      await expect(store.applications.remove(id, now, [gone(id)])).rejects.toThrow('the process died')
      expect(await left()).toEqual([0, 0, 0])
      expect(Math.max(...statements.map(({ rows }) => rows))).toBe(500)
      expect(await opened().store.applications.find(id)).toMatchObject({ disabledAt: now })
      expect(opened().told).toEqual([])
      expect(await opened().store.applications.remove(id, now, [gone(id)])).toBe(true)
      expect(await opened().store.applications.find(id)).toBeUndefined()
      expect(opened().told).toEqual([gone(id)])
      expect(await opened().store.applications.remove(id, now, [gone(id)])).toBe(false)
    })

    test('works the same in the sweep of applications that nobody uses', async () => {
      await popular(600, 'registration')
      const { store, statements, dieAt } = watched(opened())
      dieAt(/^delete from "applications"/i)
      await expect(sweptIn(store, 'idleRegistrations', now)).rejects.toThrow('the process died')
      expect(await left()).toEqual([0, 0, 0])
      expect(Math.max(...statements.map(({ rows }) => rows))).toBe(500)
      expect(await sweptIn(opened().store, 'idleRegistrations', now)).toBe(1)
      expect(await opened().store.applications.list()).toEqual([])
    })
  })

  describe('erasing an account with thousands of rows', () => {
    test('erases the sign-ins of sessions that are over in batches, and notifies each application once', async () => {
      const { account: person } = await newcomer(opened())
      const accountId = person.id
      const { db, tables, write } = opened().driver
      const lists = { redirectUris: [], postLogoutRedirectUris: [], scopes: [], resources: [] }
      await write(
        db.insert(tables.applications).values({
          ...{ id: 'app_1', name: 'Shop', kind: 'server', firstParty: false, clientAuth: 'none', ...lists },
          ...{ backchannelLogoutUri: 'https://shop.example/logout', createdAt: now, updatedAt: now },
        }),
      )
      const [live, over] = [
        session(accountId),
        session(accountId, { idleExpiresAt: later(-60), absoluteExpiresAt: later(-60) }),
      ]
      for (const row of [live, over]) await write(db.insert(tables.sessions).values({ ...row, cookieHash: null }))
      const generation = { generation: 0, rotatedAt: now, usedGeneration: -1 }
      const ends = { idleExpiresAt: later(60), absoluteExpiresAt: later(60), authTime: now }
      const rest = { accountId, applicationId: 'app_1', createdAt: now, scope: '', resources: [], amr: [] }
      const sessionOf = (n: number) => (n < 60 ? live.id : n < 70 ? over.id : 'ses_gone')
      await some(
        1300,
        (n) => ({
          ...{ ...rest, ...generation, ...ends, id: newId('aps'), sessionId: sessionOf(n), sid: `sid ${n}` },
          endedAt: n < 1100 ? null : later(-60),
        }),
        (rows) => db.insert(tables.applicationSessions).values(rows),
      )
      const sids = async () =>
        (await opened().driver.read(db.select({ sid: tables.logoutNotices.sid }).from(tables.logoutNotices)))
          .map(({ sid }) => Number(sid.slice(4)))
          .sort((a, b) => a - b)
      const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)
      const { store, statements, dieAt } = watched(opened())
      dieAt(/^delete from "accounts"/i)
      await expect(store.accounts.remove(accountId, now, [deleted(accountId)])).rejects.toThrow('the process died')
      const left = (await rowsOf(opened(), 'applicationSessions')) as { sessionId: string }[]
      expect(left.map(({ sessionId }) => sessionId)).toEqual(Array.from({ length: 60 }, () => live.id))
      expect(await sids()).toEqual(numbers(60, 1100))
      expect(Math.max(...statements.map(({ rows }) => rows))).toBe(500)
      expect(statements.filter(({ sql }) => /^insert into "logout_notices"/i.test(sql)).length).toBeLessThan(30)

      expect(await opened().store.accounts.remove(accountId, now, [deleted(accountId)])).toBe(true)
      expect(await rowsOf(opened(), 'applicationSessions')).toEqual([])
      expect(await sids()).toEqual(numbers(0, 1100))
    })

    test('works in batches until every row is gone', async () => {
      const accountId = await veteran()
      const { account: other } = await newcomer(opened())
      await insertSessions(opened().driver, other.id, 3)
      const { store, statements } = watched(opened())
      expect(await store.accounts.remove(accountId, now, [deleted(accountId)])).toBe(true)
      expect(Math.max(...statements.map(({ rows }) => rows))).toBe(500)
      expect(await store.accounts.find(accountId)).toBeUndefined()
      expect(await rowsOf(opened(), 'sessions')).toHaveLength(3)
      expect(await rowsOf(opened(), 'trustedDevices')).toEqual([])
      const { driver } = opened()
      expect(await driver.read(driver.db.select().from(driver.tables.guesses))).toEqual([])
      const trail = await trailOf(opened())
      expect(trail.filter(({ ip, userAgent }) => ip !== null || userAgent !== null)).toEqual([])
      expect(trail.filter(({ event }) => event === 'account.updated')).toHaveLength(1600)
      // Each session that still worked ended, and the audit log records it.
      expect(trail.filter(({ event }) => event === 'session.ended')).toHaveLength(550)
    })

    test('leaves a working account when the process dies halfway; the next call erases the rest', async () => {
      const accountId = await veteran()
      const { driver } = opened()
      const { store, dieAt } = watched(opened())
      dieAt(/^delete from "accounts"/i)
      await expect(store.accounts.remove(accountId, now, [deleted(accountId)])).rejects.toThrow('the process died')
      expect(await opened().store.sessions.list(accountId, now)).toHaveLength(100)
      expect(await opened().store.accounts.identitiesOf(accountId)).toHaveLength(1)
      expect(await opened().store.accounts.remove(accountId, now, [deleted(accountId)])).toBe(true)
      expect(await driver.read(driver.db.select().from(driver.tables.accounts))).toEqual([])
    })

    test('erases each IP address in its activity once, however many calls it takes', async () => {
      const accountId = await veteran()
      const { store, statements, dieAt } = watched(opened())
      dieAt(/^delete from "accounts"/i)
      const forgotten = () => statements.splice(0).filter(({ sql }) => /^update "audit"/i.test(sql)).length
      await expect(store.accounts.remove(accountId, now, [deleted(accountId)])).rejects.toThrow('the process died')
      expect(forgotten()).toBeGreaterThan(3)
      await expect(store.accounts.remove(accountId, now, [deleted(accountId)])).rejects.toThrow('the process died')
      // Otherwise a call that is cut off at its deadline would do the same work again and never finish.
      expect(forgotten()).toBeLessThan(2)
    })

    test('changes nothing in its history where it is the last administrator', async () => {
      const accountId = await veteran()
      const { db, tables, write } = opened().driver
      await write(db.update(tables.accounts).set({ role: 'administrator' }).where(eq(tables.accounts.id, accountId)))
      expect(await opened().store.accounts.remove(accountId, now, [deleted(accountId)])).toBe('last_administrator')
      expect(await rowsOf(opened(), 'sessions')).toHaveLength(1200)
      expect(await rowsOf(opened(), 'trustedDevices')).toHaveLength(550)
    })
  })
}
