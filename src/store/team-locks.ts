import { count, eq, sql } from 'drizzle-orm'
import { ReferenceGoneError } from '../kernel/gone.ts'
import type { Team } from '../teams/ports.ts'
import { type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

/**
 * Locks for decisions about teams. Writing a row makes other transactions that write it wait until this one ends, and
 * later reads see their changes. An advisory lock by name would come too late: which teams a person belongs to is often
 * known only within the transaction. An account is locked before a team, and teams in the order of their IDs, so that
 * no two transactions deadlock.
 */

/** Locks a team and returns it; `undefined` if it does not exist. Every decision about a team begins with this. */
export function* lockTeam(tx: Queries, { teams: t }: Tables, teamId: string): Script<Team | undefined> {
  const [held] = yield* step(
    tx
      .update(t)
      .set({ updatedAt: sql`${t.updatedAt}` })
      .where(eq(t.id, teamId))
      .returning(),
  )
  return held
}

/** Locks an account whose teams are to be decided about; `false` if it does not exist. */
export function* lockAccount(tx: Queries, { accounts: t }: Tables, accountId: string): Script<boolean> {
  const held = yield* step(
    tx
      .update(t)
      .set({ updatedAt: sql`${t.updatedAt}` })
      .where(eq(t.id, accountId))
      .returning({ id: t.id }),
  )
  return held.length > 0
}

/** Whether an account may join one more team. Locks the account. Throws a `ReferenceGoneError` if it was deleted. */
export function* hasRoom(tx: Queries, t: Tables, accountId: string, most: number): Script<boolean> {
  if (!(yield* lockAccount(tx, t, accountId))) throw new ReferenceGoneError('the account was deleted')
  const { teamMembers: m } = t
  const [joined] = yield* step(tx.select({ n: count() }).from(m).where(eq(m.accountId, accountId)))
  return (joined?.n ?? 0) < most
}
