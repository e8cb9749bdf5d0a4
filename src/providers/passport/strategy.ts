/**
 * Definition, credentials and endpoints become a Passport strategy whose every call leaves through the guard.
 */
import type OAuth2Strategy from 'passport-oauth2'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/ids.ts'
import { secretToken } from '../../kernel/ids.ts'
import { CallFailure } from '../calls/failure.ts'
import type { Call, Guard } from '../calls/guard.ts'
import { readTokens, tokenAnswerFault } from '../calls/token-answer.ts'
import type { Asking, Definition, Endpoints, ProviderSettings, TokenSet, Verify } from '../provider.ts'

/** What one trip through Passport carries instead of an HTTP request. Nothing is stored: the flow keeps it. */
export type Trip = {
  readonly query: { readonly code?: string; readonly state?: string }
  /** On the way out: what the authorization request was made with. The verifier is empty without PKCE. */
  made?: { readonly state: string; readonly verifier: string }
  /** On the way back: the verifier of the flow the caller has claimed by this state. */
  readonly verifier?: string
}

/** Options of one call to `passport.authenticate`. */
export type Asked = Asking & {
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

/**
 * node-oauth is protected, and everything depends on it: whoever removes it from passport-oauth2 breaks a test here.
 */
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
    // Who somebody is is asked for separately, so that each step fails with its own code.
    skipUserProfile: true,
    store: stateStore(random, settings.pkce !== 'off'),
  }
  const strategy = definition.strategy({ options: options as never, endpoints, scopes }, verify)
  const own = strategy.authorizationParams.bind(strategy)
  // On the instance, since passport-google-oauth20 drops every parameter it does not know, `nonce` among them.
  strategy.authorizationParams = (asked: Asked) => ({
    ...own(asked),
    ...definition.ask?.(asked, settings),
    ...(asked.nonce === null ? {} : { nonce: asked.nonce }),
  })
  leaveThrough(parts, nodeOAuth(strategy))
  return strategy
}

/**
 * Passport's state store without a store: the state is made here, the verifier is Passport's, and both go back to the
 * caller with the trip. `store` has five parameters and `verify` four because passport-oauth2 counts them; `verify`
 * must answer the verifier itself, since a plain `true` would leave it out of the token request: it does so only for a
 * provider that takes no PKCE.
 */
function stateStore(random: Random, pkce: boolean) {
  return {
    store(
      trip: Trip,
      verifier: string | undefined,
      _state: unknown,
      _meta: unknown,
      done: (error: null, state: string) => void,
    ): void {
      const state = secretToken(random)
      trip.made = { state, verifier: verifier ?? '' }
      done(null, state)
    },
    verify(
      trip: Trip,
      state: string,
      _meta: unknown,
      done: (error: null, verifier: string | boolean, state: unknown) => void,
    ): void {
      done(null, trip.verifier || !pkce, state)
    },
  }
}

/**
 * node-oauth has no deadline, no size limit, takes redirects for success, and never calls back when a body is cut
 * off; strategies parse what it brings outside any `try`. This one method is where all of it passes, so it is replaced.
 */
function leaveThrough({ definition, settings, endpoints, guard }: BuildStrategyParts, oauth2: NodeOAuth): void {
  // Otherwise the access token travels in the query string, and stays in somebody's access log (RFC 6750 §2.3).
  oauth2.useAuthorizationHeaderforGET(true)
  oauth2._request = (method, url, headers, body, _accessToken, done) => {
    const call: Call =
      method === 'POST'
        ? {
            endpoint: 'token',
            method: 'POST',
            url,
            fault: tokenAnswerFault,
            ...authenticated(body, settings, endpoints.clientAuth),
          }
        : {
            endpoint: 'userinfo',
            method: 'GET',
            url,
            headers: { ...definition.headers, ...headers },
            expects: definition.openid?.required ? 'json_or_jwt' : 'json',
          }
    const answer = guard.call(call).then(
      (result): Parameters<typeof done> =>
        result.ok
          ? [null, result.value.text, { statusCode: result.value.status, type: result.value.type }]
          : [new CallFailure(result.error)],
      (): Parameters<typeof done> => [new CallFailure({ kind: 'unavailable', reason: 'defect' })],
    )
    // Outside the promise chain, where a throw would become a rejection nobody hears. What a strategy throws on an
    // answer it did not expect becomes an answer itself; had it called back before, the promise above it is settled
    // already.
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

/** A form with the client's proof as this endpoint wants it: node-oauth only knows the body. */
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
 * Id and secret are form-encoded before they are joined (RFC 6749 §2.3.1): a `:` or `%` in a secret shows who forgot.
 */
const formEncode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)
