import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { applicationLimits } from './policy.ts'

/** The algorithms with which an application signs: asymmetric ones only. */
export const signingAlgorithms = ['ES256', 'ES384', 'PS256', 'PS384', 'RS256', 'RS384', 'EdDSA', 'Ed25519'] as const

/** The algorithms of DPoP proofs (RFC 9449). */
export const dpopAlgorithms = ['ES256', 'EdDSA', 'Ed25519'] as const

/** The members of private and symmetric keys (RFC 7518 §6). */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
const curves: ReadonlySet<unknown> = new Set(['P-256', 'P-384', 'Ed25519'])
/** A shorter RSA key can be factored. A longer one makes each verification slow. */
const rsaBits = { least: 2048, most: 4096 }

/** NUL and half of a character, as JSON writes them: PostgreSQL cannot store either. */
const unstorable = /\\u(0000|d[89a-f])/

/**
 * Whether this is a set of public keys that can verify signatures. A private key is refused: its owner sent it by
 * mistake, and storing it would make the mistake worse.
 */
export function isKeySet(set: { readonly keys: readonly unknown[] }): boolean {
  const { keys } = set
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > applicationLimits.keys) return false
  const text = JSON.stringify(set)
  return text.length <= applicationLimits.keySetBytes && !unstorable.test(text) && keys.every(isPublicKey)
}

function isPublicKey(jwk: unknown): boolean {
  if (typeof jwk !== 'object' || jwk === null) return false
  const { kty, crv, kid, use } = jwk as Record<string, unknown>
  if (secretMembers.some((name) => name in jwk)) return false
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256)) return false
  if (use !== undefined && use !== 'sig') return false
  if (kty !== 'RSA' && !((kty === 'EC' || kty === 'OKP') && curves.has(crv))) return false
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    const { modulusLength: bits = rsaBits.least } = asymmetricKeyDetails ?? {}
    return bits >= rsaBits.least && bits <= rsaBits.most
  } catch {
    return false
  }
}
