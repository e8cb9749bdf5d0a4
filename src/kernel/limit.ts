import { AsyncLocalStorage } from 'node:async_hooks'

/** For how long after its arrival a request starts work although its client has disconnected, in milliseconds. */
const graceMs = 1000

/** `end` resumes what was paused. */
type Pause = { end(): void }

/**
 * The time limit of a piece of work: of one request, or of one run of a background job. Both databases end their part
 * of the work by then. It uses the monotonic clock: setting the machine's clock must not end every request.
 */
export class Limit {
  readonly #began = performance.now()
  readonly #isGone: () => boolean
  #endsAt: number
  #excluding = 0
  #excludedSince = 0

  /** `isGone`: whether the client has closed its connection. */
  constructor(ms: number, isGone: () => boolean = () => false) {
    this.#endsAt = this.#began + ms
    this.#isGone = isGone
  }

  /** Now; during a pause, its beginning. */
  get #counted(): number {
    return this.#excluding > 0 ? this.#excludedSince : performance.now()
  }

  /** Milliseconds left, never less than zero. */
  get left(): number {
    return Math.max(0, this.#endsAt - this.#counted)
  }

  /**
   * Pauses the limit while another limit applies, such as during a call to a provider. Time that several concurrent
   * calls share is excluded only once.
   */
  exclude(): Pause {
    if (this.#excluding++ === 0) this.#excludedSince = performance.now()
    return {
      end: () => {
        if (--this.#excluding === 0) this.#endsAt += performance.now() - this.#excludedSince
      },
    }
  }

  /**
   * Whether new work must not start: it is too late, or the client has disconnected. A refresh that runs long after its
   * client gave up and tried again would look like token theft. In the first second a disconnected client does not
   * matter: a browser that leaves the page closes its connection, and still means to sign out.
   */
  isOver(): boolean {
    return this.left === 0 || (performance.now() - this.#began >= graceMs && this.#isGone())
  }
}

type Caller = { readonly limit: Limit | SharedLimit; pause: Pause | undefined }

/**
 * The limit of work that several callers wait for (see `share`). The limit of none of them ends it: each of its
 * statements and transactions has a limit of its own. While the work calls a provider, the limits of all callers are
 * paused.
 */
export class SharedLimit {
  readonly #callers = new Set<Caller>()
  #excluding = 0

  /** Adds the limit of a caller that waits. The returned function removes it. */
  join(limit: Limit | SharedLimit): () => void {
    const caller: Caller = { limit, pause: this.#excluding > 0 ? limit.exclude() : undefined }
    this.#callers.add(caller)
    return () => {
      this.#callers.delete(caller)
      resume(caller)
    }
  }

  exclude(): Pause {
    if (this.#excluding++ === 0) for (const caller of this.#callers) caller.pause = caller.limit.exclude()
    return {
      end: () => {
        if (--this.#excluding === 0) for (const caller of this.#callers) resume(caller)
      },
    }
  }
}

function resume(caller: Caller): void {
  caller.pause?.end()
  caller.pause = undefined
}

/** How long a statement or transaction of shared work may take, in milliseconds: callers wait for it. */
const sharedMs = 5000

const limits = new AsyncLocalStorage<Limit | SharedLimit | undefined>()
/** Whether there are limits at all. */
let isUsed = false

/**
 * Runs `work`, and everything it starts, within a limit. The runtime passes the limit on: otherwise every flow and
 * every store method would have a parameter that it does not use. On Node 20 and 22 this costs something at every
 * promise. Measured on SQLite, `/me` takes 15 % more CPU (5 µs), and a refresh 4 %. On SQLite a request waits only for
 * a locked file, so only requests on PostgreSQL have such a limit.
 */
export function withinLimit<T>(limit: Limit, work: () => T): T {
  isUsed = true
  return limits.run(limit, work)
}

/**
 * Runs work that several callers share. Where no request has a limit, as on SQLite, nothing changes and costs nothing.
 */
export const withinSharedLimit = <T>(limit: SharedLimit, work: () => T): T =>
  isUsed ? limits.run(limit, work) : work()

/**
 * Runs work that a request starts without waiting for it, such as a job. The request's limit does not apply to it. Not
 * with `exit`: on Node 20, a `run` inside of it brings the store back.
 */
export const outsideLimit = <T>(work: () => T): T => (limits.getStore() ? limits.run(undefined, work) : work())

/** What applies to the current work, if anything does. */
export const limitOfCaller = (): Limit | SharedLimit | undefined => limits.getStore()

/** The limit of the current request, if there is one. */
export function requestLimit(): Limit | undefined {
  const limit = limits.getStore()
  return limit instanceof Limit ? limit : undefined
}

/**
 * Runs work that has its own limit, such as a call to a provider, without counting its time toward the request's limit.
 */
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

/**
 * The limit of the current request. Outside of requests, as in jobs and commands: a new one of this many milliseconds.
 * In shared work, a new one as well.
 */
export function currentLimit(otherwiseMs: number): Limit {
  const limit = limits.getStore()
  return limit instanceof Limit ? limit : new Limit(limit ? Math.min(otherwiseMs, sharedMs) : otherwiseMs)
}

type LimitWatch = { readonly limit: Limit; readonly waiting: boolean; readonly over: () => void }
const watched = new Set<LimitWatch>()
let watching: NodeJS.Timeout | undefined

/** How late `over` may be called, in milliseconds: one timer for all costs less than one for each. */
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
 * Calls `over` when the time is up. With `waiting`, for work that has not started, also once the client has
 * disconnected. Returns a function that ends the watch.
 */
export function whenOver(limit: Limit, waiting: boolean, over: () => void): () => void {
  const each: LimitWatch = { limit, waiting, over }
  watched.add(each)
  // `unref`: if nothing else keeps the process alive, no caller is waiting.
  watching ??= setInterval(watch, everyMs).unref()
  return () => void watched.delete(each)
}
