import { type AppError, fail } from '../errors/catalogue.ts'
import { type Fact, type Origin, originForOthers } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import { ok, type Result } from '../kernel/result.ts'
import { createBackgroundWork } from '../kernel/shared.ts'
import { createUseRecorder } from '../kernel/use-recorder.ts'
import type { EndReason, LiveSession, Session, SessionStore } from './ports.ts'
import type { ApplicationClaims, TokenVerifyCode } from './signed-tokens.ts'
import type { Tokens } from './tokens.ts'

/** How often `lastSeenAt` is updated. It is only for display, and not worth a write per request. */
const seenEverySeconds = 60

export type SessionCode = 'session_revoked' | 'session_expired' | 'user_disabled' | 'user_not_found'
export type DeviceSession = {
  readonly session: LiveSession
  readonly generation: number | null
  /** The application that acts for the person, the scope of its token, and the `sub` that it knows the person by. */
  readonly application?: {
    readonly id: string
    readonly scope: string
    readonly dpopKey: string | null
    readonly subject: string
  }
}

type DevicesParts = {
  sessions: SessionStore
  tokens: Tokens
  clock: Clock
  refreshTtlSeconds: number
  onDefect: (error: unknown) => void
  /** Distinguishes a deleted account from a deleted session. Called only if the session does not exist. */
  accountExists?: (id: string) => Promise<boolean>
  /**
   * The device session of an application's access token, while the application is signed in; without it, no
   * application may call this service.
   */
  ofApplication?: (
    application: ApplicationClaims,
    generation: number,
  ) => Promise<Result<{ readonly sessionId: string; readonly accountId: string }, AppError<SessionCode>>>
}

/** The sessions of an account: finds the caller's, lists them, ends them. */
export function createDevices(parts: DevicesParts) {
  const { sessions, tokens, clock, refreshTtlSeconds, onDefect, accountExists, ofApplication } = parts
  /** The row is read for each request, so that an ended session is refused immediately on every node. */
  const live = (session: LiveSession, now: Date): Result<LiveSession, AppError<SessionCode>> => {
    // Disabling also ends the sessions. Report the reason that helps the user.
    if (session.account.disabledAt) return fail('user_disabled')
    if (session.endedAt) return fail('session_revoked')
    if (now >= session.idleExpiresAt || now >= session.absoluteExpiresAt) return fail('session_expired')
    return ok(session)
  }

  const recordUse = createUseRecorder(onDefect)
  const touch = createBackgroundWork(onDefect)

  /**
   * Not awaited: nothing depends on it, and it must not slow a request. Requests share one write: while the row is
   * locked, they would otherwise fill the pool with connections that only wait.
   */
  const seen = ({ id, lastSeenAt }: Session, now: Date, byCookie: boolean): void => {
    if (now.getTime() - lastSeenAt.getTime() < seenEverySeconds * 1000) return
    const idleExpiresAt = byCookie ? secondsAfter(now, refreshTtlSeconds) : null
    touch(`${id} ${byCookie}`, () => sessions.touch(id, now, idleExpiresAt))
  }

  /** `undefined` if it is already recorded, as for nearly every request. See `use-recorder.ts`. */
  const noteUse = ({ id, usedGeneration }: Session, generation: number, now: Date): Promise<void> | undefined =>
    generation <= usedGeneration ? undefined : recordUse(id, generation, () => sessions.markUsed(id, generation, now))

  const ended =
    (accountId: string, reason: EndReason, origin: Origin, by?: string) =>
    (session: string): Fact => ({
      name: 'session.ended',
      accountId,
      origin: by === undefined || by === accountId ? origin : originForOthers(origin),
      data: { session, reason, ...(by === undefined ? {} : { by }) },
    })

  return {
    /** The session of an access token. Its generation counts as used from now on. */
    async byAccessToken(token: string): Promise<Result<DeviceSession, AppError<TokenVerifyCode | SessionCode>>> {
      const claims = await tokens.read(token, 'access')
      if (!claims.ok) return claims
      const { sub, generation, application } = claims.value
      const signedIn = application && (await ofApplication?.(application, generation))
      if (application && !signedIn?.ok) return signedIn ?? fail('token_invalid')
      // An application keeps the session ID of its first sign-in; its row names the present session.
      const found = await sessions.find(signedIn?.ok ? signedIn.value.sessionId : claims.value.sid)
      // The `sub` of a pairwise application is not the account ID, so the row of its sign-in names the account.
      const accountId = signedIn?.ok ? signedIn.value.accountId : sub
      if (!found || found.accountId !== accountId)
        return accountExists && !(await accountExists(accountId)) ? fail('user_not_found') : fail('session_revoked')
      const now = clock()
      const session = live(found, now)
      if (!session.ok) return session
      if (application) return ok({ session: found, generation, application: { ...application, subject: sub } })
      const noting = noteUse(found, generation, now)
      if (noting) await noting
      seen(found, now, false)
      return ok({ session: found, generation })
    },

    /** The session of a browser. */
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

    /** Gives a device a name, or removes the name. */
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
      by?: string,
    ): Promise<Result<null, AppError<'session_not_found'>>> {
      const done = await sessions.end(of, reason, clock(), [ended(of.accountId, reason, origin, by)(of.id)])
      return done ? ok(null) : fail('session_not_found')
    },

    /**
     * Ends all sessions except `except`, and the trust in all devices except `keepDevice`. `by`: the administrator who
     * did it.
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
