/** Shutdown on SIGTERM, with every kind of open connection, on real sockets. */
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { createDatabase } from '../support/postgres.ts'
import { type Service, startService } from '../support/process.ts'
import { freePort, noHurry } from '../support/service.ts'
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

/** A connection, the data that arrived on it, and the time it ended. */
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
  /** A request that has begun may use the grace period; `close` in `server.ts` allows 10 s. */
  const graceMs = 10_000
  const cases = {
    'a half-sent body': `${postHead}Content-Length: 50\r\n\r\n{"refresh`,
    'half-sent headers': 'GET /health/live HTTP/1.1\r\nHost: serv',
    'an idle keep-alive connection': live,
    'a connection on which nothing was ever sent': '',
    'a request in progress': `${postHead}Content-Length: 21\r\n\r\n{"refresh_`,
  } as const
  type Name = keyof typeof cases
  const slowRequests = 200
  let service: Service
  let outcome: Awaited<Service['ended']>
  let ms = 0
  let answered = ''
  let slowText = ''
  /** Connections in the order in which they ended. */
  const order: Name[] = []

  beforeAll(async () => {
    const port = await freePort()
    const base = `http://127.0.0.1:${port}`
    service = startService(settings(port, base, `file:${newFile()}`))
    await service.listening
    const open = (name: Name) => opened(port, cases[name])
    const connections = Object.fromEntries((Object.keys(cases) as Name[]).map((name) => [name, open(name)])) as Record<
      Name,
      ReturnType<typeof opened>
    >
    // A client that does not read its responses: more data than the buffers on both sides hold.
    const slow = opened(port)
    slow.socket.pause()
    await slow.ready
    slow.socket.write('GET /openapi.json HTTP/1.1\r\nHost: service\r\n\r\n'.repeat(slowRequests))
    await Promise.all(Object.values(connections).map(({ ready }) => ready))
    const idle = connections['an idle keep-alive connection']
    await eventually(() => expect(idle.heard()).toContain('{"status":"ok"}'))
    // Everything sent before this response has been read.
    expect((await fetch(`${base}/health/live`)).status).toBe(200)

    for (const [name, { closed }] of Object.entries(connections)) void closed.then(() => order.push(name as Name))
    const signaled = performance.now()
    service.process.kill('SIGTERM')
    const isRefused = (): Promise<boolean> =>
      fetch(`${base}/health/live`, { headers: { connection: 'close' } }).then(
        () => false,
        () => true,
      )
    await idle.closed
    const inProgress = connections['a request in progress']
    inProgress.socket.write('token":"x"}')
    expect(await isRefused()).toBe(true)
    outcome = await service.ended
    ms = performance.now() - signaled
    await Promise.all(Object.values(connections).map(({ closed }) => closed))
    answered = inProgress.heard()
    slow.socket.resume()
    await slow.closed
    slowText = slow.heard()
  })
  afterAll(() => void service.process.kill('SIGKILL'))

  test.each(['an idle keep-alive connection', 'a connection on which nothing was ever sent'] as const)(
    '%s ends at once',
    (name) => {
      expect(order.indexOf(name)).toBeLessThan(order.indexOf('a request in progress'))
    },
  )

  test('a request in progress is answered, and the response closes its connection', () => {
    expect(answered).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(answered).toMatch(/^connection: close$/im)
  })

  test.each(['a half-sent body', 'half-sent headers'] as const)(
    '%s may still be completed, and is cut off at the deadline',
    (name) => {
      expect(order.indexOf(name)).toBeGreaterThan(order.indexOf('a request in progress'))
    },
  )

  test('a client that reads nothing is cut off before it has all its responses', () => {
    const [, length] = /^content-length: (\d+)$/im.exec(slowText) ?? []
    expect(slowText).toMatch(/^HTTP\/1\.1 200 /)
    // The writer was blocked: it could not send what the client did not read.
    expect(Buffer.byteLength(slowText)).toBeLessThan(slowRequests * Number(length))
  })

  test('the process exits with 0, writes nothing to standard error and ends within the grace period', () => {
    expect(outcome).toEqual({ code: 0, signal: null, stderr: '' })
    // Allows for a slow machine.
    expect(ms).toBeLessThan(graceMs * 5)
  })
})

/**
 * Sends each request to the next node whose readiness was 200 when it last looked, as a load balancer does. The last
 * ready node stays: on a busy machine, it may fail to respond in time once.
 */
function createBalancer(bases: readonly string[]) {
  const ready = new Set<string>()
  const look = async (): Promise<void> => {
    for (const base of bases) {
      const status = await fetch(`${base}/health/ready`).then(
        (response) => response.status,
        () => 0,
      )
      if (status === 200) ready.add(base)
      else if (ready.size > 1) ready.delete(base)
    }
  }
  let isStopped = false
  const keepLooking = async (): Promise<void> => {
    for (; !isStopped; await pause(100)) await look()
  }
  let turn = 0
  return {
    ready,
    look,
    keepLooking,
    send(path: string, init?: RequestInit): Promise<Response> {
      const able = [...ready]
      const base = able[turn++ % able.length]
      return base === undefined ? Promise.reject(new Error('no node is ready')) : fetch(`${base}${path}`, init)
    },
    stop: () => {
      isStopped = true
    },
  }
}

test('two nodes restarted one after the other behind a load balancer that polls readiness fail no request', async () => {
  const database = await createDatabase()
  const ports = [await freePort(), await freePort()]
  const bases = ports.map((port) => `http://127.0.0.1:${port}`)
  const start = (port: number): Service =>
    startService(settings(port, bases[0] ?? '', database, { SHUTDOWN_DRAIN_SECONDS: '4', ...noHurry }))
  const nodes = ports.map(start)
  await Promise.all(nodes.map(({ listening }) => listening))
  const balancer = createBalancer(bases)
  await expect.poll(() => balancer.look().then(() => balancer.ready.size)).toBe(2)
  const looking = balancer.keepLooking()

  let isLoaded = true
  const answers = new Map<string, number>()
  const caller = async (): Promise<void> => {
    while (isLoaded) {
      // A request that needs the database: a message to an email address without an account.
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
      // The pause leaves the nodes as much of the machine as they need to start.
      await pause(20)
    }
  }
  const callers = Array.from({ length: 4 }, caller)
  for (const [at, port] of ports.entries()) {
    const base = bases[at] ?? ''
    nodes[at]?.process.kill('SIGTERM')
    await expect.poll(() => balancer.ready.has(base)).toBe(false)
    expect(await nodes[at]?.ended).toMatchObject({ code: 0, stderr: '' })
    nodes[at] = start(port)
    await nodes[at]?.listening
    await expect.poll(() => balancer.ready.has(base)).toBe(true)
  }
  isLoaded = false
  await Promise.all(callers)
  balancer.stop()
  await looking
  expect([...answers.keys()]).toEqual(['202'])
  expect(answers.get('202')).toBeGreaterThan(20)
  for (const { process: child } of nodes) child.kill('SIGTERM')
  expect((await Promise.all(nodes.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([0, 0])
})
