/**
 * OpenID Connect discovery. The document is fetched when first needed, so the service can start while the issuer is
 * down. It is refreshed after an hour; until a new one arrives, the last one is used.
 */

import type { Clock } from '../../kernel/clock.ts'
import { isLoopback } from '../../kernel/loopback.ts'
import { parseUrl } from '../../kernel/parse-url.ts'
import { ok, type Result } from '../../kernel/result.ts'
import { issuerMismatch } from '../issuer.ts'
import { isRecord } from '../profile-text.ts'
import { type ClientAuth, chosenAuth, type Endpoints, type ProviderSettings, type TokenAuth } from '../provider.ts'
import type { Failure } from './failure.ts'
import type { Guard } from './guard.ts'

const FRESH_MS = 3_600_000

type DiscoveryParts = {
  issuer: string
  /** The operator's settings take precedence over discovered values. */
  settings: Pick<ProviderSettings, 'urls' | 'discoveryUrl' | 'tokenAuth' | 'pkce' | 'userinfo'>
  /** What the definition says takes precedence over discovered values. */
  own: Partial<Endpoints>
  guard: Guard
  clock: Clock
  production: boolean
}

export function createDiscovery({ issuer, settings, own, guard, clock, production }: DiscoveryParts) {
  const { urls } = settings
  const auth = chosenAuth(settings) ?? own.clientAuth
  let known: { readonly endpoints: Endpoints; readonly at: number } | undefined
  let pending: Promise<Result<Endpoints, Failure>> | undefined

  async function fetchMetadata(): Promise<Result<Endpoints, Failure>> {
    // The well-known path is appended to the path of the issuer (OpenID Connect Discovery §4.1).
    const url = settings.discoveryUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const answer = await guard.call({ endpoint: 'discovery', method: 'GET', url })
    if (!answer.ok) return answer
    const metadata = readMetadata(answer.value.json, { issuer, auth, production })
    if ('kind' in metadata) return guard.report('discovery', metadata)
    const stated = { ...metadata, ...own }
    const { authorize = stated.authorize, token = stated.token, revoke = stated.revoke, jwks = stated.jwks } = urls
    const userinfo = settings.userinfo === 'off' ? null : (urls.userinfo ?? stated.userinfo)
    const endpoints = { ...stated, authorize, token, userinfo, revoke, jwks, clientAuth: metadata.clientAuth }
    known = { endpoints, at: clock().getTime() }
    return ok(endpoints)
  }

  return {
    /** The endpoints of the last valid document, if there is one. */
    known: (): Endpoints | undefined => known?.endpoints,
    /** Returns the endpoints. Concurrent callers share one request. */
    async endpoints(): Promise<Result<Endpoints, Failure>> {
      if (known && clock().getTime() - known.at < FRESH_MS) return ok(known.endpoints)
      pending ??= fetchMetadata().finally(() => {
        pending = undefined
      })
      // A stale document is still usable. Callers do not wait for its refresh.
      return known ? ok(known.endpoints) : pending
    },
  }
}

/** Reads the metadata. Returns a failure if it cannot be used. */
function readMetadata(
  json: unknown,
  { issuer, auth, production }: { issuer: string; auth: ClientAuth | undefined; production: boolean },
): Endpoints | Failure {
  const garbage = (reason: string): Failure => ({ kind: 'garbage', reason })
  if (!isRecord(json)) return garbage('wrong_shape')
  // Compare exactly. Otherwise one provider could impersonate another (OpenID Connect Discovery §4.3, RFC 8414 §3.3).
  if (json.issuer !== issuer)
    return { kind: 'garbage', reason: 'issuer_mismatch', issuer: issuerMismatch(issuer, json.issuer) }
  const url = (name: string): string | undefined => {
    const value = json[name]
    return typeof value === 'string' && isSafe(value, production) ? value : undefined
  }
  const [authorize, token, jwks] = [url('authorization_endpoint'), url('token_endpoint'), url('jwks_uri')]
  if (!authorize || !token || !jwks) return garbage('missing_endpoint')
  if (json.userinfo_endpoint !== undefined && !url('userinfo_endpoint')) return garbage('unsafe_endpoint')
  const clientAuth = auth ?? selectTokenAuth(json.token_endpoint_auth_methods_supported)
  // If we sent an unsupported method, the first sign-in would fail and blame the client secret. Report the real cause
  // here.
  if (clientAuth === undefined) return garbage('token_auth_unsupported')
  return {
    authorize,
    token,
    jwks,
    userinfo: url('userinfo_endpoint') ?? null,
    emails: null,
    revoke: url('revocation_endpoint') ?? null,
    clientAuth,
    issRequired: json.authorization_response_iss_parameter_supported === true,
    ...readAuthMethods(json.token_endpoint_auth_methods_supported),
  }
}

const readAuthMethods = (methods: unknown): Pick<Endpoints, 'offeredAuth'> =>
  Array.isArray(methods) ? { offeredAuth: methods.filter((one) => typeof one === 'string') } : {}

/**
 * Selects a client authentication method from those in the document. Returns `undefined` if it offers none that we
 * support. Without a list the method is `client_secret_basic` (OpenID Connect Discovery §3).
 */
function selectTokenAuth(methods: unknown): TokenAuth | undefined {
  if (!Array.isArray(methods) || methods.includes('client_secret_basic')) return 'basic'
  return methods.includes('client_secret_post') ? 'post' : undefined
}

/** Secrets and tokens are sent there, so it must be https. Outside production, http to loopback is allowed. */
function isSafe(text: string, production: boolean): boolean {
  if (parseUrl(text) === undefined) return false
  const { protocol, hostname, username } = new URL(text)
  if (username !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && !production && isLoopback(hostname))
}
