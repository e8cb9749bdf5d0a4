import type { Request, Response } from 'express'
import { type ClientRateLimitInfo, ipKeyGenerator, rateLimit, type Store } from 'express-rate-limit'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { RateLimitStore } from './ports.ts'

type Limit = {
  readonly hits: number
  readonly seconds: number
  readonly authenticates: boolean
  /** Each node counts for itself, in memory. */
  readonly local?: true
}

/**
 * How often one address may ask. `authenticates` marks the limits that hold off guessing: when their counters
 * cannot be reached, they refuse rather than let everything through.
 */
export const limits = {
  /**
   * Whether the process lives and is ready. These answers cost less than counting them, and a probe that is refused
   * takes the node out of service: behind one address, a stranger could have it refused.
   */
  none: null,
  /** Beginning and finishing a sign-in: each attempt may be a guess. */
  sign_in: { hits: 30, seconds: 60, authenticates: true },
  /** The token endpoints; a family behind one address refreshes together. */
  token: { hits: 120, seconds: 60, authenticates: true },
  /** Back ends asking about their visitors' requests: one address may speak for a great many. */
  service: { hits: 6000, seconds: 60, authenticates: true },
  /** Pages and public reading. */
  browse: { hits: 240, seconds: 60, authenticates: false },
  /** Reading and changing one's own account. */
  account: { hits: 120, seconds: 60, authenticates: false },
  /**
   * What costs less to answer than a counter in the database does: counted by each node for itself, in memory.
   * Public keys and metadata: every resource server asks for them, perhaps from one address.
   */
  public: { hits: 600, seconds: 60, authenticates: false, local: true },
  /** Static files: a page needs several. */
  static: { hits: 600, seconds: 60, authenticates: false, local: true },
  /** Several collectors may ask every five seconds from one address. */
  metrics: { hits: 120, seconds: 60, authenticates: false, local: true },
  /** What is no HTTP request: it is answered no more than this often, and then cut off. */
  unreadable: { hits: 60, seconds: 60, authenticates: false, local: true },
  /** What has Jira asked on the spot: its provider counts the calls of an app over everybody who uses it. */
  jira: { hits: 60, seconds: 60, authenticates: false },
} as const satisfies Record<string, Limit | null>
export type LimitName = keyof typeof limits

/** One household or one attacker holds a whole IPv6 /64. */
export const networkOf = (ip: string): string => ipKeyGenerator(ip, 64)

type Refusal = AppError<'rate_limited' | 'not_ready'>
/**
 * Counters of one node. The memory they take is bounded: beyond it, the oldest counter starts again. A caller with that
 * many addresses is not stopped by a limit for each of them anyway.
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

/** `undefined`: go on. */
export type Limiter = (request: Request, response: Response, ip: string) => Promise<Refusal | undefined>

/**
 * express-rate-limit counts, over counters every node shares. Its middleware is called as a function, so that a
 * refusal is a value like any other and no chain is built.
 */
export function createLimiter(
  name: LimitName,
  { store, clock, onFault }: { store: Pick<RateLimitStore, 'hit'>; clock: Clock; onFault: (error: unknown) => void },
): Limiter | undefined {
  const limit: Limit | null = limits[name]
  if (!limit) return undefined
  const windowMs = limit.seconds * 1000
  const counters = new Counters(limit.local ? createLocalCounters() : store, windowMs, clock)
  const keys = new WeakMap<Request, string>()
  const limiter = rateLimit({
    windowMs,
    limit: limit.hits,
    store: counters,
    keyGenerator: (request) => keys.get(request) ?? name,
    handler: (request, _, next) => next(new Exceeded(counters.resetsAt(keys.get(request) ?? name))),
    standardHeaders: false,
    legacyHeaders: false,
    // Its checks of our settings run per request and would only log; the settings are tested instead.
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
        else if (outcome instanceof Exceeded) resolve(exceeded(outcome.resetsAt, clock()))
        // The counters cannot be reached. Where guessing would gain something, nobody passes uncounted.
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

class Exceeded {
  readonly resetsAt: Date
  constructor(resetsAt: Date) {
    this.resetsAt = resetsAt
  }
}

/**
 * The shared counters as express-rate-limit wants them, and a memory of which are full: a flood is refused without
 * asking again.
 */
class Counters implements Store {
  readonly localKeys = false
  readonly #seen = new Map<string, { hits: number; resetsAt: Date }>()
  readonly #store: Pick<RateLimitStore, 'hit'>
  readonly #windowMs: number
  readonly #clock: Clock

  constructor(store: Pick<RateLimitStore, 'hit'>, windowMs: number, clock: Clock) {
    this.#store = store
    this.#windowMs = windowMs
    this.#clock = clock
  }

  async increment(key: string): Promise<ClientRateLimitInfo> {
    const counted = await this.#store.hit(key, this.#windowMs, this.#clock())
    if (this.#seen.size >= 10_000) this.#seen.clear()
    this.#seen.set(key, counted)
    return { totalHits: counted.hits, resetTime: counted.resetsAt }
  }

  resetsAt = (key: string): Date => this.#seen.get(key)?.resetsAt ?? new Date(this.#clock().getTime() + this.#windowMs)

  /** When a full counter starts anew, or `undefined` where there is room or nothing is known. */
  full(key: string, hits: number): Date | undefined {
    const seen = this.#seen.get(key)
    if (!seen) return undefined
    if (seen.resetsAt > this.#clock()) return seen.hits > hits ? seen.resetsAt : undefined
    this.#seen.delete(key)
    return undefined
  }

  /** Every request counts, whatever came of it, and counters run out by themselves. */
  decrement(): void {}
  resetKey(): void {}
}
