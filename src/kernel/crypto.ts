import { createCipheriv, createDecipheriv, createHash, createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { Random } from './ids.ts'

/**
 * Uses the one-call `hash`: a sign-in hashes so often that creating a hash object each time costs more than hashing.
 */
export const sha256 = (text: string): string => hash('sha256', text, 'base64url')

/** The hash in the name of a file, which changes with its content. */
export const contentHash = (content: Buffer): string => createHash('sha256').update(content).digest('hex').slice(0, 16)

export const hmac = (key: Buffer, text: string): string => createHmac('sha256', key).update(text).digest('base64url')

/** Compares two secrets in constant time, wherever they differ. */
export function sameSecret(a: string, b: string): boolean {
  const left = createHash('sha256').update(a).digest()
  const right = createHash('sha256').update(b).digest()
  return timingSafeEqual(left, right)
}

/** The S256 challenge of a PKCE verifier (RFC 7636 §4.2). */
export const pkceChallenge = (verifier: string): string => sha256(verifier)

/**
 * HKDF-SHA-256 (RFC 5869) for a key of 32 bytes, which is one block: two HMACs. `hkdfSync` creates a thread pool job
 * for each key although it then waits for it, and takes nearly twice as long.
 */
const hkdf = (key: Buffer, salt: Buffer | '', info: string): Buffer => {
  const extracted = createHmac('sha256', salt).update(key).digest()
  return createHmac('sha256', extracted).update(`${info}\x01`).digest()
}

/** A key for one purpose (`csrf`, …), derived from a secret. */
export const deriveKey = (secret: Buffer, purpose: string): Buffer => hkdf(secret, '', `vinculum ${purpose} v1`)

/** Keys by ID. The first one encrypts; all of them decrypt. */
export type KeyRing = readonly [SealingKey, ...SealingKey[]]
export type SealingKey = { readonly id: string; readonly key: Buffer }

export class UnopenableError extends Error {
  override name = 'UnopenableError'
}

/** The name of the key a value was sealed with; empty for text that is not sealed. */
export const keyIdOf = (sealed: string): string => sealed.split('.')[1] ?? ''

/**
 * How many values are sealed with one derived key. Deriving a key costs more than sealing with it. Nonces are random,
 * so two of 1,024 are the same with a probability of 2^-77.
 */
const sealsWithOneKey = 1024

/** How many derived keys are kept for opening: a value is often opened by the process that has just sealed it. */
const maxDerivedKeys = 64

/**
 * Encryption at rest (“sealing”): AES-256-GCM with derived keys.
 *
 * They are derived (HKDF-SHA-256) from a key of the ring and a random salt, and each seals a limited number of values.
 * So no pair of key and nonce repeats, however many values one key of the ring seals. `place` (table, row, column) is
 * authenticated: a ciphertext that was moved to another row or column does not decrypt there.
 *
 * Envelope: `v1.<key id>.<salt 16 + nonce 12 + tag 16 + ciphertext, base64url>`.
 */
export function createSealer(ring: KeyRing, random: Random) {
  const keys = new Map(ring.map(({ id, key }) => [id, key]))
  const [{ id: sealingId, key: sealingKey }] = ring
  const derived = new Map<string, Buffer>()
  const derive = (id: string, key: Buffer, salt: Buffer): Buffer => {
    const name = `${id} ${salt.toString('base64url')}`
    const known = derived.get(name)
    if (known) return known
    const [oldest] = derived.keys()
    if (oldest !== undefined && derived.size >= maxDerivedKeys) derived.delete(oldest)
    const found = hkdf(key, salt, 'vinculum seal v1')
    derived.set(name, found)
    return found
  }
  let sealing: { readonly salt: Buffer; readonly key: Buffer; left: number } | undefined

  return {
    /** The name of the key that seals. */
    sealsWith: sealingId,
    /** Seals `text` for one place, for instance `grants/grt_…/access_token`. */
    seal(text: string, place: string): string {
      if (!sealing || sealing.left === 0) {
        const salt = random(16)
        sealing = { salt, key: derive(sealingId, sealingKey, salt), left: sealsWithOneKey }
      }
      sealing.left -= 1
      const nonce = random(12)
      const cipher = createCipheriv('aes-256-gcm', sealing.key, nonce).setAAD(Buffer.from(place))
      const body = [cipher.update(text, 'utf8'), cipher.final()]
      const sealed = Buffer.concat([sealing.salt, nonce, cipher.getAuthTag(), ...body])
      return `v1.${sealingId}.${sealed.toString('base64url')}`
    },

    /** Decrypts a value sealed for the same place; throws `UnopenableError` otherwise. */
    open(sealed: string, place: string): string {
      const [version, id = '', blob, ...rest] = sealed.split('.')
      const key = keys.get(id)
      if (version !== 'v1' || !key || !blob || rest.length > 0)
        throw new UnopenableError(`no key in the ring opens ${place}`)
      const bytes = Buffer.from(blob, 'base64url')
      try {
        const ownKey = derive(id, key, bytes.subarray(0, 16))
        // Set the tag length: Node would otherwise accept a tag truncated to four bytes, which an attacker can guess.
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
