import { type AppError, fail } from '../errors/catalogue.ts'
import { type Fact, type Origin, originForOthers } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sameSecret, sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import type { Picture } from '../kernel/picture.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { createBackgroundWork, share } from '../kernel/shared.ts'
import { type ApplicationFault, faultsOf, ofChangedSubjects, ofDocument, ofSectorDocument } from './faults.ts'
import { createOrigins } from './origins.ts'
import {
  type ApplicationAuth,
  type ApplicationKind,
  type ApplicationSource,
  applicationAuthsOf,
  applicationLimits,
  hasSecret,
  isApplicationId,
  kindRules,
  redirectOrigins,
} from './policy.ts'
import type {
  Application,
  ApplicationChange,
  ApplicationSessionStore,
  ApplicationStore,
  ApplicationUser,
} from './ports.ts'

/** How long the previous secret stays valid by default, so that deployments can switch one by one. */
const overlapSeconds = 86_400

/** The maximum number of applications that administrators create: lists contain all of them. */
const mostApplications = 500

/** The time of last use is informational and not worth a write for each sign-in. */
const usedEverySeconds = 60

/** What is registered. Absent members have the defaults of the kind. */
export type NewApplication = Pick<Application, 'name' | 'kind' | 'redirectUris'> & ApplicationChange

/** `secret` is returned only once: only its hash is stored. */
export type IssuedApplication = { readonly application: Application; readonly secret: string | null }

/** The credentials of an application as a request presents them. */
export type PresentedClient =
  | { readonly method: 'none'; readonly id: string }
  | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly id: string; readonly secret: string }
  | { readonly method: 'private_key_jwt'; readonly id: string; readonly assertion: string }

type NotFound = AppError<'application_not_found'>
/** An invalid application, with the fields that are wrong. */
export type Refused = AppError<'invalid_request'> & { readonly fields: readonly ApplicationFault[] }

const defaultScopes = ['openid', 'profile', 'email', 'offline_access'] as const
/** What an application has that is not registered otherwise. */
export const defaultsOf = (
  kind: ApplicationKind,
  redirectUris: readonly string[],
): Required<Omit<ApplicationChange, 'name' | 'redirectUris'>> => ({
  firstParty: false,
  postLogoutRedirectUris: [],
  scopes: kindRules[kind].hasPeople ? defaultScopes : [],
  resources: [],
  clientAuth: defaultAuth(kind),
  accessTtlSeconds: null,
  refreshTtlSeconds: null,
  backchannelLogoutUri: null,
  corsOrigins: kindRules[kind].hasOrigins ? redirectOrigins(redirectUris) : [],
  logoUri: null,
  jwks: null,
  jwksUri: null,
  requiresDpop: false,
  subjectType: 'public',
  sectorIdentifierUri: null,
  idTokenAlgorithm: 'ES256',
})
const defaultAuth = (kind: ApplicationKind): ApplicationAuth => applicationAuthsOf(kind)[0] ?? 'none'

type ApplicationsParts = {
  applications: ApplicationStore
  sessions: Pick<ApplicationSessionStore, 'countUsers' | 'users'>
  clock: Clock
  ids: Ids
  random: Random
  /** Whether an assertion proves that its sender is the application (RFC 7523), and was not used before. */
  verifyAssertion: (application: Application, assertion: string) => Promise<boolean>
  /** The redirect URIs that the list at a `sector_identifier_uri` contains; `undefined` if it cannot be read. */
  sectorDocument: (uri: string) => Promise<readonly string[] | undefined>
  /** Makes sure that there is a key for RS256. */
  prepareRs256: () => Promise<void>
  /** Limits wrong secrets and assertions of one network (`credentials/throttle.ts`). */
  throttle: {
    takeWrong(kind: 'application', ip: string | null): Promise<Result<unknown, AppError<'too_many_attempts'>>>
  }
  /** Writes a fact to the audit log if nothing else changes. */
  record: (fact: Fact) => Promise<void>
  onDefect: (error: unknown) => void
}

/** Registered applications: creates, changes and deletes them, and checks their secrets. */
export function createApplications({
  applications,
  sessions,
  clock,
  ids,
  random,
  verifyAssertion,
  sectorDocument,
  prepareRs256,
  throttle,
  record,
  onDefect,
}: ApplicationsParts) {
  const noted = (
    name: `application.${'created' | 'updated' | 'disabled' | 'enabled' | 'deleted' | 'secret_rotated' | 'secret_ended'}`,
    application: string,
    by: string | null,
    origin: Origin,
  ): readonly Fact[] => [{ name, accountId: null, origin: originForOthers(origin), data: { application, by } }]

  const isCurrentSecret = ({ secretHash }: Application, given: string): boolean =>
    sameSecret(sha256(given), secretHash ?? '')
  /** Whether a secret is the current one, or the previous one within its overlap. */
  const isSecret = ({ secretHash, previousHash, previousUntil }: Application, given: string): boolean => {
    const hash = sha256(given)
    const current = sameSecret(hash, secretHash ?? '')
    const previous = sameSecret(hash, previousHash ?? '') && previousUntil !== null && clock() < previousUntil
    return current || previous
  }

  /**
   * The ID comes from a request, possibly through the engine. Text that cannot be one of our IDs is not looked up:
   * PostgreSQL cannot compare some of it (NUL).
   */
  const known = async (id: string): Promise<Application | undefined> =>
    isApplicationId(id) ? applications.find(id) : undefined
  const find = async (id: string): Promise<Application | undefined> => {
    const found = await known(id)
    return found?.disabledAt === null ? found : undefined
  }

  const touch = createBackgroundWork(onDefect)
  const origins = createOrigins({ applications, clock, onDefect })

  /**
   * Deletes an application, and records `because`. `false` if there is none. It takes as long as people have used it:
   * the request waits within its own limit, and the deletion continues after that.
   */
  async function erase(id: string, because: readonly Fact[]): Promise<boolean> {
    try {
      return await share(() => applications.remove(id, clock(), because), onDefect)()
    } finally {
      origins.expire()
    }
  }

  const isProven = async (application: Application, presented: PresentedClient): Promise<boolean> => {
    switch (presented.method) {
      case 'none':
        return true
      case 'private_key_jwt':
        return verifyAssertion(application, presented.assertion)
      default:
        return isSecret(application, presented.secret)
    }
  }
  type SectorDocument = { readonly uri: string; readonly listed: readonly string[] | undefined }
  /** Reads the list at its `sector_identifier_uri`, if it has a valid one. */
  const sectorOfDocument = async (application: Application): Promise<SectorDocument | undefined> => {
    const { sectorIdentifierUri: uri } = application
    return uri === null || faultsOf(application).length > 0 ? undefined : { uri, listed: await sectorDocument(uri) }
  }
  /** Another change may have come in between: then the list that was read is not the one of this application. */
  const sectorFaults = (application: Application, document: SectorDocument | undefined) => {
    const { sectorIdentifierUri: uri } = application
    return uri === null ? [] : ofSectorDocument(application, document?.uri === uri ? document.listed : undefined)
  }
  const refused = (fields: readonly ApplicationFault[]) => err<Refused>({ ...fail('invalid_request').error, fields })

  /** Long before the first sign-in, if possible: those who verify id_tokens read the key set only now and then. */
  const prepareKeyOf = async ({ idTokenAlgorithm }: Application): Promise<void> => {
    if (idTokenAlgorithm === 'RS256') await prepareRs256()
  }

  type OwnCredentials = { readonly id?: string; readonly secret?: string | undefined }
  /** Checks what is to be registered, and completes it. Of it nothing is stored; a key for RS256 may be. */
  async function prepare(
    given: NewApplication,
    { by, source, own = {} }: { readonly by: string | null; readonly source: ApplicationSource; own?: OwnCredentials },
  ): Promise<Result<IssuedApplication, Refused>> {
    const now = clock()
    const clientAuth = given.clientAuth ?? defaultAuth(given.kind)
    const secret = hasSecret(clientAuth) ? (own.secret ?? secretToken(random)) : null
    const application: Application = {
      ...defaultsOf(given.kind, given.redirectUris),
      ...given,
      id: own.id ?? ids('app'),
      logo: null,
      source,
      registrationHash: null,
      documentHash: null,
      documentReadAt: null,
      clientAuth,
      secretHash: secret === null ? null : sha256(secret),
      previousHash: null,
      previousUntil: null,
      disabledAt: null,
      createdBy: by,
      createdAt: now,
      updatedAt: now,
      lastUsedAt: null,
    }
    const faults = faultsOf(application)
    if (faults.length > 0) return refused(faults)
    const unlisted = sectorFaults(application, await sectorOfDocument(application))
    if (unlisted.length > 0) return refused(unlisted)
    await prepareKeyOf(application)
    return ok({ application, secret })
  }

  async function change(
    id: string,
    wanted: ApplicationChange | ((current: Application) => ApplicationChange),
    because: readonly Fact[],
  ): Promise<Result<Application, Refused | NotFound>> {
    let faults: readonly ApplicationFault[] = []
    const changeOf = typeof wanted === 'function' ? wanted : () => wanted
    const before = await known(id)
    if (!before) return fail('application_not_found')
    const first = changeOf(before)
    const affectsSector = first.redirectUris !== undefined || first.sectorIdentifierUri !== undefined
    const document = affectsSector ? await sectorOfDocument({ ...before, ...first }) : undefined
    // Before the change: what is answered with an error must not have taken effect.
    if (faultsOf({ ...before, ...first }).length === 0) await prepareKeyOf({ ...before, ...first })
    const updated = await applications.update(
      id,
      (current) => {
        const given = changeOf(current)
        const next = { ...current, ...given }
        faults = [...ofDocument(current), ...faultsOf(next)]
        if (faults.length === 0) faults = ofChangedSubjects(current, next)
        if (faults.length === 0 && affectsSector) faults = sectorFaults(next, document)
        return faults.length === 0 ? { ...given, updatedAt: clock() } : undefined
      },
      because,
    )
    if (faults.length > 0) return refused(faults)
    origins.expire()
    return updated ? ok(updated) : fail('application_not_found')
  }

  return {
    prepare,
    /** `own`: an ID and a secret that an operator chose in a file. */
    async create(
      by: string | null,
      given: NewApplication,
      origin: Origin,
      own: OwnCredentials = {},
    ): Promise<Result<IssuedApplication, Refused | AppError<'too_many_applications'>>> {
      const prepared = await prepare(given, { by, source: 'administrator', own })
      if (!prepared.ok) return prepared
      const { application } = prepared.value
      const created = await applications.create(
        application,
        mostApplications,
        noted('application.created', application.id, by, origin),
      )
      origins.expire()
      return created ? prepared : fail('too_many_applications')
    },

    /** An application that people can sign in to; `undefined` if it is disabled. */
    find,
    /** For administrators, who also see disabled applications. */
    async get(id: string): Promise<Result<Application, NotFound>> {
      const found = await known(id)
      return found ? ok(found) : fail('application_not_found')
    },
    list: (): Promise<readonly Application[]> => applications.list(),
    /** How many people are signed in to each, up to `applicationLimits.countedUsers`. */
    countUsers: (ids: readonly string[]): Promise<ReadonlyMap<string, number>> =>
      sessions.countUsers(ids, clock(), applicationLimits.countedUsers),
    /** The people who signed in to an application, by account ID, after `after`. */
    async users(
      id: string,
      page: { readonly after: string; readonly limit: number },
    ): Promise<Result<readonly ApplicationUser[], NotFound>> {
      return (await known(id)) ? ok(await sessions.users(id, page, clock())) : fail('application_not_found')
    },
    any: (): Promise<boolean> => applications.any(),

    /** Changes an application for another reason than an administrator's: `because` says which. */
    change,
    update: (by: string | null, id: string, given: ApplicationChange, origin: Origin) =>
      change(id, given, noted('application.updated', id, by, origin)),

    /** Creates a new secret. The current one stays valid for `overlap` seconds. Use 0 if a secret has leaked. */
    async rotateSecret(
      by: string | null,
      { id, overlap = overlapSeconds, secret = secretToken(random) }: { id: string; overlap?: number; secret?: string },
      origin: Origin,
    ): Promise<Result<IssuedApplication, AppError<'application_not_found' | 'application_has_no_secret'>>> {
      const application = await applications.rotateSecret(
        id,
        sha256(secret),
        secondsAfter(clock(), overlap),
        noted('application.secret_rotated', id, by, origin),
      )
      if (application) return ok({ application, secret })
      return (await known(id)) ? fail('application_has_no_secret') : fail('application_not_found')
    },

    /** Ends the overlap: only the current secret is valid from now on. */
    async endPreviousSecret(by: string, id: string, origin: Origin): Promise<Result<Application, NotFound>> {
      const ended = await applications.endPreviousSecret(id, clock(), noted('application.secret_ended', id, by, origin))
      return ended ? ok(ended) : this.get(id)
    },

    /** Sets the logo that people see, or removes it with `null`. */
    async setLogo(
      by: string,
      id: string,
      logo: Picture | null,
      origin: Origin,
    ): Promise<Result<Application, NotFound>> {
      const done = await applications.setLogo(id, logo, clock(), noted('application.updated', id, by, origin))
      return done ? ok(done) : fail('application_not_found')
    },
    /** A logo by the hash of its content. */
    logo: (hash: string): Promise<Picture | undefined> => applications.logo(hash),

    /** Refuses sign-ins and tokens of the application at once, until it is enabled again. */
    async disable(by: string | null, id: string, origin: Origin): Promise<Result<Application, NotFound>> {
      const done = await applications.setDisabled(id, clock(), noted('application.disabled', id, by, origin))
      origins.expire()
      return done ? ok(done) : fail('application_not_found')
    },

    /** People can sign in to it again. Sign-ins that have not expired in the meantime continue. */
    async enable(by: string | null, id: string, origin: Origin): Promise<Result<Application, NotFound>> {
      const done = await applications.setDisabled(id, null, noted('application.enabled', id, by, origin))
      origins.expire()
      return done ? ok(done) : fail('application_not_found')
    },

    /** Deletes an application. Its tokens are invalid at once. */
    async remove(by: string, id: string, origin: Origin): Promise<Result<null, NotFound>> {
      const removed = await erase(id, noted('application.deleted', id, by, origin))
      return removed ? ok(null) : fail('application_not_found')
    },
    erase,

    /**
     * Authenticates an application as it is registered (RFC 6749 §2.3). A method that it is not registered for is
     * refused: a public client must not pass for one with a secret. Only wrong secrets and assertions are throttled, by
     * their network.
     */
    async authenticate(
      presented: PresentedClient | null,
      origin: Origin,
    ): Promise<Result<Application, AppError<'invalid_client' | 'rate_limited'>>> {
      if (presented === null) return fail('invalid_client')
      const { method } = presented
      const application = await known(presented.id)
      const isEnabled = application?.disabledAt === null
      if (isEnabled && application.clientAuth === method && (await isProven(application, presented)))
        return ok(application)
      // Without a secret there is nothing to guess.
      if (method === 'none') return fail('invalid_client')
      const counted = await throttle.takeWrong('application', origin.ip)
      // The ID that was sent may be a secret in the wrong field: only the ID of a registered application is recorded.
      const data = { application: application?.id ?? null, method }
      await record({ name: 'application.refused', accountId: null, origin, data })
      if (counted.ok) return fail('invalid_client')
      const { retryAfter = 1 } = counted.error
      return fail('rate_limited', { seconds: String(retryAfter) }, { retryAfter })
    },

    /** Whether a secret is the current one. */
    isCurrentSecret,
    /** The origins from which scripts may call the API. */
    origins: { refresh: origins.refresh, has: origins.has },

    /** Notes that the application was used. Not awaited: nothing depends on it. */
    used({ id, lastUsedAt }: Application): void {
      const now = clock()
      if (lastUsedAt && now.getTime() - lastUsedAt.getTime() < usedEverySeconds * 1000) return
      touch(id, () => applications.touch(id, now))
    },
  }
}
export type Applications = ReturnType<typeof createApplications>
