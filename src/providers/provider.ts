import type OAuth2Strategy from 'passport-oauth2'

/** What any provider tells us about a person, whatever its own words for it. */
export type Claims = {
  /** Stable at the provider, always text: Google's has 21 digits and would not survive `Number()`. */
  readonly subject: string
  readonly email: string | null
  /** The provider says so. Whether we believe it is `EmailTrust`. */
  readonly emailVerified: boolean
  /** The provider runs the mailbox itself, so its word is proof (Google: gmail.com, or a hosted domain). */
  readonly emailAuthoritative: boolean
  readonly name: string | null
  readonly picture: string | null
}

/** Whose word about an e-mail address is believed: see `contract.md`, Accounts and reconciliation. */
export type EmailTrust = 'authoritative' | 'verified' | 'never'

export const endpointTypes = ['token', 'userinfo', 'revoke', 'discovery', 'jwks', 'api'] as const
export type EndpointType = (typeof endpointTypes)[number]

/** A provider's tokens for one person, as it handed them out. */
export type TokenSet = {
  readonly accessToken: string
  /** Absent when the provider sent none: then a stored one stays (Google sends it at the first consent only). */
  readonly refreshToken: string | null
  readonly idToken: string | null
  /** When the access token dies, if the provider said. */
  readonly expiresAt: Date | null
  /** What was granted, in the provider's own spelling. `null` when it did not say: then what was asked for. */
  readonly scopes: readonly string[] | null
}

/** Who came back from a provider, and what they let us do there. */
export type Grant = {
  readonly provider: string
  /** Namespace of the subject: the issuer for OpenID Connect, the provider's id elsewhere. */
  readonly issuer: string
  /** The app registration at the provider under which the tokens were made. */
  readonly clientId: string
  readonly claims: Claims
  readonly tokens: TokenSet
}

/** A profile as the Passport strategies of this family hand it over; `_json` is the provider's own answer. */
export type Profile = {
  readonly id: string
  readonly displayName?: string
  readonly username?: string
  readonly photos?: readonly { value: string }[]
  readonly emails?: readonly { value: string; primary?: boolean; verified?: boolean }[]
  readonly _json: Readonly<Record<string, unknown>>
}

export type { OAuth2Strategy }
