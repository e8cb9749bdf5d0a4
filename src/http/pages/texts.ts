import type { StandardScope } from '../../applications/policy.ts'
import type { Locale } from '../../errors/catalogue.ts'
import type { AuditName, Payload } from '../../events/catalogue.ts'
import { en, type Texts } from './texts.en.ts'
import { ptBR } from './texts.pt-br.ts'

export type { Texts }

/** What the activity page needs of an event, as far as its row has it. */
export type EventDetails = {
  readonly provider: string
  /** The title of its error. */
  readonly why: string | undefined
  /** How many there were, if the entry counts them. */
  readonly attempts: number
  readonly intent: string | undefined
  readonly how: string | undefined
  readonly purpose: string | undefined
  readonly action: string | undefined
  readonly result: string | undefined
  readonly reason: string | undefined
  readonly role: string
  readonly factor: string
  /** The administrator who did it to another account. */
  readonly by: string | undefined
  /** Who did it to a member of a team; or to whom the member did it. */
  readonly doneBy: string | undefined
  readonly member: string | undefined
}
/** What administrators do to providers and applications. */
type ProviderChange = 'created' | 'updated' | 'went_live' | 'enabled' | 'disabled' | 'deleted'
type RegistrationEvent = `application.${
  | 'created'
  | 'updated'
  | 'disabled'
  | 'enabled'
  | 'deleted'
  | 'secret_rotated'
  | 'secret_ended'
  | 'refused'}`
/** Keys, back ends, providers and applications belong to no account, so their entries are in no account's activity. */
type OperatorEvent = Extract<
  AuditName,
  | 'signing_key.rotated'
  | `service_credential.${string}`
  | `provider.${ProviderChange}`
  | RegistrationEvent
  | 'branding.updated'
>
/** Who reads: the person whom a text is about, or an administrator, who reads about others. */
export type Audience = 'person' | 'administrator'
type ForBoth<T> = { readonly [A in Audience]: T }
/** What an application may do for a person, in both forms: a missing one does not compile. */
export type ApplicationScopeTexts = {
  readonly standard: { readonly [S in StandardScope]: ForBoth<string> }
  readonly other: ForBoth<(scope: string) => string>
  readonly resource: ForBoth<(resource: string) => string>
}
type EventText = string | ((told: EventDetails) => string)
export type EventWords = { readonly [N in Exclude<AuditName, OperatorEvent>]: EventText }
/** The sentences of the audit log that are not those of a person's own activity. */
export type AuditWords = { readonly [N in OperatorEvent]: EventText } & Partial<EventWords>
export type SessionEndReason = Payload<'session.ended'>['reason']
export type Factor = Payload<'second_factor.added'>['factor']
export type RevocationResult = Payload<'provider_token.revoked'>['result']

/** Both have the same keys: a missing translation does not compile. */
const dictionaries: { readonly [L in Locale]: Texts } = { en, 'pt-BR': ptBR }

export const textsFor = (locale: Locale): Texts => dictionaries[locale]
