/**
 * Google, as documented at https://developers.google.com/identity/protocols/oauth2/web-server and
 * https://developers.google.com/identity/openid-connect/openid-connect, with the error texts that it really sends. All
 * applications here belong to one Google Cloud project, so a revocation affects all of them.
 */
import { createHash } from 'node:crypto'
import { readAuthorization } from '../authorization.ts'
import { APP_NAME, type Client } from '../clients.ts'
import { askPerson, automatic, errorPage } from '../consent.ts'
import { type Answer, isAnswer, json, type ProviderRequest, reader, words } from '../exchange.ts'
import type { Token } from '../grants.ts'
import { sign } from '../id-token.ts'
import type { Behavior, Holder, LookAlike, Place } from '../look-alike.ts'
import { digits, givenAndFamily } from '../people.ts'
import { newFamily, randomText } from '../random.ts'
import { authenticateClient, holderOf, issueTokens, redeemCode } from '../token-endpoint.ts'

type GoogleAccount = {
  sub: string
  name: string
  given_name?: string
  family_name?: string
  picture?: string
  email?: string
  email_verified?: boolean | string
  hd?: string
}

type GoogleSwitches = {
  /** Whether the callback contains `iss` (RFC 9207). */
  iss: boolean
  /**
   * The issuer in the id_token; both spellings are documented.
   * https://developers.google.com/identity/openid-connect/openid-connect
   */
  issuer: string
  /**
   * Whether the token response contains an id_token for the scope `openid`. Google's always does; that of a proxy or
   * emulator may not.
   */
  idToken: boolean
  /** Whether the id_token contains profile and email claims. Under load Google omits them. */
  idTokenProfile: boolean
}

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

function createGoogle(place: Place<GoogleAccount, GoogleSwitches>): Behavior {
  const { grants, codes, switches, keys } = place
  const blocked = (detail: string, status = 400): Answer =>
    errorPage(status, 'Access blocked', `Error ${status}: ${detail}`)

  function authorize(request: ProviderRequest): Answer | Promise<Answer> {
    const { query } = request
    const authorization = readAuthorization(place, request, {
      client: () => blocked('invalid_client. The OAuth client was not found.', 401),
      redirectUri: (uri) => blocked(`redirect_uri_mismatch. ${uri} is not registered.`),
      responseType: () => blocked('invalid_request. Required parameter: response_type'),
      challenge: () => blocked('invalid_request. code_challenge_method'),
    })
    if (isAnswer(authorization)) return authorization
    const { client, redirectUri, challenge } = authorization
    const requested = authorization.scopes.map(short)
    if (requested.length === 0) return blocked('invalid_request. Missing required parameter: scope')
    // Google uses the parameter access_type for offline access, never a scope.
    if (requested.includes('offline_access'))
      return blocked('invalid_scope. Some requested scopes were invalid. [offline_access]')

    const prompts = words(query.get('prompt'))
    const offline = query.get('access_type') === 'offline'
    // Only id_tokens use the issuer without a scheme.
    const named = switches.issuer === 'accounts.google.com' ? ISSUER : switches.issuer
    const iss = switches.iss ? named : undefined
    const back = (params: Record<string, string | undefined>) => authorization.back({ iss, ...params })

    function chosen(who: Holder<GoogleAccount>, { clicked }: { clicked: boolean }): Answer {
      const before = grants.find(client.id, who.key)
      const news = requested.filter((scope) => !before?.scopes.includes(scope))
      const consents = clicked || prompts.includes('consent') || news.length > 0
      if (prompts.includes('none') && (before === undefined || news.length > 0)) {
        return back({ error: 'interaction_required' })
      }
      const given = requested.filter((scope) => !switches.unticked.map(short).includes(scope))
      const union = [...new Set([...(before?.scopes ?? []), ...given])]
      const grant = grants.allow(client.id, who.key, union)
      const scopes = query.get('include_granted_scopes') === 'true' ? union : given
      const entitled = offline && (prompts.includes('consent') || !grant.offline)
      const code = codes.issue({
        // Codes contain a slash. Clients that encode it twice send `4%2F…`.
        value: `4/0A${randomText(48)}`,
        clientId: client.id,
        redirectUri,
        person: who.key,
        scopes,
        challenge,
        nonce: query.get('nonce') ?? undefined,
        offline: entitled,
      })
      return back({
        code,
        scope: [...scopes, ...scopes.map(long).filter((scope) => !scopes.includes(scope))].join(' '),
        authuser: '0',
        hd: who.account.hd,
        prompt: consents ? 'consent' : 'none',
      })
    }

    const alone = request.method === 'GET' && automatic(place, request) === undefined
    if (prompts.includes('none') && alone) return back({ error: 'interaction_required' })
    return askPerson(place, request, {
      app: APP_NAME,
      scopes: requested,
      chosen,
      denied: () => back({ error: 'access_denied' }),
    })
  }

  /** The client is checked before the grant: a wrong secret with a wrong code is `invalid_client`. */
  function authenticate(request: ProviderRequest): Client | Answer {
    const client = authenticateClient(place, request)
    switch (client) {
      case 'no_id':
        return refuse(400, 'invalid_request', 'Could not determine client ID from request.')
      case 'unknown':
        return refuse(401, 'invalid_client', 'The OAuth client was not found.')
      case 'no_secret':
        return refuse(400, 'invalid_request', 'client_secret is missing.')
      case 'wrong_secret':
        return refuse(401, 'invalid_client', 'Unauthorized')
    }
    return client
  }

  function idToken(client: Client, account: GoogleAccount, scopes: readonly string[], access: string, nonce?: string) {
    const { sub, email, email_verified, hd, ...profile } = account
    const full = switches.idTokenProfile
    const issued = Math.floor(place.now().getTime() / 1000)
    return sign(place, {
      iss: switches.issuer,
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
  }

  async function tokens(
    client: Client,
    from: { person: string; scopes: readonly string[]; family: string; nonce?: string | undefined },
    refresh?: string,
  ): Promise<Answer> {
    const grant = grants.find(client.id, from.person)
    const account = place.people.get(from.person)?.account
    if (grant === undefined || account === undefined)
      return refuse(400, 'invalid_grant', 'Token has been expired or revoked.')
    const { scopes } = from
    const access = `ya29.a0${randomText(140)}`
    const issued = issueTokens(place, { ...from, grant }, { access, seconds: LIFETIME, refresh })
    const hasIdToken = scopes.includes('openid') && switches.idToken
    return json(200, {
      ...issued,
      scope: spoken(scopes),
      ...(hasIdToken && { id_token: await idToken(client, account, scopes, access, from.nonce) }),
    })
  }

  async function tradeCode(client: Client, request: ProviderRequest): Promise<Answer> {
    const field = reader(request)
    const value = field('code')
    if (value === undefined) return refuse(400, 'invalid_request', 'Missing required parameter: code')
    if (!value.startsWith('4/')) return refuse(400, 'invalid_grant', 'Malformed auth code.')
    const redeemed = redeemCode(place, client, field, {
      code: () => refuse(400, 'invalid_grant', 'Bad Request'),
      redirectUri: () => refuse(400, 'redirect_uri_mismatch', 'Bad Request'),
      verifier: (problem) =>
        refuse(400, 'invalid_grant', problem === 'missing' ? 'Missing code verifier.' : 'Invalid code verifier.'),
      superfluousVerifier: () => refuse(400, 'invalid_grant', 'code_verifier or verifier is not needed.'),
    })
    if (isAnswer(redeemed)) return redeemed
    const { code, grant } = redeemed
    const family = newFamily()
    if (!code.offline) return tokens(client, { ...code, family })
    grant.offline = true
    const answer = await tokens(client, { ...code, family }, `1//0g${randomText(70)}`)
    const live = grants.select((token) => token.kind === 'refresh' && token.grant === grant && grants.alive(token))
    for (const token of live.slice(0, -MOST_REFRESH_TOKENS)) token.dead = true
    return answer
  }

  function renew(client: Client, request: ProviderRequest): Answer | Promise<Answer> {
    const token = grants.known('refresh', reader(request)('refresh_token'))
    if (token === undefined || token.grant.clientId !== client.id) return refuse(400, 'invalid_grant', 'Bad Request')
    if (!grants.alive(token) || place.now().getTime() - token.usedAt > IDLE_MS) {
      return refuse(400, 'invalid_grant', 'Token has been expired or revoked.')
    }
    token.usedAt = place.now().getTime()
    return tokens(client, { person: token.grant.person, scopes: token.scopes, family: token.family })
  }

  function token(request: ProviderRequest): Answer | Promise<Answer> {
    const client = authenticate(request)
    if (isAnswer(client)) return client
    const grant = reader(request)('grant_type') ?? ''
    if (grant === 'authorization_code') return tradeCode(client, request)
    if (grant === 'refresh_token') return renew(client, request)
    return refuse(400, 'unsupported_grant_type', `Invalid grant_type: ${grant}`)
  }

  const holder = (request: ProviderRequest): { token: Token; account: GoogleAccount } | undefined =>
    holderOf(place, request) ?? holderOf(place, request, request.query.get('access_token') ?? undefined)

  function userinfo(request: ProviderRequest): Answer {
    const held = holder(request)
    if (held === undefined) return refuse(401, 'invalid_request', 'Invalid Credentials')
    const { sub, email, email_verified, hd, ...profile } = held.account
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
    if (held === undefined) {
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
    const { sub, email, email_verified, hd, ...profile } = held.account
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
    const known = grants.known('access', value) ?? grants.known('refresh', value)
    if (!grants.alive(known)) return refuse(400, 'invalid_token', 'Token expired or revoked')
    const { person } = known.grant
    grants.withdraw((grant) => grant.person === person)
    return json(200, {})
  }

  async function certs(): Promise<Answer> {
    const published = await keys.published('RS256')
    return json(
      200,
      { keys: published.map((key) => key.public) },
      { 'cache-control': 'public, max-age=20000, must-revalidate, no-transform' },
    )
  }

  function discovery(): Answer {
    const at = (path: string) => `${place.url}${path}`
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
  }
}

export const google: LookAlike<GoogleAccount, GoogleSwitches> = {
  label: 'Google (sandbox)',
  client: {
    id: '481516234200-sandboxsandboxsandbox.apps.googleusercontent.com',
    secret: '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HsDf',
  },
  paths: {
    authorize: '/o/oauth2/v2/auth',
    token: '/token',
    userinfo: '/oauth2/v3/userinfo',
    revoke: '/revoke',
    jwks: '/oauth2/v3/certs',
  },
  endpoint(_method, path) {
    if (path === '/oauth2/v4/token') return 'token'
    if (path.endsWith('/userinfo')) return 'userinfo'
    return path === '/.well-known/openid-configuration' ? 'discovery' : undefined
  },
  authorizeParams: { scope: 'openid email profile' },
  account: ({ key, name, email, verified }) => ({
    sub: `1${digits(`google ${key}`, 20)}`,
    name,
    ...givenAndFamily(name),
    picture: `https://lh3.googleusercontent.com/a/sandbox-${key}=s96-c`,
    email,
    email_verified: verified,
  }),
  people: {
    ada: (account) => ({ ...account, hd: 'example.com' }),
    linus: ({ email: _email, email_verified: _verified, ...account }) => account,
    zoe: (account) => ({ ...account, sub: '998877665544332211009' }),
  },
  subject: ({ sub }) => sub,
  hints: ({ email }) => [email],
  switches: () => ({
    iss: true,
    issuer: 'https://accounts.google.com',
    idToken: true,
    idTokenProfile: true,
  }),
  create: createGoogle,
}
