import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import type { Random } from './ids.ts'

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')

export const hmac = (key: Buffer, text: string): string => createHmac('sha256', key).update(text).digest('base64url')

/** Compares two secrets in a time that does not depend on where they differ. */
export function sameSecret(a: string, b: string): boolean {
  const left = createHash('sha256').update(a).digest()
  const right = createHash('sha256').update(b).digest()
  return timingSafeEqual(left, right)
}

/** The S256 challenge of a PKCE verifier (RFC 7636 §4.2). */
export const pkceChallenge = (verifier: string): string => sha256(verifier)

/** A key for one purpose (`csrf`, …), derived from a secret (HKDF-SHA-256, RFC 5869). */
export const deriveKey = (secret: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', `vinculum ${purpose} v1`, 32))

/** Keys by id; the first seals, all of them open. */
export type KeyRing = readonly [SealingKey, ...SealingKey[]]
export type SealingKey = { readonly id: string; readonly key: Buffer }

export class UnopenableError extends Error {
  override name = 'UnopenableError'
}

/** The name of the key something was sealed with; empty for what was not sealed. */
export const keyIdOf = (sealed: string): string => sealed.split('.')[1] ?? ''

/**
 * Sealing at rest: AES-256-GCM under a key of its own for every row.
 *
 * The row key is derived (HKDF-SHA-256) from the ring's key and a random salt, so no (key, nonce) pair
 * can repeat however many rows one ring key seals; `place` (table, row, column) is authenticated, so a
 * ciphertext moved to another row or column does not open there.
 *
 * Envelope: `v1.<key id>.<salt 16 + nonce 12 + tag 16 + ciphertext, base64url>`.
 */
export function createSealer(ring: KeyRing, random: Random) {
  const keys = new Map(ring.map(({ id, key }) => [id, createSecretKey(key)]))
  const [{ id: sealingId, key }] = ring
  const sealingKey = createSecretKey(key)
  const rowKey = (key: KeyObject, salt: Buffer): Buffer =>
    Buffer.from(hkdfSync('sha256', key, salt, 'vinculum seal v1', 32))

  return {
    /** The name of the key that seals. */
    sealsWith: sealingId,

    /** Seals `text` for one place, for instance `grants/grt_…/access_token`. */
    seal(text: string, place: string): string {
      const fresh = random(28)
      const ownKey = rowKey(sealingKey, fresh.subarray(0, 16))
      const cipher = createCipheriv('aes-256-gcm', ownKey, fresh.subarray(16)).setAAD(Buffer.from(place))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return `v1.${sealingId}.${Buffer.concat([fresh, cipher.getAuthTag(), body]).toString('base64url')}`
    },

    /** Opens what was sealed for the same place; throws `UnopenableError` for any other. */
    open(sealed: string, place: string): string {
      const [version, id, blob, ...rest] = sealed.split('.')
      const key = keys.get(id ?? '')
      if (version !== 'v1' || !key || !blob || rest.length > 0)
        throw new UnopenableError(`no key in the ring opens ${place}`)
      const bytes = Buffer.from(blob, 'base64url')
      try {
        const ownKey = rowKey(key, bytes.subarray(0, 16))
        // The length is said, or Node takes a tag cut down to four bytes, which can be guessed.
        const decipher = createDecipheriv('aes-256-gcm', ownKey, bytes.subarray(16, 28), { authTagLength: 16 })
        decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(28, 44))
        return decipher.update(bytes.subarray(44), undefined, 'utf8') + decipher.final('utf8')
      } catch {
        throw new UnopenableError(`${place} was not sealed here with this key`)
      }
    },
  }
}
export type Sealer = ReturnType<typeof createSealer>
