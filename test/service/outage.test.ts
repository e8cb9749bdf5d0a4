import { connect, createServer, type Socket } from 'node:net'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import { administratorOf, discovered, enter, register, request } from '../support/applications.ts'
import { createDatabase } from '../support/postgres.ts'
import { type Answer, databases, freePort, refusalOf, startWorld } from '../support/service.ts'

/** A connection to a PostgreSQL database that can be cut, whatever is in progress on it. */
async function wayTo(url: string) {
  const { hostname, port: behind } = new URL(url)
  const port = await freePort()
  const open = new Set<Socket>()
  const door = createServer((here) => {
    const there = connect(Number(behind), hostname)
    for (const [one, other] of [
      [here, there],
      [there, here],
    ] as const) {
      open.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  const mend = () => new Promise<void>((resolve) => door.listen(port, '127.0.0.1', resolve))
  const cut = () =>
    new Promise<void>((resolve) => {
      door.close(() => resolve())
      for (const socket of open) socket.destroy()
      open.clear()
    })
  await mend()
  const through = new URL(url)
  through.port = String(port)
  return { url: through.href, cut, mend }
}

const told = (answer: Answer) => [...refusalOf(answer), answer.headers.get('retry-after') !== null]

test('a database outage returns 503, and no data is lost or mixed up', async () => {
  const way = await wayTo(await createDatabase())
  const world = await startWorld({ env: { DATABASE_URL: way.url } })
  const people = await Promise.all(Array.from({ length: 12 }, () => world.signIn('google', world.newcomer())))
  const [somebody] = people
  const refresh = (token: unknown) => world.call('POST', '/auth/refresh', { body: { refresh_token: token } })
  const all = () => Promise.all(people.map(({ refresh_token }) => refresh(refresh_token)))

  // In the middle of a write: some may have been answered.
  const answered = all()
  await way.cut()
  for (const answer of await answered) expect([200, 503]).toContain(answer.status)

  expect((await all()).map(told)).toEqual(people.map(() => [503, 'not_ready', true]))
  for (const path of ['/me', '/me/sessions', '/health/ready'])
    expect(told(await world.call('GET', path, { token: somebody?.access_token }))).toEqual([503, 'not_ready', true])
  expect((await world.call('GET', '/health/live')).status).toBe(200)
  const states = () => world.logged.filter((line) => line.includes('database.state')).map((line) => JSON.parse(line))
  // One line for the whole outage, with its cause; and one when it is over.
  expect(states()).toMatchObject([{ level: 'error', state: 'unreachable' }])
  expect(world.logged.join('')).not.toContain('"msg":"defect"')

  await way.mend()
  for (const [n, answer] of (await all()).entries()) {
    expect(answer.status, answer.text).toBe(200)
    const me = await world.call('GET', '/me', { token: String(answer.body.access_token) })
    expect(me.body.id).toBe(people[n]?.user.id)
  }
  expect(states()).toMatchObject([{ state: 'unreachable' }, { level: 'info', state: 'healthy' }])
  await world.stop()
  await way.cut()
})

test('a database file locked by another process returns 503 for writes, and no data is lost', async () => {
  const world = await startWorld({ env: { REQUEST_DEADLINE_MS: '1000' } })
  const { access_token, refresh_token } = await world.signIn('google', world.newcomer())
  const browser = world.openBrowser()
  await browser.signIn('google', world.newcomer())
  const config = await discovered(world, await register(world, await administratorOf(world)))
  const application = await enter(world, browser, config)
  const refresh = () => world.call('POST', '/auth/refresh', { body: { refresh_token } })
  const other = connectSqlite(world.databaseUrl.slice('file:'.length))
  other.exec('BEGIN IMMEDIATE')
  // Neither token was used yet, and that cannot be written now.
  for (const token of [access_token, application.access_token])
    expect((await world.call('GET', '/me', { token })).status).toBe(200)
  expect(told(await refresh())).toEqual([503, 'not_ready', true])
  other.exec('COMMIT')
  other.close()
  expect((await refresh()).status).toBe(200)
  await world.stop()
})

/** Makes each statement on one table fail as in an outage, and no other one. */
function failOn(name: string): void {
  const lost = (code: string): Error => Object.assign(new Error('the database is gone'), { code })
  const statement = Object.getPrototypeOf(connectSqlite(':memory:').prepare('select 1')) as Record<
    'get' | 'all',
    (this: { readonly source: string }, ...given: unknown[]) => unknown
  >
  for (const verb of ['get', 'all'] as const) {
    const original = statement[verb]
    vi.spyOn(statement, verb).mockImplementation(function (this: { readonly source: string }, ...given) {
      if (this.source.includes(name)) throw lost('SQLITE_BUSY')
      return Reflect.apply(original, this, given)
    })
  }
  const { query } = pg.Client.prototype
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...given: unknown[]) {
    const [asked] = given as [string | { readonly text: string }]
    if ((typeof asked === 'string' ? asked : asked.text).includes(name)) throw lost('ECONNRESET')
    return Reflect.apply(query, this, given)
  } as typeof query)
}

describe.each(databases)('an outage of %s', (database) => {
  test('while the key of an id_token_hint is read returns 503, and does not blame the application', async () => {
    const world = await startWorld({ database })
    try {
      const config = await discovered(world, await register(world, await administratorOf(world)))
      const browser = world.openBrowser()
      await browser.signIn('google', world.newcomer())
      const { id_token: hint = '' } = await enter(world, browser, config)
      const [, payload, signature] = hint.split('.')
      const header = { alg: 'ES256', kid: 'key_of_another_node' }
      const unknown = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.${signature}`
      const ask = async (token: string) =>
        browser.ask((await request(config, { more: { prompt: 'none', id_token_hint: token } })).url)
      // An unknown key is looked for once every ten seconds.
      world.turn(11)
      failOn('signing_keys')
      const { status, headers } = await ask(unknown)
      expect([status, headers.get('location'), headers.get('retry-after')]).toEqual([503, null, expect.any(String)])
      vi.restoreAllMocks()
      world.turn(11)
      const refused = await ask(unknown)
      expect(refused.headers.get('location')).toContain('error=invalid_request')
      expect((await ask(hint)).headers.get('location')).toContain('code=')
    } finally {
      vi.restoreAllMocks()
      await world.stop()
    }
  })
})
