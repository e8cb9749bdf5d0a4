import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clientOrigins, fingerprintOf, readPasskeyOrigins } from '../../src/kernel/passkey-origins.ts'

const certificate = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
const colonHex = (bytes: Buffer): string => (bytes.toString('hex').match(/../g) as string[]).join(':')
const publicUrl = new URL('https://id.example.com')
const originOf = (bytes: Buffer): string => `android:apk-key-hash:${bytes.toString('base64url')}`
const read = (...items: string[]) => readPasskeyOrigins(items, true)

describe('the hash of an Android certificate', () => {
  // https://developer.android.com/identity/sign-in/credential-manager#verify-origin, as a sample app of Google sends it.
  test('is the fingerprint of assetlinks.json in base64url', () => {
    const { origins } = read('android:apk-key-hash:MLLzDvYxQ4EKTwC6U6ZVVrFQtH8GcV-1d444FK9HvaI@com.google.sample')
    expect(origins.android.map(fingerprintOf)).toEqual([
      '30:B2:F3:0E:F6:31:43:81:0A:4F:00:BA:53:A6:55:56:B1:50:B4:7F:06:71:5F:B5:77:8E:38:14:AF:47:BD:A2',
    ])
  })

  test('is the same in every notation', () => {
    fc.assert(
      fc.property(certificate, (bytes) => {
        const spellings = [
          bytes.toString('base64url'),
          `${bytes.toString('base64url')}=`,
          bytes.toString('base64'),
          colonHex(bytes),
          colonHex(bytes).toUpperCase(),
        ]
        for (const hash of spellings) {
          const { origins, faulty } = read(`android:apk-key-hash:${hash}@com.example.app`)
          expect(faulty).toEqual([])
          expect(origins.android.map(fingerprintOf)).toEqual([colonHex(bytes).toUpperCase()])
          expect(clientOrigins(origins, publicUrl)).toContain(originOf(bytes))
        }
      }),
    )
  })

  test('is accepted as base64 from password managers that write it so', () => {
    const bytes = Buffer.alloc(32, 0xfb)
    expect(clientOrigins(read(originOf(bytes)).origins, publicUrl)).toEqual([
      publicUrl.origin,
      originOf(bytes),
      `android:apk-key-hash:${bytes.toString('base64').replace('=', '')}`,
      `android:apk-key-hash:${bytes.toString('base64')}`,
    ])
  })

  test('that is not 32 bytes is rejected', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }).filter(({ length }) => length !== 32),
        (bytes) => {
          expect(read(originOf(Buffer.from(bytes))).faulty).toEqual([1])
        },
      ),
    )
    // The last of 43 characters holds only four bits: any other value would be a second encoding of the same bytes.
    expect(read(`android:apk-key-hash:${'A'.repeat(42)}B`).faulty).toEqual([1])
  })
})

describe('a passkey origin', () => {
  test('of each kind is parsed', () => {
    const hash = Buffer.alloc(32, 1)
    expect(
      read(`${originOf(hash)}@com.example.app`, 'ABCDE12345.com.example.app', 'https://shop.example:8443/').origins,
    ).toEqual({
      web: ['https://shop.example:8443'],
      android: [{ certificate: hash, packageName: 'com.example.app' }],
      apple: ['ABCDE12345.com.example.app'],
    })
  })

  test.each([
    'https://shop.example/path',
    'https://shop.example/?x',
    'https://shop.example/#x',
    'https://u:p@shop.example',
    'https://*.example',
    'http://shop.example',
    'http://localhost:5173',
    'shop.example',
    'ios:ABCDE12345.com.example.app',
    'ABCDE1234.com.example.app',
    'abcde12345.com.example.app',
    'ABCDE12345',
    'ABCDE12345.',
    'ABCDE12345.*',
    'ABCDE12345.com..app',
    'com.example.app',
    'android:apk-key-hash:',
    `${originOf(Buffer.alloc(32, 1))}@`,
    `${originOf(Buffer.alloc(32, 1))}@app`,
    `${originOf(Buffer.alloc(32, 1))}@1com.example`,
    `${originOf(Buffer.alloc(32, 1))}@com.example@com.example`,
    `android:apk-key-hash-sha256:${Buffer.alloc(32, 1).toString('base64url')}`,
    'javascript:alert(1)',
    'null',
    '',
  ])('“%s” is rejected by its position', (text) => {
    expect(read('https://shop.example', text, 'https://b.example').faulty).toEqual([2])
  })

  test('on plain HTTP is for loopback, outside production', () => {
    expect(readPasskeyOrigins(['http://localhost:5173'], false).origins.web).toEqual(['http://localhost:5173'])
    expect(readPasskeyOrigins(['http://shop.example'], false).faulty).toEqual([1])
  })

  test('of any text never throws, and never counts as the origin of the service', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.webUrl(), fc.constantFrom('null', '*'))), (items) => {
        const { origins } = readPasskeyOrigins(items, true)
        for (const origin of clientOrigins(origins, publicUrl)) expect(origin).toMatch(/^(https:\/\/|android:)/)
      }),
    )
  })
})

test('an Apple app sends the HTTPS origin of the host, whatever port the service has', () => {
  const { origins } = read('ABCDE12345.com.example.app')
  expect(clientOrigins(origins, new URL('https://id.example.com:8443'))).toEqual([
    'https://id.example.com:8443',
    'https://id.example.com',
  ])
})
