/** Providers whose URLs an administrator entered at run time must not lead into the private network of the service. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { LookupAddress } from 'node:dns'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBus } from '../../src/events/bus.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createGuards } from '../../src/providers/calls/guard.ts'
import type { ProxySettings } from '../../src/providers/calls/outbound.ts'
import type { Reach } from '../../src/providers/provider.ts'
import { readProvider } from '../../src/providers/settings.ts'

const breaker = { timeoutMs: 2000, errorThresholdPercent: 50, volume: 100, resetMs: 60_000 }
const isPrivate = { ok: false, error: { kind: 'garbage', reason: 'private_address' } }
const network = { ok: false, error: { kind: 'unavailable', reason: 'network' } }

let server: Server
let requests: number
let tunnels: (string | undefined)[]
let port: number
beforeEach(async () => {
  ;[requests, tunnels] = [0, []]
  server = createServer((request, response) => {
    requests += 1
    if (request.url === '/redirect') response.writeHead(307, { Location: '/there' }).end()
    else response.setHeader('Content-Type', 'application/json').end('{"a":1}')
  })
  // As a proxy it opens no tunnel: the request for one is all that counts.
  server.on('connect', ({ url }: IncomingMessage, socket: Socket) => {
    tunnels.push(url)
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterEach(() => new Promise((resolve) => server.close(resolve)))

type Answer = readonly string[] | 'ENOTFOUND'

/** Calls a URL. DNS gives one of `answers` after another, then the last one again. */
async function call(
  url: string,
  { reach = 'public', answers = [], proxy }: { reach?: Reach; answers?: Answer[]; proxy?: Partial<ProxySettings> } = {},
) {
  const asked: string[] = []
  const guards = createGuards({
    events: createBus(systemClock),
    clock: systemClock,
    random: systemRandom,
    proxy: proxy ? { httpsProxy: `http://127.0.0.1:${port}`, noProxy: '', ...proxy } : null,
    resolvers: {
      public(host, _options, done) {
        const answer = answers[Math.min(asked.push(host), answers.length) - 1] ?? ['127.0.0.1']
        if (answer === 'ENOTFOUND') return done(Object.assign(new Error(answer), { code: answer }), [])
        const addresses = answer.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }))
        process.nextTick(done, null, addresses)
      },
    },
  })
  const result = await guards.of('acme', breaker, reach).call({ endpoint: 'token', method: 'POST', url })
  await guards.close()
  return { result, asked }
}

describe('a provider that was added at run time', () => {
  test.each([
    'http://127.0.0.1',
    'http://127.1',
    'http://2130706433',
    'http://0x7f000001',
    'http://0177.0.0.1',
    'http://0',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://[64:ff9b::7f00:1]',
    'http://①②⑦.0.0.1',
    'http://169.254.169.254',
  ])('is not called at the private address of %s', async (origin) => {
    expect(await call(`${origin}:${port}/token`)).toEqual({ result: isPrivate, asked: [] })
    expect(requests).toBe(0)
  })

  test.each<[string, string, readonly string[]]>([
    ['loopback', 'idp.example', ['127.0.0.1']],
    ['a private IPv6 address', 'idp.example', ['fd00::1']],
    ['an IPv4-mapped address', 'idp.example', ['::ffff:127.0.0.1']],
    ['a public and a private address', 'idp.example', ['8.8.8.8', '127.0.0.1']],
    ['loopback by its own name', 'localhost', ['127.0.0.1']],
    ['loopback by its own name with a trailing dot', 'localhost.', ['127.0.0.1']],
    ['the metadata service of a cloud', 'metadata.google.internal', ['169.254.169.254']],
  ])('is not called if its name resolves to %s', async (_name, host, answer) => {
    expect(await call(`http://${host}:${port}/token`, { answers: [answer] })).toEqual({
      result: isPrivate,
      asked: [host],
    })
    expect(requests).toBe(0)
  })

  test('is connected to at the address that was checked, even if the name resolves to another one right after', async () => {
    const connections: string[] = []
    const watch = (message: unknown): void => {
      const { socket } = message as { socket: Socket }
      socket.on('lookup', (_error, address) => {
        connections.push(address)
        // Nothing is sent to that address.
        socket.destroy(new Error('stopped by the test'))
      })
    }
    subscribe('net.client.socket', watch)
    const { result, asked } = await call('http://idp.example/token', { answers: [['8.8.8.8'], ['127.0.0.1']] })
    unsubscribe('net.client.socket', watch)
    expect(result).toMatchObject(network)
    expect(asked).toEqual(['idp.example'])
    expect(connections).toEqual(['8.8.8.8'])
  })

  test('is called in a private network if its reach is not restricted, as that of a provider from the environment', async () => {
    expect(await call(`http://127.0.0.1:${port}/token`, { reach: 'any' })).toMatchObject({ result: { ok: true } })
    expect(requests).toBe(1)
  })

  test('is not followed to another address by a redirect', async () => {
    expect(await call(`http://127.0.0.1:${port}/redirect`, { reach: 'any' })).toMatchObject({
      result: { ok: false, error: { kind: 'garbage', reason: 'redirect' } },
    })
    expect(requests).toBe(1)
  })
})

describe('behind a proxy, a provider that was added at run time', () => {
  test('is requested from the proxy by name, if all addresses of the name are public', async () => {
    expect(await call('https://idp.example/token', { answers: [['8.8.8.8']], proxy: {} })).toMatchObject({
      result: network,
      asked: ['idp.example'],
    })
    expect(tunnels).toEqual(['idp.example:443'])
  })

  test.each<[string, string, Answer, object]>([
    ['a private address', 'idp.example', ['8.8.8.8', '10.0.0.1'], isPrivate],
    ['nothing here', 'idp.example', 'ENOTFOUND', network],
  ])('is not requested from the proxy if its name resolves to %s', async (_name, host, answer, result) => {
    expect(await call(`https://${host}/token`, { answers: [answer], proxy: {} })).toMatchObject({ result })
    expect(tunnels).toEqual([])
  })

  test('is not requested from the proxy by a private address', async () => {
    expect(await call('https://169.254.169.254/token', { proxy: {} })).toEqual({ result: isPrivate, asked: [] })
    expect(tunnels).toEqual([])
  })

  test('is checked at the connection too if NO_PROXY names it', async () => {
    const { result } = await call(`https://idp.example:${port}/token`, {
      answers: [['8.8.8.8'], ['127.0.0.1']],
      proxy: { noProxy: 'idp.example' },
    })
    expect(result).toEqual(isPrivate)
    expect(tunnels).toEqual([])
  })
})

describe('a URL in the settings of a provider that is added at run time', () => {
  const faultsOf = (ISSUER: string, reach: Reach): string[] => {
    const faults: string[] = []
    const settings: Record<string, string> = { CLIENT_ID: 'acme', CLIENT_SECRET: 'a secret of 24 letters', ISSUER }
    const general = {
      production: false,
      publicUrl: new URL('https://id.example.com'),
      OIDC_PROVIDERS: [],
      OAUTH2_PROVIDERS: [],
      OAUTH_HTTP_TIMEOUT_MS: 5000,
    }
    const given = { id: 'acme', kind: 'oidc', nameOf: (name: string) => name, reach } as const
    readProvider({ ...given, textOf: (name) => settings[name] }, general, faults)
    return faults
  }

  test.each([
    'https://localhost',
    'https://localhost.:8443/realm',
    'https://idp.localhost',
    'http://localhost:9000',
    'https://10.0.0.5',
    'https://0x0a000005',
    'https://167772165',
    'https://[::1]',
    'https://[fd00::1]',
    'https://169.254.169.254/latest',
  ])('%s is refused before anything is stored', (url) => {
    expect(faultsOf(url, 'public')).toEqual([
      'ISSUER: must not name this machine or a private network, unless PROVIDERS_ALLOW_PRIVATE_ADDRESSES is on',
    ])
    expect(faultsOf(url, 'any')).toEqual([])
  })

  test.each(['https://idp.example', 'https://8.8.8.8', 'https://[2606:4700:4700::1111]'])('%s is accepted', (url) => {
    expect(faultsOf(url, 'public')).toEqual([])
  })
})
