import { EventEmitter } from 'node:events'

/**
 * The deadline of a call. Emits `abort` once after `ms` milliseconds, unless `over()` is called first. undici accepts
 * an emitter in place of an AbortSignal, which costs several times as much to create.
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
