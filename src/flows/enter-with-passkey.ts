import type { AccountStore } from '../accounts/ports.ts'
import type { AuditStore } from '../audit/ports.ts'
import { type AuthenticationResponseJSON, amrOf, type Passkeys } from '../credentials/passkeys.ts'
import type { Throttle } from '../credentials/throttle.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Entering, SignedIn, SignIn, SignInCode } from '../sessions/sign-in.ts'

export type PasskeyCode = 'ticket_invalid' | 'passkey_rejected' | SignInCode

type Parts = { passkeys: Passkeys; accounts: AccountStore; signIn: SignIn; throttle: Throttle; audit: AuditStore }

/** Somebody says who they are by a passkey alone: holding it, and its device knowing them, are two factors in one. */
export function enterWithPasskey({ passkeys, accounts, signIn, throttle, audit }: Parts) {
  return {
    challenge: passkeys.signIn,

    async enter(
      flowToken: string,
      response: AuthenticationResponseJSON,
      entering: Entering & { trustedDevice: string | null },
    ): Promise<Result<SignedIn & { account: Account }, AppError<PasskeyCode>>> {
      const { origin, trustedDevice } = entering
      const refused = async <C extends PasskeyCode>(error: AppError<C>, accountId: string | null) => {
        const data = { provider: 'passkey', code: error.code, intent: 'login' } as const
        await audit.record({ name: 'authentication.failed', accountId, origin, data })
        return { ok: false as const, error }
      }
      const shown = await passkeys.shown(null, flowToken, response)
      // A key that was copied, or a site that stands between: its owner reads of it.
      if (!shown.ok) return refused(shown.error, await passkeys.ownerOf(response.id))
      const { passkey, userVerified } = shown.value
      const account = await accounts.find(passkey.accountId)
      if (!account) return refused(fail('passkey_rejected').error, null)
      const signedIn = await signIn.proceed(
        account,
        {
          ...{ opener: { tag: 'passkey', id: passkey.id }, provider: 'passkey', providerUserId: account.id },
          ...{ action: 'login_existing', amr: amrOf(passkey, userVerified) },
        },
        entering,
      )
      if (!signedIn.ok) return refused(signedIn.error, account.id)
      await throttle.completed({ subject: account.id, trustedDevice })
      return ok({ ...signedIn.value, account })
    },
  }
}
export type EnterWithPasskey = ReturnType<typeof enterWithPasskey>
