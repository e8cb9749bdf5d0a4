/**
 * Facebook, as documented at https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow,
 * https://developers.facebook.com/docs/graph-api/guides/error-handling and
 * https://developers.facebook.com/docs/facebook-login/guides/permissions/request-revoke. There are no refresh tokens,
 * and the texts of its errors are those that it really sends.
 */
import { createHmac } from 'node:crypto'
import { authorizationEndpoint } from '../authorization.ts'
import type { Client } from '../clients.ts'
import { errorPage } from '../consent.ts'
import { type Answer, bearer, json, type ProviderRequest, reader, routed } from '../exchange.ts'
import type { Token } from '../grants.ts'
import type { Behavior, LookAlike, Place } from '../look-alike.ts'
import { digest, digits } from '../people.ts'
import { randomText } from '../random.ts'
import { authenticateClient, holderOf, issueTokens, tokenEndpoint } from '../token-endpoint.ts'

const paths = {
  authorize: '/v24.0/dialog/oauth',
  token: '/v24.0/oauth/access_token',
  userinfo: '/v24.0/me',
  revoke: '/v24.0/me/permissions',
}
const LIFETIME = 5_183_944

type FacebookAccount = { id: string; name: string; email?: string; picture: { url: string; is_silhouette: boolean } }
type FacebookSwitches = {
  /** The app's setting "Require app secret". */
  requireProof: boolean
}

type Refusal = { code: number; error_subcode?: number; type?: string }
const refuse = (message: string, { code, error_subcode, type = 'OAuthException' }: Refusal): Answer =>
  json(
    400,
    { error: { message, type, code, ...(error_subcode !== undefined && { error_subcode }), fbtrace_id: 'AbCdEf123' } },
    { 'www-authenticate': `OAuth "Facebook Platform" "invalid_request" "${message}"` },
  )
const invalidCode = (message: string, error_subcode?: number) =>
  refuse(message, { code: 100, ...(error_subcode !== undefined && { error_subcode }) })

function createFacebook(place: Place<FacebookAccount, FacebookSwitches>): Behavior {
  const { grants, codes, switches } = place

  const authorize = authorizationEndpoint(
    place,
    {
      client: () => errorPage(400, 'Error', 'Invalid App ID: The provided app ID does not look like a valid app ID.'),
      redirectUri: () =>
        errorPage(400, 'URL Blocked', 'This redirect failed because the redirect URI is not white-listed.'),
      challenge: () => errorPage(400, 'Error', 'Invalid code_challenge_method'),
    },
    () => ({
      code: () => `AQ${randomText(150)}`,
      denial: {
        error: 'access_denied',
        error_code: '200',
        error_description: 'Permissions error',
        error_reason: 'user_denied',
      },
    }),
  )

  function authenticate(request: ProviderRequest): Client | Answer {
    const client = authenticateClient(place, request, { methods: 'post' })
    switch (client) {
      case 'no_id':
        return refuse('Missing client_id parameter.', { code: 101 })
      case 'unknown':
        return refuse('Error validating application. Invalid application ID.', { code: 101 })
      case 'no_secret':
        return refuse('Missing client_secret parameter.', { code: 1 })
      case 'wrong_secret':
        return refuse('Error validating client secret.', { code: 1 })
    }
    return client
  }

  const token = (request: ProviderRequest) => {
    const value = reader(request)('code') ?? ''
    return tokenEndpoint(place, {
      authenticate,
      issue(of) {
        const access = `EAAB${randomText(140)}`
        const { scope: _scope, ...issued } = issueTokens(place, of, { access, seconds: LIFETIME })
        return json(200, { ...issued, token_type: 'bearer' })
      },
      renew: () => invalidCode('Invalid grant_type: refresh_token'),
      refuse: {
        code: () =>
          value.startsWith('AQ')
            ? invalidCode('This authorization code has been used.', 36009)
            : invalidCode('Invalid verification code format.'),
        redirectUri() {
          // A failed attempt uses up the code.
          codes.spend(value)
          const detail =
            'Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request'
          return invalidCode(`Error validating verification code. ${detail}`, 36008)
        },
        verifier: () => invalidCode('Invalid code_verifier.'),
        refreshToken: () => invalidCode('Invalid grant_type: refresh_token'),
        grantType: (kind) => invalidCode(`Invalid grant_type: ${kind ?? ''}`),
      },
    })(request)
  }

  function signedIn(request: ProviderRequest, answer: (token: Token, account: FacebookAccount) => Answer): Answer {
    const holder = holderOf(place, request)
    if (holder === undefined)
      return refuse('Error validating access token: The session is invalid.', { code: 190, error_subcode: 467 })
    const proof = request.query.get('appsecret_proof')
    const expected = createHmac('sha256', place.client.secret)
      .update(bearer(request) ?? '')
      .digest('hex')
    if (proof === null ? switches.requireProof : proof !== expected)
      return refuse(
        proof === null
          ? 'API calls from the server require an appsecret_proof argument'
          : 'Invalid appsecret_proof provided in the API argument',
        { code: 100, type: 'GraphMethodException' },
      )
    return answer(holder.token, holder.account)
  }

  const userinfo = (request: ProviderRequest) =>
    signedIn(request, ({ scopes }, { id, name, email, picture }) => {
      const fields = (request.query.get('fields') ?? 'id,name').split(',').map((field) => field.split('.')[0])
      return json(200, {
        id,
        ...(fields.includes('name') && { name }),
        ...(fields.includes('email') && scopes.includes('email') && email !== undefined && { email }),
        ...(fields.includes('picture') && { picture: { data: { height: 200, width: 200, ...picture } } }),
      })
    })

  /** Ends the whole consent of this user and app. */
  const revoke = (request: ProviderRequest) =>
    signedIn(request, ({ grant }) => {
      grants.withdraw((other) => other === grant)
      return json(200, { success: true })
    })

  const route = routed(paths, { authorize, token, userinfo }, () => refuse('Unknown path components', { code: 2500 }))
  return {
    answer: (request) =>
      request.method === 'DELETE' && request.path === paths.revoke ? revoke(request) : route(request),
  }
}

export const facebook: LookAlike<FacebookAccount, FacebookSwitches> = {
  label: 'Facebook (sandbox)',
  client: { id: '1234567890123456', secret: 'facebook5a7c0d9e3b1f4862sandbox0' },
  paths,
  authorizeParams: { scope: 'public_profile email' },
  hasRefreshTokens: false,
  account: ({ key, name, email }) => ({
    id: `1015${digits(`facebook ${key}`, 13)}`,
    name,
    email,
    picture: {
      url: `https://platform-lookaside.fbsbx.com/platform/profilepic/?asid=${digest(`facebook ${key}`).slice(0, 16)}`,
      is_silhouette: false,
    },
  }),
  // He signed up with a telephone number.
  people: {
    linus: ({ email: _email, ...account }) => ({ ...account, picture: { ...account.picture, is_silhouette: true } }),
  },
  subject: ({ id }) => id,
  switches: () => ({ requireProof: false }),
  create: createFacebook,
}
