/** The route of calls to providers when a proxy is configured. */
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createBus } from '../../src/events/bus.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createGuards } from '../../src/providers/calls/guard.ts'
import type { ProxySettings } from '../../src/providers/calls/outbound.ts'

const settings = { timeoutMs: 2000, errorThresholdPercent: 50, volume: 100, resetMs: 60_000 }
const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

let tunnels: { target: string | undefined; authorization: string | undefined }[]
let direct: number
let [proxyPort, providerPort] = [0, 0]
const sockets = new Set<Socket>()
const keep = (socket: Socket): void => {
  sockets.add(socket)
  socket.on('error', () => {})
}
// It opens no tunnel: the request for one is all it can see.
const proxy = createServer((_request, response) => response.writeHead(400).end()).on('connection', keep)
proxy.on('connect', ({ url, headers }: IncomingMessage, socket: Socket) => {
  tunnels.push({ target: url, authorization: headers['proxy-authorization'] })
  socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
})
const provider = createTcpServer((socket) => {
  keep(socket)
  direct += 1
  socket.end()
})

beforeEach(async () => {
  ;[tunnels, direct] = [[], 0]
  ;[proxyPort, providerPort] = [await listening(proxy), await listening(provider)]
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await Promise.all([proxy, provider].map((server) => new Promise((resolve) => server.close(resolve))))
})

async function call(url: string, given: Partial<ProxySettings> | null) {
  const httpsProxy = `http://ada:p%40ss@127.0.0.1:${proxyPort}`
  const guards = createGuards({
    events: createBus(systemClock),
    clock: systemClock,
    random: systemRandom,
    proxy: given && { httpsProxy, noProxy: '', ...given },
  })
  const result = await guards.of('acme', settings).call({ endpoint: 'token', method: 'POST', url })
  await guards.close()
  return result
}
const failed = { ok: false, error: { kind: 'unavailable', reason: 'network' } }

test('an HTTPS call asks the proxy for a tunnel with its credentials, and never connects directly', async () => {
  expect(await call(`https://localhost:${providerPort}/token`, {})).toMatchObject(failed)
  const authorization = `Basic ${Buffer.from('ada:p@ss').toString('base64')}`
  expect(tunnels).toEqual([{ target: `localhost:${providerPort}`, authorization }])
  expect(direct).toBe(0)
})

test.each(['localhost', '*', 'example.com, localhost'])(
  'NO_PROXY=%s connects to the host directly',
  async (noProxy) => {
    expect(await call(`https://localhost:${providerPort}/token`, { noProxy })).toMatchObject(failed)
    expect(tunnels).toEqual([])
    expect(direct).toBe(1)
  },
)

test.each<[string, string, Partial<ProxySettings> | null]>([
  ['plain HTTP, which is for this machine only,', 'http', {}],
  ['every call without a configured proxy', 'https', null],
])('%s connects directly', async (_name, scheme, given) => {
  await call(`${scheme}://localhost:${providerPort}/token`, given)
  expect(tunnels).toEqual([])
  expect(direct).toBe(1)
})
