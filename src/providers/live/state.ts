/** The live state of one version of a provider's settings: what is kept between calls, and what flows see of it. */
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/ids.ts'
import { ok, type Result } from '../../kernel/result.ts'
import { isTenantIssuer } from '../../kernel/tenant-issuer.ts'
import { createDiscovery } from '../calls/discovery.ts'
import type { Failure } from '../calls/failure.ts'
import type { createGuards, Guard } from '../calls/guard.ts'
import { createKeySet, type KeySet } from '../calls/signature.ts'
import { definitions } from '../definitions/index.ts'
import { createJiraCloud, type JiraCloud } from '../jira-cloud.ts'
import type { createHandshake } from '../passport/handshake.ts'
import { buildStrategy } from '../passport/strategy.ts'
import {
  chosenAuth,
  type Definition,
  type Endpoints,
  type EndpointType,
  type Provider,
  type ProviderSettings,
} from '../provider.ts'
import { scopeTextOf } from '../scope-texts.ts'
import { missingScopes } from '../scopes.ts'
import { namespaceOf, registrationOf } from './namespace.ts'

type Handshake = ReturnType<typeof createHandshake>

export type ProviderState = {
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
  /** Calls with its own strategy, which is registered when it is ready. */
  readonly handshake: ReturnType<typeof handshakeOf>
  close(): void
}

type StateParts = {
  readonly guards: ReturnType<typeof createGuards>
  readonly handshake: Handshake
  readonly clock: Clock
  readonly random: Random
  readonly production: boolean
}

/** `version`: of the settings; `null` for those from the environment. */
export function createProviderState(
  settings: ProviderSettings,
  version: string | null,
  { guards, handshake, clock, random, production }: StateParts,
): ProviderState {
  const definition: Definition = definitions[settings.kind]
  const guard = guards.of(settings.id, settings.breaker, settings.reach)
  const scopes = requestedScopes(definition, settings)
  const discovery =
    settings.issuer === undefined || !definition.openid?.required
      ? undefined
      : createDiscovery({
          settings,
          issuer: settings.issuer,
          own: definition.endpoints(settings),
          guard,
          clock,
          production,
        })
  const given = discovery ? undefined : configuredEndpoints(definition, settings)
  const keySets = new Map<string, KeySet>()
  // Another version has a strategy of its own.
  const strategy = version === null ? settings.id : `${settings.id} ${version}`
  let built: Endpoints | undefined

  const build = (endpoints: Endpoints): void => {
    if (built === endpoints) return
    handshake.use(strategy, buildStrategy({ definition, settings, endpoints, scopes, guard, clock, random }))
    built = endpoints
  }
  if (given) build(given)

  return {
    provider: providerOf(definition, settings, version, {
      scopes,
      isDiscovered: discovery !== undefined,
      known: () => given ?? discovery?.known(),
    }),
    definition,
    settings,
    guard,
    endpointTypes: [
      'token',
      ...(settings.userinfo === 'off' || given?.userinfo === null ? [] : (['userinfo'] as const)),
      ...(discovery || given?.revoke ? (['revoke'] as const) : []),
      ...(discovery ? (['discovery'] as const) : []),
      ...(discovery || given?.jwks ? (['jwks'] as const) : []),
      ...(definition.jiraScopes || settings.organizations ? (['api'] as const) : []),
    ],
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
    jira: definition.jiraUrls ? createJiraCloud({ guard, ...definition.jiraUrls(settings) }) : null,
    handshake: handshakeOf(handshake, strategy),
    close() {
      guard.close()
      handshake.drop(strategy)
    },
  }
}

/** What flows see. `known`: the endpoints as far as they are known. */
function providerOf(
  definition: Definition,
  settings: ProviderSettings,
  version: string | null,
  {
    scopes,
    isDiscovered,
    known,
  }: { scopes: readonly string[]; isDiscovered: boolean; known: () => Endpoints | undefined },
): Provider {
  const issuer = namespaceOf(definition, settings, version)
  const scopeTexts = { ...definition.scopeTexts, ...settings.scopeTexts }
  return {
    id: settings.id,
    version,
    name: settings.name,
    permissionsUrl: definition.permissionsUrl?.(settings.clientId, settings) ?? null,
    issuer,
    speaksFor: (other) =>
      settings.tenants === undefined ? other === issuer : isTenantIssuer(issuer, settings.tenants, other),
    clientId: version === null ? settings.clientId : registrationOf(settings),
    redirectUris: settings.redirectUris,
    mark: definition.mark,
    formPost: definition.formPost ?? null,
    scopes,
    scopeText: (scope) => scopeTextOf(scope, scopeTexts, definition.scopeNames),
    optionalScopes: (settings.optionalScopes ?? []).filter((scope) => !scopes.includes(scope)),
    jiraScopes: definition.jiraScopes
      ? [...new Set([...definition.jiraScopes.always, ...(settings.jiraScopes ?? definition.jiraScopes.usual)])]
      : null,
    lifetime: definition.lifetime ?? {},
    missingScopes: (asked, granted) => missingScopes(asked, granted, definition.scopeNames),
    emailTrust: settings.emailTrust ?? definition.emailTrust,
    secondFactor: settings.secondFactor ?? 'ask',
    authorizeOrigin() {
      const authorize = known()?.authorize
      return authorize === undefined ? null : new URL(authorize).origin
    },
    alsoVisited: settings.urls.authorize === undefined ? (definition.alsoVisited ?? []) : [],
    get revokes() {
      const endpoints = known()
      if (endpoints === undefined) return null
      if (endpoints.revoke === null) return false
      // An endpoint from the operator's settings alone may not work: Atlassian documents none. It is called, but
      // success is not promised.
      return isDiscovered || definition.endpoints(settings).revoke ? true : null
    },
  }
}

const handshakeOf = (handshake: Handshake, strategy: string) => ({
  begin: (asked: Parameters<Handshake['begin']>[1]) => handshake.begin(strategy, asked),
  finish: (answer: Parameters<Handshake['finish']>[1]) => handshake.finish(strategy, answer),
  profile: (accessToken: string) => handshake.profile(strategy, accessToken),
  refresh: (refreshToken: string) => handshake.refresh(strategy, refreshToken),
})

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
