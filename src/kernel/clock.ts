/** What time it is. Passed in everywhere, so that tests turn the clock instead of sleeping. */
export type Clock = () => Date

export const systemClock: Clock = () => new Date()

/** The time at which this process started, and what has passed since: setting the machine's clock does not move it. */
export const steadyClock: Clock = () => new Date(performance.timeOrigin + performance.now())

export const secondsAfter = (at: Date, seconds: number): Date => new Date(at.getTime() + seconds * 1000)

/** Whole seconds since the epoch, as JWT claims count them (RFC 7519 §2, NumericDate). */
export const epochSeconds = (at: Date): number => Math.floor(at.getTime() / 1000)
