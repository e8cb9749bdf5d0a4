import { count, eq, sql } from 'drizzle-orm'
import type { Team } from '../teams/ports.ts'
import { type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

/**
 * Who decides about teams meanwhile. A row that is written makes everybody else who does the same wait until the
 * transaction ends, and what is read afterwards is as they left it; which teams somebody is in is often known only then,
 * too late for a lock by name. An account is held before a team, and teams by their ids, so that no two wait for each other.
 */

/** Holds a team, and answers it; `undefined` where there is none. Whoever decides about a team begins with this. */
export function* holdTeam(tx: Queries, { teams: t }: Tables, teamId: string): Script<Team | undefined> {
  const [held] = yield* step(
    tx
      .update(t)
      .set({ updatedAt: sql`${t.updatedAt}` })
      .where(eq(t.id, teamId))
      .returning(),
  )
  return held
}

/** Holds an account whose teams are decided about; `false` where it is gone. */
export function* holdAccount(tx: Queries, { accounts: t }: Tables, accountId: string): Script<boolean> {
  const held = yield* step(
    tx
      .update(t)
      .set({ updatedAt: sql`${t.updatedAt}` })
      .where(eq(t.id, accountId))
      .returning({ id: t.id }),
  )
  return held.length > 0
}

/** Whether somebody may be in one more team; holds their account. Nobody may whose account is gone. */
export function* hasRoom(tx: Queries, t: Tables, accountId: string, most: number): Script<boolean> {
  if (!(yield* holdAccount(tx, t, accountId))) return false
  const { teamMembers: m } = t
  const [joined] = yield* step(tx.select({ n: count() }).from(m).where(eq(m.accountId, accountId)))
  return (joined?.n ?? 0) < most
}
