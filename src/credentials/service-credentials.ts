import { type AppError, fail } from '../errors/catalogue.ts'
import { type Fact, type Origin, originForOthers } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sameSecret, sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { ServiceCredential, ServiceCredentialStore } from './ports.ts'
import type { ServiceScope } from './scopes.ts'
import type { Throttle } from './throttle.ts'

/** How long the secret before stays good when nothing else is said: back ends change over one by one. */
export const overlapSeconds = 86_400

/** How many there may be that are not revoked: every list of them comes whole. */
export const mostServiceCredentials = 500

/** «Last used» is for people: a write for each request is not worth it. */
const usedEverySeconds = 60

/** `secret` is told this once: only its hash is kept. */
export type Issued = { readonly credential: ServiceCredential; readonly secret: string }
type NotFound = AppError<'service_credential_not_found'>

type ServiceCredentialsParts = {
  credentials: ServiceCredentialStore
  throttle: Throttle
  clock: Clock
  ids: Ids
  random: Random
  networkOf: (ip: string) => string
  /** Writes what happened into the trail, where nothing else changes. */
  record: (fact: Fact) => Promise<void>
  onDefect: (error: unknown) => void
}

/** What back ends prove themselves with. They act for nobody: what is told of them is on no account's trail. */
export function createServiceCredentials(parts: ServiceCredentialsParts) {
  const { credentials, throttle, clock, ids, random, networkOf, record, onDefect } = parts

  return {
    async create(
      by: string,
      { name, scopes }: { name: string; scopes: readonly ServiceScope[] },
      origin: Origin,
    ): Promise<Result<Issued, AppError<'too_many_service_credentials'>>> {
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
     * Another secret; the one so far stays good for `overlap` seconds, and the one before that for none. Who rotates
     * because a secret leaked says 0.
     */
    async rotate(
      by: string,
      { id, overlap = overlapSeconds }: { id: string; overlap?: number },
      origin: Origin,
    ): Promise<Result<Issued, NotFound>> {
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

    /** At once, and for good. */
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

    /**
     * Which back end this is, and that it may do this. A secret of 256 bits is not found by guessing, so it is looked at
     * first and only wrong ones are held up, by where they come from: counted for each credential, a stranger who knows
     * its id could keep the back end out.
     */
    async authenticate(
      given: { id: string; secret: string } | null,
      scope: ServiceScope,
      origin: Origin,
    ): Promise<Result<ServiceCredential, AppError<'invalid_client' | 'insufficient_scope' | 'too_many_attempts'>>> {
      if (given === null) return fail('invalid_client')
      const { ip } = origin
      const now = clock()
      const found = await credentials.find(given.id)
      const hash = sha256(given.secret)
      const current = sameSecret(hash, found?.secretHash ?? '')
      const previous =
        sameSecret(hash, found?.previousHash ?? '') && found?.previousUntil != null && now < found.previousUntil
      if (!found || found.revokedAt !== null || !(current || previous)) {
        const counted = await throttle.take({
          subject: `service:${ip === null ? 'unknown' : networkOf(ip)}`,
          ip,
          trustedDevice: null,
        })
        // Those held off are not written down one by one: the trail is not a stranger's to fill.
        if (!counted.ok) return counted
        const data = { credential: found?.id ?? null }
        await record({ name: 'service_credential.refused', accountId: null, origin, data })
        return fail('invalid_client')
      }
      if (!found.lastUsedAt || now.getTime() - found.lastUsedAt.getTime() >= usedEverySeconds * 1000)
        credentials.touch(found.id, now).catch(onDefect)
      return found.scopes.includes(scope) ? ok(found) : fail('insufficient_scope', { scope })
    },
  }
}
export type ServiceCredentials = ReturnType<typeof createServiceCredentials>
