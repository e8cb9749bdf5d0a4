/** Loads the engine when the first application needs it, and sends it requests. */
import type { IncomingMessage } from 'node:http'
import type { Applications } from '../applications/applications.ts'
import { requestSeconds } from '../applications/policy.ts'
import type { OpenidStateStore } from '../applications/ports.ts'
import type { ApplicationSessions } from '../applications/sessions.ts'
import type { Subjects } from '../applications/subjects.ts'
import { internalOrigin, type Origin } from '../events/catalogue.ts'
import { type Clock, epochSeconds, systemClock } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import type { Tokens } from '../sessions/tokens.ts'
import { createAdapter, signInIdOf, stateIdOf } from './adapter.ts'
import { callEngine, type EngineRequest, type EngineResponse } from './call.ts'
import type { ClientKeys } from './client-keys.ts'
import { clientOf } from './engine-client.ts'
import type { Nonces } from './nonces.ts'
import type { Proofs } from './proofs.ts'
import type { Views } from './views.ts'
import { withWarnings } from './warnings.ts'

/** How long a code is valid, in seconds. */
const codeSeconds = 60

type EngineHostParts = {
  issuer: string
  publicUrl: URL
  accessTtlSeconds: number
  /** The URLs of our own API. */
  own: readonly string[]
  views: Views
  tokens: Tokens
  states: OpenidStateStore
  applications: Pick<Applications, 'find' | 'used'>
  applicationSessions: Pick<ApplicationSessions, 'start' | 'endReused'>
  subjects: Subjects
  /** The claims about a person that these scopes allow; `undefined` if the account is gone or disabled. */
  claims: (accountId: string, scope: string) => Promise<Readonly<Record<string, unknown>> | undefined>
  proofs: Pick<Proofs, 'claim'>
  /** The nonces that DPoP proofs must have; `null` if they need none. */
  nonces: Nonces | null
  clientKeys: Pick<ClientKeys, 'at'>
  sealer: Sealer
  clock: Clock
  /** Gets what the engine warns of when it is loaded. */
  onWarning: (text: string) => void
}

export function createEngineHost(parts: EngineHostParts) {
  const { issuer, publicUrl, own, views, tokens, applications, applicationSessions, subjects, clock } = parts
  const isOther = (resource: string): boolean => !own.includes(resource)

  /** Who sent a request to the engine, and what failed while it was handled. */
  const origins = new WeakMap<IncomingMessage, Origin>()
  const failures = new WeakMap<IncomingMessage, { error: unknown }>()

  type EngineModule = typeof import('./engine.ts')
  let loaded: EngineModule | undefined
  const engineModule = (): EngineModule => {
    if (!loaded) throw new Error('the OpenID engine is not loaded')
    return loaded
  }

  const adapter = createAdapter({
    ...views,
    states: parts.states,
    sealer: parts.sealer,
    clock,
    machineClock: systemClock,
    clientOf,
    reused: (signInId, usedAt) => applicationSessions.endReused(signInId, usedAt, internalOrigin),
    used: () => new (engineModule().errors.InvalidGrant)('authorization code already used'),
  })

  type Engine = {
    readonly provider: ReturnType<EngineModule['createEngine']>
    readonly handler: ReturnType<ReturnType<EngineModule['createEngine']>['callback']>
  }
  let current: Engine | undefined
  /** The engine. It is loaded once, and keeps nothing of a request. */
  const engine = async (): Promise<Engine> => {
    loaded ??= await withWarnings(parts.onWarning, () => import('./engine.ts'))
    if (current) return current
    const provider = loaded.createEngine({
      issuer,
      adapter,
      application: applications.find,
      ownResources: own,
      claims: parts.claims,
      async start(code, request, dpopKey) {
        const [session, application] = await Promise.all([
          views.liveSession(code.sessionUid),
          applications.find(code.clientId),
        ])
        if (!session || !application) return undefined
        const { resource = [] } = code
        applications.used(application)
        return applicationSessions.start(
          application,
          session,
          { scope: code.scope ?? '', resources: [resource].flat().filter(isOther), dpopKey },
          { signInId: signInIdOf(code), using: parts.states.using(stateIdOf(code.kind, code.jti), clock()) },
          origins.get(request) ?? internalOrigin,
        )
      },
      async tokens(session, access) {
        const application = await applications.find(session.applicationId)
        if (!application) return undefined
        const resource = access.resource !== null && isOther(access.resource) ? access.resource : null
        const of = { ...session, subject: subjects.of(application, session.accountId) }
        const issued = tokens.access(of, { ...access, resource, ttlSeconds: application.accessTtlSeconds })
        return { ...issued, refreshToken: tokens.refresh(of) }
      },
      async subject(clientId, accountId) {
        const application = await applications.find(clientId)
        return application && subjects.of(application, accountId)
      },
      async signIdToken(clientId, claims) {
        const application = await applications.find(clientId)
        return (
          application && tokens.idToken({ applicationId: clientId, algorithm: application.idTokenAlgorithm, claims })
        )
      },
      async readHint(clientId, idToken) {
        const hint = await tokens.readIdToken(idToken)
        return hint?.applicationId === clientId ? hint.subject : undefined
      },
      deviceInfo(request) {
        const { ip, userAgent } = origins.get(request) ?? internalOrigin
        return { ip, userAgent }
      },
      nonces: parts.nonces,
      claim: (of, id, expiresAt) => parts.proofs.claim('engine', of, id, new Date(expiresAt * 1000)),
      keysAt: parts.clientKeys.at,
      onError: (request, error) => failures.set(request, { error }),
      clock,
      lifetimes: { codeSeconds, requestSeconds, accessSeconds: parts.accessTtlSeconds },
    })
    current = { provider, handler: provider.callback() }
    return current
  }

  /** Sends a request to the engine. What failed inside it fails here, so that it is answered like every other failure. */
  const ask = async (request: EngineRequest, origin: Origin): Promise<EngineResponse> => {
    const { handler } = await engine()
    let sent: IncomingMessage | undefined
    const response = await callEngine(handler, publicUrl, request, (incoming) => {
      sent = incoming
      origins.set(incoming, origin)
    })
    const failure = sent && failures.get(sent)
    if (failure) throw failure.error
    return response
  }

  /** The cookies as the engine reads them: the session of the browser, and the interaction that it continues. */
  const cookieOf = (session: string | null, resume: string | null): Readonly<Record<string, string>> => {
    const { cookieNames } = engineModule()
    const pairs = [
      ...(session === null ? [] : [`${cookieNames.session}=${session}`]),
      ...(resume === null ? [] : [`${cookieNames.resume}=${resume}`]),
    ]
    return pairs.length > 0 ? { cookie: pairs.join('; ') } : {}
  }

  /** By how many seconds a time of the engine is in the future. */
  const secondsUntil = (exp: number): number => exp - epochSeconds(systemClock())

  return { engine, ask, cookieOf, secondsUntil }
}
export type EngineHost = ReturnType<typeof createEngineHost>
