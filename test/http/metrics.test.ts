import request from 'supertest'
import { describe, expect, test } from 'vitest'
import { operatingRoutes } from '../../src/http/api/operating.ts'
import type { Route } from '../../src/http/route.ts'
import { createSurface } from './surface.tsx'

type Settings = { metricsToken?: string | null; production?: boolean; trustProxyHops?: number }
const metricsOf = ({ metricsToken = null, production = false, trustProxyHops = 0 }: Settings = {}) =>
  createSurface({
    routes: operatingRoutes as readonly Route<unknown>[],
    vinculum: {
      metrics: { contentType: 'text/plain', text: async () => 'up 1\n' },
      settings: { metricsToken, production },
    },
    trustProxyHops,
  }).app
const statusOf = async (settings: Settings, headers: Readonly<Record<string, string | string[]>> = {}) => {
  const get = request(metricsOf(settings)).get('/metrics')
  for (const [name, value] of Object.entries(headers)) get.set(name, value as string)
  return (await get).status
}

describe('metrics without a token', () => {
  test.each(['localhost', 'localhost:3000', '127.0.0.1:3000', '[::1]:3000', 'id.localhost'])(
    'are available for %s on this machine',
    async (host) => expect(await statusOf({}, { Host: host })).toBe(200),
  )
  test.each(['id.example.test', '127.0.0.1.example.test', 'localhost.example.test', '10.0.0.1', 'localhost@x'])(
    'are not available for %s',
    async (host) => expect(await statusOf({}, { Host: host })).toBe(404),
  )
  test.each([
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'localhost'],
    ['X-Real-IP', '127.0.0.1'],
    ['Forwarded', 'for=127.0.0.1'],
  ])('are not available behind a proxy that sends %s, however many proxies are trusted', async (name, value) => {
    for (const trustProxyHops of [0, 1, 2]) expect(await statusOf({ trustProxyHops }, { [name]: value })).toBe(404)
  })
  test('are not available in production, where a silent proxy looks like a local client', async () => {
    expect(await statusOf({ production: true }, { Host: '127.0.0.1:3000' })).toBe(404)
  })
})

describe('metrics with a token', () => {
  const settings = { metricsToken: 'metrics-token-metrics-token', production: true }
  const good = `Bearer ${settings.metricsToken}`
  test.each([
    ['the token', good, 200],
    ['another', 'Bearer another-token-another-token', 404],
    ['none', undefined, 404],
    ['the token and another', [good, 'Bearer another'], 404],
    ['another and the token', ['Bearer another', good], 404],
  ])('respond to %s', async (_, authorization, status) => {
    const headers = authorization === undefined ? {} : { Authorization: authorization }
    expect(await statusOf(settings, headers)).toBe(status)
    expect(await statusOf({ ...settings, production: false }, headers)).toBe(status)
  })
})
