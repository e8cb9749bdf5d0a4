import type { Request, Response } from 'express'
import { type ClientRateLimitInfo, ipKeyGenerator, rateLimit, type Store } from 'express-rate-limit'
import { type AppError, fail } from '../errors/catalogue.ts'
import { atMost } from '../kernel/at-most.ts'
import { BusyError } from '../kernel/busy.ts'
import type { Clock } from '../kernel/clock.ts'
import type { RateLimitStore } from './ports.ts'

type Limit = {
  readonly hits: number
  readonly seconds: number
  readonly authenticates: boolean
  /** A request waits until it is counted, however long that takes. Only an unavailable counter lets it pass. */
  readonly mustCount?: true
  /** Each node counts for itself, in memory. */
  readonly local?: true
}

/**
 * How often one address may send requests. `authenticates` marks the limits that slow down guessing: if their counters
 * are unavailable, requests are refused instead of let through.
 */
export const limits = {
  /**
   * Liveness and readiness. These responses cost less than counting them. A refused probe takes the node out of
   * service, so a stranger behind the same address could cause an outage.
   */
  none: null,
  /** Starting and finishing a sign-in: each attempt may be a guess. */
  sign_in: { hits: 30, seconds: 60, authenticates: true },
  /** The token endpoints; a family behind one address refreshes together. */
  token: { hits: 120, seconds: 60, authenticates: true },
  /** Back ends that call for their users: one address may represent a great many. */
  service: { hits: 6000, seconds: 60, authenticates: true },
  /** Pages and public reading. */
  browse: { hits: 240, seconds: 60, authenticates: false },
  /** Reading and changing one's own account. */
  account: { hits: 120, seconds: 60, authenticates: false },
  /**
   * Responses that cost less than a counter in the database: each node counts for itself, in memory. Every resource
   * server requests public keys and metadata, perhaps from one address.
   */
  public: { hits: 600, seconds: 60, authenticates: false, local: true },
  /** Static files: a page needs several. */
  static: { hits: 600, seconds: 60, authenticates: false, local: true },
  /** Several collectors may scrape every five seconds from one address. */
  metrics: { hits: 120, seconds: 60, authenticates: false, local: true },
  /** Input that is not HTTP: above this limit, connections are closed without a response. */
  unreadable: { hits: 60, seconds: 60, authenticates: false, local: true },
  /** Requests that call Jira directly: the provider counts the calls of an app across all of its users. */
  jira: { hits: 60, seconds: 60, authenticates: false, mustCount: true },
} as const satisfies Record<string, Limit | null>
export type LimitName = keyof typeof limits

/**
 * How long a request waits until it is counted, in milliseconds, where requests may pass uncounted. While another
 * process locks the database file, every read would otherwise wait for its whole deadline.
 */
const countingMs = 250

/** One household or one attacker has a whole IPv6 /64. */
export const networkOf = (ip: string): string => ipKeyGenerator(ip, 64)

type Refusal = AppError<'rate_limited' | 'not_ready'>
/**
 * The counters of one node. Their memory is bounded: beyond that, the oldest counter restarts. A limit per address does
 * not stop a caller with that many addresses anyway.
 */
export function createLocalCounters(most = 10_000): Pick<RateLimitStore, 'hit'> {
  const counters = new Map<string, { hits: number; resetsAt: Date }>()
  return {
    async hit(key, windowMs, at) {
      const known = counters.get(key)
      if (known && known.resetsAt > at) {
        known.hits += 1
        return known
      }
      counters.delete(key)
      const [oldest] = counters.keys()
      if (counters.size >= most && oldest !== undefined) counters.delete(oldest)
      const counter = { hits: 1, resetsAt: new Date(at.getTime() + windowMs) }
      counters.set(key, counter)
      return counter
    },
  }
}

/** Resolves with `undefined` if the request may proceed. */
export type Limiter = (request: Request, response: Response, ip: string) => Promise<Refusal | undefined>

/**
 * Counts with express-rate-limit, over counters that all nodes share. Its middleware is called as a function, so that a
 * refusal is an ordinary value and needs no middleware chain.
 */
export function createLimiter(
  name: LimitName,
  { store, clock, onFault }: { store: Pick<RateLimitStore, 'hit'>; clock: Clock; onFault: (error: unknown) => void },
): Limiter | undefined {
  const limit: Limit | null = limits[name]
  if (!limit) return undefined
  const windowMs = limit.seconds * 1000
  const counters = new Counters({
    store: limit.local ? createLocalCounters() : store,
    hits: limit.hits,
    windowMs,
    clock,
    mustCount: limit.authenticates || limit.local === true || limit.mustCount === true,
    onFault,
  })
  const keys = new WeakMap<Request, string>()
  const limiter = rateLimit({
    windowMs,
    limit: limit.hits,
    store: counters,
    keyGenerator: (request) => keys.get(request) ?? name,
    handler: (request, _, next) => next(new LimitExceeded(counters.resetsAt(keys.get(request) ?? name))),
    standardHeaders: false,
    legacyHeaders: false,
    // Its checks of our settings would run for each request and only log; tests cover the settings instead.
    validate: false,
  })

  return (request, response, ip) => {
    const key = `${name}:${networkOf(ip)}`
    const full = counters.full(key, limit.hits)
    if (full) return Promise.resolve(exceeded(full, clock()))
    keys.set(request, key)
    return new Promise((resolve) => {
      const next = (outcome?: unknown): void => {
        if (outcome === undefined) resolve(undefined)
        else if (outcome instanceof LimitExceeded) resolve(exceeded(outcome.resetsAt, clock()))
        // The counters are unavailable. Where guessing is possible, no request passes uncounted.
        else if (limit.authenticates) resolve(fail('not_ready', undefined, { retryAfter: 5, cause: outcome }).error)
        else {
          onFault(outcome)
          resolve(undefined)
        }
      }
      void limiter(request, response, next)
    })
  }
}

function exceeded(resetsAt: Date, at: Date): Refusal {
  const seconds = Math.max(1, Math.ceil((resetsAt.getTime() - at.getTime()) / 1000))
  return fail('rate_limited', { seconds: String(seconds) }, { retryAfter: seconds }).error
}

class LimitExceeded {
  readonly resetsAt: Date
  constructor(resetsAt: Date) {
    this.resetsAt = resetsAt
  }
}

type Counter = Awaited<ReturnType<RateLimitStore['hit']>>
type CountersParts = {
  readonly store: Pick<RateLimitStore, 'hit'>
  readonly hits: number
  readonly windowMs: number
  readonly clock: Clock
  /** Whether a request waits until it is counted, however long that takes. */
  readonly mustCount: boolean
  readonly onFault: (error: unknown) => void
}

/**
 * Adapts the shared counters to express-rate-limit, and remembers which are full: a flood is refused without reading
 * the database again.
 */
class Counters implements Store {
  readonly localKeys = false
  readonly #seen = new Map<string, { hits: number; resetsAt: Date }>()
  readonly #parts: CountersParts
  /** How many counts of each key are in progress. */
  readonly #pending = new Map<string, number>()
  /** How many counts are performed without anyone waiting for them any more. */
  #late = 0

  constructor(parts: CountersParts) {
    this.#parts = parts
  }

  async increment(key: string): Promise<ClientRateLimitInfo> {
    const counted = this.#parts.mustCount ? await this.#count(key) : await this.#countInTime(key)
    return { totalHits: counted.hits, resetTime: counted.resetsAt }
  }

  async #count(key: string): Promise<Counter> {
    const { store, windowMs, clock } = this.#parts
    this.#pending.set(key, (this.#pending.get(key) ?? 0) + 1)
    try {
      const counted = await store.hit(key, windowMs, clock())
      if (this.#seen.size >= 10_000) this.#seen.clear()
      this.#seen.set(key, counted)
      return counted
    } finally {
      const left = (this.#pending.get(key) ?? 1) - 1
      if (left === 0) this.#pending.delete(key)
      else this.#pending.set(key, left)
    }
  }

  /**
   * While one count is late, no other is begun: they would take the places of the writes that people wait for. A burst
   * does not pass uncounted: beyond the limit, its requests wait.
   */
  async #countInTime(key: string): Promise<Counter> {
    if ((this.#pending.get(key) ?? 0) >= this.#parts.hits) return this.#count(key)
    if (this.#late > 0) throw new BusyError('counting requests', 1)
    const counting = this.#count(key)
    const counted = await atMost(countingMs, counting, undefined)
    if (counted) return counted
    this.#late += 1
    void counting
      .then(() => undefined, this.#parts.onFault)
      .finally(() => {
        this.#late -= 1
      })
    throw new BusyError('counting requests', 1)
  }

  resetsAt = (key: string): Date =>
    this.#seen.get(key)?.resetsAt ?? new Date(this.#parts.clock().getTime() + this.#parts.windowMs)

  /** When a full counter restarts; `undefined` if it is not full or not known. */
  full(key: string, hits: number): Date | undefined {
    const seen = this.#seen.get(key)
    if (!seen) return undefined
    if (seen.resetsAt > this.#parts.clock()) return seen.hits > hits ? seen.resetsAt : undefined
    this.#seen.delete(key)
    return undefined
  }

  /** Every request counts, whatever its result, and counters expire by themselves. */
  decrement(): void {}
  resetKey(): void {}
}
