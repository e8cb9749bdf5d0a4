import { count, eq, isNull } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import type { Ticket } from '../../src/credentials/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import type { EndReason } from '../../src/sessions/ports.ts'
import { mostSignInsOfAccount } from '../../src/store/application-endings.ts'
import { caps } from '../../src/store/caps.ts'
import { maxSessions, sessionsAtOnce } from '../../src/store/endings.ts'
import type { Store } from '../../src/store/open.ts'
import {
  account,
  code,
  insertSessions,
  later,
  newcomer,
  newId,
  now,
  type Opened,
  origin,
  pendingAuthorization,
  rowsOf,
  signedIn,
  trailOf,
} from './people.ts'
import { ticket } from './tickets.contract.ts'
import { watched } from './watched.ts'

type Kind = keyof typeof caps

/** What every store promises about rows of which an account may have many: their number is bounded. */
export function boundedContract(opened: () => Opened): void {
  const far = later(86_400)

  /** Adds the nth row of its kind; a higher n is a younger row. */
  type Add = (of: { accountId: string; sessionId: string }, n: number) => Promise<unknown>
  const adding = (store: Store): Readonly<Record<Kind, Add>> => ({
    trustedDevices: ({ accountId, sessionId }, n) =>
      store.trustedDevices.trust(
        {
          id: newId('dev'),
          accountId,
          secretHash: `device ${n}`,
          createdAt: later(n),
          lastSeenAt: later(n),
          expiresAt: far,
        },
        sessionId,
      ),
    tickets: ({ accountId }, n) =>
      store.tickets.issue(
        ticket({
          purpose: 'passkey_registration',
          accountId,
          secretHash: `ticket ${n}`,
          createdAt: later(n),
          expiresAt: far,
        }),
      ),
    pendingSignIns: ({ accountId }, n) =>
      store.pendingSignIns.begin({
        id: newId('psi'),
        ticketHash: `pending ${n}`,
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
        provenAt: later(n),
        expiresAt: far,
        claimedAt: null,
      }),
    signInCodes: ({ accountId, sessionId }, n) =>
      store.codes.issue({
        ...code({ id: sessionId, accountId } as never, { codeHash: `code ${n}`, expiresAt: later(600 + n) }),
      }),
    pendingAuthorizations: ({ accountId }, n) =>
      store.pendingAuthorizations.begin(
        pendingAuthorization({
          accountId,
          intent: 'link',
          stateHash: `state ${n}`,
          createdAt: later(n),
          expiresAt: far,
        }),
      ),
    openidStates: ({ accountId }, n) =>
      store.openidStates.put(state(`AuthorizationCode.${n}`, { accountId, createdAt: later(n) })),
  })
  const state = (id: string, given: { accountId: string | null; createdAt: Date }) => ({
    ...{ id, kind: 'AuthorizationCode', payload: 'sealed', expiresAt: far, usedAt: null },
    ...given,
  })
  const ageOf: Readonly<Record<Kind, string>> = {
    trustedDevices: 'lastSeenAt',
    tickets: 'createdAt',
    pendingSignIns: 'provenAt',
    signInCodes: 'expiresAt',
    pendingAuthorizations: 'createdAt',
    openidStates: 'createdAt',
  }
  type Row = Readonly<Record<string, unknown>>
  const ownerOf = (row: object) => (row as Row).accountId
  const kinds = Object.keys(caps) as Kind[]

  describe('an account', () => {
    test.each(kinds)(
      'has a bounded number of %s: the oldest ones are deleted, also under concurrency',
      async (kind) => {
        const { account: ada } = await newcomer(opened())
        const { account: bob } = await newcomer(opened(), { email: 'bob@example.com' })
        const [of, other] = [
          { accountId: ada.id, sessionId: (await signedIn(opened(), ada.id, { absoluteExpiresAt: far })).id },
          { accountId: bob.id, sessionId: (await signedIn(opened(), bob.id, { absoluteExpiresAt: far })).id },
        ]
        const add = adding(opened().store)[kind]
        await add(other, 10_000)
        const [most, more] = [caps[kind], 12]
        for (let n = 0; n < most - 4; n++) await add(of, n)
        await Promise.all(Array.from({ length: more }, (_, n) => add(of, most - 4 + n)))

        const rowsIn = async (accountId: string) =>
          (await rowsOf(opened(), kind)).filter((row) => ownerOf(row) === accountId)
        const rows = await rowsIn(ada.id)
        expect(rows).toHaveLength(most)
        const ages = rows
          .map((row) => (row as Row)[ageOf[kind]] as Date)
          .map((at) => at.getTime())
          .sort((a, b) => a - b)
        expect(new Set(ages).size).toBe(most)
        const begins = kind === 'signInCodes' ? later(600) : now
        expect(ages[0]).toBe(later(more - 4, begins).getTime())
        expect(await rowsIn(bob.id)).toHaveLength(1)
      },
    )

    test('keeps a ticket sent by email, whatever else its browser requests', async () => {
      const { account: ada } = await newcomer(opened())
      const of = { accountId: ada.id, sessionId: '' }
      const sent: Ticket = ticket({ purpose: 'verify_email', accountId: ada.id, createdAt: later(-1), expiresAt: far })
      await opened().store.tickets.issue(sent)
      for (let n = 0; n < caps.tickets + 5; n++) await adding(opened().store).tickets(of, n)
      const { purpose, secretHash } = sent
      expect(await opened().store.tickets.find({ purpose, secretHash }, now)).toEqual(sent)
    })
  })

  test('a code that gets its account when the person approves it counts as new then, and can be redeemed', async () => {
    const { account: ada } = await newcomer(opened())
    const { store } = opened()
    await store.openidStates.put(state('device', { accountId: null, createdAt: later(-600) }))
    for (let n = 0; n < caps.openidStates; n++)
      await store.openidStates.put(state(`code ${n}`, { accountId: ada.id, createdAt: later(n - 500) }))
    await store.openidStates.put(state('device', { accountId: ada.id, createdAt: now }))
    expect(await store.openidStates.find('code 0')).toBeUndefined()
    expect(await store.openidStates.using('device', now).make()).toBe(true)
    // What belongs to nobody yet is not counted, and it displaces nothing.
    await store.openidStates.put(state('another', { accountId: null, createdAt: later(-900) }))
    expect(await store.openidStates.find('another')).toBeDefined()
    expect(await store.openidStates.find('code 1')).toBeDefined()
  })

  type Ending = {
    readonly what: string
    readonly reason: EndReason
    /** Creates what must exist before; returns the ID of the session that makes the change. */
    readonly prepare?: (accountId: string, sessionId: string) => Promise<unknown>
    readonly end: (store: Store, accountId: string, sessionId: string) => Promise<unknown>
  }
  const about = (name: Fact['name'], accountId: string, data: object = {}): Fact =>
    ({ name, accountId, origin, data }) as Fact
  const out = (accountId: string) => (session: string) =>
    about('session.ended', accountId, { session, reason: 'account_disabled' })
  const email = 'ada@example.com'
  const mailed = (accountId: string): Ticket =>
    ticket({ purpose: 'reset_password', accountId, email, expiresAt: far, id: `tkt_${accountId}` })
  const coming = (accountId: string) => ({
    opens: () => ({ tag: 'held', accountId }) as const,
    fresh: account(),
    at: now,
  })
  const changing = (accountId: string, sessionId: string) => ({ accountId, sessionId, at: now })
  const passkey = (accountId: string) => ({
    id: newId('psk'),
    accountId,
    credentialId: newId('psk'),
    publicKey: 'k',
    counter: 0,
    transports: [],
    backedUp: false,
    aaguid: null,
    name: 'Key',
    createdAt: now,
    lastUsedAt: null,
  })
  const endings: readonly Ending[] = [
    {
      what: 'a changed password',
      reason: 'password_changed',
      end: (store, accountId, keepSession) =>
        store.passwords.set(
          { accountId, emailKey: email, hash: 'h', expected: null, at: now, keepSession, keepDevice: null },
          [about('password.set', accountId)],
        ),
    },
    {
      what: 'a password reset',
      reason: 'password_reset',
      prepare: (accountId) => opened().store.tickets.issue(mailed(accountId)),
      end: (store, accountId) =>
        store.addresses.reset(mailed(accountId), { ...coming(accountId), hash: 'h', keepDevice: null }, () => [
          about('password.reset', accountId),
        ]),
    },
    {
      what: 'another email address',
      reason: 'email_changed',
      prepare: (accountId) => opened().store.tickets.issue({ ...mailed(accountId), email: 'new@example.com' }),
      end: (store, accountId, keepSession) =>
        store.addresses.change(
          { ...mailed(accountId), email: 'new@example.com' },
          { keepSession, at: now },
          [about('account.updated', accountId, { fields: ['email'] })],
          () => [],
        ),
    },
    {
      what: 'disabling',
      reason: 'account_disabled',
      end: (store, accountId) =>
        store.users.disable(accountId, now, [about('account.disabled', accountId, { by: null })], out(accountId)),
    },
    {
      what: 'an added passkey',
      reason: 'second_factor_added',
      end: (store, accountId, sessionId) => store.passkeys.add(passkey(accountId), changing(accountId, sessionId), []),
    },
    {
      what: 'an unlinked identity',
      reason: 'identity_unlinked',
      prepare: async (accountId) => {
        const { db, tables, write } = opened().driver
        const [identity] = await opened().store.accounts.identitiesOf(accountId)
        const theirs = eq(tables.sessions.accountId, accountId)
        await write(
          db
            .update(tables.sessions)
            .set({ identityId: identity?.id ?? null })
            .where(theirs),
        )
      },
      end: async (store, accountId, keepSession) => {
        const [identity] = await store.accounts.identitiesOf(accountId)
        const of = { accountId, identityId: identity?.id ?? '', keepSession, at: now }
        return store.accounts.unlink(
          of,
          () => true,
          () => [],
        )
      },
    },
  ]

  describe('an account with as many sign-ins to applications as it may have', () => {
    const signIn = (accountId: string, sessionId: string, n: number) => ({
      ...{ id: newId('aps'), applicationId: 'app_1', accountId, sessionId, sid: `sid ${n}`, scope: '', resources: [] },
      ...{ amr: [], authTime: now, dpopKey: null, createdAt: later(n - 1000), generation: 1, rotatedAt: now },
      ...{ usedGeneration: 0, idleExpiresAt: far, absoluteExpiresAt: far, endedAt: null },
    })

    test('has no more after others: the oldest end, and their applications are notified once nothing of them is open', async () => {
      const { driver, store } = opened()
      const { db, tables, write, read } = driver
      const lists = { redirectUris: [], postLogoutRedirectUris: [], scopes: [], resources: [] }
      await write(
        db.insert(tables.applications).values({
          ...{ id: 'app_1', name: 'Shop', kind: 'server', firstParty: false, clientAuth: 'none', ...lists },
          ...{ backchannelLogoutUri: 'https://shop.example/logout', createdAt: now, updatedAt: now },
        }),
      )
      const { account: ada } = await newcomer(opened())
      const { id: sessionId } = await signedIn(opened(), ada.id, { absoluteExpiresAt: far })
      const open = async () =>
        (await read(db.select().from(tables.applicationSessions).where(isNull(tables.applicationSessions.endedAt))))
          .map(({ id }) => id)
          .sort()
      // The first one shares its `sid` with a younger one.
      const before = Array.from({ length: mostSignInsOfAccount }, (_, n) => signIn(ada.id, sessionId, n || 100))
      const [first, ...others] = before.map((row, n) => ({ ...row, createdAt: later(n - 1000) }))
      if (!first) throw new Error('there is a first one')
      const rows = [first, ...others]
      for (let from = 0; from < rows.length; from += 50)
        await write(db.insert(tables.applicationSessions).values(rows.slice(from, from + 50)))
      // One of another person counts for nobody else.
      await write(db.insert(tables.applicationSessions).values(signIn('usr_other', 'ses_other', 0)))

      const more = Array.from({ length: 4 }, (_, n) => signIn(ada.id, sessionId, 1000 + n))
      const start = (row: (typeof more)[number]) =>
        store.applicationSessions.start(
          row,
          10_000,
          store.tickets.spending({ ...ticket({ secretHash: row.id }), usedAt: now }),
          [],
        )
      expect(await Promise.all(more.map(start))).toEqual([true, true, true, true])

      const theirs = await read(
        db
          .select({ id: tables.applicationSessions.id })
          .from(tables.applicationSessions)
          .where(eq(tables.applicationSessions.accountId, 'usr_other')),
      )
      const stay = [...rows.slice(4), ...more, ...theirs].map(({ id }) => id).sort()
      expect(await open()).toEqual(stay)
      const notices = await read(db.select({ sid: tables.logoutNotices.sid }).from(tables.logoutNotices))
      expect(notices.map(({ sid }) => sid).sort()).toEqual(['sid 1', 'sid 2', 'sid 3'])
    })
  })

  describe('an account with hundreds of sessions, from before there was a limit', () => {
    test.each(endings)(
      'has no other session after $what, and no transaction ends more than a batch',
      async (ending) => {
        const { account: ada } = await newcomer(opened(), { email, emailVerified: true })
        await insertSessions(opened().driver, ada.id, 600)
        const mine = await signedInPastLimit(ada.id)
        await ending.prepare?.(ada.id, mine)
        const { store, statements, transactions } = watched(opened())
        expect(await ending.end(store, ada.id, mine)).toBeTruthy()

        expect(Math.max(...statements.map(({ rows }) => rows))).toBeLessThanOrEqual(sessionsAtOnce)
        expect(Math.max(...transactions.map(({ rows }) => rows))).toBeLessThanOrEqual(2 * sessionsAtOnce)
        const left = (await opened().store.sessions.list(ada.id, now)).map(({ id }) => id)
        expect(left.filter((id) => id !== mine)).toEqual([])
        const ended = (await trailOf(opened())).filter(({ event }) => event === 'session.ended')
        // All of them, or all but the one that stays: each has an entry in the audit log.
        expect(ended).toHaveLength(600 - left.length)
        const { db, tables, read } = opened().driver
        const because = eq(tables.sessions.endReason, ending.reason)
        const [last] = await read(db.select({ n: count() }).from(tables.sessions).where(because))
        expect(last?.n).toBeGreaterThan(0)
        expect(last?.n).toBeLessThanOrEqual(maxSessions)
      },
    )
  })

  /** A session started before there was a limit. */
  async function signedInPastLimit(accountId: string): Promise<string> {
    const { db, tables, write, read } = opened().driver
    const theirs = eq(tables.sessions.accountId, accountId)
    const [one] = await read(db.select({ id: tables.sessions.id }).from(tables.sessions).where(theirs).limit(1))
    await write(
      db
        .update(tables.sessions)
        .set({ lastSeenAt: now })
        .where(eq(tables.sessions.id, one?.id ?? '')),
    )
    return one?.id ?? ''
  }
}
