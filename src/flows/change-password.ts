import { keepsAWayIn, methodsOf, type SignInRules } from '../accounts/methods.ts'
import type { AccountStore } from '../accounts/ports.ts'
import type { AuditStore } from '../audit/ports.ts'
import type { Passwords } from '../credentials/passwords.ts'
import type { PasswordStore, StoredPassword } from '../credentials/ports.ts'
import type { Throttle } from '../credentials/throttle.ts'
import type { TrustedDevices } from '../credentials/trusted-devices.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import type { Clock } from '../kernel/clock.ts'
import { readEmail } from '../kernel/email.ts'
import { ok, type Result } from '../kernel/result.ts'

/** Who asks, on which device, and whether they signed in lately. */
export type PasswordHolder = { readonly account: Account; readonly sessionId: string; readonly recent: boolean }
export type ChangePasswordCode =
  | 'invalid_credentials'
  | 'invalid_request'
  | 'too_many_attempts'
  | 'password_rejected'
  | 'reauthentication_required'
  | 'email_required'
  | 'email_unverified'
  | 'sign_in_overtaken'

type ChangePasswordParts = {
  stored: PasswordStore
  passwords: Passwords
  throttle: Throttle
  trustedDevices: TrustedDevices
  accounts: AccountStore
  audit: AuditStore
  clock: Clock
  /** The providers that are switched on. */
  rules: SignInRules
}

/**
 * Sets, changes or removes the password of the signed-in user. Requires the current password if there is one: access to
 * an unattended device must not be enough to lock its owner out (ASVS 6.2.3).
 */
export function changePassword(parts: ChangePasswordParts) {
  const { stored, passwords, throttle, trustedDevices, accounts, audit, clock, rules } = parts

  const prove = async (
    { account }: PasswordHolder,
    known: StoredPassword,
    current: string,
    origin: Origin,
  ): Promise<Result<null, AppError<'invalid_credentials' | 'too_many_attempts'>>> => {
    const refused = async <C extends 'invalid_credentials' | 'too_many_attempts'>(refusal: {
      ok: false
      error: AppError<C>
    }) => {
      const data = { provider: 'password', code: refusal.error.code, intent: 'login' } as const
      await audit.record({ name: 'authentication.failed', accountId: account.id, origin, data })
      return refusal
    }
    const trustedDevice = await trustedDevices.recognise(account.id, origin)
    const attempt = await throttle.take({ subject: account.id, ip: origin.ip, trustedDevice })
    if (!attempt.ok) return refused(attempt)
    if (!(await passwords.verify(known.hash, current))) return refused(fail('invalid_credentials'))
    await attempt.value.right()
    return ok(null)
  }

  return {
    /**
     * `invalid_request`: there is a current password, and it was not sent. `email_unverified`: another account that
     * claims this email address already has a password for it; the user who verifies the address gets it.
     */
    async change(
      asking: PasswordHolder,
      { current, wanted }: { current: string | undefined; wanted: string },
      origin: Origin,
    ): Promise<Result<null, AppError<ChangePasswordCode>>> {
      const { account, sessionId, recent } = asking
      const known = await stored.findOf(account.id)
      if (known && current === undefined) return fail('invalid_request')
      if (!known && !recent) return fail('reauthentication_required')
      const email = account.email === null ? undefined : readEmail(account.email)
      if (!email) return fail('email_required')
      const accepted = passwords.accept(wanted, account)
      if (!accepted.ok) return accepted
      if (known && current !== undefined) {
        const proven = await prove(asking, known, current, origin)
        if (!proven.ok) return proven
      }
      const hash = await passwords.hash(accepted.value)
      const done = await stored.set(
        {
          accountId: account.id,
          emailKey: email.key,
          hash,
          expected: known?.changedAt ?? null,
          at: clock(),
          keepSession: sessionId,
          keepDevice: await trustedDevices.recognise(account.id, origin),
        },
        [{ name: known ? 'password.changed' : 'password.set', accountId: account.id, origin, data: {} }],
      )
      if (done) return ok(null)
      return known ? fail('sign_in_overtaken') : fail('email_unverified')
    },

    /** Refuses to remove the last sign-in method. */
    async remove(
      { account, sessionId }: PasswordHolder,
      origin: Origin,
    ): Promise<Result<null, AppError<'not_linked' | 'last_login_method'>>> {
      const keepDevice = await trustedDevices.recognise(account.id, origin)
      const outcome = await stored.remove(
        { accountId: account.id, at: clock(), keepSession: sessionId, keepDevice },
        (left) => keepsAWayIn(methodsOf(left, rules)),
        [{ name: 'password.removed', accountId: account.id, origin, data: {} }],
      )
      if (outcome === 'removed') return ok(null)
      if (outcome === 'no_password') return fail('not_linked')
      const methods = methodsOf(await accounts.signInMethodsOf(account.id), rules)
      return fail('last_login_method', undefined, {
        extra: {
          remaining_methods: methods.map((method) => ({
            type: method.type,
            usable: method.usable,
            ...('provider' in method ? { provider: method.provider } : {}),
          })),
        },
      })
    },
  }
}
