/**
 * All calls to providers go through here. Each provider, and each customer site behind it, has its own connections.
 * Each of their endpoint types has its own circuit breaker, so that one failing endpoint does not affect the others.
 * Calls have a total deadline for headers and body, and a size limit. Redirects are never followed, since they would
 * carry the token or the secret along.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Bus } from '../../events/bus.ts'
import type { Clock } from '../../kernel/clock.ts'
import { sha256 } from '../../kernel/crypto.ts'
import type { Random } from '../../kernel/ids.ts'
import { untimed } from '../../kernel/limit.ts'
import { type Err, err, ok, type Result } from '../../kernel/result.ts'
import { isRecord } from '../profile-text.ts'
import { type BreakerSettings, type EndpointType, isPersonalEndpoint, type Reach } from '../provider.ts'
import { type Breaker, type BreakerState, createBreaker, NotMadeError } from './breaker.ts'
import { Deadline } from './deadline.ts'
import { type Failure, readErrorCode } from './failure.ts'
import { createOutbound, type Pool, PrivateAddressError, type ProxySettings, type Resolvers } from './outbound.ts'
import { type Hold, readHold } from './retry-after.ts'

/** Sent with every call: GitHub rejects requests without a user agent. */
const USER_AGENT = 'vinculum'
/** The media type of a signed or encrypted UserInfo response (OpenID Connect Core §5.3.2). */
export const JWT_TYPE = 'application/jwt'
/** How long a person should wait if the provider gave no time. */
const DEFAULT_RETRY_SECONDS = 5
const MOST_ATTEMPTS = 3
const FIRST_BACK_OFF_MS = 50
/** How many sites a provider may have circuits for. The least recently used one is closed to make room. */
const MOST_SITES = 200
/** How many waits that a provider asked for are remembered. Each token may have one. */
const MOST_HOLDS = 1000
/** A site's breaker may stay half open for this many reset times. After that no more calls to the site are expected. */
const MOST_IDLE_RESETS = 10

export type Call = {
  readonly endpoint: EndpointType
  /**
   * The customer site behind the endpoint. Each site has its own breaker: an outage of one says nothing about the
   * others.
   */
  readonly site?: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /**
   * `json` (an object or array) by default. `anything` where the body has no meaning, such as revocation. `json_or_jwt`
   * also passes a body of type `application/jwt` on unread, for the caller to verify.
   */
  readonly expects?: 'json' | 'json_or_jwt' | 'anything'
  /** Checks a well-formed answer: returns why it is invalid, or `null`. */
  readonly fault?: (json: unknown, text: string) => string | null
  /** Statuses that are normal negative answers of this endpoint. They are neither counted nor logged as refusals. */
  readonly negatives?: readonly number[]
  /**
   * Our own code for a refusal whose `error` field does not give one. The provider's text is never passed on. With a
   * code of `LATER` the call can be retried.
   */
  readonly refusal?: ((status: number, json: unknown) => string | null) | undefined
}
export type ProviderResponse = {
  readonly status: number
  /** The media type in lower case, without parameters; empty without one. */
  readonly type: string
  readonly text: string
  readonly json: unknown
}
/** From best to worst. */
const STATES: readonly BreakerState[] = ['closed', 'half_open', 'open']

/** One endpoint, or one site behind it, with its breaker and its connections. */
type Circuit = {
  readonly endpoint: EndpointType
  readonly site: string | undefined
  readonly breaker: Breaker<Call, Reply>
  close(): void
}

/**
 * The result of one attempt. `counts` is set for failures of the provider. A refusal, or a response that one user's
 * data makes invalid, does not count.
 */
type Reply = {
  readonly result: Result<ProviderResponse, Failure>
  readonly hold?: Hold | undefined
  readonly counts?: true
}
type CountedReply = { readonly result: Err<Failure>; readonly hold?: Hold | undefined; readonly counts: true }

/** Carries a failure that counts against the provider through opossum. */
class CountedFailure extends Error {
  override name = 'Counted'
  readonly reply: CountedReply
  constructor(reply: CountedReply) {
    super(reply.result.error.reason)
    this.reply = reply
  }
}

type GuardParts = {
  readonly events: Bus
  readonly clock: Clock
  readonly random: Random
  readonly proxy?: ProxySettings | null
  readonly resolvers?: Partial<Resolvers>
}
export type Guard = ReturnType<ReturnType<typeof createGuards>['of']>

export function createGuards({ events, clock, random, proxy = null, resolvers }: GuardParts) {
  const outbound = createOutbound(proxy, resolvers)
  const guards = new Set<{ close(): void }>()

  /** Makes one attempt and reads the complete body. */
  async function attempt(call: Call, pool: Pool, deadline: Deadline): Promise<Reply> {
    const { endpoint, method, url, headers, body, expects, fault, refusal, negatives } = call
    const all = { Accept: 'application/json', 'Accept-Encoding': 'identity', 'User-Agent': USER_AGENT, ...headers }
    const options = { method, headers: all, body: body ?? null, signal: deadline }
    const [reply, text] = await untimed(async () => {
      const response = await pool.request(url, options)
      return [response, await response.body.text().catch(unlessTooLarge)] as const
    })
    const { statusCode: status } = reply
    const hold = readHold(endpoint, status, reply.headers, clock(), text)
    const json = text === undefined ? undefined : parse(text)
    const unavailable = (): Failure => ({ kind: 'unavailable', reason: `status_${status}` })
    if (status >= 500) return { ...failed(unavailable()), hold }
    if (hold) return { hold, result: err({ ...unavailable(), limited: true }) }
    if (status === 408) return { result: err(unavailable()) }
    if (negatives?.includes(status)) return { result: err(refused(status, json)) }
    if (status >= 300 && status < 400) return failed({ kind: 'garbage', reason: 'redirect' })
    if (text === undefined) return garbage(endpoint, 'too_large')
    if (status >= 400) return { result: err(postponed(refusal?.(status, json)) ?? refused(status, json, refusal)) }
    const type = mediaType(reply.headers['content-type'])
    if (expects !== 'anything' && !(expects === 'json_or_jwt' && type === JWT_TYPE)) {
      if (typeof json !== 'object' || json === null) return garbage(endpoint, 'not_json')
      // GitHub reports errors with status 200 and an `error` field.
      if (isRecord(json) && json.error) return { result: err(refused(status, json)) }
      const reason = fault?.(json, text) ?? null
      if (reason !== null) return garbage(endpoint, reason)
    }
    return { result: ok({ status, type, text, json }) }
  }

  /**
   * Runs work with a deadline that includes the time in the queue. Loading the HTTP client does not count against the
   * provider.
   */
  async function within<T>(ms: number, work: (deadline: Deadline) => Promise<T>): Promise<T> {
    await outbound.load()
    const deadline = new Deadline(ms)
    try {
      return await work(deadline)
    } finally {
      deadline.over()
    }
  }

  /** The guard of one provider. `reach`: which IP addresses it may connect to. */
  function of(provider: string, settings: BreakerSettings, reach: Reach = 'any') {
    const holds = new Map<string, number>()
    /** Circuits of sites are in order of last use. */
    const circuits = new Map<string, Circuit>()
    /** The last reported state for each endpoint type. */
    const reported = new Map<EndpointType, BreakerState>()
    let providerPool: Promise<Pool> | undefined
    const ownPool = (): Promise<Pool> => {
      providerPool ??= outbound.open(reach)
      return providerPool
    }

    /**
     * The worst state among an endpoint's sites. Do not use the site as a metric label: callers control it, so
     * cardinality would be unbounded.
     */
    const stateOf = (endpoint: EndpointType): BreakerState =>
      [...circuits.values()].reduce<BreakerState>((worst, one) => {
        if (one.endpoint !== endpoint) return worst
        const state = one.breaker.state()
        return STATES.indexOf(state) > STATES.indexOf(worst) ? state : worst
      }, 'closed')

    const report = (endpoint: EndpointType): void => {
      const state = stateOf(endpoint)
      if ((reported.get(endpoint) ?? 'closed') === state) return
      reported.set(endpoint, state)
      events.emit('provider.breaker_changed', { provider, endpoint_type: endpoint, state })
    }

    /**
     * Makes attempts within one deadline. Only a GET that failed fast is retried: an authorization code or rotating
     * token works only once.
     */
    async function run(call: Call, pool: Pool, deadline: Deadline): Promise<Reply> {
      for (let tries = 1; ; tries += 1) {
        // Drop the error: its message contains host names and IP addresses.
        const reply = await attempt(call, pool, deadline).catch((thrown) =>
          failed(
            thrown instanceof PrivateAddressError
              ? { kind: 'garbage', reason: 'private_address' }
              : { kind: 'unavailable', reason: 'network' },
          ),
        )
        if (!didFail(reply)) return reply
        if (deadline.aborted) throw new CountedFailure(failed({ kind: 'unavailable', reason: 'timeout' }))
        const wait = FIRST_BACK_OFF_MS * 2 ** (tries - 1) * (0.5 + (random(1)[0] ?? 0) / 256)
        const soon = deadline.elapsed() + wait < settings.timeoutMs / 2
        const safe = call.method === 'GET' && reply.result.error.kind === 'unavailable' && !reply.hold
        if (!safe || !soon || tries === MOST_ATTEMPTS) throw new CountedFailure(reply)
        await pause(wait)
      }
    }

    function circuitOf({ endpoint, site }: Call): Circuit {
      const key = site === undefined ? endpoint : `${endpoint} ${site}`
      const known = circuits.get(key)
      if (known) {
        if (site !== undefined) {
          circuits.delete(key)
          circuits.set(key, known)
        }
        return known
      }
      if (site !== undefined) makeRoom()
      let removal: NodeJS.Timeout | undefined
      let sitePool: Promise<Pool> | undefined
      const pool = (): Promise<Pool> => {
        if (site === undefined) return ownPool()
        sitePool ??= outbound.open(reach)
        return sitePool
      }
      const breaker = createBreaker<Call, Reply>({
        name: `${provider}.${endpoint}`,
        settings,
        run: async (call, deadline) => run(call, await pool(), deadline),
        onChange: (state) => {
          report(endpoint)
          if (site === undefined || state !== 'half_open') return
          // If the team no longer uses this site, no trial call will ever close the breaker. Remove it, so that it is
          // not reported as failing forever.
          clearTimeout(removal)
          removal = setTimeout(
            () => breaker.isUntried() && remove(key, circuit),
            settings.resetMs * MOST_IDLE_RESETS,
          ).unref()
        },
      })
      const circuit: Circuit = {
        endpoint,
        site,
        breaker,
        close: () => {
          clearTimeout(removal)
          breaker.shutdown()
          void sitePool?.then(outbound.drop)
        },
      }
      circuits.set(key, circuit)
      return circuit
    }

    /** Closes the least recently used circuit if there are too many sites. */
    function makeRoom(): void {
      const sites = [...circuits].filter(([, { site }]) => site !== undefined)
      const [first] = sites
      if (first && sites.length >= MOST_SITES) remove(...first)
    }

    /** Removes a circuit. Calls in progress complete normally. */
    function remove(key: string, { endpoint, close }: Circuit): void {
      close()
      circuits.delete(key)
      report(endpoint)
    }

    /** Seconds until the provider accepts this call, 0 if it can be made now. */
    function secondsHeld(keys: readonly string[]): number {
      const now = clock().getTime()
      for (const [key, until] of holds) if (until <= now) holds.delete(key)
      return Math.max(0, ...keys.map((key) => Math.ceil(((holds.get(key) ?? now) - now) / 1000)))
    }

    function hold(key: string, seconds: number): void {
      const [oldest] = holds.keys()
      if (holds.size >= MOST_HOLDS && oldest !== undefined) holds.delete(oldest)
      holds.set(key, clock().getTime() + seconds * 1000)
    }

    async function call(call: Call): Promise<Result<ProviderResponse, Failure>> {
      const tokenKey = (): string => `${call.endpoint} ${sha256(call.headers?.Authorization ?? '')}`
      const siteKey = (): string => (call.site === undefined ? tokenKey() : `${call.endpoint} at ${call.site}`)
      // Holds are rare. Skip hashing the token while there are none.
      const wait = holds.size === 0 ? 0 : secondsHeld([call.endpoint, siteKey(), tokenKey()])
      if (wait > 0) {
        const limited = secondsHeld([tokenKey()]) > 0 ? { limited: true as const } : {}
        return fail(call.endpoint, { kind: 'unavailable', reason: 'held_off', retryAfter: wait, ...limited })
      }
      const { breaker } = circuitOf(call)
      const reply = await within(settings.timeoutMs, (deadline) => breaker.fire(call, deadline)).catch((thrown) => {
        if (thrown instanceof CountedFailure) return thrown.reply
        if (thrown instanceof NotMadeError) return failed({ kind: 'unavailable', reason: thrown.reason })
        throw thrown
      })
      const { hold: asked, result } = reply
      if (asked && asked.seconds > 0)
        hold({ endpoint: call.endpoint, site: siteKey(), token: tokenKey() }[asked.of], asked.seconds)
      if (result.ok) return result
      if (result.error.kind === 'refused') {
        if (call.negatives?.includes(result.error.status)) return result
        // Report it to the operator: to a user, a wrong client secret looks like any other failed sign-in.
        const { status, code } = result.error
        events.emit('provider.call_refused', { provider, endpoint_type: call.endpoint, status, code })
        return result
      }
      if (result.error.kind === 'garbage') return fail(call.endpoint, result.error)
      const open = breaker.state() === 'open' ? breaker.secondsLeft() : DEFAULT_RETRY_SECONDS
      return fail(call.endpoint, { ...result.error, retryAfter: asked?.seconds || open })
    }

    /** Reports a failed call. Callers also use it for faults they find later, when they check an answer. */
    function fail(endpoint: EndpointType, failure: Failure): Result<never, Failure> {
      events.emit('provider.call_failed', { provider, endpoint_type: endpoint, reason: failure.reason })
      if (failure.kind === 'garbage' && failure.issuer)
        events.emit('provider.issuer_mismatch', { provider, endpoint_type: endpoint, ...failure.issuer })
      return err(failure)
    }

    const guard = {
      call,
      report: fail,
      state: stateOf,
      /** Ends its breakers, and its connections once calls in progress are complete. */
      close: (): void => {
        guards.delete(guard)
        for (const { close } of circuits.values()) close()
        void providerPool?.then(outbound.drop)
        providerPool = undefined
      },
    }
    guards.add(guard)
    return guard
  }

  return {
    of,
    /** Lets calls in progress finish (their deadline is near), then closes every connection. */
    close: async (): Promise<void> => {
      for (const guard of [...guards]) guard.close()
      await outbound.close()
    },
  }
}

const failed = (failure: Failure): CountedReply => ({ result: err(failure), counts: true })
const didFail = (reply: Reply): reply is CountedReply => reply.counts === true

/**
 * A well-formed response with invalid content. One user with a megabyte for a name, or with too many groups in the
 * id_token, must not open the breaker for everyone.
 */
const garbage = (endpoint: EndpointType, reason: string): Reply => {
  const failure: Failure = { kind: 'garbage', reason }
  const personal = isPersonalEndpoint(endpoint) || reason === 'id_token_too_large'
  return personal ? { result: err(failure) } : failed(failure)
}

const refused = (status: number, json: unknown, sort?: Call['refusal']): Failure => ({
  kind: 'refused',
  reason: `status_${status}`,
  status,
  code: sort ? sort(status, json) : isRecord(json) ? readErrorCode(json.error) : null,
})

/** Codes of a refusal that ask to try again later. */
const LATER: ReadonlySet<unknown> = new Set(['slow_down', 'temporarily_unavailable', 'server_error'])

/** Some providers report an outage or a limit with an error number, at a status that otherwise means a refusal. */
const postponed = (code: string | null | undefined): Failure | undefined =>
  typeof code === 'string' && LATER.has(code)
    ? { kind: 'unavailable', reason: code, ...(code === 'slow_down' ? { limited: true } : {}) }
    : undefined

const mediaType = (header: string | string[] | undefined): string =>
  (typeof header === 'string' ? (header.split(';')[0] ?? '') : '').trim().toLowerCase()

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Treats a body over the size limit as missing: the status and headers are still valid. Other errors are transport
 * errors.
 */
function unlessTooLarge(thrown: unknown): undefined {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined
  if (code !== 'UND_ERR_RES_EXCEEDED_MAX_SIZE') throw thrown
}
