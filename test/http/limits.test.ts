import request from 'supertest'
import { describe, expect, test } from 'vitest'
import { apiRoutes } from '../../src/http/api/index.ts'
import { operatingRoutes } from '../../src/http/api/operating.ts'
import { createLimiter, createLocalCounters, type Limiter } from '../../src/http/limits.ts'
import { pageRoutes } from '../../src/http/pages/index.ts'
import type { Route } from '../../src/http/route.ts'
import { receive } from '../support/http.ts'
import { createSurface, style } from './surface.tsx'

/** 203.0.113.9 in the notations proxies use. */
const spellings = [
  '203.0.113.9',
  '203.0.113.9:50123',
  '::ffff:203.0.113.9',
  '::FFFF:203.0.113.9',
  '::ffff:cb00:7109',
  '0:0:0:0:0:ffff:cb00:7109',
  '0000:0000:0000:0000:0000:ffff:203.0.113.9',
  '[::ffff:203.0.113.9]',
  '[::ffff:cb00:7109]:443',
  '::ffff:203.0.113.9%eth0',
]

const from = (surface: ReturnType<typeof createSurface>, ip: string, path = '/limited') =>
  request(surface.app).post(path).set('X-Forwarded-For', ip)

const ask = async (surface: ReturnType<typeof createSurface>, path: string, init: RequestInit = {}) =>
  receive(new URL(path, await surface.origin()), { redirect: 'manual', ...init })

async function exhaust(surface: ReturnType<typeof createSurface>, ip = '203.0.113.9') {
  for (let attempt = 0; attempt < 30; attempt += 1) expect((await from(surface, ip)).status).toBe(204)
}

test('the thirty-first attempt in a minute gets Retry-After, and succeeds after it', async () => {
  const surface = createSurface({ trustProxyHops: 1 })
  await exhaust(surface)
  surface.turn(15)
  const refused = await from(surface, '203.0.113.9')
  expect([refused.status, refused.body.code, refused.body.retry_after]).toEqual([429, 'rate_limited', 45])
  expect(refused.headers['retry-after']).toBe('45')
  expect(refused.body.detail).toContain('45 seconds')
  expect((await from(surface, '203.0.113.10')).status).toBe(204)
  surface.turn(45)
  expect((await from(surface, '203.0.113.9')).status).toBe(204)
})
test('a flood is refused without querying the shared counters again', async () => {
  const surface = createSurface({ trustProxyHops: 1 })
  await exhaust(surface)
  await from(surface, '203.0.113.9')
  const { asked } = surface.counters
  for (let attempt = 0; attempt < 5; attempt += 1) expect((await from(surface, '203.0.113.9')).status).toBe(429)
  expect(surface.counters.asked).toBe(asked)
})
test('two nodes share their counters', async () => {
  const one = createSurface({ trustProxyHops: 1 })
  const two = createSurface({ trustProxyHops: 1, rateLimits: one.counters })
  await exhaust(one)
  expect((await from(two, '203.0.113.9')).status).toBe(429)
})
test('all addresses of one IPv6 network count together', async () => {
  const surface = createSurface({ trustProxyHops: 1 })
  await exhaust(surface, '2001:db8:1:2::1')
  expect((await from(surface, '2001:db8:1:2:ffff::9')).status).toBe(429)
  expect((await from(surface, '2001:db8:1:3::1')).status).toBe(204)
})
test('an IPv4 address counts once, in whichever notation a proxy writes it', async () => {
  const surface = createSurface({ trustProxyHops: 1 })
  await exhaust(surface)
  for (const same of spellings) expect([same, (await from(surface, same)).status]).toEqual([same, 429])
  expect((await from(surface, '::ffff:203.0.113.10')).status).toBe(204)
})
test('every limit has its own counter', async () => {
  const surface = createSurface()
  for (let attempt = 0; attempt < 31; attempt += 1) await from(surface, '')
  expect((await from(surface, '')).status).toBe(429)
  expect((await request(surface.app).get('/things/thg_1')).status).toBe(200)
})
test('routes open to guessing fail closed without the counters; other routes continue', async () => {
  const surface = createSurface()
  surface.counters.fault = new Error('the database is away')
  const guess = await from(surface, '')
  expect([guess.status, guess.body.code, guess.headers['retry-after']]).toEqual([503, 'not_ready', '5'])
  expect((await request(surface.app).get('/things/thg_1')).status).toBe(200)
  expect(surface.defects.map(({ error }) => error)).toEqual([surface.counters.fault, surface.counters.fault])
  surface.counters.fault = null
  expect((await from(surface, '')).status).toBe(204)
})
test('unknown paths and provider health have the limit of a page', async () => {
  const health = () => []
  for (const [path, status] of [
    ['/nowhere', 404],
    ['/health/providers', 200],
  ] as const) {
    const surface = createSurface({
      routes: operatingRoutes as readonly Route<unknown>[],
      vinculum: { providers: { health } },
    })
    for (let attempt = 0; attempt < 240; attempt += 1) expect((await ask(surface, path)).status).toBe(status)
    const refused = await ask(surface, path)
    expect([path, refused.status, JSON.parse(refused.text).code]).toEqual([path, 429, 'rate_limited'])
  }
})
test.each<[string, string, string, Readonly<Record<string, string>>]>([
  ['a method a path does not support', 'put', '/mine', {}],
  ['an unknown method', 'm-search', '/pages/form', {}],
  ['a path that cannot be decoded', 'get', '/things/%E0%A4%A', {}],
  ['a page path that cannot be decoded', 'get', '/pages/fixed/%ff', {}],
  ['an unknown path', 'get', '/%zz/%zz', {}],
  ['an invalid body', 'post', '/things', { 'content-type': 'application/json', 'content-length': '0' }],
  ['too many headers', 'get', '/nowhere', Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`x-${at}`, '1']))],
  ['a static file', 'get', style.path, {}],
  ['a static file, with another method', 'delete', style.path, {}],
])('%s is rate limited', async (_, method, path, headers) => {
  const surface = createSurface()
  const status = async () => (await ask(surface, path, { method, headers })).status
  const first = await status()
  expect(first).not.toBe(429)
  let times = 1
  while (times < 1000 && (await status()) === first) times += 1
  expect([times < 1000, await status()]).toEqual([true, 429])
})
test('every route has a limit except liveness and readiness', () => {
  const unlimited = [...apiRoutes, ...pageRoutes].filter(({ limit }) => limit === 'none').map(({ path }) => path)
  expect(unlimited).toEqual(['/health/live', '/health/ready'])
})
test('keys, metadata and static files are rate limited without the database', async () => {
  const surface = createSurface({
    routes: operatingRoutes as readonly Route<unknown>[],
    vinculum: { keys: { jwks: () => ({ keys: [] }) } },
  })
  for (let times = 0; times < 600; times += 1) expect((await ask(surface, '/.well-known/jwks.json')).status).toBe(200)
  expect((await request(surface.app).get('/.well-known/jwks.json')).status).toBe(429)
  expect((await request(surface.app).get(style.path)).status).toBe(200)
  expect(surface.counters.asked).toBe(0)
  surface.turn(60)
  expect((await request(surface.app).get('/.well-known/jwks.json')).status).toBe(200)
})
test('counters of one node use bounded memory for any number of addresses', async () => {
  const counters = createLocalCounters(3)
  const at = new Date(0)
  for (let address = 0; address < 100; address += 1) await counters.hit(`${address}`, 1000, at)
  for (const [key, hits] of [
    ['99', 2],
    ['98', 2],
    ['97', 2],
    ['96', 1],
  ] as const)
    expect((await counters.hit(key, 1000, at)).hits).toBe(hits)
  expect((await counters.hit('99', 1000, new Date(1000))).hits).toBe(1)
})
test('limits can be disabled', async () => {
  const surface = createSurface({ rateLimits: null })
  for (let attempt = 0; attempt < 35; attempt += 1) expect((await from(surface, '')).status).toBe(204)
})

describe('while a count takes long', () => {
  /** A store whose counts wait for `release`. */
  function slowStore() {
    const waiting: (() => void)[] = []
    let began = 0
    return {
      hit: async () => {
        began += 1
        await new Promise<void>((resolve) => void waiting.push(resolve))
        return { hits: began, resetsAt: new Date('2030-01-01T12:01:00Z') }
      },
      began: () => began,
      release: () => {
        for (const resolve of waiting.splice(0)) resolve()
      },
    }
  }
  const clock = () => new Date('2030-01-01T12:00:00Z')
  const asked = (limiter: Limiter | undefined, ip: string) => limiter?.({} as never, {} as never, ip)

  test('reading continues uncounted, and no more counts are begun', async () => {
    const store = slowStore()
    const limiter = createLimiter('account', { store, clock, onFault: () => undefined })
    expect(await asked(limiter, '203.0.113.9')).toBeUndefined()
    for (let i = 0; i < 5; i++) expect(await asked(limiter, `203.0.113.${i}`)).toBeUndefined()
    expect(store.began()).toBe(1)
    store.release()
    await expect
      .poll(async () => {
        await asked(limiter, '203.0.113.10')
        return store.began()
      })
      .toBe(2)
  })

  test('no more than the limit pass uncounted', async () => {
    const store = slowStore()
    const limiter = createLimiter('account', { store, clock, onFault: () => undefined })
    const burst = Array.from({ length: 125 }, () => asked(limiter, '203.0.113.9'))
    expect(await Promise.all(burst.slice(0, 120))).toEqual(Array(120).fill(undefined))
    store.release()
    for (const refused of await Promise.all(burst.slice(120))) expect(refused?.code).toBe('rate_limited')
  })

  test('what may be a guess waits until it is counted', async () => {
    const store = slowStore()
    const limiter = createLimiter('sign_in', { store, clock, onFault: () => undefined })
    let passed = false
    const attempts = [1, 2].map((n) => asked(limiter, `203.0.113.${n}`)?.then(() => (passed = true)))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect([passed, store.began()]).toEqual([false, 2])
    store.release()
    await Promise.all(attempts)
    expect(passed).toBe(true)
  })
})
