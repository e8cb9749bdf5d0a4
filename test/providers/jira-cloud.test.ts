import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBus } from '../../src/events/bus.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createGuards } from '../../src/providers/calls/guard.ts'
import { createJiraCloud, jiraRefusalOf, normaliseSiteUrl } from '../../src/providers/jira-cloud.ts'

describe('a Jira site that is down', () => {
  /** The sites that return 503, and those that were called. */
  const sick = new Set<string>()
  let asked: string[]
  let heard: string[]
  const server = createServer((request, response) => {
    const [, cloudId = ''] = /^\/ex\/jira\/([^/]+)\//.exec(decodeURIComponent(request.url ?? '')) ?? []
    asked.push(cloudId)
    const until = cloudId === 'in maintenance' ? { 'retry-after': '300' } : {}
    response.writeHead(sick.has(cloudId) ? 503 : 200, { 'content-type': 'application/json', ...until })
    response.end(JSON.stringify({ size: 0, isLastPage: true, values: [] }))
  })
  const events = createBus(systemClock)
  events.on('test', ['provider.breaker_changed'], ({ data }) => void heard.push(data.state))
  const guards = createGuards({ events, clock: systemClock, random: systemRandom })
  let guard: ReturnType<typeof guards.of>
  let cloud: ReturnType<typeof createJiraCloud>

  const apiUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  /** Breakers use real time: one that must stay open during a test has a long reset time. */
  const over = (resetMs: number): void => {
    guard = guards.of('atlassian', { timeoutMs: 5000, errorThresholdPercent: 50, volume: 2, resetMs })
    cloud = createJiraCloud({ guard, apiUrl: apiUrl(), resourcesUrl: `${apiUrl()}/sites` })
  }

  beforeEach(async () => {
    ;[asked, heard] = [[], []]
    sick.clear()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(async () => {
    guard.close()
    await new Promise((resolve) => server.close(resolve).closeAllConnections())
  })
  const desks = async (cloudId: string) => {
    const answer = await cloud.desks(cloudId, { accessToken: 'at' })
    return answer.ok ? 'read' : answer.error.tag === 'unavailable' ? answer.error.reason : answer.error.tag
  }
  test('delays only its own requests, and one health state is reported for all sites', async () => {
    over(600_000)
    sick.add('ill')
    expect([await desks('ill'), await desks('ill')]).toEqual(['status_503', 'status_503'])
    asked = []
    expect([await desks('ill'), await desks('well')]).toEqual(['breaker_open', 'read'])
    expect([asked, guard.state('api'), heard]).toEqual([['well'], 'open', ['open']])
  })

  test('delays only its own requests when it says until when, although one token is for all sites', async () => {
    over(600_000)
    sick.add('in maintenance')
    expect(await desks('in maintenance')).toBe('status_503')
    expect([await desks('in maintenance'), await desks('well')]).toEqual(['held_off', 'read'])
    expect(asked).toEqual(['in maintenance', 'well'])
  })

  test('is called again when its time has come', async () => {
    const trying = new Promise<void>((resolve) =>
      events.on('wait', ['provider.breaker_changed'], ({ data }) => data.state === 'half_open' && resolve()),
    )
    over(50)
    sick.add('ill')
    for (let n = 0; n < 2; n++) await desks('ill')
    await trying
    sick.clear()
    expect(await desks('ill')).toBe('read')
    expect([guard.state('api'), heard]).toEqual(['closed', ['open', 'half_open', 'closed']])
  })

  test('is no longer reported once nobody requests it', async () => {
    over(20)
    sick.add('ill')
    for (let n = 0; n < 2; n++) await desks('ill')
    asked = []
    await expect.poll(() => guard.state('api')).toBe('closed')
    expect([asked, heard]).toEqual([[], ['open', 'half_open', 'closed']])
  })

  test('keeps the reported state degraded until all sites recover', async () => {
    over(600_000)
    for (const id of ['ill', 'iller']) {
      sick.add(id)
      for (let n = 0; n < 2; n++) await desks(id)
    }
    expect([guard.state('api'), heard]).toEqual(['open', ['open']])
  })

  test('is dropped after two hundred other sites were used, so that memory is bounded', async () => {
    over(600_000)
    sick.add('ill')
    for (let n = 0; n < 2; n++) await desks('ill')
    for (let n = 0; n < 199; n++) await desks(`site-${n}`)
    expect(await desks('ill')).toBe('breaker_open')
    for (let n = 0; n < 200; n++) await desks(`site-${n}`)
    expect(guard.state('api')).toBe('closed')
    expect(await desks('ill')).toBe('status_503')
  })
})

describe('the URL of a site', () => {
  test.each([
    ['https://acme.atlassian.net', 'https://acme.atlassian.net'],
    ['https://acme.atlassian.net/', 'https://acme.atlassian.net'],
    ['https://ACME.Atlassian.net./jira/servicedesk?x=1#y', 'https://acme.atlassian.net'],
    ['https://acme.atlassian.net:443', 'https://acme.atlassian.net'],
    ['https://support.example.com', 'https://support.example.com'],
    ['https://büro.example.com', 'https://xn--bro-hoa.example.com'],
  ])('%s is shown as %s', (given, shown) => {
    expect(normaliseSiteUrl(given)).toBe(shown)
  })

  test.each([
    'http://acme.atlassian.net',
    'javascript:alert(1)',
    'https://acme.atlassian.net:8443',
    'https://ada@acme.atlassian.net',
    'https://ada:secret@acme.atlassian.net',
    'https://localhost',
    'https://127.0.0.1',
    'https://0x7f.1',
    'https://[::1]',
    'https://acme',
    'acme.atlassian.net',
    '//acme.atlassian.net',
    '',
    `https://${'a'.repeat(3000)}.example.com`,
  ])('%s is rejected', (given) => {
    expect(normaliseSiteUrl(given)).toBeNull()
  })

  test('is rejected or normalized to an HTTPS origin, whatever the input', () => {
    fc.assert(
      fc.property(fc.oneof(fc.webUrl({ validSchemes: ['https', 'http'] }), fc.string()), (given) => {
        const shown = normaliseSiteUrl(given)
        if (shown === null) return
        expect(shown).toBe(new URL(shown).origin)
        expect(shown.startsWith('https://')).toBe(true)
        expect(normaliseSiteUrl(shown)).toBe(shown)
      }),
    )
  })
})

test.each([
  [401, { code: 401, message: 'Unauthorized' }, 'token_refused'],
  [401, { code: 401, message: 'Unauthorized; scope does not match' }, 'scope_missing'],
  [401, { message: 'Client must be authenticated to access this resource.', 'status-code': 401 }, 'token_refused'],
  [401, undefined, 'token_refused'],
  [401, { message: { scope: 'does not match' } }, 'token_refused'],
  [403, { errorMessages: ['scope does not match'] }, null],
  [404, { errorMessages: ['gone'] }, null],
])('a refusal with %i and %j is classified as %s', (status, json, kind) => {
  expect(jiraRefusalOf(status, json)).toBe(kind)
})
