import type { Locale } from '../kernel/locale.ts'
import type { Result } from '../kernel/result.ts'
import type { Tenants } from '../kernel/tenant-issuer.ts'
import type { Failure } from './calls/failure.ts'
import type { Guard } from './calls/guard.ts'
import type { RevocableTokens, RevokeTokenParts, TokenRevocation } from './calls/revoke.ts'
import type { Kind } from './definitions/index.ts'
import type { Mark } from './mark.ts'
import type { Strategy, StrategyParts, Verify } from './passport/strategy-parts.ts'
import type { ScopeText, ScopeTexts } from './scope-texts.ts'
import type { SettingChanges, SettingsCheck } from './setting.ts'

/** What a provider reports about a user, in the same terms for every provider. */
export type Claims = {
  /** Stable at the provider. Always text: Google's subject has 21 digits and would lose precision as a `Number`. */
  readonly subject: string
  readonly email: string | null
  /** As reported by the provider. `EmailTrust` decides whether we believe it. */
  readonly emailVerified: boolean
  /** The provider hosts the mailbox itself, so its claim is proof (Google: gmail.com, or a hosted domain). */
  readonly emailAuthoritative: boolean
  /**
   * Other email addresses that the provider has verified (GitHub). They find existing accounts. A new account gets
   * `email` only.
   */
  readonly otherEmails?: readonly string[]
  /** The Google Workspace domain of the account, from Google's `hd` claim. */
  readonly hostedDomain?: string
  /** The ID of the Slack workspace that the user signed in with. */
  readonly team?: string
  /** Set if the operator only admits members of organizations. */
  readonly memberships?: Memberships
  readonly name: string | null
  readonly picture: string | null
}

/**
 * The configured organizations of which the user is an active member. `hidden`: at least one did not reveal the
 * membership.
 */
export type Memberships = { readonly memberOf: readonly string[]; readonly hidden: boolean }

/** Which providers can verify an email address: see `contract.md`, Accounts and reconciliation. */
export type EmailTrust = 'authoritative' | 'verified' | 'never'

export const endpointTypes = ['token', 'userinfo', 'revoke', 'discovery', 'jwks', 'api'] as const
export type EndpointType = (typeof endpointTypes)[number]

/**
 * Whether an endpoint is called with one user's token. That user can influence its responses, so they say nothing about
 * other users.
 */
export const isPersonalEndpoint = (endpoint: EndpointType): boolean => endpoint === 'userinfo' || endpoint === 'api'

/** A provider's tokens for one user, as issued. */
export type TokenSet = {
  readonly accessToken: string
  /** `null` if the provider sent none. A stored one is then kept (Google sends it only at the first consent). */
  readonly refreshToken: string | null
  readonly idToken: string | null
  /** When the access token expires, if the provider reported it. */
  readonly expiresAt: Date | null
  /**
   * The granted scopes, in the provider's spelling. `null` if not reported: then the requested scopes were granted (RFC
   * 6749 §5.1).
   */
  readonly scopes: readonly string[] | null
  /** When the refresh token expires regardless of use, if the provider reported it. */
  readonly refreshExpiresAt: Date | null
}

/** The tokens that are stored. An id_token is not needed after it was checked. */
export type GrantTokens = Omit<TokenSet, 'idToken'>

/** The user who signed in at a provider, with the tokens and permissions that they granted. */
export type Grant = {
  readonly provider: string
  /** Namespace of the subject: the issuer of the verified id_token, otherwise the provider's ID. */
  readonly issuer: string
  /** The client registration at the provider that the tokens were issued to. */
  readonly clientId: string
  readonly claims: Claims
  /** `null` if a native app signed the user in: the app has the tokens, and we have only the id_token. */
  readonly tokens: GrantTokens | null
  /** The requested scopes. The name is part of stored data: pending conflicts contain a sealed grant as JSON. */
  readonly asked: readonly string[]
  /** What the settings that it was obtained with trust the provider for. Absent in conflicts of earlier versions. */
  readonly trust?: GrantTrust
}
export type GrantTrust = { readonly emailTrust: EmailTrust; readonly secondFactor: SecondFactorTrust }

/** A grant with tokens to store. */
export type TokenGrant = Grant & { readonly tokens: GrantTokens }

/** A profile as Passport strategies return it. `_json` is the provider's response. */
export type Profile = {
  readonly id: string
  readonly displayName?: string
  readonly username?: string
  readonly photos?: readonly { value: string }[]
  /** The response as a JWT that is not yet verified. `_json` is empty then. */
  readonly jwt?: string
  readonly emails?: readonly { value: string; primary?: boolean; verified?: boolean }[]
  readonly _json: Readonly<Record<string, unknown>>
}

/** Why nobody can sign in with a provider’s response: a class for the log, never the provider’s own text. */
export type UnusableProfile = { readonly unreadable: 'no_subject' | 'account_not_active' | 'not_a_person' }

/** Why a user is sent to a provider: to sign in, to link it to their account, to connect it with a team, or to try a draft of its settings. */
export type Intent = 'login' | 'link' | 'connect' | 'try'

/**
 * What to request at the provider. `extend` adds scopes to an existing link, and `hint` is the subject of that link.
 */
export type AuthorizationPrompt = { readonly intent: Intent | 'extend'; readonly hint?: string }

/** The URLs of a provider: from its definition, from the operator's settings, or discovered. */
export type Endpoints = {
  readonly authorize: string
  readonly token: string
  /** `null` if an OpenID provider has none or it is switched off. Then only the id_token describes the user. */
  readonly userinfo: string | null
  readonly emails: string | null
  readonly revoke: string | null
  readonly jwks: string | null
  readonly clientAuth: ClientAuth
  /** Whether the callback must carry `iss` (RFC 9207 §2.4). */
  readonly issRequired: boolean
  /** The client authentication methods that the discovery document lists. */
  readonly offeredAuth?: readonly string[]
}

export type MembershipParts = {
  readonly guard: Guard
  readonly settings: ProviderSettings
  readonly accessToken: string
}

/** Everything about one kind of provider: data, and a pure function that reads its profile. */
export type Definition = {
  /** Its name for users. `null`: there are many of this kind, and the operator lists their IDs in `listedIn`. */
  readonly name: string | null
  /** How a message names it: `Google`, `an OpenID Connect provider`. */
  readonly describedAs: string
  readonly mark: Mark
  /** The setting that lists the IDs of providers of this kind. Absent if there is one, whose ID is its kind. */
  readonly listedIn?: 'OIDC_PROVIDERS' | 'OAUTH2_PROVIDERS'
  /**
   * Whether no listed provider may have its ID. Otherwise a listed one takes its place, so that an update that adds a
   * kind changes nothing for an operator who already lists a provider of that name.
   */
  readonly ownsId?: true
  /** Where an operator registers Vinculum, and as what; one text if it reads the same in every language. */
  readonly registration: string | Readonly<Record<Locale, string>>
  /** Its settings, besides those of every provider. A common one that is repeated here is replaced, or removed by `null`. */
  readonly settings: SettingChanges
  /** Adds what follows from the operator's settings, before they are checked: an issuer, and defaults of its own. */
  readonly complete?: (settings: ProviderSettings) => ProviderSettings
  /** Checks settings that depend on each other. */
  readonly check?: (check: SettingsCheck) => void
  /** The minimum for a sign-in. */
  readonly scopes: readonly string[]
  /** What its scopes let us do: at least the minimum, and those that operators usually add. */
  readonly scopeTexts: ScopeTexts
  readonly emailTrust: EmailTrust
  /** Its endpoints. Where they are discovered, only those that its discovery document lacks or has wrong. */
  readonly endpoints: (settings: ProviderSettings) => Partial<Endpoints>
  readonly strategy: (parts: StrategyParts, verify: Verify) => Strategy
  readonly claims: (profile: Profile, settings: ProviderSettings) => Claims | UnusableProfile
  /** Reads which configured organizations the user belongs to. Called only if organizations are configured. */
  readonly memberships?: (parts: MembershipParts) => Promise<Result<Memberships, Failure>>
  /** Additional parameters for the authorization request. */
  readonly ask?: (asking: AuthorizationPrompt, settings: ProviderSettings) => Readonly<Record<string, string>>
  /**
   * Creates the client secret for one call at `at`, if the provider issues a signing key instead of a secret. Without
   * it, the secret is the setting `CLIENT_SECRET`.
   */
  readonly clientSecret?: (settings: ProviderSettings, at: Date) => Promise<string>
  /**
   * Set if the provider returns the browser with a form (OAuth 2.0 Form Post Response Mode) and not with a redirect.
   * The form may contain a field `user`, which `nameOf` reads: unsigned text that anyone could have written.
   */
  readonly formPost?: { readonly nameOf: (user: string) => string | null }
  /** Whether its access tokens open no API. They are then not renewed when they expire. */
  readonly hasNoApi?: true
  /** Additional headers for GET requests. */
  readonly headers?: Readonly<Record<string, string>>
  /** For providers that support OpenID Connect. */
  readonly openid?: {
    /** The accepted spellings of `iss`. */
    readonly issuers: (settings: ProviderSettings) => readonly string[]
    /** Namespace of its subjects: see `Provider.issuer`. */
    readonly namespace: (settings: ProviderSettings) => string
    /** Whether the `openid` scope is always requested, and the other endpoints are discovered from the issuer. */
    readonly required: boolean
  }
  /** Claims that decide who may sign in or what is trusted. They are taken only from the id_token, which is signed. */
  readonly signedClaims?: readonly string[]
  /** Alternative names of its scopes, and scopes that include others. */
  readonly scopeNames?: ScopeNames
  /**
   * Whether an empty `scope` with this access token means that no scopes were granted. Without it an empty `scope`
   * means nothing.
   */
  readonly grantsNothing?: (accessToken: string) => boolean
  /** The member of its token response that lists the granted scopes, if it is not `scope` (RFC 6749 §5.1). */
  readonly scopesMember?: string
  /** Our code for an error response that has no code of RFC 6749: a word, or `null`. See `Call.refusal`. */
  readonly errorCodeOf?: (status: number, json: unknown) => string | null
  /** The scopes for connecting a team's Jira: those always required, and the defaults that the operator may replace. */
  readonly jiraScopes?: { readonly always: readonly string[]; readonly usual: readonly string[] }
  /** How long its grants last. */
  readonly lifetime?: GrantLifetime
  /** The meaning of its own error codes for a refresh, where they differ from RFC 6749 §5.2. */
  readonly refusals?: Readonly<Record<string, RefusalMeaning>>
  /** Its error for a code that it never issued, besides `invalid_grant`, after the client was authenticated. */
  readonly unknownCode?: string
  /** What to request when `asked` is set or its default. */
  readonly scopesToRequest?: (asked: readonly string[], settings: ProviderSettings) => readonly string[]
  /** Revokes a token in its own way. Without it, RFC 7009 applies. Never called without an endpoint for it. */
  readonly revoke?: (tokens: RevocableTokens, parts: RevokeTokenParts) => Promise<TokenRevocation>
  /** Whether it revokes only with a valid access token, so that an expired one must be renewed first. */
  readonly revokesOnlyValidTokens?: true
  /** Where its users see and withdraw permissions that they granted. */
  readonly permissionsUrl?: (clientId: string, settings: ProviderSettings) => string
  /** Origins that a browser visits after its authorization endpoint, before it returns. */
  readonly alsoVisited?: readonly string[]
  /** Environment variables of other programs whose names start like its settings. */
  readonly foreignVariables?: readonly string[]
  /** The addresses of Jira sites and their API, if it connects a team's Jira. */
  readonly jiraUrls?: (settings: ProviderSettings) => { readonly apiUrl: string; readonly resourcesUrl: string }
}

/**
 * What a refused refresh requires: the user must consent again, the operator must fix the configuration, or only time
 * must pass.
 */
export type RefusalMeaning = 'needs_reauthorization' | 'client_config' | 'transient'

/** Alternative names for one scope (`aliases`), and scopes that include others (`holds`). */
export type ScopeNames = {
  readonly aliases?: Readonly<Record<string, string>>
  readonly holds?: Readonly<Record<string, readonly string[]>>
}

/** The provider's limits on a grant, in days: since the last use of its refresh token, and since the consent. */
export type GrantLifetime = { readonly idleDays?: number; readonly absoluteDays?: number }

/** Every scope of the minimum, and for Jira, needs its words in every language. */
export const defineProvider = <const Scope extends string, const JiraScope extends string = never>(
  definition: Definition & {
    readonly scopes: readonly Scope[]
    readonly jiraScopes?: { readonly always: readonly JiraScope[]; readonly usual: readonly JiraScope[] }
    readonly scopeTexts: Readonly<Record<NoInfer<Scope | JiraScope>, ScopeText>>
  },
): Definition => definition

/** One enabled provider, as the rest of the service sees it. */
export type Provider = {
  readonly id: string
  /** The version of its settings; `null` if they are from the environment. */
  readonly version: string | null
  readonly name: string
  /** Where its users see and withdraw permissions, if there is one such place. */
  readonly permissionsUrl: string | null
  /**
   * Namespace of its subjects: the issuer for generic OpenID Connect and for a Google provider with another issuer,
   * otherwise its ID. For a multi-tenant provider it is the issuer template, which no identity has.
   */
  readonly issuer: string
  /**
   * Whether it currently issues subjects in this namespace: its issuer, or that of any allowed tenant. The operator may
   * have changed the issuer, or removed a tenant.
   */
  speaksFor(issuer: string): boolean
  /** The client registration that grants belong to: the client ID, and the endpoints if an administrator chose them. */
  readonly clientId: string
  readonly redirectUris: Readonly<Record<string, string>>
  readonly mark: Mark
  /** Reads the name in the form with which the provider returns the browser; `null` if it redirects instead. */
  readonly formPost: NonNullable<Definition['formPost']> | null
  /** The requested scopes. */
  readonly scopes: readonly string[]
  /** What a scope lets us do, under any of its names; `null` for one that has no words here. */
  scopeText(scope: string): ScopeText | null
  /** Scopes that users can grant later if they want to. */
  readonly optionalScopes: readonly string[]
  /** The scopes for connecting a team's Jira; `null` if the provider cannot do that. */
  readonly jiraScopes: readonly string[] | null
  readonly lifetime: GrantLifetime
  /** The requested scopes that the granted ones do not include, in the requested spelling. */
  missingScopes(asked: readonly string[], granted: readonly string[]): readonly string[]
  readonly emailTrust: EmailTrust
  /** Whether a sign-in with it counts as two factors, or our own second factor is required. */
  readonly secondFactor: SecondFactorTrust
  /** For the `form-action` of our pages; `null` until an OpenID provider has been discovered. */
  authorizeOrigin(): string | null
  /** Further origins for `form-action`: its page redirects there before it returns. */
  readonly alsoVisited: readonly string[]
  /**
   * Whether our permissions can be revoked at the provider. `null` if unknown: an OpenID provider has not been
   * discovered yet, or the endpoint comes only from the operator's settings.
   */
  readonly revokes: boolean | null
}

export type SecondFactorTrust = 'trusted' | 'ask'

/**
 * How the client authenticates at the token and revocation endpoints (RFC 6749 §2.3.1): in the `Authorization` header,
 * or with `client_id` and `client_secret` in the body.
 */
export type TokenAuth = 'basic' | 'post'

/** Also allows `none`: a client without a secret, whose code only PKCE protects. */
export type ClientAuth = TokenAuth | 'none'

/** The client authentication that the operator set; `undefined` if the provider decides. */
export const chosenAuth = ({
  pkce,
  tokenAuth,
}: Pick<ProviderSettings, 'pkce' | 'tokenAuth'>): ClientAuth | undefined =>
  pkce === 'without_secret' ? 'none' : tokenAuth

/**
 * Whether a sign-in with an id_token also needs UserInfo. `required`: it must succeed. `optional`: it may be refused.
 * `off`: it is never called.
 */
export type UserinfoUse = 'required' | 'optional' | 'off'

export type PkceUse = 'required' | 'without_secret' | 'off'

/**
 * Which IP addresses calls to a provider may reach. `public`: none in a private network, because an administrator
 * entered its URLs at run time. The environment is trusted: `any`.
 */
export type Reach = 'public' | 'any'

export type BreakerSettings = {
  /** Total deadline of one call, headers and body together, in milliseconds. */
  readonly timeoutMs: number
  readonly errorThresholdPercent: number
  /** Calls in the window before the breaker may open. */
  readonly volume: number
  /** How long it stays open before a trial call, in milliseconds. */
  readonly resetMs: number
}

/** One enabled provider as configured by the operator. Missing values come from the provider's definition. */
export type ProviderSettings = {
  readonly id: string
  readonly kind: Kind
  readonly name: string
  readonly clientId: string
  /** Empty if the client has none, or if the definition creates it for each call. */
  readonly clientSecret: string
  /** Apple only: the developer team, and the ID and the text (PKCS #8, PEM) of the key that signs client secrets. */
  readonly teamId?: string
  readonly keyId?: string
  readonly privateKey?: string
  /** The client IDs of native apps, whose id_tokens are accepted. */
  readonly appClientIds?: readonly string[]
  readonly scopes?: readonly string[]
  readonly optionalScopes?: readonly string[]
  /** The operator's own words for scopes. They take precedence over those of the definition. */
  readonly scopeTexts?: ScopeTexts
  /** Atlassian only. */
  readonly jiraScopes?: readonly string[]
  /** Registered redirect URIs by key; `default` is always present. The client only sends a key. */
  readonly redirectUris: Readonly<Record<string, string>>
  readonly urls: Readonly<
    Partial<Record<'authorize' | 'token' | 'userinfo' | 'emails' | 'revoke' | 'jwks' | 'api' | 'resources', string>>
  >
  /**
   * OpenID Connect: the issuer to discover from. Google: the issuer its id_tokens must name instead of Google's own.
   */
  readonly issuer?: string
  readonly emailTrust?: EmailTrust
  readonly secondFactor?: SecondFactorTrust
  /** Only users with a verified email address in one of these domains (A-labels) may sign in. */
  readonly emailDomains?: readonly string[]
  /** Google only: only accounts of these Workspace domains (A-labels). */
  readonly hostedDomains?: readonly string[]
  /** GitHub only: only active members of one of these organizations, in lower case. */
  readonly organizations?: readonly string[]
  /** Replaces the default of the provider's kind or of its discovery document. */
  readonly tokenAuth?: TokenAuth
  /** OpenID Connect only: the URL of the discovery document, if it is not below the issuer. */
  readonly discoveryUrl?: string
  /** Slack only: only members of these workspaces, by ID. */
  readonly teams?: readonly string[]
  /** OpenID Connect only: the allowed tenants, where `issuer` is a template for many tenants. */
  readonly tenants?: Tenants
  /** OpenID Connect only: `off` if id_tokens do not repeat the nonce. */
  readonly nonce?: 'required' | 'off'
  /**
   * `without_secret` if the provider accepts PKCE only from clients that send no secret; `off` if it does not support
   * PKCE. `off` together with a nonce that is `off` leaves nothing that binds the code to the browser that started. It
   * is refused, except for a kind that supports neither, if the operator sets it.
   */
  readonly pkce?: PkceUse
  /** Only with id_tokens; `required` by default. */
  readonly userinfo?: UserinfoUse
  readonly breaker: BreakerSettings
  /** `any` if absent. */
  readonly reach?: Reach
  /** Generic OAuth 2.0 only: where to find the values in the userinfo response, as dotted paths. */
  readonly paths?: {
    readonly id: string
    readonly email?: string
    readonly emailVerified?: string
    readonly name?: string
  }
}

/** The result of a refresh at the provider (RFC 6749 §6). `reason` is a short class, never the provider's own text. */
export type RefreshOutcome =
  | { readonly tag: 'refreshed'; readonly tokens: TokenSet }
  /** Try again later; `retryAfter` in seconds, if the provider sent it. */
  | { readonly tag: 'transient'; readonly reason: string; readonly retryAfter?: number }
  /** The grant is no longer valid: only the user can renew it. */
  | { readonly tag: 'needs_reauthorization'; readonly reason: string }
  /** Our client registration is wrong. The operator must fix it; the grant is kept. */
  | { readonly tag: 'client_config'; readonly reason: string }

/** The result of a revocation (RFC 7009, or the provider's own method). An already invalid token counts as revoked. */
export type RevocationOutcome =
  | { readonly tag: 'revoked' }
  | { readonly tag: 'not_supported' }
  | { readonly tag: 'transient'; readonly reason: string; readonly retryAfter?: number }
