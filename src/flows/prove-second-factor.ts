import type { AccountStore } from '../accounts/ports.ts'
import type { AuditStore } from '../audit/ports.ts'
import { type AuthenticationResponseJSON, amrOf, type Challenge, type Passkeys } from '../credentials/passkeys.ts'
import type { SecondFactorStore } from '../credentials/ports.ts'
import type { RecoveryCodes } from '../credentials/recovery-codes.ts'
import type { Throttle } from '../credentials/throttle.ts'
import type { Totp } from '../credentials/totp.ts'
import type { TrustedDevices } from '../credentials/trusted-devices.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { PendingSignIn } from '../sessions/ports.ts'
import type { SecondFactor, SignedIn, SignIn } from '../sessions/sign-in.ts'

export type SecondProof =
  | { readonly type: 'totp' | 'recovery_code'; readonly code: string }
  | { readonly type: 'passkey'; readonly flowToken: string; readonly response: AuthenticationResponseJSON }

export type SecondFactorCode =
  | 'ticket_invalid'
  | 'user_disabled'
  | 'too_many_attempts'
  | 'second_factor_invalid'
  | 'sign_in_overtaken'
  | 'email_unverified'
  | 'return_to_not_allowed'

/** How the pending sign-in can be completed. */
export type Choice = { readonly totp: boolean; readonly passkey: boolean; readonly recoveryCodes: boolean }

type ProveSecondFactorParts = {
  signIn: SignIn
  accounts: AccountStore
  secondFactors: SecondFactorStore
  totp: Totp
  recoveryCodes: RecoveryCodes
  passkeys: Passkeys
  throttle: Throttle
  trustedDevices: TrustedDevices
  audit: AuditStore
  clock: Clock
}

/**
 * Completes a sign-in with the second factor. The ticket stores what was proven first. A wrong answer leaves it
 * unchanged until it expires; a correct one uses it up. Guesses of codes are counted together with those of passwords.
 * A passkey cannot be guessed.
 */
export function proveSecondFactor(parts: ProveSecondFactorParts) {
  const { signIn, accounts, secondFactors, totp, recoveryCodes, passkeys, throttle, trustedDevices, audit, clock } =
    parts

  /** `undefined` if the proof is wrong. */
  const verify = async (
    { id: pendingId, accountId }: PendingSignIn,
    proof: SecondProof,
    origin: Origin,
  ): Promise<SecondFactor | undefined> => {
    if (proof.type === 'passkey') {
      const shown = await passkeys.shown({ accountId, within: pendingId }, proof.flowToken, proof.response)
      if (!shown.ok) return undefined
      const { passkey, userVerified, using } = shown.value
      return { by: amrOf(passkey, userVerified), using }
    }
    if (proof.type === 'recovery_code') {
      const hashes = recoveryCodes.hashes(accountId, proof.code)
      if (hashes.length === 0 || !(await secondFactors.hasCode({ accountId, hashes }))) return undefined
      const using = secondFactors.usingCode({ accountId, hashes, at: clock() }, (left) => [
        { name: 'recovery_code.used', accountId, origin, data: { left } },
      ])
      return { by: ['otp'], using: [using] }
    }
    const { totp: app } = await secondFactors.find(accountId)
    const step = app?.confirmedAt ? await totp.stepOf(app, proof.code) : null
    if (!app || step === null || step <= app.lastStep) return undefined
    return { by: ['otp'], using: [secondFactors.taking({ accountId, createdAt: app.createdAt, step })] }
  }

  return {
    /** The accepted second factors, while the sign-in is pending. */
    async choice(ticket: string): Promise<Choice | undefined> {
      const pending = await signIn.pending(ticket)
      if (!pending) return undefined
      const [{ totp: app, recoveryCodesLeft }, keys] = await Promise.all([
        secondFactors.find(pending.accountId),
        passkeys.list(pending.accountId),
      ])
      return { totp: app?.confirmedAt != null, passkey: keys.length > 0, recoveryCodes: recoveryCodesLeft > 0 }
    },

    /** The options for a passkey in the browser. */
    async challenge(
      ticket: string,
    ): Promise<
      Result<Challenge<Awaited<ReturnType<Passkeys['secondFactor']>>['options']>, AppError<'ticket_invalid'>>
    > {
      const pending = await signIn.pending(ticket)
      if (!pending) return fail('ticket_invalid')
      return ok(await passkeys.secondFactor({ accountId: pending.accountId, within: pending.id }))
    },

    async prove(
      ticket: string,
      proof: SecondProof,
      origin: Origin,
    ): Promise<Result<SignedIn, AppError<SecondFactorCode>>> {
      const pending = await signIn.pending(ticket)
      const refused = async <C extends SecondFactorCode>(refusal: { ok: false; error: AppError<C> }) => {
        const data = {
          // That of the first factor, except for a passkey: its refusals are not throttled, but counted.
          provider: proof.type === 'passkey' ? 'passkey' : (pending?.proof.provider ?? 'second_factor'),
          code: refusal.error.code,
          intent: 'login' as const,
        }
        await audit.record({ name: 'authentication.failed', accountId: pending?.accountId ?? null, origin, data })
        return refusal
      }
      const account = pending && (await accounts.find(pending.accountId))
      if (!pending || !account) return refused(fail('ticket_invalid'))
      // Checked before anything is used up.
      const over = signIn.refusal(pending, account)
      if (over) return refused({ ok: false, error: over })
      const subject = account.id
      const trustedDevice = await trustedDevices.recognise(subject, origin)
      const attempt = proof.type === 'passkey' ? null : await throttle.take({ subject, ip: origin.ip, trustedDevice })
      if (attempt && !attempt.ok) return refused(attempt)

      const verified = await verify(pending, proof, origin)
      if (!verified) return refused(fail('second_factor_invalid'))
      await attempt?.value.right()
      const signedIn = await signIn.complete(pending, account, verified, origin)
      if (!signedIn.ok) return refused(signedIn)
      await throttle.completed({ subject, trustedDevice })
      const { proof: first, returnTo, codeChallenge } = pending
      const { action, provider, providerUserId } = first
      return ok({ ...signedIn.value, account, action, provider, providerUserId, onward: { returnTo, codeChallenge } })
    },
  }
}
export type ProveSecondFactor = ReturnType<typeof proveSecondFactor>
