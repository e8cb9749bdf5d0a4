/**
 * The tokens of registered applications: those that they get for a person, those with which they act for themselves, and
 * logout tokens.
 */
import { type AppError, fail } from '../errors/catalogue.ts'
import { type Clock, epochSeconds } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import {
  type ApplicationClaims,
  boundKeyOf,
  type SignatureAlgorithm,
  type SignedTokens,
  type TokenClaims,
  type TokenPayload,
  type TokenType,
  type TokenVerifyCode,
} from './signed-tokens.ts'

/** What the tokens of an application are signed from. */
export type ApplicationTokenSubject = {
  readonly id: string
  readonly applicationId: string
  /** The `sub` by which the application knows the person. */
  readonly subject: string
  readonly sid: string
  readonly amr: readonly string[]
  readonly authTime: Date
  readonly generation: number
  readonly rotatedAt: Date
  readonly idleExpiresAt: Date
  readonly absoluteExpiresAt: Date
  /** The key that refresh tokens are bound to. */
  readonly dpopKey: string | null
}
/** What a logout token is about. `id` is the same at each delivery, so that an application can recognize a repetition. */
export type LogoutSubject = {
  readonly id: string
  readonly applicationId: string
  readonly subject: string
  readonly sid: string
  /** That of the id_tokens of the application (OpenID Connect Back-Channel Logout §2.6). */
  readonly algorithm: SignatureAlgorithm
}
/** What an id_token says: its application, and claims that may include the `sub` of the person. */
export type IdTokenContent = {
  readonly applicationId: string
  readonly algorithm: SignatureAlgorithm
  readonly claims: Readonly<Record<string, unknown>>
}
export type IdTokenHint = {
  readonly applicationId: string
  /** The person, by the `sub` that the application knows. */
  readonly subject: string
  readonly sid: string | null
}
/** The access token to issue: its scope, and the resource it is for (RFC 8707); `null`: this service. */
export type AccessRequest = {
  readonly scope: string
  readonly resource: string | null
  /** The thumbprint of the key it is bound to (RFC 9449); `null`: a bearer token. */
  readonly dpopKey: string | null
  readonly ttlSeconds: number | null
}
/** The access token of an application that acts for itself. `id` is its `jti`. */
export type MachineAccess = Omit<AccessRequest, 'resource'> & {
  readonly id: string
  readonly applicationId: string
  readonly resource: string
}
/** Times are in seconds since 1970. */
export type MachineClaims = {
  readonly applicationId: string
  readonly audience: string
  readonly scope: string
  readonly dpopKey: string | null
  readonly issuedAt: number
  readonly expiresAt: number
}

const logoutTokenSeconds = 120

type ApplicationTokensParts = {
  signed: SignedTokens
  clock: Clock
  issuer: string
  audience: string
  accessTtlSeconds: number
}

export function createApplicationTokens({ signed, clock, issuer, audience, accessTtlSeconds }: ApplicationTokensParts) {
  /**
   * The token of an application. Its refresh token names the application as audience, so that no other endpoint accepts
   * it. Its access token names the resource, or this service.
   */
  const signForApplication = (
    type: TokenType,
    of: ApplicationTokenSubject,
    { iat, exp, ...claims }: { aud: string; iat: Date; exp: number; scope?: string; cnf?: { jkt: string } },
  ): string =>
    signed.sign(type, {
      iss: issuer,
      ...claims,
      sub: of.subject,
      exp,
      iat: epochSeconds(iat),
      jti: `${of.generation}.${of.id}`,
      sid: of.sid,
      type,
      client_id: of.applicationId,
      ...(type === 'access' ? { amr: of.amr, auth_time: epochSeconds(of.authTime) } : {}),
    })

  return {
    /** The access token of an application. `expires_in` is never beyond the end of its session. */
    access(of: ApplicationTokenSubject, { scope, resource, dpopKey, ttlSeconds }: AccessRequest) {
      const now = clock()
      const end = epochSeconds(of.absoluteExpiresAt)
      const exp = Math.min(epochSeconds(now) + (ttlSeconds ?? accessTtlSeconds), end)
      const token = signForApplication('access', of, {
        aud: resource ?? audience,
        iat: now,
        exp,
        scope,
        ...bindingTo(dpopKey),
      })
      return { token, expiresIn: Math.max(0, exp - epochSeconds(now)) }
    },

    /**
     * The access token of an application that acts for itself (RFC 9068 §2.2). It names no session and no person, so none
     * of our own routes accepts it, whatever its resource is.
     */
    accessOfMachine({ id, applicationId, resource, scope, dpopKey, ttlSeconds }: MachineAccess) {
      const now = epochSeconds(clock())
      const expiresIn = ttlSeconds ?? accessTtlSeconds
      const token = signed.sign('access', {
        iss: issuer,
        aud: resource,
        sub: applicationId,
        exp: now + expiresIn,
        iat: now,
        jti: id,
        type: 'access',
        client_id: applicationId,
        scope,
        ...bindingTo(dpopKey),
      })
      return { token, expiresIn }
    },

    /** Verifies such a token; `undefined` for any other. */
    async readOfMachine(token: string): Promise<MachineClaims | undefined> {
      const key = await signed.keyOf(token)
      const read = key?.purpose === 'access' ? signed.decode(token, key, undefined) : undefined
      if (!read?.ok) return undefined
      const { sub, client_id: id, sid, aud, scope, exp, iat, cnf } = read.value
      const isOfMachine = typeof id === 'string' && sub === id && sid === undefined
      if (!isOfMachine || typeof aud !== 'string' || typeof exp !== 'number' || typeof iat !== 'number')
        return undefined
      if (exp <= epochSeconds(clock())) return undefined
      return {
        applicationId: id,
        audience: aud,
        scope: typeof scope === 'string' ? scope : '',
        dpopKey: boundKeyOf(cnf),
        issuedAt: iat,
        expiresAt: exp,
      }
    },

    /** The refresh token of an application. Signed again for the same generation, it is exactly the same token. */
    refresh(of: ApplicationTokenSubject): string {
      const limit = Math.min(of.idleExpiresAt.getTime(), of.absoluteExpiresAt.getTime())
      return signForApplication('refresh', of, {
        aud: of.applicationId,
        iat: of.rotatedAt,
        exp: Math.floor(limit / 1000),
        ...bindingTo(of.dpopKey),
      })
    },

    /**
     * A logout token for an application (OpenID Connect Back-Channel Logout §2.4). It is valid for two minutes: each
     * delivery is signed again.
     */
    logout({ id, applicationId, subject, sid, algorithm }: LogoutSubject): Promise<string> {
      const now = epochSeconds(clock())
      return signed.signAs('logout+jwt', algorithm, {
        iss: issuer,
        aud: applicationId,
        iat: now,
        exp: now + logoutTokenSeconds,
        jti: id,
        sub: subject,
        sid,
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      })
    },

    /** An id_token (OpenID Connect Core §2). It is valid as long as an access token of this service. */
    idToken({ applicationId, algorithm, claims }: IdTokenContent): Promise<string> {
      const now = epochSeconds(clock())
      return signed.signAs(undefined, algorithm, {
        ...claims,
        iss: issuer,
        aud: applicationId,
        iat: now,
        exp: now + accessTtlSeconds,
      })
    },

    /**
     * Reads an id_token that an application sends back as a hint. It may have expired (OpenID Connect RP-Initiated
     * Logout §4); `undefined` if we did not issue it.
     */
    async readIdToken(token: string): Promise<IdTokenHint | undefined> {
      const verified = await signed.verifyOwn(token)
      // Access and logout tokens are signed with the same keys, and are no proof of a sign-in at an application.
      if (!verified || (verified.header.typ !== undefined && verified.header.typ !== 'JWT')) return undefined
      const { aud, sub, sid } = verified.payload as TokenPayload
      return typeof aud === 'string' && typeof sub === 'string'
        ? { applicationId: aud, subject: sub, sid: typeof sid === 'string' ? sid : null }
        : undefined
    },

    /** Verifies a token of an application, whichever resource or application it names as audience. */
    async readOfApplication(
      token: string,
      expected: TokenType,
    ): Promise<Result<TokenClaims & { readonly application: ApplicationClaims }, AppError<TokenVerifyCode>>> {
      const claims = await signed.verify(token, expected, undefined)
      if (!claims.ok) return claims
      const { application } = claims.value
      // The audience of a refresh token is its application. Any other combination was not issued by `refresh`.
      if (application === null || (expected === 'refresh' && application.audience !== application.id))
        return fail('token_invalid')
      return ok({ ...claims.value, application })
    },
  }
}

const bindingTo = (dpopKey: string | null) => (dpopKey === null ? {} : { cnf: { jkt: dpopKey } })
