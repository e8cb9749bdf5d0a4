import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import type { Email } from '../kernel/email.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Mail } from '../mail/ports.ts'
import { may, mayGive } from './policy.ts'
import type {
  Invitation,
  InvitationDetails,
  InvitationStore,
  Membership,
  TeamRefusal,
  TeamRole,
  TeamStore,
} from './ports.ts'
import { mayInTeam } from './role.ts'
import { mostTeams } from './teams.ts'

const ttlSeconds = 7 * 24 * 3600
/** The maximum number of members and of open invitations of a team. Both lists are shown in full. */
const mostMembers = 200
const mostInvitations = 50

type PreparedInvitation = {
  readonly invitation: Invitation & { readonly invitedBy: string }
  readonly secret: string
}
export type InviteCode = TeamRefusal | 'already_member' | 'team_limit_reached'
export type AcceptCode = 'invitation_not_found' | 'already_member' | 'team_limit_reached'

type InvitationsParts = { teams: TeamStore; invitations: InvitationStore; clock: Clock; ids: Ids; random: Random }

/** Whether a member may invite someone with this role. Only owners can create owners. */
const mayInvite = (by: TeamRole, role: TeamRole): boolean => may(by, 'invite') && mayGive(by, role)

/** Invitations to teams. Each can be used once, by anyone who has the link from the email. */
export function createInvitations({ teams, invitations, clock, ids, random }: InvitationsParts) {
  return {
    /** Checks permissions and prepares an invitation. It exists only after `send`. */
    async make(
      { teamId, by }: { readonly teamId: string; readonly by: string },
      { email, role }: { readonly email: Email; readonly role: TeamRole },
    ): Promise<Result<PreparedInvitation & Membership, AppError<TeamRefusal>>> {
      const found = await teams.membership(teamId, by)
      if (!found) return fail('team_not_found')
      if (!mayInvite(found.role, role)) return fail('team_role_required')
      const secret = secretToken(random)
      const at = clock()
      const invitation = {
        id: ids('inv'),
        teamId,
        email: email.address,
        emailKey: email.key,
        role,
        secretHash: sha256(secret),
        invitedBy: by,
        createdAt: at,
        expiresAt: secondsAfter(at, ttlSeconds),
      }
      return ok({ ...found, invitation, secret })
    },

    async send(
      { invitation }: PreparedInvitation,
      mails: readonly Mail[],
      origin: Origin,
    ): Promise<Result<Invitation, AppError<InviteCode>>> {
      const { id, teamId: team, role, invitedBy: accountId } = invitation
      const done = await invitations.invite(
        invitation,
        (by) => mayInvite(by, role),
        mostInvitations,
        [{ name: 'team.invited', accountId, origin, data: { team, invitation: id, role } }],
        mails,
      )
      return done === 'invited' ? ok(invitation) : fail(done)
    },

    /**
     * The open invitations, only for members who may invite: they contain email addresses of people outside the team.
     */
    async list(accountId: string, teamId: string): Promise<Result<readonly Invitation[], AppError<TeamRefusal>>> {
      const allowed = await mayInTeam(teams, teamId, accountId, 'invite')
      return allowed.ok ? ok(await invitations.list(teamId, clock())) : allowed
    },

    async withdraw(
      { teamId, by, id }: { readonly teamId: string; readonly by: string; readonly id: string },
      origin: Origin,
    ): Promise<Result<null, AppError<TeamRefusal | 'invitation_not_found'>>> {
      const done = await invitations.withdraw({ teamId, by, id }, mayInvite, [
        { name: 'team.invitation_withdrawn', accountId: by, origin, data: { team: teamId, invitation: id } },
      ])
      return done === 'withdrawn' ? ok(null) : fail(done)
    },

    /**
     * Shows an invitation to the reader of its link, signed in or not, without using it. `joined`: the user is already in
     * the team.
     */
    async look(
      secret: string,
      accountId: string | null,
    ): Promise<Result<InvitationDetails & { readonly joined: boolean }, AppError<'invitation_not_found'>>> {
      const found = await invitations.find(sha256(secret), clock())
      if (!found) return fail('invitation_not_found')
      return ok({
        ...found,
        joined: accountId !== null && (await teams.membership(found.team.id, accountId)) !== undefined,
      })
    },

    /**
     * Adds the signed-in account to the team. Its email address need not match: people may be invited at another
     * address, and an account may have none. Anyone who can read the email can accept. All members see who joined, and
     * the team's leaders can remove them.
     */
    async accept(secret: string, accountId: string, origin: Origin): Promise<Result<Membership, AppError<AcceptCode>>> {
      const done = await invitations.accept(
        { secretHash: sha256(secret), accountId, at: clock() },
        { teams: mostTeams, members: mostMembers },
        ({ teamId: team, role }) => [{ name: 'team.joined', accountId, origin, data: { team, role } }],
      )
      return typeof done === 'string' ? fail(done) : ok(done)
    },
  }
}
export type Invitations = ReturnType<typeof createInvitations>
