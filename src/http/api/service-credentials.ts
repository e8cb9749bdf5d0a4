import { z } from 'zod'
import type { ServiceCredential } from '../../credentials/ports.ts'
import { serviceScopes } from '../../credentials/scopes.ts'
import { ok } from '../../kernel/result.ts'
import { readClient } from '../client.ts'
import { json, noContent } from '../reply.ts'
import { object, route } from '../route.ts'
import { idParams, line, time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

const common = { tag: 'Service credentials', surface: 'api', limit: 'account' } as const
const reading = { ...common, auth: 'user', scope: 'credentials:read' } as const
const writing = { ...common, auth: 'recent', scope: 'credentials:write' } as const

const Credential = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.string()),
    created_by: z.string().nullable(),
    created_at: time,
    last_used_at: time.nullable(),
    previous_secret_until: time.nullable(),
  })
  .meta({ id: 'ServiceCredential' })
const Issued = Credential.extend({
  secret: z.string().meta({ description: 'shown this once' }),
}).meta({ id: 'IssuedServiceCredential' })

const credentialOf = (one: ServiceCredential): z.input<typeof Credential> => ({
  id: one.id,
  name: one.name,
  scopes: [...one.scopes],
  created_by: one.createdBy,
  created_at: one.createdAt.toISOString(),
  last_used_at: one.lastUsedAt?.toISOString() ?? null,
  previous_secret_until: one.previousUntil?.toISOString() ?? null,
})

const list = route({
  ...reading,
  method: 'get',
  path: '/service-credentials',
  summary: 'List service credentials',
  description: 'The credentials of back ends, without their secrets.',
  reply: z.array(Credential),
  fails: [],
  handle: async (_, { serviceCredentials }: Services) => ok(json((await serviceCredentials.list()).map(credentialOf))),
})

const create = route({
  ...writing,
  method: 'post',
  path: '/service-credentials',
  summary: 'Create a service credential',
  description: 'Creates a credential for a back end. Its secret is shown only once.',
  body: object({ name: line.min(1), scopes: z.array(z.enum(serviceScopes)).min(1).max(serviceScopes.length) }),
  reply: Issued,
  status: 201,
  fails: ['too_many_service_credentials'],
  async handle({ who, body, origin }, { serviceCredentials }: Services) {
    const done = await serviceCredentials.create(who.accountId, body, origin)
    return done.ok ? ok(json({ ...credentialOf(done.value.credential), secret: done.value.secret })) : done
  },
})

const rotate = route({
  ...writing,
  method: 'post',
  path: '/service-credentials/:id/rotate',
  summary: 'Rotate a service credential',
  description: 'Creates a new secret, which is shown only once. The previous secret stays valid during the overlap.',
  params: idParams,
  body: object({
    overlap_seconds: z
      .number()
      .int()
      .min(0)
      .max(30 * 86_400)
      .optional()
      .meta({ description: 'how long the secret so far stays good; a day unless told, 0 when it has leaked' }),
  }),
  bodyOptional: true,
  reply: Issued,
  fails: ['service_credential_not_found'],
  async handle({ who, params, body, origin }, { serviceCredentials }: Services) {
    const { overlap_seconds: overlap } = body
    const done = await serviceCredentials.rotate(
      who.accountId,
      { id: params.id, ...(overlap === undefined ? {} : { overlap }) },
      origin,
    )
    return done.ok ? ok(json({ ...credentialOf(done.value.credential), secret: done.value.secret })) : done
  },
})

const revoke = route({
  ...writing,
  method: 'delete',
  path: '/service-credentials/:id',
  summary: 'Revoke a service credential',
  description: 'Revokes a credential at once. This cannot be undone.',
  params: idParams,
  status: 204,
  fails: ['service_credential_not_found'],
  async handle({ who, params, origin }, { serviceCredentials }: Services) {
    const done = await serviceCredentials.revoke(who.accountId, params.id, origin)
    return done.ok ? ok(noContent()) : done
  },
})

const introspect = route({
  method: 'post',
  path: '/auth/introspect',
  summary: 'Introspect a token',
  description: 'Whether a token is valid, and whose it is (RFC 7662). For back ends with the scope `introspect`.',
  tag: 'Tokens',
  surface: 'api',
  auth: 'none',
  credential: 'service',
  limit: 'service',
  oauth: true,
  form: true,
  body: object({
    token: z.string().min(1).max(8192),
    token_type_hint: z.string().max(64).optional(),
    client_id: z.string().max(256).optional(),
  }),
  reply: z
    .object({
      active: z.boolean(),
      sub: z.string().optional(),
      sid: z.string().optional(),
      scope: z.string().optional(),
      client_id: z.string().optional(),
      token_type: z.literal('bearer').optional(),
      token_use: z.enum(['access_token', 'refresh_token']).optional(),
      exp: z.number().int().optional(),
      iat: z.number().int().optional(),
      iss: z.string().optional(),
      aud: z.string().optional(),
      amr: z.array(z.string()).optional(),
      auth_time: z.number().int().optional(),
    })
    .meta({ id: 'Introspection' }),
  fails: ['invalid_client', 'insufficient_scope', 'too_many_attempts'],
  async handle({ body, header, origin }, { serviceCredentials, flows }: Services) {
    const client = await serviceCredentials.authenticate(readClient(header('authorization')), 'introspect', origin)
    if (!client.ok) return client
    const said = await flows.introspect(body.token)
    return ok(json(said.active ? { ...said, amr: [...said.amr] } : said))
  },
})

export const serviceCredentialRoutes = [list, create, rotate, revoke, introspect]
