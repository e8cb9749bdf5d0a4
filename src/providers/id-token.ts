/**
 * Verifies id_tokens (OpenID Connect Core §3.1.3.7): signature by the issuer's published keys, then every claim by
 * the injected clock.
 */
import { createHash } from 'node:crypto'
import {
  base64url,
  type CompactVerifyGetKey,
  type CompactVerifyResult,
  compactVerify,
  createLocalJWKSet,
  decodeProtectedHeader,
  errors,
  type JWK,
  type JWTPayload,
  type LocalJWKSet,
} from 'jose'
import { type Clock, epochSeconds } from '../kernel/clock.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Failure } from './failure.ts'
import type { Guard } from './guard.ts'
import { type IssuerMismatch, issuerMismatch } from './issuer.ts'
import { isRecord, readSubject } from './profile-text.ts'
import { readSeconds } from './times.ts'

/** Asymmetric only: with `none` or HS* anybody, or anybody who knows the client secret, could be everybody. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
const SKEW_SECONDS = 60
const KEYS_FRESH_MS = 3_600_000
/** A token may name any key id; this bounds how often somebody else's tokens make us ask the issuer. */
const REFETCH_COOL_DOWN_MS = 30_000
/** How many keys are tried when the header does not say which of them signed. */
const MOST_KEYS_TRIED = 20

export type IdTokenClaims = JWTPayload & { readonly sub: string }

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

/** What an id_token came with. `nonceOff`: it need not repeat a nonce, and PKCE alone binds the code. */
type Answered = { nonce: string | null; nonceOff?: boolean; accessToken: string }
type Expected = { issuers: readonly string[]; clientId: string; clock: Clock }

/**
 * The claims of a genuine id_token that answers our request. Without `keys` only the claims are checked: the token
 * then came straight from the token endpoint, which stands for the signature (§3.1.3.7, 6).
 */
export async function verifyIdToken(
  token: string,
  answer: Answered,
  { keys, ...expected }: Expected & { keys: KeySet | null },
): Promise<Result<IdTokenClaims, Failure>> {
  const alg = readHeader(token)
  if (!alg.ok) return alg
  const payload = keys === null ? payloadOf(token) : await verifySignature(token, keys)
  return payload.ok ? checkClaims(payload.value, alg.value, answer, expected) : payload
}

/**
 * An id_token that came with a refresh: its issuer, audience and person must be the ones of the first (§12.2). No
 * signature: losing the rotated tokens of this answer because the keys cannot be fetched would end the grant.
 */
export function checkRefreshedIdToken(
  token: string,
  subject: string | undefined,
  expected: Expected,
): Result<IdTokenClaims, Failure> {
  const header = readHeader(token)
  if (!header.ok) return header
  const payload = payloadOf(token)
  if (!payload.ok) return payload
  const claims = readClaims(payload.value)
  if (!claims.ok) return claims
  const { iss, aud, sub } = claims.value
  if (!expected.issuers.includes(iss ?? '')) return wrongIssuer(expected.issuers, iss)
  if (![aud].flat().includes(expected.clientId)) return garbage('aud')
  return subject === undefined || sub === subject ? claims : garbage('sub')
}

/**
 * The payload that the signature covers, as bytes. Any failure may come of keys that changed in the meantime, even under
 * the same key id, so the issuer is asked once more.
 */
async function verifySignature(token: string, keys: KeySet): Promise<Result<Uint8Array, Failure>> {
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

function checkClaims(
  payload: Uint8Array,
  alg: string,
  { nonce, nonceOff = false, accessToken }: Answered,
  { issuers, clientId, clock }: Expected,
): Result<IdTokenClaims, Failure> {
  const read = readClaims(payload)
  if (!read.ok) return read
  const claims = read.value
  const now = epochSeconds(clock())
  const audience = [claims.aud ?? []].flat()
  if (!issuers.includes(claims.iss ?? '')) return wrongIssuer(issuers, claims.iss)
  if (!audience.includes(clientId)) return garbage('aud')
  // Core §3.1.3.7 (3): an audience we do not know is refused, unless the issuer says that we are the one it is for.
  if (claims.azp === undefined ? audience.length > 1 : claims.azp !== clientId) return garbage('azp')
  const [expires, issued, starts] = [readSeconds(claims.exp), readSeconds(claims.iat), readSeconds(claims.nbf)]
  if (expires === null || expires + SKEW_SECONDS <= now) return garbage('exp')
  if (issued === null || issued - SKEW_SECONDS > now) return garbage('iat')
  if (claims.nbf !== undefined && (starts === null || starts - SKEW_SECONDS > now)) return garbage('nbf')
  // Ours, or it was made for somebody else's sign-in: a stolen code with its own id_token ends here.
  // Without one of ours, where the operator allows that, a token with any nonce answers another request than ours.
  if (nonce === null ? !nonceOff || claims.nonce !== undefined : claims.nonce !== nonce) return garbage('nonce')
  if (claims.at_hash !== undefined && !binds(claims.at_hash, accessToken, alg)) return garbage('at_hash')
  return read
}

/** `at_hash` is the left half of the access token's hash (§3.1.3.6), with the hash function of the signature. */
function binds(atHash: unknown, accessToken: string, alg: string): boolean {
  // Ed25519 hashes with SHA-512 (RFC 8032 §5.1).
  const bits = alg.startsWith('Ed') ? '512' : alg.slice(-3)
  const hash = createHash(`sha${bits}`).update(accessToken).digest()
  return atHash === hash.subarray(0, hash.length / 2).toString('base64url')
}

/** The claims of a payload: JSON in UTF-8, since a character that cannot be read would make two subjects one. */
function readClaims(payload: Uint8Array): Result<IdTokenClaims, Failure> {
  let claims: unknown
  try {
    claims = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch {
    return garbage('malformed')
  }
  if (!isRecord(claims)) return garbage('malformed')
  return typeof claims.sub === 'string' && readSubject(claims.sub) !== null
    ? ok({ ...claims, sub: claims.sub })
    : garbage('sub')
}

/** The payload of a token whose signature is not checked here. */
function payloadOf(token: string): Result<Uint8Array, Failure> {
  try {
    return ok(base64url.decode(token.split('.')[1] ?? ''))
  } catch {
    return garbage('malformed')
  }
}

/**
 * The algorithm in the header, if the header is one of an id_token. `b64` would make the signature cover other bytes
 * than the ones that are read, and has no place in a JWT (RFC 7797 §7); what `crit` names must be understood, and
 * nothing is (RFC 7515 §4.1.11).
 */
function readHeader(token: string): Result<string, Failure> {
  let header: unknown
  try {
    header = decodeProtectedHeader(token)
  } catch {
    return garbage('alg')
  }
  if (!isRecord(header)) return garbage('alg')
  if (header.b64 !== undefined) return garbage('b64')
  if (header.crit !== undefined) return garbage('crit')
  if (header.enc !== undefined) return garbage('encrypted')
  if (token.split('.').length !== 3) return garbage('malformed')
  if (!mayBeIdToken(header.typ)) return garbage('typ')
  return typeof header.alg === 'string' && ALGORITHMS.includes(header.alg) ? ok(header.alg) : garbage('alg')
}

/**
 * A type is optional, and issuers write many (`JWT`, `JWS`, `ID+JWT`); but one that names another kind of token is
 * believed: an access token or a logout token of the same issuer is signed with the same keys (RFC 8725 §3.11).
 */
function mayBeIdToken(typ: unknown): boolean {
  if (typ === undefined) return true
  if (typeof typ !== 'string') return false
  const [, kind] = /^(?:application\/)?(.+)\+jwt$/i.exec(typ) ?? []
  return kind === undefined || /^id([_-]?token)?$/i.test(kind)
}

function wrongIssuer([configured = '']: readonly string[], received: unknown): { ok: false; error: Failure } {
  return garbage('iss', issuerMismatch(configured, received))
}

const garbage = (what: string, issuer?: IssuerMismatch): { ok: false; error: Failure } =>
  err({ kind: 'garbage', reason: `id_token_${what}`, ...(issuer ? { issuer } : {}) })
