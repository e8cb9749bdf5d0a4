import type { Locale } from './locale.ts'

/** The role of an account in the service; see `accounts/roles.ts`. */
export const roles = ['user', 'auditor', 'administrator'] as const
export type Role = (typeof roles)[number]

/** A value in the metadata of an account. `null` is none: in a change, it deletes a key. */
export type MetadataValue = string | number | boolean | readonly MetadataValue[] | MetadataObject
export type MetadataObject = { readonly [key: string]: MetadataValue }
/** What administrators and back ends know about a person, for applications. */
export type AccountMetadata = {
  /** What the person may read, and each application that they sign in to with the scope `metadata`. */
  readonly public: MetadataObject
}
export const noMetadata: AccountMetadata = { public: {} }

/** One person's account. */
export type Account = {
  readonly id: string
  /** The email address as shown. It is proven only if `emailVerified`; otherwise it is a claim. */
  readonly email: string | null
  readonly emailVerified: boolean
  readonly name: string | null
  readonly picture: string | null
  readonly role: Role
  /** The language of messages to the person; `null`: the language of the request that caused the message. */
  readonly locale: Locale | null
  /** An IANA time zone, in which pages show times to the person; `null`: the zone of the browser. */
  readonly timeZone: string | null
  /** When two-step sign-in was turned on; `null`: a sign-in asks for no second factor. */
  readonly secondFactorAt: Date | null
  readonly metadata: AccountMetadata
  readonly disabledAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What a provider reported about an identity at the latest sign-in. The key of the identity does not depend on it. */
export type IdentityUse = {
  readonly email: string | null
  readonly emailVerified: boolean
  readonly name: string | null
  readonly picture: string | null
  /** The scopes granted at the last sign-in, as the provider spells them. */
  readonly scopes: readonly string[]
  readonly lastUsedAt: Date
}

/**
 * Whether an account can sign in with its password (`REQUIRE_VERIFIED_EMAIL`). Both the sign-in and the check for the
 * last sign-in method use this. If they differed, a person could remove the last method that works.
 */
export const passwordMaySignIn = (
  { requireVerifiedEmail }: { readonly requireVerifiedEmail: boolean },
  emailVerified: boolean,
): boolean => emailVerified || !requireVerifiedEmail

/**
 * How many accounts may claim an email address that none of them has proven. Strangers create them, and the person who
 * proves the address waits until every claim has ended.
 */
export const mostClaims = 10
