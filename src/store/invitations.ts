import { and, count, desc, eq, getTableColumns, gt, isNull, ne } from 'drizzle-orm'
import type { InvitationStore } from '../teams/ports.ts'
import type { Change } from './change.ts'
import { type Driver, step } from './driver.ts'
import { hasRoom, lockTeam } from './team-locks.ts'
import { lockTeamAsMember, lockTeamIfAllowed, roleIn } from './teams.ts'

export function invitationStore({ db, tables: t, read }: Driver, change: Change): InvitationStore {
  const { teams, teamMembers: m, accounts, teamInvitations: i } = t
  const open = (at: Date) => gt(i.expiresAt, at)
  /** An invitation from a disabled account is not valid. */
  const isValid = (secretHash: string, at: Date) =>
    and(eq(i.secretHash, secretHash), open(at), isNull(accounts.disabledAt))

  return {
    invite: (invitation, allows, most, because, mails) =>
      change(function* (tx, note, post) {
        const { teamId, emailKey, invitedBy: by, createdAt: at } = invitation
        const found = yield* lockTeamIfAllowed(tx, t, { teamId, by }, allows)
        if (typeof found === 'string') return found
        const [holder] = yield* step(
          tx
            .select({ id: accounts.id })
            .from(accounts)
            .innerJoin(m, and(eq(m.accountId, accounts.id), eq(m.teamId, teamId)))
            .where(eq(accounts.verifiedEmailKey, emailKey)),
        )
        if (holder) return 'already_member'
        const [others] = yield* step(
          tx
            .select({ n: count() })
            .from(i)
            .where(and(eq(i.teamId, teamId), ne(i.emailKey, emailKey), open(at))),
        )
        if ((others?.n ?? 0) >= most) return 'team_limit_reached'
        yield* step(tx.delete(i).where(and(eq(i.teamId, teamId), eq(i.emailKey, emailKey))))
        yield* step(tx.insert(i).values(invitation))
        yield* note(because)
        yield* post(mails)
        return 'invited'
      }),

    list: (teamId, at) =>
      read(
        db
          .select()
          .from(i)
          .where(and(eq(i.teamId, teamId), open(at)))
          .orderBy(desc(i.createdAt), desc(i.id)),
      ),

    withdraw: ({ id, ...request }, allows, because) =>
      change(function* (tx, note) {
        const found = yield* lockTeamAsMember(tx, t, request)
        if (!found) return 'team_not_found'
        const invitationById = and(eq(i.id, id), eq(i.teamId, request.teamId))
        const [invitation] = yield* step(tx.select({ role: i.role }).from(i).where(invitationById))
        if (!allows(found.role, invitation?.role ?? 'member')) return 'team_role_required'
        if (!invitation) return 'invitation_not_found'
        yield* step(tx.delete(i).where(invitationById))
        yield* note(because)
        return 'withdrawn'
      }),

    async find(secretHash, at) {
      const [found] = await read(
        db
          .select({
            invitation: getTableColumns(i),
            team: getTableColumns(teams),
            inviter: { name: accounts.name, email: accounts.email, verified: accounts.verifiedEmailKey },
          })
          .from(i)
          .innerJoin(teams, eq(teams.id, i.teamId))
          .innerJoin(accounts, eq(accounts.id, i.invitedBy))
          .where(isValid(secretHash, at)),
      )
      if (!found) return undefined
      const { invitation, team, inviter } = found
      return { invitation, team, inviter: inviter.verified === null ? inviter.name : inviter.email }
    },

    accept: ({ secretHash, accountId, at }, most, because) =>
      change(function* (tx, note) {
        const reading = tx
          .select(getTableColumns(i))
          .from(i)
          .innerJoin(accounts, eq(accounts.id, i.invitedBy))
          .where(isValid(secretHash, at))
        const [beforeLock] = yield* step(reading)
        if (!beforeLock) return 'invitation_not_found'
        const { teamId } = beforeLock
        const room = yield* hasRoom(tx, t, accountId, most.teams)
        const team = yield* lockTeam(tx, t, teamId)
        if (!team) return 'invitation_not_found'
        // Read it again under the team's lock.
        const [invitation] = yield* step(reading)
        if (!invitation) return 'invitation_not_found'
        if (yield* roleIn(tx, t, teamId, accountId)) return 'already_member'
        const [members] = yield* step(tx.select({ n: count() }).from(m).where(eq(m.teamId, teamId)))
        if (!room || (members?.n ?? 0) >= most.members) return 'team_limit_reached'
        const { role } = invitation
        yield* step(tx.delete(i).where(eq(i.id, invitation.id)))
        yield* step(tx.insert(m).values({ teamId, accountId, role, joinedAt: at }))
        yield* note(because(invitation))
        return { team, role }
      }),
  }
}
