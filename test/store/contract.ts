import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Fact } from '../../src/events/catalogue.ts'
import { BusyError } from '../../src/kernel/busy.ts'
import { ReferenceGoneError } from '../../src/kernel/gone.ts'
import { createIds, systemRandom } from '../../src/kernel/ids.ts'
import { Limit, withinLimit } from '../../src/kernel/limit.ts'
import { type StoreConfig, storeOver } from '../../src/store/open.ts'
import { takeDue } from '../support/take-due.ts'
import { accountsContract } from './accounts.contract.ts'
import { addressesContract } from './addresses.contract.ts'
import { auditContract, everyEntry } from './audit.contract.ts'
import { boundedContract } from './bounded.contract.ts'
import { endableContract } from './endable.contract.ts'
import { erasingContract } from './erasing.contract.ts'
import { grantsContract } from './grants.contract.ts'
import { guessesContract } from './guesses.contract.ts'
import { invitedAccountsContract } from './invited-accounts.contract.ts'
import { jiraContract } from './jira.contract.ts'
import { jobsContract } from './jobs.contract.ts'
import { linkingContract } from './linking.contract.ts'
import { mailsContract } from './mails.contract.ts'
import { noticesContract } from './notices.contract.ts'
import { passkeysContract } from './passkeys.contract.ts'
import { passwordsContract } from './passwords.contract.ts'
import {
  account,
  type Backend,
  conflict,
  created,
  identity,
  key,
  later,
  linked,
  names,
  newcomer,
  newId,
  now,
  type Opened,
  open,
  origin,
  pendingAuthorization,
  rowsOf,
  sweptIn,
  tokens,
  trailOf,
  updated,
} from './people.ts'
import { queuesContract } from './queues.contract.ts'
import { sealedContract } from './sealed.contract.ts'
import { secondFactorsContract } from './second-factors.contract.ts'
import { serviceCredentialContract } from './service-credentials.contract.ts'
import { sessionsContract } from './sessions.contract.ts'
import { statisticsContract } from './statistics.contract.ts'
import { sweepsContract } from './sweeps.contract.ts'
import { teamsContract } from './teams.contract.ts'
import { ticketsContract } from './tickets.contract.ts'
import { userContract } from './users.contract.ts'
import { withdrawalsContract } from './withdrawals.contract.ts'

/**
 * What every store promises, whatever it is built on. A new adapter must pass this, `accountContracts`, `storeRaces` and
 * `storeProcesses`: each in a test file of its own, which run concurrently.
 */
export function storeContract({ name, place, emptied, explain }: Backend): void {
  describe(`${name} keeps the store contract:`, () => {
    let config: StoreConfig
    let opened: Opened
    let store: Opened['store']
    let told: Fact[]

    beforeEach(async () => {
      config = await emptied()
      opened = await open(config)
      store = opened.store
      told = opened.told
    })
    afterEach(() => store.close())

    noticesContract(() => opened)
    mailsContract(() => opened)
    ticketsContract(() => opened)
    addressesContract(() => opened)
    invitedAccountsContract(() => opened)
    withdrawalsContract(() => opened)
    accountsContract(() => opened)
    linkingContract(() => opened)
    sessionsContract(() => opened)
    endableContract(() => opened)
    erasingContract(() => opened)
    boundedContract(() => opened)
    auditContract(() => opened)
    statisticsContract(() => opened)
    sweepsContract(
      () => opened,
      (sql, params) => explain(config, sql, params),
    )
    queuesContract(
      () => opened,
      (sql, params) => explain(config, sql, params),
    )

    test('a row that references a deleted account fails with an error of its own', async () => {
      const { driver } = opened
      const way = identity(newId('usr'))
      const alone = driver.write(driver.db.insert(driver.tables.identities).values(way))
      await expect(alone).rejects.toBeInstanceOf(ReferenceGoneError)
      const together = driver.atomic(function* (tx) {
        yield tx.insert(driver.tables.identities).values(way)
      })
      await expect(together).rejects.toBeInstanceOf(ReferenceGoneError)
    })

    describe('a conflict', () => {
      const opening = (id: string): Fact => ({
        name: 'conflict.opened',
        data: { provider: 'github' },
        accountId: id,
        origin,
      })

      test('is found while it is open, by its ticket and its binding', async () => {
        const question = conflict()
        await store.conflicts.open(question, [opening('usr_1')])
        const match = { ticketHash: question.ticketHash, bindingHash: question.bindingHash }
        expect(await store.conflicts.find(match, later(599))).toEqual(question)
        expect(await store.conflicts.find(match, later(600))).toBeUndefined()
        expect(await store.conflicts.find({ ...match, bindingHash: 'another browser' }, now)).toBeUndefined()
        expect(await store.conflicts.find({ ...match, ticketHash: 'another ticket' }, now)).toBeUndefined()
        expect(told).toEqual([opening('usr_1')])
      })

      test('is resolved once', async () => {
        const question = conflict()
        await store.conflicts.open(question, [])
        expect(await store.conflicts.resolving(question.id, later(1), []).make()).toBe(true)
        expect(await store.conflicts.resolving(question.id, later(1), []).make()).toBe(false)
        const match = { ticketHash: question.ticketHash, bindingHash: question.bindingHash }
        expect(await store.conflicts.find(match, later(1))).toBeUndefined()
      })

      test('that expired cannot be resolved', async () => {
        const question = conflict()
        await store.conflicts.open(question, [])
        expect(await store.conflicts.resolving(question.id, later(600), []).make()).toBe(false)
      })

      test('is swept after it expires', async () => {
        const question = conflict()
        await store.conflicts.open(question, [])
        await store.conflicts.open(conflict({ expiresAt: later(10) }), [])
        expect(await sweptIn(store, 'conflicts', later(10))).toBe(0)
        expect(await sweptIn(store, 'conflicts', later(11))).toBe(1)
        const match = { ticketHash: question.ticketHash, bindingHash: question.bindingHash }
        expect(await store.conflicts.find(match, now)).toEqual(question)
      })
    })

    describe('a signing key', () => {
      const rotated: Fact = { name: 'signing_key.rotated', data: { key: 'key_1' }, accountId: null, origin }

      test('is read back as it was added, in order', async () => {
        const keys = [
          key({ sequence: 1 }),
          key({ sequence: 2 }),
          key({ purpose: 'refresh', sequence: 1, publicJwk: null }),
        ]
        for (const added of [...keys].reverse()) expect(await store.keys.add(added, [rotated])).toBe(true)
        expect(await store.keys.list()).toEqual(keys)
        expect(told).toHaveLength(3)
      })

      test('is refused without an error when its sequence number is taken', async () => {
        const first = key()
        await store.keys.add(first, [])
        expect(await store.keys.add(key(), [rotated])).toBe(false)
        expect(await store.keys.list()).toEqual([first])
        expect(told).toEqual([])
      })

      test('can be removed', async () => {
        const keys = [key({ sequence: 1 }), key({ sequence: 2 }), key({ sequence: 3 })]
        for (const added of keys) await store.keys.add(added, [])
        await store.keys.remove(keys.slice(0, 2).map(({ id }) => id))
        await store.keys.remove([])
        expect(await store.keys.list()).toEqual(keys.slice(2))
      })
    })

    describe('a pending authorization', () => {
      const matching = ({ stateHash, bindingHash, provider }: ReturnType<typeof pendingAuthorization>) => ({
        stateHash,
        bindingHash,
        provider,
      })

      test('is claimed once, and afterwards reported as used', async () => {
        const begun = pendingAuthorization()
        await store.pendingAuthorizations.begin(begun)
        expect(await store.pendingAuthorizations.find(begun.stateHash)).toEqual(begun)
        const claimed = { ...begun, claimedAt: later(1) }
        expect(await store.pendingAuthorizations.claim(matching(begun), later(1))).toEqual(claimed)
        expect(await store.pendingAuthorizations.claim(matching(begun), later(1))).toBeUndefined()
        expect(await store.pendingAuthorizations.find(begun.stateHash)).toEqual(claimed)
        expect(await store.pendingAuthorizations.find('unknown')).toBeUndefined()
      })

      test.each([{ stateHash: 'x' }, { bindingHash: 'x' }, { provider: 'google' }])(
        'is not claimed by another caller: %o',
        async (other) => {
          const begun = pendingAuthorization()
          await store.pendingAuthorizations.begin(begun)
          expect(await store.pendingAuthorizations.claim({ ...matching(begun), ...other }, now)).toBeUndefined()
          expect(await store.pendingAuthorizations.find(begun.stateHash)).toEqual(begun)
        },
      )

      test('that expired is not claimed, and is kept until it is swept', async () => {
        const begun = pendingAuthorization()
        await store.pendingAuthorizations.begin(begun)
        expect(await store.pendingAuthorizations.claim(matching(begun), later(300))).toBeUndefined()
        expect(await sweptIn(store, 'flows', later(300))).toBe(0)
        expect(await store.pendingAuthorizations.find(begun.stateHash)).toEqual(begun)
        expect(await sweptIn(store, 'flows', later(301))).toBe(1)
        expect(await store.pendingAuthorizations.find(begun.stateHash)).toBeUndefined()
      })

      test('of a link is read back with its account and session', async () => {
        const { account: person } = await newcomer(opened)
        const begun = pendingAuthorization({
          intent: 'link',
          accountId: person.id,
          sessionId: 'ses_1',
          nonce: 'n',
          returnTo: null,
        })
        await store.pendingAuthorizations.begin(begun)
        expect(await store.pendingAuthorizations.find(begun.stateHash)).toEqual(begun)
      })
    })

    describe('a revocation', () => {
      const done: Fact = {
        name: 'provider_token.revoked',
        data: { provider: 'github', result: 'revoked' },
        accountId: null,
        origin,
      }
      /** Queues so many revocations the way the product does: by unlinking. */
      const queue = async (many: number, at = now) => {
        for (let n = 0; n < many; n++) {
          const { account: person, identity: way } = await newcomer(opened)
          const grant = { provider: 'github', issuer: 'github', clientId: 'c', subject: way.subject, holder: 'person' }
          await store.grants.keep(grant, newId('grt'), () => tokens(), now)
          await store.accounts.remove(person.id, at, [])
        }
      }

      test('is taken when it is due, by one worker at a time', async () => {
        await queue(3)
        expect(await store.revocations.backlog()).toBe(3)
        expect(await takeDue(store.revocations, 9, later(-1), later(60))).toEqual([])
        const first = await takeDue(store.revocations, 2, now, later(60))
        const second = await takeDue(store.revocations, 2, now, later(60))
        expect([first.length, second.length]).toEqual([2, 1])
        expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(3)
        expect(await takeDue(store.revocations, 9, later(59), later(120))).toEqual([])
        expect(await takeDue(store.revocations, 9, later(60), later(120))).toHaveLength(3)
      })

      test('is taken in the order of its due time', async () => {
        await queue(1, later(5))
        await queue(1, later(1))
        await queue(1, later(3))
        expect(await takeDue(store.revocations, 2, later(9), later(60))).toMatchObject([
          { createdAt: later(1) },
          { createdAt: later(3) },
        ])
      })

      test('that failed is retried later, and stores its attempts and last error', async () => {
        await queue(1)
        const [taken] = await takeDue(store.revocations, 1, now, later(60))
        expect(taken).toMatchObject({ attempts: 0, lastError: null })
        await store.revocations.retry(taken?.id ?? '', later(30), 'provider_unavailable')
        expect(await takeDue(store.revocations, 1, later(29), later(90))).toEqual([])
        expect(await takeDue(store.revocations, 1, later(30), later(90))).toMatchObject([
          { attempts: 1, lastError: 'provider_unavailable' },
        ])
      })

      test('that is finished is erased with its tokens, and publishes one fact', async () => {
        await queue(1)
        const [taken] = await takeDue(store.revocations, 1, now, later(60))
        await store.revocations.finish(taken?.id ?? '', [done])
        await store.revocations.finish(taken?.id ?? '', [done])
        expect(await rowsOf(opened, 'revocations')).toEqual([])
        expect(await store.revocations.backlog()).toBe(0)
        expect(told).toEqual([done])
      })
    })

    describe('the audit log', () => {
      test('lists an account’s own entries, newest first, page by page', async () => {
        const events = Array.from(
          { length: 7 },
          (_, n): Fact => ({ ...updated('usr_1'), origin: { ...origin, requestId: `r${n}` } }),
        )
        for (const fact of events) await store.audit.record(fact)
        await store.audit.record(updated('usr_2'))
        const all = await store.audit.list('usr_1', { before: null, limit: 99 })
        expect(new Set(all.map(({ requestId }) => requestId))).toEqual(new Set(events.map((_, n) => `r${n}`)))
        expect(all[0]).toEqual({
          id: expect.stringMatching(/^aud_/),
          at: now,
          event: 'account.updated',
          accountId: 'usr_1',
          ip: origin.ip,
          userAgent: origin.userAgent,
          requestId: expect.any(String),
          data: { fields: ['name'] },
        })
        const pages = []
        for (let before: string | null = null; ; ) {
          const page = await store.audit.list('usr_1', { before, limit: 3 })
          if (page.length === 0) break
          pages.push(page)
          before = page.at(-1)?.id ?? null
        }
        expect(pages.map((page) => page.length)).toEqual([3, 3, 1])
        expect(pages.flat()).toEqual(all)
        expect(told).toHaveLength(8)
      })

      test('finds every entry of one request, newest first, page by page', async () => {
        const of = (requestId: string | null, accountId: string): Fact => ({
          ...updated(accountId),
          origin: { ...origin, requestId },
        })
        for (const fact of [of('r1', 'usr_1'), of('r2', 'usr_1'), of(null, 'usr_1'), of('r1', 'usr_2')])
          await store.audit.record(fact)
        const first = { before: null, limit: 9 }
        const about = { ...everyEntry, requestId: 'r1' }
        const { rows: found } = await store.audit.search(about, first)
        expect(found.map(({ accountId }) => accountId)).toEqual(['usr_2', 'usr_1'])
        const [newest] = found
        expect(await store.audit.search(about, { before: newest?.id ?? '', limit: 9 })).toEqual({
          rows: found.slice(1),
          next: null,
        })
        expect(await store.audit.search(about, { before: null, limit: 1 })).toEqual({
          rows: [newest],
          next: newest?.id,
        })
        expect((await store.audit.search({ ...about, accounts: ['usr_1'] }, first)).rows).toEqual(found.slice(1))
        expect(await store.audit.search({ ...about, requestId: 'r3' }, first)).toEqual({ rows: [], next: null })
      })

      test('separates loans from other entries', async () => {
        const lent: Fact = {
          name: 'provider_token.lent',
          accountId: 'usr_1',
          origin,
          data: { provider: 'google', credential: 'svc_1' },
        }
        await store.audit.record(updated('usr_1'))
        for (let n = 0; n < 3; n++) await store.audit.record(lent)
        await store.audit.record(updated('usr_1'))
        await store.audit.record({ ...lent, accountId: 'usr_2' })
        const all = await store.audit.list('usr_1', { before: null, limit: 9 })
        const [newest, lent3, lent2, lent1, oldest] = all
        expect(await store.audit.list('usr_1', { before: null, limit: 9 }, 'loans')).toEqual([lent3, lent2, lent1])
        expect(await store.audit.list('usr_1', { before: null, limit: 9 }, 'others')).toEqual([newest, oldest])
        expect(await store.audit.list('usr_1', { before: lent3?.id ?? '', limit: 1 }, 'loans')).toEqual([lent2])
        expect(await store.audit.list('usr_1', { before: newest?.id ?? '', limit: 9 }, 'others')).toEqual([oldest])
      })

      describe('of rate-limited sign-ins', () => {
        const throttled = (accountId: string | null, provider = 'password'): Fact => ({
          name: 'authentication.failed',
          accountId,
          origin,
          data: { provider, code: 'too_many_attempts', intent: 'login' },
        })

        test('has one entry for concurrent requests on any number of nodes, and publishes each of them', async () => {
          const outside = await open(config)
          const both = [store, outside.store]
          await Promise.all(Array.from({ length: 60 }, (_, n) => both[n % 2]?.audit.record(throttled('usr_1'))))
          await store.audit.record({ ...throttled('usr_1'), origin: { ...origin, ip: '192.0.2.1' } })
          expect(await store.audit.list('usr_1', { before: null, limit: 9 })).toEqual([
            {
              id: expect.stringMatching(/^aud_[0-9a-f]{44}$/),
              at: now,
              event: 'authentication.failed',
              accountId: 'usr_1',
              ip: origin.ip,
              userAgent: origin.userAgent,
              requestId: origin.requestId,
              data: { provider: 'password', code: 'too_many_attempts', intent: 'login', attempts: 61 },
            },
          ])
          expect([...told, ...outside.told]).toHaveLength(61)
          await outside.store.close()
        })

        test('needs one or two transactions for many concurrent requests on a node', async () => {
          let transactions = 0
          const { driver } = opened
          const atomic: typeof driver.atomic = (script, locks) => {
            transactions++
            return driver.atomic(script, locks)
          }
          const published: Fact[] = []
          const counting = storeOver(
            { ...driver, atomic },
            { clock: () => now, ids: createIds(() => now, systemRandom), publish: (fact) => published.push(fact) },
          )
          const record = () => counting.audit.record(throttled('usr_1'))
          await Promise.all([...Array.from({ length: 50 }, record), pause(0).then(record)])
          expect(transactions).toBeLessThanOrEqual(3)
          expect(published).toHaveLength(51)
          expect(await store.audit.list('usr_1', { before: null, limit: 9 })).toMatchObject([
            { data: { attempts: 51 } },
          ])
        })

        test('fails for all of them when it cannot be written, and counts the next one', async () => {
          const { driver } = opened
          let isDown = true
          const atomic: typeof driver.atomic = (script, locks) =>
            isDown ? Promise.reject(new Error('down')) : driver.atomic(script, locks)
          const counting = storeOver(
            { ...driver, atomic },
            { clock: () => now, ids: createIds(() => now, systemRandom), publish: () => {} },
          )
          const record = () => counting.audit.record(throttled('usr_1'))
          const outcomes = await Promise.allSettled([record(), record()])
          expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
          isDown = false
          await record()
          expect(await store.audit.list('usr_1', { before: null, limit: 9 })).toMatchObject([{ data: { attempts: 1 } }])
        })

        test('delays no request longer than its limit', async () => {
          const counting = storeOver(
            { ...opened.driver, atomic: () => new Promise<never>(() => {}) },
            { clock: () => now, ids: createIds(() => now, systemRandom), publish: () => {} },
          )
          const record = () => counting.audit.record(throttled('usr_1'))
          void record()
          await expect(withinLimit(new Limit(20), record)).rejects.toThrow(BusyError)
        })

        test('has one entry for each account, kind of sign-in and hour, and one for any other refusal', async () => {
          for (let twice = 0; twice < 2; twice++) {
            for (const id of ['usr_1', 'usr_2', null]) await store.audit.record(throttled(id))
            await store.audit.record(throttled('usr_1', 'passkey'))
            await store.audit.record({
              name: 'authentication.failed',
              accountId: 'usr_1',
              origin,
              data: { provider: 'password', code: 'invalid_credentials', intent: 'login' },
            })
          }
          const nextHour = storeOver(opened.driver, {
            clock: () => later(3600),
            ids: createIds(() => now, systemRandom),
            publish: () => {},
          })
          await nextHour.audit.record(throttled('usr_1'))
          const attempts = (await trailOf(opened)).map(({ data }) => data.attempts)
          expect(attempts.map((n) => n ?? 0).sort()).toEqual([0, 0, 1, 2, 2, 2, 2])
        })
      })

      test('erases IP addresses and entries without an account after their retention time', async () => {
        await store.audit.record(updated('usr_1'))
        await store.audit.record({ ...updated('usr_1'), accountId: null })
        for (const [before, rows] of [
          [now, 0],
          [later(1), 1],
          [later(1), 0],
        ] as const) {
          expect(await sweptIn(store, 'auditOfNobody', before)).toBe(rows)
          expect(await sweptIn(store, 'auditOrigins', before)).toBe(rows)
        }
        expect(await trailOf(opened)).toMatchObject([{ accountId: 'usr_1', ip: null, userAgent: null }])
      })

      test('keeps the order of concurrent entries', async () => {
        const person = account()
        const way = identity(person.id)
        const because = [created(person.id), linked(way), updated(person.id)]
        await store.accounts.create(person, way, { separate: false }, because)
        const listed = await store.audit.list(person.id, { before: null, limit: 9 })
        expect(listed.map(({ event }) => event)).toEqual(names(because).reverse())
        const last = listed[1]?.id ?? ''
        expect(await store.audit.list(person.id, { before: last, limit: 9 })).toEqual(listed.slice(2))
      })

      test('does not accept another account’s cursor', async () => {
        await store.audit.record(updated('usr_1'))
        await store.audit.record(updated('usr_2'))
        const [theirs] = await store.audit.list('usr_2', { before: null, limit: 1 })
        expect(await store.audit.list('usr_1', { before: theirs?.id ?? '', limit: 9 })).toEqual([])
      })
    })

    jobsContract(() => opened)
    sealedContract(() => opened)

    describe('a rate limit', () => {
      test('counts hits within a window, and starts again in the next one', async () => {
        expect(await store.rateLimits.hit('ip', 10_000, now)).toEqual({ hits: 1, resetsAt: later(10) })
        expect(await store.rateLimits.hit('ip', 10_000, later(9))).toEqual({ hits: 2, resetsAt: later(10) })
        expect(await store.rateLimits.hit('other', 10_000, later(9))).toEqual({ hits: 1, resetsAt: later(19) })
        expect(await store.rateLimits.hit('ip', 10_000, later(10))).toEqual({ hits: 1, resetsAt: later(20) })
      })

      test('is swept after its window', async () => {
        await store.rateLimits.hit('old', 10_000, now)
        await store.rateLimits.hit('new', 20_000, now)
        expect(await sweptIn(store, 'rateLimits', later(10))).toBe(0)
        expect(await sweptIn(store, 'rateLimits', later(11))).toBe(1)
        expect(await store.rateLimits.hit('new', 20_000, later(11))).toMatchObject({ hits: 2 })
      })
    })

    describe('a transaction script', () => {
      test('that throws leaves no change behind', async () => {
        const { driver } = opened
        const thrown = driver.atomic(function* (tx) {
          const row = account()
          yield tx.insert(driver.tables.accounts).values({ ...row, emailKey: null, verifiedEmailKey: null })
          throw new Error('second thoughts')
        })
        await expect(thrown).rejects.toThrow('second thoughts')
        expect(await driver.read(driver.db.select().from(driver.tables.accounts))).toEqual([])
      })

      test('publishes its facts only after the commit', async () => {
        const person = account()
        const outside = await open(config)
        const seen: Promise<unknown>[] = []
        told.push = (fact) => seen.push(outside.store.accounts.find(fact.accountId ?? ''))
        await store.accounts.create(person, identity(person.id), { separate: false }, [created(person.id)])
        expect(await Promise.all(seen)).toEqual([person])
        await outside.store.close()
      })
    })

    test('a store is ready until it is closed', async () => {
      const other = await open(await place())
      await expect.poll(other.store.ready).toBe(true)
      await other.store.close()
      expect(await other.store.ready()).toBe(false)
      await expect(other.store.pendingAuthorizations.begin(pendingAuthorization())).rejects.toThrow()
    })

    test('stored data is there when the store is reopened, and migrating again does nothing', async () => {
      const at = await place()
      const before = await open(at)
      const { account: person } = await newcomer(before)
      await before.store.close()
      const again = await open(at)
      expect(await again.store.accounts.find(person.id)).toEqual(person)
      await again.store.close()
    })
  })
}

/** Those of people with their credentials, teams and tokens. */
export function accountContracts(backend: Backend): void {
  grantsContract(backend)
  jiraContract(backend)
  guessesContract(backend)
  passwordsContract(backend)
  secondFactorsContract(backend)
  passkeysContract(backend)
  teamsContract(backend)
  describe(`${backend.name} keeps the store contract:`, () => {
    userContract(backend)
    serviceCredentialContract(backend)
  })
}
