import type { Locale } from './locale.ts'

/** What an account may do beside looking after itself; see `accounts/roles.ts`. */
export const roles = ['user', 'auditor', 'administrator'] as const
export type Role = (typeof roles)[number]

/** One person here. */
export type Account = {
  readonly id: string
  /** The address as shown; belongs to this account only when `emailVerified`, else it is a claim. */
  readonly email: string | null
  readonly emailVerified: boolean
  readonly name: string | null
  readonly picture: string | null
  readonly role: Role
  /** The language they are written to in; `null`: that of the request that led to the message. */
  readonly locale: Locale | null
  /** Since when a sign-in asks for a second factor as well; `null`: it does not. */
  readonly secondFactorAt: Date | null
  readonly disabledAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What a provider reported of an identity at the latest sign-in. The key of the identity never changes by it. */
export type IdentityUse = {
  readonly email: string | null
  readonly emailVerified: boolean
  readonly name: string | null
  readonly picture: string | null
  /** What was granted at the last sign-in, in the provider's spelling. */
  readonly scopes: readonly string[]
  readonly lastUsedAt: Date
}

/**
 * Whether a password lets its account in (`REQUIRE_VERIFIED_EMAIL`). The sign-in asks this, and so does the count of
 * methods that are left: they must not differ, or somebody removes the last method that works.
 */
export const passwordMaySignIn = (
  { requireVerifiedEmail }: { readonly requireVerifiedEmail: boolean },
  emailVerified: boolean,
): boolean => emailVerified || !requireVerifiedEmail
