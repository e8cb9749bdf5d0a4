import { z } from 'zod'
import { deviceGrant, paths } from '../../applications/metadata.ts'
import { hasDeviceFlow } from '../../applications/policy.ts'
import { type AppError, fail } from '../../errors/catalogue.ts'
import { ok, type Result } from '../../kernel/result.ts'
import type { EngineResponse } from '../../openid/call.ts'
import { readApplication } from '../client.ts'
import { json } from '../reply.ts'
import { object, route } from '../route.ts'
import { storable } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { serverMetadataRoutes } from './server-metadata.ts'
import { introspection } from './service-credentials.ts'
import { userInfoRoutes } from './userinfo.ts'

/** The endpoints of the OpenID provider that programs call. Those for browsers are in `pages/oauth.tsx`. */

const common = { tag: 'OpenID provider', surface: 'api' } as const
const endpoint = { ...common, auth: 'none', limit: 'token', oauth: 'standard', anyOrigin: true, form: true } as const

const text = (most: number) => storable(most).optional()
const clientFields = {
  client_id: text(256).describe('The application ID, unless it is sent with HTTP Basic'),
  client_secret: text(512).describe('The client secret, of an application registered with `client_secret_post`'),
  client_assertion: text(8192).describe('A signed JWT, of an application registered with `private_key_jwt` (RFC 7523)'),
  client_assertion_type: text(128).describe('`urn:ietf:params:oauth:client-assertion-type:jwt-bearer`'),
}
const dpopHeader = { DPoP: 'A proof of the key that the tokens are bound to (RFC 9449)' }
const resource = z.array(storable(2048)).max(20).optional().describe('The resource the token is for (RFC 8707)')

/** The fields of a form as pairs of text again, for the engine. */
const pairsOf = (fields: Readonly<Record<string, unknown>>): readonly (readonly [string, string])[] =>
  Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => (typeof one === 'string' ? [[name, one] as const] : [])),
  )
export const formOf = (fields: Readonly<Record<string, unknown>>): string =>
  new URLSearchParams(pairsOf(fields).map((pair) => [...pair])).toString()

const EngineError = z.looseObject({ error: z.string() })
const deviceCodes = ['device_pending', 'device_refused', 'device_code_expired'] as const
const engineCodes = [
  ...deviceCodes,
  'invalid_client',
  'grant_invalid',
  'dpop_proof_invalid',
  'dpop_nonce_invalid',
  'request_object_invalid',
  'scope_invalid',
  'resource_invalid',
  'response_type_unsupported',
  'grant_type_unsupported',
  'invalid_request',
] as const
type EngineCode = (typeof engineCodes)[number]
const codes: Readonly<Record<string, Exclude<EngineCode, 'invalid_request'>>> = {
  invalid_client: 'invalid_client',
  invalid_grant: 'grant_invalid',
  authorization_pending: 'device_pending',
  access_denied: 'device_refused',
  expired_token: 'device_code_expired',
  invalid_dpop_proof: 'dpop_proof_invalid',
  use_dpop_nonce: 'dpop_nonce_invalid',
  invalid_request_object: 'request_object_invalid',
  invalid_scope: 'scope_invalid',
  invalid_target: 'resource_invalid',
  unsupported_grant_type: 'grant_type_unsupported',
  unsupported_response_type: 'response_type_unsupported',
}

/** The engine's response as one of ours. Its error descriptions may quote the request, so they are not passed on. */
function readEngine<S extends z.ZodType>(
  { status, body }: EngineResponse,
  schema: S,
  nonce: string | null = null,
): Result<z.output<S>, AppError<EngineCode>> {
  const content: unknown = JSON.parse(body)
  if (status < 400) return ok(schema.parse(content))
  const { error } = EngineError.parse(content)
  const code = codes[error] ?? 'invalid_request'
  return code === 'dpop_nonce_invalid' ? fail(code, undefined, { extra: { nonce } }) : fail(code)
}

/** With which nonce the next proof is accepted at once (RFC 9449 §8.2). */
const nonceHeader = (nonce: string | null) => (nonce === null ? {} : { headers: { 'DPoP-Nonce': nonce } })

const Tokens = z
  .object({
    access_token: z.string().describe('The access token: a JWT for one resource'),
    token_type: z.enum(['Bearer', 'DPoP']).describe('How the access token is sent: `DPoP` if it is bound to a key'),
    expires_in: z.number().int().describe('Seconds until the access token expires'),
    refresh_token: z.string().optional().describe('The refresh token; each is exchanged once'),
    id_token: z.string().optional().describe('Who signed in, for the application; only with a code'),
    scope: z.string().optional().describe('The scopes of the access token, separated by spaces'),
  })
  .meta({ id: 'ApplicationTokens', description: 'The tokens of an application' })

/** The grants of the token endpoint, as its metadata names them. */
const grantTypes: ReadonlySet<string> = new Set([
  'authorization_code',
  'refresh_token',
  'client_credentials',
  deviceGrant,
])

const token = route({
  ...endpoint,
  method: 'post',
  path: paths.token,
  headers: dpopHeader,
  summary: 'Get tokens for an application',
  description:
    'Exchanges a code (`authorization_code`, with PKCE) or a refresh token. A machine gets a token for one resource (`client_credentials`). A refresh may be repeated: concurrent requests, and a request whose response was lost, get the same refresh token.',
  example: {
    request: { grant_type: 'refresh_token', client_id: 'app_00000001', refresh_token: 'a-refresh-token' },
    response: {
      access_token: 'an-access-token',
      token_type: 'Bearer',
      expires_in: 1800,
      refresh_token: 'the-next-refresh-token',
      scope: 'openid profile email',
    },
  },
  // RFC 6749 §3.2: unknown parameters are ignored.
  body: z
    .looseObject({
      grant_type: storable(128).describe('`authorization_code`, `refresh_token` or `client_credentials`'),
      code: text(1024).describe('With `authorization_code`: the code'),
      code_verifier: text(256).describe('With `authorization_code`: the PKCE code verifier (RFC 7636)'),
      redirect_uri: text(2048).describe('With `authorization_code`: as in the authorization request'),
      device_code: text(256).describe('With the device flow: the code of the device (RFC 8628)'),
      refresh_token: text(8192).describe('With `refresh_token`: the refresh token'),
      scope: text(1024).describe('Fewer scopes than granted; with `client_credentials`, than registered'),
      resource,
      ...clientFields,
    })
    .meta({ id: 'ApplicationTokenRequest', description: 'The token request of an application' }),
  reply: () => Tokens,
  fails: [...engineCodes, 'device_too_soon', 'client_not_allowed'],
  async handle({ body, header, origin }, { applications, flows, openid }: Services) {
    if (!grantTypes.has(body.grant_type)) return fail('grant_type_unsupported')
    const authorization = header('authorization')
    const proof = header('dpop')
    const renewed = proof === undefined ? {} : nonceHeader(openid.nonce())
    const application = await applications.authenticate(readApplication(authorization, body), origin)
    if (!application.ok) return application
    const { device_code: deviceCode } = body
    if (body.grant_type === deviceGrant && !hasDeviceFlow(application.value)) return fail('client_not_allowed')
    if (deviceCode !== undefined && (await openid.isTooSoon(application.value, deviceCode)))
      return fail('device_too_soon')
    if (body.grant_type === 'authorization_code' || body.grant_type === deviceGrant) {
      const answer = await openid.post(paths.token, application.value, pairsOf(body), proof, origin)
      const done = readEngine(answer, Tokens, openid.nonce())
      return done.ok ? ok(json(done.value, renewed)) : done
    }
    const { refresh_token: given = '', scope, resource: resources = [] } = body
    const key = await openid.keyOf(proof)
    if (!key.ok) return key
    const type = key.value === null ? ('Bearer' as const) : ('DPoP' as const)
    if (body.grant_type === 'client_credentials') {
      const done = await flows.issueMachineToken(application.value, { scope, resources, dpopKey: key.value }, origin)
      if (!done.ok) return done
      const { accessToken, expiresIn, scope: granted } = done.value
      return ok(json({ access_token: accessToken, token_type: type, expires_in: expiresIn, scope: granted }, renewed))
    }
    const [asked, ...others] = resources
    if (others.length > 0) return fail('resource_invalid')
    const request = { scope, resource: asked, dpopKey: key.value }
    const done = await flows.refreshApplication(application.value, given, request, origin)
    if (!done.ok) return done
    const { accessToken, refreshToken, expiresIn, scope: granted } = done.value
    return ok(
      json(
        {
          access_token: accessToken,
          token_type: type,
          expires_in: expiresIn,
          refresh_token: refreshToken,
          scope: granted,
        },
        renewed,
      ),
    )
  },
})

const Pushed = z
  .object({
    request_uri: z.string().describe('Names the request, at the authorization endpoint'),
    expires_in: z.number().int().describe('Seconds until it expires'),
  })
  .meta({ id: 'PushedRequest', description: 'A stored authorization request' })

const par = route({
  ...endpoint,
  method: 'post',
  path: paths.par,
  headers: dpopHeader,
  summary: 'Push an authorization request',
  description:
    'Stores the parameters of an authorization request, and returns a `request_uri` for the browser (RFC 9126).',
  example: {
    request: { client_id: 'app_00000001', response_type: 'code', redirect_uri: 'https://shop.example.org/callback' },
    response: { request_uri: 'urn:ietf:params:oauth:request_uri:a-request', expires_in: 60 },
  },
  body: z
    .looseObject({ resource, ...clientFields })
    .meta({ id: 'PushedRequestParameters', description: 'The parameters of an authorization request' }),
  reply: () => Pushed,
  status: 201,
  fails: engineCodes,
  async handle({ body, header, origin }, { applications, documents, openid }: Services) {
    const presented = readApplication(header('authorization'), body)
    if (presented) await documents.prepare(presented.id, origin)
    const application = await applications.authenticate(presented, origin)
    if (!application.ok) return application
    const answer = await openid.post(paths.par, application.value, pairsOf(body), header('dpop'), origin)
    const done = readEngine(answer, Pushed, openid.nonce())
    return done.ok ? ok(json(done.value, nonceHeader(openid.nonce()))) : done
  },
})

const DeviceAuthorization = z
  .object({
    device_code: z.string().describe('The code with which the device gets tokens'),
    user_code: z.string().describe('The code that the device shows, for the person to type'),
    verification_uri: z.string().describe('Where the person types it, with any browser'),
    expires_in: z.number().int().describe('Seconds until both codes expire'),
    interval: z.number().int().describe('The least number of seconds between two token requests'),
  })
  .meta({ id: 'DeviceAuthorization', description: 'The codes of a device' })
/** RFC 8628 §3.2. */
const pollSeconds = 5

const device = route({
  ...endpoint,
  method: 'post',
  path: paths.device,
  summary: 'Start a sign-in on a device',
  description:
    'For applications on a device without a browser (RFC 8628). The device shows the code and the address, and asks for tokens until the person has decided. No address with the code in it is offered: it would make it easier to trick people.',
  example: {
    request: { client_id: 'app_00000001', scope: 'openid profile offline_access' },
    response: {
      device_code: 'a-device-code',
      user_code: 'BCDF-GHJK',
      verification_uri: 'https://id.example.org/device',
      expires_in: 600,
      interval: pollSeconds,
    },
  },
  body: z
    .looseObject({ scope: text(1024).describe('The scopes, separated by spaces'), resource, ...clientFields })
    .meta({ id: 'DeviceAuthorizationRequest', description: 'What the device asks for' }),
  reply: () => DeviceAuthorization,
  fails: [...engineCodes, 'client_not_allowed'],
  async handle({ body, header, origin }, { applications, openid }: Services) {
    const application = await applications.authenticate(readApplication(header('authorization'), body), origin)
    if (!application.ok) return application
    if (!hasDeviceFlow(application.value)) return fail('client_not_allowed')
    const answer = await openid.post(paths.device, application.value, pairsOf(body), undefined, origin)
    const done = readEngine(answer, DeviceAuthorization.omit({ interval: true }))
    return done.ok ? ok(json({ ...done.value, interval: pollSeconds })) : done
  },
})

const revoke = route({
  ...endpoint,
  method: 'post',
  path: paths.revoke,
  summary: 'Revoke a token of an application',
  description:
    'Ends the sign-in of an application’s token (RFC 7009). The user stays signed in here. An unknown token gets the same response.',
  example: { request: { token: 'a-refresh-token', client_id: 'app_00000001' }, response: {} },
  body: z
    .looseObject({
      token: storable(8192).min(1).describe('An access token or a refresh token'),
      token_type_hint: text(64).describe('Ignored: both types are recognized'),
      ...clientFields,
    })
    .meta({ id: 'ApplicationRevocationRequest', description: 'The token to revoke' }),
  reply: () => z.object({}).describe('The token is revoked, or was never valid'),
  fails: ['invalid_client'],
  async handle({ body, header, origin }, { applications, flows }: Services) {
    const application = await applications.authenticate(readApplication(header('authorization'), body), origin)
    if (!application.ok) return application
    await flows.revokeApplicationToken(application.value, body.token, origin)
    return ok(json({}))
  },
})

export const oauthRoutes = [
  ...serverMetadataRoutes,
  token,
  par,
  device,
  ...userInfoRoutes,
  revoke,
  introspection(paths.introspect, 'Introspect a token of an application'),
]

/** For the pages: whether a request has parameters that the engine can read. */
export const authorizationParameters = object({}).loose().extend({ resource })
