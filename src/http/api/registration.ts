import { z } from 'zod'
import type { Refused } from '../../applications/applications.ts'
import { clientMetadataLimits, clientMetadataOf } from '../../applications/client-metadata.ts'
import { paths } from '../../applications/metadata.ts'
import {
  applicationAuths,
  applicationLimits,
  idTokenAlgorithms,
  registrationTokenLimits,
  subjectTypes,
} from '../../applications/policy.ts'
import type { Application, RegistrationToken } from '../../applications/ports.ts'
import { fail } from '../../errors/catalogue.ts'
import { epochSeconds } from '../../kernel/clock.ts'
import { ok } from '../../kernel/result.ts'
import { json, noContent } from '../reply.ts'
import { object, route } from '../route.ts'
import { idParams, line, storable, time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { applicationParams, fieldFaultOf } from './applications.ts'

/** Applications register themselves (RFC 7591) and manage their registration (RFC 7592). */
const endpoint = {
  tag: 'OpenID provider',
  surface: 'api',
  auth: 'none',
  credential: 'registration',
  limit: 'token',
  oauth: 'standard',
  anyOrigin: true,
} as const

const uri = storable(applicationLimits.uriLength)
const uris = z.array(uri).max(applicationLimits.uris)
const words = z.array(storable(128)).max(20)

/** RFC 7591 §2. Other members are ignored; with `null`, a member has its default. */
const metadata = {
  redirect_uris: uris.nullish().describe('Where people may return to, compared character by character'),
  client_name: storable(applicationLimits.nameLength).nullish().describe('The name that people see, with its host'),
  application_type: z
    .enum(['web', 'native'])
    .nullish()
    .describe('`native` for a program on the device of a person. By default the redirect URIs decide.'),
  token_endpoint_auth_method: z
    .enum(applicationAuths)
    .nullish()
    .describe('How it authenticates: `client_secret_basic` by default, or `none` for a native application'),
  grant_types: words.nullish().describe('Has `authorization_code`; `refresh_token` for refresh tokens'),
  response_types: words.nullish().describe('Has `code`'),
  scope: storable(1024).nullish().describe('What it may ask for, separated by spaces; other scopes are left out'),
  post_logout_redirect_uris: uris.nullish().describe('Where people may return to after signing out'),
  backchannel_logout_uri: uri.nullish().describe('Where it is notified when a session ends'),
  jwks: z
    .looseObject({
      keys: z
        .array(z.record(z.string().max(64), z.unknown()))
        .max(applicationLimits.keys)
        .describe('The keys, as JSON Web Keys'),
    })
    .transform(({ keys }) => ({ keys }))
    .nullish()
    .describe('Its public keys (RFC 7517)'),
  jwks_uri: uri.nullish().describe('Where it publishes its keys instead of `jwks`'),
  dpop_bound_access_tokens: z.boolean().nullish().describe('Whether its tokens must be bound to a key (RFC 9449)'),
  subject_type: z.enum(subjectTypes).nullish().describe('Whether it knows people by account ID, or pairwise'),
  sector_identifier_uri: uri.nullish().describe('A JSON array of redirect URIs, at the host of its sector'),
  id_token_signed_response_alg: z
    .enum(idTokenAlgorithms)
    .nullish()
    .describe('Signing algorithm of its id_tokens and logout tokens: `ES256` by default'),
}
const ClientMetadataSchema = z.looseObject(metadata).meta({
  id: 'ClientMetadata',
  description: `What an application says about itself, with at most ${clientMetadataLimits.uris} URIs`,
})

const Registered = z
  .looseObject({
    client_id: z.string().describe('The application ID'),
    client_id_issued_at: z.number().int().describe('When it was registered, in seconds since 1970'),
    client_secret: z.string().optional().describe('The client secret, shown only once; absent if it has none'),
    client_secret_expires_at: z.number().int().optional().describe('0: the secret does not expire'),
    registration_access_token: z.string().describe('The token with which it manages its registration'),
    registration_client_uri: z.string().describe('Where it manages its registration'),
    client_name: z.string().describe('Its name'),
    redirect_uris: z.array(z.string()).describe('Where people may return to'),
    token_endpoint_auth_method: z.string().describe('How it authenticates at the token endpoint'),
    grant_types: z.array(z.string()).describe('What it may use at the token endpoint'),
    response_types: z.array(z.string()).describe('What it may ask for at the authorization endpoint'),
    scope: z.string().describe('The scopes that it may ask for, separated by spaces'),
    id_token_signed_response_alg: z.enum(idTokenAlgorithms).describe('Signing algorithm of its id_tokens'),
  })
  .meta({ id: 'RegisteredClient', description: 'A registered application, as RFC 7591 describes it' })

type Registration = { readonly secret?: string | null; readonly token: string }
const registeredOf = (
  application: Application,
  { secret = null, token }: Registration,
  { settings }: Services,
): z.input<typeof Registered> => ({
  client_id: application.id,
  client_id_issued_at: epochSeconds(application.createdAt),
  ...(secret === null ? {} : { client_secret: secret }),
  ...(application.secretHash === null ? {} : { client_secret_expires_at: 0 }),
  registration_access_token: token,
  registration_client_uri: new URL(`${paths.register}/${application.id}`, settings.publicUrl).href,
  ...clientMetadataOf(application),
})

/** A refusal of the rules, in the words of RFC 7591 §3.2.2. */
const refusedMetadata = ({ fields }: Refused) => {
  const isRedirect = fields.some(({ path }) => path.startsWith('redirect_uris'))
  return { ...fail(isRedirect ? 'redirect_uri_invalid' : 'client_metadata_invalid'), faults: fields.map(fieldFaultOf) }
}

const example = {
  client_id: 'app_00000001',
  client_id_issued_at: 1_767_866_400,
  registration_access_token: 'a-token-shown-only-once',
  registration_client_uri: 'https://id.example.org/oauth/register/app_00000001',
  client_name: 'Notes',
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/callback'],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope: 'openid profile email offline_access',
  id_token_signed_response_alg: 'ES256' as const,
  subject_type: 'public',
  dpop_bound_access_tokens: false,
}

const register = route({
  ...endpoint,
  method: 'post',
  path: paths.register,
  summary: 'Register an application by itself',
  description:
    'An application registers itself (RFC 7591). With `APPLICATIONS_REGISTRATION=token`, an initial access token is needed; with `open`, none. What it may not have is left out, and the response shows what it got.',
  example: {
    request: {
      client_name: 'Notes',
      redirect_uris: ['http://127.0.0.1/callback'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    },
    response: example,
  },
  body: ClientMetadataSchema,
  unfit: 'client_metadata_invalid',
  reply: () => Registered,
  status: 201,
  fails: [
    'registration_not_offered',
    'registration_token_invalid',
    'redirect_uri_invalid',
    'client_metadata_invalid',
    'too_many_applications',
  ],
  async handle({ bearer, body, origin }, services: Services) {
    const done = await services.registrations.register(bearer, body, origin)
    if (!done.ok)
      return 'fields' in done.error ? refusedMetadata(done.error) : { ok: false as const, error: done.error }
    const { application, secret, managementToken: token } = done.value
    return ok(json(registeredOf(application, { secret, token }, services), { status: 201 }))
  },
})

const managing = { ...endpoint, path: `${paths.register}/:id`, params: applicationParams } as const

const read = route({
  ...managing,
  method: 'get',
  summary: 'Get the registration of an application',
  description:
    'What is registered (RFC 7592), for the application itself, with its `registration_access_token`. The secret is never shown again.',
  example: { response: example },
  reply: () => Registered,
  fails: ['registration_not_offered', 'registration_token_invalid'],
  async handle({ params, bearer }, services: Services) {
    const found = await services.registrations.find(params.id, bearer)
    return found.ok ? ok(json(registeredOf(found.value, { token: bearer ?? '' }, services))) : found
  },
})

const replace = route({
  ...managing,
  method: 'put',
  summary: 'Replace the registration of an application',
  description:
    'Replaces what is registered (RFC 7592). A member that is left out has its default again. The kind of application stays.',
  example: { request: { client_id: 'app_00000001', client_name: 'Notes' }, response: example },
  body: ClientMetadataSchema.extend({
    client_id: storable(128).describe('The application ID'),
    client_secret: storable(512).nullish().describe('Its present secret; a secret cannot be chosen'),
  }).meta({ id: 'ClientMetadataReplacement', description: 'What an application says about itself from now on' }),
  unfit: 'client_metadata_invalid',
  reply: () => Registered,
  fails: ['registration_not_offered', 'registration_token_invalid', 'redirect_uri_invalid', 'client_metadata_invalid'],
  async handle({ params, bearer, body, origin }, services: Services) {
    const { registrations } = services
    const found = await registrations.find(params.id, bearer)
    if (!found.ok) return found
    const { client_id: named, client_secret: secret, ...given } = body
    const isOwn = typeof secret !== 'string' || services.applications.isCurrentSecret(found.value, secret)
    if (named !== params.id || !isOwn) return fail('client_metadata_invalid')
    const done = await registrations.replace(params.id, bearer, given, origin)
    if (!done.ok)
      return 'fields' in done.error ? refusedMetadata(done.error) : { ok: false as const, error: done.error }
    return ok(json(registeredOf(done.value, { token: bearer ?? '' }, services)))
  },
})

const remove = route({
  ...managing,
  method: 'delete',
  summary: 'Delete the registration of an application',
  description: 'Deletes the application with its sign-ins (RFC 7592). Its tokens are invalid at once.',
  status: 204,
  fails: ['registration_not_offered', 'registration_token_invalid'],
  async handle({ params, bearer, origin }, { registrations }: Services) {
    const done = await registrations.remove(params.id, bearer, origin)
    return done.ok ? ok(noContent()) : done
  },
})

/** Initial access tokens, which administrators create. */
const administration = { tag: 'Applications', surface: 'api', limit: 'account' } as const
const tokensPath = '/registration-tokens'

const RegistrationTokenSchema = z
  .object({
    id: z.string().describe('The ID of the token'),
    name: z.string().describe('What it is called'),
    uses_left: z.number().int().describe('How many more applications may be registered with it'),
    expires_at: time.describe('When it expires'),
    created_by: z.string().nullable().describe('The account ID of the administrator; null if deleted'),
    created_at: time.describe('When it was created'),
  })
  .meta({
    id: 'RegistrationToken',
    description: 'An initial access token, with which applications register themselves',
  })

const tokenOf = (one: RegistrationToken): z.input<typeof RegistrationTokenSchema> => ({
  id: one.id,
  name: one.name,
  uses_left: one.usesLeft,
  expires_at: one.expiresAt.toISOString(),
  created_by: one.createdBy,
  created_at: one.createdAt.toISOString(),
})

const tokenExample = {
  id: 'reg_00000001',
  name: 'Continuous integration',
  uses_left: 1,
  expires_at: '2026-01-09T10:00:00.000Z',
  created_by: 'usr_00000001',
  created_at: '2026-01-08T10:00:00.000Z',
}

const listTokens = route({
  ...administration,
  method: 'get',
  path: tokensPath,
  auth: 'user',
  scope: 'applications:read',
  summary: 'List initial access tokens',
  description:
    'The initial access tokens for applications that register themselves, newest first. Expired ones stay for a day.',
  example: { response: [tokenExample] },
  reply: () => z.array(RegistrationTokenSchema),
  fails: [],
  handle: async (_, { registrations }: Services) => ok(json((await registrations.listTokens()).map(tokenOf))),
})

const day = 86_400
const { uses, seconds } = registrationTokenLimits
export const tokenFields = {
  name: line.min(1).max(80).describe('What the token is for'),
  uses: z.number().int().min(1).max(uses).describe('How many applications may be registered with it: one by default'),
  expires_in: z
    .number()
    .int()
    .min(seconds.least)
    .max(seconds.most)
    .describe('In how many seconds it expires: in a day by default'),
}

export const createToken = route({
  ...administration,
  method: 'post',
  path: tokensPath,
  auth: 'recent',
  scope: 'applications:write',
  summary: 'Create an initial access token',
  description:
    'Creates a token with which applications register themselves at `/oauth/register`. It is shown only once.',
  example: {
    request: { name: 'Continuous integration', uses: 1, expires_in: day },
    response: { ...tokenExample, token: 'a-token-shown-only-once' },
  },
  body: object({
    name: tokenFields.name,
    uses: tokenFields.uses.optional(),
    expires_in: tokenFields.expires_in.optional(),
  }).meta({ id: 'NewRegistrationToken', description: 'The initial access token to create' }),
  reply: () =>
    RegistrationTokenSchema.extend({ token: z.string().describe('The token, shown only once') }).meta({
      id: 'IssuedRegistrationToken',
      description: 'An initial access token, with its text',
    }),
  status: 201,
  fails: ['too_many_registration_tokens'],
  async handle({ who, body, origin }, { registrations }: Services) {
    const { name, uses: count = 1, expires_in: lifetime = day } = body
    const done = await registrations.createToken(who.accountId, { name, uses: count, seconds: lifetime }, origin)
    return done.ok
      ? ok(json({ ...tokenOf(done.value.registrationToken), token: done.value.token }, { status: 201 }))
      : done
  },
})

export const revokeToken = route({
  ...administration,
  method: 'delete',
  path: `${tokensPath}/:id`,
  auth: 'recent',
  scope: 'applications:write',
  summary: 'Revoke an initial access token',
  description: 'Nothing more can be registered with the token. Applications that were registered with it stay.',
  params: idParams,
  status: 204,
  fails: ['registration_token_not_found'],
  async handle({ who, params, origin }, { registrations }: Services) {
    const done = await registrations.revokeToken(who.accountId, params.id, origin)
    return done.ok ? ok(noContent()) : done
  },
})

export const registrationRoutes = [register, read, replace, remove, listTokens, createToken, revokeToken]
