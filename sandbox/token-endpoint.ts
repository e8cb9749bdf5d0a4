/** What the endpoints for tokens of all look-alikes do. Each passes its own refusals. */
import type { Client } from './clients.ts'
import { type Code, verify } from './codes.ts'
import { type Answer, basic, bearer, isAnswer, type ProviderRequest, reader } from './exchange.ts'
import type { Grant, Token } from './grants.ts'
import type { Place } from './look-alike.ts'
import { newFamily } from './random.ts'

type Field = (name: string) => string | undefined

/** Why a request proves no client. */
export type ClientProblem = 'no_id' | 'unknown' | 'no_secret' | 'wrong_secret'

/**
 * The client that a request authenticates (RFC 6749 §2.3.1), from a Basic header or from fields. `methods` limits how.
 */
export function authenticateClient<Account, Switches>(
  { registry }: Place<Account, Switches>,
  request: ProviderRequest,
  { field = reader(request), methods = 'any' }: { field?: Field; methods?: 'any' | 'basic' | 'post' } = {},
): Client | ClientProblem {
  const header = basic(request)
  if (methods === (header ? 'post' : 'basic')) return 'no_id'
  const id = header?.id ?? field('client_id')
  if (id === undefined) return 'no_id'
  const client = registry.find(id)
  if (client === undefined) return 'unknown'
  const secret = header?.secret ?? field('client_secret')
  if (secret === undefined) return 'no_secret'
  return client.secret === secret ? client : 'wrong_secret'
}

export type CodeRefusals = {
  /** It is unknown, expired, already used, or of another client. */
  code(): Answer
  redirectUri(): Answer
  verifier(problem: 'missing' | 'wrong'): Answer
  /** A verifier without an earlier challenge. Without this, it is ignored. */
  superfluousVerifier?(): Answer
}

/** Uses up a code (RFC 6749 §4.1.3, RFC 7636 §4.6). */
export function redeemCode<Account, Switches>(
  { codes, grants }: Place<Account, Switches>,
  client: Client,
  field: Field,
  refuse: CodeRefusals,
): { code: Code; grant: Grant } | Answer {
  const code = codes.find(client.id, field('code') ?? '')
  const grant = code && grants.find(client.id, code.person)
  if (code === undefined || grant === undefined) return refuse.code()
  if (field('redirect_uri') !== code.redirectUri) return refuse.redirectUri()
  const proof = verify(code.challenge, field('code_verifier'))
  if (proof === 'missing' || proof === 'wrong') return refuse.verifier(proof)
  if (proof === 'superfluous' && refuse.superfluousVerifier) return refuse.superfluousVerifier()
  codes.spend(code.value)
  return { code, grant }
}

export type NewTokens = {
  readonly access: string
  readonly seconds?: number | undefined
  readonly refresh?: string | undefined
  readonly refreshSeconds?: number | undefined
}

/** Issues an access token, and a refresh token if one is given. Returns the members of RFC 6749 §5.1. */
export function issueTokens<Account, Switches>(
  { grants }: Place<Account, Switches>,
  { grant, scopes, family }: Pick<Token, 'grant' | 'scopes' | 'family'>,
  { access, seconds, refresh, refreshSeconds }: NewTokens,
) {
  grants.issue({ value: access, kind: 'access', grant, scopes, family, seconds })
  if (refresh !== undefined)
    grants.issue({ value: refresh, kind: 'refresh', grant, scopes, family, seconds: refreshSeconds })
  return {
    access_token: access,
    token_type: 'Bearer',
    ...(seconds !== undefined && { expires_in: seconds }),
    ...(refresh !== undefined && { refresh_token: refresh }),
    scope: scopes.join(' '),
  }
}

export type TokenRefusals = CodeRefusals & {
  refreshToken(): Answer
  grantType(kind: string | undefined): Answer
}

/** What new tokens belong to. */
export type TokenOrigin = Pick<Token, 'grant' | 'scopes' | 'family'>

export type TokenEndpointParts = {
  /** The client, or the refusal of an unauthenticated request. */
  authenticate(request: ProviderRequest): Client | Answer
  issue(of: TokenOrigin): Answer
  renew(old: Token): Answer
  readonly refuse: TokenRefusals
}

/** A token endpoint: for a code, or for a refresh token that the client may use. It authenticates the client first. */
export const tokenEndpoint =
  <Account, Switches>(place: Place<Account, Switches>, { authenticate, issue, renew, refuse }: TokenEndpointParts) =>
  (request: ProviderRequest): Answer => {
    const client = authenticate(request)
    if (isAnswer(client)) return client
    const field = reader(request)
    const kind = field('grant_type')
    if (kind === 'refresh_token') {
      const old = usableRefreshToken(place, client, field('refresh_token'))
      return old === undefined ? refuse.refreshToken() : renew(old)
    }
    if (kind !== 'authorization_code') return refuse.grantType(kind)
    const redeemed = redeemCode(place, client, field, refuse)
    if (isAnswer(redeemed)) return redeemed
    return issue({ grant: redeemed.grant, scopes: redeemed.code.scopes, family: newFamily() })
  }

/** The refresh token in a request, if this client may use it now. */
export function usableRefreshToken<Account, Switches>(
  { grants }: Place<Account, Switches>,
  client: Client,
  value: string | undefined,
): Token | undefined {
  const token = grants.known('refresh', value)
  return grants.alive(token) && token.grant.clientId === client.id ? token : undefined
}

/** Revokes a token of this client, if there is one (RFC 7009). A refresh token ends its access tokens (§2.1). */
export function revokeToken<Account, Switches>(
  { grants }: Place<Account, Switches>,
  client: Client,
  value: string | undefined,
): void {
  const token = grants.known('refresh', value) ?? grants.known('access', value)
  if (token?.grant.clientId !== client.id) return
  grants.kill((other) => other === token || (token.kind === 'refresh' && other.family === token.family))
}

/** Whose valid access token a request carries. */
export function holderOf<Account, Switches>(
  { grants, people }: Place<Account, Switches>,
  request: ProviderRequest,
  value = bearer(request),
): { token: Token; account: Account } | undefined {
  const token = grants.known('access', value)
  const account = grants.alive(token) ? people.get(token.grant.person)?.account : undefined
  return token === undefined || account === undefined ? undefined : { token, account }
}
