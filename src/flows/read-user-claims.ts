import type { AccountStore } from '../accounts/ports.ts'
import { claimsOf, type UserClaims } from '../applications/claims.ts'
import type { TeamStore } from '../teams/ports.ts'

type ReadClaimsParts = { accounts: Pick<AccountStore, 'find'>; teams: Pick<TeamStore, 'list'> }

/** What an application sees of a person with these scopes; `undefined` if the account is gone or disabled. */
export function readUserClaims({ accounts, teams }: ReadClaimsParts) {
  return async (accountId: string, scope: string): Promise<UserClaims | undefined> => {
    const account = await accounts.find(accountId)
    if (!account || account.disabledAt) return undefined
    const scopes = scope.split(' ')
    const memberships = scopes.includes('teams') ? await teams.list(accountId) : []
    return claimsOf(
      account,
      scopes,
      memberships.map(({ team: { id, name }, role }) => ({ id, name, role })),
    )
  }
}
