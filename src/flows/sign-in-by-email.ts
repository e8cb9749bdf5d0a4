import type { AuditStore } from '../audit/ports.ts'
import { freshAccount } from '../credentials/email-access.ts'
import { guessSubject } from '../credentials/guess-subject.ts'
import type { EmailAccessRule, Ticket } from '../credentials/ports.ts'
import type { Throttle } from '../credentials/throttle.ts'
import type { TrustedDevices } from '../credentials/trusted-devices.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Fact, Origin } from '../events/catalogue.ts'
import { sha256 } from '../kernel/crypto.ts'
import { type Email, maskEmail, readEmail } from '../kernel/email.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { SignedIn, SignIn, SignInFailureCode } from '../sessions/sign-in.ts'
import { isStillOpen } from './finish-sign-in.ts'
import { dataOf, holderOf, opensSomething } from './opened-by-mail.ts'
import type { Onward, Returns } from './return-to.ts'
import { type MailParts, until } from './verify-email.ts'

type MailSignInRequest = {
  readonly email: Email
  readonly onward: Onward
  readonly origin: Origin
}
type Requester = {
  readonly origin: Origin
  readonly browser: boolean
  /** The current session of the browser, which ends. */
  readonly replaces: string | null
}
export type SignInByEmailCode = 'ticket_invalid' | SignInFailureCode

type SignInByEmailParts = MailParts & {
  signIn: SignIn
  throttle: Throttle
  trustedDevices: TrustedDevices
  audit: AuditStore
  random: Random
  ids: Ids
  opens: EmailAccessRule
  /** Whether a browser may still be sent to where this sign-in should end. */
  mayReturn: Returns['stillAllowed']
}

/** Signs in with a link or a short code sent to the account's email address. Each works once, for ten minutes. */
export function signInByEmail(parts: SignInByEmailParts) {
  const { addresses, tickets, letter, allowed, clock, mail, wakeMail, signIn, audit, random } = parts
  const { throttle, trustedDevices, ids, opens, mayReturn } = parts

  const refuse = async <C extends SignInByEmailCode | 'too_many_attempts'>(
    error: AppError<C>,
    accountId: string | null,
    origin: Origin,
  ): Promise<{ ok: false; error: AppError<C> }> => {
    const data = { provider: 'email', code: error.code, intent: 'login' } as const
    await audit.record({ name: 'authentication.failed', accountId, origin, data })
    return { ok: false, error }
  }

  const finish = async (
    ticket: Ticket,
    { origin, browser, replaces }: Requester,
  ): Promise<Result<SignedIn, AppError<SignInByEmailCode>>> => {
    const onward = onwardOf(ticket)
    // Checked before the ticket is used, or an account created for it.
    if (!mayReturn(onward)) return refuse(fail('return_to_not_allowed').error, ticket.accountId, origin)
    const email = ticket.email === null ? undefined : readEmail(ticket.email)
    const at = clock()
    const fresh = email && freshAccount(ids('usr'), email, origin.locale ?? null, at)
    // Nothing but the ticket changes: it is used when the session starts, so that a failed request can be repeated.
    const held = await addresses.held(ticket, { opens, at })
    const came = held
      ? ({ tag: 'held', account: held.account } as const)
      : fresh &&
        (await addresses.open(ticket, { opens, fresh, at }, (tag) =>
          tag === 'fresh'
            ? [{ name: 'account.created', accountId: fresh.id, origin, data: { via: 'email' } }]
            : tag === 'invited'
              ? [{ name: 'account.invitation_accepted', accountId: ticket.accountId, origin, data: {} }]
              : [{ name: 'password.removed', accountId: ticket.accountId, origin, data: {} }],
        ))
    if (!came) return refuse(fail('ticket_invalid').error, ticket.accountId, origin)
    // An app on another origin gets its own session and does not affect the browser's.
    const here = browser && onward.codeChallenge === null
    const { tag, account } = came
    const { id } = account
    const action = tag === 'fresh' ? 'created_new_user' : 'login_existing'
    const emailKey = readEmail(ticket.email ?? '')?.key
    const entrance = { provider: 'email', providerUserId: id, action } as const
    const signedIn = await signIn.proceed(
      account,
      { ...entrance, opener: { tag: 'email', ...(emailKey === undefined ? {} : { emailKey }) }, amr: ['otp'] },
      { origin, browser: here, replaces: here ? replaces : null, ...onward },
      held && [held.using],
    )
    if (signedIn.ok) {
      await throttle.completed({ subject: id, trustedDevice: await trustedDevices.recognise(id, origin) })
      return ok({ ...entrance, ...signedIn.value, account, onward })
    }
    return isStillOpen(signedIn.error) ? signedIn : refuse(signedIn.error, id, origin)
  }

  return {
    /**
     * Sends both to the address if its mailbox gives access to an account, and otherwise a message that says so. A code
     * is valid only together with `binding`: the browser's cookie or the app's `flow_token`.
     */
    async begin({
      email,
      onward,
      origin,
    }: MailSignInRequest): Promise<Result<{ binding: string; expiresIn: number }, AppError<'mail_not_configured'>>> {
      if (!mail) return fail('mail_not_configured')
      const binding = secretToken(random)
      const holders = await addresses.holders(email.key)
      const opened = opens(holders)
      const holder = holderOf(opened, holders)
      const { accountId = null, address: to = email.address } = holder ?? {}
      // Recorded without an account, too: guesses of a code are counted and refused in the same way.
      const made = tickets.make('email_sign_in', {
        accountId,
        email: to,
        data: { ...onward, ...dataOf(opened) },
        binding,
      })
      const locale = holder?.locale ?? origin.locale ?? 'en'
      const secret = { ticket: made.secret, code: made.code ?? '' }
      const params = until(made)
      const told = (await allowed('sign_in', email.key))
        ? [
            opened
              ? letter({ template: 'sign_in', to, locale, accountId, params, secret })
              : letter({ template: 'no_account', to, locale, params, secret }),
          ]
        : []
      // Only when a message is sent: repeated requests by a stranger fill neither the mailbox nor the audit log.
      const because: readonly Fact[] =
        told.length === 0 ? [] : [{ name: 'authentication.email_requested', accountId, origin, data: {} }]
      await addresses.send(made, told, because)
      wakeMail()
      return ok({ binding, expiresIn: made.expiresIn })
    },

    /**
     * The account a link signs in to, masked; `undefined` if the link is invalid. Reading it does not use the link up.
     */
    async looks(secret: string): Promise<{ email: string } | undefined> {
      const ticket = await tickets.find('email_sign_in', secret)
      return opensSomething(ticket) && ticket.email !== null ? { email: maskEmail(ticket.email) } : undefined
    },

    async byLink(secret: string, arrival: Requester): Promise<Result<SignedIn, AppError<SignInByEmailCode>>> {
      const ticket = await tickets.find('email_sign_in', secret)
      if (!opensSomething(ticket)) return refuse(fail('ticket_invalid').error, null, arrival.origin)
      return finish(ticket, arrival)
    },

    /** A code is short, so guesses count together with those of all other sign-in methods of the account. */
    async byCode(
      binding: string,
      code: string,
      arrival: Requester,
    ): Promise<Result<SignedIn, AppError<SignInByEmailCode | 'too_many_attempts'>>> {
      const { origin } = arrival
      const asked = await tickets.findBound('email_sign_in', binding)
      const key = asked?.email == null ? undefined : readEmail(asked.email)?.key
      const subject = key === undefined ? sha256(binding) : guessSubject(await addresses.holders(key), key)
      const trustedDevice = asked?.accountId == null ? null : await trustedDevices.recognise(asked.accountId, origin)
      const attempt = await throttle.take({ subject, ip: origin.ip, trustedDevice })
      if (!attempt.ok) return refuse(attempt.error, asked?.accountId ?? null, origin)
      const ticket = await tickets.findByCode('email_sign_in', binding, code)
      if (!opensSomething(ticket)) return refuse(fail('ticket_invalid').error, asked?.accountId ?? null, origin)
      await attempt.value.right()
      return finish(ticket, arrival)
    },
  }
}
export type SignInByEmail = ReturnType<typeof signInByEmail>

function onwardOf({ data: { returnTo, codeChallenge } }: Ticket): Onward {
  return {
    returnTo: typeof returnTo === 'string' ? returnTo : null,
    codeChallenge: typeof codeChallenge === 'string' ? codeChallenge : null,
  }
}
