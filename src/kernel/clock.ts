/** Returns the current time. It is passed in everywhere, so that tests set the clock instead of sleeping. */
export type Clock = () => Date

export const systemClock: Clock = () => new Date()

/** The start time of this process plus the time elapsed since: changes to the machine's clock do not affect it. */
export const steadyClock: Clock = () => new Date(performance.timeOrigin + performance.now())

export const secondsAfter = (at: Date, seconds: number): Date => new Date(at.getTime() + seconds * 1000)

/** Whole seconds since the epoch, as in JWT claims (RFC 7519 §2, NumericDate). */
export const epochSeconds = (at: Date): number => Math.floor(at.getTime() / 1000)
