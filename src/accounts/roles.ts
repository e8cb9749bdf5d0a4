import type { Role } from '../kernel/account.ts'

/** Permissions beyond one's own account. Routes name the ones they require. */
export const scopes = [
  'users:read',
  'users:write',
  'audit:read',
  'credentials:read',
  'credentials:write',
  'jobs:read',
  'providers:read',
  'providers:write',
  'applications:read',
  'applications:write',
  'settings:read',
  'settings:write',
] as const
export type Scope = (typeof scopes)[number]

/** Which role has which scopes. There is no other source of a scope. */
const granted: Readonly<Record<Role, readonly Scope[]>> = {
  user: [],
  auditor: ['users:read', 'audit:read'],
  administrator: scopes,
}

/** The format in a session and its access tokens (RFC 6749 §3.3). */
export const scopeOf = (role: Role): string => granted[role].join(' ')
