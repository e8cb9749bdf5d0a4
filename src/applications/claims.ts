import type { Account, MetadataObject } from '../kernel/account.ts'
import { epochSeconds } from '../kernel/clock.ts'

/** A team as an application sees it. */
export type TeamClaim = { readonly id: string; readonly name: string; readonly role: string }

/** The standard claims (OpenID Connect Core §5.1) and those of this service. */
export type UserClaims = {
  readonly sub: string
  readonly name?: string
  readonly picture?: string
  readonly locale?: string
  readonly updated_at?: number
  readonly email?: string
  readonly email_verified?: boolean
  readonly teams?: readonly TeamClaim[]
  /** One object: whatever its keys are called, none of them can replace a registered claim. */
  readonly metadata?: MetadataObject
}

/**
 * What the scopes let an application see of a person. Unknown values are left out (OpenID Connect Core §5.3.2). The
 * subject is the account ID: it never changes and is never given to another person.
 */
export function claimsOf(account: Account, scopes: readonly string[], teams: readonly TeamClaim[]): UserClaims {
  const { id, name, picture, locale, updatedAt, email, emailVerified, metadata } = account
  const has = (scope: string): boolean => scopes.includes(scope)
  return {
    sub: id,
    ...(has('profile') && name !== null ? { name } : {}),
    ...(has('profile') && picture !== null ? { picture } : {}),
    ...(has('profile') && locale !== null ? { locale } : {}),
    ...(has('profile') ? { updated_at: epochSeconds(updatedAt) } : {}),
    ...(has('email') && email !== null ? { email, email_verified: emailVerified } : {}),
    ...(has('teams') ? { teams } : {}),
    ...(has('metadata') ? { metadata: metadata.public } : {}),
  }
}
