/**
 * Signing keys of the sandbox providers. Creating an RSA key is slow, so a process creates each one once, when first
 * needed. All sandboxes of a process share them; rotation moves to the next one.
 */
import { exportJWK, generateKeyPair, type JWK } from 'jose'

export type Alg = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'
export type SigningKey = { readonly kid: string; readonly alg: Alg; readonly private: JWK; readonly public: JWK }

const made = new Map<string, Promise<SigningKey>>()

async function make(alg: Alg, kid: string): Promise<SigningKey> {
  const pair = await generateKeyPair(alg, { extractable: true })
  const [secret, open] = await Promise.all([exportJWK(pair.privateKey), exportJWK(pair.publicKey)])
  const about = { kid, alg, use: 'sig' }
  return { kid, alg, private: { ...secret, ...about }, public: { ...open, ...about } }
}

function key(alg: Alg, owner: string, index: number): Promise<SigningKey> {
  const kid = `${owner}-${alg.toLowerCase()}-${index}`
  const known = made.get(kid)
  if (known !== undefined) return known
  const fresh = make(alg, kid)
  made.set(kid, fresh)
  return fresh
}

/** The key before the first one has signed nothing, so all providers share it, each under a key ID of its own. */
async function previous(alg: Alg, owner: string, index: number): Promise<SigningKey> {
  if (index > 1) return key(alg, owner, index - 1)
  const shared = await key(alg, 'shared', 0)
  const kid = `${owner}-${alg.toLowerCase()}-0`
  return { ...shared, kid, private: { ...shared.private, kid }, public: { ...shared.public, kid } }
}

/** The keys of one provider: the newest signs, and the previous one is still published. */
export function createKeyRing(owner: string) {
  let index = 1
  return {
    current: (alg: Alg) => key(alg, owner, index),
    published: (alg: Alg) => Promise.all([key(alg, owner, index), previous(alg, owner, index)]),
    /** An unpublished key, for forged tokens. */
    unpublished: (alg: Alg) => key(alg, `${owner}-foreign`, 0),
    rotate: () => void index++,
    reset: () => {
      index = 1
    },
  }
}
export type KeyRing = ReturnType<typeof createKeyRing>
