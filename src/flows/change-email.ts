import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import { type Email, readEmail } from '../kernel/email.ts'
import { ok, type Result } from '../kernel/result.ts'
import { type MailParts, until } from './verify-email.ts'

/** Another address: asked for here, proven there, and only then the account's. */
export function changeEmail({ addresses, tickets, letter, allowed, clock, mail, wakeMail }: MailParts) {
  return {
    /**
     * Writes to the new address, and to the old one that it was asked for. One that somebody has proven gets a letter
     * too, to that somebody: whoever asks here learns nothing. A mere claim is in nobody's way: proving ends it.
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
      // An address that was never proven may be a stranger's: it is told nothing.
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
      // Written where the address is taken, too, though nobody gets its link: that an older link ended, or that the
      // request is among one's own data, would otherwise say that it is free.
      await addresses.send(
        made,
        [there, ...here],
        [{ name: 'account.email_change_requested', accountId, origin, data: {} }],
      )
      wakeMail()
      return ok(null)
    },

    /** What a link would do, for whoever follows it. */
    async looks(secret: string, accountId: string): Promise<{ address: string } | 'not_yours' | 'over'> {
      const ticket = await tickets.find('change_email', secret)
      if (!ticket || ticket.email === null) return 'over'
      return ticket.accountId === accountId ? { address: ticket.email } : 'not_yours'
    },

    /** By the account that asked, signed in: the mail alone is not enough, nor is the sign-in. */
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
