import { AsyncLocalStorage } from 'node:async_hooks'

/** How long after its arrival a request whose caller is gone is still begun, in milliseconds. */
const graceMs = 1000

/**
 * How long somebody waits for a piece of work: one request's, or one round of a background job. Both databases end
 * what they do for it by then. Measured on the monotonic clock: a clock that is set must not end every request.
 */
export class Limit {
  readonly #began = performance.now()
  readonly #isGone: () => boolean
  #endsAt: number
  #excluding = 0
  #excludedSince = 0

  /** `isGone`: whether the caller has closed the connection the response would go to. */
  constructor(ms: number, isGone: () => boolean = () => false) {
    this.#endsAt = this.#began + ms
    this.#isGone = isGone
  }

  /** Milliseconds that are left, never less than zero. */
  get left(): number {
    return Math.max(0, this.#endsAt - performance.now())
  }

  /**
   * Time that another limit covers, such as a call to a provider, does not count; and of several calls at once, the time
   * they share is not taken out more than once. `end` is what makes it count again.
   */
  exclude(): { end(): void } {
    if (this.#excluding++ === 0) this.#excludedSince = performance.now()
    return {
      end: () => {
        if (--this.#excluding === 0) this.#endsAt += performance.now() - this.#excludedSince
      },
    }
  }

  /**
   * Whether what has not begun should not begin: it is too late, or nobody waits for it any more. A refresh that is
   * carried out long after its caller gave up and asked again looks like theft. In the first second a caller that is
   * gone does not matter: a browser that leaves the page closes its connection, and still means to sign out.
   */
  isOver(): boolean {
    const now = performance.now()
    return now >= this.#endsAt || (now - this.#began >= graceMs && this.#isGone())
  }
}

const limits = new AsyncLocalStorage<Limit>()

/**
 * Runs `work`, and everything it starts, within a limit. Passed along by the runtime rather than by hand: every flow
 * and every store verb would otherwise hand on what none of them looks at. On Node 20 and 22 the runtime pays for it
 * at every promise: measured, `/me` on SQLite takes 15 % more CPU (5 µs) and a refresh 4 %. There a request waits for
 * nothing but a file that another process holds, so only requests on PostgreSQL have one of these.
 */
export const withinLimit = <T>(limit: Limit, work: () => T): T => limits.run(limit, work)

/** Work that a request starts and nobody waits for, such as a job it wakes: it has no part in the request's limit. */
export const outsideLimit = <T>(work: () => T): T => (limits.getStore() ? limits.exit(work) : work())

/** The limit of the request this runs for, if there is one. */
export const requestLimit = (): Limit | undefined => limits.getStore()

/** Runs what has a limit of its own, such as a call to a provider: the request's begins to count again after it. */
export async function untimed<T>(work: () => Promise<T>): Promise<T> {
  const limit = limits.getStore()
  if (!limit) return work()
  const excluded = limit.exclude()
  try {
    return await work()
  } finally {
    excluded.end()
  }
}

/** The limit of the request this runs for; outside any, as in jobs and commands, so many milliseconds from now. */
export const currentLimit = (otherwiseMs: number): Limit => requestLimit() ?? new Limit(otherwiseMs)

type Watched = { readonly limit: Limit; readonly waiting: boolean; readonly over: () => void }
const watched = new Set<Watched>()
let watching: NodeJS.Timeout | undefined

/** How late `over` may be called, in milliseconds: one timer for all costs less than one each. */
const everyMs = 25

function watch(): void {
  for (const each of watched) {
    if (each.waiting ? !each.limit.isOver() : each.limit.left > 0) continue
    watched.delete(each)
    each.over()
  }
  if (watched.size > 0) return
  clearInterval(watching)
  watching = undefined
}

/**
 * Calls `over` when the limit has passed; for what only `waiting` to begin, also when nobody waits for it any more. The
 * function it returns ends the watch.
 */
export function whenOver(limit: Limit, waiting: boolean, over: () => void): () => void {
  const each: Watched = { limit, waiting, over }
  watched.add(each)
  // Where nothing else keeps the process alive, nobody is left to be answered.
  watching ??= setInterval(watch, everyMs).unref()
  return () => void watched.delete(each)
}
