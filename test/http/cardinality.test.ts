/** The number of metric series a client can create: each series costs memory forever, and time at every scrape. */

import { METHODS } from 'node:http'
import fc from 'fast-check'
import request from 'supertest'
import { expect, test } from 'vitest'
import { catalogue } from '../../src/errors/catalogue.ts'
import { createBus } from '../../src/events/bus.ts'
import { httpMethods, readHttpMethod } from '../../src/kernel/http-method.ts'
import { createMetrics, statuses } from '../../src/telemetry/metrics.ts'
import { receive } from '../support/http.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'
import { createSurface, routes } from './surface.tsx'

const noProbes = { breakers: () => [], jobBacklogs: async () => [], droppedLogLines: () => 0, clockSkewMs: () => 0 }
/** Eleven buckets and the infinite one, the sum and the count; and the counter. */
const perAnswer = 15

function watched() {
  const events = createBus(createStoppedClock().clock)
  const metrics = createMetrics(events, noProbes)
  const surface = createSurface({ events, rateLimits: null })
  const series = async () =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith('vinculum_http_request')).length
  return { events, metrics, surface, series }
}

test('random methods, paths and statuses create no series beyond those of our own routes', async () => {
  const { surface, series, metrics } = watched()
  const paths = routes.map(({ path }) => path)
  const segment = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('%zz', '%ff', '%00', '..', 'thg_1', 'x'))
  const path = fc.oneof(
    fc
      .constantFrom(...paths)
      .chain((one) => segment.map((text) => one.replace(/:\w+/g, encodeURI(text.toWellFormed())))),
    fc.constantFrom(...paths).map((one) => one.replace(/:\w+/g, '%E0%A4%A')),
    fc.webPath({ size: 'small' }),
  )
  const fire = async (seed: number): Promise<void> => {
    const requests = fc.sample(fc.tuple(fc.constantFrom(...METHODS.filter((one) => one !== 'CONNECT')), path), {
      numRuns: 200,
      seed,
    })
    for (const [method, to] of requests) {
      const url = `${await surface.origin()}${to.startsWith('/') ? to : '/'}`
      await receive(url, { method, redirect: 'manual' }).catch(() => undefined)
    }
  }
  await fire(1)
  await fire(2)
  const text = await metrics.text()
  const labelled = [...text.matchAll(/method="([^"]*)",route="([^"]*)",status="([^"]*)"/g)]
  expect(labelled.length).toBeGreaterThan(0)
  for (const [, method, route, status] of labelled) {
    expect(httpMethods).toContain(method)
    expect([...paths, 'unknown', '/static']).toContain(route)
    expect(status).toMatch(/^[1-5](\d\d|xx)$/)
  }
  // Each route with its own methods and one for all others, each with a few statuses.
  const bound = (routes.length + new Set(paths).size + httpMethods.length + 2) * 8 * perAnswer
  expect(await series()).toBeLessThan(bound)
})

test('all methods that a path does not support share one series', async () => {
  const { surface, metrics } = watched()
  for (const method of ['put', 'patch', 'm-search', 'propfind', 'report', 'lock'] as const)
    await request(surface.app)[method]('/keys')
  const lines = (await metrics.text())
    .split('\n')
    .filter((line) => line.startsWith('vinculum_http_requests_total{') && line.includes('/keys'))
  expect(lines).toEqual(['vinculum_http_requests_total{method="other",route="/keys",status="405"} 6'])
})

test('methods and statuses in metrics come from a closed set', async () => {
  const { events, series } = watched()
  fc.assert(
    fc.property(fc.string(), fc.oneof(fc.integer(), fc.double()), (method, status) => {
      events.emit('http.answered', { method: readHttpMethod(method), route: 'unknown', status, ms: 1 })
    }),
    { numRuns: 2000 },
  )
  expect(await series()).toBeLessThanOrEqual(httpMethods.length * (statuses.size + 1) * perAnswer)
})

test('every error status has its own label value', () => {
  for (const { status } of Object.values(catalogue)) expect(statuses).toContain(status)
})
