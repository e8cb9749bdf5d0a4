/**
 * Atlassian Cloud, OAuth 2.0 (3LO), as documented at
 * https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/. It has its own page for configuration errors,
 * rotates refresh tokens with ten minutes' leeway, and lists sites once per product. It includes the service desk API
 * of Jira.
 */
import { askForCode, readAuthorization } from '../authorization.ts'
import type { Client } from '../clients.ts'
import { errorPage } from '../consent.ts'
import { type Answer, callback, empty, isAnswer, json, type ProviderRequest, reader, redirect } from '../exchange.ts'
import type { Grant, Token } from '../grants.ts'
import type { Behavior, LookAlike, Place } from '../look-alike.ts'
import { digest, uuid } from '../people.ts'
import { newFamily, randomText } from '../random.ts'
import { authenticateClient, holderOf, issueTokens, redeemCode } from '../token-endpoint.ts'

type Queue = { id: string; name: string; jql: string; issueCount: number }
type Desk = { id: string; projectId: string; projectName: string; projectKey: string; queues: Queue[] }
export type Site = {
  id: string
  name: string
  /** Without an agent's license queues respond with 403. */
  agent: boolean
  desks: Desk[]
  /** The user lost access, or the site was deleted. It is not listed and does not respond. */
  gone?: boolean
  /** Limits the granted scopes to these. */
  scopes?: string[]
}
type AtlassianAccount = {
  account_id: string
  account_type: string
  account_status: string
  name: string
  nickname: string
  email?: string
  email_verified?: boolean
  picture?: string
  sites: Site[]
}

type AtlassianSwitches = {
  /** No leeway: reuse of a refresh token revokes its family at once. */
  strict: boolean
  deadRefresh: 'observed' | 'documented'
  deadCode: 'current' | 'legacy'
  wrongSecret: 'access_denied' | 'invalid_client'
  revoke: 404 | 200
  /** The limit of 365 days, announced in 2021 but missing from today's documentation. */
  absoluteLifetime: boolean
  /** The maximum page size, whatever is requested. A page can be shorter than its limit without being the last. */
  pageSize: number
}

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

const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** Opaque, but formatted like Atlassian's long JWTs. */
const long = (bytes: number) => `${segment({ alg: 'RS256', typ: 'JWT' })}.${randomText(bytes)}.${randomText(256)}`

/** The product of a scope. `accessible-resources` repeats a site for each product. */
function productOf(scope: string): 'jira' | 'servicedesk' | 'confluence' | undefined {
  if (scope.includes('servicedesk') || scope.includes('service-management')) return 'servicedesk'
  if (scope.includes('jira') || scope.startsWith('manage:jira')) return 'jira'
  return scope.includes('confluence') ? 'confluence' : undefined
}

function createAtlassian(place: Place<AtlassianAccount, AtlassianSwitches>): Behavior {
  const { grants, switches } = place
  const time = () => place.now().getTime()

  function authorize(request: ProviderRequest): Answer | Promise<Answer> {
    const { query } = request
    const wrong = (detail: string) => errorPage(400, 'Something went wrong', detail)
    const authorization = readAuthorization(place, request, {
      client: () => wrong('The app is unknown: invalid client_id.'),
      redirectUri: (uri) =>
        redirect(
          request,
          callback(`${place.url}/error`, {
            error: 'unauthorized_client',
            error_description: `Callback URL mismatch. ${uri} is not in the list of allowed callback URLs`,
            client_id: query.get('client_id') ?? '',
          }),
        ),
      responseType: () => wrong('The parameter response_type must be code.'),
      challenge: () => wrong('The code_challenge_method is not supported.'),
    })
    if (isAnswer(authorization)) return authorization
    if (query.get('audience') !== 'api.atlassian.com') return wrong('The parameter audience must be api.atlassian.com.')
    if (query.get('prompt') !== 'consent') return wrong('The parameter prompt must be consent.')
    if (authorization.scopes.length === 0) return wrong('The parameter scope is missing.')
    // There is one consent per account and app. A new one replaces the scopes of the previous one.
    return askForCode(place, request, authorization, {
      code: () => long(880),
      offline: authorization.scopes.includes('offline_access'),
      denial: { error: 'access_denied', error_description: 'User did not authorize the request' },
    })
  }

  const deadCode = () =>
    switches.deadCode === 'current'
      ? refuse(400, 'invalid_request', 'authorization_code is invalid')
      : refuse(403, 'invalid_grant', 'Invalid authorization code')
  const deadRefresh = () =>
    switches.deadRefresh === 'observed'
      ? refuse(403, 'unauthorized_client', 'refresh_token is invalid')
      : refuse(403, 'invalid_grant', 'Unknown or invalid refresh token.')

  function authenticate(request: ProviderRequest): Client | Answer {
    const client = authenticateClient(place, request)
    if (typeof client === 'object') return client
    // 3LO requires the secret with or without PKCE.
    if (client === 'no_id' || client === 'no_secret')
      return refuse(400, 'invalid_request', 'Incorrect request parameters')
    return switches.wrongSecret === 'access_denied'
      ? refuse(401, 'access_denied', 'Unauthorized')
      : refuse(400, 'invalid_client', 'Client authentication failed')
  }

  const tokens = (grant: Grant, scopes: readonly string[], family: string, isRefreshable: boolean): Answer =>
    json(
      200,
      issueTokens(
        place,
        { grant, scopes, family },
        { access: long(2800), seconds: LIFETIME, ...(isRefreshable && { refresh: long(1000) }) },
      ),
    )

  function tradeCode(client: Client, request: ProviderRequest): Answer {
    const refusals = { code: deadCode, redirectUri: deadCode, verifier: deadCode }
    const redeemed = redeemCode(place, client, reader(request), refusals)
    if (isAnswer(redeemed)) return redeemed
    const { code, grant } = redeemed
    return tokens(grant, code.scopes, newFamily(), code.offline)
  }

  /**
   * Rotation: the exchanged token stays valid for the leeway, so two concurrent refreshes get two valid pairs. Access
   * tokens from before the rotation end with the leeway. Reuse after it revokes the whole family.
   */
  function renew(client: Client, request: ProviderRequest): Answer {
    const old = grants.known('refresh', reader(request)('refresh_token'))
    if (!grants.alive(old) || old.grant.clientId !== client.id) return deadRefresh()
    const idle = time() - old.usedAt > IDLE_MS
    const born = Math.min(...grants.ofFamily(old.family).map((token) => token.issuedAt))
    const aged = switches.absoluteLifetime && time() - born > ABSOLUTE_MS
    if (idle || aged) return deadRefresh()
    const leeway = switches.strict ? 0 : LEEWAY_MS
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
    if (isAnswer(client)) return client
    const kind = reader(request)('grant_type')
    if (kind === 'authorization_code') return tradeCode(client, request)
    if (kind === 'refresh_token') return renew(client, request)
    return refuse(400, 'unsupported_grant_type', `Unsupported grant type: ${kind ?? ''}`)
  }

  function signedIn(request: ProviderRequest, answer: (token: Token, account: AtlassianAccount) => Answer): Answer {
    const holder = holderOf(place, request)
    return holder === undefined ? gateway(401, 'Unauthorized') : answer(holder.token, holder.account)
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
    const values = all.slice(start, start + Math.min(limit, switches.pageSize))
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
    if (switches.revoke === 404) return errorPage(404, 'Not found', 'There is nothing here.')
    const client = authenticate(request)
    if (isAnswer(client)) return client
    const value = reader(request)('token')
    const token = grants.known('refresh', value) ?? grants.known('access', value)
    if (token !== undefined) grants.kill((other) => other.family === token.family)
    return empty(200)
  }

  return {
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
  }
}

const desk = (id: string, projectKey: string, projectName: string, queues: Queue[]): Desk => ({
  id,
  projectId: `1000${id}`,
  projectName,
  projectKey,
  queues,
})
const queue = (id: string, name: string, issueCount: number): Queue => ({
  id,
  name,
  jql: `project = SD AND resolution = Unresolved AND queue = ${id} ORDER BY "Time to resolution" ASC`,
  issueCount,
})

export const ACME_SITE: Site = {
  id: '1324a887-45db-4bf4-9e99-ef0ff456d421',
  name: 'acme',
  agent: true,
  desks: [
    desk('1', 'SD', 'IT Help', [
      queue('10', 'Unassigned issues', 10),
      queue('11', 'All open', 42),
      queue('12', 'Waiting for customer', 0),
    ]),
    desk('2', 'HR', 'People', [queue('20', 'New joiners', 3)]),
  ],
}
export const GLOBEX_SITE: Site = {
  id: '9b2f6c1e-7a34-4d0b-8c55-3e1d2f4a6b7c',
  name: 'globex',
  agent: true,
  desks: [desk('1', 'OPS', 'Operations', [queue('10', 'Incidents', 1)])],
}
/** The user sees the site but is not an agent of its desks: queues respond with 403. */
export const INITECH_SITE: Site = {
  id: '5d0e8f3a-1c72-4b69-a2d4-7f9b0c6e1a83',
  name: 'initech',
  agent: false,
  desks: [desk('3', 'TPS', 'Reports', [queue('30', 'Cover sheets', 7)])],
}

const siteFields = ['name', 'gone', 'agent', 'scopes']

export const atlassian: LookAlike<AtlassianAccount, AtlassianSwitches> = {
  label: 'Atlassian (sandbox)',
  client: {
    id: 'SandboxA7kQ2mX9vLr4TnWc6ZpYb1HsDf',
    secret: 'ATOAsandboxW8dKx3RqVn5TzLm2YcPf7HbJs9GkAe4UoXi6Qw1Er0Ty',
  },
  paths: {
    authorize: '/authorize',
    token: '/oauth/token',
    userinfo: '/me',
    sites: '/oauth/token/accessible-resources',
    revoke: '/oauth/revoke',
  },
  endpoint: (_method, path) => (path.startsWith('/ex/jira/') ? 'jira' : undefined),
  settings: (url) => ({ API_URL: url, RESOURCES_URL: `${url}/oauth/token/accessible-resources` }),
  authorizeParams: {
    scope: 'read:me read:jira-work read:servicedesk-request offline_access',
    audience: 'api.atlassian.com',
    prompt: 'consent',
  },
  account: ({ key, name, email, verified }) => ({
    account_id: `712020:${uuid(`atlassian ${key}`)}`,
    account_type: 'atlassian',
    account_status: 'active',
    name,
    nickname: key,
    email,
    email_verified: verified,
    picture: `https://secure.gravatar.com/avatar/${digest(email).slice(0, 32)}`,
    sites: [],
  }),
  people: {
    ada: (account) => ({ ...account, sites: [structuredClone(ACME_SITE), structuredClone(GLOBEX_SITE)] }),
    grace: (account) => ({ ...account, sites: [structuredClone(INITECH_SITE)] }),
    linus: ({ email: _email, email_verified: _verified, ...account }) => account,
  },
  subject: ({ account_id }) => account_id,
  switches: () => ({
    strict: false,
    deadRefresh: 'observed',
    deadCode: 'current',
    wrongSecret: 'access_denied',
    revoke: 404,
    absoluteLifetime: false,
    pageSize: 50,
  }),
  controls: ({ people }) => ({
    'POST /sites'({ identity, cloud_id, ...changes }) {
      const wrong = (detail: string) => json(400, { error: 'invalid_request', error_description: detail })
      const site = people.get(String(identity))?.account?.sites.find(({ id }) => id === cloud_id)
      if (site === undefined) return wrong('identity and cloud_id must name one of the user’s sites')
      const unknown = Object.keys(changes).find((field) => !siteFields.includes(field))
      if (unknown !== undefined) return wrong(`a site has no ${unknown}`)
      return json(200, Object.assign(site, changes))
    },
  }),
  create: createAtlassian,
}
