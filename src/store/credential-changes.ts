import { and, eq, isNotNull } from 'drizzle-orm'
import type { CredentialChange, RecoveryCode } from '../credentials/ports.ts'
import type { Fact } from '../events/catalogue.ts'
import type { EndReason } from '../sessions/ports.ts'
import type { Note } from './change.ts'
import { type Queries, type Script, step } from './driver.ts'
import { endSessions, originOf } from './endings.ts'
import type { Tables } from './schema.ts'
import { endTickets } from './tickets.ts'

/** What changes of second factors and of passkeys have in common. Each runs under the account's lock. */

/** Ends all other sessions, and invalidates links, codes and pending sign-ins that were issued before the change. */
export function* endOtherAccess(
  tx: Queries,
  t: Tables,
  note: Note,
  { accountId, sessionId, at }: CredentialChange,
  reason: EndReason,
  because: readonly Fact[],
): Script<void> {
  yield* endTickets(tx, t, accountId)
  yield* endSessions(tx, t, note, { accountId, except: sessionId, reason, at }, originOf(because))
}

/** For `endingChange`, which spares the session that makes the change. */
export const changingOf = ({ accountId, sessionId, at }: CredentialChange) => ({ accountId, spare: sessionId, at })

export function* hasPasskey(tx: Queries, { passkeys: t }: Tables, accountId: string): Script<boolean> {
  return (yield* step(tx.select({ id: t.id }).from(t).where(eq(t.accountId, accountId)).limit(1))).length > 0
}

export function* hasTotp(tx: Queries, { totpFactors: t }: Tables, accountId: string): Script<boolean> {
  const confirmed = and(eq(t.accountId, accountId), isNotNull(t.confirmedAt))
  return (yield* step(tx.select({ id: t.accountId }).from(t).where(confirmed))).length > 0
}

/** Turns two-step sign-in off. Returns `false` if it was not on. */
export function* turnOffSecondFactor(
  tx: Queries,
  t: Tables,
  { accountId, at }: Omit<CredentialChange, 'sessionId'>,
): Script<boolean> {
  yield* step(tx.delete(t.recoveryCodes).where(eq(t.recoveryCodes.accountId, accountId)))
  const stopped = yield* step(
    tx
      .update(t.accounts)
      .set({ secondFactorAt: null, updatedAt: at })
      .where(and(eq(t.accounts.id, accountId), isNotNull(t.accounts.secondFactorAt)))
      .returning({ id: t.accounts.id }),
  )
  return stopped.length > 0
}

export function* putCodes(
  tx: Queries,
  { recoveryCodes: t }: Tables,
  { accountId, at }: CredentialChange,
  codes: readonly RecoveryCode[],
): Script<void> {
  yield* step(tx.delete(t).where(eq(t.accountId, accountId)))
  yield* step(tx.insert(t).values(codes.map((code) => ({ ...code, accountId, createdAt: at, usedAt: null }))))
}
