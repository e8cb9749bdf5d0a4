import { Agent, get, type IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { createHeaders } from '../../src/http/headers.ts'
import { json } from '../../src/http/reply.ts'
import { type Route, route } from '../../src/http/route.ts'
import { createServer, type VinculumServer } from '../../src/http/server.ts'
import { ok } from '../../src/kernel/result.ts'
import { createSurface, routes } from './surface.tsx'

/** As behind https, where they are most. */
const refusing = createHeaders(new URL('https://id.example.test')).api

const open: VinculumServer[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(open.splice(0).map((server) => server.close(0)))
})
async function start(more: readonly Route<unknown>[] = []) {
  const { app } = createSurface({ routes: [...routes, ...more] })
  const server = createServer(app, refusing)
  open.push(server)
  const { port } = await server.listen(0, '127.0.0.1')
  return { app, server, port }
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
    socket.on('close', () => resolve(heard))
  })

test('requests and responses are born with the prototypes Express gives them, so that giving changes nothing', async () => {
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
test('an answer is written without a header having been set before: one write, nothing merged', async () => {
  const { port } = await start()
  const set = vi.spyOn(ServerResponse.prototype, 'setHeader')
  await fetchWith(port, '/keys')
  expect(set).not.toHaveBeenCalled()
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

test('closing finishes what is in flight, says that the connection ends, and takes nobody new', async () => {
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
test('closing cuts whatever outlives its grace', async () => {
  const { route: slowRoute, begun, finish } = slow()
  const { server, port } = await start([slowRoute])
  const pending = fetchWith(port, '/slow').catch((error: Error) => error)
  await begun
  await server.close(0)
  expect(await pending).toBeInstanceOf(Error)
  finish()
})
test('what is not HTTP is refused with the headers of any refusal', async () => {
  const { port } = await start()
  const answer = await raw(port, 'nonsense\r\n\r\n')
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  expect(answer).toMatch(/X-Request-Id: req_[0-9a-f]{32}\r\n/)
  for (let at = 0; at < refusing.length; at += 2)
    expect(answer).toContain(`\r\n${refusing[at]}: ${refusing[at + 1]}\r\n`)
})
test.each([
  ['that names no host', 400, 'GET /keys HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ['that names two hosts', 400, 'GET /keys HTTP/1.1\r\nHost: x\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ['with an expectation nobody knows', 417, 'GET /keys HTTP/1.1\r\nHost: x\r\nExpect: 200-tea\r\n\r\n'],
])('a request %s is refused with the headers of any refusal', async (_, status, text) => {
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
test('a request of HTTP/1.0 needs no host, and whoever waits to send a body is told to go on', async () => {
  const { port } = await start()
  expect(await raw(port, 'GET /keys HTTP/1.0\r\n\r\n')).toMatch(/ 200 OK/)
  const head =
    'POST /optional HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n'
  const answer = await raw(port, `${head}Expect: 100-Continue\r\n\r\n{}`)
  expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/)
})
test('headers larger than 16 KiB are refused', async () => {
  const { port } = await start()
  const answer = await raw(port, `GET /keys HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(17_000)}\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 431 /)
})
test('a body nobody will read does not hold the connection', async () => {
  const { port } = await start()
  const answer = await raw(port, 'POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nx')
  expect(answer).toMatch(/^HTTP\/1\.1 404 /)
  expect(answer).toContain('Connection: close')
})
test('a path in absolute form is its path, and a client that leaves in the middle of its body is nobody’s defect', async () => {
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
