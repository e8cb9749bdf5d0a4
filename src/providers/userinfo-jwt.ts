/**
 * UserInfo as a JWT (OpenID Connect Core §5.3.2): who registers for signed responses gets `application/jwt`, and may
 * believe it only once it is verified like an id_token.
 */
import { compactVerify, decodeProtectedHeader, errors, type LocalJWKSet } from 'jose'
import { type Clock, epochSeconds } from '../kernel/clock.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Failure } from './failure.ts'
import { ALGORITHMS, type KeySet } from './id-token.ts'
import { isRecord } from './profile-text.ts'

const SKEW_SECONDS = 60
/** How many keys are tried when the header does not say which of them signed. */
const MOST_KEYS_TRIED = 20

type Expected = {
  /** `null` where no keys are known: then nothing that is signed can be believed. */
  readonly keys: KeySet | null
  readonly accepts: (issuer: string) => boolean
  readonly clientId: string
  readonly clock: Clock
}

/**
 * The claims of a UserInfo response that the issuer signed for this client. Whether they are about the right person is
 * the caller's to compare, as for plain JSON. Encrypted responses are refused: there is no key here to open them with.
 */
export async function verifyUserinfo(
  token: string,
  { keys, accepts, clientId, clock }: Expected,
): Promise<Result<Readonly<Record<string, unknown>>, Failure>> {
  const fault = headerFault(token)
  if (fault !== null) return garbage(fault)
  if (keys === null) return garbage('no_keys')
  const payload = await verified(token, keys)
  if (!payload.ok) return payload
  const claims = readClaims(payload.value)
  if (claims === null) return garbage('malformed')
  const { iss, aud, exp } = claims
  // A response made for another client, or by another issuer with the same keys, must not be replayed here.
  if (typeof iss !== 'string' || !accepts(iss)) return garbage('iss')
  if (![aud].flat().includes(clientId)) return garbage('aud')
  if (exp !== undefined && !(typeof exp === 'number' && exp + SKEW_SECONDS > epochSeconds(clock())))
    return garbage('exp')
  return ok(claims)
}

/** What the header alone rules out. */
function headerFault(token: string): string | null {
  let header: unknown
  try {
    header = decodeProtectedHeader(token)
  } catch {
    return 'malformed'
  }
  if (!isRecord(header)) return 'malformed'
  if (header.enc !== undefined || token.split('.').length === 5) return 'encrypted'
  // Nothing critical is understood here (RFC 7515 §4.1.11); `b64` would sign other bytes than are read (RFC 7797 §7).
  if (header.crit !== undefined || header.b64 !== undefined) return 'crit'
  return typeof header.alg === 'string' && ALGORITHMS.includes(header.alg) ? null : 'alg'
}

/** The payload that the signature covers. The issuer may have changed its keys, so it is asked once more. */
async function verified(token: string, keys: KeySet): Promise<Result<Uint8Array, Failure>> {
  const first = await keys.get()
  if (!first.ok) return first
  const payload = await verifyWith(token, first.value)
  if (payload !== null) return ok(payload)
  const newer = await keys.getNewer()
  if (newer === undefined) return garbage('signature')
  if (!newer.ok) return newer
  const again = await verifyWith(token, newer.value)
  return again === null ? garbage('signature') : ok(again)
}

async function verifyWith(token: string, keys: LocalJWKSet): Promise<Uint8Array | null> {
  try {
    return (await compactVerify(token, keys, { algorithms: ALGORITHMS })).payload
  } catch (thrown) {
    if (!(thrown instanceof errors.JWKSMultipleMatchingKeys)) return null
    let tried = 0
    for await (const key of thrown) {
      if (tried === MOST_KEYS_TRIED) return null
      tried += 1
      const one = await compactVerify(token, key, { algorithms: ALGORITHMS }).catch(() => null)
      if (one !== null) return one.payload
    }
    return null
  }
}

/** JSON in UTF-8, since a character that cannot be read would make two subjects one. */
function readClaims(payload: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    return isRecord(claims) ? claims : null
  } catch {
    return null
  }
}

const garbage = (what: string): { ok: false; error: Failure } =>
  err({ kind: 'garbage', reason: `userinfo_jwt_${what}` })
