import type { NoticeName } from '../events/catalogue.ts'
import type { Locale } from '../kernel/locale.ts'

/**
 * Letters that are no notices: those somebody asked for, most with a secret in them, and those to an address that is not
 * (or no longer) an account's own. Every other one is named as the fact it tells.
 */
export const letters = [
  'verify_email',
  'change_email',
  'email_change_requested',
  'email_changed',
  'address_taken',
  'address_claimed',
  'reset_password',
  'sign_in',
  'no_account',
  'team_invitation',
] as const
export type Letter = (typeof letters)[number]

/** A message that waits to be sent. It is written down with the change it is about, so that neither is without the other. */
export type Mail = {
  readonly id: string
  readonly to: string
  readonly locale: Locale
  readonly template: Letter | NoticeName
  /** What fills the template; never a secret. */
  readonly params: Readonly<Record<string, string>>
  /** What only its reader may know (a link's ticket, a code) as JSON, sealed at `mails/<id>/secret`. */
  readonly secret: string | null
  readonly accountId: string | null
  readonly attempts: number
  readonly nextAttemptAt: Date
  readonly lastError: string | null
  readonly createdAt: Date
}

export interface MailStore {
  /** Puts one into the queue by itself; what belongs to a change goes with it (`mails` of its verb). */
  post(mail: Mail): Promise<void>
  /**
   * Takes up to `limit` due ones for this worker until `until`, but none to these `domains`; two workers never hold the
   * same one.
   */
  take(limit: number, at: Date, until: Date, domains?: readonly string[]): Promise<readonly Mail[]>
  /** Sent, or given up: erased. */
  finish(id: string): Promise<void>
  retry(id: string, at: Date, error: string): Promise<void>
  backlog(): Promise<number>
}

/** A letter as it goes out: rendered, and addressed to one reader. */
export type Message = {
  /** The queue's: it makes the Message-ID, so that one sent twice can be recognised. */
  readonly id: string
  readonly to: string
  readonly locale: Locale
  readonly subject: string
  readonly text: string
  readonly html: string
}

/**
 * What came of it. `refused`: no later try will do better. `everybody`: it is not about this letter, the next one would
 * fare the same. A reason is a code or a reply's number, never its text.
 */
export type Delivery =
  | { readonly tag: 'sent' }
  | { readonly tag: 'transient'; readonly reason: string; readonly everybody: boolean }
  | { readonly tag: 'refused'; readonly reason: string }

/** How letters leave. Sending never throws. */
export interface Transport {
  send(message: Message): Promise<Delivery>
  close(): void
}
