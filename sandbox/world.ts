/** What the look-alikes of one sandbox share: its clock, its people, its registered applications, and what it was told to do. */
import type { Registry } from './clients.ts'
import type { Codes } from './codes.ts'
import type { Answer, Asked, Endpoint } from './exchange.ts'
import type { Grants } from './grants.ts'
import type { Identities } from './identities.ts'
import type { KeyRing } from './keys.ts'
import type { Switches } from './switches.ts'

export type World = {
  /** Without a trailing slash; known once the server listens. */
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
  /** Which endpoint a path is, for the journal and for faults. */
  endpoint(method: string, path: string): Endpoint
  answer(asked: Asked): Answer | Promise<Answer>
  /** Refuse this person's refresh tokens (everybody's without one) from now on. */
  killRefreshTokens(person?: string): number
  /** Refuse access tokens handed out so far. */
  killAccessTokens(person?: string): number
  reset?(): void
}
