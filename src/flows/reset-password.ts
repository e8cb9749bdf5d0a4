import type { AuditStore } from '../audit/ports.ts'
import { freshAccount } from '../credentials/email-access.ts'
import type { Passwords } from '../credentials/passwords.ts'
import type { EmailAccessRule } from '../credentials/ports.ts'
import type { TrustedDevices } from '../credentials/trusted-devices.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import { type Email, readEmail } from '../kernel/email.ts'
import type { Ids } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import { dataOf, holderOf, opensSomething } from './opened-by-mail.ts'
import { type MailParts, until } from './verify-email.ts'

type ResetPasswordParts = MailParts & {
  passwords: Passwords
  trustedDevices: TrustedDevices
  opens: EmailAccessRule
  ids: Ids
  audit: AuditStore
}

/**
 * Sets a new password for the reader of the account's mailbox. It signs nobody in and leaves second factors unchanged:
 * the mailbox replaces the password, and nothing more (ASVS 6.4.3).
 */
export function resetPassword(parts: ResetPasswordParts) {
  const { addresses, tickets, letter, allowed, clock, mail, wakeMail, passwords } = parts
  const { trustedDevices, opens, ids, audit } = parts

  const refused = async (accountId: string | null, origin: Origin) => {
    const data = { provider: 'email', code: 'ticket_invalid', intent: 'login' } as const
    await audit.record({ name: 'authentication.failed', accountId, origin, data })
    return fail('ticket_invalid')
  }

  return {
    /**
     * A message is sent either way, so that neither the answer nor its time says whether there is an account. `by` is the
     * administrator who requested it, if one did. At the limit for the email address no message is sent and nothing is
     * written: repeated requests by a stranger fill neither the mailbox nor the audit log.
     */
    async ask(email: Email, origin: Origin, by?: string): Promise<Result<null, AppError<'mail_not_configured'>>> {
      if (!mail) return fail('mail_not_configured')
      const holders = await addresses.holders(email.key)
      if (!(await allowed('reset_password', email.key))) return ok(null)
      const opened = opens(holders)
      const holder = holderOf(opened, holders)
      const locale = holder?.locale ?? origin.locale ?? 'en'
      const { accountId = null, address: to = email.address } = holder ?? {}
      const made = tickets.make('reset_password', { accountId, email: to, data: dataOf(opened) })
      // Sealed even without an account, so that it takes equally long.
      const secret = { ticket: made.secret }
      const params = until(made)
      const told = opened
        ? letter({ template: 'reset_password', to, locale, accountId, params, secret })
        : letter({ template: 'no_account', to, locale, params, secret })
      const asked = { accountId, origin }
      await addresses.send(
        made,
        [told],
        [
          by === undefined
            ? { name: 'password.reset_requested', ...asked, data: {} }
            : { name: 'password.reset_started', ...asked, data: { by } },
        ],
      )
      wakeMail()
      return ok(null)
    },

    looks: async (secret: string): Promise<boolean> => opensSomething(await tickets.find('reset_password', secret)),

    async reset(
      secret: string,
      password: string,
      origin: Origin,
    ): Promise<Result<null, AppError<'ticket_invalid' | 'password_rejected' | 'user_disabled'>>> {
      const ticket = await tickets.find('reset_password', secret)
      const email = ticket?.email == null ? undefined : readEmail(ticket.email)
      if (!ticket || !email || !opensSomething(ticket)) return refused(ticket?.accountId ?? null, origin)
      const accepted = passwords.accept(password, { email: ticket.email })
      // The link stays valid, so the user can choose another password.
      if (!accepted.ok) return accepted
      const hash = await passwords.hash(accepted.value)
      const { accountId } = ticket
      const at = clock()
      const fresh = freshAccount(ids('usr'), email, origin.locale ?? null, at)
      // Strangers who used up the account's guesses must not lock its owner out on devices that are already trusted.
      const keepDevice = accountId === null ? null : await trustedDevices.recognise(accountId, origin)
      const reset = await addresses.reset(ticket, { opens, fresh, at, hash, keepDevice }, (tag) =>
        tag === 'fresh'
          ? [
              { name: 'account.created', accountId: fresh.id, origin, data: { via: 'email' } },
              { name: 'password.set', accountId: fresh.id, origin, data: {} },
            ]
          : tag === 'invited'
            ? [
                { name: 'account.invitation_accepted', accountId, origin, data: {} },
                { name: 'password.set', accountId, origin, data: {} },
              ]
            : [{ name: 'password.reset', accountId, origin, data: {} }],
      )
      if (!reset) return refused(accountId, origin)
      wakeMail()
      return reset.account.disabledAt ? fail('user_disabled') : ok(null)
    },
  }
}
export type ResetPassword = ReturnType<typeof resetPassword>
