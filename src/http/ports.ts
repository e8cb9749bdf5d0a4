/** Counters that all nodes share. */
export interface RateLimitStore {
  /** Adds one hit for `key`; an expired window restarts. Atomic. */
  hit(key: string, windowMs: number, at: Date): Promise<{ hits: number; resetsAt: Date }>
}
