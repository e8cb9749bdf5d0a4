import type OAuth2Strategy from 'passport-oauth2'
import type { Result } from '../kernel/result.ts'
import type { Tenants } from '../kernel/tenant-issuer.ts'
import type { Failure } from './calls/failure.ts'
import type { Guard } from './calls/guard.ts'

/** What any provider tells us about a person, whatever its own words for it. */
export type Claims = {
  /** Stable at the provider, always text: Google's has 21 digits and would not survive `Number()`. */
  readonly subject: string
  readonly email: string | null
  /** The provider says so. Whether we believe it is `EmailTrust`. */
  readonly emailVerified: boolean
  /** The provider runs the mailbox itself, so its word is proof (Google: gmail.com, or a hosted domain). */
  readonly emailAuthoritative: boolean
  /** Further addresses the provider has verified (GitHub). They find accounts; a new account takes `email` alone. */
  readonly otherEmails?: readonly string[]
  /** The Google Workspace domain the account belongs to, by Google's own word (`hd`). */
  readonly hostedDomain?: string
  /** Where the operator admits members alone: what the provider says about that. */
  readonly memberships?: Memberships
  readonly name: string | null
  readonly picture: string | null
}

/** Of the organizations in the settings: those the person is an active member of, and whether any would not say. */
export type Memberships = { readonly memberOf: readonly string[]; readonly hidden: boolean }

/** Whose word about an e-mail address is believed: see `contract.md`, Accounts and reconciliation. */
export type EmailTrust = 'authoritative' | 'verified' | 'never'

export const endpointTypes = ['token', 'userinfo', 'revoke', 'discovery', 'jwks', 'api'] as const
export type EndpointType = (typeof endpointTypes)[number]

/**
 * Asked with one person's token: whatever such an endpoint says may be that person's doing, and is no word about
 * anybody else.
 */
export const isPersonal = (endpoint: EndpointType): boolean => endpoint === 'userinfo' || endpoint === 'api'

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
  /** When the refresh token dies whatever we do, if the provider said. */
  readonly refreshExpiresAt: Date | null
}

/** Of the tokens, what is kept: an id_token has done its work once it is checked. */
export type GrantTokens = Omit<TokenSet, 'idToken'>

/** Who came back from a provider, and what they let us do there. */
export type Grant = {
  readonly provider: string
  /** Namespace of the subject: the issuer that the id_token proved, the provider's id elsewhere. */
  readonly issuer: string
  /** The app registration at the provider under which the tokens were made. */
  readonly clientId: string
  readonly claims: Claims
  readonly tokens: GrantTokens
  /** What the person was asked for. */
  readonly asked: readonly string[]
}

/** A profile as the Passport strategies of this family hand it over; `_json` is the provider's own answer. */
export type Profile = {
  readonly id: string
  readonly displayName?: string
  readonly username?: string
  readonly photos?: readonly { value: string }[]
  /** The answer as a JWT that nobody has verified yet; `_json` is empty then. */
  readonly jwt?: string
  readonly emails?: readonly { value: string; primary?: boolean; verified?: boolean }[]
  readonly _json: Readonly<Record<string, unknown>>
}

/** Why a provider’s answer names nobody who may sign in: a class for the log, never the provider’s own text. */
export type Unreadable = { readonly unreadable: 'no_subject' | 'account_not_active' | 'not_a_person' }

/** What somebody is sent to a provider for: to sign in, to link it to their account, to connect a team with it. */
export type Intent = 'login' | 'link' | 'connect'

/** What they are asked at the provider: also for more, with a sign-in they have already. `hint` names that one's subject. */
export type Asking = { readonly intent: Intent | 'extend'; readonly hint?: string }

/** Where one provider is reached, once that is known: from its definition, from the operator, or discovered. */
export type Endpoints = {
  readonly authorize: string
  readonly token: string
  /** `null` when an OpenID provider has none, or is not to be asked: then its id_token says all there is. */
  readonly userinfo: string | null
  readonly emails: string | null
  readonly revoke: string | null
  readonly jwks: string | null
  readonly clientAuth: ClientAuth
  /** Whether the callback must carry `iss` (RFC 9207 §2.4). */
  readonly issRequired: boolean
  /** The methods of client authentication that a discovery document lists, in its own words. */
  readonly offeredAuth?: readonly string[]
}

/**
 * What a definition gets to build its Passport strategy with; everything about state, PKCE and transport is settled.
 */
export type StrategyParts = {
  readonly options: OAuth2Strategy.StrategyOptions
  readonly endpoints: Endpoints
  readonly scopes: readonly string[]
}
/** With five parameters: passport-oauth2 counts them, and only so passes what the token endpoint said. */
export type Verify = (
  accessToken: string,
  refreshToken: string | undefined,
  answer: object,
  profile: unknown,
  done: OAuth2Strategy.VerifyCallback,
) => void

export type MembershipParts = {
  readonly guard: Guard
  readonly settings: ProviderSettings
  readonly accessToken: string
}

/** One kind of provider in full: data, and one pure reader of its profile. */
export type Definition = {
  readonly kind: ProviderSettings['kind']
  /** The least that signs somebody in. */
  readonly scopes: readonly string[]
  readonly emailTrust: EmailTrust
  readonly endpoints: (settings: ProviderSettings) => Partial<Endpoints>
  readonly strategy: (parts: StrategyParts, verify: Verify) => OAuth2Strategy
  readonly claims: (profile: Profile, settings: ProviderSettings) => Claims | Unreadable
  /** Asks which of the organizations in the settings somebody belongs to; called only where there are any. */
  readonly memberships?: (parts: MembershipParts) => Promise<Result<Memberships, Failure>>
  /** Parameters of its own on the authorization request. */
  readonly ask?: (asking: Asking, settings: ProviderSettings) => Readonly<Record<string, string>>
  /** Headers of its own on GET requests. */
  readonly headers?: Readonly<Record<string, string>>
  /** For providers that speak OpenID Connect. */
  readonly openid?: {
    /** The spellings of its `iss`. */
    readonly issuers: (settings: ProviderSettings) => readonly string[]
    /** Namespace of its subjects: see `Provider.issuer`. */
    readonly namespace: (settings: ProviderSettings) => string
    /** Whether `openid` is asked for whatever the operator sets, and everything else is discovered from the issuer. */
    readonly required: boolean
  }
  /** Its scopes' other names, and those that hold others within them. */
  readonly scopeNames?: ScopeNames
  /** Whether an empty `scope` beside this access token means that nothing was granted; elsewhere it says nothing. */
  readonly grantsNothing?: (accessToken: string) => boolean
  /** What connecting a team's Jira asks for: what it cannot do without, and the rest unless the operator says otherwise. */
  readonly jiraScopes?: { readonly always: readonly string[]; readonly usual: readonly string[] }
  /** How long its grants live. */
  readonly lifetime?: GrantLifetime
  /** What its own error codes mean for a refresh, where they differ from RFC 6749 §5.2. */
  readonly refusals?: Readonly<Record<string, Refusal>>
  /** With what it refuses a code that it never issued, beside `invalid_grant`, once the client has proved itself. */
  readonly unknownCode?: string
  /** How a token is taken back; `none` of these when it has no endpoint. */
  readonly revocation: 'google' | 'github' | 'rfc7009'
}

/** What a refused refresh asks of us: the person must consent again, or the operator must mend the configuration. */
export type Refusal = 'needs_reauthorization' | 'client_config'

/** How a provider spells one scope in two ways (`aliases`), or answers one that stands for several (`holds`). */
export type ScopeNames = {
  readonly aliases?: Readonly<Record<string, string>>
  readonly holds?: Readonly<Record<string, readonly string[]>>
}

/** The provider's own clocks over a grant, in days: since its refresh token was last used, and since the consent. */
export type GrantLifetime = { readonly idleDays?: number; readonly absoluteDays?: number }

export const defineProvider = (definition: Definition): Definition => definition

/** One enabled provider, as everybody else knows it. */
export type Provider = {
  readonly id: string
  readonly name: string
  readonly kind: ProviderSettings['kind']
  /**
   * Namespace of its subjects: the issuer for generic OpenID Connect and for a Google that is not Google, its id
   * elsewhere. For a provider of many tenants it is the template of their issuers, and no identity has it.
   */
  readonly issuer: string
  /**
   * Whether a subject of this issuer is one of its own, today: of its issuer, or of any tenant whose people may come. An
   * operator may have moved it to another issuer, or taken a tenant off the list.
   */
  speaksFor(issuer: string): boolean
  readonly clientId: string
  readonly redirectUris: Readonly<Record<string, string>>
  /** What is asked for. */
  readonly scopes: readonly string[]
  /** What people may grant on top of that, later and if they want to. */
  readonly optionalScopes: readonly string[]
  /** What connecting a team's Jira asks for; `null` where that cannot be done. */
  readonly jiraScopes: readonly string[] | null
  readonly lifetime: GrantLifetime
  /** Which of the scopes asked for are not within the granted ones, in the spelling they were asked for. */
  missingScopes(asked: readonly string[], granted: readonly string[]): readonly string[]
  readonly emailTrust: EmailTrust
  /** Whether a sign-in with it counts as one with a second factor, or is asked for ours. */
  readonly secondFactor: SecondFactorTrust
  /** For the `form-action` of our pages; `null` while an OpenID provider was not discovered yet. */
  authorizeOrigin(): string | null
  /**
   * Whether our permission can be taken back there. `null` while that is not known: an OpenID provider was not discovered
   * yet, or only the operator says that there is an endpoint for it.
   */
  readonly revokes: boolean | null
}

export type { OAuth2Strategy }

export type SecondFactorTrust = 'trusted' | 'ask'

/**
 * How the client proves itself at the token and revocation endpoints (RFC 6749 §2.3.1): in the `Authorization` header, or
 * with `client_id` and `client_secret` in the body.
 */
export type TokenAuth = 'basic' | 'post'

/** The same, or `none`: a client without a secret, whose code only PKCE protects. */
export type ClientAuth = TokenAuth | 'none'

/** How the operator lets the client prove itself; `undefined` where the provider decides. */
export const chosenAuth = ({
  pkce,
  tokenAuth,
}: Pick<ProviderSettings, 'pkce' | 'tokenAuth'>): ClientAuth | undefined =>
  pkce === 'without_secret' ? 'none' : tokenAuth

/**
 * Whether a sign-in needs the UserInfo endpoint, where an id_token came: it must answer, it may refuse, or it is never
 * called.
 */
export type UserinfoUse = 'required' | 'optional' | 'off'

export type PkceUse = 'required' | 'without_secret' | 'off'

export type BreakerSettings = {
  /** Total deadline of one call, headers and body together, in milliseconds. */
  readonly timeoutMs: number
  readonly errorThresholdPercent: number
  /** Calls in the window before the breaker may open. */
  readonly volume: number
  /** How long it stays open before one call may try again, in milliseconds. */
  readonly resetMs: number
}

/** One enabled provider as the operator configured it; what is absent falls back to the provider's own definition. */
export type ProviderSettings = {
  readonly id: string
  readonly kind: 'google' | 'github' | 'atlassian' | 'oidc' | 'oauth2'
  readonly name: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scopes?: readonly string[]
  readonly optionalScopes?: readonly string[]
  /** Atlassian only. */
  readonly jiraScopes?: readonly string[]
  /** Registered redirect URIs by key; `default` is always there. The client only ever names a key. */
  readonly redirectUris: Readonly<Record<string, string>>
  readonly urls: Readonly<
    Partial<Record<'authorize' | 'token' | 'userinfo' | 'emails' | 'revoke' | 'jwks' | 'api' | 'resources', string>>
  >
  /** For OpenID Connect, everything else is discovered from it. For Google, what its id_tokens must name instead. */
  readonly issuer?: string
  readonly emailTrust?: EmailTrust
  readonly secondFactor?: SecondFactorTrust
  /** Only people with a verified address in one of these domains (A-labels) may sign in. */
  readonly emailDomains?: readonly string[]
  /** Google only: only accounts of these Workspace domains (A-labels). */
  readonly hostedDomains?: readonly string[]
  /** GitHub only: only active members of one of these organizations, in lower case. */
  readonly organizations?: readonly string[]
  /** In place of what the provider's kind does, or its discovery document says. */
  readonly tokenAuth?: TokenAuth
  /** OpenID Connect only: where its document is, if not below the issuer. */
  readonly discoveryUrl?: string
  /** OpenID Connect only: whose people may come, where `issuer` is a template for those of many tenants. */
  readonly tenants?: Tenants
  /** OpenID Connect only: `off` where id_tokens do not repeat it. */
  readonly nonce?: 'required' | 'off'
  /**
   * `without_secret` where a provider takes PKCE only from clients that send no secret, `off` where it takes none. Never
   * `off` beside a nonce that is `off`: nothing would bind a code to the browser that began.
   */
  readonly pkce?: PkceUse
  /** Only where there are id_tokens; `required` by default. */
  readonly userinfo?: UserinfoUse
  readonly breaker: BreakerSettings
  /** Generic OAuth 2.0 only: where the userinfo answer keeps what we need, as dotted paths. */
  readonly paths?: {
    readonly id: string
    readonly email?: string
    readonly emailVerified?: string
    readonly name?: string
  }
}

/** What became of a refresh at the provider (RFC 6749 §6). `reason` is a short class, never the provider's own text. */
export type Refreshed =
  | { readonly tag: 'refreshed'; readonly tokens: TokenSet }
  /** Try again later; `retryAfter` in seconds, if the provider said. */
  | { readonly tag: 'transient'; readonly reason: string; readonly retryAfter?: number }
  /** The grant is dead: only the person can renew it. */
  | { readonly tag: 'needs_reauthorization'; readonly reason: string }
  /** Our registration is wrong: an operator's matter, and no reason to drop the grant. */
  | { readonly tag: 'client_config'; readonly reason: string }

/** What became of a revocation (RFC 7009, or the provider's own way). A token already dead counts as revoked. */
export type Revoked =
  | { readonly tag: 'revoked' }
  | { readonly tag: 'not_supported' }
  | { readonly tag: 'transient'; readonly reason: string; readonly retryAfter?: number }
