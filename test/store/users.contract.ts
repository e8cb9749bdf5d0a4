import { eq, getTableColumns, type Table } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Pages, Row, UserSearch } from '../../src/accounts/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import {
  type Backend,
  deleted,
  identity,
  insertSessions,
  later,
  newcomer,
  newId,
  now,
  type Opened,
  open,
  origin,
  session,
  signedIn,
  tokens,
} from './people.ts'
import { isThorough } from './thorough.ts'

const everybody: UserSearch = { text: null, role: null, disabled: null, after: null, limit: 100 }
const changed = (accountId: string, role: 'user' | 'auditor' | 'administrator'): Fact => ({
  name: 'account.role_changed',
  accountId,
  origin,
  data: { by: null, role },
})
const disabled = (accountId: string): Fact => ({ name: 'account.disabled', accountId, origin, data: { by: null } })
const out =
  (accountId: string) =>
  (id: string): Fact => ({
    name: 'session.ended',
    accountId,
    origin,
    data: { session: id, reason: 'account_disabled' },
  })

/** What every store promises about other users' accounts, and about the data of one account. */
export function userContract({ emptied }: Pick<Backend, 'emptied'>): void {
  describe('other users’ accounts', () => {
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

    const proven = { email: 'ada@example.com', emailVerified: true }
    const admin = (n: number) =>
      newcomer(opened, { email: `admin${n}@example.com`, emailVerified: true, role: 'administrator' })

    /** Every account of a list, page by page, and how many pages there were. */
    const walk = async (search: Partial<UserSearch>) => {
      const found: string[] = []
      let pages = 0
      for (let after: UserSearch['after'] = null; ; ) {
        const page = await store.users.list({ ...everybody, limit: 10, ...search, after })
        pages++
        expect(page.accounts.length).toBeLessThanOrEqual(search.limit ?? 10)
        found.push(...page.accounts.map(({ id }) => id))
        if (page.next === null) return { found, pages }
        after = page.next
      }
    }

    test('are found by part of their name, email address or ID and by filters, newest first', async () => {
      const { account: ada } = await newcomer(opened, { ...proven, name: 'Ada 100%', createdAt: later(1) })
      const { account: bob } = await newcomer(opened, { email: 'bob@x.example', name: 'Bob_B', role: 'auditor' })
      const { account: eve } = await newcomer(opened, { name: null, disabledAt: now, createdAt: later(2) })
      const ids = async (search: Partial<UserSearch>) =>
        (await store.users.list({ ...everybody, ...search })).accounts.map(({ id }) => id)
      const never = { lastSignInAt: null, invitedAt: null, invitationExpiresAt: null }
      expect(await store.users.list(everybody)).toEqual({
        accounts: [eve, ada, bob].map((account) => ({ ...account, ...never })),
        next: null,
      })
      for (const [text, found] of [
        ['ADA@EX', [ada.id]],
        ['ada 1', [ada.id]],
        ['100%', [ada.id]],
        ['%', [ada.id]],
        ['ob_b', [bob.id]],
        [eve.id.slice(3), [eve.id]],
        ['!', []],
      ] as const)
        expect([text, await ids({ text })]).toEqual([text, found])
      expect(await ids({ role: 'auditor' })).toEqual([bob.id])
      expect(await ids({ disabled: true })).toEqual([eve.id])
      expect(await ids({ disabled: false, text: 'bob' })).toEqual([bob.id])
    })

    test('are paginated in one order, including those created at the same moment', async () => {
      for (let n = 0; n < 9; n++) await newcomer(opened, { createdAt: later(n % 2) })
      const { accounts: all } = await store.users.list(everybody)
      const paged: string[] = []
      for (let after: UserSearch['after'] = null; ; ) {
        const page = await store.users.list({ ...everybody, after, limit: 2 })
        paged.push(...page.accounts.map(({ id }) => id))
        if (!page.next) break
        after = page.next
        await newcomer(opened, { createdAt: later(5) })
      }
      expect(paged).toEqual(all.map(({ id }) => id))
    })

    test('are found by a prefix before a substring, each once, page by page', async () => {
      const named = async (name: string | null, email: string | null, n: number) =>
        (await newcomer(opened, { name, email, createdAt: later(n) })).account.id
      const part = await named('Marianne', 'x@example.com', 9)
      const byName = await named('Anne B', 'b@example.com', 1)
      const both = await named('ANNE A', 'anne@example.com', 2)
      const twins = [await named('Anne C', null, 3), await named('Anne C', null, 4)].sort()
      const older = await named('Joanne', null, 0)
      const expected = [both, byName, ...twins, part, older]
      for (const limit of [1, 2, 3, 4, 100]) {
        const paged: string[] = []
        for (let after: UserSearch['after'] = null; ; ) {
          const page = await store.users.list({ ...everybody, text: 'Anne', after, limit })
          expect(page.accounts.length).toBeLessThanOrEqual(limit)
          paged.push(...page.accounts.map(({ id }) => id))
          if (page.next === null) break
          after = page.next
        }
        expect([limit, paged]).toEqual([limit, expected])
      }
      expect((await store.users.list({ ...everybody, text: both.slice(0, -3) })).accounts[0]?.id).toBe(both)
    })

    test('are searched up to a number of rows a page, and are all found in the end', async () => {
      const accounts = opened.driver.tables.accounts
      const one = (n: number, changes: object = {}) => ({
        id: `usr_${String(n).padStart(6, '0')}`,
        email: null,
        emailKey: null,
        verifiedEmailKey: null,
        name: `Anne ${n}`,
        picture: null,
        role: 'user' as const,
        locale: null,
        timeZone: null,
        secondFactorAt: null,
        disabledAt: null,
        createdAt: later(n),
        updatedAt: now,
        ...changes,
      })
      const rows = Array.from({ length: 2500 }, (_, n) => one(n))
      rows[3] = one(3, { name: 'Anne and Bob', disabledAt: now, role: 'auditor' })
      rows[2400] = one(2400, { role: 'auditor' })
      for (let n = 0; n < rows.length; n += 500)
        await opened.driver.write(opened.driver.db.insert(accounts).values(rows.slice(n, n + 500)))
      // In no index, and the oldest but three: two pages are empty, and the third one has it.
      expect(await walk({ text: 'and bob' })).toEqual({ found: [rows[3].id], pages: 3 })
      // All have this prefix, two have that role, and one of those is disabled.
      const auditors = await walk({ text: 'anne', role: 'auditor' })
      expect(auditors.found.sort()).toEqual([rows[3].id, rows[2400]?.id])
      expect(auditors.pages).toBeLessThan(7)
      expect((await walk({ text: 'anne', role: 'auditor', disabled: true })).found).toEqual([rows[3].id])
    })

    test('are found by provider and by last sign-in, in combination with other conditions', async () => {
      const { driver } = opened
      const { accounts, identities } = driver.tables
      const day = 86_400
      const rows = Array.from({ length: 24 }, (_, n) => ({
        id: `usr_${String(n).padStart(6, '0')}`,
        email: null,
        emailKey: null,
        verifiedEmailKey: n % 2 === 0 ? `n${n}@example.com` : null,
        name: `Anne ${n}`,
        picture: null,
        role: n % 3 === 0 ? ('auditor' as const) : ('user' as const),
        locale: null,
        timeZone: null,
        secondFactorAt: n % 5 === 0 ? now : null,
        disabledAt: n % 4 === 0 ? now : null,
        invitedAt: n % 7 < 3 ? now : null,
        // Several at one hour; every sixth never signed in.
        lastSignInHour: n % 6 === 0 ? 0 : Math.floor(later(-(n % 8) * day).getTime() / 3_600_000),
        createdAt: later(n),
        updatedAt: now,
      }))
      await driver.write(driver.db.insert(accounts).values(rows))
      // Every other account has an identity of acme, and every fourth has two of them.
      for (const [n, { id }] of rows.entries())
        for (const subject of n % 2 === 1 ? [] : n % 4 === 0 ? ['a', 'b'] : ['a'])
          await driver.write(
            driver.db
              .insert(identities)
              .values(identity(id, { provider: 'acme', issuer: 'acme', subject: `${subject}${n}` })),
          )
      const midnight = later(-3 * day)
      const hour = Math.floor(midnight.getTime() / 3_600_000)
      const conditions: [keyof UserSearch, UserSearch[keyof UserSearch], (row: (typeof rows)[number]) => boolean][] = [
        ['role', 'auditor', ({ role }) => role === 'auditor'],
        ['disabled', true, ({ disabledAt }) => disabledAt !== null],
        ['verified', true, ({ verifiedEmailKey }) => verifiedEmailKey !== null],
        ['secondFactor', false, ({ secondFactorAt }) => secondFactorAt === null],
        ['invited', true, ({ invitedAt }) => invitedAt !== null],
        ['invited', false, ({ invitedAt }) => invitedAt === null],
        ['provider', 'acme', ({ id }) => Number(id.slice(4)) % 2 === 0],
        ['text', 'anne', () => true],
        ['text', 'nne 1', ({ name }) => name.includes('nne 1')],
        ['lastSignIn', { from: midnight, before: null }, ({ lastSignInHour }) => lastSignInHour >= hour],
        ['lastSignIn', { from: null, before: midnight }, ({ lastSignInHour }) => lastSignInHour < hour],
      ]
      for (let mask = 0; mask < 1 << conditions.length; mask++) {
        const some = conditions.filter((_, n) => mask & (1 << n))
        if (new Set(some.map(([name]) => name)).size < some.length) continue
        if (some.length > 3 && !isThorough) continue
        const search = Object.fromEntries(some.map(([name, value]) => [name, value]))
        const expected = rows.filter((row) => some.every(([, , isMatch]) => isMatch(row))).map(({ id }) => id)
        for (const limit of mask % 16 === 0 ? [1, 5, 100] : [5]) {
          const { found } = await walk({ ...search, limit })
          expect([search, limit, [...found].sort()]).toEqual([search, limit, expected])
          expect(new Set(found).size).toBe(found.length)
        }
        const { text = null, role = null, disabled = null, ...rest } = search as Partial<UserSearch>
        expect(await store.users.count({ ...rest, text, role, disabled })).toEqual({
          count: expected.length,
          isComplete: true,
        })
      }
      const latest = await walk({ lastSignIn: { from: null, before: now } })
      const hours = latest.found.map((id) => rows[Number(id.slice(4))]?.lastSignInHour ?? -1)
      expect(hours).toEqual([...hours].sort((a, b) => b - a))
      expect((await walk({ provider: 'acme' })).found).toEqual(
        rows
          .filter((_, n) => n % 2 === 0)
          .map(({ id }) => id)
          .reverse(),
      )
    }, 200_000)

    test('are counted up to a limit, and examined up to a number of rows', async () => {
      const { driver } = opened
      const { accounts } = driver.tables
      const rows = Array.from({ length: 5600 }, (_, n) => ({
        id: `usr_${String(n).padStart(6, '0')}`,
        name: `Anne ${n}`,
        role: n < 2000 ? ('auditor' as const) : ('user' as const),
        verifiedEmailKey: n === 5 || n > 5590 ? `n${n}@example.com` : null,
        createdAt: later(n),
        updatedAt: now,
      }))
      for (let n = 0; n < rows.length; n += 500)
        await driver.write(driver.db.insert(accounts).values(rows.slice(n, n + 500)))
      const nothing = { text: null, role: null, disabled: null }
      const count = (search: Partial<UserSearch>) => store.users.count({ ...nothing, ...search })
      const [all, some] = [{ isComplete: true }, { isComplete: false }]
      expect(await count({ role: 'auditor' })).toEqual({ count: 1000, ...some })
      expect(await count({ disabled: true })).toEqual({ count: 0, ...all })
      expect(await count({ lastSignIn: { from: null, before: now } })).toEqual({ count: 1000, ...some })
      expect(await count({ lastSignIn: { from: now, before: null } })).toEqual({ count: 0, ...all })
      expect(await count({ verified: false })).toEqual({ count: 1000, ...some })
      // The newest 5,000 accounts are examined: the older one with such an address is not.
      expect(await count({ verified: true })).toEqual({ count: 9, ...some })
      expect(await count({ verified: true, role: 'auditor' })).toEqual({ count: 1, ...all })
      expect(await count({ text: 'nne 12' })).toMatchObject(some)
      expect(await count({ text: 'anne 1' })).toEqual({ count: 1000, ...some })
    })

    test('show the hour of the latest sign-in, which a refused one does not change', async () => {
      const { account: ada } = await newcomer(opened, proven)
      const shown = async () => (await store.users.get(ada.id, now))?.account.lastSignInAt
      expect(await shown()).toBeNull()
      const starting = { opener: { tag: 'email' }, cookieHash: null, replaces: null } as const
      const start = (at: Date) => store.sessions.start(session(ada.id, { createdAt: at, amr: ['pwd'] }), starting, [])
      expect(await start(now)).toBe(true)
      expect(await shown()).toEqual(new Date('2026-01-02T03:00:00Z'))
      expect(await start(later(3600))).toBe(true)
      expect(await shown()).toEqual(new Date('2026-01-02T04:00:00Z'))
      // A second factor was turned on during this sign-in.
      const { accounts } = opened.driver.tables
      await opened.driver.write(opened.driver.db.update(accounts).set({ secondFactorAt: now }))
      expect(await start(later(7200))).toBe(false)
      expect(await shown()).toEqual(new Date('2026-01-02T04:00:00Z'))
    })

    test('are counted with what belongs to them', async () => {
      const { account: ada } = await newcomer(opened, proven)
      await signedIn(opened, ada.id)
      await signedIn(opened, ada.id, { idleExpiresAt: later(-1) })
      expect(await store.users.get(ada.id, now)).toEqual({
        account: {
          ...ada,
          lastSignInAt: new Date('2026-01-02T03:00:00Z'),
          invitedAt: null,
          invitationExpiresAt: null,
        },
        identities: 1,
        sessions: 1,
        passkeys: 0,
        password: false,
      })
      expect(await store.users.get('usr_nobody', now)).toBeUndefined()
    })

    test('get the scope of a new role in every existing and later session', async () => {
      const { account: ada } = await newcomer(opened, proven)
      const { account: bob } = await newcomer(opened)
      const [mine, other] = [await signedIn(opened, ada.id), await signedIn(opened, bob.id)]
      const role = { name: 'administrator', scope: 'all of it' } as const
      expect(
        await store.users.update(ada.id, { role }, later(1), () => [changed(ada.id, 'administrator')]),
      ).toMatchObject({ role: 'administrator', updatedAt: later(1) })
      expect(told).toEqual([changed(ada.id, 'administrator')])
      expect(await store.sessions.find(mine.id)).toMatchObject({ scope: 'all of it' })
      expect(await store.sessions.find(other.id)).toMatchObject({ scope: mine.scope })
      const next = session(ada.id)
      const starting = { opener: { tag: 'email' }, cookieHash: null, replaces: null } as const
      await store.sessions.start(next, { ...starting, scopeOf: (name) => `of ${name}` }, [])
      expect((await store.sessions.find(next.id))?.scope).toBe('of administrator')
    })

    test('keep no scope of a role that was removed while they signed in', async () => {
      await admin(0)
      for (let round = 0; round < 20; round++) {
        const { account: ada } = await newcomer(opened, {
          email: `ada${round}@example.com`,
          emailVerified: true,
          role: 'administrator',
        })
        const next = session(ada.id)
        const starting = { opener: { tag: 'email' }, cookieHash: null, replaces: null } as const
        await Promise.all([
          store.sessions.start(next, { ...starting, scopeOf: (name) => `of ${name}` }, []),
          store.users.update(ada.id, { role: { name: 'user', scope: 'of user' } }, now, () => []),
        ])
        expect((await store.sessions.find(next.id))?.scope).toBe('of user')
      }
    })

    test('are not changed when they do not exist, or lack the email address a role requires', async () => {
      const { account: ada } = await newcomer(opened, { email: 'ada@example.com' })
      const role = { name: 'administrator', scope: '' } as const
      const because = () => [changed(ada.id, 'administrator')]
      expect(await store.users.update(ada.id, { role, name: 'Eve' }, later(1), because)).toBe('address_needed')
      expect(await store.users.update('usr_nobody', { name: 'Eve' }, later(1), because)).toBe('not_found')
      expect(await store.users.disable('usr_nobody', now, [disabled('usr_nobody')], out('usr_nobody'))).toBe(
        'not_found',
      )
      expect(await store.users.enable('usr_nobody', now, [])).toBe('not_found')
      expect(await store.accounts.find(ada.id)).toEqual(ada)
      expect(told).toEqual([])
    })

    test('lose sessions, tickets and pending sign-ins when they are disabled', async () => {
      const { account: ada } = await newcomer(opened, proven)
      const mine = await signedIn(opened, ada.id)
      const { tickets } = opened.driver.tables
      await opened.driver.write(opened.driver.db.insert(tickets).values(filled(tickets, ada.id) as never))
      const done = await store.users.disable(ada.id, later(1), [disabled(ada.id)], out(ada.id))
      expect(done).toMatchObject({ disabledAt: later(1) })
      expect(told).toEqual([disabled(ada.id), out(ada.id)(mine.id)])
      expect(await store.sessions.find(mine.id)).toMatchObject({ endedAt: later(1), endReason: 'account_disabled' })
      expect(await opened.driver.read(opened.driver.db.select().from(tickets))).toEqual([])
      expect(await signedInOrNot(ada.id)).toBe(false)
      // A second call changes nothing.
      expect(await store.users.disable(ada.id, later(2), [disabled(ada.id)], out(ada.id))).toEqual(done)
      expect(told).toHaveLength(2)
      expect(await store.users.enable(ada.id, later(3), [])).toMatchObject({ disabledAt: null })
      expect(await signedInOrNot(ada.id)).toBe(true)
    })
    test('are no longer asked for a removed second factor: app and codes are deleted, passkeys stay', async () => {
      const { driver } = opened
      const { accounts, totpFactors, recoveryCodes, passkeys, trustedDevices, tickets, pendingSignIns } = driver.tables
      const gone = [totpFactors, recoveryCodes, trustedDevices, tickets, pendingSignIns]
      const signedOut =
        (accountId: string) =>
        (id: string): Fact => ({
          name: 'session.ended',
          accountId,
          origin,
          data: { session: id, reason: 'second_factor_removed', by: 'usr_9' },
        })
      const removed =
        (accountId: string) =>
        (factor: 'totp' | 'passkey'): readonly Fact[] => [
          { name: 'second_factor.removed', accountId, origin, data: { factor, by: 'usr_9' } },
        ]
      const remove = (id: string, at: Date) => store.users.removeSecondFactor(id, at, removed(id), signedOut(id))
      for (const confirmedAt of [now, null]) {
        const { account: ada } = await newcomer(opened, { name: 'Ada' })
        const { account: bob } = await newcomer(opened, { name: 'Bob', secondFactorAt: now })
        for (const { id } of [ada, bob])
          for (const table of [...gone, passkeys] as Table[]) {
            const row = { ...filled(table, id), ...(table === totpFactors ? { confirmedAt } : {}) }
            await driver.write(driver.db.insert(table as never).values(row as never))
          }
        const mine = await signedIn(opened, ada.id)
        told.length = 0
        // It is not enabled, so nothing is recorded.
        expect(await remove(ada.id, later(1))).toBe('second_factor_missing')
        expect(told).toEqual([])
        expect((await store.sessions.find(mine.id))?.endedAt).toBe(null)
        await driver.write(driver.db.update(accounts).set({ secondFactorAt: now }).where(eq(accounts.id, ada.id)))
        expect(await remove(ada.id, later(2))).toMatchObject({ secondFactorAt: null, updatedAt: later(2) })
        expect(told).toEqual([...removed(ada.id)(confirmedAt ? 'totp' : 'passkey'), signedOut(ada.id)(mine.id)])
        expect(await store.accounts.find(ada.id)).toMatchObject({ secondFactorAt: null })
        expect(await store.sessions.find(mine.id)).toMatchObject({ endReason: 'second_factor_removed' })
        const owners = async (table: Table) =>
          ((await driver.read(driver.db.select().from(table as never))) as { accountId: string }[])
            .map(({ accountId }) => accountId)
            .filter((id) => id === ada.id || id === bob.id)
        for (const table of gone as Table[]) expect(await owners(table)).toEqual([bob.id])
        expect((await owners(passkeys)).sort()).toEqual([ada.id, bob.id].sort())
        expect(await remove(ada.id, later(3))).toBe('second_factor_missing')
      }
      expect(await remove('usr_nobody', now)).toBe('not_found')
    })
    const signedInOrNot = (accountId: string) =>
      store.sessions.start(session(accountId), { opener: { tag: 'email' }, cookieHash: null, replaces: null }, [])

    test('keep an administrator, however many are removed concurrently on any node', async () => {
      const other = await open(config)
      for (let round = 0; round < 15; round++) {
        const people = await Promise.all([0, 1, 2, 3].map((n) => admin(round * 10 + n)))
        await Promise.all(
          people.map(({ account: { id } }, n) => {
            const at = n % 2 === 0 ? store : other.store
            if (n % 3 === 0) return at.users.update(id, { role: { name: 'user', scope: '' } }, now, () => [])
            return n % 3 === 1 ? at.users.disable(id, now, [], out(id)) : at.accounts.remove(id, now, [])
          }),
        )
        const { accounts: left } = await store.users.list({ ...everybody, role: 'administrator', disabled: false })
        expect(left).toHaveLength(1)
        for (const { id } of left) {
          expect(await store.users.disable(id, now, [disabled(id)], out(id))).toBe('last_administrator')
          expect(await store.accounts.remove(id, now, [deleted(id)])).toBe('last_administrator')
          const role = { name: 'auditor', scope: '' } as const
          expect(await store.users.update(id, { role }, now, () => [])).toBe('last_administrator')
          const { accounts } = opened.driver.tables
          await opened.driver.write(opened.driver.db.update(accounts).set({ role: 'user' }))
        }
      }
      await other.store.close()
    })

    describe('all data of one account', () => {
      /** A row in every table that references an account, and in those without. */
      async function everywhere(): Promise<{ id: string; referring: readonly string[] }> {
        const { driver } = opened
        const { account: ada, identity: way } = await newcomer(opened, proven)
        const referring: string[] = []
        const provider = newId('tkt')
        const device = await signedIn(opened, ada.id)
        const team = { id: newId('team'), name: 'Mathematics', createdAt: now, updatedAt: now }
        await driver.write(driver.db.insert(driver.tables.teams).values(team))
        // First, because other tables refer to it.
        const { applications, ...others } = driver.tables
        const applicationId = newId('app')
        await driver.write(
          driver.db.insert(applications).values({ ...filled(applications, ada.id), id: applicationId } as never),
        )
        referring.push('applications')
        for (const [name, table] of Object.entries(others) as [string, Table][]) {
          const refers = Object.values(getTableColumns(table)).some(({ name: column }) => aboutAnAccount.test(column))
          if (!refers || name === 'identities' || name === 'sessions') {
            if (refers) referring.push(name)
            continue
          }
          referring.push(name)
          const row = {
            ...filled(table, ada.id),
            ...(name === 'signInCodes' ? { sessionId: device.id } : {}),
            ...(Object.hasOwn(getTableColumns(table), 'teamId') ? { teamId: team.id } : {}),
            ...(name === 'providers' ? { id: provider } : {}),
            ...(name === 'providerVersions' ? { provider } : {}),
            ...(Object.hasOwn(getTableColumns(table), 'applicationId') ? { applicationId } : {}),
          }
          await driver.write(driver.db.insert(table as never).values(row as never))
        }
        await store.grants.keep(
          { provider: way.provider, issuer: way.issuer, clientId: 'app', subject: way.subject, holder: 'person' },
          newId('grt'),
          () => tokens({ accessToken: 'secret-access', refreshToken: 'secret-refresh' }),
          now,
        )
        const { guesses } = driver.tables
        await driver.write(
          driver.db.insert(guesses).values({ key: `account:${ada.id}`, failures: 1, lastAt: now, blockedUntil: now }),
        )
        return { id: ada.id, referring }
      }

      test('is collected from every table that references an account, without credentials', async () => {
        const { id, referring } = await everywhere()
        const found = await store.personalData.gather(id, [
          { name: 'account.exported', accountId: id, origin, data: {} },
        ])
        if (!found) throw new Error('nothing was gathered')
        const [sessions, activity] = await Promise.all([rowsIn(found.sessions), rowsIn(found.activity)])
        const { account: _, activity: _pages, applicationSessions: paged, ...rest } = found
        const tables = { ...rest, sessions, applicationSessions: await rowsIn(paged) }
        expect(found.account).toMatchObject({ id, email: proven.email })
        // A new table is either part of the export, or named here with the reason why not.
        const elsewhere = { audit: 'activity' } as const
        // The export calls them as its first version did.
        const names: Readonly<Record<string, string>> = { pendingAuthorizations: 'flows' }
        const expected = referring.filter((name) => !Object.hasOwn(elsewhere, name)).map((name) => names[name] ?? name)
        expect(Object.keys(tables).sort()).toEqual([...expected, 'grants', 'guesses'].sort())
        for (const [name, rows] of Object.entries({ ...tables, activity })) expect([name, rows]).not.toEqual([name, []])
        expect(activity.map(({ event }) => event)).toContain('account.exported')
        const text = JSON.stringify({ ...tables, activity })
        expect(text.match(/secret-[\w-]*/g)).toBe(null)
        expect(text).not.toMatch(/sealed/)
        expect(await store.personalData.gather('usr_nobody', [])).toBeUndefined()
      })

      test('is read in pages where there are many rows, each row once and newest first', async () => {
        const { driver } = opened
        const { account: ada } = await newcomer(opened)
        await insertSessions(driver, ada.id, 1200)
        const { audit } = driver.tables
        const entries = Array.from({ length: 1200 }, (_, n) => ({
          id: newId('aud'),
          at: later(Math.floor(n / 700)),
          ordinal: n % 600,
          event: 'account.updated',
          accountId: ada.id,
          ip: null,
          userAgent: null,
          requestId: null,
          data: {},
        }))
        for (let from = 0; from < entries.length; from += 100)
          await driver.write(driver.db.insert(audit).values(entries.slice(from, from + 100)))
        const { revocations } = driver.tables
        const waiting = Array.from({ length: 600 }, () => filled(revocations, ada.id))
        for (let from = 0; from < waiting.length; from += 20)
          await driver.write(driver.db.insert(revocations).values(waiting.slice(from, from + 20) as never))
        const found = await store.personalData.gather(ada.id, [])
        if (!found) throw new Error('nothing was gathered')
        expect(new Set((await rowsIn(found.revocations)).map(({ id }) => id)).size).toBe(600)
        const pages: (readonly Row[])[] = []
        for await (const page of found.activity) pages.push(page)
        expect(pages.map((page) => page.length)).toEqual([500, 500, 200])
        const activity = pages.flat()
        const sessions = await rowsIn(found.sessions)
        expect(new Set(sessions.map(({ id }) => id)).size).toBe(1200)
        expect(new Set(activity.map(({ id }) => id))).toEqual(new Set(entries.map(({ id }) => id)))
        const moments = activity.map(({ at, ordinal }) => (at as Date).getTime() * 1000 + (ordinal as number))
        expect(moments).toEqual([...moments].sort((a, b) => b - a))
      })

      test('is collected in a stable order', async () => {
        const { driver } = opened
        const { account: ada } = await newcomer(opened, proven)
        const { tickets, mails, passkeys, trustedDevices, pendingSignIns, recoveryCodes } = driver.tables
        const lists = { tickets, mails, passkeys, trustedDevices, pendingSignIns, recoveryCodes }
        for (const table of Object.values(lists))
          for (let n = 0; n < 5; n++)
            await driver.write(driver.db.insert(table as never).values(filled(table, ada.id) as never))
        const found = (await store.personalData.gather(ada.id, [])) ?? {}
        for (const name of Object.keys(lists) as (keyof typeof lists)[]) {
          const ids = ((found as Record<string, { id: string }[]>)[name] ?? []).map(({ id }) => id)
          expect([name, ids]).toEqual([name, [...ids].sort()])
          expect(ids).toHaveLength(5)
        }
      })

      test('is deleted with the account, except for the audit log and what others are still to be notified of', async () => {
        const { driver } = opened
        const { id } = await everywhere()
        expect(await store.accounts.remove(id, later(1), [deleted(id)])).toBe(true)
        const left: string[] = []
        for (const [name, table] of Object.entries(driver.tables) as [string, Table][]) {
          const rows = (await driver.read(driver.db.select().from(table as never))) as unknown[]
          if (rows.some((row) => JSON.stringify(row).includes(id))) left.push(name)
          if (rows.some((row) => JSON.stringify(row).includes(proven.email))) left.push(`${name} (address)`)
        }
        expect(left.sort()).toEqual(['audit', 'logoutNotices', 'revocations'])
        const { audit } = driver.tables
        const trail = await driver.read(driver.db.select().from(audit))
        expect(trail.filter(({ ip, userAgent }) => ip !== null || userAgent !== null)).toEqual([])
      })
    })
  })
}

/** The suffixes of columns that hold an account ID. */
const aboutAnAccount = /^(account_id|created_by|invited_by|connected_by)$/

/** A row of any table for an account, with every credential marked as secret. */
function filled(table: Table, accountId: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(getTableColumns(table)).map(([name, column]) => {
      if (aboutAnAccount.test(column.name)) return [name, accountId]
      if (column.dataType === 'date') return [name, later(60)]
      if (column.dataType === 'number') return [name, 1]
      if (column.dataType === 'boolean') return [name, false]
      if (column.dataType === 'json') return [name, {}]
      if (column.name === 'used_at' || column.name === 'revoked_at') return [name, null]
      // The hash of a public document lets nobody in.
      const lets = /hash|secret|token|challenge/.test(column.name) && column.name !== 'document_hash'
      return [name, lets ? `secret-${newId('tkt')}` : newId('tkt')]
    }),
  )
}

/** Every row of all pages. */
async function rowsIn(pages: Pages): Promise<readonly Row[]> {
  const all: Row[] = []
  for await (const page of pages) all.push(...page)
  return all
}
