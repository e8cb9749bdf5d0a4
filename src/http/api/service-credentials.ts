import { z } from 'zod'
import type { ServiceCredential } from '../../credentials/ports.ts'
import { serviceScopes } from '../../credentials/scopes.ts'
import { ok } from '../../kernel/result.ts'
import { readClient } from '../client.ts'
import { json, noContent } from '../reply.ts'
import { object, route } from '../route.ts'
import { amr, credentialParams, line, time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

const common = { tag: 'Service credentials', surface: 'api', limit: 'account' } as const
const reading = { ...common, auth: 'user', scope: 'credentials:read' } as const
const writing = { ...common, auth: 'recent', scope: 'credentials:write' } as const

const Credential = z
  .object({
    id: z.string().describe('The credential ID: the user name of HTTP Basic'),
    name: z.string().describe('The name of the back end'),
    scopes: z.array(z.string()).describe('What the back end may do'),
    created_by: z.string().nullable().describe('The account ID of the administrator; null if deleted'),
    created_at: time.describe('When it was created'),
    last_used_at: time.nullable().describe('When it was last used; null if never'),
    previous_secret_until: time.nullable().describe('Until when the previous secret is valid; null if it is not'),
  })
  .meta({ id: 'ServiceCredential', description: 'A credential of a back end' })
const Issued = Credential.extend({
  secret: z.string().describe('The secret, shown only once'),
}).meta({ id: 'IssuedServiceCredential', description: 'A credential and its new secret' })

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
  example: {
    response: [
      {
        id: 'svc_00000001',
        name: 'Billing',
        scopes: ['introspect'],
        created_by: 'usr_00000001',
        created_at: '2026-01-08T10:00:00.000Z',
        last_used_at: null,
        previous_secret_until: '2026-01-08T10:00:00.000Z',
      },
    ],
  },
  reply: () => z.array(Credential),
  fails: [],
  handle: async (_, { serviceCredentials }: Services) => ok(json((await serviceCredentials.list()).map(credentialOf))),
})

export const create = route({
  ...writing,
  method: 'post',
  path: '/service-credentials',
  summary: 'Create a service credential',
  description: 'Creates a credential for a back end. Its secret is shown only once.',
  body: object({
    name: line.min(1).describe('The name of the back end'),
    scopes: z.array(z.enum(serviceScopes)).min(1).max(serviceScopes.length).describe('What the back end may do'),
  }),
  reply: () => Issued,
  status: 201,
  fails: ['too_many_service_credentials'],
  async handle({ who, body, origin }, { serviceCredentials }: Services) {
    const done = await serviceCredentials.create(who.accountId, body, origin)
    return done.ok ? ok(json({ ...credentialOf(done.value.credential), secret: done.value.secret })) : done
  },
})

export const rotate = route({
  ...writing,
  method: 'post',
  path: '/service-credentials/:id/rotate',
  summary: 'Rotate a service credential',
  description: 'Creates a new secret, which is shown only once. The previous secret stays valid during the overlap.',
  example: {
    request: { overlap_seconds: 3600 },
    response: {
      id: 'svc_00000001',
      name: 'Billing',
      scopes: ['introspect'],
      created_by: 'usr_00000001',
      created_at: '2026-01-08T10:00:00.000Z',
      last_used_at: null,
      previous_secret_until: '2026-01-08T10:00:00.000Z',
      secret: 'a-secret-shown-only-once',
    },
  },
  params: credentialParams,
  body: object({
    overlap_seconds: z
      .number()
      .int()
      .min(0)
      .max(30 * 86_400)
      .optional()
      .describe('How many seconds the previous secret stays valid: a day by default; 0 if it has leaked'),
  }),
  bodyOptional: true,
  reply: () => Issued,
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

export const revoke = route({
  ...writing,
  method: 'delete',
  path: '/service-credentials/:id',
  summary: 'Revoke a service credential',
  description: 'Revokes a credential at once. This cannot be undone.',
  params: credentialParams,
  status: 204,
  fails: ['service_credential_not_found'],
  async handle({ who, params, origin }, { serviceCredentials }: Services) {
    const done = await serviceCredentials.revoke(who.accountId, params.id, origin)
    return done.ok ? ok(noContent()) : done
  },
})

/** The introspection endpoint. It has two addresses: that of our API, and that of the OpenID provider. */
export const introspection = (path: `/${string}`, summary: string) =>
  route({
    method: 'post',
    path,
    summary,
    description: 'Whether a token is valid, and whose it is (RFC 7662). For back ends with the scope `introspect`.',
    tag: 'Tokens',
    surface: 'api',
    auth: 'none',
    credential: 'service',
    limit: 'service',
    oauth: true,
    form: true,
    body: object({
      token: z.string().min(1).max(8192).describe('An access token or a refresh token'),
      token_type_hint: z.string().max(64).optional().describe('Ignored: both types are recognized'),
      client_id: z.string().max(256).optional().describe('Ignored: the service credential names the client'),
    }).meta({ id: 'IntrospectionRequest', description: 'The token to introspect' }),
    reply: () =>
      z
        .object({
          active: z.boolean().describe('Whether the token is valid; if not, there are no other fields'),
          sub: z.string().optional().describe('The account ID; for a machine, the application ID'),
          sid: z.string().optional().describe('The session ID'),
          scope: z.string().optional().describe('The scopes, separated by spaces'),
          client_id: z.string().optional().describe('The client the token was issued to'),
          token_type: z.enum(['bearer', 'DPoP']).optional().describe('The type of the token'),
          cnf: z
            .object({ jkt: z.string().describe('The thumbprint of the key (RFC 7638)') })
            .optional()
            .describe('The key that the token is bound to: accept it only with a DPoP proof (RFC 9449)'),
          token_use: z.enum(['access_token', 'refresh_token']).optional().describe('What the token is for'),
          exp: z.number().int().optional().describe('When it expires, in seconds since 1970'),
          iat: z.number().int().optional().describe('When it was issued, in seconds since 1970'),
          iss: z.string().optional().describe('The issuer'),
          aud: z.string().optional().describe('The audience'),
          amr: amr.optional(),
          auth_time: z.number().int().optional().describe('When the user authenticated, in seconds since 1970'),
        })
        .meta({ id: 'Introspection', description: 'What is known about a token' }),
    fails: ['invalid_client', 'insufficient_scope', 'too_many_attempts'],
    async handle({ body, header, origin }, { serviceCredentials, flows }: Services) {
      const client = await serviceCredentials.authenticate(readClient(header('authorization')), 'introspect', origin)
      if (!client.ok) return client
      const said = await flows.introspect(body.token)
      return ok(json(said.active ? { ...said, amr: said.amr && [...said.amr] } : said))
    },
  })

export const serviceCredentialRoutes = [
  list,
  create,
  rotate,
  revoke,
  introspection('/auth/introspect', 'Introspect a token'),
]
