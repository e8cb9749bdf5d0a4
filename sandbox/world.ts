/** The shared state of a sandbox: clock, users, registered applications and settings. */
import type { Registry } from './clients.ts'
import type { Codes } from './codes.ts'
import type { Answer, Endpoint, ProviderRequest } from './exchange.ts'
import type { Grants } from './grants.ts'
import type { Identities } from './identities.ts'
import type { KeyRing } from './keys.ts'
import type { Switches } from './switches.ts'

export type World = {
  /** Without a trailing slash. Known once the server listens. */
  readonly url: string
  readonly now: () => Date
  readonly mode: { as: string; deny: boolean }
  readonly identities: Identities
  readonly registry: Registry
  readonly codes: Codes
  readonly grants: Grants
  readonly switches: Switches
  readonly keys: { readonly google: KeyRing; readonly oidc: KeyRing }
}

export type LookAlike = {
  /** The endpoint of a path, for the journal and faults. */
  endpoint(method: string, path: string): Endpoint
  answer(asked: ProviderRequest): Answer | Promise<Answer>
  /** Rejects this user's refresh tokens (or everyone's) from now on. */
  killRefreshTokens(person?: string): number
  /** Rejects all access tokens issued so far. */
  killAccessTokens(person?: string): number
  reset?(): void
}
