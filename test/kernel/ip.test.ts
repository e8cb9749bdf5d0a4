import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPublicIp, readIp } from '../../src/kernel/ip.ts'

describe('an IP address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:8080', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['::FFFF:C000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['[::ffff:c000:0201]', '192.0.2.1'],
    ['[::ffff:192.0.2.1]:65535', '192.0.2.1'],
    ['::ffff:192.0.2.1%eth0', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]', 'fe80::1'],
    ['::1', '::1'],
    ['::', '::'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ])('%s is %s', (text, address) => {
    expect(readIp(text)).toBe(address)
  })

  test.each([
    '',
    'unknown',
    '_hidden',
    'localhost',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.01',
    '0xc0.0.2.1',
    '3221225985',
    '192.0.2.1, 192.0.2.2',
    '192.0.2.1:',
    '192.0.2.1%eth0',
    '[192.0.2.1]',
    '[::1',
    '::1]',
    '[::1]x',
    '::ffff:192.0.2.1:443',
    '"[::1]"',
    ':::',
    '<script>',
    '192.0.2.1\n',
  ])('is not “%s”', (text) => {
    expect(readIp(text)).toBeNull()
  })

  test('has one canonical form, which parses as itself', () => {
    const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(groups, (parts) => {
        const long = parts.map((part) => part.toString(16).padStart(4, '0')).join(':')
        const short = parts.map((part) => part.toString(16)).join(':')
        const address = readIp(long)
        expect(address).not.toBeNull()
        for (const same of [short, short.toUpperCase(), `[${long}]`, `[${short}]:1`, `${long}%1`, address ?? ''])
          expect(readIp(same)).toBe(address)
      }),
    )
  })

  test('mapped into IPv6 is the IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (ip) => {
        const bytes = ip.split('.').map(Number)
        const hex = Buffer.from(bytes).toString('hex')
        for (const mapped of [`::ffff:${ip}`, `::ffff:${hex.slice(0, 4)}:${hex.slice(4)}`])
          expect(readIp(mapped)).toBe(bytes.join('.'))
      }),
    )
  })

  test('is parsed quickly, however long the text is', () => {
    for (const text of [':'.repeat(1e6), `[${'1:'.repeat(5e5)}]`, `${'1'.repeat(1e6)}:1`, '%'.repeat(1e6)])
      expect(readIp(text)).toBeNull()
  })
})

describe('a public IP address', () => {
  test.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '168.63.129.15',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2001:200::1',
    '2003::1',
    '2606:4700:4700::1111',
    '2a00:1450:4001:81b::200e',
    '3ffe:ffff::1',
  ])('%s is one', (address) => {
    expect(isPublicIp(address)).toBe(true)
  })

  test.each([
    ['this network', ['0.0.0.0', '0.255.255.255', '::']],
    ['private', ['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.0', '192.168.255.255']],
    ['shared with a carrier', ['100.64.0.0', '100.127.255.255', '100.100.100.200']],
    ['loopback', ['127.0.0.0', '127.0.0.1', '127.255.255.255', '::1']],
    ['link-local', ['169.254.0.0', '169.254.255.255', 'fe80::1', 'febf::1', 'fec0::1']],
    ['of a cloud’s metadata service', ['169.254.169.254', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254']],
    ['unique-local', ['fc00::1', 'fdff::1']],
    ['multicast or reserved', ['224.0.0.1', '239.255.255.255', '240.0.0.0', '255.255.255.255', 'ff02::1']],
    ['for documentation', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1']],
    [
      'for benchmarks and protocols',
      ['192.0.0.1', '192.88.99.1', '198.18.0.0', '198.19.255.255', '2001::1', '2001:1ff::1'],
    ],
    ['IPv4 in IPv6', ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::127.0.0.1', '::ffff:0:127.0.0.1']],
    [
      'NAT64, Teredo or 6to4',
      ['64:ff9b::7f00:1', '64:ff9b:1::7f00:1', '2001::7f00:1', '2002:7f00:1::', '2002:a9fe:a9fe::1'],
    ],
    ['with a zone', ['fe80::1%eth0', '2606:4700:4700::1111%1']],
    ['not an address', ['', 'localhost', '127.1', '2130706433', '0x7f000001', '[::1]', '8.8.8.8:53']],
  ])('one that is %s is none', (_kind, addresses) => {
    expect(addresses.filter(isPublicIp)).toEqual([])
  })
})
