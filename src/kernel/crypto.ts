import { createCipheriv, createDecipheriv, createHash, createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { Random } from './ids.ts'

/** In one call: a sign-in hashes so often that an object for each digest would cost it more than the digests do. */
export const sha256 = (text: string): string => hash('sha256', text, 'base64url')

export const hmac = (key: Buffer, text: string): string => createHmac('sha256', key).update(text).digest('base64url')

/** Compares two secrets in a time that does not depend on where they differ. */
export function sameSecret(a: string, b: string): boolean {
  const left = createHash('sha256').update(a).digest()
  const right = createHash('sha256').update(b).digest()
  return timingSafeEqual(left, right)
}

/** The S256 challenge of a PKCE verifier (RFC 7636 §4.2). */
export const pkceChallenge = (verifier: string): string => sha256(verifier)

/**
 * HKDF-SHA-256 (RFC 5869) to a key of 32 bytes, which is one block of it: two HMACs. `hkdfSync` sets up a job of the
 * thread pool for each key, even though it then waits for it, and so takes nearly twice as long.
 */
const hkdf = (key: Buffer, salt: Buffer | '', info: string): Buffer => {
  const extracted = createHmac('sha256', salt).update(key).digest()
  return createHmac('sha256', extracted).update(`${info}\x01`).digest()
}

/** A key for one purpose (`csrf`, …), derived from a secret. */
export const deriveKey = (secret: Buffer, purpose: string): Buffer => hkdf(secret, '', `vinculum ${purpose} v1`)

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
  const keys = new Map(ring.map(({ id, key }) => [id, key]))
  const [{ id: sealingId, key: sealingKey }] = ring
  const rowKey = (key: Buffer, salt: Buffer): Buffer => hkdf(key, salt, 'vinculum seal v1')

  /** Seals the columns of one row, all under its one key: they need no more than a nonce each. */
  const sealingRow = (): ((text: string, place: string) => string) => {
    const salt = random(16)
    const ownKey = rowKey(sealingKey, salt)
    return (text, place) => {
      const nonce = random(12)
      const cipher = createCipheriv('aes-256-gcm', ownKey, nonce).setAAD(Buffer.from(place))
      const body = [cipher.update(text, 'utf8'), cipher.final()]
      return `v1.${sealingId}.${Buffer.concat([salt, nonce, cipher.getAuthTag(), ...body]).toString('base64url')}`
    }
  }

  return {
    /** The name of the key that seals. */
    sealsWith: sealingId,
    sealingRow,
    /** Seals `text` for one place, for instance `grants/grt_…/access_token`. */
    seal: (text: string, place: string): string => sealingRow()(text, place),

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
