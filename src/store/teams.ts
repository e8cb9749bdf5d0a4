import { and, asc, count, eq, getTableColumns, inArray, isNull, not, type SQL, sql } from 'drizzle-orm'
import type { Ids } from '../kernel/ids.ts'
import type { Membership, MemberView, TeamRefusal, TeamRole, TeamStore } from '../teams/ports.ts'
import type { Change } from './change.ts'
import { type Driver, type Queries, type Script, step } from './driver.ts'
import { originOf } from './endings.ts'
import type { Tables } from './schema.ts'
import { endTeam, leadersOf, leaveConnection } from './team-endings.ts'
import { hasRoom, lockTeam } from './team-locks.ts'

/** Locks a team for one of its members; `undefined` for everyone else. */
export function* lockTeamAsMember(
  tx: Queries,
  t: Tables,
  { teamId, by }: { readonly teamId: string; readonly by: string },
): Script<Membership | undefined> {
  const team = yield* lockTeam(tx, t, teamId)
  const role = team && (yield* roleIn(tx, t, teamId, by))
  return team && role && { team, role }
}

/** The same, if the member's role is sufficient. */
export function* lockTeamIfAllowed(
  tx: Queries,
  t: Tables,
  request: { readonly teamId: string; readonly by: string },
  allows: (by: TeamRole) => boolean,
): Script<Membership | TeamRefusal> {
  const found = yield* lockTeamAsMember(tx, t, request)
  if (!found) return 'team_not_found'
  return allows(found.role) ? found : 'team_role_required'
}

/** The role of an account in a team; `undefined` if it is not a member. */
export function* roleIn(
  tx: Queries,
  { teamMembers: m }: Tables,
  teamId: string,
  accountId: string,
): Script<TeamRole | undefined> {
  const [found] = yield* step(
    tx
      .select({ role: m.role })
      .from(m)
      .where(and(eq(m.teamId, teamId), eq(m.accountId, accountId))),
  )
  return found?.role
}

export function teamStore({ db, tables: t, read, reads }: Driver, change: Change, ids: Ids): TeamStore {
  const { teams, teamMembers: m, accounts, teamInvitations: invitations } = t
  const mine = reads(
    db
      .select({ team: getTableColumns(teams), role: m.role })
      .from(m)
      .innerJoin(teams, eq(teams.id, m.teamId))
      .where(and(eq(m.teamId, sql.placeholder('teamId')), eq(m.accountId, sql.placeholder('accountId')))),
  )

  const membersQuery = (tx: Queries, which: SQL | undefined) =>
    tx
      .select({
        member: { accountId: m.accountId, role: m.role, joinedAt: m.joinedAt },
        name: accounts.name,
        email: accounts.email,
        verified: accounts.verifiedEmailKey,
        picture: accounts.picture,
      })
      .from(m)
      .innerJoin(accounts, eq(accounts.id, m.accountId))
      .where(which)
      .orderBy(asc(m.joinedAt), asc(m.accountId))
  type Row = Awaited<ReturnType<typeof membersQuery>>[number]
  const seen = ({ member, name, email, verified, picture }: Row): MemberView => ({
    ...member,
    name,
    picture,
    email: verified === null ? null : email,
  })

  /** Whether this is the only owner whose account is not disabled. */
  function* isLastOwner(tx: Queries, teamId: string, accountId: string): Script<boolean> {
    const owners = yield* step(
      tx
        .select({ id: m.accountId })
        .from(m)
        .innerJoin(accounts, eq(accounts.id, m.accountId))
        .where(and(eq(m.teamId, teamId), eq(m.role, 'owner'), isNull(accounts.disabledAt)))
        .limit(2),
    )
    return owners.length === 1 && owners[0]?.id === accountId
  }

  const member = (teamId: string, accountId: string) => and(eq(m.teamId, teamId), eq(m.accountId, accountId))
  const sentBy = (teamId: string, accountId: string) =>
    and(eq(invitations.teamId, teamId), eq(invitations.invitedBy, accountId))

  return {
    create: (team, owner, most, because) =>
      change(function* (tx, note) {
        if (!(yield* hasRoom(tx, t, owner, most))) return false
        yield* step(tx.insert(teams).values(team))
        const joinedAt = team.createdAt
        yield* step(tx.insert(m).values({ teamId: team.id, accountId: owner, role: 'owner', joinedAt }))
        yield* note(because)
        return true
      }),

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
      const all = found.map(({ team }) => team.id)
      if (all.length === 0) return []
      const sizes = await read(
        db
          .select({ id: m.teamId, n: count() })
          .from(m)
          .where(inArray(m.teamId, all))
          .groupBy(m.teamId)
          .orderBy(asc(m.teamId)),
      )
      const sizeOf = new Map(sizes.map(({ id, n }) => [id, n]))
      return found.map((membership) => ({ ...membership, members: sizeOf.get(membership.team.id) ?? 0 }))
    },

    members: async (teamId) => (await read(membersQuery(db, eq(m.teamId, teamId)))).map(seen),

    leaders: async (teamId) => (await read(leadersOf(db, t, teamId))).map(({ id }) => id),

    rename: ({ name, at, ...request }, allows, because) =>
      change(function* (tx, note) {
        const found = yield* lockTeamIfAllowed(tx, t, request, allows)
        if (typeof found === 'string') return found
        const { team, role } = found
        if (team.name === name) return found
        yield* step(tx.update(teams).set({ name, updatedAt: at }).where(eq(teams.id, team.id)))
        yield* note(because)
        return { team: { ...team, name, updatedAt: at }, role }
      }),

    setRole: ({ accountId, role, maySend, ...request }, allows, because) =>
      change(function* (tx, note) {
        const { teamId } = request
        const found = yield* lockTeamAsMember(tx, t, request)
        if (!found) return 'team_not_found'
        const membership = member(teamId, accountId)
        const [before] = yield* step(membersQuery(tx, membership))
        if (!before) return allows(found.role, 'member') ? 'member_not_found' : 'team_role_required'
        const currentRole = before.member.role
        if (!allows(found.role, currentRole) || !allows(found.role, role)) return 'team_role_required'
        if (currentRole === role) return seen(before)
        if (currentRole === 'owner' && (yield* isLastOwner(tx, teamId, accountId))) return 'last_owner'
        yield* step(tx.update(m).set({ role }).where(membership))
        const kept = maySend.length === 0 ? undefined : not(inArray(invitations.role, [...maySend]))
        yield* step(tx.delete(invitations).where(and(sentBy(teamId, accountId), kept)))
        yield* note(because)
        return { ...seen(before), role }
      }),

    leave: ({ accountId, at, ...request }, allows, because) =>
      change(function* (tx, note) {
        const { teamId, by } = request
        const found = yield* lockTeamAsMember(tx, t, request)
        if (!found) return 'team_not_found'
        const role = yield* roleIn(tx, t, teamId, accountId)
        if (!role) return allows(found.role, 'member') ? 'member_not_found' : 'team_role_required'
        if (accountId !== by && !allows(found.role, role)) return 'team_role_required'
        if (role === 'owner' && (yield* isLastOwner(tx, teamId, accountId))) return 'last_owner'
        yield* step(tx.delete(m).where(member(teamId, accountId)))
        yield* step(tx.delete(invitations).where(sentBy(teamId, accountId)))
        yield* note(because)
        yield* leaveConnection(tx, t, note, ids, teamId, { accountId, at, origin: originOf(because) })
        return 'left'
      }),

    remove: ({ at, ...request }, allows, because) =>
      change(function* (tx, note) {
        const found = yield* lockTeamIfAllowed(tx, t, request, allows)
        if (typeof found === 'string') return found
        yield* note(because)
        yield* endTeam(tx, t, note, ids, request.teamId, { accountId: request.by, at, origin: originOf(because) })
        return 'removed'
      }),
  }
}
