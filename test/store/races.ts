import { eq } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Identity } from '../../src/accounts/ports.ts'
import type { Account } from '../../src/kernel/account.ts'
import type { Store } from '../../src/store/open.ts'
import { takeDue } from '../support/take-due.ts'
import { mail } from './mails.contract.ts'
import {
  account,
  type Backend,
  code,
  conflict,
  created,
  identity,
  insertSessions,
  key,
  known,
  later,
  newcomer,
  newId,
  now,
  type Opened,
  open,
  pendingAuthorization,
  session,
  signedIn,
  tokens,
  unlinked,
} from './people.ts'
import { isThorough } from './thorough.ts'

const rounds = isThorough ? 200 : 8

const logoutOf = (accountId: string) => (session: string) => ({
  name: 'session.ended' as const,
  data: { session, reason: 'logout' as const },
  accountId,
  origin: { ip: null, userAgent: null, requestId: null },
})

/** What holds for concurrent requests, through several stores on one database: each has connections of its own. */
export function storeRaces({ name, place, emptied }: Backend): void {
  describe(`under concurrency on ${name},`, { timeout: 180_000 + rounds * 1000 }, () => {
    let nodes: Opened[]
    let stores: Store[]
    let first: Store

    beforeEach(async () => {
      const config = await emptied()
      nodes = await Promise.all(Array.from({ length: 3 }, () => open(config)))
      stores = nodes.map(({ store }) => store)
      first = stores[0] as Store
    })
    afterEach(() => Promise.all(stores.map((store) => store.close())))

    /** All run concurrently, two through each store. */
    const race = <T>(ask: (store: Store, runner: number) => Promise<T>): Promise<T[]> =>
      Promise.all([...stores, ...stores].map(ask))
    const each = async (run: (round: number) => Promise<void>): Promise<void> => {
      for (let round = 0; round < rounds; round++) await run(round)
    }
    const winners = (answers: readonly unknown[]): unknown[] => answers.filter(Boolean)
    const told = () => nodes.flatMap(({ told }) => told.splice(0))
    const countOf = async (table: 'accounts' | 'identities'): Promise<number> => {
      const { driver } = nodes[0] as Opened
      return (await driver.read(driver.db.select().from(driver.tables[table]))).length
    }

    test('nodes that open a new database migrate it once', async () => {
      const config = await place()
      const opened = await Promise.all(Array.from({ length: 6 }, () => open(config)))
      const people = await Promise.all(opened.map((node) => newcomer(node)))
      for (const { account } of people) expect(await opened[0]?.store.accounts.find(account.id)).toEqual(account)
      await Promise.all(opened.map(({ store }) => store.close()))
    })

    test('first sign-ins with one identity create one account', () =>
      each(async (round) => {
        const answers = await race((store) => {
          const person = account()
          const way = identity(person.id, { subject: `s${round}` })
          return store.accounts.create(person, way, { separate: false }, [created(person.id)])
        })
        expect(winners(answers)).toHaveLength(1)
        expect(told()).toHaveLength(1)
        expect(await countOf('accounts')).toBe(round + 1)
        expect(await countOf('identities')).toBe(round + 1)
      }))

    test.each([true, false])(
      'sign-ins through different providers with one new email address create one account (verified: %s)',
      (emailVerified) =>
        each(async (round) => {
          const email = `p${round}@example.com`
          const answers = await race((store, runner) => {
            const person = account({ email, emailVerified })
            const way = identity(person.id, { provider: `p${runner}` })
            return store.accounts.create(person, way, { separate: false }, [created(person.id)])
          })
          expect(winners(answers)).toHaveLength(1)
          expect(told()).toHaveLength(1)
          expect(await first.accounts.findByEmail(email)).toHaveLength(1)
          expect(await countOf('accounts')).toBe(round + 1)
        }),
    )

    test('claimants and one verification leave no claim from before the verification', () =>
      each(async (round) => {
        const email = `p${round}@example.com`
        const proven = account({ email, emailVerified: true })
        const answers = await race((store, runner) => {
          const person = runner === 0 ? proven : account({ email })
          return store.accounts.create(person, identity(person.id), { separate: runner === 0 }, [])
        })
        const holders = await first.accounts.findByEmail(email)
        // The proof always succeeds; a concurrent claim was refused, or ended by it.
        expect(answers[0]).toBe(true)
        expect(holders.map(({ account }) => account.id)).toEqual([proven.id])
      }))

    test('links that verify one email address of several claimants leave one holder', () =>
      each(async (round) => {
        const email = { address: `p${round}@example.com`, key: `p${round}@example.com` }
        const people: Account[] = []
        for (const _ of [...stores, ...stores])
          people.push((await newcomer({ store: first }, { email: email.address })).account)
        const answers = await race((store, runner) =>
          store.accounts.link(identity((people[runner] as Account).id), email, []),
        )
        expect(winners(answers)).toHaveLength(people.length)
        const found = await first.accounts.findByEmail(email.key)
        expect(found.map(({ account }) => account.emailVerified)).toEqual([true])
      }))

    test('links of one identity give it to one account', () =>
      each(async (round) => {
        const people = await race((store) => newcomer({ store }))
        const answers = await race((store, runner) => {
          const accountId = people[runner]?.account.id ?? ''
          return store.accounts.link(identity(accountId, { provider: 'google', subject: `s${round}` }), null, [])
        })
        expect(winners(answers)).toHaveLength(1)
      }))

    test('sign-ins to one account leave at most a hundred live sessions', () =>
      each(async () => {
        const { account: person } = await newcomer({ store: first })
        await insertSessions((nodes[0] as Opened).driver, person.id, 97)
        await race((store) => signedIn({ store }, person.id))
        const { driver } = nodes[0] as Opened
        const { sessions: s } = driver.tables
        const rows = await driver.read(driver.db.select().from(s).where(eq(s.accountId, person.id)))
        expect(rows.filter(({ endedAt }) => endedAt === null)).toHaveLength(100)
        expect(rows.filter(({ endReason }) => endReason === 'session_limit')).toHaveLength(3)
      }))

    test('links to one account leave at most twenty identities', () =>
      each(async () => {
        const { account: person } = await newcomer({ store: first })
        for (let held = 1; held < 17; held++) await first.accounts.link(identity(person.id), null, [])
        const answers = await race((store) => store.accounts.link(identity(person.id), null, []))
        expect(answers.filter((answer) => answer === true)).toHaveLength(3)
        expect(answers.filter((answer) => answer === 'too_many_identities')).toHaveLength(3)
        expect(await first.accounts.identitiesOf(person.id)).toHaveLength(20)
      }))

    test('unlinks of the last two sign-in methods leave one', () =>
      each(async () => {
        const { account: person, identity: one } = await newcomer({ store: first })
        const other = identity(person.id, { provider: 'google' })
        await first.accounts.link(other, null, [])
        const answers = await race((store, runner) => {
          const way: Identity = runner % 2 === 0 ? one : other
          const of = { accountId: person.id, identityId: way.id, keepSession: null, at: now }
          return store.accounts.unlink(
            of,
            ({ identities }) => identities.length > 0,
            (gone) => [unlinked(gone)],
          )
        })
        expect(answers.filter((answer) => answer === 'unlinked')).toHaveLength(1)
        expect(await first.accounts.identitiesOf(person.id)).toHaveLength(1)
        expect(told()).toHaveLength(1)
      }))

    test('an account’s deletion and a link to it leave no identity without an account', () =>
      each(async () => {
        const { account: person } = await newcomer({ store: first })
        const way = identity(person.id, { provider: 'google' })
        await race((store, runner) =>
          runner === 0 ? store.accounts.remove(person.id, now, []) : store.accounts.link(way, null, []),
        )
        expect(await first.accounts.find(person.id)).toBeUndefined()
        expect(await first.accounts.findByIdentity(way.issuer, way.subject)).toBeUndefined()
      }))

    test('rotations of one generation have exactly one winner', async () => {
      const { account: person } = await newcomer({ store: first })
      const { id } = await signedIn({ store: first }, person.id)
      await each(async (round) => {
        const answers = await race((store) => store.sessions.rotate(id, round, later(round), later(900)))
        expect(winners(answers)).toMatchObject([{ generation: round + 1 }])
      })
      expect(await first.sessions.find(id)).toMatchObject({ generation: rounds, usedGeneration: rounds - 1 })
    })

    test('rotations of many sessions in any order rotate each once', async () => {
      const { account: person } = await newcomer({ store: first })
      const ids: string[] = []
      for (let n = 0; n < 8; n++) ids.push((await signedIn({ store: first }, person.id)).id)
      await each(async (round) => {
        const answers = await race((store, runner) => {
          const order = [...ids.slice(runner % 8), ...ids.slice(0, runner % 8)]
          return Promise.all(order.map((id) => store.sessions.rotate(id, round, later(round), later(900))))
        })
        expect(
          answers
            .flat()
            .flatMap((rotated) => rotated?.id ?? [])
            .sort(),
        ).toEqual([...ids].sort())
      })
    })

    test('rotations of all of an account’s sessions and their end leave none', async () => {
      const { account: person } = await newcomer({ store: first })
      const because = logoutOf(person.id)
      await each(async () => {
        const ids = await Promise.all(
          Array.from({ length: 8 }, async () => (await signedIn({ store: first }, person.id)).id),
        )
        await race((store, runner): Promise<unknown> => {
          if (runner === 0) return store.sessions.endAll(person.id, null, 'logout_all', now, because)
          const order = runner % 2 === 0 ? ids : ids.toReversed()
          return Promise.all(order.map((id) => store.sessions.rotate(id, 0, now, later(900))))
        })
        expect(await first.sessions.list(person.id, now)).toEqual([])
      })
    })

    test('a rotation and an end leave the session ended', async () => {
      const { account: person } = await newcomer({ store: first })
      const because = logoutOf(person.id)
      await each(async () => {
        const { id } = await signedIn({ store: first }, person.id)
        const answers = await race((store, runner): Promise<unknown> => {
          if (runner === 0) return store.sessions.end({ id, accountId: person.id }, 'logout', now, [because(id)])
          if (runner === 1) return store.sessions.endAll(person.id, null, 'logout_all', now, because)
          return store.sessions.rotate(id, 0, now, later(900))
        })
        expect([answers[0], (answers[1] as readonly string[]).length === 1].filter(Boolean)).toHaveLength(1)
        expect(await first.sessions.find(id)).toMatchObject({ endedAt: now })
        expect(told()).toHaveLength(1)
      })
    })

    test('marks of used generations keep the newest', async () => {
      const { account: person } = await newcomer({ store: first })
      await each(async () => {
        const { id } = await signedIn({ store: first }, person.id, { generation: 9, usedGeneration: 0 })
        await race((store, runner) => store.sessions.markUsed(id, runner + 4, now))
        expect(await first.sessions.find(id)).toMatchObject({ usedGeneration: 9 })
      })
    })

    test('claims of one pending authorization have exactly one winner', () =>
      each(async () => {
        const begun = pendingAuthorization()
        await first.pendingAuthorizations.begin(begun)
        const { stateHash, bindingHash, provider } = begun
        const answers = await race((store) =>
          store.pendingAuthorizations.claim({ stateHash, bindingHash, provider }, now),
        )
        expect(winners(answers)).toHaveLength(1)
      }))

    test('exchanges of one code and resolutions of one conflict succeed once each', () =>
      each(async () => {
        const { account: person } = await newcomer({ store: first })
        const device = await signedIn({ store: first }, person.id)
        const issued = code(device)
        await first.codes.issue(issued)
        const question = conflict()
        await first.conflicts.open(question, [])
        expect(winners(await race((store) => store.codes.spend(issued.codeHash, now)))).toHaveLength(1)
        expect(winners(await race((store) => store.conflicts.resolving(question.id, now, []).make()))).toHaveLength(1)
      }))

    test('consents at one provider keep one row, to which all tokens were sealed', () =>
      each(async (round) => {
        const grant = { provider: 'github', issuer: 'github', clientId: 'web', subject: `s${round}`, holder: 'person' }
        await known(first, grant)
        const kept = await race((store) =>
          store.grants.keep(grant, newId('grt'), (id) => tokens({ accessToken: `for ${id}` }), now),
        )
        const stored = await first.grants.find(grant)
        expect(stored).toMatchObject({ accessToken: `for ${stored?.id}`, fence: kept.length })
      }))

    test('consents and an unlink leave tokens queued or refused, and none without its identity', () =>
      each(async (round) => {
        const { account: person, identity: way } = await newcomer({ store: first })
        const other = identity(person.id, { provider: 'google' })
        await first.accounts.link(other, null, [])
        const grant = { provider: 'github', issuer: 'github', clientId: 'web', subject: way.subject, holder: 'person' }
        const seen = { id: `grt_${round}` }
        await first.grants.keep(grant, seen.id, () => tokens(), now)
        await race(async (store, runner) => {
          if (runner > 0) return store.grants.keep(grant, newId('grt'), () => tokens(), now)
          const of = { accountId: person.id, identityId: way.id, keepSession: null, at: now }
          return store.accounts.unlink(
            of,
            () => true,
            () => [],
          )
        })
        const queued = (await takeDue(first.revocations, 9, now, later(60))).map(({ grantId }) => grantId)
        expect(queued).toEqual([seen.id])
        // The losers were refused, and left no grant without its identity.
        expect(await first.grants.find(grant)).toBeUndefined()
      }))

    test('sign-ins and an unlink leave no session and no tokens of an unlinked identity', () =>
      each(async (round) => {
        const { account: person, identity: way } = await newcomer({ store: first })
        await first.accounts.link(identity(person.id, { provider: 'google' }), null, [])
        const grant = { provider: 'github', issuer: 'github', clientId: 'web', subject: way.subject, holder: 'person' }
        const answers = await race(async (store, runner) => {
          if (runner > 0) {
            const including = [store.grants.keeping(grant, `grt_${round}_${runner}`, () => tokens(), now)]
            const opener = { tag: 'identity', id: way.id } as const
            const how = { opener, cookieHash: null, replaces: null, including }
            return store.sessions.start(session(person.id, { identityId: way.id }), how, [])
          }
          const of = { accountId: person.id, identityId: way.id, keepSession: null, at: now }
          return store.accounts.unlink(
            of,
            () => true,
            () => [],
          )
        })
        // All consents before the unlinking are one grant, which is queued.
        const queued = await takeDue(first.revocations, 9, now, later(60))
        expect(queued).toHaveLength(answers.slice(1).some((started) => started === true) ? 1 : 0)
        expect(await first.grants.find(grant)).toBeUndefined()
        expect(await first.sessions.list(person.id, now)).toEqual([])
      }))

    test('withdrawals and a renewal queue the renewed tokens, once', () =>
      each(async () => {
        const { account: person, identity: way } = await newcomer({ store: first })
        const grant = { provider: 'github', issuer: 'github', clientId: 'web', subject: way.subject, holder: 'person' }
        const id = newId('grt')
        await first.grants.keep(grant, id, () => tokens(), now)
        const fence = (await first.grants.lease(id, 'w', later(30), now))?.fence ?? Number.NaN
        const answers = await race((store, runner) => {
          if (runner === 1) return store.grants.renewed(id, fence, tokens({ accessToken: 'renewed' }), now)
          if (runner === 2) return store.grants.lent(grant, now, [])
          const of = { accountId: person.id, identityId: way.id, at: now }
          return store.accounts.withdraw(of, () => []).then((from) => from.length > 0)
        })
        expect(answers.filter((took, runner) => took && runner !== 1 && runner !== 2)).toHaveLength(1)
        const queued = await first.revocations.of(person.id, { after: null, limit: 100 })
        expect(queued.map(({ accessToken }) => accessToken)).toEqual([answers[1] ? 'renewed' : 'sealed access'])
        expect(await first.grants.find(grant)).toMatchObject({
          status: 'revoked',
          accessToken: null,
          refreshToken: null,
        })
        expect(await first.grants.lent(grant, now, [])).toBe(false)
      }))

    test('leases of one grant have one holder, and only its fence can write', () =>
      each(async (round) => {
        const grant = { provider: 'github', issuer: 'github', clientId: 'web', subject: `s${round}`, holder: 'person' }
        await known(first, grant)
        const id = newId('grt')
        await first.grants.keep(grant, id, () => tokens(), now)
        const leases = await race((store, runner) => store.grants.lease(id, `w${runner}`, later(30), now))
        expect(winners(leases)).toHaveLength(1)
        const fence = leases.find((lease) => lease)?.fence ?? Number.NaN
        const written = await race((store, runner) =>
          store.grants.renewed(id, fence - (runner % 2), tokens({ accessToken: `by ${runner}` }), now),
        )
        expect(winners(written)).toHaveLength(1)
      }))

    test('workers taking revocations share none and miss none', () =>
      each(async () => {
        const waiting = 7
        for (let n = 0; n < waiting; n++) {
          const { account: person, identity: way } = await newcomer({ store: first })
          const grant = { provider: 'github', issuer: 'github', clientId: 'c', subject: way.subject, holder: 'person' }
          await first.grants.keep(grant, newId('grt'), () => tokens(), now)
          await first.accounts.remove(person.id, now, [])
        }
        const taken: string[] = []
        for (let before = -1; before < taken.length; ) {
          before = taken.length
          const batches = await race((store) => takeDue(store.revocations, 2, now, later(60)))
          taken.push(...batches.flat().map(({ id }) => id))
        }
        expect(taken).toHaveLength(waiting)
        expect(new Set(taken).size).toBe(waiting)
        for (const id of taken) await first.revocations.finish(id, [])
      }))

    test('workers that take from one domain at the same time each get a message of their own', () =>
      each(async (round) => {
        const domain = `${round}.example`
        for (let n = 0; n < 6; n++) await first.mails.post(mail({ to: `ada@${domain}`, nextAttemptAt: later(n) }))
        const taken = (await race((store) => store.mails.take(1, later(60), later(120), domain))).flat()
        expect(new Set(taken.map(({ id }) => id)).size).toBe(6)
      }))

    test('nodes creating the next signing key create one', () =>
      each(async (round) => {
        const answers = await race((store) => store.keys.add(key({ sequence: round + 1 }), []))
        expect(winners(answers)).toHaveLength(1)
        expect(await first.keys.list()).toHaveLength(round + 1)
      }))

    test('nodes taking a due job run it once, and once again after the lease expires', () =>
      each(async (round) => {
        const taken = async (seconds: number): Promise<readonly boolean[]> => {
          const [at, until] = [later(seconds), later(seconds + 30)]
          const answers = await race((store, runner) =>
            store.jobs.begin(`job${round}`, {
              owner: `w${runner} at ${seconds}`,
              at,
              until,
              firstDue: now,
              latestDue: later(3600),
              onlyWhenDue: true,
            }),
          )
          return answers.map(({ tag }) => tag === 'begun')
        }
        expect(winners(await taken(0))).toHaveLength(1)
        expect(winners(await taken(29))).toHaveLength(0)
        expect(winners(await taken(30))).toHaveLength(1)
      }))

    test('hits on one rate limit are all counted, and the window starts again once', async () => {
      const counted: number[] = []
      await each(async () => {
        counted.push(...(await race((store) => store.rateLimits.hit('ip', 60_000, now))).map(({ hits }) => hits))
      })
      const all = Array.from({ length: counted.length }, (_, n) => n + 1)
      expect(counted.sort((a, b) => a - b)).toEqual(all)
      const nextWindow = await race((store) => store.rateLimits.hit('ip', 60_000, later(60)))
      expect(nextWindow.map(({ hits }) => hits).sort((a, b) => a - b)).toEqual(all.slice(0, nextWindow.length))
    })

    test('sign-ins in a browser with a session end it once', async () => {
      await each(async () => {
        const { account: person } = await newcomer({ store: first })
        const old = await signedIn({ store: first }, person.id)
        await race((store) =>
          store.sessions.start(
            session(person.id),
            { opener: { tag: 'email' }, cookieHash: null, replaces: old.id },
            [],
          ),
        )
        expect(told()).toMatchObject([{ name: 'session.ended', data: { session: old.id, reason: 'replaced' } }])
      })
    })
  })
}
