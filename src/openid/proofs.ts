/**
 * What applications sign to prove who they are: client assertions (RFC 7523), and DPoP proofs (RFC 9449) of the key that
 * a token is bound to. Each is accepted once, on all nodes together.
 */

import type { JWTPayload } from 'jose'
import { dpopAlgorithms, signingAlgorithms } from '../applications/keys.ts'
import type { Application, OpenidStateStore } from '../applications/ports.ts'
import { type Clock, epochSeconds, secondsAfter } from '../kernel/clock.ts'
import { type Sealer, sameSecret, sha256 } from '../kernel/crypto.ts'
import { parseUrl } from '../kernel/parse-url.ts'
import type { ClientKeys } from './client-keys.ts'
import type { Nonces } from './nonces.ts'

/** How far the clock of an application may be ahead, in seconds. */
const leewaySeconds = 60
/** An assertion with a longer lifetime is refused: until it expires, its ID has to be remembered. */
const mostAssertionSeconds = 3600
/** How old a DPoP proof may be, in seconds. */
const proofSeconds = 300
/** Longer text is not verified at all. */
const mostLength = 8192

/** A verified proof: the thumbprint of its key (RFC 7638). Or a proof that is valid but for its nonce. */
export type DpopProof = { readonly tag: 'proven'; readonly key: string } | { readonly tag: 'nonce_needed' }
export type RequestWithProof = {
  readonly method: string
  /** Where the request was sent, without query (RFC 9449 §4.2). */
  readonly url: string
  /** The access token that is sent with the proof; `null` at the token endpoint. */
  readonly accessToken: string | null
}

type ProofsParts = {
  readonly states: Pick<OpenidStateStore, 'claim'>
  readonly keys: ClientKeys
  readonly sealer: Sealer
  readonly clock: Clock
  /** The audiences of assertions: the issuer, and the endpoint that older clients name. */
  readonly audiences: readonly string[]
  /** What proofs must contain; `null`: no nonce is needed, and none is looked at. */
  readonly nonces: Pick<Nonces, 'accepts'> | null
}

export function createProofs({ states, keys, sealer, clock, audiences, nonces }: ProofsParts) {
  // The library is most of the memory of this file, and a service without such applications needs none of it.
  const load = () => import('jose')

  /** Remembers an ID until `seconds` from now; `false` if it is remembered already, on whichever node. */
  async function claim(kind: string, of: string, id: string, expiresAt: Date): Promise<boolean> {
    const row = `${kind}.${sha256(`${of} ${id}`)}`
    const payload = sealer.seal('{}', `openid_states/${row}/payload`)
    return states.claim({ id: row, kind, payload, accountId: null, createdAt: clock(), expiresAt, usedAt: null })
  }

  async function assertionClaims(
    application: Application,
    assertion: string,
    unknown: boolean,
  ): Promise<JWTPayload | undefined> {
    const { createLocalJWKSet, errors, jwtVerify } = await load()
    const set = await keys.of(application, { unknown })
    if (!set || set.keys.length === 0) return undefined
    try {
      const { payload } = await jwtVerify(assertion, createLocalJWKSet({ keys: [...set.keys] as never }), {
        algorithms: [...signingAlgorithms],
        issuer: application.id,
        subject: application.id,
        clockTolerance: leewaySeconds,
        currentDate: clock(),
        requiredClaims: ['exp', 'jti', 'aud'],
      })
      return payload
    } catch (error) {
      // The application may have a new key at its URL.
      const isUnknown =
        error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed
      return isUnknown && !unknown && application.jwksUri !== null
        ? assertionClaims(application, assertion, true)
        : undefined
    }
  }

  return {
    claim,

    /**
     * Whether an assertion was signed by this application, for this service, and was not used before. Each of its
     * audiences must be ours: an assertion that also names another server could have been sent here by that server.
     */
    async verifyAssertion(application: Application, assertion: string): Promise<boolean> {
      if (assertion.length > mostLength) return false
      const claims = await assertionClaims(application, assertion, false)
      if (!claims) return false
      const { aud, exp = 0, jti = '' } = claims
      if (![aud].flat().every((one) => one !== undefined && audiences.includes(one))) return false
      if (typeof jti !== 'string' || jti === '' || exp > epochSeconds(clock()) + mostAssertionSeconds) return false
      return claim('assertion', application.id, jti, new Date((exp + leewaySeconds) * 1000))
    },

    /** What a DPoP proof for this request shows; `undefined` if it is invalid, too old or was used before (§4.3). */
    async verifyDpop(proof: string, { method, url, accessToken }: RequestWithProof): Promise<DpopProof | undefined> {
      if (proof.length > mostLength) return undefined
      const { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } = await load()
      try {
        const now = clock()
        const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
          algorithms: [...dpopAlgorithms],
          typ: 'dpop+jwt',
          currentDate: now,
          clockTolerance: leewaySeconds,
        })
        const { iat, jti, htm, htu, ath, nonce } = payload
        // A nonce of ours says when the proof was made. The clock of the application does not matter then (§11.1).
        const isNow = nonces?.accepts(nonce) === true
        if (typeof iat !== 'number') return undefined
        if (nonces === null && Math.abs(epochSeconds(now) - iat) > proofSeconds) return undefined
        if (typeof jti !== 'string' || jti === '' || htm !== method) return undefined
        if (typeof htu !== 'string' || !isSameUrl(htu, url)) return undefined
        if (accessToken !== null && !(typeof ath === 'string' && sameSecret(ath, sha256(accessToken)))) return undefined
        if (protectedHeader.jwk === undefined) return undefined
        if (nonces !== null && !isNow) return { tag: 'nonce_needed' }
        const key = await calculateJwkThumbprint(protectedHeader.jwk)
        // Twice the window: the clock of the application may be ahead.
        const isFirst = await claim('dpop', key, jti, secondsAfter(now, 2 * proofSeconds))
        return isFirst ? { tag: 'proven', key } : undefined
      } catch (error) {
        if (error instanceof Error && 'code' in error && /^ERR_J/.test(String(error.code))) return undefined
        throw error
      }
    },
  }
}
export type Proofs = ReturnType<typeof createProofs>

/** Compares after normalization, and ignores query and fragment (RFC 9449 §4.3). */
function isSameUrl(given: string, expected: string): boolean {
  if (parseUrl(given) === undefined) return false
  const url = new URL(given)
  url.search = ''
  url.hash = ''
  return url.href === expected
}
