/**
 * A provider that supports RFC 6749 (https://www.rfc-editor.org/rfc/rfc6749) and RFC 7009, but not OpenID Connect. Its
 * userinfo response is nested and uses its own member names.
 */
import { APP_NAME, type Client } from './clients.ts'
import { challengeOf, verify } from './codes.ts'
import { askPerson, errorPage } from './consent.ts'
import {
  type Answer,
  basic,
  bearer,
  callback,
  empty,
  json,
  type ProviderRequest,
  reader,
  redirect,
  words,
} from './exchange.ts'
import type { Grant } from './grants.ts'
import { secrets } from './secrets.ts'
import type { LookAlike, World } from './world.ts'

const LIFETIME = 3600
const CHALLENGE = { 'www-authenticate': 'Bearer realm="beta", error="invalid_token"' }

const refuse = (status: number, error: string, error_description: string, headers: Answer['headers'] = {}): Answer =>
  json(status, { error, error_description }, headers)

export function createOAuth2(world: World): LookAlike {
  const { grants, codes, registry, switches } = world

  function authorize(request: ProviderRequest): Answer | Promise<Answer> {
    const { query } = request
    const clientId = query.get('client_id') ?? ''
    const redirectUri = query.get('redirect_uri') ?? ''
    if (!registry.find('oauth2', clientId)) return errorPage(400, 'Unknown application', `No application ${clientId}.`)
    if (!registry.allows('oauth2', redirectUri)) {
      return errorPage(400, 'Redirect URI not registered', `${redirectUri} is not a registered redirect URI.`)
    }
    const state = query.get('state') ?? undefined
    const back = (params: Record<string, string>) => redirect(request, callback(redirectUri, { ...params, state }))
    if (query.get('response_type') !== 'code') return back({ error: 'unsupported_response_type' })
    const challenge = challengeOf(query)
    if (challenge === 'refused') {
      return back({ error: 'invalid_request', error_description: 'transform algorithm not supported' })
    }
    const scopes = words(query.get('scope'))
    return askPerson(world, request, {
      provider: 'oauth2',
      app: APP_NAME,
      scopes,
      denied: () => back({ error: 'access_denied', error_description: 'The resource owner denied the request.' }),
      chosen(who) {
        grants.allow('oauth2', clientId, who.key, scopes)
        const value = secrets.oauth2.code()
        const code = { value, clientId, redirectUri, person: who.key, scopes, challenge }
        return back({ code: codes.issue({ ...code, provider: 'oauth2', offline: true }) })
      },
    })
  }

  function authenticate(request: ProviderRequest): Client | undefined {
    const field = reader(request)
    const header = basic(request)
    const how = switches.oauth2.tokenAuth
    if (how === (header ? 'post' : 'basic')) return undefined
    const client = registry.find('oauth2', header?.id ?? field('client_id') ?? '')
    return client !== undefined && (header?.secret ?? field('client_secret')) === client.secret ? client : undefined
  }

  const stranger = () =>
    refuse(401, 'invalid_client', 'Client authentication failed.', { 'www-authenticate': 'Basic realm="beta"' })

  function tokens(grant: Grant, scopes: readonly string[], family: string, refreshable: boolean): Answer {
    const access = secrets.oauth2.access()
    grants.issue({ value: access, kind: 'access', grant, scopes, family, seconds: LIFETIME })
    const refresh = refreshable ? secrets.oauth2.refresh() : undefined
    if (refresh !== undefined) grants.issue({ value: refresh, kind: 'refresh', grant, scopes, family })
    return json(200, {
      access_token: access,
      token_type: 'Bearer',
      expires_in: LIFETIME,
      scope: scopes.join(' '),
      ...(refresh !== undefined && { refresh_token: refresh }),
    })
  }

  function token(request: ProviderRequest): Answer {
    const client = authenticate(request)
    if (client === undefined) return stranger()
    const field = reader(request)
    const kind = field('grant_type')
    if (kind === 'refresh_token') {
      const old = grants.known('oauth2', 'refresh', field('refresh_token'))
      if (!grants.alive(old) || old.grant.clientId !== client.id) {
        return refuse(400, 'invalid_grant', 'The refresh token is invalid, expired or revoked.')
      }
      const rotates = switches.oauth2.refresh === 'rotate'
      if (rotates) old.dead = true
      return tokens(old.grant, old.scopes, old.family, rotates)
    }
    if (kind !== 'authorization_code') return refuse(400, 'unsupported_grant_type', `Unsupported: ${kind ?? ''}`)
    const code = codes.find('oauth2', client.id, field('code') ?? '')
    const grant = code && grants.find('oauth2', client.id, code.person)
    if (code === undefined || grant === undefined) {
      return refuse(400, 'invalid_grant', 'The authorization code is invalid, expired or already used.')
    }
    if (field('redirect_uri') !== code.redirectUri) return refuse(400, 'invalid_grant', 'redirect_uri does not match.')
    if (verify(code.challenge, field('code_verifier')) !== 'ok') {
      return refuse(400, 'invalid_grant', 'The code verifier does not match.')
    }
    codes.spend(code.value)
    return tokens(grant, code.scopes, secrets.family(), switches.oauth2.refresh !== 'none')
  }

  function userinfo(request: ProviderRequest): Answer {
    const token = grants.known('oauth2', 'access', bearer(request))
    const who = grants.alive(token) ? world.identities.get(token.grant.person)?.oauth2 : undefined
    if (who === undefined) return refuse(401, 'invalid_token', 'The access token is invalid or expired.', CHALLENGE)
    const { uid, label, mail, confirmed } = who
    const contact = mail === undefined ? {} : { mail, confirmed }
    return json(200, { data: { user: { uid, contact, ...(label !== undefined && { label }) } } })
  }

  /** RFC 7009: an unknown token counts as revoked. */
  function revoke(request: ProviderRequest): Answer {
    const client = authenticate(request)
    if (client === undefined) return stranger()
    if (switches.oauth2.revoke !== 200) return empty(switches.oauth2.revoke)
    const value = reader(request)('token')
    if (value === undefined) return refuse(400, 'invalid_request', 'token is missing')
    const token = grants.known('oauth2', 'refresh', value) ?? grants.known('oauth2', 'access', value)
    if (token?.grant.clientId === client.id) {
      // Revoking a refresh token also revokes its access tokens (section 2.1).
      grants.kill((other) => other === token || (token.kind === 'refresh' && other.family === token.family))
    }
    return empty(200)
  }

  return {
    endpoint(_method, path) {
      const name = path.slice(1)
      return name === 'authorize' || name === 'token' || name === 'userinfo' || name === 'revoke' ? name : 'other'
    },
    answer(request) {
      if (request.path === '/authorize') return authorize(request)
      switch (`${request.method} ${request.path}`) {
        case 'POST /token':
          return token(request)
        case 'GET /userinfo':
          return userinfo(request)
        case 'POST /revoke':
          return revoke(request)
        default:
          return json(404, { error: 'not_found' })
      }
    },
    killRefreshTokens: (person) => grants.killAll('oauth2', 'refresh', person),
    killAccessTokens: (person) => grants.killAll('oauth2', 'access', person),
  }
}
