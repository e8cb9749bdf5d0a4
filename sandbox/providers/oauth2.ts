/**
 * A provider that supports RFC 6749 (https://www.rfc-editor.org/rfc/rfc6749) and RFC 7009, but not OpenID Connect. Its
 * userinfo response is nested and uses its own member names.
 */
import { authorizationEndpoint } from '../authorization.ts'
import type { Client } from '../clients.ts'
import { errorPage } from '../consent.ts'
import { type Answer, empty, isAnswer, json, type ProviderRequest, reader, routed } from '../exchange.ts'
import type { Behavior, LookAlike, Place } from '../look-alike.ts'
import { digits } from '../people.ts'
import { randomText } from '../random.ts'
import {
  authenticateClient,
  holderOf,
  issueTokens,
  revokeToken,
  type TokenOrigin,
  tokenEndpoint,
} from '../token-endpoint.ts'

type OAuth2Account = { uid: number | string; label?: string; mail?: string; confirmed?: boolean }

type OAuth2Switches = {
  refresh: 'static' | 'rotate' | 'none'
  revoke: 200 | 404 | 503
  /** The accepted client authentication. X, Reddit and Zoom accept only Basic, others only the body. */
  tokenAuth: 'any' | 'basic' | 'post'
}

const paths = { authorize: '/authorize', token: '/token', userinfo: '/userinfo', revoke: '/revoke' }
const LIFETIME = 3600
const CHALLENGE = { 'www-authenticate': 'Bearer realm="beta", error="invalid_token"' }

const refuse = (status: number, error: string, error_description: string, headers: Answer['headers'] = {}): Answer =>
  json(status, { error, error_description }, headers)

function createOAuth2(place: Place<OAuth2Account, OAuth2Switches>): Behavior {
  const { switches } = place

  const authorize = authorizationEndpoint(
    place,
    {
      client: (id) => errorPage(400, 'Unknown application', `No application ${id}.`),
      redirectUri: (uri) => errorPage(400, 'Redirect URI not registered', `${uri} is not a registered redirect URI.`),
      responseType: (back) => back({ error: 'unsupported_response_type' }),
      challenge: (back) => back({ error: 'invalid_request', error_description: 'transform algorithm not supported' }),
    },
    () => ({
      code: () => randomText(32),
      denial: { error: 'access_denied', error_description: 'The resource owner denied the request.' },
    }),
  )

  function authenticate(request: ProviderRequest): Client | Answer {
    const client = authenticateClient(place, request, { methods: switches.tokenAuth })
    if (typeof client === 'object') return client
    return refuse(401, 'invalid_client', 'Client authentication failed.', { 'www-authenticate': 'Basic realm="beta"' })
  }

  const tokens = (of: TokenOrigin, isRefreshable: boolean): Answer =>
    json(
      200,
      issueTokens(place, of, {
        access: `beta_at_${randomText(32)}`,
        seconds: LIFETIME,
        ...(isRefreshable && { refresh: `beta_rt_${randomText(32)}` }),
      }),
    )

  const invalid = (detail: string) => () => refuse(400, 'invalid_grant', detail)
  const token = tokenEndpoint(place, {
    authenticate,
    issue: (of) => tokens(of, switches.refresh !== 'none'),
    renew(old) {
      const rotates = switches.refresh === 'rotate'
      if (rotates) old.dead = true
      return tokens(old, rotates)
    },
    refuse: {
      code: invalid('The authorization code is invalid, expired or already used.'),
      redirectUri: invalid('redirect_uri does not match.'),
      verifier: invalid('The code verifier does not match.'),
      superfluousVerifier: invalid('The code verifier does not match.'),
      refreshToken: invalid('The refresh token is invalid, expired or revoked.'),
      grantType: (kind) => refuse(400, 'unsupported_grant_type', `Unsupported: ${kind ?? ''}`),
    },
  })

  function userinfo(request: ProviderRequest): Answer {
    const holder = holderOf(place, request)
    if (holder === undefined) return refuse(401, 'invalid_token', 'The access token is invalid or expired.', CHALLENGE)
    const { uid, label, mail, confirmed } = holder.account
    const contact = mail === undefined ? {} : { mail, confirmed }
    return json(200, { data: { user: { uid, contact, ...(label !== undefined && { label }) } } })
  }

  /** RFC 7009: an unknown token counts as revoked. */
  function revoke(request: ProviderRequest): Answer {
    const client = authenticate(request)
    if (isAnswer(client)) return client
    if (switches.revoke !== 200) return empty(switches.revoke)
    const value = reader(request)('token')
    if (value === undefined) return refuse(400, 'invalid_request', 'token is missing')
    revokeToken(place, client, value)
    return empty(200)
  }

  return { answer: routed(paths, { authorize, token, userinfo, revoke }, () => json(404, { error: 'not_found' })) }
}

export const oauth2: LookAlike<OAuth2Account, OAuth2Switches> = {
  label: 'Beta',
  id: 'beta',
  listedIn: 'OAUTH2_PROVIDERS',
  client: { id: 'beta-vinculum', secret: 'beta-T6mQx1WvK9rZc3LnY7pHs5DfGj2Bk8Ea' },
  paths,
  settings: () => ({
    NAME: 'Beta',
    SCOPES: 'read:user',
    USER_ID_PATH: 'data.user.uid',
    USER_EMAIL_PATH: 'data.user.contact.mail',
    USER_EMAIL_VERIFIED_PATH: 'data.user.contact.confirmed',
    USER_NAME_PATH: 'data.user.label',
  }),
  authorizeParams: { scope: 'read:user' },
  account: ({ key, name, email, verified }) => ({
    uid: 100_000 + Number(digits(`oauth2 ${key}`, 12)),
    label: name,
    mail: email,
    confirmed: verified,
  }),
  people: {
    ada: (account) => ({ ...account, uid: 7 }),
    linus: ({ mail: _mail, confirmed: _confirmed, ...account }) => account,
  },
  subject: ({ uid }) => String(uid),
  switches: () => ({ refresh: 'static', revoke: 200, tokenAuth: 'any' }),
  create: createOAuth2,
}
