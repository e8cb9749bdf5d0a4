/**
 * Vinculum as an OpenID provider, for the routes of `http/`: plain values in, plain values out. The engine is loaded
 * when the first application needs it; without one it costs nothing.
 */
import type { IncomingMessage } from 'node:http'
import type { DeviceCode } from 'oidc-provider'
import type { Applications } from '../applications/applications.ts'
import type { Documents } from '../applications/documents.ts'
import { ownResources, paths } from '../applications/metadata.ts'
import {
  classOf,
  isAllowed,
  isStandardScope,
  kindRules,
  ofSameDocument,
  requestSeconds,
  resourceScopesOf,
  standardOf,
} from '../applications/policy.ts'
import type { Application, ConsentStore, OpenidStateStore } from '../applications/ports.ts'
import type { ApplicationSessions } from '../applications/sessions.ts'
import type { Subjects } from '../applications/subjects.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import { internalOrigin, type Origin } from '../events/catalogue.ts'
import { type Clock, epochSeconds, secondsAfter } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Devices } from '../sessions/devices.ts'
import type { LiveSession } from '../sessions/ports.ts'
import type { Tokens } from '../sessions/tokens.ts'
import { createAdapter } from './adapter.ts'
import { callEngine, type EngineRequest, type EngineResponse } from './call.ts'
import type { ClientKeys } from './client-keys.ts'
import type { Nonces } from './nonces.ts'
import type { Proofs } from './proofs.ts'
import { withWarnings } from './warnings.ts'

/** How long a code is valid, in seconds. */
const codeSeconds = 60

/** The fields of a form that authenticate an application. */
const credentialFields: ReadonlySet<string> = new Set(['client_secret', 'client_assertion', 'client_assertion_type'])

/** How far apart the requests of a device must be, in seconds. It is asked for five: networks are not exact. */
const leastPollSeconds = 4
const userCodeLength = 8

/** What a device asks for, and from where. */
export type DeviceRequest = {
  readonly application: Application
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly from: { readonly ip: string | null; readonly userAgent: string | null }
}

function askedBy({ params }: DeviceCode, { scopes: registered }: Application, own: readonly string[]) {
  const { scope = '', resource = [] } = params
  const resources = [resource].flat().filter((one) => !own.includes(one))
  const scopes = String(scope)
    .split(' ')
    .filter((one) => registered.includes(one) && (resources.length > 0 || isStandardScope(one)))
  return { scopes, resources }
}

/** What a person must do before an application gets its answer. */
export type Interaction = {
  readonly uid: string
  /** The page it continues on when everything is done. */
  readonly continueAt: string
  readonly application: Application
  /** Where the browser returns to. */
  readonly redirectUri: string | null
  readonly loginHint: string | null
  /** The languages that the application asks for, separated by spaces. */
  readonly uiLocales: string | null
  readonly step:
    | {
        readonly tag: 'sign_in'
        /** The session that is not recent or strong enough: another one must replace it. `null`: any session will do. */
        readonly replaces: string | null
      }
    | {
        readonly tag: 'consent'
        readonly accountId: string
        readonly scopes: readonly string[]
        readonly resources: readonly string[]
      }
}

type OpenidParts = {
  issuer: string
  publicUrl: URL
  accessTtlSeconds: number
  tokens: Tokens
  states: OpenidStateStore
  consents: ConsentStore
  applications: Applications
  documents: Pick<Documents, 'isCurrent'>
  applicationSessions: ApplicationSessions
  subjects: Subjects
  devices: Pick<Devices, 'find'>
  /** The claims about a person that these scopes allow; `undefined` if the account is gone or disabled. */
  claims: (accountId: string, scope: string) => Promise<Readonly<Record<string, unknown>> | undefined>
  proofs: Pick<Proofs, 'claim' | 'verifyDpop'>
  /** The nonces that DPoP proofs must have; `null` if they need none. */
  nonces: Nonces | null
  clientKeys: Pick<ClientKeys, 'at'>
  sealer: Sealer
  clock: Clock
  /** Gets what the engine warns of when it is loaded. */
  onWarning: (text: string) => void
}

export function createOpenid(parts: OpenidParts) {
  const { issuer, publicUrl, tokens, consents, applications, applicationSessions, devices, clock } = parts
  const { subjects } = parts

  const own = ownResources(publicUrl)
  const isOther = (resource: string): boolean => !own.includes(resource)

  /** Who sent a request to the engine, and what failed while it was handled. */
  const origins = new WeakMap<IncomingMessage, Origin>()
  const failures = new WeakMap<IncomingMessage, { error: unknown }>()

  const liveSession = async (id: string): Promise<LiveSession | undefined> => {
    const session = await devices.find(id)
    const now = clock()
    const isOver =
      !session ||
      session.endedAt !== null ||
      session.account.disabledAt !== null ||
      now >= session.idleExpiresAt ||
      now >= session.absoluteExpiresAt
    return isOver ? undefined : session
  }

  /** `<session>.<application>`: the sign-in of an application in a session. */
  const partsOf = (grantId: string): readonly [session: string, application: string] => {
    // The ID of an application may be a URL.
    const at = grantId.indexOf('.')
    return at < 0 ? [grantId, ''] : [grantId.slice(0, at), grantId.slice(at + 1)]
  }

  const allowedOf = async (application: Application, accountId: string) =>
    application.firstParty ? application : ofSameDocument(application, await consents.find(accountId, application.id))

  const adapter = createAdapter({
    states: parts.states,
    sealer: parts.sealer,
    clock,
    async application(id) {
      const found = await applications.find(id)
      // The engine signs people in. A machine never reaches it.
      return found && kindRules[found.kind].hasPeople && parts.documents.isCurrent(found) ? found : undefined
    },
    clientOf: (application) => engineModule().clientOf(application),
    // Without `iat`: the engine reads the clock of its machine, which may be behind the one that all nodes share.
    session: async (id) => {
      const session = await liveSession(id)
      if (!session) return undefined
      const acr = classOf(session.amr)
      return {
        kind: 'Session',
        jti: id,
        uid: id,
        accountId: session.accountId,
        loginTs: epochSeconds(session.authTime),
        amr: [...session.amr],
        ...(acr === undefined ? {} : { acr }),
        exp: epochSeconds(session.absoluteExpiresAt),
      }
    },
    grant: async (id) => {
      const [sessionId, applicationId] = partsOf(id)
      const [session, application] = await Promise.all([liveSession(sessionId), applications.find(applicationId)])
      const allowed = session && application && (await allowedOf(application, session.accountId))
      if (!session || !application || !allowed) return undefined
      // An application may have lost a scope that a person once allowed.
      const scopes = allowed.scopes.filter((scope) => application.scopes.includes(scope))
      const ofResources = resourceScopesOf(scopes).join(' ')
      return {
        kind: 'Grant',
        jti: id,
        accountId: session.accountId,
        clientId: applicationId,
        openid: { scope: standardOf(scopes).join(' ') },
        resources: Object.fromEntries([
          ...allowed.resources
            .filter((resource) => application.resources.includes(resource))
            .map((resource) => [resource, ofResources]),
          ...own.map((resource) => [resource, standardOf(scopes).join(' ')]),
        ]),
        exp: epochSeconds(session.absoluteExpiresAt),
      }
    },
    revoke: async (grantId) => {
      const [sessionId, applicationId] = partsOf(grantId)
      const session = await devices.find(sessionId)
      if (!session) return
      const of = { sessionId, applicationId, accountId: session.accountId }
      await applicationSessions.endAll(of, 'code_reused', internalOrigin)
    },
    used: () => new (engineModule().errors.InvalidGrant)('authorization code already used'),
  })

  type EngineModule = typeof import('./engine.ts')
  let loaded: EngineModule | undefined
  const engineModule = (): EngineModule => {
    if (!loaded) throw new Error('the OpenID engine is not loaded')
    return loaded
  }

  type Engine = {
    readonly provider: ReturnType<EngineModule['createEngine']>
    readonly handler: ReturnType<ReturnType<EngineModule['createEngine']>['callback']>
  }
  let current: Engine | undefined
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
          liveSession(code.sessionUid),
          applications.find(code.clientId),
        ])
        if (!session || !application) return undefined
        const { resource = [] } = code
        applications.used(application)
        return applicationSessions.start(
          application,
          session,
          { scope: code.scope ?? '', resources: [resource].flat().filter(isOther), dpopKey },
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

  /** Sends a request to the engine. What failed inside it fails here, so that it is answered as any other failure. */
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

  const cookieOf = (session: string | null, resume: string | null): Readonly<Record<string, string>> => {
    const { cookieNames } = engineModule()
    const pairs = [
      ...(session === null ? [] : [`${cookieNames.session}=${session}`]),
      ...(resume === null ? [] : [`${cookieNames.resume}=${resume}`]),
    ]
    return pairs.length > 0 ? { cookie: pairs.join('; ') } : {}
  }

  /** The engine's interaction with its application. */
  const interactionOf = async (uid: string) => {
    // Without an application there is no request, and nothing to load the engine for.
    if (!(await applications.any())) return undefined
    const { provider } = await engine()
    const interaction = await provider.Interaction.find(uid)
    const application = interaction && (await applications.find(interaction.params.client_id ?? ''))
    return interaction && application ? { interaction, application } : undefined
  }

  return {
    /** An authorization request (RFC 6749 §4.1.1), for the browser of this session. */
    async authorize(query: string, sessionId: string | null, origin: Origin): Promise<EngineResponse> {
      await engine()
      return ask({ method: 'GET', path: `${paths.authorize}?${query}`, headers: cookieOf(sessionId, null) }, origin)
    },

    /** Continues an authorization request after a person did what was needed. */
    async resume(uid: string, sessionId: string | null, origin: Origin): Promise<EngineResponse> {
      await engine()
      const path = `${paths.authorize}/${encodeURIComponent(uid)}`
      return ask({ method: 'GET', path, headers: cookieOf(sessionId, uid) }, origin)
    },

    /**
     * Redeems a code, or pushes an authorization request: what an application sends as a form. The caller has
     * authenticated it: for the engine, every application is a public client.
     */
    async post(
      path: typeof paths.token | typeof paths.par | typeof paths.device,
      application: Application,
      fields: readonly (readonly [name: string, value: string])[],
      dpop: string | undefined,
      origin: Origin,
    ): Promise<EngineResponse> {
      const form = new URLSearchParams(fields.filter(([name]) => !credentialFields.has(name)).map((each) => [...each]))
      form.set('client_id', application.id)
      return ask(
        { method: 'POST', path, form: form.toString(), ...(dpop === undefined ? {} : { headers: { dpop } }) },
        origin,
      )
    },

    /** The key of the proof that came with a token request; `null` without one (RFC 9449 §5). */
    async keyOf(
      proof: string | undefined,
    ): Promise<Result<string | null, AppError<'dpop_proof_invalid' | 'dpop_nonce_invalid'>>> {
      if (proof === undefined) return ok(null)
      const url = new URL(paths.token, publicUrl).href
      const shown = await parts.proofs.verifyDpop(proof, { method: 'POST', url, accessToken: null })
      if (shown === undefined) return fail('dpop_proof_invalid')
      return shown.tag === 'proven'
        ? ok(shown.key)
        : fail('dpop_nonce_invalid', undefined, { extra: { nonce: this.nonce() } })
    },

    /** The nonce that DPoP proofs should have now; `null` if they need none. */
    nonce: (): string | null => parts.nonces?.current() ?? null,

    /** What a person must do next; `undefined` if the request is unknown or has expired. */
    async interaction(uid: string): Promise<Interaction | undefined> {
      const found = await interactionOf(uid)
      if (!found) return undefined
      const { interaction, application } = found
      const { prompt, params } = interaction
      const { login_hint: loginHint = null, ui_locales: uiLocales = null, redirect_uri: redirectUri = null } = params
      const base = { uid, continueAt: `${paths.authorize}/${uid}`, application, redirectUri, loginHint, uiLocales }
      if (prompt.name === 'consent') {
        const scopes = (params.scope ?? '').split(' ').filter((scope) => application.scopes.includes(scope))
        const asked = params.resource
        const resources = asked === undefined ? [] : [asked].flat().filter(isOther)
        const seen = resources.length > 0 ? scopes : scopes.filter(isStandardScope)
        return {
          ...base,
          step: { tag: 'consent', accountId: interaction.session?.accountId ?? '', scopes: seen, resources },
        }
      }
      const fresh = prompt.reasons.some((reason) => reason !== 'no_session')
      // Signing in again always starts another session, so no times need to be compared.
      return { ...base, step: { tag: 'sign_in', replaces: fresh ? (interaction.session?.uid ?? null) : null } }
    },

    /** Records that the person of this session is signed in. Returns where to continue. */
    async signedIn(uid: string, session: LiveSession): Promise<string | undefined> {
      const found = await interactionOf(uid)
      if (!found) return undefined
      const { interaction } = found
      const acr = classOf(session.amr)
      return finish(interaction, {
        ...(interaction.prompt.name === 'select_account' ? { select_account: {} } : {}),
        login: {
          accountId: session.accountId,
          ts: epochSeconds(session.authTime),
          amr: [...session.amr],
          ...(acr === undefined ? {} : { acr }),
        },
      })
    },

    /** Records what the person allows the application to see. Returns where to continue. */
    async allow(uid: string, accountId: string, origin: Origin): Promise<string | undefined> {
      const found = await interactionOf(uid)
      const step = (await this.interaction(uid))?.step
      if (!found || step?.tag !== 'consent') return undefined
      const { interaction, application } = found
      const { scopes, resources } = step
      const { documentHash } = application
      if (!isAllowed({ scopes, resources }, await allowedOf(application, accountId)))
        await consents.allow({ accountId, applicationId: application.id, scopes, resources, documentHash }, clock(), [
          { name: 'application.consented', accountId, origin, data: { application: application.id } },
        ])
      return finish(interaction, { consent: { grantId: '' } })
    },

    /** Whether a device asks again too soon (RFC 8628 §3.5). Unknown codes are left to the engine, which refuses them. */
    async isTooSoon(application: Application, code: string): Promise<boolean> {
      const { provider } = await engine()
      const found = await provider.DeviceCode.find(code, { ignoreExpiration: true })
      if (found?.clientId !== application.id) return false
      const slot = Math.floor(clock().getTime() / (leastPollSeconds * 1000))
      const isFirst = await parts.proofs.claim('poll', code, String(slot), secondsAfter(clock(), 2 * leastPollSeconds))
      return !isFirst
    },

    /** The request of a device whose code a person typed; `undefined` if there is none that waits. */
    async deviceRequest(typed: string): Promise<DeviceRequest | undefined> {
      const found = await waitingDevice(typed)
      if (!found) return undefined
      const { device, application } = found
      return { application, ...askedBy(device, application, own), from: device.deviceInfo }
    },

    /**
     * Lets a device sign in, in the session of the person who typed its code: signing out there ends it here. `false` if
     * the request is over.
     */
    async allowDevice(typed: string, session: LiveSession, origin: Origin): Promise<boolean> {
      const found = await waitingDevice(typed)
      if (!found) return false
      const { device, application } = found
      const { id, accountId } = session
      const asked = askedBy(device, application, own)
      if (!isAllowed(asked, await allowedOf(application, accountId)))
        await consents.allow({ accountId, applicationId: application.id, ...asked, documentHash: null }, clock(), [
          { name: 'application.consented', accountId, origin, data: { application: application.id } },
        ])
      const acr = classOf(session.amr)
      Object.assign(device, {
        accountId,
        sessionUid: id,
        sid: subjects.sidOf(application, id),
        grantId: `${id}.${application.id}`,
        scope: asked.scopes.join(' '),
        authTime: epochSeconds(session.authTime),
        amr: [...session.amr],
        ...(asked.resources.length === 0 ? {} : { resource: asked.resources }),
        ...(acr === undefined ? {} : { acr }),
      })
      await device.save()
      return true
    },

    /** Records that the person refused: the device gets `access_denied`. `false` if the request is over. */
    async refuseDevice(typed: string): Promise<boolean> {
      const found = await waitingDevice(typed)
      if (!found) return false
      Object.assign(found.device, { error: 'access_denied', errorDescription: 'the person refused' })
      await found.device.save()
      return true
    },

    /** Records that the person refused. The application gets `access_denied`. */
    async refuse(uid: string): Promise<string | undefined> {
      const found = await interactionOf(uid)
      return found && finish(found.interaction, { error: 'access_denied' })
    },
  }

  async function waitingDevice(typed: string) {
    const code = typed.toUpperCase().replace(/[^A-Z]/g, '')
    if (code.length !== userCodeLength || !(await applications.any())) return undefined
    const { provider } = await engine()
    const device = await provider.DeviceCode.findByUserCode(code, { ignoreExpiration: true })
    // Answered once: what a person decided must not change before the device asks.
    if (!device || device.accountId !== undefined || device.error !== undefined) return undefined
    const application = await applications.find(device.clientId)
    return application && { device, application }
  }

  type EngineInteraction = NonNullable<Awaited<ReturnType<typeof interactionOf>>>['interaction']
  /**
   * The engine compares the session of its first request with the present one. A person who signs in again gets another
   * session, so the first one is removed here. The browser is still the same: its cookie names this interaction.
   */
  async function finish(interaction: EngineInteraction, result: Readonly<Record<string, unknown>>): Promise<string> {
    delete interaction.session
    interaction.result = 'error' in result ? { ...result } : { ...interaction.lastSubmission, ...result }
    const left = interaction.exp - epochSeconds(clock())
    await interaction.save(Math.max(1, left))
    return `${paths.authorize}/${interaction.uid}`
  }
}
export type Openid = ReturnType<typeof createOpenid>
