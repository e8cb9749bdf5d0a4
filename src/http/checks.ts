/**
 * What every request must pass before its handler runs. Each check returns what stops the request, or `undefined`: then
 * the request continues, and what the check read is in `incoming`.
 */
import { parse as parseQuery } from 'node:querystring'
import type { z } from 'zod'
import { type AppError, fail, type Locale } from '../errors/catalogue.ts'
import { untimed } from '../kernel/limit.ts'
import { contentTypes, readBody as readBytes } from './body.ts'
import type { BoundRoute, Frame } from './frame.ts'
import type { Incoming } from './incoming.ts'
import { listsIn } from './list-fields.ts'
import { isRecent } from './principal.ts'
import { type Fault, fault, invalidRequest, isUnmatched, readFaults } from './problem.ts'
import type { Refusal, Stop } from './refusal.ts'
import type { Auth, Route } from './route.ts'

type Checked = Pick<Route, 'surface' | 'applications'> & {
  readonly auth: Exclude<Auth, 'none'>
  readonly scope?: string
}

/** Credentials that the handler reads itself must still be a single, well-formed header. */
export const checkCredential = ({ authorization }: Incoming): Refusal | undefined =>
  authorization.kind === 'malformed' ? { error: invalidRequest, badCredentials: true } : undefined

/**
 * Identifies the caller, and checks that the route is open to them. `Authorization` wins over the cookie: a browser
 * sends the cookie on its own.
 */
export async function authorize(frame: Frame, incoming: Incoming, checked: Checked): Promise<Stop | undefined> {
  const { authenticate, clock, csrf, recentAuthSeconds } = frame
  const { auth, scope, surface } = checked
  const { authorization } = incoming
  let stale: AppError | undefined
  if (authorization.kind === 'malformed') return { error: invalidRequest, badCredentials: true }
  // A public route refuses unknown credentials, too: their sender believes to be signed in.
  if (authorization.kind === 'other') {
    return { error: fail(auth === 'public' ? 'token_invalid' : 'authentication_required').error }
  }
  if (authorization.kind === 'bearer' || authorization.kind === 'dpop') {
    const verdict = await authenticate.bearer(authorization.token)
    if (!verdict.ok) return { error: verdict.error, badCredentials: true }
    const { dpopKey } = verdict.value
    const unproven =
      authorization.kind === 'bearer' && dpopKey === null
        ? undefined
        : await keyError(frame, incoming, authorization, dpopKey)
    if (unproven) return { error: unproven, badCredentials: true }
    incoming.who = verdict.value
    const { application, scopes } = verdict.value
    if (application !== null && !checked.applications?.every((needed) => scopes.includes(needed)))
      return { error: fail('application_not_allowed').error }
  } else {
    const value = incoming.readCookie('session')
    if (value) {
      const verdict = await authenticate.cookie(value)
      if (verdict.ok) incoming.who = verdict.value
      else {
        stale = verdict.error
        incoming.hasStaleSession = true
      }
      // A script of another origin never acts with the cookie, not even to read. This is checked once the account is
      // known, so that the audit log names it. Links and images send no `Origin` with GET.
      const { headers } = incoming.request
      const isScript = surface === 'api' && headers.origin !== undefined
      if (isScript && csrf.sourceOf(headers) === 'foreign') return { error: fail('csrf_failed').error }
    }
  }
  if (auth === 'public') return undefined
  const { who } = incoming
  if (!who) {
    if (incoming.wants === 'html' && incoming.request.method === 'GET') {
      return { kind: 'redirect', location: `/login?return_to=${encodeURIComponent(incoming.returnTo)}` }
    }
    return { error: stale ?? fail('authentication_required').error }
  }
  if (scope !== undefined && !who.scopes.includes(scope)) {
    // A program learns which scope it lacks (RFC 6750 §3.1). For people without the scope, the page does not exist
    // (ASVS 8.2.1).
    const lacking = fail('insufficient_scope', { scope }).error
    return surface === 'browser' ? { error: fail('not_found').error, recorded: lacking } : { error: lacking }
  }
  if (auth === 'recent' && !isRecent(who, clock(), recentAuthSeconds)) {
    return { error: fail('reauthentication_required').error }
  }
  return undefined
}

/** What is wrong with the proof of a key, given a token that is bound to one or a proof; `undefined` if nothing is. */
async function keyError(
  frame: Frame,
  incoming: Incoming,
  { kind, token }: { readonly kind: 'bearer' | 'dpop'; readonly token: string },
  key: string | null,
): Promise<AppError | undefined> {
  const required = fail('dpop_proof_required').error
  // A stolen token that is bound to a key must not pass as one that is not (RFC 9449 §7.2).
  if (kind === 'bearer') return required
  const proof = incoming.header('DPoP')
  if (key === null || proof === undefined) return required
  const request = { method: incoming.request.method, url: incoming.url, accessToken: token }
  const shown = await frame.authenticate.dpopKey(proof, request)
  if (typeof shown === 'object') return fail('dpop_nonce_required', undefined, { extra: shown }).error
  return shown === key ? undefined : required
}

/** Reads the query string. */
export function readQuery(incoming: Incoming, schema: z.ZodType): Refusal | undefined {
  const { url } = incoming.request
  const at = url.indexOf('?')
  const fields = at < 0 ? {} : parseQuery(url.slice(at + 1), '&', '=', { maxKeys: 0 })
  const given = single(fields, listsIn(schema), () => incoming.locale)
  if (given.faults) return { error: invalidRequest, faults: given.faults }
  const query = schema.safeParse(given.value)
  if (!query.success) return { error: invalidRequest, faults: readFaults(query.error, given.value, incoming.locale) }
  incoming.query = query.data
  return undefined
}

/**
 * Reads the body, and checks that the person at the browser meant to send it. A request from another site is refused
 * before its body is read. If the browser does not name the source, only the token of a form is accepted.
 */
export async function checkBody<D>(frame: Frame, incoming: Incoming, bound: BoundRoute<D>): Promise<Stop | undefined> {
  const { route, accepts, body: schema } = bound
  const { request } = incoming
  const source = route.fromAnotherSite ? 'ours' : frame.csrf.sourceOf(request.headers)
  const isForPeople = !route.fromAnotherSite && route.surface === 'browser' && incoming.who?.via !== 'bearer'
  const isAmbient = actsByCookie(incoming, route)
  // A script of our pages sends the token in a header. Another site cannot read it, nor send it without a preflight.
  const hasToken = (): boolean => isOurForm(frame, incoming, route, incoming.header('X-CSRF-Token'))
  const needsToken = isAmbient && source === 'unknown' && !hasToken()
  const takesForms = accepts.form || accepts.multipart
  if (source === 'foreign' && (isAmbient || isForPeople)) return { error: fail('csrf_failed').error }
  if (needsToken && !(isForPeople && takesForms)) return { error: fail('csrf_failed').error }

  // The server limits how slowly a client sends; the time for this does not count as ours.
  const body = await untimed(() => readBytes(request, accepts))
  switch (body.kind) {
    case 'aborted':
      return 'aborted'
    case 'unsupported_media_type':
      return { error: fail('unsupported_media_type', { accepted: contentTypes(accepts).join(', ') }).error }
    case 'malformed_body':
    case 'payload_too_large':
      // The page with the form says that the file is too long.
      if (accepts.multipart) incoming.typed = {}
      return { error: fail(body.kind).error }
    case 'repeated':
      return { error: invalidRequest, faults: [fault(body.name, 'repeated', incoming.locale)] }
  }
  // An empty form has no content type and no token. A sandboxed frame of another site sends it with `Origin: null`.
  const isEmptyForm = body.kind === 'none' && isForPeople && request.headers.origin !== undefined
  if ((needsToken && body.kind !== 'form') || (isEmptyForm && source !== 'ours')) {
    return { error: fail('csrf_failed').error }
  }
  let value: unknown = body.kind === 'none' ? {} : body.value
  if (body.kind === 'form' || body.kind === 'none') {
    const { csrf: token, ...fields } = value as Record<string, string | string[]>
    // The form of a page needs its token even if it is empty; the form of an API is sent by a program.
    if (isForPeople && takesForms) {
      const formExpected = body.kind === 'form' || !accepts.json
      if (formExpected && !isOurForm(frame, incoming, route, token)) return { error: fail('csrf_failed').error }
      value = fields
    }
    const given = single(value as Record<string, string | string[]>, listsIn(schema), () => incoming.locale)
    if (given.faults) return { error: invalidRequest, faults: given.faults }
    value = given.value
    if (body.kind === 'form') incoming.typed = typedIn(given.value)
  }
  const read = schema.safeParse(value)
  if (!read.success) {
    if (route.unmatched && isUnmatched(read.error)) return { error: fail(route.unmatched).error }
    const error = route.unfit === undefined ? invalidRequest : fail(route.unfit).error
    return { error, faults: readFaults(read.error, value, incoming.locale) }
  }
  if (body.kind === 'none' && route.body && !route.bodyOptional && accepts.json) {
    return { error: fail('malformed_body').error }
  }
  incoming.body = route.body ? read.data : undefined
  return undefined
}

/** What can be shown again: a browser cannot fill in a file. */
const typedIn = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => !Buffer.isBuffer(value)))

/** Whether the caller is identified by a cookie. If the handler reads credentials itself, sending one is enough. */
function actsByCookie(incoming: Incoming, { auth, anyOrigin }: Pick<Route, 'auth' | 'anyOrigin'>): boolean {
  // It reads no cookie. The browser of an application on our host, on another port, sends ours all the same.
  if (anyOrigin) return false
  if (auth !== 'none') return incoming.who?.via === 'cookie'
  return incoming.request.headers.authorization === undefined && incoming.readCookie('session') !== undefined
}

function isOurForm({ csrf }: Frame, incoming: Incoming, { auth }: Pick<Route, 'auth'>, token: unknown): boolean {
  if (incoming.who?.via === 'cookie') return csrf.holds(token, 'session', incoming.readCookie('session'))
  return (
    csrf.holds(token, 'visitor', incoming.readCookie('csrf')) ||
    (auth === 'none' && csrf.holds(token, 'session', incoming.readCookie('session')))
  )
}

/** What was deleted while the handler ran: the account of the caller, or otherwise what the request was about. */
export async function whatIsGone({ authenticate }: Frame, incoming: Incoming): Promise<AppError> {
  if (incoming.who === null) return fail('user_not_found').error
  const token = incoming.bearer
  const verdict = await (token === null
    ? authenticate.cookie(incoming.readCookie('session') ?? '')
    : authenticate.bearer(token))
  if (verdict.ok) return fail('not_found').error
  return verdict.error.code === 'session_revoked' ? fail('user_not_found').error : verdict.error
}

/** One value for each field, or an error for each field that occurs more than once without being a list. */
function single(
  given: Readonly<Record<string, string | string[] | undefined>>,
  lists: ReadonlySet<string>,
  locale: () => Locale,
): { value: Record<string, unknown>; faults?: undefined } | { faults: readonly Fault[] } {
  const value: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  const faults: Fault[] = []
  for (const [name, each] of Object.entries(given)) {
    if (lists.has(name)) value[name] = Array.isArray(each) ? each : [each]
    else if (Array.isArray(each)) faults.push(fault(name, 'repeated', locale()))
    else value[name] = each
  }
  return faults.length > 0 ? { faults } : { value }
}
