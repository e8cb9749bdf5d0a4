/**
 * The providers as the flows use them: begin, exchange, identify, refresh, revoke. What differs between providers is in
 * their definitions. All calls go through the guard.
 */
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import { type Err, ok, type Result } from '../kernel/result.ts'
import { tenantOf } from '../kernel/tenant-issuer.ts'
import type { BreakerState } from './calls/breaker.ts'
import type { Failure } from './calls/failure.ts'
import { createGuards } from './calls/guard.ts'
import { checkRefreshedIdToken, type IdTokenClaims, verifyAppIdToken, verifyIdToken } from './calls/id-token.ts'
import type { ProxySettings } from './calls/outbound.ts'
import { type RevocableTokens, revokeToken } from './calls/revoke.ts'
import { readTokens, refreshFailureOf } from './calls/token-answer.ts'
import { verifyUserinfo } from './calls/userinfo-jwt.ts'
import { type Examination, judgeClient } from './examine.ts'
import type { JiraCloud } from './jira-cloud.ts'
import { createRegistry } from './live/registry.ts'
import { createProviderState, type ProviderState } from './live/state.ts'
import { createHandshake } from './passport/handshake.ts'
import { withClientSecret } from './passport/strategy.ts'
import type {
  AuthorizationPrompt,
  Claims,
  Endpoints,
  EndpointType,
  Profile,
  Provider,
  ProviderSettings,
  RefreshOutcome,
  RevocationOutcome,
  TokenSet,
} from './provider.ts'
import { restrictionOn } from './restrictions.ts'
import { claimedIssuer, keysOf, tenantIssuer } from './tenants.ts'
import { createProfileCache, type ProfileReading, type ProviderProfile } from './userinfo.ts'

/** The result of a code exchange: the tokens, and the verified claims of the id_token if there is one. */
export type CodeExchange = {
  readonly tokens: TokenSet
  readonly idToken: IdTokenClaims | null
  /** Namespace of the subject: see `Grant.issuer`. */
  readonly issuer: string
}
/** The user of an id_token from a native app. The caller must accept its `signedText` only once until `usableUntil`. */
export type AppIdentity = {
  readonly issuer: string
  readonly claims: Claims
  readonly signedText: string
  readonly usableUntil: Date
}
export type AppIdentityCode =
  | 'app_sign_in_not_configured'
  | 'id_token_rejected'
  | 'provider_unavailable'
  | 'sign_in_restricted'
export type BreakerHealth = {
  readonly provider: string
  readonly endpointType: EndpointType
  readonly state: BreakerState
}

/**
 * Visible ASCII (RFC 6749 appendix A.11), longer than any code in use. Any other value was not issued by a provider.
 */
const CODE = /^[\x21-\x7e]{1,4096}$/

/** Why a code exchange fails. `sign_in_restricted`: the user belongs to a tenant that is not allowed. */
type ExchangeCode = 'token_exchange_failed' | 'provider_unavailable' | 'flow_mismatch' | 'sign_in_restricted'

/** The parameters of the authorization request. `scopes` is absent if they are the provider's defaults. */
export type AuthorizationParameters = {
  readonly redirectUri: string
  readonly verifier: string
  readonly nonce: string | null
  readonly scopes?: readonly string[] | null
}

/** The parameters of the callback. The caller checks that they are single strings. `iss` is defined by RFC 9207. */
export type CodeCallback = { readonly code: string; readonly state: string; readonly iss?: string | undefined }
type Unavailable = AppError<'provider_unavailable'>

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
const subjectOnly = ({ issuer, subject }: Subject): Subject => ({ issuer, subject })

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

  const unavailable = (provider: Provider, failure: Failure): Err<Unavailable> =>
    fail('provider_unavailable', { provider: provider.name }, { retryAfter: wait(failure), cause: failure })

  /** Creates the URL to send the browser to. Passport creates the PKCE verifier; nothing is stored here. */
  async function begin(
    provider: Provider,
    {
      redirectUri,
      scopes = provider.scopes,
      ...asking
    }: AuthorizationPrompt & { redirectUri: string; scopes?: readonly string[] | undefined },
  ): Promise<Result<{ url: URL; state: string; verifier: string; nonce: string | null }, Unavailable>> {
    const { definition, settings, ready } = line(provider)
    const endpoints = await ready()
    if (!endpoints.ok) return unavailable(provider, endpoints.error)
    const bound = definition.openid && scopes.includes('openid') && settings.nonce !== 'off'
    const nonce = bound ? secretToken(random) : null
    const asked = { session: false, callbackURL: redirectUri, scope: scopes, nonce, ...asking } as const
    const begun = await line(provider).handshake.begin(asked)
    return ok({ ...begun, nonce })
  }

  /**
   * Exchanges the code once. The caller has already claimed the pending authorization. No call is made if the callback
   * names another issuer or has no code.
   */
  async function exchange(
    provider: Provider,
    { code, state, iss }: CodeCallback,
    flow: AuthorizationParameters,
  ): Promise<Result<CodeExchange, AppError<ExchangeCode>>> {
    const { definition, settings: one, guard, ready } = line(provider)
    const refuse = (failure: Failure) =>
      failure.kind === 'unavailable'
        ? unavailable(provider, failure)
        : fail('token_exchange_failed', { provider: provider.name }, { cause: failure })

    if (iss !== undefined && !isExpected(iss, provider)) return fail('flow_mismatch')
    if (!CODE.test(code)) return refuse({ kind: 'garbage', reason: 'bad_code' })
    const endpoints = await ready()
    if (!endpoints.ok) return refuse(endpoints.error)
    if (iss === undefined && endpoints.value.issRequired) return fail('flow_mismatch')

    const { redirectUri, verifier, nonce } = flow
    const tokens = await line(provider).handshake.finish({ code, state, verifier, redirectUri })
    if (!tokens.ok) return refuse(tokens.error)

    const { idToken, accessToken } = tokens.value
    if (idToken === null || !definition.openid) {
      // The id_token is mandatory (OpenID Connect Core §3.1.3.3). Without it, nothing binds the tokens to our nonce.
      if (definition.openid && (flow.scopes ?? provider.scopes).includes('openid'))
        return refuseReported({ kind: 'garbage', reason: 'id_token_missing' })
      return ok({ tokens: tokens.value, idToken: null, issuer: provider.issuer })
    }
    const expected = { ...expectedSigner(line(provider), endpoints.value, idToken), clientId: one.clientId, clock }
    const claims = await verifyIdToken(idToken, { nonce, nonceOff: one.nonce === 'off', accessToken }, expected)
    if (!claims.ok) return claims.error.kind === 'garbage' ? refuseReported(claims.error) : refuse(claims.error)
    const issuer = issuerOf(line(provider), claims.value)
    if (issuer === null) return refuseReported(wrongTenant)
    if (!provider.speaksFor(issuer)) return fail('sign_in_restricted', { provider: provider.name })
    // The tenant on the callback must be the one whose token endpoint answered (RFC 9207 §2.4).
    if (one.tenants !== undefined && iss !== undefined && iss !== issuer) return fail('flow_mismatch')
    return ok({ tokens: tokens.value, idToken: claims.value, issuer })

    function refuseReported(failure: Failure) {
      guard.report('token', failure)
      return refuse(failure)
    }
  }

  /**
   * Identifies the user of an id_token that a native app received from the provider's own library. What is wrong with
   * the token is no fault of the provider, so it is not reported to the circuit breaker.
   */
  async function identifyApp(
    provider: Provider,
    { idToken, nonce }: { readonly idToken: string; readonly nonce: string },
  ): Promise<Result<AppIdentity, AppError<AppIdentityCode>>> {
    const state = line(provider)
    const { definition, settings: one, ready } = state
    const { appClientIds: audiences } = one
    if (!audiences || !definition.openid) return fail('app_sign_in_not_configured', { provider: provider.name })
    const endpoints = await ready()
    if (!endpoints.ok) return unavailable(provider, endpoints.error)
    const { issuers, keys } = expectedSigner(state, endpoints.value, idToken)
    // Without keys anyone could write a token. The settings of the definitions require them.
    if (!keys) return fail('app_sign_in_not_configured', { provider: provider.name })
    const verified = await verifyAppIdToken(idToken, nonce, { issuers, audiences, keys, clock })
    const reject = (failure: Failure) =>
      fail(
        'id_token_rejected',
        { provider: provider.name },
        { extra: { reason: failure.reason.replace(idTokenPrefix, '') }, cause: failure },
      )
    if (!verified.ok) {
      const { error } = verified
      // Otherwise the keys could not be fetched.
      const isAboutToken = error.kind === 'garbage' && error.reason.startsWith(idTokenPrefix)
      return isAboutToken ? reject(error) : unavailable(provider, error)
    }
    const issuer = issuerOf(state, verified.value.claims)
    if (issuer === null) return reject(wrongTenant)
    if (!provider.speaksFor(issuer)) return fail('sign_in_restricted', { provider: provider.name })
    const claims = definition.claims(mergeClaims(noUserinfo, verified.value.claims), one)
    if ('unreadable' in claims) return reject({ kind: 'garbage', reason: claims.unreadable })
    const { signedText, usableUntil } = verified.value
    return ok({ issuer, claims, signedText, usableUntil })
  }

  /**
   * Checks `iss` (RFC 9207): it must be the issuer of our provider. For a provider without an issuer, it must not be
   * that of another one (mix-up attack, RFC 9700 §4.4).
   */
  function isExpected(iss: string, provider: Provider): boolean {
    const own = line(provider)
    if (own.definition.openid) return usesIssuer(own, iss)
    return !live().some((other) => other.provider.id !== provider.id && usesIssuer(other, iss))
  }

  /** Whether a provider uses this issuer in an id_token or on the callback. */
  function usesIssuer({ definition, settings: one, provider }: ProviderState, iss: string): boolean {
    if (one.tenants !== undefined) return provider.speaksFor(iss)
    return definition.openid?.issuers(one).includes(iss) ?? false
  }

  /**
   * The issuers that an id_token may name. With many tenants it is the issuer that the token claims. Everything else is
   * then verified against that issuer. Whether its users may sign in is decided after verification.
   */
  function expectedIssuers(
    { definition, settings: one, provider }: ProviderState,
    idToken: string,
  ): { issuers: readonly string[]; tenant: string | null } {
    const issuers = definition.openid?.issuers(one) ?? []
    const claimed = one.tenants === undefined ? null : claimedIssuer(idToken)
    return claimed !== null && tenantOf(provider.issuer, claimed) !== null
      ? { issuers: [claimed], tenant: claimed }
      : { issuers, tenant: null }
  }

  /** Who may have signed an id_token: its issuers and their keys, `null` if signatures cannot be checked. */
  function expectedSigner(state: ProviderState, endpoints: Endpoints, idToken: string) {
    const { issuers, tenant } = expectedIssuers(state, idToken)
    const published = state.keys(endpoints)
    return {
      issuers,
      keys: published && tenant !== null ? keysOf(published, state.provider.issuer, tenant) : published,
    }
  }

  /** The namespace of the subject in verified claims; `null` if their claims about the tenant contradict each other. */
  const issuerOf = ({ settings: { tenants }, provider }: ProviderState, claims: IdTokenClaims): string | null =>
    tenants === undefined ? provider.issuer : tenantIssuer(claims, provider.issuer)

  /** Fetches and reads the user's profile, and checks that it is about the user of the id_token. */
  async function readProfile(
    provider: Provider,
    accessToken: string,
    idToken: IdTokenClaims | null,
  ): Promise<Result<ProviderProfile, Failure>> {
    const { definition, settings: one, guard, ready } = line(provider)
    const endpoints = await ready()
    if (!endpoints.ok) return endpoints
    const answer = await fetchUserinfo(provider, endpoints.value, accessToken, idToken)
    const alone = !answer.ok && idToken !== null && isIdTokenEnough(idToken, one, answer.error)
    if (!answer.ok && !alone) return answer
    const said = answer.ok ? answer.value : noUserinfo
    const garbage = (reason: string) => guard.report('userinfo', { kind: 'garbage', reason })
    // UserInfo may describe another user than the id_token (token substitution, OpenID Connect Core §5.3.2).
    if (idToken && said !== noUserinfo && said._json.sub !== idToken.sub) return garbage('sub_mismatch')
    const profile = idToken ? mergeClaims(said, idToken, definition.signedClaims) : said
    const claims = definition.claims(profile, one)
    if ('unreadable' in claims) return garbage(claims.unreadable)
    return ok({ claims, profile: publicProfile(said, idToken) })
  }

  /** Fetches UserInfo and verifies the signature of a signed response. Returns `noUserinfo` if there is no endpoint. */
  async function fetchUserinfo(
    provider: Provider,
    endpoints: Endpoints,
    accessToken: string,
    idToken: IdTokenClaims | null,
  ): Promise<Result<Profile, Failure>> {
    if (endpoints.userinfo === null) return ok(noUserinfo)
    const answer = await line(provider).handshake.profile(accessToken)
    if (!answer.ok || answer.value.jwt === undefined) return answer
    const { guard, keys } = line(provider)
    const claims = await verifyUserinfo(answer.value.jwt, {
      keys: keys(endpoints),
      accepts: (issuer) => (idToken ? issuer === idToken.iss : usesIssuer(line(provider), issuer)),
      clientId: line(provider).settings.clientId,
      clock,
    })
    if (claims.ok) return ok({ id: '', _json: claims.value })
    return claims.error.kind === 'garbage' ? guard.report('userinfo', claims.error) : claims
  }

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

  const profileFailure = (provider: Provider, failure: Failure) =>
    failure.kind === 'unavailable'
      ? unavailable(provider, failure)
      : fail('user_info_fetch_failed', { provider: provider.name }, { cause: failure })

  /** Identifies the user: the provider's definition reads the profile and the id_token. */
  async function identify(
    provider: Provider,
    { tokens, idToken }: Pick<CodeExchange, 'tokens' | 'idToken'>,
  ): Promise<Result<Claims, AppError<'user_info_fetch_failed' | 'provider_unavailable'>>> {
    const said = await readProfile(provider, tokens.accessToken, idToken)
    if (!said.ok) return profileFailure(provider, said.error)
    const { claims } = said.value
    const { definition, settings: one, guard } = line(provider)
    if (!one.organizations || !definition.memberships) return ok(claims)
    const memberships = await definition.memberships({ guard, settings: one, accessToken: tokens.accessToken })
    return memberships.ok
      ? ok({ ...claims, memberships: memberships.value })
      : profileFailure(provider, memberships.error)
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
    if (!endpoints.ok) return { tag: 'transient', reason: endpoints.error.reason, retryAfter: wait(endpoints.error) }
    const answer = await line(provider).handshake.refresh(refreshToken)
    if (!answer.ok) return refreshFailureOf(answer.error, definition.refusals)
    const tokens = readTokens(answer.value, clock, definition)
    if (tokens.idToken !== null && definition.openid) {
      const { issuers } = expectedIssuers(line(provider), tokens.idToken)
      const claims = checkRefreshedIdToken(tokens.idToken, of?.subject, { issuers, clientId: one.clientId, clock })
      const issuer = claims.ok ? issuerOf(line(provider), claims.value) : null
      const same = issuer !== null && (of === undefined || of.issuer === issuer)
      const fault = claims.ok ? (same ? null : wrongTenant) : claims.error
      if (fault) {
        guard.report('token', fault)
        return { tag: 'needs_reauthorization', reason: fault.reason }
      }
    }
    if (of !== undefined) profiles.outdate({ provider: provider.id, ...subjectOnly(of) })
    return { tag: 'refreshed', tokens }
  }

  /** Revokes the tokens at the provider. Tokens unknown to it count as revoked. */
  async function revoke(provider: Provider, tokens: RevocableTokens): Promise<RevocationOutcome> {
    const { definition, settings: one, guard, ready } = line(provider)
    const endpoints = await ready()
    if (!endpoints.ok) return { tag: 'transient', reason: endpoints.error.reason, retryAfter: wait(endpoints.error) }
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

  /**
   * The cached profile of a linked user. `accessToken` is called only if the provider must be called. It is called
   * again, with the `refused` token, if the provider rejects that token (RFC 6750 §3.1). If the provider returns
   * another subject, the profile is not shown.
   */
  async function profile<E extends { readonly code: string }>(
    provider: Provider,
    { issuer, subject }: Subject,
    accessToken: (refused?: string) => Promise<Result<string, E>>,
  ): Promise<Result<ProfileReading, E | AppError<'user_info_fetch_failed' | 'provider_unavailable'>>> {
    type Problem = E | AppError<'user_info_fetch_failed' | 'provider_unavailable'>
    return profiles.read<Problem>({ provider: provider.id, issuer, subject }, async () => {
      const endpoints = await line(provider).ready()
      // There is no endpoint to call and no token to renew. The provider is not at fault, so nothing is reported.
      if (endpoints.ok && endpoints.value.userinfo === null)
        return profileFailure(provider, { kind: 'garbage', reason: 'no_userinfo' })
      const token = await accessToken()
      if (!token.ok) return token
      let said = await readProfile(provider, token.value, null)
      // Some providers reject a token with another status than that of RFC 6750 §3.1.
      if (
        !said.ok &&
        said.error.kind === 'refused' &&
        (said.error.status === 401 || said.error.code === 'invalid_token')
      ) {
        const another = await accessToken(token.value)
        if (!another.ok) return another
        said = await readProfile(provider, another.value, null)
      }
      if (!said.ok) return profileFailure(provider, said.error)
      if (said.value.claims.subject === subject) return said
      const failure: Failure = { kind: 'garbage', reason: 'sub_mismatch' }
      line(provider).guard.report('userinfo', failure)
      return profileFailure(provider, failure)
    })
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
    begin,
    exchange,
    identify,
    identifyApp,
    examine,
    admits,
    trusts,
    refresh,
    revoke,
    profile,
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

const wait = (failure: Failure): number => (failure.kind === 'unavailable' ? failure.retryAfter : undefined) ?? 5

/** How the reasons of `calls/id-token.ts` begin. */
const idTokenPrefix = 'id_token_'

/** An id_token whose `iss` and `tid` name no tenant, or different ones. */
const wrongTenant: Failure = { kind: 'garbage', reason: 'id_token_tenant' }

/** Replaces the UserInfo response if there was no call. */
const noUserinfo: Profile = { id: '', _json: {} }

/**
 * Whether the id_token is enough without UserInfo, if UserInfo is optional. After a refusal it is enough. During an
 * outage it must contain an email address. The address might otherwise be missing only this once, and the user would
 * get a second account.
 */
const isIdTokenEnough = ({ email }: IdTokenClaims, { userinfo }: ProviderSettings, failure: Failure): boolean =>
  userinfo === 'optional' &&
  (failure.kind === 'refused' || (failure.kind === 'unavailable' && typeof email === 'string'))

/**
 * Merges UserInfo over the id_token, which may contain less. Email address and `email_verified` stay a pair: `true` for
 * one address must not be combined with another.
 */
function mergeClaims(
  profile: Profile,
  { email, email_verified, ...idToken }: IdTokenClaims,
  signedClaims: readonly string[] = [],
): Profile {
  const said = profile._json
  const pair =
    said.email === undefined || (said.email_verified === undefined && said.email === email)
      ? { email, email_verified }
      : { email: said.email, email_verified: said.email_verified }
  const signed = Object.fromEntries(signedClaims.map((name) => [name, { email, ...idToken }[name]]))
  return { ...profile, _json: { ...idToken, ...said, ...pair, ...signed } }
}

/** The provider's response for the user to see, without anything that could be a credential. */
function publicProfile({ _json, emails }: Profile, idToken: IdTokenClaims | null): Record<string, unknown> {
  const said = Object.keys(_json).length > 0 ? _json : { ...idToken }
  return { ...withoutCredentials(said, MOST_LEVELS), ...(emails && 'login' in said ? { emails } : {}) }
}

/** Real profiles are not this deep. A megabyte of brackets would overflow the stack of the recursion below. */
const MOST_LEVELS = 12

const withoutCredentials = (said: object, levels: number): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(said).flatMap(([name, value]) =>
      /token|secret|password|private_key/i.test(name) ? [] : [[name, withoutNestedCredentials(value, levels - 1)]],
    ),
  )

function withoutNestedCredentials(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (levels === 0) return null
  return Array.isArray(value)
    ? value.map((one) => withoutNestedCredentials(one, levels - 1))
    : withoutCredentials(value, levels)
}
