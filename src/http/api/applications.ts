import { z } from 'zod'
import type { Refused } from '../../applications/applications.ts'
import type { ApplicationFault } from '../../applications/faults.ts'
import {
  applicationAuths,
  applicationKinds,
  applicationLimits,
  applicationSources,
  idTokenAlgorithms,
  subjectTypes,
} from '../../applications/policy.ts'
import type { Application, ApplicationChange } from '../../applications/ports.ts'
import { err, ok } from '../../kernel/result.ts'
import { applicationLogoPath } from '../brand.ts'
import { json, noContent } from '../reply.ts'
import { object, route } from '../route.ts'
import { anApplicationId, line, pageSize, storable, time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

const common = { tag: 'Applications', surface: 'api', limit: 'account' } as const
const reading = { ...common, auth: 'user', scope: 'applications:read' } as const
const writing = { ...common, auth: 'recent', scope: 'applications:write' } as const

const uri = storable(applicationLimits.uriLength).min(1)
const scopeName = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/)
  .describe('A scope (RFC 6749 §3.3)')
const days = 86_400

const fields = {
  name: line.min(1).max(applicationLimits.nameLength).describe('The name that people see when they sign in'),
  first_party: z.boolean().describe('Operated by you: people are not asked for consent'),
  redirect_uris: z
    .array(uri)
    .max(applicationLimits.uris)
    .describe(
      'Where people may return to, compared character by character; the port of a loopback address is free for native applications',
    ),
  post_logout_redirect_uris: z
    .array(uri)
    .max(applicationLimits.uris)
    .describe('Where people may return to after signing out'),
  scopes: z
    .array(scopeName)
    .max(applicationLimits.scopes)
    .describe('What the application may ask for; always contains `openid`, unless it is a machine'),
  resources: z
    .array(uri)
    .max(applicationLimits.resources)
    .describe('The APIs it may request access tokens for (RFC 8707)'),
  client_auth: z.enum(applicationAuths).describe('How it authenticates at the token endpoint'),
  access_token_seconds: z
    .number()
    .int()
    .min(applicationLimits.accessSeconds.least)
    .max(applicationLimits.accessSeconds.most)
    .nullable()
    .describe('Lifetime of its access tokens; null: that of the service'),
  refresh_token_seconds: z
    .number()
    .int()
    .min(applicationLimits.refreshSeconds.least)
    .max(applicationLimits.refreshSeconds.most)
    .nullable()
    .describe('Idle lifetime of its refresh tokens; null: that of the service'),
  backchannel_logout_uri: uri.nullable().describe('Where it is notified when a session ends; null: nowhere'),
  cors_origins: z
    .array(uri)
    .max(applicationLimits.origins)
    .describe('The origins from which its scripts may call the API; only for browser applications'),
  logo_uri: uri
    .nullable()
    .describe('The URL of its logo, for your own pages; this service neither loads nor shows it; null: none'),
  jwks: z
    .object({
      keys: z
        .array(z.record(z.string().max(64), z.unknown()))
        .min(1)
        .max(applicationLimits.keys)
        .describe('The keys, as JSON Web Keys'),
    })
    .nullable()
    .describe('Its public keys, with which it signs assertions and request objects (RFC 7517); null: none'),
  jwks_uri: uri.nullable().describe('Where it publishes its keys instead of `jwks`; null: nowhere'),
  dpop_bound_access_tokens: z.boolean().describe('Whether each of its tokens must be bound to a key (RFC 9449)'),
  subject_type: z
    .enum(subjectTypes)
    .describe('`public`: it knows people by account ID; `pairwise`: by an ID that applications elsewhere do not know'),
  sector_identifier_uri: uri
    .nullable()
    .describe('A JSON array of redirect URIs, at the host that is the sector of pairwise subjects; null: none'),
  id_token_signed_response_alg: z
    .enum(idTokenAlgorithms)
    .describe('Signing algorithm of its id_tokens and logout tokens; `RS256` for clients that support nothing else'),
}

export const ApplicationSchema = z
  .object({
    id: z.string().describe('The application ID: the `client_id`'),
    kind: z.enum(applicationKinds).describe('Where its code runs'),
    ...fields,
    logo: z.string().nullable().describe('The path of its uploaded logo at this service; null: none'),
    source: z
      .enum(applicationSources)
      .describe('Who registered it: an administrator, or itself, by `registration` or with a `document` at its ID'),
    disabled_at: time.nullable().describe('Since when nobody can sign in to it; null if it is enabled'),
    created_by: z.string().nullable().describe('The account ID of the administrator; null if deleted'),
    created_at: time.describe('When it was created'),
    updated_at: time.describe('When it was last changed'),
    last_used_at: time.nullable().describe('When it last signed someone in or refreshed a token; null if never'),
    previous_secret_until: time.nullable().describe('Until when the previous secret is valid; null if it is not'),
  })
  .meta({ id: 'Application', description: 'A registered application: a client of the OpenID provider' })
const Issued = ApplicationSchema.extend({
  secret: z.string().nullable().describe('The client secret, shown only once; null if it has none'),
}).meta({ id: 'IssuedApplication', description: 'An application and its new secret' })

export const applicationOf = (one: Application): z.input<typeof ApplicationSchema> => ({
  id: one.id,
  kind: one.kind,
  name: one.name,
  first_party: one.firstParty,
  redirect_uris: [...one.redirectUris],
  post_logout_redirect_uris: [...one.postLogoutRedirectUris],
  scopes: [...one.scopes],
  resources: [...one.resources],
  client_auth: one.clientAuth,
  access_token_seconds: one.accessTtlSeconds,
  refresh_token_seconds: one.refreshTtlSeconds,
  backchannel_logout_uri: one.backchannelLogoutUri,
  cors_origins: [...one.corsOrigins],
  logo_uri: one.logoUri,
  logo: applicationLogoPath(one.logo),
  jwks: one.jwks === null ? null : { keys: one.jwks.keys.map((key) => ({ ...key })) },
  jwks_uri: one.jwksUri,
  dpop_bound_access_tokens: one.requiresDpop,
  subject_type: one.subjectType,
  sector_identifier_uri: one.sectorIdentifierUri,
  id_token_signed_response_alg: one.idTokenAlgorithm,
  source: one.source,
  disabled_at: one.disabledAt?.toISOString() ?? null,
  created_by: one.createdBy,
  created_at: one.createdAt.toISOString(),
  updated_at: one.updatedAt.toISOString(),
  last_used_at: one.lastUsedAt?.toISOString() ?? null,
  previous_secret_until: one.previousUntil?.toISOString() ?? null,
})

type Given = { readonly [N in keyof typeof fields]?: z.output<(typeof fields)[N]> | undefined }
const names = {
  name: 'name',
  first_party: 'firstParty',
  redirect_uris: 'redirectUris',
  post_logout_redirect_uris: 'postLogoutRedirectUris',
  scopes: 'scopes',
  resources: 'resources',
  client_auth: 'clientAuth',
  access_token_seconds: 'accessTtlSeconds',
  refresh_token_seconds: 'refreshTtlSeconds',
  backchannel_logout_uri: 'backchannelLogoutUri',
  cors_origins: 'corsOrigins',
  logo_uri: 'logoUri',
  jwks: 'jwks',
  jwks_uri: 'jwksUri',
  dpop_bound_access_tokens: 'requiresDpop',
  subject_type: 'subjectType',
  sector_identifier_uri: 'sectorIdentifierUri',
  id_token_signed_response_alg: 'idTokenAlgorithm',
} as const satisfies Record<keyof typeof fields, keyof ApplicationChange>

/** The given fields under our names. */
const changeOf = (given: Given): ApplicationChange =>
  Object.fromEntries(
    Object.entries(names).flatMap(([field, name]) => {
      const value = given[field as keyof typeof names]
      return value === undefined ? [] : [[name, value]]
    }),
  )

export const fieldFaultOf = ({ path, reason, limit }: ApplicationFault) => ({
  path,
  code: reason,
  ...(limit === undefined ? {} : { params: { limit: String(limit) } }),
})
/** A refusal of the rules, by the fields that break them. */
const refusedBy = ({ fields: wrong, ...error }: Refused) => ({ ...err(error), faults: wrong.map(fieldFaultOf) })

export const applicationParams = object({
  id: anApplicationId.meta({ parameter: 'Application', description: 'An application ID' }),
})

/** Where a page of the users of an application continues. */
export const accountCursor = z
  .string()
  .regex(/^\w{1,80}$/)
  .describe('The `next_cursor` of the previous page')

const example = {
  id: 'app_00000001',
  kind: 'browser',
  name: 'Shop',
  first_party: true,
  redirect_uris: ['https://shop.example.org/callback'],
  post_logout_redirect_uris: ['https://shop.example.org/'],
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  resources: [],
  client_auth: 'none',
  access_token_seconds: null,
  refresh_token_seconds: null,
  backchannel_logout_uri: null,
  cors_origins: ['https://shop.example.org'],
  logo_uri: null,
  logo: null,
  jwks: null,
  jwks_uri: null,
  dpop_bound_access_tokens: false,
  subject_type: 'public' as const,
  sector_identifier_uri: null,
  id_token_signed_response_alg: 'ES256' as const,
  source: 'administrator' as const,
  disabled_at: null,
  created_by: 'usr_00000001',
  created_at: '2026-01-08T10:00:00.000Z',
  updated_at: '2026-01-08T10:00:00.000Z',
  last_used_at: null,
  previous_secret_until: null,
}

const list = route({
  ...reading,
  method: 'get',
  path: '/applications',
  summary: 'List applications',
  description: 'The registered applications, newest first, without their secrets.',
  example: { response: [example] },
  reply: () => z.array(ApplicationSchema),
  fails: [],
  handle: async (_, { applications }: Services) => ok(json((await applications.list()).map(applicationOf))),
})

const read = route({
  ...reading,
  method: 'get',
  path: '/applications/:id',
  summary: 'Get an application',
  description: 'One registered application, without its secret.',
  example: { response: example },
  params: applicationParams,
  reply: () => ApplicationSchema,
  fails: ['application_not_found'],
  async handle({ params }, { applications }: Services) {
    const found = await applications.get(params.id)
    return found.ok ? ok(json(applicationOf(found.value))) : found
  },
})

export const create = route({
  ...writing,
  method: 'post',
  path: '/applications',
  summary: 'Create an application',
  description:
    'Registers an application that signs people in through this service. A server application gets a secret, which is shown only once.',
  example: {
    request: { name: 'Shop', kind: 'browser', first_party: true, redirect_uris: ['https://shop.example.org/callback'] },
    response: { ...example, secret: null },
  },
  body: object({
    kind: z
      .enum(applicationKinds)
      .describe(
        'Where its code runs: in a browser, on a server, or on a device; `machine` for a program that acts for itself',
      ),
    name: fields.name,
    redirect_uris: fields.redirect_uris,
    first_party: fields.first_party.optional(),
    post_logout_redirect_uris: fields.post_logout_redirect_uris.optional(),
    scopes: fields.scopes.optional(),
    resources: fields.resources.optional(),
    client_auth: fields.client_auth.optional(),
    access_token_seconds: fields.access_token_seconds.optional(),
    refresh_token_seconds: fields.refresh_token_seconds.optional(),
    backchannel_logout_uri: fields.backchannel_logout_uri.optional(),
    cors_origins: fields.cors_origins.optional(),
    logo_uri: fields.logo_uri.optional(),
    jwks: fields.jwks.optional(),
    jwks_uri: fields.jwks_uri.optional(),
    dpop_bound_access_tokens: fields.dpop_bound_access_tokens.optional(),
    subject_type: fields.subject_type.optional(),
    sector_identifier_uri: fields.sector_identifier_uri.optional(),
    id_token_signed_response_alg: fields.id_token_signed_response_alg.optional(),
  }).meta({ id: 'NewApplication', description: 'The application to register' }),
  reply: () => Issued,
  status: 201,
  fails: ['invalid_request', 'too_many_applications'],
  async handle({ who, body, origin }, { applications }: Services) {
    const { kind, name, redirect_uris: redirectUris, ...rest } = body
    const done = await applications.create(who.accountId, { ...changeOf(rest), kind, name, redirectUris }, origin)
    if (!done.ok) return 'fields' in done.error ? refusedBy(done.error) : err(done.error)
    return ok(json({ ...applicationOf(done.value.application), secret: done.value.secret }))
  },
})

export const update = route({
  ...writing,
  method: 'patch',
  path: '/applications/:id',
  summary: 'Change an application',
  description:
    'Changes an application. Omitted fields stay as they are. What it may no longer ask for, it loses at once.',
  example: { request: { name: 'Shop' }, response: example },
  params: applicationParams,
  body: object({
    name: fields.name.optional(),
    first_party: fields.first_party.optional(),
    redirect_uris: fields.redirect_uris.optional(),
    post_logout_redirect_uris: fields.post_logout_redirect_uris.optional(),
    scopes: fields.scopes.optional(),
    resources: fields.resources.optional(),
    client_auth: fields.client_auth.optional(),
    access_token_seconds: fields.access_token_seconds.optional(),
    refresh_token_seconds: fields.refresh_token_seconds.optional(),
    backchannel_logout_uri: fields.backchannel_logout_uri.optional(),
    cors_origins: fields.cors_origins.optional(),
    logo_uri: fields.logo_uri.optional(),
    jwks: fields.jwks.optional(),
    jwks_uri: fields.jwks_uri.optional(),
    dpop_bound_access_tokens: fields.dpop_bound_access_tokens.optional(),
    subject_type: fields.subject_type.optional(),
    sector_identifier_uri: fields.sector_identifier_uri.optional(),
    id_token_signed_response_alg: fields.id_token_signed_response_alg.optional(),
  }).meta({ id: 'ApplicationChange', description: 'The fields to change' }),
  reply: () => ApplicationSchema,
  fails: ['invalid_request', 'application_not_found'],
  async handle({ who, params, body, origin }, { applications }: Services) {
    const done = await applications.update(who.accountId, params.id, changeOf(body), origin)
    if (done.ok) return ok(json(applicationOf(done.value)))
    return 'fields' in done.error ? refusedBy(done.error) : err(done.error)
  },
})

export const overlapSeconds = z
  .number()
  .int()
  .min(0)
  .max(30 * days)
  .describe('How many seconds the previous secret stays valid: a day by default; 0 if it has leaked')

export const rotate = route({
  ...writing,
  method: 'post',
  path: '/applications/:id/secret',
  summary: 'Rotate the secret of an application',
  description: 'Creates a new secret, which is shown only once. The previous secret stays valid during the overlap.',
  example: {
    request: { overlap_seconds: 3600 },
    response: { ...example, kind: 'server', client_auth: 'client_secret_basic', secret: 'a-secret-shown-only-once' },
  },
  params: applicationParams,
  body: object({ overlap_seconds: overlapSeconds.optional() }),
  bodyOptional: true,
  reply: () => Issued,
  fails: ['application_not_found', 'application_has_no_secret'],
  async handle({ who, params, body, origin }, { applications }: Services) {
    const { overlap_seconds: overlap } = body
    const of = { id: params.id, ...(overlap === undefined ? {} : { overlap }) }
    const done = await applications.rotateSecret(who.accountId, of, origin)
    return done.ok ? ok(json({ ...applicationOf(done.value.application), secret: done.value.secret })) : done
  },
})

export const endPreviousSecret = route({
  ...writing,
  method: 'delete',
  path: '/applications/:id/previous-secret',
  summary: 'End the previous secret of an application',
  description:
    'Ends the overlap of a rotation now: only the current secret is valid. Without an overlap, nothing changes.',
  params: applicationParams,
  status: 204,
  fails: ['application_not_found'],
  async handle({ who, params, origin }, { applications }: Services) {
    const done = await applications.endPreviousSecret(who.accountId, params.id, origin)
    return done.ok ? ok(noContent()) : done
  },
})

const standing = (act: 'disable' | 'enable', summary: string, description: string) =>
  route({
    ...writing,
    method: 'post',
    path: `/applications/:id/${act}`,
    summary,
    description,
    example: { response: example },
    params: applicationParams,
    body: object({}),
    bodyOptional: true,
    reply: () => ApplicationSchema,
    fails: ['application_not_found'],
    async handle({ who, params, origin }, { applications }: Services) {
      const done = await applications[act](who.accountId, params.id, origin)
      return done.ok ? ok(json(applicationOf(done.value))) : done
    },
  })
export const disable = standing(
  'disable',
  'Disable an application',
  'Nobody can sign in to the application until it is enabled again, and its tokens are refused at once.',
)
export const enable = standing(
  'enable',
  'Enable an application',
  'People can sign in to the application again. Sign-ins that have not expired in the meantime continue.',
)

const users = route({
  ...reading,
  method: 'get',
  path: '/applications/:id/users',
  summary: 'List the users of an application',
  description: 'The people who signed in to an application, by account ID, and whether they still are.',
  example: {
    response: {
      items: [
        {
          id: 'usr_00000001',
          sub: 'usr_00000001',
          name: 'Pat',
          email: 'pat@example.com',
          last_signed_in_at: '2026-01-08T10:00:00.000Z',
          signed_in: true,
        },
      ],
      next_cursor: null,
    },
  },
  params: applicationParams,
  query: object({ cursor: accountCursor.optional(), limit: pageSize(25) }),
  reply: () =>
    z.object({
      items: z
        .array(
          z
            .object({
              id: z.string().describe('The account ID'),
              sub: z.string().describe('The `sub` by which the application knows the user'),
              name: z.string().nullable().describe('The display name; null if there is none'),
              email: z.string().nullable().describe('The email address; null if there is none'),
              last_signed_in_at: time.describe('When the user last signed in to the application'),
              signed_in: z.boolean().describe('Whether the user is signed in to it now'),
            })
            .meta({ id: 'ApplicationUser', description: 'A person who signed in to an application' }),
        )
        .describe('The entries of this page'),
      next_cursor: z.string().nullable().describe('The cursor of the next page; null on the last one'),
    }),
  fails: ['application_not_found'],
  async handle({ params, query: { cursor = '', limit } }, { applications, subjects }: Services) {
    const application = await applications.get(params.id)
    if (!application.ok) return application
    const found = await applications.users(params.id, { after: cursor, limit: limit + 1 })
    if (!found.ok) return found
    const items = found.value.slice(0, limit).map((one) => ({
      id: one.accountId,
      sub: subjects.of(application.value, one.accountId),
      name: one.name,
      email: one.email,
      last_signed_in_at: one.lastSignedInAt.toISOString(),
      signed_in: one.isSignedIn,
    }))
    return ok(json({ items, next_cursor: found.value.length > limit ? (items.at(-1)?.id ?? null) : null }))
  },
})

export const remove = route({
  ...writing,
  method: 'delete',
  path: '/applications/:id',
  summary: 'Delete an application',
  description: 'Deletes an application. Its tokens are invalid at once, and people’s consents to it are deleted.',
  params: applicationParams,
  status: 204,
  fails: ['application_not_found'],
  async handle({ who, params, origin }, { applications }: Services) {
    const done = await applications.remove(who.accountId, params.id, origin)
    return done.ok ? ok(noContent()) : done
  },
})

export const applicationRoutes = [list, read, create, update, rotate, endPreviousSecret, disable, enable, users, remove]

export { example as applicationExample }
