import type { AppError } from '../errors/catalogue.ts'
import { type Clock, epochSeconds } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import { createApplicationTokens } from './application-tokens.ts'
import type { Keys } from './keys.ts'
import type { TokenSubject } from './ports.ts'
import { createSignedTokens, type TokenClaims, type TokenType, type TokenVerifyCode } from './signed-tokens.ts'

export type TokenPair = {
  readonly access_token: string
  readonly refresh_token: string
  readonly token_type: 'bearer'
  readonly expires_in: number
  readonly refresh_expires_in: number
}

type TokensParts = { keys: Keys; clock: Clock; issuer: string; audience: string; accessTtlSeconds: number }

/** The content of a token, or why it is refused. */
type Reading = Result<TokenClaims, AppError<TokenVerifyCode> & { expired?: TokenClaims }>

/** How many verified access tokens are cached: about 500 bytes each. */
const rememberedTokens = 20_000

/**
 * Our tokens (RFC 9068 for the access token). Both name a session and its generation in `jti`, as
 * `<generation>.<session>`. So a rotation needs no row of its own, and signing a generation again makes the same token.
 */
export function createTokens({ keys, clock, issuer, audience, accessTtlSeconds }: TokensParts) {
  const signed = createSignedTokens({ keys, clock, issuer, audience })
  /** Cached access tokens: verifying the same ES256 signature again costs far more than this lookup. */
  let remembered = new Map<string, TokenClaims>()

  const sign = (type: TokenType, session: TokenSubject, now: Date, exp: number): string =>
    signed.sign(type, {
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

  async function verify(token: string, expected: TokenType): Promise<Reading> {
    const claims = await signed.verify(token, expected, audience)
    if (claims.ok && expected === 'access') {
      if (remembered.size >= rememberedTokens) remembered = new Map()
      remembered.set(token, claims.value)
    }
    return claims
  }

  return {
    ...createApplicationTokens({ signed, clock, issuer, audience, accessTtlSeconds }),

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
     * content. A cached token is returned at once.
     */
    read(token: string, expected: TokenType): Reading | Promise<Reading> {
      const known = expected === 'access' ? remembered.get(token) : undefined
      return known && known.expiresAt > clock() ? ok(known) : verify(token, expected)
    },
  }
}
export type Tokens = ReturnType<typeof createTokens>
