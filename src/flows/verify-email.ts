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

/** What every story that begins with a letter is told with. */
export type MailParts = {
  addresses: AddressStore
  tickets: Tickets
  letter: ComposeMail
  /** Whether another letter of this kind may go to an address. */
  allowed: Allowance
  clock: Clock
  /** Whether there is a way for letters to leave. */
  mail: boolean
  /** There is a new letter in the queue. */
  wakeMail: () => void
}

/** Until when a letter's ticket is good: told in it, and not sent any later. */
export const until = ({ row }: { row: { expiresAt: Date } }): { expires_at: string } => ({
  expires_at: row.expiresAt.toISOString(),
})

/** An account's own address is proven by whoever reads the mail sent there and is signed in to that account. */
export function verifyEmail({ addresses, tickets, letter, allowed, clock, mail, wakeMail }: MailParts) {
  return {
    /** Sends the link once more. Nothing is sent where there is nothing to prove. */
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

    /** Whether a link is still good for whoever follows it. Looking uses nothing up: mail scanners follow links. */
    looks: async (secret: string, accountId: string): Promise<'good' | 'not_yours' | 'over'> => {
      const ticket = await tickets.find('verify_email', secret)
      return !ticket ? 'over' : ticket.accountId === accountId ? 'good' : 'not_yours'
    },

    /**
     * By the ticket's own account alone: whoever else reads that mail would otherwise prove a stranger's registration
     * with a click.
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
