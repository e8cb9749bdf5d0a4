import type pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { administratorOf, discovered, enter, register } from '../support/applications.ts'
import { connectPostgres, createMigratedDatabase, listLockWaiters } from '../support/postgres.ts'
import { proxyTo } from '../support/proxy.ts'
import { type Answer, refusalOf, startWorld } from '../support/service.ts'

/** Milliseconds: long enough for a slow machine to respond, short enough to wait for. */
const deadline = 3000
/** How much later a response may be on a machine that is busy with other work, in milliseconds. */
const slack = 20_000

type World = Awaited<ReturnType<typeof startWorld>>
type Person = Awaited<ReturnType<World['signIn']>>

describe('a PostgreSQL database', () => {
  let proxy: Awaited<ReturnType<typeof proxyTo>>
  /** Its own node reaches the database directly, and has time: people sign in there before the fault begins. */
  let world: World
  /** The node with the deadline, which reaches the database through the proxy. */
  let node: string
  /** A connection that bypasses the service and the proxy. */
  let operator: pg.Client

  beforeEach(async () => {
    const url = await createMigratedDatabase()
    proxy = await proxyTo(url)
    operator = await connectPostgres(url)
    world = await startWorld({ env: { DATABASE_URL: url, LOG_LEVEL: 'info' } })
    const hurried = await world.another({ DATABASE_URL: proxy.url, REQUEST_DEADLINE_MS: String(deadline) })
    node = hurried.base
  })
  afterEach(async () => {
    await operator.end()
    await world.stop()
    await proxy.cut()
  })

  const people = (count: number): Promise<Person[]> =>
    Promise.all(Array.from({ length: count }, () => world.signIn('google', world.newcomer())))
  const refresh = (token: unknown, at = node): Promise<Answer> =>
    world.call('POST', '/auth/refresh', { at, body: { refresh_token: token } })
  const me = (token: unknown, at = node): Promise<Answer> => world.call('GET', '/me', { at, token: String(token) })
  const health = (path: 'ready' | 'live'): Promise<Answer> => world.call('GET', `/health/${path}`, { at: node })
  const timed = async (asked: Promise<Answer>): Promise<{ answer: Answer; ms: number }> => {
    const began = performance.now()
    const answer = await asked
    return { answer, ms: performance.now() - began }
  }
  const notReady = [503, 'not_ready']
  const backends = async (): Promise<number[]> => {
    const { rows } = await operator.query<{ pid: number }>(
      `select pid from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and application_name = 'vinculum'`,
    )
    return rows.map(({ pid }) => pid)
  }
  test('that keeps dropping connections leads to correct responses or 503', async () => {
    const all = await people(4)
    let over = false
    const found: Answer[] = []
    const chains = all.map(async ({ access_token, refresh_token, user }) => {
      let token: unknown = refresh_token
      while (!over) {
        const mine = await me(access_token)
        found.push(mine)
        if (mine.status === 200) expect(mine.body.id).toBe(user.id)
        const next = await refresh(token)
        found.push(next)
        if (next.status === 200) token = next.body.refresh_token
      }
      return token
    })
    const worked = (): number => found.filter(({ status }) => status === 200).length
    for (let round = 0; round < 8; round++) {
      const before = worked()
      await expect.poll(worked).toBeGreaterThan(before + 10)
      if (round % 2) proxy.reset()
      else for (const pid of await backends()) await operator.query('select pg_terminate_backend($1)', [pid])
    }
    over = true
    const tokens = await Promise.all(chains)
    const odd = found.filter(({ status }) => status !== 200 && status !== 503)
    expect(odd.map(({ status, text }) => [status, text])).toEqual([])
    // No session was lost.
    for (const token of tokens) await expect.poll(async () => (await refresh(token)).status).toBe(200)
  })

  type Refresh = {
    readonly access: string
    readonly first: string
    readonly again: (token: string) => Promise<Answer>
  }
  const refreshes: Readonly<Record<'sessions' | 'application_sessions', (at: string) => Promise<Refresh>>> = {
    async sessions(at) {
      const [person] = await people(1)
      return {
        access: String(person?.access_token),
        first: String(person?.refresh_token),
        again: (token) => world.call('POST', '/auth/refresh', { at, body: { refresh_token: token } }),
      }
    },
    async application_sessions(at) {
      const { id, secret } = await register(world, await administratorOf(world))
      const browser = world.openBrowser()
      await browser.signIn('google', world.newcomer())
      const { access_token: access, refresh_token } = await enter(
        world,
        browser,
        await discovered(world, { id, secret }),
      )
      const headers = { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
      return {
        access,
        first: String(refresh_token),
        again: (token) =>
          world.call('POST', '/oauth/token', {
            at,
            form: { grant_type: 'refresh_token', refresh_token: token },
            headers,
          }),
      }
    },
  }
  test.each(Object.keys(refreshes) as (keyof typeof refreshes)[])(
    'whose connection breaks during a refresh leads to its tokens, although nobody knows if it was committed: %s',
    async (table) => {
      const { base } = await world.another({ DATABASE_URL: proxy.url })
      const { first, again } = await refreshes[table](base)
      const generations = async () =>
        (await operator.query(`select max(generation)::int as generation from ${table}`)).rows
      await operator.query(`begin; select 1 from ${table} for update`)
      const asked = again(first)
      await expect.poll(() => listLockWaiters(operator)).toHaveLength(1)
      proxy.reset()
      // The first attempt still waits on the server and will commit; the second waits behind it.
      await expect.poll(() => listLockWaiters(operator)).toHaveLength(2)
      await operator.query('rollback')
      const { status, body } = await asked
      expect([status, body.code]).toEqual([200, undefined])
      expect(await generations()).toEqual([{ generation: 2 }])
      expect((await again(String(body.refresh_token))).status).toBe(200)
      expect(await generations()).toEqual([{ generation: 3 }])
    },
  )

  test('whose table is locked leads to responses in time, and recovers as soon as it is free', async () => {
    const all = await people(6)
    await operator.query('begin; lock table sessions')
    const answers = await Promise.all(all.map(({ refresh_token }) => timed(refresh(refresh_token))))
    for (const { answer, ms } of answers) {
      expect(refusalOf(answer)).toEqual(notReady)
      expect(answer.headers.get('retry-after')).not.toBeNull()
      expect(ms).toBeLessThan(deadline + slack)
    }
    // A canceled statement does not run once the lock is released.
    await expect.poll(() => listLockWaiters(operator)).toEqual([])
    await expect.poll(async () => (await health('ready')).status).toBe(200)
    await operator.query('rollback')
    const { rows } = await operator.query('select distinct generation::int as generation from sessions')
    expect(rows).toEqual([{ generation: 1 }])
    for (const { refresh_token } of all) expect((await refresh(refresh_token)).status).toBe(200)
  })

  /** A node with time: there, a request that waits for a locked row gets no answer before the row is free. */
  const patientNode = async (): Promise<string> => (await world.another({ DATABASE_URL: proxy.url })).base

  test('with one locked row delays nobody else', async () => {
    const at = await patientNode()
    const [held, ...others] = await people(9)
    const application = await refreshes.application_sessions(at)
    const { sid } = JSON.parse(atob(held?.refresh_token.split('.')[1] ?? '')) as { sid: string }
    await operator.query('begin')
    await operator.query('select 1 from sessions where id = $1 for update', [sid])
    const inTime = Promise.all(Array.from({ length: 3 }, () => refresh(held?.refresh_token)))
    const theirs = Array.from({ length: 3 }, () => refresh(held?.refresh_token, at))
    let tokens: unknown[] = others.map(({ refresh_token }) => refresh_token)
    let ofApplication: unknown = application.first
    for (let round = 0; round < 3; round++) {
      // Each request of the device would record that it has this token.
      const mine = Promise.all(Array.from({ length: 20 }, () => me(held?.access_token, at)))
      const inProgress = [...tokens.map((token) => refresh(token, at)), application.again(String(ofApplication))]
      theirs.push(refresh(held?.refresh_token, at))
      const answers = await Promise.all(inProgress)
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      ofApplication = answers.pop()?.body.refresh_token
      tokens = answers.map(({ body }) => body.refresh_token)
      expect((await mine).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    }
    expect((await inTime).map(refusalOf)).toEqual([notReady, notReady, notReady])
    await operator.query('rollback')
    await Promise.all(theirs)
    expect((await refresh(held?.refresh_token, at)).status).toBe(200)
  })

  test('with the locked rows of many devices delays no refresh of others', async () => {
    const at = await patientNode()
    const others = await people(4)
    const who = world.newcomer()
    const held = await Promise.all(Array.from({ length: 40 }, () => world.signIn('google', who)))
    await operator.query('begin')
    await operator.query('select 1 from sessions where account_id = $1 for update', [held[0]?.user.id])
    const mine = Promise.all(held.map(({ access_token }) => me(access_token, at)))
    await expect.poll(async () => (await listLockWaiters(operator)).length).toBeGreaterThan(5)
    const answers = await Promise.all(others.map(({ refresh_token }) => refresh(refresh_token, at)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect((await mine).map(({ status }) => status)).toEqual(held.map(() => 200))
    await operator.query('rollback')
  })

  test('that is stopped leads to responses in time, and no session is lost', async () => {
    const all = await people(4)
    const stopped = await backends()
    expect(stopped.length).toBeGreaterThan(1)
    for (const pid of stopped) process.kill(pid, 'SIGSTOP')
    try {
      const answers = await Promise.all(all.map(({ refresh_token }) => timed(refresh(refresh_token))))
      for (const { answer, ms } of answers) {
        expect([200, 503]).toContain(answer.status)
        expect(ms).toBeLessThan(deadline + slack)
      }
      // New connections are served: the pool has recovered.
      for (const { access_token } of all) await expect.poll(async () => (await me(access_token)).status).toBe(200)
    } finally {
      for (const pid of stopped) process.kill(pid, 'SIGCONT')
    }
    // The client retries with its previous token, as Retry-After asks.
    for (const { refresh_token } of all) {
      const answer = await refresh(refresh_token)
      expect(answer.status, answer.text).toBe(200)
      const again = await refresh(answer.body.refresh_token)
      expect(again.status, again.text).toBe(200)
    }
  })

  test('behind a network that drops every packet leads to responses in time, and recovers', async () => {
    const [one] = await people(2)
    proxy.swallow(true)
    const answers = await Promise.all([
      timed(refresh(one?.refresh_token)),
      timed(me(one?.access_token)),
      timed(health('ready')),
    ])
    for (const { answer, ms } of answers) {
      expect(refusalOf(answer)).toEqual(notReady)
      expect(ms).toBeLessThan(deadline + slack)
    }
    expect((await health('live')).status).toBe(200)
    proxy.swallow(false)
    await expect.poll(async () => (await refresh(one?.refresh_token)).status).toBe(200)
    await expect.poll(async () => (await health('ready')).status).toBe(200)
  })

  test('that is busy with slow work still serves authentication and readiness', async () => {
    const all = await people(12)
    // The row that every request below changes; reading it needs no lock.
    await operator.query('begin; select 1 from accounts for update')
    let isEnough = false
    const slow = all.map(async ({ access_token: token }) => {
      const found: Awaited<ReturnType<typeof timed>>[] = []
      while (!isEnough)
        found.push(await timed(world.call('PATCH', '/me', { at: node, token, body: { name: 'Somebody else' } })))
      return found
    })
    await expect.poll(async () => (await listLockWaiters(operator)).length).toBeGreaterThan(5)
    expect((await me(all[0]?.access_token)).status).toBe(200)
    await expect.poll(async () => (await health('ready')).status).toBe(200)
    isEnough = true
    for (const { answer, ms } of (await Promise.all(slow)).flat()) {
      expect(refusalOf(answer)).toEqual(notReady)
      expect(ms).toBeLessThan(deadline + slack)
    }
    await operator.query('rollback')
    const { rows } = await operator.query("select 1 from accounts where name = 'Somebody else'")
    expect(rows).toEqual([])
  })

  test('that became read-only is not ready, and still authenticates requests', async () => {
    const [one] = await people(1)
    const application = await refreshes.application_sessions(node)
    await operator.query(
      `do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`,
    )
    proxy.reset()
    expect((await me(one?.access_token)).status).toBe(200)
    expect((await me(application.access)).status).toBe(200)
    expect(refusalOf(await refresh(one?.refresh_token))).toEqual(notReady)
    expect(refusalOf(await health('ready'))).toEqual(notReady)
    expect(world.logged.join('')).toMatch(/"state":"refusing".*"25006"/)
    await operator.query(`set default_transaction_read_only = off;
      do $$ begin execute format('alter database %I reset default_transaction_read_only', current_database()); end $$`)
    await expect.poll(async () => (await refresh(one?.refresh_token)).status).toBe(200)
  })
})
