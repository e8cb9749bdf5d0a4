import { eq, sql } from 'drizzle-orm'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { BusyError } from '../../src/kernel/busy.ts'
import { Limit, withinLimit } from '../../src/kernel/limit.ts'
import { takeTurns } from '../../src/kernel/take-turns.ts'
import type { HealthChange } from '../../src/store/availability.ts'
import { type Script, step } from '../../src/store/driver.ts'
import { openDriver, openStore, storeOver } from '../../src/store/open.ts'
import { DatabaseOpenError } from '../../src/store/open-error.ts'
import { connectPostgres, listLockWaiters } from '../support/postgres.ts'
import { proxyTo } from '../support/proxy.ts'
import { postgresBackend } from './backends.ts'
import { mail } from './mails.contract.ts'
import { code, insertSessions, later, loggedOut, newcomer, newId, now, open, signedIn } from './people.ts'

const { place } = postgresBackend()

const busy = (error: unknown) => (error instanceof BusyError ? error.retryAfter : error)

describe('a PostgreSQL database', () => {
  test.each([
    ['postgres://nobody@127.0.0.1:1/none', /^No answer from 127\.0\.0\.1:1 .* Check the host and port/],
    ['postgres://nobody@nowhere.invalid/none', /^The database host nowhere\.invalid was not found/],
    ['/missing', /^There is no database missing\. Create it/],
    ['?sslmode=verify-full', /does not offer TLS.*sslmode=disable/],
    ['?sslmode=verify-full&sslrootcert=/no/such/file', /^A file named in DATABASE_URL cannot be read/],
    ['?options=-c%20no_such_setting%3D1', /^The database cannot be opened: .*no_such_setting.* Check DATABASE_URL\.$/],
    ['?schema=mine', /^DATABASE_URL names a schema; .*ALTER ROLE/],
  ])('that cannot be opened is reported in a sentence with the cause and a remedy: %s', async (address, sentence) => {
    const { url } = await place()
    const there = new URL(url)
    if (address.startsWith('/')) there.pathname = address
    if (address.startsWith('?')) there.search = address
    const error = await open({ tag: 'postgres', url: address.startsWith('postgres:') ? address : there.href }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(DatabaseOpenError)
    expect((error as Error).message).toMatch(sentence)
    expect((error as Error).message).not.toContain('vinculum:vinculum')
  })

  test('that does not answer after connecting is reported in a sentence', async () => {
    const config = await place()
    await (await open(config)).store.close()
    const other = await connectPostgres(config.url)
    await other.query('begin; lock table drizzle.__drizzle_migrations')
    await expect(openDriver(config, { openMs: 1000 })).rejects.toThrow(
      /^No answer from .* \(ETIMEDOUT\)\. Check the host and port/,
    )
    await other.end()
  })

  test('is ready again soon after a connection was silently lost', async () => {
    const config = await place()
    const proxy = await proxyTo(config.url)
    const { store } = await open({ ...config, url: proxy.url })
    const check = () => withinLimit(new Limit(5000), store.ready)
    await expect.poll(check).toBe(true)
    proxy.swallowExisting()
    expect(await check()).toBe(false)
    await expect.poll(check).toBe(true)
    await proxy.cut()
    await store.close()
  })

  test('with sslmode=prefer is reached without TLS when it offers none', async () => {
    const { url } = await place()
    const { store } = await open({ tag: 'postgres', url: `${url}?sslmode=prefer` })
    await expect.poll(store.ready).toBe(true)
    await store.close()
  })

  test('whose role owns its schema but not the database can be opened, and reopened', async () => {
    const { url } = await place()
    const [owner, role] = [await connectPostgres(url), `role_${newId('usr').slice(4)}`]
    await owner.query(`create role ${role} login password 'p%40'`)
    const { rows } = await owner.query<{ name: string }>('select current_database() as name')
    await owner.query(`revoke create on database ${rows[0]?.name} from public; alter schema public owner to ${role}`)
    const theirs = new URL(url)
    theirs.username = role
    theirs.password = 'p%2540'
    for (let start = 0; start < 2; start++) {
      const opened = await open({ tag: 'postgres', url: theirs.href })
      const { account } = await newcomer(opened)
      expect(await opened.store.accounts.find(account.id)).toEqual(account)
      await opened.store.close()
    }
    await owner.query(`reassign owned by ${role} to current_user; alter schema public owner to current_user`)
    theirs.password = 'wrong'
    await expect(open({ tag: 'postgres', url: theirs.href })).rejects.toThrow(/refuses the user or password/)
    await owner.query(`drop owned by ${role}; drop role ${role}`)
    await owner.end()
  })

  test('whose role lacks a right, or looks for the tables elsewhere, is refused with the command that helps', async () => {
    const { url } = await place()
    await (await open({ tag: 'postgres', url })).store.close()
    const [owner, role] = [await connectPostgres(url), `role_${newId('usr').slice(4)}`]
    await owner.query(`create role ${role} login password 'p'`)
    const theirs = new URL(url)
    theirs.username = role
    theirs.password = 'p'
    const refusal = () =>
      openStore({ tag: 'postgres', url: theirs.href }, { clock: () => now, ids: newId, publish: () => {} }).then(
        () => 'opened',
        (error: Error) => error.message,
      )
    expect(await refusal()).toMatch(/may not use the record of migrations .* ALTER SCHEMA drizzle OWNER TO/)
    await owner.query(
      `alter schema drizzle owner to ${role}; alter table drizzle.__drizzle_migrations owner to ${role}; grant create, usage on schema public to ${role}`,
    )
    expect(await refusal()).toMatch(/may not read or write a table .*leases.* GRANT SELECT, INSERT, UPDATE, DELETE/)
    await owner.query(`grant select, insert, update, delete on all tables in schema public to ${role}`)
    const opened = await open({ tag: 'postgres', url: theirs.href })
    await newcomer(opened)
    await opened.store.close()
    await owner.query(`alter role ${role} set search_path = elsewhere`)
    expect(await refusal()).toMatch(/is not where the database role looks .* ALTER ROLE <role> SET search_path/)
    await owner.query(`reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`)
    await owner.end()
  })

  test('behind an undetected transaction pooler loses no statement', async () => {
    const opened = await open({ ...(await place()), maxConnections: 1 })
    const { account } = await newcomer(opened)
    const { id } = await signedIn(opened, account.id)
    expect(await opened.store.sessions.find(id)).toMatchObject({ id })
    /** As when the next server connection does not have our prepared statements. */
    const forget = () =>
      opened.driver.atomic(function* () {
        type Here = { client: pg.Client }
        const execute = function (this: Here) {
          return this.client.query({ text: 'deallocate all' }, [])
        }
        yield { prepare: () => ({ execute }) } as unknown as PromiseLike<unknown>
      })
    await forget()
    expect(await opened.store.sessions.find(id)).toMatchObject({ id })
    expect(await opened.store.sessions.rotate(id, 0, later(1), later(900))).toMatchObject({ generation: 1 })
    await opened.store.close()
  })

  test('has the server keep plans for hot statements, and plans lists for their values each time', async () => {
    const opened = await open({ ...(await place()), maxConnections: 1 })
    const { account } = await newcomer(opened)
    const { id } = await signedIn(opened, account.id)
    await opened.store.sessions.find(id)
    await opened.store.audit.list(account.id, { before: null, limit: 10 })
    const { driver } = opened
    const kept = sql<string[]>`(select array_agg(statement) from pg_prepared_statements where not from_sql)`
    const [row] = await driver.read(driver.db.select({ kept }).from(driver.tables.accounts))
    const statements = (row?.kept ?? []).join('\n')
    expect(statements).toContain('inner join "accounts"')
    expect(statements).not.toContain('from "audit"')
    expect(statements).not.toContain('pg_prepared_statements')
    await opened.store.close()
  })

  test('is not queried for a request that waited until its caller left or its deadline passed', async () => {
    const config = await place()
    const { store, driver } = await open({ ...config, maxConnections: 1 })
    const { id } = await signedIn({ store }, (await newcomer({ store })).account.id)
    const { accounts } = driver.tables
    const slow = driver.read(driver.db.select({ slept: sql<string>`pg_sleep(3)::text` }).from(accounts))
    let isGone = false
    const rotate = (limit: Limit) =>
      withinLimit(limit, () => store.sessions.rotate(id, 0, later(1), later(900))).then(() => 'rotated', busy)
    const abandoned = rotate(new Limit(60_000, () => isGone))
    const late = rotate(new Limit(50))
    isGone = true
    expect(await Promise.all([abandoned, late])).toEqual([1, 1])
    expect(await slow).toHaveLength(1)
    expect(await store.sessions.find(id)).toMatchObject({ generation: 0 })
    await store.close()
  })

  test('cancels slow statements on the server as well, and continues on another connection', async () => {
    const config = await place()
    const { store, driver } = await open({ ...config, maxConnections: 1 })
    const { account } = await newcomer({ store })
    const { accounts } = driver.tables
    const slow = driver.db.select({ slept: sql<string>`pg_sleep(60)::text` }).from(accounts)
    expect(await withinLimit(new Limit(100), () => driver.read(slow)).catch(busy)).toBe(1)
    const other = await connectPostgres(config.url)
    const asleep = async () =>
      (
        await other.query(
          "select 1 from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database() and state = 'active'",
        )
      ).rowCount
    await expect.poll(asleep).toBe(0)
    expect(await store.accounts.find(account.id)).toEqual(account)
    await other.end()
    await store.close()
  })

  test.each(['it got 503', 'its time was up'] as const)(
    'commits nothing for a request whose last statement ended after %s',
    async (when) => {
      const config = await place()
      const { store, driver } = await open(config)
      const { account } = await newcomer({ store })
      const { accounts } = driver.tables
      let answered = (): void => undefined
      const answer = new Promise<void>((resolve) => {
        answered = resolve
      })
      const endsLate = async (): Promise<void> => {
        if (when === 'it got 503') return answer
        // The timer that ends requests has not noticed yet.
        const now = performance.now()
        vi.spyOn(performance, 'now').mockReturnValue(now + 60_000)
      }
      const limit = new Limit(when === 'it got 503' ? 1000 : 60_000)
      const naming = withinLimit(limit, () =>
        driver.atomic(function* (tx): Script<void> {
          yield tx.update(accounts).set({ name: 'Too late' }).where(eq(accounts.id, account.id))
          yield { prepare: () => ({ execute: endsLate }) } as unknown as PromiseLike<unknown>
        }),
      ).then(() => 'done', busy)
      void naming.then(answered)
      expect(await naming).toBe(1)
      vi.restoreAllMocks()
      const other = await connectPostgres(config.url)
      const inTransaction = async () =>
        (
          await other.query(
            "select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'",
          )
        ).rowCount
      await expect.poll(inTransaction).toBe(0)
      expect((await store.accounts.find(account.id))?.name).toBe(account.name)
      await other.end()
      await store.close()
    },
  )

  test('serves at most a thousand waiting requests: further ones are refused at once', async () => {
    const config = await place()
    const { store, driver } = await open({ ...config, maxConnections: 1 })
    const other = await connectPostgres(config.url)
    await other.query("select pg_advisory_lock(hashtextextended('slow', 0))")
    const waiting = Array.from({ length: 1100 }, () =>
      driver.atomic(function* () {}, ['slow']).then(() => 'done', busy),
    )
    expect(await Promise.race(waiting)).toBe(1)
    await other.query("select pg_advisory_unlock(hashtextextended('slow', 0))")
    const answers = await Promise.all(waiting)
    expect(answers.filter((answer) => answer === 'done')).toHaveLength(1001)
    await other.end()
    await store.close()
  })

  test('without a free connection within a second is not ready', async () => {
    const config = await place()
    const opened = await open({ ...config, maxConnections: 1 })
    const other = await connectPostgres(config.url)
    await other.query("select pg_advisory_lock(hashtextextended('busy', 0))")
    const stuck = opened.driver.atomic(
      // biome-ignore lint/correctness/useYield: it only waits for its lock
      function* () {
        return 'let go'
      },
      ['busy'],
    )
    expect(await opened.store.ready()).toBe(false)
    await other.query("select pg_advisory_unlock(hashtextextended('busy', 0))")
    expect(await stuck).toBe('let go')
    expect(await opened.store.ready()).toBe(true)
    await other.end()
    await opened.store.close()
  })

  test('ends an idle transaction of ours, which would keep its rows locked', async () => {
    const { store, driver } = await open(await place())
    await newcomer({ store })
    const limit = sql<string>`current_setting('idle_in_transaction_session_timeout')`
    const limits = await driver.atomic(function* (tx) {
      return yield* step(tx.select({ limit }).from(driver.tables.accounts))
    })
    expect(limits).toEqual([{ limit: '10s' }])
    await store.close()
  })

  test('with thousands of sessions looks up the few that rotate by index', async () => {
    const config = await place()
    const { store } = await open(config)
    const { id, accountId } = await signedIn({ store }, (await newcomer({ store })).account.id)
    const other = await connectPostgres(config.url)
    await other.query('create temp table copy as select * from sessions')
    await other.query(`insert into sessions
      select (jsonb_populate_record(copy, jsonb_build_object('id', 'ses_' || n))).* from copy, generate_series(1, 5000) n`)
    await other.query('analyze sessions')
    expect(await store.sessions.rotate(id, 0, later(1), later(900))).toMatchObject({ accountId, generation: 1 })
    const { rows: asked } = await other.query<{ query: string }>(
      `select query from pg_stat_activity where query like 'with "presented"%' and datname = current_database()`,
    )
    const { rows } = await other.query<{ 'QUERY PLAN': string }>(`explain (generic_plan) ${asked[0]?.query}`)
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toContain('using sessions_pkey')
    expect(plan).not.toContain('Seq Scan on sessions')
    // Locks the rows once for the whole group, not again for each of them.
    expect(plan).toMatch(/^ *CTE presented\n *-> {2}LockRows/m)
    await Promise.all([other.end(), store.close()])
  })

  test('with a locked message sends all others: to other domains, and the next one to its own', async () => {
    const config = await place()
    const { store } = await open(config)
    const messages = ['a', 'a', 'b', 'c'].map((name, n) => mail({ to: `ada@${name}.example`, nextAttemptAt: later(n) }))
    for (const message of messages) await store.mails.post(message)
    const other = await connectPostgres(config.url)
    await other.query('begin')
    await other.query('select from mails where id = $1 for update', [messages[0]?.id])
    const next = takeTurns(store.mails, () => later(60), 300)
    const taken: (string | undefined)[] = []
    for (let n = 0; n < 4; n++) taken.push((await next(() => false))?.item.id)
    expect(taken).toEqual([...messages.slice(1).map(({ id }) => id), undefined])
    await other.query('rollback')
    expect((await next(() => false))?.item.id).toBe(messages[0]?.id)
    await other.end()
    await store.close()
  })

  test('that breaks a deadlock lets both scripts succeed', async () => {
    const { store, driver } = await open(await place())
    const { tables } = driver
    const ids = [(await newcomer({ store })).account.id, (await newcomer({ store })).account.id]
    let holding = 0
    let bothHold = (): void => {}
    const met = new Promise<void>((resolve) => {
      bothHold = resolve
    })
    /** Two rows in the given order; the second only when both scripts hold their first. */
    const script = (first: string, second: string, name: string) =>
      driver.atomic(function* (tx): Script<void> {
        yield tx.update(tables.accounts).set({ name }).where(eq(tables.accounts.id, first))
        if (++holding === 2) bothHold()
        const query = tx.update(tables.accounts).set({ name }).where(eq(tables.accounts.id, second))
        const prepare = () => ({
          execute: async () => {
            await met
            await query
          },
        })
        yield { prepare } as unknown as PromiseLike<unknown>
      })
    const [a = '', b = ''] = ids
    await Promise.all([script(a, b, 'forth'), script(b, a, 'back')])
    // A script that was rolled back may lose again.
    expect(holding).toBeGreaterThanOrEqual(3)
    const [one, other] = await Promise.all(ids.map((id) => store.accounts.find(id)))
    expect(one?.name).toBe(other?.name)
    await store.close()
  })

  test('that breaks a deadlock lets a single statement succeed as well', async () => {
    const config = await place()
    const { store, driver } = await open(config)
    const person = (await newcomer({ store })).account.id
    const ids = ['ses_1', 'ses_2']
    for (const id of ids) await signedIn({ store }, person, { id })
    const [first, other] = [await connectPostgres(config.url), await connectPostgres(config.url)]
    const ofOthers = 'update sessions set name = $2 where id = $1'
    await first.query('begin')
    await first.query('select 1 from sessions where id = $1 for update', [ids[0]])
    // Each connection checks for a deadlock once, some time after it began to wait: only ours does so in this test.
    await other.query('set deadlock_timeout = 600000; begin')
    await other.query(ofOthers, [ids[1], 'Theirs'])
    // It locks its rows in the order of their IDs. The other waits behind it for the first row, so the deadlock is there
    // as soon as it needs the second.
    const { sessions } = driver.tables
    const ours = driver
      .write(driver.db.update(sessions).set({ name: 'Ours' }).where(eq(sessions.accountId, person)))
      .then(() => 'done', busy)
    await expect.poll(() => listLockWaiters(first)).toHaveLength(1)
    const theirs = other.query(ofOthers, [ids[0], 'Theirs'])
    await expect.poll(() => listLockWaiters(first)).toHaveLength(2)
    await first.query('rollback')
    await theirs
    await other.query('commit')
    expect(await ours).toBe('done')
    for (const id of ids) expect(await store.sessions.find(id)).toMatchObject({ name: 'Ours' })
    await store.close()
    const deadlocks = 'select deadlocks::int from pg_stat_database where datname = current_database()'
    // On a busy server, the repeated statement may meet the other one again.
    await expect.poll(async () => (await first.query(deadlocks)).rows[0].deadlocks).toBeGreaterThanOrEqual(1)
    await Promise.all([first.end(), other.end()])
  })

  // An error that nobody listens for ends the process, as it ends a test run.
  test.each([
    ['the only one there is', 1, 1, 1],
    ['four at once, and others wait for their connections', 8, 6, 4],
  ])(
    'that ends our transaction, %s, is reported as busy, and is used again',
    async (_name, scripts, maxConnections, atOnce) => {
      const config = await place()
      const { store, driver } = await open({ ...config, maxConnections })
      const person = (await newcomer({ store })).account.id
      const { accounts } = driver.tables
      const other = await connectPostgres(config.url)
      const observer = await connectPostgres(config.url)
      const naming = (name: string) =>
        driver.atomic(function* (tx) {
          yield* step(tx.select({ id: accounts.id }).from(accounts))
          yield* step(tx.update(accounts).set({ name }).where(eq(accounts.id, person)))
        })
      await other.query('begin; select 1 from accounts for update')
      const told = Promise.all(Array.from({ length: scripts }, (_, n) => naming(`Name ${n}`).then(() => 'done', busy)))
      await expect.poll(() => listLockWaiters(observer)).toHaveLength(atOnce)
      for (const pid of await listLockWaiters(observer)) await observer.query('select pg_terminate_backend($1)', [pid])
      await other.query('commit')
      expect((await told).slice(0, atOnce)).toEqual(Array(atOnce).fill(5))
      // The next user of a connection may receive the error that ended the one before.
      await expect.poll(() => naming('Afterwards').then(() => 'done', busy)).toBe('done')
      expect((await store.accounts.find(person))?.name).toBe('Afterwards')
      await Promise.all([other.end(), observer.end(), store.close()])
    },
  )

  test('that keeps refusing is not retried forever, and is reported as busy', async () => {
    const { store, driver } = await open(await place())
    let asked = 0
    const refused = driver.atomic(
      // biome-ignore lint/correctness/useYield: it fails before its first statement
      function* () {
        asked++
        throw Object.assign(new Error('could not serialize access'), { code: '40001' })
      },
    )
    expect(await refused.catch(busy)).toBe(1)
    expect(asked).toBe(5)
    await store.close()
  })

  test('that refuses writes is available again only after a write, whatever is read in the meantime', async () => {
    const reports: HealthChange[] = []
    const config = { ...(await place()), maxConnections: 1 }
    const driver = await openDriver(config, { report: (change) => reports.push(change) })
    const store = storeOver(driver, { clock: () => now, ids: newId, publish: () => {} })
    const { db, tables } = driver
    const one = sql`(values (1)) as one`
    const refuse = () =>
      driver.read(db.select({ on: sql`set_config('default_transaction_read_only', 'on', false)` }).from(one))
    const rename = db.update(tables.accounts).set({ name: 'Nobody' }).where(eq(tables.accounts.id, 'usr_none'))
    for (let n = 0; n < 3; n++) {
      await refuse()
      // The connection is then replaced by one that writes.
      expect(await driver.write(rename).catch(busy)).toBe(30)
      await driver.read(db.select({ n: sql`1` }).from(one))
      await driver.readLong(db.select().from(tables.accounts))
      await driver.reads(db.select().from(tables.accounts))({})
      await driver.atomic(function* (tx) {
        yield* step(tx.select().from(tables.accounts))
      })
      await driver.write(rename)
    }
    expect(reports).toMatchObject([{ state: 'refusing', cause: { code: '25006' } }])
    await expect.poll(store.ready).toBe(true)
    expect(reports.map(({ state }) => state)).toEqual(['refusing', 'healthy'])
    await driver.close()
  })

  test('reports errors without the written values', async () => {
    const { store } = await open(await place())
    const device = await signedIn({ store }, (await newcomer({ store })).account.id)
    const issued = code(device, { codeHash: 'the-secret-hash' })
    await store.codes.issue(issued)
    const error = await store.codes.issue(issued).catch((thrown: Error) => thrown)
    expect(error).toBeInstanceOf(pg.DatabaseError)
    const everything = JSON.stringify([error, (error as Error).message, (error as Error).stack, (error as Error).cause])
    expect(everything).toContain('sign_in_codes_pkey')
    expect(everything).not.toContain('the-secret-hash')
    await store.close()
  })

  test('ends all sessions of an account although another request ends one of them concurrently', async () => {
    const config = await place()
    const opened = await open(config)
    const { store, driver } = opened
    const { account } = await newcomer(opened)
    // From before there was a limit.
    await insertSessions(driver, account.id, 600)
    const [latest] = await store.sessions.list(account.id, now)
    const other = await connectPostgres(config.url)
    await other.query('begin')
    await other.query("update sessions set ended_at = now(), end_reason = 'logout' where id = $1", [latest?.id])
    const ending = store.sessions.endAll(account.id, null, 'logout_all', now, loggedOut(account.id))
    await expect.poll(() => listLockWaiters(other)).toHaveLength(1)
    await other.query('commit')
    expect(await ending).toHaveLength(599)
    expect(await store.sessions.list(account.id, now)).toEqual([])
    await other.end()
    await store.close()
  })
})
