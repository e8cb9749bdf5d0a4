/** Logout notices go to URLs that applications registered, through the same guard as calls to providers. */
import type { LookupAddress } from 'node:dns'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deliverLogoutToken } from '../../src/openid/deliver.ts'
import { createRequests } from '../../src/openid/requests.ts'
import { createOutbound } from '../../src/providers/calls/outbound.ts'

let server: Server
let port: number
let bodies: string[]
let tunnels: (string | undefined)[]
let connections: number
beforeEach(async () => {
  ;[bodies, tunnels, connections] = [[], [], 0]
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      bodies.push(text)
      const status = Number(/\d+/.exec(request.url ?? '')?.[0] ?? 200)
      response.writeHead(status, { location: '/there', 'content-type': 'text/plain' }).end('x'.repeat(100_000))
    })
  })
  server.on('connection', () => {
    connections += 1
  })
  server.on('connect', ({ url }: IncomingMessage, socket: Socket) => {
    tunnels.push(url)
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

type Circumstances = { reach?: 'any' | 'public'; answers?: readonly string[]; proxied?: boolean }
const requestsWith = ({ reach = 'public', answers = ['127.0.0.1'], proxied = false }: Circumstances = {}) =>
  createRequests({
    outbound: createOutbound(proxied ? { httpsProxy: `http://127.0.0.1:${port}`, noProxy: '' } : null, {
      public: (_host, _options, done) =>
        process.nextTick(
          done,
          null,
          answers.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
        ),
    }),
    reach,
  })
async function deliver(uri: string, circumstances: Circumstances = {}) {
  const requests = requestsWith(circumstances)
  const result = await deliverLogoutToken(requests, uri, 'a.logout.token')
  await requests.close()
  return result
}

describe('a logout notice', () => {
  test.each([
    ['an IP address of this machine', 'http://127.0.0.1', undefined],
    ['the metadata service of a cloud', 'http://169.254.169.254', undefined],
    ['a name that resolves to this machine', 'http://shop.example', ['127.0.0.1']],
    ['a name with a public and a private address', 'http://shop.example', ['8.8.8.8', '10.0.0.1']],
    ['an IPv4-mapped address', 'http://[::ffff:127.0.0.1]', undefined],
  ])('is not sent to %s', async (_, origin, answers) => {
    const result = await deliver(`${origin}:${port}/200`, answers ? { answers } : {})
    expect(result).toEqual({ tag: 'transient', reason: 'private_address' })
    expect([bodies, connections]).toEqual([[], 0])
  })

  test.each([
    [200, { tag: 'sent' }],
    [204, { tag: 'sent' }],
    [302, { tag: 'transient', reason: 'status_302' }],
    [307, { tag: 'transient', reason: 'status_307' }],
    [400, { tag: 'refused', reason: 'status_400' }],
    [503, { tag: 'transient', reason: 'status_503' }],
  ])('that is answered with %i is sent once, and follows no redirect', async (status, expected) => {
    expect(await deliver(`http://127.0.0.1:${port}/${status}`, { reach: 'any' })).toEqual(expected)
    expect(bodies).toEqual(['logout_token=a.logout.token'])
  })

  test('goes through the proxy by name', async () => {
    const result = await deliver('https://shop.example/logout', { answers: ['8.8.8.8'], proxied: true })
    expect(result).toEqual({ tag: 'transient', reason: 'unreachable' })
    expect(tunnels).toEqual(['shop.example:443'])
    await deliver('https://shop.example/logout', { answers: ['10.0.0.1'], proxied: true })
    expect(tunnels).toHaveLength(1)
  })
})

describe('requests to applications', () => {
  test('share their connections', async () => {
    const requests = requestsWith({ reach: 'any' })
    for (let i = 0; i < 5; i += 1)
      await requests.send(`http://127.0.0.1:${port}/200`, { method: 'GET', headers: {}, mostBytes: 200_000 })
    await requests.close()
    expect(connections).toBeLessThan(5)
  })
  test('read no more of a response than they need, and report no text of an error', async () => {
    const requests = requestsWith({ reach: 'any' })
    const most = { method: 'GET', headers: {}, mostBytes: 1000 } as const
    expect(await requests.send(`http://127.0.0.1:${port}/200`, most)).toEqual({ tag: 'failed', reason: 'too_large' })
    expect(await requests.send('http://127.0.0.1:1/', most)).toEqual({ tag: 'failed', reason: 'unreachable' })
    await requests.close()
  })
})
