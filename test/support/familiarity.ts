import type { Familiarity } from '../../src/sessions/sign-in.ts'

/** For tests without known devices: no device is new, and none is stored. */
export const everywhereKnown: Familiarity = { isNew: async () => false, trust: async () => null }
