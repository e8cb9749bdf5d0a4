import type { Session } from './ports.ts'

export type Windows = {
  /** How long after a rotation the previous token is accepted, even if the new one was used (two tabs, a retry). */
  readonly concurrencySeconds: number
  /** The same while the new token was never used with us: its response may have been lost. */
  readonly lostResponseSeconds: number
}

export type RotationDecision =
  | { readonly tag: 'rotate' }
  /** Sign the current generation again; never a new branch. */
  | { readonly tag: 'replay' }
  /** An older token: someone has a copy, so the session ends (RFC 9700 §4.14.2). */
  | { readonly tag: 'reuse' }
  | { readonly tag: 'refuse'; readonly code: 'session_revoked' | 'session_expired' }

/**
 * Decides what to do with a refresh token of generation `presented`: rules 1 to 3 of the contract. It is pure, so that
 * a model can test all of it.
 */
export function decideRotation(
  presented: number,
  session: Pick<
    Session,
    'generation' | 'rotatedAt' | 'usedGeneration' | 'idleExpiresAt' | 'absoluteExpiresAt' | 'endedAt'
  >,
  now: Date,
  windows: Windows,
): RotationDecision {
  if (session.endedAt) return { tag: 'refuse', code: 'session_revoked' }
  if (now >= session.idleExpiresAt || now >= session.absoluteExpiresAt)
    return { tag: 'refuse', code: 'session_expired' }
  if (presented === session.generation) return { tag: 'rotate' }
  if (presented === session.generation - 1) {
    const seconds = (now.getTime() - session.rotatedAt.getTime()) / 1000
    if (seconds <= windows.concurrencySeconds) return { tag: 'replay' }
    if (seconds <= windows.lostResponseSeconds && session.usedGeneration < session.generation) return { tag: 'replay' }
  }
  return { tag: 'reuse' }
}
