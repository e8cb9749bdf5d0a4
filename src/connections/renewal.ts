import { secondsAfter } from '../kernel/clock.ts'
import { secretToken } from '../kernel/ids.ts'
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

/** Longer than any provider call may take, so that a lease outlives its work but not its worker. */
const leaseSeconds = 90
/** How long somebody waits for another's renewal, and how often they look: ever less often. */
const patienceMs = 30_000
const firstLookMs = 100
const mostLookMs = 1000
/** How many renewals in this process somebody waits for before they are told to come again. */
const mostFlights = 4

type RenewalParts = Omit<LeasedParts, 'pause'> &
  Partial<Pick<LeasedParts, 'pause'>> & {
    /** The registrations whose grants the scheduled round renews. */
    apps: () => readonly App[]
  }

/**
 * An access token that works, for a call to its provider. Renewed once, whoever asks: a lease with an owner and a
 * fence, in the store, because most providers kill the old refresh token with the first use, and the second to ask
 * would be told that the grant is dead. Within one process those who want the same renewal share it.
 */
export function createRenewal({
  apps,
  pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  ...parts
}: RenewalParts) {
  const { grants, vault, clock, random, provider } = parts
  const { needs, asIs, unavailable, notConnected, renew, bury } = createLeasedRenewal({ ...parts, pause })
  const owner = secretToken(random)
  /** Renewals under way in this process, by grant. */
  const flights = new Map<string, Promise<unknown>>()
  let closing = false

  const leaseOf = (id: string, ifDue?: 'if due'): Promise<StoredGrant | undefined> => {
    const at = clock()
    return grants.lease(id, owner, secondsAfter(at, leaseSeconds), at, ifDue)
  }

  /** Leases the grant and renews it, or waits for whoever holds it elsewhere. */
  const attempt = async (grant: StoredGrant, wish: Wish): Promise<RenewalOutcome> => {
    for (let waited = 0, ms = firstLookMs; waited <= patienceMs; waited += ms, ms = Math.min(ms * 1.5, mostLookMs)) {
      const leased = await leaseOf(grant.id)
      if (leased) {
        // Looked at again under the lease: whoever had it before may have renewed it, found it dead, or failed, between
        // our read and our lease.
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
    }
    return { answer: unavailable(grant, 5), result: 'left' }
  }

  /** One renewal of a grant at a time in this process. */
  const fly = <T>(id: string, work: () => Promise<T>): Promise<T> => {
    const flight = work().finally(() => flights.delete(id))
    flights.set(id, flight)
    return flight
  }

  const find = async (key: GrantKey, wish: Wish): Promise<{ answer: UsableTokenResult; grant?: StoredGrant }> => {
    for (let n = 0; n < mostFlights; n++) {
      // Nothing is served for another issuer than the provider's own of today: whose token that is nobody here can say.
      if (provider(key.provider)?.speaksFor(key.issuer) === false) return { answer: notConnected(key) }
      const grant = await grants.find(key)
      if (!grant) return { answer: notConnected(key) }
      const need = needs(grant, wish)
      if (need !== 'renew' && need !== 'refused_for_good') return { answer: asIs(grant, wish), grant }
      // With another registration than its own a refresh token is worth nothing, and would be called dead.
      if (need === 'renew' && provider(key.provider)?.clientId !== key.clientId)
        return { answer: asIs(grant, wish, 'provider_not_enabled') }
      const running = flights.get(grant.id)
      if (!running) return { answer: (await fly(grant.id, () => attempt(grant, wish))).answer }
      // Looked at again afterwards: what somebody else wished for need not be enough here.
      await running.catch(() => undefined)
    }
    return { answer: unavailable(key, 5) }
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
     * A token that serves, for a call made now: the stored one, or a new one when that has too little left, or was
     * refused by the provider's API (`refused`). Refuses with `not_connected` (nobody granted it, or they took it
     * back), `needs_reauthorization` (only the person can help) or `provider_unavailable` (with `retryAfter`).
     */
    async ensureValidToken(key: GrantKey, wish: Wish = {}): Promise<UsableTokenResult> {
      const { answer, grant } = await find(key, wish)
      if (answer.ok && grant && isUseWorthNoting(grant, clock()))
        await grants.used(grant.id, grant.fence, vault.dueOnUse(grant), clock())
      return answer
    },

    /**
     * The scheduled round: renews what is due, of each provider by itself, so that one that hangs holds up no other's
     * grants. A round takes only so many that the overdue of a night are spread over half an hour. Answers how many
     * were renewed.
     */
    async renewDue(): Promise<number> {
      const ends = await Promise.allSettled(apps().map(round))
      for (const end of ends) if (end.status === 'rejected') throw end.reason
      return ends.reduce((sum, end) => sum + (end.status === 'fulfilled' ? end.value : 0), 0)
    },

    /** The round under way starts nothing new. */
    stop(): void {
      closing = true
    },

    /** How many are due now. */
    async backlog(): Promise<number> {
      const counts = await Promise.all(apps().map((app) => grants.dueBy(app, clock(), mostToCount)))
      return counts.reduce((sum, many) => sum + many, 0)
    },
  }
}
export type Renewal = ReturnType<typeof createRenewal>
