import { beforeEach, describe, expect, test } from 'vitest'
import { fail } from '../../src/errors/catalogue.ts'
import { type Bus, createBus } from '../../src/events/bus.ts'
import { ok } from '../../src/kernel/result.ts'
import { createLog, logEvents } from '../../src/telemetry/log.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

let lines: string[]
let events: Bus
const logAt = (level: string) => createLog(level, { write: (line: string) => void lines.push(line) })
const entries = (): Record<string, unknown>[] => lines.map((line) => JSON.parse(line))
beforeEach(() => {
  lines = []
  events = createBus(createStoppedClock().clock)
})

describe('the log', () => {
  test('consists of JSON lines with a time and a level name', () => {
    logAt('info').warn({ file: 'x' }, 'said\nin two lines')
    expect(lines).toHaveLength(1)
    expect(lines[0]?.match(/\n/g)).toHaveLength(1)
    expect(entries()).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        file: 'x',
        msg: 'said\nin two lines',
      },
    ])
  })

  test.each([
    'password',
    'token',
    'access_token',
    'refresh_token',
    'id_token',
    'accessToken',
    'refreshToken',
    'idToken',
    'verifier',
    'code_verifier',
    'client_secret',
    'clientSecret',
    'cookie',
    'set-cookie',
    'authorization',
    'flow_token',
    'secret',
    'totp',
  ])('never shows a field called %s, at the top or two levels below', (name) => {
    const log = logAt('trace')
    log.info({ [name]: 'hunter2' })
    log.info({ body: { [name]: 'hunter2' } })
    log.error({ request: { headers: { [name]: 'hunter2' } } })
    log.error({ err: Object.assign(new Error('refused'), { [name]: 'hunter2' }) })
    expect(lines).toHaveLength(4)
    expect(lines.join('')).not.toContain('hunter2')
    expect(lines.join('').match(/\[redacted\]/g)).toHaveLength(4)
  })
})

describe('events in the log', () => {
  const origin = { ip: '203.0.113.77', userAgent: 'Mosaic/1.0', requestId: 'req_1' }

  test('have the level of the catalogue', () => {
    logEvents(events, logAt('trace'))
    events.publish({ name: 'account.created', accountId: 'usr_1', origin, data: { via: 'google' } })
    events.publish({
      name: 'authentication.failed',
      accountId: null,
      origin,
      data: { provider: 'google', code: 'access_denied', intent: 'login' },
    })
    events.emit('provider.breaker_changed', { provider: 'google', endpoint_type: 'token', state: 'open' })
    expect(entries().map(({ level, event }) => [level, event])).toEqual([
      ['info', 'account.created'],
      ['warn', 'authentication.failed'],
      ['error', 'provider.breaker_changed'],
    ])
  })

  test('name an account by its ID only, and include the request ID', () => {
    logEvents(events, logAt('info'))
    events.publish({ name: 'account.created', accountId: 'usr_1', origin, data: { via: 'google' } })
    expect(entries()).toMatchObject([
      { event: 'account.created', account: 'usr_1', request_id: 'req_1', via: 'google' },
    ])
    expect(lines.join('')).not.toMatch(/203\.0\.113|Mosaic/)
  })

  test('that the catalogue excludes are not logged', () => {
    logEvents(events, logAt('trace'))
    events.emit('session.refreshed', { result: 'rotated' })
    events.emit('user_info_cache.read', { provider: 'google', hit: true })
    events.emit('http.answered', { method: 'GET', route: '/', status: 200, ms: 1 })
    expect(lines).toEqual([])
  })

  test('below the configured level are not logged', () => {
    logEvents(events, logAt('warn'))
    events.publish({ name: 'account.created', accountId: 'usr_1', origin, data: { via: 'google' } })
    expect(lines).toEqual([])
  })

  test('that report a closing circuit breaker are below the level of one that opens', () => {
    logEvents(events, logAt('warn'))
    for (const state of ['closed', 'half_open', 'open'] as const)
      events.emit('provider.breaker_changed', { provider: 'google', endpoint_type: 'token', state })
    expect(entries()).toMatchObject([{ level: 'error', event: 'provider.breaker_changed', state: 'open' }])
  })

  test('include the outcome and duration of a span; only a failure is more than a detail', async () => {
    logEvents(events, logAt('debug'))
    await events.span(
      'oauth.token_exchange',
      { provider: 'google' },
      async () => ok(1),
      () => ({}),
    )
    await events.span(
      'oauth.token_exchange',
      { provider: 'google' },
      async () => fail('access_denied', { provider: 'Google' }),
      () => ({}),
    )
    expect(entries()).toMatchObject([
      { level: 'debug', event: 'oauth.token_exchange.start', provider: 'google' },
      { level: 'debug', event: 'oauth.token_exchange.stop', ms: expect.any(Number) },
      { level: 'debug', event: 'oauth.token_exchange.start' },
      { level: 'warn', event: 'oauth.token_exchange.exception', outcome: 'access_denied', ms: expect.any(Number) },
    ])
  })

  test('keep their own name, whatever their payload contains', () => {
    logEvents(events, logAt('info'))
    events.on('broken', ['session.refreshed'], () => {
      throw new Error('token=hunter2')
    })
    events.emit('session.refreshed', { result: 'rotated' })
    expect(entries()).toMatchObject([
      { level: 'error', event: 'handler.failed', handler: 'broken', heard: 'session.refreshed', reason: 'Error' },
    ])
    expect(lines.join('')).not.toContain('hunter2')
  })
})
