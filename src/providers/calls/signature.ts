/**
 * Verifies signatures with the issuer's published keys, which are fetched when needed. The caller checks the claims.
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

/**
 * Asymmetric algorithms only. With `none` anyone could sign a token. With HS* anyone who knows the client secret could.
 */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const KEYS_FRESH_MS = 3_600_000
/** Tokens can name any key ID. This limits how often forged tokens make us fetch the keys. */
const REFETCH_COOL_DOWN_MS = 30_000
/** How many keys to try if the header does not show which one signed. */
const MOST_KEYS_TRIED = 20

/** Creates a failure with the prefix of the token type: `id_token_signature`. */
type MakeFailure = (what: string) => Err<Failure>

/**
 * The issuer's keys, fetched when needed. If no known key verifies a token, they are fetched again, at most twice a
 * minute.
 */
export function createKeySet({ url, guard, clock }: { url: string; guard: Guard; clock: Clock }) {
  type KeysResult = Promise<Result<LocalJWKSet, Failure>>
  let known: { readonly keys: LocalJWKSet; readonly at: number } | undefined
  let fetching: KeysResult | undefined
  let forced: { readonly answer: KeysResult; readonly at: number } | undefined

  async function fetchKeys(): KeysResult {
    const answer = await guard.call({ endpoint: 'jwks', method: 'GET', url })
    if (!answer.ok) return answer
    const keys = readKeySet(answer.value.json)
    if (keys === undefined) return guard.report('jwks', { kind: 'garbage', reason: 'no_key_set' })
    known = { keys, at: clock().getTime() }
    return ok(keys)
  }
  const refetch = (): KeysResult => {
    fetching ??= fetchKeys().finally(() => {
      fetching = undefined
    })
    return fetching
  }

  return {
    /** The keys. During an outage old keys are used: what they verify was signed by the issuer. */
    async get(): KeysResult {
      if (known && clock().getTime() - known.at < KEYS_FRESH_MS) return ok(known.keys)
      const answer = await refetch()
      return answer.ok || !known ? answer : ok(known.keys)
    },
    /**
     * The current keys, for a token that the known keys do not verify. During the cool-down all callers share the
     * latest fetch, even while it is pending. Otherwise a rotated key would fail all but one of several concurrent
     * sign-ins.
     */
    getNewer(): KeysResult {
      const at = clock().getTime()
      if (!forced || at - forced.at >= REFETCH_COOL_DOWN_MS) forced = { answer: refetch(), at }
      return forced.answer
    },
  }
}
export type KeySet = ReturnType<typeof createKeySet>

/**
 * The keys of a JWK Set (RFC 7517 §5); `undefined` if it is invalid. One invalid entry must not make the valid ones
 * unusable. Keys that are incomplete, for encryption or of an unknown type are skipped when a key is chosen.
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
 * Returns the signed payload as bytes. Any failure may be due to rotated keys, even under the same key ID, so the keys
 * are fetched once more.
 */
export async function verifySignature(
  token: string,
  keys: KeySet,
  garbage: MakeFailure,
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

type VerificationFault = 'unknown_key' | 'unusable_key' | 'signature'

async function verifyWith(token: string, keys: LocalJWKSet): Promise<Uint8Array | VerificationFault> {
  try {
    return (await verifyWithKey(token, keys)).payload
  } catch (thrown) {
    if (thrown instanceof errors.JWKSNoMatchingKey) return 'unknown_key'
    if (thrown instanceof errors.JWKSMultipleMatchingKeys) return verifyWithAny(token, thrown)
    if (thrown instanceof errors.JWSSignatureVerificationFailed || thrown instanceof errors.JWSInvalid)
      return 'signature'
    // All other errors are about the key: too short, incomplete, private, or not on its curve.
    return 'unusable_key'
  }
}

/**
 * Several keys match the header: either two have the same ID (RFC 7517 §4.5 only advises against it), or it names none
 * (Core §10.1 requires one). All of them belong to the issuer, so it is safe to try each.
 */
async function verifyWithAny(token: string, candidates: errors.JWKSMultipleMatchingKeys) {
  let tried = 0
  for await (const key of candidates) {
    if (tried === MOST_KEYS_TRIED) break
    tried += 1
    try {
      return (await verifyWithKey(token, () => key)).payload
    } catch {
      // Try the next key.
    }
  }
  return tried === 0 ? 'unusable_key' : 'signature'
}

const verifyWithKey = (token: string, key: CompactVerifyGetKey): Promise<CompactVerifyResult> =>
  compactVerify(token, key, { algorithms: ALGORITHMS })

/**
 * The header of a signed token, or why it is invalid. `b64` would make the signature cover other bytes than those we
 * read, and JWTs may not use it (RFC 7797 §7). Headers in `crit` must be understood (RFC 7515 §4.1.11), and we support
 * none.
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
 * The claims of a payload; `null` if it is not JSON in UTF-8. Decoding is strict: replacement characters would make
 * different subjects equal.
 */
export function readClaims(payload: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    return isRecord(claims) ? claims : null
  } catch {
    return null
  }
}
