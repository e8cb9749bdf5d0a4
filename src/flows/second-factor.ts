import type { CredentialChange, SecondFactorStore, TotpFactor } from '../credentials/ports.ts'
import type { RecoveryCodes } from '../credentials/recovery-codes.ts'
import type { Totp } from '../credentials/totp.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Fact, Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'

/** A user who recently authenticated, as strongly as their account requires. */
export type FactorOwner = { readonly account: Account; readonly sessionId: string; readonly origin: Origin }
export type Setup = { readonly secret: string; readonly uri: string }
/** Shown only once. */
export type RecoveryCodeList = readonly string[]

/** How long an app waits for its first code, in seconds. */
const setupSeconds = 600

type SecondFactorParts = { secondFactors: SecondFactorStore; totp: Totp; recoveryCodes: RecoveryCodes; clock: Clock }

/**
 * Turns two-step sign-in on and off. The first valid code of an authenticator app turns it on. A passkey does so only
 * if the user asks for it, since a passkey alone is just another sign-in method. Once it is on, any passkey of the
 * account counts as a second factor.
 */
export function secondFactor({ secondFactors, totp, recoveryCodes, clock }: SecondFactorParts) {
  const changing = ({ account, sessionId }: FactorOwner): CredentialChange => ({
    accountId: account.id,
    sessionId,
    at: clock(),
  })
  const fact = <N extends `second_factor.${'started' | 'cancelled' | 'added' | 'removed'}`>(
    name: N,
    factor: 'totp' | 'passkey',
    { account, origin }: FactorOwner,
  ): Fact => ({ name, accountId: account.id, origin, data: { factor } })
  /** An older one may come from another person, who knows its secret, in a session that has ended. */
  const stillWaits = (app: TotpFactor | undefined): app is TotpFactor =>
    app !== undefined && app.confirmedAt === null && clock() < secondsAfter(app.createdAt, setupSeconds)
  const codesMade = ({ account, origin }: FactorOwner): Fact => ({
    name: 'recovery_codes.made',
    accountId: account.id,
    origin,
    data: {},
  })
  const setup = async (account: Account, secret: string): Promise<Setup> => ({
    secret,
    uri: await totp.uri(secret, account.email ?? account.name ?? account.id),
  })

  return {
    async show(accountId: string): Promise<{ totp: boolean; recoveryCodesLeft: number }> {
      const { totp: app, recoveryCodesLeft } = await secondFactors.find(accountId)
      return { totp: app?.confirmedAt != null, recoveryCodesLeft }
    },

    /** The app that has not confirmed its first code yet. */
    async waiting(account: Account): Promise<Setup | undefined> {
      const { totp: app } = await secondFactors.find(account.id)
      return stillWaits(app) ? setup(account, totp.open(app)) : undefined
    },

    /** Creates a secret for an app. It is not required at sign-in until its first code is confirmed. */
    async beginTotp(doing: FactorOwner): Promise<Result<Setup, AppError<'second_factor_exists'>>> {
      const { account } = doing
      const { factor, secret } = await totp.make(account.id)
      const begun = await secondFactors.begin(factor, [fact('second_factor.started', 'totp', doing)])
      return begun ? ok(await setup(account, secret)) : fail('second_factor_exists')
    },

    async confirmTotp(
      doing: FactorOwner,
      code: string,
    ): Promise<Result<RecoveryCodeList, AppError<'second_factor_missing' | 'second_factor_invalid'>>> {
      const { totp: app } = await secondFactors.find(doing.account.id)
      if (!stillWaits(app)) return fail('second_factor_missing')
      const step = await totp.stepOf(app, code)
      if (step === null) return fail('second_factor_invalid')
      const { shown, rows } = recoveryCodes.make(doing.account.id)
      const confirmed = await secondFactors.confirm({ ...changing(doing), createdAt: app.createdAt, step }, rows, [
        fact('second_factor.added', 'totp', doing),
        codesMade(doing),
      ])
      return confirmed ? ok(shown) : fail('second_factor_missing')
    },

    async removeTotp(doing: FactorOwner): Promise<Result<null, AppError<'second_factor_missing'>>> {
      const removed = await secondFactors.remove(
        changing(doing),
        [fact('second_factor.removed', 'totp', doing)],
        [fact('second_factor.cancelled', 'totp', doing)],
      )
      return removed ? ok(null) : fail('second_factor_missing')
    },

    /**
     * Requires a passkey after every other sign-in method. The current session must have used a second factor, so that
     * an unused passkey locks nobody out.
     */
    async ask(
      doing: FactorOwner & { amr: readonly string[] },
    ): Promise<Result<RecoveryCodeList, AppError<'second_factor_missing' | 'reauthentication_required'>>> {
      if (!doing.amr.includes('mfa')) return fail('reauthentication_required')
      const { shown, rows } = recoveryCodes.make(doing.account.id)
      const asked = await secondFactors.ask(changing(doing), rows, [
        fact('second_factor.added', 'passkey', doing),
        codesMade(doing),
      ])
      return asked ? ok(shown) : fail('second_factor_missing')
    },

    /** Turns two-step sign-in off. Passkeys remain as sign-in methods. */
    async stop(doing: FactorOwner): Promise<Result<null, AppError<'second_factor_missing'>>> {
      const { totp: app } = await secondFactors.find(doing.account.id)
      const factor = app?.confirmedAt ? 'totp' : 'passkey'
      const stopped = await secondFactors.stop(changing(doing), [fact('second_factor.removed', factor, doing)])
      return stopped ? ok(null) : fail('second_factor_missing')
    },

    async replaceCodes(doing: FactorOwner): Promise<Result<RecoveryCodeList, AppError<'second_factor_missing'>>> {
      const { shown, rows } = recoveryCodes.make(doing.account.id)
      const replaced = await secondFactors.replaceCodes(changing(doing), rows, [codesMade(doing)])
      return replaced ? ok(shown) : fail('second_factor_missing')
    },
  }
}
