import { z } from 'zod'
import { fail } from '../../errors/catalogue.ts'
import type { Callback } from '../../flows/arrive-from-provider.ts'
import type { BeginCode } from '../../flows/begin-with-provider.ts'
import { authorizationHandle } from '../../flows/begin-with-provider.ts'
import type { CallbackForm } from '../../flows/posted-callback.ts'
import { readReturnTo } from '../../flows/return-to.ts'
import type { IdTokenSignInCode } from '../../flows/sign-in-with-id-token.ts'
import type { ProviderSignInCode } from '../../flows/sign-in-with-provider.ts'
import { ok } from '../../kernel/result.ts'
import { isRecent } from '../principal.ts'
import { faulty, oneRequired } from '../problem.ts'
import { json, seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { flowToken, providerParams, redirectUriKey } from '../schemas/fields.ts'
import { JiraConnection, jiraConnection } from '../schemas/jira.ts'
import {
  AuthResponse,
  authResponse,
  LinkResponse,
  StartedFlow,
  startedFlow,
  TrialResponse,
} from '../schemas/sign-in.ts'
import type { Services } from '../services.ts'
import { answerAsJson, answerAsRedirect, flowCookie, flowCookies, toSecondFactor } from '../sign-in-answers.ts'

const beginFails = [
  'provider_not_found',
  'provider_unavailable',
  'redirect_uri_key_not_found',
  'return_to_not_allowed',
  'invalid_request',
] as const satisfies readonly BeginCode[]
const providerSignInFails = [
  'provider_not_found',
  'provider_unavailable',
  'access_denied',
  'invalid_state',
  'state_expired',
  'state_already_used',
  'flow_mismatch',
  'second_factor_required',
  'email_unverified',
  'token_exchange_failed',
  'user_info_fetch_failed',
  'account_linking_failed',
  'identity_already_linked',
  'another_identity',
  'too_many_identities',
  'scopes_not_offered',
  'return_to_not_allowed',
  'account_conflict',
  'user_creation_disabled',
  'sign_in_restricted',
  'organization_access_needed',
  'user_disabled',
  'session_revoked',
  'invalid_request',
  'team_not_found',
  'team_role_required',
  'jira_not_available',
] as const satisfies readonly ProviderSignInCode[]

const challenge = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/)
  .describe('The PKCE code challenge (RFC 7636); required if `return_to` is on another origin')

/** A parameter of the redirect URI, as the provider added it. */
const parameter = (name: string) =>
  z.string().max(8192).optional().describe(`The \`${name}\` the provider added to the redirect URI`)

const ProviderResult = z.union([AuthResponse, LinkResponse, JiraConnection, TrialResponse]).meta({
  id: 'ProviderResult',
  description: 'Tokens after a sign-in; the account or the team connection after a linking; the provider after a trial',
})

/**
 * The values of one callback parameter: any text, any number of times. The description says what it should be: a
 * string.
 */
const given = (name: string) =>
  z
    .union([z.string(), z.array(z.string())])
    .meta({ documented: { type: 'string', description: `The \`${name}\` of the provider’s response` } })
    .optional()
/** The characters and the length of a code, a state or an error (RFC 6749 appendix A). */
const visible = /^[\x20-\x7e]{1,4096}$/
/** What our sealer writes, for a code and a name. */
const sealed = /^[\w.-]{1,10000}$/
/**
 * The single value of a parameter; `undefined` if there is none (empty counts as none: RFC 6749 §3.1), `null` if it is
 * invalid.
 */
function one(values: string | readonly string[] | undefined, form = visible): string | undefined | null {
  const [value = '', ...more] = typeof values === 'string' ? [values] : (values ?? [])
  if (value === '' && more.length === 0) return undefined
  return more.length === 0 && form.test(value) ? value : null
}
/**
 * A provider's response, without unknown parameters. It is never rejected here: an invalid parameter invalidates the
 * rest, and only the state is kept, so that the round trip ends.
 */
const callbackQuery = z
  .looseObject({
    code: given('code'),
    state: given('state'),
    error: given('error'),
    iss: given('iss'),
    posted: z
      .union([z.string(), z.array(z.string())])
      .meta({ documented: { type: 'string', description: 'The response of a provider that sent a form, sealed' } })
      .optional(),
  })
  .transform(({ state, ...rest }): Callback => {
    const [code, error, iss, posted] = [one(rest.code), one(rest.error), one(rest.iss), one(rest.posted, sealed)]
    const whole = code !== null && error !== null && iss !== null && posted !== null
    return { state: one(state) ?? undefined, ...(whole ? { code, error, iss, posted } : {}) }
  })

/** The same fields in a form. Other fields are ignored: providers add some, such as `id_token`. */
const callbackForm = z
  .looseObject({
    code: z.string().optional().describe('The `code` of the provider’s response'),
    state: z.string().optional().describe('The `state` of the provider’s response'),
    error: z.string().optional().describe('The `error` of the provider’s response'),
    iss: z.string().optional().describe('The `iss` of the provider’s response'),
    user: z.string().optional().describe('The name of the user as JSON, at the first sign-in only'),
  })
  .transform(({ state, user, ...rest }): CallbackForm => {
    const [code, error, iss] = [one(rest.code), one(rest.error), one(rest.iss)]
    const whole = code !== null && error !== null && iss !== null
    return { state: one(state) ?? undefined, ...(whole ? { code, error, iss, user } : {}) }
  })

/** A finished sign-in, in examples. */
const signedIn = {
  user: { id: 'usr_00000001', email: 'pat@example.com', email_verified: true, name: 'Pat', picture: null },
  access_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
  refresh_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
  token_type: 'bearer',
  expires_in: 900,
  refresh_expires_in: 2592000,
  provider_info: { provider: 'google', provider_user_id: '183793080248005231226' },
  action: 'login_existing',
}

const visitorOf = ({ accountId, sessionId }: Principal) => ({ accountId, sessionId })

const list = route({
  method: 'get',
  path: '/auth/providers',
  summary: 'List providers',
  description: 'The providers users can sign in with, and their current status.',
  tag: 'Sign-in',
  surface: 'api',
  auth: 'none',
  limit: 'browse',
  reply: () =>
    z.array(
      z
        .object({
          id: z.string().describe('The provider ID, for `/auth/{provider}`'),
          name: z.string().describe('The name to show'),
          status: z.enum(['up', 'degraded', 'down']).describe('Whether sign-ins with the provider work at present'),
        })
        .meta({ id: 'Provider', description: 'A provider users can sign in with' }),
    ),
  fails: [],
  handle: (_, { providers }: Services) =>
    ok(
      json(
        providers
          .list()
          .map((provider) => ({ id: provider.id, name: provider.name, status: providers.status(provider) })),
      ),
    ),
})

const begin = route({
  method: 'get',
  path: '/auth/:provider',
  summary: 'Start a provider sign-in in a browser',
  description:
    'Send the browser here to sign in. After the sign-in it goes to `return_to`: a page of this service, or a URL allowed by RETURN_TO_ALLOWED. An app on another origin gets a `code` there, for `POST /auth/token`, and must send a PKCE challenge.',
  reference: 'api',
  tag: 'Sign-in',
  surface: 'browser',
  auth: 'none',
  limit: 'sign_in',
  params: providerParams,
  query: object({
    return_to: z
      .string()
      .max(2048)
      .optional()
      .describe('Where the browser goes after the sign-in: a path of this service, or an allowed URL'),
    redirect_uri_key: redirectUriKey.optional(),
    code_challenge: challenge.optional(),
    code_challenge_method: z.literal('S256').optional().describe('The method of the code challenge'),
    consent: z.literal('again').optional().meta({
      description: 'Ask for consent again, if an earlier consent has ended at the provider',
    }),
  }),
  status: 303,
  fails: beginFails,
  async handle({ params, query, header, origin, cookieNames }, { flows, settings }: Services) {
    const { return_to: returnTo } = query
    const target =
      returnTo === undefined ? undefined : readReturnTo(returnTo, settings.returnToAllowed, settings.publicUrl)
    const here = returnTo === undefined || target?.tag === 'here'
    // Another site must not be able to sign a user in to an account of its choice. The user decides on our own page.
    if (here && /^(cross|same)-site$/.test(header('sec-fetch-site') ?? '')) {
      return ok(seeOther(returnTo === undefined ? '/login' : `/login?return_to=${encodeURIComponent(returnTo)}`))
    }
    const begun = await flows.begin({
      provider: params.provider,
      returnTo,
      redirectUriKey: query.redirect_uri_key,
      codeChallenge: query.code_challenge,
      consentAgain: query.consent === 'again',
      origin,
    })
    if (!begun.ok && begun.error.code === 'invalid_request') return faulty('code_challenge', 'required')
    if (!begun.ok) return begun
    return ok(
      seeOther(begun.value.url, {
        cookies: flowCookies(begun.value, cookieNames, settings.flowCookieSeconds),
      }),
    )
  },
})

const authorize = route({
  method: 'post',
  path: '/auth/:provider/authorize',
  summary: 'Start a provider sign-in in an app',
  description:
    'Starts a sign-in, or links a provider to the signed-in account with `intent`. Open `authorize_url` in the browser, and finish at `POST /auth/{provider}/callback`. Linking needs a recent sign-in.',
  tag: 'Sign-in',
  surface: 'api',
  auth: 'public',
  limit: 'sign_in',
  params: providerParams,
  body: object({
    redirect_uri_key: redirectUriKey.optional(),
    intent: z.enum(['login', 'link']).default('login').describe('Sign in, or link to the signed-in account'),
  }),
  bodyOptional: true,
  reply: () => StartedFlow,
  fails: [...beginFails, 'authentication_required', 'reauthentication_required'],
  async handle({ params, body, who, origin }, { flows, clock, settings }: Services) {
    if (body.intent === 'link' && !who) return fail('authentication_required')
    if (body.intent === 'link' && who && !isRecent(who, clock(), settings.recentAuthSeconds))
      return fail('reauthentication_required')
    const begun = await flows.begin({
      provider: params.provider,
      redirectUriKey: body.redirect_uri_key,
      origin,
      ...(body.intent === 'link' && who ? { visitor: visitorOf(who) } : {}),
    })
    if (!begun.ok) return begun
    return ok(json(startedFlow(begun.value)))
  },
})

const link = route({
  method: 'post',
  path: '/auth/:provider/link',
  summary: 'Link a provider in a browser',
  description:
    'Redirects the browser to the provider to link it to the signed-in account. The form must come from a page of this service.',
  example: { request: { return_to: '/account' } },
  reference: 'api',
  tag: 'Sign-in',
  surface: 'browser',
  auth: 'recent',
  limit: 'sign_in',
  params: providerParams,
  body: object({
    return_to: z.string().max(2048).optional().describe('Where the browser goes afterwards: a path of this service'),
  }),
  status: 303,
  fails: beginFails,
  async handle({ params, body, who, origin, cookieNames }, { flows, settings }: Services) {
    const begun = await flows.begin({
      provider: params.provider,
      returnTo: body.return_to,
      visitor: visitorOf(who),
      origin,
    })
    if (!begun.ok) return begun
    return ok(
      seeOther(begun.value.url, {
        cookies: flowCookies(begun.value, cookieNames, settings.flowCookieSeconds),
      }),
    )
  },
})

/** A team was connected. The response contains no token. */
const connectedTeam = async (teamId: string, { flows }: Services) =>
  json(jiraConnection((await flows.jira.see(teamId)).view))

const triedDraft = ({ provider }: { readonly provider: string }) => ({ provider, tried: true as const })

/** Errors after which the round trip, or its conflict, may still need the cookie. */
const stillOpen: ReadonlySet<ProviderSignInCode> = new Set([
  'state_already_used',
  'flow_mismatch',
  'provider_not_found',
])

const callback = route({
  method: 'get',
  path: '/auth/:provider/callback',
  summary: 'Finish a provider sign-in in a browser',
  description:
    'The redirect URI to register at the provider. Finishes the sign-in and redirects the browser to `return_to` or to the account page. With `Accept: application/json` it returns the result as JSON.',
  example: {
    response: signedIn,
  },
  tag: 'Sign-in',
  surface: 'browser',
  auth: 'public',
  limit: 'sign_in',
  params: providerParams,
  query: callbackQuery,
  reply: () => ProviderResult,
  also: ['redirect'],
  fails: providerSignInFails,
  async handle({ params, query, who, origin, wants, cookie }, services: Services) {
    const handle = query.state === undefined ? '' : authorizationHandle(query.state)
    const browser = wants === 'html'
    const entered = await services.flows.signInWithProvider(params.provider, query, {
      binding: handle === '' ? undefined : cookie(`flow_${handle}`),
      origin,
      browser,
      who: who && visitorOf(who),
    })
    if (!entered.ok) {
      // A conflict stays bound to the cookie of this round trip until it is resolved, however often its callback is
      // loaded. A callback of another browser or intent leaves the round trip to its owner. Any other error ends it.
      const ticket = entered.error.extra?.conflict_ticket
      if (typeof ticket === 'string') return browser ? ok(seeOther(`/auth/conflicts/${ticket}`)) : entered
      const next = browser ? toSecondFactor(entered.error, [flowCookie(handle, null, 0)]) : undefined
      if (next) return ok(next)
      const over = handle !== '' && !stillOpen.has(entered.error.code)
      return { ...entered, cookies: over ? [flowCookie(handle, null, 0)] : [] }
    }
    if (entered.value.tag === 'connected') {
      const cookies = [flowCookie(handle, null, 0)]
      const { teamId } = entered.value
      if (browser) return ok(seeOther(`/account/teams/${teamId}/integrations?done=jira_connected`, { cookies }))
      return ok({ ...(await connectedTeam(teamId, services)), cookies })
    }
    if (entered.value.tag === 'tried') {
      const cookies = [flowCookie(handle, null, 0)]
      if (browser) return ok(seeOther(`/admin/providers/${entered.value.provider}`, { cookies }))
      return ok({ ...json(triedDraft(entered.value)), cookies })
    }
    if (browser) return ok(await answerAsRedirect(entered.value, handle, services))
    return ok({ ...answerAsJson(entered.value, services), cookies: [flowCookie(handle, null, 0)] })
  },
})

const appCallback = route({
  method: 'post',
  path: '/auth/:provider/callback',
  summary: 'Finish a provider sign-in in an app',
  description:
    'Finishes a flow that an app started, with the parameters the provider added to the redirect URI. Returns tokens for a sign-in, and the account or the team connection for a linking.',
  tag: 'Sign-in',
  surface: 'api',
  auth: 'public',
  limit: 'sign_in',
  params: providerParams,
  body: object({
    code: parameter('code'),
    state: z.string().max(8192).describe('The `state` the provider added to the redirect URI'),
    flow_token: flowToken,
    error: parameter('error'),
    iss: parameter('iss'),
  }),
  reply: () => ProviderResult,
  fails: providerSignInFails,
  async handle({ params, body, who, origin }, services: Services) {
    const { flow_token, ...query } = body
    // The callback contained nothing. The round trip stays valid for the provider's real response.
    if (!query.code && !query.error) return oneRequired('code', 'error')
    const entered = await services.flows.signInWithProvider(params.provider, query, {
      binding: flow_token,
      origin,
      browser: false,
      who: who && visitorOf(who),
    })
    if (!entered.ok) return entered
    const { value } = entered
    if (value.tag === 'tried') return ok(json(triedDraft(value)))
    return ok(value.tag === 'connected' ? await connectedTeam(value.teamId, services) : answerAsJson(value, services))
  },
})

const formCallback = route({
  method: 'post',
  path: '/auth/:provider/callback',
  summary: 'Receive the form of a provider',
  description:
    'A provider that returns the browser with a form (`response_mode=form_post`) sends it here. The browser is redirected to `GET /auth/{provider}/callback`, which finishes the sign-in.',
  tag: 'Sign-in',
  surface: 'browser',
  fromAnotherSite: true,
  auth: 'none',
  limit: 'sign_in',
  params: providerParams,
  body: callbackForm,
  status: 303,
  fails: ['provider_not_found'],
  async handle({ params, body }, { flows }: Services) {
    const received = await flows.receiveCallbackForm(params.provider, body)
    if (!received.ok) return received
    const query = new URLSearchParams(received.value).toString()
    return ok(seeOther(`/auth/${encodeURIComponent(params.provider)}/callback${query && `?${query}`}`))
  },
})

const idTokenFails = [
  'provider_not_found',
  'provider_unavailable',
  'app_sign_in_not_configured',
  'id_token_rejected',
  'id_token_already_used',
  'second_factor_required',
  'email_unverified',
  'account_linking_failed',
  'identity_already_linked',
  'too_many_identities',
  'account_conflict',
  'user_creation_disabled',
  'sign_in_restricted',
  'organization_access_needed',
  'user_disabled',
] as const satisfies readonly IdTokenSignInCode[]

const idToken = route({
  method: 'post',
  path: '/auth/:provider/id-token',
  summary: 'Sign in with an id_token in an app',
  description:
    'For a native app that signs in with the provider’s own library. The id_token must be issued to a client ID in `<PROVIDER>_APP_CLIENT_IDS`, at most ten minutes ago, for the same nonce. Each id_token is accepted once. For an account conflict, the nonce is the `flow_token`.',
  example: {
    request: {
      id_token: 'eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJzdWIiOiIxODM3OTMwODAyNDgwMDUyMzEyMjYifQ.c2lnbmF0dXJl',
      nonce: 'q1mGf0u3Vt9cLx2bYw7nKd5sRj8hPz4aTe6oXi0vUyE',
    },
    response: signedIn,
  },
  tag: 'Sign-in',
  surface: 'api',
  auth: 'none',
  limit: 'sign_in',
  params: providerParams,
  body: object({
    id_token: z.string().min(1).max(16_384).describe('The id_token that the provider’s library returned'),
    nonce: z
      .string()
      .regex(/^[\x21-\x7e]{16,512}$/)
      .describe('The random nonce of this sign-in. The id_token contains it, or its SHA-256 in hexadecimal'),
  }),
  reply: () => AuthResponse,
  fails: idTokenFails,
  async handle({ params, body, origin }, services: Services) {
    const given = { idToken: body.id_token, nonce: body.nonce }
    const entered = await services.flows.signInWithIdToken(params.provider, given, origin)
    if (!entered.ok) return entered
    const { account, action, identity, session } = entered.value
    const { provider, subject } = identity
    return ok(json(authResponse({ account, action, provider, subject }, services.tokens.pair(session))))
  },
})

/** In the order of matching: fixed paths before `:provider`. */
export const providerRoutes = [list, authorize, link, callback, appCallback, formCallback, idToken, begin]
