/**
 * The cost of the hot requests in machine-independent units: the statements the database runs, and the event-loop turns
 * our code waits for. Every sign-in pays both; raise a number here only on purpose.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { PgDialect } from 'drizzle-orm/pg-core'
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import { administratorOf, discovered, enter, register } from '../support/applications.ts'
import { databases, startWorld, type World } from '../support/service.ts'

const api = 'https://api.example.org/'

type Cost = { readonly statements: number; readonly turns: number }
type Request =
  | 'refresh'
  | 'refresh of an application'
  | '/me'
  | 'social sign-in of a known person'
  | 'social sign-in at the limit of sessions'
type Costs = Readonly<Record<Request, Cost>>

/** The maximum cost of each request, transactions included: BEGIN and COMMIT are statements, too. */
const most: Readonly<Record<(typeof databases)[number], Costs>> = {
  SQLite: {
    refresh: { statements: 3, turns: 1 },
    'refresh of an application': { statements: 5, turns: 1 },
    '/me': { statements: 2, turns: 0 },
    'social sign-in of a known person': { statements: 18, turns: 3 },
    'social sign-in at the limit of sessions': { statements: 20, turns: 3 },
  },
  PostgreSQL: {
    refresh: { statements: 1, turns: 1 },
    'refresh of an application': { statements: 2, turns: 0 },
    '/me': { statements: 1, turns: 0 },
    'social sign-in of a known person': { statements: 12, turns: 0 },
    'social sign-in at the limit of sessions': { statements: 14, turns: 0 },
  },
}

type Verb = (this: { readonly source: string }, ...given: unknown[]) => unknown
/** The prototype of every SQLite statement: all of them run through one of these methods. */
const statement = Object.getPrototypeOf(connectSqlite(':memory:').prepare('select 1')) as Record<
  'run' | 'get' | 'all',
  Verb
>
/** The method that renders a Drizzle query as SQL, for either database. */
const dialects = [SQLiteSyncDialect.prototype, PgDialect.prototype] as {
  sqlToQuery(...given: never[]): { sql: string }
}[]

type Watched = { readonly statements: string[]; readonly turns: string[]; readonly built: string[] }

/**
 * Runs `work`. Records each statement, each turn of the event loop that our code waits for, and each statement that
 * Drizzle builds.
 */
async function watch(work: () => Promise<unknown>): Promise<Watched> {
  const statements: string[] = []
  const turns: string[] = []
  const built: string[] = []
  for (const dialect of dialects) {
    const { sqlToQuery } = dialect
    vi.spyOn(dialect, 'sqlToQuery').mockImplementation(function (this: typeof dialect, ...given) {
      const query = Reflect.apply(sqlToQuery, this, given)
      built.push(query.sql)
      return query
    })
  }
  for (const verb of ['run', 'get', 'all'] as const) {
    const original = statement[verb]
    vi.spyOn(statement, verb).mockImplementation(function (this: { readonly source: string }, ...given) {
      statements.push(this.source)
      return Reflect.apply(original, this, given)
    })
  }
  const { query } = pg.Client.prototype
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...given: unknown[]) {
    const [asked] = given as [string | { readonly text: string }]
    statements.push(typeof asked === 'string' ? asked : asked.text)
    return Reflect.apply(query, this, given)
  } as typeof query)
  const { setImmediate: later } = globalThis
  vi.spyOn(globalThis, 'setImmediate').mockImplementation(((...given: Parameters<typeof later>) => {
    const ours = new Error().stack?.split('\n').find((line) => line.includes('/src/'))
    if (ours !== undefined) turns.push(ours.trim())
    return later(...given)
  }) as typeof later)
  try {
    await work()
    return { statements, turns, built }
  } finally {
    vi.restoreAllMocks()
  }
}

describe.each(databases)('the cost of a request on %s', (database) => {
  let world: World
  let administrator: () => Promise<string>
  beforeAll(async () => {
    world = await startWorld({ database })
    administrator = await administratorOf(world)
  })
  afterAll(() => world.stop())

  const works: Readonly<Record<keyof Costs, (who: string) => Promise<() => Promise<unknown>>>> = {
    async refresh(who) {
      const first = await world.signIn('beta', who)
      const { body } = await world.call('POST', '/auth/refresh', { body: { refresh_token: first.refresh_token } })
      const { refresh_token } = body
      return () => world.call('POST', '/auth/refresh', { body: { refresh_token } })
    },
    async 'refresh of an application'(who) {
      const { id, secret } = await register(world, administrator, { resources: [api] })
      const browser = world.openBrowser()
      await browser.signIn('beta', who)
      const options = { scope: 'openid', more: { resource: api } }
      const { refresh_token = '' } = await enter(world, browser, await discovered(world, { id, secret }), options)
      const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
      const refresh = async (token: string) => {
        const form = { grant_type: 'refresh_token', refresh_token: token }
        const { status, body, text } = await world.call('POST', '/oauth/token', { form, headers: { authorization } })
        expect(status, text).toBe(200)
        return String(body.refresh_token)
      }
      // That the application and the device were used is recorded once a minute.
      const token = await refresh(await refresh(refresh_token))
      return () => refresh(token)
    },
    async '/me'(who) {
      const { access_token } = await world.signIn('beta', who)
      // The first use of a generation is recorded.
      await world.call('GET', '/me', { token: access_token })
      return () => world.call('GET', '/me', { token: access_token })
    },
    async 'social sign-in of a known person'(who) {
      await world.signIn('beta', who)
      await world.signIn('beta', who)
      return () => world.signIn('beta', who)
    },
    async 'social sign-in at the limit of sessions'(who) {
      for (let session = 0; session < 101; session++) await world.signIn('beta', who)
      return () => world.signIn('beta', who)
    },
  }

  test.each(Object.keys(works) as Request[])('%s', async (name) => {
    const work = await works[name](world.newcomer())
    const { statements, turns, built } = await watch(work)
    expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(most[database][name].statements)
    expect(turns.length, turns.join('\n')).toBeLessThanOrEqual(most[database][name].turns)
    // Building a statement takes longer than running it: hot requests use those that were built for the first one.
    expect(built).toEqual([])
  })

  test('does not track promises on SQLite, where every await would cost more', async () => {
    const tracked = vi.spyOn(AsyncLocalStorage.prototype, 'run')
    const own = await startWorld({ database })
    try {
      const { access_token } = await own.signIn('beta', 'ada')
      await own.call('GET', '/me', { token: access_token })
      // The refusals of one window are counted together, outside the limit of any of these requests.
      for (let guess = 0; guess < 12; guess++)
        await own.call('POST', '/auth/password/login', { body: { email: 'ada@example.com', password: 'a wrong one' } })
      expect(tracked.mock.calls.length > 0).toBe(database === 'PostgreSQL')
    } finally {
      vi.restoreAllMocks()
      await own.stop()
    }
  })
})
