/**
 * UserInfo as a JWT (OpenID Connect Core §5.3.2). A client registered for signed responses gets `application/jwt`,
 * which must be verified like an id_token.
 */
import { type Clock, epochSeconds } from '../../kernel/clock.ts'
import { type Err, err, ok, type Result } from '../../kernel/result.ts'
import type { Failure } from './failure.ts'
import { type KeySet, readClaims, readHeader, verifySignature } from './signature.ts'
import { readSeconds } from './times.ts'

const SKEW_SECONDS = 60

type UserinfoExpectations = {
  /** `null` if no keys are known: then signed responses cannot be verified. */
  readonly keys: KeySet | null
  readonly accepts: (issuer: string) => boolean
  readonly clientId: string
  readonly clock: Clock
}

/**
 * Returns the claims of a UserInfo response that the issuer signed for this client. As with plain JSON, the caller
 * checks that the subject is right. Encrypted responses are rejected: we have no key to decrypt them.
 */
export async function verifyUserinfo(
  token: string,
  { keys, accepts, clientId, clock }: UserinfoExpectations,
): Promise<Result<Readonly<Record<string, unknown>>, Failure>> {
  const header = readHeader(token)
  if ('fault' in header) return garbage(header.fault)
  if (keys === null) return garbage('no_keys')
  const payload = await verifySignature(token, keys, garbage)
  if (!payload.ok) return payload
  const claims = readClaims(payload.value)
  if (claims === null) return garbage('malformed')
  const { iss, aud, exp } = claims
  // A response for another client, or from another issuer with the same keys, must not be replayed here.
  if (typeof iss !== 'string' || !accepts(iss)) return garbage('iss')
  if (![aud].flat().includes(clientId)) return garbage('aud')
  const expires = readSeconds(exp)
  if (exp !== undefined && (expires === null || expires + SKEW_SECONDS <= epochSeconds(clock()))) return garbage('exp')
  return ok(claims)
}

const garbage = (what: string): Err<Failure> => err({ kind: 'garbage', reason: `userinfo_jwt_${what}` })
