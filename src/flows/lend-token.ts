import type { AccountStore } from '../accounts/ports.ts'
import type { GrantKey, GrantStore, StoredGrant } from '../connections/ports.ts'
import type { Renewal, TokenCode } from '../connections/renewal.ts'
import { grantStatusOf } from '../connections/standing.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import { type Origin, originForOthers } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import { inUse } from '../teams/jira.ts'
import type { JiraSite, JiraStore } from '../teams/ports.ts'

/** What a back end asks for, and for whom. */
export type LoanRequest = {
  readonly of: { readonly userId: string } | { readonly teamId: string }
  readonly provider: string
  /** What the token is needed for, in the provider's spelling. */
  readonly scopes: readonly string[]
  /** How long the token must remain valid, in seconds; `undefined` if that does not matter. */
  readonly minTtlSeconds: number | undefined
}

/** An access token for the provider, valid until it expires. Refresh tokens are never lent. */
export type Loan = {
  readonly accessToken: string
  readonly expiresAt: Date | null
  readonly scopes: readonly string[]
  /** The requested scopes that were not granted. */
  readonly missingScopes: readonly string[]
  /** The sites a team chose. */
  readonly sites: readonly JiraSite[] | null
}

/** A grant that can be lent, and the account in whose audit log the loan is recorded. */
type Candidate = {
  readonly key: GrantKey
  readonly accountId: string | null
  readonly team?: { readonly id: string; readonly sites: readonly JiraSite[] }
  /** The account that granted it is disabled. */
  readonly disabled?: boolean
}

type LendTokenParts = {
  accounts: AccountStore
  providers: Providers
  grants: GrantStore
  renewal: Pick<Renewal, 'ensureValidToken'>
  jira: Pick<JiraStore, 'find'>
  clock: Clock
}

/**
 * Lends the access token of a user or a team to a back end. The response does not reveal whether an account is missing,
 * disabled or has granted nothing. Each loan is recorded in the audit log of the account that granted it. A loan that
 * cannot be recorded is not made.
 */
export function lendToken({ accounts, providers, grants, renewal, jira, clock }: LendTokenParts) {
  const ofPerson = async (
    userId: string,
    provider: Provider,
    wanted: readonly string[],
  ): Promise<readonly Candidate[]> => {
    const account = await accounts.find(userId)
    if (!account || account.disabledAt !== null) return []
    const identities = (await accounts.identitiesOf(userId)).filter(
      ({ provider: id, issuer }) => id === provider.id && provider.speaksFor(issuer),
    )
    const found = await Promise.all(
      identities.map(async ({ issuer, subject, lastUsedAt }) => {
        const key = { provider: provider.id, issuer, clientId: provider.clientId, subject, holder: 'person' }
        return { key, accountId: userId, lastUsedAt, grant: await grants.find(key) }
      }),
    )
    const now = clock()
    return found
      .flatMap(({ grant, ...of }) =>
        grant && grant.accessToken !== null
          ? [
              {
                ...of,
                dead: grantStatusOf(grant, now) === 'needs_reauthorization',
                missing: missing(provider, wanted, grant),
              },
            ]
          : [],
      )
      .sort(
        (a, b) =>
          Number(a.dead) - Number(b.dead) ||
          a.missing - b.missing ||
          b.lastUsedAt.getTime() - a.lastUsedAt.getTime() ||
          (a.key.subject < b.key.subject ? -1 : 1),
      )
  }

  const ofTeam = async (teamId: string, provider: Provider): Promise<readonly Candidate[]> => {
    const state = await jira.find(teamId)
    if (state?.integration.provider !== provider.id) return []
    const sites = inUse(state.sites)
    if (sites.length === 0) return []
    const { issuer, clientId, subject, connectedBy } = state.integration
    const key = { provider: provider.id, issuer, clientId, subject, holder: teamId }
    return [{ key, accountId: connectedBy, team: { id: teamId, sites }, disabled: state.connectorDisabled }]
  }

  return async (
    { of, provider: id, scopes: wanted, minTtlSeconds }: LoanRequest,
    credential: string,
    origin: Origin,
  ): Promise<Result<Loan, AppError<TokenCode>>> => {
    const provider = providers.get(id)
    if (!provider) return fail('not_connected', { provider: id })
    const params = { provider: provider.name }
    const candidates = 'userId' in of ? await ofPerson(of.userId, provider, wanted) : await ofTeam(of.teamId, provider)
    let refused = fail('not_connected', params) as Result<never, AppError<TokenCode>>
    for (const { key, accountId, team, disabled } of candidates) {
      // Issued by another issuer or to another client registration of ours: it could not be renewed and does not belong
      // to this provider. Nothing is done in the name of a disabled account.
      if (key.clientId !== provider.clientId || !provider.speaksFor(key.issuer) || disabled) {
        refused = fail('needs_reauthorization', params)
        continue
      }
      const token = await renewal.ensureValidToken(key, minTtlSeconds === undefined ? {} : { minTtlSeconds })
      if (!token.ok) {
        // If the provider is unavailable, the next grant would fail as well.
        if (token.error.code === 'provider_unavailable') return token
        // A dead grant is reported only if no other is left. A team whose consent came from a removed member must
        // connect again.
        if (team || token.error.code === 'needs_reauthorization') refused = fail('needs_reauthorization', params)
        continue
      }
      const written = await grants.lent(key, clock(), [
        {
          name: 'provider_token.lent',
          accountId,
          origin: originForOthers(origin),
          data: { provider: provider.id, credential, ...(team ? { team: team.id } : {}) },
        },
      ])
      if (!written) continue
      const { accessToken, expiresAt, scopes } = token.value
      const missingScopes = provider.missingScopes(wanted, scopes)
      return ok({ accessToken, expiresAt, scopes, missingScopes, sites: team?.sites ?? null })
    }
    return refused
  }
}

const missing = (provider: Provider, wanted: readonly string[], { scopes }: StoredGrant): number =>
  provider.missingScopes(wanted, scopes).length
