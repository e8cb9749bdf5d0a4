import type { Fact, Origin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import type { Session, SessionStore } from './ports.ts'

export type Lifetimes = { readonly refreshTtlSeconds: number; readonly refreshAbsoluteTtlSeconds: number }

/** What was just proven, and how. */
export type Proof = {
  readonly identityId: string
  readonly provider: string
  readonly amr: readonly string[]
  /** When it was proven, if not just now. */
  readonly at?: Date
}

/** `cookie` is the browser's session secret: only its hash is kept. Absent for an app. */
export type SignedIn = { readonly session: Session; readonly cookie: string | null }

type Parts = { sessions: SessionStore; clock: Clock; ids: Ids; random: Random; lifetimes: Lifetimes }

/** Where every proof ends: a person who proved who they are gets a device session. No step before knows of another. */
export function createSignIn({ sessions, clock, ids, random, lifetimes }: Parts) {
  return {
    /**
     * Starts the session, with a new secret always: one that was set before the sign-in would let whoever set it in
     * (session fixation, ASVS 7.2.4). The session the browser had, `replaces`, ends in the same transaction.
     * `undefined` when what was proven was unlinked meanwhile.
     */
    async start(
      accountId: string,
      proof: Proof,
      device: { origin: Origin; browser: boolean; replaces: string | null },
      succeeded: (sessionId: string) => Fact,
    ): Promise<SignedIn | undefined> {
      const at = clock()
      const cookie = device.browser ? secretToken(random) : null
      const session: Session = {
        id: ids('ses'),
        accountId,
        identityId: proof.identityId,
        provider: proof.provider,
        amr: proof.amr,
        scope: '',
        authTime: proof.at ?? at,
        createdAt: at,
        lastSeenAt: at,
        ip: device.origin.ip,
        userAgent: device.origin.userAgent,
        generation: 1,
        rotatedAt: at,
        usedGeneration: 0,
        idleExpiresAt: secondsAfter(at, lifetimes.refreshTtlSeconds),
        absoluteExpiresAt: secondsAfter(at, lifetimes.refreshAbsoluteTtlSeconds),
        endedAt: null,
        endReason: null,
      }
      const started = await sessions.start(
        session,
        { cookieHash: cookie === null ? null : sha256(cookie), replaces: device.replaces },
        [succeeded(session.id)],
      )
      return started ? { session, cookie } : undefined
    },
  }
}
export type SignIn = ReturnType<typeof createSignIn>
