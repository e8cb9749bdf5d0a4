import { getTableColumns } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { describe, expect, test } from 'vitest'
import { type SweepName, sweepNames } from '../../src/jobs/ports.ts'
import type { Tables } from '../../src/store/schema.ts'
import { account, insertSessions, later, newcomer, newId, now, type Opened, signedIn, sweptIn } from './people.ts'
import { watched } from './watched.ts'

/** Those that look for something else than the age of rows. */
const others = ['excessSessions', 'endedClaims'] as const
type Aged = Exclude<SweepName, (typeof others)[number]>
const aged = sweepNames.filter((name): name is Aged => !others.some((other) => other === name))

/** Where each sweep finds its rows, and the condition that selects them. */
const swept: Readonly<Record<Aged, { table: keyof Tables; given?: Readonly<Record<string, unknown>> }>> = {
  flows: { table: 'pendingAuthorizations' },
  pendingSignIns: { table: 'pendingSignIns' },
  tickets: { table: 'tickets' },
  conflicts: { table: 'conflicts' },
  signInCodes: { table: 'signInCodes' },
  trustedDevices: { table: 'trustedDevices' },
  invitations: { table: 'teamInvitations' },
  rateLimits: { table: 'rateLimits' },
  guesses: { table: 'guesses' },
  providerTrials: { table: 'providerVersions' },
  openidStates: { table: 'openidStates' },
  registrationTokens: { table: 'registrationTokens' },
  unusedRegistrations: { table: 'applications', given: { source: 'registration', lastUsedAt: null } },
  idleRegistrations: { table: 'applications', given: { source: 'registration' } },
  unusedDocuments: { table: 'applications', given: { source: 'document', lastUsedAt: null } },
  idleDocuments: { table: 'applications', given: { source: 'document' } },
  applicationSessions: { table: 'applicationSessions' },
  sessions: { table: 'sessions' },
  hourlyCounts: { table: 'hourlyCounts' },
  auditOfNobody: { table: 'audit', given: { accountId: null, ip: null, userAgent: null } },
  auditOrigins: { table: 'audit', given: { event: 'account.updated' } },
  refusedSignIns: { table: 'audit', given: { event: 'authentication.failed', ip: null, userAgent: null } },
}

/** What every store promises about sweeps. `explain`: how the database would execute a statement, line by line. */
export function sweepsContract(
  opened: () => Opened,
  explain: (sql: string, params: readonly unknown[]) => Promise<readonly string[]>,
): void {
  /** So many rows in the table, with every time in them set to `at`. */
  async function fill(name: Aged, rows: number, at: Date): Promise<void> {
    const { driver, store } = opened()
    const { table: tableName, given } = swept[name]
    const table = driver.tables[tableName] as unknown as SQLiteTable
    const person = account()
    const accountId = person.id
    await driver.write(
      driver.db.insert(driver.tables.accounts).values({ ...person, emailKey: null, verifiedEmailKey: null }),
    )
    const { id: sessionId } = await signedIn({ store }, accountId)
    const teamId = newId('team')
    await driver.write(
      driver.db.insert(driver.tables.teams).values({ id: teamId, name: 'Engines', createdAt: now, updatedAt: now }),
    )
    const provider = newId('tkt')
    if (tableName === 'providerVersions')
      await driver.write(
        driver.db.insert(driver.tables.providers).values({
          ...{ id: provider, kind: 'oidc', enabled: true, position: 0, revision: 1, version: 1 },
          ...{ createdBy: null, createdAt: now, updatedBy: null, updatedAt: now, deletedAt: null },
        }),
      )
    let ordinal = 0
    const applicationId = newId('app')
    if (name === 'applicationSessions')
      await driver.write(
        driver.db.insert(driver.tables.applications).values({
          id: applicationId,
          name: 'Shop',
          kind: 'server',
          firstParty: true,
          redirectUris: [],
          postLogoutRedirectUris: [],
          scopes: [],
          resources: [],
          clientAuth: 'none',
          createdAt: now,
          updatedAt: now,
        }),
      )
    const value = (column: SQLiteColumn): unknown => {
      switch (column.dataType) {
        case 'date':
          return at
        case 'boolean':
          return false
        case 'number':
          return ordinal++
        case 'json':
          return {}
        default:
          return newId('tkt')
      }
    }
    const known: Readonly<Record<string, unknown>> = {
      ...{ accountId, sessionId, teamId, applicationId, invitedBy: accountId, provider },
      ...given,
    }
    const row = () =>
      Object.fromEntries(
        Object.entries<SQLiteColumn>(getTableColumns(table)).map(([key, column]) => [
          key,
          Object.hasOwn(known, key) ? known[key] : value(column),
        ]),
      )
    await driver.write(driver.db.insert(table).values(Array.from({ length: rows }, row)))
  }

  describe('a sweep', () => {
    test.each(aged)('of %s deletes rows in batches as small as asked, and none that is still needed', async (name) => {
      await fill(name, 70, later(-10))
      await fill(name, 10, later(10))
      const { store, statements } = watched(opened())
      expect(await sweptIn(store, name, now, 10)).toBe(70)
      expect(Math.max(...statements.map(({ rows }) => rows))).toBeLessThanOrEqual(10)
      expect(statements.length).toBeGreaterThanOrEqual(8)
      expect(await sweptIn(opened().store, name, now)).toBe(0)
      expect(await sweptIn(opened().store, name, later(11))).toBe(10)
    })

    test.each(aged)('of %s finds its rows by an index', async (name) => {
      await fill(name, 20, later(-10))
      await fill(name, 100, later(10))
      const { store, statements } = watched(opened())
      await store.sweeps[name]({ before: now, after: '', limit: 100 })
      // What is recorded with it is inserted, and finds no rows.
      for (const { sql, params } of statements.filter((one) => !/^insert/i.test(one.sql))) {
        const plan = (await explain(sql, params)).join('\n')
        expect(plan).toMatch(/index/i)
        expect(plan).not.toMatch(/seq scan|^scan (?!.*using)|temp b-tree/im)
      }
    })

    test('of excess sessions ends the least recently seen ones, in batches', async () => {
      const { driver, told } = opened()
      const [{ account: crowded }, { account: full }] = [await newcomer(opened()), await newcomer(opened())]
      await insertSessions(driver, crowded.id, 800)
      await insertSessions(driver, full.id, 100)
      const { store, statements } = watched(opened())
      expect(await sweptIn(store, 'excessSessions', now, 300)).toBe(700)
      expect(Math.max(...statements.map(({ rows }) => rows))).toBe(250)
      const left = await store.sessions.list(crowded.id, now)
      expect(left.map(({ name }) => name)).toEqual(Array.from({ length: 100 }, (_, n) => String(799 - n)))
      expect(await store.sessions.list(full.id, now)).toHaveLength(100)
      expect(told).toHaveLength(700)
      expect(told[0]).toMatchObject({ name: 'session.ended', accountId: crowded.id, data: { reason: 'session_limit' } })
      for (const { sql, params } of statements.filter((one) => /^select/i.test(one.sql)))
        expect((await explain(sql, params)).join('\n')).toMatch(/index.* sessions_open/i)
    })

    test('of excess sessions leaves at most a hundred open ones, and signs nobody out of an expired one', async () => {
      const { driver, told } = opened()
      const { account: robot } = await newcomer(opened())
      await insertSessions(driver, robot.id, 600)
      const { sessions } = driver.tables
      await driver.write(driver.db.update(sessions).set({ idleExpiresAt: later(-1) }))
      await insertSessions(driver, robot.id, 50)
      const { store, statements } = watched(opened())
      expect(await sweptIn(store, 'excessSessions', now, 300)).toBe(0)
      expect(Math.max(...statements.map(({ rows }) => rows))).toBe(250)
      const rows = await driver.read(driver.db.select({ endedAt: sessions.endedAt }).from(sessions))
      expect(rows.filter(({ endedAt }) => endedAt === null)).toHaveLength(100)
      expect(await store.sessions.list(robot.id, now)).toHaveLength(50)
      expect(told).toEqual([])
    })
  })
}
