/**
 * Atlassian Cloud, OAuth 2.0 (3LO), as documented at
 * https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/. It has its own page for configuration errors,
 * rotates refresh tokens with ten minutes' leeway, and lists sites once per product. It includes the service desk API
 * of Jira.
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
import type { Grant, Token } from './grants.ts'
import type { AtlassianIdentity, Site } from './identities.ts'
import { secrets } from './secrets.ts'
import type { LookAlike, World } from './world.ts'

const LIFETIME = 3600
const LEEWAY_MS = 10 * 60_000
const DAY_MS = 24 * 3600_000
const IDLE_MS = 90 * DAY_MS
const ABSOLUTE_MS = 365 * DAY_MS

const refuse = (status: number, error: string, error_description: string): Answer =>
  json(status, { error, error_description })
const gateway = (status: number, message: string): Answer => json(status, { code: status, message })
const missingScope = () => gateway(401, 'Unauthorized; scope does not match')
const jiraError = (status: number, message: string): Answer => json(status, { errorMessages: [message], errors: {} })

/** The product of a scope. `accessible-resources` repeats a site for each product. */
function productOf(scope: string): 'jira' | 'servicedesk' | 'confluence' | undefined {
  if (scope.includes('servicedesk') || scope.includes('service-management')) return 'servicedesk'
  if (scope.includes('jira') || scope.startsWith('manage:jira')) return 'jira'
  return scope.includes('confluence') ? 'confluence' : undefined
}

export function createAtlassian(world: World): LookAlike {
  const { grants, codes, registry, switches } = world
  const time = () => world.now().getTime()

  function authorize(request: ProviderRequest): Answer | Promise<Answer> {
    const { query } = request
    const clientId = query.get('client_id') ?? ''
    const redirectUri = query.get('redirect_uri') ?? ''
    const wrong = (detail: string) => errorPage(400, 'Something went wrong', detail)
    if (!registry.find('atlassian', clientId)) return wrong('The app is unknown: invalid client_id.')
    if (!registry.allows('atlassian', redirectUri)) {
      const params = {
        error: 'unauthorized_client',
        error_description: `Callback URL mismatch. ${redirectUri} is not in the list of allowed callback URLs`,
        client_id: clientId,
      }
      return redirect(request, callback(`${world.url}/atlassian/error`, params))
    }
    if (query.get('audience') !== 'api.atlassian.com') return wrong('The parameter audience must be api.atlassian.com.')
    if (query.get('prompt') !== 'consent') return wrong('The parameter prompt must be consent.')
    if (query.get('response_type') !== 'code') return wrong('The parameter response_type must be code.')
    const scopes = words(query.get('scope'))
    if (scopes.length === 0) return wrong('The parameter scope is missing.')
    const challenge = challengeOf(query)
    if (challenge === 'refused') return wrong('The code_challenge_method is not supported.')
    const state = query.get('state') ?? undefined
    const back = (params: Record<string, string>) => redirect(request, callback(redirectUri, { ...params, state }))

    return askPerson(world, request, {
      provider: 'atlassian',
      app: APP_NAME,
      scopes,
      denied: () => back({ error: 'access_denied', error_description: 'User did not authorize the request' }),
      chosen(who) {
        // There is one consent per account and app. A new one replaces the scopes of the previous one.
        grants.allow('atlassian', clientId, who.key, scopes)
        const offline = scopes.includes('offline_access')
        const value = secrets.atlassian.code()
        const code = { value, clientId, redirectUri, person: who.key, scopes, challenge, offline }
        return back({ code: codes.issue({ ...code, provider: 'atlassian' }) })
      },
    })
  }

  const deadCode = () =>
    switches.atlassian.deadCode === 'current'
      ? refuse(400, 'invalid_request', 'authorization_code is invalid')
      : refuse(403, 'invalid_grant', 'Invalid authorization code')
  const deadRefresh = () =>
    switches.atlassian.deadRefresh === 'observed'
      ? refuse(403, 'unauthorized_client', 'refresh_token is invalid')
      : refuse(403, 'invalid_grant', 'Unknown or invalid refresh token.')

  function authenticate(request: ProviderRequest): Client | Answer {
    const field = reader(request)
    const header = basic(request)
    const secret = header?.secret ?? field('client_secret')
    // 3LO requires the secret with or without PKCE.
    if (secret === undefined) return refuse(400, 'invalid_request', 'Incorrect request parameters')
    const client = registry.find('atlassian', header?.id ?? field('client_id') ?? '')
    if (client?.secret === secret) return client
    return switches.atlassian.wrongSecret === 'access_denied'
      ? refuse(401, 'access_denied', 'Unauthorized')
      : refuse(400, 'invalid_client', 'Client authentication failed')
  }

  function tokens(grant: Grant, scopes: readonly string[], family: string, refreshable: boolean): Answer {
    const access = secrets.atlassian.access()
    grants.issue({ value: access, kind: 'access', grant, scopes, family, seconds: LIFETIME })
    const refresh = refreshable ? secrets.atlassian.refresh() : undefined
    if (refresh !== undefined) grants.issue({ value: refresh, kind: 'refresh', grant, scopes, family })
    return json(200, {
      access_token: access,
      ...(refresh !== undefined && { refresh_token: refresh }),
      expires_in: LIFETIME,
      scope: scopes.join(' '),
      token_type: 'Bearer',
    })
  }

  function tradeCode(client: Client, request: ProviderRequest): Answer {
    const field = reader(request)
    const code = codes.find('atlassian', client.id, field('code') ?? '')
    const grant = code && grants.find('atlassian', client.id, code.person)
    if (code === undefined || grant === undefined || field('redirect_uri') !== code.redirectUri) return deadCode()
    const proof = verify(code.challenge, field('code_verifier'))
    if (proof === 'wrong' || proof === 'missing') return deadCode()
    codes.spend(code.value)
    return tokens(grant, code.scopes, secrets.family(), code.offline)
  }

  /**
   * Rotation: the exchanged token stays valid for the leeway, so two concurrent refreshes get two valid pairs. Access
   * tokens from before the rotation end with the leeway. Reuse after it revokes the whole family.
   */
  function renew(client: Client, request: ProviderRequest): Answer {
    const old = grants.known('atlassian', 'refresh', reader(request)('refresh_token'))
    if (!grants.alive(old) || old.grant.clientId !== client.id) return deadRefresh()
    const idle = time() - old.usedAt > IDLE_MS
    const born = Math.min(...grants.ofFamily(old.family).map((token) => token.issuedAt))
    const aged = switches.atlassian.absoluteLifetime && time() - born > ABSOLUTE_MS
    if (idle || aged) return deadRefresh()
    const leeway = switches.atlassian.strict ? 0 : LEEWAY_MS
    const spent = old.replacedAt !== undefined
    if (old.replacedAt !== undefined && (leeway === 0 || time() - old.replacedAt > leeway)) {
      grants.kill((token) => token.family === old.family)
      return deadRefresh()
    }
    old.usedAt = time()
    if (!spent) {
      old.replacedAt = time()
      const cutAt = time() + leeway
      for (const token of grants.ofFamily(old.family)) {
        if (token.kind === 'access') token.expiresAt = Math.min(token.expiresAt, cutAt)
      }
    }
    return tokens(old.grant, old.scopes, old.family, true)
  }

  function token(request: ProviderRequest): Answer {
    const client = authenticate(request)
    if ('status' in client) return client
    const kind = reader(request)('grant_type')
    if (kind === 'authorization_code') return tradeCode(client, request)
    if (kind === 'refresh_token') return renew(client, request)
    return refuse(400, 'unsupported_grant_type', `Unsupported grant type: ${kind ?? ''}`)
  }

  function signedIn(request: ProviderRequest, answer: (token: Token, person: AtlassianIdentity) => Answer): Answer {
    const token = grants.known('atlassian', 'access', bearer(request))
    const person = grants.alive(token) ? world.identities.get(token.grant.person)?.atlassian : undefined
    return token === undefined || person === undefined ? gateway(401, 'Unauthorized') : answer(token, person)
  }

  const me = (request: ProviderRequest) =>
    signedIn(request, ({ scopes }, { sites: _sites, ...person }) =>
      scopes.includes('read:me')
        ? json(200, {
            ...person,
            zoneinfo: 'Australia/Sydney',
            locale: 'en-US',
            extended_profile: { job_title: 'Designer', department: 'Design team', location: 'Sydney' },
          })
        : missingScope(),
    )

  /**
   * A plain array with one element per site and product, all with the same ID. Without product scopes there are no
   * sites.
   */
  const sites = (request: ProviderRequest) =>
    signedIn(request, ({ scopes }, person) => {
      const elements = person.sites.flatMap(({ id, name, gone, scopes: here = scopes }) =>
        (['jira', 'servicedesk', 'confluence'] as const).flatMap((product) => {
          const granted = scopes.filter((scope) => productOf(scope) === product && here.includes(scope))
          const avatarUrl = `https://site-admin-avatar-cdn.prod.public.atl-paas.net/avatars/240/${product}.png`
          return granted.length === 0 || gone
            ? []
            : [{ id, name, url: `https://${name}.atlassian.net`, scopes: granted, avatarUrl }]
        }),
      )
      return json(200, elements)
    })

  function paged<T>(request: ProviderRequest, self: string, all: readonly T[]): Answer {
    const number = (name: string, fallback: number) => {
      const value = Number.parseInt(request.query.get(name) ?? '', 10)
      return Number.isNaN(value) || value < 0 ? fallback : value
    }
    const start = number('start', 0)
    const limit = Math.min(50, number('limit', 50))
    const values = all.slice(start, start + Math.min(limit, switches.atlassian.pageSize))
    return json(200, {
      _expands: [],
      size: values.length,
      start,
      limit,
      isLastPage: start + values.length >= all.length,
      _links: { base: self.replace(/\/servicedesk.*$/, ''), context: '', self },
      values,
    })
  }

  /** https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-servicedesk/ */
  function serviceDesk(request: ProviderRequest, site: Site, scopes: readonly string[], path: string): Answer {
    const base = `https://${site.name}.atlassian.net/rest/servicedeskapi`
    const match = /^\/servicedesk(?:\/([^/]+)(\/queue(?:\/([^/]+))?)?)?$/.exec(path)
    if (match === null) return jiraError(404, 'The requested resource was not found.')
    const [, deskId, queues, queueId] = match
    const desks = site.desks.map(({ queues: _queues, ...about }) => ({
      ...about,
      _links: { self: `${base}/servicedesk/${about.id}` },
    }))
    const mayList = scopes.some((scope) => scope.startsWith('read:servicedesk'))
    const mayQueue = scopes.includes('read:jira-work') || scopes.includes('read:queue:jira-service-management')
    if (queues === undefined ? !mayList : !mayQueue) return missingScope()
    if (deskId === undefined) return paged(request, `${base}/servicedesk`, desks)
    const desk = site.desks.find(({ id }) => id === deskId)
    const shown = desks.find(({ id }) => id === deskId)
    if (desk === undefined || shown === undefined)
      return jiraError(404, `Service Desk with id '${deskId}' does not exist.`)
    if (queues === undefined) return json(200, shown)
    if (!site.agent) {
      const message = 'You do not have permission to access this service desk.'
      return json(403, { errorMessage: message, i18nErrorMessage: { i18nKey: 'sd.agent.required', parameters: [] } })
    }
    const counted = request.query.get('includeCount') === 'true'
    const all = desk.queues.map(({ issueCount, ...queue }) => ({
      ...queue,
      fields: ['issuetype', 'issuekey', 'summary', 'created', 'reporter', 'duedate'],
      ...(counted && { issueCount }),
      _links: { self: `${base}/servicedesk/${deskId}/queue/${queue.id}` },
    }))
    if (queueId === undefined) return paged(request, `${base}/servicedesk/${deskId}/queue`, all)
    const queue = all.find(({ id }) => id === queueId)
    return queue === undefined ? jiraError(404, `Queue with id '${queueId}' does not exist.`) : json(200, queue)
  }

  const jira = (request: ProviderRequest, cloudId: string, path: string) =>
    signedIn(request, ({ scopes }, person) => {
      const site = person.sites.find(({ id }) => id === cloudId)
      if (site === undefined || site.gone) return gateway(404, 'No message available')
      if (path === '/rest/api/3/myself') {
        if (!scopes.includes('read:jira-user')) return missingScope()
        return json(200, { accountId: person.account_id, displayName: person.name, active: true })
      }
      const desk = '/rest/servicedeskapi'
      const here = scopes.filter((scope) => site.scopes?.includes(scope) ?? true)
      if (path.startsWith(desk)) return serviceDesk(request, site, here, path.slice(desk.length))
      return jiraError(404, 'The requested resource was not found.')
    })

  /** Not documented for 3LO. It works for some apps but not for most. */
  function revoke(request: ProviderRequest): Answer {
    if (switches.atlassian.revoke === 404) return errorPage(404, 'Not found', 'There is nothing here.')
    const client = authenticate(request)
    if ('status' in client) return client
    const value = reader(request)('token')
    const token = grants.known('atlassian', 'refresh', value) ?? grants.known('atlassian', 'access', value)
    if (token !== undefined) grants.kill((other) => other.family === token.family)
    return empty(200)
  }

  return {
    endpoint(_method, path) {
      switch (path) {
        case '/authorize':
          return 'authorize'
        case '/oauth/token':
          return 'token'
        case '/me':
          return 'userinfo'
        case '/oauth/token/accessible-resources':
          return 'sites'
        case '/oauth/revoke':
          return 'revoke'
        default:
          return path.startsWith('/ex/jira/') ? 'jira' : 'other'
      }
    },
    answer(request) {
      if (request.path === '/authorize') return authorize(request)
      switch (`${request.method} ${request.path}`) {
        case 'POST /oauth/token':
          return token(request)
        case 'GET /me':
          return me(request)
        case 'GET /oauth/token/accessible-resources':
          return sites(request)
        case 'POST /oauth/revoke':
          return revoke(request)
        case 'GET /error':
          return errorPage(400, 'Something went wrong', request.query.get('error_description') ?? 'Unknown error')
      }
      const call = /^\/ex\/jira\/([^/]+)(\/.*)$/.exec(request.path)
      if (call !== null && request.method === 'GET') return jira(request, call[1] ?? '', call[2] ?? '')
      return gateway(404, 'Not Found')
    },
    killRefreshTokens: (person) => grants.killAll('atlassian', 'refresh', person),
    killAccessTokens: (person) => grants.killAll('atlassian', 'access', person),
  }
}
