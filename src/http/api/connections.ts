import { z } from 'zod'
import type { TokenCode } from '../../connections/renewal.ts'
import { ok } from '../../kernel/result.ts'
import { readClient } from '../client.ts'
import { faulty, oneRequired } from '../problem.ts'
import { json } from '../reply.ts'
import { object, route } from '../route.ts'
import { anId, scopeToken, time } from '../schemas/fields.ts'
import { siteFields } from '../schemas/jira.ts'
import type { Services } from '../services.ts'

/** Half the lifetime of the shortest-lived tokens. If more were required, every loan would cause a refresh. */
const longestTtlSeconds = 1800

const lend = route({
  method: 'post',
  path: '/connections/token',
  summary: 'Get a provider access token',
  description:
    'An access token of a provider, to act for a user or a team. It is renewed first when it is about to expire. For back ends with the scope `connections:token`.',
  tag: 'Connections',
  surface: 'api',
  auth: 'none',
  credential: 'service',
  limit: 'service',
  body: object({
    user_id: anId.optional().describe('The account to act for; send either `user_id` or `team_id`'),
    team_id: anId.optional().describe('The team to act for; send either `user_id` or `team_id`'),
    provider: z.string().min(1).max(40).describe('The provider ID'),
    scopes: z.array(scopeToken).max(50).default([]).meta({
      description:
        'The scopes you need, as the provider spells them. If several identities of the provider are linked, the working one with most of these scopes is used, then the most recent one',
    }),
    min_ttl_seconds: z.number().int().min(0).max(longestTtlSeconds).optional().meta({
      description:
        'Renew the token first if it expires in fewer seconds. Check `expires_at`: the tokens of some providers never last that long',
    }),
  }),
  reply: () =>
    z
      .object({
        access_token: z.string().describe('The access token of the provider'),
        expires_at: time.nullable().describe('When it expires; null if it does not'),
        scopes: z.array(z.string()).describe('The granted scopes'),
        missing_scopes: z.array(z.string()).describe('The scopes you asked for that were not granted'),
        sites: z.array(z.object(siteFields)).optional().describe('The Jira sites the team chose'),
      })
      .meta({ id: 'LentToken', description: 'An access token of a provider' }),
  fails: [
    'invalid_client',
    'insufficient_scope',
    'too_many_attempts',
    ...(['not_connected', 'needs_reauthorization', 'provider_unavailable'] as const satisfies readonly TokenCode[]),
  ],
  async handle({ body, header, origin }, { serviceCredentials, flows }: Services) {
    const scope = 'connections:token'
    const client = await serviceCredentials.authenticate(readClient(header('authorization')), scope, origin)
    if (!client.ok) return client
    const { user_id: userId, team_id: teamId, provider, scopes, min_ttl_seconds: minTtlSeconds } = body
    if (userId !== undefined && teamId !== undefined) return faulty('team_id', 'repeated')
    const of = userId !== undefined ? { userId } : teamId !== undefined ? { teamId } : undefined
    if (of === undefined) return oneRequired('user_id', 'team_id')
    const lent = await flows.lend({ of, provider, scopes, minTtlSeconds }, client.value.id, origin)
    if (!lent.ok) return lent
    const { accessToken, expiresAt, scopes: granted, missingScopes, sites } = lent.value
    return ok(
      json({
        access_token: accessToken,
        expires_at: expiresAt?.toISOString() ?? null,
        scopes: [...granted],
        missing_scopes: [...missingScopes],
        ...(sites ? { sites: sites.map(({ cloudId, name, url }) => ({ cloud_id: cloudId, name, url })) } : {}),
      }),
    )
  },
})

export const connectionRoutes = [lend]
