/**
 * Bitbucket Cloud, as documented at https://developer.atlassian.com/cloud/bitbucket/oauth-2/ and
 * https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/. Undocumented, and known from reports:
 * - the errors of its token endpoint: https://community.atlassian.com/t5/x/x/qaq-p/1545002
 * - the members of an email address: https://github.com/markbates/goth/issues/446
 * - PKCE, which clients send in addition to the secret: https://github.com/avivsinai/bitbucket-cli/pull/162
 */
import { authorizationEndpoint } from '../authorization.ts'
import { errorPage } from '../consent.ts'
import { type Answer, json, type ProviderRequest, routed } from '../exchange.ts'
import type { Behavior, LookAlike, Place } from '../look-alike.ts'
import { digest, digits, uuid } from '../people.ts'
import { randomText } from '../random.ts'
import { authenticateClient, holderOf, issueTokens, type TokenOrigin, tokenEndpoint } from '../token-endpoint.ts'

const paths = {
  authorize: '/site/oauth2/authorize',
  token: '/site/oauth2/access_token',
  userinfo: '/2.0/user',
  emails: '/2.0/user/emails',
}
const LIFETIME = 7200

type BitbucketEmail = { email: string; is_primary: boolean; is_confirmed: boolean }
type BitbucketAccount = {
  uuid: string
  account_id: string
  account_status: string
  type: string
  display_name: string
  nickname: string
  emails: BitbucketEmail[]
}
const refuse = (status: number, error: string, error_description: string): Answer =>
  json(status, { error_description, error })
const apiError = (status: number, message: string, detail?: unknown): Answer =>
  json(status, { type: 'error', error: { message, ...(detail !== undefined && { detail }) } })

/** `account` includes `email`. */
const covers = (scopes: readonly string[], scope: string) => scopes.includes(scope) || scopes.includes('account')

function createBitbucket(place: Place<BitbucketAccount>): Behavior {
  const misconfigured = (detail: string) => () =>
    errorPage(400, detail, 'This integration is misconfigured. Contact the vendor for assistance.')
  const authorize = authorizationEndpoint(
    place,
    {
      client: misconfigured('Invalid client_id'),
      redirectUri: misconfigured('Invalid redirect_uri'),
      responseType: misconfigured('Invalid response_type'),
      challenge: misconfigured('Invalid code_challenge_method'),
    },
    () => ({
      code: () => randomText(13),
      denial: { error: 'access_denied', error_description: 'The user denied access to the requested resource' },
    }),
  )

  const issue = (of: TokenOrigin, refresh: string): Answer => {
    const { access_token, expires_in, scope } = issueTokens(place, of, {
      access: randomText(64),
      seconds: LIFETIME,
    })
    return json(200, { access_token, scopes: scope, token_type: 'bearer', expires_in, refresh_token: refresh })
  }

  /** A refresh token stays the same. */
  function issueAll(of: TokenOrigin): Answer {
    const refresh = randomText(14)
    place.grants.issue({ value: refresh, kind: 'refresh', ...of })
    return issue(of, refresh)
  }

  const token = tokenEndpoint(place, {
    authenticate(request) {
      const client = authenticateClient(place, request)
      return typeof client === 'object'
        ? client
        : refuse(400, 'unauthorized_client', 'Requests must be authenticated using OAuth client credentials')
    },
    issue: issueAll,
    renew: (old) => issue(old, old.value),
    refuse: {
      code: () => refuse(400, 'invalid_grant', 'The specified code is not valid.'),
      redirectUri: () => refuse(400, 'invalid_request', 'Invalid redirect_uri'),
      verifier: () => refuse(400, 'invalid_grant', 'The code_verifier is not valid.'),
      refreshToken: () => refuse(400, 'invalid_request', 'Invalid refresh_token'),
      grantType: (kind) => refuse(400, 'unsupported_grant_type', `Unsupported grant type: ${kind ?? 'None'}`),
    },
  })

  function api(request: ProviderRequest, scope: string, answer: (account: BitbucketAccount) => Answer): Answer {
    const holder = holderOf(place, request)
    if (holder === undefined)
      return apiError(401, 'Access token expired. Use your refresh token to obtain a new access token.')
    const { scopes } = holder.token
    if (!covers(scopes, scope))
      return apiError(403, 'Your credentials lack one or more required privilege scopes.', {
        granted: scopes,
        required: [scope],
      })
    return answer(holder.account)
  }

  const userinfo = (request: ProviderRequest) =>
    api(request, 'account', ({ emails: _emails, ...account }) => {
      const links = { avatar: { href: `https://secure.gravatar.com/avatar/${digest(account.uuid).slice(0, 32)}` } }
      return json(200, { ...account, links, created_on: '2015-04-15T20:01:52.931415+00:00', is_staff: false })
    })

  const emails = (request: ProviderRequest) =>
    api(request, 'email', (account) => {
      const number = (name: string, fallback: number) => Number(request.query.get(name) ?? fallback)
      const pagelen = Math.min(100, number('pagelen', 10))
      const page = number('page', 1)
      const values = account.emails.slice((page - 1) * pagelen, page * pagelen).map((one) => ({
        type: 'email',
        ...one,
        links: { self: { href: `${place.url}/2.0/user/emails/${one.email}` } },
      }))
      const hasNext = page * pagelen < account.emails.length
      const next = `${place.url}/2.0/user/emails?pagelen=${pagelen}&page=${page + 1}`
      return json(200, { pagelen, values, page, size: account.emails.length, ...(hasNext && { next }) })
    })

  return {
    answer: routed(paths, { authorize, token, userinfo, emails }, () =>
      apiError(404, 'There is no API hosted at this URL.'),
    ),
  }
}

export const bitbucket: LookAlike<BitbucketAccount> = {
  label: 'Bitbucket (sandbox)',
  client: { id: 'kBtSandboxQ7mX2vLr9', secret: 'bitbucketSandboxW8dKx3RqVn5TzLm2' },
  paths,
  authorizeParams: { scope: 'account email' },
  account: ({ key, name, email, verified }) => ({
    uuid: `{${uuid(`bitbucket ${key}`)}}`,
    account_id: `557058:${uuid(`bitbucket account ${key}`)}`,
    account_status: 'active',
    type: 'user',
    display_name: name,
    nickname: `${key}${digits(`bitbucket ${key}`, 3)}`,
    emails: [{ email, is_primary: true, is_confirmed: verified }],
  }),
  people: {
    linus: (account) => ({ ...account, emails: [] }),
    zoe(account) {
      const others = Array.from({ length: 33 }, (_, n) => ({
        email: `zoe+${n + 1}@example.net`,
        is_primary: false,
        is_confirmed: n % 2 === 0,
      }))
      // The primary address is on the fourth page of ten.
      return { ...account, emails: [...others, ...account.emails] }
    },
  },
  subject: (account) => account.uuid,
  create: createBitbucket,
}
