import { EventEmitter } from 'node:events'

/**
 * When a call must have ended: emits `abort` once, `ms` milliseconds from now, unless it was over before. undici takes
 * an emitter where it takes an AbortSignal, and an AbortSignal costs several times as much to make.
 */
export class Deadline extends EventEmitter {
  aborted = false
  readonly #started = performance.now()
  readonly #timer: NodeJS.Timeout

  constructor(ms: number) {
    super()
    this.#timer = setTimeout(() => {
      this.aborted = true
      this.emit('abort')
    }, ms)
  }

  /** Milliseconds since it was set. */
  elapsed(): number {
    return performance.now() - this.#started
  }

  over(): void {
    clearTimeout(this.#timer)
  }
}
