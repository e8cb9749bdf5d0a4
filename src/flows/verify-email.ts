import type { AddressStore } from '../credentials/ports.ts'
import type { Tickets } from '../credentials/tickets.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import type { Clock } from '../kernel/clock.ts'
import { readEmail } from '../kernel/email.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Allowance } from '../mail/allowance.ts'
import type { ComposeMail } from '../mail/compose.ts'

/** What every flow that begins with an email needs. */
export type MailParts = {
  addresses: AddressStore
  tickets: Tickets
  letter: ComposeMail
  /** Whether another email of this kind may go to this address. */
  allowed: Allowance
  clock: Clock
  /** Whether email is configured. */
  mail: boolean
  /** An email message was queued. */
  wakeMail: () => void
}

/** When an email's ticket expires. The email states it, and is not sent later. */
export const until = ({ row }: { row: { expiresAt: Date } }): { expires_at: string } => ({
  expires_at: row.expiresAt.toISOString(),
})

/** Verifies the address of an account: the reader of its mailbox must be signed in to that account. */
export function verifyEmail({ addresses, tickets, letter, allowed, clock, mail, wakeMail }: MailParts) {
  return {
    /** Sends the link again. Sends nothing if there is nothing to verify. */
    async ask(
      { id: accountId, email: to, emailVerified, locale }: Account,
      origin: Origin,
    ): Promise<Result<null, AppError<'mail_not_configured'>>> {
      if (!mail) return fail('mail_not_configured')
      const email = to === null ? undefined : readEmail(to)
      if (to === null || !email || emailVerified || !(await allowed('verify_email', email.key))) return ok(null)
      const made = tickets.make('verify_email', { accountId, email: to })
      const written = { template: 'verify_email', to, accountId, locale: locale ?? origin.locale ?? 'en' } as const
      await addresses.send(
        made,
        [letter({ ...written, params: until(made), secret: { ticket: made.secret } })],
        [{ name: 'account.email_verification_requested', accountId, origin, data: {} }],
      )
      wakeMail()
      return ok(null)
    },

    /** Whether a link is still valid. Checking does not use it up, since mail scanners follow links. */
    looks: async (secret: string, accountId: string): Promise<'good' | 'not_yours' | 'over'> => {
      const ticket = await tickets.find('verify_email', secret)
      return !ticket ? 'over' : ticket.accountId === accountId ? 'good' : 'not_yours'
    },

    /**
     * Only for the account of the ticket. Otherwise another reader of the mailbox would verify a stranger's
     * registration with a click.
     */
    async confirm(
      secret: string,
      accountId: string,
      origin: Origin,
    ): Promise<Result<null, AppError<'ticket_invalid'>>> {
      const ticket = await tickets.find('verify_email', secret)
      if (ticket?.accountId !== accountId) return fail('ticket_invalid')
      const verified = await addresses.verify(ticket, clock(), [
        { name: 'account.email_verified', accountId, origin, data: { provider: 'email' } },
      ])
      return verified ? ok(null) : fail('ticket_invalid')
    },
  }
}
export type VerifyEmail = ReturnType<typeof verifyEmail>
