/**
 * What an issuer signed: its published keys, fetched when needed, and the payloads that they verify. The claims in them
 * are for those to check who know what they should say.
 */
import {
  type CompactVerifyGetKey,
  type CompactVerifyResult,
  compactVerify,
  createLocalJWKSet,
  decodeProtectedHeader,
  errors,
  type JWK,
  type LocalJWKSet,
} from 'jose'
import type { Clock } from '../../kernel/clock.ts'
import { type Err, ok, type Result } from '../../kernel/result.ts'
import { isRecord } from '../profile-text.ts'
import type { Failure } from './failure.ts'
import type { Guard } from './guard.ts'

/** Asymmetric only: with `none` or HS* anybody, or anybody who knows the client secret, could be everybody. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const KEYS_FRESH_MS = 3_600_000
/** A token may name any key id; this bounds how often somebody else's tokens make us ask the issuer. */
const REFETCH_COOL_DOWN_MS = 30_000
/** How many keys are tried when the header does not say which of them signed. */
const MOST_KEYS_TRIED = 20

/** Names a fault in the words of whatever kind of token it is: `id_token_signature`. */
type Garbage = (what: string) => Err<Failure>

/**
 * The issuer's keys, fetched when needed. A token that no known key verifies makes us ask again, at most twice a minute.
 */
export function createKeySet({ url, guard, clock }: { url: string; guard: Guard; clock: Clock }) {
  type Fetched = Promise<Result<LocalJWKSet, Failure>>
  let known: { readonly keys: LocalJWKSet; readonly at: number } | undefined
  let fetching: Fetched | undefined
  let forced: { readonly answer: Fetched; readonly at: number } | undefined

  async function fetchKeys(): Fetched {
    const answer = await guard.call({ endpoint: 'jwks', method: 'GET', url })
    if (!answer.ok) return answer
    const keys = readKeySet(answer.value.json)
    if (keys === undefined) return guard.report('jwks', { kind: 'garbage', reason: 'no_key_set' })
    known = { keys, at: clock().getTime() }
    return ok(keys)
  }
  const refetch = (): Fetched => {
    fetching ??= fetchKeys().finally(() => {
      fetching = undefined
    })
    return fetching
  }

  return {
    /** The keys. Old ones outlive an outage: what verifies with them was signed by the issuer. */
    async get(): Fetched {
      if (known && clock().getTime() - known.at < KEYS_FRESH_MS) return ok(known.keys)
      const answer = await refetch()
      return answer.ok || !known ? answer : ok(known.keys)
    },
    /**
     * The keys as the issuer publishes them now, for a token that the known ones do not verify. During the cool-down
     * everybody gets the latest answer, including those who came while it was still on its way: a key that was just
     * rotated fails one sign-in of many at the same time otherwise.
     */
    getNewer(): Fetched {
      const at = clock().getTime()
      if (!forced || at - forced.at >= REFETCH_COOL_DOWN_MS) forced = { answer: refetch(), at }
      return forced.answer
    },
  }
}
export type KeySet = ReturnType<typeof createKeySet>

/**
 * The keys of a JWK Set (RFC 7517 §5); `undefined` when it is none. An entry that is no key must not spoil the good
 * ones beside it, and one of an unknown type, for encryption or incomplete is left aside when a key is chosen.
 */
function readKeySet(json: unknown): LocalJWKSet | undefined {
  if (!isRecord(json) || !Array.isArray(json.keys)) return undefined
  try {
    return createLocalJWKSet({ keys: json.keys.filter(isRecord) as JWK[] })
  } catch {
    return undefined
  }
}

/**
 * The payload that the signature covers, as bytes. Any failure may come of keys that changed in the meantime, even under
 * the same key id, so the issuer is asked once more.
 */
export async function verifySignature(
  token: string,
  keys: KeySet,
  garbage: Garbage,
): Promise<Result<Uint8Array, Failure>> {
  const first = await keys.get()
  if (!first.ok) return first
  const payload = await verifyWith(token, first.value)
  if (typeof payload !== 'string') return ok(payload)
  const second = await keys.getNewer()
  if (!second.ok) return second
  const again = await verifyWith(token, second.value)
  return typeof again === 'string' ? garbage(again) : ok(again)
}

type Unverified = 'unknown_key' | 'unusable_key' | 'signature'

async function verifyWith(token: string, keys: LocalJWKSet): Promise<Uint8Array | Unverified> {
  try {
    return (await verified(token, keys)).payload
  } catch (thrown) {
    if (thrown instanceof errors.JWKSNoMatchingKey) return 'unknown_key'
    if (thrown instanceof errors.JWKSMultipleMatchingKeys) return verifyWithAny(token, thrown)
    if (thrown instanceof errors.JWSSignatureVerificationFailed || thrown instanceof errors.JWSInvalid)
      return 'signature'
    // What else fails is the key: shorter than allowed, incomplete, private, or not on its curve.
    return 'unusable_key'
  }
}

/**
 * Several keys fit the header: one id twice (RFC 7517 §4.5 only advises against it), or no id at all (Core §10.1 asks the
 * issuer for one). All of them are the issuer's own, so it is safe to try each.
 */
async function verifyWithAny(token: string, candidates: errors.JWKSMultipleMatchingKeys) {
  let tried = 0
  for await (const key of candidates) {
    if (tried === MOST_KEYS_TRIED) break
    tried += 1
    try {
      return (await verified(token, () => key)).payload
    } catch {
      // The next one may fit.
    }
  }
  return tried === 0 ? 'unusable_key' : 'signature'
}

const verified = (token: string, key: CompactVerifyGetKey): Promise<CompactVerifyResult> =>
  compactVerify(token, key, { algorithms: ALGORITHMS })

/**
 * The header of a signed token, or which fault of it rules the token out. `b64` would make the signature cover other
 * bytes than the ones that are read, and has no place in a JWT (RFC 7797 §7); what `crit` names must be understood, and
 * nothing is (RFC 7515 §4.1.11).
 */
export function readHeader(
  token: string,
): { readonly alg: string; readonly typ: unknown } | { readonly fault: string } {
  let header: unknown
  try {
    header = decodeProtectedHeader(token)
  } catch {
    return { fault: 'alg' }
  }
  if (!isRecord(header)) return { fault: 'alg' }
  const { alg, typ, b64, crit, enc } = header
  if (b64 !== undefined) return { fault: 'b64' }
  if (crit !== undefined) return { fault: 'crit' }
  if (enc !== undefined) return { fault: 'encrypted' }
  if (token.split('.').length !== 3) return { fault: 'malformed' }
  return typeof alg === 'string' && ALGORITHMS.includes(alg) ? { alg, typ } : { fault: 'alg' }
}

/**
 * The claims of a payload, `null` when it has none: JSON in UTF-8, since a character that cannot be read would make two
 * subjects one.
 */
export function readClaims(payload: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    return isRecord(claims) ? claims : null
  } catch {
    return null
  }
}
