/** Signs our tokens, and verifies and reads them: those of sessions, and those of registered applications. */
import { createHmac, type KeyObject, sign as signWith, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import jwt from 'jsonwebtoken'
import { type AppError, fail } from '../errors/catalogue.ts'
import { type Clock, epochSeconds } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Keys, SigningKey } from './keys.ts'

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
export type TokenVerifyCode = 'token_expired' | 'token_invalid' | 'token_wrong_type' | 'token_subject_missing'

/** What a token contains, not read yet. */
export type TokenPayload = {
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

const kinds = {
  access: { algorithm: 'ES256', typ: 'at+jwt' },
  refresh: { algorithm: 'HS256', typ: 'rt+jwt' },
} as const
export type TokenType = keyof typeof kinds

/** With what a JWT is signed that is no token of ours: the keys of access tokens, or those of RS256. */
export type SignatureAlgorithm = 'ES256' | 'RS256'
/** The algorithm of each key whose signatures applications verify. Refresh tokens are ours alone. */
const verifiedByOthers: Partial<Record<VerifyingKey['purpose'], SignatureAlgorithm>> = {
  access: 'ES256',
  rs256: 'RS256',
}

/** Off the event loop: a signature of RSA takes about a millisecond. The padding of RS256 is the default. */
const signRsa = promisify<'sha256', Buffer, KeyObject, Buffer>(signWith)

const signatures: Record<TokenType, (text: string, key: KeyObject) => Buffer> = {
  access: (text, key) => signWith('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }),
  refresh: (text, key) => createHmac('sha256', key).update(text).digest(),
}

/** No token of ours comes near this many characters. */
const maxLength = 8192

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

type VerifyingKey = NonNullable<ReturnType<Keys['find']>>
export type SignedTokens = ReturnType<typeof createSignedTokens>

type SignedTokensParts = { keys: Keys; clock: Clock; issuer: string; audience: string }

export function createSignedTokens({ keys, clock, issuer, audience }: SignedTokensParts) {
  /** The header of each access or refresh token of a key, and the ID of the key for each such header. */
  const heads = new WeakMap<SigningKey, string>()
  const keyIds = new Map<string, string>()
  const headOf = (type: TokenType, key: SigningKey): string => {
    const known = heads.get(key)
    if (known !== undefined) return known
    const { algorithm, typ } = kinds[type]
    const head = encode({ alg: algorithm, typ, kid: key.id })
    heads.set(key, head)
    keyIds.set(head, key.id)
    return head
  }

  /**
   * JWS compact form (RFC 7515 §7.1). Signing is most of the cost of a refresh, and a library on top of node:crypto
   * would add a fifth. Access tokens are read by jsonwebtoken: each is verified once and then cached.
   */
  const signed = (type: TokenType, key: SigningKey, head: string, payload: object): string => {
    const text = `${head}.${encode(payload)}`
    return `${text}.${signatures[type](text, key.sign).toString('base64url')}`
  }

  /** The key that a token names; `undefined` for none of ours. */
  function keyOf(token: string): VerifyingKey | undefined | Promise<VerifyingKey | undefined> {
    const dot = token.indexOf('.')
    if (dot < 1 || token.length > maxLength) return undefined
    const head = token.slice(0, dot)
    const kid = keyIds.get(head) ?? keyIdIn(head)
    return kid === undefined ? undefined : (keys.find(kid) ?? keys.findFresh(kid))
  }

  /**
   * Reads a refresh token, which only we sign and only we read: it is genuine if it is exactly what we sign. Its header
   * is compared, and its payload parsed only after the signature is verified: then it is one of our objects.
   * jsonwebtoken first parses the header twice, which was a twentieth of the CPU of a refresh.
   */
  const decodeRefresh = (
    token: string,
    { key }: VerifyingKey,
    wanted: string | undefined,
  ): Result<TokenPayload, AppError<'token_invalid'>> => {
    const head = headOf('refresh', key)
    const end = token.lastIndexOf('.')
    if (end <= head.length || !token.startsWith(`${head}.`)) return fail('token_invalid')
    const signature = Buffer.from(signatures.refresh(token.slice(0, end), key.verify).toString('base64url'))
    const given = Buffer.from(token.slice(end + 1))
    if (given.length !== signature.length || !timingSafeEqual(given, signature)) return fail('token_invalid')
    const payload: TokenPayload = JSON.parse(Buffer.from(token.slice(head.length + 1, end), 'base64url').toString())
    const isMeant = payload.iss === issuer && (wanted === undefined || payload.aud === wanted)
    return isMeant && payload.type === 'refresh' ? ok(payload) : fail('token_invalid')
  }

  /** Verifies the signature, and what every token of ours has in its header. */
  const decode = (
    token: string,
    key: VerifyingKey,
    wanted: string | undefined,
  ): Result<TokenPayload, AppError<'token_invalid'>> => {
    // No token of ours is signed with RS256.
    if (key.purpose === 'rs256') return fail('token_invalid')
    if (key.purpose === 'refresh') return decodeRefresh(token, key, wanted)
    const { algorithm, typ } = kinds.access
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
    const payload = decoded.payload as TokenPayload
    // RFC 7515 §4.1.11: reject extensions that are marked as critical, since we support none.
    if (header.typ !== typ || header.crit !== undefined || payload.type !== key.purpose) return fail('token_invalid')
    return ok(payload)
  }

  const read = (
    token: string,
    expected: TokenType,
    key: VerifyingKey | undefined,
    wanted: string | undefined,
  ): Result<TokenClaims, AppError<TokenVerifyCode>> => {
    if (!key) return fail('token_invalid')
    const decoded = decode(token, key, wanted)
    if (!decoded.ok) return decoded
    const payload = decoded.value
    if (key.purpose !== expected) return fail('token_wrong_type', { type: expected })
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
            dpopKey: boundKeyOf(payload.cnf),
          }
        : null,
    })
  }

  return {
    sign(type: TokenType, payload: object): string {
      const key = keys.current(type)
      return signed(type, key, headOf(type, key), payload)
    },

    /** Signs a JWT that is no token of ours. `typ`: as in its header; an id_token has none. */
    async signAs(typ: string | undefined, algorithm: SignatureAlgorithm, payload: object): Promise<string> {
      if (algorithm === 'ES256') {
        const key = keys.current('access')
        return signed('access', key, encode({ alg: algorithm, typ, kid: key.id }), payload)
      }
      // Another node may have created it, or nobody yet.
      await keys.prepareRs256()
      const key = keys.current('rs256')
      const text = `${encode({ alg: algorithm, typ, kid: key.id })}.${encode(payload)}`
      return `${text}.${(await signRsa('sha256', Buffer.from(text), key.sign)).toString('base64url')}`
    },

    /**
     * Verifies the signature of a JWT that is no token of ours, also after it has expired. The key determines the
     * algorithm, never the JWT (RFC 8725 §3.1). `undefined` if we did not sign it.
     */
    async verifyOwn(token: string): Promise<jwt.Jwt | undefined> {
      let key = await keyOf(token)
      // The first key for RS256 signs at once: another node may have made it a moment ago.
      if (!key) {
        await keys.jwks()
        key = await keyOf(token)
      }
      const algorithm = key && verifiedByOthers[key.purpose]
      if (!key || !algorithm) return undefined
      try {
        return jwt.verify(token, key.key.verify, {
          algorithms: [algorithm],
          issuer,
          ignoreExpiration: true,
          complete: true,
        })
      } catch {
        return undefined
      }
    },

    keyOf,
    decode,

    /** Verifies and reads a token, for the audience `wanted` if there is one. */
    async verify(
      token: string,
      expected: TokenType,
      wanted: string | undefined,
    ): Promise<Result<TokenClaims, AppError<TokenVerifyCode> & { expired?: TokenClaims }>> {
      const claims = read(token, expected, await keyOf(token), wanted)
      if (!claims.ok || claims.value.expiresAt > clock()) return claims
      const refused = fail('token_expired')
      return { ok: false, error: { ...refused.error, expired: claims.value } }
    },
  }
}

/** The key that a token is bound to (RFC 7800, RFC 9449 §6.1). */
export const boundKeyOf = (cnf: unknown): string | null =>
  typeof cnf === 'object' && cnf !== null && 'jkt' in cnf && typeof cnf.jkt === 'string' ? cnf.jkt : null

/** Reads the key ID in a token's header. It is only looked up among our keys, never used as a path or URL. */
function keyIdIn(head: string): string | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(head, 'base64url').toString())
    return typeof header === 'object' && header !== null && 'kid' in header && typeof header.kid === 'string'
      ? header.kid
      : undefined
  } catch {
    return undefined
  }
}
