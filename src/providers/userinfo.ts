/**
 * Caches the profiles of linked users. A page that shows one then need not wait for the provider each time, and still
 * works during an outage.
 */
import NodeCache from 'node-cache'
import type { Bus } from '../events/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import { type SharedWork, share } from '../kernel/shared.ts'
import type { Claims } from './provider.ts'

const MOST_PROFILES = 10_000
/**
 * Size limit as JSON. A larger profile is shown but not cached, since ten thousand of them would not fit into memory.
 * Each view of it costs a call.
 */
const MOST_BYTES = 64 * 1024
/** How long an old profile is used while its provider is down. */
const STALE_SECONDS = 24 * 3600

export type ProviderProfile = { readonly claims: Claims; readonly profile: Record<string, unknown> }
export type ProfileReading = ProviderProfile & {
  readonly fetchedAt: Date
  readonly fromCache: boolean
  readonly stale: boolean
}
/** `outdated`: the tokens were renewed since. The entry is used only while the provider is down. */
type CachedProfile = ProviderProfile & { readonly fetchedAt: Date; outdated?: true }
type Key = { readonly provider: string; readonly issuer: string; readonly subject: string }

export function createProfileCache({ events, clock, ttlSeconds }: { events: Bus; clock: Clock; ttlSeconds: number }) {
  // node-cache measures real time and only limits memory. `fetchedAt` and our clock decide whether an entry is fresh.
  const cache = new NodeCache({ stdTTL: ttlSeconds + STALE_SECONDS, checkperiod: 600, useClones: false })
  const pending = new Map<string, SharedWork<Result<CachedProfile, unknown>>>()
  const name = ({ provider, issuer, subject }: Key): string => JSON.stringify([provider, issuer, subject])

  function keep(key: string, said: CachedProfile): void {
    if (Buffer.byteLength(JSON.stringify(said.profile)) > MOST_BYTES) return
    if (!cache.has(key) && cache.getStats().keys >= MOST_PROFILES) {
      const [oldest] = cache.keys()
      if (oldest !== undefined) cache.del(oldest)
    }
    cache.set(key, said)
  }

  return {
    /**
     * Returns the profile from the cache while it is fresh. Otherwise calls `ask`, once for all concurrent readers. If
     * the provider is unavailable, returns an old profile.
     */
    async read<E extends { readonly code: string }>(
      at: Key,
      ask: () => Promise<Result<ProviderProfile, E>>,
    ): Promise<Result<ProfileReading, E>> {
      const key = name(at)
      const age = (kept: CachedProfile): number => (clock().getTime() - kept.fetchedAt.getTime()) / 1000
      const kept = cache.get<CachedProfile>(key)
      const fresh = kept !== undefined && !kept.outdated && age(kept) < ttlSeconds
      events.emit('user_info_cache.read', { provider: at.provider, hit: fresh })
      if (fresh) return ok({ ...kept, fromCache: true, stale: false })

      const start = (): SharedWork<Result<CachedProfile, E>> => {
        const started = share(() =>
          ask()
            .then((said) => {
              const result = said.ok ? ok({ ...said.value, fetchedAt: clock() }) : said
              // If the profile was removed in the meantime (unlinked, revoked), do not cache the result.
              if (result.ok && ttlSeconds > 0 && pending.get(key) === started) keep(key, result.value)
              return result
            })
            .finally(() => {
              if (pending.get(key) === started) pending.delete(key)
            }),
        )
        pending.set(key, started)
        return started
      }
      const current = pending.get(key) as SharedWork<Result<CachedProfile, E>> | undefined
      const result = await (current ?? start())()
      if (result.ok) return ok({ ...result.value, fromCache: false, stale: false })
      if (result.error.code !== 'provider_unavailable' || kept === undefined) return result
      const { outdated: _, ...old } = kept
      return age(old) < ttlSeconds + STALE_SECONDS ? ok({ ...old, fromCache: true, stale: true }) : result
    },
    /** Call after tokens were renewed, perhaps with other scopes: the next read calls the provider. */
    outdate(at: Key): void {
      const kept = cache.get<CachedProfile>(name(at))
      // Do not store the entry again. That would extend its lifetime, and a profile that is renewed but never read
      // would stay in the cache forever.
      if (kept) kept.outdated = true
    },
    erase(at: Key): void {
      cache.del(name(at))
      pending.delete(name(at))
    },
    /** Removes all profiles of one provider, because its settings changed. */
    eraseAll(provider: string): void {
      const beginning = `${JSON.stringify([provider]).slice(0, -1)},`
      for (const key of [...cache.keys(), ...pending.keys()])
        if (key.startsWith(beginning)) {
          cache.del(key)
          pending.delete(key)
        }
    },
    close: (): void => cache.close(),
  }
}
