import type { Clock } from '../kernel/clock.ts'
import type { Result } from '../kernel/result.ts'
import type { AuditName, Event, EventName, Fact, FactName, Origin, Outcome, Payload, SpanName } from './catalogue.ts'

type Handler = (event: Event) => void

/** A handler that keeps failing is told of this often, in milliseconds. */
const reportEveryMs = 60_000

/**
 * Tells whoever listens what happened. Handlers run in the emitter's turn, so they must not block. One that throws
 * never reaches the code that emitted, and is reported. It stays: a disk that was full for a moment must not end the
 * log for good.
 */
export function createBus(clock: Clock) {
  const handlers = new Map<string, { names: ReadonlySet<string> | 'all'; run: Handler }>()

  const reported = new Map<string, number>()

  const dispatch = (event: Event, except?: string): void => {
    for (const [id, handler] of handlers) {
      if (id === except || (handler.names !== 'all' && !handler.names.has(event.name))) continue
      try {
        handler.run(event)
      } catch (thrown) {
        report(id, event.name, thrown)
      }
    }
  }

  /**
   * Told to the others. Of what was thrown only the class: a message can hold anything, and some things cannot even be
   * turned into text.
   */
  const report = (handler: string, heard: string, thrown: unknown): void => {
    const at = clock()
    if (at.getTime() - (reported.get(handler) ?? Number.NEGATIVE_INFINITY) < reportEveryMs) return
    reported.set(handler, at.getTime())
    dispatch({ name: 'handler.failed', at, data: { handler, heard, reason: classOf(thrown) } }, handler)
  }

  /**
   * Reports a fact that is recorded nowhere. An audited fact cannot be emitted: it is written in the transaction of the
   * change it explains, and published from there.
   */
  function emit<N extends Exclude<FactName, AuditName>>(name: N, data: Payload<N>, origin?: Origin): void {
    dispatch({ name, at: clock(), data, ...(origin ? { origin } : {}) } as Event)
  }

  /**
   * Runs `work` between `name.start` and `name.stop` (it succeeded; `outcome` reads what is worth telling off
   * the value) or `name.exception` (it answered a refusal, or threw). Durations are in milliseconds.
   */
  async function span<N extends SpanName, T, E extends { code: string }>(
    name: N,
    data: Payload<N>,
    work: () => Promise<Result<T, E>>,
    outcome: (value: T) => Outcome<N>,
    origin?: Origin,
  ): Promise<Result<T, E>> {
    const started = performance.now()
    const tell = (moment: 'start' | 'stop' | 'exception', extra: object): void =>
      dispatch({ name: `${name}.${moment}`, at: clock(), ...extra, ...(origin ? { origin } : {}) } as unknown as Event)
    tell('start', { data })
    try {
      const result = await work()
      const ms = performance.now() - started
      if (result.ok) tell('stop', { ms, data: { ...(data as object), ...(outcome(result.value) as object) } })
      else tell('exception', { ms, code: result.error.code, data })
      return result
    } catch (thrown) {
      tell('exception', { ms: performance.now() - started, code: 'internal', data })
      throw thrown
    }
  }

  return {
    emit,
    span,
    /** Tells a fact that is already written down: called by the store, after the commit. */
    publish: (fact: Fact): void => dispatch({ ...fact, at: clock() } as Event),
    on<N extends EventName>(id: string, names: readonly N[], run: (event: Extract<Event, { name: N }>) => void): void {
      handlers.set(id, { names: new Set<string>(names), run: run as Handler })
    },
    all: (id: string, run: Handler): void => void handlers.set(id, { names: 'all', run }),
  }
}
export type Bus = ReturnType<typeof createBus>

const classOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.name : typeof thrown)
