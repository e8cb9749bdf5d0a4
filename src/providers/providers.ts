/**
 * The providers as the flows use them: begin, exchange, identify, refresh, revoke. What differs between providers is in
 * their definitions. All calls go through the guard.
 */
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Failure } from './calls/failure.ts'
import { createGuards } from './calls/guard.ts'
import type { ProxySettings } from './calls/outbound.ts'
import type { RevocableTokens } from './calls/revoke.ts'
import { type Examination, examineClient } from './examine.ts'
import type { JiraCloud } from './jira-cloud.ts'
import { identifyAppUser } from './live/app-identity.ts'
import {
  type AuthorizationOptions,
  type AuthorizationParameters,
  beginAuthorization,
  type CodeCallback,
  type CodeExchange,
  exchangeCode,
} from './live/authorization.ts'
import { type BreakerHealth, breakersOf, statusOf } from './live/health.ts'
import { fetchProfile, identifyUser } from './live/profile.ts'
import { createRegistry } from './live/registry.ts'
import { renewTokens, revokeTokens, type Subject } from './live/renewal.ts'
import { createProviderState } from './live/state.ts'
import { createHandshake } from './passport/handshake.ts'
import type { Claims, Endpoints, Provider, ProviderSettings, RefreshOutcome } from './provider.ts'
import { restrictionOn } from './restrictions.ts'
import { createProfileCache, type ProfileReading } from './userinfo.ts'

export type Providers = ReturnType<typeof createProviders>

type ProvidersParts = {
  /** The providers from the environment, which stay as they are until the next start. */
  readonly settings: readonly ProviderSettings[]
  /** How long a version of settings that was replaced still finishes the sign-ins that began with it, in seconds. */
  readonly formerSeconds?: number
  readonly events: Bus
  readonly clock: Clock
  readonly random: Random
  readonly production: boolean
  readonly userInfoTtlSeconds: number
  /** The proxy for calls; `null` or absent for none. */
  readonly proxy?: ProxySettings | null
}

export function createProviders({
  settings,
  events,
  clock,
  random,
  production,
  userInfoTtlSeconds,
  formerSeconds = 600,
  proxy = null,
}: ProvidersParts) {
  const guards = createGuards({ events, clock, random, proxy })
  const handshake = createHandshake()
  const profiles = createProfileCache({ events, clock, ttlSeconds: userInfoTtlSeconds })
  const { stateOf, live, get, revocable, replace, version, another, closeFormer } = createRegistry({
    settings,
    createState: (one, ofVersion) =>
      createProviderState(one, ofVersion, { guards, handshake, clock, random, production }),
    // The profiles were read with the settings before.
    onReplaced: profiles.eraseAll,
    formerSeconds,
    clock,
  })

  return {
    list: (): readonly Provider[] => live().map(({ provider }) => provider),
    get,
    revocable,
    replace,
    version,
    another,
    closeFormer,

    /** The endpoints of a provider, discovered if they are not known yet. */
    discover: (provider: Provider): Promise<Result<Endpoints, Failure>> => stateOf(provider).ready(),
    /** Creates the URL to send the browser to. Passport creates the PKCE verifier; nothing is stored here. */
    begin: async (provider: Provider, request: AuthorizationOptions) =>
      beginAuthorization(stateOf(provider), request, random),
    /**
     * Exchanges the code once. The caller has already claimed the pending authorization. No call is made if the
     * callback names another issuer or has no code.
     */
    exchange: async (provider: Provider, callback: CodeCallback, flow: AuthorizationParameters) =>
      exchangeCode(stateOf(provider), live(), callback, flow, clock),
    /** Identifies the user: the provider's definition reads the profile and the id_token. */
    identify: async (provider: Provider, exchange: Pick<CodeExchange, 'tokens' | 'idToken'>) =>
      identifyUser(stateOf(provider), exchange, clock),
    /** Identifies the user of an id_token that a native app received from the provider's own library. */
    identifyApp: async (provider: Provider, signedIn: { readonly idToken: string; readonly nonce: string }) =>
      identifyAppUser(stateOf(provider), signedIn, clock),
    /** Tests the settings of a provider for the operator. */
    examine: async (provider: Provider): Promise<Examination> => examineClient(stateOf(provider), random),

    /** Whether the operator allows this user to sign in with this provider (`restrictions.ts`). */
    admits(
      provider: Provider,
      claims: Claims,
    ): Result<undefined, AppError<'sign_in_restricted' | 'organization_access_needed'>> {
      const restriction = restrictionOn(claims, stateOf(provider).settings)
      if (restriction === null) return ok(undefined)
      const code = restriction === 'hidden' ? 'organization_access_needed' : 'sign_in_restricted'
      return fail(code, { provider: provider.name })
    },
    /** Whether this provider can prove the email address: see `contract.md`, Accounts and reconciliation. */
    trusts(provider: Pick<Provider, 'emailTrust'>, { email, emailVerified, emailAuthoritative }: Claims): boolean {
      if (email === null || !emailVerified) return false
      return provider.emailTrust === 'verified' || (provider.emailTrust === 'authoritative' && emailAuthoritative)
    },

    /**
     * Exchanges a refresh token. It makes only one attempt, because the token may rotate. With `of`, an id_token in the
     * response must name the same user as before.
     */
    async refresh(provider: Provider, refreshToken: string, of?: Subject): Promise<RefreshOutcome> {
      const outcome = await renewTokens(stateOf(provider), refreshToken, clock, of)
      if (outcome.tag === 'refreshed' && of !== undefined)
        profiles.outdate({ provider: provider.id, issuer: of.issuer, subject: of.subject })
      return outcome
    },
    /** Revokes the tokens at the provider. Tokens unknown to it count as revoked. */
    revoke: async (provider: Provider, tokens: RevocableTokens) => revokeTokens(stateOf(provider), tokens, clock),

    /**
     * The cached profile of a linked user. `accessToken` is called only if the provider must be called. It is called
     * again, with the `refused` token, if the provider rejects that token.
     */
    async profile<E extends { readonly code: string }>(
      provider: Provider,
      { issuer, subject }: Subject,
      accessToken: (refused?: string) => Promise<Result<string, E>>,
    ): Promise<Result<ProfileReading, E | AppError<'user_info_fetch_failed' | 'provider_unavailable'>>> {
      type Problem = E | AppError<'user_info_fetch_failed' | 'provider_unavailable'>
      return profiles.read<Problem>({ provider: provider.id, issuer, subject }, async () =>
        fetchProfile(stateOf(provider), subject, accessToken, clock),
      )
    },
    /** Removes a profile after unlinking, revocation or a new sign-in. The next read calls the provider. */
    eraseProfile: (provider: Provider, { issuer, subject }: Subject): void =>
      profiles.erase({ provider: provider.id, issuer, subject }),

    /** The provider through which teams connect their Jira, with its API; `undefined` if none is configured. */
    jira(): { readonly provider: Provider; readonly cloud: JiraCloud; readonly scopes: readonly string[] } | undefined {
      for (const { provider, jira } of live())
        if (jira && provider.jiraScopes) return { provider, cloud: jira, scopes: provider.jiraScopes }
      return undefined
    },
    /** The breaker state of every provider and endpoint type. */
    health: (): readonly BreakerHealth[] => live().flatMap(breakersOf),
    /** Whether users can sign in with it now. */
    status: (provider: Provider) => statusOf(stateOf(provider)),
    close: async (): Promise<void> => {
      profiles.close()
      await guards.close()
    },
  }
}
