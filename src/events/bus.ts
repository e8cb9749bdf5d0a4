import type { Clock } from '../kernel/clock.ts'
import type { Result } from '../kernel/result.ts'
import type { AuditName, Event, EventName, Fact, FactName, Origin, Outcome, Payload, SpanName } from './catalogue.ts'

type Handler = (event: Event) => void

/** How often a handler that keeps failing is reported, in milliseconds. */
const reportEveryMs = 60_000

/**
 * Passes events to their listeners. Handlers run synchronously in the emitter, so they must not block. The error of a
 * handler never reaches the emitter; it is reported. The handler stays registered: a disk that was full for a moment
 * must not stop the log permanently.
 */
export function createBus(clock: Clock) {
  const handlers = new Map<string, { names: ReadonlySet<string>; run: Handler }>()
  /** The handlers of each event name that was asked for since the last handler was added. */
  const listening = new Map<string, readonly (readonly [id: string, run: Handler])[]>()
  const listenersOf = (name: string): readonly (readonly [string, Handler])[] => {
    const known = listening.get(name)
    if (known) return known
    const found = [...handlers].flatMap(([id, { names, run }]) => (names.has(name) ? [[id, run] as const] : []))
    listening.set(name, found)
    return found
  }

  /** Whether an event is worth building: at the default log level, nobody listens to the start of a span. */
  const isHeard = (name: string): boolean => listenersOf(name).length > 0

  const reported = new Map<string, number>()

  const dispatch = (event: Event, except?: string): void => {
    for (const [id, run] of listenersOf(event.name)) {
      if (id === except) continue
      try {
        run(event)
      } catch (thrown) {
        report(id, event.name, thrown)
      }
    }
  }

  /**
   * Reports to the other handlers. It contains only the class of the error: a message can contain anything, and some
   * values cannot even be converted to text.
   */
  const report = (handler: string, heard: string, thrown: unknown): void => {
    const at = clock()
    if (at.getTime() - (reported.get(handler) ?? Number.NEGATIVE_INFINITY) < reportEveryMs) return
    reported.set(handler, at.getTime())
    dispatch({ name: 'handler.failed', at, data: { handler, heard, reason: classOf(thrown) } }, handler)
  }

  /**
   * Emits a fact that is not recorded. An audited fact cannot be emitted: it is written in the transaction of the
   * change it explains, and published from there.
   */
  function emit<N extends Exclude<FactName, AuditName>>(name: N, data: Payload<N>, origin?: Origin): void {
    if (isHeard(name)) dispatch({ name, at: clock(), data, ...(origin ? { origin } : {}) } as Event)
  }

  /**
   * Runs `work` between `name.start` and `name.stop` (success; `outcome` selects what to report from the value) or
   * `name.exception` (an error result or a thrown error). Durations are in milliseconds.
   */
  async function span<N extends SpanName, T, E extends { code: string }>(
    name: N,
    data: Payload<N>,
    work: () => Promise<Result<T, E>>,
    outcome: (value: T) => Outcome<N>,
    origin?: Origin,
  ): Promise<Result<T, E>> {
    const started = performance.now()
    const emitMoment = (moment: 'start' | 'stop' | 'exception', extra: () => object): void => {
      const full = `${name}.${moment}`
      if (!isHeard(full)) return
      dispatch({ name: full, at: clock(), ...extra(), ...(origin ? { origin } : {}) } as unknown as Event)
    }
    emitMoment('start', () => ({ data }))
    try {
      const result = await work()
      const ms = performance.now() - started
      if (result.ok) {
        const { value } = result
        emitMoment('stop', () => ({ ms, data: { ...(data as object), ...(outcome(value) as object) } }))
      } else {
        const { code } = result.error
        emitMoment('exception', () => ({ ms, code, data }))
      }
      return result
    } catch (thrown) {
      emitMoment('exception', () => ({ ms: performance.now() - started, code: 'internal', data }))
      throw thrown
    }
  }

  return {
    emit,
    span,
    /** Publishes a fact that is already recorded. The store calls it after the commit. */
    publish(fact: Fact): void {
      if (isHeard(fact.name)) dispatch({ ...fact, at: clock() } as Event)
    },
    on<N extends EventName>(id: string, names: readonly N[], run: (event: Extract<Event, { name: N }>) => void): void {
      handlers.set(id, { names: new Set(names), run: run as Handler })
      listening.clear()
    },
  }
}
export type Bus = ReturnType<typeof createBus>

const classOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.name : typeof thrown)
