import type { AccountStore } from '../accounts/ports.ts'
import type { Passwords } from '../credentials/passwords.ts'
import type { PasswordStore } from '../credentials/ports.ts'
import type { Throttle } from '../credentials/throttle.ts'
import type { Tickets } from '../credentials/tickets.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import { type Account, noMetadata } from '../kernel/account.ts'
import type { Clock } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import type { Email } from '../kernel/email.ts'
import type { Ids } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { ComposeMail } from '../mail/compose.ts'
import { until } from './verify-email.ts'

export type Registration = { readonly email: Email; readonly password: string; readonly name: string | null }
export type RegisterCode = 'password_rejected' | 'user_creation_disabled'

type RegisterParts = {
  accounts: AccountStore
  stored: PasswordStore
  passwords: Passwords
  tickets: Tickets
  letter: ComposeMail
  throttle: Throttle
  clock: Clock
  ids: Ids
  autoRegister: boolean
  /** An email message was queued. */
  wakeMail: () => void
}

/**
 * Creates an account with a password. The response and the work are the same whether or not the email address is taken
 * (ASVS 6.3.8): only the reader of the mailbox learns that. If nobody has verified the address, the message there says
 * how to take it over, no matter who registered it first.
 */
export function register(parts: RegisterParts) {
  const { accounts, stored, passwords, tickets, letter, throttle, clock, ids, autoRegister, wakeMail } = parts

  return async (
    { email, password, name }: Registration,
    origin: Origin,
  ): Promise<Result<null, AppError<RegisterCode>>> => {
    if (!autoRegister) return fail('user_creation_disabled')
    const accepted = passwords.accept(password, { email: email.address, name })
    if (!accepted.ok) return accepted
    const hash = await passwords.hash(accepted.value)

    const [owner] = await accounts.findByEmail(email.key)
    const at = clock()
    const account: Account = {
      id: ids('usr'),
      email: email.address,
      emailVerified: false,
      name,
      picture: null,
      role: 'user',
      locale: origin.locale ?? null,
      timeZone: null,
      metadata: noMetadata,
      secondFactorAt: null,
      disabledAt: null,
      createdAt: at,
      updatedAt: at,
    }
    const ticket = tickets.make('verify_email', { accountId: account.id, email: email.address })
    const locale = origin.locale ?? 'en'
    const opened = letter({
      template: 'verify_email',
      to: email.address,
      locale,
      accountId: account.id,
      params: until(ticket),
      secret: { ticket: ticket.secret },
    })
    const taken = letter({
      template: owner && !owner.account.emailVerified ? 'address_claimed' : 'address_taken',
      to: owner?.account.email ?? email.address,
      locale: owner?.account.locale ?? locale,
      accountId: owner?.account.id ?? null,
    })
    // Repeated registrations must not fill the mailbox of another person.
    const asked = { subject: `registration:${sha256(email.key)}`, ip: null, trustedDevice: null }
    const quiet = !(await throttle.take(asked)).ok
    await stored.register(
      { account, emailKey: email.key, hash, ticket: ticket.row },
      [{ name: 'account.created', accountId: account.id, origin, data: { via: 'password' } }],
      { opened: [opened], taken: quiet ? [] : [taken] },
    )
    wakeMail()
    return ok(null)
  }
}
