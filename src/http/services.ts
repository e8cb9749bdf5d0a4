import type { Links } from '../accounts/links.ts'
import type { Identity, PersonalData } from '../accounts/ports.ts'
import type { Profiles } from '../accounts/profile.ts'
import type { Users } from '../accounts/users.ts'
import type { AuditStore } from '../audit/ports.ts'
import type { Revocations } from '../connections/revocation.ts'
import type { Standing } from '../connections/standing.ts'
import type { ServiceCredentials } from '../credentials/service-credentials.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Flows } from '../flows/flows.ts'
import type { JobStatus } from '../jobs/scheduler.ts'
import type { Clock } from '../kernel/clock.ts'
import type { PasskeyOrigins } from '../kernel/passkey-origins.ts'
import type { Mailbox } from '../mail/transport.ts'
import type { Providers } from '../providers/providers.ts'
import type { SignInCodes } from '../sessions/codes.ts'
import type { Devices } from '../sessions/devices.ts'
import type { Keys } from '../sessions/keys.ts'
import type { Tokens } from '../sessions/tokens.ts'
import type { Invitations } from '../teams/invitations.ts'
import type { Teams } from '../teams/teams.ts'

/** What the routes speak to: the verbs, and the reading methods of the nouns. */
export type Services = {
  readonly flows: Flows
  readonly profiles: Profiles
  readonly users: Users
  /** Everything stored about an account; that it was taken is told on its trail. */
  readonly personalData: (accountId: string, origin: Origin) => Promise<PersonalData | undefined>
  readonly teams: Teams
  readonly invitations: Invitations
  readonly links: Links
  readonly devices: Devices
  readonly codes: SignInCodes
  readonly tokens: Tokens
  readonly keys: Keys
  readonly providers: Providers
  readonly serviceCredentials: ServiceCredentials
  /** What people read about themselves; `flows.readAsAdministrator` reads about others. */
  readonly audit: Pick<AuditStore, 'list'>
  /** What an identity's person granted, and how it stands. */
  readonly standing: (of: Pick<Identity, 'provider' | 'issuer' | 'subject' | 'scopes'>) => Promise<Standing>
  /** What of an account's waits to be revoked at providers. */
  readonly revocationsOf: Revocations['waiting']
  /** Every job there is, and how it last went. */
  readonly jobs: () => Promise<readonly JobStatus[]>
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  /** Letters kept to be read; `null` where they leave, or would. */
  readonly mailbox: Mailbox | null
  readonly ready: () => Promise<boolean>
  /** Whether `doctor` made this token with a key of this service. */
  readonly acceptsDoctor: (token: string) => boolean
  readonly clock: Clock
  readonly settings: {
    readonly publicUrl: URL
    /** Where a sign-in may return to, beside this service. */
    readonly returnToAllowed: readonly URL[]
    /** Apps and sites that may use the passkeys of this host. */
    readonly passkeyOrigins: PasskeyOrigins
    readonly issuer: string
    readonly recentAuthSeconds: number
    /** Whether people may open accounts by themselves. */
    readonly canRegister: boolean
    /** Fewest characters of a password. */
    readonly passwordLeastLength: number
    /** How long a browser keeps the session cookie. */
    readonly sessionCookieSeconds: number
    /** How long a browser keeps what it is known by. */
    readonly deviceCookieSeconds: number
    readonly flowCookieSeconds: number
    readonly production: boolean
    /** Whether letters can leave: without, nothing that needs one is offered. */
    readonly mail: boolean
    readonly metricsToken: string | null
    readonly trustProxyHops: number
  }
}
