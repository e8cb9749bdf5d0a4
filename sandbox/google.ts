/**
 * Google, as documented at https://developers.google.com/identity/protocols/oauth2/web-server and
 * https://developers.google.com/identity/openid-connect/openid-connect, with the error texts that it really sends. All
 * applications here belong to one Google Cloud project, so a revocation affects all of them.
 */
import { createHash } from 'node:crypto'
import { importJWK, SignJWT } from 'jose'
import { APP_NAME, type Client } from './clients.ts'
import { challengeOf, verify } from './codes.ts'
import { askPerson, automatic, errorPage } from './consent.ts'
import {
  type Answer,
  basic,
  bearer,
  callback,
  json,
  type ProviderRequest,
  reader,
  redirect,
  words,
} from './exchange.ts'
import type { Token } from './grants.ts'
import type { Identity } from './identities.ts'
import { secrets } from './secrets.ts'
import type { LookAlike, World } from './world.ts'

const ISSUER = 'https://accounts.google.com'
const PREFIX = 'https://www.googleapis.com/auth/userinfo.'
const LIFETIME = 3599
const IDLE_MS = 180 * 24 * 3600_000
/**
 * "There is currently a limit of 100 refresh tokens per Google Account per OAuth 2.0 client ID"; the oldest is revoked
 * without notice.
 */
const MOST_REFRESH_TOKENS = 100

const long = (scope: string) => (scope === 'email' || scope === 'profile' ? `${PREFIX}${scope}` : scope)
const short = (scope: string) => (scope.startsWith(PREFIX) ? scope.slice(PREFIX.length) : scope)
/** Google returns scopes in its own order. */
const spoken = (scopes: readonly string[]) => scopes.map(long).toSorted().toReversed().join(' ')

const refuse = (status: number, error: string, error_description: string, more = {}): Answer =>
  json(status, { error, error_description, ...more })

export function createGoogle(world: World): LookAlike {
  const { grants, codes, registry, switches, keys } = world

  function authorize(request: ProviderRequest): Answer | Promise<Answer> {
    const { query } = request
    const clientId = query.get('client_id') ?? ''
    const redirectUri = query.get('redirect_uri') ?? ''
    const requested = words(query.get('scope')).map(short)
    const challenge = challengeOf(query)
    if (!registry.find('google', clientId)) {
      return errorPage(401, 'Access blocked', 'Error 401: invalid_client. The OAuth client was not found.')
    }
    if (!registry.allows('google', redirectUri)) {
      return errorPage(400, 'Access blocked', `Error 400: redirect_uri_mismatch. ${redirectUri} is not registered.`)
    }
    if (query.get('response_type') !== 'code') {
      return errorPage(400, 'Access blocked', 'Error 400: invalid_request. Required parameter: response_type')
    }
    if (requested.length === 0) {
      return errorPage(400, 'Access blocked', 'Error 400: invalid_request. Missing required parameter: scope')
    }
    // Google uses the parameter access_type for offline access, never a scope.
    if (requested.includes('offline_access')) {
      return errorPage(
        400,
        'Access blocked',
        'Error 400: invalid_scope. Some requested scopes were invalid. [offline_access]',
      )
    }
    if (challenge === 'refused')
      return errorPage(400, 'Access blocked', 'Error 400: invalid_request. code_challenge_method')

    const state = query.get('state') ?? undefined
    const prompts = words(query.get('prompt'))
    const offline = query.get('access_type') === 'offline'
    // Only id_tokens use the issuer without a scheme.
    const named = switches.google.issuer === 'accounts.google.com' ? ISSUER : switches.google.issuer
    const iss = switches.google.iss ? named : undefined
    const back = (params: Record<string, string | undefined>) =>
      redirect(request, callback(redirectUri, { state, iss, ...params }))

    function chosen(who: Identity, { clicked }: { clicked: boolean }): Answer {
      const before = grants.find('google', clientId, who.key)
      const news = requested.filter((scope) => !before?.scopes.includes(scope))
      const consents = clicked || prompts.includes('consent') || news.length > 0
      if (prompts.includes('none') && (before === undefined || news.length > 0)) {
        return back({ error: 'interaction_required' })
      }
      const given = requested.filter((scope) => !switches.google.unticked.map(short).includes(scope))
      const union = [...new Set([...(before?.scopes ?? []), ...given])]
      const grant = grants.allow('google', clientId, who.key, union)
      const scopes = query.get('include_granted_scopes') === 'true' ? union : given
      const entitled = offline && (prompts.includes('consent') || !grant.offline)
      const code = codes.issue({
        value: secrets.google.code(),
        provider: 'google',
        clientId,
        redirectUri,
        person: who.key,
        scopes,
        challenge: challenge === 'refused' ? undefined : challenge,
        nonce: query.get('nonce') ?? undefined,
        offline: entitled,
      })
      return back({
        code,
        scope: [...scopes, ...scopes.map(long).filter((scope) => !scopes.includes(scope))].join(' '),
        authuser: '0',
        hd: who.google?.hd,
        prompt: consents ? 'consent' : 'none',
      })
    }

    const alone = request.method === 'GET' && automatic(world, request, 'google') === undefined
    if (prompts.includes('none') && alone) return back({ error: 'interaction_required' })
    return askPerson(world, request, {
      provider: 'google',
      app: APP_NAME,
      scopes: requested,
      chosen,
      denied: () => back({ error: 'access_denied' }),
    })
  }

  /** The client is checked before the grant: a wrong secret with a wrong code is `invalid_client`. */
  function authenticate(request: ProviderRequest): Client | Answer {
    const field = reader(request)
    const header = basic(request)
    const id = header?.id ?? field('client_id')
    const secret = header?.secret ?? field('client_secret')
    if (id === undefined) return refuse(400, 'invalid_request', 'Could not determine client ID from request.')
    const client = registry.find('google', id)
    if (client === undefined) return refuse(401, 'invalid_client', 'The OAuth client was not found.')
    if (secret === undefined) return refuse(400, 'invalid_request', 'client_secret is missing.')
    return client.secret === secret ? client : refuse(401, 'invalid_client', 'Unauthorized')
  }

  async function idToken(client: Client, who: Identity, scopes: readonly string[], access: string, nonce?: string) {
    const person = who.google
    if (person === undefined) return undefined
    const { sub, email, email_verified, hd, ...profile } = person
    const full = switches.google.idTokenProfile
    const key = await keys.google.current('RS256')
    const issued = Math.floor(world.now().getTime() / 1000)
    return new SignJWT({
      iss: switches.google.issuer,
      azp: client.id,
      aud: client.id,
      sub,
      ...(hd !== undefined && { hd }),
      ...(full && scopes.includes('email') && email !== undefined && { email, email_verified }),
      at_hash: createHash('sha256').update(access).digest().subarray(0, 16).toString('base64url'),
      ...(nonce !== undefined && { nonce }),
      ...(full && scopes.includes('profile') && profile),
      iat: issued,
      exp: issued + 3600,
    })
      .setProtectedHeader({ alg: 'RS256', kid: key.kid, typ: 'JWT' })
      .sign(await importJWK(key.private, 'RS256'))
  }

  async function tokens(
    client: Client,
    from: { person: string; scopes: readonly string[]; family: string; nonce?: string | undefined },
    refresh?: string,
  ): Promise<Answer> {
    const grant = grants.find('google', client.id, from.person)
    const who = world.identities.get(from.person)
    if (grant === undefined || who === undefined) {
      return refuse(400, 'invalid_grant', 'Token has been expired or revoked.')
    }
    const { scopes, family } = from
    const access = secrets.google.access()
    grants.issue({ value: access, kind: 'access', grant, scopes, family, seconds: LIFETIME })
    const id_token =
      scopes.includes('openid') && switches.google.idToken
        ? await idToken(client, who, scopes, access, from.nonce)
        : undefined
    return json(200, {
      access_token: access,
      expires_in: LIFETIME,
      ...(refresh !== undefined && { refresh_token: refresh }),
      scope: spoken(scopes),
      token_type: 'Bearer',
      ...(id_token !== undefined && { id_token }),
    })
  }

  async function tradeCode(client: Client, request: ProviderRequest): Promise<Answer> {
    const field = reader(request)
    const value = field('code')
    if (value === undefined) return refuse(400, 'invalid_request', 'Missing required parameter: code')
    // Codes contain a slash. Clients that encode it twice send `4%2F…`.
    if (!value.startsWith('4/')) return refuse(400, 'invalid_grant', 'Malformed auth code.')
    const code = codes.find('google', client.id, value)
    if (code === undefined) return refuse(400, 'invalid_grant', 'Bad Request')
    if (field('redirect_uri') !== code.redirectUri) return refuse(400, 'redirect_uri_mismatch', 'Bad Request')
    switch (verify(code.challenge, field('code_verifier'))) {
      case 'missing':
        return refuse(400, 'invalid_grant', 'Missing code verifier.')
      case 'wrong':
        return refuse(400, 'invalid_grant', 'Invalid code verifier.')
      case 'superfluous':
        return refuse(400, 'invalid_grant', 'code_verifier or verifier is not needed.')
    }
    codes.spend(value)
    const family = secrets.family()
    const grant = grants.find('google', client.id, code.person)
    if (!code.offline || grant === undefined) return tokens(client, { ...code, family })
    grant.offline = true
    const refresh = secrets.google.refresh()
    grants.issue({ value: refresh, kind: 'refresh', grant, scopes: code.scopes, family })
    const live = grants.select((token) => token.kind === 'refresh' && token.grant === grant && grants.alive(token))
    for (const token of live.slice(0, -MOST_REFRESH_TOKENS)) token.dead = true
    return tokens(client, { ...code, family }, refresh)
  }

  function renew(client: Client, request: ProviderRequest): Answer | Promise<Answer> {
    const token = grants.known('google', 'refresh', reader(request)('refresh_token'))
    if (token === undefined || token.grant.clientId !== client.id) return refuse(400, 'invalid_grant', 'Bad Request')
    if (!grants.alive(token) || world.now().getTime() - token.usedAt > IDLE_MS) {
      return refuse(400, 'invalid_grant', 'Token has been expired or revoked.')
    }
    token.usedAt = world.now().getTime()
    return tokens(client, { person: token.grant.person, scopes: token.scopes, family: token.family })
  }

  function token(request: ProviderRequest): Answer | Promise<Answer> {
    const client = authenticate(request)
    if ('status' in client) return client
    const grant = reader(request)('grant_type') ?? ''
    if (grant === 'authorization_code') return tradeCode(client, request)
    if (grant === 'refresh_token') return renew(client, request)
    return refuse(400, 'unsupported_grant_type', `Invalid grant_type: ${grant}`)
  }

  function holder(request: ProviderRequest): { token: Token; who: Identity } | undefined {
    const token = grants.known('google', 'access', bearer(request) ?? request.query.get('access_token') ?? undefined)
    if (!grants.alive(token)) return undefined
    const who = world.identities.get(token.grant.person)
    return who && { token, who }
  }

  function userinfo(request: ProviderRequest): Answer {
    const held = holder(request)
    if (held?.who.google === undefined) return refuse(401, 'invalid_request', 'Invalid Credentials')
    const { sub, email, email_verified, hd, ...profile } = held.who.google
    const { scopes } = held.token
    return json(200, {
      sub,
      ...(scopes.includes('profile') && profile),
      ...(scopes.includes('email') && email !== undefined && { email, email_verified }),
      ...(hd !== undefined && { hd }),
    })
  }

  function legacyUserinfo(request: ProviderRequest): Answer {
    const held = holder(request)
    if (held?.who.google === undefined) {
      const message = 'Request had invalid authentication credentials. Expected OAuth 2 access token.'
      const detail = { message: 'Invalid Credentials', domain: 'global', reason: 'authError' }
      return json(
        401,
        {
          error: {
            code: 401,
            message,
            errors: [{ ...detail, location: 'Authorization', locationType: 'header' }],
            status: 'UNAUTHENTICATED',
          },
        },
        { 'www-authenticate': `Bearer realm="${ISSUER}/", error="invalid_token"` },
      )
    }
    const { sub, email, email_verified, hd, ...profile } = held.who.google
    const { scopes } = held.token
    return json(200, {
      id: sub,
      ...(scopes.includes('email') && email !== undefined && { email, verified_email: email_verified }),
      ...(scopes.includes('profile') && profile),
      ...(hd !== undefined && { hd }),
    })
  }

  /** https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke */
  function revoke(request: ProviderRequest): Answer {
    const value = reader(request)('token') ?? request.query.get('token') ?? undefined
    if (value === undefined) return refuse(400, 'invalid_request', 'Missing required parameter: token')
    const known = grants.known('google', 'access', value) ?? grants.known('google', 'refresh', value)
    if (!grants.alive(known)) return refuse(400, 'invalid_token', 'Token expired or revoked')
    const { person } = known.grant
    grants.withdraw((grant) => grant.provider === 'google' && grant.person === person)
    return json(200, {})
  }

  async function certs(): Promise<Answer> {
    const published = await keys.google.published('RS256')
    return json(
      200,
      { keys: published.map((key) => key.public) },
      { 'cache-control': 'public, max-age=20000, must-revalidate, no-transform' },
    )
  }

  function discovery(): Answer {
    const at = (path: string) => `${world.url}/google${path}`
    return json(200, {
      issuer: ISSUER,
      authorization_endpoint: at('/o/oauth2/v2/auth'),
      token_endpoint: at('/token'),
      userinfo_endpoint: at('/v1/userinfo'),
      revocation_endpoint: at('/revoke'),
      jwks_uri: at('/oauth2/v3/certs'),
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      scopes_supported: ['openid', 'email', 'profile'],
      token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
      code_challenge_methods_supported: ['plain', 'S256'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
    })
  }

  return {
    endpoint(_method, path) {
      if (path === '/o/oauth2/v2/auth') return 'authorize'
      if (path === '/token' || path === '/oauth2/v4/token') return 'token'
      if (path.endsWith('/userinfo')) return 'userinfo'
      if (path === '/revoke') return 'revoke'
      if (path === '/oauth2/v3/certs') return 'jwks'
      return path === '/.well-known/openid-configuration' ? 'discovery' : 'other'
    },
    answer(request) {
      switch (`${request.method} ${request.path}`) {
        case 'GET /o/oauth2/v2/auth':
        case 'POST /o/oauth2/v2/auth':
          return authorize(request)
        case 'POST /token':
        case 'POST /oauth2/v4/token':
          return token(request)
        case 'GET /v1/userinfo':
        case 'GET /oauth2/v3/userinfo':
          return userinfo(request)
        case 'GET /oauth2/v2/userinfo':
          return legacyUserinfo(request)
        case 'POST /revoke':
        case 'GET /revoke':
          return revoke(request)
        case 'GET /oauth2/v3/certs':
          return certs()
        case 'GET /.well-known/openid-configuration':
          return discovery()
        default:
          return errorPage(404, 'Error 404 (Not Found)', 'The requested URL was not found on this server.')
      }
    },
    killRefreshTokens: (person) => grants.killAll('google', 'refresh', person),
    killAccessTokens: (person) => grants.killAll('google', 'access', person),
  }
}
