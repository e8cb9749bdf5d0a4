import { type Clock, epochSeconds } from '../kernel/clock.ts'
import type { Devices } from '../sessions/devices.ts'
import type { Tokens } from '../sessions/tokens.ts'

/** What RFC 7662 §2.2 calls an answer: of a token that is not good, nothing but that. */
export type Introspection =
  | { readonly active: false }
  | {
      readonly active: true
      readonly sub: string
      readonly sid: string
      readonly scope: string
      readonly client_id: string
      /** Only an access token has one: whoever looks for `bearer` must not take a refresh token for it. */
      readonly token_type?: 'bearer'
      readonly token_use: 'access_token' | 'refresh_token'
      readonly exp: number
      readonly iat: number
      readonly iss: string
      readonly aud: string
      readonly amr: readonly string[]
      readonly auth_time: number
    }

type IntrospectTokenParts = { devices: Devices; tokens: Tokens; clock: Clock; issuer: string; audience: string }

/**
 * Whether a token is good at this moment, and whose. It is answered from the session's row, not from what the token
 * says of itself: a device that was signed out a moment ago, or a role that was taken away, counts already. A valid
 * token's generation counts as used: a back end that asks about it has received it from the client, so the answer that
 * brought it was not lost.
 */
export function introspectToken({ devices, tokens, clock, issuer, audience }: IntrospectTokenParts) {
  return async (token: string): Promise<Introspection> => {
    for (const type of ['access', 'refresh'] as const) {
      const claims = await tokens.read(token, type)
      if (!claims.ok) continue
      const { sid, sub, generation, expiresAt, issuedAt } = claims.value
      const session = await devices.find(sid)
      const now = clock()
      if (!session || session.accountId !== sub) break
      if (session.endedAt || session.account.disabledAt) break
      if (now >= session.idleExpiresAt || now >= session.absoluteExpiresAt) break
      // A refresh token that was replaced may still be answered for a while, but is not what its client should hold.
      if (type === 'refresh' && generation !== session.generation) break
      await devices.noteUse(session, generation, now)
      return {
        active: true,
        sub,
        sid,
        scope: session.scope,
        client_id: audience,
        ...(type === 'access'
          ? { token_type: 'bearer' as const, token_use: 'access_token' as const }
          : { token_use: 'refresh_token' as const }),
        exp: epochSeconds(expiresAt),
        iat: epochSeconds(issuedAt),
        iss: issuer,
        aud: audience,
        amr: session.amr,
        auth_time: epochSeconds(session.authTime),
      }
    }
    return { active: false }
  }
}
