/** What administrators see of the providers, and what they send to manage them at run time. */
import type { AppError } from '../errors/catalogue.ts'
import type { ProviderRecord, ProviderVersion } from './ports.ts'
import type { Claims, Provider } from './provider.ts'
import type { DataFault, ProviderData } from './settings.ts'

/** The list of providers contains all of them, on every page that offers them. */
export const mostProviders = 100

/** One version of a provider's settings, without the values of its secrets. */
export type SettingsVersion = Pick<
  ProviderVersion,
  'version' | 'state' | 'settings' | 'author' | 'createdAt' | 'liveAt' | 'triedAt' | 'secretExpiresAt'
> & {
  /** The names of the secret settings that have a value. */
  readonly secrets: readonly string[]
}

/** A provider as administrators see it. */
export type ManagedProvider = {
  readonly id: string
  readonly kind: string
  readonly name: string
  /** Providers from the environment cannot be edited. */
  readonly source: 'environment' | 'database'
  readonly enabled: boolean
  /** `null` for a provider from the environment. */
  readonly record: Pick<
    ProviderRecord,
    'position' | 'revision' | 'version' | 'createdAt' | 'createdBy' | 'updatedAt' | 'updatedBy'
  > | null
  readonly live: SettingsVersion | null
  readonly draft: SettingsVersion | null
  /** Whether users can sign in with it on this node; with its redirect URIs and its state. */
  readonly inUse: Provider | null
  readonly redirectUris: Readonly<Record<string, string>>
}

/** Invalid input, with all errors by field. */
export type InvalidProvider = AppError<'invalid_request'> & { readonly faults: readonly DataFault[] }

export type ManageCode =
  | 'provider_not_found'
  | 'provider_not_editable'
  | 'provider_exists'
  | 'provider_changed'
  | 'provider_secret_required'
  | 'provider_not_tried'
  | 'provider_discovery_failed'
  | 'provider_version_not_found'
  | 'provider_trial_not_found'
  | 'too_many_providers'
/** No provider has this ID, or it is from the environment. */
export type UnknownProvider = AppError<'provider_not_found' | 'provider_not_editable'>

/** What a change contains; a setting that is `null` is removed. */
export type ProviderChange = {
  readonly settings?: Readonly<Record<string, string | null>> | undefined
  readonly position?: number | undefined
  readonly secretExpiresAt?: Date | null | undefined
  /** The revision that the change is based on; absent to change any. */
  readonly revision?: number | undefined
}
export type NewProvider = ProviderData & Pick<ProviderChange, 'position' | 'secretExpiresAt'>

/** What happened when an administrator signed in with a draft. It contains personal data. */
export type Trial = {
  readonly version: number
  readonly by: string
  readonly at: string
} & (
  | { readonly outcome: 'failed'; readonly code: string }
  | {
      readonly outcome: 'signed_in'
      readonly issuer: string
      readonly claims: Claims
      readonly scopes: readonly string[]
      readonly missingScopes: readonly string[]
      /** Whether the email address counts as proven by this provider. */
      readonly isTrusted: boolean
      /** Why this person may not sign in, although the provider works; `null` if they may. */
      readonly restriction: string | null
      /** What a sign-in of this person would do. */
      readonly decision: TrialDecision
    }
)
export type TrialDecision = {
  readonly action: 'login_existing' | 'linked_existing' | 'created_new_user' | 'account_conflict' | 'refused'
  readonly accountId: string | null
  readonly code: string | null
}
