/**
 * `npm run bench:store` plays each race many times, and tries every combination: of conditions and queries, of hostile
 * texts and fields, of sign-in methods and states, and both databases everywhere. What a race breaks, it breaks in one
 * of the first rounds; what a combination of conditions breaks, it breaks with three of them.
 */
export const isThorough = process.env.VINCULUM_STORE === 'thorough'
