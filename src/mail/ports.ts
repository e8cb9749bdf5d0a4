import type { NoticeName } from '../events/catalogue.ts'
import type { Locale } from '../kernel/locale.ts'
import type { Slice } from '../kernel/take-turns.ts'

/**
 * Messages that are not notices. A user requested them, most contain a secret, or they go to an email address that is
 * not (or no longer) an account's own. Notices are named after their event.
 */
export const messageTemplates = [
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
  'invitation',
] as const
export type MessageTemplate = (typeof messageTemplates)[number]

/** A message in the queue. It is stored in the same transaction as the change it is about. */
export type Mail = {
  readonly id: string
  readonly to: string
  readonly locale: Locale
  readonly template: MessageTemplate | NoticeName
  /** The values for the template; never a secret. */
  readonly params: Readonly<Record<string, string>>
  /** What only the recipient may know (a link's ticket, a code), as JSON, sealed at `mails/<id>/secret`. */
  readonly secret: string | null
  readonly accountId: string | null
  readonly attempts: number
  readonly nextAttemptAt: Date
  readonly lastError: string | null
  readonly createdAt: Date
}

export interface MailStore {
  /** Queues a message on its own. Messages about a change are passed to its store verb (`mails`). */
  post(mail: Mail): Promise<void>
  /**
   * Of the next domains after `after`, those that have due messages. An empty one stands for all messages that an older
   * version queued.
   */
  receivers(at: Date, after: string | null): Promise<Slice>
  /** Takes up to `limit` due messages to a domain for this worker until `until`; no two workers get the same one. */
  take(limit: number, at: Date, until: Date, domain: string): Promise<readonly Mail[]>
  /** Deletes a message that was sent or dropped. */
  finish(id: string): Promise<void>
  retry(id: string, at: Date, error: string): Promise<void>
  backlog(): Promise<number>
}

/** A message to send: rendered, for one recipient. */
export type Message = {
  /** The ID from the queue. The Message-ID derives from it, so that duplicates can be recognized. */
  readonly id: string
  readonly to: string
  readonly locale: Locale
  /** The name it is sent under; `null` for the one in the setting of the sender. */
  readonly sender: string | null
  readonly subject: string
  readonly text: string
  readonly html: string
}

/**
 * The result of sending. `refused`: a retry cannot succeed. `everybody`: the problem is not this message, so others
 * would fail too. A reason is a code or a reply number, never the server's text.
 */
export type Delivery =
  | { readonly tag: 'sent' }
  | { readonly tag: 'transient'; readonly reason: string; readonly everybody: boolean }
  | { readonly tag: 'refused'; readonly reason: string }

/** How messages are sent. `send` never throws. */
export interface Transport {
  send(message: Message): Promise<Delivery>
  /** Messages in progress fail. */
  close(): void
}
