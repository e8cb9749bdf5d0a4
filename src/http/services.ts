import type { Links } from '../accounts/links.ts'
import type { Identity, PersonalData } from '../accounts/ports.ts'
import type { Profiles } from '../accounts/profile.ts'
import type { Users } from '../accounts/users.ts'
import type { ApplicationAccess } from '../applications/access.ts'
import type { Applications } from '../applications/applications.ts'
import type { Documents } from '../applications/documents.ts'
import type { RegistrationMode } from '../applications/policy.ts'
import type { Registrations } from '../applications/registrations.ts'
import type { Subjects } from '../applications/subjects.ts'
import type { AuditStore } from '../audit/ports.ts'
import type { Branding } from '../branding/branding.ts'
import type { Revocations } from '../connections/revocation.ts'
import type { Standing } from '../connections/standing.ts'
import type { ServiceCredentials } from '../credentials/service-credentials.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Flows } from '../flows/flows.ts'
import type { JobStatus } from '../jobs/scheduler.ts'
import type { Clock } from '../kernel/clock.ts'
import type { PasskeyOrigins } from '../kernel/passkey-origins.ts'
import type { Mailbox } from '../mail/transport.ts'
import type { Openid } from '../openid/openid.ts'
import type { ProviderActivities } from '../providers/activity.ts'
import type { Providers } from '../providers/providers.ts'
import type { SignInCodes } from '../sessions/codes.ts'
import type { Devices } from '../sessions/devices.ts'
import type { Keys } from '../sessions/keys.ts'
import type { Tokens } from '../sessions/tokens.ts'
import type { Overview } from '../statistics/overview.ts'
import type { Invitations } from '../teams/invitations.ts'
import type { Teams } from '../teams/teams.ts'

/** What routes call: the flows, and the reading methods of the nouns. */
export type Services = {
  readonly flows: Flows
  readonly profiles: Profiles
  readonly users: Users
  /** All stored data of an account. Reading it is recorded in the account's audit log. */
  readonly personalData: (accountId: string, origin: Origin) => Promise<PersonalData | undefined>
  readonly teams: Teams
  readonly invitations: Invitations
  readonly links: Links
  readonly devices: Devices
  readonly codes: SignInCodes
  readonly tokens: Tokens
  readonly keys: Keys
  readonly providers: Providers
  /** Recent sign-ins with each provider on this node. */
  readonly providerActivity: ProviderActivities
  readonly serviceCredentials: ServiceCredentials
  readonly applications: Applications
  readonly registrations: Registrations
  readonly documents: Documents
  readonly applicationAccess: ApplicationAccess
  readonly subjects: Subjects
  readonly branding: Branding
  /** The OpenID provider, for the routes under `/oauth`. */
  readonly openid: Openid
  /** A person's own activity; `flows.readAsAdministrator` reads that of others. */
  readonly audit: Pick<AuditStore, 'list'>
  /** What a person has granted with an identity, and its state. */
  readonly standing: (of: Pick<Identity, 'provider' | 'issuer' | 'subject' | 'scopes'>) => Promise<Standing>
  /** The revocations of an account that are still waiting. */
  readonly revocationsOf: Revocations['waiting']
  /** The numbers that administrators see first. */
  readonly overview: () => Promise<Overview>
  /** All jobs and their last runs. */
  readonly jobs: () => Promise<readonly JobStatus[]>
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  /** Messages kept for reading during development; `null` if messages are sent, or would be. */
  readonly mailbox: Mailbox | null
  readonly ready: () => Promise<boolean>
  /** Whether `doctor` created this token with a key of this service. */
  readonly acceptsDoctor: (token: string) => boolean
  readonly clock: Clock
  readonly settings: {
    readonly publicUrl: URL
    /** URLs that a sign-in may return to, besides this service. */
    readonly returnToAllowed: readonly URL[]
    /** Apps and sites that may use the passkeys of this host. */
    readonly passkeyOrigins: PasskeyOrigins
    readonly issuer: string
    readonly recentAuthSeconds: number
    /** Whether people may create accounts themselves. */
    readonly canRegister: boolean
    /** The minimum length of a password. */
    readonly passwordLeastLength: number
    /** How long a browser keeps the session cookie. */
    readonly sessionCookieSeconds: number
    /** How long a browser keeps the device cookie. */
    readonly deviceCookieSeconds: number
    readonly flowCookieSeconds: number
    readonly production: boolean
    /** Whether messages can be sent: if not, features that need one are not offered. */
    readonly mail: boolean
    readonly metricsToken: string | null
    readonly trustProxyHops: number
    /** Who may register applications besides administrators. */
    readonly registration: RegistrationMode
    /** Whether the ID of an application may be the URL of a document about it. */
    readonly metadataDocuments: boolean
  }
}
