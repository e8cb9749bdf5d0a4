/**
 * The providers as the flows use them: begin, exchange, identify, refresh, revoke. What differs between providers is in
 * their definitions. All calls go through the guard.
 */
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { BreakerState } from './calls/breaker.ts'
import type { Failure } from './calls/failure.ts'
import { createGuards } from './calls/guard.ts'
import { checkRefreshedIdToken } from './calls/id-token.ts'
import type { ProxySettings } from './calls/outbound.ts'
import { type RevocableTokens, revokeToken } from './calls/revoke.ts'
import { readTokens, refreshFailureOf } from './calls/token-answer.ts'
import { type Examination, judgeClient } from './examine.ts'
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
import { fetchProfile, identifyUser } from './live/profile.ts'
import { createRegistry } from './live/registry.ts'
import { expectedIssuers, subjectNamespace, wrongTenant } from './live/signers.ts'
import { createProviderState, type ProviderState } from './live/state.ts'
import { waitAfter } from './live/unavailable.ts'
import { createHandshake } from './passport/handshake.ts'
import { withClientSecret } from './passport/strategy.ts'
import type {
  Claims,
  Endpoints,
  EndpointType,
  Provider,
  ProviderSettings,
  RefreshOutcome,
  RevocationOutcome,
} from './provider.ts'
import { restrictionOn } from './restrictions.ts'
import { createProfileCache, type ProfileReading } from './userinfo.ts'

export type BreakerHealth = {
  readonly provider: string
  readonly endpointType: EndpointType
  readonly state: BreakerState
}

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

/** Identifies a user at a provider. The subject alone is not unique. */
export type Subject = { readonly issuer: string; readonly subject: string }

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
  const registry = createRegistry({
    settings,
    createState: (one, version) => createProviderState(one, version, { guards, handshake, clock, random, production }),
    // The profiles were read with the settings before.
    onReplaced: profiles.eraseAll,
    formerSeconds,
    clock,
  })
  const { stateOf: line, live, get, revocable, replace, version, another, closeFormer } = registry

  /**
   * Tests the settings of a provider for the operator. It sends a made-up code to the token endpoint. That has no
   * effect: providers authenticate the client before they check the code (RFC 6749 §4.1.3, §5.2).
   */
  async function examine(provider: Provider): Promise<Examination> {
    const { definition, settings: one, ready } = line(provider)
    const discovers = definition.openid?.required === true && one.issuer !== undefined
    const endpoints = await ready()
    if (!endpoints.ok) return { discovers, endpoints, client: null }
    const redirectUri = one.redirectUris.default ?? ''
    const asked = { code: `doctor-${secretToken(random)}`, state: 'doctor', verifier: secretToken(random), redirectUri }
    const answer = await line(provider).handshake.finish(asked)
    return {
      discovers,
      endpoints,
      client: answer.ok ? { tag: 'unclear', code: null } : judgeClient(answer.error, definition),
    }
  }

  /** Whether the operator allows this user to sign in with this provider (`restrictions.ts`). */
  function admits(
    provider: Provider,
    claims: Claims,
  ): Result<undefined, AppError<'sign_in_restricted' | 'organization_access_needed'>> {
    const restriction = restrictionOn(claims, line(provider).settings)
    if (restriction === null) return ok(undefined)
    const code = restriction === 'hidden' ? 'organization_access_needed' : 'sign_in_restricted'
    return fail(code, { provider: provider.name })
  }

  /** Whether this provider can prove the email address: see `contract.md`, Accounts and reconciliation. */
  function trusts(
    provider: Pick<Provider, 'emailTrust'>,
    { email, emailVerified, emailAuthoritative }: Claims,
  ): boolean {
    if (email === null || !emailVerified) return false
    return provider.emailTrust === 'verified' || (provider.emailTrust === 'authoritative' && emailAuthoritative)
  }

  /**
   * Exchanges a refresh token. It makes only one attempt, because the token may rotate. With `of`, an id_token in the
   * response must name the same user as before.
   */
  async function refresh(provider: Provider, refreshToken: string, of?: Subject): Promise<RefreshOutcome> {
    const { definition, settings: one, guard, ready } = line(provider)
    const endpoints = await ready()
    if (!endpoints.ok)
      return { tag: 'transient', reason: endpoints.error.reason, retryAfter: waitAfter(endpoints.error) }
    const answer = await line(provider).handshake.refresh(refreshToken)
    if (!answer.ok) return refreshFailureOf(answer.error, definition.refusals)
    const tokens = readTokens(answer.value, clock, definition)
    if (tokens.idToken !== null && definition.openid) {
      const { issuers } = expectedIssuers(line(provider), tokens.idToken)
      const claims = checkRefreshedIdToken(tokens.idToken, of?.subject, { issuers, clientId: one.clientId, clock })
      const issuer = claims.ok ? subjectNamespace(line(provider), claims.value) : null
      const same = issuer !== null && (of === undefined || of.issuer === issuer)
      const fault = claims.ok ? (same ? null : wrongTenant) : claims.error
      if (fault) {
        guard.report('token', fault)
        return { tag: 'needs_reauthorization', reason: fault.reason }
      }
    }
    if (of !== undefined) profiles.outdate({ provider: provider.id, issuer: of.issuer, subject: of.subject })
    return { tag: 'refreshed', tokens }
  }

  /** Revokes the tokens at the provider. Tokens unknown to it count as revoked. */
  async function revoke(provider: Provider, tokens: RevocableTokens): Promise<RevocationOutcome> {
    const { definition, settings: one, guard, ready } = line(provider)
    const endpoints = await ready()
    if (!endpoints.ok)
      return { tag: 'transient', reason: endpoints.error.reason, retryAfter: waitAfter(endpoints.error) }
    const { revoke: url } = endpoints.value
    if (url === null) return { tag: 'not_supported' }
    const parts = { settings: await withClientSecret(definition, one, clock), endpoints: endpoints.value, url, guard }
    const revokeOne = definition.revoke ?? revokeToken
    const { known, ...answer } = await revokeOne(tokens, parts)
    if (!definition.revokesOnlyValidTokens || known !== false || tokens.refreshToken === null) return answer
    // Renew the access token, then revoke the new one.
    const renewed = await refresh(provider, tokens.refreshToken)
    if (renewed.tag === 'refreshed') {
      const { known: _known, ...again } = await revokeOne(renewed.tokens, parts)
      return again
    }
    return renewed.tag === 'transient' ? renewed : answer
  }

  const breakersOf = ({ guard, endpointTypes }: ProviderState) =>
    endpointTypes.map((endpointType) => ({ endpointType, state: guard.state(endpointType) }))

  return {
    get,
    revocable,
    replace,
    version,
    another,
    closeFormer,
    list: (): readonly Provider[] => live().map(({ provider }) => provider),
    /** The endpoints of a provider, discovered if they are not known yet. */
    discover: (provider: Provider): Promise<Result<Endpoints, Failure>> => line(provider).ready(),
    /** Creates the URL to send the browser to. Passport creates the PKCE verifier; nothing is stored here. */
    begin: async (provider: Provider, request: AuthorizationOptions) =>
      beginAuthorization(line(provider), request, random),
    /**
     * Exchanges the code once. The caller has already claimed the pending authorization. No call is made if the
     * callback names another issuer or has no code.
     */
    exchange: async (provider: Provider, callback: CodeCallback, flow: AuthorizationParameters) =>
      exchangeCode(line(provider), live(), callback, flow, clock),
    /** Identifies the user: the provider's definition reads the profile and the id_token. */
    identify: async (provider: Provider, exchange: Pick<CodeExchange, 'tokens' | 'idToken'>) =>
      identifyUser(line(provider), exchange, clock),
    /** Identifies the user of an id_token that a native app received from the provider's own library. */
    identifyApp: async (provider: Provider, signedIn: { readonly idToken: string; readonly nonce: string }) =>
      identifyAppUser(line(provider), signedIn, clock),
    examine,
    admits,
    trusts,
    refresh,
    revoke,
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
        fetchProfile(line(provider), subject, accessToken, clock),
      )
    },
    /** The provider through which teams connect their Jira, with its API; `undefined` if none is configured. */
    jira(): { readonly provider: Provider; readonly cloud: JiraCloud; readonly scopes: readonly string[] } | undefined {
      for (const { provider, jira } of live())
        if (jira && provider.jiraScopes) return { provider, cloud: jira, scopes: provider.jiraScopes }
      return undefined
    },
    /** Removes a profile after unlinking, revocation or a new sign-in. The next read calls the provider. */
    eraseProfile: (provider: Provider, { issuer, subject }: Subject): void =>
      profiles.erase({ provider: provider.id, issuer, subject }),
    /** The breaker state of every provider and endpoint type. */
    health: (): readonly BreakerHealth[] =>
      live().flatMap((one) => breakersOf(one).map((state) => ({ provider: one.provider.id, ...state }))),
    /** Whether users can sign in with it now. */
    status(provider: Provider): 'up' | 'degraded' | 'down' {
      // The API is only used for teams and memberships, not for sign-in itself.
      const known = breakersOf(line(provider)).filter(({ endpointType }) => endpointType !== 'api')
      // Discovery is only needed until it has succeeded once: the last document stays in use.
      const lost = provider.authorizeOrigin() === null
      const asked = line(provider).settings.userinfo ?? 'required'
      const vital: readonly EndpointType[] = [
        'token',
        ...(asked === 'required' ? (['userinfo'] as const) : []),
        ...(lost ? (['discovery'] as const) : []),
      ]
      if (known.some(({ endpointType, state }) => state === 'open' && vital.includes(endpointType))) return 'down'
      return known.some(({ state }) => state !== 'closed') ? 'degraded' : 'up'
    },
    close: async (): Promise<void> => {
      profiles.close()
      await guards.close()
    },
  }
}
