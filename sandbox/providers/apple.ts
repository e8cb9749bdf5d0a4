/**
 * Sign in with Apple, as documented at https://developer.apple.com/documentation/signinwithapplerestapi: a signed client
 * secret, a callback as a form, and the name only at the first consent.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import { readAuthorization } from '../authorization.ts'
import { APP_NAME, type Client } from '../clients.ts'
import { askPerson, errorPage } from '../consent.ts'
import { type Answer, empty, isAnswer, json, type ProviderRequest, reader, routed } from '../exchange.ts'
import { formPostPage } from '../form-post.ts'
import { sign } from '../id-token.ts'
import type { Behavior, Holder, LookAlike, Place } from '../look-alike.ts'
import { digest, givenAndFamily } from '../people.ts'
import { newFamily, randomHex, randomText } from '../random.ts'
import { issueTokens, redeemCode, usableRefreshToken } from '../token-endpoint.ts'

type AppleAccount = {
  sub: string
  firstName: string
  lastName: string
  /** The address of the Apple Account. Absent at some organizations. */
  email?: string
  verified: boolean
  /** The user hides the address behind this relay address. */
  relay?: string
}

type AppleSwitches = {
  /** Apple sends its booleans as text or as booleans. */
  booleans: 'text' | 'boolean'
  /** The claim of a user whose app moved to this developer team within the last sixty days. */
  transferSub: string | null
  /** Whether the id_token repeats the nonce. */
  nonce: boolean
}

const ISSUER = 'https://appleid.apple.com'
const TEAM_ID = 'SANDBOX1TM'
const KEY_ID = 'SANDBOX1KY'
const LIFETIME = 3600
const ID_TOKEN_LIFETIME = 86_400
/** "…no greater than 15777000 (six months in seconds) from the current Unix time on the server" */
const MOST_SECRET_SECONDS = 15_777_000

// The key is created for each process, and is not valid anywhere else. Escaped line breaks fit in one line.
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicKey = createPublicKey(privateKey)
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString().trim()
const client: Client = { id: 'com.example.vinculum.web', secret: pem.replaceAll('\n', '\\n') }

const refuse = (error: string, error_description?: string): Answer =>
  json(400, { error, ...(error_description !== undefined && { error_description }) })

function createApple(place: Place<AppleAccount, AppleSwitches>): Behavior {
  const { grants, codes, switches, registry, keys } = place

  function authorize(request: ProviderRequest): Answer | Promise<Answer> {
    const { query } = request
    const invalid = (detail: string): Answer => errorPage(400, 'Invalid request', detail)
    const authorization = readAuthorization(place, request, {
      client: () => invalid('invalid_client'),
      redirectUri: () => invalid('Invalid web redirect url.'),
      responseType: () => invalid('unsupported_response_type'),
      challenge: () => invalid('invalid_request'),
    })
    if (isAnswer(authorization)) return authorization
    const { redirectUri, scopes, challenge, client: app } = authorization
    const asksForData = scopes.some((scope) => scope === 'name' || scope === 'email')
    if (asksForData && query.get('response_mode') !== 'form_post')
      return invalid('response_mode must be form_post when name or email scope is requested.')
    const state = query.get('state') ?? undefined
    const back = (params: Record<string, string>): Answer => formPostPage(redirectUri, { state, ...params })

    function chosen({ key: person, account }: Holder<AppleAccount>): Answer {
      const isFirst = grants.find(app.id, person) === undefined
      grants.allow(app.id, person, scopes)
      const nonce = query.get('nonce') ?? undefined
      const value = `c${randomHex(16)}.0.m${randomText(16)}`
      const code = codes.issue({
        value,
        clientId: app.id,
        redirectUri,
        person,
        scopes,
        challenge,
        nonce,
        offline: true,
      })
      const { firstName, lastName } = account
      const user = JSON.stringify({ name: { firstName, lastName }, email: addressOf(account) })
      return back({ code, ...(isFirst && scopes.includes('name') && { user }) })
    }
    return askPerson(place, request, {
      app: APP_NAME,
      scopes,
      chosen,
      denied: () => back({ error: 'user_cancelled_authorize' }),
    })
  }

  /** The client that signed this secret. Apple accepts it in the body only. */
  async function authenticate(request: ProviderRequest): Promise<Client | Answer> {
    const field = reader(request)
    const found = registry.find(field('client_id') ?? '')
    const now = place.now()
    try {
      const { payload, protectedHeader } = await jwtVerify(field('client_secret') ?? '', publicKey, {
        algorithms: ['ES256'],
        issuer: TEAM_ID,
        audience: ISSUER,
        subject: found?.id ?? '',
        requiredClaims: ['iat', 'exp'],
        currentDate: now,
      })
      const { exp = Number.POSITIVE_INFINITY, iat = Number.POSITIVE_INFINITY } = payload
      const seconds = now.getTime() / 1000
      const isTimely = exp - seconds <= MOST_SECRET_SECONDS && iat <= seconds
      return found && protectedHeader.kid === KEY_ID && isTimely ? found : refuse('invalid_client')
    } catch {
      return refuse('invalid_client')
    }
  }

  const truth = (value: boolean): boolean | string => (switches.booleans === 'text' ? String(value) : value)

  function idToken(
    app: Client,
    account: AppleAccount,
    { access, nonce }: { access: string; nonce?: string | undefined },
  ) {
    const issued = Math.floor(place.now().getTime() / 1000)
    const email = addressOf(account)
    return sign(place, {
      iss: ISSUER,
      aud: app.id,
      exp: issued + ID_TOKEN_LIFETIME,
      iat: issued,
      sub: account.sub,
      ...(nonce !== undefined && switches.nonce && { nonce }),
      at_hash: createHash('sha256').update(access).digest().subarray(0, 16).toString('base64url'),
      ...(email !== undefined && { email, email_verified: truth(account.verified) }),
      ...(account.relay !== undefined && { is_private_email: truth(true) }),
      ...(switches.transferSub !== null && { transfer_sub: switches.transferSub }),
      auth_time: issued,
      nonce_supported: switches.nonce,
    })
  }

  async function token(request: ProviderRequest): Promise<Answer> {
    const app = await authenticate(request)
    if (isAnswer(app)) return app
    const field = reader(request)
    const access = `a${randomHex(16)}.0.m${randomText(16)}`
    const kind = field('grant_type')
    if (kind === 'refresh_token') {
      const old = usableRefreshToken(place, app, field('refresh_token'))
      const account = old && place.people.get(old.grant.person)?.account
      if (!old || !account) return refuse('invalid_grant', 'The token has expired or has been revoked.')
      const { scope: _scope, ...issued } = issueTokens(place, old, { access, seconds: LIFETIME })
      return json(200, { ...issued, id_token: await idToken(app, account, { access }) })
    }
    if (kind !== 'authorization_code') return refuse('unsupported_grant_type')
    const redeemed = redeemCode(place, app, field, {
      code: () => refuse('invalid_grant', 'The code has expired or has been revoked.'),
      redirectUri: () => refuse('invalid_grant', 'redirect_uri mismatch.'),
      verifier: () => refuse('invalid_grant', 'The code_verifier does not match.'),
    })
    if (isAnswer(redeemed)) return redeemed
    const { code, grant } = redeemed
    const account = place.people.get(code.person)?.account
    if (!account) return refuse('invalid_grant')
    const refresh = `r${randomHex(16)}.0.m${randomText(16)}`
    const { scope: _scope, ...issued } = issueTokens(
      place,
      { grant, scopes: code.scopes, family: newFamily() },
      { access, seconds: LIFETIME, refresh },
    )
    return json(200, { ...issued, id_token: await idToken(app, account, { access, nonce: code.nonce }) })
  }

  /** Revokes the whole consent of the user: https://developer.apple.com/documentation/signinwithapplerestapi/revoke-tokens */
  async function revoke(request: ProviderRequest): Promise<Answer> {
    const app = await authenticate(request)
    if (isAnswer(app)) return app
    const value = reader(request)('token')
    if (value === undefined) return refuse('invalid_request')
    const known = grants.known('refresh', value) ?? grants.known('access', value)
    if (known?.grant.clientId === app.id)
      grants.withdraw((grant) => grant.person === known.grant.person && grant.clientId === app.id)
    return empty(200)
  }

  const published = async (): Promise<Answer> =>
    json(200, { keys: (await keys.published('RS256')).map((key) => key.public) })

  return {
    answer: routed(apple.paths, { authorize, token, revoke, jwks: published }, () =>
      errorPage(404, 'Not Found', 'The requested URL was not found.'),
    ),
  }
}

const addressOf = ({ email, relay }: AppleAccount): string | undefined => relay ?? email

export const apple: LookAlike<AppleAccount, AppleSwitches> = {
  label: 'Apple (sandbox)',
  client,
  paths: { authorize: '/auth/authorize', token: '/auth/token', revoke: '/auth/revoke', jwks: '/auth/keys' },
  settings: () => ({ CLIENT_SECRET: null, TEAM_ID, KEY_ID, PRIVATE_KEY: client.secret }),
  signSecret: (at) => {
    const now = Math.floor(at.getTime() / 1000)
    return new SignJWT({ iss: TEAM_ID, iat: now, exp: now + 60, aud: ISSUER, sub: client.id })
      .setProtectedHeader({ alg: 'ES256', kid: KEY_ID })
      .sign(createPrivateKey(pem))
  },
  authorizeParams: { scope: 'openid email name', response_mode: 'form_post' },
  denial: 'user_cancelled_authorize',
  account({ key, name, email, verified }) {
    const { given_name: firstName, family_name: lastName = '' } = givenAndFamily(name)
    const id = digest(`apple ${key}`)
    return { sub: `00${id.slice(0, 4)}.${id.slice(4, 36)}.0817`, firstName, lastName, email, verified }
  },
  people: {
    linus: (account) => ({ ...account, relay: 'q7x2m9k4tz@privaterelay.appleid.com' }),
    grace: (account) => ({ ...account, email: 'grace@icloud.com' }),
  },
  subject: ({ sub }) => sub,
  hints: ({ email, relay }) => [email, relay],
  switches: () => ({ booleans: 'text', transferSub: null, nonce: true }),
  create: createApple,
}
