/**
 * What the file of a provider declares about its look-alike, and what the look-alike works with. Everything else in the
 * sandbox derives from these declarations.
 */
import type { Client, Registry } from './clients.ts'
import type { Codes } from './codes.ts'
import type { Answer, Endpoint, ProviderRequest } from './exchange.ts'
import type { Grants } from './grants.ts'
import type { Alg, KeyRing } from './keys.ts'

export type Person = { key: string; name: string; email: string; verified: boolean; title?: string }

/** The users that every sandbox starts with. */
export type ScriptedKey = 'ada' | 'grace' | 'linus' | 'mallory' | 'zoe'

/** A user, with the account at one provider. */
export type Holder<Account> = { readonly key: string; readonly title: string; readonly account: Account }

/** The switches that every look-alike has. */
export type CommonSwitches = {
  /** Scopes that the user unticks on the consent page, e.g. `email`. */
  unticked: string[]
}

/** The state of one look-alike. Other providers cannot be reached from it. */
export type Place<Account, Switches = object> = {
  /** Without a trailing slash, and with the prefix of the provider. Known once the server listens. */
  readonly url: string
  /** The first segment of its paths, with a slash. */
  readonly prefix: string
  readonly label: string
  readonly now: () => Date
  readonly mode: Readonly<{ as: string; deny: boolean }>
  readonly switches: Switches & CommonSwitches
  readonly client: Client
  readonly registry: Registry
  readonly codes: Codes
  readonly grants: Grants
  readonly keys: KeyRing
  /** The algorithm of its id_tokens. */
  alg(): Alg
  readonly people: {
    /** Every user with an account here. */
    all(): Holder<Account>[]
    /** `account` is undefined if the user has none here. */
    get(key: string): Holder<Account | undefined> | undefined
    /** Finds a user by key, or by what `login_hint` allows here. */
    hinted(hint: string): Holder<Account | undefined> | undefined
    bySubject(subject: string): Account | undefined
    subjectOf(key: string): string | undefined
  }
}

export type Behavior = {
  answer(request: ProviderRequest): Answer | Promise<Answer>
  /** Rejects this user's refresh tokens (or everyone's) from now on. Without it, those in `grants` are rejected. */
  killRefreshTokens?(person?: string): number
  /** Rejects all access tokens issued so far. */
  killAccessTokens?(person?: string): number
  reset?(): void
}

// The type of a method, whose parameters are bivariant: a look-alike can stand for any other.
type Change<Account> = { of(account: Account, person: Person): Account }['of']

export type LookAlike<Account, Switches = object> = {
  /** How the consent page names it. */
  readonly label: string
  /** The service's ID for it: the `:provider` in its callback path. By default its name in the sandbox. */
  readonly id?: string
  /** The setting of the service that lists its ID, if its kind has many providers. */
  readonly listedIn?: 'OIDC_PROVIDERS' | 'OAUTH2_PROVIDERS'
  /** The application registered there. The secret is a constant of the sandbox, and not valid anywhere else. */
  readonly client: Client
  /**
   * The paths of its endpoints, below its prefix. Each is also a setting of the service (`<ID>_TOKEN_URL`), unless the
   * service discovers them.
   */
  readonly paths: Readonly<Partial<Record<Endpoint, string>> & Record<'authorize' | 'token', string>>
  readonly isDiscovered?: true
  /** The endpoint of any other path, for the journal and faults. */
  endpoint?(method: string, path: string): Endpoint | undefined
  /**
   * Its other settings in the service, without the prefix of its ID; `null` removes one. `url` is the base URL of the
   * look-alike.
   */
  settings?(url: string): Readonly<Record<string, string | null>>
  /** The client secret of a request at this time, if the client signs it. The secret of `client` is then its key. */
  signSecret?(at: Date): Promise<string>
  /** What a client sends to the authorization endpoint besides the parameters of RFC 6749 and PKCE. */
  readonly authorizeParams: Readonly<Record<string, string>>
  /** Whether it issues refresh tokens at all. */
  readonly hasRefreshTokens?: false
  /** Whether its access tokens expire; they do by default. */
  readonly tokensExpire?: false
  /** Whether it accepts a code verifier together with a client secret; it does by default. */
  readonly usesPkce?: false
  /** Its error code for a user who declines; `access_denied` by default. */
  readonly denial?: string
  /** The account of an ordinary user. */
  account(person: Person): Account
  /** What is special about the scripted users here. */
  readonly people?: Readonly<Partial<Record<ScriptedKey, Change<Account>>>>
  subject(account: Account): string
  /** What `login_hint` allows, besides the subject. */
  hints?(account: Account): readonly (string | undefined)[]
  /** Its own switches between behaviors that are all real, with their values at the start. */
  switches?(): Switches
  /** The algorithm of its id_tokens; RS256 by default. */
  alg?(switches: Switches): Alg
  /** Requests to the sandbox's own API that only this provider has, by route (`POST /sites`). */
  controls?(place: Place<Account, Switches>): Readonly<Record<string, (body: Record<string, unknown>) => Answer>>
  create(place: Place<Account, Switches>): Behavior
}
