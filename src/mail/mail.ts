import type { Sealer } from '../kernel/crypto.ts'
import type { Ids } from '../kernel/ids.ts'
import { createAllowance } from './allowance.ts'
import { createMailComposer } from './compose.ts'
import { createMailer } from './mailer.ts'
import { createMailbox, noTransport, type SmtpSettings, smtpTransport } from './transport.ts'

/** Where messages go: to a mail server, to a mailbox for reading during development, or nowhere. */
export type MailSettings =
  | ({ readonly tag: 'smtp' } & SmtpSettings)
  | { readonly tag: 'mailbox' }
  | { readonly tag: 'off' }

type MailParts = Omit<Parameters<typeof createMailer>[0], 'transport'> & {
  readonly ids: Ids
  readonly sealer: Sealer
  readonly settings: MailSettings
  readonly production: boolean
  /** Adds one to the counter of a key, shared by all nodes. */
  readonly hit: Parameters<typeof createAllowance>[0]['hit']
}

/** Everything that writes, limits and sends messages. `mailbox` is `null` if they are sent, or would be. */
export function createMail({ settings, production, hit, ...parts }: MailParts) {
  const { clock } = parts
  const mailbox = settings.tag === 'mailbox' ? createMailbox(clock) : null
  const transport = mailbox ?? (settings.tag === 'smtp' ? smtpTransport(settings, { production }) : noTransport)
  return {
    letter: createMailComposer(parts),
    allowed: createAllowance({ clock, hit }),
    mailbox,
    mailer: createMailer({ ...parts, transport }),
  }
}
