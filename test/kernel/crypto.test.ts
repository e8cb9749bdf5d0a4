import { createCipheriv, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createSealer,
  deriveKey,
  keyIdOf,
  pkceChallenge,
  sameSecret,
  UnopenableError,
} from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { newKey } from '../support/sealers.ts'

const [old, recent] = [newKey('k1'), newKey('k2')]
const place = 'grants/grt_1/access_token'

/** The envelope with changed bytes. */
const altered = (sealed: string, change: (bytes: Buffer) => Buffer): string => {
  const [version, id, blob = ''] = sealed.split('.')
  return `${version}.${id}.${change(Buffer.from(blob, 'base64url')).toString('base64url')}`
}

describe('an encrypted value', () => {
  const sealer = createSealer([old], systemRandom)

  test('can be decrypted in its place, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, at) => {
        expect(sealer.open(sealer.seal(text, at), at)).toBe(text)
      }),
    )
  })

  test('does not show its text, and is different each time', () => {
    const [first, second] = [sealer.seal('hush hush', place), sealer.seal('hush hush', place)]
    expect(first).not.toBe(second)
    expect(Buffer.from(first.split('.')[2] ?? '', 'base64url').toString('latin1')).not.toContain('hush')
  })

  test.each(['grants/grt_2/access_token', 'grants/grt_1/refresh_token', '', `${place}/`])(
    'cannot be decrypted when moved to “%s”',
    (elsewhere) => {
      const sealed = sealer.seal('secret', place)
      expect(() => sealer.open(sealed, elsewhere)).toThrow(UnopenableError)
    },
  )

  test('cannot be decrypted with another key of the same ID', () => {
    const sealed = sealer.seal('secret', place)
    expect(() => createSealer([newKey('k1')], systemRandom).open(sealed, place)).toThrow(UnopenableError)
  })

  test('cannot be decrypted with any bit changed', () => {
    const sealed = sealer.seal('secret', place)
    const { length } = Buffer.from(sealed.split('.')[2] ?? '', 'base64url')
    for (let bit = 0; bit < length * 8; bit++) {
      const flipped = altered(sealed, (bytes) => {
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        return bytes
      })
      expect(() => sealer.open(flipped, place)).toThrow(UnopenableError)
    }
  })

  test.each(['secret', ''])(
    'cannot be decrypted when shortened or extended (%j): a tag of four bytes can be guessed',
    (text) => {
      const sealed = sealer.seal(text, place)
      const { length } = Buffer.from(sealed.split('.')[2] ?? '', 'base64url')
      for (let left = 0; left < length; left++)
        expect(() =>
          sealer.open(
            altered(sealed, (bytes) => bytes.subarray(0, left)),
            place,
          ),
        ).toThrow(UnopenableError)
      expect(() =>
        sealer.open(
          altered(sealed, (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])),
          place,
        ),
      ).toThrow(UnopenableError)
    },
  )

  test.each(['', 'v1', 'v1.k1', 'v1.k1.', 'v1..AAAA', 'v2.k1.AAAA', 'plain text', '..'])(
    'is required instead of %j',
    (text) => {
      expect(() => sealer.open(text, place)).toThrow(UnopenableError)
    },
  )

  test('may have no trailing data', () => {
    expect(() => sealer.open(`${sealer.seal('secret', place)}.more`, place)).toThrow(UnopenableError)
  })

  test('can be decrypted when another program encrypted it as specified', () => {
    const [salt, nonce] = [systemRandom(16), systemRandom(12)]
    const cipher = createCipheriv(
      'aes-256-gcm',
      Buffer.from(hkdfSync('sha256', old.key, salt, 'vinculum seal v1', 32)),
      nonce,
    )
    const body = cipher.setAAD(Buffer.from(place)).update('secret')
    cipher.final()
    const blob = Buffer.concat([salt, nonce, cipher.getAuthTag(), body])
    expect(sealer.open(`v1.k1.${blob.toString('base64url')}`, place)).toBe('secret')
  })

  test('shares its derived key with at most 1,023 others, and its nonce with none of them', () => {
    const fresh = createSealer([old], systemRandom)
    const values = Array.from({ length: 3000 }, () => fresh.seal('secret', place))
    const bytes = values.map((sealed) => Buffer.from(sealed.split('.')[2] ?? '', 'base64url'))
    const sharing = new Map<string, number>()
    for (const one of bytes) {
      const salt = one.toString('hex', 0, 16)
      sharing.set(salt, (sharing.get(salt) ?? 0) + 1)
    }
    expect([...sharing.values()]).toEqual([1024, 1024, 952])
    expect(new Set(bytes.map((one) => one.toString('hex', 16, 28))).size).toBe(3000)
  })

  test('can be decrypted by another process, however many keys have been derived since', () => {
    const values = Array.from({ length: 200 }, (_, n) => createSealer([old], systemRandom).seal(`${n}`, place))
    for (const round of [1, 2])
      expect(
        values.map((sealed) => sealer.open(sealed, place)),
        `round ${round}`,
      ).toEqual(values.map((_, n) => `${n}`))
  })

  test('can be decrypted with its key in any position of the ring, and is encrypted with the first', () => {
    const sealed = sealer.seal('secret', place)
    const rotated = createSealer([recent, old], systemRandom)
    expect(rotated.open(sealed, place)).toBe('secret')
    expect(rotated.seal('secret', place)).toMatch(/^v1\.k2\./)
  })

  test('cannot be decrypted once its key left the ring, and the error does not contain the text', () => {
    const sealed = sealer.seal('secret', place)
    expect(() => createSealer([recent], systemRandom).open(sealed, place)).toThrow(
      expect.objectContaining({ name: 'UnopenableError', message: expect.not.stringContaining('secret') }),
    )
  })
})

test('a key for a purpose is HKDF of the secret', () => {
  const expected = Buffer.from(hkdfSync('sha256', old.key, '', 'vinculum csrf v1', 32))
  expect(deriveKey(old.key, 'csrf')).toEqual(expected)
})

test('keys derived for two purposes differ, and each is stable', () => {
  expect(deriveKey(old.key, 'csrf')).toEqual(deriveKey(Buffer.from(old.key), 'csrf'))
  expect(deriveKey(old.key, 'csrf')).not.toEqual(deriveKey(old.key, 'cookie'))
  expect(deriveKey(old.key, 'csrf')).not.toEqual(deriveKey(recent.key, 'csrf'))
  expect(deriveKey(old.key, 'csrf')).toHaveLength(32)
})

test('an encrypted value names its key', () => {
  const sealer = createSealer([recent, old], systemRandom)
  expect(keyIdOf(sealer.seal('hush', place))).toBe(sealer.sealsWith)
  expect(sealer.sealsWith).toBe(recent.id)
  expect(keyIdOf('in the clear')).toBe('')
})

test('the challenge of a PKCE verifier matches RFC 7636 appendix B', () => {
  expect(pkceChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  )
})

test('two secrets are equal only when every character is', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(sameSecret(a, b)).toBe(a === b)
      expect(sameSecret(a, a)).toBe(true)
    }),
  )
})
