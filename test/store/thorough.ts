/**
 * `npm run bench:store` plays each race many times, and tries every combination: of conditions, of hostile texts and
 * fields, of sign-in methods, states and databases. What a race breaks, it breaks in one of the first rounds; what a
 * combination of conditions breaks, it breaks with three of them.
 */
export const isThorough = process.env.VINCULUM_STORE === 'thorough'
