import type { AuditStore } from '../audit/ports.ts'
import { guessSubject } from '../credentials/guess-subject.ts'
import type { Passwords } from '../credentials/passwords.ts'
import type { AddressStore, PasswordStore } from '../credentials/ports.ts'
import type { Throttle } from '../credentials/throttle.ts'
import type { TrustedDevices } from '../credentials/trusted-devices.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import { sha256 } from '../kernel/crypto.ts'
import { readEmail } from '../kernel/email.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { SignedIn, SignIn, SignInRequest } from '../sessions/sign-in.ts'
import { isStillOpen } from './finish-sign-in.ts'
import type { ProveSecondFactor, SecondFactorCode } from './prove-second-factor.ts'
import type { VerifyEmail } from './verify-email.ts'

export type PasswordCredentials = {
  /** The email address as typed. */
  readonly username: string
  readonly password: string
  /** A code for the second factor, if an app has already asked for it. */
  readonly totp?: string | undefined
  /** The ticket of the verification link, if it was followed first. */
  readonly emailTicket?: string | undefined
}
export type PasswordCode =
  | 'invalid_credentials'
  | 'email_unverified'
  | 'second_factor_required'
  // `return_to` was read a moment ago, with the form.
  | Exclude<SecondFactorCode, 'ticket_invalid' | 'user_disabled' | 'return_to_not_allowed'>

type SignInWithPasswordParts = {
  stored: PasswordStore
  addresses: Pick<AddressStore, 'holders'>
  passwords: Passwords
  throttle: Throttle
  trustedDevices: TrustedDevices
  signIn: SignIn
  audit: AuditStore
  prove: ProveSecondFactor['prove']
  verifyEmail: VerifyEmail
}

/**
 * Signs in with an email address and a password. An unknown address, a wrong password, an account without a password
 * and a disabled account get the same response after the same work.
 */
export function signInWithPassword(parts: SignInWithPasswordParts) {
  const { stored, addresses, passwords, throttle, trustedDevices, signIn, audit, prove, verifyEmail } = parts

  return async (
    { username, password, totp, emailTicket }: PasswordCredentials,
    signInRequest: SignInRequest,
  ): Promise<Result<SignedIn, AppError<PasswordCode>>> => {
    const { origin } = signInRequest
    const email = readEmail(username)
    // Both queries always run, so that an address without a password takes equally long.
    const [known, holders] = email ? await Promise.all([stored.find(email.key), addresses.holders(email.key)]) : []
    let account = known?.account
    const refused = async <C extends PasswordCode>(refusal: { ok: false; error: AppError<C> }) => {
      const data = { provider: 'password', code: refusal.error.code, intent: 'login' } as const
      await audit.record({ name: 'authentication.failed', accountId: account?.id ?? null, origin, data })
      return refusal
    }

    const trustedDevice = account ? await trustedDevices.recognise(account.id, origin) : null
    const subject = account?.id ?? (email && holders ? guessSubject(holders, email.key) : sha256(username))
    const attempt = await throttle.take({ subject, ip: origin.ip, trustedDevice })
    if (!attempt.ok) return refused(attempt)
    let right: boolean
    try {
      right = await passwords.verify(known?.hash ?? null, password)
    } catch (busy) {
      // Nothing was compared, so nothing counts as a guess.
      await attempt.value.right()
      throw busy
    }
    if (!right || !known || !account || account.disabledAt) return refused(fail('invalid_credentials'))
    await attempt.value.right()
    if (passwords.isOutdated(known.hash)) {
      const newHash = await passwords.hash(password.normalize('NFC'))
      await stored.rehash(account.id, known.hash, newHash)
    }

    // If a verified address is required, the verification link must work before the sign-in.
    if (emailTicket !== undefined && (await verifyEmail.confirm(emailTicket, account.id, origin)).ok)
      account = { ...account, emailVerified: true }

    const { id } = account
    const entrance = { account, action: 'login_existing', provider: 'password', providerUserId: id } as const
    const onward = { returnTo: signInRequest.returnTo, codeChallenge: signInRequest.codeChallenge }
    const signedIn = await signIn.proceed(
      account,
      {
        opener: { tag: 'password', changedAt: known.changedAt.getTime() },
        provider: 'password',
        providerUserId: id,
        action: 'login_existing',
        amr: ['pwd'],
      },
      signInRequest,
    )
    if (signedIn.ok) {
      await throttle.completed({ subject, trustedDevice })
      return ok({ ...entrance, ...signedIn.value, onward })
    }
    const ticket = signedIn.error.extra?.second_factor_ticket
    if (totp !== undefined && typeof ticket === 'string') {
      const proven = await prove(ticket, { type: 'totp', code: totp }, origin)
      if (proven.ok) return proven
      const { error } = proven
      // Already in the audit log.
      if (error.code === 'user_disabled') return fail('invalid_credentials')
      return error.code === 'ticket_invalid'
        ? fail('sign_in_overtaken')
        : { ok: false, error: error as AppError<PasswordCode> }
    }
    if (isStillOpen(signedIn.error)) return signedIn as Result<never, AppError<PasswordCode>>
    const { error } = signedIn
    if (error.code === 'email_unverified') await verifyEmail.ask(account, origin)
    // Disabled after it was read: the response is the same.
    if (error.code === 'user_disabled') return refused(fail('invalid_credentials'))
    return refused({ ok: false, error: error as AppError<PasswordCode> })
  }
}
