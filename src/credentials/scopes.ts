/** What a back end may be allowed; each has its own credential, with no more than it needs. */
export const serviceScopes = ['introspect', 'connections:token'] as const
export type ServiceScope = (typeof serviceScopes)[number]
