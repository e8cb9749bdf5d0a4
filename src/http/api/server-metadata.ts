import { z } from 'zod'
import { metadataOf, resourceOf } from '../../applications/metadata.ts'
import { ok } from '../../kernel/result.ts'
import { resourceMetadataPath } from '../problem.ts'
import { json } from '../reply.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'

/** The documents in which clients find the endpoints of the OpenID provider, and where to get tokens for our own API. */

const common = {
  tag: 'OpenID provider',
  surface: 'api',
  method: 'get',
  auth: 'none',
  limit: 'public',
  shared: true,
} as const

const Metadata = z
  .looseObject({
    issuer: z.string().describe('The issuer, as in the `iss` claim of tokens'),
    authorization_endpoint: z.string().describe('Where applications send browsers to sign in'),
    token_endpoint: z.string().describe('Where codes and refresh tokens are exchanged'),
    userinfo_endpoint: z.string().describe('The claims of the user'),
    end_session_endpoint: z.string().describe('Where applications send browsers to sign out'),
    jwks_uri: z.string().describe('The public keys'),
  })
  .meta({ id: 'ServerMetadata', description: 'The metadata of this server' })

const discovery = (path: `/.well-known/${string}`, summary: string, description: string) =>
  route({
    ...common,
    path,
    summary,
    description,
    example: {
      response: metadataOf({
        issuer: 'https://id.example.org',
        publicUrl: new URL('https://id.example.org'),
        registration: 'off',
        metadataDocuments: false,
      }),
    },
    reply: () => Metadata,
    fails: [],
    handle: (_, { settings }: Services) => ok(json(metadataOf(settings))),
  })

const openidConfiguration = discovery(
  '/.well-known/openid-configuration',
  'Get the OpenID configuration',
  'The metadata of this OpenID provider (OpenID Connect Discovery 1.0). Standard clients need only its address.',
)
const serverMetadata = discovery(
  '/.well-known/oauth-authorization-server',
  'Get the server metadata',
  'The same metadata as an authorization server (RFC 8414).',
)

const resourceServer = route({
  ...common,
  path: resourceMetadataPath,
  summary: 'Get the metadata of this API',
  description: 'Where clients get access tokens for this API (RFC 9728). Each 401 leads here.',
  example: { response: resourceOf({ issuer: 'https://id.example.org', publicUrl: new URL('https://id.example.org') }) },
  reply: () =>
    z
      .looseObject({
        resource: z.string().describe('The address of this API'),
        authorization_servers: z.array(z.string()).describe('The issuers of its tokens: this service'),
      })
      .meta({ id: 'ResourceMetadata', description: 'The metadata of this API' }),
  fails: [],
  handle: (_, { settings }: Services) => ok(json(resourceOf(settings))),
})

export const serverMetadataRoutes = [openidConfiguration, serverMetadata, resourceServer]
