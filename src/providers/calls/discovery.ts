/**
 * What an OpenID provider says about itself, asked for when first needed: the service starts while the issuer is
 * down. Kept for an hour; after that the old word stands until a new one is heard.
 */
import type { Clock } from '../../kernel/clock.ts'
import { isLoopback } from '../../kernel/loopback.ts'
import { ok, type Result } from '../../kernel/result.ts'
import { issuerMismatch } from '../issuer.ts'
import { isRecord } from '../profile-text.ts'
import { type ClientAuth, chosenAuth, type Endpoints, type ProviderSettings, type TokenAuth } from '../provider.ts'
import type { Failure } from './failure.ts'
import type { Guard } from './guard.ts'

const FRESH_MS = 3_600_000

type DiscoveryParts = {
  issuer: string
  /** What the operator set is used instead of what is discovered. */
  settings: Pick<ProviderSettings, 'urls' | 'discoveryUrl' | 'tokenAuth' | 'pkce' | 'userinfo'>
  guard: Guard
  clock: Clock
  production: boolean
}

export function createDiscovery({ issuer, settings, guard, clock, production }: DiscoveryParts) {
  const { urls } = settings
  let known: { readonly endpoints: Endpoints; readonly at: number } | undefined
  let asking: Promise<Result<Endpoints, Failure>> | undefined

  async function ask(): Promise<Result<Endpoints, Failure>> {
    // The path goes behind the issuer's own (OpenID Connect Discovery §4.1).
    const url = settings.discoveryUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const answer = await guard.call({ endpoint: 'discovery', method: 'GET', url })
    if (!answer.ok) return answer
    const said = readMetadata(answer.value.json, { issuer, auth: chosenAuth(settings), production })
    if ('kind' in said) return guard.report('discovery', said)
    const { authorize = said.authorize, token = said.token, revoke = said.revoke, jwks = said.jwks } = urls
    const userinfo = settings.userinfo === 'off' ? null : (urls.userinfo ?? said.userinfo)
    const endpoints = { ...said, authorize, token, userinfo, revoke, jwks }
    known = { endpoints, at: clock().getTime() }
    return ok(endpoints)
  }

  return {
    /** What was heard last, if anything. */
    known: (): Endpoints | undefined => known?.endpoints,
    /** The endpoints; many who ask at once wait for one answer. */
    async endpoints(): Promise<Result<Endpoints, Failure>> {
      if (known && clock().getTime() - known.at < FRESH_MS) return ok(known.endpoints)
      asking ??= ask().finally(() => {
        asking = undefined
      })
      // An hour-old word is good enough to go on with; the new one is for the next who asks.
      return known ? ok(known.endpoints) : asking
    },
  }
}

/** Reads the metadata, or says why it cannot be used. */
function readMetadata(
  json: unknown,
  { issuer, auth, production }: { issuer: string; auth: ClientAuth | undefined; production: boolean },
): Endpoints | Failure {
  const garbage = (reason: string): Failure => ({ kind: 'garbage', reason })
  if (!isRecord(json)) return garbage('wrong_shape')
  // Exactly: one provider could otherwise speak for another (OpenID Connect Discovery §4.3, RFC 8414 §3.3).
  if (json.issuer !== issuer)
    return { kind: 'garbage', reason: 'issuer_mismatch', issuer: issuerMismatch(issuer, json.issuer) }
  const url = (name: string): string | undefined => {
    const value = json[name]
    return typeof value === 'string' && isSafe(value, production) ? value : undefined
  }
  const [authorize, token, jwks] = [url('authorization_endpoint'), url('token_endpoint'), url('jwks_uri')]
  if (!authorize || !token || !jwks) return garbage('missing_endpoint')
  if (json.userinfo_endpoint !== undefined && !url('userinfo_endpoint')) return garbage('unsafe_endpoint')
  const clientAuth = auth ?? offeredTokenAuth(json.token_endpoint_auth_methods_supported)
  // Any method that is sent would be refused at the first sign-in as a wrong secret, which it is not.
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
    ...offered(json.token_endpoint_auth_methods_supported),
  }
}

const offered = (methods: unknown): Pick<Endpoints, 'offeredAuth'> =>
  Array.isArray(methods) ? { offeredAuth: methods.filter((one) => typeof one === 'string') } : {}

/**
 * The method to use of those a document offers; `undefined` when it offers neither of ours. Without a list it is
 * `client_secret_basic` (OpenID Connect Discovery §3).
 */
function offeredTokenAuth(methods: unknown): TokenAuth | undefined {
  if (!Array.isArray(methods) || methods.includes('client_secret_basic')) return 'basic'
  return methods.includes('client_secret_post') ? 'post' : undefined
}

/** Secrets and tokens go there: https, or loopback while trying things out. */
function isSafe(text: string, production: boolean): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username } = new URL(text)
  if (username !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && !production && isLoopback(hostname))
}
