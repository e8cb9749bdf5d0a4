/** Counters every node agrees on. */
export interface RateLimitStore {
  /** Counts one more hit for `key`; a window that is over starts anew. Atomic. */
  hit(key: string, windowMs: number, at: Date): Promise<{ hits: number; resetsAt: Date }>
}
