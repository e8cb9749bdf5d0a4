/**
 * Nonces of DPoP proofs (RFC 9449 §8): an attacker who uses a key for a moment cannot sign proofs for the time after it.
 * They follow from a key and the time, so all nodes know the same ones and nothing is stored.
 */
import { type Clock, epochSeconds } from '../kernel/clock.ts'
import { hmac, sameSecret } from '../kernel/crypto.ts'

/** For how long one nonce is the current one, in seconds. A proof is remembered for longer than its nonce is accepted. */
const stepSeconds = 100

export type Nonces = {
  /** The one that a proof should have now. */
  current(): string
  /** Whether it is the current one or a neighbor: the clocks of two nodes can differ a little, and requests take time. */
  accepts(nonce: unknown): boolean
}

export function createNonces({ key, clock }: { readonly key: Buffer; readonly clock: Clock }): Nonces {
  const step = (): number => Math.floor(epochSeconds(clock()) / stepSeconds)
  const nonceOf = (at: number): string => hmac(key, String(at))
  return {
    current: () => nonceOf(step()),
    accepts(nonce) {
      const now = step()
      return typeof nonce === 'string' && [now, now - 1, now + 1].some((at) => sameSecret(nonceOf(at), nonce))
    },
  }
}
