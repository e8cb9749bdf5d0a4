import { createHmac, type KeyObject, sign as signWith, timingSafeEqual } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { type AppError, fail } from '../errors/catalogue.ts'
import { type Clock, epochSeconds } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Keys, SigningKey } from './keys.ts'
import type { TokenSubject } from './ports.ts'

export type TokenPair = {
  readonly access_token: string
  readonly refresh_token: string
  readonly token_type: 'bearer'
  readonly expires_in: number
  readonly refresh_expires_in: number
}

/** The content of one of our tokens, after its signature was verified. */
export type TokenClaims = {
  readonly sub: string
  readonly sid: string
  readonly generation: number
  readonly issuedAt: Date
  readonly expiresAt: Date
  /** The registered application that it was issued to; `null` for a token of this service's own API. */
  readonly application: ApplicationClaims | null
}
/** What the token of an application says besides. */
export type ApplicationClaims = {
  readonly id: string
  /** The sign-in to the application: an `aps_…` ID. */
  readonly session: string
  /** Empty for a refresh token: its scope is in the row of that sign-in. */
  readonly scope: string
  readonly audience: string
  /** The thumbprint of the key that the token is bound to (RFC 9449); `null` if it is not. */
  readonly dpopKey: string | null
}
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
}
export type IdTokenHint = {
  readonly applicationId: string
  /** The person, by the `sub` that the application knows. */
  readonly subject: string
  readonly sid: string | null
}
const logoutTokenSeconds = 120
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
export type TokenVerifyCode = 'token_expired' | 'token_invalid' | 'token_wrong_type' | 'token_subject_missing'

type TokensParts = { keys: Keys; clock: Clock; issuer: string; audience: string; accessTtlSeconds: number }
type Payload = {
  type?: unknown
  sub?: unknown
  sid?: unknown
  jti?: unknown
  exp?: unknown
  iat?: unknown
  iss?: unknown
  aud?: unknown
  client_id?: unknown
  scope?: unknown
  cnf?: unknown
}

const kinds = { access: { algorithm: 'ES256', typ: 'at+jwt' }, refresh: { algorithm: 'HS256', typ: 'rt+jwt' } } as const
export type TokenType = keyof typeof kinds
const signatures: Record<TokenType, (text: string, key: KeyObject) => Buffer> = {
  access: (text, key) => signWith('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }),
  refresh: (text, key) => createHmac('sha256', key).update(text).digest(),
}
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** How many verified access tokens are cached: about 500 bytes each. */
const rememberedTokens = 20_000

/**
 * Our tokens (RFC 9068 for the access token). Both name a session and its generation in `jti`, as
 * `<generation>.<session>`. So a rotation needs no row of its own, and signing a generation again makes the same token.
 */
export function createTokens({ keys, clock, issuer, audience, accessTtlSeconds }: TokensParts) {
  const heads = new WeakMap<SigningKey, string>()
  /** The header of every token of a key. */
  const headOf = (type: TokenType, key: SigningKey): string => {
    const known = heads.get(key)
    if (known !== undefined) return known
    const { algorithm, typ } = kinds[type]
    const head = encode({ alg: algorithm, typ, kid: key.id })
    heads.set(key, head)
    return head
  }

  /**
   * JWS compact form (RFC 7515 §7.1). Signing is most of the cost of a refresh, and a library on top of node:crypto
   * would add a fifth. Tokens from outside are read by jsonwebtoken.
   */
  const encodeSigned = (type: TokenType, payload: object): string => {
    const key = keys.current(type)
    const text = `${headOf(type, key)}.${encode(payload)}`
    return `${text}.${signatures[type](text, key.sign).toString('base64url')}`
  }

  const sign = (type: TokenType, session: TokenSubject, now: Date, exp: number): string =>
    encodeSigned(type, {
      iss: issuer,
      aud: audience,
      sub: session.accountId,
      exp,
      // For a refresh token, when its generation began: signed again, it is exactly the same token.
      iat: epochSeconds(type === 'refresh' ? session.rotatedAt : now),
      jti: `${session.generation}.${session.id}`,
      sid: session.id,
      type,
      ...(type === 'access'
        ? { client_id: audience, scope: session.scope, amr: session.amr, auth_time: epochSeconds(session.authTime) }
        : {}),
    })

  /**
   * The token of an application. Its refresh token names the application as audience, so that no other endpoint accepts
   * it. Its access token names the resource, or this service.
   */
  const signForApplication = (
    type: TokenType,
    of: ApplicationTokenSubject,
    { iat, exp, ...claims }: { aud: string; iat: Date; exp: number; scope?: string; cnf?: { jkt: string } },
  ): string =>
    encodeSigned(type, {
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

  /** Cached access tokens: verifying the same ES256 signature again costs far more than this lookup. */
  let remembered = new Map<string, TokenClaims>()

  /** Verifies the signature, and what every token of ours has in its header. */
  const decode = (
    token: string,
    key: NonNullable<ReturnType<Keys['find']>>,
    wanted: string | undefined,
  ): Result<Payload, AppError<'token_invalid'>> => {
    const { algorithm, typ } = kinds[key.purpose]
    let decoded: jwt.Jwt
    try {
      // The key determines the algorithm, never the token (RFC 8725 §3.1). Expiry is checked below.
      decoded = jwt.verify(token, key.key.verify, {
        algorithms: [algorithm],
        issuer,
        ...(wanted === undefined ? {} : { audience: wanted }),
        ignoreExpiration: true,
        complete: true,
        clockTimestamp: epochSeconds(clock()),
      })
    } catch (cause) {
      return fail('token_invalid', undefined, { cause: cause instanceof Error ? cause.message : undefined })
    }
    const header = decoded.header as jwt.JwtHeader & { crit?: unknown }
    const payload = decoded.payload as Payload
    // RFC 7515 §4.1.11: reject extensions that are marked as critical, since we support none.
    if (header.typ !== typ || header.crit !== undefined || payload.type !== key.purpose) return fail('token_invalid')
    return ok(payload)
  }

  /**
   * Reads a refresh token as we write it today, without jsonwebtoken, which would add a tenth to the cost of a refresh.
   * Its header must be ours, byte for byte, so the token has no say in how it is verified. `undefined` for every other
   * token, even if it is valid, and for every one that is not.
   */
  const ownRefresh = (token: string, wanted: string | undefined): Payload | undefined => {
    const key = keys.current('refresh')
    const head = `${headOf('refresh', key)}.`
    const end = token.lastIndexOf('.')
    if (!token.startsWith(head) || end < head.length) return undefined
    const text = token.slice(0, end)
    const signature = Buffer.from(signatures.refresh(text, key.sign).toString('base64url'))
    const given = Buffer.from(token.slice(end + 1))
    if (given.length !== signature.length || !timingSafeEqual(given, signature)) return undefined
    const payload = JSON.parse(Buffer.from(text.slice(head.length), 'base64url').toString()) as Payload
    const isExpected = payload.type === 'refresh' && payload.iss === issuer
    return isExpected && (wanted === undefined || payload.aud === wanted) ? payload : undefined
  }

  const claimsIn = (payload: Payload, expected: TokenType): Result<TokenClaims, AppError<TokenVerifyCode>> => {
    if (typeof payload.sub !== 'string' || payload.sub === '') return fail('token_subject_missing')
    const [first, id] = typeof payload.jti === 'string' ? payload.jti.split('.', 2) : []
    const generation = Number(first)
    const isOfApplication = payload.client_id !== undefined && payload.client_id !== audience
    if (
      typeof payload.sid !== 'string' ||
      typeof payload.exp !== 'number' ||
      typeof payload.iat !== 'number' ||
      !Number.isSafeInteger(generation) ||
      id === undefined ||
      typeof payload.aud !== 'string' ||
      (expected === 'access' && typeof payload.client_id !== 'string')
    )
      return fail('token_invalid')
    return ok({
      sub: payload.sub,
      sid: payload.sid,
      generation,
      issuedAt: new Date(payload.iat * 1000),
      expiresAt: new Date(payload.exp * 1000),
      application: isOfApplication
        ? {
            id: String(payload.client_id),
            session: id,
            scope: typeof payload.scope === 'string' ? payload.scope : '',
            audience: payload.aud,
            dpopKey: keyIn(payload.cnf),
          }
        : null,
    })
  }

  const verifyAny = async (
    token: string,
    expected: TokenType,
    wanted: string | undefined,
  ): Promise<Result<TokenClaims, AppError<TokenVerifyCode>>> => {
    const kid = keyId(token)
    const key = kid === undefined ? undefined : (keys.find(kid) ?? (await keys.findFresh(kid)))
    if (!key) return fail('token_invalid')
    const decoded = decode(token, key, wanted)
    if (!decoded.ok) return decoded
    if (key.purpose !== expected) return fail('token_wrong_type', { type: expected })
    return claimsIn(decoded.value, expected)
  }

  const verify = async (
    token: string,
    expected: TokenType,
    wanted: string | undefined,
  ): Promise<Result<TokenClaims, AppError<TokenVerifyCode> & { expired?: TokenClaims }>> => {
    const own = expected === 'refresh' ? ownRefresh(token, wanted) : undefined
    const claims = own ? claimsIn(own, expected) : await verifyAny(token, expected, wanted)
    if (!claims.ok || claims.value.expiresAt > clock()) return claims
    const refused = fail('token_expired')
    return { ok: false, error: { ...refused.error, expired: claims.value } }
  }

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
      const token = encodeSigned('access', {
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
      const kid = keyId(token)
      const key = kid === undefined ? undefined : (keys.find(kid) ?? (await keys.findFresh(kid)))
      const read = key?.purpose === 'access' ? decode(token, key, undefined) : undefined
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
        dpopKey: keyIn(cnf),
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
    logout({ id, applicationId, subject, sid }: LogoutSubject): string {
      const now = epochSeconds(clock())
      const key = keys.current('access')
      const head = encode({ alg: kinds.access.algorithm, typ: 'logout+jwt', kid: key.id })
      const payload = encode({
        iss: issuer,
        aud: applicationId,
        iat: now,
        exp: now + logoutTokenSeconds,
        jti: id,
        sub: subject,
        sid,
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      })
      const text = `${head}.${payload}`
      return `${text}.${signatures.access(text, key.sign).toString('base64url')}`
    },

    /**
     * Reads an id_token that an application sends back as a hint. It may have expired (OpenID Connect RP-Initiated
     * Logout §4); `undefined` if we did not issue it.
     */
    async readIdToken(token: string): Promise<IdTokenHint | undefined> {
      const kid = keyId(token)
      const key = kid === undefined ? undefined : (keys.find(kid) ?? (await keys.findFresh(kid)))
      if (key?.purpose !== 'access') return undefined
      try {
        const { header, payload } = jwt.verify(token, key.key.verify, {
          algorithms: [kinds.access.algorithm],
          issuer,
          ignoreExpiration: true,
          complete: true,
        })
        // Access and logout tokens are signed with the same keys, and are no proof of a sign-in at an application.
        if (header.typ !== undefined && header.typ !== 'JWT') return undefined
        const { aud, sub, sid } = payload as Payload
        return typeof aud === 'string' && typeof sub === 'string'
          ? { applicationId: aud, subject: sub, sid: typeof sid === 'string' ? sid : null }
          : undefined
      } catch {
        return undefined
      }
    },

    /** Verifies a token of an application, whichever resource or application it names as audience. */
    async readOfApplication(
      token: string,
      expected: TokenType,
    ): Promise<Result<TokenClaims & { readonly application: ApplicationClaims }, AppError<TokenVerifyCode>>> {
      const claims = await verify(token, expected, undefined)
      if (!claims.ok) return claims
      const { application } = claims.value
      // The audience of a refresh token is its application. Any other combination was not issued by `refresh`.
      if (application === null || (expected === 'refresh' && application.audience !== application.id))
        return fail('token_invalid')
      return ok({ ...claims.value, application })
    },

    /**
     * A token pair for the session's current generation. The refresh token expires at the nearer limit of the session.
     */
    pair(session: TokenSubject): TokenPair {
      const now = clock()
      const limit = Math.min(session.idleExpiresAt.getTime(), session.absoluteExpiresAt.getTime())
      const refreshExp = Math.floor(limit / 1000)
      return {
        access_token: sign('access', session, now, epochSeconds(now) + accessTtlSeconds),
        refresh_token: sign('refresh', session, now, refreshExp),
        token_type: 'bearer',
        expires_in: accessTtlSeconds,
        refresh_expires_in: Math.max(0, refreshExp - epochSeconds(now)),
      }
    },

    /**
     * Verifies one of our tokens: signature, algorithm, key, issuer, audience, type, subject, expiry. Whether its
     * session is alive is for the caller. Expired tokens are refused with `token_expired`, and `expired` contains their
     * content.
     */
    async read(
      token: string,
      expected: TokenType,
    ): Promise<Result<TokenClaims, AppError<TokenVerifyCode> & { expired?: TokenClaims }>> {
      const known = expected === 'access' ? remembered.get(token) : undefined
      if (known && known.expiresAt > clock()) return ok(known)
      const claims = await verify(token, expected, audience)
      if (claims.ok && expected === 'access') {
        if (remembered.size >= rememberedTokens) remembered = new Map()
        remembered.set(token, claims.value)
      }
      return claims
    },
  }
}
export type Tokens = ReturnType<typeof createTokens>

const bindingTo = (dpopKey: string | null) => (dpopKey === null ? {} : { cnf: { jkt: dpopKey } })

/** The key that a token is bound to (RFC 7800, RFC 9449 §6.1). */
const keyIn = (cnf: unknown): string | null =>
  typeof cnf === 'object' && cnf !== null && 'jkt' in cnf && typeof cnf.jkt === 'string' ? cnf.jkt : null

/** Reads the key ID in a token's header. It is only looked up among our keys, never used as a path or URL. */
function keyId(token: string): string | undefined {
  const dot = token.indexOf('.')
  if (dot < 1 || token.length > 8192) return undefined
  try {
    const header: unknown = JSON.parse(Buffer.from(token.slice(0, dot), 'base64url').toString())
    return typeof header === 'object' && header !== null && 'kid' in header && typeof header.kid === 'string'
      ? header.kid
      : undefined
  } catch {
    return undefined
  }
}
