/**
 * Discord, as documented at https://discord.com/developers/docs/topics/oauth2 and
 * https://discord.com/developers/docs/resources/user. That PKCE works together with a secret is known only from its
 * issues: https://github.com/discord/discord-api-docs/issues/5254.
 */
import { authorizationEndpoint } from '../authorization.ts'
import { errorPage } from '../consent.ts'
import { type Answer, isAnswer, json, type ProviderRequest, reader, routed } from '../exchange.ts'
import type { Behavior, LookAlike, Person, Place } from '../look-alike.ts'
import { digest, digits } from '../people.ts'
import { randomText } from '../random.ts'
import { authenticateClient, holderOf, issueTokens, type TokenOrigin, tokenEndpoint } from '../token-endpoint.ts'

const paths = {
  authorize: '/oauth2/authorize',
  token: '/api/oauth2/token',
  userinfo: '/api/v10/users/@me',
  revoke: '/api/oauth2/token/revoke',
}

const accountOf = ({ key, name, email, verified }: Person) => ({
  id: `8${digits(`discord ${key}`, 17)}`,
  username: key,
  global_name: name,
  avatar: digest(`discord ${key}`).slice(0, 32) as string | null,
  email: email as string | null,
  verified,
})
type DiscordAccount = ReturnType<typeof accountOf>

const refuse = (status: number, error: string, detail?: string) => json(status, { error, error_description: detail })
const invalid = (field: string) => refuse(400, 'invalid_grant', `Invalid "${field}" in request.`)
const apiError = (status: number, message: string) => json(status, { message: `${status}: ${message}`, code: 0 })

function createDiscord(place: Place<DiscordAccount>): Behavior {
  const { grants } = place

  const authorize = authorizationEndpoint(
    place,
    {
      client: () => errorPage(400, 'Error', 'Unknown Application'),
      redirectUri: () => errorPage(400, 'Error', 'Invalid OAuth2 redirect_uri'),
      responseType: (back) => back({ error: 'unsupported_response_type' }),
      challenge: (back) => back({ error: 'invalid_request', error_description: 'Unsupported "code_challenge_method"' }),
    },
    () => ({
      code: () => randomText(22),
      denial: { error: 'access_denied', error_description: 'The resource owner denied the request' },
    }),
  )

  /** "In accordance with the relevant RFCs, the token and token revocation URLs will only accept" forms. */
  function authenticate(request: ProviderRequest) {
    if (!request.headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
      return apiError(400, 'Bad Request')
    const client = authenticateClient(place, request)
    return typeof client === 'object' ? client : refuse(401, 'invalid_client')
  }

  const issue = (of: TokenOrigin): Answer =>
    json(200, issueTokens(place, of, { access: randomText(22), seconds: 604_800, refresh: randomText(22) }))

  const token = tokenEndpoint(place, {
    authenticate,
    issue,
    renew(old) {
      old.dead = true
      return issue(old)
    },
    refuse: {
      code: () => invalid('code'),
      redirectUri: () => invalid('redirect_uri'),
      verifier: (problem) =>
        problem === 'missing' ? refuse(400, 'invalid_request', 'Missing "code_verifier"') : invalid('code_verifier'),
      refreshToken: () => invalid('refresh_token'),
      grantType: () => refuse(400, 'unsupported_grant_type'),
    },
  })

  /** "All of your application's access and refresh tokens for that user are immediately invalidated." */
  function revoke(request: ProviderRequest): Answer {
    const client = authenticate(request)
    if (isAnswer(client)) return client
    const value = reader(request)('token')
    const known = grants.known('access', value) ?? grants.known('refresh', value)
    if (known?.grant.clientId === client.id) grants.withdraw((grant) => grant === known.grant)
    return json(200, {})
  }

  function userinfo(request: ProviderRequest): Answer {
    const holder = holderOf(place, request)
    if (holder === undefined) return apiError(401, 'Unauthorized')
    const { email, verified, ...account } = holder.account
    const isShared = holder.token.scopes.includes('email')
    return json(200, { ...account, discriminator: '0', locale: 'en-US', ...(isShared && { email, verified }) })
  }

  return { answer: routed(paths, { authorize, token, userinfo, revoke }, () => apiError(404, 'Not Found')) }
}

export const discord: LookAlike<DiscordAccount> = {
  label: 'Discord (sandbox)',
  client: { id: '1180000000000000001', secret: 'discord-sandbox-9kWm2Xv7Qr4Tn6Zp' },
  paths,
  authorizeParams: { scope: 'identify email' },
  account: accountOf,
  people: { linus: (account) => ({ ...account, email: null, verified: false, avatar: null }) },
  subject: ({ id }) => id,
  create: createDiscord,
}
