import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { asc, count, eq, inArray, sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { BusyError } from '../../src/kernel/busy.ts'
import { Limit, withinLimit } from '../../src/kernel/limit.ts'
import { createHealth, type HealthChange } from '../../src/store/availability.ts'
import type { Driver } from '../../src/store/driver.ts'
import { createLongReads, type LongRead, type ThreadMessage } from '../../src/store/long-reads.ts'
import { openDriver } from '../../src/store/open.ts'
import { checkingShortReads } from '../support/short-reads.ts'
import { newFile } from '../support/sqlite.ts'
import { withResolvers } from '../support/with-resolvers.ts'
import { newcomer, open, pendingAuthorization, signedIn } from './people.ts'

const read = (text: string): LongRead => ({ sql: text, params: [], asArrays: true })

/** Threads controlled by the test. */
function standIn({ requestMs = 60_000 } = {}) {
  const threads: {
    readonly posted: string[]
    isHeld: boolean
    isEnded: boolean
    say(message: ThreadMessage): void
    die(): void
    /** Lets `end` resolve: the statement is done. */
    letEnd(): void
  }[] = []
  const changes: HealthChange[] = []
  let moved = false
  let isLimited = false
  const reads = createLongReads({
    health: createHealth((change) => changes.push(change)),
    requestMs,
    checkFiles: () => {
      if (moved) throw Object.assign(new Error('moved'), { code: 'DATABASE_FILE_MOVED' })
    },
    startThread: ({ message, ended }) => {
      if (isLimited) throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' })
      const end = withResolvers()
      const thread = {
        posted: [] as string[],
        isHeld: true,
        isEnded: false,
        say: message,
        die: () => ended(new Error('killed')),
        letEnd: end.resolve,
      }
      threads.push(thread)
      return {
        post: ({ sql: text }) => void thread.posted.push(text),
        hold: (isHeld) => (thread.isHeld = isHeld),
        end: () => {
          thread.isEnded = true
          return end.promise
        },
      }
    },
  })
  const rows = (...values: unknown[]): ThreadMessage => ({ tag: 'rows', rows: values })
  /** Whether the process may start no more threads. */
  const limit = (to: boolean) => (isLimited = to)
  return { reads, threads, changes, rows, limit, move: () => (moved = true) }
}

const opened: ThreadMessage = { tag: 'open' }
const busy = (retryAfter: number) => ({ name: 'BusyError', retryAfter })
/** The outcome of a read; awaited at once, so that no rejection is unhandled. */
const outcome = (asked: Promise<unknown>): Promise<unknown> => asked.catch((error: unknown) => error)

describe('long reads', () => {
  test('start a thread with the first of them, and are sent one at a time in order of arrival', async () => {
    const { reads, threads, rows } = standIn()
    expect(threads).toHaveLength(0)
    const [one, two] = [reads.ask(read('one')), reads.ask(read('two'))]
    expect(threads).toHaveLength(1)
    const [thread] = threads
    expect(thread?.posted).toEqual([])
    thread?.say(opened)
    expect(thread?.posted).toEqual(['one'])
    thread?.say(rows(1))
    expect(thread?.posted).toEqual(['one', 'two'])
    expect(thread?.isHeld).toBe(true)
    thread?.say(rows(2))
    expect(await Promise.all([one, two])).toEqual([[1], [2]])
    expect(thread?.isHeld).toBe(false)
    expect(threads).toHaveLength(1)
  })

  test('fail with the error of their own statement, and the next one is answered', async () => {
    const { reads, threads, rows } = standIn()
    const asked = ['defect', 'damaged', 'fine'].map((text) => outcome(reads.ask(read(text))))
    threads[0]?.say(opened)
    threads[0]?.say({ tag: 'failed', message: 'no such table: x', code: 'SQLITE_ERROR' })
    threads[0]?.say({ tag: 'failed', message: 'malformed', code: 'SQLITE_CORRUPT' })
    threads[0]?.say(rows(1))
    expect(await Promise.all(asked)).toMatchObject([{ code: 'SQLITE_ERROR' }, busy(30), [1]])
  })

  test('lose only the running one when the thread dies, and continue in a new thread', async () => {
    const { reads, threads, rows, changes } = standIn()
    const asked = ['one', 'two'].map((text) => outcome(reads.ask(read(text))))
    threads[0]?.say(opened)
    threads[0]?.die()
    expect(threads).toHaveLength(2)
    threads[1]?.say(opened)
    threads[1]?.say(rows(2))
    expect(await Promise.all(asked)).toMatchObject([busy(5), [2]])
    expect(changes).toMatchObject([{ state: 'unreachable', cause: { message: 'killed' } }, { state: 'healthy' }])
  })

  test.each<[string, (thread: ReturnType<typeof standIn>['threads'][number]) => void, number]>([
    ['the thread dies while it starts', (thread) => thread.die(), 5],
    [
      'the file cannot be opened',
      (thread) => thread.say({ tag: 'failed', message: 'unable to open', code: 'SQLITE_CANTOPEN' }),
      30,
    ],
  ])('all fail at once when %s, and the next one starts another thread', async (_, fails, retryAfter) => {
    const { reads, threads, rows } = standIn()
    const asked = ['one', 'two'].map((text) => outcome(reads.ask(read(text))))
    const [thread] = threads
    if (thread) fails(thread)
    expect(await Promise.all(asked)).toMatchObject([busy(retryAfter), busy(retryAfter)])
    expect(threads).toHaveLength(1)
    const next = reads.ask(read('three'))
    threads[1]?.say(opened)
    threads[1]?.say(rows(3))
    expect(await next).toEqual([3])
  })

  test('fail at once when no thread can be started, and the next one tries again', async () => {
    const { reads, threads, rows, changes, limit } = standIn()
    limit(true)
    const refused = ['one', 'two'].map((text) => outcome(reads.ask(read(text))))
    expect(await Promise.all(refused)).toMatchObject([busy(1), busy(1)])
    expect(changes).toMatchObject([{ state: 'contended', cause: { code: 'ERR_WORKER_INIT_FAILED' } }])
    limit(false)
    const next = reads.ask(read('three'))
    threads[0]?.say(opened)
    threads[0]?.say(rows(3))
    expect(await next).toEqual([3])
  })

  test('that wait fail when a timer gives up the running one, and no other thread can be started', async () => {
    const { reads, threads, limit } = standIn({ requestMs: 50 })
    const late = outcome(reads.ask(read('late')))
    threads[0]?.say(opened)
    const waits = outcome(withinLimit(new Limit(60_000), () => reads.ask(read('waits'))))
    limit(true)
    expect(await Promise.all([late, waits])).toMatchObject([busy(1), busy(1)])
  })

  test('do not read another file that replaced the first', async () => {
    const { reads, threads, changes, move } = standIn()
    const asked = outcome(reads.ask(read('one')))
    move()
    threads[0]?.say(opened)
    expect(await asked).toMatchObject(busy(30))
    expect(threads[0]).toMatchObject({ posted: [], isEnded: true })
    expect(changes).toMatchObject([{ state: 'refusing', cause: { code: 'DATABASE_FILE_MOVED' } }])
  })

  test('that exceed their deadline are refused, and there are at most two threads', async () => {
    const { reads, threads, rows } = standIn({ requestMs: 50 })
    for (const n of [0, 1]) {
      const late = outcome(reads.ask(read(`late ${n}`)))
      threads[n]?.say(opened)
      expect(threads[n]?.posted).toEqual([`late ${n}`])
      expect(await late).toMatchObject(busy(1))
      expect(threads[n]?.isEnded).toBe(true)
      // A late response is ignored.
      threads[n]?.say(rows('late'))
    }
    expect(await outcome(reads.ask(read('refused')))).toMatchObject(busy(1))
    expect(threads).toHaveLength(2)
    const waits = outcome(reads.ask(read('answered')))
    threads[0]?.letEnd()
    await expect.poll(() => threads.length).toBe(3)
    threads[2]?.say(opened)
    threads[2]?.say(rows(1))
    expect(await waits).toEqual([1])
  })

  test('are refused when a hundred are waiting, and all of them when the store closes', async () => {
    const { reads, threads } = standIn()
    const asked = Array.from({ length: 101 }, (_, n) => outcome(reads.ask(read(String(n)))))
    expect(await asked[100]).toBeInstanceOf(BusyError)
    threads[0]?.say(opened)
    const closed = reads.close()
    for (const one of await Promise.all(asked)) expect(one).toBeInstanceOf(BusyError)
    expect(threads[0]).toMatchObject({ posted: ['0'], isEnded: true })
    threads[0]?.letEnd()
    await closed
    expect(await outcome(reads.ask(read('after')))).toBeInstanceOf(BusyError)
    expect(threads).toHaveLength(1)
  })
})

describe('the thread for long reads', () => {
  /** Counts to a number: a statement that takes as long as needed, and returns one row. */
  const counting = ({ db }: Driver, to: number) => {
    const n = sql`(with recursive n(i) as (select 1 union all select i + 1 from n where i < ${to}) select i from n)`
    return db.select({ n: count() }).from(n as never)
  }
  const place = () => ({ tag: 'sqlite' as const, file: newFile() })

  test('returns the same values as the main thread: times, JSON, booleans, nulls, joins and groups', async () => {
    const opened = await open(place())
    const { driver, store } = opened
    const { db, tables: t } = driver
    const { account: person } = await newcomer(opened)
    await signedIn(opened, person.id)
    const begun = pendingAuthorization()
    await store.pendingAuthorizations.begin(begun)
    const queries: (() => PromiseLike<unknown>)[] = [
      () => db.select().from(t.accounts),
      () => db.select().from(t.identities).where(eq(t.identities.accountId, person.id)),
      () => db.select().from(t.sessions).orderBy(asc(t.sessions.id)),
      () =>
        db
          .select()
          .from(t.pendingAuthorizations)
          .where(inArray(t.pendingAuthorizations.stateHash, [begun.stateHash, 'other'])),
      () => db.select().from(t.passkeys),
      () => db.select({ role: t.accounts.role, n: count() }).from(t.accounts).groupBy(t.accounts.role),
      () =>
        db
          .select({ account: t.accounts, passkey: t.passkeys })
          .from(t.accounts)
          .leftJoin(t.passkeys, eq(t.passkeys.accountId, t.accounts.id)),
    ]
    for (const query of queries) expect(await driver.readLong(query())).toEqual(await driver.read(query()))
    const [account] = await driver.readLong(db.select().from(t.accounts))
    expect(account?.createdAt).toBeInstanceOf(Date)
    await store.close()
  })

  test('sees every write acknowledged before', async () => {
    const { driver, store } = await open(place())
    for (let n = 1; n <= 50; n++) {
      await store.pendingAuthorizations.begin(pendingAuthorization())
      expect(await driver.readLong(driver.db.select({ n: count() }).from(driver.tables.pendingAuthorizations))).toEqual(
        [{ n }],
      )
    }
    await store.close()
  })

  test('reads while the main thread reads and writes', async () => {
    const { driver, store } = await open(place())
    let isDone = false
    let written = 0
    const long = driver.readLong(counting(driver, 3_000_000)).finally(() => (isDone = true))
    while (!isDone) {
      const begun = pendingAuthorization()
      await store.pendingAuthorizations.begin(begun)
      expect(await store.pendingAuthorizations.find(begun.stateHash)).toEqual(begun)
      written += 1
    }
    expect(written).toBeGreaterThan(5)
    expect(await long).toEqual([{ n: 3_000_000 }])
    await store.close()
  })

  test('is replaced when a read exceeds its deadline', async () => {
    const changes: HealthChange[] = []
    const driver = await openDriver(place(), { requestMs: 1000, report: (change) => changes.push(change) })
    const works = (n: number) => expect.poll(() => outcome(driver.readLong(counting(driver, n)))).toEqual([{ n }])
    // A slow machine may not start the thread within the second: the read is repeated.
    await works(1)
    const never = outcome(driver.readLong(counting(driver, 20_000_000)))
    expect(await never).toMatchObject(busy(1))
    expect(changes.at(-1)).toMatchObject({ state: 'contended' })
    await works(2)
    await driver.close()
  })

  test('reports the same errors as the main thread', async () => {
    const { driver, store } = await open(place())
    const overflow = driver.db.select({ n: sql`sum(9223372036854775807 - name)` }).from(sql`pragma_table_list` as never)
    const error = await outcome(driver.read(overflow))
    expect(error).toMatchObject({ code: 'SQLITE_ERROR', message: 'integer overflow' })
    expect(await outcome(driver.readLong(overflow))).toEqual(error)
    await store.close()
  })

  test('does not open a file that replaced the first', async () => {
    const config = place()
    const { driver, store } = await open(config)
    renameSync(config.file, `${config.file}.away`)
    writeFileSync(config.file, '')
    expect(await outcome(driver.readLong(counting(driver, 1)))).toMatchObject(busy(30))
    renameSync(`${config.file}.away`, config.file)
    expect(await driver.readLong(counting(driver, 1))).toEqual([{ n: 1 }])
    await store.close()
  })

  test('runs every read that may scan many rows', async () => {
    const config = place()
    const { driver, store } = await open(config)
    const { db, tables: t } = driver
    const short = checkingShortReads(driver, config)
    const mayTakeLong: PromiseLike<unknown>[] = [
      db.select().from(t.accounts).orderBy(asc(t.accounts.createdAt)).limit(1),
      db.select().from(t.audit).where(eq(t.audit.accountId, 'usr_1')),
      db.select({ n: count() }).from(t.mails),
      db.select().from(t.sessions).where(eq(t.sessions.accountId, 'usr_1')),
      db.select().from(t.accounts).where(eq(t.accounts.name, 'Ada')).limit(1),
    ]
    for (const query of mayTakeLong) await expect(short.read(query)).rejects.toThrow('a short read may take long')
    expect(await short.read(db.select().from(t.accounts).where(eq(t.accounts.id, 'usr_1')))).toEqual([])
    expect(await short.read(db.select().from(t.passkeys).where(eq(t.passkeys.accountId, 'usr_1')))).toEqual([])
    await store.close()
  })

  test('ends with the store, and the file contains everything', async () => {
    const config = place()
    const { driver, store } = await open(config)
    await driver.readLong(counting(driver, 1))
    await store.pendingAuthorizations.begin(pendingAuthorization())
    await store.close()
    expect(existsSync(`${config.file}-wal`)).toBe(false)
    expect(statSync(config.file).size).toBeGreaterThan(0)
    await expect(driver.readLong(counting(driver, 1))).rejects.toBeInstanceOf(BusyError)
  })

  test('is not used for a database in memory', async () => {
    const { driver, store } = await open({ tag: 'sqlite', file: ':memory:' })
    await store.pendingAuthorizations.begin(pendingAuthorization())
    expect(await driver.readLong(driver.db.select({ n: count() }).from(driver.tables.pendingAuthorizations))).toEqual([
      { n: 1 },
    ])
    await store.close()
  })
})
