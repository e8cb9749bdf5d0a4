import { beforeEach, describe, expect, test } from 'vitest'
import { createEndSessions } from '../../src/sessions/end-sessions.ts'
import { code, later, newcomer, newId, now, type Opened, session, signedIn, trailOf } from './people.ts'
import { ticket } from './tickets.contract.ts'

/** What every store promises about `end-sessions`. */
export function endableContract(opened: () => Opened): void {
  const store = () => opened().store
  const at = later(100)
  const endSessions = (before: Date) =>
    createEndSessions({ store: store().endable, clock: () => at, pause: async () => {} })(before)

  describe('ending everything created before a time', () => {
    let accountId: string
    beforeEach(async () => {
      accountId = (await newcomer(opened())).account.id
    })

    test('ends sessions, and every ticket and code that could open one', async () => {
      const far = later(86_400)
      const live = { idleExpiresAt: far, absoluteExpiresAt: far }
      const old = await signedIn(opened(), accountId, live)
      const recent = await signedIn(opened(), accountId, { ...live, createdAt: later(10) })
      const over = await signedIn(opened(), accountId, { ...live, endedAt: later(1), endReason: 'logout' })
      for (const one of [old, recent]) await store().codes.issue(code(one))
      for (const createdAt of [now, later(10)]) {
        await store().tickets.issue(ticket({ accountId, createdAt }))
        await store().pendingSignIns.begin({
          id: newId('psi'),
          ticketHash: newId('tkt'),
          accountId,
          browser: false,
          replaces: null,
          returnTo: null,
          proof: {
            opener: { tag: 'email' },
            provider: 'email',
            providerUserId: accountId,
            action: 'login_existing',
            amr: ['otp'],
          },
          codeChallenge: null,
          provenAt: createdAt,
          expiresAt: far,
          claimedAt: null,
        })
        await store().trustedDevices.trust(
          { id: newId('dev'), accountId, secretHash: newId('tkt'), createdAt, lastSeenAt: later(10), expiresAt: far },
          recent.id,
        )
      }

      expect(await endSessions(later(10))).toEqual({
        tickets: 1,
        pendingSignIns: 1,
        codes: 1,
        sessions: 1,
        trustedDevices: 1,
      })
      expect(await store().sessions.find(old.id)).toMatchObject({ endedAt: at, endReason: 'operator' })
      expect(await store().sessions.find(recent.id)).toMatchObject({ endedAt: null })
      expect(await store().sessions.find(over.id)).toMatchObject({ endReason: 'logout' })
      const { db, tables, read } = opened().driver
      for (const table of ['tickets', 'pendingSignIns', 'signInCodes', 'trustedDevices'] as const)
        expect(await read(db.select().from(tables[table] as typeof tables.tickets)), table).toHaveLength(1)
      expect(opened().told).toMatchObject([
        { name: 'session.ended', accountId, data: { session: old.id, reason: 'operator' } },
      ])
      expect((await trailOf(opened())).filter(({ data }) => data.reason === 'operator')).toHaveLength(1)

      expect(await endSessions(later(10))).toMatchObject({ sessions: 0, tickets: 0, trustedDevices: 0 })
    })

    test('uses several transactions for many rows, with a fact for each session', async () => {
      const { db, tables, write } = opened().driver
      const devices = Array.from({ length: 1203 }, () => ({
        ...session(accountId, { idleExpiresAt: later(900), absoluteExpiresAt: later(900) }),
        cookieHash: null,
      }))
      for (let from = 0; from < devices.length; from += 400)
        await write(db.insert(tables.sessions).values(devices.slice(from, from + 400)))
      const first = await store().endable.endSome('sessions', { before: later(1), after: '' }, at)
      expect(first).toEqual({ ended: 500, last: expect.any(String) })
      // As after an interruption: it starts from the beginning and ends the rest.
      expect(await endSessions(later(1))).toMatchObject({ sessions: 703 })
      const facts = (await trailOf(opened())).filter(({ data }) => data.reason === 'operator')
      expect(new Set(facts.map(({ data }) => data.session))).toEqual(new Set(devices.map(({ id }) => id)))
      expect(facts).toHaveLength(1203)
    })
  })
}
