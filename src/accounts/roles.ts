import type { Role } from '../kernel/account.ts'

/** What somebody may do beside looking after themselves; routes name what they need. */
export const scopes = [
  'users:read',
  'users:write',
  'audit:read',
  'credentials:read',
  'credentials:write',
  'jobs:read',
] as const
export type Scope = (typeof scopes)[number]

/** The whole table of who may do what: there is no other way to a scope. */
const granted: Readonly<Record<Role, readonly Scope[]>> = {
  user: [],
  auditor: ['users:read', 'audit:read'],
  administrator: scopes,
}

/** As a session and its access tokens carry it (RFC 6749 §3.3). */
export const scopeOf = (role: Role): string => granted[role].join(' ')
