/**
 * GitHub, as documented at https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps and
 * https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens.
 * It responds form-encoded unless JSON is requested. Every error of the token endpoint has status 200.
 */
import { APP_NAME, type Client } from '../clients.ts'
import { challengeOf, verify } from '../codes.ts'
import { askPerson, errorPage } from '../consent.ts'
import {
  type Answer,
  basic,
  callback,
  empty,
  json,
  type ProviderRequest,
  reader,
  redirect,
  words,
} from '../exchange.ts'
import type { Grant, Token } from '../grants.ts'
import type { Behavior, Holder, LookAlike, Place } from '../look-alike.ts'
import { digits } from '../people.ts'
import { newFamily, randomHex } from '../random.ts'
import { authenticateClient, holderOf, issueTokens, usableRefreshToken } from '../token-endpoint.ts'

type GitHubEmail = {
  email: string
  verified: boolean
  primary: boolean
  visibility: 'public' | 'private' | null
}
type GitHubMembership = {
  login: string
  /** `pending`: invited, but not yet a member. */
  state: 'active' | 'pending'
  /** The organization blocks unapproved applications, or requires its own sign-in first. */
  hides?: 'oauth_app' | 'saml'
}
type GitHubAccount = {
  id: number
  login: string
  name: string | null
  email: string | null
  emails: GitHubEmail[]
  organizations?: GitHubMembership[]
}

type GitHubSwitches = {
  /** Tokens of an OAuth app do not expire. Those of a GitHub App do, and rotate. */
  app: 'oauth-app' | 'github-app'
  /** Whether an OAuth app has expiring tokens turned on. */
  expiringTokens: boolean
  /** Whether a GitHub App has the permission "Email addresses: read". */
  emailPermission: boolean
  /** Whether a GitHub App has the permission "Members: read" in every organization. */
  membersPermission: boolean
  suspended: boolean
  /** How `/applications/…/token` rejects a revoked or unknown token. */
  unknownToken: 404 | 422
}

const ACCESS_SECONDS = 28_800
const REFRESH_SECONDS = 15_811_200
/** "There is a limit of ten tokens that are issued per user/application/scope combination"; the oldest is revoked. */
const MOST_TOKENS = 10
const DOCS = 'https://docs.github.com'
const TROUBLE = `${DOCS}/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors`
const MISMATCH = 'The redirect_uri MUST match the registered callback URL for this application.'

/** A wide scope replaces the narrow ones that it includes. */
function normalised(scopes: readonly string[]): string[] {
  const unique = [...new Set(scopes)]
  return unique.includes('user') ? unique.filter((scope) => !/^(?:read:user|user:.*)$/.test(scope)) : unique
}
const covers = (scopes: readonly string[], scope: string) => scopes.includes('user') || scopes.includes(scope)

/** Form encoding is the default. Numbers become text in it. */
function represent(request: ProviderRequest, fields: Record<string, string | number>): Answer {
  const accept = request.headers.accept ?? ''
  if (accept.includes('application/json')) return json(200, fields)
  if (accept.includes('application/xml')) {
    const xml = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`)
    return {
      status: 200,
      headers: { 'content-type': 'application/xml; charset=utf-8' },
      body: `<?xml version="1.0" encoding="UTF-8"?><OAuth>${xml.join('')}</OAuth>`,
    }
  }
  const form = new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value)]))
  return {
    status: 200,
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: form.toString(),
  }
}

const REFUSALS = {
  bad_verification_code: 'The code passed is incorrect or expired.',
  incorrect_client_credentials: 'The client_id and/or client_secret passed are incorrect.',
  redirect_uri_mismatch: MISMATCH,
  bad_refresh_token: 'The refresh token passed is incorrect or expired.',
  unsupported_grant_type: 'The grant_type must be authorization_code, refresh_token or device_code.',
} as const

function refuse(request: ProviderRequest, error: keyof typeof REFUSALS): Answer {
  // GitHub's real response to an invalid refresh token also links to the section about codes.
  const anchor = error === 'bad_refresh_token' ? 'bad_verification_code' : error
  return represent(request, {
    error,
    error_description: REFUSALS[error],
    error_uri: `${TROUBLE}/#${anchor.replaceAll('_', '-')}`,
  })
}

function createGitHub(place: Place<GitHubAccount, GitHubSwitches>): Behavior {
  const { grants, codes, registry, switches } = place
  const isApp = () => switches.app === 'github-app'
  /** Tokens of an OAuth app expire if its owner turned that on, or if it requests the scope `offline_access`. */
  const expires = (scopes: readonly string[]) => isApp() || switches.expiringTokens || scopes.includes('offline_access')

  function authorize(request: ProviderRequest): Answer | Promise<Answer> {
    const { query } = request
    const clientId = query.get('client_id') ?? ''
    if (!registry.find(clientId)) return errorPage(404, 'Page not found', 'This is not the web page you want.')
    const state = query.get('state') ?? undefined
    const wanted = query.get('redirect_uri') ?? registry.first()
    if (wanted === undefined) return errorPage(400, 'Be careful!', MISMATCH)
    if (!registry.allows(wanted)) {
      // Redirect to the registered URI, never to the one in the request.
      const registered = registry.first()
      if (registered === undefined) return errorPage(400, 'Be careful!', MISMATCH)
      return redirect(
        request,
        callback(registered, {
          error: 'redirect_uri_mismatch',
          error_description: MISMATCH,
          error_uri: `${TROUBLE}/#redirect-uri-mismatch`,
          state,
        }),
      )
    }
    const back = (params: Record<string, string>) => redirect(request, callback(wanted, { ...params, state }))
    if (switches.suspended) {
      return back({
        error: 'application_suspended',
        error_description: 'Your application has been suspended. Contact support@github.com.',
        error_uri: `${TROUBLE}/#application-suspended`,
      })
    }
    const challenge = challengeOf(query)
    if (challenge === 'refused' || challenge?.method === 'plain') {
      return errorPage(400, 'Bad request', 'Only the code_challenge_method S256 is supported.')
    }
    const requested = isApp() ? [] : normalised(words(query.get('scope')))

    function chosen(who: Holder<GitHubAccount>): Answer {
      const before = grants.find(clientId, who.key)
      // Without a scope in the request, the previously granted scopes apply.
      const asks = query.has('scope') ? requested : (before?.scopes ?? [])
      const scopes = isApp() ? [] : asks.filter((scope) => !switches.unticked.includes(scope))
      grants.allow(clientId, who.key, scopes)
      const code = codes.issue({
        value: randomHex(10),
        clientId,
        redirectUri: wanted ?? '',
        person: who.key,
        scopes,
        challenge: challenge === 'refused' ? undefined : challenge,
        offline: expires(scopes),
      })
      return back({ code })
    }

    return askPerson(place, request, {
      app: APP_NAME,
      scopes: requested,
      chosen,
      denied: () =>
        back({
          error: 'access_denied',
          error_description: 'The user has denied your application access.',
          error_uri: `${TROUBLE.replace('access-token', 'authorization')}/#access-denied`,
        }),
    })
  }

  function tokens(request: ProviderRequest, grant: Grant, scopes: readonly string[], family: string): Answer {
    const isExpiring = expires(scopes)
    const issued = issueTokens(
      place,
      { grant, scopes, family },
      {
        access: `${isApp() ? 'ghu' : 'gho'}_${randomHex(18)}`,
        ...(isExpiring && {
          seconds: ACCESS_SECONDS,
          refresh: `ghr_${randomHex(38)}`,
          refreshSeconds: REFRESH_SECONDS,
        }),
      },
    )
    const alike = grants.select(
      (token) =>
        token.kind === 'access' &&
        token.grant === grant &&
        token.scopes.join() === scopes.join() &&
        grants.alive(token),
    )
    for (const token of alike.slice(0, -MOST_TOKENS)) token.dead = true
    return represent(request, {
      access_token: issued.access_token,
      ...(issued.refresh_token !== undefined && {
        expires_in: ACCESS_SECONDS,
        refresh_token: issued.refresh_token,
        refresh_token_expires_in: REFRESH_SECONDS,
      }),
      scope: scopes.join(','),
      token_type: 'bearer',
    })
  }

  /** Parameters may be in the body (form or JSON) or in the query; credentials also in a Basic header. */
  function token(request: ProviderRequest): Answer {
    const field = reader(request)
    const given = (name: string) => field(name) ?? request.query.get(name) ?? undefined
    const client = authenticateClient(place, request, { field: given })
    if (client === 'no_id' || client === 'unknown') return json(404, { error: 'Not Found' })
    if (typeof client === 'string') return refuse(request, 'incorrect_client_credentials')
    const kind = given('grant_type') ?? 'authorization_code'
    if (kind === 'refresh_token') return renew(request, client, given('refresh_token'))
    if (kind !== 'authorization_code') return refuse(request, 'unsupported_grant_type')

    const value = given('code') ?? ''
    const code = codes.find(client.id, value)
    if (code === undefined) return refuse(request, 'bad_verification_code')
    const redirectUri = given('redirect_uri')
    if (redirectUri !== undefined && redirectUri !== code.redirectUri) return refuse(request, 'redirect_uri_mismatch')
    const proof = verify(code.challenge, given('code_verifier'))
    if (proof === 'wrong' || proof === 'missing') return refuse(request, 'bad_verification_code')
    codes.spend(value)
    const grant = grants.find(client.id, code.person)
    if (grant === undefined) return refuse(request, 'bad_verification_code')
    return tokens(request, grant, code.scopes, newFamily())
  }

  /** The old pair ends as soon as the new one exists, without leeway. */
  function renew(request: ProviderRequest, client: Client, value: string | undefined): Answer {
    const old = usableRefreshToken(place, client, value)
    if (old === undefined) return refuse(request, 'bad_refresh_token')
    grants.kill((token) => token.family === old.family)
    return tokens(request, old.grant, old.scopes, old.family)
  }

  const limits = (scopes: readonly string[]) => ({
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '4987',
    'x-ratelimit-used': '13',
    'x-ratelimit-reset': String(Math.floor(place.now().getTime() / 1000) + 1800),
    'x-ratelimit-resource': 'core',
    'x-oauth-scopes': scopes.join(', '),
    'x-accepted-oauth-scopes': '',
    'x-github-media-type': 'github.v3; format=json',
  })
  const complain = (status: number, message: string): Answer =>
    json(status, { message, documentation_url: `${DOCS}/rest`, status: String(status) }, limits([]))

  function api(request: ProviderRequest, answer: (token: Token, account: GitHubAccount) => Answer): Answer {
    if (request.headers.authorization === undefined) return complain(401, 'Requires authentication')
    const holder = holderOf(place, request)
    return holder === undefined ? complain(401, 'Bad credentials') : answer(holder.token, holder.account)
  }

  /** https://docs.github.com/en/rest/users/users#get-the-authenticated-user */
  const user = (request: ProviderRequest) =>
    api(request, ({ scopes }, { id, login, name, email }) => {
      const url = `https://api.github.com/users/${login}`
      const open = {
        login,
        id,
        node_id: Buffer.from(`04:User${id}`).toString('base64'),
        avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4`,
        gravatar_id: '',
        url,
        html_url: `https://github.com/${login}`,
        followers_url: `${url}/followers`,
        following_url: `${url}/following{/other_user}`,
        gists_url: `${url}/gists{/gist_id}`,
        starred_url: `${url}/starred{/owner}{/repo}`,
        subscriptions_url: `${url}/subscriptions`,
        organizations_url: `${url}/orgs`,
        repos_url: `${url}/repos`,
        events_url: `${url}/events{/privacy}`,
        received_events_url: `${url}/received_events`,
        type: 'User',
        user_view_type: 'private',
        site_admin: false,
        name,
        company: null,
        blog: '',
        location: null,
        email,
        hireable: null,
        bio: null,
        twitter_username: null,
        notification_email: null,
        public_repos: 8,
        public_gists: 8,
        followers: 1,
        following: 9,
        created_at: '2011-01-25T18:44:36Z',
        updated_at: '2026-01-22T12:00:00Z',
      }
      const own = {
        private_gists: 81,
        total_private_repos: 100,
        owned_private_repos: 100,
        disk_usage: 10000,
        collaborators: 8,
        two_factor_authentication: true,
        plan: { name: 'pro', space: 976562499, private_repos: 9999, collaborators: 0 },
      }
      return json(200, { ...open, ...(covers(scopes, 'read:user') && own) }, limits(scopes))
    })

  /** https://docs.github.com/en/rest/users/emails#list-email-addresses-for-the-authenticated-user */
  const emails = (request: ProviderRequest) =>
    api(request, ({ scopes }, person) => {
      if (isApp() && !switches.emailPermission) return complain(403, 'Resource not accessible by integration')
      if (!isApp() && !covers(scopes, 'user:email')) return complain(404, 'Not Found')
      const positive = (name: string, fallback: number) =>
        Math.max(1, Math.trunc(Number(request.query.get(name) ?? fallback)) || fallback)
      const size = Math.min(100, positive('per_page', 30))
      const page = positive('page', 1)
      const last = Math.max(1, Math.ceil(person.emails.length / size))
      const link = (to: number, rel: string) => `<${place.url}/user/emails?per_page=${size}&page=${to}>; rel="${rel}"`
      const links = [
        ...(page > 1 ? [link(page - 1, 'prev')] : []),
        ...(page < last ? [link(page + 1, 'next'), link(last, 'last')] : []),
        ...(page > 1 ? [link(1, 'first')] : []),
      ]
      const body = person.emails.slice((page - 1) * size, page * size)
      return json(200, body, { ...limits(scopes), ...(links.length > 0 && { link: links.join(', ') }) })
    })

  /** https://docs.github.com/en/rest/orgs/members#get-an-organization-membership-for-the-authenticated-user */
  const membership = (request: ProviderRequest, organization: string) =>
    api(request, ({ scopes }, person) => {
      if (isApp() && !switches.membersPermission) return complain(403, 'Resource not accessible by integration')
      if (!isApp() && !['read:org', 'write:org', 'admin:org', 'user'].some((scope) => scopes.includes(scope)))
        return complain(403, 'You need at least read:org scope or user scope to list your organization memberships.')
      const found = person.organizations?.find(({ login }) => login.toLowerCase() === organization.toLowerCase())
      if (found === undefined) return complain(404, 'Not Found')
      const { login, state, hides } = found
      if (hides === 'oauth_app' && !isApp())
        return complain(
          403,
          `Although you appear to have the correct authorization credentials, the \`${login}\` organization has enabled OAuth App access restrictions, meaning that data access to third-parties is limited. For more information on these restrictions, including how to enable this app, visit https://docs.github.com/articles/restricting-access-to-your-organization-s-data/`,
        )
      if (hides === 'saml')
        return complain(
          403,
          'Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization.',
        )
      const url = `https://api.github.com/orgs/${login}`
      return json(
        200,
        {
          url: `${url}/memberships/${person.login}`,
          state,
          role: 'member',
          organization_url: url,
          organization: { login, id: 1, node_id: 'MDEyOk9yZ2FuaXphdGlvbjE=', url, description: null },
          user: { login: person.login, id: person.id, type: 'User', site_admin: false },
        },
        limits(scopes),
      )
    })

  /**
   * https://docs.github.com/en/rest/apps/oauth-applications: the application authenticates with Basic, and the token is
   * in the body.
   */
  function applications(request: ProviderRequest, clientId: string, what: string): Answer {
    const header = basic(request)
    const client = registry.find(clientId)
    if (client === undefined || header?.id !== client.id || header.secret !== client.secret) {
      return complain(401, 'Bad credentials')
    }
    const value = reader(request)('access_token')
    if (value === undefined) return complain(422, 'Validation Failed')
    const token = grants.known('access', value)
    if (!grants.alive(token) || token.grant.clientId !== client.id) {
      const status = switches.unknownToken
      return complain(status, status === 404 ? 'Not Found' : 'Validation Failed')
    }
    if (request.method === 'POST' && what === 'token') {
      return json(200, {
        id: 1,
        token: token.value,
        scopes: token.scopes,
        app: { client_id: client.id, name: APP_NAME },
      })
    }
    if (request.method !== 'DELETE') return complain(404, 'Not Found')
    if (what === 'token') token.dead = true
    else grants.withdraw((grant) => grant === token.grant)
    return empty(204)
  }

  return {
    answer(request) {
      const route = `${request.method} ${request.path}`
      if (request.path === '/login/oauth/authorize') return authorize(request)
      if (route === 'POST /login/oauth/access_token') return token(request)
      const application = /^\/applications\/([^/]+)\/(token|grant)$/.exec(request.path)
      const isApi = application !== null || request.path.startsWith('/user')
      if (isApi && !request.headers['user-agent']) {
        return {
          status: 403,
          headers: { 'content-type': 'text/html; charset=utf-8' },
          body: 'Request forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). Check https://developer.github.com for other possible causes.\n',
        }
      }
      if (application !== null)
        return applications(request, decodeURIComponent(application[1] ?? ''), application[2] ?? '')
      if (route === 'GET /user') return user(request)
      if (route === 'GET /user/emails') return emails(request)
      const [, organization] = /^GET \/user\/memberships\/orgs\/([^/]+)$/.exec(route) ?? []
      if (organization !== undefined) return membership(request, decodeURIComponent(organization))
      return isApi ? complain(404, 'Not Found') : errorPage(404, 'Page not found', 'This is not the web page you want.')
    },
  }
}

const noreply = (id: number, login: string) => `${id}+${login}@users.noreply.github.com`

export const github: LookAlike<GitHubAccount, GitHubSwitches> = {
  label: 'GitHub (sandbox)',
  client: { id: 'Ov23liSandboxSandbox', secret: 'f3a91c0d7e5b48260a9d1c4e7f8b2a6350c1d9e8' },
  paths: {
    authorize: '/login/oauth/authorize',
    token: '/login/oauth/access_token',
    userinfo: '/user',
    emails: '/user/emails',
  },
  endpoint(method, path) {
    if (path.startsWith('/user/memberships/')) return 'memberships'
    return method === 'DELETE' && path.startsWith('/applications/') ? 'revoke' : undefined
  },
  settings: (url) => ({ API_URL: url }),
  authorizeParams: { scope: 'read:user user:email' },
  account({ key, name, email, verified }) {
    const id = 1_000_000 + Number(digits(`github ${key}`, 9))
    return {
      id,
      login: key,
      name,
      email: null,
      emails: [
        { email, verified, primary: true, visibility: 'private' },
        { email: noreply(id, key), verified: true, primary: false, visibility: null },
      ],
    }
  },
  people: {
    ada: (account) => ({
      ...account,
      organizations: [
        { login: 'Acme', state: 'active' },
        { login: 'initech', state: 'active', hides: 'oauth_app' },
      ],
    }),
    grace: (account, { email }) => ({
      ...account,
      // The public email of a GitHub profile is free text and proves nothing.
      email,
      organizations: [{ login: 'Acme', state: 'pending' }],
      emails: account.emails.map((entry) => (entry.primary ? { ...entry, verified: false } : entry)),
    }),
    linus: (account, { email }) => ({
      ...account,
      emails: [
        { email: noreply(account.id, account.login), verified: true, primary: true, visibility: null },
        { email, verified: false, primary: false, visibility: null },
      ],
    }),
    mallory: (account, { email }) => ({ ...account, email }),
    zoe(account, { email }) {
      const others = Array.from({ length: 33 }, (_, n) => ({
        email: `zoe+${n + 1}@example.net`,
        verified: n % 2 === 0,
        primary: false,
        visibility: null,
      }))
      return {
        ...account,
        name: null,
        // The primary address is the 31st. Clients that read only the first page of thirty do not find it.
        emails: [
          ...others.slice(0, 30),
          { email, verified: true, primary: true, visibility: 'private' },
          ...others.slice(30),
          { email: noreply(account.id, account.login), verified: true, primary: false, visibility: null },
        ],
      }
    },
  },
  subject: ({ id }) => String(id),
  switches: () => ({
    app: 'oauth-app',
    expiringTokens: false,
    emailPermission: true,
    membersPermission: true,
    suspended: false,
    unknownToken: 404,
  }),
  create: createGitHub,
}
