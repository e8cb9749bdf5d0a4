import { z } from 'zod'
import { fail } from '../../errors/catalogue.ts'
import type { RefreshCode } from '../../flows/refresh-tokens.ts'
import { ok } from '../../kernel/result.ts'
import { isRecent } from '../principal.ts'
import { faulty } from '../problem.ts'
import { json } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { addressText, passwordGiven, secretText, typedCode } from '../schemas/fields.ts'
import { AuthResponse, authResponse, TokenPairSchema } from '../schemas/sign-in.ts'
import type { Services } from '../services.ts'
import { signedOutResponse } from '../sign-in-answers.ts'

const refreshFails = [
  'token_expired',
  'token_invalid',
  'token_wrong_type',
  'token_subject_missing',
  'user_not_found',
  'user_disabled',
  'session_revoked',
  'session_expired',
  'token_reused',
] as const satisfies readonly RefreshCode[]

/** A client that takes tokens from the response: no cookie, and no redirect. */
const anApp = { browser: false, replaces: null, returnTo: null, codeChallenge: null } as const

const token = z.string().min(1).max(8192).describe('An access token or a refresh token')
const refreshToken = token.describe('The refresh token')
const clientId = z.string().max(256).optional().describe('The client ID; ignored, since every client is public')

const refresh = route({
  method: 'post',
  path: '/auth/refresh',
  summary: 'Refresh tokens',
  description:
    'Exchanges a refresh token for a new token pair. Send it as a bearer token or in the body. Each refresh token works once; an older one is treated as stolen, and its session ends. A browser gets a pair for its session with the cookie alone.',
  example: { request: { refresh_token: 'a-refresh-token' } },
  tag: 'Tokens',
  surface: 'api',
  // The credential here is the refresh token, not an access token. The handler reads the cookie.
  auth: 'none',
  credential: 'refresh',
  limit: 'token',
  oauth: true,
  body: object({ refresh_token: refreshToken.optional() }),
  bodyOptional: true,
  form: true,
  reply: () => TokenPairSchema,
  fails: [...refreshFails, 'authentication_required', 'invalid_request'],
  async handle({ body, bearer, cookie, header, origin }, { flows, devices }: Services) {
    // Only one method at a time (RFC 6750 §2): which of two counts must not depend on the reader.
    if (bearer !== null && body.refresh_token !== undefined) return faulty('refresh_token', 'repeated')
    const given = bearer ?? body.refresh_token
    if (given !== undefined) {
      const pair = await flows.refreshTokens.byToken(given, origin)
      return pair.ok ? ok(json(pair.value)) : pair
    }
    // With other credentials the origin of the request is not checked (see `mount`), so the cookie must not count.
    const session = header('authorization') === undefined ? cookie('session') : undefined
    if (session === undefined) return fail('authentication_required')
    const found = await devices.byCookie(session)
    if (!found.ok) return found
    const pair = await flows.refreshTokens.bySession(found.value.session, origin)
    return pair.ok ? ok(json(pair.value)) : pair
  },
})

const exchange = route({
  method: 'post',
  path: '/auth/token',
  summary: 'Get tokens',
  description:
    'The token endpoint (RFC 6749). Grants: `password`, `authorization_code` for sign-ins that started at `/auth/{provider}`, and `refresh_token`. Without `grant_type` the grant is `password`.',
  tag: 'Tokens',
  surface: 'api',
  auth: 'none',
  limit: 'token',
  oauth: true,
  body: z
    .discriminatedUnion('grant_type', [
      object({
        grant_type: z.literal('password').optional().describe('The grant: an email address and a password'),
        username: addressText,
        password: passwordGiven,
        totp: typedCode.optional().describe('A code of the authenticator app, if the account has one'),
        email_ticket: secretText
          .optional()
          .describe('The `ticket` of the emailed link, if sign-in requires a verified email address'),
        client_id: clientId,
        scope: z.string().max(1024).optional().describe('Ignored: the role of the account decides the scopes'),
      }),
      object({
        grant_type: z.literal('authorization_code').describe('The grant: the code of a browser sign-in'),
        code: secretText.describe('The `code` that was added to `return_to`'),
        code_verifier: z
          .string()
          .regex(/^[A-Za-z0-9\-._~]{43,128}$/)
          .describe('The PKCE code verifier (RFC 7636)'),
        client_id: clientId,
        redirect_uri: z.string().max(2048).optional().describe('Ignored'),
      }),
      object({
        grant_type: z.literal('refresh_token').describe('The grant: a refresh token'),
        refresh_token: refreshToken,
        client_id: clientId,
      }),
    ])
    .meta({ id: 'TokenRequest', description: 'A token request; the fields depend on the grant' }),
  // Other fields do not matter: for an unsupported grant, no field can be wrong.
  unmatched: 'grant_type_unsupported',
  form: true,
  reply: () => z.union([AuthResponse, TokenPairSchema]),
  fails: [
    ...refreshFails,
    ...(['invalid_credentials', 'too_many_attempts', 'email_unverified'] as const),
    ...(['second_factor_required', 'second_factor_invalid', 'sign_in_overtaken'] as const),
    ...(['code_invalid', 'grant_type_unsupported', 'invalid_request'] as const),
  ],
  async handle({ body, origin }, { flows, tokens }: Services) {
    if (body.grant_type === 'refresh_token') {
      const pair = await flows.refreshTokens.byToken(body.refresh_token, origin)
      return pair.ok ? ok(json(pair.value)) : pair
    }
    if (body.grant_type !== 'authorization_code') {
      const given = { ...body, emailTicket: body.email_ticket }
      const entered = await flows.signInWithPassword(given, { ...anApp, origin })
      return entered.ok ? ok(json(tokens.pair(entered.value.session))) : entered
    }
    const redeemed = await flows.redeemCode(body.code, body.code_verifier, origin)
    if (!redeemed.ok) return redeemed
    const { account, pair, code } = redeemed.value
    return ok(
      json(authResponse({ account, action: code.action, provider: code.provider, subject: code.providerUserId }, pair)),
    )
  },
})

const revoke = route({
  method: 'post',
  path: '/auth/revoke',
  summary: 'Revoke a token',
  description: 'Ends the session of an access or refresh token (RFC 7009). An unknown token gets the same response.',
  example: { request: { token: 'a-refresh-token' }, response: {} },
  tag: 'Tokens',
  surface: 'api',
  auth: 'none',
  limit: 'token',
  oauth: true,
  body: object({
    token,
    token_type_hint: z.string().max(64).optional().describe('Ignored: both types are recognized'),
    client_id: clientId,
  }).meta({ id: 'RevocationRequest', description: 'The token to revoke' }),
  form: true,
  reply: () => z.object({}).describe('The token is revoked, or was never valid'),
  fails: [],
  async handle({ body, origin }, { flows }: Services) {
    // Possibly not revoked: the client keeps the token and tries again (RFC 7009 §2.2.1).
    try {
      await flows.signOut.token(body.token, origin)
    } catch (cause) {
      return fail('not_ready', undefined, { retryAfter: 5, cause })
    }
    return ok(json({}))
  },
})

/** What else to do at a sign-out. */
const leaving = object({
  revoke_provider_tokens: z.boolean().default(false).meta({
    description: 'Also revoke the permissions granted at providers; this needs a recent sign-in',
  }),
})

/** Withdrawing grants requires a recent sign-in, also together with a sign-out. A sign-out alone never does. */
const mayLeave = (who: Principal, body: z.output<typeof leaving>, { clock, settings }: Services) =>
  body.revoke_provider_tokens && !isRecent(who, clock(), settings.recentAuthSeconds)
    ? fail('reauthentication_required')
    : ok(null)

const signingOut = {
  method: 'post',
  tag: 'Tokens',
  surface: 'api',
  auth: 'user',
  limit: 'account',
  body: leaving,
  bodyOptional: true,
  status: 204,
  fails: ['reauthentication_required'],
} as const

export const logout = route({
  ...signingOut,
  path: '/auth/logout',
  summary: 'Sign out',
  description:
    'Ends the current session and its tokens. Can also revoke the permissions you granted at providers, which needs a recent sign-in.',
  example: { request: { revoke_provider_tokens: false } },
  async handle({ who, body, origin }, services: Services) {
    const allowed = mayLeave(who, body, services)
    if (!allowed.ok) return allowed
    await services.flows.signOut.here(who, origin, { revokeProviderTokens: body.revoke_provider_tokens })
    return ok(signedOutResponse(who))
  },
})

const logoutAll = route({
  ...signingOut,
  path: '/auth/logout-all',
  summary: 'Sign out everywhere',
  description:
    'Ends every session of the account, the current one included. Can also revoke the permissions you granted at providers, which needs a recent sign-in.',
  example: { request: { revoke_provider_tokens: true } },
  async handle({ who, body, origin }, services: Services) {
    const allowed = mayLeave(who, body, services)
    if (!allowed.ok) return allowed
    const along = { revokeProviderTokens: body.revoke_provider_tokens }
    await services.flows.signOut.everywhere(who, origin, along)
    return ok(signedOutResponse(who))
  },
})

export const tokenRoutes = [refresh, exchange, revoke, logout, logoutAll]
