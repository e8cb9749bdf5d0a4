import { vi } from 'vitest'

/** What `find` returns once it no longer throws. For hooks, and for values: `expect.poll` only compares, in a test. */
export const eventually = <T>(find: () => T | Promise<T>): Promise<T> => vi.waitFor(find, { timeout: 60_000 })
