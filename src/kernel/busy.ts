/** Thrown where there is more to do than can be done in time: whoever asked is told to come back, in seconds. */
export class BusyError extends Error {
  override name = 'BusyError'
  readonly retryAfter: number
  /** `cause`: why, where an operator has to know it. */
  constructor(what: string, retryAfter: number, cause?: unknown) {
    super(`${what} is busy`, { cause })
    this.retryAfter = retryAfter
  }
}
