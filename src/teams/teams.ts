import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Ids } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Membership, Team, TeamStore } from './ports.ts'

/** In how many teams one person may be: enough for anybody, and a list that fits on a page. */
export const mostTeams = 50

type Parts = { teams: TeamStore; clock: Clock; ids: Ids }

/** Teams, for whoever is in them: to everybody else they do not exist. */
export function createTeams({ teams, clock, ids }: Parts) {
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

    /** The oldest membership first. */
    list: teams.list,

    async get(accountId: string, teamId: string): Promise<Result<Membership, AppError<'team_not_found'>>> {
      const found = await teams.membership(teamId, accountId)
      return found ? ok(found) : fail('team_not_found')
    },
  }
}
export type Teams = ReturnType<typeof createTeams>
