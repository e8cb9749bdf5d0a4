/**
 * Verifies id_tokens (OpenID Connect Core §3.1.3.7): the signature with the issuer's published keys, then every claim.
 * Times are checked against the injected clock.
 */
import { createHash } from 'node:crypto'
import { base64url, type JWTPayload } from 'jose'
import { type Clock, epochSeconds } from '../../kernel/clock.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import { type IssuerMismatch, issuerMismatch } from '../issuer.ts'
import { readSubject } from '../profile-text.ts'
import type { Failure } from './failure.ts'
import { type KeySet, readClaims, readHeader, verifySignature } from './signature.ts'
import { readSeconds } from './times.ts'

const SKEW_SECONDS = 60
export type IdTokenClaims = JWTPayload & { readonly sub: string }

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
  const [expires, issued, starts] = [readSeconds(claims.exp), readSeconds(claims.iat), readSeconds(claims.nbf)]
  if (expires === null || expires + SKEW_SECONDS <= now) return garbage('exp')
  if (issued === null || issued - SKEW_SECONDS > now) return garbage('iat')
  if (claims.nbf !== undefined && (starts === null || starts - SKEW_SECONDS > now)) return garbage('nbf')
  // With a different nonce the token was issued for another sign-in: this stops the injection of a stolen code. If we
  // sent no nonce and the operator allows that, a token with a nonce answers a request that is not ours.
  if (nonce === null ? !nonceOff || claims.nonce !== undefined : claims.nonce !== nonce) return garbage('nonce')
  if (claims.at_hash !== undefined && !matchesAtHash(claims.at_hash, accessToken, alg)) return garbage('at_hash')
  return read
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
