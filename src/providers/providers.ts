/**
 * The providers as the flows use them: begin, exchange, identify, refresh, revoke. What differs between providers is in
 * their definitions. All calls go through the guard.
 */
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import { type Err, ok, type Result } from '../kernel/result.ts'
import { isTenantIssuer, tenantOf } from '../kernel/tenant-issuer.ts'
import type { BreakerState } from './calls/breaker.ts'
import { createDiscovery } from './calls/discovery.ts'
import type { Failure } from './calls/failure.ts'
import { createGuards, type Guard } from './calls/guard.ts'
import { checkRefreshedIdToken, type IdTokenClaims, verifyAppIdToken, verifyIdToken } from './calls/id-token.ts'
import type { ProxySettings } from './calls/outbound.ts'
import { type RevocableTokens, revokeToken } from './calls/revoke.ts'
import { createKeySet, type KeySet } from './calls/signature.ts'
import { readTokens, refreshFailureOf } from './calls/token-answer.ts'
import { verifyUserinfo } from './calls/userinfo-jwt.ts'
import { definitions } from './definitions/index.ts'
import { type Examination, judgeClient } from './examine.ts'
import { createJiraCloud, type JiraCloud } from './jira-cloud.ts'
import { createHandshake } from './passport/handshake.ts'
import { buildStrategy, withClientSecret } from './passport/strategy.ts'
import {
  type AuthorizationPrompt,
  type Claims,
  chosenAuth,
  type Definition,
  type Endpoints,
  type EndpointType,
  type Profile,
  type Provider,
  type ProviderSettings,
  type RefreshOutcome,
  type RevocationOutcome,
  type TokenSet,
} from './provider.ts'
import { restrictionOn } from './restrictions.ts'
import { scopeTextOf } from './scope-texts.ts'
import { missingScopes } from './scopes.ts'
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

/** A provider that administrators manage, with one version of its settings. */
export type ManagedSettings = {
  readonly settings: ProviderSettings
  readonly version: string
  /** Users cannot sign in with it, but grants that they withdraw are still revoked there. */
  readonly isDisabled?: boolean
}

/** Identifies a user at a provider. The subject alone is not unique. */
export type Subject = { readonly issuer: string; readonly subject: string }
const subjectOnly = ({ issuer, subject }: Subject): Subject => ({ issuer, subject })

/** The state of one provider. */
type ProviderState = {
  readonly provider: Provider
  readonly definition: Definition
  readonly settings: ProviderSettings
  readonly guard: Guard
  readonly endpointTypes: readonly EndpointType[]
  /** Its endpoints. A strategy for them is registered first. */
  ready(): Promise<Result<Endpoints, Failure>>
  /** Its published keys; `null` if signatures cannot be checked. */
  keys(endpoints: Endpoints): KeySet | null
  /** Its Jira API; `null` if it has none. */
  readonly jira: JiraCloud | null
  /** The name of its strategies: those of another version have another one. */
  readonly strategy: string
  close(): void
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
  /** The state of every version that is in use. A provider is a version: the object stands for its settings. */
  const states = new WeakMap<Provider, ProviderState>()
  const fixed = new Map(settings.map((one) => [one.id, createLine(one, null)]))
  /** The providers that users can sign in with, by ID and in their order. */
  let lines: ReadonlyMap<string, ProviderState> = fixed
  /** Those that are disabled: only revocations reach them. */
  let resting: ReadonlyMap<string, ProviderState> = new Map()
  /** Drafts, and versions that were replaced while sign-ins may be in progress, by version. */
  const others = new Map<string, { readonly state: ProviderState; until: number }>()

  function createLine(one: ProviderSettings, version: string | null): ProviderState {
    const definition: Definition = definitions[one.kind]
    const guard = guards.of(one.id, one.breaker, one.reach)
    const scopes = requestedScopes(definition, one)
    const discovery =
      one.issuer === undefined || !definition.openid?.required
        ? undefined
        : createDiscovery({
            settings: one,
            issuer: one.issuer,
            own: definition.endpoints(one),
            guard,
            clock,
            production,
          })
    const issuer = namespaceOf(definition, one, version)
    const given = discovery ? undefined : configuredEndpoints(definition, one)
    const keySets = new Map<string, KeySet>()
    const strategy = version === null ? one.id : `${one.id} ${version}`
    let built: Endpoints | undefined
    const scopeTexts = { ...definition.scopeTexts, ...one.scopeTexts }

    const build = (endpoints: Endpoints): void => {
      if (built === endpoints) return
      handshake.use(strategy, buildStrategy({ definition, settings: one, endpoints, scopes, guard, clock, random }))
      built = endpoints
    }
    if (given) build(given)

    const state: ProviderState = {
      strategy,
      close() {
        guard.close()
        handshake.drop(strategy)
      },
      definition,
      settings: one,
      guard,
      endpointTypes: [
        'token',
        ...(one.userinfo === 'off' || given?.userinfo === null ? [] : (['userinfo'] as const)),
        ...(discovery || given?.revoke ? (['revoke'] as const) : []),
        ...(discovery ? (['discovery'] as const) : []),
        ...(discovery || given?.jwks ? (['jwks'] as const) : []),
        ...(definition.jiraScopes || one.organizations ? (['api'] as const) : []),
      ],
      provider: {
        id: one.id,
        version,
        name: one.name,
        permissionsUrl: definition.permissionsUrl?.(one.clientId, one) ?? null,
        issuer,
        speaksFor: (other) =>
          one.tenants === undefined ? other === issuer : isTenantIssuer(issuer, one.tenants, other),
        clientId: version === null ? one.clientId : registrationOf(one),
        redirectUris: one.redirectUris,
        mark: definition.mark,
        formPost: definition.formPost ?? null,
        scopes,
        scopeText: (scope) => scopeTextOf(scope, scopeTexts, definition.scopeNames),
        optionalScopes: (one.optionalScopes ?? []).filter((scope) => !scopes.includes(scope)),
        jiraScopes: definition.jiraScopes
          ? [...new Set([...definition.jiraScopes.always, ...(one.jiraScopes ?? definition.jiraScopes.usual)])]
          : null,
        lifetime: definition.lifetime ?? {},
        missingScopes: (asked, granted) => missingScopes(asked, granted, definition.scopeNames),
        emailTrust: one.emailTrust ?? definition.emailTrust,
        secondFactor: one.secondFactor ?? 'ask',
        authorizeOrigin() {
          const authorize = (given ?? discovery?.known())?.authorize
          return authorize === undefined ? null : new URL(authorize).origin
        },
        alsoVisited: one.urls.authorize === undefined ? (definition.alsoVisited ?? []) : [],
        get revokes() {
          const known = given ?? discovery?.known()
          if (known === undefined) return null
          if (known.revoke === null) return false
          // An endpoint from the operator's settings alone may not work: Atlassian documents none. It is called, but
          // success is not promised.
          return discovery || definition.endpoints(one).revoke ? true : null
        },
      },
      async ready() {
        const endpoints = discovery ? await discovery.endpoints() : ok(given as Endpoints)
        if (endpoints.ok) build(endpoints.value)
        return endpoints
      },
      keys({ jwks: url }) {
        if (url === null) return null
        const known = keySets.get(url) ?? createKeySet({ url, guard, clock })
        keySets.set(url, known)
        return known
      },
      jira: definition.jiraUrls ? createJiraCloud({ guard, ...definition.jiraUrls(one) }) : null,
    }
    states.set(state.provider, state)
    return state
  }

  function line(provider: Provider): ProviderState {
    const found = states.get(provider)
    if (!found) throw new Error(`${provider.id} is not a provider here`)
    return found
  }

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
    const begun = await handshake.begin(line(provider).strategy, asked)
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
    const tokens = await handshake.finish(line(provider).strategy, { code, state, verifier, redirectUri })
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
    return ![...lines.values()].some((other) => other.provider.id !== provider.id && usesIssuer(other, iss))
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
    const answer = await handshake.profile(line(provider).strategy, accessToken)
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
    const answer = await handshake.finish(line(provider).strategy, asked)
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
    const answer = await handshake.refresh(line(provider).strategy, refreshToken)
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

  /** Keeps a version for the sign-ins that began with it, and for as long as it is asked for. */
  function keep(version: string, state: ProviderState): Provider {
    others.set(version, { state, until: clock().getTime() + formerSeconds * 1000 })
    return state.provider
  }

  return {
    /**
     * Replaces the providers that administrators manage, without a restart. One whose version is the same keeps its
     * breakers, its key sets and its discovery document. A version that is replaced still finishes the sign-ins that
     * began with it; the profiles read with it are dropped.
     */
    replace(managed: readonly ManagedSettings[]): void {
      const before = [...lines, ...resting]
      const [next, disabled] = [new Map(fixed), new Map<string, ProviderState>()]
      for (const { settings: one, version, isDisabled = false } of managed) {
        // The environment takes precedence; the caller reports it.
        if (fixed.has(one.id)) continue
        const known = before.find(([, { provider }]) => provider.version === version)?.[1]
        const same = known ?? others.get(version)?.state
        others.delete(version)
        const set = isDisabled ? disabled : next
        set.set(one.id, same ?? createLine(one, version))
      }
      lines = next
      resting = disabled
      for (const [id, state] of before) {
        if (next.get(id) === state || disabled.get(id) === state) continue
        if (state.provider.version !== null) keep(state.provider.version, state)
        profiles.eraseAll(id)
      }
    },
    /** The provider with this version of its settings, if this node has it in memory. */
    version(version: string): Provider | undefined {
      const live = [...lines.values(), ...resting.values()].find(({ provider }) => provider.version === version)
      if (live) return live.provider
      const other = others.get(version)
      return other && keep(version, other.state)
    },
    /** The provider with settings that are not live: those of a draft, or those that a sign-in began with. */
    another: ({ settings: one, version }: ManagedSettings): Provider =>
      keep(version, others.get(version)?.state ?? createLine(one, version)),
    /** Closes the versions that no sign-in in progress can need any longer. */
    closeFormer(): void {
      const at = clock().getTime()
      for (const [version, { state, until }] of others)
        if (until <= at) {
          others.delete(version)
          state.close()
        }
    },
    /** The providers at which grants can be revoked: also those that are disabled. */
    revocable: (): readonly Provider[] => [...lines.values(), ...resting.values()].map(({ provider }) => provider),
    list: (): readonly Provider[] => [...lines.values()].map(({ provider }) => provider),
    get: (id: string): Provider | undefined => lines.get(id)?.provider,
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
      for (const { provider, jira } of lines.values())
        if (jira && provider.jiraScopes) return { provider, cloud: jira, scopes: provider.jiraScopes }
      return undefined
    },
    /** Removes a profile after unlinking, revocation or a new sign-in. The next read calls the provider. */
    eraseProfile: (provider: Provider, { issuer, subject }: Subject): void =>
      profiles.erase({ provider: provider.id, issuer, subject }),
    /** The breaker state of every provider and endpoint type. */
    health: (): readonly BreakerHealth[] =>
      [...lines.values()].flatMap((one) => breakersOf(one).map((state) => ({ provider: one.provider.id, ...state }))),
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
 * The client registration that grants belong to. An administrator can send requests to other endpoints under the same
 * client ID. Tokens that users granted before must not go there: they belong to the endpoints they came from. Another
 * issuer is another namespace anyway.
 */
const registrationOf = ({ clientId, urls, discoveryUrl }: ProviderSettings): string =>
  Object.keys(urls).length === 0 && discoveryUrl === undefined
    ? clientId
    : `${clientId} ${sha256(JSON.stringify([Object.entries(urls).sort(), discoveryUrl])).slice(0, 16)}`

/**
 * The namespace of the subject. Without an issuer, it is the ID. But an administrator can delete an ID and add it as
 * another kind, or send it to other endpoints, where the same subject is another person. So what asserts the subject is
 * part of the namespace, except for a provider with well-known endpoints under its usual ID.
 */
function namespaceOf({ openid }: Definition, one: ProviderSettings, version: string | null): string {
  const own = openid?.namespace(one) ?? one.id
  const { authorize: _authorize, revoke: _revoke, emails: _emails, resources: _resources, ...asserting } = one.urls
  const isWellKnown = one.kind === one.id && Object.keys(asserting).length === 0
  if (version === null || own !== one.id || isWellKnown) return own
  const text = JSON.stringify([one.kind, Object.entries(asserting).sort(), one.paths?.id])
  return `${one.id} ${sha256(text).slice(0, 16)}`
}

/** The scopes to request. OpenID Connect requires `openid`. */
function requestedScopes({ scopes, openid, scopesToRequest }: Definition, one: ProviderSettings): readonly string[] {
  const asked = one.scopes ?? scopes
  if (scopesToRequest) return scopesToRequest(asked, one)
  return openid?.required && !asked.includes('openid') ? ['openid', ...asked] : asked
}

/** The definition's endpoints, with the operator's settings taking precedence. */
function configuredEndpoints(definition: Definition, one: ProviderSettings): Endpoints {
  const own = definition.endpoints(one)
  const { urls } = one
  const [authorize, token] = [urls.authorize ?? own.authorize, urls.token ?? own.token]
  if (!authorize || !token) throw new Error(`${one.id} has no authorization or token endpoint`)
  return {
    authorize,
    token,
    userinfo: one.userinfo === 'off' ? null : (urls.userinfo ?? own.userinfo ?? null),
    emails: urls.emails ?? own.emails ?? null,
    revoke: urls.revoke ?? own.revoke ?? null,
    jwks: urls.jwks ?? own.jwks ?? null,
    clientAuth: chosenAuth(one) ?? own.clientAuth ?? 'post',
    issRequired: own.issRequired ?? false,
  }
}

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
