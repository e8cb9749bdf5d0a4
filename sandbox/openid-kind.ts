/**
 * One engine for the look-alikes of OpenID providers with a name. Each is a table of what it does differently from the
 * specifications, and of what it returns. "Acme ID" is the certified provider (`openid-server.ts`).
 */
import { createHash } from 'node:crypto'
import { readAuthorization } from './authorization.ts'
import { APP_NAME, type Client } from './clients.ts'
import { askPerson, errorPage } from './consent.ts'
import { type Answer, type Endpoint, isAnswer, json, type ProviderRequest, reader } from './exchange.ts'
import type { Token } from './grants.ts'
import { sign } from './id-token.ts'
import type { Behavior, LookAlike, Place } from './look-alike.ts'
import type { OpenIdAccount } from './openid-server.ts'
import { newFamily, randomText } from './random.ts'
import {
  authenticateClient,
  type ClientProblem,
  type CodeRefusals,
  holderOf,
  issueTokens,
  redeemCode,
  revokeToken,
  usableRefreshToken,
} from './token-endpoint.ts'

export type KindAccount = OpenIdAccount & { [claim: string]: unknown }

type Claims = Readonly<Record<string, unknown>>

/** How it refuses, where it is not by the specifications. */
export type Refusals = CodeRefusals & {
  client(problem: ClientProblem): Answer
  refreshToken(): Answer
  /** For the access token of a UserInfo request. */
  accessToken(): Answer
}

/** What the engine knows when it fills in a response. */
export type Occasion<Account, Switches> = {
  readonly place: Place<Account, Switches>
  readonly request: ProviderRequest
  readonly account: Account
  readonly scopes: readonly string[]
}

export type OpenIdKind<Account extends KindAccount, Switches extends object> = Pick<
  LookAlike<Account, Switches>,
  'label' | 'client' | 'account' | 'people' | 'settings' | 'hasRefreshTokens' | 'usesPkce' | 'tokensExpire' | 'denial'
> & {
  readonly paths: Readonly<
    Record<'authorize' | 'token' | 'userinfo' | 'jwks' | 'discovery', string> & Partial<Record<'revoke', string>>
  >
  /** The endpoint of other paths. */
  endpoint?(path: string): Endpoint | undefined
  readonly scope?: string
  readonly switches?: () => Switches
  /** Its issuer; by default the URL of the look-alike. */
  issuer?(url: string): string
  /** Members of its discovery document; `undefined` removes one. */
  metadata?(url: string, path: string): Claims
  /** Members of its published keys, besides those of the key. */
  keyMembers?(place: Place<Account, Switches>): Claims
  /** The scopes that it accepts, if it rejects others. */
  accepts?(scope: string, switches: Switches): boolean
  /** A page that this user sees instead of returning to the application. */
  barrier?(occasion: Occasion<Account, Switches>): Answer | undefined
  /** Parameters of the callback besides `code` and `state`. */
  callback?(place: Place<Account, Switches>): Readonly<Record<string, string>>
  readonly code?: () => string
  readonly accessToken?: () => string
  readonly refreshToken?: () => string
  /** How long an access token is valid; `undefined` for a token that does not expire. */
  accessSeconds(switches: Switches): number | undefined
  readonly refreshSeconds?: number
  /** Whether a sign-in with these scopes gets a refresh token. */
  refreshes(scopes: readonly string[], switches: Switches): boolean
  /** What a refresh does with the tokens before it. */
  readonly rotation: 'none' | 'keeps_old' | 'ends_old'
  /** Whether a code that is used twice ends the tokens that it was exchanged for. */
  readonly replayEndsTokens?: true
  /** Claims of the id_token besides those of every id_token; `iss`, `aud` and `nonce` can be replaced. */
  idToken(occasion: Occasion<Account, Switches> & { readonly accessToken: string }): Claims
  userinfo(occasion: Occasion<Account, Switches>): Claims
  /** Members of the token response besides those of RFC 6749. */
  tokenMembers?(occasion: Occasion<Account, Switches>): Claims
  readonly refuse?: Partial<Refusals>
  /** Whether its application needs no secret. */
  isPublic?(switches: Switches): boolean
  /** A check of the token request before anything else. */
  tokenBarrier?(place: Place<Account, Switches>, request: ProviderRequest): Answer | undefined
  /** Revokes in its own way, instead of by RFC 7009. */
  revoke?(place: Place<Account, Switches>, request: ProviderRequest): Answer
}

/** An error as RFC 6749 §5.2 describes it. */
export const refusal = (status: number, error: string, error_description: string, more: Claims = {}): Answer =>
  json(status, { error, error_description, ...more })

/** The claims of the standard scopes (OpenID Connect Core §5.4). */
export function claimsByScope(
  { email, email_verified, ...profile }: Readonly<Record<string, unknown>>,
  scopes: readonly string[],
): Claims {
  return {
    ...(scopes.includes('profile') ? profile : { sub: profile.sub }),
    ...(scopes.includes('email') && email !== undefined ? { email, email_verified } : {}),
  }
}

export const pictureOf = (key: string): string => `https://pictures.example/${key}.png`

/** `at_hash` for RS256 (OpenID Connect Core §3.1.3.6). */
export const atHash = (accessToken: string): string =>
  createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url')

const standard: Refusals = {
  client: () =>
    json(
      401,
      { error: 'invalid_client', error_description: 'Client authentication failed.' },
      { 'www-authenticate': 'Basic' },
    ),
  code: () => refusal(400, 'invalid_grant', 'The authorization code is invalid or has expired.'),
  redirectUri: () => refusal(400, 'invalid_grant', 'The redirect URI does not match.'),
  verifier: () => refusal(400, 'invalid_grant', 'PKCE verification failed.'),
  refreshToken: () => refusal(400, 'invalid_grant', 'The refresh token is invalid or expired.'),
  accessToken: () => json(401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer error="invalid_token"' }),
}

function createKind<Account extends KindAccount, Switches extends object>(
  kind: OpenIdKind<Account, Switches>,
  place: Place<Account, Switches>,
  endpointOf: (path: string) => Endpoint | undefined,
): Behavior {
  const { codes, grants, switches } = place
  const refuse: Refusals = { ...standard, ...kind.refuse }
  const issuer = (): string => kind.issuer?.(place.url) ?? place.url
  const seconds = (): number => Math.floor(place.now().getTime() / 1000)

  function authorize(request: ProviderRequest): Answer | Promise<Answer> {
    const page = (detail: string): Answer => errorPage(400, 'Something went wrong', detail)
    const authorization = readAuthorization(place, request, {
      client: () => page('The client is unknown.'),
      redirectUri: (uri) => page(`${uri} is not registered.`),
      responseType: (back) => back({ error: 'unsupported_response_type' }),
      challenge: (back) => back({ error: 'invalid_request' }),
    })
    if (isAnswer(authorization)) return authorization
    const { client, redirectUri, challenge, scopes, back } = authorization
    if (kind.accepts && !scopes.every((scope) => kind.accepts?.(scope, switches)))
      return back({ error: 'invalid_scope', error_description: 'The requested scope is invalid or unknown.' })
    const extra = kind.callback?.(place) ?? {}
    return askPerson(place, request, {
      app: APP_NAME,
      scopes,
      denied: () => back({ ...extra, error: kind.denial ?? 'access_denied', error_description: 'The user declined.' }),
      chosen({ key: person, account }) {
        const stopped = kind.barrier?.({ place, request, account, scopes })
        if (stopped) return stopped
        grants.allow(client.id, person, scopes)
        const code = codes.issue({
          value: kind.code?.() ?? randomText(32),
          clientId: client.id,
          redirectUri,
          person,
          scopes,
          challenge,
          nonce: request.query.get('nonce') ?? undefined,
          offline: kind.refreshes(scopes, switches),
        })
        return back({ ...extra, code })
      },
    })
  }

  async function tokens(
    request: ProviderRequest,
    client: Client,
    from: Pick<Token, 'grant' | 'scopes' | 'family'>,
    { refresh, nonce }: { refresh?: string | undefined; nonce?: string | undefined },
  ): Promise<Answer> {
    const account = place.people.get(from.grant.person)?.account
    if (account === undefined) return refuse.code()
    const occasion = { place, request, account, scopes: from.scopes }
    const access = kind.accessToken?.() ?? randomText(48)
    const issued = issueTokens(place, from, {
      access,
      seconds: kind.accessSeconds(switches),
      refresh,
      refreshSeconds: kind.refreshSeconds,
    })
    const claims = {
      iss: issuer(),
      aud: client.id,
      sub: account.sub,
      iat: seconds(),
      exp: seconds() + 3600,
      ...(nonce === undefined ? {} : { nonce }),
      ...kind.idToken({ ...occasion, accessToken: access }),
    }
    const all = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
    return json(200, {
      ...issued,
      ...(from.scopes.includes('openid') ? { id_token: await sign(place, all) } : {}),
      ...kind.tokenMembers?.(occasion),
    })
  }

  const newRefreshToken = (): string => kind.refreshToken?.() ?? randomText(48)

  async function tradeCode(client: Client, request: ProviderRequest): Promise<Answer> {
    const field = reader(request)
    const value = field('code') ?? ''
    const redeemed = redeemCode(place, client, field, refuse)
    if (isAnswer(redeemed)) {
      if (kind.replayEndsTokens) grants.kill(({ family }) => family === value)
      return redeemed
    }
    const { code, grant } = redeemed
    const family = kind.replayEndsTokens ? value : newFamily()
    const refresh = code.offline ? newRefreshToken() : undefined
    return tokens(request, client, { grant, scopes: code.scopes, family }, { refresh, nonce: code.nonce })
  }

  async function renew(client: Client, request: ProviderRequest): Promise<Answer> {
    const token = usableRefreshToken(place, client, reader(request)('refresh_token'))
    if (token === undefined) return refuse.refreshToken()
    if (kind.rotation === 'ends_old') grants.kill(({ family }) => family === token.family)
    return tokens(request, client, token, { refresh: kind.rotation === 'none' ? undefined : newRefreshToken() })
  }

  async function token(request: ProviderRequest): Promise<Answer> {
    const stopped = kind.tokenBarrier?.(place, request)
    if (stopped) return stopped
    const proof = authenticateClient(place, request)
    const client = proof === 'no_secret' && kind.isPublic?.(switches) ? place.client : proof
    if (typeof client === 'string') return refuse.client(client)
    switch (reader(request)('grant_type')) {
      case 'authorization_code':
        return tradeCode(client, request)
      case 'refresh_token':
        return renew(client, request)
      default:
        return refusal(400, 'unsupported_grant_type', 'The authorization grant type is not supported.')
    }
  }

  function userinfo(request: ProviderRequest): Answer {
    const held = holderOf(place, request)
    if (held === undefined) return refuse.accessToken()
    const { account, token } = held
    return json(200, kind.userinfo({ place, request, account, scopes: token.scopes }))
  }

  function revoke(request: ProviderRequest): Answer {
    if (kind.revoke) return kind.revoke(place, request)
    const client = authenticateClient(place, request)
    if (typeof client === 'string') return refuse.client(client)
    revokeToken(place, client, reader(request)('token'))
    return json(200, {})
  }

  async function jwks(): Promise<Answer> {
    const keys = await place.keys.published('RS256')
    return json(200, { keys: keys.map((key) => ({ ...key.public, ...kind.keyMembers?.(place) })) })
  }

  function discovery({ path }: ProviderRequest): Answer {
    const at = (endpoint: keyof typeof kind.paths): string => `${place.url}${kind.paths[endpoint]}`
    const document = {
      issuer: issuer(),
      authorization_endpoint: at('authorize'),
      token_endpoint: at('token'),
      userinfo_endpoint: at('userinfo'),
      jwks_uri: at('jwks'),
      ...(kind.paths.revoke === undefined ? {} : { revocation_endpoint: at('revoke') }),
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      scopes_supported: ['openid', 'profile', 'email'],
    }
    return json(200, { ...document, ...kind.metadata?.(place.url, path) })
  }

  return {
    answer(request) {
      switch (endpointOf(request.path)) {
        case 'authorize':
          return authorize(request)
        case 'token':
          return token(request)
        case 'userinfo':
          return userinfo(request)
        case 'revoke':
          return revoke(request)
        case 'jwks':
          return jwks()
        case 'discovery':
          return discovery(request)
        default:
          return json(404, { error: 'not_found' })
      }
    },
  }
}

/** The look-alike that a table describes. */
export function openIdKind<Account extends KindAccount, Switches extends object = object>(
  kind: OpenIdKind<Account, Switches>,
): LookAlike<Account, Switches> {
  const { paths, scope = 'openid email profile' } = kind
  const endpointOf = (path: string): Endpoint | undefined =>
    (Object.keys(paths) as (keyof typeof paths)[]).find((endpoint) => paths[endpoint] === path) ?? kind.endpoint?.(path)
  return {
    ...kind,
    isDiscovered: true,
    endpoint: (_method, path) => endpointOf(path),
    authorizeParams: { scope },
    subject: ({ sub }) => sub,
    hints: ({ email }) => [email],
    switches: kind.switches ?? (() => ({}) as Switches),
    create: (place) => createKind(kind, place, endpointOf),
  }
}
