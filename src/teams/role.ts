import { type AppError, fail } from '../errors/catalogue.ts'
import { ok, type Result } from '../kernel/result.ts'
import { type Act, may } from './policy.ts'
import type { Membership, TeamRefusal, TeamStore } from './ports.ts'

/** Whether an account may do this in a team. For non-members the team does not exist. */
export async function mayInTeam(
  teams: Pick<TeamStore, 'membership'>,
  teamId: string,
  accountId: string,
  act: Act,
): Promise<Result<Membership, AppError<TeamRefusal>>> {
  const membership = await teams.membership(teamId, accountId)
  if (!membership) return fail('team_not_found')
  return may(membership.role, act) ? ok(membership) : fail('team_role_required')
}
