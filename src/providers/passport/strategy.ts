/** Builds a Passport strategy from a definition, credentials and endpoints. All its calls go through the guard. */
import type OAuth2Strategy from 'passport-oauth2'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/ids.ts'
import { createState } from '../../kernel/state.ts'
import { CallFailure } from '../calls/failure.ts'
import type { Call, Guard } from '../calls/guard.ts'
import { readTokens, tokenAnswerFault } from '../calls/token-answer.ts'
import type { AuthorizationPrompt, Definition, Endpoints, ProviderSettings, TokenSet } from '../provider.ts'
import type { Verify } from './strategy-parts.ts'

/**
 * Passed to Passport in place of an HTTP request. Nothing is stored here: the pending authorization holds the values.
 */
export type RoundTrip = {
  readonly query: { readonly code?: string; readonly state?: string }
  /** Set by `begin`: the state and PKCE verifier of the authorization request. The verifier is empty without PKCE. */
  request?: { readonly state: string; readonly verifier: string }
  /** Set for the callback: the verifier of the claimed pending authorization. */
  readonly verifier?: string
}

/** The options for `passport.authenticate`. */
export type AuthenticateOptions = AuthorizationPrompt & {
  readonly session: false
  readonly callbackURL: string
  readonly scope: readonly string[]
  readonly nonce: string | null
}

export type NodeOAuth = {
  _request(
    method: string,
    url: string,
    headers: Readonly<Record<string, string>> | null,
    body: string,
    accessToken: string | null,
    done: (error: unknown, body?: string, response?: unknown) => void,
  ): void
  useAuthorizationHeaderforGET(use: boolean): void
  getOAuthAccessToken(
    codeOrRefreshToken: string,
    params: Record<string, string>,
    done: (error: unknown, access?: string, refresh?: string, results?: Record<string, unknown>) => void,
  ): void
}

/** passport-oauth2 declares node-oauth as protected, but we need it. A test fails if passport-oauth2 removes it. */
export const nodeOAuth = (strategy: OAuth2Strategy): NodeOAuth =>
  (strategy as unknown as { _oauth2: NodeOAuth })._oauth2

type BuildStrategyParts = {
  readonly definition: Definition
  readonly settings: ProviderSettings
  readonly endpoints: Endpoints
  readonly scopes: readonly string[]
  readonly guard: Guard
  readonly clock: Clock
  readonly random: Random
}

export function buildStrategy(parts: BuildStrategyParts): OAuth2Strategy {
  const { definition, settings, endpoints, scopes, clock, random } = parts
  const verify: Verify = (access, refresh, answer, _profile, done) => {
    const tokens: TokenSet = readTokens({ ...answer, access_token: access, refresh_token: refresh }, clock, definition)
    done(null, tokens)
  }
  const options = {
    clientID: settings.clientId,
    clientSecret: settings.clientSecret,
    authorizationURL: endpoints.authorize,
    tokenURL: endpoints.token,
    scope: [...scopes],
    pkce: settings.pkce !== 'off',
    // The profile is fetched in a separate step, so that each step has its own error code.
    skipUserProfile: true,
    store: stateStore(clock, random, settings.pkce !== 'off'),
  }
  const strategy = definition.strategy({ options: options as never, endpoints, scopes }, verify)
  const baseParams = strategy.authorizationParams.bind(strategy)
  // Override it on the instance: passport-google-oauth20 drops parameters that it does not know, such as `nonce`.
  strategy.authorizationParams = (options: AuthenticateOptions) => ({
    ...baseParams(options),
    ...definition.ask?.(options, settings),
    ...(options.nonce === null ? {} : { nonce: options.nonce }),
  })
  replaceTransport(parts, nodeOAuth(strategy))
  return strategy
}

/**
 * Passport's state store without storage. The state is created here and the verifier by Passport; both are returned in
 * the round trip object. passport-oauth2 counts parameters, so `store` must have five and `verify` four. `verify` must
 * return the verifier itself: with `true` it would be missing from the token request. It returns `true` only for a
 * provider without PKCE.
 */
function stateStore(clock: Clock, random: Random, pkce: boolean) {
  return {
    store(
      trip: RoundTrip,
      verifier: string | undefined,
      _state: unknown,
      _meta: unknown,
      done: (error: null, state: string) => void,
    ): void {
      const state = createState(clock, random)
      trip.request = { state, verifier: verifier ?? '' }
      done(null, state)
    },
    verify(
      trip: RoundTrip,
      state: string,
      _meta: unknown,
      done: (error: null, verifier: string | boolean, state: unknown) => void,
    ): void {
      done(null, pkce ? (trip.verifier ?? '') : true, state)
    },
  }
}

/**
 * Replaces the one method that makes all calls of node-oauth. node-oauth has no deadline and no size limit, treats
 * redirects as success, and never calls back when a body is truncated. Strategies parse its result outside any `try`.
 */
function replaceTransport(
  { definition, settings, endpoints, guard, clock }: BuildStrategyParts,
  oauth2: NodeOAuth,
): void {
  // Otherwise the access token would be sent in the query string and end up in access logs (RFC 6750 §2.3).
  oauth2.useAuthorizationHeaderforGET(true)
  oauth2._request = (method, url, headers, body, _accessToken, done) => {
    const { errorCodeOf: refusal } = definition
    const callOf = async (): Promise<Call> => {
      if (method !== 'POST') {
        const expects = definition.openid?.required ? 'json_or_jwt' : 'json'
        const all = { ...definition.headers, ...headers }
        return { endpoint: 'userinfo', method: 'GET', url, headers: all, refusal, expects }
      }
      const current = await withClientSecret(definition, settings, clock)
      const sent = authenticated(body, current, endpoints.clientAuth)
      return {
        endpoint: 'token',
        method: 'POST',
        url,
        headers: sent.headers,
        body: sent.body,
        fault: tokenAnswerFault,
        refusal,
      }
    }
    const answer = callOf()
      .then(guard.call)
      .then(
        (result): Parameters<typeof done> =>
          result.ok
            ? [null, result.value.text, { statusCode: result.value.status, type: result.value.type }]
            : [new CallFailure(result.error)],
        (): Parameters<typeof done> => [new CallFailure({ kind: 'unavailable', reason: 'defect' })],
      )
    // Run outside the promise chain, where an error would become an unhandled rejection. If a strategy throws on an
    // unexpected response, report a failure. If it had already called back, its promise is settled and this has no
    // effect.
    void answer.then((outcome) =>
      queueMicrotask(() => {
        try {
          done(...outcome)
        } catch {
          done(new CallFailure({ kind: 'garbage', reason: 'unreadable_answer' }))
        }
      }),
    )
  }
}

/** The settings with the client secret for a call made now. */
export const withClientSecret = async (
  { clientSecret }: Definition,
  settings: ProviderSettings,
  clock: Clock,
): Promise<ProviderSettings> =>
  clientSecret ? { ...settings, clientSecret: await clientSecret(settings, clock()) } : settings

/** Adds the client authentication that this endpoint expects to a form. node-oauth only supports the body. */
export function authenticated(
  form: string,
  { clientId, clientSecret }: ProviderSettings,
  how: Endpoints['clientAuth'],
): { headers: Record<string, string>; body: string } {
  const fields = new URLSearchParams(form)
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  if (how !== 'basic') {
    fields.set('client_id', clientId)
    if (how === 'post') fields.set('client_secret', clientSecret)
    else fields.delete('client_secret')
    return { headers, body: fields.toString() }
  }
  fields.delete('client_id')
  fields.delete('client_secret')
  return {
    headers: { ...headers, Authorization: basic(formEncode(clientId), formEncode(clientSecret)) },
    body: fields.toString(),
  }
}

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

/**
 * The client ID and secret are form-encoded before they are joined (RFC 6749 §2.3.1). It matters for a `:` or `%` in a
 * secret.
 */
const formEncode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)
