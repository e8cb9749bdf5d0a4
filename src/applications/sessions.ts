import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import type { PreparedChange } from '../kernel/prepared-change.ts'
import { mayRepeat } from '../kernel/repeated-request.ts'
import { ok, type Result } from '../kernel/result.ts'
import { createUseRecorder } from '../kernel/use-recorder.ts'
import type { Application, ApplicationSession, ApplicationSessionStore, FoundApplicationSession } from './ports.ts'
import type { Subjects } from './subjects.ts'

/**
 * How many sign-ins to one application one device session can have: a browser application that keeps its tokens in a
 * tab signs in once for each tab. The oldest end first.
 */
const mostOfSession = 20

/** The device session that an application signs in with. */
export type DeviceOfSignIn = {
  readonly id: string
  readonly accountId: string
  readonly amr: readonly string[]
  readonly authTime: Date
  readonly absoluteExpiresAt: Date
}

/** The code that a sign-in starts with. */
export type CodeOfSignIn = {
  /** The ID of the sign-in, which follows from the code. */
  readonly signInId: string
  /** Uses the code up. */
  readonly using: PreparedChange
}

type ApplicationSessionsParts = {
  sessions: ApplicationSessionStore
  subjects: Pick<Subjects, 'sidOf'>
  clock: Clock
  /** The idle lifetime of refresh tokens that have none of their own. */
  refreshTtlSeconds: number
  onDefect: (error: unknown) => void
}

/** The sign-ins of applications: each belongs to a device session, and is over when that one is. */
export function createApplicationSessions({
  sessions,
  subjects,
  clock,
  refreshTtlSeconds,
  onDefect,
}: ApplicationSessionsParts) {
  const idleEnd = (application: Application, from: Date): Date =>
    secondsAfter(from, application.refreshTtlSeconds ?? refreshTtlSeconds)

  const recordUse = createUseRecorder(onDefect)
  /** The generation counts as used: the response with a token of it has arrived. */
  const noteUse = async (
    { id, usedGeneration }: Pick<ApplicationSession, 'id' | 'usedGeneration'>,
    generation: number,
  ): Promise<void> => {
    if (generation > usedGeneration) await recordUse(id, generation, () => sessions.markUsed(id, generation))
  }

  return {
    idleEnd,

    /**
     * Starts a sign-in to an application, in the transaction that uses up its code: if it fails, a repetition of the
     * request succeeds. `undefined` if the device session is over or the code was used in the meantime.
     */
    async start(
      application: Application,
      device: DeviceOfSignIn,
      granted: { readonly scope: string; readonly resources: readonly string[]; readonly dpopKey: string | null },
      { signInId, using }: CodeOfSignIn,
      origin: Origin,
    ): Promise<ApplicationSession | undefined> {
      const now = clock()
      const session: ApplicationSession = {
        id: signInId,
        applicationId: application.id,
        sessionId: device.id,
        accountId: device.accountId,
        sid: subjects.sidOf(application, device.id),
        scope: granted.scope,
        resources: granted.resources,
        amr: device.amr,
        authTime: device.authTime,
        dpopKey: granted.dpopKey,
        createdAt: now,
        generation: 1,
        rotatedAt: now,
        usedGeneration: 0,
        idleExpiresAt: idleEnd(application, now),
        absoluteExpiresAt: device.absoluteExpiresAt,
        endedAt: null,
      }
      const started = await sessions.start(session, mostOfSession, using, [
        {
          name: 'application.signed_in',
          accountId: device.accountId,
          origin,
          data: { application: application.id, session: device.id },
        },
      ])
      return started ? session : undefined
    },

    /** Ends every sign-in of the application within one device session: its tokens are in the wrong hands. */
    endAll: (
      { sessionId, applicationId, accountId }: Pick<ApplicationSession, 'sessionId' | 'applicationId' | 'accountId'>,
      origin: Origin,
    ): Promise<number> =>
      sessions.endAll({ sessionId, applicationId }, clock(), [
        {
          name: 'application.signed_out',
          accountId,
          origin,
          data: { application: applicationId, session: sessionId, reason: 'token_reused' },
        },
      ]),

    /**
     * Ends the sign-in whose code was used again (RFC 6749 §4.1.2), and no other: the application may be open in more
     * tabs. It stays if the second use may be the repetition of the request that used the code.
     */
    async endReused(id: string, usedAt: Date, origin: Origin): Promise<void> {
      const found = await sessions.find(id)
      if (!found || mayRepeat({ usedAt, usedGeneration: found.usedGeneration }, clock)) return
      const { sessionId, applicationId, accountId } = found
      await sessions.endAll({ sessionId, applicationId, only: id }, clock(), [
        {
          name: 'application.signed_out',
          accountId,
          origin,
          data: { application: applicationId, session: sessionId, reason: 'code_reused' },
        },
      ])
    },

    /** Ends one sign-in, at the request of its application. It knows, so it gets no logout notice. */
    end: ({ id, sessionId, applicationId, accountId }: ApplicationSession, origin: Origin): Promise<boolean> =>
      sessions.end(id, clock(), [
        {
          name: 'application.signed_out',
          accountId,
          origin,
          data: { application: applicationId, session: sessionId, reason: 'revoked' },
        },
      ]),

    /** The sign-in of an access token, while it and its device session are alive. Its generation counts as used. */
    async use(
      id: string,
      generation: number,
    ): Promise<Result<FoundApplicationSession, AppError<'session_revoked' | 'session_expired' | 'user_disabled'>>> {
      const found = await sessions.find(id)
      const standing = checkSignIn(found, clock())
      if (!standing.ok) return standing
      await noteUse(standing.value, generation)
      return standing
    },
    noteUse,

    find: (id: string): Promise<FoundApplicationSession | undefined> => sessions.find(id),
    rotate: sessions.rotate,
  }
}
export type ApplicationSessions = ReturnType<typeof createApplicationSessions>

/** Whether a sign-in is alive, by its own row, its application, its device session and its account. */
export function checkSignIn(
  found: FoundApplicationSession | undefined,
  now: Date,
): Result<FoundApplicationSession, AppError<'session_revoked' | 'session_expired' | 'user_disabled'>> {
  if (!found) return fail('session_revoked')
  const { account, session } = found
  if (account.disabledAt) return fail('user_disabled')
  if (found.isDisabled || found.endedAt || session.endedAt) return fail('session_revoked')
  const over = [found, session].some(
    ({ idleExpiresAt, absoluteExpiresAt }) => now >= idleExpiresAt || now >= absoluteExpiresAt,
  )
  return over ? fail('session_expired') : ok(found)
}
