import type { Familiarity } from '../../src/sessions/sign-in.ts'

/** Where nobody asks which devices an account knows: none is new, and none is remembered. */
export const everywhereKnown: Familiarity = { isNew: async () => false, trust: async () => null }
