import { type AppError, fail } from '../errors/catalogue.ts'
import { type Origin, originForOthers } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sameSecret, sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Applications, Refused } from './applications.ts'
import { type ClientMetadata, inMetadata, readClientMetadata } from './client-metadata.ts'
import type { ApplicationFault } from './faults.ts'
import type { OpenResources } from './open-resources.ts'
import { hasSecret, isStandardScope, type RegistrationMode } from './policy.ts'
import type { Application, ApplicationChange, RegistrationStore, RegistrationToken } from './ports.ts'

/** How many applications may have registered themselves: lists contain all of them. */
const mostSelfRegistered = 500
/** How many applications one network may register without a token, within `anonymousSeconds`. */
const mostAnonymous = 10
const anonymousSeconds = 3600

/** How many initial access tokens there may be: lists contain all of them. */
const mostRegistrationTokens = 100

type RegistrationsParts = {
  mode: RegistrationMode
  openResources: OpenResources
  applications: Pick<Applications, 'prepare' | 'change' | 'get' | 'erase'>
  stored: { readonly registrations: RegistrationStore }
  /** Counts a request, across nodes. */
  hit: (key: string, windowMs: number, at: Date) => Promise<{ readonly hits: number; readonly resetsAt: Date }>
  networkOf: (ip: string) => string
  clock: Clock
  ids: Ids
  random: Random
}

/** `managementToken` is returned only once: only its hash is stored. */
export type SelfRegistration = {
  readonly application: Application
  readonly secret: string | null
  readonly managementToken: string
}
/** `token` is returned only once: only its hash is stored. */
export type IssuedRegistrationToken = { readonly registrationToken: RegistrationToken; readonly token: string }

type Off = AppError<'registration_not_offered'>
type TokenInvalid = AppError<'registration_token_invalid'>

/** Applications that register themselves (RFC 7591) and manage their registration (RFC 7592). */
export function createRegistrations(parts: RegistrationsParts) {
  const { mode, openResources, applications, stored, hit, networkOf, clock, ids, random } = parts
  const { registrations } = stored

  const refused = (faults: readonly ApplicationFault[]) =>
    err<Refused>({ ...fail('invalid_request').error, fields: faults.map(inMetadata) })
  /** A refusal under the names that the members have in metadata. */
  const renamed = <E extends AppError>(error: E | Refused) => ('fields' in error ? refused(error.fields) : err(error))

  /** Whether anything may be registered, before metadata is read: it may have URLs that are requested. */
  async function admit(
    tokenHash: string | null,
    { ip }: Origin,
  ): Promise<Result<null, TokenInvalid | AppError<'rate_limited'>>> {
    const now = clock()
    if (tokenHash !== null) {
      const found = await registrations.findToken(tokenHash)
      return found && found.usesLeft > 0 && now < found.expiresAt ? ok(null) : fail('registration_token_invalid')
    }
    if (mode !== 'open') return fail('registration_token_invalid')
    const network = ip === null ? 'unknown' : networkOf(ip)
    const { hits, resetsAt } = await hit(`registration:${network}`, anonymousSeconds * 1000, now)
    if (hits <= mostAnonymous) return ok(null)
    const retryAfter = Math.max(1, Math.ceil((resetsAt.getTime() - now.getTime()) / 1000))
    return fail('rate_limited', { seconds: String(retryAfter) }, { retryAfter })
  }

  /** The application that manages its registration with this token. A wrong ID and a wrong token are the same. */
  async function managed(id: string, token: string | null): Promise<Result<Application, Off | TokenInvalid>> {
    const found = await registered(id, token)
    return found.ok && found.value.disabledAt !== null ? fail('registration_token_invalid') : found
  }
  /** The same, also if it is disabled. */
  async function registered(id: string, token: string | null): Promise<Result<Application, Off | TokenInvalid>> {
    if (mode === 'off') return fail('registration_not_offered')
    const found = await applications.get(id)
    if (!found.ok || token === null) return fail('registration_token_invalid')
    const { registrationHash } = found.value
    const isRight = registrationHash !== null && sameSecret(sha256(token), registrationHash)
    return isRight ? found : fail('registration_token_invalid')
  }

  return {
    find: managed,

    /** Registers an application. `token`: an initial access token, which loses one use only if this succeeds. */
    async register(
      token: string | null,
      given: ClientMetadata,
      origin: Origin,
    ): Promise<
      Result<SelfRegistration, Off | TokenInvalid | Refused | AppError<'rate_limited' | 'too_many_applications'>>
    > {
      if (mode === 'off') return fail('registration_not_offered')
      const tokenHash = token === null ? null : sha256(token)
      const admitted = await admit(tokenHash, origin)
      if (!admitted.ok) return admitted
      const read = readClientMetadata(given, openResources)
      if (!read.ok) return refused(read.error)
      const prepared = await applications.prepare(read.value, { by: null, source: 'registration' })
      if (!prepared.ok) return renamed(prepared.error)
      const managementToken = secretToken(random)
      const application = { ...prepared.value.application, registrationHash: sha256(managementToken) }
      const done = await registrations.register(
        application,
        { tokenHash, at: clock(), most: mostSelfRegistered },
        (tokenId) => [
          {
            name: 'application.registered',
            accountId: null,
            origin,
            data: { application: application.id, credential: tokenId },
          },
        ],
      )
      if (done === 'token_invalid') return fail('registration_token_invalid')
      if (done === 'too_many') return fail('too_many_applications')
      return ok({ ...prepared.value, application, managementToken })
    },

    /**
     * Replaces the metadata. What decides about the secret stays: neither side could send a new one. So does what an
     * administrator decided: metadata cannot express some of it, and scopes can only be dropped. RFC 7592 §2.2 lets us
     * ignore or replace what is asked, and the response shows what it got.
     */
    async replace(
      id: string,
      token: string | null,
      given: ClientMetadata,
      origin: Origin,
    ): Promise<Result<Application, Off | TokenInvalid | Refused>> {
      const found = await managed(id, token)
      if (!found.ok) return found
      const { resources, scopes: had } = found.value
      // Whether it has refresh tokens is for `grant_types` to say.
      const scope = given.scope ?? had.filter((one) => one !== 'offline_access').join(' ')
      const ownApis = { resources, scopes: had.filter((one) => !isStandardScope(one)) }
      const read = readClientMetadata({ ...given, scope }, ownApis)
      if (!read.ok) return refused(read.error)
      const { kind, scopes: asked = [], ...change } = read.value
      const { clientAuth = 'none' } = change
      if (kind !== found.value.kind || hasSecret(clientAuth) !== hasSecret(found.value.clientAuth))
        return refused([{ path: 'client_auth', reason: 'invalid' }])
      // Decided within the transaction: an administrator may be restricting it at this moment.
      const changeOf = (current: Application): ApplicationChange => ({
        ...change,
        scopes: asked.filter((one) => current.scopes.includes(one)),
        resources: current.resources,
        accessTtlSeconds: current.accessTtlSeconds,
        refreshTtlSeconds: current.refreshTtlSeconds,
        corsOrigins: current.corsOrigins,
        logoUri: current.logoUri,
      })
      const done = await applications.change(id, changeOf, [
        { name: 'application.registration_changed', accountId: null, origin, data: { application: id } },
      ])
      if (done.ok) return done
      // Deleted in the meantime.
      return 'fields' in done.error ? renamed(done.error) : fail('registration_token_invalid')
    },

    /**
     * Deletes the application, its consents and its sign-ins. Also if it is disabled: a deletion that was interrupted left
     * it so, and its application repeats the request.
     */
    async remove(id: string, token: string | null, origin: Origin): Promise<Result<null, Off | TokenInvalid>> {
      const found = await registered(id, token)
      if (!found.ok) return found
      const removed = await applications.erase(id, [
        { name: 'application.registration_deleted', accountId: null, origin, data: { application: id } },
      ])
      return removed ? ok(null) : fail('registration_token_invalid')
    },

    /** Creates an initial access token. */
    async createToken(
      by: string,
      { name, uses, seconds }: { readonly name: string; readonly uses: number; readonly seconds: number },
      origin: Origin,
    ): Promise<Result<IssuedRegistrationToken, AppError<'too_many_registration_tokens'>>> {
      const now = clock()
      const token = secretToken(random)
      const registrationToken: RegistrationToken = {
        id: ids('reg'),
        name,
        tokenHash: sha256(token),
        usesLeft: uses,
        expiresAt: secondsAfter(now, seconds),
        createdBy: by,
        createdAt: now,
      }
      const created = await registrations.createToken(registrationToken, mostRegistrationTokens, [
        {
          name: 'registration_token.created',
          accountId: null,
          origin: originForOthers(origin),
          data: { credential: registrationToken.id, by },
        },
      ])
      return created ? ok({ registrationToken, token }) : fail('too_many_registration_tokens')
    },

    listTokens: (): Promise<readonly RegistrationToken[]> => registrations.listTokens(),

    /** Nothing more can be registered with it. Applications that were registered with it stay. */
    async revokeToken(
      by: string,
      id: string,
      origin: Origin,
    ): Promise<Result<null, AppError<'registration_token_not_found'>>> {
      const revoked = await registrations.revokeToken(id, [
        {
          name: 'registration_token.revoked',
          accountId: null,
          origin: originForOthers(origin),
          data: { credential: id, by },
        },
      ])
      return revoked ? ok(null) : fail('registration_token_not_found')
    },
  }
}
export type Registrations = ReturnType<typeof createRegistrations>
