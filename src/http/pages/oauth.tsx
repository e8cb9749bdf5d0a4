import { z } from 'zod'
import { paths } from '../../applications/metadata.ts'
import { fail } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import type { EngineResponse } from '../../openid/call.ts'
import { authorizationParameters, formOf } from '../api/oauth.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { storable } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { clearedSession } from '../sign-in-answers.ts'
import { bindingOf, bound, languageFor, unbound } from './interaction.ts'
import { readerOf, show } from './layout.tsx'
import { ConsentPage, LogoutPage } from './oauth-view.tsx'
import { goOn } from './onward.tsx'

/**
 * Signing in to applications: their authorization requests, what a person must do for one, and signing out for them. The
 * person signs in on our own pages, with every method that those offer.
 */

const common = { tag: 'Pages', surface: 'browser', auth: 'public', limit: 'browse' } as const
const uidParams = object({
  uid: z
    .string()
    .regex(/^[\w-]{16,64}$/)
    .describe('Names the request of an application'),
})

const EngineError = z.looseObject({ error: z.string() })

/** The session that the engine may use: that of the cookie, never that of a token. */
const sessionOf = (who: Principal | null): string | null => (who?.via === 'cookie' ? who.sessionId : null)

/** Where the engine sends the browser: to a page of ours, or back to the application. */
function readLocation({ location }: EngineResponse, { settings }: Services) {
  if (location === null) return undefined
  const url = new URL(location, settings.publicUrl)
  const uid = url.pathname.startsWith(`${paths.interaction}/`) ? url.pathname.slice(paths.interaction.length + 1) : null
  return url.origin === settings.publicUrl.origin && uid !== null ? { uid } : { url: location }
}

/** The error that the engine returns to an application; `null` if it returns a code. */
function errorIn(location: string): string | null {
  const { search, hash } = new URL(location)
  return new URLSearchParams(search).get('error') ?? new URLSearchParams(hash.slice(1)).get('error')
}

/** A refusal that could not be returned to the application, because its redirect URI is not known to be its own. */
function refusedBy({ body, type }: EngineResponse) {
  // The engine answers with a page of its own where a signed or pushed request names another mode.
  if (!type.startsWith('application/json'))
    return fail('authorization_request_invalid', { error: 'unsupported_response_mode' })
  const read = EngineError.safeParse(JSON.parse(body))
  const error = read.success && /^[a-z_]{1,60}$/.test(read.data.error) ? read.data.error : 'invalid_request'
  // The engine has no such request, or it belongs to another browser.
  if (error === 'invalid_request' && body.includes('session')) return fail('authorization_request_expired')
  return fail('authorization_request_invalid', { error })
}

const authorize = route({
  ...common,
  method: 'get',
  path: paths.authorize,
  summary: 'Sign in to an application',
  description:
    'Where an application sends the browser (OpenID Connect Core §3.1.2). The browser returns to the redirect URI with `code`, `state` and `iss`, or with `error`.',
  reference: 'api',
  tag: 'OpenID provider',
  query: authorizationParameters,
  status: 303,
  fails: ['authorization_request_invalid', 'authorization_request_expired'],
  async handle({ query, who, origin }, services: Services) {
    const { applications, documents, openid, flows } = services
    const { client_id: clientId } = query
    const refuse = async (error: string) => {
      await flows.noteRefusedRequest(typeof clientId === 'string' ? clientId : undefined, error, origin)
      return fail('authorization_request_invalid', { error })
    }
    if (typeof clientId === 'string') await documents.prepare(clientId, origin)
    if (!(await applications.any())) return refuse('invalid_client')
    // Only this mode needs no page of the engine's making.
    if (query.response_mode !== undefined && query.response_mode !== 'query') return refuse('unsupported_response_mode')
    const answer = await openid.authorize(formOf(query), sessionOf(who), origin)
    const to = readLocation(answer, services)
    if (!to) {
      const refused = refusedBy(answer)
      return refused.error.code === 'authorization_request_invalid' ? refuse(refused.error.params.error ?? '') : refused
    }
    if (to.uid === undefined) {
      const error = errorIn(to.url)
      if (error !== null) await refuse(error)
      return ok(seeOther(to.url))
    }
    const asked = await openid.interaction(to.uid)
    const cookies = [bound(to.uid), languageFor(asked?.uiLocales ?? null)]
    return ok(seeOther(`${paths.interaction}/${to.uid}`, { cookies }))
  },
})

/**
 * A form that an application sends. It comes from another site, so the browser sends it without our cookies. It is not
 * processed: the browser repeats it as a top-level GET, which carries them.
 */
const fromApplication = { ...common, method: 'post', fromAnotherSite: true, auth: 'none', status: 303 } as const

const authorizeByForm = route({
  ...fromApplication,
  path: paths.authorize,
  summary: 'Sign in to an application that sends a form',
  body: authorizationParameters,
  fails: [],
  handle: ({ body }) => ok(seeOther(`${paths.authorize}?${formOf(body)}`)),
})

const resume = route({
  ...common,
  method: 'get',
  path: `${paths.authorize}/:uid`,
  summary: 'Continue the sign-in to an application',
  params: uidParams,
  status: 303,
  also: ['page'],
  fails: ['authorization_request_invalid', 'authorization_request_expired'],
  async handle({ params: { uid }, who, origin, cookie, wants, locale }, services: Services) {
    const isKnown = cookie(bindingOf(uid)) !== undefined && (await services.applications.any())
    if (!isKnown) return fail('authorization_request_expired')
    const answer = await services.openid.resume(uid, sessionOf(who), origin)
    const to = readLocation(answer, services)
    if (!to) return { ...refusedBy(answer), cookies: [unbound(uid)] }
    if (to.uid !== undefined)
      return ok(seeOther(`${paths.interaction}/${to.uid}`, { cookies: [unbound(uid), bound(to.uid)] }))
    const redirect = seeOther(to.url, { cookies: [unbound(uid), languageFor(null)] })
    // A form may have begun this chain of redirects, and its page could not name the application (`onward.tsx`).
    return wants === 'html' ? goOn(redirect, locale) : ok(redirect)
  },
})

const interaction = route({
  ...common,
  method: 'get',
  path: `${paths.interaction}/:uid`,
  summary: 'Show what a sign-in to an application needs',
  params: uidParams,
  also: ['redirect'],
  fails: ['authorization_request_expired'],
  async handle({ params: { uid }, who, cookie, locale, csrfToken }, services: Services) {
    const { openid, devices } = services
    const found = cookie(bindingOf(uid)) === undefined ? undefined : await openid.interaction(uid)
    if (!found) return fail('authorization_request_expired')
    const { step, application, redirectUri } = found
    const session = sessionOf(who)
    if (step.tag === 'sign_in') {
      const live = session === null || session === step.replaces ? undefined : await devices.find(session)
      const next = live && (await openid.signedIn(uid, live))
      return ok(seeOther(next ?? signInAt(uid)))
    }
    if (!who || session === null || who.accountId !== step.accountId) return ok(seeOther(signInAt(uid)))
    return show(
      locale,
      <ConsentPage
        {...readerOf(locale)}
        application={application}
        redirectUri={redirectUri}
        scopes={step.scopes}
        resources={step.resources}
        person={who.account.name ?? who.account.email ?? who.accountId}
        uid={uid}
        csrf={csrfToken()}
      />,
    )
  },
})

const signInAt = (uid: string): string => `/login?return_to=${encodeURIComponent(`${paths.interaction}/${uid}`)}`

const decide = route({
  ...common,
  method: 'post',
  path: `${paths.interaction}/:uid`,
  summary: 'Allow or refuse what an application asks for',
  auth: 'user',
  limit: 'account',
  params: uidParams,
  body: object({
    decision: z.enum(['allow', 'refuse']).describe('What the person decided'),
    document: z
      .string()
      .regex(/^[\w-]{1,64}$/)
      .optional()
      .describe('What the page showed of a metadata document'),
  }),
  status: 303,
  fails: ['authorization_request_expired'],
  async handle({ params: { uid }, body, who, origin, cookie }, { openid }: Services) {
    const found = cookie(bindingOf(uid)) === undefined ? undefined : await openid.interaction(uid)
    if (found?.step.tag !== 'consent' || found.step.accountId !== who.accountId)
      return fail('authorization_request_expired')
    // The document changed while the page was open: the person has not seen what it says now.
    if (body.decision === 'allow' && (body.document ?? null) !== found.application.documentHash)
      return ok(seeOther(`${paths.interaction}/${uid}`))
    const next = body.decision === 'allow' ? await openid.allow(uid, who.accountId, origin) : await openid.refuse(uid)
    return next === undefined ? fail('authorization_request_expired') : ok(seeOther(next))
  },
})

const logoutFields = {
  id_token_hint: storable(8192).optional().describe('An id_token of the application'),
  client_id: storable(256).optional().describe('The application ID'),
  post_logout_redirect_uri: storable(2048).optional().describe('Where to return to, as registered'),
  state: storable(2048).optional().describe('Returned unchanged'),
}
type LogoutRequest = { readonly [N in keyof typeof logoutFields]?: string | undefined }

/** The fields of the request that were given, for the form that repeats it. */
const entriesOf = (given: LogoutRequest): readonly (readonly [string, string])[] =>
  Object.keys(logoutFields).flatMap((name): (readonly [string, string])[] => {
    const value = given[name as keyof LogoutRequest]
    return value === undefined ? [] : [[name, value]]
  })

/** Where an application wants the browser back after a sign-out, if that is registered; otherwise our own page. */
async function leavingOf(given: LogoutRequest, { applications, tokens }: Services) {
  const { id_token_hint: token, client_id: named, post_logout_redirect_uri: uri, state } = given
  const hint = token === undefined ? undefined : await tokens.readIdToken(token)
  const id = hint?.applicationId ?? named
  const isContradictory = named !== undefined && id !== named
  const application = id === undefined || isContradictory ? undefined : await applications.find(id)
  const isRegistered = uri !== undefined && application?.postLogoutRedirectUris.includes(uri) === true
  if (!isRegistered) return { hint, application, to: '/login?done=signed_out' }
  const to = new URL(uri)
  if (state !== undefined) to.searchParams.set('state', state)
  return { hint, application, to: to.href }
}

const logout = route({
  ...common,
  method: 'get',
  path: paths.logout,
  summary: 'Sign out for an application',
  description:
    'Where an application sends the browser to sign out (OpenID Connect RP-Initiated Logout). With the id_token of the present session the sign-out happens at once; otherwise the person is asked.',
  reference: 'api',
  tag: 'OpenID provider',
  query: object(logoutFields).loose(),
  also: ['redirect'],
  fails: [],
  async handle({ query, who, origin, locale, csrfToken }, services: Services) {
    const { hint, application, to } = await leavingOf(query, services)
    if (!who || sessionOf(who) === null) return ok(seeOther(to))
    // The application proves that it signed this person in. Anyone else could sign people out with a link.
    if (hint && application && hint.subject === services.subjects.of(application, who.accountId)) {
      await services.flows.signOut.here(who, origin)
      return ok(seeOther(to, clearedSession))
    }
    return show(
      locale,
      <LogoutPage {...readerOf(locale)} application={application} given={entriesOf(query)} csrf={csrfToken()} />,
      { formAction: to.startsWith('http') ? [new URL(to).origin] : [] },
    )
  },
})

const logoutByForm = route({
  ...fromApplication,
  path: paths.logout,
  summary: 'Sign out for an application that sends a form',
  body: object(logoutFields).loose(),
  fails: [],
  handle: ({ body }) => ok(seeOther(`${paths.logout}?${formOf(body)}`)),
})

const confirmLogout = route({
  ...common,
  method: 'post',
  path: `${paths.logout}/confirm`,
  summary: 'Confirm signing out for an application',
  auth: 'public',
  limit: 'account',
  body: object(logoutFields),
  status: 303,
  also: ['page'],
  fails: [],
  async handle({ body, who, origin, locale }, services: Services) {
    const { to } = await leavingOf(body, services)
    if (who) await services.flows.signOut.here(who, origin)
    return goOn(seeOther(to, clearedSession), locale)
  },
})

export const oauthPageRoutes = [
  authorize,
  authorizeByForm,
  resume,
  interaction,
  decide,
  logout,
  logoutByForm,
  confirmLogout,
]
