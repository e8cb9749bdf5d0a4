import { isIP } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { listenHostFault } from '../../src/settings/listen-host.ts'

test('any IP address can be a listen host', () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (host) => listenHostFault(host) === undefined))
  expect(listenHostFault('fe80::1%eth0')).toBeUndefined()
})

test('any host name can be a listen host', () => {
  fc.assert(fc.property(fc.domain(), (host) => listenHostFault(host) === undefined))
  for (const host of ['localhost', 'db_1', 'node-1.internal']) expect(listenHostFault(host)).toBeUndefined()
})

test.each([
  ['http://127.0.0.1', /not a URL.*PUBLIC_URL/],
  ['https://id.example.com:443/', /not a URL/],
  ['127.0.0.1:3000', /without a port; set PORT/],
  ['localhost:3000', /without a port; set PORT/],
  ['[::1]:3000', /without a port; set PORT/],
  ['[::1]', /without brackets/],
  ['10.0.0.0/8', /without a path or a range/],
  ['*', /0\.0\.0\.0 or ::/],
  ['3000', /must be an IP address/],
  ['256.1.1.1', /must be an IP address/],
  ['1.2.3', /must be an IP address/],
  ['my host', /must be an IP address/],
  ['-host', /must be an IP address/],
  [`${'a'.repeat(250)}.com`, /must be an IP address/],
])('“%s” cannot be a listen host, and the reason is reported', (host, reason) => {
  expect(listenHostFault(host)).toMatch(reason)
})

test('no reason contains the text it is about', () => {
  fc.assert(
    fc.property(fc.string(), (noise) => {
      const host = `S3CR3T${noise}`
      if (isIP(host) === 0) expect(listenHostFault(host) ?? '').not.toContain('S3CR3T')
    }),
  )
})
