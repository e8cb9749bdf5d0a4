import { z } from 'zod'
import type { BeginCode } from '../../flows/begin-with-provider.ts'
import type { ResolveCode } from '../../flows/resolve-conflict.ts'
import { ok } from '../../kernel/result.ts'
import { isRecent } from '../principal.ts'
import { faulty } from '../problem.ts'
import { json, seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { flowToken, redirectUriKey, time } from '../schemas/fields.ts'
import {
  AuthResponse,
  LinkResponse,
  StartedByMail,
  StartedFlow,
  startedByMail,
  startedFlow,
} from '../schemas/sign-in.ts'
import type { Services } from '../services.ts'
import {
  answerAsJson,
  answerAsRedirect,
  flowCookie,
  flowCookies,
  toMailCode,
  toSecondFactor,
} from '../sign-in-answers.ts'
import { conflictPage } from './conflict.tsx'
import { originsOf } from './form-action.ts'
import { readerOf, show } from './layout.tsx'
import { goOn } from './onward.tsx'

/**
 * The open question of a sign-in: whose email address is it? The ticket names the question. The cookie of the round
 * trip, or the `flow_token` of an app, binds it to the person who was asked.
 */
const common = {
  path: '/auth/conflicts/:ticket',
  tag: 'Sign-in',
  surface: 'browser',
  json: true,
  auth: 'public',
  params: object({
    ticket: z
      .string()
      .max(200)
      .meta({ parameter: 'ConflictTicket', description: 'The `conflict_ticket` of the problem' }),
  }),
} as const

/** A ticket is `<handle>.<secret>`. The handle is part of the name of the cookie. */
const handleOf = (ticket: string): string => ticket.slice(0, Math.max(0, ticket.indexOf('.')))

const provider = z
  .object({
    id: z.string().describe('The provider ID'),
    name: z.string().describe('The name to show'),
  })
  .describe('The provider of the sign-in')

const ask = route({
  ...common,
  method: 'get',
  summary: 'Get an account conflict',
  description:
    'A sign-in found an account with the same email address. Shows the provider, the masked address and the sign-in methods of that account. Apps send the `flow_token` of the sign-in as `Flow-Token`; browsers have a cookie.',
  example: {
    response: {
      provider: { id: 'acme', name: 'Acme ID' },
      email: 'p•••@example.com',
      methods: [{ type: 'provider', provider: 'google', name: 'Google' }],
      can_create: true,
      proven: false,
      expires_at: '2026-01-08T10:00:00.000Z',
    },
  },
  headers: { 'Flow-Token': 'The `flow_token` of the sign-in that found the conflict; apps only' },
  limit: 'browse',
  reply: () =>
    z
      .object({
        provider,
        email: z.string().describe('The email address, masked'),
        methods: z
          .array(
            z.object({
              type: z.enum(['provider', 'password', 'passkey', 'email']).describe('The kind of sign-in method'),
              provider: z.string().optional().describe('The provider ID, if the type is `provider`'),
              name: z.string().optional().describe('The name to show'),
            }),
          )
          .describe('How to sign in to the existing account'),
        can_create: z.boolean().describe('Whether a separate account can be created'),
        proven: z.boolean().describe('Whether the caller is freshly signed in to an account with this email address'),
        expires_at: time.describe('When the conflict expires'),
      })
      .meta({ id: 'Conflict', description: 'An open account conflict' }),
  also: ['page'],
  fails: ['conflict_not_found'],
  async handle({ params: { ticket }, who, wants, cookie, header, locale, csrfToken }, services: Services) {
    const { flows, providers } = services
    const flowToken = header('flow-token')
    const visitor = who && { accountId: who.accountId, recent: recently(who, services) }
    const found = await flows.resolveConflict.show(ticket, flowToken ?? cookie(`flow_${handleOf(ticket)}`), visitor)
    if (!found.ok) return found
    const question = found.value
    if (wants === 'html' && flowToken === undefined) {
      const methods = question.methods.flatMap((method) =>
        method.type === 'provider' ? (providers.get(method.provider) ?? []) : [],
      )
      const reader = readerOf(locale)
      const signedInElsewhere = who !== null && !question.proven
      const props = { ...reader, ticket, question, signedInElsewhere, providers, csrf: csrfToken() }
      return show(locale, conflictPage(props), {
        formAction: question.proven ? [] : await originsOf(providers, methods),
      })
    }
    return ok(
      json({
        provider: question.provider,
        email: question.email,
        methods: [...question.methods],
        can_create: question.canCreate,
        proven: question.proven,
        expires_at: question.expiresAt.toISOString(),
      }),
    )
  },
})

const answer = route({
  ...common,
  method: 'post',
  summary: 'Resolve an account conflict',
  description:
    'Links the sign-in to the existing account, or creates a separate account. Linking needs a fresh sign-in to the existing account: start it with `provider`, or by email with `method`.',
  limit: 'sign_in',
  body: object({
    action: z.enum(['link', 'create']).describe('Link to the existing account, or create a separate one'),
    provider: z.string().max(40).optional().describe('Sign in to the existing account with this provider'),
    method: z
      .literal('email')
      .optional()
      .describe('Sign in to the existing account by email; finish at `POST /auth/email/finish`'),
    redirect_uri_key: redirectUriKey.optional(),
    flow_token: flowToken.optional(),
  }),
  reply: () =>
    z
      .union([AuthResponse, LinkResponse, StartedFlow, StartedByMail])
      .describe('The resolved conflict, or the sign-in that has to be finished first'),
  also: ['redirect', 'page'],
  fails: [
    'conflict_not_found',
    'proof_required',
    'provider_not_found',
    'provider_unavailable',
    'redirect_uri_key_not_found',
    'return_to_not_allowed',
    'identity_already_linked',
    'too_many_identities',
    'account_conflict',
    'account_linking_failed',
    'user_creation_disabled',
    'sign_in_restricted',
    'organization_access_needed',
    'user_disabled',
    'second_factor_required',
    'email_unverified',
    'mail_not_configured',
    'invalid_request',
  ] satisfies readonly (BeginCode | ResolveCode | 'mail_not_configured')[],
  async handle({ params: { ticket }, body, who, origin, wants, cookie, cookieNames, locale }, services: Services) {
    const { flows, settings } = services
    if (body.provider !== undefined && body.method !== undefined) return faulty('method', 'invalid')
    const handle = handleOf(ticket)
    // Only an app has a flow_token, even if its HTTP client accepts HTML.
    const browser = wants === 'html' && body.flow_token === undefined
    const binding = body.flow_token ?? cookie(`flow_${handle}`)
    const question = `/auth/conflicts/${ticket}`
    const answered = await flows.resolveConflict.answer(ticket, body.action, {
      binding,
      origin,
      browser,
      who: who && { accountId: who.accountId, sessionId: who.sessionId },
      recent: who !== null && recently(who, services),
    })
    if (answered.ok) {
      if (!browser) return ok(answerAsJson(answered.value, services))
      return goOn(await answerAsRedirect(answered.value, handle, services), locale)
    }
    const next = browser ? toSecondFactor(answered.error, [flowCookie(handle, null, 0)]) : undefined
    if (next) return ok(next)
    if (answered.error.code !== 'proof_required') return answered
    if (body.method === 'email') {
      const sent = await flows.resolveConflict.sendProof(ticket, {
        binding,
        origin,
        returnTo: browser ? question : null,
      })
      if (!sent.ok) return sent
      return ok(browser ? toMailCode(sent.value) : json(startedByMail(sent.value)))
    }
    if (body.provider === undefined) return answered

    const begun = await flows.begin({
      provider: body.provider,
      redirectUriKey: body.redirect_uri_key,
      origin,
      ...(browser ? { returnTo: question } : {}),
    })
    if (!begun.ok) return begun
    return ok(
      browser
        ? seeOther(begun.value.url, {
            cookies: flowCookies(begun.value, cookieNames, settings.flowCookieSeconds, handle),
          })
        : json(startedFlow(begun.value)),
    )
  },
})

const recently = (who: Principal, { clock, settings }: Services): boolean =>
  isRecent(who, clock(), settings.recentAuthSeconds)

export const conflictRoutes = [ask, answer]
