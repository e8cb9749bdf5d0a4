import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import { type Email, readEmail } from '../kernel/email.ts'
import { ok, type Result } from '../kernel/result.ts'
import { type MailParts, until } from './verify-email.ts'

/** Changes the email address: requested here, verified in the new mailbox, and only then stored. */
export function changeEmail({ addresses, tickets, letter, allowed, clock, mail, wakeMail }: MailParts) {
  return {
    /**
     * Emails the new address, and informs the old one. If another account has verified the new address, its user gets
     * an email as well, and the caller learns nothing. An unverified claim is no obstacle: verifying the address ends
     * it.
     */
    async ask(account: Account, wanted: Email, origin: Origin): Promise<Result<null, AppError<'mail_not_configured'>>> {
      if (!mail) return fail('mail_not_configured')
      const { id: accountId } = account
      const locale = account.locale ?? origin.locale ?? 'en'
      if (!(await allowed('change_email', wanted.key))) return ok(null)
      const holders = await addresses.holders(wanted.key)
      const owner = holders.find((holder) => holder.verified && holder.accountId !== accountId)
      const made = tickets.make('change_email', { accountId, email: wanted.address })
      const there = owner
        ? letter({ template: 'address_taken', to: owner.address, locale: owner.locale ?? locale })
        : letter({
            template: 'change_email',
            to: wanted.address,
            locale,
            accountId,
            params: until(made),
            secret: { ticket: made.secret },
          })
      // An unverified address may belong to someone else, so it is not informed.
      const here =
        account.emailVerified && account.email !== null && (await allowed('email_change_requested', accountId))
          ? [
              letter({
                template: 'email_change_requested',
                to: account.email,
                locale,
                accountId,
                params: { new_address: wanted.address },
              }),
            ]
          : []
      // Stored even if the address is taken, although nobody gets its link. Otherwise the end of an older link, or the
      // request in the caller's own data, would reveal that the address is free.
      await addresses.send(
        made,
        [there, ...here],
        [{ name: 'account.email_change_requested', accountId, origin, data: {} }],
      )
      wakeMail()
      return ok(null)
    },

    /** What following the link would do. */
    async looks(secret: string, accountId: string): Promise<{ address: string } | 'not_yours' | 'over'> {
      const ticket = await tickets.find('change_email', secret)
      if (!ticket || ticket.email === null) return 'over'
      return ticket.accountId === accountId ? { address: ticket.email } : 'not_yours'
    },

    /** Requires the account that requested the change, signed in: the email alone is not enough. */
    async confirm(
      secret: string,
      who: { readonly accountId: string; readonly sessionId: string },
      origin: Origin,
    ): Promise<Result<null, AppError<'ticket_invalid'>>> {
      const { accountId, sessionId } = who
      const ticket = await tickets.find('change_email', secret)
      const email = ticket?.email == null ? undefined : readEmail(ticket.email)
      if (!ticket || !email || ticket.accountId !== accountId) return fail('ticket_invalid')
      const locale = origin.locale ?? 'en'
      const changed = await addresses.change(
        ticket,
        { keepSession: sessionId, at: clock() },
        [{ name: 'account.email_changed', accountId, origin, data: {} }],
        (before) => {
          const params = { old_address: before.email ?? '—', new_address: email.address }
          const told = { template: 'email_changed', locale, accountId, params } as const
          return [
            letter({ ...told, to: email.address }),
            ...(before.verified && before.email !== null ? [letter({ ...told, to: before.email })] : []),
          ]
        },
      )
      if (!changed) return fail('ticket_invalid')
      wakeMail()
      return ok(null)
    },
  }
}
