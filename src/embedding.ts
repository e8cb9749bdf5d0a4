/**
 * What a program that embeds Vinculum may rely on: the types of the package's entry, `index.ts`. They name no other
 * package, so that such a program compiles without the types of ours.
 */
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AppError } from './errors/catalogue.ts'
import type { Account } from './kernel/account.ts'
import type { Result } from './kernel/result.ts'

/** Who is signed in, and on which device. */
export type Who = { readonly accountId: string; readonly sessionId: string }
/** Where a request came from, for the audit log and the device list. */
export type Context = { readonly ip?: string; readonly userAgent?: string }
/** What the redirect URI received, with the `flowToken` of the beginning. */
export type Returned = {
  readonly code: string
  readonly state: string
  readonly flowToken: string
  /** The issuer, where the provider names it (RFC 9207). */
  readonly iss?: string
}

export type ProviderInfo = {
  readonly provider: string
  readonly providerUserId: string
  readonly providerEmail: string | null
}
export type LinkedAccount = ProviderInfo & { readonly id: string; readonly linkedAt: Date }

/** Where to send the browser, and what to keep for its return. */
export type Authorization = {
  readonly authorizeUrl: URL
  readonly state: string
  /** Secret: it binds the return to the browser that began. */
  readonly flowToken: string
  /** In seconds. */
  readonly expiresIn: number
}

/** The response of the token endpoint (RFC 6749). Lifetimes are in seconds. */
export type TokenPair = {
  readonly access_token: string
  readonly refresh_token: string
  readonly token_type: 'bearer'
  readonly expires_in: number
  readonly refresh_expires_in: number
}

export type SignedIn = {
  readonly user: Account
  readonly tokens: TokenPair
  readonly providerInfo: ProviderInfo
  readonly action: 'login_existing' | 'linked_existing' | 'linked_new' | 'created_new_user'
}

/** What the provider reports about a person. */
export type UserInfo = {
  readonly claims: {
    readonly subject: string
    readonly email: string | null
    readonly emailVerified: boolean
    readonly name: string | null
    readonly picture: string | null
  }
  /** The response of the provider, unchanged. */
  readonly profile: Readonly<Record<string, unknown>>
  readonly fetchedAt: Date
  readonly fromCache: boolean
  /** It is older than the cache keeps responses, because the provider did not respond. */
  readonly stale: boolean
}

type Answer<T> = Promise<Result<T, AppError>>

/** The verbs of the service. Errors are values with a `code` of the error catalogue; only defects throw. */
export type OAuth = {
  /** Begins a sign-in, or linking with `who`. The redirect URI is chosen by its key in the settings. */
  readonly authorizeUrl: (
    provider: string,
    redirectUriKey?: string,
    data?: { readonly who?: Who },
  ) => Answer<Authorization>
  /** Finishes a sign-in. */
  readonly authenticateWithCode: (provider: string, returned: Returned, context?: Context) => Answer<SignedIn>
  /** Finishes linking that `authorizeUrl` began for the same `who`. */
  readonly linkAccount: (who: Who, provider: string, returned: Returned, context?: Context) => Answer<LinkedAccount>
  /**
   * Refuses an identity that is not linked, and the last usable sign-in method. Make sure that the user signed in
   * recently; only the routes of the service check that themselves.
   */
  readonly unlinkAccount: (who: Who, identityId: string, context?: Context) => Answer<null>
  readonly listLinkedAccounts: (accountId: string) => Promise<readonly LinkedAccount[]>
  /** What the provider reports now, through the cache. */
  readonly getUserInfoFromProvider: (accountId: string, identityId: string) => Answer<UserInfo>
}

/** The service within another program. */
export type Vinculum = {
  /** Every route of the service, for a server of your own. `listen` makes one. */
  readonly app: RequestListener
  readonly oauth: OAuth
  /** Serves the routes at `HOST` and `PORT`, and starts the background jobs. */
  readonly listen: () => Promise<AddressInfo>
  /** Finishes the requests that are being handled, then closes everything. */
  readonly close: () => Promise<void>
}
