/** Names of providers and applications that strangers choose. */
import { createSocket, type Socket } from 'node:dgram'
import type { LookupAddress } from 'node:dns'
import { afterEach, expect, test } from 'vitest'
import { createPublicResolver } from '../../src/providers/calls/public-resolver.ts'

const recordTypes = { A: 1, AAAA: 28 } as const
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close()
})

/** A DNS server (RFC 1035 §4) that knows these IPv4 addresses of every name, and no others; `null`: it never answers. */
async function dnsServer(addresses: readonly string[] | null) {
  const socket = createSocket('udp4')
  sockets.push(socket)
  let questions = 0
  socket.on('message', (query, from) => {
    questions += 1
    if (addresses === null) return
    const question = query.subarray(12, query.indexOf(0, 12) + 5)
    const isIpv4 = question.readUInt16BE(question.length - 4) === recordTypes.A
    const found = isIpv4 ? addresses : []
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(0x8180, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(found.length, 6)
    const records = found.map((address) =>
      Buffer.from([0xc0, 12, 0, recordTypes.A, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]),
    )
    socket.send(Buffer.concat([header, question, ...records]), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return { at: `127.0.0.1:${socket.address().port}`, questions: () => questions }
}

const resolved = (server: string, host: string, family?: 4 | 6) =>
  new Promise<{ code: string | undefined; addresses: LookupAddress[] }>((resolve) =>
    createPublicResolver([server])(host, { all: true, family }, (error, addresses) =>
      resolve({ code: error?.code, addresses }),
    ),
  )

test('a name resolves to all its addresses of the family that is asked for', async () => {
  const { at } = await dnsServer(['198.51.100.7', '198.51.100.8'])
  const both = [
    { address: '198.51.100.7', family: 4 },
    { address: '198.51.100.8', family: 4 },
  ]
  expect(await resolved(at, 'shop.example')).toEqual({ code: undefined, addresses: both })
  expect(await resolved(at, 'shop.example', 4)).toEqual({ code: undefined, addresses: both })
  expect(await resolved(at, 'shop.example', 6)).toMatchObject({ code: 'ENODATA', addresses: [] })
})

test('names whose server does not answer delay no other name, however many there are', async () => {
  const [silent, fine] = [await dnsServer(null), await dnsServer(['198.51.100.7'])]
  let failed = 0
  const hanging = Array.from({ length: 50 }, (_, n) =>
    resolved(silent.at, `${n}.example`).then((result) => {
      failed += 1
      return result
    }),
  )
  await expect.poll(() => silent.questions()).toBeGreaterThanOrEqual(100)
  expect((await resolved(fine.at, 'shop.example')).addresses).toHaveLength(1)
  expect(failed).toBeLessThan(50)
  for (const { code, addresses } of await Promise.all(hanging)) expect([code, addresses]).toEqual(['ETIMEOUT', []])
})
