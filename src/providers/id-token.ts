/**
 * Verifies id_tokens (OpenID Connect Core §3.1.3.7): signature by the issuer's published keys, then every claim by
 * the injected clock.
 */
import { createHash } from 'node:crypto'
import {
  compactVerify,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type LocalJWKSet,
} from 'jose'
import { type Clock, epochSeconds } from '../kernel/clock.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Failure } from './failure.ts'
import type { Guard } from './guard.ts'
import { isRecord, readSubject } from './profile-text.ts'
import { readSeconds } from './times.ts'

/** Asymmetric only: with `none` or HS* anybody, or anybody who knows the client secret, could be everybody. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const SKEW_SECONDS = 60
const KEYS_FRESH_MS = 3_600_000
/** A token may name any key id; this bounds how often somebody else's tokens make us ask the issuer. */
const REFETCH_COOL_DOWN_MS = 30_000

export type IdTokenClaims = JWTPayload & { readonly sub: string }

/** The issuer's keys, fetched when needed. An unknown key id asks again, at most twice a minute. */
export function createKeySet({ url, guard, clock }: { url: string; guard: Guard; clock: Clock }) {
  let known: { readonly keys: LocalJWKSet; readonly at: number } | undefined
  let fetching: Promise<Result<LocalJWKSet, Failure>> | undefined

  async function fetchKeys(): Promise<Result<LocalJWKSet, Failure>> {
    const answer = await guard.call({ endpoint: 'jwks', method: 'GET', url })
    if (!answer.ok) return answer
    try {
      const keys = createLocalJWKSet(answer.value.json as JSONWebKeySet)
      known = { keys, at: clock().getTime() }
      return ok(keys)
    } catch {
      return guard.report('jwks', { kind: 'garbage', reason: 'no_key_set' })
    }
  }
  let forcedAt = Number.NEGATIVE_INFINITY
  const refetch = (): Promise<Result<LocalJWKSet, Failure>> => {
    fetching ??= fetchKeys().finally(() => {
      fetching = undefined
    })
    return fetching
  }

  return {
    /** The keys. Old ones outlive an outage: what verifies with them was signed by the issuer. */
    async get(): Promise<Result<LocalJWKSet, Failure>> {
      if (known && clock().getTime() - known.at < KEYS_FRESH_MS) return ok(known.keys)
      const answer = await refetch()
      return answer.ok || !known ? answer : ok(known.keys)
    },
    /** The keys anew, for a token that names one we do not have; `undefined` while it is too soon to ask again. */
    async getNewer(): Promise<Result<LocalJWKSet, Failure> | undefined> {
      const now = clock().getTime()
      if (now - forcedAt < REFETCH_COOL_DOWN_MS) return undefined
      forcedAt = now
      return refetch()
    },
  }
}
export type KeySet = ReturnType<typeof createKeySet>

type Expected = { issuers: readonly string[]; clientId: string; clock: Clock }

/**
 * The claims of a genuine id_token that answers our request. Without `keys` only the claims are checked: the token
 * then came straight from the token endpoint, which stands for the signature (§3.1.3.7, 6).
 */
export async function verifyIdToken(
  token: string,
  answer: { nonce: string | null; accessToken: string },
  { keys, ...expected }: Expected & { keys: KeySet | null },
): Promise<Result<IdTokenClaims, Failure>> {
  const alg = readAlgorithm(token)
  if (alg === undefined) return garbage('alg')
  const signed = keys === null ? ok(undefined) : await verifySignature(token, keys)
  if (!signed.ok) return signed
  return checkClaims(token, alg, answer, expected)
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
  const claims = readClaims(token)
  if (!claims.ok) return claims
  const { iss, aud, sub } = claims.value
  if (!expected.issuers.includes(iss ?? '')) return garbage('iss')
  if (![aud].flat().includes(expected.clientId)) return garbage('aud')
  return subject === undefined || sub === subject ? claims : garbage('sub')
}

async function verifySignature(token: string, keys: KeySet): Promise<Result<undefined, Failure>> {
  const first = await keys.get()
  if (!first.ok) return first
  const verdict = await signature(token, first.value)
  if (verdict !== 'unknown_key') return verdict === 'good' ? ok(undefined) : garbage(verdict)
  const second = await keys.getNewer()
  if (second === undefined) return garbage(verdict)
  if (!second.ok) return second
  const again = await signature(token, second.value)
  return again === 'good' ? ok(undefined) : garbage(again)
}

async function signature(token: string, keys: LocalJWKSet): Promise<'good' | 'unknown_key' | 'signature'> {
  try {
    await compactVerify(token, keys, { algorithms: ALGORITHMS })
    return 'good'
  } catch (thrown) {
    return thrown instanceof errors.JWKSNoMatchingKey ? 'unknown_key' : 'signature'
  }
}

function checkClaims(
  token: string,
  alg: string,
  { nonce, accessToken }: { nonce: string | null; accessToken: string },
  { issuers, clientId, clock }: Expected,
): Result<IdTokenClaims, Failure> {
  const read = readClaims(token)
  if (!read.ok) return read
  const claims = read.value
  const now = epochSeconds(clock())
  const audience = [claims.aud ?? []].flat()
  if (!issuers.includes(claims.iss ?? '')) return garbage('iss')
  if (!audience.includes(clientId)) return garbage('aud')
  if (claims.azp === undefined ? audience.length > 1 : claims.azp !== clientId) return garbage('azp')
  const [expires, issued, starts] = [readSeconds(claims.exp), readSeconds(claims.iat), readSeconds(claims.nbf)]
  if (expires === null || expires + SKEW_SECONDS <= now) return garbage('exp')
  if (issued === null || issued - SKEW_SECONDS > now) return garbage('iat')
  if (claims.nbf !== undefined && (starts === null || starts - SKEW_SECONDS > now)) return garbage('nbf')
  // Ours, or it was made for somebody else's sign-in: a stolen code with its own id_token ends here.
  if (nonce === null || claims.nonce !== nonce) return garbage('nonce')
  if (claims.at_hash !== undefined && !binds(claims.at_hash, accessToken, alg)) return garbage('at_hash')
  return read
}

/** `at_hash` is the left half of the access token's hash (§3.1.3.6); Ed25519 names no hash to use. */
function binds(atHash: unknown, accessToken: string, alg: string): boolean {
  const [bits] = /\d{3}$/.exec(alg) ?? []
  if (bits === undefined || alg === 'Ed25519') return true
  const hash = createHash(`sha${bits}`).update(accessToken).digest()
  return atHash === hash.subarray(0, hash.length / 2).toString('base64url')
}

function readClaims(token: string): Result<IdTokenClaims, Failure> {
  try {
    const claims = decodeJwt(token)
    return typeof claims.sub === 'string' && readSubject(claims.sub) !== null
      ? ok({ ...claims, sub: claims.sub })
      : garbage('sub')
  } catch {
    return garbage('malformed')
  }
}

function readAlgorithm(token: string): string | undefined {
  try {
    const header: unknown = decodeProtectedHeader(token)
    const alg = isRecord(header) ? header.alg : undefined
    return typeof alg === 'string' && ALGORITHMS.includes(alg) ? alg : undefined
  } catch {
    return undefined
  }
}

const garbage = (what: string): { ok: false; error: Failure } => err({ kind: 'garbage', reason: `id_token_${what}` })
