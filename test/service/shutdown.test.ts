/** The end of a process on SIGTERM, with every kind of open connection, on real sockets. */
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase } from '../support/postgres.ts'
import { type Service, startService } from '../support/process.ts'
import { freePort } from '../support/service.ts'
import { newFile } from '../support/sqlite.ts'

const settings = (port: number, url: string, database: string, more: Readonly<Record<string, string>> = {}) => ({
  NODE_ENV: 'test',
  HOST: '127.0.0.1',
  PORT: String(port),
  PUBLIC_URL: url,
  DATABASE_URL: database,
  RATE_LIMITS: 'off',
  ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 'a key of thirty-two bytes, no less').toString('base64')}`,
  ...more,
})

/** A connection, what arrived on it, and when it ended. */
function opened(port: number, text = '') {
  const socket: Socket = connect(port, '127.0.0.1')
  const heard: string[] = []
  socket.on('data', (chunk) => heard.push(chunk.toString()))
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const ready = new Promise<void>((resolve) =>
    socket.once('connect', () => (text === '' ? resolve() : socket.write(text, () => resolve()))),
  )
  return { socket, heard: () => heard.join(''), closed, ready }
}

const live = 'GET /health/live HTTP/1.1\r\nHost: service\r\n\r\n'
const postHead = 'POST /auth/refresh HTTP/1.1\r\nHost: service\r\nContent-Type: application/json\r\n'

describe('after SIGTERM', () => {
  /** Only what had begun may use the grace time; `close` in `server.ts` allows 10 s. */
  const graceMs = 10_000
  const cases = {
    'a half-sent body': `${postHead}Content-Length: 50\r\n\r\n{"refresh`,
    'half-sent headers': 'GET /health/live HTTP/1.1\r\nHost: serv',
    'an idle keep-alive connection': live,
    'a connection on which nothing was ever sent': '',
  } as const
  let service: Service
  let port = 0
  beforeAll(async () => {
    port = await freePort()
    service = startService(settings(port, `http://127.0.0.1:${port}`, `file:${newFile()}`))
    await service.listening
  }, 60_000)
  afterAll(async () => {
    service.process.kill('SIGKILL')
    await service.ended
  })

  test('nothing that a connection holds open outlives the grace time, and the process ends with 0', async () => {
    const connections = Object.entries(cases).map(([name, text]) => ({ name, ...opened(port, text) }))
    // Reads nothing of many responses: more than the buffers of both sides hold.
    const slow = opened(port)
    slow.socket.pause()
    await slow.ready
    slow.socket.write('GET /openapi.json HTTP/1.1\r\nHost: service\r\n\r\n'.repeat(200))
    const finishes = opened(port, `${postHead}Content-Length: 21\r\n\r\n{"refresh_`)
    await Promise.all([...connections, finishes].map(({ ready }) => ready))
    const idle = connections.find(({ name }) => name === 'an idle keep-alive connection')
    await expect.poll(() => idle?.heard(), { timeout: 30_000 }).toContain('{"status":"ok"}')
    // Whatever was sent before these answers has been read.
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200)

    const order: string[] = []
    for (const { name, closed } of connections) void closed.then(() => order.push(name))
    const signaled = performance.now()
    service.process.kill('SIGTERM')
    // What is idle ends first. What has begun may still finish, and its connection ends with the answer.
    await expect
      .poll(() => [...order].sort(), { timeout: 30_000 })
      .toEqual(['a connection on which nothing was ever sent', 'an idle keep-alive connection'])
    finishes.socket.write('token":"x"}')
    await finishes.closed
    expect(finishes.heard()).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(finishes.heard()).toMatch(/^connection: close$/im)

    const { code, signal, stderr } = await service.ended
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' })
    expect(performance.now() - signaled).toBeLessThan(graceMs * 5)
    await Promise.all(connections.map(({ closed }) => closed))
    slow.socket.destroy()
  }, 90_000)
})

/** Sends each request to the next node whose readiness was 200 when it last looked, as a load balancer does. */
function createBalancer(bases: readonly string[]) {
  const ready = new Set<string>()
  const look = async (): Promise<void> => {
    for (const base of bases) {
      const status = await fetch(`${base}/health/ready`).then(
        (response) => response.status,
        () => 0,
      )
      if (status === 200) ready.add(base)
      else ready.delete(base)
    }
  }
  const looking = setInterval(() => void look(), 100)
  let turn = 0
  return {
    ready,
    look,
    send(path: string, init?: RequestInit): Promise<Response> {
      const able = [...ready]
      const base = able[turn++ % able.length]
      return base === undefined ? Promise.reject(new Error('no node is ready')) : fetch(`${base}${path}`, init)
    },
    stop: () => clearInterval(looking),
  }
}

test('two nodes restarted one after the other behind a balancer that polls readiness fail no request', async () => {
  const database = await createDatabase()
  const ports = [await freePort(), await freePort()]
  const bases = ports.map((port) => `http://127.0.0.1:${port}`)
  const start = (port: number): Service =>
    startService(settings(port, bases[0] ?? '', database, { SHUTDOWN_DRAIN_SECONDS: '3' }))
  const nodes = ports.map(start)
  await Promise.all(nodes.map(({ listening }) => listening))
  const balancer = createBalancer(bases)
  await balancer.look()
  expect(balancer.ready.size).toBe(2)

  let isLoaded = true
  const answers = new Map<string, number>()
  const caller = async (): Promise<void> => {
    while (isLoaded) {
      // A request that needs the database: an unknown token is looked up and refused.
      const answer = await balancer
        .send('/auth/email', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ email: `${crypto.randomUUID()}@example.com` }),
        })
        .then(
          ({ status }) => String(status),
          (error: Error) => `${error.message} ${String(error.cause)}`,
        )
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
    }
  }
  const callers = Array.from({ length: 4 }, caller)
  for (const [at, port] of ports.entries()) {
    const base = bases[at] ?? ''
    nodes[at]?.process.kill('SIGTERM')
    await expect.poll(() => balancer.ready.has(base), { timeout: 30_000 }).toBe(false)
    expect(await nodes[at]?.ended).toMatchObject({ code: 0, stderr: '' })
    nodes[at] = start(port)
    await nodes[at]?.listening
    await expect.poll(() => balancer.ready.has(base), { timeout: 30_000 }).toBe(true)
  }
  isLoaded = false
  await Promise.all(callers)
  balancer.stop()
  expect([...answers.keys()]).toEqual(['202'])
  expect(answers.get('202')).toBeGreaterThan(20)
  for (const { process: child } of nodes) child.kill('SIGTERM')
  expect((await Promise.all(nodes.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([0, 0])
}, 180_000)
