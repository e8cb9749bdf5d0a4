import { and, asc, count, eq, getTableColumns, inArray, isNull, sql } from 'drizzle-orm'
import type { Team, TeamStore } from '../teams/ports.ts'
import { accountLock, type Change } from './change.ts'
import { type Driver, type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

/**
 * Holds a team until the end of the transaction, and answers it; `undefined` where there is none. Whoever decides about
 * a team begins with this: writing its row makes everybody else wait, and what is read afterwards is as they left it.
 */
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

/** Whether somebody may be in one more team; asked under their account's lock. Nobody may whose account is gone. */
export function* hasRoom(
  tx: Queries,
  { accounts, teamMembers }: Tables,
  accountId: string,
  most: number,
): Script<boolean> {
  const [account] = yield* step(tx.select({ id: accounts.id }).from(accounts).where(eq(accounts.id, accountId)))
  const [joined] = yield* step(tx.select({ n: count() }).from(teamMembers).where(eq(teamMembers.accountId, accountId)))
  return account !== undefined && (joined?.n ?? 0) < most
}

export function teamStore({ db, tables: t, read, reads }: Driver, change: Change): TeamStore {
  const { teams, teamMembers: m, accounts } = t
  const mine = reads(
    db
      .select({ team: getTableColumns(teams), role: m.role })
      .from(m)
      .innerJoin(teams, eq(teams.id, m.teamId))
      .where(and(eq(m.teamId, sql.placeholder('teamId')), eq(m.accountId, sql.placeholder('accountId')))),
  )

  return {
    create: (team, owner, most, because) =>
      change(
        function* (tx, note) {
          if (!(yield* hasRoom(tx, t, owner, most))) return false
          yield* step(tx.insert(teams).values(team))
          yield* step(
            tx.insert(m).values({ teamId: team.id, accountId: owner, role: 'owner', joinedAt: team.createdAt }),
          )
          yield* note(because)
          return true
        },
        [accountLock(owner)],
      ),

    async membership(teamId, accountId) {
      const [found] = await mine({ teamId, accountId })
      return found
    },

    async list(accountId) {
      const found = await read(
        db
          .select({ team: getTableColumns(teams), role: m.role })
          .from(m)
          .innerJoin(teams, eq(teams.id, m.teamId))
          .where(eq(m.accountId, accountId))
          .orderBy(asc(m.joinedAt), asc(m.teamId)),
      )
      if (found.length === 0) return []
      const sizes = await read(
        db
          .select({ teamId: m.teamId, n: count() })
          .from(m)
          .where(
            inArray(
              m.teamId,
              found.map(({ team }) => team.id),
            ),
          )
          .groupBy(m.teamId)
          .orderBy(asc(m.teamId)),
      )
      const sizeOf = new Map(sizes.map(({ teamId, n }) => [teamId, n]))
      return found.map((one) => ({ ...one, members: sizeOf.get(one.team.id) ?? 0 }))
    },

    async leaders(teamId) {
      const found = await read(
        db
          .select({ id: m.accountId })
          .from(m)
          .innerJoin(accounts, eq(accounts.id, m.accountId))
          .where(and(eq(m.teamId, teamId), inArray(m.role, ['owner', 'admin']), isNull(accounts.disabledAt)))
          .orderBy(asc(m.joinedAt), asc(m.accountId)),
      )
      return found.map(({ id }) => id)
    },
  }
}
