import { Agent, get, type IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import express from 'express'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { createHeaders } from '../../src/http/headers.ts'
import { json } from '../../src/http/reply.ts'
import { type Route, route } from '../../src/http/route.ts'
import { createServer, type VinculumServer } from '../../src/http/server.ts'
import { ok } from '../../src/kernel/result.ts'
import { createSurface, routes } from './surface.tsx'

/** As behind HTTPS, which adds the most headers. */
const refusing = createHeaders(new URL('https://id.example.test')).api

const open: VinculumServer[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(open.splice(0).map((server) => server.close(0)))
})
async function start(more: readonly Route<unknown>[] = [], waits?: Parameters<typeof createServer>[2]) {
  const { app, refusals, told } = createSurface({
    routes: [...routes, ...more],
    publicUrl: new URL('https://id.example.test'),
  })
  const server = createServer(app, refusals, waits)
  open.push(server)
  const { port } = await server.listen(0, '127.0.0.1')
  return { app, server, port, told }
}
const fetchWith = (port: number, path: string, agent?: Agent) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    get({ port, path, host: '127.0.0.1', ...(agent ? { agent } : {}) }, (answer) => {
      answer.resume().on('end', () => resolve(answer))
    }).on('error', reject)
  })
const raw = (port: number, text: string) =>
  new Promise<string>((resolve) => {
    let heard = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', (chunk) => {
      heard += chunk.toString()
    })
    // The server may reset the connection after its response: only what arrived before counts.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(heard))
  })

/** Asks V8 whether the fields of an object are in place. Such questions are no JavaScript, and need a flag. */
const hasFastProperties = ((): ((object: object) => boolean) => {
  setFlagsFromString('--allow-natives-syntax')
  return runInThisContext('(object) => %HasFastProperties(object)') as (object: object) => boolean
})()

test('requests and responses are created with the prototypes of Express, so that Express does not change them', async () => {
  const { app, server, port } = await start()
  const born: boolean[] = []
  server.http.prependListener('request', (request, response) => {
    born.push(Object.getPrototypeOf(request) === app.request, Object.getPrototypeOf(response) === app.response)
  })
  const set = Object.setPrototypeOf
  const changed: boolean[] = []
  vi.spyOn(Object, 'setPrototypeOf').mockImplementation((target: object, prototype: object | null) => {
    if (prototype === app.request || prototype === app.response)
      changed.push(Object.getPrototypeOf(target) !== prototype)
    return set(target, prototype)
  })
  const answer = await fetchWith(port, '/keys')
  expect(answer.statusCode).toBe(200)
  expect(born).toEqual([true, true])
  expect(changed).toEqual([false, false])
})

test('V8 keeps the fields of requests and responses in place, not in a hash table', async () => {
  const { server, port } = await start()
  const inPlace: boolean[] = []
  server.http.prependListener('request', (request, response) => {
    response.once('finish', () => inPlace.push(hasFastProperties(request), hasFastProperties(response)))
  })
  // V8 measures the first objects of a class, and only then decides how much room the next ones get.
  const times = 20
  for (let n = 0; n < times; n++) expect((await fetchWith(port, '/keys')).statusCode).toBe(200)
  expect(inPlace).toEqual(Array.from({ length: 2 * times }, () => true))
})

test('an app that is mounted in another one keeps its own settings', async () => {
  const { app } = await start()
  express().use(app)
  expect([app.request.app, app.response.app]).toEqual([app, app])
})

test('a route that could not be found is refused at startup: a path that begins with a parameter, a second one for a path', () => {
  const add = (path: `/${string}`) => {
    const more = { method: 'get', path, summary: 'x', tag: 'x', surface: 'api', auth: 'none' } as const
    const added = route({ ...more, limit: 'browse', reply: () => z.null(), fails: [], handle: () => ok(json(null)) })
    return () => createSurface({ routes: [...routes, added] })
  }
  expect(add('/:anything/more')).toThrow('/:anything/more begins with a parameter')
  expect(add('/keys')).toThrow('GET /keys is declared twice')
  expect(add('/new/:anything')).not.toThrow()
})

test('a response is written in one call, without headers set before', async () => {
  const { port } = await start()
  const set = vi.spyOn(ServerResponse.prototype, 'setHeader')
  await fetchWith(port, '/keys')
  expect(set).not.toHaveBeenCalled()
})

/** Counts how many requests arrive, and how many are open at most. */
function countRequests(server: VinculumServer): { most: number; arrived: number } {
  const seen = { most: 0, arrived: 0 }
  let open = 0
  server.http.prependListener('request', (_request, response) => {
    seen.arrived += 1
    open += 1
    seen.most = Math.max(seen.most, open)
    response.once('finish', () => {
      open -= 1
    })
  })
  return seen
}

test('a client that sends thousands of requests without waiting does not make them pile up', async () => {
  const { server, port } = await start()
  const all = 6000
  const seen = countRequests(server)
  const one = 'GET /things/thg_1 HTTP/1.1\r\nHost: id.example.test\r\n\r\n'
  const last = one.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
  const heard = await raw(port, one.repeat(all - 1) + last)
  expect([seen.arrived, heard.match(/HTTP\/1\.1 (200|429)/g)?.length]).toEqual([all, all])
  // As many as Node reads before it lets the client wait: two reads of 64 KiB.
  expect(seen.most).toBeLessThan((2 * 65_536) / one.length + 10)
})

function slow() {
  let arrived = (): void => {}
  let finish = (): void => {}
  const begun = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const held = new Promise<void>((resolve) => {
    finish = resolve
  })
  const held_ = route({
    method: 'get',
    path: '/slow',
    summary: 'Takes its time',
    tag: 'x',
    surface: 'api',
    auth: 'none',
    limit: 'none',
    reply: z.object({ done: z.boolean() }),
    fails: [],
    handle: async () => {
      arrived()
      await held
      return ok(json({ done: true }))
    },
  })
  return { route: held_, begun, finish: () => finish() }
}

test('no more is read from a connection while many of its requests wait', async () => {
  const { route: slowRoute, begun, finish } = slow()
  const { server, port } = await start([slowRoute])
  const all = 8000
  const seen = countRequests(server)
  const one = 'GET /slow HTTP/1.1\r\nHost: id.example.test\r\n\r\n'
  const last = one.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
  const heard = raw(port, one.repeat(all - 1) + last)
  await begun
  // A probe on another connection is answered, and by then everything that is read without waiting was read.
  for (let n = 0; n < 20; n++) expect((await fetchWith(port, '/keys')).statusCode).toBe(200)
  expect(seen.most).toBeLessThan((2 * 65_536) / one.length + 100)
  finish()
  expect((await heard).match(/HTTP\/1\.1 200/g)?.length).toBe(all)
  expect(seen.arrived).toBe(all + 20)
})

test('a client that reads no response, and one that keeps its half of a refused connection open, are cut off', async () => {
  const { route: slowRoute, begun, finish } = slow()
  const { server, port } = await start([slowRoute], { silentMs: 2000, lingerMs: 2000 })
  const connections = () =>
    new Promise<number>((resolve) => {
      server.http.getConnections((_, count) => resolve(count))
    })
  const clients = ['GET /slow HTTP/1.1\r\nHost: id.example.test\r\n\r\n', 'not HTTP\r\n\r\n'].map((text) =>
    connect({ port, host: '127.0.0.1', allowHalfOpen: true }, function (this: Socket) {
      this.write(text)
    }).on('error', () => undefined),
  )
  await begun
  expect(await connections()).toBeGreaterThan(0)
  await expect.poll(connections).toBe(0)
  finish()
  for (const client of clients) client.destroy()
})

test('closing finishes requests in progress, announces the end of their connections and accepts no new ones', async () => {
  const { route: slowRoute, begun, finish } = slow()
  const { server, port } = await start([slowRoute])
  const agent = new Agent({ keepAlive: true })
  await fetchWith(port, '/keys', agent)
  const pending = fetchWith(port, '/slow', new Agent({ keepAlive: true }))
  await begun
  const closed = server.close(10)
  await expect(fetchWith(port, '/keys')).rejects.toThrow()
  finish()
  const answer = await pending
  expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close'])
  await closed
  agent.destroy()
})
test('closing cuts off every request that outlives the grace period', async () => {
  const { route: slowRoute, begun, finish } = slow()
  const { server, port } = await start([slowRoute])
  const pending = fetchWith(port, '/slow').catch((error: Error) => error)
  await begun
  await server.close(0)
  expect(await pending).toBeInstanceOf(Error)
  finish()
})
test('a request that is not HTTP is refused with the headers of any error', async () => {
  const { port } = await start()
  const answer = await raw(port, 'nonsense\r\n\r\n')
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  expect(answer).toMatch(/X-Request-Id: req_[0-9a-f]{32}\r\n/)
  for (let at = 0; at < refusing.length; at += 2)
    expect(answer).toContain(`\r\n${refusing[at]}: ${refusing[at + 1]}\r\n`)
})
test.each([
  ['without a Host', 400, 'GET /keys HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ['with two Hosts', 400, 'GET /keys HTTP/1.1\r\nHost: x\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ['with an unknown expectation', 417, 'GET /keys HTTP/1.1\r\nHost: x\r\nExpect: 200-tea\r\n\r\n'],
])('a request %s is refused with the headers of any error', async (_, status, text) => {
  const { port } = await start()
  const answer = await raw(port, text)
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toMatch(/X-Request-Id: req_[0-9a-f]{32}\r\n/)
  for (const header of [
    'X-Content-Type-Options: nosniff',
    'Cache-Control: no-store',
    'Connection: close',
    "default-src 'none'",
  ])
    expect(answer).toContain(header)
})
test.each([
  ['without a Host', 'GET /nowhere HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ['with an unknown expectation', 'GET /nowhere HTTP/1.1\r\nHost: x\r\nExpect: 200-tea\r\nConnection: close\r\n\r\n'],
  ['with a URL that cannot be parsed', 'GET http://[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
])('a request %s is logged and counted like any other', async (_, text) => {
  const { port } = await start()
  for (let times = 0; times < 240; times += 1) expect(await raw(port, text)).toMatch(/^HTTP\/1\.1 4(00|17) /)
  expect(await raw(port, text)).toMatch(/^HTTP\/1\.1 429 /)
})
test('an HTTP/1.0 request needs no Host, and Expect: 100-continue is answered', async () => {
  const { port } = await start()
  expect(await raw(port, 'GET /keys HTTP/1.0\r\n\r\n')).toMatch(/ 200 OK/)
  const head =
    'POST /optional HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n'
  const answer = await raw(port, `${head}Expect: 100-Continue\r\n\r\n{}`)
  expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/)
})
describe('headers larger than 16 KiB', () => {
  const html = 'Accept: text/html,*/*;q=0.8\r\nAccept-Language: pt-BR\r\n'
  const ask = (path: string, more: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n\r\n`
  const cookies = (bytes: number) => `Cookie: a=${'b'.repeat(bytes)}`
  const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4)

  test.each([17_000, 60_000])('are refused with an explanatory page, at %d bytes', async (bytes) => {
    const { port } = await start()
    const answer = await raw(port, ask('/pages/form', html + cookies(bytes)))
    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/)
    expect(answer).toMatch(/\r\nContent-Type: text\/html/)
    expect(answer).toMatch(/\r\nX-Request-Id: req_[0-9a-f]{32}\r\n/)
    expect(answer).toMatch(/\r\nContent-Security-Policy: default-src 'none'; style-src 'self'/)
    expect(answer).toMatch(/\r\nStrict-Transport-Security: /)
    expect(bodyOf(answer)).toContain('<html lang="pt-BR">')
    expect(bodyOf(answer)).toContain('Cabeçalhos da requisição grandes demais')
  })
  // Beyond 64 KiB Node's parser gives up, so the requested path is unknown.
  test('are refused with a problem that names the remedy, where they are too large to parse', async () => {
    const { port } = await start()
    const answer = await raw(port, ask('/pages/form', html + cookies(200_000)))
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
    for (let at = 0; at < refusing.length; at += 2)
      expect(answer).toContain(`\r\n${refusing[at]}: ${refusing[at + 1]}\r\n`)
    expect(JSON.parse(bodyOf(answer)).detail).toContain('delete the cookies of this site')
  })
  test.each([17_000, 70_000])('are refused with a problem on an API route, at %d bytes', async (bytes) => {
    const { port } = await start()
    for (const more of ['', html]) {
      const answer = await raw(port, ask('/keys', more + cookies(bytes)))
      expect(answer).toMatch(/^HTTP\/1\.1 431 /)
      expect(answer).toMatch(/\r\nContent-Type: application\/problem\+json\r\n/)
      expect(JSON.parse(bodyOf(answer))).toMatchObject({ status: 431, code: 'headers_too_large' })
    }
  })
  test('are refused for a long URL, one large header or many headers', async () => {
    const { port } = await start()
    const many = Array.from({ length: 150 }, (_, at) => `X-${at}: 1`).join('\r\n')
    for (const text of [
      ask(`/keys?${'a'.repeat(17_000)}`, 'X: 1'),
      ask('/keys', `X: ${'a'.repeat(17_000)}`),
      ask('/keys', many),
      ask('/nowhere', many),
    ])
      expect(await raw(port, text)).toMatch(/^HTTP\/1\.1 431 /)
    expect(await raw(port, ask('/keys', `X: ${'a'.repeat(15_000)}`))).toMatch(/^HTTP\/1\.1 200 /)
  })
})
test('a URL that cannot be parsed is refused like any other request', async () => {
  const { port, told } = await start()
  const answer = await raw(port, 'GET http://[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(answer).toMatch(/X-Request-Id: req_[0-9a-f]{32}\r\n/)
  expect(answer).toContain('"code":"invalid_request"')
  expect(told.map(({ data }) => data)).toMatchObject([{ method: 'GET', route: 'unknown', status: 400 }])
})
test('requests that are not HTTP are answered sixty times a minute, and then cut off', async () => {
  const { port, told } = await start()
  for (let times = 0; times < 60; times += 1) expect(await raw(port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
  for (let times = 0; times < 3; times += 1) expect(await raw(port, 'nonsense\r\n\r\n')).toBe('')
  expect(told).toHaveLength(60)
  expect(told[0]?.data).toMatchObject({ method: 'other', route: 'unreadable', status: 400 })
  expect((await fetchWith(port, '/keys')).statusCode).toBe(200)
})
test('an unread body does not hold the connection', async () => {
  const { port } = await start()
  const answer = await raw(port, 'POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nx')
  expect(answer).toMatch(/^HTTP\/1\.1 404 /)
  expect(answer).toContain('Connection: close')
})
test('a request target in absolute form is its path, and a client that disconnects in its body causes no defect', async () => {
  const { port, server } = await start()
  expect(await raw(port, 'GET http://x/keys HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(/ 200 OK/)
  const gone = new Promise<void>((resolve) => {
    server.http.once('connection', (socket) => socket.once('close', () => resolve()))
  })
  const socket = connect(port, '127.0.0.1', () => {
    socket.write(
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"na',
      () => socket.destroy(),
    )
  })
  await gone
  expect((await fetchWith(port, '/keys')).statusCode).toBe(200)
})
