/** The transport on the wire: what a provider's servers do between and within responses, written byte by byte. */
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBus } from '../../src/events/bus.ts'
import type { Event } from '../../src/events/catalogue.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { type Call, createGuards } from '../../src/providers/calls/guard.ts'
import type { BreakerSettings } from '../../src/providers/provider.ts'
import { recordEvents } from '../support/recorded-events.ts'

const patient: BreakerSettings = { timeoutMs: 5000, errorThresholdPercent: 50, volume: 100, resetMs: 60_000 }
const answer = (body: string | Buffer, head = 'HTTP/1.1 200 OK'): Buffer =>
  Buffer.concat([Buffer.from(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`), Buffer.from(body)])
/** A whole character, and the first byte of the next. */
const [half, rest] = [Buffer.from('{"name":"Zoë'), Buffer.from(' 🦊"}')]

const ends: (() => Promise<unknown>)[] = []
let guards: ReturnType<typeof createGuards>
let events: Event[]
beforeEach(() => {
  const bus = createBus(systemClock)
  events = recordEvents(bus)
  guards = createGuards({ events: bus, clock: systemClock, random: systemRandom })
})
afterEach(async () => {
  await guards.close()
  await Promise.all(ends.splice(0).map((end) => end()))
})

/** A server that handles a request by its number on its connection: the first, or a later one. */
async function listen(serve: (socket: Socket, request: number, onConnection: number) => void) {
  let requests = 0
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    let onConnection = 0
    connections += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', () => serve(socket, ++requests, ++onConnection))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    seen: () => ({ requests, connections }),
  }
}
const call = (url: string, method: 'GET' | 'POST' = 'GET'): Call => ({ endpoint: 'token', method, url })
const said = (json: unknown) => ({ ok: true, value: { json } })
const network = { ok: false, error: { kind: 'unavailable', reason: 'network' } }

test.each([
  ['slow_down', { kind: 'unavailable', reason: 'slow_down', limited: true }, 0],
  ['temporarily_unavailable', { kind: 'unavailable', reason: 'temporarily_unavailable' }, 0],
  ['server_error', { kind: 'unavailable', reason: 'server_error' }, 0],
  ['invalid_grant', { kind: 'refused', status: 400, code: 'invalid_grant' }, 1],
  [null, { kind: 'refused', status: 400, code: null }, 1],
])('a refusal that its caller reads as %s is %j', async (code, error, refusals) => {
  const { url } = await listen((socket) => socket.write(answer('{"error":{"code":4}}', 'HTTP/1.1 400 Bad Request')))
  const guard = guards.of('odd', patient)
  expect(await guard.call({ ...call(url, 'POST'), refusal: () => code })).toMatchObject({ ok: false, error })
  expect(events.filter(({ name }) => name === 'provider.call_refused')).toHaveLength(refusals)
  expect(guard.state('token')).toBe('closed')
})

describe('a provider response', () => {
  test.each<[string, (socket: Socket) => void, unknown]>([
    ['a response with a byte order mark', (socket) => socket.write(answer('\ufeff{"a":1}')), { a: 1 }],
    [
      'a response split in the middle of a character',
      (socket) => {
        const whole = answer(Buffer.concat([half, rest]))
        socket.write(whole.subarray(0, -rest.length - 1))
        setImmediate(() => socket.write(whole.subarray(-rest.length - 1)))
      },
      { name: 'Zoë 🦊' },
    ],
    [
      'a response after early hints',
      (socket) => socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${answer('{"a":1}')}`),
      { a: 1 },
    ],
    ['a response that ends with its connection', (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n{"a":1}'), { a: 1 }],
    ['a response of HTTP/1.0', (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\n{"a":1}'), { a: 1 }],
  ])('%s is read correctly', async (_name, serve, json) => {
    const { url } = await listen(serve)
    expect(await guards.of('acme', patient).call(call(url, 'POST'))).toMatchObject(said(json))
  })

  test.each<[string, (socket: Socket) => void, string]>([
    [
      'a response with two lengths',
      (socket) => socket.write(answer('{}', 'HTTP/1.1 200 OK\r\nContent-Length: 5')),
      'network',
    ],
    [
      'a response with headers that are too large',
      (socket) => socket.write(answer('{}', `HTTP/1.1 200 OK\r\nX-Big: ${'x'.repeat(20_000)}`)),
      'network',
    ],
    ['a response of 304', (socket) => socket.write('HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'), 'redirect'],
  ])('%s is refused', async (_name, serve, reason) => {
    const { url } = await listen(serve)
    expect(await guards.of('acme', patient).call(call(url, 'POST'))).toMatchObject({ ok: false, error: { reason } })
  })
})

describe('a keep-alive connection', () => {
  // The peer closed it at the moment of reuse: nobody knows whether it read the request.
  const stale = (socket: Socket, _request: number, onConnection: number) =>
    onConnection === 1 ? socket.write(answer('{"a":1}')) : socket.destroy()
  // The client decides when to keep a connection: the test repeats requests until one was reused.
  test('that is lost during a repeatable request leads to a retry on another', async () => {
    const { url, seen } = await listen(stale)
    const guard = guards.of('acme', patient)
    let calls = 0
    const again = async () => {
      calls += 1
      expect(await guard.call(call(url))).toMatchObject(said({ a: 1 }))
      return seen().requests > calls
    }
    await expect.poll(again).toBe(true)
  })

  test('that is lost with a code or a rotating refresh token leads to no retry', async () => {
    const { url, seen } = await listen(stale)
    const guard = guards.of('acme', patient)
    let calls = 0
    const again = () => {
      calls += 1
      return guard.call(call(url, 'POST'))
    }
    await expect.poll(again).toMatchObject(network)
    expect(seen().requests).toBe(calls)
  })
})

describe('a circuit breaker', () => {
  test('half open lets one call through, whose result decides for all', async () => {
    let isUp = false
    let open = (): void => {}
    let gate = Promise.resolve()
    const close = () => {
      gate = new Promise((resolve) => {
        open = resolve
      })
    }
    const { url, seen } = await listen((socket) => {
      void gate.then(() => socket.write(answer('{}', isUp ? undefined : 'HTTP/1.1 500 Oh')))
    })
    const guard = guards.of('acme', { ...patient, volume: 1, resetMs: 50 })
    const states = () => events.flatMap(({ name, data }) => (name === 'provider.breaker_changed' ? [data.state] : []))
    await guard.call(call(url, 'POST'))
    for (isUp of [false, true]) {
      await expect.poll(() => guard.state('token')).toBe('half_open')
      const before = seen().requests
      close()
      const calls = Array.from({ length: 20 }, () => guard.call(call(url, 'POST')))
      for (const one of await Promise.all(calls.slice(1)))
        expect(one).toMatchObject({ ok: false, error: { kind: 'unavailable', reason: 'breaker_open' } })
      open()
      expect(await calls[0]).toMatchObject({ ok: isUp })
      expect(seen().requests - before).toBe(1)
    }
    expect(states()).toEqual(['open', 'half_open', 'open', 'half_open', 'closed'])
  })

  test('of one endpoint does not affect another', async () => {
    const { url } = await listen((socket, request) =>
      socket.write(answer('{}', request === 1 ? 'HTTP/1.1 500 Oh' : undefined)),
    )
    const guard = guards.of('acme', { ...patient, volume: 1 })
    await guard.call(call(url, 'POST'))
    expect(await guard.call(call(url, 'POST'))).toMatchObject({ error: { reason: 'breaker_open' } })
    expect(await guard.call({ endpoint: 'userinfo', method: 'GET', url })).toMatchObject({ ok: true })
    expect(await guards.of('other', patient).call(call(url, 'POST'))).toMatchObject({ ok: true })
  })

  const reasons = (results: readonly { ok: boolean; error?: { reason: string } }[]) =>
    results.map((one) => one.error?.reason ?? 'ok')

  test('that refused many calls opens as quickly as a new one when its provider recovers and hangs', async () => {
    let mode: 'down' | 'up' | 'hanging' = 'down'
    const { url, seen } = await listen((socket) => {
      if (mode !== 'hanging') socket.write(answer('{}', mode === 'up' ? undefined : 'HTTP/1.1 500 Oh'))
    })
    const guard = guards.of('acme', { ...patient, volume: 4, resetMs: 4000, timeoutMs: 500 })
    for (let n = 0; n < 4; n++) await guard.call(call(url, 'POST'))
    expect(guard.state('token')).toBe('open')
    const refused = await Promise.all(Array.from({ length: 500 }, () => guard.call(call(url, 'POST'))))
    expect(new Set(reasons(refused))).toEqual(new Set(['breaker_open']))
    mode = 'up'
    await expect.poll(() => guard.call(call(url, 'POST'))).toMatchObject({ ok: true })
    expect(guard.state('token')).toBe('closed')
    mode = 'hanging'
    const before = seen().requests
    for (let n = 0; n < 25; n++) await guard.call(call(url, 'POST'))
    expect(seen().requests - before).toBe(4)
    expect(guard.state('token')).toBe('open')
  })

  test('decides on responses: calls in progress do not count', async () => {
    let served = 0
    const { url } = await listen((socket) => {
      served += 1
      if (served > 30) socket.write(answer('{}', 'HTTP/1.1 500 Oh'))
    })
    const guard = guards.of('acme', { ...patient, volume: 5, timeoutMs: 2000 })
    const hanging = Array.from({ length: 30 }, () => guard.call(call(url, 'POST')))
    await expect.poll(() => served).toBe(30)
    for (let n = 0; n < 5; n++) await guard.call(call(url, 'POST'))
    expect(guard.state('token')).toBe('open')
    await Promise.all(hanging)
  })

  test('limits concurrent calls; the next ones wait, and excess ones are refused', async () => {
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const underWay = { now: 0, most: 0 }
    const { url, seen } = await listen((socket) => {
      underWay.now += 1
      underWay.most = Math.max(underWay.most, underWay.now)
      void gate.then(() => {
        underWay.now -= 1
        socket.write(answer('{}'))
      })
    })
    const guard = guards.of('acme', { ...patient, timeoutMs: 60_000 })
    const calls = Array.from({ length: 64 + 256 + 10 }, () => guard.call(call(url, 'POST')))
    const over = reasons(await Promise.all(calls.slice(-10)))
    expect(new Set(over)).toEqual(new Set(['at_capacity']))
    await expect.poll(() => seen().requests).toBe(64)
    open()
    expect(new Set(reasons(await Promise.all(calls.slice(0, -10))))).toEqual(new Set(['ok']))
    expect(seen().requests).toBe(64 + 256)
    expect(underWay.most).toBe(64)
    expect(guard.state('token')).toBe('closed')
  })

  test('that opens refuses the waiting calls at once', async () => {
    const asking: Socket[] = []
    const { url, seen } = await listen((socket) => {
      asking.push(socket)
      if (asking.length === 64) asking[0]?.write(answer('{}', 'HTTP/1.1 500 Oh'))
    })
    const guard = guards.of('acme', { ...patient, volume: 1, timeoutMs: 60_000 })
    const calls = Array.from({ length: 100 }, () => guard.call(call(url, 'POST')))
    const waiting = reasons(await Promise.all(calls.slice(64)))
    expect(new Set(waiting)).toEqual(new Set(['breaker_open']))
    expect(seen().requests).toBe(64)
    for (const socket of asking.slice(1)) socket.write(answer('{}'))
    expect(reasons(await Promise.all(calls.slice(0, 64))).sort()).toEqual([...Array(63).fill('ok'), 'status_500'])
  })

  test('drops calls that wait too long, without counting them against the provider', async () => {
    const { url } = await listen(() => {})
    const guard = guards.of('acme', { ...patient, volume: 1000, timeoutMs: 200 })
    const results = reasons(await Promise.all(Array.from({ length: 70 }, () => guard.call(call(url, 'POST')))))
    expect(results.filter((reason) => reason === 'timeout')).toHaveLength(64)
    expect(results.filter((reason) => reason === 'at_capacity')).toHaveLength(6)
  })

  test('of a hanging provider takes no connection from another one on the same origin', async () => {
    let release = (): void => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const server = createHttpServer((request, response) => {
      if (request.url === '/good') response.end('{}')
      else void gate.then(() => response.end('{}'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ends.push(() => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const slow = guards.of('slow', { ...patient, volume: 1000, timeoutMs: 60_000 })
    const hanging = Array.from({ length: 150 }, () => slow.call(call(`${url}/slow`, 'POST')))
    const good = guards.of('good', { ...patient, timeoutMs: 30_000 })
    for (let n = 0; n < 10; n++) expect(await good.call(call(`${url}/good`, 'POST'))).toMatchObject({ ok: true })
    release()
    await Promise.all(hanging)
  })
})
