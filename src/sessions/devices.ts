import { type AppError, fail } from '../errors/catalogue.ts'
import { type Fact, type Origin, originForOthers } from '../events/catalogue.ts'
import { BusyError } from '../kernel/busy.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { EndReason, LiveSession, Session, SessionStore } from './ports.ts'
import type { Tokens, TokenVerifyCode } from './tokens.ts'

/** A device is noted as seen this often: «last seen» is for people, and a write per request is not worth it. */
const seenEverySeconds = 60

export type SessionCode = 'session_revoked' | 'session_expired' | 'user_disabled' | 'user_not_found'
export type DeviceSession = { readonly session: LiveSession; readonly generation: number | null }

type DevicesParts = {
  sessions: SessionStore
  tokens: Tokens
  clock: Clock
  refreshTtlSeconds: number
  onDefect: (error: unknown) => void
  /** Tells an erased account from a session that is no longer kept; asked only when there is no such session. */
  accountExists?: (id: string) => Promise<boolean>
}

/**
 * How long a request waits for the note that its generation was used, in milliseconds. While another process holds the
 * database file, every read with a new token would otherwise wait for its whole deadline.
 */
const noteMs = 250

const unlessBusy = (thrown: unknown): void => {
  if (!(thrown instanceof BusyError)) throw thrown
}

/** The devices an account is signed in on: who is asking, which there are, ending them. */
export function createDevices({ sessions, tokens, clock, refreshTtlSeconds, onDefect, accountExists }: DevicesParts) {
  /** Ended is ended at once, on every node: the row is read for each request. */
  const live = (session: LiveSession, now: Date): Result<LiveSession, AppError<SessionCode>> => {
    // Disabling ends the sessions as well; why they ended is what helps.
    if (session.account.disabledAt) return fail('user_disabled')
    if (session.endedAt) return fail('session_revoked')
    if (now >= session.idleExpiresAt || now >= session.absoluteExpiresAt) return fail('session_expired')
    return ok(session)
  }

  /** Not awaited: nobody was promised it, and it must not slow a request. */
  const seen = (session: Session, now: Date, byCookie: boolean): void => {
    if (now.getTime() - session.lastSeenAt.getTime() < seenEverySeconds * 1000) return
    sessions.touch(session.id, now, byCookie ? secondsAfter(now, refreshTtlSeconds) : null).catch(onDefect)
  }

  /**
   * Notes that the client holds this generation, before the request goes on: from then on the answer that brought it
   * cannot have been lost, and the previous refresh token is valid within the concurrency window alone. Where it cannot
   * be written now (a full disk, a locked database, a standby) the request goes on all the same: nothing can be rotated
   * then either, and the next request with this token notes its use again. Nor does it wait long: a note that takes
   * longer is still written when it can be.
   */
  const noteUse = async (session: Session, generation: number, now: Date): Promise<void> => {
    if (generation <= session.usedGeneration) return
    let isAwaited = true
    const noted = sessions
      .markUsed(session.id, generation, now)
      .catch(unlessBusy)
      .catch((thrown: unknown) => {
        if (isAwaited) throw thrown
        onDefect(thrown)
      })
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, noteMs)
    })
    await Promise.race([noted, patience]).finally(() => {
      isAwaited = false
      clearTimeout(timer)
    })
  }

  const ended =
    (accountId: string, reason: EndReason, origin: Origin, by?: string) =>
    (session: string): Fact => ({
      name: 'session.ended',
      accountId,
      origin: by === undefined || by === accountId ? origin : originForOthers(origin),
      data: { session, reason, ...(by === undefined ? {} : { by }) },
    })

  return {
    /** Whose access token this is. Its generation counts as used from here on. */
    async byAccessToken(token: string): Promise<Result<DeviceSession, AppError<TokenVerifyCode | SessionCode>>> {
      const claims = await tokens.read(token, 'access')
      if (!claims.ok) return claims
      const { sid, sub, generation } = claims.value
      const found = await sessions.find(sid)
      if (!found || found.accountId !== sub)
        return accountExists && !(await accountExists(sub)) ? fail('user_not_found') : fail('session_revoked')
      const now = clock()
      const session = live(found, now)
      if (!session.ok) return session
      await noteUse(found, generation, now)
      seen(found, now, false)
      return ok({ session: found, generation })
    },

    /** Whose browser this is. */
    async byCookie(cookie: string): Promise<Result<DeviceSession, AppError<SessionCode>>> {
      const found = await sessions.findByCookie(sha256(cookie))
      if (!found) return fail('session_revoked')
      const now = clock()
      const session = live(found, now)
      if (!session.ok) return session
      seen(found, now, true)
      return ok({ session: found, generation: null })
    },

    find: (id: string): Promise<LiveSession | undefined> => sessions.find(id),
    noteUse,

    list: (accountId: string): Promise<readonly Session[]> => sessions.list(accountId, clock()),

    /** Gives a device a name of its person's own, or none. */
    async rename(
      of: { id: string; accountId: string },
      name: string | null,
      origin: Origin,
    ): Promise<Result<Session, AppError<'session_not_found'>>> {
      const { id: session, accountId } = of
      const renamed = await sessions.rename(of, name, clock(), [
        { name: 'session.renamed', accountId, origin, data: { session } },
      ])
      return renamed ? ok(renamed) : fail('session_not_found')
    },

    /** Signs one device out. */
    async end(
      of: { id: string; accountId: string },
      reason: EndReason,
      origin: Origin,
    ): Promise<Result<null, AppError<'session_not_found'>>> {
      const done = await sessions.end(of, reason, clock(), [ended(of.accountId, reason, origin)(of.id)])
      return done ? ok(null) : fail('session_not_found')
    },

    /**
     * Signs every device out, but for `except`, and trusts none any more but `keepDevice`. `by`: the administrator who
     * did.
     */
    endAll: (
      accountId: string,
      except: string | null,
      reason: EndReason,
      origin: Origin,
      { by, keepDevice = null }: { readonly by?: string; readonly keepDevice?: string | null } = {},
    ): Promise<readonly string[]> =>
      sessions.endAll(accountId, except, reason, clock(), ended(accountId, reason, origin, by), keepDevice),
  }
}
export type Devices = ReturnType<typeof createDevices>
