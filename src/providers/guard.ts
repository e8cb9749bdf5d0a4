/**
 * The only way out to a provider. One agent for all; for each provider and endpoint type (and each customer's site
 * behind it) a circuit breaker of its own, so that a failing one takes down nobody else; a total deadline over headers
 * and body; a size limit; no redirect is ever followed, since it would carry the token or the secret along.
 */
import { EventEmitter } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import CircuitBreaker from 'opossum'
import type { Bus } from '../events/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import type { Random } from '../kernel/ids.ts'
import { untimed } from '../kernel/limit.ts'
import { type Err, err, ok, type Result } from '../kernel/result.ts'
import { type Failure, readErrorCode } from './failure.ts'
import { isRecord } from './profile-text.ts'
import { type BreakerSettings, type EndpointType, isPersonal } from './provider.ts'
import { type Hold, readHold } from './retry-after.ts'

const MOST_BYTES = 1024 * 1024
/** Said with every call: GitHub refuses who has no name. */
const USER_AGENT = 'vinculum'
const CONNECTIONS_PER_ORIGIN = 64
const WINDOW_MS = 30_000
/** What a person is told to wait when nobody said how long. */
const DEFAULT_RETRY_SECONDS = 5
const MOST_ATTEMPTS = 3
const FIRST_BACK_OFF_MS = 50
/** How many sites' breakers a provider has at once; the one longest unused makes room. */
const MOST_SITES = 200
/** How many of its pauses a site's breaker is half open for before nobody is expected to ask for it any more. */
const PAUSES_KEPT = 10

export type Call = {
  readonly endpoint: EndpointType
  /** Which customer's site behind the endpoint is asked: that one of them is down says nothing of the others. */
  readonly site?: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** `json` (an object or array) unless the endpoint's answer means nothing, as at revocation. */
  readonly expects?: 'json' | 'anything'
  /** A closer look at a good answer: why it is garbage after all, or `null`. */
  readonly fault?: (json: unknown, text: string) => string | null
  /** The class of a refusal, where its `error` does not say it: a word of ours, for the provider's text stays behind. */
  readonly refusal?: (status: number, json: unknown) => string | null
}
export type Answer = { readonly status: number; readonly text: string; readonly json: unknown }
export type BreakerState = 'closed' | 'half_open' | 'open'
/** From well to ill. */
const STATES: readonly BreakerState[] = ['closed', 'half_open', 'open']

type Breaker = {
  readonly endpoint: EndpointType
  readonly site: string | undefined
  fire(call: Call): Promise<Reply>
  state(): BreakerState
  left(): number
  shutdown(): void
}

/**
 * What one attempt came to. `counts`: it is the provider's failure, neither its refusal nor what one person put into an
 * answer.
 */
type Reply = { readonly result: Result<Answer, Failure>; readonly hold?: Hold | undefined; readonly counts?: true }
type Failed = { readonly result: Err<Failure>; readonly hold?: Hold | undefined; readonly counts: true }

/** A failure that counts against the provider, on its way through opossum. */
class Counted extends Error {
  override name = 'Counted'
  readonly reply: Failed
  constructor(reply: Failed) {
    super(reply.result.error.reason)
    this.reply = reply
  }
}

/** When a call must have ended. undici takes an emitter too, and an AbortSignal costs several times as much to make. */
class Deadline extends EventEmitter {
  aborted = false
  readonly #timer: NodeJS.Timeout

  constructor(ms: number) {
    super()
    this.#timer = setTimeout(() => {
      this.aborted = true
      this.emit('abort')
    }, ms)
  }

  over(): void {
    clearTimeout(this.#timer)
  }
}

type Shared = { readonly events: Bus; readonly clock: Clock; readonly random: Random }
export type Guard = ReturnType<ReturnType<typeof createGuards>['of']>

export function createGuards({ events, clock, random }: Shared) {
  let opened: ReturnType<typeof open> | undefined
  // Loaded at the first call: it is most of what a service holds that nobody asked anything yet.
  const open = async () => {
    const { Agent, request } = await import('undici')
    // The size counts the bytes as they arrive; nothing is decompressed, since `identity` is asked for: without a word
    // about it any coding would be welcome (RFC 9110 §12.5.3).
    return { request, agent: new Agent({ connections: CONNECTIONS_PER_ORIGIN, maxResponseSize: MOST_BYTES }) }
  }
  const wayOut = (): ReturnType<typeof open> => {
    opened ??= open()
    return opened
  }
  const guards: { close(): void }[] = []

  /** One attempt, to the last byte. */
  async function attempt(call: Call, deadline: Deadline): Promise<Reply> {
    const { endpoint, method, url, headers, body, expects, fault, refusal } = call
    const all = { Accept: 'application/json', 'Accept-Encoding': 'identity', 'User-Agent': USER_AGENT, ...headers }
    const { request, agent } = await wayOut()
    const asked = { dispatcher: agent, method, headers: all, body: body ?? null, signal: deadline }
    const [reply, text] = await untimed(async () => {
      const answered = await request(url, asked)
      return [answered, await answered.body.text().catch(unlessTooLarge)] as const
    })
    const { statusCode: status } = reply
    const hold = readHold(endpoint, status, reply.headers, clock(), text)
    const json = text === undefined ? undefined : parse(text)
    const unavailable: Failure = { kind: 'unavailable', reason: `status_${status}` }
    const limited: Failure = { ...unavailable, limited: true }
    if (status >= 500) return { ...failed(unavailable), hold }
    if (hold) return { hold, result: err(limited) }
    if (status === 408) return { result: err(unavailable) }
    if (status >= 300 && status < 400) return failed({ kind: 'garbage', reason: 'redirect' })
    if (text === undefined) return garbage(endpoint, 'too_large')
    if (status >= 400) return { result: err(refused(status, json, refusal)) }
    if (expects !== 'anything') {
      if (typeof json !== 'object' || json === null) return garbage(endpoint, 'not_json')
      // GitHub refuses with 200 and an `error`.
      if (isRecord(json) && json.error) return { result: err(refused(status, json)) }
      const reason = fault?.(json, text) ?? null
      if (reason !== null) return garbage(endpoint, reason)
    }
    return { result: ok({ status, text, json }) }
  }

  /** The guard of one provider. */
  function of(provider: string, settings: BreakerSettings) {
    const holds = new Map<string, number>()
    /** Those of sites in the order they were last used. */
    const breakers = new Map<string, Breaker>()
    /** What was last said of an endpoint type. */
    const told = new Map<EndpointType, BreakerState>()

    /** The worst there is among an endpoint's sites: which of them it is would be a label of a stranger's making. */
    const stateOf = (endpoint: EndpointType): BreakerState =>
      [...breakers.values()].reduce<BreakerState>((worst, one) => {
        if (one.endpoint !== endpoint) return worst
        const state = one.state()
        return STATES.indexOf(state) > STATES.indexOf(worst) ? state : worst
      }, 'closed')

    const tell = (endpoint: EndpointType): void => {
      const state = stateOf(endpoint)
      if ((told.get(endpoint) ?? 'closed') === state) return
      told.set(endpoint, state)
      events.emit('provider.breaker_changed', { provider, endpoint_type: endpoint, state })
    }

    /**
     * Attempts within one deadline. Only a GET that failed fast is tried again: a code or a rotating token works once.
     */
    async function run(call: Call): Promise<Reply> {
      // Before the clock runs: loading is no delay of the provider's.
      await wayOut()
      const deadline = new Deadline(settings.timeoutMs)
      const started = performance.now()
      try {
        for (let tries = 1; ; tries += 1) {
          // What was thrown stays behind, since it names hosts and addresses.
          const reply = await attempt(call, deadline).catch(() => failed({ kind: 'unavailable', reason: 'network' }))
          if (!didFail(reply)) return reply
          if (deadline.aborted) throw new Counted(failed({ kind: 'unavailable', reason: 'timeout' }))
          const wait = FIRST_BACK_OFF_MS * 2 ** (tries - 1) * (0.5 + (random(1)[0] ?? 0) / 256)
          const soon = performance.now() - started + wait < settings.timeoutMs / 2
          const safe = call.method === 'GET' && reply.result.error.kind === 'unavailable' && !reply.hold
          if (!safe || !soon || tries === MOST_ATTEMPTS) throw new Counted(reply)
          await pause(wait)
        }
      } finally {
        deadline.over()
      }
    }

    function breaker({ endpoint, site }: Call): Breaker {
      const key = site === undefined ? endpoint : `${endpoint} ${site}`
      const known = breakers.get(key)
      if (known) {
        if (site !== undefined) {
          breakers.delete(key)
          breakers.set(key, known)
        }
        return known
      }
      if (site !== undefined) makeRoom()
      let openedAt = 0
      let leaving: NodeJS.Timeout | undefined
      const circuit = new CircuitBreaker<[Call], Reply>(run, {
        name: `${provider}.${endpoint}`,
        // The deadline is ours, since opossum's lets go of the call without ending it.
        timeout: false,
        errorThresholdPercentage: settings.errorThresholdPercent,
        volumeThreshold: settings.volume,
        resetTimeout: settings.resetMs,
        rollingCountTimeout: WINDOW_MS,
        rollingPercentilesEnabled: false,
      })
      circuit.on('open', () => {
        openedAt = performance.now()
        tell(endpoint)
      })
      circuit.on('halfOpen', () => {
        tell(endpoint)
        if (site === undefined) return
        // Its team may have left the site for good, and then it would be told of as ill for ever.
        clearTimeout(leaving)
        leaving = setTimeout(() => circuit.pendingClose && forget(key, made), settings.resetMs * PAUSES_KEPT).unref()
      })
      circuit.on('close', () => tell(endpoint))
      const made: Breaker = {
        ...{ endpoint, site },
        fire: (call: Call) => circuit.fire(call),
        state: (): BreakerState => (circuit.opened ? 'open' : circuit.halfOpen ? 'half_open' : 'closed'),
        // Opossum counts real time, whatever clock the rest of the service is given.
        left: () => Math.max(1, Math.ceil((openedAt + settings.resetMs - performance.now()) / 1000)),
        shutdown: () => {
          clearTimeout(leaving)
          circuit.shutdown()
        },
      }
      breakers.set(key, made)
      return made
    }

    /** For one more site. */
    function makeRoom(): void {
      const sites = [...breakers].filter(([, { site }]) => site !== undefined)
      const [first] = sites
      if (first && sites.length >= MOST_SITES) forget(...first)
    }

    /** Calls under way in the breaker that goes end as they would have. */
    function forget(key: string, { endpoint, shutdown }: Breaker): void {
      shutdown()
      breakers.delete(key)
      tell(endpoint)
    }

    /** Seconds this call has to wait because the provider asked for it; 0 when it may go. */
    function held(keys: readonly string[]): number {
      const now = clock().getTime()
      for (const [key, until] of holds) if (until <= now) holds.delete(key)
      return Math.max(0, ...keys.map((key) => Math.ceil(((holds.get(key) ?? now) - now) / 1000)))
    }

    async function call(call: Call): Promise<Result<Answer, Failure>> {
      const ofToken = (): string => `${call.endpoint} ${sha256(call.headers?.Authorization ?? '')}`
      // Hardly ever is anything held, and until then nobody need know whose token this is.
      const wait = holds.size === 0 ? 0 : held([call.endpoint, ofToken()])
      if (wait > 0) {
        const limited = held([ofToken()]) > 0 ? { limited: true as const } : {}
        return report(call.endpoint, { kind: 'unavailable', reason: 'held_off', retryAfter: wait, ...limited })
      }
      const circuit = breaker(call)
      const reply = await circuit.fire(call).catch((thrown: unknown) => {
        // What is not ours is opossum's: the breaker is open, or half open with its one call under way, or shut down.
        return thrown instanceof Counted ? thrown.reply : failed({ kind: 'unavailable', reason: 'breaker_open' })
      })
      const { hold, result } = reply
      if (hold && hold.seconds > 0)
        holds.set(hold.of === 'token' ? ofToken() : call.endpoint, clock().getTime() + hold.seconds * 1000)
      if (result.ok) return result
      if (result.error.kind === 'refused') {
        // What is told to nobody else: a wrong secret of ours looks like any other sign-in that failed.
        const { status, code } = result.error
        events.emit('provider.call_refused', { provider, endpoint_type: call.endpoint, status, code })
        return result
      }
      if (result.error.kind === 'garbage') return report(call.endpoint, result.error)
      const open = circuit.state() === 'open' ? circuit.left() : DEFAULT_RETRY_SECONDS
      return report(call.endpoint, { ...result.error, retryAfter: hold?.seconds || open })
    }

    /** Says that an endpoint did not answer properly; for what only a later look can tell, too. */
    function report(endpoint: EndpointType, failure: Failure): Result<never, Failure> {
      events.emit('provider.call_failed', { provider, endpoint_type: endpoint, reason: failure.reason })
      return err(failure)
    }

    const guard = {
      call,
      report,
      state: stateOf,
      close: (): void => {
        for (const { shutdown } of breakers.values()) shutdown()
      },
    }
    guards.push(guard)
    return guard
  }

  return {
    of,
    /** Lets calls under way end (their deadline is near), then closes every connection. */
    close: async (): Promise<void> => {
      for (const guard of guards) guard.close()
      await (await opened)?.agent.close()
    },
  }
}

const failed = (failure: Failure): Failed => ({ result: err(failure), counts: true })
const didFail = (reply: Reply): reply is Failed => reply.counts === true

/**
 * An answer in good order whose content is none. One person with a megabyte for a name must not open the breaker for
 * all.
 */
const garbage = (endpoint: EndpointType, reason: string): Reply => {
  const failure: Failure = { kind: 'garbage', reason }
  return isPersonal(endpoint) ? { result: err(failure) } : failed(failure)
}

const refused = (status: number, json: unknown, sort?: Call['refusal']): Failure => ({
  kind: 'refused',
  reason: `status_${status}`,
  status,
  code: sort ? sort(status, json) : isRecord(json) ? readErrorCode(json.error) : null,
})

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A body larger than we read is none, whose status and headers still hold; anything else is a broken transport. */
function unlessTooLarge(thrown: unknown): undefined {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined
  if (code !== 'UND_ERR_RES_EXCEEDED_MAX_SIZE') throw thrown
}
