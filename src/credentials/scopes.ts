/** The permissions of a back end. Each back end has its own credential with only those it needs. */
export const serviceScopes = ['introspect', 'connections:token', 'users:metadata'] as const
export type ServiceScope = (typeof serviceScopes)[number]
