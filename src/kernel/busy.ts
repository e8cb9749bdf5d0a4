/** Thrown if work cannot be done in time. `retryAfter` is when the caller should try again, in seconds. */
export class BusyError extends Error {
  override name = 'BusyError'
  readonly retryAfter: number
  /** `cause` is the reason, if an operator needs to know it. */
  constructor(what: string, retryAfter: number, cause?: unknown) {
    super(`${what} is busy`, { cause })
    this.retryAfter = retryAfter
  }
}

/** For `catch`: returns this value if the work cannot be done now, and throws everything else. */
export const whenBusy =
  <T>(value: T) =>
  (thrown: unknown): T => {
    if (!(thrown instanceof BusyError)) throw thrown
    return value
  }
