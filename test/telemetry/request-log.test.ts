import { expect, test } from 'vitest'
import { createBus } from '../../src/events/bus.ts'
import { internalOrigin } from '../../src/events/catalogue.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { isSampled, logRequests } from '../../src/telemetry/request-log.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

const of = (last: string): string => `req_${last.padStart(32, '0')}`

function logged(share: number, ids: readonly string[], status = 200): readonly Record<string, unknown>[] {
  const lines: string[] = []
  const events = createBus(createStoppedClock().clock)
  logRequests(events, createLog('info', { write: (line: string) => void lines.push(line) }), share)
  for (const requestId of ids)
    events.emit('http.answered', { method: 'GET', route: '/me', status, ms: 1.23456 }, { ...internalOrigin, requestId })
  return lines.map((line) => JSON.parse(line))
}

test('a request is one line with method, route pattern, status, milliseconds and request ID, and nothing else', () => {
  const id = of('ffffffff')
  expect(logged(1, [id])).toEqual([
    {
      level: 'info',
      time: expect.any(String),
      method: 'GET',
      route: '/me',
      status: 200,
      ms: 1.23,
      request_id: id,
      msg: 'request',
    },
  ])
})

test('a fraction logs that share of the requests, the same ones each time', () => {
  expect(logged(0.5, [of('7fffffff'), of('80000000')])).toMatchObject([{ request_id: of('7fffffff') }])
  const random = Array.from({ length: 4000 }, () => of(systemRandom(16).toString('hex')))
  const share = random.filter((id) => isSampled(id, 0.25)).length / random.length
  expect(share).toBeGreaterThan(0.2)
  expect(share).toBeLessThan(0.3)
})

test('a server error is logged as a warning, whatever the share', () => {
  const ids = [of('ffffffff')]
  expect(logged(0, ids, 503)).toMatchObject([{ level: 'warn', status: 503 }])
  expect(logged(0, [of('00000000')], 404)).toEqual([])
})
