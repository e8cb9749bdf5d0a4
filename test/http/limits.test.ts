import request from 'supertest'
import { expect, test } from 'vitest'
import { operatingRoutes } from '../../src/http/api/operating.ts'
import type { Route } from '../../src/http/route.ts'
import { createSurface } from './surface.tsx'

/** 203.0.113.9, as proxies write it. */
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

async function exhaust(surface: ReturnType<typeof createSurface>, ip = '203.0.113.9') {
  for (let attempt = 0; attempt < 30; attempt += 1) expect((await from(surface, ip)).status).toBe(204)
}

test('the thirty-first attempt in a minute is told when to come back, and then let in', async () => {
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
test('a flood is refused without asking the shared counters again', async () => {
  const surface = createSurface({ trustProxyHops: 1 })
  await exhaust(surface)
  await from(surface, '203.0.113.9')
  const { asked } = surface.counters
  for (let attempt = 0; attempt < 5; attempt += 1) expect((await from(surface, '203.0.113.9')).status).toBe(429)
  expect(surface.counters.asked).toBe(asked)
})
test('two nodes count together', async () => {
  const one = createSurface({ trustProxyHops: 1 })
  const two = createSurface({ trustProxyHops: 1, rateLimits: one.counters })
  await exhaust(one)
  expect((await from(two, '203.0.113.9')).status).toBe(429)
})
test('one holder of an IPv6 network is one, whichever of its addresses is used', async () => {
  const surface = createSurface({ trustProxyHops: 1 })
  await exhaust(surface, '2001:db8:1:2::1')
  expect((await from(surface, '2001:db8:1:2:ffff::9')).status).toBe(429)
  expect((await from(surface, '2001:db8:1:3::1')).status).toBe(204)
})
test('an IPv4 address is one, in whichever spelling a proxy writes it', async () => {
  const surface = createSurface({ trustProxyHops: 1 })
  await exhaust(surface)
  for (const same of spellings) expect([same, (await from(surface, same)).status]).toEqual([same, 429])
  expect((await from(surface, '::ffff:203.0.113.10')).status).toBe(204)
})
test('every limit counts for itself', async () => {
  const surface = createSurface()
  for (let attempt = 0; attempt < 31; attempt += 1) await from(surface, '')
  expect((await from(surface, '')).status).toBe(429)
  expect((await request(surface.app).get('/things/thg_1')).status).toBe(200)
})
test('where guessing would gain something nobody passes uncounted; elsewhere the service goes on', async () => {
  const surface = createSurface()
  surface.counters.fault = new Error('the database is away')
  const guess = await from(surface, '')
  expect([guess.status, guess.body.code, guess.headers['retry-after']]).toEqual([503, 'not_ready', '5'])
  expect((await request(surface.app).get('/things/thg_1')).status).toBe(200)
  expect(surface.defects.map(({ error }) => error)).toEqual([surface.counters.fault, surface.counters.fault])
  surface.counters.fault = null
  expect((await from(surface, '')).status).toBe(204)
})
test('what is nowhere, and how the providers are doing, is asked for as often as a page', async () => {
  const health = () => []
  for (const [path, status] of [
    ['/nowhere', 404],
    ['/health/providers', 200],
  ] as const) {
    const surface = createSurface({
      routes: operatingRoutes as readonly Route<unknown>[],
      vinculum: { providers: { health } },
    })
    for (let attempt = 0; attempt < 240; attempt += 1)
      expect((await request(surface.app).get(path)).status).toBe(status)
    const refused = await request(surface.app).get(path)
    expect([path, refused.status, refused.body.code]).toEqual([path, 429, 'rate_limited'])
  }
})
test('limits can be off', async () => {
  const surface = createSurface({ rateLimits: null })
  for (let attempt = 0; attempt < 35; attempt += 1) expect((await from(surface, '')).status).toBe(204)
})
