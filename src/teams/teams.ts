import { type AppError, fail } from '../errors/catalogue.ts'
import { type Origin, originForOthers } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Ids } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import { type Act, may, mayGive, teamRoles } from './policy.ts'
import type { Membership, MemberView, Team, TeamRefusal, TeamRole, TeamStore } from './ports.ts'
import { mayInTeam } from './role.ts'

/** How many teams an account may be in: enough for anyone, and a list that fits on a page. */
export const mostTeams = 50

type TeamsParts = {
  teams: TeamStore
  clock: Clock
  ids: Ids
  /** Called when there is something to revoke at a provider. */
  wakeRevocation: () => void
}
type TeamResult<T, C extends MemberCode = TeamRefusal> = Promise<Result<T, AppError<C>>>
export type MemberCode = TeamRefusal | 'member_not_found' | 'last_owner'

/** The acting account and the team, or a member of it. */
type TeamActor = { readonly teamId: string; readonly by: string }
type MemberAction = TeamActor & { readonly accountId: string }

/**
 * Who gets an audit log entry when a member is changed. The member gets one without the origin of the request. The
 * acting account gets one that names the member.
 */
const auditTargets = ({ by, accountId }: MemberAction, origin: Origin) =>
  by === accountId
    ? [{ accountId, origin, whose: {} }]
    : [
        { accountId: by, origin, whose: { member: accountId } },
        { accountId, origin: originForOthers(origin), whose: {} },
      ]

/** Teams, for their members. For others they do not exist. */
export function createTeams({ teams, clock, ids, wakeRevocation }: TeamsParts) {
  return {
    async create(
      accountId: string,
      name: string,
      origin: Origin,
    ): Promise<Result<Membership, AppError<'team_limit_reached'>>> {
      const at = clock()
      const team: Team = { id: ids('team'), name, createdAt: at, updatedAt: at }
      const made = await teams.create(team, accountId, mostTeams, [
        { name: 'team.created', accountId, origin, data: { team: team.id } },
      ])
      return made ? ok({ team, role: 'owner' }) : fail('team_limit_reached')
    },

    /** Oldest membership first. */
    list: teams.list,

    async get(accountId: string, teamId: string): TeamResult<Membership, 'team_not_found'> {
      const found = await teams.membership(teamId, accountId)
      return found ? ok(found) : fail('team_not_found')
    },

    /** The same, if the account may do this in the team. */
    allowed: (accountId: string, teamId: string, act: Act): TeamResult<Membership> =>
      mayInTeam(teams, teamId, accountId, act),

    /** All members, for members, the longest-standing first. */
    async members(accountId: string, teamId: string): TeamResult<readonly MemberView[], 'team_not_found'> {
      if (!(await teams.membership(teamId, accountId))) return fail('team_not_found')
      return ok(await teams.members(teamId))
    },

    async rename({ teamId, by }: TeamActor, name: string, origin: Origin): TeamResult<Membership> {
      const done = await teams.rename({ teamId, by, name, at: clock() }, (role) => may(role, 'rename'), [
        { name: 'team.renamed', accountId: by, origin, data: { team: teamId } },
      ])
      return typeof done === 'string' ? fail(done) : ok(done)
    },

    async setRole(act: MemberAction, role: TeamRole, origin: Origin): TeamResult<MemberView, MemberCode> {
      const { teamId: team, by } = act
      const maySend = may(role, 'invite') ? teamRoles.filter((offered) => mayGive(role, offered)) : []
      const done = await teams.setRole(
        { ...act, role, maySend },
        mayGive,
        auditTargets(act, origin).map(({ whose, ...told }) => ({
          name: 'team.role_changed',
          ...told,
          data: { team, role, done_by: by, ...whose },
        })),
      )
      return typeof done === 'string' ? fail(done) : ok(done)
    },

    /** Any member can leave, except the last owner. Others can be removed by members who may remove their role. */
    async leave(act: MemberAction, origin: Origin): TeamResult<null, MemberCode> {
      const { teamId: team, by, accountId } = act
      const done = await teams.leave(
        { ...act, at: clock() },
        mayGive,
        auditTargets(act, origin).map(({ whose, ...told }) => ({
          name: 'team.left',
          ...told,
          data: { team, ...(by === accountId ? {} : { done_by: by }), ...whose },
        })),
      )
      return done === 'left' ? ok(null) : fail(done)
    },

    /** Deletes a team with its connections. Its permissions at providers are revoked. */
    async remove({ teamId, by }: TeamActor, origin: Origin): TeamResult<null> {
      const done = await teams.remove({ teamId, by, at: clock() }, (role) => may(role, 'delete'), [
        { name: 'team.deleted', accountId: by, origin, data: { team: teamId } },
      ])
      if (done !== 'removed') return fail(done)
      wakeRevocation()
      return ok(null)
    },
  }
}
export type Teams = ReturnType<typeof createTeams>
