import type { Applications } from '../applications/applications.ts'
import { ownResources } from '../applications/metadata.ts'
import { resourceScopesOf, standardOf } from '../applications/policy.ts'
import type { Application, ApplicationSession } from '../applications/ports.ts'
import { type ApplicationSessions, checkSignIn } from '../applications/sessions.ts'
import type { Subjects } from '../applications/subjects.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Origin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { SessionStore } from '../sessions/ports.ts'
import { decideRotation, type Windows } from '../sessions/rotation.ts'
import type { Tokens } from '../sessions/tokens.ts'

export type ApplicationTokens = {
  readonly accessToken: string
  readonly refreshToken: string
  readonly expiresIn: number
  readonly scope: string
}
export type ApplicationRefreshCode = 'grant_invalid' | 'scope_invalid' | 'resource_invalid'

/** What a refresh asks for: fewer scopes, or another resource than the first one. */
export type RefreshRequest = {
  readonly scope?: string | undefined
  readonly resource?: string | undefined
  /** The key of the DPoP proof that was sent with the request (RFC 9449 §5); `null` without one. */
  readonly dpopKey: string | null
}

/**
 * Whether a request proves the key that the refresh token is bound to. The token of an application that authenticates is
 * bound to that authentication, so it may use another key; without any, its next token would be weaker (RFC 9449 §5).
 */
const hasKey = (
  { clientAuth, requiresDpop }: Application,
  { dpopKey }: Pick<ApplicationSession, 'dpopKey'>,
  asked: RefreshRequest,
): boolean => {
  if (asked.dpopKey === null) return dpopKey === null && !requiresDpop
  return dpopKey === null || asked.dpopKey === dpopKey || clientAuth !== 'none'
}

/** How often a refresh extends the device session, in seconds. */
const seenEverySeconds = 60
/** How many device sessions one node remembers for that. */
const rememberedSessions = 10_000

type RefreshApplicationParts = {
  applicationSessions: ApplicationSessions
  applications: Pick<Applications, 'used'>
  sessions: Pick<SessionStore, 'touch'>
  subjects: Subjects
  tokens: Tokens
  events: Bus
  clock: Clock
  policy: { readonly publicUrl: URL }
  windows: Windows
  refreshTtlSeconds: number
  onDefect: (error: unknown) => void
}

/**
 * The scope and resource of an access token, out of what the sign-in allows and the application still has: an
 * administrator may have withdrawn an API or a scope since then. A token is for one resource, so that one API cannot use
 * it at another (RFC 8707 §2). `own` are the URLs of our own API, which is the resource of a token that names none.
 */
export function accessOf(
  session: Pick<ApplicationSession, 'scope' | 'resources'>,
  application: Pick<Application, 'scopes' | 'resources'>,
  asked: Omit<RefreshRequest, 'dpopKey'>,
  own: readonly string[],
): Result<
  { readonly scope: string; readonly resource: string | null },
  AppError<'scope_invalid' | 'resource_invalid'>
> {
  const granted = session.scope.split(' ').filter((one) => application.scopes.includes(one))
  const resources = session.resources.filter((one) => application.resources.includes(one))
  // Some clients repeat the scope of their authorization request. Without `offline_access` among the granted scopes, a
  // first-party application has its refresh token all the same.
  const named = asked.scope?.split(' ').filter((one) => one !== 'offline_access' || granted.includes(one))
  const wanted = named === undefined ? granted : [...new Set(named)]
  if (!wanted.every((one) => granted.includes(one))) return fail('scope_invalid')
  const resource = asked.resource ?? (resources.length === 1 ? resources[0] : undefined)
  const isOwn = resource !== undefined && own.includes(resource)
  if (resource === undefined || isOwn) {
    if (resources.length > 1 && !isOwn) return fail('resource_invalid')
    return ok({ scope: standardOf(wanted).join(' '), resource: null })
  }
  if (!resources.includes(resource)) return fail('resource_invalid')
  return ok({ scope: resourceScopesOf(wanted).join(' '), resource })
}

/**
 * Refreshes the tokens of an application, under the same contract as `refresh-tokens.ts`: one compare-and-set, and only
 * if that fails a decision on what was read. A token that is replayed outside its windows ends the sign-ins of this
 * application in this device session, and nothing else.
 */
export function refreshApplication({
  applicationSessions,
  applications,
  sessions,
  subjects,
  tokens,
  events,
  clock,
  policy,
  windows,
  refreshTtlSeconds,
  onDefect,
}: RefreshApplicationParts) {
  const own = ownResources(policy.publicUrl)
  const seen = new Map<string, number>()

  /** A person who uses an application uses the device. Not awaited: nothing depends on it. */
  const extend = (sessionId: string, now: Date): void => {
    if (now.getTime() - (seen.get(sessionId) ?? 0) < seenEverySeconds * 1000) return
    if (seen.size >= rememberedSessions) seen.clear()
    seen.set(sessionId, now.getTime())
    sessions.touch(sessionId, now, secondsAfter(now, refreshTtlSeconds)).catch(onDefect)
  }

  return async (
    application: Application,
    token: string,
    asked: RefreshRequest,
    origin: Origin,
  ): Promise<Result<ApplicationTokens, AppError<ApplicationRefreshCode>>> => {
    const refuse = (result: 'refused' | 'reused' = 'refused') => {
      events.emit('application.refreshed', { result })
      return fail('grant_invalid')
    }
    const claims = await tokens.readOfApplication(token, 'refresh')
    // A token that was issued to another application is refused, and says nothing about that one.
    if (!claims.ok || claims.value.application.id !== application.id) return refuse()
    const { generation, application: of } = claims.value
    if (!hasKey(application, of, asked)) return refuse()

    const answer = (
      session: ApplicationSession,
      access: { readonly scope: string; readonly resource: string | null },
    ): ApplicationTokens => {
      const { dpopKey } = asked
      const of = { ...session, subject: subjects.of(application, session.accountId) }
      const { token: accessToken, expiresIn } = tokens.access(of, {
        ...access,
        dpopKey,
        ttlSeconds: application.accessTtlSeconds,
      })
      return { accessToken, refreshToken: tokens.refresh(of), expiresIn, scope: access.scope }
    }

    for (;;) {
      const now = clock()
      // What the request may ask for is checked before anything is rotated: a refused request changes nothing.
      if (asked.scope !== undefined || asked.resource !== undefined) {
        const current = checkSignIn(await applicationSessions.find(of.session), now)
        if (!current.ok) return refuse()
        const access = accessOf(current.value, application, asked, own)
        if (!access.ok) return access
      }
      const rotated = await applicationSessions.rotate(
        { id: of.session, applicationId: application.id, generation },
        now,
        applicationSessions.idleEnd(application, now),
      )
      if (rotated) {
        const access = accessOf(rotated, application, asked, own)
        if (!access.ok) return access
        events.emit('application.refreshed', { result: 'rotated' })
        extend(rotated.sessionId, now)
        applications.used(application)
        return ok(answer(rotated, access.value))
      }
      const found = checkSignIn(await applicationSessions.find(of.session), now)
      if (!found.ok) return refuse()
      const decision = decideRotation(generation, found.value, now, windows)
      if (decision.tag === 'replay') {
        const access = accessOf(found.value, application, asked, own)
        if (!access.ok) return access
        events.emit('application.refreshed', { result: 'replayed' })
        return ok(answer(found.value, access.value))
      }
      if (decision.tag === 'refuse') return refuse()
      if (decision.tag === 'reuse') {
        const ended = await applicationSessions.endAll(found.value, origin)
        return refuse(ended > 0 ? 'reused' : 'refused')
      }
    }
  }
}
