/** The process: its log, shutdown and replacement. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { Agent, createServer, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort, issuer, newPath } from '../processes.ts'
import type { Case, CaseContext } from './case.ts'
import { call, everyoneSignedIn, live, type Node, people, ready, startLoad, until } from './client.ts'
import { finding, noDefects, noneLongerThan, onlyStatuses } from './judge.ts'
import { startStandIn } from './stand-in.ts'
import { isRoot, mountMemory, newFile, startNode, startWith } from './start.ts'

/** How long a shutdown may take: the drain time, and the time for requests in progress. */
const endMs = 15_000

/** Sends SIGTERM and checks the exit code and the duration. */
async function ends(node: Awaited<ReturnType<typeof startWith>>, withinMs = endMs) {
  const began = performance.now()
  node.child.kill('SIGTERM')
  const ended = await until(() => node.child.exitCode !== null || node.child.signalCode !== null, withinMs)
  return finding(
    `SIGTERM ends it with 0 within ${withinMs} ms`,
    ended && node.child.exitCode === 0,
    `${node.child.exitCode ?? node.child.signalCode ?? 'it is still running'} after ${Math.round(performance.now() - began)} ms`,
  )
}

const dropped = async ({ port }: Node): Promise<number> => {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^vinculum_log_lines_dropped_total (\d+)$/m.exec(metrics)?.[1])
}

/**
 * Writes the log to `stdout`, uses the service, and stops it. `fault` happens once it is ready. A full pipe need not
 * lose lines at once: a limited number of lines is buffered.
 */
async function logInto(
  setting: CaseContext,
  stdout: number,
  { losesLines, fault }: { readonly losesLines: boolean; readonly fault?: () => void },
) {
  const node = await startNode(setting, {
    database: `file:${newFile()}`,
    stdout,
    env: { LOG_LEVEL: 'debug' },
  })
  const all = await people(node, 8)
  fault?.()
  const load = startLoad(node, all)
  setting.defer(() => load.stop())
  const refused = []
  for (const until = performance.now() + 5000; performance.now() < until; )
    refused.push(
      await call(node, 'POST', '/auth/token', { body: { username: 'nobody@example.com', password: 'x'.repeat(64) } }),
    )
  await load.stop()
  const lost = await dropped(node)
  return [
    onlyStatuses(load.answers, [200]),
    onlyStatuses(refused, [401, 429]),
    noneLongerThan(3000, load.answers),
    ...(losesLines ? [finding('the metric counts lost lines', lost > 0, lost)] : []),
    await ends(node),
  ]
}

/** A descriptor that is closed at the end of the case. */
function opened(setting: CaseContext, path: string): number {
  const descriptor = openSync(path, 'a')
  setting.defer(() => closeSync(descriptor))
  return descriptor
}

/** A full pipe that is never read, for the service to inherit. */
function blockedPipe(setting: CaseContext): number {
  const reader = spawn('sleep', ['600'], { stdio: ['pipe', 'ignore', 'ignore'] })
  setting.defer(() => void reader.kill('SIGKILL'))
  const { fd } = (reader.stdin as unknown as { _handle: { fd: number } })._handle
  try {
    for (;;) writeSync(fd, Buffer.alloc(65_536, 'x'))
  } catch (error) {
    if ((error as { code?: string }).code !== 'EAGAIN') throw error
  }
  return fd
}

function fill(file: string): void {
  const handle = openSync(file, 'w')
  try {
    for (;;) writeSync(handle, Buffer.alloc(4096))
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOSPC') throw error
  } finally {
    closeSync(handle)
  }
}

/**
 * A load balancer: sends each request to a node that was ready at the last poll, and never retries. What a node rejects
 * or drops is a failed request.
 */
async function startBalancer(setting: CaseContext, ports: readonly number[]) {
  const agent = new Agent({ keepAlive: true })
  const healthy = new Set<number>()
  let turn = 0
  let over = false
  const polling = (async () => {
    while (!over) {
      await Promise.all(
        ports.map(async (port) => {
          const { status } = await ready({ port })()
          if (status === 200) healthy.add(port)
          else healthy.delete(port)
        }),
      )
      await pause(100)
    }
  })()
  const server = createServer((incoming, outgoing) => {
    const choices = [...healthy]
    const port = choices[turn++ % Math.max(1, choices.length)]
    if (port === undefined) {
      outgoing.writeHead(502).end()
      return
    }
    const passed = request(
      { agent, port, host: '127.0.0.1', method: incoming.method, path: incoming.url, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    passed.on('error', () => outgoing.destroy())
    incoming.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  setting.defer(async () => {
    over = true
    await polling
    server.closeAllConnections()
    server.close()
    agent.destroy()
  })
  return { port: (server.address() as AddressInfo).port, healthy }
}

const openSocket = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
  })

export const processCases: readonly Case[] = [
  {
    name: 'process-log-dev-full',
    promise: 'A log that rejects every line stops neither the service nor its shutdown.',
    criteria: 'standard output is /dev/full: every response is right, lost lines are counted, SIGTERM ends it with 0',
    withinSeconds: 60,
    run: async (setting) => logInto(setting, opened(setting, '/dev/full'), { losesLines: true }),
  },
  {
    name: 'process-log-disk-full',
    promise: 'A log disk that fills up stops neither the service nor its shutdown.',
    criteria: 'a file system of 1 MB fills up while the service runs: responses, lost lines, SIGTERM',
    withinSeconds: 60,
    async run(setting) {
      if (!isRoot) return { notRun: 'only root can mount a small file system' }
      const folder = newPath('log')
      mountMemory(setting, folder, 1)
      return logInto(setting, opened(setting, join(folder, 'service.log')), {
        losesLines: true,
        fault: () => fill(join(folder, 'filler')),
      })
    },
  },
  {
    name: 'process-log-blocked-pipe',
    promise: 'A log reader that hangs stops neither the service nor its shutdown.',
    criteria: 'standard output is a full pipe that is never read: responses, SIGTERM',
    withinSeconds: 60,
    run: async (setting) => logInto(setting, blockedPipe(setting), { losesLines: false }),
  },
  ...(['sqlite', 'postgres'] as const).map(
    (name): Case => ({
      name: `process-sigterm-${name}`,
      promise: 'SIGTERM ends the service although bodies are half sent and connections stay open.',
      criteria: 'drain of 2 s, 20 half-sent bodies, 20 idle keep-alive connections: exit code 0 within 15 s',
      withinSeconds: 60,
      async run(setting) {
        const database = name === 'sqlite' ? `file:${newFile()}` : await setting.newDatabase()
        const node = await startNode(setting, { database, env: { SHUTDOWN_DRAIN_SECONDS: '2' } })
        const sockets = await Promise.all(Array.from({ length: 40 }, () => openSocket(node.port)))
        setting.defer(() => {
          for (const socket of sockets) socket.destroy()
        })
        for (const [n, socket] of sockets.entries()) {
          socket.on('error', () => {})
          const head = `Host: localhost:${node.port}\r\nAccept: application/json\r\n`
          if (n % 2) socket.write(`GET /health/live HTTP/1.1\r\n${head}\r\n`)
          else
            socket.write(
              `POST /auth/refresh HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"refresh`,
            )
        }
        await pause(500)
        const end = ends(node)
        await pause(500)
        const draining = await live(node)()
        const notReady = await ready(node)()
        return [onlyStatuses([draining], [200]), onlyStatuses([notReady], [503]), await end, noDefects(node.said())]
      },
    }),
  ),
  {
    name: 'process-rolling-restart',
    promise: 'Nodes are replaced one after the other without a failed request.',
    criteria:
      'two nodes on PostgreSQL behind a balancer that polls /health/ready, each replaced twice: every response is 200',
    withinSeconds: 120,
    async run(setting) {
      const database = await setting.newDatabase()
      const { env: provider } = await startStandIn(setting, ['local'])
      // Nodes share one public URL: a sign-in started at one ends at the other.
      const env = { ...provider, SHUTDOWN_DRAIN_SECONDS: '1', PUBLIC_URL: issuer }
      const ports = [await freePort(), await freePort()]
      const start = (port: number) => startWith(setting, { database, env, port })
      const nodes = []
      for (const port of ports) nodes.push(await start(port))
      const balancer = await startBalancer(setting, ports)
      await until(() => balancer.healthy.size === 2, 5000)
      const all = await people(balancer, 12)
      const load = startLoad(balancer, all)
      setting.defer(() => load.stop())
      const logs: string[] = []
      for (let round = 0; round < 2; round++)
        for (const [at, port] of ports.entries()) {
          await pause(1000)
          const old = nodes[at]
          await old?.stop()
          logs.push(old?.said() ?? '')
          nodes[at] = await start(port)
          await until(() => balancer.healthy.size === 2, 10_000)
        }
      await pause(1000)
      await load.stop()
      return [
        onlyStatuses(load.answers, [200]),
        finding('nobody gets another person’s response', load.mixedUp.length === 0, load.mixedUp.length),
        await everyoneSignedIn(balancer, all),
        noDefects(logs.join('\n')),
      ]
    },
  },
]
