import type { AccountStore } from '../accounts/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Origin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Session, SessionStore } from '../sessions/ports.ts'
import { decideRotation, type Windows } from '../sessions/rotation.ts'
import type { TokenClaims, TokenVerifyCode } from '../sessions/signed-tokens.ts'
import type { TokenPair, Tokens } from '../sessions/tokens.ts'

export type RefreshCode =
  | TokenVerifyCode
  | 'user_not_found'
  | 'user_disabled'
  | 'session_revoked'
  | 'session_expired'
  | 'token_reused'

type RefreshTokensParts = {
  sessions: SessionStore
  accounts: AccountStore
  tokens: Tokens
  events: Bus
  clock: Clock
  windows: Windows
  refreshTtlSeconds: number
}

/**
 * Exchanges a token pair for a new one. Usually this takes one compare-and-set and two signatures. Only if that fails,
 * the session is read and decided on (`decideRotation`, pure). If the decision is to rotate, the session changed in
 * between, and everything is done again.
 */
export function refreshTokens({
  sessions,
  accounts,
  tokens,
  events,
  clock,
  windows,
  refreshTtlSeconds,
}: RefreshTokensParts) {
  const refuse = <C extends RefreshCode>(
    refused: { ok: false; error: AppError<C> },
    result: 'refused' | 'reused' = 'refused',
  ): { ok: false; error: AppError<C> } => {
    events.emit('session.refreshed', { result })
    return refused
  }

  const rotate = async (
    { sid, sub, generation }: Pick<TokenClaims, 'sid' | 'sub' | 'generation'>,
    origin: Origin,
    proof: 'token' | 'cookie',
  ): Promise<Result<TokenPair, AppError<RefreshCode>>> => {
    for (;;) {
      const now = clock()
      const rotated = await sessions.rotate(sid, generation, now, secondsAfter(now, refreshTtlSeconds))
      if (rotated) {
        events.emit('session.refreshed', { result: 'rotated' })
        return ok(tokens.pair(rotated))
      }
      const session = await sessions.find(sid)
      if (!session || session.accountId !== sub)
        return refuse((await accounts.find(sub)) ? fail('session_revoked') : fail('user_not_found'))
      if (session.account.disabledAt) return refuse(fail('user_disabled'))
      const decision = decideRotation(generation, session, now, windows)
      if (decision.tag === 'refuse') return refuse(fail(decision.code))
      // The cookie is the proof, not the generation that was read with it: concurrent tabs that rotate are no theft.
      if (decision.tag === 'replay' || (decision.tag === 'reuse' && proof === 'cookie')) {
        events.emit('session.refreshed', { result: 'replayed' })
        return ok(tokens.pair(session))
      }
      if (decision.tag === 'reuse') {
        const ended = await sessions.end({ id: sid, accountId: sub }, 'token_reused', now, [
          { name: 'session.token_reused', accountId: sub, origin, data: { session: sid } },
        ])
        // Counted separately, once per device: many at the same time may come from a stolen backup of a client.
        return refuse(fail('token_reused'), ended ? 'reused' : 'refused')
      }
    }
  }

  return {
    async byToken(token: string, origin: Origin): Promise<Result<TokenPair, AppError<RefreshCode>>> {
      const claims = await tokens.read(token, 'refresh')
      if (claims.ok) return rotate(claims.value, origin, 'token')
      const { expired } = claims.error
      // If the session reached its maximum age, report that: an earlier refresh would not have helped.
      const session = expired && (await sessions.find(expired.sid))
      if (session && session.absoluteExpiresAt <= clock()) return refuse(fail('session_expired'))
      return refuse(claims)
    },

    /** Refreshes the session of a browser. It needs no old token, because the cookie is the proof. */
    bySession: (
      { id, accountId, generation }: Session,
      origin: Origin,
    ): Promise<Result<TokenPair, AppError<RefreshCode>>> =>
      rotate({ sid: id, sub: accountId, generation }, origin, 'cookie'),
  }
}
