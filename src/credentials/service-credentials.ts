import { type AppError, fail } from '../errors/catalogue.ts'
import { type Fact, type Origin, originForOthers } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sameSecret, sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import { createBackgroundWork } from '../kernel/shared.ts'
import type { ServiceCredential, ServiceCredentialStore } from './ports.ts'
import type { ServiceScope } from './scopes.ts'
import type { Throttle } from './throttle.ts'

/** How long the previous secret stays valid by default, so that back ends can switch one by one. */
export const overlapSeconds = 86_400

/** The maximum number of active credentials: lists contain all of them. */
export const mostServiceCredentials = 500

/** The time of last use is informational and not worth a write for each request. */
const usedEverySeconds = 60

/** `secret` is returned only once: only its hash is stored. */
export type IssuedCredential = { readonly credential: ServiceCredential; readonly secret: string }
type NotFound = AppError<'service_credential_not_found'>

type ServiceCredentialsParts = {
  credentials: ServiceCredentialStore
  throttle: Throttle
  clock: Clock
  ids: Ids
  random: Random
  /** Writes a fact to the audit log if nothing else changes. */
  record: (fact: Fact) => Promise<void>
  onDefect: (error: unknown) => void
}

/** The credentials of back ends. They act for no user, so their events are in no account's audit log. */
export function createServiceCredentials(parts: ServiceCredentialsParts) {
  const { credentials, throttle, clock, ids, random, record, onDefect } = parts
  const touch = createBackgroundWork(onDefect)

  return {
    async create(
      by: string,
      { name, scopes }: { name: string; scopes: readonly ServiceScope[] },
      origin: Origin,
    ): Promise<Result<IssuedCredential, AppError<'too_many_service_credentials'>>> {
      const secret = secretToken(random)
      const credential: ServiceCredential = {
        id: ids('svc'),
        name,
        secretHash: sha256(secret),
        previousHash: null,
        previousUntil: null,
        scopes: [...new Set(scopes)],
        createdBy: by,
        createdAt: clock(),
        lastUsedAt: null,
        revokedAt: null,
      }
      const created = await credentials.create(credential, mostServiceCredentials, [
        {
          name: 'service_credential.created',
          accountId: null,
          origin: originForOthers(origin),
          data: { credential: credential.id, by },
        },
      ])
      return created ? ok({ credential, secret }) : fail('too_many_service_credentials')
    },

    list: (): Promise<readonly ServiceCredential[]> => credentials.list(),

    /**
     * Creates a new secret. The current one stays valid for `overlap` seconds, and earlier ones end. Use 0 if a secret
     * has leaked.
     */
    async rotate(
      by: string,
      { id, overlap = overlapSeconds }: { id: string; overlap?: number },
      origin: Origin,
    ): Promise<Result<IssuedCredential, NotFound>> {
      const secret = secretToken(random)
      const credential = await credentials.rotate(id, sha256(secret), secondsAfter(clock(), overlap), [
        {
          name: 'service_credential.rotated',
          accountId: null,
          origin: originForOthers(origin),
          data: { credential: id, by },
        },
      ])
      return credential ? ok({ credential, secret }) : fail('service_credential_not_found')
    },

    /** Revokes the credential at once and permanently. */
    async revoke(by: string, id: string, origin: Origin): Promise<Result<null, NotFound>> {
      const done = await credentials.revoke(id, clock(), [
        {
          name: 'service_credential.revoked',
          accountId: null,
          origin: originForOthers(origin),
          data: { credential: id, by },
        },
      ])
      return done ? ok(null) : fail('service_credential_not_found')
    },

    /** Authenticates a back end and checks its scope. Only wrong secrets are throttled, by their network. */
    async authenticate(
      presented: { id: string; secret: string } | null,
      scope: ServiceScope,
      origin: Origin,
    ): Promise<Result<ServiceCredential, AppError<'invalid_client' | 'insufficient_scope' | 'too_many_attempts'>>> {
      if (presented === null) return fail('invalid_client')
      const now = clock()
      const found = await credentials.find(presented.id)
      const hash = sha256(presented.secret)
      const current = sameSecret(hash, found?.secretHash ?? '')
      const previous =
        sameSecret(hash, found?.previousHash ?? '') && found?.previousUntil != null && now < found.previousUntil
      if (!found || found.revokedAt !== null || !(current || previous)) {
        const counted = await throttle.takeWrong('service', origin.ip)
        // Do not record throttled attempts: otherwise anyone could fill the audit log.
        if (!counted.ok) return counted
        const data = { credential: found?.id ?? null }
        await record({ name: 'service_credential.refused', accountId: null, origin, data })
        return fail('invalid_client')
      }
      if (!found.lastUsedAt || now.getTime() - found.lastUsedAt.getTime() >= usedEverySeconds * 1000)
        touch(found.id, () => credentials.touch(found.id, now))
      return found.scopes.includes(scope) ? ok(found) : fail('insufficient_scope', { scope })
    },
  }
}
export type ServiceCredentials = ReturnType<typeof createServiceCredentials>
