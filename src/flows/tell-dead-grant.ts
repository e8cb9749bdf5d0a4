import type { AccountStore } from '../accounts/ports.ts'
import type { StoredGrant } from '../connections/ports.ts'
import { type Fact, internalOrigin } from '../events/catalogue.ts'
import type { TeamStore } from '../teams/ports.ts'

type TellDeadGrantParts = {
  accounts: Pick<AccountStore, 'findByIdentity'>
  teams: Pick<TeamStore, 'leaders'>
}

/** Whom to notify of a dead grant: its user, or the people who manage the team it belongs to. */
export function tellDeadGrant({ accounts, teams }: TellDeadGrantParts) {
  const toPerson = async ({ provider: id, issuer, subject }: StoredGrant): Promise<readonly Fact[]> => {
    const found = await accounts.findByIdentity(issuer, subject)
    const accountId = found?.account.id ?? null
    return [{ name: 'provider_token.needs_reauthorization', accountId, origin: internalOrigin, data: { provider: id } }]
  }
  const toLeaders = async ({ holder: team }: StoredGrant): Promise<readonly Fact[]> =>
    (await teams.leaders(team)).map((accountId) => ({
      name: 'jira.needs_reauthorization',
      accountId,
      origin: internalOrigin,
      data: { team, reason: 'invalid_grant' },
    }))
  return (grant: StoredGrant): Promise<readonly Fact[]> =>
    grant.holder === 'person' ? toPerson(grant) : toLeaders(grant)
}
