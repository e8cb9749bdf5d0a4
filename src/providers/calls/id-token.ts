/**
 * Verifies id_tokens (OpenID Connect Core §3.1.3.7): the signature with the issuer's published keys, then every claim.
 * Times are checked against the injected clock.
 */
import { createHash } from 'node:crypto'
import { base64url, type JWTPayload } from 'jose'
import { type Clock, epochSeconds } from '../../kernel/clock.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import { issuerMismatch } from '../issuer.ts'
import { readSubject } from '../profile-text.ts'
import type { Failure, IssuerMismatch } from './failure.ts'
import { type KeySet, readClaims, readHeader, verifySignature } from './signature.ts'
import { readSeconds } from './times.ts'

const SKEW_SECONDS = 60
/** How old an id_token from an app may be. It travels from the provider to the phone, and from there to us. */
const MOST_AGE_SECONDS = 600
export type IdTokenClaims = JWTPayload & { readonly sub: string }

/** A verified id_token from an app. Its `signedText` must be accepted only once until `usableUntil`. */
export type AppIdToken = {
  readonly claims: IdTokenClaims
  readonly signedText: string
  readonly usableUntil: Date
}

/**
 * The response that contained the id_token. With `nonceOff` the token need not repeat a nonce, and only PKCE binds the
 * code.
 */
type TokenContext = { nonce: string | null; nonceOff?: boolean; accessToken: string }
type IdTokenExpectations = { issuers: readonly string[]; clientId: string; clock: Clock }

/**
 * Returns the claims of a valid id_token that answers our request. Without `keys` the signature is not checked: the
 * token came directly from the token endpoint over TLS (§3.1.3.7, 6).
 */
export async function verifyIdToken(
  token: string,
  answer: TokenContext,
  { keys, ...expected }: IdTokenExpectations & { keys: KeySet | null },
): Promise<Result<IdTokenClaims, Failure>> {
  const alg = readAlgorithm(token)
  if (!alg.ok) return alg
  const payload = keys === null ? payloadOf(token) : await verifySignature(token, keys, garbage)
  return payload.ok ? checkClaims(payload.value, alg.value, answer, expected) : payload
}

/**
 * Verifies an id_token that a native app received from the provider's own library. It reached us through the app, not
 * from the provider, so the signature is always checked. `audiences` are the client IDs of our apps.
 *
 * The app passed `nonce`, or its SHA-256 in hexadecimal, to the library. With the hash, someone who finds the token
 * does not know the nonce and cannot use it: https://firebase.google.com/docs/auth/ios/apple.
 */
export async function verifyAppIdToken(
  token: string,
  nonce: string,
  {
    keys,
    issuers,
    audiences,
    clock,
  }: Omit<IdTokenExpectations, 'clientId'> & { audiences: readonly string[]; keys: KeySet },
): Promise<Result<AppIdToken, Failure>> {
  const alg = readAlgorithm(token)
  if (!alg.ok) return alg
  const payload = await verifySignature(token, keys, garbage)
  if (!payload.ok) return payload
  const read = readIdTokenClaims(payload.value)
  if (!read.ok) return read
  const { iss, aud, azp, nonce: bound } = read.value
  if (!issuers.includes(iss ?? '')) return wrongIssuer(issuers, iss)
  const [audience, ...others] = [aud ?? []].flat()
  if (audience === undefined || others.length > 0 || !audiences.includes(audience)) return garbage('aud')
  // On Android the audience is the client ID of the server, and the authorized party is the app:
  // https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
  if (azp !== undefined && !(typeof azp === 'string' && audiences.includes(azp))) return garbage('azp')
  const now = epochSeconds(clock())
  const untimely = timeFault(read.value, now)
  if (untimely !== null) return garbage(untimely)
  const issued = readSeconds(read.value.iat) ?? 0
  if (issued + MOST_AGE_SECONDS + SKEW_SECONDS <= now) return garbage('age')
  // A claim that looks like a hash is one: the text in a leaked id_token must not be accepted as the nonce itself.
  const isPlain = bound === nonce && !/^[0-9a-f]{64}$/i.test(nonce)
  if (!isPlain && bound !== createHash('sha256').update(nonce).digest('hex')) return garbage('nonce')
  return ok({
    claims: read.value,
    // The signed text. The signature itself is not part of it: ECDSA has two valid ones for each text.
    signedText: token.slice(0, token.lastIndexOf('.')),
    // Later the token is too old, also by the clock of another node.
    usableUntil: new Date((issued + MOST_AGE_SECONDS + 3 * SKEW_SECONDS) * 1000),
  })
}

/**
 * Checks an id_token from a refresh: issuer, audience and subject must be those of the first one (§12.2). The signature
 * is not checked. If the keys could not be fetched, we would lose the rotated tokens, and with them the grant.
 */
export function checkRefreshedIdToken(
  token: string,
  subject: string | undefined,
  expected: IdTokenExpectations,
): Result<IdTokenClaims, Failure> {
  const alg = readAlgorithm(token)
  if (!alg.ok) return alg
  const payload = payloadOf(token)
  if (!payload.ok) return payload
  const claims = readIdTokenClaims(payload.value)
  if (!claims.ok) return claims
  const { iss, aud, sub } = claims.value
  if (!expected.issuers.includes(iss ?? '')) return wrongIssuer(expected.issuers, iss)
  if (![aud].flat().includes(expected.clientId)) return garbage('aud')
  return subject === undefined || sub === subject ? claims : garbage('sub')
}

function checkClaims(
  payload: Uint8Array,
  alg: string,
  { nonce, nonceOff = false, accessToken }: TokenContext,
  { issuers, clientId, clock }: IdTokenExpectations,
): Result<IdTokenClaims, Failure> {
  const read = readIdTokenClaims(payload)
  if (!read.ok) return read
  const claims = read.value
  const now = epochSeconds(clock())
  const audience = [claims.aud ?? []].flat()
  if (!issuers.includes(claims.iss ?? '')) return wrongIssuer(issuers, claims.iss)
  if (!audience.includes(clientId)) return garbage('aud')
  // Core §3.1.3.7 (3): an unknown audience is rejected, unless the issuer names us as the authorized party.
  if (claims.azp === undefined ? audience.length > 1 : claims.azp !== clientId) return garbage('azp')
  const untimely = timeFault(claims, now)
  if (untimely !== null) return garbage(untimely)
  // With a different nonce the token was issued for another sign-in: this stops the injection of a stolen code. If we
  // sent no nonce and the operator allows that, a token with a nonce answers a request that is not ours.
  if (nonce === null ? !nonceOff || claims.nonce !== undefined : claims.nonce !== nonce) return garbage('nonce')
  if (claims.at_hash !== undefined && !matchesAtHash(claims.at_hash, accessToken, alg)) return garbage('at_hash')
  return read
}

/** Which of its times is invalid at `now`, in seconds; `null` if none is. */
function timeFault({ exp, iat, nbf }: IdTokenClaims, now: number): 'exp' | 'iat' | 'nbf' | null {
  const [expires, issued, starts] = [readSeconds(exp), readSeconds(iat), readSeconds(nbf)]
  if (expires === null || expires + SKEW_SECONDS <= now) return 'exp'
  if (issued === null || issued - SKEW_SECONDS > now) return 'iat'
  return nbf !== undefined && (starts === null || starts - SKEW_SECONDS > now) ? 'nbf' : null
}

/**
 * `at_hash` is the left half of the hash of the access token (§3.1.3.6). The hash function is that of the signature.
 */
function matchesAtHash(atHash: unknown, accessToken: string, alg: string): boolean {
  // Ed25519 uses SHA-512 (RFC 8032 §5.1).
  const bits = alg.startsWith('Ed') ? '512' : alg.slice(-3)
  const hash = createHash(`sha${bits}`).update(accessToken).digest()
  return atHash === hash.subarray(0, hash.length / 2).toString('base64url')
}

function readIdTokenClaims(payload: Uint8Array): Result<IdTokenClaims, Failure> {
  const claims = readClaims(payload)
  if (claims === null) return garbage('malformed')
  return typeof claims.sub === 'string' && readSubject(claims.sub) !== null
    ? ok({ ...claims, sub: claims.sub })
    : garbage('sub')
}

/** The payload of a token, without checking the signature. */
function payloadOf(token: string): Result<Uint8Array, Failure> {
  try {
    return ok(base64url.decode(token.split('.')[1] ?? ''))
  } catch {
    return garbage('malformed')
  }
}

/** The algorithm from the header, if the header is valid for an id_token. */
function readAlgorithm(token: string): Result<string, Failure> {
  const header = readHeader(token)
  if ('fault' in header) return garbage(header.fault)
  return mayBeIdToken(header.typ) ? ok(header.alg) : garbage('typ')
}

/**
 * The type is optional, and issuers use many names (`JWT`, `JWS`, `ID+JWT`). A type that names another kind of token is
 * rejected: access and logout tokens of the same issuer are signed with the same keys (RFC 8725 §3.11).
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
