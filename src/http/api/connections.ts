import { z } from 'zod'
import type { TokenCode } from '../../connections/renewal.ts'
import { ok } from '../../kernel/result.ts'
import { readClient } from '../client.ts'
import { faulty, oneRequired } from '../problem.ts'
import { json } from '../reply.ts'
import { object, route } from '../route.ts'
import { anId, scopeToken, time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

/** Half of what the shortest-lived tokens live: asked for more, every loan would be a refresh. */
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
    user_id: anId.optional(),
    team_id: anId.optional().meta({ description: 'in the place of user_id: exactly one of the two' }),
    provider: z.string().min(1).max(40),
    scopes: z.array(scopeToken).max(50).default([]).meta({
      description:
        'what the token is needed for, as the provider spells it. Of several sign-ins with one provider one that works is lent, the one that grants most of these, then the one last signed in with',
    }),
    min_ttl_seconds: z.number().int().min(0).max(longestTtlSeconds).optional().meta({
      description:
        'how long the token should still be good: with less left it is renewed first. See expires_at for what it came to, as some providers’ tokens never live that long',
    }),
  }),
  reply: z
    .object({
      access_token: z.string(),
      expires_at: time.nullable().meta({ description: 'null where the provider’s tokens do not expire' }),
      scopes: z.array(z.string()),
      missing_scopes: z.array(z.string()).meta({ description: 'what of the scopes asked for was not granted' }),
      sites: z
        .array(z.object({ cloud_id: z.string(), name: z.string(), url: z.string() }))
        .optional()
        .meta({ description: 'the Jira sites a team chose' }),
    })
    .meta({ id: 'LentToken' }),
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
