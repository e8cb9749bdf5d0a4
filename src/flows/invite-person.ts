import type { ManagedAccount } from '../accounts/ports.ts'
import type { Users } from '../accounts/users.ts'
import type { AuditStore } from '../audit/ports.ts'
import type { Passwords } from '../credentials/passwords.ts'
import type { InvitationToSend, InvitedAccountStore, Ticket } from '../credentials/ports.ts'
import type { Tickets } from '../credentials/tickets.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import { type Origin, originForOthers } from '../events/catalogue.ts'
import { type Account, noMetadata, type Role } from '../kernel/account.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Email, readEmail } from '../kernel/email.ts'
import type { Ids } from '../kernel/ids.ts'
import type { Locale } from '../kernel/locale.ts'
import { ok, type Result } from '../kernel/result.ts'
import { type Allowance, hourSeconds } from '../mail/allowance.ts'
import type { ComposeMail } from '../mail/compose.ts'
import { until } from './verify-email.ts'

/** The person that an administrator adds. */
type NewPerson = {
  readonly email: Email
  readonly name: string | null
  readonly role: Role
  /** `null`: the language of the administrator is used for the invitation. */
  readonly locale: Locale | null
  /** Whether to email an invitation. `null`: if email is configured. */
  readonly send: boolean | null
}
type SendCode = 'mail_not_configured' | 'rate_limited'

type InvitePersonParts = {
  invitedAccounts: InvitedAccountStore
  users: Pick<Users, 'get'>
  tickets: Tickets
  letter: ComposeMail
  /** Whether another email of this kind may go to this address. */
  allowed: Allowance
  passwords: Passwords
  audit: AuditStore
  clock: Clock
  ids: Ids
  /** Whether email is configured. */
  mail: boolean
  wakeMail: () => void
}

/**
 * Administrators create accounts for other people. Such an account has a role but no sign-in method, and its email
 * address is not verified: only the person who proves the address gets it. The invitation proves the mailbox and signs
 * nobody in. It is an administrator's permission, so it works where people cannot create accounts themselves.
 */
export function invitePerson(parts: InvitePersonParts) {
  const { invitedAccounts, users, tickets, letter, allowed, passwords, audit, clock, ids, mail, wakeMail } = parts

  const prepare = async (
    { id: accountId, email: to, locale }: Pick<Account, 'id' | 'email' | 'locale'>,
    key: string,
    origin: Origin,
  ): Promise<Result<InvitationToSend, AppError<SendCode>>> => {
    if (!mail) return fail('mail_not_configured')
    if (!(await allowed('invitation', key)))
      return fail('rate_limited', { seconds: String(hourSeconds) }, { retryAfter: hourSeconds })
    const made = tickets.make('invitation', { accountId, email: to })
    return ok({
      ticket: made.row,
      letter: letter({
        template: 'invitation',
        to: to ?? '',
        locale: locale ?? origin.locale ?? 'en',
        accountId,
        params: until(made),
        secret: { ticket: made.secret },
      }),
    })
  }

  const refused = async (accountId: string | null, origin: Origin) => {
    const data = { provider: 'email', code: 'ticket_invalid', intent: 'login' } as const
    await audit.record({ name: 'authentication.failed', accountId, origin, data })
    return fail('ticket_invalid')
  }

  return {
    /** Creates the account, and emails an invitation unless `send` is `false`. */
    async create(
      by: string,
      { email, name, role, locale, send }: NewPerson,
      origin: Origin,
    ): Promise<Result<ManagedAccount, AppError<'email_taken' | SendCode>>> {
      const at = clock()
      const account: Account = {
        id: ids('usr'),
        email: email.address,
        emailVerified: false,
        name,
        picture: null,
        role,
        locale,
        timeZone: null,
        metadata: noMetadata,
        secondFactorAt: null,
        disabledAt: null,
        createdAt: at,
        updatedAt: at,
      }
      const prepared = (send ?? mail) ? await prepare(account, email.key, origin) : ok(null)
      if (!prepared.ok) return prepared
      const about = { accountId: account.id, origin: originForOthers(origin) }
      const created = await invitedAccounts.create(account, email.key, prepared.value, [
        { name: 'account.created', ...about, data: { via: 'invitation', by } },
        ...(prepared.value === null ? [] : [{ name: 'account.invited', ...about, data: { by } } as const]),
      ])
      if (created === 'email_taken') return fail(created)
      wakeMail()
      return ok(created)
    },

    /** Sends an invitation again, with a new link. */
    async send(
      by: string,
      accountId: string,
      origin: Origin,
    ): Promise<Result<ManagedAccount, AppError<'account_not_found' | 'not_invited' | SendCode>>> {
      const found = await users.get(accountId)
      if (!found) return fail('account_not_found')
      const { account } = found
      const email = account.email === null ? undefined : readEmail(account.email)
      if (!email || account.invitedAt === null || account.disabledAt !== null) return fail('not_invited')
      const prepared = await prepare(account, email.key, origin)
      if (!prepared.ok) return prepared
      const sent = await invitedAccounts.send(accountId, prepared.value, [
        { name: 'account.invited', accountId, origin: originForOthers(origin), data: { by } },
      ])
      if (typeof sent === 'string') return fail(sent === 'not_found' ? 'account_not_found' : sent)
      wakeMail()
      return ok(sent)
    },

    /** Deletes the account. Refused once its person has accepted. */
    async withdraw(
      by: string,
      accountId: string,
      origin: Origin,
    ): Promise<Result<null, AppError<'account_not_found' | 'not_invited'>>> {
      const about = { accountId, origin: originForOthers(origin), data: { by } }
      const done = await invitedAccounts.withdraw(accountId, [
        { name: 'account.invitation_withdrawn', ...about },
        { name: 'account.deleted', ...about },
      ])
      if (done === 'withdrawn') return ok(null)
      return fail(done === 'not_found' ? 'account_not_found' : done)
    },

    /** The invitation of a link while it is valid. Reading it does not use it up, since mail scanners follow links. */
    look: (secret: string): Promise<Ticket | undefined> => tickets.find('invitation', secret),

    /**
     * Verifies the email address, and sets the password if one is chosen. Nobody is signed in: a link that is valid for
     * days must not do that (ASVS 6.5.5). Returns the email address to sign in with.
     */
    async accept(
      secret: string,
      password: string | null,
      origin: Origin,
    ): Promise<Result<{ readonly email: string }, AppError<'ticket_invalid' | 'password_rejected'>>> {
      const ticket = await tickets.find('invitation', secret)
      if (!ticket || ticket.email === null) return refused(ticket?.accountId ?? null, origin)
      const { accountId, email } = ticket
      const accepted = password === null ? ok(null) : passwords.accept(password, { email })
      // The link stays valid, so the user can choose another password.
      if (!accepted.ok) return accepted
      const hash = accepted.value === null ? null : await passwords.hash(accepted.value)
      const done = await invitedAccounts.accept(ticket, { at: clock(), hash }, [
        { name: 'account.email_verified', accountId, origin, data: { provider: 'email' } },
        ...(hash === null ? [] : [{ name: 'password.set', accountId, origin, data: {} } as const]),
      ])
      if (!done) return refused(accountId, origin)
      wakeMail()
      return ok({ email })
    },
  }
}
