import type { Session } from './ports.ts'

export type Windows = {
  /** For how long after a rotation the previous token is answered, even if the new one was used (two tabs, a retry). */
  readonly concurrencySeconds: number
  /** The same while the new one was never used with us: its answer may have been lost on the way. */
  readonly lostResponseSeconds: number
}

export type RotationDecision =
  | { readonly tag: 'rotate' }
  /** Sign the current generation again: never a new branch. */
  | { readonly tag: 'replay' }
  /** A token from the past: somebody has a copy, so the device is signed out (RFC 9700 §4.14.2). */
  | { readonly tag: 'reuse' }
  | { readonly tag: 'refuse'; readonly code: 'session_revoked' | 'session_expired' }

/**
 * What a refresh token of generation `presented` is worth. Rules 1 to 3 of the contract; pure, so that a model can walk
 * all of it.
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
