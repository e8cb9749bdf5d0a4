import { z } from 'zod'
import type { Identity as Stored } from '../../accounts/ports.ts'
import type { Standing } from '../../connections/standing.ts'
import type { MoreCode } from '../../flows/ask-for-more.ts'
import type { UserInfoCode } from '../../flows/read-userinfo.ts'
import { ok } from '../../kernel/result.ts'
import { json, noContent } from '../reply.ts'
import { object, route } from '../route.ts'
import {
  identityParams,
  pageSize,
  placeCursor,
  placeCursorOf,
  redirectUriKey,
  scopeToken,
  time,
} from '../schemas/fields.ts'
import { StartedFlow, startedFlow } from '../schemas/sign-in.ts'
import type { Services } from '../services.ts'

const common = { tag: 'My account', surface: 'api', auth: 'user', limit: 'account' } as const

const errorClass = z
  .enum(['transient', 'rate_limited', 'invalid_grant', 'client_misconfigured', 'scope_missing'])
  .meta({ id: 'ProviderErrorClass', description: 'Why the last call to the provider failed' })
const Identity = z
  .object({
    id: z.string().describe('The identity ID'),
    provider: z.string().describe('The provider ID'),
    provider_user_id: z.string().describe('The ID of the user at the provider'),
    provider_email: z.string().nullable().describe('The email address at the provider'),
    linked_at: time.describe('When the identity was linked'),
    last_used_at: time.describe('When it was last used to sign in'),
    asked_scopes: z.array(z.string()).describe('The requested scopes'),
    scopes: z.array(z.string()).describe('The granted scopes'),
    missing_scopes: z.array(z.string()).describe('The requested scopes that were not granted'),
    token_status: z
      .enum(['healthy', 'degraded', 'needs_reauthorization', 'revoked', 'none'])
      .describe('The state of the provider tokens; `none` if none are stored'),
    token_expires_at: time
      .nullable()
      .describe('When the provider access token expires; it is renewed automatically if the provider allows it'),
    token_last_used_at: time.nullable().describe('When the provider tokens were last used'),
    consent_ends_at: time.nullable().describe('When the provider ends the consent; null if it does not say'),
    last_error: errorClass.nullable().describe('Why the last call to the provider failed; null if it succeeded'),
  })
  .meta({ id: 'Identity', description: 'A provider identity linked to the account' })

const instant = (at: Date | null): string | null => at?.toISOString() ?? null
const identityOf = (identity: Stored, standing: Standing): z.input<typeof Identity> => ({
  id: identity.id,
  provider: identity.provider,
  provider_user_id: identity.subject,
  provider_email: identity.email,
  linked_at: identity.linkedAt.toISOString(),
  last_used_at: identity.lastUsedAt.toISOString(),
  asked_scopes: [...standing.asked],
  scopes: [...standing.granted],
  missing_scopes: [...standing.missing],
  token_status: standing.status,
  token_expires_at: instant(standing.expiresAt),
  token_last_used_at: instant(standing.usedAt),
  consent_ends_at: instant(standing.endsAt),
  last_error: standing.lastError,
})

const list = route({
  ...common,
  method: 'get',
  path: '/me/identities',
  summary: 'List linked identities',
  description: 'The provider identities linked to the account, their scopes and the state of their tokens.',
  reply: () => z.array(Identity),
  fails: [],
  async handle({ who }, { links, standing }: Services) {
    const all = await links.list(who.accountId)
    return ok(json(await Promise.all(all.map(async (identity) => identityOf(identity, await standing(identity))))))
  },
})

export const unlink = route({
  ...common,
  method: 'delete',
  path: '/me/identities/:id',
  summary: 'Unlink an identity',
  description:
    'Unlinks a provider identity if another sign-in method is left. Its permission is revoked at the provider.',
  auth: 'recent',
  params: identityParams,
  status: 204,
  fails: ['not_linked', 'last_login_method', 'session_revoked'],
  async handle({ who, params, origin }, { flows }: Services) {
    const done = await flows.unlink(
      { accountId: who.accountId, sessionId: who.sessionId, identityId: params.id },
      origin,
    )
    return done.ok ? ok(noContent()) : done
  },
})

const profile = route({
  ...common,
  method: 'get',
  path: '/me/identities/:id/profile',
  summary: 'Get the provider profile',
  description:
    'The profile of a linked identity, as the provider returns it. The response is cached for a short time, and stale data is marked.',
  params: identityParams,
  reply: () =>
    z
      .object({
        profile: z.record(z.string(), z.unknown()).describe('The profile as the provider returned it'),
        fetched_at: time.describe('When it was fetched'),
        from_cache: z.boolean().describe('Whether it comes from the cache'),
        stale: z.boolean().describe('Whether it may be outdated because the provider does not respond'),
      })
      .meta({ id: 'ProviderProfile', description: 'The profile of an identity at its provider' }),
  fails: [
    'not_linked',
    'provider_unavailable',
    'user_info_fetch_failed',
    'needs_reauthorization',
  ] satisfies UserInfoCode[],
  async handle({ who, params }, { flows }: Services) {
    const found = await flows.readUserInfo(who.accountId, params.id)
    if (!found.ok) return found
    const { profile: said, fetchedAt, fromCache, stale } = found.value
    return ok(json({ profile: said, fetched_at: fetchedAt.toISOString(), from_cache: fromCache, stale }))
  },
})

/** The errors of asking for more permissions. */
const moreFails = [
  'not_linked',
  'scopes_not_offered',
  'provider_not_found',
  'provider_unavailable',
  'redirect_uri_key_not_found',
  'return_to_not_allowed',
  'invalid_request',
] as const satisfies readonly MoreCode[]

export const authorize = route({
  ...common,
  method: 'post',
  path: '/me/identities/:id/authorize',
  summary: 'Request more scopes',
  description:
    'Starts a consent at the provider for more scopes, with the same identity. Open `authorize_url`, and finish at `POST /auth/{provider}/callback`.',
  auth: 'recent',
  limit: 'sign_in',
  params: identityParams,
  body: object({
    scopes: z
      .array(scopeToken)
      .min(1)
      .max(50)
      .describe('The additional scopes, among those this service offers; earlier scopes are requested again'),
    redirect_uri_key: redirectUriKey.optional(),
  }),
  reply: () => StartedFlow,
  fails: moreFails,
  async handle({ who, params, body, origin }, { flows }: Services) {
    const { scopes, redirect_uri_key: key } = body
    const begun = await flows.askForMore(who, params.id, { scopes, redirectUriKey: key }, origin)
    return begun.ok ? ok(json(startedFlow(begun.value))) : begun
  },
})

export const withdraw = route({
  ...common,
  method: 'delete',
  path: '/me/identities/:id/grant',
  summary: 'Withdraw permissions',
  description:
    'Withdraws the permissions granted with a linked identity and revokes them at the provider. The identity stays linked.',
  auth: 'recent',
  params: identityParams,
  status: 204,
  fails: ['not_linked'],
  async handle({ who, params, origin }, { flows }: Services) {
    const done = await flows.withdraw.one({ accountId: who.accountId, identityId: params.id }, origin)
    return done.ok ? ok(noContent()) : done
  },
})

const revocations = route({
  ...common,
  method: 'get',
  path: '/me/revocations',
  summary: 'List pending revocations',
  description: 'Permissions that wait to be revoked at a provider, oldest first.',
  linksNext: true,
  query: object({
    cursor: placeCursor.optional(),
    limit: pageSize(100),
  }),
  reply: () =>
    z.array(
      z
        .object({
          provider: z.string().describe('The provider ID'),
          team_id: z.string().nullable().describe('The team whose connection it was; null for an account'),
          queued_at: time.describe('When the revocation was queued'),
          attempts: z.number().int().describe('How many attempts were made'),
          next_attempt_at: time.describe('When the next attempt is made'),
          last_error: errorClass.nullable().describe('Why the last attempt failed; null before the first one'),
        })
        .meta({ id: 'Revocation', description: 'A permission that waits to be revoked at its provider' }),
    ),
  fails: [],
  async handle({ who, query: { cursor = null, limit } }, { revocationsOf }: Services) {
    const { items, next } = await revocationsOf(who.accountId, { after: cursor, limit })
    const link = next && `</me/revocations?limit=${limit}&cursor=${placeCursorOf(next)}>; rel="next"`
    return ok(
      json(
        items.map(({ provider, teamId, queuedAt, attempts, nextAttemptAt, lastError }) => ({
          provider,
          team_id: teamId,
          queued_at: queuedAt.toISOString(),
          attempts,
          next_attempt_at: nextAttemptAt.toISOString(),
          last_error: lastError,
        })),
        link === null ? {} : { headers: { Link: link } },
      ),
    )
  },
})

export const identityApiRoutes = [list, unlink, profile, authorize, withdraw, revocations]
