/** Thrown where there is more to do than can be done in time: whoever asked is told to come back, in seconds. */
export class BusyError extends Error {
  override name = 'BusyError'
  readonly retryAfter: number
  constructor(what: string, retryAfter: number) {
    super(`${what} is busy`)
    this.retryAfter = retryAfter
  }
}
