import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { SignInCodes } from '../sessions/codes.ts'
import type { Devices } from '../sessions/devices.ts'
import type { OneTimeCode } from '../sessions/ports.ts'
import type { TokenPair, Tokens } from '../sessions/tokens.ts'

export type CodeRedemption = { readonly account: Account; readonly pair: TokenPair; readonly code: OneTimeCode }

type RedeemCodeParts = { codes: SignInCodes; devices: Devices; tokens: Tokens }

/** Exchanges the `?code=` of an app on another origin, once, with the verifier that only this app has. */
export function redeemCode({ codes, devices, tokens }: RedeemCodeParts) {
  return async (
    code: string,
    verifier: string,
    origin: Origin,
  ): Promise<Result<CodeRedemption, AppError<'code_invalid'>>> => {
    const found = await codes.find(code)
    const session = found && (await devices.find(found.sessionId))
    if (!session) return fail('code_invalid')
    // Last: if anything fails before, a repetition of the request succeeds.
    const spent = await codes.spend(found, verifier, session.usedGeneration)
    if (!spent.ok) {
      if (spent.error.compromised)
        await devices.end({ id: session.id, accountId: session.accountId }, 'code_reused', origin)
      return fail('code_invalid')
    }
    if (session.endedAt || session.account.disabledAt) return fail('code_invalid')
    return ok({ account: session.account, pair: tokens.pair(session), code: found })
  }
}
