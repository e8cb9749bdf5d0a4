/** What the authorization endpoints of all look-alikes do. Each passes its own refusals. */
import { APP_NAME, type Client } from './clients.ts'
import { type Challenge, challengeOf } from './codes.ts'
import { askPerson } from './consent.ts'
import { type Answer, callback, isAnswer, type ProviderRequest, redirect, words } from './exchange.ts'
import type { Place } from './look-alike.ts'

/** A valid authorization request (RFC 6749 §4.1.1). */
export type Authorization = {
  readonly client: Client
  readonly redirectUri: string
  readonly scopes: string[]
  readonly challenge: Challenge | undefined
  /** Redirects to the application with these parameters and its `state`. */
  back(params: Readonly<Record<string, string | undefined>>): Answer
}

export type AuthorizationRefusals = {
  client(id: string): Answer
  redirectUri(uri: string): Answer
  /** Anything but a code was requested. Without it, `response_type` is not checked here. */
  responseType?(back: Authorization['back']): Answer
  /** The method is neither S256 nor plain. */
  challenge(back: Authorization['back']): Answer
}

/** Checks the client, then the redirect URI, then the rest: only then may an error be sent to the redirect URI. */
export function readAuthorization<Account, Switches>(
  { registry }: Place<Account, Switches>,
  request: ProviderRequest,
  refusals: AuthorizationRefusals,
): Authorization | Answer {
  const { query } = request
  const id = query.get('client_id') ?? ''
  const client = registry.find(id)
  if (client === undefined) return refusals.client(id)
  const redirectUri = query.get('redirect_uri') ?? ''
  if (!registry.allows(redirectUri)) return refusals.redirectUri(redirectUri)
  const state = query.get('state') ?? undefined
  const back: Authorization['back'] = (params) => redirect(request, callback(redirectUri, { ...params, state }))
  if (refusals.responseType && query.get('response_type') !== 'code') return refusals.responseType(back)
  const challenge = challengeOf(query)
  if (challenge === 'refused') return refusals.challenge(back)
  return { client, redirectUri, scopes: words(query.get('scope')), challenge, back }
}

export type CodeConsent = {
  /** The value of the code. */
  readonly code: () => string
  /** Whether the code includes a refresh token; it does by default. */
  readonly offline?: boolean
  readonly nonce?: string | undefined
  /** The parameters of the callback after a denial. */
  readonly denial: Readonly<Record<string, string>>
}

/** Asks the user, and returns to the application with a code or with the denial. */
export function askForCode<Account, Switches>(
  place: Place<Account, Switches>,
  request: ProviderRequest,
  { client, redirectUri, challenge, scopes: requested, back }: Authorization,
  { code, offline = true, nonce, denial }: CodeConsent,
): Answer | Promise<Answer> {
  const scopes = requested.filter((scope) => !place.switches.unticked.includes(scope))
  return askPerson(place, request, {
    app: APP_NAME,
    scopes: requested,
    denied: () => back(denial),
    chosen({ key: person }) {
      place.grants.allow(client.id, person, scopes)
      const issued = { value: code(), clientId: client.id, redirectUri, person, scopes, challenge, nonce, offline }
      return back({ code: place.codes.issue(issued) })
    },
  })
}

/** An authorization endpoint that checks nothing else. */
export const authorizationEndpoint =
  <Account, Switches>(
    place: Place<Account, Switches>,
    refuse: AuthorizationRefusals,
    consentTo: (authorization: Authorization) => CodeConsent,
  ) =>
  (request: ProviderRequest): Answer | Promise<Answer> => {
    const authorization = readAuthorization(place, request, refuse)
    return isAnswer(authorization) ? authorization : askForCode(place, request, authorization, consentTo(authorization))
  }
