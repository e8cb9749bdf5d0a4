import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readIp } from '../../src/kernel/ip.ts'

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
