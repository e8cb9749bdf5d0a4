import type { Locale } from '../../errors/catalogue.ts'
import type { AuditName, Payload } from '../../events/catalogue.ts'
import { en, type Texts } from './texts.en.ts'
import { ptBR } from './texts.pt-br.ts'

export type { Texts }

/** What an event on the activity page has to tell, as far as its row says so. */
export type EventDetails = {
  readonly provider: string
  /** The title of the error it ended in. */
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
  /** The administrator who did it to somebody else. */
  readonly by: string | undefined
  /** Who did it, where it was done to a member of a team, and to whom, where they did it themselves. */
  readonly doneBy: string | undefined
  readonly member: string | undefined
}
/** Keys and back ends are nobody’s: their rows are on no account’s trail. */
export type EventWords = {
  readonly [N in Exclude<AuditName, 'signing_key.rotated' | `service_credential.${string}`>]:
    | string
    | ((told: EventDetails) => string)
}
export type SessionEndReason = Payload<'session.ended'>['reason']
export type Factor = Payload<'second_factor.added'>['factor']
export type RevocationResult = Payload<'provider_token.revoked'>['result']

/** Both have the same keys: a missing translation does not compile. */
const dictionaries: { readonly [L in Locale]: Texts } = { en, 'pt-BR': ptBR }

export const textsFor = (locale: Locale): Texts => dictionaries[locale]
