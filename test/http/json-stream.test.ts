import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import request from 'supertest'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { jsonStream } from '../../src/http/reply.ts'
import { route } from '../../src/http/route.ts'
import { ok } from '../../src/kernel/result.ts'
import { createSurface, routes } from './surface.tsx'

/** A service with one more route, whose response is written from these parts. */
const streaming = (pieces: () => AsyncIterable<string>, onDefect = vi.fn()) => {
  const long = route({
    method: 'get',
    path: '/long',
    summary: 'Long',
    tag: 'Things',
    surface: 'api',
    limit: 'account',
    auth: 'none',
    reply: z.looseObject({}),
    fails: [],
    handle: () => ok(jsonStream(pieces())),
  })
  return { ...createSurface({ routes: [...routes, long], onDefect, rateLimits: null }), onDefect }
}

describe('a streamed response', () => {
  const servers: ReturnType<typeof createServer>[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections()
  })
  const listen = async (app: Parameters<typeof createServer>[1]): Promise<number> => {
    const server = createServer(app as never)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  test('contains the JSON of its parts, without a length', async () => {
    const { app } = streaming(async function* () {
      yield '{"rows":['
      yield '1,2'
      yield ']}'
    })
    const answer = await request(app).get('/long')
    expect([answer.status, answer.body]).toEqual([200, { rows: [1, 2] }])
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
    const head = await request(app).head('/long')
    expect([head.status, head.text]).toEqual([200, undefined])
  })

  test('that fails halfway closes the connection, so that the client notices', async () => {
    const fault = new Error('the database is gone')
    const { app, onDefect } = streaming(async function* () {
      yield '{"rows":['
      yield '1'
      throw fault
    })
    const port = await listen(app as never)
    const taken = fetch(`http://127.0.0.1:${port}/long`).then((answer) => answer.text())
    await expect(taken).rejects.toThrow()
    expect(onDefect).toHaveBeenCalledWith(fault, expect.any(String))
  })

  test('is produced no faster than the client reads it, and stops when the client disconnects', async () => {
    let read = 0
    let ended = false
    const { app } = streaming(async function* () {
      try {
        for (; read < 10_000; read++) yield 'x'.repeat(100_000)
      } finally {
        ended = true
      }
    })
    const port = await listen(app as never)
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n')
    socket.pause()
    // The buffers between the two hold part of the gigabyte, and then nothing more is produced.
    let before = -1
    const stands = (): boolean => {
      const now = read
      const isSame = now > 0 && now === before
      before = now
      return isSame
    }
    await expect.poll(stands, { interval: 200 }).toBe(true)
    expect(read).toBeLessThan(1000)
    socket.destroy()
    await expect.poll(() => ended).toBe(true)
    expect(read).toBeLessThan(1000)
  })
})
