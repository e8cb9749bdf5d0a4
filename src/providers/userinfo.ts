/**
 * Profiles of people already linked, remembered: a page that shows one must not wait for a provider each time, nor
 * break while it is down.
 */
import NodeCache from 'node-cache'
import type { Bus } from '../events/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Claims } from './provider.ts'

const MOST_PROFILES = 10_000
/**
 * As JSON. Whoever has more at their provider is shown it, and pays with a call each time; ten thousand of those would
 * not fit.
 */
const MOST_BYTES = 64 * 1024
/** How long an old profile still serves while its provider is down. */
const STALE_SECONDS = 24 * 3600

export type Said = { readonly claims: Claims; readonly profile: Record<string, unknown> }
export type Reading = Said & { readonly fetchedAt: Date; readonly fromCache: boolean; readonly stale: boolean }
/** `outdated`: there are newer tokens than it was asked for with; it serves only while its provider is down. */
type Kept = Said & { readonly fetchedAt: Date; outdated?: true }
type Key = { readonly provider: string; readonly issuer: string; readonly subject: string }

export function createProfiles({ events, clock, ttlSeconds }: { events: Bus; clock: Clock; ttlSeconds: number }) {
  // node-cache counts real time; it bounds memory here, and freshness is decided by `fetchedAt` and our clock.
  const cache = new NodeCache({ stdTTL: ttlSeconds + STALE_SECONDS, checkperiod: 600, useClones: false })
  const asking = new Map<string, Promise<Result<Kept, unknown>>>()
  const name = ({ provider, issuer, subject }: Key): string => JSON.stringify([provider, issuer, subject])

  function keep(key: string, said: Kept): void {
    if (Buffer.byteLength(JSON.stringify(said.profile)) > MOST_BYTES) return
    if (!cache.has(key) && cache.getStats().keys >= MOST_PROFILES) {
      const [oldest] = cache.keys()
      if (oldest !== undefined) cache.del(oldest)
    }
    cache.set(key, said)
  }

  return {
    /**
     * The profile under this key: from the cache while it is fresh, else through `ask`, once for however many want it
     * at the same time. When `ask` says the provider is unavailable, an old profile is better than none.
     */
    async read<E extends { readonly code: string }>(
      at: Key,
      ask: () => Promise<Result<Said, E>>,
    ): Promise<Result<Reading, E>> {
      const key = name(at)
      const age = (kept: Kept): number => (clock().getTime() - kept.fetchedAt.getTime()) / 1000
      const kept = cache.get<Kept>(key)
      const fresh = kept !== undefined && !kept.outdated && age(kept) < ttlSeconds
      events.emit('user_info_cache.read', { provider: at.provider, hit: fresh })
      if (fresh) return ok({ ...kept, fromCache: true, stale: false })

      const current = asking.get(key) as Promise<Result<Kept, E>> | undefined
      const flight = current ?? ask().then((said) => (said.ok ? ok({ ...said.value, fetchedAt: clock() }) : said))
      if (!current) {
        asking.set(key, flight)
        // Forgotten meanwhile (unlinked, revoked): then what comes is not remembered.
        const landed = (result?: Result<Kept, E>): void => {
          if (asking.get(key) !== flight) return
          asking.delete(key)
          if (result?.ok && ttlSeconds > 0) keep(key, result.value)
        }
        flight.then(landed, () => landed())
      }
      const result = await flight
      if (result.ok) return ok({ ...result.value, fromCache: false, stale: false })
      if (result.error.code !== 'provider_unavailable' || kept === undefined) return result
      const { outdated: _, ...old } = kept
      return age(old) < ttlSeconds + STALE_SECONDS ? ok({ ...old, fromCache: true, stale: true }) : result
    },
    /** The tokens were renewed, perhaps for less or more than before: the next reader asks the provider. */
    outdate(at: Key): void {
      const kept = cache.get<Kept>(name(at))
      // Not kept anew, or whoever is renewed now and then and never looked at would be remembered for ever.
      if (kept) kept.outdated = true
    },
    forget(at: Key): void {
      cache.del(name(at))
      asking.delete(name(at))
    },
    close: (): void => cache.close(),
  }
}
