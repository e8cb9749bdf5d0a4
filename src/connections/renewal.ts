import { atMost } from '../kernel/at-most.ts'
import { secondsAfter } from '../kernel/clock.ts'
import { secretToken } from '../kernel/ids.ts'
import { type SharedWork, share } from '../kernel/shared.ts'
import { isUseWorthNoting, mostToCount } from './life-cycle.ts'
import type { App, GrantKey, StoredGrant } from './ports.ts'
import {
  createLeasedRenewal,
  type LeasedParts,
  type RenewalOutcome,
  type UsableTokenResult,
  type Wish,
} from './renew-leased.ts'
import { createRound } from './round.ts'

export type { UsableTokenCode as TokenCode } from './renew-leased.ts'

/** Longer than any call to a provider, so that a lease ends only if its worker stopped. */
const leaseSeconds = 90
/** How long to wait for another worker's renewal, and how often to check: less and less. */
const patienceMs = 30_000
const firstLookMs = 100
const mostLookMs = 1000
/** When a caller should ask again whose token is being renewed, in seconds. */
const busySeconds = 5
/** How many callers wait for renewals in this process before others get 503. */
const mostFlights = 4
/** How long the end of the service waits for renewals in progress: longer than a call to a provider, by default. */
const stopMs = 15_000

type RenewalParts = Omit<LeasedParts, 'pause'> &
  Partial<Pick<LeasedParts, 'pause'>> & {
    /** The client registrations whose grants the scheduled round renews. */
    apps: () => readonly App[]
    onDefect: (error: unknown) => void
  }

/**
 * Returns a valid access token for a call to its provider. A token is renewed only once, even with many callers: most
 * providers invalidate the old refresh token at the first use, and a second call would find the grant dead. So the
 * store has a lease with an owner and a fence. Within one process, concurrent callers share a renewal.
 */
export function createRenewal({
  apps,
  onDefect,
  pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  ...parts
}: RenewalParts) {
  const { grants, vault, clock, random, provider } = parts
  const { needs, asIs, unavailable, notConnected, renew, bury } = createLeasedRenewal({ ...parts, pause })
  const owner = secretToken(random)
  /** Renewals in progress in this process, by grant. */
  const flights = new Map<string, SharedWork<unknown>>()
  let closing = false

  const leaseOf = (id: string, ifDue?: 'if due'): Promise<StoredGrant | undefined> => {
    const at = clock()
    return grants.lease(id, owner, secondsAfter(at, leaseSeconds), at, ifDue)
  }

  /** While another worker renews it: the token may still be valid, as after a failed renewal. */
  const inTheMeantime = (grant: StoredGrant, wish: Wish): UsableTokenResult => {
    const answer = asIs(grant, wish)
    return answer.ok ? answer : unavailable(grant, busySeconds)
  }

  /** Leases the grant and renews it, or waits for the worker that holds the lease. */
  const attempt = async (grant: StoredGrant, wish: Wish): Promise<RenewalOutcome> => {
    let latest = grant
    for (let waited = 0, ms = firstLookMs; waited <= patienceMs; waited += ms, ms = Math.min(ms * 1.5, mostLookMs)) {
      const leased = await leaseOf(grant.id)
      if (leased) {
        // Read again under the lease: its previous holder may have renewed it, found it dead or failed since the first
        // read.
        const need = needs(leased, wish)
        if (need === 'renew') return renew(leased, wish)
        if (need === 'refused_for_good') return bury(leased, wish, 'refused')
        await grants.release(leased.id, leased.fence)
        return { answer: asIs(leased, wish), result: 'left' }
      }
      await pause(ms)
      const current = await grants.find(grant)
      if (!current) return { answer: notConnected(grant), result: 'left' }
      const need = needs(current, wish)
      if (need !== 'renew' && need !== 'refused_for_good') return { answer: asIs(current, wish), result: 'left' }
      latest = current
    }
    return { answer: inTheMeantime(latest, wish), result: 'left' }
  }

  /**
   * At most one renewal of a grant at a time in this process. It does not end with the request that asked for it: the
   * provider may already have replaced the refresh token, and the new one exists nowhere else.
   */
  const fly = <T>(id: string, work: () => Promise<T>): Promise<T> => {
    const flight = share(() => work().finally(() => flights.delete(id)), onDefect)
    flights.set(id, flight)
    return flight()
  }

  const find = async (key: GrantKey, wish: Wish): Promise<{ answer: UsableTokenResult; grant?: StoredGrant }> => {
    for (let n = 0; n < mostFlights; n++) {
      // Nothing is returned for another issuer than the provider's current one: the owner of such a token is unknown
      // here.
      if (provider(key.provider)?.speaksFor(key.issuer) === false) return { answer: notConnected(key) }
      const grant = await grants.find(key)
      if (!grant) return { answer: notConnected(key) }
      const need = needs(grant, wish)
      if (need !== 'renew' && need !== 'refused_for_good') return { answer: asIs(grant, wish), grant }
      // With another client registration than its own, a refresh token is rejected and would appear dead.
      if (need === 'renew' && provider(key.provider)?.clientId !== key.clientId)
        return { answer: asIs(grant, wish, 'provider_not_enabled') }
      const running = flights.get(grant.id)
      if (!running) return { answer: (await fly(grant.id, () => attempt(grant, wish))).answer }
      // Checked again afterwards: what another caller needed may not be enough for this one.
      await running().catch(() => undefined)
    }
    return { answer: unavailable(key, busySeconds) }
  }

  const round = createRound({
    grants,
    clock,
    random,
    isClosing: () => closing,
    renew: async (id) =>
      flights.has(id)
        ? undefined
        : fly(id, async () => {
            const leased = await leaseOf(id, 'if due')
            return leased && renew(leased, null)
          }),
  })

  return {
    /**
     * Returns a valid token for a call made now: the stored one, or a new one if that expires too soon or was rejected
     * by the provider's API (`refused`). Fails with `not_connected` (never granted, or withdrawn),
     * `needs_reauthorization` (only the user can fix it) or `provider_unavailable` (with `retryAfter`).
     */
    async ensureValidToken(key: GrantKey, wish: Wish = {}): Promise<UsableTokenResult> {
      const { answer, grant } = await find(key, wish)
      if (answer.ok && grant && isUseWorthNoting(grant, clock()))
        await grants.used(grant.id, grant.fence, vault.dueOnUse(grant), clock())
      return answer
    },

    /**
     * The scheduled round: renews due grants, separately for each provider, so that one that hangs does not delay the
     * others. A round takes a limited number, so that a backlog is spread over half an hour. Returns how many were
     * renewed.
     */
    async renewDue(): Promise<number> {
      const ends = await Promise.allSettled(apps().map(round))
      for (const end of ends) if (end.status === 'rejected') throw end.reason
      return ends.reduce((sum, end) => sum + (end.status === 'fulfilled' ? end.value : 0), 0)
    },

    /** The current round starts no further renewal. Waits until those in progress are stored, for a limited time. */
    async stop(): Promise<void> {
      closing = true
      await atMost(stopMs, Promise.allSettled([...flights.values()].map((running) => running())), undefined)
    },

    /** How many grants are due now. */
    async backlog(): Promise<number> {
      const counts = await Promise.all(apps().map((app) => grants.dueBy(app, clock(), mostToCount)))
      return counts.reduce((sum, many) => sum + many, 0)
    },
  }
}
export type Renewal = ReturnType<typeof createRenewal>
